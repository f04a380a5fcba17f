//! What both ends agreed on about compression (RFC 7692, section 7.1).

use http::HeaderMap;
use http::header::SEC_WEBSOCKET_EXTENSIONS;

pub(super) const DEFLATE: &str = "permessage-deflate";

/// How one direction compresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::proxy) struct Compression {
    /// The window of the reader, as a power of two.
    pub(super) bits: u8,
    /// Each message stands alone.
    pub(super) forgets: bool,
}

/// The items of a list of extensions, each with its parameters.
pub(super) fn items(fields: &HeaderMap) -> impl Iterator<Item = &str> {
    let values = fields.get_all(SEC_WEBSOCKET_EXTENSIONS).iter();
    values
        .map(|value| value.to_str().unwrap_or("unreadable"))
        .flat_map(|value| value.split(','))
        .map(str::trim)
}

pub(super) fn name(item: &str) -> &str {
    item.split(';').next().unwrap_or_default().trim()
}

/// What the answer grants, for requests and responses; `Err` when it grants what cannot be read. An answer without
/// extensions grants none.
pub(super) fn granted(answer: &HeaderMap) -> Result<[Option<Compression>; 2], ()> {
    let mut items = items(answer).filter(|item| !item.is_empty());
    let Some(item) = items.next() else { return Ok([None, None]) };
    if items.next().is_some() || name(item) != DEFLATE {
        return Err(());
    }
    let mut client = Compression { bits: 15, forgets: false };
    let mut server = client;
    for parameter in item.split(';').skip(1) {
        let (key, value) =
            parameter.split_once('=').map_or((parameter, None), |(key, value)| (key, Some(value)));
        let bits = || {
            let bits: Option<u8> = value.and_then(|value| value.trim().trim_matches('"').parse().ok());
            bits.filter(|bits| (8..=15).contains(bits)).ok_or(())
        };
        match (key.trim(), value) {
            ("client_no_context_takeover", None) => client.forgets = true,
            ("server_no_context_takeover", None) => server.forgets = true,
            ("client_max_window_bits", Some(_)) => client.bits = bits()?,
            ("server_max_window_bits", Some(_)) => server.bits = bits()?,
            _ => return Err(()),
        }
    }
    Ok([Some(client), Some(server)])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_read() {
        let plain = Compression { bits: 15, forgets: false };
        let cases = [
            (None, Ok([None, None])),
            (Some("permessage-deflate"), Ok([Some(plain), Some(plain)])),
            (
                Some("permessage-deflate; server_no_context_takeover; client_max_window_bits=\"10\""),
                Ok([Some(Compression { bits: 10, ..plain }), Some(Compression { forgets: true, ..plain })]),
            ),
            (Some("permessage-deflate; client_max_window_bits=7"), Err(())),
            (Some("permessage-deflate; client_max_window_bits"), Err(())),
            (Some("permessage-deflate; what"), Err(())),
            (Some("permessage-deflate, permessage-deflate"), Err(())),
            (Some("x-webkit-deflate-frame"), Err(())),
        ];
        for (answer, expected) in cases {
            let mut fields = HeaderMap::new();
            if let Some(answer) = answer {
                fields.insert(SEC_WEBSOCKET_EXTENSIONS, answer.parse().unwrap());
            }
            assert_eq!(granted(&fields), expected, "{answer:?}");
        }
    }
}
