//! One file of everything that a client behind the gate should trust.

use super::{Issuer, IssuerError};

/// The issuer's certificate and the system's roots as PEM, for clients whose setting replaces their trust store
/// instead of adding to it.
/// `others` are issuers of another time that clients should trust as well.
pub fn bundle(issuer: &Issuer, others: &[String]) -> Result<String, IssuerError> {
    let found = rustls_native_certs::load_native_certs();
    if found.certs.is_empty() {
        let why = found.errors.first().map_or_else(String::new, |error| format!(": {error}"));
        return Err(IssuerError::new(format!("the system's trust store holds no certificates{why}")));
    }
    let config = pem::EncodeConfig::new().set_line_ending(pem::LineEnding::LF);
    let roots = found.certs.iter().map(|root| pem::Pem::new("CERTIFICATE", root.as_ref()));
    let roots = roots.map(|root| pem::encode_config(&root, config)).collect::<String>();
    let own = std::iter::once(issuer.certificate_pem()).chain(others.iter().map(String::as_str));
    Ok(own.map(|text| format!("{}\n", text.trim_end())).chain([roots]).collect())
}

#[cfg(test)]
mod tests {
    use rustls_pki_types::CertificateDer;
    use rustls_pki_types::pem::PemObject;

    use super::*;

    #[test]
    fn a_bundle_is_the_issuer_and_then_every_root() {
        let (certificate, key) = Issuer::generate("t").unwrap();
        let issuer = Issuer::from_pem(&certificate, &key).unwrap();
        let roots = rustls_native_certs::load_native_certs().certs;
        match bundle(&issuer, &[]) {
            Ok(text) => {
                let read =
                    CertificateDer::pem_slice_iter(text.as_bytes()).collect::<Result<Vec<_>, _>>().unwrap();
                assert_eq!(
                    read.first(),
                    Some(&CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap())
                );
                assert_eq!(read.get(1..), Some(roots.as_slice()));
            }
            Err(error) => assert!(roots.is_empty(), "{error}"),
        }
    }
}
