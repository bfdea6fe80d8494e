// "Live data of every machine is on the page, in /metrics/fleet and in SQLite": the same eyes for
// ./dev demo --check and the end-to-end tests.
import { execFileSync } from 'node:child_process';

import { getText, listen, parseMetrics } from './http.mjs';
import { eventually } from './wait.mjs';

// Rows of a query on a database whose owner may be running: a short look that changes nothing.
export function sqlite(file, query) {
  const args = ['-readonly', '-json', '-cmd', '.timeout 2000', file, query];
  const out = execFileSync('sqlite3', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  return out.trim() ? JSON.parse(out) : [];
}

// What a machine lacks of being live on the page; '' where nothing.
function missing(machine, agent) {
  if (!machine) return 'not listed';
  if (machine.state !== 'online') return `state ${machine.state}`;
  if (machine.site !== agent.site || machine.site_name !== agent.place) {
    return `place ${machine.site} "${machine.site_name}" instead of ${agent.site} "${agent.place}"`;
  }
  for (const field of ['load1', 'memory_used_ratio', 'disk_used_ratio', 'uptime_seconds']) {
    if (typeof machine[field] !== 'number') return `no ${field}`;
  }
  if (machine.probes.length === 0) return 'no probe';
  const waiting = machine.probes.find((probe) => probe.success !== true);
  return waiting ? `probe ${waiting.journey}/${waiting.step}: ${waiting.reason || 'no result yet'}` : '';
}

// The page and its stream, as a browser reads them: every machine live, and newer data coming in.
async function onPage(stack, timeout, say) {
  const page = await getText(`${stack.urls.page}/`);
  if (!/<html/i.test(page) || !page.includes('app.js')) throw new Error('the page is not what it should be');
  let newest;
  let events = 0;
  let trouble = null;
  const seen = new Map();  // machine → last_seen_ms of its first live sight
  const close = listen(`${stack.urls.page}/api/v1/stream`, ({ event, data }) => {
    if (event !== 'overview') return;
    events += 1;
    newest = JSON.parse(data);
  }, (error) => (trouble = error));
  try {
    await eventually('live data of every machine on the page', () => {
      if (trouble) throw trouble;
      const waiting = stack.agents.map((agent) => {
        const machine = newest?.machines.find((m) => m.machine === agent.machine);
        const lack = missing(machine, agent);
        if (lack) return `${agent.machine}: ${lack}`;
        if (!seen.has(agent.machine)) {
          seen.set(agent.machine, machine.last_seen_ms);
          say(`${agent.machine} is live on the page`);
        }
        return machine.last_seen_ms > seen.get(agent.machine) ? '' : `${agent.machine}: no second tick yet`;
      }).filter(Boolean);
      if (waiting.length > 0) throw new Error(waiting.join('; '));
      return true;
    }, { timeout, signal: stack.failed });
  } finally {
    close();
  }
  return stack.agents.map(({ machine: name, place }) => {
    const machine = newest.machines.find((m) => m.machine === name);
    const probe = machine.probes.find(({ step }) => step === 'tra-cuu');
    return `page: ${name} (${place}): load ${machine.load1}, memory ${Math.round(machine.memory_used_ratio * 100)} %, ` +
      `fullest disk ${Math.round(machine.disk_used_ratio * 100)} %, up ${Math.round(machine.uptime_seconds / 3600)} h, ` +
      `one-stop search ${Math.round(probe.seconds * 1000)} ms`;
  }).concat(`page: ${events} updates through /api/v1/stream`);
}

async function inMetrics(stack, timeout) {
  const wanted = ['node_load1', 'node_memory_MemAvailable_bytes', 'probe_success'];
  let samples;
  await eventually('current values of every machine in /metrics/fleet', async () => {
    samples = parseMetrics(await stack.metrics('metrics/fleet'));
    for (const agent of stack.agents) {
      for (const name of wanted) {
        const found = samples.find((s) => s.name === name && s.labels.instance === agent.machine);
        if (!found) throw new Error(`no ${name} of ${agent.machine}`);
        const { site, site_name: place, class: kind } = found.labels;
        if (site !== agent.site || place !== agent.place || kind !== agent.class) {
          throw new Error(`${name} of ${agent.machine} has site "${site}", site_name "${place}", class "${kind}"`);
        }
      }
    }
    return true;
  }, { timeout, signal: stack.failed });
  return stack.agents.map(({ machine }) => {
    const count = samples.filter((s) => s.labels.instance === machine).length;
    return `/metrics/fleet: ${machine}: ${count} series`;
  });
}

async function inStore(stack, timeout) {
  const query = 'SELECT machine.name AS machine, count(*) AS batches, max(journal.received_ms) AS newest' +
    ' FROM journal JOIN machine ON machine.id = journal.machine GROUP BY machine.name ORDER BY machine.name';
  let rows;
  await eventually('batches of every machine in SQLite', () => {
    rows = sqlite(stack.telemetry, query);
    for (const { machine } of stack.agents) {
      const row = rows.find((r) => r.machine === machine);
      if (!row) throw new Error(`no batch of ${machine}`);
      const age = Date.now() - row.newest;
      if (age > 3000 * stack.interval + 10000) throw new Error(`the newest batch of ${machine} is ${age} ms old`);
    }
    return true;
  }, { timeout, signal: stack.failed });
  return rows.map((row) => `SQLite: ${row.machine}: ${row.batches} batches, the newest ${Date.now() - row.newest} ms old`);
}

// Lines that say what was seen; throws with what is missing after `timeout` ms.
export async function liveEverywhere(stack, { timeout = 120000, progress = () => {} } = {}) {
  return [
    ...(await onPage(stack, timeout, progress)),
    ...(await inMetrics(stack, timeout)),
    ...(await inStore(stack, timeout)),
  ];
}
