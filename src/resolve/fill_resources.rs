//! Requests and limits of the containers.
//!
//! The side containers' requests are taken out of the profile's, so that an instance asks the scheduler for what the profile
//! says and no more. Source of the shares: the published behaviour of the API this implements.

use super::effective::{Effective, ResourceAmounts};
use super::fill::{DEFAULT_CPU, DEFAULT_MEMORY};
use super::inputs::Inputs;
use crate::model::{Object, Quantity};
use serde_json::Value;
use std::collections::BTreeMap;

/// Side containers: name, least and most CPU in thousandths, memory. The exporter of the pooler is ours alone: it needs a few
/// milliseconds of CPU a scrape and 10 MiB, measured with 0.10.2.
const SIDES: [(&str, i64, i64, i64); 4] = [
    ("pgbouncer", 250, 1_000, 64 << 20),
    ("prometheus-postgres-exporter", 0, 1_000, 256 << 20),
    ("prometheus-pgbouncer-exporter", 0, 50, 32 << 20),
    ("postgres-util", 0, 1_000, 64 << 20),
];

pub(super) fn resources(inputs: &Inputs, profile: &str, pooling: bool, exporter: bool, util: bool) -> BTreeMap<String, ResourceAmounts> {
    let object = inputs.instance_profile.as_ref().map(|profile| &profile.object);
    let read = |pointer: &str| object.and_then(|object| object.text(pointer)).and_then(Quantity::parse);
    let cpu = read("/spec/cpu").or_else(|| Quantity::parse(DEFAULT_CPU)).map_or(1_000, Quantity::milli);
    let memory = read("/spec/memory").or_else(|| Quantity::parse(DEFAULT_MEMORY)).map_or(2 << 30, Quantity::ceiling);
    let requested_cpu = read("/spec/requests/cpu").map_or(cpu, Quantity::milli);
    let requested_memory = read("/spec/requests/memory").map_or(memory, Quantity::ceiling);
    let limits_for_sides = inputs.cluster.object.get("/spec/pods/resources/enableClusterLimitsRequirements") == Some(&Value::Bool(true));
    let split = inputs.cluster.object.get("/spec/pods/resources/disableResourcesRequestsSplitFromTotal") != Some(&Value::Bool(true));
    let without_sides = without(inputs, "disableClusterResourceRequirements", profile);

    let mut resources = BTreeMap::new();
    let (mut side_cpu, mut side_memory) = (0, 0);
    for ((name, least_cpu, most_cpu, default_memory), present) in SIDES.into_iter().zip([pooling, exporter, pooling && exporter, util]) {
        if !present || without_sides {
            continue;
        }
        let share = |total: i64| (total / 16 + i64::from(total % 16 > 0)).clamp(least_cpu, most_cpu);
        let limit_cpu = container(object, "containers", name, "cpu").map_or_else(|| share(cpu), Quantity::milli);
        let limit_memory = container(object, "containers", name, "memory").map_or(default_memory, Quantity::ceiling);
        // What is computed is never above the limit; what is written is left for `validate` to refuse.
        let cap = |request: i64, limit: i64| if limits_for_sides { request.min(limit) } else { request };
        let request_cpu =
            container(object, "requests/containers", name, "cpu").map_or_else(|| cap(share(requested_cpu), limit_cpu), Quantity::milli);
        let request_memory =
            container(object, "requests/containers", name, "memory").map_or_else(|| cap(default_memory, limit_memory), Quantity::ceiling);
        side_cpu += request_cpu;
        side_memory += request_memory;
        let mut entry = ResourceAmounts { requests: amounts(request_cpu, request_memory), limits: BTreeMap::new() };
        if limits_for_sides {
            entry.limits = amounts(limit_cpu, limit_memory);
        }
        huge_pages(object, &format!("containers/{name}/"), &mut entry);
        resources.insert(name.to_owned(), entry);
    }
    if patroni_is_sized(inputs, profile) {
        let (less_cpu, less_memory) = if split { (side_cpu, side_memory) } else { (0, 0) };
        let mut patroni = ResourceAmounts {
            requests: amounts((requested_cpu - less_cpu).max(0), (requested_memory - less_memory).max(0)),
            limits: amounts(cpu, memory),
        };
        huge_pages(object, "", &mut patroni);
        resources.insert("patroni".to_owned(), patroni);
    }
    for (list, section) in [("customContainers", "containers"), ("customInitContainers", "initContainers")] {
        for name in custom(&inputs.cluster.object, list) {
            let entry = of_profile(object, section, &name);
            if entry != ResourceAmounts::default() {
                resources.insert(name, entry);
            }
        }
    }
    overrides(&inputs.cluster.object, [true, pooling, exporter, pooling && exporter, util], &mut resources);
    resources
}

