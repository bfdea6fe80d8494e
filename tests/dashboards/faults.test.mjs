// Faults in a small province come out of a real Alertmanager, once each, within 60 seconds, at a webhook, in Telegram and by
// mail: with the rules and the settings that the project ships, Prometheus reading /metrics/fleet. The same rules raise the
// same alerts in vmalert over a VictoriaMetrics that the collector writes to.
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import readline from 'node:readline';
import { after, test } from 'node:test';

import { queries } from '../../dashboards/grafana/queries.mjs';
import { bin, makeStack, temporary } from '../e2e/harness.mjs';
import { httpSink, mailSink, telegramAnswer } from '../support/alert_sinks.mjs';
import { oneStopJourney } from '../support/configs.mjs';
import { getJson, getText } from '../support/http.mjs';
import { freePort } from '../support/ports.mjs';
import { threePlaces } from '../support/stack.mjs';
import { eventually } from '../support/wait.mjs';
import { alerts, named, root, ruleFiles, rules } from './rule_files.mjs';
import { alertmanagerConfig, writeSample } from './samples.mjs';

const patience = 60;  // seconds, from a fault to its messages
const victim = { machine: 'bai-chay-1', site: '06673', place: 'Phường Bãi Cháy', class: 'server' };
const store = { machine: 'tinh-2', site: '22', place: 'Tỉnh Quảng Ninh', class: 'server' };
const service = 'tomcat-mot-cua.service';

// The store sees a system bus with a stand-in of systemd's, and a small disk, in a mount namespace of its own. Without
// /proc/1 the agent reads its own mount table.
const systemdRoot = temporary();
fs.mkdirSync(path.join(systemdRoot, 'run/dbus'), { recursive: true });
const disk = temporary();
const inNamespace = ['unshare', '--mount', 'sh', '-c', `mount --make-rprivate / && mount --bind '${systemdRoot}/run' /run &&
  mount -t tmpfs none /proc/1 && mount -t tmpfs -o size=8m kho '${disk}' && exec "$@"`, 'sh'];
const tried = spawnSync(inNamespace[0], [...inNamespace.slice(1), 'true'], { encoding: 'utf8' });
const skip = tried.status === 0 ? false : `nothing can be mounted here (needs root): ${tried.error?.message ?? tried.stderr.trim()}`;

// What these machines have no devices for, and what is there only while something is wrong, or offices are open.
const notHere = /^(haidang_smart_\w+|node_md_\w+|haidang:machine_missing|haidang:site:machines_(missing|just_gone)|haidang:machine_up:working)$/;

let stack, sinks, prometheus, victoria, vmalert, systemd;

if (!skip) {
  const ports = { victoria: await freePort(), prometheus: await freePort(), alertmanager: await freePort(), vmalert: await freePort() };
  [prometheus, victoria, vmalert] = ['prometheus', 'victoria', 'vmalert'].map((name) => `http://127.0.0.1:${ports[name]}`);
  stack = await makeStack({
    start: false, probe: false, interval: 5, agents: [...threePlaces, victim, store],
    objectives: [{ journey: 'mot-cua', seconds: 3.0, minutes: 1, share: 0.95, availability: 0.995 }],
    remoteWrite: [{ url: `${victoria}/api/v1/write`, out_of_order: '1h' }],
    run: (name) => (name === store.machine ? { before: inNamespace } : {}),
  });
  for (const agent of stack.agents.slice(0, threePlaces.length)) {
    agent.more = { journey: [{ ...oneStopJourney(stack), timeout: '10s' }] };  // slow is not failing
    stack.writeAgentConfig(agent);
  }
  stack.agents.at(-1).more = {
    services: { units: [service] }, process: [{ name: 'chinh-no', program: 'haidang-agent' }],
    files: [{ name: 'sao-luu-dem', path: stack.authority.ca }], certificate: [{ name: 'ca', file: stack.authority.ca, ca: stack.authority.ca }],
    plugin: [{ name: 'luon-tot', command: ['/bin/true'] }],
  };
  stack.writeAgentConfig(stack.agents.at(-1));
  systemd = await startSystemd();
  await systemd.set('active');
  const mail = stack.authority.issue('mail', { hosts: ['localhost'] });
  sinks = { webhook: await httpSink(), telegram: await httpSink(telegramAnswer), mail: await mailSink(mail), vmalert: await httpSink() };
  after(() => Object.values(sinks).forEach((sink) => sink.close()));
  await stack.start();
  startPrometheus(ports);
  startVictoria(ports);
}

