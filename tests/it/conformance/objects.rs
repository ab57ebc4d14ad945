//! One object: made, read, replaced, taken away, refused.

use super::requests::{Api, CONFIGS, config_map, postgres_config};
use serde_json::{Value, json};

pub(super) async fn an_object_lives(api: &Api<'_>) {
    let made = api.post("configmaps", &config_map("a", json!({"x": "1"}))).await;
    api.has(
        "made",
        &made,
        201,
        json!({"apiVersion": "v1", "kind": "ConfigMap", "data": {"x": "1"}, "metadata": {"name": "a", "namespace": api.namespace,
            "generation": null, "deletionTimestamp": null, "managedFields": [{"manager": "conformance", "operation": "Update", "apiVersion": "v1", "fieldsType": "FieldsV1", "subresource": null}]}}),
    );
    for field in ["uid", "resourceVersion", "creationTimestamp"] {
        api.is(field, made.body["metadata"][field].is_string(), true);
    }
    let read = api.get("configmaps/a").await;
    api.is("read back", &read.body, &made.body);
    let mut changed = read.body.clone();
    changed["data"] = json!({"y": "2"});
    let replaced = api.put("configmaps/a", &changed).await;
    api.has("replaced", &replaced, 200, json!({"data": {"x": null, "y": "2"}, "metadata": {"uid": made.uid(), "creationTimestamp": made.body["metadata"]["creationTimestamp"]}}));
    api.is("another version", replaced.version() != made.version(), true);
    // A built-in kind may be replaced without a version.
    let blind = api.put("configmaps/a", &config_map("a", json!({"z": "3"}))).await;
    api.has("replaced without a version", &blind, 200, json!({"data": {"y": null, "z": "3"}, "metadata": {"uid": made.uid()}}));
    let same = api.put("configmaps/a", &blind.body).await;
    api.is("the same again keeps the version", same.version(), blind.version());
    let gone = api.delete("configmaps/a", &Value::Null).await;
    api.has("deleted", &gone, 200, json!({"kind": "Status", "apiVersion": "v1", "status": "Success", "details": {"name": "a", "kind": "configmaps", "uid": made.uid()}}));
    api.has("gone", &api.get("configmaps/a").await, 404, json!({"reason": "NotFound"}));
    // The same name again is another object.
    let again = api.make("configmaps", &config_map("a", json!({}))).await;
    api.is("another identity", again.uid() != made.uid(), true);
}

pub(super) async fn what_is_not_there_is_not_found(api: &Api<'_>) {
    let plain = json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "reason": "NotFound", "code": 404,
        "message": "configmaps \"no\" not found", "details": {"name": "no", "kind": "configmaps", "group": null}});
    api.has("get", &api.get("configmaps/no").await, 404, plain.clone());
    api.has("delete", &api.delete("configmaps/no", &Value::Null).await, 404, plain.clone());
    api.has("patch", &api.merge("configmaps/no", &json!({"data": {"a": "b"}})).await, 404, plain.clone());
    api.has("replace", &api.put("configmaps/no", &config_map("no", json!({}))).await, 404, plain);
    let own = json!({"reason": "NotFound", "message": "sgpgconfigs.stackgres.io \"no\" not found",
        "details": {"name": "no", "group": "stackgres.io", "kind": "sgpgconfigs"}});
    api.has("get of our own", &api.get(&format!("{CONFIGS}/no")).await, 404, own.clone());
    api.has("status of our own", &api.merge(&format!("{CONFIGS}/no/status"), &json!({"status": {}})).await, 404, own);
    api.has(
        "an unknown resource",
        &api.get("nothing").await,
        404,
        json!({"reason": "NotFound", "message": "the server could not find the requested resource", "details": {"name": null}}),
    );
    let nowhere = api.post("/api/v1/namespaces/nowhere/configmaps", &config_map("a", json!({}))).await;
    api.has(
        "an unknown namespace",
        &nowhere,
        404,
        json!({"reason": "NotFound", "message": "namespaces \"nowhere\" not found", "details": {"name": "nowhere", "kind": "namespaces"}}),
    );
    api.has("a list in it", &api.get("/api/v1/namespaces/nowhere/configmaps").await, 200, json!({"kind": "ConfigMapList", "items": []}));
}

