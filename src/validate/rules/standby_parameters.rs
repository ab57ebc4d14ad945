//! Parameters of a standby cluster that its source bounds.

use super::super::ValidCluster;
use super::{Check, Rule};
use crate::diagnostics::{Code, Diagnostic};
use crate::model::{HOT_STANDBY, NamespacedName};
use crate::postgres::{number_of, server_value};
use crate::resolve::Effective;
use std::collections::{BTreeMap, BTreeSet};

pub(super) const RULES: &[Rule] = &[Rule {
    code: Code::warning(
        "less-than-source",
        "a standby cluster has less of a parameter than its source",
        "A server that replays WAL needs at least as much of max_connections, max_worker_processes, max_wal_senders, max_prepared_transactions and max_locks_per_transaction as the primary that wrote it. Its servers take the source's values when they start, so it runs; but a raise at the source would pause the replay of all of them at once until Patroni has restarted each, so it waits until as much is written here and carried out. What is not written follows from the instance profile (max_worker_processes from its CPUs), so a standby cluster that is smaller than its source writes it.",
    ),
    check: Check::Cluster(|_| Vec::new()),
}];

const PLACE: &str = "/spec/replicateFrom/instance/sgCluster";

/// Clusters of one set that have less than the cluster whose WAL they replay.
pub fn less_than_source(clusters: &BTreeMap<NamespacedName, ValidCluster>) -> Vec<Diagnostic> {
    clusters
        .iter()
        .filter_map(|(name, cluster)| {
            let (source, theirs) = writer(name, clusters)?;
            let (own, theirs) = (cluster.effective(), theirs.effective());
            let less: Vec<String> = HOT_STANDBY.iter().filter_map(|parameter| less(parameter, &own, &theirs)).collect();
            let problem = Diagnostic::warning("less-than-source", format!("less than in {}: {}", source.name, less.join(", ")))
                .help("write at least as much here; until it is carried out a raise at the source waits");
            (!less.is_empty()).then(|| super::at(&cluster.inputs().cluster, PLACE, problem))
        })
        .collect()
}

/// Who writes the WAL that a standby cluster replays: the end of the chain as far as it is known here.
fn writer<'a>(
    name: &'a NamespacedName,
    clusters: &'a BTreeMap<NamespacedName, ValidCluster>,
) -> Option<(&'a NamespacedName, &'a ValidCluster)> {
    let mut seen = BTreeSet::from([name]);
    let mut last = None;
    let mut next = name;
    loop {
        let from = clusters.get(next)?.inputs().cluster.object.text(PLACE);
        let found = from.and_then(|from| clusters.get_key_value(&NamespacedName::new(&name.namespace, from)));
        match found {
            Some((source, cluster)) if seen.insert(source) => (last, next) = (Some((source, cluster)), source),
            _ => return last,
        }
    }
}

fn less(parameter: &str, ours: &Effective, theirs: &Effective) -> Option<String> {
    let value = |effective: &Effective| {
        let written = effective.postgres.parameters.get(parameter).map(|value| value.value.as_str());
        number_of(effective.postgres.major, parameter, &server_value(effective.postgres.major, parameter, written)?)
    };
    let (ours, theirs) = (value(ours)?, value(theirs)?);
    (ours < theirs).then(|| format!("{parameter} = {ours}, there {theirs}"))
}

#[cfg(test)]
mod tests {
    use super::super::test_support::examine;
    use super::less_than_source;
    use crate::resolve::Settings;
    use crate::validate::check_cluster;

    fn warnings(clusters: &[(&str, &str, &str)]) -> Vec<String> {
        let text = |(name, connections, from): &(&str, &str, &str)| {
            let from = if from.is_empty() { String::new() } else { format!(", replicateFrom: {{instance: {{sgCluster: {from}}}}}") };
            let configuration = format!("configurations: {{postgres: {{postgresql.conf: {{max_connections: '{connections}'}}}}}}");
            format!(
                "apiVersion: stackgres.io/v1\nkind: SGCluster\nmetadata: {{name: {name}, namespace: n}}\nspec: {{instances: 2, postgres: {{version: '17'}}, pods: {{persistentVolume: {{size: 5Gi}}}}, {configuration}{from}}}\n"
            )
        };
        let (_, inputs) = examine(&clusters.iter().map(text).collect::<Vec<_>>().join("---\n"));
        let valid = inputs.into_iter().filter_map(|inputs| Some((inputs.name(), check_cluster(inputs, &Settings::default()).0?)));
        less_than_source(&valid.collect())
            .into_iter()
            .map(|found| format!("{} {}: {}", found.code, found.location.line, found.message))
            .collect()
    }

    /// Without it a raise at the source waits, and nobody was told before.
    #[test]
    fn less_than_the_source_is_said_before_it_matters() {
        assert_eq!(warnings(&[("a", "100", ""), ("b", "100", "a")]), [""; 0]);
        assert_eq!(warnings(&[("a", "100", ""), ("b", "200", "a")]), [""; 0]);
        assert_eq!(
            warnings(&[("a", "200", ""), ("b", "0x64", "a")]),
            ["less-than-source 9: less than in a: max_connections = 100, there 200"]
        );
        // Below its own minimum Patroni takes its default.
        assert_eq!(warnings(&[("a", "100", ""), ("b", "10", "a")]), [""; 0]);
        // What counts is who writes the WAL, not who passes it on.
        let found = warnings(&[("a", "300", ""), ("b", "400", "a"), ("c", "200", "b")]);
        assert_eq!(found, ["less-than-source 14: less than in a: max_connections = 200, there 300"]);
        // A ring is refused elsewhere; here it must end.
        assert!(warnings(&[("a", "100", "c"), ("b", "200", "a"), ("c", "300", "b")]).len() <= 3);
    }
}
