//! Of overlapping findings of one family one counts: the surer, then the longer, then one that passed validators, then one
//! that a word speaks for, then one of a stronger tier, then the one whose pack comes first. What covers a finding of another family hides it only where nothing but a weak check speaks
//! for that.

use std::cmp::Reverse;

use crate::detect::{DetectorId, Family, Finding, Twin};
use crate::limits::OVERLAP_CHAIN;

/// Findings of one text that may still be overlapped by later ones.
#[derive(Debug, Default)]
pub struct Overlap {
    /// By start, then detector.
    pending: Vec<Finding>,
    /// For each family the end of the last one chosen: what starts below it has lost already.
    floors: Vec<(Family, u64)>,
    chain: Vec<(Family, Finding)>,
}

/// Of which family a finding is.
pub type Families<'a> = dyn Fn(&Finding) -> Family + 'a;

/// Whether rules count what the second finds and not what the first does.
pub type Telling<'a> = dyn Fn(DetectorId, DetectorId) -> bool + 'a;

impl Overlap {
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.pending.is_empty()
    }

    /// Where the first undecided finding starts.
    #[must_use]
    pub fn first_start(&self) -> Option<u64> {
        self.pending.first().map(|finding| finding.start)
    }

    /// Takes findings in the order in which they became certain.
    pub fn add(&mut self, findings: &mut Vec<Finding>) {
        if findings.is_empty() {
            return;
        }
        self.pending.append(findings);
        self.pending.sort_by_key(|finding| (finding.start, finding.detector));
    }

    /// Appends to `out`, by start, the findings that count, as far as everything starting below `settled` is
    /// known. Those that are `exempt` are removed before the comparison: they are all passed on and hide none. What
    /// rules tell apart from another finding of the very same bytes is its twin and counts beside it.
    pub fn resolve(
        &mut self,
        settled: u64,
        families: &Families<'_>,
        apart: &Telling<'_>,
        exempt: &mut dyn FnMut(&Finding) -> bool,
        out: &mut Vec<Finding>,
    ) {
        let mut taken = 0;
        while let Some(length) = closed_chain(self.pending.get(taken..).unwrap_or_default(), settled) {
            let chain = self.pending.get(taken..taken + length).unwrap_or_default();
            taken += length;
            let first_out = out.len();
            self.chain.clear();
            for finding in chain {
                if exempt(finding) {
                    out.push(*finding);
                    continue;
                }
                let family = families(finding);
                let floor = self.floors.iter().find(|(of, _)| of.is(family));
                if floor.is_none_or(|(_, end)| finding.start >= *end) {
                    self.chain.push((family, *finding));
                }
            }
            choose(&mut self.chain, &mut self.floors, apart, out);
            if let Some(chosen) = out.get_mut(first_out..) {
                chosen.sort_by_key(|finding| (finding.start, finding.detector));
            }
        }
        self.pending.drain(..taken);
    }
}

/// How many of the first `findings` overlap in one chain, once no more can join it.
fn closed_chain(findings: &[Finding], settled: u64) -> Option<usize> {
    let first = findings.first()?;
    let mut end = first.end;
    for (index, finding) in findings.iter().enumerate() {
        if finding.start >= end && end <= settled {
            return Some(index);
        }
        if finding.start >= settled {
            return None;
        }
        // A chain without end must not be waited for.
        if index == OVERLAP_CHAIN {
            return Some(index);
        }
        end = end.max(finding.end);
    }
    (end <= settled).then_some(findings.len())
}

