// Each program tells the service manager that it is ready when it is, that it lives while it does, and that it stops.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import path from 'node:path';
import readline from 'node:readline';
import { after, test } from 'node:test';

import { getText } from '../support/http.mjs';
import { eventually } from '../support/wait.mjs';
import { bin, makeStack, temporary } from './harness.mjs';

const directory = temporary();
const programs = ['collector', 'server', 'hong-gai-1'];
const ears = Object.fromEntries(programs.map((name) => [name, { socket: path.join(directory, name), heard: [] }]));
for (const ear of Object.values(ears)) {
  const program = spawn(path.join(bin, 'haidang-notify-ear'), [ear.socket], { stdio: ['pipe', 'pipe', 'inherit'] });
  after(() => program.stdin.end());
  readline.createInterface({ input: program.stdout }).on('line', (line) => ear.heard.push(JSON.parse(line)));
}
const stack = await makeStack({
  start: false, agents: [{ machine: 'hong-gai-1', site: '06685', place: 'Phường Hồng Gai', class: 'server' }],
  run: (name) => (ears[name] ? { env: { NOTIFY_SOCKET: ears[name].socket, WATCHDOG_USEC: '2000000' } } : {}),
});
await eventually('ears are open', () => Object.values(ears).every(({ heard }) => heard.length > 0));
for (const ear of Object.values(ears)) ear.heard.length = 0;
await stack.start();
const said = (name, message) => ears[name].heard.filter((one) => one === message).length;

test('ready, once, and first', async () => {
  for (const name of programs) {
    await stack.ready(`${name} is ready`, () => ears[name].heard.length > 0);
    assert.equal(ears[name].heard[0], 'READY=1\nSTATUS=\nWATCHDOG=1', name);
    assert.equal(said(name, ears[name].heard[0]), 1, name);
  }
});

test('what is ready answers', async () => {
  await getText(`${stack.urls.metrics}/metrics`);
  await getText(`${stack.urls.page}/healthz`);
});

test('each lives, and says so twice in the watchdog\'s time', async () => {
  const before = programs.map((name) => said(name, 'WATCHDOG=1'));
  const begun = Date.now();
  await stack.ready('five more of each', () => programs.every((name, i) => said(name, 'WATCHDOG=1') >= before[i] + 5));
  assert.ok(Date.now() - begun > 3000, 'one a second, not more');
});

test('a program whose loop stands still says nothing more', async () => {
  const { pid } = stack.running['hong-gai-1'];
  process.kill(pid, 'SIGSTOP');
  const then = said('hong-gai-1', 'WATCHDOG=1');
  const others = said('collector', 'WATCHDOG=1');
  await stack.ready('the collector lives on', () => said('collector', 'WATCHDOG=1') >= others + 3);
  assert.ok(said('hong-gai-1', 'WATCHDOG=1') <= then + 1);
  process.kill(pid, 'SIGCONT');
  await stack.ready('it goes on', () => said('hong-gai-1', 'WATCHDOG=1') > then + 1);
});

test('each says that it stops, once', async () => {
  const ended = await stack.stop();
  for (const name of programs) {
    assert.equal(ended[name].code, 0, name);
    await eventually(`${name} said so`, () => said(name, 'STOPPING=1') === 1);
  }
});
