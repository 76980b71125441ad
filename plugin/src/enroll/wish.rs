//! What whoever asks wants, held against what the wiring keeps: flags and files in, values out.

use std::io::Read;
use std::path::Path;

use jiff::Timestamp;
use thanos_core::wiring::Reference;
use thanos_core::{certificate, codes};

use super::facts::{Owner, look, owner};
use super::hidden::{Hidden, unusable};
use super::objects::held;
use super::parts::{Part, Values};
use super::plan::{Terms, Wish};
use crate::cli::CredentialArgs;
use crate::cluster::Cluster;
use crate::failure::Failure;

/// What the flags are held against.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Frame<'a> {
    /// The parts of the wiring's credential.
    pub(crate) parts: &'a [(Part, Reference)],
    /// The wiring's cluster: the user name by default.
    pub(crate) cluster: &'a str,
}

/// Reads what the flags give; every fault at once.
pub(crate) fn given(
    args: &CredentialArgs,
    now: Timestamp,
    stdin: &mut dyn Read,
) -> Result<Values, Vec<Failure>> {
    let mut faults = Vec::new();
    let mut given = Values::new();
    let mut take = |part: Part, value: Result<Hidden, Failure>| match value {
        Ok(value) => drop(given.insert(part, value)),
        Err(failure) => faults.push(failure),
    };
    if let Some(user) = &args.user {
        take(Part::User, user_name(user));
    }
    if let Some(path) = &args.password_file {
        take(Part::Password, Hidden::read_line(path, stdin));
    }
    if let Some(path) = &args.token_file {
        take(Part::Token, Hidden::read_line(path, stdin));
    }
    if let Some(path) = &args.ca_file {
        take(Part::Authority, authority(path, now, stdin));
    }
    if faults.is_empty() {
        Ok(given)
    } else {
        Err(faults)
    }
}

/// Holds what was given against what the wiring keeps; every fault at once.
pub(crate) fn wish(
    args: &CredentialArgs,
    frame: Frame<'_>,
    given: Values,
) -> Result<Wish, Vec<Failure>> {
    let mut faults = needless(args, frame.parts);
    let mut fallback = Values::new();
    if has(frame.parts, Part::User) {
        fallback.insert(Part::User, Hidden::new(frame.cluster));
    }
    if has(frame.parts, Part::Password) && !given.contains_key(&Part::Password) {
        match Hidden::generate() {
            Ok(password) => drop(fallback.insert(Part::Password, password)),
            Err(failure) => faults.push(failure),
        }
    }
    if !faults.is_empty() {
        return Err(faults);
    }
    let made = fallback.contains_key(&Part::Password);
    Ok(Wish {
        given,
        fallback,
        replace: false,
        use_existing: args.use_existing,
        made,
    })
}

/// Whether the wiring keeps such a part.
pub(crate) fn has(parts: &[(Part, Reference)], part: Part) -> bool {
    parts.iter().any(|(known, _)| *known == part)
}

/// Flags that give what the wiring has no place for.
fn needless(args: &CredentialArgs, parts: &[(Part, Reference)]) -> Vec<Failure> {
    let given = [
        (args.user.is_some(), Part::User, "--user"),
        (
            args.password_file.is_some(),
            Part::Password,
            "--password-file",
        ),
        (
            args.htpasswd_out.is_some(),
            Part::Password,
            "--htpasswd-out",
        ),
        (args.token_file.is_some(), Part::Token, "--token-file"),
        (args.ca_file.is_some(), Part::Authority, "--ca-file"),
    ];
    let needless = given
        .into_iter()
        .filter(|(given, part, _)| *given && !has(parts, *part));
    let fault = |(_, part, flag): (bool, Part, &str)| {
        unusable(format!(
            "{flag}: the wiring keeps no {} in a namespace",
            part.word()
        ))
    };
    needless.map(fault).collect()
}

