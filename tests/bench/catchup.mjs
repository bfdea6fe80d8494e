// Values a second from backlog, through the broker, into the store: a thousand agents (haidang-fleet return: the agent's
// own code but for sources and sockets) come back at once with an hour each (HOURS), a quarter of the series changing at each
// tick. A value is one that a batch states. Measured from the first hundredth to the last, so that neither the
// reconnecting counts nor the seconds until the last acknowledgement. First what the collector can take, where it grants
// more than anybody can send; then at the pace that it grants by default, which leaves room for live data.
// `node catchup.mjs BIN [AGENTS] [HOURS]`: JSON lines on stdout, progress on stderr.
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';

import { cpuSeconds, PlainStack } from '../support/fleet/plain_stack.mjs';
import { eventually, pause } from '../support/wait.mjs';

const bin = path.resolve(process.argv[2] ?? 'build/release/bin');
const agents = Number(process.argv[3] ?? 1000);
const hours = Number(process.argv[4] ?? 1);

const say = (text) => process.stderr.write(`${text}\n`);
const tell = (metric, value, unit) =>
  console.log(JSON.stringify({ bench: 'catchup', metric, value: Number(value.toPrecision(4)), unit, subject: 'haidang' }));

async function measure(what, backfill) {
  const state = fs.mkdtempSync(path.join(os.tmpdir(), 'haidang-bench-catchup-'));
  const stack = await new PlainStack({ bin, state, backfill }).prepare();
  try {
    stack.startBroker();
    await stack.startCollector();
    await stack.connected();
    const fleet = stack.startFleet(['return', '--port', stack.brokerPort, '--directory', state, '--agents', agents,
      '--hours', hours, '--backoff-max', 1]);
    say(`${what}: ${agents} agents live through ${hours} h without a link`);
    await eventually('the agents want the broker', () => {
      if (!fleet.running) throw new Error(fleet.lastWords());
      return fleet.log().includes('ready: ');
    }, { timeout: 600000, every: 50, signal: stack.children.failed });
    say(`${what}: they are back`);
    const programs = { collector: stack.collector, broker: stack.broker, generator: fleet };
    const seen = [];
    while (fleet.running && !fleet.log().includes('caught up: ')) {
      const cpu = Object.fromEntries(Object.entries(programs).map(([name, child]) => [name, cpuSeconds(child)]));
      seen.push({ time: performance.now(), values: await stack.read('values_total'), cpu });
      await pause(50);
    }
    const report = await stack.reportOf(fleet);
    const total = seen.at(-1).values;
    const first = seen.find(({ values }) => values >= total / 100);
    const last = seen.find(({ values }) => values >= total - total / 100);
    const seconds = (last.time - first.time) / 1000;
    const cores = Object.fromEntries(Object.keys(programs).map((name) => [name, (last.cpu[name] - first.cpu[name]) / seconds]));
    say(`${what}: ${JSON.stringify(report)}`);
    return { values: last.values - first.values, seconds, cores };
  } finally {
    stack.children.killAll();
    fs.rmSync(state, { recursive: true, force: true });
  }
}

const most = await measure('all that can be taken', { batches_per_second: 1000000, machine_batches_per_second: 10000 });
tell('values_per_second', most.values / most.seconds, 'values/s');
tell('values', most.values, 'values');
tell('seconds', most.seconds, 's');
for (const [name, cores] of Object.entries(most.cores)) tell(`cores_${name}`, cores, 'cores');
const granted = await measure('as granted by default', undefined);
tell('values_per_second_as_granted', granted.values / granted.seconds, 'values/s');
tell('cores_collector_as_granted', granted.cores.collector, 'cores');
