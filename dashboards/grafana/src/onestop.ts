// Hệ thống một cửa: journeys × steps: how fast, where the time goes, who is concerned, what was promised.
import { notes, ofRow, page, toJourney, toSite } from './page';
import { bad, columns, good, heat, lines, number, rows, stateLines, warn } from './panels';

const place = 'site=~"$site"';
const here = `journey=~"$journey",step=~"$step",${place}`;
const walked = `journey=~"$journey",${place}`;
// An objective of a whole journey has no step.
const promised = 'journey=~"$journey",step=~"$step|"';
const quantile = (q: number, by: string) =>
  `histogram_quantile(${q}, sum by (le, ${by}) (rate(haidang_probe_latency_seconds_bucket{${here}}[$window])))`;
const runs = (by: string) => `sum by (${by}) (increase(haidang_probe_runs_total{${here}}[$window]))`;
const failed = (by: string) => `sum by (${by}) (increase(haidang_probe_failures_total{${here}}[$window]))`;
const siteFails = `max by (journey, step, site, site_name) (probe_success{${here}}) == bool 0`;
const phases: [string, string, string][] = [
  ['redirect', 'chuyển hướng', 'purple'], ['resolve', 'tên miền', 'blue'], ['connect', 'kết nối', 'yellow'], ['tls', 'mã hóa', 'orange'],
  ['processing', 'máy chủ xử lý', 'red'], ['transfer', 'truyền dữ liệu', 'green'],
];
const phaseColours = phases.map(([, name, colour]) => ({ of: name, colour }));
const none = 'Chưa có hành trình nào / no journey is walked';

const overview = [
  number({
    title: 'Lần đi thành công', text: 'Phần số lần đi các bước thành công, trên cửa sổ đã chọn.',
    english: 'Success: share of steps\' runs that succeeded, over the window.',
    unit: 'percentunit', decimals: 1, width: 4, steps: [[null, bad], [0.95, warn], [0.99, good]], none: '–',
    queries: [{ expr: `1 - sum(increase(haidang_probe_failures_total{${here}}[$window])) / (sum(increase(haidang_probe_runs_total{${here}}[$window])) > 0)` }],
  }),
  number({
    title: 'Phản hồi p95', text: 'Của mọi bước đã chọn, trên cửa sổ đã chọn.',
    english: 'Response p95 of all chosen steps, over the window.', unit: 's',
    decimals: 2, width: 4, steps: [[null, good], [3, warn], [10, bad]], none: '–',
    queries: [{ expr: `histogram_quantile(0.95, sum by (le) (rate(haidang_probe_latency_seconds_bucket{${here}}[$window])))` }],
  }),
  number({
    title: 'Điểm đang hỏng', text: 'Số điểm có ít nhất một bước hỏng ở mọi máy đi bước đó.',
    english: 'Sites failing: with a step that fails on all machines that walk it.',
    unit: 'none', width: 4, steps: [[null, good], [1, warn], [2, bad]],
    queries: [{ expr: `sum(max by (site) (${siteFails})) or vector(0)` }],
  }),
  number({
    title: 'Phần điểm đang hỏng',
    text: 'Một điểm trong nhiều điểm: do điểm đó. Nhiều điểm cùng lúc: do hệ thống hoặc đường truyền chung.',
    english: 'Share of sites failing: one among many is the site itself; many at once are the system or a link that they share.',
    unit: 'percentunit',
    decimals: 0, width: 4, steps: [[null, good], [0.1, warn], [0.3, bad]],
    queries: [{ expr: `avg(max by (site) (${siteFails})) or vector(0)` }],
  }),
  number({
    title: 'Hạn mức lỗi còn lại', text: 'Của mục tiêu còn ít nhất, trên 30 ngày giờ hành chính. Âm: đã vượt.',
    english: 'Error budget left of the tightest objective, over 30 days of working time.',
    unit: 'percentunit', decimals: 0, width: 4, steps: [[null, bad], [0, warn], [0.25, good]], none: 'Chưa có mục tiêu',
    queries: [{ expr: `min(haidang_objective_budget_left_ratio{${promised}})` }],
  }),
  number({
    title: 'Chứng thư của hệ thống', text: 'Thời gian còn lại đến khi chứng thư đầu tiên hết hạn.',
    english: 'Certificate: time until the first one expires.', unit: 's',
    width: 4, steps: [[null, bad], [7 * 86400, warn], [21 * 86400, good]],
    none: '–', queries: [{ expr: `min(probe_ssl_earliest_cert_expiry{${here}}) - time()` }],
  }),
];

