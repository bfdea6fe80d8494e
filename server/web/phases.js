// What a step's time went into: a bar of six parts now, and below it of what is usual.
import {element, setText, svg} from "./dom.js";
import * as format from "./format.js";

export const phases = ["resolve", "connect", "tls", "processing", "transfer", "redirect"];
const worthTelling = {seconds: 0.05, ratio: 0.15}; // a part that grew by less than both is as usual

const none = {resolve: null, connect: null, tls: null, processing: null, transfer: null, redirect: null};
export const noPhases = none;

export const isKnown = (parts) => phases.some((name) => parts[name] !== null);
export const total = (parts) => phases.reduce((sum, name) => sum + (parts[name] ?? 0), 0);

export function makeBar() {
  const row = (kind, y, height) => ({y, height, drawn: "", words: "",
    parts: phases.map((name) => svg("path", {class: `phase ${name} ${kind}`}))});
  const part = {now: row("now", 0, 11), usual: row("usual", 13, 5), language: ""};
  part.chart = svg("svg", {class: "phases", viewBox: "0 0 100 18", preserveAspectRatio: "none", role: "img"},
    ...part.now.parts, ...part.usual.parts);
  part.words = element("span", {class: "minor", "data-field": "most"});
  part.node = element("div", {}, part.chart, part.words);
  return part;
}

// Whether anything is others than it was.
function setRow(row, seconds, scale, anew) {
  const drawn = [scale, ...phases.map((name) => seconds[name])].join();
  if (row.drawn === drawn && !anew) return false;
  row.drawn = drawn;
  row.words = listOf(seconds);
  let x = 0;
  phases.forEach((name, i) => {
    const width = scale > 0 ? 100 * (seconds[name] ?? 0) / scale : 0;
    row.parts[i].setAttribute("d", width > 0 ? `M${x.toFixed(2)} ${row.y}h${width.toFixed(2)}v${row.height}h-${width.toFixed(2)}z` : "");
    x += width;
  });
  return true;
}

const listOf = (parts) => (isKnown(parts)
  ? phases.filter((name) => parts[name] !== null)
    .map((name) => `${format.text(`phase.${name}`)} ${format.seconds(parts[name])}`).join(", ")
  : format.text("value.unknown"));

// The part that grew most, where one did; else the largest.
function mostText(now, usual) {
  if (!isKnown(now)) return "";
  const largest = (of) => phases.reduce((best, name) => (of(name) > of(best) ? name : best));
  const gain = (name) => (now[name] ?? 0) - (usual[name] ?? 0);
  const grown = largest(gain);
  const told = isKnown(usual) && gain(grown) > worthTelling.seconds && gain(grown) > worthTelling.ratio * total(usual);
  const name = told ? grown : largest((at) => now[at] ?? 0);
  return format.text(told ? "phase.grown" : "phase.most", {
    phase: format.text(`phase.${name}`), seconds: format.seconds(now[name] ?? 0), usual: format.seconds(usual[name] ?? 0),
  });
}

// A round number of seconds that holds all of `values`: bars next to each other keep their lengths while
// the longest changes a little.
export function scaleOf(values) {
  const most = values.reduce((max, value) => Math.max(max, value ?? 0), 0);
  if (most === 0) return 0;
  const power = 10 ** Math.floor(Math.log10(most));
  return power * [1, 1.5, 2, 3, 4, 5, 6, 8, 10].find((round) => round * power >= most * 0.9999);
}

// `scale`: seconds that fill the bar.
export function setBar(part, now, usual, scale) {
  const anew = part.language !== format.currentLanguage();
  part.language = format.currentLanguage();
  const changed = [setRow(part.now, now, scale, anew), setRow(part.usual, usual, scale, anew)];
  if (!changed.includes(true)) return;
  part.chart.setAttribute("aria-label", format.text("phase.label", {now: part.now.words, usual: part.usual.words}));
  setText(part.words, mostText(now, usual));
}

// What the colours stand for.
export function setLegend(node) {
  const key = (name) => element("span", {class: "key"},
    svg("svg", {class: "swatch", viewBox: "0 0 10 10", "aria-hidden": "true"},
      svg("rect", {class: `phase ${name} now`, width: 10, height: 10})), format.text(`phase.${name}`));
  node.replaceChildren(...phases.map(key), element("span", {}, format.text("phase.legend")));
}
