//! What the program's own client and `kube` make of the answers.

use super::requests::{Api, CONFIGS, config_map, postgres_config};
use futures::StreamExt as _;
use kube::api::DynamicObject;
use kube::runtime::watcher;
use serde_json::{Value, json};
use stackgres::kubernetes::{Apply, Class, Cluster};
use stackgres::model::{Object, ObjectKey};
use std::time::Duration;

fn cluster(api: &Api<'_>) -> Cluster {
    Cluster::new(api.client.clone(), Duration::from_secs(20))
}

fn placed(api: &Api<'_>, mut object: Value) -> Object {
    object["metadata"]["namespace"] = json!(api.namespace);
    Object::new(object)
}

pub(super) async fn every_verb_of_the_program_means_the_same(api: &Api<'_>) {
    let program = cluster(api);
    let key = |kind: &str, name: &str| ObjectKey::new("v1", kind, Some(&api.namespace), name);
    let how = Apply { manager: "one".to_owned(), ..Apply::default() };
    let applied = program.apply(&placed(api, config_map("a", json!({"x": "1"}))), &how).await.unwrap();
    api.is("applied", applied.get("/data"), json!({"x": "1"}));
    let dry = Apply { dry_run: true, ..how.clone() };
    let dry = program.apply(&placed(api, config_map("a", json!({"x": "2"}))), &dry).await.unwrap();
    api.is(
        "applied in a dry run",
        (dry.get("/data"), program.get(&key("ConfigMap", "a")).await.unwrap().unwrap().get("/data").cloned()),
        (Some(&json!({"x": "2"})), Some(json!({"x": "1"}))),
    );
    api.is("read of nothing", program.get(&key("ConfigMap", "no")).await.unwrap().is_none(), true);
    let made = program.create(&placed(api, config_map("b", json!({"x": "1"})))).await.unwrap();
    api.is("created", made.text("/metadata/managedFields/0/manager"), "stackgres");
    let probe = placed(api, config_map("c", json!({})));
    api.is("created in a dry run", program.create_in_dry_run(&probe).await.is_ok(), true);
    let merged = program.merge(&key("ConfigMap", "a"), &json!({"data": {"y": "2"}}), "two", None).await.unwrap();
    api.is("merged", merged.get("/data"), json!({"x": "1", "y": "2"}));
    let names = program.list("ConfigMap", Some(&api.namespace), "").await.unwrap();
    let names: Vec<&str> =
        names.iter().map(|one| (one.name(), one.kind())).filter(|(name, _)| *name != "kube-root-ca.crt").map(|(name, _)| name).collect();
    api.is("listed", names, ["a", "b"]);
    program.apply(&placed(api, postgres_config("a", json!({}))), &how).await.unwrap();
    let own = ObjectKey::new("stackgres.io/v1", "SGPostgresConfig", Some(&api.namespace), "a");
    let status = program.patch_status(&own, &json!({"status": {"defaultParameters": {"a": "b"}}}), "two").await.unwrap();
    api.is("a status", (status.get("/status/defaultParameters/a"), status.get("/metadata/generation")), ("b", 1));
    api.is("namespaces by name", program.names("Namespace", ("stackgres-test", "true")).await.unwrap().contains(&api.namespace), true);
    api.is("who asks", program.own_name().await.unwrap().is_some(), true);
    api.is(
        "another identity",
        program.delete(&key("ConfigMap", "b"), Some("x")).await.map_err(|error| error.class == Class::Conflict),
        json!({"Err": true}),
    );
    program.delete(&key("ConfigMap", "b"), made.text("/metadata/uid")).await.unwrap();
    program.delete(&key("ConfigMap", "b"), None).await.unwrap();
    api.is("writes that were counted", program.writes(), 7);
}

