//! Changes that disturb instances, on real pods, with an application at work: the steps are those of the rehearsal, nobody's
//! transaction fails, and what goes wrong stops.

use super::clients::Clients;
use super::{Database, NAME, on_real_nodes, until, when_drawn};
use std::time::Instant;

/// A cluster whose changes are carried out at once, in transaction pooling: `connections` and `mark` are what changes.
fn spec(connections: u32, mark: &str, libraries: &str) -> String {
    let libraries = if libraries.is_empty() { String::new() } else { format!(", shared_preload_libraries: '{libraries}'") };
    format!(
        "  pods: {{persistentVolume: {{size: 1Gi}}, updateStrategy: {{type: Always}}, customEnv: {{patroni: [{{name: MARK, value: {mark}}}]}}}}\n  configurations: {{postgres: {{postgresql.conf: {{max_connections: '{connections}'{libraries}}}}}, pooling: {{pgBouncer: {{pgbouncer.ini: {{pgbouncer: {{pool_mode: transaction}}}}}}}}}}\n"
    )
}

/// Whether a status says that so many instances are ready, all run what is released, and nothing is left to do.
pub(crate) fn is_carried_out(status: &serde_json::Value, instances: usize) -> bool {
    status["running"]["revision"] == status["release"]["revision"]
        && status["waiting"]["for"].is_null()
        && status["rollout"]["revision"].as_str().is_none_or(str::is_empty)
        && status["readyInstances"] == instances
}

impl Database<'_> {
    /// What was begun so far, in order, without what only looks.
    pub(crate) fn steps(&self) -> Vec<String> {
        self.steps_of(NAME)
    }

    /// The same of another cluster in the namespace.
    pub(crate) fn steps_of(&self, cluster: &str) -> Vec<String> {
        let columns = "custom-columns=T:.eventTime,R:.reason,O:.regarding.name,N:.note";
        let events = self.kubectl(&["get", "events.events.k8s.io", "--no-headers", "-o", columns]);
        let mut steps: Vec<(String, String)> = events
            .lines()
            .filter_map(|line| {
                let mut words = line.split_whitespace();
                let (at, reason, of) = (words.next()?, words.next()?, words.next()?);
                (reason == "RolloutStep" && of == cluster).then(|| (at.to_owned(), words.collect::<Vec<_>>().join(" ")))
            })
            .collect();
        steps.sort();
        steps.into_iter().map(|(_, step)| step).collect()
    }

    /// Whether so many instances are ready, all run what is released, and nothing is left to do.
    pub(crate) fn runs_what_is_released(&self, instances: usize) -> bool {
        is_carried_out(&self.status(""), instances)
    }

    /// Waits until every instance runs what is released, and gives back the steps since `before`, and how long it took in seconds.
    fn carried_out(&self, instances: usize, mark: &str, before: usize) -> (Vec<String>, f64) {
        let began = Instant::now();
        let released = |database: &Self| database.status("/effective").to_string().contains(mark);
        until(&format!("{mark} is released"), 60, || released(self));
        until(&format!("{mark} is carried out: {}", self.status("/waiting")), 240, || self.runs_what_is_released(instances));
        (self.steps().split_off(before), began.elapsed().as_secs_f64())
    }

    /// What `stackgres rollout VERB` says.
    fn rollout(&self, verb: &str) -> String {
        let cluster = format!("{}/{NAME}", self.namespace);
        let output = self.nodes.stackgres(&["rollout", verb, &cluster]);
        assert!(output.status.success(), "{}", super::said(&output));
        String::from_utf8(output.stdout).unwrap()
    }

    fn shows(&self, pod: &str, parameter: &str) -> String {
        self.inside(pod, &format!("SHOW {parameter}"))
    }

    fn pods(&self) -> Vec<String> {
        let mut pods = self.replicas();
        pods.push(self.primary());
        pods.sort();
        pods
    }
}

/// The order of a DBA: replicas first and then a switchover, where values go up or pods change; the primary first, in place, where
/// values go down that a standby must not have less of. An application at work sees pauses and no failed transaction.
#[test]
fn a_rollout_disturbs_as_rehearsed() {
    on_real_nodes("a_rollout_disturbs_as_rehearsed", |nodes| {
        let database = Database::new(nodes, "rollout", 3, &spec(110, "one", ""));
        let clients = Clients::begin(&database, 5);
        let (leader, replicas) = (database.primary(), database.replicas());
        database.spec(3, &spec(130, "one", ""));
        let (raised, seconds) = database.carried_out(3, "\"130\"", 0);
        eprintln!("raised: {seconds:.0} s, {raised:?}");
        let restart = |pod: &String| format!("PostgreSQL restarts on {pod}");
        let expected = [restart(&replicas[0]), restart(&replicas[1]), format!("{leader} hands over to {}", replicas[0])];
        assert_eq!(raised, expected, "the old primary starts anew as a replica: it needs no restart of its own");
        assert!(database.pods().iter().all(|pod| database.shows(pod, "max_connections") == "130"));

        let (leader, replicas, before) = (database.primary(), database.replicas(), database.steps().len());
        database.spec(3, &spec(105, "one", ""));
        let (lowered, seconds) = database.carried_out(3, "\"105\"", before);
        eprintln!("lowered: {seconds:.0} s, {lowered:?}");
        assert_eq!(lowered, [format!("{}, which leads", restart(&leader)), restart(&replicas[0]), restart(&replicas[1])]);
        assert!(database.pods().iter().all(|pod| database.shows(pod, "max_connections") == "105"));

        let (leader, replicas, before) = (database.primary(), database.replicas(), database.steps().len());
        database.spec(3, &spec(105, "two", ""));
        let (anew, seconds) = database.carried_out(3, "\"two\"", before);
        eprintln!("new pods: {seconds:.0} s, {anew:?}");
        let pod = |pod: &String| format!("the pod of {pod} is made anew");
        assert_eq!(anew, [pod(&replicas[0]), pod(&replicas[1]), format!("{leader} hands over to {}", replicas[0]), pod(&leader)]);

        let outcome = clients.end(&database);
        eprintln!("{outcome:?}");
        assert!(outcome.failed.is_empty() && outcome.lost == 0, "{outcome:?}");
        assert!(outcome.transactions > 50, "{outcome:?}");
        database.ready(3);
    });
}

