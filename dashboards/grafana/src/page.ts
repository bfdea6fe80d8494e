// What all dashboards have: identity, variables, links from one to the next, annotations.
import type * as cog from '@grafana/grafana-foundation-sdk/cog';
import * as dashboard from '@grafana/grafana-foundation-sdk/dashboard';
import { source } from './panels';

export const uids = {
  province: 'haidang-tinh',
  site: 'haidang-diem',
  machine: 'haidang-may',
  onestop: 'haidang-mot-cua',
  self: 'haidang-tu-giam-sat',
} as const;
export type Name = keyof typeof uids;

const titles: Record<Name, string> = {
  province: 'Hải Đăng: Toàn tỉnh',
  site: 'Hải Đăng: Điểm',
  machine: 'Hải Đăng: Máy',
  onestop: 'Hải Đăng: Hệ thống một cửa',
  self: 'Hải Đăng tự giám sát',
};

const kept = '${datasource:queryparam}&${__url_time_range}';
// Data links; `value` is where the label stands: that of a series, or ofRow(label) in tables and maps.
export const toSite = (value = '${__field.labels.site}') => ({
  title: 'Xem điểm này / This site', url: `/d/${uids.site}?var-site=${value}&${kept}`,
});
export const toMachine = (value = '${__field.labels.instance}') => ({
  title: 'Xem máy này / This machine', url: `/d/${uids.machine}?var-machine=${value}&${kept}`,
});
export const toJourney = (value = '${__field.labels.journey}') => ({
  title: 'Xem hành trình này / This journey', url: `/d/${uids.onestop}?var-journey=${value}&${kept}`,
});
// The label of a table's row.
export const ofRow = (label: string) => '${__data.fields.' + label + '}';

type Variable = cog.Builder<dashboard.VariableModel>;
const all = { text: 'Tất cả', value: '$__all', selected: true };

interface Choice {
  name: string;
  label: string;
  text: string;
  query: string;
  regex?: string;
  many: boolean;
}

function choice({ name, label, text, query, regex, many }: Choice): Variable {
  const builder = new dashboard.QueryVariableBuilder(name)
    .label(label)
    .description(text)
    .datasource(source)
    .query({ query, refId: 'A' })
    .refresh(dashboard.VariableRefresh.OnTimeRangeChanged)
    .sort(dashboard.VariableSort.AlphabeticalCaseInsensitiveAsc)
    .multi(many)
    .includeAll(many);
  if (many) builder.allValue('.*').current(all);
  if (regex !== undefined) builder.regex(regex);
  return builder;
}

const makers: Record<string, (many: boolean) => Variable> = {
  datasource: () => new dashboard.DatasourceVariableBuilder('datasource')
    .label('Nguồn dữ liệu')
    .description('Prometheus hoặc VictoriaMetrics. / Data source.')
    .type('prometheus'),
  // Its text is the place's name, its value the code.
  site: (many) => choice({
    name: 'site', label: 'Điểm', text: 'Xã, phường, đặc khu. / Site.', many,
    query: 'query_result(count by (site, site_name) (haidang_machine_up))',
    regex: '/site="(?<value>[^"]*)".*site_name="(?<text>[^"]*)"/',
  }),
  class: (many) => choice({
    name: 'class', label: 'Loại máy', text: 'Máy chủ, máy trạm… / Class of machine.', many,
    query: 'label_values(haidang_machine_up, class)',
  }),
  machine: (many) => choice({
    name: 'machine', label: 'Máy', text: 'Máy (nhãn instance). / Machine.', many,
    query: 'label_values(haidang_machine_up{site=~"$site",class=~"$class"}, instance)',
  }),
  journey: (many) => choice({
    name: 'journey', label: 'Hành trình', text: 'Hành trình qua hệ thống một cửa. / Journey.', many,
    query: 'label_values(probe_success, journey)',
  }),
  step: (many) => choice({
    name: 'step', label: 'Bước', text: 'Bước của hành trình. / Step.', many,
    query: 'label_values(probe_success{journey=~"$journey"}, step)',
  }),
  window: () => new dashboard.IntervalVariableBuilder('window')
    .label('Cửa sổ tính')
    .description('Phân vị và tỷ lệ tính trên khoảng này. / Quantiles and ratios are of this long.')
    .values('5m,15m,30m,1h,6h')
    .current({ text: '15m', value: '15m', selected: true })
    .options(['5m', '15m', '30m', '1h', '6h'].map((value) => ({ text: value, value, selected: value === '15m' }))),
  // Where haidang-server's own pages stand: what no metric tells, such as verdicts in words.
  pages: () => new dashboard.TextBoxVariableBuilder('pages')
    .label('Trang Hải Đăng')
    .description('Địa chỉ của haidang-server, để mở trang của Hải Đăng. / Where haidang-server is.')
    .defaultValue('https://hai-dang.quang-ninh.example'),
};

