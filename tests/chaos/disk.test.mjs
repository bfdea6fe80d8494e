// Disks that are full or read-only, files that are damaged.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';

import { long, pause, scenarios } from './harness.mjs';

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
const fill = (directory) => spawnSync('dd', ['if=/dev/zero', `of=${path.join(directory, 'fill')}`, 'bs=4k']);
const empty = (directory) => fs.rmSync(path.join(directory, 'fill'));

// Overwrites bytes in the middle of a file.
function damage(file) {
  const fd = fs.openSync(file, 'r+');
  const { size } = fs.fstatSync(fd);
  assert.ok(size > 4096, `${file} holds something`);
  fs.writeSync(fd, Buffer.alloc(2048, 0xa5), 0, 2048, Math.floor(size / 2));
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
    });
  }

  // A power cut can leave a WAL's end behind; what was acknowledged before is on the disk.
  scenario('damaged-telemetry.db-wal', "the collector's WAL ends in rubbish", async ({ make }) => {
    const province = await make().start();
    await pause(spell);
    await province.kill('collector');
    fs.appendFileSync(`${province.telemetry}-wal`, Buffer.alloc(10000, 0x5a));
    await province.startCollector();
    await province.finish();
  });
});
