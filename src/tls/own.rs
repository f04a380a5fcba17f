//! The TLS that a listener speaks itself: the certificate it shows, and the one it asks its clients for.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use arc_swap::ArcSwap;
use rustls::client::danger::HandshakeSignatureValid;
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::server::{NoServerSessionStorage, ResolvesServerCert, WebPkiClientVerifier};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{
    CertificateError, DigitallySignedStruct, DistinguishedName, Error, RootCertStore, ServerConfig,
    SignatureScheme,
};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, UnixTime};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::LazyConfigAcceptor;
use x509_parser::prelude::{FromDer, GeneralName, X509Certificate};

use super::identity::pair;
use super::upstream_side::read_crls;
use super::{Alpn, ClientStream, IssuerError, Leaves, MinTls, provider};
use crate::flow::Host;
use crate::limits;
use crate::policy::SubjectName;

/// What a listener shows, and whom it lets in.
#[derive(Clone)]
pub struct ServerIdentity {
    shows: Shows,
    asks: Option<Arc<dyn ClientCertVerifier>>,
    alpn: Alpn,
}

#[derive(Clone)]
enum Shows {
    /// A certificate of the operator's, and the configuration for those who are not asked.
    Own { shown: Arc<SingleCertAndKey>, unasked: Arc<ServerConfig>, name: Option<Host> },
    /// Leaves of the issuer in force, for these names; the first also for clients that name none.
    Issuer(Arc<[Host]>),
}

impl fmt::Debug for ServerIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ServerIdentity(..)")
    }
}

/// Whether the names of a certificate, verified otherwise, are somebody's.
pub type Known = Arc<dyn Fn(&[SubjectName]) -> bool + Send + Sync>;

/// A client whose handshake is done.
pub struct Accepted<IO> {
    pub stream: ClientStream<IO>,
    /// The names of its verified certificate; without one, none.
    pub names: Option<Vec<SubjectName>>,
}

impl<IO> fmt::Debug for Accepted<IO> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Accepted").field("names", &self.names).finish_non_exhaustive()
    }
}

/// A handshake that failed.
#[derive(Debug)]
pub struct NotAccepted {
    pub error: std::io::Error,
    /// What the client's certificate said, believed or not.
    pub names: Vec<SubjectName>,
}

impl ServerIdentity {
    /// A chain, the listener's own certificate first, and its key.
    pub fn from_pem(chain: &str, key: &str) -> Result<ServerIdentity, IssuerError> {
        let fault = |error: Error| IssuerError::new(format!("certificate and key cannot be used: {error}"));
        let (chain, key) = pair(chain, key)?;
        let name = chain.first().and_then(|own| {
            names(own).iter().find_map(|name| match name {
                SubjectName::Dns(name) => name.parse::<Host>().ok(),
                SubjectName::Uri(_) | SubjectName::Email(_) => None,
            })
        });
        let certified = CertifiedKey::from_der(chain, key, &provider()).map_err(fault)?;
        let shown = Arc::new(SingleCertAndKey::from(certified));
        // Whatever its upstream speaks, requests are translated.
        let alpn = Alpn::Http2;
        let unasked = config(Arc::clone(&shown) as _, None, alpn)?;
        Ok(ServerIdentity { shows: Shows::Own { shown, unasked, name }, asks: None, alpn })
    }

    /// Certificates of the gate's own issuer. The first name is also for clients that ask for none.
    #[must_use]
    pub fn of_issuer(names: Vec<Host>) -> ServerIdentity {
        ServerIdentity { shows: Shows::Issuer(names.into()), asks: None, alpn: Alpn::Http2 }
    }

    /// Asks clients for a certificate.
    #[must_use]
    pub fn asking(self, clients: ClientTrust) -> ServerIdentity {
        ServerIdentity { asks: Some(clients.0), ..self }
    }

    /// What clients are offered to speak in it.
    pub fn speaking(self, alpn: Alpn) -> Result<ServerIdentity, IssuerError> {
        let shows = match self.shows {
            Shows::Own { shown, name, .. } => {
                let unasked = config(Arc::clone(&shown) as _, None, alpn)?;
                Shows::Own { shown, unasked, name }
            }
            issuer @ Shows::Issuer(_) => issuer,
        };
        Ok(ServerIdentity { shows, alpn, ..self })
    }

    #[must_use]
    pub fn asks(&self) -> bool {
        self.asks.is_some()
    }

    /// Whether nobody comes in without a certificate.
    #[must_use]
    pub fn requires(&self) -> bool {
        self.asks.as_ref().is_some_and(|asks| asks.client_auth_mandatory())
    }

    /// What clients are to call it by, as far as its certificate tells.
    #[must_use]
    pub fn name(&self) -> Option<&Host> {
        match &self.shows {
            Shows::Issuer(names) => names.first(),
            Shows::Own { name, .. } => name.as_ref(),
        }
    }

