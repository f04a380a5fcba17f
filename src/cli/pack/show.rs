//! `tidegate pack show`: one detector as a person wants to read it, or one pack.

use std::io::{self, Write};

use serde_json::{Value, json};

use super::{Failure, Format, Output, PacksArg, detector};
use crate::cli::cost;
use crate::cli::paint::{Ink, Paint, Rows};
use crate::config::PackSet;
use crate::detect::pack::Definition;
use crate::detect::validate::Check;
use crate::detect::{DetectorId, Pack};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// A detector, such as `payment.pan`, or a pack, such as `payment`.
    id: String,
    #[command(flatten)]
    packs: PacksArg,
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
}

pub(super) fn run(args: &Args, output: &mut Output) -> Result<(), Failure> {
    let set = args.packs.open()?;
    let packs = set.matcher.packs();
    let chosen = if packs.iter().any(|pack| pack.name == args.id) {
        let own = |id: &DetectorId| {
            packs.get(set.matcher.detector(*id).pack).is_some_and(|pack| pack.name == args.id)
        };
        (0..set.matcher.detectors().len())
            .filter_map(|n| u16::try_from(n).ok().map(DetectorId))
            .filter(own)
            .collect()
    } else {
        vec![detector(&set, &args.id)?]
    };
    let text = cost::benign_text();
    let mut values = Vec::new();
    for (index, id) in chosen.into_iter().enumerate() {
        let Some(shown) = Shown::of(&set, id, &text) else { continue };
        match args.format {
            Format::Json => values.push(shown.json()),
            Format::Text => {
                if index > 0 {
                    writeln!(output)?;
                }
                shown.print(&mut Rows { output: &mut *output, paint: Paint::stdout() })?;
            }
        }
    }
    if args.format == Format::Json {
        let value = if values.len() == 1 { values.swap_remove(0) } else { Value::Array(values) };
        writeln!(output, "{value:#}")?;
    }
    Ok(())
}

struct Shown<'a> {
    set: &'a PackSet,
    id: DetectorId,
    pack: &'a Pack,
    definition: &'a Definition,
    nanoseconds: Option<f64>,
}

impl<'a> Shown<'a> {
    fn of(set: &'a PackSet, id: DetectorId, text: &[u8]) -> Option<Shown<'a>> {
        let known = set.matcher.detector(id);
        let pack = set.matcher.packs().get(known.pack)?;
        let definition = pack.definitions.iter().find(|definition| definition.id() == known.id)?;
        let alone = cost::alone(pack, definition);
        let nanoseconds = alone.map(|matcher| cost::nanoseconds_per_byte(&matcher, text, cost::measured(1)));
        Some(Shown { set, id, pack, definition, nanoseconds })
    }

    fn checks(&self) -> Vec<(&'static str, &'static Check)> {
        let of = |role, names: &'a [toml::Spanned<String>]| {
            names.iter().filter_map(move |name| Check::named(name.get_ref()).map(|check| (role, check)))
        };
        let d = self.definition;
        of("must pass", &d.validators)
            .chain(of("must not pass", &d.invalidators))
            .chain(of("lowers when it passes", &d.doubts))
            .collect()
    }

    fn json(&self) -> Value {
        let (d, facts) = (self.definition, self.set.matcher.facts(self.id));
        let keywords = d.keywords.as_ref().map(|keywords| keywords.get_ref());
        let check = |(role, check): &(&str, &Check)| json!({ "name": check.name, "role": role, "about": check.about });
        json!({
            "id": d.id(), "description": d.description, "pack": self.pack.name, "version": self.pack.version,
            "file": d.file, "line": d.line, "signed_by": self.pack.signed_by,
            "pattern": d.pattern.get_ref(), "boundary": d.boundary.as_str(), "tier": d.tier.as_str(),
            "confidence": d.tier.confidence().as_str(), "bare": d.bare_confidence().as_str(),
            "severity": d.severity.as_str(), "tags": self.set.matcher.detector(self.id).tags,
            "checks": self.checks().iter().map(check).collect::<Vec<_>>(),
            "keywords": keywords.map(|k| json!({
                "any": k.any, "before": k.before, "after": k.after, "scope": k.scope.iter().map(|scope| scope.as_str()).collect::<Vec<_>>(), "required": k.required,
            })),
            "beside": d.beside.as_ref().map(|b| json!({
                "any": b.get_ref().any, "before": b.get_ref().before, "after": b.get_ref().after,
            })),
            "exclude": {
                "keywords": d.exclude.keywords, "values": d.exclude.values.len(),
                "before": d.exclude.before.as_ref().map(|p| p.get_ref()),
                "after": d.exclude.after.as_ref().map(|p| p.get_ref()),
                "unless_named": {
                    "before": d.exclude.unless_named.before.as_ref().map(|p| p.get_ref()),
                    "after": d.exclude.unless_named.after.as_ref().map(|p| p.get_ref()),
                },
                "lower": {
                    "before": d.exclude.lower.before.as_ref().map(|p| p.get_ref()),
                    "after": d.exclude.lower.after.as_ref().map(|p| p.get_ref()),
                },
                "low": {
                    "before": d.exclude.low.before.as_ref().map(|p| p.get_ref()),
                    "after": d.exclude.low.after.as_ref().map(|p| p.get_ref()),
                },
                "longer": d.exclude.longer.as_ref().map(|p| p.get_ref()),
            },
            "crowd": d.exclude.crowd.as_ref().map(|crowd| *crowd.get_ref()),
            "faint": d.faint.as_ref().map(|p| p.get_ref()),
            "mask": { "keep_last": d.mask.keep_last },
            "examples": d.examples.iter().map(|e| json!({ "text": e.get_ref().text, "finds": e.get_ref().finds }))
                .collect::<Vec<_>>(),
            "anchors": facts.anchors, "states": facts.states, "bytes": facts.bytes,
            "min_len": facts.min_len, "max_len": facts.max_len, "ns_per_byte": self.nanoseconds,
        })
    }

