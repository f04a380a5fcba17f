//! Who asks: clients that prove themselves by a name and a password, and what follows from who they are.

use std::sync::Arc;
use std::time::Duration;

use tidegate::audit::base64;
use tidegate::policy::{Action, IdentitySpec, Per, RuleSpec};
use tidegate::proxy::{Authentication, PasswordHash};

use crate::harness::client::{connector, get, name, post};
use crate::harness::origin::ok;
use crate::harness::wire::Reader;
use crate::harness::{Client, Origin, Setup, World, rule, soon};

/// One that is hashed for a test's patience.
fn proving(name: &str, password: &str, tenant: Option<&str>) -> IdentitySpec {
    IdentitySpec {
        name: name.into(),
        tenant: tenant.map(Into::into),
        password: Some(PasswordHash::make(password.as_bytes(), name.as_bytes(), 1000).to_string()),
        ..IdentitySpec::default()
    }
}

fn asking() -> Setup {
    Setup {
        authentication: Authentication::Basic,
        identities: vec![
            proving("billing-1", "s3cret, with:colon", Some("a")),
            proving("reports-1", "other", Some("b")),
        ],
        ..Setup::default()
    }
}

fn basic(name: &str, password: &str) -> String {
    format!("Proxy-Authorization: Basic {}\r\n", base64(format!("{name}:{password}").as_bytes()))
}

fn connect(origin: &Origin, field: &str) -> String {
    let to = origin.authority();
    format!("CONNECT {to} HTTP/1.1\r\nHost: {to}\r\n{field}\r\n")
}

/// TLS in a tunnel that was asked for with `field`.
async fn tunnel(world: &World, origin: &Origin, field: &str) -> Client {
    let mut client = Client::direct(world).await;
    client.send(connect(origin, field)).await;
    let head = client.head().await;
    assert_eq!(head.line, "HTTP/1.1 200 Connection established");
    let tls = connector(&world.issuer).connect(name(origin.name), client.reader.io).await.unwrap();
    Client { reader: Reader::new(tls) }
}

#[tokio::test]
async fn a_tunnel_is_for_those_who_say_who_they_are() {
    let world = World::start(asking()).await;
    let origin = Origin::agreeable(&world, "origin.test").await;
    let wrong = [
        String::new(),
        basic("billing-1", "s3cret"),
        basic("billing-1", ""),
        basic("nobody", "s3cret, with:colon"),
        "Proxy-Authorization: Bearer abc\r\n".to_owned(),
        "Proxy-Authorization: Basic !\r\n".to_owned(),
    ];
    for field in &wrong {
        let mut client = Client::direct(&world).await;
        let refused = client.exchange(connect(&origin, field)).await;
        assert_eq!(refused.status, 407, "{field}");
        assert_eq!(refused.field("proxy-authenticate"), Some("Basic realm=\"tidegate\", charset=\"UTF-8\""));
        assert_eq!(refused.json()["type"], "urn:tidegate:problem:unauthenticated");
        assert!(client.is_closed().await);
    }
    let mut client = tunnel(&world, &origin, &basic("billing-1", "s3cret, with:colon")).await;
    for _ in 0..2 {
        assert_eq!(client.post(&origin, "/", b"{}").await.status, 200);
    }
    assert!(!origin.received_text().to_ascii_lowercase().contains("proxy-authorization"));
    let (records, bytes) = world.records_and_bytes().await;
    let refused: Vec<_> = records.iter().filter(|record| record["action"] == "block").collect();
    assert_eq!(refused.len(), wrong.len());
    assert_eq!(
        (&refused[0]["reason"], &refused[1]["reason"]),
        (&"unauthenticated".into(), &"wrong_credentials".into())
    );
    let request = records.iter().find(|record| record["http"]["method"] == "POST").unwrap();
    assert_eq!((&request["client"]["identity"], &request["tenant"]), (&"billing-1".into(), &"a".into()));
    let text = String::from_utf8_lossy(&bytes);
    for secret in ["s3cret", "Basic ", &base64(b"billing-1:s3cret, with:colon")] {
        assert!(!text.contains(secret), "{secret} is on record");
    }
}

#[tokio::test]
async fn so_is_each_request_in_clear_text_and_what_was_said_goes_no_further() {
    let world = World::start(asking()).await;
    let origin = Origin::cleartext("origin.test", |peer| peer.serve(|_| ok("{}"))).await;
    let mut client = Client::direct(&world).await;
    let request = |field: &str| {
        let to = origin.authority();
        format!("GET http://{to}/x HTTP/1.1\r\nHost: {to}\r\n{field}\r\n")
    };
    // Asked, and answered on the same connection, as clients do that wait to be asked.
    let refused = client.exchange(request("")).await;
    assert_eq!((refused.status, refused.field("connection")), (407, None));
    assert_eq!(client.exchange(request(&basic("billing-1", "s3cret, with:colon"))).await.status, 200);
    assert_eq!(client.exchange(request(&basic("reports-1", "other"))).await.status, 200);
    assert_eq!(client.exchange(request("")).await.status, 407);
    let seen = origin.received_text().to_ascii_lowercase();
    assert_eq!(seen.matches("get /x ").count(), 2);
    assert!(!seen.contains("proxy-authorization"));
    let records = world.records().await;
    let who: Vec<_> = records
        .iter()
        .filter(|record| record["direction"] == "request")
        .map(|record| record["client"]["identity"].as_str().unwrap_or("").to_owned())
        .collect();
    assert_eq!(who, ["", "billing-1", "reports-1", ""]);
}

