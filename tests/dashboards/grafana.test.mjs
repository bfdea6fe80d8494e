// Grafana's dashboards: made from their sources, of the SDK's types, asking only for what there is, in both languages; each
// query gets an answer from a real Prometheus that has every metric of the catalogue.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';

import { parse } from 'yaml';

import { dashboards, queries, variablesIn } from '../../dashboards/grafana/queries.mjs';
import { Children } from '../support/children.mjs';
import { getText, request } from '../support/http.mjs';
import { freePort } from '../support/ports.mjs';
import { eventually } from '../support/wait.mjs';
import { catalogued, catalogueName, openMetrics } from './grafana_data.mjs';
import { typeCheck } from './grafana_types.mjs';
import { named, root } from './rule_files.mjs';

const home = path.join(root, 'dashboards/grafana');
const modules = path.join(home, 'node_modules');
const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'haidang-grafana-'));
const children = new Children(directory);
after(async () => {
  await Promise.all(children.running.map((child) => child.stop()));
  fs.rmSync(directory, { recursive: true });
});

function run(command, args, options = {}) {
  const tool = spawnSync(command, args, { encoding: 'utf8', maxBuffer: 2 ** 26, ...options });
  assert.equal(tool.error, undefined);
  assert.equal(tool.status, 0, `${command} ${args.join(' ')}\n${tool.stdout}${tool.stderr}`);
  return tool.stdout;
}
const tsc = (...args) => run(process.execPath, [path.join(modules, 'typescript/bin/tsc'), ...args], { cwd: home });

const panels = dashboards.flatMap((dashboard) =>
  dashboard.panels.filter(({ type }) => type !== 'row').map((panel) => ({ dashboard, panel, at: `${dashboard.uid}: ${panel.title}` })));
const vietnamese = /[ăâđêôơưạảấầẩẫậắằẳẵặẹẻẽếềểễệỉịọỏốồổỗộớờởỡợụủứừửữựỳỵỷỹáàãéèíìóòõúùý]/i;

test('the committed dashboards are what their sources make', () => {
  const made = path.join(directory, 'made');
  tsc('-p', '.', '--outDir', path.join(directory, 'build'));
  run(process.execPath, [path.join(directory, 'build/generate.js'), made], { env: { ...process.env, NODE_PATH: modules } });
  const committed = path.join(home, 'dashboards');
  assert.deepEqual(fs.readdirSync(made).sort(), fs.readdirSync(committed).sort());
  for (const name of fs.readdirSync(made)) {
    assert.equal(fs.readFileSync(path.join(committed, name), 'utf8'), fs.readFileSync(path.join(made, name), 'utf8'),
      `${name} is not what its source makes: npm run generate`);
  }
});

test('the dashboards have the types of Grafana\'s SDK', () => {
  // Beside node_modules, so that the SDK is found; git ignores it.
  const folder = path.join(home, 'build/types');
  fs.mkdirSync(folder, { recursive: true });
  const check = (text) => {
    fs.writeFileSync(path.join(folder, 'check.ts'), text);
    return spawnSync(process.execPath, [path.join(modules, 'typescript/bin/tsc'), '--noEmit', '--strict', '--skipLibCheck', '--target', 'es2022',
      '--module', 'node16', '--moduleResolution', 'node16', path.join(folder, 'check.ts')], { encoding: 'utf8', cwd: home });
  };
  const right = check(typeCheck(dashboards));
  assert.equal(right.status, 0, right.stdout);
  // The check itself sees a wrong word, and a field that there is not.
  const [first] = structuredClone(dashboards);
  first.panels.find(({ type }) => type === 'timeseries').options.legend.placement = 'nowhere';
  first.colour = 'red';
  const wrong = check(typeCheck([first]));
  assert.match(wrong.stdout, /nowhere/);
  assert.match(wrong.stdout, /"colour"/);
});

test('each dashboard and panel says what it shows, in Vietnamese and English', () => {
  assert.deepEqual(dashboards.map(({ uid }) => uid), ['haidang-diem', 'haidang-may', 'haidang-mot-cua', 'haidang-tinh', 'haidang-tu-giam-sat']);
  for (const { title, description } of dashboards) {
    assert.match(title, vietnamese);
    assert.match(description, vietnamese, title);
    assert.match(description.split('\n\n')[1], /^[A-Z][a-z]/, title);
  }
  for (const { dashboard: { uid }, panel, at } of panels) {
    assert.ok(panel.title, at);
    const [text, english, ...rest] = panel.description.split('\n\n');
    assert.match(text, vietnamese, at);
    assert.match(english, /^\*[A-Z].*\*$/, at);
    assert.doesNotMatch(english.replaceAll('Hải Đăng', ''), vietnamese, at);
    assert.deepEqual(rest, [], at);
    assert.ok(panel.fieldConfig.defaults.unit, `${at}: unit`);
    assert.ok(panel.fieldConfig.defaults.thresholds.steps.length > 0, `${at}: thresholds`);
    assert.ok(panel.targets.length > 0, `${at}: queries`);
    const mayBeEmpty = queries().some(({ dashboard, name, needs }) => needs && dashboard === uid && name === panel.title);
    if (mayBeEmpty) assert.ok(panel.fieldConfig.defaults.noValue, `${at}: what it says where there is no data`);
  }
});

