//! Server-side apply.

use super::requests::{Answer, Api, CONFIGS, config_map, postgres_config};
use serde_json::{Value, json};

/// What a manager owns, as the server writes it.
fn owned(answer: &Answer, manager: &str, operation: &str) -> Value {
    let entries = answer.body["metadata"]["managedFields"].as_array();
    let found = entries.into_iter().flatten().find(|entry| entry["manager"] == manager && entry["operation"] == operation);
    found.map_or(Value::Null, |entry| entry["fieldsV1"].clone())
}

fn labelled(mut object: Value, labels: Value) -> Value {
    object["metadata"]["labels"] = labels;
    object
}

pub(super) async fn an_apply_makes_and_changes(api: &Api<'_>) {
    let made = api.apply("one", "configmaps", &labelled(config_map("a", json!({"x": "1"})), json!({"l": "1"}))).await;
    api.has("made", &made, 201, json!({"data": {"x": "1"}, "metadata": {"labels": {"l": "1"}, "managedFields": [{"manager": "one", "operation": "Apply", "apiVersion": "v1", "fieldsType": "FieldsV1", "subresource": null}]}}));
    api.is("owned", owned(&made, "one", "Apply"), json!({"f:data": {"f:x": {}}, "f:metadata": {"f:labels": {"f:l": {}}}}));
    let changed = api.apply("one", "configmaps", &config_map("a", json!({"x": "2", "y": "1"}))).await;
    api.has("changed", &changed, 200, json!({"data": {"x": "2", "y": "1"}, "metadata": {"labels": null, "uid": made.uid()}}));
    api.is("owned then", owned(&changed, "one", "Apply"), json!({"f:data": {"f:x": {}, "f:y": {}}}));
    let made = api.apply("one", CONFIGS, &postgres_config("a", json!({"work_mem": "1MB"}))).await;
    api.has("our own", &made, 201, json!({"metadata": {"generation": 1}}));
    api.is(
        "owned of our own",
        owned(&made, "one", "Apply"),
        json!({"f:spec": {"f:postgresVersion": {}, "f:postgresql.conf": {"f:work_mem": {}}}}),
    );
}

pub(super) async fn another_manager_is_named_in_a_conflict(api: &Api<'_>) {
    let made = api.apply("one", "configmaps", &labelled(config_map("a", json!({"x": "1", "y": "1"})), json!({"l": "1"}))).await;
    let refused = api.apply("two", "configmaps", &config_map("a", json!({"x": "2"}))).await;
    let cause = |field: &str| json!({"reason": "FieldManagerConflict", "message": "conflict with \"one\"", "field": field});
    api.has("one field", &refused, 409, json!({"status": "Failure", "reason": "Conflict", "code": 409, "message": "Apply failed with 1 conflict: conflict with \"one\": .data.x", "details": {"name": null, "causes": [cause(".data.x")]}}));
    let refused = api.apply("two", "configmaps", &labelled(config_map("a", json!({"x": "2"})), json!({"l": "2"}))).await;
    api.has("two fields", &refused, 409, json!({"message": "Apply failed with 2 conflicts: conflicts with \"one\":\n- .data.x\n- .metadata.labels.l", "details": {"causes": [cause(".data.x"), cause(".metadata.labels.l")]}}));
    api.is("unchanged", &api.get("configmaps/a").await.body, &made.body);
    let forced = api.apply_with("two", "configmaps", &config_map("a", json!({"x": "2"})), "&force=true").await;
    api.has("forced", &forced, 200, json!({"data": {"x": "2", "y": "1"}}));
    api.is(
        "the first owns the rest",
        owned(&forced, "one", "Apply"),
        json!({"f:data": {"f:y": {}}, "f:metadata": {"f:labels": {"f:l": {}}}}),
    );
    api.is("the second owns it", owned(&forced, "two", "Apply"), json!({"f:data": {"f:x": {}}}));
    api.merge("configmaps/a?fieldManager=editor", &json!({"data": {"x": "3"}})).await;
    let refused = api.apply("two", "configmaps", &config_map("a", json!({"x": "2"}))).await;
    let message = refused.body["message"].as_str().unwrap_or_default().to_owned();
    api.is(
        "an editor is named with version and time",
        (
            refused.code,
            message.starts_with("Apply failed with 1 conflict: conflict with \"editor\" using v1"),
            message.ends_with(": .data.x"),
        ),
        (409, true, true),
    );
}

