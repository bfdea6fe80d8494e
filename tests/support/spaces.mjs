// Network namespaces of a made-up province, all inside namespaces of our own: whatever happens to this process, the
// kernel takes them and every program in them away. Nothing of the machine's own network is touched.
import { execFile, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';

const inside = process.env.HAIDANG_IN_SPACES;  // the directory where namespaces lie bound
const run = promisify(execFile);

// Runs the program again in network, mount and process namespaces of its own, and ends as it ends; inside it returns ''.
// Where none can be made: why. Needs root.
export function enterSpaces() {
  if (inside) return '';
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'haidang-spaces-'));
  const go = (command, options) => spawnSync('setpriv', ['--pdeathsig', 'KILL', '--',
    'unshare', '--net', '--mount', '--pid', '--fork', '--kill-child=KILL', '--mount-proc', '--',
    'sh', '-c', 'ip link set lo up && mount -t tmpfs spaces "$0" && { "$@"; exit $?; }', directory, ...command], options);
  try {
    const tried = go(['test', '-c', '/dev/net/tun'], { encoding: 'utf8' });
    if (tried.status !== 0) {
      return `no namespaces can be made here (needs root, CAP_SYS_ADMIN and /dev/net/tun): ${(tried.error?.message ?? tried.stderr).trim()}`;
    }
    const ended = go([process.execPath, ...process.argv.slice(1)],
      { stdio: 'inherit', env: { ...process.env, HAIDANG_IN_SPACES: directory } });
    process.exitCode = ended.status ?? 1;
  } finally {
    fs.rmSync(directory, { recursive: true, force: true });
  }
  process.exit();
}

// The file that stands for a namespace; '-' is our own.
export const spaceFile = (name) => (name === '-' ? '-' : path.join(inside, name));

// What stands before a command that is to run in a namespace, with its own resolv.conf where one is given.
export function within(name, resolvConf) {
  const enter = name === '-' ? [] : ['nsenter', `--net=${spaceFile(name)}`, '--'];
  if (!resolvConf) return enter;
  return [...enter, 'unshare', '--mount', '--', 'sh', '-c', 'mount --bind "$0" /etc/resolv.conf && exec "$@"', resolvConf];
}

// Runs lines of shell in a namespace, stopping at the first that fails; gives what they say.
export async function shell(name, lines, { timeout = 20000 } = {}) {
  const [first, ...rest] = [...within(name), 'sh', '-ec', [lines].flat().join('\n')];
  try {
    return (await run(first, rest, { timeout })).stdout;
  } catch (error) {
    throw new Error(`in ${name}: ${(error.stderr || error.message).trim()}`);
  }
}

// Makes a namespace, with loopback and IPv4 only. Any program in it may send echoes; it forwards packets.
export async function makeSpace(name) {
  const file = spaceFile(name);
  fs.writeFileSync(file, '');
  await run('unshare', [`--net=${file}`, 'true']);
  await shell(name, [
    'echo 1 > /proc/sys/net/ipv6/conf/all/disable_ipv6', 'echo 1 > /proc/sys/net/ipv6/conf/default/disable_ipv6',
    'ip link set lo up', 'echo 1 > /proc/sys/net/ipv4/ip_forward', "echo '0 2147483647' > /proc/sys/net/ipv4/ping_group_range",
    'echo 0 > /proc/sys/net/ipv4/conf/all/send_redirects', 'echo 0 > /proc/sys/net/ipv4/conf/default/send_redirects',
    'echo 0 > /proc/sys/net/ipv4/icmp_ratelimit',
  ]);
}
