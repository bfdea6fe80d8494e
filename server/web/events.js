// What happened on a machine, in words.
import {element, setText} from "./dom.js";
import * as format from "./format.js";
import {makeLongList} from "./longlist.js";
import {byId} from "./page.js";
import {reasonText} from "./readings.js";

const none = [];
const drawItems = makeLongList(byId("events"), byId("events-more"), "events.more", item);
const classes = new Map([["probe_failed", "bad"], ["probe_recovered", "good"], ["oom_kill", "bad"]]);

// A reason's words; itself where there are none (of an agent newer than this page).
const wordOf = (prefix) => (reason) => format.has(prefix + reason) ? format.text(prefix + reason) : reason;


// The text of these is "<reason>: <what the agent saw>"; the second is technical.
const reasons = new Map([
  ["probe_failed", reasonText],
  ["machine_booted", wordOf("event.boot.")],
  ["oom_kill", wordOf("event.oom.")],
  ["plugin_state", wordOf("check.")],
]);

function withReason(event) {
  const [reason, ...rest] = event.text.split(": ");
  return [event.key, reasons.get(event.kind)(reason), rest.join(": ")];
}

function words(event) {
  if (reasons.has(event.kind)) return withReason(event);
  if (event.kind === "probe_recovered") return [event.key];
  if (event.kind === "agent_started") return [format.text("event.version", {version: event.text})];
  return [event.key, event.text];
}

function item(event, now) {
  const key = `event.${event.kind}`;
  const title = format.has(key) ? format.text(key) : format.text("event.other", {kind: event.kind});
  return element("li", {"data-event": event.kind, class: classes.get(event.kind) ?? ""},
    element("time", {datetime: new Date(event.time_ms).toISOString()}, format.time(event.time_ms, now)),
    element("div", {}, element("strong", {}, title),
      element("span", {class: "minor"}, words(event).filter(Boolean).join(" · "))));
}

function noteText(recent, stale, now) {
  if (recent.items === null) return format.text(recent.failed || stale ? "findings.unknown" : "live.loading");
  if (stale) return format.text("events.asOf", {time: format.time(recent.asOf, now)});
  return format.text(recent.items.length > 0 ? "events.explained" : "events.none");
}

// `recent` holds events, newest first, or null; `stale`: they are not of now.
export function renderEvents(recent, stale, now) {
  setText(byId("events-note"), noteText(recent, stale, now));
  const events = recent.items ?? none;
  byId("events").hidden = events.length === 0;
  drawItems(events, now);
}
