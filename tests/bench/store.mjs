// The store: taking in with and without a broker beside VictoriaMetrics and Prometheus, which take the same samples by
// remote write; bytes a sample at rest; the start after a kill; questions while as much is taken in as can be. `node
// store.mjs BIN [PART…]`: JSON lines on stdout, progress on stderr. A value is one that a batch states; all of them
// change. PART: direct, peers, broker, start, bytes, queries; all of them without any.
import { execFileSync, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

import { Children } from '../support/children.mjs';
import { cpuSeconds, PlainStack } from '../support/fleet/plain_stack.mjs';
import { freePort } from '../support/ports.mjs';
import { eventually } from '../support/wait.mjs';

const bin = path.resolve(process.argv[2] ?? 'build/release/bin');
const here = path.dirname(fileURLToPath(import.meta.url));
const [agents, series, ticks] = [1667, 60, 200];  // 100 020 series
const runs = 3;  // medians of them
const connections = 2;  // of a remote writer: a core each

const say = (text) => process.stderr.write(`${text}\n`);
const tell = (metric, value, unit, subject = 'haidang') =>
  console.log(JSON.stringify({ bench: 'store', metric, value: Number(value.toPrecision(4)), unit, subject }));
const median = (values) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];
const mostMemory = (child) => 1024 * Number(/^VmHWM:\s+(\d+)/m.exec(fs.readFileSync(`/proc/${child.pid}/status`, 'utf8'))[1]);

async function inDirectory(work) {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'haidang-bench-store-'));
  try {
    return await work(directory);
  } finally {
    fs.rmSync(directory, { recursive: true, force: true });
  }
}

// What `run` measures, `runs` times: the median of each of its figures.
async function medians(what, run) {
  const all = [];
  for (let i = 1; i <= runs; ++i) {
    say(`${what}, run ${i} of ${runs}`);
    all.push(await inDirectory(run));
  }
  return Object.fromEntries(Object.keys(all[0]).map((key) => [key, median(all.map((figures) => figures[key]))]));
}

const cost = (program, ...args) => {
  const ended = spawnSync(path.join(bin, program), args.map(String), { encoding: 'utf8' });
  if (ended.status !== 0) throw new Error(`${program}: ${ended.stderr || ended.error?.message || ended.signal}`);
  return JSON.parse(ended.stdout);
};

async function direct() {
  const got = await medians('Without a broker', (directory) => cost('haidang-ingest-cost', directory, agents, series, ticks));
  tell('values_per_second_direct', got.values_per_second, 'values/s');
  tell('values_per_second_per_core_direct', got.values_per_cpu_second, 'values/s');
  tell('memory_bytes_per_series', got.memory_bytes_per_series, 'bytes');
  tell('peak_memory_mib_direct', got.peak_memory_bytes / (1 << 20), 'MiB');
}

async function throughBroker() {
  const got = await medians('Through Mosquitto', async (state) => {
    const stack = new PlainStack({ bin, state });
    try {
      await stack.prepare();
      const broker = stack.startBroker();
      const collector = await stack.startCollector();
      await stack.connected();
      const report = await stack.reportOf(stack.startFleet([
        '--port', stack.brokerPort, '--agents', agents, '--series', series, '--connections', 4, '--window', 1000, '--max-wait', 8,
        '--ramp', 5, '--warm-up', 10, '--seconds', 20, '--drain', 60, '--watch', collector.pid, '--watch', broker.pid,
      ]));
      const stored = await stack.read('values_total');
      if (stored !== report.values_sent) throw new Error(`${report.values_sent} values were sent, ${stored} stored`);
      const cores = (report.cpu_seconds + report.watched_cpu_seconds.reduce((sum, cpu) => sum + cpu)) / report.seconds;
      return {
        values_per_second: report.values_per_second, per_core: report.values_per_second / cores, peak: mostMemory(collector),
      };
    } finally {
      stack.children.killAll();
    }
  });
  tell('values_per_second_broker', got.values_per_second, 'values/s');
  tell('values_per_second_per_core_broker', got.per_core, 'values/s');
  tell('peak_memory_mib_broker', got.peak / (1 << 20), 'MiB');
}

