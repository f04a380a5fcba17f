//! The certificates of test origins.

use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, SanType, SerialNumber,
};
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::danger::ClientCertVerifier;
use tokio_rustls::rustls::{self, ServerConfig, crypto};

/// A root that the gate under test trusts.
pub struct Authority(CertifiedIssuer<'static, KeyPair>);

/// How a certificate is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flaw {
    None,
    Expired,
    NotYetValid,
    WrongName,
    SelfSigned,
    UnknownIssuer,
    /// Of a server's, shown by a client.
    WrongPurpose,
}

impl Authority {
    pub fn new(name: &str) -> Authority {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Authority(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    pub fn pem(&self) -> String {
        self.0.pem()
    }

    pub fn der(&self) -> CertificateDer<'static> {
        CertificateDer::from(self.0.der().to_vec())
    }

    pub fn server_config(&self, name: &str, flaw: Flaw) -> Arc<ServerConfig> {
        self.server_config_with(name, flaw, rustls::ALL_VERSIONS, None)
    }

    /// A server of these versions alone, which may ask clients who they are.
    pub fn server_config_with(
        &self,
        name: &str,
        flaw: Flaw,
        versions: &[&'static rustls::SupportedProtocolVersion],
        asks: Option<Arc<dyn ClientCertVerifier>>,
    ) -> Arc<ServerConfig> {
        let name = if flaw == Flaw::WrongName { "elsewhere.test" } else { name };
        let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        if flaw == Flaw::Expired {
            params.not_before = rcgen::date_time_ymd(2020, 1, 1);
            params.not_after = rcgen::date_time_ymd(2021, 1, 1);
        }
        if flaw == Flaw::NotYetValid {
            params.not_before = rcgen::date_time_ymd(2090, 1, 1);
        }
        let key = KeyPair::generate().unwrap();
        let certificate = match flaw {
            Flaw::None | Flaw::Expired | Flaw::NotYetValid | Flaw::WrongName | Flaw::WrongPurpose => {
                params.signed_by(&key, &self.0).unwrap()
            }
            Flaw::SelfSigned => params.self_signed(&key).unwrap(),
            Flaw::UnknownIssuer => params.signed_by(&key, &Authority::new("nobody's roots").0).unwrap(),
        };
        serving(&certificate, &key, versions, asks)
    }

    /// A server whose certificate has this serial number.
    pub fn numbered(&self, name: &str, serial: u64) -> Arc<ServerConfig> {
        let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        params.serial_number = Some(SerialNumber::from(serial));
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.0).unwrap();
        serving(&certificate, &key, rustls::ALL_VERSIONS, None)
    }

    /// A client's certificate and key, as PEM.
    pub fn issue(&self, name: &str) -> (String, String) {
        let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        params.extended_key_usages = vec![rcgen::ExtendedKeyUsagePurpose::ClientAuth];
        let key = KeyPair::generate().unwrap();
        (params.signed_by(&key, &self.0).unwrap().pem(), key.serialize_pem())
    }

    /// A client's certificate and key with these names, as PEM; `spiffe://…` and `a@b` are what they look like.
    pub fn vouch(&self, names: &[&str], flaw: Flaw) -> (String, String) {
        let mut params = CertificateParams::default();
        params.extended_key_usages = vec![match flaw {
            Flaw::WrongPurpose => rcgen::ExtendedKeyUsagePurpose::ServerAuth,
            _ => rcgen::ExtendedKeyUsagePurpose::ClientAuth,
        }];
        params.subject_alt_names = names
            .iter()
            .map(|name| match name {
                name if name.contains("://") => SanType::URI((*name).try_into().unwrap()),
                name if name.contains('@') => SanType::Rfc822Name((*name).try_into().unwrap()),
                name => SanType::DnsName((*name).try_into().unwrap()),
            })
            .collect();
        if flaw == Flaw::Expired {
            params.not_before = rcgen::date_time_ymd(2020, 1, 1);
            params.not_after = rcgen::date_time_ymd(2021, 1, 1);
        }
        params.serial_number = Some(SerialNumber::from(77u64));
        let key = KeyPair::generate().unwrap();
        let own = match flaw {
            Flaw::UnknownIssuer => params.signed_by(&key, &Authority::new("nobody's roots").0),
            _ => params.signed_by(&key, &self.0),
        };
        (own.unwrap().pem(), key.serialize_pem())
    }

    /// A server's certificate and key, as PEM.
    pub fn serve(&self, name: &str) -> (String, String) {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        (params.signed_by(&key, &self.0).unwrap().pem(), key.serialize_pem())
    }

    /// A list that revokes these serial numbers, as PEM.
    pub fn revocation_of(&self, serials: &[u64]) -> String {
        let revoked = |serial: &u64| rcgen::RevokedCertParams {
            serial_number: SerialNumber::from(*serial),
            revocation_time: rcgen::date_time_ymd(2024, 1, 1),
            reason_code: None,
            invalidity_date: None,
        };
        let list = rcgen::CertificateRevocationListParams {
            this_update: rcgen::date_time_ymd(2024, 1, 1),
            next_update: rcgen::date_time_ymd(2090, 1, 1),
            crl_number: SerialNumber::from(1u64),
            issuing_distribution_point: None,
            revoked_certs: serials.iter().map(revoked).collect(),
            key_identifier_method: rcgen::KeyIdMethod::Sha256,
        };
        list.signed_by(&self.0).unwrap().pem().unwrap()
    }
}

fn serving(
    certificate: &rcgen::Certificate,
    key: &KeyPair,
    versions: &[&'static rustls::SupportedProtocolVersion],
    asks: Option<Arc<dyn ClientCertVerifier>>,
) -> Arc<ServerConfig> {
    let chain = vec![CertificateDer::from(certificate.der().to_vec())];
    let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let provider = Arc::new(crypto::ring::default_provider());
    let builder = ServerConfig::builder_with_provider(provider).with_protocol_versions(versions).unwrap();
    let builder = match asks {
        None => builder.with_no_client_auth(),
        Some(asks) => builder.with_client_cert_verifier(asks),
    };
    Arc::new(builder.with_single_cert(chain, key).unwrap())
}
