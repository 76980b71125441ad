//! `make e2e`: what users get, in pods. One Kubernetes for all stories, which are told in the order of this file; each can
//! be told alone (`make e2e T=webhook::starts`), because it brings about what it stands on.
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a program that tells stories"
)]

mod ground;
mod hub;
mod monitoring;
mod node;
mod stream;
mod tell;
mod tutorial;
mod webhook;

use std::process::ExitCode;

use tell::story;

#[tokio::main]
async fn main() -> ExitCode {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let words: Vec<String> = std::env::args().skip(1).collect();
    if words.iter().any(|word| word == node::HOLD) {
        return node::hold().await;
    }
    let stories = [
        story!(node, is_a_whole_kubernetes),
        story!(node, runs_beside_another_and_leaves_nothing),
        story!(node, leaves_nothing_when_its_test_is_killed),
        story!(webhook, starts),
        story!(webhook, makes_its_certificates),
        story!(webhook, wires_a_prometheus_that_the_operator_runs),
        story!(webhook, refuses_an_invalid_wiring),
        story!(webhook, keeps_one_replica_through_evictions),
        story!(webhook, loses_no_create_in_a_rollout),
        story!(webhook, loses_no_create_in_a_helm_upgrade),
        story!(webhook, admits_nothing_unwired_while_a_pod_is_killed),
        story!(webhook, is_uninstalled_without_leftovers),
        story!(hub, is_made_from_nothing),
        story!(hub, takes_samples_of_the_operators_pods),
        story!(hub, loses_no_sample_when_pods_are_killed),
        story!(hub, is_upgraded_by_helm),
        story!(hub, stands_beside_another),
        story!(hub, keeps_compacted_blocks),
        story!(hub, is_uninstalled_without_leftovers),
        story!(tutorial, is_right),
    ];
    tell::all(&stories, &words).await
}