pub(super) async fn errors_have_the_same_class(api: &Api<'_>) {
    let program = cluster(api);
    let how = |manager: &str| Apply { manager: manager.to_owned(), ..Apply::default() };
    let class = |result: Result<Object, stackgres::kubernetes::KubernetesError>| result.err().map(|error| format!("{:?}", error.class));
    let object = placed(api, config_map("a", json!({"x": "1"})));
    api.is("applied", class(program.apply(&object, &how("one")).await), Value::Null);
    api.is("of another manager", class(program.apply(&placed(api, config_map("a", json!({"x": "2"}))), &how("two")).await), "Conflict");
    api.is("there already", class(program.create(&object).await), "AlreadyExists");
    let mut unknown = config_map("b", json!({}));
    unknown["daaata"] = json!({"a": "b"});
    // A real API server answers 500 here, which must not look like an API server in trouble.
    api.is("an unknown field", class(program.apply(&placed(api, unknown), &how("one")).await), "Invalid");
    let mut unknown = postgres_config("b", json!({}));
    unknown["spec"]["zzz"] = json!(1);
    api.is("an unknown field of our own", class(program.apply(&placed(api, unknown), &how("one")).await), "Invalid");
    let missing = json!({"apiVersion": "stackgres.io/v1", "kind": "SGPostgresConfig", "metadata": {"name": "b"}, "spec": {}});
    api.is("a missing field", class(program.apply(&placed(api, missing), &how("one")).await), "Invalid");
    let nowhere = Object::new(json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a", "namespace": "nowhere"}}));
    api.is("no namespace", class(program.apply(&nowhere, &how("one")).await), "NotFound");
    let key = ObjectKey::new("v1", "ConfigMap", Some(&api.namespace), "a");
    let stale = json!({"metadata": {"resourceVersion": "1"}, "data": {"z": "1"}});
    api.is("a stale version", class(program.merge(&key, &stale, "one", None).await), "Conflict");
    let stale = json!({"metadata": {"uid": "another", "labels": {"l": "1"}}});
    api.is("another identity", class(program.merge(&key, &stale, "one", None).await), "Conflict");
    let unknown = ObjectKey::new("monitoring.coreos.com/v1", "PodMonitor", Some(&api.namespace), "a");
    let monitor = Object::new(
        json!({"apiVersion": "monitoring.coreos.com/v1", "kind": "PodMonitor", "metadata": {"name": "a", "namespace": api.namespace}, "spec": {}}),
    );
    api.is("a kind that is not installed", class(program.apply(&monitor, &how("one")).await), "NotFound");
    api.is("read of it", program.get(&unknown).await.unwrap().is_none(), true);
}

pub(super) async fn a_running_pod_is_resized(api: &Api<'_>) {
    let pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a"}, "spec": {"nodeSelector": {"no": "no"}, "containers": [
        {"name": "c", "image": "i", "resources": {"requests": {"cpu": "100m", "memory": "64Mi"}}}, {"name": "d", "image": "j"}]}});
    let made = api.make("pods", &pod).await;
    let key = ObjectKey::new("v1", "Pod", Some(&api.namespace), "a");
    let patch = json!({"spec": {"containers": [{"name": "c", "image": "z", "resources": {"requests": {"cpu": "200m"}}}]}});
    let resized = cluster(api).resize(&key, &patch).await.unwrap();
    api.is("resized", resized.get("/spec/containers/0/resources/requests"), json!({"cpu": "200m", "memory": "64Mi"}));
    api.is(
        "nothing else",
        (resized.get("/spec/containers/0/image"), resized.get("/spec/containers/1/image"), resized.text("/metadata/uid")),
        ("i", "j", made.uid()),
    );
    let absent = ObjectKey::new("v1", "Pod", Some(&api.namespace), "no");
    api.is("no pod", cluster(api).resize(&absent, &patch).await.err().map(|error| error.is_not_found()), true);
}

pub(super) async fn the_watcher_of_kube_follows(api: &Api<'_>) {
    let resource = crate::real_cluster::resource("stackgres.io/v1", "SGPostgresConfig");
    let objects: kube::Api<DynamicObject> = kube::Api::namespaced_with(api.client.clone(), &api.namespace, &resource);
    api.make(CONFIGS, &postgres_config("a", json!({}))).await;
    for config in [watcher::Config::default(), watcher::Config::default().streaming_lists()] {
        let mut events = std::pin::pin!(watcher(objects.clone(), config));
        let mut seen = Vec::new();
        let mut made = false;
        while seen.last().is_none_or(|last: &String| last != "gone b") {
            let event =
                tokio::time::timeout(Duration::from_mins(1), events.next()).await.expect("the watch says nothing").unwrap().unwrap();
            seen.push(match event {
                watcher::Event::Init => "list".to_owned(),
                watcher::Event::InitApply(object) => format!("listed {}", object.metadata.name.unwrap_or_default()),
                watcher::Event::InitDone => "end".to_owned(),
                watcher::Event::Apply(object) => format!("changed {}", object.metadata.name.unwrap_or_default()),
                watcher::Event::Delete(object) => format!("gone {}", object.metadata.name.unwrap_or_default()),
            });
            if seen.last().is_some_and(|last| last == "end") && !made {
                made = true;
                api.make(CONFIGS, &postgres_config("b", json!({}))).await;
                api.delete(&format!("{CONFIGS}/b"), &Value::Null).await;
            }
        }
        api.is("followed", seen, ["list", "listed a", "end", "changed b", "gone b"]);
    }
}
