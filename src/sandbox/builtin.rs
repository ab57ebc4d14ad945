//! Built-in kinds: types, unknown fields, what the server fills in, what may not change.

use super::answer::Failure;
use super::own::{self, Validation};
use super::resources::Resource;
use crate::model::pointer::join;
use k8s_openapi::api;
use serde_json::{Value, json};

/// How an object came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum How {
    /// As a whole.
    Sent,
    /// As a patch, laid over what is there.
    Patched,
    /// As what an apply sent, by itself.
    Applied,
}

/// Decodes an object as its Go type would be, and tells unknown fields.
pub(super) fn admit(resource: &Resource, object: &mut Value, validation: Validation, how: How) -> Result<(), Failure> {
    let decoded = match (resource.group, resource.kind) {
        ("", "ConfigMap") => decode::<api::core::v1::ConfigMap>(object),
        ("", "Endpoints") => decode::<api::core::v1::Endpoints>(object),
        ("", "Namespace") => decode::<api::core::v1::Namespace>(object),
        ("", "PersistentVolumeClaim") => decode::<api::core::v1::PersistentVolumeClaim>(object),
        ("", "Pod") => decode::<api::core::v1::Pod>(object),
        ("", "PodTemplate") => decode::<api::core::v1::PodTemplate>(object),
        ("", "Secret") => decode::<api::core::v1::Secret>(object),
        ("", "Service") => decode::<api::core::v1::Service>(object),
        ("", "ServiceAccount") => decode::<api::core::v1::ServiceAccount>(object),
        ("apps", "Deployment") => decode::<api::apps::v1::Deployment>(object),
        ("apps", "StatefulSet") => decode::<api::apps::v1::StatefulSet>(object),
        ("batch", "CronJob") => decode::<api::batch::v1::CronJob>(object),
        ("batch", "Job") => decode::<api::batch::v1::Job>(object),
        ("coordination.k8s.io", "Lease") => decode::<api::coordination::v1::Lease>(object),
        ("events.k8s.io", "Event") => decode::<api::events::v1::Event>(object),
        ("policy", "PodDisruptionBudget") => decode::<api::policy::v1::PodDisruptionBudget>(object),
        (_, "ClusterRole") => decode::<api::rbac::v1::ClusterRole>(object),
        (_, "ClusterRoleBinding") => decode::<api::rbac::v1::ClusterRoleBinding>(object),
        (_, "Role") => decode::<api::rbac::v1::Role>(object),
        (_, "RoleBinding") => decode::<api::rbac::v1::RoleBinding>(object),
        _ => return Ok(()),
    };
    let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    let (namespace, name) = (text("/metadata/namespace"), text("/metadata/name"));
    let known = decoded.map_err(|message| {
        let (kind, version) = (resource.kind, resource.version);
        if how == How::Applied {
            return own::untyped(resource, namespace, name, &message);
        }
        Failure::bad_request(format!("{kind} in version \"{version}\" cannot be handled as a {kind}: {message}"))
    })?;
    let mut unknown = Vec::new();
    lost("", object, &known, &mut unknown);
    match (how, unknown.first()) {
        (How::Applied, Some(path)) => {
            return Err(own::untyped(resource, namespace, name, &format!(".{path}: field not declared in schema")));
        }
        (_, Some(_)) if validation == Validation::Strict => return Err(own::strict(resource, name, &unknown, how == How::Patched)),
        // What the type does not know is dropped, as decoding does.
        (_, Some(_)) => unknown.iter().for_each(|path| drop_field(object, path)),
        (_, None) => {}
    }
    if resource.kind == "PodTemplate" {
        let problems = pod_problems(object);
        if !problems.is_empty() {
            let name = object.pointer("/metadata/name").and_then(Value::as_str).unwrap_or_default().to_owned();
            return Err(Failure::invalid(resource, &name, &problems));
        }
    }
    Ok(())
}

/// Some of what the API server checks in a pod and not in a StatefulSet's template: mounts lead to volumes, skews are positive.
fn pod_problems(object: &Value) -> Vec<(String, String)> {
    let list = |value: &Value, pointer: &str| value.pointer(pointer).and_then(Value::as_array).cloned().unwrap_or_default();
    let mut problems = Vec::new();
    for (index, constraint) in list(object, "/template/spec/topologySpreadConstraints").iter().enumerate() {
        if let Some(skew) = constraint["maxSkew"].as_i64().filter(|skew| *skew <= 0) {
            let path = format!("template.spec.topologySpreadConstraints[{index}].maxSkew");
            problems.push((path, format!("Invalid value: {skew}: must be greater than zero")));
        }
    }
    let volumes = list(object, "/template/spec/volumes");
    for (index, container) in list(object, "/template/spec/containers").iter().enumerate() {
        for (at, mount) in list(container, "/volumeMounts").iter().enumerate() {
            if !volumes.iter().any(|volume| volume["name"] == mount["name"]) {
                problems
                    .push((format!("template.spec.containers[{index}].volumeMounts[{at}].name"), format!("Not found: {}", mount["name"])));
            }
        }
    }
    problems
}

