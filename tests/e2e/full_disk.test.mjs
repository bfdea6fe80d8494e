// An agent whose disk is full when it starts: it goes on with what it can keep in memory, says so once, and
// writes to its file once there is room.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

import { liveEverywhere } from '../support/live.mjs';
import { count, makeStack, smallDisk, sqlite } from './harness.mjs';

const stack = await makeStack();
await liveEverywhere(stack, { timeout: 60000 });
const agent = stack.agents[0];
const name = agent.machine;

// Spool ids that the store knows of this machine, with their batches.
const stored = () => sqlite(stack.telemetry, 'SELECT printf("%016x", spool.spool_id) AS id, max(number) AS last, count(*) AS rows' +
  ' FROM journal JOIN spool ON spool.id = journal.spool JOIN machine ON machine.id = spool.machine' +
  ` WHERE machine.name = '${name}' GROUP BY spool.id ORDER BY spool.id`);
const troubles = (log) => count(log, / (warning|error): /);

for (const [what, leave] of [
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
  test(`an agent that ${what} starts on a full disk, and writes once there is room`, async (t) => {
    const directory = smallDisk(t);
    if (!directory) return;
    if (stack.running[name].running) assert.equal((await stack.running[name].stop()).code, 0);
    const text = fs.readFileSync(agent.config, 'utf8');
    fs.writeFileSync(agent.config, text.replace(/^directory = .*$/m, `directory = ${JSON.stringify(directory)}`));
    const spoolFile = path.join(directory, 'spool.db');
    await leave(spoolFile);

    const fill = path.join(directory, 'fill');
    spawnSync('dd', ['if=/dev/zero', `of=${fill}`, 'bs=4k']);
    const before = stored().length;
    const said = fs.readFileSync(stack.running[name].logFile, 'utf8').length;
    const child = stack.startAgent(name);
    const log = () => child.log().slice(said);
    await stack.ready('what it reads reaches the store', () => stored()[before]?.last >= 8, 60000);
    assert.ok(child.running);
    assert.equal(count(log(), /kept in memory/), 1, log());
    assert.ok(troubles(log()) <= 2, `batches and bdSeq, each once:\n${log()}`);

    fs.rmSync(fill);
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
