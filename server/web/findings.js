// The list of open findings, each with its evidence.
import {element, icon, setChildren, setText} from "./dom.js";
import * as format from "./format.js";
import {reasonText} from "./readings.js";
import {causeText, inLanguage} from "./verdict.js";

const shortList = 6;
let longList = false;

// The newest reading of the finding's probe where there is one: what was measured when it was opened
// is soon old.
function probeNow(finding, machines) {
  const machine = machines.find((m) => m.machine === finding.machine);
  return machine?.probes.find((p) => p.journey === finding.journey && p.step === finding.step);
}

function secondsNow(finding, machines) {
  const seconds = probeNow(finding, machines)?.seconds;
  return seconds > finding.numbers.objective_seconds ? seconds : finding.numbers.seconds;
}

function reasonNow(finding, machines) {
  const probe = probeNow(finding, machines);
  return (probe?.success === false && probe.reason) || finding.words.reason || "";
}

// A machine that is gone: "vanished" or "silent", as it is now where it is still gone.
function lossOf(finding, machines) {
  const state = machines.find((machine) => machine.machine === finding.machine)?.state;
  return ["vanished", "silent"].includes(state) ? state : finding.words.state === "silent" ? "silent" : "vanished";
}

// What the finding is called; its words, icon and colour go by that.
function nameOf(finding, machines) {
  return finding.kind === "machine_vanished" ? `machine_${lossOf(finding, machines)}` : finding.kind;
}

// How fast the error budget is used, and what is left of it, as far as that is told.
function burning({numbers}, length) {
  const {burn_rate: rate, budget_left_ratio: left} = numbers;
  const parts = [format.text("evidence.objective_burning", {length})];
  if (rate !== undefined) parts.push(format.text("evidence.burnRate", {rate: format.number(rate)}));
  if (left !== undefined) {
    parts.push(left < 0 ? format.text("objective.overdrawn", {share: format.percent(-left)})
      : format.text("objective.left", {share: format.percent(left)}));
  }
  return parts.join("; ");
}

function evidence(finding, machines, now) {
  const {numbers} = finding;
  // `for_seconds` is how long it had lasted when the finding was opened.
  const began = finding.opened_ms - 1000 * (numbers.for_seconds ?? 0);
  const length = format.length(now - began);
  if (finding.kind === "response_slow" && numbers.seconds !== undefined && numbers.objective_seconds !== undefined) {
    const seconds = format.seconds(secondsNow(finding, machines));
    return format.text("evidence.response_slow", {seconds, objective: format.seconds(numbers.objective_seconds), length});
  }
  if (finding.kind === "probe_failed") {
    return format.text("evidence.probe_failed", {reason: reasonText(reasonNow(finding, machines)), length});
  }
  if (finding.kind === "objective_burning") return burning(finding, length);
  if (finding.kind === "check_failed") {
    const {state, output} = finding.words;
    return format.text("evidence.check_failed", {state: format.text(`check.${state}`), output, length});
  }
  if (finding.kind === "machine_vanished") {
    return format.text(`evidence.${nameOf(finding, machines)}`, {time: format.time(began, now)});
  }
  return format.text("evidence.other");
}

// Where the cause lies and how sure that is, with the sentence that tells it; nothing where nobody has judged.
function causeParts({words}) {
  const {verdict, certainty, summary_vi: vi = "", summary_en: en = ""} = words;
  const parts = [];
  if (verdict) parts.push(element("span", {class: "cause", "data-field": "cause"}, causeText(verdict, certainty)));
  const summary = inLanguage({vi, en});
  if (summary) parts.push(element("span", {class: "summary", "data-field": "summary"}, summary));
  return parts;
}

const icons = {machine_vanished: "vanished", machine_silent: "silent", probe_failed: "failed", check_failed: "failed",
  response_slow: "slow", objective_burning: "slow"};

function findingItem(finding, machines, now) {
  const name = nameOf(finding, machines);
  const kind = format.has(`kind.${name}`) ? format.text(`kind.${name}`)
    : format.text("kind.other", {kind: finding.kind});
  const where = [finding.site_name || finding.site, finding.machine, [finding.journey, finding.step].filter(Boolean).join(" / ")];
  return element("li", {"data-finding": finding.kind, "data-machine": finding.machine, class: name},
    icon(icons[name] ?? "silent"),
    element("div", {},
      element("strong", {}, kind),
      element("span", {class: "where"}, where.filter(Boolean).join(" · ")),
      element("span", {class: "evidence", "data-field": "evidence"}, evidence(finding, machines, now)),
      ...causeParts(finding),
      element("span", {class: "minor"}, format.text("findings.since", {
        time: format.time(finding.opened_ms, now), length: format.length(now - finding.opened_ms),
      }))));
}

// `more` is the button that shows all of a long list.
export function renderFindings(list, more, overview, withheld, now) {
  const asOf = withheld ? overview.as_of : null;
  const findings = asOf ? asOf.findings : overview.findings;
  const newest = [...findings].sort((a, b) => b.opened_ms - a.opened_ms);
  const told = asOf?.time_ms ?? now;
  const items = newest.slice(0, longList ? undefined : shortList)
    .map((finding) => findingItem(finding, overview.machines, told));
  if (asOf && items.length > 0) {
    const time = format.time(asOf.time_ms, now);
    items.unshift(element("li", {class: "note"}, format.text("findings.asOf", {time})));
  } else if (items.length === 0) {
    const words = format.text(withheld ? "findings.unknown" : "findings.none");
    items.push(element("li", {class: "calm"}, icon(withheld ? "unknown" : "calm"), words));
  }
  setChildren(list, items);
  list.classList.toggle("withheld", withheld);
  more.hidden = newest.length <= shortList;
  setText(more, longList ? format.text("findings.fewer")
    : format.text("findings.more", {count: format.count(newest.length - shortList)}));
}

export function toggleLongList() {
  longList = !longList;
}
