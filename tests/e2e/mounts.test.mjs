// Real mounts, each agent in a mount namespace of its own: ten thousand file systems, and one that never answers (FUSE,
// whose other end nobody reads). Agents go on with all else. Skipped where nothing can be mounted.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

import { parseMetrics } from '../support/http.mjs';
import { makeStack, temporary } from './harness.mjs';

const thousands = { machine: 'van-dia', site: '22', place: '', class: 'server' };
const hung = { machine: 'dia-treo', site: '22', place: '', class: 'server' };
const mounts = 10000;

// What a shell does in the new namespace before it becomes the agent. Without /proc/1 the agent reads its own mount table.
const own = 'mount --make-rprivate / && mount -t tmpfs none /proc/1';
const table = path.join(temporary(), 'fstab');
const points = temporary();
const silent = temporary();
fs.writeFileSync(table, Array.from({ length: mounts }, (_, i) => `volume-${i} ${points}/${i} tmpfs size=4k 0 0\n`).join(''));
const setUp = {
  [thousands.machine]: `${own} && mount -t tmpfs -o size=64m,nr_inodes=20k volumes '${points}' && ` +
    `(cd '${points}' && seq 0 ${mounts - 1} | xargs mkdir) && mount -a -T '${table}'`,
  [hung.machine]: `${own} && exec 9<>/dev/fuse && mount -i -t fuse.hung -o fd=9,rootmode=40000,user_id=0,group_id=0 hung '${silent}'`,
};
const inNamespace = (commands) => ['unshare', '--mount', 'sh', '-c', `${commands} && exec "$@"`, 'sh'];
const [command, ...rest] = inNamespace(setUp[hung.machine]);
const tried = spawnSync(command, [...rest, 'true'], { encoding: 'utf8' });
const skip = tried.status === 0 ? false : `nothing can be mounted here: ${tried.error?.message ?? tried.stderr.trim()}`;

const stack = skip ? undefined : await makeStack({
  start: false, probe: false, agents: [thousands, hung],
  run: (name) => (setUp[name] ? { before: inNamespace(setUp[name]) } : {}),
});
const values = async (machine, name) => parseMetrics(await stack.metrics('metrics/fleet'))
  .filter((one) => one.labels.instance === machine && one.name === name);
const one = async (machine, name) => (await values(machine, name))[0]?.value;

test('both agents run', { skip, timeout: 120000 }, async () => {
  await stack.startBroker();
  await stack.startCollector();
  for (const { machine } of stack.agents) stack.startAgent(machine);
  await stack.ready('data of both', async () => {
    const found = await Promise.all(stack.agents.map(({ machine }) => values(machine, 'node_filesystem_device_error')));
    return found.every((each) => each.length > 0);
  }, 90000);
});

test('of ten thousand file systems the first 256 are told, and that there are more', { skip }, async (t) => {
  const { machine } = thousands;
  assert.equal((await values(machine, 'node_filesystem_size_bytes')).length, 256);
  assert.match(stack.running[machine].log(), /of 100\d\d mounted file systems only the first 256 are read/);
  const cpu = await one(machine, 'process_cpu_seconds_total');
  const before = await one(machine, 'node_time_seconds');
  await stack.ready('ten more seconds', async () => await one(machine, 'node_time_seconds') >= before + 10);
  const each = ((await one(machine, 'process_cpu_seconds_total')) - cpu) / ((await one(machine, 'node_time_seconds')) - before);
  const memory = (await one(machine, 'process_resident_memory_bytes')) / 2 ** 20;
  t.diagnostic(`a tick of all sources: ${(1000 * each).toFixed(1)} ms of CPU; resident ${memory.toFixed(1)} MiB`);
  assert.ok(each < 0.5, `${each} s of CPU a tick`);
  assert.ok(memory < 64, `${memory} MiB`);
});

test('a file system that never answers keeps one thread and is told; all else goes on', { skip }, async () => {
  const { machine } = hung;
  const errors = await values(machine, 'node_filesystem_device_error');
  assert.deepEqual(errors.filter((v) => v.value !== 0).map((v) => v.labels.mountpoint), [silent]);
  assert.ok((await values(machine, 'node_filesystem_size_bytes')).some((v) => v.labels.mountpoint === '/'));
  const before = await one(machine, 'node_time_seconds');
  await stack.ready('ten more ticks', async () => await one(machine, 'node_time_seconds') >= before + 10);
  const failed = (await values(machine, 'node_scrape_collector_success')).filter((v) => v.value === 0);
  assert.deepEqual(failed.map((v) => v.labels.collector), []);
  const tasks = `/proc/${stack.running[machine].pid}/task`;
  const waiting = fs.readdirSync(tasks).filter((task) => /fuse|request_wait/.test(fs.readFileSync(`${tasks}/${task}/wchan`, 'utf8')));
  assert.equal(waiting.length, 1, 'threads that wait for it');
});

test('both end in an orderly way', { skip }, async () => {
  const ended = await stack.stop();
  for (const { machine } of stack.agents) assert.deepEqual([ended[machine].code, ended[machine].ms < 8000], [0, true], machine);
});
