// Every packet between our programs and the broker against the rules of Sparkplug B 3.0 and MQTT 5. Tests
// carry the ids of the specification's own test kit (without "tck-id-"). An observer stands in between
// (tests/support/observer.mjs); payloads are read with the reference protobuf, not with our codec.
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Observer } from '../support/observer.mjs';
import { freePort } from '../support/ports.mjs';
import { decode, encodeRebirth, metric, types } from '../support/sparkplug.mjs';
import { makeStack } from './harness.mjs';

let observer;
const stack = await makeStack({
  through: async (kind, { authority, brokerFiles, ports }) => {
    observer ??= await new Observer(authority, brokerFiles, ports.broker).start(await freePort());
    return observer.port;
  },
});
const machine = stack.agents[0].machine;
const collector = stack.collectorId;
const topic = (type) => `spBv1.0/${stack.group}/${type}/${machine}`;
const stateTopic = `spBv1.0/STATE/${collector}`;
const publishes = (client, name, from = 'client') => observer.packets
  .filter((p) => p.client === client && p.from === from && p.packet.cmd === 'publish' && p.packet.topic === name)
  .map((p) => ({ ...p, payload: p.packet.payload }));
const births = () => publishes(machine, topic('NBIRTH'));
const dataAfter = (birth) => publishes(machine, topic('NDATA')).filter((p) => p.n > birth.n);

// A life of one agent: birth, data, a rebirth on request, a cut connection, an orderly end.
await stack.ready('data', () => publishes(machine, topic('NDATA')).length >= 4);
await stack.ready('an acknowledgement', () => publishes(collector, topic('NCMD')).length > 0);
const asked = births().length;
observer.say(collector, {
  cmd: 'publish', topic: topic('NCMD'), payload: encodeRebirth(), qos: 0, retain: false, dup: false,
});
await stack.ready('a rebirth', () => births().length > asked);
const rebirth = births().at(-1);
await stack.ready('data after the rebirth', () => dataAfter(rebirth).length >= 2);
const cutFrom = observer.connectionsOf(machine).length;
observer.cut(machine);
await stack.ready('a new session', () => observer.connectionsOf(machine).length > cutFrom, 60000);
await stack.ready('its birth', () => births().some((b) => b.connection === observer.connectionsOf(machine).at(-1)));
const secondLife = births().at(-1);
await stack.ready('data of the new session', () => dataAfter(secondLife).length >= 3);
for (const agent of stack.agents) await stack.running[agent.machine].stop();
await stack.ready('the goodbyes', async () => (await stack.overview()).machines.every((m) => m.state === 'stopped'));
await stack.running.collector.stop();

const sent = (client) => observer.sentBy(client);
const bySession = (client) => observer.connectionsOf(client).map((c) => sent(client).filter((p) => p.connection === c));
const sessions = bySession(machine);
const nbirths = births().map((p) => ({ ...p, payload: decode(p.payload) }));
const ndata = publishes(machine, topic('NDATA')).map((p) => ({ ...p, payload: decode(p.payload) }));
const all = (payload) => [...payload.metrics, ...(payload.inner?.metrics ?? [])];

test('every packet is well-formed MQTT 5', () => {
  assert.deepEqual(observer.faults, []);
  assert.ok(sessions.length >= 2 && nbirths.length >= 3 && ndata.length >= 8);
});

test('principles-persistence-clean-session-50: clean start, session expiry 0, of agents and collector', () => {
  for (const { packet } of observer.packets.filter((p) => p.packet.cmd === 'connect')) {
    assert.equal(packet.protocolVersion, 5);
    assert.equal(packet.clean, true);
    assert.equal(packet.properties?.sessionExpiryInterval ?? 0, 0);
  }
});

test('payloads-ndeath-will-message-qos, payloads-ndeath-will-message-retain, message-flow-edge-node-birth-publish-will-message-topic', () => {
  for (const [connect] of sessions) {
    assert.equal(connect.packet.cmd, 'connect', 'a session begins with CONNECT');
    assert.equal(connect.packet.will.topic, topic('NDEATH'));
    assert.equal(connect.packet.will.qos, 1);
    assert.equal(connect.packet.will.retain, false);
    assert.equal(connect.packet.will.properties?.willDelayInterval ?? 0, 0);
  }
});

