//! Names that follow from a cluster's name and from Patroni's scope.

use super::{Check, Context, Rule};
use crate::diagnostics::{Code, Diagnostic};
use crate::load::Manifest;
use crate::resolve::Inputs;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

pub(super) const RULES: &[Rule] = &[
    Rule {
        code: Code::error(
            "bad-scope",
            "Patroni's scope cannot name the objects it must name",
            "The scope is the name of the primary Service and, with `-config`, `-failover` and `-sync`, of Patroni's own objects. It must be a DNS label that leaves room for these, and no name the cluster needs for something else.",
        ),
        check: Check::Cluster(scope),
    },
    Rule {
        code: Code::error(
            "name-collision",
            "two clusters of a namespace need an object of the same name",
            "Each cluster has objects named after it (`-config`, `-replicas`, `-rest`, `-ssl`, …) and after Patroni's scope. Two clusters with one name share it: with one scope they share the leader lock, so that one primary stops the other.",
        ),
        check: Check::Cluster(|_| Vec::new()),
    },
];

const SCOPE: &str = "/spec/configurations/patroni/initialConfig/scope";

/// Longest scope: `-failover` must fit behind it into a DNS label.
const LONGEST: usize = 63 - "-failover".len();

fn written(manifest: &Manifest) -> Option<&Value> {
    manifest.object.get(SCOPE).filter(|scope| !scope.is_null())
}

fn scope(context: &Context<'_>) -> Vec<Diagnostic> {
    let Some(scope) = written(&context.inputs.cluster) else { return Vec::new() };
    let text = scope.as_str().unwrap_or_default();
    let label = text.len() <= LONGEST
        && text.starts_with(|character: char| character.is_ascii_lowercase())
        && !text.ends_with('-')
        && text.chars().all(|character| character.is_ascii_lowercase() || character.is_ascii_digit() || character == '-');
    let name = context.inputs.cluster.object.name();
    let own = ["primary", "replicas", "rest"].into_iter().any(|suffix| text == format!("{name}-{suffix}"));
    let problem = if !label {
        Diagnostic::error("bad-scope", format!("`{}` is no scope", scope.as_str().map_or_else(|| scope.to_string(), str::to_owned)))
            .help(format!("write lower-case letters, digits and dashes, a letter first, {LONGEST} characters at most"))
    } else if own {
        Diagnostic::error("bad-scope", format!("`{text}` is a Service of the cluster itself")).help("choose another scope")
    } else {
        return Vec::new();
    };
    vec![context.at(SCOPE, problem)]
}

/// Names a cluster needs, by what shares a name space: a Service and the Endpoints of its name belong together.
fn names(cluster: &Manifest) -> BTreeSet<(&'static str, String)> {
    let name = cluster.object.name();
    let scope = written(cluster).and_then(Value::as_str).unwrap_or(name);
    let mut names = BTreeSet::new();
    let mut add = |kind: &'static str, base: &str, suffixes: &[&str]| {
        names.extend(suffixes.iter().map(|suffix| (kind, format!("{base}{suffix}"))));
    };
    add("Service", scope, &["", "-config", "-failover", "-sync"]);
    add("Service", name, &["-primary", "-replicas", "-rest"]);
    add("ConfigMap", name, &["", "-templates", "-connection-pooling-config", "-backup"]);
    add("Secret", name, &["", "-binding", "-credentials-in-use", "-ssl", "-ssl-authority", "-backup"]);
    add("ServiceAccount", name, &["-patroni"]);
    names
}

/// Namespaces in which names may meet: everything that a name is made longer by begins with a dash, so one of two that meet is the
/// other, or begins with it and a dash. Of ten thousand clusters, few are to be looked at name by name.
fn crowded(clusters: &[Inputs]) -> HashSet<&str> {
    let mut bases: HashMap<&str, HashSet<&str>> = HashMap::new();
    let mut crowded = HashSet::new();
    for cluster in clusters.iter().map(|inputs| &inputs.cluster) {
        let (namespace, name) = (cluster.object.namespace().unwrap_or_default(), cluster.object.name());
        let scope = written(cluster).and_then(Value::as_str).filter(|scope| *scope != name);
        let known = bases.entry(namespace).or_default();
        // Both are noted, whatever the first one says.
        let is_new = known.insert(name) & scope.is_none_or(|scope| known.insert(scope));
        if !is_new {
            crowded.insert(namespace);
        }
    }
    for (namespace, bases) in &bases {
        let begins_with_another = |base: &&str| base.match_indices('-').any(|(dash, _)| bases.contains(&base[..dash]));
        if bases.iter().any(begins_with_another) {
            crowded.insert(namespace);
        }
    }
    crowded
}

