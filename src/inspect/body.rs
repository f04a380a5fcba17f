//! The body of one message on its way through: read, held, released.

use bytes::Bytes;

use super::Reason;
use super::coded::Coded;
use super::decision::Coverage;
use super::fields;
use super::head::HeadHits;
use super::hold::Hold;
use super::judge::Judge;
use super::reading::Reading;
use crate::decode::Coding;

/// How a body is read.
#[derive(Debug)]
enum Form {
    /// In place.
    Plain,
    /// Through its codings.
    Coded(Box<Coded>),
    /// Not at all from here on; the word says why.
    Unread(&'static str),
}

/// The body of one message.
#[derive(Debug)]
pub(super) struct Body {
    form: Form,
    reading: Reading,
    /// What was found in the headers of codings and has not left.
    asides: HeadHits,
    pub(super) hold: Hold,
    /// Stated length.
    length: Option<u64>,
    /// A declared stream of events, where no byte is kept back for the decision.
    events: bool,
    /// Why nothing of it is ever edited, if so.
    sealed: Option<&'static str>,
    seen: u64,
    inspected: u64,
    /// Length of the body that was encoded anew.
    new_length: Option<u64>,
    before_decision: Option<u64>,
}

impl Body {
    pub(super) fn new(hold: Hold) -> Body {
        Body {
            form: Form::Plain,
            reading: Reading::default(),
            asides: HeadHits::default(),
            hold,
            length: None,
            events: false,
            sealed: None,
            seen: 0,
            inspected: 0,
            new_length: None,
            before_decision: None,
        }
    }

    /// What the head says of the body.
    pub(super) fn announce(&mut self, length: Option<u64>, events: bool, sealed: Option<&'static str>) {
        self.length = length;
        self.events = events;
        self.sealed = sealed;
    }

    pub(super) fn is_events(&self) -> bool {
        self.events
    }

    /// The codings around it.
    pub(super) fn decode(&mut self, codings: Vec<Coding>) {
        let coded = Coded::new(codings);
        self.reading = Reading::new(coded.names());
        self.form = Form::Coded(Box::new(coded));
    }

    /// It cannot be read; what that means is decided when there is a body at all.
    pub(super) fn cannot_decode(&mut self, word: &'static str) {
        self.form = Form::Unread(word);
    }

    /// Reads and keeps a chunk. The body may be refused by it.
    pub(super) fn push(&mut self, judge: &mut Judge, chunk: Bytes) {
        self.seen += chunk.len() as u64;
        match &mut self.form {
            Form::Plain => {
                self.reading.push(judge, &chunk);
                self.inspected += chunk.len() as u64;
            }
            Form::Coded(coded) => {
                let result = coded.push(judge, &mut self.reading, &mut self.asides, &chunk);
                self.inspected = coded.read();
                if let Err(error) = result {
                    self.give_up(judge, error.as_str());
                }
            }
            Form::Unread(word) => {
                if !chunk.is_empty() {
                    judge.unreadable(word);
                }
            }
        }
        self.hold.chain.push(chunk);
    }

    /// What cannot be read is refused, or passes unread.
    fn give_up(&mut self, judge: &mut Judge, word: &'static str) {
        self.reading.finish(judge);
        self.form = Form::Unread(word);
        judge.unreadable(word);
    }

    /// The body has ended: everything in it is counted.
    pub(super) fn finish(&mut self, judge: &mut Judge) {
        if let Form::Coded(coded) = &mut self.form
            && let Err(error) = coded.finish()
        {
            self.give_up(judge, error.as_str());
        }
        self.reading.finish(judge);
    }

    /// Why an edit that is now asked for cannot be made, if one cannot. `streams`: the body does not wait whole.
    pub(super) fn refusal(&mut self, judge: &Judge, streams: bool) -> Option<&'static str> {
        if let Some(word) = self.asides.refusal(judge) {
            return Some(word);
        }
        if !self.reading.must_edit(judge) {
            return None;
        }
        let sealed = self.sealed.or_else(|| fields::sealed_start(self.reading.opening()));
        sealed.or(match &self.form {
            Form::Plain => None,
            Form::Coded(_) => streams.then_some("coded_stream"),
            Form::Unread(_) => Some("undecodable"),
        })
    }

