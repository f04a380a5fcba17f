//! The gate's side of the self-test: synthetic values through its own listener, TLS and policy to a receiver of its own,
//! on a schedule or when asked. The outcome is in the trail.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use jiff::Timestamp;
use ring::rand::{SecureRandom, SystemRandom};
use serde_json::{Map, Value, json};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

use crate::audit::{Audit, Draft, Kind};
use crate::detect::DetectorId;
use crate::detect::sample::{Sample, Sampler};
use crate::flow::Host;
use crate::inspect::Engine;
use crate::limits;
use crate::proxy::Rehearsal;
use crate::tls::{self, Alpn, Issuer, Leaves, MinTls, RootSource, UpstreamTls};

/// File by which `tidegate selftest` asks for a run, in the audit directory.
pub(super) const REQUEST: &str = "selftest.request";

/// What a self-test needs of its gate.
pub(super) struct Rehearser {
    pub(super) audit: Audit,
    pub(super) directory: PathBuf,
    /// A listener of the gate, and what its clients trust; `None`: none can be tested through.
    pub(super) listener: Option<SocketAddr>,
    /// What it is called in the TLS that it speaks itself, if it does.
    pub(super) secured: Option<Host>,
    pub(super) issuer: PathBuf,
    pub(super) rehearsal: Arc<Rehearsal>,
    pub(super) engine: Arc<ArcSwap<Engine>>,
    /// What must not arrive.
    pub(super) identifiers: Vec<String>,
    pub(super) every: Option<Duration>,
}

type Broken = Box<dyn std::error::Error + Send + Sync>;

/// What came of one message.
struct Case {
    name: String,
    passed: bool,
    detail: Value,
}

impl Rehearser {
    /// Runs on schedule and when asked, until the task is dropped.
    pub(super) async fn keep(self) {
        let mut due = Instant::now();
        let mut last = (Instant::now(), Timestamp::now());
        loop {
            tokio::time::sleep(limits::SELFTEST_LOOK).await;
            let asked = take_request(&self.directory);
            let is_due = self.every.is_some() && Instant::now() >= due;
            if asked.is_none() && !is_due {
                continue;
            }
            if let Some(every) = self.every {
                // A test that should have been and was not: the process stood still, or the one before hung.
                if last.0.elapsed() >= every * 2 {
                    self.missed("no self-test ran in its time", last.1);
                }
                due = Instant::now() + every;
            }
            let begun = Timestamp::now();
            if timeout(limits::SELFTEST_TIME, self.run(asked.as_deref())).await.is_err() {
                self.missed("the self-test did not end in its time", begun);
            }
            last = (Instant::now(), Timestamp::now());
        }
    }

    async fn run(&self, request: Option<&str>) {
        let (cases, cause) = match self.cases().await {
            Ok(cases) => (cases, None),
            Err(error) => (Vec::new(), Some(error.to_string())),
        };
        let passed = cause.is_none() && cases.iter().all(|case| case.passed);
        let failed: Vec<&str> =
            cases.iter().filter(|case| !case.passed).map(|case| case.name.as_str()).collect();
        if passed {
            tracing::info!(cases = cases.len(), "the self-test passed");
        } else {
            tracing::error!(failed = failed.join(", "), cause, "the self-test failed");
        }
        let detail = json!({
            "control": "selftest",
            "passed": passed,
            "trigger": if request.is_some() { "request" } else { "schedule" },
            "request": request,
            "cause": cause,
            "cases": cases.iter().map(|case| case.detail.clone()).collect::<Value>(),
        });
        self.record(Kind::ControlTest, detail);
    }

    fn missed(&self, cause: &str, from: Timestamp) {
        tracing::error!("{cause}");
        let until = format!("{:.6}", Timestamp::now());
        let detail =
            json!({ "control": "selftest", "cause": cause, "from": format!("{from:.6}"), "until": until });
        self.record(Kind::ControlFailure, detail);
    }

    fn record(&self, kind: Kind, detail: Value) {
        let detail = match detail {
            Value::Object(detail) => detail,
            other => Map::from_iter([("detail".to_owned(), other)]),
        };
        // Written whether or not the answer is awaited.
        drop(self.audit.submit(Draft::Event { kind, detail }));
    }

