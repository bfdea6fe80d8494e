// The tiles.
import {element, setText} from "./dom.js";
import * as format from "./format.js";
import {isLost, isOff} from "./readings.js";

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

// How those that are lost are told apart: it takes other steps.
function lostText(machines) {
  const counts = ["vanished", "silent"].map((state) => [state, machines.filter((machine) => machine.state === state).length]);
  return counts.filter(([, number]) => number > 0)
    .map(([state, number]) => format.text(`tile.${state}`, {count: format.count(number)})).join(", ");
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
  // A finding of no machine, as one about an objective, is of no place.
  const affected = new Set([...findings.filter((at) => at.machine), ...machines.filter(isLost)].map((at) => at.site)).size;
  const places = new Set(machines.map((machine) => machine.site)).size;
  const note = (words) => (withheld ? asOf : words);
  show("findings", null, withheld ? none : format.count(findings.length),
    note(findings.length > 0 ? "" : format.text("tile.noFindings")), !withheld && findings.length > 0);
  show("machines", "", format.count(all), "");
  show("online", "online", number((m) => m.state === "online"),
    note(share(machines.filter((m) => m.state === "online").length)));
  show("lost", "lost", number(isLost), note(lostText(machines)), !withheld && lost > 0);
  show("off", "off", number(isOff), note(share(machines.filter(isOff).length)));
  show("sites", null, sites.length > 0 ? `${format.count(places)} / ${format.count(sites.length)}` : format.count(places),
    note(affected > 0 ? format.text("tile.affectedSites", {count: format.count(affected)}) : format.text("tile.allWell")));
}
