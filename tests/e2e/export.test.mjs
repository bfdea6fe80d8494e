// What `export --openmetrics` writes is what promtool reads, value by value; --csv says the same.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

import { getJson } from '../support/http.mjs';
import { liveEverywhere } from '../support/live.mjs';
import { freePort } from '../support/ports.mjs';
import { pause } from '../support/wait.mjs';
import { bin, makeStack } from './harness.mjs';

const stack = await makeStack();
await liveEverywhere(stack, { timeout: 60000 });
await pause(5000);

const directory = stack.directory('export');
const run = (command, ...args) => {
  const ended = spawnSync(command, args, { encoding: 'utf8', maxBuffer: 1 << 28 });
  assert.equal(ended.error, undefined);
  return ended;
};
const tool = (...args) => run(path.join(bin, 'haidang-collector'), ...args, '--config', path.join(stack.state, 'collector', 'collector.toml'));
const done = (ended) => {
  assert.equal(ended.status, 0, ended.stderr);
  return ended.stdout;
};

const backup = path.join(directory, 'backup.db');
done(tool('backup', backup));
const openmetrics = done(tool('export', '--openmetrics', '--store', backup));
const file = path.join(directory, 'values.om');
fs.writeFileSync(file, openmetrics);

// 'name{a="x"}' with its labels sorted → {time in ms → value}
function bySeries(lines) {
  const series = new Map();
  for (const { labels, value, ms } of lines) {
    const key = JSON.stringify(Object.entries(labels).sort());
    if (!series.has(key)) series.set(key, {});
    assert.ok(!(ms in series.get(key)), `${key} has one value at ${ms}`);
    series.get(key)[ms] = value;
  }
  return series;
}
const unescape = (text) => text.replace(/\\(.)/g, (_, c) => (c === 'n' ? '\n' : c));
function parseLabels(text) {
  const found = [...text.matchAll(/([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)"/g)].map(([, name, value]) => [name, unescape(value)]);
  return Object.fromEntries(found);
}
const told = bySeries(openmetrics.split('\n').filter((line) => line && !line.startsWith('#')).map((line) => {
  const [, name, labels, value, seconds, ms] = line.match(/^([a-zA-Z_:][\w:]*)\{(.*)\} (\S+) (\d+)\.(\d{3})$/) ?? assert.fail(line);
  return { labels: { __name__: name, ...parseLabels(labels) }, value: Number(value), ms: Number(seconds + ms) };
}));

test('the text is OpenMetrics: each family once and together, # EOF at the end', () => {
  assert.ok(openmetrics.endsWith('\n# EOF\n'));
  const families = [...openmetrics.matchAll(/^# TYPE (\S+) /gm)].map(([, name]) => name);
  assert.equal(new Set(families).size, families.length);
  assert.ok(families.includes('node_load1') && families.includes('node_cpu_seconds'), 'gauges and counters');
  let family = '';
  let last;
  const seen = new Set();
  for (const line of openmetrics.trimEnd().split('\n').slice(0, -1)) {
    const meta = line.match(/^# (TYPE|UNIT|HELP) (\S+)/);
    if (meta) {
      if (meta[1] === 'TYPE') family = meta[2];
      assert.equal(meta[2], family);
      continue;
    }
    const [, name, labels] = line.match(/^([\w:]+)(\{.*?),?(?:le="[^"]*")?\} /);
    assert.ok(name === family || ['_total', '_bucket', '_sum', '_count'].some((suffix) => name === family + suffix), line);
    const metric = `${family} ${labels.replace(/,$/, '')}`;
    if (metric === last) continue;
    assert.ok(!seen.has(metric), `${metric} stands together`);
    seen.add(last = metric);
  }
});

test('promtool makes blocks of it that hold the same values, and Prometheus answers with them', async () => {
  const data = path.join(directory, 'data');
  done(run('promtool', 'tsdb', 'create-blocks-from', 'openmetrics', file, data));
  fs.mkdirSync(path.join(data, 'wal'), { recursive: true });
  const dump = done(run('promtool', 'tsdb', 'dump', data));
  const held = bySeries(dump.trim().split('\n').map((line) => {
    const [, labels, value, ms] = line.match(/^\{(.*)\} (\S+) (\d+)$/) ?? assert.fail(line);
    return { labels: parseLabels(labels), value: Number(value), ms: Number(ms) };
  }));
  assert.ok(told.size > 100, `${told.size} series`);
  // Prometheus keeps no empty label.
  const full = new Map([...told].map(([key, values]) => [JSON.stringify(JSON.parse(key).filter(([, value]) => value !== '')), values]));
  assert.deepEqual([...held.keys()].sort(), [...full.keys()].sort());
  for (const [key, values] of full) assert.deepEqual(held.get(key), values, key);

  const port = await freePort();
  const configuration = path.join(directory, 'prometheus.yml');
  fs.writeFileSync(configuration, 'scrape_configs: []\n');
  stack.running.prometheus = stack.children.start('prometheus', 'prometheus', [
    `--config.file=${configuration}`, `--storage.tsdb.path=${data}`, `--web.listen-address=127.0.0.1:${port}`, '--storage.tsdb.retention.time=10y',
  ]);
  const [key, values] = [...full].find(([name]) => name.includes('"node_load1"') && name.includes('tien-yen-1'));
  const times = Object.keys(values).map(Number).sort((a, b) => a - b);
  const asked = await stack.ready('Prometheus answers', async () => {
    const url = `http://127.0.0.1:${port}/api/v1/query?query=${encodeURIComponent('node_load1{instance="tien-yen-1"}[1h]')}&time=${times.at(-1) / 1000}`;
    const { result } = (await getJson(url)).data;
    return result.length === 1 && result[0];
  }, 30000);
  assert.equal(JSON.stringify(Object.entries(asked.metric).sort()), key);
  assert.deepEqual(asked.values.map(([s, value]) => [Math.round(s * 1000), Number(value)]), times.map((ms) => [ms, values[ms]]));
});

test('CSV says the same, and what was chosen alone', () => {
  const csv = done(tool('export', '--csv', '--store', backup, '--machine', 'tien-yen-1', '--metric', 'node_load1', '--metric', 'node_memory_MemTotal_bytes'));
  const [header, ...rows] = csv.split('\r\n');
  assert.equal(header, 'time,time_ms,instance,site,site_name,class,metric,labels,value');
  assert.equal(rows.pop(), '');
  const load = rows.filter((row) => row.includes(',node_load1,') && !row.endsWith(','));
  const [, values] = [...told].find(([key]) => key.includes('"node_load1"') && key.includes('tien-yen-1'));
  assert.deepEqual(Object.fromEntries(load.map((row) => [row.split(',')[1], Number(row.split(',')[8])])), values);
  for (const row of load) {
    const [time, ms, instance, site, name, kind] = row.split(',');
    assert.deepEqual([Date.parse(time), instance, site, name, kind], [Number(ms), 'tien-yen-1', '06862', 'Xã Tiên Yên', 'workstation']);
  }
  const middle = load[Math.floor(load.length / 2)].split(',');
  const some = done(tool('export', '--csv', '--store', backup, '--machine', 'tien-yen-1', '--metric', 'node_load1', '--from', middle[0], '--to', middle[1]));
  assert.equal(some.split('\r\n').length, 3);
  assert.equal(tool('export', '--csv', '--store', backup, '--machine', 'nobody').status, 3);
  assert.match(tool('export', '--csv', '--store', backup, '--from', 'yesterday').stderr, /allowed: Unix milliseconds/);
  assert.equal(tool('export', '--csv', '--openmetrics', '--store', backup).status, 2);
  assert.equal(tool('export').status, 2);
});
