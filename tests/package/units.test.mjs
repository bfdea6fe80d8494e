// The units: sandboxed as systemd measures it, with a notify type, a watchdog, caps and an orderly stop.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const folder = fileURLToPath(new URL('../../packaging/systemd', import.meta.url));
const units = fs.readdirSync(folder).filter((name) => name.endsWith('.service'));

test('there is one for each program, and the nightly backup', () => {
  assert.deepEqual(units.sort(), ['haidang-agent.service', 'haidang-backup.service', 'haidang-collector.service', 'haidang-server.service']);
  assert.match(fs.readFileSync(path.join(folder, 'haidang-backup.timer'), 'utf8'), /^OnCalendar=02:30$/m);
});

for (const unit of units) {
  test(`${unit} is exposed 2.5 at most`, (t) => {
    const told = spawnSync('systemd-analyze', ['security', '--offline=true', '--threshold=25', path.join(folder, unit)], { encoding: 'utf8' });
    assert.equal(told.error, undefined);
    assert.equal(told.status, 0, told.stdout + told.stderr);
    const [, level] = told.stdout.match(/Overall exposure level for \S+: ([\d.]+)/);
    t.diagnostic(`exposure ${level}`);
    assert.ok(Number(level) <= 2.5);
  });

  if (unit === 'haidang-backup.service') continue;  // ends by itself
  test(`${unit} says how it starts, lives, ends and what it may take`, () => {
    const lines = fs.readFileSync(path.join(folder, unit), 'utf8').split('\n');
    const value = (key) => lines.find((line) => line.startsWith(`${key}=`))?.slice(key.length + 1);
    const program = path.basename(unit, '.service');
    assert.equal(value('Type'), 'notify');
    assert.equal(value('ExecStart'), `/usr/bin/${program}`);
    assert.equal(value('User'), program);
    assert.equal(value('StateDirectory'), program);
    assert.equal(value('Restart'), 'on-failure');
    for (const key of ['WatchdogSec', 'TimeoutStopSec', 'MemoryHigh', 'MemoryMax', 'CPUQuota', 'TasksMax']) assert.match(value(key) ?? '', /^\d/, key);
  });
}
