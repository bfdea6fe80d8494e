// The page of one machine, with a made-up province behind it.
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { artefacts } from '../e2e/harness.mjs';
import { eventually } from '../support/wait.mjs';
import { makeBrowser, nonsense, phone, tooWide } from './browser.mjs';
import { Province } from './province.mjs';

const province = await Province.start(9);
const names = province.machines.map((at) => at.machine);
const [ill, whole, vanished, silent, stopped, suspended, reborn, many] = names;
const browser = await makeBrowser(province.page, artefacts);

const hour = 3600e3;
const now = Date.now();
const gap = (machine, hoursAgo, fields) => ({
  machine, from_ms: now - (hoursAgo + 2) * hour, to_ms: now - hoursAgo * hour, batches: 480, recovered: 480, lost: 0,
  reason: '', opened_ms: now - hoursAgo * hour, closed_ms: now - hoursAgo * hour + 600e3, ...fields,
});
const reasons = ['full', 'age', 'corrupt', 'damaged', 'spool_gone', 'not_kept', 'implausible_time', 'tomorrows_reason'];
const gaps = [
  gap(ill, 1, { recovered: 400, closed_ms: undefined }),
  gap(ill, 10, {}),
  gap(ill, 20, { from_ms: undefined, recovered: 0, lost: 480, reason: 'spool_gone' }),
  ...reasons.map((reason, i) => gap(ill, 30 + 5 * i, { recovered: 470, lost: 10, reason })),
  gap(reborn, 5, { recovered: 100, closed_ms: undefined }),
  ...Array.from({ length: 130 }, (_, i) => gap(many, i + 1, {})),
];
const event = (kind, minutesAgo, key = '', text = '') => ({ machine: ill, kind, key, text, time_ms: now - minutesAgo * 60e3 });
const events = [
  event('probe_recovered', 1, 'mot-cua/tra-cuu', 'ok'),
  event('probe_failed', 5, 'mot-cua/tra-cuu', 'status: 503 Service Unavailable'),
  event('agent_started', 60, ill, '0.1.0'),
  event('agent_stopping', 61),
  event('machine_booted', 62, '', 'abrupt: it was not shut down; kernel 6.1.0-26-amd64, was 6.1.0-25-amd64'),
  event('oom_kill', 63, 'java', 'memory: pid 4711, 2048 MiB'),
  event('oom_kill', 64, '', 'tomorrows_reason: 3'),
  event('plugin_state', 64.5, 'backup', 'critical: the backup is 3 days old, was ok'),
  event('constructor', 65, 'x', 'y'),
  event('disk_smart', 90, 'sda', '<img src=x onerror="document.title=\'broken in\'">'),
];
await province.steer({ gaps, events });
for (const [machine, state] of Object.entries({ [vanished]: 'vanished', [silent]: 'silent', [stopped]: 'stopped', [suspended]: 'suspended' })) {
  await province.steer({ leave: machine, as: state, at: now - 2 * hour });
  await eventually(`${machine} is ${state}`, async () => (await province.machine(machine)).state === state);
}

async function open(machine, options = {}, query = '') {
  const page = await browser.open(`/machines/${encodeURIComponent(machine)}${query}`, options);
  await page.locator('#verdict:not(:empty)').waitFor();
  return page;
}

async function close(page) {
  assert.doesNotMatch(await page.locator('body').innerText(), nonsense);
  assert.deepEqual(page.faults, []);
  await page.context().close();
}

const text = (page, id) => page.getByTestId(id).innerText();
const says = (page, id, pattern) => eventually(`${id} says ${pattern}`, async () => pattern.test(await text(page, id)));

test('stopped on purpose, suspended, vanished and silent are told apart, with since when', async () => {
  const told = [
    [whole, 'Đang kết nối', /gửi số liệu đều từ \d\d:\d\d/],
    [vanished, 'Mất kết nối', /mất kết nối đột ngột lúc \d\d:\d\d.* \(đã 2 giờ .*\) mà không báo trước/],
    [silent, 'Không gửi dữ liệu', /không gửi số liệu từ \d\d:\d\d.* vẫn thấy kết nối/],
    [stopped, 'Đã dừng giám sát', /được dừng đúng cách lúc \d\d:\d\d.*không phải là sự cố/],
    [suspended, 'Tạm nghỉ', /chế độ ngủ lúc \d\d:\d\d.*không phải là sự cố/],
  ];
  for (const [machine, badge, pattern] of told) {
    const page = await open(machine);
    assert.equal((await page.getByTestId('state').innerText()).trim(), badge);
    assert.match(await text(page, 'told'), pattern);
    const load = await page.locator('#values [data-field="load1"] dd').innerText();
    if (machine === whole) assert.match(load, /\d/);
    else assert.equal(load, '–', `${machine}: no stale value`);
    await close(page);
  }
});

