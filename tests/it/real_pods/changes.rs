//! Every class of change on real pods, with an application at work: what is done is what the plan said before, and nobody's
//! transaction fails. A run tries some classes, drawn by its seed; `tests/run --full` tries all, and prints the table of
//! `docs/rollouts.md`.

use super::clients::Clients;
use super::{Database, NAME, Nodes, on_real_nodes, until, when_drawn};
use std::collections::BTreeMap;
use std::time::Instant;

/// What a cluster is asked for; each class changes some of it.
#[derive(Debug, Clone)]
struct Settings {
    instances: usize,
    cpu: u32,
    connections: u32,
    senders: u32,
    work_mem: &'static str,
    library: &'static str,
    mark: &'static str,
    label: &'static str,
    pool_size: u32,
    exporter: bool,
    synchronous: bool,
    method: &'static str,
    encrypted: bool,
    from: &'static str,
}

const FIRST: Settings = Settings {
    instances: 3,
    cpu: 300,
    connections: 110,
    senders: 20,
    work_mem: "4MB",
    library: "",
    mark: "one",
    label: "one",
    pool_size: 40,
    exporter: true,
    synchronous: false,
    method: "InPlace",
    encrypted: true,
    from: "10.1.0.0/16",
};

impl Settings {
    fn spec(&self) -> String {
        let library = if self.library.is_empty() { String::new() } else { format!(", shared_preload_libraries: '{}'", self.library) };
        let mode = if self.synchronous { "sync" } else { "async" };
        format!(
            "  postgres: {{version: '17', ssl: {{enabled: {}}}}}\n  sgInstanceProfile: sized\n  nonProductionOptions: {{disableClusterPodAntiAffinity: true}}\n  replication: {{mode: {mode}, syncInstances: 1}}\n  metadata: {{labels: {{clusterPods: {{colour: {}}}}}}}\n  pods: {{persistentVolume: {{size: 1Gi}}, disableMetricsExporter: {}, updateStrategy: {{type: Always, method: {}}}, customEnv: {{patroni: [{{name: MARK, value: {}}}]}}}}\n  configurations: {{patroni: {{dynamicConfig: {{postgresql: {{pg_hba: ['host all all {} scram-sha-256']}}}}}}, postgres: {{postgresql.conf: {{max_connections: '{}', max_wal_senders: '{}', work_mem: {}{library}}}}}, pooling: {{pgBouncer: {{pgbouncer.ini: {{pgbouncer: {{pool_mode: transaction, default_pool_size: '{}'}}}}}}}}}}\n",
            self.encrypted,
            self.label,
            !self.exporter,
            self.method,
            self.mark,
            self.from,
            self.connections,
            self.senders,
            self.work_mem,
            self.pool_size,
        )
    }

    fn profile(&self, namespace: &str) -> String {
        format!(
            "apiVersion: stackgres.io/v1\nkind: SGInstanceProfile\nmetadata: {{name: sized, namespace: {namespace}}}\nspec: {{cpu: {}m, memory: 512Mi}}\n",
            self.cpu
        )
    }
}

