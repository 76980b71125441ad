//! `--export`: the same plan as files for GitOps, without any secret value.

use std::fmt::Write as _;
use std::path::Path;

use thanos_core::codes;

use super::facts::Facts;
use super::member::Member;
use super::plan::{Action, Plan, Step};
use super::wish::Wish;
use crate::enroll::warn;
use crate::failure::{Ending, Failure};
use crate::files;
use crate::helm::chart::Chart;
use crate::helm::release::Release;
use crate::helm::{Helm, Talk};
use crate::ui::Ui;
use crate::{init, yaml};

/// Looks whether a folder is new or empty, before anybody is asked.
///
/// # Errors
/// It is not (KTH0006).
pub(crate) fn vacant(folder: &Path) -> Result<(), Failure> {
    let Ok(mut entries) = std::fs::read_dir(folder) else {
        return Ok(());
    };
    if entries.next().is_none() {
        return Ok(());
    }
    let failure = Failure::failed(format!(
        "{} is not empty, and nothing is overwritten",
        folder.display()
    ));
    Err(failure
        .code(codes::FILE_UNWRITABLE)
        .hint("name a new folder"))
}

/// The folder of a release, and the Secrets that its manifests lack.
type Exported<'r> = (String, &'r Release, Vec<String>);

/// Writes.
pub(crate) async fn export(
    folder: &Path,
    wish: &Wish,
    facts: &Facts,
    plan: &Plan,
    member: &Member<'_>,
    helm: &Helm,
    ui: &mut Ui<'_>,
) -> Result<Ending, Failure> {
    let mut order = Vec::new();
    for (at, release) in plan.releases().enumerate() {
        let name = format!("{:02}-{}", (at + 1) * 10, release.name);
        let what = format!("rendered {}", release.name);
        let rendered = helm
            .template(release, &facts.version, &mut Talk::new(ui, what))
            .await?;
        let below = folder.join(&name);
        write(
            &below,
            "values.yaml",
            yaml::to_string(&release.values).as_bytes(),
            ui,
        )?;
        for (number, layer) in release.over.iter().enumerate() {
            write(&below, &format!("values-{}.yaml", number + 1), layer, ui)?;
        }
        // Our own hold none with a value that is secret.
        let (rendered, left_out) = match &release.chart {
            Chart::Ours(_) => (rendered, Vec::new()),
            _ => without_secrets(&rendered),
        };
        write(&below, "manifests.yaml", rendered.as_bytes(), ui)?;
        order.push((name, release, left_out));
    }
    if !plan.enrolled.is_empty() {
        let below = folder.join("90-member");
        for (name, manifest) in init::plan::manifests(&member.wish, &member.terms) {
            write(&below, &name, yaml::to_string(&manifest).as_bytes(), ui)?;
        }
    }
    let readme = readme(wish, plan, member, &order);
    write(folder, "README.md", readme.as_bytes(), ui)?;
    warn(&plan.warnings, ui);
    ui.say(format!(
        "Next: read {}: it names the order, and the Secrets that are not written here.",
        folder.join("README.md").display()
    ));
    Ok(Ending::Fine)
}

/// What a chart renders, without Secrets that hold a value (a password that it makes); and the names of those.
fn without_secrets(rendered: &str) -> (String, Vec<String>) {
    let (mut kept, mut left_out) = (String::new(), Vec::new());
    let mut documents: Vec<Vec<&str>> = vec![Vec::new()];
    for line in rendered.lines() {
        if line.trim_end() == "---" {
            documents.push(Vec::new());
        } else if let Some(document) = documents.last_mut() {
            document.push(line);
        }
    }
    for document in documents {
        let has = |begin: &str| document.iter().any(|line| line.starts_with(begin));
        if has("kind: Secret") && (has("data:") || has("stringData:")) {
            let name = document
                .iter()
                .find_map(|line| line.strip_prefix("  name: "));
            left_out.push(name.unwrap_or("?").trim().to_owned());
        } else if document.iter().any(|line| !line.trim().is_empty()) {
            let _ = writeln!(kept, "---\n{}", document.join("\n"));
        }
    }
    (kept, left_out)
}

fn write(folder: &Path, name: &str, bytes: &[u8], ui: &mut Ui<'_>) -> Result<(), Failure> {
    std::fs::create_dir_all(folder).map_err(|error| {
        Failure::failed(format!("cannot make {}", folder.display()))
            .code(codes::FILE_UNWRITABLE)
            .because(error)
    })?;
    let path = folder.join(name);
    files::write(&path, bytes)?;
    ui.text(&format!("{}\n", path.display()))
}

fn readme(wish: &Wish, plan: &Plan, member: &Member<'_>, order: &[Exported<'_>]) -> String {
    let mut text = format!("# Hub {}\n\n", wish.name);
    let _ = writeln!(
        text,
        "Written by `kubectl thanos init --export`. {} takes samples, {} answers queries.\n",
        wish.write_host, wish.read_host
    );
    text.push_str("## Order\n\n1. The Secrets below, in their namespaces.\n");
    for (at, (folder, release, left_out)) in order.iter().enumerate() {
        let chart = match &release.chart {
            Chart::Ours(_) => format!("{} of the same version as this tool", release.chart.title()),
            chart => chart.title(),
        };
        let _ = writeln!(
            text,
            "{}. `{folder}`: release `{}` in namespace `{}`, {chart}. Either the chart with `values.yaml`, or `manifests.yaml`.",
            at + 2,
            release.name,
            release.namespace
        );
        if !left_out.is_empty() {
            let _ = writeln!(
                text,
                "   `manifests.yaml` lacks the Secrets {}: the chart makes their values.",
                left_out.join(", ")
            );
        }
    }
    if !plan.enrolled.is_empty() {
        let _ = writeln!(
            text,
            "{}. `90-member`: this cluster as a member of its own hub.",
            order.len() + 2
        );
    }
    let kept = plan.items.iter().filter(|item| item.action == Action::Keep);
    for item in kept {
        let _ = writeln!(
            text,
            "\n`{}` is not here, because it is there already: {}.",
            item.title, item.detail
        );
    }
    secrets(&mut text, wish, plan, member);
    text.push_str(DRIFT);
    text
}

