// node's http2 through a tunnel, and undici's fetch with HTTP/2: node client.mjs KIND HOST PORT PROXY CA
import { connect as http2, constants } from 'node:http2';
import { request } from 'node:http';
import { connect as tls } from 'node:tls';
import { readFileSync } from 'node:fs';

const [kind, host, port, proxy, caFile] = process.argv.slice(2);
const ca = readFileSync(caFile);
const CARD = JSON.stringify({ card: '4539 1488 0343 6467' });
const CLEAN = JSON.stringify({ note: 'two boxes, no hurry' });

function tunnel() {
  const { hostname, port: at } = new URL(proxy);
  return new Promise((resolve, reject) => {
    const asked = request({ host: hostname, port: at, method: 'CONNECT', path: `${host}:${port}`, headers: { host: `${host}:${port}` } });
    asked.on('connect', (answer, socket) => {
      if (answer.statusCode !== 200) return reject(new Error(`CONNECT: ${answer.statusCode}`));
      const secured = tls({ socket, servername: host, ca, ALPNProtocols: ['h2'] }, () => resolve(secured));
      secured.on('error', reject);
    });
    asked.on('error', reject);
    asked.end();
  });
}

function post(session, path, body) {
  return new Promise((resolve) => {
    const stream = session.request({ ':method': 'POST', ':path': path, 'content-type': 'application/json' });
    let status, text = '', reset = 0;
    stream.on('response', (fields) => { status = fields[':status']; });
    stream.on('data', (chunk) => { text += chunk; });
    stream.on('error', () => {});
    stream.on('close', () => { reset = stream.rstCode; resolve({ status, text, reset }); });
    stream.end(body);
  });
}

async function node() {
  const socket = await tunnel();
  const session = http2(`https://${host}:${port}`, { createConnection: () => socket });
  const clean = await post(session, '/a', CLEAN);
  const card = await post(session, '/a', CARD);
  const leak = await post(session, '/leak', '');
  const many = await Promise.all(Array.from({ length: 200 }, (_, n) => post(session, `/n/${n}`, CLEAN)));
  const answer = {
    clean: [clean.status, JSON.parse(clean.text).http], card: [card.status, card.reset], leak: leak.status,
    many: many.filter((each) => each.status === 200 && JSON.parse(each.text).body === CLEAN).length,
    alive: !session.closed && !session.destroyed,
  };
  session.close();
  return answer;
}

async function undici() {
  const { ProxyAgent, fetch } = await import('undici');
  const dispatcher = new ProxyAgent({ uri: proxy, requestTls: { ca, allowH2: true }, allowH2: true });
  const send = async (body) => {
    const answer = await fetch(`https://${host}:${port}/a`, { method: 'POST', body, dispatcher, headers: { 'content-type': 'application/json' } });
    return { status: answer.status, value: await answer.json() };
  };
  const [clean, card] = [await send(CLEAN), await send(CARD)];
  return { clean: [clean.status, clean.value.http, clean.value.body === CLEAN], card: [card.status, card.value.identifiers] };
}

console.log(JSON.stringify(await (kind === 'undici' ? undici() : node())));
process.exit(0);
