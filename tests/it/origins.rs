//! What an origin does wrong is its own: it is refused or cut, its connection serves nobody else, and others never notice.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use h2::Reason;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;

use crate::harness::client::get;
use crate::harness::h2::request;
use crate::harness::pki::Flaw;
use crate::harness::wire::{Framing, Reader};
use crate::harness::{Client, H2Client, Origin, Setup, World, messages, soon};

const GOOD: &str = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ngood";

/// What an origin answers, by path.
fn attack(path: &str) -> Vec<u8> {
    let answer = match path {
        "/many-fields" => {
            let fields: String = (0..20_000).map(|number| format!("X-{number}: y\r\n")).collect();
            format!("HTTP/1.1 200 OK\r\n{fields}\r\n")
        }
        "/long-field" => format!("HTTP/1.1 200 OK\r\nX: {}\r\n\r\n", "y".repeat(4 << 20)),
        "/endless-reason" => format!("HTTP/1.1 200 {}", "y".repeat(4 << 20)),
        "/early-flood" => {
            "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n".repeat(10_000)
                + "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
        }
        "/both-lengths" => {
            "HTTP/1.1 200 OK\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n".into()
        }
        "/two-lengths" => "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 4\r\n\r\nokok".into(),
        "/odd-length" => "HTTP/1.1 200 OK\r\nContent-Length: +4\r\n\r\ngood".into(),
        "/odd-coding" => "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n".into(),
        "/folded" => "HTTP/1.1 200 OK\r\nX: a\r\n b\r\nContent-Length: 4\r\n\r\ngood".into(),
        "/bare-lf" => "HTTP/1.1 200 OK\nContent-Length: 4\n\ngood".into(),
        "/bare-cr" => "HTTP/1.1 200 OK\r\nX: a\rb\r\nContent-Length: 4\r\n\r\ngood".into(),
        "/nul" => "HTTP/1.1 200 OK\r\nX: a\0b\r\nContent-Length: 4\r\n\r\ngood".into(),
        "/space-before-colon" => "HTTP/1.1 200 OK\r\nContent-Length : 4\r\n\r\ngood".into(),
        "/chunk-overflow" => {
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\ngood\r\n0\r\n\r\n"
                .into()
        }
        "/chunk-no-number" => {
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-4\r\ngood\r\n0\r\n\r\n".into()
        }
        "/chunk-no-end" => "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\ngoodXX0\r\n\r\n".into(),
        "/chunk-extension-flood" => format!(
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4;{}\r\ngood\r\n0\r\n\r\n",
            "x".repeat(1 << 20)
        ),
        "/bad-trailer" => {
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\ngood\r\n0\r\nno trailer\r\n\r\n".into()
        }
        "/trailer-bomb" => format!(
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\ngood\r\n0\r\nX: {}\r\n\r\n",
            "y".repeat(4 << 20)
        ),
        "/framing-trailer" => {
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\ngood\r\n0\r\nContent-Length: 9\r\n\r\n"
                .into()
        }
        "/switch" => {
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\nanything".into()
        }
        "/no-http" => "SSH-2.0-x\r\n".into(),
        "/old" => "HTTP/0.9 200 OK\r\n\r\nx".into(),
        _ => GOOD.into(),
    };
    answer.into_bytes()
}

const ATTACKS: [&str; 23] = [
    "/many-fields",
    "/long-field",
    "/endless-reason",
    "/early-flood",
    "/both-lengths",
    "/two-lengths",
    "/odd-length",
    "/odd-coding",
    "/folded",
    "/bare-lf",
    "/bare-cr",
    "/nul",
    "/space-before-colon",
    "/chunk-overflow",
    "/chunk-no-number",
    "/chunk-no-end",
    "/chunk-extension-flood",
    "/bad-trailer",
    "/trailer-bomb",
    "/framing-trailer",
    "/switch",
    "/no-http",
    "/old",
];

#[tokio::test]
async fn heads_and_bodies_that_break_the_rules_are_refused_and_their_connections_with_them() {
    let world = World::start(Setup::default()).await;
    let origin = Origin::start(&world, "origin.test", |conn| {
        conn.serve(|request| attack(request.head.line.split(' ').nth(1).unwrap()))
    })
    .await;
    for path in ATTACKS {
        let mut client = Client::tunnel(&world, &origin).await;
        let response = client.exchange(get(&origin, path)).await;
        assert_eq!(response.status, 502, "{path}: {response:?}");
        assert!(response.field("proxy-status").unwrap().contains("error="), "{path}");
        assert_eq!(response.json()["upstream_received"], true, "{path}");
        let before = origin.connections();
        let mut client = Client::tunnel(&world, &origin).await;
        let response = client.exchange(get(&origin, "/good")).await;
        assert_eq!((response.status, response.body.bytes.as_slice()), (200, &b"good"[..]), "after {path}");
        // Its connection is kept, so that an attack is made over it next.
        assert_eq!(
            origin.connections(),
            before + 1,
            "{path} was answered over a connection that then served again"
        );
    }
    let records = world.records().await;
    let ends = messages(&records).into_iter().filter(|r| r["kind"] == "end" && r["direction"] == "response");
    assert_eq!(ends.count(), ATTACKS.len());
}

