// The name server of a made-up province: answers each name and each client as it is told to, late, wrongly or not at all.
import dgram from 'node:dgram';

import { answerTo, questionOf } from './slow_dns.mjs';

const codes = { noerror: 0, servfail: 2, nxdomain: 3, refused: 5 };

export class ProvinceDns {
  #socket = dgram.createSocket('udp4');
  #rules = [];
  asked = 0;  // questions so far

  // names: {name: [IPv4 address, …]}.
  constructor(names) {
    this.names = names;
  }

  async start(host, port = 53) {
    this.#socket.on('message', (query, from) => this.#take(query, from));
    await new Promise((resolve, reject) => this.#socket.once('error', reject).bind(port, host, resolve));
    return this;
  }
  stop() {
    this.#socket.close();
  }

  // From now on, for questions about `name` (any without it) of clients whose address begins with `client`: `delayMs` late,
  // with `code` (servfail, nxdomain, refused), with other `addresses`, or `dead`: none. The newest rule that fits counts.
  rule({ name, client = '', delayMs = 0, code = 'noerror', addresses, dead = false }) {
    this.#rules.unshift({ name, client, delayMs, code, addresses, dead });
  }
  heal() {
    this.#rules = [];
  }

  // A client's site decides which of several addresses comes first, as the caches of its own name server would.
  #ordered(addresses, client) {
    const turn = Number(client.split('.')[2]) % addresses.length;
    return [...addresses.slice(turn), ...addresses.slice(0, turn)];
  }

  #take(query, from) {
    const question = questionOf(query);
    if (!question) return;
    this.asked += 1;
    const rule = this.#rules.find(({ name, client }) => (!name || name === question.name) && from.address.startsWith(client));
    if (rule?.dead) return;
    const known = rule?.addresses ?? this.names[question.name];
    const code = rule && rule.code !== 'noerror' ? codes[rule.code] : known ? codes.noerror : codes.nxdomain;
    const answer = answerTo(query, question, { code, addresses: code === 0 ? this.#ordered(known, from.address) : [] });
    setTimeout(() => this.#socket.send(answer, from.port, from.address, () => {}), rule?.delayMs ?? 0);
  }
}
