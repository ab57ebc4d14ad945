//! PgBouncer's console. Source: PgBouncer documentation, "Admin console". It speaks the simple protocol only.

use super::endpoint::Endpoint;
use super::error::InstanceError;
use super::limits::Limits;
use super::sql::{Login, Purpose, Row, Session};
use crate::model::SecretText;

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

const WHAT: &str = "PgBouncer";

impl Console {
    /// Connects as an administrator or as a reader of statistics.
    pub async fn connect(limits: &Limits, endpoint: &Endpoint, user: &str, password: SecretText) -> Result<Self, InstanceError> {
        let login = Login { user: user.to_owned(), password, database: "pgbouncer".to_owned() };
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
