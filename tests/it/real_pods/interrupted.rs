//! The controller is killed, or stopped past its lease and woken up, or loses the API server, at any moment of a change: what comes
//! of it is the same, each instance is disturbed once, and nobody's transaction fails. A run tries one, drawn by its seed;
//! `tests/run --full` tries all.

use super::clients::Clients;
use super::{Database, Processes, on_real_nodes, until};
use std::time::Duration;

/// What happens in the middle.
#[derive(Debug, Clone, Copy)]
enum Fault {
    /// Every process of the controller is killed.
    Killed,
    /// The one that leads stops for longer than its lease is valid (15 s), another takes over, and it wakes up.
    Stopped,
    /// The API server is away for some seconds.
    WithoutApiServer,
}

/// What changes meanwhile: `max_connections`, and the mark that makes new pods.
#[derive(Debug, Clone, Copy)]
enum Change {
    Raised,
    Lowered,
    NewPods,
}

const ROUNDS: &[(Change, Fault)] = &[
    (Change::Raised, Fault::Killed),
    (Change::Lowered, Fault::Stopped),
    (Change::NewPods, Fault::Killed),
    (Change::Raised, Fault::Stopped),
    (Change::Lowered, Fault::Killed),
    (Change::NewPods, Fault::Stopped),
    (Change::NewPods, Fault::WithoutApiServer),
    (Change::Lowered, Fault::WithoutApiServer),
    (Change::Raised, Fault::WithoutApiServer),
];

/// Rounds of a run that is not `--full`.
const SAMPLE: usize = 1;

fn spec(connections: u32, mark: u32) -> String {
    format!(
        "  pods: {{persistentVolume: {{size: 1Gi}}, updateStrategy: {{type: Always}}, customEnv: {{patroni: [{{name: MARK, value: 'm{mark}'}}]}}}}\n  configurations: {{postgres: {{postgresql.conf: {{max_connections: '{connections}'}}}}, pooling: {{pgBouncer: {{pgbouncer.ini: {{pgbouncer: {{pool_mode: transaction}}}}}}}}}}\n"
    )
}

/// A controller that forgets what it began restarts an instance twice, or leaves clients held back for good.
#[test]
fn a_change_survives_its_controller() {
    on_real_nodes("a_change_survives_its_controller", |nodes| {
        let full = std::env::var_os("STACKGRES_TEST_FULL").is_some();
        let seed = super::sample::seed();
        let database = Database::new(nodes, "interrupted", 3, &spec(110, 0));
        let (mut connections, mut mark) = (110, 0);
        let first = if full { 0 } else { usize::try_from(seed).unwrap() * SAMPLE };
        let one = std::env::var("STACKGRES_TEST_ROUND").ok().map(|round| round.parse::<usize>().unwrap());
        let rounds = one.map_or(first..first + if full { ROUNDS.len() } else { SAMPLE }, |one| one..one + 1);
        for round in rounds {
            let (change, fault) = ROUNDS[round % ROUNDS.len()];
            match change {
                Change::Raised => connections += 20,
                Change::Lowered => connections -= 5,
                Change::NewPods => mark += 1,
            }
            // Any moment of a change, which takes 20 to 50 s.
            let moment = Duration::from_millis(seed.wrapping_mul(7_919).wrapping_add(round as u64 * 4_657) % 20_000);
            eprintln!("INTERRUPTED {change:?}, {fault:?} after {:.1} s", moment.as_secs_f64());
            database.survives(change, fault, moment, connections, mark);
        }
    });
}

