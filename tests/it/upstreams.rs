//! Upstreams may be reached in ways of their own: other trust, an own certificate, a parent proxy.

use std::net::Ipv4Addr;
use std::path::Path;
use std::sync::{Arc, Mutex};

use tidegate::policy::{Action, Hosts, RuleSpec};
use tidegate::proxy::{DestinationConfig, Parent};
use tidegate::tls::{ClientIdentity, MinTls, RootSource, Trust, UpstreamTls};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::{RootCertStore, crypto};

use crate::harness::client::{connector, get, name, post};
use crate::harness::pki::Flaw;
use crate::harness::wire::Reader;
use crate::harness::{Authority, Client, Origin, PAN, Setup, World, messages, rule, soon};

fn hosts(words: &[&str]) -> Hosts {
    Hosts::compile(&words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>(), &[]).unwrap()
}

fn destination(trust: Trust<'_>, ordinary: bool) -> DestinationConfig {
    DestinationConfig {
        hosts: hosts(&["origin.test"]),
        tls: Arc::new(UpstreamTls::with(trust).unwrap()),
        ordinary,
        source_address: None,
    }
}

fn roots(folder: &Path) -> Vec<RootSource> {
    vec![RootSource::Pem(folder.join("roots.pem"))]
}

async fn status(world: &World, origin: &Origin) -> (u16, String) {
    let mut client = Client::tunnel(world, origin).await;
    let response = client.exchange(get(origin, "/")).await;
    let detail = if response.status == 200 { String::new() } else { response.json()["detail"].to_string() };
    (response.status, detail)
}

/// Origins whose TLS is of one version alone.
async fn speaking(
    world: &World,
    name: &'static str,
    version: &'static tokio_rustls::rustls::SupportedProtocolVersion,
) -> Origin {
    let config = world.authority.server_config_with(name, Flaw::None, &[version], None);
    Origin::with(name, config).await
}

#[tokio::test]
async fn a_least_version_holds_for_the_destinations_it_is_given_for() {
    use tokio_rustls::rustls::version::{TLS12, TLS13};
    let strict = |folder: &Path, _: &Authority| {
        let roots = roots(folder);
        destination(Trust { roots: &roots, min_tls: MinTls::Tls13, identity: None, crls: &[] }, true)
    };
    let world = World::start(Setup { upstreams: vec![strict], ..Setup::default() }).await;
    let old = speaking(&world, "origin.test", &TLS12).await;
    let (code, detail) = status(&world, &old).await;
    assert_eq!(code, 502);
    assert!(detail.contains("no TLS version that is allowed"), "{detail}");
    let new = speaking(&world, "origin.test", &TLS13).await;
    assert_eq!(status(&world, &new).await.0, 200);
    let other = speaking(&world, "other.test", &TLS12).await;
    assert_eq!(status(&world, &other).await.0, 200);
}

#[tokio::test]
async fn own_roots_are_believed_for_their_hosts_and_prove_no_name() {
    let own = |folder: &Path, _: &Authority| {
        let stranger = Authority::new("their own roots");
        std::fs::write(folder.join("own.pem"), stranger.pem()).unwrap();
        *OWN.lock().unwrap() = Some(stranger);
        let roots = [RootSource::Pem(folder.join("own.pem"))];
        destination(Trust { roots: &roots, min_tls: MinTls::Tls12, identity: None, crls: &[] }, false)
    };
    static OWN: Mutex<Option<Authority>> = Mutex::new(None);
    let exempt = RuleSpec {
        except_destinations: vec!["origin.test".into()],
        ..rule("pan", &["payment.pan"], Action::Block)
    };
    let world = World::start(Setup { upstreams: vec![own], rules: vec![exempt], ..Setup::default() }).await;
    let stranger = OWN.lock().unwrap().take().unwrap();
    let theirs = |name| stranger.server_config(name, Flaw::None);
    let origin = Origin::with("origin.test", theirs("origin.test")).await;
    assert_eq!(status(&world, &origin).await.0, 200);
    let mut client = Client::tunnel(&world, &origin).await;
    let sent = client.exchange(post(&origin, "/", "text/plain", PAN.as_bytes())).await;
    assert_eq!(sent.status, 403, "an exception needs a name that is proven");
    let elsewhere = Origin::with("other.test", theirs("other.test")).await;
    let (code, detail) = status(&world, &elsewhere).await;
    assert_eq!(code, 502);
    assert!(detail.contains("does not trust"), "{detail}");
}

