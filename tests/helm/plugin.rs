//! `helm thanos …`: what it prints, how it ends, what it completes; from a folder and from an archive.

use anyhow::{Result, ensure};

use super::{BOTH, Helm, Which, made};

#[tokio::test]
async fn helm_runs_every_command_and_passes_what_it_ends_with() -> Result<()> {
    for which in BOTH {
        let helm = Helm::new(which).await?;
        let known = "--wiring DIR/hub.yaml --facts DIR/facts.yaml";
        for (line, code, out, err) in [
            ("version".to_owned(), 0, "kubectl-thanos 0.", ""),
            ("help".to_owned(), 0, "helm thanos inject -f deploy/", ""),
            ("--help".to_owned(), 0, "--kube-token (KTH0021)", ""),
            ("why --help".to_owned(), 0, "Usage: helm thanos why", ""),
            (
                format!("inject -f DIR/prometheus.yaml {known}"),
                0,
                "name: thanos\n",
                "prometheus/monitoring/k8s  wired",
            ),
            (
                format!("why -f DIR/elsewhere.yaml {known}"),
                3,
                "KTH2009 namespace team-a is not enrolled",
                "",
            ),
            (
                "explain KTH9999".to_owned(),
                2,
                "",
                "Hint: helm thanos explain lists all",
            ),
            ("injct".to_owned(), 2, "", "inject"),
            ("get wirings".to_owned(), 1, "", "KTH1003"),
        ] {
            let ran = helm.run(&format!("thanos {line}")).await?;
            ensure!(ran.code == Some(code), "{which:?} {line}\n{ran:#?}");
            ensure!(ran.stdout.contains(out), "{which:?} {line}\n{ran:#?}");
            ensure!(ran.stderr.contains(err), "{which:?} {line}\n{ran:#?}");
            ensure!(
                !ran.stdout.contains("kubectl thanos"),
                "{which:?} {line}\n{}",
                ran.stdout
            );
        }
    }
    Ok(())
}

/// Helm takes `-n` for itself, before `thanos` and behind it.
#[tokio::test]
async fn the_namespace_is_that_of_helm() -> Result<()> {
    let object = crate::plugin::PROMETHEUS.replace("  namespace: monitoring\n", "");
    for which in BOTH {
        let helm = Helm::new(which).await?;
        let line = "inject -f - --wiring DIR/hub.yaml --facts DIR/facts.yaml";
        for (flags, namespace) in [
            (format!("thanos {line} -n monitoring"), "monitoring"),
            (
                format!("thanos {line} --namespace=monitoring"),
                "monitoring",
            ),
            (
                format!("--namespace monitoring thanos {line}"),
                "monitoring",
            ),
            (format!("thanos {line}"), "default"),
        ] {
            let ran = helm.run_for(&flags, &object).await?;
            let title = format!("prometheus/{namespace}/k8s  ");
            ensure!(ran.stderr.contains(&title), "{which:?} {flags}\n{ran:#?}");
        }
        // Helm says `default` of itself, which is nobody's choice.
        let ran = helm.run("thanos enroll").await?;
        ensure!(
            ran.code == Some(2) && ran.stderr.contains("no namespace is given"),
            "{ran:#?}"
        );
    }
    Ok(())
}

#[tokio::test]
async fn helm_completes_verbs_flags_and_values() -> Result<()> {
    for which in BOTH {
        let helm = Helm::new(which).await?;
        for (words, expected) in [
            (&["thanos", "in"][..], &["init", "inject"][..]),
            (&["thanos", "policy", "a"], &["audit"]),
            (&["thanos", "inject", "-o", ""], &["yaml", "json", "patch"]),
            (&["thanos", "inject", "--fi"], &["--filename"]),
            (&["thanos", "explain", "kth2009"], &["KTH2009"]),
            (
                &["thanos", "-n", "monitoring", "why", "prometheusa"],
                &["prometheusagent/"],
            ),
        ] {
            let ran = helm.program()?.arg("__complete").args(words.to_vec());
            let said = ran.output().await?.fine()?;
            let found: Vec<&str> = said
                .lines()
                .filter(|line| !line.starts_with(':'))
                .map(|line| line.split('\t').next().unwrap_or_default())
                .collect();
            for word in expected {
                ensure!(found.contains(word), "{which:?} {words:?}: {said}");
            }
            ensure!(
                found.len() <= expected.len() + 1,
                "{which:?} {words:?}: {said}"
            );
        }
    }
    Ok(())
}

#[tokio::test]
async fn an_archive_is_installed_as_well() -> Result<()> {
    let helm = Helm::new(Which::Four).await?;
    let mut archives: Vec<_> = std::fs::read_dir(made().await?)?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|extension| extension == "tgz"))
        .collect();
    archives.sort();
    ensure!(archives.len() == 3, "{archives:?}");
    for archive in archives {
        let name = archive.file_name().unwrap().to_string_lossy().into_owned();
        if name.starts_with("thanos-3-") {
            // Helm 3 installs archives from a server alone, and unpacks them as they are.
            let listed = thanos_tests::Program::at("/bin/tar")
                .arg("-tzf")
                .arg(&archive);
            let listed = listed.output().await?.fine()?;
            ensure!(
                listed.lines().any(|file| file == "./plugin.yaml"),
                "{listed}"
            );
            continue;
        }
        let plugin = if name.starts_with("thanos-post-renderer-") {
            "thanos-post-renderer"
        } else {
            "thanos"
        };
        helm.run(&format!("plugin uninstall {plugin}"))
            .await?
            .fine()?;
        let unsigned = helm.program()?.args(["plugin", "install"]).arg(&archive);
        ensure!(
            unsigned.output().await?.code == Some(1),
            "an unsigned archive is taken"
        );
        let install = helm
            .program()?
            .args(["plugin", "install", "--verify=false"]);
        install.arg(&archive).output().await?.fine()?;
    }
    let ran = helm.run("thanos version").await?.fine()?;
    ensure!(ran.contains("kubectl-thanos"), "{ran}");
    let flag = helm.post_renderer("--wiring=DIR/hub.yaml");
    let ran = helm
        .run(&format!("template r CHART {flag}"))
        .await?
        .fine()?;
    ensure!(ran.contains("name: thanos\n"), "{ran}");
    Ok(())
}

#[tokio::test]
async fn the_pages_name_what_the_script_makes() -> Result<()> {
    let made = made().await?;
    for page in ["README.md", "docs/helm.md"] {
        let text = std::fs::read_to_string(thanos_tests::tools::root().join(page))?;
        let words = text.split_whitespace();
        let named: Vec<&str> = words
            .filter_map(|word| word.strip_prefix("target/helm/"))
            .collect();
        ensure!(named.len() == 3, "{page}: {named:?}");
        for plugin in named {
            ensure!(made.join(plugin).join("plugin.yaml").is_file(), "{plugin}");
        }
    }
    Ok(())
}
