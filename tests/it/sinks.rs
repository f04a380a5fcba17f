//! Records reach those who collect them: over TLS, in order, at least once, through outages of the receiver.

use std::path::Path;
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use ring::hmac;
use serde_json::{Map, Value, json};
use tidegate::audit::query::{Field, Filter, Pattern};
use tidegate::audit::{Audit, AuditConfig, Draft, Kind, Writer, generate_signing_key};
use tidegate::limits;
use tidegate::sink::{Begin, Format, Server, SinkConfig, Sinks, Surroundings, Target};
use tidegate::tls::{MinTls, RootSource, UpstreamTls};
use tokio::io::AsyncReadExt;
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use crate::harness::pki::Flaw;
use crate::harness::{Authority, read_records, soon};

/// A trail and what its sinks need.
struct Trail {
    around: Surroundings,
    writer: Writer,
    authority: Authority,
    _folder: Arc<tempfile::TempDir>,
}

fn trail(folder: &Arc<tempfile::TempDir>, key: &[u8], authority: Authority) -> Trail {
    let directory = folder.path().join("audit");
    let roots = folder.path().join("roots.pem");
    std::fs::write(&roots, authority.pem()).unwrap();
    let (audit, writer) = Audit::open(AuditConfig::new(directory.clone(), "node-1".into()), key).unwrap();
    let tls = Arc::new(UpstreamTls::new(&[RootSource::Pem(roots)], MinTls::Tls12).unwrap());
    let around = Surroundings { directory, node: "node-1".into(), audit, tls };
    Trail { around, writer, authority, _folder: Arc::clone(folder) }
}

fn new_trail() -> (Trail, Arc<tempfile::TempDir>, Vec<u8>) {
    let folder = Arc::new(tempfile::tempdir().unwrap());
    let key = generate_signing_key().unwrap().to_vec();
    (trail(&folder, &key, Authority::new("sinks")), folder, key)
}

impl Trail {
    async fn record(&self, kind: Kind, numbers: std::ops::Range<u32>) {
        for number in numbers {
            let detail = Map::from_iter([("number".to_owned(), json!(number))]);
            self.around.audit.submit(Draft::Event { kind, detail }).await.map(drop).unwrap();
        }
    }

    async fn close(self, sinks: Sinks) {
        tokio::task::spawn_blocking(move || {
            self.writer.close();
            sinks.stop();
        })
        .await
        .unwrap();
    }
}

fn sink(name: &str, target: Target) -> SinkConfig {
    SinkConfig {
        name: name.into(),
        target,
        format: Format::Native,
        filter: Filter::default(),
        begin: Begin::Start,
        alarm: limits::SINK_ALARM,
        secret: Some(Arc::new("s3cret".to_owned().into())),
    }
}

fn server(port: u16) -> Server {
    Server { host: "localhost".parse().unwrap(), port, tls: true }
}

fn sequences(directory: &Path) -> Vec<u64> {
    read_records(directory).iter().map(|record| record["seq"].as_u64().unwrap()).collect()
}

/// What a collector was sent: path, header fields, body.
#[derive(Clone, Debug)]
struct Post {
    path: String,
    headers: hyper::HeaderMap,
    body: Bytes,
}

/// An HTTPS collector that answers with a status that a test may change.
struct Collector {
    port: u16,
    status: Arc<AtomicU16>,
    posts: Arc<Mutex<Vec<Post>>>,
}

impl Collector {
    async fn start(authority: &Authority) -> Collector {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let acceptor = TlsAcceptor::from(authority.server_config("localhost", Flaw::None));
        let (status, posts) = (Arc::new(AtomicU16::new(200)), Arc::new(Mutex::new(Vec::new())));
        let (answer, kept) = (Arc::clone(&status), Arc::clone(&posts));
        tokio::spawn(async move {
            loop {
                let (tcp, _) = listener.accept().await.unwrap();
                let (acceptor, answer, kept) = (acceptor.clone(), Arc::clone(&answer), Arc::clone(&kept));
                tokio::spawn(async move {
                    let Ok(tls) = acceptor.accept(tcp).await else { return };
                    let service = service_fn(move |request: Request<Incoming>| {
                        let (answer, kept) = (Arc::clone(&answer), Arc::clone(&kept));
                        async move {
                            let (head, body) = request.into_parts();
                            let body = body.collect().await?.to_bytes();
                            let mut status = answer.load(Ordering::SeqCst);
                            // What a strict receiver does with one record it does not like, and all that come with it.
                            if status == 200 && body.windows(6).any(|word| word == b"poison") {
                                status = 400;
                            }
                            if status == 200 {
                                kept.lock().unwrap().push(Post {
                                    path: head.uri.path().to_owned(),
                                    headers: head.headers,
                                    body,
                                });
                            }
                            let response =
                                Response::builder().status(status).body(Full::new(Bytes::from("{}")));
                            Ok::<_, hyper::Error>(response.unwrap())
                        }
                    });
                    let served = hyper::server::conn::http1::Builder::new()
                        .serve_connection(TokioIo::new(tls), service);
                    drop(served.await);
                });
            }
        });
        Collector { port, status, posts }
    }

