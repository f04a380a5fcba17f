//! The handshake with upstreams: where trust comes from, and strict verification.

use std::cell::Cell;
use std::fmt;
use std::future::{Future, poll_fn};
use std::path::PathBuf;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{ResolvesClientCert, Resumption, WebPkiServerVerifier};
use rustls::sign::CertifiedKey;
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error, OtherError, RootCertStore, SignatureScheme,
};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, CertificateRevocationListDer, DnsName, ServerName, UnixTime};
use tokio::io::{AsyncRead, AsyncWrite};
use x509_parser::prelude::{FromDer, X509Certificate};

use super::upstream_fault::{SelfSigned, explain};
use super::{
    Alpn, ClientIdentity, IssuerError, MinTls, RootSource, UpstreamTlsError, UpstreamTlsFault, provider,
};
use crate::flow::Host;
use crate::limits;

/// An upstream connection after its handshake.
pub type UpstreamStream<IO> = tokio_rustls::client::TlsStream<IO>;

/// How upstream certificates are verified.
pub struct UpstreamTls {
    /// Offering HTTP/1.1 alone, and HTTP/2 too.
    config: Arc<ClientConfig>,
    both: Arc<ClientConfig>,
    min_tls: MinTls,
    id: u64,
}

impl fmt::Debug for UpstreamTls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UpstreamTls")
            .field("id", &self.id)
            .field("min_tls", &self.min_tls)
            .finish_non_exhaustive()
    }
}

/// Whom to believe, and what to show.
#[derive(Debug)]
pub struct Trust<'a> {
    pub roots: &'a [RootSource],
    pub min_tls: MinTls,
    pub identity: Option<ClientIdentity>,
    /// PEM files of revocation lists; what none of them speaks of is not revoked.
    pub crls: &'a [PathBuf],
}

impl UpstreamTls {
    pub fn new(roots: &[RootSource], min_tls: MinTls) -> Result<UpstreamTls, IssuerError> {
        UpstreamTls::with(Trust { roots, min_tls, identity: None, crls: &[] })
    }

    pub fn with(trust: Trust<'_>) -> Result<UpstreamTls, IssuerError> {
        static NEXT_ID: AtomicU64 = AtomicU64::new(1);
        let fault =
            |error: &dyn fmt::Display| IssuerError::new(format!("upstream trust cannot be set up: {error}"));
        let provider = provider();
        let Trust { roots, min_tls, identity, crls } = trust;
        let store = read_roots(roots)?;
        let crls = read_crls(crls)?;
        let strict = WebPkiServerVerifier::builder_with_provider(Arc::new(store), Arc::clone(&provider))
            .with_crls(crls)
            .allow_unknown_revocation_status()
            .enforce_revocation_expiration()
            .build()
            .map_err(|error| fault(&error))?;
        let config = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(min_tls.versions())
            .map_err(|error| fault(&error))?
            // No rule is loosened by it: `Explaining` asks the strict verifier and only words its refusals.
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(Explaining { strict }));
        let mut config = match identity {
            None => config.with_client_cert_resolver(Arc::new(Nothing)),
            Some(own) => config.with_client_auth_cert(own.chain, own.key).map_err(|error| {
                IssuerError::new(format!("client certificate and key cannot be used: {error}"))
            })?,
        };
        config.alpn_protocols = Alpn::Http1.protocols();
        config.resumption = Resumption::in_memory_sessions(limits::UPSTREAM_SESSIONS);
        let id = NEXT_ID.fetch_add(1, Ordering::Relaxed);
        let mut both = config.clone();
        both.alpn_protocols = Alpn::Http2.protocols();
        Ok(UpstreamTls { config: Arc::new(config), both: Arc::new(both), min_tls, id })
    }

    #[must_use]
    pub fn min_tls(&self) -> MinTls {
        self.min_tls
    }

    /// Tells this trust from any other of the process: connections verified under one are never used under another.
    #[must_use]
    pub fn id(&self) -> u64 {
        self.id
    }

    /// The handshake, verified for `host`. The caller bounds its time.
    pub async fn connect<IO>(
        &self,
        host: &Host,
        alpn: Alpn,
        io: IO,
    ) -> Result<UpstreamStream<IO>, UpstreamTlsError>
    where
        IO: AsyncRead + AsyncWrite + Unpin,
    {
        let name = match host {
            Host::Ip(ip) => ServerName::from(*ip),
            Host::Name(name) => match DnsName::try_from(name.to_string()) {
                Ok(name) => ServerName::DnsName(name),
                Err(_) => {
                    return Err(UpstreamTlsError::new(
                        UpstreamTlsFault::WrongName,
                        "no certificate can name this host",
                    ));
                }
            },
        };
        let config = match alpn {
            Alpn::Http1 => &self.config,
            Alpn::Http2 => &self.both,
        };
        let connector = tokio_rustls::TlsConnector::from(Arc::clone(config));
        let mut handshake = pin!(connector.connect(name, io));
        let mut asked = false;
        let shaken = poll_fn(|cx| {
            ASKED.set(false);
            let polled = handshake.as_mut().poll(cx);
            asked |= ASKED.take();
            polled
        });
        let shaken = shaken.await;
        shaken.map_err(|error| self.explain(&error, asked))
    }

    fn explain(&self, error: &std::io::Error, asked: bool) -> UpstreamTlsError {
        match error.get_ref().and_then(|inner| inner.downcast_ref::<Error>()) {
            Some(tls) => explain(tls, self.min_tls, asked),
            None if error.kind() == std::io::ErrorKind::UnexpectedEof => UpstreamTlsError::new(
                UpstreamTlsFault::Closed,
                "upstream closed the connection during the TLS handshake",
            ),
            None => UpstreamTlsError::new(
                UpstreamTlsFault::Io,
                format!("connection failed during the TLS handshake: {error}"),
            ),
        }
    }
}

