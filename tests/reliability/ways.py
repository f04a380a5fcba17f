#!/usr/bin/env python3
"""Slow and silent peers on every way in, in HTTP/1 and HTTP/2: when each is ended, what it is told, and the record of it.

    tests/reliability/ways.py [--short] [WAY…]    # a part of `tests/reliability/run`; --short: only what ends after ten seconds

All peers are there at once, each at an address of its own, by which its records are known. Time itself is what is measured.
Frames of HTTP/2 are made here (RFC 9113), so that they may stop where no library would.
"""
import argparse, datetime, os, pathlib, select, socket, ssl, struct, subprocess, sys, threading, time, urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lab"))
from lab import Certificates, Gate, folder, free_port
from unread import PREFACE, Frames, frame, settings

MARK = 77
PIECE = b"nothing to see here, move on\n" * 1000
#: What an origin does with a request: nothing at all, half an answer, an answer without end, half a head, a head line by line;
#: the last one does not even shake hands.
DOES = ("never", "half", "much", "head", "drip", "mute")


def name_of(does):
    return f"{does}.lab.test"


# ---------------------------------------------------------------- origins


class Origin:
    """Does with each request what its name says."""

    def __init__(self, does, pair=None, h2=False):
        self.does, self.h2, self.context = does, h2, None
        if pair:
            self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.context.load_cert_chain(*pair)
            self.context.set_alpn_protocols(["h2" if h2 else "http/1.1"])
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=256)
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            threading.Thread(target=self.serve, args=(self.listener.accept()[0],), daemon=True).start()

    def serve(self, conn):
        try:
            if self.does == "mute":
                while conn.recv(65536):
                    pass
                return
            if self.context:
                conn = self.context.wrap_socket(conn, server_side=True)
            (self.frames if self.h2 else self.lines)(conn)
        except (EOFError, OSError):
            pass
        finally:
            conn.close()

    def lines(self, conn):
        asked = b""
        while b"\r\n\r\n" not in asked:
            more = conn.recv(65536)
            # Whether an origin in clear text speaks HTTP/2 is asked by its first word: this one does not.
            if not more or asked.startswith(b"PRI "):
                return
            asked += more
        if self.does == "half":
            conn.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 1000000\r\n\r\n" + PIECE[:13_000])
        if self.does == "head":
            conn.sendall(b"HTTP/1.1 200 OK\r\nContent-Ty")
        if self.does == "drip":
            conn.sendall(b"HTTP/1.1 200 OK\r\n")
            while True:
                conn.sendall(b"X: y\r\n")
                time.sleep(1)
        if self.does == "much":
            conn.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 10000000000\r\n\r\n")
            while True:
                conn.sendall(PIECE)
        while conn.recv(65536):
            pass

    def frames(self, conn):
        frames = Frames(conn)
        while len(frames.buffer) < len(PREFACE):
            more = conn.recv(65536)
            if not more:
                return
            frames.buffer += more
        frames.buffer = frames.buffer[len(PREFACE):]
        conn.sendall(settings(_3=100))
        window, credit, wanted = 65535, {}, []
        while True:
            kind, flags, stream, payload = frames.next()
            if kind in (4, 6) and not flags & 1:
                conn.sendall(frame(kind, 1, 0, payload if kind == 6 else b""))
            if kind == 4 and not flags & 1:
                for at in range(0, len(payload), 6):
                    name, value = struct.unpack(">HI", payload[at:at + 6])
                    window = value if name == 4 else window
            if kind == 8:
                credit[stream] = credit.get(stream, 65535 if stream == 0 else window) + struct.unpack(">I", payload)[0]
            if kind in (0, 1) and flags & 1:
                if self.does == "half":
                    conn.sendall(frame(1, 4, stream, b"\x88") + frame(0, 0, stream, b"words of it. " * 1000))
                if self.does == "head":
                    conn.sendall(frame(1, 0, stream, b"\x88"))
                    # Nothing else has a place within a header block.
                    while conn.recv(65536):
                        pass
                    return
                if self.does == "much":
                    conn.sendall(frame(1, 4, stream, b"\x88"))
                    wanted.append(stream)
            for stream in wanted:
                while (room := min(credit.setdefault(0, 65535), credit.setdefault(stream, window), 16384)) > 0:
                    conn.sendall(frame(0, 0, stream, (PIECE * 2)[:room]))
                    credit[0] -= room
                    credit[stream] -= room


