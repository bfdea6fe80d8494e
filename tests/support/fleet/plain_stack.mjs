// Mosquitto, the collector and haidang-fleet on loopback. The broker's listener is not packaging/mosquitto's: plain TCP
// without names, because haidang-fleet speaks for many machines, and a certificate is one machine there. What TLS and
// the locks cost the broker is in no figure that comes of it.
import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';

import { Children } from '../children.mjs';
import { writeToml } from '../configs.mjs';
import { getText } from '../http.mjs';
import { freePort } from '../ports.mjs';
import { eventually } from '../wait.mjs';

const openFiles = 12288;  // of the broker: a connection is one

export class PlainStack {
  // bin: build/<preset>/bin. state: a directory that exists. backfill: the collector's [backfill].
  constructor({ bin, state, backfill }) {
    Object.assign(this, { bin: path.resolve(bin), state, backfill });
    this.group = 'bench';
    this.children = new Children(path.join(state, 'log'));
    this.collectorDirectory = path.join(state, 'collector');
    this.telemetry = path.join(this.collectorDirectory, 'telemetry.db');
  }

  // Ports and configurations: everything but processes.
  async prepare() {
    this.brokerPort = await freePort();
    this.metricsPort = await freePort();
    this.queryPort = await freePort();
    this.brokerConfig = path.join(this.state, 'mosquitto.conf');
    fs.writeFileSync(this.brokerConfig, [
      `listener ${this.brokerPort} 127.0.0.1`, 'allow_anonymous true', 'max_queued_messages 0', 'max_inflight_messages 0',
      'set_tcp_nodelay true', 'log_dest stdout', 'log_type error', 'log_type notice', 'connection_messages true',
      'persistence false', ...(process.getuid() === 0 ? ['user root'] : []), '',
    ].join('\n'));
    const secretFile = path.join(this.state, 'secret');
    this.secret = randomBytes(32).toString('hex');
    fs.writeFileSync(secretFile, `${this.secret}\n`, { mode: 0o600 });
    fs.mkdirSync(this.collectorDirectory);
    this.collectorConfig = path.join(this.state, 'collector.toml');
    writeToml(this.collectorConfig, {
      collector: { id: 'bench', group: this.group },
      broker: { uri: `tcp://127.0.0.1:${this.brokerPort}` },
      state: { directory: this.collectorDirectory },
      query: { listen: `127.0.0.1:${this.queryPort}`, secret_file: secretFile },
      metrics: { listen: `127.0.0.1:${this.metricsPort}` },
      ...(this.backfill && { backfill: this.backfill }),
    });
    return this;
  }

  startBroker() {
    return (this.broker = this.children.start('broker', 'prlimit', [`--nofile=${openFiles}`, 'mosquitto', '-c', this.brokerConfig]));
  }
  // Answers; whether it reached the broker, `connected` tells.
  async startCollector() {
    this.collector = this.children.start('collector', path.join(this.bin, 'haidang-collector'), ['--config', this.collectorConfig]);
    await eventually('the collector answers', async () => (await this.read('commits_total')) >= 0, { signal: this.children.failed });
    return this.collector;
  }
  async connected() {
    await eventually('the collector is connected to the broker', async () => (await this.read('broker_connected')) === 1,
      { timeout: 90000, signal: this.children.failed });
  }
  // haidang-fleet; its output is in log/fleet.log.
  startFleet(args) {
    const fleet = this.children.start('fleet', path.join(this.bin, 'haidang-fleet'), args.map(String));
    fleet.expected = true;  // to end
    return fleet;
  }
  // What a fleet that ended well printed.
  async reportOf(fleet) {
    const failed = new Promise((_, reject) => {
      this.children.failed.addEventListener('abort', () => reject(this.children.failed.reason), { once: true });
    });
    const ended = await Promise.race([fleet.exit, failed]);
    if (ended.code !== 0) throw new Error(`haidang-fleet: exit ${ended.code}: ${fleet.lastWords()}`);
    return JSON.parse(fleet.log().trimEnd().split('\n').at(-1));
  }

  // One of the collector's own metrics, without its prefix and labels.
  async read(metric) {
    const text = await getText(`http://127.0.0.1:${this.metricsPort}/metrics`);
    const found = new RegExp(`^haidang_collector_${metric} (\\S+)$`, 'm').exec(text);
    if (!found) throw new Error(`the collector tells no ${metric}`);
    return Number(found[1]);
  }

  // What the query port answers, as bytes.
  async ask(question) {
    const answer = await fetch(`http://127.0.0.1:${this.queryPort}/query/v1/${question}`, { headers: { Authorization: `Bearer ${this.secret}` } });
    if (!answer.ok) throw new Error(`${question}: ${answer.status} ${await answer.text()}`);
    return Buffer.from(await answer.arrayBuffer());
  }

  // haidang-collector check, export…, while it does not run.
  tool(args, options = {}) {
    return spawnSync(path.join(this.bin, 'haidang-collector'), [...args, '--config', this.collectorConfig],
      { encoding: 'utf8', ...options });
  }
}

// Seconds of CPU that a process has used.
export function cpuSeconds(child) {
  const fields = fs.readFileSync(`/proc/${child.pid}/stat`, 'utf8').replace(/^.*\) /s, '').split(' ');
  return (Number(fields[11]) + Number(fields[12])) / 100;
}
