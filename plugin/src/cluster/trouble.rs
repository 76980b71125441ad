//! What can go wrong between us and an API server, sorted by what a caller can do about it, and worded for people.

use std::time::Duration;

use kube::core::Status;
use kube::{Error, client};
use thanos_core::codes;
use thanos_core::names;

use super::resource::{At, Resource};
use crate::cli::duration_text;
use crate::failure::{Failure, Kind};

/// What a caller can do something about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sort {
    /// There is no such object.
    Absent,
    /// The API server does not know the resource.
    NotServed,
    /// There is such an object already.
    Exists,
    /// It was changed meanwhile, or another manager owns a field.
    Conflict,
    /// RBAC says no.
    Forbidden,
    /// An admission webhook said no, or the schema did.
    Refused,
    /// An admission webhook could not be asked.
    WebhookBroken,
    /// Everything else.
    Other,
}

/// An answer that is none.
#[derive(Clone, Debug)]
pub(crate) struct Trouble {
    /// For the caller.
    pub(crate) sort: Sort,
    /// For people.
    pub(crate) failure: Failure,
}

impl From<Trouble> for Failure {
    fn from(trouble: Trouble) -> Self {
        trouble.failure
    }
}

/// What was asked, for the sentence.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asked<'a> {
    /// The verb as RBAC has it.
    pub(crate) verb: &'static str,
    /// Of what.
    pub(crate) at: &'a At,
    /// Of whom.
    pub(crate) server: &'a str,
    /// Who names that server, as a hint.
    pub(crate) origin: &'a str,
}

impl Asked<'_> {
    /// No answer within the time for one.
    pub(crate) fn unanswered(&self, patience: Duration) -> Trouble {
        let failure = self
            .unreachable()
            .because(format!(
                "no answer to {} {} within {}",
                self.verb,
                self.at,
                duration_text(patience)
            ))
            .hint("give it more time with --request-timeout");
        other(failure)
    }

    /// A word that cannot be the name of anything: nobody is asked.
    pub(crate) fn misnamed(word: &str) -> Trouble {
        let failure =
            Failure::usage(format!("`{}` is no name", word.escape_debug())).code(codes::NOT_FOUND);
        other(failure)
    }

    /// Sorts and words an error of the client.
    pub(crate) fn failed(&self, error: Error) -> Trouble {
        match error {
            Error::Api(status) => self.answered(&status),
            Error::Auth(error) => other(self.without_credential(&error)),
            Error::SerdeError(_) | Error::FromUtf8(_) => other(
                // The error could quote what was answered, which could be a Secret.
                Failure::failed(format!("{} is no API server", self.server))
                    .code(codes::UNREACHABLE)
                    .because(format!(
                        "its answer to {} {} is no JSON",
                        self.verb, self.at
                    ))
                    .hint(self.origin),
            ),
            Error::Service(error) => match error.downcast::<client::AuthError>() {
                Ok(error) => other(self.without_credential(&error)),
                Err(error) => other(self.unreachable().from_chain(error.as_ref())),
            },
            error => other(self.unreachable().from_chain(&error)),
        }
    }

    fn unreachable(&self) -> Failure {
        Failure::failed(format!("the API server {} cannot be reached", self.server))
            .code(codes::UNREACHABLE)
            .hint(self.origin)
    }

    fn without_credential(&self, error: &client::AuthError) -> Failure {
        Failure::failed(format!(
            "the kubeconfig's credential for {} cannot be had",
            self.server
        ))
        .code(codes::KUBECONFIG_UNREADABLE)
        .because(without_output(error))
    }

    /// Sorts and words a Status.
    fn answered(&self, status: &Status) -> Trouble {
        let Self {
            verb, at, server, ..
        } = self;
        let said = one_sentence(&status.message);
        if status.code == 401 {
            return other(
                Failure::failed(format!("the API server {server} does not know who asks"))
                    .code(codes::UNAUTHENTICATED)
                    .because(said)
                    .hint("kubectl auth whoami"),
            );
        }
        if status.code == 404 {
            return self.not_found(status);
        }
        if status.is_forbidden()
            && let Some(failure) = self.forbidden(&said)
        {
            return Trouble {
                sort: Sort::Forbidden,
                failure,
            };
        }
        let sort = if status.is_already_exists() {
            Sort::Exists
        } else if status.is_conflict() {
            Sort::Conflict
        } else if said.contains("failed calling webhook") {
            Sort::WebhookBroken
        } else if said.contains("denied the request") || status.is_invalid() || status.code == 400 {
            Sort::Refused
        } else {
            Sort::Other
        };
        let failure = Failure::failed(format!("the API server refused to {verb} {at}"))
            .code(codes::API_REFUSED)
            .because(said);
        Trouble { sort, failure }
    }

    fn not_found(&self, status: &Status) -> Trouble {
        let at = self.at;
        let names_an_object = status
            .details
            .as_ref()
            .is_some_and(|details| !details.name.is_empty());
        if names_an_object {
            // A create in a namespace that is not there is answered with the namespace's name.
            let what = match (&at.namespace, self.verb) {
                (Some(namespace), "create") => format!("namespace/{namespace}"),
                _ => at.to_string(),
            };
            let failure = Failure::failed(format!("{what} does not exist")).code(codes::NOT_FOUND);
            return Trouble {
                sort: Sort::Absent,
                failure,
            };
        }
        Trouble {
            sort: Sort::NotServed,
            failure: not_served(at.resource, self.server),
        }
    }

    /// RBAC's refusal; `None` for one of an admission plugin, which has the same status.
    fn forbidden(&self, said: &str) -> Option<Failure> {
        let Self { verb, at, .. } = self;
        if said.contains("attempting to grant RBAC permissions not currently held") {
            let failure = Failure::failed(format!(
                "you may not {verb} {at}: it grants what you do not have yourself"
            ))
            .code(codes::FORBIDDEN)
            .hint("an admin who may get, list and watch that Secret must run this");
            return Some(failure);
        }
        said.contains(" cannot ").then(|| {
            Failure::failed(format!("you may not {verb} {at}"))
                .code(codes::FORBIDDEN)
                .because(said)
                .hint(can_i(verb, at))
        })
    }
}