test('topics-ndeath-payload, topics-ndeath-seq, payloads-ndeath-seq: bdSeq alone, without seq', () => {
  const wills = sessions.map(([connect]) => decode(connect.packet.will.payload));
  const deaths = publishes(machine, topic('NDEATH')).map((p) => decode(p.payload));
  assert.ok(deaths.length > 0);
  for (const death of [...wills, ...deaths]) {
    assert.equal(death.seq, undefined);
    assert.deepEqual(death.metrics.map((m) => [m.name, m.datatype, m.alias]), [['bdSeq', types.Int64, undefined]]);
  }
});

test('topics-nbirth-bdseq-matching, topics-nbirth-bdseq-increment: equal in Will and births, +1 with each CONNECT', () => {
  const numbers = sessions.map(([connect]) => metric(decode(connect.packet.will.payload), 'bdSeq').value);
  numbers.slice(1).forEach((number, i) => assert.equal(number, (numbers[i] + 1n) % 256n));
  for (const birth of nbirths) {
    const session = observer.connectionsOf(machine).indexOf(birth.connection);
    assert.equal(metric(birth.payload, 'bdSeq').value, numbers[session]);
    assert.equal(metric(birth.payload, 'bdSeq').datatype, types.Int64);
  }
});

test('message-flow-edge-node-ncmd-subscribe: its NCMD, at QoS 1, granted before NBIRTH', () => {
  for (const connection of observer.connectionsOf(machine)) {
    const packets = observer.packets.filter((p) => p.connection === connection);
    const subscribe = packets.find((p) => p.from === 'client' && p.packet.cmd === 'subscribe');
    const filter = subscribe.packet.subscriptions.find((s) => s.topic === topic('NCMD'));
    assert.equal(filter.qos, 1);
    const granted = packets.find((p) => p.from === 'broker' && p.packet.cmd === 'suback');
    assert.deepEqual(granted.packet.granted, [1]);
    const first = packets.find((p) => p.from === 'client' && p.packet.cmd === 'publish');
    assert.ok(granted.n < first.n);
  }
});

test('message-flow-edge-node-birth-publish-connect: the first thing published is NBIRTH', () => {
  for (const packets of sessions) {
    const first = packets.find((p) => p.packet.cmd === 'publish');
    assert.equal(first.packet.topic, topic('NBIRTH'));
  }
});

test('topics-nbirth-mqtt, topics-ndata-mqtt, topics-ncmd-mqtt: QoS 0, not retained', () => {
  const packets = [...nbirths, ...ndata, ...stack.agents.flatMap((agent) =>
    publishes(collector, `spBv1.0/${stack.group}/NCMD/${agent.machine}`))];
  for (const { packet } of packets) {
    assert.equal(packet.qos, 0);
    assert.equal(packet.retain, false);
    assert.equal(packet.dup, false);
  }
});

test('payloads-ndeath published on leaving: QoS 1, not retained', () => {
  for (const { packet } of publishes(machine, topic('NDEATH'))) {
    assert.equal(packet.qos, 1);
    assert.equal(packet.retain, false);
  }
});

test('payloads-sequence-num-zero-nbirth, payloads-sequence-num-incrementing: 0 with NBIRTH, then +1 mod 256', () => {
  let expected;
  for (const p of [...nbirths, ...ndata].sort((a, b) => a.n - b.n)) {
    if (p.packet.topic === topic('NBIRTH')) expected = 0;
    assert.equal(p.payload.seq, expected);
    expected = (expected + 1) % 256;
  }
});

test('topics-nbirth-metric-reqs, payloads-nbirth-timestamp: every metric has name, datatype, value, timestamp', () => {
  for (const { payload, at } of nbirths) {
    assert.ok(Math.abs(payload.timestamp - at) < 60000);
    for (const m of payload.metrics) {
      assert.ok(m.name, 'name');
      assert.ok(Object.values(types).includes(m.datatype), `${m.name}: datatype ${m.datatype}`);
      assert.notEqual(m.value, undefined, `${m.name}: value or null`);
      assert.ok(Math.abs(m.timestamp - at) < 60000, `${m.name}: timestamp in milliseconds, UTC`);
    }
  }
});

