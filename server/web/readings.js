// What is shown of one machine, wherever it is shown: its state, its values, its probes.
import {element, icon, setText} from "./dom.js";
import * as format from "./format.js";

// From where on a share is shown as a warning or as bad. A busy CPU alone is neither for long.
export const limits = {
  cpu: {warn: 0.95, bad: Infinity},
  memory: {warn: 0.85, bad: 0.95},
  disk: {warn: 0.8, bad: 0.9},
};

const states = ["online", "stopped", "suspended", "vanished", "silent", "unknown"];
export const stateOf = (machine) => (states.includes(machine.state) ? machine.state : "unknown");
export const isLost = (machine) => ["vanished", "silent"].includes(machine.state);
export const isOff = (machine) => ["stopped", "suspended"].includes(machine.state);

export const isSlow = (probe) =>
  probe.seconds !== null && probe.objective_seconds !== null && probe.seconds > probe.objective_seconds;

// What the catalogue has a word for by that, else as it came.
export const className = (machine) =>
  format.has(`class.${machine.class}`) ? format.text(`class.${machine.class}`) : machine.class;
export const osName = (machine) => (format.has(`os.${machine.os}`) ? format.text(`os.${machine.os}`) : machine.os);

export function reasonText(reason) {
  if (!reason) return format.text("reason.none");
  const key = `reason.${reason}`;
  return format.has(key) ? format.text(key) : format.text("reason.other", {reason});
}

// `value` in `words`, or that there is none.
export function setValue(node, value, words) {
  setText(node, value === null ? format.text("value.none") : words(value));
  node.classList.toggle("none", value === null);
  if (value === null) node.setAttribute("aria-label", format.text("value.noneLabel"));
  else node.removeAttribute("aria-label");
}

// Labels of a row's cells where the table is shown as cards; the first names the card itself.
export function labelCells(row, prefix) {
  for (const cell of [...row.children].slice(1)) cell.dataset.label = format.text(`${prefix}.${cell.dataset.field}`);
}

// The nodes of all values, for `setReadings`; they are put where the caller likes.
export function makeReadings() {
  const part = {
    load: element("span", {class: "major"}),
    uptime: element("span", {class: "major"}),
    mount: element("span", {class: "minor mount"}),
  };
  for (const name of ["cpu", "memory", "disk"]) {
    part[name] = element("span", {class: "major"});
    part[`${name}Bar`] = element("span", {class: "fill"});
    part[`${name}Meter`] = element("span", {class: "meter", "aria-hidden": "true"}, part[`${name}Bar`]);
  }
  return part;
}

function setMeter(part, name, ratio) {
  setValue(part[name], ratio, format.percent);
  const bar = part[`${name}Bar`];
  const alarm = ratio === null ? "" : ratio >= limits[name].bad ? "bad" : ratio >= limits[name].warn ? "warn" : "";
  part[name].className = `major ${alarm} ${ratio === null ? "none" : ""}`.trim();
  bar.style.width = `${100 * Math.min(1, ratio ?? 0)}%`;
  bar.className = `fill ${alarm}`.trim();
}

export function setReadings(part, machine) {
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
}

export function setBadge(badge, state) {
  const words = format.text(`state.${state}`);
  if (badge.dataset.state === state && badge.textContent === words) return;
  badge.dataset.state = state;
  badge.className = `badge ${state}`;
  badge.replaceChildren(icon(state), words);
}

// Since when it is in its state; while values are withheld, which it was in when it was last heard of.
export function sinceText(machine, now) {
  if (machine.since_ms) return format.text("state.since", {time: format.time(machine.since_ms, now, false)});
  const asOf = machine.as_of;
  if (!asOf || !machine.last_seen_ms) return "";
  return format.text("state.asOf", {
    time: format.time(machine.last_seen_ms, now, false), state: format.text(`state.${asOf.state}`),
  });
}

export const seenText = (machine, now) => (machine.last_seen_ms
  ? format.text("seen.ago", {length: format.length(now - machine.last_seen_ms)}) : format.text("seen.never"));

// What a probe says now: its time into `value`, and into `note` why it failed, or its objective, or,
// where it has none, `otherwise`. `probe` may be null.
export function setResponse(value, note, probe, otherwise) {
  const failed = probe?.success === false;
  value.classList.toggle("bad", failed);
  value.classList.toggle("warn", probe !== null && isSlow(probe) && !failed);
  setValue(value, failed ? true : probe?.seconds ?? null,
    (shown) => (failed ? format.text("value.failed") : format.seconds(shown)));
  const objective = probe?.objective_seconds ?? null;
  setText(note, failed ? reasonText(probe.reason)
    : objective === null ? otherwise
    : format.text("value.objective", {seconds: format.seconds(objective)}));
}
