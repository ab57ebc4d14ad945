//! The patches that are not an apply.

use super::requests::{Api, CONFIGS, config_map, postgres_config};
use serde_json::json;

const STRATEGIC: &str = "strategic-merge-patch+json";

pub(super) async fn a_merge_patch_removes_with_null(api: &Api<'_>) {
    api.make("configmaps", &config_map("a", json!({"x": "1", "y": "1"}))).await;
    let patched = api.merge("configmaps/a", &json!({"data": {"x": null, "z": "3"}, "metadata": {"labels": {"l": "1"}}})).await;
    api.has("patched", &patched, 200, json!({"data": {"x": null, "y": "1", "z": "3"}, "metadata": {"labels": {"l": "1"}}}));
    let patched = api.merge("configmaps/a", &json!({"data": null, "metadata": {"labels": null, "annotations": {"gone": null}}})).await;
    api.has("emptied", &patched, 200, json!({"data": null, "metadata": {"labels": null, "annotations": null}}));
    api.make(CONFIGS, &postgres_config("a", json!({"work_mem": "1MB", "autovacuum": "on"}))).await;
    let patched = api.merge(&format!("{CONFIGS}/a"), &json!({"spec": {"postgresql.conf": {"work_mem": null, "jit": "off"}}})).await;
    api.is("our own", &patched.body["spec"]["postgresql.conf"], json!({"autovacuum": "on", "jit": "off"}));
    api.is("no object", api.merge("configmaps/a", &json!(["x"])).await.code, 400);
}

pub(super) async fn a_json_patch_is_done_whole_or_not_at_all(api: &Api<'_>) {
    api.make("configmaps", &config_map("a", json!({"x": "1"}))).await;
    let patch = async |steps| api.patch("json-patch+json", "configmaps/a", &steps).await;
    let done = patch(json!([
        {"op": "test", "path": "/data/x", "value": "1"}, {"op": "add", "path": "/data/y", "value": "2"},
        {"op": "replace", "path": "/data/x", "value": "3"}, {"op": "add", "path": "/metadata/annotations", "value": {}},
        {"op": "add", "path": "/metadata/annotations/a.b~1c", "value": "1"},
        {"op": "copy", "from": "/data/y", "path": "/data/z"}, {"op": "move", "from": "/data/y", "path": "/data/w"},
        {"op": "add", "path": "/metadata/finalizers", "value": ["a.b/c"]}, {"op": "add", "path": "/metadata/finalizers/-", "value": "a.b/d"}
    ]))
    .await;
    api.has("done", &done, 200, json!({"metadata": {"annotations": {"a.b/c": "1"}, "finalizers": ["a.b/c", "a.b/d"]}}));
    api.is("its data", &done.body["data"], json!({"x": "3", "z": "2", "w": "2"}));
    let refused = json!({"status": "Failure", "reason": "Invalid", "code": 422, "message": "the server rejected our request due to an error in our request"});
    let steps = json!([{"op": "replace", "path": "/data/x", "value": "9"}, {"op": "test", "path": "/data/z", "value": "1"}]);
    api.has("a test that fails", &patch(steps).await, 422, refused.clone());
    api.has("a key that is not there", &patch(json!([{"op": "remove", "path": "/data/no"}])).await, 422, refused.clone());
    api.has("a parent that is not there", &patch(json!([{"op": "add", "path": "/no/no", "value": "1"}])).await, 422, refused.clone());
    api.has(
        "an index that is not there",
        &patch(json!([{"op": "replace", "path": "/metadata/finalizers/7", "value": "a.b/x"}])).await,
        422,
        refused,
    );
    api.has("no list", &patch(json!({"op": "add"})).await, 400, json!({"reason": "BadRequest"}));
    api.is("as before", api.get("configmaps/a").await.version(), done.version());
    api.is(
        "by an index",
        &patch(json!([{"op": "remove", "path": "/metadata/finalizers/0"}])).await.body["metadata"]["finalizers"],
        json!(["a.b/d"]),
    );
    patch(json!([{"op": "remove", "path": "/metadata/finalizers"}])).await;
}

