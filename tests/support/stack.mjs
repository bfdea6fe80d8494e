// A small province on loopback: Mosquitto, collector, server, the stand-in one-stop system, agents.
// Used by ./dev demo and the end-to-end tests. Starts real programs; everything lives under one
// directory, whose layout docs/demo.md describes.
import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import tls from 'node:tls';

import { writeBrokerConfig } from './broker.mjs';
import { Children } from './children.mjs';
import { agentConfig, collectorConfig, serverConfig, writeToml } from './configs.mjs';
import { getJson, getText } from './http.mjs';
import { Authority } from './pki.mjs';
import { freePort, isFree } from './ports.mjs';
import { eventually } from './wait.mjs';

// Real codes of the province's tree of places (packaging/data/sites).
export const threePlaces = [
  { machine: 'tien-yen-1', site: '06862', place: 'Xã Tiên Yên', class: 'workstation' },
  { machine: 'hong-gai-1', site: '06685', place: 'Phường Hồng Gai', class: 'server' },
  { machine: 'tinh-1', site: '22', place: 'Tỉnh Quảng Ninh', class: 'server' },
];

// In the order of --port-base: base, base + 1, …
const portNames = ['page', 'broker', 'metrics', 'query', 'onestop', 'onestopControl'];
export const portCount = portNames.length;

export class Stack {
  // bin: build/<preset>/bin. state: the directory, made where absent. portBase: fixed ports from there
  // on; free ones without it. interval: seconds between ticks. through: how agents and collector
  // reach the broker, (kind, stack) => port; directly without it. detect: the collector's [detect].
  // probe: agents ask the one-stop system's search; journey: they walk through it as a clerk does. run: how a program is started, (name) => {args, env, before}: further
  // arguments, further environment, and what stands before the command. backfill, remoteWrite: the collector's [backfill], [[remote_write]].
  // agents: more of each is further sections of its configuration. brokerHost, onestopHost: names under which agents know them.
  constructor({
    bin, state, portBase, interval = 1, agents = threePlaces, dossiers = 2000, objectives, through, detect = {},
    probe = true, journey = false, run = () => ({}), backfill, remoteWrite,
    brokerHost = 'localhost', onestopHost = 'localhost',
  }) {
    Object.assign(this, {
      bin: path.resolve(bin), state: path.resolve(state), portBase, interval, dossiers, detect, probe, journey, run, backfill, remoteWrite,
      brokerHost, onestopHost,
    });
    this.agents = agents.map((agent) => ({ ...agent }));
    this.objectives = objectives ?? [{ journey: 'mot-cua', seconds: 2.0, minutes: 1, share: 0.95, availability: 0.995 }];
    this.through = through;
    this.group = 'quang-ninh';
    this.collectorId = 'collector-1';
    this.backoffMax = '5s';  // agents are back soon after an outage that a person watches
    this.running = {};  // name → Child
    this.ports = {};
    this.urls = {};
  }

  directory(...parts) {
    const directory = path.join(this.state, ...parts);
    fs.mkdirSync(directory, { recursive: true, mode: 0o750 });
    return directory;
  }
  get telemetry() {
    return path.join(this.state, 'collector', 'telemetry.db');
  }
  get failed() {
    return this.children.failed;
  }

  // Ports, certificates, secret and configurations: everything but processes.
  async prepare() {
    this.directory();
    await this.#choosePorts();
    this.children = new Children(this.directory('log'));
    this.authority = new Authority(this.directory('tls'));
    const broker = this.authority.issue('broker', { hosts: ['localhost', '127.0.0.1', this.brokerHost] });
    const onestop = this.authority.issue('onestop', { hosts: ['localhost', '127.0.0.1', this.onestopHost] });
    Object.assign(this, { brokerFiles: broker, onestopFiles: onestop });
    this.secretFile = path.join(this.state, 'secret');
    if (!fs.existsSync(this.secretFile)) {
      const whole = `${this.secretFile}.new`;
      fs.writeFileSync(whole, `${randomBytes(32).toString('hex')}\n`, { mode: 0o640 });
      fs.renameSync(whole, this.secretFile);
    }
    this.urls = {
      page: `http://127.0.0.1:${this.ports.page}`,
      metrics: `http://127.0.0.1:${this.ports.metrics}`,
      query: `http://127.0.0.1:${this.ports.query}`,
      onestop: `https://${this.onestopHost}:${this.ports.onestop}`,
      onestopControl: `http://127.0.0.1:${this.ports.onestopControl}`,
    };
    this.brokerConfig = writeBrokerConfig(this.directory('broker'), {
      port: this.ports.broker, ca: this.authority.ca, ...broker, group: this.group, collector: this.collectorId,
    });
    this.agentBrokerPort = (await this.through?.('agent', this)) ?? this.ports.broker;
    this.collectorBrokerPort = (await this.through?.('collector', this)) ?? this.ports.broker;
    writeToml(path.join(this.directory('collector'), 'collector.toml'), collectorConfig(this));
    writeToml(path.join(this.directory('server'), 'server.toml'), serverConfig(this));
    for (const agent of this.agents) this.writeAgentConfig(agent);
    return this;
  }

