#!/usr/bin/env python3
"""RFC 9113, RFC 7541 and RFC 8441 section by section: raw frames of a client that breaks one rule at a time, and what it is told.

    tests/protocols/frames.py [SECTION…]    # needs openssl; installs hpack under target/; SECTION: 6.9, hpack …: only cases whose section begins so

Each case is on a connection of its own, on three ways: to a reverse listener in clear text, to one in TLS, and through a
tunnel of an explicit one, with prior knowledge.
A case is an error of the connection (GOAWAY with that code, then the end), an error of the stream (RST_STREAM with that
code, or a 400; other streams of the connection are served as ever), or none (what was asked for is answered). A request
that breaks a rule never reaches the origin. A bystander's connection is asked after every case and never notices.
"""
import http.server, os, pathlib, random, re, socket, ssl, struct, sys, threading, time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lab"))
from lab import Certificates, Gate, Handler, folder, free_port, with_packages

with_packages("frames", "hpack")
import hpack

NAME = "crm.example.test"
NONE, PROTOCOL, INTERNAL, FLOW, TIMEOUT, CLOSED, SIZE, REFUSED, CANCEL, COMPRESSION, CONNECT, CALM = range(12)
DATA, HEADERS, PRIORITY, RST, SETTINGS, PUSH, PING, GOAWAY, WINDOW, CONTINUATION = range(10)
END_STREAM, ACK, END_HEADERS, PADDED, PRIO = 1, 1, 4, 8, 0x20
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"


def frame(kind, flags, stream, payload=b"", length=None):
    return (len(payload) if length is None else length).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big") + payload


def text(value):
    value = value if isinstance(value, bytes) else value.encode()
    assert len(value) < 127
    return bytes([len(value)]) + value


def field(name, value):
    """A field written without a table."""
    return b"\0" + text(name) + text(value)


def block(*more, method="GET", path="/x", scheme=None, authority=None, without=(), before=b""):
    """A request's header block. What is asked of the way it comes by is filled in when it is sent."""
    pseudo = {":method": method, ":scheme": scheme or "@scheme", ":path": path, ":authority": authority or "@authority"}
    return [before, *(field(*each) for each in pseudo.items() if each[0] not in without), *(field(*each) if isinstance(each, tuple) else each for each in more)]


def headers(stream, *more, flags=END_STREAM | END_HEADERS, **how):
    return ("headers", stream, flags, block(*more, **how))


def get(stream=1, **how):
    return headers(stream, **how)


def post(stream=1, *more, **how):
    return headers(stream, *more, flags=END_HEADERS, method="POST", **how)


def settings(*pairs):
    return frame(SETTINGS, 0, 0, b"".join(struct.pack("!HI", *pair) for pair in pairs))


def raw(stream, payload, flags=END_STREAM | END_HEADERS):
    return frame(HEADERS, flags, stream, payload)


class Ended(Exception):
    pass


class Peer:
    """A client's connection, frame by frame."""

    def __init__(self, way, greeting=None):
        self.way, self.buffer, self.frames, self.goaway, self.table = way, b"", [], None, hpack.Decoder()
        self.socket = way.connect()
        self.socket.settimeout(4)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.send(greeting if greeting is not None else PREFACE + settings())

    def send(self, *parts):
        out = []
        for part in parts:
            if isinstance(part, tuple):
                _, stream, flags, pieces = part
                payload = b"".join(pieces)
                for mark in ("scheme", "authority"):
                    value = getattr(self.way, mark).encode()
                    payload = payload.replace(text("@" + mark), text(value))
                part = frame(HEADERS, flags, stream, payload)
            out.append(part)
        try:
            self.socket.sendall(b"".join(out))
        except OSError:
            pass

    def next(self):
        """The next frame, settings and windows apart."""
        while True:
            if len(self.buffer) >= 9:
                length, kind, flags = int.from_bytes(self.buffer[:3], "big"), self.buffer[3], self.buffer[4]
                if len(self.buffer) >= 9 + length:
                    stream = int.from_bytes(self.buffer[5:9], "big") & 0x7FFFFFFF
                    payload, self.buffer = self.buffer[9:9 + length], self.buffer[9 + length:]
                    if kind == SETTINGS and not flags & ACK:
                        self.send(frame(SETTINGS, ACK, 0))
                    if kind == PING and not flags & ACK:
                        self.send(frame(PING, ACK, 0, payload))
                    if kind == HEADERS:
                        payload = dict(self.table.decode(payload))
                    if kind == GOAWAY:
                        self.goaway = int.from_bytes(payload[4:8], "big")
                    self.frames.append((kind, flags, stream, payload))
                    return self.frames[-1]
            try:
                got = self.socket.recv(65536)
            except TimeoutError:
                raise
            except OSError:
                got = b""
            if not got:
                raise Ended
            self.buffer += got

    def until(self, done):
        while True:
            one = self.next()
            if done(*one):
                return one

    def told(self, setting, otherwise):
        """What the gate's settings, which come first, say."""
        self.until(lambda kind, flags, *_: kind == SETTINGS and not flags & ACK)
        return dict(struct.iter_unpack("!HI", self.frames[-1][3])).get(setting, otherwise)

    def outcome(self, stream):
        """What came of a stream, or of the connection."""
        status = None
        try:
            while True:
                kind, flags, of, payload = self.next()
                if kind == GOAWAY and self.goaway:
                    return "goaway", self.goaway
                if of != stream:
                    continue
                if kind == RST:
                    code = int.from_bytes(payload, "big")
                    return ("status", status) if code == NONE and status else ("reset", code)
                if kind == HEADERS and status is None:
                    status = int(payload[":status"]) if ":status" in payload else None
                if kind in (HEADERS, DATA) and flags & END_STREAM:
                    return "status", status
        except Ended:
            return ("goaway", self.goaway) if self.goaway is not None else ("end", None)
        except TimeoutError:
            return "nothing", None

    def lives(self, stream=None):
        """Whether it answers a ping, and a request."""
        try:
            self.send(frame(PING, 0, 0, b"are you?"))
            self.until(lambda kind, flags, of, payload: kind == PING and flags & ACK and payload == b"are you?")
            if stream:
                self.send(get(stream))
                return self.outcome(stream) == ("status", 200)
            return True
        except (Ended, TimeoutError):
            return False

    def close(self):
        self.socket.close()