fn decode<T: serde::de::DeserializeOwned + serde::Serialize>(object: &Value) -> Result<Value, String> {
    let typed: T = serde_json::from_value(object.clone()).map_err(|error| error.to_string())?;
    serde_json::to_value(typed).map_err(|error| error.to_string())
}

/// Paths that did not survive decoding. What is empty or null may be left out by a type.
fn lost(at: &str, before: &Value, after: &Value, unknown: &mut Vec<String>) {
    match (before, after) {
        (Value::Object(before), Value::Object(after)) => {
            for (name, value) in before {
                let path = if at.is_empty() { name.clone() } else { format!("{at}.{name}") };
                match after.get(name) {
                    Some(kept) => lost(&path, value, kept, unknown),
                    None if value.is_null()
                        || value.as_array().is_some_and(Vec::is_empty)
                        || value.as_object().is_some_and(serde_json::Map::is_empty) => {}
                    None => unknown.push(path),
                }
            }
        }
        (Value::Array(before), Value::Array(after)) => {
            for (index, (before, after)) in before.iter().zip(after).enumerate() {
                lost(&format!("{at}[{index}]"), before, after, unknown);
            }
        }
        _ => {}
    }
}

/// Drops what [`lost`] named: `spec.items[0].name`.
fn drop_field(object: &mut Value, path: &str) {
    let steps = path.split(['.', '[']).map(|step| step.trim_end_matches(']'));
    let pointer = steps.fold(String::new(), |pointer, step| join(&pointer, step));
    if let Some((parent, name)) = pointer.rsplit_once('/')
        && let Some(map) = object.pointer_mut(parent).and_then(Value::as_object_mut)
    {
        map.remove(name);
    }
}

/// Fills in what other parts of a cluster rely on.
pub(super) fn fill(resource: &Resource, object: &mut Value, number: u64) {
    fn default(object: &mut Value, pointer: &str, name: &str, value: Value) {
        if let Some(map) = object.pointer_mut(pointer).and_then(Value::as_object_mut) {
            map.entry(name.to_owned()).or_insert(value);
        }
    }
    match resource.kind {
        "Secret" => {
            default(object, "", "type", json!("Opaque"));
            let plain = object.as_object_mut().and_then(|map| map.remove("stringData"));
            for (name, value) in plain.as_ref().and_then(Value::as_object).into_iter().flatten() {
                use base64::Engine as _;
                let text = value.as_str().unwrap_or_default();
                object["data"][name] = json!(base64::engine::general_purpose::STANDARD.encode(text));
            }
        }
        "Namespace" => {
            let name = object["metadata"]["name"].clone();
            object["metadata"]["labels"]["kubernetes.io/metadata.name"] = name;
            default(object, "", "spec", json!({"finalizers": ["kubernetes"]}));
            default(object, "", "status", json!({"phase": "Active"}));
        }
        "Service" => {
            default(object, "", "spec", json!({}));
            default(object, "/spec", "type", json!("ClusterIP"));
            default(object, "/spec", "sessionAffinity", json!("None"));
            if object.pointer("/spec/type") != Some(&json!("ExternalName")) {
                default(object, "/spec", "clusterIP", json!(format!("10.96.{}.{}", (number >> 8) & 255, number & 255)));
                let address = object["spec"]["clusterIP"].clone();
                default(object, "/spec", "clusterIPs", json!([address]));
                default(object, "/spec", "ipFamilies", json!(["IPv4"]));
                default(object, "/spec", "ipFamilyPolicy", json!("SingleStack"));
                default(object, "/spec", "internalTrafficPolicy", json!("Cluster"));
            }
            for port in object.pointer_mut("/spec/ports").and_then(Value::as_array_mut).into_iter().flatten() {
                let number = port["port"].clone();
                default(port, "", "protocol", json!("TCP"));
                default(port, "", "targetPort", number);
            }
            default(object, "", "status", json!({"loadBalancer": {}}));
        }
        "StatefulSet" => {
            default(object, "/spec", "replicas", json!(1));
            default(object, "/spec", "podManagementPolicy", json!("OrderedReady"));
            default(object, "/spec", "updateStrategy", json!({"type": "RollingUpdate"}));
            default(object, "/spec", "revisionHistoryLimit", json!(10));
        }
        "Pod" => default(object, "", "status", json!({"phase": "Pending"})),
        "PersistentVolumeClaim" => {
            default(object, "/spec", "volumeMode", json!("Filesystem"));
            default(object, "", "status", json!({"phase": "Pending"}));
        }
        "CustomResourceDefinition" => {
            let condition = |name: &str| json!({"type": name, "status": "True", "reason": "Accepted", "message": ""});
            object["status"] = json!({"conditions": [condition("NamesAccepted"), condition("Established")]});
        }
        _ => {}
    }
}

