// A bare MQTT 5 client over TLS on npm mqtt-packet: says exactly what it is told to, hides nothing.
import tls from 'node:tls';
import mqtt from 'mqtt-packet';

const hex = (code) => `0x${code.toString(16).padStart(2, '0')}`;

export class MqttClient {
  #socket;
  #id = 0;
  #waiting = new Map();  // what is awaited from the broker
  #watchers = [];
  messages = [];

  constructor({ port, ca, cert, key, will, clientId = `test-${Math.random().toString(36).slice(2)}` }) {
    Object.assign(this, { options: { port, host: '127.0.0.1', ca, cert, key }, will, clientId });
    this.closed = new Promise((resolve) => (this.onClosed = resolve));
  }

  // Rejects with the broker's reason code where it refuses.
  async connect() {
    await new Promise((resolve, reject) => {
      this.#socket = tls.connect(this.options, resolve);
      this.#socket.once('error', reject);
    });
    const parser = mqtt.parser({ protocolVersion: 5 });
    parser.on('packet', (packet) => this.#take(packet));
    this.#socket.on('data', (bytes) => parser.parse(bytes));
    this.#socket.on('error', () => {});
    this.#socket.on('close', () => {
      this.onClosed();
      for (const { reject } of this.#waiting.values()) reject(new Error('the broker closed the connection'));
    });
    const answer = this.#answer('connack');
    this.send({
      cmd: 'connect', protocolId: 'MQTT', protocolVersion: 5, clientId: this.clientId, clean: true, keepalive: 60,
      will: this.will && { ...this.will, payload: Buffer.from(this.will.payload) },
    });
    const { reasonCode } = await answer;
    if (reasonCode !== 0) throw new Error(`the broker refuses the connection: ${hex(reasonCode)}`);
    return this;
  }

  send(packet) {
    this.#socket.write(mqtt.generate(packet, { protocolVersion: 5 }));
  }

  // The reason codes of the SUBACK.
  async subscribe(filters) {
    const messageId = ++this.#id;
    const answer = this.#answer(`suback ${messageId}`);
    this.send({ cmd: 'subscribe', messageId, subscriptions: filters.map((topic) => ({ topic, qos: 1, nl: false })) });
    return (await answer).granted;
  }

  // Waits for the PUBACK at QoS 1; gives its reason code.
  async publish(topic, payload, qos = 0) {
    const messageId = qos > 0 ? ++this.#id : undefined;
    const answer = qos > 0 ? this.#answer(`puback ${messageId}`) : undefined;
    this.send({ cmd: 'publish', topic, payload: Buffer.from(payload), qos, messageId, retain: false, dup: false });
    return (await answer)?.reasonCode ?? 0;
  }

  // Everything sent before has been dealt with by the broker when this returns.
  async ping() {
    const answer = this.#answer('pingresp');
    this.send({ cmd: 'pingreq' });
    await answer;
  }

  // The first message, past or to come, that fits.
  until(fits) {
    const found = this.messages.find(fits);
    if (found) return found;
    return new Promise((resolve) => this.#watchers.push({ fits, resolve }));
  }

  end() {
    this.#socket.destroy();
  }

  #answer(what) {
    return new Promise((resolve, reject) => this.#waiting.set(what, { resolve, reject }));
  }

  #take(packet) {
    if (packet.cmd === 'publish') {
      this.messages.push(packet);
      if (packet.qos === 1) this.send({ cmd: 'puback', messageId: packet.messageId, reasonCode: 0 });
      this.#watchers = this.#watchers.filter(({ fits, resolve }) => !(fits(packet) && (resolve(packet), true)));
      return;
    }
    const what = packet.messageId === undefined ? packet.cmd : `${packet.cmd} ${packet.messageId}`;
    this.#waiting.get(what)?.resolve(packet);
    this.#waiting.delete(what);
  }
}
