//! A tunnel that is passed on as it is: bytes go both ways exactly as they come, counted, and recorded at its
//! beginning and at its end. Bytes of an opaque protocol may be scanned on their way.

use std::future::{Future, poll_fn};
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Poll};

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep_until, timeout};

use super::listener;
use super::peer::Peer;
use super::shared::{Edition, Stage, unix_ms};
use super::sniff::Prefixed;
use super::steps::{self, Looks};
use super::tunnel::Why;
use super::wire::Wire;
use crate::audit::{Dialled, FlowFacts, Kind, MessageDraft};
use crate::flow::{Destination, Direction, FlowId, Host, Scheme};
use crate::inspect::{Coverage, Decision, Head, Inspector, Reason, Step};
use crate::limits;
use crate::policy::{Action, Disclosure, Interception, Laid, Message, Mode};

/// Where a tunnel goes, and why it is not opened.
pub(super) struct To {
    pub(super) host: Host,
    pub(super) port: u16,
    pub(super) address: SocketAddr,
    pub(super) why: Why,
    /// What decided that, and decides the rest.
    pub(super) edition: Arc<Edition>,
}

/// Why a tunnel was ended by other means than both sides' ends.
#[derive(Debug)]
enum Cut {
    Stopped,
    Unrecorded,
    Idle,
    Drained,
    Overlaid,
    Io(io::Error),
}

impl Cut {
    fn reason(&self) -> String {
        match self {
            Cut::Stopped => "the other direction was stopped".to_owned(),
            Cut::Unrecorded => "what is not recorded does not pass".to_owned(),
            Cut::Overlaid => "an overlay stops it".to_owned(),
            Cut::Idle => "nothing came for too long".to_owned(),
            Cut::Drained => "cut at the end of the drain".to_owned(),
            Cut::Io(error) => format!("a connection failed: {error}"),
        }
    }
}

impl From<io::Error> for Cut {
    fn from(error: io::Error) -> Cut {
        Cut::Io(error)
    }
}

/// Bytes without a head, released as they come.
const HEAD: Head<'_> = Head { target: None, fields: &[], length: None, coding: None, events: true };

/// What the two directions of a tunnel share.
struct Tunnel<'a> {
    peer: &'a Peer,
    edition: Arc<Edition>,
    facts: Arc<FlowFacts>,
    to: To,
    clock: Clock,
}

/// When bytes last moved.
struct Clock {
    began: Instant,
    last: AtomicU64,
    half_closed: AtomicBool,
}

impl Clock {
    fn moved(&self) {
        let now = u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.last.store(now, Ordering::Relaxed);
    }

    /// Ready once nothing has moved for too long.
    async fn idle(&self) {
        loop {
            let half = self.half_closed.load(Ordering::Relaxed);
            let limit = if half { limits::TUNNEL_HALF_IDLE } else { limits::TUNNEL_IDLE };
            let last = self.began + std::time::Duration::from_millis(self.last.load(Ordering::Relaxed));
            if Instant::now() >= last + limit {
                return;
            }
            // What closes half-way meanwhile is noticed in time all the same.
            sleep_until((last + limit).min(Instant::now() + limits::TUNNEL_HALF_IDLE)).await;
        }
    }
}

/// Carries a tunnel until both sides have ended, or it is cut. Every way out leaves a record for each direction.
pub(super) async fn carry(
    peer: &Peer,
    mut client: Prefixed<Wire>,
    mut upstream: TcpStream,
    to: To,
) -> io::Result<()> {
    let edition = Arc::clone(&to.edition);
    let facts = peer.facts(&edition, &to.host.to_string(), to.port);
    let clock = Clock { began: Instant::now(), last: AtomicU64::new(0), half_closed: AtomicBool::new(false) };
    let tunnel = Tunnel { peer, edition, facts, to, clock };
    let open = peer.shared.flows.enter();
    let mut up = Lane::new(&tunnel, Direction::Request);
    let mut down = Lane::new(&tunnel, Direction::Response);
    let mut stage = peer.shared.stage.subscribe();
    let ended = {
        let (client_read, client_write) = tokio::io::split(&mut client);
        let (upstream_read, upstream_write) = upstream.split();
        let both = async {
            tunnel.open(&up).await?;
            tunnel.open(&down).await?;
            tokio::try_join!(
                up.carry(&tunnel, client_read, upstream_write),
                down.carry(&tunnel, upstream_read, client_write)
            )
        };
        tokio::select! {
            ended = both => ended.map(|_| ()),
            () = tunnel.clock.idle() => Err(Cut::Idle),
            () = listener::ended(&mut stage, Stage::Cut) => Err(Cut::Drained),
            () = tunnel.overlaid() => Err(Cut::Overlaid),
        }
    };
    if let Err(cut) = ended {
        // Neither side may take what it has for the whole.
        peer.told.reset.store(true, Ordering::Relaxed);
        let _ = upstream.set_zero_linger();
        up.cut(&tunnel, &cut);
        down.cut(&tunnel, &cut);
    }
    drop(open);
    Ok(())
}

