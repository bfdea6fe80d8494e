// What the store's chunks take for a sample, and how fast they are written and read, beside VictoriaMetrics' parts on
// disk and plain Gorilla, on the same samples. `node store-codec.mjs BIN`: JSON lines.
//   noisy    published series of response times, loads and counts: HAIDANG_SERIES names a folder with nab/, rtt/ and
//            growth/ below it; without it excerpts of them, tests/fixtures/series
//   growth   sizes of repositories by day, likewise
//   machine  a machine's own metrics, every series of an agent: HAIDANG_LEDGER names a file that an agent wrote with
//            --test-ledger; without it one is recorded here, BENCH_SECONDS long (300), a tick each second
// VictoriaMetrics imports them with their times, is told to flush and to merge; counted are the values and times of its
// parts, without their indexes and without the index of series.
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

import { Children } from '../support/children.mjs';
import { writeToml } from '../support/configs.mjs';
import { freePort } from '../support/ports.mjs';
import { importLines, readFolders, readLedger, writeForChunks } from '../support/series_files.mjs';
import { eventually, pause } from '../support/wait.mjs';

const bin = path.resolve(process.argv[2] ?? 'build/release/bin');
const folder = process.env.HAIDANG_SERIES ?? fileURLToPath(new URL('../fixtures/series', import.meta.url));
const seconds = Number(process.env.BENCH_SECONDS ?? 300);
const ticksAChunk = [480, 4096];  // two hours at 15 s, and most of a day
const importBytes = 16 << 20;     // of one request
const state = fs.mkdtempSync(path.join(os.tmpdir(), 'haidang-codec-'));
const children = new Children(path.join(state, 'log'));
let failed = '';

const tell = (metric, value, unit, subject = 'haidang') =>
  console.log(JSON.stringify({ bench: 'store-codec', metric, value: Number(value.toPrecision(4)), unit, subject }));

async function record() {
  const ledger = path.join(state, 'ledger');
  const directory = path.join(state, 'agent');
  fs.mkdirSync(directory);
  const config = path.join(state, 'agent.toml');
  writeToml(config, {
    broker: { uri: `tcp://127.0.0.1:${await freePort()}`, group: 'bench' },  // nobody listens: it spools
    machine: { id: 'bench' }, state: { directory }, sampling: { interval: '1s' },
  });
  process.stderr.write(`Recording this machine's metrics for ${seconds} s\n`);
  const agent = children.start('agent', path.join(bin, 'haidang-agent'), ['--config', config, '--test-ledger', ledger]);
  await pause(seconds * 1000);
  if (!agent.running) throw new Error(`the agent ended: ${agent.lastWords()}`);
  await agent.stop();
  return ledger;
}

class VictoriaMetrics {
  async start() {
    const port = await freePort();
    this.url = `http://127.0.0.1:${port}`;
    this.storage = path.join(state, 'victoria-metrics');
    this.version = execFileSync('dpkg-query', ['-W', '-f', '${source:Upstream-Version}', 'victoria-metrics'], { encoding: 'utf8' });
    children.start('victoria-metrics', 'victoria-metrics', [
      `-storageDataPath=${this.storage}`, `-httpListenAddr=127.0.0.1:${port}`, '-retentionPeriod=100y', '-storage.minFreeDiskSpaceBytes=1',
    ]);
    await eventually('VictoriaMetrics answers', async () => (await fetch(`${this.url}/health`)).ok, { signal: children.failed });
    return this;
  }
  async #get(where) {
    const answer = await fetch(`${this.url}${where}`);
    if (!answer.ok) throw new Error(`VictoriaMetrics, ${where}: ${answer.status} ${await answer.text()}`);
    return answer.text();
  }
  async #post(body) {
    const answer = await fetch(`${this.url}/api/v1/import`, { method: 'POST', body });
    if (!answer.ok) throw new Error(`VictoriaMetrics, import: ${answer.status} ${await answer.text()}`);
  }
  async rows() {
    const metrics = await this.#get('/metrics');
    return [...metrics.matchAll(/^vm_rows\{type="storage\/(?:small|big|inmemory)"\} (\S+)$/gm)].reduce((sum, [, n]) => sum + Number(n), 0);
  }
  // Bytes of values and times at rest.
  bytes() {
    const data = path.join(this.storage, 'data');
    return fs.readdirSync(data, { recursive: true }).filter((name) => /(^|\/)(values|timestamps)\.bin$/.test(name))
      .reduce((sum, name) => sum + fs.statSync(path.join(data, name)).size, 0);
  }
  // How many bytes the samples of a set take that nothing was imported of before.
  async cost(set, machines) {
    const [bytes, rows] = [this.bytes(), await this.rows()];
    let [body, samples] = ['', 0];
    for (const piece of importLines(set, machines)) {
      body += `${piece.line}\n`;
      samples += piece.samples;
      if (body.length < importBytes) continue;
      await this.#post(body);
      body = '';
    }
    await this.#post(body);
    await eventually('VictoriaMetrics has them', async () => {
      await this.#get('/internal/force_flush');
      return (await this.rows()) - rows >= samples;
    }, { timeout: 60000 });
    await this.#get('/internal/force_merge');
    let before = -1;
    await eventually('VictoriaMetrics has merged', () => {
      const now = this.bytes();
      const settled = now === before;
      before = now;
      return settled;
    }, { timeout: 60000, every: 3000 });
    return (this.bytes() - bytes) / samples;
  }
}

function costOfChunks(set, machines) {
  const file = path.join(state, set);
  writeForChunks(file, machines);
  for (const ticks of ticksAChunk) {
    const cost = JSON.parse(execFileSync(path.join(bin, 'haidang-chunk-cost'), [file, String(ticks)], { encoding: 'utf8' }));
    const suffix = ticks === ticksAChunk[0] ? set : `${set}_chunks_of_${ticks}`;
    tell(`bytes_per_sample_${suffix}`, (cost.value_bytes + cost.tick_bytes) / cost.samples, 'bytes');
    tell(`encoded_per_second_${suffix}`, cost.encoded_per_second, 'values/s');
    tell(`decoded_per_second_${suffix}`, cost.decoded_per_second, 'values/s');
    if (ticks !== ticksAChunk[0]) continue;
    tell(`samples_${set}`, cost.samples, 'samples');
    tell(`bytes_per_sample_${set}`, cost.gorilla_bytes / cost.samples, 'bytes', 'gorilla');
  }
}

try {
  const below = (...names) => readFolders(names.map((name) => path.join(folder, name)));
  const sets = {
    noisy: below('nab', 'rtt'),
    growth: below('growth'),
    machine: readLedger(process.env.HAIDANG_LEDGER ?? (await record())),
  };
  const peer = await new VictoriaMetrics().start();
  for (const [set, machines] of Object.entries(sets)) {
    if (machines.length === 0) throw new Error(`${folder}: no series for ${set} below it`);
    costOfChunks(set, machines);
    tell(`bytes_per_sample_${set}`, await peer.cost(set, machines), 'bytes', `victoria-metrics ${peer.version}`);
  }
} catch (error) {
  failed = error.message;
} finally {
  children.killAll();
  fs.rmSync(state, { recursive: true, force: true });
}
if (failed) {
  console.error(`store-codec: ${failed}`);
  process.exitCode = 1;
}
