//! What `kubectl` asks first: versions, groups, resources.

use super::resources::{ALL, Resource};
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// The answer to a discovery path.
pub(super) fn answer(path: &str) -> Option<Value> {
    let parts: Vec<&str> = path.trim_matches('/').split('/').collect();
    match parts.as_slice() {
        ["version"] => Some(json!({
            "major": "1", "minor": "34", "gitVersion": "v1.34.0+stackgres-demo", "gitCommit": "", "gitTreeState": "clean",
            "buildDate": "2025-01-01T00:00:00Z", "goVersion": "none", "compiler": "none", "platform": "linux/amd64",
        })),
        ["api"] => Some(json!({"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": []})),
        ["apis"] => {
            let groups: BTreeSet<(&str, &str)> =
                ALL.iter().filter(|resource| !resource.group.is_empty()).map(|resource| (resource.group, resource.version)).collect();
            let names: BTreeSet<&str> = groups.iter().map(|(group, _)| *group).collect();
            let listed: Vec<Value> = names.into_iter().filter_map(group).collect();
            Some(json!({"kind": "APIGroupList", "apiVersion": "v1", "groups": listed}))
        }
        ["api", "v1"] => Some(resources("", "v1")),
        ["apis", name] => group(name),
        ["apis", group, version] if ALL.iter().any(|resource| resource.group == *group && resource.version == *version) => {
            Some(resources(group, version))
        }
        _ => None,
    }
}

fn group(name: &str) -> Option<Value> {
    let versions: BTreeSet<&str> = ALL.iter().filter(|resource| resource.group == name).map(|resource| resource.version).collect();
    let entry = |version: &&str| json!({"groupVersion": format!("{name}/{version}"), "version": version});
    let preferred = versions.iter().find(|version| **version == "v1").or_else(|| versions.first())?;
    Some(json!({
        "kind": "APIGroup", "apiVersion": "v1", "name": name,
        "versions": versions.iter().map(entry).collect::<Vec<_>>(), "preferredVersion": entry(preferred),
    }))
}

fn resources(group: &str, version: &str) -> Value {
    let mut listed = Vec::new();
    for resource in ALL.iter().filter(|resource| resource.group == group && resource.version == version) {
        let all = ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"];
        let verbs: Vec<&str> = all.into_iter().filter(|verb| resource.kind != "Namespace" || *verb != "deletecollection").collect();
        listed.push(one(resource, "", resource.kind, json!(verbs)));
        if resource.status {
            listed.push(one(resource, "/status", resource.kind, json!(["get", "patch", "update"])));
        }
        for name in resource.subresources() {
            let verbs = json!(["get", "patch", "update"]);
            let subresource = format!("/{name}");
            let mut one = one(resource, &subresource, if name == "scale" { "Scale" } else { resource.kind }, verbs);
            if name == "scale" {
                one["group"] = json!("autoscaling");
                one["version"] = json!("v1");
            }
            listed.push(one);
        }
    }
    let version = if group.is_empty() { version.to_owned() } else { format!("{group}/{version}") };
    json!({"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": version, "resources": listed})
}

fn one(resource: &Resource, subresource: &str, kind: &str, verbs: Value) -> Value {
    let mut value = json!({
        "name": format!("{}{subresource}", resource.plural), "singularName": if subresource.is_empty() { resource.singular } else { "" },
        "namespaced": resource.namespaced, "kind": kind, "verbs": verbs,
    });
    if subresource.is_empty() {
        if !resource.short_names.is_empty() {
            value["shortNames"] = json!(resource.short_names);
        }
        if !resource.categories.is_empty() {
            value["categories"] = json!(resource.categories);
        }
    }
    value
}
