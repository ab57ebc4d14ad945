//! Runs with drawn faults and crashes, compared with one without.

use super::layer::{Fault, Plan};
use super::scenario::{Outcome, Stages, play};
use crate::real_cluster::{Server, beside_others_on_the_real_server};
use stackgres::sandbox::{Sandbox, SandboxOptions};
use std::collections::BTreeMap;
use std::time::Duration;

/// Requests between two crashes of one run: enough to get somewhere in each life.
const APART: u64 = 120;

/// Writes between two crashes of one run.
const WRITES_APART: u64 = 12;

/// Runs side by side.
const BESIDE: usize = 3;

/// An in-memory API of its own for one run.
async fn on_the_sandbox<T>(test: impl AsyncFnOnce(Server) -> T) -> T {
    drop(rustls::crypto::ring::default_provider().install_default());
    let sandbox = Sandbox::start(SandboxOptions { pace: Duration::from_millis(100), ..SandboxOptions::default() }).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("kubeconfig");
    std::fs::write(&path, sandbox.kubeconfig()).unwrap();
    let kubeconfig = kube::config::Kubeconfig::from_yaml(&sandbox.kubeconfig()).unwrap();
    let config = kube::Config::from_custom_kubeconfig(kubeconfig, &kube::config::KubeConfigOptions::default()).await.unwrap();
    let client = kube::Client::try_from(config).unwrap();
    test(Server { admin: client.clone(), controller: client, folder: None, kubeconfig: path, shared: false }).await
}

async fn one(plan: Plan, wanted: Option<&Stages>) -> Outcome {
    on_the_sandbox(async |server| play(&server, "stackgres-faults", true, plan, wanted).await).await
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok()?.parse().ok()
}

/// A drawn run: faults, and a crash from time to time.
fn drawn(seed: u64, requests: u64) -> Plan {
    let crashes = (0..6).map(|index| {
        let mut hasher = std::hash::DefaultHasher::new();
        std::hash::Hash::hash(&(seed, index), &mut hasher);
        let drawn = std::hash::Hasher::finish(&hasher);
        (1 + drawn % requests.max(1), drawn & (1 << 60) != 0)
    });
    Plan { seed, one_in: 80, one_watch_in: 2, crashes: crashes.collect(), ..Plan::default() }
}

/// A crash at every number with this remainder.
fn crashing(remainder: u64, after: bool) -> Plan {
    let crashes = (0..50).map(|index| (1 + remainder + index * APART, after));
    Plan { crashes: crashes.collect(), ..Plan::default() }
}

/// A crash at every write with this remainder. Only writes tell one moment from another: a read leaves nothing behind that outlives
/// the process.
fn crashing_at_writes(remainder: u64, after: bool) -> Plan {
    Plan { crash_writes: Some((remainder, WRITES_APART, after)), ..Plan::default() }
}

/// Every fault, how often it was injected, and what came of the runs in which it was.
#[derive(Default)]
struct Table {
    rows: BTreeMap<Fault, (usize, usize, usize)>,
    runs: usize,
    violations: Vec<String>,
}

impl Table {
    fn add(&mut self, name: &str, outcome: &Outcome) {
        self.runs += 1;
        for (fault, count) in outcome.record.counts() {
            let row = self.rows.entry(fault).or_default();
            row.0 += count;
            row.1 += 1;
            row.2 += usize::from(!outcome.violations.is_empty());
        }
        for violation in &outcome.violations {
            println!("VIOLATION {name}: {violation}");
            self.violations.push(format!("{name}: {violation}"));
        }
        if !outcome.violations.is_empty() {
            outcome.record.injected.iter().for_each(|one| println!("  {one}"));
        }
    }

    fn print(&self) {
        println!("| fault | injected | runs | runs with a violation |\n|---|---|---|---|");
        for (fault, (times, runs, bad)) in &self.rows {
            println!("| {fault:?} | {times} | {runs} | {bad} |");
        }
        let all: usize = self.rows.values().map(|row| row.0).sum();
        println!("runs={} faults={all} violations={}", self.runs, self.violations.len());
    }
}

async fn series(plans: Vec<(String, Plan)>, wanted: std::sync::Arc<Stages>) -> Table {
    use futures::StreamExt as _;
    let runs = plans.into_iter().map(|(name, plan)| {
        let wanted = wanted.clone();
        let run = async move {
            let outcome = one(plan, Some(&wanted)).await;
            println!(
                "{name}: requests={} writes={} lives={} passes={} faults={} violations={}",
                outcome.requests,
                outcome.writes,
                outcome.lives,
                outcome.passes,
                outcome.record.injected.len(),
                outcome.violations.len()
            );
            (name, outcome)
        };
        async move { tokio::spawn(run).await.unwrap() }
    });
    let mut table = Table::default();
    let mut runs = futures::stream::iter(runs).buffer_unordered(BESIDE);
    while let Some((name, outcome)) = runs.next().await {
        table.add(&name, &outcome);
    }
    table
}

