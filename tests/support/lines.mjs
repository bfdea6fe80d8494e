// The lines between namespaces (tests/support/wan): each can be made late, slow, lossy, narrow or dead while it is used.
import { spawn } from 'node:child_process';
import path from 'node:path';
import readline from 'node:readline';

import { spaceFile } from './spaces.mjs';

const untouched = { delay_ms: 0, jitter_ms: 0, loss: 0, rate_kbit: 0, mtu: 0, down: 0, tls_delay_ms: 0 };

export class Lines {
  #usual = new Map();  // line → what it is like when all is well
  #waiting = [];

  constructor(bin) {
    this.process = spawn('setpriv', ['--pdeathsig', 'KILL', '--', path.join(path.resolve(bin), 'haidang-wan')],
      { stdio: ['pipe', 'pipe', 'inherit'] });
    readline.createInterface({ input: this.process.stdout }).on('line', (line) => {
      const { resolve, reject, command } = this.#waiting.shift();
      if (line === 'ok') resolve();
      else reject(new Error(`${command}: ${line}`));
    });
    this.process.on('exit', (code) => {
      for (const { reject } of this.#waiting.splice(0)) reject(new Error(`haidang-wan ended with ${code}`));
    });
  }

  // A line between two devices, [namespace, device] each; `usual`: its shape.
  async make(name, [spaceA, deviceA], [spaceB, deviceB], usual = {}) {
    await this.#say(`line ${name} ${spaceFile(spaceA)} ${deviceA} ${spaceFile(spaceB)} ${deviceB}`);
    this.#usual.set(name, usual);
    await this.heal(name);
  }

  // Shapes a line: delay_ms, jitter_ms, loss (%), rate_kbit, mtu (larger packets vanish), down, tls_delay_ms; with 'ab.' or
  // 'ba.' before it from its first end to its second only, or back. What is not named stays.
  shape(name, values) {
    return this.#say(`set ${name} ${Object.entries(values).map(([key, value]) => `${key}=${Number(value)}`).join(' ')}`);
  }
  // A line is as usual again; all of them without a name.
  async heal(name) {
    const names = name ? [name] : [...this.#usual.keys()];
    await Promise.all(names.map((one) => this.shape(one, { ...untouched, ...this.#usual.get(one) })));
  }

  stop() {
    this.process.stdin.end();
  }

  #say(command) {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject, command });
      this.process.stdin.write(`${command}\n`);
    });
  }
}
