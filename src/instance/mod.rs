//! One instance: Patroni, PostgreSQL and PgBouncer of one pod.
//!
//! In: an address, what to trust, credentials. Out: plain reports and rows, or an error with a class. Invariant: every call ends by
//! its deadline, the wait for a free place included; a connection ends with the work it was made for; no error holds a password
//! or a script. Why: a hundred clusters with dead pods must not stop a pass over the others.

mod activity;
mod endpoint;
mod error;
mod limits;
mod needs;
mod patroni;
mod pooler;
mod served;
mod sql;
mod tls;

pub use endpoint::{Endpoint, PATRONI_PORT, POOLER_PORT, POSTGRES_PORT};
pub use error::{Class, InstanceError};
pub use limits::Limits;
pub use needs::database_needs;
pub use patroni::{Patroni, parse_report};
pub use pooler::{Console, ConsoleClient, ConsoleDatabase, ConsoleSetting, Pool};
pub use served::{Greeting, served_certificate};
pub use sql::{Login, Purpose, Row, Session, quoted};