async function startSystemd() {
  const program = spawn(path.join(bin, 'haidang-fake-systemd'), [systemdRoot], { stdio: ['pipe', 'pipe', 'inherit'] });
  after(() => program.stdin.end());
  const answers = readline.createInterface({ input: program.stdout })[Symbol.asyncIterator]();
  return {
    async set(state) {
      program.stdin.write(`${service} ${state}\n`);
      assert.equal((await answers.next()).value, 'ok');
    },
  };
}

function startPrometheus(ports) {
  const directory = stack.directory('prometheus');
  const password = path.join(directory, 'smtp.password');
  fs.writeFileSync(password, 'mat-khau\n', { mode: 0o600 });
  const alertmanager = alertmanagerConfig(directory, {
    'mail.quang-ninh.example:587': `localhost:${sinks.mail.port}`, '/etc/prometheus/smtp.password': password,
    'https://api.telegram.org': `http://127.0.0.1:${sinks.telegram.port}`, 'http://127.0.0.1:9099': `http://127.0.0.1:${sinks.webhook.port}`,
  });
  // Mail servers' certificates are checked against those of the machine.
  stack.running.alertmanager = stack.children.start('alertmanager', 'prometheus-alertmanager', [
    `--config.file=${alertmanager}`, `--storage.path=${path.join(directory, 'alerts')}`,
    `--web.listen-address=127.0.0.1:${ports.alertmanager}`, '--cluster.listen-address=',
  ], { env: { SSL_CERT_FILE: stack.authority.ca } });
  const configuration = writeSample(directory, 'packaging/prometheus/prometheus.yml', {
    'http://127.0.0.1:8080/sd': `${stack.urls.page}/sd`, '127.0.0.1:9093': `127.0.0.1:${ports.alertmanager}`,
    '/etc/prometheus/haidang/': path.join(root, 'dashboards/prometheus/'),
  });
  stack.running.prometheus = stack.children.start('prometheus', 'prometheus', [
    `--config.file=${configuration}`, `--storage.tsdb.path=${path.join(directory, 'data')}`, `--web.listen-address=127.0.0.1:${ports.prometheus}`,
  ]);
}

function startVictoria(ports) {
  const directory = stack.directory('victoria');
  const scrape = writeSample(directory, 'dashboards/prometheus/scrape-beside-remote-write.yml', { 'http://127.0.0.1:8080/sd': `${stack.urls.page}/sd` });
  stack.running.victoria = stack.children.start('victoria', 'victoria-metrics', [
    `-storageDataPath=${path.join(directory, 'data')}`, `-httpListenAddr=127.0.0.1:${ports.victoria}`, `-promscrape.config=${scrape}`,
    '-search.latencyOffset=5s', '-dedup.minScrapeInterval=1ms',
  ]);
  stack.running.vmalert = stack.children.start('vmalert', 'vmalert', [
    ...ruleFiles.map((file) => `-rule=${file}`), `-datasource.url=${victoria}`, `-remoteWrite.url=${victoria}`, `-remoteRead.url=${victoria}`,
    `-notifier.url=http://127.0.0.1:${sinks.vmalert.port}`, `-httpListenAddr=127.0.0.1:${ports.vmalert}`, '-remoteWrite.flushInterval=1s',
  ]);
}

const ask = async (base, expression) =>
  (await getJson(`${base}/api/v1/query?query=${encodeURIComponent(expression)}`)).data.result;

test('both have the province, by scraping and by remote write', { skip, timeout: 180000 }, async () => {
  for (const base of [prometheus, victoria]) {
    await stack.ready(`${base}: machines, journeys, the disk and the service`, async () => {
      const count = async (expression) => (await ask(base, expression)).length;
      return (await count('haidang_machine_up == 1')) === 5 && (await count('haidang:site_journey:success == 1')) === 3 &&
        (await count(`haidang:filesystem:avail_ratio{instance="${store.machine}",mountpoint="${disk}"} > 0.9`)) === 1 &&
        (await count(`min_over_time(node_systemd_unit_state{name="${service}",state="active"}[1m] offset 30s) == 1`)) === 1;
    }, 170000);
  }
});

