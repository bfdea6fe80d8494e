// Everything that the dashboards ask Prometheus, with their variables put in: for tests that run each query.
import fs from 'node:fs';

const folder = new URL('dashboards/', import.meta.url);

export const dashboards = fs.readdirSync(folder).filter((name) => name.endsWith('.json')).sort()
  .map((name) => JSON.parse(fs.readFileSync(new URL(name, folder), 'utf8')));

// What Grafana knows without a variable of ours.
const own = { __interval: '15s', __rate_interval: '1m', __range: '1h' };

// Names of the variables in a text, in all of Grafana's ways to write one.
export const variablesIn = (text) => [...text.matchAll(/\$(?:\{(\w+)[^}]*\}|(\w+))/g)].map(([, braced, bare]) => braced ?? bare);

// `values` name what variables are; all others are "all": anything matches.
export function substitute(text, dashboard, values = {}) {
  const known = new Set((dashboard.templating.list ?? []).map(({ name }) => name));
  return text.replace(/\$(?:\{(\w+)[^}]*\}|(\w+))/g, (_, braced, bare) => {
    const name = braced ?? bare;
    if (name in values) return values[name];
    if (name in own) return own[name];
    if (name === 'window') return '5m';
    if (!known.has(name)) throw new Error(`${dashboard.uid}: there is no variable ${name}`);
    return '.*';
  });
}

// What a variable's query asks: the selector in label_values(selector, label), the expression in query_result(…).
export function asked(query) {
  const [, what, inner] = query.match(/^(label_values|query_result)\((.*)\)$/) ?? [];
  if (what === 'query_result') return { expr: inner };
  const [, selector, label] = inner?.match(/^(.*),\s*(\w+)$/) ?? [];
  if (!selector) throw new Error(`not a query of a variable: ${query}`);
  return { expr: selector, label };
}

// Metrics of sources that an agent is told of, of hardware, and of what is not always used: where they are not, their panels say so.
const optional = /\b(haidang_(path|dns|services|plugin|process|certificate|smart|access|volume|journey_duration|collector_remote)|node_(systemd|hwmon|thermal|md))_/;

// [{kind: panel, variable or annotation; dashboard (uid), name (title), ref, raw, expr, instant, legend, needs}]: `raw` as the
// dashboard has it, `expr` as Prometheus gets it; `needs` is the beginning of the metric's name where that is an optional one.
export function queries(values = {}) {
  return dashboards.flatMap((dashboard) => {
    const one = (kind, name, raw, rest) =>
      ({ kind, dashboard: dashboard.uid, name, raw, expr: substitute(raw, dashboard, values), needs: raw.match(optional)?.[0], ...rest });
    return [
      ...dashboard.panels.flatMap((panel) => (panel.targets ?? []).map((target) =>
        one('panel', panel.title, target.expr, { ref: target.refId, instant: target.instant === true, legend: target.legendFormat }))),
      ...dashboard.templating.list.filter(({ type }) => type === 'query').map((variable) => {
        const { expr, label } = asked(variable.query.query);
        return one('variable', variable.name, expr, { instant: true, label });
      }),
      ...dashboard.annotations.list.map((note) => one('annotation', note.name, note.expr, { instant: false })),
    ];
  });
}
