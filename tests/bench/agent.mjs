// What the agent costs on its machine and on the wire, beside node_exporter, collectd, Zabbix agent 2 and Netdata in the
// same minutes (tests/support/peers.mjs says how each is set up; BENCH_PEERS=0 leaves all but node_exporter out).
// `node agent.mjs BIN [SECONDS]`: JSON lines on stdout, progress and a table on stderr. Everything runs on loopback: Mosquitto
// with the project's own configuration, the collector, one agent with TLS and its spool behind a proxy that counts bytes.
// BENCH_PROBE=1 lets the agent probe the stand-in one-stop system too.
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';

import { writeToml } from '../support/configs.mjs';
import { footprint } from '../support/footprint.mjs';
import { Observer } from '../support/observer.mjs';
import * as peers from '../support/peers.mjs';
import { freePort } from '../support/ports.mjs';
import { TcpProxy } from '../support/proxy.mjs';
import { decode } from '../support/sparkplug.mjs';
import { Stack } from '../support/stack.mjs';
import { eventually, pause } from '../support/wait.mjs';

const bin = path.resolve(process.argv[2] ?? 'build/release/bin');
const seconds = Number(process.argv[3] ?? process.env.BENCH_SECONDS ?? 300);
const withPeers = process.env.BENCH_PEERS !== '0';
const withProbe = process.env.BENCH_PROBE === '1';
const interval = 15;  // seconds, of agent and scrapes
const warmUp = 2;     // intervals before the measurement: births, first full batch
const firstSeriesAlias = 32;

const say = (text) => process.stderr.write(`${text}\n`);
const tell = (subject, metric, value, unit) =>
  console.log(JSON.stringify({ bench: 'agent', metric, value: Number(value.toPrecision(4)), unit, subject }));

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

const starts = [
  (children, where) => peers.startNodeExporter(children, where),
  ...(withPeers ? [
    (children, where) => peers.startCollectd(children, where),
    (children, where) => peers.startZabbix(children, where),
    (children, where) => peers.startNetdata(children, { ...where, every: interval }),
    (children, where) => peers.startNetdata(children, { ...where, every: 1 }),
  ] : []),
];

// Between two footprints of a program: what the table's columns say.
function costs({ before, after, elapsed, series, interval: every }) {
  const cpu = after.cpu - before.cpu;
  const minutes = elapsed / 60;
  return {
    series: [series, 'series'], rss_mib: [after.rss, 'MiB'], anon_mib: [after.anonymous, 'MiB'],
    cpu_percent_of_core: [(100 * cpu) / elapsed, '%'],
    cpu_us_per_series_reading: [(1e6 * cpu) / ((elapsed / every) * series), 'us'],
    context_switches_per_minute: [(after.switches - before.switches) / minutes, 'switches'],
    disk_bytes_per_minute: [(after.written - before.written) / minutes, 'bytes'],
    processes: [after.processes, 'processes'],
  };
}

const state = fs.mkdtempSync(path.join(os.tmpdir(), 'haidang-bench-agent-'));
const proxy = new CountingProxy();
const counter = new Counter();
const stack = new Stack({
  bin, state, interval, agents: [{ machine: 'bench-1', site: '22', place: '', class: 'server' }],
  through: (kind, own) => (kind === 'agent' ? proxy.start(own.ports.broker) : counter.start(own)),
});
const others = [];
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

  for (const start of starts) {
    others.push(await start(stack.children, { interval, directory: state }));
    say(`runs: ${others.at(-1).name}`);
  }

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
  const all = [{ name: 'haidang', interval, child: { pid }, series: () => counter.series }, ...others];
  const look = () => all.map(({ child }) => ({ ...footprint(bin, child.pid), time: process.hrtime.bigint() }));
  const start = { looks: look(), bytes: proxy.bytes, values: counter.values, ticks: counter.ticks, births: counter.births };
  const load = [os.loadavg()[0]];
  await afterTicks(start.ticks + Math.max(1, Math.round(seconds / interval)));
  const end = { looks: look(), bytes: proxy.bytes };
  load.push(os.loadavg()[0]);

  const ticks = counter.ticks - start.ticks;
  if (counter.births > start.births) {
    say('a mount or device came or went meanwhile, which took a birth: the wire figures hold it');
  }
  const bytes = end.bytes - start.bytes;
  const rows = [];
  for (const [i, subject] of all.entries()) {
    const [before, after] = [start.looks[i], end.looks[i]];
    const elapsed = Number(after.time - before.time) / 1e9;
    const row = costs({ before, after, elapsed, series: await subject.series(), interval: subject.interval });
    for (const [metric, [value, unit]] of Object.entries(row)) tell(subject.name, metric, value, unit);
    rows.push([subject.name, ...Object.values(row).map(([value]) => String(Number(value.toPrecision(3))))]);
  }
  tell('machine', 'load', Math.max(...load), 'tasks');
  const head = ['', 'series', 'RSS MiB', 'anon. MiB', 'CPU % of a core', 'CPU µs a series and reading', 'context switches a minute', 'disk bytes a minute', 'processes'];
  say([head, head.map(() => '---'), ...rows].map((row) => `| ${row.join(' | ')} |`).join('\n'));
  tell('haidang', 'wire_bytes_per_sample', bytes / (ticks * counter.series), 'bytes');
  tell('haidang', 'wire_bytes_per_changed_value', bytes / (counter.values - start.values), 'bytes');
} finally {
  for (const other of others) {
    other.stop();
    await other.child.stop();
  }
  await stack.stop();
  await proxy.proxy?.stop();
  await counter.observer?.stop();
  fs.rmSync(state, { recursive: true, force: true });
}
