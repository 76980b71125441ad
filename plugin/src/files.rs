//! Writing files: each whole or not at all, and several of them all or none.

use std::fs::{self, File, Metadata};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;
use thanos_core::codes;

use crate::failure::Failure;

/// A file of ours that is ready to be there: all that can go wrong but the last step has not gone wrong.
#[derive(Debug)]
pub(crate) struct Opened {
    path: PathBuf,
    way: Way,
}

#[derive(Debug)]
enum Way {
    /// A pipe or a device takes the bytes as they come.
    Stream(File, Vec<u8>),
    /// Renamed to the target.
    Beside(NamedTempFile, PathBuf),
}

impl Opened {
    /// Makes sure that a file can be written, whole or not at all.
    ///
    /// # Errors
    /// It cannot (KTH0006).
    pub(crate) fn prepare(path: &Path, bytes: &[u8]) -> Result<Self, Failure> {
        let way = match path.metadata() {
            Ok(metadata) if !metadata.is_file() && !metadata.is_dir() => File::options()
                .write(true)
                .open(path)
                .map(|file| Way::Stream(file, bytes.to_owned())),
            Ok(_) => prepare(path, bytes).map(|(target, beside)| Way::Beside(beside, target)),
            Err(_) => {
                temporary(path, bytes, None).map(|beside| Way::Beside(beside, path.to_owned()))
            }
        };
        let way = way.map_err(|error| unwritable(path, &error))?;
        Ok(Self {
            path: path.to_owned(),
            way,
        })
    }

    /// Writes it.
    ///
    /// # Errors
    /// The last step failed (KTH0006).
    pub(crate) fn keep(self) -> Result<(), Failure> {
        let written = match self.way {
            Way::Stream(mut file, bytes) => file.write_all(&bytes),
            Way::Beside(temporary, target) => keep(temporary, &target),
        };
        written.map_err(|error| unwritable(&self.path, &error))
    }
}

/// A file to be replaced.
#[derive(Debug)]
pub(crate) struct Replacement<'a> {
    pub(crate) path: PathBuf,
    pub(crate) old: &'a [u8],
    pub(crate) new: Vec<u8>,
}

