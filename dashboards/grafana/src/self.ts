// Hải Đăng tự giám sát: is what the other dashboards show complete, and is it on time?
import { notes, ofRow, page, toMachine, toSite } from './page';
import { bad, good, grey, lines, number, rows, warn } from './panels';

const here = 'instance=~"$machine",site=~"$site",class=~"$class"';
const seconds = (q: number, metric: string, by = '') =>
  `histogram_quantile(${q}, sum by (${['le', by].filter(Boolean).join(', ')}) (rate(${metric}_bucket[$__rate_interval])))`;
const rate = (metric: string, by = '') => `sum${by && ` by (${by})`}(rate(${metric}[$__rate_interval]))`;
const most = (n: number, expr: string) => `topk(${n}, max by (instance, site_name) (${expr}))`;
const named = '{{instance}} ({{site_name}})';
const central = 'job="haidang-collector"';
const held = `topk(20, max by (instance, site, site_name) (haidang_agent_spool_waiting_batches{${here}}))`;
const ofThose = (metric: string) => `max by (instance, site, site_name) (${metric}{${here}}) and on (instance) ${held}`;

const overview = [
  number({
    title: 'Bộ thu thập', text: 'Prometheus đọc được số đo của bộ thu thập.',
    english: 'Collector: its metrics can be read.', unit: 'none', width: 4,
    texts: { 0: ['không trả lời', bad], 1: ['chạy', good] },
    queries: [{ expr: 'max(up{job="haidang-collector"}) or vector(0)' }],
  }),
  number({
    title: 'Máy chủ trung chuyển (broker)', text: 'Bộ thu thập đang kết nối với broker.',
    english: 'Broker: the collector is connected to it.', unit: 'none', width: 4,
    texts: { 0: ['mất kết nối', bad], 1: ['kết nối', good] },
    queries: [{ expr: 'max(haidang_collector_broker_connected) or vector(0)' }],
  }),
  number({
    title: 'Máy chủ trang', text: 'haidang-server hỏi được bộ thu thập.',
    english: 'Server: haidang-server gets answers from the collector.', unit: 'none', width: 4,
    texts: { 0: ['không hỏi được', bad], 1: ['tốt', good] },
    queries: [{ expr: 'max(haidang_server_collector_up) or vector(0)' }],
  }),
  number({
    title: 'Máy đang gửi bù', text: 'Số máy đang gửi dữ liệu còn tồn sau khi mất kết nối.',
    english: 'Machines catching up after they were away.', unit: 'none', width: 4,
    steps: [[null, good], [1, 'blue']], queries: [{ expr: 'max(haidang_collector_machines_catching_up) or vector(0)' }],
  }),
  number({
    title: 'Lô mất hẳn (24 giờ)', text: 'Lô dữ liệu mà máy cho biết sẽ không bao giờ tới, 24 giờ qua.',
    english: 'Batches lost for good within 24 hours.', unit: 'none', decimals: 0,
    width: 4, steps: [[null, good], [1, warn]],
    queries: [{ expr: 'sum(increase(haidang_collector_gap_batches_total[24h])) or vector(0)' }],
  }),
  number({
    title: 'Ghi hỏng (1 giờ)', text: 'Lần ghi xuống đĩa thất bại của bộ thu thập, 1 giờ qua.',
    english: 'Failed commits of the collector within an hour.', unit: 'none',
    decimals: 0, width: 4, steps: [[null, good], [1, bad]],
    queries: [{ expr: 'sum(increase(haidang_collector_commit_failures_total[1h])) or vector(0)' }],
  }),
];

