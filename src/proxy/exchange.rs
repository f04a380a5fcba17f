//! One exchange on its way through the stack: who asks, for what, and what its records say.

use std::borrow::Cow;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use http::request::Parts;
use http::{HeaderMap, Method, header};

use super::body::Broken;
use super::deadline::Deadlines;
use super::familiar::{Familiar, Slot};
use super::guard::GuardHandle;
use super::headers::{self, media_type, path_template};
use super::http2::Interim;
use super::layer::Proven;
use super::names::{self, Entry, NameError};
use super::peer::Peer;
use super::reply::{self, Facts, Problem};
use super::shared::{Edition, Entered, Shared, Stage};
use super::upstream::Route;
use super::websocket::{self, Asked, Handover, Opening};
use crate::audit::{AuditError, Dialled, FlowFacts, Kind, MessageDraft, Pending, Permit};
use crate::flow::{Destination, Direction, FlowId, Host, Scheme};
use crate::inspect::Decision;
use crate::limits;
use crate::policy::{Action, Identity, Message, Protection};
use crate::telemetry::latency;

/// What is the same for all exchanges of one connection.
pub(super) struct Client {
    pub(super) peer: Peer,
    pub(super) entry: Entry,
    pub(super) spoken: Spoken,
    /// `TLSv1.3`; `None` in clear text.
    pub(super) tls: Option<&'static str>,
    /// Knows whether the head that is served now stands in for a refused one.
    pub(super) guard: GuardHandle,
    pub(super) deadlines: Deadlines,
    pub(super) familiar: Familiar,
    /// Names this connection once it authenticates connections rather than requests (NTLM, Negotiate): what it uses
    /// from then on is used by nobody else.
    pub(super) owner: OnceLock<FlowId>,
    /// The way to the upstream that was asked for last.
    pub(super) route: Route,
    /// For a WebSocket that the whole connection becomes.
    pub(super) handover: Handover,
}

/// The protocol that requests come in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Spoken {
    Http1,
    Http2,
}

impl Spoken {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Spoken::Http1 => "HTTP/1.1",
            Spoken::Http2 => "HTTP/2",
        }
    }
}

impl Client {
    /// What its own connections are kept under.
    pub(super) fn own(&self) -> FlowId {
        *self.owner.get_or_init(|| self.peer.shared.ids.next())
    }

    /// Whose connections a request may use: anybody's, or this client's own.
    pub(super) fn owner(&self, fields: &HeaderMap) -> Option<FlowId> {
        if headers::authenticates_connection(fields) {
            self.own();
        }
        self.owner.get().copied()
    }

    /// How long the connection may be silent from now on. One that carries many exchanges at once has deadlines on
    /// each of them instead.
    pub(super) fn silent_for(&self, limit: Duration) {
        match self.spoken {
            Spoken::Http1 => self.deadlines.read_within(Some(limit)),
            Spoken::Http2 => {}
        }
    }
}

/// What a request says of itself, cleansed.
struct Said {
    host: Arc<str>,
    port: u16,
    method: Cow<'static, str>,
    path_template: Arc<str>,
    traceparent: Option<String>,
}

/// One exchange, shared by its two messages.
pub(super) struct Flow {
    pub(super) client: Arc<Client>,
    pub(super) edition: Arc<Edition>,
    /// `None` when it can't be told where the request goes.
    pub(super) destination: Option<Destination>,
    /// What its records say, cleansed.
    facts: Arc<FlowFacts>,
    /// What rules look at, as it came.
    method: Cow<'static, str>,
    path: Arc<str>,
    /// Who the client is, if it proved it or its address tells.
    who: Option<Arc<Identity>>,
    dialled: OnceLock<Dialled>,
    fault: Mutex<Option<Fault>>,
    /// What the request's decision is called, for the client of a redacted request.
    redacted: OnceLock<(FlowId, u64)>,
    /// A request has left, and nobody has answered for its response yet.
    awaited: AtomicBool,
    /// The head of its response came.
    answered: AtomicBool,
    /// Its stream granted no room in time.
    untaken: AtomicBool,
    /// A WebSocket is asked for.
    pub(super) websocket: Option<Box<Asked>>,
    /// For what is said before the response.
    pub(super) interim: Option<Arc<Interim>>,
    _open: Entered,
}

/// Why a streaming request broke off, for whoever has to answer it.
#[derive(Debug)]
pub(super) enum Fault {
    Stopped(Stopped),
    Unrecorded,
    /// The client stopped sending, or sent what is no HTTP.
    Broken(Broken),
}

