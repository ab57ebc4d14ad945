//! What a changed PostgreSQL parameter does, from its context in `pg_settings`.
//!
//! Source: PostgreSQL documentation, "System View pg_settings", column `context`; "Hot Standby", section "Administrator's
//! Overview", for the parameters a standby must not have lower than its primary. Values are compared as the server reads them:
//! `0x190` is 400, `of` is off, and what lies below Patroni's minimum is Patroni's default.

use super::{Disturbance, Finding, Risk};
use crate::diagnostics::HIDDEN;
use crate::diff::effective::EffectiveChange;
use crate::model::HOT_STANDBY;
use crate::postgres::{self, Context};
use serde_json::Value;

/// Which way a value goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Direction {
    /// Higher than before.
    Raised,
    /// Lower than before.
    Lowered,
}

/// A parameter with its values as the server gets them.
struct Change<'a> {
    major: u32,
    name: &'a str,
    before: Option<String>,
    after: Option<String>,
}

impl<'a> Change<'a> {
    fn new(major: u32, name: &'a str, change: &EffectiveChange) -> Self {
        let read = |value: &Option<Value>| {
            let text = value.as_ref()?.as_str()?;
            let taken = postgres::patroni_substitutes(major, name, text).map_or(text, |found| found.instead);
            Some(postgres::normalise(major, name, taken).unwrap_or_else(|_| taken.to_owned()))
        };
        Self { major, name, before: read(&change.before), after: read(&change.after) }
    }

    fn after(&self) -> &str {
        self.after.as_deref().unwrap_or_default()
    }

    fn number(&self, value: Option<&String>) -> Option<f64> {
        postgres::number_of(self.major, self.name, value?)
    }

    fn direction(&self) -> Option<Direction> {
        let (old, new) = (self.number(self.before.as_ref())?, self.number(self.after.as_ref())?);
        if new > old { Some(Direction::Raised) } else { (new < old).then_some(Direction::Lowered) }
    }

    /// Libraries that were not loaded before.
    fn new_libraries(&self) -> Vec<&str> {
        let list = |value: &'_ Option<String>| {
            value.as_deref().unwrap_or_default().split(',').map(str::trim).map(str::to_owned).collect::<Vec<_>>()
        };
        let before = list(&self.before);
        self.after().split(',').map(str::trim).filter(|library| !library.is_empty() && !before.iter().any(|old| old == library)).collect()
    }
}

/// The direction of a hot-standby parameter; `None` for any other one.
pub(super) fn hot_standby(major: u32, name: &str, change: &EffectiveChange) -> Option<Direction> {
    HOT_STANDBY.contains(&name).then(|| Change::new(major, name, change).direction()).flatten()
}

/// `standbys`: whether there is one before or after the change.
pub(super) fn finding(major: u32, parameter: &str, change: &EffectiveChange, standbys: bool) -> Finding {
    let read = Change::new(major, parameter, change);
    // Two hidden values look alike; what a secret changes to is not known here.
    if read.before.is_some() && read.before == read.after && read.after() != HIDDEN {
        return Finding::new(Disturbance::Nothing, change.name.clone(), format!("no effect: the server gets {} as before", read.after()));
    }
    let (disturbance, reason) = match postgres::context(major, parameter) {
        Some(Context::Postmaster) => (Disturbance::Restart, restart_reason(&read, standbys)),
        Some(Context::Internal) => (Disturbance::Nothing, "fixed when PostgreSQL was built; a setting has no effect".to_owned()),
        Some(Context::Backend | Context::SuperuserBackend) => {
            (Disturbance::Reload, "reload; sessions that are open keep the old value".to_owned())
        }
        Some(Context::Sighup | Context::Superuser | Context::User) => (Disturbance::Reload, "reload".to_owned()),
        None => (Disturbance::Restart, "not known to this program: counted as a restart".to_owned()),
    };
    let mut finding = Finding::new(disturbance, change.name.clone(), reason);
    if let Some(substitution) =
        change.after.as_ref().and_then(Value::as_str).and_then(|text| postgres::patroni_substitutes(major, parameter, text))
    {
        finding =
            finding.because(format!("Patroni takes nothing below {} and runs with {} instead", substitution.minimum, substitution.instead));
    }
    for (risk, reason) in risks(&read) {
        finding = finding.because(reason);
        finding.risks.extend(risk);
    }
    finding
}

