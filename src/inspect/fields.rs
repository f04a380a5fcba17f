//! What of a head may be edited: a change must not break framing, routing, credentials or a signature.

use std::borrow::Cow;

use crate::decode::{self, DecodeError, Framing, Lines, Objects};

/// What a head says of how its body is written.
#[derive(Clone, Debug, Default)]
pub(super) struct Declared {
    /// By its plain name.
    pub(super) charset: Option<Box<str>>,
    /// Why nothing of it can be read, if so.
    pub(super) unread: Option<DecodeError>,
    /// Its lines are events.
    pub(super) lines: Option<Lines>,
    /// What parts its parts: one, or either of two.
    pub(super) boundaries: Vec<Box<[u8]>>,
    /// It is protocol buffers.
    pub(super) protobuf: Option<Framing>,
    /// It is objects in a binary form.
    pub(super) objects: Option<Objects>,
    /// It is protocol buffers in base64.
    pub(super) armoured: Option<Framing>,
    /// It is a form, where `+` stands for a space.
    pub(super) form: bool,
    pub(super) yaml: bool,
}

impl Declared {
    /// Whether it is one text and nothing else.
    pub(super) fn is_one_text(&self) -> bool {
        let Declared { charset: _, unread: _, lines, boundaries, protobuf, objects, armoured, form: _, yaml } =
            self;
        let is_binary = protobuf.is_some() || objects.is_some() || armoured.is_some();
        !yaml && lines.is_none() && boundaries.is_empty() && !is_binary
    }

    /// Where a head says it twice, either may be what its reader goes by.
    pub(super) fn of(fields: &[(&str, &[u8])]) -> Declared {
        let types = fields.iter().filter(|(name, _)| *name == "content-type").map(|(_, value)| *value);
        let mut values = types.clone().flat_map(decode::listed);
        let mut declared = values.next().map(Declared::said).unwrap_or_default();
        for value in values {
            declared.or(Declared::said(value));
        }
        let is_framed = declared.protobuf.is_none() && types.clone().any(is_framed);
        if is_framed && fields.iter().any(|(name, value)| is_of_messages(name) && !is_told(value)) {
            declared.unread = declared.unread.or(Some(DecodeError::UnknownCoding));
        }
        let parted = decode::parted(types);
        declared.unread = declared.unread.or(parted.is_unclear.then_some(DecodeError::Boundary));
        declared.boundaries = parted.boundaries;
        declared
    }

    fn or(&mut self, other: Declared) {
        self.unread = self.unread.or(other.unread);
        let is_other = self.charset.is_none() || other.charset.as_deref().is_some_and(is_wide);
        self.charset = if is_other { other.charset.or(self.charset.take()) } else { self.charset.take() };
        self.lines = self.lines.or(other.lines);
        self.protobuf = self.protobuf.or(other.protobuf);
        self.objects = self.objects.or(other.objects);
        self.armoured = self.armoured.or(other.armoured);
        self.form |= other.form;
        self.yaml |= other.yaml;
    }

    /// What one value says, save of parts.
    fn said(value: &[u8]) -> Declared {
        let mark = value.iter().position(|byte| *byte == b';').unwrap_or(value.len());
        let essence =
            value.get(..mark).and_then(|essence| std::str::from_utf8(essence).ok()).unwrap_or_default();
        let essence = lower(essence.trim());
        let charset = decode::parameter(value, "charset");
        let is_foreign = charset.extended || charset.values.iter().any(|charset| decode::is_foreign(charset));
        let mut names: Vec<_> = charset.values.iter().map(|charset| decode::plain_name(charset)).collect();
        let charset = names.iter().position(|name| is_wide(name)).unwrap_or_default();
        let charset = (charset < names.len()).then(|| names.swap_remove(charset).into());
        Declared {
            charset,
            unread: is_foreign.then_some(DecodeError::Charset),
            lines: lines(&essence),
            boundaries: Vec::new(),
            protobuf: protobuf(&essence),
            objects: objects(&essence),
            armoured: essence.starts_with("application/grpc-web-text").then_some(Framing::Frames),
            form: essence == "application/x-www-form-urlencoded",
            yaml: is_yaml(&essence),
        }
    }
}

