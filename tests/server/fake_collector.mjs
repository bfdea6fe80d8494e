// A collector that never was: answers the server's questions with a made-up province, for looking at
// the page and for its browser tests.
//
//   node fake_collector.mjs PORT SECRET [MACHINES] [SITES_CSV]
//
// Control it while it runs: POST /control {"hang":true} (answers nothing), {"broker":false},
// {"vanish":"<machine>"}, {"leave":"<machine>","as":"<state>"}, {"slow":"<machine>"}, {"fail":"<machine>"},
// {"heal":"<machine>"}; {"gaps":[…]} and {"events":[…]} replace what it tells of them, as core/query.h has
// them; {"at":ms} says since when; {"journeys":{…}} replaces what it tells of them, as core/query_journeys.h has
// it, and null makes it refuse that question. Answers with the machines' names.
import fs from "node:fs";
import http from "node:http";

import {calmJourneys} from "./fake_journeys.mjs";

const [port, secret, count = "3", sitesFile] = process.argv.slice(2);
const sites = sitesFile
  ? fs.readFileSync(sitesFile, "utf8").trim().split("\n").slice(1).map((line) => line.split(","))
  : [["06652", "Phường Hà Tu"], ["06967", "Xã Cái Chiên"], ["22", "Tỉnh Quảng Ninh"]];
const interval = 5000;
const objectives = {"tra-cuu": 3}; // seconds; other steps have none
const started = Date.now() - 3 * 3600e3;
const control = {hang: false, broker: true, left: {}, slow: {}, fail: {}, gaps: [], events: []};
let snapshot = {version: 0, sites: [], placements: [], objectives: []};

// The same number for the same text: a province that looks alike in each run.
function noise(text) {
  let hash = 2166136261;
  for (const c of text) hash = Math.imul(hash ^ c.codePointAt(0), 16777619) >>> 0;
  hash = Math.imul(hash ^ (hash >>> 15), 2246822519) >>> 0;
  hash = Math.imul(hash ^ (hash >>> 13), 3266489917) >>> 0;
  return ((hash ^ (hash >>> 16)) >>> 0) / 4294967296;
}

const machines = Array.from({length: Number(count)}, (_, i) => {
  const [code, name] = sites[(i * 7 + (sitesFile ? 1 : 0)) % sites.length];
  const id = `may-${code}-${String(Math.floor(i / sites.length) + 1).padStart(2, "0")}`;
  return {id, code, name, server: noise(id + "class") > 0.4, interval, offset: noise(id) * interval,
    steps: i === 0 ? ["tra-cuu", "nop-ho-so"] : ["tra-cuu"]};
});

function tick(machine, now) {
  return Math.floor((now - machine.offset) / machine.interval) * machine.interval + machine.offset;
}

function responseSeconds(machine, time, step = "tra-cuu") {
  if (control.fail[machine.id] && time > control.fail[machine.id]) return null;
  const base = 0.25 + 0.5 * noise(machine.id + step);
  const wave = 1 + 0.3 * Math.sin(time / 600e3 + 7 * noise(machine.id));
  const slow = control.slow[machine.id] && time > control.slow[machine.id] ? 5.5 : 1;
  return base * wave * slow * (0.85 + 0.4 * noise(machine.id + Math.floor(time / interval)));
}

function hole(machine, time) {
  const start = Date.now() - 35 * 60e3;
  return noise(machine.id + "hole") > 0.7 && time > start && time < start + 6 * 60e3;
}

function describe(machine, now) {
  const left = control.left[machine.id];
  const seen = Math.round(left?.at ?? tick(machine, now));
  const base = {
    machine: machine.id, site: machine.code, site_name: machine.name,
    class: machine.server ? "server" : "workstation",
    os: "linux", agent_version: "0.1.0", disk_mountpoint: "",
    state: left?.state ?? "online", since_ms: Math.round(left?.at ?? started),
    last_seen_ms: seen,
    probes: machine.steps.map((step) => ({journey: "mot-cua", step, reason: "", objective_seconds: objectives[step]})),
  };
  if (left) return base;
  const beat = String(seen);
  Object.assign(base, {
    load1: Math.round(100 * 3 * noise(machine.id + beat + "l")) / 100,
    cpus: machine.server ? 8 : 4,
    cpu_busy_ratio: 0.1 + 0.5 * noise(machine.id + beat + "c"),
    memory_used_ratio: 0.3 + 0.5 * noise(machine.id + "m") + 0.02 * noise(machine.id + beat),
    disk_used_ratio: 0.2 + 0.75 * noise(machine.id + "d"),
    disk_mountpoint: noise(machine.id + "mp") > 0.5 ? "/" : "/var/lib/postgresql",
    uptime_seconds: (now - started) / 1000 + 86400 * 40 * noise(machine.id + "u"),
  });
  for (const probe of base.probes) {
    const seconds = responseSeconds(machine, seen, probe.step);
    probe.success = seconds !== null;
    if (seconds === null) probe.reason = "timeout";
    else probe.seconds = seconds;
  }
  return base;
}

