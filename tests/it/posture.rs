//! What destinations negotiated is known: versions, ciphers, certificates that were refused, clear text.

use serde_json::Value;
use tidegate::proxy::Seen;

use crate::commands::done;
use crate::harness::client::get;
use crate::harness::origin::ok;
use crate::harness::pki::Flaw;
use crate::harness::{Client, Origin, Setup, World};

#[tokio::test]
async fn terms_failures_and_clear_text_are_kept_by_destination() {
    let world = World::start(Setup::default()).await;
    let good = Origin::agreeable(&world, "origin.test").await;
    let expired = Origin::flawed(&world, "expired.test", Flaw::Expired).await;
    let clear = Origin::cleartext("other.test", |conn| conn.serve(|_| ok("{}"))).await;
    let mut client = Client::tunnel(&world, &good).await;
    for _ in 0..3 {
        assert_eq!(client.exchange(get(&good, "/")).await.status, 200);
    }
    let mut client = Client::tunnel(&world, &expired).await;
    assert_eq!(client.exchange(get(&expired, "/")).await.status, 502);
    let mut client = Client::direct(&world).await;
    let plain = format!("GET http://{0}/ HTTP/1.1\r\nHost: {0}\r\n\r\n", clear.authority());
    assert_eq!(client.exchange(plain).await.status, 200);

    let (all, beyond) = world.gate.gauges().posture();
    let of = |origin: &Origin| -> &Seen {
        let found = all.iter().find(|seen| seen.host.to_string() == origin.name);
        found.unwrap_or_else(|| panic!("{} in {all:?}", origin.name))
    };
    assert_eq!((all.len(), beyond), (3, 0));
    let terms = of(&good).last.clone().unwrap();
    assert_eq!((terms.version, of(&good).lowest), ("TLSv1.3", Some("TLSv1.3")));
    assert!(terms.cipher.starts_with("TLS13_") && terms.group != "unknown", "{terms:?}");
    assert!(terms.not_after.is_some());
    assert_eq!(of(&good).secured, 1, "one connection for three requests");
    assert_eq!((of(&expired).secured, of(&expired).failures.get("expired")), (0, Some(&1)));
    assert_eq!((of(&clear).clear, of(&clear).secured), (1, 0));

    // And the trail tells it of a period: what was reached, not what could not be.
    let (good, clear) = (good.address.port(), clear.address.port());
    let trail = world.trail();
    let ask = |more: &[&str]| {
        let args = ["posture", "--format", "json", "--audit", trail.to_str().unwrap()];
        let (code, out, err) = done(trail.parent().unwrap(), &[&args[..], more].concat());
        (code, serde_json::from_str::<Value>(&out).unwrap_or_else(|_| panic!("{err}")))
    };
    let (code, told) = ask(&["--fail"]);
    assert_eq!(code, 1, "{told}");
    let told = told["destinations"].as_array().unwrap();
    let of = |port: u16| told.iter().find(|seen| seen["port"] == port).unwrap();
    assert_eq!(
        (&of(good)["requests"]["tls"]["TLSv1.3"], &of(good)["notices"]),
        (&3.into(), &Value::Array(vec![]))
    );
    assert_eq!(of(clear)["notices"], serde_json::json!(["clear text: 1 requests"]));
    assert_eq!(told.len(), 2, "{told:?}");
    assert_eq!(
        ask(&["--until", "2001-01-01", "--since", "2000-01-01"]).1["destinations"],
        Value::Array(vec![])
    );
}
