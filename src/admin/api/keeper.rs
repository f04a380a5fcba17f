//! Keeps the overlays: puts them in force and takes them off, writes them down, has each change recorded.
//!
//! A change is written to the file first, then to the trail, and then it holds: what is in force is on record, and
//! outlives the process.

use std::fmt;
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use arc_swap::ArcSwap;
use http::StatusCode;
use ring::rand::{SecureRandom, SystemRandom};
use serde_json::{Map, Value, json};
use tokio::sync::Mutex;

use super::problem::Problem;
use super::written::{self, Asked, Stored};
use crate::audit::{Audit, Draft, Kind};
use crate::fingerprint::{Fingerprint, FingerprintKey};
use crate::inspect::Engine;
use crate::limits;
use crate::policy::{Board, Overlay, OverlayFault, OverlaySpec};

const FILE: &str = "overlays";
/// What the file's seal is a fingerprint of.
const SEAL: &str = "overlays.file";

/// Who changes something, and from where.
#[derive(Clone, Debug)]
pub struct Actor {
    /// Cleansed.
    pub name: String,
    /// The address that asked; `None`: the gate itself.
    pub from: Option<std::net::IpAddr>,
}

/// Overlays that cannot be taken over from the last process.
#[derive(Debug)]
pub struct KeptError {
    pub file: PathBuf,
    pub why: String,
    /// Whether the operating system failed, rather than the file being wrong.
    pub is_io: bool,
}

impl fmt::Display for KeptError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.file.display(), self.why)?;
        if self.is_io {
            return Ok(());
        }
        f.write_str("; move it away to start without the overlays that were in force, and add them again")
    }
}

impl std::error::Error for KeptError {}

/// What a keeper stands on.
#[derive(Debug)]
pub struct KeeperConfig {
    /// Where the file is kept, and the key that it is sealed with.
    pub directory: PathBuf,
    pub key: FingerprintKey,
    pub board: Arc<Board>,
    pub audit: Audit,
    pub engine: Arc<ArcSwap<Engine>>,
    /// Names that a list of clients may hold besides identities.
    pub listeners: Vec<Arc<str>>,
}

/// All overlays of a gate.
#[derive(Debug)]
pub struct Keeper {
    config: KeeperConfig,
    file: PathBuf,
    /// One change at a time.
    changing: Mutex<()>,
}

impl Keeper {
    /// Takes over what was in force when the last process ended.
    pub fn open(config: KeeperConfig) -> Result<Keeper, KeptError> {
        let file = config.directory.join(FILE);
        let kept = read(&file, &config.key)?;
        let keeper = Keeper { config, file, changing: Mutex::new(()) };
        for overlay in &kept {
            keeper.note(overlay.spec(), "overlay.restore", None);
        }
        if !kept.is_empty() {
            keeper.config.board.put(kept);
        }
        Ok(keeper)
    }

    fn cleanse(&self, text: &str) -> String {
        self.config.engine.load().matcher.cleanse(text)
    }

    pub(super) fn list(&self) -> Vec<Value> {
        self.config.board.overlays().iter().map(|overlay| written::shown(overlay.spec())).collect()
    }

    pub(super) fn get(&self, id: &str) -> Option<Value> {
        let all = self.config.board.overlays();
        all.iter().find(|overlay| *overlay.spec().id == *id).map(|overlay| written::shown(overlay.spec()))
    }

    /// Puts one more in force.
    pub(super) async fn add(&self, asked: Asked, actor: &Actor) -> Result<Value, Problem> {
        let _changing = self.changing.lock().await;
        let all = self.config.board.overlays();
        if all.len() >= limits::OVERLAYS {
            let why = format!("{} overlays are in force, and no more may be", limits::OVERLAYS);
            return Err(Problem::new(StatusCode::CONFLICT, "too-many", why));
        }
        let overlay = Arc::new(self.compile(asked, actor).map_err(|faults| unfit(&faults))?);
        let next: Vec<_> = all.iter().cloned().chain([Arc::clone(&overlay)]).collect();
        let record = self.record(overlay.spec(), "overlay.add", false, Some(actor));
        self.change(&all, next, record).await?;
        Ok(written::shown(overlay.spec()))
    }

