//! A certificate with its key, as an operator gives them: what a reverse listener shows.

use std::fmt;
use std::sync::Arc;

use rustls::ServerConfig;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncRead, AsyncWrite};

use super::{Alpn, ClientStream, IssuerError, MinTls, provider};

/// What a listener shows as its own.
#[derive(Clone)]
pub struct ServerIdentity(Arc<ServerConfig>);

impl fmt::Debug for ServerIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ServerIdentity(..)")
    }
}

impl ServerIdentity {
    /// A chain, the listener's own certificate first, and its key.
    pub fn from_pem(chain: &str, key: &str) -> Result<ServerIdentity, IssuerError> {
        let (chain, key) = pair(chain, key)?;
        let mut config = ServerConfig::builder_with_provider(provider())
            .with_protocol_versions(MinTls::Tls12.versions())
            .and_then(|builder| builder.with_no_client_auth().with_single_cert(chain, key))
            .map_err(|error| IssuerError::new(format!("certificate and key cannot be used: {error}")))?;
        // Whatever its upstream speaks, requests are translated.
        config.alpn_protocols = Alpn::Http2.protocols();
        Ok(ServerIdentity(Arc::new(config)))
    }

    /// The handshake. The caller bounds its time.
    pub async fn accept<IO: AsyncRead + AsyncWrite + Unpin>(
        &self,
        io: IO,
    ) -> std::io::Result<ClientStream<IO>> {
        tokio_rustls::TlsAcceptor::from(Arc::clone(&self.0)).accept(io).await
    }
}

/// What the gate shows upstreams that ask who it is.
pub struct ClientIdentity {
    pub(super) chain: Vec<CertificateDer<'static>>,
    pub(super) key: PrivateKeyDer<'static>,
}

impl fmt::Debug for ClientIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ClientIdentity(..)")
    }
}

impl ClientIdentity {
    pub fn from_pem(chain: &str, key: &str) -> Result<ClientIdentity, IssuerError> {
        let (chain, key) = pair(chain, key)?;
        Ok(ClientIdentity { chain, key })
    }
}

/// Certificates and a key from PEM; the parser's own words are left out, since they might quote the key.
pub(super) fn pair(
    chain: &str,
    key: &str,
) -> Result<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>), IssuerError> {
    let chain = CertificateDer::pem_slice_iter(chain.as_bytes())
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| IssuerError::new(format!("certificate is not valid PEM: {error}")))?;
    if chain.is_empty() {
        return Err(IssuerError::new("certificate file holds no certificate"));
    }
    let key = PrivateKeyDer::from_pem_slice(key.as_bytes())
        .map_err(|_| IssuerError::new("key is not a PEM private key"))?;
    Ok((chain, key))
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
}
