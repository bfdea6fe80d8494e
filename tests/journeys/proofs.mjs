// What a fault's proof asserts: that a person at a site really meets it, as curl and ping see it. Pages are those of places.mjs
// that need no sign-in.
import assert from 'node:assert/strict';

const told = (seen) => JSON.stringify({ ...seen, text: seen.text?.slice(0, 60) });

export async function well(world, number, page = '/tra-cuu?q=nguyen') {
  const seen = await world.look(number, page);
  assert.ok(seen.status === 200 && seen.seconds < 0.6, `site ${number} should be well: ${told(seen)}`);
  return seen;
}
// A phase takes at least that long: resolve, connect, tls, processing, transfer.
export async function slow(world, number, phase, seconds, page = '/tra-cuu?q=nguyen') {
  const seen = await world.look(number, page, { timeout: 10 });
  assert.ok(seen.status === 200 && seen[phase] >= seconds, `${phase} of site ${number} should take ${seconds} s: ${told(seen)}`);
}
export async function answers(world, number, status, page = '/tra-cuu?q=nguyen') {
  const seen = await world.look(number, page);
  assert.equal(seen.status, status, `site ${number}: ${told(seen)}`);
}
// curl ends with this code: 6 no address, 7 refused, 28 out of time, 60 a certificate that does not count.
export async function breaks(world, number, code, page = '/tra-cuu?q=nguyen') {
  const seen = await world.look(number, page);
  assert.equal(seen.curl, code, `site ${number}: ${told(seen)}`);
}
export async function says(world, number, text, page = '/') {
  const seen = await world.look(number, page);
  assert.ok(seen.status === 200 && seen.text.includes(text), `site ${number}: ${told(seen)}`);
}
// Echoes to an address: the share lost, in %, and the time, in ms, lie between the bounds.
export async function echoes(world, number, address, { lost = [0, 0], ms = [0, 1e6], size } = {}) {
  const seen = await world.ping(number, address, { count: 30, size });
  assert.ok(seen.lost >= lost[0] && seen.lost <= lost[1], `${address} from site ${number}: ${seen.lost} % lost`);
  assert.ok(lost[0] === 100 || (seen.ms >= ms[0] && seen.ms <= ms[1]), `${address} from site ${number}: ${seen.ms} ms`);
}