/// A bad change takes one instance away at most, says why in PostgreSQL's own words, and leaves the rest as it was; a good one repairs it.
#[test]
fn a_bad_change_stops_and_says_why() {
    on_real_nodes("a_bad_change_stops_and_says_why", |nodes| {
        let database = Database::new(nodes, "stops", 2, &spec(110, "one", ""));
        let leader = database.primary();
        database.spec(2, &spec(110, "one", "pg_stat_statements, nope"));
        until("it stops", 240, || database.condition("Stalled").1 == "RolloutStopped");
        let why = database.condition("Stalled").2;
        assert!(why.contains("FATAL") && why.contains("could not access file \"nope\""), "{why}");
        assert_eq!(database.primary(), leader, "the primary was not touched");
        assert_eq!(database.shows(&leader, "shared_preload_libraries"), "pg_stat_statements, auto_explain");
        // What is in force is what ran before: the replica comes back by itself.
        until("the replica is back on what ran before", 120, || database.condition("Ready").0 == "True");
        assert_eq!(database.condition("PendingRestart").0, "True");

        // The cause is still there: another try ends in the same way, and touches no other instance.
        let stopped = database.status("/rollout/failure/at");
        assert!(database.rollout("retry").contains("is tried again"));
        until("it stops again", 240, || {
            let again = database.status("/rollout/failure/at");
            again.is_string() && again != stopped && database.condition("Ready").0 == "True"
        });
        assert_eq!(database.primary(), leader, "the primary was not touched");
        assert!(database.rollout("rollback").contains("is not carried out any more"));
        until("it is rolled back", 120, || {
            let waiting = database.status("/waiting/for").as_str().unwrap_or_default().to_owned();
            waiting.contains("was rolled back") && database.condition("Stalled").0 == "False" && database.condition("Ready").0 == "True"
        });
        assert_eq!(database.primary(), leader);

        database.spec(2, &spec(110, "one", ""));
        until("the correction is what runs", 120, || {
            let status = database.status("");
            status["running"]["revision"] == status["release"]["revision"]
                && status["rollout"]["revision"].as_str().is_none_or(str::is_empty)
        });
        database.ready(2);
        assert_eq!(database.condition("Stalled").0, "False");
    });
}

/// What is not allowed waits and says so, and TLS goes off and on without an instance that does not start.
#[test]
fn a_change_waits_for_its_licence() {
    when_drawn("a_change_waits_for_its_licence", |nodes| {
        let pods = |strategy: &str, ssl: bool| {
            format!(
                "  postgres: {{version: '17', ssl: {{enabled: {ssl}}}}}\n  pods: {{persistentVolume: {{size: 1Gi}}, updateStrategy: {{type: {strategy}}}}}\n"
            )
        };
        let database = Database::new(nodes, "licence", 2, &pods("Never", true));
        database.spec(2, &pods("Never", false));
        until("it is told", 60, || database.condition("PendingRestart").0 == "True");
        let waiting = database.status("/waiting/for").as_str().unwrap_or_default().to_owned();
        assert!(waiting.contains("update strategy Never") && waiting.contains("pod re-creation"), "{waiting}");
        assert!(database.steps().is_empty() && database.condition("Ready").0 == "True");
        database.spec(2, &pods("Always", false));
        let (off, _) = database.carried_out(2, "\"Always\"", 0);
        assert_eq!(off.len(), 3, "{off:?}");
        assert!(database.pods().iter().all(|pod| database.shows(pod, "ssl") == "off"));
        database.spec(2, &pods("Always", true));
        until("TLS goes on", 60, || !database.status("/waiting/for").is_null());
        drop(database.carried_out(2, "\"Always\"", 0));
        until("TLS is on", 120, || database.pods().iter().all(|pod| database.shows(pod, "ssl") == "on"));
        database.ready(2);
        assert_eq!(database.steps().len(), 6, "one disturbance each: {:?}", database.steps());
    });
}
