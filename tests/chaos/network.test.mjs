// Links that are late, slow, cut in the middle of a frame, or dead without a word.
import assert from 'node:assert/strict';

import { BadLink } from '../support/bad_link.mjs';
import { eventually, long, pause, scenarios } from './harness.mjs';

const spell = (long ? 120 : 10) * 1000;

// A province whose agents reach the broker through a bad link; `who`: 'collector' for the collector instead.
async function startThrough(make, link, who = 'agent', options = {}) {
  const province = make({
    ...options,
    through: async (kind, { ports }) => {
      if (kind !== who) return undefined;
      link.target = ports.broker;
      return (await link.start()).port;
    },
  });
  return province.start();
}

async function finish(province, link) {
  Object.assign(link, { latencyMs: 0, bytesPerSecond: 0, cutAfterBytes: undefined });
  await province.finish();
  await link.stop();
}

scenarios(5, (scenario) => {
  scenario('latency', 'two seconds each way', async ({ make }) => {
    const link = new BadLink();
    const province = await startThrough(make, link);
    link.latencyMs = 2000;
    link.cut();  // what is connected anew meets it from the first packet
    const since = Date.now();
    await pause(spell + 8000);
    await province.flowing();
    const { least } = province.lateness(since);
    assert.ok(least >= link.latencyMs, `something came ${least} ms after it was read`);
    await finish(province, link);
  });

  scenario('slow', '64 kbit/s for all, with a backlog', async ({ make }) => {
    const link = new BadLink();
    const province = await startThrough(make, link);
    await province.end('broker');
    await pause(spell);
    link.bytesPerSecond = 8000;
    link.longestWaitMs = 0;
    await province.startBroker();
    await province.drained();
    assert.ok(link.longestWaitMs >= 500, `nothing waited longer than ${link.longestWaitMs} ms for the wire`);
    province.assertWaited(0.8 * spell);
    await finish(province, link);
  });

  for (const who of ['agent', 'collector']) {
    scenario(`half-open-${who}`, `the ${who}'s link is dead and nobody says so`, async ({ make }) => {
      const link = new BadLink();
      const province = await startThrough(make, link, who, { keepAlive: '5s' });
      link.die();
      await pause(3000);  // what had passed is stored
      const stored = province.stored();
      await pause(spell);
      assert.deepEqual(province.stored(), stored, 'nothing came over a dead link');
      link.revive();
      const before = link.connections;
      await eventually('it finds out and connects anew', () => link.connections > before, { timeout: 120000 });
      await province.drained();
      province.assertWaited(0.8 * spell);
      await finish(province, link);
    });
  }

  scenario('cuts', 'every connection is cut in the middle of a frame', async ({ make, between }) => {
    const link = new BadLink();
    const province = await startThrough(make, link);
    const cuts = long ? 60 : 8;
    for (let i = 0; i < cuts; ++i) {
      link.cutAfterBytes = Math.floor(between(100, 12000));
      const before = link.cutShort;
      link.cut();
      await eventually('it is cut by what it carried', () => link.cutShort > before);
      await pause(between(300, 1500));
    }
    assert.ok(link.cutShort >= cuts);
    await finish(province, link);
  });
});
