// What walking journeys costs the one-stop system, and which machine walks for which site.
import {element, setChildren, setText} from "./dom.js";
import * as format from "./format.js";
import {makeKeyed} from "./keyed.js";
import {byId} from "./page.js";

const mostSites = 500; // that a list holds

function makeCard({journey}) {
  const part = {
    title: element("h3", {}, journey),
    rate: element("p", {"data-field": "rate"}),
    bar: element("span", {class: "fill"}),
    nobody: element("details", {"data-field": "nobody"}), nobodyTitle: element("summary", {class: "bad"}),
    nobodyList: element("ul", {class: "places"}), nobodyRest: element("p", {class: "minor"}),
    who: element("details", {"data-field": "who"}), whoTitle: element("summary"),
    whoList: element("ul", {class: "places"}), whoRest: element("p", {class: "minor"}),
    everybody: element("p", {class: "minor", "data-field": "everybody"}),
  };
  part.meter = element("span", {class: "meter", "aria-hidden": "true"}, part.bar);
  part.nobody.append(part.nobodyTitle, part.nobodyList, part.nobodyRest);
  part.who.append(part.whoTitle, part.whoList, part.whoRest);
  part.node = element("article", {class: "load", "data-load": journey}, part.title, part.rate, part.meter,
    part.nobody, part.who, part.everybody);
  for (const details of [part.nobody, part.who]) details.addEventListener("toggle", () => part.lists());
  return part;
}

function setRate(part, load) {
  const {requests_per_second: rate = null, allowed_per_second: allowed = null} = load ?? {};
  setText(part.rate, rate === null ? format.text("load.unknown")
    : allowed > 0 ? format.text("load.rate", {rate: format.number(rate), allowed: format.number(allowed)})
    : format.text("load.rateOnly", {rate: format.number(rate)}));
  part.meter.hidden = rate === null || !(allowed > 0);
  const used = part.meter.hidden ? 0 : rate / allowed;
  part.bar.style.width = `${100 * Math.min(1, used)}%`;
  part.bar.className = used > 1 ? "fill bad" : used > 0.9 ? "fill warn" : "fill";
}

function walkItem(lease, context) {
  const every = lease.interval_seconds > 0 ? format.text("load.every", {length: format.length(1000 * lease.interval_seconds)}) : "";
  return element("li", {}, context.nameOf(lease.site), element("span", {class: "minor"},
    element("a", {href: `/machines/${encodeURIComponent(lease.machine)}`}, lease.machine), every ? ` · ${every}` : ""));
}

// A list is made only where it is unfolded.
function setList(details, list, rest, leases, makeItem) {
  details.hidden = leases.length === 0;
  if (!details.open || details.hidden) return;
  setChildren(list, leases.slice(0, mostSites).map(makeItem));
  rest.hidden = leases.length <= mostSites;
  setText(rest, rest.hidden ? "" : format.text("list.rest", {count: format.count(leases.length - mostSites)}));
}

function fillCard(part, {load, leases, context}) {
  setRate(part, load);
  const order = new Intl.Collator(format.currentLanguage()).compare;
  const sorted = [...leases].sort((a, b) => order(context.nameOf(a.site), context.nameOf(b.site)) || order(a.machine, b.machine));
  const nobody = sorted.filter((lease) => lease.machine === "");
  const walked = sorted.filter((lease) => lease.machine !== "");
  setText(part.nobodyTitle, format.text("load.nobody", {count: format.count(nobody.length)}));
  setText(part.whoTitle, format.text("load.who", {count: format.count(walked.length)}));
  part.everybody.hidden = nobody.length > 0 || walked.length === 0;
  setText(part.everybody, format.text("load.everybody"));
  part.lists = () => {
    setList(part.nobody, part.nobodyList, part.nobodyRest, nobody, (lease) => element("li", {}, context.nameOf(lease.site)));
    setList(part.who, part.whoList, part.whoRest, walked, (lease) => walkItem(lease, context));
  };
  part.lists();
}

const drawCards = makeKeyed(byId("loads"), ({journey}) => journey, makeCard, fillCard);

// `answer` may be null: nothing came yet.
export function renderLoads(answer, context) {
  const journeys = [...new Set([...(answer?.loads ?? []), ...(answer?.leases ?? [])].map((at) => at.journey))];
  drawCards(journeys.map((journey) => ({journey, context, load: answer.loads.find((at) => at.journey === journey),
    leases: answer.leases.filter((at) => at.journey === journey)})));
  byId("loads").parentElement.hidden = journeys.length === 0;
}
