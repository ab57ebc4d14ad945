//! What befalls the controller on a real API server: a server that is away, throttles, forgets or goes back in time, rights that are taken
//! away, and a leader that is killed or frozen. Table: docs/api-faults.md.

use super::deployed::{said, until};
use super::*;
use std::process::{Child, Command, Stdio};

/// Stops or starts a part of the control plane.
fn component(server: &Server, what: &str, name: &str) {
    let output = Command::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cluster/component"))
        .args([what, name])
        .env("STACKGRES_CLUSTER_DIR", server.folder.as_ref().unwrap())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", said(&output));
}

/// The configuration of PostgreSQL that the children of a cluster carry.
async fn carried(fleet: &Fleet, cluster: &str) -> String {
    let map = fleet.api("v1", "Endpoints").get(&format!("{cluster}-config")).await;
    map.ok().and_then(|map| map.metadata.annotations?.get("config").cloned()).unwrap_or_default()
}

/// The cluster with this `work_mem`.
fn with(fleet: &Fleet, name: &str, work_mem: &str) {
    fleet.cluster(name, &format!("  configurations: {{postgres: {{postgresql.conf: {{work_mem: {work_mem}}}}}}}\n"));
}

/// Waits until clusters run what was released to them, and their children carry this.
async fn settled(fleet: &Fleet, names: &[&str], kilobytes: &str) {
    until(&format!("{names:?} run with {kilobytes}"), async || {
        for name in names {
            let Ok(cluster) = fleet.clusters().get(name).await else { return false };
            let status = &cluster.data["status"];
            let runs = !status["running"]["revision"].is_null() && status["running"]["revision"] == status["release"]["revision"];
            if !runs || !carried(fleet, name).await.contains(kilobytes) {
                return false;
            }
        }
        true
    })
    .await;
}

/// A fleet that runs, with the cluster `a` as its first commit wants it.
async fn with_one_cluster(server: &Server, namespace: &str, drift: &str) -> Fleet {
    let mut fleet = Fleet::new(server, namespace, drift).await;
    with(&fleet, "a", "8MB");
    fleet.start();
    settled(&fleet, &["a"], "8192kB").await;
    fleet
}

/// Waits until passes write nothing any more. Kubernetes' own controllers come back later than the server.
async fn quiet(fleet: &Fleet) {
    until("nothing is written any more", async || {
        let before = fleet.versions().await;
        fleet.passes(3).await;
        fleet.versions().await == before
    })
    .await;
}

/// The generated passwords of a cluster: written once, and never again whatever happens.
async fn passwords(fleet: &Fleet) -> BTreeMap<String, Value> {
    let secrets = fleet.api("v1", "Secret").list(&ListParams::default().fields("type=Opaque")).await.unwrap();
    let found: BTreeMap<String, Value> = secrets
        .into_iter()
        .filter(|secret| secret.data["data"].get("superuser-password").is_some())
        .map(|secret| (secret.metadata.name.unwrap(), secret.data["data"].clone()))
        .collect();
    assert!(!found.is_empty(), "no password was made yet");
    found
}

/// Part of the control plane goes away in the middle of the first carrying out, and a commit comes meanwhile.
async fn goes_away(server: &Server, namespace: &str, parts: &[&str], seconds: u64) {
    let mut fleet = Fleet::new(server, namespace, "revert").await;
    for name in ["a", "b", "c"] {
        fleet.cluster(name, "");
    }
    fleet.start();
    tokio::time::sleep(Duration::from_millis(700)).await;
    for part in parts {
        component(server, "stop", part);
    }
    with(&fleet, "a", "9MB");
    tokio::time::sleep(Duration::from_secs(seconds)).await;
    for part in parts.iter().rev() {
        component(server, "start", part);
    }
    settled(&fleet, &["a"], "9216kB").await;
    settled(&fleet, &["b", "c"], "").await;
    let revisions = fleet.api("v1", "Secret").list(&ListParams::default().fields("type=stackgres.io/revision")).await.unwrap();
    assert!(revisions.items.len() <= 4, "three clusters, one of them changed once: {}", revisions.items.len());
    quiet(&fleet).await;
    fleet.stop().await;
}

