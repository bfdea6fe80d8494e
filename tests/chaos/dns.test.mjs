// A name server that takes ten seconds for each answer. The whole run lives in a namespace of its own, with a
// resolv.conf of its own; where none can be made it is skipped.
import assert from 'node:assert/strict';

import { enterNamespace } from '../support/namespace.mjs';
import { SlowDns } from '../support/slow_dns.mjs';
import { eventually, long, pause, scenarios, seed } from './harness.mjs';

const [brokerHost, onestopHost] = ['moi-gioi.quang-ninh.test', 'mot-cua.quang-ninh.test'];
const answerAfter = 10000;  // ms
const endsWithin = 2000;  // ms from SIGTERM
const questions = 2;  // that a look-up asks: for IPv4 and for IPv6

const without = enterNamespace({
  files: { '/etc/resolv.conf': 'nameserver 127.0.0.1\noptions timeout:15 attempts:1\n' },
  env: { HAIDANG_SEED: String(seed) },
});

// The machine read at each point of its grid since then, or missed one at most at a time.
function assertOnGrid(province, machine, since) {
  const times = province.query('SELECT time_ms FROM journal JOIN machine ON machine.id = journal.machine' +
    ` WHERE machine.name = '${machine}' AND time_ms >= ${since} ORDER BY time_ms`).map((row) => row.time_ms);
  const interval = province.interval * 1000;
  assert.ok(times.length > answerAfter / interval, `${times.length} readings of ${machine}`);
  const longest = Math.max(...times.slice(1).map((time, i) => time - times[i]));
  assert.ok(longest <= 2 * interval, `${machine} read nothing for ${longest} ms`);
}

async function assertEndsAtOnce(province, machine, when) {
  const ended = await province.running[machine].stop();
  assert.deepEqual([ended.code, ended.signal], [0, null], `${machine}, ${when}`);
  assert.ok(ended.ms <= endsWithin, `${machine} ended ${ended.ms} ms after SIGTERM, ${when}`);
  province.say(`${machine} ended ${ended.ms} ms after SIGTERM, ${when}`);
}

scenarios(1, (scenario) => {
  scenario('dns', 'a name server takes ten seconds for each answer', async ({ make, t }) => {
    if (without) return t.skip(without);
    const dns = await new SlowDns([brokerHost, onestopHost]).start();
    const province = await make({ agents: 2, probe: true, brokerHost, onestopHost }).prepare();
    const [first, second] = province.agents.map((agent) => agent.machine);
    const lookUps = (host) => dns.open(host) / questions;
    await province.startBroker();
    await province.startOnestop();
    await province.startCollector();
    dns.delayMs = answerAfter;
    const began = Date.now();

    province.startAgent(first);
    await eventually('the first agent looks for the broker', () => lookUps(brokerHost) === 1);
    await assertEndsAtOnce(province, first, 'looking for the broker for the first time');

    for (const { machine } of province.agents) province.startAgent(machine);
    await province.flowing();
    assert.ok(Date.now() - began >= answerAfter, 'nobody was connected before the name server answered');
    await pause(long ? 120000 : 5000);
    await eventually('the probes look for their system', () => lookUps(onestopHost) === 2 && lookUps(brokerHost) === 0);
    await assertEndsAtOnce(province, first, 'connected, with a probe that looks for its system');
    province.startAgent(first);
    await province.flowing();

    const lost = Date.now();
    await province.end('broker');
    await eventually('both agents look for the broker', () => lookUps(brokerHost) === 2);
    await assertEndsAtOnce(province, first, 'looking for the broker again');
    await province.startBroker();
    province.startAgent(first);
    await province.flowing();
    assert.ok(Date.now() - lost >= answerAfter);
    await province.drained();
    assertOnGrid(province, second, began + answerAfter);
    await province.finish();
    await dns.stop();
  });
});
