// kill -9 of agents, broker and collector, one at a time and two together, at random moments.
import assert from 'node:assert/strict';

import { long, pause, scenarios } from './harness.mjs';

scenarios(1, (scenario) => {
  scenario('kill', 'what is killed at any moment loses nothing and doubles nothing', async ({ make, between, oneOf }) => {
    const province = await make().start();
    const kills = long ? 100 : 12;
    const programs = ['collector', 'broker', ...province.agents.map((agent) => agent.machine)];
    for (let i = 0; i < kills; ++i) {
      const victims = new Set([oneOf(programs)]);
      if (i % 4 === 3) victims.add(oneOf(programs));
      await pause(between(0, 2500));
      const killed = await Promise.all([...victims].map((program) => province.kill(program)));
      assert.ok(killed.every(Boolean), `kill ${i + 1} of ${[...victims].join(' and ')}`);
      await pause(between(0, 1500));
      for (const program of victims) await province.startNamed(program);
    }
    province.say(`${kills} times something was killed`);
    await province.finish();
  });
});
