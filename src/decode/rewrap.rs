//! A mask put into what a value wears: undone wrapping by wrapping, and wrapped up again in as many bytes.

use super::escape::{Kind, Unit, unit, unit_of_form, written};
use super::layer::Wrapping;
use super::{armour, transfer, utf16};

/// Gives the mask of a value, from what is known to stand before it and the value.
pub type Masking<'a> = dyn FnMut(&[u8], &[u8]) -> Vec<u8> + 'a;

/// Masks a value in what it wears: `raw` is undone wrapping by wrapping, outermost first, what is innermost is given to
/// `mask`, and its answer, of the same length, is wrapped up again in as many bytes as before. `None` where that cannot
/// be done.
pub fn rewrap(wrappings: &[Wrapping], before: &[u8], raw: &[u8], mask: &mut Masking<'_>) -> Option<Vec<u8>> {
    let Some((outermost, inner)) = wrappings.split_first() else { return Some(mask(before, raw)) };
    if let Wrapping::Base64 { lead, trail } = *outermost {
        return rearm(usize::from(lead), usize::from(trail), inner, before, raw, mask);
    }
    let units = undo(*outermost, raw);
    let text: Vec<u8> = units.iter().flat_map(|unit| unit.text.iter().copied()).collect();
    let before: Vec<u8> = undo(*outermost, before).into_iter().flat_map(|unit| unit.text).collect();
    let masked = rewrap(inner, &before, &text, mask)?;
    if masked.len() != text.len() {
        return None;
    }
    let (mut out, mut at) = (Vec::with_capacity(raw.len()), 0);
    for unit in units {
        let new = masked.get(at..at + unit.text.len())?;
        at += unit.text.len();
        match unit.kind {
            _ if new == unit.text => out.extend_from_slice(unit.raw),
            None => out.extend_from_slice(new),
            // What stands for several bytes is one character, and so is what takes its place.
            Some(kind) => {
                let new = if new.len() == 1 { *new.first()? } else { b'*' };
                out.extend(match kind {
                    Kind::Utf16 => utf16::written(unit.raw, new, *outermost),
                    _ => written(kind, unit.raw, new)?,
                });
            }
        }
    }
    (out.len() == raw.len()).then_some(out)
}

/// The same for a value of which its first and last digits also stand for what is around it.
fn rearm(
    lead: usize,
    trail: usize,
    inner: &[Wrapping],
    before: &[u8],
    raw: &[u8],
    mask: &mut Masking<'_>,
) -> Option<Vec<u8>> {
    let mut text = armour::decode(raw);
    let end = text.len().checked_sub(trail)?;
    let value = text.get(lead..end)?;
    // Whole quads stand before it.
    let before: Vec<u8> = before.iter().copied().filter(|byte| armour::is_digit(*byte)).collect();
    let mut before = armour::decode(before.get(before.len() % 4..)?);
    before.extend_from_slice(text.get(..lead)?);
    let masked = rewrap(inner, &before, value, mask)?;
    let place = text.get_mut(lead..end).filter(|place| place.len() == masked.len())?;
    place.copy_from_slice(&masked);
    armour::encode(raw, &text)
}

struct Undone<'a> {
    raw: &'a [u8],
    text: Vec<u8>,
    kind: Option<Kind>,
}

fn of(unit: Unit, raw: &[u8], at: usize) -> (usize, Vec<u8>, Option<Kind>) {
    match unit {
        Unit::Escape(escape) => (escape.len, escape.out().to_vec(), Some(escape.kind)),
        Unit::Literal(_) | Unit::Open => (1, raw[at..at + 1].to_vec(), None),
    }
}

fn undo(wrapping: Wrapping, raw: &[u8]) -> Vec<Undone<'_>> {
    let (mut units, mut at) = (Vec::new(), 0);
    while at < raw.len() {
        let (length, text, kind) = match wrapping {
            Wrapping::Escapes => of(unit(raw, at, true), raw, at),
            Wrapping::Form => of(unit_of_form(raw, at, true), raw, at),
            Wrapping::Utf16 { big_endian } => match utf16::unit(&raw[at..], big_endian, true) {
                Some((length, escape)) => (length, escape.out().to_vec(), Some(Kind::Utf16)),
                None => (1, raw[at..at + 1].to_vec(), None),
            },
            Wrapping::Charset(charset) => match charset.unit(&raw[at..], true) {
                Some(escape) if !raw[at].is_ascii() => of(Unit::Escape(escape), raw, at),
                Some(_) | None => (1, raw[at..at + 1].to_vec(), None),
            },
            Wrapping::Hex => match raw.get(at..at + 2).and_then(armour::pair) {
                Some(byte) => (2, vec![byte], Some(Kind::Hex)),
                None if raw[at].is_ascii_hexdigit() => (1, raw[at..at + 1].to_vec(), None),
                // Where a line ends and another begins.
                None => (1, Vec::new(), None),
            },
            Wrapping::Quoted => match transfer::quoted_unit(&raw[at..]) {
                Some((out, length @ 1..)) if raw[at] == b'=' => {
                    (length, out.into_iter().collect(), Some(Kind::QuotedPrintable))
                }
                _ => (1, raw[at..at + 1].to_vec(), None),
            },
            // Tags stand in archives, which are never edited; parts and strings of binary formats as they are.
            Wrapping::Markup
            | Wrapping::Armour
            | Wrapping::Base64 { .. }
            | Wrapping::Parts
            | Wrapping::Protobuf
            | Wrapping::Objects(_) => (1, raw[at..at + 1].to_vec(), None),
        };
        let end = raw.len().min(at + length);
        units.push(Undone { raw: &raw[at..end], text, kind });
        at = end;
    }
    units
}
