//! What can be found wrong before anybody is asked: names, files that are read, and the file that is to be written.

use std::path::Path;

use super::hidden::NewFile;
use super::parts::Values;
use super::wish;
use crate::cli::CredentialArgs;
use crate::failure::Failure;
use crate::paths;
use crate::ui::Ui;

/// What the flags give, and the file that waits for the gateway's line.
pub(crate) struct Local {
    pub(crate) given: Values,
    pub(crate) file: Option<NewFile>,
}

/// Holds the flags against each other, before any file is read.
pub(crate) fn check(credential: &CredentialArgs, filename: Option<&Path>) -> Vec<Failure> {
    let reads = paths::of_credential(filename, credential);
    let output = credential.htpasswd_out.as_deref();
    let faults = [
        paths::stdin_once(&reads).err(),
        paths::apart("--htpasswd-out", output, &reads).err(),
        credential.copy_from.as_deref().and_then(misnamed),
    ];
    faults.into_iter().flatten().collect()
}

/// Reads the files, and makes sure that the one for the gateway can be made; every fault at once.
pub(crate) fn read(
    credential: &CredentialArgs,
    dry_run: bool,
    ui: &mut Ui<'_>,
) -> Result<Local, Vec<Failure>> {
    let now = ui.surroundings().now;
    let given = wish::given(credential, now, ui.stdin());
    let file = match credential.htpasswd_out.as_deref() {
        None => Ok(None),
        Some(path) if dry_run => NewFile::vacant(path).map(|()| None),
        Some(path) => NewFile::prepare(path).map(Some),
    };
    match (given, file) {
        (Ok(given), Ok(file)) => Ok(Local { given, file }),
        (given, file) => {
            let mut faults = given.err().unwrap_or_default();
            faults.extend(file.err());
            Err(faults)
        }
    }
}

/// What the API server would say of a namespace that cannot be one.
pub(crate) fn misnamed(namespace: &str) -> Option<Failure> {
    let inner = |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit();
    let right = (1..=63).contains(&namespace.len())
        && namespace.starts_with(inner)
        && namespace.ends_with(inner)
        && namespace
            .chars()
            .all(|letter| inner(letter) || letter == '-');
    (!right).then(|| {
        Failure::usage(format!(
            "`{}` is no name of a namespace: it takes 1 to 63 lower-case letters, digits and `-`",
            namespace.escape_debug()
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn namespaces_are_dns_labels() {
        for right in ["a", "team-a", "0", &"a".repeat(63)] {
            assert!(misnamed(right).is_none(), "{right}");
        }
        for wrong in [
            "",
            "A",
            "a.b",
            "a/../b",
            "-a",
            "a-",
            "ä",
            "a b",
            &"a".repeat(64),
        ] {
            assert!(misnamed(wrong).is_some(), "{wrong}");
        }
    }
}
