//! What is passed on is what was meant: heads rebuilt, connections reused, nothing of one hop on the next.

use crate::harness::client::{connector_offering, get, name};
use crate::harness::origin::respond;
use crate::harness::wire::Reader;
use crate::harness::{Client, Origin, PAN, Setup, World, messages};

#[tokio::test]
async fn a_head_is_rebuilt_for_the_next_hop() {
    let world = World::start(Setup::default()).await;
    let origin = Origin::start(&world, "origin.test", |conn| {
        conn.serve(|_| {
            b"HTTP/1.1 200 OK\r\nAlt-Svc: h3=\":443\"\r\nConnection: x-hop\r\nX-Hop: 1\r\nProxy-Authenticate: Basic\r\n\
              Set-Cookie: a=1\r\nSet-Cookie: b=2\r\nTidegate-Decision: forged\r\nX-Kept: yes\r\nContent-Length: 2\r\n\r\nok"
                .to_vec()
        })
    })
    .await;
    let mut client = Client::tunnel(&world, &origin).await;
    let response = client
        .exchange(format!(
            "GET /a/b?c=d HTTP/1.1\r\nHost: {}\r\nConnection: keep-alive, x-private\r\nX-Private: 1\r\n\
             Proxy-Authorization: Basic Zm9vOmJhcg==\r\nProxy-Connection: keep-alive\r\nKeep-Alive: timeout=5\r\n\
             TE: trailers\r\nAccept-Encoding: br, gzip\r\nCookie: a=1\r\nX-Kept: yes\r\n\r\n",
            origin.authority()
        ))
        .await;
    let received = origin.received_text().to_ascii_lowercase();
    assert!(received.starts_with("get /a/b?c=d http/1.1\r\n"), "{received}");
    for gone in ["x-private", "proxy-", "keep-alive", "zm9v"] {
        assert!(!received.contains(gone), "{gone}: {received}");
    }
    for kept in ["te: trailers", "accept-encoding: br, gzip\r\n", "cookie: a=1", "x-kept: yes"] {
        assert!(received.contains(kept), "{kept}: {received}");
    }
    for gone in ["alt-svc", "x-hop", "proxy-authenticate", "tidegate-decision"] {
        assert_eq!(response.field(gone), None, "{gone}");
    }
    let cookies: Vec<_> = response
        .head
        .fields
        .iter()
        .filter(|(name, _)| name == "set-cookie")
        .map(|(_, value)| value)
        .collect();
    assert_eq!(cookies, ["a=1", "b=2"]);
    assert_eq!(response.field("x-kept"), Some("yes"));
}

#[tokio::test]
async fn connections_are_kept_on_both_sides() {
    let world = World::start(Setup::default()).await;
    let origin = Origin::agreeable(&world, "origin.test").await;
    for _ in 0..3 {
        let mut client = Client::tunnel(&world, &origin).await;
        for _ in 0..3 {
            assert_eq!(client.exchange(get(&origin, "/")).await.status, 200);
        }
        assert_eq!(client.post(&origin, "/", b"{}").await.status, 200);
    }
    assert_eq!(origin.connections(), 1);
}

#[tokio::test]
async fn requests_sent_ahead_are_answered_in_order() {
    let world = World::start(Setup::default()).await;
    let origin = Origin::start(&world, "origin.test", |conn| {
        conn.serve(|request| respond("200 OK", "text/plain", request.head.line.as_bytes()))
    })
    .await;
    let mut client = Client::tunnel(&world, &origin).await;
    let ahead: String = (0..20).map(|number| get(&origin, &format!("/{number}"))).collect();
    client.send(ahead).await;
    for number in 0..20 {
        let response = client.response().await;
        assert_eq!(String::from_utf8_lossy(&response.body.bytes), format!("GET /{number} HTTP/1.1"));
    }
}

#[tokio::test]
async fn a_client_of_http_1_0_is_served() {
    let world = World::start(Setup::default()).await;
    let origin = Origin::agreeable(&world, "origin.test").await;
    let offers: [(&[&str], Option<&[u8]>); 4] = [
        (&[], None),
        (&["http/1.0"], Some(b"http/1.0")),
        (&["http/1.0", "http/1.1"], Some(b"http/1.1")),
        (&["h2", "http/1.0"], Some(b"http/1.0")),
    ];
    for (offered, agreed) in offers {
        let tcp = Client::connect(&world, &origin.authority()).await;
        let tls = connector_offering(&world.issuer, offered).connect(name(origin.name), tcp).await.unwrap();
        assert_eq!(tls.get_ref().1.alpn_protocol(), agreed, "{offered:?}");
        let mut client = Client { reader: Reader::new(tls) };
        let response = client.exchange("GET / HTTP/1.0\r\n\r\n").await;
        assert_eq!((response.status, response.body.bytes.as_slice()), (200, &b"{\"ok\":true}"[..]));
        assert!(client.is_closed().await);
    }
    assert!(origin.received_text().starts_with("GET / HTTP/1.1\r\nhost: origin.test:"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_clients_do_not_get_each_others_answers() {
    let world = std::sync::Arc::new(World::start(Setup::default()).await);
    let origin = Origin::start(&world, "origin.test", |conn| {
        conn.serve(|request| respond("200 OK", "text/plain", &request.body.bytes))
    })
    .await;
    let origin = std::sync::Arc::new(origin);
    let clients: Vec<_> = (0..40)
        .map(|number| {
            let (world, origin) = (std::sync::Arc::clone(&world), std::sync::Arc::clone(&origin));
            tokio::spawn(async move {
                let mut client = Client::tunnel(&world, &origin).await;
                for turn in 0..10 {
                    let card = (number + turn) % 5 == 0;
                    let body = format!("client {number} turn {turn} {}", if card { PAN } else { "" });
                    let response = client.post(&origin, "/", body.as_bytes()).await;
                    assert_eq!(response.status, if card { 403 } else { 200 });
                    assert!(card || response.body.bytes == body.as_bytes());
                }
            })
        })
        .collect();
    for client in clients {
        client.await.unwrap();
    }
    assert!(!origin.received_text().contains(PAN));
    let world = std::sync::Arc::into_inner(world).unwrap();
    let records = world.records().await;
    let blocked = messages(&records).iter().filter(|record| record["action"] == "block").count();
    assert_eq!((messages(&records).len(), blocked), (400 + 320, 80));
}
