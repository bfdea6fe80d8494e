// Máy: one machine, Linux and Windows alike: the same metrics under the same names.
import { notes, page } from './page';
import { bad, bars, good, grey, lines, number, rows, stateLines, warn } from './panels';
import { stateOf, stateTexts } from './states';

const here = 'instance=~"$machine"';
const rate = (metric: string, filter = here) => `rate(${metric}{${filter}}[$__rate_interval])`;
const linux = 'Chỉ máy Linux có / Linux only';
const busy = `1 - sum(${rate('node_cpu_seconds_total', `mode=~"idle|iowait",${here}`)}) / sum(${rate('node_cpu_seconds_total')})`;
const used = `1 - min(node_memory_MemAvailable_bytes{${here}}) / max(node_memory_MemTotal_bytes{${here}})`;
const file = 'device, fstype, mountpoint';
const fullest = `max by (mountpoint) (1 - node_filesystem_avail_bytes{${here}} / (node_filesystem_size_bytes{${here}} > 0))`;
const state = stateOf('instance', here);

const overview = [
  number({
    title: 'Trạng thái', text: 'Máy đang kết nối, đã dừng, hay mất kết nối.',
    english: 'State: connected, stopped on purpose, or vanished.',
    unit: 'none', width: 4, texts: stateTexts, queries: [{ expr: state }],
  }),
  number({
    title: 'Chạy được', text: 'Từ lần khởi động gần nhất.',
    english: 'Uptime: since the last boot.', unit: 's', width: 4,
    queries: [{ expr: `max(node_time_seconds{${here}} - node_boot_time_seconds{${here}})` }],
  }),
  number({
    title: 'CPU', text: 'Phần CPU đang dùng.',
    english: 'CPU: share in use.', unit: 'percentunit', decimals: 0, width: 4,
    steps: [[null, good], [0.8, warn], [0.95, bad]], queries: [{ expr: busy }],
  }),
  number({
    title: 'Bộ nhớ', text: 'Phần bộ nhớ (RAM) đang dùng.',
    english: 'Memory: share in use.', unit: 'percentunit', decimals: 0, width: 4,
    steps: [[null, good], [0.9, warn], [0.95, bad]], queries: [{ expr: used }],
  }),
  number({
    title: 'Ổ đĩa đầy nhất', text: 'Phần đã dùng của ổ đầy nhất.',
    english: 'Fullest disk: share in use.', unit: 'percentunit', decimals: 0, width: 4,
    steps: [[null, good], [0.9, warn], [0.97, bad]], queries: [{ expr: `max(${fullest})` }],
  }),
  number({
    title: 'Đồng hồ lệch', text: 'Nhanh hơn (+) hoặc chậm hơn (−) đồng hồ của bộ thu thập.',
    english: 'Clock: ahead of (+) or behind (−) the collector\'s.',
    unit: 's', decimals: 2, width: 4, steps: [[null, bad], [-30, warn], [-5, good], [5, warn], [30, bad]],
    queries: [{ expr: `max(haidang_agent_clock_offset_seconds{${here}})` }],
  }),
  rows({
    title: 'Hệ điều hành', text: 'Tên máy, nhân, phiên bản.',
    english: 'Operating system: name, kernel, version.', unit: 'none', width: 12, height: 4,
    queries: [{ expr: `max by (instance, class, site_name, nodename, sysname, release, machine) (node_uname_info{${here}})` }],
  }, { instance: 'Máy', class: 'Loại', site_name: 'Điểm', nodename: 'Tên', sysname: 'Hệ', release: 'Nhân', machine: 'Kiến trúc' }),
  stateLines({
    title: 'Trạng thái theo thời gian', text: 'Máy mất kết nối khi nào.',
    english: 'State over time.', unit: 'none', width: 12, height: 4, texts: stateTexts,
    queries: [{ expr: state, legend: '{{instance}}' }],
  }),
];

