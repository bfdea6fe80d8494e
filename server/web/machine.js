// The page of one machine: what it is, how it is, what was missing of it and what happened on it.
import {element, setChildren, setText} from "./dom.js";
import {renderEvents} from "./events.js";
import {renderFindings, toggleLongList} from "./findings.js";
import * as format from "./format.js";
import {renderLedger} from "./ledger.js";
import {byId, show} from "./page.js";
import {renderProbes} from "./probes.js";
import {className, makeReadings, osName, setBadge, setReadings, sinceText, stateOf} from "./readings.js";
import {makeRecent} from "./recent.js";

const day = 24 * 3600e3;
const name = nameOf(location.pathname);
const gaps = makeRecent("/api/v1/gaps", "gaps", 7 * day);
const events = makeRecent("/api/v1/events", "events", day);
const readings = makeReadings();
const badge = element("span", {class: "badge", role: "status"});
const since = element("span", {class: "minor", "data-field": "since"});
const seen = element("span", {class: "major"});
const labels = []; // [node, key of its words]
let renderNow = () => {};

function nameOf(path) {
  const segment = path.slice(path.lastIndexOf("/") + 1);
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment; // no such escape: as it was typed
  }
}

function makeValues() {
  const {load, cpu, cpuMeter, memory, memoryMeter, disk, diskMeter, mount, uptime} = readings;
  const fields = {
    load1: [load], cpu: [cpu, cpuMeter], memory: [memory, memoryMeter], disk: [disk, diskMeter, mount],
    uptime: [uptime], last_seen: [seen],
  };
  for (const [field, nodes] of Object.entries(fields)) {
    const label = element("dt");
    labels.push([label, `field.${field}`]);
    byId("values").append(element("div", {class: "value", "data-field": field}, label, element("dd", {}, ...nodes)));
  }
}

// The places that its place lies in, from the province down to itself.
function placeText(machine, sites) {
  const known = new Map(sites.map((site) => [site.code, site]));
  const names = [];
  for (let at = known.get(machine.site), depth = 0; at && depth < 32; at = known.get(at.parent_code), ++depth) {
    names.unshift(at.name);
  }
  if (names.length > 0) return names.join(" › ");
  return machine.site_name || machine.site || format.text("site.unknown");
}

// Its state as one would tell it to somebody who knows nothing of MQTT, and what to look at.
function toldText(machine, now) {
  const state = stateOf(machine);
  if (state === "unknown" || !machine.since_ms) return format.text("told.unknown");
  const length = format.length(now - machine.since_ms);
  return format.text(`told.${state}`, {time: format.time(machine.since_ms, now, false), length});
}

function renderFacts(machine) {
  const facts = [
    ["name", machine.machine], ["code", machine.site], ["class", className(machine)], ["os", osName(machine)],
    ["agent", machine.agent_version],
  ];
  setChildren(byId("facts"), facts.map(([field, value]) => element("div", {"data-field": field},
    element("dt", {}, format.text(`fact.${field}`)), element("dd", {}, value || format.text("value.unknown")))));
}

function renderWho(machine, overview, now) {
  setText(byId("name"), machine.machine);
  setText(byId("place"), placeText(machine, overview.sites));
  setBadge(badge, stateOf(machine));
  // Else the sentence below says since when.
  setText(since, machine.since_ms ? "" : sinceText(machine, now));
  setText(byId("told"), toldText(machine, now));
  renderFacts(machine);
}

function renderMissing(overview) {
  const known = overview === null || overview.collector.id !== "";
  const kind = overview === null ? "loading" : known ? "unknown" : "notYet";
  byId("missing").hidden = kind === "loading";
  setText(byId("missing-title"), kind === "loading" ? "" : format.text(`missing.${kind}`, {machine: name}));
  setText(byId("missing-text"), kind === "loading" ? "" : format.text(`missing.${kind}Text`));
}

function render({overview, withheld, restored, now}) {
  const machine = overview?.machines.find((at) => at.machine === name) ?? null;
  byId("who").hidden = machine === null;
  for (const section of document.querySelectorAll(".known")) section.hidden = machine === null;
  if (machine === null) {
    renderMissing(overview);
    return;
  }
  byId("missing").hidden = true;
  renderWho(machine, overview, now);
  setReadings(readings, machine);
  setText(seen, machine.last_seen_ms
    ? format.text("seen.short", {length: format.length(now - machine.last_seen_ms)}) : format.text("seen.never"));
  byId("no-probes").hidden = machine.probes.length > 0;
  renderProbes(byId("probes"), machine, now);
  const mine = (findings) => findings.filter((finding) => finding.machine === name);
  const asOf = overview.as_of && {...overview.as_of, findings: mine(overview.as_of.findings)};
  renderFindings(byId("findings"), byId("findings-more"),
    {machines: [machine], findings: mine(overview.findings), as_of: asOf}, withheld, now);
  renderPast(machine, withheld, restored, now);
}

function renderPast(machine, withheld, restored, now) {
  const past = [[gaps, (recent, stale) => renderLedger(machine, recent, stale, now)],
    [events, (recent, stale) => renderEvents(recent, stale, now)]];
  for (const [source, draw] of past) {
    if (restored) source.forget();
    const recent = withheld ? source.known : source.wanted(name, now, renderNow);
    draw(recent, withheld || recent.failed);
  }
}

byId("state").append(badge, since);
makeValues();
byId("findings-more").addEventListener("click", () => {
  toggleLongList();
  renderNow();
});
document.addEventListener("visibilitychange", () => renderNow());
renderNow = await show({
  isHome: false,
  title: () => format.text("machine.title", {machine: name}),
  language: () => labels.forEach(([node, key]) => setText(node, format.text(key))),
  render,
});
