// Journeys of a made-up province, as the collector tells them (core/query_journeys.h).
const share = {resolve: 0.01, connect: 0.02, tls: 0.05, processing: 0.8, transfer: 0.08, redirect: 0.04};
export const steps = [["mo-trang", 0.4], ["dang-nhap", 1.1], ["tra-cuu", 0.8], ["mo-ho-so", 0.6], ["tra-cuu-dan-cu", 1.4]];

// The same number for the same text, in [0, 1).
function noise(text) {
  let hash = 2166136261;
  for (const c of text) hash = Math.imul(hash ^ c.codePointAt(0), 16777619) >>> 0;
  hash = Math.imul(hash ^ (hash >>> 15), 2246822519) >>> 0;
  return ((hash ^ (hash >>> 13)) >>> 0) / 4294967296;
}

const split = (seconds) => Object.fromEntries(Object.entries(share).map(([name, part]) => [name, seconds * part]));

function run(place, step, usual, now, beat) {
  const usualSeconds = usual * (0.8 + 0.4 * noise(place.site + step));
  const seconds = usualSeconds * (0.9 + 0.2 * noise(place.site + step + beat));
  return {site: place.site, site_name: place.site_name, machine: place.machine, success: true, seconds,
    usual_seconds: usualSeconds, phases: split(seconds), usual_phases: split(usualSeconds), reason: "", address: "10.22.0.5",
    slow: false, at_ms: now - Math.round(50000 * noise(place.site + step))};
}

// Everything as it should be at `places` ({site, site_name, machine}); another `beat` gives other times.
export function calmJourneys(places, now = Date.now(), beat = "") {
  return {
    now_ms: now,
    steps: steps.map(([step, usual]) => ({journey: "mot-cua", step, depends_on: step === "tra-cuu-dan-cu" ? ["national-population-db"] : [],
      sites: places.map((place) => run(place, step, usual, now, beat))})),
    troubles: [],
    leases: places.map((place) => ({journey: "mot-cua", site: place.site, machine: place.machine, interval_seconds: 60})),
    loads: [{journey: "mot-cua", requests_per_second: 5 * places.length / 60, allowed_per_second: Math.max(5, places.length / 10)}],
    objectives: [
      {journey: "mot-cua", step: "tra-cuu", kind: "latency", target: 0.95, seconds: 3, good_ratio: 0.9821, budget_left_ratio: 0.64,
        burn: [["5m", 0.2], ["30m", 0.3], ["1h", 0.3], ["6h", 0.4], ["3d", 0.36], ["30d", 0.36]].map(([window, rate]) => ({window, rate})), alarm: ""},
      {journey: "mot-cua", step: "", kind: "availability", target: 0.995, good_ratio: 0.99996, budget_left_ratio: 0.99,
        burn: [{window: "1h", rate: 0}, {window: "30d", rate: 0.01}], alarm: ""},
    ],
  };
}