    fn print(&self, rows: &mut Rows<'_>) -> io::Result<()> {
        let (d, paint) = (self.definition, rows.paint);
        let title = format!("{}  {}", paint.with(Ink::Bold, d.id()), d.description);
        rows.line("detector", title)?;
        rows.line("pack", format_args!("{} {}, {}:{}", self.pack.name, self.pack.version, d.file, d.line))?;
        rows.line("pattern", paint.with(Ink::Cyan, d.pattern.get_ref()))?;
        rows.line("boundary", d.boundary.about())?;
        let (confidence, bare) = (d.tier.confidence().as_str(), d.bare_confidence().as_str());
        rows.line(
            "tier",
            format_args!("{}: {confidence} unaided, {bare} when it is digits alone", d.tier.as_str()),
        )?;
        for (index, (role, check)) in self.checks().iter().enumerate() {
            let name = if index == 0 { "checks" } else { "" };
            rows.line(name, format_args!("{} {role}: {}", paint.with(Ink::Green, check.name), check.about))?;
        }
        self.print_around(rows)?;
        self.print_rest(rows)
    }

    /// What around a match speaks for it, against it, or makes it something else.
    fn print_around(&self, rows: &mut Rows<'_>) -> io::Result<()> {
        let (d, paint) = (self.definition, rows.paint);
        if let Some(keywords) = d.keywords.as_ref().map(|keywords| keywords.get_ref()) {
            let role = if keywords.required { "one must stand near" } else { "raise confidence" };
            rows.line(
                "keywords",
                format_args!("{role}, {} bytes before to {} behind", keywords.before, keywords.after),
            )?;
            for row in wrapped(&keywords.any) {
                rows.line("", row)?;
            }
        }
        if let Some(beside) = d.beside.as_ref().map(|beside| beside.get_ref()) {
            let ids = beside.any.join(", ");
            rows.line(
                "beside",
                format_args!("{ids}: raise too, {} bytes before to {} behind", beside.before, beside.after),
            )?;
        }
        if !d.exclude.keywords.is_empty() {
            rows.line("lowered by", wrapped(&d.exclude.keywords).join("\n              "))?;
        }
        if let Some(crowd) = &d.exclude.crowd {
            let crowd = crowd.get_ref();
            rows.line("lowered among", format_args!("{crowd} other numbers of a list that pass no check"))?;
        }
        let unless_named = &d.exclude.unless_named;
        let around = [
            ("faint", &d.faint),
            ("not behind", &d.exclude.before),
            ("not before", &d.exclude.after),
            ("named behind", &unless_named.before),
            ("named before", &unless_named.after),
            ("less behind", &d.exclude.lower.before),
            ("less before", &d.exclude.lower.after),
            ("low behind", &d.exclude.low.before),
            ("low before", &d.exclude.low.after),
            ("longer but by", &d.exclude.longer),
        ];
        for (name, pattern) in around {
            if let Some(pattern) = pattern {
                rows.line(name, paint.with(Ink::Cyan, pattern.get_ref()))?;
            }
        }
        if !d.exclude.values.is_empty() {
            rows.line("never", format_args!("{} known values", d.exclude.values.len()))?;
        }
        Ok(())
    }

    fn print_rest(&self, rows: &mut Rows<'_>) -> io::Result<()> {
        let (d, paint, facts) = (self.definition, rows.paint, self.set.matcher.facts(self.id));
        let mask = match d.mask.keep_last {
            0 => "every letter and digit".to_owned(),
            n => format!("all but the last {n} letters or digits"),
        };
        rows.line("masked", mask)?;
        if let Some(pack) = self.set.matcher.packs().get(self.set.matcher.detector(self.id).pack) {
            rows.line(
                "family",
                format_args!("{}: one finding of it counts where they overlap", d.family_in(pack)),
            )?;
        }
        rows.line("severity", d.severity.as_str())?;
        rows.line("tags", self.set.matcher.detector(self.id).tags.join(" "))?;
        for (index, example) in d.examples.iter().map(toml::Spanned::get_ref).enumerate() {
            let name = if index == 0 { "examples" } else { "" };
            let finds =
                if example.finds.is_empty() { "nothing".to_owned() } else { example.finds.join(", ") };
            rows.line(name, format_args!("{:?} finds {}", example.text, paint.with(Ink::Green, finds)))?;
        }
        for (index, anchor) in facts.anchors.iter().enumerate() {
            rows.line(if index == 0 { "anchor" } else { "" }, anchor)?;
        }
        let lengths = format!("{} to {} bytes", facts.min_len, facts.max_len);
        rows.line(
            "automaton",
            format_args!("{} states, {} bytes; a match is {lengths}", facts.states, facts.bytes),
        )?;
        if let Some(nanoseconds) = self.nanoseconds {
            let text = "over ordinary text, this detector alone, on this machine now";
            rows.line("cost", format_args!("{nanoseconds:.3} ns per byte measured {text}"))?;
        }
        Ok(())
    }
}

/// Words in lines of a readable length.
fn wrapped(words: &[String]) -> Vec<String> {
    let mut rows: Vec<String> = Vec::new();
    for word in words {
        match rows.last_mut() {
            Some(row) if row.len() + word.len() < 90 => {
                row.push_str(", ");
                row.push_str(word);
            }
            _ => rows.push(word.clone()),
        }
    }
    rows
}
