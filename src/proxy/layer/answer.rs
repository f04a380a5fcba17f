//! Turns refusals into replies, each after its record is written.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Method, Request, Response, Version, header};
use http_body::{Body, Frame, SizeHint};
use tower::Service;

use super::Arrival;
use crate::proxy::body::{Aborted, Gated};
use crate::proxy::exchange::{Client, Refusal, Spoken};
use crate::proxy::headers;
use crate::proxy::upstream::UpstreamBody;

/// The outermost layer: its clients always get an answer.
#[derive(Clone, Copy, Debug)]
pub(in crate::proxy) struct Answer<S> {
    inner: S,
}

impl<S> Answer<S> {
    pub(in crate::proxy) fn new(inner: S) -> Self {
        Answer { inner }
    }
}

type Answered = Pin<Box<dyn Future<Output = Result<Response<ReplyBody>, Infallible>> + Send>>;

impl<S> Service<Arrival> for Answer<S>
where
    S: Service<Arrival, Response = Response<ReplyBody>, Error = Box<Refusal>>,
    S::Future: Send + 'static,
{
    type Response = Response<ReplyBody>;
    type Error = Infallible;
    type Future = Answered;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        // No layer below has a state that could be unready.
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, arrival: Arrival) -> Self::Future {
        let client = std::sync::Arc::clone(&arrival.client);
        let style = Style::of(&arrival.request);
        let answer = self.inner.call(arrival);
        Box::pin(async move {
            Ok(match answer.await {
                Ok(response) => response,
                Err(refusal) => reply(&client, *refusal, style).await,
            })
        })
    }
}

/// The shape in which a client can read a refusal.
#[derive(Clone, Copy, Debug)]
enum Style {
    Problem,
    /// The same to HEAD, which has no body.
    Head,
    Grpc,
}

impl Style {
    fn of<B>(request: &Request<B>) -> Style {
        let media_type = || request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        if request.version() == Version::HTTP_2
            && media_type().is_some_and(|value| headers::is_grpc(&headers::media_type(value)))
        {
            Style::Grpc
        } else if request.method() == Method::HEAD {
            Style::Head
        } else {
            Style::Problem
        }
    }
}

async fn reply(client: &Client, refusal: Refusal, style: Style) -> Response<ReplyBody> {
    let mut refusal = refusal.recorded(&client.peer.shared).await;
    match client.spoken {
        Spoken::Http1 if refusal.close => client.peer.left_unread(),
        Spoken::Http1 => {}
        // What was not read of a stream is nobody else's.
        Spoken::Http2 => refusal.close = false,
    }
    let detail = client.peer.listener.reply;
    let response = match style {
        Style::Problem => refusal.facts().response(detail, false),
        Style::Head => refusal.facts().response(detail, true),
        Style::Grpc => refusal.facts().grpc_response(detail),
    };
    response.map(|body| {
        // An empty body is none: the length of a reply to HEAD stands in its head.
        ReplyBody::Own((!body.is_empty()).then_some(body))
    })
}

/// What a client is sent.
pub(in crate::proxy) enum ReplyBody {
    /// An upstream's response, behind an inspector.
    Gated(Gated<UpstreamBody>),
    /// The gate's own words.
    Own(Option<Bytes>),
}

impl ReplyBody {
    /// Its client takes nothing of it.
    pub(in crate::proxy) fn not_taken(&self) {
        match self {
            ReplyBody::Gated(body) => body.flow().not_taken(),
            ReplyBody::Own(_) => {}
        }
    }
}

impl Body for ReplyBody {
    type Data = Bytes;
    type Error = Aborted;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Aborted>>> {
        match self.get_mut() {
            ReplyBody::Gated(body) => Pin::new(body).poll_frame(cx),
            ReplyBody::Own(body) => Poll::Ready(body.take().map(|bytes| Ok(Frame::data(bytes)))),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            ReplyBody::Gated(body) => body.is_end_stream(),
            ReplyBody::Own(body) => body.is_none(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            ReplyBody::Gated(body) => body.size_hint(),
            ReplyBody::Own(body) => SizeHint::with_exact(body.as_ref().map_or(0, |bytes| bytes.len() as u64)),
        }
    }
}