test('topics-nbirth-rebirth-metric: Node Control/Rebirth = false, without alias', () => {
  for (const { payload } of nbirths) {
    const m = metric(payload, 'Node Control/Rebirth');
    assert.deepEqual([m.datatype, m.value, m.alias], [types.Boolean, false, undefined]);
    assert.equal(metric(payload, 'bdSeq').alias, undefined);
  }
});

test('payloads-alias-uniqueness: names and aliases are unique in a birth, and the same in the next', () => {
  const known = new Map();
  for (const { payload } of nbirths) {
    const names = payload.metrics.map((m) => m.name);
    const aliases = payload.metrics.map((m) => m.alias).filter((a) => a !== undefined);
    assert.equal(new Set(names).size, names.length);
    assert.equal(new Set(aliases).size, aliases.length);
    for (const m of payload.metrics.filter((x) => x.alias !== undefined)) {
      assert.equal(known.get(m.alias) ?? m.name, m.name, `alias ${m.alias} keeps its meaning`);
      known.set(m.alias, m.name);
    }
  }
});

test('payloads-alias-birth-requirement, payloads-alias-data-cmd-requirement: data carries declared aliases only', () => {
  for (const p of ndata) {
    const birth = nbirths.filter((b) => b.n < p.n).at(-1);
    const declared = new Set(birth.payload.metrics.map((m) => m.alias));
    for (const m of all(p.payload)) {
      assert.equal(m.name, undefined);
      assert.equal(m.datatype, undefined);
      assert.ok(declared.has(m.alias), `alias ${m.alias} stands in the birth before`);
    }
  }
});

test('topics-ndata-timestamp: payload and metrics have timestamps', () => {
  for (const { payload, at } of ndata) {
    assert.ok(Math.abs(payload.timestamp - at) < 60000);
    for (const m of all(payload)) assert.ok(m.timestamp > at - 120000 && m.timestamp < at + 60000);
  }
});

test('what node_exporter names is declared with unit and labels', () => {
  const [{ payload }] = nbirths.slice(-1);
  const avail = payload.metrics.filter((m) => m.name.startsWith('node_filesystem_avail_bytes/'));
  assert.ok(avail.length > 0);
  for (const m of avail) {
    assert.equal(m.properties.unit, 'bytes');
    for (const label of ['device', 'fstype', 'mountpoint']) assert.ok(m.properties[label], `${m.name}: ${label}`);
  }
  const load = metric(payload, 'node_load1');
  assert.ok(load && load.alias >= 32 && typeof load.value === 'number');
  const probe = payload.metrics.find((m) => m.name.startsWith('probe_success/'));
  assert.deepEqual([probe.properties.journey, probe.properties.step], ['mot-cua', 'tra-cuu']);
  const own = ['Node Control/Committed', 'Node Control/Backfill Rate', 'Node Control/Journeys', 'Spool/Batch', 'Spool/Id', 'Agent/Class', 'Agent/Site'];
  for (const name of own) assert.ok(metric(payload, name), `${name} is declared`);
  assert.equal(metric(payload, 'Agent/Class').value, stack.agents[0].class);
  assert.equal(metric(payload, 'Agent/Site').value, stack.agents[0].site);
});

test('batches are numbered from 1 without holes, and a live one is never sent before its number', () => {
  const numbers = ndata.flatMap(({ payload }) => all(payload).filter((m) => m.alias === 1).map((m) => Number(m.value)));
  const distinct = [...new Set(numbers)].sort((a, b) => a - b);
  assert.deepEqual(distinct, distinct.map((_, i) => i + 1));
});

