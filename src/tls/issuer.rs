//! The certificate authority that signs leaves: made once, then read from PEM and checked.

use std::fmt;
use std::fmt::Write as _;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, IsCa, KeyPair, KeyUsagePurpose,
    PublicKeyData, SerialNumber, SigningKey,
};
use ring::rand::SecureRandom;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{AlgorithmIdentifier, CertificateDer, PrivateKeyDer, alg_id};
use x509_parser::prelude::{ASN1Time, FromDer, ParsedExtension, X509Certificate};

use super::IssuerError;
use crate::limits;

/// The certificate authority that signs leaves.
pub struct Issuer {
    key: KeyPair,
    signature_algorithm: AlgorithmIdentifier,
    pem: String,
    certificate: CertificateDer<'static>,
    /// What clients need beside the leaf: the issuer unless it is a root, then its own issuers.
    chain: Vec<CertificateDer<'static>>,
    subject: Vec<u8>,
    key_identifier: Option<Vec<u8>>,
    not_before: i64,
    not_after: i64,
}

impl fmt::Debug for Issuer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Issuer")
            .field("sha256", &self.sha256())
            .field("not_after", &self.not_after)
            .finish_non_exhaustive()
    }
}

impl Issuer {
    /// A new P-256 authority: certificate and PKCS#8 key as PEM. `common_name` is what trust stores show.
    pub fn generate(common_name: &str) -> Result<(String, String), IssuerError> {
        let fault = |error: rcgen::Error| IssuerError::new(format!("issuer cannot be made: {error}"));
        let now = unix_now();
        let key = KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).map_err(fault)?;
        let mut params = CertificateParams::default();
        let mut name = DistinguishedName::new();
        name.push(DnType::CommonName, common_name);
        params.distinguished_name = name;
        // No authority may stand below this one: it signs leaves and nothing else.
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        params.serial_number = Some(SerialNumber::from_slice(&random_serial()?));
        let calendar = |unix: i64| {
            ASN1Time::from_timestamp(unix)
                .map(|time| time.to_datetime())
                .map_err(|_| IssuerError::new("issuer cannot be made: the clock is out of range"))
        };
        params.not_before = calendar(now.saturating_sub(seconds(limits::LEAF_BACKDATE)))?;
        params.not_after = calendar(now.saturating_add(seconds(limits::ISSUER_LIFE)))?;
        let certificate = params.self_signed(&key).map_err(fault)?;
        Ok((certificate.pem(), key.serialize_pem()))
    }

    /// Reads certificate (with any intermediates) and key; refuses a pair that do not belong together, a
    /// certificate that may not sign, one that has expired.
    pub fn from_pem(certificate: &str, key: &str) -> Result<Issuer, IssuerError> {
        let key = read_key(key)?;
        let mut certificates = CertificateDer::pem_slice_iter(certificate.as_bytes())
            .collect::<Result<Vec<_>, _>>()
            .map_err(|error| IssuerError::new(format!("issuer certificate is not valid PEM: {error}")))?
            .into_iter();
        let own = certificates
            .next()
            .ok_or_else(|| IssuerError::new("issuer certificate file holds no certificate"))?;
        let parsed = parse(&own)?;
        check_authority(&parsed)?;
        if parsed.public_key().subject_public_key.data != key.der_bytes() {
            return Err(IssuerError::new("issuer key does not belong to the issuer certificate"));
        }
        let (mut not_before, mut not_after) = check_validity(&parsed)?;
        let mut chain = Vec::new();
        if !is_self_issued(&parsed) {
            chain.push(own.clone());
        }
        for parent in certificates {
            let parsed = parse(&parent)?;
            check_authority(&parsed)?;
            if is_self_issued(&parsed) {
                continue;
            }
            // A chain is good only while every certificate of it is.
            let validity = check_validity(&parsed)?;
            (not_before, not_after) = (not_before.max(validity.0), not_after.min(validity.1));
            chain.push(parent.clone());
        }
        let key_identifier =
            parsed.iter_extensions().find_map(|extension| match extension.parsed_extension() {
                ParsedExtension::SubjectKeyIdentifier(id) => Some(id.0.to_vec()),
                _ => None,
            });
        let subject = parsed.subject().as_raw().to_vec();
        let signature_algorithm = signature_algorithm(&key)?;
        let pem = certificate.to_owned();
        drop(parsed);
        Ok(Issuer {
            key,
            signature_algorithm,
            pem,
            certificate: own,
            chain,
            subject,
            key_identifier,
            not_before,
            not_after,
        })
    }

    /// Seconds since the Unix epoch.
    #[must_use]
    pub fn not_after(&self) -> i64 {
        self.not_after
    }

    #[must_use]
    pub fn certificate_pem(&self) -> &str {
        &self.pem
    }

    /// SHA-256 of the certificate, hex.
    #[must_use]
    pub fn sha256(&self) -> String {
        let digest = ring::digest::digest(&ring::digest::SHA256, &self.certificate);
        digest.as_ref().iter().fold(String::with_capacity(64), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        })
    }

    pub(super) fn not_before(&self) -> i64 {
        self.not_before
    }

    pub(super) fn chain(&self) -> &[CertificateDer<'static>] {
        &self.chain
    }

    /// The subject, DER, as it must stand in a leaf's issuer field byte for byte.
    pub(super) fn subject(&self) -> &[u8] {
        &self.subject
    }

    pub(super) fn key_identifier(&self) -> Option<&[u8]> {
        self.key_identifier.as_deref()
    }

    /// The contents of the `AlgorithmIdentifier` that [`Issuer::sign`] signs under.
    pub(super) fn signature_algorithm(&self) -> &[u8] {
        self.signature_algorithm.as_ref()
    }

    pub(super) fn sign(&self, message: &[u8]) -> Result<Vec<u8>, IssuerError> {
        self.key.sign(message).map_err(|error| IssuerError::new(format!("issuer key cannot sign: {error}")))
    }
}

