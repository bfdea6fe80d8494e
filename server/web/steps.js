// Each journey's steps: how fast now and usually, what the time goes into, how many sites are slow or fail;
// a step opens to its sites.
import {element, icon, setText} from "./dom.js";
import * as format from "./format.js";
import {makeKeyed} from "./keyed.js";
import {byId} from "./page.js";
import {isKnown, makeBar, noPhases, phases, scaleOf, setBar, total} from "./phases.js";
import {labelCells, setValue} from "./readings.js";
import {makeRuns} from "./runs.js";

function median(values) {
  const known = values.filter((value) => value !== null).sort((a, b) => a - b);
  const half = known.length >> 1;
  if (known.length === 0) return null;
  return known.length % 2 === 1 ? known[half] : (known[half - 1] + known[half]) / 2;
}

// The medians of the parts, in proportion so that they fill the median of the whole.
function medianPhases(list, seconds) {
  const known = list.filter(isKnown);
  if (known.length === 0 || seconds === null) return noPhases;
  const parts = Object.fromEntries(phases.map((name) => [name, median(known.map((of) => of[name]))]));
  const sum = total(parts);
  return sum > 0 ? Object.fromEntries(phases.map((name) => [name, parts[name] === null ? null : parts[name] * seconds / sum])) : noPhases;
}

// What the table says of a step, from its runs at all sites.
export function summaryOf({sites}) {
  const measured = sites.filter((at) => at.success !== null);
  const count = (test) => new Set(measured.filter(test).map((at) => at.site)).size;
  const seconds = median(sites.map((at) => at.seconds));
  const usual = median(sites.map((at) => at.usual_seconds));
  return {
    seconds, usual, sites: count(() => true),
    failing: count((at) => !at.success), slow: count((at) => at.success && at.slow),
    success: measured.length > 0 ? measured.filter((at) => at.success).length / measured.length : null,
    phases: medianPhases(sites.map((at) => at.phases), seconds),
    usualPhases: medianPhases(sites.map((at) => at.usual_phases), usual),
  };
}

// What counts as fast enough, from the objectives of the step, else of the journey.
function goalText(step, answer, context) {
  const mine = answer.objectives.filter((at) => at.journey === step.journey && at.kind === "latency" && at.seconds !== null);
  const goal = mine.find((at) => at.step === step.step) ?? mine.find((at) => at.step === "");
  if (goal) return format.text("step.goal", {share: format.kept(goal.target), seconds: format.seconds(goal.seconds)});
  const seconds = context.secondsOf(step.journey, step.step);
  return seconds === null ? null : format.seconds(seconds);
}

function cell(field, kind, ...children) {
  return element("td", {role: "cell", "data-field": field, ...(kind && {class: kind})}, ...children);
}

let ids = 0;

function makeStep() {
  const id = `runs-${++ids}`;
  const part = {
    name: element("span"),
    button: element("button", {type: "button", class: "open", "aria-expanded": "false", "aria-controls": id}),
    depends: element("span", {class: "minor", "data-field": "depends"}),
    now: element("span", {class: "major"}), usual: element("span", {class: "major"}),
    goal: element("span", {class: "major"}), success: element("span", {class: "major"}),
    bar: makeBar(),
    badges: element("span", {class: "badges"}),
    measured: element("span", {class: "minor"}),
    runs: makeRuns(),
  };
  part.button.append(icon("fold"), part.name);
  part.row = element("tr", {role: "row"},
    cell("step", "", part.button, part.depends), cell("sites", "", part.badges, part.measured),
    cell("now", "number", part.now), cell("usual", "number", part.usual), cell("objective", "number", part.goal),
    cell("success", "number", part.success), cell("phases", "", part.bar.node));
  part.below = element("tr", {role: "row", class: "below", id, hidden: ""},
    element("td", {role: "cell", colspan: 7}, part.runs.node));
  part.button.addEventListener("click", () => {
    part.below.hidden = !part.below.hidden;
    part.button.setAttribute("aria-expanded", String(!part.below.hidden));
    part.fill();
  });
  // Two rows of the table in one node for whoever keeps them in order.
  part.node = element("tbody", {role: "rowgroup"}, part.row, part.below);
  return part;
}

