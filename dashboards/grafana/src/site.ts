// Điểm: one site, its machines, its way to the province and what its people experience.
import { notes, ofRow, page, toJourney, toMachine } from './page';
import { bad, good, lines, number, rows, stateLines, warn } from './panels';
import { stateOf, stateTexts } from './states';

const here = 'site=~"$site",class=~"$class"';
const place = 'site=~"$site"';
const busy = `1 - sum by (instance, class) (rate(node_cpu_seconds_total{mode=~"idle|iowait",${here}}[$__rate_interval]))`
  + ` / sum by (instance, class) (rate(node_cpu_seconds_total{${here}}[$__rate_interval]))`;
const memory = `1 - min by (instance, class) (node_memory_MemAvailable_bytes{${here}} / node_memory_MemTotal_bytes{${here}})`;
const disk = `max by (instance, class) (1 - node_filesystem_avail_bytes{${here}} / (node_filesystem_size_bytes{${here}} > 0))`;
const state = stateOf('instance, class', here);
const quantile = (q: number, by: string) =>
  `histogram_quantile(${q}, sum by (le, ${by}) (rate(haidang_probe_latency_seconds_bucket{${place}}[$window])))`;
const loss = `sum by (role, target) (increase(haidang_path_lost_total{${place}}[$window]))`
  + ` / (sum by (role, target) (increase(haidang_path_sent_total{${place}}[$window])) > 0)`;

const overview = [
  number({
    title: 'Máy kết nối', text: 'Máy của điểm đang kết nối.',
    english: 'Machines connected, of this site.', unit: 'none', width: 4,
    steps: [[null, bad], [1, good]],
    queries: [{ expr: `sum(max by (instance) (haidang_machine_up{${here}})) or vector(0)` }],
  }),
  number({
    title: 'Máy mất kết nối', text: 'Mất kết nối hoặc im lặng; máy dừng có chủ đích thì không.',
    english: 'Machines missing: vanished or silent.',
    unit: 'none', width: 4, steps: [[null, good], [1, bad]],
    queries: [{ expr: `sum(max by (instance) (haidang_machine_state{state=~"vanished|silent",${here}})) or vector(0)` }],
  }),
  number({
    title: 'Hành trình hỏng', text: 'Hành trình có một bước hỏng ở mọi máy của điểm.',
    english: 'Journeys failing at this site.', unit: 'none',
    width: 4, steps: [[null, good], [1, bad]],
    queries: [{ expr: `sum(min by (journey, site) (max by (journey, step, site) (probe_success{${place}})) == bool 0) or vector(0)` }],
  }),
  number({
    title: 'Phản hồi p95', text: 'Của mọi bước đi từ điểm, trên cửa sổ đã chọn.',
    english: 'Response p95 of all steps walked here, over the window.',
    unit: 's', decimals: 2, width: 4, steps: [[null, good], [3, warn], [10, bad]],
    none: '–', queries: [{ expr: quantile(0.95, 'site') }],
  }),
  number({
    title: 'Đường về tỉnh: khứ hồi',
    text: 'Thời gian đi và về tới trung tâm tỉnh (role="hub"); nơi không đo trung tâm thì tới nơi xa nhất đo được.',
    english: 'Round trip to the province\'s hub; where that is not measured, to the farthest target that is.',
    unit: 's', width: 4,
    steps: [[null, good], [0.1, warn], [0.3, bad]], none: '–',
    queries: [{ expr: `max(haidang_path_rtt_seconds{role="hub",${place}}) or max(haidang_path_rtt_seconds{${place}})` }],
  }),
  number({
    title: 'Đường truyền: mất gói', text: 'Phần gói thử không có trả lời, đích tệ nhất, trên cửa sổ đã chọn.',
    english: 'Loss: share of trials without an answer, of the worst target, over the window.',
    unit: 'percentunit', decimals: 1, width: 4,
    steps: [[null, good], [0.01, warn], [0.05, bad]], none: '–', queries: [{ expr: `max(${loss})` }],
  }),
];

