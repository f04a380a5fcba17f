//! The engine's face: one inspector for one message, and what a panic inside does to it.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use bytes::Bytes;

use super::body::Body;
use super::familiar::Familiar;
use super::fields::{self, Signed};
use super::head::{self, HeadHits};
use super::hold::Hold;
use super::judge::Judge;
use super::{Coverage, Decision, Engine, Head, HeadEdit, Reason, Step, Steps};
use crate::decode::{Coding, DecodeError, coding, sealed_type};
use crate::flow::Direction;
use crate::policy::{Action, Laid, Message, Mode};

/// Partial content (RFC 9110, section 15.3.7): a range of a coded body starts anywhere in its coding.
const PARTIAL_CONTENT: u16 = 206;

/// The codings that a head declares. S3's clients may tell of their framing in a field of its own.
fn codings(head: &Head<'_>) -> Result<Vec<Coding>, DecodeError> {
    let mut codings = coding::parse(head.coding.unwrap_or_default())?;
    let is_framed = head
        .fields
        .iter()
        .any(|(name, value)| *name == "x-amz-content-sha256" && value.starts_with(b"STREAMING-"));
    if is_framed && !codings.contains(&Coding::AwsChunked) {
        codings.push(Coding::AwsChunked);
    }
    Ok(codings)
}

/// Where in its life a message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// Everything waits for the decision.
    Held,
    /// The head and what was settled have left.
    Streaming,
    /// Decided; the rest may leave.
    Finished,
    /// Nothing more leaves.
    Stopped,
}

/// Judges one message of a flow.
///
/// Call order: `head`, any number of `push`, `trailers`, `finish`. After every answer of [`Step::Release`] take all
/// that [`Inspector::next_released`] has before the next call. A panic inside stops the message for good.
///
/// ```
/// use std::sync::Arc;
///
/// use tidegate::config;
/// use tidegate::fingerprint::FingerprintKey;
/// use tidegate::flow::{Destination, Direction, Host, Scheme};
/// use tidegate::inspect::{Head, HeldBytes, Inspector, Step};
/// use tidegate::policy::{Action, Disclosure, LocalBudgets, Message};
///
/// // Once, shared by all flows: packs, rules and limits of a configuration.
/// let rules = r#"
///     [[rule]]
///     id = "ssn-leaves-masked"
///     identifiers = ["national-id.us-ssn"]
///     action = "redact"
/// "#;
/// let (config, compiled) = config::load_text("example.toml", rules, "/etc/tidegate".as_ref())?;
/// let key = FingerprintKey::new(&[7; 32]);
/// let budgets = Arc::new(LocalBudgets::new(key.clone(), 1 << 20, Box::new(|| 0)));
/// let engine = Arc::new(compiled.engine(&config, key, budgets, Arc::new(HeldBytes::new(1 << 20))));
///
/// // One for each message.
/// let host = Host::Name("crm.example".into());
/// let destination = Destination { scheme: Scheme::Https, host, port: 443 };
/// let mut inspector = Inspector::new(engine, Message {
///     path: "/tickets".into(),
///     media_type: Some("application/json".into()),
///     ..Message::to(destination, Direction::Request)
/// });
/// let head = Head { target: Some("/tickets"), fields: &[], length: None, coding: None, events: false };
/// assert_eq!(inspector.head(&head), Step::Wait);
/// assert_eq!(inspector.push(r#"{"ssn":"536-90-"#.into()), Step::Wait);
/// assert_eq!(inspector.push(r#"4399","note":"call back"}"#.into()), Step::Wait);
/// assert_eq!(inspector.finish(), Step::Release);
///
/// let mut sent = Vec::new();
/// while let Some(bytes) = inspector.next_released() {
///     sent.extend_from_slice(&bytes);
/// }
/// assert_eq!(sent, br#"{"ssn":"***-**-****","note":"call back"}"#);
/// let decision = inspector.decision();
/// assert_eq!((decision.action, decision.disclosure), (Action::Redact, Disclosure::Redacted));
/// # Ok::<(), config::Complaints>(())
/// ```
#[derive(Debug)]
pub struct Inspector {
    pub(super) judge: Judge,
    pub(super) body: Body,
    /// The bodies of earlier messages.
    pub(super) past: Coverage,
    /// Bytes that came between messages, and left, since the last one ended.
    pub(super) asides: u64,
    pub(super) phase: Phase,
    signed: Signed,
    /// What was found around the body and has not left.
    head: HeadHits,
    trailers: HeadHits,
    head_edits: Vec<HeadEdit>,
    trailer_edits: Vec<HeadEdit>,
    /// Whether the message left hold before its end.
    pub(super) streamed: bool,
    /// Whether it is encoded anew since then.
    pub(super) recoded: bool,
    /// Whether its readers take it message by message.
    by_message: bool,
    /// Whether whoever passes it on tells how long it is.
    resizes: bool,
    #[cfg(test)]
    pub(super) panic_next: bool,
}