#[tokio::test]
async fn an_upstream_that_asks_who_we_are_is_shown_our_certificate() {
    let with = |folder: &Path, authority: &Authority| {
        let (certificate, key) = authority.issue("gate.test");
        let identity = Some(ClientIdentity::from_pem(&certificate, &key).unwrap());
        let roots = roots(folder);
        destination(Trust { roots: &roots, min_tls: MinTls::Tls12, identity, crls: &[] }, true)
    };
    for (upstreams, expected) in
        [(vec![with as fn(&Path, &Authority) -> DestinationConfig], 200), (vec![], 502)]
    {
        let world = World::start(Setup { upstreams, ..Setup::default() }).await;
        let mut trusted = RootCertStore::empty();
        trusted.add(world.authority.der()).unwrap();
        let provider = Arc::new(crypto::ring::default_provider());
        let asks = WebPkiClientVerifier::builder_with_provider(Arc::new(trusted), provider).build().unwrap();
        let all = tokio_rustls::rustls::ALL_VERSIONS;
        let config = world.authority.server_config_with("origin.test", Flaw::None, all, Some(asks));
        let origin = Origin::with("origin.test", config).await;
        assert_eq!(status(&world, &origin).await.0, expected);
    }
}

#[tokio::test]
async fn an_upstream_that_asks_in_vain_is_named_as_one_that_asks() {
    for version in tokio_rustls::rustls::ALL_VERSIONS {
        let world = World::start(Setup::default()).await;
        let mut trusted = RootCertStore::empty();
        trusted.add(world.authority.der()).unwrap();
        let provider = Arc::new(crypto::ring::default_provider());
        let asks = WebPkiClientVerifier::builder_with_provider(Arc::new(trusted), provider).build().unwrap();
        let config = world.authority.server_config_with("origin.test", Flaw::None, &[version], Some(asks));
        let origin = Origin::with("origin.test", config).await;
        let (code, detail) = status(&world, &origin).await;
        assert!(code == 502 && detail.contains("client_certificate"), "{version:?}: {detail}");
    }
}

#[tokio::test]
async fn a_revoked_certificate_is_refused_as_that() {
    let with = |folder: &Path, authority: &Authority| {
        std::fs::write(folder.join("list.pem"), authority.revocation_of(&[7])).unwrap();
        let (roots, crls) = (roots(folder), [folder.join("list.pem")]);
        destination(Trust { roots: &roots, min_tls: MinTls::Tls12, identity: None, crls: &crls }, true)
    };
    for (serial, expected) in [(7, 502), (8, 200)] {
        let world = World::start(Setup { upstreams: vec![with], ..Setup::default() }).await;
        let config = world.authority.numbered("origin.test", serial);
        let origin = Origin::with("origin.test", config).await;
        let (code, detail) = status(&world, &origin).await;
        assert_eq!(code, expected, "{detail}");
        assert!(code == 200 || detail.contains("has been revoked"), "{detail}");
    }
}

#[tokio::test]
async fn a_source_address_is_used_for_its_destinations() {
    let with = |folder: &Path, _: &Authority| {
        let roots = roots(folder);
        let trust = Trust { roots: &roots, min_tls: MinTls::Tls12, identity: None, crls: &[] };
        DestinationConfig {
            source_address: Some(Ipv4Addr::new(127, 0, 0, 77).into()),
            ..destination(trust, true)
        }
    };
    let world = World::start(Setup { upstreams: vec![with], ..Setup::default() }).await;
    for (name, from) in [("origin.test", "127.0.0.77"), ("other.test", "127.0.0.1")] {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let accepting = tokio::spawn(async move { listener.accept().await.unwrap().1.ip().to_string() });
        let mut client = Client::direct(&world).await;
        client.send(format!("GET http://{name}:{port}/ HTTP/1.1\r\nHost: {name}:{port}\r\n\r\n")).await;
        assert_eq!(accepting.await.unwrap(), from, "{name}");
    }
}

#[tokio::test]
async fn a_source_address_that_is_not_ours_is_told_and_recorded() {
    let with = |folder: &Path, _: &Authority| {
        let roots = roots(folder);
        let trust = Trust { roots: &roots, min_tls: MinTls::Tls12, identity: None, crls: &[] };
        DestinationConfig {
            source_address: Some(Ipv4Addr::new(192, 0, 2, 77).into()),
            ..destination(trust, true)
        }
    };
    let world = World::start(Setup { upstreams: vec![with], ..Setup::default() }).await;
    let origin = Origin::agreeable(&world, "origin.test").await;
    let (code, detail) = status(&world, &origin).await;
    let told = "source address 192.0.2.77 cannot be used";
    assert!(code == 502 && detail.contains(told), "{code} {detail}");
    assert_eq!(origin.connections(), 0, "nor is another one used instead");
    let other = Origin::agreeable(&world, "other.test").await;
    assert_eq!(status(&world, &other).await.0, 200);
    let records = world.records().await;
    let reasons = messages(&records).into_iter().filter_map(|record| record["reason"].as_str());
    assert_eq!(reasons.filter(|why| why.contains(told)).count(), 1, "{records:#?}");
}

