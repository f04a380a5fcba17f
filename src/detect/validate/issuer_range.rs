//! Issuer ranges of the card schemes and the lengths each issues (ISO/IEC 7812; scheme documentation).

use super::digits::sixteen;

/// Digits of a number that tell its issuer.
const PREFIX: u32 = 6;

/// First six digits from..=to, and the lengths that are issued, as bits.
struct Range {
    from: u32,
    to: u32,
    lengths: u32,
}

const fn range(from: u32, to: u32, lengths: &[u32]) -> Range {
    let mut bits = 0;
    let mut i = 0;
    while i < lengths.len() {
        bits |= 1 << lengths[i];
        i += 1;
    }
    Range { from, to, lengths: bits }
}

/// Ordered by `from`; ranges may overlap, any that fits will do.
static RANGES: &[Range] = &[
    range(220_000, 220_499, &[16, 17, 18, 19]),                 // Mir
    range(222_100, 272_099, &[16]),                             // Mastercard, 2-series
    range(300_000, 305_999, &[14]),                             // Diners Club
    range(309_500, 309_599, &[14]),                             // Diners Club
    range(340_000, 349_999, &[15]),                             // American Express
    range(352_800, 358_999, &[16, 17, 18, 19]),                 // JCB
    range(360_000, 369_999, &[14]),                             // Diners Club
    range(370_000, 379_999, &[15]),                             // American Express
    range(380_000, 399_999, &[14]),                             // Diners Club
    range(400_000, 499_999, &[13, 16, 19]),                     // Visa
    range(508_000, 508_999, &[16]),                             // RuPay
    range(500_000, 509_999, &[12, 13, 14, 15, 16, 17, 18, 19]), // Maestro
    range(510_000, 559_999, &[16]),                             // Mastercard
    range(560_000, 589_999, &[12, 13, 14, 15, 16, 17, 18, 19]), // Maestro
    range(601_100, 601_199, &[16, 17, 18, 19]),                 // Discover
    range(600_000, 609_999, &[16]),                             // RuPay
    range(620_000, 629_999, &[16, 17, 18, 19]),                 // UnionPay
    range(630_000, 639_999, &[12, 13, 14, 15, 16, 17, 18, 19]), // Maestro
    range(644_000, 659_999, &[16, 17, 18, 19]),                 // Discover, RuPay
    range(670_000, 679_999, &[12, 13, 14, 15, 16, 17, 18, 19]), // Maestro
    range(810_000, 829_999, &[16]),                             // RuPay
];

pub(super) fn passes(text: &[u8]) -> bool {
    if let Some([a, b, c, d, e, f, ..]) = sixteen(text) {
        let prefix = [a, b, c, d, e, f].iter().fold(0, |prefix, byte| prefix * 10 + u32::from(byte & 15));
        return is_issued(prefix, 16);
    }
    let (mut prefix, mut count) = (0, 0u32);
    let mut bytes = text.iter();
    while count < PREFIX {
        let Some(byte) = bytes.next() else { return false };
        if byte.is_ascii_digit() {
            (prefix, count) = (prefix * 10 + u32::from(byte & 15), count + 1);
        }
    }
    count += bytes.map(|byte| u32::from(byte.is_ascii_digit())).sum::<u32>();
    is_issued(prefix, count)
}

/// Whether numbers of so many digits are issued that begin with these six.
fn is_issued(prefix: u32, count: u32) -> bool {
    let length = 1u32.checked_shl(count).unwrap_or(0);
    RANGES.iter().any(|r| r.lengths & length != 0 && (r.from..=r.to).contains(&prefix))
}
