//! The map: a [`Subject`] + [`Facts`] + [`Rules`] go into [`decide`], a [`Decision`] comes out.
//!
//! ```text
//! raw JSON ──> Subject ─┐
//! the world ─> Facts ───┼─> decide ──> Change(edits) | Leave(reason) | Refuse(faults)
//! objects ───> Rules ───┘                  └──> patch (RFC 6902)
//! ```
//!
//! Nothing in here knows the time, the environment, a file or a socket: callers look, this crate thinks.

pub mod certificate;
pub mod codes;
pub mod decide;
pub mod decision;
pub mod facts;
pub mod fields;
mod hash;
pub mod names;
pub mod native;
pub mod objstore;
pub mod patch;
#[expect(
    unreachable_pub,
    reason = "KubeSchema emits a public twin of each struct inside a function"
)]
#[expect(
    clippy::duplicated_attributes,
    reason = "two printer columns may be of one type"
)]
pub mod policy;
pub mod relabel;
mod schema;
pub mod subject;
pub mod versions;
#[expect(
    unreachable_pub,
    reason = "KubeSchema emits a public twin of each struct inside a function"
)]
#[expect(
    clippy::duplicated_attributes,
    reason = "two printer columns may be of one type"
)]
pub mod wiring;
pub mod yaml;

pub use decide::decide;
pub use decide::rules::{Charge, Judgement, judge, judge_secret};
pub use decision::{Cause, Decision, Effect, Fault, Outcome, Reason, Verdict, Warning};
pub use facts::{Credential, Facts};
pub use policy::{Policy, ThanosPolicy};
pub use subject::{Kind, Operation, Subject, Unreadable};
pub use wiring::{Rules, ThanosWiring, Wiring};
