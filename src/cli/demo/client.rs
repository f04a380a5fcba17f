//! The demo's client: CONNECT, a TLS handshake that trusts the gate's issuer alone, one request.

use std::net::SocketAddr;
use std::path::Path;

use bytes::Bytes;
use http::{HeaderMap, Request, StatusCode, header};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::scenes::Scene;
use crate::cli::Failure;
use crate::flow::Host;
use crate::limits;
use crate::tls::{Alpn, MinTls, RootSource, UpstreamTls};

pub(super) struct Client {
    proxy: SocketAddr,
    port: u16,
    trust: UpstreamTls,
}

/// What came back.
#[derive(Debug)]
pub(super) struct Reply {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

impl Client {
    pub(super) fn new(proxy: SocketAddr, port: u16, issuer: &Path) -> Result<Client, Failure> {
        let trust = UpstreamTls::new(&[RootSource::Pem(issuer.to_owned())], MinTls::Tls12);
        Ok(Client { proxy, port, trust: trust.map_err(Failure::unavailable)? })
    }

    pub(super) async fn send(&self, scene: &Scene) -> Result<Reply, Failure> {
        let failed = |error: Box<dyn std::error::Error + Send + Sync>| {
            Failure::unavailable(format!("the demo's request to {} failed: {error}", scene.host))
        };
        self.exchange(scene).await.map_err(failed)
    }

    async fn exchange(&self, scene: &Scene) -> Result<Reply, Box<dyn std::error::Error + Send + Sync>> {
        let authority = format!("{}:{}", scene.host, self.port);
        let mut stream = TcpStream::connect(self.proxy).await?;
        let connect = format!("CONNECT {authority} HTTP/1.1\r\nHost: {authority}\r\n\r\n");
        stream.write_all(connect.as_bytes()).await?;
        opened(&mut stream).await?;
        let host = scene.host.parse::<Host>()?;
        let stream =
            self.trust.connect(&host, Alpn::Http1, stream).await.map_err(|error| error.to_string())?;
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        let connection = tokio::spawn(connection);
        let request = Request::post(scene.path)
            .header(header::HOST, &authority)
            .header(header::CONTENT_TYPE, "application/json")
            .body(Full::new(Bytes::from_static(scene.body.as_bytes())))?;
        let (head, body) = sender.send_request(request).await?.into_parts();
        let body = body.collect().await?.to_bytes();
        connection.abort();
        Ok(Reply { status: head.status, headers: head.headers, body })
    }
}

/// Reads the answer to CONNECT, no further than its end.
async fn opened(stream: &mut TcpStream) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await?);
        if head.len() > limits::HEAD_BYTES {
            return Err("the answer to CONNECT does not end".into());
        }
    }
    let line = String::from_utf8_lossy(&head).lines().next().unwrap_or_default().to_owned();
    if line.split(' ').nth(1) == Some("200") {
        Ok(())
    } else {
        Err(format!("CONNECT was answered {line}").into())
    }
}
