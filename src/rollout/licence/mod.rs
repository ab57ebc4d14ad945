//! Whether an instance may be disturbed now.
//!
//! Asked before each disturbance, not once for a rollout: a window may close, and a person may set a hold, in the middle of one. The
//! order in which the annotations, the strategy and an operation count is the API's, with one deviation (`Never` leaves room for an
//! operation, as its documentation says) and two rules of ours: what cannot be read licenses nothing, and the annotation that names
//! an operation licenses nothing by itself, because it outlives the operation. Patroni's own pause is not looked at here.

mod annotations;

pub use crate::resolve::Method;
pub use annotations::{RECONCILIATION_PAUSE, is_reconciliation_paused};

use super::cluster::Wait;
use super::operation::Operation;
use crate::model::{HOLD, Hold, Object, Window, closes, seconds};
use crate::resolve::{Effective, ScheduledWindow, StrategyType};
use annotations::{Annotations, ROLLOUT, ROLLOUT_DBOPS, ROLLOUT_SCHEDULE, Rollout};
use jiff::Timestamp;

/// The answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Licence {
    /// An instance may be disturbed.
    Granted {
        /// What allows it, for people.
        by: String,
        /// When that ends.
        until: Option<Timestamp>,
        /// How to go about it.
        method: Method,
    },
    /// Not now, and it is known from when on.
    Later {
        /// Why not now, for people.
        why: String,
        /// From when on.
        opens: Timestamp,
        /// How to go about it then.
        method: Method,
    },
    /// Not until a person, or an operation, acts.
    Withheld {
        /// Why, for people.
        why: String,
        /// What ends it, for people.
        ends: String,
        /// How to go about it then.
        method: Method,
    },
}

impl Licence {
    /// Whether an instance may be disturbed now.
    pub const fn is_granted(&self) -> bool {
        matches!(self, Self::Granted { .. })
    }

    /// How to go about it, now or when it is allowed.
    pub const fn method(&self) -> Method {
        match self {
            Self::Granted { method, .. } | Self::Later { method, .. } | Self::Withheld { method, .. } => *method,
        }
    }
}