test('operational-behavior-data-commands-rebirth-action: NBIRTH again, same bdSeq, new seq, then data', () => {
  const before = nbirths.filter((b) => b.n < rebirth.n).at(-1);
  const again = nbirths.find((b) => b.n === rebirth.n);
  assert.equal(again.connection, before.connection);
  assert.equal(metric(again.payload, 'bdSeq').value, metric(before.payload, 'bdSeq').value);
  assert.equal(again.payload.seq, 0);
  assert.ok(ndata.some((p) => p.n > again.n && p.connection === again.connection));
});

test('operational-behavior-edge-node-intentional-disconnect-packet: NDEATH, then DISCONNECT with Will', () => {
  const last = sessions.at(-1).filter((p) => ['publish', 'disconnect'].includes(p.packet.cmd)).slice(-3);
  assert.deepEqual(last.map((p) => p.packet.cmd), ['publish', 'publish', 'disconnect']);
  const goodbye = decode(last[0].packet.payload);
  assert.equal(goodbye.metrics.find((m) => m.alias === 3)?.value, 'stopping');
  assert.equal(last[1].packet.topic, topic('NDEATH'));
  assert.equal(last[2].packet.reasonCode, 0x04);
});

test('payloads-ncmd-seq, payloads-ncmd-timestamp: commands have a time and no seq, and use aliases', () => {
  const commands = publishes(collector, topic('NCMD')).map((p) => ({ ...p, payload: decode(p.payload) }));
  assert.ok(commands.some(({ payload }) => payload.metrics.some((m) => m.alias === 8)), 'acknowledgements');
  for (const { payload, at } of commands) {
    assert.equal(payload.seq, undefined);
    assert.ok(Math.abs(payload.timestamp - at) < 60000);
    for (const m of payload.metrics) assert.ok(m.name === undefined || m.name === 'Node Control/Rebirth', m.name);
  }
});

test('an acknowledgement never names a batch that was not sent', () => {
  for (const p of publishes(collector, topic('NCMD'))) {
    const committed = decode(p.payload).metrics.find((m) => m.alias === 8)?.value ?? 0n;
    const sentBefore = ndata.filter((d) => d.n < p.n)
      .flatMap(({ payload }) => all(payload).filter((m) => m.alias === 1).map((m) => m.value));
    assert.ok(committed === 0n || sentBefore.some((number) => number >= committed));
  }
});

test('host-topic-phid-birth-message, -qos, -retain, -payload: STATE, QoS 1, retained, JSON; Will of the same time', () => {
  for (const [connect] of bySession(collector)) {
    const will = connect.packet.will;
    assert.deepEqual([will.topic, will.qos, will.retain], [stateTopic, 1, true]);
    const death = JSON.parse(will.payload.toString());
    const states = publishes(collector, stateTopic).filter((p) => p.connection === connect.connection);
    const birth = JSON.parse(states[0].payload.toString());
    assert.deepEqual(birth, { online: true, timestamp: death.timestamp });
    assert.equal(death.online, false);
    for (const { packet } of states) assert.deepEqual([packet.qos, packet.retain], [1, true]);
  }
});

test('host-topic-phid-birth-sub-required: the collector has subscribed before its STATE says online', () => {
  const packets = observer.packets.filter((p) => p.client === collector);
  const suback = packets.find((p) => p.packet.cmd === 'suback');
  const state = publishes(collector, stateTopic)[0];
  assert.ok(suback.n < state.n);
  const filters = packets.filter((p) => p.packet.cmd === 'subscribe').flatMap((p) => p.packet.subscriptions.map((s) => s.topic));
  for (const type of ['NBIRTH', 'NDATA', 'NDEATH']) {
    assert.ok(filters.some((f) => f.startsWith(`spBv1.0/${stack.group}/${type}`) || f === `spBv1.0/${stack.group}/#`), type);
  }
});

test('host-topic-phid-death-payload: a collector that stops says offline and leaves with its Will', () => {
  const end = sent(collector).filter((p) => ['publish', 'disconnect'].includes(p.packet.cmd)).slice(-2);
  assert.equal(end[1].packet.cmd, 'disconnect');
  assert.equal(end[1].packet.reasonCode ?? 0, 0x04);
  assert.equal(end[0].packet.topic, stateTopic);
  assert.equal(JSON.parse(end[0].packet.payload.toString()).online, false);
});