const agents = [
  lines({
    title: 'Máy theo trạng thái', text: 'unknown: bộ thu thập không có broker nên không biết.',
    english: 'Machines by state; unknown: without a broker nothing is known.', unit: 'none',
    min: 0, width: 12, overrides: [{ of: 'online', colour: good }, { of: 'vanished', colour: bad }, { of: 'silent', colour: warn }, { of: 'stopped', colour: grey }],
    queries: [{ expr: 'max by (state) (haidang_collector_machines)', legend: '{{state}}' }],
  }, { stacked: true }),
  lines({
    title: 'Bộ đệm trên đĩa: lô đang chờ',
    text: 'Mười máy có nhiều lô chờ xác nhận nhất. Tăng mãi: máy gửi không kịp hoặc không gửi được.',
    english: 'Spool: batches that wait for the collector, the ten with most. Growing for long: the machine cannot send.',
    unit: 'none', min: 0, width: 12,
    links: [toMachine()], queries: [{ expr: most(10, `haidang_agent_spool_waiting_batches{${here}}`), legend: named }],
  }, { points: true }),
  lines({
    title: 'Bộ đệm trên đĩa: dung lượng',
    text: 'Mười máy giữ nhiều nhất, kể cả phần đã xác nhận còn giữ 48 giờ. Tối đa 256 MiB theo mặc định.',
    english: 'Spool: bytes held, with what was acknowledged and is kept for 48 h; 256 MiB at most by default.',
    unit: 'bytes', min: 0, width: 12,
    links: [toMachine()], queries: [{ expr: most(10, `haidang_agent_spool_held_bytes{${here}}`), legend: named }],
  }, { points: true }),
  lines({
    title: 'Dữ liệu mất ở máy',
    text: 'Trong 1 giờ: lô phải bỏ vì bộ đệm đầy hoặc quá cũ, lần đọc không ghi được, giá trị vượt giới hạn.',
    english: 'Lost at machines within an hour: batches dropped from the spool, readings that could not be stored, values beyond the limit.',
    unit: 'none', min: 0,
    width: 12, steps: [[null, good], [1, bad]], links: [toMachine()],
    queries: [
      { expr: most(5, `increase(haidang_agent_spool_dropped_batches_total{${here}}[1h])`), legend: `${named} lô bỏ` },
      { expr: most(5, `increase(haidang_agent_lost_ticks_total{${here}}[1h])`), legend: `${named} lần đọc` },
      { expr: most(5, `increase(haidang_agent_refused_readings_total{${here}}[1h])`), legend: `${named} giá trị` },
    ],
  }, { points: true }),
  lines({
    title: 'Gửi lại', text: 'Lô gửi lại vì chưa được xác nhận, mỗi giờ. Nhiều: đường truyền kém.',
    english: 'Batches sent again, an hour; many mean a poor link.', unit: 'none', min: 0,
    width: 12,
    links: [toMachine()],
    queries: [{ expr: most(10, `increase(haidang_agent_resent_batches_total{${here}}[1h])`), legend: named }],
  }, { points: true }),
  lines({
    title: 'Kết nối lại', text: 'Bản khai báo (NBIRTH) mỗi máy gửi trong 1 giờ: mỗi lần kết nối lại một bản.',
    english: 'Births an hour, by machine: one each time it connects.', unit: 'none',
    min: 0, width: 12,
    links: [toMachine()],
    queries: [{ expr: most(10, `increase(haidang_agent_births_total{${here}}[1h])`), legend: named }],
  }, { points: true }),
  lines({
    title: 'Đồng hồ lệch', text: 'Mười đồng hồ lệch nhiều nhất so với bộ thu thập.',
    english: 'Clocks: the ten that are farthest off the collector\'s.', unit: 's', min: 0, width: 12,
    steps: [[null, good], [5, warn], [30, bad]],
    links: [toMachine()],
    queries: [{ expr: most(10, `abs(haidang_agent_clock_offset_seconds{${here}})`), legend: named }],
  }, { points: true, limits: true }),
  lines({
    title: 'Sai số đo đồng hồ', text: 'Độ lệch đo được có thể sai tối đa bao nhiêu.',
    english: 'Clocks: by how much the measured offset may be wrong.', unit: 's', min: 0, width: 12,
    links: [toMachine()], queries: [{ expr: most(10, `haidang_agent_clock_error_seconds{${here}}`), legend: named }],
  }, { points: true }),
  lines({
    title: 'Nguồn dữ liệu không đọc được', text: 'Số máy không đọc được từng nguồn.',
    english: 'Sources that fail: on how many machines.', unit: 'none', min: 0, width: 12,
    steps: [[null, good], [1, warn]],
    queries: [{ expr: `sum by (collector) (max by (instance, collector) (node_scrape_collector_success{${here}}) == bool 0)`, legend: '{{collector}}' }],
  }),
  lines({
    title: 'Nguồn dữ liệu chậm nhất', text: 'Thời gian đọc một nguồn, mười nguồn chậm nhất trên mọi máy.',
    english: 'Slowest sources: time to read one, the ten slowest.', unit: 's', min: 0, width: 12,
    links: [toMachine()],
    queries: [{ expr: `topk(10, max by (instance, collector) (node_scrape_collector_duration_seconds{${here}}))`, legend: '{{instance}} {{collector}}' }],
  }, { points: true }),
  rows({
    title: 'Phần mềm giám sát trên từng máy', text: 'Hai mươi máy có nhiều lô chờ nhất.',
    english: 'Agents: the twenty machines with most batches waiting.', unit: 'none', width: 24, height: 9,
    overrides: [
      { of: 'Kết nối', coloured: true, texts: { 0: ['mất', bad], 1: ['kết nối', good] } },
      { of: 'Máy', links: [toMachine(ofRow('instance'))] },
      { of: 'Điểm', links: [toSite(ofRow('site'))] },
      { of: 'Byte chờ', unit: 'bytes' },
      { of: 'Đồng hồ lệch', unit: 's', decimals: 2 },
    ],
    queries: [
      { expr: held },
      { expr: ofThose('haidang_agent_spool_waiting_bytes') },
      { expr: ofThose('haidang_machine_up') },
      { expr: ofThose('haidang_agent_clock_offset_seconds') },
    ],
  }, { instance: 'Máy', site_name: 'Điểm', site: 'Mã', C: 'Kết nối', A: 'Lô chờ', B: 'Byte chờ', D: 'Đồng hồ lệch' }),
];

