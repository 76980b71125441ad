//! The harness: real programs as local processes on loopback, one noun per file.
//!
//! ```text
//! tools ─► process (watchdog, port, run) ─► etcd ─► apiserver ─► crds ─► cluster (seed)
//!                        │                                                 ├─ operator ─► prometheus
//!                        ├─ azurite ◄─ thanos (receive, query) ◄─ gateway  └─ command (helm, kubectl)
//!                        └─ node (kubelet, Services, DNS: for `make e2e`)
//! ```
//!
//! `Cluster::start` is where most tests begin. Every value here ends its process when it is dropped, and a watchdog
//! ends them all when this program dies before it can drop anything.

pub mod apiserver;
pub mod azurite;
pub mod certificates;
pub mod cluster;
pub mod command;
pub mod controller_manager;
pub mod crds;
pub mod etcd;
pub mod gateway;
pub mod http;
pub mod install;
pub mod kubeconfig;
pub mod node;
pub mod operator;
pub mod ours;
pub mod port;
pub mod process;
pub mod prometheus;
pub mod promql;
pub mod run;
mod seed;
pub mod thanos;
pub mod tools;
pub mod wait;
mod watchdog;

pub use cluster::{Cluster, Options};
pub use node::Node;
pub use process::{Process, Program};
pub use run::Run;
pub use wait::eventually;
