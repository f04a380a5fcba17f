#!/usr/bin/env python3
"""RFC 9113 and RFC 7541 section by section, the other way round: raw frames of an *origin* that breaks one rule at a time.

    tests/protocols/answers.py [SECTION…]    # needs openssl; installs hpack under target/; SECTION: 6.9, hpack …: only cases whose section begins so

Each case is on a connection of its own, in three ways: a client of HTTP/2 and one of HTTP/1.1 in a tunnel, before an origin in
TLS, and a client of HTTP/2 at a reverse listener, in clear text to its end. A case is an error of the connection (the gate
ends it, and says no other code than the standard's in its GOAWAY), an error of the stream (RST_STREAM with that code; what else
is under way on that connection comes whole), or none. The client of a broken answer is told 502 with `Proxy-Status`, or, where it
has a part of it, that it is cut: never an end that looks like one. Its own connection, when it speaks HTTP/2, lives on; the next
request to that origin is answered, and so is a bystander's at another one.
"""
import os, pathlib, re, socket, ssl, struct, sys, threading

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from frames import (ACK, CALM, CANCEL, CLOSED, COMPRESSION, CONTINUATION, DATA, END_HEADERS, END_STREAM, FLOW, GOAWAY, HEADERS, INTERNAL, NAME,
                    NONE, PADDED, PING, PREFACE, PRIO, PRIORITY, PROTOCOL, PUSH, REFUSED, RST, SETTINGS, SIZE, WINDOW, Certificates, Ended, Gate,
                    Peer, Way, conclude, field, folder, frame, free_port, hpack, resident, settings)

PATIENCE = 10


def told(stream, *more, status="200", flags=END_HEADERS, before=b"", kind=HEADERS):
    """The head of an answer, written without a table."""
    fields = b"".join(field(*each) if isinstance(each, tuple) else each for each in more)
    return frame(kind, flags, stream, before + (field(":status", status) if status is not None else b"") + fields)


def whole(stream, *more, **how):
    return told(stream, *more, **how) + frame(DATA, END_STREAM, stream, b"good")


def ended(stream, *more, **how):
    return told(stream, *more, flags=END_HEADERS | END_STREAM, **how)


def data(stream, payload=b"good", flags=END_STREAM):
    return frame(DATA, flags, stream, payload)


def ends_of(said, stream):
    """Whether frames end this stream."""
    at = 0
    while at + 9 <= len(said):
        kind, flags, of = said[at + 3], said[at + 4], int.from_bytes(said[at + 5:at + 9], "big")
        if of == stream and (kind == RST or kind in (DATA, HEADERS) and flags & END_STREAM):
            return True
        at += 9 + int.from_bytes(said[at:at + 3], "big")
    return False


class Line(threading.Thread):
    """One connection of the gate to the origin, frame by frame."""

    def __init__(self, origin, connection):
        super().__init__(daemon=True)
        self.origin, self.socket, self.frames, self.slow, self.over = origin, connection, [], [], threading.Event()
        self.table, self.case, self.writing, self.is_over = hpack.Decoder(), None, threading.Lock(), False

    def send(self, payload):
        try:
            with self.writing:
                self.socket.sendall(payload)
        except OSError:
            pass

    def run(self):
        try:
            if self.origin.context:
                if b"\x02h2" not in self.socket.recv(4096, socket.MSG_PEEK):
                    # Who offers something else is refused by TLS itself: no_application_protocol.
                    self.origin.lines.remove(self)
                    self.socket.sendall(b"\x15\3\3\0\2\2\x78")
                    return
                self.socket = self.origin.context.wrap_socket(self.socket, server_side=True)
            self.talk()
        except (OSError, Ended):
            pass
        finally:
            self.socket.close()
            with self.origin.changed:
                self.over.set()
                self.origin.changed.notify_all()

    def exactly(self, length):
        out = b""
        while len(out) < length:
            got = self.socket.recv(length - len(out))
            if not got:
                raise Ended
            out += got
        return out

    def talk(self):
        if self.exactly(24) != PREFACE:
            raise Ended
        self.send(self.origin.greeting if self.origin.greeting is not None else settings())
        while True:
            head = self.exactly(9)
            kind, flags, stream = head[3], head[4], int.from_bytes(head[5:], "big") & 0x7FFFFFFF
            payload = self.exactly(int.from_bytes(head[:3], "big"))
            if kind == SETTINGS and not flags & ACK:
                self.send(frame(SETTINGS, ACK, 0))
            if kind == HEADERS:
                payload = dict(self.table.decode(payload[5:] if flags & PRIO else payload))
            with self.origin.changed:
                self.frames.append((kind, flags, stream, payload))
                self.origin.changed.notify_all()
            if kind == HEADERS and ":path" in payload:
                self.origin.asked += 1
                path = payload[":path"]
                if path == "/slow":
                    self.hold(stream)
                elif path == "/case" and self.origin.case:
                    self.case, script, self.origin.case = stream, self.origin.case, self.origin.again
                    self.origin.line, said = self, script(stream)
                    # Then nothing is left to be reset.
                    self.is_over = ends_of(said, stream)
                    with self.origin.changed:
                        self.origin.changed.notify_all()
                    self.send(said)
                else:
                    self.send(whole(stream))

    def hold(self, stream):
        # What is asked again once others were let go is not held any more.
        with self.origin.changed:
            self.slow.append(stream)
            is_held = not self.origin.is_released
            self.origin.changed.notify_all()
        if not is_held:
            self.send(whole(stream))


