// A broker that hangs: connected, but nothing comes through. The collector notices, says so once, and concludes
// nothing about machines that it cannot hear. Agents notice, too, within a minute.
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { liveEverywhere } from '../support/live.mjs';
import { stays } from '../support/wait.mjs';
import { count, makeStack } from './harness.mjs';

const stack = await makeStack({ detect: { vanished_after: '0s' } });
await liveEverywhere(stack, { timeout: 60000 });

const vanished = async () => (await stack.overview()).findings.filter((finding) => finding.kind === 'machine_vanished');

test('a broker that hangs is noticed within half a minute by the collector and within a minute by agents, and no machine is blamed for it', async () => {
  const log = () => stack.running.collector.log();
  assert.equal(count(log(), /no broker/), 0, log());
  stack.running.broker.kill('SIGSTOP');
  const hung = Date.now();
  await stays('no finding', async () => (await vanished()).length === 0, 15000);
  await stack.ready('the collector has noticed', async () => (await stack.overview()).collector.broker_down_since_ms !== null, 30000);
  assert.ok(Date.now() - hung < 35000, `noticed after ${Date.now() - hung} ms`);
  const { collector, machines } = await stack.overview();
  assert.ok(collector.reachable);
  assert.equal(collector.broker_connected, false);
  assert.ok(collector.broker_down_since_ms > hung);
  for (const machine of machines) {
    assert.equal(machine.state, null, 'what is not known is not told');
    assert.equal(machine.as_of.state, 'online');
    assert.equal(machine.load1, null);
  }
  await stays('no finding', async () => (await vanished()).length === 0, 5000);
  assert.equal((await stack.overview()).collector.broker_down_since_ms, collector.broker_down_since_ms);
  assert.equal(count(log(), /no broker/), 1, log());
  assert.equal(count(log(), / (warning|error): /), 1, log());

  const agents = stack.agents.map(({ machine }) => stack.running[machine]);
  await stack.ready('each agent has noticed', () => agents.every((agent) => count(agent.log(), /the connection was lost; trying again/) === 1), 40000);
  assert.ok(Date.now() - hung < 60000, `noticed after ${Date.now() - hung} ms`);

  stack.running.broker.kill('SIGCONT');
  await stack.ready('all are back', async () => {
    const now = await stack.overview();
    return now.collector.broker_down_since_ms === null && now.machines.every((machine) => machine.state === 'online' && machine.load1 !== null);
  }, 90000);
  assert.deepEqual(await vanished(), []);
});
