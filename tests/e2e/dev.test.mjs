// ./dev refuses what it does not understand, with what is allowed, before anything is installed, built or started.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

import { bin, temporary } from './harness.mjs';

const script = fileURLToPath(new URL('../../dev', import.meta.url));
const dev = (...args) => spawnSync(script, args, { encoding: 'utf8', cwd: temporary(), timeout: 30000 });

test('--help after any command is the help, and no fault', () => {
  for (const command of ['demo', 'test', 'build', 'lint', 'fmt', 'bench', 'help']) {
    for (const option of ['--help', '-h']) {
      const { status, stdout } = dev(command, option);
      assert.equal(status, 0, `${command} ${option}`);
      assert.match(stdout, /\.\/dev demo .*\n/);
    }
  }
});

test('wrong words and options are told with what is allowed', () => {
  const file = path.join(temporary(), 'file');
  fs.writeFileSync(file, '');
  for (const [args, said] of [
    [['nope'], /no such command; allowed: demo, test/],
    [['bench', 'nope'], /no bench 'nope'; allowed: access_log agent .*wire/],
    [['bench', 'wire', 'nope'], /no bench 'nope'/],
    [['bench', '--fast'], /no bench '--fast'/],
    [['build', 'debug'], /no preset 'debug'; allowed: dev, release/],
    [['build', 'dev', 'release'], /one preset at a time/],
    [['test', 'nope'], /no group or option 'nope'; allowed: .*unit, e2e/],
    [['test', '--short'], /'--short'/],
    [['test', 'unit', 'e2e'], /one group at a time/],
    [['fmt', 'all'], /takes no words/],
    [['help', 'me'], /takes no words/],
    [['lint', '--base'], /--base needs a revision/],
    [['lint', '--base', 'no-such-revision'], /no revision 'no-such-revision'/],
    [['lint', 'server'], /no option 'server'; allowed: --all/],
    [['demo', '--state'], /--state needs a value/],
    [['demo', '--state', ''], /--state needs a value/],
    [['demo', '--state='], /--state needs a value/],
    [['demo', '--state', '/proc/x'], /\/proc\/x cannot be made or written in/],
    [['demo', '--state', file], /cannot be made or written in/],
    [['demo', '--port-base', 'x'], /whole number, not 'x'/],
    [['demo', '--nope'], /no option '--nope'; allowed: --check/],
    [['demo', 'here'], /no option 'here'/],
  ]) {
    const { status, stderr } = dev(...args);
    assert.equal(status, 2, `${args.join(' ')}: ${stderr}`);
    assert.match(stderr, said);
    assert.doesNotMatch(stderr, /Installing|Building|unbound/);
  }
});

test('the stand-in one-stop system says its version too', () => {
  for (const program of ['agent', 'collector', 'server', 'onestop']) {
    const { status, stdout } = spawnSync(path.join(bin, `haidang-${program}`), ['--version'], { encoding: 'utf8' });
    assert.equal(status, 0);
    assert.match(stdout, new RegExp(`^haidang-${program} \\d+\\.\\d+\\.\\d+`));
  }
});
