// The configuration files of a small province on loopback. packaging/sample explains each key.
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

export const sitesFile = fileURLToPath(new URL('../../packaging/data/sites/quang-ninh-2tier.csv', import.meta.url));

// A value as TOML writes it, which for strings, numbers and booleans is JSON's way; tables within sections stand in a line.
function toml(value) {
  if (Array.isArray(value)) return `[${value.map(toml).join(', ')}]`;
  if (typeof value !== 'object') return JSON.stringify(value);
  return `{ ${Object.entries(value).map(([key, inner]) => `${JSON.stringify(key)} = ${toml(inner)}`).join(', ')} }`;
}

// {section: {key: value}}; a section that is a list becomes an array of tables; key-value pairs outside a
// section stand first.
export function writeToml(file, content) {
  const lines = [];
  const pairs = (table) => {
    for (const [key, value] of Object.entries(table)) lines.push(`${key} = ${toml(value)}`);
  };
  const isSection = (value) => typeof value === 'object' && (!Array.isArray(value) || typeof value[0] === 'object');
  pairs(Object.fromEntries(Object.entries(content).filter(([, value]) => !isSection(value))));
  for (const [name, value] of Object.entries(content).filter(([, v]) => isSection(v))) {
    for (const table of [value].flat()) {
      lines.push('', Array.isArray(value) ? `[[${name}]]` : `[${name}]`);
      pairs(table);
    }
  }
  fs.writeFileSync(file, `${lines.join('\n').trimStart()}\n`, { mode: 0o640 });
}

const broker = (stack, name, port, host = 'localhost') => {
  const files = stack.authority.issue(name);
  return { uri: `ssl://${host}:${port}`, ca: stack.authority.ca, cert: files.cert, key: files.key };
};

// A clerk's way through the stand-in one-stop system: sign in, search, open the first dossier found.
export function oneStopJourney(stack) {
  const secret = path.join(stack.directory('agents'), 'can-bo');
  fs.writeFileSync(secret, 'motcua\n', { mode: 0o600 });
  const url = (where) => `${stack.urls.onestop}${where}`;
  return {
    name: 'mot-cua', interval: `${stack.interval}s`, timeout: '4s', ca: stack.authority.ca, secrets: { 'can-bo': `file:${secret}` },
    step: [
      { name: 'trang-chu', url: url('/'), contains: ['Trang chủ'] },
      { name: 'dang-nhap', url: url('/dang-nhap'), form: { ten: 'canbo', 'mat-khau': '{secret.can-bo}' }, reads: true, contains: ['Cán bộ: canbo'] },
      { name: 'tra-cuu', url: url('/tra-cuu'), query: { q: 'nguyen' }, contains: ['so-ket-qua'], take: [{ name: 'ho-so', regex: '/ho-so/(\\d+)' }] },
      { name: 'mo-ho-so', url: url('/ho-so/{ho-so}'), contains: ['Trạng thái'], depends_on: ['csdl-mot-cua'] },
    ],
  };
}

export function agentConfig(stack, agent) {
  return {
    broker: {
      ...broker(stack, agent.machine, stack.agentBrokerPort, stack.brokerHost), group: stack.group, backoff_max: stack.backoffMax,
      ...(stack.keepAlive && { keep_alive: stack.keepAlive }),
    },
    machine: { class: agent.class, site: agent.site },
    state: { directory: stack.directory('agents', agent.machine) },
    sampling: { interval: `${stack.interval}s` },
    ...(stack.probe && { probe: [{
      journey: 'mot-cua', step: 'tra-cuu', url: `${stack.urls.onestop}/tra-cuu?q=nguyen`,
      ca: stack.authority.ca, contains: 'so-ket-qua', interval: `${stack.interval}s`, timeout: '4s',
    }] }),
    ...(stack.journey && { journey: [oneStopJourney(stack)], path: { hub: 'localhost', names: ['localhost'] } }),
    ...agent.more,
  };
}

export function collectorConfig(stack) {
  return {
    collector: { id: stack.collectorId, group: stack.group },
    broker: broker(stack, stack.collectorId, stack.collectorBrokerPort),
    state: { directory: stack.directory('collector') },
    query: { listen: `127.0.0.1:${stack.ports.query}`, secret_file: stack.secretFile },
    metrics: { listen: `127.0.0.1:${stack.ports.metrics}` },
    detect: stack.detect,
    ...(stack.backfill && { backfill: stack.backfill }),
    ...(stack.remoteWrite && { remote_write: stack.remoteWrite }),
  };
}

export function serverConfig(stack) {
  return {
    server: { listen: `127.0.0.1:${stack.ports.page}` },
    collector: { url: `http://127.0.0.1:${stack.ports.query}`, secret_file: stack.secretFile },
    state: { directory: stack.directory('server') },
    sites: { file: sitesFile },
    objective: stack.objectives,
    metrics: {
      fleet_targets: [`127.0.0.1:${stack.ports.metrics}`], own_target: `127.0.0.1:${stack.ports.page}`,
    },
  };
}
