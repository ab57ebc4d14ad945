//! What keeps a rollout from going on, by real faults of nodes and servers.

use super::clients::Clients;
use super::{Database, NAME, said, until, when_drawn};
use std::process::Stdio;
use std::time::{Duration, Instant};

/// Volumes that belong to one node, so that the kubelet looks whether their folder is there and does not make an empty one.
const LOCAL: &str = "local-path-mounts";

/// A cluster whose changes are carried out at once: `mark` makes new pods, `connections` restarts.
fn spec(class: &str, connections: u32, mark: &str) -> String {
    format!(
        "  pods: {{persistentVolume: {{size: 1Gi, storageClass: {class}}}, updateStrategy: {{type: Always}}, customEnv: {{patroni: [{{name: MARK, value: {mark}}}]}}}}\n  configurations: {{postgres: {{postgresql.conf: {{max_connections: '{connections}'}}}}, pooling: {{pgBouncer: {{pgbouncer.ini: {{pgbouncer: {{pool_mode: transaction}}}}}}}}}}\n"
    )
}

/// The folder of a volume, put out of the way on its node. A server that has it open goes on with it.
struct Away<'a> {
    database: &'a Database<'a>,
    node: String,
    folder: String,
}

impl<'a> Away<'a> {
    fn of(database: &'a Database<'a>, pod: &str) -> Self {
        let field = |kind: &str, name: &str, path: &str| database.kubectl(&["get", kind, name, "-o", &format!("jsonpath={{{path}}}")]);
        let node = field("pod", pod, ".spec.nodeName");
        let volume = field("pvc", &format!("{NAME}-data-{pod}"), ".spec.volumeName");
        let away = Self { database, node: node.trim_start_matches("node").to_owned(), folder: field("pv", &volume, ".spec.local.path") };
        away.run(&["mv", &away.folder, &format!("{}.away", away.folder)]);
        away
    }

    fn run(&self, command: &[&str]) {
        self.database.nodes.harness(&[&["node", "run", &self.node], command].concat());
    }
}

impl Drop for Away<'_> {
    fn drop(&mut self) {
        self.run(&["mv", &format!("{}.away", self.folder), &self.folder]);
    }
}

fn with_local_volumes<'a>(nodes: &'a super::Nodes, namespace: &str) -> Database<'a> {
    nodes.apply(&format!(
        "apiVersion: storage.k8s.io/v1\nkind: StorageClass\nmetadata: {{name: {LOCAL}, annotations: {{defaultVolumeType: local}}}}\nprovisioner: rancher.io/local-path\nvolumeBindingMode: WaitForFirstConsumer\n"
    ));
    Database::new(nodes, namespace, 2, &spec(LOCAL, 110, "one"))
}

impl Database<'_> {
    /// Begins new pods while the volume of the replica is away, and waits until status and condition say what is missing.
    fn stuck(&self, leader: &str) {
        self.spec(2, &spec(LOCAL, 110, "two"));
        until("the volume is named where it is waited for", 120, || {
            let (ready, _, message) = self.condition("Ready");
            let waiting = self.status("/waiting/for").as_str().unwrap_or_default().to_owned();
            let names = |text: &str| text.contains("its volumes are not there: ") && text.contains("does not exist");
            ready == "False" && names(&message) && waiting.contains("is made anew")
        });
        eprintln!("{}; waiting for: {}", self.condition("Ready").2, self.status("/waiting/for"));
        assert_eq!(self.primary(), leader, "the primary serves");
        assert_eq!(self.steps().len(), 1, "{:?}", self.steps());
    }
}

/// A volume that comes late, as one does that another node has to let go of: the rollout says what it waits for, touches nobody else, and
/// goes on by itself.
#[test]
fn a_volume_that_comes_late_is_waited_for() {
    when_drawn("a_volume_that_comes_late_is_waited_for", |nodes| {
        let database = with_local_volumes(nodes, "mounts");
        let clients = Clients::begin(&database, 23);
        let (leader, replica) = (database.primary(), database.replicas().remove(0));
        let away = Away::of(&database, &replica);
        database.stuck(&leader);
        drop(away);
        // The kubelet tries again at the latest two minutes later.
        until("it is carried out", 240, || database.runs_what_is_released(2));
        let outcome = clients.end(&database);
        assert!(outcome.failed.is_empty() && outcome.lost == 0, "{outcome:?}");
        let pod = |pod: &str| format!("the pod of {pod} is made anew");
        assert_eq!(database.steps(), [pod(&replica), format!("{leader} hands over to {replica}"), pod(&leader)]);
        database.ready(2);
    });
}

