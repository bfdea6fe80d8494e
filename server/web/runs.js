// How a step went at each site the last time, the worst first.
import {element, icon, setText} from "./dom.js";
import * as format from "./format.js";
import {makeKeyed} from "./keyed.js";
import {makeBar, scaleOf, setBar, total} from "./phases.js";
import {labelCells, reasonText, setValue} from "./readings.js";

const atFirst = 20;
const more = 200;

// 0 is worst.
const states = ["failed", "slow", "unknown", "ok"];
const stateOf = (at) => (at.success === null ? "unknown" : !at.success ? "failed" : at.slow ? "slow" : "ok");
const badges = {failed: ["failed", "vanished"], slow: ["slow", "silent"], unknown: ["unknown", ""], ok: ["online", "online"]};

// Those that are slow by how slow; the others by name, so that they stay where they are while one reads.
function worstFirst(sites, context) {
  const order = new Intl.Collator(format.currentLanguage()).compare;
  const slowness = ({at, rank}) => (states[rank] === "slow" ? at.seconds ?? 0 : 0);
  return sites
    .map((at) => ({at, name: at.site_name || context.nameOf(at.site), rank: states.indexOf(stateOf(at))}))
    .sort((a, b) => a.rank - b.rank || slowness(b) - slowness(a) || order(a.name, b.name) ||
      order(a.at.machine, b.at.machine));
}

const columns = ["site", "result", "seconds", "usual", "phases", "address", "at"];

function makeRun() {
  const part = {
    site: element("span", {class: "major"}), machine: element("a"),
    badge: element("span", {class: "badge"}), reason: element("span", {class: "minor", "data-field": "reason"}),
    seconds: element("span", {class: "major"}), usual: element("span", {class: "major"}),
    bar: makeBar(), address: element("span"), at: element("span"),
  };
  const cell = (field, kind, ...children) =>
    element("td", {role: "cell", "data-field": field, ...(kind && {class: kind})}, ...children);
  part.node = element("tr", {role: "row"},
    cell("site", "", part.site, element("span", {class: "minor"}, part.machine)),
    cell("result", "", part.badge, part.reason),
    cell("seconds", "number", part.seconds), cell("usual", "number", part.usual),
    cell("phases", "", part.bar.node), cell("address", "", part.address), cell("at", "", part.at));
  return part;
}

function setResult(part, at) {
  const state = stateOf(at);
  setText(part.reason, state === "failed" ? reasonText(at.reason) : "");
  const words = format.text(`run.${state}`);
  if (part.node.dataset.run === state && part.badge.textContent === words) return;
  part.node.dataset.run = state;
  const [sign, kind] = badges[state];
  part.badge.className = `badge ${kind}`;
  part.badge.replaceChildren(icon(sign), words);
}

// Most runs are a minute old: what is as at the last refresh is left alone.
function setKnown(part, name, value, words) {
  if (part.values[name] === value) return;
  part.values[name] = value;
  setValue(part[name], value, words);
}

function fillRun(part, {at, name, scale, context}) {
  const how = `${format.currentLanguage()} ${format.day(context.now)}`;
  if (part.how !== how) {
    part.how = how;
    part.values = {};
    labelCells(part.node, "run");
  }
  setText(part.site, name);
  if (part.machine.textContent !== at.machine) {
    part.machine.textContent = at.machine;
    part.machine.href = `/machines/${encodeURIComponent(at.machine)}`;
  }
  setResult(part, at);
  setKnown(part, "seconds", at.seconds, format.seconds);
  setKnown(part, "usual", at.usual_seconds, format.seconds);
  setBar(part.bar, at.phases, at.usual_phases, scale);
  setKnown(part, "address", at.address || null, String);
  setKnown(part, "at", at.at_ms || null, (ms) => format.time(ms, context.now));
}

// Gives {node, draw(step, context)}: a table of its sites, its beginning first.
export function makeRuns() {
  let shown = atFirst;
  let last = null;
  const titles = columns.map((column) => element("th", {role: "columnheader", scope: "col",
    ...(["seconds", "usual"].includes(column) && {class: "number"})}));
  const body = element("tbody", {role: "rowgroup"});
  const button = element("button", {type: "button", class: "more"});
  const table = element("table", {role: "table", class: "runs"},
    element("thead", {role: "rowgroup"}, element("tr", {role: "row"}, ...titles)), body);
  const drawRows = makeKeyed(body, ({at}) => `${at.site}\n${at.machine}`, makeRun, fillRun);

  function draw(step, context) {
    last = [step, context];
    columns.forEach((column, i) => setText(titles[i], format.text(`run.${column}`)));
    table.setAttribute("aria-label", [step.journey, step.step].filter(Boolean).join(" / "));
    const rows = worstFirst(step.sites, context).slice(0, shown);
    const scale = scaleOf(rows.flatMap(({at}) => [total(at.phases), total(at.usual_phases)]));
    drawRows(rows.map((row) => ({...row, scale, context})));
    const rest = step.sites.length - rows.length;
    button.hidden = rest <= 0;
    setText(button, format.text("run.more", {count: format.count(Math.min(more, rest))}));
  }

  button.addEventListener("click", () => {
    shown += more;
    draw(...last);
  });
  return {node: element("div", {class: "runs-of"}, table, button), draw};
}
