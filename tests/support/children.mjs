// Child processes that never outlive us: ended on exit, on SIGINT and SIGTERM, and by the kernel when
// this process is killed. Nothing else is ever signalled.
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';

function tail(file, lines = 15) {
  const text = fs.existsSync(file) ? fs.readFileSync(file, 'utf8').trimEnd() : '';
  return text.split('\n').slice(-lines).join('\n');
}

export class Child {
  constructor(name, logFile, process) {
    this.name = name;
    this.logFile = logFile;
    this.process = process;
    this.pid = process.pid;
    this.expected = false;  // to end
    this.exit = new Promise((resolve) => {
      process.once('error', (error) => resolve((this.ended = { error })));
      process.once('exit', (code, signal) => resolve((this.ended = { code, signal })));
    });
  }

  get running() {
    return !this.ended;
  }
  log() {
    return fs.readFileSync(this.logFile, 'utf8');
  }
  lastWords(lines = 15) {
    return tail(this.logFile, lines);
  }
  kill(signal = 'SIGTERM') {
    this.expected = true;
    if (this.running) this.process.kill(signal);
  }

  // Ends it in an orderly way, by force after `patience` ms; gives {code, signal, ms}.
  async stop(patience = 10000) {
    const start = Date.now();
    this.kill('SIGTERM');
    const timer = setTimeout(() => this.running && this.process.kill('SIGKILL'), patience);
    const ended = await this.exit;
    clearTimeout(timer);
    return { ...ended, ms: Date.now() - start };
  }
}

const everybody = new Set();  // of Children
process.once('exit', () => everybody.forEach((children) => children.killAll()));

export class Children {
  #all = [];
  #logs;
  #failure = new AbortController();

  constructor(logDirectory) {
    this.#logs = logDirectory;
    fs.mkdirSync(logDirectory, { recursive: true });
    everybody.add(this);
  }

  // Aborted, with the child's last words as reason, when a child ends that nobody stopped.
  get failed() {
    return this.#failure.signal;
  }
  get running() {
    return this.#all.filter((child) => child.running);
  }

  // Starts `command` with its output appended to <name>.log. A session of its own keeps the
  // terminal's Ctrl-C from it: stopping is our work.
  start(name, command, args, { cwd, env } = {}) {
    const logFile = path.join(this.#logs, `${name}.log`);
    const log = fs.openSync(logFile, 'a');
    const started = spawn('setpriv', ['--pdeathsig', 'KILL', '--', command, ...args], {
      cwd,
      env: { ...process.env, ...env, PATH: `${process.env.PATH}:/usr/sbin:/sbin` },
      stdio: ['ignore', log, log],
      detached: true,
    });
    fs.closeSync(log);
    const child = new Child(name, logFile, started);
    this.#all.push(child);
    child.exit.then((how) => {
      if (child.expected) return;
      const why = how.error ? how.error.message : how.signal ?? `exit ${how.code}`;
      const words = child.lastWords();
      this.#failure.abort(new Error(`${name} ended by itself (${why}); its last words:\n${words}`));
    });
    return child;
  }

  killAll() {
    for (const child of this.running) child.kill('SIGKILL');
  }
}
