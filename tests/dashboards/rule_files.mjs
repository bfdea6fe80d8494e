// The rules for Prometheus as they stand in dashboards/prometheus, and what tests ask of them.
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

import { parse } from 'yaml';

export const root = fileURLToPath(new URL('../../', import.meta.url));
const folder = path.join(root, 'dashboards/prometheus');

export const ruleFiles = fs.readdirSync(folder).filter((name) => name.endsWith('.rules.yml')).map((name) => path.join(folder, name));
export const rules = ruleFiles.flatMap((file) =>
  parse(fs.readFileSync(file, 'utf8')).groups.flatMap((group) => group.rules));
export const alerts = rules.filter((rule) => rule.alert);

const testFolder = path.join(root, 'tests/dashboards/rules');
export const testFiles = fs.readdirSync(testFolder).filter((name) => name.endsWith('.test.yml')).map((name) => path.join(testFolder, name));
// [{alertname, exp_alerts}] of all of them
export const cases = testFiles.flatMap((file) =>
  parse(fs.readFileSync(file, 'utf8')).tests.flatMap((group) => group.alert_rule_test ?? []));

// docs/metrics.md as a map from name to the set of labels that a series of it has, without those of the machine.
export function catalogue() {
  const known = new Map();
  for (const part of fs.readFileSync(path.join(root, 'docs/metrics.md'), 'utf8').split('\n## ').slice(1)) {
    const name = part.match(/^`(\w+)`/)[1];
    const labels = part.match(/labels (.*); source/)[1];
    known.set(name, new Set([...labels.matchAll(/`(\w+)`/g)].map((match) => match[1])));
  }
  return known;
}

const words = new Set(`and or unless on ignoring by without group_left group_right bool offset
  sum avg min max count absent abs vector time year month day_of_month day_of_week hour minute
  rate increase deriv predict_linear min_over_time max_over_time
  topk bottomk scalar label_replace histogram_quantile`.split(/\s+/));

// What an expression names: [{name, labels}], where labels are those that its matchers name; and words that
// are neither PromQL's nor a label in by (…), on (…) and the like.
export function named(expression) {
  const metrics = [];
  let rest = expression.replace(/([a-zA-Z_:][\w:]*)\{((?:[^}"]|"(?:[^"\\]|\\.)*")*)\}/g, (_, name, matchers) => {
    metrics.push({ name, labels: [...matchers.replace(/"(?:[^"\\]|\\.)*"/g, '""').matchAll(/(\w+)\s*[=!]/g)].map((m) => m[1]) });
    return ' ';
  });
  rest = rest.replace(/\b(?:by|without|on|ignoring|group_left|group_right)\s*\([^)]*\)/g, ' ').replace(/\[[^\]]*\]/g, ' ')
    .replace(/\boffset\s+\w+/g, ' ').replace(/"(?:[^"\\]|\\.)*"/g, ' ');
  for (const [name] of rest.matchAll(/(?<![\w.])[a-zA-Z_:][\w:]*/g)) {
    if (!words.has(name)) metrics.push({ name, labels: [] });
  }
  return metrics;
}