/// Moves the best of `chain` that do not exclude each other to `out`, and tells `floors` how far they reach.
fn choose(
    chain: &mut Vec<(Family, Finding)>,
    floors: &mut Vec<(Family, u64)>,
    apart: &Telling<'_>,
    out: &mut Vec<Finding>,
) {
    chain.sort_by_key(|(family, f)| {
        let (unchecked, unnamed) = (!family.is_checked(), !f.keyword);
        let likely = (unchecked, unnamed, family.chance());
        (Reverse(f.confidence), Reverse(f.end - f.start), likely, f.detector, f.start)
    });
    let (mut chosen, first_out) = (0, out.len());
    for at in 0..chain.len() {
        let Some(&(family, mut finding)) = chain.get(at) else { break };
        let mut twin = None;
        let is_hidden = chain.iter().take(chosen).enumerate().any(|(nth, (of, one))| {
            let stands = of.twins(one, family, &finding) && apart(one.detector, finding.detector);
            twin = twin.or(stands.then_some((nth, *one)));
            !stands && of.hides(one, family, &finding)
        });
        if is_hidden {
            continue;
        }
        if let Some((nth, one)) = twin {
            let of = |finding: Finding, counts| {
                Some(Twin { detector: finding.detector, confidence: finding.confidence, counts })
            };
            if let Some(first) = out.get_mut(first_out + nth) {
                first.twin = first.twin.or(of(finding, false));
            }
            finding.twin = of(one, true);
        }
        chain.swap(at, chosen);
        chosen += 1;
        out.push(finding);
        match floors.iter_mut().find(|(of, _)| of.is(family)) {
            Some((_, end)) => *end = finding.end.max(*end),
            None => floors.push((family, finding.end)),
        }
    }
    chain.clear();
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::detect::Confidence::{self, High, Low, Medium};
    use crate::detect::pack::Tier;
    use crate::fingerprint::FingerprintKey;
    use proptest::prelude::*;

    fn finding(detector: u16, start: u64, end: u64, confidence: Confidence) -> Finding {
        let fingerprint = FingerprintKey::new(&[1; 32]).of("x", &start.to_le_bytes());
        let detector = DetectorId(detector);
        Finding { detector, start, end, confidence, keyword: false, fingerprint, twin: None }
    }

    /// Detectors from 10 on are of another family, number 5 is one that proves little, number 2 has no validators.
    fn family(finding: &Finding) -> Family {
        let tier = if finding.detector.0 == 5 { Tier::Medium } else { Tier::Strong };
        Family::numbered(usize::from(finding.detector.0 >= 10), tier, finding.detector.0 != 2)
    }

    fn resolve(mut findings: Vec<Finding>, exempt: &[u16]) -> Vec<(u16, u64)> {
        let (mut overlap, mut out) = (Overlap::default(), Vec::new());
        overlap.add(&mut findings);
        overlap.resolve(
            u64::MAX,
            &family,
            &|_, _| false,
            &mut |finding| exempt.contains(&finding.detector.0),
            &mut out,
        );
        assert!(overlap.is_empty());
        out.iter().map(|f| (f.detector.0, f.start)).collect()
    }

    #[test]
    fn surer_then_longer_then_likelier_then_earlier_pack() {
        type Case = (&'static str, Vec<Finding>, &'static [(u16, u64)]);
        let named = |finding| Finding { keyword: true, ..finding };
        let cases: [Case; 17] = [
            ("another family", vec![finding(10, 0, 30, High), finding(0, 5, 20, Medium)], &[(10, 0), (0, 5)]),
            (
                "two families, each with its own order",
                vec![
                    finding(10, 0, 30, High),
                    finding(0, 5, 20, Medium),
                    finding(1, 5, 12, Medium),
                    finding(11, 29, 40, Low),
                ],
                &[(10, 0), (0, 5)],
            ),
            (
                "what proves little, covered",
                vec![finding(10, 0, 30, High), finding(5, 5, 20, Medium)],
                &[(10, 0)],
            ),
            ("and beyond", vec![finding(10, 0, 30, High), finding(5, 5, 31, Medium)], &[(10, 0), (5, 5)]),
            ("the same bytes", vec![finding(10, 0, 9, Medium), finding(0, 0, 9, High)], &[(0, 0)]),
            ("surer", vec![finding(0, 0, 20, Medium), finding(1, 5, 9, High)], &[(1, 5)]),
            ("longer", vec![finding(0, 0, 9, High), finding(1, 5, 20, High)], &[(1, 5)]),
            ("validators", vec![finding(2, 0, 9, High), finding(3, 0, 9, High)], &[(3, 0)]),
            ("longer without", vec![finding(2, 0, 10, High), finding(3, 0, 9, High)], &[(2, 0)]),
            ("a word", vec![finding(3, 0, 9, High), named(finding(5, 0, 9, High))], &[(5, 0)]),
            (
                "a word without validators",
                vec![named(finding(2, 0, 9, High)), finding(3, 0, 9, High)],
                &[(3, 0)],
            ),
            ("tier", vec![finding(5, 0, 9, High), finding(6, 0, 9, High)], &[(6, 0)]),
            ("longer of a weaker tier", vec![finding(5, 0, 10, High), finding(6, 0, 9, High)], &[(5, 0)]),
            ("pack", vec![finding(1, 0, 9, High), finding(0, 0, 9, High)], &[(0, 0)]),
            ("apart", vec![finding(0, 0, 9, Low), finding(1, 9, 20, High)], &[(0, 0), (1, 9)]),
            (
                "a loser hides nobody",
                vec![finding(0, 0, 10, High), finding(1, 8, 22, Medium), finding(2, 20, 25, Low)],
                &[(0, 0), (2, 20)],
            ),
            ("nothing", vec![], &[]),
        ];
        for (name, findings, expected) in cases {
            assert_eq!(resolve(findings, &[]), expected, "{name}");
        }
    }

    #[test]
    fn what_rules_tell_apart_counts_beside_its_twin() {
        // Detector, what stands with it, and whether that counts for rules that name both.
        type Found = Vec<(u16, Option<(u16, bool)>)>;
        let resolve = |findings: &[Finding], apart: &[(u16, u16)]| -> Found {
            let (mut overlap, mut out) = (Overlap::default(), Vec::new());
            overlap.add(&mut findings.to_vec());
            let apart = |first: DetectorId, other: DetectorId| apart.contains(&(first.0, other.0));
            overlap.resolve(u64::MAX, &family, &apart, &mut |_| false, &mut out);
            let twin = |finding: &Finding| finding.twin.map(|twin| (twin.detector.0, twin.counts));
            out.iter().map(|finding| (finding.detector.0, twin(finding))).collect()
        };
        let same = [finding(0, 0, 9, High), finding(10, 0, 9, Medium)];
        assert_eq!(resolve(&same, &[]), [(0, None)]);
        assert_eq!(resolve(&same, &[(10, 0)]), [(0, None)], "the other way round");
        assert_eq!(resolve(&same, &[(0, 10)]), [(0, Some((10, false))), (10, Some((0, true)))]);
        let one_family = [finding(0, 0, 9, High), finding(1, 0, 9, Medium)];
        assert_eq!(resolve(&one_family, &[(0, 1)]), [(0, None)], "they compete");
        let shorter = [finding(0, 0, 9, High), finding(5, 1, 9, Medium)];
        assert_eq!(resolve(&shorter, &[(0, 5)]), [(0, None)]);
    }

    #[test]
    fn the_exempt_are_removed_first() {
        let findings = vec![finding(0, 0, 20, High), finding(1, 5, 9, Low)];
        assert_eq!(resolve(findings, &[0]), [(0, 0), (1, 5)]);
    }

    #[test]
    fn an_open_chain_waits_until_it_is_settled() {
        let mut overlap = Overlap::default();
        let mut out = Vec::new();
        overlap.add(&mut vec![finding(0, 10, 20, High)]);
        overlap.resolve(19, &family, &|_, _| false, &mut |_| false, &mut out);
        assert!(out.is_empty());
        assert_eq!(overlap.first_start(), Some(10));
        overlap.add(&mut vec![finding(1, 5, 15, High)]);
        overlap.resolve(20, &family, &|_, _| false, &mut |_| false, &mut out);
        assert_eq!(out.iter().map(|f| f.detector.0).collect::<Vec<_>>(), [0]);
    }

    #[test]
    fn an_endless_chain_is_cut_and_stays_disjoint() {
        let mut findings: Vec<_> =
            (0..3 * OVERLAP_CHAIN as u64).map(|i| finding((i % 2) as u16, i * 5, i * 5 + 8, High)).collect();
        let (mut overlap, mut out) = (Overlap::default(), Vec::new());
        overlap.add(&mut findings);
        overlap.resolve(5 * 2 * OVERLAP_CHAIN as u64, &family, &|_, _| false, &mut |_| false, &mut out);
        assert!(!out.is_empty(), "an endless chain was waited for");
        overlap.resolve(u64::MAX, &family, &|_, _| false, &mut |_| false, &mut out);
        assert!(out.windows(2).all(|pair| pair[0].end <= pair[1].start));
    }

    proptest! {
        #[test]
        fn any_arrival_gives_the_same(
            spans in prop::collection::vec((prop::sample::select(vec![0u16, 1, 10, 11]), 0u64..200, 1u64..30, 0u8..3), 0..60),
            steps in prop::collection::vec(1u64..60, 1..20),
        ) {
            // Findings of one detector do not overlap each other.
            let mut all: Vec<Finding> = Vec::new();
            for (detector, start, length, confidence) in spans {
                let confidence = [Low, Medium, High][usize::from(confidence)];
                let new = finding(detector, start, start + length, confidence);
                if all.iter().all(|f| f.detector != new.detector || f.end <= new.start || new.end <= f.start) {
                    all.push(new);
                }
            }
            let whole = resolve(all.clone(), &[]);
            let (mut overlap, mut out, mut settled) = (Overlap::default(), Vec::new(), 0);
            for step in steps.iter().cycle().take(240) {
                let next = settled + step;
                // What starts below the settled offset has been reported.
                let mut fresh: Vec<_> = all.extract_if(.., |f| f.start < next).collect();
                overlap.add(&mut fresh);
                settled = next;
                overlap.resolve(settled, &family, &|_, _| false, &mut |_| false, &mut out);
            }
            let pieces: Vec<_> = out.iter().map(|f| (f.detector.0, f.start)).collect();
            prop_assert_eq!(pieces, whole);
        }
    }
}