// `command(directory, port)` starts the receiver; its version is its package's.
async function receiver(name, command, write) {
  const version = execFileSync('dpkg-query', ['-W', '-f', '${source:Upstream-Version}', name], { encoding: 'utf8' });
  const got = await medians(`${name} ${version} by remote write`, async (directory) => {
    const children = new Children(path.join(directory, 'log'));
    try {
      const port = await freePort();
      const child = children.start(name, name, command(directory, port));
      const url = `http://127.0.0.1:${port}`;
      const ready = name === 'prometheus' ? '/-/ready' : '/health';
      await eventually(`${name} answers`, async () => (await fetch(url + ready)).ok, { signal: children.failed });
      const before = cpuSeconds(child);
      const written = cost('haidang-write-cost', url + write, agents, series, ticks, connections);
      return {
        values_per_second: written.values_per_second, per_core: written.values / (cpuSeconds(child) - before), peak: mostMemory(child),
      };
    } finally {
      children.killAll();
    }
  });
  tell('values_per_second_direct', got.values_per_second, 'values/s', name);
  tell('values_per_second_per_core_direct', got.per_core, 'values/s', name);
  tell('peak_memory_mib_direct', got.peak / (1 << 20), 'MiB', name);
}

// As the bench store-codec measures it.
function bytesAtRest() {
  say('Bytes a sample at rest');
  const lines = execFileSync('node', [path.join(here, 'store-codec.mjs'), bin], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] });
  for (const line of lines.trimEnd().split('\n').map((text) => JSON.parse(text))) {
    const subject = line.subject.split(' ')[0];
    if (/^bytes_per_sample_(noisy|machine|growth)$/.test(line.metric) && subject !== 'gorilla') tell(line.metric, line.value, line.unit, subject);
  }
}

// A journal of 15 minutes of 10 000 agents' own code; the collector is killed, and started again.
async function start() {
  const prefixes = ['a', 'b', 'c'];  // one process may not have so many files open
  say('The start after a kill');
  await inDirectory(async (state) => {
    const stack = new PlainStack({ bin, state, backfill: { batches_per_second: 1000000, machine_batches_per_second: 10000 } });
    try {
      await stack.prepare();
      stack.startBroker();
      await stack.startCollector();
      await stack.connected();
      const fleets = prefixes.map((prefix) => {
        const directory = path.join(state, prefix);
        fs.mkdirSync(directory);
        const fleet = stack.children.start(prefix, path.join(bin, 'haidang-fleet'), ['return', '--port', stack.brokerPort,
          '--directory', directory, '--prefix', prefix, '--agents', 3334, '--hours', 0.25, '--series', series, '--backoff-max', 20,
          '--stay', 20].map(String));
        fleet.expected = true;  // to end
        return fleet;
      });
      for (const fleet of fleets) await stack.reportOf(fleet);
      const rows = await stack.read('journal_rows');
      const seconds = [];
      for (let i = 0; i < runs; ++i) {
        await stack.collector.kill('SIGKILL');
        await stack.collector.exit;
        const begin = performance.now();
        await stack.startCollector();
        seconds.push((performance.now() - begin) / 1000);
      }
      tell('start_journal_rows', rows, 'batches');
      tell('start_seconds', median(seconds), 's');
    } finally {
      stack.children.killAll();
    }
  });
}

// Columns of an answer, and their points.
function count(bytes) {
  if (bytes.toString('latin1', 0, 4) !== 'HDC1') throw new Error('the answer has no columns');
  const found = { columns: 0, points: 0 };
  for (let at = 4; at < bytes.length; ++found.columns) {
    at += 4 + bytes.readUInt32LE(at);
    const points = bytes.readUInt32LE(at);
    at += 4 + 16 * points;
    found.points += points;
  }
  return found;
}

