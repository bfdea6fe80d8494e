// More than one thing at once, and things that evidence cannot tell apart.
import { uncompressed } from '../../support/front_end.mjs';
import { pause } from '../../support/wait.mjs';
import { answers, breaks, slow, well } from '../proofs.mjs';

export const several = [
  { id: 'service-and-site', what: 'the national service is slow, and one site has no name server',
    expect: [{ place: 'service', at: [1, 2, 3, 5, 6], step: 'dan-cu' }, { place: 'site', at: [4], step: 'trang-chu' }],
    inject: async (world) => {
      Object.assign(world.national, { delayMs: 1800 });
      await world.network.hinder('gw4', { prerouting: ['iifname "lan*" udp dport 53 drop'] });
    },
    proof: (world) => breaks(world, 4, 28) },
  { id: 'portal-and-machine', what: "one step answers 500, and one machine's clock is a year ahead",
    expect: [{ place: 'system', at: [1, 2, 3, 4, 6], step: 'tra-cuu' }, { place: 'machine', at: [5], step: 'trang-chu' }],
    inject: async (world) => {
      await world.route({ path: '/tra-cuu', answer: 'error500' });
      world.shift('ha-lam-1', 365 * 86400e3);
    },
    proof: (world) => answers(world, 1, 500) },
  { id: 'portal-while-broker-is-away', what: 'one step answers 500, and the broker is away meanwhile',
    expect: [{ place: 'system', at: 'all', step: 'tra-cuu' }],
    inject: async (world) => {
      await world.route({ path: '/tra-cuu', answer: 'error500' });
      await world.broker?.stop();
      await pause(3000);
      if (world.broker) await world.startBroker();
    },
    proof: (world) => answers(world, 1, 500) },
  // The portal refuses one site: its own answer, with its own certificate.
  { id: 'portal-bans-site', what: 'the portal answers one site alone with 500', expect: [{ place: ['system', 'unknown'], at: [6], step: 'trang-chu' }],
    inject: (world) => Promise.all(Object.values(world.frontEnds).map((frontEnd) => frontEnd.set({ extra: 'if ($remote_addr ~ "^10[.]1[.]6[.]") { return 500; }' }))),
    proof: async (world) => {
      await answers(world, 6, 500);
      await well(world, 5);
    } },
  // The portal sends slowly to one site: its line could be just as narrow.
  { id: 'portal-throttles-site', what: 'the portal sends slowly to one site alone', expect: [{ place: ['unknown', 'link', 'system'], at: [6], step: 'tra-cuu' }],
    inject: (world) => Promise.all(Object.values(world.frontEnds).map((frontEnd) => frontEnd.set({ extra: 'if ($remote_addr ~ "^10[.]1[.]6[.]") { set $limit_rate 4k; }', passing: uncompressed }))),
    proof: async (world) => {
      await slow(world, 6, 'transfer', 0.9);
      await well(world, 5);
    } },
];
