//! Authorities, certificates and server configurations for tests.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, SanType, date_time_ymd};
use rustls::{ServerConfig, SupportedProtocolVersion};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};

use super::{MinTls, RootSource, UpstreamTls, provider};

/// An authority that upstream certificates of tests are issued by.
pub(crate) struct Authority {
    pub(crate) pem: String,
    issuer: Issuer<'static, KeyPair>,
}

/// A certificate chain with its key.
pub(crate) struct Identity {
    pub(crate) chain: Vec<CertificateDer<'static>>,
    pub(crate) key: PrivateKeyDer<'static>,
}

impl Authority {
    pub(crate) fn new() -> Self {
        Self::named("test authority")
    }

    pub(crate) fn named(name: &str) -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, name);
        let pem = params.self_signed(&key).unwrap().pem();
        Authority { pem, issuer: Issuer::new(params, key) }
    }

    /// A server certificate for these names, good from one year to another.
    pub(crate) fn issue(&self, names: &[&str], years: (i32, i32)) -> Identity {
        let (params, key) = server_params(names, years);
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        Identity { chain: vec![certificate.into()], key: private(&key) }
    }

    /// Verification that trusts this authority alone.
    pub(crate) fn trust(&self, min_tls: MinTls) -> UpstreamTls {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), &self.pem).unwrap();
        UpstreamTls::new(&[RootSource::Pem(file.path().to_owned())], min_tls).unwrap()
    }
}

pub(crate) fn self_signed(names: &[&str]) -> Identity {
    let (params, key) = server_params(names, (2020, 2100));
    Identity { chain: vec![params.self_signed(&key).unwrap().into()], key: private(&key) }
}

pub(crate) fn server_config(
    identity: Identity,
    versions: &[&'static SupportedProtocolVersion],
) -> Arc<ServerConfig> {
    let config = ServerConfig::builder_with_provider(provider())
        .with_protocol_versions(versions)
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(identity.chain, identity.key)
        .unwrap();
    Arc::new(config)
}

pub(crate) fn any_version() -> &'static [&'static SupportedProtocolVersion] {
    MinTls::Tls12.versions()
}

/// Long enough for a loaded machine: a test that hits it has hung.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

fn server_params(names: &[&str], (from, to): (i32, i32)) -> (CertificateParams, KeyPair) {
    let mut params = CertificateParams::default();
    params.not_before = date_time_ymd(from, 1, 1);
    params.not_after = date_time_ymd(to, 1, 1);
    params.subject_alt_names = names
        .iter()
        .map(|name| match name.parse::<IpAddr>() {
            Ok(ip) => SanType::IpAddress(ip),
            Err(_) => SanType::DnsName((*name).try_into().unwrap()),
        })
        .collect();
    (params, KeyPair::generate().unwrap())
}

fn private(key: &KeyPair) -> PrivateKeyDer<'static> {
    PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()))
}
