// Where a request's time goes, held against delays that are known: a name server that answers late, a long line, a server
// that takes its time to shake hands, a system behind a real nginx with TLS that answers late or in pieces. Each delay is
// seen in its own phase, by the agent as by `curl -w` beside it. In namespaces of its own; skipped where none can be made.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { after, test } from 'node:test';
import { promisify } from 'node:util';

import { Children } from '../support/children.mjs';
import { writeToml } from '../support/configs.mjs';
import { parseMetrics } from '../support/http.mjs';
import { Lines } from '../support/lines.mjs';
import { Authority } from '../support/pki.mjs';
import { ProvinceDns } from '../support/province_dns.mjs';
import { enterSpaces, makeSpace, shell, within } from '../support/spaces.mjs';
import { eventually, pause } from '../support/wait.mjs';
import { bin, temporary } from './harness.mjs';

const without = enterSpaces();

const run = promisify(execFile);
const host = 'mot-cua.quang-ninh.test';
const [here, there] = ['10.9.0.1', '10.9.0.2'];  // the portal and its name server; the commune
const [nginxPort, relayPort] = [443, 8081];
const phases = ['resolve', 'connect', 'tls', 'processing', 'transfer'];
const rounds = 7;
const directory = temporary();

// Between nginx and the system: holds each answer, or what comes after its first bytes, for so long.
class Relay {
  holdMs = 0;
  holdRestMs = 0;

  async start(target) {
    this.server = net.createServer((client) => {
      const system = net.connect(target, '127.0.0.1');
      client.setNoDelay(true);
      client.on('data', (bytes) => system.write(bytes)).on('close', () => system.destroy()).on('error', () => system.destroy());
      system.on('error', () => client.destroy());
      this.#answer(system, client).catch(() => client.destroy());
    });
    await new Promise((resolve) => this.server.listen(relayPort, '127.0.0.1', resolve));
  }

  async #answer(system, client) {
    let begun = false;
    for await (const bytes of system) {
      // The head and a little of the body, which may be compressed, come first.
      const first = begun ? 0 : bytes.indexOf('\r\n\r\n') + 20;
      if (!begun) {
        await pause(this.holdMs);
        client.write(bytes.subarray(0, first));
        await pause(this.holdRestMs);
      }
      client.write(bytes.subarray(first));
      begun = true;
    }
    client.end();
  }
}

const relay = new Relay();
let lines, dns, children, config, resolvConf, authority;

function writeNginx({ cert, key }) {
  const file = path.join(directory, 'nginx.conf');
  const place = (name) => path.join(directory, name);
  fs.writeFileSync(file, `
daemon off; user root; worker_processes 1; pid ${place('nginx.pid')}; error_log ${place('nginx.log')} warn;
events { worker_connections 64; }
http {
  access_log off; client_body_temp_path ${place('body')}; proxy_temp_path ${place('proxy')};
  fastcgi_temp_path ${place('fastcgi')}; uwsgi_temp_path ${place('uwsgi')}; scgi_temp_path ${place('scgi')};
  server {
    listen ${here}:${nginxPort} ssl; ssl_certificate ${cert}; ssl_certificate_key ${key}; ssl_protocols TLSv1.3;
    location / { proxy_pass http://127.0.0.1:${relayPort}; proxy_buffering off; proxy_set_header Host $host; }
  }
}
`);
  return file;
}

async function setUp() {
  children = new Children(path.join(directory, 'log'));
  authority = new Authority(path.join(directory, 'tls'));
  lines = new Lines(bin);
  await makeSpace('commune');
  await lines.make('wan', ['commune', 'wan'], ['-', 'commune']);
  await shell('-', [`ip addr add ${here}/32 dev lo`, 'ip link set commune up', `ip route add ${there}/32 dev commune src ${here}`]);
  await shell('commune', [`ip addr add ${there}/32 dev lo`, 'ip link set wan up', `ip route add default dev wan src ${there}`]);
  resolvConf = path.join(directory, 'resolv.conf');
  fs.writeFileSync(resolvConf, `nameserver ${here}\noptions timeout:10 attempts:1\n`);
  dns = await new ProvinceDns({ [host]: [here] }).start(here);
  const onestop = children.start('onestop', path.join(bin, 'haidang-onestop'),
    ['--port', '8080', '--control-port', '8082', '--database', path.join(directory, 'onestop.db'), '--dossiers', '500']);
  await relay.start(8080);
  children.start('nginx', 'nginx', ['-p', directory, '-e', path.join(directory, 'nginx.log'), '-c',
    writeNginx(authority.issue('portal', { hosts: [host] }))]);
  config = path.join(directory, 'agent.toml');
  writeToml(config, {
    broker: { uri: `ssl://${host}:8883`, ca: authority.ca, ...authority.issue('tien-yen-1'), group: 'quang-ninh' },
    machine: { class: 'workstation', site: '06862' }, state: { directory },
    probe: [{ journey: 'mot-cua', step: 'trang-chu', url: `https://${host}/`, ca: authority.ca, interval: '1min' }],
  });
  await eventually('the portal answers', async () => onestop.running && (await curl()).code === 200, 20000);
}
after(async () => {
  lines?.stop();
  dns?.stop();
  relay.server?.close();
  for (const child of children?.running ?? []) await child.stop();
});
if (!without) await setUp();

