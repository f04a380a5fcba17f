//! Hybrid public key encryption as RFC 9180 has it: base mode, one message, DHKEM(X25519, HKDF-SHA256), HKDF-SHA256,
//! ChaCha20-Poly1305. ring seals; what opens runs where the private key is, never in a gate.

use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, Nonce, UnboundKey};
use ring::agreement::{EphemeralPrivateKey, UnparsedPublicKey, X25519, agree_ephemeral};
use ring::hmac::{self, HMAC_SHA256};
use ring::rand::SystemRandom;
use x25519_dalek::{PublicKey, StaticSecret};
use zeroize::Zeroizing;

/// DHKEM(X25519, HKDF-SHA256), section 7.1.
const KEM_SUITE: &[u8] = b"KEM\x00\x20";
/// That, HKDF-SHA256 and ChaCha20-Poly1305, section 7.
const SUITE: &[u8] = b"HPKE\x00\x20\x00\x01\x00\x03";
const VERSION: &[u8] = b"HPKE-v1";
const BASE_MODE: &[u8] = &[0];
/// Bytes of a Poly1305 tag.
pub(super) const TAG: usize = 16;

type Secret = Zeroizing<[u8; 32]>;

/// `LabeledExtract`, section 4.
fn extract(suite: &[u8], salt: &[u8], label: &[u8], material: &[u8]) -> Secret {
    let mut context = hmac::Context::with_key(&hmac::Key::new(HMAC_SHA256, salt));
    [VERSION, suite, label, material].iter().for_each(|part| context.update(part));
    first(context.sign())
}

/// `LabeledExpand`, section 4: at most one block is ever asked for.
fn expand<const N: usize>(
    suite: &[u8],
    secret: &[u8],
    label: &[u8],
    info: &[u8],
) -> Option<Zeroizing<[u8; N]>> {
    let mut context = hmac::Context::with_key(&hmac::Key::new(HMAC_SHA256, secret));
    context.update(&u16::try_from(N).ok()?.to_be_bytes());
    [VERSION, suite, label, info, &[1]].iter().for_each(|part| context.update(part));
    let block = first(context.sign());
    block.first_chunk().copied().map(Zeroizing::new)
}

fn first(tag: hmac::Tag) -> Secret {
    let mut out = Zeroizing::new([0; 32]);
    out.iter_mut().zip(tag.as_ref()).for_each(|(to, from)| *to = *from);
    out
}

/// `ExtractAndExpand`, section 4.1: what both sides make of the agreement.
fn shared_secret(agreed: &[u8], enc: &[u8; 32], recipient: &[u8; 32]) -> Option<Secret> {
    let prk = extract(KEM_SUITE, &[], b"eae_prk", agreed);
    expand(KEM_SUITE, prk.as_ref(), b"shared_secret", &[enc.as_slice(), recipient].concat())
}

/// `KeySchedule` without a pre-shared key, section 5.1: key, and the nonce of the first message.
fn schedule(shared: &Secret, info: &[u8]) -> Option<(LessSafeKey, Nonce)> {
    let named = |label: &[u8], material: &[u8]| extract(SUITE, &[], label, material);
    let context = [BASE_MODE, &*named(b"psk_id_hash", &[]), &*named(b"info_hash", info)].concat();
    let secret = extract(SUITE, shared.as_ref(), b"secret", &[]);
    let key = expand::<32>(SUITE, secret.as_ref(), b"key", &context)?;
    let nonce = expand::<12>(SUITE, secret.as_ref(), b"base_nonce", &context)?;
    let key = UnboundKey::new(&CHACHA20_POLY1305, key.as_ref()).ok()?;
    Some((LessSafeKey::new(key), Nonce::assume_unique_for_key(*nonce)))
}

/// What a recipient needs to open: the encapsulated key, and the message under its tag. Nothing when there is no
/// randomness or the key is none.
pub(super) fn seal(
    recipient: &[u8; 32],
    info: &[u8],
    aad: &[u8],
    mut message: Zeroizing<Vec<u8>>,
) -> Option<([u8; 32], Vec<u8>)> {
    let own = EphemeralPrivateKey::generate(&X25519, &SystemRandom::new()).ok()?;
    let enc: [u8; 32] = own.compute_public_key().ok()?.as_ref().try_into().ok()?;
    let peer = UnparsedPublicKey::new(&X25519, recipient);
    // It refuses an agreement on nothing (all zeros), as section 7.1.4 asks.
    let shared = agree_ephemeral(own, &peer, |agreed| shared_secret(agreed, &enc, recipient)).ok()??;
    let (key, nonce) = schedule(&shared, info)?;
    // In place, so that no other copy of the message is left.
    let tag = key.seal_in_place_separate_tag(nonce, Aad::from(aad), &mut message).ok()?;
    Some((enc, [message.as_slice(), tag.as_ref()].concat()))
}

