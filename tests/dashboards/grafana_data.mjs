// Series of every metric that some queries name, as the catalogue says they are labelled: of three machines at two sites,
// and of collector and server. Their values grow, and mean nothing else.
import fs from 'node:fs';
import path from 'node:path';

import { named, root } from './rule_files.mjs';

const machines = [
  { instance: 'may-chu-1', site: '06685', site_name: 'Phường Hồng Gai', class: 'server', job: 'haidang-fleet' },
  { instance: 'may-tram-1', site: '06685', site_name: 'Phường Hồng Gai', class: 'workstation', job: 'haidang-fleet' },
  { instance: 'may-chu-2', site: '06862', site_name: 'Xã Tiên Yên', class: 'server', job: 'haidang-fleet' },
];
const collector = [{ instance: '127.0.0.1:9108', job: 'haidang-collector' }];
const server = [{ instance: '127.0.0.1:8080', job: 'haidang-server' }];

const states = {
  haidang_machine_state: ['online', 'stopped', 'suspended', 'vanished', 'silent'],
  haidang_collector_machines: ['online', 'vanished', 'unknown'],
  node_systemd_unit_state: ['active', 'failed'],
  node_md_disks: ['active', 'failed'],
};
const values = {
  mode: ['idle', 'iowait', 'user'],
  phase: ['redirect', 'resolve', 'connect', 'tls', 'processing', 'transfer'],
  role: ['gateway', 'hub'],
  alarm: ['page', 'ticket'],
  window: ['5m', '1h'],
  step: ['dang-nhap', 'tra-cuu'],
  objective: ['latency'],
};

// {name: {type, labels, source}} of docs/metrics.md, and what Prometheus has of its own.
export function catalogued() {
  const known = new Map([
    ['up', { type: 'gauge', labels: [], source: 'central' }],
    ['ALERTS', { type: 'gauge', labels: ['alertname', 'alertstate', 'severity', 'journey'], source: 'sampler' }],
  ]);
  for (const part of fs.readFileSync(path.join(root, 'docs/metrics.md'), 'utf8').split('\n## ').slice(1)) {
    const [, type, labels, source] = part.match(/^Type (\w+).*?; labels (.*); source (.*)\.$/m);
    known.set(part.match(/^`(\w+)`/)[1], {
      type, labels: [...labels.matchAll(/`(\w+)`/g)].map((match) => match[1]), source: source.replaceAll('`', ''),
    });
  }
  return known;
}

// The catalogue's name of a metric, whose histogram has three of its own in Prometheus.
export function catalogueName(name, known) {
  const base = name.replace(/_(bucket|sum|count)$/, '');
  return !known.has(name) && known.get(base)?.type === 'histogram' ? base : name;
}

function sendersOf(name, { source }) {
  if (name.startsWith('haidang_machine_')) return machines;
  if (source === 'collector') return collector;
  if (source === 'server') return server;
  if (source === 'central') return [...collector, ...server];
  return source === 'process' ? [...machines, ...collector, ...server] : machines;
}

function labelSets(name, labels) {
  return labels.reduce((sets, label) => {
    const choices = (label === 'state' && states[name]) || values[label] || [`${label}-1`];
    return sets.flatMap((set) => choices.map((value) => ({ ...set, [label]: value })));
  }, [{}]);
}

// What of a series stands for `tick`: [[suffix, labels, value]].
function samples(type, tick) {
  if (type !== 'histogram') return [['', {}, type === 'counter' ? tick + 1 : 1 + (tick % 7) / 10]];
  const buckets = [[0.5, tick], [2, 2 * tick], ['+Inf', 3 * tick]];
  return [...buckets.map(([le, count]) => ['_bucket', { le }, count]), ['_sum', {}, tick], ['_count', {}, 3 * tick]];
}

// OpenMetrics text: a value each 15 s of the 20 minutes before `end` (seconds).
export function openMetrics(expressions, end) {
  const known = catalogued();
  const names = new Set(expressions.flatMap((expression) => named(expression)).map(({ name }) => catalogueName(name, known)));
  const text = [];
  for (const name of [...names].sort()) {
    const metric = known.get(name);
    for (const sender of sendersOf(name, metric)) {
      for (const own of labelSets(name, metric.labels)) {
        for (let tick = 0; tick <= 80; ++tick) {
          for (const [suffix, extra, value] of samples(metric.type, tick)) {
            const labels = Object.entries({ ...sender, ...own, ...extra }).map(([label, is]) => `${label}="${is}"`).join(',');
            text.push(`${name}${suffix}{${labels}} ${value} ${end - 15 * (80 - tick)}`);
          }
        }
      }
    }
  }
  return [...text, '# EOF', ''].join('\n');
}