    /// Takes one off.
    pub(super) async fn remove(&self, id: &str, actor: &Actor) -> Result<Value, Problem> {
        let _changing = self.changing.lock().await;
        let all = self.config.board.overlays();
        let Some(gone) = all.iter().find(|overlay| *overlay.spec().id == *id) else {
            return Err(Problem::new(StatusCode::NOT_FOUND, "not-found", "no such overlay is in force"));
        };
        let next = all.iter().filter(|overlay| !Arc::ptr_eq(overlay, gone)).cloned().collect();
        let record = self.record(gone.spec(), "overlay.remove", true, Some(actor));
        self.change(&all, next, record).await?;
        Ok(written::shown(gone.spec()))
    }

    /// Takes off those that have ended. They hold no longer for what begins, whether or not this can be written.
    pub async fn expire(&self) {
        let now = now_ms();
        if !self.config.board.overlays().iter().any(|overlay| overlay.has_ended(now)) {
            return;
        }
        let _changing = self.changing.lock().await;
        let all = self.config.board.overlays();
        let (ended, left): (Vec<_>, Vec<_>) = all.iter().cloned().partition(|overlay| overlay.has_ended(now));
        self.config.board.put(left.clone());
        for overlay in &ended {
            self.note(overlay.spec(), "overlay.expire", None);
            tracing::info!(overlay = %overlay.spec().id, "an overlay has ended");
        }
        if let Err(error) = self.write(left).await {
            tracing::error!(%error, "the overlays in force cannot be written down");
        }
    }

    fn compile(&self, asked: Asked, actor: &Actor) -> Result<Overlay, Vec<OverlayFault>> {
        let engine = self.config.engine.load();
        let id = self.fresh_id().map_err(|message| vec![OverlayFault { key: "id", message }])?;
        let mut spec = asked.judge(id, actor.name.clone(), now_ms())?;
        let mut faults = Vec::new();
        match engine.policy.write_out(&spec.destinations) {
            Ok(hosts) => spec.destinations = hosts,
            Err(complaints) => {
                faults.extend(complaints.into_iter().map(|message| fault("destinations", message)))
            }
        }
        let unknown = engine.policy.unknown_clients(&spec.clients, &self.config.listeners);
        faults.extend(unknown.into_iter().map(|message| fault("clients", message)));
        if !spec.identifiers.is_empty() {
            let unknown = crate::policy::unknown_identifiers(&spec.identifiers, &engine.matcher);
            faults.extend(unknown.into_iter().map(|message| fault("identifiers", message)));
        }
        spec.owner = spec.owner.map(|text| engine.matcher.cleanse(&text));
        spec.reason = spec.reason.map(|text| engine.matcher.cleanse(&text));
        match Overlay::compile(spec) {
            Ok(overlay) if faults.is_empty() => Ok(overlay),
            Ok(_) => Err(faults),
            Err(more) => {
                // What is no host has been complained of already.
                let known: Vec<&str> = faults.iter().map(|fault| fault.key).collect();
                let more: Vec<_> = more.into_iter().filter(|fault| !known.contains(&fault.key)).collect();
                faults.extend(more);
                Err(faults)
            }
        }
    }

    /// Short enough to be typed.
    fn fresh_id(&self) -> Result<Arc<str>, String> {
        let mut random = [0u8; 4];
        SystemRandom::new().fill(&mut random).map_err(|_| "the system gives no random bytes".to_owned())?;
        let id = format!("ov-{:08x}", u32::from_be_bytes(random));
        if self.get(&id).is_some() { self.fresh_id() } else { Ok(id.into()) }
    }

    /// File, trail, then force.
    async fn change(
        &self,
        before: &[Arc<Overlay>],
        next: Vec<Arc<Overlay>>,
        record: Map<String, Value>,
    ) -> Result<(), Problem> {
        self.write(next.clone()).await.map_err(|error| {
            Problem::not_kept(format!("{} cannot be written: {error}", self.file.display()))
        })?;
        let recorded = self.config.audit.submit(Draft::Event { kind: Kind::Admin, detail: record }).await;
        if recorded.is_err() {
            let undone = self.write(before.to_vec()).await;
            let more = if undone.is_err() { ", and stands in the file all the same" } else { "" };
            return Err(Problem::not_kept(format!(
                "the change could not be recorded; it does not hold{more}"
            )));
        }
        self.config.board.put(next);
        Ok(())
    }