pub(super) async fn a_name_is_taken_once(api: &Api<'_>) {
    api.make("configmaps", &config_map("a", json!({"x": "1"}))).await;
    let second = api.post("configmaps", &config_map("a", json!({"x": "2"}))).await;
    api.has("again", &second, 409, json!({"status": "Failure", "reason": "AlreadyExists", "code": 409, "message": "configmaps \"a\" already exists", "details": {"name": "a", "kind": "configmaps"}}));
    api.has("unchanged", &api.get("configmaps/a").await, 200, json!({"data": {"x": "1"}}));
    api.make(CONFIGS, &postgres_config("a", json!({}))).await;
    let second = api.post(CONFIGS, &postgres_config("a", json!({}))).await;
    api.has("our own again", &second, 409, json!({"reason": "AlreadyExists", "message": "sgpgconfigs.stackgres.io \"a\" already exists", "details": {"name": "a", "group": "stackgres.io", "kind": "sgpgconfigs"}}));
}

pub(super) async fn names_are_generated(api: &Api<'_>) {
    let mut object = config_map("", json!({}));
    object["metadata"] = json!({"generateName": "a-"});
    let (one, other) = (api.make("configmaps", &object).await, api.make("configmaps", &object).await);
    for made in [&one, &other] {
        let name = made.body["metadata"]["name"].as_str().unwrap_or_default();
        api.is("a prefix and five letters", (name.starts_with("a-"), name.len()), (true, 7));
        api.is("the prefix is kept", &made.body["metadata"]["generateName"], "a-");
    }
    api.is("two names", one.body["metadata"]["name"] != other.body["metadata"]["name"], true);
    object["metadata"] = json!({});
    let nameless = api.post("configmaps", &object).await;
    let cause =
        json!([{"reason": "FieldValueRequired", "field": "metadata.name", "message": "Required value: name or generateName is required"}]);
    api.has("without any name", &nameless, 422, json!({"reason": "Invalid", "message": "ConfigMap \"\" is invalid: metadata.name: Required value: name or generateName is required", "details": {"name": null, "kind": "ConfigMap", "causes": cause}}));
}

pub(super) async fn names_and_bodies_are_checked(api: &Api<'_>) {
    let bad = api.post("configmaps", &config_map("A_b", json!({}))).await;
    api.has("a name", &bad, 422, json!({"reason": "Invalid", "details": {"name": "A_b", "kind": "ConfigMap", "causes": [{"reason": "FieldValueInvalid", "field": "metadata.name"}]}}));
    let mut object = config_map("b", json!({}));
    object["metadata"]["namespace"] = json!("other");
    api.has(
        "another namespace",
        &api.post("configmaps", &object).await,
        400,
        json!({"reason": "BadRequest", "message": "the namespace of the provided object does not match the namespace sent on the request"}),
    );
    api.make("configmaps", &config_map("a", json!({}))).await;
    api.has(
        "another name",
        &api.put("configmaps/a", &config_map("b", json!({}))).await,
        400,
        json!({"reason": "BadRequest", "message": "the name of the object (b) does not match the name on the URL (a)"}),
    );
    let mut object = config_map("b", json!({}));
    object["kind"] = json!("Secret");
    api.has("another kind", &api.post("configmaps", &object).await, 400, json!({"reason": "BadRequest"}));
    let mut object = config_map("b", json!({}));
    object["apiVersion"] = json!("v2");
    api.has("another version", &api.post("configmaps", &object).await, 400, json!({"reason": "BadRequest"}));
    api.has("a type", &api.post("configmaps", &config_map("b", json!({"a": 1}))).await, 400, json!({"reason": "BadRequest"}));
    let text = api.ask(http::Method::POST, "configmaps", "application/json", "application/json", b"zzz".to_vec()).await;
    api.has("no JSON at all", &text, 400, json!({"reason": "BadRequest"}));
    api.has(
        "a key",
        &api.post("configmaps", &config_map("b", json!({"a b": "1"}))).await,
        422,
        json!({"reason": "Invalid", "details": {"causes": [{"reason": "FieldValueInvalid", "field": "data[a b]"}]}}),
    );
    let mut object = config_map("b", json!({}));
    object["metadata"]["labels"] = json!({"a": "_ b"});
    api.has("a label", &api.post("configmaps", &object).await, 422, json!({"reason": "Invalid"}));
    let mut object = config_map("b", json!({}));
    object["metadata"]["finalizers"] = json!(["bad"]);
    api.has("a finalizer", &api.post("configmaps", &object).await, 422, json!({"reason": "Invalid"}));
    let secret = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "b"}, "data": {"a": "%"}});
    api.has("text that is no base64", &api.post("secrets", &secret).await, 400, json!({"reason": "BadRequest"}));
    api.has("nothing of it was kept", &api.get("configmaps/b").await, 404, json!({}));
}

