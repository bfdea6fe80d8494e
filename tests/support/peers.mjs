// Other programs that read a machine, each from Debian's package, started by us from a configuration of our own on
// loopback, and ended with us. Nothing of the system's is touched: no service, no file outside `directory`.
import { execFileSync } from 'node:child_process';
import dgram from 'node:dgram';
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import zlib from 'node:zlib';

import { getText } from './http.mjs';
import { freePort } from './ports.mjs';
import { eventually } from './wait.mjs';

const run = (command, ...args) => execFileSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'], env: { ...process.env, PATH: `${process.env.PATH}:/usr/sbin` } });
const versionOf = (name) => run('dpkg-query', '-W', '-f', '${Version}', name).replace(/^\d+:/, '').replace(/[+~-].*$/, '');
const seriesIn = (text) => text.split('\n').filter((line) => line && !line.startsWith('#')).length;

// Each peer: name, interval (seconds between its readings), pid, series() after it has run, stop().

// node_exporter with its defaults, scraped as Prometheus would.
export async function startNodeExporter(children, { interval }) {
  const port = await freePort();
  const child = children.start('node_exporter', 'prometheus-node-exporter', [`--web.listen-address=127.0.0.1:${port}`, '--log.level=error']);
  const scrape = () => getText(`http://127.0.0.1:${port}/metrics`);
  await eventually('node_exporter answers', scrape);
  let exposed = '';
  const timer = setInterval(() => scrape().then((text) => (exposed = text), () => {}), interval * 1000);
  return {
    name: `prometheus-node-exporter ${versionOf('prometheus-node-exporter')}`, interval, child,
    series: () => seriesIn(exposed), stop: () => clearInterval(timer),
  };
}

// collectd with the plug-ins of its default configuration that read what we read, sending to its network port's protocol.
export async function startCollectd(children, { interval, directory }) {
  const lists = new Set();  // series that were received
  const socket = dgram.createSocket('udp4');
  socket.on('message', (message) => readCollectd(message, lists));
  await new Promise((resolve) => socket.bind(0, '127.0.0.1', resolve));
  const file = path.join(directory, 'collectd.conf');
  const plugins = ['cpu', 'load', 'memory', 'swap', 'df', 'disk', 'interface', 'processes', 'vmem', 'contextswitch', 'entropy', 'uptime'];
  fs.writeFileSync(file, [
    'Hostname "bench"', 'FQDNLookup false', `BaseDir "${directory}"`, `PIDFile "${directory}/collectd.pid"`,
    'PluginDir "/usr/lib/collectd"', 'TypesDB "/usr/share/collectd/types.db"', `Interval ${interval}`, 'ReadThreads 5', 'WriteThreads 5',
    ...plugins.map((plugin) => `LoadPlugin ${plugin}`), 'LoadPlugin network', '<Plugin network>',
    `  Server "127.0.0.1" "${socket.address().port}"`, '</Plugin>', '',
  ].join('\n'));
  const child = children.start('collectd', 'collectd', ['-f', '-C', file]);
  await eventually('collectd sends', () => lists.size > 0, { timeout: 30000, signal: children.failed });
  return { name: `collectd ${versionOf('collectd-core')}`, interval, child, series: () => lists.size, stop: () => socket.close() };
}

// Parts of collectd's binary protocol: what values belong to, then how many there are.
function readCollectd(message, lists) {
  const names = {};
  for (let at = 0; at + 4 <= message.length;) {
    const type = message.readUInt16BE(at);
    const size = message.readUInt16BE(at + 2);
    if (size < 4 || at + size > message.length) return;
    if (type === 6) {
      for (let i = 0; i < message.readUInt16BE(at + 4); ++i) lists.add(`${[2, 3, 4, 5].map((part) => names[part]).join('/')}/${i}`);
    } else if (type >= 2 && type <= 5) {
      names[type] = message.subarray(at + 4, at + size - 1).toString();
      for (let part = type + 1; type % 2 === 0 && part <= type + 1; ++part) names[part] = '';
    }
    at += size;
  }
}

