//! The other end of a client connection, and the record of one that ends before it carried a request.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};

use super::connection::linger;
use super::exchange::{Recording, Refusal};
use super::guard;
use super::meters;
use super::names::Entry;
use super::reply::{self, Problem};
use super::shared::{Edition, Shared, unix_ms};
use super::wire::Told;
use super::{Authentication, ListenerConfig};
use crate::audit::{FlowFacts, Kind, MessageDraft, Pending};
use crate::flow::{ClientAddr, Destination, Direction, Host, Scheme};
use crate::inspect::{Coverage, Decision};
use crate::policy::{Action, Disclosure, Identity, Laid, Message, Mode, Policy, SubjectName};

/// Who connected, and where.
#[derive(Clone)]
pub(super) struct Peer {
    pub(super) shared: Arc<Shared>,
    pub(super) listener: Arc<ListenerConfig>,
    pub(super) address: ClientAddr,
    /// Where a redirected connection was going, which is where all of it goes.
    pub(super) original: Option<SocketAddr>,
    /// What its certificate, or its CONNECT, proved.
    pub(super) proven: Option<Proof>,
    /// The name of its certificate by which it was known, cleansed.
    pub(super) certificate: Option<Arc<str>>,
    /// The version of the TLS that it speaks with the listener itself.
    pub(super) tls: Option<&'static str>,
    /// Told to reset when a reply whose end is marked by closing was cut: a clean close would make it look whole.
    pub(super) told: Arc<Told>,
    /// Set when bytes of the client were not read: the connection must not be closed over them at once.
    unread: Arc<AtomicBool>,
}

/// Why a client is refused that proved to be somebody who is not configured any more.
pub(super) const FORGOTTEN: &str = "identity_gone";

/// What a client proved once; whom that is, the policy in force says.
#[derive(Clone, Debug)]
pub(super) enum Proof {
    /// To be of this name, by a password.
    Password(Arc<str>),
    /// To have a certificate with these names.
    Certificate(Arc<[SubjectName]>),
}

impl Proof {
    fn who<'a>(&self, policy: &'a Policy) -> Option<&'a Arc<Identity>> {
        match self {
            Proof::Password(name) => policy.identity(name).map(|(who, _)| who),
            Proof::Certificate(names) => policy.certified(names).map(|(who, _)| who),
        }
    }
}

/// How a connection ended that carried no request.
#[derive(Clone, Debug)]
pub(super) struct Ended {
    reason: &'static str,
    /// More of it, for people.
    detail: Option<String>,
    host: String,
    port: u16,
    bytes: u64,
    /// What its client is told.
    problem: Problem,
}

impl Ended {
    pub(super) fn because(reason: &'static str) -> Ended {
        Ended { reason, detail: None, host: String::new(), port: 0, bytes: 0, problem: Problem::Malformed }
    }

    pub(super) fn told(self, problem: Problem) -> Ended {
        Ended { problem, ..self }
    }

    /// Where it was to go.
    pub(super) fn to(self, host: &Host, port: u16) -> Ended {
        Ended { host: host.to_string(), port, ..self }
    }

    /// The same, where that is known without a request.
    pub(super) fn at(self, entry: &Entry) -> Ended {
        match entry {
            Entry::Tunnel(to) | Entry::Fronted(to) => self.to(&to.host, to.port),
            Entry::Original(address) => self.to(&Host::Ip(address.ip()), address.port()),
            Entry::Absolute | Entry::Reverse(_) => self,
        }
    }

    /// A head of a request began and did not end in time.
    pub(super) fn late() -> Ended {
        Ended::because(guard::Refusal::HeadTimeout.as_str()).told(Problem::ClientTimeout)
    }

    /// What the record says beside the bare reason.
    pub(super) fn saying(self, detail: String) -> Ended {
        Ended { detail: Some(detail), ..self }
    }

    /// What was read of it.
    pub(super) fn after(self, read: &[u8]) -> Ended {
        Ended { bytes: read.len() as u64, ..self }
    }
}

impl Peer {
    pub(super) fn new(
        shared: Arc<Shared>,
        listener: Arc<ListenerConfig>,
        address: ClientAddr,
        original: Option<SocketAddr>,
        told: Arc<Told>,
    ) -> Peer {
        Peer {
            shared,
            listener,
            address,
            original,
            proven: None,
            certificate: None,
            tls: None,
            told,
            unread: Arc::default(),
        }
    }

    /// Whether it must say who it is by a name and a password: who came with a certificate has said it.
    pub(super) fn is_asked(&self) -> bool {
        match self.listener.authentication {
            Authentication::None => false,
            Authentication::Basic => self.certificate.is_none(),
        }
    }

    /// Whether the listener's own TLS must come before anything else.
    pub(super) fn owes_tls(&self) -> bool {
        self.listener.tls.is_some() && self.tls.is_none()
    }