const table = [
  rows({
    title: 'Hành trình × bước', text: 'Mỗi bước một dòng, trên cửa sổ đã chọn.',
    english: 'Journeys × steps: a row each, over the window.', unit: 's', width: 24,
    height: 9, none,
    overrides: [
      { of: 'Hành trình', links: [toJourney(ofRow('journey'))] },
      { of: '/^(Số lần|Lần hỏng|Điểm hỏng)$/', unit: 'none', decimals: 0 },
      { of: 'Điểm hỏng', coloured: true, steps: [[null, 'transparent'], [1, warn], [2, bad]] },
      { of: 'Tỷ lệ hỏng', unit: 'percentunit', decimals: 1, coloured: true, steps: [[null, 'transparent'], [0.01, warn], [0.05, bad]] },
      { of: '/^p/', decimals: 2, coloured: true, steps: [[null, 'transparent'], [3, warn], [10, bad]] },
    ],
    queries: [
      { expr: runs('journey, step') }, { expr: failed('journey, step') }, { expr: `${failed('journey, step')} / (${runs('journey, step')} > 0)` },
      { expr: quantile(0.5, 'journey, step') }, { expr: quantile(0.95, 'journey, step') }, { expr: quantile(0.99, 'journey, step') },
      { expr: `sum by (journey, step) (${siteFails})` },
    ],
  }, { journey: 'Hành trình', step: 'Bước', A: 'Số lần', B: 'Lần hỏng', C: 'Tỷ lệ hỏng', D: 'p50', E: 'p95', F: 'p99', G: 'Điểm hỏng' }),
];

const speed = [
  lines({
    title: 'Phản hồi p95 từng bước', text: '95 % số lần nhanh hơn ngần này.',
    english: 'Response p95 by step: 95 % of the runs take less.', unit: 's', min: 0,
    width: 12, none, steps: [[null, good], [3, warn]],
    queries: [{ expr: quantile(0.95, 'journey, step'), legend: '{{journey}} {{step}}' }],
  }, { table: true, limits: true }),
  lines({
    title: 'Phân vị của các bước đã chọn', text: 'p50, p95, p99 gộp từ phân bố của mọi máy.',
    english: 'Quantiles: merged from all machines\' histograms.', unit: 's',
    min: 0, width: 12, none,
    queries: [0.5, 0.95, 0.99].map((q) => ({ expr: quantile(q, 'journey'), legend: `{{journey}} p${q * 100}` })),
  }, { table: true }),
  heat({
    title: 'Phân bố thời gian phản hồi', text: 'Mỗi cột một khoảng thời gian; càng đậm càng nhiều lần đi lâu ngần ấy.',
    english: 'Distribution of response times: the darker, the more runs took so long.', unit: 's', width: 12, none,
    queries: [{ expr: `sum by (le) (increase(haidang_probe_latency_seconds_bucket{${here}}[$window]))`, legend: '{{le}}' }],
  }),
  lines({
    title: 'Điểm chậm nhất', text: 'Phản hồi p95 của mười điểm chậm nhất ở từng thời điểm.',
    english: 'Slowest sites: p95 of the ten slowest of each moment.', unit: 's',
    min: 0, width: 12, none,
    links: [toSite()], queries: [{ expr: `topk(10, ${quantile(0.95, 'site, site_name')})`, legend: '{{site_name}}' }],
  }, { points: true }),
];

