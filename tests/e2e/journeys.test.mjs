// A clerk's journey with secrets, shared by two machines of a site: one walks it, the collector tells its steps in their order,
// no secret is found in anything that the programs write, and a walk by hand says how it went.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

import { oneStopJourney } from '../support/configs.mjs';
import { getJson } from '../support/http.mjs';
import { makeStack } from './harness.mjs';

const site = '06862';
const key = 'Kh0a/rieng&7d1f';
const stack = await makeStack({
  start: false, probe: false,
  agents: [
    { machine: 'tien-yen-1', site, place: 'Xã Tiên Yên', class: 'workstation' },
    { machine: 'tien-yen-2', site, place: 'Xã Tiên Yên', class: 'workstation' },
  ],
});

// As a system wants it that knows its clients by a key: in a header, in the form, in the URL.
function withKey(file) {
  const journey = oneStopJourney(stack);
  journey.secrets.khoa = `file:${file}`;
  const [, signIn, search] = journey.step;
  signIn.headers = { 'X-Khoa': '{secret.khoa}' };
  signIn.form.khoa = '{secret.khoa}';
  search.query.khoa = '{secret.khoa}';
  return journey;
}

const keyFile = path.join(stack.state, 'khoa');
fs.writeFileSync(keyFile, `${key}\n`, { mode: 0o600 });
for (const agent of stack.agents) {
  agent.more = { journey: [withKey(keyFile)] };
  stack.writeAgentConfig(agent);
}
await stack.startBroker();
await stack.startOnestop();
await stack.startCollector();
await stack.startServer();
for (const agent of stack.agents) stack.startAgent(agent.machine);

const secret = fs.readFileSync(stack.secretFile, 'utf8').trim();
const journeys = () => getJson(`${stack.urls.query}/query/v1/journeys`, { headers: { authorization: `Bearer ${secret}` } });
const probe = (...args) => spawnSync(path.join(stack.bin, 'haidang-agent'), ['--config', stack.agents[0].config, ...args],
  { encoding: 'utf8', timeout: 60000 });
const runs = async () => Object.fromEntries([...(await stack.metrics('metrics/fleet'))
  .matchAll(/^haidang_journey_runs_total\{.*instance="([^"]+)".*\} (\S+)/gm)].map((m) => [m[1], Number(m[2])]));

const forms = [key, encodeURIComponent(key), Buffer.from(key).toString('base64'), 'rieng'];
function assertSilent(text, where) {
  for (const form of forms) assert.ok(!text.includes(form), `the key stands in ${where}`);
}

test('one of them walks all of it, and its steps are told in the order of the walk', async () => {
  await stack.ready('it is walked', async () => Object.values(await runs()).some((n) => n >= 3), 120000);
  const [fewer, more] = Object.values(await runs()).sort((a, b) => a - b);
  assert.ok(fewer === 0 && more >= 3, `${fewer} and ${more} walks`);
  const { steps } = await journeys();
  assert.deepEqual(steps.map((step) => step.step), ['trang-chu', 'dang-nhap', 'tra-cuu', 'mo-ho-so']);
  for (const step of steps) assert.equal(step.sites[0].success, true, step.step);
  assert.deepEqual(steps[3].depends_on, ['csdl-mot-cua']);
});

test('a walk by hand: 0 where it succeeds, 3 where a step fails', async () => {
  const good = probe('probe', 'mot-cua');
  assert.equal(good.status, 0, good.stderr);
  for (const step of ['trang-chu', 'dang-nhap', 'tra-cuu', 'mo-ho-so']) assert.ok(good.stdout.includes(step), good.stdout);
  assertSilent(good.stdout + good.stderr, 'the waterfall');

  await stack.running.onestop.stop();
  const bad = probe('probe', 'mot-cua');
  assert.equal(bad.status, 3, bad.stdout);
  assert.match(bad.stdout, /refused/);
  assertSilent(bad.stdout + bad.stderr, 'the waterfall');
  const unknown = probe('probe', 'khong-co');
  assert.equal(unknown.status, 3);
  assert.match(unknown.stderr, /allowed: mot-cua/);
  await stack.ready('it is told', async () => (await journeys()).steps[0].sites[0]?.reason === 'refused');
  await stack.startOnestop();
  await stack.ready('all is well again', async () => (await journeys()).steps[3].sites[0]?.success === true);
});

test('how objectives are kept is told, from what was stored', async () => {
  const told = await stack.ready('every walk was counted', async () => {
    const { objectives } = await journeys();
    return objectives.length === 2 && objectives.every((one) => one.good_ratio > 0 && one.good_ratio < 1) && objectives;
  }, 150000);
  const [latency, availability] = told;
  assert.deepEqual([latency.kind, latency.target, latency.seconds], ['latency', 0.95, 2]);
  assert.deepEqual([availability.kind, availability.target, availability.seconds], ['availability', 0.995, null]);
  for (const one of told) {
    assert.deepEqual([one.journey, one.step], ['mot-cua', '']);
    // Nothing is older than the windows of a month and of six hours, so that these hold the same.
    const rates = Object.fromEntries(one.burn.map(({ window, rate }) => [window, rate]));
    assert.deepEqual(Object.keys(rates), ['5m', '30m', '1h', '6h', '3d', '30d']);
    const near = (a, b) => assert.ok(Math.abs(a - b) < 1e-6, `${a}, not ${b}`);
    near(rates['30d'], (1 - one.good_ratio) / (1 - one.target));
    near(rates['6h'], rates['30d']);
    near(one.budget_left_ratio, 1 - rates['30d']);
  }
  const shown = [...(await stack.metrics('metrics')).matchAll(/^haidang_objective_good_ratio\{.*objective="(\w+)".*\} (\S+)/gm)];
  assert.deepEqual(shown.map((one) => one[1]).sort(), ['availability', 'latency']);
  for (const [, , ratio] of shown) assert.ok(Number(ratio) > 0 && Number(ratio) < 1, ratio);
});

test('a secret is in nothing that is printed, logged, stored or told', async () => {
  for (const args of [['--print-metrics'], ['--check-config'], ['sources']]) {
    const printed = probe(...args);
    assert.equal(printed.status, 0, printed.stderr);
    assertSilent(printed.stdout + printed.stderr, args.join(' '));
  }
  assertSilent(await stack.metrics('metrics/fleet'), '/metrics/fleet');
  assertSilent(JSON.stringify(await journeys()), '/query/v1/journeys');
  // A key that is wrong is told without itself.
  fs.chmodSync(keyFile, 0o644);
  const open = probe('probe', 'mot-cua');
  assert.equal(open.status, 3);
  assertSilent(open.stdout + open.stderr, 'what is told of an open file');
  const checked = probe('--check-config');
  assert.notEqual(checked.status, 0);
  assertSilent(checked.stdout + checked.stderr, 'what is told of an open file');
  await stack.ready('it is told', async () => (await journeys()).steps[0].sites[0]?.reason === 'internal');
  fs.chmodSync(keyFile, 0o600);

  let seen = 0;
  const look = (directory) => {
    for (const entry of fs.readdirSync(directory, { withFileTypes: true })) {
      const file = path.join(directory, entry.name);
      if (entry.isDirectory()) look(file);
      else if (entry.isFile() && file !== keyFile && !entry.name.startsWith('onestop')) {
        ++seen;
        assertSilent(fs.readFileSync(file, 'latin1'), file);
      }
    }
  };
  look(stack.state);
  assert.ok(seen > 10);
});
