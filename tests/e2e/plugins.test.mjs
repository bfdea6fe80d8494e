// A monitoring plug-in from its exit code to the page: its values and thresholds, an event where its state changes, a finding
// where it fails twice in a row, and the end of both; beside it one that hangs, one that floods and one that forks.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

import { getJson, parseMetrics } from '../support/http.mjs';
import { threePlaces } from '../support/stack.mjs';
import { makeStack, temporary } from './harness.mjs';

const directory = temporary();
const answer = path.join(directory, 'answer');
const says = (text, code) => fs.writeFileSync(answer, `echo ${JSON.stringify(text)}; exit ${code}\n`);
says('2 bản sao lưu | count=2;1:;1: age=3600s;90000;180000;0', 0);

const machine = threePlaces[1].machine;
const plugin = (name, line) => ({ name, command: ['/bin/sh', '-c', line], interval: '10s', timeout: '3s' });
const stack = await makeStack({
  probe: false,
  agents: [{ ...threePlaces[1], more: { plugin: [
    plugin('backup', `. ${answer}`),
    plugin('hangs', 'trap "" TERM; while :; do sleep 1; done'),
    plugin('floods', 'yes'),
    plugin('forks', 'sleep 1000 & sleep 1000 & echo fine'),
  ] } }],
});

const found = async (name) => (await stack.overview()).findings.find((f) => f.kind === 'check_failed' && f.step === name);
const events = async () => (await getJson(`${stack.urls.page}/api/v1/events?machine=${machine}`)).events.filter((e) => e.kind === 'plugin_state');
async function values() {
  const samples = parseMetrics(await stack.metrics('metrics/fleet')).filter((s) => s.name.startsWith('haidang_plugin_'));
  return (metric, name, label) => samples.find((s) => s.name === `haidang_plugin_${metric}` && s.labels.name === name
    && (label === undefined || s.labels.label === label))?.value;
}

test('values and thresholds arrive; what misbehaves is unknown and takes nothing else with it', async () => {
  await stack.ready('all four have run', async () => {
    const value = await values();
    return ['backup', 'hangs', 'floods', 'forks'].every((name) => value('state', name) !== undefined);
  }, 60000);
  const value = await values();
  assert.equal(value('state', 'backup'), 0);
  assert.equal(value('value', 'backup', 'count'), 2);
  assert.equal(value('warning_min', 'backup', 'count'), 1);
  assert.equal(value('value', 'backup', 'age'), 3600);
  assert.equal(value('critical_max', 'backup', 'age'), 180000);
  assert.deepEqual(['hangs', 'floods', 'forks'].map((name) => value('state', name)), [3, 3, 0]);
  assert.ok((await stack.machine(machine)).load1 >= 0);
});

test('a state that changes is an event, one that stays bad a finding, and both end', async () => {
  says('chưa sao lưu 3 ngày | age=259200s;90000;180000;0', 2);
  const finding = await stack.ready('a finding', () => found('backup'), 60000);
  assert.equal(finding.machine, machine);
  assert.equal(finding.words.state, 'critical');
  assert.equal(finding.words.output, 'chưa sao lưu 3 ngày');
  says('2 bản sao lưu', 0);
  await stack.ready('its end', async () => !(await found('backup')), 60000);
  // Findings are of what came, events of what is stored.
  const told = await stack.ready('both events are stored', async () => {
    const all = (await events()).filter((e) => e.key === 'backup').map((e) => e.text).sort();
    return all.length >= 2 && all;
  });
  assert.deepEqual(told, ['critical: chưa sao lưu 3 ngày, was ok', 'ok: 2 bản sao lưu, was critical']);
  const hung = await stack.ready('the one that hangs is a finding', () => found('hangs'), 60000);
  assert.equal(hung.words.state, 'unknown');
  assert.match(hung.words.output, /^has not ended after 3 s/);
});
