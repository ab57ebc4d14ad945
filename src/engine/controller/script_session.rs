//! The session of one entry of managed SQL.
//!
//! It is the superuser's, with `SET SESSION AUTHORIZATION` for an entry with a user of its own: no password of that user is
//! needed, nor the right to log in, and what the entry makes belongs to that user. `SET ROLE` would leave `session_user` the
//! superuser, which `RESET ROLE` inside of a script goes back to. It is no wall: who may write an SGScript may name any user.
//!
//! Until the entry's own text the names of this session are looked up in `pg_catalog` alone, and again after it: the owner of a
//! database must not lend us operators.

use crate::instance::{self, Endpoint, InstanceError, Limits, Login, Purpose, quoted};
use crate::model::Digest;
use crate::rollout::{Entry, Outcome, Record, Script};

/// Key of the lock that a session holds while it runs an entry; locks are per database. "sgscript" in ASCII.
const LOCK: i64 = 0x7367_7363_7269_7074;

/// Makes the table of markers. Its owner is the superuser, and nobody else has rights on it.
const MARKERS: &str = "CREATE SCHEMA IF NOT EXISTS stackgres;
CREATE TABLE IF NOT EXISTS stackgres.script_runs (
  script text NOT NULL, id bigint NOT NULL, version bigint NOT NULL, digest text NOT NULL, run text NOT NULL,
  finished_at timestamptz NOT NULL DEFAULT pg_catalog.now(), PRIMARY KEY (script, id));
COMMENT ON TABLE stackgres.script_runs IS 'Entries of SGScripts that ran inside of a transaction: one row each, written by that transaction'";

/// A session of the superuser.
pub(super) struct Session {
    session: instance::Session,
    user: String,
}

/// How the run of an entry ended.
pub(super) enum Ran {
    /// It did its work.
    Done,
    /// The server says that it failed; nothing is left of a wrapped one.
    Failed {
        /// SQLSTATE.
        code: String,
        /// The server's words.
        message: String,
        /// Where in the text.
        position: Option<usize>,
    },
    /// Nobody answered any more.
    Lost(InstanceError),
}

impl From<InstanceError> for Ran {
    fn from(error: InstanceError) -> Self {
        match error {
            error if error.is_passing() => Self::Lost(error),
            InstanceError::Failed { code, message, position, .. } => Self::Failed { code, message, position },
            other => Self::Lost(other),
        }
    }
}

impl Session {
    /// Connects.
    pub(super) async fn open(limits: &Limits, endpoint: &Endpoint, login: &Login) -> Result<Self, InstanceError> {
        let session = instance::Session::connect(limits, endpoint, login, Purpose::Script).await?;
        session.run("SET search_path = pg_catalog").await?;
        Ok(Self { session, user: login.user.clone() })
    }

    /// Ends it in good order.
    pub(super) async fn close(self) {
        self.session.close().await;
    }

    /// Takes the lock of this database; a reason says why scripts have to wait.
    pub(super) async fn take_lock(&self) -> Result<Option<String>, InstanceError> {
        let asked = "SELECT pg_is_in_recovery()::text AS recovery, CASE WHEN pg_is_in_recovery() THEN 'false' ELSE pg_try_advisory_lock($1::bigint)::text END AS locked";
        let rows = self.session.rows(asked, &[&LOCK.to_string()]).await?;
        let is = |column: &str| rows.first().is_some_and(|row| row.is_true(column));
        if is("recovery") {
            return Ok(Some("the instance is in recovery, and a standby takes no scripts".to_owned()));
        }
        Ok((!is("locked")).then(|| "a session of before still runs a script in this database".to_owned()))
    }

    /// Makes sure that the table of markers is there and is ours: rows in a table of somebody else's could run somebody else's
    /// triggers as superuser.
    pub(super) async fn markers(&self) -> Result<(), InstanceError> {
        let asked = "SELECT pg_get_userbyid(n.nspowner)::text AS schema_owner, pg_get_userbyid(c.relowner)::text AS table_owner FROM pg_namespace n LEFT JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = 'script_runs' WHERE n.nspname = 'stackgres'";
        let rows = self.session.rows(asked, &[]).await?;
        let owners = rows.first().map(|row| (row.get("schema_owner"), row.get("table_owner")));
        let foreign = |owner: Option<&str>| owner.is_some_and(|owner| owner != self.user);
        match owners {
            Some((schema, table)) if foreign(schema) || foreign(table) => Err(InstanceError::Failed {
                address: String::new(),
                code: "42501".to_owned(),
                message: "the schema stackgres or its table script_runs does not belong to the superuser".to_owned(),
                position: None,
            }),
            Some((_, Some(_))) => Ok(()),
            _ => self.session.run(MARKERS).await,
        }
    }

