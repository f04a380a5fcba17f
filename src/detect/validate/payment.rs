//! Checks of what is paid with: cards, their magnetic tracks, bank and routing codes.

use super::digits::{Digits, weighted};
use super::hangs::Opening;
use super::listed::List;
use super::{Check, issuer_range, luhn};

pub(super) const CHECKS: &[Check] = &[
    Check {
        name: "published-test-card",
        about: "one of the card numbers that Stripe, Adyen, Braintree, PayPal, Worldpay and the schemes publish for tests",
        least_digits: 12,
        passes: published_test_card,
    },
    Check {
        name: "uncommon-card",
        about: "Maestro, 13-digit Visa, 17 to 19 digits but of UnionPay and Mir: what issuers rarely make and other numbers often look like",
        least_digits: 12,
        passes: uncommon_card,
    },
    Check {
        name: "fr-siret",
        about: "INSEE: fourteen digits, the first nine with a Luhn digit of their own, then the number of one of the first establishments",
        least_digits: 14,
        passes: fr_siret,
    },
    Check {
        name: "card-track",
        about: "ISO/IEC 7813 track 1 or 2: a card number that passes issuer range and Luhn, then a month that exists",
        least_digits: 12,
        passes: card_track,
    },
    Check {
        name: "bic",
        about: "ISO 9362: four letters, an ISO 3166 country, location, and a branch or none",
        least_digits: 0,
        passes: bic,
    },
    Check {
        name: "us-aba-rtn",
        about: "ABA routing number: Federal Reserve ranges, weights 3, 7, 1, mod 10",
        least_digits: 9,
        passes: us_aba_rtn,
    },
];

/// Asked before a match is looked for.
pub(super) const OPENS: &[(&str, Opening)] = &[("published-test-card", opens_test_card)];

/// Whole numbers, ascending, as the publishers' testing pages gave them by November 2026.
const TEST_CARDS: &str = include_str!("test_cards.txt");
static LISTED: List = List::new(TEST_CARDS);

/// ISO 3166-1 alpha-2 country codes, and XK, which banks use for Kosovo.
const COUNTRIES: &str = "AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO \
    BQ BR BS BT BV BW BY BZ CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER \
    ES ET FI FJ FK FM FO FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN \
    IO IQ IR IS IT JE JM JO JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH \
    MK ML MM MN MO MP MQ MR MS MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN \
    PR PS PT PW PY QA RE RO RS RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ \
    TK TL TM TN TO TR TT TV TW TZ UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS XK YE YT ZA ZM ZW";

/// A bit for each two letters that are a country.
static IS_COUNTRY: [u32; 26] = {
    let (codes, mut bits, mut at) = (COUNTRIES.as_bytes(), [0; 26], 0);
    while at < codes.len() {
        bits[(codes[at] - b'A') as usize] |= 1 << (codes[at + 1] - b'A');
        at += 3;
    }
    bits
};

fn is_country(code: &[u8]) -> bool {
    let letter = |byte: u8| usize::from((byte | 0x20).wrapping_sub(b'a'));
    let [a, b] = *code else { return false };
    b.is_ascii_alphabetic() && IS_COUNTRY.get(letter(a)).is_some_and(|bits| bits >> letter(b) & 1 != 0)
}

/// A bit for each number of four digits.
type Fours = [u64; 10_000 / 64 + 1];

const fn holds(fours: &Fours, number: usize) -> bool {
    fours[number / 64] >> (number % 64) & 1 != 0
}

/// What the first and the last four digits of a published card can be: of all others few pass.
static FOURS: [Fours; 2] = {
    let (text, mut bits, mut at) = (TEST_CARDS.as_bytes(), [[0; 10_000 / 64 + 1]; 2], 0);
    let (mut last, mut length) = (0, 0);
    while at <= text.len() {
        if at == text.len() || text[at] == b'\n' {
            bits[1][last / 64] |= ((length > 0) as u64) << (last % 64);
            (last, length) = (0, 0);
        } else {
            last = (last * 10 + (text[at] & 15) as usize) % 10_000;
            length += 1;
            if length == 4 {
                bits[0][last / 64] |= 1 << (last % 64);
            }
        }
        at += 1;
    }
    bits
};

