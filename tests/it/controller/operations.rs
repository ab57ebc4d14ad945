//! Operations on simulated instances: they get ready, hand over and are made anew, as the rollout asks for it.

use super::*;
use kube::api::PostParams;

/// A controller, and one cluster `a` without a fleet, whose instances take orders.
pub(super) struct World {
    pub(super) fleet: Fleet,
    /// Ends with the test.
    _sandbox: Sandbox,
}

impl World {
    pub(super) async fn new(namespace: &str, instances: u32) -> Self {
        let (sandbox, client) = sandbox(Duration::from_millis(150)).await;
        let folder = tempfile::tempdir().unwrap();
        let kubeconfig = folder.path().join("kubeconfig");
        std::fs::write(&kubeconfig, sandbox.kubeconfig()).unwrap();
        let server = Server { admin: client.clone(), controller: client, folder: None, kubeconfig: kubeconfig.clone(), shared: false };
        let mut fleet = Fleet::new(&server, namespace, "revert").await;
        // The folder of the fleet lives as long as the test, that of the kubeconfig does not.
        fleet.kubeconfig = fleet.folder.path().join("kubeconfig");
        std::fs::copy(&kubeconfig, &fleet.kubeconfig).unwrap();
        fleet.simulated = true;
        let world = Self { fleet, _sandbox: sandbox };
        if instances > 0 {
            world.cluster(instances, json!({})).await;
        }
        world
    }

    /// Starts the controller and waits until the cluster is well.
    async fn start(&mut self, instances: u32) {
        self.fleet.start();
        self.ready(instances).await;
    }

    async fn cluster(&self, instances: u32, environment: Value) {
        let mut pods = json!({"persistentVolume": {"size": "5Gi"}});
        if environment.is_array() {
            pods["customEnv"] = json!({"patroni": environment});
        }
        let spec = json!({"instances": instances, "postgres": {"version": "17"}, "pods": pods});
        let metadata = json!({"name": "a", "namespace": self.fleet.namespace});
        self.fleet.apply(json!({"apiVersion": "stackgres.io/v1", "kind": "SGCluster", "metadata": metadata, "spec": spec})).await;
    }

    async fn ready(&self, instances: u32) {
        self.until("the cluster is ready", async || {
            let Ok(cluster) = self.fleet.clusters().get("a").await else { return false };
            let cluster = serde_json::to_value(cluster).unwrap();
            cluster["status"]["readyInstances"] == instances && condition(&cluster, "Ready").0 == "True"
        })
        .await;
    }