const where = [
  lines({
    title: 'Các giai đoạn, cộng dồn',
    text: 'Trung bình mọi bước và máy đã chọn. Máy chủ xử lý lâu: do hệ thống; kết nối, tên miền, mã hóa lâu: do mạng.',
    english: 'Phases, stacked: mean over the chosen steps and machines. Long processing is the system; long connect, resolve or tls the network.',
    unit: 's', min: 0, width: 12, none, overrides: phaseColours,
    queries: phases.map(([phase, legend]) => ({ expr: `avg(probe_http_duration_seconds{phase="${phase}",${here}})`, legend })),
  }, { stacked: true }),
  columns({
    title: 'Các giai đoạn theo bước', text: 'Trung bình lúc này của mỗi bước.',
    english: 'Phases by step: the mean now.', unit: 's', min: 0, width: 12, none,
    overrides: phases.map(([phase, , colour]) => ({ of: phase, colour })),
    queries: [{ expr: `avg by (step, phase) (probe_http_duration_seconds{${here}})` }],
  }, 'step', 'phase'),
  stateLines({
    title: 'Bước nào hỏng', text: 'Mức hỏng của từng bước trên các điểm.',
    english: 'Which step fails, and at how many of the sites.', unit: 'percentunit', width: 12, none,
    decimals: 0, steps: [[null, good], [0.001, warn], [0.3, bad]],
    queries: [{ expr: `avg by (journey, step) (${siteFails})`, legend: '{{journey}} {{step}}' }],
  }),
  lines({
    title: 'Phát hiện đang mở theo loại',
    text: 'probe_failed: bước hỏng; response_slow: bước chậm; objective_burning: hạn mức đang cạn. Do đâu và chắc đến mức nào: trang Hải Đăng (liên kết ở đầu trang).',
    english: 'Open findings by kind. Whose fault it is and how sure that is (verdicts) stands on Hải Đăng\'s own page, linked at the top: it is text, which Prometheus cannot hold.',
    unit: 'none', min: 0, width: 12,
    queries: [{ expr: 'max by (kind) (haidang_collector_open_findings)', legend: '{{kind}}' }],
  }),
  rows({
    title: 'Điểm × bước đang hỏng hoặc chậm',
    text: 'Lần đi gần nhất của từng điểm: thành công không, bao lâu, mã HTTP. Xếp theo thời gian để thấy điểm nào khác các điểm còn lại.',
    english: 'Sites × steps: the last run: did it succeed, how long did it take, which HTTP status.',
    unit: 's', width: 24, height: 10, none,
    overrides: [
      { of: 'Điểm', links: [toSite(ofRow('site'))] },
      { of: 'Kết quả', unit: 'none', coloured: true, texts: { 0: ['hỏng', bad], 1: ['tốt', good] } },
      { of: 'HTTP', unit: 'none', decimals: 0 },
      { of: 'Thời gian', decimals: 2, coloured: true, steps: [[null, 'transparent'], [3, warn], [10, bad]] },
    ],
    queries: [
      { expr: `max by (journey, step, site, site_name) (probe_success{${here}})` },
      { expr: `min by (journey, step, site, site_name) (probe_duration_seconds{${here}})` },
      { expr: `max by (journey, step, site, site_name) (probe_http_status_code{${here}})` },
    ],
  }, { site_name: 'Điểm', site: 'Mã', journey: 'Hành trình', step: 'Bước', A: 'Kết quả', B: 'Thời gian', C: 'HTTP' }),
];

const noPromise = 'Chưa đặt mục tiêu ([[objective]]) / no objective is set';
const promises = [
  rows({
    title: 'Mục tiêu', text: 'Trên 30 ngày, chỉ tính giờ hành chính. latency: đủ nhanh; availability: thành công.',
    english: 'Objectives: over 30 days of working time. latency: fast enough; availability: succeeded.',
    unit: 'percentunit', width: 12, height: 9,
    decimals: 2, none: noPromise,
    overrides: [
      { of: 'Còn lại', decimals: 0, coloured: true, steps: [[null, bad], [0, warn], [0.25, good]] },
      { of: 'Báo động', unit: 'none', decimals: 0, coloured: true, texts: { 0: ['không', good], 1: ['cạn dần', warn], 2: ['cạn nhanh', bad], 3: ['cạn nhanh', bad] } },
    ],
    queries: [
      { expr: `max by (journey, step, objective) (haidang_objective_target_ratio{${promised}})` },
      { expr: `min by (journey, step, objective) (haidang_objective_good_ratio{${promised}})` },
      { expr: `min by (journey, step, objective) (haidang_objective_budget_left_ratio{${promised}})` },
      {
        expr: `max by (journey, step, objective) (haidang_objective_alarm{alarm="ticket",${promised}})`
          + ` + 2 * max by (journey, step, objective) (haidang_objective_alarm{alarm="page",${promised}})`,
      },
    ],
  }, { journey: 'Hành trình', step: 'Bước', objective: 'Loại', A: 'Mục tiêu', B: 'Đạt', C: 'Còn lại', D: 'Báo động' }),
  lines({
    title: 'Tốc độ dùng hạn mức lỗi',
    text: 'Bằng 1: vừa hết sau 30 ngày. Báo gấp khi cả 1h và 5m trên 14,4, hoặc cả 6h và 30m trên 6.',
    english: 'Burn rate: 1 uses the budget up in just 30 days. Page where 1h and 5m are above 14.4, or 6h and 30m above 6.',
    unit: 'none', min: 0, width: 12,
    height: 9, none: noPromise, steps: [[null, good], [1, warn], [6, 'red'], [14.4, 'dark-red']],
    queries: [{ expr: `max by (journey, step, objective, window) (haidang_objective_burn_rate{${promised}})`, legend: '{{journey}} {{step}} {{objective}} {{window}}' }],
  }, { limits: true, table: true }),
  lines({
    title: 'Hạn mức lỗi còn lại', text: 'Phần còn lại của hạn mức lỗi. Dưới 0: đã vượt.',
    english: 'Error budget left; below 0 it is overdrawn.', unit: 'percentunit', max: 1,
    width: 12, none: noPromise, steps: [[null, bad], [0, warn], [0.25, good]],
    queries: [{ expr: `min by (journey, step, objective) (haidang_objective_budget_left_ratio{${promised}})`, legend: '{{journey}} {{step}} {{objective}}' }],
  }, { limits: true }),
  lines({
    title: 'Đạt mục tiêu', text: 'Phần số lần đi đạt (nhanh, thành công) trên 30 ngày.',
    english: 'Share of good runs over 30 days.', unit: 'percentunit', max: 1, width: 12,
    none: noPromise,
    queries: [{ expr: `min by (journey, step, objective) (haidang_objective_good_ratio{${promised}})`, legend: '{{journey}} {{step}} {{objective}}' }],
  }),
];