pub(super) async fn a_stale_write_is_a_conflict(api: &Api<'_>) {
    let first = api.make("configmaps", &config_map("a", json!({"x": "1"}))).await;
    let second = api.merge("configmaps/a", &json!({"data": {"x": "2"}})).await;
    let conflict = json!({"status": "Failure", "reason": "Conflict", "code": 409, "details": {"name": "a", "kind": "configmaps"},
        "message": "Operation cannot be fulfilled on configmaps \"a\": the object has been modified; please apply your changes to the latest version and try again"});
    let mut stale = first.body.clone();
    stale["data"]["x"] = json!("3");
    api.has("a stale replace", &api.put("configmaps/a", &stale).await, 409, conflict.clone());
    let version = json!({"metadata": {"resourceVersion": first.version()}, "data": {"x": "3"}});
    api.has("a stale patch", &api.merge("configmaps/a", &version).await, 409, conflict.clone());
    let strategic = api.patch("strategic-merge-patch+json", "configmaps/a", &version).await;
    api.has("a stale strategic patch", &strategic, 409, conflict);
    let other = api.merge("configmaps/a", &json!({"metadata": {"uid": "x"}})).await;
    api.has("another identity", &other, 422, json!({"reason": "Invalid"}));
    api.is(
        "its cause",
        &other.body["details"]["causes"][0],
        json!({"reason": "FieldValueInvalid", "field": "metadata.uid", "message": "Invalid value: \"x\": field is immutable"}),
    );
    let mut foreign = second.body.clone();
    foreign["metadata"]["uid"] = json!("x");
    api.has("a replace of another identity", &api.put("configmaps/a", &foreign).await, 409, json!({"reason": "Conflict"}));
    let fresh = json!({"metadata": {"resourceVersion": second.version(), "uid": first.uid()}, "data": {"x": "4"}});
    api.has("a fresh one", &api.merge("configmaps/a", &fresh).await, 200, json!({"data": {"x": "4"}}));
    let mut born = config_map("b", json!({}));
    born["metadata"]["resourceVersion"] = json!("1");
    api.is("no version at birth", api.post("configmaps", &born).await.code, 500);
}

pub(super) async fn unknown_fields_are_refused_when_asked(api: &Api<'_>) {
    let mut object = config_map("a", json!({}));
    object["daaata"] = json!({"a": "b"});
    let strict = api.post("configmaps?fieldValidation=Strict", &object).await;
    api.has("strictly", &strict, 400, json!({"reason": "BadRequest", "message": "ConfigMap in version \"v1\" cannot be handled as a ConfigMap: strict decoding error: unknown field \"daaata\""}));
    let lenient = api.post("configmaps?fieldValidation=Ignore", &object).await;
    api.has("leniently", &lenient, 201, json!({"daaata": null}));
    let set = json!({"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": {"name": "a"}, "spec": {"serviceName": "a", "selector": {"matchLabels": {"a": "b"}},
        "template": {"metadata": {"labels": {"a": "b"}}, "spec": {"containers": [{"name": "c", "image": "i", "imagee": "j"}]}}}});
    let deep = api.post("apps/v1/statefulsets?fieldValidation=Strict", &set).await;
    api.has("deep inside", &deep, 400, json!({"reason": "BadRequest", "message": "StatefulSet in version \"v1\" cannot be handled as a StatefulSet: strict decoding error: unknown field \"spec.template.spec.containers[0].imagee\""}));
    api.has(
        "in a patch",
        &api.merge("configmaps/a?fieldValidation=Strict", &json!({"daaata": {"a": "b"}})).await,
        422,
        json!({"reason": "Invalid"}),
    );
}

pub(super) async fn a_dry_run_writes_nothing(api: &Api<'_>) {
    let made = api.post("configmaps?dryRun=All", &config_map("a", json!({"x": "1"}))).await;
    api.has("made", &made, 201, json!({"metadata": {"name": "a", "resourceVersion": null}, "data": {"x": "1"}}));
    api.is("it has an identity", made.body["metadata"]["uid"].is_string(), true);
    api.is("and is not there", api.get("configmaps/a").await.code, 404);
    let applied = api.apply_with("one", "configmaps", &config_map("a", json!({"x": "1"})), "&dryRun=All").await;
    api.has("applied", &applied, 201, json!({"metadata": {"resourceVersion": null}}));
    api.is("and is not there", api.get("configmaps/a").await.code, 404);
    let live = api.make("configmaps", &config_map("a", json!({"x": "1"}))).await;
    let patched = api.merge("configmaps/a?dryRun=All", &json!({"data": {"x": "2"}})).await;
    api.has("patched", &patched, 200, json!({"data": {"x": "2"}, "metadata": {"resourceVersion": live.version()}}));
    api.is("deleted", api.delete("configmaps/a?dryRun=All", &Value::Null).await.code, 200);
    api.is("taken away by options", api.delete("configmaps/a", &json!({"dryRun": ["All"]})).await.code, 200);
    api.is("as before", &api.get("configmaps/a").await.body, &live.body);
    let odd = api.post("configmaps?dryRun=Some", &config_map("b", json!({}))).await;
    api.has(
        "no other value",
        &odd,
        422,
        json!({"reason": "Invalid", "details": {"causes": [{"reason": "FieldValueNotSupported", "field": "dryRun"}]}}),
    );
}