thread_local! {
    /// The handshake that is polled on this thread was asked for a certificate.
    static ASKED: Cell<bool> = const { Cell::new(false) };
}

/// Shows no certificate, and tells that one was asked for. It is the same for all handshakes: sessions are not resumed under
/// another than the one that they began under.
#[derive(Debug)]
struct Nothing;

impl ResolvesClientCert for Nothing {
    fn resolve(&self, _: &[&[u8]], _: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        ASKED.set(true);
        None
    }

    fn has_certs(&self) -> bool {
        false
    }
}

pub(super) fn read_crls(
    paths: &[PathBuf],
) -> Result<Vec<CertificateRevocationListDer<'static>>, IssuerError> {
    let mut lists = Vec::new();
    for path in paths {
        let wrong = |what: &dyn fmt::Display| IssuerError::new(format!("crls: {}: {what}", path.display()));
        let text = std::fs::read(path).map_err(|error| wrong(&error))?;
        let before = lists.len();
        for list in CertificateRevocationListDer::pem_slice_iter(&text) {
            lists.push(list.map_err(|error| wrong(&error))?);
        }
        if lists.len() == before {
            return Err(wrong(&"no revocation list in this file"));
        }
    }
    Ok(lists)
}

fn read_roots(sources: &[RootSource]) -> Result<RootCertStore, IssuerError> {
    let mut store = RootCertStore::empty();
    for source in sources {
        match source {
            RootSource::Mozilla => store.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned()),
            RootSource::System => {
                let found = rustls_native_certs::load_native_certs();
                // A few unreadable roots among hundreds are common and harmless; none at all is a fault.
                let (added, _) = store.add_parsable_certificates(found.certs);
                if added == 0 {
                    let reason =
                        found.errors.first().map_or_else(|| "none found".to_owned(), ToString::to_string);
                    return Err(IssuerError::new(format!(
                        "upstream.roots: the system has no usable root certificates ({reason}); install ca-certificates or use \"mozilla\""
                    )));
                }
            }
            RootSource::Pem(path) => {
                let wrong = |what: &dyn fmt::Display| {
                    IssuerError::new(format!("upstream.roots: {}: {what}", path.display()))
                };
                let text = std::fs::read(path).map_err(|error| wrong(&error))?;
                let mut any = false;
                for certificate in CertificateDer::pem_slice_iter(&text) {
                    let certificate = certificate.map_err(|error| wrong(&error))?;
                    store.add(certificate).map_err(|error| wrong(&error))?;
                    any = true;
                }
                if !any {
                    return Err(wrong(&"no certificate in this file"));
                }
            }
        }
    }
    Ok(store)
}

/// The strict verifier, with self-signed certificates named as such among its refusals.
#[derive(Debug)]
struct Explaining {
    strict: Arc<WebPkiServerVerifier>,
}

impl ServerCertVerifier for Explaining {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        self.strict.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now).map_err(
            |error| {
                match error {
                    // webpki says `Other` of an authority's certificate that is used as a server's.
                    Error::InvalidCertificate(
                        CertificateError::UnknownIssuer | CertificateError::Other(_),
                    ) if is_self_signed(end_entity) => {
                        CertificateError::Other(OtherError(Arc::new(SelfSigned))).into()
                    }
                    other => other,
                }
            },
        )
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.strict.verify_tls12_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.strict.verify_tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.strict.supported_verify_schemes()
    }
}

fn is_self_signed(certificate: &CertificateDer<'_>) -> bool {
    X509Certificate::from_der(certificate)
        .is_ok_and(|(_, parsed)| parsed.subject().as_raw() == parsed.issuer().as_raw())
}
