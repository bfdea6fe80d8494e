// The made-up province as a whole: what runs where, what can be done to it, and how all of it becomes well again.
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import { promisify } from 'node:util';

import { writeBrokerConfig } from '../support/broker.mjs';
import { Children } from '../support/children.mjs';
import { ShiftedClock } from '../support/clock.mjs';
import { FakeMachine, idle } from '../support/fake_machine.mjs';
import { FrontEnd } from '../support/front_end.mjs';
import { getJson, getText } from '../support/http.mjs';
import { Authority } from '../support/pki.mjs';
import { ProvinceDns } from '../support/province_dns.mjs';
import { within } from '../support/spaces.mjs';
import { eventually, pause } from '../support/wait.mjs';
import { writeAgent, writeCollector, writeServer } from './config.mjs';
import { Network } from './network.mjs';
import { addresses, portalMachines, portalName, ports, province, sites } from './places.mjs';

const execute = promisify(execFile);
const hosts = ['web1', 'web2'];
const resolvConf = (server) => `nameserver ${server}\noptions timeout:2 attempts:2\n`;

export class World {
  group = 'quang-ninh';
  collectorId = 'collector-1';
  machines = {};  // name → {fake, clock, child, start}
  national = { delayMs: 0, status: 200, dead: false };
  #starved = new Map();  // machine → share of the time in which its agent may run

  constructor({ bin, state, agents = true }) {
    Object.assign(this, { bin: path.resolve(bin), state, withAgents: agents });
  }

  directory(...parts) {
    const directory = path.join(this.state, ...parts);
    fs.mkdirSync(directory, { recursive: true, mode: 0o750 });
    return directory;
  }
  site(number) {
    return sites[number - 1];
  }

  async start() {
    this.network = new Network(this.bin);
    this.lines = this.network.lines;
    await this.network.start();
    this.children = new Children(this.directory('log'));
    this.#makeSecrets();
    this.dns = await new ProvinceDns({ [portalName]: [addresses.web1, addresses.web2] }).start(addresses.dns);
    await this.#startNational();
    await this.#startPortal();
    if (this.withAgents) {
      await this.startBroker();
      await this.#startCollector();
      await this.#startServer();
      this.#startAgents();
    }
    this.#beat = setInterval(() => this.#tick(), 1000);
    return this;
  }
  #beat;

