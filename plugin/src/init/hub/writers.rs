//! Members that may write: the lines that their own `init --htpasswd-out` wrote. A line holds a digest, and never a password.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::wish::usage;
use crate::enroll::hidden::Hidden;
use crate::failure::Failure;
use crate::ui::Ui;

/// The one form of a line that Envoy knows.
const DIGEST: &str = "{SHA}";
/// A digest of twenty bytes in base64.
const LENGTH: usize = 28;

/// Each user with the whole line.
pub(crate) type Writers = BTreeMap<String, Hidden>;

/// Reads the files; every fault at once, with its line. `own` is the hub's own member, whose line comes from its Secret.
pub(crate) fn read(paths: &[PathBuf], own: &str, ui: &mut Ui<'_>) -> Result<Writers, Vec<Failure>> {
    let mut writers = Writers::new();
    let mut faults = Vec::new();
    for path in paths {
        let text = match Hidden::read_all(path, ui.stdin()) {
            Ok(text) => text,
            Err(failure) => {
                faults.push(failure);
                continue;
            }
        };
        let text = String::from_utf8_lossy(text.reveal()).into_owned();
        let lines = text.lines().map(str::trim_end).enumerate();
        for (at, line) in lines.filter(|(_, line)| !line.is_empty()) {
            let mut fault = |sentence: String| {
                let place = format!("{}:{}: {sentence}", path.display(), at + 1);
                faults.push(usage(place));
            };
            let Some(user) = user(line) else {
                fault("must be user:{SHA}digest, as init --htpasswd-out writes it".to_owned());
                continue;
            };
            let line = Hidden::new(line);
            match writers.get(user) {
                _ if user == own => fault(format!("{user} is the hub's own cluster")),
                Some(known) if *known != line => fault(format!("{user} is there twice")),
                _ => drop(writers.insert(user.to_owned(), line)),
            }
        }
    }
    if faults.is_empty() {
        Ok(writers)
    } else {
        Err(faults)
    }
}

/// The user of a line of that form.
pub(super) fn user(line: &str) -> Option<&str> {
    let (user, rest) = line.split_once(':')?;
    let digest = rest.strip_prefix(DIGEST)?;
    let letters = |text: &str| text.bytes().all(|byte| byte.is_ascii_graphic());
    (!user.is_empty() && letters(user) && letters(digest) && digest.len() == LENGTH).then_some(user)
}

#[cfg(test)]
mod tests {
    use super::user;

    #[test]
    fn only_what_envoy_reads_is_a_line() {
        assert_eq!(
            user("edge-01:{SHA}2jmj7l5rSw0yVb/vlWAYkK/YBwk="),
            Some("edge-01")
        );
        for line in [
            "",
            "edge-01",
            ":{SHA}2jmj7l5rSw0yVb/vlWAYkK/YBwk=",
            "edge-01:$2y$10$abcdefghijklmnopqrstuv",
            "edge-01:{SHA}short",
            "edge 01:{SHA}2jmj7l5rSw0yVb/vlWAYkK/YBwk=",
        ] {
            assert_eq!(user(line), None, "{line}");
        }
    }
}
