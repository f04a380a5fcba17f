"""What peers of HTTP/2 can make the gate keep that the other side does not read: windows are promises of memory.

Clients and origins are frames made here (RFC 9113), so that they may do what no library would.
"""
import socket, ssl, struct, threading, time

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
MOST = (1 << 31) - 1


def frame(kind, flags, stream, payload=b""):
    return len(payload).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big") + payload


def settings(**values):
    return frame(4, 0, 0, b"".join(struct.pack(">HI", int(name[1:]), value) for name, value in values.items()))


class Frames:
    """Frames as they come."""

    def __init__(self, sock):
        self.sock, self.buffer = sock, b""

    def next(self):
        while len(self.buffer) < 9 or len(self.buffer) < 9 + int.from_bytes(self.buffer[:3], "big"):
            more = self.sock.recv(65536)
            if not more:
                raise EOFError
            self.buffer += more
        end = 9 + int.from_bytes(self.buffer[:3], "big")
        out, self.buffer = self.buffer[:end], self.buffer[end:]
        return out[3], out[4], int.from_bytes(out[5:9], "big"), out[9:]


class Origin:
    """Answers each request with as much as it may send, or reads none of its body: it gives no window back."""

    def __init__(self, pair, length):
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(*pair)
        self.context.set_alpn_protocols(["h2"])
        self.length, self.sent = length, 0
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=512)
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            conn, _ = self.listener.accept()
            threading.Thread(target=self.serve, args=(conn,), daemon=True).start()

    def serve(self, conn):
        try:
            with self.context.wrap_socket(conn, server_side=True) as conn:
                self.speak(conn, Frames(conn))
        except (EOFError, OSError):
            pass

    def speak(self, conn, frames):
        while len(frames.buffer) < len(PREFACE):
            frames.buffer += conn.recv(65536)
        frames.buffer = frames.buffer[len(PREFACE):]
        conn.sendall(settings(_4=65_535))
        initial, window, left, windows = 65_535, 65_535, {}, {}
        piece = (b"nothing to see here, move on\n" * 600)[:16_000]
        while True:
            kind, flags, stream, payload = frames.next()
            if kind == 4 and not flags & 1:
                for at in range(0, len(payload), 6):
                    name, value = struct.unpack(">HI", payload[at:at + 6])
                    if name == 4:
                        windows = {stream: had + value - initial for stream, had in windows.items()}
                        initial = value
                conn.sendall(frame(4, 1, 0))
            elif kind == 6 and not flags & 1:
                conn.sendall(frame(6, 1, 0, payload))
            elif kind == 8:
                more = int.from_bytes(payload, "big")
                if stream:
                    windows[stream] = windows.get(stream, initial) + more
                else:
                    window += more
            elif kind == 1 and self.length:
                conn.sendall(frame(1, 4, stream, b"\x88\x0f\x10\x0atext/plain"))
                left[stream], windows[stream] = self.length, windows.get(stream, initial)
            elif kind == 3:
                left.pop(stream, None)
            for stream in list(left):
                while (may := min(left[stream], windows[stream], window, len(piece))) > 0:
                    conn.sendall(frame(0, int(may == left[stream]), stream, piece[:may]))
                    left[stream] -= may
                    windows[stream] -= may
                    window -= may
                    self.sent += may
                if not left[stream]:
                    del left[stream]


