//! What may pass and what is refused, as tables.

use super::*;

fn requests(bytes: &[u8]) -> Result<(), Refusal> {
    let mut outcomes = Vec::new();
    for cut in [bytes.len().max(1), 1] {
        outcomes.push(run(&mut Framing::new(Role::Requests), bytes.chunks(cut)).1);
    }
    assert_eq!(outcomes[0], outcomes[1], "{:?}", String::from_utf8_lossy(bytes));
    outcomes[0]
}

fn response(expected: Expected, bytes: &[u8]) -> (usize, Result<(), Refusal>) {
    let mut framing = Framing::new(Role::Responses);
    framing.announce(expected);
    let (passed, outcome) = run(&mut framing, [bytes]);
    (passed.len(), outcome)
}

const REQUESTS: &[(&str, Result<(), Refusal>)] = &[
    ("GET / HTTP/1.1\r\nHost: a\r\n\r\n", Ok(())),
    ("\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", Ok(())),
    ("\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", Err(Refusal::BlankLines)),
    ("GET / HTTP/1.0\r\n\r\n", Ok(())),
    ("GET / HTTP/1.1\r\n\r\n", Err(Refusal::MissingHost)),
    ("GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", Err(Refusal::DuplicateHost)),
    ("GET / HTTP/1.1\nHost: a\r\n\r\n", Err(Refusal::BareLf)),
    ("GET / HTTP/1.1\r\nHost: a\n\r\n", Err(Refusal::BareLf)),
    ("GET / HTTP/1.1\r\nHost: a\r\n\n", Err(Refusal::BareLf)),
    ("GET / HTTP/1.1\r\nHost: a\rb\r\n\r\n", Err(Refusal::BareCr)),
    ("GET / HTTP/1.1\r\nHost: a\0b\r\n\r\n", Err(Refusal::ControlByte)),
    ("GET /\u{7f} HTTP/1.1\r\nHost: a\r\n\r\n", Err(Refusal::ControlByte)),
    ("GET  / HTTP/1.1\r\nHost: a\r\n\r\n", Err(Refusal::BadRequestLine)),
    ("GET / x HTTP/1.1\r\nHost: a\r\n\r\n", Err(Refusal::BadRequestLine)),
    ("GET /#x HTTP/1.1\r\nHost: a\r\n\r\n", Err(Refusal::BadRequestLine)),
    ("GET /\r\nHost: a\r\n\r\n", Err(Refusal::BadRequestLine)),
    // What the parser behind takes, and what it would refuse without a record.
    ("GET /a{b}|c\"?d=[e]^\\~\u{e9} HTTP/1.1\r\nHost: a\r\n\r\n", Ok(())),
    ("GET http://a:1/b HTTP/1.1\r\nHost: a\r\n\r\n", Ok(())),
    ("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", Ok(())),
    ("GET /<b> HTTP/1.1\r\nHost: a\r\n\r\n", Err(Refusal::BadRequestLine)),
    ("GET /`b HTTP/1.1\r\nHost: a\r\n\r\n", Err(Refusal::BadRequestLine)),
    ("GET /b?\"c\" HTTP/1.1\r\nHost: a\r\n\r\n", Err(Refusal::BadRequestLine)),
    ("GET http://[::1/ HTTP/1.1\r\nHost: a\r\n\r\n", Err(Refusal::BadRequestLine)),
    ("GET http:///b HTTP/1.1\r\nHost: a\r\n\r\n", Err(Refusal::BadRequestLine)),
    ("G(T / HTTP/1.1\r\nHost: a\r\n\r\n", Err(Refusal::BadRequestLine)),
    ("GET / HTTP/1.2\r\nHost: a\r\n\r\n", Err(Refusal::BadVersion)),
    ("GET / http/1.1\r\nHost: a\r\n\r\n", Err(Refusal::BadVersion)),
    ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", Err(Refusal::BadVersion)),
    ("GET / HTTP/1.1\r\nHost: a\r\n folded\r\n\r\n", Err(Refusal::ObsFold)),
    ("GET / HTTP/1.1\r\n Host: a\r\n\r\n", Err(Refusal::ObsFold)),
    ("GET / HTTP/1.1\r\nHost : a\r\n\r\n", Err(Refusal::SpaceBeforeColon)),
    ("GET / HTTP/1.1\r\nHost\r\n\r\n", Err(Refusal::BadField)),
    ("GET / HTTP/1.1\r\n: a\r\n\r\n", Err(Refusal::BadField)),
    ("GET / HTTP/1.1\r\nHo st: a\r\n\r\n", Err(Refusal::BadField)),
    ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabcGET / HTTP/1.1\r\nHost: a\r\n\r\n", Ok(())),
    ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nabcGET / HTTP/1.1\r\nHost: a\r\n\r\n", Ok(())),
    (
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\nabc",
        Err(Refusal::DuplicateContentLength),
    ),
    (
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabc",
        Err(Refusal::DuplicateContentLength),
    ),
    ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3, 3\r\n\r\nabc", Err(Refusal::DuplicateContentLength)),
    ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +3\r\n\r\nabc", Err(Refusal::BadContentLength)),
    ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0x3\r\n\r\nabc", Err(Refusal::BadContentLength)),
    ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length:\r\n\r\nabc", Err(Refusal::BadContentLength)),
    (
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 18446744073709551616\r\n\r\n",
        Err(Refusal::BadContentLength),
    ),
    (
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n",
        Err(Refusal::LengthConflict),
    ),
    (
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 0\r\n\r\n",
        Err(Refusal::LengthConflict),
    ),
    (
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
        Err(Refusal::BadTransferEncoding),
    ),
    (
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, chunked\r\n\r\n",
        Err(Refusal::BadTransferEncoding),
    ),
    ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: identity\r\n\r\n", Err(Refusal::BadTransferEncoding)),
    (
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: \"chunked\"\r\n\r\n",
        Err(Refusal::BadTransferEncoding),
    ),
    ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding:\r\n\r\n", Err(Refusal::BadTransferEncoding)),
    (
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
        Err(Refusal::BadTransferEncoding),
    ),
    ("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", Err(Refusal::TransferEncodingInHttp10)),
    ("CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\nContent-Length: 1\r\n\r\n", Err(Refusal::ConnectWithBody)),
    (
        "CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\nTransfer-Encoding: chunked\r\n\r\n",
        Err(Refusal::ConnectWithBody),
    ),
];