// Questions to a store of so many machines and days, while haidang-fleet sends as those machines, as fast as it may.
async function queriesOf(machines, days, suffix) {
  await inDirectory(async (state) => {
    const stack = new PlainStack({ bin, state });
    try {
      await stack.prepare();
      say(`Questions: ${machines} machines, ${days} days: the store is made`);
      tell(`query_samples${suffix}`, cost('haidang-store-maker', stack.collectorDirectory, machines, days).samples, 'samples');
      stack.startBroker();
      await stack.startCollector();
      await stack.connected();
      say('Roll-ups of it are made');
      const begin = performance.now();
      await eventually('all roll-ups are made', async () => (await stack.read('rollup_pieces_total')) > 0 && (await stack.read('rollup_windows_due')) === 0,
        { timeout: 1200000, every: 1000, signal: stack.children.failed });
      tell(`rollups_seconds${suffix}`, (performance.now() - begin) / 1000, 's');
      stack.startFleet(['--port', stack.brokerPort, '--agents', machines, '--series', series, '--connections', 4, '--window', 1000,
        '--max-wait', 8, '--ramp', 5, '--warm-up', 5, '--seconds', 600, '--drain', 1]).expected = true;
      await eventually('all machines are there', async () => count(await stack.ask('now?metric=node_load1')).columns === machines,
        { timeout: 60000, signal: stack.children.failed });
      const now = Date.now();
      const day = 24 * 3600 * 1000;
      const yearOf = (site) => [`range?metric=haidang_probe_latency_seconds&match=site=${site}&function=quantile&q=0.95&combine=sum` +
        `&by=site&step=3600000&from=${now - 367 * day}&to=${now - 2 * day}`, { columns: 1, points: 8000 }];
      const questions = {
        query_last_all_ms: ['now?metric=node_load1', { columns: machines }],
        query_top_disks_ms: ['now?metric=node_filesystem_avail_bytes&over=node_filesystem_size_bytes&smallest=20', { columns: 20 }],
        query_day_raw_ms: [`range?metric=node_load1&match=instance=may-7&from=${now - 2 * day}&to=${now - day}`, { columns: 1, points: 1000 }],
        query_year_p95_ms: yearOf('site-0'),
        query_year_p95_of_18_machines_ms: yearOf('site-1'),
      };
      const values = await stack.read('values_total');
      const since = performance.now();
      for (const [metric, [question, least]] of Object.entries(questions)) {
        const took = [];
        for (let i = 0; i < 31; ++i) {
          const start = performance.now();
          const found = count(await stack.ask(question));
          took.push(performance.now() - start);
          for (const [what, number] of Object.entries(least)) {
            if (found[what] < number) throw new Error(`${question}: ${found[what]} ${what}, expected were ${number}`);
          }
        }
        tell(`${metric}${suffix}`, median(took), 'ms');
        tell(`${metric.replace(/_ms$/, '')}_slowest_ms${suffix}`, Math.max(...took), 'ms');
      }
      tell(`query_values_per_second${suffix}`, ((await stack.read('values_total')) - values) / (performance.now() - since) * 1000, 'values/s');
    } finally {
      stack.children.killAll();
    }
  });
}

async function queries() {
  await queriesOf(1000, 2, '');
  await queriesOf(100, 2, '_100_machines');
  await queriesOf(100, 20, '_100_machines_20_days');
}

async function peers() {
  await receiver('victoria-metrics',
    (directory, port) => [`-storageDataPath=${directory}/data`, `-httpListenAddr=127.0.0.1:${port}`, '-retentionPeriod=100y'], '/api/v1/write');
  await receiver('prometheus', (directory, port) => {
    const config = path.join(directory, 'prometheus.yml');
    fs.writeFileSync(config, 'global: {scrape_interval: 1h}\n');
    return [`--config.file=${config}`, `--storage.tsdb.path=${directory}/data`, `--web.listen-address=127.0.0.1:${port}`,
      '--web.enable-remote-write-receiver'];
  }, '/api/v1/write');
}

try {
  const parts = { direct, peers, broker: throughBroker, start, bytes: bytesAtRest, queries };
  const asked = process.argv.slice(3);
  for (const part of asked.length > 0 ? asked : Object.keys(parts)) {
    if (!parts[part]) throw new Error(`there is no part '${part}'; allowed: ${Object.keys(parts).join(', ')}`);
    await parts[part]();
  }
} catch (error) {
  console.error(`store: ${error.message}`);
  process.exitCode = 1;
}
