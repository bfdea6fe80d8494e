// The tiles and the list of findings.
import * as format from "./format.js";
import {element, icon, isLost, isOff, reasonText, setText} from "./table.js";

const shortList = 6;
let longList = false;
const tiles = new Map(); // name → its parts

function tile(parent, name, filter, choose) {
  if (tiles.has(name)) return tiles.get(name);
  const part = {
    value: element("span", {class: "value"}),
    label: element("span", {class: "label"}),
    note: element("span", {class: "note"}),
  };
  part.node = element(filter === null ? "div" : "button", {class: `tile ${name}`, "data-testid": `tile-${name}`},
    part.label, part.value, part.note);
  if (filter !== null) {
    part.node.type = "button";
    part.node.addEventListener("click", () => choose(filter));
  }
  tiles.set(name, part);
  parent.append(part.node);
  return part;
}

export function renderTiles(parent, overview, filter, choose, withheld, now) {
  const {machines, findings, sites} = overview;
  const all = machines.length;
  const share = (n) => (n > 0 ? format.text("tile.share", {share: format.share(n / all)}) : "");
  const show = (name, wanted, value, note, alarm = false) => {
    const part = tile(parent, name, wanted, choose);
    setText(part.label, format.text(`tile.${name}`));
    setText(part.value, value);
    setText(part.note, note);
    part.node.classList.toggle("alarm", alarm);
    if (wanted) part.node.setAttribute("aria-pressed", String(filter === wanted));
  };
  const none = format.text("value.none");
  const number = (test) => (withheld ? none : format.count(machines.filter(test).length));
  const lost = machines.filter(isLost).length;
  const asOf = withheld && overview.as_of
    ? format.text("tile.asOf", {time: format.time(overview.as_of.time_ms, now)}) : "";
  const affected = new Set([...findings, ...machines.filter(isLost)].map((at) => at.site)).size;
  const places = new Set(machines.map((machine) => machine.site)).size;
  const note = (words) => (withheld ? asOf : words);
  show("findings", null, withheld ? none : format.count(findings.length),
    note(findings.length > 0 ? "" : format.text("tile.noFindings")), !withheld && findings.length > 0);
  show("machines", "", format.count(all), "");
  show("online", "online", number((m) => m.state === "online"),
    note(share(machines.filter((m) => m.state === "online").length)));
  show("lost", "lost", number(isLost), note(share(lost)), !withheld && lost > 0);
  show("off", "off", number(isOff), note(share(machines.filter(isOff).length)));
  show("sites", null, sites.length > 0 ? `${format.count(places)} / ${format.count(sites.length)}` : format.count(places),
    note(affected > 0 ? format.text("tile.affectedSites", {count: format.count(affected)}) : format.text("tile.allWell")));
}

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

function evidence(finding, machines, now) {
  const {numbers, words} = finding;
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
  if (finding.kind === "machine_vanished") {
    const key = words.state === "silent" ? "evidence.machine_silent" : "evidence.machine_vanished";
    return format.text(key, {time: format.time(began, now)});
  }
  return format.text("evidence.other");
}

const icons = {machine_vanished: "vanished", probe_failed: "failed", response_slow: "slow"};

function findingItem(finding, machines, now) {
  const kind = format.has(`kind.${finding.kind}`) ? format.text(`kind.${finding.kind}`)
    : format.text("kind.other", {kind: finding.kind});
  const where = [finding.site_name || finding.site, finding.machine, [finding.journey, finding.step].filter(Boolean).join(" / ")];
  return element("li", {"data-finding": finding.kind, "data-machine": finding.machine, class: finding.kind},
    icon(icons[finding.kind] ?? "silent"),
    element("div", {},
      element("strong", {}, kind),
      element("span", {class: "where"}, where.filter(Boolean).join(" · ")),
      element("span", {class: "evidence", "data-field": "evidence"}, evidence(finding, machines, now)),
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
  const same = list.childElementCount === items.length &&
    items.every((item, i) => item.isEqualNode(list.children[i]));
  if (!same) list.replaceChildren(...items);
  list.classList.toggle("withheld", withheld);
  more.hidden = newest.length <= shortList;
  setText(more, longList ? format.text("findings.fewer")
    : format.text("findings.more", {count: format.count(newest.length - shortList)}));
}

export function toggleLongList() {
  longList = !longList;
}