pub(super) async fn a_field_given_up_goes(api: &Api<'_>) {
    api.apply("one", "configmaps", &labelled(config_map("a", json!({"x": "1", "y": "1"})), json!({"l": "1"}))).await;
    api.merge("configmaps/a?fieldManager=editor", &json!({"data": {"z": "1"}, "metadata": {"labels": {"theirs": "1"}}})).await;
    let less = api.apply("one", "configmaps", &config_map("a", json!({"x": "1"}))).await;
    api.is("data", &less.body["data"], json!({"x": "1", "z": "1"}));
    api.is("labels", &less.body["metadata"]["labels"], json!({"theirs": "1"}));
    let nothing = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}});
    let less = api.apply("one", "configmaps", &nothing).await;
    api.is("everything", (&less.body["data"], owned(&less, "one", "Apply")), (json!({"z": "1"}), Value::Null));
    api.apply("one", CONFIGS, &postgres_config("a", json!({"work_mem": "1MB", "jit": "off"}))).await;
    let less = api.apply("one", CONFIGS, &postgres_config("a", json!({"work_mem": "1MB"}))).await;
    api.is("our own", &less.body["spec"]["postgresql.conf"], json!({"work_mem": "1MB"}));
    // What somebody took over is no longer the first one's to remove.
    api.merge(&format!("{CONFIGS}/a?fieldManager=editor"), &json!({"spec": {"postgresql.conf": {"work_mem": "2MB"}}})).await;
    let less = api.apply("one", CONFIGS, &postgres_config("a", json!({}))).await;
    api.is("taken over", &less.body["spec"]["postgresql.conf"], json!({"work_mem": "2MB"}));
}

pub(super) async fn a_shared_field_stays_until_the_last_gives_it_up(api: &Api<'_>) {
    api.apply("one", "configmaps", &config_map("a", json!({"x": "1", "y": "1"}))).await;
    let shared = api.apply("two", "configmaps", &config_map("a", json!({"x": "1"}))).await;
    api.is(
        "both own it",
        (owned(&shared, "one", "Apply"), owned(&shared, "two", "Apply")),
        (json!({"f:data": {"f:x": {}, "f:y": {}}}), json!({"f:data": {"f:x": {}}})),
    );
    let one = api.apply("one", "configmaps", &config_map("a", json!({"y": "1"}))).await;
    api.is("one gave it up", &one.body["data"], json!({"x": "1", "y": "1"}));
    let nothing = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}});
    let last = api.apply("two", "configmaps", &nothing).await;
    api.is("the last gave it up", &last.body["data"], json!({"y": "1"}));
    let refused = api.apply("two", "configmaps", &config_map("a", json!({"y": "2"}))).await;
    api.is("a shared field has an owner", refused.code, 409);
}

