// Toàn tỉnh: which of the sites is slow or down, and since when.
import * as geomap from '@grafana/grafana-foundation-sdk/geomap';
import * as common from '@grafana/grafana-foundation-sdk/common';
import { notes, ofRow, page, toJourney, toMachine, toSite } from './page';
import { bad, fill, good, grey, lines, number, rows, Spec, warn } from './panels';
import { Place, places } from './places';

const here = 'site=~"$site",class=~"$class"';
const missing = (filter: string, by: string) =>
  `sum by (${by}) (max by (instance, site, site_name) (haidang_machine_state{state=~"vanished|silent",${filter}}))`;
const failing = (by: string) =>
  `sum by (${by}) (min by (journey, site, site_name) (max by (journey, step, site, site_name) (probe_success{${here}})) == bool 0)`;
const p95 = (by: string) => `histogram_quantile(0.95, sum by (le, ${by}) (rate(haidang_probe_latency_seconds_bucket{${here}}[$window])))`;
const busy = `1 - sum by (instance, site, site_name) (rate(node_cpu_seconds_total{mode=~"idle|iowait",${here}}[$__rate_interval]))`
  + ` / sum by (instance, site, site_name) (rate(node_cpu_seconds_total{${here}}[$__rate_interval]))`;
const diskFree = `min by (instance, site, site_name, mountpoint) (node_filesystem_avail_bytes{${here}} / (node_filesystem_size_bytes{${here}} > 0))`;
const memoryFree = `min by (instance, site, site_name) (node_memory_MemAvailable_bytes{${here}} / node_memory_MemTotal_bytes{${here}})`;

// A series a place, of one of its coordinates: so that the map needs no file beside the dashboard.
const perPlace = (value: (place: Place) => string) =>
  places.map((place) => `label_replace(${value(place)},"site","${place.code}","","")`).join(' or ');
const latitudes = perPlace(({ name, latitude }) => `label_replace(vector(${latitude}),"place","${name}","","")`);
const longitudes = perPlace(({ longitude }) => `vector(${longitude})`);
// Of each place -1; it also says which sites the map has: a row without a place would have nowhere to be drawn.
const nowhere = perPlace(() => 'vector(-1)');

function map(spec: Spec) {
  const builder = new geomap.PanelBuilder()
    .view(new geomap.MapViewConfigBuilder().id(geomap.MapCenterID.Coords).lat(21.2).lon(107.35).zoom(9).allLayers(true))
    .controls(new geomap.ControlsOptionsBuilder().showZoom(true).mouseWheelZoom(true).showAttribution(true).showScale(true))
    .basemap(new common.MapLayerOptionsBuilder().type('default').name('Bản đồ nền'))
    .tooltip(new geomap.TooltipOptionsBuilder().mode(geomap.TooltipMode.Details))
    .layers([
      new common.MapLayerOptionsBuilder().type('markers').name('Điểm').tooltip(true)
        .location(new common.FrameGeometrySourceBuilder().mode(common.FrameGeometrySourceMode.Coords)
          .latitude('Vĩ độ').longitude('Kinh độ'))
        .config({
          showLegend: true,
          style: {
            color: { field: 'Máy mất kết nối', fixed: 'green' },
            opacity: 0.7,
            size: { field: 'Số máy', fixed: 6, min: 6, max: 18 },
            symbol: { mode: 'fixed', fixed: 'img/icons/marker/circle.svg' },
            text: { mode: 'field', field: '', fixed: '' },
            textConfig: { fontSize: 12, offsetX: 0, offsetY: 0, textAlign: 'center', textBaseline: 'middle' },
            rotation: { mode: 'mod', fixed: 0, min: -360, max: 360 },
          },
        }),
    ]);
  const named = { site: 'Mã điểm', place: 'Đơn vị', 'Value #A': 'Máy mất kết nối', 'Value #B': 'Số máy', 'Value #C': 'Vĩ độ', 'Value #D': 'Kinh độ' };
  builder.withTransformation({ id: 'merge', options: {} });
  builder.withTransformation({ id: 'organize', options: { excludeByName: { Time: true }, indexByName: {}, renameByName: named } });
  return fill(builder, spec, 'table');
}