# ---------------------------------------------------------------- ways in


def agree(sock):
    """Settings are exchanged before anything else: an acknowledgement has no place within a header block."""
    frames, owed = Frames(sock), {0, 1}
    while owed or frames.buffer:
        kind, flags, _, _ = frames.next()
        if kind == 4:
            owed.discard(flags & 1)
            if not flags & 1:
                sock.sendall(frame(4, 1, 0))


class Way:
    def __init__(self, name, port, origins, trust, number):
        self.name, self.port, self.trust, self.number = name, port, trust, number
        self.h2, self.tls = "h2" in name, "tls" in name
        self.redirected, self.tunnel = name.startswith("redirected"), name.startswith("tunnel")
        self.absolute = name.startswith("absolute")
        self.origins = origins[("tls-h2" if self.h2 else "tls") if self.tls and not self.absolute else "plain"]

    def dial(self, does, number, room=None):
        """A connection from an address of its own, without a byte of it."""
        sock = socket.socket()
        if room:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, room)
        sock.bind((self.address(number), 0))
        sock.settimeout(100)
        # A redirected client believes that it speaks to the origin.
        sock.connect(("127.0.0.1", self.origins[does].port if self.redirected else self.port))
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return sock

    def address(self, number):
        return f"127.7.{self.number}.{number}"

    def host(self, does):
        return f"{name_of(does)}:{self.origins[does].port}"

    def enter(self, sock, does):
        """What comes before the first byte of a handshake or a request."""
        if self.tunnel:
            host = self.host(does).encode()
            sock.sendall(b"CONNECT %s HTTP/1.1\r\nHost: %s\r\n\r\n" % (host, host))
            answer = b""
            while b"\r\n\r\n" not in answer:
                more = sock.recv(1)
                if not more:
                    raise EOFError("no answer to CONNECT")
                answer += more
        return sock

    def connect(self, does, number, room=None, alpn=True, greet=True):
        sock = self.enter(self.dial(does, number, room), does)
        if self.tls:
            context = ssl.create_default_context(cafile=self.trust)
            if alpn:
                context.set_alpn_protocols(["h2"] if self.h2 else ["http/1.1"])
            sock = context.wrap_socket(sock, server_hostname="proxy.lab.test" if self.absolute else name_of(does))
            if self.h2:
                assert sock.selected_alpn_protocol() == "h2", sock.selected_alpn_protocol()
        if self.h2 and greet:
            sock.sendall(PREFACE + settings())
            agree(sock)
        return sock

    def head(self, does, method, more=b""):
        """A request head in HTTP/1, whole."""
        target = (f"http://{self.host(does)}" if self.absolute else "") + "/in"
        return f"{method} {target} HTTP/1.1\r\nHost: {self.host(does)}\r\n".encode() + more + b"\r\n"

    def block(self, does, method):
        """The same as a header block: `:method`, `:scheme`, `:path`, `:authority`."""
        host = self.host(does).encode()
        return bytes([0x83 if method == "POST" else 0x82, 0x87 if self.tls else 0x86, 0x04, 3]) + b"/in" + bytes([0x01, len(host)]) + host


# ---------------------------------------------------------------- peers: each answers what became of it


def status_of(payload):
    """The status that a block begins with, if it is one of those that are waited for."""
    if payload[:1] == b"\x88":
        return "200"
    # A literal below the name of `:status`, in Huffman's code or not.
    text = payload[2:2 + (payload[1] & 0x7f)]
    if not payload[1] & 0x80:
        return text.decode()
    codes = {"00000": "0", "00001": "1", "00010": "2", "011001": "3", "011010": "4", "011011": "5", "011100": "6", "011101": "7", "011110": "8", "011111": "9"}
    out, word = "", ""
    for bit in "".join(f"{byte:08b}" for byte in text):
        word += bit
        if word in codes:
            out, word = out + codes[word], ""
    return out[:3]


