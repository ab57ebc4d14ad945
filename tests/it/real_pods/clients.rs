//! Clients as applications are: they keep their connection, work in transactions of several statements, and look whether a connection
//! was closed before they use it again. What each of them sees is written down.

use super::Database;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tokio_postgres::{Client, Config, NoTls};

/// Milliseconds between two transactions of each client, at least and at most: busy ones, ones that rest, one that hardly ever works.
const RESTS: [(u64, u64); 7] = [(150, 400), (150, 400), (300, 900), (300, 900), (600, 2_500), (600, 2_500), (3_000, 6_000)];

/// What one client saw.
#[derive(Debug, Default)]
struct Seen {
    /// Numbers of the rows whose commit was acknowledged.
    commits: Vec<u64>,
    /// Transactions that failed: an error after something was sent. When, and why.
    failed: Vec<(Instant, String)>,
    /// Connections that were found closed before anything was sent.
    closed_idle: u64,
    /// Connections that could not be made.
    not_connected: u64,
    /// Longest time of a transaction that succeeded.
    longest: Duration,
}

/// Clients at work.
pub(crate) struct Clients {
    stop: Arc<AtomicBool>,
    thread: std::thread::JoinHandle<Vec<Seen>>,
}

/// What came of it.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) transactions: usize,
    /// Transactions that failed, and why.
    pub(crate) failed: Vec<String>,
    pub(crate) closed_idle: u64,
    pub(crate) not_connected: u64,
    /// Acknowledged commits that are not there.
    pub(crate) lost: usize,
    /// Longest transaction, in seconds; its own work takes a third of a second at most.
    pub(crate) longest: f64,
}

/// A number below a bound; good enough to spread what clients do.
fn drawn(state: &mut u64, bound: u64) -> u64 {
    *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    (*state >> 33) % bound
}

async fn connected(config: &Config) -> Option<Client> {
    let (client, connection) = tokio::time::timeout(Duration::from_secs(10), config.connect(NoTls)).await.ok()?.ok()?;
    tokio::spawn(connection);
    Some(client)
}

/// Four statements and up to 0.3 s.
async fn transaction(client: &Client, number: u64, work: u64) -> Result<(), tokio_postgres::Error> {
    client.batch_execute("BEGIN").await?;
    client.batch_execute(&format!("INSERT INTO worked VALUES ({number})")).await?;
    client.batch_execute(&format!("SELECT pg_sleep({})", f64::from(u32::try_from(work).unwrap()) / 1_000.0)).await?;
    client.batch_execute(&format!("UPDATE worked SET again = true WHERE number = {number}")).await?;
    client.batch_execute("COMMIT").await
}

async fn work(config: Config, rest: (u64, u64), numbers: Arc<AtomicU64>, stop: Arc<AtomicBool>, mut state: u64) -> Seen {
    let mut seen = Seen::default();
    let mut client: Option<Client> = None;
    while !stop.load(Ordering::Relaxed) {
        if client.as_ref().is_some_and(Client::is_closed) {
            seen.closed_idle += 1;
            client = None;
        }
        let open = match client.take() {
            Some(open) => open,
            None => match connected(&config).await {
                Some(open) => open,
                None => {
                    seen.not_connected += 1;
                    tokio::time::sleep(Duration::from_millis(100)).await;
                    continue;
                }
            },
        };
        let number = numbers.fetch_add(1, Ordering::Relaxed);
        let began = Instant::now();
        match transaction(&open, number, drawn(&mut state, 300)).await {
            Ok(()) => {
                seen.commits.push(number);
                seen.longest = seen.longest.max(began.elapsed());
                client = Some(open);
            }
            Err(error) => {
                let why = error.as_db_error().map_or_else(|| error.to_string(), |error| error.message().to_owned());
                seen.failed.push((Instant::now(), why));
            }
        }
        // The connection is watched meanwhile, as a pool of connections does.
        tokio::time::sleep(Duration::from_millis(rest.0 + drawn(&mut state, rest.1 - rest.0))).await;
    }
    seen
}

impl Clients {
    /// Begins to work through the primary's Service.
    pub(crate) fn begin(database: &Database<'_>, seed: u64) -> Self {
        database.sql("CREATE TABLE IF NOT EXISTS worked (number bigint PRIMARY KEY, again boolean)");
        let mut config = Config::new();
        let address = database.kubectl(&["get", "service", super::NAME, "-o", "jsonpath={.spec.clusterIP}"]);
        config.host(address).port(5432).user("postgres").password(database.password("superuser-password")).dbname("postgres");
        let stop = Arc::new(AtomicBool::new(false));
        let flag = stop.clone();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
            let numbers = Arc::new(AtomicU64::new(1));
            let one = |(index, rest)| {
                let state = seed.wrapping_add(u64::try_from(index).unwrap()).wrapping_mul(0x9e37_79b9_7f4a_7c15);
                runtime.spawn(work(config.clone(), rest, numbers.clone(), flag.clone(), state))
            };
            let clients: Vec<_> = RESTS.into_iter().enumerate().map(one).collect();
            runtime.block_on(async { futures::future::join_all(clients).await.into_iter().map(Result::unwrap).collect() })
        });
        Self { stop, thread }
    }

    /// Ends them; what came of it.
    pub(crate) fn end(self, database: &Database<'_>) -> Outcome {
        self.stop.store(true, Ordering::Relaxed);
        let seen = self.thread.join().unwrap();
        let found: std::collections::BTreeSet<u64> =
            database.sql("SELECT number FROM worked WHERE again").lines().filter_map(|line| line.parse().ok()).collect();
        let commits: Vec<u64> = seen.iter().flat_map(|seen| seen.commits.iter().copied()).collect();
        Outcome {
            transactions: commits.len(),
            failed: seen.iter().flat_map(|seen| seen.failed.iter().map(|(_, why)| why.clone())).collect(),
            closed_idle: seen.iter().map(|seen| seen.closed_idle).sum(),
            not_connected: seen.iter().map(|seen| seen.not_connected).sum(),
            lost: commits.iter().filter(|number| !found.contains(number)).count(),
            longest: seen.iter().map(|seen| seen.longest.as_secs_f64()).fold(0.0, f64::max),
        }
    }
}
