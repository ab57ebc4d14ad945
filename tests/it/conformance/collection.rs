//! Garbage collection by owners.

use super::requests::{Answer, Api, config_map};
use serde_json::{Value, json};

fn reference(owner: &Answer) -> Value {
    json!({"apiVersion": "v1", "kind": "ConfigMap", "name": owner.body["metadata"]["name"], "uid": owner.uid(), "blockOwnerDeletion": true})
}

fn child(name: &str, owners: Value) -> Value {
    let mut object = config_map(name, json!({}));
    object["metadata"]["ownerReferences"] = owners;
    object
}

pub(super) async fn children_go_with_their_owner(api: &Api<'_>) {
    let owner = api.make("configmaps", &config_map("owner", json!({}))).await;
    let middle = api.make("configmaps", &child("middle", json!([reference(&owner)]))).await;
    api.make("configmaps", &child("last", json!([reference(&middle)]))).await;
    api.make("configmaps", &config_map("beside", json!({}))).await;
    let gone = api.delete("configmaps/owner", &json!({"propagationPolicy": "Background"})).await;
    api.has("the owner", &gone, 200, json!({"kind": "Status"}));
    api.is("goes at once", api.get("configmaps/owner").await.code, 404);
    api.gone("configmaps/middle").await;
    api.gone("configmaps/last").await;
    api.is("what is not owned stays", api.get("configmaps/beside").await.code, 200);
}

pub(super) async fn a_child_of_two_owners_stays_with_one(api: &Api<'_>) {
    let (one, two) =
        (api.make("configmaps", &config_map("one", json!({}))).await, api.make("configmaps", &config_map("two", json!({}))).await);
    api.make("configmaps", &child("both", json!([reference(&one), reference(&two)]))).await;
    api.make("configmaps", &child("witness", json!([reference(&one)]))).await;
    api.delete("configmaps/one", &Value::Null).await;
    api.gone("configmaps/witness").await;
    api.is("one owner is left", api.get("configmaps/both").await.code, 200);
    api.delete("configmaps/two", &Value::Null).await;
    api.gone("configmaps/both").await;
}

pub(super) async fn a_child_of_nobody_goes(api: &Api<'_>) {
    let owner = api.make("configmaps", &config_map("owner", json!({}))).await;
    let wrong = |field: &str, value: &str| {
        let mut reference = reference(&owner);
        reference[field] = json!(value);
        json!([reference])
    };
    api.make("configmaps", &child("uid", wrong("uid", "00000000-0000-4000-8000-000000000000"))).await;
    api.gone("configmaps/uid").await;
    api.make("configmaps", &child("name", wrong("name", "another"))).await;
    api.gone("configmaps/name").await;
    // A reference that is added later counts as well.
    api.make("configmaps", &config_map("later", json!({}))).await;
    api.merge("configmaps/later", &json!({"metadata": {"ownerReferences": wrong("uid", "00000000-0000-4000-8000-000000000000")}})).await;
    api.gone("configmaps/later").await;
    api.is("the owner stays", api.get("configmaps/owner").await.code, 200);
}

pub(super) async fn orphans_stay(api: &Api<'_>) {
    let owner = api.make("configmaps", &config_map("owner", json!({}))).await;
    api.make("configmaps", &child("orphan", json!([reference(&owner)]))).await;
    // The collector of a real cluster must have seen the child, or it takes it for a child of nobody.
    tokio::time::sleep(std::time::Duration::from_secs(2)).await;
    let asked = api.delete("configmaps/owner", &json!({"propagationPolicy": "Orphan"})).await;
    api.has("asked", &asked, 200, json!({"kind": "ConfigMap", "metadata": {"finalizers": ["orphan"]}}));
    api.gone("configmaps/owner").await;
    api.has("free", &api.get("configmaps/orphan").await, 200, json!({"metadata": {"ownerReferences": null}}));
}

pub(super) async fn a_foreground_delete_waits_for_its_children(api: &Api<'_>) {
    let owner = api.make("configmaps", &config_map("owner", json!({}))).await;
    let mut held = child("held", json!([reference(&owner)]));
    held["metadata"]["finalizers"] = json!(["a.b/c"]);
    api.make("configmaps", &held).await;
    tokio::time::sleep(std::time::Duration::from_secs(2)).await;
    let asked = api.delete("configmaps/owner", &json!({"propagationPolicy": "Foreground"})).await;
    api.has("asked", &asked, 200, json!({"kind": "ConfigMap", "metadata": {"finalizers": ["foregroundDeletion"]}}));
    for _ in 0..600 {
        if api.get("configmaps/held").await.body["metadata"]["deletionTimestamp"].is_string() {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    api.is("it waits", api.get("configmaps/owner").await.code, 200);
    api.merge("configmaps/held", &json!({"metadata": {"finalizers": null}})).await;
    api.gone("configmaps/held").await;
    api.gone("configmaps/owner").await;
}
