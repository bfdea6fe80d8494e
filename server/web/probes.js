// Each probe of one machine, with the chart of its last hour.
import * as chart from "./chart.js";
import {element, setText} from "./dom.js";
import * as format from "./format.js";
import {setResponse} from "./readings.js";

const cards = new Map(); // "journey\nstep" → its parts

function makeCard(probe) {
  const part = {
    value: element("span", {class: "major"}),
    note: element("span", {class: "minor"}),
    chart: chart.makeChart(),
    times: [element("span"), element("span"), element("span")],
    summary: element("p", {class: "minor", "data-field": "summary"}),
    legend: element("p", {class: "minor legend"}),
  };
  const title = [probe.journey, probe.step].filter(Boolean).join(" / ");
  part.card = element("article", {class: "probe", "data-probe": title},
    element("h3", {}, title),
    element("p", {class: "now", "data-field": "response"}, part.value, part.note),
    part.chart,
    element("p", {class: "times", "aria-hidden": "true"}, ...part.times), part.summary, part.legend);
  return part;
}

function fill(part, machine, probe, now) {
  setResponse(part.value, part.note, probe, "");
  if (machine.state === "online") chart.append(machine.machine, probe, machine.last_seen_ms);
  const redraw = () => {
    const objective = chart.draw(part.chart, machine.machine, probe, now);
    setText(part.legend, objective
      ? format.text("chart.legendObjective", {seconds: format.seconds(probe.objective_seconds)}) : format.text("chart.legend"));
    setText(part.summary, chart.summary(machine.machine, probe, now));
  };
  if (machine.state !== null) chart.want(machine.machine, probe, now, redraw);
  redraw();
  part.times.forEach((node, i) => setText(node, format.time(now - chart.hour * (1 - i / 2), now, false)));
}

export function renderProbes(parent, machine, now) {
  const wanted = new Map(machine.probes.map((probe) => [`${probe.journey}\n${probe.step}`, probe]));
  for (const [key, part] of cards) {
    if (wanted.has(key)) continue;
    part.card.remove();
    cards.delete(key);
  }
  for (const [key, probe] of wanted) {
    if (!cards.has(key)) {
      cards.set(key, makeCard(probe));
      parent.append(cards.get(key).card);
    }
    fill(cards.get(key), machine, probe, now);
  }
}