/// A few drawn runs, others each day. A request that fails, an answer that is lost or a process that ends must not be seen afterwards.
/// `STACKGRES_TEST_SEED` repeats them.
#[test]
fn the_end_is_the_same_with_faults_and_crashes() {
    runtime().block_on(async {
        let seed = number("STACKGRES_TEST_SEED")
            .unwrap_or_else(|| u64::try_from(stackgres::engine::controller::now().as_second() / 86_400).unwrap());
        println!("STACKGRES_TEST_SEED={seed}");
        let plain = one(Plan::default(), None).await;
        assert!(plain.violations.is_empty(), "without faults: {:?}", plain.violations);
        assert!(plain.stages.second.len() > 40, "{:?}", plain.stages.second.keys());
        let requests = plain.requests;
        println!("without faults: requests={requests} passes={}", plain.passes);
        let mut plans: Vec<(String, Plan)> =
            (0..2).map(|index| (format!("seed {}", seed + index), drawn(seed + index, requests))).collect();
        plans.push((format!("crash at {}", seed % APART), crashing(seed % APART, seed.is_multiple_of(2))));
        plans.push((format!("crash at write {}", seed % WRITES_APART), crashing_at_writes(seed % WRITES_APART, seed % 2 == 1)));
        // One that fell between a plan and the end of carrying it out: the plan of the rest stood in the status.
        plans.push(("crash before write 3".to_owned(), crashing_at_writes(3, false)));
        let table = series(plans, std::sync::Arc::new(plain.stages)).await;
        table.print();
        assert!(table.rows.len() > 5, "the layer injected next to nothing");
        assert!(table.violations.is_empty(), "seed {seed}: {}", table.violations.join("\n"));
    });
}

/// `tests/api-faults N`: N drawn runs, and a crash at every write and at every request number, before and after it was carried out.
#[test]
#[ignore = "long: tests/api-faults runs it"]
fn every_seed_and_every_crash() {
    runtime().block_on(async {
        let plain = one(Plan::default(), None).await;
        assert!(plain.violations.is_empty(), "without faults: {:?}", plain.violations);
        let (requests, first) = (plain.requests, number("STACKGRES_TEST_SEED").unwrap_or(1));
        println!("without faults: requests={requests} writes={} passes={}", plain.writes, plain.passes);
        let seeds = number("STACKGRES_TEST_FAULT_SEEDS").unwrap_or(20);
        let step = number("STACKGRES_TEST_FAULT_STEP").unwrap_or(1);
        let mut plans: Vec<(String, Plan)> = (first..first + seeds).map(|seed| (format!("seed {seed}"), drawn(seed, requests))).collect();
        for after in [false, true] {
            let when = if after { "after" } else { "before" };
            plans.extend(
                (0..WRITES_APART).map(|remainder| (format!("crash {when} write {remainder}"), crashing_at_writes(remainder, after))),
            );
            if step == 0 {
                continue;
            }
            let every = (0..APART).step_by(usize::try_from(step).unwrap());
            plans.extend(every.map(|remainder| (format!("crash {when} {remainder}"), crashing(remainder, after))));
        }
        if let Ok(only) = std::env::var("STACKGRES_TEST_FAULT_ONLY") {
            plans.retain(|(name, _)| *name == only);
        }
        let table = series(plans, std::sync::Arc::new(plain.stages)).await;
        table.print();
        assert!(table.violations.is_empty(), "{}", table.violations.join("\n"));
    });
}

/// The same layer over a real API server: instances never get ready there without a node, everything else is as in the other runs.
#[test]
#[ignore = "minutes on a control plane; run by name"]
fn the_same_over_a_real_api_server() {
    beside_others_on_the_real_server("the_same_over_a_real_api_server", async |server| {
        let plain = play(&server, "stackgres-faults-0", false, Plan::default(), None).await;
        assert!(plain.violations.is_empty(), "without faults: {:?}", plain.violations);
        let seed = number("STACKGRES_TEST_SEED").unwrap_or(1);
        println!("STACKGRES_TEST_SEED={seed}");
        let rename = |stages: &super::picture::Picture| -> super::picture::Picture {
            let text = serde_json::to_string(stages).unwrap().replace("stackgres-faults-0", "stackgres-faults-1");
            serde_json::from_str(&text).unwrap()
        };
        let wanted = Stages { first: rename(&plain.stages.first), second: rename(&plain.stages.second) };
        let outcome = play(&server, "stackgres-faults-1", false, drawn(seed, plain.requests), Some(&wanted)).await;
        let mut table = Table::default();
        table.add("real", &outcome);
        table.print();
        assert!(table.violations.is_empty(), "seed {seed}: {}", table.violations.join("\n"));
        assert!(!outcome.record.injected.is_empty());
    });
}
