//! Deleting: finalizers, preconditions, collections, namespaces.

use super::requests::{Api, CONFIGS, config_map, postgres_config};
use serde_json::{Value, json};

pub(super) async fn a_finalizer_holds_an_object(api: &Api<'_>) {
    let mut object = config_map("a", json!({}));
    object["metadata"]["finalizers"] = json!(["a.b/c"]);
    let made = api.make("configmaps", &object).await;
    let asked = api.delete("configmaps/a", &Value::Null).await;
    api.has(
        "asked",
        &asked,
        200,
        json!({"kind": "ConfigMap", "metadata": {"uid": made.uid(), "finalizers": ["a.b/c"], "deletionGracePeriodSeconds": 0}}),
    );
    let stamp = asked.body["metadata"]["deletionTimestamp"].clone();
    api.is("stamped", stamp.is_string(), true);
    let again = api.delete("configmaps/a", &Value::Null).await;
    api.is("asked again", (again.code, again.version()), (200, asked.version()));
    let more = api.merge("configmaps/a", &json!({"metadata": {"finalizers": ["a.b/c", "a.b/d"]}})).await;
    api.has("no new finalizer", &more, 422, json!({"reason": "Invalid"}));
    let alive = api.merge("configmaps/a", &json!({"metadata": {"deletionTimestamp": null}, "data": {"x": "1"}})).await;
    api.has(
        "it cannot be called back, and can be written",
        &alive,
        200,
        json!({"metadata": {"deletionTimestamp": stamp}, "data": {"x": "1"}}),
    );
    api.is("its name is taken", api.post("configmaps", &config_map("a", json!({}))).await.code, 409);
    api.is("the last finalizer", api.merge("configmaps/a", &json!({"metadata": {"finalizers": null}})).await.code, 200);
    api.is("gone", api.get("configmaps/a").await.code, 404);
    let mut object = postgres_config("a", json!({}));
    object["metadata"]["finalizers"] = json!(["a.b/c"]);
    api.make(CONFIGS, &object).await;
    let asked = api.delete(&format!("{CONFIGS}/a"), &Value::Null).await;
    api.has("our own", &asked, 200, json!({"kind": "SGPostgresConfig", "metadata": {"generation": 2}}));
    let mut rest = asked.body.clone();
    rest["metadata"]["finalizers"] = json!([]);
    api.is("by a replace", api.put(&format!("{CONFIGS}/a"), &rest).await.code, 200);
    api.is("our own is gone", api.get(&format!("{CONFIGS}/a")).await.code, 404);
}

pub(super) async fn a_delete_has_preconditions(api: &Api<'_>) {
    let made = api.make("configmaps", &config_map("a", json!({}))).await;
    let changed = api.merge("configmaps/a", &json!({"data": {"x": "1"}})).await;
    let options = |uid: Option<&str>, version: Option<&str>| json!({"apiVersion": "v1", "kind": "DeleteOptions", "preconditions": {"uid": uid, "resourceVersion": version}});
    let other = api.delete("configmaps/a", &options(Some("x"), None)).await;
    let message = format!(
        "Operation cannot be fulfilled on ConfigMap \"a\": the UID in the precondition (x) does not match the UID in record ({}). The object might have been deleted and then recreated",
        made.uid()
    );
    api.has(
        "another identity",
        &other,
        409,
        json!({"reason": "Conflict", "message": message, "details": {"name": "a", "kind": "ConfigMap"}}),
    );
    let stale = api.delete("configmaps/a", &options(None, Some(&made.version()))).await;
    let message = format!(
        "Operation cannot be fulfilled on ConfigMap \"a\": the ResourceVersion in the precondition ({}) does not match the ResourceVersion in record ({}). The object might have been modified",
        made.version(),
        changed.version()
    );
    api.has("a stale version", &stale, 409, json!({"reason": "Conflict", "message": message}));
    api.is("it is there", api.get("configmaps/a").await.code, 200);
    api.is("both fit", api.delete("configmaps/a", &options(Some(&made.uid()), Some(&changed.version()))).await.code, 200);
    api.is("gone", api.get("configmaps/a").await.code, 404);
    let own = api.make(CONFIGS, &postgres_config("a", json!({}))).await;
    api.has("our own", &api.delete(&format!("{CONFIGS}/a"), &options(Some("x"), None)).await, 409, json!({"reason": "Conflict"}));
    api.is("our own fits", api.delete(&format!("{CONFIGS}/a"), &options(Some(&own.uid()), None)).await.code, 200);
}

