// Faults of the lines between sites and the province, of its hub and of its name server.
import { addresses, hubAddress, portalName } from '../places.mjs';
import { breaks, echoes, slow, well } from '../proofs.mjs';

const at = (sites, step = 'trang-chu', place = 'link') => [{ place, at: sites, step }];

const oneLine = [
  { id: 'link-lossy', what: "packets are lost on a site's line", expect: at([5]), short: true,
    inject: (world) => world.lines.shape('wan-5', { loss: 20 }),
    proof: async (world) => {
      await echoes(world, 5, hubAddress, { lost: [10, 70] });
      await echoes(world, 5, world.site(5).gateway);
      await echoes(world, 4, hubAddress);
    } },
  { id: 'link-slow', what: "a site's line is 300 ms slower", expect: at([2]),
    inject: (world) => world.lines.shape('wan-2', { delay_ms: 154 }),
    proof: async (world) => {
      await echoes(world, 2, hubAddress, { ms: [300, 340] });
      await echoes(world, 2, world.site(2).gateway, { ms: [0, 10] });
    } },
  { id: 'link-narrow', what: "a site's line is full", expect: at([6], 'tra-cuu'),
    inject: (world) => world.lines.shape('wan-6', { rate_kbit: 56 }),
    proof: (world) => slow(world, 6, 'transfer', 0.4) },
  { id: 'link-mtu', what: "large packets vanish on a site's line", expect: at([1], 'tra-cuu'),
    inject: (world) => world.lines.shape('wan-1', { 'ba.mtu': 1100 }),
    proof: async (world) => {
      await breaks(world, 1, 28);
      await echoes(world, 1, hubAddress, { ms: [5, 40] });
      await echoes(world, 1, hubAddress, { lost: [100, 100], size: 1300 });
    } },
  { id: 'link-jitter', what: "a site's line is late by chance", expect: at([4]),
    inject: (world) => world.lines.shape('wan-4', { jitter_ms: 400 }),
    proof: (world) => echoes(world, 4, hubAddress, { lost: [0, 40], ms: [100, 700] }) },
  { id: 'link-down', what: "a site's line is down: it cannot report", expect: at([4], 'trang-chu', ['none', 'unknown', 'link']),
    inject: (world) => world.lines.shape('wan-4', { down: 1 }),
    proof: (world) => echoes(world, 4, hubAddress, { lost: [100, 100] }) },
  { id: 'two-links-lossy', what: "packets are lost on two sites' lines", expect: at([2, 5]),
    inject: async (world) => {
      for (const line of ['wan-2', 'wan-5']) await world.lines.shape(line, { loss: 22 });
    },
    proof: async (world) => {
      for (const number of [2, 5]) await echoes(world, number, hubAddress, { lost: [8, 75] });
    } },
  { id: 'link-flaps', what: "a site's line comes and goes", expect: at([6], 'trang-chu', ['link', 'unknown']),
    inject: (world) => world.repeat(async (turn) => world.lines.shape('wan-6', { down: turn % 3 === 0 ? 1 : 0 }), 700),
    proof: (world) => echoes(world, 6, hubAddress, { lost: [5, 90] }) },
];

const everyLine = [
  { id: 'hub-lossy', what: 'the hub loses packets', expect: at('all'),
    inject: (world) => world.network.hinder('hub', { prerouting: ['numgen random mod 100 < 12 drop'] }),
    proof: async (world) => {
      await echoes(world, 1, hubAddress, { lost: [3, 60] });
      await echoes(world, 4, hubAddress, { lost: [3, 60] });
    } },
  { id: 'hub-slow', what: 'the hub is overloaded: 250 ms later', expect: at('all'),
    inject: async (world) => {
      for (const number of [1, 2, 3, 4, 5, 6]) await world.lines.shape(`wan-${number}`, { 'ba.delay_ms': 250 });
    },
    proof: (world) => echoes(world, 3, hubAddress, { ms: [250, 300] }) },
  { id: 'backbone-slow', what: 'the line between hub and data centre is 300 ms slower', expect: at('all'),
    inject: (world) => world.lines.shape('hub', { delay_ms: 150 }),
    proof: async (world) => {
      await echoes(world, 3, hubAddress, { ms: [5, 40] });
      await echoes(world, 3, addresses.web2, { ms: [300, 360] });
    } },
  { id: 'backbone-lossy', what: 'packets are lost between hub and data centre', expect: at('all'),
    inject: (world) => world.lines.shape('hub', { loss: 15 }),
    proof: async (world) => {
      await echoes(world, 3, hubAddress);
      await echoes(world, 3, addresses.web1, { lost: [5, 65] });
    } },
];

// The province's name server is part of its network.
const names = [
  { id: 'dns-dead', what: "the province's name server is dead", expect: at('all'),
    inject: (world) => world.dns.rule({ dead: true }),
    proof: (world) => breaks(world, 1, 28) },
  { id: 'dns-slow', what: "the province's name server is slow", expect: at('all'),
    inject: (world) => world.dns.rule({ delayMs: 750 }),
    proof: (world) => slow(world, 2, 'resolve', 0.75) },
  // Whose mistake that is, the portal's or the name server's, nobody can tell from outside.
  { id: 'dns-no-such-name', what: "the portal's name is gone", expect: at('all', 'trang-chu', ['link', 'system', 'unknown']),
    inject: (world) => world.dns.rule({ name: portalName, code: 'nxdomain' }),
    proof: async (world) => {
      await breaks(world, 3, 6);
      await echoes(world, 3, addresses.web1, { ms: [5, 40] });
    } },
];

// Nothing but the province's own connection is touched.
const silence = [
  { id: 'broker-down', what: 'the broker is down for a while, the portal is well', expect: at('all', undefined, 'none'),
    inject: async (world) => {
      await world.broker?.stop();
      setTimeout(() => world.broker && !world.broker.running && world.startBroker(), 5000);
    },
    proof: (world) => well(world, 1) },
];

export const link = [...oneLine, ...everyLine, ...names, ...silence];
