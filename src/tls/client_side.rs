//! The handshake with clients: what a server configuration holds beside its leaf.

use std::sync::Arc;

use rustls::crypto::CryptoProvider;
use rustls::server::{NoServerSessionStorage, ProducesTickets};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{CertificateError, ServerConfig};

use super::{Alpn, HTTP_2, IssuerError, MinTls, provider};

/// A client's connection after its handshake.
pub type ClientStream<IO> = tokio_rustls::server::TlsStream<IO>;

/// What all server configurations share.
pub(super) struct Configs {
    provider: Arc<CryptoProvider>,
    tickets: Arc<dyn ProducesTickets>,
}

impl Configs {
    pub(super) fn new() -> Result<Self, IssuerError> {
        let tickets = rustls::crypto::ring::Ticketer::new()
            .map_err(|error| IssuerError::new(format!("session ticket keys cannot be made: {error}")))?;
        Ok(Configs { provider: provider(), tickets })
    }

    /// For clients that are offered HTTP/1.1 alone, and for those that are offered HTTP/2 too.
    pub(super) fn with_leaf(&self, leaf: CertifiedKey) -> Result<[Arc<ServerConfig>; 2], IssuerError> {
        let mut config = ServerConfig::builder_with_provider(Arc::clone(&self.provider))
            .with_protocol_versions(MinTls::Tls12.versions())
            .map_err(|error| IssuerError::new(format!("server configuration cannot be made: {error}")))?
            .with_no_client_auth()
            .with_cert_resolver(Arc::new(SingleCertAndKey::from(leaf)));
        config.alpn_protocols = Alpn::Http1.served();
        // Tickets carry the session to the client and back: a table of sessions for each of thousands of names
        // would be memory that strangers fill. One key for all names is safe: rustls binds a ticket to its SNI.
        config.session_storage = Arc::new(NoServerSessionStorage {});
        config.ticketer = Arc::clone(&self.tickets);
        config.send_tls13_tickets = 1;
        let mut both = config.clone();
        both.alpn_protocols = Alpn::Http2.served();
        Ok([Arc::new(config), Arc::new(both)])
    }
}

/// Whether a client speaks HTTP/2.
#[must_use]
pub fn offers_http2(hello: &rustls::server::ClientHello<'_>) -> bool {
    hello.alpn().is_some_and(|mut protocols| protocols.any(|protocol| protocol == HTTP_2))
}

/// The word for what ended a handshake with a client; a metric label. Alerts are the client's own judgement of the
/// leaf it was shown: one that pins certificates says `unknown_ca` or `bad_certificate`.
#[must_use]
pub fn client_fault(error: &std::io::Error) -> &'static str {
    use rustls::{AlertDescription as Alert, Error};
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<Error>());
    match inner {
        Some(Error::AlertReceived(Alert::UnknownCA)) => "unknown_ca",
        Some(Error::AlertReceived(Alert::BadCertificate)) => "bad_certificate",
        Some(Error::AlertReceived(Alert::CertificateUnknown)) => "certificate_unknown",
        Some(Error::AlertReceived(Alert::CertificateExpired)) => "certificate_expired",
        Some(Error::AlertReceived(Alert::UnsupportedCertificate)) => "unsupported_certificate",
        Some(Error::AlertReceived(Alert::AccessDenied)) => "access_denied",
        Some(Error::AlertReceived(Alert::DecryptError)) => "decrypt_error",
        Some(Error::AlertReceived(_)) => "alert",
        Some(Error::NoCertificatesPresented) => "no_client_certificate",
        Some(Error::InvalidCertificate(fault)) => certificate_fault(fault),
        Some(Error::PeerIncompatible(_)) => "nothing_in_common",
        Some(Error::NoApplicationProtocol) => "no_application_protocol",
        Some(Error::InvalidMessage(_) | Error::PeerMisbehaved(_)) => "not_tls",
        Some(_) => "other",
        None if error.kind() == std::io::ErrorKind::UnexpectedEof => "closed",
        None => "io",
    }
}

/// The same for a client's own certificate, where it was asked for one.
fn certificate_fault(fault: &CertificateError) -> &'static str {
    use CertificateError as Fault;
    match fault {
        Fault::Expired | Fault::ExpiredContext { .. } => "client_certificate_expired",
        Fault::NotValidYet | Fault::NotValidYetContext { .. } => "client_certificate_not_yet_valid",
        Fault::Revoked => "client_certificate_revoked",
        Fault::ExpiredRevocationList | Fault::ExpiredRevocationListContext { .. } => "client_crl_expired",
        Fault::UnknownIssuer => "client_certificate_unknown_ca",
        // Of an authority that only bears the name of one that is known.
        Fault::BadSignature => "client_certificate_bad_signature",
        Fault::InvalidPurpose | Fault::InvalidPurposeContext { .. } => "client_certificate_wrong_purpose",
        // What `own` says of names that are nobody's.
        Fault::ApplicationVerificationFailure => "client_certificate_names_nobody",
        _ => "client_certificate_invalid",
    }
}

/// Whether such a word is a client's refusal of the certificate that it was shown.
#[must_use]
pub fn is_refusal(word: &str) -> bool {
    matches!(
        word,
        "unknown_ca"
            | "bad_certificate"
            | "certificate_unknown"
            | "certificate_expired"
            | "unsupported_certificate"
            | "access_denied"
    )
}
