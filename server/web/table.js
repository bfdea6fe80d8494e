// The table of machines: one row each, kept and changed in place, trouble first.
import * as chart from "./chart.js";
import {element, setText} from "./dom.js";
import * as format from "./format.js";
import {
  className, isSlow, limits, makeReadings, seenText, setBadge, setReadings, setResponse, sinceText, stateOf,
} from "./readings.js";

const pageSize = 200; // rows drawn before "show more"

let shownRows = pageSize;
const rows = new Map(); // machine id → its row's parts
const visible = new Set(); // machines whose row is on the screen: only they fetch charts
const observer = new IntersectionObserver((entries) => {
  for (const entry of entries) {
    if (entry.isIntersecting) visible.add(entry.target.dataset.machine);
    else visible.delete(entry.target.dataset.machine);
  }
}, {rootMargin: "200px"});

// The probe that a row shows: a failed one first, then the one nearest to (or beyond) its objective.
function worstProbe(machine) {
  const weight = (probe) =>
    probe.success === false ? Infinity : (probe.seconds ?? -1) / (probe.objective_seconds ?? 1);
  return machine.probes.reduce((worst, p) => (worst === null || weight(p) > weight(worst) ? p : worst), null);
}

// 0 is worst. Machines that were switched off on purpose are no trouble and come last.
// While values are withheld, what was known last decides, so that the order stays.
export function rank(machine, findings) {
  const state = machine.state ?? machine.as_of?.state;
  if (state === "vanished") return 0;
  if (state === "silent") return 1;
  if (state === "stopped" || state === "suspended") return 6;
  if (machine.probes.some((probe) => probe.success === false)) return 2;
  if (findings.has(machine.machine) || machine.probes.some(isSlow)) return 3;
  if ((machine.disk_used_ratio ?? 0) >= limits.disk.bad) return 4;
  return 5;
}

export const isTrouble = (machine, findings) => rank(machine, findings) <= 4;

function cell(field, kind, ...children) {
  const node = element("td", {role: "cell", "data-field": field, ...(kind && {class: kind})});
  node.append(...children);
  return node;
}

function makeRow(id) {
  const part = {
    ...makeReadings(),
    badge: element("span", {class: "badge"}),
    since: element("span", {class: "minor", "data-field": "since"}),
    site: element("span", {class: "major"}),
    kind: element("span"),
    seen: element("span", {class: "minor", "data-field": "last_seen"}),
    response: element("span", {class: "major"}),
    journey: element("span", {class: "minor"}),
    chart: chart.makeChart(),
  };
  const name = element("a", {href: `/machines/${encodeURIComponent(id)}`}, id);
  part.row = element("tr", {role: "row", "data-machine": id},
    cell("state", "", part.badge, part.since),
    cell("machine", "", part.site, element("span", {class: "minor"}, name, part.kind), part.seen),
    cell("load1", "number", part.load),
    cell("cpu", "", part.cpu, part.cpuMeter),
    cell("memory", "", part.memory, part.memoryMeter),
    cell("disk", "", part.disk, part.diskMeter, part.mount),
    cell("uptime", "number", part.uptime),
    element("td", {role: "cell", class: "probe"},
      element("div", {class: "now", "data-field": "response"}, part.response, part.journey), part.chart));
  observer.observe(part.row);
  return part;
}

// Labels of the cells where the table is shown as cards.
function labelCells(part) {
  for (const field of ["load1", "cpu", "memory", "disk", "uptime"]) {
    part.row.querySelector(`td[data-field="${field}"]`).dataset.label = format.text(`field.${field}`);
  }
  part.row.querySelector("td.probe").dataset.label = format.text("field.response");
}

function setProbe(part, machine, now) {
  const probe = worstProbe(machine);
  part.chart.toggleAttribute("hidden", probe === null);
  setResponse(part.response, part.journey, probe, probe?.step || probe?.journey || "");
  if (probe === null) return;
  part.journey.title = [probe.journey, probe.step].filter(Boolean).join(" / ");
  if (machine.state === "online") chart.append(machine.machine, probe, machine.last_seen_ms);
  if (!visible.has(machine.machine)) return;
  const redraw = () => chart.draw(part.chart, machine.machine, probe, now);
  if (machine.state !== null) chart.want(machine.machine, probe, now, redraw);
  redraw();
}

function fill(part, machine, findings, now) {
  if (part.language !== format.currentLanguage()) {
    part.language = format.currentLanguage();
    labelCells(part);
  }
  setBadge(part.badge, stateOf(machine));
  part.row.dataset.state = stateOf(machine);
  setText(part.since, sinceText(machine, now));
  setText(part.site, machine.site_name || machine.site || format.text("site.unknown"));
  setText(part.kind, machine.class ? ` · ${className(machine)}` : "");
  setText(part.seen, seenText(machine, now));
  setReadings(part, machine);
  setProbe(part, machine, now);
  part.row.dataset.rank = rank(machine, findings);
}

export function showMore() {
  shownRows += pageSize;
}

// Draws `machines` (already filtered); `findings` maps a machine to its open ones. Returns how many
// more there are than are drawn.
export function render(body, machines, findings, now) {
  const name = (m) => `${m.site_name}\n${m.machine}`;
  const order = new Intl.Collator(format.currentLanguage()).compare;
  const sorted = machines
    .map((machine) => [rank(machine, findings), name(machine), machine])
    .sort((a, b) => a[0] - b[0] || order(a[1], b[1]))
    .map(([, , machine]) => machine)
    .slice(0, shownRows);
  const wanted = new Set(sorted.map((machine) => machine.machine));
  for (const [id, part] of rows) {
    if (wanted.has(id)) continue;
    observer.unobserve(part.row);
    visible.delete(id);
    part.row.remove();
    rows.delete(id);
  }
  sorted.forEach((machine, i) => {
    if (!rows.has(machine.machine)) rows.set(machine.machine, makeRow(machine.machine));
    const part = rows.get(machine.machine);
    if (body.children[i] !== part.row) body.insertBefore(part.row, body.children[i] ?? null);
    fill(part, machine, findings, now);
  });
  return machines.length - sorted.length;
}