/// Restarts of the API server are daily life; nothing may be lost or half done afterwards.
#[test]
fn a_restart_of_the_api_server_loses_nothing() {
    on_the_real_server("a_restart_of_the_api_server_loses_nothing", async |server| {
        goes_away(&server, "stackgres-restart", &["apiserver"], 2).await;
    });
}

/// The store is away while the API server answers: errors of another kind, and writes whose fate is unknown.
#[test]
fn a_restart_of_etcd_loses_nothing() {
    on_the_real_server("a_restart_of_etcd_loses_nothing", async |server| {
        goes_away(&server, "stackgres-etcd", &["etcd"], 3).await;
    });
}

/// Minutes without the API server are longer than every deadline, watch and lease of the client.
#[test]
fn minutes_without_the_api_server_lose_nothing() {
    if std::env::var("STACKGRES_TEST_FULL").as_deref() != Ok("1") {
        eprintln!("left out: minutes_without_the_api_server_lose_nothing takes three minutes; tests/run --full runs it");
        return;
    }
    on_the_real_server("minutes_without_the_api_server_lose_nothing", async |server| {
        goes_away(&server, "stackgres-minutes", &["apiserver"], 150).await;
    });
}

/// The store is restored from a snapshot: what was written since is gone, and resource versions go back. A controller that trusts what it
/// remembers would wait for ever or write over passwords.
#[test]
fn a_store_that_goes_back_in_time_is_brought_forward_again() {
    on_the_real_server("a_store_that_goes_back_in_time_is_brought_forward_again", async |server| {
        let mut fleet = with_one_cluster(&server, "stackgres-snapshot", "revert").await;
        quiet(&fleet).await;
        let password = passwords(&fleet).await;
        let folder = server.folder.clone().unwrap();
        let copy = |from: &str, to: &str| {
            let paths = [folder.join(from), folder.join(to)];
            assert!(Command::new("cp").arg("-a").args(paths).status().unwrap().success());
        };
        let restart = |between: &dyn Fn()| {
            for part in ["apiserver", "etcd"] {
                component(&server, "stop", part);
            }
            between();
            for part in ["etcd", "apiserver"] {
                component(&server, "start", part);
            }
        };
        restart(&|| copy("etcd", "etcd-snapshot"));
        with(&fleet, "a", "9MB");
        fleet.cluster("b", "");
        settled(&fleet, &["a"], "9216kB").await;
        settled(&fleet, &["b"], "").await;
        restart(&|| {
            std::fs::remove_dir_all(folder.join("etcd")).unwrap();
            std::fs::rename(folder.join("etcd-snapshot"), folder.join("etcd")).unwrap();
        });
        settled(&fleet, &["a"], "9216kB").await;
        settled(&fleet, &["b"], "").await;
        let after = passwords(&fleet).await;
        assert!(password.iter().all(|(secret, data)| after.get(secret) == Some(data)), "a password is made once");
        quiet(&fleet).await;
        fleet.stop().await;
    });
}

