// Reads Sparkplug B payloads with the reference protobuf (npm sparkplug-payload), not with our own codec.
import { createRequire } from 'node:module';
import zlib from 'node:zlib';

const require = createRequire(import.meta.url);
const { org } = require('sparkplug-payload/lib/sparkplugPayloadProto.js');
const Payload = org.eclipse.tahu.protobuf.Payload;

export const types = { Int64: 4, UInt64: 8, Double: 10, Boolean: 11, String: 12, Bytes: 17 };

const big = (value) => (value === null || value === undefined ? undefined : BigInt(value.toString()));

function valueOf(metric) {
  if (metric.isNull) return null;
  switch (metric.value) {
    case 'longValue': return BigInt.asIntN(64, big(metric.longValue));
    case undefined: return undefined;
    default: return metric[metric.value];
  }
}

const own = (object, key) => Object.prototype.hasOwnProperty.call(object, key);

// {timestamp, seq, uuid, metrics: [{name, alias, datatype, timestamp, historical, value, properties}], batches}; what
// is not in the message is undefined. Numbers of 64 bits are BigInt. An envelope's content is under `inner`.
export function decode(bytes) {
  const payload = Payload.decode(bytes);
  const metrics = payload.metrics.map((metric) => ({
    name: own(metric, 'name') ? metric.name : undefined,
    alias: own(metric, 'alias') ? Number(metric.alias) : undefined,
    datatype: own(metric, 'datatype') ? metric.datatype : undefined,
    timestamp: own(metric, 'timestamp') ? Number(metric.timestamp) : undefined,
    historical: own(metric, 'isHistorical') ? metric.isHistorical : undefined,
    value: valueOf(metric),
    properties: metric.properties
      ? Object.fromEntries(metric.properties.keys.map((key, i) => [key, metric.properties.values[i].stringValue]))
      : {},
  }));
  const decoded = {
    timestamp: own(payload, 'timestamp') ? Number(payload.timestamp) : undefined,
    seq: own(payload, 'seq') ? Number(payload.seq) : undefined,
    uuid: own(payload, 'uuid') ? payload.uuid : undefined,
    metrics,
  };
  if (decoded.uuid === 'SPBV1.0_COMPRESSED') decoded.inner = decode(zlib.inflateSync(payload.body));
  return decoded;
}

export const metric = (payload, name) => payload.metrics.find((m) => m.name === name);

export function encodeRebirth(timestamp = Date.now()) {
  return Buffer.from(Payload.encode(Payload.create({
    timestamp,
    metrics: [{ name: 'Node Control/Rebirth', datatype: types.Boolean, booleanValue: true, timestamp }],
  })).finish());
}
