//! Asks every instance of a cluster what it runs, all at once; only while a change is under way.

use super::super::reach::Reach;
use super::super::switchover::marked;
use crate::instance::{Endpoint, InstanceError, Limits, PATRONI_PORT, Patroni, Purpose, Row, Session};
use crate::model::{HOT_STANDBY, InstanceReport, InstanceRole, Object, ObjectKey};
use crate::rollout::Probe;
use jiff::SignedDuration;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// The values of parameters, in the words of a configuration file. A name that the server does not know gives no row.
const SETTINGS: &str = "SELECT name::text, pg_catalog.current_setting(name) AS value FROM pg_catalog.pg_settings WHERE name = ANY (pg_catalog.string_to_array($1, ','))";

/// What `ALTER SYSTEM` set, but for what Patroni passes on the command line, where it has no effect (`postgres-facts` on `source`).
const OVERRIDDEN: &str = "SELECT DISTINCT s.name::text AS name FROM pg_catalog.pg_file_settings f JOIN pg_catalog.pg_settings s \
    ON pg_catalog.lower(s.name) = pg_catalog.lower(f.name) \
    WHERE f.sourcefile LIKE '%/postgresql.auto.conf' AND s.source <> 'command line'";

/// Replication slots. Source: PostgreSQL documentation, "pg_replication_slots": `lost` means that WAL which it needs is gone.
const SLOTS: &str = "SELECT slot_name::text AS name, (slot_type = 'logical')::text AS logical, (wal_status = 'lost')::text AS lost \
    FROM pg_catalog.pg_replication_slots WHERE NOT temporary";

/// When the server started, in microseconds since 1970: the name of that start.
pub(super) const STARTED: &str = "(EXTRACT(EPOCH FROM pg_catalog.pg_postmaster_start_time()) * 1000000)::bigint::text";

/// For how many seconds the server has run, by its own clock.
const AGE: &str = "EXTRACT(EPOCH FROM pg_catalog.clock_timestamp() - pg_catalog.pg_postmaster_start_time())::bigint::text";

/// Where recovery would begin. Source: PostgreSQL documentation, "Control Data Functions".
const REDO: &str = "(redo_lsn - '0/0'::pg_lsn)::bigint::text";

/// Asks. An instance that does not answer is not in the answer.
pub(super) async fn ask(limits: &Limits, reach: &Reach, names: &BTreeSet<String>) -> BTreeMap<String, Probe> {
    let list: BTreeSet<&str> = names.iter().map(String::as_str).chain(HOT_STANDBY.iter().copied()).collect();
    let list = list.into_iter().collect::<Vec<_>>().join(",");
    let pods = reach.pods.iter().filter_map(|pod| Some((pod.name().to_owned(), reach.endpoint(pod.name())?)));
    let asked = pods.map(|(pod, endpoint)| {
        let list = list.clone();
        async move { (pod, Box::pin(one(limits, reach, &endpoint, &list)).await) }
    });
    let answers = futures::future::join_all(asked).await;
    answers.into_iter().filter_map(|(pod, probe)| Some((pod, probe?))).collect()
}

async fn one(limits: &Limits, reach: &Reach, endpoint: &Endpoint, names: &str) -> Option<Probe> {
    let report = match Patroni::new(limits.clone()).report(&endpoint.at(PATRONI_PORT)).await {
        Ok(report) => report,
        Err(error) => {
            tracing::debug!(%error, "an instance was not asked");
            return None;
        }
    };
    let mut probe = Probe { report, ..Probe::default() };
    match sql(limits, reach, endpoint, names).await {
        Ok(said) => probe = Probe { report: probe.report, ..said },
        Err(error) => tracing::debug!(%error, "an instance did not say what it runs with"),
    }
    Some(probe)
}

async fn sql(limits: &Limits, reach: &Reach, endpoint: &Endpoint, names: &str) -> Result<Probe, InstanceError> {
    let refused = |reason: String| InstanceError::Refused { address: endpoint.to_string(), reason };
    let login = reach.superuser("postgres").map_err(refused)?;
    let session = Session::connect(limits, endpoint, &login, Purpose::Facts).await?;
    let read = async {
        let rows = session.rows(SETTINGS, &[names]).await?;
        let settings = rows.iter().filter_map(|row| Some((row.get("name")?.to_owned(), row.get("value")?.to_owned()))).collect();
        let started = format!("SELECT {REDO} AS redo, {STARTED} AS started, {AGE} AS age FROM pg_catalog.pg_control_checkpoint()");
        let rows = session.rows(&started, &[]).await?;
        let number = |name: &str| rows.first().and_then(|row| row.get(name)?.parse::<u64>().ok());
        let name = |row: &Row| row.get("name").map(str::to_owned);
        let overridden = session.rows(OVERRIDDEN, &[]).await?.iter().filter_map(name).collect();
        let found = session.rows(SLOTS, &[]).await?;
        let slots = |test: &dyn Fn(&Row) -> bool| found.iter().filter(|row| test(row)).filter_map(name).collect();
        let lost_slots = slots(&|row| row.is_true("lost"));
        let slots = slots(&|row| row.is_true("logical") && !row.is_true("lost"));
        let pooler_away = marked(&session).await?.is_some();
        Ok(Probe {
            settings,
            redo: number("redo"),
            started: number("started"),
            age: number("age").and_then(|seconds| i64::try_from(seconds).ok()).map(SignedDuration::from_secs),
            overridden,
            slots,
            lost_slots,
            pooler_away,
            ..Probe::default()
        })
    }
    .await;
    session.close().await;
    read
}

/// What simulated instances would say: their Patroni notes it at the pod.
pub(super) fn simulated(children: &BTreeMap<ObjectKey, Object>) -> BTreeMap<String, Probe> {
    let pods = children.values().filter(|object| object.kind() == "Pod");
    pods.filter_map(|pod| {
        let note: Value = serde_json::from_str(pod.annotation("status")?).ok()?;
        let text = |field: &str| note[field].as_str().map(str::to_owned);
        let parameters = note["simulated_parameters"].as_object()?;
        let position = note["xlog_location"].as_u64();
        let report = InstanceReport {
            role: text("role").map(|role| InstanceRole::read(&role)),
            state: text("state"),
            timeline: note["timeline"].as_u64(),
            written: position,
            replayed: position,
            replication_state: text("replication_state"),
            pending_restart: Some(note["pending_restart"] == true),
            tags: [("nosync".to_owned(), note.pointer("/tags/nosync").is_some_and(|tag| tag == true).to_string())].into(),
            ..InstanceReport::default()
        };
        let plain = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let settings = parameters.iter().map(|(name, value)| (name.clone(), plain(value))).collect();
        Some((pod.name().to_owned(), Probe { report, settings, redo: position, ..Probe::default() }))
    })
    .collect()
}
