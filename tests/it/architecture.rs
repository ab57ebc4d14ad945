//! Who may import what (DESIGN §4), how long a file may be, and that each folder says what it is for.

use std::path::{Path, PathBuf};

const WORDS: &[&str] = &["model", "diagnostics", "postgres", "api"];
const STAGES: &[&str] = &["load", "resolve", "validate", "render", "diff", "plan", "health", "rollout", "status", "preview"];
const ADAPTERS: &[&str] = &["source", "kubernetes", "instance", "forge", "secrets", "telemetry"];
const ENGINE: &[&str] = &["apply", "engine"];
const FACES: &[&str] = &["cli", "web", "hooks"];
/// Crates and parts of std that only the outer layers may use.
const WORLD: &[&str] = &[
    "kube::",
    "git2::",
    "tokio::",
    "reqwest::",
    "axum::",
    "clap::",
    "std::fs",
    "std::env",
    "std::net",
    "std::process",
    "tracing::",
    "notify::",
];

fn sources() -> Vec<(PathBuf, String)> {
    fn walk(folder: &Path, files: &mut Vec<(PathBuf, String)>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, files);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                files.push((path.clone(), std::fs::read_to_string(&path).unwrap()));
            }
        }
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    walk(&root, &mut files);
    files.sort();
    files.into_iter().map(|(path, text)| (path.strip_prefix(&root).unwrap().to_owned(), text)).collect()
}

/// The folder a file belongs to: its layer.
fn layer(path: &Path) -> String {
    let first = path.components().next().unwrap().as_os_str().to_string_lossy().into_owned();
    first.trim_end_matches(".rs").to_owned()
}

fn allowed(from: &str, to: &str) -> bool {
    let stage = |name: &str| STAGES.iter().position(|stage| *stage == name);
    if from == to || ["main", "lib", "wiring"].contains(&from) {
        return true;
    }
    match from {
        "model" => false,
        "diagnostics" | "postgres" | "api" => to == "model",
        _ if stage(from).is_some() => WORDS.contains(&to) || stage(to).is_some_and(|to| Some(to) < stage(from)),
        _ if ADAPTERS.contains(&from) => ["model", "diagnostics", "api"].contains(&to),
        "apply" => WORDS.contains(&to) || STAGES.contains(&to) || ADAPTERS.contains(&to),
        "engine" => !FACES.contains(&to) && !["wiring", "main"].contains(&to),
        _ if FACES.contains(&from) => ["engine", "settings", "preview"].contains(&to) || WORDS.contains(&to),
        "sandbox" => ["model", "diagnostics", "api", "postgres", "validate"].contains(&to),
        "settings" => WORDS.contains(&to),
        _ => false,
    }
}

/// Code without comments and without its unit tests.
fn code(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.lines()
        .enumerate()
        .take_while(|(_, line)| !line.starts_with("#[cfg(test)]"))
        .filter(|(_, line)| !line.trim_start().starts_with("//"))
}

#[test]
fn imports_follow_the_table() {
    let mut problems = Vec::new();
    for (path, text) in sources() {
        let from = layer(&path);
        let pure = WORDS.contains(&from.as_str()) || STAGES.contains(&from.as_str());
        for (number, line) in code(&text) {
            for part in line.split("crate::").skip(1) {
                let to: String = part.chars().take_while(|character| character.is_ascii_alphanumeric() || *character == '_').collect();
                if !to.is_empty() && !allowed(&from, &to) {
                    problems.push(format!("src/{}:{} uses crate::{to} ({from} must not use it)", path.display(), number + 1));
                }
            }
            if pure {
                for name in WORLD.iter().filter(|name| line.contains(**name)) {
                    problems.push(format!("src/{}:{} uses {name} (a pure stage does no input or output)", path.display(), number + 1));
                }
            }
            if ENGINE.contains(&from.as_str()) && ["clap::", "axum::"].iter().any(|name| line.contains(name)) {
                problems.push(format!("src/{}:{} uses a face's crate", path.display(), number + 1));
            }
        }
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

#[test]
fn files_are_short_and_folders_explain_themselves() {
    for (path, text) in sources() {
        let lines = text.lines().take_while(|line| !line.starts_with("#[cfg(test)]")).count();
        assert!(lines < 700, "src/{} has {lines} lines; split it by idea", path.display());
        assert!(text.starts_with("//!"), "src/{} does not say what it is for", path.display());
        if path.ends_with("mod.rs") && path.components().count() == 2 {
            for word in ["In:", "Out:", "Invariant:", "Why:"] {
                assert!(text.contains(word), "src/{} lacks `{word}`", path.display());
            }
        }
    }
}