pub(super) async fn list_items_are_told_apart_by_key(api: &Api<'_>) {
    let service = |ports: Value| json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "a"}, "spec": {"ports": ports, "selector": {"a": "b"}}});
    let first = api
        .apply(
            "one",
            "services",
            &service(json!([{"port": 80, "name": "x", "protocol": "TCP"}, {"port": 81, "name": "y", "protocol": "TCP"}])),
        )
        .await;
    api.is("made", first.code, 201);
    let second = api.apply("two", "services", &service(json!([{"port": 82, "name": "z", "protocol": "UDP"}]))).await;
    let ports = |answer: &Answer| -> Vec<String> {
        let mut ports: Vec<String> = answer.body["spec"]["ports"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|port| format!("{} {}", port["port"], port["name"].as_str().unwrap_or_default()))
            .collect();
        ports.sort();
        ports
    };
    api.is("three ports", (second.code, ports(&second)), (200, ["80 x", "81 y", "82 z"]));
    let third = api.apply("one", "services", &service(json!([{"port": 81, "name": "w", "protocol": "TCP"}]))).await;
    api.is("one gone, one renamed", (third.code, ports(&third)), (200, ["81 w", "82 z"]));
    // A selector is one value.
    let mut other = service(json!([{"port": 82, "name": "z", "protocol": "UDP"}]));
    other["spec"]["selector"] = json!({"c": "d"});
    let refused = api.apply("two", "services", &other).await;
    api.has("a selector", &refused, 409, json!({"details": {"causes": [{"field": ".spec.selector"}]}}));
    let twice = api
        .apply(
            "one",
            "services",
            &service(json!([{"port": 81, "name": "v", "protocol": "TCP"}, {"port": 81, "name": "w", "protocol": "TCP"}])),
        )
        .await;
    api.has("twice the same key", &twice, 500, json!({"reason": null, "message": "failed to create typed patch object (/a; /v1, Kind=Service): .spec.ports: duplicate entries for key [port=81,protocol=\"TCP\"]"}));
    let container = |name: &str, env: Value| {
        json!({"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": {"name": "a"}, "spec": {"replicas": 0, "serviceName": "a", "selector": {"matchLabels": {"a": "b"}},
            "template": {"metadata": {"labels": {"a": "b"}}, "spec": {"containers": [{"name": name, "image": "i", "env": env}]}}}})
    };
    api.apply("one", "apps/v1/statefulsets", &container("c", json!([{"name": "A", "value": "1"}, {"name": "B", "value": "1"}]))).await;
    let added = api.apply("two", "apps/v1/statefulsets", &container("d", json!([{"name": "C", "value": "1"}]))).await;
    api.is(
        "a second container",
        (added.code, added.body["spec"]["template"]["spec"]["containers"].as_array().map(Vec::len)),
        (200, Some(2)),
    );
    let less = api.apply("one", "apps/v1/statefulsets", &container("c", json!([{"name": "B", "value": "1"}]))).await;
    api.is("an entry of the first", &less.body["spec"]["template"]["spec"]["containers"][0]["env"], json!([{"name": "B", "value": "1"}]));
}

pub(super) async fn sets_and_owners_merge(api: &Api<'_>) {
    let owner = api.make("configmaps", &config_map("owner", json!({}))).await;
    let owner = json!({"apiVersion": "v1", "kind": "ConfigMap", "name": "owner", "uid": owner.uid()});
    let with = |metadata: Value| json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata});
    api.apply("one", "configmaps", &with(json!({"name": "a", "finalizers": ["a.b/c"], "ownerReferences": [owner]}))).await;
    let both = api.apply("two", "configmaps", &with(json!({"name": "a", "finalizers": ["a.b/d"]}))).await;
    api.is("a set", &both.body["metadata"]["finalizers"], json!(["a.b/c", "a.b/d"]));
    api.is("owners", both.body["metadata"]["ownerReferences"].as_array().map(Vec::len), 1);
    api.is("owned", owned(&both, "one", "Apply"), json!({"f:metadata": {"f:finalizers": {"v:\"a.b/c\"": {}}, "f:ownerReferences": {format!("k:{{\"uid\":\"{}\"}}", owner["uid"].as_str().unwrap()): {}}}}));
    let less = api.apply("one", "configmaps", &with(json!({"name": "a"}))).await;
    api.has("given up", &less, 200, json!({"metadata": {"finalizers": ["a.b/d"], "ownerReferences": null}}));
    api.merge("configmaps/a", &json!({"metadata": {"finalizers": null}})).await;
}