test('Prometheus and vmalert find every rule healthy', { skip }, async () => {
  for (const base of [prometheus, vmalert]) {
    await stack.ready(`${base} has evaluated all rules`, async () => {
      const { groups } = (await getJson(`${base}/api/v1/rules`)).data;
      const all = groups.flatMap((group) => group.rules);
      assert.equal(all.length, rules.length);
      assert.deepEqual(all.filter((rule) => rule.lastError).map((rule) => `${rule.name}: ${rule.lastError}`), []);
      // What is evaluated once an hour has its turn in the next test.
      return groups.filter((group) => group.interval < 600).every((group) => group.rules.every((rule) => rule.health === 'ok'));
    }, 90000);
  }
});

test('what the rules look at is there, in Prometheus and in VictoriaMetrics', { skip }, async () => {
  const wanted = new Set(rules.flatMap(({ expr }) => named(expr).map(({ name }) => name)));
  for (const base of [prometheus, victoria]) {
    await stack.ready(`all of it in ${base}`, async () => {
      const names = new Set((await getJson(`${base}/api/v1/label/__name__/values`)).data);
      const missing = [];
      for (const name of wanted) {
        if (names.has(name) || notHere.test(name)) continue;
        const { expr } = rules.find(({ record }) => record === name) ?? {};
        if (!expr || (await ask(base, expr)).length === 0) missing.push(name);
      }
      assert.deepEqual(missing, [], base);
      return true;
    }, 90000);
  }
});

// Each fault: what it does, the alert it must become with labels, what the mail's subject says, and how it is mended.
const route = (fault) => getText(`${stack.urls.onestopControl}/_dieu-khien/route?${fault}`, { method: 'POST' });
const faults = [
  {
    alert: 'HaidangServerVanished', labels: { instance: victim.machine, site: victim.site, class: 'server', severity: 'page' }, subject: victim.machine,
    inject: async () => {
      const agent = stack.running[victim.machine];
      delete stack.running[victim.machine];  // how it ended is no news
      agent.kill('SIGKILL');
      await agent.exit;
    },
    mend: () => stack.startAgent(victim.machine),
  },
  {
    alert: 'HaidangJourneySlow', labels: { journey: 'mot-cua', step: 'tra-cuu', severity: 'page', team: 'province' }, subject: 'mot-cua',
    inject: () => route('path=/tra-cuu&delay_ms=4000'),
    mend: () => route('path=/tra-cuu&delay_ms=0'),
  },
  {
    alert: 'HaidangDiskFull', labels: { instance: store.machine, mountpoint: disk, severity: 'page', team: 'site' }, subject: disk,
    inject: () => fill('dd if=/dev/zero of=day.bin bs=4k 2>/dev/null; true'),
    mend: () => fill('rm day.bin'),
  },
  {
    alert: 'HaidangServiceDown', labels: { instance: store.machine, name: service, severity: 'page' }, subject: service,
    inject: () => systemd.set('inactive'),
    mend: () => systemd.set('active'),
  },
];
function fill(command) {
  const done = spawnSync('nsenter', ['--mount', `--target=${stack.running[store.machine].pid}`, 'sh', '-c', `cd '${disk}' && ${command}`], { encoding: 'utf8' });
  assert.equal(done.status, 0, done.stderr);
}

// What has come about an alert: at the webhook, in Telegram, by mail to operations.
function heard({ alert, subject }, status = 'firing') {
  const level = status === 'firing' ? 'KHẨN' : 'ĐÃ KHẮC PHỤC';
  return {
    webhook: sinks.webhook.calls.filter(({ path: to }) => to === '/haidang')
      .flatMap(({ at, body }) => body.alerts.filter((one) => one.labels.alertname === alert && one.status === status).map((one) => ({ at, ...one }))),
    telegram: sinks.telegram.calls.filter(({ body }) => body.text.startsWith(level) && body.text.includes(`/${alert}.md`)),
    mail: sinks.mail.mails.filter((one) => one.subject.startsWith(`[Hải Đăng] ${level}: `) && one.subject.includes(subject) && one.text.includes(`/${alert}.md`)),
  };
}
const allHave = (messages) => Object.values(messages).every((list) => list.length > 0);

