// The source "path" in a network of three namespaces: a commune's machine (ours), its router, and a host behind that; loss,
// silence, narrow links and name servers that misbehave are made there by nftables and by a name server of ours.
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import dgram from 'node:dgram';
import fs from 'node:fs';
import path from 'node:path';
import { after, test } from 'node:test';

import { cannot, enterNamespace, says } from '../support/namespace.mjs';
import { SlowDns } from '../support/slow_dns.mjs';
import { eventually } from '../support/wait.mjs';
import { bin, temporary } from './harness.mjs';

const without = enterNamespace({ files: { '/etc/resolv.conf': 'nameserver 127.0.0.1\n' } });
const program = path.join(bin, 'haidang-agent');
const directory = temporary();
const [gateway, host, host6] = ['10.77.0.1', '10.77.1.2', 'fd77:1::2'];

// A process that only holds a network namespace; it ends with us.
function namespace() {
  const holder = spawn('setpriv', ['--pdeathsig', 'KILL', '--', 'unshare', '--net', '--', 'sleep', 'infinity'], { stdio: 'ignore' });
  after(() => holder.kill('SIGKILL'));
  return holder;
}
const inside = (holder, ...command) => ['nsenter', '--target', String(holder.pid), '--net', '--', ...command];
const isApart = (holder) => {
  try {
    return fs.readlinkSync(`/proc/${holder.pid}/ns/net`) !== fs.readlinkSync('/proc/self/ns/net')
      && fs.readFileSync(`/proc/${holder.pid}/comm`, 'utf8') === 'sleep\n';
  } catch {
    return false;
  }
};

// Why there is no such network here, or ''.
async function makeNetwork() {
  if (without) return without;
  await eventually('namespaces', () => isApart(router) && isApart(far));
  const commands = [
    ['ip', 'link', 'add', 'lan', 'type', 'veth', 'peer', 'name', 'lan', 'netns', String(router.pid)],
    inside(router, 'ip', 'link', 'add', 'wan', 'type', 'veth', 'peer', 'name', 'wan', 'netns', String(far.pid)),
    ['sysctl', '-qw', 'net.ipv4.ping_group_range=0 2147483647', 'net.ipv6.conf.all.accept_dad=0', 'net.ipv6.conf.lan.accept_dad=0'],
    inside(router, 'sysctl', '-qw', 'net.ipv4.ip_forward=1', 'net.ipv6.conf.all.forwarding=1', 'net.ipv6.conf.lan.accept_dad=0',
      'net.ipv6.conf.wan.accept_dad=0', 'net.ipv4.icmp_ratelimit=0', 'net.ipv6.icmp.ratelimit=0'),
    inside(far, 'sysctl', '-qw', 'net.ipv6.conf.wan.accept_dad=0'),
    ...[
      [[], 'lan', [`10.77.0.2/24`, 'fd77::2/64'], [gateway, 'fd77::1']],
      [inside(router), 'lan', [`${gateway}/24`, 'fd77::1/64'], []],
      [inside(router), 'wan', ['10.77.1.1/24', 'fd77:1::1/64'], []],
      [inside(far), 'wan', [`${host}/24`, `${host6}/64`], ['10.77.1.1', 'fd77:1::1']],
    ].flatMap(([where, device, addresses, routes]) => [
      [...where, 'ip', 'link', 'set', device, 'up'],
      ...addresses.map((address) => [...where, 'ip', 'address', 'add', address, 'dev', device, ...(address.includes(':') ? ['nodad'] : [])]),
      ...routes.map((route) => [...where, 'ip', 'route', 'add', 'default', 'via', route]),
    ]),
  ];
  for (const command of commands) {
    const why = cannot(...command);
    if (why) return `no network of namespaces can be made here: ${command.join(' ')}: ${why}`;
  }
  await eventually('the way to the host', () => ['4', '6'].every((ip) => spawnSync(program, ['--config', configuration(
    `[path]\ngateway = false\nechoes = 1\nhosts = [ { name = "x", address = "${ip === '4' ? host : host6}" } ]\n`,
  ), '--print-metrics', '--source', 'path'], { encoding: 'utf8' }).stdout.includes('haidang_path_success{role="host",target="x"} 1')));
  return '';
}

function configuration(text) {
  const file = path.join(directory, 'agent.toml');
  fs.writeFileSync(file, text);
  return file;
}

