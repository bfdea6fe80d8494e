// A province under test whose agents keep ledgers, and the end of every run: agents stop in order, what waits is
// drained, the collector stops, its store must be whole, and each sample that was read must be stored once.
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, describe, it } from 'node:test';

import { getJson, getText, parseMetrics } from '../support/http.mjs';
import { sqlite } from '../support/live.mjs';
import { Stack } from '../support/stack.mjs';
import { eventually, pause } from '../support/wait.mjs';
import { compare } from './compare.mjs';

export { eventually, pause, sqlite };

// Set by CTest (tests/chaos/CMakeLists.txt).
export const bin = process.env.HAIDANG_BIN;
assert.ok(bin, 'HAIDANG_BIN must name the folder of the programs: run this through ./dev test chaos');
export const long = process.env.HAIDANG_LONG === '1';
const name = path.basename(process.argv[1] ?? 'test', '.test.mjs');
const artefacts = path.resolve(bin, '..', 'artefacts');

const stopped = 'stopped';  // presence.state
const online = 'online';

export const seed = Number(process.env.HAIDANG_SEED ?? Math.floor(Math.random() * 2 ** 32)) >>> 0;
console.log(`chaos ${name}: seed ${seed}${long ? ', long form' : ''} (HAIDANG_SEED=${seed} repeats it)`);

// Chance that follows from the seed and the scenario's name (mulberry32): the same moments again.
function makeChance(scenario) {
  let state = createHash('sha256').update(`${seed} ${scenario}`).digest().readUInt32LE();
  const random = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
  return {
    random,
    between: (low, high) => low + random() * (high - low),
    oneOf: (list) => list[Math.floor(random() * list.length)],
  };
}

// The scenarios of a file, so many at once: they mostly wait. `run` gets {make, random, between, oneOf, t}; make(options)
// gives a Province. HAIDANG_SCENARIO=name runs that one alone; options as those of node:test.
export function scenarios(atOnce, define) {
  describe(name, { concurrency: atOnce }, () => define((scenario, title, run, options = {}) => {
    const only = process.env.HAIDANG_SCENARIO;
    if (only && only !== scenario) return;
    it(`${scenario}: ${title}`, options, async (t) => {
      const made = [];
      const make = (more) => {
        made.push(new Province({ scenario, ...more }));
        return made.at(-1);
      };
      try {
        await run({ make, t, ...makeChance(scenario) });
      } finally {
        for (const province of made) province.putAway();
      }
    });
  }));
}

process.setMaxListeners(0);  // many children
const directories = [];
process.once('exit', () => {
  for (const directory of directories) fs.rmSync(directory, { recursive: true, force: true });
});
after(() => setTimeout(() => process.exit(), 2000).unref());  // what a failed test left open

// A run that hangs says so, and ends.
const patience = long ? 4 * 3600 : 480;  // seconds
setTimeout(() => {
  console.error(`chaos ${name}: not done within ${patience} s`);
  process.exit(1);
}, patience * 1000).unref();

export function temporary() {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), `haidang-chaos-${name}-`));
  directories.push(directory);
  return directory;
}

export const machines = (count) => Array.from({ length: count }, (_, i) => (
  { machine: `may-${i + 1}`, site: '22', place: 'Tỉnh Quảng Ninh', class: 'server' }));

export class Province extends Stack {
  // `more(name)`: as Stack's run, beside the ledgers. Agents, broker and collector only: no server, no probe.
  constructor({ scenario, agents = 3, more = () => ({}), keepAlive, ...options } = {}) {
    super({
      bin, state: temporary(), agents: machines(agents), probe: false, ...options,
      run: (program) => {
        const own = more(program);
        if (!this.agents.some((agent) => agent.machine === program)) return own;
        return { ...own, args: ['--test-ledger', this.ledger(program), ...(own.args ?? [])] };
      },
    });
    Object.assign(this, { scenario, keepAlive });
    this.mounts = [];  // directories to unmount at the end
    this.backoffMax = '1s';
    this.artefacts = path.join(artefacts, `chaos-${name}-${scenario}`);
  }

