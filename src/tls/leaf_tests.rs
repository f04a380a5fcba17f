//! Leaves against an independent parser and verifier.

use std::collections::HashSet;
use std::sync::Arc;

use rcgen::{
    CertificateParams, DnType, IsCa, KeyPair, KeyUsagePurpose, PublicKeyData, SigningKey, date_time_ymd,
};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;
use x509_parser::prelude::{FromDer, GeneralName, ParsedExtension, X509Certificate};

use super::super::{MinTls, RootSource, UpstreamTls, testing};
use super::*;

fn issuer() -> (Arc<Issuer>, String) {
    let (certificate, key) = Issuer::generate("Tidegate test issuer").unwrap();
    (Arc::new(Issuer::from_pem(&certificate, &key).unwrap()), certificate)
}

fn trusting(pem: &str) -> UpstreamTls {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), pem).unwrap();
    UpstreamTls::new(&[RootSource::Pem(file.path().to_owned())], MinTls::Tls13).unwrap()
}

fn host(text: &str) -> Host {
    text.parse().unwrap()
}

fn leaf_of(leaves: &Leaves, name: &str) -> CertificateDer<'static> {
    let now = unix_now();
    leaves.certificate(&host(name), now - 60, now + 60).unwrap()
}

async fn handshake(leaves: &Leaves, shown: &str, trust: &UpstreamTls, wanted: &str) -> Result<(), String> {
    let (near, far) = tokio::io::duplex(64 * 1024);
    let config = leaves.server_config(&host(shown), Alpn::Http1).unwrap();
    let server = tokio_rustls::TlsAcceptor::from(config).accept(far);
    let wanted = host(wanted);
    let (_, client) = tokio::join!(server, trust.connect(&wanted, Alpn::Http1, near));
    client.map(|_| ()).map_err(|error| error.to_string())
}

/// An authority of the shape that directory services make: several attributes of one type, several in one
/// relative name, a key identifier of its own choosing.
fn foreign_authority() -> (String, String) {
    let key = KeyPair::generate().unwrap();
    let attribute = |oid: &[u8], tag: u8, text: &str| {
        der::tlv(der::SEQUENCE, &[&der::tlv(der::OID, &[oid]), &der::tlv(tag, &[text.as_bytes()])])
    };
    const DOMAIN_COMPONENT: &[u8] = &[0x09, 0x92, 0x26, 0x89, 0x93, 0xf2, 0x2c, 0x64, 0x01, 0x19];
    const ORGANIZATION: &[u8] = &[0x55, 0x04, 0x0a];
    let sets = [
        der::tlv(der::SET, &[&attribute(DOMAIN_COMPONENT, 0x16, "com")]),
        der::tlv(der::SET, &[&attribute(DOMAIN_COMPONENT, 0x16, "corp")]),
        der::tlv(
            der::SET,
            &[&attribute(COMMON_NAME, 0x13, "Corp CA"), &attribute(ORGANIZATION, der::UTF8_STRING, "Corp")],
        ),
    ];
    let name = der::tlv(der::SEQUENCE, &[&sets.concat()]);
    let now = unix_now();
    let validity =
        der::tlv(der::SEQUENCE, &[&der::time(now - 3600).unwrap(), &der::time(now + 3600).unwrap()]);
    let algorithm = der::tlv(der::SEQUENCE, &[&rustls_pki_types::alg_id::ECDSA_SHA256]);
    let extensions = [
        der::extension(id_ce::BASIC_CONSTRAINTS, true, &der::tlv(der::SEQUENCE, &[&[0x01, 0x01, 0xff]])),
        der::extension(id_ce::SUBJECT_KEY_IDENTIFIER, false, &der::tlv(der::OCTET_STRING, &[b"odd id"])),
    ];
    let body = der::tlv(
        der::SEQUENCE,
        &[
            &der::tlv(der::explicit(0), &[&der::tlv(der::INTEGER, &[VERSION_3])]),
            &der::tlv(der::INTEGER, &[&[9]]),
            &algorithm,
            &name,
            &validity,
            &name,
            &key.subject_public_key_info(),
            &der::tlv(der::explicit(3), &[&der::tlv(der::SEQUENCE, &[&extensions.concat()])]),
        ],
    );
    let signature = key.sign(&body).unwrap();
    let whole =
        der::tlv(der::SEQUENCE, &[&body, &algorithm, &der::tlv(der::BIT_STRING, &[&[0], &signature])]);
    (pem(&whole), key.serialize_pem())
}

