//! The JSON API of the admin listener, under `/api/v1`: overlays, policy, reload, status.
//!
//! Invariants: every change has the token and the name of who makes it, and is on record before it holds; bodies are
//! bounded; what is refused comes as problem details.

mod denied;
mod keeper;
pub(super) mod problem;
mod written;

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Body;
use serde_json::{Value, json};

use crate::audit::Audit;
use crate::inspect::Engine;
use crate::limits;
use arc_swap::ArcSwap;

use denied::Denied;
pub use keeper::{Actor, Keeper, KeeperConfig, KeptError};
use problem::{Problem, json as answer};

/// What the API can ask of the gate that it belongs to.
pub trait Control: Send + Sync + fmt::Debug {
    /// Reads the configuration again, all or nothing. It takes a moment, and blocks.
    fn reload(&self, actor: &Actor) -> Result<Value, Unloaded>;
    /// What holds now.
    fn policy(&self) -> Value;
    /// What destinations negotiated since the start.
    fn posture(&self) -> Value;
    /// How the gate is doing.
    fn status(&self) -> Value;
}

/// Why a configuration is not in force.
#[derive(Debug)]
pub enum Unloaded {
    /// What is wrong with it, complaint by complaint.
    Wrong(Vec<Value>),
    /// Nothing is wrong with it, but the change could not be put on record.
    Unrecorded(&'static str),
}

/// What answers below `/api/v1`.
#[derive(Debug)]
pub struct Api {
    keeper: Arc<Keeper>,
    control: Arc<dyn Control>,
    engine: Arc<ArcSwap<Engine>>,
    denied: Denied,
}

/// The header that names who makes a change.
const ACTOR: &str = "tidegate-actor";
const ROOT: &str = "/api/v1";

/// What a path below the root stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Resource<'a> {
    Overlays,
    Overlay(&'a str),
    Policy,
    Posture,
    Reload,
    Status,
}

impl<'a> Resource<'a> {
    fn of(path: &'a str) -> Option<Resource<'a>> {
        let below = path.strip_prefix(ROOT)?.strip_prefix('/')?;
        Some(match below {
            "overlays" => Resource::Overlays,
            "policy" => Resource::Policy,
            "posture" => Resource::Posture,
            "reload" => Resource::Reload,
            "status" => Resource::Status,
            other => match other.strip_prefix("overlays/") {
                Some(id) if !id.is_empty() && !id.contains('/') => Resource::Overlay(id),
                Some(_) | None => return None,
            },
        })
    }

    /// The word in records.
    const fn as_str(self) -> &'static str {
        match self {
            Resource::Overlays | Resource::Overlay(_) => "overlays",
            Resource::Policy => "policy",
            Resource::Posture => "posture",
            Resource::Reload => "reload",
            Resource::Status => "status",
        }
    }
}

impl Api {
    #[must_use]
    pub fn new(
        keeper: Arc<Keeper>,
        control: Arc<dyn Control>,
        engine: Arc<ArcSwap<Engine>>,
        audit: Audit,
    ) -> Api {
        Api { keeper, control, engine, denied: Denied::new(audit) }
    }

    /// Whether a path is answered here.
    pub(super) fn owns(path: &str) -> bool {
        path.strip_prefix("/api").is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }

    /// Leaves word of a try without the token.
    pub(super) fn denied(&self, from: IpAddr, method: &Method, path: &str) {
        let known = ["GET", "HEAD", "POST", "DELETE", "PUT", "PATCH"];
        let method = known.into_iter().find(|known| *known == method.as_str()).unwrap_or("other");
        self.denied.note(from, method, Resource::of(path).map_or("other", Resource::as_str));
    }

    pub(super) async fn answer<B>(&self, from: IpAddr, request: Request<B>) -> Response<Full<Bytes>>
    where
        B: Body<Data = Bytes, Error: std::error::Error + Send + Sync + 'static>,
    {
        match self.done(from, request).await {
            Ok(response) => response,
            Err(problem) => problem.response(),
        }
    }

