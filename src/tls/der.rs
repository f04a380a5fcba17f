//! The little of DER (X.690) that a leaf certificate needs; writing only.

use jiff::Timestamp;

pub(super) const INTEGER: u8 = 0x02;
pub(super) const BIT_STRING: u8 = 0x03;
pub(super) const OCTET_STRING: u8 = 0x04;
pub(super) const OID: u8 = 0x06;
pub(super) const UTF8_STRING: u8 = 0x0c;
pub(super) const SEQUENCE: u8 = 0x30;
pub(super) const SET: u8 = 0x31;
const BOOLEAN_TRUE: &[u8] = &[0x01, 0x01, 0xff];
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;

/// Context-specific tags: implicit (primitive) and explicit (constructed).
pub(super) const fn implicit(number: u8) -> u8 {
    0x80 | number
}

pub(super) const fn explicit(number: u8) -> u8 {
    0xa0 | number
}

/// One tag-length-value whose contents are the parts, in order.
pub(super) fn tlv(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let length: usize = parts.iter().map(|part| part.len()).sum();
    let mut out = Vec::with_capacity(length + 6);
    out.push(tag);
    match u8::try_from(length) {
        Ok(short) if short < 0x80 => out.push(short),
        _ => {
            let bytes = length.to_be_bytes();
            let significant: Vec<u8> = bytes.iter().copied().skip_while(|b| *b == 0).collect();
            // At most eight length octets, so the count always fits the low bits.
            out.push(0x80 | u8::try_from(significant.len()).unwrap_or(0x7f));
            out.extend_from_slice(&significant);
        }
    }
    for part in parts {
        out.extend_from_slice(part);
    }
    out
}

/// An `Extension` (RFC 5280, section 4.1) of one of the `id-ce` arc: `2.5.29.number`.
pub(super) fn extension(number: u8, critical: bool, value: &[u8]) -> Vec<u8> {
    let oid = tlv(OID, &[&[0x55, 0x1d, number]]);
    let critical: &[u8] = if critical { BOOLEAN_TRUE } else { &[] };
    tlv(SEQUENCE, &[&oid, critical, &tlv(OCTET_STRING, &[value])])
}

/// A `Time`: UTCTime through 2049 and GeneralizedTime after, as RFC 5280 section 4.1.2.5 demands.
pub(super) fn time(unix: i64) -> Option<Vec<u8>> {
    let stamp = Timestamp::from_second(unix).ok()?;
    let year: u16 = stamp.strftime("%Y").to_string().parse().ok()?;
    let (tag, text) = if (1950..2050).contains(&year) {
        (UTC_TIME, stamp.strftime("%y%m%d%H%M%SZ").to_string())
    } else {
        (GENERALIZED_TIME, stamp.strftime("%Y%m%d%H%M%SZ").to_string())
    };
    Some(tlv(tag, &[text.as_bytes()]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_take_the_shortest_form() {
        assert_eq!(tlv(OCTET_STRING, &[&[7]]), [0x04, 1, 7]);
        assert_eq!(tlv(OCTET_STRING, &[&[0; 127]])[..2], [0x04, 127]);
        assert_eq!(tlv(OCTET_STRING, &[&[0; 128]])[..3], [0x04, 0x81, 128]);
        assert_eq!(tlv(OCTET_STRING, &[&[0; 200], &[0; 100]])[..4], [0x04, 0x82, 1, 44]);
    }

    #[test]
    fn times_change_form_at_2050() {
        assert_eq!(time(0).unwrap()[2..], *b"700101000000Z");
        assert_eq!(time(2_524_607_999).unwrap()[2..], *b"491231235959Z");
        assert_eq!(time(2_524_608_000).unwrap()[2..], *b"20500101000000Z");
    }
}
