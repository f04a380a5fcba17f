//! `tidegate pack keygen` and `sign`: who vouches for a pack.

use std::io::Write;
use std::path::PathBuf;

use super::{Failure, Output};
use crate::config::{PackFiles, keys};

#[derive(Debug, clap::Args)]
pub(super) struct KeygenArgs {
    /// What the files are called: NAME.key and NAME.pub. Existing files are never overwritten.
    #[arg(value_name = "NAME", default_value = "packs")]
    name: PathBuf,
}

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The signing key: Ed25519, PKCS#8 (DER), mode 0600, as `tidegate pack keygen` makes it.
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    /// Packs to sign: files, or folders that each are one pack. What does not parse is not signed.
    #[arg(value_name = "PATH", required = true)]
    paths: Vec<PathBuf>,
}

pub(super) fn keygen(args: &KeygenArgs, output: &mut Output) -> Result<(), Failure> {
    let suffixed = |suffix: &str| {
        let mut name = args.name.clone().into_os_string();
        name.push(suffix);
        PathBuf::from(name)
    };
    let (key, public) = (suffixed(".key"), suffixed(".pub"));
    let id = keys::make_signing_pair(&key, &public)?;
    writeln!(output, "key     {}   sign with it, keep it away from the gate", key.display())?;
    writeln!(output, "public  {}   `pack_keys = [\"{}\"]`", public.display(), public.display())?;
    writeln!(output, "id      {id}")?;
    Ok(())
}

pub(super) fn run(args: &Args, output: &mut Output) -> Result<(), Failure> {
    let key = keys::read_signing_key(&args.key)?;
    for path in &args.paths {
        let files = PackFiles::read(path)
            .map_err(|why| Failure::configuration(format!("pack {}: {why}", path.display())))?;
        let pack = files.parse().map_err(crate::config::Complaints)?;
        let target = files.signature_path();
        keys::replace(&target, files.sign(&key).as_bytes())?;
        let (name, version, id) = (&pack.name, &pack.version, key.public().id());
        writeln!(output, "{}: {name} {version} signed by {id}", target.display())?;
    }
    Ok(())
}
