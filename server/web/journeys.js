// The page of journeys: where the one-stop system is slow or fails, why, since when; how its objectives
// are kept; what walking journeys costs it.
import {makeAsked} from "./asked.js";
import {setText} from "./dom.js";
import * as format from "./format.js";
import {renderLoads} from "./load.js";
import {renderObjectives} from "./objectives.js";
import {byId, show} from "./page.js";
import {noPhases, setLegend} from "./phases.js";
import {renderJourneys} from "./steps.js";
import {renderTroubles} from "./troubles.js";

const journeys = makeAsked("/api/v1/journeys", 5000);
let drawn = {answer: null};
let current = null; // what is drawn, for whoever opens or closes a part of it

// What was known, without values that are no longer of now.
function withhold(answer) {
  const site = (at) => ({...at, success: null, seconds: null, usual_seconds: null, phases: noPhases,
    usual_phases: noPhases, reason: "", slow: false});
  return {
    ...answer,
    steps: answer.steps.map((step) => ({...step, sites: step.sites.map(site)})),
    loads: answer.loads.map((load) => ({...load, requests_per_second: null})),
    objectives: answer.objectives.map((at) => ({...at, good_ratio: null, budget_left_ratio: null, burn: [], alarm: null})),
  };
}

// Names of places, and the objectives of probes that have nothing but a number of seconds.
function fromOverview(overview) {
  const places = new Map((overview?.sites ?? []).map((site) => [site.code, site.name]));
  const goals = new Map();
  for (const {probes} of overview?.machines ?? []) {
    for (const probe of probes) {
      if (probe.objective_seconds !== null) goals.set(`${probe.journey}\n${probe.step}`, probe.objective_seconds);
    }
  }
  return {nameOf: (code) => places.get(code) || code || format.text("site.unknown"),
    secondsOf: (journey, step) => goals.get(`${journey}\n${step}`) ?? null};
}

function draw() {
  const {answer, told, asOf, stale, now, overview} = current;
  const context = {...fromOverview(overview), now, asOf, stale, again: draw};
  renderTroubles(answer, told, context);
  renderJourneys(answer, context);
  renderObjectives(answer, context);
  renderLoads(answer, context);
}

function renderUnanswered(known, withheld, now) {
  const told = !withheld && known.reason !== "" && known.old();
  byId("unanswered").hidden = !told;
  const reason = known.reason;
  setText(byId("unanswered"), !told ? "" : known.answer === null ? format.text("journeys.neverAnswered", {reason})
    : format.text("journeys.unanswered", {time: format.time(known.asOf, now), reason}));
}

function render({overview, withheld, restored, now}) {
  if (restored) journeys.forget();
  const known = withheld ? journeys.known : journeys.wanted(now, renderNow);
  const stale = withheld || known.old();
  renderUnanswered(known, withheld, now);
  document.body.classList.toggle("withheld", stale && known.answer !== null);
  const how = [format.currentLanguage(), stale, known.reason !== "", overview === null, format.day(now)].join();
  if (drawn.answer === known.answer && drawn.how === how && drawn.ever) return;
  drawn = {answer: known.answer, how, ever: true};
  const answer = stale && known.answer !== null ? withhold(known.answer) : known.answer;
  const told = known.answer === null ? (known.reason !== "" || withheld ? "unknown" : "loading") : stale ? "asOf" : "now";
  current = {answer, told, asOf: known.asOf, stale, now, overview};
  draw();
}

let renderNow = () => {};
document.addEventListener("visibilitychange", () => renderNow());
renderNow = await show({
  isHome: false,
  title: () => format.text("journeys.pageTitle"),
  language: () => setLegend(byId("legend")),
  render,
});