    /// Who it is: whom it proved to be, else whom its address stands for.
    pub(super) fn who<'a>(&self, policy: &'a Policy) -> Option<&'a Arc<Identity>> {
        match &self.proven {
            Some(proof) => proof.who(policy),
            None => policy.identify(self.address.ip),
        }
    }

    /// Whether it proved to be somebody whom the policy in force does not know any more.
    pub(super) fn is_forgotten(&self, policy: &Policy) -> bool {
        self.proven.as_ref().is_some_and(|proof| proof.who(policy).is_none())
    }

    /// Something that the client sent stays unread.
    pub(super) fn left_unread(&self) {
        self.unread.store(true, Ordering::Relaxed);
    }

    pub(super) fn has_unread(&self) -> bool {
        self.unread.load(Ordering::Relaxed)
    }

    /// A client-supplied text made fit for a record, log or reply.
    pub(super) fn cleanse(&self, text: &str) -> String {
        self.shared.edition().engine.matcher.cleanse(text)
    }

    /// Whether requests for a destination are refused whatever they hold.
    pub(super) fn refuses(&self, destination: &Destination) -> bool {
        let engine = Arc::clone(&self.shared.edition().engine);
        let policy = &engine.policy;
        let who = self.who(policy);
        let message = Message {
            direction: Direction::Request,
            destination: destination.clone(),
            proven: destination.scheme == Scheme::Https,
            client: self.address,
            identity: who.map(|who| Arc::clone(&who.name)),
            listener: Arc::clone(&self.listener.name),
            tenant: Arc::clone(self.tenant(who)),
            environment: who.and_then(|who| who.environment.clone()),
            method: "CONNECT".into(),
            path: "".into(),
            media_type: None,
            status: None,
            now_ms: unix_ms(),
        };
        let laid = Laid::of(&engine.overlays, &message);
        let is_listed = laid.lists() || laid.mode().min(policy.mode()) == Mode::Observe;
        laid.refuses() || (!is_listed && policy.unlisted(&message) == Action::Block)
    }

    /// The record of a connection that ended: none of its bytes were inspected, and none went anywhere.
    pub(super) fn ended(&self, ended: Ended) -> Pending {
        self.shared.submit(&self.draft(ended))
    }

    fn draft(&self, ended: Ended) -> MessageDraft {
        let edition = self.shared.edition();
        let uninspected = if ended.bytes > 0 { vec![(ended.reason, ended.bytes)] } else { Vec::new() };
        let coverage = Coverage { seen: ended.bytes, uninspected, ..Coverage::default() };
        let decision = Decision {
            action: Action::Block,
            would: None,
            reason: None,
            rules: Vec::new(),
            found: Vec::new(),
            disclosure: Disclosure::None,
            coverage,
            edits: 0,
        };
        let facts = self.facts(&edition, &ended.host, ended.port);
        let mut draft = self.blank(Kind::End, Direction::Request, facts, &edition);
        draft.decision = Some(decision);
        draft.action = Action::Block;
        draft.reason = Some(match ended.detail {
            Some(detail) => edition.engine.matcher.cleanse(&detail),
            None => ended.reason.to_owned(),
        });
        draft
    }

    /// Whose policy holds: the tenant of who the client is, else the listener's.
    pub(super) fn tenant<'a>(&'a self, who: Option<&'a Arc<Identity>>) -> &'a Arc<str> {
        who.and_then(|who| who.tenant.as_ref()).unwrap_or(&self.listener.tenant)
    }

    /// What records say of a flow that carries no HTTP.
    pub(super) fn facts(&self, edition: &Edition, host: &str, port: u16) -> Arc<FlowFacts> {
        let who = self.who(&edition.engine.policy);
        Arc::new(FlowFacts {
            flow: self.shared.ids.next(),
            tenant: Arc::clone(self.tenant(who)),
            listener: Arc::clone(&self.listener.name),
            client: self.address.ip,
            client_identity: who.map(|who| Arc::clone(&who.name)),
            client_certificate: self.certificate.clone(),
            host: edition.engine.matcher.cleanse(host).into(),
            port,
            group: None,
            http: None,
            tls_client: self.tls,
            method: "CONNECT".into(),
            path_template: "".into(),
            traceparent: None,
        })
    }

    /// A record of such a flow, to be completed.
    pub(super) fn blank(
        &self,
        kind: Kind,
        direction: Direction,
        flow: Arc<FlowFacts>,
        edition: &Edition,
    ) -> MessageDraft {
        MessageDraft {
            kind,
            decision_id: self.shared.ids.next(),
            flow,
            dialled: None,
            direction,
            mode: edition.engine.policy.mode(),
            status: None,
            content_type: None,
            decision: None,
            action: Action::Allow,
            reason: None,
            overlay: None,
            policy_hash: Arc::clone(&edition.policy_hash),
            packs: Arc::clone(&edition.packs),
            inspect_us: 0,
            hold_us: 0,
            interim: false,
            told: None,
        }
    }

    /// Answers a head that began and did not end in time.
    pub(super) async fn turn_late_away<IO>(&self, io: &mut IO, ended: Ended) -> io::Result<()>
    where
        IO: AsyncRead + AsyncWrite + Unpin,
    {
        meters::refused(ended.reason);
        self.turn_away(io, ended, &guard::Refusal::HeadTimeout.to_string()).await
    }

    /// Answers what can't be served, after recording it, and closes.
    pub(super) async fn turn_away<IO>(&self, io: &mut IO, ended: Ended, detail: &str) -> io::Result<()>
    where
        IO: AsyncRead + AsyncWrite + Unpin,
    {
        let problem = ended.problem;
        let mut draft = self.draft(ended);
        draft.status = Some(problem.status().as_u16());
        let refusal = Refusal {
            problem,
            detail: self.cleanse(detail),
            decision_id: draft.decision_id,
            direction: Direction::Request,
            decision: None,
            upstream_received: false,
            close: true,
            record: Recording::Due(Box::new(draft)),
        };
        let response = refusal.recorded(&self.shared).await.facts().response(self.listener.reply, false);
        io.write_all(&reply::encode(&response)).await?;
        linger(io).await
    }
}