/// What a replace leaves out and the server keeps, because it gave it: the address of a Service, the volume of a claim.
pub(super) fn keep(resource: &Resource, before: &Value, after: &mut Value) {
    let given: &[&str] = match resource.kind {
        "Service" if after["spec"]["type"] != "ExternalName" => &["clusterIP", "clusterIPs"],
        "PersistentVolumeClaim" => &["volumeName"],
        _ => &[],
    };
    for field in given {
        if let (Some(value), Some(spec)) = (before["spec"].get(*field), after.get_mut("spec").and_then(Value::as_object_mut)) {
            spec.entry((*field).to_owned()).or_insert_with(|| value.clone());
        }
    }
}

/// What the server does not let change.
pub(super) fn frozen(resource: &Resource, before: &Value, after: &Value) -> Vec<(String, String)> {
    let differs = |pointer: &str| before.pointer(pointer).is_some() && before.pointer(pointer) != after.pointer(pointer);
    let immutable = |pointer: &str| {
        let value = after.pointer(pointer).cloned().unwrap_or_default();
        (pointer.trim_start_matches('/').replace('/', "."), format!("Invalid value: {value}: field is immutable"))
    };
    let mut problems = Vec::new();
    match resource.kind {
        "Secret" | "ConfigMap" if before["immutable"] == true => {
            let message = "Forbidden: field is immutable when `immutable` is set";
            let changed =
                ["/immutable", "/data", "/binaryData"].into_iter().filter(|pointer| before.pointer(pointer) != after.pointer(pointer));
            problems.extend(changed.map(|pointer| (pointer.trim_start_matches('/').to_owned(), message.to_owned())));
        }
        "Secret" if differs("/type") => problems.push(immutable("/type")),
        "Service" if differs("/spec/clusterIP") => problems.push(immutable("/spec/clusterIP")),
        "RoleBinding" | "ClusterRoleBinding" if differs("/roleRef") => problems.push(immutable("/roleRef")),
        "StatefulSet" => {
            const MAY: &[&str] = &[
                "replicas",
                "ordinals",
                "template",
                "updateStrategy",
                "revisionHistoryLimit",
                "persistentVolumeClaimRetentionPolicy",
                "minReadySeconds",
            ];
            let rest = |value: &Value| {
                let mut spec = value["spec"].clone();
                if let Some(map) = spec.as_object_mut() {
                    map.retain(|name, _| !MAY.contains(&name.as_str()));
                }
                spec
            };
            if rest(before) != rest(after) {
                let message = format!("Forbidden: updates to statefulset spec for fields other than '{}' are forbidden", MAY.join("', '"));
                problems.push(("spec".to_owned(), message));
            }
        }
        "PersistentVolumeClaim" => {
            const MAY: &str =
                "Forbidden: spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims";
            let size = |value: &Value, pointer: &str| crate::model::Quantity::parse(value.pointer(pointer).and_then(Value::as_str)?);
            let request = "/spec/resources/requests/storage";
            let rest = |value: &Value| {
                let mut spec = value["spec"].clone();
                if let Some(map) = spec.as_object_mut() {
                    // Binding sets them.
                    map.retain(|name, _| !matches!(name.as_str(), "volumeName" | "storageClassName"));
                }
                spec
            };
            if before.pointer("/status/phase") != Some(&json!("Bound")) {
                if rest(before) != rest(after) {
                    problems.push(("spec".to_owned(), MAY.to_owned()));
                }
            } else if let (Some(old), Some(new)) = (size(before, request), size(after, request))
                && new < old
            {
                problems.push((
                    "spec.resources.requests.storage".to_owned(),
                    "Forbidden: field can not be less than status.capacity".to_owned(),
                ));
            }
        }
        _ => {}
    }
    problems
}
