//! From a commit to a Kubernetes: throughput, latency, rest.

use super::content::{self, TOGETHER};
use super::controller::Controller;
use super::figures::{Budget, Figures, Runs};
use super::plane::{Plane, raw};
use super::seen::Seen;
use serde_json::{Value, json};
use stackgres::engine::offline::{Options, SourceFile, check, version};
use stackgres::model::{Object, ObjectKey};
use std::path::Path;
use std::time::{Duration, Instant};

/// How much is measured.
struct Size {
    clusters: usize,
    with_children: usize,
    idle: Duration,
    rounds: usize,
}

const FULL: Size = Size { clusters: 1_000, with_children: 300, idle: Duration::from_secs(65), rounds: 40 };
const QUICK: Size = Size { clusters: 20, with_children: 5, idle: Duration::from_secs(8), rounds: 3 };

/// Longest time for one part: what takes longer is broken.
const PATIENCE: Duration = Duration::from_mins(5);

pub(crate) fn measure(quick: bool, figures: &mut Figures) {
    drop(rustls::crypto::ring::default_provider().install_default());
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let size = if quick { QUICK } else { FULL };
    runtime.block_on(async {
        let raw = reference(&size).await;
        custom_resources(&size, raw.0, figures).await;
        children(&size, raw.1, figures).await;
    });
}

/// Custom resources and children of so many clusters, as the program writes them.
fn objects(clusters: usize) -> (Vec<Object>, Vec<Object>) {
    let files: Vec<SourceFile> =
        content::files(clusters).into_iter().map(|(path, text)| SourceFile { path, content: text.into_bytes().into() }).collect();
    let report = check(&files, &Options::default());
    let children = report.clusters.values().flat_map(|cluster| version(cluster).objects);
    let children = children.filter(|object| object.kind() != "PodMonitor").collect();
    (report.manifests.into_iter().map(|manifest| manifest.object).collect(), children)
}

/// Objects a second that the same client applies, doing nothing else, on a control plane of its own.
async fn reference(size: &Size) -> (f64, f64) {
    let plane = Plane::start().await;
    plane.namespaces(size.clusters).await;
    let resources = raw(&plane.admin, &objects(size.clusters).0).await;
    let children = raw(&plane.admin, &objects(size.with_children).1).await;
    (resources, children)
}

/// A fleet whose content is the repository, with the controller beside it.
struct Running {
    plane: Plane,
    folder: tempfile::TempDir,
    account: std::path::PathBuf,
    clusters: Seen,
}