fn pem(der: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for group in der.chunks(3) {
        let mut word = [0u8; 4];
        word[1..=group.len()].copy_from_slice(group);
        let word = u32::from_be_bytes(word);
        for place in 0..4 {
            let sextet = (word >> (18 - 6 * place)) & 63;
            text.push(if place <= group.len() { ALPHABET[sextet as usize] as char } else { '=' });
        }
    }
    let lines: Vec<&str> =
        text.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap()).collect();
    format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", lines.join("\n"))
}

#[tokio::test]
async fn clients_accept_leaves_for_names_and_addresses() {
    let (issuer, certificate) = issuer();
    let leaves = Leaves::new(issuer).unwrap();
    let trust = trusting(&certificate);
    let long = format!("{}.{}.example", "a".repeat(60), "b".repeat(60));
    for name in ["api.example.com", "192.0.2.7", "2001:db8::7", "under_score.example", &long] {
        assert_eq!(handshake(&leaves, name, &trust, name).await, Ok(()), "{name}");
    }
    let refused = handshake(&leaves, "api.example.com", &trust, "other.example.com").await.unwrap_err();
    assert_eq!(refused, "certificate is not for other.example.com; it is for api.example.com");
}

#[tokio::test]
async fn an_issuer_of_any_shape_has_its_name_and_identifier_repeated() {
    let (certificate, key) = foreign_authority();
    let issuer = Arc::new(Issuer::from_pem(&certificate, &key).unwrap());
    let authority = CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap();
    let (_, authority) = X509Certificate::from_der(&authority).unwrap();
    let leaves = Leaves::new(issuer).unwrap();
    let leaf = leaf_of(&leaves, "a.example");
    let (_, leaf) = X509Certificate::from_der(&leaf).unwrap();
    assert_eq!(leaf.issuer().as_raw(), authority.subject().as_raw());
    assert_eq!(key_identifiers(&leaf).0.unwrap(), b"odd id");
    assert_eq!(handshake(&leaves, "a.example", &trusting(&certificate), "a.example").await, Ok(()));
}

/// Authority and subject key identifiers.
fn key_identifiers(certificate: &X509Certificate<'_>) -> (Option<Vec<u8>>, Option<Vec<u8>>) {
    let (mut authority, mut subject) = (None, None);
    for extension in certificate.iter_extensions() {
        match extension.parsed_extension() {
            ParsedExtension::AuthorityKeyIdentifier(id) => {
                authority = id.key_identifier.as_ref().map(|id| id.0.to_vec());
            }
            ParsedExtension::SubjectKeyIdentifier(id) => subject = Some(id.0.to_vec()),
            _ => {}
        }
    }
    (authority, subject)
}

#[test]
fn a_leaf_says_what_it_is_and_no_more() {
    let (issuer, certificate) = issuer();
    let authority = CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap();
    let (_, authority) = X509Certificate::from_der(&authority).unwrap();
    let leaves = Leaves::new(issuer).unwrap();
    let long = format!("{}.example", "a".repeat(60));
    for (name, named) in [("a.example", true), ("2001:db8::1", true), (long.as_str(), false)] {
        let leaf = leaf_of(&leaves, name);
        let (rest, leaf) = X509Certificate::from_der(&leaf).unwrap();
        assert!(rest.is_empty());
        assert_eq!(leaf.subject().iter_common_name().count(), usize::from(named), "{name}");
        let names = leaf.subject_alternative_name().unwrap().unwrap();
        assert_eq!(names.critical, !named, "{name}");
        match (&names.value.general_names[..], host(name)) {
            ([GeneralName::DNSName(dns)], Host::Name(wanted)) => assert_eq!(*dns, &*wanted),
            ([GeneralName::IPAddress(octets)], Host::Ip(IpAddr::V6(wanted))) => {
                assert_eq!(*octets, wanted.octets())
            }
            other => panic!("{name}: {other:?}"),
        }
        let usage = leaf.extended_key_usage().unwrap().unwrap().value;
        assert!(usage.server_auth && !usage.client_auth && !usage.any);
        assert!(!leaf.basic_constraints().unwrap().unwrap().value.ca);
        let (theirs, own) = key_identifiers(&leaf);
        assert_eq!(theirs, key_identifiers(&authority).1);
        assert!(theirs.is_some() && own.is_some() && theirs != own);
        assert_ne!(leaf.public_key().raw, authority.public_key().raw);
        leaf.verify_signature(Some(authority.public_key())).unwrap();
    }
}

