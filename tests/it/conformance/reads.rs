//! Lists, pages, forms, discovery.

use super::requests::{Answer, Api, CONFIGS, config_map, postgres_config};
use serde_json::{Value, json};

fn names(answer: &Answer) -> Vec<String> {
    let items = answer.body["items"].as_array();
    let name = |item: &Value| item["metadata"]["name"].as_str().unwrap_or_default().to_owned();
    items.into_iter().flatten().map(name).filter(|name| name != "kube-root-ca.crt").collect()
}

pub(super) async fn lists_are_selected(api: &Api<'_>) {
    for (name, labels) in [("a", json!({"l": "1", "m": "x"})), ("b", json!({"l": "2"})), ("c", json!({}))] {
        let mut object = config_map(name, json!({}));
        object["metadata"]["labels"] = labels;
        api.make("configmaps", &object).await;
    }
    for (selector, wanted) in [
        ("l=1", vec!["a"]),
        ("l==1", vec!["a"]),
        ("l!=1", vec!["b", "c"]),
        ("l", vec!["a", "b"]),
        ("!l", vec!["c"]),
        ("l in (1,2)", vec!["a", "b"]),
        ("l notin (1)", vec!["b", "c"]),
        ("l in (1,2),m", vec!["a"]),
        ("l=1,m=x", vec!["a"]),
        ("l=3", vec![]),
        ("", vec!["a", "b", "c"]),
    ] {
        let encoded: String = url::form_urlencoded::byte_serialize(selector.as_bytes()).collect();
        api.is(selector, names(&api.get(&format!("configmaps?labelSelector={encoded}")).await), wanted);
    }
    for (selector, wanted) in [("metadata.name=a", vec!["a"]), ("metadata.name!=a", vec!["b", "c"])] {
        let encoded: String = url::form_urlencoded::byte_serialize(selector.as_bytes()).collect();
        api.is(selector, names(&api.get(&format!("configmaps?fieldSelector={encoded}")).await), wanted);
    }
    let list = api.get("configmaps?labelSelector=l").await;
    api.has("a list", &list, 200, json!({"kind": "ConfigMapList", "apiVersion": "v1", "metadata": {"continue": null}, "items": [{"kind": null, "apiVersion": null}, {"kind": null}]}));
    api.is("its version", list.version().parse::<u64>().is_ok(), true);
    let all = api.get("/api/v1/configmaps?labelSelector=l,m").await;
    api.is("all namespaces", names(&all).contains(&"a".to_owned()), true);
    api.make(CONFIGS, &postgres_config("a", json!({}))).await;
    api.has("our own", &api.get(CONFIGS).await, 200, json!({"kind": "SGPostgresConfigList", "apiVersion": "stackgres.io/v1", "items": [{"kind": "SGPostgresConfig", "apiVersion": "stackgres.io/v1", "metadata": {"name": "a"}}]}));
    let pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a"}, "spec": {"nodeSelector": {"no": "no"}, "containers": [{"name": "c", "image": "i"}]}});
    api.make("pods", &pod).await;
    api.is("pods by phase", names(&api.get("pods?fieldSelector=status.phase%3DRunning").await), Vec::<String>::new());
    api.is("pods by another", names(&api.get("pods?fieldSelector=status.phase!%3DRunning").await), ["a"]);
}

pub(super) async fn a_selector_that_cannot_be_read_is_refused(api: &Api<'_>) {
    for path in
        ["configmaps?labelSelector=a%20b", "configmaps?fieldSelector=data.x%3D1", "configmaps?fieldSelector=x", "configmaps?limit=x"]
    {
        api.has(path, &api.get(path).await, 400, json!({"status": "Failure", "reason": "BadRequest", "code": 400}));
    }
    api.has("our own", &api.get(&format!("{CONFIGS}?fieldSelector=spec.postgresVersion%3D17")).await, 400, json!({"reason": "BadRequest"}));
}

