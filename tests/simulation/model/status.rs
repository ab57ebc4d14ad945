//! The part of the SGCluster's status that the rollout is decided from.

use super::release::Release;
use crate::change::Memory;

#[derive(Debug, Clone)]
pub(crate) struct Status {
    /// Every write changes it; a write names the one it was made from.
    pub(crate) version: u64,
    pub(crate) memory: Memory,
    pub(crate) last_good: Release,
    pub(crate) target: Release,
    /// Revisions that were released and not finished before this one.
    pub(crate) superseded: Vec<Release>,
    /// What the rollout last came to: shown to people.
    pub(crate) done: bool,
}

impl Status {
    pub(crate) fn new(release: Release) -> Self {
        Self { version: 0, memory: Memory::default(), last_good: release, target: release, superseded: Vec::new(), done: true }
    }

    /// Another revision is released, or the last good one again.
    pub(crate) fn release(&mut self, target: Release) {
        self.version += 1;
        if !self.done && self.target != target {
            self.superseded.push(self.target);
        }
        self.target = target;
        self.done = false;
        let mut step = self.memory.step.take();
        if let Some(crate::change::Action::Restart { brings, .. }) = step.as_mut().map(|step| &mut step.action) {
            brings.clear();
        }
        self.memory = Memory { step, ..Memory::default() };
    }
}
