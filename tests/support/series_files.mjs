// Series for the bench store-codec: machines, each with tick times and values (null: none) of its series.
import fs from 'node:fs';
import path from 'node:path';

const notValues = new Set(['shift']);  // columns that say something about the series, not of it

function timeOf(text) {
  if (/^\d+$/.test(text)) return Number(text);
  const time = Date.parse(text.length === 10 ? `${text}T00:00:00Z` : `${text.replace(' ', 'T').replace(/Z?$/, 'Z')}`);
  if (Number.isNaN(time)) throw new Error(`no time: ${text}`);
  return time;
}

// A CSV file is a machine: its first column the time, every other one a series.
function machineOf(file) {
  const [head, ...rows] = fs.readFileSync(file, 'utf8').trim().split(/\r?\n/).map((line) => line.split(','));
  const times = rows.map((row) => timeOf(row[0]));
  const series = new Map();
  head.forEach((name, column) => {
    if (column === 0 || notValues.has(name)) return;
    series.set(name, rows.map((row) => (row[column] === '' || row[column] === undefined ? null : Number(row[column]))));
  });
  return { times, series };
}

// All CSV files below those folders that exist.
export function readFolders(folders) {
  const files = folders.filter((folder) => fs.existsSync(folder)).flatMap((folder) =>
    fs.readdirSync(folder, { recursive: true }).filter((name) => name.endsWith('.csv')).sort().map((name) => path.join(folder, name)));
  return files.map(machineOf);
}

// What an agent wrote with --test-ledger: a value holds until the next one of its series is stated.
export function readLedger(file) {
  const ticks = new Map();
  for (const line of fs.readFileSync(file, 'utf8').split('\n')) {
    if (!line.endsWith('}')) continue;  // the last one may be under way
    const { series, ts_ms: time, value } = JSON.parse(line);
    if (!ticks.has(time)) ticks.set(time, []);
    ticks.get(time).push([series, value]);
  }
  const times = [...ticks.keys()].sort((a, b) => a - b);
  const series = new Map();
  times.forEach((time, tick) => {
    for (const column of series.values()) column.push(column.at(-1));
    for (const [name, value] of ticks.get(time)) {
      if (value !== null && typeof value === 'object') continue;  // a histogram
      if (typeof value === 'string' && !/^(NaN|[+-]Inf)$/.test(value)) continue;  // a text
      if (!series.has(name)) series.set(name, Array(tick + 1).fill(null));
      series.get(name)[tick] = value === null ? null : Number(value);
    }
  });
  return [{ times, series }];
}

// The file that haidang-chunk-cost reads.
export function writeForChunks(file, machines) {
  const lines = [];
  for (const { times, series } of machines) {
    lines.push('m', `t ${times.join(' ')}`);
    for (const values of series.values()) lines.push(`v ${values.map((value) => (value === null ? '-' : String(value))).join(' ')}`);
  }
  fs.writeFileSync(file, `${lines.join('\n')}\n`);
}

// Lines for VictoriaMetrics' /api/v1/import, each series under a name of its own, in pieces of `most` samples;
// and how many samples they are.
export function* importLines(set, machines, most = 100000) {
  let machine = 0;
  for (const { times, series } of machines) {
    machine += 1;
    for (const [name, all] of series) {
      const at = all.flatMap((value, i) => (value === null ? [] : [i]));
      for (let from = 0; from < at.length; from += most) {
        const piece = at.slice(from, from + most);
        yield {
          line: JSON.stringify({
            metric: { __name__: set, machine: `m${machine}`, series: name },
            values: piece.map((i) => all[i]), timestamps: piece.map((i) => times[i]),
          }),
          samples: piece.length,
        };
      }
    }
  }
}