impl Inspector {
    #[must_use]
    pub fn new(engine: Arc<Engine>, message: Message) -> Inspector {
        let hold = Hold::new(&engine.held);
        Inspector {
            judge: Judge::new(engine, message),
            body: Body::new(hold),
            past: Coverage::default(),
            asides: 0,
            phase: Phase::Held,
            signed: Signed::default(),
            head: HeadHits::default(),
            trailers: HeadHits::default(),
            head_edits: Vec::new(),
            trailer_edits: Vec::new(),
            streamed: false,
            recoded: false,
            by_message: false,
            resizes: false,
            #[cfg(test)]
            panic_next: false,
        }
    }

    /// Looks at target and header fields. `Stop` when they alone decide.
    pub fn head(&mut self, head: &Head<'_>) -> Step {
        self.head_among(head, &mut Familiar::default())
    }

    /// The same, where earlier heads of this engine and direction are known.
    pub fn head_among(&mut self, head: &Head<'_>, familiar: &mut Familiar) -> Step {
        self.guarded(|this| this.take_head(head, familiar))
    }

    /// Takes the next bytes of the body.
    pub fn push(&mut self, chunk: Bytes) -> Step {
        self.guarded(|this| {
            this.body.push(&mut this.judge, chunk);
            this.judge_chunk()
        })
    }

    /// The same for the last bytes, behind which there is nothing but [`Inspector::finish`]: cheaper, since nothing
    /// of them has to wait for what follows.
    pub fn push_last(&mut self, chunk: Bytes) -> Step {
        self.guarded(|this| {
            this.body.last(&mut this.judge, chunk);
            this.judge_chunk()
        })
    }

    /// Takes the trailer fields, after the last `push` and before `finish`; edits via [`Inspector::trailer_edits`].
    pub fn trailers(&mut self, fields: &[(&str, &[u8])]) -> Step {
        self.guarded(|this| {
            this.trailers = head::trailers(&mut this.judge, fields, this.signed);
            if fields.iter().any(|(name, _)| fields::is_of_body(name)) {
                this.digested();
            }
            this.verdict().unwrap_or(Step::Wait)
        })
    }

    /// A trailer holds a digest of the body: nothing of that may be edited, nor have been.
    fn digested(&mut self) {
        self.body.seal("signed");
        if self.judge.masked() > self.head_edits().len() as u64 {
            self.judge.refuse(Reason::CannotRedact("signed"));
        }
    }

    /// The message has ended: the decision is final. `Release` or `Stop`, never `Wait`.
    pub fn finish(&mut self) -> Step {
        self.guarded(Inspector::end)
    }

    /// Whether any rule in force could stop or edit this message.
    pub fn may_act(&mut self) -> bool {
        self.judge.may_act()
    }

    /// Nothing has arrived for `hold_idle` (responses only), or little for some times as long: what is settled may leave.
    pub fn idle(&mut self) -> Step {
        self.guarded(Inspector::release_idle)
    }

    /// What a body is decoded to is looked at in steps that this runs.
    pub fn in_steps(&mut self, steps: Steps) {
        self.judge.steps = steps;
    }

    /// Its events are messages that their readers take whole: while one fits hold, nothing of it leaves before its end,
    /// which [`Inspector::rest`] tells.
    pub fn by_message(&mut self) {
        self.by_message = true;
    }

    /// Whoever passes it on tells how long it is from [`Inspector::new_length`]: while it is whole, labels may take the place
    /// of values.
    pub fn may_resize(&mut self) {
        self.resizes = true;
    }

    /// The message broke off (peer gone, deadline): the ledger and decision become final, nothing more leaves.
    pub fn abandon(&mut self) {
        self.stop();
    }

    /// The message was free to leave, and went nowhere after all: windows count nothing of it.
    pub fn undelivered(&mut self) {
        self.judge.forgo();
    }

    /// The next message of a stream of them (a WebSocket's): it is judged for itself, and what was counted in those
    /// before it stays counted. One that was stopped stays so.
    pub fn next_message(&mut self) {
        if self.phase == Phase::Stopped {
            return;
        }
        self.past = self.coverage();
        self.judge.settle(self.body.hold.limit() + std::mem::take(&mut self.asides));
        self.body = Body::new(self.body.hold.next());
        self.body
            .announce(&Head { target: None, fields: &[], length: None, coding: None, events: false }, None);
        self.phase = Phase::Held;
        (self.streamed, self.recoded) = (false, false);
    }

