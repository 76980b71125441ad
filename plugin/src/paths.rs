//! Paths of one command line held against each other, before any of them is read: `-` stands once, and what is written
//! is not what is read.

use std::path::{Path, PathBuf};

use crate::cli::{CredentialArgs, PolicyWorldArgs, WorldArgs};
use crate::failure::Failure;
use crate::manifests;

/// A path that is read, and the flag that names it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Read<'a> {
    flag: &'static str,
    path: &'a Path,
}

/// Manifests and what is known around them.
pub(crate) fn of_world<'a>(filenames: &'a [PathBuf], world: &'a WorldArgs) -> Vec<Read<'a>> {
    let named = |flag: &'static str| move |path: &'a PathBuf| Read { flag, path };
    filenames
        .iter()
        .map(named("-f"))
        .chain(world.wirings.iter().map(named("--wiring")))
        .chain(world.facts.iter().map(named("--facts")))
        .collect()
}

/// Manifests and object-store files, and what they are judged by.
pub(crate) fn of_policies<'a>(
    filenames: &'a [PathBuf],
    objstore: &'a [PathBuf],
    around: &'a PolicyWorldArgs,
) -> Vec<Read<'a>> {
    let named = |flag: &'static str| move |path: &'a PathBuf| Read { flag, path };
    let mut reads = of_world(filenames, &around.world);
    reads.extend(objstore.iter().map(named("--objstore")));
    reads.extend(around.policies.iter().map(named("--policy")));
    reads
}

/// A credential, and the file of a wiring that may stand beside it.
pub(crate) fn of_credential<'a>(
    filename: Option<&'a Path>,
    credential: &'a CredentialArgs,
) -> Vec<Read<'a>> {
    let flags = [
        ("-f", filename),
        ("--password-file", credential.password_file.as_deref()),
        ("--token-file", credential.token_file.as_deref()),
        ("--ca-file", credential.ca_file.as_deref()),
    ];
    let given = flags
        .into_iter()
        .filter_map(|(flag, path)| Some(Read { flag, path: path? }));
    given.collect()
}

/// Standard input can be read only once.
pub(crate) fn stdin_once(reads: &[Read<'_>]) -> Result<(), Failure> {
    let dashes: Vec<String> = reads
        .iter()
        .filter(|read| is_dash(read.path))
        .map(|read| format!("{} -", read.flag))
        .collect();
    if dashes.len() < 2 {
        return Ok(());
    }
    Err(Failure::usage(format!(
        "standard input can be read only once: {}",
        dashes.join(", ")
    )))
}

/// A file that a flag has written must be a file, and none of those that are read.
pub(crate) fn apart(flag: &str, output: Option<&Path>, reads: &[Read<'_>]) -> Result<(), Failure> {
    let Some(output) = output else { return Ok(()) };
    if is_dash(output) {
        let sentence = format!("{flag} - names no file: standard output is for the result");
        return Err(Failure::usage(sentence).hint(format!("{flag} FILE")));
    }
    let Some(read) = reads.iter().find(|read| is_read(output, read.path)) else {
        return Ok(());
    };
    let sentence = format!(
        "{flag} would overwrite {}, which {} reads",
        output.display(),
        read.flag
    );
    Err(Failure::usage(sentence).hint("name another file"))
}

fn is_dash(path: &Path) -> bool {
    path.as_os_str() == "-"
}

/// Whether reading the one path reads the other: it is the same file, or a manifest in that folder.
fn is_read(output: &Path, input: &Path) -> bool {
    if output == input {
        return true;
    }
    let (Ok(output), Ok(input)) = (output.canonicalize(), input.canonicalize()) else {
        return false;
    };
    let within = output.parent() == Some(&input) && manifests::is_manifest(&output);
    output == input || within
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_not_what_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        for name in ["a.yaml", "a.json", "a.txt"] {
            std::fs::write(path(name), "").unwrap();
        }
        let (file, whole) = (path("a.yaml"), folder.path().join("."));
        let clash = |output: &Path, path: &Path| {
            apart("--x", Some(output), &[Read { flag: "-f", path }]).is_err()
        };
        assert!(clash(&file, &file) && clash(&file, &whole) && clash(&path("a.json"), &whole));
        assert!(!clash(&path("a.txt"), &whole) && !clash(&path("new.json"), &whole));
        assert!(!clash(&path("a.json"), &file) && clash(Path::new("-"), &file));
    }
}
