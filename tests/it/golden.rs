//! Golden folders: a repository in, rendered objects or a plan out. `UPDATE_GOLDEN=1` rewrites; read what it wrote.

use stackgres::engine::offline::{LoadOptions, Options, Report, SourceFile, check, plan_between, plan_text, version};
use std::path::{Path, PathBuf};

fn options() -> Options {
    Options { load: LoadOptions { default_namespace: Some("default".to_owned()), ..LoadOptions::default() }, ..Options::default() }
}

fn report(folder: &Path) -> Report {
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let files: Vec<SourceFile> = files
        .iter()
        .map(|path| SourceFile {
            path: path.file_name().unwrap().to_string_lossy().into_owned(),
            content: std::fs::read(path).unwrap().into(),
        })
        .collect();
    check(&files, &options())
}

fn cases(kind: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(kind);
    let mut cases: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    cases.sort();
    assert!(!cases.is_empty());
    cases
}

fn compare(path: &Path, found: &str) {
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(path, found).unwrap();
    }
    let wanted = std::fs::read_to_string(path).unwrap_or_default();
    let diff = similar::TextDiff::from_lines(&wanted, found).unified_diff().context_radius(3).to_string();
    assert!(diff.is_empty(), "{} differs; if that is right, run with UPDATE_GOLDEN=1 and read the file\n{diff}", path.display());
}

/// A change here is a change of what runs in every cluster.
#[test]
fn rendered_objects() {
    for case in cases("render") {
        let report = report(&case.join("input"));
        assert!(!report.diagnostics.has_errors(), "{}: {:?}", case.display(), report.diagnostics);
        let objects = |report: &Report| -> String {
            report
                .clusters
                .values()
                .flat_map(|cluster| version(cluster).objects)
                .map(|object| format!("---\n{}", serde_yaml::to_string(object.value()).unwrap()))
                .collect()
        };
        compare(&case.join("rendered.yaml"), &objects(&report));
    }
}

/// What people read before they merge.
#[test]
fn plans() {
    for case in cases("plan") {
        let (base, head) = (report(&case.join("base")), report(&case.join("head")));
        compare(&case.join("plan.txt"), &plan_text(&plan_between(&base, "base", &head, "head"), false));
    }
}
