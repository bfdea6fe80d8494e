// Headless Chromium opens the live page as a person would.
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { artefacts, makeStack } from '../e2e/harness.mjs';
import { liveEverywhere } from '../support/live.mjs';
import { makeBrowser, nonsense, phone, tooWide } from './browser.mjs';

const stack = await makeStack();
await liveEverywhere(stack, { timeout: 60000 });

const browser = await makeBrowser(stack.urls.page, artefacts);
const { picture } = browser;

async function open(options = {}) {
  const page = await browser.open('/', options);
  await page.locator('tr[data-machine="tien-yen-1"][data-state="online"]').waitFor();
  return page;
}
const cell = (page, machine, field) => page.locator(`[data-machine="${machine}"] [data-field="${field}"]`).first();

// The number itself, without what stands beside it (an objective, a mount point).
const value = (page, machine, field) => cell(page, machine, field).locator('.major').first();

test('three sites are listed with state, load, memory, disk, uptime and response time, in Vietnamese', async () => {
  const page = await open();
  assert.equal(await page.locator('html').getAttribute('lang'), 'vi');
  for (const agent of stack.agents) {
    const row = page.locator(`tr[data-machine="${agent.machine}"]`);
    assert.ok((await row.innerText()).includes(agent.place), agent.place);
    for (const field of ['load1', 'memory', 'disk', 'uptime', 'response']) {
      assert.match(await value(page, agent.machine, field).innerText(), /\d/, `${agent.machine}: ${field}`);
    }
  }
  const text = await page.locator('body').innerText();
  assert.match(text, /đang kết nối/i);
  assert.doesNotMatch(text, nonsense);
  await page.locator('[data-machine="tien-yen-1"] svg[data-points]').waitFor({ state: 'attached' });
  await picture(page, 'page-vi');
  assert.deepEqual(page.faults, []);
  await page.context().close();
});

test('values change without reload', async () => {
  const page = await open();
  await page.evaluate(() => (window.sameDocument = true));
  const response = value(page, 'hong-gai-1', 'response');
  const seen = new Set();
  await stack.ready('three different response times', async () => seen.add(await response.innerText()).size >= 3, 60000);
  assert.equal(await page.evaluate(() => window.sameDocument), true);
  assert.deepEqual(page.faults, []);
  await page.context().close();
});

test('the switch changes to English and back, and the choice is kept', async () => {
  const page = await open();
  await page.getByTestId('lang').click();
  await page.locator('html[lang="en"]').waitFor();
  let text = await page.locator('body').innerText();
  assert.match(text, /online/i);
  assert.doesNotMatch(text, /đang kết nối/i);
  assert.ok(text.includes('Xã Tiên Yên'), 'names of places stay');
  await picture(page, 'page-en');
  await page.reload();
  await page.locator('html[lang="en"]').waitFor();
  await page.getByTestId('lang').click();
  await page.locator('html[lang="vi"]').waitFor();
  text = await page.locator('body').innerText();
  assert.match(text, /đang kết nối/i);
  assert.deepEqual(page.faults, []);
  await page.context().close();
});

test("a machine's name leads to its page: its values, which change, its probes, and that nothing was lost", async () => {
  const page = await open();
  await page.getByRole('link', { name: 'hong-gai-1' }).click();
  await page.waitForURL('**/machines/hong-gai-1');
  await page.getByTestId('name').waitFor();
  assert.equal(await page.getByTestId('place').innerText(), 'Tỉnh Quảng Ninh › Phường Hồng Gai');
  assert.match(await page.getByTestId('told').innerText(), /đang kết nối và gửi số liệu đều từ \d/);
  for (const fact of ['hong-gai-1', '06685', 'máy chủ', 'Linux']) {
    assert.ok((await page.getByTestId('facts').innerText()).includes(fact), fact);
  }
  for (const field of ['load1', 'cpu', 'memory', 'disk', 'uptime', 'last_seen']) {
    const shown = page.locator(`#values [data-field="${field}"] dd`);
    await stack.ready(`a value of ${field}`, async () => /\d/.test(await shown.innerText()));
  }
  await page.evaluate(() => (window.sameDocument = true));
  const probe = page.locator('[data-probe="mot-cua / tra-cuu"]');
  const seen = new Set();
  await stack.ready('three different response times',
    async () => seen.add(await probe.locator('.major').innerText()).size >= 3, 60000);
  assert.equal(await page.evaluate(() => window.sameDocument), true);
  await stack.ready('a chart with points', async () => Number(await probe.locator('svg').getAttribute('data-points')) > 3);
  await page.getByText('Không mất số liệu nào trong 7 ngày qua.').waitFor();
  await page.locator('[data-event="agent_started"]').waitFor();
  assert.doesNotMatch(await page.locator('body').innerText(), nonsense);
  await picture(page, 'machine-live');
  await page.getByTestId('back').click();
  await page.locator('tr[data-machine="hong-gai-1"]').waitFor();
  assert.deepEqual(page.faults, []);
  await page.context().close();
});

