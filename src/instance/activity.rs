//! What an instance is busy with: whatever would hold up a stop of it or a hand-over.
//!
//! Sources: PostgreSQL documentation, "The Cumulative Statistics System", "Replication Progress Tracking" and "System Administration
//! Functions". Facts, no judgement.

use super::error::InstanceError;
use super::sql::{Row, Session};
use crate::model::{Activity, Follower, FollowerKind, HOT_STANDBY, OpenTransaction, PreparedTransaction};

/// Of a list of names, which is the parameter.
const SETTINGS: &str = "SELECT name::text AS name, setting::text AS setting FROM pg_settings WHERE name = ANY (string_to_array($1, ','))";

const STATE: &str = "SELECT pg_is_in_recovery()::text AS recovery,
  CASE WHEN pg_is_in_recovery() THEN pg_is_wal_replay_paused() ELSE false END::text AS paused,
  (SELECT count(*) FROM pg_ls_archive_statusdir() WHERE name LIKE '%.ready')::text AS to_archive";

const OLDEST: &str = "SELECT pid::text AS pid, coalesce(usename::text, '') AS user, application_name::text AS application,
  coalesce(datname::text, '') AS database, floor(extract(epoch FROM clock_timestamp() - xact_start))::bigint::text AS seconds
  FROM pg_stat_activity WHERE backend_type = 'client backend' AND xact_start IS NOT NULL AND pid <> pg_backend_pid()
  ORDER BY xact_start LIMIT 1";

const PREPARED: &str = "SELECT gid::text AS identifier, owner::text AS owner,
  floor(extract(epoch FROM clock_timestamp() - prepared))::bigint::text AS seconds FROM pg_prepared_xacts ORDER BY prepared LIMIT 1";

const FOLLOWERS: &str = "SELECT r.application_name::text AS name, r.state::text AS state, (s.slot_type = 'logical')::text AS logical,
  (r.sync_state IN ('sync', 'quorum'))::text AS synchronous,
  pg_wal_lsn_diff(CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_lsn() END, r.replay_lsn)::bigint::text AS behind
  FROM pg_stat_replication r LEFT JOIN pg_replication_slots s ON s.active_pid = r.pid";

const SLOTS: &str = "SELECT slot_name::text AS name FROM pg_replication_slots WHERE slot_type = 'logical' AND NOT temporary";

impl Session {
    /// What the instance is busy with.
    pub async fn activity(&self) -> Result<Activity, InstanceError> {
        let state = self.rows(STATE, &[]).await?;
        let settings = self.rows(SETTINGS, &[&HOT_STANDBY.join(",")]).await?;
        let is = |column: &str| state.first().is_some_and(|row| row.is_true(column));
        Ok(Activity {
            in_recovery: is("recovery"),
            replay_paused: is("paused"),
            oldest: self.rows(OLDEST, &[]).await?.first().and_then(open_transaction),
            prepared: self.rows(PREPARED, &[]).await?.first().and_then(prepared_transaction),
            followers: self.rows(FOLLOWERS, &[]).await?.iter().map(follower).collect(),
            to_archive: state.first().and_then(|row| row.number("to_archive")).unwrap_or_default(),
            logical_slots: self.rows(SLOTS, &[]).await?.iter().filter_map(|row| row.get("name").map(str::to_owned)).collect(),
            hot_standby: settings.iter().filter_map(|row| Some((row.get("name")?.to_owned(), row.number("setting")?))).collect(),
        })
    }
}

fn open_transaction(row: &Row) -> Option<OpenTransaction> {
    let text = |column: &str| row.get(column).unwrap_or_default().to_owned();
    Some(OpenTransaction {
        pid: row.number("pid")?,
        user: text("user"),
        application: text("application"),
        database: text("database"),
        seconds: row.number("seconds")?,
    })
}

fn prepared_transaction(row: &Row) -> Option<PreparedTransaction> {
    let text = |column: &str| row.get(column).unwrap_or_default().to_owned();
    Some(PreparedTransaction { identifier: text("identifier"), owner: text("owner"), seconds: row.number("seconds")? })
}

fn follower(row: &Row) -> Follower {
    let text = |column: &str| row.get(column).unwrap_or_default().to_owned();
    let state = text("state");
    let kind = match state.as_str() {
        "backup" => FollowerKind::Backup,
        _ if row.is_true("logical") => FollowerKind::Logical,
        _ => FollowerKind::Physical,
    };
    Follower { name: text("name"), kind, state, behind: row.number("behind"), synchronous: row.is_true("synchronous") }
}