async function inCommune(command, args) {
  const [first, ...rest] = [...within('commune', resolvConf), command, ...args];
  return (await run(first, rest, { timeout: 30000 })).stdout;
}

// Both give {phase: ms}.
async function curl() {
  const marks = ['namelookup', 'connect', 'appconnect', 'starttransfer', 'total'];
  const format = `%{response_code} ${marks.map((mark) => `%{time_${mark}}`).join(' ')}`;
  const out = await inCommune('curl', ['-s', '-o', '/dev/null', '--http1.1', '--cacert', authority.ca, '-w', format, `https://${host}/`])
    .catch((error) => error.stdout || '0');
  const [code, ...times] = out.split(' ').map(Number);
  return { code, ...Object.fromEntries(phases.map((phase, i) => [phase, (times[i] - (times[i - 1] ?? 0)) * 1000])) };
}
async function agent() {
  const out = await inCommune(path.join(bin, 'haidang-agent'), ['--config', config, '--print-metrics', '--source', 'probe']);
  const samples = parseMetrics(out);
  assert.equal(samples.find((sample) => sample.name === 'probe_success')?.value, 1, out);
  const of = (phase) => samples.find((sample) => sample.name === 'probe_http_duration_seconds' && sample.labels.phase === phase).value;
  const total = samples.find((sample) => sample.name === 'probe_duration_seconds').value;
  const sum = phases.reduce((seconds, phase) => seconds + of(phase), 0);
  assert.ok(Math.abs(total - sum) < 1e-6, `phases sum to ${sum}, the whole took ${total}`);
  return Object.fromEntries(phases.map((phase) => [phase, of(phase) * 1000]));
}

// The least of several rounds: whatever else runs on this machine only adds to them.
async function measured(ask) {
  const all = [];
  for (let i = 0; i < rounds; ++i) all.push(await ask());
  return Object.fromEntries(phases.map((phase) => [phase, Math.min(...all.map((one) => one[phase]))]));
}

let usual;
const near = (ms, truth) => Math.abs(ms - truth) <= Math.max(5, 0.05 * truth);

// `truth`: what is injected in each phase, ms.
function delayed(name, truth, set, heal) {
  test(name, { skip: without || false }, async () => {
    usual ??= await measured(agent);
    await set();
    const [ours, curls] = [await measured(agent), await measured(curl)];
    await heal();
    const shown = (times) => phases.map((phase) => times[phase].toFixed(1)).join(' ');
    console.log(`${name}: injected ${phases.map((phase) => truth[phase] ?? 0).join(' ')}, agent ${shown(ours)}, curl ${shown(curls)} ms`);
    for (const phase of phases) {
      const injected = truth[phase] ?? 0;
      // Without any delay a phase takes its time, too; what is least of it is known better and better.
      if (injected === 0) usual[phase] = Math.min(usual[phase], ours[phase]);
      assert.ok(near(ours[phase] - usual[phase], injected),
        `${phase}: ${ours[phase]} ms, usually ${usual[phase]} ms, with ${injected} ms injected`);
      assert.ok(near(ours[phase], curls[phase]), `${phase}: ${ours[phase]} ms, curl says ${curls[phase]} ms`);
    }
  });
}

delayed('a name server that takes 150 ms', { resolve: 150 },
  () => dns.rule({ name: host, delayMs: 150 }), () => dns.heal());
// One round trip each: the question, SYN and SYN-ACK, TLS 1.3's hello, the request.
delayed('a line of 80 ms there and back', { resolve: 80, connect: 80, tls: 80, processing: 80 },
  () => lines.shape('wan', { delay_ms: 40 }), () => lines.heal());
delayed('a server that shakes hands 120 ms late', { tls: 120 },
  () => lines.shape('wan', { tls_delay_ms: 120 }), () => lines.heal());
delayed('a system that answers after 400 ms', { processing: 400 },
  () => { relay.holdMs = 400; }, () => { relay.holdMs = 0; });
delayed('an answer that stops for 250 ms', { transfer: 250 },
  () => { relay.holdRestMs = 250; }, () => { relay.holdRestMs = 0; });
