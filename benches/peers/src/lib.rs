//! What origin and load share: one clean, traffic-like megabyte, and TLS set-up.

use std::fmt::Write;
use std::sync::Arc;

use bytes::Bytes;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject};

/// A megabyte of JSON lines without any identifier in it.
pub fn megabyte() -> Bytes {
    let (mut text, mut state, mut n) = (String::new(), 0x9e37_79b9_7f4a_7c15u64, 0);
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    while text.len() < 1 << 20 {
        n += 1;
        let _ = writeln!(
            text,
            "{{\"event\":\"page_view\",\"n\":{n},\"path\":\"/products/{:x}\",\"ms\":{},\"ua\":\"Mozilla/5.0 (X11; Linux x86_64)\",\"at\":\"2026-11-23T06:{:02}:{:02}Z\"}}",
            next() as u32,
            next() % 5000,
            next() % 60,
            next() % 60
        );
    }
    text.truncate(1 << 20);
    Bytes::from(text)
}

pub fn provider() -> Arc<rustls::crypto::CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

pub fn server_config(cert: &str, key: &str) -> Arc<rustls::ServerConfig> {
    let chain = CertificateDer::pem_file_iter(cert).unwrap().collect::<Result<Vec<_>, _>>().unwrap();
    let key = PrivateKeyDer::from_pem_file(key).unwrap();
    let mut config = rustls::ServerConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .unwrap();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Arc::new(config)
}

/// Trusts exactly the given PEM files.
pub fn client_config(roots: &[String]) -> rustls::ClientConfig {
    let mut store = rustls::RootCertStore::empty();
    for file in roots {
        for certificate in CertificateDer::pem_file_iter(file).unwrap() {
            store.add(certificate.unwrap()).unwrap();
        }
    }
    rustls::ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(store)
        .with_no_client_auth()
}