test('the ledger says what was missing, what came later, what is lost and why, in words', async () => {
  const page = await open(ill);
  const rows = page.locator('#ledger tr');
  await eventually('eleven gaps', async () => (await rows.count()) === 11);
  assert.match(await text(page, 'verdict'), /^Mất hẳn 560 lượt đo, còn chờ gửi bù 80; số lần gián đoạn: 11\.$/);
  assert.match(await rows.nth(0).innerText(), /2 giờ 0 phút\s+480\s+400\s+0\s+Chưa xong: còn chờ gửi bù 80 lượt đo/);
  assert.match(await rows.nth(1).innerText(), /480\s+480\s+0\s+Đã gửi bù đủ\s+lúc \d\d:\d\d/);
  assert.match(await rows.nth(2).innerText(), /không rõ →.*–\s+480\s+0\s+480\s+Đã xong, mất toàn bộ/s);
  const words = await page.locator('#ledger [data-field="reason"]').allInnerTexts();
  for (const pattern of [/đã đầy/, /chờ gửi quá lâu/, /tệp lưu tạm trên máy bị hỏng/, /không đọc được/, /cài lại phần mềm giám sát/,
    /không còn giữ/, /đồng hồ của máy sai/, /tomorrows_reason/]) {
    assert.ok(words.some((shown) => pattern.test(shown)), String(pattern));
  }
  assert.equal(new Set(words).size, reasons.length);
  await browser.picture(page, 'machine-vi');
  await close(page);
});

test('where nothing is missing it says so; while the machine is away, until when', async () => {
  let page = await open(whole);
  await says(page, 'verdict', /^Không mất số liệu nào trong 7 ngày qua\.$/);
  assert.equal(await page.getByTestId('ledger').isVisible(), false);
  await close(page);
  page = await open(vanished);
  await says(page, 'verdict', /^Không mất số liệu nào trong 7 ngày qua, tính đến \d\d:\d\d/);
  assert.match(await text(page, 'ledger-note'), /Chưa tính thời gian từ \d\d:\d\d.* đến nay/);
  await close(page);
});

test('a gap that closes is seen without a reload', async () => {
  const page = await open(reborn);
  await says(page, 'verdict', /^Chưa mất số liệu nào; số lượt đo còn chờ gửi bù: 380;/);
  await page.evaluate(() => (window.sameDocument = true));
  await province.steer({ gaps: gaps.map((at) => (at.machine === reborn ? gap(reborn, 5, {}) : at)) });
  await eventually('the gap is closed', async () => /^Không mất số liệu nào: mọi lượt đo/.test(await text(page, 'verdict')), { timeout: 45000 });
  assert.equal(await page.evaluate(() => window.sameDocument), true);
  await close(page);
});

test('a long ledger is shown in parts', async () => {
  const page = await open(many);
  const rows = page.locator('#ledger tr');
  await eventually('the newest twenty', async () => (await rows.count()) === 20);
  await page.getByRole('button', { name: 'Xem thêm 100 lần gián đoạn' }).click();
  assert.equal(await rows.count(), 120);
  await page.getByRole('button', { name: 'Xem thêm 10 lần gián đoạn' }).click();
  assert.equal(await rows.count(), 130);
  assert.equal(await page.locator('#ledger-more').isVisible(), false);
  await close(page);
});

test('what happened is told in words, what machines say stays text', async () => {
  const page = await open(ill);
  const items = page.locator('#events li');
  await eventually('ten events', async () => (await items.count()) === 10);
  assert.match(await items.nth(0).innerText(), /Kiểm tra đạt trở lại/);
  assert.match(await items.nth(1).innerText(), /Kiểm tra không đạt\s+mot-cua\/tra-cuu · máy chủ trả về mã lỗi · 503 Service Unavailable/);
  assert.match(await items.nth(2).innerText(), /Phần mềm giám sát khởi động\s+phiên bản 0\.1\.0/);
  assert.match(await items.nth(3).innerText(), /Phần mềm giám sát dừng theo lệnh/);
  assert.match(await items.nth(4).innerText(),
    /Máy khởi động lại\s+không được tắt đúng cách: mất điện, bị reset hoặc treo · it was not shut down; kernel 6\.1\.0-26-amd64/);
  assert.match(await items.nth(5).innerText(), /thiếu bộ nhớ\s+java · máy hết bộ nhớ · pid 4711, 2048 MiB/);
  assert.match(await items.nth(6).innerText(), /tomorrows_reason · 3/);
  assert.match(await items.nth(7).innerText(), /Phép kiểm tra đổi trạng thái\s+backup · nghiêm trọng · the backup is 3 days old, was ok/);
  assert.match(await items.nth(8).innerText(), /Diễn biến: constructor\s+x · y/);
  assert.match(await items.nth(9).innerText(), /Diễn biến: disk_smart\s+sda · <img src=x onerror=/);
  assert.equal(await page.title(), `${ill} – Hải Đăng`);
  await close(page);
});

