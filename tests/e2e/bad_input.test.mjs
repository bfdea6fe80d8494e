// Malformed and oversized messages, wrong configurations, directories that cannot be written.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

import { parseMetrics } from '../support/http.mjs';
import { liveEverywhere } from '../support/live.mjs';
import { MqttClient } from '../support/mqtt_client.mjs';
import { stays } from '../support/wait.mjs';
import { bin, count, makeStack, smallDisk, sqlite, temporary } from './harness.mjs';

const stack = await makeStack();
await liveEverywhere(stack, { timeout: 60000 });
const group = stack.group;

async function intruder(name) {
  const files = stack.authority.issue(name);
  return new MqttClient({
    port: stack.ports.broker, ca: fs.readFileSync(stack.authority.ca), cert: fs.readFileSync(files.cert), key: fs.readFileSync(files.key),
  }).connect();
}
const refused = async () => parseMetrics(await stack.metrics())
  .filter((s) => s.name === 'haidang_collector_refused_messages_total').reduce((sum, s) => sum + s.value, 0);

test('malformed messages are counted, said at most once a minute, and dropped', async () => {
  const before = await refused();
  const client = await intruder('la-1');
  const bad = [
    Buffer.alloc(0), Buffer.from('{"json":true}'), randomBytes(1000), Buffer.alloc(100000, 0xff), Buffer.from([0x12, 0xff, 0xff, 0xff, 0xff, 0x0f]),
  ];
  for (let i = 0; i < 40; ++i) {
    for (const type of ['NBIRTH', 'NDATA', 'NDEATH']) await client.publish(`spBv1.0/${group}/${type}/la-1`, bad[i % bad.length]);
  }
  await client.ping();
  await stack.ready('they are counted', async () => (await refused()) >= before + 40);
  assert.ok(count(stack.running.collector.log(), /refused/) <= 2, 'said once a minute at most');
  client.end();
});

test('a message as large as the broker lets through does no harm', async () => {
  const client = await intruder('la-1');
  for (const fill of [0x00, 0x12, 0xff]) await client.publish(`spBv1.0/${group}/NDATA/la-1`, Buffer.alloc(8 << 20, fill));
  await client.ping();
  client.end();
  await liveEverywhere(stack, { timeout: 60000 });
  assert.ok(stack.running.collector.running);
});

test('a machine that sends rubbish does not change what is known of others', async () => {
  const overview = await stack.overview();
  assert.equal(overview.machines.filter((m) => m.state === 'online').length, 3);
});

const programs = {
  'haidang-agent': () => stack.agents[0].config,
  'haidang-collector': () => path.join(stack.state, 'collector', 'collector.toml'),
  'haidang-server': () => path.join(stack.state, 'server', 'server.toml'),
};
const required = {
  'haidang-agent': ['uri', 'group', '[broker]'],
  'haidang-collector': ['uri', 'group', 'secret_file', '[broker]', '[collector]'],
  'haidang-server': ['secret_file', 'directory', '[state]', '[collector]'],
};
const run = (program, ...args) => spawnSync(path.join(bin, program), args, { encoding: 'utf8', timeout: 20000 });