/// Opens with the private key; nothing when it is another's, or anything was changed.
pub(super) fn open(
    private: &StaticSecret,
    enc: &[u8; 32],
    info: &[u8],
    aad: &[u8],
    sealed: &[u8],
) -> Option<Zeroizing<Vec<u8>>> {
    let agreed = private.diffie_hellman(&PublicKey::from(*enc));
    if !agreed.was_contributory() {
        return None;
    }
    let recipient = PublicKey::from(private);
    let (key, nonce) = schedule(&shared_secret(agreed.as_bytes(), enc, recipient.as_bytes())?, info)?;
    let mut message = Zeroizing::new(sealed.to_vec());
    let length = key.open_in_place(nonce, Aad::from(aad), &mut message).ok()?.len();
    message.truncate(length);
    Some(message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::text::from_hex;

    /// RFC 9180, appendix A.2.1.
    const RECIPIENT: &str = "8057991eef8f1f1af18f4a9491d16a1ce333f695d4db8e38da75975c4478e0fb";
    const RECIPIENT_PUBLIC: &str = "4310ee97d88cc1f088a5576c77ab0cf5c3ac797f3d95139c6c84b5429c59662a";
    const EPHEMERAL: &str = "f4ec9b33b792c372c1d2c2063507b684ef925b8c75a42dbcbf57d63ccd381600";
    const ENC: &str = "1afa08d3dec047a643885163f1180476fa7ddb54c6a8029ea33f95796bf2ac4a";
    const SHARED: &str = "0bbe78490412b4bbea4812666f7916932b828bba79942424abb65244930d69a7";
    const INFO: &[u8] = b"Ode on a Grecian Urn";
    const AAD: &[u8] = b"Count-0";
    const MESSAGE: &[u8] = b"Beauty is truth, truth beauty";
    const SEALED: &str =
        "1c5250d8034ec2b784ba2cfd69dbdb8af406cfe3ff938e131f0def8c8b60b4db21993c62ce81883d2dd1b51a28";

    fn of(hex: &str) -> [u8; 32] {
        from_hex(hex.as_bytes()).unwrap()
    }

    #[test]
    fn the_published_vectors_hold_on_both_sides() {
        let (private, ephemeral) = (StaticSecret::from(of(RECIPIENT)), StaticSecret::from(of(EPHEMERAL)));
        assert_eq!(PublicKey::from(&private).as_bytes(), &of(RECIPIENT_PUBLIC));
        assert_eq!(PublicKey::from(&ephemeral).as_bytes(), &of(ENC));
        let agreed = ephemeral.diffie_hellman(&PublicKey::from(of(RECIPIENT_PUBLIC)));
        let shared = shared_secret(agreed.as_bytes(), &of(ENC), &of(RECIPIENT_PUBLIC)).unwrap();
        assert_eq!(*shared, of(SHARED));
        // The sender's half of the published message.
        let (key, nonce) = schedule(&shared, INFO).unwrap();
        let mut sealed = MESSAGE.to_vec();
        key.seal_in_place_append_tag(nonce, Aad::from(AAD), &mut sealed).unwrap();
        assert_eq!(sealed, from_hex::<45>(SEALED.as_bytes()).unwrap());
        // The recipient's.
        assert_eq!(**open(&private, &of(ENC), INFO, AAD, &sealed).unwrap(), *MESSAGE);
    }

    #[test]
    fn what_ring_seals_opens_for_its_recipient_alone_and_whole() {
        let private = StaticSecret::from(of(RECIPIENT));
        let sealed = |message: &[u8]| {
            seal(&of(RECIPIENT_PUBLIC), INFO, AAD, Zeroizing::new(message.to_vec())).unwrap()
        };
        for length in [0, 1, 29, 5000] {
            let message = vec![b'7'; length];
            let (enc, text) = sealed(&message);
            assert_eq!(text.len(), length + TAG);
            assert_eq!(**open(&private, &enc, INFO, AAD, &text).unwrap(), *message);
        }
        let (enc, text) = sealed(MESSAGE);
        assert_ne!(sealed(MESSAGE), (enc, text.clone()), "each has a key of its own");
        let other = StaticSecret::from(of(EPHEMERAL));
        assert!(open(&other, &enc, INFO, AAD, &text).is_none());
        assert!(open(&private, &enc, b"", AAD, &text).is_none());
        assert!(open(&private, &enc, INFO, b"", &text).is_none());
        assert!(open(&private, &[0; 32], INFO, AAD, &text).is_none(), "a point of small order");
        assert!(open(&private, &enc, INFO, AAD, &text[..text.len() - 1]).is_none());
        for at in 0..text.len() {
            let mut changed = text.clone();
            changed[at] ^= 1;
            assert!(open(&private, &enc, INFO, AAD, &changed).is_none(), "byte {at}");
        }
        assert!(seal(&[0; 32], INFO, AAD, Zeroizing::new(vec![])).is_none(), "a key that is none");
    }
}
