//! Requests and limits by container, and settings of containers that are not in the pod.

use super::{Check, Context, Rule, at};
use crate::diagnostics::{Code, Diagnostic, nearest};
use crate::load::Manifest;
use crate::model::Quantity;
use crate::model::pointer::join;
use crate::resolve::Effective;
use serde_json::Value;
use std::collections::BTreeSet;

pub(super) const RULES: &[Rule] = &[
    Rule {
        code: Code::error(
            "container-requests-above-limits",
            "more is reserved for a container than it may use",
            "Kubernetes refuses such a pod. A request that is computed follows a lower limit by itself; one that is written does not.",
        ),
        check: Check::Cluster(above_limits),
    },
    Rule {
        code: Code::error(
            "profile-sizes-patroni",
            "the database container has no entry of its own in a profile",
            "Its limits are `spec.cpu` and `spec.memory`, its requests what the side containers leave of `spec.requests`.",
        ),
        check: Check::Manifest("SGInstanceProfile", patroni),
    },
    Rule {
        code: Code::error(
            "unknown-init-container",
            "there is no init container of that name",
            "The maps `customInitVolumeMounts`, `customInitEnv` and `customInitEnvFrom` are keyed by init container: a custom one with its prefix `custom-`.",
        ),
        check: Check::Cluster(init_containers),
    },
    Rule {
        code: Code::warning(
            "container-not-in-pod",
            "the container it is for is not in the pod",
            "It is switched off, or belongs to another program's pods. The setting has no effect until the container is there.",
        ),
        check: Check::Cluster(absent),
    },
    Rule {
        code: Code::error(
            "side-containers-exceed-profile",
            "the side containers ask for more than the profile reserves",
            "Their requests are taken out of what the SGInstanceProfile reserves for the whole instance. With `failWhenTotalIsHigher` that must leave something to the database; without it nothing is reserved for the database, and it is the first to starve on a full node.",
        ),
        check: Check::Cluster(total),
    },
    Rule {
        code: Code::warning(
            "huge-pages-unused",
            "the huge pages do not hold PostgreSQL's shared memory",
            "They are reserved and unused: with fewer than all of it the server would end with a bus error, so `huge_pages` stays off. It needs `shared_buffers`, an eighth more, and 64 MiB.",
        ),
        check: Check::Cluster(huge_pages),
    },
];

fn above_limits(context: &Context<'_>) -> Vec<Diagnostic> {
    let Some(effective) = context.effective else { return Vec::new() };
    let mut problems = Vec::new();
    for (name, amounts) in &effective.resources {
        for (resource, request) in &amounts.requests {
            let Some(limit) = amounts.limits.get(resource) else { continue };
            if Quantity::parse(request) <= Quantity::parse(limit) {
                continue;
            }
            let message = format!("{name} asks for {request} of {resource} and may use {limit}");
            let problem = Diagnostic::error("container-requests-above-limits", message).help("lower the request or raise the limit");
            problems.push(context.at(&place(context, name), problem));
        }
    }
    problems
}

fn total(context: &Context<'_>) -> Vec<Diagnostic> {
    let Some(effective) = context.effective else { return Vec::new() };
    let is = |field: &str| context.inputs.cluster.object.get(&format!("/spec/pods/resources/{field}")) == Some(&Value::Bool(true));
    if !is("failWhenTotalIsHigher") || is("disableResourcesRequestsSplitFromTotal") {
        return Vec::new();
    }
    let profile = context.inputs.instance_profile.as_ref().map(|profile| &profile.object);
    let mut problems = Vec::new();
    for (resource, default) in [("cpu", "1"), ("memory", "2Gi")] {
        let read = |pointer: &str| profile.and_then(|profile| profile.text(pointer)).and_then(Quantity::parse);
        let whole =
            read(&format!("/spec/requests/{resource}")).or_else(|| read(&format!("/spec/{resource}"))).or_else(|| Quantity::parse(default));
        let sides = effective.resources.iter().filter(|(name, _)| *name != "patroni");
        let asked: i64 = sides.filter_map(|(_, amounts)| Quantity::parse(amounts.requests.get(resource)?)).map(Quantity::milli).sum();
        if whole.is_some_and(|whole| asked >= whole.milli()) {
            let words = |thousandths: i64| {
                let amount = Quantity::thousandths(thousandths);
                if resource == "cpu" { amount.cpu_text() } else { amount.memory_text() }
            };
            let message = format!(
                "the side containers ask for {} of {resource}, and the profile reserves {}",
                words(asked),
                words(whole.map_or(0, Quantity::milli))
            );
            let problem =
                Diagnostic::error("side-containers-exceed-profile", message).help("a larger profile, or less for the side containers");
            problems.push(context.at("/spec/pods/resources/failWhenTotalIsHigher", problem));
        }
    }
    problems
}