/// A page read before a write and one read after it must not show half of it.
pub(super) async fn pages_show_one_moment(api: &Api<'_>) {
    for name in ["a", "b", "c", "d", "e"] {
        let mut object = config_map(name, json!({"x": "1"}));
        object["metadata"]["labels"] = json!({"page": "1"});
        api.make("configmaps", &object).await;
    }
    let first = api.get("configmaps?labelSelector=page&limit=2").await;
    api.is("first", names(&first), ["a", "b"]);
    let token = first.body["metadata"]["continue"].as_str().unwrap_or_default().to_owned();
    api.is("there is more", token.is_empty(), false);
    api.delete("configmaps/c", &Value::Null).await;
    api.merge("configmaps/d", &json!({"data": {"x": "2"}})).await;
    let mut late = config_map("cc", json!({}));
    late["metadata"]["labels"] = json!({"page": "1"});
    api.make("configmaps", &late).await;
    let encoded: String = url::form_urlencoded::byte_serialize(token.as_bytes()).collect();
    let second = api.get(&format!("configmaps?labelSelector=page&limit=2&continue={encoded}")).await;
    api.is("second", (second.code, names(&second)), (200, ["c", "d"]));
    api.is("as it was", &second.body["items"][1]["data"]["x"], "1");
    api.is("one version", second.version(), first.version());
    let encoded: String =
        url::form_urlencoded::byte_serialize(second.body["metadata"]["continue"].as_str().unwrap_or_default().as_bytes()).collect();
    let last = api.get(&format!("configmaps?labelSelector=page&limit=2&continue={encoded}")).await;
    api.is("last", names(&last), ["e"]);
    api.is("no more", last.body["metadata"]["continue"].as_str().unwrap_or_default(), "");
    let whole = api.get("configmaps?labelSelector=page&limit=500").await;
    api.is("the next list", names(&whole), ["a", "b", "cc", "d", "e"]);
    api.has("a wrong token", &api.get("configmaps?limit=2&continue=abc").await, 400, json!({"reason": "BadRequest"}));
    let count = api.get("configmaps?limit=1").await;
    api.is("how many are left", count.body["metadata"]["remainingItemCount"].as_u64().is_some_and(|left| left >= 4), true);
}

pub(super) async fn an_old_page_has_expired(api: &Api<'_>) {
    // A real API server takes events from its store, which forgets at once, and most else from a copy, which forgets later.
    let events = "events.k8s.io/v1/events";
    for name in ["a", "b", "c"] {
        api.make(events, &super::requests::event(api, name)).await;
    }
    let first = api.get(&format!("{events}?limit=1")).await;
    let token = first.body["metadata"]["continue"].as_str().unwrap_or_default().to_owned();
    api.make(events, &super::requests::event(api, "d")).await;
    let later = api.make(events, &super::requests::event(api, "e")).await;
    api.forget(&later.version()).await;
    let encoded: String = url::form_urlencoded::byte_serialize(token.as_bytes()).collect();
    let expired = api.get(&format!("{events}?limit=1&continue={encoded}")).await;
    api.has("a page", &expired, 410, json!({"status": "Failure", "reason": "Expired", "code": 410}));
}

