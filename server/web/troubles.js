// Steps that are slow or fail: since when, how many sites have it, where the cause lies, how sure that is,
// and what speaks for it.
import {element, icon, setChildren, setText} from "./dom.js";
import * as format from "./format.js";
import {makeKeyed} from "./keyed.js";
import {byId} from "./page.js";
import {reasonText} from "./readings.js";
import {causeText, inLanguage} from "./verdict.js";

const mostNames = 200; // of places that a card lists
const mostSentences = 20;
const more = 50; // cards, at each press of the button

let shown = 12;
let again = () => {};
byId("troubles-more").addEventListener("click", () => {
  shown += more;
  again();
});

// How many sites have it, of those that measured the step.
const sitesText = (trouble) => format.text("trouble.sites", {
  count: format.count(trouble.sites.length), measured: format.count(trouble.sites_measured),
});

function factsText(trouble) {
  const facts = [sitesText(trouble)];
  if (trouble.failing) facts.push(reasonText(trouble.reason));
  else if (trouble.seconds !== null) {
    const seconds = format.seconds(trouble.seconds);
    facts.push(trouble.usual_seconds === null ? seconds
      : format.text("trouble.seconds", {seconds, usual: format.seconds(trouble.usual_seconds)}));
  }
  return facts.join(" · ");
}

function makeCard() {
  const part = {
    kind: element("span", {class: "badge"}),
    name: element("h3"),
    since: element("span", {class: "minor", "data-field": "since"}),
    summary: element("p", {class: "summary", "data-field": "summary"}),
    cause: element("p", {class: "cause", "data-field": "cause"}),
    facts: element("p", {class: "facts", "data-field": "facts"}),
    evidence: element("ul", {class: "evidence", "data-field": "evidence"}),
    sitesTitle: element("summary"),
    sites: element("ul", {class: "places"}),
    rest: element("p", {class: "minor"}),
  };
  part.details = element("details", {"data-field": "sites"}, part.sitesTitle, part.sites, part.rest);
  part.node = element("article", {class: "trouble"},
    element("div", {class: "line"}, part.kind, part.name, part.since),
    part.summary, part.cause, part.facts, part.evidence, part.details);
  part.details.addEventListener("toggle", () => part.list?.());
  return part;
}

function setKind(part, trouble) {
  const kind = trouble.failing ? "failing" : "slow";
  part.node.dataset.trouble = kind;
  part.kind.className = `badge ${trouble.failing ? "vanished" : "silent"}`;
  const words = format.text(`trouble.${kind}`);
  if (part.kind.textContent !== words) part.kind.replaceChildren(icon(trouble.failing ? "failed" : "slow"), words);
}

function fillCard(part, {trouble, context}) {
  const {verdict} = trouble;
  setKind(part, trouble);
  setText(part.name, [trouble.journey, trouble.step].filter(Boolean).join(" / "));
  const at = context.stale ? context.asOf : context.now;
  setText(part.since, format.text("findings.since", {
    time: format.time(trouble.since_ms, context.now, false), length: format.length(at - trouble.since_ms),
  }));
  setText(part.summary, inLanguage(verdict.summary));
  part.summary.hidden = part.summary.textContent === "";
  setText(part.cause, causeText(verdict.culprit, verdict.certainty, verdict.name));
  part.cause.dataset.certainty = verdict.certainty;
  setText(part.facts, factsText(trouble));
  const sentences = verdict.evidence.map(inLanguage).filter(Boolean).slice(0, mostSentences);
  setChildren(part.evidence, sentences.map((sentence) => element("li", {}, sentence)));
  part.evidence.hidden = sentences.length === 0;
  setText(part.sitesTitle, format.text("trouble.affected", {count: format.count(trouble.sites.length)}));
  part.details.hidden = trouble.sites.length === 0;
  part.list = () => listSites(part, trouble, context);
  part.list();
}

// Only where they are unfolded.
function listSites(part, trouble, context) {
  if (!part.details.open) return;
  const order = new Intl.Collator(format.currentLanguage()).compare;
  const names = trouble.sites.map(context.nameOf).sort(order);
  setChildren(part.sites, names.slice(0, mostNames).map((name) => element("li", {}, name)));
  part.rest.hidden = names.length <= mostNames;
  setText(part.rest, part.rest.hidden ? ""
    : format.text("list.rest", {count: format.count(names.length - mostNames)}));
}

const drawCards = makeKeyed(byId("troubles"), ({trouble}) => [trouble.journey, trouble.step, trouble.failing].join("\n"),
  makeCard, fillCard);

// That all is well, said only of what was measured; and what is not yet long enough to be a trouble.
function calmText(answer, now) {
  const runs = answer.steps.flatMap((step) => step.sites).filter((at) => at.success !== null);
  if (runs.length === 0) return ["unknown", format.text("troubles.unmeasured")];
  const time = format.time(runs.reduce((newest, at) => Math.max(newest, at.at_ms), 0), now);
  const sites = (list) => new Set(list.map((at) => at.site)).size;
  const ill = sites(runs.filter((at) => !at.success || at.slow));
  if (ill > 0) return ["slow", format.text("troubles.pending", {count: format.count(ill), time})];
  return ["calm", format.text("troubles.none", {sites: format.count(sites(runs)), time})];
}

function setCalm([name, words]) {
  const node = byId("calm");
  if (node.dataset.calm === name && node.textContent === words) return;
  node.dataset.calm = name;
  node.replaceChildren(icon(name), words);
}

// `told`: "now"; "asOf": what is shown is of the past; "unknown" or "loading": there is nothing to show.
export function renderTroubles(answer, told, context) {
  const troubles = answer?.troubles ?? [];
  drawCards(troubles.slice(0, shown).map((trouble) => ({trouble, context})));
  const rest = Math.max(0, troubles.length - shown);
  byId("troubles-more").hidden = rest === 0;
  setText(byId("troubles-more"), format.text("findings.more", {count: format.count(Math.min(more, rest))}));
  again = context.again;
  byId("troubles").classList.toggle("stale", told === "asOf");
  byId("troubles-note").hidden = told !== "asOf" || troubles.length === 0;
  setText(byId("troubles-note"), told === "asOf"
    ? format.text("findings.asOf", {time: format.time(context.asOf, context.now)}) : "");
  byId("calm").hidden = troubles.length > 0;
  if (troubles.length > 0) return;
  if (told === "now") setCalm(calmText(answer, context.now));
  else setCalm(["unknown", format.text(told === "loading" ? "live.loading" : "findings.unknown")]);
}
