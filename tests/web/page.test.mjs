// Headless Chromium opens the live page as a person would.
import assert from 'node:assert/strict';
import path from 'node:path';
import { after, test } from 'node:test';

import { chromium } from 'playwright-core';

import { artefacts, makeStack } from '../e2e/harness.mjs';
import { liveEverywhere } from '../support/live.mjs';

const stack = await makeStack();
await liveEverywhere(stack, { timeout: 60000 });

const browser = await chromium.launch({
  executablePath: '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
    '--disable-component-update', '--disable-sync'],
});
after(() => browser.close());

// A tab whose console errors, failed requests and requests to elsewhere are kept.
async function open(options = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, locale: 'vi-VN', ...options });
  const page = await context.newPage();
  page.faults = [];
  page.on('console', (message) => message.type() === 'error' && page.faults.push(message.text()));
  page.on('pageerror', (error) => page.faults.push(error.message));
  page.on('request', (request) => {
    if (!request.url().startsWith(stack.urls.page)) page.faults.push(`asks elsewhere: ${request.url()}`);
  });
  await page.goto(stack.urls.page);
  await page.locator('tr[data-machine="co-to-1"][data-state="online"]').waitFor();
  return page;
}
const picture = (page, name) => page.screenshot({ path: path.join(artefacts, `${name}.png`), fullPage: true });
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
  assert.doesNotMatch(text, /undefined|NaN|\bnull\b|\[object|\{\w+\}/);
  await page.locator('[data-machine="co-to-1"] svg[data-points]').waitFor({ state: 'attached' });
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
  assert.ok(text.includes('Đặc khu Cô Tô'), 'names of places stay');
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

test('it fits a phone', async () => {
  const page = await open({ viewport: { width: 360, height: 740 }, hasTouch: true, isMobile: true });
  const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  assert.ok(wide <= 0, `${wide} pixels too wide`);
  for (const agent of stack.agents) assert.ok(await page.locator(`tr[data-machine="${agent.machine}"]`).isVisible());
  await picture(page, 'page-phone');
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
  await page.locator('tr[data-machine="co-to-1"][data-state="online"]').waitFor();
  // The browser itself notes each answer "503" to a chart that was asked for at that moment.
  assert.deepEqual(page.faults.filter((fault) => !/503 \(Service Unavailable\)/.test(fault)), []);
  await page.context().close();
});

test('with the server gone the page itself says so, and recovers', async () => {
  const page = await open();
  await stack.running.server.stop();
  const banner = page.getByTestId('banner');
  await banner.waitFor({ state: 'visible', timeout: 30000 });
  assert.doesNotMatch(await value(page, 'co-to-1', 'load1').innerText(), /\d/);
  await stack.startServer();
  await banner.waitFor({ state: 'hidden', timeout: 40000 });
  await page.context().close();
});
