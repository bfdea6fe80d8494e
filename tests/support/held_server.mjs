// A TLS server that holds every answer back for a while and says for how long it did: what a client measures can be
// held against it. `node held_server.mjs CERT KEY`: prints its port, takes requests until its input ends, then prints
// {path: [milliseconds held, …]} in the order of requests.
import fs from 'node:fs';
import https from 'node:https';

const [cert, key] = process.argv.slice(2);
const [least, most] = [20, 200];  // ms that an answer is held
const held = new Map();
const body = `<html><body>${'x'.repeat(4000)} so-ket-qua</body></html>`;

const server = https.createServer({ cert: fs.readFileSync(cert), key: fs.readFileSync(key) }, (request, response) => {
  const begun = process.hrtime.bigint();
  const times = held.get(request.url) ?? held.set(request.url, []).get(request.url);
  const place = times.push(undefined) - 1;
  setTimeout(() => {
    times[place] = Number(process.hrtime.bigint() - begun) / 1e6;
    response.writeHead(200, { 'content-type': 'text/html', 'content-length': body.length });
    response.end(body);
  }, least + Math.random() * (most - least));
});
server.listen(0, '127.0.0.1', () => console.log(server.address().port));
process.stdin.on('end', () => {
  process.stdout.write(`${JSON.stringify(Object.fromEntries(held))}\n`, () => process.exit(0));
});
process.stdin.resume();