    /// What comes from here on of this message cannot be read; the word says why.
    pub fn cannot_read(&mut self, word: &'static str) -> Step {
        self.guarded(|this| {
            this.body.give_up(&mut this.judge, word);
            this.verdict().unwrap_or(Step::Wait)
        })
    }

    /// Nothing more may leave, for a reason beside what was found.
    pub fn refuse(&mut self, reason: Reason) -> Step {
        self.guarded(|this| {
            this.judge.refuse(reason);
            this.stop()
        })
    }

    /// The strongest action asked for so far, whether or not it is suspended.
    #[must_use]
    pub fn strongest(&self) -> Action {
        self.judge.strongest()
    }

    /// Values masked in what has left.
    #[must_use]
    pub fn edits(&self) -> u64 {
        self.judge.masked()
    }

    fn coverage(&self) -> Coverage {
        self.past.clone().and(self.body.coverage())
    }

    /// Bytes that may leave now, in order.
    pub fn next_released(&mut self) -> Option<Bytes> {
        match self.phase {
            Phase::Streaming | Phase::Finished => {}
            Phase::Held | Phase::Stopped => return None,
        }
        match catch_unwind(AssertUnwindSafe(|| self.body.hold.pop())) {
            Ok(piece) => piece,
            Err(_) => {
                self.poison();
                None
            }
        }
    }

    /// Whether the message left hold before its end: its opening record comes before its first byte.
    #[must_use]
    pub fn is_streaming(&self) -> bool {
        self.streamed
    }

    /// Same-length edits for the head; valid once `Release` was answered.
    #[must_use]
    pub fn head_edits(&self) -> &[HeadEdit] {
        &self.head_edits
    }

    #[must_use]
    pub fn trailer_edits(&self) -> &[HeadEdit] {
        &self.trailer_edits
    }

    /// The new body length when the whole (held) body was re-encoded or has labels in it; `None` when the length is as it
    /// came.
    #[must_use]
    pub fn new_length(&self) -> Option<u64> {
        self.body.new_length()
    }

    /// Whether a body that streams is encoded anew: neither its stated length nor its digests hold.
    #[must_use]
    pub fn is_recoded(&self) -> bool {
        self.streamed && self.recoded
    }

    /// What is known now; final after `finish`, `abandon` or `Stop`.
    #[must_use]
    pub fn decision(&self) -> Decision {
        self.judge.decision(self.coverage())
    }

    /// The overlays that had a part in the decision, for its record.
    #[must_use]
    pub fn overlays(&self) -> Option<Arc<str>> {
        self.judge.laid().named()
    }

    /// What overlays mean for the message, as of the last look.
    #[must_use]
    pub fn laid(&self) -> &Laid {
        self.judge.laid()
    }

    /// Overlays may have changed while nothing came.
    pub fn look_again(&mut self) {
        self.judge.renew();
    }

    /// Whether the message is to be stopped at its next step.
    #[must_use]
    pub fn is_refused(&self) -> bool {
        self.judge.blocks()
    }

    /// The mode that the message is judged in.
    #[must_use]
    pub fn mode(&self) -> Mode {
        self.judge.mode()
    }

    #[cfg(test)]
    pub(super) fn engine(&self) -> &Arc<Engine> {
        self.judge.engine()
    }

    /// Runs `work` unless the message is over; a panic in it stops the message.
    pub(super) fn guarded(&mut self, work: impl FnOnce(&mut Inspector) -> Step) -> Step {
        match self.phase {
            Phase::Held | Phase::Streaming => {}
            Phase::Finished => return Step::Release,
            Phase::Stopped => return Step::Stop,
        }
        let work = AssertUnwindSafe(|| {
            #[cfg(test)]
            assert!(!std::mem::take(&mut self.panic_next), "asked to");
            work(self)
        });
        catch_unwind(work).unwrap_or_else(|_| self.poison())
    }

    fn poison(&mut self) -> Step {
        self.judge.refuse(Reason::InspectorFailed);
        self.stop()
    }

    pub(super) fn stop(&mut self) -> Step {
        self.phase = Phase::Stopped;
        self.body.decided();
        self.body.hold.clear();
        self.judge.settle(self.body.hold.limit());
        Step::Stop
    }

    /// `Stop`, if what is known asks for it.
    pub(super) fn verdict(&mut self) -> Option<Step> {
        self.judge.renew();
        if !self.judge.blocks() {
            let around = self.head.refusal(&self.judge).or_else(|| self.trailers.refusal(&self.judge));
            let word = around.or_else(|| self.body.refusal(&self.judge, self.streamed))?;
            self.judge.refuse(Reason::CannotRedact(word));
        }
        Some(self.stop())
    }

