//! `tidegate pack lint`: what a pack says that can't hold, and what it costs.

use std::io::{self, IsTerminal, Write};
use std::ops::Range;
use std::time::{Duration, Instant};

use super::examples::{beside_built_in, shown};
use super::{Failure, Output};
use crate::cli::cost;
use crate::cli::paint::{Ink, Paint};
use crate::config::{Complaint, PackSet};
use crate::detect::pack::Definition;
use crate::detect::sample::Sampler;
use crate::detect::{DetectorId, Pack, Scope};
use crate::limits;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Pack files or folders, or built-in names; without any: every built-in pack. Built-in packs stand beside them,
    /// as they would in a configuration.
    #[arg(value_name = "PATH")]
    paths: Vec<String>,
}

/// What is wrong, and whether it is an error.
struct Found {
    is_error: bool,
    complaint: Complaint,
}

struct Lint<'a> {
    set: &'a PackSet,
    text: Vec<u8>,
    found: Vec<Found>,
    /// Slowest detector and its cost: of ordinary text, and of text made to be slow.
    slowest: Option<(String, f64)>,
    strained: Option<(String, f64)>,
    /// Time for each detector to be measured.
    measured: Duration,
    progress: Progress,
}

/// How far it is, on a terminal.
struct Progress {
    is_shown: bool,
    done: usize,
    all: usize,
    said: Instant,
}

impl Progress {
    fn new(all: usize) -> Progress {
        Progress { is_shown: io::stderr().is_terminal(), done: 0, all, said: Instant::now() }
    }

    fn one(&mut self) {
        self.done += 1;
        if self.is_shown && self.said.elapsed() >= Duration::from_millis(500) {
            self.said = Instant::now();
            eprint!("\r{} of {} detectors", self.done, self.all);
        }
    }

    /// Leaves no trace beside the answer.
    fn end(&self) {
        if self.is_shown {
            eprint!("\r{:40}\r", "");
        }
    }
}

pub(super) fn run(args: &Args, output: &mut Output) -> Result<(), Failure> {
    let (set, judged) = beside_built_in(&args.paths)?;
    let packs = set.matcher.packs();
    let judged_packs = packs.iter().enumerate().skip(packs.len() - judged);
    let detectors = judged_packs.clone().map(|(_, pack)| pack.definitions.len()).sum();
    let mut lint = Lint {
        set: &set,
        text: cost::benign_text(),
        found: Vec::new(),
        slowest: None,
        strained: None,
        measured: cost::measured(detectors),
        progress: Progress::new(detectors),
    };
    judged_packs.for_each(|(index, pack)| lint.pack(index, pack));
    lint.progress.end();
    lint.found.sort_by_cached_key(|found| (found.complaint.file.clone(), found.complaint.line));
    let paint = Paint::stdout();
    let errors = lint.found.iter().filter(|found| found.is_error).count();
    let warnings = lint.found.len() - errors;
    for Found { is_error, complaint } in &lint.found {
        let word = if *is_error { paint.with(Ink::Red, "error") } else { paint.with(Ink::Yellow, "warning") };
        writeln!(output, "{word}: {}", shown(complaint, paint))?;
    }
    writeln!(output, "{judged} packs, {detectors} detectors: {errors} errors, {warnings} warnings")?;
    if let Some((id, nanoseconds)) = &lint.slowest {
        let build = if cfg!(debug_assertions) { ", by a debug build" } else { "" };
        writeln!(
            output,
            "slowest: {id}, {nanoseconds:.3} ns per byte of ordinary text, alone, measured on this machine{build}"
        )?;
    }
    if let Some((id, nanoseconds)) = &lint.strained {
        writeln!(output, "at worst: {id}, {nanoseconds:.0} ns per byte of text made of its values, alone")?;
    }
    if errors == 0 {
        return Ok(());
    }
    output.flush()?;
    Err(Failure::no())
}

