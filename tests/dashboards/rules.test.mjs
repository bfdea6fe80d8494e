// Rules for Prometheus: right for promtool, every case of theirs comes out, every alert says in both languages
// what it means and where to read on, and names only metrics that there are.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { test } from 'node:test';

import { alerts, cases, catalogue, named, root, ruleFiles, rules, testFiles } from './rule_files.mjs';

function promtool(...args) {
  const tool = spawnSync('promtool', args, { encoding: 'utf8' });
  assert.equal(tool.error, undefined);
  assert.equal(tool.status, 0, tool.stdout + tool.stderr);
}

test('promtool finds the rules and the sample to scrape right', () => {
  promtool('check', 'rules', ...ruleFiles);
  promtool('check', 'config', path.join(root, 'dashboards/prometheus/scrape-beside-remote-write.yml'));
});

for (const file of testFiles) {
  test(`promtool test rules ${path.basename(file)}`, () => promtool('test', 'rules', file));
}

test('each alert has a case that fires and one that does not', () => {
  for (const { alert } of alerts) {
    const own = cases.filter((one) => one.alertname === alert);
    assert.ok(own.some((one) => one.exp_alerts.length > 0), `${alert}: no case that fires`);
    // The dead man's switch always fires.
    if (alert !== 'HaidangWatchdog') assert.ok(own.some((one) => one.exp_alerts.length === 0), `${alert}: no near miss`);
  }
  const names = new Set(alerts.map(({ alert }) => alert));
  assert.equal(names.size, alerts.length, 'no name twice');
  for (const { alertname } of cases) assert.ok(names.has(alertname), `a case is about ${alertname}, which is no alert`);
});

test('each alert can be routed, and speaks Vietnamese and English', () => {
  const severity = /^(page|ticket|info|\{\{ if eq \$labels.class "server" \}\}page\{\{ else \}\}ticket\{\{ end \}\})$/;
  for (const { alert, labels, annotations } of alerts) {
    assert.match(alert, /^Haidang[A-Z]\w+$/);
    assert.match(labels.severity, severity, alert);
    assert.match(labels.team, /^(province|site)$/, alert);
    assert.match(labels.scope, /^(machine|site|journey|central|watchdog)$/, alert);
    assert.deepEqual(Object.keys(annotations).sort(),
      ['description_en', 'description_vi', 'runbook_url', 'summary_en', 'summary_vi'], alert);
    const words = (text) => text.replace(/\{\{.*?\}\}/g, '');
    for (const key of ['summary_vi', 'description_vi']) assert.match(words(annotations[key]), /[ăâđêôơưạảấầẩẫậắằẳẵặẹẻẽếềểễệỉịọỏốồổỗộớờởỡợụủứừửữựỳỵỷỹáàãéèíìóòõúùý]/i, `${alert}: ${key}`);
    for (const key of ['summary_en', 'description_en']) assert.doesNotMatch(words(annotations[key]).replace('Hải Đăng', ''), /[^\x00-\x7f]/, `${alert}: ${key}`);
  }
});

test('each alert has a page that says what to do, and no page is without one', () => {
  const folder = path.join(root, 'docs/runbooks');
  const index = fs.readFileSync(path.join(folder, 'README.md'), 'utf8');
  for (const { alert, annotations } of alerts) {
    assert.ok(annotations.runbook_url.endsWith(`/docs/runbooks/${alert}.md`), alert);
    const text = fs.readFileSync(path.join(folder, `${alert}.md`), 'utf8');
    assert.equal(text.split('\n')[0], `# ${alert}`);
    const headings = [...text.matchAll(/^\*\*(.+?)\*\*/gm)].map((match) => match[1]);
    assert.deepEqual(headings, ['Nghĩa là gì.', 'Xem gì trước.', 'Làm gì.', 'Khi nào chuyển cấp trên.',
      'What it means.', 'What to look at first.', 'What to do.', 'When to escalate.'], `${alert}.md`);
    assert.ok(index.includes(`](${alert}.md)`), `README.md does not name ${alert}`);
  }
  const pages = fs.readdirSync(folder).filter((name) => name !== 'README.md').sort();
  assert.deepEqual(pages, alerts.map(({ alert }) => `${alert}.md`).sort());
});