fn restart_reason(change: &Change<'_>, standbys: bool) -> String {
    let order = match change.direction().filter(|_| standbys && HOT_STANDBY.contains(&change.name)) {
        Some(Direction::Lowered) => "; lowered, so the primary goes first and each standby follows when it has replayed that",
        Some(Direction::Raised) => "; raised, so the replicas go first",
        None => "",
    };
    format!("read when PostgreSQL starts{order}")
}

/// What is at risk, if anything, and why.
fn risks(change: &Change<'_>) -> Vec<(Option<Risk>, String)> {
    let value = change.after();
    let lowered = change.direction() == Some(Direction::Lowered);
    let one = |risk: Risk, reason: &str| vec![(Some(risk), reason.to_owned())];
    match change.name {
        "fsync" | "full_page_writes" if value == "off" => one(Risk::Data, "a crash may corrupt the data"),
        "synchronous_commit" if value == "off" => one(Risk::Durability, "a crash may lose the last commits"),
        "synchronous_commit" if value == "local" => {
            one(Risk::Durability, "a failover may lose the last commits, also in a synchronous mode")
        }
        "synchronous_commit" if value == "remote_write" => {
            one(Risk::Durability, "commits of a synchronous mode are lost where primary and standby crash together")
        }
        "wal_level" if value == "minimal" => one(Risk::Refused, "replication and archiving need more"),
        "wal_level" if value == "replica" => one(Risk::Slots, "logical slots need `logical`: PostgreSQL does not start while one exists"),
        // -1 is no limit.
        "max_slot_wal_keep_size" if value != "-1" && (lowered || change.before.as_deref() == Some("-1")) => {
            one(Risk::Slots, "a slot that falls behind by more is lost")
        }
        "max_replication_slots" if lowered => one(Risk::Slots, "PostgreSQL does not start with fewer than there are"),
        "max_wal_senders" if lowered => one(Risk::Slots, "a consumer that finds no free sender cannot connect"),
        "max_prepared_transactions" if lowered => one(Risk::Availability, "PostgreSQL does not start with fewer than are prepared"),
        "max_connections" if lowered => one(Risk::Availability, "clients beyond the new limit are refused"),
        "default_transaction_read_only" if value == "on" => one(Risk::Availability, "new transactions are read-only"),
        "huge_pages" if value == "on" => {
            one(Risk::Availability, "PostgreSQL does not start where the pod gets too few huge pages; the SGInstanceProfile asks for them")
        }
        "shared_preload_libraries" => libraries(change, "a library that the image lacks stops the start"),
        "session_preload_libraries" | "local_preload_libraries" => {
            libraries(change, "a library that the image lacks breaks every new connection")
        }
        _ => Vec::new(),
    }
}