const machines = [
  rows({
    title: 'Các máy', text: 'Mỗi máy một dòng; bấm vào tên để xem máy.',
    english: 'Machines: a row each; a name leads to the machine.',
    unit: 'percentunit', width: 12, height: 10,
    overrides: [
      { of: 'Máy', links: [toMachine(ofRow('instance'))] },
      { of: 'Trạng thái', unit: 'none', coloured: true, texts: stateTexts },
      { of: '/^(CPU|Bộ nhớ|Đĩa đầy nhất)$/', coloured: true, steps: [[null, 'transparent'], [0.9, warn], [0.97, bad]] },
      { of: 'Chạy được', unit: 's' },
    ],
    queries: [
      { expr: state }, { expr: busy }, { expr: memory }, { expr: disk },
      { expr: `max by (instance, class) (node_time_seconds{${here}} - node_boot_time_seconds{${here}})` },
    ],
  }, { instance: 'Máy', class: 'Loại', A: 'Trạng thái', B: 'CPU', C: 'Bộ nhớ', D: 'Đĩa đầy nhất', E: 'Chạy được' }),
  stateLines({
    title: 'Trạng thái theo thời gian', text: 'Máy nào mất kết nối, từ khi nào.',
    english: 'States over time: which machine was away, and since when.',
    unit: 'none', width: 12, height: 10, texts: stateTexts,
    links: [toMachine()], queries: [{ expr: state, legend: '{{instance}}' }],
  }),
  lines({
    title: 'CPU', text: 'Phần CPU đang dùng của từng máy.',
    english: 'CPU: share in use.', unit: 'percentunit', min: 0, max: 1, width: 8,
    links: [toMachine()], queries: [{ expr: busy, legend: '{{instance}}' }],
  }),
  lines({
    title: 'Bộ nhớ (RAM)', text: 'Phần bộ nhớ đang dùng của từng máy.',
    english: 'Memory: share in use.', unit: 'percentunit', min: 0, max: 1,
    width: 8, links: [toMachine()], queries: [{ expr: memory, legend: '{{instance}}' }],
  }),
  lines({
    title: 'Ổ đĩa đầy nhất', text: 'Phần đã dùng của ổ đầy nhất mỗi máy.',
    english: 'Fullest disk of each machine: share in use.',
    unit: 'percentunit', min: 0, max: 1, width: 8, steps: [[null, good], [0.9, warn], [0.97, bad]],
    links: [toMachine()],
    queries: [{ expr: disk, legend: '{{instance}}' }],
  }, { limits: true }),
];

const network = [
  lines({
    title: 'Đường truyền: khứ hồi',
    text: 'Thời gian đi và về tới cổng mạng (gateway), trung tâm tỉnh (hub) và máy chủ (host).',
    english: 'Round trips to gateway, hub and hosts.',
    unit: 's', min: 0, width: 8, none: 'Điểm này không đo đường truyền / not measured here',
    queries: [{ expr: `max by (role, target) (haidang_path_rtt_seconds{${place}})`, legend: '{{role}} {{target}}' }],
  }, { table: true }),
  lines({
    title: 'Đường truyền: mất gói',
    text: 'Phần gói thử không có trả lời. Cổng mạng mất: lỗi ở điểm; chỉ trung tâm mất: lỗi đường về tỉnh.',
    english: 'Loss: at the gateway the site itself is at fault; at the hub alone, the link to the province.',
    unit: 'percentunit', min: 0,
    width: 8, steps: [[null, good], [0.05, bad]], none: 'Điểm này không đo đường truyền / not measured here',
    queries: [{ expr: loss, legend: '{{role}} {{target}}' }],
  }, { limits: true }),
  lines({
    title: 'Phân giải tên miền', text: 'Máy chủ tên miền trả lời lâu bao nhiêu.',
    english: 'Names: how long the name server takes.', unit: 's', min: 0,
    width: 8, none: 'Điểm này không đo tên miền / not measured here',
    queries: [{ expr: `max by (name) (haidang_dns_seconds{${place}})`, legend: '{{name}}' }],
  }),
  lines({
    title: 'Lưu lượng mạng', text: 'Dương: nhận; âm: gửi; cộng mọi giao diện của từng máy.',
    english: 'Traffic: received above, sent below zero, all interfaces.',
    unit: 'Bps', width: 24, links: [toMachine()],
    queries: [
      { expr: `sum by (instance) (rate(node_network_receive_bytes_total{device!="lo",${here}}[$__rate_interval]))`, legend: '{{instance}} nhận' },
      { expr: `-sum by (instance) (rate(node_network_transmit_bytes_total{device!="lo",${here}}[$__rate_interval]))`, legend: '{{instance}} gửi' },
    ],
  }),
];

const journeys = [
  lines({
    title: 'Phản hồi p95 từng bước', text: '95 % số lần nhanh hơn ngần này, tính trên cửa sổ đã chọn.',
    english: 'Response p95 by step, over the window.',
    unit: 's', min: 0, width: 12, steps: [[null, good], [3, warn]], links: [toJourney()],
    none: 'Điểm này không đi hành trình nào / none walked here',
    queries: [{ expr: quantile(0.95, 'journey, step'), legend: '{{journey}} {{step}}' }],
  }, { limits: true, table: true }),
  stateLines({
    title: 'Bước nào hỏng, khi nào', text: 'Đỏ: bước hỏng ở mọi máy của điểm đang đi bước đó.',
    english: 'Which step failed, and when.', unit: 'none',
    width: 12, texts: { 0: ['hỏng', bad], 1: ['tốt', good] }, links: [toJourney()],
    none: 'Điểm này không đi hành trình nào / none walked here',
    queries: [{ expr: `max by (journey, step) (probe_success{${place}})`, legend: '{{journey}} {{step}}' }],
  }),
];

export const site = () => page({
  name: 'site',
  text: 'Một điểm (xã, phường, đặc khu): máy, đường truyền, hành trình.',
  english: 'One site: its machines, its way to the province, its journeys.',
  from: 'now-6h',
  notes: [notes.alerts(',site=~"$site"'), notes.gone(here), notes.boots(here)],
  rows: [
    { title: 'Lúc này', panels: overview },
    { title: 'Máy', panels: machines },
    { title: 'Mạng', panels: network },
    { title: 'Hành trình', panels: journeys },
  ],
});
