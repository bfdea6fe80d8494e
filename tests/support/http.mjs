// Small HTTP clients for tests and the demo, on Node's standard library.
import http from 'node:http';
import https from 'node:https';

// {status, headers, text}; throws where nobody answers within `timeout` ms.
export function request(url, { method = 'GET', headers, body, ca, timeout = 10000 } = {}) {
  return new Promise((resolve, reject) => {
    const client = url.startsWith('https:') ? https : http;
    const call = client.request(url, { method, headers, ca, agent: false, timeout }, (answer) => {
      const parts = [];
      answer.on('data', (part) => parts.push(part));
      answer.on('error', reject);
      answer.on('end', () => {
        const text = Buffer.concat(parts).toString('utf8');
        resolve({ status: answer.statusCode, headers: answer.headers, text });
      });
    });
    call.on('timeout', () => call.destroy(new Error(`${url}: no answer within ${timeout} ms`)));
    call.on('error', reject);
    call.end(body);
  });
}

export async function getText(url, options) {
  const answer = await request(url, options);
  if (answer.status !== 200) throw new Error(`${url}: ${answer.status} ${answer.text.slice(0, 200)}`);
  return answer.text;
}

export const getJson = async (url, options) => JSON.parse(await getText(url, options));

// Reads server-sent events as a browser does, and calls `heard({event, data, id})`; gives a function that ends it.
export function listen(url, heard, failed = () => {}) {
  const call = http.get(url, { headers: { accept: 'text/event-stream' }, agent: false }, (answer) => {
    if (answer.statusCode !== 200 || !/^text\/event-stream/.test(answer.headers['content-type'])) {
      failed(new Error(`${url}: ${answer.statusCode} ${answer.headers['content-type']}`));
      call.destroy();
      return;
    }
    let text = '';
    answer.setEncoding('utf8');
    answer.on('data', (part) => {
      text += part;
      for (let end; (end = text.indexOf('\n\n')) >= 0; text = text.slice(end + 2)) {
        const event = { event: 'message', data: '' };
        for (const line of text.slice(0, end).split('\n')) {
          const [, field, value] = /^([^:]*):? ?(.*)$/.exec(line);
          if (field === 'data') event.data += (event.data ? '\n' : '') + value;
          else if (field === 'event' || field === 'id') event[field] = value;
        }
        if (event.data) heard(event);
      }
    });
    answer.on('error', failed);
    answer.on('end', () => failed(new Error(`${url}: the stream ended`)));
  });
  call.on('error', failed);
  return () => call.destroy();
}

// Prometheus' text format as [{name, labels, value}].
export function parseMetrics(text) {
  const samples = [];
  for (const line of text.split('\n')) {
    const match = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)(?: \d+)?$/.exec(line);
    if (!match) continue;
    const labels = {};
    for (const [, key, value] of (match[2] ?? '').matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)) {
      labels[key] = value.replace(/\\(.)/g, (_, c) => (c === 'n' ? '\n' : c));
    }
    samples.push({ name: match[1], labels, value: Number(match[3].replace('Inf', 'Infinity')) });
  }
  return samples;
}
