//! The international bank account number (ISO 13616): structure by country, check digits mod 97.

use super::Check;

pub(super) const CHECKS: &[Check] = &[Check {
    name: "iban",
    about: "ISO 13616: a registered country, its length and structure, check digits 02 to 98 by ISO 7064 MOD 97-10",
    least_digits: 2,
    passes,
}];

/// Countries of the IBAN registry with the structure of the account number behind the check digits: how many of
/// n digits, a letters, c either, in order.
const STRUCTURES: &str = "AD:8n12c AE:19n AL:8n16c AT:16n AZ:4a20c BA:16n BE:12n BG:4a6n8c BH:4a14c BI:23n \
    BR:23n1a1c BY:4c4n16c CH:5n12c CR:18n CY:8n16c CZ:20n DE:18n DJ:23n DK:14n DO:4c20n EE:16n EG:25n ES:20n FI:14n \
    FK:2a12n FO:14n FR:10n11c2n GB:4a14n GE:2a16n GI:4a15c GL:14n GR:7n16c GT:4c20c HN:4a20n HR:17n HU:24n IE:4a14n \
    IL:19n IQ:4a15n IS:22n IT:1a10n12c JO:4a4n18c KW:4a22c KZ:3n13c LB:4n20c LC:4a24c LI:5n12c LT:16n LU:3n13c \
    LV:4a13c LY:21n MC:10n11c2n MD:20c ME:18n MK:3n10c2n MN:16n MR:23n MT:4a5n18c MU:4a19n3a NI:4a20n NL:4a10n \
    NO:11n OM:3n16c PK:4a16c PL:24n PS:4a21c PT:21n QA:4a21c RO:4a16c RS:18n RU:14n15c SA:2n18c SC:4a20n3a SD:14n \
    SE:20n SI:15n SK:20n SM:1a10n12c SO:19n ST:21n SV:4a20n TL:19n TN:20n TR:6n16c UA:6n19c VA:18n VG:4a16n XK:16n \
    YE:4a4n18c";

/// The longest number that ISO 13616 allows.
const LONGEST: usize = 34;

fn passes(text: &[u8]) -> bool {
    let mut letters = [0u8; LONGEST];
    let mut len = 0;
    for byte in text.iter().filter(|b| b.is_ascii_alphanumeric()) {
        let Some(slot) = letters.get_mut(len) else { return false };
        *slot = byte.to_ascii_uppercase();
        len += 1;
    }
    let whole = &letters[..len];
    let [c1, c2, d1 @ b'0'..=b'9', d2 @ b'0'..=b'9', account @ ..] = whole else { return false };
    let check = (d1 - b'0') * 10 + (d2 - b'0');
    let Some(structure) = structure_of([*c1, *c2]) else { return false };
    (2..=98).contains(&check) && fits(account, structure) && remainder(whole) == 1
}

fn structure_of(country: [u8; 2]) -> Option<&'static str> {
    let [a, b] = country.map(|byte| usize::from(byte.wrapping_sub(b'A')));
    let &(from, to) = PLACES.get(a).and_then(|places| places.get(b))?;
    STRUCTURES.get(usize::from(from)..usize::from(to)).filter(|structure| !structure.is_empty())
}

/// By the two letters of a country where its structure begins and ends.
static PLACES: [[(u16, u16); 26]; 26] = {
    let (text, mut places, mut at, mut start) = (STRUCTURES.as_bytes(), [[(0, 0); 26]; 26], 0, 0);
    while at <= text.len() {
        if at == text.len() || text[at] == b' ' {
            let (a, b) = ((text[start] - b'A') as usize, (text[start + 1] - b'A') as usize);
            places[a][b] = (start as u16 + 3, at as u16);
            start = at + 1;
        }
        at += 1;
    }
    places
};

fn fits(account: &[u8], structure: &str) -> bool {
    let (mut rest, mut count) = (account, 0);
    for kind in structure.bytes() {
        if kind.is_ascii_digit() {
            count = count * 10 + usize::from(kind - b'0');
            continue;
        }
        let Some((part, behind)) = rest.split_at_checked(count) else { return false };
        let fits = part.iter().all(|b| match kind {
            b'n' => b.is_ascii_digit(),
            b'a' => b.is_ascii_alphabetic(),
            _ => b.is_ascii_alphanumeric(),
        });
        if !fits {
            return false;
        }
        (rest, count) = (behind, 0);
    }
    rest.is_empty()
}

/// The number mod 97, its first four characters moved to the end and letters read as 10 to 35.
fn remainder(number: &[u8]) -> u32 {
    let moved = number.iter().cycle().skip(4).take(number.len());
    moved.fold(0, |rest, &byte| match byte {
        b'0'..=b'9' => (rest * 10 + u32::from(byte - b'0')) % 97,
        _ => (rest * 100 + u32::from(byte.wrapping_sub(b'A')) + 10) % 97,
    })
}

#[cfg(test)]
pub(super) const CASES: &[(&str, bool, &str)] = &[
    ("iban", true, "DE89 3704 0044 0532 0130 00"),
    ("iban", true, "de89370400440532013000"),
    ("iban", true, "GB29 NWBK 6016 1331 9268 19"),
    ("iban", true, "FR14 2004 1010 0505 0001 3M02 606"),
    ("iban", true, "NO93 8601 1117 947"),
    ("iban", true, "MT84 MALT 0110 0001 2345 MTLC AST0 01S"),
    ("iban", true, "RO49 AAAA 1B31 0075 9384 0000"),
    ("iban", false, "DE89 3704 0044 0532 0130 01"),
    ("iban", false, "DE89 3704 0044 0532 0130 0"),
    ("iban", false, "GB29 6016 NWBK 1331 9268 19"),
    ("iban", false, "ZZ29 NWBK 6016 1331 9268 19"),
    ("iban", false, "DE89"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_structure_can_be_read_and_is_as_long_as_allowed() {
        for entry in STRUCTURES.split(' ') {
            let (country, structure) = entry.split_once(':').unwrap();
            assert!(country.len() == 2 && country.bytes().all(|b| b.is_ascii_uppercase()), "{entry}");
            let length: usize =
                structure.split(['n', 'a', 'c']).filter_map(|n| n.parse::<usize>().ok()).sum();
            assert!((11..=LONGEST - 4).contains(&length), "{entry}");
            assert!(structure.ends_with(['n', 'a', 'c']), "{entry}");
        }
    }
}
