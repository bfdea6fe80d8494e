// What the agent costs on its machine and on the wire, beside prometheus-node-exporter read at the same
// interval. `node agent.mjs BIN [SECONDS]`: JSON lines on stdout, progress on stderr. Everything runs on
// loopback: Mosquitto with the project's own configuration, the collector, one agent behind a proxy
// that counts bytes. BENCH_PROBE=1 lets the agent probe the stand-in one-stop system too.
import { execFileSync, spawn } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';

import { writeToml } from '../support/configs.mjs';
import { Observer } from '../support/observer.mjs';
import { freePort } from '../support/ports.mjs';
import { TcpProxy } from '../support/proxy.mjs';
import { decode } from '../support/sparkplug.mjs';
import { Stack } from '../support/stack.mjs';
import { eventually, pause } from '../support/wait.mjs';

const bin = path.resolve(process.argv[2] ?? 'build/release/bin');
const seconds = Number(process.argv[3] ?? process.env.BENCH_SECONDS ?? 120);
const withProbe = process.env.BENCH_PROBE === '1';
const interval = 15;  // seconds, of agent and scrapes
const warmUp = 2;     // intervals before the measurement: births, first full batch
const firstSeriesAlias = 32;

const say = (text) => process.stderr.write(`${text}\n`);
const tell = (subject, metric, value, unit) =>
  console.log(JSON.stringify({ bench: 'agent', metric, value: Number(value.toPrecision(4)), unit, subject }));

// Kernel's view of a process: MiB of memory, seconds of CPU (threads that ended included).
function footprint(pid) {
  const rollup = fs.readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8');
  const mib = (key) => Number(new RegExp(`^${key}:\\s+(\\d+) kB`, 'm').exec(rollup)[1]) / 1024;
  const cpu = Number(execFileSync(path.join(bin, 'haidang-cputime'), [String(pid)], { encoding: 'utf8' }));
  return { rss: mib('Rss'), anonymous: mib('Anonymous'), cpu };
}

// Bytes on the agent's sockets to the broker, both ways, TLS and all above TCP included.
class CountingProxy {
  bytes = 0;
  async start(target) {
    const count = (bytes) => (this.bytes += bytes.length);
    this.proxy = await new TcpProxy(target, { tap: () => ({ toServer: count, toClient: count }) }).start();
    return this.proxy.port;
  }
}

// Counts what the agent states, series of its births, values and ticks of its batches, from the packets that
// the broker hands to the collector.
class Counter {
  series = 0;
  values = 0;
  ticks = 0;
  births = 0;
  #seen = 0;  // packets
  async start({ authority, brokerFiles, ports }) {
    this.observer = await new Observer(authority, brokerFiles, ports.broker).start(await freePort());
    return this.observer.port;
  }
  count() {
    const fresh = this.observer.packets.slice(this.#seen);
    this.#seen += fresh.length;
    for (const { from, packet } of fresh) {
      if (from !== 'broker' || packet.cmd !== 'publish') continue;
      const metrics = () => decode(packet.payload).metrics.filter((m) => Number(m.alias) >= firstSeriesAlias);
      if (packet.topic.includes('/NBIRTH/')) {
        this.series = metrics().length;
        this.births += 1;
      } else if (packet.topic.includes('/NDATA/')) {
        this.values += metrics().length;
        this.ticks += 1;
      }
    }
  }
}

function startExporter(port) {
  const child = spawn('setpriv', ['--pdeathsig', 'KILL', '--', 'prometheus-node-exporter',
    `--web.listen-address=127.0.0.1:${port}`], { stdio: 'ignore' });
  const version = execFileSync('prometheus-node-exporter', ['--version'], { encoding: 'utf8', stdio: 'pipe' });
  return { child, name: `prometheus-node-exporter ${/version (\d+(\.\d+)*)/.exec(version)[1]}` };
}

const state = fs.mkdtempSync(path.join(os.tmpdir(), 'haidang-bench-agent-'));
const proxy = new CountingProxy();
const counter = new Counter();
const stack = new Stack({
  bin, state, interval, agents: [{ machine: 'bench-1', site: '22', place: '', class: 'server' }],
  through: (kind, own) => (kind === 'agent' ? proxy.start(own.ports.broker) : counter.start(own)),
});
let exporter;
try {
  await stack.prepare();
  const [agent] = stack.agents;
  if (!withProbe) {
    // The same configuration as everywhere, without its probe.
    writeToml(agent.config, {
      broker: { uri: `ssl://localhost:${stack.agentBrokerPort}`, ca: stack.authority.ca, group: stack.group,
        ...stack.authority.issue(agent.machine) },
      machine: { class: agent.class, site: agent.site },
      state: { directory: stack.directory('agents', agent.machine) },
      sampling: { interval },
    });
  }
  await stack.startBroker();
  if (withProbe) await stack.startOnestop();
  await stack.startCollector();
  const { pid } = stack.startAgent(agent.machine);

  const port = await freePort();
  exporter = startExporter(port);
  const scrape = async () => (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
  await eventually('node_exporter answers', scrape);
  let exposed = '';
  const scraping = setInterval(() => scrape().then((text) => (exposed = text), () => {}), interval * 1000);

  say(`warming up for ${warmUp * interval} s, then measuring for ${seconds} s`);
  await eventually('the agent sends its first batch', () => (counter.count(), counter.ticks > 0), {
    timeout: 60000, every: 500, signal: stack.failed,
  });
  // Measured from the middle between two ticks to another such middle, so that the bytes are those of
  // whole ticks.
  const afterTicks = async (number) => {
    await eventually(`tick ${number}`, () => (counter.count(), counter.ticks >= number), {
      timeout: (number + 4) * interval * 1000, every: 500, signal: stack.failed,
    });
    await pause((interval * 1000) / 2);
    counter.count();
  };
  await afterTicks(counter.ticks + warmUp);
  const before = {
    agent: footprint(pid), exporter: footprint(exporter.child.pid), bytes: proxy.bytes, values: counter.values,
    ticks: counter.ticks, births: counter.births, time: process.hrtime.bigint(),
  };
  await afterTicks(before.ticks + Math.max(1, Math.round(seconds / interval)));
  const after = { agent: footprint(pid), exporter: footprint(exporter.child.pid), bytes: proxy.bytes };
  const elapsed = Number(process.hrtime.bigint() - before.time) / 1e9;
  clearInterval(scraping);

  const ticks = counter.ticks - before.ticks;
  if (counter.births > before.births) {
    say('a mount or device came or went meanwhile, which took a birth: the wire figures hold it');
  }
  const bytes = after.bytes - before.bytes;
  const exposedSeries = exposed.split('\n').filter((line) => line && !line.startsWith('#')).length;
  const subjects = [['haidang', 'agent', counter.series], [exporter.name, 'exporter', exposedSeries]];
  for (const [subject, key, series] of subjects) {
    tell(subject, 'rss_mib', after[key].rss, 'MiB');
    tell(subject, 'anon_mib', after[key].anonymous, 'MiB');
    tell(subject, 'cpu_percent_of_core', (100 * (after[key].cpu - before[key].cpu)) / elapsed, '%');
    tell(subject, 'series', series, 'series');
  }
  tell('haidang', 'wire_bytes_per_sample', bytes / (ticks * counter.series), 'bytes');
  tell('haidang', 'wire_bytes_per_changed_value', bytes / (counter.values - before.values), 'bytes');
} finally {
  exporter?.child.kill();
  await stack.stop();
  await proxy.proxy?.stop();
  await counter.observer?.stop();
  fs.rmSync(state, { recursive: true, force: true });
}
