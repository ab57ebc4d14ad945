//! What is disturbed next, of the instances of a cluster whose released revision is not what they run.
//!
//! In: facts about every instance, what the released revision asks of them, what was begun. Out: what has to be in force, and one
//! thing to do, to wait for, or why it stopped. Invariant: the sixteen rules of DESIGN §8, each of which stands in [`Rule`] with
//! its reason. Why: the facts are few and small, so the same function runs on a real cluster, in the rehearsal that a plan shows,
//! and in millions of simulated steps with faults.
//!
//! Nothing here says how a fact is found out or a step carried out.

mod attainable;
mod back;
mod candidate;
mod facts;
mod force;
mod next;
mod order;
mod rehearsal;
mod rules;
mod stage;
mod step;
#[cfg(test)]
pub(in crate::rollout) mod tests;
#[cfg(test)]
mod tests_of_volumes;
mod volume;

pub use facts::{Amount, Facts, InstanceFacts, Memory, Method, Permission, Synchronous, Target};
pub use next::{Force, Progress, Verdict, next_change};
pub use rehearsal::{Rehearsal, rehearse, rehearse_rest};
pub use rules::{Rule, Rules};
pub use stage::{How, Stage, stage};
pub use step::{Action, Failure, StepRecord};
pub use volume::{OldVolume, leave_surplus};
