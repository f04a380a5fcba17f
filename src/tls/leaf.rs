//! Leaves: the certificates shown to clients, minted once a name and kept within a bound.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use quick_cache::sync::Cache;
use rcgen::{KeyPair, PublicKeyData};
use rustls::sign::{CertifiedKey, SigningKey};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};

use super::issuer::{random_serial, seconds, unix_now};
use super::{Alpn, Issuer, IssuerError, client_side, der};
use crate::flow::Host;
use crate::limits;

/// RFC 5280, appendix A.1: `ub-common-name`.
const COMMON_NAME_MAX: usize = 64;
const COMMON_NAME: &[u8] = &[0x55, 0x04, 0x03];
const SERVER_AUTH: &[u8] = &[0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x01];
const VERSION_3: &[u8] = &[2];
const DIGITAL_SIGNATURE: &[u8] = &[7, 0x80];
/// Numbers of the `id-ce` arc (RFC 5280, section 4.2.1).
mod id_ce {
    pub(super) const SUBJECT_KEY_IDENTIFIER: u8 = 14;
    pub(super) const KEY_USAGE: u8 = 15;
    pub(super) const SUBJECT_ALT_NAME: u8 = 17;
    pub(super) const BASIC_CONSTRAINTS: u8 = 19;
    pub(super) const AUTHORITY_KEY_IDENTIFIER: u8 = 35;
    pub(super) const EXTENDED_KEY_USAGE: u8 = 37;
}

/// Mints and keeps leaves; each name is minted once, the cache is bounded.
pub struct Leaves {
    issuer: Arc<Issuer>,
    key: Arc<dyn SigningKey>,
    /// Everything of a certificate that does not change from leaf to leaf.
    public_key_info: Vec<u8>,
    fixed_extensions: Vec<u8>,
    configs: client_side::Configs,
    cache: Cache<Host, Kept>,
    minted: AtomicU64,
    reused: AtomicU64,
}

#[derive(Clone)]
struct Kept {
    /// For each [`Alpn`].
    configs: [Arc<rustls::ServerConfig>; 2],
    /// From here on a fresh leaf is minted: a client may keep its session for hours.
    renew_at: i64,
    /// Before this a fresh leaf is minted, too: the clock was ahead when this one was.
    good_from: i64,
}

impl Kept {
    fn is_good(&self, now: i64) -> bool {
        (self.good_from..self.renew_at).contains(&now)
    }
}

/// What the leaf cache has done since it was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LeafStats {
    pub minted: u64,
    pub reused: u64,
    pub kept: usize,
}

impl fmt::Debug for Leaves {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Leaves")
            .field("issuer", &self.issuer)
            .field("stats", &self.stats())
            .finish_non_exhaustive()
    }
}

impl Leaves {
    pub fn new(issuer: Arc<Issuer>) -> Result<Leaves, IssuerError> {
        let pair = KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256)
            .map_err(|error| IssuerError::new(format!("leaf key cannot be made: {error}")))?;
        let private = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(pair.serialize_der()));
        let key = rustls::crypto::ring::sign::any_supported_type(&private)
            .map_err(|error| IssuerError::new(format!("leaf key cannot be used: {error}")))?;
        let fixed_extensions = fixed_extensions(&pair, issuer.key_identifier());
        Ok(Leaves {
            issuer,
            key,
            public_key_info: pair.subject_public_key_info(),
            fixed_extensions,
            configs: client_side::Configs::new()?,
            cache: Cache::new(limits::LEAF_CACHE),
            minted: AtomicU64::new(0),
            reused: AtomicU64::new(0),
        })
    }

    /// The server configuration for a client that asked for `host` (its SNI, else the CONNECT host).
    pub fn server_config(&self, host: &Host, alpn: Alpn) -> Result<Arc<rustls::ServerConfig>, IssuerError> {
        let [http1, both] = self.kept(host)?.configs;
        Ok(match alpn {
            Alpn::Http1 => http1,
            Alpn::Http2 => both,
        })
    }

    fn kept(&self, host: &Host) -> Result<Kept, IssuerError> {
        let now = unix_now();
        if let Some(kept) = self.cache.get(host) {
            if kept.is_good(now) {
                self.reused.fetch_add(1, Ordering::Relaxed);
                return Ok(kept);
            }
            self.cache.remove_if(host, |kept| !kept.is_good(now));
        }
        // Whoever comes second waits for the first one's leaf: a mint takes well under a millisecond.
        let mut mine = false;
        let kept = self.cache.get_or_insert_with(host, || {
            mine = true;
            self.minted.fetch_add(1, Ordering::Relaxed);
            self.mint(host, now)
        })?;
        if !mine {
            self.reused.fetch_add(1, Ordering::Relaxed);
        }
        Ok(kept)
    }

    #[must_use]
    pub fn stats(&self) -> LeafStats {
        LeafStats {
            minted: self.minted.load(Ordering::Relaxed),
            reused: self.reused.load(Ordering::Relaxed),
            kept: self.cache.len(),
        }
    }

    #[must_use]
    pub fn issuer(&self) -> &Arc<Issuer> {
        &self.issuer
    }

    fn mint(&self, host: &Host, now: i64) -> Result<Kept, IssuerError> {
        let good_from = now.saturating_sub(seconds(limits::LEAF_BACKDATE));
        let not_before = good_from.max(self.issuer.not_before());
        let not_after = now.saturating_add(seconds(limits::LEAF_LIFE)).min(self.issuer.not_after());
        if not_after <= now {
            return Err(IssuerError::new("issuer certificate has expired"));
        }
        let leaf = self.certificate(host, not_before, not_after)?;
        let mut chain = Vec::with_capacity(1 + self.issuer.chain().len());
        chain.push(leaf);
        chain.extend_from_slice(self.issuer.chain());
        let configs = self.configs.with_leaf(CertifiedKey::new(chain, Arc::clone(&self.key)))?;
        let renew_at = now.saturating_add(not_after.saturating_sub(now) / 2).max(now + 1);
        Ok(Kept { configs, renew_at, good_from })
    }

    /// One certificate (RFC 5280, section 4.1), written here and not by a builder, because the issuer field
    /// must repeat the issuer's subject byte for byte, whatever attributes and string types it is made of.
    fn certificate(
        &self,
        host: &Host,
        not_before: i64,
        not_after: i64,
    ) -> Result<CertificateDer<'static>, IssuerError> {
        let out_of_range = || IssuerError::new("leaf cannot be minted: the clock is out of range");
        let validity = der::tlv(
            der::SEQUENCE,
            &[
                &der::time(not_before).ok_or_else(out_of_range)?,
                &der::time(not_after).ok_or_else(out_of_range)?,
            ],
        );
        let algorithm = der::tlv(der::SEQUENCE, &[self.issuer.signature_algorithm()]);
        let subject = subject(host);
        let names = subject_alt_name(host, subject.is_none());
        let extensions = der::tlv(der::SEQUENCE, &[&self.fixed_extensions, &names]);
        let to_be_signed = der::tlv(
            der::SEQUENCE,
            &[
                &der::tlv(der::explicit(0), &[&der::tlv(der::INTEGER, &[VERSION_3])]),
                &der::tlv(der::INTEGER, &[&random_serial()?]),
                &algorithm,
                self.issuer.subject(),
                &validity,
                &subject.unwrap_or_else(|| der::tlv(der::SEQUENCE, &[])),
                &self.public_key_info,
                &der::tlv(der::explicit(3), &[&extensions]),
            ],
        );
        let signature = self.issuer.sign(&to_be_signed)?;
        let signature = der::tlv(der::BIT_STRING, &[&[0], &signature]);
        Ok(CertificateDer::from(der::tlv(der::SEQUENCE, &[&to_be_signed, &algorithm, &signature])))
    }
}

