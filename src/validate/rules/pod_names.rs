//! Names and ports inside the pod, with the prefix they get there.

use super::{Check, Context, Rule};
use crate::diagnostics::{Code, Diagnostic};
use crate::resolve::Effective;
use serde_json::Value;
use std::collections::BTreeMap;

pub(super) const RULES: &[Rule] = &[
    Rule {
        code: Code::error(
            "pod-name-clash",
            "two parts of the pod get the same name",
            "Custom containers and volumes get the prefix `custom-` unless they have it, so `web` and `custom-web` are one name; containers and init containers share their names.",
        ),
        check: Check::Cluster(names),
    },
    Rule {
        code: Code::error(
            "container-port-name",
            "a container port's name does not fit",
            "A port of a container has a name of at most 15 characters, and `custom-` is put before it. Source: Kubernetes API reference, ContainerPort.",
        ),
        check: Check::Cluster(port_names),
    },
    Rule {
        code: Code::error(
            "container-port-clash",
            "two containers of the pod want one port",
            "All containers of a pod share its address. PostgreSQL listens on 5432, PgBouncer on 6432, Patroni on 8009 and the exporters on 9187 and 9127.",
        ),
        check: Check::Cluster(port_numbers),
    },
];

fn list<'a>(context: &'a Context<'_>, field: &str) -> impl Iterator<Item = (usize, &'a Value)> {
    context.inputs.cluster.object.get(&format!("/spec/pods/{field}")).and_then(Value::as_array).into_iter().flatten().enumerate()
}

/// Names that are the same only with their prefix, or across two lists; twice the same in one list is `duplicate-container`.
fn names(context: &Context<'_>) -> Vec<Diagnostic> {
    let mut problems = Vec::new();
    for group in [&["customContainers", "customInitContainers"][..], &["customVolumes"]] {
        let mut seen: BTreeMap<String, (&str, &str, String)> = BTreeMap::new();
        for field in group {
            for (index, item) in list(context, field) {
                let Some(name) = item.get("name").and_then(Value::as_str) else { continue };
                let pointer = format!("/spec/pods/{field}/{index}/name");
                let full = Effective::custom_name(name);
                match seen.get(&full) {
                    Some((other, first, place)) if (other, first) != (field, &name) => problems.push(
                        context.at(
                            &pointer,
                            Diagnostic::error("pod-name-clash", format!("`{name}` becomes `{full}`, which is taken"))
                                .help(format!("choose another name; first at {}", context.inputs.cluster.locate(place))),
                        ),
                    ),
                    Some(_) => {}
                    None => {
                        seen.insert(full, (field, name, pointer));
                    }
                }
            }
        }
    }
    problems
}

/// Ports of the user's containers: pointer and value.
fn ports<'a>(context: &'a Context<'_>, field: &str) -> Vec<(String, usize, &'a Value)> {
    list(context, field)
        .flat_map(|(index, container)| {
            let ports = container.get("ports").and_then(Value::as_array).into_iter().flatten().enumerate();
            ports.map(move |(port, value)| (format!("{index}/ports/{port}"), index, value)).collect::<Vec<_>>()
        })
        .map(|(place, index, value)| (format!("/spec/pods/{field}/{place}"), index, value))
        .collect()
}

fn port_names(context: &Context<'_>) -> Vec<Diagnostic> {
    ["customContainers", "customInitContainers"]
        .into_iter()
        .flat_map(|field| ports(context, field))
        .filter_map(|(pointer, _, port)| {
            let full = Effective::custom_name(port.get("name")?.as_str()?);
            (full.len() > 15).then(|| {
                context.at(
                    &format!("{pointer}/name"),
                    Diagnostic::error("container-port-name", format!("`{full}` is longer than 15 characters"))
                        .help("write a name of at most 8 characters"),
                )
            })
        })
        .collect()
}

fn port_numbers(context: &Context<'_>) -> Vec<Diagnostic> {
    let Some(effective) = context.effective else { return Vec::new() };
    let own = effective.own_ports().into_iter().map(|(number, name)| (("TCP".to_owned(), number), format!("the pod's own port {name}")));
    let mut taken: BTreeMap<(String, i64), String> = own.collect();
    let mut problems = Vec::new();
    for (pointer, _, port) in ports(context, "customContainers") {
        let Some(number) = port.get("containerPort").and_then(Value::as_i64) else { continue };
        let protocol = port.get("protocol").and_then(Value::as_str).unwrap_or("TCP").to_owned();
        let place = format!("{pointer}/containerPort");
        if let Some(owner) = taken.get(&(protocol.clone(), number)) {
            problems.push(context.at(
                &place,
                Diagnostic::error("container-port-clash", format!("{number} is taken by {owner}")).help("choose another port"),
            ));
        } else {
            let here = context.inputs.cluster.locate(&place);
            taken.insert((protocol, number), format!("the port at {here}"));
        }
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::super::test_support::pods;

    #[test]
    fn names_with_their_prefix() {
        let clash = "pod-name-clash /spec/pods";
        assert_eq!(
            pods("customContainers: [{name: web, image: i}, {name: custom-web, image: i}]"),
            [format!("{clash}/customContainers/1/name")]
        );
        assert_eq!(
            pods("customContainers: [{name: web, image: i}], customInitContainers: [{name: web, image: i}]"),
            [format!("{clash}/customInitContainers/0/name")]
        );
        assert_eq!(
            pods("customVolumes: [{name: web, emptyDir: {}}, {name: custom-web, emptyDir: {}}], customContainers: [{name: web, image: i}]"),
            [format!("{clash}/customVolumes/1/name")],
            "volumes have names of their own"
        );
    }

    #[test]
    fn ports_of_custom_containers() {
        let port = |text: &str| pods(&format!("customContainers: [{{name: web, image: i, ports: [{text}]}}]"));
        let place = "/spec/pods/customContainers/0/ports";
        assert_eq!(port("{name: abcdefgh, containerPort: 80}"), [""; 0]);
        assert_eq!(port("{name: abcdefghi, containerPort: 80}"), [format!("container-port-name {place}/0/name")]);
        for taken in [5432, 6432, 8009, 9127, 9187] {
            assert_eq!(port(&format!("{{containerPort: {taken}}}")), [format!("container-port-clash {place}/0/containerPort")]);
        }
        assert_eq!(port("{containerPort: 80}, {containerPort: 80}"), [format!("container-port-clash {place}/1/containerPort")]);
        assert_eq!(port("{containerPort: 80}, {containerPort: 80, protocol: UDP}"), [""; 0]);
    }
}
