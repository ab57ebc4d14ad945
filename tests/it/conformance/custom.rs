//! Our own kinds: schema, pruning, status, scale.

use super::requests::{Api, CONFIGS, postgres_config};
use serde_json::{Value, json};

fn with_spec(spec: Value) -> Value {
    json!({"apiVersion": "stackgres.io/v1", "kind": "SGPostgresConfig", "metadata": {"name": "a"}, "spec": spec})
}

pub(super) async fn a_schema_refuses_with_causes(api: &Api<'_>) {
    let missing = api.post(CONFIGS, &with_spec(json!({}))).await;
    let cause = |field: &str| json!({"reason": "FieldValueRequired", "field": field, "message": "Required value"});
    // The rules of a definition are not asked about an object whose form is wrong.
    const UNCHECKED: &str = "Invalid value: null: some validation rules were not checked because the object was invalid; correct the existing errors to complete validation";
    let unchecked = || json!({"reason": "FieldValueInvalid", "field": "<nil>", "message": UNCHECKED});
    api.has("missing", &missing, 422, json!({"status": "Failure", "reason": "Invalid", "code": 422, "message": format!("SGPostgresConfig.stackgres.io \"a\" is invalid: [spec.postgresVersion: Required value, spec.postgresql.conf: Required value, <nil>: {UNCHECKED}]"),
        "details": {"name": "a", "group": "stackgres.io", "kind": "SGPostgresConfig", "causes": [cause("spec.postgresVersion"), cause("spec.postgresql.conf"), unchecked()]}}));
    let typed = api.post(CONFIGS, &with_spec(json!({"postgresVersion": 17, "postgresql.conf": {}}))).await;
    api.has("a type", &typed, 422, json!({"message": format!("SGPostgresConfig.stackgres.io \"a\" is invalid: [spec.postgresVersion: Invalid value: \"integer\": spec.postgresVersion in body must be of type string: \"integer\", <nil>: {UNCHECKED}]"),
        "details": {"causes": [{"reason": "FieldValueTypeInvalid", "field": "spec.postgresVersion"}, unchecked()]}}));
    let kindless = api.post(CONFIGS, &json!({"metadata": {"name": "a"}, "spec": {}})).await;
    api.has("no kind", &kindless, 400, json!({"reason": "BadRequest"}));
    let made = api.make(CONFIGS, &postgres_config("a", json!({"work_mem": "1MB"}))).await;
    let patched = api.merge(&format!("{CONFIGS}/a"), &json!({"spec": {"postgresVersion": null}})).await;
    api.has("a patch", &patched, 422, json!({"reason": "Invalid", "details": {"causes": [cause("spec.postgresVersion"), unchecked()]}}));
    api.is("as before", &api.get(&format!("{CONFIGS}/a")).await.body, &made.body);
    let cluster = json!({"apiVersion": "stackgres.io/v1", "kind": "SGCluster", "metadata": {"name": "a"}, "spec": {"instances": -1, "postgres": {"version": "17"}, "pods": {"persistentVolume": {"size": "5Gi"}}}});
    let bound = api.post("stackgres.io/v1/sgclusters", &cluster).await;
    // The scale subresource has a cause of its own after this one.
    api.is("a bound", (bound.code, &bound.body["details"]["causes"][0]), (422, json!({"reason": "FieldValueInvalid", "field": "spec.instances", "message": "Invalid value: -1: spec.instances in body should be greater than or equal to 0"})));
}

pub(super) async fn rules_of_the_definition_refuse(api: &Api<'_>) {
    let made = api.make(CONFIGS, &postgres_config("a", json!({"work_mem": "1MB"}))).await;
    let changed = api.merge(&format!("{CONFIGS}/a"), &json!({"spec": {"postgresVersion": "18"}})).await;
    api.has("what cannot change", &changed, 422, json!({"reason": "Invalid"}));
    let cause = &changed.body["details"]["causes"][0];
    api.is("its field", (&cause["reason"], &cause["field"]), (&json!("FieldValueInvalid"), &json!("spec.postgresVersion")));
    let said = cause["message"].as_str().unwrap_or_default();
    assert!(said.contains("immutable-field: the major version of a configuration cannot change; put the old one back"), "{said}");
    api.is("as before", &api.get(&format!("{CONFIGS}/a")).await.body, &made.body);
    let backup = json!({"apiVersion": "stackgres.io/v1", "kind": "SGBackup", "metadata": {"name": "a"}, "spec": {"sgCluster": "a"}});
    let refused = api.post("stackgres.io/v1/sgbackups", &backup).await;
    api.has("a kind that nothing carries out", &refused, 422, json!({"reason": "Invalid"}));
    let said = refused.body["message"].as_str().unwrap_or_default();
    assert!(
        said.contains("kind-not-supported-yet: SGBackup is not supported yet by this version; make the backup by other means"),
        "{said}"
    );
    let logs = json!({"apiVersion": "stackgres.io/v1", "kind": "SGDistributedLogs", "metadata": {"name": "a"}, "spec": {"persistentVolume": {"size": "1Gi"}}});
    api.has(
        "one that is only without effect",
        &api.post("stackgres.io/v1/sgdistributedlogs", &logs).await,
        201,
        json!({"kind": "SGDistributedLogs"}),
    );
}

