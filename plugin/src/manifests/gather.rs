//! Paths in, sources out, by the rules of `kubectl -f`: a folder gives its .json, .yaml and .yml files in the order of
//! their names, and not those of folders in it; a named file may be called anything; `-` is standard input.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use super::{Error, Source};
use crate::yaml::MAX_BYTES;

/// What standard input is called.
pub const STDIN: &str = "standard input";

/// Why the inputs could not be read.
#[derive(Debug, thiserror::Error)]
pub enum GatherError {
    /// The operating system's answer.
    #[error("cannot read {name}")]
    Io {
        /// The path, or "standard input".
        name: String,
        /// Why.
        source: io::Error,
    },
    /// No manifest in a folder: nothing to do is never what somebody meant by naming it.
    #[error("no file in {} ends in .json, .yaml or .yml{}", path.display(), if *has_folders { "; folders are not descended into" } else { "" })]
    EmptyFolder {
        /// The folder.
        path: PathBuf,
        /// Whether folders are in it.
        has_folders: bool,
    },
    /// All inputs together are limited.
    #[error("more than 64 MiB of input")]
    TooLarge,
    /// `-` twice.
    #[error("standard input can be read only once")]
    StandardInputTwice,
    /// A file that is no text.
    #[error(transparent)]
    NoText(#[from] Error),
}

/// Reads what the paths name, in their order.
///
/// # Errors
/// The first thing that cannot be read; nothing is given back then.
pub fn gather(paths: &[PathBuf], stdin: &mut dyn Read) -> Result<Vec<Source>, GatherError> {
    let texts = gather_each(paths, stdin)?.into_iter();
    Ok(texts.collect::<Result<_, Error>>()?)
}

/// The same, where a file that is no text is an error of its own beside the others.
///
/// # Errors
/// The first file that cannot be opened, and a folder without manifests.
pub fn gather_each(
    paths: &[PathBuf],
    stdin: &mut dyn Read,
) -> Result<Vec<Result<Source, Error>>, GatherError> {
    let mut sources = Vec::new();
    let mut left = MAX_BYTES;
    if paths.iter().filter(|path| is_stdin(path)).count() > 1 {
        return Err(GatherError::StandardInputTwice);
    }
    for path in paths {
        if is_stdin(path) {
            sources.push(take(STDIN.to_owned(), stdin, &mut left)?);
            continue;
        }
        for file in files(path)? {
            let name = file.display().to_string();
            let mut opened = File::open(&file).map_err(|source| GatherError::Io {
                name: name.clone(),
                source,
            })?;
            sources.push(take(name, &mut opened, &mut left)?);
        }
    }
    Ok(sources)
}

fn is_stdin(path: &Path) -> bool {
    path.as_os_str() == "-"
}

/// The path itself, or what a folder holds.
fn files(path: &Path) -> Result<Vec<PathBuf>, GatherError> {
    let failed = |source| GatherError::Io {
        name: path.display().to_string(),
        source,
    };
    if !path.metadata().map_err(failed)?.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let mut found = Vec::new();
    let mut has_folders = false;
    for entry in path.read_dir().map_err(failed)? {
        let file = entry.map_err(failed)?.path();
        // A link that leads nowhere is opened, and fails by its name, as in kubectl.
        if file.is_dir() {
            has_folders = true;
        } else if is_manifest(&file) {
            found.push(file);
        }
    }
    if found.is_empty() {
        return Err(GatherError::EmptyFolder {
            path: path.to_owned(),
            has_folders,
        });
    }
    found.sort();
    Ok(found)
}

/// Whether a file of that name is read when its folder is named.
pub fn is_manifest(file: &Path) -> bool {
    file.extension()
        .is_some_and(|ending| ending == "json" || ending == "yaml" || ending == "yml")
}

fn take(
    name: String,
    from: &mut dyn Read,
    left: &mut usize,
) -> Result<Result<Source, Error>, GatherError> {
    let mut bytes = Vec::new();
    let limit = u64::try_from(*left).unwrap_or(u64::MAX).saturating_add(1);
    let read = from.take(limit).read_to_end(&mut bytes);
    read.map_err(|source| GatherError::Io {
        name: name.clone(),
        source,
    })?;
    *left = left.checked_sub(bytes.len()).ok_or(GatherError::TooLarge)?;
    Ok(Source::new(name, bytes))
}