def ends(*codes):
    """An error of the connection."""
    def judge(peer, stream):
        kind, code = peer.outcome(stream)
        if kind != "goaway" or code not in codes:
            return f"{kind} {code}, wanted GOAWAY {codes}"
        try:
            while True:
                peer.next()
        except Ended:
            return None
        except TimeoutError:
            return "the connection goes on"
    return judge


def resets(*codes, lenient=False):
    """An error of the stream: its connection lives on, unless the standard lets it end."""
    def judge(peer, stream):
        kind, code = peer.outcome(stream)
        if kind == "goaway" and code in codes and lenient:
            return None
        if not (kind == "reset" and code in codes) and not (kind == "status" and 400 <= code < 500 and PROTOCOL in codes):
            return f"{kind} {code}, wanted RST_STREAM {codes}"
        return None if peer.lives(99) else "the connection does not live on"
    return judge


def overruns(peer, stream):
    """More than the stream was granted is more than its connection was: either is an error (section 6.9.1), and who goes on
    sending may find the connection closed before it has read why."""
    kind, code = peer.outcome(stream)
    return None if kind == "end" or kind in ("reset", "goaway") and code == FLOW else f"{kind} {code}"


def answers(status=200):
    def judge(peer, stream):
        got = peer.outcome(stream)
        if got != ("status", status):
            return f"{got}, wanted {status}"
        return None if peer.lives(99) else "the connection does not live on"
    return judge


def lives(peer, stream):
    return None if peer.lives(99) else f"the connection does not live on: {peer.goaway}"


