//! OpenAPI 3 as far as `kubectl explain` and `kubectl apply` read it.

use super::resources::{ALL, Resource};
use crate::api::crd;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// The answer to an OpenAPI path.
pub(super) fn answer(path: &str) -> Option<Value> {
    let rest = path.strip_prefix("/openapi/v3")?;
    if rest.is_empty() {
        let paths: BTreeSet<String> = ALL.iter().map(root).collect();
        let entries = paths.into_iter().map(|path| {
            let url = json!({"serverRelativeURL": format!("/openapi/v3/{path}")});
            (path, url)
        });
        return Some(json!({"paths": entries.collect::<serde_json::Map<_, _>>()}));
    }
    let mut document =
        json!({"openapi": "3.0.0", "info": {"title": "Kubernetes", "version": "v1.34.0"}, "paths": {}, "components": {"schemas": {}}});
    let wanted = rest.trim_start_matches('/');
    let mut found = false;
    for resource in ALL.iter().filter(|resource| root(resource) == wanted) {
        found = true;
        let kind = json!({"group": resource.group, "version": resource.version, "kind": resource.kind});
        let inside = if resource.namespaced { "/namespaces/{namespace}" } else { "" };
        let names = ["dryRun", "fieldManager", "fieldValidation", "force"];
        let parameters: Vec<Value> = names.iter().map(|name| json!({"name": name, "in": "query", "schema": {"type": "string"}})).collect();
        // A group reads from the general to the special here: `io.stackgres.v1.SGCluster`.
        let group: Vec<&str> = resource.group.rsplit('.').collect();
        let group = if resource.group.is_empty() { "io.k8s.api.core".to_owned() } else { group.join(".") };
        let name = format!("{group}.{}.{}", resource.version, resource.kind);
        let operation = |action: &str| {
            let reference = json!({"$ref": format!("#/components/schemas/{name}")});
            json!({
                "x-kubernetes-action": action, "x-kubernetes-group-version-kind": kind, "parameters": parameters,
                "responses": {"200": {"description": "OK", "content": {"application/json": {"schema": reference}}}},
            })
        };
        document["paths"][format!("/{}{inside}/{}/{{name}}", root(resource), resource.plural)] =
            json!({"get": operation("get"), "patch": operation("patch"), "put": operation("put")});
        document["paths"][format!("/{}{inside}/{}", root(resource), resource.plural)] =
            json!({"get": operation("list"), "post": operation("post")});
        let mut schema = match resource.own {
            Some(kind) => crd(kind)["spec"]["versions"][0]["schema"]["openAPIV3Schema"].take(),
            None => json!({"type": "object", "description": "A built-in kind; `kubectl explain` of a real cluster describes its fields."}),
        };
        schema["x-kubernetes-group-version-kind"] = json!([kind]);
        document["components"]["schemas"][name] = schema;
    }
    found.then_some(document)
}

fn root(resource: &Resource) -> String {
    if resource.group.is_empty() { format!("api/{}", resource.version) } else { format!("apis/{}/{}", resource.group, resource.version) }
}
