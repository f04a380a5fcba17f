//! One sink's work: read the trail from where it was acknowledged, send, keep the place, try again, tell of silence.

use std::io;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use metrics::{Counter, Gauge, counter, gauge};
use ring::rand::{SecureRandom, SystemRandom};
use serde_json::{Map, Value, json};
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

use crate::audit::query::{Facts, Follow, follow_from};
use crate::audit::{Draft, Kind};
use crate::limits;
use crate::sink::aside;
use crate::sink::cursor::Cursor;
use crate::sink::transport::{Delivered, Event, SendError, Transport};
use crate::sink::{Begin, SinkConfig, Surroundings};
use crate::telemetry;

/// A sink at work.
struct Delivery {
    config: SinkConfig,
    around: Surroundings,
    transport: Transport,
    cursor: Cursor,
    follow: Option<Follow>,
    /// The last record that was read, sent or filtered out.
    passed: u64,
    /// Something was sent that is not acknowledged.
    is_waiting: bool,
    acknowledged: Instant,
    /// Since when it is on record that nothing is acknowledged.
    silent: Option<String>,
    pause: Duration,
    /// Records sent at once now, and at most.
    largest: usize,
    most: usize,
    /// How many were sent last, and the first of them.
    sent: (usize, u64),
    /// How often one record alone was refused.
    refusals: u32,
    /// Records set aside since anything was taken, and since when.
    aside: Option<(String, u64)>,
    figures: Figures,
}

struct Figures {
    delivered: Counter,
    filtered: Counter,
    aside: Counter,
    failures: Counter,
    behind: Gauge,
    down: Gauge,
}

impl Figures {
    fn new(name: &str) -> Figures {
        let records = |outcome: &'static str| counter!(telemetry::SINK_RECORDS, "sink" => name.to_owned(), "outcome" => outcome);
        Figures {
            delivered: records("delivered"),
            filtered: records("filtered"),
            aside: records("set_aside"),
            failures: counter!(telemetry::SINK_FAILURES, "sink" => name.to_owned()),
            behind: gauge!(telemetry::SINK_BEHIND, "sink" => name.to_owned()),
            down: gauge!(telemetry::SINK_DOWN, "sink" => name.to_owned()),
        }
    }
}

/// Works until it is told to stop, then for a moment longer.
pub(super) async fn run(config: SinkConfig, around: Surroundings, mut stop: watch::Receiver<bool>) {
    let begin = match config.begin {
        Begin::Now => around.audit.stats().seq,
        Begin::Start => 0,
    };
    let cursor = Cursor::open(&around.directory, &config.name, begin);
    let mut delivery = Delivery {
        transport: Transport::new(&config, &around),
        figures: Figures::new(&config.name),
        passed: cursor.seq,
        cursor,
        config,
        around,
        follow: None,
        is_waiting: false,
        acknowledged: Instant::now(),
        silent: None,
        pause: limits::SINK_RETRY,
        largest: limits::SINK_BATCH,
        most: limits::SINK_BATCH,
        sent: (0, 0),
        refusals: 0,
        aside: None,
    };
    // A place to come back to, even if nothing is ever delivered.
    delivery.keep(delivery.cursor.seq);
    loop {
        let wait = delivery.round().await;
        tokio::select! {
            () = sleep(wait) => {}
            _ = stop.changed() => break,
        }
    }
    delivery.goodbye().await;
}

impl Delivery {
    /// Sends what there is; how long to wait before the next look.
    async fn round(&mut self) -> Duration {
        match self.work().await {
            Ok(()) => {
                self.pause = limits::SINK_RETRY;
                self.watch(None);
                limits::SINK_LOOK
            }
            Err(error) => {
                self.figures.failures.increment(1);
                self.rewind();
                if error.is_about_records() && self.narrow(&error) {
                    return Duration::ZERO;
                }
                self.watch(Some(&error));
                let pause = jittered(self.pause);
                self.pause = (self.pause * 2).min(limits::SINK_RETRY_MAX);
                pause
            }
        }
    }

    /// Looks for the record that is refused: fewer at once, in the end one alone, which is set aside when it is refused
    /// again and again while others are taken. Whether to try again at once.
    fn narrow(&mut self, error: &SendError) -> bool {
        let (count, first) = self.sent;
        if count > 1 {
            self.largest = count / 2;
            if matches!(error, SendError::TooLarge) {
                self.most = self.largest;
            }
            return true;
        }
        self.refusals += 1;
        // Where nothing at all is taken, it is not for the records.
        let in_a_row = self.aside.as_ref().map_or(0, |(_, count)| *count);
        if self.refusals < limits::SINK_REFUSALS || in_a_row >= limits::SINK_ASIDE {
            return false;
        }
        if let Err(failed) = aside::keep(&self.around.directory, &self.config.name, first, &error.to_string())
        {
            tracing::warn!(sink = self.config.name, "a record that is refused cannot be set aside: {failed}");
            return false;
        }
        self.refusals = 0;
        self.figures.aside.increment(1);
        let now = format!("{:.6}", Timestamp::now());
        if in_a_row == 0 {
            let file = aside::name(&self.config.name);
            tracing::error!(
                sink = self.config.name,
                seq = first,
                "a record is refused and set aside: {error}"
            );
            self.tell(&format!("{error}: record {first} is set aside in {file}, others go on"), &now, None);
        }
        self.aside = Some((self.aside.take().map_or(now, |(from, _)| from), in_a_row + 1));
        self.passed = first;
        self.keep(first);
        true
    }

