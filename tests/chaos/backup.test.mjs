// Backups while everything runs, and restoring them: also where the collector or the tool is killed in the middle.
import assert from 'node:assert/strict';
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import path from 'node:path';

import { bin, eventually, long, pause, scenarios, temporary } from './harness.mjs';

const rounds = long ? 20 : 5;

// Events enough that copying takes a while.
function fill(province, mib) {
  execFileSync('sqlite3', [province.telemetry, `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${mib * 256})
    INSERT INTO event (machine, time_ms, received_ms, kind, key, text)
    SELECT (SELECT min(id) FROM machine), ${Date.now()} + i, ${Date.now()}, 'filler', i, hex(randomblob(2000)) FROM n`]);
}

// A tool that runs beside this program: {process, ended}, where ended tells {code, signal, out, err}.
function begin(province, ...args) {
  const child = spawn(path.join(bin, 'haidang-collector'),
    [...args, '--config', path.join(province.state, 'collector', 'collector.toml')], { stdio: ['ignore', 'pipe', 'pipe'] });
  const told = { out: '', err: '' };
  child.stdout.on('data', (text) => (told.out += text));
  child.stderr.on('data', (text) => (told.err += text));
  return { process: child, ended: once(child, 'close').then(([code, signal]) => ({ code, signal, ...told })) };
}

const whole = (province, ...file) => {
  const check = province.tool('check', ...file);
  assert.match(check.stdout, /^whole: /m, `${check.stdout}${check.stderr}`);
  return Number(check.stdout.match(/batches stored +(\d+)/)[1]);
};

scenarios(3, (scenario) => {
  scenario('live', 'backups are made while data comes in, and the collector or the tool is killed meanwhile', async ({ make, between }) => {
    const province = await make({ agents: 2 }).start();
    await province.end('collector');
    fill(province, 64);
    await province.startCollector();
    const directory = temporary();
    const file = path.join(directory, 'sao lưu.db');
    const made = await begin(province, 'backup', file).ended;
    assert.equal(made.code, 0, made.err);
    assert.match(made.out, /sao lưu\.db: \d+ bytes, checked/);
    assert.ok(whole(province, file) > 0);
    assert.deepEqual(fs.readdirSync(directory), ['sao lưu.db'], 'one file, also after it was read');
    assert.equal(fs.statSync(file).mode & 0o137, 0);

    const again = await begin(province, 'backup', file).ended;
    assert.equal(again.code, 3);
    assert.match(again.err, /--force/);
    const running = await begin(province, 'restore', file).ended;
    assert.equal(running.code, 3);
    assert.match(running.err, /stop it first/);
    assert.match((await begin(province, 'export', '--csv').ended).err, /backup FILE/);

    // The tool is killed: the collector ends what it began.
    const second = path.join(directory, 'second.db');
    const orphan = begin(province, 'backup', second);
    await eventually('the backup began', () => fs.existsSync(`${second}.part`) || fs.existsSync(second), { timeout: 20000 });
    orphan.process.kill('SIGKILL');
    await orphan.ended;
    await eventually('the collector ended it', () => fs.existsSync(second), { timeout: 60000 });
    assert.ok(whole(province, second) > 0);

    // The collector is killed: what is there was there before, or is whole.
    const third = path.join(directory, 'third.db');
    for (let i = 0; i < rounds; ++i) {
      const tool = begin(province, 'backup', '--force', third);
      await pause(between(20, 400));
      const orderly = i % 2 === 1;  // stopped, it gives the backup up, or has just made it
      await province[orderly ? 'end' : 'kill']('collector');
      const told = await tool.ended;
      assert.ok(told.code === 0 || told.code === 3, told.err);
      if (told.code === 0) assert.ok(fs.existsSync(third));
      if (orderly) assert.ok(!fs.existsSync(`${third}.part`), 'nothing is left');
      if (fs.existsSync(third)) whole(province, third);
      await province.startCollector();
    }
    const last = await begin(province, 'backup', '--force', third).ended;
    assert.equal(last.code, 0, last.err);
    assert.deepEqual(fs.readdirSync(directory).sort(), ['sao lưu.db', 'second.db', 'third.db']);
    await province.finish();
  });

  scenario('restore', 'a backup is restored, and the tool is killed again and again before', async ({ make, between }) => {
    const province = await make({ agents: 2 }).start();
    await province.end('collector');
    fill(province, 32);
    await province.startCollector();
    const file = path.join(temporary(), 'backup.db');
    assert.equal((await begin(province, 'backup', file).ended).code, 0);
    await pause(3000);
    await province.kill('collector');  // its WAL stays
    const restored = whole(province, file);
    const before = whole(province);
    assert.ok(before > restored);
    for (let i = 0; i < rounds; ++i) {
      const tool = begin(province, 'restore', file);
      await pause(between(5, 300));
      tool.process.kill('SIGKILL');
      await tool.ended;
      assert.ok([before, restored].includes(whole(province)), 'the old store or the new one');
    }
    assert.match(province.tool('restore', province.telemetry).stderr, /is the store itself/);
    const done = province.tool('restore', file);
    assert.equal(done.status, 0, done.stderr);
    assert.match(done.stdout, /to go back, with the collector stopped:\n +haidang-collector restore .*before-restore-/);
    assert.equal(whole(province), restored);
    const aside = fs.readdirSync(path.dirname(province.telemetry)).filter((name) => /^telemetry\.db\.before-restore-[^-]*$/.test(name));
    assert.ok(aside.some((name) => whole(province, path.join(path.dirname(province.telemetry), name)) === before), 'what was there is kept');
    await province.startCollector();
    await province.finish();
  });

  scenario('full', 'a backup that finds no room, or cannot be written, is told and leaves nothing', async ({ make, t }) => {
    const province = await make({ agents: 1 }).start();
    const disk = temporary();
    if (spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'haidang-test', disk]).status !== 0) {
      t.skip('no file system can be mounted here (needs root and CAP_SYS_ADMIN)');
    } else {
      province.mounts.push(disk);
      await pause(1000);
      const full = province.tool('backup', path.join(disk, 'backup.db'));
      assert.equal(full.status, 3);
      assert.match(full.stderr, /the disk is too full: .* are needed there/);
      assert.deepEqual(fs.readdirSync(disk), []);
    }
    const nowhere = province.tool('backup', '/nonexistent/backup.db');
    assert.equal(nowhere.status, 3);
    assert.match(nowhere.stderr, /nonexistent/);
    const own = province.tool('backup', '--force', province.telemetry);
    assert.match(own.stderr, /store's own/);
    assert.equal(province.tool('backup').status, 2, 'no file named');
    // Without a collector the tool does it.
    await province.end('collector');
    const file = path.join(province.state, 'quiet.db');
    const quiet = province.tool('backup', file);
    assert.equal(quiet.status, 0, quiet.stderr);
    assert.equal(whole(province, file), whole(province));
    await province.startCollector();
    await province.finish();
  });
});