/// A message that was stopped, with its record on the way.
#[derive(Debug)]
pub(super) struct Stopped {
    pub(super) decision_id: FlowId,
    pub(super) decision: Decision,
    pub(super) record: Pending,
}

impl Flow {
    /// Begins an exchange; the second answer is why it can't be told where it goes.
    pub(super) fn begin(client: &Arc<Client>, parts: &Parts) -> (Arc<Flow>, Result<(), NameError>) {
        // A WebSocket over HTTP/2 is asked for by a CONNECT that is none (RFC 8441, section 4).
        let method = if websocket::is_extended(parts) { &Method::GET } else { &parts.method };
        let named = names::destination(&client.entry, method, &parts.uri, &parts.headers);
        let (destination, named) = match named {
            Ok(destination) => (Some(destination), Ok(())),
            Err(error) => (None, Err(error)),
        };
        let edition = client.peer.shared.edition();
        let Edition { engine, .. } = &*edition;
        let known = &client.familiar;
        let (host, port) = match &destination {
            Some(Destination { host: Host::Name(name), port, .. }) => {
                (known.cleansed(Slot::Host, engine, name, str::to_owned).1, *port)
            }
            Some(Destination { host, port, .. }) => (engine.matcher.cleanse(&host.to_string()).into(), *port),
            None => {
                let (host, port) = names::claimed(&client.entry, Some((&parts.uri, &parts.headers)));
                (engine.matcher.cleanse(&host).into(), port)
            }
        };
        let (path, path_template) = known.cleansed(Slot::Path, engine, parts.uri.path(), path_template);
        let method = method.as_str();
        let said = Said {
            host,
            port,
            method: known_method(method).map_or_else(|| engine.matcher.cleanse(method).into(), Cow::Borrowed),
            path_template,
            traceparent: text(&parts.headers, "traceparent")
                .filter(|text| is_traceparent(text))
                .map(|text| engine.matcher.cleanse_id(text)),
        };
        let method = known_method(method).map_or_else(|| method.to_owned().into(), Cow::Borrowed);
        let proven = parts.extensions.get().map(|Proven(who)| Arc::clone(who));
        let mut flow = Flow::bare(client, edition, said, destination, proven);
        (flow.method, flow.path) = (method, path);
        flow.interim = parts.extensions.get().cloned();
        flow.websocket = Opening::of(parts, flow.facts.flow.bytes()).map(|opening| {
            // A connection of HTTP/1.1 is handed over whole, of HTTP/2 the one stream.
            let handover = parts.extensions.get().unwrap_or(&client.handover).clone();
            Box::new(Asked { opening, switched: Mutex::default(), handover })
        });
        (Arc::new(flow), named)
    }

    /// An exchange whose head was refused before it could be read.
    pub(super) fn unread(client: &Arc<Client>) -> Arc<Flow> {
        let (host, port) = names::claimed(&client.entry, None);
        let edition = client.peer.shared.edition();
        let said = Said {
            host: edition.engine.matcher.cleanse(&host).into(),
            port,
            method: Cow::Borrowed(""),
            path_template: "".into(),
            traceparent: None,
        };
        Arc::new(Flow::bare(client, edition, said, None, None))
    }

    fn bare(
        client: &Arc<Client>,
        edition: Arc<Edition>,
        said: Said,
        destination: Option<Destination>,
        proven: Option<Arc<Identity>>,
    ) -> Flow {
        let peer = &client.peer;
        client.silent_for(limits::BODY_IDLE_TIMEOUT);
        let who = proven.or_else(|| peer.who(&edition.engine.policy).cloned());
        let tenant = peer.tenant(who.as_ref());
        let group = destination.as_ref().and_then(|to| edition.engine.policy.group_of(&to.host).cloned());
        let facts = FlowFacts {
            flow: peer.shared.ids.next(),
            tenant: Arc::clone(tenant),
            listener: Arc::clone(&peer.listener.name),
            client: peer.address.ip,
            client_identity: who.as_ref().map(|who| Arc::clone(&who.name)),
            client_certificate: peer.certificate.clone(),
            host: said.host,
            port: said.port,
            group,
            http: Some(client.spoken.as_str()),
            tls_client: client.tls,
            method: said.method,
            path_template: said.path_template,
            traceparent: said.traceparent,
        };
        Flow {
            client: Arc::clone(client),
            destination,
            method: Cow::Borrowed(""),
            path: Arc::clone(&facts.path_template),
            facts: Arc::new(facts),
            who,
            dialled: OnceLock::new(),
            fault: Mutex::new(None),
            redacted: OnceLock::new(),
            awaited: AtomicBool::new(false),
            answered: AtomicBool::new(false),
            untaken: AtomicBool::new(false),
            websocket: None,
            interim: None,
            _open: peer.shared.flows.enter(),
            edition,
        }
    }

