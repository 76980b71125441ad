//! `enroll`: twice, many at once, beside somebody else's Secret, replaced and taken back.

use anyhow::{Context, Result};
use futures::future::try_join_all;
use k8s_openapi::api::core::v1::{ConfigMap, ServiceAccount};
use k8s_openapi::api::rbac::v1::Role;
use kube::Api;
use kube::api::{DeleteParams, ListParams, PostParams};
use serde_json::json;
use thanos_core::names;
use thanos_tests::certificates::Authority;
use thanos_tests::{Cluster, Options};

use super::{
    assert_hidden, basic, create, enrolled, file, run, run_as, secrets, value, with_crd,
    with_wiring,
};

async fn stage(cluster: &Cluster, namespaces: &[&str]) -> Result<()> {
    with_crd(cluster).await?;
    for namespace in namespaces {
        cluster.namespace(namespace, &[]).await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_namespace_is_enrolled_once_however_often_it_is_asked_for() -> Result<()> {
    Cluster::with(Options::new("member-enroll").audit(), async |cluster| {
        stage(cluster, &["team-a", "team-b", names::NAMESPACE]).await?;
        with_wiring(cluster, "hub", basic(names::SECRET)).await?;
        let dry = run(cluster, "enroll -n team-a --dry-run").await?.ends(0);
        assert!(
            dry.out.lines().all(|line| line.ends_with(" (dry run)")),
            "{}",
            dry.out
        );
        assert!(enrolled(cluster, "hub").await?.is_empty());

        let first = run(cluster, "enroll -n team-a").await?.ends(0);
        assert_eq!(
            first.out,
            "secret/remotewrite-secret created\n\
             role.rbac.authorization.k8s.io/thanos-wiring-hub created\n\
             rolebinding.rbac.authorization.k8s.io/thanos-wiring-hub created\n\
             thanoswiring.kubectl-thanos.dev/hub configured (lists namespace team-a)\n"
        );
        assert!(first.err.contains("KTH4104"), "{}", first.err);
        let password = value(cluster, "team-a", "password").await?;
        assert_eq!(
            (
                password.len(),
                value(cluster, "team-a", "user").await?.as_str()
            ),
            (43, "edge-01")
        );

        let second = run(cluster, "enroll -n team-a").await?.ends(0);
        assert!(second.is_unchanged() && second.err.is_empty(), "{second:?}");
        assert_eq!(value(cluster, "team-a", "password").await?, password);

        let line = cluster.run().folder().join("team-a.htpasswd");
        let third = run(
            cluster,
            &format!("enroll -n team-a --htpasswd-out {}", line.display()),
        )
        .await?
        .ends(0);
        assert!(third.is_unchanged(), "{third:?}");
        assert!(std::fs::read_to_string(&line)?.starts_with("edge-01:{SHA}"));
        let fourth = run(
            cluster,
            &format!("enroll -n team-a --htpasswd-out {}", line.display()),
        )
        .await?
        .ends(1);
        assert!(
            fourth.err.contains("KTH0006") && fourth.out.is_empty(),
            "{fourth:?}"
        );

        // A second namespace takes over what the first one has.
        let copied = run(cluster, "enroll -n team-b --copy-from team-a")
            .await?
            .ends(0);
        assert_eq!(value(cluster, "team-b", "password").await?, password);
        assert_eq!(enrolled(cluster, "hub").await?, ["team-a", "team-b"]);
        the_controller_may_watch_that_secret_and_no_other(cluster).await?;

        // A third one with a password of its own: a gateway keeps one per user.
        cluster.namespace("team-c", &[]).await?;
        let own = run(cluster, "enroll -n team-c").await?.ends(0);
        assert!(own.err.contains("KTH4105"), "{}", own.err);

        let audit = std::fs::read_to_string(cluster.server().audit_log().context("an audit log")?)?;
        let said: Vec<&str> = [&dry, &first, &second, &third, &fourth, &copied]
            .iter()
            .flat_map(|ran| [ran.out.as_str(), ran.err.as_str()])
            .collect();
        assert_hidden(&password, &said);
        assert_hidden(&password, &[&audit]);
        Ok(())
    })
    .await
}

async fn the_controller_may_watch_that_secret_and_no_other(cluster: &Cluster) -> Result<()> {
    let account = json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": names::ACCOUNT_CONTROL}});
    let account: ServiceAccount = serde_json::from_value(account)?;
    Api::namespaced(cluster.client(), names::NAMESPACE)
        .create(&PostParams::default(), &account)
        .await?;
    create(cluster, json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "other", "namespace": "team-a"}})).await?;
    let kubeconfig = cluster
        .kubeconfig_of_account(names::NAMESPACE, names::ACCOUNT_CONTROL)
        .await?;
    let client = cluster.client_of(&kubeconfig).await?;
    let api: Api<k8s_openapi::api::core::v1::Secret> = Api::namespaced(client, "team-a");
    api.get(names::SECRET).await?;
    let one = ListParams::default().fields(&format!("metadata.name={}", names::SECRET));
    assert_eq!(api.list(&one).await?.items.len(), 1);
    assert!(api.get("other").await.is_err() && api.list(&ListParams::default()).await.is_err());
    Ok(())
}

