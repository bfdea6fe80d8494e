// What walking journeys costs an agent, and what it does to the times that it measures: 1 000 journeys of 5 steps a minute
// over TLS, beside 10 a minute, against a server that says how long it held each answer back (tests/support/held_server.mjs).
// curl, run once a second meanwhile, is the peer: its error is this machine's noise. `node journeys.mjs BIN [SECONDS]`: JSON
// lines on stdout.
import { execFile, spawn } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';

import { footprint } from '../support/footprint.mjs';
import { Stack } from '../support/stack.mjs';
import { eventually, pause } from '../support/wait.mjs';

const bin = path.resolve(process.argv[2] ?? 'build/release/bin');
const seconds = Number(process.argv[3] ?? process.env.BENCH_SECONDS ?? 180);
const interval = 15;  // seconds between ticks
const steps = 5;
const run = promisify(execFile);

const say = (text) => process.stderr.write(`${text}\n`);
const tell = (subject, metric, value, unit) =>
  console.log(JSON.stringify({ bench: 'journeys', metric, value: Number(value.toPrecision(4)), unit, subject }));
const quantile = (values, share) => [...values].sort((a, b) => a - b)[Math.min(values.length - 1, Math.floor(share * values.length))];

class HeldServer {
  async start(files) {
    const script = new URL('../support/held_server.mjs', import.meta.url).pathname;
    this.child = spawn(process.execPath, [script, files.cert, files.key], { stdio: ['pipe', 'pipe', 'inherit'] });
    this.child.stdout.setEncoding('utf8');
    this.text = '';
    this.child.stdout.on('data', (text) => (this.text += text));
    this.port = Number(await eventually('the server that holds answers', () => this.text.includes('\n') && this.text.trim()));
    return this;
  }
  // What it held, by path.
  async stop() {
    this.text = '';
    this.child.stdin.end();
    await new Promise((resolve) => this.child.once('close', resolve));
    return JSON.parse(this.text);
  }
}

// `count` journeys of five steps, each every `every` seconds.
const journeys = (stack, port, count, every) => Array.from({ length: count }, (_, j) => ({
  name: `j${j}`, interval: `${every}s`, share: 'none', timeout: '5s', ca: stack.authority.ca,
  step: Array.from({ length: steps }, (__, s) => ({
    name: `s${s}`, url: `https://localhost:${port}/j${j}/s${s}`, contains: ['so-ket-qua'],
  })),
}));

// {path: [[run, seconds of processing], …]} of what the agent stored.
function measured(ledger) {
  const now = new Map();  // series → value
  const out = {};
  const one = /^(haidang_probe_runs_total|probe_http_duration_seconds)\{journey="(\w+)",(?:phase="(\w+)",)?step="(\w+)"\}$/;
  let time;
  const flush = () => {
    for (const [key, entry] of now) {
      if (entry.runs === entry.told || entry.processing === undefined) continue;
      entry.told = entry.runs;
      (out[key] ??= []).push([entry.runs, entry.processing]);
    }
  };
  for (const line of fs.readFileSync(ledger, 'utf8').split('\n')) {
    if (!line) continue;
    const { series, ts_ms: at, value } = JSON.parse(line);
    const found = one.exec(series);
    if (!found) continue;
    if (at !== time) flush();
    time = at;
    const key = `/${found[2]}/${found[4]}`;
    const entry = now.get(key) ?? now.set(key, {}).get(key);
    if (found[1] === 'haidang_probe_runs_total') entry.runs = value;
    else if (found[3] === 'processing') entry.processing = value;
  }
  flush();
  return out;
}

// curl's own measurement of an answer, once a second, as [ms] in order.
async function curlBeside(port, ca, stop) {
  const times = [];
  while (!stop.aborted) {
    const { stdout } = await run('curl', ['-s', '-o', '/dev/null', '--cacert', ca, '-w', '%{time_pretransfer} %{time_starttransfer}',
      `https://localhost:${port}/curl`]);
    const [before, after] = stdout.split(' ').map(Number);
    times.push((after - before) * 1000);
    await pause(1000);
  }
  return times;
}

async function measure(subject, count, every) {
  const state = fs.mkdtempSync(path.join(os.tmpdir(), 'haidang-bench-journeys-'));
  const ledger = path.join(state, 'ledger');
  const stack = new Stack({
    bin, state, interval, probe: false, agents: [{ machine: 'bench-1', site: '22', place: '', class: 'server' }],
    run: (name) => (name === 'bench-1' ? { args: ['--test-ledger', ledger] } : {}),
  });
  const server = new HeldServer();
  const stop = new AbortController();
  try {
    await stack.prepare();
    await server.start(stack.onestopFiles);
    const [agent] = stack.agents;
    agent.more = { journey: journeys(stack, server.port, count, every) };
    stack.writeAgentConfig(agent);
    await stack.startBroker();
    await stack.startCollector();
    const { pid } = stack.startAgent(agent.machine);
    const peer = curlBeside(server.port, stack.authority.ca, stop.signal);
    await pause(3 * interval * 1000);  // births, the first full batches and every journey's first walk
    const [before, begun] = [footprint(bin, pid), process.hrtime.bigint()];
    await pause(seconds * 1000);
    const [after, elapsed] = [footprint(bin, pid), Number(process.hrtime.bigint() - begun) / 1e9];
    stop.abort();
    const curl = await peer;
    await stack.stop();
    const held = await server.stop();
    const walks = Object.entries(held).filter(([where]) => where.endsWith(`/s${steps - 1}`)).reduce((sum, [, times]) => sum + times.length, 0);
    const errors = Object.entries(measured(ledger)).flatMap(([where, runs]) =>
      runs.map(([number, processing]) => Math.abs(processing * 1000 - held[where][number - 1])));
    const curlErrors = curl.map((ms, i) => Math.abs(ms - held['/curl'][i]));
    tell(subject, 'cpu_percent_of_core', (100 * (after.cpu - before.cpu)) / elapsed, '%');
    tell(subject, 'rss_mib', after.rss, 'MiB');
    tell(subject, 'timing_error_p50_ms', quantile(errors, 0.5), 'ms');
    tell(subject, 'timing_error_p99_ms', quantile(errors, 0.99), 'ms');
    tell('curl', 'timing_error_p99_ms', quantile(curlErrors, 0.99), 'ms');
    tell(subject, 'walks_per_minute', (60 * walks) / (elapsed + 3 * interval), 'walks');
    tell(subject, 'timings', errors.length, 'timings');
    return quantile(errors, 0.99);
  } finally {
    stop.abort();
    await stack.stop();
    server.child?.kill();
    fs.rmSync(state, { recursive: true, force: true });
  }
}

say('10 journeys a minute');
const few = await measure('10 a minute', 10, 60);
say('1 000 journeys a minute');
const many = await measure('1000 a minute', 40, 2.4);  // so that all series are within an agent's bound
tell('1000 a minute', 'timing_error_added_p99_ms', Math.max(0, many - few), 'ms');

say('what following an objective costs the collector');
const made = fs.mkdtempSync(path.join(os.tmpdir(), 'haidang-bench-objectives-'));
try {
  const { stdout } = await run(path.join(bin, 'haidang-objective-cost'), [made]);
  const cost = JSON.parse(stdout);
  tell('haidang', 'objective_whole_seconds', cost.whole_seconds, 's');
  tell('haidang', 'objective_recent_seconds', cost.recent_seconds, 's');
  tell('haidang', 'objective_judged_seconds', cost.judged_seconds, 's');
} finally {
  fs.rmSync(made, { recursive: true, force: true });
}
