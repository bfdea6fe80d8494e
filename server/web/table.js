// The table of machines: one row each, kept and changed in place, trouble first.
import * as chart from "./chart.js";
import * as format from "./format.js";

const pageSize = 200; // rows drawn before "show more"
// From where on a share is shown as a warning or as bad. A busy CPU alone is neither for long.
const limits = {
  cpu: {warn: 0.95, bad: Infinity},
  memory: {warn: 0.85, bad: 0.95},
  disk: {warn: 0.8, bad: 0.9},
};

let shownRows = pageSize;
const rows = new Map(); // machine id → its row's parts
const visible = new Set(); // machines whose row is on the screen: only they fetch charts
const observer = new IntersectionObserver((entries) => {
  for (const entry of entries) {
    if (entry.isIntersecting) visible.add(entry.target.dataset.machine);
    else visible.delete(entry.target.dataset.machine);
  }
}, {rootMargin: "200px"});

export const states = ["online", "stopped", "suspended", "vanished", "silent", "unknown"];
export const stateOf = (machine) => (states.includes(machine.state) ? machine.state : "unknown");
export const isLost = (machine) => ["vanished", "silent"].includes(machine.state);
export const isOff = (machine) => ["stopped", "suspended"].includes(machine.state);

export function element(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  node.append(...children);
  return node;
}

export function icon(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  use.setAttribute("href", `#icon-${name}`);
  svg.append(use);
  return svg;
}

// Changes the text only where it differs, so that nothing flickers or is read out twice.
export function setText(node, value) {
  if (node.textContent !== value) node.textContent = value;
}

const isSlow = (probe) =>
  probe.seconds !== null && probe.objective_seconds !== null && probe.seconds > probe.objective_seconds;

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

function cell(field, className, ...children) {
  const node = element("td", {role: "cell", "data-field": field, ...(className && {class: className})});
  node.append(...children);
  return node;
}

function makeRow(id) {
  const part = {
    badge: element("span", {class: "badge"}),
    since: element("span", {class: "minor", "data-field": "since"}),
    site: element("span", {class: "major"}),
    name: element("span", {class: "minor"}),
    seen: element("span", {class: "minor", "data-field": "last_seen"}),
    load: element("span", {class: "major"}),
    uptime: element("span", {class: "major"}),
    response: element("span", {class: "major"}),
    journey: element("span", {class: "minor"}),
    chart: chart.makeChart(),
    mount: element("span", {class: "minor mount"}),
  };
  for (const name of ["cpu", "memory", "disk"]) {
    part[name] = element("span", {class: "major"});
    part[`${name}Bar`] = element("span", {class: "fill"});
  }
  const meter = (name) => element("span", {class: "meter", "aria-hidden": "true"}, part[`${name}Bar`]);
  part.row = element("tr", {role: "row", "data-machine": id},
    cell("state", "", part.badge, part.since),
    cell("machine", "", part.site, part.name, part.seen),
    cell("load1", "number", part.load),
    cell("cpu", "", part.cpu, meter("cpu")),
    cell("memory", "", part.memory, meter("memory")),
    cell("disk", "", part.disk, meter("disk"), part.mount),
    cell("uptime", "number", part.uptime),
    element("td", {role: "cell", class: "probe"},
      element("div", {class: "now", "data-field": "response"}, part.response, part.journey), part.chart));
  observer.observe(part.row);
  return part;
}

// Labels of the cells where the table is shown as cards.
function labelCells(part) {
  const keys = {load1: "load1", cpu: "cpu", memory: "memory", disk: "disk", uptime: "uptime"};
  for (const [field, key] of Object.entries(keys)) {
    part.row.querySelector(`td[data-field="${field}"]`).dataset.label = format.text(`field.${key}`);
  }
  part.row.querySelector("td.probe").dataset.label = format.text("field.response");
}

function setValue(node, value, words) {
  setText(node, value === null ? format.text("value.none") : words(value));
  node.classList.toggle("none", value === null);
  if (value === null) node.setAttribute("aria-label", format.text("value.noneLabel"));
  else node.removeAttribute("aria-label");
}

