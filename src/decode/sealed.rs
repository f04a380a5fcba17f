//! What is never edited, since others check what it says by more than its text: archives, images, what is signed.

use std::borrow::Cow;

/// Why what is declared to be of this type is never edited, if it is not.
#[must_use]
pub fn sealed_type(media_type: &str) -> Option<&'static str> {
    let mark = media_type.bytes().position(|byte| byte == b';').unwrap_or(media_type.len());
    let mut essence = Cow::Borrowed(media_type.get(..mark)?.trim());
    if essence.bytes().any(|byte| byte.is_ascii_uppercase()) {
        essence = Cow::Owned(essence.to_ascii_lowercase());
    }
    let (family, kind) = essence.split_once('/')?;
    match (family, kind) {
        ("audio" | "font" | "image" | "video", kind) if kind != "svg+xml" => return Some("archive"),
        ("multipart", "signed") => return Some("signed"),
        ("application", _) => {}
        _ => return None,
    }
    let is_index = kind.starts_with("vnd.npm.") || kind.starts_with("vnd.pypi.");
    match kind {
        _ if is_index => Some("package_index"),
        _ if SIGNED.contains(&kind) => Some("signed"),
        _ if ARCHIVES.contains(&kind) || kind.ends_with("+zip") => Some("archive"),
        _ => DOCUMENTS.iter().any(|begin| kind.starts_with(begin)).then_some("archive"),
    }
}

/// Of a part of a body: one of bytes of any kind is judged by these.
pub(super) fn sealed_part(media_type: &str) -> Option<&'static str> {
    let is_any = media_type.trim_ascii_start().to_ascii_lowercase().starts_with("application/octet-stream");
    if is_any { None } else { sealed_type(media_type) }
}

/// Whether a part is declared to be a mail, which may be signed.
pub(super) fn is_mail(media_type: &str) -> bool {
    let said = media_type.trim_ascii_start().to_ascii_lowercase();
    said.starts_with("message/rfc822") || said.starts_with("message/global")
}

/// Whether a field of a part's header is a digest over the part (RFC 1864, RFC 9530); `name` in small letters.
pub(super) fn is_digest(name: &[u8]) -> bool {
    [b"content-md5".as_slice(), b"content-digest", b"repr-digest", b"digest"].contains(&name)
}

/// The same of what begins so: a label proves nothing.
#[must_use]
pub fn sealed_start(opening: &[u8]) -> Option<&'static str> {
    if opening.starts_with(b"-----BEGIN PGP SIGNED") {
        return Some("signed");
    }
    let is_one = super::is_unopened(opening) || STARTS.iter().any(|start| opening.starts_with(start));
    is_one.then_some("archive")
}

/// Packed, or with checksums over what they hold.
const ARCHIVES: [&str; 31] = [
    "octet-stream",
    "zip",
    "gzip",
    "x-gzip",
    "zstd",
    "x-tar",
    "x-gtar",
    "x-bzip2",
    "x-xz",
    "wasm",
    "x-7z-compressed",
    "vnd.rar",
    "x-rar-compressed",
    "java-archive",
    "pdf",
    "vnd.debian.binary-package",
    "x-rpm",
    "x-debian-package",
    "vnd.android.package-archive",
    "ogg",
    "avro",
    "x-avro",
    "vnd.apache.avro",
    "vnd.apache.parquet",
    "x-parquet",
    "vnd.amazon.eventstream",
    "vnd.ms-cab-compressed",
    "vnd.microsoft.portable-executable",
    "x-executable",
    "x-git-upload-pack-result",
    "x-git-receive-pack-request",
];

const DOCUMENTS: [&str; 3] = ["vnd.openxmlformats-", "vnd.oasis.opendocument.", "vnd.ms-excel.sheet."];

/// S/MIME (RFC 8551), OpenPGP (RFC 3156), JOSE (RFC 7515).
const SIGNED: [&str; 8] = [
    "pkcs7-mime",
    "x-pkcs7-mime",
    "pkcs7-signature",
    "pgp-encrypted",
    "pgp-signature",
    "jose",
    "jose+json",
    "jwt",
];

const STARTS: [&[u8]; 14] = [
    b"PK\x03\x04",
    b"\x1f\x8b\x08",
    b"BZh",
    b"\x28\xb5\x2f\xfd",
    b"%PDF-",
    b"\x89PNG",
    b"OggS\0",
    b"wOFF",
    b"wOF2",
    b"\0asm",
    b"Obj\x01",
    b"ORC\x0a",
    b"SQLite format 3\0",
    b"\x89HDF\r\n\x1a\n",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_packed_or_checked_is_sealed() {
        let sealed = [
            "application/octet-stream",
            "Application/ZIP; x=y",
            "image/png",
            "IMAGE/jpeg",
            "application/vnd.oasis.opendocument.text",
            "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
            "application/epub+zip",
            "application/vnd.amazon.eventstream",
        ];
        for media_type in sealed {
            assert_eq!(sealed_type(media_type), Some("archive"), "{media_type}");
            let part = (!media_type.ends_with("octet-stream")).then_some("archive");
            assert_eq!(sealed_part(media_type), part, "{media_type}");
        }
        assert_eq!(sealed_type("application/vnd.npm.install-v1+json"), Some("package_index"));
        for media_type in ["multipart/signed; protocol=x", "application/pkcs7-mime", "application/jwt"] {
            assert_eq!(sealed_type(media_type), Some("signed"), "{media_type}");
        }
        for media_type in ["application/json", "text/csv", "image/svg+xml", "multipart/form-data", "", "zip"]
        {
            assert_eq!(sealed_type(media_type), None, "{media_type}");
        }
        assert_eq!(sealed_start(b"PK\x03\x04..."), Some("archive"));
        for start in [
            b"SQLite format 3\0".as_slice(),
            b"ARROW1\0\0",
            b"\x93NUMPY\x01\0",
            b"ORC\x0a",
            b"\x89HDF\r\n\x1a\n",
        ] {
            assert_eq!(sealed_start(start), Some("archive"), "{}", start.escape_ascii());
        }
        for start in [b"{\"a\":1}".as_slice(), b"ORCA, a whale", b"SQLite is a library", b"ARROW1 of 2"] {
            assert_eq!(sealed_start(start), None, "{}", start.escape_ascii());
        }
    }
}
