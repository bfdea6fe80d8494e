// The broker's locks (packaging/mosquitto): who gets in, and what each may say and hear.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import { test } from 'node:test';

import { MqttClient } from '../support/mqtt_client.mjs';
import { Authority } from '../support/pki.mjs';
import { makeStack, temporary } from './harness.mjs';

const stack = await makeStack({ start: false });
await stack.startBroker();

const as = (name, options = {}) => {
  const files = options.authority?.issue(name) ?? stack.authority.issue(name);
  return new MqttClient({
    port: stack.ports.broker, ca: fs.readFileSync(stack.authority.ca),
    cert: options.anonymous ? undefined : fs.readFileSync(files.cert),
    key: options.anonymous ? undefined : fs.readFileSync(files.key), ...options,
  });
};
const topic = (type, machine) => `spBv1.0/${stack.group}/${type}/${machine}`;

// Says something under each topic, at QoS 0 and 1, each on a connection of its own: Mosquitto ends the
// connection of whoever publishes what is refused. When this returns the broker has dealt with it all.
async function say(speaker, topics) {
  for (const name of topics) {
    for (const qos of [0, 1]) {
      const client = await as(speaker).connect();
      await client.publish(name, 'x', qos).then(() => client.ping()).catch(() => {});
      client.end();
      await client.closed;
    }
  }
}

// The topics that `listener` hears when `speaker`, another one (a certificate is one connection), says
// something under `topics`. The broker answers a ping after all that it had for the listener before.
async function heard(listener, filters, speaker, topics) {
  assert.notEqual(listener, speaker);
  const ear = await as(listener).connect();
  if (filters.length > 0) await ear.subscribe(filters);
  await say(speaker, topics);
  await ear.ping();
  ear.end();
  await ear.closed;
  return [...new Set(ear.messages.map((m) => m.topic))];
}

test('a client without certificate is refused', async () => {
  await assert.rejects(as('nobody', { anonymous: true }).connect());
});

test('a certificate of another authority is refused, whatever its name', async () => {
  const other = new Authority(temporary());
  await assert.rejects(as(stack.collectorId, { authority: other }).connect());
});

test('the collector hears what each machine says of itself', async () => {
  const said = ['NBIRTH', 'NDATA', 'NDEATH'].map((type) => topic(type, 'tien-yen-1'));
  const all = ['NBIRTH', 'NDATA', 'NDEATH'].map((type) => topic(type, '+'));
  assert.deepEqual(await heard(stack.collectorId, all, 'tien-yen-1', said), said);
});

test("a machine that writes another's topics is not heard", async () => {
  const all = ['NBIRTH', 'NDATA', 'NDEATH'].map((type) => topic(type, '+'));
  const forged = ['NBIRTH', 'NDATA', 'NDEATH'].map((type) => topic(type, 'hong-gai-1'));
  assert.deepEqual(await heard(stack.collectorId, all, 'tien-yen-1', forged), []);
});

test('a machine hears the commands that the collector gives it', async () => {
  const command = topic('NCMD', 'hong-gai-1');
  assert.deepEqual(await heard('hong-gai-1', [command], stack.collectorId, [command]), [command]);
});

test('a machine gives no commands to another', async () => {
  const command = topic('NCMD', 'hong-gai-1');
  assert.deepEqual(await heard('hong-gai-1', [command], 'tien-yen-1', [command]), []);
});

test('a machine gives no commands to itself', async () => {
  const command = topic('NCMD', 'tien-yen-1');
  for (const qos of [0, 1]) {
    const client = await as('tien-yen-1').connect();
    await client.subscribe([command]);
    await client.publish(command, 'x', qos).then(() => client.ping()).catch(() => {});
    assert.deepEqual(client.messages, []);
    client.end();
    await client.closed;
  }
});

test("a machine cannot hear another's data or commands", async () => {
  const said = ['NBIRTH', 'NDATA', 'NDEATH'].map((type) => topic(type, 'tien-yen-1'));
  assert.deepEqual(await heard('hong-gai-1', ['#', 'spBv1.0/#', ...said], 'tien-yen-1', said), []);
  const filters = [topic('NCMD', '+'), topic('NCMD', 'tien-yen-1')];
  assert.deepEqual(await heard('hong-gai-1', filters, stack.collectorId, [topic('NCMD', 'tien-yen-1')]), []);
});

test('STATE is written by the collector alone and read by machines', async () => {
  const state = `spBv1.0/STATE/${stack.collectorId}`;
  assert.deepEqual(await heard('tien-yen-1', [state], stack.collectorId, [state]), [state]);
  assert.deepEqual(await heard('tien-yen-1', [state], 'hong-gai-1', [state]), []);
});

test('a client is who its certificate says, whatever client id it sends: no session can be taken by its id', async () => {
  for (const clientId of ['hong-gai-1', stack.collectorId]) {
    const victim = await as(clientId, { clientId }).connect();
    const thief = await as('tien-yen-1', { clientId }).connect();
    await Promise.all([thief.ping(), victim.ping()]);
    // The thief is tien-yen-1: a second connection with that certificate ends it, under another id too.
    const second = await as('tien-yen-1', { clientId: 'another' }).connect();
    await thief.closed;
    await Promise.all([second.ping(), victim.ping()]);
    for (const client of [second, victim]) {
      client.end();
      await client.closed;
    }
  }
});

test('a client that sends no id gets its name', async () => {
  const nameless = await as('tien-yen-1', { clientId: '' }).connect();
  const named = await as('tien-yen-1', { clientId: 'tien-yen-1' }).connect();
  await nameless.closed;
  await named.ping();
  named.end();
});

test("a Will on another's topic is never sent", async () => {
  const ear = await as(stack.collectorId).connect();
  await ear.subscribe([topic('NDEATH', '+')]);
  for (const machine of ['hong-gai-1', 'tien-yen-1']) {
    const client = await as('tien-yen-1', { will: { topic: topic('NDEATH', machine), payload: 'x', qos: 1, retain: false } }).connect();
    client.end();
    await client.closed;
  }
  await ear.until((message) => message.topic === topic('NDEATH', 'tien-yen-1'));
  ear.end();
  assert.deepEqual(ear.messages.map((m) => m.topic), [topic('NDEATH', 'tien-yen-1')]);
});

test('topics outside the group are closed to everyone', async () => {
  const outside = ['spBv1.0/other/NDATA/tien-yen-1', 'x', '$SYS/broker/version'];
  assert.deepEqual(await heard(stack.collectorId, ['#', '$SYS/#', ...outside], 'tien-yen-1', outside), []);
});

test('a message above the size limit ends its connection, not the broker', async () => {
  const client = await as('tien-yen-1').connect();
  client.publish(topic('NDATA', 'tien-yen-1'), Buffer.alloc(9 << 20), 0).catch(() => {});
  await client.closed;
  assert.ok(stack.running.broker.running);
});