class Origin:
    def __init__(self, context=None):
        self.context, self.listener, self.lines, self.changed = context, socket.create_server(("127.0.0.1", 0), backlog=64), [], threading.Condition()
        self.server_port, self.case, self.again, self.line, self.greeting, self.asked = self.listener.getsockname()[1], None, None, None, None, 0
        self.is_released = False
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            connection, _ = self.listener.accept()
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            line = Line(self, connection)
            self.lines.append(line)
            line.start()

    def fresh(self):
        """No connection is left; the next request makes one."""
        for line in self.lines:
            line.send(frame(GOAWAY, 0, 0, (2**31 - 1).to_bytes(4, "big") + bytes(4)))
            if not line.over.wait(PATIENCE):
                raise AssertionError("the gate keeps a connection that said goodbye")
        self.lines = []

    def release(self):
        """Answers what is held, and from now on holds nothing."""
        with self.changed:
            self.is_released = True
            held = [(line, stream) for line in self.lines for stream in line.slow]
        for line, stream in held:
            line.send(whole(stream))

    def wait(self, done):
        with self.changed:
            return self.changed.wait_for(done, PATIENCE)


class Plain:
    """A client of HTTP/1.1 in a tunnel."""

    def __init__(self, way):
        self.way, self.socket, self.is_kept = way, way.connect("http/1.1"), False
        self.socket.settimeout(PATIENCE)

    def ask(self, path, method="GET"):
        self.socket.sendall(f"{method} {path} HTTP/1.1\r\nHost: {self.way.authority}\r\n\r\n".encode())

    def answer(self, method="GET"):
        """Status, `Proxy-Status`, body, and whether it is whole."""
        reader = self.socket.makefile("rb")
        while True:
            line, fields = reader.readline(), {}
            while (each := reader.readline()) not in (b"\r\n", b""):
                name, _, value = each.decode("latin-1").partition(":")
                fields[name.lower()] = value.strip()
            if not line:
                return None, None, b"", False
            status = int(line.split()[1])
            if status >= 200:
                break
        said = fields.get("proxy-status", "")
        if method == "HEAD" or status in (204, 304):
            self.is_kept = True
            return status, said, b"", True
        try:
            if fields.get("transfer-encoding") == "chunked":
                body = b""
                while True:
                    size = reader.readline()
                    if not size.endswith(b"\r\n"):
                        return status, said, body, False
                    if not int(size, 16):
                        while (line := reader.readline()) not in (b"\r\n", b""):
                            pass
                        return status, said, body, line == b"\r\n"
                    body += reader.read(int(size, 16))
                    reader.readline()
            length = int(fields.get("content-length", "-1"))
            self.is_kept = length >= 0 and fields.get("connection") != "close"
            body = reader.read(length) if length >= 0 else reader.read()
            return status, said, body, length < 0 or len(body) == length
        except OSError:
            return status, said, b"", False

    def lives(self):
        """What ended in order leaves nothing behind it."""
        if not self.is_kept:
            return True
        self.ask("/good")
        return self.answer()[::2] == (200, b"good")


class Streams:
    """A client of HTTP/2."""

    def __init__(self, way):
        self.peer, self.number = Peer(way), -1
        self.peer.socket.settimeout(PATIENCE)

    def ask(self, path, method="GET"):
        from frames import headers
        self.number += 2
        self.peer.send(headers(self.number, path=path, method=method))
        return self.number

    def answer(self, method="GET", stream=None):
        stream = stream or self.number
        status, said, body, at = None, "", b"", 0
        try:
            while True:
                while at >= len(self.peer.frames):
                    self.peer.next()
                kind, flags, of, payload = self.peer.frames[at]
                at += 1
                if kind == GOAWAY and self.peer.goaway:
                    return status, f"GOAWAY {self.peer.goaway}", body, False
                if of != stream:
                    continue
                if kind == RST:
                    return status, said or f"RST {int.from_bytes(payload, 'big')}", body, False
                if kind == HEADERS and status is None and not payload[":status"].startswith("1"):
                    status, said = int(payload[":status"]), payload.get("proxy-status", "")
                if kind == DATA:
                    body += payload
                if kind in (HEADERS, DATA) and flags & END_STREAM:
                    return status, said, body, True
        except (Ended, TimeoutError) as error:
            return status, type(error).__name__, body, False

    def lives(self):
        self.ask("/good")
        return self.answer()[::2] == (200, b"good")


