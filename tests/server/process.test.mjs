// The program itself: how it begins, refuses and ends.
import assert from "node:assert/strict";
import {spawn} from "node:child_process";
import fs from "node:fs";
import http from "node:http";
import net from "node:net";
import os from "node:os";
import path from "node:path";
import {once} from "node:events";
import {test} from "node:test";

const program = process.env.HAIDANG_SERVER;
const home = fs.mkdtempSync(path.join(os.tmpdir(), "haidang-server-"));
process.on("exit", () => fs.rmSync(home, {recursive: true, force: true}));

const secret = path.join(home, "secret");
fs.writeFileSync(secret, "0123456789abcdef\n", {mode: 0o640});

function config(name, {listen = "127.0.0.1:0", state = path.join(home, name), extra = ""} = {}) {
  const file = path.join(home, `${name}.toml`);
  fs.writeFileSync(file, `[server]\nlisten = "${listen}"\n[collector]\nurl = "http://127.0.0.1:1"\n` +
    `secret_file = "${secret}"\n[state]\ndirectory = "${state}"\n${extra}`);
  return file;
}

function start(...args) {
  const child = spawn(program, args, {stdio: ["ignore", "pipe", "pipe"]});
  const run = {child, output: "", ended: once(child, "exit")};
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (data) => {
      run.output += data;
      child.emit("said");
    });
  }
  return run;
}

async function listening(run) {
  while (true) {
    const found = run.output.match(/listens on http:\/\/127\.0\.0\.1:(\d+)/);
    if (found) return Number(found[1]);
    await Promise.race([once(run.child, "said"), run.ended.then(() => assert.fail(run.output))]);
  }
}

const badConfig = 1;
const badUsage = 2;
const cannotRun = 3;

async function refused(file, pattern, expected = cannotRun) {
  const run = start("--config", file);
  const [code] = await run.ended;
  assert.equal(code, expected, run.output);
  assert.match(run.output, pattern);
}

test("SIGTERM ends it in order within two seconds, streams open, the collector absent", async () => {
  const run = start("--config", config("term"));
  const port = await listening(run);
  const stream = http.get({port, host: "127.0.0.1", path: "/api/v1/stream"});
  stream.on("error", () => {});
  const [answer] = await once(stream, "response");
  answer.on("error", () => {});
  await once(answer, "data");
  const began = Date.now();
  run.child.kill("SIGTERM");
  const [code] = await run.ended;
  assert.equal(code, 0, run.output);
  assert.ok(Date.now() - began < 2000, `took ${Date.now() - began} ms`);
});

test("without a collector it is alive, not ready, and says so once", async () => {
  const run = start("--config", config("alone"));
  const port = await listening(run);
  const status = async (where) => (await fetch(`http://127.0.0.1:${port}${where}`)).status;
  assert.equal(await status("/healthz"), 200);
  assert.equal(await status("/readyz"), 503);
  assert.equal(await status("/"), 200);
  for (let asked = 0; asked < 3;) {
    const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
    asked = Number(text.match(/^haidang_server_collector_failures_total (\d+)/m)[1]);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  run.child.kill("SIGTERM");
  await run.ended;
  assert.equal(run.output.match(/no answer/g).length, 1, run.output);
});

test("a port that is taken is told", async () => {
  const other = net.createServer().listen(0, "127.0.0.1");
  await once(other, "listening");
  await refused(config("taken", {listen: `127.0.0.1:${other.address().port}`}), /another program has the port/);
  other.close();
});

test("a state directory that cannot be made or written to is told, checked or started", async () => {
  const file = path.join(home, "a-file");
  fs.writeFileSync(file, "");
  const readOnly = "/proc/haidang";
  for (const [name, state] of [["nowhere", readOnly], ["file", file]]) {
    const written = config(name, {state});
    await refused(written, new RegExp(`${name}\\.toml:\\d+: state\\.directory: ${state}: .*; allowed: `), badConfig);
    const check = start("--check-config", "--config", written);
    assert.equal((await check.ended)[0], badConfig, check.output);
  }
});

test("SIGTERM at any moment of the start ends it with 0", async () => {
  const file = config("early");
  for (let wait = 0; wait < 60; wait += 4) {
    const run = start("--config", file);
    await new Promise((resolve) => setTimeout(resolve, 5 + wait));
    const began = Date.now();
    run.child.kill("SIGTERM");
    const [code, signal] = await run.ended;
    assert.ok(code === 0 || (signal === "SIGTERM" && run.output === ""), `${code} ${signal} ${run.output}`);
    assert.ok(Date.now() - began < 1500, `took ${Date.now() - began} ms`);
  }
});

test("wrong configuration is told with file, line and key; --check-config starts nothing", async () => {
  await refused(config("wrong", {extra: "[server2]\n"}), /wrong\.toml:\d+: .*server2/, badConfig);
  const places = path.join(home, "places.csv");
  fs.writeFileSync(places, "code,name,level,parent_code\n1,A,p,9\n");
  await refused(config("places", {extra: `[sites]\nfile = "${places}"\n`}), /places\.csv: .*parent "9"/, badConfig);
  fs.chmodSync(secret, 0o644);
  await refused(config("open"), /chmod 0640/, badConfig);
  fs.chmodSync(secret, 0o640);
  const right = config("right");
  const run = start("--check-config", "--config", right);
  const [code] = await run.ended;
  assert.equal(code, 0, run.output);
  assert.equal(run.output, `${right}: ok\n`);
  assert.ok(!fs.existsSync(path.join(home, "right")));
});

test("wrong usage has an exit code of its own", async () => {
  const run = start("--strange");
  const [code] = await run.ended;
  assert.equal(code, badUsage, run.output);
  assert.match(run.output, /--strange/);
  for (const both of [["--version", "--check-config"], ["--check-config", "--version"]]) {
    const refusal = start(...both);
    assert.equal((await refusal.ended)[0], badUsage, refusal.output);
    assert.match(refusal.output, /--version excludes --check-config/);
  }
  const told = start("--version");
  assert.equal((await told.ended)[0], 0, told.output);
  assert.match(told.output, /^haidang-server \d\S*\n$/);
});

test("a second server on one state directory is refused; once the first has ended it may", async () => {
  const file = config("shared");
  const first = start("--config", file);
  await listening(first);
  await refused(file, /another haidang-server uses this directory/);
  first.child.kill("SIGTERM");
  await first.ended;
  const second = start("--config", file);
  await listening(second);
  second.child.kill("SIGTERM");
  assert.equal((await second.ended)[0], 0, second.output);
});

test("--version tells the version", async () => {
  const run = start("--version");
  const [code] = await run.ended;
  assert.equal(code, 0);
  assert.match(run.output, /^haidang-server \d+\.\d+\.\d+\n$/);
});
