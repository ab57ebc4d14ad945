//! The user's own containers and volumes, as the API server checks them in a pod.
//!
//! The StatefulSet is accepted with almost anything in its template and then makes no pod, so what is wrong must be told before.
//! Source: Kubernetes API reference, "Container" and "Volume"; "Object Names and IDs".

use super::{Check, Context, Rule};
use crate::diagnostics::{Code, Diagnostic, nearest};
use crate::model::labels::is_dns_label;
use crate::resolve::Effective;
use serde_json::Value;
use std::collections::BTreeSet;

pub(super) const RULES: &[Rule] = &[
    Rule {
        code: Code::error(
            "container-without-image",
            "a custom container has no image",
            "Kubernetes would make no pod from such a template. There is no default image for a container of your own.",
        ),
        check: Check::Cluster(images),
    },
    Rule {
        code: Code::error(
            "bad-pod-part-name",
            "a name of a container, a volume, a port or a variable has not the required form",
            "Containers and volumes are named with at most 63 lower-case letters, digits and dashes, the prefix `custom-` included; ports with at most 15 of them and at least one letter. Names of environment variables have no `=`.",
        ),
        check: Check::Cluster(names),
    },
    Rule {
        code: Code::error(
            "volume-source",
            "a custom volume needs exactly one source",
            "A volume comes from one place: `configMap`, `secret`, `emptyDir`, `persistentVolumeClaim` and so on. Kubernetes refuses none and two.",
        ),
        check: Check::Cluster(sources),
    },
    Rule {
        code: Code::error(
            "mount-without-volume",
            "a container mounts a volume that is not in the pod",
            "A mount names a volume of `spec.pods.customVolumes`, with or without the prefix `custom-`, or one that every pod has, such as `run` (the server's socket).",
        ),
        check: Check::Cluster(mounts),
    },
];

const LISTS: [&str; 2] = ["customContainers", "customInitContainers"];

fn list<'a>(context: &'a Context<'_>, field: &str) -> Vec<(String, &'a Value)> {
    let items = context.inputs.cluster.object.get(&format!("/spec/pods/{field}")).and_then(Value::as_array);
    items.into_iter().flatten().enumerate().map(|(index, item)| (format!("/spec/pods/{field}/{index}"), item)).collect()
}

fn name(item: &Value) -> &str {
    item.get("name").and_then(Value::as_str).unwrap_or_default()
}

fn images(context: &Context<'_>) -> Vec<Diagnostic> {
    let without = |item: &Value| item.get("image").and_then(Value::as_str).is_none_or(str::is_empty);
    LISTS
        .into_iter()
        .flat_map(|field| list(context, field))
        .filter(|(_, item)| without(item))
        .map(|(pointer, item)| {
            let problem = Diagnostic::error("container-without-image", format!("the container `{}` has no image", name(item)));
            context.at(&pointer, problem.help("add `image:`"))
        })
        .collect()
}

/// A service name of IANA (RFC 6335), but for its length, which has a rule of its own.
fn is_port_name(name: &str) -> bool {
    is_dns_label(name) && name.bytes().any(|byte| byte.is_ascii_lowercase()) && !name.contains("--")
}

fn names(context: &Context<'_>) -> Vec<Diagnostic> {
    let mut problems = Vec::new();
    let mut wrong = |pointer: &str, message: String, help: &str| {
        problems.push(context.at(pointer, Diagnostic::error("bad-pod-part-name", message).help(help)));
    };
    const LABEL: &str = "write lower-case letters, digits and dashes, at most 56 without the prefix";
    for field in ["customContainers", "customInitContainers", "customVolumes"] {
        for (pointer, item) in list(context, field) {
            if !is_dns_label(&Effective::custom_name(name(item))) {
                let what = if field == "customVolumes" { "volume" } else { "container" };
                wrong(&format!("{pointer}/name"), format!("`{}` cannot be the name of a {what}", name(item)), LABEL);
            }
            for (index, port) in item.get("ports").and_then(Value::as_array).into_iter().flatten().enumerate() {
                if let Some(port) = port.get("name").and_then(Value::as_str).filter(|port| !is_port_name(&Effective::custom_name(port))) {
                    let help = "write lower-case letters, digits and single dashes";
                    wrong(&format!("{pointer}/ports/{index}/name"), format!("`{port}` cannot be the name of a port"), help);
                }
            }
        }
    }
    for service in ["primary", "replicas"] {
        let pointer = format!("/spec/postgresServices/{service}/customPorts");
        let ports = context.inputs.cluster.object.get(&pointer).and_then(Value::as_array);
        for (index, port) in ports.into_iter().flatten().enumerate() {
            // A Service port has a label as its name; the limit of 15 is one of containers.
            if let Some(port) = port.get("name").and_then(Value::as_str).filter(|port| !is_dns_label(&Effective::custom_name(port))) {
                wrong(&format!("{pointer}/{index}/name"), format!("`{port}` cannot be the name of a port"), LABEL);
            }
        }
    }
    for (pointer, variables) in variables(context) {
        for (index, variable) in variables.iter().enumerate() {
            let variable = name(variable);
            if variable.is_empty() || variable.contains('=') || !variable.bytes().all(|byte| (0x20..0x7f).contains(&byte)) {
                let help = "write printable characters without `=`";
                wrong(&format!("{pointer}/{index}/name"), format!("`{variable}` cannot be the name of a variable"), help);
            }
        }
    }
    problems
}