const broker = [
  lines({
    title: 'Qua broker', text: 'Byte mỗi giây mà bộ thu thập nhận từ broker.',
    english: 'Through the broker: bytes a second that the collector receives. The broker itself exports nothing to Prometheus.',
    unit: 'Bps', min: 0, width: 8, queries: [{ expr: rate('haidang_collector_received_bytes_total'), legend: 'nhận' }],
  }),
  lines({
    title: 'Kết nối của bộ thu thập với broker', text: '1: kết nối; 0: mất.',
    english: 'The collector\'s connection to the broker.', unit: 'none', min: 0, max: 1, width: 8,
    queries: [{ expr: 'max by (instance) (haidang_collector_broker_connected)', legend: '{{instance}}' }],
  }),
  lines({
    title: 'Khai báo và ngừng', text: 'Bản khai báo (NBIRTH), bản tin ngừng (NDEATH), yêu cầu khai báo lại, mỗi giây.',
    english: 'Births, deaths, rebirths asked, a second.', unit: 'cps', min: 0,
    width: 8,
    queries: [
      { expr: rate('haidang_collector_births_total'), legend: 'khai báo' },
      { expr: rate('haidang_collector_deaths_total'), legend: 'ngừng' },
      { expr: rate('haidang_collector_rebirths_asked_total'), legend: 'yêu cầu khai báo lại' },
    ],
  }),
];

