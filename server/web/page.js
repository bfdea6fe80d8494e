// What every page has: header, banner and footer, the reader's language, and what the server tells, of
// which nothing is shown as current that is not.
import * as chart from "./chart.js";
import {element, setText} from "./dom.js";
import * as format from "./format.js";
import {watch} from "./live.js";

const started = Date.now();
let live = {overview: null, connected: false, polling: false};
let serverNow = () => Date.now();
let wasWithheld = false;

export const byId = (id) => document.getElementById(id);

// While nothing current is known, values are taken away here too: the server may be gone, and what
// the page holds is then of the past.
function withhold(overview) {
  const told = overview.collector.broker_down_since_ms ?? overview.now_ms;
  const asOf = overview.as_of ?? {time_ms: told, findings: overview.findings};
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
  if (overview.collector.broker_connected) return "";
  const down = overview.collector.broker_down_since_ms;
  return format.text("banner.broker", {time: down ? format.time(down, now) : time});
}

function renderHeader(overview, now, withheld) {
  const banner = bannerText(overview, now);
  const hides = withheld && overview?.machines.length > 0 ? ` ${format.text("banner.withheld")}` : "";
  // Nothing has come yet: the first second of a page is no outage.
  const loading = overview === null && now - started < 5000;
  byId("banner").hidden = banner === "" || loading;
  setText(byId("banner"), loading ? "" : banner + hides);
  const mode = loading ? "loading" : banner ? "off" : live.polling ? "polling" : "on";
  byId("live").dataset.mode = mode;
  setText(byId("live-text"), format.text(`live.${mode}`));
  setText(byId("last-data"), overview?.last_data_ms
    ? format.text("live.lastData", {time: format.time(overview.last_data_ms, now)}) : format.text("live.never"));
  setText(byId("province"), overview?.province?.name ?? format.text("app.purpose"));
}

// The product's name is the title of the page that shows everything, and on others the way there.
function fillHeader(isHome) {
  const name = isHome ? element("h1", {"data-i18n": "app.name"})
    : element("p", {class: "name"}, element("a", {href: "/", "data-i18n": "app.name"}));
  byId("top").append(
    element("div", {class: "brand"},
      element("img", {src: "/favicon.svg", alt: "", width: 36, height: 36}),
      element("div", {}, name, element("p", {id: "province", "data-testid": "province"}))),
    element("div", {class: "status"},
      element("p", {class: "live", id: "live", "data-testid": "live", role: "status"},
        element("span", {class: "dot", "aria-hidden": "true"}), element("span", {id: "live-text"})),
      element("p", {class: "last", id: "last-data", "data-testid": "last-data"})),
    element("button", {type: "button", class: "lang", id: "lang", "data-testid": "lang"}));
}

function applyLanguage(page) {
  document.documentElement.lang = format.currentLanguage();
  document.title = page.title();
  for (const node of document.querySelectorAll("[data-i18n]")) node.textContent = format.text(node.dataset.i18n);
  for (const node of document.querySelectorAll("[data-i18n-label]")) {
    node.setAttribute("aria-label", format.text(node.dataset.i18nLabel));
  }
  byId("lang").textContent = format.text("lang.switch");
  byId("lang").setAttribute("aria-label", format.text("lang.label"));
  byId("lang").lang = format.currentLanguage() === "vi" ? "en" : "vi";
  byId("footer").textContent = format.text("footer.text");
  page.language?.();
}

// Shows `page` as long as it is open:
//   isHome              whether it is the page that shows everything
//   title()             its title in the reader's language
//   language()          where there: called when that changed
//   render({overview, withheld, restored, now})
//                       called once a second and at every change; `overview` is null until one came;
//                       `withheld`: it is of the past, its values are taken away; `restored`: until now it was
// Gives a function that calls render at once.
export async function show(page) {
  const render = () => {
    const now = serverNow();
    const collector = live.overview?.collector;
    const current = live.connected && collector?.reachable && !collector.broker_down_since_ms;
    const withheld = live.overview !== null && !current;
    const overview = withheld ? withhold(live.overview) : live.overview;
    const restored = wasWithheld && !withheld;
    renderHeader(overview, now, withheld);
    document.body.classList.toggle("withheld", withheld);
    if (restored) chart.forget();
    wasWithheld = withheld;
    page.render({overview, withheld, restored, now});
  };
  await format.loadLanguage();
  fillHeader(page.isHome);
  applyLanguage(page);
  byId("lang").addEventListener("click", async () => {
    await format.switchLanguage();
    applyLanguage(page);
    render();
  });
  const watcher = watch((state) => {
    live = state;
    render();
  });
  serverNow = watcher.serverNow;
  render();
  return render;
}
