// The count of what was sent finds every batch, alone and in envelopes. The bytes are docs/wire-format.md's own.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import { test } from 'node:test';
import zlib from 'node:zlib';

import { batchesOf, SentBatches } from '../support/sent_batches.mjs';

const wireFormat = fs.readFileSync(new URL('../../docs/wire-format.md', import.meta.url), 'utf8');
const [, example] = wireFormat.match(/<!-- example: batch -->\n```\n([^`]*)```/);
const batch = Buffer.from(example.replace(/#.*$/gm, '').replace(/\s/g, ''), 'hex');

const field = (number, bytes) => Buffer.concat([Buffer.from([number * 8 + 2, bytes.length]), bytes]);
// Payloads in a payload: the fields of all, one after another.
const envelope = (...payloads) => Buffer.concat([
  field(4, Buffer.from('SPBV1.0_COMPRESSED')), field(5, zlib.deflateSync(Buffer.concat(payloads))),
]);
// The same batch under another number: Spool/Batch 42 is 58 2a.
const numbered = (number) => {
  const other = Buffer.from(batch);
  other[batch.indexOf(Buffer.from('582a', 'hex')) + 1] = number;
  return other;
};
const sent = (payload, topic = 'spBv1.0/quang-ninh/NDATA/may-1') => ({ client: 'may-1', from: 'client', packet: { cmd: 'publish', topic, payload } });

test('a batch is told by its spool and its number', () => {
  assert.deepEqual(batchesOf(batch), [{ spool: '1122334455667788', number: 42 }]);
  assert.deepEqual(batchesOf(envelope(numbered(1), numbered(2))).map(({ number }) => number), [1, 2]);
});

test('what is sent again is counted again, however it goes', () => {
  const count = new SentBatches();
  count.note(sent(numbered(1)));
  count.note(sent(numbered(2)));
  assert.deepEqual([count.batches, count.sends, count.ratio], [2, 2, 1]);
  count.note(sent(envelope(numbered(2), numbered(3), numbered(4))));
  assert.deepEqual([count.batches, count.sends, count.ratio], [4, 5, 1.25]);
});

test('what is no batch of an agent is not counted', () => {
  const count = new SentBatches();
  count.note(sent(batch, 'spBv1.0/quang-ninh/NBIRTH/may-1'));
  count.note({ ...sent(batch), from: 'broker' });
  count.note({ client: 'may-1', from: 'client', packet: { cmd: 'pingreq' } });
  assert.equal(count.sends, 0);
});

test('bytes that are cut short are no message', () => {
  for (let length = 1; length < batch.length; ++length) {
    try {
      assert.ok(batchesOf(batch.subarray(0, length)).length <= 1);
    } catch (error) {
      assert.match(error.message, /no protobuf message/);
    }
  }
});