/// Whether an instance of a cluster may be disturbed now. Holds and annotations are those of the live object; the strategy is that of
/// the released revision; `operation` is the SGDbOps that is under way.
pub fn licence(cluster: &Object, effective: &Effective, managed_by_fleet: bool, operation: Option<&Operation>, now: Timestamp) -> Licence {
    let strategy = &effective.update_strategy;
    let written = strategy.method.value;
    let withheld = |why: String, ends: &str, method| Licence::Withheld { why, ends: ends.to_owned(), method };
    let annotations = match Annotations::of(cluster) {
        Ok(annotations) => annotations,
        Err(problem) => return withheld(problem.what, &format!("correct the annotation {} or take it away", problem.name), written),
    };
    let of_operation = operation.and_then(|operation| {
        let named = annotations.operations_method.filter(|_| annotations.operation.as_deref() == Some(&operation.name));
        operation.method.or(named)
    });
    let method = of_operation.or(annotations.method).unwrap_or(written);
    if annotations.paused {
        return withheld("the reconciliation is paused".to_owned(), &format!("take the annotation {RECONCILIATION_PAUSE} away"), method);
    }
    if let Some(hold) = held(cluster, now) {
        return withheld(format!("held: {hold}"), &end_of(&hold), method);
    }
    let kind = strategy.r#type.as_ref().map_or(default_type(managed_by_fleet), |kind| kind.value);
    let stale = annotations.operation.filter(|named| operation.is_none_or(|operation| operation.name != *named));
    let operation = operation.map(Operation::text);
    let for_people = |why: String| match &stale {
        Some(named) => format!("{why}; the annotation {ROLLOUT_DBOPS} names {named}, which is not under way"),
        None => why,
    };
    let granted = |by: String| Licence::Granted { by, until: None, method };
    match (annotations.rollout, kind, operation) {
        (Some(Rollout::Never), _, _) => {
            withheld(format!("the annotation {ROLLOUT} is never"), &format!("take the annotation {ROLLOUT} away"), method)
        }
        // The API's code lets nothing through here, and its documentation an operation; a person made the operation.
        (_, StrategyType::Never, Some(operation)) => granted(operation),
        (_, StrategyType::Never, None) => {
            withheld(for_people("update strategy Never".to_owned()), "an SGDbOps is made, or the strategy is changed", method)
        }
        (Some(Rollout::Always), _, _) => granted(format!("the annotation {ROLLOUT} is always")),
        (None, StrategyType::Always, _) => granted(by_strategy("Always", strategy.r#type.is_none())),
        (_, _, Some(operation)) => granted(operation),
        (Some(Rollout::Schedule(windows)), _, None) => {
            in_windows(&windows, method, now).unwrap_or_else(|| never_opens(&format!("the annotation {ROLLOUT_SCHEDULE}"), method))
        }
        (None, StrategyType::Schedule, None) => match windows(&strategy.schedule.value) {
            Ok(windows) => in_windows(&windows, method, now).unwrap_or_else(|| never_opens("update strategy Schedule", method)),
            Err(problem) => withheld(format!("update strategy Schedule: {problem}"), "the windows are corrected and released", method),
        },
        (None, StrategyType::OnlyDbOps, None) => withheld(
            for_people(by_strategy("OnlyDbOps", strategy.r#type.is_none())),
            "an SGDbOps is made, or the strategy is changed",
            method,
        ),
    }
}

/// The hold that is in force. It also withholds what needs no licence otherwise, as the growing of volumes.
pub fn held(cluster: &Object, now: Timestamp) -> Option<Hold> {
    Hold::of(cluster).filter(|hold| !hold.has_expired(now))
}

/// What ends a hold, for people.
fn end_of(hold: &Hold) -> String {
    let taken_away = format!("take the annotation {HOLD} away (stackgres hold --release)");
    hold.until.map_or_else(|| taken_away.clone(), |until| format!("{}, or {taken_away}", seconds(until)))
}

/// A hold that is in force, as what something waits for that needs no licence otherwise: a hand-over, instances that leave.
pub(super) fn wait_for_hold(what: &str, cluster: &Object, now: Timestamp) -> Option<Wait> {
    held(cluster, now).map(|hold| Wait { what: format!("{what}: held: {hold}"), ends: end_of(&hold) })
}

/// The type of a cluster that says none. Where a fleet releases it, the release (commit, wave, approval) is the licence; without one
/// nothing but an operation is, as in the API.
const fn default_type(managed_by_fleet: bool) -> StrategyType {
    if managed_by_fleet { StrategyType::Always } else { StrategyType::OnlyDbOps }
}

fn by_strategy(name: &str, is_default: bool) -> String {
    match (is_default, name) {
        (false, _) => format!("update strategy {name}"),
        (true, "Always") => "update strategy Always, the default of a cluster that a fleet releases".to_owned(),
        (true, _) => format!("update strategy {name}, the default without a fleet"),
    }
}

fn windows(schedule: &[ScheduledWindow]) -> Result<Vec<Window>, String> {
    schedule.iter().map(|window| Window::read(&window.cron, &window.duration, window.time_zone.as_deref())).collect()
}

/// Granted in an open window, later before the next one; `None` where none ever opens.
fn in_windows(windows: &[Window], method: Method, now: Timestamp) -> Option<Licence> {
    if let Some(open) = windows.iter().find(|window| window.is_open(now)) {
        let until = closes(windows, now);
        let end = until.map_or_else(|| "never closes".to_owned(), |until| format!("closes {}", seconds(until)));
        return Some(Licence::Granted { by: format!("window {} ({end})", open.text()), until, method });
    }
    let next = windows.iter().filter_map(|window| Some((window.next_opening(now)?, window))).min_by_key(|(opens, _)| *opens);
    let (opens, window) = next?;
    Some(Licence::Later { why: format!("outside of its windows; {} opens {}", window.text(), seconds(opens)), opens, method })
}

fn never_opens(what: &str, method: Method) -> Licence {
    Licence::Withheld { why: format!("{what}: no window ever opens"), ends: "a window is added".to_owned(), method }
}

#[cfg(test)]
mod tests;
