//! `helm thanos` and a real API server: helm's flags for the cluster are heeded, or refused, and never dropped.

use anyhow::{Result, ensure};
use thanos_tests::{Cluster, kubeconfig};

use super::{BOTH, Helm};
use crate::plugin::{ELSEWHERE, PROMETHEUS, live};

const TOKEN: &str = "c4n4ry-t0ken";

/// A kubeconfig of two contexts, the current of which leads nowhere.
fn two_contexts(cluster: &Cluster) -> Result<String> {
    let mut file: serde_json::Value = serde_json::from_str(&cluster.server().admin())?;
    let right = file["clusters"][0].clone();
    let user = file["users"][0]["name"].clone();
    let mut wrong = right;
    wrong["name"] = "gone".into();
    wrong["cluster"]["server"] = "https://127.0.0.1:1".into();
    if let Some(clusters) = file["clusters"].as_array_mut() {
        clusters.push(wrong);
    }
    let context = serde_json::json!({"name": "gone", "context": {"cluster": "gone", "user": user}});
    if let Some(contexts) = file["contexts"].as_array_mut() {
        contexts.push(context);
    }
    file["current-context"] = "gone".into();
    Ok(file.to_string())
}

#[tokio::test]
async fn helms_flags_for_the_cluster_are_heeded_or_refused() -> Result<()> {
    let cluster = live::cluster("helm-asking", &[PROMETHEUS, ELSEWHERE]).await?;
    let url = cluster.server().url();
    let run = cluster.run().clone();
    let file = run.file("two-contexts", two_contexts(&cluster)?)?;
    let strange = kubeconfig::text(&url, strange_authority().as_str(), "admin", "none");
    for which in BOTH {
        let helm = Helm::at(which, run.clone(), file.clone()).await?;
        std::fs::write(helm.path("ca.pem"), cluster.server().ca_pem())?;
        std::fs::write(helm.path("strange"), &strange)?;
        std::fs::write(helm.path("admin"), cluster.server().admin())?;
        for (line, code, said) in [
            // The current context leads nowhere; each of these leads to the cluster.
            ("get wirings".to_owned(), 1, "KTH1001"),
            ("get wirings --kube-context test".to_owned(), 0, "hub"),
            ("get wirings --context test".to_owned(), 0, "hub"),
            ("get wirings --kubeconfig DIR/admin".to_owned(), 0, "hub"),
            (format!("get wirings --kube-apiserver {url}"), 0, "hub"),
            ("get wirings --kube-context none".to_owned(), 1, "KTH1003"),
            // Who is believed.
            (format!("get wirings --kube-apiserver {url} --kube-ca-file DIR/ca.pem"), 0, "hub"),
            (format!("get wirings --kube-apiserver {url} --kube-tls-server-name elsewhere.example"), 1, "KTH"),
            ("get wirings --kubeconfig DIR/strange".to_owned(), 1, "KTH"),
            ("get wirings --kubeconfig DIR/strange --kube-insecure-skip-tls-verify=true".to_owned(), 1, "KTH1005"),
            ("get wirings --kubeconfig DIR/strange --kube-ca-file DIR/ca.pem".to_owned(), 1, "KTH1005"),
            // As whom.
            ("get wirings --kube-context test --kube-as-user nobody".to_owned(), 1, "KTH1002"),
            ("get wirings --kube-context test --kube-as-user nobody --kube-as-group system:masters".to_owned(), 0, "hub"),
            ("get wirings --kube-context test --kube-as-group system:masters".to_owned(), 2, "a group is to be impersonated, and no user"),
            (format!("get wirings --kube-context test --kube-token {TOKEN}"), 2, "Error: KTH0021 helm gave a token"),
            // Where.
            ("get prometheuses --kube-context test -n monitoring".to_owned(), 0, "monitoring"),
            ("why prometheus/k8s --kube-context test -n team-a".to_owned(), 3, "KTH2009"),
        ] {
            let ran = helm.run(&format!("thanos {line}")).await?;
            ensure!(ran.code == Some(code), "{which:?} {line}\n{ran:#?}");
            let both = format!("{}{}", ran.stdout, ran.stderr);
            ensure!(both.contains(said) && !both.contains(TOKEN), "{which:?} {line}\n{ran:#?}");
        }
        let debug = helm
            .run("--debug thanos get wirings --kube-context test")
            .await?;
        ensure!(debug.stderr.contains("GET "), "{debug:#?}");
        let quiet = helm.run("thanos get wirings --kube-context test").await?;
        ensure!(quiet.stderr.is_empty(), "{quiet:#?}");
    }
    Ok(())
}

/// An authority that has signed nothing here.
fn strange_authority() -> String {
    let key = rcgen::KeyPair::generate().unwrap();
    let mut settings = rcgen::CertificateParams::new(Vec::new()).unwrap();
    settings.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    settings.self_signed(&key).unwrap().pem()
}
