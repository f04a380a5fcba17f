//! HTTP collectors: Splunk, Datadog, and webhooks that take CloudEvents. One request a batch over a kept connection; an
//! answer of 2xx is what acknowledges it.

use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HOST, HeaderName, HeaderValue, USER_AGENT};
use hyper::{Method, Request, StatusCode};
use hyper_util::rt::TokioIo;
use jiff::Timestamp;
use ring::hmac;
use serde_json::{Value, json};
use tokio::task::JoinHandle;
use tokio::time::timeout;
use zeroize::Zeroizing;

use crate::limits;
use crate::sink::connect::connect;
use crate::sink::transport::{Delivered, Event, SendError};
use crate::sink::{Server, Target};
use crate::tls::UpstreamTls;

const DD_API_KEY: HeaderName = HeaderName::from_static("dd-api-key");
const SIGNATURE: HeaderName = HeaderName::from_static("tidegate-signature");

pub(super) struct Http {
    target: Target,
    secret: Option<Arc<Zeroizing<String>>>,
    node: String,
    open: Option<Open>,
}

/// A connection and the task that drives it.
struct Open {
    requests: SendRequest<Full<Bytes>>,
    driver: JoinHandle<()>,
}

impl Drop for Open {
    fn drop(&mut self) {
        self.driver.abort();
    }
}

impl fmt::Debug for Http {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Http").field("target", &self.target).finish_non_exhaustive()
    }
}

impl Http {
    pub(super) fn new(target: Target, secret: Option<Arc<Zeroizing<String>>>, node: &str) -> Http {
        Http { target, secret, node: node.to_owned(), open: None }
    }

    pub(super) async fn send(&mut self, batch: &[Event], tls: &UpstreamTls) -> Result<Delivered, SendError> {
        let sent = timeout(limits::SINK_TIMEOUT, self.exchange(batch, tls)).await;
        let status = match sent {
            Ok(Ok(status)) => status,
            Ok(Err(error)) => {
                self.open = None;
                return Err(error.into());
            }
            Err(_) => {
                self.open = None;
                return Err(io::Error::new(io::ErrorKind::TimedOut, "the receiver does not answer").into());
            }
        };
        match status {
            status if status.is_success() => Ok(Delivered::All),
            StatusCode::PAYLOAD_TOO_LARGE => Err(SendError::TooLarge),
            status => Err(SendError::Refused(status.as_u16())),
        }
    }

    async fn exchange(&mut self, batch: &[Event], tls: &UpstreamTls) -> io::Result<StatusCode> {
        let Some((server, path)) = self.place() else { return Ok(StatusCode::OK) };
        let request = self.request(batch, &server, &path)?;
        let mut open = match self.open.take().filter(|open| !open.requests.is_closed()) {
            Some(open) => open,
            None => {
                let stream = connect(&server, tls).await?;
                let (requests, connection) =
                    handshake(TokioIo::new(stream)).await.map_err(io::Error::other)?;
                // Its end is seen by the next request.
                Open { requests, driver: tokio::spawn(async move { drop(connection.await) }) }
            }
        };
        open.requests.ready().await.map_err(io::Error::other)?;
        let response = open.requests.send_request(request).await.map_err(io::Error::other)?;
        let status = response.status();
        // Read to its end so that the connection can be used again; what it says is not needed.
        let body = Limited::new(response.into_body(), limits::SINK_ANSWER).collect().await;
        if body.is_ok() {
            self.open = Some(open);
        }
        Ok(status)
    }

    fn place(&self) -> Option<(Server, String)> {
        match &self.target {
            Target::Stdout | Target::Syslog { .. } => None,
            Target::Splunk { server, path }
            | Target::Datadog { server, path }
            | Target::Webhook { server, path } => Some((server.clone(), path.clone())),
        }
    }