/// Whether a published card can begin with a text.
fn opens_test_card(text: &[u8]) -> bool {
    let digits = text.iter().filter(|byte| byte.is_ascii_digit()).take(4);
    holds(&FOURS[0], digits.fold(0, |first, &byte| first * 10 + usize::from(byte & 15)))
}

fn published_test_card(text: &[u8]) -> bool {
    let (mut last, mut ten) = (0, 1);
    for &byte in text.iter().rev().filter(|b| b.is_ascii_digit()).take(4) {
        (last, ten) = (last + usize::from(byte & 15) * ten, ten * 10);
    }
    if !holds(&FOURS[1], last) {
        return false;
    }
    // As long as the longest card number; whatever is longer is none.
    let mut digits = [0u8; 19];
    let mut len = 0;
    for &byte in text.iter().filter(|b| b.is_ascii_digit()) {
        let Some(slot) = digits.get_mut(len) else { return false };
        *slot = byte;
        len += 1;
    }
    len > 0 && LISTED.holds(&digits[..len])
}

fn uncommon_card(text: &[u8]) -> bool {
    let mut digits = text.iter().filter(|byte| byte.is_ascii_digit());
    let first: [u8; 3] = std::array::from_fn(|_| digits.next().map_or(b' ', |digit| *digit));
    let count = text.iter().map(|byte| usize::from(byte.is_ascii_digit())).sum::<usize>();
    let maestro = match &first {
        // 508 is RuPay's.
        b"508" => count != 16,
        [b'5', b'0' | b'6'..=b'8', _] | [b'6', b'3' | b'7', _] => true,
        _ => false,
    };
    // Of a random number of 64 bits nineteen digits are written: identifiers of traces, spans, rows.
    let is_long = count == 19 && !matches!(&first, b"220" | [b'6', b'2', _]);
    maestro || is_long || matches!(count, 12 | 13 | 17 | 18)
}

/// The number of a company in France and of its establishment: all of them pass Luhn, as cards do, and many begin as those of
/// Diners Club. Of such cards one in a thousand looks like one.
fn fr_siret(text: &[u8]) -> bool {
    let is_long = text.len() == 14 && text.iter().all(u8::is_ascii_digit);
    is_long && &text[9..11] == b"00" && luhn::passes(&text[..9]) && luhn::passes(text)
}

/// Track 1: `B number ^ name ^ YYMM…`; track 2: `number = YYMM…`, the separator also written `D` or percent-encoded.
fn card_track(text: &[u8]) -> bool {
    let from = text.iter().position(u8::is_ascii_digit).unwrap_or(text.len());
    let count = text[from..].iter().take_while(|b| b.is_ascii_digit()).count();
    let (number, rest) = text[from..].split_at(count);
    let Some((separator, behind)) = separator(rest) else { return false };
    let dated = if separator == b'^' {
        behind.iter().enumerate().find_map(|(i, _)| match separator_at(behind, i) {
            Some((b'^', date)) => Some(date),
            _ => None,
        })
    } else {
        Some(behind)
    };
    let month = dated.and_then(|date| date.get(2..4));
    matches!(month, Some([b'0', b'1'..=b'9'] | [b'1', b'0'..=b'2']))
        && issuer_range::passes(number)
        && luhn::passes(number)
}

/// The separator that `text` begins with, and what is behind it.
fn separator(text: &[u8]) -> Option<(u8, &[u8])> {
    match text {
        [b'%', b'5', b'E' | b'e', rest @ ..] | [b'^', rest @ ..] => Some((b'^', rest)),
        [b'%', b'3', b'D' | b'd', rest @ ..] | [b'=' | b'D', rest @ ..] => Some((b'=', rest)),
        _ => None,
    }
}