    pub(super) fn shared(&self) -> &Shared {
        &self.client.peer.shared
    }

    /// A client-supplied text made fit for a record, log or reply.
    pub(super) fn cleanse(&self, text: &str) -> String {
        self.edition.engine.matcher.cleanse(text)
    }

    /// Nothing leaves for an https destination but over a connection whose certificate was verified for its name.
    fn proven(&self) -> bool {
        let upstreams = &self.shared().upstreams;
        self.destination.as_ref().is_some_and(|to| to.scheme == Scheme::Https && upstreams.proves(&to.host))
    }

    /// When it began, in milliseconds since the Unix epoch.
    pub(super) fn began_ms(&self) -> u64 {
        self.facts.flow.unix_ms()
    }

    pub(super) fn tenant(&self) -> &Arc<str> {
        &self.facts.tenant
    }

    /// Why a connection of this TLS version will not do for its destination, if it won't.
    pub(super) fn unprotected(&self, tls: Option<&str>) -> Option<String> {
        let least = self.edition.engine.policy.least_protection(&self.destination.as_ref()?.host);
        let has = Protection::of(tls);
        let (has, least) = (has < least).then_some((has.as_str(), least.as_str()))?;
        Some(format!("the connection would be {has} where [[transport]] asks for TLS {least} or better"))
    }

    pub(super) fn dialled(&self, dialled: Dialled) {
        // A second connection for one request would be a retry to the same destination.
        let _ = self.dialled.set(dialled);
    }

    /// What rules may look at.
    pub(super) fn message(&self, head: MessageHead<'_>) -> Option<Message> {
        Some(Message {
            direction: head.direction,
            destination: self.destination.clone()?,
            proven: self.proven(),
            client: self.client.peer.address,
            identity: self.facts.client_identity.clone(),
            listener: Arc::clone(&self.client.peer.listener.name),
            tenant: Arc::clone(&self.facts.tenant),
            environment: self.who.as_ref().and_then(|who| who.environment.clone()),
            method: self.method.clone(),
            path: Arc::clone(&self.path),
            media_type: self.media_type(head.fields, head.direction),
            status: head.status,
            now_ms: head.now_ms,
        })
    }

    /// The media type without parameters, in lower case.
    fn media_type(&self, fields: &HeaderMap, direction: Direction) -> Option<Arc<str>> {
        let value = fields.get(header::CONTENT_TYPE)?.to_str().ok()?;
        let slot = Slot::Type(direction);
        let (_, essence) = self.client.familiar.worked_out(slot, &self.edition.engine, value, media_type);
        (!essence.is_empty()).then_some(essence)
    }

    /// The media type made fit for a record.
    pub(super) fn shown_type(&self, media_type: &str, direction: Direction) -> Arc<str> {
        let slot = Slot::ShownType(direction);
        self.client.familiar.cleansed(slot, &self.edition.engine, media_type, str::to_owned).1
    }

    /// What frames of the gate's own are masked with: that a client cannot choose it is all that it is for.
    pub(super) fn mask(&self) -> [u8; 4] {
        let [.., a, b, c, d] = self.shared().ids.next().bytes();
        [a, b, c, d]
    }

    /// A record of one message, to be completed by whoever knows more.
    pub(super) fn draft(&self, kind: Kind, direction: Direction, decision_id: FlowId) -> MessageDraft {
        MessageDraft {
            kind,
            decision_id,
            flow: Arc::clone(&self.facts),
            dialled: self.dialled.get().copied(),
            direction,
            mode: self.edition.engine.policy.mode(),
            status: None,
            content_type: None,
            decision: None,
            action: Action::Allow,
            reason: None,
            overlay: None,
            policy_hash: Arc::clone(&self.edition.policy_hash),
            packs: Arc::clone(&self.edition.packs),
            inspect_us: 0,
            hold_us: 0,
            interim: false,
            told: None,
        }
    }

    pub(super) fn submit(&self, draft: &MessageDraft) -> Pending {
        self.shared().submit(draft)
    }

    /// Leaves word of why a request that was under way broke off.
    pub(super) fn fail(&self, fault: Fault) {
        self.fault.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(fault);
    }

