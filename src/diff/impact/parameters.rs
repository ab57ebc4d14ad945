//! What a changed PostgreSQL parameter does, from its context in `pg_settings`.
//!
//! Source: PostgreSQL documentation, "System View pg_settings", column `context`; "Hot Standby", section "Administrator's
//! Overview", for the parameters a standby must not have lower than its primary.

use super::{Disturbance, Finding, Risk};
use crate::diff::effective::EffectiveChange;
use crate::postgres::{self, Context};
use serde_json::Value;

/// A standby must have each of these at least as high as its primary had.
const HOT_STANDBY: &[&str] =
    &["max_connections", "max_worker_processes", "max_wal_senders", "max_prepared_transactions", "max_locks_per_transaction"];

pub(super) fn finding(major: u32, parameter: &str, change: &EffectiveChange) -> Finding {
    let (disturbance, reason) = match postgres::context(major, parameter) {
        Some(Context::Postmaster) => (Disturbance::Restart, restart_reason(parameter, change)),
        Some(Context::Internal) => (Disturbance::Nothing, "fixed when PostgreSQL was built; a setting has no effect".to_owned()),
        Some(Context::Backend | Context::SuperuserBackend) => {
            (Disturbance::Reload, "reload; sessions that are open keep the old value".to_owned())
        }
        Some(Context::Sighup | Context::Superuser | Context::User) => (Disturbance::Reload, "reload".to_owned()),
        None => (Disturbance::Restart, "not known to this program: counted as a restart".to_owned()),
    };
    let finding = Finding::new(disturbance, change.name.clone(), reason);
    match risk(parameter, change) {
        Some((risk, reason)) => Finding { reason: format!("{}; {reason}", finding.reason), ..finding }.risk(risk),
        None => finding,
    }
}

fn restart_reason(parameter: &str, change: &EffectiveChange) -> String {
    if !HOT_STANDBY.contains(&parameter) {
        return "read when PostgreSQL starts".to_owned();
    }
    match (number(change.before.as_ref()), number(change.after.as_ref())) {
        (Some(old), Some(new)) if new < old => {
            "read when PostgreSQL starts; lowered, so the primary goes first and each standby follows when it has replayed that".to_owned()
        }
        _ => "read when PostgreSQL starts; raised, so the replicas go first".to_owned(),
    }
}

fn number(value: Option<&Value>) -> Option<i64> {
    value?.as_str()?.trim().parse().ok()
}

fn risk(parameter: &str, change: &EffectiveChange) -> Option<(Risk, &'static str)> {
    let value = change.after.as_ref().and_then(Value::as_str).unwrap_or_default().to_ascii_lowercase();
    let off = matches!(value.as_str(), "off" | "false" | "no" | "0");
    match parameter {
        "fsync" | "full_page_writes" if off => Some((Risk::Data, "a crash may corrupt the data")),
        "synchronous_commit" if off || value == "local" => Some((Risk::Durability, "a crash may lose the last commits")),
        "wal_level" if value == "minimal" => Some((Risk::Refused, "replication and archiving need more")),
        "wal_level" if value == "replica" => Some((Risk::Slots, "logical slots need `logical`")),
        "max_slot_wal_keep_size" => Some((Risk::Slots, "a slot that falls behind by more is lost")),
        "max_replication_slots" | "max_wal_senders" if number(change.before.as_ref()) > number(change.after.as_ref()) => {
            Some((Risk::Slots, "PostgreSQL does not start with fewer than there are"))
        }
        "default_transaction_read_only" if !off => Some((Risk::Availability, "new transactions are read-only")),
        _ => None,
    }
}