/// Clusters of one source that cannot be there together, each with what is wrong. All of them are named, because which one came
/// first is not known here.
pub fn name_collisions(clusters: &[Inputs]) -> Vec<(usize, Diagnostic)> {
    let mut users: BTreeMap<(String, &'static str, String), Vec<usize>> = BTreeMap::new();
    let crowded = crowded(clusters);
    let meets = |inputs: &Inputs| crowded.contains(inputs.cluster.object.namespace().unwrap_or_default());
    for (index, inputs) in clusters.iter().enumerate().filter(|(_, inputs)| meets(inputs)) {
        for (kind, name) in names(&inputs.cluster) {
            users.entry((inputs.name().namespace, kind, name)).or_default().push(index);
        }
    }
    let mut found: BTreeMap<(usize, usize), Vec<String>> = BTreeMap::new();
    for ((_, kind, name), users) in &users {
        for (one, other) in users.iter().flat_map(|one| users.iter().map(move |other| (*one, *other))).filter(|(one, other)| one != other) {
            found.entry((one, other)).or_default().push(format!("{kind} {name}"));
        }
    }
    found
        .into_iter()
        .map(|((one, other), objects)| {
            let (cluster, other) = (&clusters[one].cluster, &clusters[other].cluster);
            let pointer = if written(cluster).is_some() { SCOPE } else { "/metadata/name" };
            let message = format!("the cluster {} needs {} too", other.object.name(), objects.join(", "));
            let problem = Diagnostic::error("name-collision", message)
                .help(format!("rename one of them, or give it another scope; the other is at {}", other.locate("/metadata/name")));
            (one, super::at(cluster, pointer, problem))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::test_support::{examine, findings};
    use super::name_collisions;

    #[test]
    fn a_scope_names_services() {
        let long = "a".repeat(55);
        for bad in ["My_Scope", "1a", "a-", "demo-rest", "demo-replicas", &long] {
            let found = findings(&format!("  configurations: {{patroni: {{initialConfig: {{scope: {bad}}}}}}}"));
            assert!(found.iter().any(|finding| finding.starts_with("bad-scope")), "{bad}: {found:?}");
        }
        let found = findings("  configurations: {patroni: {initialConfig: {scope: other}}}");
        assert!(!found.iter().any(|finding| finding.starts_with("bad-scope")), "{found:?}");
    }

    fn together(clusters: &[(&str, &str, Option<&str>)]) -> Vec<(usize, String)> {
        let one = |(namespace, name, scope): &(&str, &str, Option<&str>)| {
            let scope =
                scope.map(|scope| format!("  configurations: {{patroni: {{initialConfig: {{scope: {scope}}}}}}}\n")).unwrap_or_default();
            format!(
                "apiVersion: stackgres.io/v1\nkind: SGCluster\nmetadata: {{name: {name}, namespace: {namespace}}}\nspec:\n  instances: 2\n  postgres: {{version: '17'}}\n  pods: {{persistentVolume: {{size: 5Gi}}}}\n{scope}---\n"
            )
        };
        let (_, inputs) = examine(&clusters.iter().map(one).collect::<String>());
        assert_eq!(inputs.len(), clusters.len());
        name_collisions(&inputs).into_iter().map(|(index, problem)| (index, problem.path)).collect()
    }

    /// Two clusters with one leader lock: each demotes the other's primary.
    #[test]
    fn two_clusters_never_share_a_name() {
        assert_eq!(together(&[("n", "a", None), ("n", "b", None), ("m", "a", None)]), []);
        let scope = "spec.configurations.patroni.initialConfig.scope".to_owned();
        let name = "metadata.name".to_owned();
        assert_eq!(together(&[("n", "a", Some("x")), ("n", "b", Some("x"))]), [(0, scope.clone()), (1, scope.clone())]);
        assert_eq!(together(&[("n", "a", None), ("n", "b", Some("a"))]), [(0, name.clone()), (1, scope)]);
        for derived in ["a-config", "a-replicas", "a-rest", "a-primary", "a-ssl", "a-templates", "a-sync"] {
            assert_eq!(together(&[("n", "a", None), ("n", derived, None)]), [(0, name.clone()), (1, name.clone())], "{derived}");
        }
    }
}
