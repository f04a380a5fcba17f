//! Calls of gRPC pass as their ends expect: each message as soon as it is whole, a refusal in its own words.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use bytes::Bytes;
use h2::{RecvStream, SendStream};
use http::{HeaderMap, Response};
use tidegate::limits;
use tidegate::policy::Action;
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;

use crate::harness::h2::{Exchange, read, request};
use crate::harness::pki::Flaw;
use crate::harness::wire::Reader;
use crate::harness::{Client, H2Client, H2Origin, PAN, SSN, Setup, World, messages, rule, soon};

/// A message of gRPC: flag, length, bytes.
fn message(bytes: &[u8]) -> Bytes {
    Bytes::from([&[0], &u32::try_from(bytes.len()).unwrap().to_be_bytes()[..], bytes].concat())
}

fn call(authority: &str) -> http::request::Builder {
    request(authority, "POST", "/pkg.Service/Method")
        .header("content-type", "application/grpc")
        .header("te", "trailers")
}

fn ok() -> HeaderMap {
    [(http::HeaderName::from_static("grpc-status"), "0".parse().unwrap())].into_iter().collect()
}

fn answers() -> Response<()> {
    Response::builder().header("content-type", "application/grpc").body(()).unwrap()
}

/// Answers each chunk with the same; its bytes are counted among the streams.
async fn echo(mut exchange: Exchange) {
    assert_eq!(exchange.request.headers()["te"], "trailers");
    let mut stream = exchange.respond.send_response(answers(), false).unwrap();
    while let Some(Ok(chunk)) = exchange.request.body_mut().data().await {
        exchange.request.body_mut().flow_control().release_capacity(chunk.len()).unwrap();
        exchange.seen.streams.fetch_add(chunk.len(), Ordering::SeqCst);
        if stream.send_data(chunk, false).is_err() {
            return;
        }
    }
    let _ = stream.send_trailers(ok());
}

/// A call whose messages wait for each other.
struct Talk {
    stream: SendStream<Bytes>,
    body: RecvStream,
}

impl Talk {
    async fn begin(world: &World, origin: &H2Origin) -> Talk {
        Talk::over(world, origin, call(&origin.authority())).await
    }

    async fn over(world: &World, origin: &H2Origin, call: http::request::Builder) -> Talk {
        let mut client = H2Client::to(world, origin).await;
        let kind = call.headers_ref().unwrap()["content-type"].clone();
        let (response, stream) = client.begin(call).await;
        // The head comes back before any message was sent.
        let response = soon("a head", response).await.unwrap();
        assert_eq!(response.headers()["content-type"], kind);
        Talk { stream, body: response.into_body() }
    }

    /// Says a message in these pieces, and waits until as much came back.
    async fn say(&mut self, pieces: &[&[u8]]) -> Vec<u8> {
        let length: usize = pieces.iter().map(|piece| piece.len()).sum();
        for piece in pieces {
            self.stream.send_data(Bytes::copy_from_slice(piece), false).unwrap();
        }
        let mut came = Vec::new();
        while came.len() < length {
            let chunk = soon("an echo", self.body.data()).await.unwrap().unwrap();
            self.body.flow_control().release_capacity(chunk.len()).unwrap();
            came.extend_from_slice(&chunk);
        }
        came
    }
}

#[tokio::test]
async fn each_message_passes_as_soon_as_it_is_whole() {
    let world = World::start(Setup::default()).await;
    let origin = H2Origin::start(&world, "origin.test", echo).await;
    let mut talk = Talk::begin(&world, &origin).await;
    // What they end with could be the beginning of something: nothing comes after it until it is answered.
    for text in ["turn 1", "order 4539 1488 0343", "mail ann.smith@clients", "AKIA", "", "id 536-22"] {
        let sent = message(text.as_bytes());
        assert_eq!(talk.say(&[&sent]).await, sent, "{text}");
        let (head, rest) = sent.split_at(3);
        assert_eq!(talk.say(&[head, rest]).await, sent, "{text}, in pieces");
    }
    let many: Vec<u8> = (0..40).flat_map(|n| message(format!("item {n}").as_bytes())).collect();
    assert_eq!(talk.say(&[&many]).await, many);
    let large = message(&b"clean words ".repeat(50_000));
    assert_eq!(talk.say(&[&large]).await.len(), large.len());
    talk.stream.send_data(Bytes::new(), true).unwrap();
    let (mut rest, mut trailers) = (Vec::new(), None);
    assert_eq!(read(&mut talk.body, &mut rest, &mut trailers).await, None);
    assert_eq!(trailers.unwrap()["grpc-status"], "0");
}

