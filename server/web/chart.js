// The response time of the last hour as a small SVG: gaps are gaps, failures are marked, the
// objective is a line.
import {svg} from "./dom.js";
import * as format from "./format.js";

export const hour = 3600e3; // what a chart shows, ms
const width = 220;
const height = 44;
const pad = 3;
const refetchAfter = 5 * 60e3;
const retryAfter = 15e3;
const atOnce = 4;

const known = new Map(); // "machine\njourney\nstep" → {points: [[ms, seconds|null, failed]], fetched, busy}
const queue = [];
let running = 0;

const keyOf = (machine, probe) => `${machine}\n${probe.journey}\n${probe.step}`;

function merge(columns, probe) {
  const mine = (metric) =>
    columns.find((c) => c.metric === metric && c.labels.journey === probe.journey && c.labels.step === probe.step);
  const success = mine("probe_success");
  const failed = new Set();
  success?.times.forEach((time, i) => {
    if (success.values[i] === 0) failed.add(time);
  });
  const duration = mine("probe_duration_seconds");
  // How long a failed probe took says nothing about the response time.
  const points = (duration?.times ?? []).map((time, i) =>
    failed.has(time) ? [time, null, true] : [time, duration.values[i], false]);
  const withValue = new Set(points.map(([time]) => time));
  for (const time of failed) if (!withValue.has(time)) points.push([time, null, true]);
  return points.sort((a, b) => a[0] - b[0]);
}

async function fetchSeries(machine, probe, entry, now) {
  const query = new URLSearchParams({machine, from: Math.floor(now - hour), to: Math.ceil(now)});
  query.append("metric", "probe_duration_seconds");
  query.append("metric", "probe_success");
  query.append("label.journey", probe.journey);
  query.append("label.step", probe.step);
  try {
    const response = await fetch(`/api/v1/series?${query}`, {signal: AbortSignal.timeout(10000)});
    if (!response.ok) throw new Error(response.status);
    entry.points = merge((await response.json()).series, probe);
    entry.fetched = now;
  } catch {
    // Until it is tried again the chart keeps what it has, which its own time axis moves out.
    entry.fetched = now - refetchAfter + retryAfter;
  }
  entry.busy = false;
}

function next() {
  while (running < atOnce && queue.length > 0) {
    ++running;
    queue.shift()().finally(() => {
      --running;
      next();
    });
  }
}

// Brings the points of a probe up to date; `fresh` is called when they came.
export function want(machine, probe, now, fresh) {
  const key = keyOf(machine, probe);
  const entry = known.get(key) ?? {points: [], fetched: -Infinity, busy: false};
  known.set(key, entry);
  if (entry.busy || now - entry.fetched < refetchAfter) return;
  entry.busy = true;
  queue.push(() => fetchSeries(machine, probe, entry, now).then(fresh));
  next();
}

// The newest reading, from the overview, so that the chart moves between two fetches.
export function append(machine, probe, time) {
  const entry = known.get(keyOf(machine, probe));
  if (!entry || !Number.isFinite(entry.fetched) || !time) return;
  const last = entry.points.at(-1)?.[0] ?? 0;
  if (time < last + typicalStep(entry.points) / 2) return;
  const failed = probe.success === false;
  entry.points.push([time, failed ? null : probe.seconds, failed]);
  while (entry.points.length > 0 && entry.points[0][0] < time - hour) entry.points.shift();
}

// Nothing known counts as current any more (the stream was lost): fetch anew when it is back.
export function forget() {
  for (const entry of known.values()) entry.fetched = -Infinity;
}

function typicalStep(points) {
  const steps = [];
  for (let i = Math.max(1, points.length - 30); i < points.length; ++i) steps.push(points[i][0] - points[i - 1][0]);
  if (steps.length === 0) return 15000;
  return steps.sort((a, b) => a - b)[Math.floor(steps.length / 2)];
}

// Runs of points without a hole between them.
function runs(points) {
  const limit = Math.max(2.5 * typicalStep(points), 5000);
  const all = [];
  let run = [];
  for (const point of points) {
    const last = run.at(-1);
    const broken = point[1] === null || (last && point[0] - last[0] > limit);
    if (broken && run.length > 0) {
      all.push(run);
      run = [];
    }
    if (point[1] !== null) run.push(point);
  }
  if (run.length > 0) all.push(run);
  return all;
}

function label(points) {
  const values = points.filter(([, value]) => value !== null).map(([, value]) => value);
  if (points.length === 0) return format.text("chart.empty");
  const failed = format.count(points.filter(([, , bad]) => bad).length);
  if (values.length === 0) return format.text("chart.label", {min: "–", max: "–", failed});
  return format.text("chart.label", {
    min: format.seconds(Math.min(...values)),
    max: format.seconds(Math.max(...values)),
    failed,
  });
}

function pointsOf(machine, probe, now) {
  const all = known.get(keyOf(machine, probe))?.points ?? [];
  return all.filter(([time]) => time >= now - hour && time <= now + 60e3);
}

// The hour up to `now` in words.
export const summary = (machine, probe, now) => label(pointsOf(machine, probe, now));

// What the upper edge stands for, in seconds; the lower one is 0. Values that hardly differ lie in the
// middle; the objective is in the picture once they come within a quarter of it.
function topOf(values, objective) {
  if (values.length === 0) return 1.15 * (objective ?? 1);
  const high = Math.max(0.001, ...values);
  if (objective !== null && high >= objective / 4) return 1.15 * Math.max(high, objective);
  return (high - Math.min(...values) <= 0.1 * high ? 2 : 1.15) * high;
}

// Draws into `node` (an <svg>) the hour up to `now`; tells whether the objective is in the picture.
export function draw(node, machine, probe, now) {
  const points = pointsOf(machine, probe, now);
  const values = points.filter(([, value]) => value !== null).map(([, value]) => value);
  const top = topOf(values, probe.objective_seconds);
  const objective = probe.objective_seconds !== null && probe.objective_seconds <= top;
  const x = (time) => (width * (time - (now - hour))) / hour;
  const y = (value) => height - pad - ((height - 2 * pad) * value) / top;
  const parts = [svg("line", {class: "axis", x1: 0, x2: width, y1: y(0), y2: y(0)})];
  for (const run of runs(points)) {
    const line = run.map(([time, value]) => `${x(time).toFixed(1)},${y(value).toFixed(1)}`);
    const first = x(run[0][0]).toFixed(1);
    const last = x(run.at(-1)[0]).toFixed(1);
    parts.push(svg("polygon", {class: "area", points: `${first},${y(0)} ${line.join(" ")} ${last},${y(0)}`}));
    const single = run.length === 1;
    parts.push(single ? svg("circle", {class: "point", cx: first, cy: y(run[0][1]), r: 1.5})
      : svg("polyline", {class: "line", points: line.join(" ")}));
  }
  if (objective) {
    const level = y(probe.objective_seconds);
    parts.push(svg("line", {class: "objective", x1: 0, x2: width, y1: level, y2: level}));
  }
  for (const [time, , bad] of points) {
    if (!bad) continue;
    const at = x(time);
    parts.push(svg("line", {class: "failed", x1: at, x2: at, y1: y(0) - 9, y2: y(0)}));
  }
  node.setAttribute("viewBox", `0 0 ${width} ${height}`);
  const words = label(points);
  node.setAttribute("aria-label", words);
  const title = svg("title", {});
  title.textContent = words;
  node.replaceChildren(title, ...parts);
  node.dataset.points = points.length;
  return objective;
}

export function makeChart() {
  return svg("svg", {class: "chart", role: "img", preserveAspectRatio: "none", "data-field": "chart"});
}
