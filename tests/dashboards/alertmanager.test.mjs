// The sample configuration of Alertmanager: right for amtool, routes as it says, and a real Alertmanager holds back
// what one cause makes many times.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';

import { parse } from 'yaml';

import { httpSink } from '../support/alert_sinks.mjs';
import { Children } from '../support/children.mjs';
import { getText, request } from '../support/http.mjs';
import { freePort } from '../support/ports.mjs';
import { eventually } from '../support/wait.mjs';
import { alerts, root } from './rule_files.mjs';
import { alertmanagerConfig, alertmanagerSample, messages } from './samples.mjs';

const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'haidang-alertmanager-'));
const children = new Children(directory);
after(async () => {
  await Promise.all(children.running.map((child) => child.stop()));
  fs.rmSync(directory, { recursive: true });
});

function amtool(...args) {
  const tool = spawnSync('amtool', args, { encoding: 'utf8' });
  assert.equal(tool.error, undefined);
  assert.equal(tool.status, 0, tool.stdout + tool.stderr);
  return tool.stdout;
}

const configuration = (changes) => alertmanagerConfig(directory, changes);

test('amtool finds the sample right, with its messages', () => {
  assert.match(amtool('check-config', configuration()), /1 templates\s+SUCCESS/);
});

test('alerts go where the sample says', () => {
  const file = configuration();
  const route = (receivers, ...labels) => amtool('config', 'routes', 'test', `--config.file=${file}`, `--verify.receivers=${receivers}`, ...labels);
  route('telegram,email,webhook', 'alertname=HaidangServerVanished', 'severity=page', 'team=province', 'site=06685');
  route('webhook,email', 'alertname=HaidangDiskLow', 'severity=ticket', 'team=site', 'site=06685');
  route('email-tien-yen,webhook,email', 'alertname=HaidangDiskLow', 'severity=ticket', 'team=site', 'site=06862');
  route('webhook,silent', 'alertname=HaidangDataGaps', 'severity=info', 'team=province');
  route('watchdog', 'alertname=HaidangWatchdog', 'severity=info', 'team=province');
});

test('what is inhibited are alerts that there are', () => {
  const names = alerts.map(({ alert }) => alert);
  for (const rule of parse(fs.readFileSync(path.join(root, alertmanagerSample), 'utf8')).inhibit_rules) {
    for (const matcher of [...rule.source_matchers, ...rule.target_matchers]) {
      const [, value] = matcher.match(/^alertname (?:=|=~|!=) "?(.*?)"?$/) ?? [];
      if (!value) continue;
      assert.ok(names.some((name) => new RegExp(`^(?:${value})$`).test(name)), `no alert matches ${matcher}`);
      if (!value.includes('(')) {
        for (const part of value.split('|')) assert.ok(names.some((name) => new RegExp(`^(?:${part})$`).test(name)), `no alert is called ${part}`);
      }
    }
  }
});

test('a message says in both languages what, since when, and what to do', () => {
  const annotations = (n) => ({
    summary_vi: `Máy chủ ${n} mất kết nối`, summary_en: `Server ${n} has vanished`, description_vi: 'Mất điện?', description_en: 'Power?',
    runbook_url: 'https://hai-dang.quang-ninh.example/docs/runbooks/HaidangServerVanished.md',
  });
  const data = (status, count) => {
    const file = path.join(directory, 'data.json');
    fs.writeFileSync(file, JSON.stringify({
      status, commonLabels: { severity: 'page' }, groupLabels: {}, commonAnnotations: {},
      alerts: Array.from({ length: count }, (_, n) => ({
        status, labels: { severity: 'page' }, annotations: annotations(n + 1), startsAt: '2026-11-23T18:05:00Z', endsAt: '2026-11-23T19:00:00Z',
      })),
    }));
    return (name) => amtool('template', 'render', `--template.glob=${messages}`, `--template.text={{ template "${name}" . }}`, `--template.data=${file}`);
  };
  const one = data('firing', 1);
  assert.equal(one('haidang.subject').trim(), '[Hải Đăng] KHẨN: Máy chủ 1 mất kết nối');
  assert.equal(one('haidang.text').trim(), `KHẨN

• Máy chủ 1 mất kết nối
Mất điện?
Server 1 has vanished
Power?
Từ / since: 01:05 24/11/2026
Cách xử lý / what to do: https://hai-dang.quang-ninh.example/docs/runbooks/HaidangServerVanished.md`);
  assert.match(data('resolved', 1)('haidang.text'), /^ĐÃ KHẮC PHỤC[^]*Khắc phục lúc \/ resolved at: 02:00 24\/11\/2026/);
  const many = data('firing', 60);
  assert.match(many('haidang.subject'), /\(cùng loại: 60\)/);
  assert.match(many('haidang.text'), /Máy chủ 5 mất[^]*more of the same: 60/);
  assert.doesNotMatch(many('haidang.text'), /Máy chủ 6 mất/);
});

