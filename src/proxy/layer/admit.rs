//! Admits what is a request, for one destination, in a protocol that is carried.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::header::{self, HeaderMap};
use http::request::Parts;
use http::{Method, StatusCode, Version};
use hyper::body::Body;
use tower::Service;

use super::{Admitted, Arrival};
use crate::limits;
use crate::proxy::exchange::{Client, Flow, Refusal, Spoken};
use crate::proxy::guard;
use crate::proxy::headers;
use crate::proxy::meters;
use crate::proxy::names::NameError;
use crate::proxy::reply::Problem;

/// The layer that turns an [`Arrival`] into an [`Admitted`].
#[derive(Clone, Copy, Debug)]
pub(in crate::proxy) struct Admit<S> {
    inner: S,
}

impl<S> Admit<S> {
    pub(in crate::proxy) fn new(inner: S) -> Self {
        Admit { inner }
    }
}

impl<S> Service<Arrival> for Admit<S>
where
    S: Service<Admitted, Error = Box<Refusal>>,
    S::Future: Unpin,
{
    type Response = S::Response;
    type Error = Box<Refusal>;
    type Future = Admission<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, arrival: Arrival) -> Self::Future {
        if let Some(refusal) = arrival.client.guard.refusal_of(&arrival.request) {
            return Admission::Refused(Some(Box::new(misframed(&arrival.client, refusal))));
        }
        let (parts, body) = arrival.request.into_parts();
        let (flow, named) = Flow::begin(&arrival.client, &parts);
        match admit(&flow, named, &parts) {
            Ok(()) => Admission::Admitted(self.inner.call(Admitted { flow, parts, body })),
            Err(refusal) => {
                // Of what follows a CONNECT nobody knows whether it is meant for a tunnel.
                let close = !body.is_end_stream() || parts.method == Method::CONNECT;
                Admission::Refused(Some(Box::new(Refusal { close, ..refusal })))
            }
        }
    }
}

/// The head that was served stands in for one that nobody may act on.
fn misframed(client: &Arc<Client>, refusal: guard::Refusal) -> Refusal {
    meters::refused(refusal.as_str());
    let problem = match refusal {
        guard::Refusal::HeadTimeout => Problem::ClientTimeout,
        refusal => Problem::Framing(refusal),
    };
    Flow::unread(client).refuse(problem, &format!("client sent a request that is refused: {refusal}"))
}

fn admit(flow: &Flow, named: Result<(), NameError>, parts: &Parts) -> Result<(), Refusal> {
    if let Some(refusal) = overfull(flow, parts) {
        meters::refused(refusal.as_str());
        return Err(flow.refuse(
            Problem::Framing(refusal),
            &format!("client sent a request that is refused: {refusal}"),
        ));
    }
    let says_host = parts.headers.contains_key(header::HOST)
        || (parts.version == Version::HTTP_2 && parts.uri.authority().is_some());
    let missing = parts.version >= Version::HTTP_11 && !says_host;
    let named = if missing { Err(NameError::MissingHost) } else { named };
    named.map_err(|error| {
        meters::refused(error.as_str());
        let problem = match error.status() {
            StatusCode::MISDIRECTED_REQUEST => Problem::Misdirected,
            _ => Problem::Malformed,
        };
        flow.refuse(problem, &error.to_string())
    })?;
    if flow.websocket.is_none() && wants_upgrade(&parts.headers) {
        meters::refused("upgrade");
        return Err(
            flow.refuse(Problem::Upgrade, "client asked for a change of protocol that is not carried")
        );
    }
    if headers::ends_here(&parts.method, &parts.headers) {
        meters::refused("max_forwards");
        return Err(flow.refuse(Problem::LastHop, "request may go no further than here (Max-Forwards: 0)"));
    }
    Ok(())
}

/// What the engine of HTTP/2 lets pass of a head, where the guard in front of HTTP/1 would not.
fn overfull(flow: &Flow, parts: &Parts) -> Option<guard::Refusal> {
    match flow.client.spoken {
        Spoken::Http1 => None,
        // Crumbs of cookies become one field.
        Spoken::Http2 if fields(&parts.headers) > limits::HEAD_FIELDS => Some(guard::Refusal::TooManyFields),
        Spoken::Http2 => {
            let lengths = parts.headers.get_all(header::CONTENT_LENGTH).iter().count();
            (lengths > 1).then_some(guard::Refusal::DuplicateContentLength)
        }
    }
}

/// Header fields, all cookies counting as one.
fn fields(fields: &HeaderMap) -> usize {
    let cookies = fields.get_all(header::COOKIE).iter().count();
    fields.len() - cookies.saturating_sub(1)
}

/// Whether another protocol is asked for; `h2c` alone is an offer that is simply not taken (RFC 9113, section 3.1).
fn wants_upgrade(fields: &HeaderMap) -> bool {
    let words = |name| {
        fields
            .get_all(name)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(','))
            .map(str::trim)
    };
    words(header::CONNECTION).any(|word| word.eq_ignore_ascii_case("upgrade"))
        && words(header::UPGRADE).any(|word| !word.is_empty() && !word.eq_ignore_ascii_case("h2c"))
}

/// A request that went on, or the refusal that it met.
pub(in crate::proxy) enum Admission<F> {
    Admitted(F),
    Refused(Option<Box<Refusal>>),
}

impl<F, T> Future for Admission<F>
where
    F: Future<Output = Result<T, Box<Refusal>>> + Unpin,
{
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        match self.get_mut() {
            Admission::Admitted(future) => Pin::new(future).poll(cx),
            Admission::Refused(refusal) => {
                refusal.take().map_or(Poll::Pending, |refusal| Poll::Ready(Err(refusal)))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_change_of_protocol_is_refused() {
        let cases: [(&[(&str, &str)], bool); 5] = [
            (&[("connection", "keep-alive, Upgrade"), ("upgrade", "websocket")], true),
            (&[("connection", "upgrade"), ("upgrade", "h2c, foo/2")], true),
            (&[("connection", "Upgrade, HTTP2-Settings"), ("upgrade", "h2c")], false),
            (&[("upgrade", "websocket")], false),
            (&[("connection", "keep-alive")], false),
        ];
        for (fields, expected) in cases {
            let map = fields
                .iter()
                .map(|(name, value)| (name.parse::<header::HeaderName>().unwrap(), value.parse().unwrap()))
                .collect();
            assert_eq!(wants_upgrade(&map), expected, "{fields:?}");
        }
    }
}
