//! Every rule of the guard, and that nothing depends on how bytes are cut.

use std::convert::Infallible;
use std::net::Ipv4Addr;

use bytes::{Bytes, BytesMut};
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use proptest::prelude::*;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::framing::{Expected, Framing, Role};
use super::*;
use crate::limits;

/// Feeds `pieces` as a reader would, and returns what passed and how it ended.
fn run<'a>(
    framing: &mut Framing,
    pieces: impl IntoIterator<Item = &'a [u8]>,
) -> (Vec<u8>, Result<(), Refusal>) {
    let (mut passed, mut waiting) = (Vec::new(), Vec::new());
    for piece in pieces {
        waiting.extend_from_slice(piece);
        loop {
            match framing.advance(&waiting) {
                Ok(0) => break,
                Ok(length) => passed.extend(waiting.drain(..length)),
                Err(refusal) => return (passed, Err(refusal)),
            }
        }
    }
    (passed, Ok(()))
}

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

/// A message that may pass, whatever it holds.
fn message() -> impl Strategy<Value = Vec<u8>> {
    let body = proptest::collection::vec(any::<u8>(), 0..80);
    let sized = body.clone().prop_map(|body| {
        let mut bytes =
            format!("POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n\r\n", body.len()).into_bytes();
        bytes.extend(body);
        bytes
    });
    let chunked = (proptest::collection::vec(body, 0..4), any::<bool>()).prop_map(|(chunks, trailer)| {
        let mut bytes = b"POST /y HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n".to_vec();
        for chunk in chunks.iter().filter(|chunk| !chunk.is_empty()) {
            bytes.extend(format!("{:x};e=1\r\n", chunk.len()).into_bytes());
            bytes.extend(chunk);
            bytes.extend(b"\r\n");
        }
        bytes.extend(b"0\r\n");
        bytes.extend(if trailer { &b"T: v\r\n\r\n"[..] } else { b"\r\n" });
        bytes
    });
    prop_oneof![sized, chunked, Just(b"GET /z HTTP/1.1\r\nHost: a\r\n\r\n".to_vec())]
}

/// Cuts `bytes` at places picked by `cuts`.
fn pieces<'a>(bytes: &'a [u8], cuts: &[prop::sample::Index]) -> Vec<&'a [u8]> {
    let mut places: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
    places.extend([0, bytes.len()]);
    places.sort_unstable();
    places.windows(2).map(|pair| &bytes[pair[0]..pair[1]]).collect()
}

proptest! {
    #[test]
    fn valid_streams_pass_unchanged_however_cut(
        messages in proptest::collection::vec(message(), 1..6),
        cuts in proptest::collection::vec(any::<prop::sample::Index>(), 0..12),
    ) {
        let bytes = messages.concat();
        let (passed, outcome) = run(&mut Framing::new(Role::Requests), pieces(&bytes, &cuts));
        prop_assert_eq!(outcome, Ok(()));
        prop_assert_eq!(passed, bytes);
    }

    #[test]
    fn damaged_streams_end_alike_however_cut(
        messages in proptest::collection::vec(message(), 1..4),
        place in any::<prop::sample::Index>(),
        byte in prop_oneof![any::<u8>(), Just(b'\n'), Just(b'\r'), Just(b' '), Just(b':')],
        cuts in proptest::collection::vec(any::<prop::sample::Index>(), 0..12),
    ) {
        let mut bytes = messages.concat();
        let place = place.index(bytes.len());
        bytes[place] = byte;
        let whole = run(&mut Framing::new(Role::Requests), [&bytes[..]]);
        let cut = run(&mut Framing::new(Role::Requests), pieces(&bytes, &cuts));
        prop_assert_eq!(whole.1, cut.1);
        // A chunk under way may have passed before its end proved wrong; heads never.
        prop_assert!(bytes.starts_with(&cut.0) && whole.0.len() <= cut.0.len());
    }

    #[test]
    fn a_guarded_connection_passes_bytes_unchanged(
        messages in proptest::collection::vec(message(), 1..6),
        pipe in 1usize..64,
        read in 1usize..64,
        early in any::<prop::sample::Index>(),
    ) {
        let bytes = messages.concat();
        let (early, late) = bytes.split_at(early.index(bytes.len()));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        let received = runtime.block_on(async {
            let (mut near, far) = tokio::io::duplex(pipe);
            let (mut guard, _) = Guard::requests(far, BytesMut::from(early));
            let send = async move {
                near.write_all(late).await.unwrap();
                near.shutdown().await.unwrap();
            };
            let receive = async {
                let (mut all, mut buffer) = (Vec::new(), vec![0; read]);
                loop {
                    match guard.read(&mut buffer).await.unwrap() {
                        0 => return all,
                        length => all.extend_from_slice(&buffer[..length]),
                    }
                }
            };
            tokio::join!(send, receive).1
        });
        prop_assert_eq!(received, bytes);
    }
}

