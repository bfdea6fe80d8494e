// Puts together what the server tells and what the reader chose.
import * as chart from "./chart.js";
import * as format from "./format.js";
import {watch} from "./live.js";
import * as summary from "./summary.js";
import * as table from "./table.js";

const byId = (id) => document.getElementById(id);
const filter = {text: "", site: "", state: ""};
let live = {overview: null, connected: false, polling: false};
let serverNow = () => Date.now();
let wasWithheld = false;

// While nothing current is known, values are taken away here too: the server may be gone, and what
// the page holds is then of the past.
function withhold(overview) {
  const asOf = overview.as_of ?? {time_ms: overview.now_ms, findings: overview.findings};
  const machines = overview.machines.map((machine) => machine.as_of ? machine : {
    ...machine,
    as_of: {state: machine.state, since_ms: machine.since_ms},
    state: null, since_ms: null, load1: null, cpus: null, cpu_busy_ratio: null, memory_used_ratio: null,
    disk_used_ratio: null, disk_mountpoint: "", uptime_seconds: null,
    probes: machine.probes.map((probe) => ({...probe, success: null, seconds: null, reason: ""})),
  });
  return {...overview, as_of: asOf, machines, findings: []};
}

function bannerText(overview, now) {
  const since = overview?.last_data_ms ?? overview?.collector.since_ms;
  const time = since ? format.time(since, now) : "";
  if (!live.connected) {
    return format.text("banner.server", {time: time || format.time(started, now)});
  }
  if (!overview) return "";
  if (!overview.collector.reachable) {
    return overview.collector.id ? format.text("banner.collector", {time}) : format.text("banner.collectorNever");
  }
  const notStored = overview.collector.not_stored_since_ms;
  if (notStored) return format.text("banner.disk", {time: format.time(notStored, now)});
  return overview.collector.broker_connected ? "" : format.text("banner.broker", {time});
}

function renderHeader(overview, now, withheld) {
  const banner = bannerText(overview, now);
  const hides = withheld && overview?.machines.length > 0 ? ` ${format.text("banner.withheld")}` : "";
  // Nothing has come yet: the first second of a page is no outage.
  const loading = overview === null && now - started < 5000;
  byId("banner").hidden = banner === "" || loading;
  table.setText(byId("banner"), loading ? "" : banner + hides);
  const mode = loading ? "loading" : banner ? "off" : live.polling ? "polling" : "on";
  byId("live").dataset.mode = mode;
  table.setText(byId("live-text"), format.text(`live.${mode}`));
  table.setText(byId("last-data"), overview?.last_data_ms
    ? format.text("live.lastData", {time: format.time(overview.last_data_ms, now)}) : format.text("live.never"));
  table.setText(byId("province"), overview?.province?.name ?? format.text("app.purpose"));
}

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
  if (filter.state === "lost" && !table.isLost(machine)) return false;
  if (filter.state === "off" && !table.isOff(machine)) return false;
  if (filter.state === "online" && machine.state !== "online") return false;
  if (!filter.text) return true;
  const all = [machine.machine, machine.site, machine.site_name, machine.disk_mountpoint].join("\n");
  return format.folded(all).includes(format.folded(filter.text.trim()));
}

function render() {
  const now = serverNow();
  const withheld = live.overview !== null && (!live.connected || !live.overview.collector.reachable);
  const overview = withheld ? withhold(live.overview) : live.overview;
  renderHeader(overview, now, withheld);
  document.body.classList.toggle("withheld", withheld);
  if (wasWithheld && !withheld) chart.forget();
  wasWithheld = withheld;
  if (overview === null) return;
  summary.renderTiles(byId("tiles"), overview, filter.state, chooseState, withheld, now);
  summary.renderFindings(byId("findings"), byId("findings-more"), overview, withheld, now);
  renderSiteFilter(overview);
  renderStateFilter();
  const findings = new Set(overview.findings.map((finding) => finding.machine));
  const sites = new Map(overview.sites.map((site) => [site.code, site]));
  const shown = overview.machines.filter((machine) => matches(machine, findings, sites));
  const rest = table.render(byId("rows"), shown, findings, now);
  byId("more").hidden = rest === 0;
  table.setText(byId("more"), format.text("machines.more", {count: format.count(rest)}));
  byId("empty").hidden = shown.length > 0;
  table.setText(byId("empty"), format.text(overview.machines.length > 0 ? "machines.noMatch" : "machines.empty"));
  const counts = {shown: format.count(shown.length), all: format.count(overview.machines.length)};
  table.setText(byId("count"), format.text("machines.count", counts));
}

function chooseState(state) {
  filter.state = filter.state === state ? "" : state;
  render();
}

function applyLanguage() {
  document.documentElement.lang = format.currentLanguage();
  document.title = format.text("app.title");
  for (const node of document.querySelectorAll("[data-i18n]")) node.textContent = format.text(node.dataset.i18n);
  for (const node of document.querySelectorAll("[data-i18n-label]")) {
    node.setAttribute("aria-label", format.text(node.dataset.i18nLabel));
  }
  byId("filter-text").placeholder = format.text("filter.textHint");
  byId("lang").textContent = format.text("lang.switch");
  byId("lang").setAttribute("aria-label", format.text("lang.label"));
  byId("lang").lang = format.currentLanguage() === "vi" ? "en" : "vi";
  byId("footer").textContent = format.text("footer.text");
}

function listen() {
  byId("lang").addEventListener("click", async () => {
    await format.switchLanguage();
    applyLanguage();
    render();
  });
  byId("filters").addEventListener("submit", (event) => event.preventDefault());
  for (const [id, name] of [["filter-text", "text"], ["filter-site", "site"], ["filter-state", "state"]]) {
    byId(id).addEventListener("input", (event) => {
      filter[name] = event.target.value;
      render();
    });
  }
  byId("more").addEventListener("click", () => {
    table.showMore();
    render();
  });
  byId("findings-more").addEventListener("click", () => {
    summary.toggleLongList();
    render();
  });
  // Rows that come into view get their charts without waiting for the next second.
  addEventListener("scroll", () => requestAnimationFrame(render), {passive: true});
}

const started = Date.now();
await format.loadLanguage();
applyLanguage();
listen();
const watcher = watch((state) => {
  live = state;
  render();
});
serverNow = watcher.serverNow;
render();