#[test]
fn a_target_passes_where_the_parser_behind_takes_it() {
    for (before, byte) in
        ["/", "/?"].iter().flat_map(|before| (b'!'..=u8::MAX).map(move |byte| (before, byte)))
    {
        let target = [before.as_bytes(), &[byte, b'x']].concat();
        let wanted = byte != 0x7f && byte != b'#' && http::Uri::try_from(&*target).is_ok();
        let request = [b"GET ", &target[..], b" HTTP/1.1\r\nHost: a\r\n\r\n"].concat();
        assert_eq!(requests(&request).is_ok(), wanted, "{before}{byte:#x}");
    }
}

#[test]
fn request_rules() {
    for (bytes, wanted) in REQUESTS {
        assert_eq!(requests(bytes.as_bytes()), *wanted, "{bytes:?}");
    }
}

#[test]
fn chunk_rules() {
    use Refusal as R;
    let cases: &[(&str, Result<(), Refusal>)] = &[
        ("0\r\n\r\n", Ok(())),
        ("3\r\nabc\r\n0\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", Ok(())),
        ("3;x=y;z=\"q\"\r\nabc\r\n00\r\n\r\n", Ok(())),
        ("3 ;x\r\nabc\r\n0\r\nT: v\r\n\r\n", Ok(())),
        ("A\r\n0123456789\r\n0\r\n\r\n", Ok(())),
        ("\r\nabc", Err(R::BadChunkSize)),
        ("x\r\nabc", Err(R::BadChunkSize)),
        ("-3\r\nabc", Err(R::BadChunkSize)),
        ("0x3\r\nabc", Err(R::BadChunkSize)),
        ("3\nabc\r\n", Err(R::BadChunkSize)),
        ("3\rabc\r\n", Err(R::BadChunkSize)),
        ("3;a\nabc\r\n", Err(R::BadChunkSize)),
        ("3;a\0\r\nabc\r\n", Err(R::BadChunkSize)),
        ("3 x\r\nabc\r\n", Err(R::BadChunkSize)),
        ("10000000000000000\r\n", Err(R::BadChunkSize)),
        ("00000000000000003\r\nabc\r\n", Err(R::BadChunkSize)),
        ("3\r\nabcd\r\n", Err(R::BadChunk)),
        ("3\r\nabc\n", Err(R::BadChunk)),
        ("0\r\nT : v\r\n\r\n", Err(R::SpaceBeforeColon)),
        ("0\r\nT: v\n\r\n", Err(R::BareLf)),
        ("0\r\nContent-Length: 3\r\n\r\n", Err(R::FramingInTrailers)),
        ("0\r\nTransfer-Encoding: chunked\r\n\r\n", Err(R::FramingInTrailers)),
        ("0\r\nHost: a\r\n\r\n", Err(R::FramingInTrailers)),
    ];
    let head = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: Chunked\r\n\r\n";
    for (body, wanted) in cases {
        assert_eq!(requests(format!("{head}{body}").as_bytes()), *wanted, "{body:?}");
    }
    let extension = format!("{head}1;{}\r\na\r\n", "x".repeat(limits::CHUNK_EXTENSION_BYTES));
    assert_eq!(requests(extension.as_bytes()), Err(R::ChunkExtensionsTooLarge));
    let trailer = format!("{head}0\r\nT: {}\r\n\r\n", "x".repeat(limits::TRAILER_BYTES));
    assert_eq!(requests(trailer.as_bytes()), Err(R::TrailersTooLarge));
}

