//! WebSockets as a client and an origin have them, over connections and over streams of HTTP/2.

use std::sync::{Arc, Mutex};

use bytes::Bytes;
use h2::{RecvStream, SendStream};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};

use super::h2::Exchange;
use super::origin::Conn;
use super::wire::{Head, Reader};
use super::{Origin, PAN, World, soon};

pub const TEXT: u8 = 0x81;
pub const BINARY: u8 = 0x82;
pub const CLOSE: u8 = 0x88;
pub const PING: u8 = 0x89;
pub const COMPRESSED: u8 = 0xc1;
pub const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";

/// One end of a WebSocket.
pub struct Socket {
    pub reader: Reader,
    pub masks: bool,
}

pub fn frame(first: u8, payload: &[u8], masks: bool) -> Vec<u8> {
    let mut out = vec![first];
    let bit = if masks { 0x80 } else { 0 };
    match payload.len() {
        length @ 0..126 => out.push(bit | length as u8),
        length @ 126..65_536 => {
            out.push(bit | 126);
            out.extend((length as u16).to_be_bytes());
        }
        length => {
            out.push(bit | 127);
            out.extend((length as u64).to_be_bytes());
        }
    }
    if masks {
        let key = [7, 11, 13, 17];
        out.extend(key);
        out.extend(payload.iter().zip(key.iter().cycle()).map(|(byte, key)| byte ^ key));
    } else {
        out.extend(payload);
    }
    out
}

impl Socket {
    pub async fn send(&mut self, first: u8, payload: &[u8]) {
        let bytes = frame(first, payload, self.masks);
        // The gate may have closed: that is for who reads to see.
        let _ = self.reader.io.write_all(&bytes).await;
        let _ = self.reader.io.flush().await;
    }

    async fn need(&mut self, length: usize) -> bool {
        while self.reader.buffer.len() < length {
            if !self.reader.fill().await {
                return false;
            }
        }
        true
    }

    /// The next frame; nothing when the connection ends.
    pub async fn read(&mut self) -> Option<(u8, Vec<u8>)> {
        soon("a frame or the end", self.next()).await
    }

    pub async fn next(&mut self) -> Option<(u8, Vec<u8>)> {
        if !self.need(2).await {
            return None;
        }
        let (first, second) = (self.reader.buffer[0], self.reader.buffer[1]);
        assert_eq!(second & 0x80 != 0, !self.masks, "masks of the wrong end");
        let wide = [0, 2, 8][match second & 0x7f {
            126 => 1,
            127 => 2,
            _ => 0,
        }];
        if !self.need(2 + wide).await {
            return None;
        }
        let mut length = usize::from(second & 0x7f);
        if wide > 0 {
            length =
                self.reader.buffer[2..2 + wide].iter().fold(0, |sum, byte| sum << 8 | usize::from(*byte));
        }
        let keyed = if self.masks { 0 } else { 4 };
        let start = 2 + wide + keyed;
        if !self.need(start + length).await {
            return None;
        }
        let bytes: Vec<u8> = self.reader.buffer.drain(..start + length).collect();
        let key = &bytes[2 + wide..start];
        let payload = bytes[start..].iter().enumerate();
        Some((first, payload.map(|(at, byte)| if keyed == 0 { *byte } else { byte ^ key[at % 4] }).collect()))
    }

    /// Expects a closing frame, and then the end.
    pub async fn is_closed_with(&mut self, code: u16) {
        loop {
            match self.read().await {
                Some((CLOSE, payload)) => {
                    assert_eq!(payload[..2], code.to_be_bytes());
                    let said = String::from_utf8_lossy(&payload[2..]);
                    assert!(!said.contains(&PAN[6..]), "{said}");
                    break;
                }
                Some(_) => {}
                None => panic!("ended without a closing frame"),
            }
        }
        assert_eq!(self.read().await, None);
    }
}

