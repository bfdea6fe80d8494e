// Words, numbers and times in the reader's language. Every text comes from /i18n/<language>.json.

const timeZone = "Asia/Ho_Chi_Minh";
const languages = ["vi", "en"];
const locales = {vi: "vi-VN", en: "en-GB"};

let language = "vi";
let words = {};
let pieces = new Map(); // key → its text, cut at its {places}: what stands between them, and their names in turn
let formats = {};

function remembered() {
  const asked = new URLSearchParams(location.search).get("lang");
  if (languages.includes(asked)) return asked;
  try {
    const stored = localStorage.getItem("haidang.lang");
    return languages.includes(stored) ? stored : "vi";
  } catch {
    return "vi"; // storage is forbidden: Vietnamese each time
  }
}

function makeFormats(locale) {
  const clock = {hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23", timeZone};
  const day = {day: "2-digit", month: "2-digit", year: "numeric", timeZone};
  const number = (most, least = 0) =>
    new Intl.NumberFormat(locale, {minimumFractionDigits: least, maximumFractionDigits: most});
  return {
    clock: new Intl.DateTimeFormat(locale, clock),
    minute: new Intl.DateTimeFormat(locale, {...clock, second: undefined}),
    day: new Intl.DateTimeFormat(locale, day),
    whole: number(0),
    one: number(1),
    two: number(2),
    load: number(2, 2),
    percent: new Intl.NumberFormat(locale, {style: "percent", maximumFractionDigits: 0}),
    share: new Intl.NumberFormat(locale, {style: "percent", maximumFractionDigits: 1}),
    kept: new Intl.NumberFormat(locale, {style: "percent", maximumFractionDigits: 2}),
  };
}

export async function loadLanguage(wanted = remembered()) {
  const response = await fetch(`/i18n/${wanted}.json`);
  if (!response.ok) throw new Error(`/i18n/${wanted}.json: ${response.status}`);
  words = await response.json();
  pieces = new Map();
  language = wanted;
  formats = makeFormats(locales[language]);
}

export async function switchLanguage() {
  await loadLanguage(language === "vi" ? "en" : "vi");
  try {
    localStorage.setItem("haidang.lang", language);
  } catch {
    // Not remembered where storage is forbidden.
  }
  const url = new URL(location.href);
  if (url.searchParams.has("lang")) {
    url.searchParams.set("lang", language);
    history.replaceState(null, "", url);
  }
}

export const currentLanguage = () => language;
export const has = (key) => key in words;

// The text of `key`, its {places} filled; the key itself where it is missing (a test forbids that).
export function text(key, places = {}) {
  if (!pieces.has(key)) pieces.set(key, (words[key] ?? key).split(/\{(\w+)\}/));
  return pieces.get(key).map((piece, i) => (i % 2 === 0 ? piece : places[piece] ?? `{${piece}}`)).join("");
}

export const count = (value) => formats.whole.format(value);
export const percent = (ratio) => formats.percent.format(ratio);
export const share = (ratio) => formats.share.format(ratio);
// Never rounded up: 0.99996 is "99.99 %", as it is not all.
export const kept = (ratio) => formats.kept.format(Math.floor(ratio * 1e4 + 1e-6) / 1e4);
// 0.043 → "0,04", 4.23 → "4,2".
export const number = (value) => (Math.abs(value) < 1 ? formats.two : Math.abs(value) < 100 ? formats.one : formats.whole).format(value);
export const day = (ms) => formats.day.format(ms);
export const load = (value) => formats.load.format(value);

// 0.043 → "43 ms", 0.52 → "0,52 giây", 4.2 → "4,2 giây".
export function seconds(value) {
  if (value < 0.1) return text("value.milliseconds", {milliseconds: formats.whole.format(value * 1000)});
  const format = value < 1 ? formats.two : value < 100 ? formats.one : formats.whole;
  return text("value.seconds", {seconds: format.format(value)});
}

// The time of day; with the day where that is not today's (by `now`, ms).
export function time(ms, now, precise = true) {
  const clock = (precise ? formats.clock : formats.minute).format(ms);
  return day(ms) === day(now) ? clock : `${clock} ${day(ms)}`;
}

// How long something lasts, in its two largest units.
export function length(ms) {
  const whole = Math.max(0, Math.floor(ms / 1000));
  const days = Math.floor(whole / 86400);
  const hours = Math.floor((whole % 86400) / 3600);
  const minutes = Math.floor((whole % 3600) / 60);
  if (days > 0) return text("length.days", {days: count(days), hours});
  if (hours > 0) return text("length.hours", {hours, minutes});
  if (minutes > 0) return text("length.minutes", {minutes});
  return text("length.seconds", {seconds: whole});
}

// Vietnamese letters without their marks, lower case: for searching as people type.
export function folded(value) {
  return value.normalize("NFD").replace(/\p{M}/gu, "").replace(/đ/g, "d").replace(/Đ/g, "d").toLowerCase();
}
