// Values a second from backlog, through the broker, into the store: twenty agents that lived through eight hours
// without a link (at a multiple of the speed, tests/support/clock) all come back at once; real programs, TLS, the
// packaged broker configuration. The collector grants all that agents can send. A value is one that a batch states. Measured from the first hundredth of them to the last, so
// that neither the reconnecting counts nor the seconds until the last agent tells that nothing waits.
// `node catchup.mjs BIN [HOURS]`: JSON lines on stdout, progress on stderr.
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';

import { ShiftedClock } from '../support/clock.mjs';
import { collectorConfig, writeToml } from '../support/configs.mjs';
import { getText, parseMetrics } from '../support/http.mjs';
import { Stack } from '../support/stack.mjs';
import { eventually, pause } from '../support/wait.mjs';

const bin = path.resolve(process.argv[2] ?? 'build/release/bin');
const hours = Number(process.argv[3] ?? 8);
const speed = 480;
const interval = 15;

const say = (text) => process.stderr.write(`${text}\n`);
const tell = (metric, value, unit) =>
  console.log(JSON.stringify({ bench: 'catchup', metric, value: Number(value.toPrecision(4)), unit, subject: 'haidang' }));

const state = fs.mkdtempSync(path.join(os.tmpdir(), 'haidang-bench-catchup-'));
const agents = Array.from({ length: 20 }, (_, i) => ({ machine: `may-${i + 1}`, site: '22', place: '', class: 'server' }));
let clock;
const stack = new Stack({
  bin, state, interval, agents, probe: false,
  run: (program) => (agents.some(({ machine }) => machine === program) ? { env: clock.env } : {}),
});
const cpuSeconds = (name) => {
  const fields = fs.readFileSync(`/proc/${stack.running[name].pid}/stat`, 'utf8').replace(/^.*\) /s, '').split(' ');
  return (Number(fields[11]) + Number(fields[12])) / 100;
};

try {
  await stack.prepare();
  clock = new ShiftedClock(bin, path.join(state, 'clock'));
  const config = collectorConfig(stack);
  config.backfill = { batches_per_second: 1000000, machine_batches_per_second: 10000 };
  writeToml(path.join(stack.directory('collector'), 'collector.toml'), config);

  const seconds = (hours * 3600) / speed;
  say(`${hours} hours without a link, in ${seconds} s`);
  clock.offsetMs = -(hours * 3600 - seconds) * 1000;
  clock.rate = speed;
  for (const { machine } of agents) stack.startAgent(machine);
  await pause(seconds * 1000);
  clock.rate = 1;

  await stack.startCollector();
  const read = async (name) => Number(new RegExp(`^haidang_collector_${name} (\\S+)$`, 'm').exec(await stack.metrics())?.[1]);
  await stack.startBroker();
  say('they are back');
  const cpu = () => [cpuSeconds('collector'), cpuSeconds('broker')];
  const seen = [{ time: performance.now(), values: 0, cpu: cpu() }];
  await eventually('nothing waits', async () => {
    seen.push({ time: performance.now(), values: await read('values_total'), cpu: cpu() });
    const samples = parseMetrics(await getText(`${stack.urls.metrics}/metrics/fleet`));
    const waiting = samples.filter((s) => s.name === 'haidang_agent_spool_waiting_batches');
    return waiting.length === agents.length && waiting.every((s) => s.value <= 1);
  }, { timeout: 900000, every: 100, signal: stack.failed });
  const total = seen.at(-1).values;
  const first = seen.find(({ values }) => values >= total / 100);
  const last = seen.find(({ values }) => values >= total - total / 100);
  const elapsed = (last.time - first.time) / 1000;
  tell('values_per_second', (last.values - first.values) / elapsed, 'values/s');
  tell('values', total, 'values');
  tell('seconds', elapsed, 's');
  tell('cores_collector', (last.cpu[0] - first.cpu[0]) / elapsed, 'cores');
  tell('cores_broker', (last.cpu[1] - first.cpu[1]) / elapsed, 'cores');
} finally {
  await stack.stop();
  fs.rmSync(state, { recursive: true, force: true });
}