/// A volume that does not come at all: the rollout stops after six minutes and names it, the other instance serves on what ran before,
/// and the one that lost its volume comes back with it, in the pod that waited for it.
#[test]
fn a_volume_that_does_not_come_stops_the_rollout() {
    when_drawn("a_volume_that_does_not_come_stops_the_rollout", |nodes| {
        let database = with_local_volumes(nodes, "mounts-never");
        let clients = Clients::begin(&database, 29);
        let (leader, replica) = (database.primary(), database.replicas().remove(0));
        let away = Away::of(&database, &replica);
        database.stuck(&leader);
        until("it stops", 480, || database.condition("Stalled").1 == "RolloutStopped");
        let why = database.condition("Stalled").2;
        assert!(why.contains(&replica) && why.contains("does not exist"), "{why}");
        assert_eq!((database.primary(), database.steps().len()), (leader, 1), "nobody else was touched");
        drop(away);
        until("the replica is back", 240, || database.condition("Ready").0 == "True");
        let outcome = clients.end(&database);
        assert!(outcome.failed.is_empty() && outcome.lost == 0, "{outcome:?}");
        assert_eq!(
            database.patroni(&replica, "echo $MARK").trim(),
            "two",
            "the pod that waited is the one that starts: it is not made a third time"
        );
    });
}

/// Ends the server of a pod some seconds after each of its starts, six times in all.
const FLAPS: &str = "times=0; last=; while [ $times -lt 6 ]; do pid=$(head -n 1 /var/lib/postgresql/data/postmaster.pid 2>/dev/null); if [ -n \"$pid\" ] && [ \"$pid\" != \"$last\" ] && kill -0 $pid 2>/dev/null; then sleep 4; kill -KILL $pid; last=$pid; times=$((times + 1)); else sleep 0.3; fi; done";

/// A replica that ends soon after each of its starts is up for a moment again and again: the next one must not be stopped in such a
/// moment, or two are away at once.
#[test]
fn a_replica_that_flaps_holds_the_next_one_up() {
    when_drawn("a_replica_that_flaps_holds_the_next_one_up", |nodes| {
        let database = Database::new(nodes, "flaps", 3, &spec("local-path", 110, "one"));
        let (leader, replicas) = (database.primary(), database.replicas());
        let started = |pod: &String| database.inside(pod, "SELECT pg_postmaster_start_time()");
        let others = [replicas[1].clone(), leader.clone()];
        let before = others.each_ref().map(started);
        database.spec(3, &spec("local-path", 130, "one"));
        until("the first replica restarts", 90, || database.steps().len() == 1);
        let mut flaps =
            nodes.command(&["-n", &database.namespace, "exec", &replicas[0], "-c", "patroni", "--", "timeout", "180", "/bin/sh"]);
        let mut flaps = flaps.args(["-c", FLAPS]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let began = Instant::now();
        let mut texts = std::collections::BTreeSet::new();
        while flaps.try_wait().unwrap().is_none() {
            texts.insert(database.status("/waiting/for").as_str().unwrap_or_default().to_owned());
            assert_eq!(database.steps().len(), 1, "{:?}", database.steps());
            std::thread::sleep(Duration::from_millis(500));
        }
        let output = flaps.wait_with_output().unwrap();
        assert!(output.status.success(), "{}", said(&output));
        eprintln!("six ends in {:.0} s; it was told: {texts:?}", began.elapsed().as_secs_f64());
        assert!(texts.iter().any(|text| text.contains(&replicas[0])), "{texts:?}");
        assert_eq!(others.each_ref().map(started), before, "nobody else was stopped meanwhile");
        until("it goes on once the replica stays up", 240, || database.runs_what_is_released(3));
        let restart = |pod: &String| format!("PostgreSQL restarts on {pod}");
        assert_eq!(database.steps(), [restart(&replicas[0]), restart(&replicas[1]), format!("{leader} hands over to {}", replicas[0])]);
        database.ready(3);
    });
}
