// What only the kernel can do to a link: 30 % of the packets lost (nftables), 64 kbit/s (tc tbf). The whole run lives
// in a network namespace of its own, whose loopback is the link; where none can be made it is skipped.
import assert from 'node:assert/strict';

import { cannot, enterNamespace, says } from '../support/namespace.mjs';
import { long, pause, scenarios, seed } from './harness.mjs';

const spell = (long ? 300 : 10) * 1000;

const without = enterNamespace({ env: { HAIDANG_SEED: String(seed) } });

// Rules on what goes to and from the broker's port; all else of the run (metrics, queries) is not hindered.
const nft = (port) => [
  ['nft', 'add', 'table', 'inet', 'chaos'],
  ['nft', 'add', 'chain', 'inet', 'chaos', 'out', '{ type filter hook output priority 0; }'],
  ...['sport', 'dport'].map((side) =>
    ['nft', 'add', 'rule', 'inet', 'chaos', 'out', 'tcp', side, String(port), 'numgen', 'random', 'mod', '100', '<', '30', 'counter', 'drop']),
];

// One after another: they share the loopback.
scenarios(1, (scenario) => {
  scenario('loss', 'of all packets 30 % are lost', async ({ make, t }) => {
    if (without) return t.skip(without);
    const province = await make().start();
    for (const rule of nft(province.ports.broker)) {
      const why = cannot(...rule);
      if (why) return t.skip(`packets cannot be dropped here: ${why}`);
    }
    await pause(spell);
    await province.kill('broker');
    await pause(2000);
    await province.startBroker();
    await pause(spell);
    const dropped = [...says('nft', 'list', 'table', 'inet', 'chaos').matchAll(/counter packets (\d+)/g)].map(([, count]) => Number(count));
    assert.ok(dropped.length === 2 && Math.min(...dropped) > 20, `dropped, to the broker and from it: ${dropped} packets`);
    assert.equal(cannot('nft', 'delete', 'table', 'inet', 'chaos'), '');
    await province.finish();
  });

  scenario('rate', '64 kbit/s', async ({ make, t }) => {
    if (without) return t.skip(without);
    // Packets as on a real line: more than three of them at once have to wait.
    const why = cannot('ip', 'link', 'set', 'lo', 'mtu', '1500') ||
      cannot('tc', 'qdisc', 'add', 'dev', 'lo', 'root', 'tbf', 'rate', '64kbit', 'burst', '5kb', 'limit', '64kb');
    if (why) return t.skip(`the rate cannot be limited here: ${why}`);
    // Every five seconds: that each second all series of two machines fit through would be luck.
    // Births of hundreds of series go over the line twice, and once more where a connection gave up behind them.
    const province = await make({ agents: 2, interval: 5 }).start(180000);
    await pause(spell / 2);
    await province.kill('broker');
    await pause(spell / 2);
    await province.startBroker();
    await pause(spell);
    const [, delayed] = says('tc', '-s', 'qdisc', 'show', 'dev', 'lo').match(/overlimits (\d+)/);
    assert.ok(Number(delayed) > 20, 'packets had to wait');
    assert.equal(cannot('tc', 'qdisc', 'del', 'dev', 'lo', 'root'), '');
    await province.finish();
  });
});
