// The packages in a clean Debian 12 root: installed, set up, started as their units would, upgraded, removed, purged.
// HAIDANG_DIST: where they are (dist/). Needs root, debootstrap and a Debian mirror.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';

import { Children } from '../support/children.mjs';
import { getJson, getText, parseMetrics, request } from '../support/http.mjs';
import { enterNamespace } from '../support/namespace.mjs';
import { eventually } from '../support/wait.mjs';

const dist = process.env.HAIDANG_DIST ?? fileURLToPath(new URL('../../dist', import.meta.url));
const programs = ['haidang-agent', 'haidang-collector', 'haidang-server'];
const packages = [...programs, 'haidang-central'];

function run(command, args, options = {}) {
  const done = spawnSync(command, args, { encoding: 'utf8', maxBuffer: 64 << 20, ...options });
  assert.equal(done.error, undefined, `${command}: ${done.error?.message}`);
  assert.equal(done.status, 0, `${command} ${args.join(' ')}\n${done.stdout}${done.stderr}`);
  return done.stdout;
}
const packageFile = (folder, name) => path.join(folder, fs.readdirSync(folder).find((file) => file.startsWith(`${name}_`) && file.endsWith('.deb')));

// Outside: the root, with the mirror that this machine uses, and a next version of each package. Then again, inside
// namespaces of our own, where ports are free and mounts go with us.
if (!process.env.HAIDANG_PACKAGE_ROOT) {
  assert.equal(process.getuid(), 0, 'this test makes a Debian root: it needs root');
  const work = fs.mkdtempSync(path.join(os.tmpdir(), 'haidang-package-'));
  process.once('exit', () => fs.rmSync(work, { recursive: true, force: true }));
  process.env.HAIDANG_PACKAGE_ROOT = work;
  makeRoot(path.join(work, 'root'));
  nextVersions(path.join(work, 'next'));
}
const work = process.env.HAIDANG_PACKAGE_ROOT;
const root = path.join(work, 'root');

function mirror() {
  const sources = ['/etc/apt/sources.list', ...['sources', 'list'].flatMap((ending) => fs.existsSync('/etc/apt/sources.list.d')
    ? fs.readdirSync('/etc/apt/sources.list.d').filter((name) => name.endsWith(`.${ending}`)).map((name) => `/etc/apt/sources.list.d/${name}`) : [])];
  for (const file of sources.filter((name) => fs.existsSync(name))) {
    const found = fs.readFileSync(file, 'utf8').match(/^(?:deb(?: \[[^\]]*\])? |URIs: )(\S+)/m);
    if (found) return found[1];
  }
  return 'http://deb.debian.org/debian';
}

