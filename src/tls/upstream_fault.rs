//! Exact words for each way that the handshake with an upstream can fail.

use std::fmt;
use std::io;

use rustls::{AlertDescription, CertificateError, Error, OtherError, PeerIncompatible};
use rustls_pki_types::{ServerName, UnixTime};

use super::MinTls;
use super::issuer::moment;

/// The kinds of failure; the word is a metric label.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum UpstreamTlsFault {
    Expired,
    NotYetValid,
    SelfSigned,
    UnknownIssuer,
    WrongName,
    Revoked,
    BadSignature,
    BadCertificate,
    WrongPurpose,
    WeakAlgorithm,
    VersionTooLow,
    NothingInCommon,
    NeedsClientCertificate,
    NoProtocol,
    Alert,
    NotTls,
    Closed,
    Io,
    Other,
}

impl UpstreamTlsFault {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            UpstreamTlsFault::Expired => "expired",
            UpstreamTlsFault::NotYetValid => "not_yet_valid",
            UpstreamTlsFault::SelfSigned => "self_signed",
            UpstreamTlsFault::UnknownIssuer => "unknown_issuer",
            UpstreamTlsFault::WrongName => "wrong_name",
            UpstreamTlsFault::Revoked => "revoked",
            UpstreamTlsFault::BadSignature => "bad_signature",
            UpstreamTlsFault::BadCertificate => "bad_certificate",
            UpstreamTlsFault::WrongPurpose => "wrong_purpose",
            UpstreamTlsFault::WeakAlgorithm => "weak_algorithm",
            UpstreamTlsFault::VersionTooLow => "version_too_low",
            UpstreamTlsFault::NothingInCommon => "nothing_in_common",
            UpstreamTlsFault::NeedsClientCertificate => "needs_client_certificate",
            UpstreamTlsFault::NoProtocol => "no_application_protocol",
            UpstreamTlsFault::Alert => "alert",
            UpstreamTlsFault::NotTls => "not_tls",
            UpstreamTlsFault::Closed => "closed",
            UpstreamTlsFault::Io => "io",
            UpstreamTlsFault::Other => "other",
        }
    }
}

/// Why a handshake with an upstream failed, in words for the client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UpstreamTlsError {
    pub fault: UpstreamTlsFault,
    reason: String,
}

impl UpstreamTlsError {
    pub(super) fn new(fault: UpstreamTlsFault, reason: impl Into<String>) -> Self {
        UpstreamTlsError { fault, reason: reason.into() }
    }
}

impl fmt::Display for UpstreamTlsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.reason)
    }
}

impl std::error::Error for UpstreamTlsError {}

/// What is said where there is a cure for it.
pub const NEEDS_CERTIFICATE: &str = "upstream demands a client certificate, which client_certificate of [[upstream.destination]] would show it";

/// Whether an upstream ended a connection because it was shown no certificate: in TLS 1.3 it says so after the handshake.
#[must_use]
pub fn demands_certificate(error: &io::Error) -> bool {
    let alert = Error::AlertReceived(AlertDescription::CertificateRequired);
    match error.get_ref() {
        // What shares a connection is told in words.
        Some(inner) => inner.downcast_ref() == Some(&alert) || inner.to_string() == alert.to_string(),
        None => false,
    }
}

/// Whether an alert may mean that a certificate was asked for and not shown: until TLS 1.3 there was none that says so.
fn may_miss_certificate(alert: AlertDescription) -> bool {
    matches!(
        alert,
        AlertDescription::HandshakeFailure
            | AlertDescription::NoCertificate
            | AlertDescription::BadCertificate
            | AlertDescription::CertificateUnknown
            | AlertDescription::AccessDenied
    )
}

/// `asked`: the upstream asked for a certificate, and there was none to show.
pub(super) fn explain(error: &Error, min_tls: MinTls, asked: bool) -> UpstreamTlsError {
    use UpstreamTlsFault as Fault;
    match error {
        Error::InvalidCertificate(certificate) => explain_certificate(certificate),
        Error::AlertReceived(AlertDescription::ProtocolVersion)
        | Error::PeerIncompatible(
            PeerIncompatible::ServerDoesNotSupportTls12Or13
            | PeerIncompatible::ServerTlsVersionIsDisabledByOurConfig
            | PeerIncompatible::SupportedVersionsExtensionRequired,
        ) => UpstreamTlsError::new(
            Fault::VersionTooLow,
            format!(
                "upstream offers no TLS version that is allowed (upstream.min_tls = \"{}\")",
                min_tls.as_str()
            ),
        ),
        Error::AlertReceived(AlertDescription::CertificateRequired) => {
            UpstreamTlsError::new(Fault::NeedsClientCertificate, NEEDS_CERTIFICATE)
        }
        Error::AlertReceived(alert) if asked && may_miss_certificate(*alert) => {
            UpstreamTlsError::new(Fault::NeedsClientCertificate, NEEDS_CERTIFICATE)
        }
        Error::AlertReceived(AlertDescription::HandshakeFailure) | Error::PeerIncompatible(_) => {
            UpstreamTlsError::new(
                Fault::NothingInCommon,
                format!("no TLS parameters in common with the upstream: {error}"),
            )
        }
        Error::AlertReceived(AlertDescription::NoApplicationProtocol) => UpstreamTlsError::new(
            Fault::NoProtocol,
            "upstream speaks no application protocol that is offered to it",
        ),
        Error::AlertReceived(alert) => UpstreamTlsError::new(
            Fault::Alert,
            format!("upstream refused the handshake with the TLS alert {alert:?}"),
        ),
        Error::InvalidMessage(_) => UpstreamTlsError::new(Fault::NotTls, "upstream does not answer in TLS"),
        Error::NoCertificatesPresented => {
            UpstreamTlsError::new(Fault::BadCertificate, "upstream showed no certificate")
        }
        other => UpstreamTlsError::new(Fault::Other, format!("TLS handshake failed: {other}")),
    }
}

