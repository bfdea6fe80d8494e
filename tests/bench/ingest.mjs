// Values a second decoded, committed and acknowledged: haidang-fleet → a real Mosquitto → the collector with its
// telemetry.db on disk. A value is one value that a batch states; 60 a batch, all changing. Counted is
// what is acknowledged within 20 s in which the broker always has something for the collector.
import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';

import { Children } from '../support/children.mjs';
import { writeToml } from '../support/configs.mjs';
import { getText } from '../support/http.mjs';
import { freePort } from '../support/ports.mjs';
import { eventually } from '../support/wait.mjs';

const warmUp = 10;
const seconds = 20;
const agents = 400;
const connections = 4;
const ramp = 5;  // of births, so that acknowledgements come evenly
const window = 1000;  // batches that an agent may have unacknowledged
const maxWait = 8;  // seconds that its oldest may wait: more than the 5 s between acknowledgements

const bin = path.resolve(process.argv[2] ?? 'build/release/bin');
const state = fs.mkdtempSync(path.join(os.tmpdir(), 'haidang-ingest-'));
const children = new Children(state);

// A listener of its own, not packaging/mosquitto: plain TCP without names, because haidang-fleet speaks for
// many machines on few connections, and a certificate is one machine there. What TLS and the locks
// cost the broker is not in these figures.
async function startBroker(port) {
  const file = path.join(state, 'mosquitto.conf');
  fs.writeFileSync(file, [
    `listener ${port} 127.0.0.1`, 'allow_anonymous true', 'max_queued_messages 0', 'max_inflight_messages 0',
    'set_tcp_nodelay true', 'log_type error', 'persistence false',
    ...(process.getuid() === 0 ? ['user root'] : []), '',
  ].join('\n'));
  return children.start('mosquitto', 'mosquitto', ['-c', file]);
}

async function startCollector(brokerPort) {
  const [query, metrics] = [await freePort(), await freePort()];
  const secret = path.join(state, 'secret');
  fs.writeFileSync(secret, `${randomBytes(32).toString('hex')}\n`, { mode: 0o600 });
  const file = path.join(state, 'collector.toml');
  fs.mkdirSync(path.join(state, 'collector'));
  writeToml(file, {
    collector: { id: 'bench', group: 'bench' },
    broker: { uri: `tcp://127.0.0.1:${brokerPort}` },
    state: { directory: path.join(state, 'collector') },
    query: { listen: `127.0.0.1:${query}`, secret_file: secret },
    metrics: { listen: `127.0.0.1:${metrics}` },
  });
  const collector = children.start('collector', path.join(bin, 'haidang-collector'), ['--config', file]);
  const read = async (metric) => {
    const text = await getText(`http://127.0.0.1:${metrics}/metrics`);
    return Number(new RegExp(`^haidang_collector_${metric} (\\S+)$`, 'm').exec(text)?.[1]);
  };
  await eventually('the collector is connected to the broker', async () => (await read('broker_connected')) === 1,
    { signal: children.failed });
  return { collector, read };
}

const aborted = (signal) => new Promise((_, reject) => {
  signal.addEventListener('abort', () => reject(signal.reason), { once: true });
});

async function runFleet(port, watched) {
  const args = [
    '--port', port, '--agents', agents, '--connections', connections, '--window', window, '--max-wait', maxWait,
    '--ramp', ramp, '--warm-up', warmUp, '--seconds', seconds, '--drain', 60, ...watched.flatMap((child) => ['--watch', child.pid]),
  ];
  const fleet = children.start('fleet', path.join(bin, 'haidang-fleet'), args.map(String));
  fleet.expected = true;  // to end
  const ended = await Promise.race([fleet.exit, aborted(children.failed)]);
  if (ended.code !== 0) throw new Error(`haidang-fleet: exit ${ended.code}: ${fleet.lastWords()}`);
  return JSON.parse(fleet.log().trimEnd().split('\n').at(-1));
}

function print(metric, value, unit) {
  console.log(JSON.stringify({ bench: 'ingest', metric, value, unit, subject: 'haidang' }));
}

try {
  const port = await freePort();
  const broker = await startBroker(port);
  const { collector, read } = await startCollector(port);
  const report = await runFleet(port, [collector, broker]);
  const stored = await read('values_total');
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
  children.killAll();
  fs.rmSync(state, { recursive: true, force: true });
}
