//! Clients that remember what was acknowledged.
//!
//! They run in this process, not in a pod: a `kubectl exec` ends with the API server, and Services and pods answer this machine.

use super::{Database, NAME, Nodes, Processes, until};
use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use tokio_postgres::{Client, Config, NoTls, SimpleQueryMessage};

/// An attempt that takes longer is given up; its row may be there or not.
const PATIENCE: Duration = Duration::from_secs(3);

/// One acknowledged commit.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Commit {
    number: u64,
    at: Instant,
    timeline: u64,
}

/// What a client saw.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    pub(crate) commits: Vec<Commit>,
    /// Ends of a connection that had carried a commit, and the reason.
    broken: Vec<(Instant, String)>,
    ended: Option<Instant>,
}

/// A client that commits one row after the other.
pub(crate) struct Writer {
    thread: JoinHandle<Seen>,
    stop: Arc<AtomicBool>,
}

/// What became of the commits of a client.
#[derive(Debug)]
pub(crate) struct Outcome {
    /// Acknowledged and not there.
    pub(crate) lost: Vec<u64>,
    /// The longest time between two acknowledgements in seconds, or from the last one to the end.
    pub(crate) gap: f64,
    pub(crate) commits: usize,
    pub(crate) seen: Seen,
}

impl Outcome {
    /// When the first commit on a later timeline than the first one's was acknowledged.
    pub(crate) fn taken_over(&self) -> Option<Instant> {
        let first = self.seen.commits.first()?.timeline;
        self.seen.commits.iter().find(|commit| commit.timeline > first).map(|commit| commit.at)
    }

    /// How many commits were acknowledged after a moment on the timeline the client began with, and for how many seconds.
    pub(crate) fn after(&self, moment: Instant) -> (usize, f64) {
        let first = self.seen.commits.first().map(|commit| commit.timeline);
        let late = self.seen.commits.iter().filter(|commit| commit.at > moment && Some(commit.timeline) == first);
        let (count, last) = late.fold((0, moment), |(count, last), commit| (count + 1, last.max(commit.at)));
        (count, (last - moment).as_secs_f64())
    }

    /// When the last commit before a moment was acknowledged.
    pub(crate) fn last_before(&self, moment: Instant) -> Instant {
        self.seen.commits.iter().map(|commit| commit.at).filter(|at| *at < moment).max().unwrap()
    }

    /// When, in seconds after a moment, the connection first ended, and why.
    pub(crate) fn let_go(&self, moment: Instant) -> Option<(f64, &str)> {
        let (at, why) = self.seen.broken.iter().find(|(at, _)| *at >= moment)?;
        Some(((*at - moment).as_secs_f64(), why))
    }
}

/// The number of a row and the timeline it was written on, from one statement.
fn insert(number: u64) -> String {
    format!(
        "insert into written values ({number}) returning ('x' || substr(pg_walfile_name(pg_current_wal_insert_lsn()), 1, 8))::bit(32)::int"
    )
}

async fn connected(config: &Config) -> Result<Client, tokio_postgres::Error> {
    let (client, connection) = config.connect(NoTls).await?;
    tokio::spawn(connection);
    Ok(client)
}

async fn commit(client: &Client, number: u64) -> Result<Commit, tokio_postgres::Error> {
    let rows = client.simple_query(&insert(number)).await?;
    let timeline = rows.iter().find_map(|row| match row {
        SimpleQueryMessage::Row(row) => row.get(0)?.parse().ok(),
        _ => None,
    });
    Ok(Commit { number, at: Instant::now(), timeline: timeline.unwrap_or_default() })
}

fn why(error: &tokio_postgres::Error) -> String {
    error.as_db_error().map_or_else(|| error.to_string(), |error| error.message().to_owned())
}

