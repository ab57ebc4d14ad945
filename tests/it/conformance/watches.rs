//! Watches.

use super::requests::{Api, CONFIGS, config_map, postgres_config};
use serde_json::{Value, json};

fn labelled(name: &str, label: &str) -> Value {
    let mut object = config_map(name, json!({}));
    object["metadata"]["labels"] = json!({"w": label});
    object
}

pub(super) async fn a_watch_tells_what_comes_changes_and_goes(api: &Api<'_>) {
    let version = api.get("configmaps").await.version();
    let mut watch = api.watch("configmaps", &format!("resourceVersion={version}&labelSelector=w")).await;
    let made = api.make("configmaps", &labelled("a", "1")).await;
    let (kind, object) = watch.next().await;
    api.is("made", (kind, &object), ("ADDED", &made.body));
    let changed = api.merge("configmaps/a", &json!({"data": {"x": "1"}})).await;
    let (kind, object) = watch.next().await;
    api.is("changed", (kind, &object), ("MODIFIED", &changed.body));
    api.merge("configmaps/a", &json!({"data": {"x": "1"}})).await;
    api.delete("configmaps/a", &Value::Null).await;
    let (kind, object) = watch.next().await;
    api.is(
        "gone, and a write of nothing is no change",
        (kind, &object["data"], &object["metadata"]["uid"]),
        ("DELETED", &changed.body["data"], json!(made.uid())),
    );
    let number = |version: &Value| version.as_str().and_then(|text| text.parse::<u64>().ok()).unwrap_or_default();
    let (last, before) = (number(&object["metadata"]["resourceVersion"]), number(&json!(changed.version())));
    api.is("the version of its end", last > before, true);
    let mut held = labelled("b", "1");
    held["metadata"]["finalizers"] = json!(["a.b/c"]);
    api.make("configmaps", &held).await;
    api.is("held", watch.next().await.0, "ADDED");
    api.delete("configmaps/b", &Value::Null).await;
    let (kind, object) = watch.next().await;
    api.is("ending", (kind, object["metadata"]["deletionTimestamp"].is_string()), ("MODIFIED", true));
    api.merge("configmaps/b", &json!({"metadata": {"finalizers": null}})).await;
    api.is("ended, at once", watch.next().await.0, "DELETED");
}

pub(super) async fn a_watch_goes_on_from_a_version(api: &Api<'_>) {
    let first = api.make("configmaps", &labelled("a", "1")).await;
    api.make("configmaps", &labelled("b", "1")).await;
    api.merge("configmaps/a", &json!({"data": {"x": "1"}})).await;
    let last = api.delete("configmaps/b", &Value::Null).await;
    api.is("deleted", last.code, 200);
    let mut watch = api.watch("configmaps", &format!("resourceVersion={}&labelSelector=w", first.version())).await;
    let mut seen = Vec::new();
    for _ in 0..3 {
        let (kind, object) = watch.next().await;
        seen.push(json!([kind, object["metadata"]["name"]]));
    }
    api.is("what came after", seen, json!([["ADDED", "b"], ["MODIFIED", "a"], ["DELETED", "b"]]));
    // From an end, nothing is told twice.
    let (version, made) = (api.get("configmaps").await.version(), labelled("c", "1"));
    let mut watch = api.watch("configmaps", &format!("resourceVersion={version}")).await;
    api.make("configmaps", &made).await;
    api.is("what comes next", watch.next().await.1["metadata"]["name"].clone(), "c");
    let bad = api.get("configmaps?watch=true&resourceVersion=abc").await;
    api.is("no version at all", bad.code >= 400, true);
}

pub(super) async fn an_object_that_leaves_the_selection_is_deleted_for_the_watch(api: &Api<'_>) {
    let version = api.get("configmaps").await.version();
    let mut watch = api.watch("configmaps", &format!("resourceVersion={version}&labelSelector=w%3D1")).await;
    api.make("configmaps", &labelled("other", "2")).await;
    api.make("configmaps", &labelled("a", "1")).await;
    api.is("selected", watch.next().await.1["metadata"]["name"].clone(), "a");
    let left = api.merge("configmaps/a", &json!({"metadata": {"labels": {"w": "2"}}})).await;
    let (kind, object) = watch.next().await;
    api.is(
        "left",
        (kind, &object["metadata"]["labels"]["w"], &object["metadata"]["resourceVersion"]),
        ("DELETED", "1", json!(left.version())),
    );
    api.merge("configmaps/a", &json!({"data": {"x": "1"}})).await;
    api.merge("configmaps/a", &json!({"metadata": {"labels": {"w": "1"}}})).await;
    let (kind, object) = watch.next().await;
    api.is("back", (kind, &object["data"]["x"]), ("ADDED", "1"));
    let mut one = api.watch("configmaps", &format!("resourceVersion={version}&fieldSelector=metadata.name%3Dother")).await;
    api.is("one by name", one.next().await.1["metadata"]["name"].clone(), "other");
}

