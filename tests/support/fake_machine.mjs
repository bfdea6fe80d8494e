// A machine for an agent to read (--root): a directory whose /proc counts on from second to second as a machine's does
// under the load that the test gives it. What it has of the network is real: that of the agent's own namespace.
import { randomUUID } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';

const hz = 100;  // ticks a second in /proc/stat
const sectorBytes = 512;

// Shares are of all processors, of the time, of the memory.
export const idle = {
  cpu: 0.06, iowait: 0.01, load: 0.3, running: 1, blocked: 0,
  diskBusy: 0.02, diskOps: 12, diskMs: 1.2,  // ms: of one operation
  memory: 0.42, swapPages: 0, oomKills: 0,
  cpuPressure: 0.01, memoryPressure: 0, ioPressure: 0.01,
};

export class FakeMachine {
  #root;
  #at = Date.now();
  #counted = {
    user: 0, system: 0, idle: 0, iowait: 0, ops: 0, opMs: 0, busyMs: 0, weightedMs: 0,
    swapped: 0, killed: 0, cpuStall: 0, memoryStall: 0, ioStall: 0,
  };
  #load = [idle.load, idle.load, idle.load];

  constructor(root, { cpus = 4, memoryKb = 8 * 1024 * 1024 } = {}) {
    Object.assign(this, { cpus, memoryKb });
    this.#root = root;
    this.bootedAt = Date.now() - 5 * 86400e3;
    this.now = { ...idle };  // what it is under; written to by the test
    for (const directory of ['proc/sys/kernel/random', 'proc/pressure', 'proc/1', 'sys/class/net/eth0', 'etc']) {
      fs.mkdirSync(path.join(root, directory), { recursive: true });
    }
    for (const [link, target] of [['proc/net', '/proc/self/net'], ['proc/self', '/proc/self']]) {
      fs.symlinkSync(target, path.join(root, link));
    }
    this.write('proc/sys/kernel/random/boot_id', `${randomUUID()}\n`);
    this.write('proc/1/mountinfo', '22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw,errors=remount-ro\n');
    for (const [file, text] of Object.entries({
      operstate: 'up', carrier: 1, speed: 1000, duplex: 'full', mtu: 1500, carrier_changes: 2, address: '02:00:00:00:00:01',
    })) this.write(`sys/class/net/eth0/${file}`, `${text}\n`);
    this.#count(4 * 3600);
    this.#tell();
  }

  write(file, text) {
    fs.writeFileSync(path.join(this.#root, file), text);
  }

  // Time has passed until now.
  tick() {
    const now = Date.now();
    this.#count((now - this.#at) / 1000);
    this.#at = now;
    this.#tell();
  }

  #count(seconds) {
    const { now, cpus } = this;
    const c = this.#counted;
    const all = seconds * hz * cpus;
    c.user += all * now.cpu * 0.8;
    c.system += all * now.cpu * 0.2;
    c.iowait += all * now.iowait;
    c.idle += all * Math.max(0, 1 - now.cpu - now.iowait);
    c.ops += seconds * now.diskOps;
    c.opMs += seconds * now.diskOps * now.diskMs;
    c.busyMs += seconds * 1000 * now.diskBusy;
    c.weightedMs += seconds * now.diskOps * now.diskMs;
    c.swapped += seconds * now.swapPages;
    c.killed += seconds * now.oomKills;
    for (const [kind, share] of [['cpu', now.cpuPressure], ['memory', now.memoryPressure], ['io', now.ioPressure]]) {
      c[`${kind}Stall`] += seconds * 1e6 * share;
    }
    this.#load = [60, 300, 900].map((span, i) => {
      const kept = Math.exp(-Math.min(seconds, 60) / span);
      return this.#load[i] * kept + now.load * (1 - kept);
    });
  }

  #tell() {
    const { now, cpus, memoryKb } = this;
    const c = Object.fromEntries(Object.entries(this.#counted).map(([key, value]) => [key, Math.floor(value)]));
    const row = (name, share) => `${name} ${[c.user, 0, c.system, c.idle, c.iowait, 0, 0, 0, 0, 0]
      .map((ticks) => Math.floor(ticks / share)).join(' ')}`;
    this.write('proc/stat', [
      row('cpu ', 1), ...Array.from({ length: cpus }, (_, i) => row(`cpu${i}`, cpus)), 'intr 5231871 0 9', 'ctxt 9812331',
      `btime ${Math.floor(this.bootedAt / 1000)}`, 'processes 20131', `procs_running ${now.running}`,
      `procs_blocked ${now.blocked}`, 'softirq 1871213 1 412331 12 98123 71231 0 8812 612312 0 521313', '',
    ].join('\n'));
    this.write('proc/loadavg', `${this.#load.map((l) => l.toFixed(2)).join(' ')} ${now.running}/213 20131\n`);
    const up = (Date.now() - this.bootedAt) / 1000;
    this.write('proc/uptime', `${up.toFixed(2)} ${(up * cpus * 0.9).toFixed(2)}\n`);
    const available = Math.round(memoryKb * (1 - now.memory));
    this.write('proc/meminfo', Object.entries({
      MemTotal: memoryKb, MemFree: Math.round(available * 0.3), MemAvailable: available, Buffers: Math.round(available * 0.1),
      Cached: Math.round(available * 0.5), SwapCached: 0, Active: 1512332, Inactive: 1612312, SwapTotal: 2097148,
      SwapFree: now.swapPages > 0 ? 40112 : 2090112, Dirty: 412, Writeback: 0, Slab: 171212, SReclaimable: 121000,
    }).map(([key, kb]) => `${`${key}:`.padEnd(16)} ${String(kb).padStart(8)} kB\n`).join(''));
    this.write('proc/vmstat', `nr_free_pages 102333\npgpgin 9123456\npgpgout 8123456\npswpin ${c.swapped}\npswpout ${c.swapped}\n` +
      `pgfault 71234567\npgmajfault ${34567 + c.swapped}\noom_kill ${c.killed}\n`);
    const disk = [c.ops, 0, c.ops * 8, c.opMs, c.ops, 0, c.ops * 8 * 4096 / sectorBytes, c.opMs, now.blocked, c.busyMs, c.weightedMs * 2,
      0, 0, 0, 0, 0, 0].map(Math.floor).join(' ');
    this.write('proc/diskstats', `   8       0 sda ${disk}\n   8       1 sda1 ${disk}\n`);
    const pressure = (share, stalled) => {
      const percent = (share * 100).toFixed(2);
      return `avg10=${percent} avg60=${percent} avg300=${percent} total=${stalled}`;
    };
    this.write('proc/pressure/cpu', `some ${pressure(now.cpuPressure, c.cpuStall)}\nfull ${pressure(0, 0)}\n`);
    for (const [kind, share, stalled] of [['memory', now.memoryPressure, c.memoryStall], ['io', now.ioPressure, c.ioStall]]) {
      this.write(`proc/pressure/${kind}`, `some ${pressure(share, stalled)}\nfull ${pressure(share * 0.7, Math.floor(stalled * 0.7))}\n`);
    }
  }
}