  ledger(machine) {
    return path.join(this.directory('ledgers'), machine);
  }
  get ledgers() {
    return fs.readdirSync(this.directory('ledgers')).filter((file) => !file.endsWith('.pending'))
      .map((file) => this.ledger(file));
  }
  agentDirectory(machine) {
    return path.join(this.state, 'agents', machine);
  }

  async prepare() {
    fs.rmSync(this.artefacts, { recursive: true, force: true });
    return super.prepare();
  }
  // `patience`: until every agent's batches are stored, ms; flowing()'s own where it is not given.
  async start(patience) {
    await this.prepare();
    await this.startBroker();
    await this.startCollector();
    for (const { machine } of this.agents) this.startAgent(machine);
    await this.flowing(patience);
    return this;
  }

  // Ends a program now, as a power cut would end it; true where it ran.
  async kill(program) {
    const child = this.running[program];
    if (!child?.running) return false;
    child.kill('SIGKILL');
    assert.equal((await child.exit).signal, 'SIGKILL', program);
    return true;
  }
  async end(program) {
    const ended = await this.running[program].stop();
    assert.equal(ended.code, 0, `${program} ended with ${ended.signal ?? ended.code}: ${this.running[program].lastWords()}`);
    delete this.running[program];
  }
  startNamed(program) {
    if (program === 'broker') return this.startBroker();
    if (program === 'collector') return this.startCollector();
    return this.startAgent(program);
  }

  // An agent beside the others, with a ledger of its own.
  startTwin(program, config) {
    return (this.running[program] = this.children.start(program, path.join(bin, 'haidang-agent'),
      ['--config', config, '--test-ledger', this.ledger(program)]));
  }

  query(sql) {
    return sqlite(this.telemetry, sql);
  }
  // Rows of {machine, batches, newest}: batches stored, the id of the last.
  stored() {
    return this.query('SELECT machine.name AS machine, count(*) AS batches, max(journal.id) AS newest' +
      ' FROM journal JOIN machine ON machine.id = journal.machine GROUP BY machine.id');
  }
  // machine → presence, as the collector tells it.
  async states() {
    const headers = { authorization: `Bearer ${fs.readFileSync(this.secretFile, 'utf8').trim()}` };
    const { machines: seen } = await getJson(`${this.urls.query}/query/v1/overview`, { headers });
    return Object.fromEntries(seen.map(({ machine, state }) => [machine, state]));
  }

  // Every running agent is online and something new of it is stored.
  async flowing(timeout = 60000, names = this.agents.map((agent) => agent.machine)
    .filter((machine) => this.running[machine]?.running)) {
    const newest = () => new Map(this.stored().map((row) => [row.machine, row.newest]));
    const before = fs.existsSync(this.telemetry) ? newest() : new Map();
    await this.ready('new batches of every agent are stored', async () => {
      const [now, states] = [newest(), await this.states()];
      const missing = names.filter((machine) => !(now.get(machine) > (before.get(machine) ?? 0)) || states[machine] !== online);
      if (missing.length > 0) throw new Error(`nothing new of ${missing.join(', ')}`);
      return true;
    }, timeout);
  }

  // Every running agent said once that no more than `most` batches wait: by default what it just sent, and the collector named
  // all else.
  async drained(timeout = 120000, names = this.agents.map((agent) => agent.machine)
    .filter((machine) => this.running[machine]?.running), most = 1) {
    await this.flowing(timeout, names);
    const waiting = new Map(names.map((machine) => [machine, NaN]));
    await this.ready('what waited is drained', async () => {
      const samples = parseMetrics(await getText(`${this.urls.metrics}/metrics/fleet`));
      for (const machine of waiting.keys()) {
        const { value } = samples.find((s) =>
          s.name === 'haidang_agent_spool_waiting_batches' && s.labels.instance === machine) ?? {};
        if (value <= most) waiting.delete(machine);
        else waiting.set(machine, value);
      }
      if (waiting.size === 0) return true;
      throw new Error([...waiting].map(([machine, value]) => `${machine}: ${value} batches wait`).join(', '));
    }, timeout);
  }

