// Databases as docs/databases.md says it: size and connections of a real PostgreSQL, through the monitoring plug-ins and through
// JSON that psql writes, read by the real agent.
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';

import { freePort } from '../support/ports.mjs';
import { eventually } from '../support/wait.mjs';
import { bin, temporary } from './harness.mjs';

const plugins = '/usr/lib/nagios/plugins';
const versions = '/usr/lib/postgresql';
const newest = fs.existsSync(versions) ? fs.readdirSync(versions).sort((a, b) => a - b).at(-1) : undefined;
const here = newest !== undefined && fs.existsSync(path.join(plugins, 'check_pgsql'));
const skip = here ? false : 'postgresql and monitoring-plugins-standard are not installed';
const tool = (name) => path.join(versions, newest ?? '', 'bin', name);

// PostgreSQL does not run as root; the agent then runs its programs as the server's user, whom the server knows by the socket.
const asRoot = process.getuid() === 0;
const id = (option) => Number(spawnSync('id', [option, 'postgres'], { encoding: 'utf8' }).stdout);
const owner = asRoot ? { uid: id('-u'), gid: id('-g') } : {};
const name = asRoot ? 'postgres' : os.userInfo().username;

const directory = temporary();
const data = path.join(directory, 'data');
let port;
let server;

function run(program, args) {
  const ended = spawnSync(program, args, { encoding: 'utf8', cwd: directory, ...owner });
  assert.equal(ended.status, 0, `${program}: ${ended.stderr}`);
  return ended.stdout;
}
const sql = (database, text) => run('psql', ['-h', directory, '-p', port, '-d', database, '-XAtc', text]).trim();

before(async () => {
  if (!here) return;
  if (asRoot) fs.chownSync(directory, owner.uid, owner.gid);
  port = String(await freePort());
  run(tool('initdb'), ['-D', data, '-U', name, '-A', 'peer', '-E', 'UTF8', '--locale=C.UTF-8', '--no-sync']);
  server = spawn(tool('postgres'), ['-D', data, '-p', port, '-k', directory, '-c', 'listen_addresses=', '-c', 'fsync=off'], { stdio: 'ignore', cwd: directory, ...owner });
  await eventually('PostgreSQL answers', () => spawnSync(tool('pg_isready'), ['-h', directory, '-p', port]).status === 0, { timeout: 30000 });
  sql('postgres', 'create database mot_cua');
  sql('mot_cua', 'create table ho_so as select i, repeat(\'x\', 100) from generate_series(1, 20000) i');
});
after(async () => {
  if (!server || server.exitCode !== null) return;
  server.kill('SIGQUIT');
  await new Promise((resolve) => server.once('exit', resolve));
});

const asUser = asRoot ? 'user = "postgres"\n' : '';
const check = (title, ...args) => `[[plugin]]
name = "${title}"
command = ${JSON.stringify([`${plugins}/check_pgsql`, '-H', directory, '-P', port, '-l', name, ...args])}
${asUser}`;

// What the agent prints of a source: values by series, texts by name.
function print(source, config) {
  const file = path.join(directory, 'agent.toml');
  fs.writeFileSync(file, config);
  const ended = spawnSync(path.join(bin, 'haidang-agent'), ['--config', file, '--print-metrics', '--source', source], { encoding: 'utf8' });
  assert.equal(ended.status, 0, ended.stderr);
  const values = new Map();
  for (const line of ended.stdout.split('\n')) {
    const sample = /^(?:# )?(haidang_\w+\{.*\}) (.*)$/.exec(line);
    if (sample) values.set(sample[1], sample[2].startsWith('"') ? sample[2].slice(1, -1) : Number(sample[2]));
  }
  return values;
}

const connections = 'select count(*) from pg_stat_activity where backend_type = \'client backend\'';

test('size and connections through check_pgsql', { skip }, () => {
  const config = check('pg', '-d', 'mot_cua')
    + check('pg-size', '-d', 'mot_cua', '-q', 'select pg_database_size(current_database())', '-W', '1000000000', '-C', '2000000000')
    + check('pg-connections', '-d', 'mot_cua', '-q', connections, '-W', '80', '-C', '0');
  const values = print('plugins', config);
  const size = Number(sql('mot_cua', 'select pg_database_size(current_database())'));
  assert.ok(size > 2e6);
  const query = (title) => values.get(`haidang_plugin_value{label="query",name="${title}",unit=""}`);
  assert.equal(values.get('haidang_plugin_state{name="pg"}'), 0);
  assert.ok(values.get('haidang_plugin_value{label="time",name="pg",unit="seconds"}') >= 0);
  assert.equal(values.get('haidang_plugin_state{name="pg-size"}'), 0);
  assert.equal(query('pg-size'), size);
  assert.equal(values.get('haidang_plugin_critical_max{label="query",name="pg-size",unit=""}'), 2e9);
  assert.ok(query('pg-connections') >= 1);
  assert.equal(values.get('haidang_plugin_state{name="pg-connections"}'), 2);  // more than none
  for (const title of ['pg', 'pg-size', 'pg-connections']) {
    assert.equal(values.get(`haidang_plugin_bad_perfdata{name="${title}"}`), 0);
  }
});

test('the same through JSON that psql writes', { skip }, () => {
  const query = `select json_build_object('bytes', pg_database_size(current_database()), 'connections', (${connections}), 'most', current_setting('max_connections')::int)`;
  const value = (key) => `[[exec_json.value]]\nkey = "${key}"\npointer = "/${key}"\n`;
  const config = `[[exec_json]]
name = "csdl-mot-cua"
command = ${JSON.stringify(['/usr/bin/psql', '-h', directory, '-p', port, '-d', 'mot_cua', '-XAtc', query])}
${asUser}${value('bytes')}${value('connections')}${value('most')}`;
  const values = print('exec_json', config);
  const of = (key) => values.get(`haidang_json_value{key="${key}",name="csdl-mot-cua"}`);
  assert.equal(values.get('haidang_json_success{name="csdl-mot-cua"}'), 1);
  assert.ok(of('bytes') > 2e6);
  assert.ok(of('connections') >= 1);
  assert.equal(of('most'), 100);
});

test('a server that is down is critical, and says so', { skip }, async () => {
  server.kill('SIGINT');
  await new Promise((resolve) => server.once('exit', resolve));
  const values = print('plugins', check('pg', '-d', 'mot_cua'));
  assert.equal(values.get('haidang_plugin_state{name="pg"}'), 2);
  assert.match(values.get('haidang_plugin_output{name="pg"}'), /^CRITICAL - no connection to /);
});
