// What is said of a fault, held against what is right. Pure but for Judge, which asks the collector.
import { pause } from '../support/wait.mjs';
import { journey, sites } from './places.mjs';

const codes = (at) => (at === 'all' ? sites : sites.filter(({ number }) => at.includes(number))).map(({ code }) => code);
const places = (expected) => [expected.place].flat();

// Of the troubles that are told, the one about this step at these sites; failing that, about another step there. {place, certainty,
// name, evidence, sites, reason}; place 'none' where there is none.
export function verdictFor(answer, expected) {
  const wanted = new Set(codes(expected.at));
  const shared = (trouble) => trouble.sites.filter((site) => wanted.has(site)).length;
  const weight = (trouble) => shared(trouble) * 2 + (trouble.step === expected.step ? 1 : 0);
  const [trouble] = (answer.troubles ?? []).filter((t) => t.journey === journey && shared(t) > 0).sort((a, b) => weight(b) - weight(a));
  if (!trouble) return { place: 'none', certainty: 'unknown', evidence: [], sites: [] };
  const { culprit, certainty, name, summary, evidence } = trouble.verdict;
  return {
    place: culprit, certainty, name, sites: trouble.sites, step: trouble.step, reason: trouble.reason,
    evidence: [summary, ...(evidence ?? [])].filter(Boolean).map((sentence) => sentence.en),
  };
}

// 'right', 'untold', 'wrong', or 'wrong and certain', of one expectation.
export function gradeOne(verdict, expected) {
  const right = places(expected);
  if (right.includes(verdict.place)) return 'right';
  if (right.includes('none') && verdict.certainty !== 'certain' && verdict.place === 'unknown') return 'right';
  if (verdict.place === 'none' || verdict.place === 'unknown' || verdict.certainty === 'unknown') return 'untold';
  return verdict.certainty === 'certain' ? 'wrong and certain' : 'wrong';
}

// What is told for certain and is right for nothing that was done.
export function strays(answer, expectations) {
  const right = new Set(expectations.flatMap(places));
  return (answer.troubles ?? []).filter(({ verdict }) => verdict.certainty === 'certain' && !right.has(verdict.culprit));
}

const worstFirst = ['wrong and certain', 'wrong', 'untold', 'right'];
export const worst = (grades) => worstFirst.find((grade) => grades.includes(grade));

export class Judge {
  // ask: () => the collector's answer about journeys. Times in ms.
  constructor(ask, { every = 1500, stable = 6000, patience = 25000 } = {}) {
    Object.assign(this, { ask, every, stable, patience });
  }

  // Waits until what is said of a fault stays the same; gives {grade, verdicts, ms: since when it was so, strays}.
  async verdict(expectations) {
    const began = Date.now();
    let same = { since: began, key: undefined };
    for (;;) {
      const answer = await this.ask();
      const verdicts = expectations.map((expected) => verdictFor(answer, expected));
      const key = JSON.stringify(verdicts.map(({ place, certainty }) => [place, certainty]));
      if (key !== same.key) same = { since: Date.now(), key };
      const told = verdicts.every(({ place }, i) => place !== 'none' || places(expectations[i]).includes('none'));
      const needed = verdicts.some(({ place }) => place === 'none') ? 2 * this.stable : this.stable;
      const settled = told && Date.now() - same.since >= needed;
      if (settled || Date.now() - began >= this.patience) {
        const stray = strays(answer, expectations);
        const grades = verdicts.map((verdict, i) => gradeOne(verdict, expectations[i]));
        return { grade: worst([...grades, ...(stray.length > 0 ? ['wrong and certain'] : [])]), verdicts, strays: stray, ms: same.since - began, answer };
      }
      await pause(this.every);
    }
  }

  // Waits until nothing is in trouble and every site has walked every step; what still is, or ''.
  async well(patience = this.patience) {
    const end = Date.now() + patience;
    for (let clean = 0; ;) {
      const answer = await this.ask();
      const trouble = (answer.troubles ?? []).map(({ step, sites: at, verdict }) => `${step} at ${at.join(' ')}: ${verdict.culprit}`);
      const missing = (answer.steps ?? []).flatMap(({ step, sites: at }) => at.filter(({ success }) => success !== true).map(({ site }) => `${step} at ${site}`));
      const seen = new Set((answer.steps ?? []).flatMap(({ sites: at }) => at.map(({ site }) => site)));
      clean = trouble.length + missing.length === 0 && seen.size === sites.length ? clean + 1 : 0;
      if (clean === 2) return '';
      if (Date.now() >= end) return [...trouble, ...missing, `${seen.size} of ${sites.length} sites`].slice(0, 6).join('; ');
      await pause(this.every);
    }
  }
}

// The line that ends the table.
export function summary(results) {
  const count = (grade) => results.filter((result) => result.grade === grade).length;
  return `verdicts: ${results.length} faults, ${count('right')} right, ${count('wrong and certain')} wrong and certain, ` +
    `${count('untold')} cannot be told`;
}
export function passes(results) {
  const right = results.filter(({ grade }) => grade === 'right').length;
  return results.length > 0 && right / results.length >= 0.9 && !results.some(({ grade }) => grade === 'wrong and certain');
}
