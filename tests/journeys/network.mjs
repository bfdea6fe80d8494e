// The network of the made-up province: namespaces, lines between them, routes, and a name server's place at each gateway.
import { makeSpace, shell, within } from '../support/spaces.mjs';
import { addresses, dcGateway, hubAddress, sites } from './places.mjs';
import { Lines } from '../support/lines.mjs';

const lanDelayMs = 0.1;
const hubDelayMs = 0.4;

async function dataCentre(lines) {
  await makeSpace('hub');
  await makeSpace('dc');
  await lines.make('hub', ['hub', 'dc'], ['dc', 'hub'], { delay_ms: hubDelayMs });
  await shell('hub', [`ip addr add ${hubAddress}/32 dev lo`, 'ip link set dc up', 'ip route add 10.22.0.0/24 dev dc']);
  await shell('dc', ['ip link add lan type bridge', `ip addr add ${dcGateway}/24 dev lan`, 'ip link set lan up', 'ip link set hub up',
    `ip route add default dev hub src ${dcGateway}`]);
  for (const host of ['web1', 'web2', 'db1']) {
    await makeSpace(host);
    await plug(host, [addresses[host]]);
  }
  await plug('-', [addresses.us, addresses.dns, addresses.national]);
}

// A cable from a host's eth0 to the data centre's network.
async function plug(host, hostAddresses) {
  const name = host === '-' ? 'us' : host;
  await shell('dc', [`ip link add to-${name} type veth peer name out-${name}`, `ip link set to-${name} master lan up`]);
  // A namespace is told by a process in it.
  const [first, ...rest] = within(host);
  const holder = first ? `${[first, ...rest].join(' ')} sleep 20 & pid=$!` : 'pid=$PPID';
  await shell('-', [`${holder}`, 'sleep 0.05', `${within('dc').join(' ')} ip link set out-${name} netns $pid`,
    first ? 'kill $pid' : ':']);
  await shell(host, [`ip link set out-${name} name eth0`, ...hostAddresses.map((address) => `ip addr add ${address}/24 dev eth0`),
    'ip link set eth0 up', `ip route add default via ${dcGateway}`]);
}

async function commune(lines, site) {
  await makeSpace(site.router);
  await lines.make(site.line, [site.router, 'wan'], ['hub', site.line], { delay_ms: site.delayMs });
  await shell('hub', [`ip link set ${site.line} up`, `ip route add 10.1.${site.number}.0/24 dev ${site.line}`]);
  await shell(site.router, [`ip addr add ${site.gateway}/32 dev lo`, 'ip link set wan up', `ip route add default dev wan src ${site.gateway}`,
    // Asked for names, the gateway hands questions on to the province's name server.
    'nft add table ip names', "nft 'add chain ip names pre { type nat hook prerouting priority dstnat; }'",
    `nft add rule ip names pre ip daddr ${site.gateway} udp dport 53 dnat to ${addresses.dns}`]);
  for (const [i, space] of site.spaces.entries()) {
    const device = `lan${i + 1}`;
    await makeSpace(space);
    await lines.make(site.lans[i], [space, 'eth0'], [site.router, device], { delay_ms: lanDelayMs });
    await shell(site.router, [`ip link set ${device} up`, `ip route add ${site.addresses[i]}/32 dev ${device}`]);
    await shell(space, [`ip addr add ${site.addresses[i]}/24 dev eth0`, 'ip link set eth0 up', `ip route add default via ${site.gateway}`]);
  }
}

export class Network {
  #hindered = new Set();  // namespaces with rules of ours

  constructor(bin) {
    this.lines = new Lines(bin);
  }

  async start() {
    await dataCentre(this.lines);
    await Promise.all(sites.map((site) => commune(this.lines, site)));
  }

  // Rules of nftables in a namespace until all is healed: {chain: [rule, …]}; the chains are prerouting, input, forward and
  // output, before all else.
  async hinder(space, rules) {
    this.#hindered.add(space);
    const lines = ['nft add table ip fault'];
    for (const [chain, list] of Object.entries(rules)) {
      lines.push(`nft 'add chain ip fault ${chain} { type filter hook ${chain} priority raw; }'`,
        ...list.map((rule) => `nft 'add rule ip fault ${chain} ${rule}'`));
    }
    await shell(space, lines);
  }
  // Likewise, of what the gateway sends elsewhere: rules of a nat chain.
  async redirect(space, rules) {
    this.#hindered.add(space);
    await shell(space, ['nft add table ip fault', "nft 'add chain ip fault nat { type nat hook prerouting priority -110; }'",
      ...rules.map((rule) => `nft 'add rule ip fault nat ${rule}'`)]);
  }

  async heal() {
    const hindered = [...this.#hindered];
    this.#hindered.clear();
    await Promise.all([this.lines.heal(), ...hindered.map((space) => shell(space, ['nft delete table ip fault']))]);
  }
}