const load = [
  lines({
    title: 'CPU theo loại việc', text: 'Thời gian CPU theo loại việc; 100 % là mọi nhân.',
    english: 'CPU by mode; 100 % is all cores.', unit: 'percentunit',
    min: 0, max: 1, width: 12,
    queries: [{ expr: `sum by (mode) (${rate('node_cpu_seconds_total', `mode!="idle",${here}`)}) / scalar(sum(${rate('node_cpu_seconds_total')}))`, legend: '{{mode}}' }],
  }, { stacked: true }),
  lines({
    title: 'Bộ nhớ', text: 'Tổng, đang dùng, bộ đệm của hệ điều hành, vùng hoán đổi đang dùng.',
    english: 'Memory: total, in use, cache, swap in use.',
    unit: 'bytes', min: 0, width: 12,
    queries: [
      { expr: `max(node_memory_MemTotal_bytes{${here}})`, legend: 'tổng' },
      { expr: `max(node_memory_MemTotal_bytes{${here}}) - min(node_memory_MemAvailable_bytes{${here}})`, legend: 'đang dùng' },
      { expr: `max(node_memory_Cached_bytes{${here}})`, legend: 'bộ đệm' },
      { expr: `max(node_memory_SwapTotal_bytes{${here}}) - min(node_memory_SwapFree_bytes{${here}})`, legend: 'hoán đổi' },
    ],
  }),
  lines({
    title: 'Tải và tiến trình',
    text: 'Tải trung bình, tiến trình chạy được và bị chặn. Cao hơn số nhân lâu dài: thiếu CPU.',
    english: 'Load and processes: above the number of cores for long means too little CPU.',
    unit: 'none', min: 0, width: 12, none: linux,
    queries: [
      { expr: `max(node_load1{${here}})`, legend: 'tải 1 phút' },
      { expr: `max(node_load15{${here}})`, legend: 'tải 15 phút' },
      { expr: `max(node_procs_running{${here}})`, legend: 'chạy được' },
      { expr: `max(node_procs_blocked{${here}})`, legend: 'bị chặn' },
      { expr: `count(count by (cpu) (node_cpu_seconds_total{${here}}))`, legend: 'số nhân' },
    ],
  }),
  lines({
    title: 'Thiếu tài nguyên (PSI)', text: 'Phần thời gian có tiến trình phải chờ CPU, bộ nhớ, đĩa.',
    english: 'Pressure: share of time in which tasks wait for CPU, memory, disk.',
    unit: 'percentunit', min: 0, width: 12, none: linux,
    queries: [
      { expr: `max(${rate('node_pressure_cpu_waiting_seconds_total')})`, legend: 'CPU' },
      { expr: `max(${rate('node_pressure_memory_waiting_seconds_total')})`, legend: 'bộ nhớ' },
      { expr: `max(${rate('node_pressure_io_waiting_seconds_total')})`, legend: 'đĩa' },
    ],
  }),
];

const disks = [
  rows({
    title: 'Ổ đĩa', text: 'Còn bao nhiêu, đã dùng bao nhiêu.',
    english: 'Disks: what is left, what is used.', unit: 'bytes', width: 12,
    overrides: [
      { of: '/^Đã dùng|^Tệp/', unit: 'percentunit', decimals: 1, coloured: true, steps: [[null, good], [0.9, warn], [0.97, bad]] },
    ],
    queries: [
      { expr: `max by (${file}) (node_filesystem_size_bytes{${here}})` },
      { expr: `max by (${file}) (node_filesystem_avail_bytes{${here}})` },
      { expr: `max by (${file}) (1 - node_filesystem_avail_bytes{${here}} / (node_filesystem_size_bytes{${here}} > 0))` },
      { expr: `max by (${file}) (1 - node_filesystem_files_free{${here}} / (node_filesystem_files{${here}} > 0))` },
    ],
  }, { mountpoint: 'Ổ', fstype: 'Kiểu', device: 'Thiết bị', A: 'Dung lượng', B: 'Còn', C: 'Đã dùng', D: 'Tệp (inode) đã dùng' }),
  lines({
    title: 'Ổ đĩa đã dùng', text: 'Phần đã dùng theo thời gian.',
    english: 'Disk use over time.', unit: 'percentunit', min: 0, max: 1, width: 12,
    steps: [[null, good], [0.9, warn], [0.97, bad]], queries: [{ expr: fullest, legend: '{{mountpoint}}' }],
  }, { limits: true }),
  lines({
    title: 'Đọc và ghi', text: 'Dương: đọc; âm: ghi.',
    english: 'Disk traffic: reads above, writes below zero.', unit: 'Bps', width: 8,
    queries: [
      { expr: `sum by (device) (${rate('node_disk_read_bytes_total')})`, legend: '{{device}} đọc' },
      { expr: `-sum by (device) (${rate('node_disk_written_bytes_total')})`, legend: '{{device}} ghi' },
    ],
  }),
  lines({
    title: 'Đĩa bận', text: 'Phần thời gian đĩa có việc.',
    english: 'Disk busy: share of time in which the disk has work.', unit: 'percentunit', min: 0,
    width: 8, steps: [[null, good], [0.9, bad]],
    queries: [{ expr: `max by (device) (${rate('node_disk_io_time_seconds_total')})`, legend: '{{device}}' }],
  }, { limits: true }),
  lines({
    title: 'Đĩa trả lời', text: 'Thời gian trung bình của một lần đọc, một lần ghi.',
    english: 'Disk latency: mean time of a read, of a write.', unit: 's',
    min: 0, width: 8,
    queries: [
      { expr: `sum by (device) (${rate('node_disk_read_time_seconds_total')}) / (sum by (device) (${rate('node_disk_reads_completed_total')}) > 0)`, legend: '{{device}} đọc' },
      { expr: `sum by (device) (${rate('node_disk_write_time_seconds_total')}) / (sum by (device) (${rate('node_disk_writes_completed_total')}) > 0)`, legend: '{{device}} ghi' },
    ],
  }, { points: true }),
];

