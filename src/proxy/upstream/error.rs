//! What can go wrong with an upstream, by stage, in words for the client.

use std::error::Error;
use std::fmt;
use std::io;
use std::net::SocketAddr;

use http::StatusCode;

use super::AddressRefusal;
use crate::flow::Host;
use crate::proxy::deadline::Stalled;
use crate::proxy::guard::{GuardHandle, Refusal};
use crate::tls::{self, UpstreamTlsError, UpstreamTlsFault};

/// An upstream's certificate is not to be trusted (RFC 9209, section 2.3.11).
pub(crate) const CERTIFICATE: &str = "tls_certificate_error";

/// Why there is no connection to an upstream.
#[derive(Debug)]
pub(crate) enum UpstreamError {
    Resolve {
        host: Host,
        reason: String,
        timed_out: bool,
    },
    Address {
        host: Host,
        refusal: AddressRefusal,
    },
    Connect {
        host: Host,
        address: SocketAddr,
        source: io::Error,
    },
    Tls {
        host: Host,
        address: SocketAddr,
        source: UpstreamTlsError,
    },
    TlsTimeout {
        host: Host,
        address: SocketAddr,
    },
    /// Others wait for a connection to it, too, and it did not come in time.
    Busy {
        host: Host,
    },
}

impl UpstreamError {
    /// The same, for somebody else who waited for the connection.
    pub(super) fn again(&self) -> UpstreamError {
        match self {
            UpstreamError::Resolve { host, reason, timed_out } => {
                UpstreamError::Resolve { host: host.clone(), reason: reason.clone(), timed_out: *timed_out }
            }
            UpstreamError::Address { host, refusal } => {
                UpstreamError::Address { host: host.clone(), refusal: *refusal }
            }
            UpstreamError::Connect { host, address, source } => UpstreamError::Connect {
                host: host.clone(),
                address: *address,
                source: io::Error::new(source.kind(), source.to_string()),
            },
            UpstreamError::Tls { host, address, source } => {
                UpstreamError::Tls { host: host.clone(), address: *address, source: source.clone() }
            }
            UpstreamError::TlsTimeout { host, address } => {
                UpstreamError::TlsTimeout { host: host.clone(), address: *address }
            }
            UpstreamError::Busy { host } => UpstreamError::Busy { host: host.clone() },
        }
    }

    /// The stage that failed; a metric label.
    #[must_use]
    pub(crate) const fn as_str(&self) -> &'static str {
        match self {
            UpstreamError::Resolve { .. } => "dns",
            UpstreamError::Address { .. } => "address",
            UpstreamError::Connect { .. } | UpstreamError::Busy { .. } => "connect",
            UpstreamError::Tls { .. } | UpstreamError::TlsTimeout { .. } => "tls",
        }
    }

    /// The word of RFC 9209, section 2.3, for `Proxy-Status`.
    #[must_use]
    pub(crate) fn proxy_status(&self) -> &'static str {
        match self {
            UpstreamError::Resolve { timed_out: true, .. } => "dns_timeout",
            UpstreamError::Resolve { .. } => "dns_error",
            UpstreamError::Address { .. } => "destination_ip_prohibited",
            UpstreamError::Connect { source, .. } => match source.kind() {
                io::ErrorKind::TimedOut => "connection_timeout",
                io::ErrorKind::ConnectionRefused => "connection_refused",
                io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable => {
                    "destination_ip_unroutable"
                }
                _ => "connection_terminated",
            },
            UpstreamError::Tls { source, .. } => match source.fault {
                UpstreamTlsFault::Expired
                | UpstreamTlsFault::NotYetValid
                | UpstreamTlsFault::SelfSigned
                | UpstreamTlsFault::UnknownIssuer
                | UpstreamTlsFault::WrongName
                | UpstreamTlsFault::Revoked
                | UpstreamTlsFault::BadSignature
                | UpstreamTlsFault::BadCertificate
                | UpstreamTlsFault::WrongPurpose
                | UpstreamTlsFault::WeakAlgorithm => CERTIFICATE,
                UpstreamTlsFault::Alert
                | UpstreamTlsFault::NoProtocol
                | UpstreamTlsFault::NeedsClientCertificate => "tls_alert_received",
                UpstreamTlsFault::VersionTooLow
                | UpstreamTlsFault::NothingInCommon
                | UpstreamTlsFault::NotTls
                | UpstreamTlsFault::Closed
                | UpstreamTlsFault::Io
                | UpstreamTlsFault::Other => "tls_protocol_error",
            },
            UpstreamError::TlsTimeout { .. } | UpstreamError::Busy { .. } => "connection_timeout",
        }
    }

    #[must_use]
    pub(crate) fn status(&self) -> StatusCode {
        match self {
            UpstreamError::Address { .. } => StatusCode::FORBIDDEN,
            UpstreamError::Resolve { timed_out: true, .. }
            | UpstreamError::TlsTimeout { .. }
            | UpstreamError::Busy { .. } => StatusCode::GATEWAY_TIMEOUT,
            UpstreamError::Connect { source, .. } if source.kind() == io::ErrorKind::TimedOut => {
                StatusCode::GATEWAY_TIMEOUT
            }
            UpstreamError::Resolve { .. } | UpstreamError::Connect { .. } | UpstreamError::Tls { .. } => {
                StatusCode::BAD_GATEWAY
            }
        }
    }
}