/// Objects come back from a dump that is older than the last change, without their status, as a backup tool brings them. Which revision the
/// data belongs to is not known then, so nothing is done to it until a person says so; the newest commit is carried out after that, and the
/// passwords are those of the dump, with which the data on the volumes can be opened.
#[test]
fn objects_restored_from_an_old_dump_are_brought_forward() {
    on_the_real_server("objects_restored_from_an_old_dump_are_brought_forward", async |server| {
        let namespace = "stackgres-dump";
        let mut fleet = with_one_cluster(&server, namespace, "revert").await;
        let password = passwords(&fleet).await;
        let kinds = "sgfleets,sgclusters,secrets,configmaps,services,statefulsets,serviceaccounts,roles,rolebindings";
        let dump = server.kubectl(&["get", kinds, "-n", namespace, "-o", "json"]);
        assert!(dump.status.success(), "{}", said(&dump));
        let mut dump: Value = serde_json::from_slice(&dump.stdout).unwrap();
        // Revisions are written by the controller alone: a policy refuses them to every tool.
        dump["items"].as_array_mut().unwrap().retain(|item| item["type"] != "stackgres.io/revision");
        for item in dump["items"].as_array_mut().unwrap() {
            item.as_object_mut().unwrap().remove("status");
            for field in ["uid", "resourceVersion", "creationTimestamp", "managedFields", "generation"] {
                item["metadata"].as_object_mut().unwrap().remove(field);
            }
        }
        with(&fleet, "a", "9MB");
        settled(&fleet, &["a"], "9216kB").await;
        // The way to delete: out of the source, annotated, deleted.
        std::fs::remove_file(fleet.folder.path().join("a.yaml")).unwrap();
        fleet.passes(2).await;
        server.kubectl(&["annotate", "sgcluster", "a", "-n", namespace, "stackgres.io/deletion-protection=false"]);
        let deleted = server.kubectl(&["delete", "sgcluster", "a", "-n", namespace, "--timeout=30s"]);
        assert!(deleted.status.success(), "{}", said(&deleted));
        until("the namespace is free", async || {
            !said(&server.kubectl(&["get", "namespace", namespace, "--show-labels"])).contains("in-use=true")
        })
        .await;
        fleet.stop().await;
        let gone = server.kubectl(&["delete", "namespace", namespace, "--timeout=60s"]);
        assert!(gone.status.success(), "{}", said(&gone));
        with(&fleet, "a", "9MB");
        crate::real_cluster::namespace(&server.admin, namespace).await;
        let file = fleet.folder.path().join("dump.txt");
        std::fs::write(&file, dump.to_string()).unwrap();
        let restored = server.kubectl(&["apply", "--server-side", "--force-conflicts", "-f", file.to_str().unwrap()]);
        assert!(restored.status.success(), "{}", said(&restored));
        fleet.start();
        let waiting = async || {
            fleet.clusters().get("a").await.ok().and_then(|cluster| cluster.data.pointer("/status/waiting/by")?.as_str().map(str::to_owned))
        };
        until("it waits for a person", async || waiting().await.is_some_and(|by| by.contains("accept-release="))).await;
        fleet.passes(3).await;
        assert_eq!(passwords(&fleet).await, password, "a password is never made again over old data");
        let by = waiting().await.unwrap();
        let annotation = by.split_whitespace().last().unwrap();
        let accepted = server.kubectl(&["annotate", "sgcluster", "a", "-n", namespace, annotation]);
        assert!(accepted.status.success(), "{}", said(&accepted));
        settled(&fleet, &["a"], "9216kB").await;
        assert_eq!(passwords(&fleet).await, password, "a password is never made again over old data");
        quiet(&fleet).await;
        fleet.stop().await;
    });
}

/// The rights are taken away for a while, as a mistake in a Helm chart does: nothing is half done, and when they are back everything goes on.
#[test]
fn rights_that_are_taken_away_are_waited_for() {
    on_the_real_server("rights_that_are_taken_away_are_waited_for", async |server| {
        let mut fleet = with_one_cluster(&server, "stackgres-rights", "revert").await;
        quiet(&fleet).await;
        let before = fleet.versions().await;
        let deleted = server.kubectl(&["delete", "clusterrolebinding", "stackgres"]);
        assert!(deleted.status.success(), "{}", said(&deleted));
        with(&fleet, "a", "9MB");
        tokio::time::sleep(Duration::from_secs(5)).await;
        assert_eq!(fleet.versions().await, before);
        let root = concat!(env!("CARGO_MANIFEST_DIR"), "/deploy");
        server.kubectl(&["apply", "--server-side", "--force-conflicts", "-k", root]);
        settled(&fleet, &["a"], "9216kB").await;
        quiet(&fleet).await;
        fleet.stop().await;
    });
}

