//! The same body meets the same decision, and is counted the same, whatever way it comes and whatever it is spoken in.

use std::collections::BTreeSet;
use std::process::{Command, Stdio};
use std::sync::Arc;

use bytes::Bytes;
use http::Request;
use serde_json::{Value, json};
use tidegate::audit::base64;
use tidegate::flow::{Destination, Direction, Scheme};
use tidegate::policy::{Action, RuleSpec};
use tidegate::proxy::{ListenerKind, Redirection, Reverse, Routes};
use tidegate::tls::{ListenerTls, ServerIdentity};
use tokio::net::TcpStream;

use crate::every_way;
use crate::harness::client::{connector, connector_offering, name};
use crate::harness::h2::{Exchange, answer};
use crate::harness::origin::{Conn, ok};
use crate::harness::socket::{self, Heard};
use crate::harness::wire::{Io, Reader};
use crate::harness::{Client, H2Client, H2Origin, Origin, PAN, SSN, Setup, World, messages, rule, soon};

/// Puts what the gate sends apart from what is redirected to it.
const MARK: u32 = 77;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    TlsInTunnel,
    PlainInTunnel,
    Absolute,
    RedirectedTls,
    RedirectedPlain,
    ReverseTls,
    ReversePlain,
    /// TLS with the client, none with the origin.
    ReverseEnds,
}

pub const HERE: [Way; 6] = [
    Way::TlsInTunnel,
    Way::PlainInTunnel,
    Way::Absolute,
    Way::ReverseTls,
    Way::ReversePlain,
    Way::ReverseEnds,
];
pub const REDIRECTED: [Way; 2] = [Way::RedirectedTls, Way::RedirectedPlain];

impl Way {
    fn is_redirected(self) -> bool {
        REDIRECTED.contains(&self)
    }

    fn is_reverse(self) -> bool {
        matches!(self, Way::ReverseTls | Way::ReversePlain | Way::ReverseEnds)
    }

    /// Whether a client may speak this to the gate: an explicit proxy is asked in HTTP/1.
    pub fn takes(self, speaks: Speaks) -> bool {
        self != Way::Absolute || speaks == Speaks::Http1
    }