impl Tunnel<'_> {
    fn draft(&self, kind: Kind, lane: &Lane) -> MessageDraft {
        let mut draft = self.peer.blank(kind, lane.direction, Arc::clone(&self.facts), &self.edition);
        draft.decision_id = lane.decision_id;
        let address = self.to.address.ip();
        draft.dialled = Some(Dialled { address, tls: None, proven: false });
        draft.reason = Some(match &self.to.why {
            Why::Unread(Interception::Bypass(grounds)) => {
                format!("bypass: {} (owner: {})", grounds.reason, grounds.owner)
            }
            why @ (Why::Unread(Interception::NotListed | Interception::Intercept) | Why::Opaque { .. }) => {
                why.as_str().to_owned()
            }
        });
        draft
    }

    /// Ready once overlays let nothing of it through any longer.
    async fn overlaid(&self) {
        let mut changes = self.peer.shared.overlaid.subscribe();
        // What was in force at the beginning is looked at with the first byte.
        while changes.changed().await.is_ok() {
            let board = &self.edition.engine.overlays;
            if Laid::of(board, &self.message(Direction::Request)).refuses() {
                return;
            }
        }
        std::future::pending().await
    }

    /// Leave to begin: no byte goes on before it is written that it may.
    async fn open(&self, lane: &Lane) -> Result<(), Cut> {
        let record = self.peer.shared.submit(&self.draft(Kind::Opening, lane));
        self.peer.shared.permit(record).await.map(drop).map_err(|_| Cut::Unrecorded)
    }

    /// What rules may look at: a name that nothing proves, in clear text.
    fn message(&self, direction: Direction) -> Message {
        let who = self.peer.who(&self.edition.engine.policy);
        Message {
            direction,
            destination: Destination { scheme: Scheme::Http, host: self.to.host.clone(), port: self.to.port },
            proven: false,
            client: self.peer.address,
            identity: who.map(|who| Arc::clone(&who.name)),
            listener: Arc::clone(&self.peer.listener.name),
            tenant: Arc::clone(self.peer.tenant(who)),
            environment: who.and_then(|who| who.environment.clone()),
            method: "CONNECT".into(),
            path: "".into(),
            // Of a protocol that nobody knows nothing can be edited.
            media_type: Some("application/octet-stream".into()),
            status: None,
            now_ms: unix_ms(),
        }
    }
}

/// One direction of a tunnel.
struct Lane {
    direction: Direction,
    decision_id: FlowId,
    inspector: Option<Inspector>,
    /// What overlays mean for it.
    laid: Laid,
    /// What waits, of a direction that is inspected, and what came before it.
    recent: Vec<u8>,
    seen: u64,
    forwarded: u64,
    /// Its last record is on its way.
    recorded: bool,
}

impl Lane {
    fn new(tunnel: &Tunnel<'_>, direction: Direction) -> Lane {
        let inspector = match tunnel.to.why {
            Why::Opaque { inspect: true, .. } => {
                let engine = Arc::clone(&tunnel.edition.engine);
                let mut inspector = Inspector::new(engine, tunnel.message(direction));
                inspector.in_steps(steps::step);
                Some(inspector)
            }
            Why::Opaque { inspect: false, .. } | Why::Unread(_) => None,
        };
        let decision_id = tunnel.peer.shared.ids.next();
        Lane {
            direction,
            decision_id,
            inspector,
            laid: Laid::default(),
            recent: Vec::new(),
            seen: 0,
            forwarded: 0,
            recorded: false,
        }
    }