const overview = [
  number({
    title: 'Máy đang kết nối', text: 'Số máy đang kết nối với hệ thống giám sát.',
    english: 'Machines connected: how many are connected now.', unit: 'none', width: 4, steps: [[null, good]],
    queries: [{ expr: `sum(max by (instance) (haidang_machine_up{${here}})) or vector(0)` }],
  }),
  number({
    title: 'Máy chủ mất kết nối', text: 'Máy chủ mất kết nối hoặc im lặng; máy dừng có chủ đích thì không tính.',
    english: 'Servers missing: vanished or silent; not those stopped on purpose.', unit: 'none', width: 4,
    steps: [[null, good], [1, bad]],
    queries: [{ expr: `sum(max by (instance) (haidang_machine_state{state=~"vanished|silent",site=~"$site",class="server"})) or vector(0)` }],
  }),
  number({
    title: 'Máy trạm mất kết nối', text: 'Ban đêm máy trạm tắt là bình thường: tắt máy đúng cách thì không tính ở đây.',
    english: 'Workstations missing: those that were shut down in an orderly way do not count.', unit: 'none', width: 4,
    steps: [[null, good], [1, warn]],
    queries: [{ expr: `sum(max by (instance) (haidang_machine_state{state=~"vanished|silent",site=~"$site",class!="server"})) or vector(0)` }],
  }),
  number({
    title: 'Điểm mất kết nối', text: 'Điểm có máy mất kết nối mà không còn máy nào kết nối.',
    english: 'Sites offline: some machine is missing, and none is connected.',
    unit: 'none', width: 4, steps: [[null, good], [1, bad]],
    queries: [{
      expr: `count((sum by (site) (max by (instance, site) (haidang_machine_up{${here}})) == 0)`
        + ` and on (site) (${missing(here, 'site')} > 0)) or vector(0)`,
    }],
  }),
  number({
    title: 'Hành trình hỏng', text: 'Số hành trình × điểm có một bước hỏng ở mọi máy của điểm đang đi bước đó.',
    english: 'Journeys failing: journeys × sites with a step that fails on all of the site\'s machines that walk it.',
    unit: 'none',
    width: 4, steps: [[null, good], [1, bad]], queries: [{ expr: `sum(${failing('journey')}) or vector(0)` }],
  }),
  number({
    title: 'Phát hiện đang mở',
    text: 'Phát hiện đang mở của cả tỉnh, không theo điểm hay loại máy đã chọn. Lý do: trang Hải Đăng.',
    english: 'Open findings: of the whole province, whatever is chosen above. Their reasons stand on Hải Đăng\'s own page.',
    unit: 'none', width: 4, steps: [[null, good], [1, warn]],
    queries: [{ expr: 'sum(max by (kind) (haidang_collector_open_findings)) or vector(0)' }],
  }),
];

const whereabouts = [
  map({
    title: 'Bản đồ 54 đơn vị',
    text: 'Màu: số máy mất kết nối. Cỡ: số máy. Xám: nơi chưa có máy. Máy không thuộc xã, phường, đặc khu chỉ có trong bảng bên cạnh.',
    english: 'Map of the 54 units: colour: machines missing; size: machines; grey: none yet. Machines of other places stand in the table only.',
    unit: 'none', width: 12, height: 16, steps: [[null, grey], [0, good], [1, warn], [3, bad]],
    links: [toSite(ofRow('site'))],
    texts: { '-1': ['chưa có máy', grey] },
    overrides: [{ of: '/độ$/', unit: 'degree', decimals: 3 }],
    queries: [
      { expr: `${missing(here, 'site')} and on (site) (${nowhere}) or on (site) (${nowhere})` },
      { expr: `count by (site) (max by (instance, site) (haidang_machine_up{${here}})) and on (site) (${nowhere})` },
      { expr: latitudes },
      { expr: longitudes },
    ],
  }),
  rows({
    title: 'Các điểm', text: 'Mỗi điểm một dòng; bấm vào tên để xem điểm.',
    english: 'Sites: a row each; a name leads to the site.',
    unit: 'none', width: 12, height: 16,
    overrides: [
      { of: 'Điểm', links: [toSite(ofRow('site'))] },
      { of: 'Mã', width: 80 },
      { of: 'Mất kết nối', coloured: true, steps: [[null, 'transparent'], [1, warn]] },
      { of: 'Hành trình hỏng', coloured: true, steps: [[null, 'transparent'], [1, bad]] },
      { of: 'Đĩa còn ít nhất', unit: 'percentunit', coloured: true, steps: [[null, bad], [0.03, warn], [0.1, 'transparent']] },
      { of: 'Phản hồi p95', unit: 's', decimals: 2, coloured: true, steps: [[null, 'transparent'], [3, warn], [10, bad]] },
    ],
    queries: [
      { expr: `sum by (site, site_name) (max by (instance, site, site_name) (haidang_machine_up{${here}}))` },
      { expr: missing(here, 'site, site_name') },
      { expr: failing('site, site_name') },
      { expr: p95('site, site_name') },
      { expr: `min by (site, site_name) (${diskFree})` },
    ],
  }, { site_name: 'Điểm', site: 'Mã', A: 'Kết nối', B: 'Mất kết nối', C: 'Hành trình hỏng', D: 'Phản hồi p95', E: 'Đĩa còn ít nhất' }),
];