pub(super) async fn unknown_fields_are_pruned(api: &Api<'_>) {
    let odd = with_spec(json!({"postgresVersion": "17", "postgresql.conf": {}, "unknown": 1}));
    let strict = api.post(&format!("{CONFIGS}?fieldValidation=Strict"), &odd).await;
    api.has("strictly", &strict, 400, json!({"reason": "BadRequest", "message": "SGPostgresConfig in version \"v1\" cannot be handled as a SGPostgresConfig: strict decoding error: unknown field \"spec.unknown\""}));
    let made = api.post(CONFIGS, &odd).await;
    api.has("leniently", &made, 201, json!({"spec": {"unknown": null, "postgresVersion": "17"}}));
    let patched = api.merge(&format!("{CONFIGS}/a"), &json!({"spec": {"unknown": 1}, "other": 1})).await;
    api.is("a patch of nothing known", patched.version(), made.version());
    let strict = api.merge(&format!("{CONFIGS}/a?fieldValidation=Strict"), &json!({"spec": {"unknown": 1}})).await;
    api.has("a strict patch", &strict, 422, json!({"reason": "Invalid"}));
}

pub(super) async fn status_and_spec_are_written_apart(api: &Api<'_>) {
    let mut object = postgres_config("a", json!({"work_mem": "1MB"}));
    object["status"] = json!({"defaultParameters": {"a": "b"}});
    let made = api.make(CONFIGS, &object).await;
    api.is("no status at birth", &made.body["status"], Value::Null);
    let path = format!("{CONFIGS}/a");
    let status = format!("{path}/status");
    let both = json!({"spec": {"postgresql.conf": {"work_mem": "3MB"}}, "metadata": {"labels": {"l": "1"}}, "status": {"defaultParameters": {"a": "b"}}});
    let written = api.merge(&status, &both).await;
    api.has("the status", &written, 200, json!({"spec": {"postgresql.conf": {"work_mem": "1MB"}}, "metadata": {"labels": null, "generation": 1}, "status": {"defaultParameters": {"a": "b"}}}));
    let written =
        api.merge(&path, &json!({"spec": {"postgresql.conf": {"work_mem": "2MB"}}, "status": {"defaultParameters": {"a": "c"}}})).await;
    api.has(
        "the spec",
        &written,
        200,
        json!({"spec": {"postgresql.conf": {"work_mem": "2MB"}}, "status": {"defaultParameters": {"a": "b"}}}),
    );
    let conflict = json!({"reason": "Conflict", "details": {"name": "a", "group": "stackgres.io", "kind": "sgpgconfigs"}});
    let stale = json!({"metadata": {"resourceVersion": made.version()}, "status": {"defaultParameters": {"a": "z"}}});
    api.has("a stale status", &api.merge(&status, &stale).await, 409, conflict);
    let fresh = json!({"metadata": {"resourceVersion": written.version()}, "status": {"defaultParameters": {"a": null, "n": "1"}}});
    let fresh = api.merge(&status, &fresh).await;
    api.has("a fresh one", &fresh, 200, json!({"status": {"defaultParameters": {"a": null, "n": "1"}}}));
    api.is("the same again", api.merge(&status, &json!({"status": {"defaultParameters": {"n": "1"}}})).await.version(), fresh.version());
    let mut whole = fresh.body.clone();
    whole["status"] = json!({"defaultParameters": {"q": "1"}});
    whole["spec"]["postgresVersion"] = json!("16");
    let replaced = api.put(&status, &whole).await;
    api.has(
        "a replaced status",
        &replaced,
        200,
        json!({"spec": {"postgresVersion": "17"}, "status": {"defaultParameters": {"n": null, "q": "1"}}}),
    );
    api.has("read by itself", &api.get(&status).await, 200, json!({"kind": "SGPostgresConfig", "metadata": {"name": "a"}}));
}