BIG = b"\xff" * 9
# Each: section, what is done, what is sent, what comes of it, and the stream that is looked at.
CASES = [
    # ------------------------------------------------------------ connections
    ("3.4", "settings first, none at all", [frame(PING, 0, 0, b"12345678")], ends(PROTOCOL), 0, PREFACE),
    ("3.4", "a request before settings", [get()], ends(PROTOCOL), 0, PREFACE),
    ("4.1", "a frame that nobody knows", [frame(0xBB, 0xFF, 0, b"what?"), get()], answers()),
    ("4.1", "a frame that nobody knows on an idle stream", [frame(0xBB, 0xFF, 1, b"what?"), get()], answers()),
    ("4.1", "flags that nobody knows", [frame(PING, 0xFE, 0, b"12345678"), get(), ], answers()),
    ("4.1", "the reserved bit", [frame(PING, 0, 0x80000000, b"12345678"), get()], answers()),
    ("4.2", "DATA of the largest frame", [post(), frame(DATA, END_STREAM, 1, b"{" + b" " * 16382 + b"}")], answers()),
    ("4.2", "DATA of one byte more than the largest frame", "large DATA", resets(SIZE, lenient=True)),
    ("4.2", "HEADERS of one byte more than the largest frame", "large HEADERS", ends(SIZE)),
    ("4.2", "a frame of 16 MiB that nobody knows", [frame(0xBB, 0, 0, b"", 0xFFFFFF)], ends(SIZE)),
    # ------------------------------------------------------------ header blocks
    ("4.3", "a block that no table can read", [raw(1, b"\x82\x86\x84\xff\xff\xff\xff\xff\xff\xff\xff")], ends(COMPRESSION)),
    ("4.3", "PRIORITY within a block", [headers(1, flags=END_STREAM), frame(PRIORITY, 0, 1, b"\0\0\0\0\1")], ends(PROTOCOL)),
    ("4.3", "PING within a block", [headers(1, flags=END_STREAM), frame(PING, 0, 0, b"12345678")], ends(PROTOCOL)),
    ("4.3", "HEADERS of another stream within a block", [headers(1, flags=END_STREAM), get(3)], ends(PROTOCOL)),
    ("4.3", "DATA within a block", [headers(1, flags=0), frame(DATA, END_STREAM, 1, b"x")], ends(PROTOCOL)),
    ("4.3", "a block in pieces, one of a byte and one of none", "split", answers()),
    # ------------------------------------------------------------ states of streams
    ("5.1", "DATA on an idle stream", [frame(DATA, END_STREAM, 1, b"x")], ends(PROTOCOL)),
    ("5.1", "RST_STREAM on an idle stream", [frame(RST, 0, 1, b"\0\0\0\x08")], ends(PROTOCOL)),
    ("5.1", "WINDOW_UPDATE on an idle stream", [frame(WINDOW, 0, 1, b"\0\0\0\x08")], ends(PROTOCOL)),
    ("5.1", "CONTINUATION on an idle stream", [frame(CONTINUATION, 4, 1, b"\x82")], ends(PROTOCOL)),
    ("5.1", "PRIORITY on an idle stream", [frame(PRIORITY, 0, 3, b"\0\0\0\0\1"), get()], answers()),
    ("5.1", "DATA on a stream that its client has ended", [get(path="/slow"), frame(DATA, END_STREAM, 1, b"x")], resets(CLOSED, lenient=True)),
    ("5.1", "HEADERS on a stream that its client has ended", [get(path="/slow"), get()], resets(CLOSED, lenient=True)),
    ("5.1", "CONTINUATION on a stream that its client has ended", [get(path="/slow"), frame(CONTINUATION, 4, 1, b"\x82")], ends(PROTOCOL, CLOSED)),
    ("5.1", "WINDOW_UPDATE on a stream that its client has ended", [get(path="/slow"), frame(WINDOW, 0, 1, b"\0\0\0\x08")], answers()),
    ("5.1", "PRIORITY on a stream that its client has ended", [get(path="/slow"), frame(PRIORITY, 0, 1, b"\0\0\0\0\1")], answers()),
    ("5.1", "DATA on a stream that was reset", [post(), frame(RST, 0, 1, b"\0\0\0\x08"), frame(DATA, END_STREAM, 1, b"x")], resets(CLOSED, lenient=True)),
    ("5.1", "HEADERS on a stream that was reset", [post(), frame(RST, 0, 1, b"\0\0\0\x08"), get()], resets(CLOSED, PROTOCOL, lenient=True)),
    ("5.1", "RST_STREAM on a stream that was reset", [post(), frame(RST, 0, 1, b"\0\0\0\x08") * 2], lives),
    ("5.1", "WINDOW_UPDATE on a stream that was reset", [post(), frame(RST, 0, 1, b"\0\0\0\x08"), frame(WINDOW, 0, 1, b"\0\0\0\x08")], lives),
    ("5.1", "DATA on a stream that has ended", [get(), "wait", frame(DATA, END_STREAM, 1, b"x")], resets(CLOSED, lenient=True)),
    ("5.1", "HEADERS on a stream that has ended", [get(), "wait", get()], resets(CLOSED, lenient=True)),
    ("5.1", "CONTINUATION on a stream that has ended", [get(), "wait", frame(CONTINUATION, 4, 1, b"\x82")], ends(CLOSED, PROTOCOL)),
    ("5.1", "WINDOW_UPDATE, RST_STREAM and PRIORITY on a stream that has ended",
     [get(), "wait", frame(WINDOW, 0, 1, b"\0\0\0\x08"), frame(RST, 0, 1, b"\0\0\0\x08"), frame(PRIORITY, 0, 1, b"\0\0\0\0\1")], lives),
    ("5.1", "DATA that was under way to a stream that the gate has refused", "refused", lives),
    ("5.1.1", "a stream of an even number", [get(2)], ends(PROTOCOL), 2),
    ("5.1.1", "a stream below the youngest", [get(5), "wait", get(3)], ends(PROTOCOL, CLOSED), 3),
    ("5.1.1", "the largest number of a stream", [get(0x7FFFFFFF)], "last", 0x7FFFFFFF),
    ("5.1.2", "more streams at once than were allowed", "many", lives),
    ("5.3", "a stream that depends on itself", [frame(PRIORITY, 0, 1, b"\0\0\0\1\xff"), get(3)], lives, 3),
    ("5.5", "a frame that nobody knows within a block", [headers(1, flags=END_STREAM), frame(0xBB, 0, 1, b"x")], ends(PROTOCOL)),
    # ------------------------------------------------------------ DATA, HEADERS, PRIORITY, RST_STREAM
    ("6.1", "DATA of no stream", [frame(DATA, END_STREAM, 0, b"x")], ends(PROTOCOL)),
    ("6.1", "DATA whose padding is all of it", [post(), frame(DATA, END_STREAM | PADDED, 1, b"\x05abcd")], ends(PROTOCOL)),
    ("6.1", "DATA without the length of its padding", [post(), frame(DATA, END_STREAM | PADDED, 1, b"")], ends(SIZE, PROTOCOL)),
    ("6.1", "DATA with padding", [post(), frame(DATA, END_STREAM | PADDED, 1, b"\x03{}\0\0\0")], answers()),
    ("6.1", "DATA of nothing but padding", [post(), frame(DATA, PADDED, 1, b"\x03\0\0\0"), frame(DATA, END_STREAM, 1, b"{}")], answers()),
    ("6.2", "HEADERS of no stream", [get(0)], ends(PROTOCOL)),
    ("6.2", "HEADERS whose padding is longer than they are", [raw(1, b"\xff\x82\x86\x84", END_STREAM | END_HEADERS | PADDED)], ends(PROTOCOL)),
    ("6.2", "HEADERS with a flag of priority and no room for it", [raw(1, b"\0\0", END_STREAM | END_HEADERS | PRIO)], ends(PROTOCOL, SIZE)),
    ("6.2", "HEADERS with padding and priority", "padded", answers()),
    ("6.3", "PRIORITY of no stream", [frame(PRIORITY, 0, 0, b"\0\0\0\0\1")], ends(PROTOCOL)),
    ("6.3", "PRIORITY of four bytes", [frame(PRIORITY, 0, 1, b"\0\0\0\0")], resets(SIZE, lenient=True)),
    ("6.4", "RST_STREAM of no stream", [frame(RST, 0, 0, b"\0\0\0\x08")], ends(PROTOCOL)),
    ("6.4", "RST_STREAM of three bytes", [get(path="/slow"), frame(RST, 0, 1, b"\0\0\0")], ends(SIZE)),
    # ------------------------------------------------------------ SETTINGS
    ("6.5", "settings are acknowledged", [settings((3, 100))], "acknowledged"),
    ("6.5", "SETTINGS of a stream", [frame(SETTINGS, 0, 1)], ends(PROTOCOL)),
    ("6.5", "SETTINGS of five bytes", [frame(SETTINGS, 0, 0, b"\0\3\0\0\0")], ends(SIZE)),
    ("6.5", "an acknowledgement that holds something", [frame(SETTINGS, ACK, 0, b"\0" * 6)], ends(SIZE)),
    ("6.5.2", "ENABLE_PUSH of two", [settings((2, 2))], ends(PROTOCOL)),
    ("6.5.2", "INITIAL_WINDOW_SIZE of 2^31", [settings((4, 0x80000000))], ends(FLOW)),
    ("6.5.2", "MAX_FRAME_SIZE of 16,383", [settings((5, 16383))], ends(PROTOCOL)),
    ("6.5.2", "MAX_FRAME_SIZE of 2^24", [settings((5, 1 << 24))], ends(PROTOCOL)),
    ("6.5.2", "a setting that nobody knows", [settings((0xFFFF, 7), (0, 1)), get()], answers()),
    ("6.5.2", "HEADER_TABLE_SIZE of nothing, and of much", [settings((1, 0)), settings((1, 0xFFFFFFFF)), get()], answers()),
    ("6.5.3", "the same setting twice: the last one counts", [settings((4, 0), (4, 65535)), get()], answers()),
    ("8441 3", "ENABLE_CONNECT_PROTOCOL of two", [settings((8, 2))], ends(PROTOCOL)),
    # ------------------------------------------------------------ PUSH_PROMISE, PING, GOAWAY
    ("6.6", "a client's promise", [get(path="/slow"), frame(PUSH, END_HEADERS, 1, b"\0\0\0\2\x82\x86\x84")], ends(PROTOCOL)),
    ("6.7", "PING is answered with what it held", [], lives),
    ("6.7", "an answer to no PING", [frame(PING, ACK, 0, b"87654321"), get()], answers()),
    ("6.7", "PING of a stream", [frame(PING, 0, 1, b"12345678")], ends(PROTOCOL)),
    ("6.7", "PING of six bytes", [frame(PING, 0, 0, b"123456")], ends(SIZE)),
    ("6.8", "GOAWAY of a stream", [frame(GOAWAY, 0, 1, b"\0" * 8)], ends(PROTOCOL)),
    ("6.8", "GOAWAY of four bytes", [frame(GOAWAY, 0, 0, b"\0" * 4)], ends(SIZE)),
    ("6.8", "GOAWAY lets end what is under way", [get(path="/slow"), frame(GOAWAY, 0, 0, b"\0" * 8)], "finished"),
    # ------------------------------------------------------------ WINDOW_UPDATE
    ("6.9", "the connection's window by nothing", [frame(WINDOW, 0, 0, b"\0" * 4)], ends(PROTOCOL)),
    ("6.9", "a stream's window by nothing", [get(path="/slow"), frame(WINDOW, 0, 1, b"\0" * 4)], resets(PROTOCOL, lenient=True)),
    ("6.9", "WINDOW_UPDATE of three bytes", [frame(WINDOW, 0, 0, b"\0" * 3)], ends(SIZE)),
    ("6.9.1", "the connection's window past 2^31 - 1", [frame(WINDOW, 0, 0, b"\x7f\xff\xff\xff") * 2], ends(FLOW)),
    ("6.9.1", "a stream's window past 2^31 - 1", [get(path="/slow"), frame(WINDOW, 0, 1, b"\x7f\xff\xff\xff") * 2], resets(FLOW, lenient=True)),
    ("6.9.1", "no more is sent than the window takes", [settings((4, 1)), get()], "one byte"),
    ("6.9.1", "more is sent than the gate allowed", "overrun", overruns),
    ("6.9.2", "a window is opened by settings", [settings((4, 0)), get(), settings((4, 65535))], answers()),
    ("6.9.2", "settings take a stream's window past 2^31 - 1", [settings((4, 0)), get(path="/slow"), frame(WINDOW, 0, 1, b"\x7f\xff\xff\xff"), settings((4, 1))], ends(FLOW)),
    ("6.9.2", "a window below zero opens again", [settings((4, 30)), get(path="/slow"), settings((4, 0)), frame(WINDOW, 0, 1, b"\0\1\0\0")], "finished"),
    # ------------------------------------------------------------ CONTINUATION
    ("6.10", "CONTINUATION behind a whole block", [post(), frame(CONTINUATION, END_HEADERS, 1, field("a", "b"))], ends(PROTOCOL)),
    ("6.10", "CONTINUATION of no stream", [headers(1, flags=END_STREAM), frame(CONTINUATION, END_HEADERS, 0, field("a", "b"))], ends(PROTOCOL)),
    ("6.10", "CONTINUATION of another stream", [headers(1, flags=END_STREAM), frame(CONTINUATION, END_HEADERS, 3, field("a", "b"))], ends(PROTOCOL)),
    ("6.10", "CONTINUATION behind DATA", [post(), frame(DATA, 0, 1, b"x"), frame(CONTINUATION, END_HEADERS, 1, field("a", "b"))], ends(PROTOCOL)),
    # ------------------------------------------------------------ messages
    ("8.1", "trailers that do not end the stream", [post(), frame(DATA, 0, 1, b"{}"), raw(1, field("x-sum", "7"), END_HEADERS)], resets(PROTOCOL, lenient=True)),
    ("8.1", "a second head instead of trailers", [post(), frame(DATA, 0, 1, b"{}"), get()], resets(PROTOCOL)),
    ("8.1", "trailers", [post(), frame(DATA, 0, 1, b"{}"), raw(1, field("x-sum", "7"))], answers()),
    ("8.1.1", "a length and less", [post(1, ("content-length", "3")), frame(DATA, END_STREAM, 1, b"{}")], resets(PROTOCOL)),
    ("8.1.1", "a length and more", [post(1, ("content-length", "1")), frame(DATA, END_STREAM, 1, b"{}")], resets(PROTOCOL)),
    ("8.1.1", "a length and more, in pieces", [post(1, ("content-length", "3")), frame(DATA, 0, 1, b"{}"), frame(DATA, END_STREAM, 1, b"{}")], resets(PROTOCOL)),
    ("8.1.1", "a length and no body", [headers(1, ("content-length", "3"))], resets(PROTOCOL)),
    ("8.1.1", "two lengths", [post(1, ("content-length", "2"), ("content-length", "3")), frame(DATA, END_STREAM, 1, b"{}")], resets(PROTOCOL)),
    ("8.1.1", "a length below nothing", [post(1, ("content-length", "-2")), frame(DATA, END_STREAM, 1, b"{}")], resets(PROTOCOL)),
    ("8.1.1", "a length with a sign", [post(1, ("content-length", "+2")), frame(DATA, END_STREAM, 1, b"{}")], resets(PROTOCOL)),
    ("8.1.1", "a length, and it is", [post(1, ("content-length", "2")), frame(DATA, END_STREAM, 1, b"{}")], answers()),
    ("8.1.1", "a length, trailers, and less", [post(1, ("content-length", "3")), frame(DATA, 0, 1, b"{}"), raw(1, field("x-sum", "7"))], resets(PROTOCOL)),
    ("8.2", "a name in upper case", [headers(1, ("X-Note", "a"))], resets(PROTOCOL, lenient=True)),
    ("8.2.1", "a name with a space", [headers(1, ("x note", "a"))], resets(PROTOCOL, lenient=True)),
    ("8.2.1", "a name with a colon in it", [headers(1, ("x:note", "a"))], resets(PROTOCOL, lenient=True)),
    ("8.2.1", "a name that is empty", [headers(1, ("", "a"))], resets(PROTOCOL, lenient=True)),
    ("8.2.1", "a name of a byte above 127", [headers(1, (b"x\xe9", "a"))], resets(PROTOCOL, lenient=True)),
    ("8.2.1", "a name with NUL", [headers(1, ("x\0", "a"))], resets(PROTOCOL, lenient=True)),
    *(("8.2.1", f"a value with {ascii(odd)}", [headers(1, ("x-note", f"a{odd}b"))], resets(PROTOCOL, lenient=True)) for odd in "\0\r\n"),
    ("8.2.1", "a value with a line of its own", [headers(1, ("x-note", "a\r\nhost: evil.test"))], resets(PROTOCOL, lenient=True)),
    ("8.2.1", "a path with a line of its own", [headers(1, path="/x HTTP/1.1\r\nhost: evil.test\r\n")], resets(PROTOCOL, lenient=True)),
    ("8.2.1", "a method with a line of its own", [headers(1, method="GET / HTTP/1.1\r\nhost: evil.test\r\n")], resets(PROTOCOL, lenient=True)),
    *(("8.2.2", f"a field of one connection: {name}", [headers(1, (name, value))], resets(PROTOCOL)) for name, value in
      [("connection", "keep-alive"), ("connection", "x-note"), ("proxy-connection", "keep-alive"), ("keep-alive", "timeout=5"),
       ("transfer-encoding", "chunked"), ("transfer-encoding", "identity"), ("upgrade", "h2c"), ("te", "gzip"), ("te", "trailers, deflate")]),
    ("8.2.2", "te: trailers", [headers(1, ("te", "trailers"))], answers()),
    ("8.2.2", "a field of one connection in trailers", [post(), frame(DATA, 0, 1, b"{}"), raw(1, field("connection", "close"))], resets(PROTOCOL)),
    ("8.2.2", "a coding of transfers in trailers", [post(), frame(DATA, 0, 1, b"{}"), raw(1, field("transfer-encoding", "chunked"))], resets(PROTOCOL)),
    ("8.3", "a pseudo field that nobody knows", [headers(1, (":test", "a"))], resets(PROTOCOL, lenient=True)),
    ("8.3", "a pseudo field of answers", [headers(1, (":status", "200"))], resets(PROTOCOL)),
    ("8.3", "a pseudo field behind a usual one", [headers(1, ("x-note", "a"), (":path", "/y"), without=[":path"])], resets(PROTOCOL)),
    ("8.3", "a pseudo field in trailers", [post(), frame(DATA, 0, 1, b"{}"), raw(1, field(":path", "/y"))], resets(PROTOCOL)),
    ("8.3.1", "no method", [headers(1, without=[":method"])], resets(PROTOCOL)),
    ("8.3.1", "no scheme", [headers(1, without=[":scheme"])], resets(PROTOCOL)),
    ("8.3.1", "no path", [headers(1, without=[":path"])], resets(PROTOCOL)),
    ("8.3.1", "an empty path", [headers(1, path="")], resets(PROTOCOL)),
    ("8.3.1", "a path that does not begin with a slash", [headers(1, path="x")], resets(PROTOCOL)),
    ("8.3.1", "a path that is a whole address", [headers(1, path="http://evil.test/x")], resets(PROTOCOL)),
    ("8.3.1", "a fragment goes nowhere", [headers(1, path="/x#evil")], answers()),
    ("8.3.1", "a path of a star that is not for OPTIONS", [headers(1, path="*")], resets(PROTOCOL)),
    ("8.3.1", "a star for OPTIONS", [headers(1, path="*", method="OPTIONS")], answers()),
    *(("8.3.1", f"{name} twice", [headers(1, before=field(name, value))], resets(PROTOCOL)) for name, value in
      [(":method", "GET"), (":scheme", "@scheme"), (":path", "/x"), (":authority", "@authority")]),
    ("8.3.1", "an empty method", [headers(1, method="")], resets(PROTOCOL, lenient=True)),
    ("8.3.1", "an authority with a user", [headers(1, authority=f"me@{NAME}")], resets(PROTOCOL)),
    ("8.3.1", "an authority with a path", [headers(1, authority=f"{NAME}/x")], resets(PROTOCOL)),
    ("8.3.1", "an authority with a port that is none", [headers(1, authority=f"{NAME}:99999")], resets(PROTOCOL)),
    ("8.3.1", "an empty authority and no host", [headers(1, before=field(":authority", ""), without=[":authority"])], resets(PROTOCOL)),
    ("8.3.1", "no authority and no host", [headers(1, without=[":authority"])], resets(PROTOCOL)),
    ("8.3.1", "a host instead of the authority", [headers(1, ("host", "@authority"), without=[":authority"])], answers()),
    ("8.3.1", "a host that is another", [headers(1, ("host", "evil.test"))], resets(PROTOCOL)),
    ("8.3.1", "two hosts", [headers(1, ("host", "@authority"), ("host", "evil.test"))], resets(PROTOCOL)),
    ("8.3.1", "a scheme that is none of HTTP's", [headers(1, scheme="ftp")], resets(PROTOCOL)),
    ("8.2.3", "cookies in crumbs", [headers(1, ("cookie", "a=b"), ("cookie", "c=d"), path="/cookie")], "cookies"),
    ("8.5", "CONNECT in a tunnel or to a reverse listener", [headers(1, method="CONNECT", without=[":scheme", ":path"])], resets(PROTOCOL, CANCEL, REFUSED, CONNECT)),
    ("8.5", "CONNECT with a path", [headers(1, method="CONNECT")], resets(PROTOCOL)),
    ("8441 4", "a protocol that nobody knows", [headers(1, (":protocol", "shell"), method="CONNECT")], resets(PROTOCOL, CANCEL, REFUSED)),
    ("8441 4", "a protocol for a method that is not CONNECT", [headers(1, before=field(":protocol", "websocket"))], resets(PROTOCOL)),
    ("8441 4", "a protocol without a path", [headers(1, before=field(":protocol", "websocket"), method="CONNECT", without=[":path"])], resets(PROTOCOL)),
    # ------------------------------------------------------------ extensions
    ("9218 7.1", "PRIORITY_UPDATE", [frame(0x10, 0, 0, b"\0\0\0\1u=1"), get()], answers()),
    ("7838 4", "a client's ALTSVC", [frame(0xA, 0, 0, b"\0\x04evil" + b'h3=":443"'), get()], answers()),
    ("8336 2", "a client's ORIGIN", [frame(0xC, 0, 0, b"\0\x11https://evil.test"), get()], answers()),
    # ------------------------------------------------------------ RFC 7541
    ("hpack 2.3.3", "index nought", [raw(1, b"\x82\x86\x84\x80")], ends(COMPRESSION)),
    ("hpack 2.3.3", "an index past the table", [raw(1, b"\x82\x86\x84\xbe")], ends(COMPRESSION)),
    ("hpack 2.3.3", "a name past the table", [raw(1, b"\x82\x86\x84\x7e\1a")], ends(COMPRESSION)),
    ("hpack 4.2", "a size of the table past what was allowed", [raw(1, b"\x3f\xff\xff\x07\x82\x86\x84")], ends(COMPRESSION)),
    ("hpack 4.2", "a size of the table behind a field", [raw(1, b"\x82\x86\x84\x20")], ends(COMPRESSION)),
    ("hpack 4.2", "a size of the table, twice, first", "sizes", answers()),
    ("hpack 5.1", "a number without end", [raw(1, b"\x82\x86\x84\x7f" + BIG + b"\x01\1a")], ends(COMPRESSION)),
    ("hpack 5.2", "a text longer than its block", [raw(1, b"\x82\x86\x84\x00\x7fab")], ends(COMPRESSION)),
    ("hpack 5.2", "a block that ends within a field", [raw(1, b"\x82\x86\x84\x00")], ends(COMPRESSION)),
    ("hpack 5.2", "the end of Huffman's code within a text", [raw(1, b"\x82\x86\x84\x40\x84\xff\xff\xff\xff\1a")], ends(COMPRESSION)),
    ("hpack 5.2", "padding of more than seven bits", [raw(1, b"\x82\x86\x84\x40\x82\x1f\xff\1a")], ends(COMPRESSION)),
    ("hpack 5.2", "padding that is not of ones", [raw(1, b"\x82\x86\x84\x40\x81\x18\1a")], ends(COMPRESSION)),
    ("hpack", "600 heads as another's encoder writes them", "encoded", lives),
    ("hpack 7.1.3", "a field that is never to be indexed", [headers(1, b"\x10" + text("x-note") + text("a"))], answers()),
    # ------------------------------------------------------------ made to be expensive
    ("flood", "a field of 4,096 bytes named 16,000 times", "bomb", resets(PROTOCOL, CALM, REFUSED, lenient=True)),
]