    pub(super) fn take_fault(&self) -> Option<Fault> {
        self.fault.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    pub(super) fn request_redacted(&self, decision: FlowId, edits: u64) {
        let _ = self.redacted.set((decision, edits));
    }

    /// The decision that masked something in the request, and how many values.
    pub(super) fn redacted(&self) -> Option<(FlowId, u64)> {
        self.redacted.get().copied()
    }

    /// Whether a response is owed: from the moment that a request may leave to the one that its response, or what
    /// is said in its place, keeps a record of its own.
    pub(super) fn awaits_response(&self, awaits: bool) {
        self.awaited.store(awaits, Ordering::Relaxed);
    }

    /// The head of its response came.
    pub(super) fn answered(&self) {
        self.answered.store(true, Ordering::Relaxed);
    }

    /// Whether the head of its response came, while its request may still be under way.
    pub(super) fn is_answered(&self) -> bool {
        self.answered.load(Ordering::Relaxed)
    }

    /// The client takes nothing of the response on this stream.
    pub(super) fn not_taken(&self) {
        self.untaken.store(true, Ordering::Relaxed);
    }

    /// Why an exchange ends that nobody waits for any longer.
    pub(super) fn gone(&self) -> &'static str {
        match self.shared().stage() {
            Stage::Cut => "cut at the end of the drain",
            Stage::Running | Stage::Draining
                if self.untaken.load(Ordering::Relaxed) || self.client.deadlines.is_untaken() =>
            {
                "client took nothing in time"
            }
            Stage::Running | Stage::Draining => "the other side of the exchange went away",
        }
    }

    /// A refusal of a request on other grounds than its content.
    pub(super) fn refuse(&self, problem: Problem, reason: &str) -> Refusal {
        let draft = self.draft(Kind::Decision, Direction::Request, self.shared().ids.next());
        self.refusal(MessageDraft { action: Action::Block, ..draft }, problem, reason)
    }

    /// A request that comes before its time.
    pub(super) fn throttled(&self, overlay: Arc<str>, wait: Duration) -> Refusal {
        let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
        let reason = format!("an overlay limits requests for a time; the next may come in {seconds} s");
        let mut refusal = self.refuse(Problem::Throttled(seconds), &reason);
        if let Recording::Due(draft) = &mut refusal.record {
            draft.overlay = Some(overlay);
        }
        refusal
    }

    /// The answer for a response that never came, or broke off before a byte of it left.
    pub(super) fn refuse_response(&self, problem: Problem, reason: &str) -> Refusal {
        let draft = self.draft(Kind::End, Direction::Response, self.shared().ids.next());
        let refusal = self.refusal(draft, problem, reason);
        Refusal { upstream_received: true, close: false, ..refusal }
    }

    fn refusal(&self, mut draft: MessageDraft, problem: Problem, reason: &str) -> Refusal {
        let detail = self.cleanse(reason);
        draft.status = Some(problem.status().as_u16());
        draft.reason = Some(detail.clone());
        Refusal {
            problem,
            detail,
            decision_id: draft.decision_id,
            direction: draft.direction,
            decision: None,
            upstream_received: false,
            close: true,
            record: Recording::Due(Box::new(draft)),
        }
    }
}

impl Drop for Flow {
    /// The connection waits for its next request. A response that never came has its record all the same.
    fn drop(&mut self) {
        if self.awaited.load(Ordering::Relaxed) {
            let mut draft = self.draft(Kind::End, Direction::Response, self.shared().ids.next());
            draft.reason = Some(self.gone().to_owned());
            // Nobody is left who could wait for it.
            drop(self.submit(&draft));
        }
        self.client.silent_for(limits::KEEP_ALIVE_TIMEOUT);
    }
}

/// The head of a message as rules see it.
#[derive(Clone, Copy, Debug)]
pub(super) struct MessageHead<'a> {
    pub(super) direction: Direction,
    pub(super) fields: &'a HeaderMap,
    pub(super) status: Option<u16>,
    pub(super) now_ms: u64,
}

impl Shared {
    pub(super) fn submit(&self, draft: &MessageDraft) -> Pending {
        self.meters.message(draft);
        self.audit.submit_message(draft)
    }

    /// Waits for the leave that a written record gives.
    pub(super) async fn permit(&self, mut record: Pending) -> Result<Permit, AuditError> {
        poll_fn(|cx| self.poll_permit(&mut record, cx)).await
    }

