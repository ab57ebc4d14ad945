//! Why a cluster is blocked: the findings of its own document and of what it refers to, the root cause first.

use crate::diagnostics::{Diagnostic, Diagnostics, Location};
use crate::load::{LoadOptions, Loaded, SourceFile, load};
use crate::model::{NamespacedName, ObjectKey};
use std::collections::{BTreeMap, BTreeSet};

/// Errors by the object they are about.
pub(super) type Reasons = BTreeMap<ObjectKey, Vec<Diagnostic>>;

/// A consequence of another document's errors.
const CONSEQUENCE: &str = "broken-reference";

/// How many clusters are named.
const NAMED: usize = 8;

/// Errors of the documents that could not be used.
///
/// Loading says which objects they are and, apart from that, what is wrong at which place. The two are brought together by loading
/// each document of a broken file alone, at its own lines.
pub(super) fn of_documents(files: &[SourceFile], loaded: &Loaded, options: &LoadOptions) -> Reasons {
    let mut reasons = Reasons::new();
    if loaded.blocked.is_empty() {
        return reasons;
    }
    let broken: BTreeSet<&str> = errors(&loaded.diagnostics).map(|problem| problem.location.file.as_str()).collect();
    for file in files.iter().filter(|file| broken.contains(file.path.as_str())) {
        for document in documents(file) {
            let alone = load(&[document], options);
            for key in alone.blocked {
                reasons.entry(key).or_default().extend(errors(&alone.diagnostics).cloned());
            }
        }
    }
    for key in &loaded.blocked {
        let twice = format!("{key} is described twice");
        let found = errors(&loaded.diagnostics).filter(|problem| problem.code == "duplicate-object" && problem.message.starts_with(&twice));
        let entry = reasons.entry(key.clone()).or_default();
        entry.extend(found.cloned());
        if entry.is_empty() {
            // Whatever it is, it is one of these.
            entry.extend(errors(&loaded.diagnostics).take(1).cloned());
        }
    }
    reasons
}

fn errors(diagnostics: &Diagnostics) -> impl Iterator<Item = &Diagnostic> {
    diagnostics.iter().filter(|problem| problem.is_error())
}

/// The documents of a file as files of their own, each at the lines where it stands.
fn documents(file: &SourceFile) -> Vec<SourceFile> {
    let Ok(text) = std::str::from_utf8(&file.content) else { return vec![file.clone()] };
    let mut starts = vec![0];
    starts.extend(text.lines().enumerate().filter(|(_, line)| line.starts_with("---")).map(|(number, _)| number));
    let lines: Vec<&str> = text.lines().collect();
    starts
        .iter()
        .enumerate()
        .map(|(index, start)| {
            let end = starts.get(index + 1).copied().unwrap_or(lines.len());
            let content = format!("{}{}\n", "\n".repeat(*start), lines[*start..end].join("\n"));
            SourceFile { path: file.path.clone(), content: content.into_bytes().into() }
        })
        .collect()
}

/// The problems of a cluster's references, each broken one behind what is wrong with the document it leads to.
pub(super) fn with_root_causes(cluster: &NamespacedName, problems: Vec<Diagnostic>, reasons: &Reasons) -> Vec<Diagnostic> {
    let mut all: Vec<Diagnostic> = Vec::new();
    for problem in &problems {
        let roots = reasons
            .iter()
            .filter(|(key, _)| key.namespace.as_deref() == Some(&cluster.namespace) && is_about(problem, key))
            .flat_map(|(_, roots)| roots.iter().cloned());
        for root in roots {
            if !all.contains(&root) {
                all.push(root);
            }
        }
    }
    all.extend(problems);
    all
}

fn is_about(problem: &Diagnostic, key: &ObjectKey) -> bool {
    problem.code == CONSEQUENCE && problem.message == format!("the {} {} has errors of its own", key.kind, key.name)
}

/// One finding for all clusters that refer to the same broken document.
pub(super) fn grouped(diagnostics: Diagnostics, namespaces: &BTreeMap<Location, String>) -> Diagnostics {
    let mut others = Diagnostics::new();
    let mut groups: BTreeMap<(String, String), Vec<Diagnostic>> = BTreeMap::new();
    for problem in diagnostics {
        if problem.code == CONSEQUENCE {
            // The same name in another namespace has its own root cause.
            let namespace = namespaces.get(&problem.location).cloned().unwrap_or_default();
            groups.entry((problem.message.clone(), namespace)).or_default().push(problem);
        } else {
            others.push(problem);
        }
    }
    for problems in groups.into_values() {
        let more = problems.len() - 1;
        let places: Vec<String> = problems.iter().skip(1).take(NAMED).map(|problem| problem.location.to_string()).collect();
        others.extend(problems.into_iter().next().map(|mut first| {
            if more > 0 {
                let rest = if more > NAMED { format!(" and {} more", more - NAMED) } else { String::new() };
                first.message = format!("{}; {} references lead to it", first.message, more + 1);
                first.help = Some(format!("correct it first; the clusters keep what they run; also at {}{rest}", places.join(", ")));
            }
            first
        }));
    }
    others
}

/// By place; what only follows from another finding stands behind it.
pub(super) fn order(diagnostics: &mut Diagnostics) {
    diagnostics.sort();
    diagnostics.0.sort_by_key(|problem| problem.code == CONSEQUENCE);
}