/// The API server refuses every request of the controller with 429 for a while (flow control with no share at all): nothing is half done,
/// and it goes on afterwards.
#[test]
fn an_api_server_that_throttles_is_waited_for() {
    on_the_real_server("an_api_server_that_throttles_is_waited_for", async |server| {
        let mut fleet = with_one_cluster(&server, "stackgres-throttled", "revert").await;
        quiet(&fleet).await;
        let level = json!({"apiVersion": "flowcontrol.apiserver.k8s.io/v1", "kind": "PriorityLevelConfiguration", "metadata": {"name": "nothing"},
            "spec": {"type": "Limited", "limited": {"nominalConcurrencyShares": 0, "lendablePercent": 0, "borrowingLimitPercent": 0, "limitResponse": {"type": "Reject"}}}});
        // The content of a repository is applied in the name of its fleet's account, which counts by itself.
        let subjects = [("stackgres", "stackgres"), ("stackgres-fleet", "stackgres-throttled")]
            .map(|(name, namespace)| json!({"kind": "ServiceAccount", "serviceAccount": {"name": name, "namespace": namespace}}));
        let flow = json!({"apiVersion": "flowcontrol.apiserver.k8s.io/v1", "kind": "FlowSchema", "metadata": {"name": "nothing"},
            "spec": {"matchingPrecedence": 2, "priorityLevelConfiguration": {"name": "nothing"}, "rules": [{
                "subjects": subjects,
                "resourceRules": [{"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"], "clusterScope": true, "namespaces": ["*"]}]}]}});
        let file = fleet.folder.path().join("throttle.txt");
        std::fs::write(&file, json!({"apiVersion": "v1", "kind": "List", "items": [level, flow]}).to_string()).unwrap();
        let applied = server.kubectl(&["apply", "-f", file.to_str().unwrap()]);
        assert!(applied.status.success(), "{}", said(&applied));
        let busy = Busy::start(&server).await;
        with(&fleet, "a", "9MB");
        tokio::time::sleep(Duration::from_secs(5)).await;
        let meanwhile = fleet.work_mem().await;
        drop(busy);
        // Before anything can fail: what is left of it would throttle every other test.
        let deleted = server.kubectl(&["delete", "-f", file.to_str().unwrap()]);
        assert!(deleted.status.success(), "{}", said(&deleted));
        assert_eq!(meanwhile.as_deref(), Some("8MB"), "nothing goes through");
        settled(&fleet, &["a"], "9216kB").await;
        quiet(&fleet).await;
        fleet.stop().await;
    });
}

/// A request that is carried out for as long as this lives. A priority level without a seat still lets one request through while none is
/// carried out, so that it refuses the others because of this one only.
struct Busy(Child);

impl Busy {
    /// Waits until it is: flow control is in force a moment after it is made, and refuses this one too while the controller asks something.
    async fn start(server: &Server) -> Self {
        let begun = std::time::Instant::now();
        let mut busy = Self::ask(server);
        let (mut carried_out, mut seen) = (String::new(), 0);
        while seen < 3 {
            assert!(begun.elapsed() < Duration::from_secs(30), "flow control refuses nothing: {carried_out}");
            tokio::time::sleep(Duration::from_millis(300)).await;
            if busy.0.try_wait().unwrap().is_some() {
                busy = Self::ask(server);
            }
            let levels = server.kubectl(&["get", "--raw", "/debug/api_priority_and_fairness/dump_priority_levels"]);
            let now = String::from_utf8(levels.stdout).unwrap();
            let now = now.lines().find(|line| line.starts_with("nothing,")).unwrap_or_default();
            // Name, queues, idle, ending, waiting, executing, dispatched: one is carried out, and no other was since the last look.
            let now: Vec<_> = now.split(',').map(str::trim).take(7).collect();
            let now = now.get(5..).filter(|now| now[0] == "1").unwrap_or_default().join(" ");
            seen = if !now.is_empty() && now == carried_out { seen + 1 } else { 0 };
            carried_out = now;
        }
        busy
    }