pub(super) async fn metadata_alone_is_enough(api: &Api<'_>) {
    let mut object = config_map("a", json!({"x": "1"}));
    object["metadata"]["labels"] = json!({"m": "1"});
    let made = api.make("configmaps", &object).await;
    let one = api.get_as("configmaps/a", "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1").await;
    api.has("one", &one, 200, json!({"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "data": null}));
    api.is("its metadata", &one.body["metadata"], &made.body["metadata"]);
    let list = api.get_as("configmaps?labelSelector=m", "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1").await;
    api.has("a list", &list, 200, json!({"kind": "PartialObjectMetadataList", "apiVersion": "meta.k8s.io/v1", "items": [{"data": null, "metadata": {"name": "a", "uid": made.uid()}}]}));
    let paged = api.get_as("configmaps?limit=1", "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1").await;
    api.is("a page of it", paged.body["items"].as_array().map(Vec::len), 1);
}

pub(super) async fn tables_have_the_columns_kubectl_shows(api: &Api<'_>) {
    const TABLE: &str = "application/json;as=Table;g=meta.k8s.io;v=v1,application/json";
    for (what, wanted) in [
        ("pods", json!(["Name", "Ready", "Status", "Restarts", "Age"])),
        ("services", json!(["Name", "Type", "Cluster-IP", "External-IP", "Port(s)", "Age"])),
        ("secrets", json!(["Name", "Type", "Data", "Age"])),
        ("configmaps", json!(["Name", "Data", "Age"])),
        (
            "persistentvolumeclaims",
            json!(["Name", "Status", "Volume", "Capacity", "Access Modes", "StorageClass", "VolumeAttributesClass", "Age"]),
        ),
        ("serviceaccounts", json!(["Name", "Secrets", "Age"])),
        ("endpoints", json!(["Name", "Endpoints", "Age"])),
        ("events", json!(["Last Seen", "Type", "Reason", "Object", "Message"])),
        ("apps/v1/statefulsets", json!(["Name", "Ready", "Age"])),
        ("policy/v1/poddisruptionbudgets", json!(["Name", "Min Available", "Max Unavailable", "Allowed Disruptions", "Age"])),
        ("rbac.authorization.k8s.io/v1/roles", json!(["Name", "Created At"])),
        ("rbac.authorization.k8s.io/v1/rolebindings", json!(["Name", "Role", "Age"])),
        ("coordination.k8s.io/v1/leases", json!(["Name", "Holder", "Age"])),
        ("stackgres.io/v1/sgclusters", json!(["Name", "Version", "Instances", "Ready", "State", "Primary", "Waits", "Age"])),
        ("/api/v1/namespaces", json!(["Name", "Status", "Age"])),
    ] {
        let table = api.get_as(what, TABLE).await;
        api.has(what, &table, 200, json!({"kind": "Table", "apiVersion": "meta.k8s.io/v1"}));
        let columns = table.body["columnDefinitions"].as_array().cloned().unwrap_or_default();
        let shown: Vec<&Value> = columns.iter().filter(|column| column["priority"] == 0).map(|column| &column["name"]).collect();
        api.is(what, shown, wanted);
    }
    api.make("services", &json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "a"}, "spec": {"clusterIP": "None", "ports": [{"port": 80}], "selector": {"a": "b"}}})).await;
    let one = api.get_as("services/a", TABLE).await;
    api.has("one row", &one, 200, json!({"rows": [{"object": {"kind": "PartialObjectMetadata", "metadata": {"name": "a"}}}]}));
    let cells = one.body["rows"][0]["cells"].as_array().cloned().unwrap_or_default();
    api.is("its cells", cells.get(..5), json!(["a", "ClusterIP", "None", "<none>", "80/TCP"]));
}