    /// Whether those who trust the issuer trust it.
    #[must_use]
    pub fn is_issued(&self) -> bool {
        match &self.shows {
            Shows::Issuer(_) => true,
            Shows::Own { .. } => false,
        }
    }

    /// The handshake. The caller bounds its time.
    pub async fn accept<IO: AsyncRead + AsyncWrite + Unpin>(
        &self,
        io: IO,
        leaves: &Leaves,
        known: Known,
    ) -> Result<Accepted<IO>, NotAccepted> {
        let said = Arc::new(OnceLock::new());
        let asks = self.asks.as_ref().map(|strict| {
            let verifier = Asking { strict: Arc::clone(strict), known, said: Arc::clone(&said) };
            Arc::new(verifier) as Arc<dyn ClientCertVerifier>
        });
        let shaken = async {
            let start = LazyConfigAcceptor::new(Default::default(), io).await?;
            let sni = start.client_hello().server_name().and_then(|name| name.parse::<Host>().ok());
            let config = self.config(sni.as_ref(), leaves, asks).map_err(std::io::Error::other)?;
            start.into_stream(config).await
        };
        match shaken.await {
            Ok(stream) => Ok(Accepted { stream, names: said.get().cloned() }),
            Err(error) => Err(NotAccepted { error, names: said.get().cloned().unwrap_or_default() }),
        }
    }

    fn config(
        &self,
        sni: Option<&Host>,
        leaves: &Leaves,
        asks: Option<Arc<dyn ClientCertVerifier>>,
    ) -> Result<Arc<ServerConfig>, IssuerError> {
        match (&self.shows, asks) {
            (Shows::Own { unasked, .. }, None) => Ok(Arc::clone(unasked)),
            (Shows::Own { shown, .. }, asks) => config(Arc::clone(shown) as _, asks, self.alpn),
            (Shows::Issuer(names), asks) => {
                let name = sni.filter(|name| names.contains(name)).or(names.first());
                let name = name.ok_or_else(|| IssuerError::new("no name to issue a certificate for"))?;
                let issued = leaves.server_config(name, self.alpn)?;
                match asks {
                    None => Ok(issued),
                    asks => config(Arc::clone(&issued.cert_resolver), asks, self.alpn),
                }
            }
        }
    }
}

fn config(
    shown: Arc<dyn ResolvesServerCert>,
    asks: Option<Arc<dyn ClientCertVerifier>>,
    alpn: Alpn,
) -> Result<Arc<ServerConfig>, IssuerError> {
    let builder = ServerConfig::builder_with_provider(provider())
        .with_protocol_versions(MinTls::Tls12.versions())
        .map_err(|error| IssuerError::new(format!("server configuration cannot be made: {error}")))?;
    let mut config = match asks {
        None => builder.with_no_client_auth().with_cert_resolver(shown),
        Some(asks) => {
            let mut config = builder.with_client_cert_verifier(asks).with_cert_resolver(shown);
            // Whoever comes again shows its certificate again: it may have ended, or stand for nobody any more.
            config.session_storage = Arc::new(NoServerSessionStorage {});
            config.send_tls13_tickets = 0;
            config
        }
    };
    config.alpn_protocols = alpn.served();
    Ok(Arc::new(config))
}

/// Who may vouch for clients.
#[derive(Clone)]
pub struct ClientTrust(Arc<dyn ClientCertVerifier>);

impl fmt::Debug for ClientTrust {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ClientTrust(..)")
    }
}

impl ClientTrust {
    /// Authorities as PEM; what none of the revocation lists speaks of is not revoked. Where it is not required, a
    /// client may come without a certificate, never with a wrong one.
    pub fn from_pem(authorities: &str, crls: &[PathBuf], required: bool) -> Result<ClientTrust, IssuerError> {
        let fault = |error: &dyn fmt::Display| {
            IssuerError::new(format!("client authorities cannot be used: {error}"))
        };
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_slice_iter(authorities.as_bytes()) {
            roots.add(certificate.map_err(|error| fault(&error))?).map_err(|error| fault(&error))?;
        }
        if roots.is_empty() {
            return Err(IssuerError::new("no certificate in this file"));
        }
        let builder = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider())
            .with_crls(read_crls(crls)?)
            .allow_unknown_revocation_status()
            .enforce_revocation_expiration();
        let builder = if required { builder } else { builder.allow_unauthenticated() };
        builder.build().map(ClientTrust).map_err(|error| fault(&error))
    }
}

/// Asks the strict verifier, then whether anybody has these names.
struct Asking {
    strict: Arc<dyn ClientCertVerifier>,
    known: Known,
    said: Arc<OnceLock<Vec<SubjectName>>>,
}

