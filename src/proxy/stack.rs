//! The stack, written once, in the order that a request meets it.

use tower::ServiceBuilder;

use super::layer::{Admit, Answer, Forward, Inspect, Recognise};

/// What serves every request of every connection. It holds nothing: what a layer needs travels with the request.
pub(super) type Stack = Answer<Recognise<Admit<Inspect<Forward>>>>;

pub(super) fn stack() -> Stack {
    ServiceBuilder::new()
        // Turns every refusal from below into a recorded reply.
        .layer_fn(Answer::new)
        // Who asks, where that must be said?
        .layer_fn(Recognise::new)
        // Framing, names and protocol: may this be a request at all, and where does it go?
        .layer_fn(Admit::new)
        // Content: the request on the way down, the response on the way up.
        .layer_fn(Inspect::new)
        // An upstream connection, the leave that a record gives, and the exchange itself.
        .service(Forward)
}
