//! PostgreSQL: commits, streaming, replay, checkpoints. And what the poolers' watchers do.

use super::instance::Server;
use super::release::HOT;
use super::world::{SLACK, World};
use crate::change::Synchronous;

/// Seconds between two checkpoints or restartpoints by themselves.
pub(crate) const CHECKPOINT: u64 = 300;
/// When the watcher in the pod resumes a pooler that is held back.
const WATCHER: u64 = 30;

impl World {
    pub(crate) fn postgres(&mut self) {
        let now = self.now;
        let writer = self.leader();
        let primaries = self.instances.iter().filter(|one| one.server == Server::Primary && one.runs()).count();
        if primaries > 1 {
            self.two_writers();
        }
        if let Some(leader) = writer {
            let data = &mut self.instances[leader].data;
            data.position += 1;
            data.replayed = data.position;
            if now.is_multiple_of(CHECKPOINT) {
                data.redo = data.position;
                self.wal.lines[data.line].checkpoints.push(data.position);
            }
        }
        for index in 0..self.instances.len() {
            if self.streams(index)
                && let Some(leader) = writer
            {
                let (line, position) = (self.instances[leader].data.line, self.instances[leader].data.position);
                let data = &mut self.instances[index].data;
                data.line = line;
                data.position = position;
            }
            if self.instances[index].server == Server::Replica {
                self.replay(index);
            }
            let late = self.lag(index) > SLACK;
            let up = self.is_up(index);
            let one = &mut self.instances[index];
            one.down_since = if up { None } else { one.down_since.or(Some(now)) };
            one.late_since = if late { one.late_since.or(Some(now)) } else { None };
            if one.pooler.paused.is_some_and(|since| now >= since + WATCHER) {
                one.pooler.paused = None;
            }
            if one.pooler.foreign.is_some_and(|since| now >= since + 2 * WATCHER) {
                one.pooler.foreign = None;
            }
        }
        if let Some(leader) = writer {
            let waits = match self.setup.synchronous {
                Synchronous::Off => false,
                Synchronous::On => self.standby.is_some_and(|standby| !self.streams(standby)),
                Synchronous::Strict => self.standby.is_none_or(|standby| !self.streams(standby)),
            };
            if !waits {
                let data = self.instances[leader].data;
                self.wal.lines[data.line].acknowledged = data.position;
            }
        }
    }

    fn replay(&mut self, index: usize) {
        let now = self.now;
        let one = &self.instances[index];
        if one.troubles.slow > now || one.troubles.replay_paused > now || one.insufficient {
            return;
        }
        let from = one.data.replayed;
        if from < one.data.position {
            let to = one.data.position.min(from + self.random.between(2, 12));
            let one = &self.instances[index];
            let line = &self.wal.lines[one.data.line];
            let stops = line
                .records
                .iter()
                .find(|(at, values)| *at > from && *at <= to && (0..HOT).any(|which| values[which] > one.values[which]))
                .copied();
            let reached = stops.map_or(to, |(at, _)| at);
            let control = line.control(reached);
            let one = &mut self.instances[index];
            one.data.replayed = reached;
            one.data.control = control;
            one.insufficient = stops.is_some();
            if stops.is_some() {
                self.tell(|| format!("replay of instance {index} pauses: hot-standby parameters below the primary's"));
            }
        }
        if (now + 37 * index as u64).is_multiple_of(CHECKPOINT) {
            let data = self.instances[index].data;
            self.instances[index].data.redo = self.wal.lines[data.line].checkpoint(data.replayed).max(data.redo);
        }
    }

    /// `CHECKPOINT` by hand; the position where recovery begins then.
    pub(crate) fn checkpoint(&mut self, index: usize) -> Option<u64> {
        if !self.instances[index].is_serving() {
            return None;
        }
        let data = self.instances[index].data;
        let redo = if self.leader() == Some(index) {
            self.wal.lines[data.line].checkpoints.push(data.position);
            data.position
        } else {
            self.wal.lines[data.line].checkpoint(data.replayed).max(data.redo)
        };
        self.instances[index].data.redo = redo;
        Some(redo)
    }
}