impl fmt::Debug for Asking {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Asking(..)")
    }
}

impl ClientCertVerifier for Asking {
    fn client_auth_mandatory(&self) -> bool {
        self.strict.client_auth_mandatory()
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        self.strict.root_hint_subjects()
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        let names = self.said.get_or_init(|| names(end_entity));
        let verified = self.strict.verify_client_cert(end_entity, intermediates, now)?;
        match (self.known)(names) {
            true => Ok(verified),
            // RFC 8446, section 6.2: a valid certificate, and the sender decided not to proceed (`access_denied`).
            false => Err(CertificateError::ApplicationVerificationFailure.into()),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.strict.verify_tls12_signature(message, certificate, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.strict.verify_tls13_signature(message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.strict.supported_verify_schemes()
    }
}

/// The names that rules may go by, as many as are looked at.
fn names(certificate: &CertificateDer<'_>) -> Vec<SubjectName> {
    let Ok((_, parsed)) = X509Certificate::from_der(certificate) else { return Vec::new() };
    let Ok(Some(extension)) = parsed.subject_alternative_name() else { return Vec::new() };
    let named = extension.value.general_names.iter().filter_map(|name| match name {
        GeneralName::DNSName(text) => Some(SubjectName::Dns((*text).into())),
        GeneralName::URI(text) => Some(SubjectName::Uri((*text).into())),
        GeneralName::RFC822Name(text) => Some(SubjectName::Email((*text).into())),
        _ => None,
    });
    named.take(limits::CERTIFICATE_NAMES).collect()
}

/// A listener's TLS, which may be renewed while it runs: connections under way keep what they began with.
#[derive(Clone)]
pub struct ListenerTls {
    identity: Arc<ArcSwap<ServerIdentity>>,
    /// What it was read from.
    files: Arc<[PathBuf]>,
}

impl fmt::Debug for ListenerTls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ListenerTls(..)")
    }
}

impl ListenerTls {
    #[must_use]
    pub fn new(identity: ServerIdentity, files: Vec<PathBuf>) -> ListenerTls {
        ListenerTls { identity: Arc::new(ArcSwap::from_pointee(identity)), files: files.into() }
    }

    /// Whoever comes from now on meets what `other` shows and asks.
    pub fn renew(&self, other: &ListenerTls) {
        self.identity.store(other.identity.load_full());
    }

    /// What is in force.
    #[must_use]
    pub fn identity(&self) -> Arc<ServerIdentity> {
        self.identity.load_full()
    }

    pub fn files(&self) -> impl Iterator<Item = &Path> {
        self.files.iter().map(PathBuf::as_path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tls::Issuer;

    #[test]
    fn a_pair_that_does_not_belong_together_is_refused() {
        let (certificate, key) = Issuer::generate("a").unwrap();
        let (_, other) = Issuer::generate("b").unwrap();
        ServerIdentity::from_pem(&certificate, &key).unwrap();
        ServerIdentity::from_pem(&certificate, &other).unwrap_err();
        ServerIdentity::from_pem("", &key).unwrap_err();
        let error = ServerIdentity::from_pem(&certificate, "no key").unwrap_err();
        assert_eq!(error.to_string(), "key is not a PEM private key");
    }

    #[test]
    fn names_are_read_as_what_they_are_and_no_more_than_are_looked_at() {
        use rcgen::{CertificateParams, KeyPair, SanType};
        let key = KeyPair::generate().unwrap();
        let mut params =
            CertificateParams::new(vec!["w.corp.test".to_owned(), "10.0.0.1".to_owned()]).unwrap();
        params.subject_alt_names.push(SanType::URI("spiffe://corp.test/w".try_into().unwrap()));
        params.subject_alt_names.push(SanType::Rfc822Name("w@corp.test".try_into().unwrap()));
        let made = params.self_signed(&key).unwrap();
        let said: Vec<_> = names(made.der()).iter().map(ToString::to_string).collect();
        assert_eq!(said, ["w.corp.test", "spiffe://corp.test/w", "w@corp.test"]);
        let many: Vec<_> = (0..1000).map(|number| format!("n{number}.corp.test")).collect();
        let made = CertificateParams::new(many).unwrap().self_signed(&key).unwrap();
        assert_eq!(names(made.der()).len(), limits::CERTIFICATE_NAMES);
        assert!(names(&CertificateDer::from(vec![1, 2, 3])).is_empty());
    }

    #[test]
    fn authorities_must_be_some() {
        assert!(ClientTrust::from_pem("", &[], true).unwrap_err().message.contains("no certificate"));
        let (certificate, key) = Issuer::generate("a").unwrap();
        ClientTrust::from_pem(&certificate, &[], true).unwrap();
        ClientTrust::from_pem(&key, &[], true).unwrap_err();
    }
}