test('panels lie beside and below each other, each with an id of its own', () => {
  for (const { uid, panels: all } of dashboards) {
    assert.equal(new Set(all.map(({ id }) => id)).size, all.length, uid);
    const taken = new Set();
    for (const { title, gridPos: { x, y, w, h } } of all) {
      assert.ok(x >= 0 && w > 0 && h > 0 && x + w <= 24, `${uid}: ${title} is too wide`);
      for (let column = x; column < x + w; ++column) {
        for (let line = y; line < y + h; ++line) {
          const cell = `${column},${line}`;
          assert.ok(!taken.has(cell), `${uid}: ${title} lies on another`);
          taken.add(cell);
        }
      }
    }
  }
});

test('variables that are used are there, and those that are there are used', () => {
  for (const dashboard of dashboards) {
    const list = dashboard.templating.list.map(({ name }) => name);
    assert.equal(list[0], 'datasource');
    const used = new Set(variablesIn(JSON.stringify(dashboard)).filter((name) => !name.startsWith('__')));
    assert.deepEqual([...used].sort(), [...list].sort(), dashboard.uid);
  }
  for (const { panel, at } of panels) {
    for (const { datasource } of [panel, ...panel.targets]) assert.deepEqual(datasource, { type: 'prometheus', uid: '${datasource}' }, at);
  }
});

test('links lead to dashboards that there are, with variables that these have, and keep source and time', () => {
  const variablesOf = new Map(dashboards.map(({ uid, templating }) => [uid, new Map(templating.list.map((one) => [one.name, one]))]));
  let seen = 0;
  for (const dashboard of dashboards) {
    const others = dashboard.links.filter(({ url }) => !url.startsWith('${pages}'));
    assert.equal(others.length, dashboards.length - 1, dashboard.uid);
    for (const { url, keepTime } of others) {
      const [, uid, carried] = url.match(/^\/d\/([\w-]+)\?(.+)$/);
      assert.ok(variablesOf.has(uid) && uid !== dashboard.uid && keepTime, `${dashboard.uid}: ${url}`);
      assert.match(carried, /^\$\{datasource:queryparam\}/);
      for (const name of variablesIn(carried)) {
        const there = variablesOf.get(uid).get(name);
        assert.ok(there, `${uid} has no variable ${name}`);
        // "All" cannot be chosen where one is.
        assert.ok(there.multi || !variablesOf.get(dashboard.uid).get(name).multi, `${dashboard.uid}: ${url}: ${name}`);
      }
    }
    for (const [, uid, rest] of JSON.stringify(dashboard).matchAll(/"\/d\/([\w-]+)\?(var-.*?)"[,}]/g)) {
      seen += 1;
      assert.ok(variablesOf.has(uid), `${dashboard.uid}: ${uid}`);
      for (const [, name] of rest.matchAll(/var-(\w+)=/g)) assert.ok(variablesOf.get(uid).has(name), `${uid} has no variable ${name}`);
      assert.ok(rest.endsWith('&${datasource:queryparam}&${__url_time_range}'), `${dashboard.uid}: ${rest}`);
    }
  }
  assert.ok(seen > 20, `${seen} links from data were found`);
});

test('queries name only metrics and labels that there are', () => {
  const known = catalogued();
  const joined = ['instance', 'site', 'site_name', 'class', 'job', 'le'];
  const all = queries();
  assert.ok(all.length > 150, `${all.length} queries`);
  for (const { dashboard, name: title, expr } of all) {
    const found = named(expr);
    for (const { name, labels } of found) {
      const metric = known.get(catalogueName(name, known));
      assert.ok(metric, `${dashboard}: ${title}: ${name} is no metric`);
      for (const label of labels) assert.ok([...joined, ...metric.labels].includes(label), `${dashboard}: ${title}: ${name} has no label ${label}`);
    }
  }
});

test('the map has the 54 units of the province', () => {
  const map = dashboards.find(({ uid }) => uid === 'haidang-tinh').panels.find(({ type }) => type === 'geomap');
  const units = fs.readFileSync(path.join(root, 'packaging/data/sites/quang-ninh-2tier.csv'), 'utf8').trim().split(/\r?\n/)
    .map((line) => line.split(',')).filter(([, , level]) => level === 'commune');
  assert.equal(units.length, 54);
  const drawn = [...map.targets[2].expr.matchAll(/vector\(([\d.]+)\),"place","(.*?)","",""\),"site","(\d+)"/g)];
  assert.deepEqual(drawn.map(([, , name, code]) => `${code} ${name}`).sort(), units.map(([code, name]) => `${code} ${name}`).sort());
  const between = (expr, lowest, highest) => [...expr.matchAll(/vector\(([\d.]+)\)/g)].map(([, number]) => Number(number))
    .filter((number) => number > lowest && number < highest).length;
  assert.equal(between(map.targets[2].expr, 20.6, 21.7), 54, 'latitudes of the province');
  assert.equal(between(map.targets[3].expr, 106.4, 108.2), 54, 'longitudes of the province');
});

