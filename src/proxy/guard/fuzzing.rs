//! The guard's parsers under arbitrary bytes: what passes, and why not, does not depend on how bytes are cut.

use super::connect::parse;
use super::framing::{Expected, Framing, Role};
use super::section::{Kind, Section};
use super::{ConnectHead, Refusal};

/// Feeds `pieces` as a reader would, and returns what passed and how it ended.
fn passed<'a>(
    expected: Option<Expected>,
    pieces: impl IntoIterator<Item = &'a [u8]>,
) -> Result<Vec<u8>, Refusal> {
    let mut framing = Framing::new(if expected.is_some() { Role::Responses } else { Role::Requests });
    let (mut passed, mut waiting) = (Vec::new(), Vec::new());
    for piece in pieces {
        waiting.extend_from_slice(piece);
        loop {
            if let Some(expected) = expected {
                framing.announce(expected);
            }
            match framing.advance(&waiting)? {
                0 => break,
                length => passed.extend(waiting.drain(..length)),
            }
        }
    }
    Ok(passed)
}

/// Requests, or responses of one kind: whole, in pieces and byte by byte they end alike.
pub(crate) fn framing(kind: u8, text: &[u8], pieces: &[&[u8]]) {
    let expected = match kind % 5 {
        0 => None,
        1 => Some(Expected::Other),
        2 => Some(Expected::Head),
        3 => Some(Expected::Connect),
        _ => Some(Expected::Upgrade),
    };
    let whole = passed(expected, [text]);
    assert_eq!(passed(expected, pieces.iter().copied()), whole);
    assert_eq!(passed(expected, text.chunks(1)), whole);
    if let Ok(passed) = whole {
        assert!(text.starts_with(&passed), "what passed is not what came");
    }
}

/// A CONNECT head is read alike whole and byte by byte, and names a host that reads back as the same.
pub fn connect(data: &[u8]) {
    let whole = parse(&mut Section::new(Kind::Request), data);
    assert_eq!(bytewise(data), whole);
    if let Ok(Some((head, length))) = whole {
        assert!(length <= data.len(), "a head longer than what came");
        assert_eq!(head.host.to_string().parse(), Ok(head.host.clone()));
    }
}

fn bytewise(data: &[u8]) -> Result<Option<(ConnectHead, usize)>, Refusal> {
    let mut section = Section::new(Kind::Request);
    for end in 1..=data.len() {
        let answer = parse(&mut section, data.get(..end).unwrap_or_default())?;
        if answer.is_some() {
            return Ok(answer);
        }
    }
    Ok(None)
}
