//! The body of one message on its way through: read, held, released.

use bytes::Bytes;

use super::coded::{Coded, Recoder};
use super::decision::Coverage;
use super::fields::Declared;
use super::glance;
use super::head::HeadHits;
use super::hold::Hold;
use super::judge::{Becomes, Judge};
use super::reading::Reading;
use super::{Head, Reason};
use crate::decode::{Coding, DecodeError, begins_a_chunk, sealed_start};
use crate::detect::Finding;

/// First bytes that tell how a body is read that nobody called coded.
const OPENING: usize = 8;

/// How a body is read.
#[derive(Debug)]
enum Form {
    /// Not yet: these first bytes do not tell how.
    Fresh(Vec<u8>),
    /// In place.
    Plain,
    /// Through its codings.
    Coded(Box<Coded>),
    /// The same, and what leaves is encoded anew.
    Recoded(Box<Coded>, Box<Recoder>),
    /// Not at all from here on; the word says why.
    Unread(&'static str),
}

/// Readers for a body, made when first needed.
fn made<'a>(reading: &'a mut Option<Box<Reading>>, declared: &Declared) -> &'a mut Reading {
    reading.get_or_insert_with(|| Box::new(Reading::new(Vec::new(), declared)))
}

/// The body of one message.
#[derive(Debug)]
pub(super) struct Body {
    form: Form,
    /// Nothing, as long as there was nothing in it to remember.
    reading: Option<Box<Reading>>,
    /// What was found in the headers of codings and has not left.
    asides: HeadHits,
    pub(super) hold: Hold,
    /// Codings of a response that is labelled as an upload's framing: its first line tells whether it is framed at all.
    labelled: Option<Vec<Coding>>,
    /// Stated length.
    length: Option<u64>,
    /// A declared stream of events, where no byte is kept back for the decision.
    events: bool,
    /// How it is written, as its head says.
    declared: Declared,
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
            form: Form::Fresh(Vec::new()),
            reading: None,
            asides: HeadHits::default(),
            hold,
            labelled: None,
            length: None,
            events: false,
            declared: Declared::default(),
            sealed: None,
            seen: 0,
            inspected: 0,
            new_length: None,
            before_decision: None,
        }
    }

    /// What the head says of the body.
    pub(super) fn announce(&mut self, head: &Head<'_>, sealed: Option<&'static str>) {
        self.length = head.length;
        self.events = head.events;
        self.declared = Declared::of(head.fields);
        self.sealed = sealed;
    }

    /// Why what its head says of it keeps it from being read, if so.
    pub(super) fn unread(&self) -> Option<&'static str> {
        self.declared.unread.map(DecodeError::as_str)
    }

    pub(super) fn is_events(&self) -> bool {
        self.events
    }

    /// Nothing of it may be edited, and why.
    pub(super) fn seal(&mut self, word: &'static str) {
        self.sealed.get_or_insert(word);
    }

    /// The codings around it.
    pub(super) fn decode(&mut self, codings: Vec<Coding>) {
        if codings.contains(&Coding::AwsChunked) {
            // Its signatures, or checksums in its trailers, cover the text.
            self.sealed.get_or_insert("signed");
        }
        if codings.contains(&Coding::Snappy) {
            // Nothing puts it back on: not even a stream that may have to be edited is encoded anew.
            self.sealed.get_or_insert("framing");
        }
        self.read_through(Coded::new(codings, false));
    }

    /// The codings around a response. Stores of objects give back the label that an upload bore, on bodies that are framed no
    /// longer: no reader takes such a framing off.
    pub(super) fn decode_response(&mut self, codings: Vec<Coding>) {
        match codings.contains(&Coding::AwsChunked) {
            true => self.labelled = Some(codings),
            false => self.decode(codings),
        }
    }

    /// Whether the first bytes tell how it is read.
    fn is_told(&self, opening: &[u8]) -> bool {
        match self.labelled.is_some().then(|| begins_a_chunk(opening)) {
            Some(None) => false,
            Some(Some(true)) => true,
            Some(Some(false)) | None => opening.len() >= OPENING,
        }
    }

    fn read_through(&mut self, coded: Coded) {
        self.reading = Some(Box::new(Reading::new(coded.names(), &self.declared)));
        self.form = Form::Coded(Box::new(coded));
    }

    /// The first bytes of a body that nobody called coded are known: they tell how it is read.
    fn begin(&mut self, opening: &[u8]) {
        self.form = Form::Plain;
        if let Some(mut codings) = self.labelled.take() {
            codings.retain(|coding| *coding != Coding::AwsChunked || begins_a_chunk(opening) == Some(true));
            if !codings.is_empty() {
                return self.decode(codings);
            }
        }
        if let Some(coding) = Coding::sniff(opening) {
            self.sealed.get_or_insert("archive");
            self.read_through(Coded::new(vec![coding], true));
        }
    }

    /// It cannot be read; what that means is decided when there is a body at all.
    pub(super) fn cannot_decode(&mut self, word: &'static str) {
        self.form = Form::Unread(word);
    }

    /// Reads and keeps a chunk. The body may be refused by it.
    pub(super) fn push(&mut self, judge: &mut Judge, chunk: Bytes) {
        self.seen += chunk.len() as u64;
        judge.count_bytes(chunk.len() as u64);
        let is_told = self.is_told(&chunk);
        match &mut self.form {
            Form::Fresh(opening) if opening.is_empty() && is_told => {
                self.begin(&chunk);
                self.read(judge, &chunk);
            }
            Form::Fresh(opening) => {
                opening.extend_from_slice(&chunk);
                let opening = std::mem::take(opening);
                if self.is_told(&opening) {
                    self.begin(&opening);
                    self.read(judge, &opening);
                } else {
                    self.form = Form::Fresh(opening);
                }
            }
            Form::Plain | Form::Coded(_) | Form::Recoded(..) | Form::Unread(_) => self.read(judge, &chunk),
        }
        if !matches!(self.form, Form::Recoded(..)) {
            self.hold.push(chunk);
        }
    }

    /// Reads and keeps the last chunk. What is read in place is looked at once, with nothing kept back for more.
    pub(super) fn last(&mut self, judge: &mut Judge, chunk: Bytes) {
        if matches!(&self.form, Form::Fresh(opening) if opening.is_empty()) && self.is_told(&chunk) {
            self.begin(&chunk);
        }
        if !matches!(self.form, Form::Plain) {
            return self.push(judge, chunk);
        }
        self.seen += chunk.len() as u64;
        judge.count_bytes(chunk.len() as u64);
        self.inspected += chunk.len() as u64;
        if self.reading.is_some() || !glance::is_bare(judge.engine(), &self.declared, &chunk) {
            made(&mut self.reading, &self.declared).last(judge, &chunk);
        }
        self.hold.chain.push(chunk);
    }

    fn read_opening(&mut self, judge: &mut Judge) {
        if let Form::Fresh(opening) = &mut self.form {
            let opening = std::mem::take(opening);
            self.begin(&opening);
            self.read(judge, &opening);
        }
    }

    fn read(&mut self, judge: &mut Judge, chunk: &[u8]) {
        let (coded, recoder) = match &mut self.form {
            Form::Fresh(_) | Form::Plain => {
                made(&mut self.reading, &self.declared).push(judge, chunk);
                self.inspected += chunk.len() as u64;
                return;
            }
            Form::Unread(word) => {
                if !chunk.is_empty() {
                    judge.unreadable(word);
                }
                return;
            }
            Form::Coded(coded) => (coded, None),
            Form::Recoded(coded, recoder) => (coded, Some(&mut **recoder)),
        };
        let result =
            coded.push(judge, made(&mut self.reading, &self.declared), &mut self.asides, recoder, chunk);
        self.inspected = coded.read();
        if let Err(error) = result {
            self.give_up(judge, error.as_str());
        }
    }

    /// What cannot be read is refused, or passes unread.
    pub(super) fn give_up(&mut self, judge: &mut Judge, word: &'static str) {
        if let Some(reading) = &mut self.reading {
            reading.finish(judge);
        }
        judge.unreadable(word);
        if matches!(self.form, Form::Recoded(..)) {
            // Its first part left in another coding: there is nothing that the rest could pass on as.
            judge.refuse(Reason::Undecodable(word));
        }
        self.form = Form::Unread(word);
    }

    /// The body has ended: everything in it is counted.
    pub(super) fn finish(&mut self, judge: &mut Judge) {
        self.read_opening(judge);
        if let Form::Coded(coded) | Form::Recoded(coded, _) = &mut self.form
            && let Err(error) = coded.finish(judge, &mut self.asides)
        {
            self.give_up(judge, error.as_str());
        }
        if let Some(reading) = &mut self.reading {
            reading.finish(judge);
        }
    }

    /// Why an edit that is now asked for cannot be made, if one cannot. `streams`: the body does not wait whole.
    pub(super) fn refusal(&mut self, judge: &Judge, streams: bool) -> Option<&'static str> {
        if let Some(word) = self.asides.refusal(judge) {
            return Some(word);
        }
        let reading = self.reading.as_mut()?;
        if let Some(word) = reading.refusal(judge) {
            return Some(word);
        }
        if !reading.must_edit(judge) {
            return None;
        }
        self.sealed().or(match &self.form {
            Form::Fresh(_) | Form::Plain | Form::Recoded(..) => None,
            // No rule could ask for an edit when it began to stream.
            Form::Coded(_) => streams.then_some("coded_stream"),
            Form::Unread(_) => Some("undecodable"),
        })
    }

    fn sealed(&self) -> Option<&'static str> {
        let reading = self.reading.as_ref();
        let packed = reading.is_some_and(|reading| reading.is_packed()).then_some("archive");
        let signed = reading.is_some_and(|reading| reading.is_signed()).then_some("signed");
        self.sealed
            .or(packed)
            .or(signed)
            .or_else(|| reading.and_then(|reading| sealed_start(reading.opening())))
    }

    /// It begins to stream. A coded body that may have to be edited is encoded anew from its first byte on.
    pub(super) fn open(&mut self, judge: &mut Judge) -> Result<(), Reason> {
        if matches!(self.form, Form::Coded(_)) && self.sealed().is_none() && judge.may_redact() {
            self.recode(judge)?;
        }
        Ok(())
    }

    /// Whether what leaves is encoded anew while it streams, to an unknown length.
    pub(super) fn is_recoded(&self) -> bool {
        matches!(self.form, Form::Recoded(..))
    }

    /// How far its text is settled. A close look may count more findings: the decision comes before the release.
    pub(super) fn settled(&mut self, judge: &mut Judge, exactly: bool) -> u64 {
        let reading = made(&mut self.reading, &self.declared);
        if exactly { reading.settle_exactly(judge) } else { reading.limit(judge) }
    }

    /// Counts all that is found, though more could still change it.
    pub(super) fn settle_all(&mut self, judge: &mut Judge) {
        if let Some(reading) = &mut self.reading {
            reading.settle(judge, u64::MAX);
        }
    }

    /// Body bytes that came.
    pub(super) fn seen(&self) -> u64 {
        self.seen
    }

    /// Whether a finding has been counted, and waits.
    pub(super) fn has_hit(&self, finding: &Finding) -> bool {
        self.reading.as_ref().is_some_and(|reading| reading.has_hit(finding))
    }

    /// Lets leave what lies below `text`; whether anything does.
    /// `through`: readers want each piece as it comes, and the end of a body whose length nobody stated is a sign of its own,
    /// which waits for the decision in place of the last byte.
    pub(super) fn release(&mut self, judge: &mut Judge, text: u64, through: bool) -> Result<bool, Reason> {
        let mut guard = self.length.map_or(u64::MAX, |length| length.saturating_sub(1));
        if !self.events && !through {
            guard = guard.min(self.seen.saturating_sub(1));
        }
        Ok(match &mut self.form {
            Form::Fresh(_) | Form::Plain => {
                let limit = text.min(guard);
                let limit = self.reading.as_ref().map_or(limit, |reading| reading.uncut(limit));
                self.leave(judge, limit);
                self.hold.release(limit)
            }
            Form::Coded(coded) => match coded.limit(made(&mut self.reading, &self.declared), text, guard) {
                Some((wire, text)) => {
                    self.leave(judge, text);
                    self.hold.release(wire)
                }
                None => false,
            },
            // Its last bytes are the encoder's own, which come at the end.
            Form::Recoded(_, recoder) => {
                let reading = made(&mut self.reading, &self.declared);
                recoder.advance(judge, reading, text, through)?;
                self.asides.leave(judge);
                reading.leave_packed(judge);
                self.hold.chain.push(recoder.take(judge));
                self.hold.release(u64::MAX)
            }
            Form::Unread(_) => {
                self.leave(judge, u64::MAX);
                self.hold.release(guard)
            }
        })
    }

    /// Lets leave everything that is there.
    pub(super) fn release_all(&mut self, judge: &mut Judge) -> Result<(), Reason> {
        self.decided();
        let whole = matches!(self.form, Form::Coded(_))
            && self.reading.as_mut().is_some_and(|reading| reading.must_edit(judge));
        if whole {
            self.recode(judge)?;
        }
        if self.is_recoded()
            && let Form::Recoded(coded, mut recoder) = std::mem::replace(&mut self.form, Form::Plain)
        {
            let reading = made(&mut self.reading, &self.declared);
            recoder.advance(judge, reading, u64::MAX, false)?;
            self.asides.leave(judge);
            reading.leave_packed(judge);
            self.hold.chain.push(recoder.finish(judge)?);
            self.form = Form::Coded(coded);
            self.new_length = whole.then(|| self.hold.chain.end());
        }
        self.leave(judge, u64::MAX);
        self.hold.release(u64::MAX);
        if self.hold.grown() != 0 {
            self.new_length = Some(self.hold.left());
        }
        if matches!(self.form, Form::Coded(_)) {
            // It may take long to leave: what took it apart does not wait for that.
            self.form = Form::Plain;
        }
        self.hold.end();
        Ok(())
    }

    /// Settles what becomes of the hits below `limit` of the text.
    fn leave(&mut self, judge: &mut Judge, limit: u64) {
        // None of them is ever edited; one that stands further on is counted early rather than never.
        self.asides.leave(judge);
        let Some(reading) = &mut self.reading else { return };
        reading.leave_packed(judge);
        while let Some(hit) = reading.leave(limit) {
            match hit.becomes(judge) {
                Becomes::Edited => {
                    judge.edit_in(&mut self.hold.chain, &hit);
                    judge.edited(hit.detector);
                }
                Becomes::Hidden => judge.edited(hit.detector),
                Becomes::Left => judge.left(hit.detector, hit.fingerprint),
            }
        }
    }

    /// From here on what leaves is encoded anew; nothing has left yet.
    fn recode(&mut self, judge: &Judge) -> Result<(), Reason> {
        let Form::Coded(coded) = std::mem::replace(&mut self.form, Form::Plain) else {
            return Err(Reason::InspectorFailed);
        };
        let wire = std::mem::take(&mut self.hold.chain);
        let waiting = usize::try_from(wire.end()).unwrap_or(usize::MAX);
        let reading = made(&mut self.reading, &self.declared);
        let coder = coded.bytes();
        let (hold, beside) = (&mut self.hold, waiting.saturating_add(reading.bytes()).saturating_add(coder));
        let mut reserve = |grown: usize| hold.cover(judge.message(), beside.saturating_add(grown), grown);
        let recoder = coded.recode(judge, reading, &wire, &mut reserve)?;
        self.form = Form::Recoded(coded, Box::new(recoder));
        Ok(())
    }

    /// Makes the reservation cover what waits.
    pub(super) fn cover(&mut self, judge: &Judge) -> bool {
        let beside = match &self.form {
            Form::Coded(coded) => coded.bytes(),
            Form::Recoded(coded, recoder) => coded.bytes().saturating_add(recoder.bytes()),
            Form::Fresh(_) | Form::Plain | Form::Unread(_) => 0,
        };
        let reading = self.reading.as_ref().map_or(0, |reading| reading.bytes());
        self.hold.cover(judge.message(), reading.saturating_add(beside), beside)
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
            Form::Fresh(_) | Form::Plain | Form::Coded(_) | Form::Recoded(..) => "stopped",
        };
        // All that came of what breaks off was read; that it does is said all the same.
        let breaks = unread == 0 && self.seen > 0 && matches!(self.form, Form::Unread(_));
        let missed = unread.max(u64::from(breaks));
        let mut uninspected = if missed > 0 { vec![(word, missed)] } else { Vec::new() };
        let mut inspected = self.seen.saturating_sub(missed).min(self.inspected);
        for (word, bytes) in self.reading.iter().flat_map(|reading| reading.unread()) {
            let bytes = inspected.min(*bytes);
            inspected -= bytes;
            uninspected.push((word, bytes));
        }
        Coverage {
            seen: self.seen,
            inspected,
            uninspected,
            forwarded_before_decision: self.before_decision.unwrap_or(self.hold.limit()),
            forwarded: self.hold.left(),
        }
    }
}
