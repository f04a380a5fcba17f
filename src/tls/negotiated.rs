//! What a handshake with an upstream came to, for whoever looks after destinations.

use rustls::ClientConnection;
use x509_parser::prelude::{FromDer, X509Certificate};

use super::version_str;

/// The terms of one connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Negotiated {
    /// `TLSv1.3`.
    pub version: &'static str,
    /// `TLS13_AES_128_GCM_SHA256`.
    pub cipher: &'static str,
    /// Of the key exchange: `X25519`.
    pub group: &'static str,
    /// Until when the certificate holds, in seconds since the Unix epoch.
    pub not_after: Option<i64>,
}

impl Negotiated {
    /// Of a connection whose handshake is over.
    #[must_use]
    pub fn of(connection: &ClientConnection) -> Negotiated {
        let cipher = connection.negotiated_cipher_suite().and_then(|suite| suite.suite().as_str());
        let group = connection.negotiated_key_exchange_group().and_then(|group| group.name().as_str());
        let shown = connection.peer_certificates().and_then(|chain| chain.first());
        let not_after = shown.and_then(|certificate| {
            let (_, parsed) = X509Certificate::from_der(certificate).ok()?;
            Some(parsed.validity().not_after.timestamp())
        });
        Negotiated {
            version: version_str(connection.protocol_version()),
            cipher: cipher.unwrap_or("unknown"),
            group: group.unwrap_or("unknown"),
            not_after,
        }
    }
}