class Client:
    """A connection of HTTP/2 in a tunnel, many streams on it."""

    def __init__(self, sock, context, authority):
        self.tls = context.wrap_socket(sock, server_hostname=authority.split(":")[0])
        self.authority = authority.encode()
        self.tls.sendall(PREFACE + settings(_4=MOST) + frame(8, 0, 0, (MOST - 65_535).to_bytes(4, "big")))

    def get(self, stream):
        head = b"\x82\x87\x84\x01" + bytes([len(self.authority)]) + self.authority
        self.tls.sendall(frame(1, 5, stream, head))

    def upload(self, streams, length):
        """Sends as much of so many bodies as it may; gives how much that was. An answer to its pings takes a while."""
        head = b"\x83\x87\x84\x01" + bytes([len(self.authority)]) + self.authority
        sent, windows, frames = {}, {}, Frames(self.tls)
        for stream in streams:
            self.tls.sendall(frame(1, 4, stream, head + b"\x0f\x10\x0atext/plain"))
            sent[stream], windows[stream] = 0, 0
        piece = (b"nothing to see here, move on\n" * 600)[:16_000]
        self.tls.settimeout(1.5)
        try:
            self.fill(frames, sent, windows, piece, length)
        except (TimeoutError, EOFError, OSError):
            return sum(sent.values())

    def fill(self, frames, sent, windows, piece, length):
        """Ends in an error: nothing more may be sent, or nobody takes it."""
        initial, window = 65_535, 65_535
        while True:
            for stream in list(sent):
                while (may := min(length - sent[stream], initial + windows[stream] - sent[stream], window, len(piece))) > 0:
                    self.tls.sendall(frame(0, 0, stream, piece[:may]))
                    sent[stream] += may
                    window -= may
            kind, flags, stream, payload = frames.next()
            if kind == 4 and not flags & 1:
                for at in range(0, len(payload), 6):
                    name, value = struct.unpack(">HI", payload[at:at + 6])
                    initial = value if name == 4 else initial
                self.tls.sendall(frame(4, 1, 0))
            elif kind == 6 and not flags & 1:
                # As from far away.
                time.sleep(0.06)
                self.tls.sendall(frame(6, 1, 0, payload))
            elif kind == 8 and stream == 0:
                window += int.from_bytes(payload, "big")
            elif kind == 8 and stream in windows:
                windows[stream] += int.from_bytes(payload, "big")
            elif kind in (1, 3) and stream in sent:
                del sent[stream]


def settled(memory, gate, wait=30):
    """Memory once it grows no more."""
    last, since, end = memory(gate), time.monotonic(), time.monotonic() + wait
    while time.monotonic() < end and time.monotonic() - since < 1.5:
        time.sleep(0.1)
        now = memory(gate)
        if now > last + 256:
            last, since = now, time.monotonic()
    return max(last, memory(gate))


def measure(base, certificates, tools, short):
    """`tools`: Gate, connect, fetch, memory, peak, figure."""
    context = ssl.create_default_context()
    count, streams = (8, 32) if short else (32, 100)

    def gate_for(name):
        (base / name).mkdir()
        gate = tools.Gate(base / name, certificates.ca).start()
        context.load_verify_locations(gate.issuer)
        context.set_alpn_protocols(["h2"])
        return gate

    def client(gate, origin):
        authority = f"localhost:{origin.port}"
        return Client(tools.connect(gate, authority), context, authority)

    pair = certificates.leaf("unread")
    # Idle ones: each has had one exchange.
    gate, origin, idle = gate_for("idle"), Origin(pair, 100), 200 if short else 2_000
    tools.fetch(gate, tools.plain)
    clients = []
    for number in range(idle + 1):
        if number == 1:
            before = tools.memory(gate)
        one = client(gate, origin)
        one.get(1)
        frames = Frames(one.tls)
        while frames.next()[:3] != (0, 1, 1):
            pass
        clients.append(one)
    each = (tools.memory(gate) - before) / idle
    tools.figure(f"{idle} idle connections of HTTP/2: each", f"{each:.1f}", "KiB", each <= 64, "at most 64")
    for one in clients:
        one.tls.close()
    gate.stop()
    # Bodies that no origin reads.
    gate, origin = gate_for("uploads"), Origin(pair, 0)
    tools.fetch(gate, tools.plain)
    before, clients, sent = tools.peak(gate), [client(gate, origin) for _ in range(count)], []
    threads = [threading.Thread(target=lambda one=one: sent.append(one.upload(range(1, 2 * streams, 2), 4 << 20))) for one in clients]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    grown = (tools.peak(gate) - before) / 1024
    tools.figure(f"{count} clients, {streams} uploads each that no origin reads: {sum(sent) >> 20} MiB taken; memory", f"{grown:.0f}", "MiB more", grown <= 384, "at most 384")
    for one in clients:
        one.tls.close()
    gate.stop()
    # Bodies that no client reads.
    gate, origin = gate_for("downloads"), Origin(pair, 4 << 20)
    tools.fetch(gate, tools.plain)
    before, clients = tools.memory(gate), [client(gate, origin) for _ in range(count)]
    for one in clients:
        for stream in range(1, 2 * streams, 2):
            one.get(stream)
    grown = (settled(tools.memory, gate) - before) / 1024
    tools.figure(f"{count} clients, {streams} downloads each that they do not read: {origin.sent >> 20} MiB sent; memory", f"{grown:.0f}", "MiB more", grown <= 800, "at most 800: 256 that may be held, 112 of HTTP/2, and each stream's own")
    for one in clients:
        one.tls.close()
    took, status = tools.fetch(gate, tools.plain)
    tools.figure("a fresh client after them", f"{status} after {took * 1000:.0f}", "ms", status == 200, "200")
    gate.stop()
