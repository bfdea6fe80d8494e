// The comparison finds what was planted.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';

import { compare } from './compare.mjs';

const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'haidang-compare-'));
after(() => fs.rmSync(directory, { recursive: true, force: true }));

const write = (name, lines) => {
  const file = path.join(directory, name);
  fs.writeFileSync(file, lines.map((line) => `${line}\n`).join(''));
  return file;
};
const line = (machine, series, ts, value) => JSON.stringify({ machine, series, ts_ms: ts, value });

const first = [
  line('a', 'load', 1000, 0.5), line('a', 'load', 2000, 0.5), line('a', 'load', 12000, null),
  line('a', 'disk{mountpoint="/dữ liệu, \\"value\\":1"}', 1000, 7), line('a', 'name', 1000, 'x,"value":3'),
  line('a', 'dup', 1000, null), line('a', 'dup', 1000, 3),  // a series that changed its datatype in one batch
];
const second = [line('b', 'load', 1000, 'NaN'), line('b', '😀', 1000, 2), line('b', 'ﬃ', 1000, 2)];
const ledgers = [write('a', first), write('b', second)];
const all = [...first, ...second];

const counts = async (stored) => {
  const { samples, lost, doubled, altered } = await compare(write('export', stored), ledgers);
  assert.equal(samples, all.length);
  return { lost, doubled, altered };
};

test('the same in another order is the same', async () => {
  assert.deepEqual(await counts([...all].reverse()), { lost: 0, doubled: 0, altered: 0 });
});
test('each single sample that is missing is found', async () => {
  for (const gone of all) {
    assert.deepEqual(await counts(all.filter((l) => l !== gone)), { lost: 1, doubled: 0, altered: 0 }, gone);
  }
});
test('each single sample that stands twice is found', async () => {
  for (const twice of all) {
    assert.deepEqual(await counts([twice, ...all]), { lost: 0, doubled: 1, altered: 0 }, twice);
  }
});
test('each single sample with another value is found', async () => {
  for (const [i] of all.entries()) {
    const other = all.map((l, j) => (i === j ? JSON.stringify({ ...JSON.parse(l), value: 99 }) : l));
    assert.deepEqual(await counts(other), { lost: 0, doubled: 0, altered: 1 }, all[i]);
  }
});
test('another time is a loss, and what nobody read', async () => {
  const other = [line('a', 'load', 1001, 0.5), ...all.slice(1)];
  assert.deepEqual(await counts(other), { lost: 1, doubled: 0, altered: 1 });
});
test('what is lost is told by its machine and times', async () => {
  const { lostOf } = await compare(write('export', all.filter((l) => !l.includes('"series":"load"'))), ledgers);
  assert.deepEqual(lostOf, new Map([['a', [1000, 12000]], ['b', [1000, 1000]]]));
});
test('a sample of a machine that nobody has is found', async () => {
  assert.deepEqual(await counts([...all, line('c', 'load', 1, 1)]), { lost: 0, doubled: 0, altered: 1 });
});
test('an empty store has lost everything', async () => {
  assert.deepEqual(await counts([]), { lost: all.length, doubled: 0, altered: 0 });
});
test('what is no ledger is refused', async () => {
  await assert.rejects(counts(['{"machine":"a"}']), /no line of a ledger/);
});

test('the program says it in one line and in its exit code', () => {
  const program = fileURLToPath(new URL('compare.mjs', import.meta.url));
  const run = (stored) => spawnSync(process.execPath, [program, write('export', stored), ...ledgers], { encoding: 'utf8' });
  const same = run(all);
  assert.equal(same.stdout, 'ledger: 10 samples, 0 lost, 0 doubled, 0 altered\n');
  assert.equal(same.status, 0);
  const other = run([all[0], ...all.slice(0, -1)]);
  assert.match(other.stdout, /\nledger: 10 samples, 1 lost, 1 doubled, 0 altered\n$/);
  assert.equal(other.status, 1);
});
