// A collector and a server whose disk takes nothing when they start: they wait for it, say why, and begin once
// something can be stored. Nobody has to start them again.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

import { stays } from '../support/wait.mjs';
import { count, makeStack, smallDisk } from './harness.mjs';

const stack = await makeStack({ start: false, agents: [], probe: false });
await stack.startBroker();

const mount = (...args) => assert.equal(spawnSync('mount', args).status, 0, `mount ${args.join(' ')}`);
const troubles = {
  full: {
    options: '',
    begin: (directory) => spawnSync('dd', ['if=/dev/zero', `of=${path.join(directory, 'fill')}`, 'bs=4k']),
    end: (directory) => fs.rmSync(path.join(directory, 'fill')),
    reason: /full/,
  },
  'read-only': { options: ',ro', begin: () => {}, end: (directory) => mount('-o', 'remount,rw', directory), reason: /[Rr]ead-only/ },
};
const programs = {
  collector: { config: 'collector/collector.toml', launch: () => stack.launchCollector(), url: () => stack.urls.metrics, work: '/metrics/fleet' },
  server: { config: 'server/server.toml', launch: () => stack.launchServer(), url: () => stack.urls.page, work: '/api/v1/overview' },
};

for (const [name, program] of Object.entries(programs)) {
  for (const [what, trouble] of Object.entries(troubles)) {
    test(`a ${name} whose disk is ${what} at the start waits for it`, async (t) => {
      const directory = smallDisk(t, trouble.options);
      if (!directory) return;
      trouble.begin(directory);
      const config = path.join(stack.state, program.config);
      const text = fs.readFileSync(config, 'utf8');
      fs.writeFileSync(config, text.replace(/^directory = .*$/m, `directory = ${JSON.stringify(path.join(directory, 'state'))}`));
      const logFile = path.join(stack.state, 'log', `${name}.log`);
      const before = fs.existsSync(logFile) ? fs.readFileSync(logFile, 'utf8').length : 0;
      let child = program.launch();
      const log = () => child.log().slice(before);
      const get = async (where) => {
        const answer = await fetch(program.url() + where);
        return { status: answer.status, text: await answer.text() };
      };
      await stack.ready('it answers', () => get('/healthz'));
      assert.equal((await get('/healthz')).status, 200);
      assert.equal((await get('/metrics')).status, 200);
      for (const where of ['/readyz', program.work]) {
        const { status, text: body } = await get(where);
        assert.equal(status, 503, where);
        assert.equal(JSON.parse(body).error.code, 'not_ready');
        assert.match(JSON.parse(body).error.message, trouble.reason);
      }
      await stays('it goes on', () => child.running, 5000);
      assert.equal(count(log(), /cannot begin/), 1, log());
      assert.equal(log().trim().split('\n').length, 1, log());
      const stopped = await child.stop();
      assert.equal(stopped.code, 0);
      assert.ok(stopped.ms < 2000, `took ${stopped.ms} ms`);

      child = program.launch();
      await stack.ready('it waits again', async () => (await get('/readyz')).status === 503);
      trouble.end(directory);
      await stack.ready('it has begun', async () => (await get(program.work)).status === 200, 40000);
      assert.equal((await child.stop()).code, 0);
    });
  }
}
