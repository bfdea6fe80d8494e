// The table of faults: each is done to a made-up province, and the collector's verdict is held against what is right.
// docs/journeys-faults.md. HAIDANG_BIN: build/<preset>/bin. HAIDANG_JOURNEYS: "all" (else the short form), "proofs" (every fault is
// done and proved, nothing is judged). HAIDANG_FAULTS=id,id: these alone.
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';

import { enterSpaces } from '../support/spaces.mjs';
import { pause } from '../support/wait.mjs';
import { faults } from './faults.mjs';
import { Judge, passes, summary } from './judge.mjs';
import { well } from './proofs.mjs';
import { World } from './world.mjs';

const bin = process.env.HAIDANG_BIN;
if (!bin) throw new Error('HAIDANG_BIN must name the folder of the programs: run this through ./dev test journeys');
const without = enterSpaces();
if (without) {
  console.log(`skipped: ${without}`);
  process.exit(77);
}

const form = process.env.HAIDANG_JOURNEYS ?? 'short';
const only = process.env.HAIDANG_FAULTS?.split(',');
const learning = 40000;  // ms, in which the collector learns what is usual
const chosen = faults.filter((fault) => (only ? only.includes(fault.id) : form !== 'short' || fault.short));
const state = fs.mkdtempSync(path.join(os.tmpdir(), 'haidang-journeys-'));
const artefacts = path.resolve(bin, '..', 'artefacts', 'journeys');
const began = Date.now();
const elapsed = () => `${String(Math.floor((Date.now() - began) / 60000)).padStart(2)}:${String(Math.floor((Date.now() - began) / 1000) % 60).padStart(2, '0')}`;

async function proved(fault, world) {
  try {
    await fault.proof(world);
    return '';
  } catch (error) {
    return error.message.split('\n')[0];
  }
}

// Every fault does what it says, and leaves nothing behind.
async function proofs(world) {
  let failed = 0;
  for (const fault of chosen) {
    await fault.inject(world);
    await pause(300);
    const why = await proved(fault, world);
    await world.heal();
    let left = '';
    for (const number of [1, 2, 3, 4, 5, 6]) await well(world, number).catch((error) => (left = `left behind: ${error.message}`));
    if (why || left) failed += 1;
    console.log(`${elapsed()} ${fault.id}: ${[why, left].filter(Boolean).join('; ') || 'proved'}`);
  }
  console.log(`proofs: ${chosen.length} faults, ${failed} of them do not do what they say`);
  return failed === 0 && chosen.length > 0;
}

function tell(fault, { grade, verdicts, strays, ms, unproved, unwell }) {
  for (const [i, expected] of fault.expect.entries()) {
    const { place, certainty, name, step, reason, sites, evidence } = verdicts[i];
    console.log([elapsed(), fault.id.padEnd(24), `expected ${[expected.place].flat().join('/')}`.padEnd(28), `${place} (${certainty})`.padEnd(22),
      i === 0 ? grade : '', `${(ms / 1000).toFixed(1)} s`, step ? `${step}${reason ? ` ${reason}` : ''} at ${sites.length}` : '', name ?? ''].join('  '));
    for (const sentence of evidence.slice(0, grade === 'right' ? 2 : 8)) console.log(`        ${sentence}`);
  }
  for (const { step, sites, verdict } of strays) console.log(`        beside it: ${step} at ${sites.join(' ')}: ${verdict.culprit} (certain): ${verdict.summary?.en}`);
  if (unproved) console.log(`        the fault did not do what it says: ${unproved}`);
  if (unwell) console.log(`        before it, not all was well: ${unwell}`);
}

async function table(world) {
  const judge = new Judge(() => world.ask('journeys'));
  const results = [];
  console.log(`${elapsed()} learning what is usual`);
  await pause(learning);
  for (const fault of chosen) {
    const unwell = await judge.well();
    await fault.inject(world);
    const [unproved, verdict] = await Promise.all([proved(fault, world), judge.verdict(fault.expect)]);
    const result = { fault, ...verdict, unproved, unwell };
    results.push(result);
    tell(fault, result);
    if (result.grade !== 'right') fs.writeFileSync(path.join(state, 'log', `answer-${fault.id}.json`), JSON.stringify(verdict.answer, null, 1));
    await world.heal();
  }
  console.log('');
  for (const { fault, grade, ms, verdicts } of results) {
    console.log(`${fault.id.padEnd(28)}${fault.expect.map(({ place }) => [place].flat().join('/')).join(' + ').padEnd(24)}` +
      `${verdicts.map(({ place, certainty }) => `${place} (${certainty})`).join(' + ').padEnd(40)}${grade.padEnd(19)}${(ms / 1000).toFixed(1).padStart(5)} s  ${fault.what}`);
  }
  console.log(summary(results));
  return passes(results);
}

const world = new World({ bin, state, agents: form !== 'proofs' });
let good = false;
try {
  await world.start();
  console.log(`${elapsed()} the province is up: ${chosen.length} faults`);
  world.children.failed.addEventListener('abort', () => console.log(`${elapsed()} ${world.children.failed.reason.message}`));
  good = await (form === 'proofs' ? proofs(world) : table(world));
} catch (error) {
  console.error(error);
} finally {
  await world.stop().catch(() => {});
  fs.rmSync(artefacts, { recursive: true, force: true });
  fs.cpSync(path.join(state, 'log'), artefacts, { recursive: true });
  fs.rmSync(state, { recursive: true, force: true });
}
process.exit(good ? 0 : 1);
