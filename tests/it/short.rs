//! A body that ends before its declared length leaves a record that says so, and is never passed on as if it were whole.

use crate::harness::client::get;
use crate::harness::origin::respond;
use crate::harness::wire::Framing;
use crate::harness::{Client, Origin, Setup, World, only};

/// Less than the hold, and more than it.
const ROWS: [(&str, usize); 2] = [("all of it held", 100), ("some of it passed on", 20_000)];

#[tokio::test]
async fn a_client_that_ends_its_body_early_leaves_a_record() {
    for (name, length) in ROWS {
        let world = World::start(Setup { hold: 4 * 1024, ..Setup::default() }).await;
        let origin =
            Origin::start(
                &world,
                "origin.test",
                |mut conn| async move { while conn.reader().fill().await {} },
            )
            .await;
        let mut client = Client::tunnel(&world, &origin).await;
        let head = format!(
            "POST / HTTP/1.1\r\nHost: {}\r\nContent-Type: text/plain\r\nContent-Length: {length}\r\n\r\n",
            origin.authority()
        );
        client.send(format!("{head}{}", "word ".repeat(length / 10))).await;
        drop(client);
        world.recorded("end").await;
        let records = world.records().await;
        let end = only(&records, "end", "request");
        assert_eq!(end["bytes"]["seen"], length / 2, "{name}: {end:#}");
        let reason = end["reason"].as_str().unwrap_or_default();
        assert!(reason.contains("closed connection"), "{name}: {reason}");
        let came = origin.received();
        assert!(came.len() < head.len() + length / 2 + 200, "{name}");
    }
}

#[tokio::test]
async fn an_origin_that_ends_its_body_early_leaves_a_record() {
    for (name, length) in ROWS {
        let world = World::start(Setup { hold: 4 * 1024, ..Setup::default() }).await;
        let origin = Origin::start(&world, "origin.test", move |mut conn| async move {
            conn.request().await.unwrap();
            let head =
                format!("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: {length}\r\n\r\n");
            conn.send(format!("{head}{}", "word ".repeat(length / 10))).await;
            conn.close().await;
        })
        .await;
        let mut client = Client::tunnel(&world, &origin).await;
        client.send(get(&origin, "/")).await;
        let response = client.response_if_any().await;
        assert!(response.is_none_or(|response| response.status != 200 || !response.body.whole), "{name}");
        world.recorded("end").await;
        let records = world.records().await;
        let end = only(&records, "end", "response");
        assert_eq!(end["bytes"]["seen"], length / 2, "{name}: {end:#}");
        assert_eq!(end["reason"], "upstream closed the connection before its response was whole", "{name}");
    }
}

#[tokio::test]
async fn a_client_that_is_refused_while_it_sends_hears_it_and_that_its_connection_ends() {
    for (status, framing, closes) in [
        ("413 Content Too Large", "Content-Length: 10000000", true),
        ("503 Service Unavailable", "Transfer-Encoding: chunked", true),
        ("413 Content Too Large", "Content-Length: 16384", false),
    ] {
        let world = World::start(Setup { hold: 4 * 1024, ..Setup::default() }).await;
        let origin = Origin::start(&world, "origin.test", move |mut conn| async move {
            let head = conn.head().await.unwrap();
            if !closes {
                conn.reader().body(head.framing(Framing::None)).await;
            }
            conn.send(respond(status, "text/plain", b"no more")).await;
            while conn.reader().fill().await {}
        })
        .await;
        let mut client = Client::tunnel(&world, &origin).await;
        let head = format!("POST / HTTP/1.1\r\nHost: {}\r\n{framing}\r\n\r\n", origin.authority());
        let size = if framing.ends_with("chunked") { "100000\r\n" } else { "" };
        client.send(format!("{head}{size}{}", "words 8 ".repeat(2048))).await;
        let response = client.response().await;
        assert!(status.starts_with(&response.status.to_string()), "{status}: {}", response.head.line);
        assert_eq!((&response.body.bytes[..], response.body.whole), (&b"no more"[..], true), "{status}");
        let told = response.field("connection").map(str::to_ascii_lowercase);
        assert_eq!(told.as_deref(), closes.then_some("close"), "{status}, {framing}");
        if closes {
            // It may send for a while yet.
            client.send("word ".repeat(1000)).await;
            assert!(client.is_closed().await, "{status}, {framing}");
        }
    }
}