#[test]
fn heads_are_bounded() {
    let many = |count: usize| format!("GET / HTTP/1.1\r\nHost: a\r\n{}\r\n", "a: b\r\n".repeat(count));
    assert_eq!(requests(many(limits::HEAD_FIELDS - 1).as_bytes()), Ok(()));
    assert_eq!(requests(many(limits::HEAD_FIELDS).as_bytes()), Err(Refusal::TooManyFields));
    assert_eq!(Refusal::TooManyFields.to_string(), "head has more than 100 fields");
    let long = |length: usize| format!("GET / HTTP/1.1\r\nHost: a\r\na: {}\r\n\r\n", "b".repeat(length));
    let frame = long(0).len();
    assert_eq!(requests(long(limits::HEAD_BYTES - frame).as_bytes()), Ok(()));
    assert_eq!(requests(long(limits::HEAD_BYTES - frame + 1).as_bytes()), Err(Refusal::HeadTooLarge));
    assert_eq!(requests("x".repeat(limits::HEAD_BYTES + 1).as_bytes()), Err(Refusal::HeadTooLarge));
}

#[test]
fn response_rules() {
    use Expected as E;
    use Refusal as R;
    // What was asked, what comes, how much of it may pass, and the outcome of it all.
    let cases: &[(Expected, &str, &str, Result<(), Refusal>)] = &[
        (E::Other, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nab", "", Ok(())),
        (
            E::Other,
            "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nab",
            "HTTP/1.1 200 OK\r\n\r\n",
            Err(R::Unsolicited),
        ),
        (E::Other, "HTTP/1.1 200\r\n\r\nwhat ever follows\r\n\n\0", "", Ok(())),
        (
            E::Other,
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n",
            "x",
            Err(R::Unsolicited),
        ),
        (E::Head, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n", "ab", Err(R::Unsolicited)),
        (E::Other, "HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n", "a", Err(R::Unsolicited)),
        (E::Other, "HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n", "a", Err(R::Unsolicited)),
        (
            E::Other,
            "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na",
            "b",
            Err(R::Unsolicited),
        ),
        (E::Other, "", "HTTP/1.1 101 Switching Protocols\r\n\r\n", Err(R::UnexpectedUpgrade)),
        (E::Upgrade, "HTTP/1.1 101 Switching Protocols\r\n\r\nraw \0 bytes", "", Ok(())),
        (E::Connect, "HTTP/1.1 200 OK\r\n\r\nraw \0 bytes", "", Ok(())),
        (E::Connect, "HTTP/1.1 403 No\r\nContent-Length: 1\r\n\r\na", "b", Err(R::Unsolicited)),
        (
            E::Other,
            "",
            "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nab",
            Err(R::DuplicateContentLength),
        ),
        (
            E::Other,
            "",
            "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n",
            Err(R::LengthConflict),
        ),
        (
            E::Other,
            "",
            "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
            Err(R::TransferEncodingInHttp10),
        ),
        (
            E::Other,
            "",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
            Err(R::BadTransferEncoding),
        ),
        (E::Other, "", "HTTP/1.1 200 OK\nA: b\r\n\r\n", Err(R::BareLf)),
        (E::Other, "", "HTTP/1.1 200 OK\r\nA: b\r\n c\r\n\r\n", Err(R::ObsFold)),
        (E::Other, "", "HTTP/1.1 20 OK\r\n\r\n", Err(R::BadStatusLine)),
        (E::Other, "", "HTTP/1.1 2000\r\n\r\n", Err(R::BadStatusLine)),
        (E::Other, "", "HTTP/1.1 099 x\r\n\r\n", Err(R::BadStatusLine)),
        (E::Other, "", "HTTP/2 200 OK\r\n\r\n", Err(R::BadVersion)),
        (E::Other, "", "\r\nHTTP/1.1 200 OK\r\n\r\n", Err(R::BadStatusLine)),
        (E::Other, "", "garbage\r\n", Err(R::BadStatusLine)),
    ];
    for (expected, passing, stopped, wanted) in cases {
        let outcome = response(*expected, format!("{passing}{stopped}").as_bytes());
        assert_eq!(outcome, (passing.len(), *wanted), "{passing:?} {stopped:?}");
    }
    let flood = "HTTP/1.1 103 Early Hints\r\n\r\n".repeat(limits::INFORMATIONAL_HEADS + 1);
    assert_eq!(response(E::Other, flood.as_bytes()).1, Err(R::TooManyInformational));
}

#[test]
fn connect_heads() {
    let head = |target: &str| {
        format!("CONNECT {target} HTTP/1.1\r\nHost: x\r\nProxy-Authorization: Basic YQ==\r\n\r\n")
    };
    for (target, host, port) in
        [("a.example:443", "a.example", 443), ("[2001:db8::1]:8443", "[2001:db8::1]", 8443)]
    {
        let whole = format!("{}\x16\x03", head(target));
        for cut in 0..head(target).len() {
            assert_eq!(connect_head(&whole.as_bytes()[..cut]), Ok(None));
        }
        let (parsed, length) = connect_head(whole.as_bytes()).unwrap().unwrap();
        assert_eq!((parsed.host.to_string().as_str(), parsed.port, length), (host, port, whole.len() - 2));
        assert_eq!(parsed.headers["proxy-authorization"], "Basic YQ==");
    }
    for target in
        ["a.example", "a.example:", "a.example:0", "a.example:99999", ":443", "::1:443", "u@a:1", "a:+1"]
    {
        assert_eq!(connect_head(head(target).as_bytes()), Err(Refusal::BadConnectTarget), "{target}");
    }
    assert_eq!(connect_head(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"), Err(Refusal::NotConnect));
}
