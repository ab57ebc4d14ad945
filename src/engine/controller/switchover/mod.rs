//! A planned switchover and a planned restart of a primary, with the pooler holding the writers.
//!
//! In: how the instances are reached, who leads and who shall. Out: what it cost the clients, or what holds it. Invariant: whatever
//! happens, every way out leaves the pooler resumed, and leading to its own instance where that is the primary; where this process dies
//! in between, a script in the pod does it (`keep-pooler`). Why: with transaction pooling a client sees a pause and no failed transaction.
//!
//! The order, and what each place is safe against:
//!
//! 1. What would make the stop slow is waited for while nobody stands still ([`crate::rollout::holds_stop`]); a checkpoint.
//! 2. A mark in the pod's file, so that the pod itself knows that a step is under way.
//! 3. `PAUSE`. From here on nothing fails: what clients send waits.
//! 4. The file leads to the candidate's pooler, `RELOAD`, proof. Not before: an unpaused pooler would send writes to a standby.
//! 5. Patroni hands over. Its answer is not awaited: it looks once a second, and the candidate knows sooner.
//! 6. The candidate takes writes: `RESUME`.
//! 7. Clients that stayed at the old pooler are let go ([`settle`]), and it leads to its own instance again. Until then its pod is not
//!    evicted ([`spared`]).

mod clients;
mod eviction;
mod pod;
mod request;
mod steps;

pub(super) use eviction::{spare_no_longer, spared};
pub(super) use pod::marked;
pub(super) use request::{SwitchoverWorks, carry_out_request};
pub(super) use steps::{restart, resume_everything, settle, switch_over_and_settle};

use std::time::Duration;

/// What a step cost the clients.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Report {
    /// How long the pooler held writers back; `None`: it did not.
    pub(super) paused: Option<Duration>,
    /// Clients whose connection was closed between two transactions.
    pub(super) closed_idle: usize,
    /// Clients that were cut off, each with its user, database and name.
    pub(super) cut: Vec<String>,
}

impl Report {
    /// With what another step cost.
    pub(super) fn add(&mut self, other: Self) {
        self.paused = self.paused.or(other.paused);
        self.closed_idle += other.closed_idle;
        self.cut.extend(other.cut);
    }

    /// One line for people.
    pub(super) fn text(&self) -> String {
        let paused =
            self.paused.map_or_else(|| "writers were not held back".to_owned(), |time| format!("writers paused {} ms", time.as_millis()));
        let cut =
            if self.cut.is_empty() { "none cut off".to_owned() } else { format!("{} cut off: {}", self.cut.len(), self.cut.join(", ")) };
        format!("{paused}, {} connections closed while idle, {cut}", self.closed_idle)
    }
}

/// Why a step did not do its work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Trouble {
    /// It was not begun, or was taken back: everything is as before. It may be tried again when this is over.
    Held(String),
    /// It was begun and did not come to its end in time; who leads must be looked at again.
    Unfinished(String),
}

impl std::fmt::Display for Trouble {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Held(what) | Self::Unfinished(what) => f.write_str(what),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Who was cut off must be told, whatever else a step cost.
    #[test]
    fn costs_add_up() {
        let mut report = Report { paused: Some(Duration::from_millis(1_234)), ..Report::default() };
        report.add(Report { paused: None, closed_idle: 3, cut: vec!["app@shop (web, 10.0.0.1)".to_owned()] });
        assert_eq!(report.text(), "writers paused 1234 ms, 3 connections closed while idle, 1 cut off: app@shop (web, 10.0.0.1)");
        assert!(Report::default().text().starts_with("writers were not held back"));
    }
}
