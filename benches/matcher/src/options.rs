//! What is asked for on the command line.

use crate::corpora;

pub struct Options {
    pub rounds: usize,
    pub mib: usize,
    pub corpora: Vec<&'static str>,
    only: Vec<String>,
    pub packs: Vec<String>,
    pub without: Vec<String>,
    pub once: bool,
    pub low: bool,
    pub each: bool,
    pub som: bool,
    pub peers_everywhere: bool,
    pub gate: bool,
    /// Files and folders that every way of reading must find the same in.
    pub same: Vec<String>,
    pub list: bool,
}

impl Options {
    pub fn read(mut args: impl Iterator<Item = String>) -> Result<Options, String> {
        let mut options = Options {
            rounds: 5,
            mib: 8,
            corpora: corpora::names(),
            only: Vec::new(),
            packs: Vec::new(),
            without: Vec::new(),
            once: false,
            low: false,
            each: false,
            som: false,
            peers_everywhere: false,
            gate: false,
            same: Vec::new(),
            list: false,
        };
        while let Some(arg) = args.next() {
            let mut value = || args.next().ok_or_else(|| format!("{arg} needs a value"));
            let number = |text: String| text.parse::<usize>().map_err(|e| format!("{text}: {e}"));
            match arg.as_str() {
                "--rounds" => options.rounds = number(value()?)?,
                "--mib" => options.mib = number(value()?)?,
                "--corpus" => options.corpora = chosen(&value()?)?,
                "--only" => options.only = value()?.split(',').map(str::to_owned).collect(),
                "--pack" => options.packs.push(value()?),
                "--without" => options.without.extend(value()?.split(',').map(str::to_owned)),
                "--low" => options.low = true,
                "--once" => options.once = true,
                "--each" => options.each = true,
                "--som" => options.som = true,
                "--peers-everywhere" => options.peers_everywhere = true,
                "--same" => options.same.extend(value()?.split(',').map(str::to_owned)),
                "--list" => options.list = true,
                "--gate" => options.gate = true,
                _ => return Err(format!("{arg} is not known; see benches/matcher/run --help")),
            }
        }
        Ok(options)
    }

    pub fn wants(&self, engine: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|only| only == engine)
    }
}

fn chosen(names: &str) -> Result<Vec<&'static str>, String> {
    let all = corpora::names();
    let find = |name: &str| {
        all.iter().copied().find(|n| *n == name).ok_or_else(|| format!("{name} is none of {}", all.join(" ")))
    };
    names.split(',').map(find).collect()
}
