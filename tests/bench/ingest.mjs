// Values a second decoded, committed and acknowledged: haidang-fleet → a real Mosquitto → the collector with its
// telemetry.db on disk. A value is one value that a batch states; 60 a batch, all changing. Counted is
// what is acknowledged within 20 s in which the broker always has something for the collector.
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';

import { PlainStack } from '../support/fleet/plain_stack.mjs';

const warmUp = 10;
const seconds = 20;
const agents = 400;
const connections = 4;
const ramp = 5;  // of births, so that acknowledgements come evenly
const window = 1000;  // batches that an agent may have unacknowledged
const maxWait = 8;  // seconds that its oldest may wait: more than the 5 s between acknowledgements

const bin = path.resolve(process.argv[2] ?? 'build/release/bin');
const state = fs.mkdtempSync(path.join(os.tmpdir(), 'haidang-ingest-'));
const stack = new PlainStack({ bin, state });

function print(metric, value, unit) {
  console.log(JSON.stringify({ bench: 'ingest', metric, value, unit, subject: 'haidang' }));
}

try {
  await stack.prepare();
  const broker = stack.startBroker();
  const collector = await stack.startCollector();
  await stack.connected();
  const report = await stack.reportOf(stack.startFleet([
    '--port', stack.brokerPort, '--agents', agents, '--connections', connections, '--window', window, '--max-wait', maxWait,
    '--ramp', ramp, '--warm-up', warmUp, '--seconds', seconds, '--drain', 60,
    ...[collector, broker].flatMap((child) => ['--watch', child.pid]),
  ]));
  const stored = await stack.read('values_total');
  if (stored !== report.values_sent) throw new Error(`${report.values_sent} values were sent, ${stored} stored`);
  if (report.batches_sent_again > 0 || report.disconnects > 0) {
    console.error(`ingest: ${report.batches_sent_again} batches were sent again, ${report.disconnects} disconnects`);
  }
  const [collectorCpu, brokerCpu] = report.watched_cpu_seconds.map((cpu) => cpu / report.seconds);
  const generatorCpu = report.cpu_seconds / report.seconds;
  const round = (value) => Math.round(value * 1000) / 1000;
  print('values_per_second', Math.round(report.values_per_second), 'values/s');
  print('values_per_second_per_core',
    Math.round(report.values_per_second / (collectorCpu + brokerCpu + generatorCpu)), 'values/s');
  print('cores_collector', round(collectorCpu), 'cores');
  print('cores_broker', round(brokerCpu), 'cores');
  print('cores_generator', round(generatorCpu), 'cores');
} catch (error) {
  console.error(`ingest: ${error.message}`);
  process.exitCode = 1;
} finally {
  stack.children.killAll();
  fs.rmSync(state, { recursive: true, force: true });
}
