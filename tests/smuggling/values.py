"""Where a message has room for a value besides its body: each place once with a card number, which must not come out at the
other end in any form, and once with a number that is none, which must where the place is one that travels.
"""
import base64, socket, struct, time

# The second fails its check digit, and is nobody's number.
CARD, OTHER = b"4716253098472014", b"4716253098472015"
DIGITS = {"0": "00000", "1": "00001", "2": "00010", "3": "011001", "4": "011010", "5": "011011", "6": "011100", "7": "011101",
          "8": "011110", "9": "011111"}


def same(value):
    return value


def in_base64(value):
    return base64.b64encode(b"card:" + value)


def in_hex(value):
    return value.hex().encode()


def in_percent(value):
    return b"".join(b"%%%02x" % byte for byte in value)


def holds(raw, form):
    """Whether bytes hold it: as it is, or in the code of HPACK (RFC 7541, appendix B), wherever its bits begin."""
    if form in raw:
        return True
    if not form.isdigit():
        return False
    wanted = "".join(DIGITS[chr(byte)] for byte in form)
    return wanted in "".join(f"{byte:08b}" for byte in raw)


def data_of(raw):
    """What the DATA frames of a connection's one direction carry, together (RFC 9113, section 4.1)."""
    raw = raw.removeprefix(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
    out = b""
    while len(raw) >= 9:
        length, kind = int.from_bytes(raw[:3], "big"), raw[3]
        out += raw[9:9 + length] if kind == 0 else b""
        raw = raw[9 + length:]
    return out


CHUNKED = b"Transfer-Encoding: chunked\r\n"
GET, POST = b"GET {target} HTTP/1.1\r\n", b"POST {target} HTTP/1.1\r\n"
HOST = b"Host: {host}\r\n"


def field(text, line=GET, form=same):
    return line, HOST + text + b"\r\n", b"", form


def names(words):
    return {f"in {word}": field(word.encode() + b": card {v}") for word in words.split()}


# Places that travel: line, fields, body, and how the value is written there.
CARRIED = {
    "a method": field(b"X: y", b"{v} {target} HTTP/1.1\r\n"),
    "a path": field(b"X: y", b"GET {target}/{v} HTTP/1.1\r\n"),
    "a path in percent": field(b"X: y", b"GET {target}/{v} HTTP/1.1\r\n", in_percent),
    "a query": field(b"X: y", b"GET {target}?card={v} HTTP/1.1\r\n"),
    "a query in base64": field(b"X: y", b"GET {target}?card={v} HTTP/1.1\r\n", in_base64),
    "a query in hexadecimal": field(b"X: y", b"GET {target}?card={v} HTTP/1.1\r\n", in_hex),
    "a field's name": field(b"X-{v}: y"),
    "a cookie": field(b"Cookie: a=b; card={v}"),
    "a password": field(b"Authorization: Basic {v}", form=in_base64),
    "a range": field(b"Range: bytes={v}-"),
    "a tag": field(b"If-None-Match: \"{v}\""),
    "a tag of a range": field(b"Range: bytes=0-5\r\nIf-Range: \"{v}\""),
    "hops that are left": field(b"Max-Forwards: {v}", b"OPTIONS {target} HTTP/1.1\r\n"),
    "a boundary": (POST, HOST + b"Content-Type: multipart/form-data; boundary=card{v}\r\nContent-Length: 2\r\n", b"ab", same),
    "a trailer": (POST, HOST + CHUNKED + b"Trailer: x-sum\r\n", b"1\r\na\r\n0\r\nX-Sum: card {v}\r\n\r\n", same),
    "a trailer's name": (POST, HOST + CHUNKED, b"1\r\na\r\n0\r\nX-{v}: y\r\n\r\n", same),
    "chunks of one byte": (POST, HOST + CHUNKED, None, same),
    "a body of GET": (GET, HOST + b"Content-Length: 21\r\n", b"card {v}", same),
    "a body of HEAD": (b"HEAD {target} HTTP/1.1\r\n", HOST + b"Content-Length: 21\r\n", b"card {v}", same),
    "a body in HTTP/1.0": (b"POST {target} HTTP/1.0\r\n", HOST + b"Content-Length: 21\r\n", b"card {v}", same),
    "a key of a WebSocket that nobody opens": field(b"Sec-WebSocket-Key: {v}"),
    **names("User-Agent Referer Accept Accept-Language From Origin Content-Language Cache-Control Pragma Priority X-Forwarded-For "
            "Forwarded Date Content-Disposition Link Sec-WebSocket-Protocol Content-Location If-Modified-Since X-Amz-Meta-Note"),
}
# Places that belong to one hop, or that nothing may stand in: no value comes through, and what is said is not looked at.
DROPPED = {
    "connection": field(b"Connection: x-{v}"),
    "what connection names": field(b"Connection: x-mine\r\nX-Mine: {v}"),
    "keep-alive": field(b"Keep-Alive: timeout={v}"),
    "proxy-connection": field(b"Proxy-Connection: {v}"),
    "proxy-authorization": field(b"Proxy-Authorization: Basic {v}"),
    "te": field(b"TE: trailers, x{v}\r\nConnection: TE"),
    "codings": field(b"Accept-Encoding: gzip, x{v}"),
    "expectation": field(b"Expect: {v}"),
    "settings of HTTP/2": field(b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: {v}"),
    "another protocol": field(b"Connection: Upgrade\r\nUpgrade: x/{v}"),
    "a transfer coding": (POST, HOST + b"Transfer-Encoding: x{v}\r\n", b"0\r\n\r\n", same),
    "a chunk's extension": (POST, HOST + CHUNKED, b"1;card={v}\r\na\r\n0;card={v}\r\n\r\n", same),
    "what announces trailers": (POST, HOST + CHUNKED + b"Trailer: x-{v}\r\n", b"1\r\na\r\n0\r\n\r\n", same),
    "a fragment": field(b"X: y", b"GET {target}#{v} HTTP/1.1\r\n"),
    "userinfo": field(b"X: y", b"GET http://{v}@{host}/ HTTP/1.1\r\n"),
    "userinfo of the host": (GET, b"Host: {v}@{host}\r\n", b"", same),
    "an unread port": (GET, b"Host: {host}:{v}\r\n", b"", same),
    "a version": field(b"X: y", b"GET {target} HTTP/1.{v}\r\n"),
    "behind a blank line": (b"\r\n{v}\r\n" + GET, HOST, b"", same),
    "behind a switch that nobody made": (GET, HOST + b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
                                         b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n", b"card {v} card {v}", same),
    "behind what is refused": (GET, HOST + b"X: 4716253098472014\r\n", b"POST {target} HTTP/1.1\r\nHost: {host}\r\nContent-Length: 21\r\n\r\ncard {v}", same),
    "behind a request of HTTP/1.0": (b"GET {target} HTTP/1.0\r\n", HOST + b"Connection: keep-alive\r\n",
                                     b"POST {target} HTTP/1.1\r\nHost: {host}\r\nContent-Length: 21\r\n\r\ncard {v}", same),
    "behind the end of a body": (POST, HOST + b"Content-Length: 2\r\n", b"abcard {v}\r\n\r\n", same),
    "the key of a WebSocket": (GET, HOST + b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {v}\r\n", b"",
                               lambda value: base64.b64encode(value)),
}

OK = b"HTTP/1.1 200 OK\r\n"
TWO = b"Content-Length: 2\r\n"


def said(text, form=same):
    return OK + text + b"\r\n" + TWO + b"\r\nab", b"GET", form


PARTS = b"--b\r\nContent-Type: text/plain\r\nContent-Range: bytes 0-20/99\r\n\r\ncard {v}\r\n--b--\r\n"
R_CARRIED = {
    "a field": said(b"X-Note: card {v}"),
    "a field's name": said(b"X-{v}: y"),
    "a cookie": said(b"Set-Cookie: card={v}; Path=/"),
    "a tag": said(b"ETag: \"{v}\""),
    "a realm": (b"HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic realm=\"{v}\"\r\n" + TWO + b"\r\nab", b"GET", same),
    "where to go": (b"HTTP/1.1 302 Found\r\nLocation: /card/{v}\r\n" + TWO + b"\r\nab", b"GET", same),
    "where to go, in base64": (b"HTTP/1.1 302 Found\r\nLocation: /card?x={v}\r\n" + TWO + b"\r\nab", b"GET", in_base64),
    "the length of what HEAD asks for": (OK + b"Content-Length: {v}\r\n\r\n", b"HEAD", same),
    "the length of what has not changed": (b"HTTP/1.1 304 Not Modified\r\nETag: \"{v}\"\r\n\r\n", b"GET", same),
    "where a part stands": (b"HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 0-1/{v}\r\n" + TWO + b"\r\nab", b"GET", same),
    "one of several parts": (b"HTTP/1.1 206 Partial Content\r\nContent-Type: multipart/byteranges; boundary=b\r\nContent-Length: 95\r\n\r\n" + PARTS, b"GET", same),
    "a trailer": (OK + CHUNKED + b"Trailer: x-sum\r\n\r\n1\r\na\r\n0\r\nX-Sum: card {v}\r\n\r\n", b"GET", same),
    "a refusal": (b"HTTP/1.1 404 Not Found\r\nContent-Length: 21\r\n\r\ncard {v}", b"GET", same),
    "chunks of one byte": (None, b"GET", same),
}
R_DROPPED = {
    "a reason": (b"HTTP/1.1 200 card {v}\r\n" + TWO + b"\r\nab", b"GET", same),
    "a reason of a status that nobody knows": (b"HTTP/1.1 799 card {v}\r\n" + TWO + b"\r\nab", b"GET", same),
    "another service": said(b"Alt-Svc: h3=\":443\"; card={v}"),
    "connection": said(b"Connection: x-{v}"),
    "what connection names": said(b"Connection: x-mine\r\nX-Mine: {v}"),
    "what a proxy asks": said(b"Proxy-Authenticate: Basic realm=\"{v}\""),
    "keep-alive": said(b"Keep-Alive: timeout={v}"),
    "upgrade": said(b"Upgrade: x/{v}"),
    "a decision of ours": said(b"Tidegate-Decision: {v}"),
    "a chunk's extension": (OK + CHUNKED + b"\r\n1;card={v}\r\na\r\n0\r\n\r\n", b"GET", same),
    "a go-ahead": (b"HTTP/1.1 100 card {v}\r\nX-Note: card {v}\r\n\r\n" + OK + TWO + b"\r\nab", b"GET", same),
    "work under way": (b"HTTP/1.1 102 Processing\r\nX-Note: card {v}\r\n\r\n" + OK + TWO + b"\r\nab", b"GET", same),
    "early hints": (b"HTTP/1.1 103 Early Hints\r\nX-Note: card {v}\r\n\r\n" + OK + TWO + b"\r\nab", b"GET", same),
    "a body of HEAD": (OK + b"Content-Length: 21\r\n\r\ncard {v}", b"HEAD", same),
    "a body of 204": (b"HTTP/1.1 204 No Content\r\nContent-Length: 21\r\n\r\ncard {v}", b"GET", same),
    "a body of 304": (b"HTTP/1.1 304 Not Modified\r\nContent-Length: 21\r\n\r\ncard {v}", b"GET", same),
    "a second response": (OK + TWO + b"\r\nab" + OK + b"Content-Length: 21\r\n\r\ncard {v}", b"GET", same),
    "a switch that nobody asked for": (b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\ncard {v}", b"GET", same),
    "a link of early hints with a card": (b"HTTP/1.1 103 Early Hints\r\nLink: </card/4716253098472014>\r\nX: {v}\r\n\r\n" + OK + TWO + b"\r\nab", b"GET", same),
}


def bytewise(text):
    return b"".join(b"1\r\n%c\r\n" % byte for byte in text) + b"0\r\n\r\n"


def filled(way, case, value):
    line, fields, body, form = case
    if body is None:
        body = bytewise(b"card {v}".replace(b"{v}", value))
    out = line + fields + b"\r\n" + body
    for name, what in ((b"{v}", form(value)), (b"{target}", way.target(b"/case")), (b"{host}", way.host)):
        out = out.replace(name, what)
    return out


def raw_answer(sock, wait, done=lambda out: False):
    """All that comes until the connection ends, nothing comes, or it is enough."""
    out, end = b"", time.monotonic() + wait
    while time.monotonic() < end and not done(out):
        sock.settimeout(max(0.01, end - time.monotonic()))
        try:
            got = sock.recv(65536)
        except (TimeoutError, socket.timeout):
            break
        except OSError:
            break
        if not got:
            break
        out += got
    return out


def requests(way, check, send):
    for table, travels in ((CARRIED, True), (DROPPED, False)):
        for title, case in table.items():
            form, name = case[3], f"{way.name}: a value in {title}"
            for value in (CARD, OTHER):
                with way.connect() as sock:
                    send(sock, filled(way, case, value))
                    # What is not answered at once waits for more, and is told that none comes.
                    answer = raw_answer(sock, 2 if travels else 0.1, lambda out: b"\r\n\r\n" in out)
                    send_end(sock)
                    answer += raw_answer(sock, 0.2 if answer else 2, lambda out: b"\r\n\r\n" in answer + out)
                raw = way.origin.take_raw()
                if value == CARD:
                    check(name, not holds(raw, form(value)) and not holds(raw, value) and not holds(answer, value),
                          f"told {answer[:100]!r}, arrived {raw[:300]!r}")
                    told = answer.split(b"\r\n")[0].endswith(b" 403 Forbidden")
                    check(name + ", and is told of", told or not travels, f"told {answer[:100]!r}")
                elif travels:
                    check(name + ": a number that is none", holds(raw, form(value)) and b" 200 " in answer.split(b"\r\n")[0],
                          f"told {answer[:100]!r}, arrived {raw[:300]!r}")
    lengths(way, check, send)
    way.origin.take()


def send_end(sock):
    try:
        sock.shutdown(socket.SHUT_WR)
    except OSError:
        pass


def lengths(way, check, send):
    """A length of as many digits, with more of a body than is held."""
    for value in (CARD, OTHER):
        with way.connect() as sock:
            send(sock, filled(way, (POST, HOST + b"Content-Type: text/plain\r\nContent-Length: {v}\r\n", b"", same), value))
            words, end = b"nothing to see here, move on\n" * 2000, time.monotonic() + 5
            sock.settimeout(0.5)
            raw = b""
            while time.monotonic() < end and not raw:
                try:
                    sock.sendall(words)
                except OSError:
                    break
                raw = way.origin.peek_raw()
        raw += way.origin.take_raw()
        check(f"{way.name}: a value in a length" + (": a number that is none" if value == OTHER else ""), holds(raw, value) == (value == OTHER), raw[:300])


def answers(way, check, client):
    """`client(way, method)`: all bytes that a client gets for one request."""
    for table, travels in ((R_CARRIED, True), (R_DROPPED, False)):
        for title, (text, method, form) in table.items():
            name = f"{way.name}: response: a value in {title}"
            for value in (CARD, OTHER):
                out = text or OK + CHUNKED + b"\r\n" + bytewise(b"card {v}".replace(b"{v}", value))
                out = out.replace(b"{v}", form(value))
                way.origin.answer = lambda got: [out]
                got = client(way, method)
                if value == CARD:
                    check(name, not holds(got, form(value)) and not holds(got, value), got[:300])
                elif travels and (form is same or not way.h2):
                    check(name + ": a number that is none", holds(got, form(value)), got[:300])
    way.origin.answer = None
    way.origin.take()
    way.origin.take_raw()


# ---------------------------------------------------------------- HTTP/2


def literal(fields, number):
    return b"".join(b"\x10" + number(len(n), 7) + n + number(len(v), 7) + v for n, v in fields)


def h2_requests(way, check, tools):
    """Requests of HTTP/2 as frames of one's own: `tools` has frame, block, number, having, H2 and send."""
    frame, block = tools.frame, tools.block

    def having(**other):
        scheme = b"https" if way.tls else b"http"
        return [(n, v.replace(b"{host}", way.host).replace(b"{scheme}", scheme)) for n, v in tools.having(**other)]

    def head(*more, end=True, **pseudo):
        return lambda v: frame(1, 4 | end, 1, block([(n, x.replace(b"{v}", v)) for n, x in having(**pseudo)] + [(n.replace(b"{v}", v), x.replace(b"{v}", v)) for n, x in more]))

    def data(text, end=True, stream=1):
        return lambda v: frame(0, int(end), stream, text.replace(b"{v}", v))

    def cut(v):
        whole = block(having() + [(b"x-note", b"card " + v)])
        at = whole.index(v) + 8
        return frame(1, 1, 1, whole[:at]) + frame(9, 0, 1) + frame(9, 4, 1, whole[at:])

    def pieces(v):
        text = b"card " + v
        return head(end=False, method=b"POST")(v) + b"".join(frame(0, 0, 1, text[i:i + 1]) for i in range(len(text))) + frame(0, 1, 1)

    def padded(v):
        return head(end=False, method=b"POST")(v) + b"".join(frame(0, 8, 1, bytes([40]) + b"card "[i:i + 1] + bytes(40)) for i in range(5)) + frame(0, 9, 1, bytes([9]) + v + bytes(9))

    def beside(kind, flags, payload):
        return lambda v: frame(kind, flags, 0, payload.replace(b"{v}", v)) + head()(v)

    def body(text, more=(), **pseudo):
        return lambda v: head(*more, end=False, **{"method": b"POST", **pseudo})(v) + data(text)(v)

    carried = {
        "a method": head(method=b"{v}"), "a path": head(path=b"/case/{v}"), "a query": head(path=b"/case?card={v}"),
        "a field": head((b"x-note", b"card {v}")), "a field's name": head((b"x-{v}", b"y")), "a cookie": head((b"cookie", b"card={v}")),
        "a field that no table may hold": lambda v: frame(1, 5, 1, block(having()) + literal([(b"x-note", b"card " + v)], tools.number)),
        "a field over two frames": cut, "frames of one byte": pieces, "frames with more padding than text": padded,
        "a body of GET": body(b"card {v}", method=b"GET"),
        "a trailer": lambda v: head(end=False, method=b"POST")(v) + data(b"ab", False)(v) + frame(1, 5, 1, block([(b"x-sum", b"card " + v)])),
        "a trailer's name": lambda v: head(end=False, method=b"POST")(v) + data(b"ab", False)(v) + frame(1, 5, 1, block([(b"x-" + v, b"y")])),
    }
    padding = lambda v: frame(1, 13, 1, bytes([len(v)]) + block(having()) + v)
    dropped = {
        "padding of a head": padding,
        "padding of a body": lambda v: head(end=False, method=b"POST")(v) + frame(0, 9, 1, bytes([len(v)]) + b"ab" + v),
        "a ping": beside(6, 0, b"47162530"), "a frame that nobody knows": beside(0x42, 0, b"card {v}"),
        "a priority": beside(0x10, 0, b"\0\0\0\1u={v}"), "a setting": beside(4, 0, struct.pack(">HI", 0x4242, 47162530)),
        "another origin": beside(0xC, 0, b"\0\x10{v}"), "another service": beside(0xA, 0, b"\0\0{v}"),
        "a scheme": head(scheme=b"x{v}"), "userinfo": head(authority=b"{v}@{host}"), "te": head((b"te", b"trailers, {v}")),
        "a protocol": lambda v: frame(1, 5, 1, block([(b":method", b"CONNECT"), (b":protocol", v)] + having()[1:])),
        "a farewell": lambda v: head()(v) + frame(7, 0, 0, bytes(8) + v), "a fragment": head(path=b"/case#{v}"),
        "a pseudo field of trailers": lambda v: head(end=False, method=b"POST")(v) + data(b"ab", False)(v) + frame(1, 5, 1, block([(b":path", b"/" + v)])),
        "a length": head((b"content-length", b"{v}"), end=False, method=b"POST"),
    }
    for table, travels in ((carried, True), (dropped, False)):
        for title, build in table.items():
            name = f"{way.name}: a value in {title}"
            for value in (CARD, OTHER):
                client = tools.H2(way)
                with client.sock:
                    tools.send(client.sock, build(value))
                    told = client.outcome(1, 2.0 if title != "a length" else 0.3)
                raw = way.origin.take_raw()
                raw += data_of(raw) if way.name == "h2-of-h2" else b""
                if value == CARD:
                    check(name, not holds(raw, value), f"told {told}, arrived {raw[:300]!r}")
                    check(name + ", and is told of", told == 403 or not travels, f"told {told}")
                elif travels:
                    check(name + ": a number that is none", holds(raw, value) and told == 200, f"told {told}, arrived {raw[:300]!r}")


def h2_answers(way, check, tools):
    """Responses of HTTP/2, of an origin whose frames are made here."""
    frame, block = tools.frame, tools.block
    status, ok = (b":status", b"200"), [(b":status", b"200")]

    def head(*more, end=True):
        return lambda v: frame(1, 4 | end, 1, block([status] + [(n.replace(b"{v}", v), x.replace(b"{v}", v)) for n, x in more]))

    def first(build):
        """The usual answer behind it."""
        return lambda v: build(v) + frame(1, 4, 1, block(ok)) + frame(0, 1, 1, b"ab")

    def pieces(v):
        text = b"card " + v
        return frame(1, 4, 1, block(ok)) + b"".join(frame(0, 0, 1, text[i:i + 1]) for i in range(len(text))) + frame(0, 1, 1)

    def behind(*fields):
        return lambda v: frame(1, 4, 1, block(ok)) + frame(0, 0, 1, b"ab") + frame(1, 5, 1, block([(n.replace(b"{v}", v), x.replace(b"{v}", v)) for n, x in fields]))

    interim = lambda code, *fields: first(lambda v: frame(1, 4, 1, block([(b":status", code)] + [(n, x.replace(b"{v}", v)) for n, x in fields])))
    carried = {
        "a field": head((b"x-note", b"card {v}")), "a field's name": head((b"x-{v}", b"y")), "a cookie": head((b"set-cookie", b"card={v}")),
        "frames of one byte": pieces, "a trailer": behind((b"x-sum", b"card {v}")), "a trailer's name": behind((b"x-{v}", b"y")),
        "early hints": interim(b"103", (b"link", b"</card/{v}>")),
    }
    dropped = {
        "early hints that are no links": interim(b"103", (b"x-note", b"card {v}")), "a go-ahead": interim(b"100", (b"x-note", b"card {v}")),
        "another service": head((b"alt-svc", b"card={v}")), "a frame that nobody knows": first(lambda v: frame(0x42, 0, 1, b"card " + v)),
        "a service of a frame": first(lambda v: frame(0xA, 0, 1, b"\0\0" + v)), "an origin of a frame": first(lambda v: frame(0xC, 0, 0, b"\0\x10" + v)),
        "padding": lambda v: frame(1, 12, 1, bytes([16]) + block(ok) + v) + frame(0, 9, 1, bytes([16]) + b"ab" + v),
        "a promise": first(lambda v: frame(5, 4, 1, b"\0\0\0\2" + block([(b":method", b"GET"), (b":path", b"/" + v)]))),
        "a farewell": lambda v: frame(1, 5, 1, block(ok)) + frame(7, 0, 0, bytes(8) + v),
        "a pseudo field of trailers": behind((b":path", b"/{v}")), "a pseudo field of requests": head((b":path", b"/{v}")),
        "a body of HEAD": lambda v: head((b"content-length", b"21"), end=False)(v) + frame(0, 1, 1, b"card " + v),
    }
    for table, travels in ((carried, True), (dropped, False)):
        for title, build in table.items():
            name = f"{way.name}: response: a value in {title}"
            for value in (CARD, OTHER):
                way.origin.frames = build(value)
                client = tools.H2(way)
                with client.sock:
                    client.request(1, tools.h2_get(method=b"HEAD" if title == "a body of HEAD" else b"GET"))
                    told = client.outcome(1)
                got = client.got + data_of(client.got)
                if value == CARD:
                    check(name, not holds(got, value), f"told {told}, got {got[:300]!r}")
                elif travels:
                    check(name + ": a number that is none", holds(got, value) and told == 200, f"told {told}, got {got[:300]!r}")


# ---------------------------------------------------------------- names


def dialled(gate, check):
    """Names are looked at before anyone is asked where they lead."""
    for value in (CARD, OTHER):
        host = b"card-" + value + b".example.test"
        for title, first, wanted in (
            ("CONNECT with a user", b"CONNECT %s@crm.example.test:443 HTTP/1.1\r\nHost: crm.example.test:443\r\n\r\n" % value, (b" 400 ", b" 400 ")),
            ("an absolute target", b"GET http://%s/ HTTP/1.1\r\nHost: %s\r\n\r\n" % (host, host), (b" 403 ", b" 502 ")),
        ):
            with socket.create_connection(("127.0.0.1", gate.port), timeout=10) as sock:
                sock.sendall(first)
                told = raw_answer(sock, 10, lambda out: b"\r\n\r\n" in out).split(b"\r\n")[0]
            check(f"names: {title}: {value.decode()}", wanted[value == OTHER] in told, told)