#[tokio::test]
async fn an_answer_that_nobody_asked_for_reaches_nobody() {
    let world = World::start(Setup::default()).await;
    let stolen = "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nstolen";
    let origin = Origin::start(&world, "origin.test", move |conn| {
        conn.serve(move |request| {
            let head = match request.head.line.split(' ').nth(1).unwrap() {
                "/behind" => GOOD.to_owned(),
                "/no-body" => "HTTP/1.1 304 Not Modified\r\n\r\n".into(),
                "/nothing" => "HTTP/1.1 204 No Content\r\n\r\n".into(),
                "/chunks" => {
                    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\ngood\r\n0\r\n\r\n".into()
                }
                _ => return GOOD.as_bytes().to_vec(),
            };
            format!("{head}{stolen}").into_bytes()
        })
    })
    .await;
    for path in ["/behind", "/no-body", "/nothing", "/chunks"] {
        let mut client = Client::tunnel(&world, &origin).await;
        let first = client.exchange(get(&origin, path)).await;
        assert!(!String::from_utf8_lossy(&first.body.bytes).contains("stolen"), "{path}");
        let mut other = Client::tunnel(&world, &origin).await;
        let next = other.exchange(get(&origin, "/good")).await;
        assert_eq!((next.status, next.body.bytes.as_slice()), (200, &b"good"[..]), "after {path}");
    }
}

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let [_, a, b, c] = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&[a, b, c, kind, flags][..], &stream.to_be_bytes(), payload].concat()
}

/// An origin that agrees on HTTP/2 and then sends what it likes.
async fn raw(world: &World, flood: Vec<u8>, times: usize) -> u16 {
    let mut config = ServerConfig::clone(&world.authority.server_config("origin.test", Flaw::None));
    config.alpn_protocols = vec![b"h2".to_vec()];
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((tcp, _)) = listener.accept().await {
            let (acceptor, flood) = (acceptor.clone(), flood.clone());
            tokio::spawn(async move {
                let Ok(tls) = acceptor.accept(tcp).await else { return };
                let (mut read, mut write) = tokio::io::split(tls);
                let sent = async {
                    write.write_all(&frame(4, 0, 0, &[])).await?;
                    for _ in 0..times {
                        write.write_all(&flood).await?;
                    }
                    write.flush().await
                };
                let reading = async { while read.read(&mut [0; 4096]).await.is_ok_and(|read| read > 0) {} };
                let _ = tokio::join!(sent, reading);
            });
        }
    });
    port
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn floods_of_an_origins_frames_end_its_connection_alone() {
    let world = World::start(Setup::default()).await;
    let good = crate::harness::H2Origin::agreeable(&world, "other.test").await;
    let mut bystander = H2Client::to(&world, &good).await;
    // HEADERS of stream 1 with `:status: 200`, indexed, and then no end.
    let floods: [(&str, Vec<u8>, usize); 5] = [
        ("settings", frame(4, 0, 0, &[]), 20_000),
        ("pings", frame(6, 0, 0, &[7; 8]), 20_000),
        ("windows", frame(8, 0, 0, &[0, 0, 0, 1]), 20_000),
        (
            "a head without end",
            [frame(1, 0, 1, &[0x88]), frame(9, 0, 1, &[0x84; 8000]).repeat(100)].concat(),
            1,
        ),
        ("empty data", [frame(1, 4, 1, &[0x88]), frame(0, 0, 1, &[]).repeat(20_000)].concat(), 1),
    ];
    for (what, flood, times) in floods {
        let port = raw(&world, flood, times).await;
        let authority = format!("origin.test:{port}");
        let mut client = H2Client::tunnel(&world, &authority, "origin.test").await;
        let answer = client.exchange(request(&authority, "GET", "/"), b"").await;
        assert!(answer.status == 502 || answer.reset.is_some(), "{what}: {answer:?}");
        let clean = soon("a bystander", bystander.post(&good.authority(), "/", b"{}")).await;
        assert_eq!(clean.status, 200, "{what}");
    }
    let mut upload = bystander.begin(request(&good.authority(), "POST", "/")).await;
    upload.1.send_data(Bytes::from_static(b"{}"), true).unwrap();
    assert_eq!(soon("an answer", upload.0).await.unwrap().status(), 200);
}

