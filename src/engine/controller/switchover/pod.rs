//! One pod in a step: its server, and the pooler beside it.

use super::super::reach::Reach;
use super::super::secrets::{console, patroni_clients};
use crate::instance::{Console, Endpoint, InstanceError, Limits, PATRONI_PORT, Patroni, Purpose, Session};
use crate::model::InstanceReport;
use crate::render::{FORWARD, OWN, forwarding};
use crate::resolve::PoolingSettings;
use std::net::IpAddr;
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// Longest time of a call to Patroni that acts, its own waits included: it waits for another leader, or for the server.
const ACTION: Duration = Duration::from_mins(1);
/// Time for the checkpoint before a stop.
const CHECKPOINT: &str = "5min";
/// Pause between two looks at whether the pooler has read its file.
const LOOK: Duration = Duration::from_millis(5);
/// Time for the pooler to read its file.
const READ: Duration = Duration::from_secs(2);
/// What the file says before anybody is led anywhere: a comment.
const MARK: &str = "; a step is under way";

/// A pod and how it is reached.
pub(super) struct Pod<'a> {
    pub(super) name: &'a str,
    pub(super) endpoint: Endpoint,
    limits: &'a Limits,
    reach: &'a Reach,
}

impl<'a> Pod<'a> {
    pub(super) fn of(limits: &'a Limits, reach: &'a Reach, name: &'a str) -> Result<Self, String> {
        let endpoint = reach.endpoint(name).ok_or_else(|| format!("{name} has no address"))?;
        Ok(Self { name, endpoint, limits, reach })
    }

    /// Its address.
    pub(super) fn address(&self) -> IpAddr {
        self.endpoint.address
    }

    /// A session of the superuser.
    pub(super) async fn session(&self) -> Result<Session, String> {
        let login = self.reach.superuser("postgres")?;
        Box::pin(Session::connect(self.limits, &self.endpoint, &login, Purpose::Facts)).await.map_err(|error| self.says(&error))
    }

    /// The console of its pooler; each call on it ends within the deadline.
    pub(super) async fn console(&self, deadline: Duration) -> Result<Console, String> {
        let limits = self.limits.with_deadline(deadline);
        Box::pin(console(&limits, self.reach, &self.endpoint)).await.map_err(|error| self.says(&error))
    }

    /// Has its Patroni hand over to the candidate; answered when it is done, or refused.
    pub(super) async fn hand_over(&self, candidate: &str) -> Result<(), InstanceError> {
        let mut last = None;
        for patroni in patroni_clients(&self.patient(), self.reach) {
            match Box::pin(patroni.switch_over(&self.endpoint.at(PATRONI_PORT), self.name, candidate)).await {
                Err(error @ InstanceError::Refused { .. }) => last = Some(error),
                other => return other,
            }
        }
        Err(last.unwrap_or_else(|| self.no_password()))
    }

    /// Has its Patroni restart the server; answered when it is up again, or refused.
    pub(super) async fn restart(&self, pending: bool) -> Result<(), InstanceError> {
        let mut last = None;
        for patroni in patroni_clients(&self.patient(), self.reach) {
            match Box::pin(patroni.restart(&self.endpoint.at(PATRONI_PORT), pending)).await {
                Err(error @ InstanceError::Refused { .. }) => last = Some(error),
                other => return other,
            }
        }
        Err(last.unwrap_or_else(|| self.no_password()))
    }

    /// What Patroni says of it.
    pub(super) async fn report(&self) -> Result<InstanceReport, String> {
        Box::pin(Patroni::new(self.limits.clone()).report(&self.endpoint.at(PATRONI_PORT))).await.map_err(|error| self.says(&error))
    }

    fn patient(&self) -> Limits {
        self.limits.with_deadline(ACTION)
    }

    fn no_password(&self) -> InstanceError {
        InstanceError::Refused { address: self.endpoint.to_string(), reason: "no password of Patroni's interface is known".to_owned() }
    }

    pub(super) fn says(&self, error: &InstanceError) -> String {
        format!("{}: {error}", self.name)
    }
}

