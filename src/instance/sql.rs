//! SQL on one instance, directly and not through the pooler.

use super::endpoint::Endpoint;
use super::error::{InstanceError, causes, certificate_problem, chain};
use super::limits::Limits;
use super::tls::{MakeTls, configuration};
use crate::model::SecretText;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinHandle;
use tokio_postgres::config::SslMode;
use tokio_postgres::error::ErrorPosition;
use tokio_postgres::tls::MakeTlsConnect;
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Client, Config, NoTls, SimpleQueryMessage, SimpleQueryRow, Socket};

/// Whom to connect as, and where.
#[derive(Clone)]
pub struct Login {
    /// User.
    pub user: String,
    /// The user's password.
    pub password: SecretText,
    /// Database.
    pub database: String,
}

/// What a connection is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Short statements of our own: names are looked up in `pg_catalog` only, and nothing waits long.
    Facts,
    /// Scripts of users: their names are looked up as the database says; a lock is waited for ten seconds, so that a script queues
    /// nobody behind itself; a statement may take as long as it takes.
    Script,
    /// PgBouncer's console, which takes no parameters.
    Console,
}

impl Purpose {
    /// Parameters of the session, as `options` of the connection.
    ///
    /// The keepalives are the server's: a controller whose node died must not hold its locks for hours.
    fn options(self) -> Option<String> {
        let alive = "-c tcp_keepalives_idle=30 -c tcp_keepalives_interval=10 -c tcp_keepalives_count=3 -c client_min_messages=error";
        match self {
            Self::Facts => Some(format!("-c search_path=pg_catalog -c statement_timeout=5s -c lock_timeout=1s {alive}")),
            Self::Script => Some(format!("-c statement_timeout=0 -c lock_timeout=10s -c idle_in_transaction_session_timeout=0 {alive}")),
            Self::Console => None,
        }
    }
}

/// A connection. It ends with [`Session::close`], or at once when this is dropped.
pub struct Session {
    client: Option<Client>,
    driver: JoinHandle<()>,
    endpoint: Endpoint,
    deadline: Duration,
}

impl Drop for Session {
    fn drop(&mut self) {
        self.driver.abort();
    }
}

/// One row: column name → value as text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Row(BTreeMap<String, Option<String>>);

impl Row {
    /// A value; `None` for null and for a column that is not there.
    pub fn get(&self, column: &str) -> Option<&str> {
        self.0.get(column)?.as_deref()
    }

    /// A whole number.
    pub fn number(&self, column: &str) -> Option<i64> {
        self.get(column)?.parse().ok()
    }

    /// A truth value, as PostgreSQL (`t`) or PgBouncer (`yes`, `1`) writes it.
    pub fn is_true(&self, column: &str) -> bool {
        matches!(self.get(column), Some("t" | "true" | "yes" | "1"))
    }
}

/// Time for the handshake to begin; the whole call has the deadline of its limits.
const CONNECT: Duration = Duration::from_secs(3);

impl Session {
    /// Connects within the deadline.
    pub async fn connect(limits: &Limits, endpoint: &Endpoint, login: &Login, purpose: Purpose) -> Result<Self, InstanceError> {
        limits.call(endpoint, Self::open(endpoint, login, purpose, limits.deadline)).await
    }

    async fn open(endpoint: &Endpoint, login: &Login, purpose: Purpose, deadline: Duration) -> Result<Self, InstanceError> {
        let mut config = Config::new();
        config
            .host(&endpoint.server_name)
            .hostaddr(endpoint.address)
            .port(endpoint.port)
            .user(&login.user)
            .password(login.password.expose())
            .dbname(&login.database)
            .connect_timeout(CONNECT)
            // A server that is gone is noticed within a minute, however long a statement takes.
            .keepalives_idle(Duration::from_secs(30))
            .keepalives_interval(Duration::from_secs(10))
            .keepalives_retries(3);
        if let Some(options) = purpose.options() {
            config.application_name("stackgres").options(options);
        }
        let (client, driver) = if let Some(authority) = &endpoint.authority {
            config.ssl_mode(SslMode::Require);
            drive(endpoint, &config, MakeTls(Arc::new(configuration(endpoint, authority)?))).await?
        } else {
            config.ssl_mode(SslMode::Disable);
            drive(endpoint, &config, NoTls).await?
        };
        Ok(Self { client: Some(client), driver, endpoint: endpoint.clone(), deadline })
    }

    /// Says good-bye, so that the server logs nothing of a broken connection.
    pub async fn close(mut self) {
        drop(self.client.take());
        drop(tokio::time::timeout(Duration::from_secs(1), &mut self.driver).await);
    }

    /// Runs a text as one message, for as long as it takes. Several statements form one transaction, unless the text ends it
    /// itself. Results are dropped.
    pub async fn run(&self, sql: &str) -> Result<(), InstanceError> {
        let client = self.client()?;
        client.batch_execute(sql).await.map_err(|error| failure(&self.endpoint, &error, "PostgreSQL"))
    }