#[tokio::test]
async fn whoever_waits_for_an_answer_to_what_it_said_has_it() {
    let world = World::start(Setup::default()).await;
    let origin = H2Origin::start(&world, "origin.test", |mut exchange| async move {
        let kind = exchange.request.headers()["content-type"].clone();
        let head = Response::builder().header("content-type", kind).body(()).unwrap();
        let mut stream = exchange.respond.send_response(head, false).unwrap();
        while let Some(Ok(chunk)) = exchange.request.body_mut().data().await {
            exchange.request.body_mut().flow_control().release_capacity(chunk.len()).unwrap();
            stream.send_data(chunk, false).unwrap();
        }
        let _ = stream.send_data(Bytes::new(), true);
    })
    .await;
    let event = [&22_u32.to_be_bytes()[..], b"bytes behind it.\r\n"].concat();
    for (kind, said) in [
        ("application/connect+proto", &message(b"turn 1")[..]),
        ("application/connect+json", &message(b"{\"card\":\"4539 1488 0343\"}")[..]),
        ("application/vnd.amazon.eventstream", &event[..]),
        ("application/x-ndjson", b"{\"turn\":1}\n"),
        ("text/event-stream", b"data: turn\n\n"),
    ] {
        let head = request(&origin.authority(), "POST", "/talk").header("content-type", kind);
        let mut talk = Talk::over(&world, &origin, head).await;
        for _ in 0..3 {
            assert_eq!(talk.say(&[said]).await, said, "{kind}");
        }
        talk.stream.send_data(Bytes::from(format!("card {PAN}\n")), true).unwrap();
        let (mut rest, mut trailers) = (Vec::new(), None);
        let reset = read(&mut talk.body, &mut rest, &mut trailers).await;
        assert!(reset.is_some() && !String::from_utf8_lossy(&rest).contains(PAN), "{kind}: {reset:?}");
    }
}

/// Time itself is what passes here: a body has ten seconds to become fast enough.
#[tokio::test]
async fn a_call_that_says_little_is_not_taken_for_a_slow_body() {
    let world = World::start(Setup::default()).await;
    let origin = H2Origin::start(&world, "origin.test", echo).await;
    let pause = || tokio::time::sleep(limits::BODY_RATE_GRACE / 7);
    let call = async {
        let mut talk = Talk::begin(&world, &origin).await;
        for _ in 0..9 {
            let said = message(b"anybody there?");
            assert_eq!(talk.say(&[&said]).await, said);
            pause().await;
        }
    };
    let body = async {
        let mut client = H2Client::to(&world, &origin).await;
        let slow = request(&origin.authority(), "POST", "/slow").header("content-type", "text/plain");
        let (response, mut stream) = client.begin(slow).await;
        let mut answered = tokio::spawn(response);
        loop {
            tokio::select! {
                answer = &mut answered => return answer.unwrap().unwrap().status(),
                () = pause() => stream.send_data(Bytes::from_static(b"anybody there?"), false).unwrap(),
            }
        }
    };
    let ((), status) = tokio::join!(call, body);
    assert_eq!(status, http::StatusCode::REQUEST_TIMEOUT);
}

