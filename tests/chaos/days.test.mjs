// Broker or collector are gone for days; then the backlog drains over links that live shortly. Every message of the
// agents is looked at on its way: no batch is sent much more than once.
import assert from 'node:assert/strict';
import path from 'node:path';

import { ShiftedClock } from '../support/clock.mjs';
import { Observer } from '../support/observer.mjs';
import { freePort } from '../support/ports.mjs';
import { SentBatches } from '../support/sent_batches.mjs';
import { bin, long, pause, scenarios } from './harness.mjs';

const hour = 3600 * 1000;
const minute = 60 * 1000;
const hours = Number(process.env.HAIDANG_CHAOS_HOURS ?? (long ? 72 : 2));
const agents = long ? 20 : 4;
const interval = 15;  // seconds
const awaySpeed = 180;  // simulated time in real
const drainSpeed = long ? 15 : 12;
// So slowly that the drain takes several links' lives.
const backfill = { machine_batches_per_second: long ? 5 : 1 };
const linkLives = long ? [5 * minute, 15 * minute] : [minute, 3 * minute];
const mostSends = 1.2;

scenarios(2, (scenario) => {
  for (const program of ['broker', 'collector']) {
    scenario(`days-${program}`, `the ${program} is gone for ${hours} simulated hours, ${agents} agents`, async ({ make, between }) => {
      let clock;
      let links;
      let sent = new SentBatches();
      const province = make({
        agents, interval, backfill,
        more: (name) => (name === 'broker' ? {} : { env: clock.env }),
        through: async (kind, { authority, brokerFiles, ports }) => {
          if (kind !== 'agent') return undefined;
          links = new Observer(authority, brokerFiles, ports.broker, { seen: (entry) => sent.note(entry) });
          return (await links.start(await freePort())).port;
        },
      });
      await province.prepare();
      clock = new ShiftedClock(bin, path.join(province.state, 'clock'));
      clock.rate = interval;  // a reading a second
      await province.start();

      await province.end(program);
      if (program === 'broker') await links.stop();  // nobody listens any more
      const gone = clock.wallMs;
      clock.rate = awaySpeed;
      await pause((hours * hour) / awaySpeed);
      clock.rate = drainSpeed;
      const away = clock.wallMs - gone;
      assert.ok(away > 0.99 * hours * hour, `it was gone for ${away / hour} h`);

      // From here on: what agents sent to a collector that was not there is sent once more for certain.
      sent = new SentBatches();
      if (program === 'broker') await links.start(links.port);
      await province.startNamed(program);
      let drained = false;
      let cuts = 0;
      const watched = province.drained(hour).finally(() => (drained = true));
      while (!drained) {
        await Promise.race([watched, pause(between(...linkLives) / drainSpeed)]);
        if (drained) break;
        cuts += links.cut();
      }
      await watched;
      province.say(`${sent.batches} batches were sent ${sent.ratio.toFixed(3)} times each; ${cuts} links were cut meanwhile`);
      assert.ok(cuts >= agents);
      assert.ok(sent.batches > 0.5 * agents * away / (interval * 1000), 'the backlog of the whole outage was sent');
      assert.ok(sent.ratio >= 1 && sent.ratio <= mostSends, `nothing is sent more than ${mostSends} times on average`);
      const [{ late }] = province.query('SELECT max(received_ms - time_ms) AS late FROM journal');
      assert.ok(late > 0.95 * away, `the latest batch came ${late / hour} h after it was read`);
      assert.deepEqual(links.faults, []);

      await province.finish();
      await links.stop();
    });
  }
});
