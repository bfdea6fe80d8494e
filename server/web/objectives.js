// How objectives are kept, and how much of what may go wrong is left of each.
import {element, icon, setText} from "./dom.js";
import * as format from "./format.js";
import {makeKeyed} from "./keyed.js";
import {byId} from "./page.js";
import {labelCells, setValue} from "./readings.js";

const alarms = {page: ["failed", "vanished"], ticket: ["slow", "silent"], none: ["online", "online"], unknown: ["unknown", ""]};
const low = 0.25; // of the budget

function targetText({kind, target, seconds}) {
  const share = target === null ? format.text("value.none") : format.kept(target);
  if (kind === "latency" && seconds !== null) return format.text("objective.latency", {share, seconds: format.seconds(seconds)});
  return format.text(kind === "availability" ? "objective.availability" : "objective.other", {share, kind});
}

function budgetText(left) {
  return left < 0 ? format.text("objective.overdrawn", {share: format.percent(-left)})
    : format.text("objective.left", {share: format.percent(left)});
}

// "5m" → "5 phút".
function windowText(name) {
  const [, number, unit] = /^(\d+)([mhd])$/.exec(name) ?? [];
  return unit ? format.text(`window.${unit}`, {count: format.count(Number(number))}) : name;
}

const alarmOf = (at) => {
  if (at.good_ratio === null || at.alarm === null) return "unknown";
  return at.alarm === "" ? "none" : at.alarm;
};

function makeRow() {
  const part = {
    journey: element("span", {class: "major"}), step: element("span", {class: "minor"}), target: element("span"),
    kept: element("span", {class: "major"}), budget: element("span", {class: "major"}), bar: element("span", {class: "fill"}),
    burn: element("ul", {class: "burn"}), alarm: element("span", {class: "badge"}),
  };
  const cell = (field, kind, ...children) =>
    element("td", {role: "cell", "data-field": field, ...(kind && {class: kind})}, ...children);
  part.node = element("tr", {role: "row"},
    cell("about", "", part.journey, part.step), cell("target", "", part.target), cell("kept", "number", part.kept),
    cell("budget", "", part.budget, element("span", {class: "meter", "aria-hidden": "true"}, part.bar)),
    cell("burn", "", part.burn), cell("alarm", "", part.alarm));
  return part;
}

function setBudget(part, left) {
  const kind = left === null ? "" : left <= 0 ? "bad" : left < low ? "warn" : "";
  setValue(part.budget, left, budgetText);
  part.budget.className = `major ${kind} ${left === null ? "none" : ""}`.trim();
  // Overdrawn is a full bar in another colour: there is nothing left to show the length of.
  part.bar.style.width = `${left === null ? 0 : left <= 0 ? 100 : 100 * Math.min(1, left)}%`;
  part.bar.className = `fill ${kind}`.trim();
}

function setBurn(part, burn) {
  const how = [format.currentLanguage(), ...burn.map(({window, rate}) => `${window}=${rate}`)].join();
  if (part.how === how) return;
  part.how = how;
  part.burn.replaceChildren(...burn.map(({window, rate}) => element("li", rate > 1 ? {class: "high"} : {},
    element("span", {class: "minor"}, windowText(window)),
    rate === null ? format.text("value.none") : format.text("objective.rate", {rate: format.number(rate)}))));
}

function fillRow(part, at) {
  if (part.language !== format.currentLanguage()) {
    part.language = format.currentLanguage();
    labelCells(part.node, "objectives");
  }
  setText(part.journey, at.journey);
  setText(part.step, at.step || format.text("objective.everyStep"));
  setText(part.target, targetText(at));
  setValue(part.kept, at.good_ratio, format.kept);
  part.kept.classList.toggle("bad", at.good_ratio !== null && at.target !== null && at.good_ratio < at.target);
  setBudget(part, at.budget_left_ratio);
  setBurn(part, at.burn);
  const alarm = alarmOf(at);
  part.node.dataset.alarm = alarm;
  const words = format.has(`alarm.${alarm}`) ? format.text(`alarm.${alarm}`) : alarm;
  if (part.alarm.textContent === words) return;
  const [sign, kind] = alarms[alarm] ?? alarms.ticket;
  part.alarm.className = `badge ${kind}`;
  part.alarm.replaceChildren(icon(sign), words);
}

const drawRows = makeKeyed(byId("objectives"), (at) => [at.journey, at.step, at.kind].join("\n"), makeRow, fillRow);

// `answer` may be null: nothing came yet.
export function renderObjectives(answer) {
  const objectives = answer?.objectives ?? [];
  drawRows(objectives);
  byId("objectives-frame").hidden = objectives.length === 0;
  setText(byId("objectives-note"), answer === null ? format.text("live.loading")
    : format.text(objectives.length > 0 ? "objectives.explained" : "objectives.none"));
}
