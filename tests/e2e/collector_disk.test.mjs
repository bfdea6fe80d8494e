// A collector whose disk fills: it goes on, says so once, the page and the API say since when, and all
// that was read meanwhile is stored once there is room.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

import { count, makeStack, smallDisk, sqlite } from './harness.mjs';

const stack = await makeStack();

test('nothing is lost by a full disk, and nothing looks as if all were well', async (t) => {
  const directory = smallDisk(t);
  if (!directory) return;
  const config = path.join(stack.state, 'collector', 'collector.toml');
  const text = fs.readFileSync(config, 'utf8');
  fs.writeFileSync(config, text.replace(/^directory = .*$/m, `directory = ${JSON.stringify(directory)}`));
  assert.equal((await stack.running.collector.stop()).code, 0);
  await stack.startCollector();
  await stack.ready('values are on the page', async () =>
    (await stack.overview()).machines.filter((machine) => machine.load1 !== null).length === stack.agents.length, 60000);
  assert.equal((await stack.overview()).collector.not_stored_since_ms, null);

  const fill = path.join(directory, 'fill');
  spawnSync('dd', ['if=/dev/zero', `of=${fill}`, 'bs=4k']);
  await stack.ready('the API says that nothing is stored', async () =>
    (await stack.overview()).collector.not_stored_since_ms > 0, 60000);
  const full = await stack.overview();
  assert.ok(full.machines.every((machine) => machine.load1 === null), 'no value looks fresh');
  await new Promise((resolve) => setTimeout(resolve, 5000));
  const log = () => stack.running.collector.log();
  assert.equal(count(log(), /nothing can be stored/), 1, log());
  assert.equal((await stack.overview()).collector.not_stored_since_ms, full.collector.not_stored_since_ms);

  fs.rmSync(fill);
  await stack.ready('values are back', async () => {
    const { collector, machines } = await stack.overview();
    return collector.not_stored_since_ms === null && machines.every((machine) => machine.load1 !== null);
  }, 60000);
  assert.equal(count(log(), /is stored again/), 1, log());
  const numbers = () => sqlite(path.join(directory, 'telemetry.db'),
    'SELECT spool, count(*) AS rows, max(number) AS last FROM journal GROUP BY spool');
  await stack.ready('no batch is missing', () => numbers().every(({ rows, last }) => rows === last), 120000);
});
