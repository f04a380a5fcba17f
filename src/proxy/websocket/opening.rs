//! The handshake of a WebSocket: over HTTP/1.1 (RFC 6455, section 4) or HTTP/2 (RFC 8441).

use http::header::{
    self, CONNECTION, CONTENT_LENGTH, HeaderMap, HeaderValue, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_EXTENSIONS,
    SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_VERSION, TRANSFER_ENCODING, UPGRADE,
};
use http::request::Parts;
use http::{Method, Version};

use super::compression::{Compression, DEFLATE, granted, items, name};

/// RFC 6455, section 1.3.
const MAGIC: &[u8] = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
const WEBSOCKET: HeaderValue = HeaderValue::from_static("websocket");

/// A request for a WebSocket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::proxy) struct Opening {
    /// What the answer must prove that it was understood. A client of HTTP/2 sends none.
    key: HeaderValue,
    /// Whether compression is offered.
    offers: bool,
}

fn words<'a>(fields: &'a HeaderMap, name: &header::HeaderName) -> impl Iterator<Item = &'a str> {
    let values = fields.get_all(name).iter();
    values.filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(',')).map(str::trim)
}

impl Opening {
    /// What a request asks for, if it is that. `nonce`: for a key that a client does not send.
    pub(in crate::proxy) fn of(parts: &Parts, nonce: [u8; 16]) -> Option<Opening> {
        let extended = is_extended(parts);
        if !extended && !parts.headers.contains_key(UPGRADE) {
            return None;
        }
        let offers = items(&parts.headers).any(|item| name(item) == DEFLATE);
        if extended {
            return HeaderValue::try_from(base64(&nonce)).ok().map(|key| Opening { key, offers });
        }
        let only = |name| {
            let mut values = parts.headers.get_all(name).iter();
            values.next().filter(|_| values.next().is_none())
        };
        let is_one = parts.version == Version::HTTP_11
            && parts.method == Method::GET
            && words(&parts.headers, &CONNECTION).any(|word| word.eq_ignore_ascii_case("upgrade"))
            && words(&parts.headers, &UPGRADE).map(str::to_ascii_lowercase).eq(["websocket"]);
        let version = only(SEC_WEBSOCKET_VERSION)? == "13";
        let key = only(SEC_WEBSOCKET_KEY)?;
        // A body would still be on its way when frames begin.
        let has_body = parts.headers.contains_key(TRANSFER_ENCODING)
            || parts.headers.get(CONTENT_LENGTH).is_some_and(|length| length != "0");
        // Sixteen bytes in base64.
        (is_one && version && !has_body && key.len() == 24).then(|| Opening { key: key.clone(), offers })
    }