fn separator_at(text: &[u8], at: usize) -> Option<(u8, &[u8])> {
    text.get(at..).and_then(separator)
}

fn bic(text: &[u8]) -> bool {
    let letters = |part: &[u8]| part.iter().all(u8::is_ascii_alphabetic);
    let (Some(bank), Some(country)) = (text.get(..4), text.get(4..6)) else { return false };
    let rest = text.get(6..).unwrap_or_default();
    matches!(text.len(), 8 | 11)
        && letters(bank)
        && is_country(country)
        && rest.iter().all(u8::is_ascii_alphanumeric)
}

fn us_aba_rtn(text: &[u8]) -> bool {
    let digits = Digits::of(text);
    let Some(d) = digits.exactly::<9>() else { return false };
    // 00 the government, 01-12 the Federal Reserve's districts, 21-32 thrifts, 61-72 electronic, 80 travellers' cheques.
    let range = matches!(d[0] * 10 + d[1], 0..=12 | 21..=32 | 61..=72 | 80);
    range && d.iter().any(|&d| d != 0) && weighted(d, &[3, 7, 1, 3, 7, 1, 3, 7, 1]).is_multiple_of(10)
}

#[cfg(test)]
pub(super) const CASES: &[(&str, bool, &str)] = &[
    ("published-test-card", true, "4242 4242 4242 4242"),
    ("published-test-card", true, "378282246310005"),
    ("published-test-card", true, "6205500000000000004"),
    ("published-test-card", false, "4242 4242 4242 4259"),
    ("published-test-card", false, "424242424242424"),
    ("published-test-card", false, "42424242424242424242"),
    ("uncommon-card", true, "6759649826438453"),
    ("uncommon-card", true, "4222222222222"),
    ("uncommon-card", true, "6221 2612 3412 3412 34"),
    ("uncommon-card", true, "4539148803436467019"),
    ("uncommon-card", false, "6222021001122334459"),
    ("uncommon-card", false, "2200001234567890123"),
    ("uncommon-card", false, "4539 1488 0343 6467"),
    ("uncommon-card", false, "5085000000000005"),
    ("fr-siret", true, "39922799000021"),
    ("fr-siret", false, "39922799000022"),
    ("fr-siret", false, "38520000023237"),
    ("fr-siret", false, "3992 279900 0021"),
    ("card-track", true, "B4539148803436467^DOE/JANE^28121010000000000000"),
    ("card-track", true, "4539148803436467=28121010000012300000"),
    ("card-track", true, "4539148803436467D28121010000012300000"),
    ("card-track", true, "B4539148803436467%5EDOE/JANE%5E2812101"),
    ("card-track", true, "4539148803436467%3D2812101"),
    ("card-track", false, "4539148803436467=28131010000012300000"),
    ("card-track", false, "4539148803436468=28121010000012300000"),
    ("card-track", false, "4539148803436467=281"),
    ("card-track", false, "B4539148803436467^DOE/JANE"),
    ("bic", true, "DEUTDEFF"),
    ("bic", true, "DEUTDEFF500"),
    ("bic", false, "DEUTXXFF"),
    ("bic", true, "deutxkff"),
    ("bic", false, "DEUTDEFF50"),
    ("bic", false, "DEUTD1FF"),
    ("bic", false, "DEUTZZFF"),
    ("bic", false, "D1UTDEFF"),
    ("us-aba-rtn", true, "021000021"),
    ("us-aba-rtn", true, "111000025"),
    ("us-aba-rtn", false, "021000022"),
    ("us-aba-rtn", false, "000000000"),
    ("us-aba-rtn", false, "500000005"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn published_cards_are_cards_and_in_order() {
        assert!(TEST_CARDS.lines().is_sorted());
        for card in TEST_CARDS.lines() {
            assert!((12..=19).contains(&card.len()) && luhn::passes(card.as_bytes()), "{card}");
            assert!(published_test_card(card.as_bytes()), "{card}");
        }
    }
}
