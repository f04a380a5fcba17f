//! TLS to the gate itself, and clients that prove who they are by a certificate.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tidegate::policy::{Action, Bypass, Clients, Grounds, Hosts, IdentitySpec, Interceptions, RuleSpec};
use tidegate::proxy::{Authentication, ListenerKind, PasswordHash, Reverse, Routes};
use tidegate::tls::{ClientTrust, ListenerTls, ServerIdentity};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::{self, ClientConfig, RootCertStore, crypto};

use crate::commands::{Gate, configure, folder, records};
use crate::harness::client::{connector, get, name, post};
use crate::harness::origin::ok;
use crate::harness::pki::Flaw;
use crate::harness::wire::Reader;
use crate::harness::{Authority, Client, Origin, PAN, Setup, World, engine, rule, soon};

type Pair = (String, String);

fn standing_for(name: &str, certificates: &[&str], tenant: Option<&str>) -> IdentitySpec {
    IdentitySpec {
        name: name.into(),
        tenant: tenant.map(Into::into),
        certificates: certificates.iter().map(|text| (*text).to_owned()).collect(),
        ..IdentitySpec::default()
    }
}

fn identities() -> Vec<IdentitySpec> {
    vec![
        standing_for("billing", &["spiffe://corp.test/billing"], Some("a")),
        standing_for("reports", &["*.reports.corp.test", "reports@corp.test"], Some("b")),
    ]
}

/// Shows the issuer's certificate, and asks for one that `vouching` signed.
fn asking(vouching: &Authority, crls: &[PathBuf], required: bool) -> ListenerTls {
    let trust = ClientTrust::from_pem(&vouching.pem(), crls, required).unwrap();
    ListenerTls::new(ServerIdentity::of_issuer(vec!["gate.test".parse().unwrap()]).asking(trust), vec![])
}

fn setup(vouching: &Authority) -> Setup {
    Setup { tls: Some(asking(vouching, &[], true)), identities: identities(), ..Setup::default() }
}

fn presenting(
    trusted: &str,
    own: Option<&Pair>,
    versions: &[&'static rustls::SupportedProtocolVersion],
) -> TlsConnector {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(trusted.as_bytes()).unwrap()).unwrap();
    let provider = Arc::new(crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider).with_protocol_versions(versions).unwrap();
    let builder = builder.with_root_certificates(roots);
    let config = match own {
        None => builder.with_no_client_auth(),
        Some((chain, key)) => {
            let chain = vec![CertificateDer::from_pem_slice(chain.as_bytes()).unwrap()];
            builder
                .with_client_auth_cert(chain, PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap())
                .unwrap()
        }
    };
    TlsConnector::from(Arc::new(config))
}

/// TLS to the gate itself.
async fn to_gate(world: &World, own: Option<&Pair>) -> TlsStream<TcpStream> {
    let tcp = TcpStream::connect(world.proxy).await.unwrap();
    let shaken = presenting(&world.issuer, own, rustls::ALL_VERSIONS).connect(name("gate.test"), tcp);
    soon("a handshake with the gate", shaken).await.unwrap()
}

fn connect(origin: &Origin) -> String {
    let to = origin.authority();
    format!("CONNECT {to} HTTP/1.1\r\nHost: {to}\r\n\r\n")
}

/// TLS in a tunnel in TLS.
async fn tunnel(world: &World, origin: &Origin, own: Option<&Pair>) -> Client {
    let mut client = Client { reader: Reader::new(to_gate(world, own).await) };
    client.send(connect(origin)).await;
    assert_eq!(client.head().await.line, "HTTP/1.1 200 Connection established");
    let tls = connector(&world.issuer).connect(name(origin.name), client.reader.io).await.unwrap();
    Client { reader: Reader::new(tls) }
}

/// Why the gate ended a handshake, in the words of its alert.
async fn refusal(
    world: &World,
    own: Option<&Pair>,
    version: &'static rustls::SupportedProtocolVersion,
) -> String {
    let tcp = TcpStream::connect(world.proxy).await.unwrap();
    let shaken = presenting(&world.issuer, own, &[version]).connect(name("gate.test"), tcp);
    let error = match soon("the end of a handshake", shaken).await {
        Err(error) => error,
        // A client of TLS 1.3 is done before it is judged.
        Ok(mut tls) => soon("an alert", tls.read_u8()).await.unwrap_err(),
    };
    match error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
        Some(rustls::Error::AlertReceived(alert)) => format!("{alert:?}"),
        _ => panic!("no alert: {error}"),
    }
}