pub(super) async fn an_apply_that_changes_nothing_writes_nothing(api: &Api<'_>) {
    let object = labelled(config_map("a", json!({"x": "1"})), json!({"l": "1"}));
    let made = api.apply("one", "configmaps", &object).await;
    tokio::time::sleep(std::time::Duration::from_millis(1_100)).await;
    api.is("again", &api.apply("one", "configmaps", &object).await.body, &made.body);
    api.is("by force", &api.apply_with("one", "configmaps", &object, "&force=true&fieldValidation=Strict").await.body, &made.body);
    let service = json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "a"}, "spec": {"ports": [{"port": 80, "protocol": "TCP"}], "selector": {"a": "b"}}});
    let made = api.apply("one", "services", &service).await;
    api.is("what the server filled in stays", &api.apply("one", "services", &service).await.body, &made.body);
    let secret = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "a"}, "stringData": {"a": "b"}});
    let made = api.apply("one", "secrets", &secret).await;
    api.has("a Secret", &made, 201, json!({"data": {"a": "Yg=="}, "stringData": null}));
    api.is("again", api.apply("one", "secrets", &secret).await.version(), made.version());
    let made = api.apply("one", CONFIGS, &postgres_config("a", json!({"work_mem": "1MB"}))).await;
    api.is("our own", api.apply("one", CONFIGS, &postgres_config("a", json!({"work_mem": "1MB"}))).await.version(), made.version());
    let set = super::objects::stateful_set("a", 0);
    api.apply("one", "apps/v1/statefulsets", &set).await;
    let version = async || {
        let live = api.get("apps/v1/statefulsets/a").await;
        (live.body["metadata"]["generation"].clone(), live.body["metadata"]["managedFields"].as_array().map(Vec::len))
    };
    let before = version().await;
    api.apply("one", "apps/v1/statefulsets", &set).await;
    api.is("a StatefulSet", version().await.0, before.0);
}

pub(super) async fn an_ordinary_write_takes_a_field_over(api: &Api<'_>) {
    api.apply("one", "configmaps", &config_map("a", json!({"x": "1", "y": "1"}))).await;
    let edited = api.merge("configmaps/a?fieldManager=editor", &json!({"data": {"x": "2"}})).await;
    api.is("the first", owned(&edited, "one", "Apply"), json!({"f:data": {"f:y": {}}}));
    api.is("the editor", owned(&edited, "editor", "Update"), json!({"f:data": {"f:x": {}}}));
    let back = api.apply_with("one", "configmaps", &config_map("a", json!({"x": "1", "y": "1"})), "&force=true").await;
    api.is("put back", (&back.body["data"], owned(&back, "editor", "Update")), (json!({"x": "1", "y": "1"}), Value::Null));
    let removed = api.merge("configmaps/a?fieldManager=editor", &json!({"data": {"x": null}})).await;
    api.is("removed by an editor", owned(&removed, "one", "Apply"), json!({"f:data": {"f:y": {}}}));
    let back = api.apply("one", "configmaps", &config_map("a", json!({"x": "1", "y": "1"}))).await;
    api.is("and there again", (back.code, &back.body["data"]), (200, json!({"x": "1", "y": "1"})));
}

pub(super) async fn an_apply_has_preconditions(api: &Api<'_>) {
    let made = api.apply("one", "configmaps", &config_map("a", json!({"x": "1"}))).await;
    let second = api.apply("one", "configmaps", &config_map("a", json!({"x": "2"}))).await;
    let mut object = config_map("a", json!({"x": "3"}));
    object["metadata"]["resourceVersion"] = json!(made.version());
    api.has(
        "a stale one",
        &api.apply("one", "configmaps", &object).await,
        409,
        json!({"reason": "Conflict", "details": {"name": "a", "kind": "configmaps"}}),
    );
    object["metadata"]["resourceVersion"] = json!(second.version());
    api.is("a fresh one", api.apply("one", "configmaps", &object).await.code, 200);
    let mut object = config_map("a", json!({"x": "4"}));
    object["metadata"]["uid"] = json!("b");
    api.has("another identity", &api.apply("one", "configmaps", &object).await, 422, json!({"reason": "Invalid"}));
    object["metadata"]["uid"] = json!(made.uid());
    api.is("this identity", api.apply("one", "configmaps", &object).await.code, 200);
    let mut object = config_map("b", json!({}));
    object["metadata"]["uid"] = json!("b");
    api.is("an identity of nothing", (api.apply("one", "configmaps", &object).await.code, api.get("configmaps/b").await.code), (409, 404));
    let mut object = config_map("a", json!({}));
    object["metadata"]["managedFields"] = json!([{"manager": "x"}]);
    api.has(
        "no ownership is sent",
        &api.apply("one", "configmaps", &object).await,
        400,
        json!({"reason": "BadRequest", "message": "metadata.managedFields must be nil"}),
    );
    let bare = api.patch("apply-patch+yaml", "configmaps/a?fieldManager=one", &json!({"metadata": {"name": "a"}})).await;
    api.has("a kind is sent", &bare, 400, json!({"reason": "BadRequest"}));
}

