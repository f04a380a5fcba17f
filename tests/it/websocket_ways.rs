//! A WebSocket meets the same decisions whatever way it comes and whatever it is asked for in.

use serde_json::json;

use crate::harness::socket::{KEY, Socket, TEXT, accept, stream};
use crate::harness::wire::Reader;
use crate::harness::{PAN, SSN, messages, request_actions, soon};
use crate::ways::{Either, HERE, Sender, Speaks, Way, connected, meetings, said, world};

/// Asks for a WebSocket.
async fn open(sender: Sender, way: Way, origin: &Either) -> Socket {
    let authority = format!("origin.test:{}", origin.port());
    match sender {
        Sender::Http1(mut client) => {
            let target =
                if way == Way::Absolute { format!("http://{authority}/chat") } else { "/chat".to_owned() };
            client
                .send(format!(
                    "GET {target} HTTP/1.1\r\nHost: {authority}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
                     Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {KEY}\r\nSec-WebSocket-Protocol: chat\r\n\r\n"
                ))
                .await;
            let head = client.head().await;
            assert!(head.line.starts_with("HTTP/1.1 101"), "{way:?}: {head:?}");
            assert_eq!(head.field("sec-websocket-accept"), Some(&*accept(KEY)));
            assert_eq!(head.field("sec-websocket-protocol"), Some("chat"));
            Socket { reader: client.reader, masks: true }
        }
        Sender::Http2(client) => {
            soon("settings", async {
                while !client.sender.is_extended_connect_protocol_enabled() {
                    tokio::task::yield_now().await;
                }
            })
            .await;
            let scheme = if way.tls().0 { "https" } else { "http" };
            let request = http::Request::builder()
                .method("CONNECT")
                .uri(format!("{scheme}://{authority}/chat"))
                .extension(h2::ext::Protocol::from_static("websocket"))
                .header("sec-websocket-version", "13")
                .header("sec-websocket-protocol", "chat");
            let mut sender = soon("room for a stream", client.sender.clone().ready()).await.unwrap();
            let (response, sending) = sender.send_request(request.body(()).unwrap(), false).unwrap();
            let response = soon("a response", response).await.unwrap();
            assert_eq!(response.status(), 200, "{way:?}");
            assert_eq!(response.headers()["sec-websocket-protocol"], "chat");
            Socket { reader: Reader::new(stream(response.into_body(), sending)), masks: true }
        }
    }
}

/// Carries a clean message, one with a value that is masked, and one with a value that stops it.
pub async fn comes(way: Way, client_speaks: Speaks, origin_speaks: Speaks) {
    let title = format!("{way:?}, client {client_speaks:?}, origin {origin_speaks:?}");
    let (world, origin) = world(way, origin_speaks).await;
    let sender = connected(&world, &origin, way, client_speaks).await;
    let mut socket = open(sender, way, &origin).await;
    for (said, heard) in [("two boxes", "two boxes"), (SSN, "***-**-****")] {
        socket.send(TEXT, said.as_bytes()).await;
        assert_eq!(socket.read().await, Some((TEXT, heard.as_bytes().to_vec())), "{title}");
    }
    socket.send(TEXT, format!("card {PAN}").as_bytes()).await;
    socket.is_closed_with(1008).await;
    drop(socket);
    let records = world.records().await;
    assert_eq!(request_actions(&records), ["allow", "redact", "block"], "{title}: {records:#?}");
    // The last of them counts all that a direction held.
    let all = messages(&records);
    let last = all.iter().rfind(|record| record["direction"] == "request").unwrap();
    let expected = json!([["payment.pan", 1, 0, 1], ["national-id.us-ssn", 1, 0, 1]]);
    assert_eq!(said(last)["findings"], expected, "{title}: {last:#}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_websocket_comes_every_way() {
    for way in HERE {
        for (client, origin) in meetings(way) {
            comes(way, client, origin).await;
        }
    }
}
