// Faults of the national service, behind one step.
import assert from 'node:assert/strict';

import { shell } from '../../support/spaces.mjs';
import { addresses, citizen, ports } from '../places.mjs';
import { answers, well } from '../proofs.mjs';

const expect = [{ place: 'service', at: 'all', step: 'dan-cu' }];

// What the application gets of the national service: curl's exit code, status and seconds.
async function asked(world, wanted) {
  const said = await shell('db1', [`curl -s -o /dev/null -m 3 -w '%{exitcode} %{http_code} %{time_total}' ` +
    `http://${addresses.national}:${ports.national}/cong-dan/${citizen} || true`]);
  const [code, status, seconds] = said.split(' ').map(Number);
  assert.ok(wanted({ code, status, seconds }), `the national service: ${said}`);
  await well(world, 1);
}

export const services = [
  { id: 'national-slow', what: 'the national service is slow', expect, short: true,
    inject: (world) => Object.assign(world.national, { delayMs: 1800 }),
    proof: (world) => asked(world, ({ seconds }) => seconds >= 1.8) },
  { id: 'national-500', what: 'the national service answers 500', expect,
    inject: (world) => Object.assign(world.national, { status: 500 }),
    proof: (world) => asked(world, ({ status }) => status === 500) },
  { id: 'national-hangs', what: 'the national service never answers', expect,
    inject: (world) => Object.assign(world.national, { dead: true }),
    proof: (world) => asked(world, ({ code }) => code === 28) },
  { id: 'national-down', what: 'the national service is down: refused', expect,
    inject: (world) => world.network.hinder('-', { input: [`tcp dport ${ports.national} reject with tcp reset`] }),
    proof: (world) => asked(world, ({ code }) => code === 7) },
  // The page fails by itself; from outside nobody can see that the service was not asked.
  { id: 'step-behind-service', what: 'the step that needs the national service answers 500 by itself',
    expect: [{ place: ['unknown', 'service', 'system'], at: 'all', step: 'dan-cu' }],
    inject: (world) => world.route({ path: '/dan-cu', answer: 'error500' }),
    proof: (world) => answers(world, 2, 500, `/dan-cu/${citizen}`) },
];
