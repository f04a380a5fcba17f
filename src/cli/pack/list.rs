//! `tidegate pack list`: packs and detectors in use, and what replaces what.

use std::io::Write;

use serde::Serialize;

use super::{Failure, Format, Output, PacksArg};
use crate::cli::paint::{Ink, Paint};
use crate::config::PackSet;
use crate::detect::pack::Definition;
use crate::detect::{Detector, Pack};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    packs: PacksArg,
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
}

/// One pack, as `--format json` has it.
#[derive(Serialize)]
pub(super) struct Listed<'a> {
    name: &'a str,
    version: &'a str,
    hash: &'a str,
    file: String,
    built_in: bool,
    /// Id of the trusted key that signed it; null when no key was asked for.
    signed_by: Option<&'a str>,
    tags: &'a [String],
    detectors: Vec<Row<'a>>,
}

#[derive(Serialize)]
struct Row<'a> {
    id: &'a str,
    tier: &'static str,
    anchor: Option<&'static str>,
    /// Unaided, and of digits alone.
    confidence: &'static str,
    bare: &'static str,
    severity: &'static str,
    keyword: &'static str,
    tags: &'a [String],
    description: &'a str,
    /// `name version` of the later pack whose detector stands in its place.
    #[serde(skip_serializing_if = "Option::is_none")]
    replaced_by: Option<String>,
    /// `name version` of the earlier pack whose detector this one replaces.
    #[serde(skip_serializing_if = "Option::is_none")]
    replaces: Option<String>,
}

pub(super) fn run(args: &Args, output: &mut Output) -> Result<(), Failure> {
    let set = args.packs.open()?;
    let listed = listed(&set);
    match args.format {
        Format::Json => {
            serde_json::to_writer_pretty(&mut *output, &serde_json::json!({ "packs": listed }))
                .map_err(|error| Failure::output(error.into()))?;
            writeln!(output)?;
        }
        Format::Text => {
            for (index, pack) in listed.iter().enumerate() {
                if index > 0 {
                    writeln!(output)?;
                }
                table(pack, Paint::stdout(), output)?;
            }
        }
    }
    Ok(())
}

/// `name version`.
fn called(pack: &Pack) -> String {
    format!("{} {}", pack.name, pack.version)
}

fn listed(set: &PackSet) -> Vec<Listed<'_>> {
    let packs = set.matcher.packs();
    let at = |index: usize| packs.get(index).map(called);
    let has = |pack: &Pack, id: &str| pack.definitions.iter().any(|d| d.id.get_ref() == id);
    let row = |index: usize, definition| {
        let id = Definition::id(definition);
        let active = set.matcher.detectors().iter().find(|detector| detector.id == id);
        let own = active.filter(|detector| detector.pack == index);
        let earlier = packs.iter().take(index).rev().find(|pack| has(pack, id));
        Row {
            replaced_by: active.filter(|_| own.is_none()).and_then(|detector| at(detector.pack)),
            replaces: own.and(earlier).map(called),
            ..row(definition, own)
        }
    };
    let paired = packs.iter().zip(&set.files).enumerate();
    let list = paired.map(|(index, (pack, files))| Listed {
        name: &pack.name,
        version: &pack.version,
        hash: &pack.hash,
        file: files.path().map_or_else(|| pack.file.clone(), |path| path.display().to_string()),
        built_in: files.path().is_none(),
        signed_by: pack.signed_by.as_deref(),
        tags: &pack.tags,
        detectors: pack.definitions.iter().map(|definition| row(index, definition)).collect(),
    });
    list.collect()
}

fn row<'a>(definition: &'a Definition, own: Option<&Detector>) -> Row<'a> {
    let keywords = definition.keywords.as_ref().map(|keywords| keywords.get_ref());
    Row {
        id: definition.id(),
        tier: definition.tier.as_str(),
        anchor: own.map(|detector| detector.anchor),
        confidence: definition.tier.confidence().as_str(),
        bare: definition.bare_confidence().as_str(),
        severity: definition.severity.as_str(),
        keyword: match keywords {
            None => "none",
            Some(keywords) if keywords.required => "required",
            Some(_) => "raises",
        },
        tags: &definition.tags,
        description: &definition.description,
        replaced_by: None,
        replaces: None,
    }
}

fn table(pack: &Listed<'_>, paint: Paint, output: &mut Output) -> Result<(), Failure> {
    let from = if pack.built_in { "built in".to_owned() } else { pack.file.clone() };
    let signed = match (pack.signed_by, pack.built_in) {
        (Some(id), _) => format!("signed by {id}"),
        (None, true) => "part of the binary".to_owned(),
        (None, false) => "signature not asked for".to_owned(),
    };
    let hash = pack.hash.get(..12).unwrap_or(pack.hash);
    let title = format!("{} {}", pack.name, pack.version);
    writeln!(
        output,
        "{}  {from} · {signed} · sha256 {hash} · {} detectors",
        paint.with(Ink::Bold, title),
        pack.detectors.len()
    )?;
    let width = pack.detectors.iter().map(|row| row.id.len()).max().unwrap_or(0);
    let heads = format!(
        "  {:width$}  {:6}  {:7}  {:12}  {:8}  {}",
        "id", "tier", "anchor", "confidence", "keyword", "tags"
    );
    writeln!(output, "{}", paint.with(Ink::Dim, heads))?;
    for row in &pack.detectors {
        let confidence = match (row.confidence, row.bare) {
            // Only digits can be bare.
            (confidence, bare) if confidence == bare || row.anchor != Some("digits") => confidence.to_owned(),
            (confidence, bare) => format!("{confidence}/{bare}"),
        };
        let anchor = row.anchor.unwrap_or("-");
        let ink = if anchor == "none" { Ink::Yellow } else { Ink::Green };
        let note = match (&row.replaced_by, &row.replaces) {
            (Some(by), _) => format!("  replaced by {by}"),
            (None, Some(other)) => format!("  replaces the one of {other}"),
            (None, None) => String::new(),
        };
        let tags = row.tags.join(" ");
        let line = format!(
            "  {:width$}  {:6}  {}  {:12}  {:8}  {tags}{}",
            row.id,
            row.tier,
            paint.with(ink, format!("{anchor:7}")),
            confidence,
            row.keyword,
            paint.with(Ink::Yellow, note)
        );
        writeln!(output, "{}", line.trim_end())?;
    }
    Ok(())
}
