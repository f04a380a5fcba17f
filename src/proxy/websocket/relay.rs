//! Two lanes between a client and an upstream, until both have ended or the WebSocket is.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use bytes::BytesMut;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::{Instant, sleep_until, timeout};

use super::frame::{self, Fault, Head, Kind};
use super::track::Track;
use crate::audit::Pending;
use crate::flow::{Direction, FlowId};
use crate::limits;
use crate::proxy::ReplyDetail;
use crate::proxy::exchange::Flow;
use crate::proxy::listener;
use crate::proxy::shared::Stage;

/// Codes that a closing frame gives (RFC 6455, section 7.4.1).
const GOING_AWAY: u16 = 1001;
const PROTOCOL_ERROR: u16 = 1002;
const BAD_DATA: u16 = 1007;
const POLICY: u16 = 1008;
const INTERNAL_ERROR: u16 = 1011;

/// How a WebSocket ends whose two ends have said so.
pub(super) const CLOSED: &str = "closed";

/// Why a WebSocket went no further.
pub(super) enum Cut {
    /// By a decision, whose record is on its way.
    Stopped(FlowId, Pending),
    Fault(Fault),
    Unrecorded,
    Idle,
    Drained,
    Failed,
}

impl Cut {
    fn reason(&self) -> &'static str {
        match self {
            Cut::Stopped(..) => "stopped by a decision",
            Cut::Fault(_) => "frames break the protocol",
            Cut::Unrecorded => "what is not recorded does not pass",
            Cut::Idle => "nothing came for too long",
            Cut::Drained => "cut at the end of the drain",
            Cut::Failed => "a connection failed",
        }
    }

    /// What both ends are told; nothing where there is nobody to tell.
    async fn told(self, flow: &Flow) -> Option<(u16, String)> {
        Some(match self {
            // Without its record the end is the same, and names no decision.
            Cut::Stopped(decision, record) => match flow.shared().permit(record).await {
                Ok(_) => match flow.client.peer.listener.reply {
                    ReplyDetail::Full => {
                        (POLICY, format!("stopped by data loss policy; decision={decision}"))
                    }
                    ReplyDetail::Minimal => (POLICY, format!("decision={decision}")),
                },
                Err(_) => (POLICY, String::new()),
            },
            Cut::Fault(fault @ Fault::Text) => (BAD_DATA, fault.to_string()),
            Cut::Fault(fault) => (PROTOCOL_ERROR, fault.to_string()),
            Cut::Unrecorded => (INTERNAL_ERROR, "decision cannot be recorded".to_owned()),
            Cut::Idle => (GOING_AWAY, "nothing came for too long".to_owned()),
            Cut::Drained => (GOING_AWAY, "gate is shutting down".to_owned()),
            Cut::Failed => return None,
        })
    }
}

/// When bytes last moved, and how many directions have ended.
struct Clock {
    began: Instant,
    last: AtomicU64,
    ended: AtomicUsize,
}

impl Clock {
    fn new() -> Clock {
        Clock { began: Instant::now(), last: AtomicU64::new(0), ended: AtomicUsize::new(0) }
    }

    fn moved(&self) {
        let now = u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.last.store(now, Ordering::Relaxed);
    }

    /// One direction says nothing more.
    fn half(&self) {
        self.ended.fetch_add(1, Ordering::Relaxed);
        self.moved();
    }

    /// Ready once nothing has moved for too long; the answer is whether both directions had ended.
    async fn idle(&self) -> bool {
        loop {
            let ended = self.ended.load(Ordering::Relaxed);
            let limit = match ended {
                0 => limits::WEBSOCKET_IDLE,
                1 => limits::WEBSOCKET_CLOSING,
                _ => limits::WEBSOCKET_FAREWELL,
            };
            let due = self.began + Duration::from_millis(self.last.load(Ordering::Relaxed)) + limit;
            if Instant::now() >= due {
                return ended > 1;
            }
            // What ends meanwhile is noticed in time all the same.
            sleep_until(due.min(Instant::now() + limits::WEBSOCKET_FAREWELL)).await;
        }
    }
}

