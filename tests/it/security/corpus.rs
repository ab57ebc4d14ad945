//! The inputs that fuzzing kept, on the ordinary build: what was found once stays found (`tests/fuzz`).

#[path = "../../fuzz/targets/mod.rs"]
mod targets;

use std::collections::BTreeSet;
use std::path::Path;
use targets::TARGETS;

fn inputs(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let entries = std::fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut found: Vec<_> =
        entries.map(|entry| entry.unwrap().path()).map(|path| (path.display().to_string(), std::fs::read(path).unwrap())).collect();
    found.sort();
    found
}

/// Runs one target over everything that was kept for it; tells every input that it fails on.
fn replay(name: &str) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz/corpus").join(name);
    let (_, target) = TARGETS.iter().find(|(known, _)| *known == name).unwrap();
    let inputs = inputs(&root);
    assert!(inputs.len() >= 5, "the corpus of {name} is lost");
    let failed: Vec<&str> =
        inputs.iter().filter(|(_, input)| std::panic::catch_unwind(|| target(input)).is_err()).map(|(path, _)| path.as_str()).collect();
    assert!(failed.is_empty(), "{name} fails on {failed:?}");
}

/// A corpus that no test runs over would rot.
#[test]
fn every_target_has_its_corpus() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz/corpus");
    let folders: BTreeSet<String> =
        std::fs::read_dir(root).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    assert_eq!(folders, TARGETS.iter().map(|(name, _)| (*name).to_owned()).collect());
    let here = include_str!("corpus.rs");
    for name in folders {
        assert!(here.contains(&format!("replay(\"{name}\")")), "{name} is not replayed");
    }
}

/// Bytes of a repository become documents: nothing vanishes, nothing panics, nothing moves a terminal.
#[test]
fn kept_inputs_load() {
    replay("load");
}

/// A finding at the wrong line sends people to the wrong place.
#[test]
fn kept_inputs_source_map() {
    replay("source_map");
}

/// A value whose canonical spelling means something else restarts a server for nothing, or hides that it must.
#[test]
fn kept_inputs_parameters() {
    replay("parameters");
}

/// A window that never closes, or a quantity that shrinks, is an outage.
#[test]
fn kept_inputs_quantities() {
    replay("quantities");
}

/// A secret that some text around it uncovers.
#[test]
fn kept_inputs_diff() {
    replay("diff");
}

/// Who is on the internet and does not know the secret.
#[test]
fn kept_inputs_webhooks() {
    replay("webhooks");
}

/// What a pull request shows.
#[test]
fn kept_inputs_plan() {
    replay("plan");
}