class Way:
    """How a client comes to the gate."""

    def __init__(self, title, gate, port, origin):
        self.title, self.gate, self.port, self.origin = title, gate, port, origin
        self.authority = f"{NAME}:{origin.server_port}" if title == "tunnel" else NAME
        self.scheme = "https" if title == "reverse-tls" else "http"

    def connect(self):
        tcp = socket.create_connection(("127.0.0.1", self.port))
        if self.title == "tunnel":
            tcp.sendall(f"CONNECT {self.authority} HTTP/1.1\r\nHost: {self.authority}\r\n\r\n".encode())
            head = b""
            while not head.endswith(b"\r\n\r\n"):
                head += tcp.recv(1)
            assert b" 200" in head, head
        if self.title == "reverse-tls":
            context = ssl.create_default_context(cafile=self.gate.dir / "origin-ca.pem")
            context.set_alpn_protocols(["h2"])
            tcp = context.wrap_socket(tcp, server_hostname=NAME)
            assert tcp.selected_alpn_protocol() == "h2"
        return tcp


class Server(http.server.ThreadingHTTPServer):
    request_queue_size = 256

    def finish_request(self, request, client_address):
        request.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        super().finish_request(request, client_address)

    def handle_error(self, request, client_address):
        """Streams that are given up give up their connections."""


