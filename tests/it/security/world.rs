//! An in-memory Kubernetes API in this process, for programs that run as their own.

use super::planted::{Home, Planted};
use base64::Engine as _;
use kube::api::{Api, DynamicObject, ListParams, Patch, PatchParams};
use kube::core::{ApiResource, GroupVersionKind};
use serde_json::{Value, json};
use stackgres::diagnostics::visible;
use stackgres::sandbox::Sandbox;
use std::path::{Path, PathBuf};
use std::time::Duration;

pub(super) const NAMESPACE: &str = "shop";

pub(super) struct World {
    pub(super) folder: tempfile::TempDir,
    pub(super) kubeconfig: PathBuf,
    pub(super) runtime: tokio::runtime::Runtime,
    client: kube::Client,
    _sandbox: Option<Sandbox>,
}

impl World {
    pub(super) fn start() -> Self {
        let runtime = runtime();
        let (sandbox, client) = runtime.block_on(crate::controller::sandbox(Duration::from_millis(100)));
        let folder = tempfile::tempdir().unwrap();
        let kubeconfig = folder.path().join("kubeconfig");
        std::fs::write(&kubeconfig, sandbox.kubeconfig()).unwrap();
        let world = Self { folder, kubeconfig, runtime, client, _sandbox: Some(sandbox) };
        world.runtime.block_on(crate::real_cluster::namespace(&world.client, NAMESPACE));
        world.apply(json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "stackgres-fleet", "namespace": NAMESPACE}}));
        world
    }

    /// One that runs already.
    pub(super) fn at(kubeconfig: &Path) -> Self {
        drop(rustls::crypto::ring::default_provider().install_default());
        let runtime = runtime();
        let client = runtime.block_on(async {
            let read = kube::config::Kubeconfig::read_from(kubeconfig).unwrap();
            let config = kube::Config::from_custom_kubeconfig(read, &kube::config::KubeConfigOptions::default()).await.unwrap();
            kube::Client::try_from(config).unwrap()
        });
        Self { folder: tempfile::tempdir().unwrap(), kubeconfig: kubeconfig.to_owned(), runtime, client, _sandbox: None }
    }

    fn api(&self, version: &str, kind: &str) -> Api<DynamicObject> {
        Api::namespaced_with(self.client.clone(), NAMESPACE, &crate::real_cluster::resource(version, kind))
    }

    pub(super) fn apply(&self, object: Value) {
        let api = self.api(object["apiVersion"].as_str().unwrap(), object["kind"].as_str().unwrap());
        let name = object["metadata"]["name"].as_str().unwrap().to_owned();
        let applied = self.runtime.block_on(api.patch(&name, &PatchParams::apply("test").force(), &Patch::Apply(&object)));
        drop(applied.unwrap_or_else(|error| panic!("{object}: {error}")));
    }

    /// Waits until a cluster is so.
    pub(super) fn until<T>(&self, cluster: &str, wanted: impl Fn(&Value) -> Option<T>) -> T {
        self.until_object(&self.api("stackgres.io/v1", "SGCluster"), cluster, wanted)
    }

    /// Waits until a fleet is so.
    pub(super) fn until_fleet<T>(&self, fleet: &str, wanted: impl Fn(&Value) -> Option<T>) -> T {
        self.until_object(&self.api("stackgres.io/v1alpha1", "SGFleet"), fleet, wanted)
    }

    fn until_object<T>(&self, api: &Api<DynamicObject>, name: &str, wanted: impl Fn(&Value) -> Option<T>) -> T {
        let mut last = Value::Null;
        for _ in 0..1_200 {
            if let Some(object) = self.runtime.block_on(api.get_opt(name)).unwrap() {
                last = serde_json::to_value(object).unwrap();
                if let Some(found) = wanted(&last) {
                    return found;
                }
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        panic!("{name} did not become what it should: {last:#}");
    }

    /// Every resource that can be listed, as the API itself tells.
    fn resources(&self) -> Vec<ApiResource> {
        let ask = |path: &str| -> Value {
            let request = http::Request::get(path).body(Vec::new()).unwrap();
            self.runtime.block_on(self.client.request(request)).unwrap()
        };
        let mut paths = vec![("/api/v1".to_owned(), String::new(), "v1".to_owned())];
        for group in ask("/apis")["groups"].as_array().unwrap() {
            for version in group["versions"].as_array().unwrap() {
                let (name, version) = (group["name"].as_str().unwrap(), version["version"].as_str().unwrap());
                paths.push((format!("/apis/{name}/{version}"), name.to_owned(), version.to_owned()));
            }
        }
        let mut found = Vec::new();
        for (path, group, version) in paths {
            for resource in ask(&path)["resources"].as_array().unwrap() {
                let name = resource["name"].as_str().unwrap();
                let listed = resource["verbs"].as_array().is_some_and(|verbs| verbs.iter().any(|verb| verb == "list"));
                if listed && !name.contains('/') {
                    let kind = GroupVersionKind::gvk(&group, &version, resource["kind"].as_str().unwrap());
                    found.push(ApiResource::from_gvk_with_plural(&kind, name));
                }
            }
        }
        found
    }

    /// Every object of every kind.
    fn objects(&self) -> Vec<(String, Value)> {
        let mut found = Vec::new();
        for resource in self.resources() {
            let api = Api::<DynamicObject>::all_with(self.client.clone(), &resource);
            for object in self.runtime.block_on(api.list(&ListParams::default())).unwrap() {
                let place = format!("{} {}", resource.kind, object.metadata.name.as_deref().unwrap_or_default());
                found.push((place, serde_json::to_value(object).unwrap()));
            }
        }
        assert!(found.len() > 20, "{} objects", found.len());
        found
    }

    /// Looks for every password and key that is in a Secret.
    pub(super) fn watch_made_secrets(&self, planted: &mut Planted) {
        let mut made = 0;
        for (place, object) in self.objects() {
            // A revision holds the manifests, compressed.
            if !place.starts_with("Secret ") || object["type"] == "stackgres.io/revision" {
                continue;
            }
            for (key, value) in object["data"].as_object().into_iter().flatten() {
                let bytes = base64::engine::general_purpose::STANDARD.decode(value.as_str().unwrap()).unwrap();
                let text = String::from_utf8(bytes).unwrap();
                let secret = match key.as_str() {
                    "tls.key" | "ca.key" => text.lines().nth(1).map(str::to_owned),
                    key if key.contains("password") && !text.starts_with("PLANTED") => Some(text),
                    _ => None,
                };
                if let Some(secret) = secret.filter(|secret| secret.len() >= 16) {
                    made += 1;
                    planted.watch(Home::Secret, &format!("{key} of {place}"), &secret);
                }
            }
        }
        assert!(made >= 6, "the controller made {made} secrets");
    }

    /// Every object but Secrets holds nothing of them; statuses and events hold nothing secret of a manifest either.
    pub(super) fn look_at_objects(&self, look: &mut dyn FnMut(&str, &str, bool)) {
        let mut statuses = 0;
        for (place, object) in self.objects() {
            if place.starts_with("Secret ") {
                continue;
            }
            look(&place, &visible(&object.to_string()), true);
            // As `kubectl` prints them: without the escapes of JSON.
            let mut shown = Vec::new();
            if place.starts_with("Event ") {
                texts(&object, &mut shown);
                look(&place, &shown.join("\n"), false);
            } else if !object["status"].is_null() {
                statuses += 1;
                texts(&object["status"], &mut shown);
                look(&format!("status of {place}"), &shown.join("\n"), false);
            }
        }
        assert!(statuses >= 4, "{statuses} statuses");
    }
}

/// Every text inside of a value.
fn texts<'a>(value: &'a Value, found: &mut Vec<&'a str>) {
    match value {
        Value::String(text) => found.push(text),
        Value::Array(items) => items.iter().for_each(|item| texts(item, found)),
        Value::Object(map) => map.iter().for_each(|(key, item)| {
            found.push(key);
            texts(item, found);
        }),
        _ => {}
    }
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}
