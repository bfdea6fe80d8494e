// The store: taking in with and without a broker beside VictoriaMetrics and Prometheus, which take the same samples by
// remote write; bytes a sample at rest; the start after a kill. `node store.mjs BIN`: JSON lines on
// stdout, progress on stderr. A value is one that a batch states; all of them change.
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

try {
  await direct();
  await receiver('victoria-metrics',
    (directory, port) => [`-storageDataPath=${directory}/data`, `-httpListenAddr=127.0.0.1:${port}`, '-retentionPeriod=100y'], '/api/v1/write');
  await receiver('prometheus', (directory, port) => {
    const config = path.join(directory, 'prometheus.yml');
    fs.writeFileSync(config, 'global: {scrape_interval: 1h}\n');
    return [`--config.file=${config}`, `--storage.tsdb.path=${directory}/data`, `--web.listen-address=127.0.0.1:${port}`,
      '--web.enable-remote-write-receiver'];
  }, '/api/v1/write');
  await throughBroker();
  await start();
  bytesAtRest();
} catch (error) {
  console.error(`store: ${error.message}`);
  process.exitCode = 1;
}
