// The throw-away authority makes anew what is missing, cut off or of another authority, and keeps the rest.
import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

import { Authority } from '../support/pki.mjs';
import { temporary } from './harness.mjs';

const read = (file) => fs.readFileSync(file, 'utf8');

test('what is whole is taken as it is', () => {
  const directory = temporary();
  const first = new Authority(directory).issue('tinh-1');
  const was = [read(path.join(directory, 'ca.pem')), read(first.cert), read(first.key)];
  const second = new Authority(directory).issue('tinh-1');
  assert.deepEqual([read(path.join(directory, 'ca.pem')), read(second.cert), read(second.key)], was);
  assert.deepEqual(fs.readdirSync(directory).sort(), ['ca.key', 'ca.pem', 'tinh-1.key', 'tinh-1.pem']);
});

test('whatever was lost or damaged, every set is whole and of this authority again', () => {
  const directory = temporary();
  new Authority(directory).issue('tinh-1');
  for (const name of ['ca.pem', 'ca.key', 'tinh-1.pem', 'tinh-1.key']) {
    const file = path.join(directory, name);
    for (const damage of [() => fs.rmSync(file), () => fs.truncateSync(file, 0), () => fs.truncateSync(file, 100)]) {
      damage();
      const authority = new Authority(directory);
      const { cert } = authority.issue('tinh-1');
      const issued = new X509Certificate(read(cert));
      assert.ok(issued.verify(new X509Certificate(read(authority.ca)).publicKey), name);
    }
  }
});
