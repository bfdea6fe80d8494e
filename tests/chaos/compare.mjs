// Compares what agents read (--test-ledger) with what the store has (export --ledger), line by line:
//   node compare.mjs EXPORT LEDGER…
// prints "ledger: N samples, L lost, D doubled, A altered", what is wrong of the first few, and ends with 1
// where something is. Files of any size: they are sorted outside this process and read side by side.
//
// A line is {"machine":…,"series":…,"ts_ms":…,"value":…}, written by the same code on both sides. Of lines
// with the same machine, series and time: a value that was read and is stored otherwise is altered; one that was
// read and is not stored is lost; one that is stored more often than it was read is doubled. What is stored
// and was never read is altered too: no agent said it.
import { spawn } from 'node:child_process';
import readline from 'node:readline';
import { pathToFileURL } from 'node:url';

const valueKey = ',"value":';  // quotes inside a text are escaped, so it stands once

// {key, values} for each key of the files, in bytewise order.
async function* groups(files) {
  const sort = spawn('sort', ['--', ...files], { env: { ...process.env, LC_ALL: 'C' }, stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = new Promise((resolve, reject) => sort.once('error', reject).once('close', resolve));
  sort.stdout.setEncoding('latin1');  // one character a byte: the order of strings is sort's
  let group;
  for await (const line of readline.createInterface({ input: sort.stdout, crlfDelay: Infinity })) {
    const at = line.indexOf(valueKey);
    if (!line.startsWith('{"machine":') || at < 0 || !line.endsWith('}')) {
      throw new Error(`no line of a ledger: ${line.slice(0, 200)}`);
    }
    const key = line.slice(0, at);
    if (group?.key !== key) {
      if (group) yield group;
      group = { key, values: [] };
    }
    group.values.push(line.slice(at + valueKey.length, -1));
  }
  const code = await ended;
  if (code !== 0) throw new Error(`sort ended with ${code}`);
  if (group) yield group;
}

// What of `these` is not matched one to one by `those`.
function without(these, those) {
  const left = [...those];
  return these.filter((value) => {
    const at = left.indexOf(value);
    if (at >= 0) left.splice(at, 1);
    return at < 0;
  });
}

export class Comparison {
  samples = 0;  // read
  lost = 0;
  doubled = 0;
  altered = 0;
  examples = [];
  lostOf = new Map();  // machine → [time of the first sample that is lost, of the last]

  get same() {
    return this.lost === 0 && this.doubled === 0 && this.altered === 0;
  }
  toString() {
    return `ledger: ${this.samples} samples, ${this.lost} lost, ${this.doubled} doubled, ${this.altered} altered`;
  }

  note(key, read, stored) {
    this.samples += read.length;
    const missing = without(read, stored);
    const extra = without(stored, read);
    if (missing.length === 0 && extra.length === 0) return;
    const changed = Math.min(missing.length, extra.length);
    const lost = missing.length - changed;
    const surplus = extra.slice(changed);
    const doubled = surplus.filter((value) => read.includes(value)).length;
    this.lost += lost;
    if (lost > 0) this.#noteLost(JSON.parse(`${Buffer.from(key, 'latin1')}}`));
    this.doubled += doubled;
    this.altered += changed + surplus.length - doubled;
    if (this.examples.length >= 10) return;
    const text = Buffer.from(key, 'latin1').toString('utf8');
    this.examples.push(`${text}}: read ${read.join(' and ') || 'never'}, stored ${stored.join(' and ') || 'never'}`);
  }

  #noteLost({ machine, ts_ms: time }) {
    const [first, last] = this.lostOf.get(machine) ?? [time, time];
    this.lostOf.set(machine, [Math.min(first, time), Math.max(last, time)]);
  }
}

export async function compare(exported, ledgers) {
  const result = new Comparison();
  const [read, stored] = [groups(ledgers), groups([exported])];
  let [a, b] = [await read.next(), await stored.next()];
  while (!a.done || !b.done) {
    const key = b.done || (!a.done && a.value.key <= b.value.key) ? a.value.key : b.value.key;
    const take = (side) => (!side.done && side.value.key === key ? side.value.values : []);
    result.note(key, take(a), take(b));
    if (!a.done && a.value.key === key) a = await read.next();
    if (!b.done && b.value.key === key) b = await stored.next();
  }
  return result;
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const [exported, ...ledgers] = process.argv.slice(2);
  if (!exported || ledgers.length === 0) {
    console.error('usage: node compare.mjs EXPORT LEDGER…');
    process.exit(2);
  }
  const result = await compare(exported, ledgers);
  for (const example of result.examples) console.log(`  ${example}`);
  console.log(String(result));
  process.exitCode = result.same ? 0 : 1;
}