impl Database<'_> {
    fn survives(&self, change: Change, fault: Fault, moment: Duration, connections: u32, mark: u32) {
        let clients = Clients::begin(self, 13);
        let (leader, replicas, before) = (self.primary(), self.replicas(), self.steps().len());
        let (old, uids) = (self.status("/release/revision"), self.uids());
        self.spec(3, &spec(connections, mark));
        std::thread::sleep(moment);
        let stepped_down = fault.strike(self);
        until("it is released", 90, || self.status("/release/revision") != old);
        until("it is carried out", 300, || self.runs_what_is_released(3));
        std::thread::sleep(Duration::from_secs(6));
        let outcome = clients.end(self);
        let done = self.steps().split_off(before);
        eprintln!("INTERRUPTED {done:?}, {outcome:?}");
        // A leader without the API server goes on only while all others answer it (failsafe mode), and one whose pod is being made anew
        // does not: then Patroni steps down, whoever asked for what. Nothing is lost then either.
        eprintln!("INTERRUPTED the leader stepped down: {stepped_down}");
        assert!((stepped_down || outcome.failed.is_empty()) && outcome.lost == 0, "{outcome:?}");
        for pod in self.replicas().into_iter().chain([self.primary()]) {
            assert_eq!(self.inside(&pod, "SHOW max_connections"), connections.to_string(), "{pod}");
        }
        // What was told is what the rules say, and nothing twice. An event is the last thing a step leaves behind: the one of a
        // process that was killed may be missing.
        let restart = |pod: &String| format!("PostgreSQL restarts on {pod}");
        let anew = |pod: &String| format!("the pod of {pod} is made anew");
        let over = format!("{leader} hands over to {}", replicas[0]);
        let expected = match change {
            Change::Raised => vec![restart(&replicas[0]), restart(&replicas[1]), over],
            Change::Lowered => vec![format!("{}, which leads", restart(&leader)), restart(&replicas[0]), restart(&replicas[1])],
            Change::NewPods => vec![anew(&replicas[0]), anew(&replicas[1]), over, anew(&leader)],
        };
        // A step that was written down and not carried out is decided and told again: what it asks of Patroni is done once.
        let mut done = done;
        done.dedup();
        let mut rest = expected.iter();
        assert!(done.iter().all(|step| rest.any(|other| other == step)), "{done:?} instead of {expected:?}");
        assert!(done.len() + 1 >= expected.len(), "{done:?} instead of {expected:?}");
        // A pod that is not to be made anew is the same one.
        assert_eq!(self.uids() == uids, !matches!(change, Change::NewPods), "{done:?}");
        self.ready(3);
    }

    /// Whether an instance stepped down for want of the API server. Patroni decides that when its retries end, 10 s after they began:
    /// that may be after the API server is back.
    fn stepped_down(&self) -> bool {
        let said = |pod: &String| {
            let output = self.nodes.kubectl(&["-n", &self.namespace, "logs", pod, "-c", "patroni", "--since=60s"]);
            let log = String::from_utf8_lossy(&output.stdout);
            log.contains("self because DCS is not accessible") || log.contains("self because failed to update leader lock in DCS")
        };
        let pods: Vec<String> = (0..3).map(|ordinal| format!("{}-{ordinal}", super::NAME)).collect();
        (0..20).any(|look| {
            std::thread::sleep(Duration::from_secs(u64::from(look > 0)));
            pods.iter().any(said)
        })
    }

    fn uids(&self) -> String {
        self.kubectl(&["get", "pods", "-o", "jsonpath={range .items[*]}{.metadata.name}={.metadata.uid} {end}"])
    }
}

impl Fault {
    /// Does it; whether the leader stepped down for want of the API server.
    fn strike(self, database: &Database) -> bool {
        let nodes = database.nodes;
        match self {
            Self::Killed => Processes::of_controller(nodes).signal("KILL"),
            Self::Stopped => {
                let leader = nodes.ok(&["-n", "stackgres", "get", "lease", "stackgres", "-o", "jsonpath={.spec.holderIdentity}"]);
                let process = Processes::of_controller_named(nodes, &leader);
                process.signal("STOP");
                std::thread::sleep(Duration::from_secs(25));
                process.signal("CONT");
            }
            Self::WithoutApiServer => {
                nodes.harness(&["component", "stop", "apiserver"]);
                std::thread::sleep(Duration::from_secs(8));
                nodes.harness(&["component", "start", "apiserver"]);
                return database.stepped_down();
            }
        }
        false
    }
}
