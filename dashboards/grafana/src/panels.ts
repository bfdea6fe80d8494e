// Panels: what each of ours says, put into the builders of Grafana's SDK.
import * as barchart from '@grafana/grafana-foundation-sdk/barchart';
import * as bargauge from '@grafana/grafana-foundation-sdk/bargauge';
import * as cog from '@grafana/grafana-foundation-sdk/cog';
import * as common from '@grafana/grafana-foundation-sdk/common';
import * as dashboard from '@grafana/grafana-foundation-sdk/dashboard';
import * as heatmap from '@grafana/grafana-foundation-sdk/heatmap';
import * as prometheus from '@grafana/grafana-foundation-sdk/prometheus';
import * as stat from '@grafana/grafana-foundation-sdk/stat';
import * as statetimeline from '@grafana/grafana-foundation-sdk/statetimeline';
import * as table from '@grafana/grafana-foundation-sdk/table';
import * as timeseries from '@grafana/grafana-foundation-sdk/timeseries';

export const source = { type: 'prometheus', uid: '${datasource}' };

export interface Query {
  expr: string;
  legend?: string;
}
export interface Link {
  title: string;
  url: string;
}
// [from this value on, colour]; the first from -∞ on.
export type Steps = [number | null, string][];
export interface Override {
  of: string;  // a field's name, or /a regular expression/
  unit?: string;
  decimals?: number;
  width?: number;
  steps?: Steps;
  texts?: Record<string, [string, string]>;
  links?: Link[];
  colour?: string;
  coloured?: boolean;  // the cell, by its thresholds
}
export interface Spec {
  title: string;
  text: string;  // what it shows, in Vietnamese
  english: string;  // title: and the same in English
  unit: string;
  queries: Query[];
  width: number;  // of 24
  height?: number;
  min?: number;
  max?: number;
  decimals?: number;
  steps?: Steps;
  texts?: Record<string, [string, string]>;  // of values: text and colour
  links?: Link[];
  overrides?: Override[];
  none?: string;  // said where there is no data
}

// What all builders of panels have.
interface Builder extends cog.Builder<dashboard.Panel> {
  title(title: string): unknown;
  description(description: string): unknown;
  datasource(datasource: common.DataSourceRef): unknown;
  height(h: number): unknown;
  span(w: number): unknown;
  unit(unit: string): unknown;
  decimals(decimals: number): unknown;
  min(min: number): unknown;
  max(max: number): unknown;
  noValue(text: string): unknown;
  mappings(mappings: dashboard.ValueMapping[]): unknown;
  thresholds(thresholds: cog.Builder<dashboard.ThresholdsConfig>): unknown;
  dataLinks(links: cog.Builder<dashboard.DashboardLink>[]): unknown;
  withTarget(target: cog.Builder<cog.Dataquery>): unknown;
  withOverride(override: { matcher: dashboard.MatcherConfig; properties: dashboard.DynamicConfigValue[] }): unknown;
}

export const good = 'green';
export const warn = 'orange';
export const bad = 'red';
export const grey = 'text';

const thresholds = (steps: Steps) => ({
  mode: dashboard.ThresholdsMode.Absolute,
  steps: steps.map(([value, color]) => ({ value, color })),
});
const mapping = (texts: Record<string, [string, string]>): dashboard.ValueMapping => ({
  type: dashboard.MappingType.ValueToText,
  options: Object.fromEntries(Object.entries(texts).map(([value, [text, color]], index) => [value, { text, color, index }])),
});

function override(one: Override) {
  const properties: dashboard.DynamicConfigValue[] = [];
  const set = (id: string, value: unknown) => properties.push({ id, value });
  if (one.unit !== undefined) set('unit', one.unit);
  if (one.decimals !== undefined) set('decimals', one.decimals);
  if (one.width !== undefined) set('custom.width', one.width);
  if (one.steps !== undefined) set('thresholds', thresholds(one.steps));
  if (one.texts !== undefined) set('mappings', [mapping(one.texts)]);
  if (one.links !== undefined) set('links', one.links);
  if (one.colour !== undefined) set('color', { mode: 'fixed', fixedColor: one.colour });
  if (one.coloured) set('custom.cellOptions', { type: 'color-background', mode: 'basic' });
  const regular = one.of.startsWith('/');
  return { matcher: { id: regular ? 'byRegexp' : 'byName', options: one.of }, properties };
}

export type How = 'range' | 'instant' | 'table' | 'heatmap';

export function fill(builder: Builder, spec: Spec, how: How): cog.Builder<dashboard.Panel> {
  builder.title(spec.title);
  builder.description(`${spec.text}\n\n*${spec.english}*`);
  builder.datasource(source);
  builder.span(spec.width);
  builder.height(spec.height ?? 8);
  builder.unit(spec.unit);
  if (spec.min !== undefined) builder.min(spec.min);
  if (spec.max !== undefined) builder.max(spec.max);
  if (spec.decimals !== undefined) builder.decimals(spec.decimals);
  if (spec.none !== undefined) builder.noValue(spec.none);
  if (spec.texts !== undefined) builder.mappings([mapping(spec.texts)]);
  const steps = thresholds(spec.steps ?? [[null, good]]);
  builder.thresholds(new dashboard.ThresholdsConfigBuilder().mode(steps.mode).steps(steps.steps));
  spec.queries.forEach(({ expr, legend }, index) => {
    const query = new prometheus.DataqueryBuilder().refId(String.fromCharCode(65 + index)).expr(expr).datasource(source);
    if (legend !== undefined) query.legendFormat(legend);
    if (how === 'range' || how === 'heatmap') query.range();
    else query.instant();
    query.format(how === 'table' ? prometheus.PromQueryFormat.Table
      : how === 'heatmap' ? prometheus.PromQueryFormat.Heatmap : prometheus.PromQueryFormat.TimeSeries);
    builder.withTarget(query);
  });
  if (spec.links !== undefined) builder.dataLinks(spec.links.map(({ title, url }) => new dashboard.DashboardLinkBuilder(title).url(url)));
  for (const one of spec.overrides ?? []) builder.withOverride(override(one));
  return builder;
}