impl fmt::Display for UpstreamError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            UpstreamError::Resolve { host, reason, .. } => {
                write!(f, "upstream {host} cannot be resolved: {reason}")
            }
            UpstreamError::Address { host, refusal } => {
                write!(f, "upstream {host} may not be dialled: {refusal}")
            }
            UpstreamError::Connect { host, address, source } => {
                write!(f, "upstream {host} cannot be reached at {address}: {source}")
            }
            UpstreamError::Tls { host, address, source } => {
                write!(f, "upstream {host} at {address} is refused: {source}")
            }
            UpstreamError::TlsTimeout { host, address } => {
                write!(f, "upstream {host} at {address} did not finish its TLS handshake in time")
            }
            UpstreamError::Busy { host } => {
                write!(f, "upstream {host} cannot be had: no connection to it was made in time")
            }
        }
    }
}

impl Error for UpstreamError {}

/// How an exchange over a connection failed.
#[derive(Debug)]
pub(crate) enum Fault {
    /// The first connection was dead and no second one could be made.
    Redial(Box<UpstreamError>),
    /// The upstream broke HTTP.
    Violation(Refusal),
    /// The same of HTTP/2; the detail says how.
    Breach,
    /// The upstream sent, or took, nothing for too long.
    Stalled(Stalled),
    /// The connection ended before the message did.
    Truncated,
    /// The upstream was shown no certificate, and wants one.
    NeedsCertificate,
    /// The body that was to be sent failed: not the upstream's fault.
    RequestBody,
    Connection,
}

