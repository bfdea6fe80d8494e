// A name server that takes its time: answers every question for a known name with 127.0.0.1, others with "no such
// name", `delayMs` after they came.
import dgram from 'node:dgram';

const typeA = 1;
const header = 12;  // bytes

// {name, type, end: where the question ends}; undefined where it cannot be read.
function questionOf(query) {
  const labels = [];
  let at = header;
  while (at < query.length && query[at] !== 0) {
    labels.push(query.toString('latin1', at + 1, at + 1 + query[at]));
    at += 1 + query[at];
  }
  const end = at + 5;
  return end <= query.length ? { name: labels.join('.').toLowerCase(), type: query.readUInt16BE(at + 1), end } : undefined;
}

function answerTo(query, { name, type, end }, names) {
  const known = names.includes(name);
  const answers = known && type === typeA ? 1 : 0;
  const head = Buffer.alloc(header);
  query.copy(head, 0, 0, 2);
  head.writeUInt16BE(0x8180 | (known ? 0 : 3), 2);  // an answer, recursion available; 3: no such name
  head.writeUInt16BE(1, 4);
  head.writeUInt16BE(answers, 6);
  const parts = [head, query.subarray(header, end)];
  // The name again (by its place), type A, class IN, 0 s to live, 4 bytes.
  if (answers) parts.push(Buffer.from([0xc0, header, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4, 127, 0, 0, 1]));
  return Buffer.concat(parts);
}

export class SlowDns {
  #socket = dgram.createSocket('udp4');
  #open = new Map();  // timer → name
  delayMs = 0;

  constructor(names) {
    this.names = names;
  }

  async start(port = 53, host = '127.0.0.1') {
    this.#socket.on('message', (query, from) => this.#take(query, from));
    await new Promise((resolve, reject) => this.#socket.once('error', reject).bind(port, host, resolve));
    return this;
  }

  // How many questions for a name wait for their answer.
  open(name) {
    return [...this.#open.values()].filter((asked) => asked === name).length;
  }

  async stop() {
    for (const timer of this.#open.keys()) clearTimeout(timer);
    await new Promise((resolve) => this.#socket.close(resolve));
  }

  #take(query, from) {
    const question = questionOf(query);
    if (!question) return;
    const timer = setTimeout(() => {
      this.#open.delete(timer);
      this.#socket.send(answerTo(query, question, this.names), from.port, from.address);
    }, this.delayMs);
    this.#open.set(timer, question.name);
  }
}