pub(super) async fn a_watch_begins_with_everything(api: &Api<'_>) {
    api.make("configmaps", &labelled("a", "1")).await;
    api.make("configmaps", &labelled("b", "1")).await;
    for query in ["", "resourceVersion=0"] {
        let mut watch = api.watch("configmaps", &format!("labelSelector=w&{query}")).await;
        let mut names = vec![watch.next().await.1["metadata"]["name"].clone(), watch.next().await.1["metadata"]["name"].clone()];
        names.sort_by_key(ToString::to_string);
        api.is(query, names, json!(["a", "b"]));
    }
    let query = "labelSelector=w&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true";
    let mut watch = api.watch("configmaps", query).await;
    let mut lines = Vec::new();
    for _ in 0..3 {
        let line = watch.line().await.unwrap();
        lines.push(json!([line["type"], line["object"]["metadata"]["name"]]));
        if line["type"] == "BOOKMARK" {
            api.is("the end of the list", &line["object"]["metadata"]["annotations"]["k8s.io/initial-events-end"], "true");
            api.is("its kind", (&line["object"]["kind"], &line["object"]["apiVersion"]), ("ConfigMap", "v1"));
            api.is("its version", line["object"]["metadata"]["resourceVersion"].is_string(), true);
        }
    }
    api.is("then a bookmark", lines, json!([["ADDED", "a"], ["ADDED", "b"], ["BOOKMARK", null]]));
    api.make("configmaps", &labelled("c", "1")).await;
    api.is("then what comes", watch.next().await.0, "ADDED");
    let half = api.get("configmaps?watch=true&sendInitialEvents=true&timeoutSeconds=1").await;
    api.has("half a wish", &half, 422, json!({"reason": "Invalid", "details": {"group": "meta.k8s.io", "kind": "ListOptions", "causes": [{"reason": "FieldValueForbidden", "field": "resourceVersionMatch"}]}}));
}

pub(super) async fn a_watch_of_metadata_and_one_object(api: &Api<'_>) {
    let made = api.make(CONFIGS, &postgres_config("a", json!({"work_mem": "1MB"}))).await;
    let accept = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1";
    let mut watch = api.watch_as(CONFIGS, "allowWatchBookmarks=true", accept).await;
    let (kind, object) = watch.next().await;
    api.is(
        "metadata",
        (kind, &object["kind"], &object["apiVersion"], &object["spec"], &object["metadata"]),
        ("ADDED", "PartialObjectMetadata", "meta.k8s.io/v1", Value::Null, &made.body["metadata"]),
    );
    api.delete(&format!("{CONFIGS}/a"), &Value::Null).await;
    let (kind, object) = watch.next().await;
    api.is("its end", (kind, &object["kind"], &object["metadata"]["uid"]), ("DELETED", "PartialObjectMetadata", json!(made.uid())));
    api.make(CONFIGS, &postgres_config("b", json!({}))).await;
    let mut all = api.watch("/apis/stackgres.io/v1/sgpgconfigs", "fieldSelector=metadata.name%3Db").await;
    api.is("all namespaces", all.next().await.1["metadata"]["name"].clone(), "b");
}

/// Events are the one kind whose watches a real API server takes from its store, which forgets.
pub(super) async fn an_old_watch_has_expired(api: &Api<'_>) {
    let event = |name: &str| super::requests::event(api, name);
    let first = api.make("events.k8s.io/v1/events", &event("a")).await;
    api.make("events.k8s.io/v1/events", &event("b")).await;
    let last = api.make("events.k8s.io/v1/events", &event("c")).await;
    api.forget(&last.version()).await;
    let answer = api.get(&format!("events.k8s.io/v1/events?watch=true&timeoutSeconds=5&resourceVersion={}", first.version())).await;
    // Told as an answer, or as the first event of the watch.
    let status = if answer.body["type"] == "ERROR" { answer.body["object"].clone() } else { answer.body.clone() };
    api.is("expired", (&status["kind"], &status["reason"], &status["code"]), ("Status", "Expired", 410));
    let mut watch =
        api.watch("events.k8s.io/v1/events", &format!("resourceVersion={}", api.get("events.k8s.io/v1/events").await.version())).await;
    api.make("events.k8s.io/v1/events", &event("d")).await;
    api.is("a new list helps", watch.next().await.1["metadata"]["name"].clone(), "d");
}

pub(super) async fn a_watch_ends_when_asked(api: &Api<'_>) {
    api.make("configmaps", &labelled("a", "1")).await;
    let mut watch = api.watch("configmaps", "timeoutSeconds=1&labelSelector=w").await;
    api.is("what is there", watch.next().await.0, "ADDED");
    api.is("the end", watch.line().await, Value::Null);
}