test('a site that vanished holds back its machines, and the collector all that vanished', async () => {
  const sink = await httpSink();
  after(() => sink.close());
  // Alertnames with instance or site, in the order in which the webhook got them.
  const heard = () => sink.calls.flatMap(({ body }) => body.alerts)
    .map(({ labels, status }) => `${status} ${labels.alertname} ${labels.instance ?? labels.site ?? ''}`.trim());
  const [port, closed] = [await freePort(), await freePort()];
  const file = configuration({
    'http://127.0.0.1:9099/haidang': `http://127.0.0.1:${sink.port}/haidang`,
    'http://127.0.0.1:9099/con-song': `http://127.0.0.1:${closed}/`,
    'mail.quang-ninh.example:587': `127.0.0.1:${closed}`, 'https://api.telegram.org': `http://127.0.0.1:${closed}`,
  });
  children.start('alertmanager', 'prometheus-alertmanager', [
    `--config.file=${file}`, `--storage.path=${path.join(directory, 'data')}`, `--web.listen-address=127.0.0.1:${port}`, '--cluster.listen-address=',
  ]);
  const base = `http://127.0.0.1:${port}`;
  await eventually('Alertmanager is ready', () => getText(`${base}/-/ready`), { timeout: 30000 });
  const post = async (...labels) => {
    const body = JSON.stringify(labels.map((one) => ({ labels: one, annotations: { summary_vi: one.alertname } })));
    const answer = await request(`${base}/api/v2/alerts`, { method: 'POST', headers: { 'content-type': 'application/json' }, body });
    assert.equal(answer.status, 200, answer.text);
  };
  const at = (site, instance) => ({ severity: 'page', team: 'province', scope: 'machine', alertname: 'HaidangServerVanished', site, instance });
  const site = { severity: 'page', team: 'province', scope: 'site', alertname: 'HaidangSiteVanished', site: '06862' };
  const disk = { severity: 'ticket', team: 'site', scope: 'machine', alertname: 'HaidangDiskLow', site: '06862', instance: 'tien-yen-1' };
  await post(site, at('06862', 'tien-yen-1'), at('06862', 'tien-yen-2'), disk, at('06685', 'hong-gai-1'));
  await eventually('the site and the machine elsewhere', () => heard().length >= 2, { timeout: 30000 });
  assert.deepEqual(heard().sort(), ['firing HaidangServerVanished hong-gai-1', 'firing HaidangSiteVanished 06862']);

  sink.calls.length = 0;
  const central = { severity: 'page', team: 'province', scope: 'central', alertname: 'HaidangCollectorDown', instance: '127.0.0.1:9312' };
  const blind = { severity: 'page', team: 'province', scope: 'central', alertname: 'HaidangNoMachineData' };
  const later = { severity: 'ticket', team: 'province', scope: 'central', alertname: 'HaidangCollectorBehind', instance: '127.0.0.1:9312' };
  await post(central, blind, at('06652', 'ha-tu-1'), { ...site, site: '06652' });
  await eventually('the collector', () => heard().length >= 1, { timeout: 30000 });
  // A group of later is told later: by then what is held back would have come.
  await post(later);
  await eventually('what came after', () => heard().some((line) => line.includes('Behind')), { timeout: 30000 });
  assert.deepEqual(heard(), ['firing HaidangCollectorDown 127.0.0.1:9312', 'firing HaidangCollectorBehind 127.0.0.1:9312']);
});