pub fn accept(key: &str) -> String {
    let text = format!("{key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11");
    let digest = ring::digest::digest(&ring::digest::SHA1_FOR_LEGACY_USE_ONLY, text.as_bytes());
    base64(digest.as_ref())
}

fn base64(bytes: &[u8]) -> String {
    let digits = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    for chunk in bytes.chunks(3) {
        let bits =
            chunk.iter().fold(0u32, |sum, byte| sum << 8 | u32::from(*byte)) << (8 * (3 - chunk.len()));
        for place in 0..4 {
            let there = place <= chunk.len();
            out.push(if there { digits[(bits >> (18 - 6 * place)) as usize & 63] as char } else { '=' });
        }
    }
    out
}

/// What an origin was sent, message by message as frames came.
pub type Heard = Arc<Mutex<Vec<(u8, Vec<u8>)>>>;

/// Keeps what comes, and says it again, until the end.
pub async fn say_again(mut socket: Socket, heard: &Heard) {
    while let Some((first, payload)) = socket.next().await {
        heard.lock().unwrap().push((first, payload.clone()));
        socket.send(first, &payload).await;
        if first == CLOSE {
            break;
        }
    }
    let _ = socket.reader.io.shutdown().await;
}

/// Agrees to the WebSocket that was asked for.
pub async fn agree(mut conn: Conn, head: &Head, extensions: &str) -> Socket {
    assert_eq!(head.field("upgrade"), Some("websocket"));
    assert_eq!(head.field("sec-websocket-version"), Some("13"));
    let accept = accept(head.field("sec-websocket-key").unwrap());
    let more = if head.field("sec-websocket-extensions").is_some() { extensions } else { "" };
    conn.send(format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Accept: {accept}\r\nSec-WebSocket-Protocol: chat\r\n{more}\r\n"
    ))
    .await;
    let reader = std::mem::replace(conn.reader(), Reader::new(tokio::io::duplex(1).0));
    Socket { reader, masks: false }
}

/// The same over a stream of HTTP/2 (RFC 8441).
pub fn agree_over(mut exchange: Exchange) -> Socket {
    let protocol = exchange.request.extensions().get::<h2::ext::Protocol>();
    assert_eq!(protocol.map(h2::ext::Protocol::as_str), Some("websocket"));
    for one in ["sec-websocket-key", "upgrade", "connection"] {
        assert!(!exchange.request.headers().contains_key(one), "{one}");
    }
    let response = http::Response::builder().header("sec-websocket-protocol", "chat").body(()).unwrap();
    let send = exchange.respond.send_response(response, false).unwrap();
    Socket { reader: Reader::new(stream(exchange.request.into_body(), send)), masks: false }
}

/// An origin that agrees, keeps what it hears, and says it again.
pub async fn echo(world: &World, extensions: &'static str) -> (Origin, Heard) {
    let heard = Heard::default();
    let keep = Arc::clone(&heard);
    let origin = Origin::start(world, "origin.test", move |mut conn| {
        let keep = Arc::clone(&keep);
        async move {
            let head = conn.head().await.unwrap();
            say_again(agree(conn, &head, extensions).await, &keep).await;
        }
    })
    .await;
    (origin, heard)
}

/// The bytes of a stream.
pub fn stream(mut receive: RecvStream, mut send: SendStream<Bytes>) -> DuplexStream {
    let (here, there) = tokio::io::duplex(64 * 1024);
    let (mut from, mut to) = tokio::io::split(there);
    tokio::spawn(async move {
        while let Some(Ok(chunk)) = receive.data().await {
            receive.flow_control().release_capacity(chunk.len()).unwrap();
            let _ = to.write_all(&chunk).await;
        }
        let _ = to.shutdown().await;
    });
    tokio::spawn(async move {
        let mut buffer = vec![0; 16 * 1024];
        while let Ok(read @ 1..) = from.read(&mut buffer).await {
            let _ = send.send_data(Bytes::copy_from_slice(&buffer[..read]), false);
        }
        let _ = send.send_data(Bytes::new(), true);
    });
    here
}