    pub(super) fn poll_permit(
        &self,
        record: &mut Pending,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Permit, AuditError>> {
        let permit = ready!(Pin::new(&mut *record).poll(cx));
        if let Some(since) = record.since() {
            latency::RECORD.record(since.elapsed());
        }
        Poll::Ready(permit)
    }
}

/// An answer that the gate gives instead of the upstream.
#[derive(Debug)]
pub(super) struct Refusal {
    pub(super) problem: Problem,
    /// A sentence; cleansed.
    pub(super) detail: String,
    pub(super) decision_id: FlowId,
    pub(super) direction: Direction,
    pub(super) decision: Option<Box<Decision>>,
    pub(super) upstream_received: bool,
    /// The request was not read whole: what follows on the connection can't be trusted to be a request.
    pub(super) close: bool,
    pub(super) record: Recording,
}

/// Where the record of a refusal is: no refusal is answered before it is written.
#[derive(Debug)]
pub(super) enum Recording {
    Due(Box<MessageDraft>),
    OnItsWay(Pending),
    Done,
}

impl Refusal {
    pub(super) fn stopped(direction: Direction, stopped: Stopped) -> Refusal {
        use crate::inspect::Reason;
        let problem = match (&stopped.decision.reason, direction) {
            (Some(Reason::HeldBytes), _) => Problem::Overloaded,
            (_, Direction::Request) => Problem::Blocked,
            (_, Direction::Response) => Problem::Withheld,
        };
        Refusal {
            problem,
            detail: reply::explain(direction, &stopped.decision),
            decision_id: stopped.decision_id,
            direction,
            decision: Some(Box::new(stopped.decision)),
            upstream_received: direction == Direction::Response,
            close: false,
            record: Recording::OnItsWay(stopped.record),
        }
    }

    /// There is no permit: nothing of the message may go on.
    pub(super) fn unrecorded(flow: &Flow, direction: Direction) -> Refusal {
        Refusal {
            problem: Problem::Unrecorded,
            detail:
                "the record of this decision could not be written, and what is not recorded does not pass"
                    .to_owned(),
            decision_id: flow.shared().ids.next(),
            direction,
            decision: None,
            upstream_received: direction == Direction::Response,
            close: false,
            record: Recording::Done,
        }
    }

    pub(super) fn facts(&self) -> Facts<'_> {
        Facts {
            problem: self.problem,
            detail: &self.detail,
            decision_id: self.decision_id,
            direction: self.direction,
            decision: self.decision.as_deref(),
            upstream_received: self.upstream_received,
            close: self.close,
        }
    }

    /// Waits for the record; without one the client learns of nothing but that.
    pub(super) async fn recorded(mut self, shared: &Shared) -> Refusal {
        let pending = match std::mem::replace(&mut self.record, Recording::Done) {
            Recording::Due(draft) => shared.submit(&draft),
            Recording::OnItsWay(pending) => pending,
            Recording::Done => return self,
        };
        match shared.permit(pending).await {
            Ok(_) => self,
            Err(_) => Refusal {
                problem: Problem::Unrecorded,
                detail: "the record of this decision could not be written".to_owned(),
                decision: None,
                ..self
            },
        }
    }
}

/// Methods that need no cleansing.
fn known_method(method: &str) -> Option<&'static str> {
    let known = ["GET", "POST", "PUT", "HEAD", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT"];
    known.into_iter().find(|known| *known == method)
}

/// Whether a field has the form of W3C Trace Context, of this version or a later one: anything else is a client's own words.
fn is_traceparent(text: &str) -> bool {
    let is_hex = |part: &str| part.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    let mut parts = text.splitn(5, '-');
    let mut next = |length| parts.next().is_some_and(|part| part.len() == length && is_hex(part));
    let begins = [2, 32, 16, 2].into_iter().all(&mut next);
    let version = text.get(..2).unwrap_or_default();
    let goes_on = parts.next().is_none_or(|more| version != "00" && more.split('-').all(is_hex));
    begins && goes_on && version != "ff" && text.len() <= limits::TRACEPARENT
}

fn text<'a>(fields: &'a HeaderMap, name: &str) -> Option<&'a str> {
    fields.get(name)?.to_str().ok()
}

/// Microseconds, for a record.
pub(super) fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trace_is_recorded_in_its_form_alone() {
        let trace = "4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7";
        for (text, is) in [
            (format!("00-{trace}-01"), true),
            (format!("00-{trace}-01-00"), false),
            (format!("cc-{trace}-01"), true),
            (format!("cc-{trace}-01-0a1b-cafe"), true),
            (format!("cc-{trace}-01-secret"), false),
            (format!("cc-{trace}-01.0a"), false),
            (format!("cc-{trace}-01-{}", "0".repeat(128)), false),
            (format!("ff-{trace}-01"), false),
            (format!("00-{}-01", trace.to_uppercase()), false),
            (format!("00-{trace}-1"), false),
            (format!("00-{trace}"), false),
            (format!("00-{trace}-01 my password is hunter2"), false),
            ("=cmd|<script>".to_owned(), false),
            (String::new(), false),
        ] {
            assert_eq!(is_traceparent(&text), is, "{text}");
        }
    }
}