/// Carries messages both ways until the end.
pub(super) async fn relay<C, S>(flow: &Arc<Flow>, client: C, server: S, [up, down]: &mut [Track; 2])
where
    C: AsyncRead + AsyncWrite + Unpin,
    S: AsyncRead + AsyncWrite + Unpin,
{
    let (mut client_in, mut client_out) = tokio::io::split(client);
    let (mut server_in, mut server_out) = tokio::io::split(server);
    let mut stage = flow.shared().stage.subscribe();
    let clock = Clock::new();
    let ended = {
        let both = async {
            tokio::try_join!(
                carry(flow, up, &clock, &mut client_in, &mut server_out),
                carry(flow, down, &clock, &mut server_in, &mut client_out)
            )
        };
        tokio::select! {
            ended = both => ended.map(drop),
            properly = clock.idle() => if properly { Ok(()) } else { Err(Cut::Idle) },
            () = listener::ended(&mut stage, Stage::Cut) => Err(Cut::Drained),
        }
    };
    let broken = [&*up, &*down].iter().any(|track| !track.is_whole());
    let reason = match &ended {
        Ok(()) if broken => "closed in the middle of a message",
        Ok(()) => CLOSED,
        Err(cut) => cut.reason(),
    };
    let told = match ended {
        Ok(()) => None,
        Err(cut) => cut.told(flow).await,
    };
    up.end(flow, reason);
    down.end(flow, reason);
    // Why its client was stopped is nothing to an upstream.
    let outward = told.as_ref().map(|(code, reason)| match *code {
        POLICY => (POLICY, String::new()),
        code => (code, reason.clone()),
    });
    let leave = async {
        let mask = flow.mask();
        tokio::join!(
            take_leave(down, told.as_ref(), None, &mut client_out, &mut client_in),
            take_leave(up, outward.as_ref(), Some(mask), &mut server_out, &mut server_in)
        )
    };
    let _ = timeout(limits::WEBSOCKET_FAREWELL, leave).await;
}

/// Carries one direction to its end.
async fn carry(
    flow: &Arc<Flow>,
    track: &mut Track,
    clock: &Clock,
    from: &mut (impl AsyncRead + Unpin),
    to: &mut (impl AsyncWrite + Unpin),
) -> Result<(), Cut> {
    let mut said = false;
    loop {
        let fed = track.feed().await;
        pass(flow, track, clock, to).await?;
        fed.map_err(|halt| track.halted(flow, halt))?;
        if track.is_closed() && !std::mem::replace(&mut said, true) {
            clock.half();
        }
        if next(flow, track, clock, from, to).await? == 0 {
            break;
        }
        clock.moved();
    }
    if !said {
        clock.half();
    }
    // An end that is gone is noticed where it is read.
    let _ = to.shutdown().await;
    Ok(())
}

/// Reads what comes next; zero at the end. What is settled of a response leaves when nothing comes for a while.
async fn next(
    flow: &Arc<Flow>,
    track: &mut Track,
    clock: &Clock,
    from: &mut (impl AsyncRead + Unpin),
    to: &mut (impl AsyncWrite + Unpin),
) -> Result<usize, Cut> {
    let waits = match track.direction {
        Direction::Response => track.is_within(),
        // A slow sender must not win a release of what its decision would stop.
        Direction::Request => false,
    };
    if waits {
        match timeout(flow.shared().hold_idle, track.fill(from)).await {
            Ok(read) => return read.map_err(|_| Cut::Failed),
            Err(_) => {
                let fed = track.idle();
                pass(flow, track, clock, to).await?;
                fed.map_err(|halt| track.halted(flow, halt))?;
            }
        }
    }
    track.fill(from).await.map_err(|_| Cut::Failed)
}

/// Writes what may leave, once what it follows from is on record.
async fn pass(
    flow: &Arc<Flow>,
    track: &mut Track,
    clock: &Clock,
    to: &mut (impl AsyncWrite + Unpin),
) -> Result<(), Cut> {
    let _leave = match track.note(flow) {
        Some(record) => Some(flow.shared().permit(record).await.map_err(|_| Cut::Unrecorded)?),
        None => None,
    };
    if track.out.is_empty() {
        return Ok(());
    }
    while !track.out.is_empty() {
        // What is written is taken off at once: whoever goes on after this knows where a frame is cut.
        match to.write_buf(&mut track.out).await {
            Ok(1..) => clock.moved(),
            Ok(0) | Err(_) => return Err(Cut::Failed),
        }
    }
    // Nothing is kept while nothing comes.
    track.out = BytesMut::new();
    to.flush().await.map_err(|_| Cut::Failed)
}

/// Ends one side: the rest of a frame that was under way, why it is over, and then what is still coming is thrown away,
/// since closing over it would take the last words with it.
async fn take_leave(
    track: &mut Track,
    told: Option<&(u16, String)>,
    mask: Option<[u8; 4]>,
    to: &mut (impl AsyncWrite + Unpin),
    from: &mut (impl AsyncRead + Unpin),
) {
    if let Some((code, reason)) = told {
        if !track.is_closed() {
            let payload = [&code.to_be_bytes()[..], reason.as_bytes()].concat();
            let most = usize::try_from(limits::WEBSOCKET_CONTROL).unwrap_or_default();
            let payload = payload.get(..payload.len().min(most)).unwrap_or_default();
            let head = Head { last: true, compressed: false, kind: Kind::Close, mask, length: 0 };
            frame::write(head, payload, &mut track.out);
        }
        let _ = to.write_all(&track.out).await;
    }
    let _ = to.shutdown().await;
    let mut sink = [0u8; 4096];
    let mut left = limits::REFUSED_DRAIN_BYTES;
    while let Ok(read @ 1..) = from.read(&mut sink).await {
        left = left.saturating_sub(read);
        if left == 0 {
            break;
        }
    }
}
