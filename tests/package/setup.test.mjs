// haidang-setup below a directory of its own: what it makes is right for OpenSSL, for Mosquitto's place and for our programs,
// and what is wrong is said.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';

const bin = process.env.HAIDANG_BIN;
const file = (name) => fileURLToPath(new URL(`../../packaging/${name}`, import.meta.url));
const root = fs.mkdtempSync(path.join(os.tmpdir(), 'haidang-setup-'));
after(() => fs.rmSync(root, { recursive: true }));
const below = (name) => path.join(root, name);
const skip = process.getuid() === 0 ? false : 'needs root';

// As the packages leave it. Groups that this machine does not have are root's here.
for (const folder of ['etc/haidang', 'etc/mosquitto/conf.d', 'usr/share/haidang-central/mosquitto', 'usr/share/haidang-server/sites', 'bin']) {
  fs.mkdirSync(below(folder), { recursive: true });
}
for (const name of ['collector', 'server']) fs.copyFileSync(file(`sample/${name}.toml`), below(`etc/haidang/${name}.toml`));
fs.copyFileSync(file('sample/agent.toml'), below('usr/share/haidang-central/agent.toml'));
for (const name of ['mosquitto.conf', 'haidang.acl']) fs.copyFileSync(file(`mosquitto/${name}`), below(`usr/share/haidang-central/mosquitto/${name}`));
fs.copyFileSync(file('data/sites/quang-ninh-2tier.csv'), below('usr/share/haidang-server/sites/quang-ninh-2tier.csv'));
fs.writeFileSync(below('bin/chown'), '#!/bin/sh\necho "$@" >> "$HAIDANG_ROOT/owners"\n', { mode: 0o755 });

function setup(...args) {
  return spawnSync(file('setup/haidang-setup'), args, {
    encoding: 'utf8', env: { ...process.env, HAIDANG_ROOT: root, PATH: `${below('bin')}:${process.env.PATH}` },
  });
}
function does(...args) {
  const done = setup(...args);
  assert.equal(done.status, 0, done.stdout + done.stderr);
  return done.stdout;
}
function says(command, ...args) {
  const { status, stdout, stderr, error } = spawnSync(command, args, { encoding: 'utf8' });
  assert.equal(error, undefined);
  assert.equal(status, 0, stdout + stderr);
  return stdout + stderr;
}
const mode = (name) => fs.statSync(below(name)).mode & 0o777;
const text = (name) => fs.readFileSync(below(name), 'utf8');
const ca = 'var/lib/haidang-central/ca';

test('before anything: what is wrong, and what to do', { skip }, () => {
  for (const [args, pattern] of [
    [['machine', 'a', '--site', '1'], /nothing is set up here yet: haidang-setup central --host NAME/],
    [['central'], /--host: under which name/],
    ...['a b', 'a,', ',a', 'a,,b', '*', '-a', 'a-', 'a..b', 'đảo', '10.0.0', '10.0.0.256', '1::2::3', `${'a'.repeat(64)}.vn`, 'a\nb'].map((host) =>
      [['central', '--host', host], /--host: DNS names or whole addresses/]),
    [['central', '--host', 'a', '--province', 'x/y'], /--province 'x\/y': letters/], [['central', '--host', 'a', '--province', 'x'.repeat(51)], /50 at most/],
    [['central', '--host', 'a', '--id', 'tỉnh'], /--id 'tỉnh': letters/], [['central', '--hots', 'a'], /no option '--hots'; allowed/],
    [['nothing'], /there is no command 'nothing'/],
  ]) {
    const done = setup(...args);
    assert.notEqual(done.status, 0, args.join(' '));
    assert.match(done.stderr, pattern);
  }
  assert.equal(fs.existsSync(below(ca)), false);
  assert.deepEqual(fs.readdirSync(below('var/lib/haidang-central')), ['lock']);
});

