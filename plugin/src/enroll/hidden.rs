//! Values that nobody may see: read from a file, made here, and written into one file and one Secret only.

use std::fmt;
use std::fs::File;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use sha1::{Digest as _, Sha1};
use tempfile::NamedTempFile;
use thanos_core::codes;

use crate::failure::Failure;
use crate::files;

/// A password or token is at most this long, in bytes.
const LIMIT: u64 = 64 * 1024;
/// A generated password holds this many bits of chance.
const BITS: usize = 256;
/// `{SHA}` has no salt: it hides only what cannot be guessed.
const SHORTEST_HASHED: usize = 32;

/// A value that no `Debug` shows.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Hidden(Vec<u8>);

impl fmt::Debug for Hidden {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("********")
    }
}

impl Hidden {
    /// 256 bits from the system, in base64url.
    ///
    /// # Errors
    /// The system has none to give (KTH0001).
    pub(crate) fn generate() -> Result<Self, Failure> {
        let mut bits = [0; BITS / 8];
        getrandom::fill(&mut bits).map_err(|error| {
            Failure::failed("the system gives no random bits")
                .code(codes::BUG)
                .because(error)
        })?;
        Ok(Self(BASE64_URL_SAFE_NO_PAD.encode(bits).into_bytes()))
    }

    /// A value that is known already.
    pub(crate) fn new(bytes: impl Into<Vec<u8>>) -> Self {
        Self(bytes.into())
    }

    /// The one line of a file; `-` is standard input. A line end behind it does not count.
    ///
    /// # Errors
    /// The file cannot be read (KTH0005), or holds no credential (KTH0011). No part of it is shown.
    pub(crate) fn read_line(path: &Path, stdin: &mut dyn Read) -> Result<Self, Failure> {
        let bytes = read(path, stdin)?;
        let line = bytes.strip_suffix(b"\n").unwrap_or(&bytes);
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let wrong = match std::str::from_utf8(line) {
            _ if line.is_empty() => "is empty",
            Err(_) => "is no text",
            Ok(line) if line.contains(['\n', '\r']) => "holds more than one line",
            Ok(line) if line.contains(char::is_control) => "holds control characters",
            Ok(_) => return Ok(Self(line.to_vec())),
        };
        Err(unusable(format!("{} {wrong}", named(path)))
            .hint("put the credential alone into the file, on one line"))
    }

    /// All of a file.
    ///
    /// # Errors
    /// The file cannot be read (KTH0005).
    pub(crate) fn read_all(path: &Path, stdin: &mut dyn Read) -> Result<Self, Failure> {
        read(path, stdin).map(Self)
    }

    /// The value, for the one place that it is for.
    pub(crate) fn reveal(&self) -> &[u8] {
        &self.0
    }

    /// The value as a Secret holds it.
    pub(crate) fn base64(&self) -> String {
        BASE64_STANDARD.encode(&self.0)
    }

    /// A value out of a Secret's `data`.
    pub(crate) fn from_base64(text: &str) -> Option<Self> {
        BASE64_STANDARD.decode(text).ok().map(Self)
    }

    /// Whether a text gives the value away, as it is or in base64.
    pub(crate) fn is_in(&self, text: &str) -> bool {
        let raw = std::str::from_utf8(&self.0).unwrap_or_default();
        (!raw.is_empty() && text.contains(raw)) || text.contains(&self.base64())
    }
}

fn read(path: &Path, stdin: &mut dyn Read) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    let read = if path == Path::new("-") {
        stdin.take(LIMIT + 1).read_to_end(&mut bytes)
    } else {
        File::open(path).and_then(|file| file.take(LIMIT + 1).read_to_end(&mut bytes))
    };
    read.map_err(|error| {
        Failure::failed(format!("cannot read {}", named(path)))
            .code(codes::FILE_UNREADABLE)
            .because(error)
    })?;
    if u64::try_from(bytes.len()).is_ok_and(|length| length > LIMIT) {
        return Err(unusable(format!("{} is larger than 64 KiB", named(path))));
    }
    Ok(bytes)
}

fn named(path: &Path) -> String {
    if path == Path::new("-") {
        "standard input".to_owned()
    } else {
        path.display().to_string()
    }
}

/// A credential that cannot be used, exit code 2.
pub(crate) fn unusable(message: impl Into<String>) -> Failure {
    Failure::usage(message).code(codes::CREDENTIAL_UNUSABLE)
}

/// The line that makes a gateway know a user. Envoy reads `{SHA}` and no other.
///
/// # Errors
/// The password is short enough to be guessed from its hash (KTH0011).
pub(crate) fn htpasswd_line(user: &str, password: &Hidden) -> Result<Hidden, Failure> {
    if password.reveal().len() < SHORTEST_HASHED {
        let message = format!(
            "a password of less than {SHORTEST_HASHED} characters could be guessed from its {{SHA}} line"
        );
        return Err(unusable(message)
            .hint("leave out --password-file to have one made, or leave out --htpasswd-out"));
    }
    let digest = BASE64_STANDARD.encode(Sha1::digest(password.reveal()));
    Ok(Hidden::new(format!("{user}:{{SHA}}{digest}\n")))
}