    fn take_head(&mut self, head: &Head<'_>, familiar: &mut Familiar) -> Step {
        self.signed = Signed::of(head.target, head.fields);
        let media_type = self.judge.message().media_type.as_deref();
        let sealed = if self.signed.body { Some("signed") } else { media_type.and_then(sealed_type) };
        self.body.announce(head, sealed);
        match (self.codings(head), self.body.unread()) {
            (Ok(_), Some(word)) => self.body.cannot_decode(word),
            (Ok(codings), None) if codings.is_empty() => {}
            (Ok(_), None) if self.judge.message().status == Some(PARTIAL_CONTENT) => {
                self.body.cannot_decode("partial")
            }
            (Ok(codings), None) if self.judge.message().direction == Direction::Response => {
                self.body.decode_response(codings);
            }
            (Ok(codings), None) => self.body.decode(codings),
            (Err(error), _) => self.body.cannot_decode(error.as_str()),
        }
        // A piece of something has its place there by its length.
        let is_piece = self.judge.message().status == Some(PARTIAL_CONTENT)
            || head.fields.iter().any(|(name, _)| *name == "content-range");
        self.judge.resize(self.resizes && !is_piece && !head.events);
        self.head = head::inspect(&mut self.judge, head, self.signed, familiar);
        self.verdict().unwrap_or(Step::Wait)
    }

    /// The codings that its body is read through. A piece of a response is not framed, whatever its store says of it.
    fn codings(&self, head: &Head<'_>) -> Result<Vec<Coding>, DecodeError> {
        let mut codings = codings(head)?;
        if self.judge.message().status == Some(PARTIAL_CONTENT) {
            codings.retain(|coding| *coding != Coding::AwsChunked);
        }
        Ok(codings)
    }

    /// What follows from the chunk that was just read.
    fn judge_chunk(&mut self) -> Step {
        if let Some(stop) = self.verdict() {
            return stop;
        }
        let over = self.body.hold.waiting() > self.judge.engine().hold as u64;
        let at_once = self.body.is_events() && !self.by_message;
        let opens = !self.streamed && (at_once || over);
        if opens && let Some(stop) = self.open() {
            return stop;
        }
        if !self.streamed || (self.by_message && !over) {
            return self.paid(Step::Wait);
        }
        let exactly = self.body.is_events();
        self.release_settled(exactly, false)
    }

    /// The message leaves hold: from here on it streams.
    fn open(&mut self) -> Option<Step> {
        self.streamed = true;
        self.judge.resize(false);
        if let Err(reason) = self.body.open(&mut self.judge) {
            self.judge.refuse(reason);
        }
        if let Some(stop) = self.verdict() {
            return Some(stop);
        }
        self.recoded = self.body.is_recoded();
        self.phase = Phase::Streaming;
        self.head_edits = self.head.leave(&mut self.judge);
        None
    }

    /// Lets leave what is settled. `opened`: the head leaves with it.
    fn release_settled(&mut self, exactly: bool, opened: bool) -> Step {
        let settled = self.body.settled(&mut self.judge, exactly);
        if let Some(stop) = self.verdict() {
            return stop;
        }
        let released = match self.body.release(&mut self.judge, settled, exactly) {
            Ok(released) => released,
            Err(reason) => {
                self.judge.refuse(reason);
                return self.stop();
            }
        };
        self.paid(if released || opened { Step::Release } else { Step::Wait })
    }

    /// Lets all leave that is there, though something may begin in it.
    pub(super) fn release_all(&mut self) -> Step {
        let opens = !self.streamed;
        if opens && let Some(stop) = self.open() {
            return stop;
        }
        // What is found decides before anything leaves.
        self.body.settle_all(&mut self.judge);
        if let Some(stop) = self.verdict() {
            return stop;
        }
        match self.body.release(&mut self.judge, u64::MAX, true) {
            Ok(released) => self.paid(if released || opens { Step::Release } else { Step::Wait }),
            Err(reason) => {
                self.judge.refuse(reason);
                self.stop()
            }
        }
    }

    fn release_idle(&mut self) -> Step {
        let opens = !self.streamed;
        if opens && let Some(stop) = self.open() {
            return stop;
        }
        self.release_settled(true, opens)
    }

    /// `step`, if what still waits can be paid for.
    fn paid(&mut self, step: Step) -> Step {
        if self.body.cover(&self.judge) {
            return step;
        }
        self.judge.refuse(Reason::HeldBytes);
        self.stop()
    }

    pub(super) fn end(&mut self) -> Step {
        self.body.finish(&mut self.judge);
        if let Some(stop) = self.verdict() {
            return stop;
        }
        if let Err(reason) = self.body.release_all(&mut self.judge) {
            self.judge.refuse(reason);
            return self.stop();
        }
        if !self.streamed {
            self.head_edits = self.head.leave(&mut self.judge);
        }
        self.trailer_edits = self.trailers.leave(&mut self.judge);
        self.phase = Phase::Finished;
        Step::Release
    }
}
