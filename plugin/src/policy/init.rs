//! `policy init`: a policy to begin with, and a test of it that passes.

use std::path::Path;

use serde_json::{Value, json};
use thanos_core::policy::UrlPattern;
use thanos_core::{codes, names, policy};

use crate::cli::PolicyInitArgs;
use crate::failure::{Ending, Failure};
use crate::files;
use crate::ui::Ui;
use crate::yaml;

const POLICY: &str = "policy.yaml";
const TEST: &str = "policy_test.yaml";

/// Runs the verb.
pub(crate) fn run(args: &PolicyInitArgs, ui: &mut Ui<'_>) -> Result<Ending, Failure> {
    if !is_name(&args.name) {
        return Err(Failure::usage(
            "--name: must be lower-case letters, digits, `-` and `.`, as names of Kubernetes are",
        ));
    }
    let policy = written(args)?;
    let files = [(POLICY, policy), (TEST, test(args)?)];
    let there: Vec<String> = files
        .iter()
        .map(|(name, _)| args.folder.join(name))
        .filter(|path| path.symlink_metadata().is_ok())
        .map(|path| path.display().to_string())
        .collect();
    if !there.is_empty() {
        let is = if there.len() == 1 { "is" } else { "are" };
        let sentence = format!(
            "{} {is} there already, and nothing was written",
            there.join(" and ")
        );
        return Err(Failure::refused(sentence)
            .code(codes::FILE_UNWRITABLE)
            .hint("name another folder"));
    }
    if args.folder.is_file() {
        return Err(
            Failure::usage(format!("{} is a file", args.folder.display())).hint("name a folder"),
        );
    }
    std::fs::create_dir_all(&args.folder).map_err(|error| unmade(&args.folder, &error))?;
    for (name, text) in &files {
        let path = args.folder.join(name);
        files::write(&path, text.as_bytes())?;
        ui.say(format!("wrote {}", path.display()));
    }
    let folder = typed(&args.folder);
    ui.hint(format!("kubectl thanos policy test {folder}"));
    ui.hint(format!(
        "kubectl thanos policy audit --live -A --policy {}",
        typed(&args.folder.join(POLICY))
    ));
    Ok(Ending::Fine)
}

/// The policy, once it is right.
fn written(args: &PolicyInitArgs) -> Result<String, Failure> {
    let urls = args.urls.iter().map(|url| yaml::to_string(&json!(url)));
    let urls: Vec<String> = urls
        .map(|url| format!("    - {}", url.trim_end()))
        .collect();
    let urls = urls.join("\n");
    let name = yaml::to_string(&json!(args.name));
    let text = format!(
        "\
# What objects may not do in a shared cluster. Begin with Warn, look at what it would refuse
# (kubectl thanos policy audit --live -A), mend or exempt that, then say Deny.
apiVersion: {}
kind: ThanosPolicy
metadata:
  name: {}
spec:
  profile: Baseline
  profileVersion: v1 # pinned: an upgrade never starts to refuse by itself
  enforcement: Warn
  remoteWrite:
    # Where any url of an object may lead; * is one label of the host, or the whole path.
    allowedUrls:
{urls}
  # Who is let off which rules, why, and until when:
  # exemptions:
  # - namespace: team-a
  #   name: k8s
  #   rules: [egress-url]
  #   reason: moves to the hub in spring
  #   expires: 2027-03-31
",
        names::API_VERSION,
        name.trim_end()
    );
    let value = yaml::parse(&text).map_or(Value::Null, |parsed| parsed.value);
    match policy::read(&value) {
        Ok(_) => Ok(text),
        Err(faults) => {
            let mut faults = faults
                .iter()
                .map(|fault| by_flag(&fault.to_string(), args.urls.len()));
            let mut failure = Failure::usage(faults.next().unwrap_or_default());
            failure.more = faults.collect();
            Err(failure)
        }
    }
}

/// A path as a shell takes it.
fn typed(path: &Path) -> String {
    let text = path.display().to_string();
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "-_./+,:@%".contains(letter);
    if !text.is_empty() && text.chars().all(is_plain) {
        text
    } else {
        format!("'{}'", text.replace('\'', "'\\''"))
    }
}

/// A fault in the words of the command line: the urls are those of `--url`, counted where there are several.
fn by_flag(fault: &str, urls: usize) -> String {
    let index = fault.strip_prefix("spec.remoteWrite.allowedUrls[");
    match index.and_then(|rest| rest.split_once("]: ")) {
        Some((_, sentence)) if urls == 1 => format!("--url: {sentence}"),
        Some((index, sentence)) => {
            let number = index.parse::<usize>().map_or(0, |index| index + 1);
            format!("--url ({number} of {urls}): {sentence}")
        }
        None => fault.to_owned(),
    }
}

/// Whether the API server takes this as the name of an object: a DNS subdomain (RFC 1123).
fn is_name(name: &str) -> bool {
    let outer = |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit();
    let is_label = |label: &str| {
        label.starts_with(outer)
            && label.ends_with(outer)
            && label.chars().all(|letter| outer(letter) || letter == '-')
    };
    name.len() <= 253 && name.split('.').all(is_label)
}

/// The cases: one that stays within the urls, two that do not.
fn test(args: &PolicyInitArgs) -> Result<String, Failure> {
    let pattern = args.urls.first().map_or("", String::as_str);
    let within = concrete(pattern);
    let fits = url::Url::parse(&within)
        .is_ok_and(|url| UrlPattern::read(pattern).is_ok_and(|pattern| pattern.matches(&url)));
    if !fits {
        return Err(Failure::usage(format!("no url fits {pattern}")));
    }
    let case = |url: &str| {
        let text = yaml::to_string(&json!(url));
        // A string that goes on below its quote would lose the blanks of its first line.
        let lines = [
            "  object:",
            "    apiVersion: monitoring.coreos.com/v1",
            "    kind: Prometheus",
            "    metadata: {name: k8s, namespace: team-a}",
            "    spec:",
            "      serviceMonitorSelector: {}",
            "      remoteWrite:",
            "      - name: own",
            "        url:",
        ];
        format!("{} {}", lines.join("\n"), text.trim_end())
    };
    Ok(format!(
        "\
# Run it with: kubectl thanos policy test DIR
apiVersion: {}
kind: PolicyTest
name: {}
policies: [{POLICY}]
cases:
- name: the hub is allowed
{}
  expect: allow
- name: another host is warned of
{}
  expect: {{warn: [egress-url]}}
- name: an address is no way around
{}
  expect: {{warn: [egress-url]}}
",
        names::API_VERSION,
        yaml::to_string(&json!(args.name)).trim_end(),
        case(&within),
        case("https://elsewhere.invalid/api/v1/receive"),
        case("https://2130706433/api/v1/receive"),
    ))
}

/// A url that a pattern allows.
fn concrete(pattern: &str) -> String {
    let (scheme, rest) = pattern.split_once("://").unwrap_or(("https", pattern));
    let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
    let path = if path == "*" { "api/v1/receive" } else { path };
    format!("{scheme}://{}/{path}", host.replace('*', "one"))
}

fn unmade(folder: &Path, error: &std::io::Error) -> Failure {
    Failure::failed(format!("cannot make the folder {}", folder.display()))
        .code(codes::FILE_UNWRITABLE)
        .because(error)
}