pub(super) async fn a_collection_is_deleted_by_selector(api: &Api<'_>) {
    for (name, label) in [("a", "1"), ("b", "1"), ("c", "2")] {
        let mut object = config_map(name, json!({}));
        object["metadata"]["labels"] = json!({"l": label});
        api.make("configmaps", &object).await;
    }
    let answer = api.delete("configmaps?labelSelector=l%3D1", &Value::Null).await;
    api.has("two of three", &answer, 200, json!({"kind": "ConfigMapList"}));
    api.is("what went is listed", answer.body["items"].as_array().map(Vec::len), 2);
    api.is(
        "what is left",
        (api.get("configmaps/a").await.code, api.get("configmaps/b").await.code, api.get("configmaps/c").await.code),
        (404, 404, 200),
    );
}

pub(super) async fn a_namespace_takes_its_content_along(api: &Api<'_>) {
    let name = format!("{}-x", api.namespace.chars().take(55).collect::<String>().trim_end_matches('-'));
    let made = api.post("/api/v1/namespaces", &json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})).await;
    api.has("made", &made, 201, json!({"metadata": {"labels": {"kubernetes.io/metadata.name": name}}, "spec": {"finalizers": ["kubernetes"]}, "status": {"phase": "Active"}}));
    let inside = format!("/api/v1/namespaces/{name}/secrets");
    api.make(&inside, &json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "a"}})).await;
    let asked = api.delete(&format!("/api/v1/namespaces/{name}"), &Value::Null).await;
    api.has("asked", &asked, 200, json!({"kind": "Namespace", "status": {"phase": "Terminating"}}));
    api.gone(&format!("/api/v1/namespaces/{name}")).await;
    api.is("its content", api.get(&format!("{inside}/a")).await.code, 404);
}

/// The program reads nothing of it; `kubectl` waits by the identity that it finds there.
pub(super) async fn what_a_delete_answers(api: &Api<'_>) {
    let own = api.make(CONFIGS, &postgres_config("a", json!({}))).await;
    let gone = api.delete(&format!("{CONFIGS}/a"), &Value::Null).await;
    api.has("our own", &gone, 200, json!({"kind": "Status", "status": "Success", "details": {"name": "a", "group": "stackgres.io", "kind": "sgpgconfigs", "uid": own.uid()}}));
    api.make("services", &json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "a"}, "spec": {"ports": [{"port": 80}]}}))
        .await;
    api.has("a Service", &api.delete("services/a", &Value::Null).await, 200, json!({"kind": "Service"}));
    api.make("serviceaccounts", &json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "a"}})).await;
    api.has("a ServiceAccount", &api.delete("serviceaccounts/a", &Value::Null).await, 200, json!({"kind": "ServiceAccount"}));
    let pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a"}, "spec": {"nodeSelector": {"no": "no"}, "containers": [{"name": "c", "image": "i"}]}});
    api.make("pods", &pod).await;
    api.has("a Pod", &api.delete("pods/a", &json!({"gracePeriodSeconds": 0})).await, 200, json!({"kind": "Pod"}));
    api.gone("pods/a").await;
    api.make("secrets", &json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "a"}})).await;
    api.has("a Secret", &api.delete("secrets/a", &Value::Null).await, 200, json!({"kind": "Status", "details": {"kind": "secrets"}}));
    api.make("apps/v1/statefulsets", &super::objects::stateful_set("a", 0)).await;
    api.has(
        "a StatefulSet",
        &api.delete("apps/v1/statefulsets/a", &json!({"propagationPolicy": "Background"})).await,
        200,
        json!({"kind": "Status", "details": {"group": "apps", "kind": "statefulsets"}}),
    );
}
