//! `passthrough PORT CA_CERT CA_KEY ROOT…`: hudsucker that changes and inspects nothing, speaking HTTP/1.1 upstream.

use hudsucker::Proxy;
use hudsucker::certificate_authority::RcgenAuthority;
use hudsucker::rcgen::{Issuer, KeyPair};

#[tokio::main]
async fn main() {
    let args: Vec<String> = std::env::args().collect();
    let key = KeyPair::from_pem(&std::fs::read_to_string(&args[3]).unwrap()).unwrap();
    let issuer = Issuer::from_ca_cert_pem(&std::fs::read_to_string(&args[2]).unwrap(), key).unwrap();
    let connector = hyper_rustls::HttpsConnectorBuilder::new()
        .with_tls_config(peers::client_config(&args[4..]))
        .https_or_http()
        .enable_http1()
        .build();
    let proxy = Proxy::builder()
        .with_addr(([127, 0, 0, 1], args[1].parse().unwrap()).into())
        .with_ca(RcgenAuthority::new(issuer, 1000, rustls::crypto::ring::default_provider()))
        .with_http_connector(connector)
        .build()
        .unwrap();
    proxy.start().await.unwrap();
}