/// Whether characters of this charset are several bytes, digits too.
fn is_wide(charset: &str) -> bool {
    decode::recognise(&[], Some(charset)).is_some()
}

/// A word in lower case, as nearly all come.
fn lower(word: &str) -> Cow<'_, str> {
    let is_lower = word.bytes().fold(true, |all, byte| all & !byte.is_ascii_uppercase());
    if is_lower { Cow::Borrowed(word) } else { Cow::Owned(word.to_ascii_lowercase()) }
}

/// What stands before and behind the slash: both are too short for a search.
fn halves(essence: &str) -> Option<(&str, &str)> {
    let slash = essence.bytes().position(|byte| byte == b'/')?;
    Some((essence.get(..slash)?, essence.get(slash + 1..)?))
}

fn is_yaml(essence: &str) -> bool {
    let kind = halves(essence).map(|(_, kind)| kind).unwrap_or_default();
    matches!(kind, "yaml" | "x-yaml" | "vnd.yaml") || kind.ends_with("+yaml")
}

/// In which form a body of this type holds objects, if it does.
fn objects(essence: &str) -> Option<Objects> {
    let kind = essence.strip_prefix("application/")?;
    // A registered name, one that was never registered, or a type that says what it is written in.
    let is = |names: &[&str]| {
        let is_one =
            |name: &&str| kind == *name || kind.strip_suffix(name).is_some_and(|more| more.ends_with('+'));
        names.iter().any(is_one)
    };
    if is(&["cbor", "cbor-seq"]) {
        Some(Objects::Cbor)
    } else if is(&["msgpack", "x-msgpack", "vnd.msgpack", "messagepack", "x-messagepack"]) {
        Some(Objects::MessagePack)
    } else {
        None
    }
}

/// How a body of this type holds protocol buffers, if it does.
fn protobuf(essence: &str) -> Option<Framing> {
    const MESSAGES: [&str; 5] =
        ["protobuf", "x-protobuf", "x-google-protobuf", "vnd.google.protobuf", "x-protobuffer"];
    let kind = essence.strip_prefix("application/")?;
    let is_grpc =
        |name: &str| kind.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest == "+proto");
    match kind {
        _ if is_grpc("grpc") || is_grpc("grpc-web") => Some(Framing::Frames),
        "connect+proto" => Some(Framing::Frames),
        "proto" => Some(Framing::Message),
        _ if MESSAGES.contains(&kind) || kind.ends_with("+protobuf") => Some(Framing::Message),
        _ => None,
    }
}

/// Whether a body of this type holds messages, each of which may be in the coding that a field tells.
fn is_framed(value: &[u8]) -> bool {
    let begins = |kind: &str| {
        let begin = value.trim_ascii_start().get(..kind.len());
        begin.is_some_and(|begin| begin.eq_ignore_ascii_case(kind.as_bytes()))
    };
    begins("application/connect+") || begins("application/grpc")
}

/// Whether a field tells that coding.
fn is_of_messages(name: &str) -> bool {
    matches!(name, "connect-content-encoding" | "grpc-encoding")
}

/// Whether what is in it is told by its first bytes.
fn is_told(coding: &[u8]) -> bool {
    let is = |word: &str| coding.trim_ascii().eq_ignore_ascii_case(word.as_bytes());
    ["", "identity", "gzip", "zstd"].into_iter().any(is)
}

/// What of a message is under a signature or digest that an edit would break.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Signed {
    /// Target and fields, and with them the body.
    pub(super) head: bool,
    pub(super) body: bool,
}

