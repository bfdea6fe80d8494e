// A throw-away certificate authority: EC keys, valid for 30 days, for tests and the demo only.
import { execFileSync } from 'node:child_process';
import { createPrivateKey, X509Certificate } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';

const days = 30;
const daysLeft = 5;  // less, and a certificate is made anew

// In a session of its own, so that Ctrl-C is for who called, and nothing is left half made.
function openssl(args, directory) {
  try {
    execFileSync('setsid', ['-w', 'openssl', ...args], { cwd: directory, stdio: 'pipe' });
  } catch (error) {
    throw new Error(`openssl ${args[0]} failed in ${directory}: ${error.stderr || error.message}`);
  }
}

function newKey(directory, file) {
  openssl(['ecparam', '-name', 'prime256v1', '-genkey', '-noout', '-out', file], directory);
  fs.chmodSync(path.join(directory, file), 0o600);
}

// The certificate of a set that can be used: whole, its key with it, issued by `ca` (itself where
// none is given), and not soon over. Nothing where it cannot.
function usable({ cert, key }, ca) {
  try {
    const certificate = new X509Certificate(fs.readFileSync(cert));
    const sound = certificate.checkPrivateKey(createPrivateKey(fs.readFileSync(key))) &&
      certificate.verify((ca ?? certificate).publicKey) &&
      Date.parse(certificate.validTo) - Date.now() > daysLeft * 86400e3;
    return sound ? certificate : undefined;
  } catch {
    return undefined;  // missing, cut off or damaged
  }
}

export class Authority {
  #issued = new Map();
  #making;  // what is being made lies here until it is whole

  // Makes the CA in `directory`, or takes the one that is there where it is usable.
  constructor(directory) {
    this.directory = directory;
    this.#making = path.join(directory, 'new');
    this.ca = path.join(directory, 'ca.pem');
    fs.mkdirSync(directory, { recursive: true, mode: 0o700 });
    const files = { cert: this.ca, key: path.join(directory, 'ca.key') };
    if (!usable(files)) this.#make(files, () => this.#makeAuthority());
    this.certificate = usable(files);
  }

  // A key and a certificate for the common name; `hosts` makes it a server's. `validDays` below 0: it has expired.
  issue(name, { hosts = [], validDays = days } = {}) {
    if (this.#issued.has(name)) return this.#issued.get(name);
    const files = { cert: path.join(this.directory, `${name}.pem`), key: path.join(this.directory, `${name}.key`) };
    if (!usable(files, this.certificate)) this.#make(files, () => this.#makeSet(name, hosts, validDays));
    this.#issued.set(name, files);
    return files;
  }

  // `work` leaves the files, by their names, in #making; then they take their places.
  #make(files, work) {
    fs.rmSync(this.#making, { recursive: true, force: true });
    fs.mkdirSync(this.#making, { mode: 0o700 });
    work();
    for (const file of [files.key, files.cert]) fs.renameSync(path.join(this.#making, path.basename(file)), file);
    fs.rmSync(this.#making, { recursive: true });
  }

  #makeAuthority() {
    newKey(this.#making, 'ca.key');
    openssl(['req', '-x509', '-new', '-key', 'ca.key', '-sha256', '-days', String(days), '-out', 'ca.pem',
      '-subj', '/CN=Hai Dang throw-away CA', '-addext', 'keyUsage=critical,keyCertSign,cRLSign'], this.#making);
  }

  #makeSet(name, hosts, validDays) {
    newKey(this.#making, `${name}.key`);
    openssl(['req', '-new', '-key', `${name}.key`, '-out', `${name}.csr`, '-subj', `/CN=${name}`], this.#making);
    const names = [...new Set(hosts)].map((host) => (/^[\d.]+$/.test(host) ? `IP:${host}` : `DNS:${host}`));
    fs.writeFileSync(path.join(this.#making, `${name}.ext`), [
      'basicConstraints=critical,CA:FALSE',
      'keyUsage=critical,digitalSignature',
      `extendedKeyUsage=${hosts.length > 0 ? 'serverAuth' : 'clientAuth'}`,
      ...(names.length > 0 ? [`subjectAltName=${names.join(',')}`] : []),
    ].join('\n'));
    openssl(['x509', '-req', '-in', `${name}.csr`, '-CA', '../ca.pem', '-CAkey', '../ca.key',
      '-sha256', '-days', String(validDays), '-extfile', `${name}.ext`, '-out', `${name}.pem`], this.#making);
  }
}
