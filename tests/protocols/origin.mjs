// An origin by node's own http, https and http2: TLS with HTTP/2 and HTTP/1.1, and clear text with HTTP/2 alone.
//   node origin.mjs CERTIFICATE KEY: prints {"tls": PORT, "plain": PORT}; answers with what it received.
import { createSecureServer, createServer } from 'node:http2';
import { readFileSync } from 'node:fs';

let asked = 0;

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

const PAGE = `<!doctype html><title>page</title><p id=out>waiting</p><script type=module>
const said = [];
const clean = await fetch('/echo', { method: 'POST', body: '{"note":"two boxes"}' });
said.push('clean ' + clean.status);
const card = await fetch('/echo', { method: 'POST', body: '{"card":"4539 1488 ' + '0343 6467"}' });
said.push('card ' + card.status);
const events = new EventSource('/events');
let count = 0;
events.onmessage = () => { count += 1; if (count === 5) { events.close(); said.push('events ' + count); done(); } };
function done() { document.getElementById('out').textContent = said.join(', '); document.title = 'done'; }
</script>`;

const [certificate, key] = process.argv.slice(2);
const tls = createSecureServer({ cert: readFileSync(certificate), key: readFileSync(key), allowHTTP1: true }, answer);
const plain = createServer(answer);
for (const server of [tls, plain]) {
  server.on('error', () => {});
  server.on('sessionError', () => {});
}
tls.listen(0, '127.0.0.1', () => plain.listen(0, '127.0.0.1', () => {
  console.log(JSON.stringify({ tls: tls.address().port, plain: plain.address().port }));
}));