/// The extensions that every leaf shares.
fn fixed_extensions(key: &KeyPair, issuer_key_identifier: Option<&[u8]>) -> Vec<u8> {
    // RFC 7093, method 1: the leaf key is not the issuer's, so the two identifiers differ.
    let digest = ring::digest::digest(&ring::digest::SHA256, key.der_bytes());
    let own: Vec<u8> = digest.as_ref().iter().copied().take(20).collect();
    let server_auth = der::tlv(der::SEQUENCE, &[&der::tlv(der::OID, &[SERVER_AUTH])]);
    let mut out = [
        der::extension(id_ce::BASIC_CONSTRAINTS, true, &der::tlv(der::SEQUENCE, &[])),
        der::extension(id_ce::KEY_USAGE, true, &der::tlv(der::BIT_STRING, &[DIGITAL_SIGNATURE])),
        der::extension(id_ce::EXTENDED_KEY_USAGE, false, &server_auth),
        der::extension(id_ce::SUBJECT_KEY_IDENTIFIER, false, &der::tlv(der::OCTET_STRING, &[&own])),
    ]
    .concat();
    if let Some(theirs) = issuer_key_identifier {
        let value = der::tlv(der::SEQUENCE, &[&der::tlv(der::implicit(0), &[theirs])]);
        out.extend(der::extension(id_ce::AUTHORITY_KEY_IDENTIFIER, false, &value));
    }
    out
}

/// A common name for people to read, when it fits; verifiers look at the alternative name alone.
fn subject(host: &Host) -> Option<Vec<u8>> {
    let text = match host {
        Host::Name(name) => name.to_string(),
        Host::Ip(ip) => ip.to_string(),
    };
    (text.len() <= COMMON_NAME_MAX).then(|| {
        let value = der::tlv(der::UTF8_STRING, &[text.as_bytes()]);
        let attribute = der::tlv(der::SEQUENCE, &[&der::tlv(der::OID, &[COMMON_NAME]), &value]);
        der::tlv(der::SEQUENCE, &[&der::tlv(der::SET, &[&attribute])])
    })
}

fn subject_alt_name(host: &Host, critical: bool) -> Vec<u8> {
    let name = match host {
        Host::Name(name) => der::tlv(der::implicit(2), &[name.as_bytes()]),
        Host::Ip(IpAddr::V4(ip)) => der::tlv(der::implicit(7), &[&ip.octets()]),
        Host::Ip(IpAddr::V6(ip)) => der::tlv(der::implicit(7), &[&ip.octets()]),
    };
    der::extension(id_ce::SUBJECT_ALT_NAME, critical, &der::tlv(der::SEQUENCE, &[&name]))
}

#[cfg(test)]
#[path = "leaf_tests.rs"]
mod tests;