type Size = 'one' | 'many';
// The variables of each dashboard, in their order: later ones may ask for earlier ones.
const variables: Record<Name, Record<string, Size>> = {
  province: { datasource: 'one', site: 'many', class: 'many', window: 'one', pages: 'one' },
  site: { datasource: 'one', site: 'one', class: 'many', window: 'one' },
  machine: { datasource: 'one', site: 'many', class: 'many', machine: 'one' },
  onestop: { datasource: 'one', journey: 'many', step: 'many', site: 'many', window: 'one', pages: 'one' },
  self: { datasource: 'one', site: 'many', class: 'many', machine: 'many' },
};

// A link takes along what both have; "all" of many is no choice where one is to be chosen.
function linkTo(to: Name, from: Name) {
  const carried = Object.keys(variables[to])
    .filter((name) => name in variables[from] && !(variables[from][name] === 'many' && variables[to][name] === 'one'));
  return new dashboard.DashboardLinkBuilder(titles[to]).type(dashboard.DashboardLinkType.Link)
    .url(`/d/${uids[to]}?${carried.map((name) => '${' + name + ':queryparam}').join('&')}`)
    .icon('dashboard').tooltip(titles[to]).keepTime(true);
}

export interface Note {
  name: string;
  expr: string;
  title: string;
  text: string;
  colour: string;
}

// Marks where the expression has a value above 0.
function note({ name, expr, title, text, colour }: Note): cog.Builder<dashboard.AnnotationQuery> {
  return new dashboard.AnnotationQueryBuilder().name(name).datasource(source).enable(true).iconColor(colour)
    .expr(expr).step('60s').titleFormat(title).textFormat(text);
}

export const notes = {
  alerts: (filter = ''): Note => ({
    name: 'Cảnh báo / Alerts', colour: 'red',
    expr: `max by (alertname, severity, instance, site_name, journey) (ALERTS{alertstate="firing",alertname!="HaidangWatchdog"${filter}})`,
    title: '{{alertname}}', text: '{{site_name}} {{instance}} {{journey}} ({{severity}})',
  }),
  findings: (): Note => ({
    name: 'Phát hiện mới / New findings', colour: 'orange',
    expr: 'max by (kind) (haidang_collector_open_findings) - max by (kind) (haidang_collector_open_findings offset 1m) > 0',
    title: 'Phát hiện mới: {{kind}}', text: 'Xem trang Hải Đăng để biết lý do. / Its reason is on Hải Đăng\'s page.',
  }),
  gone: (filter: string): Note => ({
    name: 'Máy mất kết nối / Machines vanished', colour: 'purple',
    expr: `max by (instance, site_name) (haidang_machine_state{state="vanished",${filter}}) > 0`,
    title: '{{instance}} mất kết nối', text: '{{site_name}}',
  }),
  boots: (filter: string): Note => ({
    name: 'Khởi động lại / Boots', colour: 'blue',
    expr: `max by (instance) (node_boot_time_seconds{${filter}}) - max by (instance) (node_boot_time_seconds{${filter}} offset 2m) > 60`,
    title: '{{instance}} khởi động lại', text: 'Máy đã khởi động lại trong 2 phút qua. / Booted within 2 minutes.',
  }),
};

export interface Row {
  title: string;
  panels: cog.Builder<dashboard.Panel>[];
}
export interface Page {
  name: Name;
  text: string;
  english: string;
  from: string;
  notes: Note[];
  rows: Row[];
  links?: { title: string; url: string; tooltip: string }[];
}

// The SDK sets the one place that it knows, a menu, where Grafana 12 hides links and annotations: they are to be seen.
function showControls(built: dashboard.Dashboard) {
  const dataLinks = built.panels!.flatMap((panel) => ('fieldConfig' in panel ? panel.fieldConfig?.defaults.links ?? [] : []));
  for (const one of [...built.links ?? [], ...built.annotations?.list ?? [], ...dataLinks]) delete one.placement;
}

export function page(one: Page): dashboard.Dashboard {
  const builder = new dashboard.DashboardBuilder(titles[one.name])
    .uid(uids[one.name])
    .description(`${one.text}\n\n${one.english}`)
    .tags(['haidang'])
    .timezone('browser')
    .weekStart('monday')
    .time({ from: one.from, to: 'now' })
    .refresh('30s')
    .tooltip(dashboard.DashboardCursorSync.Crosshair)
    .editable();
  for (const name of Object.keys(uids) as Name[]) {
    if (name !== one.name) builder.link(linkTo(name, one.name));
  }
  for (const { title, url, tooltip } of one.links ?? []) {
    builder.link(new dashboard.DashboardLinkBuilder(title).type(dashboard.DashboardLinkType.Link)
      .url(url).icon('external link').tooltip(tooltip).targetBlank(true));
  }
  for (const [name, size] of Object.entries(variables[one.name])) builder.withVariable(makers[name](size === 'many'));
  one.notes.forEach((single) => builder.annotation(note(single)));
  for (const row of one.rows) {
    builder.withRow(new dashboard.RowBuilder(row.title));
    row.panels.forEach((panel) => builder.withPanel(panel));
  }
  const built = builder.build();
  built.panels!.forEach((panel, index) => {
    panel.id = index + 1;
  });
  showControls(built);
  return built;
}