/// A class of change: its name, and what it changes of what was asked for before.
type Class = (&'static str, fn(&mut Settings));

/// Each begins where the one before ended, or where a run begins.
const CLASSES: &[Class] = &[
    ("a parameter that is read again", |settings| settings.work_mem = "8MB"),
    ("a line of pg_hba.conf", |settings| settings.from = "10.2.0.0/16"),
    ("connections without TLS", |settings| settings.encrypted = false),
    ("connections with TLS", |settings| settings.encrypted = true),
    ("a hot-standby parameter raised", |settings| settings.connections += 20),
    ("a hot-standby parameter lowered", |settings| settings.connections -= 10),
    ("one raised and one lowered", |settings| {
        settings.connections += 15;
        settings.senders -= 5;
    }),
    ("a library that is loaded at the start", |settings| settings.library = "pg_stat_statements"),
    ("new pods", |settings| settings.mark = "two"),
    ("new pods and a lowered parameter", |settings| {
        settings.mark = "three";
        settings.connections -= 5;
    }),
    ("several at once", |settings| {
        settings.mark = "several";
        settings.connections += 25;
        settings.work_mem = "6MB";
        settings.pool_size += 5;
        settings.label = "three";
        settings.cpu += 20;
    }),
    ("labels of pods", |settings| settings.label = "two"),
    ("settings of the pooler", |settings| settings.pool_size += 10),
    ("a side container less", |settings| settings.exporter = false),
    ("more processor", |settings| settings.cpu += 50),
    ("commits that wait for a standby", |settings| settings.synchronous = true),
    ("raised, while commits wait for a standby", |settings| settings.connections += 10),
    ("raised, behind one instance more", |settings| {
        settings.method = "ReducedImpact";
        settings.connections += 10;
    }),
    ("new pods, behind one instance more", |settings| {
        settings.method = "ReducedImpact";
        settings.mark = "four";
    }),
    ("fewer instances, the primary among those that leave", |settings| settings.instances -= 1),
    ("more instances", |settings| settings.instances += 1),
];

/// Classes a run tries that is not `--full`.
const SAMPLE: usize = 2;

/// A change that goes another way than its plan said was approved for something else; and an application that notices more than a
/// pause is what this project is there to avoid.
#[test]
fn what_is_done_is_what_was_planned() {
    on_real_nodes("what_is_done_is_what_was_planned", |nodes| {
        let full = std::env::var_os("STACKGRES_TEST_FULL").is_some();
        let only = std::env::var("STACKGRES_TEST_CHANGE").ok();
        let seed = super::sample::seed();
        let drawn = |index: usize| {
            (index + CLASSES.len() - usize::try_from(seed % 1_000).unwrap() * SAMPLE % CLASSES.len()) % CLASSES.len() < SAMPLE
        };
        let wanted = |index: usize| match &only {
            Some(only) => only.split('|').any(|one| CLASSES[index].0.contains(one)),
            None => full || drawn(index),
        };
        let mut settings = FIRST;
        let database = Database::requested_with(nodes, "changes", settings.instances, &settings.spec(), &settings.profile("changes"));
        database.ready(settings.instances);
        for (index, (name, change)) in CLASSES.iter().enumerate() {
            if wanted(index) {
                let before = settings.clone();
                change(&mut settings);
                database.goes_as_planned(name, &before, &settings);
            }
        }
    });
}

/// With one instance there is nobody to hand over to: writers are held back while it restarts; for another pod an instance joins
/// first, where that is asked for.
#[test]
fn a_single_instance_goes_as_planned() {
    when_drawn("a_single_instance_goes_as_planned", |nodes| {
        let mut settings = Settings { instances: 1, ..FIRST };
        let database = Database::requested_with(nodes, "single", settings.instances, &settings.spec(), &settings.profile("single"));
        database.ready(settings.instances);
        let changes: &[Class] = &[
            ("one instance, a parameter raised", |settings| settings.connections += 20),
            ("one instance, new pod behind one more", |settings| {
                settings.method = "ReducedImpact";
                settings.mark = "two";
            }),
        ];
        for (name, change) in changes {
            let before = settings.clone();
            change(&mut settings);
            database.goes_as_planned(name, &before, &settings);
        }
    });
}

/// Who empties a node (an upgrade of Kubernetes, an autoscaler) evicts the primary in the middle of its work: it hands over before.
#[test]
fn a_primary_leaves_a_node_that_is_emptied() {
    when_drawn("a_primary_leaves_a_node_that_is_emptied", |nodes| {
        let database = Database::new(nodes, "emptied", 3, EMPTIED);
        let clients = Clients::begin(&database, 17);
        let leader = database.primary();
        let node = database.kubectl(&["get", "pod", &leader, "-o", "jsonpath={.spec.nodeName}"]);
        let handed_over = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            // As everybody does it: the eviction of the primary is refused and tried again until another one leads.
            let drain =
                ["drain", &node, "--ignore-daemonsets", "--delete-emptydir-data", "--pod-selector=app=StackGresCluster", "--timeout=120s"];
            nodes.ok(&drain);
        }));
        nodes.ok(&["uncordon", &node]);
        handed_over.unwrap();
        database.ready(3);
        std::thread::sleep(std::time::Duration::from_secs(6));
        let (steps, outcome) = (database.steps(), clients.end(&database));
        eprintln!("EMPTIED {steps:?}, {outcome:?}");
        assert!(steps.len() == 1 && steps[0].starts_with(&format!("{leader} hands over to ")), "{steps:?}");
        // The eviction is refused until the clients of this pod's pooler have gone.
        assert!(outcome.failed.is_empty() && outcome.lost == 0 && outcome.longest < 5.0, "{outcome:?}");
    });
}

/// Outside every window, which a node that goes does not wait for.
const EMPTIED: &str = "  pods: {persistentVolume: {size: 1Gi}, updateStrategy: {type: Never}}\n  configurations: {pooling: {pgBouncer: {pgbouncer.ini: {pgbouncer: {pool_mode: transaction}}}}}\n";