const journeys = [
  lines({
    title: 'Phản hồi p95 theo hành trình',
    text: '95 % số lần đi một bước nhanh hơn ngần này, tính trên cửa sổ đã chọn.',
    english: 'Response p95 by journey: 95 % of the runs of its steps take less, over the window chosen above.',
    unit: 's', min: 0, width: 12,
    steps: [[null, good], [3, warn]], links: [toJourney()], queries: [{ expr: p95('journey'), legend: '{{journey}}' }],
  }, { table: true, limits: true }),
  lines({
    title: 'Mười điểm chậm nhất', text: 'Phản hồi p95 của mọi bước, mười điểm chậm nhất ở từng thời điểm.',
    english: 'Ten slowest sites: response p95 over all steps, the ten slowest of each moment.',
    unit: 's', min: 0, width: 12,
    steps: [[null, good], [3, warn]],
    links: [toSite()], queries: [{ expr: `topk(10, ${p95('site, site_name')})`, legend: '{{site_name}}' }],
  }, { limits: true, points: true }),
  lines({
    title: 'Điểm không thực hiện được hành trình',
    text: 'Số điểm mà hành trình hỏng. Nhiều điểm cùng lúc: hệ thống hoặc đường truyền chung.',
    english: 'Sites where a journey fails: many at once means the system or a link that they share.',
    unit: 'none', min: 0, width: 12,
    links: [toJourney()], queries: [{ expr: failing('journey'), legend: '{{journey}}' }],
  }),
  lines({
    title: 'Khối lượng công việc mỗi giờ', text: 'Hồ sơ, yêu cầu… đã xử lý trong một giờ, theo hệ thống và loại.',
    english: 'Work done an hour: dossiers, requests, by system and kind.', unit: 'none', min: 0, width: 12,
    none: 'Chưa khai báo nguồn nào / no source of it is set up',
    queries: [{ expr: `sum by (system, kind) (rate(haidang_volume_total{${here}}[$window])) * 3600`, legend: '{{system}} {{kind}}' }],
  }),
];

const machines = [
  lines({
    title: 'Máy theo trạng thái',
    text: 'online: kết nối; stopped, suspended: tắt, ngủ có chủ đích; vanished: mất kết nối; silent: kết nối mà không gửi.',
    english: 'Machines by state: stopped and suspended are on purpose; vanished and silent are not.',
    unit: 'none', min: 0, width: 12,
    overrides: [{ of: 'online', colour: good }, { of: 'vanished', colour: bad }, { of: 'silent', colour: warn }, { of: 'stopped', colour: grey }, { of: 'suspended', colour: 'blue' }],
    queries: [{ expr: `sum by (state) (max by (instance, state) (haidang_machine_state{${here}}))`, legend: '{{state}}' }],
  }, { stacked: true }),
  lines({
    title: 'Mười máy bận CPU nhất', text: 'Phần CPU đang dùng, mười máy cao nhất ở từng thời điểm.',
    english: 'Ten machines with the busiest CPUs, of each moment.', unit: 'percentunit', min: 0, max: 1, width: 12,
    steps: [[null, good], [0.95, bad]],
    links: [toMachine()], queries: [{ expr: `topk(10, ${busy})`, legend: '{{instance}} ({{site_name}})' }],
  }, { limits: true, points: true }),
  rows({
    title: 'Ổ đĩa còn ít chỗ nhất', text: 'Hai mươi ổ đĩa còn ít phần trăm nhất.',
    english: 'Fullest disks: the twenty with the least left.',
    unit: 'percentunit', width: 12,
    overrides: [
      { of: 'Máy', links: [toMachine(ofRow('instance'))] },
      { of: 'Còn lại', coloured: true, steps: [[null, bad], [0.03, warn], [0.1, good]] },
    ],
    queries: [{ expr: `bottomk(20, ${diskFree})` }],
  }, { site_name: 'Điểm', instance: 'Máy', mountpoint: 'Ổ', A: 'Còn lại' }),
  rows({
    title: 'Máy còn ít bộ nhớ nhất', text: 'Hai mươi máy còn ít phần trăm bộ nhớ (RAM) nhất.',
    english: 'Least memory left: twenty machines.',
    unit: 'percentunit', width: 12,
    overrides: [
      { of: 'Máy', links: [toMachine(ofRow('instance'))] },
      { of: 'Còn lại', coloured: true, steps: [[null, bad], [0.05, warn], [0.1, good]] },
    ],
    queries: [{ expr: `bottomk(20, ${memoryFree})` }],
  }, { site_name: 'Điểm', instance: 'Máy', A: 'Còn lại' }),
];

export const province = () => page({
  name: 'province',
  text: 'Cả tỉnh trên một trang: điểm nào chậm hoặc mất kết nối, từ khi nào.',
  english: 'The whole province: which sites are slow or down, and since when.',
  from: 'now-6h',
  notes: [notes.alerts(), notes.findings()],
  links: [{ title: 'Trang Hải Đăng', url: '${pages}/', tooltip: 'Trang trực tiếp / live page' }],
  rows: [
    { title: 'Lúc này', panels: overview },
    { title: 'Ở đâu', panels: whereabouts },
    { title: 'Hệ thống một cửa', panels: journeys },
    { title: 'Máy', panels: machines },
  ],
});