#[tokio::test]
async fn a_refused_request_becomes_a_stand_in_that_is_told_apart() {
    let (mut near, far) = tokio::io::duplex(4096);
    let (mut guard, handle) = Guard::requests(far, BytesMut::new());
    let good = b"GET /first HTTP/1.1\r\nHost: a\r\n\r\n";
    near.write_all(good).await.unwrap();
    near.write_all(b"POST /secret HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n")
        .await
        .unwrap();
    let mut first = vec![0; good.len()];
    guard.read_exact(&mut first).await.unwrap();
    assert_eq!(first, good);
    let mut stand_in = vec![0; 200];
    let length = guard.read(&mut stand_in).await.unwrap();
    let text = std::str::from_utf8(&stand_in[..length]).unwrap();
    assert_eq!(text, "GET / HTTP/1.1\r\nhost: refused.invalid\r\nconnection: close\r\n\r\n");
    let request = |host: &str| http::Request::builder().header("host", host).body(()).unwrap();
    assert_eq!(handle.refusal_of(&request("refused.invalid")), Some(Refusal::LengthConflict));
    assert_eq!(handle.refusal_of(&request("a")), None);
    // Nothing follows, not even the end: hyper would take that for a client that has gone.
    drop(near);
    let more = tokio::select! {
        biased;
        more = guard.read(&mut stand_in) => Some(more),
        () = tokio::task::yield_now() => None,
    };
    assert!(more.is_none());
}

#[tokio::test]
async fn a_bad_chunk_is_an_error_with_its_reason() {
    let (mut near, far) = tokio::io::duplex(4096);
    let (mut guard, handle) = Guard::requests(far, BytesMut::new());
    near.write_all(b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabcX")
        .await
        .unwrap();
    let mut all = Vec::new();
    let error = guard.read_to_end(&mut all).await.unwrap_err();
    assert_eq!(error.get_ref().unwrap().downcast_ref::<Refusal>(), Some(&Refusal::BadChunk));
    assert_eq!(handle.refusal(), Some(Refusal::BadChunk));
}

#[tokio::test]
async fn a_tunnel_is_withheld_until_it_is_granted() {
    let (mut near, far) = tokio::io::duplex(4096);
    let (mut guard, handle) = Guard::requests(far, BytesMut::new());
    let head = b"CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n";
    near.write_all(head).await.unwrap();
    near.write_all(b"\x16\x03\x01 raw").await.unwrap();
    guard.read_exact(&mut vec![0; head.len()]).await.unwrap();
    let mut raw = [0; 7];
    let reading = async { guard.read_exact(&mut raw).await.unwrap() };
    let granting = async { handle.pass_through() };
    tokio::join!(reading, granting);
    assert_eq!(&raw, b"\x16\x03\x01 raw");
}

#[tokio::test]
async fn responses_before_their_request_are_refused() {
    let (mut near, far) = tokio::io::duplex(4096);
    let (mut guard, handle) = Guard::responses(far);
    handle.announce(&http::Method::GET, false);
    near.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").await.unwrap();
    let error = guard.read(&mut [0; 64]).await.unwrap_err();
    assert_eq!(error.get_ref().unwrap().downcast_ref::<Refusal>(), Some(&Refusal::Unsolicited));
    assert!(handle.heard() && !handle.wrote());
}

#[tokio::test]
async fn connect_is_read_apart_from_what_follows() {
    let (mut near, mut far) = tokio::io::duplex(16);
    let head = b"CONNECT a.example:443 HTTP/1.1\r\nHost: a.example:443\r\n\r\n";
    let mut buffer = BytesMut::from(&head[..5]);
    let send = async {
        near.write_all(&head[5..]).await.unwrap();
        near.write_all(b"hello").await.unwrap();
    };
    let (parsed, ()) = tokio::join!(read_connect(&mut far, &mut buffer), send);
    assert_eq!(parsed.unwrap().port, 443);
    while buffer.len() < 5 {
        far.read_buf(&mut buffer).await.unwrap();
    }
    assert_eq!(&buffer[..], b"hello");
    drop(near);
    assert!(matches!(read_connect(&mut far, &mut BytesMut::new()).await, Err(ReadHeadError::Closed)));
}

/// What a service in front of the gate does: refuses what was refused, else reads the body and echoes it.
async fn echo(handle: GuardHandle, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let reply = |status: http::StatusCode, text: String| {
        Ok(Response::builder().status(status).body(Full::from(text)).unwrap())
    };
    // Late, as a real service may be: hyper reads ahead meanwhile.
    tokio::task::yield_now().await;
    if let Some(refusal) = handle.refusal_of(&request) {
        return reply(refusal.status(), refusal.as_str().to_owned());
    }
    let path = request.uri().path().to_owned();
    match request.into_body().collect().await {
        Ok(body) => reply(http::StatusCode::OK, format!("{path} {}", body.to_bytes().len())),
        Err(_) => reply(http::StatusCode::BAD_REQUEST, handle.refusal().unwrap().as_str().to_owned()),
    }
}

/// Sends `bytes` to a real hyper server behind a guard; returns all that it answers until it closes.
async fn converse(bytes: &[u8]) -> String {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = tokio::spawn(async move {
        let (tcp, _) = listener.accept().await.unwrap();
        let (guard, handle) = Guard::requests(tcp, BytesMut::new());
        let service = hyper::service::service_fn(move |request| echo(handle.clone(), request));
        let _ =
            hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(guard), service).await;
    });
    let mut client = TcpStream::connect(address).await.unwrap();
    client.write_all(bytes).await.unwrap();
    let mut answer = Vec::new();
    let all = tokio::time::timeout(crate::tls::testing::PATIENCE, client.read_to_end(&mut answer));
    all.await.unwrap().unwrap();
    server.await.unwrap();
    String::from_utf8(answer).unwrap()
}