/// Words an error of making a client.
pub(crate) fn no_client(error: Error, server: &str) -> Failure {
    let at = super::resource::VERSION.all();
    let asked = Asked {
        verb: "get",
        at: &at,
        server,
        origin: "",
    };
    match error {
        Error::Auth(error) => asked.without_credential(&error),
        error => Failure::failed("the kubeconfig cannot be used")
            .code(codes::KUBECONFIG_UNREADABLE)
            .from_chain(&error),
    }
}

/// The line by which people see it with their own eyes.
fn can_i(verb: &str, at: &At) -> String {
    let mut line = format!("kubectl auth can-i {verb} {}", at.resource.qualified());
    if let (Some(name), false) = (&at.name, verb == "create") {
        line.push('/');
        line.push_str(name);
    }
    if let Some(namespace) = &at.namespace {
        line.push_str(" -n ");
        line.push_str(namespace);
    }
    line
}

/// A resource that the API server does not know.
pub(crate) fn not_served(resource: &Resource, server: &str) -> Failure {
    let failure = Failure::failed(format!(
        "the API server {server} does not serve {}",
        resource.qualified()
    ))
    .code(codes::CRD_MISSING);
    if resource.group == names::GROUP {
        failure.hint("kubectl thanos init installs it")
    } else if resource.group == names::OPERATOR_GROUP {
        failure.hint("install prometheus-operator first")
    } else {
        failure
    }
}

fn other(failure: Failure) -> Trouble {
    Trouble {
        sort: Sort::Other,
        failure,
    }
}

/// What an exec plugin printed may be a token: only that it failed is said.
fn without_output(error: &client::AuthError) -> String {
    match error {
        client::AuthError::AuthExecRun { cmd, out } => {
            format!("`{cmd}` failed with {}", out.status)
        }
        client::AuthError::AuthExecParse(_) => {
            "the credential plugin's answer cannot be read".to_owned()
        }
        client::AuthError::AuthExecSerialize(_) | client::AuthError::ParseTokenKey(_) => {
            "the credential plugin's answer has another shape than expected".to_owned()
        }
        other => other.to_string(),
    }
}

/// The server's words without line ends and in bounds.
fn one_sentence(message: &str) -> String {
    const LIMIT: usize = 1024;
    let words: Vec<&str> = message.split_whitespace().collect();
    let sentence = words.join(" ");
    if sentence.chars().count() <= LIMIT {
        return sentence;
    }
    let mut short: String = sentence.chars().take(LIMIT).collect();
    short.push('…');
    short
}

/// A failure whose cause is that somebody else made the object, or owns a field of it.
pub(crate) fn not_ours(message: impl Into<String>) -> Failure {
    Failure::new(Kind::Refused, message).code(codes::NOT_OURS)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::resource::{PROMETHEUSES, SECRETS, WIRINGS};

    fn status(code: u16, reason: &str, message: &str) -> Status {
        Status::failure(message, reason).with_code(code)
    }

    fn answered(verb: &'static str, at: &At, status: &Status) -> Trouble {
        Asked {
            verb,
            at,
            server: "https://s",
            origin: "",
        }
        .answered(status)
    }

    #[test]
    fn a_missing_right_names_verb_and_resource() {
        let at = SECRETS.within("team-a").named("remotewrite-secret");
        let said = "secrets \"remotewrite-secret\" is forbidden: User \"bob\" cannot get resource \"secrets\" in API group \"\" in the namespace \"team-a\"";
        let trouble = answered("get", &at, &status(403, "Forbidden", said));
        assert_eq!(trouble.sort, Sort::Forbidden);
        assert_eq!(
            trouble.failure.to_string(),
            "KTH1002 you may not get secret/remotewrite-secret in namespace team-a"
        );
        assert_eq!(trouble.failure.causes, [said]);
        assert_eq!(
            trouble.failure.hints,
            ["kubectl auth can-i get secrets/remotewrite-secret -n team-a"]
        );
    }

    #[test]
    fn an_admission_plugin_that_forbids_is_no_missing_right() {
        let said = "prometheuses \"x\" is forbidden: unable to create new content in namespace a because it is being terminated";
        let trouble = answered(
            "create",
            &PROMETHEUSES.within("a"),
            &status(403, "Forbidden", said),
        );
        assert_eq!(trouble.failure.code, Some(codes::API_REFUSED));
    }

    #[test]
    fn an_unknown_resource_is_no_missing_object() {
        let trouble = answered(
            "list",
            &WIRINGS.all(),
            &status(404, "Failed to parse error data", "404 page not found"),
        );
        assert_eq!(trouble.sort, Sort::NotServed);
        assert_eq!(trouble.failure.code, Some(codes::CRD_MISSING));
        assert_eq!(trouble.failure.hints, ["kubectl thanos init installs it"]);
    }
}