/// A file that is to be made, and is not there yet: only its owner can read it, and it replaces nothing.
#[derive(Debug)]
pub(crate) struct NewFile {
    path: PathBuf,
    temporary: NamedTempFile,
}

impl NewFile {
    /// Looks whether something of that name is there (KTH0006).
    pub(crate) fn vacant(path: &Path) -> Result<(), Failure> {
        if path.symlink_metadata().is_ok() {
            return Err(
                unwritable(path, &"it is there already, and nothing is overwritten")
                    .hint("name a new file"),
            );
        }
        Ok(())
    }

    /// Makes sure that it can be made.
    ///
    /// # Errors
    /// Something of that name is there, or nothing can be written there (KTH0006).
    pub(crate) fn prepare(path: &Path) -> Result<Self, Failure> {
        Self::vacant(path)?;
        let folder = path
            .parent()
            .filter(|folder| !folder.as_os_str().is_empty());
        let temporary = tempfile::Builder::new()
            .prefix(".kubectl-thanos-")
            .tempfile_in(folder.unwrap_or(Path::new(".")));
        let temporary = temporary.map_err(|error| unwritable(path, &files::why(&error)))?;
        Ok(Self {
            path: path.to_owned(),
            temporary,
        })
    }

    /// Where it will be.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Makes it, with this in it.
    ///
    /// # Errors
    /// It came about meanwhile, or the disk is full (KTH0006).
    pub(crate) fn write(mut self, content: &Hidden) -> Result<(), Failure> {
        let written = self.temporary.write_all(content.reveal());
        let written = written.and_then(|()| self.temporary.as_file().sync_all());
        written.map_err(|error| unwritable(&self.path, &error))?;
        let kept = self.temporary.persist_noclobber(&self.path);
        kept.map(drop)
            .map_err(|error| unwritable(&self.path, &error.error))
    }
}

fn unwritable(path: &Path, why: &dyn fmt::Display) -> Failure {
    let failure = Failure::failed(format!("cannot write {}", path.display()));
    failure.code(codes::FILE_UNWRITABLE).because(why)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn generated_passwords_are_256_bits_and_differ() {
        let (one, other) = (Hidden::generate().unwrap(), Hidden::generate().unwrap());
        assert_eq!(one.reveal().len(), 43);
        assert_ne!(one, other);
        assert_eq!(format!("{one:?}"), "********");
    }

    #[test]
    fn a_file_holds_one_line() {
        let line = |text: &str| Hidden::read_line(Path::new("-"), &mut text.as_bytes());
        assert_eq!(line("s3cret\r\n").unwrap().reveal(), b"s3cret");
        for (text, sentence) in [
            ("", "standard input is empty"),
            ("\n", "standard input is empty"),
            (
                "hunter22\nhunter23\n",
                "standard input holds more than one line",
            ),
            ("hunter22\u{7}", "standard input holds control characters"),
        ] {
            let failure = line(text).unwrap_err();
            assert_eq!(failure.message, sentence);
            assert!(!format!("{failure:?}").contains("hunter"));
        }
    }

    #[test]
    fn lines_for_the_gateway_are_sha_and_only_of_long_passwords() {
        // printf '%s' 0123456789abcdef0123456789abcdef | openssl dgst -sha1 -binary | base64
        let password = Hidden::new("0123456789abcdef0123456789abcdef");
        let line = htpasswd_line("edge-01", &password).unwrap();
        assert_eq!(
            line.reveal(),
            b"edge-01:{SHA}sXdaeF8JpuuvLcM9bq65iXTZzbg=\n"
        );
        assert!(htpasswd_line("edge-01", &Hidden::new("short")).is_err());
    }

    #[test]
    fn a_new_file_replaces_nothing_and_follows_no_link() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("out");
        let content = Hidden::new("line");
        NewFile::prepare(&path).unwrap().write(&content).unwrap();
        assert!(NewFile::prepare(&path).is_err());
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
            let link = folder.path().join("link");
            std::os::unix::fs::symlink(folder.path().join("elsewhere"), &link).unwrap();
            assert!(NewFile::prepare(&link).is_err());
            let late = folder.path().join("late");
            let prepared = NewFile::prepare(&late).unwrap();
            std::os::unix::fs::symlink(folder.path().join("elsewhere"), &late).unwrap();
            assert!(prepared.write(&content).is_err());
            assert!(!folder.path().join("elsewhere").exists());
        }
    }
}