fn explain_certificate(error: &CertificateError) -> UpstreamTlsError {
    use CertificateError as Cert;
    use UpstreamTlsFault as Fault;
    let says = |fault, reason: &str| UpstreamTlsError::new(fault, reason);
    let at = |time: &UnixTime| moment(i64::try_from(time.as_secs()).unwrap_or(i64::MAX));
    match error {
        Cert::Expired => says(Fault::Expired, "certificate has expired"),
        Cert::ExpiredContext { not_after, .. } => {
            says(Fault::Expired, &format!("certificate has expired (notAfter {})", at(not_after)))
        }
        Cert::NotValidYet => says(Fault::NotYetValid, "certificate is not valid yet"),
        Cert::NotValidYetContext { not_before, .. } => {
            says(Fault::NotYetValid, &format!("certificate is not valid yet (notBefore {})", at(not_before)))
        }
        Cert::UnknownIssuer => says(
            Fault::UnknownIssuer,
            "certificate is issued by an authority that upstream.roots does not trust, or an intermediate certificate is missing",
        ),
        Cert::NotValidForName => says(Fault::WrongName, "certificate is for another name"),
        Cert::NotValidForNameContext { expected, presented } => {
            says(Fault::WrongName, &wrong_name(expected, presented))
        }
        Cert::Revoked => says(Fault::Revoked, "certificate has been revoked"),
        Cert::UnknownRevocationStatus => says(Fault::Revoked, "certificate's revocation status is unknown"),
        Cert::ExpiredRevocationList => says(Fault::Revoked, "certificate revocation list has expired"),
        Cert::ExpiredRevocationListContext { next_update, .. } => says(
            Fault::Revoked,
            &format!("certificate revocation list has expired (nextUpdate {})", at(next_update)),
        ),
        Cert::BadSignature => says(Fault::BadSignature, "certificate or handshake has a bad signature"),
        Cert::BadEncoding => says(Fault::BadCertificate, "certificate is malformed"),
        Cert::UnhandledCriticalExtension => {
            says(Fault::BadCertificate, "certificate has a critical extension that is not understood")
        }
        Cert::InvalidPurpose | Cert::InvalidPurposeContext { .. } => {
            says(Fault::WrongPurpose, "certificate may not be used for a server (extended key usage)")
        }
        Cert::UnsupportedSignatureAlgorithmContext { .. }
        | Cert::UnsupportedSignatureAlgorithmForPublicKeyContext { .. } => {
            says(Fault::WeakAlgorithm, "certificate uses a signature algorithm that is not accepted")
        }
        Cert::Other(OtherError(other)) if other.is::<SelfSigned>() => {
            says(Fault::SelfSigned, "certificate is self-signed and not in upstream.roots")
        }
        other => says(Fault::BadCertificate, &format!("certificate is not acceptable: {other}")),
    }
}

/// The names are the upstream's own words, so few of them and only their printable characters are repeated.
fn wrong_name(expected: &ServerName<'_>, presented: &[String]) -> String {
    const SHOWN: usize = 4;
    let clean = |name: &String| -> String {
        // The verifier writes them as `DnsName("a.example")`, `IpAddress(192.0.2.1)`.
        let bare = name
            .split_once('(')
            .map_or(name.as_str(), |(_, rest)| rest.trim_end_matches(')').trim_matches('"'));
        bare.chars().filter(char::is_ascii_graphic).take(128).collect()
    };
    let mut names: Vec<String> = presented.iter().take(SHOWN).map(clean).collect();
    if presented.len() > SHOWN {
        names.push(format!("{} more", presented.len() - SHOWN));
    }
    let names = if names.is_empty() { "no name".to_owned() } else { names.join(", ") };
    format!("certificate is not for {}; it is for {names}", expected.to_str())
}

/// A certificate that vouches for itself: a finer word than "unknown issuer".
#[derive(Debug)]
pub(super) struct SelfSigned;

impl fmt::Display for SelfSigned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("certificate is self-signed")
    }
}

impl std::error::Error for SelfSigned {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_asked_in_vain_is_told_from_who_has_nothing_in_common() {
        use UpstreamTlsFault as Fault;
        for (alert, asked, expected) in [
            (AlertDescription::HandshakeFailure, true, Fault::NeedsClientCertificate),
            (AlertDescription::BadCertificate, true, Fault::NeedsClientCertificate),
            (AlertDescription::CertificateRequired, false, Fault::NeedsClientCertificate),
            (AlertDescription::HandshakeFailure, false, Fault::NothingInCommon),
            (AlertDescription::BadCertificate, false, Fault::Alert),
            (AlertDescription::InternalError, true, Fault::Alert),
        ] {
            let told = explain(&Error::AlertReceived(alert), MinTls::Tls12, asked);
            assert_eq!(told.fault, expected, "{alert:?} {asked}");
        }
    }

    #[test]
    fn what_comes_after_the_handshake_is_known_in_type_and_in_words() {
        let alert = |alert| Error::AlertReceived(alert);
        let of = |inner: Error| io::Error::new(io::ErrorKind::InvalidData, inner);
        let words = |inner: Error| io::Error::new(io::ErrorKind::InvalidData, inner.to_string());
        for shape in [of, words] {
            assert!(demands_certificate(&shape(alert(AlertDescription::CertificateRequired))));
            assert!(!demands_certificate(&shape(alert(AlertDescription::HandshakeFailure))));
        }
        assert!(!demands_certificate(&io::ErrorKind::InvalidData.into()));
    }
}
