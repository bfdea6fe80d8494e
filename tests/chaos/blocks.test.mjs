// Hours of readings come late and become blocks, while the collector is killed again and again: what stands in the journal,
// in blocks and on its way from one to the other is there once.
import assert from 'node:assert/strict';
import path from 'node:path';

import { ShiftedClock } from '../support/clock.mjs';
import { bin, long, pause, scenarios } from './harness.mjs';

const hour = 3600 * 1000;
const interval = 15;  // seconds
const awaySpeed = 180;  // simulated time in real
const drainSpeed = 12;
const rounds = long ? 12 : 2;
const kills = long ? 6 : 3;  // a round
const away = 2.2 * hour;

scenarios(1, (scenario) => {
  scenario('blocks', `${rounds} outages of ${away / hour} simulated hours, the collector killed ${kills} times after each`, async ({ make, between }) => {
    let clock;
    const province = make({ interval, more: (name) => (name === 'broker' ? {} : { env: clock.env }) });
    await province.prepare();
    clock = new ShiftedClock(bin, path.join(province.state, 'clock'));
    clock.rate = drainSpeed;
    await province.start();
    for (let round = 0; round < rounds; ++round) {
      await province.end('broker');
      clock.rate = awaySpeed;
      await pause(away / awaySpeed);
      clock.rate = drainSpeed;
      await province.startBroker();
      for (let i = 0; i < kills; ++i) {
        await pause(between(0, 6000));
        assert.ok(await province.kill('collector'));
        await province.startNamed('collector');
      }
      await province.drained(5 * 60 * 1000);
    }
    const [{ blocks, batches, first }] = province.query('SELECT count(*) AS blocks, sum(ticks) AS batches,' +
      ' (SELECT min(id) FROM journal) AS first FROM block');
    const expected = (rounds - 1) * province.agents.length;
    assert.ok(blocks >= expected, `${blocks} blocks`);
    assert.ok(batches > 0.7 * expected * (away / 1000 / interval), `${batches} batches in them`);
    assert.ok(first > 1, `the journal begins with row ${first}`);
    province.say(`${blocks} blocks with ${batches} batches; the journal begins with row ${first}`);
    await province.finish();
  });
});
