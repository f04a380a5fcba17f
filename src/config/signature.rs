//! Detached signatures of packs: Ed25519 over a pack's bytes, one line of base64 beside it.

use crate::audit::{PublicKey, Signer, base64, from_base64};

use super::compiled::{hex, sha256_of};

/// What a signature of a pack speaks of. A pack of one file: the file's bytes, so that any Ed25519 tool can check
/// it. A folder: a line `<sha256>  <name>` for each of its files, by name, as `sha256sum *.toml` prints them, so that
/// no file can be changed, added or taken away.
pub(super) fn message(folder: bool, files: &[(&str, &str)]) -> Vec<u8> {
    match files {
        [(_, text)] if !folder => text.as_bytes().to_vec(),
        files => files
            .iter()
            .map(|(name, text)| format!("{}  {name}\n", hex(&sha256_of(text.as_bytes()))))
            .collect::<String>()
            .into_bytes(),
    }
}

/// The text of a signature file.
pub(super) fn sign(key: &Signer, message: &[u8]) -> String {
    format!("{}\n", base64(&key.sign(message)))
}

/// The id of the key that made the signature, or why none of `keys` did.
pub(super) fn verify(message: &[u8], signature: &str, keys: &[PublicKey]) -> Result<String, &'static str> {
    let signature = signature.trim();
    let bytes = from_base64(signature).filter(|_| !signature.contains(char::is_whitespace));
    let signature = bytes.and_then(|bytes| <[u8; 64]>::try_from(bytes).ok());
    let signature = signature.ok_or("is not a signature: expected one line, base64 of 64 bytes")?;
    let by = keys.iter().find(|key| key.verifies(message, &signature));
    by.map(PublicKey::id)
        .ok_or("does not fit: the pack was changed after it was signed, or another key signed it")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::generate_signing_key;

    fn signer() -> Signer {
        Signer::from_pkcs8(&generate_signing_key().unwrap()).unwrap()
    }

    #[test]
    fn a_signature_holds_for_these_bytes_and_this_key_alone() {
        let (a, b) = (signer(), signer());
        let text = sign(&a, b"pack");
        assert_eq!(text.lines().count(), 1);
        assert_eq!(verify(b"pack", &text, &[b.public(), a.public()]), Ok(a.public().id()));
        for (message, keys) in
            [(&b"pack"[..], vec![b.public()]), (b"Pack", vec![a.public()]), (b"pack", vec![])]
        {
            assert!(verify(message, &text, &keys).unwrap_err().contains("does not fit"));
        }
        for text in ["", "QUJD", &text.replacen('\n', "\nx", 1), &text[1..]] {
            assert!(verify(b"pack", text, &[a.public()]).unwrap_err().contains("not a signature"), "{text}");
        }
    }

    #[test]
    fn no_file_of_a_folder_can_be_changed_renamed_added_or_taken_away() {
        let whole = message(true, &[("a.toml", "1"), ("b.toml", "2")]);
        assert_eq!(
            String::from_utf8(whole.clone()).unwrap().lines().next().unwrap(),
            "6b86b273ff34fce19d6b804eff5a3f5747ada4eaa22f1d49c01e52ddb7875b4b  a.toml"
        );
        for other in [
            &[("a.toml", "1")][..],
            &[("a.toml", "1"), ("b.toml", "3")],
            &[("a.toml", "1"), ("c.toml", "2")],
            &[("a.toml", "1"), ("b.toml", "2"), ("c.toml", "")],
        ] {
            assert_ne!(message(true, other), whole);
        }
        assert_eq!(message(false, &[("a.toml", "1")]), b"1");
    }
}