class Heard:
    """What a peer is told, without an end to wait for; frames that must be answered are."""

    def __init__(self, way, sock):
        self.way, self.sock, self.buffer, self.came = way, sock, b"", 0

    def within(self, seconds):
        """The outcome, or nothing yet."""
        end = time.monotonic() + seconds
        while True:
            self.sock.settimeout(max(0.001, end - time.monotonic()))
            try:
                more = self.sock.recv(65536)
            except (TimeoutError, ssl.SSLWantReadError):
                return None
            except (ConnectionError, ssl.SSLError):
                return "reset"
            self.came += len(more)
            self.buffer += more
            if not more:
                return "closed"
            told = self.frames() if self.way.h2 else self.line()
            if told:
                return told
            if time.monotonic() >= end:
                return None

    def line(self):
        if b"\r\n" not in self.buffer:
            return None
        status = self.buffer.split(b" ", 2)[1].decode()
        # Of a response that began well the end is what counts.
        return status if status != "200" else None

    def frames(self):
        while len(self.buffer) >= 9 and len(self.buffer) >= 9 + int.from_bytes(self.buffer[:3], "big"):
            end = 9 + int.from_bytes(self.buffer[:3], "big")
            kind, flags, payload, self.buffer = self.buffer[3], self.buffer[4], self.buffer[9:end], self.buffer[end:]
            if kind in (4, 6) and not flags & 1:
                self.sock.sendall(frame(kind, 1, 0, payload if kind == 6 else b""))
            if kind == 1 and (status := status_of(payload)) != "200":
                return status
            if kind == 3:
                return "reset"
            if kind == 7:
                return f"goaway {int.from_bytes(payload[4:8], 'big')}"
        return None

    def outcome(self, every=None, say=None):
        """What becomes of it, while something is said now and then."""
        end = time.monotonic() + 100
        while time.monotonic() < end:
            told = self.within(every or 100)
            if told:
                return told
            if say:
                try:
                    self.sock.sendall(say())
                except OSError:
                    # Something may have been said before the end.
                    return self.within(1) or "reset"
        return "nothing"


def hello(way, number, begun):
    sock = way.enter(way.dial("never", number), "never")
    begun()
    sock.sendall(b"\x16\x03\x01" if way.tls else PREFACE[:5] if way.h2 else b"G")
    return Heard(way, sock).outcome()


def slow_hello(way, number, begun):
    sock = way.enter(way.dial("never", number), "never")
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).wrap_bio(incoming, outgoing, server_hostname=name_of("never"))
    try:
        client.do_handshake()
    except ssl.SSLWantReadError:
        pass
    rest = iter(outgoing.read())
    begun()
    heard = Heard(way, sock)
    heard.frames = lambda: None
    return heard.outcome(0.5, lambda: bytes([next(rest)]))


def connect_head(way, number, begun):
    sock = way.dial("never", number)
    begun()
    sock.sendall(b"CONNECT never.lab.test:1 HTTP/1.1\r\nHo")
    heard = Heard(way, sock)
    heard.frames = heard.line
    return heard.outcome()


def half_head(way, number, begun):
    sock = way.connect("never", number)
    begun()
    if way.h2:
        sock.sendall(frame(1, 1, 1, way.block("never", "GET")))
    else:
        sock.sendall(way.head("never", "GET")[:-2])
    return Heard(way, sock).outcome()


def half_line(way, number, begun):
    sock = way.connect("never", number, alpn=False)
    begun()
    sock.sendall(b"GET /ha")
    return Heard(way, sock).outcome()


def half_preface(way, number, begun):
    sock = way.connect("never", number, greet=False)
    begun()
    sock.sendall(PREFACE[:10])
    heard = Heard(way, sock)
    # Settings have no place before it is whole.
    heard.frames = lambda: None
    return heard.outcome()


def half_frame(way, number, begun):
    sock = way.connect("never", number)
    begun()
    sock.sendall(frame(1, 5, 1, way.block("never", "GET"))[:-5])
    return Heard(way, sock).outcome()


