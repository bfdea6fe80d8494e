// Two agents of one site share a journey: real programs, a real broker. One walks, at its death the other does, and nobody
// loses it because the collector begins anew.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import { test } from 'node:test';

import { getJson } from '../support/http.mjs';
import { makeStack } from './harness.mjs';

const site = '06862';
const journey = (stack) => ({
  journey: [{
    name: 'mot-cua', interval: '1s', ca: stack.authority.ca,
    step: [
      { name: 'trang-chu', url: `${stack.urls.onestop}/` },
      { name: 'tra-cuu', url: `${stack.urls.onestop}/tra-cuu?q=nguyen`, contains: ['so-ket-qua'] },
    ],
  }],
});
const stack = await makeStack({
  start: false, probe: false,
  agents: [
    { machine: 'tien-yen-1', site, place: 'Xã Tiên Yên', class: 'workstation' },
    { machine: 'tien-yen-2', site, place: 'Xã Tiên Yên', class: 'workstation' },
  ],
});
await stack.prepare();
for (const agent of stack.agents) {
  agent.more = journey(stack);
  stack.writeAgentConfig(agent);
}
await stack.startBroker();
await stack.startOnestop();
await stack.startCollector();
for (const agent of stack.agents) stack.startAgent(agent.machine);

const secret = fs.readFileSync(stack.secretFile, 'utf8').trim();
const journeys = () => getJson(`${stack.urls.query}/query/v1/journeys`, { headers: { authorization: `Bearer ${secret}` } });
const holder = async () => (await journeys()).leases.find((l) => l.journey === 'mot-cua' && l.site === site)?.machine;
// How often each machine has walked, as its newest batch says.
async function walks() {
  const text = await stack.metrics('metrics/fleet');
  const lines = text.split('\n').filter((line) => line.startsWith('haidang_journey_runs_total{'));
  return Object.fromEntries(lines.map((line) => [/instance="([^"]+)"/.exec(line)[1], Number(/\} (\S+)/.exec(line)[1])]));
}
// Only this machine walks from now on.
async function walksAlone(machine) {
  await stack.ready(`${machine} has it`, async () => await holder() === machine, 90000);
  const before = await walks();
  await stack.ready(`${machine} walks`, async () => (await walks())[machine] >= (before[machine] ?? 0) + 4);
  const after = await walks();
  for (const other of Object.keys(after).filter((name) => name !== machine)) {
    assert.ok(after[other] - (before[other] ?? 0) <= 1, `${other} walks too: ${before[other]}, then ${after[other]}`);
  }
}

test('one of them walks, and the load is told', async () => {
  await walksAlone('tien-yen-1');
  const { loads } = await journeys();
  assert.equal(loads.length, 1);
  assert.equal(loads[0].allowed_per_second, 5);
  assert.ok(loads[0].requests_per_second > 0);
});

test('it is killed: the other one walks, and goes on when it is back', async () => {
  stack.running['tien-yen-1'].kill('SIGKILL');
  const began = Date.now();
  await stack.ready('the other one has it', async () => await holder() === 'tien-yen-2');
  assert.ok(Date.now() - began < 10000);
  await walksAlone('tien-yen-2');
  stack.startAgent('tien-yen-1');
  await stack.ready('it is back', async () => (await walks())['tien-yen-1'] === 0);
  await walksAlone('tien-yen-2');
});

test('without a collector the holder goes on, and the collector that comes takes it from nobody', async () => {
  const before = (await walks())['tien-yen-2'];
  await stack.running.collector.stop();
  await new Promise((resolve) => setTimeout(resolve, 6000));
  await stack.startCollector();
  await stack.ready('it walked on', async () => (await walks())['tien-yen-2'] >= before + 5);
  await walksAlone('tien-yen-2');
});