#[tokio::test]
async fn a_client_is_whom_its_certificate_names() {
    let vouching = Authority::new("client roots");
    let rules = vec![
        RuleSpec {
            clients: vec!["billing".into()],
            ..rule("no-cards-in-billing", &["payment.pan"], Action::Block)
        },
        RuleSpec { tenants: vec!["b".into()], ..rule("tenant-b", &["national-id.us-ssn"], Action::Block) },
    ];
    let world = World::start(Setup { rules, ..setup(&vouching) }).await;
    let origin = Origin::agreeable(&world, "origin.test").await;
    let billing = vouching.vouch(&["spiffe://corp.test/billing"], Flaw::None);
    let reports = vouching.vouch(&["nobody.test", "a.reports.corp.test"], Flaw::None);
    let mail = vouching.vouch(&["reports@CORP.test"], Flaw::None);
    let (card, ssn): (&[u8], &[u8]) = (br#"{"card":"4539148803436467"}"#, br#"{"ssn":"536-22-1845"}"#);
    for (own, card_status, ssn_status) in [(&billing, 403, 200), (&reports, 200, 403), (&mail, 200, 403)] {
        assert_eq!(
            tunnel(&world, &origin, Some(own)).await.post(&origin, "/", card).await.status,
            card_status
        );
        assert_eq!(tunnel(&world, &origin, Some(own)).await.post(&origin, "/", ssn).await.status, ssn_status);
    }
    let records = world.records().await;
    let requests: Vec<_> = records
        .iter()
        .filter(|record| record["http"]["method"] == "POST" && record["direction"] == "request")
        .collect();
    let who = |at: usize| requests[at]["client"].clone();
    assert_eq!(
        (&who(0)["identity"], &who(0)["certificate"]),
        (&"billing".into(), &"spiffe://corp.test/billing".into())
    );
    assert_eq!(
        (&who(2)["identity"], &who(2)["certificate"]),
        (&"reports".into(), &"a.reports.corp.test".into())
    );
    assert_eq!(requests[0]["tenant"], "a");
}

#[tokio::test]
async fn a_certificate_stands_for_whom_the_policy_in_force_says() {
    let vouching = Authority::new("clients");
    let world = World::start(setup(&vouching)).await;
    let reload = |identities| {
        world.engine.store(Arc::new(engine(&Setup { identities, ..setup(&vouching) })));
    };
    let origin = Origin::agreeable(&world, "origin.test").await;
    let own = vouching.vouch(&["spiffe://corp.test/billing"], Flaw::None);
    let mut open = tunnel(&world, &origin, Some(&own)).await;
    for tenant in ["b", "c"] {
        reload(vec![standing_for(tenant, &["spiffe://corp.test/*"], Some(tenant))]);
        assert_eq!(open.exchange(get(&origin, "/")).await.status, 200);
    }
    reload(vec![standing_for("d", &["spiffe://corp.test/reports"], None)]);
    let gone = open.exchange(get(&origin, "/")).await;
    assert_eq!((gone.status, &gone.json()["type"]), (403, &"urn:tidegate:problem:identity-gone".into()));
    assert!(open.is_closed().await);
    let records = world.records().await;
    let who =
        |record: &serde_json::Value| (record["direction"] == "request").then(|| record["tenant"].clone());
    assert_eq!(records.iter().filter_map(who).collect::<Vec<_>>(), ["b", "c", "default"]);
}

#[tokio::test]
async fn all_that_an_explicit_listener_carries_goes_through_its_tls() {
    let vouching = Authority::new("client roots");
    let hosts = Hosts::compile(&["other.test".to_owned()], &[]).unwrap();
    let grounds = Grounds { reason: "pins".into(), owner: "us".into() };
    let bypasses = vec![Bypass::new(hosts, Clients::default(), grounds, i64::MAX)];
    let interceptions = Interceptions { bypasses, ..Interceptions::default() };
    let world = World::start(Setup { interceptions, ..setup(&vouching) }).await;
    let own = vouching.vouch(&["spiffe://corp.test/billing"], Flaw::None);
    // A body in many records, both ways, in a tunnel that is opened.
    let origin = Origin::start(&world, "origin.test", |conn| {
        conn.serve(|request| ok(std::str::from_utf8(&request.body.bytes).unwrap()))
    })
    .await;
    let body: Vec<u8> = (0..600_000u32).map(|at| b'a' + (at % 23) as u8).collect();
    let mut client = tunnel(&world, &origin, Some(&own)).await;
    let echoed = client.exchange(post(&origin, "/", "text/plain", &body)).await;
    assert_eq!((echoed.status, echoed.body.bytes == body), (200, true));
    // A request in clear text, of a kept connection.
    let clear = Origin::cleartext("origin.test", |conn| conn.serve(|_| ok("{}"))).await;
    let mut client = Client { reader: Reader::new(to_gate(&world, Some(&own)).await) };
    let to = clear.authority();
    for _ in 0..2 {
        let request = format!("GET http://{to}/x HTTP/1.1\r\nHost: {to}\r\n\r\n");
        assert_eq!(client.exchange(request).await.status, 200);
    }
    // A tunnel that stays unopened.
    let pinned = Origin::start(&world, "other.test", |conn| {
        conn.serve(|request| ok(std::str::from_utf8(&request.body.bytes).unwrap()))
    })
    .await;
    let mut client = Client { reader: Reader::new(to_gate(&world, Some(&own)).await) };
    client.send(connect(&pinned)).await;
    assert_eq!(client.head().await.line, "HTTP/1.1 200 Connection established");
    let tls = connector(&world.authority.pem()).connect(name("other.test"), client.reader.io).await.unwrap();
    let mut client = Client { reader: Reader::new(tls) };
    assert_eq!(client.exchange(post(&pinned, "/", "text/plain", &body)).await.body.bytes, body);
    drop(client);
    let records = world.records().await;
    let flows: Vec<_> = records
        .iter()
        .filter(|record| ["decision", "end"].contains(&record["kind"].as_str().unwrap()))
        .collect();
    assert!(flows.len() >= 7, "{records:#?}");
    for record in flows {
        assert_eq!(record["client"]["identity"], "billing", "{record}");
        assert_eq!(record["protocol"]["tls_client"], "TLSv1.3", "{record}");
    }
}

#[tokio::test]
async fn refusals_say_exactly_why() {
    let vouching = Authority::new("client roots");
    let folder = tempfile::tempdir().unwrap();
    let crl = folder.path().join("crl.pem");
    fs::write(&crl, vouching.revocation_of(&[77])).unwrap();
    let revoking = Setup { tls: Some(asking(&vouching, &[crl], true)), ..setup(&vouching) };
    let billing = ["spiffe://corp.test/billing"];
    let own = vouching.vouch(&billing, Flaw::None);
    let namesake = Authority::new("client roots").vouch(&billing, Flaw::None);
    let cases: [(Setup, Option<Pair>, &str, &str); 7] = [
        (setup(&vouching), None, "CertificateRequired", "no_client_certificate"),
        (
            setup(&vouching),
            Some(vouching.vouch(&billing, Flaw::Expired)),
            "CertificateExpired",
            "client_certificate_expired: spiffe://corp.test/billing",
        ),
        (
            setup(&vouching),
            Some(vouching.vouch(&billing, Flaw::UnknownIssuer)),
            "UnknownCA",
            "client_certificate_unknown_ca: spiffe://corp.test/billing",
        ),
        (
            setup(&vouching),
            Some(vouching.vouch(&["spiffe://corp.test/billing/x", "corp.test"], Flaw::None)),
            "AccessDenied",
            "client_certificate_names_nobody: spiffe://corp.test/billing/x, corp.test",
        ),
        (
            setup(&vouching),
            Some(vouching.vouch(&["a.reports.corp.test"], Flaw::WrongPurpose)),
            "UnsupportedCertificate",
            "client_certificate_wrong_purpose: a.reports.corp.test",
        ),
        (
            setup(&vouching),
            Some(namesake),
            "DecryptError",
            "client_certificate_bad_signature: spiffe://corp.test/billing",
        ),
        (revoking, Some(own), "CertificateRevoked", "client_certificate_revoked: spiffe://corp.test/billing"),
    ];
    for (setup, own, alert, reason) in cases {
        let world = World::start(setup).await;
        for version in rustls::ALL_VERSIONS {
            assert_eq!(refusal(&world, own.as_ref(), version).await, alert, "{reason}");
        }
        let records = world.records().await;
        let ended: Vec<_> = records.iter().filter(|record| record["kind"] == "end").collect();
        assert_eq!(ended.len(), 2, "{records:#?}");
        for record in ended {
            assert_eq!((&record["reason"], &record["action"]), (&reason.into(), &"block".into()));
            assert_eq!(record["client"]["identity"], serde_json::Value::Null);
        }
    }
}

#[tokio::test]
async fn names_of_certificates_are_cleansed_like_all_that_clients_say() {
    let vouching = Authority::new("client roots");
    let identities = vec![standing_for("billing", &["spiffe://corp.test/*"], None)];
    let world = World::start(Setup { identities, ..setup(&vouching) }).await;
    let origin = Origin::agreeable(&world, "origin.test").await;
    let known = vouching.vouch(&[&format!("spiffe://corp.test/card/{PAN}")], Flaw::None);
    let unknown = vouching.vouch(&[&format!("{PAN}@corp.test")], Flaw::None);
    let mut client = tunnel(&world, &origin, Some(&known)).await;
    assert_eq!(client.exchange(get(&origin, "/")).await.status, 200);
    assert_eq!(refusal(&world, Some(&unknown), &rustls::version::TLS13).await, "AccessDenied");
    let (records, bytes) = world.records_and_bytes().await;
    assert!(!String::from_utf8_lossy(&bytes).contains(PAN));
    let certificates: Vec<_> =
        records.iter().filter_map(|record| record["client"]["certificate"].as_str()).collect();
    assert!(
        certificates.len() >= 2
            && certificates.iter().all(|text| text.starts_with("spiffe://corp.test/card/")),
        "{certificates:?}"
    );
    let reasons: Vec<_> = records.iter().filter_map(|record| record["reason"].as_str()).collect();
    assert!(
        reasons.iter().any(|reason| reason.starts_with("client_certificate_names_nobody: ")),
        "{reasons:?}"
    );
}

#[tokio::test]
async fn where_it_is_optional_a_password_serves_as_well_and_a_wrong_certificate_does_not() {
    let vouching = Authority::new("client roots");
    let by_password = IdentitySpec {
        name: "people".into(),
        password: Some(PasswordHash::make(b"s3cret", b"some salt", 1000).to_string()),
        ..IdentitySpec::default()
    };
    let world = World::start(Setup {
        tls: Some(asking(&vouching, &[], false)),
        authentication: Authentication::Basic,
        identities: [identities(), vec![by_password]].concat(),
        ..Setup::default()
    })
    .await;
    let origin = Origin::agreeable(&world, "origin.test").await;
    let own = vouching.vouch(&["spiffe://corp.test/billing"], Flaw::None);
    assert_eq!(tunnel(&world, &origin, Some(&own)).await.exchange(get(&origin, "/")).await.status, 200);
    let mut client = Client { reader: Reader::new(to_gate(&world, None).await) };
    assert_eq!(client.exchange(connect(&origin)).await.status, 407);
    let mut client = Client { reader: Reader::new(to_gate(&world, None).await) };
    let said = format!("Proxy-Authorization: Basic {}\r\n\r\n", tidegate::audit::base64(b"people:s3cret"));
    client.send(connect(&origin).replace("\r\n\r\n", &format!("\r\n{said}"))).await;
    assert_eq!(client.head().await.line, "HTTP/1.1 200 Connection established");
    let stranger = vouching.vouch(&["spiffe://corp.test/nobody"], Flaw::None);
    assert_eq!(refusal(&world, Some(&stranger), &rustls::version::TLS13).await, "AccessDenied");
}

#[tokio::test]
async fn a_listener_that_speaks_tls_speaks_nothing_else() {
    let vouching = Authority::new("client roots");
    let world = World::start(setup(&vouching)).await;
    let origin = Origin::agreeable(&world, "origin.test").await;
    for request in [connect(&origin), get(&origin, "/")] {
        let mut client = Client::direct(&world).await;
        let refused = client.exchange(request).await;
        assert_eq!(refused.status, 400);
        assert!(refused.json()["detail"].as_str().unwrap().contains("https://"), "{refused:?}");
        assert!(client.is_closed().await);
    }
    // Nor is there a second layer of it.
    let own = vouching.vouch(&["spiffe://corp.test/billing"], Flaw::None);
    let outer = to_gate(&world, Some(&own)).await;
    let inner = presenting(&world.issuer, Some(&own), rustls::ALL_VERSIONS).connect(name("gate.test"), outer);
    assert!(soon("an answer", inner).await.is_err());
    let records = world.records().await;
    let reasons: Vec<_> = records.iter().filter_map(|record| record["reason"].as_str()).collect();
    assert_eq!(reasons, ["cleartext", "cleartext", "tls_to_proxy"]);
    assert!(origin.received_text().is_empty());
}

#[tokio::test]
async fn a_reverse_listener_asks_too() {
    let vouching = Authority::new("client roots");
    let origin = Origin::cleartext("origin.test", |conn| conn.serve(|_| ok("{}"))).await;
    let to = tidegate::flow::Destination {
        scheme: tidegate::flow::Scheme::Http,
        host: "origin.test".parse().unwrap(),
        port: origin.address.port(),
    };
    let kind = ListenerKind::Reverse(Arc::new(Reverse { routes: Routes { fixed: Some(to), hosts: vec![] } }));
    let world = World::start(Setup { kind, ..setup(&vouching) }).await;
    let own = vouching.vouch(&["b.reports.corp.test"], Flaw::None);
    let mut client = Client { reader: Reader::new(to_gate(&world, Some(&own)).await) };
    assert_eq!(client.exchange("GET /x HTTP/1.1\r\nHost: gate.test\r\n\r\n").await.status, 200);
    assert_eq!(refusal(&world, None, &rustls::version::TLS13).await, "CertificateRequired");
    let records = world.records().await;
    let request = records.iter().find(|record| record["http"]["method"] == "GET").unwrap();
    assert_eq!((&request["client"]["identity"], &request["tenant"]), (&"reports".into(), &"b".into()));
}

fn write(path: &Path, text: &str) {
    fs::write(path, text).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
}

/// A running gate whose certificate, key and client authority are exchanged on disk and taken up by SIGHUP: what is
/// under way goes on, whoever comes meets the new ones, and files that do not fit change nothing.
#[tokio::test(flavor = "multi_thread")]
async fn certificates_are_exchanged_while_connections_go_on() {
    let folder = folder();
    let at = |file: &str| folder.path().join(file);
    let (old, new) = (Authority::new("old roots"), Authority::new("new roots"));
    let put = |authority: &Authority| {
        let (chain, key) = authority.serve("gate.test");
        write(&at("gate.pem"), &chain);
        write(&at("gate.key"), &key);
        write(&at("clients.pem"), &authority.pem());
    };
    put(&old);
    let listener = "certificate = \"gate.pem\"\nkey = \"gate.key\"\nclient_ca = \"clients.pem\"\n";
    configure(
        folder.path(),
        "[[identity]]\nname = \"billing\"\ncertificates = [\"spiffe://corp.test/billing\"]\n",
    );
    let text = fs::read_to_string(at("t.toml")).unwrap();
    fs::write(at("t.toml"), text.replacen("[admin]", &format!("{listener}[admin]"), 1)).unwrap();
    let (mut gate, greeting) = Gate::start(folder.path());
    let port = greeting.split_once("https://gate.test:").unwrap().1;
    let port: u16 = port.split(|c: char| !c.is_ascii_digit()).next().unwrap().parse().unwrap();
    let reach = |authority: &Authority| {
        let own = authority.vouch(&["spiffe://corp.test/billing"], Flaw::None);
        let connector = presenting(&authority.pem(), Some(&own), &[&rustls::version::TLS12]);
        async move { connector.connect(name("gate.test"), TcpStream::connect(("127.0.0.1", port)).await?).await }
    };
    let mut under_way = reach(&old).await.unwrap();
    put(&new);
    gate.signal("HUP");
    gate.logged("configuration reloaded");
    assert!(reach(&old).await.is_err());
    let mut fresh = reach(&new).await.unwrap();
    // A key that belongs to another certificate.
    write(&at("gate.key"), &old.serve("gate.test").1);
    gate.signal("HUP");
    gate.logged("configuration not reloaded");
    reach(&new).await.unwrap();
    for stream in [&mut under_way, &mut fresh] {
        stream.write_all(b"CONNECT a.test:0 HTTP/1.1\r\n\r\n").await.unwrap();
        let mut answer = [0; 12];
        soon("an answer", stream.read_exact(&mut answer)).await.unwrap();
        assert_eq!(&answer, b"HTTP/1.1 400");
    }
    gate.signal("TERM");
    assert_eq!(gate.end().0, 0);
    assert!(
        records(folder.path())
            .contains("\"identity\":\"billing\",\"certificate\":\"spiffe://corp.test/billing\"")
    );
}
