// Faults of the machine that walks the journey.
import fs from 'node:fs';
import path from 'node:path';

import { echoes, well } from '../proofs.mjs';

const at = (number, step = 'trang-chu', place = 'machine') => [{ place, at: [number], step }];
const year = 365 * 86400e3;  // ms
// The machine is to blame and not its site: its agent alone is treated badly, what runs beside it is well.
const onlyTheAgent = (number) => (world) => well(world, number);

export const machine = [
  { id: 'machine-cpu', what: 'CPU hog on the machine', expect: at(2), short: true,
    inject: (world) => {
      world.load('cao-xanh-1', { cpu: 0.99, load: 38, running: 36, cpuPressure: 0.93 });
      world.starve('cao-xanh-1', 0.08);
    },
    proof: onlyTheAgent(2) },
  { id: 'machine-memory', what: 'the machine has no memory left', expect: at(4),
    inject: (world) => {
      world.load('bai-chay-1', { memory: 0.985, swapPages: 4000, memoryPressure: 0.8, ioPressure: 0.6, diskBusy: 0.95, iowait: 0.5, load: 18 });
      world.starve('bai-chay-1', 0.08);
    },
    proof: onlyTheAgent(4) },
  { id: 'machine-disk', what: "the machine's disk holds everything up", expect: at(6),
    inject: (world) => {
      world.load('hong-gai-1', { diskBusy: 0.99, diskMs: 250, iowait: 0.7, blocked: 20, load: 22, ioPressure: 0.85 });
      world.starve('hong-gai-1', 0.08);
    },
    proof: onlyTheAgent(6) },
  { id: 'clock-ahead', what: "the machine's clock is a year ahead", expect: at(5),
    inject: (world) => { world.shift('ha-lam-1', year); },
    proof: onlyTheAgent(5) },
  { id: 'clock-behind', what: "the machine's clock is a year behind", expect: at(3),
    inject: (world) => { world.shift('viet-hung-1', -year); },
    proof: onlyTheAgent(3) },
  // Its questions go to an address where nobody is: that the site's name server is well nobody else there can say.
  { id: 'machine-resolver', what: 'the machine asks a name server that is not there', expect: at(3, 'trang-chu', ['machine', 'site', 'unknown']),
    inject: (world) => {
      if (!world.machines['viet-hung-1']) return;
      fs.writeFileSync(path.join(world.directory('roots', 'viet-hung-1'), 'etc/resolv.conf'), 'nameserver 10.1.3.250\noptions timeout:2 attempts:2\n');
    },
    proof: (world) => echoes(world, 3, '10.1.3.250', { lost: [100, 100] }) },
];
