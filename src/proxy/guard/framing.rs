//! The sequence of messages on one connection: which bytes may pass, and where the next head begins.

use super::Refusal;
use super::chunked::Chunks;
use super::section::{Facts, Kind, Method, Section};
use crate::limits;

/// Which end of a connection is being read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// Requests of a client.
    Requests,
    /// Responses of an upstream.
    Responses,
}

/// What of a request decides how the response to it is framed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Expected {
    Head,
    Connect,
    Upgrade,
    Other,
}

#[derive(Debug)]
enum State {
    Head(Section),
    Length(u64),
    Chunked(Chunks),
    Trailers(Section),
    UntilClose,
    /// After a CONNECT: nothing passes until the tunnel is granted.
    Withheld,
    Passthrough,
}

/// Fed with bytes, tells how many of them may pass. Owns no bytes and knows no sockets.
#[derive(Debug)]
pub(super) struct Framing {
    role: Role,
    state: State,
    expected: Option<Expected>,
    informational: usize,
    /// Heads and sections of trailers that ended.
    sections: u32,
}

impl Framing {
    pub(super) fn new(role: Role) -> Self {
        Framing { role, state: Self::next_head(role), expected: None, informational: 0, sections: 0 }
    }

    fn next_head(role: Role) -> State {
        State::Head(Section::new(match role {
            Role::Requests => Kind::Request,
            Role::Responses => Kind::Response,
        }))
    }

    /// How many of the leading `bytes` may pass. Zero means that more are needed before any may: the same bytes
    /// come again then, with more behind them. It may stop early; the rest is offered again.
    pub(super) fn advance(&mut self, bytes: &[u8]) -> Result<usize, Refusal> {
        match &mut self.state {
            _ if bytes.is_empty() => Ok(0),
            State::Head(section) => {
                if self.role == Role::Responses && self.expected.is_none() {
                    return Err(Refusal::Unsolicited);
                }
                let Some(length) = section.feed(bytes)? else { return Ok(0) };
                let facts = section.facts();
                self.sections = self.sections.wrapping_add(1);
                self.state = match self.role {
                    Role::Requests => Self::after_request(facts),
                    Role::Responses => self.after_response(facts)?,
                };
                Ok(length)
            }
            State::Length(left) => {
                let here = usize::try_from(*left).map_or(bytes.len(), |left| left.min(bytes.len()));
                *left -= here as u64;
                if *left == 0 {
                    self.state = Self::next_head(self.role);
                }
                Ok(here)
            }
            State::Chunked(chunks) => {
                let (length, ended) = chunks.feed(bytes)?;
                if ended {
                    self.state = State::Trailers(Section::new(Kind::Trailers));
                }
                Ok(length)
            }
            State::Trailers(section) => {
                let Some(length) = section.feed(bytes)? else { return Ok(0) };
                self.sections = self.sections.wrapping_add(1);
                self.state = Self::next_head(self.role);
                Ok(length)
            }
            State::Withheld => Ok(0),
            State::UntilClose | State::Passthrough => Ok(bytes.len()),
        }
    }

    /// RFC 9112, section 6.3, for requests.
    fn after_request(facts: Facts) -> State {
        match facts {
            Facts { method: Some(Method::Connect), .. } => State::Withheld,
            Facts { chunked: true, .. } => State::Chunked(Chunks::new()),
            Facts { content_length: Some(length @ 1..), .. } => State::Length(length),
            _ => Self::next_head(Role::Requests),
        }
    }

    /// RFC 9112, section 6.3, for responses.
    fn after_response(&mut self, facts: Facts) -> Result<State, Refusal> {
        let next = Self::next_head(Role::Responses);
        if facts.status == 101 {
            return if self.expected == Some(Expected::Upgrade) {
                Ok(State::Passthrough)
            } else {
                Err(Refusal::UnexpectedUpgrade)
            };
        }
        if facts.status < 200 {
            self.informational += 1;
            return if self.informational > limits::INFORMATIONAL_HEADS {
                Err(Refusal::TooManyInformational)
            } else {
                Ok(next)
            };
        }
        self.informational = 0;
        let expected = self.expected.take();
        Ok(match (expected, facts) {
            (Some(Expected::Connect), Facts { status: 200..=299, .. }) => State::Passthrough,
            (Some(Expected::Head), _) | (_, Facts { status: 204 | 304, .. }) => next,
            (_, Facts { chunked: true, .. }) => State::Chunked(Chunks::new()),
            (_, Facts { content_length: Some(0), .. }) => next,
            (_, Facts { content_length: Some(length), .. }) => State::Length(length),
            _ => State::UntilClose,
        })
    }

    pub(super) fn role(&self) -> Role {
        self.role
    }

    /// The request that the next response answers.
    pub(super) fn announce(&mut self, expected: Expected) {
        self.expected = Some(expected);
    }

    /// From here on everything passes: the connection speaks another protocol.
    pub(super) fn pass_through(&mut self) {
        self.state = State::Passthrough;
    }

    pub(super) fn is_passing_through(&self) -> bool {
        matches!(self.state, State::Passthrough)
    }

    /// Nothing may be read until the tunnel is granted.
    pub(super) fn is_withheld(&self) -> bool {
        matches!(self.state, State::Withheld)
    }

    /// The number of what has begun and must end in time: a head, trailers, the line of a chunk. `waits`: some of it is kept.
    pub(super) fn under_way(&self, waits: bool) -> Option<u64> {
        let line = match &self.state {
            State::Head(_) | State::Trailers(_) => waits.then_some(0),
            State::Chunked(chunks) => chunks.line(),
            State::Length(_) | State::UntilClose | State::Withheld | State::Passthrough => None,
        };
        Some(u64::from(self.sections) << 32 | u64::from(line?))
    }

    /// Whether there is more to come of a message whose head is here.
    pub(super) fn is_in_body(&self) -> bool {
        matches!(self.state, State::Length(_) | State::Chunked(_) | State::Trailers(_))
    }

    /// A head is under way or awaited.
    pub(super) fn is_in_head(&self) -> bool {
        matches!(self.state, State::Head(_))
    }
}
