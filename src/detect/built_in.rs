//! The packs that are part of the binary.

use std::sync::OnceLock;

use super::Pack;

/// A file of a pack that is part of the binary.
macro_rules! files {
    ($($path:literal),+) => { &[$(($path, include_str!(concat!("../../", $path)))),+] };
}

/// Packs that are part of the binary: name, and the files that make it.
const BUILT_IN: &[(&str, &[(&str, &str)])] = &[
    ("payment", files!["patterns/payment.toml"]),
    ("contact", files!["patterns/contact.toml"]),
    (
        "national-id",
        files![
            "patterns/national-id/north-america.toml",
            "patterns/national-id/latin-america.toml",
            "patterns/national-id/britain.toml",
            "patterns/national-id/europe-west.toml",
            "patterns/national-id/europe-north.toml",
            "patterns/national-id/europe-south.toml",
            "patterns/national-id/europe-east.toml",
            "patterns/national-id/asia.toml",
            "patterns/national-id/oceania.toml",
            "patterns/national-id/middle-east-africa.toml"
        ],
    ),
    ("secrets", files!["patterns/secrets.toml"]),
    ("health", files!["patterns/health.toml"]),
    ("travel", files!["patterns/travel.toml"]),
];
const NAMES: &[&str] = &["payment", "contact", "national-id", "secrets", "health", "travel"];
/// Those that are in use when a configuration names none.
const DEFAULT: &[&str] = &["payment", "contact", "national-id", "secrets"];

/// What they are read to, in the same order: they never change, and a reload need not read them again.
static READ: [OnceLock<Option<Pack>>; BUILT_IN.len()] = [const { OnceLock::new() }; BUILT_IN.len()];

impl Pack {
    /// A pack that is part of the binary.
    #[must_use]
    pub fn built_in(name: &str) -> Option<Pack> {
        let mut known = BUILT_IN.iter().zip(&READ);
        let ((_, files), read) = known.find(|((built_in, _), _)| *built_in == name)?;
        read.get_or_init(|| Pack::parse_files(files).ok()).clone()
    }

    /// The files, by name, that make a pack which is part of the binary.
    #[must_use]
    pub fn built_in_files(name: &str) -> &'static [(&'static str, &'static str)] {
        BUILT_IN.iter().find(|(built_in, _)| *built_in == name).map_or(&[], |(_, files)| files)
    }

    /// Names of the packs that are part of the binary.
    #[must_use]
    pub fn built_in_names() -> &'static [&'static str] {
        NAMES
    }

    /// Names of the packs that are in use unless a configuration names others.
    #[must_use]
    pub fn default_names() -> &'static [&'static str] {
        DEFAULT
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn built_in_packs_are_whole_and_listed() {
        assert_eq!(NAMES.to_vec(), BUILT_IN.iter().map(|(name, _)| *name).collect::<Vec<_>>());
        for (name, files) in BUILT_IN {
            let pack = Pack::parse_files(files).unwrap_or_else(|e| panic!("{e:#?}"));
            assert_eq!(pack.name, *name);
        }
        assert!(Pack::built_in("nothing").is_none());
        let pattern = || Pack::built_in("payment").and_then(|pack| pack.definitions[0].read.clone()).unwrap();
        assert!(std::sync::Arc::ptr_eq(&pattern(), &pattern()), "read once");
        assert!(Pack::default_names().iter().all(|name| NAMES.contains(name)));
    }
}
