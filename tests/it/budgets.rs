//! Windows count what was forwarded, in whatever protocol it came: not what was refused, and not what went nowhere.

use std::time::Duration;

use tidegate::policy::{Action, Per, RuleSpec};

use crate::harness::{Client, H2Client, Origin, PAN, Setup, World, rule};

enum Speaker {
    Http1(Client),
    Http2(H2Client),
}

impl Speaker {
    async fn to(world: &World, authority: &str, host: &str, http2: bool) -> Speaker {
        match http2 {
            false => Speaker::Http1(Client::tunnel_to(world, authority, host).await),
            true => Speaker::Http2(H2Client::tunnel(world, authority, host).await),
        }
    }

    async fn post(&mut self, authority: &str, body: &str) -> u16 {
        match self {
            Speaker::Http1(client) => {
                let head = format!(
                    "POST / HTTP/1.1\r\nHost: {authority}\r\nContent-Type: text/plain\r\nContent-Length: {}\r\n\r\n",
                    body.len()
                );
                client.exchange(head + body).await.status
            }
            Speaker::Http2(client) => client.post(authority, "/", body.as_bytes()).await.status,
        }
    }
}

fn hourly(change: impl Fn(&mut RuleSpec)) -> RuleSpec {
    let mut rule = RuleSpec {
        per: Per::Client,
        window: Some(Duration::from_secs(3600)),
        ..rule("hourly", &["contact.email"], Action::Block)
    };
    change(&mut rule);
    rule
}

#[tokio::test]
async fn only_what_was_forwarded_counts_over_http_1_and_http_2() {
    for http2 in [false, true] {
        let rules = vec![rule("cards", &["payment.pan"], Action::Block), hourly(|rule| rule.at_least = 4)];
        let world = World::start(Setup { rules, ..Setup::default() }).await;
        let origin = if http2 {
            let origin = crate::harness::H2Origin::start(&world, "origin.test", |mut exchange| async move {
                exchange.reply(200, b"{}");
            });
            Ok(origin.await)
        } else {
            Err(Origin::agreeable(&world, "origin.test").await)
        };
        let there = origin.as_ref().map_or_else(|origin| origin.authority(), |origin| origin.authority());
        let two = "a person1@mail.shop.com b person2@mail.shop.com";
        // Nobody is there: what was free to leave went nowhere.
        let mut nobody = Speaker::to(&world, "other.test:1", "other.test", http2).await;
        for other in ["c person8@mail.shop.com d person9@mail.shop.com", "e person7@mail.shop.com"] {
            assert_eq!(nobody.post("other.test:1", other).await, 502, "HTTP/2: {http2}");
        }
        // Refused for what else it holds, again and again.
        for _ in 0..3 {
            let mut client = Speaker::to(&world, &there, "origin.test", http2).await;
            let body = format!("card {PAN} x person5@mail.shop.com y person6@mail.shop.com");
            assert_eq!(client.post(&there, &body).await, 403);
        }
        let mut client = Speaker::to(&world, &there, "origin.test", http2).await;
        assert_eq!(client.post(&there, two).await, 200);
        assert_eq!(client.post(&there, two).await, 200, "the same values again");
        assert_eq!(client.post(&there, "f person3@mail.shop.com").await, 200);
        assert_eq!(client.post(&there, "g person4@mail.shop.com").await, 403, "the fourth within the hour");
    }
}

#[tokio::test]
async fn bytes_and_destinations_have_windows_of_their_own() {
    let bytes = hourly(|rule| {
        (rule.id, rule.identifiers, rule.at_least_bytes) = ("bytes".into(), vec![], Some(4096));
        rule.direction = Some(tidegate::flow::Direction::Request);
    });
    let destination = hourly(|rule| {
        (rule.id, rule.per, rule.at_least) = ("destination".into(), Per::Destination, 2);
    });
    let world = World::start(Setup { rules: vec![bytes, destination], ..Setup::default() }).await;
    let origin = Origin::agreeable(&world, "origin.test").await;
    let other = Origin::agreeable(&world, "other.test").await;
    let mut to_one = Client::tunnel(&world, &origin).await;
    assert_eq!(to_one.post(&origin, "/", b"person1@mail.shop.com").await.status, 200);
    assert_eq!(to_one.post(&origin, "/", b"person2@mail.shop.com").await.status, 403);
    let mut to_other = Client::tunnel(&world, &other).await;
    assert_eq!(to_other.post(&other, "/", b"person2@mail.shop.com").await.status, 200);
    assert_eq!(to_other.post(&other, "/", &[b'x'; 3000]).await.status, 200);
    assert_eq!(to_other.post(&other, "/", &[b'x'; 3000]).await.status, 403);
}

#[tokio::test]
async fn answers_are_judged_by_their_status_and_type() {
    let errors = RuleSpec {
        status: vec!["5xx".into()],
        media_types: vec!["text/*".into()],
        ..rule("errors", &["contact.email"], Action::Block)
    };
    let world = World::start(Setup { rules: vec![errors], ..Setup::default() }).await;
    let answer = |request: &crate::harness::origin::Request| {
        let path = request.head.line.split(' ').nth(1).unwrap().to_owned();
        let (status, media_type) = path.trim_start_matches('/').split_once('/').unwrap();
        let status = format!("{status} X");
        crate::harness::origin::respond(&status, &media_type.replace('.', "/"), b"person1@mail.shop.com")
    };
    let origin = Origin::start(&world, "origin.test", move |peer| peer.serve(answer)).await;
    for (path, expected) in [
        ("/200/text.plain", 200),
        ("/500/application.json", 500),
        ("/500/text.html", 403),
        ("/503/text.plain", 403),
    ] {
        let mut client = Client::tunnel(&world, &origin).await;
        assert_eq!(client.post(&origin, path, b"{}").await.status, expected, "{path}");
    }
}
