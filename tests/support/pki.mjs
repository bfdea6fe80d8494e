// A throw-away certificate authority: EC keys, valid for 30 days, for tests and the demo only.
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';

const days = 30;

function openssl(args, directory) {
  try {
    execFileSync('openssl', args, { cwd: directory, stdio: 'pipe' });
  } catch (error) {
    throw new Error(`openssl ${args[0]} failed in ${directory}: ${error.stderr ?? error.message}`);
  }
}

function newKey(directory, file) {
  openssl(['ecparam', '-name', 'prime256v1', '-genkey', '-noout', '-out', file], directory);
  fs.chmodSync(path.join(directory, file), 0o600);
}

export class Authority {
  #issued = new Map();

  // Makes the CA in `directory`, or takes the one that is there while it is young enough.
  constructor(directory) {
    this.directory = directory;
    this.ca = path.join(directory, 'ca.pem');
    fs.mkdirSync(directory, { recursive: true, mode: 0o700 });
    const age = fs.existsSync(this.ca) ? Date.now() - fs.statSync(this.ca).mtimeMs : Infinity;
    this.fresh = age > (days - 5) * 86400e3;
    if (!this.fresh) return;
    newKey(directory, 'ca.key');
    openssl(['req', '-x509', '-new', '-key', 'ca.key', '-sha256', '-days', String(days), '-out', 'ca.pem',
      '-subj', '/CN=Hai Dang throw-away CA', '-addext', 'keyUsage=critical,keyCertSign,cRLSign'], directory);
  }

  // A key and a certificate for the common name; `hosts` makes it a server's.
  issue(name, { hosts = [] } = {}) {
    if (this.#issued.has(name)) return this.#issued.get(name);
    const files = { cert: path.join(this.directory, `${name}.pem`), key: path.join(this.directory, `${name}.key`) };
    this.#issued.set(name, files);
    if (!this.fresh && fs.existsSync(files.cert)) return files;
    newKey(this.directory, `${name}.key`);
    openssl(['req', '-new', '-key', `${name}.key`, '-out', `${name}.csr`, '-subj', `/CN=${name}`], this.directory);
    const names = [...new Set(hosts)].map((host) => (/^[\d.]+$/.test(host) ? `IP:${host}` : `DNS:${host}`));
    fs.writeFileSync(path.join(this.directory, `${name}.ext`), [
      'basicConstraints=critical,CA:FALSE',
      'keyUsage=critical,digitalSignature',
      `extendedKeyUsage=${hosts.length > 0 ? 'serverAuth' : 'clientAuth'}`,
      ...(names.length > 0 ? [`subjectAltName=${names.join(',')}`] : []),
    ].join('\n'));
    openssl(['x509', '-req', '-in', `${name}.csr`, '-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial',
      '-sha256', '-days', String(days), '-extfile', `${name}.ext`, '-out', `${name}.pem`], this.directory);
    fs.rmSync(path.join(this.directory, `${name}.csr`));
    fs.rmSync(path.join(this.directory, `${name}.ext`));
    return files;
  }
}
