//! PgBouncer's console. Source: PgBouncer documentation, "Admin console". It speaks the simple protocol only.

use super::endpoint::Endpoint;
use super::error::InstanceError;
use super::limits::Limits;
use super::sql::{Login, Purpose, Row, Session};
use crate::model::SecretText;
use std::time::Duration;

/// An open console.
pub struct Console(Session);

/// One line of `SHOW POOLS`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pool {
    /// Database.
    pub database: String,
    /// User.
    pub user: String,
    /// Clients that are served or idle.
    pub clients_active: Option<i64>,
    /// Clients that wait for a server connection.
    pub clients_waiting: Option<i64>,
    /// Server connections in use.
    pub servers_active: Option<i64>,
    /// Server connections that are free.
    pub servers_idle: Option<i64>,
    /// Seconds the first client in the queue has waited.
    pub longest_wait: Option<i64>,
    /// `session`, `transaction` or `statement`.
    pub mode: Option<String>,
}

/// One line of `SHOW DATABASES`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConsoleDatabase {
    /// Name that clients use.
    pub name: String,
    /// Where it leads.
    pub host: Option<String>,
    /// Port there.
    pub port: Option<i64>,
    /// Database there.
    pub database: Option<String>,
    /// Whether clients are held back.
    pub paused: bool,
    /// Whether new clients are refused.
    pub disabled: bool,
}

/// One line of `SHOW CONFIG`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConsoleSetting {
    /// Value in force.
    pub value: Option<String>,
    /// Default.
    pub default: Option<String>,
    /// Whether a reload changes it.
    pub changeable: bool,
}

/// One line of `SHOW CLIENTS`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConsoleClient {
    /// Number by which the console knows it.
    pub id: String,
    /// User.
    pub user: String,
    /// Database.
    pub database: String,
    /// Address it comes from.
    pub address: String,
    /// Name that it gave itself.
    pub application: String,
    /// When it connected, as the pooler writes it: `2026-01-31 23:59:59 UTC`.
    pub connected: String,
    /// Whether it holds a server connection: it is in a transaction, or in a session.
    pub linked: bool,
}

const WHAT: &str = "PgBouncer";

/// Name of the console among the databases.
const CONSOLE: &str = "pgbouncer";

impl Console {
    /// Connects as an administrator or as a reader of statistics.
    pub async fn connect(limits: &Limits, endpoint: &Endpoint, user: &str, password: SecretText) -> Result<Self, InstanceError> {
        let login = Login { user: user.to_owned(), password, database: CONSOLE.to_owned() };
        Session::connect(limits, endpoint, &login, Purpose::Console).await.map(Self)
    }

    /// Says good-bye.
    pub async fn close(self) {
        self.0.close().await;
    }

    /// `SHOW VERSION`: the number alone.
    pub async fn version(&self) -> Result<Option<String>, InstanceError> {
        let rows = self.0.simple("SHOW VERSION", WHAT).await?;
        let text = rows.first().and_then(|row| row.get("version"));
        Ok(text.map(|text| text.trim_start_matches("PgBouncer").trim().to_owned()))
    }

    /// `SHOW POOLS`.
    pub async fn pools(&self) -> Result<Vec<Pool>, InstanceError> {
        Ok(self.0.simple("SHOW POOLS", WHAT).await?.iter().map(pool).collect())
    }

    /// `SHOW DATABASES`.
    pub async fn databases(&self) -> Result<Vec<ConsoleDatabase>, InstanceError> {
        Ok(self.0.simple("SHOW DATABASES", WHAT).await?.iter().map(database).collect())
    }

    /// `SHOW CONFIG`, by name.
    pub async fn settings(&self) -> Result<std::collections::BTreeMap<String, ConsoleSetting>, InstanceError> {
        let rows = self.0.simple("SHOW CONFIG", WHAT).await?;
        let setting = |row: &Row| {
            let text = |column: &str| row.get(column).map(str::to_owned);
            Some((text("key")?, ConsoleSetting { value: text("value"), default: text("default"), changeable: row.is_true("changeable") }))
        };
        Ok(rows.iter().filter_map(setting).collect())
    }

    /// `SHOW CLIENTS`, without those of the console.
    pub async fn clients(&self) -> Result<Vec<ConsoleClient>, InstanceError> {
        let clients = self.0.simple("SHOW CLIENTS", WHAT).await?.iter().map(client).collect::<Vec<_>>();
        Ok(clients.into_iter().filter(|client| client.database != CONSOLE).collect())
    }

    /// Whether clients are held back.
    pub async fn is_paused(&self) -> Result<bool, InstanceError> {
        let rows = self.0.simple("SHOW STATE", WHAT).await?;
        Ok(rows.iter().any(|row| row.get("key") == Some("paused") && row.is_true("value")))
    }

    /// `PAUSE`: holds back what clients send, and is answered when no transaction is open any more. Where the answer does not come within
    /// the deadline of this console the pooler waits on, and clients with it, until [`Console::resume`] on another console.
    pub async fn pause(&self) -> Result<(), InstanceError> {
        self.0.simple("PAUSE", WHAT).await.map(drop)
    }

    /// `RESUME`; fine as well where nothing is paused.
    pub async fn resume(&self) -> Result<(), InstanceError> {
        match self.0.simple("RESUME", WHAT).await {
            Err(InstanceError::Failed { message, .. }) if message.contains("not paused") => Ok(()),
            other => other.map(drop),
        }
    }

    /// Closes the connection of one client; fine as well where it has gone.
    pub async fn close_client(&self, id: &str) -> Result<(), InstanceError> {
        match self.0.simple(&format!("KILL_CLIENT {id}"), WHAT).await {
            Err(InstanceError::Failed { message, .. }) if message.contains("not found") => Ok(()),
            other => other.map(drop),
        }
    }

    /// `SET client_idle_timeout`, until the next reload: the pooler closes connections that are in no transaction and have sent nothing
    /// for so long. It looks three times a second.
    pub async fn close_idle_after(&self, idle: Duration) -> Result<(), InstanceError> {
        self.0.simple(&format!("SET client_idle_timeout = '{}'", idle.as_secs_f64()), WHAT).await.map(drop)
    }

    /// `RELOAD`. It is answered before every setting is in force; whoever needs proof reads [`Console::settings`].
    pub async fn reload(&self) -> Result<(), InstanceError> {
        self.0.simple("RELOAD", WHAT).await.map(drop)
    }
}

fn pool(row: &Row) -> Pool {
    let text = |column: &str| row.get(column).map(str::to_owned);
    Pool {
        database: text("database").unwrap_or_default(),
        user: text("user").unwrap_or_default(),
        clients_active: row.number("cl_active"),
        clients_waiting: row.number("cl_waiting"),
        servers_active: row.number("sv_active"),
        servers_idle: row.number("sv_idle"),
        longest_wait: row.number("maxwait"),
        mode: text("pool_mode"),
    }
}

fn client(row: &Row) -> ConsoleClient {
    let text = |column: &str| row.get(column).unwrap_or_default().to_owned();
    ConsoleClient {
        id: text("id"),
        user: text("user"),
        database: text("database"),
        address: text("addr"),
        application: text("application_name"),
        connected: text("connect_time"),
        linked: row.get("link").is_some_and(|link| !link.is_empty()),
    }
}

fn database(row: &Row) -> ConsoleDatabase {
    let text = |column: &str| row.get(column).map(str::to_owned);
    ConsoleDatabase {
        name: text("name").unwrap_or_default(),
        host: text("host"),
        port: row.number("port"),
        database: text("database"),
        paused: row.is_true("paused"),
        disabled: row.is_true("disabled"),
    }
}
