// What the dashboard "Node Exporter Full" asks of Prometheus has an answer from the agents' data as it stands in a real
// Prometheus that scrapes the collector, wherever the real node_exporter beside it has one.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';

import { getJson, getText } from '../support/http.mjs';
import { freePort } from '../support/ports.mjs';
import { makeStack } from './harness.mjs';

const fixture = (name) => fileURLToPath(new URL(`../fixtures/${name}`, import.meta.url));

// The list's rows: {row, panel, expression, excuse, nonsense}.
function expressions() {
  const list = [];
  let row, panel, excuse, nonsense;
  for (const line of fs.readFileSync(fixture('dashboards/node-exporter-full.txt'), 'utf8').split('\n')) {
    if (line === '' || line.startsWith('#')) continue;
    const [, mark, rest] = /^(==|=|\?|~)? ?(.*)$/.exec(line);
    if (mark === '==') row = rest;
    else if (mark === '=') panel = rest;
    else if (mark === '?') excuse = rest;
    else if (mark === '~') nonsense = rest;
    else {
      list.push({ row, panel, expression: rest, excuse, nonsense });
      excuse = nonsense = undefined;
    }
  }
  return list;
}

// A machine that lives, and one with everything that a virtual machine has not: sensors, cooling, conntrack…
const here = { machine: 'may-nay', site: '22', place: '', class: 'server' };
const storage = { machine: 'luu-tru-01', site: '22', place: '', class: 'server' };
const stack = await makeStack({
  start: false, probe: false, agents: [here, storage],
  run: (name) => (name === storage.machine ? { args: ['--root', `${fixture('machines/storage-server')}/`] } : {}),
});
await stack.startBroker();
await stack.startCollector();
for (const { machine } of stack.agents) stack.startAgent(machine);

const exporter = `127.0.0.1:${await freePort()}`;
const exporting = stack.children.start('exporter', 'prometheus-node-exporter',
  [`--web.listen-address=${exporter}`, '--log.level=error', '--collector.processes']);
after(() => exporting.kill('SIGKILL'));  // it knows no orderly end
const port = await freePort();
const directory = stack.directory('prometheus');
fs.writeFileSync(path.join(directory, 'prometheus.yml'), `
global: { scrape_interval: 1s }
scrape_configs:
  - job_name: haidang-fleet
    honor_labels: true
    metrics_path: /metrics/fleet
    static_configs: [{ targets: ['${new URL(stack.urls.metrics).host}'] }]
  - job_name: node
    static_configs: [{ targets: ['${exporter}'] }]
`);
stack.running.prometheus = stack.children.start('prometheus', 'prometheus', [
  `--config.file=${path.join(directory, 'prometheus.yml')}`, `--storage.tsdb.path=${path.join(directory, 'data')}`,
  `--web.listen-address=127.0.0.1:${port}`,
]);

const ask = async (expression, { instance, job }) => {
  const text = expression.replaceAll('@', `instance="${instance}",job="${job}"`).replaceAll('$i', '15s');
  const answer = await getJson(`http://127.0.0.1:${port}/api/v1/query?query=${encodeURIComponent(text)}`);
  return answer.data.result;
};
const theirs = { instance: exporter, job: 'node' };
const ours = { instance: here.machine, job: 'haidang-fleet' };
const fixtures = { instance: storage.machine, job: 'haidang-fleet' };

await stack.ready('node_exporter answers', async () => (await getText(`http://${exporter}/metrics`)).includes('node_load1'));
await stack.ready('five scrapes of all three', async () => {
  const counts = await Promise.all([theirs, ours, fixtures].map((of) => ask('count_over_time(node_load1{@}[1m])', of)));
  const slow = await ask('node_processes_pids{@}', ours);
  const still = await ask('count_over_time(node_hwmon_chip_names{@}[1m])', fixtures);
  return slow.length > 0 && still.length > 0 && counts.every((found) => found.length > 0 && Number(found[0].value[1]) >= 5);
}, 60000);

test('what the dashboard asks is answered wherever node_exporter answers, and by some machine', async (t) => {
  const faults = [];
  const answered = { theirs: 0, ours: 0, fixtures: 0 };
  for (const { row, panel, expression, excuse, nonsense } of expressions()) {
    const found = await Promise.all([theirs, ours, fixtures].map((of) => ask(expression, of)));
    const [exporterHas, have, fixtureHas] = found.map((result) => result.length > 0);
    answered.theirs += exporterHas;
    answered.ours += have;
    answered.fixtures += fixtureHas;
    const what = `${row} / ${panel}: ${expression}`;
    if (exporterHas && !have && !nonsense) faults.push(`node_exporter alone answers ${what}`);
    if (!have && !fixtureHas && !excuse) faults.push(`no machine answers ${what}`);
    if ((have || fixtureHas || exporterHas) && excuse) faults.push(`excused, and answered: ${what}`);
  }
  t.diagnostic(JSON.stringify({ asked: expressions().length, ...answered }));
  assert.deepEqual(faults, []);
});

test('the dashboard\'s variables find the machines', async () => {
  const names = async (label, matcher) => (await getJson(`http://127.0.0.1:${port}/api/v1/label/${label}/values?match[]=` +
    encodeURIComponent(matcher))).data;
  assert.deepEqual(await names('job', 'node_uname_info'), ['haidang-fleet', 'node']);
  const nodes = await names('nodename', 'node_uname_info{job="haidang-fleet"}');
  assert.ok(nodes.includes('luu-tru-01'), `${nodes}`);
  assert.deepEqual(await names('instance', 'node_uname_info{job="haidang-fleet",nodename="luu-tru-01"}'), [storage.machine]);
});

test('as many disks, file systems and processors as node_exporter counts', async () => {
  for (const expression of ['count(node_disk_io_now{@})', 'count(node_filesystem_size_bytes{@,fstype!="tmpfs"})', 'count(node_cpu_seconds_total{@})',
    'count({__name__=~"node_memory_.*",@})', 'count({__name__=~"node_netstat_.*",@})', 'count({__name__=~"node_sockstat_.*",@})']) {
    const [their, our] = await Promise.all([theirs, ours].map(async (of) => (await ask(expression, of))[0]?.value[1]));
    assert.equal(our, their, expression);
  }
});
