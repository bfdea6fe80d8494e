// The clocks of programs that a test starts: a wall clock that is wrong or steps, time that runs faster
// (tests/support/clock/shifted_clock.cc).
import fs from 'node:fs';
import path from 'node:path';

const size = 127;  // as shifted_clock.cc reads

export class ShiftedClock {
  #offsetMs = 0;
  #rate = 1;
  #real = process.hrtime.bigint();  // CLOCK_MONOTONIC, as the library has it
  #shown = this.#real;

  // bin: build/<preset>/bin. The programs that are started with `env` live by `file`.
  constructor(bin, file) {
    this.file = file;
    this.env = { LD_PRELOAD: path.join(path.resolve(bin), 'haidang-shifted-clock.so'), HAIDANG_TEST_CLOCK: file };
    fs.writeFileSync(file, ''.padEnd(size + 1));
    this.#write();
  }

  // How far the wall clock is ahead of the programs' own time, from now on.
  set offsetMs(ms) {
    this.#offsetMs = Math.round(ms);
    this.#write();
  }
  // How fast time passes from now on; it does not jump.
  set rate(rate) {
    const now = process.hrtime.bigint();
    this.#shown += BigInt(Math.round(Number(now - this.#real) * this.#rate));
    this.#real = now;
    this.#rate = rate;
    this.#write();
  }
  // What its wall clock shows now.
  get wallMs() {
    const now = process.hrtime.bigint();
    const shown = this.#shown + BigInt(Math.round(Number(now - this.#real) * this.#rate));
    return Date.now() + Number((shown - now) / 1000000n) + this.#offsetMs;
  }

  #write() {
    const fd = fs.openSync(this.file, 'r+');
    fs.writeSync(fd, `${this.#offsetMs} ${this.#rate} ${this.#real} ${this.#shown}`.padEnd(size), 0);
    fs.closeSync(fd);
  }
}
