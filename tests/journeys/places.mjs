// Who is in the made-up province, and under which addresses. docs/journeys-faults.md draws it.
export const portalName = 'mot-cua.quangninh.test';
export const hubAddress = '10.0.0.1';
export const dcGateway = '10.22.0.1';

// In the data centre, on one network. `us` is where the test, broker, collector, name server and the national service live.
export const addresses = {
  us: '10.22.0.5', dns: '10.22.0.53', national: '10.22.0.99', web1: '10.22.0.11', web2: '10.22.0.12', db1: '10.22.0.21',
};
export const ports = { broker: 8883, query: 9311, metrics: 9312, page: 8090, app: 8080, control: 8081, national: 8099 };

// Communes: the delay of their line, ms each way, and their machines.
export const sites = [
  { number: 1, code: '06652', name: 'Phường Hà Tu', delayMs: 3.6, machines: ['ha-tu-1', 'ha-tu-2'] },
  { number: 2, code: '06658', name: 'Phường Cao Xanh', delayMs: 3.9, machines: ['cao-xanh-1'] },
  { number: 3, code: '06661', name: 'Phường Việt Hưng', delayMs: 4.2, machines: ['viet-hung-1'] },
  { number: 4, code: '06673', name: 'Phường Bãi Cháy', delayMs: 4.5, machines: ['bai-chay-1'] },
  { number: 5, code: '06676', name: 'Phường Hà Lầm', delayMs: 4.8, machines: ['ha-lam-1'] },
  { number: 6, code: '06685', name: 'Phường Hồng Gai', delayMs: 5.1, machines: ['hong-gai-1'] },
].map((site) => ({
  ...site, gateway: `10.1.${site.number}.1`, router: `gw${site.number}`, line: `wan-${site.number}`,
  addresses: site.machines.map((_, i) => `10.1.${site.number}.${10 + i}`),
  spaces: site.machines.map((_, i) => `site${site.number}-${i + 1}`), lans: site.machines.map((_, i) => `lan-${site.number}-${i + 1}`),
}));

// The portal's own machines, with agents that walk nothing.
export const portalMachines = [
  { machine: 'ps-web1', space: 'web1' }, { machine: 'ps-web2', space: 'web2' }, { machine: 'ps-db1', space: 'db1' },
];
export const province = { code: '22', name: 'Tỉnh Quảng Ninh' };

export const journey = 'mot-cua';
export const nationalName = 'dan-cu-quoc-gia';
export const citizen = '022099000001';
// The journey's steps and what a person's browser would ask for them.
export const steps = [
  { name: 'trang-chu', path: '/' },
  { name: 'dang-nhap', path: '/dang-nhap' },
  { name: 'tra-cuu', path: '/tra-cuu?q=nguyen' },
  { name: 'ho-so', path: '/ho-so/1' },
  { name: 'dan-cu', path: `/dan-cu/${citizen}` },
];
