//! Names of the pod's parts that users add.

use super::{Check, Context, Rule};
use crate::diagnostics::{Code, Diagnostic, nearest};
use serde_json::Value;
use std::collections::BTreeSet;

pub(super) const RULES: &[Rule] = &[
    Rule {
        code: Code::error(
            "duplicate-container",
            "two custom containers or volumes have the same name",
            "They get the prefix `custom-` and must be unique in the pod.",
        ),
        check: Check::Cluster(duplicates),
    },
    Rule {
        code: Code::error(
            "unknown-container",
            "there is no container of that name",
            "The maps `customVolumeMounts`, `customEnv` and `customEnvFrom` are keyed by container: patroni, pgbouncer, prometheus-postgres-exporter, prometheus-pgbouncer-exporter, postgres-util, or a custom one with its prefix.",
        ),
        check: Check::Cluster(containers),
    },
    Rule {
        code: Code::error(
            "unknown-volume",
            "there is no volume of that name",
            "A mount of a custom container names a custom volume, with or without the prefix `custom-`.",
        ),
        check: Check::Cluster(volumes),
    },
];

fn listed<'a>(context: &'a Context<'_>, list: &str) -> Vec<&'a str> {
    let items = context.inputs.cluster.object.get(&format!("/spec/pods/{list}")).and_then(Value::as_array);
    items.into_iter().flatten().filter_map(|item| item.get("name").and_then(Value::as_str)).collect()
}

fn duplicates(context: &Context<'_>) -> Vec<Diagnostic> {
    let mut problems = Vec::new();
    for list in ["customVolumes", "customContainers", "customInitContainers"] {
        let mut seen = BTreeSet::new();
        for (index, name) in listed(context, list).into_iter().enumerate() {
            if !seen.insert(name) {
                problems.push(context.at(
                    &format!("/spec/pods/{list}/{index}/name"),
                    Diagnostic::error("duplicate-container", format!("`{name}` is used twice")).help("choose another name"),
                ));
            }
        }
    }
    problems
}

fn containers(context: &Context<'_>) -> Vec<Diagnostic> {
    let mut known: BTreeSet<String> =
        ["patroni", "pgbouncer", "prometheus-postgres-exporter", "prometheus-pgbouncer-exporter", "postgres-util"]
            .into_iter()
            .map(str::to_owned)
            .collect();
    known.extend(listed(context, "customContainers").into_iter().map(|name| format!("custom-{name}")));
    let mut problems = Vec::new();
    for map in ["customVolumeMounts", "customEnv", "customEnvFrom"] {
        let pointer = format!("/spec/pods/{map}");
        for name in context
            .inputs
            .cluster
            .object
            .get(&pointer)
            .and_then(Value::as_object)
            .into_iter()
            .flatten()
            .map(|(name, _)| name)
            .filter(|name| !known.contains(*name))
        {
            let help = nearest(name, known.iter().map(String::as_str)).map_or_else(
                || format!("there are {}", known.iter().cloned().collect::<Vec<_>>().join(", ")),
                |near| format!("did you mean {near}?"),
            );
            problems.push(context.at(
                &crate::model::pointer::join(&pointer, name),
                Diagnostic::error("unknown-container", format!("there is no container {name}")).help(help),
            ));
        }
    }
    problems
}

fn volumes(context: &Context<'_>) -> Vec<Diagnostic> {
    let known: BTreeSet<String> =
        listed(context, "customVolumes").into_iter().flat_map(|name| [name.to_owned(), format!("custom-{name}")]).collect();
    let pods = context.inputs.cluster.object.get("/spec/pods");
    let mut problems = Vec::new();
    let maps = ["customVolumeMounts", "customInitVolumeMounts"].into_iter();
    let maps = maps.filter_map(|map| Some((map, pods?.get(map)?.as_object()?)));
    for (map, (name, mounts)) in maps.flat_map(|(map, entries)| entries.iter().map(move |entry| (map, entry))) {
        for (index, mount) in mounts.as_array().into_iter().flatten().enumerate() {
            let volume = mount.get("name").and_then(Value::as_str).unwrap_or_default();
            if !known.contains(volume) {
                let pointer = format!("{}/{index}/name", crate::model::pointer::join(&format!("/spec/pods/{map}"), name));
                problems.push(
                    context.at(
                        &pointer,
                        Diagnostic::error("unknown-volume", format!("there is no custom volume {volume}"))
                            .help("add it to spec.pods.customVolumes"),
                    ),
                );
            }
        }
    }
    problems
}