// What the agent reads once: {'metric{labels}': value}, without the prefix "haidang_".
async function read(text) {
  const agent = spawn('setpriv', ['--pdeathsig', 'KILL', '--', program, '--config', configuration(text), '--print-metrics', '--source', 'path']);
  let output = '';
  agent.stdout.on('data', (part) => (output += part));
  const code = await new Promise((resolve) => agent.once('close', resolve));
  assert.equal(code, 0, output);
  return Object.fromEntries([...output.matchAll(/^(?:# )?haidang_(\w+\{.*\}) (".*"|\S+)$/gm)].map(([, series, value]) => [series, JSON.parse(value)]));
}
const of = (values, role, target) => (what) => values[`path_${what}{role="${role}",target="${target}"}`];
const toHost = (more = '', address = host) => `[path]\ngateway = false\n${more}\nhosts = [ { name = "mot-cua", address = "${address}" } ]\n`;

// Rules of a namespace, gone after the test.
function filter(t, holder, hook, ...rules) {
  const run = (...command) => says(...inside(holder, 'nft', ...command));
  run('add', 'table', 'inet', 'trouble');
  run('add', 'chain', 'inet', 'trouble', hook, `{ type filter hook ${hook} priority 0; }`);
  for (const rule of rules) run('add', 'rule', 'inet', 'trouble', hook, ...rule.split(' '));
  t.after(() => run('delete', 'table', 'inet', 'trouble'));
  return () => run('list', 'table', 'inet', 'trouble');
}
function narrow(t, mtu) {
  const set = (bytes) => [router, far].forEach((holder) => says(...inside(holder, 'ip', 'link', 'set', 'wan', 'mtu', String(bytes))));
  set(mtu);
  t.after(() => set(1500));
}

const router = without ? undefined : namespace();
const far = without ? undefined : namespace();
const skip = await makeNetwork() || false;

test('the gateway, the hub and hosts answer echoes, over IPv4 and IPv6', { skip }, async () => {
  const values = await read(`[path]\nhub = "${host6}"\nhosts = [ { name = "mot-cua", address = "${host}" } ]\n`);
  for (const [role, target] of [['gateway', gateway], ['hub', host6], ['host', 'mot-cua']]) {
    const value = of(values, role, target);
    assert.deepEqual(['success', 'sent_total', 'lost_total', 'method'].map(value), [1, 5, 0, 'icmp'], `${role} ${JSON.stringify(values)}`);
    assert.ok(value('rtt_seconds') > 0 && value('rtt_seconds') < 0.05, `${value('rtt_seconds')} s`);
  }
  for (const value of [of(values, 'hub', host6), of(values, 'host', 'mot-cua')]) assert.deepEqual([value('mtu_bytes'), value('mtu_problem')], [1500, 0]);
  assert.equal(of(values, 'gateway', gateway)('mtu_bytes'), undefined);
});

test('a gateway of IPv6 alone; none', { skip }, async (t) => {
  says('ip', '-4', 'route', 'del', 'default');
  t.after(() => says('ip', 'route', 'replace', 'default', 'via', gateway));
  assert.equal(of(await read('[path]\n'), 'gateway', 'fd77::1')('success'), 1);
  says('ip', '-6', 'route', 'del', 'default');
  t.after(() => says('ip', '-6', 'route', 'replace', 'default', 'via', 'fd77::1'));
  assert.deepEqual(await read('[path]\n'), {});
});

test('of several gateways the one with the lowest metric', { skip }, async (t) => {
  says('ip', 'route', 'add', 'default', 'via', '10.77.0.99', 'metric', '50');
  says('ip', 'route', 'del', 'default', 'metric', '0');
  says('ip', 'route', 'add', 'default', 'via', gateway, 'metric', '20');
  t.after(() => {
    says('ip', 'route', 'del', 'default', 'metric', '20');
    says('ip', 'route', 'del', 'default', 'metric', '50');
    says('ip', 'route', 'add', 'default', 'via', gateway);
  });
  assert.equal(of(await read('[path]\n'), 'gateway', gateway)('success'), 1);
});

test('what the network loses is counted, packet by packet', { skip }, async (t) => {
  const rules = filter(t, router, 'input', 'icmp type echo-request counter', 'icmp type echo-request numgen random mod 100 < 40 counter drop');
  const value = of(await read('[path]\nechoes = 20\n'), 'gateway', gateway);
  const [all, dropped] = [...rules().matchAll(/counter packets (\d+)/g)].map(([, count]) => Number(count));
  assert.deepEqual([value('sent_total'), value('lost_total')], [all, dropped]);
  assert.equal(all, 20);
  t.diagnostic(`${dropped} of ${all} were lost`);
});

test('answers that come twice count once', { skip }, async (t) => {
  const nft = (...command) => inside(far, 'nft', ...command);
  says(...nft('add', 'table', 'ip', 'twice'));
  t.after(() => says(...nft('delete', 'table', 'ip', 'twice')));
  says(...nft('add', 'chain', 'ip', 'twice', 'output', '{ type filter hook output priority 0; }'));
  const why = cannot(...nft('add', 'rule', 'ip', 'twice', 'output', 'icmp', 'type', 'echo-reply', 'counter', 'dup', 'to', '10.77.1.1', 'device', 'wan'));
  if (why) return t.skip(`this kernel cannot double packets: ${why}`);
  const value = of(await read(toHost()), 'host', 'mot-cua');
  assert.deepEqual(['success', 'sent_total', 'lost_total', 'mtu_bytes', 'mtu_problem'].map(value), [1, 5, 0, 1500, 0]);
});

test('of a host that is silent everything is lost, and there is no time', { skip }, async (t) => {
  filter(t, router, 'forward', `ip daddr ${host} drop`);
  const values = await read(toHost());
  const value = of(values, 'host', 'mot-cua');
  assert.deepEqual(['success', 'sent_total', 'lost_total', 'rtt_seconds', 'mtu_bytes'].map(value), [0, 5, 5, undefined, undefined]);
});

for (const [ip, address, tooLarge] of [
  ['IPv4', host, 'icmp type destination-unreachable drop'], ['IPv6', host6, 'icmpv6 type packet-too-big drop'],
]) {
  test(`a narrow link whose router says so, ${ip}`, { skip }, async (t) => {
    narrow(t, 1400);
    const value = of(await read(toHost('', address)), 'host', 'mot-cua');
    assert.deepEqual(['success', 'mtu_bytes', 'mtu_problem', 'lost_total'].map(value), [1, 1400, 0, 0]);
  });

  test(`a narrow link whose router is not heard, ${ip}`, { skip }, async (t) => {
    narrow(t, 1400);
    filter(t, router, 'output', tooLarge);
    const value = of(await read(toHost('', address)), 'host', 'mot-cua');
    assert.deepEqual(['success', 'mtu_bytes', 'mtu_problem', 'lost_total'].map(value), [1, 1400, 1, 0]);
  });
}

test('TCP where echoes may not be sent; a refused connection is an answer', { skip }, async (t) => {
  says('sysctl', '-qw', 'net.ipv4.ping_group_range=1 0');
  t.after(() => says('sysctl', '-qw', 'net.ipv4.ping_group_range=0 2147483647'));
  const values = await read(`[path]\nhosts = [ { name = "mot-cua", address = "${host}", port = 443 } ]\n`);
  for (const value of [of(values, 'host', 'mot-cua'), of(values, 'gateway', gateway)]) {
    assert.deepEqual(['success', 'sent_total', 'lost_total', 'method', 'mtu_bytes'].map(value), [1, 5, 0, 'tcp', undefined]);
  }
  assert.deepEqual(await read('[path]\nmethod = "icmp"\n'), {});
});

test('TCP where echoes are not answered and connections are', { skip }, async (t) => {
  filter(t, far, 'input', 'icmp type echo-request drop');
  const values = await read('[path]\ngateway = false\n'
    + `hosts = [ { name = "tcp", address = "${host}", port = 443 }, { name = "icmp", address = "${host}" } ]\n`);
  assert.deepEqual(['success', 'sent_total', 'lost_total', 'method'].map(of(values, 'host', 'tcp')), [1, 5, 0, 'tcp']);
  assert.deepEqual(['success', 'sent_total', 'lost_total', 'method'].map(of(values, 'host', 'icmp')), [0, 5, 5, 'icmp']);
});

test('name servers: slow, without the name, dead, back again', { skip }, async () => {
  const dns = await new SlowDns(['motcua.example']).start();
  const ask = (name = 'motcua.example') => read(`[path]\ngateway = false\nnames = ["${name}"]\n`)
    .then((values) => [values[`dns_success{name="${name}"}`], values[`dns_seconds{name="${name}"}`]]);
  const [success, seconds] = await ask();
  assert.equal(success, 1);
  assert.ok(seconds > 0 && seconds < 0.05, `${seconds} s`);
  dns.delayMs = 400;
  const [slow, slowSeconds] = await ask();
  assert.equal(slow, 1);
  assert.ok(slowSeconds >= 0.399 && slowSeconds < 0.45, `${slowSeconds} s`);
  const [missing, missingSeconds] = await ask('khong-co.example');
  assert.equal(missing, 0);
  assert.ok(missingSeconds >= 0.399 && missingSeconds < 0.45, `${missingSeconds} s`);

  // The second server has its turn after the first one's time-out; one that nobody runs hands over at once.
  const silent = dgram.createSocket('udp4');
  await new Promise((resolve) => silent.bind(53, '127.0.0.2', resolve));
  dns.delayMs = 0;
  fs.writeFileSync('/etc/resolv.conf', 'nameserver 127.0.0.2\nnameserver 127.0.0.1\noptions timeout:1\n');
  const [second, secondSeconds] = await ask();
  assert.equal(second, 1);
  assert.ok(secondSeconds >= 0.999 && secondSeconds < 1.1, `${secondSeconds} s`);
  fs.writeFileSync('/etc/resolv.conf', 'nameserver 127.0.0.3\nnameserver 127.0.0.1\n');
  assert.ok((await ask())[1] < 0.1);
  fs.writeFileSync('/etc/resolv.conf', 'nameserver 127.0.0.2\noptions timeout:1 attempts:2\n');
  assert.deepEqual(await ask(), [0, undefined]);
  silent.close();
  await dns.stop();
});

test('a running agent: rounds that follow one another, an outage, a new name server', { skip }, async (t) => {
  const dns = await new SlowDns(['motcua.example']).start();
  fs.writeFileSync('/etc/resolv.conf', 'nameserver 127.0.0.9\n');
  const ledger = path.join(directory, 'ledger');
  const file = path.join(directory, 'running.toml');
  fs.writeFileSync(file, `[broker]\nuri = "tcp://127.0.0.1:1"\ngroup = "quang-ninh"\n[machine]\nid = "ha-tu-1"\n[state]\n`
    + `directory = "${path.join(directory, 'state')}"\n[sampling]\ninterval = "1s"\n[path]\nhub = "${host6}"\ninterval = "1s"\n`
    + `hosts = [ { name = "mot-cua", address = "${host}" } ]\nnames = ["motcua.example"]\n`);
  const agent = spawn('setpriv', ['--pdeathsig', 'KILL', '--', program, '--config', file, '--test-ledger', ledger], { stdio: 'ignore' });
  t.after(() => agent.kill('SIGKILL'));
  const last = (metric, labels) => {
    const series = `haidang_${metric}${labels}`;
    let value;
    for (const line of (fs.existsSync(ledger) ? fs.readFileSync(ledger, 'utf8') : '').trim().split('\n')) {
      const read = line && JSON.parse(line);
      if (read && read.series === series) value = read.value;
    }
    return value;
  };
  const mine = (what) => last(`path_${what}`, '{role="host",target="mot-cua"}');
  await eventually('a few rounds', () => mine('sent_total') >= 15);
  assert.equal(mine('lost_total'), 0);
  assert.equal(last('dns_success', '{name="motcua.example"}'), false);
  fs.writeFileSync('/etc/resolv.conf', 'nameserver 127.0.0.1\n');
  await eventually('the new name server', () => last('dns_success', '{name="motcua.example"}') === true);
  says(...inside(router, 'ip', 'link', 'set', 'wan', 'down'));
  await eventually('the outage', () => mine('success') === false && mine('lost_total') >= 5);
  assert.equal(last('path_success', `{role="gateway",target="${gateway}"}`), true);
  says(...inside(router, 'ip', 'link', 'set', 'wan', 'up'));
  says(...inside(router, 'ip', 'address', 'replace', 'fd77:1::1/64', 'dev', 'wan', 'nodad'));
  await eventually('its end', () => mine('success') === true);
  agent.kill('SIGTERM');
  assert.deepEqual(await new Promise((resolve) => agent.once('exit', (code, signal) => resolve([code, signal]))), [0, null]);
  await dns.stop();
});