fn user_name(name: &str) -> Result<Hidden, Failure> {
    let right = !name.is_empty()
        && name.len() <= 255
        && !name.contains(|c: char| c == ':' || c.is_control());
    if right {
        Ok(Hidden::new(name))
    } else {
        Err(unusable("--user: must be 1 to 255 characters without `:`"))
    }
}

fn authority(path: &Path, now: Timestamp, stdin: &mut dyn Read) -> Result<Hidden, Failure> {
    let pem = Hidden::read_all(path, stdin)?;
    let faults = certificate::judge(pem.reveal(), now)
        .err()
        .unwrap_or_default();
    // An authority names no host.
    match faults
        .into_iter()
        .find(|fault| fault.code != codes::CERTIFICATE_NAMELESS)
    {
        Some(fault) => {
            Err(Failure::usage(format!("{}: {}", path.display(), fault.sentence)).code(fault.code))
        }
        None => Ok(pem),
    }
}

/// The credential of another namespace, as far as it is ours.
pub(crate) async fn copied(
    cluster: &Cluster,
    terms: &Terms,
    namespace: &str,
) -> Result<Values, Failure> {
    let found = look(cluster, &terms.wiring, &terms.holders, namespace).await?;
    let mut values = Values::new();
    for (holder, object) in terms.holders.iter().zip(&found.holders) {
        let Some(object) = object
            .as_ref()
            .filter(|object| owner(object, &terms.wiring) == Owner::Ours)
        else {
            continue;
        };
        let mut held = held(holder, object);
        for (key, part) in &holder.keys {
            values.extend(held.remove(key).map(|value| (*part, value)));
        }
    }
    Ok(values)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::PathBuf;
    use thanos_core::wiring::ReferenceKind;

    fn parts(parts: &[Part]) -> Vec<(Part, Reference)> {
        let reference = |key: &str| Reference {
            kind: ReferenceKind::Secret,
            name: "s".into(),
            key: key.into(),
        };
        parts
            .iter()
            .map(|part| (*part, reference(part.word())))
            .collect()
    }

    fn wished(args: &CredentialArgs, of: &[Part], stdin: &str) -> Result<Wish, Vec<Failure>> {
        let frame = Frame {
            parts: &parts(of),
            cluster: "edge",
        };
        let given = given(args, Timestamp::UNIX_EPOCH, &mut stdin.as_bytes())?;
        wish(args, frame, given)
    }

    const BASIC: &[Part] = &[Part::User, Part::Password];

    #[test]
    fn the_user_is_the_cluster_and_the_password_is_made() {
        let wish = wished(&CredentialArgs::default(), BASIC, "").unwrap();
        assert!(wish.given.is_empty());
        assert_eq!(wish.fallback[&Part::User].reveal(), b"edge");
        assert_eq!(wish.fallback[&Part::Password].reveal().len(), 43);
    }

    #[test]
    fn every_flag_that_fits_no_part_is_a_fault() {
        let args = CredentialArgs {
            token_file: Some("-".into()),
            htpasswd_out: Some(PathBuf::from("lines")),
            ..CredentialArgs::default()
        };
        let faults = wished(&args, &[Part::User], "token\n").unwrap_err();
        let sentences: Vec<&str> = faults.iter().map(|fault| fault.message.as_str()).collect();
        assert_eq!(
            sentences,
            [
                "--htpasswd-out: the wiring keeps no password in a namespace",
                "--token-file: the wiring keeps no token in a namespace",
            ]
        );
        let args = CredentialArgs {
            user: Some("a:b".into()),
            ..CredentialArgs::default()
        };
        assert_eq!(wished(&args, BASIC, "").unwrap_err()[0].kind.exit_code(), 2);
    }

    #[test]
    fn an_authority_must_be_a_certificate() {
        let args = CredentialArgs {
            ca_file: Some("-".into()),
            ..CredentialArgs::default()
        };
        let fault = &wished(&args, &[Part::Authority], "hunter22").unwrap_err()[0];
        assert_eq!(fault.message, "-: holds no PEM certificate");
    }
}
