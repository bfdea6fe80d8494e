// What every end-to-end test needs: a stack of its own that is stopped whatever happens, and a place
// for what a person may want to look at afterwards.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after } from 'node:test';

import { Stack } from '../support/stack.mjs';

export { sqlite } from '../support/live.mjs';

// Set by CTest (tests/e2e/CMakeLists.txt).
export const bin = process.env.HAIDANG_BIN;
assert.ok(bin, 'HAIDANG_BIN must name the folder of the programs: run this through ./dev test');
export const artefacts = path.resolve(bin, '..', 'artefacts');
fs.mkdirSync(artefacts, { recursive: true });

const name = path.basename(process.argv[1] ?? 'test', '.test.mjs');

// What a failed test left open must not keep this process from ending.
after(() => setTimeout(() => process.exit(), 2000).unref());

const directories = [];
process.once('exit', () => {
  for (const directory of directories) fs.rmSync(directory, { recursive: true, force: true });
});

// A directory that is removed when this process ends.
export function temporary() {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), `haidang-${name}-`));
  directories.push(directory);
  return directory;
}

// A stack that is stopped after the tests of this file; its logs are kept as artefacts. `start`: false leaves starting to the test.
export async function makeStack({ start = true, ...options } = {}) {
  const stack = new Stack({ bin, state: temporary(), ...options });
  after(async () => {
    const ended = stack.children ? await stack.stop() : {};
    const logs = path.join(stack.state, 'log');
    if (fs.existsSync(logs)) fs.cpSync(logs, path.join(artefacts, name), { recursive: true });
    for (const [program, how] of Object.entries(ended)) {
      assert.equal(how.code, 0, `${program} ended with ${how.signal ?? how.code} when it was stopped`);
    }
  });
  if (start) await stack.start();
  else await stack.prepare();
  return stack;
}

// How many lines of a log hold what the pattern says.
export const count = (text, pattern) => text.split('\n').filter((line) => pattern.test(line)).length;

// A file system of its own, of 2 MiB; nothing where mounting is not allowed here.
export function smallDisk(t, options = '', size = '2m') {
  const directory = temporary();
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${size}${options}`, 'haidang-test', directory], { encoding: 'utf8' });
  if (mounted.status !== 0) {
    t.skip('no file system can be mounted here (needs root and CAP_SYS_ADMIN)');
    return undefined;
  }
  t.after(() => spawnSync('umount', ['-l', directory]));
  return directory;
}