#[test]
fn serials_are_positive_and_never_repeat() {
    let (issuer, _) = issuer();
    let leaves = Leaves::new(issuer).unwrap();
    let serials: HashSet<Vec<u8>> = (0..200)
        .map(|_| {
            let leaf = leaf_of(&leaves, "a.example");
            let (_, leaf) = X509Certificate::from_der(&leaf).unwrap();
            let serial = leaf.raw_serial().to_vec();
            assert!(serial.len() == 16 && serial[0] & 0x80 == 0);
            serial
        })
        .collect();
    assert_eq!(serials.len(), 200);
}

#[test]
fn a_leaf_stays_within_its_issuer() {
    let (certificate, key) = foreign_authority();
    let issuer = Issuer::from_pem(&certificate, &key).unwrap();
    let (from, to) = (issuer.not_before(), issuer.not_after());
    let leaves = Leaves::new(Arc::new(issuer)).unwrap();
    let now = unix_now();
    let kept = leaves.mint(&host("a.example"), now).unwrap();
    assert!(kept.renew_at > now && kept.renew_at < to);
    assert!(leaves.mint(&host("a.example"), to).is_err());
    // What `mint` asks for, as a certificate.
    let leaf = leaves.certificate(&host("a.example"), from, to).unwrap();
    let (_, leaf) = X509Certificate::from_der(&leaf).unwrap();
    assert_eq!((leaf.validity().not_before.timestamp(), leaf.validity().not_after.timestamp()), (from, to));
}

#[tokio::test]
async fn a_leaf_minted_while_the_clock_was_ahead_is_not_shown() {
    let (issuer, certificate) = issuer();
    let leaves = Leaves::new(issuer).unwrap();
    let trust = trusting(&certificate);
    let ahead = unix_now() + 10 * 86_400;
    leaves.cache.insert(host("a.example"), leaves.mint(&host("a.example"), ahead).unwrap());
    for _ in 0..2 {
        assert_eq!(handshake(&leaves, "a.example", &trust, "a.example").await, Ok(()));
    }
    assert_eq!(leaves.stats(), LeafStats { minted: 1, reused: 1, kept: 1 });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_clients_at_once_share_one_mint() {
    let (issuer, certificate) = issuer();
    let leaves = Arc::new(Leaves::new(issuer).unwrap());
    let trust = Arc::new(trusting(&certificate));
    let clients: Vec<_> = (0..64)
        .map(|_| {
            let (leaves, trust) = (Arc::clone(&leaves), Arc::clone(&trust));
            tokio::spawn(async move { handshake(&leaves, "a.example", &trust, "a.example").await })
        })
        .collect();
    for client in clients {
        assert_eq!(client.await.unwrap(), Ok(()));
    }
    assert_eq!(leaves.stats(), LeafStats { minted: 1, reused: 63, kept: 1 });
}

#[tokio::test]
async fn clients_resume_their_sessions() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let (issuer, certificate) = issuer();
    let leaves = Leaves::new(issuer).unwrap();
    let trust = trusting(&certificate);
    let name = host("a.example");
    let mut kinds = Vec::new();
    for _ in 0..2 {
        let (near, far) = tokio::io::duplex(64 * 1024);
        let acceptor = tokio_rustls::TlsAcceptor::from(leaves.server_config(&name, Alpn::Http1).unwrap());
        let server = async move {
            let mut stream = acceptor.accept(far).await.unwrap();
            stream.write_all(b"x").await.unwrap();
            stream.flush().await.unwrap();
            stream
        };
        let (mut stream, _server) = {
            let (server, client) = tokio::join!(server, trust.connect(&name, Alpn::Http1, near));
            (client.unwrap(), server)
        };
        // The ticket travels ahead of the first byte.
        stream.read_exact(&mut [0]).await.unwrap();
        kinds.push(stream.get_ref().1.handshake_kind().unwrap());
    }
    assert_eq!(kinds, [rustls::HandshakeKind::Full, rustls::HandshakeKind::Resumed]);
}