/// Where a container's size is written, as near as it is known.
fn place(context: &Context<'_>, name: &str) -> String {
    ["containers", "initContainers"]
        .into_iter()
        .map(|section| join(&format!("/spec/pods/resources/{section}"), name))
        .find(|pointer| context.inputs.cluster.object.get(pointer).is_some())
        .unwrap_or_else(|| "/spec/sgInstanceProfile".to_owned())
}

fn patroni(manifest: &Manifest) -> Vec<Diagnostic> {
    ["/spec/containers/patroni", "/spec/requests/containers/patroni"]
        .into_iter()
        .filter(|pointer| manifest.object.get(pointer).is_some())
        .map(|pointer| {
            let problem = Diagnostic::error("profile-sizes-patroni", "the database container is sized by the profile itself");
            at(manifest, pointer, problem.help("take it out; write spec.cpu and spec.memory, and spec.requests"))
        })
        .collect()
}

fn keys(context: &Context<'_>, map: &str) -> Vec<String> {
    let map = context.inputs.cluster.object.get(&format!("/spec/pods/{map}")).and_then(Value::as_object);
    map.into_iter().flatten().map(|(name, _)| name.clone()).collect()
}

fn custom(context: &Context<'_>, list: &str) -> BTreeSet<String> {
    let items = context.inputs.cluster.object.get(&format!("/spec/pods/{list}")).and_then(Value::as_array).into_iter().flatten();
    items.filter_map(|item| Some(Effective::custom_name(item.get("name")?.as_str()?))).collect()
}

fn init_containers(context: &Context<'_>) -> Vec<Diagnostic> {
    let known = custom(context, "customInitContainers");
    let mut problems = Vec::new();
    for map in ["customInitVolumeMounts", "customInitEnv", "customInitEnvFrom"] {
        for name in keys(context, map).into_iter().filter(|name| !known.contains(name)) {
            let help = nearest(&name, known.iter().map(String::as_str)).map_or_else(
                || "add it to spec.pods.customInitContainers, and write its name with the prefix custom-".to_owned(),
                |near| format!("did you mean {near}?"),
            );
            let problem = Diagnostic::error("unknown-init-container", format!("there is no init container {name}")).help(help);
            problems.push(context.at(&join(&format!("/spec/pods/{map}"), &name), problem));
        }
    }
    problems
}

/// Ours that are switched off, and in `resources` every name that is not in the pod.
fn absent(context: &Context<'_>) -> Vec<Diagnostic> {
    let Some(effective) = context.effective else { return Vec::new() };
    let sides = effective.side_containers();
    let mut there = custom(context, "customContainers");
    there.insert("patroni".to_owned());
    there.extend(sides.into_iter().filter(|(_, on)| *on).map(|(name, _)| name.to_owned()));
    let off = |name: &str| sides.iter().any(|(side, on)| *side == name && !on);
    let init = custom(context, "customInitContainers");
    let mut problems = Vec::new();
    let mut warn = |map: &str, name: &str| {
        let problem = Diagnostic::warning("container-not-in-pod", format!("there is no {name} in the pod"));
        problems.push(context.at(&join(&format!("/spec/pods/{map}"), name), problem.help("take it out, or switch the container on")));
    };
    for map in ["customVolumeMounts", "customEnv", "customEnvFrom"] {
        keys(context, map).iter().filter(|name| off(name)).for_each(|name| warn(map, name));
    }
    let unknown = |map: &str, name: &str| map == "resources/containers" && !ELSEWHERE.contains(&name) && !off(name);
    for (map, known) in [("resources/containers", &there), ("resources/initContainers", &init)] {
        keys(context, map).iter().filter(|name| !known.contains(*name) && !unknown(map, name)).for_each(|name| warn(map, name));
    }
    for name in keys(context, "resources/containers").iter().filter(|name| !there.contains(*name) && unknown("resources/containers", name))
    {
        let help = nearest(name, there.iter().map(String::as_str)).map_or_else(
            || format!("there are {}", there.iter().cloned().collect::<Vec<_>>().join(", ")),
            |near| format!("did you mean {near}?"),
        );
        let problem = Diagnostic::error("unknown-container", format!("there is no container {name}")).help(help);
        problems.push(context.at(&join("/spec/pods/resources/containers", name), problem));
    }
    problems
}

/// Containers that pods of this API have with other programs or with features switched on. Anything else is a slip.
const ELSEWHERE: &[&str] = &["cluster-controller", "envoy", "fluent-bit", "fluentd"];

