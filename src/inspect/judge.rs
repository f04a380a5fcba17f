//! One message's case: findings go in, the decision is known at any moment.

use std::sync::Arc;

use super::ahead::{Ahead, Met};
use super::decision::{Coverage, Decision, Part, Place, Reason};
use super::ledger::Ledger;
use super::look::{Gathered, Seen};
use super::reading::Hit;
use super::{Engine, Steps};
use crate::decode::{self, Kind, Wrapping};
use crate::detect::{Confidence, DetectorId, Finding, Twin};
use crate::fingerprint::Fingerprint;
use crate::limits::BESIDE_UNPACKED;
use crate::policy::{Action, Counted, Laid, MaskKind, Message, Mode, Spot, Tally};
use crate::redact::{self, Chain, Ff1};

/// The tag of detectors that find credentials.
const CREDENTIAL: &str = "credential";

/// Where a finding was made, before it is fit for a record.
#[derive(Clone, Copy, Debug)]
pub(super) struct Whence<'a> {
    pub(super) part: Part,
    /// Header name or query key, as it came.
    pub(super) path: Option<&'a [u8]>,
    /// Put before `path`: `cookie`.
    pub(super) family: Option<&'static str>,
    pub(super) carrier: &'a [&'static str],
}

/// A value that is to be hidden.
#[derive(Clone, Copy, Debug)]
pub(super) struct Hidden {
    pub(super) detector: DetectorId,
    pub(super) confidence: Confidence,
    pub(super) fingerprint: Fingerprint,
}

/// What becomes of a value that leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Becomes {
    /// It leaves as it came.
    Left,
    Edited,
    /// What hides the same bytes under another name hides it.
    Hidden,
}

/// What is known of one message.
#[derive(Debug)]
pub(super) struct Judge {
    engine: Arc<Engine>,
    message: Message,
    /// Made at the first finding.
    tally: Option<Box<Tally>>,
    ledger: Ledger,
    unlisted: Action,
    /// What overlays mean for it.
    laid: Laid,
    /// Set once: the message is refused for it, whatever the rules say.
    refused: Option<Reason>,
    /// What would have refused it, were it not for `observe`.
    suspended: Option<Reason>,
    /// What was counted before it was certain.
    ahead: Ahead,
    /// Where findings go that nobody judges.
    gathered: Option<Box<Gathered>>,
    /// Whether its body may change its length.
    resizes: bool,
    /// By whom the steps of a look are run.
    pub(super) steps: Steps,
    /// Looks around this one, of what stands beside something or in a head.
    pub(super) nested: usize,
    /// So much may still be unpacked there.
    pub(super) room: u64,
}

impl Judge {
    pub(super) fn new(engine: Arc<Engine>, message: Message) -> Judge {
        let laid = Laid::of(&engine.overlays, &message);
        let unlisted = match laid.lists() {
            true => Action::Allow,
            false => engine.policy.unlisted(&message),
        };
        let mut judge = Judge {
            engine,
            message,
            tally: None,
            ledger: Ledger::default(),
            unlisted,
            laid,
            refused: None,
            suspended: None,
            ahead: Ahead::default(),
            gathered: None,
            resizes: false,
            steps: |act| act(),
            nested: 0,
            room: BESIDE_UNPACKED,
        };
        if judge.unlisted == Action::Block && judge.mode() == Mode::Enforce {
            judge.refused = Some(Reason::Unlisted);
        }
        if judge.laid.refuses() {
            judge.refused = Some(Reason::Overlay);
        }
        judge
    }

    /// One that only gathers.
    pub(super) fn gathering(engine: Arc<Engine>, message: Message, gathered: Gathered) -> Judge {
        Judge { gathered: Some(Box::new(gathered)), ..Judge::new(engine, message) }
    }

    /// What has been gathered since the last call.
    pub(super) fn gathered(&mut self) -> (Vec<Seen>, Vec<&'static str>) {
        let gathered = self.gathered.as_mut();
        gathered
            .map(|all| (std::mem::take(&mut all.seen), std::mem::take(&mut all.unread)))
            .unwrap_or_default()
    }

    /// Whether findings are gathered, and nothing is judged.
    pub(super) fn gathers(&self) -> bool {
        self.gathered.is_some()
    }

    pub(super) fn gather(&mut self, seen: Seen) {
        if let Some(all) = &mut self.gathered
            && all.wanted.as_ref().is_none_or(|wanted| wanted.contains(&seen.finding.detector))
        {
            all.seen.push(seen);
        }
    }

