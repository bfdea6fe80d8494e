// What only the kernel can do to a link: 30 % of the packets lost (nftables), 64 kbit/s (tc tbf). The whole run lives
// in a network namespace of its own, whose loopback is the link; where none can be made it is skipped.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';

import { long, pause, scenarios } from './harness.mjs';

const spell = (long ? 300 : 10) * 1000;

// This file again, alone in a namespace; its loopback is up.
function enterNamespace() {
  const inside = spawnSync('unshare', ['--net', '--', 'sh', '-c', 'ip link set lo up && exec "$@"', 'sh', process.execPath, process.argv[1]],
    { stdio: 'inherit', env: { ...process.env, HAIDANG_IN_NAMESPACE: '1' } });
  return inside.status;
}
function canMakeOne() {
  return spawnSync('unshare', ['--net', 'ip', 'link', 'set', 'lo', 'up']).status === 0;
}

// Runs a command in our namespace; why it cannot be done, or ''.
function does(...command) {
  const { status, stderr, error } = spawnSync(command[0], command.slice(1), { encoding: 'utf8' });
  return status === 0 ? '' : `${command[0]}: ${(error?.message ?? stderr).trim().split('\n')[0]}`;
}

// Rules on what goes to and from the broker's port; all else of the run (metrics, queries) is not hindered.
const nft = (port) => [
  ['nft', 'add', 'table', 'inet', 'chaos'],
  ['nft', 'add', 'chain', 'inet', 'chaos', 'out', '{ type filter hook output priority 0; }'],
  ...['sport', 'dport'].map((side) =>
    ['nft', 'add', 'rule', 'inet', 'chaos', 'out', 'tcp', side, String(port), 'numgen', 'random', 'mod', '100', '<', '30', 'drop']),
];

if (process.env.HAIDANG_IN_NAMESPACE !== '1' && canMakeOne()) {
  process.exit(enterNamespace());
}
const without = process.env.HAIDANG_IN_NAMESPACE === '1' ? '' : 'no network namespace can be made here (needs root and CAP_SYS_ADMIN)';

// One after another: they share the loopback.
scenarios(1, (scenario) => {
  scenario('loss', 'of all packets 30 % are lost', async ({ make, t }) => {
    if (without) return t.skip(without);
    const province = await make().start();
    for (const rule of nft(province.ports.broker)) {
      const why = does(...rule);
      if (why) return t.skip(`packets cannot be dropped here: ${why}`);
    }
    await pause(spell);
    await province.kill('broker');
    await pause(2000);
    await province.startBroker();
    await pause(spell);
    assert.equal(does('nft', 'delete', 'table', 'inet', 'chaos'), '');
    await province.finish();
  });

  scenario('rate', '64 kbit/s', async ({ make, t }) => {
    if (without) return t.skip(without);
    const province = await make({ agents: 2 }).start();
    const why = does('tc', 'qdisc', 'add', 'dev', 'lo', 'root', 'tbf', 'rate', '64kbit', 'burst', '16kb', 'limit', '64kb');
    if (why) return t.skip(`the rate cannot be limited here: ${why}`);
    await pause(spell / 2);
    await province.kill('broker');
    await pause(spell / 2);
    await province.startBroker();
    await pause(spell);
    assert.equal(does('tc', 'qdisc', 'del', 'dev', 'lo', 'root'), '');
    await province.finish();
  });
});