test('four faults at once: each comes out once, within 60 seconds, where it must', { skip, timeout: 240000 }, async (t) => {
  for (const fault of faults) {
    fault.begun = Date.now();
    await fault.inject();
  }
  await eventually('all messages', () => {
    const missing = faults.flatMap((fault) => Object.entries(heard(fault)).filter(([, list]) => list.length === 0).map(([where]) => `${fault.alert} at ${where}`));
    if (missing.length > 0) throw new Error(missing.join(', '));
    return true;
  }, { timeout: 90000 });
  // What would come twice has come within a scrape and an evaluation more.
  const [{ begun }] = faults;
  await eventually('the next scrape', async () => (await ask(prometheus, `timestamp(up{job="haidang-fleet"}) - ${begun / 1000} > ${patience + 20}`)).length > 0, { timeout: 90000 });
  for (const fault of faults) {
    const messages = heard(fault);
    for (const [where, list] of Object.entries(messages)) {
      const seconds = (list[0].at - fault.begun) / 1000;
      t.diagnostic(`${fault.alert} at ${where}: after ${seconds.toFixed(1)} s`);
      assert.equal(list.length, 1, `${fault.alert} came once at ${where}`);
      assert.ok(seconds <= patience, `${fault.alert} at ${where} came after ${seconds} s`);
    }
    const [{ labels, annotations }] = messages.webhook;
    for (const [name, value] of Object.entries(fault.labels)) assert.equal(labels[name], value, `${fault.alert}: ${name}`);
    const { subject } = messages.mail[0];
    assert.ok(subject.startsWith(`[Hải Đăng] KHẨN: ${annotations.summary_vi}`), subject);
    assert.deepEqual(messages.mail[0].to, ['truc-van-hanh@quang-ninh.example']);
  }
  const others = sinks.webhook.calls.flatMap(({ body }) => body.alerts.map(({ labels }) => labels.alertname))
    .filter((name) => name !== 'HaidangWatchdog' && !faults.some(({ alert }) => alert === name));
  assert.deepEqual(others, [], 'nothing else is told');
  assert.ok(sinks.webhook.calls.some(({ path: to }) => to === '/con-song'), 'the dead man\'s switch is told');
});

test('vmalert raises the same over VictoriaMetrics', { skip, timeout: 120000 }, async () => {
  const firing = () => sinks.vmalert.calls.flatMap(({ body }) => body).filter((one) => Date.parse(one.endsAt) > Date.now()).map((one) => one.labels);
  await eventually('the four', () => faults.every(({ alert, labels }) =>
    firing().some((one) => one.alertname === alert && Object.entries(labels).every(([name, value]) => one[name] === value))), { timeout: 90000 });
  const others = new Set(firing().map((one) => one.alertname).filter((name) => !faults.some(({ alert }) => alert === name)));
  for (const name of others) {
    // Those that Alertmanager would hold back.
    assert.match(name, /^Haidang(Watchdog|JourneySlowAtSite|ObjectiveBurning\w+|DiskLow|DiskFilling)$/);
  }
});

test('each panel of the dashboards has data, from Prometheus and from VictoriaMetrics', { skip, timeout: 200000 }, async (t) => {
  const panels = queries().filter(({ kind, needs }) => kind === 'panel' && !needs);
  assert.ok(panels.length > 100, `${panels.length} queries of panels`);
  for (const base of [prometheus, victoria]) {
    let empty = panels;
    await stack.ready(`data of all panels from ${base}`, async () => {
      const still = [];
      for (const panel of empty) if ((await ask(base, panel.expr)).length === 0) still.push(panel);
      empty = still;
      if (empty.length > 0) throw new Error(empty.map(({ dashboard, name, expr }) => `${dashboard}, ${name}: ${expr}`).join('\n'));
      return true;
    }, 90000);
  }
  t.diagnostic(`${panels.length} queries`);
});

test('mended, each is told as resolved', { skip: skip || (process.env.HAIDANG_LONG ? false : 'the long form'), timeout: 400000 }, async () => {
  for (const fault of faults) await fault.mend();
  await eventually('all are resolved', () => faults.every((fault) => allHave(heard(fault, 'resolved'))), { timeout: 360000 });
});
