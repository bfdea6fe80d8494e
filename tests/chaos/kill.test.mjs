// kill -9 of agents, broker and collector, one at a time and two together, at random moments.
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
      await Promise.all([...victims].map((program) => province.kill(program)));
      await pause(between(0, 1500));
      for (const program of victims) await province.startNamed(program);
    }
    await province.finish();
  });
});
