// Configurations that the project ships, as a test uses them: themselves, but for what they reach outside.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';

import { root } from './rule_files.mjs';

// Writes `sample` (below the project's root) to `directory`, with each of `changes` {from: to}; gives the file's path.
// What is changed stands in the sample once or more.
export function writeSample(directory, sample, changes) {
  let text = fs.readFileSync(path.join(root, sample), 'utf8');
  for (const [from, to] of Object.entries(changes)) {
    assert.ok(text.includes(from), `${sample} says ${from}`);
    text = text.replaceAll(from, to);
  }
  const file = path.join(directory, path.basename(sample));
  fs.writeFileSync(file, text);
  return file;
}

export const alertmanagerSample = 'dashboards/alertmanager/alertmanager.yml';
export const messages = path.join(root, 'dashboards/alertmanager/haidang.tmpl');

export const alertmanagerConfig = (directory, changes = {}) =>
  writeSample(directory, alertmanagerSample, { '/etc/prometheus/haidang.tmpl': messages, ...changes });
