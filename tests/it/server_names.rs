//! Server names as they should not be: whoever shows one gets a handshake of his own or an alert, and nothing goes anywhere.

use tidegate::policy::{Clients, Interceptions};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::harness::{Origin, Setup, World, soon};
use crate::tunnels::{FOREVER, bypass};
use crate::ways::{Either, Speaks, Way, carrier, connected, exchange, in_namespace, world_set};

/// The first byte of what comes back: a handshake goes on, or an alert ends it.
const GOES_ON: u8 = 22;
const ALERT: u8 = 21;

fn vector(bytes: &[u8]) -> Vec<u8> {
    [&u16::try_from(bytes.len()).unwrap().to_be_bytes(), bytes].concat()
}

/// `server_name` with these names.
fn names(names: &[&[u8]]) -> Vec<u8> {
    let list: Vec<u8> = names.iter().flat_map(|name| [&[0], &vector(name)[..]].concat()).collect();
    [&[0, 0][..], &vector(&vector(&list))].concat()
}

/// A hello of TLS 1.3 that can be answered.
fn hello(more: &[u8]) -> Vec<u8> {
    let extension = |kind: u16, content: &[u8]| [&kind.to_be_bytes()[..], &vector(content)].concat();
    let share = vector(&[&[0, 0x1d][..], &vector(&[[9].as_slice(), &[0; 31]].concat())].concat());
    let extensions = [
        extension(43, &[2, 3, 4]),
        extension(10, &vector(&[0, 0x1d])),
        extension(13, &vector(&[4, 3])),
        extension(51, &share),
        more.to_vec(),
    ]
    .concat();
    let body =
        [vec![3, 3], vec![7; 32], vec![0], vector(&[0x13, 1]), vec![1, 0], vector(&extensions)].concat();
    let message = [&[1, 0][..], &vector(&body)].concat();
    [vec![22, 3, 1], vector(&message)].concat()
}

/// What is shown, and whether a handshake goes on, and whether it would pass unopened where the name is bypassed.
fn shown() -> Vec<(&'static str, Vec<u8>, u8, bool)> {
    let one = |name: &[u8]| names(&[name]);
    let sealed = [&[0, 0, 1, 0, 1, 7][..], &vector(&[9; 32]), &vector(&[8; 64])].concat();
    let ech = [&[0xfe, 0x0d][..], &vector(&sealed)].concat();
    vec![
        ("the name", one(b"origin.test"), GOES_ON, true),
        ("in upper case", one(b"ORIGIN.Test"), GOES_ON, true),
        ("none", vec![], GOES_ON, false),
        ("another", one(b"other.test"), GOES_ON, false),
        ("with its root", one(b"origin.test."), GOES_ON, true),
        ("an address", one(b"127.0.0.1"), GOES_ON, false),
        ("with an underscore", one(b"origin_x.test"), GOES_ON, false),
        ("of another alphabet", one(b"xn--bcher-kva.test"), GOES_ON, false),
        ("in another alphabet", one("b\u{fc}cher.test".as_bytes()), ALERT, false),
        ("with NUL", one(b"origin.test\0.evil.test"), ALERT, false),
        ("with a line", one(b"origin.test\r\nHost: evil.test"), ALERT, false),
        ("empty", one(b""), ALERT, false),
        ("too long", one(&[b'a'; 300]), ALERT, false),
        ("labels too long", one(&[&[b'a'; 64][..], b".test"].concat()), ALERT, false),
        ("a star", one(b"*.test"), ALERT, false),
        ("two", names(&[b"origin.test", b"other.test"]), ALERT, false),
        ("twice", [one(b"origin.test"), one(b"origin.test")].concat(), ALERT, false),
        ("with ECH, or what looks like it", [one(b"origin.test"), ech].concat(), GOES_ON, false),
    ]
}

async fn are_met(way: Way, interceptions: Interceptions) {
    let is_bypassed = !interceptions.bypasses.is_empty();
    let setup = Setup { interceptions, ..Setup::default() };
    let (world, origin) = world_set(way, setup, async |world: &World| {
        Either::Http1(Origin::agreeable(world, "origin.test").await)
    })
    .await;
    let Either::Http1(behind) = &origin else { return };
    let mut wrong = Vec::new();
    for (what, extension, expected, passes) in shown() {
        let before = behind.connections();
        let mut io = carrier(&world, &origin, way).await;
        io.write_all(&hello(&extension)).await.unwrap();
        io.flush().await.unwrap();
        let mut first = [0];
        let came = soon("an answer", io.read(&mut first)).await.unwrap_or_default();
        let title = format!("{way:?}, bypassed {is_bypassed}: {what}");
        let passed = behind.connections() - before;
        let got = (first[..came].to_vec(), passed);
        if got != (vec![expected], usize::from(is_bypassed && passes)) {
            wrong.push(format!("{title}: {got:?}"));
        }
    }
    assert_eq!(wrong, Vec::<String>::new(), "first byte of the answer, connections to the origin");
    if !is_bypassed {
        let mut sender = connected(&world, &origin, way, Speaks::Http1).await;
        assert_eq!(exchange(&mut sender, way, &origin, "/", "{}").await.0, 200, "{way:?}");
    }
}

/// With a bypass of the origin's name and without.
async fn on(way: Way) {
    are_met(way, Interceptions::default()).await;
    are_met(way, bypass("origin.test", Clients::default(), FOREVER)).await;
}

#[tokio::test]
async fn odd_names_reach_nobody_in_a_tunnel_and_pass_unopened_nowhere() {
    on(Way::TlsInTunnel).await;
}

#[tokio::test]
async fn odd_names_are_answered_by_a_reverse_listener_itself() {
    are_met(Way::ReverseTls, Interceptions::default()).await;
}

#[test]
fn odd_names_reach_nobody_on_redirected_connections() {
    in_namespace("server_names::redirected");
}

#[tokio::test]
#[ignore = "needs a network namespace of its own: run by the test above"]
async fn redirected() {
    on(Way::RedirectedTls).await;
}
