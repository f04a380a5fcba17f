//! Numbers of people in Poland, the Czech Republic, Slovakia, Hungary, Romania and Bulgaria.

use super::Check;
use super::birth::{is_birth, is_birth_in_some_century, pairs};
use super::digits::{Digits, number, weighted};

pub(super) const CHECKS: &[Check] = &[
    Check {
        name: "pl-pesel",
        about: "Polish population register: date with century, weights 1379, mod 10",
        least_digits: 11,
        passes: pesel,
    },
    Check {
        name: "pl-nip",
        about: "Polish tax number: weights 6, 5, 7, 2, 3, 4, 5, 6, 7, mod 11",
        least_digits: 10,
        passes: nip,
    },
    Check {
        name: "cz-rc",
        about: "Czech birth number (act 133/2000): date, women's month and 50; nine digits until 1953, then mod 11",
        least_digits: 9,
        passes: birth_number,
    },
    Check {
        name: "sk-rc",
        about: "Slovak birth number (act 301/1995): date, women's month and 50; nine digits until 1953, then mod 11",
        least_digits: 9,
        passes: birth_number,
    },
    Check {
        name: "hu-taj",
        about: "Hungarian social security number (act XX of 1996): weights 3 and 7 in turn, mod 10",
        least_digits: 9,
        passes: taj,
    },
    Check {
        name: "ro-cnp",
        about: "Romanian personal number (law 105/1996): sex and century, date, county, weights 279146358279 mod 11",
        least_digits: 13,
        passes: cnp,
    },
    Check {
        name: "bg-egn",
        about: "Bulgarian civil number (GRAO): date with century in the month, powers of two mod 11",
        least_digits: 10,
        passes: egn,
    },
];

fn pesel(text: &[u8]) -> bool {
    let digits = Digits::of(text);
    let Some(&[a, b, c, d, e, f, ..]) = digits.exactly::<11>() else { return false };
    let [year, month, day] = pairs(&[a, b, c, d, e, f]);
    let century = [1900, 2000, 2100, 2200, 1800][(month / 20) as usize];
    weighted(digits.as_slice(), &[1, 3, 7, 9, 1, 3, 7, 9, 1, 3, 1]).is_multiple_of(10)
        && is_birth(century + year, month % 20, day)
}

fn nip(text: &[u8]) -> bool {
    let digits = Digits::of(text);
    let Some([body @ .., check]) = digits.exactly::<10>() else { return false };
    body[0] != 0 && weighted(body, &[6, 5, 7, 2, 3, 4, 5, 6, 7]) % 11 == u32::from(*check)
}

/// The form of the Czechoslovak register that both countries kept.
fn birth_number(text: &[u8]) -> bool {
    let digits = Digits::of(text);
    let Some((date, rest)) = digits.as_slice().split_first_chunk::<6>() else { return false };
    let [year, month, day] = pairs(date);
    let month = if month > 50 { month - 50 } else { month };
    match *rest {
        // Given until the end of 1953, to people born until then; the serial alone proves nothing.
        [_, _, _] => number(rest) != 0 && year < 54 && is_birth(1900 + year, month, day),
        [_, _, _, check] => {
            let century = if year < 54 { 2000 } else { 1900 };
            // Since 2004 the month is raised by 20 where a day's numbers run out.
            let month = if century == 2000 && year > 3 && month > 20 { month - 20 } else { month };
            let remainder = number(&digits.as_slice()[..9]) % 11;
            is_birth(century + year, month, day) && remainder % 10 == u64::from(check)
        }
        _ => false,
    }
}

fn taj(text: &[u8]) -> bool {
    let digits = Digits::of(text);
    let Some([body @ .., check]) = digits.exactly::<9>() else { return false };
    number(body) != 0 && weighted(body, &[3, 7, 3, 7, 3, 7, 3, 7]) % 10 == u32::from(*check)
}

fn cnp(text: &[u8]) -> bool {
    let digits = Digits::of(text);
    let Some(&[sex, a, b, c, d, e, f, county, town, .., check]) = digits.exactly::<13>() else {
        return false;
    };
    let [year, month, day] = pairs(&[a, b, c, d, e, f]);
    let born = match sex {
        1 | 2 => is_birth(1900 + year, month, day),
        3 | 4 => is_birth(1800 + year, month, day),
        5 | 6 => is_birth(2000 + year, month, day),
        // Residents and foreigners, without a century.
        7..=9 => is_birth_in_some_century(year, month, day),
        _ => false,
    };
    // Counties, the sectors of Bucharest, and numbers that no county gave.
    let place = matches!(county * 10 + town, 1..=48 | 51 | 52 | 70 | 80..=83);
    let rest = weighted(digits.as_slice(), &[2, 7, 9, 1, 4, 6, 3, 5, 8, 2, 7, 9]) % 11;
    born && place && u32::from(check) == if rest == 10 { 1 } else { rest }
}

fn egn(text: &[u8]) -> bool {
    let digits = Digits::of(text);
    let Some(&[a, b, c, d, e, f, .., check]) = digits.exactly::<10>() else { return false };
    let [year, month, day] = pairs(&[a, b, c, d, e, f]);
    let (century, month) = match month {
        ..=12 => (1900, month),
        21..=32 => (1800, month - 20),
        _ => (2000, month.saturating_sub(40)),
    };
    let rest = weighted(digits.as_slice(), &[2, 4, 8, 5, 10, 9, 7, 3, 6]) % 11;
    is_birth(century + year, month, day) && rest % 10 == u32::from(check)
}

#[cfg(test)]
pub(super) const CASES: &[(&str, bool, &str)] = &[
    ("pl-pesel", true, "44051401359"),
    ("pl-pesel", false, "44051401358"),
    ("pl-pesel", false, "44451401359"),
    ("pl-nip", true, "856-734-62-15"),
    ("pl-nip", false, "856-734-62-16"),
    ("cz-rc", true, "710319/2745"),
    ("cz-rc", true, "531231/123"),
    ("cz-rc", false, "541231/123"),
    ("cz-rc", false, "710319/2746"),
    ("cz-rc", false, "711319/2745"),
    ("sk-rc", true, "710319/2745"),
    ("sk-rc", false, "710319/2754"),
    ("hu-taj", true, "111 111 110"),
    ("hu-taj", false, "111 111 111"),
    ("ro-cnp", true, "1630615123457"),
    ("ro-cnp", false, "0800101221142"),
    ("ro-cnp", false, "1630632123457"),
    ("bg-egn", true, "7523169263"),
    ("bg-egn", true, "8032056031"),
    ("bg-egn", false, "7552A10004"),
    ("bg-egn", false, "8019010008"),
];