class Slow(Handler):
    """The lab's origin, whose `/slow` takes a moment and whose `/deaf` reads no body."""

    def answer(self):
        if self.path == "/slow":
            time.sleep(0.2)
        if self.path == "/deaf":
            time.sleep(3)
            self.close_connection = True
            return
        super().answer()

    do_GET = do_POST = do_OPTIONS = answer


def plain_origin():
    server = Server(("127.0.0.1", 0), Slow)
    server.seen = []
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


def steps(peer, what):
    """What cannot be written down without the way it goes."""
    pieces = lambda *more, **how: b"".join(block(*more, **how)).replace(text("@scheme"), text(peer.way.scheme)).replace(text("@authority"), text(peer.way.authority))
    if what == "split":
        whole = pieces()
        peer.send(frame(HEADERS, END_STREAM, 1, whole[:-8]), frame(CONTINUATION, 0, 1, whole[-8:-7]), frame(CONTINUATION, 0, 1),
                  frame(CONTINUATION, END_HEADERS, 1, whole[-7:]))
    elif what.startswith("large"):
        most = peer.told(5, 16384)
        peer.send(raw(1, b"\x82" + b"\0" * most) if what == "large HEADERS" else b"", *([] if what == "large HEADERS" else [post(), frame(DATA, END_STREAM, 1, b" " * (most + 1))]))
    elif what == "padded":
        peer.send(raw(1, b"\x04\0\0\0\0\x0f" + pieces() + b"\0" * 4, END_STREAM | END_HEADERS | PADDED | PRIO))
    elif what == "encoded":
        encoder, chance = hpack.Encoder(), random.Random(7541)
        text_of = lambda letters, most: "".join(chance.choice(letters) for _ in range(chance.randrange(1, most)))
        for n in range(600):
            if n % 200 == 150:
                encoder.header_table_size = chance.choice([0, 100, 1000, 4096])
            more = [(chance.choice(["x-a", "x-b", "etag", "user-agent", text_of("abcdefg-", 30)]), text_of("abc XYZ=%!~|{}\x7e 0123", 120).strip() or "a",
                     chance.random() < 0.2) for _ in range(chance.randrange(12))]
            fields = [(":method", "GET"), (":scheme", peer.way.scheme), (":authority", peer.way.authority), (":path", f"/n/{n % 50}")]
            stream = 2 * n + 1
            peer.send(raw(stream, encoder.encode(
                fields + [hpack.NeverIndexedHeaderTuple(name, value) if never else (name, value) for name, value, never in more],
                huffman=chance.random() < 0.7)))
            if n % 20 == 19:
                ended = set()
                while len(ended) < 20:
                    kind, flags, stream, payload = peer.next()
                    assert kind in (HEADERS, DATA, WINDOW, SETTINGS, PING), f"{n}: {kind} {payload}"
                    assert kind != HEADERS or payload[":status"] == "200", f"{n}: {payload}"
                    ended |= {stream} if kind in (HEADERS, DATA) and flags & END_STREAM else set()
        return False
    elif what == "sizes":
        peer.send(raw(1, b"\x20\x3f\xe1\x1f" + pieces()))
    elif what == "many":
        most = peer.told(3, 1 << 31)
        assert most <= 1000, f"{most} streams at once"
        peer.send(*(get(2 * n + 1, path="/slow") for n in range(most + 20)))
        refused = set()
        while len(refused) < 20:
            kind, _, stream, payload = peer.next()
            if kind == RST:
                assert int.from_bytes(payload, "big") in (REFUSED, PROTOCOL), payload
                refused.add(stream)
        ended = set()
        while len(ended) < most:
            kind, flags, stream, _ = peer.next()
            ended |= {stream} if kind in (HEADERS, DATA) and flags & END_STREAM else set()
        peer.send(get(2 * most + 101))
        assert peer.outcome(2 * most + 101) == ("status", 200)
        return False
    elif what == "refused":
        peer.told(4, 65535)
        peer.send(post(1, ("content-type", "text/plain")), frame(DATA, 0, 1, b"card 4539 1488 0343 6467 " + b"word " * 3000))
        peer.send(*(frame(DATA, 0, 1, b"word " * 3000) for _ in range(5)))
        assert peer.outcome(1) == ("status", 403)
        peer.send(*(frame(DATA, 0, 1, b"word " * 3000) for _ in range(2)), frame(DATA, END_STREAM, 1))
    elif what == "overrun":
        # Its origin does not read: what the sockets between them take is the gate's to give back, and no more.
        peer.send(post(1, ("content-length", str(1 << 30)), path="/deaf"), *(frame(DATA, 0, 1, b" " * 16384) for _ in range(1500)))
    elif what == "bomb":
        # The table holds one large field; each byte behind it stands for all of it.
        peer.send(raw(1, pieces() + b"\x40" + text("x") + b"\x7f\x81\x1e" + b"a" * 3968, END_STREAM), frame(CONTINUATION, END_HEADERS, 1, b"\xbe" * 16000))
    return True