/// Modules of PostgreSQL itself and of the extensions that need one are in every image; about others nothing is known here.
fn libraries(change: &Change<'_>, what: &str) -> Vec<(Option<Risk>, String)> {
    let new = change.new_libraries();
    if new.is_empty() {
        return Vec::new();
    }
    let unknown: Vec<&str> = new.into_iter().filter(|library| !postgres::is_library_of_images(library)).collect();
    if unknown.is_empty() {
        vec![(None, what.to_owned())]
    } else {
        vec![(Some(Risk::Availability), format!("{what}: not known to be in it: {}", unknown.join(", ")))]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(name: &str, before: &str, after: &str) -> Finding {
        let value = |text: &str| (!text.is_empty()).then(|| Value::from(text));
        let change =
            EffectiveChange { name: format!("postgres.parameters.{name}"), before: value(before), after: value(after), origin: None };
        finding(17, name, &change, true)
    }

    /// What is told of a value depends on what the server reads, not on how it is written.
    #[test]
    fn values_are_judged_by_meaning() {
        for (name, before, after, risk, disturbance, reason) in [
            ("max_connections", "0x190", "300", Some(Risk::Availability), Disturbance::Restart, "lowered"),
            ("max_connections", "0144", "200", None, Disturbance::Restart, "raised"),
            ("max_connections", "200", "0x190", None, Disturbance::Restart, "raised"),
            ("max_connections", "100", "0144", None, Disturbance::Nothing, "no effect"),
            ("shared_buffers", "1GB", "2GB", None, Disturbance::Restart, "read when PostgreSQL starts"),
            ("fsync", "on", "of", Some(Risk::Data), Disturbance::Reload, "corrupt"),
            ("full_page_writes", "on", "f", Some(Risk::Data), Disturbance::Reload, "corrupt"),
            ("fsync", "off", "TRUE", None, Disturbance::Reload, "reload"),
            ("default_transaction_read_only", "on", "f", None, Disturbance::Reload, "reload"),
            ("default_transaction_read_only", "off", "y", Some(Risk::Availability), Disturbance::Reload, "read-only"),
            ("synchronous_commit", "on", "0", Some(Risk::Durability), Disturbance::Reload, "crash"),
            ("wal_level", "logical", "archive", Some(Risk::Slots), Disturbance::Restart, "logical slots"),
            ("wal_level", "logical", "Minimal", Some(Risk::Refused), Disturbance::Restart, "replication"),
            ("max_slot_wal_keep_size", "10GB", "20GB", None, Disturbance::Reload, "reload"),
            ("max_slot_wal_keep_size", "10GB", "-1", None, Disturbance::Reload, "reload"),
            ("max_slot_wal_keep_size", "10GB", "5GB", Some(Risk::Slots), Disturbance::Reload, "lost"),
            ("max_slot_wal_keep_size", "-1", "50GB", Some(Risk::Slots), Disturbance::Reload, "lost"),
            ("max_wal_senders", "10", "0", None, Disturbance::Nothing, "the server gets 10 as before"),
            ("max_wal_senders", "20", "0", Some(Risk::Slots), Disturbance::Restart, "runs with 10 instead"),
            ("max_replication_slots", "20", "2", Some(Risk::Slots), Disturbance::Restart, "runs with 10 instead"),
            ("huge_pages", "off", "on", Some(Risk::Availability), Disturbance::Restart, "huge pages"),
            ("huge_pages", "off", "try", None, Disturbance::Restart, "read when"),
            ("session_preload_libraries", "", "nope", Some(Risk::Availability), Disturbance::Reload, "every new connection"),
            ("local_preload_libraries", "", "auto_explain", None, Disturbance::Reload, "every new connection"),
            (
                "shared_preload_libraries",
                "pg_stat_statements",
                "pg_stat_statements, timescaledb",
                Some(Risk::Availability),
                Disturbance::Restart,
                "timescaledb",
            ),
            ("shared_preload_libraries", "pg_stat_statements, auto_explain", "pg_stat_statements", None, Disturbance::Restart, "read when"),
            ("shared_preload_libraries", "pg_stat_statements", "pg_stat_statements, pg_cron", None, Disturbance::Restart, "read when"),
        ] {
            let found = judged(name, before, after);
            let what = format!("{name}: {before} to {after}: {found:?}");
            assert_eq!(found.risks.iter().next().copied(), risk, "{what}");
            assert_eq!(found.disturbance, disturbance, "{what}");
            assert!(found.reason.contains(reason), "{what}");
        }
    }

    /// With one instance there is no order to tell.
    #[test]
    fn without_a_standby_no_order_is_told() {
        let change = EffectiveChange {
            name: "postgres.parameters.max_connections".to_owned(),
            before: Some(Value::from("100")),
            after: Some(Value::from("200")),
            origin: None,
        };
        assert!(!finding(17, "max_connections", &change, false).reason.contains("replicas"));
    }
}