fn outline(answer: &str) -> Vec<(&str, &str)> {
    let mut messages = Vec::new();
    for message in answer.split("HTTP/1.1 ").skip(1) {
        let (head, body) = message.split_once("\r\n\r\n").unwrap();
        messages.push((&head[..3], body));
    }
    messages
}

#[tokio::test]
async fn hyper_answers_refusals_properly_and_stops() {
    let good = "POST /one HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nab";
    let conflict =
        "POST /two HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n";
    let after = "GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n";
    let answer = converse(format!("{conflict}{after}").as_bytes()).await;
    assert_eq!(outline(&answer), [("400", "length_conflict")]);
    assert!(answer.to_ascii_lowercase().contains("connection: close"), "{answer}");
    // What came before the refused request is served, whatever hyper has read ahead.
    let answer = converse(format!("{good}{good}{conflict}{after}").as_bytes()).await;
    assert_eq!(outline(&answer), [("200", "/one 2"), ("200", "/one 2"), ("400", "length_conflict")]);
    let version = converse(b"GET / HTTP/3.0\r\nHost: a\r\n\r\n").await;
    assert_eq!(outline(&version), [("505", "bad_version")]);
    let large = format!("GET / HTTP/1.1\r\nHost: a\r\nA: {}", "x".repeat(2 * limits::HEAD_BYTES));
    assert_eq!(outline(&converse(large.as_bytes()).await), [("431", "head_too_large")]);
}

#[tokio::test]
async fn hyper_passes_a_bad_chunk_on_as_a_failed_body() {
    let bad = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nabX0\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n";
    assert_eq!(outline(&converse(bad).await), [("400", "bad_chunk")]);
}

#[tokio::test(start_paused = true)]
async fn a_head_has_its_time_from_its_first_byte_to_its_last() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let (mut near, far) = tokio::io::duplex(1024);
    let (mut guard, _) = Guard::requests(far, BytesMut::new());
    let half = crate::limits::HEAD_TIMEOUT / 2;
    let head = b"GET / HTTP/1.1\r\nhost: a.example\r\n\r\n";
    let (start, end) = head.split_at(10);
    let client = async {
        // A connection may be idle for longer than a head may take.
        tokio::time::sleep(half * 4).await;
        for _ in 0..3 {
            near.write_all(start).await.unwrap();
            tokio::time::sleep(half).await;
            near.write_all(end).await.unwrap();
        }
        let began = tokio::time::Instant::now();
        for byte in start {
            near.write_all(&[*byte]).await.unwrap();
            tokio::time::sleep(half / 3).await;
        }
        (near, began)
    };
    let gate = async {
        let mut heads = vec![0; 3 * head.len()];
        guard.read_exact(&mut heads).await.unwrap();
        let error = guard.read(&mut [0; 64]).await.unwrap_err();
        (error, tokio::time::Instant::now())
    };
    let ((near, began), (error, ended)) = tokio::join!(client, gate);
    assert_eq!(error.kind(), std::io::ErrorKind::TimedOut);
    assert_eq!((ended - began).as_secs(), crate::limits::HEAD_TIMEOUT.as_secs());
    drop(near);
}