/// Asks over HTTP/2 for HTTP/1.1, and answers there, if it speaks that at all.
struct Downgrading {
    authority: String,
    /// Streams that it gave up, and bodies that it answered.
    given_up: Arc<AtomicUsize>,
    answered: Arc<Mutex<Vec<String>>>,
}

impl Downgrading {
    async fn start(world: &World, alpn: &[&str]) -> Downgrading {
        let mut config = ServerConfig::clone(&world.authority.server_config("origin.test", Flaw::None));
        config.alpn_protocols = alpn.iter().map(|word| word.as_bytes().to_vec()).collect();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let authority = format!("origin.test:{}", listener.local_addr().unwrap().port());
        let (given_up, answered) = (Arc::<AtomicUsize>::default(), Arc::<Mutex<Vec<String>>>::default());
        let (resets, bodies) = (Arc::clone(&given_up), Arc::clone(&answered));
        tokio::spawn(async move {
            loop {
                let (tcp, _) = listener.accept().await.unwrap();
                let (acceptor, resets, bodies) = (acceptor.clone(), Arc::clone(&resets), Arc::clone(&bodies));
                tokio::spawn(async move {
                    let Ok(tls) = acceptor.accept(tcp).await else { return };
                    if tls.get_ref().1.alpn_protocol() == Some(b"h2") {
                        let mut connection = ::h2::server::handshake(tls).await.unwrap();
                        while let Some(Ok((request, mut respond))) = connection.accept().await {
                            let resets = Arc::clone(&resets);
                            tokio::spawn(async move {
                                let mut body = request.into_body();
                                while let Some(Ok(data)) = body.data().await {
                                    body.flow_control().release_capacity(data.len()).unwrap();
                                }
                                resets.fetch_add(1, Ordering::SeqCst);
                                respond.send_reset(Reason::HTTP_1_1_REQUIRED);
                            });
                        }
                        return;
                    }
                    let mut reader = Reader::new(tls);
                    while let Some(head) = reader.head().await {
                        let body = reader.body(head.framing(Framing::None)).await;
                        let text = format!("{} {}", head.line, String::from_utf8_lossy(&body.bytes));
                        bodies.lock().unwrap().push(text);
                        reader.io.write_all(GOOD.as_bytes()).await.unwrap();
                        reader.io.flush().await.unwrap();
                    }
                });
            }
        });
        Downgrading { authority, given_up, answered }
    }
}

#[tokio::test]
async fn what_an_origin_wants_over_http_1_1_is_sent_again_there_if_it_can_be() {
    let both = &["h2", "http/1.1"];
    // What is sent, in which protocols it may be, and what comes of it.
    let long = "x".repeat(300 << 10);
    let rows: [(&str, &str, &[&str], u16, &str); 5] = [
        ("GET", "", both, 200, "good"),
        ("POST", "", both, 200, "good"),
        ("POST", "{}", both, 200, "good"),
        // More than is kept.
        ("POST", &long, both, 502, "HTTP_1_1_REQUIRED"),
        ("GET", "", &["h2"], 502, "protocol"),
    ];
    for (method, body, alpn, status, told) in rows {
        let title = format!("{method} {} {alpn:?}", body.len());
        let world = World::start(Setup::default()).await;
        let origin = Downgrading::start(&world, alpn).await;
        let mut client = H2Client::tunnel(&world, &origin.authority, "origin.test").await;
        let ask = || request(&origin.authority, method, "/x").header("x-kept", "yes");
        let answer = client.exchange(ask(), body.as_bytes()).await;
        let text = String::from_utf8_lossy(&answer.body).into_owned();
        assert_eq!(answer.status, status, "{title}: {text}");
        assert!(text.contains(told), "{title}: {text}");
        assert_eq!(origin.given_up.load(Ordering::SeqCst), 1, "{title}");
        let line = format!("{method} /x HTTP/1.1 {body}");
        let expected = usize::from(status == 200);
        assert_eq!(*origin.answered.lock().unwrap(), vec![line.clone(); expected], "{title}");
        if alpn == both {
            // The next one goes there at once, whatever it holds.
            assert_eq!(client.exchange(ask(), body.as_bytes()).await.body, b"good", "{title}");
            assert_eq!(origin.given_up.load(Ordering::SeqCst), 1, "{title}");
            assert_eq!(*origin.answered.lock().unwrap(), vec![line; expected + 1], "{title}");
        }
        let records = world.records().await;
        let told_so = messages(&records)
            .into_iter()
            .any(|record| record["reason"].as_str().is_some_and(|why| why.contains(told)));
        assert_eq!(told_so, status == 502, "{title}: {records:#?}");
    }
}
