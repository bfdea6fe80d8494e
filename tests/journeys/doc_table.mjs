// The table of docs/journeys-faults.md, as it follows from the faults.
const sitesOf = (at) => (at === 'all' ? 'everywhere' : `at ${at.join(', ')}`);
const answerOf = ({ place, at, step }) => `${[place].flat().map((one) => `*${one}*`).join(' or ')} ${sitesOf(at)}${step ? `, \`${step}\`` : ''}`;

export function tableOf(faults) {
  const rows = faults.map(({ id, what, expect, short }) => `| \`${id}\`${short ? ' ●' : ''} | ${what} | ${expect.map(answerOf).join('; ')} |`);
  return ['| fault | what is done | right |', '| --- | --- | --- |', ...rows, ''].join('\n');
}