    async fn done<B>(&self, from: IpAddr, request: Request<B>) -> Result<Response<Full<Bytes>>, Problem>
    where
        B: Body<Data = Bytes, Error: std::error::Error + Send + Sync + 'static>,
    {
        let (parts, body) = request.into_parts();
        let resource = Resource::of(parts.uri.path()).ok_or_else(Problem::nothing_here)?;
        let reads = matches!(parts.method, Method::GET | Method::HEAD);
        match (resource, &parts.method) {
            (Resource::Overlays, _) if reads => {
                Ok(answer(StatusCode::OK, &json!({ "overlays": self.keeper.list() })))
            }
            (Resource::Overlays, &Method::POST) => {
                let actor = self.actor(from, &parts.headers)?;
                is_json(&parts.headers)?;
                let asked = serde_json::from_slice(&collect(body).await?).map_err(|error| {
                    let why = self.cleanse(&format!("the body is not an overlay: {error}"));
                    Problem::new(StatusCode::BAD_REQUEST, "malformed", why)
                })?;
                let made = self.keeper.add(asked, &actor).await?;
                let mut response = answer(StatusCode::CREATED, &made);
                let id = made.get("id").and_then(Value::as_str).unwrap_or_default();
                if let Ok(at) = HeaderValue::from_str(&format!("{ROOT}/overlays/{id}")) {
                    response.headers_mut().insert(header::LOCATION, at);
                }
                Ok(response)
            }
            (Resource::Overlays, _) => Err(Problem::method("GET, HEAD, POST")),
            (Resource::Overlay(id), _) if reads => {
                let overlay = self.keeper.get(id).ok_or_else(Problem::nothing_here)?;
                Ok(answer(StatusCode::OK, &overlay))
            }
            (Resource::Overlay(id), &Method::DELETE) => {
                let actor = self.actor(from, &parts.headers)?;
                Ok(answer(StatusCode::OK, &self.keeper.remove(id, &actor).await?))
            }
            (Resource::Overlay(_), _) => Err(Problem::method("GET, HEAD, DELETE")),
            (Resource::Reload, &Method::POST) => self.reload(self.actor(from, &parts.headers)?).await,
            (Resource::Reload, _) => Err(Problem::method("POST")),
            (Resource::Policy, _) if reads => Ok(answer(StatusCode::OK, &self.control.policy())),
            (Resource::Posture, _) if reads => Ok(answer(StatusCode::OK, &self.control.posture())),
            (Resource::Status, _) if reads => Ok(answer(StatusCode::OK, &self.control.status())),
            (Resource::Policy | Resource::Posture | Resource::Status, _) => Err(Problem::method("GET, HEAD")),
        }
    }

    async fn reload(&self, actor: Actor) -> Result<Response<Full<Bytes>>, Problem> {
        let control = Arc::clone(&self.control);
        let reloaded = tokio::task::spawn_blocking(move || control.reload(&actor)).await;
        match reloaded {
            Ok(Ok(loaded)) => Ok(answer(StatusCode::OK, &loaded)),
            Ok(Err(Unloaded::Unrecorded(why))) => Err(Problem::not_kept(why)),
            Ok(Err(Unloaded::Wrong(complaints))) => {
                let why = format!("{} complaints; what was in force stays", complaints.len());
                Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "configuration", why).with(complaints))
            }
            Err(_) => Err(Problem::not_kept("the reload broke off; what was in force stays")),
        }
    }

    fn cleanse(&self, text: &str) -> String {
        self.engine.load().matcher.cleanse(text)
    }

    fn actor(&self, from: IpAddr, headers: &HeaderMap) -> Result<Actor, Problem> {
        let said = headers.get(ACTOR).and_then(|value| value.to_str().ok()).map(str::trim);
        let said = said.filter(|said| !said.is_empty() && said.len() <= limits::OVERLAY_TEXT);
        match said {
            Some(said) => Ok(Actor { name: self.cleanse(said), from: Some(from) }),
            None => Err(Problem::new(
                StatusCode::BAD_REQUEST,
                "actor",
                format!("a change needs the name of who makes it: {ACTOR}: NAME"),
            )),
        }
    }
}

fn is_json(headers: &HeaderMap) -> Result<(), Problem> {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    match kind.eq_ignore_ascii_case("application/json") {
        true => Ok(()),
        false => Err(Problem::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "media-type",
            "expected content-type: application/json",
        )),
    }
}

async fn collect<B>(body: B) -> Result<Bytes, Problem>
where
    B: Body<Data = Bytes, Error: std::error::Error + Send + Sync + 'static>,
{
    match Limited::new(body, limits::ADMIN_BODY).collect().await {
        Ok(whole) => Ok(whole.to_bytes()),
        Err(error) if error.is::<http_body_util::LengthLimitError>() => Err(Problem::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "too-large",
            format!("a body holds at most {} bytes", limits::ADMIN_BODY),
        )),
        Err(_) => Err(Problem::new(StatusCode::BAD_REQUEST, "malformed", "the body broke off")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_name_resources() {
        let cases = [
            ("/api/v1/overlays", Some(Resource::Overlays)),
            ("/api/v1/overlays/ov-1", Some(Resource::Overlay("ov-1"))),
            ("/api/v1/overlays/", None),
            ("/api/v1/overlays/a/b", None),
            ("/api/v1/reload", Some(Resource::Reload)),
            ("/api/v1/policies", None),
            ("/api/v2/policy", None),
            ("/api", None),
        ];
        for (path, expected) in cases {
            assert_eq!(Resource::of(path), expected, "{path}");
            assert!(Api::owns(path), "{path}");
        }
        assert!(!Api::owns("/apis") && !Api::owns("/livez"));
    }
}
