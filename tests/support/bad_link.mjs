// A TCP link that is slow, late, cut in the middle of a frame, or dead without a word.
import net from 'node:net';

const window = 16384;  // bytes under way before the sender must wait, as in a small modem

// One direction: what comes in at `from` goes out at `to` after the link's latency and at its rate.
class Direction {
  #queue = [];
  #queued = 0;
  #timer;
  #freeAt = 0;  // when the wire has taken all before
  bytes = 0;

  constructor(link, from, to, { cut }) {
    Object.assign(this, { link, from, to, cut });
    from.on('data', (bytes) => this.#take(bytes));
    from.on('end', () => this.#take(null));
  }

  #take(bytes) {
    const { latencyMs, bytesPerSecond } = this.link;
    const now = performance.now();
    if (bytes && this.link.dead) return;
    this.#freeAt = Math.max(this.#freeAt, now) + (bytes && bytesPerSecond ? (bytes.length / bytesPerSecond) * 1000 : 0);
    this.#queue.push({ bytes, at: this.#freeAt + latencyMs });
    this.#queued += bytes?.length ?? 0;
    if (bytesPerSecond && this.#queued > window) this.from.pause();
    this.link.longestWaitMs = Math.max(this.link.longestWaitMs, this.#freeAt + latencyMs - now);
    this.#arm();
  }

  #arm() {
    if (this.#timer || this.#queue.length === 0) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#deliver();
    }, Math.max(0, this.#queue[0].at - performance.now()));
  }

  #deliver() {
    while (this.#queue.length > 0 && this.#queue[0].at <= performance.now()) {
      const { bytes } = this.#queue.shift();
      if (!bytes) return void this.to.end();
      this.#queued -= bytes.length;
      const left = (this.link.cutAfterBytes ?? Infinity) - this.bytes;
      this.bytes += bytes.length;
      if (!this.link.dead) this.to.write(left < bytes.length ? bytes.subarray(0, Math.max(0, left)) : bytes);
      if (this.link.cutAfterBytes !== undefined && left < bytes.length) {
        this.link.cutShort += 1;
        return void this.cut();
      }
    }
    if (this.#queued <= window && !this.link.dead) this.from.resume();
    this.#arm();
  }

  stop() {
    clearTimeout(this.#timer);
    this.#queue = [];
  }
}

export class BadLink {
  #server;
  #pairs = new Set();
  latencyMs = 0;  // each way
  bytesPerSecond = 0;  // each way; 0: any
  cutAfterBytes;  // each way of each connection: then it is cut, wherever in a frame that is
  connections = 0;
  dead = false;  // see die()
  longestWaitMs = 0;  // that anything had to go through
  cutShort = 0;  // connections that cutAfterBytes ended

  constructor(targetPort = 0) {
    this.target = targetPort;
  }

  async start() {
    this.#server = net.createServer({ allowHalfOpen: true }, (client) => this.#accept(client));
    await new Promise((resolve, reject) => this.#server.once('error', reject).listen(0, '127.0.0.1', resolve));
    this.port = this.#server.address().port;
    return this;
  }

  // From now on nothing arrives on either side and neither hears that the other is gone, as when a modem
  // lost its power; new connections are taken and hear nothing.
  die() {
    this.dead = true;
  }
  // New connections work again; the dead ones stay dead.
  revive() {
    this.dead = false;
    for (const pair of this.#pairs) for (const direction of pair.directions) direction.link = { latencyMs: 0, dead: true, longestWaitMs: 0 };
  }
  cut() {
    for (const pair of this.#pairs) pair.end();
  }
  async stop() {
    this.cut();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #accept(client) {
    this.connections += 1;
    const server = net.connect({ port: this.target, host: '127.0.0.1', allowHalfOpen: true });
    const pair = { directions: [] };
    pair.end = () => {
      this.#pairs.delete(pair);
      for (const direction of pair.directions) direction.stop();
      client.destroy();
      server.destroy();
    };
    pair.directions = [[client, server], [server, client]].map(([from, to]) => new Direction(this, from, to, { cut: pair.end }));
    this.#pairs.add(pair);
    for (const socket of [client, server]) {
      socket.setNoDelay(true);
      socket.on('error', pair.end);
      socket.on('close', () => client.destroyed && server.destroyed && pair.end());
    }
  }
}
