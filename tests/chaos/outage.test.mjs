// Broker and collector are gone for a while, then back, and links live only shortly while a backlog drains.
import assert from 'node:assert/strict';
import path from 'node:path';

import { ShiftedClock } from '../support/clock.mjs';
import { TcpProxy } from '../support/proxy.mjs';
import { bin, eventually, long, pause, scenarios } from './harness.mjs';

const outage = (long ? 300 : 12) * 1000;

scenarios(4, (scenario) => {
  for (const program of ['broker', 'collector']) {
    scenario(program, 'it is gone, and back', async ({ make }) => {
      const province = await make().start();
      await province.end(program);
      await pause(outage);
      await province.startNamed(program);
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
    await province.finish();
    await links.stop();
  });

  // Agents and collector live through days; then the backlog drains over links that live 5 to 15 minutes.
  const hours = Number(process.env.HAIDANG_CHAOS_HOURS ?? (long ? 72 : 0.5));
  for (const program of ['broker', 'collector']) {
    scenario(`days-${program}`, `the ${program} is gone for ${hours} simulated hours, ${long ? 20 : 4} agents`, async ({ make, between }) => {
      const speed = 180;
      const links = new TcpProxy(0);
      let clock;
      const province = make({
        agents: long ? 20 : 4, interval: 15,
        more: (name) => (name === 'broker' ? {} : { env: clock.env }),
        through: async (kind, { ports }) => {
          if (kind !== 'agent') return undefined;
          links.target = ports.broker;
          return (await links.start()).port;
        },
      });
      await province.prepare();
      clock = new ShiftedClock(bin, path.join(province.state, 'clock'));
      clock.rate = 15;  // a reading a second
      await province.start();
      await province.end(program);
      clock.rate = speed;
      await pause((hours * 3600 * 1000) / speed);
      clock.rate = 15;
      await province.startNamed(program);
      let drained = false;
      const watched = province.drained(3600000).finally(() => (drained = true));
      while (!drained) {
        await Promise.race([watched, pause(between(5, 15) * 60000 / 15)]);
        if (!drained) links.cut();
      }
      await watched;
      const [fresh, again] = await Promise.all(['batches', 'duplicate_batches'].map((name) => province.collected(`${name}_total`)));
      province.say(`${fresh} batches were stored, ${again} came again`);
      assert.ok(again <= 0.2 * fresh, 'nothing is sent more than 1.2 times on average');
      await province.finish();
      await links.stop();
    });
  }
});
