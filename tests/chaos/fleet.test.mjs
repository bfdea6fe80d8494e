// A whole province returns at once: simulated agents (the agent's own code but for sources and sockets, many in a
// process) that lived through an outage, a real Mosquitto, a real collector with its default configuration. Nobody may
// lose anything, what is new may not wait for what is old, and the broker may not be run over.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';

import { PlainStack } from '../support/fleet/plain_stack.mjs';
import { compare } from './compare.mjs';
import { bin, eventually, long, pause, scenarios, seed, sqlite, temporary } from './harness.mjs';

// `backoff`: the cap of the agents' waits, in seconds. In short form it is as much shorter as the agents are fewer, so that
// as many return each second.
const { agents, hours, backoff } = long ? { agents: 2000, hours: 1, backoff: 60 } : { agents: 300, hours: 0.25, backoff: 10 };
const maxLateMs = 30000;
const maxPeak = 3;

// What the broker says of connections from a second on: attempts in each, and since when (ms) each machine is in.
function readBrokerLog(text, from) {
  const attempts = new Map();
  const since = new Map();
  let again = 0;  // connections of a machine that had one before
  for (const line of text.split('\n')) {
    const [, digits, what] = /^(\d+): (.*)$/.exec(line) ?? [];
    const second = Number(digits);
    if (!what || second < from) continue;
    if (what.startsWith('New connection from ')) attempts.set(second, (attempts.get(second) ?? 0) + 1);
    const [, machine] = /^New client connected from \S+ as (may-\d+) /.exec(what) ?? [];
    if (!machine) continue;
    if (since.has(machine)) again += 1;
    else since.set(machine, (second + 1) * 1000);
  }
  return { attempts, since, again };
}

class Return {
  constructor(name) {
    this.name = name;
    this.state = temporary();
  }
  say(text) {
    console.log(`${this.name}: ${text}`);
  }

  // A collector, and agents that want a broker.
  async prepare({ hours: without, stay }) {
    this.stack = await new PlainStack({ bin, state: this.state }).prepare();
    await this.stack.startCollector();
    this.fleet = this.stack.startFleet(['return', '--port', this.stack.brokerPort, '--directory', this.state, '--ledgers',
      '--agents', agents, '--hours', without, '--backoff-max', backoff, '--stay', stay, '--patience', long ? 1200 : 120, '--seed', seed]);
    await this.said('ready: ');
  }
  async said(word) {
    await eventually(`haidang-fleet says "${word}"`, () => {
      if (!this.fleet.running) throw new Error(this.fleet.lastWords());
      return this.fleet.log().includes(word);
    }, { timeout: long ? 3600000 : 150000, signal: this.stack.children.failed });
  }
  // The broker comes after so many times the cap of the agents' waits; after 1.5, their attempts have no rhythm any more.
  async startBroker(caps = 1.5) {
    await pause(caps * backoff * 1000);
    this.began = Math.floor(Date.now() / 1000);
    this.stack.startBroker();
  }

  // Once the fleet has ended: how the broker was met, and how late live data was.
  async measure() {
    const report = await this.stack.reportOf(this.fleet);
    this.say(JSON.stringify(report));
    assert.equal(report.caught_up, agents);
    assert.ok(report.sent_batches <= 1.2 * report.recorded_batches, 'little was sent twice');

    const { attempts, since, again } = readBrokerLog(this.stack.broker.log(), this.began);
    assert.equal(since.size, agents, 'the broker let every agent in');
    assert.equal(again, 0, 'no connection was lost');
    const seconds = Math.max(...attempts.keys()) - this.began + 1;
    const all = [...attempts.values()].reduce((sum, count) => sum + count, 0);
    const most = Math.max(...attempts.values());
    const peak = most / (all / seconds);
    this.say(`${all} connections within ${seconds} s, ${most} in the busiest: peak/mean ${peak.toFixed(2)}`);

    await this.stack.collector.stop();
    // Live is what was read while the agent was connected, however often it had to be sent.
    const values = [...since].map(([machine, ms]) => `('${machine}',${ms})`).join(',');
    const [live] = sqlite(this.stack.telemetry, `WITH since(name, ms) AS (VALUES ${values}) SELECT count(*) AS batches,` +
      ' count(DISTINCT machine) AS machines, max(received_ms - time_ms) AS latest, sum(received_ms - time_ms > 1000) AS slow' +
      ' FROM since JOIN machine USING (name) JOIN journal ON journal.machine = machine.id WHERE time_ms >= ms');
    this.say(`${live.batches} live batches: ${live.slow} of them more than 1 s, the latest ${live.latest} ms after its time`);
    assert.equal(live.machines, agents, 'every agent has sent live data');
    assert.ok(live.latest <= maxLateMs, `live data came ${live.latest} ms after its time`);
    assert.ok(peak <= maxPeak, `connections' peak is ${peak} times their mean`);
  }

  async compare() {
    const file = path.join(this.state, 'export');
    const out = fs.openSync(file, 'w');
    const exported = this.stack.tool(['export', '--ledger'], { stdio: ['ignore', out, 'pipe'] });
    fs.closeSync(out);
    assert.equal(exported.status, 0, exported.stderr);
    const ledgers = path.join(this.state, 'ledgers');
    const result = await compare(file, fs.readdirSync(ledgers).filter((name) => !name.endsWith('.pending'))
      .map((name) => path.join(ledgers, name)));
    for (const example of result.examples) this.say(example);
    const check = this.stack.tool(['check']);
    this.say('ends with');
    console.log(String(result));
    assert.ok(result.samples > 0);
    assert.deepEqual([result.lost, result.doubled, result.altered], [0, 0, 0], String(result));
    assert.match(check.stdout, /^whole: /m, `${check.stdout}${check.stderr}`);
  }

  putAway() {
    this.stack?.children.killAll();
    fs.cpSync(path.join(this.state, 'log'), path.resolve(bin, '..', 'artefacts', `chaos-fleet-${this.name}`, 'log'), { recursive: true });
  }
}

scenarios(2, (scenario) => {
  const define = (name, title, run) => scenario(name, title, async () => {
    const back = new Return(name);
    try {
      await run(back);
      await back.measure().finally(() => back.compare());
    } finally {
      back.putAway();
    }
  });

  define('return', `${agents} agents return at once with ${hours} h of backlog each`, async (back) => {
    await back.prepare({ hours, stay: long ? 60 : 8 });
    await back.startBroker();
  });

  define('restart', `the broker of ${agents} agents that the collector knows is restarted`, async (back) => {
    const caps = long ? 1.5 : 0.3;
    await back.prepare({ hours: 0.01, stay: (caps + 1) * backoff + 16 });
    back.stack.startBroker();
    await back.said('caught up: ');
    back.stack.broker.kill('SIGKILL');
    await back.stack.broker.exit;
    await back.startBroker(caps);
  });
});
