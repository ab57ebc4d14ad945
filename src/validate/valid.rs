//! Clusters that passed.

use super::related::with_other_place;
use super::rules::{Check, Context, rules};
use super::structural::{deprecated, not_supported_yet, structural};
use crate::api::find_kind;
use crate::diagnostics::{Diagnostic, Diagnostics};
use crate::load::Manifest;
use crate::resolve::{Effective, Inputs, Settings, effective};
use std::sync::Arc;

/// A cluster that can be rendered. Only [`check_cluster`] makes one; copies share what they hold.
#[derive(Debug, Clone)]
pub struct ValidCluster(Arc<Valid>);

#[derive(Debug)]
struct Valid {
    inputs: Inputs,
    /// Of this cluster alone.
    settings: Settings,
    major: u32,
}

impl ValidCluster {
    /// The cluster and everything it refers to.
    pub fn inputs(&self) -> &Inputs {
        &self.0.inputs
    }

    /// The values it runs with. They are made anew each time: of the thousands of clusters that are kept few change, and the values
    /// take more memory than everything they are made from.
    pub fn effective(&self) -> Effective {
        effective(&self.0.inputs, &self.0.settings).expect("they were made of the same inputs and settings when the cluster passed")
    }

    /// Major version of PostgreSQL.
    pub fn major(&self) -> u32 {
        self.0.major
    }

    /// Whether both are one in memory, which is seen without a look at them.
    pub fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

/// Everything that can be said of one manifest alone: structure, fields not carried out yet, rules of its kind.
pub fn check_manifest(manifest: &Manifest) -> Diagnostics {
    check_flawed(manifest, &[])
}

/// The same for a document some of whose paths could not be read. What is already known to be wrong is not told again, and
/// neither are rules about the same part: one mistake is one finding.
pub fn check_flawed(manifest: &Manifest, unread: &[String]) -> Diagnostics {
    let told = |problem: &Diagnostic| unread.iter().any(|path| is_below(&problem.path, path));
    let mut diagnostics: Diagnostics = structural(manifest)
        .into_iter()
        .filter(|problem| !told(problem))
        .map(|problem| with_other_place(problem, manifest, None))
        .collect();
    let wrong = wrong_paths(&diagnostics, unread);
    diagnostics.extend(not_supported_yet(manifest));
    diagnostics.extend(deprecated(manifest));
    let is_ours = find_kind(manifest.object.kind()).is_some();
    for rule in rules() {
        let check = match rule.check {
            Check::Manifest(kind, check) if kind == manifest.object.kind() => check,
            Check::Every(check) if is_ours => check,
            _ => continue,
        };
        let found = check(manifest).into_iter().filter(|problem| !touches(&problem.path, &wrong));
        diagnostics.extend(found.map(|problem| with_other_place(problem, manifest, None)));
    }
    diagnostics
}

/// Checks a cluster whose own manifest and references passed [`check_manifest`].
pub fn check_cluster(inputs: Inputs, settings: &Settings) -> (Option<ValidCluster>, Diagnostics) {
    let effective = effective(&inputs, settings);
    let diagnostics = cluster_rules(&Context { inputs: &inputs, effective: effective.as_ref(), settings });
    let major = effective.filter(|_| !diagnostics.has_errors()).map(|effective| effective.postgres.major);
    let valid = major.map(|major| {
        let settings = settings.of(&inputs.name());
        ValidCluster(Arc::new(Valid { inputs, settings, major }))
    });
    (valid, diagnostics)
}

/// What can be said of a cluster that cannot run whatever its other values are: `wrong` paths are not right, or something it
/// refers to is missing. Only rules that look at written values say something; defaults could hide what is meant.
pub fn check_written(inputs: &Inputs, settings: &Settings, wrong: &[String]) -> Diagnostics {
    let found = cluster_rules(&Context { inputs, effective: None, settings });
    found.into_iter().filter(|problem| !touches(&problem.path, wrong)).collect()
}

fn cluster_rules(context: &Context<'_>) -> Diagnostics {
    let mut diagnostics = Diagnostics::new();
    for rule in rules() {
        if let Check::Cluster(check) = rule.check {
            let found = check(context).into_iter();
            diagnostics.extend(found.map(|problem| with_other_place(problem, &context.inputs.cluster, Some(context.inputs))));
        }
    }
    diagnostics
}

/// The paths that are known to be wrong.
pub fn wrong_paths(diagnostics: &Diagnostics, unread: &[String]) -> Vec<String> {
    diagnostics.iter().filter(|problem| problem.is_error()).map(|problem| problem.path.clone()).chain(unread.iter().cloned()).collect()
}

/// Whether a path is another one or lies inside of it.
fn is_below(path: &str, other: &str) -> bool {
    path.strip_prefix(other).is_some_and(|rest| rest.is_empty() || !other.is_empty() && rest.starts_with(['.', '[']))
}

/// Whether a path is about the same part of a document as one of the others: the first three steps decide, for example
/// `spec.pods.customContainers`.
fn touches(path: &str, wrong: &[String]) -> bool {
    let part = part(path);
    wrong.iter().map(|wrong| self::part(wrong)).any(|wrong| is_below(part, wrong) || is_below(wrong, part))
}

fn part(path: &str) -> &str {
    let (mut steps, mut quoted) = (0, false);
    for (at, character) in path.char_indices() {
        quoted ^= character == '"';
        steps += usize::from(!quoted && (character == '.' || character == '['));
        if steps == 3 {
            return &path[..at];
        }
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_of_a_document() {
        assert_eq!(part("spec.pods.customContainers[0].name"), "spec.pods.customContainers");
        assert_eq!(part("spec[\"postgresql.conf\"].a.b"), "spec[\"postgresql.conf\"].a");
        assert_eq!(part("spec.instances"), "spec.instances");
        let touches = |path: &str, wrong: &str| touches(path, &[wrong.to_owned()]);
        assert!(touches("spec.pods.customContainers[0].name", "spec.pods.customContainers[1]") && touches("spec.a.b", "spec.a"));
        assert!(!touches("spec.profile", "spec.instances") && !touches("spec.pods.a", "spec.pods.b") && !touches("spec.ab", "spec.a"));
    }
}