def slow_head(way, number, begun):
    sock = way.connect("never", number)
    begun()
    if way.h2:
        sock.sendall(frame(1, 1, 1, way.block("never", "GET")))
        return Heard(way, sock).outcome(2, lambda: frame(9, 0, 1, b"\x40\x01x\x01y"))
    sock.sendall(way.head("never", "GET")[:-2])
    return Heard(way, sock).outcome(0.5, lambda: b"X: y\r\n")


def slow_line(way, number, begun):
    sock = way.connect("never", number)
    begun()
    sock.sendall(way.head("never", "POST", b"Transfer-Encoding: chunked\r\n") + b"1;x=")
    return Heard(way, sock).outcome(0.5, lambda: b"y")


def body(way, sock):
    if way.h2:
        sock.sendall(frame(1, 4, 1, way.block("never", "POST")))
        return lambda count: frame(0, 0, 1, b"x" * count)
    sock.sendall(way.head("never", "POST", b"Content-Length: 100000\r\n"))
    return lambda count: b"x" * count


def slow_body(way, number, begun):
    sock = way.connect("never", number)
    begun()
    piece = body(way, sock)
    return Heard(way, sock).outcome(0.5, lambda: piece(50))


def no_body(way, number, begun):
    sock = way.connect("never", number)
    begun()
    body(way, sock)
    return Heard(way, sock).outcome()


def half_body(way, number, begun):
    sock = way.connect("never", number)
    piece = body(way, sock)
    begun()
    for _ in range(5):
        sock.sendall(piece(10_000))
    return Heard(way, sock).outcome()


def get(way, sock, does):
    sock.sendall(frame(1, 5, 1, way.block(does, "GET")) if way.h2 else way.head(does, "GET"))


def unread(way, number, begun):
    """What the kernels keep hides the end from who does not read: the gate's record tells of it."""
    sock = way.connect("much", number, 4096)
    begun()
    get(way, sock, "much")
    return sock


def no_window(way, number, begun):
    """Reads all that comes, and grants no more than it did at first."""
    sock = way.connect("much", number)
    begun()
    get(way, sock, "much")
    return Heard(way, sock).outcome()


def asks(does):
    def act(way, number, begun):
        sock = way.connect(does, number)
        begun()
        get(way, sock, does)
        heard = Heard(way, sock)
        told = heard.outcome()
        return "cut" if does == "half" and heard.came > 10_000 and told in ("closed", "reset") else told

    return act


TLS, H2, TUNNEL, ANY = (lambda way: way.tls), (lambda way: way.h2), (lambda way: way.tunnel), (lambda way: True)
HTTP1, SECURE = (lambda way: not way.h2), (lambda way: way.tls and not way.absolute)
#: What a peer does, where, what must become of it, after how many seconds, and words of its record.
PEERS = [
    ("half a hello", hello, TLS, ("closed",), 10, ("timeout",)),
    ("a hello byte by byte", slow_hello, TLS, ("closed",), 10, ("timeout",)),
    ("a first byte", hello, lambda way: not way.tls and not way.h2, ("408",), 10, ("head_timeout",)),
    ("half a preface in clear text", hello, lambda way: not way.tls and way.h2, ("400", "closed"), 10, ("opaque",)),
    ("half a preface", half_preface, lambda way: way.tls and way.h2, ("closed",), 10, ("h2_headers_timeout",)),
    ("half a CONNECT", connect_head, lambda way: way.name == "tunnel", ("408",), 10, ("head_timeout",)),
    ("half a request line without ALPN", half_line, lambda way: way.tls and not way.h2, ("408",), 10, ("head_timeout",)),
    ("half a request head", half_head, HTTP1, ("408",), 10, ("head did not end",)),
    ("a header block without an end", half_head, H2, ("goaway 11",), 10, ("h2_headers_timeout",)),
    ("half a frame of headers", half_frame, H2, ("goaway 11",), 10, ("h2_headers_timeout",)),
    ("a head line by line", slow_head, ANY, ("408", "goaway 11"), 10, ("head did not end", "h2_headers_timeout")),
    # It is both: two limits of ten seconds, of which either may be looked at first.
    ("a chunk's line byte by byte", slow_line, HTTP1, ("408",), 10, ("did not end a head or a line", "too slowly")),
    ("a body of 100 bytes a second", slow_body, ANY, ("408",), 10, ("too slowly",)),
    ("a body that does not begin", no_body, ANY, ("408",), 10, ("too slowly",)),
    ("an upstream silent in its handshake", asks("mute"), SECURE, ("504",), 10, ("TLS",)),
    ("half a body", half_body, ANY, ("408",), 60, ("nothing for 60 s",)),
    ("nobody reads", unread, ANY, ("let go",), 60, ("took nothing",)),
    ("no window is granted", no_window, H2, ("reset",), 60, ("took nothing",)),
    ("an upstream that does not answer", asks("never"), ANY, ("504",), 60, ("nothing for 60 s",)),
    ("an upstream silent within its head", asks("head"), ANY, ("504",), 60, ("nothing for 60 s", "did not end its head")),
    ("an upstream's head line by line", asks("drip"), lambda way: not (way.tls and way.h2), ("504",), 60, ("did not end its head",)),
    ("an upstream silent within its body", asks("half"), ANY, ("cut", "reset"), 60, ("nothing for 60 s",)),
]


