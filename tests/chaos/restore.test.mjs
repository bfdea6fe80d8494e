// Files that are older than what they are used with: the collector's store from a backup, the agent's
// directory from a snapshot, none at all, somebody else's.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';

import { writeToml, agentConfig } from '../support/configs.mjs';
import { long, pause, scenarios, sqlite } from './harness.mjs';

const hour = (long ? 120 : 8) * 1000;  // as it were

function replace(directory, by) {
  fs.rmSync(directory, { recursive: true, force: true });
  if (by) fs.cpSync(by, directory, { recursive: true });
}

function restoreStore(store, backup) {
  const files = (directory) => fs.readdirSync(directory).filter((file) => file.startsWith('telemetry.db'));
  for (const file of files(store)) fs.rmSync(path.join(store, file));
  for (const file of files(backup)) fs.copyFileSync(path.join(backup, file), path.join(store, file));
}

// What lies in an agent's directory at one moment, its configuration beside it.
async function snapshot(province, machine, to) {
  const child = province.running[machine];
  if (child?.running) child.process.kill('SIGSTOP');
  fs.cpSync(province.agentDirectory(machine), to, { recursive: true });
  if (child?.running) child.process.kill('SIGCONT');
}

// Ends an agent once all that it has read is on its way or stored.
async function endDrained(province, machine) {
  await province.drained();
  await province.end(machine);
  await province.ready('its goodbye came', async () => (await province.states())[machine] === 'stopped');
}

