//! The matcher beside Vectorscan and RegexSet, on one core, round by round; `benches/matcher/run --help` tells how.

mod corpora;
mod engines;
mod expert;
mod memory;
mod naive;
mod options;
mod report;
mod rng;
mod same;
mod vectorscan;

use std::hint::black_box;
use std::process::ExitCode;

use corpora::{Corpus, Kind};
use engines::{Engine, Scanned, Set, Tidegate};
use matcher_peers::detect::pack::Definition;
use matcher_peers::detect::{Confidence, Matcher, Pack, Scan};
use matcher_peers::fingerprint::FingerprintKey;
use options::Options;
use report::Report;

#[global_allocator]
static ALLOCATOR: memory::Counting = memory::Counting;

/// Shortest time measured at once.
const LEAST_SECONDS: f64 = 0.04;
/// What the plain search reads of each text.
const SAMPLE: usize = 128 << 10;
/// The same of texts that are meant to hurt: they hurt the plain search too.
const HOSTILE_SAMPLE: usize = 16 << 10;

fn main() -> ExitCode {
    let options = match Options::read(std::env::args().skip(1)) {
        Ok(options) => options,
        Err(complaint) => {
            eprintln!("{complaint}");
            return ExitCode::from(64);
        }
    };
    let packs = packs(&options);
    let definitions: Vec<Definition> = packs.iter().flat_map(|p| p.definitions.clone()).collect();
    if options.each {
        return each(&options, &packs, &definitions);
    }
    let planted = planted(&definitions);
    if !options.same.is_empty() {
        return same::run(&options, &packs, &planted);
    }
    let texts: Vec<Corpus> =
        options.corpora.iter().filter_map(|name| corpora::make(name, options.mib << 20, &planted)).collect();
    let compile = || Matcher::compile(packs.clone()).expect("packs compile");
    let floor = if options.low { Confidence::Low } else { Confidence::Medium };
    let mut tidegate = Tidegate::new(compile().reporting(floor));
    if options.once {
        for corpus in &texts {
            let hits = tidegate.scan(black_box(&corpus.text));
            println!("{} {} bytes {hits} findings", corpus.name, corpus.text.len());
        }
        return ExitCode::SUCCESS;
    }
    let mut report = Report::default();
    size_and_time(&mut report, &options, &packs, &tidegate, &texts);
    agree(&mut report, &mut Tidegate::new(compile()), &definitions, &texts);
    let mut engines = engines(&options, &definitions, &mut report);
    engines.insert(0, Box::new(tidegate));
    engines.retain(|engine| options.wants(engine.name()));
    race(&mut report, &options, &mut engines, &texts);
    report.print();
    if options.gate && report.missed() > 0 { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

/// All packs that ship, and those asked for; without the detectors that were asked away.
fn packs(options: &Options) -> Vec<Pack> {
    let mut packs: Vec<Pack> =
        Pack::built_in_names().iter().filter_map(|name| Pack::built_in(name)).collect();
    for path in &options.packs {
        let text = std::fs::read_to_string(path).unwrap_or_else(|e| panic!("{path}: {e}"));
        packs.push(Pack::parse(path, &text).unwrap_or_else(|e| panic!("{e:#?}")));
    }
    for pack in &mut packs {
        pack.definitions.retain(|d| !options.without.contains(d.id.get_ref()));
    }
    packs
}

/// One value of every detector, with the words that stand beside it in its first telling example.
fn planted(definitions: &[Definition]) -> Vec<String> {
    let plain = |text: &str| text.len() <= 160 && !text.contains(['"', '\\', '\n', '\r']);
    definitions
        .iter()
        .filter_map(|definition| {
            let examples = definition.examples.iter().map(|e| e.get_ref()).filter(|e| !e.finds.is_empty());
            let whole = examples.clone().map(|e| e.text.clone()).find(|t| plain(t));
            whole.or_else(|| examples.flat_map(|e| e.finds.clone()).find(|t| plain(t)))
        })
        .collect()
}

fn cpu_time() -> f64 {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    now.tv_sec as f64 + now.tv_nsec as f64 / 1e9
}

/// Compile time, memory of the matcher and of one stream.
fn size_and_time(
    report: &mut Report,
    options: &Options,
    packs: &[Pack],
    tidegate: &Tidegate,
    texts: &[Corpus],
) {
    let (mut parse, mut compile) = (Vec::new(), Vec::new());
    for _ in 0..options.rounds.max(3) {
        let begin = cpu_time();
        black_box(self::packs(options));
        parse.push(cpu_time() - begin);
        let packs = packs.to_vec();
        let begin = cpu_time();
        black_box(Matcher::compile(packs).expect("packs compile"));
        compile.push(cpu_time() - begin);
    }
    let before = memory::live();
    let copy = packs.to_vec();
    let held_by_packs = memory::live() - before;
    let matcher = Matcher::compile(copy).expect("packs compile").reporting(Confidence::Medium);
    let held = memory::live() - before;
    let states: Vec<State> = texts.iter().map(|corpus| State::of(&matcher, corpus)).collect();
    let unanchored =
        tidegate.matcher.detectors().iter().filter(|d| d.anchor == "none").map(|d| d.id.as_str());
    report.note(format!(
        "{} detectors, unanchored: [{}]",
        tidegate.matcher.detectors().len(),
        unanchored.collect::<Vec<_>>().join(" ")
    ));
    let parsed = report::median(&mut parse) * 1e3;
    report.limit("compile all packs, ms", report::median(&mut compile) * 1e3, 50.0);
    report.note(format!("reading the packs, with what their patterns come to, {parsed:.1} ms"));
    report.limit("matcher, MiB", held as f64 / f64::from(1 << 20), 16.0);
    report
        .note(format!("of which the packs as written {:.2} MiB", held_by_packs as f64 / f64::from(1 << 20)));
    let most = |of: &dyn Fn(&State) -> usize, dense: bool| {
        let fit = |kind| dense || matches!(kind, Kind::Benign | Kind::Random | Kind::Prose);
        let fitting = texts.iter().zip(&states).filter(|(corpus, _)| fit(corpus.kind));
        fitting.map(|(_, state)| of(state)).max().unwrap_or(0) as f64
    };
    report.limit("state of a stream between pushes, everyday texts, bytes", most(&|s| s.kept, false), 4096.0);
    report.limit("state of a stream between pushes, all texts, bytes", most(&|s| s.kept, true), 4096.0);
    report.note(format!(
        "at its peak within a push: {} bytes in everyday texts, {} in all",
        most(&|s| s.peak, false),
        most(&|s| s.peak, true)
    ));
}

/// Memory of one stream: what it keeps between two pushes, once what it found was taken, and its peak.
struct State {
    kept: usize,
    peak: usize,
}

impl State {
    fn of(matcher: &Matcher, corpus: &Corpus) -> State {
        let key = FingerprintKey::new(&[3; 32]);
        // What is made once for all streams is made before.
        let mut warm = Scan::new();
        warm.push(matcher, &key, &corpus.text[..corpus.text.len().min(1 << 20)], &mut Vec::new());
        drop(warm);
        // Findings are the caller's: room for them is made before.
        let mut found = Vec::with_capacity(corpus.text.len() / 4);
        let (before, mut scan) = (memory::live(), Scan::new());
        let mut kept = 0;
        memory::mark();
        for (n, chunk) in corpus.text[..corpus.text.len().min(1 << 20)].chunks(engines::CHUNK).enumerate() {
            // Small pushes too: they are gathered.
            for piece in chunk.chunks(if n % 2 == 0 { chunk.len() } else { 700 }) {
                scan.push(matcher, &key, piece, &mut found);
                drop(scan.places());
                kept = kept.max(memory::live() - before);
            }
        }
        scan.finish(matcher, &key, &mut found);
        State { kept: kept + size_of::<Scan>(), peak: memory::peak() - before + size_of::<Scan>() }
    }
}

/// What is found must be what each pattern alone finds.
fn agree(report: &mut Report, tidegate: &mut Tidegate, definitions: &[Definition], texts: &[Corpus]) {
    for corpus in texts {
        let most = if corpus.kind == Kind::Hostile { HOSTILE_SAMPLE } else { SAMPLE };
        let sample = &corpus.text[..corpus.text.len().min(most)];
        tidegate.scan(sample);
        let matcher = &tidegate.matcher;
        let mut found: Vec<naive::Span> = tidegate
            .found
            .iter()
            .map(|f| (matcher.detector(f.detector).id.clone(), f.start, f.end))
            .collect();
        found.sort();
        let plain = naive::find(definitions.iter(), sample);
        let differs =
            found.iter().filter(|f| !plain.contains(f)).chain(plain.iter().filter(|p| !found.contains(p)));
        let first = differs.map(|(id, start, end)| format!("{id} at {start}..{end}")).next();
        report.agreement(corpus.name, plain.len(), first);
    }
}

fn engines(options: &Options, definitions: &[Definition], report: &mut Report) -> Vec<Box<dyn Engine>> {
    let mut engines: Vec<Box<dyn Engine>> = Vec::new();
    let patterns: Vec<String> = definitions.iter().map(engines::pattern_of).collect();
    let mut scanned = |name: &'static str, patterns: &[String], starts: bool| {
        if !options.wants(name) {
            return;
        }
        // What it does not take is left out, in its favour.
        let fit: Vec<String> = patterns
            .iter()
            .filter(|p| Scanned::new(name, &[(*p).clone()], starts).is_ok())
            .cloned()
            .collect();
        let begin = cpu_time();
        match Scanned::new(name, &fit, starts) {
            Ok(one) => {
                let (database, stream) = one.set.sizes();
                report.note(format!(
                    "{name}: {} of {} patterns, compiled in {:.0} ms, database {:.1} MiB, stream {stream} bytes",
                    fit.len(),
                    patterns.len(),
                    (cpu_time() - begin) * 1e3,
                    database as f64 / f64::from(1 << 20)
                ));
                engines.push(Box::new(one));
            }
            Err(error) => report.note(format!("{name}: {error}")),
        }
    };
    scanned("vectorscan", &patterns, false);
    if options.som {
        scanned("vectorscan-som", &patterns, true);
    }
    scanned("expert", &expert::shapes(definitions), false);
    if options.wants("regex-set") {
        let begin = cpu_time();
        match Set::new(&patterns) {
            Ok(set) => {
                report.note(format!("regex-set: compiled in {:.0} ms", (cpu_time() - begin) * 1e3));
                engines.push(Box::new(set));
            }
            Err(error) => report.note(format!("regex-set: {error}")),
        }
    }
    report.note(format!("vectorscan {}", vectorscan::version()));
    engines
}

/// Every engine over every text, round by round.
fn race(report: &mut Report, options: &Options, engines: &mut [Box<dyn Engine>], texts: &[Corpus]) {
    for round in 0..=options.rounds {
        for corpus in texts {
            report.corpus(corpus);
            for engine in engines.iter_mut() {
                let own = engine.name() == "tidegate";
                if !own && matches!(corpus.kind, Kind::Dense | Kind::Hostile) && !options.peers_everywhere {
                    continue;
                }
                let (rate, hits) = rate(engine.as_mut(), &corpus.text);
                // The first round warms up.
                if round > 0 {
                    report.rate(corpus.name, engine.name(), rate, hits);
                }
            }
        }
    }
}

/// Bytes a second of CPU time, and hits of one pass.
fn rate(engine: &mut dyn Engine, text: &[u8]) -> (f64, u64) {
    let (begin, mut passes, mut hits) = (cpu_time(), 0u32, 0);
    loop {
        hits = black_box(engine.scan(black_box(text))).max(hits);
        passes += 1;
        let spent = cpu_time() - begin;
        if spent >= LEAST_SECONDS {
            return (f64::from(passes) * text.len() as f64 / spent, hits);
        }
    }
}

/// What each detector costs: time of a pass with all, over time without it, round by round.
fn each(options: &Options, packs: &[Pack], definitions: &[Definition]) -> ExitCode {
    let planted = planted(definitions);
    let compile = |without: Option<&str>| {
        let mut packs = packs.to_vec();
        packs.iter_mut().for_each(|p| p.definitions.retain(|d| Some(d.id.get_ref().as_str()) != without));
        Tidegate::new(Matcher::compile(packs).expect("packs compile").reporting(Confidence::Medium))
    };
    let mut all = compile(None);
    for name in &options.corpora {
        let Some(corpus) = corpora::make(name, options.mib << 20, &planted) else { continue };
        let mut costs = Vec::new();
        for definition in definitions {
            let mut rest = compile(Some(definition.id.get_ref()));
            let mut ratios = Vec::new();
            for _ in 0..options.rounds {
                let (with, _) = rate(&mut all, &corpus.text);
                let (without, _) = rate(&mut rest, &corpus.text);
                ratios.push(without / with);
            }
            costs.push((report::median(&mut ratios), definition.id.get_ref().clone()));
        }
        costs.sort_by(|a, b| b.0.total_cmp(&a.0));
        println!("{name}: how much faster without it");
        for (ratio, id) in costs.iter().take(15) {
            println!("  {:+6.1} %  {id}", (ratio - 1.0) * 100.0);
        }
    }
    ExitCode::SUCCESS
}
