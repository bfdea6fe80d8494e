// Where alerts go: a receiver of Alertmanager's webhooks, a stand-in for Telegram's bots, and a mail server that takes mail
// only over TLS from who signs in. Each keeps what it got, with the time (ms since 1970) at which it had it whole.
import fs from 'node:fs';
import http from 'node:http';
import net from 'node:net';
import tls from 'node:tls';

const listening = (server) => new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(server.address().port)));

// {port, calls: [{at, path, body}], close()}; answers every POST of JSON with 200 and `answer`.
export async function httpSink(answer = {}) {
  const calls = [];
  const server = http.createServer((call, reply) => {
    let text = '';
    call.setEncoding('utf8').on('data', (part) => (text += part));
    call.on('end', () => {
      calls.push({ at: Date.now(), path: call.url, body: JSON.parse(text) });
      reply.setHeader('content-type', 'application/json');
      reply.end(JSON.stringify(answer));
    });
  });
  return { port: await listening(server), calls, close: () => (server.close(), server.closeAllConnections()) };
}

// What Telegram says to a message that it has sent on.
export const telegramAnswer = { ok: true, result: { message_id: 1, date: 1, chat: { id: -1000000000000, type: 'group' } } };

// {port, mails: [{at, to: [address], subject, text}], close()}; cert and key are files.
export async function mailSink({ cert, key }) {
  const mails = [];
  const secureContext = tls.createSecureContext({ cert: fs.readFileSync(cert), key: fs.readFileSync(key) });
  const sockets = new Set();
  const server = net.createServer((socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket)).on('error', () => {});
    socket.write('220 localhost ESMTP\r\n');
    converse(socket, { secureContext, mails });
  });
  const port = await listening(server);
  return { port, mails, close: () => (server.close(), sockets.forEach((socket) => socket.destroy())) };
}

// One side of RFC 5321, as far as a client that has mail to send makes use of it.
function converse(socket, { secureContext, mails }, safe = false) {
  let buffer = '';
  let mail;  // under way
  let data = false;
  let signedIn = false;
  const say = (line) => socket.write(`${line}\r\n`);
  const obey = (line) => {
    const verb = line.slice(0, 4).toUpperCase();
    if (verb === 'EHLO') return say(safe ? '250-localhost\r\n250 AUTH PLAIN' : '250-localhost\r\n250 STARTTLS');
    if (verb === 'STAR' && !safe) {
      say('220 go ahead');
      socket.removeListener('data', take);
      const secure = new tls.TLSSocket(socket, { isServer: true, secureContext });
      secure.on('error', () => {});
      return converse(secure, { secureContext, mails }, true);
    }
    if (verb === 'AUTH' && safe) {
      const [, name, password] = Buffer.from(line.split(' ')[2], 'base64').toString().split('\0');
      signedIn = Boolean(name && password);
      return say(signedIn ? '235 welcome' : '535 name and password');
    }
    if (verb === 'QUIT') return socket.end('221 bye\r\n');
    if (!signedIn) return say('530 sign in first');
    if (verb === 'MAIL') mail = { to: [] };
    else if (verb === 'RCPT') mail.to.push(line.match(/<(.*)>/)[1]);
    else if (verb === 'DATA') return (data = true), say('354 end with a dot');
    else return say('502 not known here');
    say('250 ok');
  };
  const take = (part) => {
    buffer += part.toString('latin1');
    for (;;) {
      const end = buffer.indexOf(data ? '\r\n.\r\n' : '\r\n');
      if (end < 0) return;
      const text = buffer.slice(0, end);
      buffer = buffer.slice(end + (data ? 5 : 2));
      if (!data) {
        obey(text);
        continue;
      }
      data = false;
      mails.push({ at: Date.now(), to: mail.to, ...readMail(text) });
      say('250 taken');
    }
  };
  socket.on('data', take);
}

const quotedPrintable = (text) => Buffer.from(
  text.replace(/=\r\n/g, '').replace(/=([0-9A-F]{2})/g, (_, hex) => String.fromCharCode(parseInt(hex, 16))), 'latin1').toString('utf8');

// Subject and text of a mail as RFC 5322 and 2045 to 2047 write them.
function readMail(raw) {
  const [head, ...rest] = raw.split('\r\n\r\n');
  const subject = head.replace(/\r\n[ \t]/g, ' ').match(/^Subject: (.*)$/mi)[1]
    .replace(/\?=\s+=\?/g, '?==?').replace(/=\?utf-8\?q\?(.*?)\?=/gi, (_, word) => word.replace(/_/g, ' '));
  return { subject: quotedPrintable(subject), text: quotedPrintable(rest.join('\r\n\r\n')).replace(/\r\n/g, '\n') };
}