function badge(name, kind, words) {
  return element("span", {class: `badge ${kind}`, "data-badge": name}, icon(name), words);
}

function setBadges(part, summary) {
  const {failing, slow, sites} = summary;
  const how = [format.currentLanguage(), failing, slow, sites > 0].join();
  setText(part.measured, sites > 0 ? format.text("step.measured", {count: format.count(sites)}) : "");
  if (part.how === how) return;
  part.how = how;
  const all = [];
  if (failing > 0) all.push(badge("failed", "vanished", format.text("step.failingSites", {count: format.count(failing)})));
  if (slow > 0) all.push(badge("slow", "silent", format.text("step.slowSites", {count: format.count(slow)})));
  if (all.length === 0) all.push(sites > 0 ? badge("online", "online", format.text("run.ok")) : badge("unknown", "", format.text("run.unknown")));
  part.badges.replaceChildren(...all);
}

function fillStep(part, {step, summary, scale, answer, context}) {
  part.row.dataset.step = step.step;
  part.below.dataset.runsOf = step.step;
  if (part.language !== format.currentLanguage()) {
    part.language = format.currentLanguage();
    labelCells(part.row, "step");
  }
  setText(part.name, step.step || step.journey);
  setText(part.depends, step.depends_on.length > 0 ? format.text("step.depends", {names: step.depends_on.join(", ")}) : "");
  setValue(part.now, summary.seconds, format.seconds);
  part.now.classList.toggle("warn", summary.slow > 0 && 2 * summary.slow >= summary.sites);
  setValue(part.usual, summary.usual, format.seconds);
  setValue(part.goal, goalText(step, answer, context), String);
  setValue(part.success, summary.success, format.kept);
  part.success.classList.toggle("bad", summary.failing > 0);
  setBar(part.bar, summary.phases, summary.usualPhases, scale);
  setBadges(part, summary);
  part.fill = () => {
    if (!part.below.hidden) part.runs.draw(step, context);
  };
  part.fill();
}

function makeJourney({name}) {
  const part = {head: element("thead", {role: "rowgroup"})};
  const columns = ["step", "sites", "now", "usual", "objective", "success", "phases"];
  const numbers = ["now", "usual", "objective", "success"];
  part.titles = columns.map((column) => {
    const title = element("th", {role: "columnheader", scope: "col", "data-column": column, ...(numbers.includes(column) && {class: "number"})});
    return [title, column];
  });
  part.head.append(element("tr", {role: "row"}, ...part.titles.map(([title]) => title)));
  part.table = element("table", {role: "table", "aria-label": name}, part.head);
  part.node = element("article", {class: "journey", "data-journey": name}, element("h3", {}, name),
    element("div", {class: "frame"}, part.table));
  part.draw = makeKeyed(bodiesOf(part.table), ({step}) => step.step, makeStep, fillStep);
  return part;
}

// The table as a parent of its bodies alone.
function bodiesOf(table) {
  return {
    get firstChild() {
      return table.tBodies[0] ?? null;
    },
    insertBefore: (node, before) => table.insertBefore(node, before),
  };
}

function fillJourney(part, {steps, answer, context}) {
  for (const [title, column] of part.titles) setText(title, format.text(`step.${column}`));
  const summaries = steps.map(summaryOf);
  const scale = scaleOf(summaries.flatMap((of) => [of.seconds, of.usual]));
  part.draw(steps.map((step, i) => ({step, summary: summaries[i], scale, answer, context})));
}

const drawJourneys = makeKeyed(byId("journey-list"), ({name}) => name, makeJourney, fillJourney);

// `answer` may be null: nothing came yet.
export function renderJourneys(answer, context) {
  const journeys = new Map();
  for (const step of answer?.steps ?? []) journeys.set(step.journey, [...(journeys.get(step.journey) ?? []), step]);
  drawJourneys([...journeys].map(([name, steps]) => ({name, steps, answer, context})));
  byId("journeys").hidden = journeys.size === 0;
}
