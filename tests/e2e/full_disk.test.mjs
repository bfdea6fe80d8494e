// An agent whose disk is full or read-only when it starts: it goes on with what it can keep in memory, says so once,
// and writes to its file once it can.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

import { liveEverywhere } from '../support/live.mjs';
import { count, makeStack, smallDisk, sqlite, temporary } from './harness.mjs';

const stack = await makeStack();
await liveEverywhere(stack, { timeout: 60000 });
const agent = stack.agents[0];
const name = agent.machine;

// Spool ids that the store knows of this machine, with their batches.
const stored = () => sqlite(stack.telemetry, 'SELECT printf("%016x", spool.spool_id) AS id, max(number) AS last, count(*) AS rows' +
  ' FROM journal JOIN spool ON spool.id = journal.spool JOIN machine ON machine.id = spool.machine' +
  ` WHERE machine.name = '${name}' GROUP BY spool.id ORDER BY spool.id`);
const troubles = (log) => count(log, / (warning|error): /);

const mount = (...args) => assert.equal(spawnSync('mount', args).status, 0, `mount ${args.join(' ')}`);
const disks = {
  full: {
    begin: (disk) => spawnSync('dd', ['if=/dev/zero', `of=${path.join(disk, 'fill')}`, 'bs=4k']),
    end: (disk) => fs.rmSync(path.join(disk, 'fill')),
  },
  'read-only': { begin: (disk) => mount('-o', 'remount,ro', disk), end: (disk) => mount('-o', 'remount,rw', disk) },
};

for (const [state, disk] of Object.entries(disks)) for (const [what, leave] of [
  ['has no spool yet', () => {}],
  ['was killed before', async (spoolFile) => {
    const child = stack.startAgent(name);
    await stack.ready('it has a spool', () => fs.existsSync(spoolFile));
    const before = stored().length;
    await stack.ready('it has told what it reads', () => stored()[before]?.last >= 3);
    await child.kill('SIGKILL');
    await child.exit;
  }],
]) {
  test(`an agent that ${what} starts on a disk that is ${state}, and writes once it can`, async (t) => {
    const mounted = smallDisk(t);
    if (!mounted) return;
    const directory = path.join(mounted, 'state');
    if (stack.running[name].running) assert.equal((await stack.running[name].stop()).code, 0);
    const text = fs.readFileSync(agent.config, 'utf8');
    fs.writeFileSync(agent.config, text.replace(/^directory = .*$/m, `directory = ${JSON.stringify(directory)}`));
    const spoolFile = path.join(directory, 'spool.db');
    await leave(spoolFile);

    disk.begin(mounted);
    const before = stored().length;
    const said = fs.readFileSync(stack.running[name].logFile, 'utf8').length;
    const child = stack.startAgent(name);
    const log = () => child.log().slice(said);
    await stack.ready('what it reads reaches the store', () => stored()[before]?.last >= 8, 60000);
    assert.ok(child.running);
    assert.equal(count(log(), /kept in memory/), 1, log());
    assert.ok(troubles(log()) <= 2, `batches and bdSeq, each once:\n${log()}`);

    disk.end(mounted);
    await stack.ready('it says that there is room again', () => count(log(), /room again/) === 1, 90000);
    const batches = () => stored().reduce((sum, spool) => sum + spool.rows, 0);
    const then = batches();
    await stack.ready('it goes on', () => batches() >= then + 5, 60000);
    assert.equal((await child.stop()).code, 0);
    assert.deepEqual(sqlite(spoolFile, "SELECT value FROM meta WHERE key = 'in_use'"), [{ value: 0 }]);
    for (const { id, rows, last } of stored()) assert.equal(rows, last, `no batch of spool ${id} is missing`);
    assert.ok(troubles(log()) <= 2, log());
  });
}

test('an agent that starts on a disk of 192 KiB leaves no series and no batch out', async (t) => {
  const mounted = smallDisk(t, '', '192k');
  if (!mounted) return;
  // Of a copy: there is no room for what a reader of a file with a log needs.
  // By metric: file systems and network devices of other tests come and go.
  const metrics = (file) => {
    const copy = path.join(temporary(), 'spool.db');
    for (const end of ['', '-wal']) if (fs.existsSync(file + end)) fs.copyFileSync(file + end, copy + end);
    return sqlite(copy, 'SELECT DISTINCT metric FROM series').map((row) => row.metric);
  };
  if (stack.running[name].running) assert.equal((await stack.running[name].stop()).code, 0);
  const text = fs.readFileSync(agent.config, 'utf8');
  const directory = path.join(mounted, 'state');
  fs.writeFileSync(agent.config, text.replace(/^directory = .*$/m, `directory = ${JSON.stringify(directory)}`));
  const before = stored().length;
  const said = fs.readFileSync(stack.running[name].logFile, 'utf8').length;
  const child = stack.startAgent(name);
  const log = () => child.log().slice(said);
  await stack.ready('what it reads reaches the store', () => stored()[before]?.last >= 8, 60000);
  assert.equal((await child.stop()).code, 0);
  assert.equal(count(log(), /left out|lost/), 0, log());
  const own = stored()[before];
  assert.equal(own.rows, own.last, 'no batch is missing');
  const kept = new Set(metrics(path.join(directory, 'spool.db')));
  const usual = metrics(path.join(stack.state, 'agents', name, 'spool.db'));
  assert.ok(usual.length > 50, `${usual.length} metrics on a disk with room`);
  assert.deepEqual(usual.filter((one) => !kept.has(one)), [], 'no metric is missing');
});
