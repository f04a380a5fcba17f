//! Every message leaves one record of what was decided, and no record holds what was found.

use crate::harness::client::{get, post};
use crate::harness::wire::chunk_of;
use crate::harness::{Client, Origin, PAN, SSN, Setup, World, messages, only, rule, soon};
use tidegate::policy::Action;

#[tokio::test]
async fn a_record_says_who_where_what_and_why() {
    let world = World::start(Setup::default()).await;
    let origin = Origin::agreeable(&world, "origin.test").await;
    let mut client = Client::tunnel(&world, &origin).await;
    let request = format!(
        "POST /v1/orders/48151623/items?token=secret HTTP/1.1\r\nHost: {}\r\nContent-Type: application/json\r\n\
         Traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\r\nContent-Length: 2\r\n\r\n{{}}",
        origin.authority()
    );
    assert_eq!(client.exchange(request).await.status, 200);
    let port = origin.address.port();
    let records = world.records().await;
    let sent = only(&records, "decision", "request");
    assert_eq!(sent["client"]["address"], "127.0.0.1");
    assert_eq!(sent["tenant"], "default");
    assert_eq!(sent["destination"]["host"], "origin.test");
    assert_eq!(sent["destination"]["port"], port);
    assert_eq!(sent["destination"]["address"], "127.0.0.1");
    assert_eq!(sent["destination"]["proven"], true);
    assert_eq!(sent["protocol"]["listener"], "apps");
    assert_eq!(sent["protocol"]["http"], "HTTP/1.1");
    assert_eq!(sent["protocol"]["tls_client"], "TLSv1.3");
    assert_eq!(sent["protocol"]["tls_upstream"], "TLSv1.3");
    assert_eq!(sent["http"]["method"], "POST");
    assert_eq!(sent["http"]["path_template"], "/v1/orders/{id}/items");
    assert_eq!(sent["http"]["content_type"], "application/json");
    assert_eq!(sent["bytes"]["seen"], 2);
    assert_eq!(sent["bytes"]["inspected"], 2);
    assert_eq!(sent["bytes"]["forwarded"], 2);
    assert!(sent["traceparent"].is_string());
    let packs = sent["packs"].as_array().unwrap();
    let is_short = |hash: &serde_json::Value| hash.as_str().is_some_and(|hash| hash.len() == 16);
    assert!(!packs.is_empty() && packs.iter().all(|pack| is_short(&pack["hash"])));
    assert!(is_short(&sent["policy"]["hash"]));
    let received = only(&records, "decision", "response");
    assert_eq!(received["flow"], sent["flow"]);
    assert_ne!(received["decision"], sent["decision"]);
    assert_eq!(received["http"]["status"], 200);
    let sequence: Vec<u64> = records.iter().map(|record| record["seq"].as_u64().unwrap()).collect();
    assert!(sequence.windows(2).all(|pair| pair[1] == pair[0] + 1), "{sequence:?}");
}

#[tokio::test]
async fn nothing_that_was_found_is_in_any_record() {
    let rules = vec![
        rule("pan", &["payment.pan"], Action::Alert),
        rule("ssn", &["national-id.us-ssn"], Action::Redact),
    ];
    let world = World::start(Setup { rules, ..Setup::default() }).await;
    let origin = Origin::agreeable(&world, "origin.test").await;
    let host = origin.authority();
    let mut client = Client::tunnel(&world, &origin).await;
    let requests = [
        String::from_utf8(post(&origin, &format!("/pay/{PAN}/x?c={PAN}"), "text/plain", PAN.as_bytes()))
            .unwrap(),
        format!("GET /{SSN} HTTP/1.1\r\nHost: {host}\r\nX-{PAN}: 1\r\n\r\n"),
        format!("GET / HTTP/1.1\r\nHost: {host}\r\nTraceparent: {PAN}\r\n\r\n"),
        format!("{PAN} / HTTP/1.1\r\nHost: {host}\r\n\r\n"),
        format!("POST / HTTP/1.1\r\nHost: {host}\r\nContent-Type: text/{PAN}\r\nContent-Length: 1\r\n\r\nx"),
        format!("GET / HTTP/1.1\r\nHost: {PAN}.test\r\n\r\n"),
        format!(
            "GET / HTTP/1.1\r\nHost: {host}\r\nTraceparent: 00-aaaaaaaaaaaaaaaa{PAN}-bbbbbbbbbbbbbbbb-01\r\n\r\n"
        ),
        format!("POST / HTTP/1.1\r\nHost: {host}\r\nContent-Type: a/x-{PAN}.5\r\nContent-Length: 1\r\n\r\nx"),
    ];
    // Keys that are values themselves, among keys that make numbers of what is joined.
    let keyed = [
        format!("{{\"{PAN}\":{{\"a\":\"{PAN}\"}}}}"),
        format!("{{\"1\":{{\"{PAN}\":\"{PAN}\"}}}}"),
        format!("{{\"customers\":{{\"{PAN}\":{{\"2024\":{{\"pan\":\"{PAN}\"}}}}}}}}"),
        format!("{{\"12\":{{\"{SSN}\":\"{SSN}\"}}}}"),
    ];
    let keyed = keyed.iter().map(|body| post(&origin, "/", "application/json", body.as_bytes()));
    let keyed = keyed.chain([post(
        &origin,
        "/",
        "application/x-www-form-urlencoded",
        format!("{PAN}.5={PAN}").as_bytes(),
    )]);
    let keyed: Vec<String> = keyed.map(|request| String::from_utf8(request).unwrap()).collect();
    for request in requests.iter().chain(&keyed) {
        let mut client = Client::tunnel(&world, &origin).await;
        client.exchange(request).await;
    }
    drop(client.exchange(get(&origin, "/")).await);
    let (records, bytes) = world.records_and_bytes().await;
    assert!(messages(&records).len() >= 2 * requests.len() - 1);
    let text = String::from_utf8_lossy(&bytes);
    for value in [PAN, SSN] {
        assert!(!text.contains(value), "{value} is in a record");
    }
    assert!(records.iter().any(|record| record["findings"][0]["identifier"] == "payment.pan"));
}

#[tokio::test]
async fn a_client_that_goes_away_leaves_an_end() {
    let world = World::start(Setup { hold: 16 * 1024, ..Setup::default() }).await;
    let (arrived, mut arrivals) = tokio::sync::mpsc::unbounded_channel();
    let origin = Origin::start(&world, "origin.test", move |mut conn| {
        let arrived = arrived.clone();
        async move {
            conn.head().await.unwrap();
            conn.reader().fill().await;
            arrived.send(()).unwrap();
            conn.is_cut().await;
            arrived.send(()).unwrap();
        }
    })
    .await;
    let mut client = Client::tunnel(&world, &origin).await;
    client
        .send(format!(
            "POST / HTTP/1.1\r\nHost: {}\r\nTransfer-Encoding: chunked\r\n\r\n",
            origin.authority()
        ))
        .await;
    client.send(chunk_of(&vec![b'x'; 100_000])).await;
    soon("bytes at the origin", arrivals.recv()).await.unwrap();
    drop(client);
    soon("the cut at the origin", arrivals.recv()).await.unwrap();
    let records = world.records().await;
    let end = only(&records, "end", "request");
    assert_eq!(end["decision"], only(&records, "opening", "request")["decision"]);
    assert!(end["bytes"]["forwarded"].as_u64().unwrap() > 0);
}