fn read_key(pem: &str) -> Result<KeyPair, IssuerError> {
    // The parser's own words are left out: they might quote the file.
    let der = PrivateKeyDer::from_pem_slice(pem.as_bytes())
        .map_err(|_| IssuerError::new("issuer key is not a PEM private key"))?;
    if !matches!(der, PrivateKeyDer::Pkcs8(_)) {
        return Err(IssuerError::new(
            "issuer key is not PKCS#8; convert it with `openssl pkcs8 -topk8 -nocrypt -in KEY -out NEWKEY`",
        ));
    }
    KeyPair::try_from(&der).map_err(|_| {
        IssuerError::new("issuer key is of no supported kind (ECDSA P-256 or P-384, Ed25519, RSA)")
    })
}

fn signature_algorithm(key: &KeyPair) -> Result<AlgorithmIdentifier, IssuerError> {
    let known = [
        (&rcgen::PKCS_ECDSA_P256_SHA256, alg_id::ECDSA_SHA256),
        (&rcgen::PKCS_ECDSA_P384_SHA384, alg_id::ECDSA_SHA384),
        (&rcgen::PKCS_ED25519, alg_id::ED25519),
        (&rcgen::PKCS_RSA_SHA256, alg_id::RSA_PKCS1_SHA256),
    ];
    known.into_iter().find_map(|(algorithm, id)| key.is_compatible(algorithm).then_some(id)).ok_or_else(
        || IssuerError::new("issuer key is of no supported kind (ECDSA P-256 or P-384, Ed25519, RSA)"),
    )
}

fn parse<'a>(der: &'a CertificateDer<'_>) -> Result<X509Certificate<'a>, IssuerError> {
    match X509Certificate::from_der(der) {
        Ok(([], certificate)) => Ok(certificate),
        _ => Err(IssuerError::new("issuer certificate is not valid X.509")),
    }
}

fn check_authority(certificate: &X509Certificate<'_>) -> Result<(), IssuerError> {
    let is_ca = matches!(certificate.basic_constraints(), Ok(Some(constraints)) if constraints.value.ca);
    if !is_ca {
        return Err(IssuerError::new(
            "issuer certificate is no certificate authority (basic constraints lack CA:TRUE)",
        ));
    }
    match certificate.key_usage() {
        Ok(None) => Ok(()),
        Ok(Some(usage)) if usage.value.key_cert_sign() => Ok(()),
        _ => Err(IssuerError::new(
            "issuer certificate may not sign certificates (key usage lacks keyCertSign)",
        )),
    }
}

fn check_validity(certificate: &X509Certificate<'_>) -> Result<(i64, i64), IssuerError> {
    let validity = certificate.validity();
    let (from, to) = (validity.not_before.timestamp(), validity.not_after.timestamp());
    let now = unix_now();
    if now > to {
        return Err(IssuerError::new(format!("issuer certificate has expired (notAfter {})", moment(to))));
    }
    if now < from {
        return Err(IssuerError::new(format!(
            "issuer certificate is not valid yet (notBefore {})",
            moment(from)
        )));
    }
    Ok((from, to))
}

fn is_self_issued(certificate: &X509Certificate<'_>) -> bool {
    certificate.subject().as_raw() == certificate.issuer().as_raw()
}

/// 126 random bits below a set one and a clear sign bit: positive and always 16 octets.
pub(super) fn random_serial() -> Result<[u8; 16], IssuerError> {
    let mut serial = [0u8; 16];
    ring::rand::SystemRandom::new()
        .fill(&mut serial)
        .map_err(|_| IssuerError::new("the operating system gave no random bytes"))?;
    if let Some(first) = serial.first_mut() {
        // A leading zero octet would need its own rule in DER; a set top bit would be a negative number.
        *first = (*first & 0x7f) | 0x40;
    }
    Ok(serial)
}

pub(super) fn unix_now() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, seconds)
}

pub(super) fn seconds(duration: Duration) -> i64 {
    i64::try_from(duration.as_secs()).unwrap_or(i64::MAX)
}

/// RFC 3339, or the bare seconds for what no calendar holds.
pub(super) fn moment(unix: i64) -> String {
    jiff::Timestamp::from_second(unix).map_or_else(|_| unix.to_string(), |stamp| stamp.to_string())
}
