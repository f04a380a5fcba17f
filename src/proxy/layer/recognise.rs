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
        }
    }
}
