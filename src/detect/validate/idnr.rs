//! German tax identification number (BZSt): repetition rule and ISO 7064 MOD 11,10.

use super::digits::Digits;

pub(super) fn passes(text: &[u8]) -> bool {
    let digits = Digits::of(text);
    let Some(d) = digits.exactly::<11>() else { return false };
    d[0] != 0 && repetition(&d[..10]) && iso7064_mod11_10(d)
}

/// Of the first ten digits exactly one occurs twice or three times and no other repeats; three in a row never.
fn repetition(digits: &[u8]) -> bool {
    let mut counts = [0u8; 10];
    digits.iter().for_each(|&d| counts[usize::from(d)] += 1);
    let repeated = counts.iter().filter(|&&c| c > 1).count();
    let most = counts.iter().max().copied().unwrap_or(0);
    let in_a_row = digits.windows(3).any(|w| w[0] == w[1] && w[1] == w[2]);
    repeated == 1 && (most == 2 || most == 3) && !in_a_row
}

/// ISO/IEC 7064 hybrid system MOD 11,10 over all digits, the check digit last.
fn iso7064_mod11_10(digits: &[u8]) -> bool {
    let Some((&check, body)) = digits.split_last() else { return false };
    let mut product = 10u32;
    for &d in body {
        let sum = (u32::from(d) + product) % 10;
        product = (if sum == 0 { 10 } else { sum } * 2) % 11;
    }
    (11 - product) % 10 == u32::from(check)
}
