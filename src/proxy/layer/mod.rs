//! The layers of the stack: each does one thing to a request on its way down or to its response on the way up.
//!
//! May import what `proxy` may. Invariant: a layer either passes its message on or answers with a [`Refusal`];
//! only [`Answer`] makes replies.

mod admit;
mod answer;
mod forward;
mod inspect;
mod recognise;

pub(super) use admit::Admit;
pub(super) use answer::{Answer, ReplyBody};
pub(super) use forward::Forward;
pub(super) use inspect::Inspect;
pub(super) use recognise::{Proven, Recognise};

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use http::Request;
use http::request::Parts;

use super::body::Gated;
use super::exchange::{Client, Flow, Refusal};
use super::incoming::ClientBody;

/// A request as its protocol hands it over.
pub(super) struct Arrival {
    pub(super) client: Arc<Client>,
    pub(super) request: Request<ClientBody>,
}

/// A request whose destination is known.
pub(super) struct Admitted {
    flow: Arc<Flow>,
    parts: Parts,
    body: ClientBody,
}

/// A request that may leave, its body behind an inspector.
pub(super) struct Outbound {
    parts: Parts,
    body: Gated<ClientBody>,
}

/// Refusals are rare and large: results stay small.
type Boxed<T> = Pin<Box<dyn Future<Output = Result<T, Box<Refusal>>> + Send>>;