    pub(super) fn engine(&self) -> &Arc<Engine> {
        &self.engine
    }

    pub(super) fn message(&self) -> &Message {
        &self.message
    }

    fn tally(&mut self) -> &mut Tally {
        let (engine, message, laid) = (&self.engine, &self.message, &mut self.laid);
        self.tally.get_or_insert_with(|| {
            let mut tally = Tally::new(&engine.policy, &engine.budgets, message);
            if laid.mode() < engine.policy.mode() {
                tally.suspend();
            }
            if laid.grants() {
                let detectors = (0..).map(DetectorId).zip(engine.matcher.detectors());
                let exempt = detectors.filter(|(_, detector)| laid.exempts(detector));
                exempt.for_each(|(id, _)| tally.exempt_also(id));
            }
            laid.applied();
            Box::new(tally)
        })
    }

    /// The mode that this message is judged in.
    pub(super) fn mode(&self) -> Mode {
        self.engine.policy.mode().min(self.laid.mode())
    }

    pub(super) fn laid(&self) -> &Laid {
        &self.laid
    }

    /// Overlays may have changed since the last look: what tightens holds for what is under way, too.
    pub(super) fn renew(&mut self) {
        if !self.laid.is_stale(&self.engine.overlays) {
            return;
        }
        self.laid.renew(&self.engine.overlays, &self.message);
        let matcher = &self.engine.matcher;
        let counted = self.tally.iter().flat_map(|tally| tally.counted());
        let mut refuses = self.laid.refuses();
        for (id, confidence) in counted {
            refuses |= self.laid.refuses_found(matcher.detector(id), confidence);
        }
        if refuses {
            self.refuse(Reason::Overlay);
        }
    }

    /// Whether a finding is taken out before anything is counted.
    pub(super) fn exempts(&mut self, finding: &Finding, spots: &[Spot<'_>]) -> bool {
        if let Some(all) = &self.gathered {
            return all.wanted.as_ref().is_some_and(|wanted| !wanted.contains(&finding.detector));
        }
        let engine = Arc::clone(&self.engine);
        self.tally().exempts(&engine.policy, finding, spots)
    }

    /// Counts a finding that has won its place; whether it is exempt, and so is never edited.
    pub(super) fn count(&mut self, finding: &Finding, whence: Whence<'_>, spots: &[Spot<'_>]) -> bool {
        let engine = Arc::clone(&self.engine);
        let tally = self.tally();
        let exempt = tally.exempts(&engine.policy, finding, spots);
        let counted = tally.count(&engine.policy, finding, spots);
        if self.laid.refuses_found(engine.matcher.detector(finding.detector), finding.confidence) {
            self.refuse(Reason::Overlay);
        }
        let counted = match self.ahead.meet(finding.detector, finding.fingerprint) {
            Some(Met::Entered) => return exempt,
            Some(Met::Now(counted)) => counted,
            None => counted,
        };
        self.ledger.enter(finding, counted, exempt, || place(&engine, finding, whence));
        exempt
    }

    /// Counts a finding that more could still change; `None` when it is exempt.
    pub(super) fn count_ahead(&mut self, finding: &Finding) -> Option<Counted> {
        let engine = Arc::clone(&self.engine);
        let tally = self.tally();
        if tally.exempts(&engine.policy, finding, &[]) {
            return None;
        }
        let counted = tally.count(&engine.policy, finding, &[]);
        if self.laid.refuses_found(engine.matcher.detector(finding.detector), finding.confidence) {
            self.refuse(Reason::Overlay);
        }
        Some(counted)
    }

    /// Enters what was counted ahead; `left`: it leaves now.
    pub(super) fn enter_ahead(&mut self, seen: &[(Seen, Counted)], left: bool) {
        self.enter(seen, left);
        for (Seen { finding, .. }, counted) in seen.iter().filter(|_| left) {
            self.ahead.note(finding.detector, finding.fingerprint, *counted, true);
        }
    }

    /// Enters what is counted; `left`: it leaves now.
    pub(super) fn enter(&mut self, seen: &[(Seen, Counted)], left: bool) {
        let engine = Arc::clone(&self.engine);
        for (Seen { finding, carrier, .. }, counted) in seen {
            let whence = Whence { part: Part::Body, path: None, family: None, carrier };
            self.ledger.enter(finding, *counted, false, || place(&engine, finding, whence));
            if left {
                self.left(finding.detector, finding.fingerprint);
            }
        }
    }

