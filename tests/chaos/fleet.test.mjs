// A whole province returns at once: simulated agents (the agent's own code but for sources and sockets, many in a
// process) that lived through an outage, a real Mosquitto, a real collector with its default configuration. Nobody may
// lose anything, what is new may not wait for what is old, and the broker may not be run over.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';

import { cpuSeconds, PlainStack } from '../support/fleet/plain_stack.mjs';
import { compare } from './compare.mjs';
import { bin, eventually, long, pause, scenarios, seed, sqlite, temporary } from './harness.mjs';

// `backoff`: the cap of the agents' waits, in seconds. In short form it is as much shorter as the agents are fewer, so that
// as many return each second.
const { agents, hours, backoff } = long ? { agents: 2000, hours: 1, backoff: 60 } : { agents: 300, hours: 0.25, backoff: 10 };
const stay = long ? 60 : 1;  // seconds of live data after all have caught up
const maxLateMs = 30000;
const maxPeak = 3;

// What the broker says of connections: attempts by second, and since when each machine is in (ms).
function readBrokerLog(text) {
  const attempts = new Map();
  const since = new Map();
  let left = 0;
  for (const line of text.split('\n')) {
    const [, second, what] = /^(\d+): (.*)$/.exec(line) ?? [];
    if (what?.startsWith('New connection from ')) attempts.set(Number(second), (attempts.get(Number(second)) ?? 0) + 1);
    const [, machine] = / as (may-\d+) /.exec(what ?? '') ?? [];
    if (machine && !since.has(machine)) since.set(machine, (Number(second) + 1) * 1000);
    if (/^Client may-\d+ .*(timeout|error|closed|taken)/.test(what ?? '')) left += 1;
  }
  return { attempts, since, left };
}

scenarios(1, (scenario) => {
  scenario('return', `${agents} agents return at once with ${hours} h of backlog each`, async () => {
    const state = temporary();
    const stack = await new PlainStack({ bin, state }).prepare();
    const say = (text) => console.log(`return: ${text}`);
    const keep = () => fs.cpSync(path.join(state, 'log'), path.resolve(bin, '..', 'artefacts', 'chaos-fleet-return', 'log'), { recursive: true });
    try {
      await stack.startCollector();
      const fleet = stack.startFleet(['return', '--port', stack.brokerPort, '--directory', state, '--ledgers', '--agents', agents,
        '--hours', hours, '--backoff-max', backoff, '--stay', stay, '--patience', long ? 1200 : 120, '--seed', seed]);
      await eventually('the agents have lived through the outage', () => {
        if (!fleet.running) throw new Error(fleet.lastWords());
        return fleet.log().includes('ready: ');
      }, { timeout: long ? 3600000 : 90000, signal: stack.children.failed });
      await pause(backoff * 1500);  // their attempts have no rhythm any more
      const began = Math.floor(Date.now() / 1000);
      stack.startBroker();
      const cpu = cpuSeconds(stack.collector);
      const report = await stack.reportOf(fleet);
      say(JSON.stringify(report));
      say(`the collector used ${(cpuSeconds(stack.collector) - cpu).toFixed(1)} s of CPU`);

      const { attempts, since, left } = readBrokerLog(stack.broker.log());
      assert.equal(since.size, agents, 'the broker let every agent in');
      const seconds = Math.max(...attempts.keys()) - began + 1;
      const all = [...attempts.values()].reduce((sum, count) => sum + count, 0);
      const peak = Math.max(...attempts.values()) / (all / seconds);
      say(`${all} connections within ${seconds} s, ${Math.max(...attempts.values())} in the busiest: peak/mean ${peak.toFixed(2)}`);

      await stack.collector.stop();
      // Live is what was read while the agent was connected, however often it had to be sent.
      const rows = sqlite(stack.telemetry, 'SELECT machine.name AS machine, time_ms, received_ms - time_ms AS late,' +
        ` spool, number FROM journal JOIN machine ON machine.id = journal.machine WHERE time_ms >= ${began * 1000}`);
      const live = rows.filter((row) => row.time_ms >= since.get(row.machine));
      const late = live.map((row) => row.late).sort((a, b) => a - b);
      assert.equal(new Set(live.map((row) => row.machine)).size, agents, 'every agent has sent live data');
      say(`${live.length} live batches: half within ${late[late.length >> 1]} ms, the latest ${late.at(-1)} ms after its time`);

      const file = path.join(state, 'export');
      const out = fs.openSync(file, 'w');
      const exported = stack.tool(['export', '--ledger'], { stdio: ['ignore', out, 'pipe'] });
      fs.closeSync(out);
      assert.equal(exported.status, 0, exported.stderr);
      const ledgers = path.join(state, 'ledgers');
      const result = await compare(file, fs.readdirSync(ledgers).filter((name) => !name.endsWith('.pending'))
        .map((name) => path.join(ledgers, name)));
      for (const example of result.examples) say(example);
      const check = stack.tool(['check']);
      say('ends with');
      console.log(String(result));
      assert.ok(result.samples > 0);
      assert.deepEqual([result.lost, result.doubled, result.altered], [0, 0, 0], String(result));
      assert.match(check.stdout, /^whole: /m, `${check.stdout}${check.stderr}`);
      assert.equal(left, 0, 'no connection was lost');
      assert.equal(report.caught_up, agents);
      assert.ok(late.at(-1) <= maxLateMs, `live data came ${late.at(-1)} ms after its time`);
      assert.ok(peak <= maxPeak, `connections' peak is ${peak} times their mean`);
      assert.ok(report.sent_batches <= 1.2 * report.recorded_batches, 'little was sent twice');
    } finally {
      stack.children.killAll();
      keep();
    }
  });
});
