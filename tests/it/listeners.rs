//! Every way in keeps the same promises: behind a balancer, in front of an origin, on redirected connections.

use std::sync::Arc;

use tidegate::flow::{Destination, Scheme};
use tidegate::policy::{Action, Mode};
use tidegate::proxy::{ListenerKind, Redirection, Reverse, Routes};
use tidegate::tls::{Issuer, ListenerTls, ServerIdentity};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::harness::client::{connector, get, name, post};
use crate::harness::wire::Reader;
use crate::harness::{Client, Origin, PAN, Setup, World, messages, rule, soon};

fn believed(network: &str) -> Setup {
    Setup { proxy_protocol: Some(vec![network.parse().unwrap()]), ..Setup::default() }
}

fn v2(client: [u8; 4]) -> Vec<u8> {
    let addresses = [&client[..], &[192, 0, 2, 1, 0x30, 0x39, 1, 187], &[4, 0, 1, 9]].concat();
    [&b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0"[..], &[u8::try_from(addresses.len()).unwrap()], &addresses].concat()
}

#[tokio::test]
async fn a_believed_balancer_says_who_the_client_is() {
    let introductions: [(Vec<u8>, &str); 4] = [
        (b"PROXY TCP4 203.0.113.9 192.0.2.1 12345 8080\r\n".to_vec(), "203.0.113.9"),
        (b"PROXY TCP6 2001:db8::9 ::1 12345 8080\r\n".to_vec(), "2001:db8::9"),
        (v2([203, 0, 113, 7]), "203.0.113.7"),
        (b"PROXY UNKNOWN\r\n".to_vec(), "127.0.0.1"),
    ];
    for (introduction, client) in introductions {
        let rules = vec![tidegate::policy::RuleSpec {
            clients: vec!["203.0.113.9".into(), "203.0.113.7".into()],
            ..rule("told", &["payment.pan"], Action::Block)
        }];
        let world = World::start(Setup { rules, ..believed("127.0.0.0/8") }).await;
        let origin = Origin::agreeable(&world, "origin.test").await;
        let mut tcp = TcpStream::connect(world.proxy).await.unwrap();
        let authority = origin.authority();
        // In pieces, and the first request right behind it.
        let (first, rest) = introduction.split_at(7);
        tcp.write_all(first).await.unwrap();
        tokio::task::yield_now().await;
        let connect = format!("CONNECT {authority} HTTP/1.1\r\nHost: {authority}\r\n\r\n");
        tcp.write_all(&[rest, connect.as_bytes()].concat()).await.unwrap();
        let mut answer = [0; 39];
        soon("an answer to CONNECT", tcp.read_exact(&mut answer)).await.unwrap();
        let tls =
            soon("a handshake", connector(&world.issuer).connect(name("origin.test"), tcp)).await.unwrap();
        let mut client_side = Client { reader: Reader::new(tls) };
        let body = format!("{{\"card\":\"{PAN}\"}}");
        let status =
            client_side.exchange(post(&origin, "/", "application/json", body.as_bytes())).await.status;
        assert_eq!(status == 403, client.starts_with("203."), "{client}");
        let records = world.records().await;
        assert!(messages(&records).iter().all(|record| record["client"]["address"] == client), "{client}");
    }
}

#[tokio::test]
async fn nobody_else_may_speak_for_a_client_and_none_may_keep_silent() {
    let request = b"GET http://origin.test/ HTTP/1.1\r\nHost: origin.test\r\n\r\n";
    let said = b"PROXY TCP4 203.0.113.9 192.0.2.1 12345 8080\r\n";
    let cases: [(&str, Vec<u8>); 4] = [
        ("10.0.0.0/8", [&said[..], request].concat()),
        ("127.0.0.0/8", request.to_vec()),
        ("127.0.0.0/8", [&b"PROXY TCP4 203.0.113.9 192.0.2.1 12345\r\n"[..], request].concat()),
        ("127.0.0.0/8", [&b"\r\n\r\n\0\r\nQUIT\n\x31\x11\0\0"[..], request].concat()),
    ];
    for (network, bytes) in cases {
        let world = World::start(believed(network)).await;
        let mut tcp = TcpStream::connect(world.proxy).await.unwrap();
        let _ = tcp.write_all(&bytes).await;
        let mut answer = Vec::new();
        let _ = soon("the end", tcp.read_to_end(&mut answer)).await;
        assert_eq!(answer, b"", "{}", bytes.escape_ascii());
        let records = world.records().await;
        let [record] = messages(&records)[..] else { panic!("{records:#?}") };
        assert_eq!(
            record["bytes"]["uninspected"][0]["reason"].as_str().unwrap_or("proxy_protocol"),
            "proxy_protocol"
        );
        assert_eq!(record["action"], "block");
    }
    // Without the setting such a header is no request.
    let world = World::start(Setup::default()).await;
    let mut client = Client::direct(&world).await;
    client.send(said).await;
    assert_eq!(client.response().await.status, 400);
}

/// A header of version 2: command and family, and what follows the length.
fn header(command: u8, family: u8, body: &[u8]) -> Vec<u8> {
    let length = u16::try_from(body.len()).unwrap().to_be_bytes();
    [&b"\r\n\r\n\0\r\nQUIT\n"[..], &[command, family], &length, body].concat()
}

const FOUR: [u8; 12] = [203, 0, 113, 7, 192, 0, 2, 1, 0x30, 0x39, 1, 187];

/// The same client with these extensions.
fn with(extensions: &[u8]) -> Vec<u8> {
    header(0x21, 0x11, &[&FOUR[..], extensions].concat())
}

/// The checksum of such a header that has nothing else behind its addresses (RFC 3720, appendix B.4).
const SUM: u32 = 0x3028_c19a;

/// That header, with these bits of its checksum wrong.
fn summed(wrong: u32) -> Vec<u8> {
    with(&[&[3, 0, 4][..], &(SUM ^ wrong).to_be_bytes()].concat())
}

#[tokio::test]
async fn what_a_balancer_says_is_taken_as_specified() {
    let six = [&[0x20, 1, 0xd, 0xb8][..], &[0; 11], &[9], &[0; 16], &[0x30, 0x39, 1, 187]].concat();
    let longest = format!("PROXY UNKNOWN {}\r\n", "f".repeat(91));
    let taken: Vec<(&str, Vec<u8>, &str)> = vec![
        ("TCP4", b"PROXY TCP4 203.0.113.9 192.0.2.1 12345 8080\r\n".into(), "203.0.113.9"),
        (
            "TCP4, the highest",
            b"PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n".into(),
            "255.255.255.255",
        ),
        ("TCP6", b"PROXY TCP6 2001:db8::9 ::1 0 8080\r\n".into(), "2001:db8::9"),
        ("TCP6 of an address of IPv4", b"PROXY TCP6 ::ffff:203.0.113.9 ::1 1 2\r\n".into(), "203.0.113.9"),
        ("UNKNOWN", b"PROXY UNKNOWN\r\n".into(), "127.0.0.1"),
        ("UNKNOWN with addresses", b"PROXY UNKNOWN ffff::1 ffff::2 65535 65535\r\n".into(), "127.0.0.1"),
        ("UNKNOWN, the longest line", longest.into(), "127.0.0.1"),
        ("2, TCP4", with(&[]), "203.0.113.7"),
        ("2, TCP6", header(0x21, 0x21, &six), "2001:db8::9"),
        ("2, LOCAL", header(0x20, 0, &[]), "127.0.0.1"),
        ("2, LOCAL with addresses", header(0x20, 0x11, &FOUR), "127.0.0.1"),
        ("2, LOCAL with what is none", header(0x20, 0x11, b"\x03\0"), "127.0.0.1"),
        ("2, extensions", with(&[4, 0, 1, 9, 0xea, 0, 2, 1, 2, 4, 0, 0]), "203.0.113.7"),
        ("2, a checksum", summed(0), "203.0.113.7"),
    ];
    let world = World::start(believed("127.0.0.0/8")).await;
    let origin =
        Origin::cleartext("origin.test", |conn| conn.serve(|_| crate::harness::origin::ok("{}"))).await;
    let authority = origin.authority();
    let path = |number: usize| format!("/{}", "x".repeat(number + 1));
    for (number, (what, said, _)) in taken.iter().enumerate() {
        let path = path(number);
        let request = format!("GET http://{authority}{path} HTTP/1.1\r\nHost: {authority}\r\n\r\n");
        let mut client = Client::direct(&world).await;
        assert_eq!(client.exchange([said, request.as_bytes()].concat()).await.status, 200, "{what}");
    }
    let records = world.records().await;
    for (number, (what, _, expected)) in taken.iter().enumerate() {
        let path = path(number);
        let own = records.iter().filter(|record| record["http"]["path_template"] == path);
        let clients: Vec<_> = own.map(|record| record["client"]["address"].as_str().unwrap()).collect();
        assert!(clients.len() == 2 && clients.iter().all(|client| client == expected), "{what}: {clients:?}");
    }
}

/// What no balancer may say, and why.
fn refused() -> Vec<(&'static str, Vec<u8>, &'static str)> {
    let malformed = "PROXY header of version 1 is malformed";
    let (short, kind) =
        ("PROXY header is shorter than its addresses", "PROXY header speaks of no TCP connection");
    let (none, half) =
        ("connection does not begin with a PROXY header", "connection ended within its PROXY header");
    let (extended, sum) = (
        "PROXY header has extensions that do not end with it",
        "PROXY header has a checksum that is not its own",
    );
    vec![
        ("another word", b"PROXY TCP5 203.0.113.9 192.0.2.1 1 2\r\n".into(), malformed),
        ("UDP4", b"PROXY UDP4 203.0.113.9 192.0.2.1 1 2\r\n".into(), malformed),
        ("TCP4 of IPv6", b"PROXY TCP4 ::1 ::1 1 2\r\n".into(), malformed),
        ("TCP6 of IPv4", b"PROXY TCP6 203.0.113.9 192.0.2.1 1 2\r\n".into(), malformed),
        ("a name", b"PROXY TCP4 localhost 192.0.2.1 1 2\r\n".into(), malformed),
        ("an address with zeros", b"PROXY TCP4 203.000.113.009 192.0.2.1 1 2\r\n".into(), malformed),
        ("a port too high", b"PROXY TCP4 203.0.113.9 192.0.2.1 65536 2\r\n".into(), malformed),
        ("a port with a zero", b"PROXY TCP4 203.0.113.9 192.0.2.1 01 2\r\n".into(), malformed),
        ("two spaces", b"PROXY  TCP4 203.0.113.9 192.0.2.1 1 2\r\n".into(), malformed),
        ("one word too many", b"PROXY TCP4 203.0.113.9 192.0.2.1 1 2 3\r\n".into(), malformed),
        ("one too few", b"PROXY TCP4 203.0.113.9 192.0.2.1 1\r\n".into(), malformed),
        ("a line without an end", [&b"PROXY TCP4 "[..], &[b'1'; 120]].concat(), malformed),
        (
            "a bare line end",
            [&b"PROXY TCP4 203.0.113.9 192.0.2.1 1 2\n"[..], &[b'x'; 90]].concat(),
            malformed,
        ),
        ("lower case", b"proxy tcp4 203.0.113.9 192.0.2.1 1 2\r\n".into(), none),
        ("garbage", b"\x16\x03\x01\0\x05hello".into(), none),
        ("half a line", b"PROXY TCP4 203.0.113.9".into(), half),
        ("2, half a signature", b"\r\n\r\n\0\r\nQU".into(), half),
        ("2, half of the addresses", with(&[])[..20].into(), half),
        ("2, another version", header(0x31, 0x11, &FOUR), "PROXY header is of an unknown version"),
        ("2, another command", header(0x22, 0x11, &FOUR), "PROXY header has an unknown command"),
        ("2, UNSPEC", header(0x21, 0, &[]), kind),
        ("2, UNSPEC with addresses", header(0x21, 0, &FOUR), kind),
        ("2, UDP4", header(0x21, 0x12, &FOUR), kind),
        ("2, UNIX", header(0x21, 0x31, &[0; 216]), kind),
        ("2, another family", header(0x21, 0x41, &FOUR), kind),
        ("2, addresses too short", header(0x21, 0x11, &FOUR[..11]), short),
        ("2, TCP6 of IPv4", header(0x21, 0x21, &FOUR), short),
        ("2, too long", header(0x21, 0x11, &[0; 5000]), "PROXY header is too long"),
        ("2, half an extension", with(&[4, 0]), extended),
        ("2, an extension past the end", with(&[4, 0, 9, 1]), extended),
        ("2, a wrong checksum", summed(1), sum),
        ("2, half a checksum", with(&[3, 0, 2, 0, 0]), sum),
        ("2, two checksums", with(&[&[3, 0, 4][..], &[0; 4], &[3, 0, 4], &[0; 4]].concat()), sum),
    ]
}

#[tokio::test]
async fn what_no_balancer_says_is_refused_with_its_reason() {
    let refused = refused();
    let world = World::start(believed("127.0.0.0/8")).await;
    for (what, said, _) in &refused {
        let mut tcp = TcpStream::connect(world.proxy).await.unwrap();
        // Refused, it may be closed before all was sent.
        let _ = tcp.write_all(said).await;
        let _ = tcp.shutdown().await;
        let mut answer = Vec::new();
        let _ = soon("the end", tcp.read_to_end(&mut answer)).await;
        assert_eq!(answer, b"", "{what}");
    }
    let records = world.records().await;
    let told: Vec<_> = messages(&records)
        .into_iter()
        .map(|record| (record["reason"].as_str().unwrap(), record["client"]["address"].as_str().unwrap()))
        .collect();
    let expected: Vec<_> = refused.iter().map(|(_, _, why)| (*why, "127.0.0.1")).collect();
    assert_eq!(told, expected);
}

fn reverse(origin: &Origin, scheme: Scheme) -> ListenerKind {
    let to = Destination { scheme, host: origin.name.parse().unwrap(), port: origin.address.port() };
    let routes = Routes { fixed: None, hosts: vec![("shop.test".parse().unwrap(), to)] };
    ListenerKind::Reverse(Arc::new(Reverse { routes }))
}

#[tokio::test]
async fn a_reverse_listener_stands_for_its_origin_and_inspects_both_ways() {
    let origin = Origin::cleartext("origin.test", |conn| {
        conn.serve(|request| {
            crate::harness::origin::ok(if request.head.line.contains("leak") { PAN } else { "{}" })
        })
    })
    .await;
    let world = World::start(Setup { kind: reverse(&origin, Scheme::Http), ..Setup::default() }).await;
    let mut client = Client::direct(&world).await;
    let request = |path: &str| format!("GET {path} HTTP/1.1\r\nHost: shop.test\r\n\r\n");
    assert_eq!(client.exchange(request("/a")).await.status, 200);
    assert!(
        origin.received_text().contains(&format!("Host: {}\r\n", origin.authority()))
            || origin.received_text().contains(&format!("host: {}\r\n", origin.authority())),
        "{}",
        origin.received_text()
    );
    assert_eq!(client.exchange(request("/leak")).await.status, 403);
    let mut client = Client::direct(&world).await;
    let body = format!("card={PAN}");
    let sent = format!("POST / HTTP/1.1\r\nHost: shop.test\r\nContent-Length: {}\r\n\r\n{body}", body.len());
    assert_eq!(client.exchange(sent).await.status, 403);
    let mut client = Client::direct(&world).await;
    assert_eq!(client.exchange(request("/").replace("shop.test", "other.test")).await.status, 421);
    let mut client = Client::direct(&world).await;
    assert_eq!(
        client.exchange("CONNECT shop.test:443 HTTP/1.1\r\nHost: shop.test\r\n\r\n").await.status,
        400
    );
    assert!(!origin.received_text().contains(PAN));
}

#[tokio::test]
async fn a_reverse_listener_shows_its_own_certificate_and_verifies_its_upstream() {
    let (certificate, key) = Issuer::generate("shop.test").unwrap();
    let own = ServerIdentity::from_pem(&certificate, &key).unwrap();
    // The origin is made by a world whose gate does not trust it: the certificate decides, not the route.
    let stranger = World::start(Setup::default()).await;
    let origin = Origin::agreeable(&stranger, "origin.test").await;
    let kind = reverse(&origin, Scheme::Https);
    let tls = Some(ListenerTls::new(own, vec![]));
    let world = World::start(Setup { kind, tls, mode: Mode::Enforce, ..Setup::default() }).await;
    let mut client = Client::direct(&world).await;
    let plain = client.exchange(get(&origin, "/")).await;
    assert_eq!(plain.status, 400);
    assert!(plain.json()["detail"].as_str().unwrap().contains("HTTPS"));
    let tcp = TcpStream::connect(world.proxy).await.unwrap();
    let tls = soon("a handshake", accepting().connect(name("shop.test"), tcp)).await.unwrap();
    assert_eq!(tls.get_ref().1.peer_certificates().unwrap()[0].as_ref().len(), der_length(&certificate));
    let mut client = Client { reader: Reader::new(tls) };
    let refused = client.exchange("GET / HTTP/1.1\r\nHost: shop.test\r\n\r\n").await;
    assert_eq!(refused.status, 502);
    assert!(refused.json()["detail"].as_str().unwrap().contains("certificate"), "{refused:?}");
}

fn der_length(pem: &str) -> usize {
    use tokio_rustls::rustls::pki_types::{CertificateDer, pem::PemObject};
    CertificateDer::from_pem_slice(pem.as_bytes()).unwrap().len()
}

/// A client that takes any certificate: which one it was is looked at afterwards.
fn accepting() -> tokio_rustls::TlsConnector {
    use tokio_rustls::rustls;
    use tokio_rustls::rustls::client::danger::{
        HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier,
    };
    use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName, UnixTime};
    #[derive(Debug)]
    struct Any;
    impl ServerCertVerifier for Any {
        fn verify_server_cert(
            &self,
            _: &CertificateDer<'_>,
            _: &[CertificateDer<'_>],
            _: &ServerName<'_>,
            _: &[u8],
            _: UnixTime,
        ) -> Result<ServerCertVerified, rustls::Error> {
            Ok(ServerCertVerified::assertion())
        }
        fn verify_tls12_signature(
            &self,
            _: &[u8],
            _: &CertificateDer<'_>,
            _: &rustls::DigitallySignedStruct,
        ) -> Result<HandshakeSignatureValid, rustls::Error> {
            Ok(HandshakeSignatureValid::assertion())
        }
        fn verify_tls13_signature(
            &self,
            _: &[u8],
            _: &CertificateDer<'_>,
            _: &rustls::DigitallySignedStruct,
        ) -> Result<HandshakeSignatureValid, rustls::Error> {
            Ok(HandshakeSignatureValid::assertion())
        }
        fn supported_verify_schemes(&self) -> Vec<rustls::SignatureScheme> {
            rustls::crypto::ring::default_provider().signature_verification_algorithms.supported_schemes()
        }
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Any))
        .with_no_client_auth();
    tokio_rustls::TlsConnector::from(Arc::new(config))
}

#[tokio::test]
async fn a_transparent_listener_takes_only_what_was_redirected() {
    let kind = ListenerKind::Transparent(Redirection::Nat);
    let world = World::start(Setup { kind, ..Setup::default() }).await;
    let mut tcp = TcpStream::connect(world.proxy).await.unwrap();
    let _ = tcp.write_all(b"GET / HTTP/1.1\r\nHost: origin.test\r\n\r\n").await;
    let mut answer = Vec::new();
    let _ = soon("the end", tcp.read_to_end(&mut answer)).await;
    assert_eq!(answer, b"");
    let records = world.records().await;
    let [record] = messages(&records)[..] else { panic!("{records:#?}") };
    assert!(record["reason"].as_str().unwrap().contains("firewall redirects"), "{record}");
}