    /// What was counted ahead is entered once it is certain.
    pub(super) fn await_ahead(&mut self, seen: &[(Seen, Counted)]) {
        for (Seen { finding, .. }, counted) in seen {
            self.ahead.note(finding.detector, finding.fingerprint, *counted, false);
        }
    }

    /// Whether it matters in which fields values stand.
    pub(super) fn looks_at_fields(&self) -> bool {
        self.engine.policy.looks_at_fields() && self.gathered.is_none()
    }

    /// Whether rules may speak of the field of a form with this key.
    pub(super) fn names_key(&self, key: &str) -> bool {
        self.engine.policy.names_key(key)
    }

    /// Whether a detector finds credentials, which have places of their own.
    pub(super) fn is_credential(&self, detector: DetectorId) -> bool {
        self.engine.matcher.detector(detector).tags.iter().any(|tag| tag == CREDENTIAL)
    }

    /// Notes a credential in its own place: it is recorded and never acted on.
    pub(super) fn note(&mut self, finding: &Finding, whence: Whence<'_>) {
        let engine = &self.engine;
        self.ledger.enter(finding, Counted::New, true, || place(engine, finding, whence));
    }

    /// The strongest action so far.
    fn action(&self) -> Action {
        let ruled = self.tally.as_ref().map_or(Action::Allow, |tally| tally.action());
        let unlisted = match self.mode() {
            Mode::Enforce => self.unlisted,
            Mode::Observe => Action::Allow,
        };
        if self.refused.is_some() { Action::Block } else { ruled.max(unlisted) }
    }

    pub(super) fn blocks(&self) -> bool {
        self.action() == Action::Block
    }

    /// The message is refused; the first reason stays.
    pub(super) fn refuse(&mut self, reason: Reason) {
        self.refused.get_or_insert(reason);
    }

    /// The body cannot be read: it is refused, or passes uninspected.
    pub(super) fn unreadable(&mut self, word: &'static str) {
        if let Some(all) = &mut self.gathered {
            if !all.unread.contains(&word) {
                all.unread.push(word);
            }
            return;
        }
        if self.refuses_unreadable() {
            let reason = Reason::Undecodable(word);
            match self.mode() {
                Mode::Enforce => self.refuse(reason),
                Mode::Observe => {
                    self.suspended.get_or_insert(reason);
                }
            }
        }
    }

    /// Whether what cannot be read is to be refused.
    pub(super) fn refuses_unreadable(&self) -> bool {
        match self.engine.undecodable {
            Action::Allow | Action::Alert => false,
            Action::Redact | Action::Block => true,
        }
    }

    /// Rises whenever more may have to be edited than before.
    pub(super) fn redactions(&self) -> u32 {
        self.tally.as_ref().map_or(0, |tally| tally.redactions())
    }

    /// Whether a finding is to be edited, as things stand.
    pub(super) fn edits(&self, detector: DetectorId, confidence: Confidence) -> bool {
        self.tally.as_ref().is_some_and(|tally| tally.edits(&self.engine.policy, detector, confidence))
    }

    /// What becomes of a finding that is not exempt, as things stand: of two names of one value both may be asked to be hidden.
    pub(super) fn becomes(
        &self,
        detector: DetectorId,
        confidence: Confidence,
        twin: Option<Twin>,
    ) -> Becomes {
        let own = self.edits(detector, confidence);
        let twin = twin.filter(|twin| self.edits(twin.detector, twin.confidence));
        // Masks that keep a value's shape go over each other; another takes the place of all of it, once.
        let replaces = |detector, confidence| {
            let mask = |tally: &Tally| tally.mask(&self.engine.policy, detector, confidence);
            self.tally.as_ref().is_some_and(|tally| mask(tally) != MaskKind::Shape)
        };
        match (own, twin) {
            (false, None) => Becomes::Left,
            (false, Some(_)) => Becomes::Hidden,
            (true, Some(twin))
                if replaces(twin.detector, twin.confidence)
                    && (twin.counts || !replaces(detector, confidence)) =>
            {
                Becomes::Hidden
            }
            (true, _) => Becomes::Edited,
        }
    }

    /// Whether any rule may ask for an edit in this message.
    pub(super) fn may_redact(&mut self) -> bool {
        let engine = Arc::clone(&self.engine);
        self.tally().may_redact(&engine.policy)
    }

    /// Whether any rule may stop or edit this message.
    pub(super) fn may_act(&mut self) -> bool {
        let engine = Arc::clone(&self.engine);
        self.tally().may_act(&engine.policy)
    }