pub(super) async fn secrets_take_plain_text_and_stay_as_they_are(api: &Api<'_>) {
    let secret = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "a"}, "stringData": {"p": "q"}, "data": {"p": "eA==", "r": "eA=="}});
    let made = api.post("secrets", &secret).await;
    api.has("made", &made, 201, json!({"type": "Opaque", "stringData": null, "data": {"p": "cQ==", "r": "eA=="}}));
    let patched = api.merge("secrets/a", &json!({"stringData": {"r": "s"}, "immutable": true})).await;
    api.has("patched", &patched, 200, json!({"stringData": null, "data": {"p": "cQ==", "r": "cw=="}}));
    let forbidden = |kind: &str, field: &str| {
        let message = "Forbidden: field is immutable when `immutable` is set";
        json!({"reason": "Invalid", "message": format!("{kind} \"a\" is invalid: {field}: {message}"), "details": {"name": "a", "kind": kind,
            "causes": [{"reason": "FieldValueForbidden", "field": field, "message": message}]}})
    };
    api.has("changed", &api.merge("secrets/a", &json!({"stringData": {"p": "z"}})).await, 422, forbidden("Secret", "data"));
    api.has("made changeable", &api.merge("secrets/a", &json!({"immutable": null})).await, 422, forbidden("Secret", "immutable"));
    api.is("its labels may change", api.merge("secrets/a", &json!({"metadata": {"labels": {"a": "b"}}})).await.code, 200);
    let mut map = config_map("a", json!({"x": "1"}));
    map["immutable"] = json!(true);
    api.make("configmaps", &map).await;
    api.has("a ConfigMap", &api.merge("configmaps/a", &json!({"data": {"y": "1"}})).await, 422, forbidden("ConfigMap", "data"));
    api.has("emptied", &api.merge("configmaps/a", &json!({"data": null})).await, 422, forbidden("ConfigMap", "data"));
    api.is("deleted", api.delete("configmaps/a", &Value::Null).await.code, 200);
}

pub(super) async fn what_may_not_change_does_not(api: &Api<'_>) {
    let secret = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "a"}});
    let made = api.make("secrets", &secret).await;
    api.has("the type of a Secret", &api.merge("secrets/a", &json!({"type": "x"})).await, 422, json!({"reason": "Invalid", "details": {"causes": [{"reason": "FieldValueInvalid", "field": "type", "message": "Invalid value: \"x\": field is immutable"}]}}));
    let odd = json!({"metadata": {"creationTimestamp": "2020-01-01T00:00:00Z", "generation": 7, "labels": {"a": "b"}}});
    let kept = api.merge("secrets/a", &odd).await;
    api.has("what the server keeps", &kept, 200, json!({"metadata": {"creationTimestamp": made.body["metadata"]["creationTimestamp"], "deletionTimestamp": null, "generation": null, "labels": {"a": "b"}}}));
    let ended = api.merge("secrets/a", &json!({"metadata": {"deletionTimestamp": "2020-01-01T00:00:00Z"}})).await;
    api.has("an end", &ended, 422, json!({"reason": "Invalid"}));
    let binding = json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding", "metadata": {"name": "a"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "a"}, "subjects": []});
    api.make("rbac.authorization.k8s.io/v1/rolebindings", &binding).await;
    let other = api.merge("rbac.authorization.k8s.io/v1/rolebindings/a", &json!({"roleRef": {"name": "b"}})).await;
    api.has(
        "the role of a binding",
        &other,
        422,
        json!({"reason": "Invalid", "details": {"causes": [{"reason": "FieldValueInvalid", "field": "roleRef"}]}}),
    );
    api.make("apps/v1/statefulsets", &stateful_set("a", 0)).await;
    let other = api.merge("apps/v1/statefulsets/a", &json!({"spec": {"serviceName": "b"}})).await;
    api.has(
        "the service of a StatefulSet",
        &other,
        422,
        json!({"reason": "Invalid", "details": {"causes": [{"reason": "FieldValueForbidden", "field": "spec"}]}}),
    );
    let claim = json!({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "a"},
        "spec": {"accessModes": ["ReadWriteOnce"], "storageClassName": "", "resources": {"requests": {"storage": "2Gi"}}}});
    api.make("persistentvolumeclaims", &claim).await;
    let smaller = api.merge("persistentvolumeclaims/a", &json!({"spec": {"resources": {"requests": {"storage": "1Gi"}}}})).await;
    api.has(
        "a claim",
        &smaller,
        422,
        json!({"reason": "Invalid", "details": {"causes": [{"reason": "FieldValueForbidden", "field": "spec"}]}}),
    );
}