pub(super) async fn discovery_names_every_kind(api: &Api<'_>) {
    api.is("a version", api.get("/version").await.body["major"].clone(), "1");
    api.has("the core", &api.get("/api").await, 200, json!({"kind": "APIVersions", "versions": ["v1"]}));
    let groups = api.get("/apis").await;
    api.has("groups", &groups, 200, json!({"kind": "APIGroupList", "apiVersion": "v1"}));
    let groups = groups.body["groups"].as_array().cloned().unwrap_or_default();
    for (name, preferred) in [
        ("apps", "apps/v1"),
        ("stackgres.io", "stackgres.io/v1"),
        ("policy", "policy/v1"),
        ("events.k8s.io", "events.k8s.io/v1"),
        ("batch", "batch/v1"),
    ] {
        let group = groups.iter().find(|group| group["name"] == name).cloned().unwrap_or_default();
        api.is(name, &group["preferredVersion"]["groupVersion"], preferred);
        api.has(
            name,
            &api.get(&format!("/apis/{name}")).await,
            200,
            json!({"kind": "APIGroup", "name": name, "preferredVersion": {"groupVersion": preferred}}),
        );
    }
    for (path, name, wanted) in [
        ("/api/v1", "configmaps", json!({"kind": "ConfigMap", "namespaced": true, "singularName": "configmap", "shortNames": ["cm"]})),
        ("/api/v1", "namespaces", json!({"kind": "Namespace", "namespaced": false, "shortNames": ["ns"]})),
        ("/api/v1", "secrets", json!({"kind": "Secret", "namespaced": true, "shortNames": null})),
        ("/api/v1", "pods", json!({"kind": "Pod", "shortNames": ["po"], "categories": ["all"]})),
        ("/api/v1", "pods/status", json!({"kind": "Pod", "singularName": ""})),
        ("/api/v1", "pods/resize", json!({"kind": "Pod"})),
        ("/apis/apps/v1", "statefulsets", json!({"kind": "StatefulSet", "shortNames": ["sts"], "categories": ["all"]})),
        ("/apis/apps/v1", "statefulsets/scale", json!({"kind": "Scale", "group": "autoscaling", "version": "v1"})),
        ("/apis/policy/v1", "poddisruptionbudgets", json!({"kind": "PodDisruptionBudget", "shortNames": ["pdb"]})),
        (
            "/apis/stackgres.io/v1",
            "sgclusters",
            json!({"kind": "SGCluster", "singularName": "sgcluster", "namespaced": true, "shortNames": ["sgclu"], "categories": ["stackgres"]}),
        ),
        ("/apis/stackgres.io/v1", "sgclusters/scale", json!({"kind": "Scale", "group": "autoscaling"})),
        ("/apis/stackgres.io/v1alpha1", "sgfleets/status", json!({"kind": "SGFleet"})),
    ] {
        let list = api.get(path).await;
        api.has(
            path,
            &list,
            200,
            json!({"kind": "APIResourceList", "groupVersion": path.rsplit_once("/api/").or_else(|| path.split_once("/apis/")).unwrap().1}),
        );
        let resource = list.body["resources"].as_array().into_iter().flatten().find(|one| one["name"] == name).cloned().unwrap_or_default();
        let verbs: Vec<&str> = resource["verbs"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        let needed: &[&str] = if name.contains('/') {
            &["get", "patch", "update"]
        } else if name == "namespaces" {
            api.is("namespaces go one by one", verbs.contains(&"deletecollection"), false);
            &["create", "delete", "get", "list", "patch", "update", "watch"]
        } else {
            &["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"]
        };
        api.is(&format!("verbs of {name}"), needed.iter().all(|verb| verbs.contains(verb)), true);
        api.has(name, &Answer { code: 200, body: resource }, 200, wanted);
    }
    api.is("no such group", api.get("/apis/no.such").await.code, 404);
    api.is("alive", (api.get("/readyz").await.body, api.get("/livez").await.body), ("ok", "ok"));
}

pub(super) async fn the_schema_is_published(api: &Api<'_>) {
    let index = api.get("/openapi/v3").await;
    for path in ["api/v1", "apis/apps/v1", "apis/stackgres.io/v1", "apis/stackgres.io/v1alpha1"] {
        let url = index.body["paths"][path]["serverRelativeURL"].as_str().unwrap_or_default().to_owned();
        api.is(path, url.starts_with(&format!("/openapi/v3/{path}")), true);
    }
    let own = api.get("/openapi/v3/apis/stackgres.io/v1").await;
    let schema = &own.body["components"]["schemas"]["io.stackgres.v1.SGCluster"];
    api.is("a kind", &schema["x-kubernetes-group-version-kind"], json!([{"group": "stackgres.io", "version": "v1", "kind": "SGCluster"}]));
    api.is("its fields", schema["properties"]["spec"]["properties"]["instances"]["type"].clone(), "integer");
    let path = "/apis/stackgres.io/v1/namespaces/{namespace}/sgclusters/{name}";
    let parameters = own.body["paths"][path]["patch"]["parameters"].as_array().cloned().unwrap_or_default();
    api.is("what a patch may ask for", parameters.iter().any(|one| one["name"] == "fieldValidation"), true);
    api.is("no such version", api.get("/openapi/v3/apis/no.such/v1").await.code, 404);
}
