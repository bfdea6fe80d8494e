// ./dev demo: a small province on loopback until Ctrl-C; with --check until live data was seen everywhere.
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';

import { liveEverywhere } from './live.mjs';
import { portCount, Stack } from './stack.mjs';

function usage(problem) {
  console.error(`demo: ${problem}\nusage: ./dev demo [--check] [--state DIR] [--port-base N] [--interval SECONDS] [--timeout SECONDS]`);
  process.exit(2);
}

function options() {
  let values;
  try {
    ({ values } = parseArgs({
      options: {
        bin: { type: 'string' },
        check: { type: 'boolean', default: false },
        state: { type: 'string', default: '.demo' },
        'port-base': { type: 'string', default: '18080' },
        interval: { type: 'string', default: '5' },
        timeout: { type: 'string', default: '120' },
      },
    }));
  } catch (error) {
    usage(error.message);
  }
  const number = (name, low, high) => {
    const value = Number(values[name]);
    if (!Number.isInteger(value) || value < low || value > high) {
      usage(`--${name} must be a whole number from ${low} to ${high}, not "${values[name]}"`);
    }
    return value;
  };
  if (values.state === '') usage('--state needs a directory');
  return {
    bin: values.bin, check: values.check, state: path.resolve(values.state),
    portBase: number('port-base', 1024, 65536 - portCount), interval: number('interval', 1, 3600),
    timeout: number('timeout', 1, 3600) * 1000,
  };
}

// One demo a directory: two would share databases.
function lock(state) {
  const file = path.join(state, 'demo.pid');
  try {
    execFileSync('mkdir', ['-p', '--', state], { stdio: 'pipe' });  // Node's own never returns below /proc
    fs.accessSync(state, fs.constants.W_OK);
  } catch (error) {
    const why = String(error.stderr ?? error.message).trim();
    throw new Error(`--state ${state} cannot be used (${why}): choose a directory that you may write in`);
  }
  if (fs.existsSync(file)) {
    const pid = Number(fs.readFileSync(file, 'utf8'));
    const command = `/proc/${pid}/cmdline`;
    if (fs.existsSync(command) && fs.readFileSync(command, 'utf8').includes('demo.mjs')) {
      throw new Error(`a demo (process ${pid}) uses ${state} already: stop it, or choose another --state`);
    }
  }
  fs.writeFileSync(file, `${process.pid}\n`);
  process.once('exit', () => fs.rmSync(file, { force: true }));
}

const chosen = options();
const begun = Date.now();
const say = (text) => console.log(`[${((Date.now() - begun) / 1000).toFixed(1).padStart(5)} s] ${text}`);

let stack;
let stopping;
let status = 0;

async function stop() {
  say('stopping what was started');
  const ended = await stack.stop();
  for (const [name, how] of Object.entries(ended)) {
    if (how.code === 0) continue;
    say(`${name} ended with ${how.signal ?? how.code}; its log: ${path.join(chosen.state, 'log', `${name}.log`)}`);
    status ||= 1;
  }
  say(status === 0 ? 'everything has stopped' : 'stopped, with faults');
  process.exit(status);
}

// The first signal stops in order, the second at once.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
  process.on(signal, () => {
    if (stopping) {
      stack?.killAll();
      process.exit(130);
    }
    if (chosen.check) {
      say(`interrupted by ${signal}`);
      status = 130;
    }
    stopping = stack ? stop() : process.exit(status);
  });
}

function fail(error) {
  console.error(`demo: ${error.message}`);
  status = 1;
  if (!stack) process.exit(1);
  stopping ??= stop();
}

try {
  lock(chosen.state);
  stack = new Stack({ ...chosen, dossiers: 20000, probe: false, journey: true });
  await stack.start(say);
  stack.failed.addEventListener('abort', () => stopping || fail(stack.failed.reason));
  if (chosen.check) {
    for (const line of await liveEverywhere(stack, { timeout: chosen.timeout, progress: say })) say(line);
    stopping ??= stop();
  } else {
    say('');
    say(`The page:            ${stack.urls.page}/`);
    say(`Journeys:            ${stack.urls.page}/journeys`);
    say(`Metrics:             ${stack.urls.metrics}/metrics/fleet`);
    say(`One-stop system:     ${stack.urls.onestop}/ (sign in: canbo / motcua)`);
    say(`  make it fail:      curl -d '' '${stack.urls.onestopControl}/_dieu-khien/mode?value=error500' (or refuse, hang, wrong-content, ok)`);
    say(`  make it slow:      curl -d '' '${stack.urls.onestopControl}/_dieu-khien/dossiers?add=500000'`);
    say(`Logs and databases:  ${chosen.state}`);
    say('Ctrl-C stops everything.');
  }
} catch (error) {
  if (!stopping) fail(error);
}