    pub(super) async fn until(&self, what: &str, mut done: impl AsyncFnMut() -> bool) {
        for _ in 0..900 {
            if done().await {
                return;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        let operations = self.operations().list(&ListParams::default()).await.unwrap();
        let said: Vec<String> = operations.iter().map(|operation| operation.data["status"].to_string()).collect();
        panic!("still not: {what}\n{}\n{}", said.join("\n"), self.fleet.get("a").await["status"]);
    }

    fn operations(&self) -> Api<DynamicObject> {
        self.fleet.api("stackgres.io/v1", "SGDbOps")
    }

    async fn operation(&self, name: &str, spec: Value) {
        let mut all = json!({"sgCluster": "a"});
        for (field, value) in spec.as_object().unwrap() {
            all[field] = value.clone();
        }
        let metadata = json!({"name": name, "namespace": self.fleet.namespace});
        self.fleet.apply(json!({"apiVersion": "stackgres.io/v1", "kind": "SGDbOps", "metadata": metadata, "spec": all})).await;
    }

    async fn get(&self, name: &str) -> Value {
        serde_json::to_value(self.operations().get(name).await.unwrap()).unwrap()
    }

    /// Waits for its end, and gives it.
    async fn ended(&self, name: &str) -> Value {
        self.until(&format!("{name} has ended"), async || {
            let operation = self.get(name).await;
            operation["status"]["conditions"].is_array() && ["Completed", "Failed"].iter().any(|end| condition(&operation, end).0 == "True")
        })
        .await;
        self.get(name).await
    }

    /// What it says now.
    async fn says(&self, name: &str) -> String {
        let operation = self.get(name).await;
        let conditions = operation["status"]["conditions"].as_array().cloned().unwrap_or_default();
        let running = conditions.iter().find(|condition| condition["type"] == "Running").cloned().unwrap_or_default();
        format!("{} {}", running["status"].as_str().unwrap_or_default(), running["message"].as_str().unwrap_or_default())
    }

    async fn until_says(&self, name: &str, part: &str) {
        self.until(&format!("{name} says {part}"), async || self.says(name).await.contains(part)).await;
    }

    /// Identity of each pod, by its name.
    async fn pods(&self) -> BTreeMap<String, String> {
        let pods = self.fleet.api("v1", "Pod").list(&ListParams::default()).await.unwrap();
        pods.into_iter().map(|pod| (pod.metadata.name.unwrap(), pod.metadata.uid.unwrap())).collect()
    }

    /// Reasons and notes of all events, in the order in which they were told.
    async fn events(&self, reasons: &[&str]) -> Vec<String> {
        let events = self.fleet.api("events.k8s.io/v1", "Event").list(&ListParams::default()).await.unwrap();
        let mut events: Vec<(String, String, String)> = events
            .into_iter()
            .map(|event| {
                let text = |field: &str| event.data[field].as_str().unwrap_or_default().to_owned();
                (text("eventTime"), text("reason"), text("note"))
            })
            .filter(|(_, reason, _)| reasons.contains(&reason.as_str()))
            .collect();
        events.sort();
        events.into_iter().map(|(_, _, note)| note).collect()
    }

    pub(super) async fn steps(&self) -> Vec<String> {
        self.events(&["RolloutStep"]).await
    }

    async fn annotate(&self, annotations: Value) {
        let patch = json!({"metadata": {"annotations": annotations}});
        self.fleet.clusters().patch("a", &PatchParams::default(), &Patch::Merge(&patch)).await.unwrap();
    }

    /// Nothing is written any more.
    async fn rests(&self) {
        self.until("nothing is written any more", async || {
            let before = (self.fleet.versions().await, self.pods().await, self.get_all_versions().await);
            self.fleet.passes(3).await;
            (self.fleet.versions().await, self.pods().await, self.get_all_versions().await) == before
        })
        .await;
    }

    async fn get_all_versions(&self) -> Vec<Option<String>> {
        self.operations().list(&ListParams::default()).await.unwrap().into_iter().map(|one| one.metadata.resource_version).collect()
    }
}

pub(super) fn run(test: impl AsyncFnOnce()) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(test());
}

/// A restart that takes two instances at once, or one of them twice, or the primary without a hand-over, is an outage.
#[test]
fn a_restart_makes_every_instance_anew_once_and_the_primary_last() {
    run(async || {
        let mut world = World::new("operations-restart", 3).await;
        world.start(3).await;
        let before = world.pods().await;
        world.operation("restart-1", json!({"op": "restart", "timeout": "PT1H"})).await;
        world.operation("restart-2", json!({"op": "restart", "restart": {"onlyPendingRestart": true}})).await;
        world.until("the first is under way", async || !world.fleet.get("a").await["status"]["dbOps"].is_null()).await;
        let cluster = world.fleet.get("a").await;
        assert_eq!(cluster["status"]["dbOps"]["name"], "restart-1");
        assert!(world.says("restart-2").await.contains("the operation restart-1"), "one at a time: {}", world.says("restart-2").await);

        // A controller that dies in the middle goes on where it was.
        world.until("one instance is anew", async || world.pods().await.values().any(|uid| !before.values().any(|old| old == uid))).await;
        world.fleet.stop().await;
        world.fleet.start();
        let done = world.ended("restart-1").await;
        assert_eq!(condition(&done, "Completed"), ("True".to_owned(), "OperationCompleted".to_owned()), "{done:#}");
        assert_eq!(condition(&done, "Running"), ("False".to_owned(), "OperationNotRunning".to_owned()));
        assert_eq!(condition(&done, "Failed"), ("False".to_owned(), "OperationNotFailed".to_owned()));
        let status = &done["status"];
        assert_eq!(status["restart"]["primaryInstance"], "a-0");
        assert_eq!(status["restart"]["initialInstances"], json!(["a-0", "a-1", "a-2"]));
        assert_eq!(status["restart"]["restartedInstances"], json!(["a-0", "a-1", "a-2"]));
        assert_eq!(status["restart"]["pendingToRestartInstances"], json!([]));
        assert!(status["opStarted"].is_string() && status["restart"]["switchoverInitiated"].is_string(), "{status:#}");
        assert!(status["restart"]["switchoverFinalized"].is_string() && status["opRetries"] == 0, "{status:#}");
        let steps = ["the pod of a-1 is made anew", "the pod of a-2 is made anew", "a-0 hands over to a-1", "the pod of a-0 is made anew"];
        assert_eq!(world.steps().await, steps, "each once, over the death of a controller");
        let after = world.pods().await;
        assert!(before.iter().all(|(name, uid)| after.contains_key(name) && after[name] != *uid), "{before:?} {after:?}");

        let second = world.ended("restart-2").await;
        assert_eq!(condition(&second, "Completed").0, "True");
        assert!(world.says("restart-2").await.contains("no instance waits for a restart"), "{second:#}");
        assert_eq!(world.pods().await, after, "nothing was left to do");
        let told = world.events(&["DbOpStarted", "DbOpCompleted"]).await;
        assert_eq!(told.len(), 4, "{told:?}");
        world.rests().await;
        let cluster = world.fleet.get("a").await;
        assert!(cluster["status"]["dbOps"].is_null() && cluster["status"]["waiting"].is_null(), "{}", cluster["status"]);
        assert_eq!(condition(&cluster, "DisturbanceAllowed").0, "False", "nothing is licensed any more");
        assert_eq!(world.pods().await, after, "what has ended is not done again");
        world.fleet.stop().await;
    });
}

/// An operation that has ended or is gone must not license the next change of anybody.
#[test]
fn a_change_is_licensed_while_its_operation_is_under_way_and_no_longer() {
    run(async || {
        let mut world = World::new("operations-licence", 2).await;
        world.start(2).await;
        world.annotate(json!({"stackgres.io/rollout-dbops": "gone", "stackgres.io/rollout-dbops-method": "reduced-impact"})).await;
        world.cluster(2, json!([{"name": "MARK", "value": "one"}])).await;
        world.until("the change waits", async || condition(&world.fleet.get("a").await, "PendingRestart").0 == "True").await;
        world.fleet.passes(3).await;
        let allowed = world.fleet.get("a").await["status"]["conditions"].to_string();
        assert!(allowed.contains("names gone, which is not under way") && world.steps().await.is_empty(), "{allowed}");

        world.operation("pending", json!({"op": "restart", "restart": {"onlyPendingRestart": true}})).await;
        let done = world.ended("pending").await;
        assert_eq!(condition(&done, "Completed").0, "True", "{done:#}");
        assert_eq!(world.steps().await.len(), 3, "a replica, a hand-over, the old primary: {:?}", world.steps().await);
        let pods = world.fleet.api("v1", "Pod").list(&ListParams::default()).await.unwrap();
        assert_eq!(pods.items.len(), 2, "the method that the annotation names is that of another operation");
        assert!(pods.iter().all(|pod| pod.data["spec"]["containers"].to_string().contains("MARK")));

        world.cluster(2, json!([{"name": "MARK", "value": "two"}])).await;
        world.until("the next change waits", async || condition(&world.fleet.get("a").await, "PendingRestart").0 == "True").await;
        world.fleet.passes(3).await;
        assert_eq!(world.steps().await.len(), 3, "what has ended licenses nothing");
        world.operation("deleted", json!({"op": "restart", "runAt": "2999-01-01T00:00:00Z"})).await;
        world.until_says("deleted", "it does not begin before 2999-01-01T00:00:00Z").await;
        assert_eq!(world.steps().await.len(), 3, "nor does one that has not begun");
        world.fleet.stop().await;
    });
}

/// Whoever holds a cluster works on it; an operation that begins all the same, or whose time passes meanwhile, is of no use.
#[test]
fn a_hold_is_waited_for_and_limits_end_an_operation() {
    run(async || {
        let mut world = World::new("operations-limits", 2).await;
        world.start(2).await;
        let before = world.pods().await;
        world.annotate(json!({"stackgres.io/hold": "index build"})).await;
        world.fleet.passes(2).await;
        world.operation("held", json!({"op": "restart", "timeout": "PT0S"})).await;
        world.until_says("held", "False held: index build").await;
        world.annotate(json!({"stackgres.io/hold": null})).await;
        let late = world.ended("held").await;
        assert_eq!(condition(&late, "Failed"), ("True".to_owned(), "OperationTimedOut".to_owned()), "{late:#}");
        world.fleet.passes(3).await;
        assert_eq!((world.pods().await, world.steps().await.len()), (before.clone(), 0), "its time was over at once");
        assert_eq!(world.events(&["DbOpTimeOut"]).await.len(), 1);

        for (name, spec, said) in [
            ("vacuum", json!({"op": "vacuum"}), "not-supported-yet"),
            ("minor", json!({"op": "minorVersionUpgrade", "minorVersionUpgrade": {"postgresVersion": "17.12"}}), "not-supported-yet"),
        ] {
            world.operation(name, spec).await;
            let failed = world.ended(name).await;
            assert!(condition(&failed, "Failed").0 == "True" && failed.to_string().contains(said), "{name}: {failed:#}");
        }
        // What the definition knows is refused before it is there.
        for (spec, said) in [
            (json!({"sgCluster": "a", "op": "reboot"}), "unknown-operation: "),
            (json!({"sgCluster": "a", "op": "restart", "securityUpgrade": {}}), "operation-section: "),
        ] {
            let object = json!({"apiVersion": "stackgres.io/v1", "kind": "SGDbOps", "metadata": {"name": "refused"}, "spec": spec});
            let object = serde_json::from_value(object).unwrap();
            let refused = world.operations().create(&PostParams::default(), &object).await.unwrap_err().to_string();
            assert!(refused.contains(said), "{refused}");
        }
        world.operation("elsewhere", json!({"op": "restart", "sgCluster": "nobody"})).await;
        world.until_says("elsewhere", "False there is no SGCluster nobody").await;
        world.rests().await;
        assert_eq!(world.pods().await, before);
        world.fleet.stop().await;
    });
}

/// What a person asks for on the command line is the same object, and one who reads along sees how it ends.
#[test]
fn the_command_line_restarts_with_one_instance_more() {
    run(async || {
        let mut world = World::new("operations-verb", 1).await;
        world.start(1).await;
        let before = world.pods().await;
        let (code, said) = tokio::task::block_in_place(|| {
            world.fleet.asked(&["restart", "operations-verb/a", "--method", "reduced-impact", "--name", "by-hand", "--timeout", "120"])
        });
        assert_eq!(code, Some(0), "{said}");
        assert!(said.contains("made the SGDbOps operations-verb/by-hand") && said.contains("1 of 1 instances were made anew"), "{said}");
        let after = world.pods().await;
        assert!(after.len() == 1 && after["a-0"] != before["a-0"], "{after:?}");
        let steps = world.steps().await;
        assert_eq!(steps.first().map(String::as_str), Some("a-1 joins"), "{steps:?}");
        assert!(steps.contains(&"a-0 hands over to a-1".to_owned()), "{steps:?}");
        let (code, said) = tokio::task::block_in_place(|| world.fleet.asked(&["restart", "operations-verb/nobody"]));
        assert!(code == Some(3) && said.contains("there is no SGCluster"), "{said}");
        world.rests().await;
        world.fleet.stop().await;
    });
}

/// A source that still describes an operation makes its object again: it must not restart the database again.
#[test]
fn an_operation_from_git_is_done_once_whatever_becomes_of_its_object() {
    run(async || {
        let mut world = World::new("operations-git", 0).await;
        world.fleet.cluster("a", "");
        let operation = "apiVersion: stackgres.io/v1\nkind: SGDbOps\nmetadata: {name: restart-1}\nspec: {sgCluster: a, op: restart}\n";
        world.fleet.start();
        world.ready(1).await;
        world.fleet.write("restart.yaml", operation);
        world.until("the operation is made", async || world.operations().get_opt("restart-1").await.unwrap().is_some()).await;
        let done = world.ended("restart-1").await;
        assert_eq!(condition(&done, "Completed").0, "True", "{done:#}");
        world.until("it is noted", async || world.fleet.get("a").await["status"]["finishedOperations"][0]["name"] == "restart-1").await;
        let after = world.pods().await;
        world.operations().delete("restart-1", &kube::api::DeleteParams::default()).await.unwrap();
        let uid = done["metadata"]["uid"].as_str().unwrap().to_owned();
        world
            .until("it is made again", async || {
                world.operations().get_opt("restart-1").await.unwrap().is_some_and(|again| again.metadata.uid.unwrap() != uid)
            })
            .await;
        let again = world.ended("restart-1").await;
        assert!(condition(&again, "Completed").0 == "True" && again.to_string().contains("it is done once"), "{again:#}");
        assert!(again["status"]["opStarted"].is_null() && world.pods().await == after, "{again:#}");

        // Another wish under the same name is refused before anything is written.
        world.fleet.write("restart.yaml", &operation.replace("op: restart", "op: restart, timeout: PT1H"));
        world
            .until("it is refused", async || world.fleet.fleet().await["status"]["problems"].to_string().contains("immutable-field"))
            .await;
        assert!(world.get("restart-1").await["spec"]["timeout"].is_null());
        // One for a cluster that is not there is not made.
        world.fleet.write("restart.yaml", &operation.replace("restart-1", "restart-2").replace("sgCluster: a", "sgCluster: b"));
        world.until("it is told", async || world.fleet.fleet().await["status"]["problems"].to_string().contains("missing-reference")).await;
        assert!(world.operations().get_opt("restart-2").await.unwrap().is_none());
        world.fleet.stop().await;
    });
}

/// Newer images of a program that was updated reach no running database by themselves, and by a security upgrade all of it, in the
/// version of PostgreSQL that runs.
#[test]
fn a_security_upgrade_brings_the_newest_images_of_the_running_version() {
    run(async || {
        let mut world = World::new("operations-images", 2).await;
        let catalogue = |tag: &str, more: &str| {
            let image = |component: &str, version: &str| {
                format!(
                    "{{\"component\": \"{component}\", \"version\": \"{version}\", \"image\": \"registry.example/{component}:{version}-{tag}\"}}"
                )
            };
            let all = [image("exporter", "1"), image("pgbouncer", "1.9"), image("postgres", "17.9"), image("util", "17.9")].join(",");
            Settings {
                catalogue: std::sync::Arc::unwrap_or_clone(Settings::default().catalogue)
                    .with_images(&format!("{{\"images\": [{all}{more}]}}"))
                    .unwrap()
                    .into(),
                ..Settings::default()
            }
        };
        world.fleet.settings = catalogue("old", "");
        world.start(2).await;
        let before = world.pods().await;
        world.fleet.stop().await;
        // A newer minor version is there as well: the alias `17` stands for it now.
        world.fleet.settings =
            catalogue("new", ",{\"component\": \"postgres\", \"version\": \"17.10\"},{\"component\": \"util\", \"version\": \"17.10\"}");
        world.fleet.start();
        world.fleet.passes(4).await;
        assert_eq!(world.pods().await, before, "an update of the controller touches nothing");
        let released = world.fleet.get("a").await["status"]["release"]["revision"].clone();

        world.operation("images", json!({"op": "securityUpgrade"})).await;
        let done = world.ended("images").await;
        assert_eq!(condition(&done, "Completed").0, "True", "{done:#}");
        assert_eq!(done["status"]["securityUpgrade"]["restartedInstances"], json!(["a-0", "a-1"]));
        let pods = world.fleet.api("v1", "Pod").list(&ListParams::default()).await.unwrap();
        for pod in &pods {
            let containers = pod.data["spec"]["containers"].to_string();
            assert!(
                containers.contains("postgres:17.9-new") && !containers.contains("-old") && !containers.contains("17.10"),
                "{containers}"
            );
        }
        assert_eq!(world.steps().await.len(), 3, "one disturbance each: {:?}", world.steps().await);
        let release = world.fleet.get("a").await["status"]["release"].clone();
        assert!(release["revision"] != released && release["by"] == "the operation images", "{release}");
        world.rests().await;
        world.fleet.stop().await;
    });
}
