// The server with a made-up province behind it: what a real one would take hours or damage to show.
import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { after } from 'node:test';
import { fileURLToPath } from 'node:url';

import { artefacts, bin, temporary } from '../e2e/harness.mjs';
import { Children } from '../support/children.mjs';
import { serverConfig, sitesFile, writeToml } from '../support/configs.mjs';
import { getJson } from '../support/http.mjs';
import { freePort } from '../support/ports.mjs';
import { eventually } from '../support/wait.mjs';

const fakeCollector = fileURLToPath(new URL('../server/fake_collector.mjs', import.meta.url));

export class Province {
  // Stopped after the tests of this file. `machines`: how many.
  static async start(machines) {
    const province = new Province();
    await province.#start(machines);
    return province;
  }

  // An order for the made-up collector (tests/server/fake_collector.mjs); gives the machines' names.
  steer(order) {
    return getJson(`http://127.0.0.1:${this.ports.query}/control`, { method: 'POST', body: JSON.stringify(order) });
  }

  async machine(name) {
    return (await getJson(`${this.page}/api/v1/overview`)).machines.find((at) => at.machine === name);
  }

  async #start(machines) {
    this.state = temporary();
    this.ports = { page: await freePort(), query: await freePort(), metrics: await freePort() };
    this.page = `http://127.0.0.1:${this.ports.page}`;
    this.secretFile = path.join(this.state, 'secret');
    const secret = randomBytes(16).toString('hex');
    fs.writeFileSync(this.secretFile, `${secret}\n`, { mode: 0o640 });
    const config = path.join(this.state, 'server.toml');
    writeToml(config, serverConfig({ ...this, objectives: [], directory: () => path.join(this.state, 'server') }));
    const children = new Children(path.join(artefacts, 'province'));
    children.start('collector', process.execPath, [fakeCollector, this.ports.query, secret, machines, sitesFile].map(String));
    const server = children.start('server', path.join(bin, 'haidang-server'), ['--config', config]);
    after(async () => {
      await server.stop();
      children.killAll();
    });
    await eventually('the made-up province is known', async () => {
      this.machines = (await getJson(`${this.page}/api/v1/machines`)).machines;
      return this.machines.length === machines;
    }, { signal: children.failed });
  }
}