function findings() {
  const list = [];
  const add = (kind, machine, opened, numbers, words) => list.push({
    id: Math.round(opened), kind, machine: machine.id, site: machine.code, site_name: machine.name,
    journey: kind === "machine_vanished" ? "" : "mot-cua", step: kind === "machine_vanished" ? "" : "tra-cuu",
    opened_ms: Math.round(opened), numbers, words,
  });
  for (const machine of machines) {
    const {slow, fail, left} = control;
    const gone = left[machine.id];
    if (["vanished", "silent"].includes(gone?.state)) add("machine_vanished", machine, gone.at, {}, {state: gone.state});
    if (slow[machine.id]) {
      add("response_slow", machine, slow[machine.id] + 300e3,
        {seconds: responseSeconds(machine, Date.now()), objective_seconds: 3, for_seconds: 300}, {});
    }
    if (fail[machine.id]) {
      add("probe_failed", machine, fail[machine.id],
        {failures: 2}, {reason: "timeout"});
    }
  }
  return list;
}

function overview(now) {
  const list = machines.map((machine) => describe(machine, now));
  return {
    collector_id: "gia", store_id: "00000000000000f0", now_ms: now,
    last_data_ms: Math.max(0, ...list.map((m) => m.last_seen_ms)), broker_connected: control.broker,
    machines: list, open_findings: findings(),
  };
}

function columns(url) {
  const machine = machines.find((m) => m.id === url.searchParams.get("machine"));
  const metric = url.searchParams.get("metric");
  const parts = [Buffer.from("HDC1")];
  if (!machine || !metric.startsWith("probe_")) return parts[0];
  const from = Number(url.searchParams.get("from"));
  const to = Math.min(Number(url.searchParams.get("to")), Date.now(), control.left[machine.id]?.at ?? Infinity);
  const step = url.searchParams.get("label.step") ?? "tra-cuu";
  const points = [];
  for (let time = tick(machine, from) + machine.interval; time <= to; time += machine.interval) {
    const seconds = responseSeconds(machine, time, step);
    const value = metric === "probe_success" ? Number(seconds !== null) : seconds ?? 10;
    points.push([Math.round(time), hole(machine, time) ? NaN : value]);
  }
  const header = Buffer.from(JSON.stringify({machine: machine.id, metric, labels: {journey: "mot-cua", step}}));
  const body = Buffer.alloc(4 + header.length + 4 + 16 * points.length);
  body.writeUInt32LE(header.length, 0);
  header.copy(body, 4);
  body.writeUInt32LE(points.length, 4 + header.length);
  points.forEach(([time, value], i) => {
    body.writeBigInt64LE(BigInt(time), 8 + header.length + 8 * i);
    body.writeDoubleLE(value, 8 + header.length + 8 * points.length + 8 * i);
  });
  return Buffer.concat([...parts, body]);
}

function journeys() {
  if (control.journeys !== undefined) return control.journeys;
  return calmJourneys(machines.map(({id, code, name}) => ({site: code, site_name: name, machine: id})), Date.now(),
    String(Math.floor(Date.now() / 60e3)));
}

function steer(order) {
  const at = order.at ?? Date.now();
  if ("hang" in order) control.hang = order.hang;
  if ("broker" in order) control.broker = order.broker;
  if (order.vanish) control.left[order.vanish] = {state: "vanished", at};
  if (order.leave) control.left[order.leave] = {state: order.as, at};
  if (order.slow) control.slow[order.slow] = at;
  if (order.fail) control.fail[order.fail] = at;
  if (order.heal) for (const kind of ["left", "slow", "fail"]) delete control[kind][order.heal];
  if (order.gaps) control.gaps = order.gaps;
  if (order.events) control.events = order.events;
  if ("journeys" in order) control.journeys = order.journeys;
}

http.createServer((request, response) => {
  const url = new URL(request.url, "http://collector");
  const chunks = [];
  request.on("data", (chunk) => chunks.push(chunk));
  request.on("end", () => {
    const body = Buffer.concat(chunks).toString();
    const json = (value) => response.end(JSON.stringify(value));
    if (url.pathname === "/control") {
      steer(JSON.parse(body));
      return json(machines.map((machine) => machine.id));
    }
    if (control.hang) return undefined;
    if (request.headers.authorization !== `Bearer ${secret}`) {
      response.statusCode = 401;
      return response.end();
    }
    if (request.method === "PUT") {
      snapshot = JSON.parse(body);
      response.statusCode = 204;
      return response.end();
    }
    if (url.pathname.endsWith("/overview")) return json(overview(Date.now()));
    if (url.pathname.endsWith("/journeys")) {
      const told = journeys();
      response.statusCode = told === null ? 404 : 200;
      return told === null ? response.end() : json(told);
    }
    if (url.pathname.endsWith("/snapshot")) return json(snapshot);
    if (url.pathname.endsWith("/findings")) return json({findings: findings()});
    const [machine, from] = [url.searchParams.get("machine"), Number(url.searchParams.get("from"))];
    const past = (list, time) => list.filter((item) => item.machine === machine && item[time] >= from);
    if (url.pathname.endsWith("/gaps")) return json({gaps: past(control.gaps, "to_ms")});
    if (url.pathname.endsWith("/events")) return json({events: past(control.events, "time_ms")});
    return response.end(columns(url));
  });
}).listen(Number(port), "127.0.0.1");
