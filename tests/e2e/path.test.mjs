// The whole path with the real programs: three agents, a real broker, collector, server; what happens
// when each of them goes and comes back.
import assert from 'node:assert/strict';
import path from 'node:path';
import { test } from 'node:test';

import { listen } from '../support/http.mjs';
import { liveEverywhere } from '../support/live.mjs';
import { stays } from '../support/wait.mjs';
import { count, makeStack, sqlite } from './harness.mjs';

const stack = await makeStack({ detect: { vanished_after: '1s', failing_runs: 2 } });
const [coTo, hongGai, tinh] = stack.agents.map((agent) => agent.machine);
const state = async (machine) => (await stack.machine(machine))?.state;
const finding = async (kind, machine) =>
  (await stack.overview()).findings.find((f) => f.kind === kind && f.machine === machine);

test('live data of three machines is on the page, in /metrics/fleet and in SQLite', async (t) => {
  for (const line of await liveEverywhere(stack, { timeout: 60000 })) t.diagnostic(line);
});

test('values on the stream change without being asked for', async () => {
  const loads = new Set();
  let close;
  await new Promise((resolve, reject) => {
    close = listen(`${stack.urls.page}/api/v1/stream`, ({ event, data }) => {
      if (event !== 'overview') return;
      const uptime = JSON.parse(data).machines.find((m) => m.machine === coTo).uptime_seconds;
      if (loads.add(uptime).size >= 3) resolve();
    }, reject);
    setTimeout(() => reject(new Error(`only ${loads.size} values in 20 s`)), 20000).unref();
  });
  close();
});

test('an agent that is killed has vanished within seconds; a finding opens, and closes when it is back', async () => {
  stack.running[hongGai].kill('SIGKILL');
  await stack.running[hongGai].exit;
  await stack.ready('vanished', async () => (await state(hongGai)) === 'vanished', 10000);
  const machine = await stack.machine(hongGai);
  assert.equal(machine.load1, null, 'no stale value as if fresh');
  const opened = await stack.ready('finding', () => finding('machine_vanished', hongGai), 10000);
  assert.equal(opened.site, '06685');
  stack.startAgent(hongGai);
  await stack.ready('online again', async () => (await state(hongGai)) === 'online', 20000);
  await stack.ready('closed', async () => !(await finding('machine_vanished', hongGai)), 20000);
});

test('an agent that is stopped has stopped on purpose, and opens no finding', async () => {
  const ended = await stack.running[coTo].stop();
  assert.equal(ended.code, 0);
  assert.ok(ended.ms < 2000, `took ${ended.ms} ms`);
  await stack.ready('stopped', async () => (await state(coTo)) === 'stopped', 10000);
  await stays('no finding', async () => !(await finding('machine_vanished', coTo)), 3000);
  stack.startAgent(coTo);
  await stack.ready('online again', async () => (await state(coTo)) === 'online', 20000);
});

test('a one-stop system that fails is a finding with its reason, until it works again', async () => {
  const reasons = { error500: 'status', refuse: 'refused', 'wrong-content': 'content' };
  for (const [mode, reason] of Object.entries(reasons)) {
    await stack.onestopMode(mode);
    const opened = await stack.ready(`finding in mode ${mode}`, async () => {
      const open = await finding('probe_failed', tinh);
      const probe = (await stack.machine(tinh)).probes[0];
      return open && probe?.success === false && probe.reason === reason ? open : null;
    }, 20000);
    assert.equal(opened.journey, 'mot-cua');
  }
  await stack.onestopMode('ok');
  await stack.ready('closed', async () => !(await finding('probe_failed', tinh)), 20000);
});