class Tunnel(Way):
    """A client in TLS in a tunnel."""

    def __init__(self, title, gate, port, origin, speaks):
        super().__init__("tunnel", gate, port, origin)
        self.title, self.scheme, self.speaks, self.authority = title, "https", speaks, f"{NAME}:{origin.server_port}"
        self.client = Plain if speaks == "http/1.1" else Streams

    def connect(self, speaks=None):
        self.title, title = "tunnel", self.title
        tcp = super().connect()
        self.title = title
        context = ssl.create_default_context(cafile=self.gate.issuer)
        context.set_alpn_protocols([self.speaks] if self.speaks == "http/1.1" else ["h2", "http/1.1"])
        return context.wrap_socket(tcp, server_hostname=NAME)


class Reverse(Way):
    client = Streams


# ---------------------------------------------------------------- what must come of it
class Ends:
    """An error of the connection."""

    def __init__(self, *codes):
        self.codes = codes

    def judge(self, origin):
        line = origin.line
        if not line.over.wait(PATIENCE):
            return "the connection goes on"
        goaway = [int.from_bytes(each[3][4:8], "big") for each in line.frames if each[0] == GOAWAY]
        return None if set(goaway) <= {*self.codes, NONE} and (not goaway or goaway[0] in self.codes) else f"GOAWAY {goaway}, wanted {self.codes}"


class Resets:
    """An error of the stream: what else is under way on the connection is not touched."""

    def __init__(self, *codes, lenient=False):
        self.codes, self.lenient = codes, lenient

    def judge(self, origin):
        line = origin.line
        mine = lambda: [int.from_bytes(each[3], "big") for each in line.frames if each[0] == RST and each[2] == line.case]
        if line.is_over:
            return None
        if not origin.wait(lambda: mine() or line.over.is_set()):
            return "the stream is not reset"
        if line.over.is_set():
            return Ends(*self.codes).judge(origin) if self.lenient else "the connection ended"
        return None if mine()[0] in self.codes else f"RST_STREAM {mine()}, wanted {self.codes}"


class Fine:
    """Nothing is wrong with it."""

    def __init__(self, status=200, body=b"good", method="GET"):
        self.status, self.body, self.method = status, body, method

    def judge(self, origin):
        return None


class Cut(Fine):
    """The origin itself gives it up."""


class Overruns(Resets):
    """The same of a body that nobody reads: its client sees nothing yet."""


BIG = b"\xff" * 9
F = Fine()


def rst(stream, code):
    return frame(RST, 0, stream, code.to_bytes(4, "big"))


def goodbye(last, code=NONE):
    return frame(GOAWAY, 0, 0, last.to_bytes(4, "big") + code.to_bytes(4, "big"))


