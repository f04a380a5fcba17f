//! Asks who the client is, where its listener asks for it and requests come one by one.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::header;
use hyper::body::Body;
use tower::Service;

use super::{Arrival, Boxed};
use crate::policy::Identity;
use crate::proxy::exchange::{Flow, Refusal};
use crate::proxy::meters;
use crate::proxy::names::Entry;
use crate::proxy::peer;
use crate::proxy::reply::Problem;

/// The layer that lets nobody pass whom it does not know.
#[derive(Clone, Copy, Debug)]
pub(in crate::proxy) struct Recognise<S> {
    inner: S,
}

impl<S> Recognise<S> {
    pub(in crate::proxy) fn new(inner: S) -> Self {
        Recognise { inner }
    }
}

/// Whom a request named and proved.
#[derive(Clone)]
pub(in crate::proxy) struct Proven(pub(in crate::proxy) Arc<Identity>);

impl<S> Service<Arrival> for Recognise<S>
where
    S: Service<Arrival, Error = Box<Refusal>> + Copy + Send + 'static,
    S::Future: Unpin + Send,
{
    type Response = S::Response;
    type Error = Box<Refusal>;
    type Future = Recognition<S::Future, S::Response>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, arrival: Arrival) -> Self::Future {
        if is_forgotten(&arrival) {
            return Recognition::Refused(Some(forgotten(arrival)));
        }
        // In a tunnel its CONNECT has said it.
        let asks = arrival.client.peer.is_asked()
            && matches!(arrival.client.entry, Entry::Absolute)
            && arrival.client.guard.refusal_of(&arrival.request).is_none();
        if !asks {
            return Recognition::Unasked(self.inner.call(arrival));
        }
        let mut inner = self.inner;
        Recognition::Asked(Box::pin(async move {
            let arrival = recognise(arrival).await?;
            inner.call(arrival).await
        }))
    }
}

/// Whether a request comes from somebody who was known when the connection began, and is not any more.
fn is_forgotten(arrival: &Arrival) -> bool {
    let peer = &arrival.client.peer;
    // Nearly nobody has proved anything: those do not pay for looking.
    peer.proven.is_some()
        && peer.is_forgotten(&peer.shared.edition().engine.policy)
        && arrival.client.guard.refusal_of(&arrival.request).is_none()
}

/// It is told to connect again, where it is asked who it is.
fn forgotten(arrival: Arrival) -> Box<Refusal> {
    meters::refused(peer::FORGOTTEN);
    let (parts, _) = arrival.request.into_parts();
    let (flow, _) = Flow::begin(&arrival.client, &parts);
    Box::new(flow.refuse(
        Problem::Forgotten,
        "whom this connection was granted to is not configured any more; connect again",
    ))
}

async fn recognise(mut arrival: Arrival) -> Result<Arrival, Box<Refusal>> {
    let peer = &arrival.client.peer;
    let edition = peer.shared.edition();
    // What it says is for this proxy alone: it is neither looked at as content nor passed on.
    let field = arrival.request.headers_mut().remove(header::PROXY_AUTHORIZATION);
    let who = peer.shared.doorkeeper.recognise(&edition.engine.policy, peer.address, field.as_ref()).await;
    match who {
        Ok(who) => {
            arrival.request.extensions_mut().insert(Proven(who));
            Ok(arrival)
        }
        Err(unknown) => {
            meters::refused(unknown.as_str());
            let (parts, body) = arrival.request.into_parts();
            let (flow, _) = Flow::begin(&arrival.client, &parts);
            let refusal = flow.refuse(Problem::of(unknown), &unknown.to_string());
            Err(Box::new(Refusal { close: !body.is_end_stream(), ..refusal }))
        }
    }
}

/// A request on its way past, or being asked about first.
pub(in crate::proxy) enum Recognition<F, T> {
    Unasked(F),
    Asked(Boxed<T>),
    Refused(Option<Box<Refusal>>),
}

impl<F, T> Future for Recognition<F, T>
where
    F: Future<Output = Result<T, Box<Refusal>>> + Unpin,
{
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        match self.get_mut() {
            Recognition::Unasked(future) => Pin::new(future).poll(cx),
            Recognition::Asked(future) => future.as_mut().poll(cx),
            Recognition::Refused(refusal) => {
                refusal.take().map_or(Poll::Pending, |refusal| Poll::Ready(Err(refusal)))
            }
        }
    }
}
