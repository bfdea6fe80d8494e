// Bytes on the wire for each sample (one series at one tick, changed or not) and each changed value, from an agent of
// 15 s: live, and as the backlog of a long outage; beside the same samples as JSON and as Influx line protocol
// over the same broker. `node wire.mjs BIN [SECONDS]`: JSON lines on stdout, progress on stderr.
//
// Counted on the socket, both ways: TLS, MQTT, acknowledgements. TCP/IP headers (52 bytes a segment, as the
// kernel counts segments) stand beside it. Live: 600 s, in which each value is stated in full once. Backlog: an agent
// without a link lives through these 600 s at 60 times the speed (tests/support/clock), then connects: handshake,
// birth and all until nothing waits.
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';

import { ShiftedClock } from '../support/clock.mjs';
import { getText, parseMetrics } from '../support/http.mjs';
import { MqttClient } from '../support/mqtt_client.mjs';
import { TcpProxy } from '../support/proxy.mjs';
import { Stack } from '../support/stack.mjs';
import { eventually, pause } from '../support/wait.mjs';

const bin = path.resolve(process.argv[2] ?? 'build/release/bin');
const seconds = Number(process.argv[3] ?? process.env.BENCH_SECONDS ?? 600);
const interval = 15;
const speed = 60;
const headers = 52;  // IPv4 and TCP with timestamps

const say = (text) => process.stderr.write(`${text}\n`);
const tell = (subject, metric, value, unit = 'bytes') =>
  console.log(JSON.stringify({ bench: 'wire', metric, value: Number(value.toPrecision(4)), unit, subject }));

// A proxy that counts what passes.
class Meter {
  bytes = 0;
  async start(target) {
    const count = (bytes) => (this.bytes += bytes.length);
    this.proxy = await new TcpProxy(target, { tap: () => ({ toServer: count, toClient: count }) }).start();
    return this;
  }
  get port() {
    return this.proxy.port;
  }
  // TCP segments of the connections to the proxy so far, both ways.
  get segments() {
    const { stdout } = spawnSync('ss', ['-tinH', 'dport', '=', `:${this.port}`], { encoding: 'utf8' });
    const sum = (name) => [...stdout.matchAll(new RegExp(`\\b${name}:(\\d+)`, 'g'))].reduce((all, m) => all + Number(m[1]), 0);
    return sum('segs_out') + sum('segs_in');
  }
  get reading() {
    return { bytes: this.bytes, segments: this.segments };
  }
}

// What an agent read, tick by tick: [{ts, changed, all: Map series → value}].
function ticksOf(ledger) {
  const ticks = [];
  const now = new Map();
  for (const line of fs.readFileSync(ledger, 'utf8').trimEnd().split('\n')) {
    const { series, ts_ms: ts, value } = JSON.parse(line);
    if (ticks.at(-1)?.ts !== ts) ticks.push({ ts, changed: 0, all: now });
    const tick = ticks.at(-1);
    if (value === null) now.delete(series);
    else now.set(series, value);
    tick.changed += 1;
    tick.samples = now.size;
  }
  return ticks;
}
const sum = (ticks, key) => ticks.reduce((all, tick) => all + tick[key], 0);

function tellWire(subject, kind, { bytes, segments }, samples, changed) {
  tell(subject, `${kind}_bytes_per_sample`, bytes / samples);
  tell(subject, `${kind}_bytes_per_sample_with_tcp_ip`, (bytes + segments * headers) / samples);
  if (changed) tell(subject, `${kind}_bytes_per_changed_value`, bytes / changed);
}

// The same samples, all of each tick in one message of QoS 1, its time and machine once.
function splitSeries(series) {
  const [, metric, labels = ''] = /^([^{]*)(?:\{(.*)\})?$/s.exec(series);
  const tags = {};
  for (const [, name, value] of labels.matchAll(/([a-zA-Z0-9_]+)="((?:[^"\\]|\\.)*)"/g)) tags[name] = value;
  return { metric, tags };
}
const formats = {
  json: (machine, ts, all) => JSON.stringify({
    machine, timestamp: ts,
    metrics: all.map(([series, value]) => {
      const { metric, tags } = splitSeries(series);
      return Object.keys(tags).length > 0 ? { name: metric, tags, value } : { name: metric, value };
    }),
  }),
  influx: (machine, ts, all) => all.map(([series, value]) => {
    const { metric, tags } = splitSeries(series);
    const escape = (text) => text.replace(/[ ,=]/g, '\\$&');
    const own = Object.entries({ host: machine, ...tags }).map(([name, text]) => `,${name}=${escape(text)}`).join('');
    return `${metric}${own} value=${typeof value === 'object' ? JSON.stringify(JSON.stringify(value)) : JSON.stringify(value)} ${ts}`;
  }).join('\n'),
};

