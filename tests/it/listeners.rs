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