const noLog = 'Chưa đọc nhật ký truy cập nào / no access log is read';
const work = [
  lines({
    title: 'Hải Đăng hỏi hệ thống',
    text: 'Số yêu cầu mỗi giây mà các máy đo gửi tới hệ thống, và mức cho phép khi các máy cùng điểm chia nhau (0: không chia).',
    english: 'Probing: requests a second that machines send, and what is allowed where a site\'s machines share the journey (0: none does).',
    unit: 'reqps', min: 0, width: 8,
    queries: [
      { expr: 'max by (journey) (haidang_journey_requests_per_second{journey=~"$journey"})', legend: '{{journey}}' },
      { expr: 'max by (journey) (haidang_journey_requests_allowed_per_second{journey=~"$journey"})', legend: '{{journey}} cho phép' },
    ],
  }),
  lines({
    title: 'Hành trình chia nhau',
    text: 'Số điểm đang có máy được giao đi hành trình mà các máy chia nhau, và số điểm không còn máy nào đi được.',
    english: 'Shared journeys: sites of which a machine holds the turn, and those where none is there to walk.',
    unit: 'none',
    min: 0, width: 8,
    queries: [
      { expr: 'max by (journey) (haidang_journey_sites{journey=~"$journey"})', legend: '{{journey}}' },
      { expr: 'max by (journey) (haidang_journey_sites_without_holder{journey=~"$journey"})', legend: '{{journey}} không có máy' },
    ],
  }),
  lines({
    title: 'Thời gian đi cả hành trình', text: 'Lần đi gần nhất, trung bình các máy.',
    english: 'Whole journey: the last walk, mean over machines.', unit: 's', min: 0, width: 8,
    none: 'Không có hành trình nhiều bước / no journey of several steps',
    queries: [{ expr: `avg by (journey) (haidang_journey_duration_seconds{${walked}})`, legend: '{{journey}}' }],
  }),
  lines({
    title: 'Người dân chờ bao lâu (nhật ký truy cập)',
    text: 'p95 thời gian máy chủ trả lời yêu cầu thật, theo nhóm địa chỉ.',
    english: 'Real requests: p95 of the server\'s answers, by group of addresses.',
    unit: 's', min: 0, width: 8, none: noLog,
    queries: [{ expr: 'histogram_quantile(0.95, sum by (le, name, group) (rate(haidang_access_latency_seconds_bucket[$window])))', legend: '{{name}} {{group}}' }],
  }),
  lines({
    title: 'Yêu cầu thật theo mã trạng thái', text: 'Số yêu cầu mỗi giây theo loại mã HTTP.',
    english: 'Real requests a second, by class of status.', unit: 'reqps', min: 0, width: 8,
    none: noLog,
    queries: [{ expr: 'sum by (name, status) (rate(haidang_access_requests_total[$window]))', legend: '{{name}} {{status}}' }],
  }, { stacked: true }),
  lines({
    title: 'Khối lượng công việc mỗi giờ', text: 'Hồ sơ, yêu cầu đã xử lý trong một giờ.',
    english: 'Work done an hour: dossiers, requests.', unit: 'none', min: 0, width: 8,
    none: 'Chưa khai báo nguồn nào / no source of it is set up',
    queries: [{ expr: 'sum by (system, kind) (rate(haidang_volume_total[$window])) * 3600', legend: '{{system}} {{kind}}' }],
  }),
];

export const onestop = () => page({
  name: 'onestop',
  text: 'Hệ thống một cửa như người dùng thấy: từng hành trình, từng bước, mất thời gian ở đâu, có đạt mục tiêu không.',
  english: 'The one-stop system as its users meet it: each journey and step, where the time goes, and whether objectives are met.',
  from: 'now-6h',
  notes: [notes.alerts(',journey=~"$journey"'), notes.findings()],
  links: [{ title: 'Do đâu? Trang Hành trình', url: '${pages}/journeys', tooltip: 'Nguyên nhân và mức chắc chắn / verdicts, in words' }],
  rows: [
    { title: 'Lúc này', panels: overview },
    { title: 'Từng bước', panels: table },
    { title: 'Nhanh hay chậm', panels: speed },
    { title: 'Chậm, hỏng ở đâu', panels: where },
    { title: 'Mục tiêu', panels: promises },
    { title: 'Khối lượng', panels: work },
  ],
});
