//! What `mask = "ff1"` encrypted comes back under the key of the deployment, and under no other.

use tidegate::config::keys;
use tidegate::detect::validate::Check;
use tidegate::redact::{Ff1, encrypted};

use crate::commands::{done, folder};
use crate::tools::with_input;

fn luhn(digits: &[u8]) -> bool {
    Check::named("luhn").is_some_and(|luhn| (luhn.passes)(digits))
}

#[test]
fn encrypted_numbers_are_revealed_with_the_key_of_the_deployment_alone() {
    let folder = folder();
    std::fs::create_dir(folder.path().join("certs")).unwrap();
    let key = keys::fingerprint_key(&folder.path().join("certs/fingerprint.key"), &mut Vec::new()).unwrap();
    let hide = |tenant: &str| {
        let ff1 = Ff1::new(key.form(tenant));
        let out = encrypted(&ff1, b"payment.pan", b"4539 1488 0343 6467", &mut luhn, &mut |_| true);
        String::from_utf8(out.unwrap()).unwrap()
    };
    let (shop, default) = (hide("shop"), hide("default"));
    let (code, out, err) = done(folder.path(), &["reveal", "payment.pan", &default]);
    assert_eq!((code, out.as_str()), (0, "4539 1488 0343 6467\n"), "{err}");
    let lines = format!("{shop}\n\n{}\n", shop.replace(' ', "-"));
    let (code, out, err) =
        with_input(folder.path(), &["reveal", "payment.pan", "-", "--tenant", "shop"], lines.as_bytes());
    assert_eq!((code, out.as_str()), (0, "4539 1488 0343 6467\n4539-1488-0343-6467\n"), "{err}");
    // A value is none that was encrypted, and neither is a word; another identifier and no key are no way either.
    for number in ["4539148803436467", "hello"] {
        let (code, out, err) = done(folder.path(), &["reveal", "payment.pan", number]);
        assert!(code == 1 && out.is_empty() && err.contains("number 1: nothing of"), "{number} {out} {err}");
        assert!(!err.contains("45391"), "{err}");
    }
    // What goes before a stranger and behind one is told all the same.
    let lines = format!("{default}\n4539148803436467\n{default}\n");
    let (code, out, err) = with_input(folder.path(), &["reveal", "payment.pan", "-"], lines.as_bytes());
    assert_eq!((code, out.as_str()), (1, "4539 1488 0343 6467\n4539 1488 0343 6467\n"), "{err}");
    assert!(err.contains("number 2: nothing of") && !err.contains("number 3"), "{err}");
    // Each of the last digits leads back to some number; hardly one of these is encrypted to it.
    let stem = &default[..default.len() - 1];
    let others: String = (0..10).map(|last| format!("{stem}{last}\n")).collect();
    let (_, out, _) = with_input(folder.path(), &["reveal", "payment.pan", "-"], others.as_bytes());
    assert!(out.lines().count() <= 2 && out.contains("4539 1488 0343 6467\n"), "{out}");
    let (code, _, err) = done(folder.path(), &["reveal", "payment.nothing", &default]);
    assert!(code == 64, "{code} {err}");
    std::fs::remove_file(folder.path().join("certs/fingerprint.key")).unwrap();
    let (code, out, err) = done(folder.path(), &["reveal", "payment.pan", &default]);
    assert!(code != 0 && out.is_empty() && err.contains("fingerprint.key"), "{code} {out} {err}");
}