test('it fits a phone', async () => {
  const page = await open(phone);
  const wide = await tooWide(page);
  assert.ok(wide <= 0, `${wide} pixels too wide`);
  for (const agent of stack.agents) assert.ok(await page.locator(`tr[data-machine="${agent.machine}"]`).isVisible());
  await picture(page, 'page-phone');
  assert.deepEqual(page.faults, []);
  await page.context().close();
});

test('a one-stop system that fails is a trouble on the page of journeys, with where the cause lies, until it works again', async () => {
  const page = await browser.open('/journeys');
  await page.locator('tr[data-step="tra-cuu"]').waitFor();
  await page.locator('#calm[data-calm="calm"]').waitFor({ timeout: 30000 });
  await stack.onestopMode('error500');
  const trouble = page.locator('[data-trouble="failing"]');
  await trouble.getByText('3/3 điểm · máy chủ trả về mã lỗi').waitFor({ timeout: 45000 });
  assert.match(await trouble.innerText(), /mot-cua \/ tra-cuu/);
  assert.match(await trouble.locator('[data-field="summary"]').innerText(), /Từ \d\d:\d\d, .*tra-cuu/);
  assert.match(await trouble.locator('[data-field="cause"]').innerText(), /^Nguyên nhân ở/);
  assert.ok((await trouble.locator('.evidence li').count()) > 0);
  assert.doesNotMatch(await page.locator('body').innerText(), nonsense);
  await picture(page, 'journeys-live');
  await stack.onestopMode('ok');
  await trouble.waitFor({ state: 'detached', timeout: 60000 });
  assert.deepEqual(page.faults, []);
  await page.context().close();
});

test('a machine that is killed and a one-stop system that fails are seen at once', async () => {
  const page = await open();
  await stack.onestopMode('error500');
  await page.locator('[data-finding="probe_failed"]').first().waitFor({ timeout: 20000 });
  stack.running['tinh-1'].kill('SIGKILL');
  await page.locator('tr[data-machine="tinh-1"][data-state="vanished"]').waitFor({ timeout: 20000 });
  assert.doesNotMatch(await value(page, 'tinh-1', 'load1').innerText(), /\d/, 'no stale value');
  await picture(page, 'page-trouble');
  await stack.onestopMode('ok');
  stack.startAgent('tinh-1');
  await page.locator('tr[data-machine="tinh-1"][data-state="online"]').waitFor({ timeout: 20000 });
  assert.deepEqual(page.faults, []);
  await page.context().close();
});

test('with the collector stopped it says since when there is no data, and shows no stale value', async () => {
  const page = await open();
  await stack.running.collector.stop();
  const banner = page.getByTestId('banner');
  await banner.waitFor({ state: 'visible', timeout: 20000 });
  assert.match(await banner.innerText(), /Không có dữ liệu từ .*\d/);
  for (const agent of stack.agents) {
    for (const field of ['load1', 'memory', 'disk', 'response']) {
      assert.doesNotMatch(await value(page, agent.machine, field).innerText(), /\d/, `${agent.machine}: ${field}`);
    }
  }
  await picture(page, 'page-no-data');
  await stack.startCollector();
  await banner.waitFor({ state: 'hidden', timeout: 30000 });
  await page.locator('tr[data-machine="tien-yen-1"][data-state="online"]').waitFor();
  // The browser itself notes each answer "503" to a chart that was asked for at that moment.
  assert.deepEqual(page.faults.filter((fault) => !/503 \(Service Unavailable\)/.test(fault)), []);
  await page.context().close();
});

test('with the server gone the page itself says so, and recovers', async () => {
  const page = await open();
  await stack.running.server.stop();
  const banner = page.getByTestId('banner');
  await banner.waitFor({ state: 'visible', timeout: 30000 });
  assert.doesNotMatch(await value(page, 'tien-yen-1', 'load1').innerText(), /\d/);
  await stack.startServer();
  await banner.waitFor({ state: 'hidden', timeout: 40000 });
  await page.context().close();
});
