//! A planned switchover: small steps, between any two of which the process may die.

use super::world::{SLACK, World};
use crate::change::Action;

/// How long writers are held back at most.
const BUDGET: u64 = 5;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    Checkpoint,
    Lags,
    Pause,
    Rest(u64),
    Forward,
    Post,
    Poll(u64),
    Resume,
    ComeHome,
}

#[derive(Debug, Clone)]
pub(crate) struct Process {
    leader: usize,
    candidate: usize,
    relieves: bool,
    step: Step,
    since: u64,
}

impl Process {
    pub(crate) const fn new(leader: usize, candidate: usize, relieves: bool) -> Self {
        Self { leader, candidate, relieves, step: Step::Checkpoint, since: 0 }
    }

    /// One small step; whether it was the last.
    pub(crate) fn step(&mut self, world: &mut World) -> bool {
        if self.since == 0 {
            self.since = world.now;
        }
        let (leader, candidate) = (self.leader, self.candidate);
        let pooler = world.setup.pooler;
        let reached = |index: usize| world.instances[index].troubles.unreachable <= world.now;
        self.step = match self.step {
            Step::Checkpoint => {
                if world.leader() != Some(leader) || world.instances.len() <= candidate || !reached(leader) {
                    return true;
                }
                if world.busy > world.now {
                    world.tell(|| "the switchover is put off: the stop would take long".to_owned());
                    return true;
                }
                world.checkpoint(leader);
                Step::Lags
            }
            Step::Lags if world.streams(candidate) && world.lag(candidate) <= SLACK && reached(candidate) => {
                if pooler {
                    Step::Pause
                } else {
                    Step::Post
                }
            }
            Step::Lags => {
                if world.now > self.since + 20 || world.leader() != Some(leader) {
                    return true;
                }
                Step::Lags
            }
            Step::Pause => {
                world.instances[leader].pooler.paused = Some(world.now);
                Step::Rest(world.now)
            }
            Step::Rest(since) if world.restless > world.now => {
                if world.now >= since + BUDGET {
                    world.tell(|| "the switchover is put off: the pooler does not come to rest".to_owned());
                    world.instances[leader].pooler.paused = None;
                    return true;
                }
                Step::Rest(since)
            }
            Step::Rest(_) => Step::Forward,
            Step::Forward => {
                world.instances[leader].pooler.foreign = Some(world.now);
                Step::Post
            }
            Step::Post => {
                let action = Action::SwitchOver { leader: leader as u32, candidate: candidate as u32, relieves: self.relieves };
                if world.may_switch_over(leader, candidate).is_ok() {
                    world.about_to(&action);
                }
                match world.post_switchover(leader, candidate) {
                    Ok(()) => {
                        world.disturbed(&action);
                        Step::Poll(world.now)
                    }
                    Err(why) => {
                        world.tell(|| format!("Patroni refuses the switchover: {why}"));
                        Step::Resume
                    }
                }
            }
            Step::Poll(since) => {
                // A promotion takes less, or does not come.
                if world.leader() == Some(candidate) || world.now >= since + BUDGET { Step::Resume } else { Step::Poll(since) }
            }
            Step::Resume => {
                world.instances[leader].pooler.paused = None;
                Step::ComeHome
            }
            Step::ComeHome => {
                world.instances[leader].pooler.foreign = None;
                return true;
            }
        };
        false
    }
}