  writeAgentConfig(agent) {
    agent.config = path.join(this.directory('agents', agent.machine), 'agent.toml');
    writeToml(agent.config, agentConfig(this, agent));
  }

  // Everything up and ready; `progress` is told what happens.
  async start(progress = () => {}) {
    await this.prepare();
    progress(`Mosquitto on port ${this.ports.broker}`);
    await this.startBroker();
    progress(`stand-in one-stop system on ${this.urls.onestop}`);
    await this.startOnestop();
    progress(`collector on ${this.urls.metrics}`);
    await this.startCollector();
    progress(`server on ${this.urls.page}`);
    await this.startServer();
    for (const agent of this.agents) {
      progress(`agent ${agent.machine} (${agent.place}, ${agent.site})`);
      this.startAgent(agent.machine);
    }
    return this;
  }

  async startBroker() {
    this.#launch('broker', 'mosquitto', ['-c', this.brokerConfig]);
    await this.ready('Mosquitto takes connections', () => this.#shakesHands());
  }
  async startOnestop() {
    this.#launch('onestop', path.join(this.bin, 'haidang-onestop'), [
      '--port', this.ports.onestop, '--control-port', this.ports.onestopControl,
      '--cert', this.onestopFiles.cert, '--key', this.onestopFiles.key,
      '--database', path.join(this.directory('onestop'), 'mot-cua.db'), '--dossiers', this.dossiers,
    ].map(String));
    await this.ready('the one-stop system answers', () => getJson(`${this.urls.onestopControl}/_dieu-khien`), 60000);
  }
  launchCollector() {
    return this.#launch('collector', path.join(this.bin, 'haidang-collector'),
      ['--config', path.join(this.state, 'collector', 'collector.toml')]);
  }
  async startCollector() {
    this.launchCollector();
    await this.ready('the collector answers', () => getText(`${this.urls.metrics}/metrics`));
  }
  launchServer() {
    return this.#launch('server', path.join(this.bin, 'haidang-server'),
      ['--config', path.join(this.state, 'server', 'server.toml')]);
  }
  async startServer() {
    this.launchServer();
    await this.ready('the server is ready', () => getText(`${this.urls.page}/healthz`));
  }
  startAgent(machine) {
    const agent = this.agents.find((a) => a.machine === machine);
    return this.#launch(machine, path.join(this.bin, 'haidang-agent'), ['--config', agent.config]);
  }

  // Tells the stand-in one-stop system how to behave: ok, error500, refuse, hang, wrong-content.
  async onestopMode(mode) {
    await getText(`${this.urls.onestopControl}/_dieu-khien/mode?value=${mode}`, { method: 'POST' });
  }

  overview() {
    return getJson(`${this.urls.page}/api/v1/overview`);
  }
  async machine(name) {
    return (await this.overview()).machines.find((m) => m.machine === name);
  }
  async metrics(name = 'metrics') {
    return getText(`${this.urls.metrics}/${name}`);
  }

  // As `eventually`, but a program that died meanwhile ends it at once.
  ready(what, condition, timeout = 30000) {
    return eventually(what, condition, { timeout, signal: this.failed });
  }

  // Everything ends in the order in which data flows; gives how each ended.
  async stop() {
    const ended = {};
    const names = Object.keys(this.running);
    const services = ['server', 'collector', 'onestop', 'broker'];
    const stop = async (name) => {
      const child = this.running[name];
      delete this.running[name];
      if (child) ended[name] = await child.stop();
    };
    await Promise.all(names.filter((name) => !services.includes(name)).map(stop));
    for (const name of services) await stop(name);
    return ended;
  }

  killAll() {
    this.children?.killAll();
  }

  #launch(name, command, args) {
    const { args: more = [], env, before = [] } = this.run(name);
    const [first, ...rest] = [...before, command, ...args, ...more];
    return (this.running[name] = this.children.start(name, first, rest, { env }));
  }

  async #choosePorts() {
    for (const [i, name] of portNames.entries()) {
      if (!this.portBase) {
        this.ports[name] ??= await freePort();
        continue;
      }
      this.ports[name] = this.portBase + i;
      if (!(await isFree(this.ports[name]))) {
        throw new Error(`port ${this.ports[name]} (${name}) is taken, perhaps by another demo: ` +
          `choose other ports with --port-base (it takes ${portCount} from there on)`);
      }
    }
  }

  #shakesHands() {
    const own = this.authority.issue(this.collectorId);
    return new Promise((resolve, reject) => {
      const socket = tls.connect({
        host: '127.0.0.1', port: this.ports.broker, ca: fs.readFileSync(this.authority.ca),
        cert: fs.readFileSync(own.cert), key: fs.readFileSync(own.key), timeout: 5000,
      }, () => {
        socket.destroy();
        resolve(true);
      });
      socket.on('error', reject);
      socket.on('timeout', () => socket.destroy(new Error('no TLS handshake')));
    });
  }
}
