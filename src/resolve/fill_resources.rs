//! Requests and limits of the containers.
//!
//! The side containers' requests are taken out of the profile's, so that an instance asks the scheduler for what the profile
//! says and no more. Source of the shares: the published behaviour of the API this implements.

use super::effective::ResourceAmounts;
use super::fill::{DEFAULT_CPU, DEFAULT_MEMORY};
use super::inputs::Inputs;
use crate::model::{Object, Quantity};
use serde_json::Value;
use std::collections::BTreeMap;

pub(super) fn resources(inputs: &Inputs, profile: &str, pooling: bool, exporter: bool, util: bool) -> BTreeMap<String, ResourceAmounts> {
    let object = inputs.instance_profile.as_ref().map(|profile| &profile.object);
    let read = |pointer: &str| object.and_then(|object| object.text(pointer)).and_then(Quantity::parse);
    let cpu = read("/spec/cpu").or_else(|| Quantity::parse(DEFAULT_CPU)).map_or(1_000, Quantity::milli);
    let memory = read("/spec/memory").or_else(|| Quantity::parse(DEFAULT_MEMORY)).map_or(2 << 30, Quantity::ceiling);
    let requested_cpu = read("/spec/requests/cpu").map_or(cpu, Quantity::milli);
    let requested_memory = read("/spec/requests/memory").map_or(memory, Quantity::ceiling);
    let limits_for_sides = inputs.cluster.object.get("/spec/pods/resources/enableClusterLimitsRequirements") == Some(&Value::Bool(true));
    let split = inputs.cluster.object.get("/spec/pods/resources/disableResourcesRequestsSplitFromTotal") != Some(&Value::Bool(true));
    let option = |name: &str| inputs.cluster.object.get(&format!("/spec/nonProductionOptions/{name}")).and_then(Value::as_bool);
    let without_patroni = option("disablePatroniResourceRequirements").unwrap_or(profile == "development");
    let without_sides = option("disableClusterResourceRequirements").unwrap_or(profile == "development");

    let mut resources = BTreeMap::new();
    let (mut side_cpu, mut side_memory) = (0, 0);
    let sides = [
        ("pgbouncer", pooling, 250, 64_i64 << 20),
        ("prometheus-postgres-exporter", exporter, 0, 256 << 20),
        ("postgres-util", util, 0, 64 << 20),
    ];
    for (name, present, least_cpu, default_memory) in sides {
        if !present || without_sides {
            continue;
        }
        let share = |total: i64| (total / 16 + i64::from(total % 16 > 0)).clamp(least_cpu, 1_000);
        let request_cpu = container(object, "requests/containers", name, "cpu").map_or_else(|| share(requested_cpu), Quantity::milli);
        let request_memory = container(object, "requests/containers", name, "memory").map_or(default_memory, Quantity::ceiling);
        side_cpu += request_cpu;
        side_memory += request_memory;
        let mut amounts = ResourceAmounts { requests: amounts(request_cpu, request_memory), limits: BTreeMap::new() };
        if limits_for_sides {
            let limit_cpu = container(object, "containers", name, "cpu").map_or_else(|| share(cpu), Quantity::milli);
            let limit_memory = container(object, "containers", name, "memory").map_or(default_memory, Quantity::ceiling);
            amounts.limits = self::amounts(limit_cpu, limit_memory);
        }
        resources.insert(name.to_owned(), amounts);
    }
    if !without_patroni {
        let (less_cpu, less_memory) = if split { (side_cpu, side_memory) } else { (0, 0) };
        let mut patroni = ResourceAmounts {
            requests: amounts((requested_cpu - less_cpu).max(0), (requested_memory - less_memory).max(0)),
            limits: amounts(cpu, memory),
        };
        for page in ["hugepages-2Mi", "hugepages-1Gi"] {
            if let Some(amount) = object.and_then(|object| object.text(&format!("/spec/hugePages/{page}"))) {
                patroni.requests.insert(page.to_owned(), amount.to_owned());
                patroni.limits.insert(page.to_owned(), amount.to_owned());
            }
        }
        resources.insert("patroni".to_owned(), patroni);
    }
    overrides(&inputs.cluster.object, &mut resources);
    resources
}

fn container(object: Option<&Object>, section: &str, name: &str, what: &str) -> Option<Quantity> {
    Quantity::parse(object?.text(&format!("/spec/{section}/{name}/{what}"))?)
}

fn amounts(cpu: i64, memory: i64) -> BTreeMap<String, String> {
    [("cpu".to_owned(), Quantity::thousandths(cpu).cpu_text()), ("memory".to_owned(), Quantity::whole(memory).memory_text())].into()
}

/// `spec.pods.resources.containers` wins, resource by resource.
fn overrides(cluster: &Object, resources: &mut BTreeMap<String, ResourceAmounts>) {
    for section in ["containers", "initContainers"] {
        for (name, value) in cluster.get(&format!("/spec/pods/resources/{section}")).and_then(Value::as_object).into_iter().flatten() {
            let entry = resources.entry(name.clone()).or_default();
            for (into, field) in [(&mut entry.requests, "requests"), (&mut entry.limits, "limits")] {
                for (resource, amount) in value.get(field).and_then(Value::as_object).into_iter().flatten() {
                    if let Some(amount) = amount.as_str() {
                        into.insert(resource.clone(), amount.to_owned());
                    }
                }
            }
        }
    }
}