const collector = [
  lines({
    title: 'Giá trị mỗi giây', text: 'Giá trị đã ghi bền vững.',
    english: 'Values committed a second.', unit: 'cps', min: 0, width: 8,
    queries: [{ expr: rate('haidang_collector_values_total'), legend: 'giá trị' }],
  }),
  lines({
    title: 'Lô mỗi giây', text: 'Lô đã ghi, lô trùng được bỏ qua, xác nhận đã gửi.',
    english: 'Batches committed, dropped as duplicates; acknowledgements sent.', unit: 'cps', min: 0, width: 8,
    queries: [
      { expr: rate('haidang_collector_batches_total'), legend: 'đã ghi' },
      { expr: rate('haidang_collector_duplicate_batches_total'), legend: 'trùng' },
      { expr: rate('haidang_collector_acknowledgements_total'), legend: 'xác nhận' },
    ],
  }),
  lines({
    title: 'Lỗ hổng và cách ly',
    text: 'Trong 1 giờ: lô mất hẳn, lỗ hổng số thứ tự, lô bị cách ly, chuỗi vượt giới hạn.',
    english: 'Within an hour: batches lost, holes in seq, batches in quarantine, series beyond the limit.',
    unit: 'none', min: 0, width: 8,
    queries: [
      { expr: 'sum(increase(haidang_collector_gap_batches_total[1h]))', legend: 'mất hẳn' },
      { expr: 'sum(increase(haidang_collector_seq_gaps_total[1h]))', legend: 'lỗ hổng số thứ tự' },
      { expr: 'sum by (reason) (increase(haidang_collector_quarantined_batches_total[1h]))', legend: 'cách ly: {{reason}}' },
      { expr: 'sum(increase(haidang_collector_capped_series_total[1h]))', legend: 'chuỗi vượt giới hạn' },
    ],
  }),
  lines({
    title: 'Ghi xuống đĩa', text: 'Thời gian một lần ghi bền vững.',
    english: 'Commits: how long one takes.', unit: 's', min: 0, width: 8, steps: [[null, good], [1, warn]],
    queries: [0.5, 0.99].map((q) => ({ expr: seconds(q, 'haidang_collector_commit_duration_seconds'), legend: `p${q * 100}` })),
  }),
  lines({
    title: 'Trả lời câu hỏi', text: 'p95 thời gian trả lời của bộ thu thập, theo loại câu hỏi.',
    english: 'Questions: p95 of the time to answer, by kind.', unit: 's', min: 0, width: 8,
    queries: [{ expr: seconds(0.95, 'haidang_collector_query_duration_seconds', 'kind'), legend: '{{kind}}' }],
  }, { points: true }),
  lines({
    title: 'Bản tin bị từ chối', text: 'Bản tin không nhận, theo lý do, mỗi giờ.',
    english: 'Messages refused, by reason, an hour.', unit: 'none', min: 0, width: 8,
    queries: [{ expr: 'sum by (reason) (increase(haidang_collector_refused_messages_total[1h]))', legend: '{{reason}}' }],
  }),
  lines({
    title: 'Nhật ký chờ thành khối', text: 'Lô còn trong nhật ký.',
    english: 'Journal: batches that no block holds yet.', unit: 'none', min: 0, width: 8,
    queries: [{ expr: 'max(haidang_collector_journal_rows)', legend: 'lô' }, { expr: 'max(haidang_collector_open_windows)', legend: 'khoảng hai giờ' }],
  }),
  lines({
    title: 'Nhật ký chậm', text: 'Khoảng chờ lâu nhất lẽ ra đã thành khối trước đây bao lâu.',
    english: 'Journal: for how long the oldest window could have been a block.', unit: 's', min: 0, width: 8,
    steps: [[null, good], [7200, bad]],
    queries: [{ expr: 'max(haidang_collector_journal_lag_seconds)', legend: 'chậm' }],
  }, { limits: true }),
  lines({
    title: 'Chuỗi dữ liệu và bản tin giữ lại', text: 'Chuỗi đang biết; bản tin giữ lại chờ khai báo.',
    english: 'Series known; messages held until a birth.', unit: 'none', min: 0, width: 8,
    queries: [{ expr: 'max(haidang_collector_series)', legend: 'chuỗi' }, { expr: 'max(haidang_collector_held_messages)', legend: 'bản tin giữ lại' }],
  }),
];

