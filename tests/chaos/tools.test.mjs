// haidang-collector check and export: what they say and how they end.
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';

import { bin, pause, scenarios } from './harness.mjs';

scenarios(1, (scenario) => {
  scenario('tools', 'the tools find what is wrong, and refuse what they cannot do', async ({ make }) => {
    const province = await make({ agents: 1 }).start();
    const running = province.tool('check');
    assert.equal(running.status, 3);
    assert.match(running.stderr, /uses this directory; stop it first/);
    assert.equal(province.tool('export', '--ledger').status, 3);
    await pause(3000);
    await province.finish();

    const run = (...args) => spawnSync(path.join(bin, 'haidang-collector'), args, { encoding: 'utf8' });
    assert.equal(province.tool('export').status, 2, 'no kind of export named');
    assert.equal(run('check', '--config', path.join(province.state, 'absent.toml')).status, 1);

    const sound = fs.readFileSync(province.telemetry);
    for (const [sql, words] of [
      ['DELETE FROM series WHERE id IN (SELECT id FROM series LIMIT 3)', /^FAULT aliases that mean a series which is not there: machine may-1.*\n  count  3\n  means  .*\n  do     .*/m],
      ["DELETE FROM meta WHERE key = 'store_id'", /^FAULT the store's id is gone/m],
      ['UPDATE journal SET time_ms = time_ms + 60000 WHERE id < 3', /^FAULT batches whose row says another time than they say themselves: journal row 1, .*\n  also   journal row 2, .*\n  count  2$/m],
      ['UPDATE journal SET flags = 3 WHERE id = 2', /^FAULT batches whose row says otherwise .*: journal row 2, .*instead of /m],
      ['DROP INDEX journal_by_time', /^FAULT .*: index journal_by_time is not there; it is made by: CREATE INDEX /m],
    ]) {
      execFileSync('sqlite3', [province.telemetry, sql]);
      const found = province.tool('check');
      assert.equal(found.status, 3, sql);
      assert.match(found.stdout, words);
      assert.match(found.stdout, /^faults: \d+, of 1 kinds$/m);
      if (sql.includes('FROM series')) assert.match(province.tool('export', '--ledger').stderr, /values are left out/);
      fs.writeFileSync(province.telemetry, sound);
    }
    const number = Number(execFileSync('sqlite3', [province.telemetry, 'SELECT min(id) + 1 FROM journal'], { encoding: 'utf8' }));
    const exported = fs.readFileSync(await province.export(), 'utf8').split('\n').length;
    execFileSync('sqlite3', [province.telemetry, `DELETE FROM journal WHERE id = ${number}`]);
    const missing = province.tool('check');
    assert.equal(missing.status, 3);
    assert.match(missing.stdout, /^FAULT .*neither stored nor told as a gap: machine may-1, batches (\d+) to \1$/m);
    assert.ok(fs.readFileSync(await province.export(), 'utf8').split('\n').length < exported);

    fs.writeFileSync(province.telemetry, 'no database');
    for (const suffix of ['-wal', '-shm']) fs.rmSync(province.telemetry + suffix, { force: true });
    const rubbish = province.tool('check');
    assert.equal(rubbish.status, 3);
    assert.match(rubbish.stderr, /telemetry\.db/);
  });
});
