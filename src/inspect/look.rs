//! A text looked at outside of any message: what is found in it, in what it wears and in what is packed in it.

use std::sync::Arc;

use super::Engine;
use super::fields::Declared;
use super::judge::Judge;
use super::reading::Reading;
use crate::decode::DecodeError;
use crate::detect::{DetectorId, Finding};
use crate::flow::{Destination, Direction, Host, Scheme};
use crate::limits::ARCHIVE_DEPTH;
use crate::policy::Message;

/// A finding that counts.
#[derive(Clone, Debug)]
pub struct Seen {
    /// Its offsets count in what the first of `carrier` lead to.
    pub finding: Finding,
    /// What it is packed in and wears, outermost first.
    pub carrier: Vec<&'static str>,
    /// How many of them stand between the text that was given and the offsets.
    pub base: usize,
    /// Of a member of something packed: what it is called, fit to be shown, and the shape of the value.
    pub member: Option<(String, Vec<u8>)>,
}

/// What a look gathers, instead of judging it.
#[derive(Debug, Default)]
pub(super) struct Gathered {
    pub(super) seen: Vec<Seen>,
    pub(super) unread: Vec<&'static str>,
    pub(super) wanted: Option<Vec<DetectorId>>,
}

/// One text that is being looked at.
#[derive(Debug)]
pub struct Look {
    judge: Judge,
    reading: Reading,
}

impl Look {
    /// Looks for all detectors, or for those that are `wanted`; others do not even overlap them.
    #[must_use]
    pub fn new(engine: Arc<Engine>, wanted: Option<Vec<DetectorId>>) -> Look {
        let gathered = Gathered { wanted, ..Gathered::default() };
        let reading = Reading::new(Vec::new(), &Declared::default());
        Look { judge: Judge::gathering(engine, nobody(), gathered), reading }
    }

    /// The same of what a run of base64 or hexadecimal digits stands for, all of it, which stands in what is being judged.
    /// `room`: so much may be unpacked of it, of which it takes what it needs.
    pub(super) fn into_run(above: &Judge, bytes: &[u8], room: &mut u64) -> (Vec<Seen>, Vec<&'static str>) {
        if above.nested == ARCHIVE_DEPTH {
            return (Vec::new(), vec![DecodeError::Depth.as_str()]);
        }
        let look = Look::new(Arc::clone(above.engine()), None);
        let mut look = Look { reading: Reading::of_run(), ..look };
        (look.judge.nested, look.judge.steps, look.judge.room) = (above.nested + 1, above.steps, *room);
        look.push(bytes);
        look.finish();
        *room = look.judge.room.saturating_sub(look.reading.unpacked());
        look.take()
    }

    /// The text goes on with `piece`.
    pub fn push(&mut self, piece: &[u8]) {
        self.reading.push(&mut self.judge, piece);
    }

    /// The text has ended.
    pub fn finish(&mut self) {
        self.reading.finish(&mut self.judge);
    }

    /// What has become certain since the last call, and words for what could not be read.
    pub fn take(&mut self) -> (Vec<Seen>, Vec<&'static str>) {
        self.reading.forget();
        self.judge.gathered()
    }

    /// Findings in the text itself that are still to come start here or later.
    #[must_use]
    pub fn settled(&self) -> u64 {
        self.reading.surface_limit(&self.judge)
    }
}

/// A message that no rule looks at.
fn nobody() -> Message {
    let host = Host::Name("localhost".into());
    Message::to(Destination { scheme: Scheme::Https, host, port: 443 }, Direction::Request)
}

/// What of a character may be shown.
pub(super) fn shape(byte: u8) -> u8 {
    match byte {
        b' '..=b'~' if !byte.is_ascii_alphanumeric() => byte,
        b'\t' | b'\r' | b'\n' => b' ',
        _ => b'#',
    }
}
