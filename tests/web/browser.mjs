// Headless Chromium, as a person with an empty browser would open a page.
import path from 'node:path';
import { after } from 'node:test';

import { chromium } from 'playwright-core';

const executablePath = '/usr/bin/chromium';
const args = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
  '--disable-component-update', '--disable-sync'];

// A browser that is closed after the tests of this file; `site` is the only address its pages may ask,
// `artefacts` the folder of its pictures.
export async function makeBrowser(site, artefacts) {
  const browser = await chromium.launch({ executablePath, args });
  after(() => browser.close());
  return {
    // A tab whose console errors, failed requests and requests to elsewhere are kept in `faults`;
    // without an address it is empty.
    async open(address = '/', options = {}) {
      const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, locale: 'vi-VN', ...options });
      const page = await context.newPage();
      page.faults = [];
      page.on('console', (message) => message.type() === 'error' && page.faults.push(message.text()));
      page.on('pageerror', (error) => page.faults.push(error.message));
      page.on('request', (request) => {
        if (!request.url().startsWith(site)) page.faults.push(`asks elsewhere: ${request.url()}`);
      });
      if (address) await page.goto(site + address);
      return page;
    },
    picture: (page, name) => page.screenshot({ path: path.join(artefacts, `${name}.png`), fullPage: true }),
  };
}

// How many pixels a page is wider than its window.
export const tooWide = (page) =>
  page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);

// Milliseconds that what one of a page's scripts begins runs while `what` lasts. The collecting of garbage
// is not counted: it is of this test, too.
export async function scripting(page, script, what) {
  const session = await page.context().newCDPSession(page);
  await session.send('Profiler.enable');
  await session.send('Profiler.start');
  await what();
  const { nodes, samples, timeDeltas } = (await session.send('Profiler.stop')).profile;
  const own = new Set();  // parents stand before their children
  for (const { id, callFrame, children = [] } of nodes) {
    if (callFrame.url.endsWith(script)) own.add(id);
    if (own.has(id)) for (const child of children) own.add(child);
  }
  return samples.reduce((sum, id, i) => sum + (own.has(id) ? timeDeltas[i] / 1000 : 0), 0);
}

export const phone = { viewport: { width: 360, height: 740 }, hasTouch: true, isMobile: true };

// What a page must never say.
export const nonsense = /undefined|NaN|Invalid Date|\bnull\b|\[object|\{\w+\}|\b(?:told|ledger|lost|fact|event|events|missing|machine|journeys|troubles?|culprit|certainty|list|step|phase|run|objectives?|window|alarm|load|reason|kind)\.[a-zA-Z_]+\b/;