    /// Whether the client, and the origin, speak TLS.
    pub fn tls(self) -> (bool, bool) {
        match self {
            Way::TlsInTunnel | Way::RedirectedTls | Way::ReverseTls => (true, true),
            Way::PlainInTunnel | Way::Absolute | Way::RedirectedPlain | Way::ReversePlain => (false, false),
            Way::ReverseEnds => (true, false),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Speaks {
    Http1,
    Http2,
}

const BOTH: [Speaks; 2] = [Speaks::Http1, Speaks::Http2];

/// What is carried, and what must come of it: action, status, and of each identifier how many distinct, forwarded and
/// withheld.
struct Case {
    what: &'static str,
    body: String,
    action: &'static str,
    status: u16,
    findings: Value,
}

fn cases() -> [Case; 8] {
    let emails: Vec<String> =
        ["ann", "bob", "cho", "dee", "eva"].map(|name| format!("{name}.smith@clients.dev")).into();
    let case = |what, body: String, action, status, findings| Case { what, body, action, status, findings };
    let bare = PAN.replace(' ', "");
    let blocked = |what, body: String, found: Value| case(what, body, "block", 403, found);
    let card = json!([["payment.pan", 1, 0, 1]]);
    let beside = json!([["payment.pan", 1, 0, 1], ["contact.email", 1, 0, 1]]);
    let escaped: String = PAN.chars().map(|c| format!("\\u{:04x}", u32::from(c))).collect();
    let packed = base64(&every_way::gzip(&format!("card {PAN}")));
    let text = |value: Value| value.to_string();
    [
        case("clean", text(json!({"note": "two boxes, no hurry"})), "allow", 200, json!([])),
        blocked("card", text(json!({"card": PAN})), card.clone()),
        blocked("number", format!("{{\"card\":{bare}}}"), card.clone()),
        blocked("escaped", format!("{{\"card\":\"{escaped}\"}}"), card.clone()),
        blocked("packed", text(json!({"file": packed})), card),
        blocked("address", text(json!({"card": format!("{bare}@clients.dev")})), beside),
        case("ssn", text(json!({"ssn": SSN})), "redact", 200, json!([["national-id.us-ssn", 1, 0, 1]])),
        case("emails", text(json!({"to": emails})), "alert", 200, json!([["contact.email", 5, 5, 0]])),
    ]
}

fn rules() -> Vec<RuleSpec> {
    vec![
        rule("cards", &["payment.pan"], Action::Block),
        rule("numbers", &["national-id.us-ssn"], Action::Redact),
        RuleSpec { at_least: 5, ..rule("lists", &["contact.email"], Action::Alert) },
    ]
}

/// Two origins in one: which of them is there is chosen by what it speaks.
pub enum Either {
    Http1(Origin),
    Http2(H2Origin),
}

/// What an origin answers to `/response/CASE`.
fn answered(path: &str) -> String {
    let wanted = path.strip_prefix("/response/");
    cases().into_iter().find(|case| Some(case.what) == wanted).map_or("{}".to_owned(), |case| case.body)
}

impl Either {
    pub async fn start(world: &World, tls: bool, speaks: Speaks) -> Either {
        let http1 = |mut conn: Conn| async move {
            while let Some(request) = conn.request().await {
                if request.head.field("upgrade").is_some() {
                    let socket = socket::agree(conn, &request.head, "").await;
                    return socket::say_again(socket, &Heard::default()).await;
                }
                let path = request.head.line.split(' ').nth(1).unwrap();
                if path.starts_with(every_way::PREFIX) {
                    if every_way::http1(&mut conn, &request).await {
                        continue;
                    }
                    return;
                }
                conn.send(ok(&answered(path))).await;
            }
        };
        let http2 = |mut exchange: Exchange| async move {
            if exchange.request.method() == http::Method::CONNECT {
                return socket::say_again(socket::agree_over(exchange), &Heard::default()).await;
            }
            if exchange.request.uri().path().starts_with(every_way::PREFIX) {
                return every_way::http2(&mut exchange).await;
            }
            exchange.read().await;
            let path = exchange.request.uri().path().to_owned();
            exchange.reply(200, answered(&path).as_bytes());
        };
        match speaks {
            Speaks::Http1 if tls => Either::Http1(Origin::start(world, "origin.test", http1).await),
            Speaks::Http1 => Either::Http1(Origin::cleartext("origin.test", http1).await),
            Speaks::Http2 => {
                let mut settings = h2::server::Builder::new();
                settings.enable_connect_protocol();
                Either::Http2(H2Origin::built(tls.then_some(world), "origin.test", settings, http2).await)
            }
        }
    }

    pub fn port(&self) -> u16 {
        match self {
            Either::Http1(origin) => origin.address.port(),
            Either::Http2(origin) => origin.address.port(),
        }
    }

    /// Whether a text reached it, in a body.
    pub fn has_seen(&self, text: &str) -> bool {
        match self {
            Either::Http1(origin) => origin.received_text().contains(text),
            Either::Http2(origin) => {
                origin.got().iter().any(|got| String::from_utf8_lossy(&got.body).contains(text))
            }
        }
    }
}

/// A world for one way in, and the origin behind it.
pub async fn world(way: Way, origin_speaks: Speaks) -> (World, Either) {
    world_before(way, async |world: &World| Either::start(world, way.tls().1, origin_speaks).await).await
}

/// A world before an origin of one's own.
pub async fn world_before(way: Way, origin: impl AsyncFnOnce(&World) -> Either) -> (World, Either) {
    world_set(way, Setup { rules: rules(), ..Setup::default() }, origin).await
}

/// The same, with a setup of one's own.
pub async fn world_set(
    way: Way,
    setup: Setup,
    origin: impl AsyncFnOnce(&World) -> Either,
) -> (World, Either) {
    // Origins are made before the gate that leads to them: a reverse listener names theirs.
    let authority_of = World::start(Setup::default()).await;
    let origin = origin(&authority_of).await;
    let scheme = if way.tls().1 { Scheme::Https } else { Scheme::Http };
    let to = Destination { scheme, host: "origin.test".parse().unwrap(), port: origin.port() };
    let kind = match way {
        Way::TlsInTunnel | Way::PlainInTunnel | Way::Absolute => ListenerKind::Explicit,
        Way::RedirectedTls | Way::RedirectedPlain => ListenerKind::Transparent(Redirection::Nat),
        Way::ReverseTls | Way::ReversePlain | Way::ReverseEnds => {
            ListenerKind::Reverse(Arc::new(Reverse { routes: Routes { fixed: Some(to), hosts: vec![] } }))
        }
    };
    let tls = (matches!(kind, ListenerKind::Reverse(_)) && way.tls().0).then(|| {
        let (chain, key) = authority_of.authority.serve("origin.test");
        ListenerTls::new(ServerIdentity::from_pem(&chain, &key).unwrap(), vec![])
    });
    let mark = way.is_redirected().then_some(MARK);
    let authority = Some(Arc::clone(&authority_of.authority));
    let world = World::start(Setup { kind, tls, mark, authority, ..setup }).await;
    if way.is_redirected() {
        redirect(origin.port(), world.proxy.port());
    }
    (world, origin)
}

/// The firewall's part, in a namespace of the test's own. The newest rule comes first: a port may have been another world's.
fn redirect(from: u16, to: u16) {
    let rules = format!(
        "table ip ways {{\nchain out {{\ntype nat hook output priority -100\n}}\n}}\n\
         insert rule ip ways out tcp dport {from} meta mark != {MARK} redirect to :{to}"
    );
    let done = Command::new("nft").arg(rules).stderr(Stdio::inherit()).status().unwrap();
    assert!(done.success(), "nft");
}

/// A connection on which requests may be sent.
pub enum Sender {
    Http1(Client),
    Http2(H2Client),
}

/// The connection that a way begins with, without a byte of TLS in it.
pub async fn carrier(world: &World, origin: &Either, way: Way) -> Box<dyn Io> {
    Box::new(match way {
        Way::TlsInTunnel | Way::PlainInTunnel => {
            Client::connect(world, &format!("origin.test:{}", origin.port())).await
        }
        Way::RedirectedTls | Way::RedirectedPlain => {
            TcpStream::connect(("127.0.0.1", origin.port())).await.unwrap()
        }
        Way::Absolute | Way::ReverseTls | Way::ReversePlain | Way::ReverseEnds => {
            TcpStream::connect(world.proxy).await.unwrap()
        }
    })
}

/// The same behind its handshake, if it has one.
pub async fn secured(world: &World, origin: &Either, way: Way, speaks: Speaks) -> Box<dyn Io> {
    let tcp = carrier(world, origin, way).await;
    if !way.tls().0 {
        return tcp;
    }
    // A reverse listener shows the origin's own kind of certificate.
    let trusted = if way.is_reverse() { world.authority.pem() } else { world.issuer.clone() };
    let tls = match speaks {
        Speaks::Http1 => connector(&trusted),
        Speaks::Http2 => connector_offering(&trusted, &["h2", "http/1.1"]),
    };
    let tls = soon("a handshake", tls.connect(name("origin.test"), tcp)).await.unwrap();
    if speaks == Speaks::Http2 {
        assert_eq!(tls.get_ref().1.alpn_protocol(), Some(&b"h2"[..]), "{way:?}");
    }
    Box::new(tls)
}

pub async fn connected(world: &World, origin: &Either, way: Way, speaks: Speaks) -> Sender {
    let io = secured(world, origin, way, speaks).await;
    match speaks {
        Speaks::Http1 => Sender::Http1(Client { reader: Reader::new(io) }),
        Speaks::Http2 => Sender::Http2(H2Client::over(io).await),
    }
}

/// Sends one request, and answers with the status and the body of its response.
pub async fn exchange(
    sender: &mut Sender,
    way: Way,
    origin: &Either,
    path: &str,
    body: &str,
) -> (u16, String) {
    let authority = format!("origin.test:{}", origin.port());
    let scheme = if way.tls().0 { "https" } else { "http" };
    match sender {
        Sender::Http1(client) => {
            let target =
                if way == Way::Absolute { format!("http://{authority}{path}") } else { path.to_owned() };
            let length = body.len();
            let request = format!(
                "POST {target} HTTP/1.1\r\nHost: {authority}\r\nContent-Type: application/json\r\n\
                 Content-Length: {length}\r\n\r\n{body}"
            );
            let response = client.exchange(request).await;
            (response.status, String::from_utf8_lossy(&response.body.bytes).into_owned())
        }
        Sender::Http2(client) => {
            let request = Request::post(format!("{scheme}://{authority}{path}"))
                .header("content-type", "application/json");
            let mut sender = soon("room for a stream", client.sender.clone().ready()).await.unwrap();
            let (response, mut stream) = sender.send_request(request.body(()).unwrap(), false).unwrap();
            stream.send_data(Bytes::copy_from_slice(body.as_bytes()), true).unwrap();
            let answer = answer(response).await;
            (answer.status, String::from_utf8_lossy(&answer.body).into_owned())
        }
    }
}

/// What a record says that must be the same everywhere.
pub fn said(record: &Value) -> Value {
    let findings: Vec<Value> = record["findings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|f| json!([f["identifier"], f["distinct"], f["forwarded"], f["withheld"]]))
        .collect();
    json!({"action": record["action"], "findings": findings})
}

/// Carries every case both ways, and compares.
async fn keeps(way: Way, client_speaks: Speaks, origin_speaks: Speaks) {
    let title = format!("{way:?}, client {client_speaks:?}, origin {origin_speaks:?}");
    let (world, origin) = world(way, origin_speaks).await;
    for direction in [Direction::Request, Direction::Response] {
        for case in cases() {
            let (path, body) = (format!("/{}/{}", direction.as_str(), case.what), case.body.as_str());
            let sent = if direction == Direction::Request { body } else { "{}" };
            // A refusal may end a connection.
            let mut sender = connected(&world, &origin, way, client_speaks).await;
            let (status, got) = exchange(&mut sender, way, &origin, &path, sent).await;
            assert_eq!(status, case.status, "{title}: {path}: {got}");
            if direction == Direction::Response && case.action != "block" {
                assert_eq!(got == body, case.action != "redact", "{title}: {path}: {got}");
            }
            assert!(!got.contains(PAN) && !got.contains(SSN), "{title}: {path}");
        }
    }
    for value in [PAN, SSN] {
        assert!(!origin.has_seen(value), "{title}");
    }
    let records = world.records().await;
    let records = messages(&records);
    let protocol = match client_speaks {
        Speaks::Http1 => "HTTP/1.1",
        Speaks::Http2 => "HTTP/2",
    };
    for direction in ["request", "response"] {
        for case in cases() {
            let path = format!("/{direction}/{}", case.what);
            let [record] = records
                .iter()
                .filter(|r| r["direction"] == direction && r["http"]["path_template"] == path)
                .collect::<Vec<_>>()[..]
            else {
                panic!("{title}: {path}: {records:#?}")
            };
            let expected = json!({"action": case.action, "findings": case.findings});
            assert_eq!(said(record), expected, "{title}: {path}: {record:#}");
            assert_eq!(record["protocol"]["http"], protocol, "{title}");
            assert_eq!(record["protocol"]["tls_client"].is_string(), way.tls().0, "{title}: {record:#}");
        }
    }
}

/// All pairs of protocols that can meet on a way: a client of an explicit proxy asks in HTTP/1, and in a tunnel or on
/// a redirected connection the gate offers what the origin chose.
pub fn meetings(way: Way) -> Vec<(Speaks, Speaks)> {
    let all = BOTH.into_iter().flat_map(|client| BOTH.map(|origin| (client, origin)));
    all.filter(|(client, origin)| match way {
        Way::Absolute => (*client, *origin) == (Speaks::Http1, Speaks::Http1),
        // Who speaks HTTP/1 in clear text is not asked to speak anything else.
        Way::PlainInTunnel | Way::RedirectedPlain | Way::ReversePlain | Way::ReverseEnds => {
            (*client, *origin) != (Speaks::Http1, Speaks::Http2)
        }
        Way::TlsInTunnel | Way::RedirectedTls => (*client, *origin) != (Speaks::Http2, Speaks::Http1),
        Way::ReverseTls => true,
    })
    .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_body_meets_the_same_decision_on_every_way_and_in_every_protocol() {
    let mut met = BTreeSet::new();
    for way in HERE {
        for (client, origin) in meetings(way) {
            keeps(way, client, origin).await;
            met.insert(format!("{way:?} {client:?} {origin:?}"));
        }
    }
    assert_eq!(met.len(), 17, "{met:?}");
}

/// Runs a test that is ignored otherwise in a network namespace of its own, where connections may be redirected.
pub fn in_namespace(test: &str) {
    let this = std::env::current_exe().unwrap();
    let inside = "ip link set lo up && exec \"$0\" --exact \"$1\" --ignored --nocapture";
    let tried =
        Command::new("unshare").args(["-rn", "sh", "-c", "ip link set lo up && nft list ruleset"]).output();
    if !tried.is_ok_and(|tried| tried.status.success()) {
        eprintln!(
            "!!!!!!!! SKIPPED: {test}: redirected connections: no network namespace with nftables here !!!!!!!!"
        );
        return;
    }
    let done =
        Command::new("unshare").args(["-rn", "sh", "-c", inside]).arg(&this).arg(test).output().unwrap();
    let text = [done.stdout, done.stderr].map(|text| String::from_utf8_lossy(&text).into_owned()).concat();
    assert!(done.status.success() && text.contains("1 passed"), "{text}");
}

#[test]
fn the_same_body_meets_the_same_decision_on_redirected_connections() {
    in_namespace("ways::in_a_namespace");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs a network namespace of its own: run by the test above"]
async fn in_a_namespace() {
    for way in REDIRECTED {
        for (client, origin) in meetings(way) {
            keeps(way, client, origin).await;
            crate::websocket_ways::comes(way, client, origin).await;
            every_way::holds(way, client, origin).await;
        }
        every_way::refuses(way).await;
        if meetings(way).contains(&(Speaks::Http2, Speaks::Http2)) {
            crate::grpc_ways::calls(way).await;
        }
    }
}