    /// Whether a finding may still have to be edited.
    pub(super) fn may_edit(&self, detector: DetectorId, confidence: Confidence) -> bool {
        self.tally.as_ref().is_some_and(|tally| tally.may_edit(&self.engine.policy, detector, confidence))
    }

    /// What hides a value; `before` is what stands in front of it.
    pub(super) fn mask(&self, what: Hidden, before: &[u8], value: &[u8]) -> Vec<u8> {
        let Hidden { detector, confidence, fingerprint } = what;
        let (engine, matcher) = (&self.engine, &self.engine.matcher);
        let kind = self.tally.as_ref().map(|tally| tally.mask(&engine.policy, detector, confidence));
        let tenant = &self.message.tenant;
        // What is around it decides whether it is used, never which it is.
        let kept = match kind {
            Some(MaskKind::Token) => {
                let mut stream = |round| engine.key.token(tenant, &fingerprint, round);
                let token = redact::token(value, &mut stream, &mut |text| matcher.is_clean(b"", text));
                token.filter(|token| matcher.is_clean(before, token))
            }
            Some(MaskKind::Ff1) => {
                let (ff1, detector) = (Ff1::new(engine.key.form(tenant)), matcher.detector(detector));
                let mut passes = |digits: &[u8]| detector.passes(digits);
                let mut is_quiet = |text: &[u8]| matcher.is_quiet(b"", text);
                let id = detector.id.as_bytes();
                redact::encrypted(&ff1, id, value, &mut passes, &mut is_quiet)
                    .filter(|text| matcher.is_quiet(before, text))
            }
            Some(MaskKind::Shape | MaskKind::Label) | None => None,
        };
        if let Some(kept) = kept {
            return kept;
        }
        let how = matcher.detector(detector).mask;
        redact::mask(how, before, value, &mut |masked| matcher.is_clean(before, masked))
    }

    /// From here on its body may change its length, or not.
    pub(super) fn resize(&mut self, may: bool) {
        self.resizes = may;
    }

    /// The label of a value, where its rules ask for one and there is room for it.
    fn label(&self, hit: &Hit, before: &[u8], value: &[u8]) -> Option<Vec<u8>> {
        let (tally, matcher) = (self.tally.as_ref()?, &self.engine.matcher);
        let kind = tally.mask(&self.engine.policy, hit.detector, hit.confidence);
        // A label would move what else stands in a run of base64, and what counts the bytes of a string.
        let is_plain = |wrapping: &Wrapping| wrapping.is_escapes() || *wrapping == Wrapping::Parts;
        if kind != MaskKind::Label || !self.resizes || !hit.path.wrappings().iter().all(is_plain) {
            return None;
        }
        let percent = hit.path.carriers().any(|kind| kind == Kind::Percent.as_str());
        let (id, media_type) = (&matcher.detector(hit.detector).id, self.message.media_type.as_deref());
        let label = redact::label(id, media_type, percent, before, value)?;
        matcher.is_clean(before, &label).then_some(label)
    }

    /// Lays the mask of a value over a chain that still has it. What cannot be written as the value is hides it anyway.
    pub(super) fn edit_in(&self, chain: &mut Chain, hit: &Hit) {
        let (before, value) = (chain.before(hit.start), chain.read(hit.start, hit.end()));
        if !hit.more.is_empty() {
            return self.edit_pieces(chain, hit, &before);
        }
        if let Some(label) = self.label(hit, &before, &value)
            && chain.replace(hit.start, hit.end(), label)
        {
            return;
        }
        // What is written in escapes begins with none.
        let is_bare = |wrapping: &Wrapping| {
            matches!(wrapping, Wrapping::Utf16 { .. } | Wrapping::Charset(_) | Wrapping::Parts)
        };
        let scalar = hit.yaml && hit.path.wrappings().iter().all(is_bare);
        let mut mask = |before: &[u8], value: &[u8]| {
            let masked = self.mask(hit.hidden(), before, value);
            if scalar { redact::as_scalar(before, masked) } else { masked }
        };
        let masked = decode::rewrap(&hit.path.wrappings(), &before, &value, &mut mask);
        let masked = masked.unwrap_or_else(|| vec![b'*'; value.len()]);
        let masked = if hit.yaml { redact::as_scalar(&before, masked) } else { masked };
        chain.edit(hit.start, masked);
    }

