//! A client of an explicit proxy that says exactly what a test wants it to.

use std::sync::Arc;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore, crypto};

use super::wire::{Body, Framing, Head, Reader};
use super::{Origin, World, soon};

/// All that is said to a CONNECT: no length, since what follows is the tunnel.
const GRANTED: &str = "HTTP/1.1 200 Connection established\r\n\r\n";

pub struct Client {
    pub reader: Reader,
}

/// A response as it came.
#[derive(Clone, Debug)]
pub struct Response {
    pub status: u16,
    pub head: Head,
    pub body: Body,
}

impl Response {
    pub fn field(&self, name: &str) -> Option<&str> {
        self.head.field(name)
    }

    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body.bytes).unwrap()
    }
}

impl Client {
    /// A connection to the proxy itself.
    pub async fn direct(world: &World) -> Client {
        let tcp = TcpStream::connect(world.proxy).await.unwrap();
        tcp.set_nodelay(true).unwrap();
        Client { reader: Reader::new(tcp) }
    }

    /// A tunnel to `origin`, and TLS in it.
    pub async fn tunnel(world: &World, origin: &Origin) -> Client {
        Client::tunnel_to(world, &origin.authority(), origin.name).await
    }

    /// A tunnel to `authority`, with TLS in it for `sni`.
    pub async fn tunnel_to(world: &World, authority: &str, sni: &str) -> Client {
        let tcp = Client::connect(world, authority).await;
        let tls = soon("a TLS handshake", connector(&world.issuer).connect(name(sni), tcp)).await.unwrap();
        Client { reader: Reader::new(tls) }
    }

    /// A granted tunnel without anything in it yet.
    pub async fn connect(world: &World, authority: &str) -> TcpStream {
        let mut tcp = TcpStream::connect(world.proxy).await.unwrap();
        tcp.set_nodelay(true).unwrap();
        let request = format!("CONNECT {authority} HTTP/1.1\r\nHost: {authority}\r\n\r\n");
        tcp.write_all(request.as_bytes()).await.unwrap();
        let mut answer = vec![0; GRANTED.len()];
        soon("an answer to CONNECT", tcp.read_exact(&mut answer)).await.unwrap();
        assert_eq!(String::from_utf8_lossy(&answer), GRANTED);
        tcp
    }

    pub async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        soon("the gate to read", async {
            self.reader.io.write_all(bytes.as_ref()).await.unwrap();
            self.reader.io.flush().await.unwrap();
        })
        .await;
    }

    /// Sends while the gate may stop reading; what happens is seen in the response.
    pub async fn try_send(&mut self, bytes: impl AsRef<[u8]>) -> std::io::Result<()> {
        soon("the gate to read or close", async {
            self.reader.io.write_all(bytes.as_ref()).await?;
            self.reader.io.flush().await
        })
        .await
    }

    pub async fn head(&mut self) -> Head {
        soon("a response head", self.reader.head()).await.expect("a response")
    }

    pub async fn response(&mut self) -> Response {
        self.response_to("GET").await
    }

    pub async fn response_to(&mut self, method: &str) -> Response {
        let head = self.head().await;
        self.rest_of(head, method).await
    }

    /// The response, or nothing when the connection ends before any of it has come.
    pub async fn response_if_any(&mut self) -> Option<Response> {
        let head = soon("a response head or the end", self.reader.head()).await?;
        Some(self.rest_of(head, "GET").await)
    }

    async fn rest_of(&mut self, head: Head, method: &str) -> Response {
        let status: u16 = head.line.split(' ').nth(1).unwrap().parse().unwrap();
        let framing = match status {
            204 | 304 => Framing::None,
            _ if method == "HEAD" => Framing::None,
            _ => head.framing(Framing::Close),
        };
        let body = soon("a response body", self.reader.body(framing)).await;
        Response { status, head, body }
    }

    pub async fn exchange(&mut self, request: impl AsRef<[u8]>) -> Response {
        self.send(request).await;
        self.response().await
    }

    /// A POST of a whole body, and its response.
    pub async fn post(&mut self, origin: &Origin, path: &str, body: &[u8]) -> Response {
        self.exchange(post(origin, path, "application/json", body)).await
    }

    /// Whether the gate has ended the connection.
    pub async fn is_closed(&mut self) -> bool {
        assert!(self.reader.buffer.is_empty());
        !soon("the end of the connection", self.reader.fill()).await
    }
}

pub fn post(origin: &Origin, path: &str, media_type: &str, body: &[u8]) -> Vec<u8> {
    let head = format!(
        "POST {path} HTTP/1.1\r\nHost: {}\r\nContent-Type: {media_type}\r\nContent-Length: {}\r\n\r\n",
        origin.authority(),
        body.len()
    );
    [head.as_bytes(), body].concat()
}

pub fn get(origin: &Origin, path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: {}\r\n\r\n", origin.authority())
}

pub fn name(host: &str) -> ServerName<'static> {
    ServerName::try_from(host.to_owned()).unwrap()
}

/// TLS for a client that trusts these roots alone.
pub fn connector(trusted: &str) -> TlsConnector {
    connector_offering(trusted, &[])
}

/// The same, offering protocols.
pub fn connector_offering(trusted: &str, alpn: &[&str]) -> TlsConnector {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(trusted.as_bytes()) {
        roots.add(certificate.unwrap()).unwrap();
    }
    let provider = Arc::new(crypto::ring::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = alpn.iter().map(|word| word.as_bytes().to_vec()).collect();
    TlsConnector::from(Arc::new(config))
}
