// Looks at every MQTT packet between our programs and the broker. It stands between them, ends TLS
// on both sides, and shows the broker the certificate of whoever connected, so that the broker's locks
// work as without it.
import fs from 'node:fs';
import tls from 'node:tls';
import mqtt from 'mqtt-packet';

// A v5 topic alias stands for a topic that the same sender named before on this connection.
function resolveTopic(packet, aliases) {
  const alias = packet.properties?.topicAlias;
  if (alias === undefined) return;
  if (packet.topic) aliases.set(alias, packet.topic);
  else packet.topic = aliases.get(alias);
}

// On the wire: the first byte, the length in groups of 7 bits, the rest.
function packetBytes({ length }) {
  return 1 + Math.max(1, Math.ceil(Math.log2(length + 1) / 7)) + length;
}

export class Observer {
  #server;
  #sockets = new Set();
  #injectors = new Map();  // client → what says a packet in its name, on its latest connection
  // Every packet in the order in which it was seen: {n, connection, client, from: 'client'|'broker', packet, at}.
  packets = [];
  faults = [];  // what could not be read as MQTT 5

  // `authority` issued every client's certificate, under the client's common name. `seen` takes each packet in
  // place of `packets`.
  constructor(authority, broker, brokerPort, { seen = (entry) => this.packets.push(entry) } = {}) {
    this.seen = seen;
    this.authority = authority;
    this.broker = broker;
    this.brokerPort = brokerPort;
    this.connections = 0;
    this.count = 0;  // of packets seen
  }

  async start(port) {
    const read = (file) => fs.readFileSync(file);
    const ca = read(this.authority.ca);
    this.#server = tls.createServer({
      ca, cert: read(this.broker.cert), key: read(this.broker.key), requestCert: true, rejectUnauthorized: true,
    }, (client) => this.#accept(client, ca));
    this.#server.on('tlsClientError', () => {});
    await new Promise((resolve) => this.#server.listen(port, '127.0.0.1', resolve));
    this.port = port;
    return this;
  }

  // Cuts the connections of one client, or of all, as a failing link does; how many.
  cut(name) {
    const cut = [...this.#sockets].filter((socket) => name === undefined || socket.client === name);
    for (const socket of cut) socket.destroy();
    return cut.length / 2;  // a socket on either side
  }

  // Says a packet to the broker in a client's name, between two of its own. It is not among `packets`: the
  // client did not send it.
  say(name, packet) {
    this.#injectors.get(name)(mqtt.generate(packet, { protocolVersion: 5 }));
  }

  async stop() {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #accept(client, ca) {
    const name = client.getPeerCertificate().subject.CN;
    const connection = ++this.connections;
    const own = this.authority.issue(name);
    const broker = tls.connect({
      port: this.brokerPort, host: '127.0.0.1', ca, cert: fs.readFileSync(own.cert), key: fs.readFileSync(own.key),
    });
    const keep = (side, packet) => {
      this.seen({ n: this.count++, connection, client: name, from: side, packet, at: Date.now() });
    };
    const join = (from, to, side) => {
      const parser = mqtt.parser({ protocolVersion: 5 });
      const aliases = new Map();
      const toSay = [];  // in the client's name
      let open = 0;      // bytes of a packet that has not come as a whole
      parser.on('packet', (packet) => {
        open -= packetBytes(packet);
        if (packet.cmd === 'publish') resolveTopic(packet, aliases);
        keep(side, packet);
      });
      parser.on('error', (error) => this.faults.push(`${name}, from the ${side}: ${error.message}`));
      const sayWaiting = () => {
        if (open === 0) for (const bytes of toSay.splice(0)) to.write(bytes);
      };
      from.on('data', (bytes) => {
        open += bytes.length;
        parser.parse(bytes);
        to.write(bytes);
        sayWaiting();
      });
      if (side === 'client') {
        this.#injectors.set(name, (bytes) => {
          toSay.push(bytes);
          sayWaiting();
        });
      }
      from.on('end', () => to.end());
      from.on('error', () => to.destroy());
      from.on('close', () => {
        this.#sockets.delete(from);
        keep(side, { cmd: 'closed' });
        to.end();
      });
      from.client = name;
      this.#sockets.add(from);
    };
    join(client, broker, 'client');
    join(broker, client, 'broker');
  }

  // What one client sent, by connection.
  sentBy(name) {
    return this.packets.filter((p) => p.client === name && p.from === 'client');
  }
  connectionsOf(name) {
    return [...new Set(this.sentBy(name).map((p) => p.connection))];
  }
}