    fn request(&self, batch: &[Event], server: &Server, path: &str) -> io::Result<Request<Full<Bytes>>> {
        let (media_type, body) = self.body(batch);
        let authority = format!("{}:{}", server.host, server.port);
        let mut request = Request::builder()
            .method(Method::POST)
            .uri(path)
            .header(HOST, authority)
            .header(USER_AGENT, concat!("tidegate/", env!("CARGO_PKG_VERSION")))
            .header(CONTENT_TYPE, media_type);
        if let Some(secret) = &self.secret {
            let (name, value) = match &self.target {
                Target::Splunk { .. } => (AUTHORIZATION, format!("Splunk {}", secret.as_str())),
                Target::Datadog { .. } => (DD_API_KEY, secret.to_string()),
                Target::Webhook { .. } => (SIGNATURE, signature(secret, now(), &body)),
                Target::Stdout | Target::Syslog { .. } => (AUTHORIZATION, String::new()),
            };
            let mut value = HeaderValue::from_str(&value).map_err(io::Error::other)?;
            value.set_sensitive(true);
            request = request.header(name, value);
        }
        request.body(Full::new(Bytes::from(body))).map_err(io::Error::other)
    }

    fn body(&self, batch: &[Event]) -> (&'static str, Vec<u8>) {
        match &self.target {
            Target::Splunk { .. } => {
                let body = batch.iter().flat_map(|event| self.splunk(event)).collect();
                ("application/json", body)
            }
            Target::Datadog { .. } => {
                ("application/json", list(batch.iter().map(|event| self.datadog(event))))
            }
            Target::Webhook { .. } | Target::Stdout | Target::Syslog { .. } => {
                let body = list(batch.iter().map(|event| self.cloud_event(event)));
                ("application/cloudevents-batch+json", body)
            }
        }
    }

    fn splunk(&self, event: &Event) -> Vec<u8> {
        let (seconds, micros) = (event.micros.div_euclid(1_000_000), event.micros.rem_euclid(1_000_000));
        let node = Value::from(self.node.as_str());
        let head = format!(
            "{{\"time\":{seconds}.{micros:06},\"host\":{node},\"source\":\"tidegate\",\"sourcetype\":\"tidegate:audit\",\"event\":"
        );
        [head.as_bytes(), &payload(event), b"}\n"].concat()
    }

    fn datadog(&self, event: &Event) -> Vec<u8> {
        let message = String::from_utf8_lossy(&event.text);
        let tags = format!("kind:{},action:{}", event.kind, event.action.as_deref().unwrap_or("none"));
        json!({
            "ddsource": "tidegate", "service": "tidegate", "hostname": self.node, "ddtags": tags, "message": message,
        })
        .to_string()
        .into_bytes()
    }

    fn cloud_event(&self, event: &Event) -> Vec<u8> {
        let time = Timestamp::from_microsecond(event.micros).unwrap_or(Timestamp::UNIX_EPOCH);
        let (node, kind) = (Value::from(self.node.as_str()), &event.kind);
        let source = Value::from(format!("/tidegate/{}", self.node));
        let media = if event.is_json { "application/json" } else { "text/plain" };
        let head = format!(
            "{{\"specversion\":\"1.0\",\"id\":\"{}\",\"source\":{source},\"type\":\"io.tidegate.{kind}\",\"subject\":{node},\
             \"time\":\"{time:.6}\",\"datacontenttype\":\"{media}\",\"data\":",
            event.seq
        );
        [head.as_bytes(), &payload(event), b"}"].concat()
    }
}

fn payload(event: &Event) -> Vec<u8> {
    if event.is_json {
        return event.text.clone();
    }
    Value::from(String::from_utf8_lossy(&event.text).into_owned()).to_string().into_bytes()
}

fn list(items: impl Iterator<Item = Vec<u8>>) -> Vec<u8> {
    let mut body = b"[".to_vec();
    for item in items {
        if body.len() > 1 {
            body.push(b',');
        }
        body.extend_from_slice(&item);
    }
    body.push(b']');
    body
}

fn now() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

/// `t=SECONDS,v1=HMAC-SHA-256(key, "SECONDS.BODY")`: the time is signed, so that an old request is known as one.
fn signature(key: &str, now: Duration, body: &[u8]) -> String {
    let seconds = now.as_secs();
    let key = hmac::Key::new(hmac::HMAC_SHA256, key.as_bytes());
    let tag = hmac::sign(&key, &[format!("{seconds}.").as_bytes(), body].concat());
    let hex: String = tag.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    format!("t={seconds},v1={hex}")
}