    async fn carry(
        &mut self,
        tunnel: &Tunnel<'_>,
        mut from: impl AsyncRead + Unpin,
        mut to: impl AsyncWrite + Unpin,
    ) -> Result<(), Cut> {
        if self.head(tunnel) == Step::Stop {
            return Err(self.stop(tunnel).await);
        }
        let (mut buffer, mut looks) = (BytesMut::new(), Looks::default());
        while self.next(tunnel, &mut from, &mut to, &mut buffer).await? {
            if self.is_refused(tunnel) {
                return Err(self.stop(tunnel).await);
            }
            tunnel.clock.moved();
            self.seen += buffer.len() as u64;
            let Some(inspector) = &mut self.inspector else {
                self.send(tunnel, &mut to, &buffer).await?;
                buffer.clear();
                continue;
            };
            let bytes = buffer.split().freeze();
            let (step, _) = looks.timed(|| inspector.push(bytes.clone()));
            steps::pay(looks.last()).await;
            self.remember(&bytes);
            if step == Step::Stop {
                return Err(self.stop(tunnel).await);
            }
            self.release(tunnel, &mut to).await?;
        }
        tunnel.clock.half_closed.store(true, Ordering::Relaxed);
        tunnel.clock.moved();
        if let Some(inspector) = &mut self.inspector {
            if inspector.finish() == Step::Stop {
                return Err(self.stop(tunnel).await);
            }
            self.recorded = true;
            let record = tunnel.peer.shared.submit(&self.final_draft(tunnel, Kind::Decision));
            let permit = tunnel.peer.shared.permit(record).await.map_err(|_| Cut::Unrecorded)?;
            self.release(tunnel, &mut to).await?;
            drop(permit);
        }
        to.shutdown().await?;
        if !self.recorded {
            self.recorded = true;
            // Nothing waits for it: all that it speaks of has left by leave of the opening.
            drop(tunnel.peer.shared.submit(&self.final_draft(tunnel, Kind::End)));
        }
        Ok(())
    }

    /// Reads what comes next; false at the end. What an inspector keeps back leaves when nothing comes for a while: the
    /// other side may be waiting for it.
    async fn next(
        &mut self,
        tunnel: &Tunnel<'_>,
        from: &mut (impl AsyncRead + Unpin),
        to: &mut (impl AsyncWrite + Unpin),
        buffer: &mut BytesMut,
    ) -> Result<bool, Cut> {
        if self.inspector.is_some() && self.seen > self.forwarded {
            match timeout(limits::OPAQUE_FLUSH, fill(from, buffer)).await {
                Ok(read) => return Ok(read? > 0),
                Err(_) if self.pause() == Step::Stop => return Err(self.stop(tunnel).await),
                Err(_) => self.release(tunnel, to).await?,
            }
        }
        Ok(fill(from, buffer).await? > 0)
    }

    /// Nothing came for a while: all may leave, unless what is whole in it stops the tunnel.
    fn pause(&mut self) -> Step {
        let recent = Bytes::copy_from_slice(&self.recent);
        self.inspector.as_mut().map_or(Step::Wait, |inspector| inspector.pause(recent))
    }

    /// Keeps what came and has not left, and what stands before it.
    fn remember(&mut self, bytes: &[u8]) {
        self.recent.extend_from_slice(bytes);
        let waiting = usize::try_from(self.seen - self.forwarded).unwrap_or(usize::MAX);
        let over = self.recent.len().saturating_sub(waiting.saturating_add(limits::OPAQUE_RECENT));
        self.recent.drain(..over);
    }

    /// Whether overlays let nothing through.
    fn is_refused(&mut self, tunnel: &Tunnel<'_>) -> bool {
        let board = &tunnel.edition.engine.overlays;
        if self.laid.is_stale(board) {
            self.laid.renew(board, &tunnel.message(self.direction));
        }
        self.laid.refuses()
    }

    /// A tunnel to where nothing may go is stopped before its first byte.
    fn head(&mut self, tunnel: &Tunnel<'_>) -> Step {
        if self.is_refused(tunnel) {
            return Step::Stop;
        }
        match (&mut self.inspector, &tunnel.to.why) {
            (Some(inspector), _) => inspector.head(&HEAD),
            (None, Why::Unread(Interception::Bypass(_))) => Step::Wait,
            (None, Why::Unread(Interception::NotListed | Interception::Intercept) | Why::Opaque { .. }) => {
                let policy = &tunnel.edition.engine.policy;
                match (policy.unlisted(&tunnel.message(self.direction)), policy.mode()) {
                    (Action::Block | Action::Redact, Mode::Enforce) => Step::Stop,
                    (Action::Block | Action::Redact, Mode::Observe) => Step::Wait,
                    (Action::Allow | Action::Alert, _) => Step::Wait,
                }
            }
        }
    }

    async fn release(&mut self, tunnel: &Tunnel<'_>, to: &mut (impl AsyncWrite + Unpin)) -> Result<(), Cut> {
        while let Some(bytes) = self.inspector.as_mut().and_then(Inspector::next_released) {
            self.send(tunnel, to, &bytes).await?;
        }
        Ok(())
    }

