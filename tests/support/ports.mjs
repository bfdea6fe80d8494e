// Free TCP ports on loopback, claimed so that tests that run at the same time do not get the same.
import fs from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';

// Below the range from which outgoing connections take theirs, so that none slips in.
const first = 20000;
const last = 31999;
const claims = path.join(os.tmpdir(), `haidang-ports-${process.getuid()}`);
const mine = new Set();

// True where nobody listens on the port.
export function isFree(port) {
  return new Promise((resolve) => {
    const server = net.createServer();
    server.once('error', () => resolve(false));
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () => server.close(() => resolve(true)));
  });
}

function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}

function claim(port) {
  const file = path.join(claims, String(port));
  for (let attempt = 0; attempt < 2; ++attempt) {
    try {
      fs.writeFileSync(file, String(process.pid), { flag: 'wx' });
      mine.add(file);
      return true;
    } catch (error) {
      if (error.code !== 'EEXIST') throw error;
      const owner = Number(fs.readFileSync(file, 'utf8') || 'NaN');
      if (Number.isNaN(owner) || isAlive(owner)) return false;
      fs.rmSync(file, { force: true });  // its claimer is gone
    }
  }
  return false;
}

process.on('exit', () => {
  for (const file of mine) fs.rmSync(file, { force: true });
});

// A port that stays ours until this process ends.
export async function freePort() {
  fs.mkdirSync(claims, { recursive: true, mode: 0o700 });
  for (let attempt = 0; attempt < 1000; ++attempt) {
    const port = first + Math.floor(Math.random() * (last - first));
    if (claim(port) && (await isFree(port))) return port;
  }
  throw new Error(`no free port between ${first} and ${last}`);
}
