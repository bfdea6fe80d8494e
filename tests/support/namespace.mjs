// A network (and mount) namespace of its own for a test file, which is run again inside it.
import { execFileSync, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';

const inside = process.env.HAIDANG_IN_NAMESPACE === '1';

// Runs the program again in a network namespace whose loopback is up, with the texts of `files` ({path: text}) in place
// of the machine's files and `env` added, and ends as it ends. Inside it returns ''; where no namespace can be made, why.
// `processes`: also one of processes, so that none stays behind, whatever user it became.
export function enterNamespace({ files = {}, env = {}, processes = false } = {}) {
  if (inside) return '';
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'haidang-namespace-'));
  const setUp = ['ip link set lo up'];
  for (const [target, text] of Object.entries(files)) {
    const file = path.join(directory, path.basename(target));
    fs.writeFileSync(file, text);
    setUp.push(`mount --bind '${file}' '${target}'`);
  }
  const run = (command, options) => spawnSync('setpriv', [
    '--pdeathsig', 'KILL', '--', 'unshare', '--net', '--mount', ...(processes ? ['--pid', '--fork', '--kill-child', '--mount-proc'] : []), '--', 'sh', '-c', `${setUp.join(' && ')} && exec "$@"`, 'sh', ...command,
  ], options);
  try {
    const tried = run(['true'], { encoding: 'utf8' });
    if (tried.status !== 0) {
      return `no namespace can be made here (needs root and CAP_SYS_ADMIN): ${(tried.error?.message ?? tried.stderr).trim()}`;
    }
    const ended = run([process.execPath, ...process.argv.slice(1)],
      { stdio: 'inherit', env: { ...process.env, ...env, HAIDANG_IN_NAMESPACE: '1' } });
    process.exitCode = ended.status ?? 1;
  } finally {
    fs.rmSync(directory, { recursive: true });
  }
  process.exit();
}

// Runs a command, in our namespace where there is one; why it cannot be done, or ''.
export function cannot(...command) {
  const { status, stderr, error } = spawnSync(command[0], command.slice(1), { encoding: 'utf8' });
  return status === 0 ? '' : `${command[0]}: ${(error?.message ?? stderr).trim().split('\n')[0]}`;
}

// What a command says; throws where it fails.
export function says(...command) {
  return execFileSync(command[0], command.slice(1), { encoding: 'utf8' });
}
