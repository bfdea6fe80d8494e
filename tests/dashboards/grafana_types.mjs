// A dashboard's JSON as TypeScript that compiles only where it has the types of Grafana's SDK.

// What JSON has of a type: the values of its enums, none of its functions.
const prelude = `
import type * as common from '@grafana/grafana-foundation-sdk/common';
import type * as dashboard from '@grafana/grafana-foundation-sdk/dashboard';
import type * as prometheus from '@grafana/grafana-foundation-sdk/prometheus';
type Plain<T> = 0 extends 1 & T ? any
  : T extends string ? \`\${T}\`
  : T extends number | boolean | null | undefined ? T
  : T extends (infer U)[] ? Plain<U>[]
  : { [K in keyof T as T[K] extends Function ? never : K]: Plain<T[K]> };
type Page = Omit<Plain<dashboard.Dashboard>, 'panels' | 'annotations'>;
type Note = Plain<dashboard.AnnotationQuery>;
type Row = Plain<dashboard.RowPanel>;
type Panel<Options, Custom> = Omit<Plain<dashboard.Panel>, 'targets' | 'options' | 'fieldConfig'> & {
  targets: Plain<prometheus.Dataquery>[];
  options: Plain<Options>;
  fieldConfig: {
    defaults: Omit<Plain<dashboard.FieldConfig>, 'custom'> & { custom?: Plain<Custom> };
    overrides: Plain<dashboard.FieldConfigSource>['overrides'];
  };
};
`;

// What fields of a kind of panel have of their own: in the SDK's module of the panel, or in the one that several share.
const custom = {
  timeseries: 'common.GraphFieldConfig', table: 'common.TableFieldOptions', barchart: 'barchart.FieldConfig', heatmap: 'heatmap.FieldConfig',
  statetimeline: 'statetimeline.FieldConfig', stat: 'never', bargauge: 'never', geomap: 'common.HideableFieldConfig',
};
const moduleOf = (type) => type.replaceAll('-', '');

function typesOf(page) {
  const { panels, annotations, ...rest } = page;
  const name = page.uid.replaceAll('-', '_');
  const types = [...new Set(panels.map(({ type }) => type).filter((type) => type !== 'row'))];
  const modules = types.map((type) => `import type * as ${moduleOf(type)} from '@grafana/grafana-foundation-sdk/${moduleOf(type)}';`);
  const declare = (what, type, value) => `export const ${name}_${what}: ${type} = ${JSON.stringify(value)};`;
  return { modules, text: [
    declare('page', 'Page', rest),
    declare('notes', 'Note[]', annotations.list),
    ...panels.map((panel) => {
      const type = panel.type === 'row' ? 'Row' : `Panel<${moduleOf(panel.type)}.Options, ${custom[moduleOf(panel.type)]}>`;
      return declare(`panel_${panel.id}`, type, panel);
    }),
  ].join('\n') };
}

// One file for all of them.
export function typeCheck(pages) {
  const parts = pages.map(typesOf);
  return [...new Set(parts.flatMap(({ modules }) => modules)), prelude, ...parts.map(({ text }) => text)].join('\n');
}
