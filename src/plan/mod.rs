//! The immutable plan: which clusters change, why, and what that does to the databases.
//!
//! In: versions of every cluster before and after. Out: one [`Plan`], most dangerous first, with a stable identity.
//! Invariant: equal inputs give equal bytes and so an equal id; no clock, no secret; the plan leaves no choice to whoever carries it out.
//! Why: preview, approval, audit and recovery all read the same value.

mod build;
mod group;
mod lines;
mod text;

pub use build::{Before, ClusterAction, ClusterPlan, Plan, PlanInput, Rehearsed, assemble, build, cluster_plans, consequence};
pub use group::{Group, groups};
pub use lines::as_lines;
pub use text::{objects_text, text};