    /// `kubectl` sends the body as it reads it, and there is none to read: the server waits for it, a minute at most. Everybody may ask
    /// what they may do.
    fn ask(server: &Server) -> Self {
        let folder = server.folder.as_ref().unwrap();
        let child = Command::new(folder.join("kubectl"))
            .arg("--kubeconfig")
            .arg(folder.join("controller.kubeconfig"))
            .args(["create", "--raw", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", "-f", "-"])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        Self(child)
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        let _gone = self.0.kill();
        let _reaped = self.0.wait();
    }
}

/// A newer definition is installed while the controller runs, as every upgrade does: the server ends all its watches, and a field that this
/// program does not know is a live edit like others.
#[test]
fn a_definition_that_changes_underneath_loses_nothing() {
    on_the_real_server("a_definition_that_changes_underneath_loses_nothing", async |server| {
        // With `revert` the field would be put back, as nothing of it is in the source.
        let mut fleet = with_one_cluster(&server, "stackgres-definition", "report").await;
        let kind = KINDS.iter().find(|kind| kind.kind == "SGCluster").unwrap();
        let mut newer = serde_json::to_value(crd(kind)).unwrap();
        let properties = &mut newer["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]["properties"];
        properties["later"] = json!({"type": "string", "description": "A field of a later version."});
        let file = fleet.folder.path().join("definition.txt");
        let apply = |definition: &Value| {
            std::fs::write(&file, definition.to_string()).unwrap();
            let applied = server.kubectl(&["apply", "--server-side", "--force-conflicts", "-f", file.to_str().unwrap()]);
            assert!(applied.status.success(), "{}", said(&applied));
        };
        apply(&newer);
        until("the field is served", async || {
            let patch = json!({"spec": {"later": "kept"}});
            fleet
                .clusters()
                .patch("a", &PatchParams::default(), &Patch::Merge(&patch))
                .await
                .is_ok_and(|cluster| cluster.data["spec"]["later"] == "kept")
        })
        .await;
        fleet.passes(3).await;
        assert_eq!(fleet.get("a").await["spec"]["later"], "kept", "what this version does not know is a live edit like others");
        with(&fleet, "a", "9MB");
        settled(&fleet, &["a"], "9216kB").await;
        fleet.stop().await;
        apply(&serde_json::to_value(crd(kind)).unwrap());
    });
}

/// A process of the program itself, as the Deployment starts it.
struct Replica(Child);

impl Replica {
    fn start(server: &Server, fleet: &Fleet, name: &str) -> Self {
        let log = std::fs::File::create(server.folder.as_ref().unwrap().join(format!("log/{name}.log"))).unwrap();
        let child = Command::new(env!("CARGO_BIN_EXE_stackgres"))
            .args(["run", "--listen", "127.0.0.1:0", "--identity", name, "--namespace", "stackgres", "--interval-seconds", "1"])
            .args(["--namespaces", &fleet.namespace, "--directory"])
            .arg(std::env::temp_dir())
            .env("KUBECONFIG", server.folder.as_ref().unwrap().join("controller.kubeconfig"))
            .env("STACKGRES_CACHE_DIRECTORY", fleet.folder.path().join("cache"))
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap();
        Self(child)
    }

    fn log(server: &Server, name: &str) -> String {
        std::fs::read_to_string(server.folder.as_ref().unwrap().join(format!("log/{name}.log"))).unwrap()
    }
}

impl Drop for Replica {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// Who holds the lease.
async fn lease(server: &Server) -> String {
    let kind = kube::core::GroupVersionKind::gvk("coordination.k8s.io", "v1", "Lease");
    let resource = kube::core::ApiResource::from_gvk_with_plural(&kind, "leases");
    let api: Api<DynamicObject> = Api::namespaced_with(server.admin.clone(), "stackgres", &resource);
    let lease = api.get_opt("stackgres").await.unwrap();
    lease.and_then(|lease| lease.data["spec"]["holderIdentity"].as_str().map(str::to_owned)).unwrap_or_default()
}

/// One of two replicas leads; when it is killed in the middle the other one finishes, and ends in order when told to.
#[test]
fn a_killed_leader_is_followed_by_the_other_replica() {
    on_the_real_server("a_killed_leader_is_followed_by_the_other_replica", async |server| {
        let fleet = Fleet::new(&server, "stackgres-leader", "revert").await;
        for name in ["a", "b", "c", "d", "e"] {
            fleet.cluster(name, "");
        }
        let mut first = Replica::start(&server, &fleet, "replica-1");
        until("the first one leads", async || lease(&server).await == "replica-1").await;
        let mut second = Replica::start(&server, &fleet, "replica-2");
        until("the first cluster exists", async || fleet.clusters().get_opt("a").await.unwrap().is_some()).await;
        first.0.kill().unwrap();
        first.0.wait().unwrap();
        until("the second one leads", async || lease(&server).await == "replica-2").await;
        until("all clusters run", async || {
            let clusters = fleet.clusters().list(&ListParams::default()).await.unwrap().items;
            let runs = |cluster: &DynamicObject| {
                let status = &cluster.data["status"];
                !status["running"]["revision"].is_null() && status["running"]["revision"] == status["release"]["revision"]
            };
            clusters.len() == 5 && clusters.iter().all(runs)
        })
        .await;
        // An orderly end: SIGTERM, exit code 0.
        let signalled = Command::new("kill").args(["-TERM", &second.0.id().to_string()]).status().unwrap();
        assert!(signalled.success());
        let ended = tokio::time::timeout(Duration::from_secs(20), async {
            loop {
                if let Some(status) = second.0.try_wait().unwrap() {
                    return status;
                }
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        });
        assert!(ended.await.unwrap().success(), "{}", Replica::log(&server, "replica-2"));
        let log = Replica::log(&server, "replica-1") + &Replica::log(&server, "replica-2");
        let lines: Vec<Value> = log.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("no JSON: {line}"))).collect();
        let in_a_pass = |line: &Value| line["spans"].as_array().is_some_and(|spans| spans.iter().any(|span| span["name"] == "pass"));
        assert!(lines.iter().any(in_a_pass), "every line of a pass carries its span:\n{log}");
    });
}

/// A lease does not stop a paused process: the leader is frozen in the middle of carrying out a commit, for longer than its lease; the other
/// replica finishes that commit and the next one; then the first thaws. It must write nothing of what it had in mind: no value ever goes back.
#[test]
fn a_frozen_leader_writes_nothing_late() {
    on_the_real_server("a_frozen_leader_writes_nothing_late", async |server| {
        let fleet = Fleet::new(&server, "stackgres-frozen", "revert").await;
        let names: Vec<String> = (0..8).map(|number| format!("c{number}")).collect();
        let commit = |work_mem: &str| names.iter().for_each(|name| with(&fleet, name, work_mem));
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let signal = |replica: &Replica, what: &str| {
            assert!(Command::new("kill").args([what, &replica.0.id().to_string()]).status().unwrap().success());
        };
        // What every cluster's parameter was, in order.
        let seen = Arc::new(std::sync::Mutex::new(Vec::<(String, u64)>::new()));
        let (record, clusters) = (seen.clone(), fleet.clusters());
        let recorder = tokio::spawn(async move {
            let mut events = std::pin::pin!(kube::runtime::watcher(clusters, kube::runtime::watcher::Config::default()));
            while let Some(event) = futures::StreamExt::next(&mut events).await {
                let Ok(kube::runtime::watcher::Event::Apply(cluster)) = event else { continue };
                let value = cluster.data.pointer("/spec/configurations/postgres/postgresql.conf/work_mem").and_then(Value::as_str);
                let megabytes = value.and_then(|value| value.strip_suffix("MB")?.parse().ok());
                record.lock().unwrap().extend(megabytes.map(|megabytes| (cluster.metadata.name.unwrap(), megabytes)));
            }
        });
        let first = Replica::start(&server, &fleet, "frozen-1");
        until("the first one leads", async || lease(&server).await == "frozen-1").await;
        commit("8MB");
        settled(&fleet, &names, "8192kB").await;
        let second = Replica::start(&server, &fleet, "frozen-2");
        commit("9MB");
        until("the first one is at it", async || seen.lock().unwrap().iter().any(|(_, megabytes)| *megabytes == 9)).await;
        signal(&first, "-STOP");
        until("the second one leads", async || lease(&server).await == "frozen-2").await;
        settled(&fleet, &names, "9216kB").await;
        commit("10MB");
        settled(&fleet, &names, "10240kB").await;
        signal(&first, "-CONT");
        tokio::time::sleep(Duration::from_secs(8)).await;
        assert_eq!(lease(&server).await, "frozen-2");
        commit("11MB");
        settled(&fleet, &names, "11264kB").await;
        recorder.abort();
        for name in &names {
            let values: Vec<u64> = seen.lock().unwrap().iter().filter(|(of, _)| of == name).map(|(_, megabytes)| *megabytes).collect();
            assert!(
                values.is_sorted() && values.last() == Some(&11),
                "{name} went back: {values:?}\n{}",
                Replica::log(&server, "frozen-1")
            );
        }
        drop((first, second));
    });
}