test('what Grafana is given to provision fits the dashboards', () => {
  const read = (name) => parse(fs.readFileSync(path.join(home, 'provisioning', name, 'haidang.yaml'), 'utf8'));
  const [source] = read('datasources').datasources;
  assert.deepEqual([source.type, source.access, source.jsonData.httpMethod, source.jsonData.timeInterval], ['prometheus', 'proxy', 'POST', '15s']);
  const [provider] = read('dashboards').providers;
  assert.deepEqual([provider.type, provider.options.path], ['file', '/var/lib/grafana/dashboards/haidang']);
  const text = fs.readFileSync(path.join(root, 'docs/grafana.md'), 'utf8');
  assert.ok(text.includes(provider.options.path), 'docs/grafana.md says where dashboards go');
  for (const { uid, title } of dashboards) assert.ok(text.includes(`${uid}.json`), `docs/grafana.md names ${title}`);
});

// Both are given the same series, then asked everything that the dashboards ask.
const end = Math.floor(Date.now() / 1000);
const series = openMetrics(queries().map(({ expr }) => expr), end);

async function startPrometheus() {
  const input = path.join(directory, 'series.txt');
  const data = path.join(directory, 'prometheus');
  const configuration = path.join(directory, 'prometheus.yml');
  fs.writeFileSync(input, series);
  fs.writeFileSync(configuration, 'global: {}\n');
  run('promtool', ['tsdb', 'create-blocks-from', 'openmetrics', input, data]);
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  children.start('prometheus', 'prometheus', [
    `--config.file=${configuration}`, `--storage.tsdb.path=${data}`, `--web.listen-address=127.0.0.1:${port}`,
  ]);
  await eventually('Prometheus is ready', () => getText(`${url}/-/ready`), { signal: children.failed });
  return url;
}

async function startVictoriaMetrics() {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  children.start('victoria-metrics', 'victoria-metrics', [
    `-storageDataPath=${path.join(directory, 'victoria-metrics')}`, `-httpListenAddr=127.0.0.1:${port}`, '-search.latencyOffset=5s',
    '-search.disableCache', '-retentionPeriod=1d', '-storage.minFreeDiskSpaceBytes=1', '-memory.allowedBytes=256MiB',
  ]);
  await eventually('VictoriaMetrics is ready', () => getText(`${url}/health`), { signal: children.failed });
  const body = series.replace('# EOF\n', '').replace(/ (\d+)$/gm, ' $1000');  // times in ms
  const given = await request(`${url}/api/v1/import/prometheus`, { method: 'POST', body, timeout: 60000 });
  assert.equal(given.status, 204, given.text);
  // It makes what came in searchable within seconds.
  const count = async () => JSON.parse(await getText(`${url}/api/v1/query?query=count(haidang_machine_up)&time=${end}`)).data.result[0]?.value[1];
  await eventually('VictoriaMetrics has the series', async () => (await count()) === '3', { signal: children.failed });
  await getText(`${url}/internal/force_flush`);
  return url;
}

async function askEverything(url) {
  for (const { kind, dashboard, name, ref, expr, instant, legend, label } of queries()) {
    const body = new URLSearchParams(instant ? { query: expr, time: end } : { query: expr, start: end - 600, end, step: 60 });
    const answer = await request(`${url}/api/v1/${instant ? 'query' : 'query_range'}`, {
      method: 'POST', headers: { 'content-type': 'application/x-www-form-urlencoded' }, body: body.toString(),
    });
    const at = `${dashboard}: ${name}${ref ? ` (${ref})` : ''}\n${expr}\n`;
    assert.equal(answer.status, 200, at + answer.text);
    const { result } = JSON.parse(answer.text).data;
    if (kind === 'annotation') continue;  // nothing may have happened
    assert.ok(result.length > 0, `${at} no data`);
    const labels = [label, ...[...(legend ?? '').matchAll(/\{\{(\w+)\}\}/g)].map((match) => match[1])].filter(Boolean);
    for (const one of labels) assert.ok(result.every(({ metric }) => metric[one]), `${at} a series has no label ${one}`);
  }
}

test('a real Prometheus that has every metric answers each query with data', async () => askEverything(await startPrometheus()));

test('a real VictoriaMetrics that has every metric answers each query with data', async () => askEverything(await startVictoriaMetrics()));
