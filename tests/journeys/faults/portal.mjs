// Faults of the one-stop system itself: its database, its application, its front ends, its certificates.
import { uncompressed } from '../../support/front_end.mjs';
import { pause } from '../../support/wait.mjs';
import { addresses } from '../places.mjs';
import { answers, breaks, echoes, says, slow, well } from '../proofs.mjs';

const everywhere = (step, place = 'system') => [{ place, at: 'all', step }];
// Those whose name server gives the first front end first.
const firstFrontEnd = [2, 4, 6];
const others = [1, 3, 5];
const half = (step = 'trang-chu', place = 'system') => [{ place, at: firstFrontEnd, step }];
const search = 'tra-cuu';

const busyDisk = { diskBusy: 0.98, diskMs: 190, diskOps: 60, iowait: 0.55, blocked: 14, load: 16, ioPressure: 0.72 };
const busyCpu = { cpu: 0.985, load: 42, running: 40, cpuPressure: 0.85 };

const database = [
  { id: 'db-slow-disk', what: 'slow disk under the database', expect: everywhere(search), short: true,
    inject: async (world) => {
      world.load('ps-db1', busyDisk);
      await world.database({ delay_ms: 1500 });
    },
    proof: (world) => slow(world, 1, 'processing', 1.4) },
  { id: 'db-locked', what: 'a table locked by another program', expect: everywhere(search),
    inject: (world) => world.database({ locked: 1 }),
    proof: (world) => breaks(world, 2, 28) },
  { id: 'db-pool', what: 'the connection pool is used up', expect: everywhere(search),
    inject: (world) => world.database({ held: 4 }),
    proof: (world) => breaks(world, 3, 28) },
  { id: 'db-cpu', what: "the database's processors are busy", expect: everywhere(search),
    inject: async (world) => {
      world.load('ps-db1', busyCpu);
      await world.database({ delay_ms: 1200 });
    },
    proof: (world) => slow(world, 4, 'processing', 1.1) },
];

const application = [
  { id: 'portal-cpu', what: "CPU hog on the portal's machines", expect: everywhere('trang-chu'),
    inject: async (world) => {
      for (const machine of ['ps-web1', 'ps-web2']) world.load(machine, busyCpu);
      await world.route({ path: '/', delay_ms: 900 });
    },
    proof: (world) => slow(world, 5, 'processing', 0.9) },
  { id: 'portal-memory', what: "the portal's machines have no memory left", expect: everywhere('trang-chu'),
    inject: async (world) => {
      for (const machine of ['ps-web1', 'ps-web2']) {
        world.load(machine, { memory: 0.985, swapPages: 5000, memoryPressure: 0.7, ioPressure: 0.5, diskBusy: 0.9, load: 20, iowait: 0.4 });
      }
      await world.route({ path: '/', delay_ms: 1100 });
    },
    proof: (world) => slow(world, 5, 'processing', 1.1) },
  { id: 'step-500', what: 'one step answers 500', expect: everywhere(search), short: true,
    inject: (world) => world.route({ path: '/tra-cuu', answer: 'error500' }),
    proof: (world) => answers(world, 6, 500) },
  { id: 'step-hangs', what: 'one step never answers', expect: everywhere(search),
    inject: (world) => world.route({ path: '/tra-cuu', answer: 'hang' }),
    proof: (world) => breaks(world, 1, 28) },
  { id: 'step-slow', what: 'one step is slow, and no machine shows why', expect: everywhere(search),
    inject: (world) => world.route({ path: '/tra-cuu', delay_ms: 1500 }),
    proof: async (world) => {
      await slow(world, 2, 'processing', 1.5);
      await well(world, 2, '/');
    } },
  { id: 'sign-in-refused', what: 'the sign-in refuses everybody', expect: everywhere('dang-nhap'),
    inject: (world) => world.route({ path: '/dang-nhap', answer: 'forbidden' }),
    proof: (world) => answers(world, 3, 403, '/dang-nhap') },
  { id: 'other-content', what: 'one step answers 200 with another page', expect: everywhere(search),
    inject: (world) => world.route({ path: '/tra-cuu', answer: 'wrong-content' }),
    proof: (world) => says(world, 4, 'bảo trì', '/tra-cuu?q=nguyen') },
  { id: 'maintenance', what: 'the whole portal answers 200 with another page', expect: everywhere('trang-chu'),
    inject: (world) => world.route({ path: '/', answer: 'wrong-content' }),
    proof: (world) => says(world, 4, 'bảo trì') },
  { id: 'dossier-404', what: 'the dossier is not found', expect: everywhere('ho-so'),
    inject: (world) => world.route({ path: '/ho-so/', answer: 'not-found' }),
    proof: (world) => answers(world, 5, 404, '/ho-so/1') },
  { id: 'redirect-loop', what: 'one step redirects to itself', expect: everywhere(search),
    inject: (world) => world.route({ path: '/tra-cuu', answer: 'loop' }),
    proof: (world) => answers(world, 6, 302) },
  { id: 'app-down', what: 'the application is down: 502', expect: everywhere('trang-chu'),
    inject: (world) => world.stopApp(),
    proof: (world) => answers(world, 1, 502) },
];