impl Signed {
    /// Reads the signs of it in a head.
    pub(super) fn of(target: Option<&str>, fields: &[(&str, &[u8])]) -> Signed {
        let (head, body) = (target.is_some_and(is_presigned), target.is_some_and(names_digest));
        let mut signed = Signed { head, body };
        for (name, value) in fields {
            match *name {
                // SigV4, and the drafts that RFC 9421 grew from.
                "authorization" => {
                    let scheme = |word: &[u8]| {
                        value.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word))
                    };
                    signed.head |= scheme(b"AWS4-") || scheme(b"Signature ") || scheme(b"SharedKey");
                }
                // Nearly all heads hold little else.
                "host" | "accept" | "user-agent" | "date" | "server" | "content-type" | "content-length" => {}
                "signature-input" | "signature" => signed.head = true,
                // SigV4 says so where it does not cover the body.
                "x-amz-content-sha256" => signed.body |= !value.ends_with(b"UNSIGNED-PAYLOAD"),
                // Names of trailers to come.
                "trailer" | "x-amz-trailer" => {
                    signed.body |= value.split(|byte| *byte == b',').any(announces)
                }
                name => signed.body |= is_of_body(name),
            }
        }
        signed.body |= signed.head;
        signed
    }
}

/// Whether a trailer of this name, as it is announced, will hold a digest of the body.
fn announces(name: &[u8]) -> bool {
    std::str::from_utf8(name.trim_ascii()).is_ok_and(|name| is_of_body(&name.to_ascii_lowercase()))
}

/// Whether a field of this name holds a digest of the body, or a signature over it. Webhook senders and stores of objects
/// have names of their own.
pub(super) fn is_of_body(name: &str) -> bool {
    const WORDS: [&str; 5] = ["signature", "sig", "hmacsignature", "digest", "checksum"];
    const HASHES: [&str; 7] = ["md5", "sha1", "sha256", "sha512", "crc32", "crc64", "hmac"];
    // Digests of keys and certificates; what is asked for, not said.
    const OTHERS: [&str; 7] = ["key", "cert", "certificate", "want", "accept", "algorithm", "mode"];
    let words = || name.split(['-', '_']);
    let is_hash = |word: &str| HASHES.iter().any(|hash| word.starts_with(hash));
    name == "x-goog-hash"
        || words().any(|word| WORDS.contains(&word) || is_hash(word))
            && !words().any(|word| OTHERS.contains(&word))
}

/// Whether a query carries a signature over the request (S3, Google Cloud, Azure).
fn is_presigned(target: &str) -> bool {
    let Some((_, query)) = target.split_once('?') else { return false };
    query.split('&').filter_map(|pair| pair.split_once('=')).any(|(key, _)| {
        ["x-amz-signature", "x-goog-signature", "sig"].iter().any(|word| key.eq_ignore_ascii_case(word))
    })
}

/// Whether a target tells the digest of what is put there, as registries of images have it: `?digest=sha256:…`, and
/// `/manifests/sha256:…`.
fn names_digest(target: &str) -> bool {
    let is_digest = |text: &str| {
        let text = text.get(..7).unwrap_or_default().to_ascii_lowercase();
        text == "sha256:" || text == "sha512:" || text == "sha256%" || text == "sha512%"
    };
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    path.rsplit('/').next().is_some_and(is_digest)
        || query.split('&').filter_map(|pair| pair.strip_prefix("digest=")).any(is_digest)
}

/// Whether the lines of a body are events, by its type.
fn lines(essence: &str) -> Option<Lines> {
    const JSON: [&str; 5] = ["x-ndjson", "ndjson", "jsonl", "x-jsonlines", "stream+json"];
    match halves(essence)? {
        ("text", "event-stream") => Some(Lines::Events),
        (_, subtype) if JSON.contains(&subtype) => Some(Lines::Json),
        (_, _) => None,
    }
}

/// Why a field is never edited, if it is not.
pub(super) fn fixed(name: &str) -> Option<&'static str> {
    match name {
        "host" => Some("host"),
        "authorization" | "proxy-authorization" => Some("credentials"),
        "connection" | "content-encoding" | "content-length" | "content-type" | "expect" | "keep-alive"
        | "proxy-connection" | "te" | "trailer" | "transfer-encoding" | "upgrade" => Some("framing"),
        _ => None,
    }
}