    /// Whether the database says that this very content ran.
    pub(super) async fn ran_before(&self, script: &Script, entry: &Entry) -> Result<bool, InstanceError> {
        let asked = "SELECT digest FROM stackgres.script_runs WHERE script = $1 AND id = $2::bigint";
        let rows = self.session.rows(asked, &[&script.name, &entry.id.to_string()]).await?;
        Ok(rows.first().is_some_and(|row| row.get("digest") == entry.digest.as_ref().map(Digest::as_str)))
    }

    async fn transaction(&self, of: &str) -> Result<Option<String>, InstanceError> {
        let rows = self.session.rows(&format!("SELECT pg_catalog.{of}()::pg_catalog.text AS id"), &[]).await?;
        Ok(rows.first().and_then(|row| row.get("id")).map(str::to_owned))
    }
}

/// What became of a run whose end was not recorded; its session is gone.
pub(super) async fn what_became(session: &Session, script: &Script, record: &Record) -> Result<Outcome, InstanceError> {
    if !record.wrapped {
        return Ok(Outcome::Unknown);
    }
    let there = session.session.rows("SELECT to_regclass('stackgres.script_runs')::text AS name", &[]).await?;
    if there.first().is_none_or(|row| row.get("name").is_none()) {
        return Ok(Outcome::NotRun);
    }
    let asked = "SELECT run FROM stackgres.script_runs WHERE script = $1 AND id = $2::bigint";
    let rows = session.session.rows(asked, &[&script.name, &record.id.to_string()]).await?;
    let ran = rows.first().is_some_and(|row| row.get("run") == Some(&record.run()));
    Ok(if ran { Outcome::Done } else { Outcome::NotRun })
}

/// Runs an entry whose start is recorded.
pub(super) async fn run_entry(session: &Session, script: &Script, entry: &Entry, record: &Record, text: &str) -> Ran {
    let result = match entry.isolation {
        Some(isolation) => wrapped(session, script, entry, record, text, isolation.sql()).await,
        None => plain(session, entry, text).await,
    };
    result.unwrap_or_else(Ran::from)
}

async fn become_user(session: &Session, entry: &Entry) -> Result<(), InstanceError> {
    match entry.user.as_ref().filter(|user| **user != session.user) {
        Some(user) => session.session.run(&format!("SET SESSION AUTHORIZATION {}", quoted(user))).await,
        None => Ok(()),
    }
}

fn left_open(message: &str) -> Ran {
    Ran::Failed { code: "2D000".to_owned(), message: message.to_owned(), position: None }
}

async fn plain(session: &Session, entry: &Entry, text: &str) -> Result<Ran, InstanceError> {
    become_user(session, entry).await?;
    session.session.run("RESET search_path").await?;
    session.session.run(text).await?;
    // Outside of a transaction this question has none of its own.
    if session.transaction("pg_current_xact_id_if_assigned").await?.is_some() {
        return Ok(left_open("the script left a transaction open, which was rolled back"));
    }
    Ok(Ran::Done)
}

async fn wrapped(
    session: &Session,
    script: &Script,
    entry: &Entry,
    record: &Record,
    text: &str,
    isolation: &str,
) -> Result<Ran, InstanceError> {
    become_user(session, entry).await?;
    session.session.run(&format!("BEGIN ISOLATION LEVEL {isolation}")).await?;
    let before = session.transaction("pg_current_xact_id").await?;
    session.session.run("RESET search_path").await?;
    session.session.run(text).await?;
    if session.transaction("pg_current_xact_id_if_assigned").await? != before {
        return Ok(left_open("the script ended the transaction around it; what it did before that is kept or lost as it says"));
    }
    session.session.run("SET SESSION AUTHORIZATION DEFAULT; SET search_path = pg_catalog").await?;
    let digest = record.digest.as_ref().map(Digest::as_str).unwrap_or_default();
    let written = "INSERT INTO stackgres.script_runs (script, id, version, digest, run) VALUES ($1, $2::bigint, $3::bigint, $4, $5) ON CONFLICT (script, id) DO UPDATE SET version = excluded.version, digest = excluded.digest, run = excluded.run, finished_at = now()";
    let (id, version, run) = (entry.id.to_string(), record.version.to_string(), record.run());
    session.session.rows(written, &[&script.name, &id, &version, digest, &run]).await?;
    session.session.run("COMMIT").await?;
    Ok(Ran::Done)
}
