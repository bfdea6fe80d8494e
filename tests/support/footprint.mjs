// What processes cost on this machine, as the kernel counts it.
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';

const read = (file) => {
  try {
    return fs.readFileSync(file, 'utf8');
  } catch {
    return '';  // it ended meanwhile
  }
};
const number = (text, key) => Number(new RegExp(`^${key}:\\s+(\\d+)`, 'm').exec(text)?.[1] ?? 0);

// The process and all that descend from it, now.
export function family(pid) {
  const children = new Map();
  for (const entry of fs.readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    const parent = Number(read(`/proc/${entry}/stat`).replace(/^.*\) \S /s, '').split(' ')[0]);
    children.set(parent, [...(children.get(parent) ?? []), Number(entry)]);
  }
  const all = [pid];
  for (let i = 0; i < all.length; ++i) all.push(...(children.get(all[i]) ?? []));
  return all;
}

// One process: MiB of memory, seconds of CPU (threads that ended included, and children that were waited for), context
// switches of its threads, bytes written to a disk.
function one(bin, pid) {
  const rollup = read(`/proc/${pid}/smaps_rollup`);
  if (rollup === '') return undefined;
  let cpu = 0;
  try {
    cpu = Number(execFileSync(path.join(bin, 'haidang-cputime'), [String(pid)], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }));
  } catch {
    return undefined;
  }
  const [waitedUser, waitedSystem] = read(`/proc/${pid}/stat`).replace(/^.*\) /s, '').split(' ').slice(13, 15).map(Number);
  let switches = 0;
  for (const task of fs.existsSync(`/proc/${pid}/task`) ? fs.readdirSync(`/proc/${pid}/task`) : []) {
    const status = read(`/proc/${pid}/task/${task}/status`);
    switches += number(status, 'voluntary_ctxt_switches') + number(status, 'nonvoluntary_ctxt_switches');
  }
  return {
    rss: number(rollup, 'Rss') / 1024, anonymous: number(rollup, 'Anonymous') / 1024, pss: number(rollup, 'Pss') / 1024,
    cpu: cpu + (waitedUser + waitedSystem) / 100, switches, written: number(read(`/proc/${pid}/io`), 'write_bytes'),
  };
}

// The sum over a process and its descendants. What a child used that ended counts once its parent has waited for it.
export function footprint(bin, pid) {
  const sum = { rss: 0, anonymous: 0, pss: 0, cpu: 0, switches: 0, written: 0, processes: 0 };
  for (const member of family(pid)) {
    const its = one(bin, member);
    if (!its) continue;
    ++sum.processes;
    for (const key of Object.keys(its)) sum[key] += its[key];
  }
  return sum;
}
