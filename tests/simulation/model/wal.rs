//! Timelines: what was written, acknowledged, and recorded in the WAL.
//!
//! A position is a number of commits. Each timeline holds what lies before its branch as well, so nobody has to follow its ancestors.

use super::release::{HOT, Values};

/// One timeline.
#[derive(Debug, Clone, Default)]
pub(crate) struct Line {
    /// Where it branched off.
    pub(crate) parent: Option<(usize, u64)>,
    /// Records with the primary's hot-standby parameters (`PARAMETER_CHANGE`).
    pub(crate) records: Vec<(u64, [i64; HOT])>,
    /// Positions where recovery could begin.
    pub(crate) checkpoints: Vec<u64>,
    /// Up to here commits were acknowledged.
    pub(crate) acknowledged: u64,
}

impl Line {
    /// The last values at a position: what `pg_controldata` shows of a standby that has replayed so far.
    pub(crate) fn control(&self, position: u64) -> [i64; HOT] {
        self.records.iter().rev().find(|(at, _)| *at <= position).map_or([0; HOT], |(_, values)| *values)
    }

    /// The highest values that a recovery from one position to another meets, control data at its begin included.
    pub(crate) fn met(&self, redo: u64, position: u64) -> [i64; HOT] {
        let mut most = self.control(redo);
        for (_, values) in self.records.iter().filter(|(at, _)| *at > redo && *at <= position) {
            for (most, value) in most.iter_mut().zip(values) {
                *most = (*most).max(*value);
            }
        }
        most
    }

    /// The last checkpoint at or before a position.
    pub(crate) fn checkpoint(&self, position: u64) -> u64 {
        self.checkpoints.iter().rev().find(|at| **at <= position).copied().unwrap_or(0)
    }
}

/// All timelines.
#[derive(Debug, Clone, Default)]
pub(crate) struct Wal {
    pub(crate) lines: Vec<Line>,
}

impl Wal {
    pub(crate) fn new(values: [i64; HOT]) -> Self {
        let line = Line { records: vec![(0, values)], checkpoints: vec![0], ..Line::default() };
        Self { lines: vec![line] }
    }

    /// Whether what was written on one timeline up to a position is part of another one.
    pub(crate) fn holds(&self, line: usize, other: usize, position: u64) -> bool {
        let (mut current, mut limit) = (line, u64::MAX);
        while current != other {
            let Some((parent, at)) = self.lines[current].parent else { return false };
            current = parent;
            limit = limit.min(at);
        }
        position <= limit
    }

    /// A new timeline; how many acknowledged commits are not part of it.
    pub(crate) fn branch(&mut self, from: usize, at: u64) -> (usize, u64) {
        let lost = self.lines[from].acknowledged.saturating_sub(at);
        let mut line = self.lines[from].clone();
        line.parent = Some((from, at));
        line.records.retain(|(position, _)| *position <= at);
        line.checkpoints.retain(|position| *position <= at);
        line.acknowledged = line.acknowledged.min(at);
        self.lines.push(line);
        (self.lines.len() - 1, lost)
    }
}

pub(crate) fn hot(values: &Values) -> [i64; HOT] {
    let mut hot = [0; HOT];
    hot.copy_from_slice(&values[..HOT]);
    hot
}