impl Lint<'_> {
    fn say(&mut self, is_error: bool, definition: &Definition, part: Range<usize>, why: &str) {
        let message = format!("`{}` {why}", definition.id());
        let complaint = self.set.complain(&definition.file, part, &message);
        self.found.push(Found { is_error, complaint });
    }

    fn pack(&mut self, index: usize, pack: &Pack) {
        let set = self.set;
        let earlier =
            set.matcher.packs().iter().take(index).chain(set.matcher.packs().iter().skip(index + 1));
        let twin = earlier.clone().find(|other| (&other.name, &other.version) == (&pack.name, &pack.version));
        if let (Some(twin), Some(first)) =
            (twin.filter(|twin| twin.hash != pack.hash), pack.definitions.first())
        {
            let why = format!(
                "is of {} {}, a version that {} has with other contents; raise the version, records tell packs by it",
                pack.name, pack.version, twin.file
            );
            self.say(false, first, 0..0, &why);
        }
        self.found
            .extend(set.failures(index).into_iter().map(|complaint| Found { is_error: true, complaint }));
        let empty = cost::emptied(pack);
        for definition in &pack.definitions {
            self.progress.one();
            let number = set.matcher.detectors().iter().position(|detector| detector.id == definition.id());
            let own = number.filter(|&at| set.matcher.detectors().get(at).is_some_and(|d| d.pack == index));
            let Some(id) = own.and_then(|at| u16::try_from(at).ok()).map(DetectorId) else {
                let why = "is never used: a later pack has a detector of this id, which replaces it";
                self.say(false, definition, definition.id.span(), why);
                continue;
            };
            let replaced = set.matcher.packs().iter().take(index);
            let replaced = replaced.rev().find(|p| p.definitions.iter().any(|d| d.id() == definition.id()));
            if let Some(replaced) = replaced {
                let why = format!("replaces the detector of {} {}", replaced.name, replaced.version);
                self.say(false, definition, definition.id.span(), &why);
            }
            self.cost(id, &empty, definition);
            self.reach(id, definition);
            self.words(definition);
            self.neighbours(definition);
        }
    }

    /// Slow, or tried at every byte.
    fn cost(&mut self, id: DetectorId, empty: &Pack, definition: &Definition) {
        let Some(alone) = cost::alone(empty, definition) else { return };
        let nanoseconds = cost::nanoseconds_per_byte(&alone, &self.text, self.measured);
        if self.slowest.as_ref().is_none_or(|(_, slowest)| nanoseconds > *slowest) {
            self.slowest = Some((definition.id().to_owned(), nanoseconds));
        }
        let strained = cost::strained(&alone, definition);
        if self.strained.as_ref().is_none_or(|(_, worst)| strained > *worst) {
            self.strained = Some((definition.id().to_owned(), strained));
        }
        if strained > limits::LINT_STRAINED {
            let why = format!(
                "can be made slow: {strained:.0} ns per byte of text made of its values; a match that can end in fewer \
                 places, or a `boundary`, makes it cheaper"
            );
            self.say(false, definition, definition.pattern.span(), &why);
        }
        let measured =
            format!("{nanoseconds:.2} ns per byte of ordinary text, alone, measured on this machine");
        let span = definition.pattern.span();
        if self.set.matcher.detector(id).anchor == "none" {
            let why = format!(
                "has no anchor (a run of 6 digits, a literal of 3 bytes, `@`, 8 letters or digits in a row, an order of both that is rare), so every \
                 byte is tried: {measured}"
            );
            self.say(false, definition, span, &why);
        } else if nanoseconds > limits::LINT_SLOW {
            self.say(false, definition, span, &format!("is slow: {measured}"));
        }
    }

    /// Whether anything can be found at all.
    fn reach(&mut self, id: DetectorId, definition: &Definition) {
        let mut sampler = Sampler::new(&self.set.matcher, id, 1);
        let Err(none) = sampler.draw(limits::LINT_TRIES) else { return };
        let refused = none.refused.iter().take(3).map(|(why, count)| format!("{why} ({count})"));
        let refused = refused.collect::<Vec<_>>().join("; ");
        let why = format!("never matches: of {} tries none was found; refused by: {refused}", none.tries);
        self.say(true, definition, definition.pattern.span(), &why);
    }

    /// Keywords that can't stand where they are looked for.
    fn words(&mut self, definition: &Definition) {
        let Some(spanned) = &definition.keywords else { return };
        let (span, keywords) = (spanned.span(), spanned.get_ref());
        if keywords.required && keywords.any.is_empty() {
            self.say(true, definition, span, "requires a keyword and names none: it is never above low");
            return;
        }
        let anywhere = keywords.scope.is_empty();
        if !anywhere && !keywords.scope.contains(&Scope::Near) {
            return;
        }
        let reach = keywords.before.max(keywords.after);
        let far = keywords.any.iter().filter(|word| word.len() > reach).collect::<Vec<_>>();
        if far.is_empty() {
            return;
        }
        let named = far.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ");
        let why = format!(
            "never sees {named} near a value: it looks {} bytes before and {} behind",
            keywords.before, keywords.after
        );
        // A name of the value may still be one of them.
        let nothing = keywords.scope == [Scope::Near] && far.len() == keywords.any.len();
        self.say(keywords.required && nothing, definition, span.clone(), &why);
    }

    /// Neighbours that no pack has.
    fn neighbours(&mut self, definition: &Definition) {
        let Some(beside) = &definition.beside else { return };
        let known = |id: &String| self.set.matcher.detectors().iter().any(|detector| detector.id == *id);
        let unknown = beside.get_ref().any.iter().filter(|id| !known(id)).cloned().collect::<Vec<_>>();
        if !unknown.is_empty() {
            let why = format!("names {} in `beside`, which no pack in use has", unknown.join(", "));
            self.say(false, definition, beside.span(), &why);
        }
    }
}