    async fn work(&mut self) -> Result<(), SendError> {
        if let Some(seq) = self.transport.settled().await? {
            self.confirm(seq);
        }
        loop {
            let batch = self.gather()?;
            if batch.is_empty() {
                if !self.is_waiting && self.passed > self.cursor.seq {
                    self.keep(self.passed);
                }
                return Ok(());
            }
            self.sent = (batch.len(), batch.first().map_or(0, |event| event.seq));
            let delivered = self.transport.send(&batch, &self.around).await?;
            self.took();
            self.figures.delivered.increment(batch.len() as u64);
            match delivered {
                Delivered::All => self.confirm(self.passed),
                Delivered::Later => {
                    self.is_waiting = true;
                    // A receiver that takes what it is sent is not silent.
                    self.heard();
                }
            }
        }
    }

    /// The next batch, in the sink's format.
    fn gather(&mut self) -> io::Result<Vec<Event>> {
        if self.follow.is_none() {
            self.follow = Some(follow_from(&self.around.directory, self.passed + 1)?);
        }
        let Some(follow) = &mut self.follow else { return Ok(Vec::new()) };
        let (mut batch, mut bytes) = (Vec::new(), 0);
        while batch.len() < self.largest && bytes < limits::SINK_BATCH_BYTES {
            let Some(line) = follow.next_line()? else { break };
            let Some(facts) = Facts::parse(line) else { continue };
            if facts.seq <= self.passed {
                continue;
            }
            self.passed = facts.seq;
            if !self.config.filter.matches(&facts) {
                self.figures.filtered.increment(1);
                continue;
            }
            let Some(text) = self.config.format.record(line, &facts) else { continue };
            bytes += text.len();
            batch.push(Event {
                seq: facts.seq,
                micros: facts.micros().unwrap_or_default(),
                kind: facts.kind.to_string(),
                action: facts.action.as_deref().map(str::to_owned),
                text,
                is_json: self.config.format.is_json(),
            });
        }
        #[expect(clippy::cast_precision_loss, reason = "a figure for people; it stays far below 2^53")]
        self.figures.behind.set(self.around.audit.stats().seq.saturating_sub(self.passed) as f64);
        Ok(batch)
    }

    /// A batch was taken.
    fn took(&mut self) {
        self.refusals = 0;
        self.largest = (self.largest * 2).min(self.most);
        if let Some((from, count)) = self.aside.take() {
            self.tell(&format!("records are taken again; set aside: {count}"), &from, Some(Timestamp::now()));
        }
    }

    fn heard(&mut self) {
        self.acknowledged = Instant::now();
        self.figures.down.set(0.0);
    }

    /// The receiver has everything up to `seq`.
    fn confirm(&mut self, seq: u64) {
        self.heard();
        self.is_waiting = seq < self.passed;
        self.keep(seq);
    }

    fn keep(&mut self, seq: u64) {
        if let Err(error) = self.cursor.keep(seq) {
            tracing::warn!(sink = self.config.name, "how far the sink is cannot be kept: {error}");
        }
    }

    /// What was not acknowledged is read and sent again.
    fn rewind(&mut self) {
        self.passed = self.cursor.seq;
        self.is_waiting = false;
        self.follow = None;
    }

    /// The delivery clock: silence that lasts is on record, and so is its end.
    fn watch(&mut self, error: Option<&SendError>) {
        match (error, self.silent.take()) {
            (None, None) => {}
            (None, Some(from)) => {
                tracing::info!(sink = self.config.name, "the sink takes records again");
                self.tell("records are taken again", &from, Some(Timestamp::now()));
            }
            (Some(error), None) => {
                self.figures.down.set(1.0);
                if self.acknowledged.elapsed() < self.config.alarm {
                    tracing::warn!(sink = self.config.name, "records are not taken: {error}");
                    return;
                }
                let silent = Timestamp::now().checked_sub(self.acknowledged.elapsed());
                let from = format!("{:.6}", silent.unwrap_or(Timestamp::UNIX_EPOCH));
                tracing::error!(sink = self.config.name, "nothing was acknowledged since {from}: {error}");
                self.tell(&error.to_string(), &from, None);
                self.silent = Some(from);
            }
            (Some(_), from @ Some(_)) => self.silent = from,
        }
    }

    fn tell(&self, cause: &str, from: &str, until: Option<Timestamp>) {
        let detail = json!({
            "control": "sink",
            "sink": self.config.name,
            "cause": cause,
            "from": from,
            "until": until.map(|until| format!("{until:.6}")),
        });
        let detail = match detail {
            Value::Object(detail) => detail,
            other => Map::from_iter([("detail".to_owned(), other)]),
        };
        // Written whether or not the answer is awaited.
        drop(self.around.audit.submit(Draft::Event { kind: Kind::ControlFailure, detail }));
    }

    /// What is left, if the receiver takes it now.
    async fn goodbye(&mut self) {
        let left = timeout(limits::SINK_GOODBYE, self.work()).await;
        if !matches!(left, Ok(Ok(()))) {
            tracing::warn!(
                sink = self.config.name,
                "the sink has not taken everything; it goes on after the next start"
            );
            return;
        }
        if let Some(seq) = self.transport.close().await {
            self.confirm(seq);
        }
    }
}

/// Between half of it and all of it: sinks that failed together do not come back together.
fn jittered(pause: Duration) -> Duration {
    let mut random = [0; 2];
    // Without random bytes the pause is just whole.
    let share = SystemRandom::new()
        .fill(&mut random)
        .map_or(1.0, |()| f64::from(u16::from_be_bytes(random)) / 65_536.0);
    pause.mul_f64(0.5 + share / 2.0)
}