const legend = (table: boolean) => new common.VizLegendOptionsBuilder()
  .showLegend(true)
  .displayMode(table ? common.LegendDisplayMode.Table : common.LegendDisplayMode.List)
  .placement(common.LegendPlacement.Bottom)
  .calcs(table ? ['lastNotNull', 'mean', 'max'] : []);
const tooltip = () => new common.VizTooltipOptionsBuilder()
  .mode(common.TooltipDisplayMode.Multi)
  .sort(common.SortOrder.Descending);

export interface LineOptions {
  stacked?: boolean;
  table?: boolean;  // the legend, with last, mean and largest value
  limits?: boolean;  // thresholds are drawn
  points?: boolean;  // values that stand alone are seen
}

export function lines(spec: Spec, options: LineOptions = {}) {
  const builder = new timeseries.PanelBuilder()
    .lineWidth(1)
    .fillOpacity(options.stacked ? 40 : 8)
    .showPoints(options.points ? common.VisibilityMode.Auto : common.VisibilityMode.Never)
    .spanNulls(false)
    .legend(legend(options.table ?? false))
    .tooltip(tooltip());
  if (options.stacked) builder.stacking(new common.StackingConfigBuilder().mode(common.StackingMode.Normal).group('A'));
  if (options.limits) {
    builder.thresholdsStyle(new common.GraphThresholdsStyleConfigBuilder().mode(common.GraphThresholdsStyleMode.Dashed));
  }
  return fill(builder, spec, 'range');
}

const lastValue = () => new common.ReduceDataOptionsBuilder().calcs(['lastNotNull']).fields('').values(false);

export function number(spec: Spec) {
  const builder = new stat.PanelBuilder()
    .colorMode(common.BigValueColorMode.Background)
    .graphMode(common.BigValueGraphMode.None)
    .textMode(common.BigValueTextMode.Auto)
    .reduceOptions(lastValue());
  return fill(builder, { height: 4, ...spec }, 'instant');
}

export function bars(spec: Spec) {
  const builder = new bargauge.PanelBuilder()
    .displayMode(common.BarGaugeDisplayMode.Basic)
    .orientation(common.VizOrientation.Horizontal)
    .reduceOptions(lastValue());
  return fill(builder, spec, 'instant');
}

export function stateLines(spec: Spec) {
  const builder = new statetimeline.PanelBuilder()
    .mergeValues(true)
    .showValue(common.VisibilityMode.Never)
    .fillOpacity(80)
    .lineWidth(0)
    .rowHeight(0.9)
    .legend(legend(false));
  return fill(builder, spec, 'range');
}

export function heat(spec: Spec) {
  const builder = new heatmap.PanelBuilder()
    .calculate(false)
    .yAxis(new heatmap.YAxisConfigBuilder().unit(spec.unit))
    .tooltip(new heatmap.HeatmapTooltipBuilder().mode(common.TooltipDisplayMode.Single).yHistogram(true))
    .showLegend();
  return fill(builder, spec, 'heatmap');
}

// Columns, in this order: a label, or A, B… for a query's value; and what it is called.
export interface Columns {
  [field: string]: string;
}

// One row for what the queries' results have in common; what is not a column is left out.
export function rows(spec: Spec, columns: Columns) {
  const fieldOf = (name: string) => (/^[A-Z]$/.test(name) ? (spec.queries.length > 1 ? `Value #${name}` : 'Value') : name);
  const fields = Object.keys(columns).map(fieldOf);
  const builder = new table.PanelBuilder()
    .showHeader(true)
    .filterable(true)
    .cellHeight(common.TableCellHeight.Sm);
  if (spec.queries.length > 1) builder.withTransformation({ id: 'merge', options: {} });
  builder.withTransformation({ id: 'filterFieldsByName', options: { include: { names: fields } } });
  builder.withTransformation({
    id: 'organize',
    options: {
      excludeByName: {},
      indexByName: Object.fromEntries(fields.map((field, index) => [field, index])),
      renameByName: Object.fromEntries(Object.entries(columns).map(([name, title]) => [fieldOf(name), title])),
    },
  });
  return fill(builder, spec, 'table');
}

// A bar for each value of the label `rowLabel`, stacked of the values of the label `part`.
export function columns(spec: Spec, rowLabel: string, part: string) {
  const builder = new barchart.PanelBuilder()
    .xField(`${rowLabel}\\${part}`)
    .orientation(common.VizOrientation.Horizontal)
    .stacking(common.StackingMode.Normal)
    .showValue(common.VisibilityMode.Auto)
    .legend(legend(false))
    .tooltip(tooltip());
  builder.withTransformation({
    id: 'groupingToMatrix', options: { columnField: part, rowField: rowLabel, valueField: 'Value', emptyValue: 'zero' },
  });
  return fill(builder, spec, 'table');
}
