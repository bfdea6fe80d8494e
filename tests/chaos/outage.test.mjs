// Broker and collector are gone for a while, then back, and links live only shortly while a backlog drains. Days of it:
// days.test.mjs.
import assert from 'node:assert/strict';

import { TcpProxy } from '../support/proxy.mjs';
import { eventually, long, pause, scenarios } from './harness.mjs';

const outage = (long ? 300 : 12) * 1000;

scenarios(4, (scenario) => {
  for (const program of ['broker', 'collector']) {
    scenario(program, 'it is gone, and back', async ({ make }) => {
      const province = await make().start();
      await province.end(program);
      await pause(outage);
      await province.startNamed(program);
      await province.drained();
      province.assertWaited(0.8 * outage);
      await province.finish();
    });
  }

  scenario('started', 'agents are stopped and started while the broker is gone', async ({ make, between }) => {
    const province = await make().start();
    await province.end('broker');
    for (const { machine } of province.agents) {
      await pause(between(1000, 3000));
      await province.end(machine);
      province.startAgent(machine);
    }
    await pause(outage / 2);
    await province.kill('collector');
    await province.startBroker();
    await pause(between(0, 3000));
    await province.startCollector();
    await province.drained();
    province.assertWaited(outage / 2);
    await province.finish();
  });

  scenario('links', 'links live shortly while a backlog drains', async ({ make, between }) => {
    const links = new TcpProxy(0);
    const province = make({
      through: async (kind, { ports }) => {
        if (kind !== 'agent') return undefined;
        links.target = ports.broker;
        return (await links.start()).port;
      },
    });
    await province.start();
    await province.end('collector');
    await pause(outage);
    await province.startCollector();
    const before = links.connections;
    const lives = long ? 20 : 4;
    for (let i = 0; i < lives; ++i) {
      await pause(between(500, 3000));
      links.cut();
      const connections = links.connections;
      await eventually('a new link is there', () => links.connections > connections);
    }
    assert.ok(links.connections - before >= lives);
    await province.drained();
    province.assertWaited(0.8 * outage);
    await province.finish();
    await links.stop();
  });
});