const onBoth = (change) => (world) => Promise.all(Object.values(world.frontEnds).map((frontEnd) => frontEnd.set(change(world))));

const sendsSlowly = { extra: 'limit_rate 4k;', passing: uncompressed };  // a page takes two seconds

const frontEnds = [
  { id: 'nginx-down', what: 'both front ends are down: refused', expect: everywhere('trang-chu'),
    inject: (world) => Promise.all(Object.values(world.frontEnds).map((frontEnd) => frontEnd.stop())),
    proof: (world) => breaks(world, 2, 7) },
  { id: 'hosts-gone', what: 'both front ends vanished from the network', expect: everywhere('trang-chu'),
    inject: (world) => Promise.all(['web1', 'web2'].map((host) => world.network.hinder(host, { prerouting: ['iifname eth0 drop'] }))),
    proof: (world) => breaks(world, 3, 28) },
  { id: 'certificate-expired', what: "the portal's certificate has expired", expect: everywhere('trang-chu'),
    inject: onBoth((world) => ({ certificate: world.certificates.expired })),
    proof: (world) => breaks(world, 4, 60) },
  { id: 'certificate-name', what: "the portal's certificate is for another name", expect: everywhere('trang-chu'),
    inject: onBoth((world) => ({ certificate: world.certificates.otherName })),
    proof: (world) => breaks(world, 5, 60) },
  { id: 'tls-slow', what: 'the portal takes long to shake hands', expect: everywhere('trang-chu'),
    inject: (world) => world.lines.shape('hub', { 'ba.tls_delay_ms': 900 }),
    proof: async (world) => {
      await slow(world, 6, 'tls', 0.9);
      await echoes(world, 6, addresses.web1, { ms: [5, 40] });
    } },
  { id: 'transfer-slow', what: 'the portal sends slowly', expect: everywhere(search),
    inject: onBoth(() => sendsSlowly),
    proof: (world) => slow(world, 1, 'transfer', 0.9) },
];

const oneOfTwo = [
  { id: 'one-500', what: 'one of two front ends answers 500', expect: half(),
    inject: (world) => world.frontEnds.web1.set({ body: 'return 500;' }),
    proof: async (world) => {
      for (const site of firstFrontEnd) await answers(world, site, 500);
      for (const site of others) await well(world, site);
    } },
  { id: 'one-hangs', what: 'one of two front ends never answers', expect: half(),
    inject: async (world) => {
      await world.network.hinder('db1', { prerouting: ['tcp dport 8082 drop'] });
      await world.frontEnds.web1.set({ body: `proxy_connect_timeout 70s; proxy_pass http://${addresses.db1}:8082;` });
    },
    proof: async (world) => {
      await breaks(world, 2, 28);
      await well(world, 1);
    } },
  { id: 'one-certificate', what: "one of two front ends' certificate has expired", expect: half(),
    inject: (world) => world.frontEnds.web1.set({ certificate: world.certificates.expired }),
    proof: async (world) => {
      await breaks(world, 4, 60);
      await well(world, 3);
    } },
  { id: 'one-gone', what: 'one of two front ends vanished from the network', expect: half(),
    inject: (world) => world.network.hinder('web1', { prerouting: ['iifname eth0 drop'] }),
    proof: async (world) => {
      await echoes(world, 4, addresses.web1, { lost: [100, 100] });
      await well(world, 3);
    } },
  { id: 'one-slow', what: 'one of two front ends is overloaded', expect: half(search),
    inject: async (world) => {
      world.load('ps-web1', busyCpu);
      await world.frontEnds.web1.set(sendsSlowly);
    },
    proof: async (world) => {
      await slow(world, 6, 'transfer', 0.9);
      await well(world, 5);
    } },
  { id: 'one-refused', what: 'one of two front ends is down: browsers and we go to the other', expect: half('trang-chu', ['none', 'system']),
    inject: (world) => world.frontEnds.web1.stop(),
    proof: (world) => well(world, 2) },
  { id: 'restart', what: 'the application is started anew', expect: everywhere('trang-chu', ['none', 'system']),
    inject: async (world) => {
      await world.stopApp();
      await pause(500);
      world.startApp();
    },
    proof: async (world) => {
      await pause(1500);
      await well(world, 3);
    } },
];

export const portal = [...database, ...application, ...frontEnds, ...oneOfTwo];