pub(super) async fn an_apply_of_a_status_leaves_the_rest(api: &Api<'_>) {
    let made = api.apply("one", CONFIGS, &postgres_config("a", json!({"work_mem": "1MB"}))).await;
    let status = json!({"apiVersion": "stackgres.io/v1", "kind": "SGPostgresConfig", "metadata": {"name": "a", "labels": {"l": "1"}}, "spec": {"postgresVersion": "16"}, "status": {"defaultParameters": {"a": "b"}}});
    let path = format!("{CONFIGS}/a/status?fieldManager=one");
    let applied = api.patch("apply-patch+yaml", &path, &status).await;
    api.has(
        "applied",
        &applied,
        200,
        json!({"spec": {"postgresVersion": "17"}, "status": {"defaultParameters": {"a": "b"}}, "metadata": {"generation": 1}}),
    );
    let entries = applied.body["metadata"]["managedFields"].as_array().cloned().unwrap_or_default();
    let entry = entries.iter().find(|entry| entry["subresource"] == "status").cloned().unwrap_or_default();
    api.is("its entry", (&entry["manager"], &entry["fieldsV1"]["f:status"]), ("one", json!({"f:defaultParameters": {"f:a": {}}})));
    let spec = api.apply("one", CONFIGS, &postgres_config("a", json!({"work_mem": "2MB"}))).await;
    api.has(
        "the spec leaves the status",
        &spec,
        200,
        json!({"status": {"defaultParameters": {"a": "b"}}, "metadata": {"uid": made.uid()}}),
    );
    let absent = api
        .patch(
            "apply-patch+yaml",
            &format!("{CONFIGS}/b/status?fieldManager=one"),
            &json!({"apiVersion": "stackgres.io/v1", "kind": "SGPostgresConfig", "metadata": {"name": "b"}, "status": {}}),
        )
        .await;
    api.has("a status of nothing", &absent, 404, json!({"reason": "NotFound"}));
}

/// The program tells a mistake in an object from an API server in trouble by these answers.
pub(super) async fn an_apply_is_judged_by_the_schema(api: &Api<'_>) {
    let mut object = config_map("a", json!({}));
    object["daaata"] = json!({"a": "b"});
    for validation in ["Strict", "Ignore"] {
        let refused = api.apply_with("one", "configmaps", &object, &format!("&fieldValidation={validation}")).await;
        api.has(validation, &refused, 500, json!({"status": "Failure", "reason": null, "code": 500, "message": "failed to create typed patch object (/a; /v1, Kind=ConfigMap): .daaata: field not declared in schema"}));
    }
    let mut object = postgres_config("a", json!({}));
    object["spec"]["zzz"] = json!(1);
    api.has("our own", &api.apply("one", CONFIGS, &object).await, 500, json!({"reason": null, "message": "failed to create typed patch object (/a; stackgres.io/v1, Kind=SGPostgresConfig): .spec.zzz: field not declared in schema"}));
    api.is("a type", api.apply("one", "configmaps", &config_map("a", json!({"a": 1}))).await.code, 500);
    let missing =
        json!({"apiVersion": "stackgres.io/v1", "kind": "SGPostgresConfig", "metadata": {"name": "a"}, "spec": {"postgresVersion": "17"}});
    api.has("a missing field", &api.apply("one", CONFIGS, &missing).await, 422, json!({"reason": "Invalid"}));
    api.is("nothing is there", (api.get("configmaps/a").await.code, api.get(&format!("{CONFIGS}/a")).await.code), (404, 404));
}