fn huge_pages(context: &Context<'_>) -> Vec<Diagnostic> {
    let Some(effective) = context.effective else { return Vec::new() };
    let reserved =
        effective.resources.get("patroni").is_some_and(|amounts| amounts.limits.keys().any(|name| name.starts_with("hugepages-")));
    let off = effective.postgres.parameters.get("huge_pages").is_some_and(|value| value.value.eq_ignore_ascii_case("off"));
    if !(reserved && off) {
        return Vec::new();
    }
    let problem = Diagnostic::warning("huge-pages-unused", "huge pages are reserved and PostgreSQL uses none")
        .help("reserve more in the SGInstanceProfile, or lower shared_buffers");
    vec![context.at("/spec/sgInstanceProfile", problem)]
}

#[cfg(test)]
mod tests {
    use super::super::test_support::{examine, pods};

    #[test]
    fn requests_and_limits() {
        let of = |text: &str| pods(&format!("resources: {{containers: {{{text}}}}}"));
        assert_eq!(
            of("pgbouncer: {requests: {memory: 1Gi}, limits: {memory: 512Mi}}"),
            ["container-requests-above-limits /spec/pods/resources/containers/pgbouncer"]
        );
        assert_eq!(of("patroni: {requests: {memory: 9Gi}}"), ["container-requests-above-limits /spec/pods/resources/containers/patroni"]);
        assert_eq!(of("pgbouncer: {limits: {memory: 32Mi}}"), [""; 0], "the computed request follows");
    }

    /// Where nothing is left for the database it starves first; who asked to be told must be.
    #[test]
    fn side_containers_leave_something() {
        let of = |text: &str| pods(&format!("resources: {{{text}}}"));
        let place = "side-containers-exceed-profile /spec/pods/resources/failWhenTotalIsHigher";
        assert_eq!(of("failWhenTotalIsHigher: true"), [""; 0]);
        assert_eq!(of("failWhenTotalIsHigher: true, containers: {pgbouncer: {requests: {cpu: '2'}}}"), [place]);
        assert_eq!(of("failWhenTotalIsHigher: true, containers: {pgbouncer: {requests: {memory: 3Gi}}}"), [place]);
        assert_eq!(of("failWhenTotalIsHigher: false, containers: {pgbouncer: {requests: {cpu: '2'}}}"), [""; 0]);
        let on_top = "failWhenTotalIsHigher: true, disableResourcesRequestsSplitFromTotal: true";
        assert_eq!(of(&format!("{on_top}, containers: {{pgbouncer: {{requests: {{cpu: '2'}}}}}}")), [""; 0]);
    }

    #[test]
    fn containers_that_are_not_there() {
        assert_eq!(
            pods("resources: {containers: {envoy: {requests: {cpu: '1'}}}}"),
            ["container-not-in-pod /spec/pods/resources/containers/envoy"]
        );
        assert_eq!(
            pods("resources: {containers: {patrony: {requests: {cpu: '1'}}}}"),
            ["unknown-container /spec/pods/resources/containers/patrony"]
        );
        assert_eq!(
            pods("resources: {initContainers: {patroni: {requests: {cpu: '1'}}}}"),
            ["container-not-in-pod /spec/pods/resources/initContainers/patroni"]
        );
        assert_eq!(
            pods("disableConnectionPooling: true, customEnv: {pgbouncer: [{name: A, value: b}]}"),
            ["container-not-in-pod /spec/pods/customEnv/pgbouncer"]
        );
        assert_eq!(pods("customInitEnv: {seed: [{name: A, value: b}]}"), ["unknown-init-container /spec/pods/customInitEnv/seed"]);
        assert_eq!(pods("customInitContainers: [{name: seed, image: i}], customInitEnv: {custom-seed: [{name: A, value: b}]}"), [""; 0]);
    }

    #[test]
    fn profiles() {
        let of = |profile: &str| {
            examine(&format!(
                "apiVersion: stackgres.io/v1\nkind: SGCluster\nmetadata: {{name: demo}}\nspec: {{instances: 2, postgres: {{version: '17'}}, sgInstanceProfile: p, pods: {{persistentVolume: {{size: 5Gi}}}}}}\n---\napiVersion: stackgres.io/v1\nkind: SGInstanceProfile\nmetadata: {{name: p}}\nspec: {profile}\n"
            ))
            .0
        };
        assert_eq!(of("{cpu: '1', memory: 4Gi, containers: {patroni: {cpu: '1'}}}"), ["profile-sizes-patroni /spec/containers/patroni"]);
        assert_eq!(of("{cpu: '1', memory: 4Gi, hugePages: {hugepages-2Mi: 1Gi}}"), ["huge-pages-unused /spec/sgInstanceProfile"]);
        assert_eq!(of("{cpu: '1', memory: 4Gi, hugePages: {hugepages-2Mi: 2Gi}}"), [""; 0], "a quarter of the memory and some more");
    }
}
