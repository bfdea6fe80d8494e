// The live page: everything at a glance, and what the reader chose to see of it.
import {setText} from "./dom.js";
import * as findingList from "./findings.js";
import * as format from "./format.js";
import {byId, show} from "./page.js";
import {isLost, isOff} from "./readings.js";
import * as table from "./table.js";
import {renderTiles} from "./tiles.js";

const filter = {text: "", site: "", state: ""};
let renderNow = () => {};

// Places with machines and those above them, as an indented list.
function renderSiteFilter(overview) {
  const sites = new Map(overview.sites.map((site) => [site.code, site]));
  const used = new Set();
  for (const {site} of overview.machines) {
    for (let at = sites.get(site), depth = 0; at && depth < 32; at = sites.get(at.parent_code), ++depth) used.add(at.code);
  }
  const children = new Map();
  for (const code of used) {
    const parent = sites.get(code).parent_code;
    children.set(parent, [...(children.get(parent) ?? []), code]);
  }
  const order = new Intl.Collator(format.currentLanguage()).compare;
  const options = [new Option(format.text("filter.allSites"), "")];
  const add = (parent, depth) => {
    const codes = (children.get(parent) ?? []).sort((a, b) => order(sites.get(a).name, sites.get(b).name));
    for (const code of codes) {
      options.push(new Option(`${"\u2003".repeat(depth)}${sites.get(code).name}`, code));
      add(code, depth + 1);
    }
  };
  add("", 0);
  setOptions(byId("filter-site"), options, filter.site);
}

function renderStateFilter() {
  const choices = [["", "filter.allStates"], ["trouble", "filter.trouble"], ["online", "state.online"],
    ["lost", "filter.lost"], ["off", "filter.off"]];
  setOptions(byId("filter-state"), choices.map(([value, key]) => new Option(format.text(key), value)), filter.state);
}

function setOptions(select, options, chosen) {
  const same = select.options.length === options.length &&
    options.every((option, i) => option.value === select.options[i].value && option.text === select.options[i].text);
  if (!same) select.replaceChildren(...options);
  if (select.value !== chosen) select.value = chosen;
}

// Whether a place is, or lies within, the chosen one.
function within(site, sites) {
  for (let at = site, depth = 0; at && depth < 32; at = sites.get(at)?.parent_code, ++depth) {
    if (at === filter.site) return true;
  }
  return false;
}

function matches(machine, findings, sites) {
  if (filter.site && !within(machine.site, sites)) return false;
  if (filter.state === "trouble" && !table.isTrouble(machine, findings)) return false;
  if (filter.state === "lost" && !isLost(machine)) return false;
  if (filter.state === "off" && !isOff(machine)) return false;
  if (filter.state === "online" && machine.state !== "online") return false;
  if (!filter.text) return true;
  const all = [machine.machine, machine.site, machine.site_name, machine.disk_mountpoint].join("\n");
  return format.folded(all).includes(format.folded(filter.text.trim()));
}

function render({overview, withheld, now}) {
  if (overview === null) return;
  renderTiles(byId("tiles"), overview, filter.state, chooseState, withheld, now);
  findingList.renderFindings(byId("findings"), byId("findings-more"), overview, withheld, now);
  renderSiteFilter(overview);
  renderStateFilter();
  const findings = new Set(overview.findings.map((finding) => finding.machine));
  const sites = new Map(overview.sites.map((site) => [site.code, site]));
  const shown = overview.machines.filter((machine) => matches(machine, findings, sites));
  const rest = table.render(byId("rows"), shown, findings, now);
  byId("more").hidden = rest === 0;
  setText(byId("more"), format.text("machines.more", {count: format.count(rest)}));
  byId("empty").hidden = shown.length > 0;
  setText(byId("empty"), format.text(overview.machines.length > 0 ? "machines.noMatch" : "machines.empty"));
  const counts = {shown: format.count(shown.length), all: format.count(overview.machines.length)};
  setText(byId("count"), format.text("machines.count", counts));
}

function chooseState(state) {
  filter.state = filter.state === state ? "" : state;
  renderNow();
}

function listen() {
  byId("filters").addEventListener("submit", (event) => event.preventDefault());
  for (const [id, name] of [["filter-text", "text"], ["filter-site", "site"], ["filter-state", "state"]]) {
    byId(id).addEventListener("input", (event) => {
      filter[name] = event.target.value;
      renderNow();
    });
  }
  byId("more").addEventListener("click", () => {
    table.showMore();
    renderNow();
  });
  byId("findings-more").addEventListener("click", () => {
    findingList.toggleLongList();
    renderNow();
  });
  // Rows that come into view get their charts without waiting for the next second.
  addEventListener("scroll", () => requestAnimationFrame(renderNow), {passive: true});
}

listen();
renderNow = await show({
  isHome: true,
  title: () => format.text("app.title"),
  language: () => (byId("filter-text").placeholder = format.text("filter.textHint")),
  render,
});