impl Database<'_> {
    /// Carries one change out, prints its line of the table, and compares what was done with the plan.
    fn goes_as_planned(&self, name: &str, before: &Settings, settings: &Settings) {
        if settings.instances < before.instances {
            self.hand_over_to(&format!("{NAME}-{}", before.instances - 1));
        }
        let clients = Clients::begin(self, 7);
        let (manifest, profile) = (self.manifest(settings.instances, &settings.spec()), settings.profile(&self.namespace));
        let (summary, planned) = planned(self.nodes, &manifest, &profile);
        let (old, steps_before, starts_before) = (self.status("/release/revision"), self.steps().len(), self.starts());
        let began = Instant::now();
        self.nodes.apply(&profile);
        self.nodes.apply(&manifest);
        until(&format!("{name} is released"), 60, || self.status("/release/revision") != old);
        until(&format!("{name} is carried out"), 300, || self.runs_what_is_released(settings.instances));
        let seconds = began.elapsed().as_secs_f64();
        let done = self.steps().split_off(steps_before);
        // Longer than the longest rest of a client, so that each has seen what became of its connection.
        std::thread::sleep(std::time::Duration::from_secs(6));
        let outcome = clients.end(self);
        let starts = self.starts();
        let restarted: Vec<String> =
            starts.iter().filter(|(pod, at)| starts_before.get(*pod).is_some_and(|old| old != *at)).map(|(pod, _)| pod.clone()).collect();
        eprintln!(
            "CHANGE | {name} | {} | {} | {} | {seconds:.0} | {:.1} | {} | {} | {} |",
            word(&done),
            restarted.len(),
            done.iter().filter(|step| step.contains(" hands over to ")).count(),
            outcome.longest,
            outcome.failed.len(),
            outcome.closed_idle,
            outcome.lost
        );
        // A checkpoint and the number of instances are no steps that are written down.
        let told = |step: &&String| !step.starts_with("checkpoint on ") && !step.ends_with(" leaves");
        let joins =
            |step: &&String| settings.method == "ReducedImpact" && before.instances == settings.instances || !step.ends_with(" joins");
        let planned: Vec<&String> = planned.iter().filter(told).filter(joins).collect();
        // Which standby commits wait for, and so which one may take over, is Patroni's to choose.
        let compared = |step: &String| match step.split_once(" hands over to ") {
            Some((leader, _)) if settings.synchronous => format!("{leader} hands over"),
            _ => step.clone(),
        };
        let (done, planned): (Vec<String>, Vec<String>) =
            (done.iter().map(compared).collect(), planned.into_iter().map(compared).collect());
        assert_eq!(done, planned, "{name}: {summary}");
        assert!(outcome.failed.is_empty() && outcome.lost == 0, "{name}: {outcome:?}");
        assert!(outcome.transactions > 10, "{name}: {outcome:?}");
        self.ready(settings.instances);
        // The kubelet brings changed files into running pods within two minutes; a hand-over waits for the pooler's.
        until(&format!("{name}: files are in use"), 240, || self.condition("FilesInUse").0 == "True");
    }

    /// When each server was started.
    fn starts(&self) -> BTreeMap<String, String> {
        let mut pods = self.replicas();
        pods.push(self.primary());
        pods.into_iter().map(|pod| (pod.clone(), self.inside(&pod, "SELECT pg_postmaster_start_time()"))).collect()
    }

    fn hand_over_to(&self, pod: &str) {
        if self.primary() != pod {
            self.kubectl(&["annotate", "sgcluster", NAME, &format!("stackgres.io/switchover={pod}"), "--overwrite"]);
            until(&format!("{pod} leads"), 60, || self.primary() == pod && self.condition("Ready").0 == "True");
        }
    }
}

/// Summary and steps of the plan that `stackgres diff --live` makes of two manifests.
fn planned(nodes: &Nodes, manifest: &str, profile: &str) -> (String, Vec<String>) {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("cluster.yaml"), manifest).unwrap();
    std::fs::write(folder.path().join("profile.yaml"), profile).unwrap();
    let output = nodes.stackgres(&["diff", "--live", "--output", "json", "--head-directory", folder.path().to_str().unwrap()]);
    let plan: serde_json::Value =
        serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {}", super::said(&output)));
    let cluster = plan["clusters"].as_array().and_then(|clusters| clusters.first()).cloned().unwrap_or_default();
    let steps = cluster["rehearsal"]["steps"].as_array().into_iter().flatten().map(|step| step.as_str().unwrap().to_owned()).collect();
    (cluster["impact"]["summary"].as_str().unwrap_or_default().to_owned(), steps)
}

/// Steps in short, as the documentation writes them.
fn word(steps: &[String]) -> String {
    let ordinal = |name: &str| name.rsplit('-').next().unwrap_or_default().trim_end_matches(',').to_owned();
    let short = |step: &String| {
        let words: Vec<&str> = step.split_whitespace().collect();
        match words.as_slice() {
            ["PostgreSQL", "restarts", "on", pod, ..] => format!("r{}", ordinal(pod.trim_end_matches(','))),
            ["the", "pod", "of", pod, ..] => format!("p{}", ordinal(pod.trim_end_matches(','))),
            [leader, "hands", "over", "to", pod] => format!("s{}>{}", ordinal(leader), ordinal(pod)),
            ["processor", "and", "memory", "of", pod, ..] => format!("m{}", ordinal(pod)),
            [pod, "joins"] => format!("a{}", ordinal(pod)),
            _ => step.clone(),
        }
    };
    let words: Vec<String> = steps.iter().map(short).collect();
    if words.is_empty() { "none".to_owned() } else { format!("`{}`", words.join(" ")) }
}
