//! Figures to a table, with the goals they are held to.

use std::collections::BTreeMap;

use crate::corpora::{Corpus, Kind};

/// Times as fast as the peer, by peer and kind of text.
const GOALS: &[(&str, Kind, f64)] = &[
    ("vectorscan", Kind::Benign, 20.0),
    ("vectorscan", Kind::Random, 8.0),
    ("expert", Kind::Benign, 4.0),
    ("regex-set", Kind::Benign, 5.0),
];
/// Rate over the median rate of benign texts.
const DENSE: f64 = 1.0 / 6.0;
const HOSTILE: f64 = 1.0 / 4.0;

#[derive(Default)]
pub struct Report {
    notes: Vec<String>,
    judged: Vec<(String, bool)>,
    kinds: Vec<(&'static str, Kind, usize, usize)>,
    rates: BTreeMap<(&'static str, &'static str), (Vec<f64>, u64)>,
}

pub fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

impl Report {
    pub fn note(&mut self, text: String) {
        self.notes.push(text);
    }

    pub fn limit(&mut self, what: &str, value: f64, most: f64) {
        self.judge(format!("{what}: {value:.1} (at most {most:.0})"), value <= most);
    }

    fn judge(&mut self, text: String, ok: bool) {
        self.judged.push((text, ok));
    }

    pub fn agreement(&mut self, corpus: &str, findings: usize, differs: Option<String>) {
        if let Some(difference) = differs {
            self.judge(format!("{corpus}: not what each pattern alone finds, first {difference}"), false);
        } else {
            self.note(format!("{corpus}: {findings} findings in the sample, as each pattern alone"));
        }
    }

    pub fn corpus(&mut self, corpus: &Corpus) {
        if !self.kinds.iter().any(|(name, ..)| *name == corpus.name) {
            self.kinds.push((corpus.name, corpus.kind, corpus.text.len(), corpus.planted));
        }
    }

    pub fn rate(&mut self, corpus: &'static str, engine: &'static str, rate: f64, hits: u64) {
        let entry = self.rates.entry((corpus, engine)).or_default();
        entry.0.push(rate);
        entry.1 = hits;
    }

    pub fn missed(&self) -> usize {
        self.judged.iter().filter(|(_, ok)| !ok).count()
    }

    fn median_of(&self, corpus: &'static str, engine: &'static str) -> Option<f64> {
        self.rates.get(&(corpus, engine)).map(|(rates, _)| median(&mut rates.clone()))
    }

    /// Ratios are taken round by round: what else the machine does moves both sides alike.
    fn ratio(&self, corpus: &'static str, engine: &'static str, of: &'static str) -> Option<f64> {
        let (own, _) = self.rates.get(&(corpus, engine))?;
        let (other, _) = self.rates.get(&(corpus, of))?;
        let mut ratios: Vec<f64> = own.iter().zip(other).map(|(a, b)| a / b).collect();
        Some(median(&mut ratios))
    }

    pub fn print(&mut self) {
        for note in &self.notes {
            println!("{note}");
        }
        let kinds = self.kinds.clone();
        let mut benign: Vec<f64> = kinds
            .iter()
            .filter(|(_, kind, ..)| *kind == Kind::Benign)
            .filter_map(|(name, ..)| self.median_of(name, "tidegate"))
            .collect();
        let benign = median(&mut benign);
        println!("\n{:14} {:>8} {:>10}  peers: MB/s, hits, times as fast", "text", "MB/s", "findings");
        for (name, kind, _, planted) in kinds {
            let own = self.median_of(name, "tidegate").unwrap_or(f64::NAN);
            let hits = self.rates.get(&(name, "tidegate")).map_or(0, |(_, hits)| *hits);
            let mut line = format!("{name:14} {:8.0} {hits:10}", own / 1e6);
            let mut peers: Vec<&'static str> = self.rates.keys().map(|(_, engine)| *engine).collect();
            peers.sort_unstable();
            peers.dedup();
            for peer in peers.into_iter().filter(|p| *p != "tidegate") {
                let Some(rate) = self.median_of(name, peer) else { continue };
                let ratio = self.ratio(name, "tidegate", peer).unwrap_or(f64::NAN);
                let hits = self.rates.get(&(name, peer)).map_or(0, |(_, hits)| *hits);
                line.push_str(&format!("  {peer} {:.0} {hits} x{ratio:.1}", rate / 1e6));
                if let Some((.., goal)) = GOALS.iter().find(|(p, k, _)| *p == peer && *k == kind) {
                    self.judge(format!("{name}: {ratio:.1} x {peer} (at least {goal:.0})"), ratio >= *goal);
                }
            }
            if own.is_nan() {
                println!("{line}");
                continue;
            }
            let part = own / benign;
            match kind {
                Kind::Dense => {
                    self.judge(format!("{name}: {part:.2} of benign (at least {DENSE:.2})"), part >= DENSE)
                }
                Kind::Hostile => self
                    .judge(format!("{name}: {part:.2} of benign (at least {HOSTILE:.2})"), part >= HOSTILE),
                Kind::Benign | Kind::Random | Kind::Prose => {
                    self.judge(
                        format!("{name}: {hits} findings of {planted} planted"),
                        hits as usize >= planted,
                    );
                }
            }
            println!("{line}");
        }
        println!("\nbenign median {:.0} MB/s", benign / 1e6);
        for (text, ok) in &self.judged {
            println!("{} {text}", if *ok { "ok  " } else { "MISS" });
        }
    }
}
