// Writes the dashboards into the folder that is named: node build/generate.js dashboards
import * as fs from 'node:fs';
import * as path from 'node:path';
import { machine } from './machine';
import { onestop } from './onestop';
import { province } from './province';
import { self } from './self';
import { site } from './site';

const folder = process.argv[2];
if (folder === undefined) {
  console.error('generate: name the folder to write into');
  process.exit(2);
}
fs.mkdirSync(folder, { recursive: true });
for (const make of [province, site, machine, onestop, self]) {
  const dashboard = make();
  fs.writeFileSync(path.join(folder, `${dashboard.uid}.json`), `${JSON.stringify(dashboard, null, 2)}\n`);
}
