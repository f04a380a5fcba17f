//! `=34` of quoted-printable (RFC 2045, section 6.7), told from signs of equality before a value.

use super::escape::{Escape, Kind, Look, coded};

/// `=34` where more than one stands in a row, or where it hides what a value needs; lines that end in `=`.
pub(super) fn quoted_printable(rest: &[u8], before: &[u8], last: bool) -> Look {
    let behind = rest.get(1..).unwrap_or_default();
    match behind {
        [] | [b'\r'] => return Look::More,
        [b'\n', ..] => return Look::Yes(Escape::nothing(Kind::QuotedPrintable, 2)),
        [b'\r', b'\n', ..] => return Look::Yes(Escape::nothing(Kind::QuotedPrintable, 3)),
        _ => {}
    }
    let pair = |text: &[u8]| match *text {
        [b'=', high, low, ..] if is_upper_hex(high) && is_upper_hex(low) => Some([high, low]),
        _ => None,
    };
    if rest.len() < 3 {
        return if behind.iter().all(|byte| is_upper_hex(*byte)) { Look::More } else { Look::No };
    }
    let Some(digits) = pair(rest) else { return Look::No };
    let follows = before.len().checked_sub(3).and_then(|at| before.get(at..)).and_then(pair).is_some();
    let next = rest.get(3..).unwrap_or_default();
    let alone = match &digits {
        b"3D" | b"2E" | b"2D" => true,
        b"40" => match host_follows(next, last) {
            Some(follows) => follows,
            None => return Look::More,
        },
        b"20" => match between_groups(before, next, last) {
            Some(between) => between,
            None => return Look::More,
        },
        _ => false,
    };
    if !follows && !alone && pair(next).is_none() {
        let may_follow = next
            .iter()
            .enumerate()
            .all(|(at, byte)| if at == 0 { *byte == b'=' } else { is_upper_hex(*byte) });
        return if !last && next.len() < 3 && may_follow { Look::More } else { Look::No };
    }
    coded(&digits, 2, |code| Escape::byte(Kind::QuotedPrintable, 3, u8::try_from(code).unwrap_or(b'?')))
}

/// Whether what follows may be the host of an address rather than the rest of a number, whose `40` is its own. `None`: more
/// of it tells.
fn host_follows(behind: &[u8], last: bool) -> Option<bool> {
    let digits = behind.iter().take_while(|byte| byte.is_ascii_digit()).count();
    match behind.get(digits..).unwrap_or_default() {
        [] if last => Some(digits == 0),
        [b'.' | b'-'] if digits > 0 && last => Some(false),
        [] => None,
        [b'.' | b'-'] if digits > 0 => None,
        [b'.' | b'-', next, ..] | [next, ..] => Some(digits == 0 || next.is_ascii_alphabetic()),
    }
}

/// Whether spaces stand before and behind a group of digits that is next to this one: one of them alone may be a key and
/// its value. `None`: what follows tells.
fn between_groups(before: &[u8], behind: &[u8], last: bool) -> Option<bool> {
    const SPACE: &[u8] = b"=20";
    let digits = |count: usize| (3..=6).contains(&count);
    // The digits of the space before belong to those in front of this one, as it is written.
    let earlier = before.iter().rev().take(6).take_while(|byte| byte.is_ascii_digit()).count();
    let is_behind_space = |count: usize| {
        before.len().checked_sub(count).and_then(|end| before.get(..end)).is_some_and(|b| b.ends_with(SPACE))
    };
    if (3..=earlier).any(is_behind_space) {
        return Some(true);
    }
    let count = behind.iter().take(7).take_while(|byte| byte.is_ascii_digit()).count();
    let rest = behind.get(count..).unwrap_or_default();
    let may = count < 7 && rest.len() < SPACE.len() && SPACE.starts_with(rest) && !last;
    if may { None } else { Some(digits(count) && rest.starts_with(SPACE)) }
}

fn is_upper_hex(byte: u8) -> bool {
    byte.is_ascii_digit() || (b'A'..=b'F').contains(&byte)
}