test('with the collector stopped the page says since when, agents keep their samples, nothing is lost', async () => {
  const ended = await stack.running.collector.stop();
  assert.equal(ended.code, 0);
  const overview = await stack.ready('the page knows', async () => {
    const now = await stack.overview();
    return !now.collector.reachable && now;
  }, 20000);
  assert.ok(overview.last_data_ms > 0, 'it says when the last data came');
  for (const machine of overview.machines) {
    assert.equal(machine.state, null);
    assert.equal(machine.load1, null, 'no stale value as if fresh');
    assert.equal(machine.probes[0].seconds, null);
  }
  const log = stack.running[tinh].log();
  await stays('agents go on', () => stack.running[tinh].running, 3000);
  assert.ok(count(stack.running[tinh].log().slice(log.length), /./) <= 2, 'an agent does not complain each second');
  await stack.startCollector();
  await liveEverywhere(stack, { timeout: 60000 });
});

test('with the broker gone everyone says so once, waits, and comes back', async () => {
  const before = Object.fromEntries([coTo, 'collector'].map((name) => [name, stack.running[name].log().length]));
  await stack.running.broker.stop();
  await stack.ready('the page knows', async () => (await stack.overview()).collector.broker_connected === false, 20000);
  await stays('all go on', () => stack.agents.every((a) => stack.running[a.machine].running), 6000);
  for (const [name, length] of Object.entries(before)) {
    const said = stack.running[name].log().slice(length);
    assert.equal(count(said, /lost/), 1, `${name} says once that the connection is lost:\n${said}`);
    assert.ok(count(said, / (warning|error): /) <= 2, `${name} does not go on about it:\n${said}`);
  }
  await stack.startBroker();
  await liveEverywhere(stack, { timeout: 60000 });
});

test('every batch that was read is in the store, once', async () => {
  // What was sent while the collector was not there yet is sent again half a minute later.
  await stack.ready('what the outages held back has come', () => sqlite(stack.telemetry,
    'SELECT spool FROM committed GROUP BY spool HAVING count(*) > 1 OR min(first) > 1').length === 0, 120000);
  for (const { machine } of stack.agents) {
    const ended = await stack.running[machine].stop();
    assert.equal(ended.code, 0);
  }
  await stack.ready('all said goodbye', async () =>
    (await stack.overview()).machines.every((m) => m.state === 'stopped'), 10000);
  for (const name of ['server', 'collector']) assert.equal((await stack.running[name].stop()).code, 0);

  const doubled = sqlite(stack.telemetry, 'SELECT spool, number FROM journal GROUP BY spool, number HAVING count(*) > 1');
  assert.deepEqual(doubled, []);
  assert.deepEqual(sqlite(stack.telemetry, 'SELECT * FROM gap'), []);
  assert.deepEqual(sqlite(stack.telemetry, 'SELECT * FROM quarantine'), []);
  let spools = 0;
  for (const { machine } of stack.agents) {
    const held = sqlite(path.join(stack.state, 'agents', machine, 'spool.db'),
      'SELECT printf("%016x", id) AS id, next FROM spool ORDER BY base');
    const stored = sqlite(stack.telemetry, 'SELECT printf("%016x", spool.spool_id) AS id, committed.first, committed.last,' +
      ' (SELECT count(*) FROM journal WHERE journal.spool = spool.id) AS rows' +
      ` FROM spool JOIN committed ON committed.spool = spool.id JOIN machine ON machine.id = spool.machine` +
      ` WHERE machine.name = '${machine}'`);
    for (const spool of stored) {
      spools += 1;
      assert.equal(spool.first, 1, `${machine}: spool ${spool.id} begins with its first batch`);
      assert.equal(spool.rows, spool.last, `${machine}: every batch of spool ${spool.id} is there`);
    }
    assert.equal(new Set(stored.map((s) => s.id)).size, stored.length, `${machine}: no hole in any spool`);
    const newest = held.at(-1);
    assert.equal(stored.find((s) => s.id === newest.id)?.last, newest.next - 1, `${machine}: up to its last batch`);
  }
  assert.equal(spools, 5, 'every start of an agent begins a new spool');
});
