// What the programs of the made-up province are told.
import fs from 'node:fs';
import path from 'node:path';

import { sitesFile, writeToml } from '../support/configs.mjs';
import { addresses, citizen, hubAddress, journey, nationalName, portalMachines, portalName, ports, province, sites } from './places.mjs';

export const pace = { interval: 2, timeout: 3, sampling: 1, path: 2 };  // seconds

export function journeyToml(world) {
  const url = (page) => `https://${portalName}${page}`;
  return `
[[journey]]
name = "${journey}"
interval = "${pace.interval}s"
timeout = "${pace.timeout}s"
ca = "${world.authority.ca}"
  [journey.secrets]
  canbo = "file:${world.passwordFile}"
  [[journey.step]]
  name = "trang-chu"
  url = "${url('/')}"
  contains = ["Trang chủ"]
  [[journey.step]]
  name = "dang-nhap"
  url = "${url('/dang-nhap')}"
  form = { ten = "canbo", mat-khau = "{secret.canbo}" }
  reads = true
  contains = ["Cán bộ: canbo"]
  [[journey.step]]
  name = "tra-cuu"
  url = "${url('/tra-cuu')}"
  query = { q = "nguyen" }
  contains = ["so-ket-qua"]
  take = [ { name = "so", regex = 'href="/ho-so/(\\d+)"' } ]
  [[journey.step]]
  name = "ho-so"
  url = "${url('/ho-so/{so}')}"
  contains = ["Ngày hẹn trả"]
  [[journey.step]]
  name = "dan-cu"
  url = "${url(`/dan-cu/${citizen}`)}"
  contains = ["Đã xác thực"]
  depends_on = ["${nationalName}"]

[path]
hub = "${hubAddress}"
hosts = [ { name = "mot-cua", address = "${portalName}", port = 443 } ]
names = ["${portalName}"]
interval = "${pace.path}s"
`;
}

const broker = (world, name) => ({
  uri: `ssl://${addresses.us}:${ports.broker}`, ca: world.authority.ca, ...world.authority.issue(name),
});

// site: the code; walks: it walks the journey.
export function writeAgent(world, { machine, site, walks }) {
  const directory = world.directory('agents', machine);
  const file = path.join(directory, 'agent.toml');
  writeToml(file, {
    broker: { ...broker(world, machine), group: world.group, backoff_max: '1s' },
    machine: { class: walks ? 'workstation' : 'server', site },
    state: { directory },
    sampling: { interval: `${pace.sampling}s` },
  });
  if (walks) fs.appendFileSync(file, journeyToml(world));
  return file;
}

export function writeCollector(world) {
  const directory = world.directory('collector');
  const file = path.join(directory, 'collector.toml');
  writeToml(file, {
    collector: { id: world.collectorId, group: world.group },
    broker: broker(world, world.collectorId),
    state: { directory },
    query: { listen: `127.0.0.1:${ports.query}`, secret_file: world.secretFile },
    metrics: { listen: `127.0.0.1:${ports.metrics}` },
  });
  return file;
}

// Which machine stands where, and what it serves.
function inventory() {
  const rows = [
    ...sites.flatMap((site) => site.machines.map((machine) => [machine, site.code, 'workstation', ''])),
    ...portalMachines.map(({ machine }) => [machine, province.code, 'server', journey]),
  ];
  return `machine,site,class,serves\n${rows.map((row) => `${row.join(',')}\n`).join('')}`;
}

export function writeServer(world) {
  const directory = world.directory('server');
  const [file, machines] = [path.join(directory, 'server.toml'), path.join(directory, 'inventory.csv')];
  fs.writeFileSync(machines, inventory());
  writeToml(file, {
    server: { listen: `127.0.0.1:${ports.page}` },
    collector: { url: `http://127.0.0.1:${ports.query}`, secret_file: world.secretFile },
    state: { directory },
    sites: { file: sitesFile },
    inventory: { file: machines },
    objective: [{ journey, seconds: 2.0, minutes: 1 }],
    metrics: { fleet_targets: [`127.0.0.1:${ports.metrics}`], own_target: `127.0.0.1:${ports.page}` },
  });
  return file;
}