function setMeter(part, name, ratio) {
  setValue(part[name], ratio, format.percent);
  const bar = part[`${name}Bar`];
  const alarm = ratio === null ? "" : ratio >= limits[name].bad ? "bad" : ratio >= limits[name].warn ? "warn" : "";
  part[name].className = `major ${alarm} ${ratio === null ? "none" : ""}`.trim();
  bar.style.width = `${100 * Math.min(1, ratio ?? 0)}%`;
  bar.className = `fill ${alarm}`.trim();
}

function setState(part, machine, now) {
  const state = stateOf(machine);
  if (part.state !== state + format.currentLanguage()) {
    part.state = state + format.currentLanguage();
    part.badge.className = `badge ${state}`;
    part.badge.replaceChildren(icon(state), format.text(`state.${state}`));
    part.row.dataset.state = state;
  }
  const asOf = machine.as_of;
  if (machine.since_ms) {
    setText(part.since, format.text("state.since", {time: format.time(machine.since_ms, now, false)}));
  } else if (asOf && machine.last_seen_ms) {
    setText(part.since, format.text("state.asOf", {
      time: format.time(machine.last_seen_ms, now, false), state: format.text(`state.${asOf.state}`),
    }));
  } else {
    setText(part.since, "");
  }
}

function setResponse(part, machine, now) {
  const probe = worstProbe(machine);
  part.chart.toggleAttribute("hidden", probe === null);
  const failed = probe?.success === false;
  const slow = probe !== null && isSlow(probe);
  part.response.classList.toggle("bad", failed);
  part.response.classList.toggle("warn", slow && !failed);
  setValue(part.response, failed ? true : probe?.seconds ?? null,
    (value) => (failed ? format.text("value.failed") : format.seconds(value)));
  if (probe === null) {
    setText(part.journey, "");
    return;
  }
  const objective = probe.objective_seconds;
  setText(part.journey, failed ? reasonText(probe.reason)
    : objective === null ? probe.step || probe.journey
    : format.text("value.objective", {seconds: format.seconds(objective)}));
  part.journey.title = [probe.journey, probe.step].filter(Boolean).join(" / ");
  if (machine.state === "online") chart.append(machine.machine, probe, machine.last_seen_ms);
  if (!visible.has(machine.machine)) return;
  const redraw = () => chart.draw(part.chart, machine.machine, probe, now);
  if (machine.state !== null) chart.want(machine.machine, probe, now, redraw);
  redraw();
}

export function reasonText(reason) {
  if (!reason) return format.text("reason.none");
  const key = `reason.${reason}`;
  return format.has(key) ? format.text(key) : format.text("reason.other", {reason});
}

function fill(part, machine, findings, now) {
  if (part.language !== format.currentLanguage()) {
    part.language = format.currentLanguage();
    labelCells(part);
  }
  setState(part, machine, now);
  const kind = format.has(`class.${machine.class}`) ? format.text(`class.${machine.class}`) : machine.class;
  setText(part.site, machine.site_name || machine.site || format.text("site.unknown"));
  setText(part.name, [machine.machine, kind].filter(Boolean).join(" · "));
  setText(part.seen, machine.last_seen_ms
    ? format.text("seen.ago", {length: format.length(now - machine.last_seen_ms)}) : format.text("seen.never"));
  setValue(part.load, machine.load1, (value) => machine.cpus
    ? format.text("value.load", {load: format.load(value), cpus: format.count(machine.cpus)})
    : format.text("value.loadOnly", {load: format.load(value)}));
  part.load.classList.toggle("warn", machine.cpus !== null && machine.load1 > machine.cpus);
  setMeter(part, "cpu", machine.cpu_busy_ratio);
  setMeter(part, "memory", machine.memory_used_ratio);
  setMeter(part, "disk", machine.disk_used_ratio);
  setText(part.mount, machine.disk_mountpoint);
  part.mount.title = machine.disk_mountpoint;
  setValue(part.uptime, machine.uptime_seconds, (value) => format.length(1000 * value));
  setResponse(part, machine, now);
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