    /// Whether it must stay whole until its end, to be encoded anew.
    pub(super) fn awaits_transcoding(&mut self, judge: &Judge) -> bool {
        matches!(self.form, Form::Coded(_)) && self.reading.must_edit(judge)
    }

    /// How far its text is settled. A close look may count more findings: the decision comes before the release.
    pub(super) fn settled(&mut self, judge: &mut Judge, exactly: bool) -> u64 {
        if exactly { self.reading.settle_exactly(judge) } else { self.reading.limit() }
    }

    /// Lets leave what lies below `text`; whether anything does.
    pub(super) fn release(&mut self, judge: &mut Judge, text: u64) -> bool {
        let mut guard = self.length.map_or(u64::MAX, |length| length.saturating_sub(1));
        if !self.events {
            guard = guard.min(self.seen.saturating_sub(1));
        }
        match &mut self.form {
            Form::Plain => {
                let limit = self.reading.uncut(text.min(guard));
                self.leave(judge, limit);
                self.hold.release(limit)
            }
            Form::Coded(coded) => match coded.limit(&self.reading, text, guard) {
                Some((wire, text)) => {
                    self.leave(judge, text);
                    self.hold.release(wire)
                }
                None => false,
            },
            Form::Unread(_) => {
                self.leave(judge, u64::MAX);
                self.hold.release(guard)
            }
        }
    }

    /// Lets leave everything that is there.
    pub(super) fn release_all(&mut self, judge: &mut Judge) -> Result<(), Reason> {
        self.decided();
        if self.awaits_transcoding(judge) {
            return self.transcode(judge);
        }
        self.leave(judge, u64::MAX);
        self.hold.release(u64::MAX);
        Ok(())
    }

    /// Settles what becomes of the hits below `limit` of the text.
    fn leave(&mut self, judge: &mut Judge, limit: u64) {
        // None of them is ever edited; one that stands further on is counted early rather than never.
        self.asides.leave(judge);
        while let Some(hit) = self.reading.leave(limit) {
            if judge.edits(hit.detector, hit.confidence) {
                judge.edit_in(&mut self.hold.chain, hit.detector, hit.start, hit.end());
                judge.edited(hit.detector);
            } else {
                judge.left(hit.detector);
            }
        }
    }

    fn transcode(&mut self, judge: &mut Judge) -> Result<(), Reason> {
        let Form::Coded(coded) = &self.form else { return Err(Reason::InspectorFailed) };
        let chain = std::mem::take(&mut self.hold.chain);
        let waiting = usize::try_from(chain.end()).unwrap_or(usize::MAX);
        let (hold, beside) = (&mut self.hold, waiting.saturating_add(self.reading.bytes()));
        let result = coded.transcode(judge, &chain, &mut |grown| hold.cover(beside.saturating_add(grown)));
        self.hold.chain = chain;
        let new = result?;
        let mut edits = 0;
        while let Some(hit) = self.reading.leave(u64::MAX) {
            if judge.edits(hit.detector, hit.confidence) {
                judge.edited(hit.detector);
                edits += 1;
            } else {
                judge.left(hit.detector);
            }
        }
        // Both readings are of the same bytes: if they differ, nothing is sure.
        if edits != new.edits {
            return Err(Reason::InspectorFailed);
        }
        self.asides.leave(judge);
        self.new_length = Some(new.body.len() as u64);
        self.hold.replace(new.body);
        Ok(())
    }

    /// Makes the reservation cover what waits.
    pub(super) fn cover(&mut self) -> bool {
        let marks = if let Form::Coded(coded) = &self.form { coded.bytes() } else { 0 };
        self.hold.cover(self.reading.bytes() + marks)
    }

    /// The decision is final: what has left until now left before it.
    pub(super) fn decided(&mut self) {
        self.before_decision.get_or_insert(self.hold.limit());
    }

    pub(super) fn new_length(&self) -> Option<u64> {
        self.new_length
    }

    pub(super) fn coverage(&self) -> Coverage {
        let unread = self.seen.saturating_sub(self.inspected);
        let word = match &self.form {
            Form::Unread(word) => *word,
            Form::Plain | Form::Coded(_) => "stopped",
        };
        Coverage {
            seen: self.seen,
            inspected: self.inspected,
            uninspected: if unread > 0 { vec![(word, unread)] } else { Vec::new() },
            forwarded_before_decision: self.before_decision.unwrap_or(self.hold.limit()),
            forwarded: self.hold.limit(),
        }
    }
}