    /// The same for a value in several pieces: each gets its part of the mask of the whole.
    fn edit_pieces(&self, chain: &mut Chain, hit: &Hit, before: &[u8]) {
        let wrappings = hit.path.wrappings();
        let pieces: Vec<_> = std::iter::once(hit.start..hit.end()).chain(hit.more.iter().cloned()).collect();
        let raw: Vec<Vec<u8>> = pieces.iter().map(|piece| chain.read(piece.start, piece.end)).collect();
        let mut value = Vec::new();
        for raw in &raw {
            let _ = decode::rewrap(&wrappings, &[], raw, &mut |_: &[u8], text: &[u8]| {
                value.extend_from_slice(text);
                text.to_vec()
            });
        }
        let masked = self.mask(hit.hidden(), before, &value);
        let mut rest = masked.as_slice();
        for (piece, raw) in pieces.iter().zip(&raw) {
            let mut part = |_: &[u8], text: &[u8]| {
                let (part, behind) = rest.split_at_checked(text.len()).unwrap_or((&[], &[]));
                rest = behind;
                part.to_vec()
            };
            let written =
                decode::rewrap(&wrappings, &[], raw, &mut part).filter(|part| part.len() == raw.len());
            chain.edit(piece.start, written.unwrap_or_else(|| vec![b'*'; raw.len()]));
        }
    }

    pub(super) fn left(&mut self, detector: DetectorId, fingerprint: Fingerprint) {
        if !self.ahead.leave(detector, fingerprint) {
            self.ledger.left(detector);
        }
        if let Some(tally) = &mut self.tally {
            tally.left(fingerprint);
        }
    }

    /// More of the body is here, and may leave.
    pub(super) fn count_bytes(&mut self, bytes: u64) {
        if self.engine.policy.counts_bytes() {
            let engine = Arc::clone(&self.engine);
            self.tally().count_bytes(&engine.policy, bytes);
        }
    }

    /// Nothing more will leave; `bytes` of the body did.
    pub(super) fn settle(&mut self, bytes: u64) {
        if let Some(tally) = &mut self.tally {
            tally.settle(bytes);
        }
    }

    /// What was let leave went nowhere after all.
    pub(super) fn forgo(&mut self) {
        if let Some(tally) = &mut self.tally {
            tally.forgo();
        }
    }

    pub(super) fn edited(&mut self, detector: DetectorId) {
        self.ledger.edited(detector);
    }

    /// The strongest action asked for so far, whether or not it is suspended.
    pub(super) fn strongest(&self) -> Action {
        let observed = self.tally.as_ref().map_or(Action::Allow, |tally| tally.observed());
        let suspended = if self.suspended.is_some() { Action::Block } else { Action::Allow };
        observed.max(suspended).max(self.unlisted).max(self.action())
    }

    /// Values masked in what has left.
    pub(super) fn masked(&self) -> u64 {
        self.ledger.edits()
    }

    pub(super) fn decision(&self, coverage: Coverage) -> Decision {
        let (action, would) = (self.action(), self.strongest());
        let reason = self.refused.clone().or_else(|| self.suspended.clone());
        // It is told as the reason only where no rule asks for more.
        let ruled = self.tally.as_ref().map_or(Action::Allow, |tally| tally.observed().max(tally.action()));
        let is_unlisted = self.unlisted > Action::Allow && self.unlisted >= ruled;
        let unlisted = is_unlisted.then_some(Reason::Unlisted);
        let policy = &self.engine.policy;
        let fired = self.tally.iter().flat_map(|tally| tally.fired(policy));
        let naming = |detector, confidence| {
            let naming = self.tally.iter().flat_map(|tally| tally.fired_for(policy, detector, confidence));
            naming.collect()
        };
        Decision {
            action,
            would: (would > action).then_some(would),
            reason: reason.or(unlisted),
            rules: fired.chain(self.laid.hits()).collect(),
            found: self.ledger.found(&self.engine.matcher, would > Action::Allow, naming),
            disclosure: self.ledger.disclosure(),
            coverage,
            edits: self.ledger.edits(),
        }
    }
}

fn place(engine: &Engine, finding: &Finding, whence: Whence<'_>) -> Place {
    let path = whence.path.map(|path| {
        let path = engine.matcher.cleanse(&String::from_utf8_lossy(path));
        whence.family.map_or(path.clone(), |family| format!("{family}.{path}"))
    });
    Place {
        part: whence.part,
        path,
        carrier: whence.carrier.to_vec(),
        keyword: finding.keyword,
        validators: engine.matcher.detector(finding.detector).validators.clone(),
    }
}