    /// The clean control, then each identifier.
    async fn cases(&self) -> Result<Vec<Case>, Broken> {
        let listener = self.listener.ok_or(
            "no listener can be tested through: each asks who its clients are, takes a PROXY protocol header or is not \
             explicit; one more on loopback, without them, can be",
        )?;
        let token = token()?;
        let host: Host = format!("{token}.selftest.invalid").parse()?;
        let receiver = Receiver::start(&self.directory, &token).await?;
        let _opened = self.rehearsal.open(host.clone(), receiver.address, Arc::clone(&receiver.trust));
        let trust = UpstreamTls::new(&[RootSource::Pem(self.issuer.clone())], MinTls::Tls12);
        let client = Client {
            listener,
            secured: self.secured.clone(),
            host,
            port: receiver.address.port(),
            trust: trust.map_err(|e| e.message)?,
        };

        let clean = format!("self-test {token}");
        let reply = client.post(&clean).await?;
        let arrived = receiver.take().iter().any(|body| contains(body, clean.as_bytes()));
        let mut cases = vec![Case {
            name: "clean control".to_owned(),
            passed: arrived && reply.status == 200,
            detail: json!({ "case": "clean", "status": reply.status, "arrived": arrived, "passed": arrived && reply.status == 200 }),
        }];
        for identifier in &self.identifiers {
            cases.push(self.dirty(identifier, &client, &receiver).await?);
        }
        Ok(cases)
    }

    /// Values of `identifier` are sent: it passes when none of them arrived.
    async fn dirty(&self, identifier: &str, client: &Client, receiver: &Receiver) -> Result<Case, Broken> {
        let failed = |why: &str| Case {
            name: identifier.to_owned(),
            passed: false,
            detail: json!({ "case": identifier, "passed": false, "why": why }),
        };
        let engine = self.engine.load_full();
        let place = engine.matcher.detectors().iter().position(|detector| detector.id == identifier);
        let Some(detector) = place.and_then(|at| u16::try_from(at).ok()).map(DetectorId) else {
            return Ok(failed("no detector of this identifier is in use"));
        };
        let mut seed = [0; 8];
        SystemRandom::new().fill(&mut seed).map_err(|_| "the system gives no random bytes")?;
        let samples: Vec<Sample> = {
            let mut sampler = Sampler::new(&engine.matcher, detector, u64::from_le_bytes(seed));
            (0..limits::SELFTEST_VALUES).map_while(|_| sampler.draw(limits::LINT_TRIES).ok()).collect()
        };
        if samples.is_empty() {
            return Ok(failed("no value of it could be made"));
        }
        let body = samples.iter().map(|sample| sample.text.as_str()).collect::<Vec<_>>().join("\n");
        let reply = client.post(&body).await?;
        let received = receiver.take();
        let is_there = |sample: &Sample| received.iter().any(|body| contains(body, sample.value.as_bytes()));
        let arrived = samples.iter().any(is_there);
        let detail = json!({
            "case": identifier,
            "status": reply.status,
            "decision": reply.decision,
            "requests_received": received.len(),
            "values": samples.len(),
            "arrived": arrived,
            "passed": !arrived,
        });
        Ok(Case { name: identifier.to_owned(), passed: !arrived, detail })
    }
}

fn contains(body: &[u8], value: &[u8]) -> bool {
    memchr::memmem::find(body, value).is_some()
}

