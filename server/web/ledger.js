// The gap ledger: when readings were missing, what became of them, and why some never came.
import {element, setText} from "./dom.js";
import * as format from "./format.js";
import {makeLongList} from "./longlist.js";
import {byId} from "./page.js";
import {isLost} from "./readings.js";

const none = [];
const drawRows = makeLongList(byId("ledger"), byId("ledger-more"), "ledger.more", row);

const waiting = (gap) => Math.max(0, gap.batches - gap.recovered - gap.lost);

function reasonWords(gap) {
  if (!gap.reason) return format.text("lost.none");
  const key = `lost.${gap.reason}`;
  return format.has(key) ? format.text(key) : format.text("lost.other", {reason: gap.reason});
}

function verdictText(gaps) {
  if (gaps.length === 0) return format.text("ledger.none");
  const sum = (of) => gaps.reduce((all, gap) => all + of(gap), 0);
  const lost = sum((gap) => gap.lost);
  const still = sum(waiting);
  const places = {gaps: format.count(gaps.length), lost: format.count(lost), waiting: format.count(still)};
  if (lost > 0) return format.text(still > 0 ? "ledger.someLostAndWaiting" : "ledger.someLost", places);
  return format.text(still > 0 ? "ledger.someWaiting" : "ledger.allRecovered", places);
}

// What is missing at this moment is in no ledger yet. A machine that was stopped misses nothing.
const isAway = (machine) => isLost(machine) && Boolean(machine.last_seen_ms);

// Of when the ledger is where it is not of now, or until when.
function noteText(machine, recent, stale, now) {
  if (stale) return format.text("ledger.asOf", {time: format.time(recent.asOf, now)});
  return isAway(machine) ? format.text("ledger.away", {time: format.time(machine.last_seen_ms, now, false)}) : "";
}

function closedText(gap) {
  if (gap.lost === 0) return format.text("ledger.closedWhole");
  return format.text(gap.lost < gap.batches ? "ledger.closedLost" : "ledger.closedAllLost");
}

function stateCell(gap, now) {
  const still = waiting(gap);
  const kind = gap.lost > 0 ? "bad" : still > 0 ? "warn" : "good";
  const parts = [];
  if (gap.closed_ms !== null) {
    const time = format.time(gap.closed_ms, now, false);
    parts.push(element("span", {class: kind}, closedText(gap)),
      element("span", {class: "minor"}, format.text("ledger.closed", {time})));
  } else {
    parts.push(element("span", {class: kind}, format.text("ledger.open", {waiting: format.count(still)})));
  }
  if (gap.lost > 0) parts.push(element("span", {class: "why", "data-field": "reason"}, reasonWords(gap)));
  return parts;
}

function row(gap, now) {
  const cell = (field, kind, ...children) =>
    element("td", {role: "cell", "data-field": field, "data-label": format.text(`ledger.${field}`),
      ...(kind && {class: kind})}, ...children);
  const from = gap.from_ms === null ? format.text("ledger.unknownStart") : format.time(gap.from_ms, now);
  const length = gap.from_ms === null ? format.text("value.none") : format.length(gap.to_ms - gap.from_ms);
  return element("tr", {role: "row", "data-gap": gap.closed_ms === null ? "open" : "closed"},
    cell("when", "", element("span", {}, `${from} \u2192`), " ", element("span", {}, format.time(gap.to_ms, now))),
    cell("length", "", length),
    cell("batches", "number", format.count(gap.batches)),
    cell("recovered", "number", format.count(gap.recovered)),
    cell("lost", gap.lost > 0 ? "number bad" : "number", format.count(gap.lost)),
    cell("state", "", ...stateCell(gap, now)));
}

function verdictOf(machine, recent, stale, now) {
  const gaps = recent.items;
  if (gaps === null) return [format.text(recent.failed || stale ? "findings.unknown" : "live.loading"), ""];
  // That nothing was missing some time ago says nothing of now.
  if (stale && gaps.length === 0) return [format.text("findings.unknown"), ""];
  if (gaps.length === 0 && isAway(machine)) {
    return [format.text("ledger.noneUntil", {time: format.time(machine.last_seen_ms, now, false)}), ""];
  }
  const calm = stale || isAway(machine) ? "" : "good";
  const kind = gaps.some((gap) => gap.lost > 0) ? "bad" : gaps.some(waiting) ? "warn" : calm;
  return [verdictText(gaps), kind];
}

// `recent` holds gaps, newest first, or null; `stale`: they are not of now.
export function renderLedger(machine, recent, stale, now) {
  const [words, kind] = verdictOf(machine, recent, stale, now);
  setText(byId("verdict"), words);
  byId("verdict").className = `verdict ${kind}`.trim();
  setText(byId("ledger-note"), recent.items === null ? "" : noteText(machine, recent, stale, now));
  const gaps = recent.items ?? none;
  byId("ledger-frame").hidden = gaps.length === 0;
  drawRows(gaps, now);
}