pub(super) async fn a_strategic_patch_finds_items_by_their_key(api: &Api<'_>) {
    let pod = json!({"metadata": {"labels": {"a": "b"}}, "spec": {"containers": [
        {"name": "one", "image": "i", "env": [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}], "ports": [{"containerPort": 1}]}, {"name": "two", "image": "j"}],
        "volumes": [{"name": "v", "emptyDir": {}}]}});
    let set = json!({"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": {"name": "a", "finalizers": ["a.b/c", "a.b/d"]}, "spec": {"replicas": 0, "serviceName": "a", "selector": {"matchLabels": {"a": "b"}}, "template": pod}});
    api.make("apps/v1/statefulsets", &set).await;
    let patch = async |body| api.patch(STRATEGIC, "apps/v1/statefulsets/a", &body).await;
    let done = patch(json!({"spec": {"template": {"spec": {"containers": [
        {"name": "one", "image": "k", "env": [{"name": "B", "value": "3"}, {"name": "C", "value": "4"}, {"name": "A", "$patch": "delete"}]}, {"name": "two", "$patch": "delete"}, {"name": "three", "image": "l"}]}}}}))
    .await;
    let names = |value: &serde_json::Value| -> Vec<String> {
        let mut names: Vec<String> = value
            .as_array()
            .into_iter()
            .flatten()
            .map(|one| {
                format!(
                    "{}={}",
                    one["name"].as_str().unwrap_or_default(),
                    one["value"].as_str().or(one["image"].as_str()).unwrap_or_default()
                )
            })
            .collect();
        names.sort();
        names
    };
    let containers = done.body["spec"]["template"]["spec"]["containers"].clone();
    api.is("containers", names(&containers), ["one=k", "three=l"]);
    let one = containers.as_array().into_iter().flatten().find(|one| one["name"] == "one").cloned().unwrap_or_default();
    api.is("environment", names(&one["env"]), ["B=3", "C=4"]);
    api.has("what was not named", &super::requests::Answer { code: 200, body: one }, 200, json!({"ports": [{"containerPort": 1}]}));
    let done =
        patch(json!({"metadata": {"$deleteFromPrimitiveList/finalizers": ["a.b/c"]}, "spec": {"template": {"spec": {"volumes": null}}}}))
            .await;
    api.has("from a set", &done, 200, json!({"metadata": {"finalizers": ["a.b/d"]}, "spec": {"template": {"spec": {"volumes": null}}}}));
    let done = patch(json!({"metadata": {"finalizers": ["a.b/e"]}})).await;
    api.is("to a set", done.body["metadata"]["finalizers"].as_array().map(Vec::len), 2);
    let done = patch(json!({"spec": {"template": {"metadata": {"labels": {"$patch": "replace", "a": "b", "z": "1"}}, "spec": {"containers": [{"$patch": "replace"}, {"name": "four", "image": "m"}]}}}})).await;
    api.is("a list replaced", names(&done.body["spec"]["template"]["spec"]["containers"]), ["four=m"]);
    patch(json!({"metadata": {"finalizers": null}})).await;
    // A Service's ports are told apart by port alone in this patch.
    let service = json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "a"}, "spec": {"ports": [{"port": 80, "name": "x"}, {"port": 81, "name": "y"}]}});
    api.make("services", &service).await;
    let done = api.patch(STRATEGIC, "services/a", &json!({"spec": {"ports": [{"port": 81, "name": "z"}], "selector": {"a": "b"}}})).await;
    let mut ports: Vec<_> =
        done.body["spec"]["ports"].as_array().into_iter().flatten().map(|port| json!([port["port"], port["name"]])).collect();
    ports.sort_by_key(ToString::to_string);
    api.is("ports", ports, json!([[80, "x"], [81, "z"]]));
    api.make(CONFIGS, &postgres_config("a", json!({}))).await;
    api.has(
        "never of our own kinds",
        &api.patch(STRATEGIC, &format!("{CONFIGS}/a"), &json!({"spec": {}})).await,
        415,
        json!({"reason": "UnsupportedMediaType"}),
    );
}

pub(super) async fn a_patch_that_changes_nothing_writes_nothing(api: &Api<'_>) {
    let made = api.make("configmaps", &config_map("a", json!({"x": "1"}))).await;
    let merge = api.merge("configmaps/a", &json!({"data": {"x": "1"}})).await;
    let steps = api.patch("json-patch+json", "configmaps/a", &json!([{"op": "replace", "path": "/data/x", "value": "1"}])).await;
    let strategic = api.patch(STRATEGIC, "configmaps/a", &json!({"data": {"x": "1"}})).await;
    // Another manager that says the same owns nothing by it.
    let other = api.merge("configmaps/a?fieldManager=other", &json!({"data": {"x": "1"}})).await;
    for (name, answer) in [("merge", merge), ("steps", steps), ("strategic", strategic), ("other", other)] {
        api.is(name, &answer.body, &made.body);
    }
}

pub(super) async fn a_patch_says_what_it_is(api: &Api<'_>) {
    api.make("configmaps", &config_map("a", json!({}))).await;
    api.has(
        "an unknown kind",
        &api.ask(http::Method::PATCH, "configmaps/a", "text/plain", "application/json", b"{}".to_vec()).await,
        415,
        json!({"reason": "UnsupportedMediaType"}),
    );
    let forced = api.merge("configmaps/a?force=true", &json!({"data": {"x": "1"}})).await;
    api.has("only an apply is forced", &forced, 422, json!({"reason": "Invalid", "details": {"group": "meta.k8s.io", "kind": "PatchOptions", "causes": [{"reason": "FieldValueForbidden", "field": "force"}]}}));
    let unnamed = api.patch("apply-patch+yaml", "configmaps/a", &config_map("a", json!({}))).await;
    api.has("an apply has a manager", &unnamed, 422, json!({"reason": "Invalid", "details": {"group": "meta.k8s.io", "kind": "PatchOptions", "causes": [{"reason": "FieldValueRequired", "field": "fieldManager"}]}}));
}