test('expressions name only metrics and labels that there are', () => {
  const known = catalogue();
  const joined = ['instance', 'site', 'site_name', 'class', 'job'];
  const recorded = new Set(rules.filter((rule) => rule.record).map((rule) => rule.record));
  const own = new Map([['up', []], ['ALERTS', ['alertname', 'alertstate']]]);  // Prometheus' own
  let seen = 0;
  for (const { alert, record, expr } of rules) {
    for (const { name, labels } of named(expr)) {
      seen += 1;
      if (recorded.has(name)) continue;
      assert.ok(known.has(name) || own.has(name), `${alert ?? record}: ${name} is no metric`);
      const allowed = [...joined, ...(known.get(name) ?? own.get(name))];
      for (const label of labels) assert.ok(allowed.includes(label), `${alert ?? record}: ${name} has no label ${label}`);
    }
  }
  assert.ok(seen > rules.length, 'metrics were found');
  assert.deepEqual(named('sum by (a) (rate(foo{b="}",c!="x"}[5m] offset 1h)) > on () bar'),
    [{ name: 'foo', labels: ['b', 'c'] }, { name: 'bar', labels: [] }]);
});

// Working days as promtool computes them: {'2026-02-17': 0, …} against what they must be. promtool begins in 1970: the
// rules' clock is set forward, nothing else.
function checkWorkingDays(expected) {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'haidang-calendar-'));
  try {
    const seconds = (day) => Date.parse(`${day}T00:00:00Z`) / 1000;  // 07:00 in Viet Nam
    const begin = Math.min(...Object.keys(expected).map(seconds));
    const calendar = fs.readFileSync(path.join(root, 'dashboards/prometheus/calendar.rules.yml'), 'utf8');
    assert.equal(calendar.split('time()').length, 2, 'the rules ask for the time once');
    fs.writeFileSync(path.join(directory, 'calendar.rules.yml'), calendar.replace('time()', `(time() + ${begin})`));
    // JSON is YAML.
    const file = path.join(directory, 'days.test.yml');
    fs.writeFileSync(file, JSON.stringify({
      rule_files: ['calendar.rules.yml'], evaluation_interval: '1d',
      tests: [{
        interval: '1d',
        promql_expr_test: Object.entries(expected).map(([day, value]) => ({
          expr: 'haidang:working_day', eval_time: `${seconds(day) - begin}s`,
          exp_samples: [{ labels: 'haidang:working_day', value }],
        })),
      }],
    }));
    promtool('test', 'rules', file);
  } finally {
    fs.rmSync(directory, { recursive: true });
  }
}

test('weekends, public holidays and make-up days', () => checkWorkingDays({
  '2026-01-01': 0, '2026-01-05': 1, '2026-01-10': 1, '2026-01-11': 0, '2026-01-17': 0, '2026-02-13': 1, '2026-02-17': 0,
  '2026-02-20': 0, '2026-02-23': 1, '2026-04-27': 0, '2026-04-28': 1, '2026-04-30': 0, '2026-08-22': 1, '2026-08-31': 0,
  '2026-09-02': 0, '2026-09-03': 1, '2026-11-23': 1, '2026-11-24': 0, '2026-11-28': 0, '2027-01-01': 0, '2027-02-08': 0,
  '2027-02-11': 1, '2027-11-24': 0,
}));

test('the days off are those of packaging/data/calendar', { skip: !fs.existsSync(path.join(root, 'packaging/data/calendar')) }, () => {
  const folder = path.join(root, 'packaging/data/calendar');
  const files = fs.readdirSync(folder).filter((name) => name.endsWith('.csv'));
  assert.ok(files.length > 0, 'there is a calendar');
  const kinds = new Map(files.flatMap((name) => fs.readFileSync(path.join(folder, name), 'utf8').split(/\r?\n/)
    .map((line) => line.split(',')).filter(([day]) => /^\d{4}-\d\d-\d\d$/.test(day)).map(([day, kind]) => [day, kind])));
  const expected = {};
  for (let day = Date.UTC(2026, 0, 1); day < Date.UTC(2028, 0, 1); day += 86400000) {
    const date = new Date(day).toISOString().slice(0, 10);
    const weekday = new Date(day).getUTCDay();
    const kind = kinds.get(date) ?? (weekday === 0 || weekday === 6 ? 'off' : 'work');
    expected[date] = kind === 'work' ? 1 : 0;
  }
  checkWorkingDays(expected);
});