#[tokio::test]
async fn a_value_at_the_end_of_a_message_is_stopped_before_any_of_it_left() {
    let world = World::start(Setup::default()).await;
    let origin = H2Origin::start(&world, "origin.test", echo).await;
    let mut talk = Talk::begin(&world, &origin).await;
    let clean = message(b"clean 1");
    talk.say(&[&clean]).await;
    let before = origin.streams();
    talk.stream.send_data(message(format!("{} card {PAN}", "words ".repeat(50)).as_bytes()), false).unwrap();
    let (mut rest, mut trailers) = (Vec::new(), None);
    let reset = read(&mut talk.body, &mut rest, &mut trailers).await;
    assert!(reset.is_some() && rest.is_empty(), "{reset:?} {trailers:?}");
    assert_eq!(origin.streams(), before, "nothing of the message reached the origin");
    let records = world.records().await;
    let [blocked] = messages(&records).into_iter().filter(|r| r["action"] == "block").collect::<Vec<_>>()[..]
    else {
        panic!("{records:#?}")
    };
    assert_eq!((&blocked["direction"], &blocked["disclosure"]), (&"request".into(), &"prevented".into()));
    assert_eq!(blocked["bytes"]["forwarded"], clean.len());
}

#[tokio::test]
async fn a_number_at_the_end_of_a_message_is_stopped_before_any_of_it_left() {
    let world = World::start(Setup::default()).await;
    let origin = H2Origin::start(&world, "origin.test", echo).await;
    let mut talk = Talk::begin(&world, &origin).await;
    talk.say(&[&message(b"\x0a\x05clean")]).await;
    let before = origin.streams();
    // Field 2, named by nothing, and then a card number as a varint.
    let mut number: u64 = PAN.parse().unwrap();
    let mut field = b"\x0a\x04card\x10".to_vec();
    while number > 0x7f {
        field.push(u8::try_from(number & 0x7f).unwrap() | 0x80);
        number >>= 7;
    }
    field.push(u8::try_from(number).unwrap());
    talk.stream.send_data(message(&field), false).unwrap();
    let (mut rest, mut trailers) = (Vec::new(), None);
    assert!(read(&mut talk.body, &mut rest, &mut trailers).await.is_some() && rest.is_empty());
    assert_eq!(origin.streams(), before, "nothing of the message reached the origin");
}

#[tokio::test]
async fn an_error_without_a_message_is_told_as_it_was() {
    let world = World::start(Setup::default()).await;
    let origin = H2Origin::start(&world, "origin.test", |mut exchange| async move {
        let mut head = answers();
        head.headers_mut().insert("grpc-status", "5".parse().unwrap());
        if exchange.read().await.uri.path().ends_with("Length") {
            head.headers_mut().insert("content-length", "0".parse().unwrap());
        }
        exchange.respond.send_response(head, true).unwrap();
    })
    .await;
    let mut client = H2Client::to(&world, &origin).await;
    for (path, length) in [("/pkg.Service/Any", None), ("/pkg.Service/Length", Some("0"))] {
        let asked = request(&origin.authority(), "POST", path).header("content-type", "application/grpc");
        let answer = client.exchange(asked, &message(b"clean")).await;
        assert_eq!(
            (answer.field("grpc-status"), answer.field("content-length")),
            (Some("5"), length),
            "{path}"
        );
    }
}

#[tokio::test]
async fn a_value_at_the_end_of_a_message_is_masked() {
    let rules = vec![rule("ssn", &["national-id.us-ssn"], Action::Redact)];
    let world = World::start(Setup { rules, ..Setup::default() }).await;
    let origin = H2Origin::agreeable(&world, "origin.test").await;
    let mut client = H2Client::to(&world, &origin).await;
    let (response, mut stream) = client.begin(call(&origin.authority())).await;
    stream.send_data(message(b"first"), false).unwrap();
    stream.send_data(message(format!("ssn {SSN}").as_bytes()), false).unwrap();
    stream.send_data(message(b"last"), true).unwrap();
    assert_eq!(soon("an answer", response).await.unwrap().status(), 200);
    let text = String::from_utf8_lossy(&origin.got()[0].body).into_owned();
    assert!(text.contains("ssn ***-**-****") && !text.contains(SSN), "{text:?}");
}

