//! Sends a request on: an upstream connection first, then the leave that a record gives, then the bytes.

use std::sync::Arc;
use std::task::{Context, Poll};

use http::{Request, Response, StatusCode};
use tower::Service;

use super::{Boxed, Outbound};
use crate::audit::{Dialled, Kind};
use crate::flow::{Direction, Scheme, Side};
use crate::policy::Action;
use crate::proxy::body::Gated;
use crate::proxy::exchange::{Fault, Flow, Recording, Refusal, Spoken};
use crate::proxy::incoming::ClientBody;
use crate::proxy::meters;
use crate::proxy::patience::is_watch;
use crate::proxy::reply::Problem;
use crate::proxy::upstream::{self, Asked, SendError, UpstreamBody, UpstreamError};

/// The innermost service.
#[derive(Clone, Copy, Debug)]
pub(in crate::proxy) struct Forward;

impl Service<Outbound> for Forward {
    type Response = Response<UpstreamBody>;
    type Error = Box<Refusal>;
    type Future = Boxed<Response<UpstreamBody>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, outbound: Outbound) -> Self::Future {
        Box::pin(forward(outbound))
    }
}

async fn forward(outbound: Outbound) -> Result<Response<UpstreamBody>, Box<Refusal>> {
    let Outbound { mut parts, mut body } = outbound;
    let flow = Arc::clone(body.flow());
    let acquired = match &flow.destination {
        Some(destination) => {
            // In clear text there is nothing to wait for.
            let plain = destination.scheme == Scheme::Http;
            if let Some(why) = plain.then(|| flow.unprotected(None)).flatten() {
                return Err(Box::new(unprotected(&flow, body, why)));
            }
            let via = flow.client.peer.original;
            // In TLS a WebSocket is asked for in HTTP/1.1, which nearly every origin takes it in.
            let spoken = if flow.websocket.is_some() && !plain { Spoken::Http1 } else { flow.client.spoken };
            let owner = flow.client.owner(&parts.headers);
            let mut asked =
                Asked { destination, tenant: flow.tenant(), via, owner, route: Some(&flow.client.route) };
            if owner.is_none() && flow.shared().upstreams.is_strained(&asked) {
                asked.owner = Some(flow.client.own());
            }
            flow.shared().upstreams.acquire_at(&asked, spoken).await
        }
        None => return Err(Box::new(flow.refuse(Problem::Malformed, "request names no destination"))),
    };
    let lease = match acquired {
        Ok(lease) => lease,
        Err(error) => {
            let (mut refusal, kind, action) = unreachable(&flow, &error);
            refusal.close = !body.is_read_whole();
            refusal.decision_id = body.decision_id();
            let answer = refusal.problem.status();
            refusal.record = Recording::OnItsWay(body.refused(kind, action, answer, refusal.detail.clone()));
            return Err(Box::new(refusal));
        }
    };
    let peer = lease.peer();
    flow.dialled(Dialled { address: peer.address.ip(), tls: peer.tls_version, proven: lease.is_proven() });
    if let Some(why) = flow.unprotected(peer.tls_version) {
        lease.give_back();
        return Err(Box::new(unprotected(&flow, body, why)));
    }
    let whole = body.is_read_whole();
    if body.admit().await.is_err() {
        lease.give_back();
        let refusal = Refusal::unrecorded(&flow, Direction::Request);
        return Err(Box::new(Refusal { close: !whole, ..refusal }));
    }
    flow.awaits_response(true);
    let watch = is_watch(&parts.uri);
    let answer = match &flow.websocket {
        Some(asked) => {
            asked.opening.ask(&mut parts.headers);
            Box::pin(lease.switch(Request::from_parts(parts, body), &asked.switched)).await
        }
        None => lease.send(Request::from_parts(parts, body), flow.interim.as_ref()).await,
    };
    flow.awaits_response(false);
    if let Ok(response) = &answer {
        flow.answered();
        // Until it ends, its client has nothing to say, either.
        flow.client.silent_for(flow.shared().upstreams.patience().of(watch, response.headers()));
    }
    answer.map_err(|error| Box::new(broke_off(&flow, whole, &error)))
}

/// The refusal of a connection that is protected too little. Nothing of the request has left.
fn unprotected(flow: &Flow, body: Gated<ClientBody>, why: String) -> Refusal {
    meters::upstream_failed("unprotected");
    let mut refusal = flow.refuse(Problem::Upstream("tls_protocol_error"), &why);
    refusal.close = !body.is_read_whole();
    refusal.decision_id = body.decision_id();
    let answer = refusal.problem.status();
    refusal.record = Recording::OnItsWay(body.refused(Kind::Decision, Some(Action::Block), answer, why));
    refusal
}

/// The refusal for an upstream that cannot be had, and what the request's record says of it. What the gate itself
/// will not dial or trust is a decision; what simply failed is an end.
fn unreachable(flow: &Flow, error: &UpstreamError) -> (Refusal, Kind, Option<Action>) {
    meters::upstream_failed(error.as_str());
    let word = error.proxy_status();
    let (problem, kind, action) = match error {
        UpstreamError::Address { .. } => (Problem::AddressDenied, Kind::Decision, Some(Action::Block)),
        UpstreamError::Tls { source, .. } => {
            meters::handshake_failed(Side::Upstream, source.fault.as_str());
            (Problem::Upstream(word), Kind::Decision, Some(Action::Block))
        }
        UpstreamError::TlsTimeout { .. } => {
            meters::handshake_failed(Side::Upstream, "timeout");
            (Problem::UpstreamTimeout(word), Kind::End, None)
        }
        UpstreamError::Resolve { .. } | UpstreamError::Connect { .. } | UpstreamError::Busy { .. } => {
            (failed(error.status(), word), Kind::End, None)
        }
    };
    (flow.refuse(problem, &error.to_string()), kind, action)
}

fn failed(status: StatusCode, word: &'static str) -> Problem {
    match status {
        StatusCode::GATEWAY_TIMEOUT => Problem::UpstreamTimeout(word),
        _ => Problem::Upstream(word),
    }
}

/// The refusal for an exchange that broke off before its response: the request's own end explains it first.
fn broke_off(flow: &Flow, whole: bool, error: &SendError) -> Refusal {
    let refusal = match flow.take_fault() {
        Some(Fault::Stopped(stopped)) => {
            let refusal = Refusal::stopped(Direction::Request, stopped);
            Refusal { upstream_received: true, ..refusal }
        }
        Some(Fault::Unrecorded) => {
            let refusal = Refusal::unrecorded(flow, Direction::Request);
            Refusal { upstream_received: true, ..refusal }
        }
        Some(Fault::Broken(broken)) => {
            let problem = if broken.timed_out { Problem::ClientTimeout } else { Problem::Malformed };
            let refusal = flow.refuse(problem, &format!("request body broke off: {}", broken.why));
            // The body left its record when it broke.
            Refusal { upstream_received: true, record: Recording::Done, ..refusal }
        }
        None => unanswered(flow, error),
    };
    Refusal { close: refusal.close || !whole, ..refusal }
}

/// The refusal for an upstream that took a request and gave no response.
fn unanswered(flow: &Flow, error: &SendError) -> Refusal {
    meters::upstream_failed(error.fault.as_str());
    if matches!(error.fault, upstream::Fault::NeedsCertificate) {
        meters::handshake_failed(Side::Upstream, error.fault.as_str());
    }
    let problem = failed(error.status(), error.proxy_status());
    let refusal = flow.refuse_response(problem, &error.to_string());
    Refusal { upstream_received: error.sent, ..refusal }
}
