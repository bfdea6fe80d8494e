// A machine that connects under another's client id, with its own valid certificate, disturbs nobody. Two agents with one
// certificate take the connection from each other: both say why, and seldom.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { after, test } from 'node:test';

import { liveEverywhere } from '../support/live.mjs';
import { MqttClient } from '../support/mqtt_client.mjs';
import { Observer } from '../support/observer.mjs';
import { freePort } from '../support/ports.mjs';
import { pause } from '../support/wait.mjs';
import { count, makeStack } from './harness.mjs';

let observer;
const stack = await makeStack({
  through: async (kind, { authority, brokerFiles, ports }) => {
    observer ??= await new Observer(authority, brokerFiles, ports.broker).start(await freePort());
    return observer.port;
  },
});
after(() => observer.stop());
await liveEverywhere(stack, { timeout: 60000 });

const topic = (type, machine) => `spBv1.0/${stack.group}/${type}/${machine}`;
const packetsOf = (client) => observer.packets.filter((p) => p.client === client);
const heard = (name) => packetsOf(stack.collectorId)
  .filter((p) => p.from === 'broker' && p.packet.cmd === 'publish' && p.packet.topic === name);

// Connects past the observer, with a certificate of its own, a client id of its choice and a Will that a
// thief would like to have sent.
async function connectAs(certificate, clientId) {
  const files = stack.authority.issue(certificate);
  return new MqttClient({
    port: stack.ports.broker, ca: fs.readFileSync(stack.authority.ca), cert: fs.readFileSync(files.cert),
    key: fs.readFileSync(files.key), clientId,
    will: { topic: topic('NDEATH', clientId), payload: 'x', qos: 1, retain: false },
  }).connect();
}

for (const victim of [stack.agents[0].machine, stack.collectorId]) {
  test(`${victim} stays connected when another machine connects under its client id, and leaves without a word`, async () => {
    const ids = packetsOf(victim).filter((p) => p.packet.cmd === 'connect').map((p) => p.packet.clientId);
    assert.deepEqual(ids, [victim], 'that is the client id to steal');

    const machine = stack.agents[0].machine;
    const since = (await stack.machine(machine)).since_ms;
    assert.ok(since > 0);
    const thief = await connectAs('ke-gian-1', victim);
    await thief.ping();
    thief.end();  // the broker sends its Will, where it may have one
    await thief.closed;
    const afterTheft = observer.packets.length;
    const data = () => heard(topic('NDATA', machine)).filter((p) => p.n >= afterTheft);
    await stack.ready('what the machine reads reaches the collector as before', () => data().length >= 3);

    for (const client of [machine, stack.collectorId]) {
      assert.equal(observer.connectionsOf(client).length, 1, `${client} has its first connection`);
      const ends = packetsOf(client).filter((p) => ['disconnect', 'closed'].includes(p.packet.cmd));
      assert.deepEqual(ends, [], `nothing ended the connection of ${client}`);
    }
    assert.deepEqual(heard(topic('NDEATH', machine)), []);
    const seen = await stack.machine(machine);
    assert.equal(seen.state, 'online');
    assert.equal(seen.since_ms, since, 'without a break');
  });
}

test('two agents with one certificate name the cause in a few lines, and try less and less often', async () => {
  const { machine, config } = stack.agents[0];
  const twin = path.join(stack.directory('agents', 'twin'), 'agent.toml');
  const text = fs.readFileSync(config, 'utf8');
  fs.writeFileSync(twin, text.replace(/^directory = .*$/m, `directory = ${JSON.stringify(path.dirname(twin))}`));
  const before = observer.connectionsOf(machine).length;
  const children = {
    [machine]: stack.running[machine],
    twin: stack.children.start('twin', path.join(stack.bin, 'haidang-agent'), ['--config', twin]),
  };
  stack.running.twin = children.twin;
  await pause(20000);  // how much is said in this time is what is asked
  const connections = observer.connectionsOf(machine).length - before;
  assert.ok(connections >= 3, 'they did take it from each other');
  assert.ok(connections <= 40, `${connections} connections`);
  for (const child of Object.values(children)) {
    const log = child.log();
    assert.equal(count(log, /another program uses? the certificate of tien-yen-1 /), 1, log);
    assert.ok(count(log, /: (info|warning|error): |connected|lost/) <= 5, log);
  }
});
