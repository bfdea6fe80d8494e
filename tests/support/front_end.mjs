// A front end of the portal: a real nginx with TLS before the stand-in one-stop system, in a namespace of its own.
import fs from 'node:fs';
import path from 'node:path';

import { pause } from './wait.mjs';

// For `passing`: pages come as large as they are, so that how fast they are sent is felt.
export const uncompressed = 'proxy_set_header Accept-Encoding "";';

const usual = { extra: '', body: '', passing: '' };

export class FrontEnd {
  // children: of children.mjs; before: what stands before its command (spaces.mjs); target: "10.0.0.1:8080"; listen: the port;
  // body: what it answers by itself, without a target, with 200.
  constructor(children, directory, { name, before, target, listen = 443, certificate, body }) {
    Object.assign(this, { children, directory, name, before, target, listen, certificate, body });
    fs.mkdirSync(directory, { recursive: true });
    this.now = { certificate, ...usual };
  }

  // `certificate`: {cert, key}; `extra`: lines of the server section, `body`: what it does with a request instead of passing it on,
  // `passing`: what else it does when it passes one on.
  #write() {
    const { certificate, extra, body, passing } = this.now;
    const pass = this.body !== undefined ? `default_type text/html; return 200 '${this.body}';`
      : `proxy_pass http://${this.target}; proxy_connect_timeout 2s; proxy_read_timeout 60s; proxy_set_header Host $host; ${passing}`;
    fs.writeFileSync(path.join(this.directory, 'nginx.conf'), `
daemon off; user root; worker_processes 1; pid ${this.directory}/pid; error_log ${this.directory}/error.log warn;
worker_shutdown_timeout 1s;
events { worker_connections 512; }
http {
  access_log off; client_body_temp_path ${this.directory}/body; proxy_temp_path ${this.directory}/proxy;
  fastcgi_temp_path ${this.directory}/fastcgi; uwsgi_temp_path ${this.directory}/uwsgi; scgi_temp_path ${this.directory}/scgi;
  server {
    listen ${this.listen} ssl; ssl_certificate ${certificate.cert}; ssl_certificate_key ${certificate.key};
    ssl_buffer_size 2k;
    ${extra}
    location / { ${body || pass} }
  }
}
`);
  }

  start() {
    this.#write();
    const [first, ...rest] = [...this.before, 'nginx', '-p', this.directory, '-e', path.join(this.directory, 'error.log'),
      '-c', path.join(this.directory, 'nginx.conf')];
    this.child = this.children.start(this.name, first, rest);
  }
  async stop() {
    await this.child.stop();
  }

  async set(changes) {
    this.now = { ...this.now, ...changes };
    await this.#apply();
  }
  // As it was, running.
  async heal() {
    const well = { certificate: this.certificate, ...usual };
    const same = JSON.stringify(well) === JSON.stringify(this.now);
    this.now = well;
    if (!this.child.running) this.start();
    else if (!same) await this.#apply();
  }
  async #apply() {
    this.#write();
    this.child.process.kill('SIGHUP');
    await pause(400);  // it says nowhere when it has taken its configuration
  }
}