// Items of Zabbix' template "Linux by Zabbix agent active", discoveries of disks, file systems and devices as they would
// come out on this machine.
function zabbixItems() {
  const disks = fs.readdirSync('/sys/block').filter((disk) => !/^(loop|ram)/.test(disk));
  const devices = fs.readdirSync('/sys/class/net').filter((device) => device !== 'lo');
  return [
    'agent.ping', 'agent.version', 'agent.hostname', 'kernel.maxfiles', 'kernel.maxproc', 'proc.num', 'proc.num[,,run]', 'system.boottime',
    ...['user', 'system', 'nice', 'idle', 'iowait', 'softirq', 'interrupt', 'steal', 'guest', 'guest_nice'].map((mode) => `system.cpu.util[,${mode}]`),
    ...['avg1', 'avg5', 'avg15'].map((load) => `system.cpu.load[all,${load}]`), 'system.cpu.num', 'system.cpu.intr', 'system.cpu.switches',
    'system.hostname', 'system.localtime', 'system.sw.arch', 'system.sw.os', 'system.swap.size[,total]', 'system.swap.size[,free]', 'system.swap.size[,pfree]',
    'system.uname', 'system.uptime', 'system.users.num', 'vfs.file.cksum[/etc/passwd,sha256]', 'vm.memory.size[available]', 'vm.memory.size[pavailable]',
    'vm.memory.size[total]', ...['total', 'used', 'pused'].map((what) => `vfs.fs.size[/,${what}]`), 'vfs.fs.inode[/,pfree]',
    ...disks.map((disk) => `vfs.file.contents[/sys/block/${disk}/stat]`),
    ...devices.flatMap((device) => ['in', 'out'].flatMap((way) => ['', ',errors', ',dropped'].map((what) => `net.if.${way}[${device}${what}]`))),
    ...devices.map((device) => `vfs.file.contents[/sys/class/net/${device}/operstate]`),
  ];
}

// Zabbix agent 2 with active checks, which go to a stand-in of a server of ours: it hands out the items and takes the values.
export async function startZabbix(children, { interval, directory }) {
  const items = zabbixItems();
  const seen = new Set();
  const server = net.createServer((socket) => {
    let data = Buffer.alloc(0);
    socket.on('error', () => {});
    socket.on('data', (part) => {
      data = Buffer.concat([data, part]);
      if (data.length < 13 || data.length < 13 + data.readUInt32LE(5)) return;
      const body = data.subarray(13);
      const request = JSON.parse((data[4] & 2 ? zlib.inflateSync(body) : body).toString());
      for (const value of request.data ?? []) seen.add(value.itemid);
      const answer = Buffer.from(JSON.stringify(request.request === 'active checks' ?
        { response: 'success', data: items.map((key, i) => ({ key, key_orig: key, itemid: i + 1, delay: `${interval}s`, lastlogsize: 0, mtime: 0 })) } :
        { response: 'success', info: 'processed: 1; failed: 0; total: 1; seconds spent: 0' }));
      const head = Buffer.alloc(13);
      head.write('ZBXD\x01', 'latin1');
      head.writeUInt32LE(answer.length, 5);
      socket.end(Buffer.concat([head, answer]));
    });
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const file = path.join(directory, 'zabbix_agent2.conf');
  fs.writeFileSync(file, [
    'LogType=console', 'Hostname=bench', `ServerActive=127.0.0.1:${server.address().port}`, 'Server=127.0.0.1', 'ListenIP=127.0.0.1',
    `ListenPort=${await freePort()}`, `ControlSocket=${directory}/zabbix.sock`, `PluginSocket=${directory}/zabbix-plugin.sock`, '',
  ].join('\n'));
  const child = children.start('zabbix_agent2', 'zabbix_agent2', ['-c', file]);
  await eventually('Zabbix agent 2 sends', () => seen.size > 0, { timeout: 60000, signal: children.failed });
  return { name: `Zabbix agent 2 ${versionOf('zabbix-agent2')}`, interval, child, series: () => seen.size, stop: () => server.close() };
}

// Netdata as Debian configures it, but for where it keeps things; `every` seconds between readings.
export async function startNetdata(children, { directory: parent, every }) {
  const port = await freePort();
  const name = `netdata-${every}s`;
  const directory = path.join(parent, name);
  for (const folder of ['cache', 'lib', 'log', 'home']) fs.mkdirSync(path.join(directory, folder), { recursive: true });
  const file = path.join(directory, 'netdata.conf');
  fs.writeFileSync(file, [
    '[global]', '  run as user = root', '[directories]', ...['cache', 'lib', 'log', 'home'].map((folder) => `  ${folder} = ${directory}/${folder}`),
    '[db]', `  update every = ${every}`, '[web]', `  default port = ${port}`, '  bind to = 127.0.0.1', '',
  ].join('\n'));
  const child = children.start(name, 'netdata', ['-D', '-c', file, '-P', `${directory}/netdata.pid`]);
  const all = () => getText(`http://127.0.0.1:${port}/api/v1/allmetrics?format=prometheus`);
  await eventually('Netdata answers', all, { timeout: 60000, signal: children.failed });
  return { name: `Netdata ${versionOf('netdata-core')}, ${every} s`, interval: every, child, series: async () => seriesIn(await all()), stop: () => {} };
}