#[tokio::test]
async fn a_call_that_is_stopped_is_told_so_in_its_own_words() {
    let world = World::start(Setup::default()).await;
    let origin = H2Origin::start(&world, "origin.test", |mut exchange| async move {
        let got = exchange.read().await;
        let leak = message(format!("card {PAN}").as_bytes());
        if got.uri.path().ends_with("AtOnce") {
            exchange.reply_with(
                Response::builder().header("content-type", "application/grpc"),
                &leak,
                Some(ok()),
            );
            return;
        }
        // The head first, as servers do.
        let mut stream = exchange.respond.send_response(answers(), false).unwrap();
        stream.send_data(leak, false).unwrap();
        tokio::task::yield_now().await;
        let _ = stream.send_trailers(ok());
    })
    .await;
    let mut client = H2Client::to(&world, &origin).await;
    let calls = [
        ("/pkg.Service/Any", format!("card {PAN}")),
        ("/pkg.Service/AtOnce", "clean".into()),
        ("/pkg.Service/InParts", "clean".into()),
    ];
    for (path, body) in calls {
        let asked = request(&origin.authority(), "POST", path).header("content-type", "application/grpc");
        let answer = client.exchange(asked, &message(body.as_bytes())).await;
        assert_eq!((answer.status, answer.reset, answer.body.len()), (200, None, 0), "{path}");
        assert_eq!(answer.field("content-type"), Some("application/grpc"));
        assert_eq!(answer.field("grpc-status"), Some("7"));
        let said = answer.field("grpc-message").unwrap();
        assert!(said.contains("decision=") && !said.contains(&PAN[6..]), "{said}");
    }
    assert!(origin.got().iter().all(|got| !String::from_utf8_lossy(&got.body).contains(PAN)));
    let records = world.records().await;
    let blocked = messages(&records).into_iter().filter(|record| record["action"] == "block");
    assert_eq!(blocked.filter(|record| record["disclosure"] == "prevented").count(), 3);
}

/// An origin that speaks both, and answers with what it was spoken to in.
async fn bilingual(world: &World) -> std::net::SocketAddr {
    let mut config = ServerConfig::clone(&world.authority.server_config("origin.test", Flaw::None));
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((tcp, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                let Ok(tls) = acceptor.accept(tcp).await else { return };
                if tls.get_ref().1.alpn_protocol() == Some(b"h2") {
                    let mut connection = h2::server::handshake(tls).await.unwrap();
                    while let Some(Ok((_, mut respond))) = connection.accept().await {
                        let answer: Response<()> =
                            Response::builder().header("spoken", "2").body(()).unwrap();
                        respond.send_response(answer, true).unwrap();
                    }
                    return;
                }
                let mut reader = Reader::new(tls);
                while reader.head().await.is_some() {
                    let answer = b"HTTP/1.1 200 OK\r\nspoken: 1\r\nContent-Length: 0\r\n\r\n";
                    tokio::io::AsyncWriteExt::write_all(&mut reader.io, answer).await.unwrap();
                }
            });
        }
    });
    address
}

#[tokio::test]
async fn a_call_is_not_sent_over_what_a_client_of_http_1_left() {
    let world = World::start(Setup::default()).await;
    let authority = format!("origin.test:{}", bilingual(&world).await.port());
    let mut old = Client::tunnel_to(&world, &authority, "origin.test").await;
    let asked = format!("GET / HTTP/1.1\r\nHost: {authority}\r\n\r\n");
    assert_eq!(old.exchange(asked.as_bytes()).await.field("spoken"), Some("1"));
    let mut new = H2Client::tunnel(&world, &authority, "origin.test").await;
    assert_eq!(new.exchange(request(&authority, "GET", "/"), b"").await.field("spoken"), Some("2"));
    assert_eq!(old.exchange(asked.as_bytes()).await.field("spoken"), Some("1"));
}