class Peer:
    def __init__(self, way, number, peer):
        self.way, self.number = way, number
        self.what, self.act, _, self.wanted, self.limit, self.words = peer
        self.told, self.began, self.clock, self.took, self.before = None, None, None, None, 0
        self.address = way.address(number)

    def begin(self):
        self.began, self.clock = time.monotonic(), time.time()

    def run(self):
        start = time.monotonic()
        try:
            told = self.act(self.way, self.number, self.begin)
        except (OSError, EOFError, AssertionError) as error:
            told = "cut" if isinstance(error, ConnectionError) else repr(error)
        self.took = time.monotonic() - (self.began or time.monotonic())
        self.before = (self.began or start) - start
        self.told = told

    def judge(self, records, figure):
        """One line: what became of it and when, and whether its record says why."""
        own = [record for record in records if record.get("client", {}).get("address") == self.address]
        reasons = [record.get("reason") or "" for record in own if record["kind"] in ("end", "decision") and record.get("action") == "block" or record["kind"] == "end"]
        if isinstance(self.told, socket.socket):
            ends = [record["time"] for record in own if record["kind"] == "end"]
            self.told = "let go" if ends else "no record"
            self.took = datetime.datetime.fromisoformat(ends[-1]).timestamp() - self.clock if ends else 0
        # What the gate waits for may have begun while the client's own handshake waited for it.
        holds = self.told in self.wanted and self.limit - 1 < self.before + self.took and self.took < self.limit + 10
        said = next((reason for reason in reasons if any(word in reason for word in self.words)), None)
        shown = f"{self.told} after {self.took:.1f}"
        figure(f"{self.way.name}: {self.what}", shown, f"s, record: {said or reasons}", holds and said is not None, f"{' or '.join(self.wanted)} after {self.limit} to {self.limit + 10}, on record")


def listener(name, kind, port, more):
    return f'\n[[listener]]\nname = "{name}"\nkind = "{kind}"\naddress = "127.0.0.1:{port}"\n{more}\n'