test('the centre', { skip }, () => {
  assert.match(does('central', '--host', 'giam-sat.quang-ninh.example,10.1.2.3,fd00::1'), /The centre is set up: broker ssl:\/\/giam-sat/);
  const broker = below('etc/mosquitto/certs/haidang-broker.pem');
  says('openssl', 'verify', '-CAfile', below(`${ca}/ca.pem`), '-purpose', 'sslserver', '-verify_hostname', 'giam-sat.quang-ninh.example', broker);
  says('openssl', 'verify', '-CAfile', below(`${ca}/ca.pem`), '-purpose', 'sslserver', '-verify_ip', '10.1.2.3', broker);
  says('openssl', 'verify', '-CAfile', below(`${ca}/ca.pem`), '-purpose', 'sslserver', '-verify_ip', 'fd00::1', broker);
  says('openssl', 'verify', '-CAfile', below('etc/haidang/ca.pem'), '-purpose', 'sslclient', below('etc/haidang/collector.pem'));
  assert.match(says('openssl', 'x509', '-in', below('etc/haidang/collector.pem'), '-noout', '-subject'), /CN = hai-dang\n/);
  assert.match(text('etc/haidang/query.secret'), /^[0-9a-f]{64}\n$/);
  assert.match(text('etc/haidang/collector.toml'), /\n\[collector\]\n[^[]*\nid = "hai-dang"\n[^[]*\ngroup = "quang-ninh"\n[^]*\nuri = "ssl:\/\/giam-sat.quang-ninh.example:8883"\n/);
  assert.match(text('etc/haidang/server.toml'), /\n\[sites\]\n[^[]*\nfile = "\/usr\/share\/haidang-server\/sites\/quang-ninh-2tier.csv"\n/);
  assert.match(text('etc/mosquitto/haidang.acl'), /^user hai-dang$/m);
  assert.doesNotMatch(text('etc/mosquitto/haidang.acl'), /^[^#]*@/m);
  assert.match(text('etc/mosquitto/conf.d/haidang.conf'), /^crlfile /m);
  for (const secret of [`${ca}/ca.key`, 'etc/haidang/query.secret', 'etc/haidang/collector.key', 'etc/mosquitto/certs/haidang-broker.key', ca]) {
    assert.equal(mode(secret) & 0o007, 0, `${secret} is for the world`);
  }
  assert.match(text('owners'), /root:haidang-collector \S+collector.key\n/);
  assert.match(text('owners'), /root:mosquitto \S+haidang-broker.key\n/);
});

test('again: nothing that is there is made anew, what was edited stays', { skip }, () => {
  const kept = [`${ca}/ca.pem`, 'etc/haidang/collector.pem', 'etc/haidang/query.secret', 'etc/mosquitto/certs/haidang-broker.pem'];
  const before = kept.map(text);
  fs.appendFileSync(below('etc/haidang/collector.toml'), '# của tỉnh\n');
  does('central');
  assert.deepEqual(kept.map(text), before);
  assert.match(text('etc/haidang/collector.toml'), /# của tỉnh\n$/);
  const uris = text('etc/haidang/collector.toml').match(/^uri = .*$/mg);
  assert.deepEqual(uris, ['uri = "ssl://giam-sat.quang-ninh.example:8883"']);
});

test('again: what is no good any more is made anew, whoever changed it', { skip }, () => {
  const broker = 'etc/mosquitto/certs/haidang-broker.pem';
  const old = text(broker);
  does('central', '--host', 'giam-sat.quang-ninh.example,10.1.2.4');
  assert.notEqual(text(broker), old);
  says('openssl', 'verify', '-CAfile', below(`${ca}/ca.pem`), '-purpose', 'sslserver', '-verify_ip', '10.1.2.4', below(broker));
  assert.equal(text('etc/haidang/broker.pem'), text(broker));
  const given = text(broker);
  does('central', '--host', 'giam-sat.quang-ninh.example,10.1.2.4');
  assert.equal(text(broker), given, 'the same names again');
  // A key of another certificate, one that ends soon, one of another authority.
  const collector = ['pem', 'key'].map((ending) => below(`etc/haidang/collector.${ending}`));
  const good = () => {
    does('central');
    const pem = says('openssl', 'x509', '-in', collector[0], '-noout', '-pubkey');
    assert.equal(says('openssl', 'pkey', '-in', collector[1], '-pubout'), pem);
    says('openssl', 'x509', '-in', collector[0], '-noout', '-checkend', String(1800 * 86400));
    says('openssl', 'verify', '-CAfile', below(`${ca}/ca.pem`), collector[0]);
  };
  says('openssl', 'ecparam', '-name', 'prime256v1', '-genkey', '-noout', '-out', collector[1]);
  good();
  says('openssl', 'req', '-x509', '-new', '-newkey', 'rsa:2048', '-nodes', '-subj', '/CN=hai-dang', '-days', '3000', '-keyout', collector[1], '-out', collector[0]);
  good();
  const soon = new Date(Date.now() + 30 * 86400000).toISOString().replace(/[-:T]/g, '').slice(2, 14);
  says('openssl', 'req', '-new', '-key', collector[1], '-subj', '/CN=hai-dang', '-out', below('request'));
  says('openssl', 'ca', '-config', below(`${ca}/openssl.cnf`), '-batch', '-notext', '-enddate', `${soon}Z`, '-in', below('request'), '-out', collector[0]);
  good();
  fs.writeFileSync(below('etc/haidang/query.secret'), '');
  does('central');
  assert.match(text('etc/haidang/query.secret'), /^[0-9a-f]{64}\n$/);
});

test('again: what was changed by hand stays, what is new goes beside it', { skip }, () => {
  const acl = 'etc/mosquitto/haidang.acl';
  fs.appendFileSync(below(acl), '# của tỉnh\n');
  assert.equal(setup('central').stderr, '', 'nothing is new');
  assert.match(text(acl), /# của tỉnh\n$/);
  const shipped = 'usr/share/haidang-central/mosquitto/haidang.acl';
  const before = text(shipped);
  fs.appendFileSync(below(shipped), '# bản mới\n');
  const done = setup('central');
  assert.equal(done.status, 0);
  assert.match(done.stderr, /haidang.acl was changed here, so it stays: put into it what is new in \S+haidang.acl.new/);
  assert.match(text(acl), /# của tỉnh\n$/);
  assert.match(text(`${acl}.new`), /# bản mới\n$/);
  assert.equal(mode(`${acl}.new`), 0o640);
  fs.copyFileSync(below(`${acl}.new`), below(acl));
  assert.equal(setup('central').stderr, '', 'it was put in');
  fs.writeFileSync(below(shipped), before);
  does('central');
  assert.doesNotMatch(text(acl), /# bản mới/);
});

test('a machine\'s bundle: its own certificate, a configuration that our agent takes', { skip }, () => {
  const bundle = does('machine', 'tien-yen-1', '--site', '06862', '--class', 'workstation').trim();
  assert.equal(fs.statSync(bundle).mode & 0o777, 0o600);
  const listed = says('tar', '-tvzf', bundle);
  assert.match(listed, /-rw-r----- root\/haidang-agent .* agent.key\n/);
  assert.match(listed, /-rw-r----- root\/haidang-agent .* agent.toml\n/);
  const unpacked = below('unpacked');
  fs.mkdirSync(unpacked);
  says('tar', '-xzf', bundle, '-C', unpacked, '--no-same-owner');
  says('openssl', 'verify', '-CAfile', path.join(unpacked, 'ca.pem'), '-purpose', 'sslclient', path.join(unpacked, 'agent.pem'));
  const config = path.join(unpacked, 'agent.toml');
  const toml = fs.readFileSync(config, 'utf8');
  assert.ok(toml.includes(`file = "/etc/haidang/*.pem"`), 'it watches its own certificates');
  assert.match(toml, /\nuri = "ssl:\/\/giam-sat.quang-ninh.example:8883"\n/);
  assert.match(toml, /\nclass = "workstation"\n/);
  assert.match(toml, /\nsite = "06862"\n/);
  fs.writeFileSync(config, toml.replaceAll('/etc/haidang/', `${unpacked}/`).replace('#directory = "/var/lib/haidang-agent"', `directory = "${unpacked}/state"`));
  fs.mkdirSync(`${unpacked}/state`);
  assert.match(says(path.join(bin, 'haidang-agent'), '--check-config', '--config', config), /: ok\n/);
});

test('our programs take the centre\'s configurations', { skip }, () => {
  for (const name of ['collector', 'server']) {
    const config = below(`${name}.toml`);
    fs.mkdirSync(below(`state-${name}`), { recursive: true });
    fs.writeFileSync(config, text(`etc/haidang/${name}.toml`).replaceAll('/etc/haidang/', `${below('etc/haidang')}/`)
      .replaceAll('/usr/share/', `${below('usr/share')}/`).replace(/#?directory = "[^"]*"/, `directory = "${below(`state-${name}`)}"`));
    assert.match(says(path.join(bin, `haidang-${name}`), '--check-config', '--config', config), /: ok\n/);
  }
});

test('a list of machines, as spreadsheets save it', { skip }, () => {
  const list = below('list.csv');
  const made = () => fs.readdirSync(below('out')).sort();
  fs.writeFileSync(list, 'machine,site,class\r\nhong-gai-1,06685,server\r\nhong-gai-2,06685,workstation\r\n');
  assert.equal(does('machines', list, '--out', below('out')).trim().split('\n').length, 2);
  assert.deepEqual(made(), ['hong-gai-1.tar.gz', 'hong-gai-2.tar.gz']);
  fs.writeFileSync(list, '\uFEFF"machine";"site";"class";;\n"hong-gai-1";"06685";"server";;\n\n ha-tu-1 ; 06652 ;;;\n;;;;\nha-tu-2;06652;workstation');
  const again = setup('machines', list, '--out', below('out'));
  assert.equal(again.status, 0, again.stderr);
  assert.match(again.stderr, /hong-gai-1 has a certificate already/);
  assert.equal(again.stdout, `${below('out')}/ha-tu-1.tar.gz\n${below('out')}/ha-tu-2.tar.gz\n`);
});

test('a wrong list: every wrong line is named, and nothing is made', { skip }, () => {
  const list = below('list.csv');
  const before = text(`${ca}/index.txt`);
  fs.writeFileSync(list, 'machine,site,class\ncam-pha-1,06652,server\ncam pha 2,06652,server\ncam-pha-3,6652,server\ncam-pha-4,99999\ncam-pha-1,06652\ncam-pha-5,06652,pc\ncam-pha-6,06652,server,x\n../x,06652\nhai-dang,06652\nđảo-1,06652\n');
  const done = setup('machines', list, '--out', below('out'));
  assert.equal(done.status, 1);
  for (const pattern of [/list.csv:3: machine 'cam pha 2': letters/, /:4: site '6652' is not in \/usr\/share\S+; did you mean '06652'\? Spreadsheets/, /:5: site '99999' is not in/,
    /:6: machine 'cam-pha-1' stands here twice/, /:7: class 'pc' of cam-pha-5/, /:8: more than machine,site,class: 'x'/, /:9: machine '..\/x'/, /:10: 'hai-dang' is the collector's/,
    /:11: machine 'đảo-1'/, /wrong lines: 9; nothing was made/]) assert.match(done.stderr, pattern);
  assert.equal(text(`${ca}/index.txt`), before);
  for (const [args, pattern] of [[[], /which file/], [['/nowhere'], /cannot read '\/nowhere'/], [['/'], /cannot read '\/'/], [[list, '--class', 'server'], /no option '--class server'/]]) {
    const refused = setup('machines', ...args);
    assert.equal(refused.status, 1);
    assert.match(refused.stderr, pattern);
  }
});

test('a bundle that cannot be written leaves no certificate behind', { skip }, () => {
  fs.writeFileSync(below('file'), '');
  for (const args of [['machine', 'mong-cai-1', '--site', '06709'], ['machines', below('list.csv')]]) {
    fs.writeFileSync(below('list.csv'), 'mong-cai-1,06709\nmong-cai-2,06709\n');
    const done = setup(...args, '--out', below('file'));
    assert.equal(done.status, 1, done.stdout);
    assert.match(done.stderr, /no bundle for mong-cai-1 in \S+; its certificate is withdrawn/);
    assert.doesNotMatch(does('list'), /mong-cai-\d.* valid/);
    assert.doesNotMatch(done.stderr + does('list'), /mong-cai-2/);
  }
});

test('renewed: another certificate, and no configuration that would replace the machine\'s', { skip }, () => {
  const bundle = does('renew', 'tien-yen-1').trim();
  assert.equal(says('tar', '-tzf', bundle), 'agent.key\nagent.pem\nca.pem\n');
  assert.equal(does('list').match(/^tien-yen-1 .* valid$/mg).length, 2);
  for (const [args, pattern] of [[['renew'], /which machine/], [['renew', 'nobody'], /'nobody' has no certificate/], [['renew', 'hai-dang'], /is the collector/],
    [['renew', '.*'], /'\.\*' has no certificate/], [['machine', 'tien-yen-1', '--site', '06862'], /has a certificate: 'haidang-setup renew tien-yen-1'/]]) {
    const done = setup(...args);
    assert.equal(done.status, 1);
    assert.match(done.stderr, pattern);
  }
});

test('names that would harm are refused', { skip }, () => {
  for (const [args, pattern] of [
    [['machine', 'hai-dang', '--site', '1'], /is the collector's name/], [['machine', 'broker.quang-ninh', '--site', '1'], /is the broker's name/], [['machine', '../x', '--site', '1'], /machine '..\/x': letters/],
    [['machine', 'a'], /--site is missing/], [['machine', 'a', '--site', '1', '--class', 'pc'], /class 'pc' of a; allowed: server, workstation/],
    [['machine', '#', '--site', '1'], /machine '#'/], [['central', '--province', 'ha-noi'], /machines are set up for quang-ninh already/], [['revoke', 'broker.quang-ninh'], /is the broker/], [['central', '--id', 'tien-yen-1'], /--id 'tien-yen-1': a machine's certificate/], [['revoke', 'hai-dang'], /is the collector/], [['revoke', 'nobody'], /no valid certificate is made out to 'nobody'/],
  ]) {
    const done = setup(...args);
    assert.notEqual(done.status, 0, args.join(' '));
    assert.match(done.stderr, pattern);
  }
});

test('who is revoked stands in the list that the broker reads', { skip }, () => {
  const certificate = below('unpacked/agent.pem');
  const check = () => spawnSync('openssl', ['verify', '-CAfile', below(`${ca}/ca.pem`), '-crl_check', '-CRLfile', below('etc/mosquitto/certs/haidang-crl.pem'), certificate], { encoding: 'utf8' });
  assert.equal(check().status, 0, check().stderr);
  assert.match(does('revoke', 'tien-yen-1'), /tien-yen-1: 2 revoked/);
  assert.match(check().stdout + check().stderr, /certificate revoked/);
  assert.equal(fs.existsSync(below('var/lib/haidang-central/bundles/tien-yen-1.tar.gz')), false);
  const list = does('list');
  assert.match(list, /^tien-yen-1 +20\d\d-\d\d-\d\d revoked$/m);
  assert.doesNotMatch(list, /^tien-yen-1 .* valid$/m);
  assert.match(list, /^hong-gai-1 +20\d\d-\d\d-\d\d valid$/m);
  // A machine that was revoked may get a new one.
  does('machine', 'tien-yen-1', '--site', '06862');
  assert.match(does('list'), /^tien-yen-1 +20\d\d-\d\d-\d\d valid$/m);
});

test('what ran out is listed so', { skip }, () => {
  const index = below(`${ca}/index.txt`);
  fs.writeFileSync(index, fs.readFileSync(index, 'utf8').replace(/^V\t\d{12}Z(.*\/CN=ha-tu-1)$/m, 'V\t240101000000Z$1'));
  assert.match(does('list'), /^ha-tu-1 +2024-01-01 over$/m);
  assert.match(does('renew', 'ha-tu-1'), /ha-tu-1.tar.gz/);
});
