// The judge is judged: it counts a wrong verdict, a wrong and certain one, one that is not there, and one beside the fault.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import { it } from 'node:test';

import { tableOf } from './doc_table.mjs';
import { faults } from './faults.mjs';
import { Judge, gradeOne, passes, strays, summary, verdictFor } from './judge.mjs';
import { journey, sites } from './places.mjs';

const trouble = (culprit, certainty, { at = sites.map(({ code }) => code), step = 'tra-cuu' } = {}) => ({
  journey, step, sites: at, reason: 'status', verdict: { culprit, certainty, summary: { vi: '', en: 'Since 09:12 …' }, evidence: [] },
});
const expected = { place: 'system', at: 'all', step: 'tra-cuu' };
const grade = (troubles, wanted = expected) => gradeOne(verdictFor({ troubles }, wanted), wanted);

it('grades what is told', () => {
  assert.equal(grade([trouble('system', 'certain')]), 'right');
  assert.equal(grade([trouble('system', 'likely')]), 'right');
  assert.equal(grade([trouble('link', 'likely')]), 'wrong');
  assert.equal(grade([trouble('link', 'certain')]), 'wrong and certain');
  assert.equal(grade([trouble('unknown', 'unknown')]), 'untold');
  assert.equal(grade([]), 'untold');
  assert.equal(grade([], { ...expected, place: 'none' }), 'right');
  assert.equal(grade([trouble('system', 'likely')], { ...expected, place: 'none' }), 'wrong');
  assert.equal(grade([trouble('unknown', 'unknown')], { ...expected, place: ['unknown', 'link'] }), 'right');
});

it('looks at the step and the sites of the fault', () => {
  const [first, second] = sites;
  const at = { place: 'site', at: [2], step: 'trang-chu' };
  const troubles = [trouble('system', 'certain', { at: [first.code] }), trouble('site', 'likely', { at: [second.code], step: 'trang-chu' })];
  assert.equal(grade(troubles, at), 'right');
  assert.equal(verdictFor({ troubles }, { ...at, at: [3] }).place, 'none');
  // Another step at the same site speaks for it where its own has nothing.
  assert.equal(grade([trouble('site', 'certain', { at: [second.code], step: 'ho-so' })], at), 'right');
});

it('sees what is told for certain beside the fault', () => {
  assert.equal(strays({ troubles: [trouble('system', 'certain'), trouble('link', 'likely')] }, [expected]).length, 0);
  assert.equal(strays({ troubles: [trouble('system', 'certain'), trouble('machine', 'certain')] }, [expected]).length, 1);
});

it('waits until the verdict stays', async () => {
  const answers = [[], [trouble('link', 'certain')], [trouble('system', 'likely')]];
  let asked = 0;
  const judge = new Judge(async () => ({ troubles: answers[Math.min(asked++, 2)] }), { every: 5, stable: 40, patience: 2000 });
  const { grade: given, verdicts } = await judge.verdict([expected]);
  assert.equal(given, 'right');
  assert.equal(verdicts[0].place, 'system');
  assert.ok(asked > 3);
  const stray = new Judge(async () => ({ troubles: [trouble('system', 'certain'), trouble('site', 'certain')] }), { every: 5, stable: 20, patience: 200 });
  assert.equal((await stray.verdict([expected])).grade, 'wrong and certain');
});

it('sums up', () => {
  const results = ['right', 'right', 'untold', 'wrong'].map((one) => ({ grade: one }));
  assert.equal(summary(results), 'verdicts: 4 faults, 2 right, 0 wrong and certain, 1 cannot be told');
  assert.equal(passes(results), false);
  assert.equal(passes([]), false);
  assert.equal(passes(Array.from({ length: 10 }, (_, i) => ({ grade: i === 0 ? 'untold' : 'right' }))), true);
  assert.equal(passes(Array.from({ length: 10 }, (_, i) => ({ grade: i === 0 ? 'wrong and certain' : 'right' }))), false);
});

it('has every fault in docs/journeys-faults.md', () => {
  const doc = fs.readFileSync(new URL('../../docs/journeys-faults.md', import.meta.url), 'utf8');
  assert.ok(doc.includes(tableOf(faults)), 'the table of the document is that of doc_table.mjs');
  assert.equal(new Set(faults.map(({ id }) => id)).size, faults.length, 'each id once');
});