    fn posts(&self) -> Vec<Post> {
        self.posts.lock().unwrap().clone()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn collectors_are_sent_every_record_in_their_own_form() {
    let (trail, folder, _) = new_trail();
    let collector = Collector::start(&trail.authority).await;
    let to = || server(collector.port);
    let sinks = vec![
        sink("hec", Target::Splunk { server: to(), path: "/hec".into() }),
        sink("dd", Target::Datadog { server: to(), path: "/dd".into() }),
        sink("hook", Target::Webhook { server: to(), path: "/hook".into() }),
        SinkConfig {
            format: Format::Cef,
            ..sink("cef", Target::Splunk { server: to(), path: "/cef".into() })
        },
    ];
    let sinks = Sinks::start(sinks, &trail.around).unwrap();
    trail.record(Kind::Admin, 0..1200).await;
    trail.close(sinks).await;
    let expected = sequences(&folder.path().join("audit"));
    let posts = collector.posts();
    let of = |path: &str| posts.iter().filter(|post| post.path == path).cloned().collect::<Vec<_>>();
    let seq = |record: &Value| record["seq"].as_u64().unwrap();
    let header = |post: &Post, name: &str| post.headers[name].to_str().unwrap().to_owned();

    let hec = of("/hec");
    assert!(hec.len() > 1 && hec.iter().all(|post| header(post, "authorization") == "Splunk s3cret"));
    let events =
        hec.iter().flat_map(|post| serde_json::Deserializer::from_slice(&post.body).into_iter::<Value>());
    let events: Vec<Value> = events.map(Result::unwrap).collect();
    assert_eq!(events.iter().map(|event| seq(&event["event"])).collect::<Vec<_>>(), expected);
    assert_eq!(events[0]["host"], "node-1");
    assert!(events[0]["time"].is_f64());

    let dd = of("/dd");
    assert!(dd.iter().all(|post| header(post, "dd-api-key") == "s3cret"));
    let entries = dd.iter().flat_map(|post| serde_json::from_slice::<Vec<Value>>(&post.body).unwrap());
    let messages =
        entries.map(|entry| serde_json::from_str::<Value>(entry["message"].as_str().unwrap()).unwrap());
    assert_eq!(messages.map(|record| seq(&record)).collect::<Vec<_>>(), expected);

    let hook = of("/hook");
    for post in &hook {
        let signature = header(post, "tidegate-signature");
        let (time, tag) = signature.strip_prefix("t=").unwrap().split_once(",v1=").unwrap();
        let key = hmac::Key::new(hmac::HMAC_SHA256, b"s3cret");
        let wanted = hmac::sign(&key, &[format!("{time}.").as_bytes(), &post.body[..]].concat());
        assert_eq!(tag, wanted.as_ref().iter().map(|b| format!("{b:02x}")).collect::<String>());
        assert_eq!(header(post, "content-type"), "application/cloudevents-batch+json");
    }
    let events: Vec<Value> =
        hook.iter().flat_map(|post| serde_json::from_slice::<Vec<Value>>(&post.body).unwrap()).collect();
    assert_eq!(events.iter().map(|event| seq(&event["data"])).collect::<Vec<_>>(), expected);
    assert!(events.iter().all(|event| event["specversion"] == "1.0"
        && event["id"].as_str().unwrap().parse().ok() == event["data"]["seq"].as_u64()));
    assert!(events.iter().any(|event| event["type"] == "io.tidegate.admin"));
    let cef = serde_json::Deserializer::from_slice(&of("/cef")[0].body).into_iter::<Value>().next().unwrap();
    assert!(cef.unwrap()["event"].as_str().unwrap().starts_with("CEF:0|Tidegate|"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receiver_that_is_down_loses_nothing_and_its_silence_is_on_record() {
    let (trail, folder, key) = new_trail();
    let collector = Collector::start(&trail.authority).await;
    collector.status.store(503, Ordering::SeqCst);
    let hook = Target::Webhook { server: server(collector.port), path: "/".into() };
    let config = SinkConfig { alarm: Duration::ZERO, ..sink("hook", hook) };
    let sinks = Sinks::start(vec![config.clone()], &trail.around).unwrap();
    trail.record(Kind::Admin, 0..1500).await;
    let directory = folder.path().join("audit");
    let failures = |until: bool| {
        let failures = read_records(&directory).into_iter().filter(|r| r["kind"] == "control_failure");
        failures.filter(|r| r["control"] == "sink" && r["until"].is_string() == until).count()
    };
    soon("the silence on record", async {
        while failures(false) == 0 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await;
    collector.status.store(200, Ordering::SeqCst);
    soon("its end on record", async {
        while failures(true) == 0 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await;
    assert_eq!((failures(false), failures(true)), (1, 1), "one interval, however many tries");
    let authority = Authority::new("other");
    let Trail { authority: first, .. } = {
        trail.close(sinks).await;
        // A second run goes on where the first was acknowledged.
        self::trail(&folder, &key, authority)
    };
    drop(first);
    let seqs = || -> Vec<u64> {
        let posts = collector.posts();
        let events = posts.iter().flat_map(|post| serde_json::from_slice::<Vec<Value>>(&post.body).unwrap());
        events.map(|event| event["data"]["seq"].as_u64().unwrap()).collect()
    };
    let sent = seqs();
    let there = sequences(&directory);
    assert_eq!(sent, there[..sent.len()], "in order, each once, since each answer was heard");
    assert!(sent.len() > 1500);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_that_is_refused_is_set_aside_and_those_after_it_go_on() {
    let (trail, folder, _) = new_trail();
    let collector = Collector::start(&trail.authority).await;
    let hook = Target::Webhook { server: server(collector.port), path: "/".into() };
    trail.record(Kind::Admin, 0..40).await;
    let detail = Map::from_iter([("note".to_owned(), json!("poison"))]);
    trail.around.audit.submit(Draft::Event { kind: Kind::Config, detail }).await.map(drop).unwrap();
    trail.record(Kind::Admin, 40..80).await;
    let sinks = Sinks::start(vec![sink("hook", hook)], &trail.around).unwrap();
    let directory = folder.path().join("audit");
    let failures = || -> Vec<Value> {
        let failures = read_records(&directory).into_iter().filter(|r| r["kind"] == "control_failure");
        failures.filter(|record| record["control"] == "sink").collect()
    };
    soon("the end of it on record", async {
        while failures().len() < 2 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await;
    trail.close(sinks).await;
    let refused = read_records(&directory).into_iter().find(|r| r["note"] == "poison").unwrap();
    let failures = failures();
    assert!(failures[0]["cause"].as_str().unwrap().contains("answers 400"), "{failures:?}");
    assert!(failures[1]["cause"].as_str().unwrap().contains("set aside: 1"), "{failures:?}");
    assert_eq!((failures.len(), &failures[0]["from"]), (2, &failures[1]["from"]));
    let aside = std::fs::read_to_string(directory.join("sink-hook.aside.jsonl")).unwrap();
    let aside: Value = serde_json::from_str(aside.trim()).unwrap();
    assert_eq!(aside["seq"], refused["seq"]);
    let posts = collector.posts();
    let events = posts.iter().flat_map(|post| serde_json::from_slice::<Vec<Value>>(&post.body).unwrap());
    let sent: Vec<u64> = events.map(|event| event["data"]["seq"].as_u64().unwrap()).collect();
    let all_others: Vec<u64> =
        sequences(&directory).into_iter().filter(|seq| refused["seq"] != *seq).collect();
    assert_eq!(sent, all_others, "each once, in order");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_run_goes_on_where_the_first_was_acknowledged_and_filters_hold() {
    let folder = Arc::new(tempfile::tempdir().unwrap());
    let key = generate_signing_key().unwrap().to_vec();
    let authority = Authority::new("sinks");
    let collector = Collector::start(&authority).await;
    let filter =
        Filter { fields: vec![(Field::Kind, vec![Pattern::Exact("config".into())])], ..Filter::default() };
    let hook = Target::Webhook { server: server(collector.port), path: "/".into() };
    let mut authority = Some(authority);
    for run in 0..2u32 {
        let trail = trail(&folder, &key, authority.take().unwrap());
        let config = SinkConfig { filter: filter.clone(), ..sink("hook", hook.clone()) };
        let sinks = Sinks::start(vec![config], &trail.around).unwrap();
        trail.record(Kind::Config, run * 10..run * 10 + 10).await;
        trail.record(Kind::Admin, 0..10).await;
        let around = trail.around.clone();
        let (writer, kept) = (trail.writer, trail.authority);
        tokio::task::spawn_blocking(move || {
            writer.close();
            sinks.stop();
        })
        .await
        .unwrap();
        drop(around);
        authority = Some(kept);
    }
    let posts = collector.posts();
    let events = posts.iter().flat_map(|post| serde_json::from_slice::<Vec<Value>>(&post.body).unwrap());
    let numbers: Vec<u64> = events.map(|event| event["data"]["number"].as_u64().unwrap()).collect();
    assert_eq!(numbers, (0..20).collect::<Vec<u64>>());
}

/// Reads frames of syslog until the sender or the limit ends it.
async fn frames(stream: &mut (impl tokio::io::AsyncRead + Unpin), most: usize) -> Vec<String> {
    let mut frames = Vec::new();
    while frames.len() < most {
        let mut length = 0usize;
        loop {
            match stream.read_u8().await {
                Ok(b' ') => break,
                Ok(digit) => length = length * 10 + usize::from(digit - b'0'),
                Err(_) => return frames,
            }
        }
        let mut frame = vec![0; length];
        if stream.read_exact(&mut frame).await.is_err() {
            return frames;
        }
        frames.push(String::from_utf8(frame).unwrap());
    }
    frames
}

#[tokio::test(flavor = "multi_thread")]
async fn syslog_over_tls_is_framed_and_what_a_broken_connection_took_is_sent_again() {
    let (trail, folder, _) = new_trail();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let target = Target::Syslog { server: server(listener.local_addr().unwrap().port()) };
    let acceptor = TlsAcceptor::from(trail.authority.server_config("localhost", Flaw::None));
    let sinks = Sinks::start(vec![sink("syslog", target)], &trail.around).unwrap();
    trail.record(Kind::Admin, 0..700).await;
    // The first connection breaks after some frames: the rest of what it was sent is lost with it.
    let (tcp, _) = soon("a connection", listener.accept()).await.unwrap();
    let mut tls = acceptor.accept(tcp).await.unwrap();
    let mut got = soon("frames", frames(&mut tls, 30)).await;
    drop(tls);
    let receiver = tokio::spawn(async move {
        let (tcp, _) = listener.accept().await.unwrap();
        let mut tls = acceptor.accept(tcp).await.unwrap();
        frames(&mut tls, usize::MAX).await
    });
    tokio::time::sleep(limits::SINK_RETRY).await;
    trail.record(Kind::Admin, 700..800).await;
    trail.close(sinks).await;
    got.extend(soon("the rest", receiver).await.unwrap());
    let mut seqs = Vec::new();
    for frame in &got {
        let (header, record) = frame.split_once(" - {").unwrap();
        assert!(header.starts_with("<110>1 20") && header.contains(" node-1 tidegate - "), "{header}");
        let record: Value = serde_json::from_str(&format!("{{{record}")).unwrap();
        seqs.push(record["seq"].as_u64().unwrap());
    }
    let unique: std::collections::BTreeSet<u64> = seqs.iter().copied().collect();
    assert_eq!(unique.into_iter().collect::<Vec<_>>(), sequences(&folder.path().join("audit")));
    // Everything was acknowledged by the goodbye: nothing would be sent again.
    let kept = std::fs::read_to_string(folder.path().join("audit/sink-syslog.cursor")).unwrap();
    assert_eq!(kept.trim(), seqs.last().unwrap().to_string());
}
