// The configuration files of a small province on loopback. packaging/sample explains each key.
import fs from 'node:fs';
import { fileURLToPath } from 'node:url';

export const sitesFile = fileURLToPath(new URL('../../packaging/data/sites/quang-ninh-2tier.csv', import.meta.url));

// Strings, numbers, booleans and lists of them as TOML writes them, which for these is JSON's way.
const toml = (value) => JSON.stringify(value);

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