impl Fault {
    #[must_use]
    pub(crate) const fn as_str(&self) -> &'static str {
        match self {
            Fault::Redial(error) => error.as_str(),
            Fault::Violation(_) | Fault::Breach => "violation",
            Fault::Stalled(_) => "stalled",
            Fault::Truncated => "truncated",
            Fault::NeedsCertificate => "needs_client_certificate",
            Fault::RequestBody => "request_body",
            Fault::Connection => "connection",
        }
    }

    /// Reads the chain of an error, with what the guard saw on the same connection.
    pub(super) fn of(error: &(dyn Error + 'static), guard: &GuardHandle) -> Self {
        if let Some(refusal) = guard.refusal() {
            return Fault::Violation(refusal);
        }
        let mut next = Some(error);
        let mut truncated = false;
        while let Some(error) = next {
            if let Some(error) = error.downcast_ref::<hyper::Error>() {
                if error.is_user() {
                    return Fault::RequestBody;
                }
                truncated |= error.is_incomplete_message() || error.is_canceled();
            }
            if let Some(error) = error.downcast_ref::<io::Error>() {
                if let Some(stalled) = error.get_ref().and_then(|inner| inner.downcast_ref()) {
                    return Fault::Stalled(*stalled);
                }
                if tls::demands_certificate(error) {
                    return Fault::NeedsCertificate;
                }
                truncated |= error.kind() == io::ErrorKind::UnexpectedEof;
            }
            next = error.source();
        }
        if truncated { Fault::Truncated } else { Fault::Connection }
    }

    fn describe(&self, f: &mut fmt::Formatter<'_>, detail: &str) -> fmt::Result {
        match self {
            Fault::Redial(error) => write!(f, "{error}"),
            Fault::Violation(refusal @ (Refusal::HeadTooLarge | Refusal::TooManyFields)) => {
                write!(f, "upstream's answer is not passed on: {refusal}")
            }
            Fault::Violation(refusal) => write!(f, "upstream broke HTTP: {refusal}"),
            Fault::Breach => write!(f, "upstream broke HTTP/2: {detail}"),
            Fault::Stalled(Stalled::Read(limit)) => {
                write!(f, "upstream sent nothing for {} s", limit.as_secs())
            }
            Fault::Stalled(Stalled::Write(limit)) => {
                write!(f, "upstream took nothing for {} s", limit.as_secs())
            }
            Fault::Stalled(Stalled::Unended(limit)) => {
                write!(f, "upstream did not end its head within {} s", limit.as_secs())
            }
            Fault::Truncated => f.write_str("upstream closed the connection before its response was whole"),
            Fault::NeedsCertificate => f.write_str(tls::NEEDS_CERTIFICATE),
            Fault::RequestBody => f.write_str("request body ended in an error before it was sent"),
            Fault::Connection => write!(f, "connection to the upstream failed: {detail}"),
        }
    }
}

/// The innermost words of an error: the outer ones say only which library it went through.
pub(super) fn innermost(error: &(dyn Error + 'static)) -> String {
    let mut last = error;
    while let Some(next) = last.source() {
        last = next;
    }
    last.to_string()
}

/// Why a request got no response.
#[derive(Debug)]
pub(crate) struct SendError {
    pub(crate) fault: Fault,
    /// Whether the upstream may have seen any of the request.
    pub(crate) sent: bool,
    pub(super) detail: String,
}

impl SendError {
    pub(super) fn redial(error: UpstreamError) -> Self {
        SendError { fault: Fault::Redial(Box::new(error)), sent: false, detail: String::new() }
    }

    #[must_use]
    pub(crate) fn status(&self) -> StatusCode {
        match &self.fault {
            Fault::Redial(error) => error.status(),
            Fault::Stalled(_) => StatusCode::GATEWAY_TIMEOUT,
            Fault::Violation(_)
            | Fault::Breach
            | Fault::Truncated
            | Fault::NeedsCertificate
            | Fault::RequestBody
            | Fault::Connection => StatusCode::BAD_GATEWAY,
        }
    }

    /// The word of RFC 9209, section 2.3, for `Proxy-Status`.
    #[must_use]
    pub(crate) fn proxy_status(&self) -> &'static str {
        match &self.fault {
            Fault::Redial(error) => error.proxy_status(),
            Fault::Violation(_) | Fault::Breach => "http_protocol_error",
            Fault::Stalled(Stalled::Read(_) | Stalled::Unended(_)) => "connection_read_timeout",
            Fault::Stalled(Stalled::Write(_)) => "connection_write_timeout",
            Fault::Truncated => "http_response_incomplete",
            Fault::NeedsCertificate => "tls_alert_received",
            Fault::RequestBody => "http_request_error",
            Fault::Connection => "connection_terminated",
        }
    }
}

impl fmt::Display for SendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.fault.describe(f, &self.detail)
    }
}

impl Error for SendError {}

/// Why a response body ended before its end.
#[derive(Debug)]
pub(crate) struct UpstreamBodyError {
    pub(crate) fault: Fault,
    pub(super) detail: String,
}

impl fmt::Display for UpstreamBodyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.fault.describe(f, &self.detail)
    }
}

impl Error for UpstreamBodyError {}