/// A parent proxy that keeps what it is asked for and connects to loopback.
async fn parent(answer: &'static str) -> (u16, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let asked = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&asked);
    tokio::spawn(async move {
        loop {
            let (mut client, _) = listener.accept().await.unwrap();
            let log = Arc::clone(&log);
            tokio::spawn(async move {
                let mut head = Vec::new();
                while !head.ends_with(b"\r\n\r\n") {
                    head.push(client.read_u8().await.unwrap());
                }
                let head = String::from_utf8(head).unwrap();
                let port =
                    head.split(' ').nth(1).unwrap().rsplit(':').next().unwrap().parse::<u16>().unwrap();
                log.lock().unwrap().push(head);
                client.write_all(answer.as_bytes()).await.unwrap();
                if answer.contains(" 200 ") {
                    let mut upstream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
                    let _ = tokio::io::copy_bidirectional(&mut client, &mut upstream).await;
                }
            });
        }
    });
    (port, asked)
}

#[tokio::test]
async fn a_parent_proxy_is_asked_for_a_tunnel_to_all_but_its_exceptions() {
    let (port, asked) = parent("HTTP/1.1 200 fine\r\nX: y\r\n\r\n").await;
    let parent = Parent {
        host: "127.0.0.1".parse().unwrap(),
        port,
        credentials: Some("gate:secret".to_owned().into()),
        except: hosts(&["other.test"]),
    };
    let world = World::start(Setup { parent: Some(parent), ..Setup::default() }).await;
    let origin = Origin::agreeable(&world, "origin.test").await;
    assert_eq!(status(&world, &origin).await.0, 200);
    let authority = origin.authority();
    let expected = format!(
        "CONNECT {authority} HTTP/1.1\r\nHost: {authority}\r\nProxy-Authorization: Basic Z2F0ZTpzZWNyZXQ=\r\n\r\n"
    );
    assert_eq!(*asked.lock().unwrap(), [expected]);
    let plain =
        Origin::cleartext("origin.test", |conn| conn.serve(|_| crate::harness::origin::ok("{}"))).await;
    let mut client = Client::direct(&world).await;
    let to = plain.authority();
    assert_eq!(client.exchange(format!("GET http://{to}/ HTTP/1.1\r\nHost: {to}\r\n\r\n")).await.status, 200);
    assert!(plain.received_text().starts_with("GET / HTTP/1.1\r\n"));
    assert!(!plain.received_text().contains("secret") && !plain.received_text().contains("Z2F0"));
    let other = Origin::agreeable(&world, "other.test").await;
    assert_eq!(status(&world, &other).await.0, 200);
    assert_eq!(asked.lock().unwrap().len(), 2);
    // What may not be dialled is not asked for either.
    let mut client = Client::direct(&world).await;
    let refused =
        client.exchange("GET http://169.254.169.254/ HTTP/1.1\r\nHost: 169.254.169.254\r\n\r\n").await;
    assert_eq!(refused.status, 403);
    assert_eq!(asked.lock().unwrap().len(), 2);
}

/// A gate of its own process, for what is read from files again.
struct Front {
    gate: crate::commands::Gate,
    proxy: String,
    issuer: String,
}

impl Front {
    fn start(at: &Path) -> Front {
        let (gate, greeting) = crate::commands::Gate::start(at);
        let proxy = greeting.split("http://").nth(1).unwrap().split_whitespace().next().unwrap().to_owned();
        let issuer = std::fs::read_to_string(at.join("certs/issuer.pem")).unwrap();
        Front { gate, proxy, issuer }
    }

    /// What a request in a tunnel of its own comes to.
    async fn ask(proxy: &str, issuer: &str, origin: &Origin) -> u16 {
        let mut tcp = TcpStream::connect(proxy).await.unwrap();
        let to = origin.authority();
        tcp.write_all(format!("CONNECT {to} HTTP/1.1\r\nHost: {to}\r\n\r\n").as_bytes()).await.unwrap();
        let mut answer = [0; 39];
        soon("an answer to CONNECT", tcp.read_exact(&mut answer)).await.unwrap();
        let tls = connector(issuer).connect(name("origin.test"), tcp);
        let mut client = Client { reader: Reader::new(soon("a handshake", tls).await.unwrap()) };
        client.exchange(get(origin, "/")).await.status
    }
}

