// Faults of one site's own network: its gateway, its name server, what stands between its machines and the gateway.
import { addresses, hubAddress } from '../places.mjs';
import { breaks, echoes, says, slow, well } from '../proofs.mjs';

const at = (number, step = 'trang-chu', place = 'site') => [{ place, at: [number], step }];
const https = 'tcp dport 443';

export const site = [
  { id: 'site-dns-dead', what: "a site's name server is dead", expect: at(4), short: true,
    inject: (world) => world.network.hinder('gw4', { prerouting: ['iifname "lan*" udp dport 53 drop'] }),
    proof: async (world) => {
      await breaks(world, 4, 28);
      await well(world, 5);
    } },
  { id: 'site-dns-slow', what: "a site's name server is slow", expect: at(4),
    inject: (world) => world.dns.rule({ client: '10.1.4.', delayMs: 700 }),
    proof: (world) => slow(world, 4, 'resolve', 0.7) },
  { id: 'site-dns-fails', what: "a site's name server answers SERVFAIL", expect: at(6),
    inject: (world) => world.dns.rule({ client: '10.1.6.', code: 'servfail' }),
    proof: (world) => breaks(world, 6, 6) },
  { id: 'gateway-lossy', what: 'a gateway loses packets towards its own network', expect: at(3),
    inject: (world) => world.network.hinder('gw3', {
      prerouting: ['iifname "lan*" numgen random mod 100 < 25 drop'], output: ['oifname "lan*" numgen random mod 100 < 25 drop'] }),
    proof: async (world) => {
      await echoes(world, 3, world.site(3).gateway, { lost: [15, 70] });
      await echoes(world, 2, world.site(2).gateway);
    } },
  { id: 'lan-slow', what: "a site's own network is slow", expect: at(5),
    inject: (world) => world.lines.shape('lan-5-1', { delay_ms: 150 }),
    proof: (world) => echoes(world, 5, world.site(5).gateway, { ms: [290, 400] }) },
  { id: 'lan-narrow', what: "a site's own network is overloaded", expect: at(2, 'tra-cuu'),
    inject: (world) => world.lines.shape('lan-2-1', { rate_kbit: 56, delay_ms: 20 }),
    proof: (world) => slow(world, 2, 'transfer', 0.4) },
  { id: 'captive-certificate', what: 'a captive portal with a certificate of its own', expect: at(2),
    inject: (world) => world.network.redirect('gw2', [`iifname "lan*" ${https} dnat to 10.1.2.1:8443`]),
    proof: async (world) => {
      await breaks(world, 2, 60);
      await well(world, 3);
    } },
  { id: 'captive-200', what: 'a captive portal that answers 200 with another page, its certificate trusted', expect: at(2),
    inject: (world) => world.network.redirect('gw2', [`iifname "lan*" ${https} dnat to 10.1.2.1:8444`]),
    proof: (world) => says(world, 2, 'Wi-Fi') },
  // The firewall answers in the portal's name, echoes pass: gateway or line, nobody can tell for certain.
  { id: 'site-firewall-refuses', what: "a site's firewall refuses HTTPS", expect: at(6, 'trang-chu', ['site', 'unknown']),
    inject: (world) => world.network.hinder('gw6', { forward: [`iifname "lan*" ${https} reject with tcp reset`] }),
    proof: async (world) => {
      await breaks(world, 6, 7);
      await echoes(world, 6, addresses.web1, { ms: [5, 40] });
    } },
  { id: 'site-firewall-drops', what: "a site's firewall drops HTTPS", expect: at(5, 'trang-chu', ['site', 'unknown']),
    inject: (world) => world.network.hinder('gw5', { forward: [`iifname "lan*" ${https} drop`] }),
    proof: async (world) => {
      await breaks(world, 5, 28);
      await echoes(world, 5, hubAddress, { ms: [5, 40] });
    } },
  { id: 'gateway-dead', what: 'a gateway is dead: the site cannot report', expect: at(3, 'trang-chu', ['none', 'unknown', 'site']),
    inject: (world) => world.network.hinder('gw3', { prerouting: ['iifname "lan*" drop'] }),
    proof: (world) => echoes(world, 3, world.site(3).gateway, { lost: [100, 100] }) },
];