async function measurePeer(stack, subject, ledger, ticks) {
  const meter = await new Meter().start(stack.ports.broker);
  const machine = `${subject}-1`;
  const files = stack.authority.issue(machine);
  const read = (file) => fs.readFileSync(file);
  const client = await new MqttClient({
    port: meter.port, ca: read(stack.authority.ca), cert: read(files.cert), key: read(files.key), clientId: machine,
  }).connect();
  const before = meter.reading;
  const now = new Map();
  let samples = 0;
  let ts;
  const wanted = new Set(ticks.map((tick) => tick.ts));
  const publish = async () => {
    if (!wanted.has(ts)) return;
    samples += now.size;
    await client.publish(`spBv1.0/${stack.group}/NDATA/${machine}`, formats[subject](machine, ts, [...now]), 1);
  };
  for (const line of fs.readFileSync(ledger, 'utf8').trimEnd().split('\n')) {
    const entry = JSON.parse(line);
    if (ts !== undefined && entry.ts_ms !== ts) await publish();
    ts = entry.ts_ms;
    if (entry.value === null) now.delete(entry.series);
    else now.set(entry.series, entry.value);
  }
  await publish();
  const after = meter.reading;
  tellWire(subject, 'live', { bytes: after.bytes - before.bytes, segments: after.segments - before.segments }, samples);
  client.end();
  await meter.proxy.stop();
}

const state = fs.mkdtempSync(path.join(os.tmpdir(), 'haidang-bench-wire-'));
const agents = ['live-1', 'backlog-1'].map((machine) => ({ machine, site: '22', place: '', class: 'server' }));
const ledger = (machine) => path.join(state, `${machine}.ledger`);
let clock;
const stack = new Stack({
  bin, state, interval, agents, probe: false,
  run: (program) => (!agents.some(({ machine }) => machine === program) ? {}
    : { args: ['--test-ledger', ledger(program)], env: program === 'backlog-1' ? clock.env : {} }),
});
const meters = {};
try {
  await stack.prepare();
  clock = new ShiftedClock(bin, path.join(state, 'clock'));
  for (const agent of agents) {
    meters[agent.machine] = await new Meter().start(stack.ports.broker);
    stack.agentBrokerPort = meters[agent.machine].port;
    stack.writeAgentConfig(agent);
  }
  await stack.startBroker();
  await stack.startCollector();

  // Without a link, and in the past: its clock is right again when the link is there.
  const { port } = meters['backlog-1'];
  await meters['backlog-1'].proxy.stop();
  clock.offsetMs = -seconds * (speed - 1) * 1000;
  clock.rate = speed;
  stack.startAgent('backlog-1');
  stack.startAgent('live-1');

  const live = () => ticksOf(ledger('live-1'));
  // From the middle between two ticks to another such middle: the bytes of whole ticks.
  const afterTicks = async (count) => {
    await eventually(`tick ${count}`, () => fs.existsSync(ledger('live-1')) && live().length >= count, {
      timeout: (count + 4) * interval * 1000, every: 500, signal: stack.failed,
    });
    await pause((interval * 1000) / 2);
  };
  const warmUp = 3;  // ticks: birth, first full batch
  await afterTicks(warmUp);
  say(`measuring for ${seconds} s`);
  const before = meters['live-1'].reading;
  await afterTicks(warmUp + Math.round(seconds / interval));
  const after = meters['live-1'].reading;
  const ticks = live().slice(warmUp);
  tellWire('haidang', 'live', { bytes: after.bytes - before.bytes, segments: after.segments - before.segments },
    sum(ticks, 'samples'), sum(ticks, 'changed'));
  tell('haidang', 'live_changed_share', sum(ticks, 'changed') / sum(ticks, 'samples'), 'ratio');

  clock.rate = 1;
  say('the backlog drains');
  const meter = meters['backlog-1'];
  meter.proxy = await new TcpProxy(stack.ports.broker, { tap: meter.proxy.tap }).start(port);
  await eventually('nothing waits', async () => {
    const samples = parseMetrics(await getText(`${stack.urls.metrics}/metrics/fleet`));
    const find = (name) => samples.find((s) => s.name === name && s.labels.instance === 'backlog-1')?.value;
    return find('haidang_agent_spool_waiting_batches') <= 1;
  }, { timeout: 600000, every: 500, signal: stack.failed });
  const all = ticksOf(ledger('backlog-1'));
  tellWire('haidang', 'backlog', meter.reading, sum(all, 'samples'), sum(all, 'changed'));
  tell('haidang', 'backlog_changed_share', sum(all, 'changed') / sum(all, 'samples'), 'ratio');
  tell('haidang', 'backlog_hours', (all.length * interval) / 3600, 'h');

  for (const name of [...agents.map((agent) => agent.machine), 'collector']) await stack.running[name].stop();
  for (const subject of Object.keys(formats)) await measurePeer(stack, subject, ledger('live-1'), ticks);
} finally {
  await stack.stop();
  for (const meter of Object.values(meters)) await meter.proxy.stop();
  fs.rmSync(state, { recursive: true, force: true });
}