/// Whether a field, or a query key where there is no field, is where a credential belongs.
pub(super) fn holds_credentials(field: Option<&str>, key: Option<&[u8]>) -> bool {
    match (field, key) {
        (Some(name), _) => matches!(
            name,
            "authorization"
                | "proxy-authorization"
                | "cookie"
                | "set-cookie"
                | "api-key"
                | "x-api-key"
                | "apikey"
                | "x-apikey"
                | "x-auth-token"
                | "x-access-token"
                | "x-vault-token"
                | "x-github-token"
                | "x-gitlab-token"
                | "job-token"
                | "dd-api-key"
                | "x-shopify-access-token"
                | "x-goog-api-key"
                | "x-amz-security-token"
                | "private-token"
        ),
        // SigV4 in a query.
        (None, Some(key)) => {
            key.eq_ignore_ascii_case(b"x-amz-credential") || key.eq_ignore_ascii_case(b"x-amz-security-token")
        }
        (None, None) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signatures_are_seen() {
        type Fields<'a> = &'a [(&'a str, &'a [u8])];
        let cases: [(Option<&str>, Fields<'_>, bool, bool); 16] = [
            (None, &[("trailer", b"Expires, Content-Digest")], false, true),
            (None, &[("x-amz-trailer", b"x-amz-checksum-crc32")], false, true),
            (None, &[("trailer", b"grpc-status, grpc-message")], false, false),
            (Some("/a?b=c"), &[("authorization", b"Bearer x")], false, false),
            (None, &[("authorization", b"aws4-HMAC-SHA256 Credential=x")], true, true),
            (None, &[("authorization", b"Signature keyId=x")], true, true),
            (None, &[("signature-input", b"sig1=()")], true, true),
            (None, &[("content-digest", b"sha-256=:x:")], false, true),
            (None, &[("digest", b"SHA-256=x")], false, true),
            (None, &[("stripe-signature", b"t=1")], false, true),
            (Some("/a?x=1&X-Amz-Signature=ab"), &[], true, true),
            (Some("/sig=1?design=2"), &[], false, false),
            (Some("/v2/a/blobs/uploads/1?x=y&digest=sha256%3Aabc"), &[], false, true),
            (Some("/v2/a/manifests/sha256:abc"), &[], false, true),
            (Some("/v2/a/manifests/latest?digest=no"), &[], false, false),
            (None, &[("x-amz-content-sha256", b"UNSIGNED-PAYLOAD")], false, false),
        ];
        for (target, fields, head, body) in cases {
            assert_eq!(Signed::of(target, fields), Signed { head, body }, "{target:?} {fields:?}");
        }
    }

    #[test]
    fn digests_and_signatures_are_known_by_their_names() {
        let of_body = "digest content-digest repr-digest content-md5 stripe-signature x-hub-signature x-hub-signature-256 \
            hmacsignature x-signature-ed25519 x-shopify-hmac-sha256 x-square-hmacsha256-signature paypal-transmission-sig \
            x-amz-content-sha256 x-amz-checksum-crc32 x-amz-checksum-crc64nvme x-amz-checksum-sha256 \
            x-goog-content-sha256 x-goog-hash x-ms-content-sha256 x-ms-blob-content-md5 x-ms-content-crc64 \
            x-bz-content-sha1 x-checksum-sha1 x-checksum x-oss-hash-crc64ecma x-content-sha512 x-hmac x_signature";
        for name in of_body.split_whitespace() {
            assert!(Signed::of(None, &[(name, b"abc")]).body, "{name}");
        }
        let others = "design x-shape x-signatory assignature etag want-digest want-content-digest x-amz-checksum-mode \
            x-amz-sdk-checksum-algorithm x-amz-server-side-encryption-customer-key-md5 x-goog-encryption-key-sha256 \
            x-client-cert-sha256 sec-websocket-key accept-signature x-share-id x-sharding user-agent";
        for name in others.split_whitespace() {
            assert!(!Signed::of(None, &[(name, b"abc")]).body, "{name}");
        }
    }
}
