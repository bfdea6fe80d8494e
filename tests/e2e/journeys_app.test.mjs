// A journey through somebody else's program, as Debian has it: DokuWiki's sign-in with its cookies and redirect, the token
// that its forms and links carry, a search, and the sign-out.
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { after, test } from 'node:test';

import { Children } from '../support/children.mjs';
import { Authority } from '../support/pki.mjs';
import { freePort } from '../support/ports.mjs';
import { eventually } from '../support/wait.mjs';
import { bin, temporary } from './harness.mjs';

const program = '/usr/share/dokuwiki';
const password = 'mật khẩu "Một cửa" & 100%+1';
const directory = temporary();
const place = (...parts) => path.join(directory, ...parts);
const children = new Children(place('log'));
const authority = new Authority(place('tls'));
let url, wiki;

function makeWiki() {
  fs.mkdirSync(place('conf'));
  fs.cpSync('/var/lib/dokuwiki/data', place('data'), { recursive: true });
  for (const file of fs.readdirSync('/etc/dokuwiki')) {
    if (/\.(php|conf|json)$/.test(file)) fs.copyFileSync(path.join('/etc/dokuwiki', file), place('conf', file));
  }
  const hash = execFileSync('php', ['-r', 'echo password_hash($argv[1], PASSWORD_BCRYPT);', password], { encoding: 'utf8' });
  fs.writeFileSync(place('conf', 'users.auth.php'), `canbo:${hash}:Cán bộ:canbo@quangninh.example:user\n`);
  fs.writeFileSync(place('conf', 'acl.auth.php'), '*\t@ALL\t0\n*\t@user\t8\n');
  fs.writeFileSync(place('conf', 'local.php'), `<?php
$conf['title'] = 'Một cửa'; $conf['useacl'] = 1; $conf['authtype'] = 'authplain'; $conf['savedir'] = '${place('data')}';
$conf['disableactions'] = 'register,resendpwd';
`);
  fs.mkdirSync(place('data', 'pages'), { recursive: true });
  fs.writeFileSync(place('data', 'pages', 'start.txt'), '====== Hồ sơ ======\nHồ sơ đất đai số 4711 của phường Hồng Gai.\n');
  // Where this wiki's own configuration lies; the program reads it before anything else.
  fs.writeFileSync(place('own.php'), `<?php define('DOKU_CONF', '${place('conf')}/');\n`);
  execFileSync('php', ['-d', `auto_prepend_file=${place('own.php')}`, path.join(program, 'bin', 'indexer.php'), '-q']);
}

async function setUp() {
  makeWiki();
  const port = await freePort();
  url = `http://127.0.0.1:${port}/doku.php`;
  wiki = children.start('wiki', 'php', ['-d', `auto_prepend_file=${place('own.php')}`, '-S', `127.0.0.1:${port}`, '-t', program]);
  await eventually('the wiki answers', async () => (await fetch(`${url}?do=login`).catch(() => ({}))).status === 200, 20000);
}
after(() => wiki?.stop());
await setUp();

// The configuration, with the changes of one step's text.
function write({ secret = password, change = (text) => text } = {}) {
  fs.writeFileSync(place('secret'), `${secret}\n`, { mode: 0o640 });
  const broker = authority.issue('tien-yen-1');
  const file = place('agent.toml');
  fs.writeFileSync(file, change(`
[broker]
uri = "ssl://127.0.0.1:8883"
ca = "${authority.ca}"
cert = "${broker.cert}"
key = "${broker.key}"
group = "quang-ninh"
[machine]
class = "workstation"
site = "06862"
[state]
directory = "${directory}"
[[journey]]
name = "wiki"
interval = "1min"
[journey.secrets]
canbo = "file:${place('secret')}"
[[journey.step]]
name = "mo-trang"
url = "${url}"
query = { id = "start", do = "login" }
contains = ["Một cửa"]
lacks = ["4711"]
take = [ { name = "token", field = "sectok" }, { name = "session", cookie = "DokuWiki" } ]
[[journey.step]]
name = "dang-nhap"
url = "${url}"
query = { id = "start" }
form = { sectok = "{token}", id = "start", do = "login", u = "canbo", p = "{secret.canbo}" }
reads = true
contains = ["4711", "Hồng Gai"]
take = [ { name = "token", field = "sectok" }, { name = "out", regex = 'do=logout&amp;sectok=([0-9a-f]{32})' } ]
[[journey.step]]
name = "tim-kiem"
url = "${url}"
query = { do = "search", id = "start", q = "đất đai" }
contains = ["phường"]
[[journey.step]]
name = "ho-so-ca-nhan"
url = "${url}?id=start&do=profile"
contains = ["canbo@quangninh.example"]
[[journey.step]]
name = "thoat"
url = "${url}?id=start&do=logout&sectok={out}"
lacks = ["4711", "do=logout"]
`), { mode: 0o640 });
  return file;
}

function walk(file) {
  const { stdout, stderr, status } = spawnSync(path.join(bin, 'haidang-agent'), ['--config', file, 'probe', 'wiki'],
    { encoding: 'utf8', timeout: 60000 });
  for (const text of [stdout, stderr]) {
    assert.ok(!text.includes(password) && !text.includes(encodeURIComponent(password)), 'the password is told');
  }
  return { text: stdout + stderr, status };
}

test('sign-in, token, search and sign-out', () => {
  const { text, status } = walk(write());
  assert.match(text, /Mọi bước đều được/, text);
  assert.equal(status, 0, text);
  for (const step of ['mo-trang', 'dang-nhap', 'tim-kiem', 'ho-so-ca-nhan', 'thoat']) assert.match(text, new RegExp(`${step}.*ms`), text);
  // The sign-in answers with a redirect, whose time is told apart.
  assert.match(text, /Chuyển hướng \/ Redirects[^]*dang-nhap +\d/, text);
});

test('a password that is wrong is seen at the sign-in, and not told', () => {
  const { text, status } = walk(write({ secret: 'mật khẩu khác' }));
  assert.match(text, /Bước hỏng: dang-nhap: .*\(status\)[^]*HTTP status 403/, text);
  assert.match(text, /tim-kiem +không chạy/, text);
  assert.ok(!text.includes('mật khẩu khác'));
  assert.notEqual(status, 0);
});

test('a token that is wrong keeps the user signed in', () => {
  const { text } = walk(write({ change: (config) => config.replace('sectok={out}', 'sectok=0123456789abcdef0123456789abcdef') }));
  assert.match(text, /Bước hỏng: thoat: .*\(content\)/, text);
});

test('a form field that is not there is said', () => {
  const { text } = walk(write({ change: (config) => config.replace('field = "sectok" }, { name = "session"', 'field = "csrf" }, { name = "session"') }));
  assert.match(text, /Bước hỏng: mo-trang: .*\(content\)[^]*form field "csrf"/, text);
});
