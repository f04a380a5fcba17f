//! The verifier under arbitrary lines: whatever they are, it signs for none that the gate did not write.

use std::sync::OnceLock;

use crate::audit::chain::Tree;
use crate::audit::chain::{genesis, link};
use crate::audit::checkpoint::{self, Cause, Claim};
use crate::audit::epochs::Keys;
use crate::audit::line::Stamp;
use crate::audit::signing::{Signer, generate_signing_key};
use crate::audit::walk::Walk;

const LOG: &str = "0123456789abcdef0123456789abcdef";
/// What stands at each place of the genuine trail: a body, or a checkpoint.
const TRAIL: [Result<&[u8], Cause>; 8] = [
    Err(Cause::Open),
    Ok(b"\"kind\":\"start\",\"version\":\"0\""),
    Ok(b"\"kind\":\"decision\",\"action\":\"allow\""),
    Err(Cause::Handover),
    Ok(b"\"kind\":\"decision\",\"action\":\"block\""),
    Ok(b"\"kind\":\"decision\",\"action\":\"block\""),
    Ok(b"\"kind\":\"stop\""),
    Err(Cause::Stop),
];

struct Genuine {
    keys: Keys,
    lines: Vec<Vec<u8>>,
}

/// A trail of one segment, written as the writer writes it.
fn genuine() -> Option<&'static Genuine> {
    static GENUINE: OnceLock<Option<Genuine>> = OnceLock::new();
    let make = || {
        let new_signer = || Signer::from_pkcs8(&generate_signing_key().ok()?).ok();
        let mut signer = new_signer()?;
        let keys = Keys::of(signer.public());
        let (mut head, mut tree, mut previous) = (genesis(LOG), Tree::default(), [0; 32]);
        let mut stamp = Stamp::new("node", "boot");
        let mut lines = Vec::new();
        for (size, entry) in (0..).zip(TRAIL) {
            let mut line = Vec::new();
            stamp.begin(&mut line, size + 1, jiff::Timestamp::UNIX_EPOCH, &head);
            match entry {
                Ok(body) => {
                    line.extend_from_slice(body);
                    line.push(b'}');
                }
                Err(cause) => {
                    let root = tree.root();
                    let next = if cause == Cause::Handover { Some(new_signer()?) } else { None };
                    let named = next.as_ref().map(Signer::public);
                    let claim =
                        Claim { cause, log: LOG, segment: 1, size, root, head, previous, next: named };
                    checkpoint::push(&mut line, 0, &claim, &signer);
                    signer = next.unwrap_or(signer);
                }
            }
            head = link(&head, &line);
            tree.push(head);
            if entry.is_err() {
                previous = head;
            }
            lines.push(line);
        }
        Some(Genuine { keys, lines })
    };
    GENUINE.get_or_init(make).as_ref()
}

/// A line of the input: `[n]` is line `n` of the genuine trail, `[n, at, mask]` the same with a byte changed, anything
/// else is taken as it is.
fn line_of(genuine: &Genuine, written: &[u8]) -> Vec<u8> {
    let (place, change) = match written {
        [place] => (place, None),
        [place, at, mask] => (place, Some((usize::from(*at), *mask))),
        _ => return written.to_vec(),
    };
    let Some(line) = genuine.lines.get(usize::from(*place)) else { return written.to_vec() };
    let mut line = line.clone();
    if let Some((at, mask)) = change {
        let at = at % line.len();
        line.iter_mut().skip(at).take(1).for_each(|byte| *byte ^= mask);
    }
    line
}

/// Whatever lines are read, those that the verifier calls signed are the genuine ones, all and in order.
pub fn trail(data: &[u8]) {
    let genuine = genuine();
    assert!(genuine.is_some(), "no key could be made");
    if let Some(genuine) = genuine {
        let lines: Vec<_> = data.split(|b| *b == b'\n').map(|written| line_of(genuine, written)).collect();
        let mut walk = Walk::new(genuine.keys.clone());
        walk.enter(1);
        let walked = lines.iter().try_for_each(|line| walk.line(line)).and_then(|()| walk.finish());
        let signed = usize::try_from(walk.signed).unwrap_or(usize::MAX);
        assert!(
            lines.iter().take(signed).eq(genuine.lines.iter().take(signed)),
            "signed for what was not written"
        );
        assert!(signed <= genuine.lines.len().min(lines.len()), "signed for more than there is");
        if lines == genuine.lines {
            assert!(walked.is_ok() && signed == lines.len(), "a genuine trail was refused");
        }
    }
}
