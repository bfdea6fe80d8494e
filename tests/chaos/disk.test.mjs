// Disks that are full or read-only, files that are damaged.
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';

import { eventually, long, pause, scenarios } from './harness.mjs';

const spell = (long ? 60 : 8) * 1000;

// Puts a small file system where a program of a prepared province keeps its files; '' where that is not allowed.
function giveSmallDisk(province, t, program, size) {
  const directory = program === 'collector' ? path.dirname(province.telemetry) : province.agentDirectory(program);
  const config = path.join(directory, fs.readdirSync(directory).find((file) => file.endsWith('.toml')));
  const text = fs.readFileSync(config);
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${size}`, 'haidang-chaos', directory], { encoding: 'utf8' });
  if (mounted.status !== 0) {
    t.skip('no file system can be mounted here (needs root and CAP_SYS_ADMIN)');
    return '';
  }
  province.mounts.push(directory);
  fs.writeFileSync(config, text);
  return directory;
}
const remount = (directory, how) => assert.equal(spawnSync('mount', ['-o', `remount,${how}`, directory]).status, 0);
function fill(directory) {
  spawnSync('dd', ['if=/dev/zero', `of=${path.join(directory, 'fill')}`, 'bs=4k']);
  assert.equal(fs.statfsSync(directory).bavail, 0);
}
const empty = (directory) => fs.rmSync(path.join(directory, 'fill'));
function assertReadOnly(directory) {
  assert.throws(() => fs.writeFileSync(path.join(directory, 'probe'), 'x'), { code: 'EROFS' });
}

// As giveSmallDisk, but an ext4 that turns read-only by itself when it finds an error, whatever is open on it:
// {directory, fail(), mend()}.
function giveFailingDisk(province, t, program) {
  const [image, where] = ['image', 'mounted'].map((name) => path.join(province.state, name));
  fs.writeFileSync(image, '');
  fs.truncateSync(image, 64 << 20);
  fs.mkdirSync(where);
  const mount = () => spawnSync('mount', ['-o', 'loop,errors=remount-ro', image, where]).status === 0;
  const made = spawnSync('mkfs.ext4', ['-q', '-F', image]).status === 0 && mount();
  if (made) province.mounts.push(where);
  const device = () => path.basename(spawnSync('findmnt', ['-no', 'SOURCE', where], { encoding: 'utf8' }).stdout.trim());
  const trigger = () => `/sys/fs/ext4/${device()}/trigger_fs_error`;
  if (!made || !fs.existsSync(trigger())) {
    t.skip('no ext4 can be mounted here, or made to fail (needs root, CAP_SYS_ADMIN and loop devices)');
    return undefined;
  }
  const own = program === 'collector' ? path.dirname(province.telemetry) : province.agentDirectory(program);
  fs.cpSync(own, where, { recursive: true });
  fs.rmSync(own, { recursive: true });
  fs.symlinkSync(where, own);
  return {
    fail: () => {
      fs.writeFileSync(trigger(), '1');
      assertReadOnly(where);
    },
    mend: () => {  // as a start of the machine does
      assert.equal(spawnSync('umount', [where]).status, 0);
      assert.ok(spawnSync('e2fsck', ['-fy', image]).status <= 1);
      assert.ok(mount());
    },
  };
}

const log = (province, program) => fs.readFileSync(path.join(province.state, 'log', `${program}.log`), 'utf8');

// Overwrites the middle half of a file.
function damage(file) {
  const fd = fs.openSync(file, 'r+');
  const { size } = fs.fstatSync(fd);
  assert.ok(size > 4096, `${file} holds something`);
  const bytes = Buffer.alloc(Math.floor(size / 2), 0xa5);
  fs.writeSync(fd, bytes, 0, bytes.length, Math.floor(size / 4));
  fs.closeSync(fd);
}

scenarios(4, (scenario) => {
  for (const [program, whose, size] of [['may-1', "an agent's", '2m'], ['collector', "the collector's", '16m']]) {
    scenario(`full-${program}`, `${whose} disk is full for a while`, async ({ make, t }) => {
      const province = await make({ agents: 2 }).prepare();
      const directory = giveSmallDisk(province, t, program, size);
      if (!directory) return;
      await province.start();
      fill(directory);
      if (program !== 'collector') await province.end('broker');  // so that much must wait
      await pause(spell);
      await eventually('it says so', () => /disk is full/.test(log(province, program)));
      empty(directory);
      if (program !== 'collector') await province.startBroker();
      await province.finish();
    });

    scenario(`read-only-${program}`, `${whose} disk is read-only after a crash`, async ({ make, t }) => {
      const province = await make({ agents: 2 }).prepare();
      const directory = giveSmallDisk(province, t, program, size);
      if (!directory) return;
      await province.start();
      await province.kill(program);  // a file that is open for writing keeps a file system writable
      remount(directory, 'ro');
      assertReadOnly(directory);
      const child = program === 'collector' ? province.launchCollector() : province.startAgent(program);
      child.expected = true;  // to end
      await pause(3000);
      if (child.running) await province.kill(program);
      else assert.ok([1, 3].includes(child.ended.code), `it ended with ${JSON.stringify(child.ended)}: ${child.lastWords()}`);
      remount(directory, 'rw');
      await province.startNamed(program);
      await province.finish();
    });
  }

  scenario('read-only-live-agent', "an agent's disk turns read-only under it", async ({ make, t }) => {
    const province = await make({ agents: 2 }).prepare();
    const disk = giveFailingDisk(province, t, 'may-1');
    if (!disk) return;
    await province.start();
    await province.end('broker');
    disk.fail();
    await pause(spell);
    await province.startBroker();
    await province.drained(undefined, ['may-1'], 0);  // what waits in memory goes with the process
    province.assertWaited(0.8 * spell);
    await province.end('may-1');
    disk.mend();
    province.startAgent('may-1');
    await province.finish();
  });

  scenario('read-only-live-collector', "the collector's disk turns read-only under it", async ({ make, t }) => {
    const province = await make({ agents: 2 }).prepare();
    const disk = giveFailingDisk(province, t, 'collector');
    if (!disk) return;
    await province.start();
    disk.fail();
    await pause(1000);  // a commit that had written all of its pages by then may still end
    const before = province.stored();
    await pause(spell);
    assert.deepEqual(province.stored(), before, 'nothing was stored on a disk that is read-only');
    await province.kill('collector');
    disk.mend();
    await province.startCollector();
    await province.drained();
    province.assertWaited(0.8 * spell);
    await province.finish();
  });

  // What an agent's damaged spool held is told as a gap; here the collector has it.
  for (const file of ['spool.db', 'spool.db-wal']) {
    scenario(`damaged-${file}`, `an agent's ${file} is damaged`, async ({ make }) => {
      const province = await make({ agents: 2 }).start();
      const { machine } = province.agents[0];
      await pause(spell);
      await province.drained();
      await province.flowing();  // and its next reading is most of a second away
      if (file.endsWith('-wal')) await province.kill(machine);
      else await province.end(machine);  // which puts all into spool.db
      damage(path.join(province.agentDirectory(machine), file));
      province.startAgent(machine);
      await province.finish();
      if (!file.endsWith('-wal')) assert.match(log(province, machine), /it was moved to|is damaged, and given up/);
    });
  }

  // Nobody else has what waits in a spool: what the damage took is told as a gap, and nothing else is missing.
  scenario('damaged-waiting', "an agent's spool.db is damaged while batches wait in it", async ({ make }) => {
    const province = await make({ agents: 2 }).start();
    const { machine } = province.agents[0];
    await province.end('broker');
    await pause(spell);
    await province.end(machine);
    damage(path.join(province.agentDirectory(machine), 'spool.db'));
    province.startAgent(machine);
    await province.startBroker();
    const gaps = () => province.query("SELECT from_ms, to_ms FROM hole JOIN machine ON machine.id = hole.machine" +
      ` WHERE machine.name = '${machine}' AND reason = 'corrupt' AND lost > 0`);
    const result = await province.stopAndCompare(({ lostOf }) => {
      const [first, last] = lostOf.get(machine) ?? [];
      return lostOf.size === 1 && gaps().some((gap) => gap.from_ms <= first && last <= gap.to_ms);
    });
    const [first, last] = result.lostOf.get(machine) ?? assert.fail('the damage took nothing');
    assert.deepEqual([result.doubled, result.altered, result.lostOf.size], [0, 0, 1]);
    assert.ok(gaps().some((gap) => gap.from_ms <= first && last <= gap.to_ms), JSON.stringify({ first, last, gaps: gaps() }));
    assert.match(log(province, machine), /it was moved to|is damaged, and given up/);
    assert.equal(province.tool('check').status, 0);
    province.say(`the damage took ${result.lost} of ${result.samples} samples, which are told as a gap`);
  });

  // A power cut can leave a WAL's end behind; what was acknowledged before is on the disk.
  scenario('damaged-telemetry.db-wal', "the collector's WAL ends in rubbish", async ({ make }) => {
    const province = await make().start();
    await pause(spell);
    await province.kill('collector');
    fs.appendFileSync(`${province.telemetry}-wal`, Buffer.alloc(10000, 0x5a));
    await province.startCollector();
    await province.finish();
  });

  // A disk that lost what it had confirmed: agents have it still.
  scenario('damaged-wal-middle', "the collector's WAL is damaged in the middle", async ({ make }) => {
    const province = await make().start();
    await pause(spell);
    await province.kill('collector');
    const wal = `${province.telemetry}-wal`;
    const newest = () => {  // of a copy: reading recovers the file
      const copy = path.join(province.state, 'copy.db');
      for (const suffix of ['', '-wal', '-shm']) fs.rmSync(copy + suffix, { force: true });
      fs.copyFileSync(province.telemetry, copy);
      fs.copyFileSync(wal, `${copy}-wal`);
      return Number(execFileSync('sqlite3', [copy, 'SELECT max(id) FROM journal'], { encoding: 'utf8' }));
    };
    const before = newest();
    damage(wal);
    assert.ok(newest() < before, 'batches that had been acknowledged are gone');
    await province.startCollector();
    await province.finish();
  });
});