    async fn send(
        &mut self,
        tunnel: &Tunnel<'_>,
        to: &mut (impl AsyncWrite + Unpin),
        mut bytes: &[u8],
    ) -> io::Result<()> {
        while !bytes.is_empty() {
            let sent = to.write(bytes).await?;
            if sent == 0 {
                return Err(io::ErrorKind::WriteZero.into());
            }
            tunnel.clock.moved();
            self.forwarded += sent as u64;
            bytes = bytes.get(sent..).unwrap_or_default();
        }
        to.flush().await
    }

    /// Records a decision that stops this direction, and with it the tunnel.
    async fn stop(&mut self, tunnel: &Tunnel<'_>) -> Cut {
        self.recorded = true;
        let mut draft = self.final_draft(tunnel, Kind::Decision);
        draft.action = Action::Block;
        if let Some(decision) = &mut draft.decision {
            decision.action = Action::Block;
        }
        if let Some(inspector) = &mut self.inspector {
            inspector.abandon();
        }
        let record = tunnel.peer.shared.submit(&draft);
        match tunnel.peer.shared.permit(record).await {
            Ok(_) => Cut::Stopped,
            Err(_) => Cut::Unrecorded,
        }
    }

    /// The last word of a direction that was under way.
    fn cut(&mut self, tunnel: &Tunnel<'_>, cut: &Cut) {
        if std::mem::replace(&mut self.recorded, true) {
            return;
        }
        if let Some(inspector) = &mut self.inspector {
            inspector.abandon();
        }
        let is_refused = self.is_refused(tunnel);
        let mut draft = self.final_draft(tunnel, Kind::End);
        if is_refused {
            draft.action = Action::Block;
        }
        let why = draft.reason.take().unwrap_or_default();
        draft.reason = Some(format!("{why}; {}", tunnel.peer.cleanse(&cut.reason())));
        drop(tunnel.peer.shared.submit(&draft));
    }

    fn final_draft(&self, tunnel: &Tunnel<'_>, kind: Kind) -> MessageDraft {
        let mut draft = tunnel.draft(kind, self);
        let mut decision = match &self.inspector {
            Some(inspector) => inspector.decision(),
            None => self.unread(tunnel),
        };
        if matches!(tunnel.to.why, Why::Opaque { suspended: true, .. }) {
            decision.would = Some(Action::Block);
        }
        let found = self.inspector.as_ref().and_then(Inspector::overlays);
        draft.overlay = found.or_else(|| self.laid.named());
        draft.action = decision.action;
        draft.decision = Some(decision);
        draft
    }

    /// What is said of bytes that nobody read.
    fn unread(&self, tunnel: &Tunnel<'_>) -> Decision {
        let uninspected = match self.seen {
            0 => Vec::new(),
            bytes => vec![(tunnel.to.why.as_str(), bytes)],
        };
        Decision {
            action: Action::Allow,
            would: None,
            reason: self.laid.refuses().then_some(Reason::Overlay),
            rules: self.laid.hits().collect(),
            found: Vec::new(),
            disclosure: Disclosure::None,
            coverage: Coverage {
                seen: self.seen,
                uninspected,
                forwarded: self.forwarded,
                ..Coverage::default()
            },
            edits: 0,
        }
    }
}

/// Reads what is there; no buffer is kept while nothing is.
async fn fill(from: &mut (impl AsyncRead + Unpin), buffer: &mut BytesMut) -> io::Result<usize> {
    poll_fn(|cx| poll_fill(from, cx, buffer)).await
}

fn poll_fill(
    from: &mut (impl AsyncRead + Unpin),
    cx: &mut Context<'_>,
    buffer: &mut BytesMut,
) -> Poll<io::Result<usize>> {
    buffer.reserve(limits::TUNNEL_READ);
    let read = pin!(from.read_buf(buffer)).poll(cx);
    if read.is_pending() {
        *buffer = BytesMut::new();
    }
    read
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_tunnel_that_is_half_closed_lives_while_bytes_move() {
        let now = Instant::now();
        let clock = Clock { began: now, last: AtomicU64::new(0), half_closed: AtomicBool::new(true) };
        let most = limits::TUNNEL_HALF_IDLE;
        for _ in 0..5 {
            assert!(tokio::time::timeout(most - Duration::from_secs(1), clock.idle()).await.is_err());
            clock.moved();
        }
        let since = Instant::now();
        clock.idle().await;
        assert!((most..most + Duration::from_secs(1)).contains(&since.elapsed()));
    }
}