def judged(way, section, title, sent, judge, stream):
    greeting = None
    if isinstance(stream, tuple):
        stream, greeting = stream
    peer = Peer(way, greeting)
    try:
        if isinstance(sent, str):
            if not steps(peer, sent):
                return None
        else:
            for step in sent:
                if step == "wait":
                    first = [each for each in sent if isinstance(each, tuple)][0][1]
                    if peer.outcome(first) != ("status", 200):
                        return f"no answer to begin with: {peer.goaway}"
                else:
                    peer.send(step)
        if judge == "acknowledged":
            peer.until(lambda kind, flags, *_: kind == SETTINGS and flags & ACK)
            peer.until(lambda kind, flags, *_: kind == SETTINGS and flags & ACK)
        elif judge == "one byte":
            first = peer.until(lambda kind, flags, of, payload: kind == DATA and of == 1 and payload)
            if len(first[3]) != 1:
                return f"{len(first[3])} bytes in a window of one"
            peer.send(frame(WINDOW, 0, 1, b"\0\1\0\0"))
            peer.until(lambda kind, flags, of, payload: kind == DATA and of == 1 and flags & END_STREAM)
            return None if peer.lives() else "the connection does not live on"
        elif judge in ("last", "finished"):
            got = peer.outcome(stream)
            return None if got == ("status", 200) else f"{got}"
        elif judge == "cookies":
            return answers()(peer, stream)
        else:
            return judge(peer, stream)
    except (Ended, TimeoutError, AssertionError) as error:
        return f"{type(error).__name__} {error} {peer.goaway}"
    finally:
        peer.close()