const network = [
  lines({
    title: 'Lưu lượng mạng', text: 'Dương: nhận; âm: gửi.',
    english: 'Network traffic: received above, sent below zero.', unit: 'Bps', width: 12,
    queries: [
      { expr: `sum by (device) (${rate('node_network_receive_bytes_total')})`, legend: '{{device}} nhận' },
      { expr: `-sum by (device) (${rate('node_network_transmit_bytes_total')})`, legend: '{{device}} gửi' },
    ],
  }),
  lines({
    title: 'Lỗi và mất gói', text: 'Gói lỗi, gói bị bỏ mỗi giây.',
    english: 'Errors and drops a second.', unit: 'pps', min: 0, width: 12,
    queries: [
      { expr: `sum by (device) (${rate('node_network_receive_errs_total')} + ${rate('node_network_transmit_errs_total')})`, legend: '{{device}} lỗi' },
      { expr: `sum by (device) (${rate('node_network_receive_drop_total')} + ${rate('node_network_transmit_drop_total')})`, legend: '{{device}} bỏ' },
    ],
  }),
];

const services = [
  lines({
    title: 'Đơn vị systemd bị lỗi', text: 'Số dịch vụ, bộ hẹn giờ… ở trạng thái failed.',
    english: 'Failed units of systemd.', unit: 'none', min: 0, width: 8,
    none: linux, steps: [[null, good], [1, bad]],
    queries: [{ expr: `max(haidang_services_failed{${here}})`, legend: 'lỗi' }],
  }),
  stateLines({
    title: 'Dịch vụ', text: 'Những dịch vụ mà phần mềm giám sát được giao theo dõi.',
    english: 'Services that the agent watches.', unit: 'none', width: 8,
    texts: { 0: ['không chạy', bad], 1: ['chạy', good] }, none: 'Chưa khai báo dịch vụ / none is set up',
    queries: [{ expr: `max by (name) (node_systemd_unit_state{state="active",type!="oneshot",${here}})`, legend: '{{name}}' }],
  }),
  stateLines({
    title: 'Kiểm tra (plug-in)', text: 'Kết quả các chương trình kiểm tra.',
    english: 'Checks: what plug-ins say.', unit: 'none', width: 8,
    texts: { 0: ['tốt', good], 1: ['cảnh báo', warn], 2: ['nghiêm trọng', bad], 3: ['không rõ', grey] },
    none: 'Chưa khai báo kiểm tra / none is set up',
    queries: [{ expr: `max by (name) (haidang_plugin_state{${here}})`, legend: '{{name}}' }],
  }),
  lines({
    title: 'Tiến trình: bộ nhớ', text: 'Bộ nhớ của từng nhóm tiến trình được theo dõi.',
    english: 'Process groups: resident memory.', unit: 'bytes', min: 0, width: 8,
    none: 'Chưa khai báo nhóm / none is set up',
    queries: [{ expr: `max by (name) (haidang_process_resident_memory_bytes{${here}})`, legend: '{{name}}' }],
  }),
  lines({
    title: 'Tiến trình: CPU', text: 'CPU của từng nhóm tiến trình, tính bằng số nhân.',
    english: 'Process groups: CPU, in cores.', unit: 'none', min: 0, width: 8,
    none: 'Chưa khai báo nhóm / none is set up',
    queries: [{ expr: `sum by (name) (${rate('haidang_process_cpu_seconds_total')})`, legend: '{{name}}' }],
  }),
  bars({
    title: 'Chứng thư còn hạn', text: 'Thời gian còn lại của các chứng thư trên máy.',
    english: 'Certificates: time left.', unit: 's', width: 8, min: 0,
    steps: [[null, bad], [7 * 86400, warn], [21 * 86400, good]], none: 'Chưa khai báo chứng thư / none is set up',
    queries: [{ expr: `min by (name) (haidang_certificate_not_after_seconds{${here}}) - time()`, legend: '{{name}}' }],
  }),
];