// The same, with sign-in slow at the first `count` places: the system's own answer, its database's disk.
export function slowJourneys(places, count, now = Date.now(), beat = "") {
  const answer = calmJourneys(places, now, beat);
  const step = answer.steps.find((at) => at.step === "dang-nhap");
  for (const at of step.sites.slice(0, count)) {
    const extra = 5 + 2 * noise(at.site + beat);
    Object.assign(at, {slow: true, seconds: at.seconds + extra, phases: {...at.phases, processing: at.phases.processing + extra}});
  }
  const sentence = (vi, en) => ({vi, en});
  answer.troubles.push({journey: "mot-cua", step: "dang-nhap", failing: false, reason: "", since_ms: now - 63 * 60e3,
    sites: places.slice(0, count).map((place) => place.site), sites_measured: places.length, seconds: 6.8, usual_seconds: 1.1,
    verdict: {culprit: "system", certainty: "likely", name: "ps-db1",
      summary: sentence(`Đăng nhập mất 6,8 giây thay vì 1,1 giây tại ${count}/${places.length} điểm; thời gian mất ở chính hệ thống một cửa, khi ổ đĩa của máy chủ cơ sở dữ liệu ps-db1 quá tải.`,
        `Sign-in takes 6.8 s instead of 1.1 s in ${count} of ${places.length} sites; the time is spent waiting for the one-stop system's own answer while the disk of its database server ps-db1 is saturated.`),
      evidence: [
        sentence("Phân giải tên miền 4 ms, kết nối 9 ms, như thường lệ.", "DNS 4 ms, connect 9 ms as usual."),
        sentence("Byte đầu tiên sau 6,4 giây, thường 0,8 giây.", "First byte after 6.4 s, usually 0.8 s."),
        sentence(`Như nhau tại ${count}/${places.length} điểm.`, `The same at ${count} of ${places.length} sites.`),
        sentence("Ổ đĩa của ps-db1 bận 98 %.", "Disk of ps-db1 98 % busy."),
      ]}});
  Object.assign(answer.objectives[0], {good_ratio: 0.9312, budget_left_ratio: -0.38, alarm: "page",
    burn: [["5m", 16.2], ["30m", 15.1], ["1h", 14.9], ["6h", 4.2], ["3d", 1.9], ["30d", 1.38]].map(([window, rate]) => ({window, rate}))});
  return answer;
}

// Sign-in slow at most places, and at the last `count` ones nothing is reached: their link is down.
export function troubledJourneys(places, count, now = Date.now()) {
  const cut = places.slice(-count);
  const answer = slowJourneys(places, places.length - 2 * count, now);
  const known = new Set(cut.map((place) => place.site));
  for (const [i, step] of answer.steps.entries()) {
    for (const at of step.sites.filter((run) => known.has(run.site))) {
      const failed = {success: false, seconds: 10, reason: "connect_timeout", phases: {resolve: 0.004, connect: 9.996}, slow: false};
      if (i === 0) Object.assign(at, failed);
      else for (const name of ["success", "seconds"]) delete at[name];
      if (i > 0) at.phases = {};
    }
  }
  answer.troubles.push({journey: "mot-cua", step: "mo-trang", failing: true, reason: "connect_timeout", since_ms: now - 8 * 60e3,
    sites: [...known], sites_measured: places.length,
    verdict: {culprit: "link", certainty: "certain", name: "", summary: {
      vi: `Không mở được trang một cửa tại ${count} điểm; đường truyền từ các điểm này về tỉnh bị đứt.`,
      en: `The one-stop page cannot be opened at ${count} sites; their link to the province is broken.`},
    evidence: [{vi: "Cổng mạng của điểm trả lời sau 1 ms, không mất gói.", en: "The site's gateway answers within 1 ms, nothing lost."},
      {vi: "Máy chủ trung tâm tỉnh không trả lời: mất 100 % số gói.", en: "The province's hub does not answer: 100 % of packets lost."}]}});
  answer.troubles.push({journey: "mot-cua", step: "tra-cuu-dan-cu", failing: false, reason: "", since_ms: now - 3 * 60e3,
    sites: places.slice(0, 3).map((place) => place.site), sites_measured: places.length - count, seconds: 2.9, usual_seconds: 1.4,
    verdict: {culprit: "unknown", certainty: "unknown", name: "", summary: {
      vi: "Tra cứu dân cư mất 2,9 giây thay vì 1,4 giây tại 3 điểm.", en: "The population look-up takes 2.9 s instead of 1.4 s at 3 sites."},
    evidence: [{vi: "Chưa đủ số liệu đo của các điểm lân cận.", en: "The neighbours have not measured enough yet."}]}});
  for (const lease of answer.leases.filter((at) => known.has(at.site)).slice(0, 2)) lease.machine = "";
  Object.assign(answer.objectives[1], {good_ratio: 0.9956, budget_left_ratio: 0.12, alarm: "ticket",
    burn: [["5m", 14.8], ["30m", 3.9], ["1h", 2.2], ["6h", 1.3], ["3d", 1.1], ["30d", 0.88]].map(([window, rate]) => ({window, rate}))});
  return answer;
}