function makeRoot(where) {
  run('debootstrap', ['--variant=minbase', '--include=ca-certificates', 'bookworm', where, mirror()]);
  fs.rmSync(path.join(where, 'etc/apt/sources.list'), { force: true });
  for (const file of ['/etc/apt/sources.list', '/etc/apt/sources.list.d', '/etc/apt/apt.conf.d', '/etc/apt/keyrings', '/etc/apt/trusted.gpg.d', '/etc/apt/auth.conf.d', '/etc/resolv.conf', '/etc/ssl/certs/ca-certificates.crt', '/usr/local/share/ca-certificates']) {
    if (fs.existsSync(file)) fs.cpSync(file, path.join(where, file), { recursive: true, dereference: true });
  }
  fs.writeFileSync(path.join(where, 'etc/hosts'), '127.0.0.1 localhost\n::1 localhost\n');
  fs.writeFileSync(path.join(where, 'usr/sbin/policy-rc.d'), '#!/bin/sh\nexit 101\n', { mode: 0o755 });
  const inside = (...args) => run('chroot', [where, ...args], { env: { PATH: process.env.PATH, DEBIAN_FRONTEND: 'noninteractive' } });
  inside('apt-get', '-q', 'update');
  // What the packages want, so that nothing is downloaded later; systemd for systemd-analyze.
  inside('apt-get', '-q', '-y', '--no-install-recommends', 'install', 'systemd', 'mosquitto', 'openssl', 'adduser');
  const wanted = new Set(packages.flatMap((name) => run('dpkg-deb', ['-f', packageFile(dist, name), 'Depends']).trim().split(/[,|]/)
    .map((one) => one.trim().replace(/[ :(].*$/, ''))).filter((name) => name && !name.startsWith('haidang')));
  inside('apt-get', '-q', '-y', '--no-install-recommends', 'install', ...wanted);
}

function nextVersions(where) {
  fs.mkdirSync(where);
  for (const name of packages) {
    const tree = path.join(where, name);
    run('dpkg-deb', ['-R', packageFile(dist, name), tree]);
    const control = path.join(tree, 'DEBIAN/control');
    fs.writeFileSync(control, fs.readFileSync(control, 'utf8').replace(/^Version: .*$/m, 'Version: 99.0'));
    run('dpkg-deb', ['--root-owner-group', '-b', tree, path.join(where, `${name}_99.0.deb`)]);
    fs.rmSync(tree, { recursive: true });
  }
}

const without = enterNamespace({ processes: true });
assert.equal(without, '');
for (const folder of ['proc', 'sys', 'dev']) run('mount', ['--rbind', `/${folder}`, path.join(root, folder)]);

const at = (name) => path.join(root, name);
const inside = (...args) => run('chroot', [root, ...args], { env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', DEBIAN_FRONTEND: 'noninteractive' } });
const install = (folder) => {
  for (const name of packages) fs.copyFileSync(packageFile(folder, name), at(`tmp/${name}.deb`));
  return inside('apt-get', '-q', '-y', '--no-install-recommends', 'install', ...packages.map((name) => `/tmp/${name}.deb`));
};
// Everything of ours, or that names us, below the root; but for the package manager's own notes.
function ours() {
  const found = run('find', [root, '-xdev', '-regextype', 'egrep', '-iname', '*haidang*', '-not', '-path', at('var/log/*'), '-not', '-path', at('tmp/*'),
    '-not', '-path', at('var/cache/*')]).trim().split('\n').filter(Boolean).map((name) => name.slice(root.length));
  const accounts = ['passwd', 'group', 'shadow', 'gshadow'].flatMap((file) => fs.readFileSync(at(`etc/${file}`), 'utf8').split('\n')
    .filter((line) => line.includes('haidang')).map((line) => `${file}: ${line}`));
  return [...found, ...accounts];
}
const before = ours();

const children = new Children(path.join(work, 'log'));
let running = {};
after(async () => {
  await Promise.all(Object.values(running).map((child) => child.stop()));
});

// A command that runs as the unit would have it: ProtectSystem=strict, PrivateTmp=yes, nothing of our environment. What its
// system calls and devices are is looked at in units.test.mjs alone.
function asUnit(unit, ...command) {
  const values = (key) => fs.readFileSync(at(`lib/systemd/system/${unit}`), 'utf8').split('\n').filter((line) => line.startsWith(`${key}=`))
    .flatMap((line) => line.slice(key.length + 1).split(' ')).filter(Boolean);
  assert.deepEqual(['ProtectSystem', 'PrivateTmp'].map(values), [['strict'], ['yes']]);
  const written = [...values('StateDirectory').map((name) => `var/lib/${name}`), ...values('ReadWritePaths').map((name) => name.replace(/^-?\//, ''))].map(at);
  const script = ['mount --make-rprivate /', `mount --bind '${root}' '${root}'`, `mount -o remount,bind,ro '${root}'`,
    ...['proc', 'sys', 'dev'].map((folder) => `mount --rbind /${folder} '${at(folder)}'`),
    ...written.map((name) => `mount --bind '${name}' '${name}' && mount -o remount,bind,rw '${name}'`),
    `mount -t tmpfs none '${at('tmp')}'`, `mount -t tmpfs none '${at('var/tmp')}'`, `umask ${values('UMask')[0]}`, 'exec "$@"'].join(' && ');
  return ['unshare', '--mount', 'sh', '-c', script, unit, 'env', '-i', 'PATH=/usr/sbin:/usr/bin:/sbin:/bin', ...command];
}
function startProgram(name) {
  const groups = inside('id', '-G', name).trim().split(' ').join(',');
  const [command, ...args] = asUnit(`${name}.service`, 'chroot', `--userspec=${name}:${name}`, `--groups=${groups}`, root, `/usr/bin/${name}`);
  running[name] = children.start(name, command, args);
}
async function startAll() {
  fs.mkdirSync(at('run/mosquitto'), { recursive: true });
  inside('chown', 'mosquitto', '/run/mosquitto');
  running.mosquitto = children.start('mosquitto', 'chroot', [root, '/usr/sbin/mosquitto', '-c', '/etc/mosquitto/mosquitto.conf']);
  for (const name of ['haidang-collector', 'haidang-server', 'haidang-agent']) startProgram(name);
  await eventually('data flows from agent to page', async () => {
    const { machines } = await getJson('http://127.0.0.1:8080/api/v1/overview');
    return machines.some((one) => one.machine === 'tinh-1' && one.state === 'online');
  }, { timeout: 60000, signal: children.failed }).catch((error) => {
    throw new Error([error.message, ...Object.values(running).map((child) => `${child.name}: ${child.lastWords()}`), fs.readFileSync(at('var/log/mosquitto/mosquitto.log'), 'utf8').slice(-2000)].join('\n'));
  });
}
async function stopAll() {
  const ended = {};
  for (const name of ['haidang-agent', 'haidang-server', 'haidang-collector', 'mosquitto']) {
    if (running[name]) ended[name] = await running[name].stop();
  }
  running = {};
  return ended;
}

test('lintian finds no error', (t) => {
  const told = spawnSync('lintian', ['--fail-on', 'error', '--suppress-tags', 'bad-distribution-in-changes-file', ...packages.map((name) => packageFile(dist, name))], { encoding: 'utf8' });
  assert.equal(told.error, undefined);
  t.diagnostic(told.stdout.trim().split('\n').slice(0, 30).join('\n'));
  assert.equal(told.status, 0, told.stdout + told.stderr);
});

test('they install, with users, folders and their modes', () => {
  install(dist);
  for (const name of programs) {
    assert.match(inside('id', name), new RegExp(`uid=\\d+\\(${name}\\) gid=\\d+\\(${name}\\)`));
    assert.equal(inside('stat', '-c', '%a %U %G', `/var/lib/${name}`).trim(), `750 ${name} ${name}`);
    assert.equal(inside('stat', '-c', '%a %U %G', `/etc/haidang/${name.slice(8)}.toml`).trim(), `640 root ${name}`);
    assert.match(inside(`/usr/bin/${name}`, '--version'), /\d+\.\d+\.\d+/);
  }
  assert.match(inside('id', '-nG', 'haidang-collector'), /\bhaidang\b/);
  assert.doesNotMatch(inside('id', '-nG', 'haidang-agent'), /\bhaidang\b(?!-)/);
});

test('systemd finds the units right', () => {
  for (const name of programs) assert.equal(inside('systemd-analyze', 'verify', '--man=no', `/lib/systemd/system/${name}.service`), '');
  for (const name of ['haidang-backup.service', 'haidang-backup.timer']) assert.equal(inside('systemd-analyze', 'verify', '--man=no', `/lib/systemd/system/${name}`), '');
  for (const name of [...programs, 'haidang-backup.timer']) assert.match(inside('systemctl', 'is-enabled', name), /enabled/);
});

test('what operations.md adds to the agent\'s unit is right for systemd', () => {
  const page = fs.readFileSync(fileURLToPath(new URL('../../docs/operations.md', import.meta.url)), 'utf8');
  const rows = page.match(/\| cần \| thêm \|\n\| --- \| --- \|\n((?:\|.*\n)+)/)[1].trim().split('\n');
  assert.ok(rows.length >= 5);
  const folder = at('etc/systemd/system/haidang-agent.service.d');
  fs.mkdirSync(folder);
  const verify = () => spawnSync('chroot', [root, 'systemd-analyze', 'verify', '--man=no', '/lib/systemd/system/haidang-agent.service'], { encoding: 'utf8' }).stderr;
  for (const row of rows) {
    const lines = [...row.split('|')[2].matchAll(/`([^`]+)`/g)].map(([, line]) => line);
    assert.ok(lines.length > 0, row);
    fs.writeFileSync(path.join(folder, 'more.conf'), ['[Service]', ...lines, ''].join('\n'));
    assert.equal(verify(), '', row);
  }
  fs.writeFileSync(path.join(folder, 'more.conf'), '[Service]\nPrivateDevice=no\n');
  assert.match(verify(), /Unknown key/, 'what is wrong would be seen');
  fs.rmSync(folder, { recursive: true });
});

test('set up, everything starts as its unit would, and data flows', { timeout: 200000 }, async () => {
  inside('haidang-setup', 'central', '--host', 'localhost,127.0.0.1');
  const bundle = inside('haidang-setup', 'machine', 'tinh-1', '--site', '22').trim();
  inside('tar', '-xzpf', bundle, '-C', '/etc/haidang');
  await startAll();
  const values = parseMetrics(await getText('http://127.0.0.1:9312/metrics/fleet'));
  assert.ok(values.some((one) => one.name === 'node_load1' && one.labels.instance === 'tinh-1' && one.labels.site_name === 'Tỉnh Quảng Ninh'));
  assert.equal((await request('http://127.0.0.1:8080/')).status, 200);
});

test('a Prometheus with the sample scrapes it, the rules with it', { timeout: 100000 }, async () => {
  const directory = path.join(work, 'prometheus');
  fs.mkdirSync(directory);
  const sample = fs.readFileSync(at('usr/share/haidang-central/prometheus/prometheus.yml'), 'utf8');
  fs.writeFileSync(path.join(directory, 'prometheus.yml'), sample.replace('/etc/prometheus/haidang/', at('usr/share/haidang-central/prometheus/haidang/')).replace('scrape_interval: 15s', 'scrape_interval: 2s'));
  running.prometheus = children.start('prometheus', 'prometheus', [`--config.file=${directory}/prometheus.yml`, `--storage.tsdb.path=${directory}/data`, '--web.listen-address=127.0.0.1:9090']);
  await eventually('it has this machine\'s load', async () => {
    const { data } = await getJson('http://127.0.0.1:9090/api/v1/query?query=node_load1');
    return data.result.some(({ metric }) => metric.instance === 'tinh-1');
  }, { timeout: 60000, signal: children.failed });
  const { data } = await getJson('http://127.0.0.1:9090/api/v1/rules');
  assert.ok(data.groups.length > 5);
  await running.prometheus.stop();
  delete running.prometheus;
});

test('nothing that is secret is for the world', () => {
  const secrets = run('find', [at('etc/haidang'), at('etc/mosquitto'), at('var/lib/haidang-agent'), at('var/lib/haidang-collector'), at('var/lib/haidang-server'), at('var/lib/haidang-central'),
    '-perm', '/o=rwx', '-not', '-type', 'l']).trim().split('\n').map((name) => name.slice(root.length));
  const open = secrets.filter((name) => !/^\/etc\/mosquitto(\/|$)/.test(name) || /\.key$|\.acl$/.test(name));
  const allowed = ['/etc/haidang', '/etc/haidang/ca.pem', '/etc/haidang/agent.pem', '/etc/haidang/collector.pem', '/etc/haidang/broker.pem', '/etc/haidang/central.conf'];
  assert.deepEqual(open.filter((name) => !allowed.includes(name)), []);
});

const today = () => inside('date', '+%F').trim();
const storeId = async () => (await getJson('http://127.0.0.1:8080/api/v1/overview')).store_id;
let backedUp = {};

test('a backup of the centre, as its unit would make it', { timeout: 100000 }, async () => {
  const day = today();
  const backup = (...args) => {
    const [command, ...rest] = asUnit('haidang-backup.service', 'chroot', root, 'setpriv', '--bounding-set', '-all,+setuid,+setgid', '--inh-caps', '-all', '--no-new-privs',
      '/usr/sbin/haidang-backup', ...args);
    return run(command, rest);
  };
  backup();
  assert.equal(inside('haidang-backup', 'list').trim(), day);
  backedUp = { day, store: await storeId(), ca: fs.readFileSync(at('var/lib/haidang-central/ca/ca.key'), 'utf8') };
  const listed = (user) => inside('find', `/var/backups/haidang-${user}`, '-printf', '%f %M %u\n').trim().split('\n').sort();
  assert.deepEqual(listed('collector'), ['haidang-collector drwxr-x--- haidang-collector', `telemetry-${day}.db -rw------- haidang-collector`]);
  assert.deepEqual(listed('server'), [`control-${day}.db -rw------- haidang-server`, 'haidang-server drwxr-x--- haidang-server']);
  assert.deepEqual(listed('central'), [`centre-${day}.tar.gz -rw------- root`, 'haidang-central drwx------ root']);
  assert.doesNotMatch(inside('tar', '-tzf', `/var/backups/haidang-central/centre-${day}.tar.gz`), /bundles/);
  // Older ones go, but not while a copy fails; a whole backup is three files.
  const older = ['01', '02', '03'].map((number) => `2020-01-${number}`);
  for (const one of older) {
    for (const [user, file] of [['collector', `telemetry-${one}.db`], ['server', `control-${one}.db`], ['central', `centre-${one}.tar.gz`]]) {
      fs.writeFileSync(at(`var/backups/haidang-${user}/${file}`), '');
      inside('chown', user === 'central' ? 'root' : `haidang-${user}`, `/var/backups/haidang-${user}/${file}`);
    }
  }
  fs.renameSync(at('var/lib/haidang-server/control.db'), at('var/lib/haidang-server/elsewhere.db'));
  assert.throws(() => backup(), /control.db is not there[^]*no backup of: control.db/);
  fs.renameSync(at('var/lib/haidang-server/elsewhere.db'), at('var/lib/haidang-server/control.db'));
  assert.deepEqual(inside('haidang-backup', 'list').trim().split('\n'), [...older, day]);
  assert.throws(() => backup('--keep', '0'), /--keep '0': how many/);
  backup('--keep', '2');
  assert.deepEqual(inside('haidang-backup', 'list').trim().split('\n'), ['2020-01-03', day]);
  fs.rmSync(at('var/backups/haidang-server/control-2020-01-03.db'));
  assert.equal(inside('haidang-backup', 'list').trim(), day);
  // A file that its asker would not find, as the service has a /tmp of its own.
  assert.throws(() => inside('haidang-collector', 'backup', '/tmp/x.db'), /the collector's service has another \/tmp than you/);
});

test('an upgrade keeps configuration and data', { timeout: 200000 }, async () => {
  await eventually('something is stored', async () => {
    const values = parseMetrics(await getText('http://127.0.0.1:9312/metrics'));
    return values.some((one) => one.name === 'haidang_collector_batches_total' && one.value >= 2);
  }, { timeout: 60000 });
  const store = await storeId();
  fs.appendFileSync(at('etc/haidang/agent.toml'), '# của máy này\n');
  const kept = ['etc/haidang/agent.toml', 'etc/haidang/collector.toml', 'etc/haidang/query.secret', 'var/lib/haidang-central/ca/ca.key'].map((name) => fs.readFileSync(at(name), 'utf8'));
  for (const [name, { code }] of Object.entries(await stopAll())) assert.equal(code, 0, name);
  install(path.join(work, 'next'));
  for (const name of packages) assert.match(inside('dpkg-query', '-W', '-f', '${Version}', name), /^99.0$/);
  assert.deepEqual(['etc/haidang/agent.toml', 'etc/haidang/collector.toml', 'etc/haidang/query.secret', 'var/lib/haidang-central/ca/ca.key'].map((name) => fs.readFileSync(at(name), 'utf8')), kept);
  await startAll();
  assert.equal(await storeId(), store);
  assert.deepEqual(Object.values(await stopAll()).map(({ code }) => code), [0, 0, 0, 0]);
});

test('removed: programs are gone, data and configuration stay', () => {
  inside('apt-get', '-q', '-y', 'remove', ...packages);
  for (const name of programs) {
    assert.equal(fs.existsSync(at(`usr/bin/${name}`)), false);
    assert.ok(fs.existsSync(at(`var/lib/${name}`)));
    assert.ok(fs.existsSync(at(`etc/haidang/${name.slice(8)}.toml`)));
  }
});

const purge = () => inside('apt-get', '-q', '-y', 'purge', ...packages);

test('purged: nothing is left but backups, and they are root\'s', () => {
  purge();
  assert.equal(run('find', [at('var/backups'), '-not', '-user', 'root']), '');
  run('cp', ['-a', at('var/backups'), path.join(work, 'carried')]);
  for (const name of packages) fs.rmSync(at(`var/backups/${name}`), { recursive: true, force: true });
  assert.deepEqual(ours(), before);
  assert.equal(fs.existsSync(at('etc/haidang')), false);
});

test('another server becomes the centre from a backup', { timeout: 200000 }, async () => {
  install(path.join(work, 'next'));
  const refused = /of 2020-01-03 there is no whole backup/;
  assert.throws(() => inside('haidang-backup', 'restore', '2020-01-03'), refused);
  run('sh', ['-c', `cp '${path.join(work, 'carried')}'/haidang-central/* '${at('var/backups/haidang-central')}' &&
    cp '${path.join(work, 'carried')}'/haidang-collector/* '${at('var/backups/haidang-collector')}' && cp '${path.join(work, 'carried')}'/haidang-server/* '${at('var/backups/haidang-server')}'`]);
  assert.throws(() => inside('haidang-backup', 'restore', '2020-01-03'), refused);
  // A copy that is not whole changes nothing.
  const control = at(`var/backups/haidang-server/control-${backedUp.day}.db`);
  const whole = fs.readFileSync(control);
  fs.writeFileSync(control, Buffer.concat([whole.subarray(0, 4096), Buffer.alloc(whole.length - 4096, 7)]));
  assert.throws(() => inside('haidang-backup', 'restore', backedUp.day), /control-\S+ is not whole; nothing was changed/);
  assert.equal(fs.existsSync(at('etc/haidang/ca.pem')), false);
  fs.writeFileSync(control, whole);
  assert.match(inside('haidang-backup', 'restore', backedUp.day), new RegExp(`Restored as of ${backedUp.day}`));
  assert.equal(fs.readFileSync(at('var/lib/haidang-central/ca/ca.key'), 'utf8'), backedUp.ca);
  await startAll();
  assert.equal(await storeId(), backedUp.store);
  for (const [name, { code }] of Object.entries(await stopAll())) assert.equal(code, 0, name);
  // Once more, onto what is there.
  assert.match(inside('haidang-backup', 'restore', backedUp.day), /Restored/);
  const kept = fs.readdirSync(at('var/lib/haidang-server')).concat(fs.readdirSync(at('var/lib/haidang-collector')));
  assert.ok(kept.some((name) => name.startsWith('control.db.before-restore-')) && kept.some((name) => name.startsWith('telemetry.db.before-restore-')), kept.join(' '));
  await startAll();
  assert.equal(await storeId(), backedUp.store);
  await stopAll();
});

test('purged without backups: nothing at all is left', () => {
  for (const name of packages.filter((one) => one !== 'haidang-agent')) run('find', [at(`var/backups/${name}`), '-type', 'f', '-delete']);
  purge();
  assert.deepEqual(ours(), before);
});
