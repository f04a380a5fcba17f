//! Machine readable zones of travel documents (ICAO Doc 9303, parts 4 to 6).

use super::Check;

pub(super) const CHECKS: &[Check] = &[
    Check {
        name: "mrz-td1",
        about: "ICAO Doc 9303, part 5: three lines of 30, check digits of number, dates and the whole",
        least_digits: 13,
        passes: td1,
    },
    Check {
        name: "mrz-td2",
        about: "ICAO Doc 9303, part 6: two lines of 36, check digits of number, dates and the whole",
        least_digits: 13,
        passes: td2,
    },
    Check {
        name: "mrz-td3",
        about: "ICAO Doc 9303, part 4: two lines of 44, check digits of number, dates, personal number and the whole",
        least_digits: 13,
        passes: td3,
    },
    Check {
        name: "mrz-line",
        about: "ICAO Doc 9303, parts 4 to 6: one line of a zone, the check digits that are all in it",
        least_digits: 1,
        passes: line,
    },
];

/// The characters of a zone of `N`, lines joined: a line break, or how a string writes one, holds none of them.
fn zone<const N: usize>(text: &[u8]) -> Option<[u8; N]> {
    let mut zone = [0; N];
    let mut len = 0;
    for &byte in text.iter().filter(|b| matches!(b, b'A'..=b'Z' | b'0'..=b'9' | b'<')) {
        *zone.get_mut(len)? = byte;
        len += 1;
    }
    (len == N).then_some(zone)
}

/// The check digit of several fields taken as one: weights 7, 3, 1 over and over, mod 10.
fn check(fields: &[&[u8]]) -> u8 {
    let values = fields.iter().copied().flatten().map(|&byte| match byte {
        b'0'..=b'9' => u32::from(byte - b'0'),
        b'A'..=b'Z' => u32::from(byte - b'A') + 10,
        _ => 0,
    });
    let sum: u32 = values.zip([7, 3, 1].into_iter().cycle()).map(|(value, weight)| value * weight).sum();
    b'0' + (sum % 10) as u8
}

/// A number of more than nine places has `<` for its check digit and goes on in the optional data, check digit last.
fn number(first: &[u8], digit: u8, optional: &[u8]) -> bool {
    if digit != b'<' {
        return check(&[first]) == digit;
    }
    let rest = optional.split(|&b| b == b'<').next().unwrap_or_default();
    rest.split_last().is_some_and(|(&digit, more)| !more.is_empty() && check(&[first, more]) == digit)
}

fn td1(text: &[u8]) -> bool {
    let Some(z) = zone::<90>(text) else { return false };
    number(&z[5..14], z[14], &z[15..30])
        && check(&[&z[30..36]]) == z[36]
        && check(&[&z[38..44]]) == z[44]
        && check(&[&z[5..37], &z[38..45], &z[48..59]]) == z[59]
}

fn td2(text: &[u8]) -> bool {
    let Some(z) = zone::<72>(text) else { return false };
    number(&z[36..45], z[45], &z[64..71])
        && check(&[&z[49..55]]) == z[55]
        && check(&[&z[57..63]]) == z[63]
        && check(&[&z[36..46], &z[49..56], &z[57..71]]) == z[71]
}

fn td3(text: &[u8]) -> bool {
    let Some(z) = zone::<88>(text) else { return false };
    let personal = &z[72..86];
    let empty = z[86] == b'<' && personal.iter().all(|&b| b == b'<');
    check(&[&z[44..53]]) == z[53]
        && check(&[&z[57..63]]) == z[63]
        && check(&[&z[65..71]]) == z[71]
        && (empty || check(&[personal]) == z[86])
        && check(&[&z[44..54], &z[57..64], &z[65..87]]) == z[87]
}

/// A line by itself: the first of three has the number, the second the dates, the second of two all check digits.
fn line(text: &[u8]) -> bool {
    let dates = |z: &[u8], birth: usize| {
        check(&[&z[birth..birth + 6]]) == z[birth + 6] && check(&[&z[birth + 8..birth + 14]]) == z[birth + 14]
    };
    if let Some(z) = zone::<30>(text) {
        return if z[0].is_ascii_digit() { dates(&z, 0) } else { number(&z[5..14], z[14], &z[15..]) };
    }
    if let Some(z) = zone::<36>(text) {
        return dates(&z, 13) && check(&[&z[..10], &z[13..20], &z[21..35]]) == z[35];
    }
    let Some(z) = zone::<44>(text) else { return false };
    check(&[&z[..9]]) == z[9] && dates(&z, 13) && check(&[&z[..10], &z[13..20], &z[21..43]]) == z[43]
}

#[cfg(test)]
pub(super) const CASES: &[(&str, bool, &str)] = &[
    (
        "mrz-td1",
        true,
        "I<UTOD231458907<<<<<<<<<<<<<<<\n7408122F1204159UTO<<<<<<<<<<<6\nERIKSSON<<ANNA<MARIA<<<<<<<<<<",
    ),
    (
        "mrz-td1",
        false,
        "I<UTOD231458907<<<<<<<<<<<<<<<\n7408122F1204159UTO<<<<<<<<<<<7\nERIKSSON<<ANNA<MARIA<<<<<<<<<<",
    ),
    ("mrz-td2", true, "I<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<\nD231458907UTO7408122F1204159<<<<<<<6"),
    ("mrz-td2", false, "I<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<\nD231458907UTO7409122F1204159<<<<<<<6"),
    (
        "mrz-td3",
        true,
        "P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<\\nL898902C36UTO7408122F1204159ZE184226B<<<<<10",
    ),
    (
        "mrz-td3",
        false,
        "P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<\nL898902C36UTO7408122F1204159ZE184226B<<<<<11",
    ),
    ("mrz-line", true, "L898902C36UTO7408122F1204159ZE184226B<<<<<10"),
    ("mrz-line", false, "L898902C36UTO7408122F1204159ZE184226B<<<<<11"),
    ("mrz-line", true, "D231458907UTO7408122F1204159<<<<<<<6"),
    ("mrz-line", false, "D231458907UTO7409122F1204159<<<<<<<6"),
    ("mrz-line", true, "I<UTOD231458907<<<<<<<<<<<<<<<"),
    ("mrz-line", true, "7408122F1204159UTO<<<<<<<<<<<6"),
    ("mrz-line", false, "7408123F1204159UTO<<<<<<<<<<<6"),
    ("mrz-line", false, "ERIKSSON<<ANNA<MARIA<<<<<<<<<<<"),
];
