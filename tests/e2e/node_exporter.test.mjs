// The agent's metrics beside node_exporter's, on this machine at this moment: names, labels, types and values. What
// differs stands in docs/metrics-differences.md, which this test reads, or it is a fault.
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';

import { getText } from '../support/http.mjs';
import { freePort } from '../support/ports.mjs';
import { eventually } from '../support/wait.mjs';
import { bin, temporary } from './harness.mjs';

const document = fileURLToPath(new URL('../../docs/metrics-differences.md', import.meta.url));

// Series by "name{labels}", and types by name, of a text in Prometheus' format.
function parse(text) {
  const values = new Map();
  const types = new Map();
  for (const line of text.split('\n')) {
    const type = /^# TYPE (\S+) (\S+)$/.exec(line);
    if (type) types.set(type[1], type[2]);
    const sample = /^([a-zA-Z_:][\w:]*)(\{.*\})? (\S+)$/.exec(line);
    if (!sample || line.startsWith('#')) continue;
    const labels = [...(sample[2] ?? '').matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)]
      .filter(([, , value]) => value !== '').map(([whole]) => whole).sort();
    values.set(labels.length ? `${sample[1]}{${labels.join(',')}}` : sample[1], Number(sample[3].replace('Inf', 'Infinity')));
  }
  return { values, types };
}

// The patterns of a table of the document, whose heading begins so; only those of rows that say `what`, if given.
function patterns(heading, what) {
  const text = fs.readFileSync(document, 'utf8');
  const section = text.split(/^## /m).find((part) => part.startsWith(heading));
  assert.ok(section, heading);
  const rows = section.split('\n').filter((line) => line.startsWith('| `')).map((line) => line.split('|').map((cell) => cell.trim()));
  const cells = rows.filter((row) => what === undefined || row[2] === what).map((row) => row[1]);
  return cells.flatMap((cell) => [...cell.matchAll(/`([^`]+)`/g)].map(([, pattern]) => pattern)).map((pattern) => {
    const escaped = pattern.replace(/[.+?^${}()|[\]\\]/g, '\\$&').replaceAll('*', '.*');
    // One label may be named of several.
    return new RegExp(pattern.includes('{') ? `^${escaped.replace('\\{', '\\{(.*,)?').replace('\\}', '(,.*)?\\}')}$` : `^${escaped}(\\{.*)?$`);
  });
}

// Values that change between two readings for no reason that a counter would have.
const lively = /^node_(load|procs_|processes_(pids|state|threads)|memory_|filesystem_|filefd_allocated|entropy_|sockstat_|netstat_Tcp_CurrEstab|disk_io_now|nf_conntrack_entries$|time_seconds|timex_|pressure_)/;

test('names, labels, types and values are node_exporter\'s, but for what is documented', async () => {
  const port = await freePort();
  const exporter = spawn('prometheus-node-exporter', [`--web.listen-address=127.0.0.1:${port}`, '--log.level=error', '--collector.processes'], { stdio: 'ignore' });
  after(() => exporter.kill('SIGKILL'));
  const scrape = () => getText(`http://127.0.0.1:${port}/metrics`);
  await eventually('node_exporter answers', async () => (await scrape()).includes('node_load1'), { timeout: 20000 });
  const config = path.join(temporary(), 'agent.toml');
  fs.writeFileSync(config, '[sources]\noff = ["services"]\n');
  const print = () => {
    const { status, stdout, stderr } = spawnSync(path.join(bin, 'haidang-agent'), ['--config', config, '--print-metrics'], { encoding: 'utf8' });
    assert.equal(status, 0, stderr);
    return parse(stdout);
  };
  const before = print();
  const theirs = parse(await scrape());
  const later = print();

  const untold = patterns('What the agent does not tell');
  const [mayBeUntold, otherType, otherValue] = ['untold', 'type', 'value'].map((what) => patterns('What is told otherwise', what));
  const documented = (series, list) => list.some((pattern) => pattern.test(series));
  const faults = [];
  let compared = 0;
  for (const [series, value] of theirs.values) {
    if (documented(series, untold)) continue;
    const name = series.replace(/\{.*/, '');
    const [low, high] = [before.values.get(series), later.values.get(series)];
    const told = low !== undefined && high !== undefined;
    if (!told) {
      if (!documented(series, mayBeUntold)) faults.push(`${series}: not told`);
      continue;
    }
    ++compared;
    if (theirs.types.get(name) !== later.types.get(name) && !documented(series, otherType)) {
      faults.push(`${name}: ${later.types.get(name)}, theirs is ${theirs.types.get(name)}`);
    }
    if (lively.test(name) || documented(series, otherValue)) continue;
    const slack = 1e-9 * Math.abs(value) + (name.endsWith('_seconds_total') ? 0.05 : 0);
    if (value < Math.min(low, high) - slack || value > Math.max(low, high) + slack) {
      faults.push(`${series}: ${low} to ${high}, theirs is ${value}`);
    }
  }
  assert.deepEqual(faults, []);
  assert.ok(compared > 150, `${compared} series compared`);
  // Lively ones are of the same size.
  for (const [series, value] of theirs.values) {
    const ours = later.values.get(series);
    if (ours === undefined || !/^node_memory_Mem(Total|Available)|^node_filesystem_size|^node_time_seconds/.test(series)) continue;
    assert.ok(Math.abs(ours - value) <= 0.1 * Math.abs(value), `${series}: ${ours}, theirs is ${value}`);
  }
});

test('every row of the document says what differs', () => {
  assert.ok(patterns('What the agent does not tell').length > 20);
  const each = ['untold', 'type', 'value'].map((what) => patterns('What is told otherwise', what).length);
  assert.ok(each.every((count) => count > 0), `${each}`);
  assert.equal(each.reduce((sum, count) => sum + count), patterns('What is told otherwise').length);
});