    /// Asks one question within the deadline. Every parameter is a text; columns are to be cast to text.
    pub async fn rows(&self, sql: &str, parameters: &[&str]) -> Result<Vec<Row>, InstanceError> {
        let typed: Vec<(&(dyn ToSql + Sync), Type)> =
            parameters.iter().map(|parameter| (parameter as &(dyn ToSql + Sync), Type::TEXT)).collect();
        let rows = self.within(self.client()?.query_typed(sql, &typed), "PostgreSQL").await?;
        rows.iter().map(|row| self.row(row)).collect()
    }

    fn row(&self, row: &tokio_postgres::Row) -> Result<Row, InstanceError> {
        let mut values = BTreeMap::new();
        for (index, column) in row.columns().iter().enumerate() {
            let value: Option<String> = row.try_get(index).map_err(|error| failure(&self.endpoint, &error, "PostgreSQL"))?;
            values.insert(column.name().to_owned(), value);
        }
        Ok(Row(values))
    }

    /// Runs a text in the simple protocol within the deadline.
    pub(super) async fn simple(&self, sql: &str, what: &'static str) -> Result<Vec<Row>, InstanceError> {
        let messages = self.within(self.client()?.simple_query(sql), what).await?;
        let rows = messages.into_iter().filter_map(|message| match message {
            SimpleQueryMessage::Row(row) => Some(row),
            _ => None,
        });
        let read = |row: SimpleQueryRow| {
            let columns = row.columns().iter().enumerate();
            Row(columns.map(|(index, column)| (column.name().to_owned(), row.get(index).map(str::to_owned))).collect())
        };
        Ok(rows.map(read).collect())
    }

    fn client(&self) -> Result<&Client, InstanceError> {
        let gone = || InstanceError::Unreachable { address: self.endpoint.to_string(), reason: "the connection is closed".to_owned() };
        self.client.as_ref().ok_or_else(gone)
    }

    async fn within<T>(
        &self,
        work: impl Future<Output = Result<T, tokio_postgres::Error>>,
        what: &'static str,
    ) -> Result<T, InstanceError> {
        match tokio::time::timeout(self.deadline, work).await {
            Ok(result) => result.map_err(|error| failure(&self.endpoint, &error, what)),
            Err(_) => Err(InstanceError::TimedOut { address: self.endpoint.to_string(), deadline: self.deadline }),
        }
    }
}

async fn drive<T>(endpoint: &Endpoint, config: &Config, tls: T) -> Result<(Client, JoinHandle<()>), InstanceError>
where
    T: MakeTlsConnect<Socket>,
    T::Stream: Send + 'static,
{
    let (client, mut connection) = config.connect(tls).await.map_err(|error| failure(endpoint, &error, "PostgreSQL"))?;
    let driver = tokio::spawn(async move {
        // Notices may quote a script: they are read and dropped.
        while let Some(Ok(_)) = std::future::poll_fn(|context| connection.poll_message(context)).await {}
    });
    Ok((client, driver))
}

/// An identifier for SQL, in quotes.
pub fn quoted(identifier: &str) -> String {
    format!("\"{}\"", identifier.replace('"', "\"\""))
}

fn failure(endpoint: &Endpoint, error: &tokio_postgres::Error, what: &'static str) -> InstanceError {
    let address = endpoint.to_string();
    if let Some(answer) = error.as_db_error() {
        let code = answer.code().code().to_owned();
        // Class 28 is about who connects. Its messages name the user and the database, never the password.
        return if code.starts_with("28") {
            InstanceError::Refused { address, reason: format!("{code} {}", answer.message()) }
        } else {
            let position = match answer.position() {
                Some(ErrorPosition::Original(position)) => usize::try_from(*position).ok(),
                _ => None,
            };
            InstanceError::Failed { address, code, message: answer.message().to_owned(), position }
        };
    }
    if let Some(reason) = certificate_problem(error) {
        return InstanceError::NotTrusted { address, reason };
    }
    let broken = causes(error).any(<dyn std::error::Error>::is::<std::io::Error>) || error.is_closed();
    let reason = chain(error);
    if broken { InstanceError::Unreachable { address, reason } } else { InstanceError::NotUnderstood { address, what, reason } }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a person named badly must not become part of a statement.
    #[test]
    fn identifiers_stay_identifiers() {
        assert_eq!(quoted("a\"; DROP TABLE b; --"), "\"a\"\"; DROP TABLE b; --\"");
    }

    /// A script that waits for a lock for ever queues everybody behind it; one that is stopped for being slow is half done.
    #[test]
    fn sessions_for_scripts_wait_for_locks_only_so_long() {
        let options = Purpose::Script.options().unwrap();
        assert!(options.contains("statement_timeout=0 ") && options.contains("lock_timeout=10s") && !options.contains("search_path"));
        assert!(Purpose::Facts.options().unwrap().contains("search_path=pg_catalog"));
        assert_eq!(Purpose::Console.options(), None);
    }
}
