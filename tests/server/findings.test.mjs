// What the list of findings says, with a document that only keeps what is put into it.
import assert from "node:assert/strict";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import {test} from "node:test";
import {fileURLToPath, pathToFileURL} from "node:url";

const web = fileURLToPath(new URL("../../server/web", import.meta.url));
const home = fs.mkdtempSync(path.join(os.tmpdir(), "haidang-findings-"));
process.on("exit", () => fs.rmSync(home, {recursive: true, force: true}));
for (const name of fs.readdirSync(web).filter((file) => file.endsWith(".js"))) {
  fs.copyFileSync(path.join(web, name), path.join(home, name));
}
fs.writeFileSync(path.join(home, "package.json"), '{"type": "module"}'); // as in a browser

class Part {
  constructor() {
    this.children = [];
    this.attributes = {};
    this.classList = {toggle() {}};
  }
  get childElementCount() {
    return this.children.length;
  }
  setAttribute(name, value) {
    this.attributes[name] = value;
  }
  append(...children) {
    this.children.push(...children);
  }
  replaceChildren(...children) {
    this.children = children;
  }
  isEqualNode(other) {
    return this === other;
  }
  find(field) {
    if (this.attributes["data-field"] === field) return this;
    return this.children.map((child) => child.find?.(field)).find(Boolean);
  }
}
globalThis.document = {createElement: () => new Part(), createElementNS: () => new Part()};
globalThis.IntersectionObserver = class {};
globalThis.fetch = async (where) => {
  const text = fs.readFileSync(path.join(web, where), "utf8");
  return {ok: true, json: async () => JSON.parse(text)};
};

const load = (name) => import(pathToFileURL(path.join(home, name)));
const format = await load("format.js");
await format.loadLanguage("vi");
const {renderFindings} = await load("findings.js");

const now = Date.UTC(2026, 0, 5, 1, 0, 0);
const finding = {
  kind: "probe_failed", machine: "m", site: "06652", site_name: "Hồng Gai", journey: "mot-cua", step: "nop",
  opened_ms: now - 60000, numbers: {for_seconds: 0}, words: {reason: "timeout"},
};

function evidence(probe) {
  const list = new Part();
  const machines = [{machine: "m", state: "online", probes: probe ? [{journey: "mot-cua", step: "nop", ...probe}] : []}];
  renderFindings(list, new Part(), {machines, findings: [finding]}, false, now);
  return list.find("evidence").children.join("");
}

test("a failed probe's evidence has the reason of the latest check", () => {
  assert.match(evidence({success: false, reason: "refused"}), /máy chủ từ chối kết nối/);
});

test("where no failure is known now, it has the reason it was opened with", () => {
  for (const probe of [null, {success: null, reason: ""}, {success: true, reason: ""}, {success: false, reason: ""}]) {
    assert.match(evidence(probe), /quá thời gian chờ phản hồi/, JSON.stringify(probe));
  }
});

test("a check's evidence is its state and what the plug-in says", () => {
  const list = new Part();
  const check = {...finding, kind: "check_failed", journey: "", step: "backup", words: {state: "critical", output: "3 ngày chưa sao lưu"}};
  renderFindings(list, new Part(), {machines: [], findings: [check]}, false, now);
  assert.match(list.find("evidence").children.join(""), /nghiêm trọng.*3 ngày chưa sao lưu/);
});

function shown(words, more = {}) {
  const list = new Part();
  renderFindings(list, new Part(), {machines: [], findings: [{...finding, ...more, words: {...finding.words, ...words}}]}, false, now);
  return (field) => list.find(field)?.children.join("");
}

test("where the cause lies and how sure that is stands with a finding that was judged, in the reader's language", async () => {
  const words = {verdict: "system", certainty: "likely", summary_vi: "Đăng nhập mất 6,8 giây.", summary_en: "Sign-in takes 6.8 s."};
  assert.equal(shown(words)("cause"), "Nguyên nhân ở: hệ thống một cửa – nhiều khả năng");
  assert.equal(shown(words)("summary"), "Đăng nhập mất 6,8 giây.");
  assert.equal(shown({verdict: "unknown", certainty: "unknown"})("cause"), "Nguyên nhân ở đâu: chưa xác định được");
  assert.equal(shown({verdict: "tomorrows", certainty: "certain"})("cause"), "Nguyên nhân ở: tomorrows – chắc chắn");
  assert.equal(shown({})("cause"), undefined);
  await format.loadLanguage("en");
  assert.equal(shown(words)("cause"), "The cause lies in: the one-stop system – likely");
  assert.equal(shown(words)("summary"), "Sign-in takes 6.8 s.");
  assert.equal(shown({...words, summary_en: ""})("summary"), "Đăng nhập mất 6,8 giây.");
  await format.loadLanguage("vi");
});

test("an objective whose budget burns says so, with its numbers where they are told", () => {
  assert.equal(shown({}, {kind: "objective_burning"})("evidence"), "Không đạt mục tiêu nhiều hơn mức cho phép, trong 1 phút");
  assert.equal(shown({}, {kind: "objective_burning", numbers: {for_seconds: 0, burn_rate: 14.9, budget_left_ratio: -0.38}})("evidence"),
    "Không đạt mục tiêu nhiều hơn mức cho phép, trong 1 phút; tốc độ dùng hạn mức lỗi ×14,9; đã vượt 38%");
});