  #makeSecrets() {
    this.authority = new Authority(this.directory('tls'));
    this.stranger = new Authority(this.directory('tls-of-a-stranger'));
    const names = { hosts: [portalName] };
    this.certificates = {
      portal: this.authority.issue('portal', names),
      expired: this.authority.issue('portal-expired', { ...names, validDays: -1 }),
      otherName: this.authority.issue('portal-other', { hosts: ['khac.quangninh.test'] }),
      stranger: this.stranger.issue('portal', names),
    };
    this.secretFile = path.join(this.state, 'secret');
    this.passwordFile = path.join(this.state, 'canbo');
    fs.writeFileSync(this.secretFile, `${randomBytes(32).toString('hex')}\n`, { mode: 0o640 });
    this.setPassword();
  }
  setPassword(password = 'motcua') {
    fs.writeFileSync(this.passwordFile, `${password}\n`, { mode: 0o600 });
  }

  // The national service: says "Đã xác thực" of every citizen.
  async #startNational() {
    const server = http.createServer((asked, answer) => {
      if (this.national.dead) return;
      setTimeout(() => {
        answer.writeHead(this.national.status, { 'content-type': 'text/plain; charset=utf-8' });
        answer.end(this.national.status === 200 ? 'Đã xác thực' : 'Lỗi');
      }, this.national.delayMs);
    });
    this.nationalServer = server;
    await new Promise((resolve, reject) => server.once('error', reject).listen(ports.national, addresses.national, resolve));
  }

  async #startPortal() {
    this.startApp();
    await this.#appReady();
    this.frontEnds = Object.fromEntries(hosts.map((host) => [host, new FrontEnd(this.children, this.directory('portal', host), {
      name: `nginx-${host}`, before: within(host), target: `${addresses.db1}:${ports.app}`, certificate: this.certificates.portal,
    })]));
    // What a captive portal says, at site 2's gateway; by a certificate of its own, and by one that the machines trust.
    this.captive = Object.fromEntries([['stranger', 8443], ['portal', 8444]].map(([whose, listen]) => [whose,
      new FrontEnd(this.children, this.directory('captive', whose), {
        name: `captive-${whose}`, before: within('gw2'), listen, certificate: this.certificates[whose],
        body: '<html><body>Xin hay dang nhap Wi-Fi</body></html>',
      })]));
    for (const server of [...Object.values(this.frontEnds), ...Object.values(this.captive)]) server.start();
    await eventually('the portal answers at every site', async () => {
      for (const { number } of sites) {
        const seen = await this.look(number, '/');
        if (seen.status !== 200) throw new Error(`site ${number}: ${JSON.stringify(seen)}`);
      }
      return true;
    });
  }
  startApp() {
    const [first, ...rest] = [...within('db1'), path.join(this.bin, 'haidang-onestop'), '--host', addresses.db1, '--port', ports.app,
      '--control-port', ports.control, '--database', path.join(this.directory('onestop'), 'mot-cua.db'), '--dossiers', 500,
      '--rollback-journal', '--workers', 256, '--national', `http://${addresses.national}:${ports.national}`].map(String);
    this.app = this.children.start('onestop', first, rest);
  }
  #appReady() {
    return eventually('the one-stop system answers', () => getJson(`${this.#control}/_dieu-khien`));
  }
  get #control() {
    return `http://${addresses.db1}:${ports.control}`;
  }

  // The stand-in's own troubles (tests/support/onestop/control.h).
  async route(fault) {
    this.#routes.add(fault.path);
    await getText(`${this.#control}/_dieu-khien/route?${new URLSearchParams(fault)}`, { method: 'POST' });
  }
  #routes = new Set();
  async database(trouble) {
    await getText(`${this.#control}/_dieu-khien/database?${new URLSearchParams(trouble)}`, { method: 'POST' });
  }
  async stopApp() {
    await this.app.stop();
  }

  async startBroker() {
    const files = this.authority.issue('broker', { hosts: [addresses.us, '127.0.0.1', 'localhost'] });
    const config = writeBrokerConfig(this.directory('broker'), {
      port: ports.broker, ca: this.authority.ca, ...files, group: this.group, collector: this.collectorId,
    });
    const text = fs.readFileSync(config, 'utf8');
    fs.writeFileSync(config, text.replace(/^listener .*$/m, `listener ${ports.broker} ${addresses.us}`));
    this.broker = this.children.start('broker', 'mosquitto', ['-c', config]);
  }
  async #startCollector() {
    this.collector = this.children.start('collector', path.join(this.bin, 'haidang-collector'), ['--config', writeCollector(this)]);
    await eventually('the collector answers', () => getText(`http://127.0.0.1:${ports.metrics}/metrics`), { signal: this.children.failed });
  }
  async #startServer() {
    this.server = this.children.start('server', path.join(this.bin, 'haidang-server'), ['--config', writeServer(this)]);
    await eventually('the collector knows which machine stands where', async () => (await this.ask('snapshot')).placements.length === 10,
      { signal: this.children.failed });
  }
  get #bearer() {
    return { authorization: `Bearer ${fs.readFileSync(this.secretFile, 'utf8').trim()}` };
  }
  ask(question) {
    return getJson(`http://127.0.0.1:${ports.query}/query/v1/${question}`, { headers: this.#bearer });
  }

  #startAgents() {
    for (const site of sites) {
      for (const [i, machine] of site.machines.entries()) {
        this.#addMachine({ machine, space: site.spaces[i], site: site.code, dns: site.gateway, walks: true });
      }
    }
    for (const { machine, space } of portalMachines) this.#addMachine({ machine, space, site: province.code, dns: addresses.dns });
    for (const { start } of Object.values(this.machines)) start();
  }
  #addMachine({ machine, space, site, dns, walks = false }) {
    const root = this.directory('roots', machine);
    const fake = new FakeMachine(root, { cpus: walks ? 4 : 8 });
    fake.write('etc/resolv.conf', resolvConf(dns));
    const clock = new ShiftedClock(this.bin, path.join(root, 'clock'));
    const config = writeAgent(this, { machine, site, walks });
    const own = { fake, clock, dns };
    own.start = () => {
      const [first, ...rest] = [...within(space, path.join(root, 'etc/resolv.conf')), path.join(this.bin, 'haidang-agent'),
        '--config', config, '--root', root];
      own.child = this.children.start(machine, first, rest, { env: clock.env });
    };
    this.machines[machine] = own;
  }

  // The load that a machine shows (fake_machine.mjs).
  load(machine, load) {
    if (this.machines[machine]) Object.assign(this.machines[machine].fake.now, load);
  }
  // Nothing runs at that machine but for this share of the time.
  starve(machine, share) {
    if (!this.machines[machine]) return;
    this.#starved.set(machine, share);
    const turn = async () => {
      while (this.#starved.get(machine) === share && this.machines[machine]?.child.running) {
        const { process } = this.machines[machine].child;
        process.kill('SIGSTOP');
        await pause(400 * (1 - share));
        process.kill('SIGCONT');
        await pause(400 * share);
      }
    };
    turn();
  }

  // Its wall clock is so far ahead, ms.
  shift(machine, ms) {
    if (this.machines[machine]) this.machines[machine].clock.offsetMs = ms;
  }
  // Calls `work(0)`, `work(1)`, … until all is healed, `every` ms.
  repeat(work, every) {
    const turns = { going: true };
    turns.end = (async () => {
      for (let turn = 0; turns.going; ++turn) {
        await work(turn);
        await pause(every);
      }
    })();
    this.#turns = turns;
  }
  #turns = { going: false };

  #tick() {
    for (const { fake } of Object.values(this.machines)) fake.tick();
  }

  // What a person at a site gets: {status, reason: curl's exit code, seconds of each phase, bytes, text, address}.
  async look(number, page, { machine = 0, timeout = 3 } = {}) {
    const site = this.site(number);
    const resolv = path.join(this.directory('looks'), `resolv-${number}`);
    if (!fs.existsSync(resolv)) fs.writeFileSync(resolv, resolvConf(site.gateway));
    const body = path.join(this.directory('looks'), `body-${number}-${machine}`);
    fs.rmSync(body, { force: true });
    const [first, ...rest] = [...within(site.spaces[machine], resolv), 'curl', '--silent', '--show-error', '--cacert', this.authority.ca,
      '--max-time', String(timeout), '--output', body, '--write-out', '%{json}', `https://${portalName}${page}`];
    const ended = await execute(first, rest).catch((error) => error);
    const told = JSON.parse(ended.stdout || '{}');
    const text = fs.existsSync(body) ? fs.readFileSync(body, 'utf8') : '';
    return {
      status: told.http_code ?? 0, curl: told.exitcode, seconds: told.time_total, resolve: told.time_namelookup,
      connect: told.time_connect - told.time_namelookup, tls: told.time_appconnect - told.time_connect,
      processing: told.time_starttransfer - told.time_pretransfer, transfer: told.time_total - told.time_starttransfer,
      address: told.remote_ip, text,
    };
  }
  // Echoes from a machine of a site: {lost: %, ms}.
  async ping(number, address, { machine = 0, count = 10, size = 56 } = {}) {
    const [first, ...rest] = [...within(this.site(number).spaces[machine]), 'ping', '-n', '-q', '-M', 'do', '-s', String(size), '-c', String(count),
      '-i', '0.05', '-W', '1', address];
    const { stdout } = await execute(first, rest).catch((error) => error);
    const lost = Number(/([\d.]+)% packet loss/.exec(stdout)?.[1] ?? 100);
    return { lost, ms: Number(/= [\d.]+\/([\d.]+)\//.exec(stdout)?.[1] ?? NaN) };
  }

  // All as it was, whatever was done.
  async heal() {
    Object.assign(this.national, { delayMs: 0, status: 200, dead: false });
    this.#starved.clear();
    this.#turns.going = false;
    await this.#turns.end;
    this.dns.heal();
    this.setPassword();
    for (const { fake, clock, child, start, dns } of Object.values(this.machines)) {
      Object.assign(fake.now, idle);
      fake.write('etc/resolv.conf', resolvConf(dns));
      clock.offsetMs = 0;
      if (!child.running) start();
      else child.process.kill('SIGCONT');
    }
    if (this.broker && !this.broker.running) await this.startBroker();
    if (!this.app.running) this.startApp();
    await this.network.heal();
    await Promise.all(Object.values(this.frontEnds).map((frontEnd) => frontEnd.heal()));
    await eventually('the one-stop system answers', () => this.database({}).then(() => true));
    for (const page of this.#routes) await this.route({ path: page });
    this.#routes.clear();
  }

  async stop() {
    clearInterval(this.#beat);
    this.#starved.clear();
    this.children.killAll();
    this.lines.stop();
    this.dns.stop();
    this.nationalServer.closeAllConnections?.();
    this.nationalServer.close();
  }
}
