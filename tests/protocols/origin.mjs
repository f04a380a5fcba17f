// An origin by node's own http, https and http2: TLS with HTTP/2 and HTTP/1.1, and clear text with HTTP/2 alone.
//   node origin.mjs CERTIFICATE KEY: prints {"tls": PORT, "plain": PORT}; answers with what it received.
import { createSecureServer, createServer } from 'node:http2';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';

let asked = 0;
const held = [];

function answer(request, response) {
  asked += 1;
  const chunks = [];
  request.on('data', (chunk) => chunks.push(chunk));
  request.on('error', () => {});
  response.on('error', () => {});
  request.on('end', () => {
    const path = request.url;
    if (path.startsWith('/events')) {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      let left = 5;
      const timer = setInterval(() => {
        response.write(`data: {"left": ${--left}}\n\n`);
        if (!left) { clearInterval(timer); response.end(); }
      }, 20);
      return;
    }
    if (path.startsWith('/page')) {
      response.writeHead(200, { 'content-type': 'text/html' });
      response.end(PAGE);
      return;
    }
    // A page is not loaded before it has said that it is done.
    if (path.startsWith('/held')) {
      held.push(response);
      return;
    }
    if (path.startsWith('/done')) {
      for (const waiting of [response, ...held.splice(0)]) { waiting.writeHead(204); waiting.end(); }
      return;
    }
    if (path.startsWith('/count')) {
      response.writeHead(200, { 'content-type': 'text/plain', 'content-length': String(asked).length });
      response.end(String(asked));
      return;
    }
    if (path.startsWith('/leak')) {
      response.writeHead(200, { 'content-type': 'application/json' });
      response.end(JSON.stringify({ card: '4539 1488 0343 6467' }));
      return;
    }
    const received = Buffer.concat(chunks);
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ http: request.httpVersion, method: request.method, path, length: received.length, body: received.toString() }));
  });
}

const PAGE = `<!doctype html><title>page</title><p id=out>waiting</p><img src=/held><script type=module>
const said = [];
const clean = await fetch('/echo', { method: 'POST', body: '{"note":"two boxes"}' });
said.push('clean ' + clean.status);
const card = await fetch('/echo', { method: 'POST', body: '{"card":"4539 1488 ' + '0343 6467"}' });
said.push('card ' + card.status);
await new Promise((closed) => {
  const socket = new WebSocket('wss://' + location.host + '/chat');
  socket.onopen = () => socket.send('two boxes');
  socket.onmessage = (message) => { said.push('socket ' + message.data); socket.send('card 4539 1488 ' + '0343 6467 '); };
  socket.onclose = (event) => { said.push('closed ' + event.code); closed(); };
});
const events = new EventSource('/events');
let count = 0;
events.onmessage = () => { count += 1; if (count === 5) { events.close(); said.push('events ' + count); done(); } };
function done() { document.getElementById('out').textContent = said.join(', '); document.title = 'done'; fetch('/done', { method: 'POST' }); }
</script>`;

// Says again what a WebSocket says, in messages of less than 126 bytes.
function chat(request, socket) {
  const accept = createHash('sha1').update(request.headers['sec-websocket-key'] + '258EAFA5-E914-47DA-95CA-C5AB0DC85B11').digest('base64');
  socket.write(`HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`);
  let read = Buffer.alloc(0);
  socket.on('error', () => {});
  socket.on('data', (chunk) => {
    read = Buffer.concat([read, chunk]);
    while (read.length >= 6 && read.length >= 6 + (read[1] & 127)) {
      const length = read[1] & 127;
      const text = read.subarray(6, 6 + length).map((byte, at) => byte ^ read[2 + (at % 4)]);
      socket.write(Buffer.concat([Buffer.from([read[0], length]), text]));
      if ((read[0] & 15) === 8) socket.end();
      read = read.subarray(6 + length);
    }
  });
}

const [certificate, key] = process.argv.slice(2);
const tls = createSecureServer({ cert: readFileSync(certificate), key: readFileSync(key), allowHTTP1: true }, answer);
const plain = createServer(answer);
tls.on('upgrade', chat);
for (const server of [tls, plain]) {
  server.on('error', () => {});
  server.on('sessionError', () => {});
}
tls.listen(0, '127.0.0.1', () => plain.listen(0, '127.0.0.1', () => {
  console.log(JSON.stringify({ tls: tls.address().port, plain: plain.address().port }));
}));