/// Replaces existing files, all of them or none, keeping their permissions.
///
/// # Errors
/// A file that cannot be written, or is no plain file (KTH0006); every file is then as it was.
pub(crate) fn replace_all(replacements: &[Replacement<'_>]) -> Result<(), Failure> {
    let mut prepared = Vec::with_capacity(replacements.len());
    for replacement in replacements {
        let ready = prepare(&replacement.path, &replacement.new)
            .map_err(|error| unwritable(&replacement.path, &error))?;
        prepared.push(ready);
    }
    for (at, (target, temporary)) in prepared.into_iter().enumerate() {
        if let Err(error) = temporary.persist(&target) {
            let failure = unwritable(&replacements[at].path, &error.error);
            return Err(give_back(&replacements[..at], failure));
        }
    }
    Ok(())
}

/// Writes a file of ours, whole or not at all.
///
/// # Errors
/// The file cannot be written (KTH0006).
pub(crate) fn write(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    Opened::prepare(path, bytes)?.keep()
}

/// The new content beside a file, and the file itself behind any links.
fn prepare(path: &Path, bytes: &[u8]) -> io::Result<(PathBuf, NamedTempFile)> {
    let target = fs::canonicalize(path)?;
    let metadata = target.metadata()?;
    if !metadata.is_file() {
        return Err(io::Error::other("it is no plain file"));
    }
    // A rename would not ask.
    if metadata.permissions().readonly() {
        return Err(io::Error::new(
            io::ErrorKind::PermissionDenied,
            "it is read-only",
        ));
    }
    let temporary = temporary(&target, bytes, Some(&metadata))?;
    Ok((target, temporary))
}

fn temporary(target: &Path, bytes: &[u8], like: Option<&Metadata>) -> io::Result<NamedTempFile> {
    let folder = target
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    let mut builder = tempfile::Builder::new();
    builder.prefix(".kubectl-thanos-");
    #[cfg(unix)]
    if like.is_none() {
        use std::os::unix::fs::PermissionsExt;
        // As a new file is made, less what the umask takes.
        builder.permissions(fs::Permissions::from_mode(0o666));
    }
    let mut temporary = builder.tempfile_in(folder)?;
    temporary.write_all(bytes)?;
    if let Some(like) = like {
        temporary.as_file().set_permissions(like.permissions())?;
        #[cfg(unix)]
        {
            use std::os::unix::fs::{MetadataExt, fchown};
            // Only root may give a file away; whoever may not keeps it.
            let _ = fchown(temporary.as_file(), Some(like.uid()), Some(like.gid()));
        }
    }
    temporary.as_file().sync_all()?;
    Ok(temporary)
}

fn keep(temporary: NamedTempFile, target: &Path) -> io::Result<()> {
    temporary
        .persist(target)
        .map(drop)
        .map_err(|error| error.error)
}

/// Puts back what had been replaced before something failed.
fn give_back(replaced: &[Replacement<'_>], mut failure: Failure) -> Failure {
    for replacement in replaced {
        let restored = prepare(&replacement.path, replacement.old)
            .and_then(|(target, temporary)| keep(temporary, &target));
        if let Err(error) = restored {
            failure = failure.because(format!(
                "{} is changed and could not be given back: {error}",
                replacement.path.display()
            ));
        }
    }
    failure
}

fn unwritable(path: &Path, error: &io::Error) -> Failure {
    Failure::failed(format!("cannot write {}", path.display()))
        .code(codes::FILE_UNWRITABLE)
        .because(why(error))
}

/// Why something failed, without the name of a file that we had made beside the target and nobody else knows.
pub(crate) fn why(error: &io::Error) -> String {
    let words = error.to_string();
    match words.split_once(" at path ") {
        Some((why, _)) if error.get_ref().is_some() => why.to_owned(),
        _ => words,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_files_or_none() {
        let folder = tempfile::tempdir().unwrap();
        let [one, two] = ["one", "two"].map(|name| folder.path().join(name));
        fs::write(&one, "old").unwrap();
        let replace = |path: &Path| Replacement {
            path: path.to_owned(),
            old: b"old",
            new: b"new".to_vec(),
        };
        let failure = replace_all(&[replace(&one), replace(&two)]).unwrap_err();
        assert_eq!(failure.code, Some(codes::FILE_UNWRITABLE));
        assert_eq!(fs::read(&one).unwrap(), b"old");
        fs::write(&two, "old").unwrap();
        replace_all(&[replace(&one), replace(&two)]).unwrap();
        assert_eq!(
            (fs::read(&one).unwrap(), fs::read(&two).unwrap()),
            (b"new".to_vec(), b"new".to_vec())
        );
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
    }

    #[test]
    fn errors_name_the_target_alone() {
        let folder = tempfile::tempdir().unwrap();
        let nowhere = folder.path().join("no/report.json");
        let failure = write(&nowhere, b"").unwrap_err();
        let text = format!("{failure:?}");
        assert!(
            text.contains("no/report.json") && !text.contains(".kubectl-thanos-"),
            "{text}"
        );
    }

    #[cfg(unix)]
    #[test]
    fn permissions_and_links_stay() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let [file, link] = ["file", "link"].map(|name| folder.path().join(name));
        fs::write(&file, "old").unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
        std::os::unix::fs::symlink(&file, &link).unwrap();
        replace_all(&[Replacement {
            path: link.clone(),
            old: b"old",
            new: b"new".to_vec(),
        }])
        .unwrap();
        assert_eq!(fs::read(&file).unwrap(), b"new");
        assert!(link.is_symlink());
        assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o640);
        fs::set_permissions(&file, fs::Permissions::from_mode(0o440)).unwrap();
        assert!(
            replace_all(&[Replacement {
                path: file,
                old: b"new",
                new: b"x".to_vec()
            }])
            .is_err()
        );
    }
}