for (const [program, config] of Object.entries(programs)) {
  test(`${program} refuses a wrong configuration with file, line, key and what is allowed`, () => {
    const text = fs.readFileSync(config(), 'utf8').split('\n');
    const section = text.findIndex((line) => line.startsWith('['));
    const file = path.join(temporary(), 'wrong.toml');
    const refuses = (lines, pattern) => {
      fs.writeFileSync(file, lines.join('\n'));
      for (const args of [['--check-config'], []]) {
        const ended = run(program, '--config', file, ...args);
        assert.notEqual(ended.status, 0, `${program} took: ${lines.join(' ')}`);
        assert.equal(ended.signal, null);
        assert.match(ended.stderr, pattern);
        assert.ok(ended.stderr.trim().split('\n').length <= 3, ended.stderr);
      }
    };
    const at = section + 2;
    refuses([...text.slice(0, section + 1), 'lạ_hoắc = 1', ...text.slice(section + 1)], new RegExp(`wrong\\.toml:${at}\\b`));
    refuses([...text.slice(0, section + 1), 'strange = 1', ...text.slice(section + 1)], new RegExp(`wrong\\.toml:${at}\\b.*strange.*allowed: `));
    refuses([...text, '[strange]', 'x = 1'], /wrong\.toml:\d+.*strange.*allowed: /);
    // What is required and misspelt is told where it stands, not as missing.
    const misspelt = (key) => {
      const line = text.findIndex((one) => one.startsWith(key));
      const wrong = key.startsWith('[') ? key.replace(/^\[./, (start) => start.toUpperCase()) : key.toUpperCase();
      const name = wrong.replace(/[[\]]/g, '');
      refuses(text.map((one, i) => (i === line ? one.replace(key, wrong) : one)),
        new RegExp(`wrong\\.toml:${line + 1}: \\S*${name}: unknown key, did you mean ${name.toLowerCase()}\\?; allowed: `));
    };
    for (const key of required[program]) misspelt(key);
    const numeric = text.map((line) => line.replace(/^(uri|listen) = ".*"$/, '$1 = 7'));
    refuses(numeric, /wrong\.toml:\d+.*(uri|listen)/);
    const missing = run(program, '--config', path.join(path.dirname(file), 'absent.toml'));
    assert.notEqual(missing.status, 0);
    assert.match(missing.stderr, /absent\.toml/);
  });

  test(`${program} takes a right configuration and says its version`, () => {
    const checked = run(program, '--config', config(), '--check-config');
    assert.equal(checked.status, 0, checked.stderr);
    assert.match(run(program, '--help').stdout, new RegExp(`/etc/haidang/${program.replace('haidang-', '')}\\.toml`));
    const version = run(program, '--version');
    assert.equal(version.status, 0);
    assert.match(version.stdout, new RegExp(`${program}.* \\d+\\.\\d+\\.\\d+`));
  });

  test(`${program} says so and ends when its directory cannot be made or written`, () => {
    const directory = temporary();
    fs.writeFileSync(path.join(directory, 'file'), '');
    const impossible = path.join(directory, 'file', 'state');  // below a file: not even root can
    const text = fs.readFileSync(config(), 'utf8').replace(/^directory = .*$/m, `directory = ${JSON.stringify(impossible)}`);
    assert.match(text, /file\/state/);
    const file = path.join(directory, 'config.toml');
    fs.writeFileSync(file, text);
    const ended = run(program, '--config', file);
    assert.equal(ended.signal, null, 'it ends by itself');
    assert.notEqual(ended.status, 0);
    assert.match(ended.stderr + ended.stdout, /file\/state/);
    assert.ok((ended.stderr + ended.stdout).trim().split('\n').length <= 5);
  });
}

test('two ports that are one are refused before a start fails on them', () => {
  const file = path.join(temporary(), 'ports.toml');
  for (const [program, section, key, other] of [
    ['haidang-collector', 'metrics', 'listen', `127.0.0.1:${stack.ports.query}`],
    ['haidang-server', 'server', 'listen', `0.0.0.0:${stack.ports.query}`],
  ]) {
    const lines = fs.readFileSync(programs[program](), 'utf8').split('\n');
    const from = lines.indexOf(`[${section}]`);
    const at = lines.findIndex((line, i) => i > from && line.startsWith(key));
    lines[at] = `${key} = "${other}"`;
    fs.writeFileSync(file, lines.join('\n'));
    const checked = run(program, '--config', file, '--check-config');
    assert.equal(checked.status, 1, checked.stderr);
    assert.match(checked.stderr, new RegExp(`ports\\.toml:${at + 1}: ${section}\\.${key}: .*same port; allowed: `));
  }
});

test('an agent on a full disk says so, goes on, and loses nothing of what it read meanwhile', async (t) => {
  const directory = smallDisk(t);
  if (!directory) return;
  const agent = stack.agents[2];
  const name = agent.machine;
  await stack.running[name].stop();
  const here = JSON.stringify(directory);
  fs.writeFileSync(agent.config, fs.readFileSync(agent.config, 'utf8').replace(/^directory = .*$/m, `directory = ${here}`));
  const spools = () => sqlite(stack.telemetry, 'SELECT spool.id AS id, max(number) AS last, count(*) AS rows FROM journal' +
    ' JOIN spool ON spool.id = journal.spool JOIN machine ON machine.id = spool.machine' +
    ` WHERE machine.name = '${name}' GROUP BY spool.id ORDER BY spool.id`);
  const before = spools().length;
  const child = stack.startAgent(name);
  await stack.ready('it has told what it reads', () => spools()[before]?.last >= 3);

  const fill = path.join(directory, 'fill');
  spawnSync('dd', ['if=/dev/zero', `of=${fill}`, 'bs=4k']);
  await stack.running.collector.stop();  // so that batches must wait on the disk that has no room
  await stack.ready('it says that the disk is full', () => count(child.log(), /full/i) >= 1, 60000);
  await stays('it goes on', () => child.running, 5000);
  assert.ok(count(child.log(), / (warning|error): /) <= 4, `it does not go on about it:\n${child.log()}`);
  await stack.startCollector();
  await stack.ready('nothing is lost', () => {  // what was sent into the void goes again after 30 s
    const { id, rows, last } = spools()[before];
    if (rows !== last) throw new Error(`${rows} of ${last} batches of spool ${id}:\n${child.log()}`);
    return true;
  }, 90000);
  fs.rmSync(fill);
  await stack.ready('it says that there is room again', () => count(child.log(), /room again/) >= 1, 60000);
  assert.equal((await child.stop()).code, 0);
  assert.equal(spools().length, before + 1);
});
