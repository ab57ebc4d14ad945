//! From a commit to the full plan, without a Kubernetes.

use super::content;
use super::figures::{Budget, Figures, Runs};
use super::machine::memory;
use serde_json::{Value, json};
use stackgres::engine::files::{Files, Repository};
use stackgres::engine::offline::{Known, Options, Report, check, check_again, plan_between};
use stackgres::source::{GitSettings, GitSource, Poll, RevisionKey};
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;

/// First argument of the process that is measured by itself.
pub(crate) const CHILD: &str = "measure-offline";

/// Clusters of the large fleet, and of the one whose memory is measured.
const CLUSTERS: (usize, usize) = (10_000, 1_000);

pub(crate) fn measure(quick: bool, figures: &mut Figures) {
    let (clusters, fewer) = if quick { (200, 100) } else { CLUSTERS };
    let rounds = if quick { 1 } else { 3 };
    let large = tempfile::tempdir().unwrap();
    content::repository(large.path(), &content::files(clusters));
    let (mut reading, mut cold, mut peak) = (Runs::default(), Runs::default(), Runs::default());
    let mut stages: Vec<(String, Runs)> = Vec::new();
    for _ in 0..rounds {
        let began = Instant::now();
        assert!(content::read_with_libgit2(large.path()) > 0);
        reading.0.push(milliseconds(began));
        let found = apart(&["cold", large.path().to_str().unwrap()]);
        assert_eq!(found["clusters"], clusters);
        cold.0.push(found["milliseconds"].as_f64().unwrap());
        peak.0.push(found["peak"].as_f64().unwrap());
        for (stage, taken) in found["stages"].as_object().unwrap() {
            match stages.iter_mut().find(|(name, _)| name == stage) {
                Some((_, runs)) => runs.0.push(taken.as_f64().unwrap()),
                None => stages.push((stage.clone(), Runs(vec![taken.as_f64().unwrap()]))),
            }
        }
    }
    let what = format!("{clusters} clusters, commit → full plan, cold");
    let reference = ("libgit2 reading the same blobs", reading.clone());
    figures.against(&what, "ms", cold, reference, Some(Budget::RatioAtMost(3.0)));
    for (stage, taken) in stages {
        figures.add(&format!("of it {stage}"), "ms", taken, None);
    }
    figures.add(&format!("most memory of a plan of {clusters} new clusters"), "MiB", peak, None);
    let found = apart(&["changed", large.path().to_str().unwrap(), if quick { "2" } else { "7" }]);
    let runs = |name: &str| Runs(found[name].as_array().unwrap().iter().map(|taken| taken.as_f64().unwrap()).collect());
    let what = format!("{clusters} clusters, one file changed: commit → plan");
    figures.against(&what, "ms", runs("whole"), ("libgit2 reading the same blobs", reading.clone()), Some(Budget::AtMost(50.0)));
    figures.add("of it reading what changed", "ms", runs("reading"), None);
    figures.add("of it checking what changed", "ms", runs("checking"), None);
    figures.add("of it planning", "ms", runs("planning"), None);
    let small = tempfile::tempdir().unwrap();
    content::repository(small.path(), &content::files(fewer));
    let found = apart(&["cold", small.path().to_str().unwrap()]);
    let peak = Runs(vec![found["peak"].as_f64().unwrap()]);
    figures.add(&format!("most memory of a plan of {fewer} new clusters"), "MiB", peak, None);
}

fn milliseconds(began: Instant) -> f64 {
    began.elapsed().as_secs_f64() * 1_000.0
}

/// Measures in a process of its own, whose memory is nobody else's.
fn apart(arguments: &[&str]) -> Value {
    let output = Command::new(std::env::current_exe().unwrap()).arg(CHILD).args(arguments).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// What the process by itself does.
pub(crate) fn child(arguments: &[String]) {
    let found = match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["cold", folder] => cold(Path::new(folder)),
        ["changed", folder, rounds] => changed(Path::new(folder), rounds.parse().unwrap()),
        _ => panic!("unknown measurement"),
    };
    println!("{found}");
}

fn cold(folder: &Path) -> Value {
    let began = Instant::now();
    let files = Repository::open(folder).unwrap().revision("main", "").unwrap();
    let read = milliseconds(began);
    let report = check(&files.files, &Options::default());
    let checked = milliseconds(began);
    let plan = plan_between(&Report::default(), "", &report, &files.revision);
    let planned = milliseconds(began);
    assert!(report.blocked.is_empty() && !report.diagnostics.has_errors());
    json!({
        "clusters": plan.changing(),
        "milliseconds": planned,
        "stages": {"reading": read, "loading and checking": checked - read, "rendering and planning": planned - checked},
        "peak": memory("self").0,
    })
}

/// One file changes, again and again, and everything but what that changes is known.
fn changed(folder: &Path, rounds: usize) -> Value {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    // As the controller reads it, which knows the files of the commit before.
    let source = GitSource::new(GitSettings { local: true, ..GitSettings::new(folder.display().to_string(), "none") }).unwrap();
    let mut key: Option<RevisionKey> = None;
    let mut files = || {
        let deadline = tokio::time::Instant::now() + Duration::from_mins(2);
        let polled = runtime.block_on(source.latest(key.as_ref(), deadline, &CancellationToken::new())).unwrap();
        let Poll::Changed(snapshot) = polled.poll else { panic!("nothing changed") };
        key = Some(snapshot.revision.key());
        Files::of(&snapshot)
    };
    let mut known = Known::default();
    let mut before = check_again(&files().files, &Options::default(), &mut known);
    let (mut whole, mut reading, mut checking, mut planning) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for round in 1..=rounds {
        let number = round * 13;
        let (namespace, name) = (content::namespace(number), content::name(number));
        content::change(folder, &format!("{namespace}/{name}.yaml"), &content::cluster(&namespace, number, round));
        let began = Instant::now();
        let files = files();
        let read = milliseconds(began);
        let report = check_again(&files.files, &Options::default(), &mut known);
        let checked = milliseconds(began);
        let plan = plan_between(&before, "before", &report, &files.revision);
        let planned = milliseconds(began);
        assert_eq!((plan.clusters.len(), plan.total), (1, report.clusters.len()));
        whole.push(planned);
        reading.push(read);
        checking.push(checked - read);
        planning.push(planned - checked);
        before = report;
    }
    json!({"whole": whole, "reading": reading, "checking": checking, "planning": planning})
}
