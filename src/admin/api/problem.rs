//! Answers of the API: JSON, and what went wrong as problem details (RFC 9457).

use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header};
use http_body_util::Full;
use serde_json::{Value, json};

/// Why a request is not done.
#[derive(Debug)]
pub(in crate::admin) struct Problem {
    status: StatusCode,
    word: &'static str,
    detail: String,
    /// Each with the key that it is about.
    complaints: Vec<Value>,
    allow: Option<&'static str>,
}

impl Problem {
    pub(super) fn new(status: StatusCode, word: &'static str, detail: impl Into<String>) -> Problem {
        Problem { status, word, detail: detail.into(), complaints: Vec::new(), allow: None }
    }

    pub(super) fn with(self, complaints: Vec<Value>) -> Problem {
        Problem { complaints, ..self }
    }

    pub(super) fn method(allow: &'static str) -> Problem {
        let problem =
            Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method", format!("there is {allow} here"));
        Problem { allow: Some(allow), ..problem }
    }

    pub(super) fn nothing_here() -> Problem {
        let there = "there are /api/v1/overlays /api/v1/policy /api/v1/posture /api/v1/reload /api/v1/status";
        Problem::new(StatusCode::NOT_FOUND, "not-found", there)
    }

    /// The change could not be recorded or kept.
    pub(super) fn not_kept(why: impl Into<String>) -> Problem {
        Problem::new(StatusCode::SERVICE_UNAVAILABLE, "not-kept", why)
    }

    pub(in crate::admin) fn denied(status: StatusCode, detail: &str) -> Problem {
        Problem::new(status, "denied", detail.trim_end())
    }

    pub(in crate::admin) fn response(&self) -> Response<Full<Bytes>> {
        let mut body = json!({
            "type": format!("urn:tidegate:problem:{}", self.word),
            "title": self.status.canonical_reason(),
            "status": self.status.as_u16(),
            "detail": self.detail,
        });
        if let (false, Value::Object(body)) = (self.complaints.is_empty(), &mut body) {
            body.insert("complaints".to_owned(), self.complaints.clone().into());
        }
        let mut response = answer(self.status, &body, "application/problem+json");
        if let Some(allow) = self.allow {
            response.headers_mut().insert(header::ALLOW, HeaderValue::from_static(allow));
        }
        response
    }
}

pub(super) fn json(status: StatusCode, body: &Value) -> Response<Full<Bytes>> {
    answer(status, body, "application/json")
}

fn answer(status: StatusCode, body: &Value, kind: &'static str) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(format!("{body}\n").into()));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}
