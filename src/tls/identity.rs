//! A certificate with its key, as an operator gives them.

use std::fmt;

use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

use super::IssuerError;

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
