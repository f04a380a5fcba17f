"""Many bodies at once in other forms than plain ones over HTTP/1: more of them than the memory that may be held has room for."""
import gzip, random, ssl, threading

import unread

MOST = 320


def together(count, work):
    """Runs `work` in so many threads and gives what each came to."""
    out = []
    threads = [threading.Thread(target=lambda: out.append(work())) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return out


def measure(base, certificates, tools, origin, short):
    """`tools`: Gate, connect, fetch, peak, figure; `origin` reads all."""
    base.mkdir()
    context = ssl.create_default_context()

    def gate_for(name, alpn):
        (base / name).mkdir()
        gate = tools.Gate(base / name, certificates.ca, "[inspect]\nhold = \"64MiB\"\n").start()
        tools.fetch(gate, origin)
        context.load_verify_locations(gate.issuer)
        context.set_alpn_protocols(alpn)
        return gate, tools.peak(gate)

    def done(gate, before, name):
        grown = (tools.peak(gate) - before) / 1024
        tools.figure(f"{name}: memory", f"{grown:.0f}", "MiB more", grown <= MOST, f"at most {MOST}")
        took, status = tools.fetch(gate, origin)
        tools.figure("a fresh client after them", f"{status} after {took * 1000:.0f}", "ms", status == 200, "200")
        origin.seen.clear()
        gate.stop()

    # Text that packs to a third or so less: what takes the coding off works all the time.
    draw = random.Random(1)
    body = gzip.compress(bytes(draw.choices(b"nothing to see here, move on, said the boxes\n", k=1 << 20)), 1)
    authority = f"localhost:{origin.port}"
    head = f"POST /in HTTP/1.1\r\nHost: {authority}\r\nContent-Type: text/plain\r\nContent-Encoding: gzip\r\nContent-Length: {4 * len(body)}\r\n\r\n".encode()
    wanted = 100 if short else 500
    gate, before = gate_for("coded", ["http/1.1"])

    def upload():
        with context.wrap_socket(tools.connect(gate, authority, 120), server_hostname="localhost") as tls:
            try:
                tls.sendall(head)
                for _ in range(4):
                    tls.sendall(body)
            except OSError:
                pass
            answer = b""
            try:
                while b"\r\n" not in answer and (more := tls.recv(65536)):
                    answer += more
            except OSError:
                pass
            return int(answer.split(b" ", 2)[1]) if answer else None

    answers = together(wanted, upload)
    tools.figure(f"{wanted} packed uploads at once: served or told to come again", answers.count(200), f"and {answers.count(503)}", set(answers) <= {200, 503, None}, "nothing else")
    done(gate, before, "packed uploads")

    clients, streams = (2, 50) if short else (5, 100)
    gate, before = gate_for("streams", ["h2"])
    # One that speaks HTTP/2, as its clients then may.
    authority = f"localhost:{unread.Origin(certificates.leaf('crowd'), 0).port}"

    def uploads():
        client = unread.Client(tools.connect(gate, authority, 120), context, authority)
        sent = client.upload(range(1, 2 * streams, 2), 100 << 20)
        client.tls.close()
        return sent or 0

    sent = sum(together(clients, uploads)) >> 20
    done(gate, before, f"{clients} connections of HTTP/2, {streams} uploads of 100 MiB on each, {sent} MiB sent on those that were not refused")