impl Running {
    async fn new(clusters: usize) -> Self {
        let plane = Plane::start().await;
        plane.namespaces(clusters).await;
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("repository")).unwrap();
        content::repository(&folder.path().join("repository"), &content::files(clusters));
        let account = plane.account();
        let clusters = Seen::new(plane.admin.client(), "stackgres.io", "v1", "SGCluster", "sgclusters", "");
        Self { plane, folder, account, clusters }
    }

    fn controller(&self) -> Controller {
        Controller::start(&self.account, self.folder.path(), &self.folder.path().join("log"))
    }

    fn repository(&self) -> std::path::PathBuf {
        self.folder.path().join("repository")
    }

    async fn fleet(&self, namespaces: &[String], held: bool) {
        let hold = if held { json!({"reason": "measured"}) } else { Value::Null };
        let mut fleet = json!({
            "apiVersion": "stackgres.io/v1alpha1", "kind": "SGFleet", "metadata": {"name": "fleet", "namespace": "team-000"},
            "spec": {"namespaces": namespaces, "drift": "revert",
                "source": {"git": {"url": format!("file://{}", self.repository().display()), "ref": {"branch": "main"}, "interval": "10m"}}},
        });
        if held {
            fleet["spec"]["hold"] = hold;
        }
        self.plane.apply(fleet).await;
    }

    /// Asks the fleet to look at its source, as a webhook does.
    async fn look(&self, round: usize) {
        let patch = json!({"metadata": {"annotations": {"stackgres.io/look-again": format!("bench-{round}")}}});
        let key = ObjectKey::new("stackgres.io/v1alpha1", "SGFleet", Some("team-000"), "fleet");
        self.plane.admin.merge(&key, &patch, "bench", None).await.unwrap();
    }

    /// Seconds from a commit that changes one cluster until its custom resource is changed.
    async fn commits(&self, rounds: usize, clusters: usize) -> Runs {
        let mut runs = Runs::default();
        for round in 1..=rounds {
            let number = (round * 37) % clusters;
            let (namespace, name) = (content::namespace(number), content::name(number));
            let path = format!("{namespace}/{name}.yaml");
            content::change(&self.repository(), &path, &content::cluster(&namespace, number, round));
            let wanted = json!((number * 10_000 + round).to_string());
            let began = Instant::now();
            self.look(round).await;
            let key = format!("{namespace}/{name}");
            self.clusters.until("a commit", PATIENCE, |seen| seen.get(&key).is_some_and(|live| label(live) == Some(&wanted))).await;
            runs.0.push(began.elapsed().as_secs_f64());
            tokio::time::sleep(Duration::from_millis(300)).await;
        }
        runs
    }

    /// Seconds from a live edit until it is put back.
    async fn edits(&self, rounds: usize, clusters: usize) -> Runs {
        let mut runs = Runs::default();
        for round in 1..=rounds {
            let number = (round * 53) % clusters;
            let (namespace, name) = (content::namespace(number), content::name(number));
            let key = ObjectKey::new("stackgres.io/v1", "SGCluster", Some(&namespace), &name);
            let patch = json!({"spec": {"metadata": {"labels": {"clusterPods": {"cost-center": format!("edited-{round}")}}}}});
            let edited = self.plane.admin.merge(&key, &patch, "somebody", None).await.unwrap();
            let began = Instant::now();
            let after: u64 = edited.resource_version().unwrap().parse().unwrap();
            let wanted = |live: &Value| {
                let version = live["metadata"]["resourceVersion"].as_str().and_then(|version| version.parse::<u64>().ok());
                version > Some(after) && label(live) != Some(&json!(format!("edited-{round}")))
            };
            let place = format!("{namespace}/{name}");
            self.clusters.until("an edit", PATIENCE, |seen| seen.get(&place).is_some_and(wanted)).await;
            runs.0.push(began.elapsed().as_secs_f64());
            tokio::time::sleep(Duration::from_millis(300)).await;
        }
        runs
    }

    /// Waits until no cluster changed for a while.
    async fn settled(&self) {
        let began = Instant::now();
        let mut before = Vec::new();
        while began.elapsed() < PATIENCE {
            tokio::time::sleep(Duration::from_secs(3)).await;
            let now: Vec<Option<String>> = self
                .plane
                .admin
                .list("SGCluster", None, "")
                .await
                .unwrap()
                .iter()
                .map(|cluster| cluster.resource_version().map(str::to_owned))
                .collect();
            if now == before {
                return;
            }
            before = now;
        }
        panic!("the clusters do not come to rest");
    }

    /// Requests in a while, by what was asked.
    async fn requests(&self, during: Duration) -> std::collections::BTreeMap<String, f64> {
        let before = self.plane.requests();
        tokio::time::sleep(during).await;
        let mut after = self.plane.requests();
        for (name, count) in &mut after {
            *count -= before.get(name).copied().unwrap_or_default();
        }
        after.retain(|_, count| *count > 0.0);
        after
    }

    /// Requests at rest that come from the controller: those with it, without those without it.
    async fn idle(&self, controller: Controller, during: Duration) -> f64 {
        let with = self.requests(during).await;
        controller.stop();
        tokio::time::sleep(Duration::from_secs(2)).await;
        let without = self.requests(during).await;
        let more = with.iter().map(|(name, count)| (name, (count - without.get(name).copied().unwrap_or_default()).max(0.0)));
        let more: Vec<(&String, f64)> = more.filter(|(_, count)| *count > 0.0).collect();
        for (name, count) in &more {
            eprintln!("  at rest: {count} × {name}");
        }
        more.iter().map(|(_, count)| count).sum()
    }
}

fn label(live: &Value) -> Option<&Value> {
    live.pointer("/spec/metadata/labels/clusterPods/cost-center")
}