    async fn write(&self, overlays: Vec<Arc<Overlay>>) -> io::Result<()> {
        let (file, key) = (self.file.clone(), self.config.key.clone());
        let write = move || {
            let stored: Vec<Stored> = overlays.iter().map(|overlay| Stored::of(overlay.spec())).collect();
            let body = serde_json::to_vec(&stored)?;
            replace(&file, key.of(SEAL, &body), &body)
        };
        tokio::task::spawn_blocking(write).await.map_err(io::Error::other)?
    }

    fn record(
        &self,
        spec: &OverlaySpec,
        action: &'static str,
        ends: bool,
        actor: Option<&Actor>,
    ) -> Map<String, Value> {
        let mut record = written::recorded(spec, action, &|text| self.cleanse(text));
        let (name, from) = actor.map_or(("tidegate", None), |actor| (actor.name.as_str(), actor.from));
        let weakens = written::weakens(spec, ends).map(|text| self.cleanse(&text));
        record.extend([
            ("actor".to_owned(), json!(name)),
            ("from".to_owned(), json!(from)),
            ("weakens".to_owned(), json!(weakens)),
        ]);
        record
    }

    /// Records what happened by itself.
    fn note(&self, spec: &OverlaySpec, action: &'static str, actor: Option<&Actor>) {
        let detail = self.record(spec, action, action == "overlay.expire", actor);
        // Written whether or not the answer is awaited.
        drop(self.config.audit.submit(Draft::Event { kind: Kind::Admin, detail }));
    }
}

fn fault(key: &'static str, message: String) -> OverlayFault {
    OverlayFault { key, message }
}

fn unfit(faults: &[OverlayFault]) -> Problem {
    let complaints = faults.iter().map(|fault| json!({ "key": fault.key, "message": fault.message }));
    let detail = faults.iter().map(|fault| format!("{}: {}", fault.key, fault.message));
    Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "unfit", detail.collect::<Vec<_>>().join("; "))
        .with(complaints.collect())
}

/// Reads the overlays of the last process; those that have ended meanwhile are among them, and end at the next look.
fn read(file: &Path, key: &FingerprintKey) -> Result<Vec<Arc<Overlay>>, KeptError> {
    let fail = |why: String, is_io| KeptError { file: file.to_owned(), why, is_io };
    let bytes = match fs::read(file) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(fail(format!("cannot be read: {error}"), true)),
    };
    let damaged = || fail("was not written under this [state] key, or was changed since".to_owned(), false);
    let (seal, body) = bytes.split_at_checked(size_of::<Fingerprint>()).ok_or_else(damaged)?;
    if key.of(SEAL, body).as_bytes() != seal {
        return Err(damaged());
    }
    let stored: Vec<Stored> = serde_json::from_slice(body).map_err(|_| damaged())?;
    let overlays = stored.into_iter().map(|stored| {
        let overlay = Overlay::compile(stored.spec().ok_or_else(damaged)?);
        overlay.map(Arc::new).map_err(|_| damaged())
    });
    overlays.collect()
}

/// For its owner alone, whole or not at all, and through a power cut.
fn replace(file: &Path, seal: Fingerprint, body: &[u8]) -> io::Result<()> {
    let directory = file.parent().unwrap_or(Path::new("."));
    fs::DirBuilder::new().recursive(true).mode(0o700).create(directory)?;
    let draft = file.with_extension("new");
    let mut out = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&draft)?;
    out.write_all(seal.as_bytes())?;
    out.write_all(body)?;
    out.sync_all()?;
    fs::rename(&draft, file)?;
    fs::File::open(directory)?.sync_all()
}

fn now_ms() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(now.as_millis()).unwrap_or(u64::MAX)
}
