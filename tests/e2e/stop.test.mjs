// SIGTERM ends each program in an orderly way within two seconds, whatever the network does.
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { TcpProxy } from '../support/proxy.mjs';
import { eventually } from '../support/wait.mjs';
import { count, makeStack } from './harness.mjs';

const proxies = {};
const stack = await makeStack({
  through: async (kind, { ports }) => (proxies[kind] ??= await new TcpProxy(ports.broker).start()).port,
});
const machines = stack.agents.map((agent) => agent.machine);
const online = (wanted) => stack.ready('online', async () => {
  const { machines: seen } = await stack.overview();
  return wanted.every((name) => seen.some((m) => m.machine === name && m.state === 'online' && m.load1 !== null));
}, 60000);

const stopped = (name) => stack.ready('stopped', async () => (await stack.machine(name)).state === 'stopped');

async function stopsWell(name) {
  const ended = await stack.running[name].stop();
  assert.equal(ended.code, 0, `${name}: ${ended.signal ?? ended.code}\n${stack.running[name].lastWords()}`);
  assert.ok(ended.ms < 2000, `${name} took ${ended.ms} ms`);
  delete stack.running[name];
}

test('in peace', async () => {
  await online(machines);
  await stopsWell(machines[0]);
  await stopped(machines[0]);
  stack.startAgent(machines[0]);
  await online(machines);
});

test('when the broker swallows every byte', async () => {
  for (const proxy of Object.values(proxies)) proxy.mode = 'hole';
  await stopsWell(machines[0]);
  await stopsWell('server');
  await stopsWell('collector');
});

test('when the broker takes connections and never answers', async () => {
  const agent = stack.startAgent(machines[0]);
  const before = proxies.agent.connections;
  await eventually('a connection in the hole', () => proxies.agent.connections > before);
  assert.ok(agent.running);
  await stopsWell(machines[0]);
  await stack.startCollector();
  await stopsWell('collector');
});

test('when nobody listens where the broker was', async () => {
  for (const proxy of Object.values(proxies)) await proxy.stop();
  const agent = stack.startAgent(machines[0]);
  await eventually('it says that it cannot connect', () => count(agent.log(), / (warning|error): /) > 0);
  await stopsWell(machines[0]);
  await stack.startCollector();
  await stopsWell('collector');
  await stack.startServer();
  await stopsWell('server');
  await stopsWell(machines[1]);
  await stopsWell(machines[2]);
});