pub(super) async fn a_replace_names_its_version(api: &Api<'_>) {
    let made = api.make(CONFIGS, &postgres_config("a", json!({}))).await;
    let path = format!("{CONFIGS}/a");
    let blind = api.put(&path, &postgres_config("a", json!({"work_mem": "1MB"}))).await;
    api.has("without", &blind, 422, json!({"reason": "Invalid", "details": {"name": "a", "group": "stackgres.io", "causes": [{"reason": "FieldValueInvalid", "field": "metadata.resourceVersion"}]}}));
    let mut object = postgres_config("a", json!({"work_mem": "1MB"}));
    object["metadata"]["resourceVersion"] = json!(made.version());
    api.has("with", &api.put(&path, &object).await, 200, json!({"metadata": {"generation": 2}}));
    api.is("stale", api.put(&path, &object).await.code, 409);
}

pub(super) async fn scale_reads_and_writes_instances(api: &Api<'_>) {
    let cluster = json!({"apiVersion": "stackgres.io/v1", "kind": "SGCluster", "metadata": {"name": "a"}, "spec": {"instances": 2, "postgres": {"version": "17"}, "pods": {"persistentVolume": {"size": "5Gi"}}}});
    let made = api.make("stackgres.io/v1/sgclusters", &cluster).await;
    let path = "stackgres.io/v1/sgclusters/a/scale";
    api.has("read", &api.get(path).await, 200, json!({"kind": "Scale", "apiVersion": "autoscaling/v1", "metadata": {"name": "a", "uid": made.uid(), "resourceVersion": made.version()}, "spec": {"replicas": 2}, "status": {"replicas": 0, "selector": null}}));
    let more = api.merge(path, &json!({"spec": {"replicas": 3}})).await;
    api.has("patched", &more, 200, json!({"spec": {"replicas": 3}}));
    api.has(
        "the cluster",
        &api.get("stackgres.io/v1/sgclusters/a").await,
        200,
        json!({"spec": {"instances": 3, "postgres": {"version": "17"}}, "metadata": {"generation": 2}}),
    );
    let scale = |version: Option<String>| json!({"apiVersion": "autoscaling/v1", "kind": "Scale", "metadata": {"name": "a", "namespace": api.namespace, "resourceVersion": version}, "spec": {"replicas": 4}});
    api.has(
        "stale",
        &api.put(path, &scale(Some(made.version()))).await,
        409,
        json!({"reason": "Conflict", "details": {"kind": "sgclusters"}}),
    );
    api.has("fresh", &api.put(path, &scale(Some(more.version()))).await, 200, json!({"spec": {"replicas": 4}}));
    api.is("negative", api.merge(path, &json!({"spec": {"replicas": -1}})).await.code, 422);
    api.is("of nothing", api.get("stackgres.io/v1/sgclusters/no/scale").await.code, 404);
    api.make(CONFIGS, &postgres_config("a", json!({}))).await;
    api.has("of what has none", &api.get(&format!("{CONFIGS}/a/scale")).await, 404, json!({"reason": "NotFound"}));
    api.make("apps/v1/statefulsets", &super::objects::stateful_set("a", 0)).await;
    api.has(
        "a StatefulSet",
        &api.get("apps/v1/statefulsets/a/scale").await,
        200,
        json!({"kind": "Scale", "spec": {"replicas": null}, "status": {"selector": "a=b"}}),
    );
}

pub(super) async fn definitions_are_served(api: &Api<'_>) {
    let all = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
    let live = api.get(&format!("{all}/sgclusters.stackgres.io")).await;
    api.has("one", &live, 200, json!({"kind": "CustomResourceDefinition", "spec": {"group": "stackgres.io", "scope": "Namespaced", "names": {"kind": "SGCluster", "plural": "sgclusters"}}}));
    let conditions = live.body["status"]["conditions"].as_array().cloned().unwrap_or_default();
    api.is("established", conditions.iter().any(|one| one["type"] == "Established" && one["status"] == "True"), true);
    let names =
        api.get_as(&format!("{all}?labelSelector=no%3Dno"), "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1").await;
    api.has("by label", &names, 200, json!({"kind": "PartialObjectMetadataList", "items": null}));
}