/// The clusters' custom resources without anything released: the fleet is held.
async fn custom_resources(size: &Size, reference: f64, figures: &mut Figures) {
    let clusters = size.clusters;
    let running = Running::new(clusters).await;
    let controller = running.controller();
    let namespaces: Vec<String> = (0..clusters.div_ceil(TOGETHER)).map(|number| content::namespace(number * TOGETHER)).collect();
    let began = Instant::now();
    running.fleet(&namespaces, true).await;
    let first = running.clusters.until("the first cluster", PATIENCE, |seen| !seen.is_empty()).await;
    running.clusters.until("every cluster", PATIENCE, |seen| seen.len() == clusters).await;
    let all = began.elapsed();
    let rate = |during: Duration| Runs(vec![clusters as f64 / during.as_secs_f64()]);
    figures.against(
        &format!("{clusters} clusters applied, custom resources alone"),
        "objects/s",
        rate(all.saturating_sub(first)),
        ("raw server-side apply", Runs(vec![reference])),
        Some(Budget::RatioAtLeast(0.8)),
    );
    figures.add("of it from the fleet to the first one: reading, checking, planning", "s", Runs(vec![first.as_secs_f64()]), None);
    running.settled().await;
    latencies(&running, size, clusters, "", figures).await;
    running.settled().await;
    let (most, now) = controller.memory();
    figures.add(&format!("memory at rest, custom resources of {clusters} clusters"), "MiB", Runs(vec![now]), Some(Budget::AtMost(64.0)));
    figures.add(&format!("most memory, custom resources of {clusters} clusters"), "MiB", Runs(vec![most]), None);
    let requests = running.idle(controller, size.idle).await;
    figures.add(
        &format!("requests at rest in {} s beside watches and the Lease", size.idle.as_secs()),
        "requests",
        Runs(vec![requests]),
        Some(Budget::AtMost(0.0)),
    );
    let mut ready = Runs::default();
    for _ in 0..3 {
        let controller = running.controller();
        ready.0.push(controller.ready.as_secs_f64());
        controller.stop();
    }
    figures.add(&format!("start → ready, {clusters} clusters"), "s", ready, Some(Budget::AtMost(1.0)));
    keep_log(running.folder.path(), "custom-resources");
}

async fn latencies(running: &Running, size: &Size, clusters: usize, more: &str, figures: &mut Figures) {
    let commits = running.commits(size.rounds, clusters).await;
    figures.add(&format!("commit → applied, one of {clusters} clusters{more}"), "s", commits.clone(), None);
    figures.add("of it the 99th of 100", "s", Runs(vec![commits.quantile(0.99)]), None);
    let edits = running.edits(size.rounds, clusters).await;
    figures.add(&format!("live edit → put back, one of {clusters} clusters{more}"), "s", edits.clone(), None);
    figures.add("of it the 99th of 100", "s", Runs(vec![edits.quantile(0.99)]), Some(Budget::AtMost(1.0)));
}

/// Clusters with everything they are made of.
async fn children(size: &Size, reference: f64, figures: &mut Figures) {
    let clusters = size.with_children;
    let running = Running::new(clusters).await;
    let sets = Seen::new(running.plane.admin.client(), "apps", "v1", "StatefulSet", "statefulsets", "app=StackGresCluster");
    let controller = running.controller();
    let namespaces: Vec<String> = (0..clusters.div_ceil(TOGETHER)).map(|number| content::namespace(number * TOGETHER)).collect();
    let began = Instant::now();
    running.fleet(&namespaces, false).await;
    running.clusters.until("the first cluster", PATIENCE, |seen| !seen.is_empty()).await;
    let first = began.elapsed();
    // The StatefulSet is the last object of a cluster.
    sets.until("every StatefulSet", PATIENCE, |seen| seen.len() == clusters).await;
    let during = began.elapsed().saturating_sub(first);
    // Besides these a Secret with the revision and those with credentials are made for each cluster: they are not counted.
    let (resources, children) = objects(clusters);
    let rate = Runs(vec![(resources.len() + children.len()) as f64 / during.as_secs_f64()]);
    figures.against(
        &format!("{clusters} clusters applied with their children"),
        "objects/s",
        rate,
        ("raw server-side apply of the children", Runs(vec![reference])),
        Some(Budget::RatioAtLeast(0.8)),
    );
    assert_eq!(sets.count(), clusters);
    running.settled().await;
    latencies(&running, size, clusters, " with children", figures).await;
    running.settled().await;
    let (most, now) = controller.memory();
    figures.add(&format!("memory at rest, {clusters} clusters with children"), "MiB", Runs(vec![now]), None);
    figures.add(&format!("most memory, {clusters} clusters with children"), "MiB", Runs(vec![most]), None);
    let requests = running.idle(controller, size.idle).await;
    figures.add(
        &format!("requests at rest in {} s, with children", size.idle.as_secs()),
        "requests",
        Runs(vec![requests]),
        Some(Budget::AtMost(0.0)),
    );
    keep_log(running.folder.path(), "children");
}

/// What the controller complained of, for who looks after a figure that is odd.
fn keep_log(folder: &Path, name: &str) {
    let target = format!("{}/target/bench", env!("CARGO_MANIFEST_DIR"));
    drop(std::fs::create_dir_all(&target));
    drop(std::fs::copy(folder.join("log"), format!("{target}/{name}.log")));
}