def ways(base, figure, short, only, inside):
    certificates = Certificates(base)
    pair = certificates.leaf("origin", [name_of(does) for does in DOES])
    made = {"plain": (None, False), "tls": (pair, False), "tls-h2": (pair, True)}
    origins = {kind: {does: Origin(does, *how) for does in DOES} for kind, how in made.items()}
    own = 'certificate = "issuer"\nnames = ["proxy.lab.test", {}]'.format(", ".join(f'"{name_of(does)}"' for does in DOES))
    ports, listeners = {}, ""

    def routes(kind, scheme):
        to = ", ".join(f'"{name_of(does)}" = ["{scheme}://{name_of(does)}:{origins[kind][does].port}"]' for does in DOES)
        return f"upstreams = {{ {to} }}"

    wanted = {"absolute-tls": ("explicit", own), "reverse": ("reverse", routes("plain", "http")),
              "reverse-tls": ("reverse", routes("tls", "https") + "\n" + own), "reverse-tls-h2": ("reverse", routes("tls-h2", "https") + "\n" + own)}
    if inside:
        wanted["redirected"] = "transparent", ""
    for name, (kind, more) in wanted.items():
        ports[name] = free_port()
        listeners += listener(name, kind, ports[name], more)
    gate = Gate(base, certificates.ca)
    names = ", ".join(f'"{name_of(does)}" = ["127.0.0.1"]' for does in DOES)
    text = gate.config.read_text().replace("[admin]", listeners + "[admin]", 1).replace("resolve = {", f"resolve = {{ {names},", 1)
    if inside:
        text = text.replace("[upstream]", f"[upstream]\nmark = {MARK}", 1)
        going = ", ".join(str(origin.port) for kind in origins.values() for origin in kind.values())
        rules = f"tcp dport {{ {going} }} meta mark != {MARK} redirect to :{ports['redirected']}"
        subprocess.run(["nft", f"table ip t {{ chain out {{ type nat hook output priority -100; {rules}; }}; }}"], check=True)
    gate.config.write_text(text)
    gate.start()
    all_ways = ["absolute", "absolute-tls", "tunnel", "tunnel-h2", "tunnel-tls", "tunnel-tls-h2", "reverse", "reverse-h2", "reverse-tls", "reverse-tls-h2"]
    if inside:
        all_ways += ["redirected", "redirected-h2", "redirected-tls", "redirected-tls-h2"]
    port_of = lambda name: ports.get(name) or (ports["redirected"] if name.startswith("redirected") else ports["reverse"] if name == "reverse-h2" else gate.port)
    made = [Way(name, port_of(name), origins, gate.issuer, number) for number, name in enumerate(all_ways, 1) if not only or name in only]
    peers = [Peer(way, number, peer) for way in made for number, peer in enumerate(PEERS, 1) if peer[2](way) and not (short and peer[4] > 10)]
    threads = [threading.Thread(target=peer.run, daemon=True) for peer in peers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)

    def still_open():
        told = urllib.request.urlopen(f"http://127.0.0.1:{gate.admin}/metrics", timeout=10).read().decode()
        return sum(float(line.rsplit(" ", 1)[1]) for line in told.splitlines() if line.startswith("tidegate_connections_open"))

    # Those that read nothing are known by their records alone.
    slowest = max(peer.began or 0 for peer in peers) + (16 if short else 75)
    while still_open() and time.monotonic() < slowest:
        time.sleep(0.5)
    left = still_open()
    records = gate.records()
    for peer in sorted(peers, key=lambda peer: PEERS.index(next(p for p in PEERS if p[0] == peer.what))):
        peer.judge(records, figure)
    figure(f"{len(peers)} slow and silent peers on {len(made)} ways: connections that are left", int(left), "", left == 0, "0")
    gate.stop()
    code, said = gate.verify()
    figure("the trail", "whole" if code == 0 else said, "", code == 0, "whole")


def enter():
    """Goes on in a network namespace of its own, where there are any; whether it is in one."""
    if os.environ.get("WAYS") == "inside":
        return True
    tried = ["unshare", "-rn", "sh", "-c", "ip link set lo up && nft list ruleset"]
    try:
        there = subprocess.run(tried, capture_output=True).returncode == 0
    except FileNotFoundError:
        there = False
    if there:
        os.environ["WAYS"] = "inside"
        os.execvp("unshare", ["unshare", "-rn", "sh", "-c", 'ip link set lo up && exec "$0" "$@"', sys.executable, *sys.argv])
    print("!!!!!!!! SKIPPED: redirected connections: no network namespace with nftables here !!!!!!!!", flush=True)
    return False


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--short", action="store_true")
    arguments.add_argument("ways", nargs="*")
    arguments = arguments.parse_args()
    inside, failures = enter(), []

    def figure(name, value, unit, holds, limit):
        print(f"{'ok  ' if holds else 'FAIL'} {name}: {value} {unit} (must be {limit})", flush=True)
        if not holds:
            failures.append(name)

    with folder() as base:
        ways(pathlib.Path(base), figure, arguments.short, arguments.ways, inside)
    sys.exit(bool(failures))


if __name__ == "__main__":
    main()