scenarios(4, (scenario) => {
  for (const restarted of [false, true]) {
    const which = restarted ? 'backup-restarted' : 'backup';
    scenario(which, `the collector is restored from a backup${restarted ? '; agents were started anew meanwhile' : ''}`, async ({ make }) => {
      const province = await make().start();
      const store = path.dirname(province.telemetry);
      const backup = path.join(province.state, 'backup');
      await pause(3000);
      await province.end('collector');
      fs.cpSync(store, backup, { recursive: true });
      await province.startCollector();
      await pause(hour);
      if (restarted) {
        for (const { machine } of province.agents) {
          await province.end(machine);
          province.startAgent(machine);
        }
        await province.drained();
      }
      await province.end('collector');
      restoreStore(store, backup);
      await province.startCollector();
      await province.finish();
    });
  }

  // What agents no longer keep is gone with the newer store. Each batch of it is told as a gap, and nothing else is.
  scenario('backup-old', 'the collector is restored from a backup that is older than what agents keep', async ({ make }) => {
    const province = await make({ agents: 2 }).start();
    const store = path.dirname(province.telemetry);
    const backup = path.join(province.state, 'backup');
    const restartAgents = async (between = () => {}) => {
      await province.drained();
      for (const { machine } of province.agents) {
        await province.end(machine);
        between(path.join(province.agentDirectory(machine), 'spool.db'));
        province.startAgent(machine);
      }
      await pause(hour / 2);
    };
    await pause(3000);
    await province.end('collector');
    fs.cpSync(store, backup, { recursive: true });
    await province.startCollector();
    await restartAgents();
    await restartAgents();
    // An agent counts the time that it runs in its file: 49 hours more than its 48 have passed.
    await restartAgents((spool) => {
      execFileSync('sqlite3', [spool, `UPDATE meta SET value = value + ${49 * 3600e3} WHERE key = 'age_ms'`]);
    });
    await province.drained();
    for (const { machine } of province.agents) {
      await province.end(machine);
      const ended = sqlite(path.join(province.agentDirectory(machine), 'spool.db'), 'SELECT next FROM ended');
      assert.ok(ended.length >= 3, `${machine} holds nothing of ${ended.length} spool ids`);
    }
    await province.end('collector');
    const newer = path.join(province.state, 'newer.db');
    fs.copyFileSync(province.telemetry, newer);
    restoreStore(store, backup);
    await province.startCollector();
    for (const { machine } of province.agents) province.startAgent(machine);
    const gaps = (machine) => province.query('SELECT from_ms, to_ms, lost FROM hole JOIN machine ON machine.id = hole.machine' +
      ` WHERE machine.name = '${machine}' AND reason = 'not_kept' AND lost > 0`);
    const batches = (file) => new Map(sqlite(file, 'SELECT hex(spool_id) AS id, number, time_ms, machine.name AS machine FROM journal' +
      ' JOIN spool ON spool.id = journal.spool JOIN machine ON machine.id = spool.machine').map((row) => [`${row.id} ${row.number}`, row]));
    const had = batches(newer);
    const missing = (machine) => {
      const has = batches(province.telemetry);
      return [...had].filter(([key, batch]) => batch.machine === machine && !has.has(key)).map(([, batch]) => batch.time_ms);
    };
    const told = (machine) => gaps(machine).reduce((sum, gap) => sum + gap.lost, 0);
    const names = province.agents.map((agent) => agent.machine);
    const result = await province.stopAndCompare(() => names.every((machine) => told(machine) === missing(machine).length));
    assert.deepEqual([result.doubled, result.altered], [0, 0], String(result));
    for (const machine of names) {
      const lost = missing(machine);
      assert.ok(lost.length > 0, `${machine}: something is lost`);
      assert.equal(told(machine), lost.length, `${machine}: each batch that is lost is told, and no other`);
      const outside = lost.filter((time) => !gaps(machine).some((gap) => (gap.from_ms ?? 0) <= time && time <= gap.to_ms));
      assert.deepEqual(outside, [], `${machine}: it was recorded between the bounds that are told: ${JSON.stringify(gaps(machine))}`);
    }
    const check = province.tool('check');
    assert.equal(check.status, 0, `${check.stdout}${check.stderr}`);
    province.say(`of ${result.samples} samples ${result.lost} are lost with the store, and told as gaps`);
  });

  for (const [which, moment] of [['rollback', 'while it was stopped'], ['rollback-live', 'while it ran']]) {
    scenario(which, `an agent's directory is rolled back to what it was ${moment}`, async ({ make }) => {
      const province = await make({ agents: 2 }).start();
      const [{ machine }] = province.agents;
      const copy = path.join(province.state, 'snapshot');
      if (moment === 'while it ran') {
        await snapshot(province, machine, copy);
      } else {
        await province.end(machine);
        await snapshot(province, machine, copy);
        province.startAgent(machine);
      }
      await pause(hour);
      await endDrained(province, machine);
      replace(province.agentDirectory(machine), copy);
      province.startAgent(machine);
      await province.finish();
    });
  }

  scenario('reinstall', 'an agent is installed anew', async ({ make }) => {
    const province = await make({ agents: 2 }).start();
    const [agent] = province.agents;
    await pause(hour / 2);
    await endDrained(province, agent.machine);
    replace(province.agentDirectory(agent.machine));
    province.writeAgentConfig(agent);
    province.startAgent(agent.machine);
    await province.finish();
  });

  scenario('twin', 'the image of a machine is cloned, and both go on under one name', async ({ make }) => {
    const province = await make({ agents: 1 }).start();
    const [agent] = province.agents;
    const twin = { ...agent, twin: true };
    const directory = path.join(province.state, 'agents', 'twin');
    await snapshot(province, agent.machine, directory);
    const config = agentConfig(province, agent);
    config.state.directory = directory;
    twin.config = path.join(directory, 'agent.toml');
    writeToml(twin.config, config);
    const clone = province.startTwin('may-1-twin', twin.config);
    await pause(hour);
    assert.ok(clone.running);
    // One alone is left; what the other still has comes when it is back.
    await province.end(agent.machine);
    // Under one name the collector's figures may be either's: only the twin can have read what is newer than this, and
    // once its spool has no hole all of it came. The first one's own rest comes when it is back.
    const alone = Date.now();
    await province.ready('what the twin still had is stored', () => {
      const [newest] = province.query(`SELECT spool FROM journal WHERE time_ms > ${alone} ORDER BY id DESC LIMIT 1`);
      if (!newest) return false;
      const ranges = province.query(`SELECT first FROM committed WHERE spool = ${newest.spool}`);
      return ranges.length === 1 && ranges[0].first === 1;
    }, 60000);
    await province.end('may-1-twin');
    assert.deepEqual(province.query('SELECT reason FROM quarantine'), [], 'each has numbers of its own');
    province.startAgent(agent.machine);
    await province.finish();
  });

  scenario('clone', 'the image of a machine is cloned with batches that wait, and the clone gets a name of its own', async ({ make }) => {
    const province = make({ agents: 2 });
    await province.prepare();
    const [first, second] = province.agents;
    await province.startBroker();
    await province.startCollector();
    province.startAgent(first.machine);
    await province.flowing();
    await province.end('broker');
    await pause(3000);
    await snapshot(province, first.machine, path.join(province.state, 'image'));
    replace(province.agentDirectory(second.machine), path.join(province.state, 'image'));
    province.writeAgentConfig(second);
    await province.startBroker();
    province.startAgent(second.machine);
    await province.finish();
    const aside = fs.readdirSync(province.agentDirectory(second.machine))
      .filter((file) => /^spool\.db\.other-machine-\d+$/.test(file));
    assert.equal(aside.length, 1, 'what the image held was set aside, once');
  });
});
