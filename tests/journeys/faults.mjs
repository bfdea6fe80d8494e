// Every fault of the table. One is
//   id       for HAIDANG_FAULTS and logs
//   what     in words
//   expect   [{place, at, step}]: the verdict that is right for a step at these sites ('all', or their numbers): 'machine', 'site',
//            'link', 'system', 'service', 'unknown', or 'none' where no verdict may be given; of several, any is right
//   inject   (world) => does it; world.heal() undoes all that World and Network can do
//   proof    (world) => throws unless a person at a site really meets it (proofs.mjs)
//   short    true: part of the short form
import { link } from './faults/link.mjs';
import { machine } from './faults/machine.mjs';
import { portal } from './faults/portal.mjs';
import { services } from './faults/services.mjs';
import { several } from './faults/several.mjs';
import { site } from './faults/site.mjs';

export const faults = [...portal, ...services, ...site, ...link, ...machine, ...several];
