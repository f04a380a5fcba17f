//! Addresses that are not public are refused when they are dialled, however they are written and whatever way leads there.

use crate::harness::{Client, Origin, Setup, World, messages};
use crate::ways::{
    Either, HERE, REDIRECTED, Speaks, Way, connected, exchange, in_namespace, meetings, world_set,
};

/// How an address may be written, and the class that it is refused for.
const WRITTEN: [(&str, &str); 34] = [
    ("169.254.169.254", "metadata"),
    ("169.254.169.254.", "metadata"),
    ("2852039166", "metadata"),
    ("0xA9FEA9FE", "metadata"),
    ("0251.0376.0251.0376", "metadata"),
    ("169.254.43518", "metadata"),
    ("169.16689662", "metadata"),
    ("[::ffff:169.254.169.254]", "metadata"),
    ("[::ffff:a9fe:a9fe]", "metadata"),
    ("[0:0:0:0:0:FFFF:A9FE:A9FE]", "metadata"),
    ("[::a9fe:a9fe]", "metadata"),
    ("[64:ff9b::a9fe:a9fe]", "metadata"),
    ("[64:ff9b::169.254.169.254]", "metadata"),
    ("[2002:a9fe:a9fe::1]", "metadata"),
    ("[2001:0:a9fe:a9fe::1]", "metadata"),
    ("[fd00:ec2::254]", "metadata"),
    ("[fd00:0ec2:0000::0254]", "metadata"),
    ("100.100.100.200", "metadata"),
    ("127.0.0.1", "loopback"),
    ("127.1", "loopback"),
    ("2130706433", "loopback"),
    ("0x7f.1", "loopback"),
    ("0177.0.0.1", "loopback"),
    ("[::1]", "loopback"),
    ("0.0.0.0", "unspecified"),
    ("0", "unspecified"),
    ("10.0.0.1", "private"),
    ("167772161", "private"),
    ("[::ffff:10.0.0.1]", "private"),
    ("100.64.0.1", "carrier_nat"),
    ("169.254.1.1", "link_local"),
    ("224.0.0.1", "multicast"),
    ("[fe80::1]", "link_local"),
    ("[2001:db8::1]", "documentation"),
];

#[tokio::test]
async fn an_address_is_refused_however_it_is_written() {
    let world = World::start(Setup { allow_loopback: false, ..Setup::default() }).await;
    for (host, class) in WRITTEN {
        let mut client = Client::direct(&world).await;
        let asked = format!("GET http://{host}:8/ HTTP/1.1\r\nHost: {host}:8\r\nConnection: close\r\n\r\n");
        let absolute = client.exchange(asked).await;
        // What is no authority by the book is none here, and goes to no resolver.
        let is_none = absolute.status == 400;
        let detail = absolute.json()["detail"].as_str().unwrap_or_default().to_owned();
        assert!(is_none || absolute.status == 403, "{host}: {absolute:?}");
        assert!(is_none || detail.contains(class), "{host}: {class}: {detail}");
        // In a tunnel, over HTTP/1.1 in clear text.
        let mut client = Client::direct(&world).await;
        client.send(format!("CONNECT {host}:8 HTTP/1.1\r\nHost: {host}:8\r\n\r\n")).await;
        let granted = client.head().await;
        if granted.line.contains(" 200 ") {
            let inside = client.exchange(format!("GET / HTTP/1.1\r\nHost: {host}:8\r\n\r\n")).await;
            let detail = inside.json()["detail"].as_str().unwrap_or_default().to_owned();
            assert!(inside.status == 403 && detail.contains(class), "{host}: {class}: {inside:?}");
        } else {
            assert!(
                [" 400 ", " 403 "].iter().any(|status| granted.line.contains(status)),
                "{host}: {granted:?}"
            );
        }
    }
    let records = world.records().await;
    assert!(messages(&records).iter().all(|record| record["action"] == "block"), "{records:#?}");
}

/// An origin at an address that nobody allowed.
async fn is_refused(way: Way, client: Speaks) {
    let title = format!("{way:?}, client {client:?}");
    let agreeable = async |world: &World| {
        Either::Http1(match way.tls().1 {
            true => Origin::agreeable(world, "origin.test").await,
            false => {
                Origin::cleartext("origin.test", |conn| conn.serve(|_| crate::harness::origin::ok("{}")))
                    .await
            }
        })
    };
    let (world, origin) =
        world_set(way, Setup { allow_loopback: false, ..Setup::default() }, agreeable).await;
    let mut sender = connected(&world, &origin, way, client).await;
    let (status, text) = exchange(&mut sender, way, &origin, "/", "{}").await;
    assert_eq!(status, 403, "{title}: {text}");
    assert!(text.contains("127.0.0.1") && text.contains("allow_addresses"), "{title}: {text}");
    let Either::Http1(origin) = origin else { unreachable!() };
    assert_eq!(origin.connections(), 0, "{title}");
    let records = world.records().await;
    let told = messages(&records);
    assert!(told.iter().any(|record| record["action"] == "block"), "{title}: {records:#?}");
}

async fn are_refused(ways: &[Way]) {
    for way in ways {
        let mut clients: Vec<_> = meetings(*way).into_iter().map(|(client, _)| client).collect();
        clients.dedup();
        for client in clients {
            is_refused(*way, client).await;
        }
    }
}

#[tokio::test]
async fn an_address_is_refused_on_every_way() {
    are_refused(&HERE).await;
}

#[test]
fn an_address_is_refused_on_redirected_connections() {
    in_namespace("addresses::redirected");
}

#[tokio::test]
#[ignore = "needs a network namespace of its own: run by the test above"]
async fn redirected() {
    are_refused(&REDIRECTED).await;
    // Where a connection was going counts, whatever it says of itself.
    let there = ["addr", "add", "169.254.169.254/32", "dev", "lo"];
    assert!(std::process::Command::new("ip").args(there).status().unwrap().success());
    let agreeable = async |_: &World| {
        Either::Http1(
            Origin::cleartext("origin.test", |conn| conn.serve(|_| crate::harness::origin::ok("{}"))).await,
        )
    };
    let (_world, origin) = world_set(Way::RedirectedPlain, Setup::default(), agreeable).await;
    for host in ["169.254.169.254".to_owned(), "origin.test".to_owned()] {
        let tcp = tokio::net::TcpStream::connect(("169.254.169.254", origin.port())).await.unwrap();
        let mut client = Client { reader: crate::harness::wire::Reader::new(tcp) };
        let host = format!("{host}:{}", origin.port());
        let refused = client.exchange(format!("GET / HTTP/1.1\r\nHost: {host}\r\n\r\n")).await;
        assert_eq!(refused.status, 403, "{host}: {refused:?}");
        assert!(refused.json()["detail"].as_str().unwrap().contains("metadata"), "{host}: {refused:?}");
    }
    let Either::Http1(origin) = origin else { unreachable!() };
    assert_eq!(origin.connections(), 0);
}