/// Which Secrets must be there, and how they are made; no value of any.
fn secrets(text: &mut String, wish: &Wish, plan: &Plan, member: &Member<'_>) {
    text.push_str("\n## Secrets that are not written here\n\n");
    text.push_str(
        "`kubectl thanos init` makes all of them, and keeps those that are there. By hand:\n\n",
    );
    let _ = writeln!(text, "| Secret | namespace | keys |\n|---|---|---|");
    for item in plan.items.iter().filter(|item| item.part == "credentials") {
        let (Step::Make(object) | Step::Merge(object)) = &item.step else {
            continue;
        };
        let keys: Vec<&str> = object["data"]
            .as_object()
            .into_iter()
            .flatten()
            .map(|(key, _)| key.as_str())
            .collect();
        let name = item.title.rsplit('/').next().unwrap_or_default();
        let namespace = item.namespace.as_deref().unwrap_or_default();
        let _ = writeln!(text, "| `{name}` | `{namespace}` | {} |", keys.join(", "));
    }
    for namespace in &plan.enrolled {
        for holder in &member.terms.holders {
            let keys: Vec<&str> = holder.keys.keys().map(String::as_str).collect();
            let _ = writeln!(
                text,
                "| `{}` | `{namespace}` | {} |",
                holder.name,
                keys.join(", ")
            );
        }
    }
    if !wish.certificate.is_issued() {
        let _ = writeln!(
            text,
            "| `{}` | `{}` | tls.crt, tls.key |",
            wish.certificate_secret(),
            wish.namespace
        );
    }
    text.push_str(
        "\nA password holds 256 bits of chance. The lines of the users' Secrets are `user:{SHA}…`, one for each user, in both\nkeys; the user is the tenant. The user of a `credential` Secret has its line in the `users` Secret.\n",
    );
}

/// What other hands write into objects of ours, so that GitOps does not fight them.
const DRIFT: &str = "
## Argo CD

`caBundle` is written by the webhook's controller, and Prometheus objects are wired at admission:

```yaml
spec:
  syncPolicy:
    syncOptions: [ServerSideApply=true, RespectIgnoreDifferences=true]
  ignoreDifferences:
  - group: admissionregistration.k8s.io
    kind: MutatingWebhookConfiguration
    jqPathExpressions: ['.webhooks[].clientConfig.caBundle']
  - group: admissionregistration.k8s.io
    kind: ValidatingWebhookConfiguration
    jqPathExpressions: ['.webhooks[].clientConfig.caBundle']
  - group: \"\"
    kind: Secret
    name: thanos-webhook-*
    jsonPointers: [/data]
  - group: kubectl-thanos.dev
    kind: ThanosWiring
    jsonPointers: [/spec/credentials]
```

## Flux

```yaml
spec:
  driftDetection:
    mode: enabled
    ignore:
    - target: {kind: MutatingWebhookConfiguration}
      paths: [/webhooks]
    - target: {kind: ValidatingWebhookConfiguration}
      paths: [/webhooks]
    - target: {kind: Secret, name: thanos-webhook-.*}
      paths: [/data]
```
";

#[cfg(test)]
mod tests {
    use super::*;
    use thanos_core::names;

    #[test]
    fn the_snippets_are_yaml_and_name_the_field_that_control_writes() {
        for block in DRIFT.split("```yaml\n").skip(1) {
            let text = block.split("```").next().unwrap();
            let parsed = yaml::parse(text).unwrap();
            assert!(parsed.value["spec"].is_object(), "{text}");
        }
        assert!(DRIFT.contains("caBundle") && DRIFT.contains(names::GROUP));
    }

    #[test]
    fn a_password_that_a_chart_makes_is_left_out() {
        let secret = "apiVersion: v1\nkind: Secret\nmetadata:\n  name: grafana\ndata:\n  admin-password: c4n4ry\n";
        let empty = "apiVersion: v1\nkind: Secret\nmetadata:\n  name: empty\n";
        let other = "kind: ConfigMap\nmetadata:\n  name: c\ndata:\n  a: b\n";
        let rendered = format!("---\n# Source: a\n{secret}---\n{empty}---\n{other}");
        let (kept, left_out) = without_secrets(&rendered);
        assert!(!kept.contains("c4n4ry"), "{kept}");
        assert_eq!(kept, format!("---\n{empty}---\n{other}"));
        assert_eq!(left_out, ["grafana"]);
    }

    #[test]
    fn a_folder_that_holds_something_is_no_place() {
        let folder = tempfile::tempdir().unwrap();
        assert!(vacant(folder.path()).is_ok());
        assert!(vacant(&folder.path().join("new")).is_ok());
        std::fs::write(folder.path().join("x"), "").unwrap();
        assert_eq!(
            vacant(folder.path()).unwrap_err().code,
            Some(codes::FILE_UNWRITABLE)
        );
    }
}
