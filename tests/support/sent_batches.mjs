// Which batches went over the wire, and how often each: counted from the PUBLISH packets that an Observer saw,
// whatever the programs say of themselves. docs/wire-format.md explains what is read here.
import zlib from 'node:zlib';

const payload = { metric: 2, uuid: 4, body: 5 };  // field numbers
const metric = { alias: 2, long: 11, bytes: 16 };
const alias = { batch: 1, stamp: 2 };
const envelope = 'SPBV1.0_COMPRESSED';
const spoolIdAt = 9;  // in a stamp, behind version and CRC

// [field number, value] of each field of a protobuf message; a number (exact below 2^53) or bytes.
function* fields(bytes) {
  let at = 0;
  const varint = () => {
    for (let value = 0, scale = 1; ; scale *= 128) {
      if (at >= bytes.length || scale > 2 ** 63) throw new Error('no protobuf message');
      const byte = bytes[at++];
      value += (byte & 127) * scale;
      if (byte < 128) return value;
    }
  };
  while (at < bytes.length) {
    const tag = varint();
    const length = { 0: () => 0, 1: () => 8, 2: varint, 5: () => 4 }[tag % 8]?.();
    if (length === undefined || at + length > bytes.length) throw new Error('no protobuf message');
    yield [Math.floor(tag / 8), tag % 8 === 0 ? varint() : bytes.subarray(at, (at += length))];
  }
}

// {spool, number} of each batch in the payload of an NDATA message.
export function batchesOf(bytes) {
  const batches = [];
  let spool;
  let body;
  let packed = false;
  for (const [field, value] of fields(bytes)) {
    if (field === payload.uuid) packed = value.toString() === envelope;
    if (field === payload.body) body = value;
    if (field !== payload.metric) continue;
    const found = {};
    for (const [inner, content] of fields(value)) found[inner] = content;
    if (found[metric.alias] === alias.stamp) spool = found[metric.bytes].readBigUInt64LE(spoolIdAt).toString(16);
    if (found[metric.alias] === alias.batch) batches.push({ spool, number: found[metric.long] });
  }
  return packed ? batchesOf(zlib.inflateSync(body)) : batches;
}

export class SentBatches {
  #times = new Map();
  sends = 0;  // of all batches together

  // What an Observer saw.
  note({ client, from, packet }) {
    if (from !== 'client' || packet.cmd !== 'publish' || !packet.topic.includes('/NDATA/')) return;
    for (const { spool, number } of batchesOf(packet.payload)) {
      const key = `${client} ${spool} ${number}`;
      this.#times.set(key, (this.#times.get(key) ?? 0) + 1);
      this.sends += 1;
    }
  }

  get batches() {
    return this.#times.size;
  }
  // How often a batch was sent, on average.
  get ratio() {
    return this.sends / this.batches;
  }
}
