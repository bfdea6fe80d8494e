// A name server that takes its time: answers every question for a known name with 127.0.0.1, others with "no such
// name", `delayMs` after they came.
import dgram from 'node:dgram';

const typeA = 1;
const header = 12;  // bytes
const noSuchName = 3;

// {name, type, end: where the question ends}; undefined where it cannot be read.
export function questionOf(query) {
  const labels = [];
  let at = header;
  while (at < query.length && query[at] !== 0) {
    labels.push(query.toString('latin1', at + 1, at + 1 + query[at]));
    at += 1 + query[at];
  }
  const end = at + 5;
  return end <= query.length ? { name: labels.join('.').toLowerCase(), type: query.readUInt16BE(at + 1), end } : undefined;
}

// The answer to a question: `code` is the response code, `addresses` are IPv4 addresses, given where such were asked for.
export function answerTo(query, { type, end }, { code, addresses }) {
  const given = type === typeA ? addresses : [];
  const head = Buffer.alloc(header);
  query.copy(head, 0, 0, 2);
  head.writeUInt16BE(0x8180 | code, 2);  // an answer, recursion available
  head.writeUInt16BE(1, 4);
  head.writeUInt16BE(given.length, 6);
  const parts = [head, query.subarray(header, end)];
  // The name again (by its place), type A, class IN, 0 s to live, 4 bytes.
  for (const address of given) {
    parts.push(Buffer.from([0xc0, header, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4, ...address.split('.').map(Number)]));
  }
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
      const known = this.names.includes(question.name);
      const answer = answerTo(query, question, { code: known ? 0 : noSuchName, addresses: known ? ['127.0.0.1'] : [] });
      this.#socket.send(answer, from.port, from.address);
    }, this.delayMs);
    this.#open.set(timer, question.name);
  }
}