const noReceiver = 'Không dùng remote write / remote write is not used';
const onward = [
  lines({
    title: 'Remote write: chậm', text: 'Mỗi nơi nhận chậm hơn kho bao lâu.',
    english: 'Remote write: how far each receiver is behind.', unit: 's', min: 0, width: 8, none: noReceiver,
    steps: [[null, good], [300, bad]],
    queries: [{ expr: 'max by (url) (haidang_collector_remote_lag_seconds)', legend: '{{url}}' }],
  }, { limits: true }),
  lines({
    title: 'Remote write: mẫu mỗi giây', text: 'Mẫu mà nơi nhận đã nhận, mẫu phải gửi lại.',
    english: 'Remote write: samples accepted, and sent again.', unit: 'cps', min: 0, width: 8, none: noReceiver,
    queries: [
      { expr: rate('haidang_collector_remote_sent_samples_total', 'url'), legend: '{{url}}' },
      { expr: rate('haidang_collector_remote_retried_samples_total', 'url'), legend: '{{url}} gửi lại' },
    ],
  }),
  lines({
    title: 'Remote write: mẫu thiếu', text: 'Mẫu không tới được nơi nhận trong 1 giờ, theo lý do.',
    english: 'Remote write: samples that a receiver never gets, by reason.', unit: 'none', min: 0,
    width: 8, none: noReceiver,
    queries: [{ expr: 'sum by (url, reason) (increase(haidang_collector_remote_dropped_samples_total[1h]))', legend: '{{url}} {{reason}}' }],
  }),
];

const processes = [
  lines({
    title: 'Máy chủ trang: yêu cầu', text: 'Yêu cầu mỗi giây theo mã trạng thái.',
    english: 'Server: requests a second, by status.', unit: 'reqps', min: 0, width: 8,
    queries: [{ expr: rate('haidang_server_requests_total', 'code'), legend: '{{code}}' }],
  }, { stacked: true }),
  lines({
    title: 'Máy chủ trang: thời gian trả lời', text: 'p99 của máy chủ trang, và của bộ thu thập khi máy chủ trang hỏi.',
    english: 'Server: p99 of its answers, and of the collector\'s to it.', unit: 's',
    min: 0, width: 8,
    queries: [
      { expr: seconds(0.99, 'haidang_server_request_duration_seconds'), legend: 'máy chủ trang' },
      { expr: seconds(0.99, 'haidang_server_collector_duration_seconds'), legend: 'bộ thu thập' },
    ],
  }),
  lines({
    title: 'Máy chủ trang: người đang xem', text: 'Kết nối đang mở, và trang trực tiếp đang xem.',
    english: 'Server: connections, and live pages being watched.', unit: 'none', min: 0, width: 8,
    queries: [{ expr: 'sum(haidang_server_connections)', legend: 'kết nối' }, { expr: 'sum(haidang_server_streams)', legend: 'trang trực tiếp' }],
  }),
  lines({
    title: 'Bộ thu thập: CPU', text: 'Số nhân mà bộ thu thập dùng.',
    english: 'CPU of the collector, in cores.', unit: 'none', min: 0, width: 12,
    queries: [{ expr: `sum by (instance) (rate(process_cpu_seconds_total{${central}}[$__rate_interval]))`, legend: '{{instance}}' }],
  }),
  lines({
    title: 'Bộ thu thập: bộ nhớ', text: 'RAM mà bộ thu thập chiếm.',
    english: 'Resident memory of the collector.', unit: 'bytes', min: 0, width: 12,
    queries: [{ expr: `max by (instance) (process_resident_memory_bytes{${central}})`, legend: '{{instance}}' }],
  }),
];

export const self = () => page({
  name: 'self',
  text: 'Hải Đăng có đang hoạt động tốt không: phần mềm trên các máy, bộ đệm, dữ liệu mất, đồng hồ, bộ thu thập, broker.',
  english: 'Is Hải Đăng itself well: agents, spools, gaps, clocks, collector, broker.',
  from: 'now-6h',
  notes: [notes.alerts(), notes.boots(here)],
  rows: [
    { title: 'Lúc này', panels: overview },
    { title: 'Các máy', panels: agents },
    { title: 'Broker', panels: broker },
    { title: 'Bộ thu thập', panels: collector },
    { title: 'Gửi tiếp (remote write)', panels: onward },
    { title: 'Phần trung tâm', panels: processes },
  ],
});