pub(super) async fn generations_count_changes_of_the_spec(api: &Api<'_>) {
    let generation = |answer: &super::requests::Answer| answer.body["metadata"]["generation"].clone();
    let label = json!({"metadata": {"labels": {"l": "1"}}});
    api.is("our own begins", generation(&api.make(CONFIGS, &postgres_config("a", json!({}))).await), 1);
    let path = format!("{CONFIGS}/a");
    api.is("a label", generation(&api.merge(&path, &label).await), 1);
    api.is("a status", generation(&api.merge(&format!("{path}/status"), &json!({"status": {"defaultParameters": {"a": "b"}}})).await), 1);
    api.is("the spec", generation(&api.merge(&path, &json!({"spec": {"postgresql.conf": {"work_mem": "1MB"}}})).await), 2);
    api.is("the same spec", generation(&api.merge(&path, &json!({"spec": {"postgresql.conf": {"work_mem": "1MB"}}})).await), 2);
    api.is("a StatefulSet begins", generation(&api.make("apps/v1/statefulsets", &stateful_set("a", 0)).await), 1);
    let path = "apps/v1/statefulsets/a";
    api.is("a label of it", generation(&api.merge(path, &label).await), 1);
    api.is(
        "its status",
        generation(&api.merge(&format!("{path}/status"), &json!({"status": {"replicas": 0, "collisionCount": 1}})).await),
        1,
    );
    api.is("its spec", generation(&api.merge(path, &json!({"spec": {"minReadySeconds": 3}})).await), 2);
    let budget = json!({"apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": {"name": "a"}, "spec": {"maxUnavailable": 1, "selector": {"matchLabels": {"a": "b"}}}});
    api.is("a budget", generation(&api.make("policy/v1/poddisruptionbudgets", &budget).await), 1);
    api.is(
        "a Secret",
        generation(&api.make("secrets", &json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "a"}})).await),
        Value::Null,
    );
}

pub(super) async fn services_are_filled_in(api: &Api<'_>) {
    let service = json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "a"}, "spec": {"ports": [{"port": 80}], "selector": {"a": "b"}}});
    let made = api.post("services", &service).await;
    api.has("made", &made, 201, json!({"spec": {"type": "ClusterIP", "sessionAffinity": "None", "ipFamilies": ["IPv4"], "ipFamilyPolicy": "SingleStack", "internalTrafficPolicy": "Cluster",
        "ports": [{"port": 80, "targetPort": 80, "protocol": "TCP"}]}, "status": {"loadBalancer": {}}}));
    let address = made.body["spec"]["clusterIP"].clone();
    api.is("an address", (address.is_string(), &made.body["spec"]["clusterIPs"]), (true, json!([address])));
    let replaced = api.put("services/a", &service).await;
    api.is("a replace keeps it", &replaced.body["spec"]["clusterIP"], &address);
    let headless =
        json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "b"}, "spec": {"clusterIP": "None", "selector": {"a": "b"}}});
    api.has("headless", &api.post("services", &headless).await, 201, json!({"spec": {"clusterIP": "None", "clusterIPs": ["None"]}}));
    let external =
        json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "c"}, "spec": {"type": "ExternalName", "externalName": "x.y"}});
    api.has("external", &api.post("services", &external).await, 201, json!({"spec": {"clusterIP": null, "ipFamilies": null}}));
}

pub(super) fn stateful_set(name: &str, replicas: u32) -> Value {
    json!({"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": {"name": name}, "spec": {"replicas": replicas, "serviceName": name, "selector": {"matchLabels": {"a": "b"}},
        "template": {"metadata": {"labels": {"a": "b"}}, "spec": {"containers": [{"name": "c", "image": "i"}]}}}})
}
