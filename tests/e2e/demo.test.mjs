// ./dev demo --check, two at once, as a stranger would run it.
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { test } from 'node:test';

import { freePort } from '../support/ports.mjs';
import { eventually } from '../support/wait.mjs';
import { bin, temporary } from './harness.mjs';

const program = fileURLToPath(new URL('../support/demo.mjs', import.meta.url));

function demo(...args) {
  const child = spawn(process.execPath, [program, '--bin', bin, '--interval', '1', ...args.map(String)]);
  const run = { child, out: '' };
  child.stdout.on('data', (text) => (run.out += text));
  child.stderr.on('data', (text) => (run.out += text));
  run.ended = new Promise((resolve) => child.once('exit', (code, signal) => resolve({ code, signal })));
  return run;
}

// Processes whose command line names the directory.
const usersOf = (directory) => fs.readdirSync('/proc').filter((pid) => /^\d+$/.test(pid)).filter((pid) => {
  try {
    return Number(pid) !== process.pid && fs.readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(directory);
  } catch {
    return false;  // gone meanwhile
  }
});

async function block() {
  // Six ports in a row; freePort claims only the first, so that the others are tried.
  for (;;) {
    const base = await freePort();
    const servers = await Promise.all([1, 2, 3, 4, 5].map((i) => new Promise((resolve) => {
      const server = net.createServer().once('error', () => resolve(null)).listen(base + i, '127.0.0.1', () => resolve(server));
    })));
    await Promise.all(servers.filter(Boolean).map((s) => new Promise((done) => s.close(done))));
    if (servers.every(Boolean)) return base;
  }
}

test('two at once see live data of all three machines, say what they saw, and leave nothing behind', async (t) => {
  const states = [temporary(), temporary()];
  const runs = [];
  for (const state of states) runs.push(demo('--check', '--state', state, '--port-base', await block()));
  for (const [i, run] of runs.entries()) {
    const { code } = await run.ended;
    t.diagnostic(run.out);
    assert.equal(code, 0, run.out);
    for (const machine of ['tien-yen-1', 'hong-gai-1', 'tinh-1']) {
      for (const where of ['page', '/metrics/fleet', 'SQLite']) assert.match(run.out, new RegExp(`${where}: ${machine}`));
    }
    assert.deepEqual(usersOf(states[i]), []);
    for (const part of ['tls', 'broker', 'collector', 'server', 'agents', 'onestop', 'log', 'secret']) {
      assert.ok(fs.existsSync(path.join(states[i], part)), `${part} as docs/demo.md says`);
    }
  }
});

test('a port that is taken is told, with what to do, and nothing is left running', async () => {
  const base = await block();
  const taken = net.createServer().listen(base + 2, '127.0.0.1');
  const state = temporary();
  const run = demo('--check', '--state', state, '--port-base', base);
  assert.equal((await run.ended).code, 1);
  assert.match(run.out, new RegExp(`port ${base + 2} .*taken.*--port-base`));
  assert.deepEqual(usersOf(state), []);
  taken.close();
});

test('Ctrl-C stops everything that was started; a second demo in the same directory is refused', async () => {
  const state = temporary();
  const base = await block();
  const run = demo('--state', state, '--port-base', base);
  await eventually('the address', () => run.out.includes(`http://127.0.0.1:${base}/`), { timeout: 60000 });
  const second = demo('--state', state, '--port-base', base + 10);
  assert.equal((await second.ended).code, 1);
  assert.match(second.out, /uses .* already/);
  run.child.kill('SIGINT');
  assert.equal((await run.ended).code, 0, run.out);
  await eventually('nothing is left', () => usersOf(state).length === 0);
});

test('Ctrl-C in the first moments leaves nothing that a later demo cannot begin with', async () => {
  const state = temporary();
  const base = await block();
  for (const delay of [60, 120, 200, 300, 450]) {
    const run = demo('--state', state, '--port-base', base);
    await new Promise((done) => setTimeout(done, delay));
    run.child.kill('SIGINT');
    await run.ended;
    await eventually('nothing is left', () => usersOf(state).length === 0);
  }
  const run = demo('--check', '--state', state, '--port-base', base);
  assert.equal((await run.ended).code, 0, run.out);
});

test('a directory that cannot be used is told', async () => {
  const run = demo('--state', '/proc/x', '--port-base', await block());
  assert.equal((await run.ended).code, 1);
  assert.match(run.out, /--state \/proc\/x cannot be used .*choose a directory/);
});

test('when it is killed, everything that it started ends with it', async () => {
  const state = temporary();
  const base = await block();
  const run = demo('--state', state, '--port-base', base);
  await eventually('the address', () => run.out.includes(`http://127.0.0.1:${base}/`), { timeout: 60000 });
  assert.ok(usersOf(state).length >= 7);
  run.child.kill('SIGKILL');
  await eventually('nothing is left', () => usersOf(state).length === 0);
});

test('a program that dies is told with its last words', async () => {
  const state = temporary();
  const base = await block();
  const run = demo('--state', state, '--port-base', base);
  await eventually('the address', () => run.out.includes(`http://127.0.0.1:${base}/`), { timeout: 60000 });
  const victim = usersOf(path.join(state, 'collector', 'collector.toml'))[0];
  process.kill(Number(victim), 'SIGKILL');
  assert.equal((await run.ended).code, 1);
  assert.match(run.out, /collector ended by itself \(SIGKILL\)/);
});

test('wrong options are refused with what is right', () => {
  for (const args of [['--port-base', '99999'], ['--interval', 'x'], ['--state', ''], ['--nonsense']]) {
    try {
      execFileSync(process.execPath, [program, '--bin', bin, ...args], { stdio: 'pipe' });
      assert.fail(`${args} was taken`);
    } catch (error) {
      assert.equal(error.status, 2);
      assert.match(String(error.stderr), /usage: \.\/dev demo/);
    }
  }
});