/// Has the server write its checkpoint now, so that the one of its stop is short.
pub(super) async fn checkpoint(session: &Session) -> Result<(), InstanceError> {
    session.run(&format!("SET statement_timeout = '{CHECKPOINT}'")).await?;
    session.run("CHECKPOINT").await?;
    session.run("SET statement_timeout = '5s'").await
}

/// Whether a server takes writes.
pub(super) async fn takes_writes(session: &Session) -> Result<bool, InstanceError> {
    let rows = session.rows("SELECT pg_is_in_recovery()::text AS recovery", &[]).await?;
    Ok(rows.first().is_some_and(|row| row.get("recovery") == Some("false")))
}

/// Writes the file that the pooler reads; it is read at its next reload. The server writes it, for the pooler's container has no shell.
async fn write(session: &Session, lines: &[String]) -> Result<(), InstanceError> {
    let literals: Vec<String> = lines.iter().map(|line| format!("E'{}'", line.replace('\\', "\\\\").replace('\'', "''"))).collect();
    let rows = format!("SELECT line FROM unnest(ARRAY[{}]::text[]) AS line", literals.join(", "));
    // Lines as they are: no line holds these two characters.
    session.run(&format!("COPY ({rows}) TO '{FORWARD}' WITH (FORMAT csv, QUOTE E'\\x01', DELIMITER E'\\x02')")).await
}

/// Marks a step.
pub(super) async fn mark(session: &Session) -> Result<(), InstanceError> {
    write(session, &[MARK.to_owned()]).await
}

/// Since when the mark stands, as the pooler writes times, a few seconds later: clients that connected after it came for what the
/// instance is now. `None`: no step is under way.
pub(in crate::engine::controller) async fn marked(session: &Session) -> Result<Option<String>, InstanceError> {
    // The Services need a moment to lead elsewhere.
    let asked = format!(
        "SELECT size::text AS size, to_char(modification AT TIME ZONE 'UTC' + interval '5 s', 'YYYY-MM-DD HH24:MI:SS') || ' UTC' AS moment FROM pg_stat_file('{FORWARD}', true)"
    );
    let rows = session.rows(&asked, &[]).await?;
    Ok(rows.first().filter(|row| row.number("size") > Some(0)).and_then(|row| row.get("moment").map(str::to_owned)))
}

/// Where the databases of a pooler lead: to itself, or to another pod.
pub(super) async fn leads_to(console: &Console) -> Result<Vec<String>, InstanceError> {
    let databases = console.databases().await?;
    let led = databases.into_iter().filter(|database| database.name != "pgbouncer" && database.name != OWN);
    Ok(led.filter_map(|database| database.host).collect())
}

/// Leads the pooler to another pod and proves it. To be called while it is paused.
pub(super) async fn lead_to(session: &Session, console: &Console, pooling: &PoolingSettings, address: IpAddr) -> Result<(), String> {
    let text = |error: InstanceError| error.to_string();
    write(session, &forwarding(pooling, &address.to_string())).await.map_err(text)?;
    console.reload().await.map_err(text)?;
    let there = address.to_string();
    proved(console, |host| host == there).await
}

/// Leads the pooler to its own instance and proves it.
pub(super) async fn lead_home(session: &Session, console: &Console) -> Result<(), String> {
    let text = |error: InstanceError| error.to_string();
    write(session, &[]).await.map_err(text)?;
    console.reload().await.map_err(text)?;
    proved(console, |host| host.starts_with('/')).await
}

/// A reload is answered also where it failed, so what the pooler has is looked at.
async fn proved(console: &Console, right: impl Fn(&str) -> bool) -> Result<(), String> {
    let end = Instant::now() + READ;
    loop {
        let hosts = leads_to(console).await.map_err(|error| error.to_string())?;
        match hosts.iter().find(|host| !right(host)) {
            None => return Ok(()),
            Some(wrong) if Instant::now() > end => return Err(format!("the pooler still leads to {wrong}: see its log")),
            Some(_) => sleep(LOOK).await,
        }
    }
}