test('each probe has its value and the chart of the last hour; an open finding stands on the page', async () => {
  await province.steer({ fail: ill, at: now - 120e3 });
  const page = await open(ill);
  await page.locator('[data-finding="probe_failed"]').first().waitFor();
  assert.equal(await page.locator(`[data-finding]:not([data-machine="${ill}"])`).count(), 0);
  for (const step of ['tra-cuu', 'nop-ho-so']) {
    const card = page.locator(`[data-probe="mot-cua / ${step}"]`);
    await eventually(`the chart of ${step}`, async () => Number(await card.locator('svg').getAttribute('data-points')) > 100);
    assert.match(await card.locator('[data-field="response"]').innerText(), /Lỗi\s+quá thời gian chờ phản hồi/);
    assert.match(await card.locator('[data-field="summary"]').innerText(), /thấp nhất 0,\d+ giây, .* [1-9]\d* lần không đạt/);
  }
  await province.steer({ heal: ill });
  await page.locator('[data-finding="probe_failed"]').first().waitFor({ state: 'detached' });
  await close(page);
});

test('in English nothing is left in Vietnamese but names', async () => {
  const page = await open(ill);
  await eventually('the ledger', async () => (await page.locator('#ledger tr').count()) === 11);
  await page.getByTestId('lang').click();
  await page.locator('html[lang="en"]').waitFor();
  await says(page, 'verdict', /^Readings lost: 560; still to come: 80; gaps: 11\.$/);
  const shown = (await page.locator('main').innerText()).replaceAll(await text(page, 'place'), '').replaceAll(/Phường [^·\n]+/g, '');
  assert.doesNotMatch(shown, /[ạảãàáâậầấẩẫăắằặẳẵđêệềếểễôộồốổỗơợờớởỡưựừứửữ]/i);
  await browser.picture(page, 'machine-en');
  await close(page);
});

test('it fits a phone, in the light and in the dark', async () => {
  for (const colorScheme of ['light', 'dark']) {
    const page = await open(ill, { ...phone, colorScheme });
    await eventually('the ledger', async () => (await page.locator('#ledger tr').count()) === 11);
    assert.ok((await tooWide(page)) <= 0);
    await browser.picture(page, `machine-phone-${colorScheme}`);
    await close(page);
  }
});

test('the keyboard reaches everything in order, and a screen reader finds headings and tables', async () => {
  const page = await open(ill);
  const focused = async () => {
    await page.keyboard.press('Tab');
    return page.evaluate(() => document.activeElement.textContent);
  };
  for (const expected of ['Đến nội dung của máy', 'Hải Đăng', 'English', '← Tất cả điểm giám sát và máy']) {
    assert.equal(await focused(), expected);
  }
  assert.equal(await page.getByRole('heading', { level: 1 }).innerText(), ill);
  assert.ok((await page.getByRole('heading', { level: 2 }).count()) >= 5);
  await page.getByRole('table', { name: 'Sổ gián đoạn số liệu, 7 ngày qua' }).waitFor();
  assert.equal(await page.getByRole('columnheader').count(), 6);
  await page.getByRole('img', { name: /Thời gian phản hồi trong một giờ qua: thấp nhất/ }).first().waitFor();
  await close(page);
});

test('a machine that nobody knows is told, with the way back', async () => {
  const page = await browser.open(`/machines/${encodeURIComponent('<b>không có')}`);
  await page.getByRole('heading', { name: 'Không có máy “<b>không có”' }).waitFor();
  assert.equal(await page.getByTestId('who').isVisible(), false);
  await page.getByTestId('back').click();
  await page.locator(`tr[data-machine="${ill}"]`).waitFor();
  await close(page);
});

test('while the collector does not answer nothing is shown as current, and it recovers by itself', async () => {
  const page = await open(whole);
  await says(page, 'verdict', /^Không mất số liệu nào/);
  await province.steer({ hang: true });
  const banner = page.getByTestId('banner');
  await banner.waitFor({ state: 'visible', timeout: 20000 });
  assert.match(await banner.innerText(), /Không có dữ liệu từ .*\d/);
  assert.match(await page.getByTestId('state').innerText(), /Không rõ\s+lúc \d\d:\d\d.*: Đang kết nối/);
  for (const field of ['load1', 'cpu', 'memory', 'disk', 'uptime']) {
    assert.doesNotMatch(await page.locator(`#values [data-field="${field}"] dd`).innerText(), /\d/, field);
  }
  assert.doesNotMatch(await page.locator('.probe [data-field="response"] .major').first().innerText(), /\d/);
  assert.equal(await text(page, 'verdict'), 'Chưa biết, vì không có dữ liệu.');
  assert.match(await text(page, 'ledger-note'), /Sổ theo dữ liệu lúc \d\d:\d\d/);
  await browser.picture(page, 'machine-no-data');
  await province.steer({ hang: false });
  await banner.waitFor({ state: 'hidden', timeout: 30000 });
  await says(page, 'verdict', /^Không mất số liệu nào trong 7 ngày qua\.$/);
  // The browser itself notes each answer "503" to what was asked in the first seconds of the silence.
  page.faults = page.faults.filter((fault) => !/503 \(Service Unavailable\)/.test(fault));
  await close(page);
});