#[tokio::test]
async fn intermediates_are_sent_and_roots_are_not() {
    let root_key = KeyPair::generate().unwrap();
    let mut root = CertificateParams::default();
    root.is_ca = IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    root.distinguished_name.push(DnType::CommonName, "root");
    let root_pem = root.self_signed(&root_key).unwrap().pem();
    let root = rcgen::Issuer::new(root, root_key);
    let key = KeyPair::generate().unwrap();
    let mut middle = CertificateParams::default();
    middle.is_ca = IsCa::Ca(rcgen::BasicConstraints::Constrained(0));
    middle.distinguished_name.push(DnType::CommonName, "intermediate");
    let middle_pem = middle.signed_by(&key, &root).unwrap().pem();
    let issuer = Issuer::from_pem(&format!("{middle_pem}{root_pem}"), &key.serialize_pem()).unwrap();
    assert_eq!(issuer.chain().len(), 1);
    let leaves = Leaves::new(Arc::new(issuer)).unwrap();
    assert_eq!(handshake(&leaves, "a.example", &trusting(&root_pem), "a.example").await, Ok(()));
}

#[test]
fn unusable_issuers_are_refused_with_their_fault() {
    let (good, good_key) = Issuer::generate("one").unwrap();
    let (_, other_key) = Issuer::generate("two").unwrap();
    let make = |change: fn(&mut CertificateParams)| {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        change(&mut params);
        (params.self_signed(&key).unwrap().pem(), key.serialize_pem())
    };
    let no_authority = make(|params| params.is_ca = IsCa::ExplicitNoCa);
    let no_signing = make(|params| params.key_usages = vec![KeyUsagePurpose::DigitalSignature]);
    let expired = make(|params| params.not_after = date_time_ymd(2001, 1, 1));
    let future = make(|params| params.not_before = date_time_ymd(2100, 1, 1));
    let sec1 = "-----BEGIN EC PRIVATE KEY-----\nAAAA\n-----END EC PRIVATE KEY-----\n";
    let cases: [(&str, &str, &str); 9] = [
        (&good, &other_key, "does not belong"),
        (&no_authority.0, &no_authority.1, "lack CA:TRUE"),
        (&no_signing.0, &no_signing.1, "lacks keyCertSign"),
        (&expired.0, &expired.1, "has expired (notAfter 2001-01-01T00:00:00Z)"),
        (&future.0, &future.1, "is not valid yet (notBefore 2100-01-01T00:00:00Z)"),
        ("", &good_key, "holds no certificate"),
        (&good, "", "is not a PEM private key"),
        (&good, sec1, "openssl pkcs8"),
        (&good_key, &good_key, "holds no certificate"),
    ];
    for (certificate, key, wanted) in cases {
        let message = Issuer::from_pem(certificate, key).unwrap_err().message;
        assert!(message.contains(wanted), "{message} lacks {wanted}");
        assert!(message.starts_with("issuer "), "{message}");
    }
}

#[tokio::test]
async fn refusals_of_upstreams_name_their_reason() {
    let authority = testing::Authority::new();
    let stranger = testing::Authority::named("stranger");
    let impostor = testing::Authority::new();
    let any = testing::any_version();
    let cases = [
        (authority.issue(&["a.example"], (2020, 2100)), None),
        (
            authority.issue(&["a.example"], (2020, 2024)),
            Some("certificate has expired (notAfter 2024-01-01T00:00:00Z)"),
        ),
        (
            authority.issue(&["a.example"], (2099, 2100)),
            Some("certificate is not valid yet (notBefore 2099-01-01T00:00:00Z)"),
        ),
        (testing::self_signed(&["a.example"]), Some("certificate is self-signed and not in upstream.roots")),
        (
            stranger.issue(&["a.example"], (2020, 2100)),
            Some("certificate is issued by an authority that upstream.roots does not trust"),
        ),
        (impostor.issue(&["a.example"], (2020, 2100)), Some("certificate or handshake has a bad signature")),
        (
            authority.issue(&["b.example", "192.0.2.1"], (2020, 2100)),
            Some("certificate is not for a.example; it is for b.example, 192.0.2.1"),
        ),
    ];
    let trust = authority.trust(MinTls::Tls12);
    for (identity, wanted) in cases {
        let (near, far) = tokio::io::duplex(64 * 1024);
        let acceptor = tokio_rustls::TlsAcceptor::from(testing::server_config(identity, any));
        let name = host("a.example");
        let (_, client) = tokio::join!(acceptor.accept(far), trust.connect(&name, Alpn::Http1, near));
        match (client, wanted) {
            (Ok(_), None) => {}
            (Err(error), Some(wanted)) => {
                assert!(error.to_string().starts_with(wanted), "{error} is not {wanted}")
            }
            (client, wanted) => panic!("{client:?} is not {wanted:?}"),
        }
    }
}
