//! What the admin listener answers.

use std::net::IpAddr;
use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::Full;
use hyper::body::Body;

use super::access::{Access, Refusal};
use super::api::Api;
use super::api::problem::Problem;
use super::{Health, Level, Meter};

pub(super) struct Pages {
    access: Access,
    health: Arc<Health>,
    meter: Meter,
    api: Option<Arc<Api>>,
}

const TEXT: &str = "text/plain; charset=utf-8";
/// Prometheus' text format, version 0.0.4.
const METRICS: &str = "text/plain; version=0.0.4; charset=utf-8";
const JSON: &str = "application/json";

impl Pages {
    pub(super) fn new(access: Access, health: Arc<Health>, meter: Meter, api: Option<Arc<Api>>) -> Pages {
        Pages { access, health, meter, api }
    }

    /// `peer` and `local` are the two ends of the connection.
    pub(super) async fn answer<B>(
        &self,
        peer: IpAddr,
        local: IpAddr,
        request: Request<B>,
    ) -> Response<Full<Bytes>>
    where
        B: Body<Data = Bytes, Error: std::error::Error + Send + Sync + 'static>,
    {
        let (path, headers) = (request.uri().path(), request.headers());
        let reads = matches!(*request.method(), Method::GET | Method::HEAD);
        let api = self.api.as_ref().filter(|_| Api::owns(path));
        if let Err(refusal) = self.access.judge(peer, local, request.uri(), headers, api.is_some() && !reads)
        {
            if let (Refusal::Token, Some(api)) = (refusal, &self.api) {
                api.denied(peer, request.method(), path);
            }
            return match api {
                Some(_) => Problem::denied(refusal.status(), refusal.message()).response(),
                None => reply(refusal.status(), TEXT, refusal.message()),
            };
        }
        match api {
            Some(api) => api.answer(peer, request).await,
            None => self.page(&request),
        }
    }

    fn page<B>(&self, request: &Request<B>) -> Response<Full<Bytes>> {
        // hyper leaves the body of an answer to HEAD out.
        if !matches!(*request.method(), Method::GET | Method::HEAD) {
            let mut response = reply(StatusCode::METHOD_NOT_ALLOWED, TEXT, "GET and HEAD only\n");
            response.headers_mut().insert(header::ALLOW, HeaderValue::from_static("GET, HEAD"));
            return response;
        }
        match request.uri().path() {
            "/livez" => reply(StatusCode::OK, TEXT, "ok\n"),
            "/readyz" => self.ready(request.uri().query()),
            "/metrics" => reply(StatusCode::OK, METRICS, self.meter.render()),
            "/version" => reply(StatusCode::OK, JSON, version()),
            _ => reply(StatusCode::NOT_FOUND, TEXT, "there are /livez /readyz /metrics /version /api/v1/…\n"),
        }
    }

    fn ready(&self, query: Option<&str>) -> Response<Full<Bytes>> {
        let checks = self.health.checks();
        let is_ready = checks.iter().all(|check| check.level < Level::Failed);
        let status = if is_ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
        let verbose =
            query.into_iter().flat_map(|query| query.split('&')).any(|pair| pair.starts_with("verbose"));
        let mut text = String::new();
        // What failed is said in any case: a probe's log is where people look first.
        for check in checks.iter().filter(|check| verbose || check.level == Level::Failed) {
            text.push_str(&format!("{check}\n"));
        }
        text.push_str(if is_ready { "ready\n" } else { "not ready\n" });
        reply(status, TEXT, text)
    }
}

fn version() -> String {
    let version = serde_json::json!({ "name": env!("CARGO_PKG_NAME"), "version": env!("CARGO_PKG_VERSION") });
    format!("{version}\n")
}

fn reply(status: StatusCode, kind: &'static str, text: impl Into<Bytes>) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(text.into()));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}
