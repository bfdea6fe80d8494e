// A real Prometheus finds its targets through /sd and scrapes them; promtool finds nothing to blame.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

import { getJson, getText, parseMetrics } from '../support/http.mjs';
import { liveEverywhere } from '../support/live.mjs';
import { freePort } from '../support/ports.mjs';
import { bin, makeStack } from './harness.mjs';

const stack = await makeStack();
await liveEverywhere(stack, { timeout: 60000 });

const port = await freePort();
const prometheus = `http://127.0.0.1:${port}`;
const directory = stack.directory('prometheus');
const sample = fileURLToPath(new URL('../../packaging/prometheus/prometheus.yml', import.meta.url));
const configuration = path.join(directory, 'prometheus.yml');
// The sample itself, but for where the server is and how often Prometheus looks.
fs.writeFileSync(configuration, [
  ['http://127.0.0.1:8080/sd', `${stack.urls.page}/sd`], ['scrape_interval: 15s', 'scrape_interval: 1s'],
  ['refresh_interval: 1m', 'refresh_interval: 1s'],
].reduce((text, [from, to]) => {
  assert.equal(text.split(from).length, 2, `the sample says once: ${from}`);
  return text.replace(from, to);
}, fs.readFileSync(sample, 'utf8')));
stack.running.prometheus = stack.children.start('prometheus', 'prometheus', [
  `--config.file=${configuration}`, `--storage.tsdb.path=${path.join(directory, 'data')}`,
  `--web.listen-address=127.0.0.1:${port}`,
]);
const query = async (expression) =>
  (await getJson(`${prometheus}/api/v1/query?query=${encodeURIComponent(expression)}`)).data.result;

test('promtool check config finds the sample right', () => {
  const tool = spawnSync('promtool', ['check', 'config', sample], { encoding: 'utf8' });
  assert.equal(tool.error, undefined);
  assert.equal(tool.status, 0, tool.stderr);
});

test('Prometheus scrapes every target that /sd names', async () => {
  await stack.ready('three targets up', async () => {
    const up = await query('up');
    return up.length === 3 && up.every((r) => r.value[1] === '1');
  }, 60000);
  const jobs = (await query('up')).map((r) => r.metric.job).sort();
  assert.deepEqual(jobs, ['haidang-collector', 'haidang-fleet', 'haidang-server']);
});

test('values carry instance, site, site_name and class of the machine', async () => {
  const loads = await stack.ready('load of three machines', async () => {
    const found = await query('node_load1');
    return found.length === 3 && found;
  });
  for (const agent of stack.agents) {
    const { metric } = loads.find((r) => r.metric.instance === agent.machine);
    assert.deepEqual([metric.site, metric.site_name, metric.class], [agent.site, agent.place, agent.class]);
    assert.deepEqual(Object.keys(metric).filter((label) => label.startsWith('exported_')), []);
  }
});

test('expressions that dashboards use give plausible numbers', async () => {
  const one = async (expression) => Number((await stack.ready(expression, async () => {
    const found = await query(expression);
    return found.length > 0 && found[0];
  })).value[1]);
  const machine = '{instance="tien-yen-1"}';
  const busy = await one('1 - avg by (instance) (rate(node_cpu_seconds_total{mode="idle",instance="tien-yen-1"}[10s]))');
  assert.ok(busy >= -0.05 && busy <= 1.05, `CPU busy: ${busy}`);
  const memory = await one(`node_memory_MemAvailable_bytes${machine} / node_memory_MemTotal_bytes${machine}`);
  assert.ok(memory > 0 && memory < 1, `memory available: ${memory}`);
  const uptime = await one(`time() - node_boot_time_seconds${machine}`);
  assert.ok(Math.abs(uptime - Number(fs.readFileSync('/proc/uptime', 'utf8').split(' ')[0])) < 60, `uptime: ${uptime}`);
  const phases = await one('sum by (instance) (probe_http_duration_seconds{instance="tien-yen-1"})');
  const total = await one(`probe_duration_seconds${machine}`);
  assert.ok(phases > 0 && total > 0 && phases < 10 && total < 10);
  assert.equal(await one(`probe_success{instance="tien-yen-1",journey="mot-cua",step="tra-cuu"}`), 1);
});

test('the phases of the probe sum to its total', async () => {
  const samples = parseMetrics(await stack.metrics('metrics/fleet')).filter((s) => s.labels.instance === 'tinh-1');
  const phases = samples.filter((s) => s.name === 'probe_http_duration_seconds');
  assert.deepEqual(phases.map((s) => s.labels.phase).sort(), ['connect', 'processing', 'redirect', 'resolve', 'tls', 'transfer']);
  const total = samples.find((s) => s.name === 'probe_duration_seconds').value;
  const sum = phases.reduce((all, s) => all + s.value, 0);
  assert.ok(Math.abs(sum - total) < 0.005, `${sum} and ${total}`);
});

// node_exporter's camelCase names and a gauge called _total of its own are what dashboards expect.
const asNodeExporter = /^node_\w+ (metric names should be written in 'snake_case' not 'camelCase'|metric name should not include abbreviated units|non-counter metrics should not have "_total" suffix|counter metrics should have "_total" suffix|non-histogram and non-summary metrics should not have "_count" suffix|use base unit "bytes" instead of "bits")$/;
const blame = (text) => {
  const tool = spawnSync('promtool', ['check', 'metrics'], { input: text, encoding: 'utf8' });
  assert.equal(tool.error, undefined);
  return `${tool.stdout}${tool.stderr}`.split('\n').filter((line) => line && !asNodeExporter.test(line));
};

test('promtool check metrics: collector, server, fleet and agent', async () => {
  assert.notDeepEqual(blame('wrong{} x\n'), [], 'promtool does blame');
  assert.deepEqual(blame(await stack.metrics()), []);
  assert.deepEqual(blame(await stack.metrics('metrics/fleet')), []);
  assert.deepEqual(blame(await getText(`${stack.urls.page}/metrics`)), []);
  const agent = spawnSync(path.join(bin, 'haidang-agent'), ['--config', stack.agents[0].config, '--print-metrics'], { encoding: 'utf8' });
  assert.equal(agent.status, 0, agent.stderr);
  assert.ok(parseMetrics(agent.stdout).length >= 60);
  assert.deepEqual(blame(agent.stdout), []);
});