/// 128 random bits: what marks a run.
fn token() -> Result<String, Broken> {
    let mut bytes = [0; 16];
    SystemRandom::new().fill(&mut bytes).map_err(|_| "the system gives no random bytes")?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// A request for a run, once. Its token names it in the record and means nothing afterwards.
fn take_request(directory: &Path) -> Option<String> {
    let path = directory.join(REQUEST);
    let text = fs::read_to_string(&path).ok()?;
    fs::remove_file(&path).ok()?;
    let token = text.trim();
    (token.len() == 32 && token.bytes().all(|b| b.is_ascii_hexdigit())).then(|| token.to_owned())
}

/// The far end of a self-test: a TLS server that remembers what it was sent.
struct Receiver {
    address: SocketAddr,
    trust: Arc<UpstreamTls>,
    bodies: Arc<Mutex<Vec<Vec<u8>>>>,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Receiver {
    async fn start(directory: &Path, token: &str) -> Result<Receiver, Broken> {
        let (certificate, key) = Issuer::generate("Tidegate self-test").map_err(|error| error.message)?;
        let file = directory.join(format!("selftest-{token}.pem"));
        fs::write(&file, &certificate)?;
        let trust = UpstreamTls::new(&[RootSource::Pem(file.clone())], MinTls::Tls12);
        fs::remove_file(file)?;
        let issuer = Issuer::from_pem(&certificate, &key).map_err(|error| error.message)?;
        let leaves = Arc::new(Leaves::new(Arc::new(issuer)).map_err(|error| error.message)?);
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?;
        let bodies = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&bodies);
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                // What fails shows in the case that used it.
                let _ = timeout(limits::SELFTEST_TIME, serve(stream, &leaves, &kept)).await;
            }
        });
        Ok(Receiver { address, trust: Arc::new(trust.map_err(|error| error.message)?), bodies, task })
    }

    /// Everything that was received since the last call, heads included.
    fn take(&self) -> Vec<Vec<u8>> {
        std::mem::take(&mut *self.bodies.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Takes one request and answers it.
async fn serve(stream: TcpStream, leaves: &Leaves, bodies: &Mutex<Vec<Vec<u8>>>) -> Result<(), Broken> {
    let start = tls::LazyConfigAcceptor::new(Default::default(), stream).await?;
    let name = start.client_hello().server_name().map(str::to_owned).ok_or("no server name")?;
    let config = leaves.server_config(&name.parse::<Host>()?, Alpn::Http1).map_err(|error| error.message)?;
    let mut stream = start.into_stream(config).await?;
    let message = message(&mut stream).await;
    bodies.lock().unwrap_or_else(PoisonError::into_inner).push(message?);
    stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok").await?;
    stream.shutdown().await?;
    Ok(())
}

/// Reads a message whose length is stated, or that ends with its connection.
async fn message(stream: &mut (impl AsyncRead + Unpin)) -> Result<Vec<u8>, Broken> {
    let mut text = Vec::new();
    loop {
        if let Some(head) = memchr::memmem::find(&text, b"\r\n\r\n") {
            let lines = String::from_utf8_lossy(text.get(..head).unwrap_or_default()).to_ascii_lowercase();
            let length = lines.lines().find_map(|line| line.strip_prefix("content-length:"));
            let length = length.and_then(|length| length.trim().parse::<usize>().ok());
            if length.is_some_and(|length| text.len() >= head + 4 + length) {
                return Ok(text);
            }
        }
        if text.len() > limits::HEAD_BYTES || stream.read_buf(&mut text).await? == 0 {
            return Ok(text);
        }
    }
}

struct Client {
    listener: SocketAddr,
    secured: Option<Host>,
    host: Host,
    port: u16,
    trust: UpstreamTls,
}

struct Reply {
    status: u16,
    decision: Option<String>,
}

impl Client {
    /// Sends one message as any client would: CONNECT, TLS that trusts the gate's issuer, a POST.
    async fn post(&self, body: &str) -> Result<Reply, Broken> {
        let authority = format!("{}:{}", self.host, self.port);
        let tcp = TcpStream::connect(self.listener).await?;
        let Some(name) = &self.secured else { return self.post_over(tcp, &authority, body).await };
        let own = self.trust.connect(name, Alpn::Http1, tcp).await.map_err(|error| error.to_string())?;
        self.post_over(own, &authority, body).await
    }

    async fn post_over(
        &self,
        mut stream: impl AsyncRead + AsyncWrite + Unpin,
        authority: &str,
        body: &str,
    ) -> Result<Reply, Broken> {
        stream
            .write_all(format!("CONNECT {authority} HTTP/1.1\r\nHost: {authority}\r\n\r\n").as_bytes())
            .await?;
        stream.flush().await?;
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") && head.len() < limits::HEAD_BYTES {
            head.push(stream.read_u8().await?);
        }
        if !head.starts_with(b"HTTP/1.1 200") {
            return Err(format!(
                "CONNECT was answered {}",
                String::from_utf8_lossy(&head).lines().next().unwrap_or_default()
            )
            .into());
        }
        let mut stream =
            self.trust.connect(&self.host, Alpn::Http1, stream).await.map_err(|error| error.to_string())?;
        let request = format!(
            "POST /selftest HTTP/1.1\r\nHost: {authority}\r\nContent-Type: text/plain\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
            body.len()
        );
        send(&mut stream, request.as_bytes()).await?;
        let reply = message(&mut stream).await?;
        let reply = String::from_utf8_lossy(&reply);
        let status = reply.split(' ').nth(1).and_then(|status| status.parse().ok()).ok_or("no answer")?;
        let decision = reply.lines().find_map(|line| {
            line.split_once(':').filter(|(name, _)| name.eq_ignore_ascii_case("tidegate-decision"))
        });
        Ok(Reply { status, decision: decision.map(|(_, id)| id.trim().to_owned()) })
    }
}

async fn send(stream: &mut (impl AsyncWrite + Unpin), bytes: &[u8]) -> Result<(), Broken> {
    stream.write_all(bytes).await?;
    stream.flush().await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::{AuditConfig, Reader, generate_signing_key};
    use crate::config;
    use crate::fingerprint::FingerprintKey;
    use crate::inspect::HeldBytes;
    use crate::policy::LocalBudgets;

    /// What stands in the way of self-tests, as the trail tells it.
    fn told(directory: &Path) -> Vec<Value> {
        let mut reader = Reader::open(directory).unwrap();
        let mut told = Vec::new();
        while let Some(line) = reader.next_line().unwrap() {
            let record: Value = serde_json::from_slice(line).unwrap();
            if record["kind"] == "control_failure" && record["control"] == "selftest" {
                told.push(record);
            }
        }
        told
    }

    #[tokio::test(start_paused = true)]
    async fn a_test_that_is_late_and_one_that_hangs_are_control_failures_with_both_ends() {
        let folder = tempfile::tempdir().unwrap();
        let (directory, issuer) = (folder.path().join("audit"), folder.path().join("issuer.pem"));
        fs::write(&issuer, Issuer::generate("test").unwrap().0).unwrap();
        let key = generate_signing_key().unwrap();
        let (audit, writer) = Audit::open(AuditConfig::new(directory.clone(), "n".into()), &key).unwrap();
        let (settings, compiled) = config::load_text("t.toml", "", folder.path()).unwrap();
        let key = FingerprintKey::new(&[7; 32]);
        let budgets = Arc::new(LocalBudgets::new(key.clone(), 1 << 20, Box::new(|| 0)));
        let engine = compiled.engine(&settings, key, budgets, Arc::new(HeldBytes::new(1 << 20)));
        // It takes connections and says nothing.
        let silent = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let rehearser = Rehearser {
            audit,
            directory: directory.clone(),
            listener: Some(silent.local_addr().unwrap()),
            secured: None,
            issuer,
            rehearsal: Arc::default(),
            engine: Arc::new(ArcSwap::from_pointee(engine)),
            identifiers: Vec::new(),
            // So often that the first is late already.
            every: Some(Duration::from_nanos(1)),
        };
        let task = tokio::spawn(rehearser.keep());
        while told(&directory).len() < 2 {
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        task.abort();
        let told = told(&directory);
        let causes: Vec<_> = told.iter().take(2).map(|record| record["cause"].as_str().unwrap()).collect();
        assert_eq!(causes, ["no self-test ran in its time", "the self-test did not end in its time"]);
        let time = |text: &Value| text.as_str().unwrap().parse::<Timestamp>().unwrap();
        assert!(told.iter().all(|record| time(&record["from"]) <= time(&record["until"])), "{told:?}");
        drop(writer);
    }
}