  // What a machine's ledger says of the times of its readings, by its own clock.
  readTimes(machine) {
    const lines = fs.readFileSync(this.ledger(machine), 'utf8').trimEnd().split('\n');
    return lines.map((line) => JSON.parse(line).ts_ms);
  }
  // How long after it was read something came, ms: the longest and the shortest, of what was read from `since` on.
  lateness(since = 0) {
    const [row] = this.query('SELECT max(received_ms - time_ms) AS most, min(received_ms - time_ms) AS least' +
      ` FROM journal WHERE time_ms >= ${Math.round(since)}`);
    return row;
  }
  // The outage was one: something that was read in it waited for its end.
  assertWaited(ms) {
    const { most } = this.lateness();
    assert.ok(most >= ms, `what came last came ${most} ms after it was read`);
  }

  // One of the collector's own metrics, without its prefix; counted since its start.
  async collected(metric) {
    const found = parseMetrics(await this.metrics()).filter((s) => s.name === `haidang_collector_${metric}`);
    assert.ok(found.length > 0, `the collector tells ${metric}`);
    return found.reduce((sum, s) => sum + s.value, 0);
  }

  tool(...args) {
    return spawnSync(path.join(bin, 'haidang-collector'),
      [...args, '--config', path.join(this.state, 'collector', 'collector.toml')], { encoding: 'utf8' });
  }
  async export() {
    const file = path.join(this.state, 'export');
    const out = fs.openSync(file, 'w');
    const child = spawn(path.join(bin, 'haidang-collector'),
      ['export', '--ledger', '--config', path.join(this.state, 'collector', 'collector.toml')], { stdio: ['ignore', out, 'pipe'] });
    let words = '';
    child.stderr.on('data', (text) => (words += text));
    const [code] = await once(child, 'close');
    fs.closeSync(out);
    assert.equal(code, 0, `export: ${words}`);
    return file;
  }

  async stopAll() {
    for (const { machine } of this.agents) if (this.running[machine]?.running) await this.end(machine);
    // A goodbye comes after all that was sent before it.
    await this.ready('every goodbye came', async () => {
      const states = await this.states();
      return this.agents.every((agent) => agent.gone || states[agent.machine] === stopped);
    });
    await this.end('collector');
  }

  // Every program but the broker runs no more afterwards. Stops all, compares; what a broken link swallowed last still
  // waits in a spool, and is fetched by starting once more, unless `enough` says of the result that nothing does.
  async stopAndCompare(enough = (result) => result.same, rounds = 3) {
    for (let round = 1; ; ++round) {
      await this.drained();
      await this.stopAll();
      const result = await compare(await this.export(), this.ledgers);
      if (enough(result) || result.doubled > 0 || result.altered > 0 || round === rounds) return result;
      this.say(`${result.lost} samples are not stored yet: once more`);
      await this.startCollector();
      for (const agent of this.agents) if (!agent.gone) this.startAgent(agent.machine);
    }
  }

  // Every program runs: the end of a scenario.
  async finish() {
    const result = await this.stopAndCompare();
    await this.end('broker');
    const check = this.tool('check');
    for (const example of result.examples) this.say(example);
    this.say('ends with');
    console.log(String(result));
    if (!result.same || check.status !== 0) this.keepState();
    assert.ok(result.samples > 0, 'agents read something');
    assert.deepEqual([result.lost, result.doubled, result.altered], [0, 0, 0], String(result));
    assert.match(check.stdout, /^whole: /m, `${check.stdout}${check.stderr}`);
    assert.equal(check.status, 0);
    return result;
  }

  // For a person's look: logs always, stores, spools and ledgers where something is wrong.
  keepState() {
    for (const part of ['agents', 'collector', 'ledgers', 'export']) {
      fs.cpSync(path.join(this.state, part), path.join(this.artefacts, part), { recursive: true });
    }
    this.say(`stores, spools and ledgers are kept in ${this.artefacts}`);
  }
  putAway() {
    this.killAll();
    for (const directory of this.mounts) spawnSync('umount', ['-l', directory]);
    const logs = path.join(this.state, 'log');
    if (fs.existsSync(logs)) fs.cpSync(logs, path.join(this.artefacts, 'log'), { recursive: true });
    fs.rmSync(this.state, { recursive: true, force: true });
  }
  say(text) {
    console.log(`${this.scenario}: ${text}`);
  }
}