    /// Makes the head ask an upstream for it.
    pub(in crate::proxy) fn ask(&self, fields: &mut HeaderMap) {
        fields.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
        fields.insert(UPGRADE, WEBSOCKET);
        fields.insert(SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13"));
        fields.insert(SEC_WEBSOCKET_KEY, self.key.clone());
    }
}

/// Whether it is an extended CONNECT for a WebSocket (RFC 8441, section 5).
pub(in crate::proxy) fn is_extended(parts: &Parts) -> bool {
    let protocol = parts.extensions.get::<h2::ext::Protocol>();
    parts.method == Method::CONNECT && protocol.is_some_and(|protocol| protocol.as_str() == "websocket")
}

/// Leaves of the extensions that the client offers those that can be read here.
pub(in crate::proxy) fn narrow_offer(fields: &mut HeaderMap) {
    if !fields.contains_key(SEC_WEBSOCKET_EXTENSIONS) {
        return;
    }
    let kept: Vec<&str> = items(fields).filter(|item| name(item) == DEFLATE).collect();
    match HeaderValue::try_from(kept.join(", ")) {
        Ok(kept) if !kept.is_empty() => drop(fields.insert(SEC_WEBSOCKET_EXTENSIONS, kept)),
        Ok(_) | Err(_) => drop(fields.remove(SEC_WEBSOCKET_EXTENSIONS)),
    }
}

/// What shows that a key was understood (RFC 6455, section 4.2.2).
pub(in crate::proxy) fn proof(key: &HeaderValue) -> String {
    let proven = [key.as_bytes(), MAGIC].concat();
    base64(ring::digest::digest(&ring::digest::SHA1_FOR_LEGACY_USE_ONLY, &proven).as_ref())
}

/// Whether an upstream's answer is one to this opening, and how each direction compresses (RFC 6455, section 4.1).
pub(in crate::proxy) fn accepts(opening: &Opening, answer: &HeaderMap) -> Option<[Option<Compression>; 2]> {
    let proof = proof(&opening.key);
    let proven = answer.get(SEC_WEBSOCKET_ACCEPT).is_some_and(|accept| accept.as_bytes() == proof.as_bytes());
    let switches = words(answer, &UPGRADE).map(str::to_ascii_lowercase).eq(["websocket"])
        && words(answer, &CONNECTION).any(|word| word.eq_ignore_ascii_case("upgrade"));
    let compression = granted(answer).ok()?;
    (proven && switches && (opening.offers || compression == [None, None])).then_some(compression)
}

/// Makes an upstream's answer the client's.
pub(in crate::proxy) fn answer(fields: &mut HeaderMap, is_http1: bool) {
    if is_http1 {
        fields.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
        fields.insert(UPGRADE, WEBSOCKET);
    } else {
        fields.remove(SEC_WEBSOCKET_ACCEPT);
    }
}

/// RFC 4648, section 4.
fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let mut three = [0u8; 3];
        three.iter_mut().zip(chunk).for_each(|(to, from)| *to = *from);
        let [a, b, c] = three;
        let bits = u32::from_be_bytes([0, a, b, c]);
        for place in 0..4u32 {
            let digit = DIGITS.get((bits >> (18 - 6 * place)) as usize & 63);
            let there = (place as usize) <= chunk.len();
            out.push(digit.filter(|_| there).map_or('=', |digit| char::from(*digit)));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_answer_must_prove_that_it_was_understood() {
        // RFC 6455, section 1.3.
        let key = HeaderValue::from_static("dGhlIHNhbXBsZSBub25jZQ==");
        let (opening, plain) = (Opening { key: key.clone(), offers: true }, Opening { key, offers: false });
        let mut fields = HeaderMap::new();
        assert_eq!(accepts(&opening, &fields), None);
        fields.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
        fields.insert(UPGRADE, HeaderValue::from_static("WebSocket"));
        assert_eq!(accepts(&opening, &fields), None);
        fields.insert(SEC_WEBSOCKET_ACCEPT, HeaderValue::from_static("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="));
        assert_eq!(accepts(&plain, &fields), Some([None, None]));
        fields.insert(SEC_WEBSOCKET_EXTENSIONS, HeaderValue::from_static("permessage-deflate"));
        assert_eq!(accepts(&plain, &fields), None, "nobody offered it");
        assert!(accepts(&opening, &fields).is_some());
    }

    #[test]
    fn base64_is_written() {
        for (bytes, text) in
            [(&b""[..], ""), (b"f", "Zg=="), (b"fo", "Zm8="), (b"foo", "Zm9v"), (b"foob", "Zm9vYg==")]
        {
            assert_eq!(base64(bytes), text);
        }
        assert_eq!(base64(&[0; 16]).len(), 24);
    }

    #[test]
    fn only_extensions_that_can_be_read_are_offered() {
        for (offer, expected) in [
            (
                "permessage-deflate; client_max_window_bits",
                Some("permessage-deflate; client_max_window_bits"),
            ),
            ("x-webkit-deflate-frame, permessage-deflate", Some("permessage-deflate")),
            ("foo", None),
        ] {
            let mut fields = HeaderMap::new();
            fields.insert(SEC_WEBSOCKET_EXTENSIONS, offer.parse().unwrap());
            narrow_offer(&mut fields);
            assert_eq!(fields.get(SEC_WEBSOCKET_EXTENSIONS).map(|v| v.to_str().unwrap()), expected);
        }
    }
}
