//! Which packs a command works with: the configuration's, or those named on the command line.

use std::path::PathBuf;

use super::{ConfigArg, Failure};
use crate::config::{self, PackSet};
use crate::detect::DetectorId;

#[derive(Debug, clap::Args)]
pub(super) struct PacksArg {
    #[command(flatten)]
    config: ConfigArg,
    /// Pack to use instead of the configuration's: a built-in name, a file or a folder; may be given several times,
    /// a later one's detectors replace those of the same id. `pack_keys` of --config holds for it too.
    #[arg(long = "pack", value_name = "PACK")]
    packs: Vec<String>,
}

impl PacksArg {
    pub(super) fn open(&self) -> Result<PackSet, Failure> {
        let file = self.config.config.as_deref();
        if self.packs.is_empty() {
            return Ok(config::packs(&config::read(file)?)?);
        }
        let config = file.map(|file| config::read(Some(file))).transpose()?;
        Ok(config::packs_of(&self.packs.iter().map(as_written).collect::<Vec<_>>(), config.as_ref())?)
    }

    pub(super) fn config_file(&self) -> Option<&PathBuf> {
        self.config.config.as_ref()
    }
}

/// A folder of the working directory needs no `./` before it on a command line.
pub(super) fn as_written(name: &String) -> String {
    let is_built_in = crate::detect::Pack::built_in_names().contains(&name.as_str());
    let is_plain = !name.contains('/') && !name.ends_with(".toml");
    if !is_built_in && is_plain && std::path::Path::new(name).exists() {
        format!("./{name}")
    } else {
        name.clone()
    }
}

/// The detector of that id.
pub(super) fn detector(set: &PackSet, id: &str) -> Result<DetectorId, Failure> {
    let detectors = set.matcher.detectors();
    let place = detectors.iter().position(|detector| detector.id == id).and_then(|at| u16::try_from(at).ok());
    place.map(DetectorId).ok_or_else(|| {
        let pack = id.split('.').next().unwrap_or(id);
        let is_built_in = crate::detect::Pack::built_in_names().contains(&pack);
        if is_built_in && set.matcher.packs().iter().all(|used| used.name != pack) {
            return Failure::usage(format!(
                "no pack in use finds `{id}`: `{pack}` is built in and not in use; `--pack {pack}`, or `packs` in the configuration"
            ));
        }
        if id.contains('*') {
            return Failure::usage(format!(
                "`{id}` is a pattern; one identifier is wanted, such as `{}`",
                detectors.iter().find(|detector| fits(id, &detector.id)).map_or("payment.pan", |one| &one.id)
            ));
        }
        let near = detectors.iter().map(|detector| (strsim::jaro_winkler(&detector.id, id), &detector.id));
        let near = near.filter(|(score, _)| *score > 0.8).max_by(|a, b| a.0.total_cmp(&b.0));
        let hint = near.map_or_else(
            || "; `tidegate pack list` names all".to_owned(),
            |(_, near)| format!("; did you mean `{near}`?"),
        );
        Failure::usage(format!("no pack in use finds `{id}`{hint}"))
    })
}

/// Whether an id fits a pattern in which `*` stands for anything.
pub(super) fn fits(glob: &str, id: &str) -> bool {
    let Some((head, rest)) = glob.split_once('*') else { return glob == id };
    let Some(id) = id.strip_prefix(head) else { return false };
    (0..=id.len()).any(|skip| id.get(skip..).is_some_and(|id| fits(rest, id)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_anything() {
        for (glob, fit) in [
            ("payment.*", true),
            ("*", true),
            ("*.pan", true),
            ("p*.p*n", true),
            ("payment.pan", true),
            ("payment", false),
            ("*.iban", false),
            ("payment.pan*x", false),
        ] {
            assert_eq!(fits(glob, "payment.pan"), fit, "{glob}");
        }
    }
}