const hardware = [
  lines({
    title: 'Nhiệt độ', text: 'Cảm biến, vùng nhiệt, ổ đĩa.',
    english: 'Temperatures of sensors, zones, disks.', unit: 'celsius', width: 8,
    none: 'Máy không có cảm biến / no sensors', steps: [[null, good], [80, bad]],
    queries: [
      { expr: `max by (chip, sensor) (node_hwmon_temp_celsius{${here}})`, legend: '{{chip}} {{sensor}}' },
      { expr: `max by (type, zone) (node_thermal_zone_temp{${here}})`, legend: '{{type}} {{zone}}' },
      { expr: `max by (device) (haidang_smart_temperature_celsius{${here}})`, legend: '{{device}}' },
    ],
  }, { limits: true }),
  rows({
    title: 'Sức khỏe ổ đĩa (SMART)', text: 'Ổ tự đánh giá; sector chờ, đã thay; độ mòn.',
    english: 'SMART: the disk\'s own verdict; pending and reallocated sectors; wear.',
    unit: 'none', width: 8, none: 'Máy không có SMART / no SMART here',
    overrides: [
      { of: 'Đạt', coloured: true, texts: { 0: ['KHÔNG', bad], 1: ['đạt', good] } },
      { of: 'Mòn', unit: 'percentunit' },
    ],
    queries: [
      { expr: `min by (device) (haidang_smart_passed{${here}})` },
      { expr: `max by (device) (haidang_smart_pending_sectors{${here}})` },
      { expr: `max by (device) (haidang_smart_reallocated_sectors{${here}})` },
      { expr: `max by (device) (haidang_smart_wear_ratio{${here}})` },
    ],
  }, { device: 'Ổ', A: 'Đạt', B: 'Chờ', C: 'Đã thay', D: 'Mòn' }),
  lines({
    title: 'RAID', text: 'Số đĩa đang hoạt động và cần có của mỗi mảng.',
    english: 'RAID: disks that work, and that are needed.', unit: 'none', min: 0, width: 8,
    none: 'Máy không có RAID / no RAID here',
    queries: [
      { expr: `max by (device) (node_md_disks{state="active",${here}})`, legend: '{{device}} hoạt động' },
      { expr: `max by (device) (node_md_disks_required{${here}})`, legend: '{{device}} cần có' },
    ],
  }),
];

export const machine = () => page({
  name: 'machine',
  text: 'Một máy, Linux hay Windows: cùng số đo, cùng tên. Ô trống là máy không có số đo đó.',
  english: 'One machine, Linux or Windows: the same metrics under the same names. A panel is empty where a machine has no such thing.',
  from: 'now-6h',
  notes: [notes.alerts(',instance=~"$machine"'), notes.gone(here), notes.boots(here)],
  rows: [
    { title: 'Lúc này', panels: overview },
    { title: 'CPU và bộ nhớ', panels: load },
    { title: 'Ổ đĩa', panels: disks },
    { title: 'Mạng', panels: network },
    { title: 'Dịch vụ và kiểm tra', panels: services },
    { title: 'Phần cứng', panels: hardware },
  ],
});
