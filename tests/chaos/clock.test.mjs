// Clocks that are wrong: they step while the agent runs, run ahead, stand in 2015 after a dead battery.
import assert from 'node:assert/strict';
import path from 'node:path';

import { ShiftedClock } from '../support/clock.mjs';
import { bin, long, pause, scenarios } from './harness.mjs';

const minute = 60000;
const hour = 60 * minute;
const day = 24 * hour;

// A clock for each program of a province but the broker, made when it is first asked for.
function makeClocks() {
  const clocks = new Map();
  const of = (province, program) => {
    if (!clocks.has(program)) {
      clocks.set(program, new ShiftedClock(bin, path.join(province.directory('clocks'), program)));
    }
    return clocks.get(program);
  };
  return { of, all: () => [...clocks.values()] };
}
const start = (make, clocks, options = {}) => {
  const province = make({ ...options, more: (program) => (program === 'broker' ? {} : { env: clocks.of(province, program).env }) });
  return province;
};

// Where each batch of a machine stands in the store: within `bound` ms of when it came, or came late.
function assertPlaced(province, bound) {
  const rows = province.query('SELECT count(*) AS batches, min(received_ms - time_ms) AS least, max(received_ms - time_ms) AS most FROM journal');
  assert.ok(rows[0].batches > 0);
  assert.ok(rows[0].least > -bound && rows[0].most < bound, JSON.stringify(rows));
}

// The machine read something while its clock was about so far ahead; `sinceMs`: true time of then.
function assertAhead(province, machine, ms, sinceMs) {
  const tolerance = 5000;
  const shown = province.readTimes(machine).filter((time) => {
    return time >= sinceMs + ms - tolerance && time <= Date.now() + ms + tolerance;
  });
  assert.ok(shown.length > 0, `${machine} never read anything ${ms / 1000} s off`);
}

scenarios(4, (scenario) => {
  scenario('steps', 'clocks step by an hour and a day, either way, while agents are connected', async ({ make }) => {
    const clocks = makeClocks();
    const province = await start(make, clocks, { agents: 4 }).start();
    const steps = [hour, -hour, day, -day];
    for (const by of [1, 0]) {
      const since = Date.now();
      for (const [i, { machine }] of province.agents.entries()) clocks.of(province, machine).offsetMs = steps[i] * by;
      await pause(long ? 60000 : 6000);
      for (const [i, { machine }] of province.agents.entries()) assertAhead(province, machine, steps[i] * by, since);
    }
    assertPlaced(province, 30000);
    await province.finish();
  });

  scenario('steps-offline', 'clocks step while the broker is gone, and agents are stopped and started', async ({ make }) => {
    const clocks = makeClocks();
    const province = await start(make, clocks, { agents: 4 }).start();
    await province.end('broker');
    const steps = [hour, -hour, day, -day];
    const since = Date.now();
    for (const [i, { machine }] of province.agents.entries()) clocks.of(province, machine).offsetMs = steps[i];
    await pause(long ? 60000 : 3000);
    for (const { machine } of province.agents.slice(0, 2)) {
      await province.end(machine);
      province.startAgent(machine);
    }
    await pause(3000);
    for (const [i, { machine }] of province.agents.entries()) {
      assertAhead(province, machine, steps[i], since);
      clocks.of(province, machine).offsetMs = 0;
    }
    await pause(2000);
    await province.startBroker();
    await province.finish();
  });

  scenario('ahead', 'a clock runs 49 s ahead, another 49 s behind', async ({ make }) => {
    const clocks = makeClocks();
    const province = start(make, clocks, { agents: 2 });
    await province.prepare();
    clocks.of(province, 'may-1').offsetMs = 49000;
    clocks.of(province, 'may-2').offsetMs = -49000;
    await province.start();
    const since = Date.now();
    await pause(long ? 60000 : 5000);
    assertAhead(province, 'may-1', 49000, since);
    assertAhead(province, 'may-2', -49000, since);
    await province.finish();
  });

  scenario('battery', `a clock stands in 2015 for ${long ? 'six hours' : 'five minutes'} without a link, then is set right`, async ({ make }) => {
    const clocks = makeClocks();
    const province = start(make, clocks, { agents: 2, interval: long ? 15 : 1 });
    const [rate, seconds] = long ? [240, 90] : [40, 8];
    const away = rate * seconds * 1000;
    await province.prepare();
    clocks.of(province, 'may-1').offsetMs = Date.UTC(2015, 0, 1) - Date.now();
    await province.startBroker();
    await province.startCollector();
    await province.end('broker');
    for (const { machine } of province.agents) province.startAgent(machine);
    for (const clock of clocks.all()) clock.rate = rate;
    await pause(seconds * 1000);
    for (const clock of clocks.all()) clock.rate = 1;
    const in2015 = province.readTimes('may-1').filter((time) => time < Date.UTC(2016, 0, 1));
    const span = in2015.at(-1) - in2015[0];
    assert.ok(span > 0.8 * away, `it read for ${span / hour} h in 2015`);
    clocks.of(province, 'may-1').offsetMs = 0;  // NTP reaches it as the link does
    await province.startBroker();
    await province.finish();
    const [{ oldest }] = province.query('SELECT min(time_ms) AS oldest FROM journal');
    assert.ok(oldest > Date.now() - hour, `what was read in 2015 stands at ${new Date(oldest).toISOString()}`);
  });
});
