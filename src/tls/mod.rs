//! Both handshakes: the issuer, leaves shown to clients, and strict verification of upstreams.
//!
//! May import floors 0–3. The only home of rustls. Invariants: the ring provider is named explicitly, never the
//! process default; a leaf key is never the issuer's key; a leaf never outlives its issuer.

mod bundle;
mod client_side;
mod der;
pub mod hello;
mod identity;
mod issuer;
mod leaf;
mod negotiated;
mod own;
mod upstream_fault;
mod upstream_side;

#[cfg(test)]
pub(crate) mod testing;

use std::fmt;
use std::sync::Arc;

use rustls::crypto::CryptoProvider;

pub use bundle::bundle;
pub use client_side::{ClientStream, client_fault, is_refusal, offers_http2};
pub use identity::ClientIdentity;
pub use issuer::Issuer;
pub use leaf::{LeafStats, Leaves};
pub use negotiated::Negotiated;
pub use own::{Accepted, ClientTrust, Known, ListenerTls, NotAccepted, ServerIdentity};
pub use tokio_rustls::{LazyConfigAcceptor, StartHandshake};
pub use upstream_fault::{NEEDS_CERTIFICATE, UpstreamTlsError, UpstreamTlsFault, demands_certificate};
pub use upstream_side::{Trust, UpstreamStream, UpstreamTls};

/// Why an issuer, a leaf or a trust store cannot be used.
#[derive(Debug)]
pub struct IssuerError {
    pub message: String,
}

impl IssuerError {
    fn new(message: impl Into<String>) -> Self {
        IssuerError { message: message.into() }
    }
}

impl fmt::Display for IssuerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for IssuerError {}

/// Where roots come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RootSource {
    System,
    Mozilla,
    Pem(std::path::PathBuf),
}

/// `min_tls`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum MinTls {
    Tls12,
    Tls13,
}

impl MinTls {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            MinTls::Tls12 => "1.2",
            MinTls::Tls13 => "1.3",
        }
    }

    fn versions(self) -> &'static [&'static rustls::SupportedProtocolVersion] {
        static BOTH: [&rustls::SupportedProtocolVersion; 2] =
            [&rustls::version::TLS13, &rustls::version::TLS12];
        static NEWEST: [&rustls::SupportedProtocolVersion; 1] = [&rustls::version::TLS13];
        match self {
            MinTls::Tls12 => &BOTH,
            MinTls::Tls13 => &NEWEST,
        }
    }
}

/// What both ends of a handshake may agree to speak (RFC 7301).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Alpn {
    Http1,
    /// HTTP/2, or else HTTP/1.1.
    Http2,
}

const HTTP_1: &[u8] = b"http/1.1";
const HTTP_1_0: &[u8] = b"http/1.0";
const HTTP_2: &[u8] = b"h2";

impl Alpn {
    /// What is offered, or taken, in the order of preference.
    fn protocols(self) -> Vec<Vec<u8>> {
        match self {
            Alpn::Http1 => vec![HTTP_1.to_vec()],
            Alpn::Http2 => vec![HTTP_2.to_vec(), HTTP_1.to_vec()],
        }
    }

    /// What clients may choose from: who knows nothing newer than HTTP/1.0 is served, too, as without TLS.
    fn served(self) -> Vec<Vec<u8>> {
        let mut protocols = self.protocols();
        protocols.push(HTTP_1_0.to_vec());
        protocols
    }
}

/// What a handshake agreed on, if anything.
#[must_use]
pub fn agreed(protocol: Option<&[u8]>) -> Option<Alpn> {
    match protocol {
        Some(HTTP_1 | HTTP_1_0) => Some(Alpn::Http1),
        Some(HTTP_2) => Some(Alpn::Http2),
        Some(_) | None => None,
    }
}

/// The word for a negotiated version in records: `TLSv1.2`, `TLSv1.3`.
#[must_use]
pub fn version_str(version: Option<rustls::ProtocolVersion>) -> &'static str {
    match version.and_then(|v| v.as_str()) {
        Some("TLSv1_3") => "TLSv1.3",
        Some("TLSv1_2") => "TLSv1.2",
        _ => "unknown",
    }
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}
