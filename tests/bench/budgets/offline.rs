//! From a commit to the full plan, without a Kubernetes.

use super::content;
use super::figures::{Budget, Figures, Runs};
use super::machine::memory;
use serde_json::{Value, json};
use stackgres::engine::files::Repository;
use stackgres::engine::offline::{Options, Report, check, plan_between};
use std::path::Path;
use std::process::Command;
use std::time::Instant;

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