/// With `held`, one connection as long as it lasts and with all patience, as an application's pool has it; otherwise one for each row.
async fn write(config: Config, first: u64, held: bool, stop: Arc<AtomicBool>, end: Instant) -> Seen {
    let mut seen = Seen::default();
    let mut client: Option<Client> = None;
    let mut number = first;
    while Instant::now() < end && !stop.load(Ordering::Relaxed) {
        number += 1;
        let was_held = client.is_some();
        let patience = if held && was_held { end.saturating_duration_since(Instant::now()) } else { PATIENCE };
        let attempt = tokio::time::timeout(patience, async {
            let open = match client.take() {
                Some(open) => open,
                None => connected(&config).await?,
            };
            commit(&open, number).await.map(|commit| (open, commit))
        });
        match attempt.await {
            Ok(Ok((open, commit))) => {
                seen.commits.push(commit);
                if held {
                    client = Some(open);
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            }
            failed => {
                if held && was_held {
                    let reason =
                        failed.map_or_else(|_| "no answer".to_owned(), |error| error.err().map_or_else(String::new, |error| why(&error)));
                    seen.broken.push((Instant::now(), reason));
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }
    seen.ended = Some(Instant::now());
    seen
}

impl Database<'_> {
    fn table_of_writers(&self) {
        self.sql("create table if not exists written (number bigint primary key)");
    }

    fn write_to(&self, address: &str, port: u16, first: u64, held: bool, seconds: u64) -> Writer {
        self.table_of_writers();
        let mut config = Config::new();
        config.host(address).port(port).user("postgres").password(self.password("superuser-password")).dbname("postgres");
        let stop = Arc::new(AtomicBool::new(false));
        let (flag, end) = (stop.clone(), Instant::now() + Duration::from_secs(seconds));
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(write(config, first, held, flag, end))
        });
        Writer { thread, stop }
    }

    /// Begins to commit rows through the primary's Service and the pooler, each over a connection of its own, for so many seconds.
    pub(crate) fn writer(&self, seconds: u64) -> Writer {
        let address = self.kubectl(&["get", "service", NAME, "-o", "jsonpath={.spec.clusterIP}"]);
        self.write_to(&address, 5432, 0, false, seconds)
    }

    /// Begins to commit rows over one connection to the pooler of a pod, whatever becomes of that pod.
    pub(crate) fn held_writer(&self, pod: &str, seconds: u64) -> Writer {
        self.write_to(&self.address(pod), 6432, 1_000_000, true, seconds)
    }

    /// Begins to commit rows inside a pod, straight into its server: a client that a cut-off node still carries.
    pub(crate) fn inner_writer(&self, pod: &str, seconds: u64) -> Writer {
        self.table_of_writers();
        let process = Processes::of_container(self, pod, "postgres-util").first();
        let insert = insert(2_000_000).replace("2000000", "$number");
        let script = format!(
            "number=2000000; while :; do number=$((number + 1)); timeline=$(timeout 3 psql -AtXqc \"{insert}\" 2>/dev/null) && echo $number $timeline; sleep .2; done"
        );
        let mut command = Command::new("nsenter");
        command.args([
            "--mount",
            "--net",
            "--target",
            &process.to_string(),
            "--",
            "env",
            "PATH=/usr/bin:/usr/lib/postgresql/17/bin",
            "PGHOST=127.0.0.1",
            "PGUSER=postgres",
        ]);
        command.arg(format!("PGPASSWORD={}", self.password("superuser-password"))).args(["PGCONNECT_TIMEOUT=2", "sh", "-c", &script]);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let stop = Arc::new(AtomicBool::new(false));
        let (flag, end) = (stop.clone(), Instant::now() + Duration::from_secs(seconds));
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let reader = std::thread::spawn(move || {
            let words = lines.map_while(Result::ok).map(|line| (line, Instant::now()));
            let read = words.filter_map(|(line, at)| {
                let (number, timeline) = line.split_once(' ')?;
                Some(Commit { number: number.parse().ok()?, at, timeline: timeline.parse().ok()? })
            });
            read.collect::<Vec<_>>()
        });
        let thread = std::thread::spawn(move || {
            while Instant::now() < end && !flag.load(Ordering::Relaxed) && child.try_wait().unwrap().is_none() {
                std::thread::sleep(Duration::from_millis(100));
            }
            let ended = Some(Instant::now());
            // Its process may have ended with the pod.
            let _gone = child.kill();
            child.wait().unwrap();
            Seen { commits: reader.join().unwrap(), ended, ..Seen::default() }
        });
        Writer { thread, stop }
    }

    pub(crate) fn address(&self, pod: &str) -> String {
        self.kubectl(&["get", "pod", pod, "-o", "jsonpath={.status.podIP}"])
    }
}

impl Writer {
    /// Ends it now; what became of its commits.
    pub(crate) fn stop(self, database: &Database<'_>) -> Outcome {
        self.stop.store(true, Ordering::Relaxed);
        self.outcome(database)
    }

    /// Waits for its end; what became of its commits.
    pub(crate) fn outcome(self, database: &Database<'_>) -> Outcome {
        let seen = self.thread.join().unwrap();
        assert!(seen.commits.len() > 10, "only {} commits", seen.commits.len());
        // Right after a fault the way to the database may still be closed, though the status, which may be older, says that it is well.
        let mut output = None;
        until("what was written can be read", 60, || {
            output = Some(database.try_sql(NAME, "select number from written order by 1")).filter(|output| output.status.success());
            output.is_some()
        });
        let output = String::from_utf8(output.map(|output| output.stdout).unwrap_or_default()).unwrap();
        let found: Vec<u64> = output.lines().filter_map(|line| line.parse().ok()).collect();
        let lost = seen.commits.iter().map(|commit| commit.number).filter(|number| found.binary_search(number).is_err()).collect();
        let moments: Vec<Instant> = seen.commits.iter().map(|commit| commit.at).chain(seen.ended).collect();
        let gap = moments.windows(2).map(|pair| (pair[1] - pair[0]).as_secs_f64()).fold(0.0, f64::max);
        Outcome { lost, gap, commits: seen.commits.len(), seen }
    }
}

/// Number of the node a pod runs on.
pub(crate) fn node_of(database: &Database<'_>, pod: &str) -> String {
    database.kubectl(&["get", "pod", pod, "-o", "jsonpath={.spec.nodeName}"]).trim_start_matches("node").to_owned()
}

/// Does something with a fault in force, and ends the fault whatever comes of it.
pub(crate) fn while_in_force<T>(nodes: &Nodes, begin: &[&str], end: &[&str], act: impl FnOnce() -> T) -> T {
    nodes.harness(begin);
    let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(act));
    nodes.harness(end);
    outcome.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}