def resident(gate):
    return int(re.search(r"VmRSS:\s+(\d+)", pathlib.Path(f"/proc/{gate.process.pid}/status").read_text()).group(1)) / 1024


def conclude(gate, passed, failed):
    """Ends the gate, looks at what it left on record and says how many cases passed: the exit code."""
    gate.stop()
    code, out = gate.verify()
    if code:
        failed += 1
        print(f"FAIL  audit verify: {out[-300:]}")
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


def main():
    wanted = sys.argv[1:]
    passed, failed = 0, 0
    with folder() as d:
        certificates, origin = Certificates(d), plain_origin()
        certificate, key = certificates.leaf("front")
        os.chmod(key, 0o600)
        clear, secure = free_port(), free_port()
        gate = Gate(d, certificates.ca, f"""
[[listener]]
name = "clear"
kind = "reverse"
address = "127.0.0.1:{clear}"
upstream = "http://{NAME}:{origin.server_port}"
[[listener]]
name = "secure"
kind = "reverse"
address = "127.0.0.1:{secure}"
upstream = "http://{NAME}:{origin.server_port}"
certificate = "{certificate}"
key = "{key}"
[[rule]]
id = "cards"
identifiers = ["payment.pan"]
action = "block"
""").start()
        ways = [Way("reverse", gate, clear, origin), Way("reverse-tls", gate, secure, origin), Way("tunnel", gate, gate.port, origin)]
        for way in ways:
            bystander, number = Peer(way), 1
            assert bystander.lives(number), "no bystander"
            before = resident(gate)
            for case in CASES:
                section, title, sent, judge, *more = case
                if wanted and not any(section.startswith(each) for each in wanted):
                    continue
                stream = tuple(more) if len(more) > 1 else more[0] if more else 1
                at = len(way.origin.seen)
                why = judged(way, section, title, sent, judge, stream)
                reached = [each for each in way.origin.seen[at:] if any("evil" in str(value) for value in each["headers"].values()) or "evil" in each["path"]]
                cookies = [each["headers"].get("cookie", each["headers"].get("Cookie")) for each in way.origin.seen[at:] if each["path"] == "/cookie"]
                if judge == "cookies" and not why and cookies != ["a=b; c=d"]:
                    why = f"the origin got {cookies}"
                if reached:
                    why = f"it reached the origin: {reached}"
                number += 2
                if not why and not bystander.lives(number):
                    why = "the bystander was hurt"
                    bystander, number = Peer(way), 1
                passed, failed = (passed, failed + 1) if why else (passed + 1, failed)
                if why:
                    print(f"FAIL  {way.title}: {section}: {title}: {why}", flush=True)
            grown = resident(gate) - before
            print(f"{way.title}: {grown:+.1f} MiB", flush=True)
            passed, failed = (passed + 1, failed) if grown <= 16 else (passed, failed + 1)
        sys.exit(conclude(gate, passed, failed))


if __name__ == "__main__":
    main()