#[tokio::test]
async fn rules_and_windows_go_by_who_was_proven_and_tenants_stay_apart() {
    let hourly = RuleSpec {
        per: Per::Tenant,
        window: Some(Duration::from_secs(3600)),
        at_least: 2,
        ..rule("hourly", &["contact.email"], Action::Block)
    };
    let reports = RuleSpec {
        clients: vec!["reports-1".into()],
        ..rule("no-cards-in-reports", &["payment.pan"], Action::Block)
    };
    let only_a =
        RuleSpec { tenants: vec!["a".into()], ..rule("tenant-a", &["national-id.us-ssn"], Action::Block) };
    let world = World::start(Setup { rules: vec![hourly, reports, only_a], ..asking() }).await;
    let origin = Origin::agreeable(&world, "origin.test").await;
    let mut billing = tunnel(&world, &origin, &basic("billing-1", "s3cret, with:colon")).await;
    let mut reports = tunnel(&world, &origin, &basic("reports-1", "other")).await;
    let card: &[u8] = br#"{"card":"4539148803436467"}"#;
    assert_eq!(billing.post(&origin, "/", card).await.status, 200);
    assert_eq!(reports.post(&origin, "/", card).await.status, 403);
    // One tenant spends its hour; the other has all of its own, and its own rules.
    let mail = |number: u32| format!("{{\"to\":\"person{number}@mail.shop.com\"}}").into_bytes();
    let mut reports = tunnel(&world, &origin, &basic("reports-1", "other")).await;
    for (number, expected) in [(1, 200), (2, 403)] {
        assert_eq!(billing.post(&origin, "/", &mail(number)).await.status, expected);
        billing = tunnel(&world, &origin, &basic("billing-1", "s3cret, with:colon")).await;
    }
    assert_eq!(reports.post(&origin, "/", &mail(3)).await.status, 200);
    assert_eq!(reports.post(&origin, "/", br#"{"ssn":"536-22-1845"}"#).await.status, 200);
    assert_eq!(billing.post(&origin, "/", br#"{"ssn":"536-22-1845"}"#).await.status, 403);
}

#[tokio::test]
async fn whoever_guesses_is_not_listened_to_and_those_who_are_known_are() {
    let world = World::start(asking()).await;
    let origin = Origin::agreeable(&world, "origin.test").await;
    let right = basic("reports-1", "other");
    drop(tunnel(&world, &origin, &right).await);
    let mut statuses = Vec::new();
    for guess in 0..14 {
        let mut client = Client::direct(&world).await;
        statuses.push(client.exchange(connect(&origin, &basic("billing-1", &guess.to_string()))).await);
    }
    let codes: Vec<_> = statuses.iter().map(|response| response.status).collect();
    assert_eq!(codes, [[407; 10].as_slice(), &[429; 4]].concat());
    assert_eq!(statuses[13].field("retry-after"), Some("60"));
    // Even the right one is not tried from there, unless it is known.
    let mut client = Client::direct(&world).await;
    let field = basic("billing-1", "s3cret, with:colon");
    assert_eq!(client.exchange(connect(&origin, &field)).await.status, 429);
    let mut client = tunnel(&world, &origin, &right).await;
    assert_eq!(client.exchange(get(&origin, "/")).await.status, 200);
}

#[tokio::test]
async fn a_password_that_was_changed_is_not_known_any_more() {
    let world = World::start(asking()).await;
    let origin = Origin::agreeable(&world, "origin.test").await;
    let old = basic("reports-1", "other");
    let mut open = tunnel(&world, &origin, &old).await;
    let changed = Setup { identities: vec![proving("reports-1", "new", None)], ..asking() };
    world.engine.store(std::sync::Arc::new(crate::harness::engine(&changed)));
    let mut client = Client::direct(&world).await;
    assert_eq!(client.exchange(connect(&origin, &old)).await.status, 407);
    let mut client = tunnel(&world, &origin, &basic("reports-1", "new")).await;
    assert_eq!(client.exchange(post(&origin, "/", "application/json", b"{}")).await.status, 200);
    // What was granted goes on under the name that it was granted to.
    assert_eq!(open.exchange(get(&origin, "/")).await.status, 200);
}

/// An open tunnel is for a name; what that name may do is for the policy in force to say.
#[tokio::test]
async fn an_open_tunnel_is_judged_by_whom_its_name_stands_for_now() {
    let only_a =
        || RuleSpec { tenants: vec!["a".into()], ..rule("tenant-a", &["national-id.us-ssn"], Action::Block) };
    let knowing = |identities: Vec<IdentitySpec>| Setup { rules: vec![only_a()], identities, ..asking() };
    let world = World::start(knowing(vec![proving("billing-1", "x", Some("a"))])).await;
    let reload = |identities| world.engine.store(Arc::new(crate::harness::engine(&knowing(identities))));
    let origin = Origin::agreeable(&world, "origin.test").await;
    let field = basic("billing-1", "x");
    let mut open = tunnel(&world, &origin, &field).await;
    let mut silent = Client::direct(&world).await;
    silent.send(connect(&origin, &field)).await;
    assert_eq!(silent.head().await.line, "HTTP/1.1 200 Connection established");
    let ssn: &[u8] = br#"{"ssn":"536-22-1845"}"#;
    assert_eq!(open.post(&origin, "/", ssn).await.json()["rule"], "tenant-a");
    reload(vec![proving("billing-1", "x", Some("b"))]);
    assert_eq!(open.post(&origin, "/", ssn).await.status, 200);
    reload(vec![proving("reports-1", "y", Some("b"))]);
    let gone = open.post(&origin, "/gone", b"{}").await;
    assert_eq!((gone.status, &gone.json()["type"]), (403, &"urn:tidegate:problem:identity-gone".into()));
    assert!(open.is_closed().await);
    assert!(connector(&world.issuer).connect(name("origin.test"), silent.reader.io).await.is_err());
    assert!(!origin.received_text().contains("/gone"));
    reload(vec![proving("billing-1", "x", Some("a"))]);
    let mut again = tunnel(&world, &origin, &field).await;
    assert_eq!(again.post(&origin, "/", ssn).await.status, 403);
    let records = world.records().await;
    let requests = || records.iter().filter(|record| record["direction"] == "request");
    let path = |record: &&serde_json::Value| record["http"]["path_template"].as_str().map(str::to_owned);
    let told: Vec<_> = requests().filter_map(|r| Some((path(&r)?, r["tenant"].as_str()?))).collect();
    let told: Vec<_> = told.iter().map(|(path, tenant)| (path.as_str(), *tenant)).collect();
    assert_eq!(told, [("/", "a"), ("/", "b"), ("/gone", "default"), ("", "default"), ("/", "a")]);
    assert!(records.iter().any(|record| record["kind"] == "end" && record["reason"] == "identity_gone"));
}

#[tokio::test]
async fn one_tenant_cannot_hold_the_memory_of_another() {
    let world = World::start(Setup { held: 64 * 1024, ..asking() }).await;
    let held = std::sync::Arc::clone(&world.engine.load().held);
    held.share_among(2);
    let origin = Origin::agreeable(&world, "origin.test").await;
    let field = basic("billing-1", "s3cret, with:colon");
    let slow = |origin: &Origin| {
        let whole = post(origin, "/", "text/plain", &[b'x'; 200_000]);
        whole[..10_000].to_vec()
    };
    let mut first = tunnel(&world, &origin, &field).await;
    first.send(slow(&origin)).await;
    soon("bytes to be held", async {
        while held.used() < 9_000 {
            tokio::task::yield_now().await;
        }
    })
    .await;
    // Another flow of the same client finds its share taken, though three quarters of all are free.
    let mut second = tunnel(&world, &origin, &field).await;
    second.send(slow(&origin)).await;
    assert_eq!(second.response().await.status, 503);
    let mut reports = tunnel(&world, &origin, &basic("reports-1", "other")).await;
    assert_eq!(reports.post(&origin, "/", &[b'x'; 8_000]).await.status, 200);
    drop(first);
    soon("what was held to be given back", async {
        while held.used() > 0 {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

#[tokio::test]
async fn a_trace_goes_on_and_is_on_record() {
    const TRACE: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let world = World::start(Setup::default()).await;
    let origin = Origin::agreeable(&world, "origin.test").await;
    let mut client = Client::tunnel(&world, &origin).await;
    let request = |trace: &str| {
        let host = origin.authority();
        format!("GET / HTTP/1.1\r\nHost: {host}\r\nTraceparent: {trace}\r\nTracestate: a=b\r\n\r\n")
    };
    assert_eq!(client.exchange(request(TRACE)).await.status, 200);
    assert!(origin.received_text().contains(&format!("traceparent: {TRACE}\r\ntracestate: a=b")));
    // A client's words are cleansed here, too.
    assert_eq!(client.exchange(request(crate::harness::PAN)).await.status, 403);
    let (records, bytes) = world.records_and_bytes().await;
    let traces: Vec<_> = records.iter().filter(|record| record["traceparent"] == TRACE).collect();
    assert_eq!(traces.len(), 2, "request and response");
    assert!(!String::from_utf8_lossy(&bytes).contains(crate::harness::PAN));
}
