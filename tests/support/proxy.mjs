// A TCP proxy that can be told to misbehave, and through which others can look.
import net from 'node:net';

export class TcpProxy {
  #server;
  #pairs = new Set();
  #mode = 'pass';
  port = 0;
  connections = 0;  // accepted so far

  // `tap(connection)` is called for each connection and may give {toServer(bytes), toClient(bytes), closed()}.
  constructor(targetPort, { tap } = {}) {
    this.target = targetPort;
    this.tap = tap;
  }

  async start(port = 0) {
    this.#server = net.createServer({ allowHalfOpen: false }, (client) => this.#accept(client));
    await new Promise((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(port, '127.0.0.1', resolve);
    });
    this.port = this.#server.address().port;
    return this;
  }

  // 'pass': forwards; 'hole': takes connections and bytes, and forwards nothing any more.
  set mode(mode) {
    this.#mode = mode;
    for (const { client, server } of this.#pairs) {
      if (mode === 'hole') {
        client.pause();
        server.pause();
      } else {
        client.resume();
        server.resume();
      }
    }
  }

  // Cuts every connection that there is.
  cut() {
    for (const { client, server } of this.#pairs) {
      client.destroy();
      server.destroy();
    }
  }

  async stop() {
    this.cut();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #accept(client) {
    this.connections += 1;
    const server = net.connect(this.target, '127.0.0.1');
    const pair = { client, server };
    const tap = this.tap?.(this.connections) ?? {};
    this.#pairs.add(pair);
    client.setNoDelay(true);
    server.setNoDelay(true);
    if (this.#mode === 'hole') {
      client.pause();
      server.pause();
    }
    client.on('data', (bytes) => {
      tap.toServer?.(bytes);
      server.write(bytes);
    });
    server.on('data', (bytes) => {
      tap.toClient?.(bytes);
      client.write(bytes);
    });
    const end = () => {
      if (this.#pairs.delete(pair)) tap.closed?.();
      client.destroy();
      server.destroy();
    };
    for (const socket of [client, server]) socket.on('error', end).on('close', end);
    // What came last must be written before the other side is closed.
    client.on('end', () => server.end());
    server.on('end', () => client.end());
  }
}