# Each: section, what the origin does, what it sends on a stream, what comes of it; and how it greets, or what it does the second time.
CASES = [
    ("3.4", "an answer", lambda s: whole(s), F),
    ("4.1", "a frame that nobody knows", lambda s: frame(0xBB, 0xFF, 0, b"what?") + frame(0xBB, 0xFF, s, b"what?") + whole(s), F),
    ("4.1", "flags and a bit that nobody knows", lambda s: frame(PING, 0xFE, 0x80000000, b"12345678") + whole(s), F),
    ("4.2", "DATA of the largest frame", lambda s: told(s) + data(s, b"x" * 16384), Fine(body=b"x" * 16384)),
    ("4.2", "DATA of more than the largest frame", lambda s: told(s) + data(s, b"x" * ((1 << 24) - 1)), Ends(SIZE)),
    ("4.2", "HEADERS of more than the largest frame", lambda s: frame(HEADERS, END_HEADERS, s, b"\x88" + b"\0" * ((1 << 20) + 1)), Ends(SIZE)),
    ("4.3", "a block that no table can read", lambda s: frame(HEADERS, END_HEADERS, s, b"\x88\xff\xff\xff\xff\xff\xff\xff\xff"), Ends(COMPRESSION)),
    ("4.3", "PING within a block", lambda s: told(s, flags=0) + frame(PING, 0, 0, b"12345678"), Ends(PROTOCOL)),
    ("4.3", "DATA within a block", lambda s: told(s, flags=0) + data(s), Ends(PROTOCOL)),
    ("4.3", "a frame that nobody knows within a block", lambda s: told(s, flags=0) + frame(0xBB, 0, s, b"x"), Ends(PROTOCOL)),
    ("4.3", "a block in pieces, one of them empty", lambda s: told(s, flags=0) + frame(CONTINUATION, 0, s) + frame(CONTINUATION, END_HEADERS, s, field("x-note", "a")) + data(s), F),
    # ------------------------------------------------------------ states of streams
    ("5.1", "DATA on a stream that nobody began", lambda s: data(s + 100), Ends(PROTOCOL)),
    ("5.1", "HEADERS on a stream that nobody began", lambda s: told(s + 100), Ends(PROTOCOL)),
    ("5.1", "HEADERS on a stream of its own", lambda s: whole(2), Ends(PROTOCOL)),
    ("5.1", "DATA on a stream of its own", lambda s: data(2), Ends(PROTOCOL)),
    ("5.1", "RST_STREAM on a stream that nobody began", lambda s: rst(s + 100, CANCEL), Ends(PROTOCOL)),
    ("5.1", "WINDOW_UPDATE on a stream that nobody began", lambda s: frame(WINDOW, 0, s + 100, b"\0\0\0\x08"), Ends(PROTOCOL)),
    ("5.1", "PRIORITY on a stream that nobody began", lambda s: frame(PRIORITY, 0, s + 100, b"\0\0\0\0\1") + whole(s), F),
    ("5.1", "DATA behind the end", lambda s: whole(s) + data(s, b"evil"), F),
    ("5.1", "a second answer behind the end", lambda s: whole(s) + whole(s), F),
    ("5.1", "WINDOW_UPDATE, RST_STREAM and PRIORITY behind the end", lambda s: whole(s) + frame(WINDOW, 0, s, b"\0\0\0\x08") + rst(s, NONE) + frame(PRIORITY, 0, s, b"\0\0\0\0\1"), F),
    ("5.3", "a stream that depends on itself", lambda s: frame(HEADERS, END_HEADERS | PRIO, s, s.to_bytes(4, "big") + b"\xff\x88") + data(s), Resets(PROTOCOL, lenient=True)),
    # ------------------------------------------------------------ DATA, HEADERS, PRIORITY, RST_STREAM
    ("6.1", "DATA of no stream", lambda s: told(s) + data(0), Ends(PROTOCOL)),
    ("6.1", "DATA whose padding is all of it", lambda s: told(s) + frame(DATA, END_STREAM | PADDED, s, b"\x05abcd"), Ends(PROTOCOL)),
    ("6.1", "DATA without the length of its padding", lambda s: told(s) + frame(DATA, END_STREAM | PADDED, s), Ends(SIZE, PROTOCOL)),
    ("6.1", "DATA with padding", lambda s: told(s) + frame(DATA, END_STREAM | PADDED, s, b"\x03good\0\0\0"), F),
    ("6.1", "DATA of nothing but padding", lambda s: told(s) + frame(DATA, PADDED, s, b"\x03\0\0\0") + data(s), F),
    ("6.2", "HEADERS of no stream", lambda s: told(0), Ends(PROTOCOL)),
    ("6.2", "HEADERS whose padding is longer than they are", lambda s: frame(HEADERS, END_HEADERS | PADDED, s, b"\xff\x88"), Ends(PROTOCOL)),
    ("6.2", "HEADERS with a flag of priority and no room for it", lambda s: frame(HEADERS, END_HEADERS | PRIO, s, b"\0\0"), Ends(PROTOCOL, SIZE)),
    ("6.2", "HEADERS with padding and priority", lambda s: frame(HEADERS, END_HEADERS | PADDED | PRIO, s, b"\x04\0\0\0\0\x0f\x88" + b"\0" * 4) + data(s), F),
    ("6.3", "PRIORITY of no stream", lambda s: frame(PRIORITY, 0, 0, b"\0\0\0\0\1"), Ends(PROTOCOL)),
    ("6.3", "PRIORITY of four bytes", lambda s: frame(PRIORITY, 0, s, b"\0\0\0\0"), Resets(SIZE, lenient=True)),
    ("6.4", "RST_STREAM of no stream", lambda s: rst(0, CANCEL), Ends(PROTOCOL)),
    ("6.4", "RST_STREAM of three bytes", lambda s: frame(RST, 0, s, b"\0\0\0"), Ends(SIZE)),
    ("6.4", "RST_STREAM instead of an answer", lambda s: rst(s, INTERNAL), Cut()),
    ("6.4", "RST_STREAM within a body", lambda s: told(s) + data(s, b"half", 0) + rst(s, INTERNAL), Cut()),
    ("8.1", "RST_STREAM NO_ERROR behind a whole answer", lambda s: whole(s) + rst(s, NONE), F),
    ("8.1", "RST_STREAM NO_ERROR within a body is no end of it", lambda s: told(s) + data(s, b"half", 0) + rst(s, NONE), Cut()),
    ("8.1", "RST_STREAM NO_ERROR instead of an answer", lambda s: rst(s, NONE), Cut()),
    ("8.7", "REFUSED_STREAM: it is asked once more", lambda s: rst(s, REFUSED), F, None, whole),
    # ------------------------------------------------------------ SETTINGS
    ("6.5", "SETTINGS of a stream", lambda s: frame(SETTINGS, 0, s), Ends(PROTOCOL)),
    ("6.5", "SETTINGS of five bytes", lambda s: frame(SETTINGS, 0, 0, b"\0\3\0\0\0"), Ends(SIZE)),
    ("6.5", "an acknowledgement that holds something", lambda s: frame(SETTINGS, ACK, 0, b"\0" * 6), Ends(SIZE)),
    ("6.5.2", "ENABLE_PUSH of two", lambda s: settings((2, 2)), Ends(PROTOCOL)),
    ("6.5.2", "ENABLE_PUSH of one, of a server", lambda s: settings((2, 1)), Ends(PROTOCOL)),
    ("6.5.2", "ENABLE_PUSH of nought", lambda s: settings((2, 0)) + whole(s), F),
    ("6.5.2", "INITIAL_WINDOW_SIZE of 2^31", lambda s: settings((4, 0x80000000)), Ends(FLOW)),
    ("6.5.2", "MAX_FRAME_SIZE of 16,383", lambda s: settings((5, 16383)), Ends(PROTOCOL)),
    ("6.5.2", "MAX_FRAME_SIZE of 2^24", lambda s: settings((5, 1 << 24)), Ends(PROTOCOL)),
    ("6.5.2", "a setting that nobody knows", lambda s: settings((0xFFFF, 7), (0, 1)) + whole(s), F),
    ("6.5.2", "HEADER_TABLE_SIZE of nothing, and of much", lambda s: settings((1, 0)) + settings((1, 0xFFFFFFFF)) + whole(s), F),
    ("6.5.2", "MAX_HEADER_LIST_SIZE of little is advice", lambda s: settings((6, 1)) + whole(s), F),
    ("8441 3", "ENABLE_CONNECT_PROTOCOL of two", lambda s: settings((8, 2)), Ends(PROTOCOL)),
    # ------------------------------------------------------------ PUSH_PROMISE, PING, GOAWAY
    ("6.6", "a promise that nobody wants", lambda s: frame(PUSH, END_HEADERS, s, b"\0\0\0\2\x82\x86\x84") + whole(s), Ends(PROTOCOL)),
    ("6.6", "a promise of no stream", lambda s: frame(PUSH, END_HEADERS, 0, b"\0\0\0\2\x82\x86\x84"), Ends(PROTOCOL)),
    ("6.7", "an answer to no PING", lambda s: frame(PING, ACK, 0, b"87654321") + whole(s), F),
    ("6.7", "PING of a stream", lambda s: frame(PING, 0, s, b"12345678"), Ends(PROTOCOL)),
    ("6.7", "PING of six bytes", lambda s: frame(PING, 0, 0, b"123456"), Ends(SIZE)),
    ("6.8", "GOAWAY of a stream", lambda s: frame(GOAWAY, 0, s, b"\0" * 8), Ends(PROTOCOL)),
    ("6.8", "GOAWAY of four bytes", lambda s: frame(GOAWAY, 0, 0, b"\0" * 4), Ends(SIZE)),
    ("6.8", "GOAWAY lets end what it names", lambda s: goodbye(s) + whole(s), F),
    ("6.8", "GOAWAY half way", lambda s: told(s) + data(s, b"go", 0) + goodbye(s) + data(s, b"od"), F),
    ("6.8", "GOAWAY in two steps", lambda s: goodbye(2**31 - 1) + goodbye(s) + whole(s), F),
    ("6.8", "GOAWAY below a request: it is asked elsewhere", lambda s: goodbye(0), F, None, whole),
    ("6.8", "GOAWAY that takes back what it gave up", lambda s: goodbye(s) + goodbye(s + 2) + whole(s), Ends(PROTOCOL)),
    ("6.8", "GOAWAY with an error, of another stream than this one", lambda s: told(s) + data(s, b"go", 0) + goodbye(s, INTERNAL) + data(s, b"od"), F),
    # ------------------------------------------------------------ WINDOW_UPDATE
    ("6.9", "the connection's window by nothing", lambda s: frame(WINDOW, 0, 0, b"\0" * 4), Ends(PROTOCOL)),
    ("6.9", "a stream's window by nothing", lambda s: frame(WINDOW, 0, s, b"\0" * 4), Resets(PROTOCOL, lenient=True)),
    ("6.9", "WINDOW_UPDATE of three bytes", lambda s: frame(WINDOW, 0, 0, b"\0" * 3), Ends(SIZE)),
    ("6.9.1", "the connection's window past 2^31 - 1", lambda s: frame(WINDOW, 0, 0, b"\x7f\xff\xff\xff") * 2, Ends(FLOW)),
    ("6.9.1", "the window of a stream on which nothing is to be sent, past 2^31 - 1", lambda s: frame(WINDOW, 0, s, b"\x7f\xff\xff\xff") * 2 + whole(s), F),
    # ------------------------------------------------------------ CONTINUATION
    ("6.10", "CONTINUATION behind a whole block", lambda s: told(s) + frame(CONTINUATION, END_HEADERS, s, field("a", "b")), Ends(PROTOCOL)),
    ("6.10", "CONTINUATION of no stream", lambda s: told(s, flags=0) + frame(CONTINUATION, END_HEADERS, 0, field("a", "b")), Ends(PROTOCOL)),
    ("6.10", "CONTINUATION of another stream", lambda s: told(s, flags=0) + frame(CONTINUATION, END_HEADERS, s + 2, field("a", "b")), Ends(PROTOCOL)),
    ("6.10", "CONTINUATION behind nothing", lambda s: frame(CONTINUATION, END_HEADERS, s, b"\x88"), Ends(PROTOCOL)),
    # ------------------------------------------------------------ messages
    ("8.1", "a body before its head", lambda s: data(s), Resets(PROTOCOL, lenient=True)),
    ("8.1", "no head but trailers", lambda s: ended(s, ("x-sum", "7"), status=None), Resets(PROTOCOL)),
    ("8.1", "early hints, and 100, first", lambda s: told(s, ("link", "</a>"), status="103") + told(s, status="100") + told(s, status="199") + whole(s), F),
    ("8.1", "an early answer that ends the stream", lambda s: ended(s, status="103"), Resets(PROTOCOL, lenient=True)),
    ("8.1", "an early answer, and a body", lambda s: told(s, status="103") + data(s), Resets(PROTOCOL, lenient=True)),
    ("8.1", "an early answer behind the final one", lambda s: told(s) + told(s, status="103") + data(s), Resets(PROTOCOL)),
    ("8.1", "a second head", lambda s: told(s) + told(s) + data(s), Resets(PROTOCOL)),
    ("8.1", "a second head instead of trailers", lambda s: told(s) + data(s, flags=0) + ended(s), Resets(PROTOCOL)),
    ("8.1", "trailers", lambda s: told(s) + data(s, flags=0) + ended(s, ("x-sum", "7"), status=None), F),
    ("8.1", "trailers that do not end the stream", lambda s: told(s) + data(s, flags=0) + told(s, ("x-sum", "7"), status=None), Resets(PROTOCOL, lenient=True)),
    ("8.6", "101 switches nothing", lambda s: told(s, ("upgrade-to", "x"), status="101") + whole(s), F),
    ("8.1.1", "a length and less", lambda s: told(s, ("content-length", "9")) + data(s), Resets(PROTOCOL)),
    ("8.1.1", "a length and more", lambda s: told(s, ("content-length", "2")) + data(s), Resets(PROTOCOL)),
    ("8.1.1", "a length and more, in pieces", lambda s: told(s, ("content-length", "4")) + data(s, flags=0) + data(s, b"evil"), Resets(PROTOCOL)),
    ("8.1.1", "a length and no body", lambda s: ended(s, ("content-length", "4")), Resets(PROTOCOL)),
    ("8.1.1", "a length, trailers, and less", lambda s: told(s, ("content-length", "9")) + data(s, flags=0) + ended(s, ("x-sum", "7"), status=None), Resets(PROTOCOL)),
    ("8.1.1", "two lengths", lambda s: whole(s, ("content-length", "4"), ("content-length", "5")), Resets(PROTOCOL)),
    ("8.1.1", "a length twice", lambda s: whole(s, ("content-length", "4"), ("content-length", "4")), F),
    ("8.1.1", "a length with a sign", lambda s: whole(s, ("content-length", "+4")), Resets(PROTOCOL)),
    ("8.1.1", "a length below nothing", lambda s: whole(s, ("content-length", "-4")), Resets(PROTOCOL)),
    ("8.1.1", "a length that is a list", lambda s: whole(s, ("content-length", "4, 4")), Resets(PROTOCOL)),
    ("8.1.1", "a length that is no number", lambda s: whole(s, ("content-length", "four")), Resets(PROTOCOL)),
    ("8.1.1", "a length past all numbers", lambda s: whole(s, ("content-length", "9" * 30)), Resets(PROTOCOL)),
    ("8.1.1", "a length, and it is", lambda s: whole(s, ("content-length", "4")), F),
    ("8.1.1", "a length of what HEAD does not have", lambda s: ended(s, ("content-length", "1234")), Fine(body=b"", method="HEAD")),
    ("8.1.1", "HEAD with a body", lambda s: whole(s), Resets(PROTOCOL, NONE, CANCEL, CLOSED), None, None, "HEAD"),
    ("8.1.1", "304 with a length and no body", lambda s: ended(s, ("content-length", "1234"), status="304"), Fine(304, b"")),
    ("8.1.1", "304 with a body", lambda s: whole(s, status="304"), Resets(PROTOCOL, NONE, CANCEL, CLOSED)),
    ("8.1.1", "204 with a body", lambda s: whole(s, status="204"), Resets(PROTOCOL, NONE, CANCEL, CLOSED)),
    ("8.2", "a name in upper case", lambda s: whole(s, ("X-Note", "a")), Resets(PROTOCOL, lenient=True)),
    *(("8.2.1", f"a name that is {name!r}", lambda s, name=name: whole(s, (name, "a")), Resets(PROTOCOL, lenient=True)) for name in
      ["x note", "x:note", "", b"x\xe9", "x\0", "x\r\nevil", "x\n", "x\x7f", "x,note", "x(note)", " x", "x "]),
    *(("8.2.1", f"a value with {odd!a}", lambda s, odd=odd: whole(s, ("x-note", f"a{odd}b")), Resets(PROTOCOL, lenient=True)) for odd in ["\0", "\r", "\n", "\r\nset-cookie: evil=1"]),
    *(("8.2.2", f"a field of one connection: {name}", lambda s, name=name, value=value: whole(s, (name, value)), Resets(PROTOCOL)) for name, value in
      [("connection", "close"), ("connection", "x-note"), ("proxy-connection", "keep-alive"), ("keep-alive", "timeout=5"), ("transfer-encoding", "chunked"),
       ("upgrade", "h2c")]),
    ("8.2.2", "a coding of transfers in trailers", lambda s: told(s) + data(s, flags=0) + ended(s, ("transfer-encoding", "chunked"), status=None), Resets(PROTOCOL)),
    ("8.3", "a pseudo field that nobody knows", lambda s: whole(s, before=field(":test", "a")), Resets(PROTOCOL, lenient=True)),
    *(("8.3", f"a pseudo field of requests: {name}", lambda s, name=name, value=value: told(s, before=field(name, value)), Resets(PROTOCOL, CANCEL)) for name, value in
      [(":method", "GET"), (":path", "/evil"), (":scheme", "https"), (":authority", "evil.test"), (":protocol", "websocket")]),
    ("8.3", "a pseudo field behind a usual one", lambda s: whole(s, field("x-note", "a"), field(":status", "200"), status=None), Resets(PROTOCOL)),
    ("8.3", "a pseudo field in trailers", lambda s: told(s) + data(s, flags=0) + ended(s, (":status", "200"), status=None), Resets(PROTOCOL)),
    ("8.3.2", "no status", lambda s: whole(s, ("x-note", "a"), status=None), Resets(PROTOCOL)),
    ("8.3.2", "two statuses", lambda s: whole(s, before=field(":status", "200")), Resets(PROTOCOL)),
    *(("8.3.2", f"a status of {status!r}", lambda s, status=status: whole(s, status=status), Resets(PROTOCOL, lenient=True)) for status in
      ["", "20", "2000", "abc", "099", "+200", " 200", "200 OK", "000", "2e2", "-20"]),
    ("8.3.2", "a status of 999", lambda s: whole(s, status="999"), Fine(999)),
    # ------------------------------------------------------------ extensions
    ("7838 4", "ALTSVC goes nowhere", lambda s: frame(0xA, 0, 0, b"\0\x04evil" + b'h3=":443"') + frame(0xA, 0, s, b"\0\0" + b'h3=":443"') + whole(s), F),
    ("8336 2", "ORIGIN changes nothing", lambda s: frame(0xC, 0, 0, b"\0\x11https://evil.test") + whole(s), F),
    # ------------------------------------------------------------ RFC 7541
    ("hpack 2.3.3", "index nought", lambda s: frame(HEADERS, END_HEADERS, s, b"\x88\x80"), Ends(COMPRESSION)),
    ("hpack 2.3.3", "an index past the table", lambda s: frame(HEADERS, END_HEADERS, s, b"\x88\xbe"), Ends(COMPRESSION)),
    ("hpack 4.2", "a size of the table past what was allowed", lambda s: frame(HEADERS, END_HEADERS, s, b"\x3f\xff\xff\x07\x88"), Ends(COMPRESSION)),
    ("hpack 4.2", "a size of the table behind a field", lambda s: frame(HEADERS, END_HEADERS, s, b"\x88\x20"), Ends(COMPRESSION)),
    ("hpack 4.2", "a size of the table, twice, first", lambda s: frame(HEADERS, END_HEADERS, s, b"\x20\x3f\xe1\x1f\x88") + data(s), F),
    ("hpack 5.1", "a number without end", lambda s: frame(HEADERS, END_HEADERS, s, b"\x88\x7f" + BIG + b"\x01\1a"), Ends(COMPRESSION)),
    ("hpack 5.2", "a block that ends within a field", lambda s: frame(HEADERS, END_HEADERS, s, b"\x88\x00"), Ends(COMPRESSION)),
    ("hpack 5.2", "the end of Huffman's code within a text", lambda s: frame(HEADERS, END_HEADERS, s, b"\x88\x40\x84\xff\xff\xff\xff\1a"), Ends(COMPRESSION)),
    # ------------------------------------------------------------ made to be expensive
    ("flood", "a field of 4,096 bytes named 16,000 times", lambda s: frame(HEADERS, 0, s, b"\x88\x40\x01x\x7f\x81\x1e" + b"a" * 3968) + frame(CONTINUATION, END_HEADERS, s, b"\xbe" * 16000), Resets(PROTOCOL, CALM, REFUSED, CANCEL, lenient=True)),
    ("flood", "a thousand early hints", lambda s: told(s, ("link", "</a>"), status="103") * 1000 + whole(s), Resets(CANCEL, CALM, PROTOCOL, lenient=True)),
    ("flood", "more than any window takes", lambda s: told(s) + data(s, b"x" * 16384, 0) * 800, Overruns(FLOW, lenient=True)),
    # ------------------------------------------------------------ greetings
    ("3.4", "a greeting that is none", lambda s: whole(s), Ends(PROTOCOL), frame(PING, 0, 0, b"12345678")),
    ("3.4", "HTTP/1.1, though it agreed on HTTP/2", lambda s: whole(s), Ends(PROTOCOL, SIZE), b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ngood"),
    ("3.4", "an acknowledgement for a greeting", lambda s: whole(s), Ends(PROTOCOL), frame(SETTINGS, ACK, 0)),
    ("6.5.2", "a greeting with a window of nothing is no reason to wait for an answer", lambda s: whole(s), F, settings((4, 0))),
]


def judged(way, origin, other, sent, expected, greeting, again, method):
    method = expected.method if isinstance(expected, Fine) else method
    origin.fresh()
    origin.case, origin.again, origin.line, origin.greeting, origin.is_released = sent, again, None, greeting, False
    client = way.client(way)
    beside = client.ask("/slow") if way.client is Streams and not greeting and isinstance(expected, (Resets, Fine)) else None
    if beside and not origin.wait(lambda: any(line.slow for line in origin.lines)):
        return "nothing began"
    client.ask("/case", method)
    if greeting is not None and isinstance(expected, Ends):
        origin.line = origin.lines[0] if origin.wait(lambda: bool(origin.lines)) else None
        origin.greeting, origin.case = greeting, None
    if isinstance(expected, Overruns):
        why = "nothing began" if not origin.wait(lambda: origin.line) else expected.judge(origin)
        client.peer.close()
        return why
    status, said, body, is_whole = client.answer(method)
    origin.greeting = None
    if b"evil" in body or body and (method == "HEAD" or status in (204, 304)):
        return f"it was told {body}"
    if type(expected) is Fine:
        if (status, body, is_whole) != (expected.status, expected.body if way.client is Streams or method != "HEAD" else b"", True):
            return f"{status} {body[:60]} {is_whole} {said}, wanted {expected.status}"
    elif status == 502:
        if "error=" not in said:
            return f"502 without its reason: {said} {body}"
    elif is_whole and method != "HEAD" and status not in (204, 304):
        return f"the client got {status} {body[:60]}, and takes it for whole"
    elif status is None:
        return f"the client got no answer: {said}"
    if not isinstance(expected, Fine):
        if origin.line is None:
            return "the case was not played"
        why = expected.judge(origin)
        if why:
            return f"{why}; the client got {status} {said}"
    origin.release()
    if beside:
        got = client.answer(stream=beside)
        # Where the standard lets the connection end, what is beside it is told so.
        if got[::2] != (200, b"good") and not (isinstance(expected, Resets) and expected.lenient and got[0] == 502) and not isinstance(expected, Cut):
            return f"what was beside it was hurt: {got}"
    origin.case = origin.again = None
    if not client.lives():
        return f"the client's connection does not live on"
    following = way.client(way)
    following.ask("/good")
    if following.answer()[::2] != (200, b"good"):
        return "the next request is not answered"
    return None


def main():
    wanted, passed, failed = sys.argv[1:], 0, 0
    with folder() as d:
        certificates = Certificates(d)
        certificate, key = certificates.leaf("origin")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        context.set_alpn_protocols(["h2"])
        secure, clear, quiet = Origin(context), Origin(), Origin(context)
        port = free_port()
        gate = Gate(d, certificates.ca, f"""
[[listener]]
name = "clear"
kind = "reverse"
address = "127.0.0.1:{port}"
upstream = "http://{NAME}:{clear.server_port}"
""").start()
        ways = [Tunnel("h2 in a tunnel", gate, gate.port, secure, "h2"), Tunnel("h1 in a tunnel", gate, gate.port, secure, "http/1.1"), Reverse("reverse", gate, port, clear)]
        ways[2].title = "h2 in clear text"
        bystander = Streams(Tunnel("bystander", gate, gate.port, quiet, "h2"))
        for way in ways:
            assert bystander.lives(), "no bystander"
            before = resident(gate)
            for section, title, sent, expected, *more in CASES:
                if wanted and not any(section.startswith(each) for each in wanted):
                    continue
                # In clear text a greeting that is none means HTTP/1; a client of HTTP/1.1 reads whatever comes.
                if way.scheme == "http" and section == "3.4" and more or way.client is Plain and isinstance(expected, Overruns):
                    continue
                greeting, again, method = [*more, None, None, "GET"][:3] if len(more) < 3 else more
                method = method or "GET"
                try:
                    why = judged(way, way.origin, quiet, sent, expected, greeting, again, method)
                except (Ended, AssertionError, OSError) as error:
                    why = f"{type(error).__name__} {error}"
                if not why and not bystander.lives():
                    why = "the bystander was hurt"
                    bystander = Streams(Tunnel("bystander", gate, gate.port, quiet, "h2"))
                passed, failed = (passed, failed + 1) if why else (passed + 1, failed)
                if why:
                    print(f"FAIL  {way.title}: {section}: {title}: {why}", flush=True)
            grown = resident(gate) - before
            print(f"{way.title}: {grown:+.1f} MiB", flush=True)
            passed, failed = (passed + 1, failed) if grown <= 32 else (passed, failed + 1)
        sys.exit(conclude(gate, passed, failed))


if __name__ == "__main__":
    main()
