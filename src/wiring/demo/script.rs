//! What the demo does and says.

use super::display::Display;
use super::repository::DemoRepository;
use crate::engine::controller::now;
use crate::engine::view::{ClusterView, View};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// Longest time for one step; far more than it takes.
const PATIENCE: Duration = Duration::from_secs(90);

/// How often the time is told anew.
const TICK: Duration = Duration::from_millis(500);

/// Where everything is.
pub(super) struct Intro<'a> {
    pub(super) page: &'a str,
    pub(super) api: &'a str,
    pub(super) kubeconfig: &'a Path,
    pub(super) repository: &'a Path,
}

/// One line to standard output. A reader that went away is no failure of the demo.
pub(in crate::wiring) fn say(text: &str) {
    use std::io::Write as _;
    drop(writeln!(std::io::stdout().lock(), "{text}"));
}

fn indented(text: &str) -> String {
    text.trim_end().lines().map(|line| if line.is_empty() { String::new() } else { format!("    {line}") }).collect::<Vec<_>>().join("\n")
}

/// Plays the script.
pub(super) async fn play(
    intro: &Intro<'_>,
    repository: &DemoRepository,
    view: watch::Receiver<Arc<View>>,
    display: &mut Display,
) -> Result<(), String> {
    let mut stage = Stage { view, display };
    stage.say("A Kubernetes API in memory, a Git repository, and the controller between them. Nothing leaves this machine.\n");
    stage.say(&format!("  page         {}", intro.page));
    stage.say(&format!("  Kubernetes   {}", intro.api));
    stage.say(&format!("  kubectl      export KUBECONFIG={}", intro.kubeconfig.display()));
    stage.say(&format!("  repository   {}", intro.repository.display()));

    stage.say("\n1. The first commit describes four clusters.\n");
    stage.until("four clusters are ready", |view| view.clusters.len() == 4 && view.clusters.iter().all(is_ready)).await?;

    let commit = repository.change("shop/parameters.yaml", "work_mem: 16MB", "work_mem: 24MB", "give sorts more memory")?;
    stage.say(&format!("\n2. Commit {commit} changes a parameter that PostgreSQL reads while it runs. The plan:\n"));
    let plan = stage.plan(&commit).await?;
    stage.say(&indented(&plan));
    stage.say("");
    stage.until("the change runs", |view| runs(view, "shop", "orders", &commit)).await?;

    let commit = repository.change("billing/ledger.yaml", "syncInstances: 1", "syncInstance: 1", "misspell a field")?;
    stage.say(&format!("\n3. Commit {commit} misspells a field. It blocks its own cluster, and that one keeps what it runs:\n"));
    stage.until("the mistake is reported", |view| view.fleets.iter().any(|fleet| !fleet.problems.is_empty())).await?;
    for problem in stage.now().fleets.iter().flat_map(|fleet| &fleet.problems) {
        stage.say(&format!("    {} {}: {}", problem.at, problem.code, problem.message));
    }
    let commit = repository.change("billing/ledger.yaml", "syncInstance: 1", "syncInstances: 1", "spell it right")?;
    stage.say(&format!("\n4. Commit {commit} corrects it.\n"));
    let seen = commit.clone();
    let corrected = move |view: &View| view.fleets.iter().all(|fleet| fleet.problems.is_empty() && applied(fleet, &seen));
    stage.until("the source is clean again", corrected).await?;

    let commit = repository.change("shop/parameters.yaml", "max_connections: '200'", "max_connections: '400'", "allow more connections")?;
    stage.say(&format!("\n5. Commit {commit} needs a restart. The plan says so before anything happens:\n"));
    let plan = stage.plan(&commit).await?;
    stage.say(&indented(&plan));
    stage.say("");
    stage.until("every instance runs with it, and one of the replicas leads", |view| runs(view, "shop", "orders", &commit)).await
}

fn is_ready(cluster: &ClusterView) -> bool {
    cluster.ready == "True"
}

fn find<'a>(view: &'a View, namespace: &str, name: &str) -> Option<&'a ClusterView> {
    view.clusters.iter().find(|cluster| cluster.namespace == namespace && cluster.name == name)
}

fn runs(view: &View, namespace: &str, name: &str, commit: &str) -> bool {
    find(view, namespace, name)
        .is_some_and(|cluster| cluster.commit.starts_with(commit) && cluster.running == cluster.released && is_ready(cluster))
}

fn applied(fleet: &crate::engine::view::FleetView, commit: &str) -> bool {
    fleet.applied.as_ref().is_some_and(|applied| applied.revision.starts_with(commit))
}

/// Shows how everything is until the controller ends. For a terminal; elsewhere nobody asked for more lines.
pub(super) async fn watch_on(mut view: watch::Receiver<Arc<View>>, display: &mut Display) {
    loop {
        display.show(&view.borrow_and_update().clone(), "Ctrl-C", 0);
        tokio::select! {
            changed = view.changed() => if changed.is_err() { return },
            // The terminal may have another size by now.
            () = tokio::time::sleep(TICK) => {}
        }
    }
}

struct Stage<'a> {
    view: watch::Receiver<Arc<View>>,
    display: &'a mut Display,
}

impl Stage<'_> {
    fn now(&self) -> Arc<View> {
        self.view.borrow().clone()
    }

    fn say(&mut self, text: &str) {
        self.display.say(text);
    }

    /// Waits, and tells of every cluster that changes meanwhile.
    async fn until(&mut self, what: &str, done: impl Fn(&View) -> bool) -> Result<(), String> {
        let began = now().as_second();
        let waiting = async {
            loop {
                let view = self.view.borrow_and_update().clone();
                self.display.show(&view, what, now().as_second() - began);
                if done(&view) {
                    return Ok(());
                }
                tokio::select! {
                    changed = self.view.changed() => changed.map_err(|_| "the controller ended".to_owned())?,
                    () = tokio::time::sleep(TICK) => {}
                }
            }
        };
        let ended = tokio::time::timeout(PATIENCE, waiting).await;
        match ended {
            Ok(result) => {
                self.display.clear();
                result.map(|()| self.say(&format!("    done: {what}")))
            }
            Err(_) => Err(format!("after {} s still not: {what}", PATIENCE.as_secs())),
        }
    }

    /// The plan of a commit.
    async fn plan(&mut self, commit: &str) -> Result<String, String> {
        let wanted = commit.to_owned();
        let found = self.view.wait_for(|view| view.fleets.iter().any(|fleet| applied(fleet, &wanted) && fleet.plan.contains(&wanted)));
        match tokio::time::timeout(PATIENCE, found).await {
            Ok(Ok(view)) => Ok(view.fleets.iter().map(|fleet| fleet.plan.clone()).collect()),
            Ok(Err(_)) => Err("the controller ended".to_owned()),
            Err(_) => Err(format!("after {} s there is no plan of {commit}", PATIENCE.as_secs())),
        }
    }
}