/// Every list of environment variables.
fn variables<'a>(context: &'a Context<'_>) -> Vec<(String, &'a Vec<Value>)> {
    let mut lists: Vec<(String, &Vec<Value>)> = LISTS
        .into_iter()
        .flat_map(|field| list(context, field))
        .filter_map(|(pointer, item)| Some((format!("{pointer}/env"), item.get("env")?.as_array()?)))
        .collect();
    for map in ["customEnv", "customInitEnv"] {
        let containers = context.inputs.cluster.object.get(&format!("/spec/pods/{map}")).and_then(Value::as_object);
        lists.extend(containers.into_iter().flatten().filter_map(|(container, list)| {
            Some((crate::model::pointer::join(&format!("/spec/pods/{map}"), container), list.as_array()?))
        }));
    }
    lists
}

fn sources(context: &Context<'_>) -> Vec<Diagnostic> {
    let wrong = |(pointer, volume): (String, &Value)| {
        let given: Vec<&str> =
            volume.as_object()?.iter().filter(|(key, value)| *key != "name" && !value.is_null()).map(|(key, _)| key.as_str()).collect();
        let (message, help) = match given.as_slice() {
            [_] => return None,
            [] => ("the volume has no source".to_owned(), "add one, for example `emptyDir: {}`"),
            several => (format!("the volume has {} sources: {}", several.len(), several.join(", ")), "keep one of them"),
        };
        Some(context.at(&pointer, Diagnostic::error("volume-source", message).help(help)))
    };
    list(context, "customVolumes").into_iter().filter_map(wrong).collect()
}

/// Mounts of the user's containers; those of ours are `customVolumeMounts`, which has a rule of its own.
fn mounts(context: &Context<'_>) -> Vec<Diagnostic> {
    let mut known: BTreeSet<String> = Effective::pod_volumes(context.inputs.cluster.object.name()).into_iter().collect();
    for (_, volume) in list(context, "customVolumes") {
        known.extend([name(volume).to_owned(), Effective::custom_name(name(volume))]);
    }
    let mut problems = Vec::new();
    for (pointer, container) in LISTS.into_iter().flat_map(|field| list(context, field)) {
        for (index, mount) in container.get("volumeMounts").and_then(Value::as_array).into_iter().flatten().enumerate() {
            if known.contains(name(mount)) {
                continue;
            }
            let help = nearest(name(mount), known.iter().map(String::as_str))
                .map_or_else(|| "add it to spec.pods.customVolumes".to_owned(), |near| format!("did you mean {near}?"));
            let problem = Diagnostic::error("mount-without-volume", format!("there is no volume `{}` in the pod", name(mount)));
            problems.push(context.at(&format!("{pointer}/volumeMounts/{index}/name"), problem.help(help)));
        }
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::super::test_support::{findings, pods};

    /// Kubernetes takes the StatefulSet and makes no pod: the cluster would wait for ever without a word.
    #[test]
    fn containers() {
        let container = "/spec/pods/customContainers/0";
        assert_eq!(pods("customContainers: [{name: a}]"), [format!("container-without-image {container}")]);
        assert_eq!(pods("customContainers: [{name: Side_X, image: i}]"), [format!("bad-pod-part-name {container}/name")]);
        assert_eq!(
            pods("customContainers: [{name: a, image: i, ports: [{name: A_b, containerPort: 80}]}]"),
            [format!("bad-pod-part-name {container}/ports/0/name")]
        );
        assert_eq!(
            pods("customContainers: [{name: a, image: i, env: [{name: 'A=B', value: x}]}]"),
            [format!("bad-pod-part-name {container}/env/0/name")]
        );
        assert_eq!(
            findings("  postgresServices: {primary: {customPorts: [{name: A_b, port: 80}]}}"),
            ["bad-pod-part-name /spec/postgresServices/primary/customPorts/0/name"]
        );
    }

    #[test]
    fn volumes_and_mounts() {
        assert_eq!(pods("customVolumes: [{name: v}]"), ["volume-source /spec/pods/customVolumes/0"]);
        assert_eq!(pods("customVolumes: [{name: v, emptyDir: {}, configMap: {name: c}}]"), ["volume-source /spec/pods/customVolumes/0"]);
        let mount = |volume: &str| {
            pods(&format!(
                "customVolumes: [{{name: v, emptyDir: {{}}}}], customContainers: [{{name: a, image: i, volumeMounts: [{{name: {volume}, mountPath: /x}}]}}]"
            ))
        };
        for known in ["v", "custom-v", "run", "demo-data"] {
            assert_eq!(mount(known), [""; 0], "{known}");
        }
        assert_eq!(mount("nope"), ["mount-without-volume /spec/pods/customContainers/0/volumeMounts/0/name"]);
    }
}
