// The pages with a feed of our own: what a real province would rarely show.
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { artefacts } from '../e2e/harness.mjs';
import { getJson } from '../support/http.mjs';
import { makeBrowser, nonsense, phone, tooWide } from './browser.mjs';
import { Province } from './province.mjs';

const province = await Province.start(6);
const [vanished, silent, flat] = province.machines.map((at) => at.machine);
const browser = await makeBrowser(province.page, artefacts);
const longName = 'm'.repeat(64);
const longPlace = `Xã ${'MộtTênRấtDài'.repeat(12)}`;

// Opens `address` with a feed that `change` made of what the server tells; `series` answers for charts.
async function open(address, change, { options, series } = {}) {
  const page = await browser.open('', options);
  const overview = await getJson(`${province.page}/api/v1/overview`);
  change(overview);
  await page.route('**/api/v1/stream', (route) => route.fulfill({
    contentType: 'text/event-stream', body: `retry: 500\nevent: overview\ndata: ${JSON.stringify(overview)}\n\n`,
  }));
  if (series) await page.route('**/api/v1/series?*', (route) => route.fulfill({ json: { series: series(overview.now_ms) } }));
  await page.goto(province.page + address);
  return page;
}
async function close(page) {
  assert.doesNotMatch(await page.locator('body').innerText(), nonsense);
  assert.deepEqual(page.faults, []);
  await page.context().close();
}

test('a collector without a broker, or with a full disk, is told with since when', async () => {
  const since = Date.now() - 10 * 60e3;
  for (const [field, pattern] of [
    ['broker_down_since_ms', /^Bộ thu thập mất kết nối với máy chủ trung chuyển \(MQTT\) từ \d\d:\d\d:\d\d/],
    ['not_stored_since_ms', /^Không lưu được dữ liệu từ \d\d:\d\d:\d\d.*đĩa đã đầy/],
  ]) {
    const page = await open('/', ({ collector }) => {
      Object.assign(collector, { [field]: since, broker_connected: field !== 'broker_down_since_ms' });
    });
    const banner = page.getByTestId('banner');
    await banner.waitFor({ state: 'visible' });
    assert.match(await banner.innerText(), pattern);
    await browser.picture(page, `page-${field}`);
    await close(page);
  }
});

test('a machine that is silent does not read like one that vanished', async () => {
  const now = Date.now();
  const page = await open('/', (overview) => {
    for (const [name, state] of [[vanished, 'vanished'], [silent, 'silent']]) {
      const machine = overview.machines.find((at) => at.machine === name);
      machine.state = state;
      overview.findings.push({ id: 1, kind: 'machine_vanished', machine: name, site: machine.site, site_name: machine.site_name,
        journey: '', step: '', opened_ms: now - 60e3, closed_ms: null, numbers: {}, words: { state } });
    }
  });
  const title = (name) => page.locator(`[data-finding][data-machine="${name}"] strong`).innerText();
  await page.locator(`[data-finding][data-machine="${silent}"]`).waitFor();
  assert.equal(await title(vanished), 'Máy mất kết nối');
  assert.equal(await title(silent), 'Máy không gửi dữ liệu, dù chưa mất kết nối');
  assert.match(await page.getByTestId('tile-lost').innerText(), /1 mất kết nối, 1 không gửi dữ liệu/);
  await browser.picture(page, 'page-lost');
  await close(page);
});

test('the longest names of machines and places fit, on a phone too', async () => {
  for (const options of [{}, phone]) {
    for (const address of ['/', `/machines/${longName}`]) {
      const page = await open(address, (overview) => {
        const machine = overview.machines[0];
        Object.assign(machine, { machine: longName, site_name: longPlace, site: 'x'.repeat(64), disk_mountpoint: `/${'d'.repeat(200)}` });
        overview.sites.push({ code: machine.site, name: longPlace, level: 'commune', parent_code: '' });
        overview.findings.push({ id: 1, kind: 'probe_failed', machine: longName, site: machine.site, site_name: longPlace,
          journey: 'j'.repeat(64), step: 's'.repeat(64), opened_ms: overview.now_ms, closed_ms: null, numbers: {}, words: { reason: 'r'.repeat(90) } });
      }, { options });
      await page.locator(`[data-machine="${longName}"]`).first().waitFor();
      assert.ok((await tooWide(page)) <= 0, `${address}: ${await tooWide(page)} pixels too wide`);
      await browser.picture(page, `long-${address === '/' ? 'page' : 'machine'}-${options.isMobile ? 'phone' : 'desktop'}`);
      page.faults = page.faults.filter((fault) => !/404/.test(fault));  // the server knows no such machine
      await close(page);
    }
  }
});

test('a response time that does not change is a line in the middle of its chart', async () => {
  const series = (now) => ['probe_duration_seconds', 'probe_success'].map((metric) => {
    const times = Array.from({ length: 60 }, (_, i) => now - (60 - i) * 60e3);
    return { machine: flat, metric, labels: { journey: 'mot-cua', step: 'tra-cuu' }, times,
      values: times.map(() => (metric === 'probe_success' ? 1 : 0.2)) };
  });
  const page = await open(`/machines/${flat}`, (overview) => {
    overview.machines.find((at) => at.machine === flat).probes[0].seconds = 0.2;
  }, { series });
  const line = page.locator('.probe .line').first();
  await line.waitFor({ state: 'attached' });
  const heights = (await line.getAttribute('points')).split(' ').map((point) => Number(point.split(',')[1]));
  assert.ok(heights.every((y) => Math.abs(y - 22) < 2), String(heights));
  await browser.picture(page, 'machine-flat');
  await close(page);
});