#[tokio::test]
async fn many_admins_at_once_lose_no_namespace() -> Result<()> {
    Cluster::with(Options::new("member-many"), async |cluster| {
        let namespaces: Vec<String> = (0..8).map(|number| format!("team-{number}")).collect();
        let names: Vec<&str> = namespaces.iter().map(String::as_str).collect();
        stage(cluster, &names).await?;
        with_wiring(cluster, "hub", basic(names::SECRET)).await?;
        let all = names
            .iter()
            .map(async |name| run(cluster, &format!("enroll -n {name}")).await);
        for ran in try_join_all(all).await? {
            ran.ends(0);
        }
        assert_eq!(enrolled(cluster, "hub").await?, namespaces);

        // And one namespace that all want at once has one password.
        cluster.namespace("shared", &[]).await?;
        let all = (0..4).map(async |_| run(cluster, "enroll -n shared --wiring hub").await);
        let ran = try_join_all(all).await?;
        let made = ran
            .iter()
            .filter(|ran| ran.out.contains("secret/remotewrite-secret created"))
            .count();
        assert_eq!(made, 1, "{ran:?}");
        for ran in ran {
            ran.ends(0);
        }
        let all = names
            .iter()
            .map(async |name| run(cluster, &format!("enroll -n {name} --remove")).await);
        for ran in try_join_all(all).await? {
            ran.ends(0);
        }
        assert_eq!(enrolled(cluster, "hub").await?, ["shared"]);
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_secret_that_is_not_ours_is_left_as_it_is() -> Result<()> {
    Cluster::with(Options::new("member-foreign"), async |cluster| {
        stage(cluster, &["team-a"]).await?;
        with_wiring(cluster, "hub", basic(names::SECRET)).await?;
        let data = json!({"user": "bm9ib2R5", "password": "aHVudGVyMjI="});
        let metadata = json!({"name": names::SECRET, "namespace": "team-a"});
        create(
            cluster,
            json!({"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "data": data}),
        )
        .await?;
        let before = secrets(cluster, "team-a").get(names::SECRET).await?;
        for line in [
            "enroll -n team-a",
            "enroll -n team-a --replace",
            "enroll -n team-a --dry-run",
        ] {
            let ran = run(cluster, line).await?.ends(5);
            assert!(
                ran.err
                    .contains("KTH1012 secret/remotewrite-secret in namespace team-a"),
                "{}",
                ran.err
            );
            assert_hidden("hunter22", &[&ran.out, &ran.err]);
        }
        assert_eq!(secrets(cluster, "team-a").get(names::SECRET).await?, before);
        assert!(enrolled(cluster, "hub").await?.is_empty());
        let roles: Api<Role> = Api::namespaced(cluster.client(), "team-a");
        assert!(roles.list(&ListParams::default()).await?.items.is_empty());

        run(cluster, "enroll -n team-a --use-existing")
            .await?
            .ends(0);
        assert_eq!(enrolled(cluster, "hub").await?, ["team-a"]);
        run(cluster, "enroll -n team-a --remove").await?.ends(0);
        assert_eq!(secrets(cluster, "team-a").get(names::SECRET).await?, before);

        // One that serves another wiring is not ours either.
        secrets(cluster, "team-a")
            .delete(names::SECRET, &DeleteParams::default())
            .await?;
        with_wiring(cluster, "other", basic(names::SECRET)).await?;
        let ran = run(cluster, "enroll -n team-a").await?.ends(2);
        assert!(ran.err.contains("hub, other"), "{}", ran.err);
        run(cluster, "enroll -n team-a --wiring other")
            .await?
            .ends(0);
        let ran = run(cluster, "enroll -n team-a --wiring hub").await?.ends(5);
        assert!(ran.err.contains("serves wiring other"), "{}", ran.err);
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_credential_is_replaced_and_taken_back() -> Result<()> {
    Cluster::with(Options::new("member-replace"), async |cluster| {
        stage(cluster, &["team-a"]).await?;
        with_wiring(cluster, "hub", basic(names::SECRET)).await?;
        let admin = cluster.kubeconfig();
        run_as(admin, "enroll -n team-a --password-file - --user team-a", "canary-one\n").await?.ends(0);
        let kept = run_as(admin, "enroll -n team-a --password-file -", "canary-two\n").await?.ends(0);
        assert!(kept.is_unchanged() && kept.err.contains("KTH0013"), "{kept:?}");
        assert_eq!(value(cluster, "team-a", "password").await?, "canary-one");
        let replaced = run_as(admin, "enroll -n team-a --password-file - --replace", "canary-two\n").await?.ends(0);
        assert!(replaced.out.starts_with("secret/remotewrite-secret configured (sets password)\n"), "{}", replaced.out);
        assert_eq!(value(cluster, "team-a", "password").await?, "canary-two");
        assert_eq!(value(cluster, "team-a", "user").await?, "team-a", "what was not given stays");
        for ran in [&kept, &replaced] {
            assert_hidden("canary-two", &[&ran.out, &ran.err]);
        }

        let remote_write = json!([{"url": "https://x/", "basicAuth": {"password": {"name": names::SECRET, "key": "password"}}}]);
        let metadata = json!({"name": "k8s", "namespace": "team-a"});
        let object = json!({"apiVersion": "monitoring.coreos.com/v1", "kind": "Prometheus", "metadata": metadata, "spec": {"remoteWrite": remote_write}});
        create(cluster, object).await?;
        let partly = run(cluster, "enroll -n team-a --remove").await?.ends(4);
        assert!(partly.err.contains("KTH0014 secret/remotewrite-secret in namespace team-a stays: prometheus/k8s names it"), "{}", partly.err);
        assert!(enrolled(cluster, "hub").await?.is_empty());
        value(cluster, "team-a", "password").await?;

        cluster.kubectl()?.args(["delete", "prometheus", "k8s", "-n", "team-a"]).output().await?;
        let gone = run(cluster, "enroll -n team-a --remove").await?.ends(0);
        assert_eq!(gone.out, "thanoswiring.kubectl-thanos.dev/hub unchanged\nsecret/remotewrite-secret deleted\n");
        let again = run(cluster, "enroll -n team-a --remove").await?.ends(0);
        assert!(again.is_unchanged(), "{again:?}");
        run(cluster, "enroll -n nowhere --remove").await?.ends(0);
        Ok(())
    })
    .await
}

#[tokio::test]
async fn tokens_and_authorities_go_where_the_wiring_says() -> Result<()> {
    Cluster::with(Options::new("member-parts"), async |cluster| {
        stage(cluster, &["team-a", "team-b"]).await?;
        let pem = Authority::new("gateway")?.pem().to_owned();
        let authority = file(cluster, "gateway-ca.pem", &pem)?;
        let authority = authority.display();
        let key = |name: &str, key: &str| json!({"name": name, "key": key});
        let token = json!({"url": "https://x/", "auth": {"authorization": {"credentials": key("bearer", "token")}},
            "tls": {"ca": {"configMap": key("gateway-ca", "ca.crt")}}});
        with_wiring(cluster, "token", token).await?;
        let refused = run(cluster, "enroll -n team-a --wiring token").await?.ends(2);
        assert!(refused.err.contains("KTH0011") && refused.err.contains("give --token-file"), "{}", refused.err);
        let line = format!("enroll -n team-a --wiring token --token-file - --ca-file {authority}");
        let ran = run_as(cluster.kubeconfig(), &line, "canary-token\n").await?.ends(0);
        assert!(ran.out.contains("configmap/gateway-ca created\n"), "{}", ran.out);
        assert_hidden("canary-token", &[&ran.out, &ran.err]);
        let maps: Api<ConfigMap> = Api::namespaced(cluster.client(), "team-a");
        assert_eq!(maps.get("gateway-ca").await?.data.unwrap_or_default().get("ca.crt"), Some(&pem));
        let role: Role = Api::namespaced(cluster.client(), "team-a").get("thanos-wiring-token").await?;
        let rules = role.rules.unwrap_or_default();
        let named: Vec<_> = rules.iter().map(|rule| (rule.resources.clone().unwrap_or_default(), rule.resource_names.clone().unwrap_or_default())).collect();
        assert_eq!(named, [(vec!["configmaps".to_owned()], vec!["gateway-ca".to_owned()]), (vec!["secrets".to_owned()], vec!["bearer".to_owned()])]);

        let mut same = basic(names::SECRET);
        same["tls"] = json!({"ca": {"secret": key(names::SECRET, "ca.crt")}});
        with_wiring(cluster, "same", same).await?;
        let refused = run(cluster, "enroll -n team-b --wiring same").await?.ends(2);
        assert!(refused.err.contains("give --ca-file"), "{}", refused.err);
        run(cluster, &format!("enroll -n team-b --wiring same --ca-file {authority}")).await?.ends(0);
        assert_eq!(value(cluster, "team-b", "ca.crt").await?, pem);

        with_wiring(cluster, "keyless", json!({"url": "https://x/", "auth": {"none": {}}})).await?;
        let nothing = run(cluster, "enroll -n team-a --wiring keyless").await?.ends(2);
        assert!(nothing.err.contains("KTH0012"), "{}", nothing.err);
        Ok(())
    })
    .await
}