/// Whether the database container has requests and limits.
pub(super) fn patroni_is_sized(inputs: &Inputs, profile: &str) -> bool {
    !without(inputs, "disablePatroniResourceRequirements", profile)
}

fn without(inputs: &Inputs, option: &str, profile: &str) -> bool {
    let written = inputs.cluster.object.get(&format!("/spec/nonProductionOptions/{option}")).and_then(Value::as_bool);
    written.unwrap_or(profile == "development")
}

fn container(object: Option<&Object>, section: &str, name: &str, what: &str) -> Option<Quantity> {
    Quantity::parse(object?.text(&format!("/spec/{section}/{name}/{what}"))?)
}

fn amounts(cpu: i64, memory: i64) -> BTreeMap<String, String> {
    [("cpu".to_owned(), Quantity::thousandths(cpu).cpu_text()), ("memory".to_owned(), Quantity::whole(memory).memory_text())].into()
}

/// Names of the user's containers as they are in the pod.
fn custom(cluster: &Object, list: &str) -> Vec<String> {
    let items = cluster.get(&format!("/spec/pods/{list}")).and_then(Value::as_array).into_iter().flatten();
    items.filter_map(|item| Some(Effective::custom_name(item.get("name")?.as_str()?))).collect()
}

/// What a profile says of one of the user's containers: its limits, and what is reserved.
fn of_profile(object: Option<&Object>, section: &str, name: &str) -> ResourceAmounts {
    let mut entry = ResourceAmounts::default();
    for what in ["cpu", "memory"] {
        for (into, section) in [(&mut entry.limits, section.to_owned()), (&mut entry.requests, format!("requests/{section}"))] {
            if let Some(amount) = object.and_then(|object| object.text(&format!("/spec/{section}/{name}/{what}"))) {
                into.insert(what.to_owned(), amount.to_owned());
            }
        }
    }
    huge_pages(object, &format!("{section}/{name}/"), &mut entry);
    entry
}

/// Huge pages are never overcommitted: what is reserved is the limit. Source: Kubernetes documentation, "Manage HugePages".
fn huge_pages(object: Option<&Object>, place: &str, entry: &mut ResourceAmounts) {
    for page in ["hugepages-2Mi", "hugepages-1Gi"] {
        if let Some(amount) = object.and_then(|object| object.text(&format!("/spec/{place}hugePages/{page}"))) {
            entry.requests.insert(page.to_owned(), amount.to_owned());
            entry.limits.insert(page.to_owned(), amount.to_owned());
        }
    }
}

/// `spec.pods.resources` wins, resource by resource, for containers that are in the pod. A limit below the computed request
/// takes the request down with it.
fn overrides(cluster: &Object, present: [bool; 5], resources: &mut BTreeMap<String, ResourceAmounts>) {
    let mut containers: Vec<String> = std::iter::once("patroni")
        .chain(SIDES.iter().map(|(name, ..)| *name))
        .zip(present)
        .filter(|(_, present)| *present)
        .map(|(name, _)| name.to_owned())
        .collect();
    containers.extend(custom(cluster, "customContainers"));
    for (section, known) in [("containers", containers), ("initContainers", custom(cluster, "customInitContainers"))] {
        for (name, value) in cluster.get(&format!("/spec/pods/resources/{section}")).and_then(Value::as_object).into_iter().flatten() {
            if !known.contains(name) {
                continue;
            }
            let entry = resources.entry(name.clone()).or_default();
            let written = |field: &str| {
                value
                    .get(field)
                    .and_then(Value::as_object)
                    .into_iter()
                    .flatten()
                    .filter_map(|(name, amount)| Some((name, amount.as_str()?)))
            };
            for (resource, amount) in written("limits") {
                entry.limits.insert(resource.clone(), amount.to_owned());
                let above = |request: &String| Quantity::parse(request) > Quantity::parse(amount);
                if let Some(request) = entry.requests.get_mut(resource).filter(|request| above(request)) {
                    amount.clone_into(request);
                }
            }
            for (resource, amount) in written("requests") {
                entry.requests.insert(resource.clone(), amount.to_owned());
            }
        }
    }
}