#[tokio::test]
async fn our_own_certificate_is_taken_up_by_a_reload_and_old_connections_with_it() {
    let world = World::start(Setup::default()).await;
    let mut trusted = RootCertStore::empty();
    trusted.add(world.authority.der()).unwrap();
    let provider = Arc::new(crypto::ring::default_provider());
    let asks = WebPkiClientVerifier::builder_with_provider(Arc::new(trusted), provider).build().unwrap();
    let all = tokio_rustls::rustls::ALL_VERSIONS;
    let origin = Origin::with(
        "origin.test",
        world.authority.server_config_with("origin.test", Flaw::None, all, Some(asks)),
    )
    .await;
    let folder = crate::commands::folder();
    let at = folder.path();
    std::fs::write(at.join("roots.pem"), world.authority.pem()).unwrap();
    let show = |authority: &Authority| {
        let (certificate, key) = authority.issue("gate.test");
        std::fs::write(at.join("own.pem"), certificate).unwrap();
        std::fs::write(at.join("own.key"), key).unwrap();
        std::fs::set_permissions(at.join("own.key"), std::os::unix::fs::PermissionsExt::from_mode(0o600))
            .unwrap();
    };
    let stranger = Authority::new("nobody's roots");
    show(&stranger);
    let more = "[upstream]\nroots = [\"roots.pem\"]\nallow_addresses = [\"127.0.0.0/8\"]\n\
                resolve = { \"origin.test\" = [\"127.0.0.1\"] }\n\
                [[upstream.destination]]\nhosts = [\"origin.test\"]\n\
                client_certificate = \"own.pem\"\nclient_key = \"own.key\"\n";
    crate::commands::configure(at, more);
    let Front { mut gate, proxy, issuer } = Front::start(at);
    let ask = async || Front::ask(&proxy, &issuer, &origin).await;
    assert_eq!(ask().await, 502);
    show(&world.authority);
    gate.signal("HUP");
    gate.logged("configuration reloaded");
    assert_eq!((ask().await, ask().await), (200, 200));
    show(&stranger);
    gate.signal("HUP");
    gate.logged("configuration reloaded");
    assert_eq!(ask().await, 502, "neither a kept connection nor a kept session is used");
    // A key that is none changes nothing.
    std::fs::write(at.join("own.key"), "no key").unwrap();
    gate.signal("HUP");
    gate.logged("stays");
    gate.logged("configuration reloaded");
    assert_eq!(ask().await, 502);
    show(&world.authority);
    gate.signal("HUP");
    gate.logged("configuration reloaded");
    assert_eq!(ask().await, 200);
}

#[tokio::test]
async fn a_new_revocation_list_is_taken_up_by_a_reload_and_old_connections_with_it() {
    let world = World::start(Setup::default()).await;
    let origin = Origin::with("origin.test", world.authority.numbered("origin.test", 7)).await;
    let folder = crate::commands::folder();
    let at = folder.path();
    std::fs::write(at.join("roots.pem"), world.authority.pem()).unwrap();
    let revoke = |serials: &[u64]| {
        std::fs::write(at.join("list.pem"), world.authority.revocation_of(serials)).unwrap();
    };
    revoke(&[8]);
    let more = "[upstream]\nroots = [\"roots.pem\"]\nallow_addresses = [\"127.0.0.0/8\"]\n\
                resolve = { \"origin.test\" = [\"127.0.0.1\"] }\n\
                [[upstream.destination]]\nhosts = [\"origin.test\"]\ncrls = [\"list.pem\"]\n";
    crate::commands::configure(at, more);
    let front = Front::start(at);
    let mut gate = front.gate;
    let ask = async || Front::ask(&front.proxy, &front.issuer, &origin).await;
    assert_eq!((ask().await, ask().await), (200, 200));
    revoke(&[7]);
    gate.signal("HUP");
    gate.logged("configuration reloaded");
    assert_eq!(ask().await, 502, "neither a kept connection nor a kept session is used");
    // A list that is none changes nothing.
    std::fs::write(at.join("list.pem"), "no list").unwrap();
    gate.signal("HUP");
    gate.logged("cannot be read; what is in force stays");
    gate.logged("configuration reloaded");
    assert_eq!(ask().await, 502);
    revoke(&[8]);
    gate.signal("HUP");
    gate.logged("configuration reloaded");
    assert_eq!(ask().await, 200);
}
