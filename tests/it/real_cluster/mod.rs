//! What only a real API server can say. Skipped, loudly, where none is given; `tests/run` starts one.

mod verdict;

use kube::api::{Api, DynamicObject, Patch, PatchParams};
use kube::core::{ApiResource, GroupVersionKind};
use serde_json::{Value, json};
use stackgres::api::{KINDS, crd};
use stackgres::engine::offline::{LoadOptions, Options, SourceFile, check, version};
use stackgres::load::Manifest;
use stackgres::validate::structural;
use std::path::Path;
use std::time::Duration;

/// A server under test.
pub(crate) struct Server {
    /// May do everything.
    pub(crate) admin: kube::Client,
    /// The controller's own account, with the rights of `deploy/` and no others. On the in-memory API the same as `admin`.
    pub(crate) controller: kube::Client,
    /// Folder of the real control plane: kubeconfigs, `kubectl`, logs.
    pub(crate) folder: Option<std::path::PathBuf>,
    /// How a program reaches it as administrator.
    pub(crate) kubeconfig: std::path::PathBuf,
    /// Whether other tests use it meanwhile: a controller looks at the namespaces of its own test only.
    pub(crate) shared: bool,
}

impl Server {
    /// Runs the real `kubectl` as administrator.
    pub(crate) fn kubectl(&self, arguments: &[&str]) -> std::process::Output {
        let folder = self.folder.as_ref().expect("a real API server");
        let kubeconfig = folder.join("admin.kubeconfig");
        std::process::Command::new(folder.join("kubectl")).arg("--kubeconfig").arg(kubeconfig).args(arguments).output().unwrap()
    }
}

/// Runs a test against the API server of `STACKGRES_TEST_KUBECONFIG`, into which `deploy/` is installed first; alone there.
pub(crate) fn on_the_real_server(name: &str, test: impl AsyncFnOnce(Server)) {
    let _guard = ALONE.write().unwrap_or_else(std::sync::PoisonError::into_inner);
    installed(name, false, test);
}

/// The same, beside others that run so.
pub(crate) fn beside_others_on_the_real_server(name: &str, test: impl AsyncFnOnce(Server)) {
    let _guard = ALONE.read().unwrap_or_else(std::sync::PoisonError::into_inner);
    installed(name, true, test);
}

fn installed(name: &str, shared: bool, test: impl AsyncFnOnce(Server)) {
    connected(name, async |admin| {
        let kubeconfig = std::path::PathBuf::from(std::env::var_os("STACKGRES_TEST_KUBECONFIG").unwrap());
        let folder = kubeconfig.parent().unwrap().to_owned();
        let mut server = Server { controller: admin.clone(), admin, folder: Some(folder.clone()), kubeconfig, shared };
        static INSTALLED: tokio::sync::Mutex<bool> = tokio::sync::Mutex::const_new(false);
        let mut installed = INSTALLED.lock().await;
        if !*installed {
            deploy(&server).await;
            *installed = true;
        }
        drop(installed);
        let path = folder.join("controller.kubeconfig");
        let kubeconfig = kube::config::Kubeconfig::read_from(&path).unwrap();
        let config = kube::Config::from_custom_kubeconfig(kubeconfig, &kube::config::KubeConfigOptions::default()).await.unwrap();
        server.controller = kube::Client::try_from(config).unwrap();
        test(server).await;
    });
}

/// Installs `deploy/` as its README says, and makes a kubeconfig of the controller's ServiceAccount.
pub(crate) async fn deploy(server: &Server) {
    // What an earlier run on the same control plane left is protected by the policies: without them it can go.
    for policy in ["keep-clusters", "keep-what-holds-clusters"] {
        server.kubectl(&["delete", "validatingadmissionpolicybinding", &format!("stackgres-{policy}"), "--ignore-not-found"]);
    }
    tokio::time::sleep(Duration::from_secs(1)).await;
    server.kubectl(&["delete", "namespace", "--selector", "stackgres-test=true", "--timeout=60s"]);
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/deploy");
    let mut output = server.kubectl(&["apply", "--server-side", "--force-conflicts", "-k", root]);
    for _ in 0..20 {
        if output.status.success() {
            break;
        }
        // Custom resources and policies that name them need a moment after their definitions.
        tokio::time::sleep(Duration::from_millis(500)).await;
        output = server.kubectl(&["apply", "--server-side", "--force-conflicts", "-k", root]);
    }
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    install(&server.admin).await;
    account_kubeconfig(server, "stackgres", "stackgres", "controller");
}

/// Writes `NAME.kubeconfig` with a token of a ServiceAccount.
pub(crate) fn account_kubeconfig(server: &Server, namespace: &str, account: &str, name: &str) -> std::path::PathBuf {
    let output = server.kubectl(&["create", "token", account, "--namespace", namespace, "--duration", "2h"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let folder = server.folder.as_ref().unwrap();
    let admin = std::fs::read_to_string(folder.join("admin.kubeconfig")).unwrap();
    let users = admin.lines().find(|line| line.starts_with("users:")).unwrap();
    let token = String::from_utf8(output.stdout).unwrap();
    let path = folder.join(format!("{name}.kubeconfig"));
    std::fs::write(&path, admin.replace(users, &format!("users: [{{name: u, user: {{token: {}}}}}]", token.trim()))).unwrap();
    path
}

/// Held for writing by a test whose controller looks at every namespace, and would carry out the fleets of others, or that stops the
/// server; for reading by those that keep to themselves.
static ALONE: std::sync::RwLock<()> = std::sync::RwLock::new(());

/// Runs a test with an administrator's client, beside others.
pub(crate) fn with_client(name: &str, test: impl AsyncFnOnce(kube::Client)) {
    let _guard = ALONE.read().unwrap_or_else(std::sync::PoisonError::into_inner);
    connected(name, test);
}

fn connected(name: &str, test: impl AsyncFnOnce(kube::Client)) {
    let Some(path) = std::env::var_os("STACKGRES_TEST_KUBECONFIG") else {
        assert!(std::env::var_os("CI").is_none(), "{name}: CI requires a real API server (STACKGRES_TEST_KUBECONFIG)");
        eprintln!("SKIPPED {name}: no real API server; tests/run starts one");
        return;
    };
    // A second installation in this process is refused and harmless.
    drop(rustls::crypto::ring::default_provider().install_default());
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let kubeconfig = kube::config::Kubeconfig::read_from(path).unwrap();
        let config = kube::Config::from_custom_kubeconfig(kubeconfig, &kube::config::KubeConfigOptions::default()).await.unwrap();
        test(kube::Client::try_from(config).unwrap()).await;
    });
}

pub(crate) fn resource(api_version: &str, kind: &str) -> ApiResource {
    let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
    let plural = match (KINDS.iter().find(|known| known.kind == kind), kind) {
        (Some(known), _) => known.plural.to_owned(),
        (None, "Endpoints") => "endpoints".to_owned(),
        (None, other) => format!("{}s", other.to_lowercase()),
    };
    ApiResource::from_gvk_with_plural(&GroupVersionKind::gvk(group, version, kind), &plural)
}

pub(crate) async fn install(client: &kube::Client) {
    let definitions: Vec<Value> = KINDS.iter().map(|kind| crd(kind)).collect();
    install_definitions(client, &definitions).await;
    namespace(client, "stackgres-test").await;
}

/// Installs definitions and waits until they are served.
pub(crate) async fn install_definitions(client: &kube::Client, definitions: &[Value]) {
    let api: Api<DynamicObject> = Api::all_with(client.clone(), &resource("apiextensions.k8s.io/v1", "CustomResourceDefinition"));
    let name = |definition: &Value| definition["metadata"]["name"].as_str().unwrap().to_owned();
    for definition in definitions {
        let patch = PatchParams::apply("stackgres-test").force().validation_strict();
        api.patch(&name(definition), &patch, &Patch::Apply(definition.clone())).await.unwrap();
    }
    for definition in definitions {
        let mut established = false;
        for _ in 0..100 {
            let live = api.get(&name(definition)).await.unwrap();
            let conditions = live.data.pointer("/status/conditions").cloned().unwrap_or_default();
            let is = |wanted: &str| {
                conditions.as_array().into_iter().flatten().any(|condition| condition["type"] == wanted && condition["status"] == "True")
            };
            assert!(!is("NonStructuralSchema"), "{}: {conditions}", name(definition));
            established = is("Established");
            if established {
                break;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        assert!(established, "{} is not established", name(definition));
    }
}

pub(crate) async fn namespace(client: &kube::Client, name: &str) {
    let api: Api<DynamicObject> = Api::all_with(client.clone(), &resource("v1", "Namespace"));
    let object = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": {"pod-security.kubernetes.io/enforce": "restricted", "stackgres-test": "true"}}});
    api.patch(name, &PatchParams::apply("stackgres-test").force(), &Patch::Apply(object)).await.unwrap();
}

/// The verdict of the API server on creating an object, strictly, without keeping it.
async fn verdict(client: &kube::Client, object: &Value) -> Result<(), String> {
    let (version, kind) = (object["apiVersion"].as_str().unwrap_or_default(), object["kind"].as_str().unwrap_or_default());
    let namespace = object["metadata"]["namespace"].as_str().unwrap_or("stackgres-test");
    let body = serde_json::to_vec(object).unwrap();
    let path = resource(version, kind);
    let base = if path.group.is_empty() { format!("/api/{}", path.version) } else { format!("/apis/{}/{}", path.group, path.version) };
    let scope = if kind == "Namespace" { String::new() } else { format!("namespaces/{namespace}/") };
    let url = format!("{base}/{scope}{}?dryRun=All&fieldValidation=Strict&fieldManager=test", path.plural);
    let request = http_request(&url, body);
    client.request::<Value>(request).await.map(|_| ()).map_err(|error| error.to_string())
}

fn http_request(url: &str, body: Vec<u8>) -> http::Request<Vec<u8>> {
    http::Request::post(url).header("content-type", "application/json").body(body).unwrap()
}

#[test]
fn crds_are_structural_and_accepted() {
    with_client("crds_are_structural_and_accepted", async |client| install(&client).await);
}

/// An object the API server refuses would stop every cluster that renders it.
#[test]
fn rendered_objects_are_accepted_strictly_under_restricted_pod_security() {
    with_client("rendered_objects_are_accepted_strictly_under_restricted_pod_security", async |client| {
        install(&client).await;
        let mut options = Options {
            load: LoadOptions { default_namespace: Some("stackgres-test".to_owned()), ..LoadOptions::default() },
            ..Options::default()
        };
        // A version that this project has no image of: what is rendered for it must be accepted all the same.
        std::sync::Arc::make_mut(&mut options.settings.catalogue).versions.insert(13, vec!["13.23".to_owned()]);
        let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/render");
        let mut seen = 0;
        for case in std::fs::read_dir(golden).unwrap() {
            let path = case.unwrap().path().join("input/cluster.yaml");
            let text = std::fs::read_to_string(&path).unwrap().replace("namespace: default", "namespace: stackgres-test");
            let report = check(&[SourceFile { path: "cluster.yaml".to_owned(), content: text.into_bytes().into() }], &options);
            for cluster in report.clusters.values() {
                for object in version(cluster).objects.iter().filter(|object| object.kind() != "PodMonitor") {
                    seen += 1;
                    let found = verdict(&client, object.value()).await;
                    assert!(found.is_ok(), "{} {}: {found:?}", path.display(), object.key());
                    if object.kind() == "StatefulSet" {
                        let template = object.get("/spec/template").unwrap();
                        let mut pod =
                            json!({"apiVersion": "v1", "kind": "Pod", "metadata": template["metadata"], "spec": template["spec"]});
                        pod["metadata"]["name"] = json!("probe");
                        pod["metadata"]["namespace"] = json!("stackgres-test");
                        // The claim's volume is added by the StatefulSet controller.
                        let data = object.text("/spec/volumeClaimTemplates/0/metadata/name").unwrap();
                        pod["spec"]["volumes"].as_array_mut().unwrap().push(json!({"name": data, "emptyDir": {}}));
                        pod["spec"]["serviceAccountName"] = json!("default");
                        if pod["spec"]["priorityClassName"].is_null() {
                            let custom = pod["spec"]["containers"]
                                .as_array()
                                .unwrap()
                                .iter()
                                .any(|container| container["name"].as_str().unwrap().starts_with("custom-"));
                            if !custom {
                                let found = verdict(&client, &pod).await;
                                assert!(found.is_ok(), "pod of {}: {found:?}", object.key());
                            }
                        }
                    }
                }
            }
        }
        assert!(seen > 40, "only {seen} objects were looked at");
    });
}

/// Services that pass the check and are refused by the API server stop a cluster after the merge.
#[test]
fn services_that_pass_are_accepted() {
    with_client("services_that_pass_are_accepted", async |client| {
        install(&client).await;
        let options = Options {
            load: LoadOptions { default_namespace: Some("stackgres-test".to_owned()), ..LoadOptions::default() },
            ..Options::default()
        };
        let seed = 0x5eed_0004;
        let mut random = Random(seed);
        let fields = [
            ("type", vec![json!("ClusterIP"), json!("NodePort"), json!("LoadBalancer"), json!("LoadBalancer"), json!("None")]),
            ("externalIPs", vec![json!(["192.0.2.1"]), json!([]), json!(["x"]), json!(["127.0.0.1"])]),
            ("allocateLoadBalancerNodePorts", vec![json!(false), json!(true)]),
            ("externalTrafficPolicy", vec![json!("Local"), json!("Cluster"), json!("Nowhere")]),
            ("internalTrafficPolicy", vec![json!("Local"), json!("Cluster"), json!("")]),
            ("healthCheckNodePort", vec![json!(30_100), json!(0)]),
            ("ipFamilies", vec![json!(["IPv4"]), json!(["IPv4", "IPv4"]), json!(["IPv5"])]),
            ("ipFamilyPolicy", vec![json!("SingleStack"), json!("Double")]),
            ("loadBalancerClass", vec![json!("a.b/c"), json!("A B")]),
            ("loadBalancerIP", vec![json!("192.0.2.7"), json!("x")]),
            ("loadBalancerSourceRanges", vec![json!(["10.0.0.0/8"]), json!(["10.0.0.1"]), json!([])]),
            ("publishNotReadyAddresses", vec![json!(true)]),
            ("sessionAffinity", vec![json!("ClientIP"), json!("None"), json!("Cookie")]),
            (
                "sessionAffinityConfig",
                vec![json!({"clientIP": {"timeoutSeconds": 5}}), json!({"clientIP": {"timeoutSeconds": 0}}), json!({})],
            ),
            ("nodePorts", vec![json!({"pgport": 30_200}), json!({"pgport": 30_200, "replicationport": 30_201})]),
            (
                "customPorts",
                vec![
                    json!([{"port": 53, "protocol": "UDP"}, {"port": 53}]),
                    json!([{"port": 80, "name": "web", "targetPort": 8080, "nodePort": 30_300, "appProtocol": "a.b/c"}]),
                    json!([{"port": 80, "protocol": "TPC"}]),
                    json!([{"port": 80, "appProtocol": "A B"}]),
                    json!([{"port": 80, "targetPort": 0}]),
                ],
            ),
        ];
        let (mut passed, mut differences) = (0, Vec::new());
        for _ in 0..400 {
            let mut section = json!({});
            for (field, values) in &fields {
                if random.below(4) == 0 || *field == "type" && random.below(3) > 0 {
                    section[*field] = values[random.below(values.len())].clone();
                }
            }
            let service = ["primary", "replicas"][random.below(2)];
            let cluster = json!({"apiVersion": "stackgres.io/v1", "kind": "SGCluster", "metadata": {"name": "a"}, "spec": {
                "instances": 2, "postgres": {"version": "17"}, "pods": {"persistentVolume": {"size": "5Gi"}}, "postgresServices": {service: section}}});
            let report = check(&[SourceFile { path: "a.json".to_owned(), content: cluster.to_string().into_bytes().into() }], &options);
            for cluster in report.clusters.values() {
                passed += 1;
                for object in version(cluster).objects.iter().filter(|object| object.kind() == "Service") {
                    if let Err(error) = verdict(&client, object.value()).await {
                        let error: String = error.chars().take(200).collect();
                        differences.push(format!("{service} {section}: {error}"));
                    }
                }
            }
        }
        assert!(passed > 40, "only {passed} passed");
        assert!(differences.is_empty(), "seed {seed:#x}: {} differences of {passed}\n{}", differences.len(), differences.join("\n"));
    });
}

/// A small generator that can be repeated: xorshift with a printed seed.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % limit.max(1) as u64).unwrap()
    }
}

/// Every place of a value.
fn places(value: &Value, pointer: String, out: &mut Vec<String>) {
    out.push(pointer.clone());
    match value {
        Value::Object(map) => map.iter().for_each(|(key, child)| places(child, stackgres::model::pointer::join(&pointer, key), out)),
        Value::Array(items) => items.iter().enumerate().for_each(|(index, child)| places(child, format!("{pointer}/{index}"), out)),
        _ => {}
    }
}

fn mutate(value: &mut Value, random: &mut Random) -> String {
    let mut all = Vec::new();
    let parts: &[&str] = if value["spec"].is_null() { &["/data", "/binaryData", "/immutable", "/metadata/labels"] } else { &["/spec"] };
    for part in parts {
        if let Some(found) = value.pointer(part) {
            places(found, (*part).to_owned(), &mut all);
        }
    }
    let pointer = all[random.below(all.len())].clone();
    let replacements = [
        json!(null),
        json!("text"),
        json!(""),
        json!(7),
        json!(-1),
        json!(3.0),
        json!(2.5),
        json!(true),
        json!([]),
        json!({}),
        json!(["x"]),
        json!({"unknown": 1}),
        json!(4_294_967_296_i64),
        json!("10Gi"),
    ];
    let target = value.pointer_mut(&pointer).unwrap();
    match random.below(4) {
        0 => {
            if let Some(map) = target.as_object_mut() {
                map.insert("extraField".to_owned(), json!("x"));
                return format!("{pointer} + extraField");
            }
        }
        1 => {
            if let Some((parent, key)) = pointer.rsplit_once('/').filter(|(parent, _)| !parent.is_empty())
                && let Some(map) = value.pointer_mut(parent).and_then(Value::as_object_mut)
            {
                map.remove(&key.replace("~1", "/").replace("~0", "~"));
                return format!("{pointer} removed");
            }
        }
        _ => {}
    }
    let replacement = replacements[random.below(replacements.len())].clone();
    let target = value.pointer_mut(&pointer).unwrap();
    *target = replacement.clone();
    format!("{pointer} = {replacement}")
}

fn samples() -> Vec<Value> {
    let storage = |name: &str, key: &str| json!({"name": name, "key": key});
    vec![
        json!({"apiVersion": "stackgres.io/v1", "kind": "SGCluster", "metadata": {"name": "a"}, "spec": {
            "instances": 3, "profile": "production", "postgres": {"version": "17", "ssl": {"enabled": true, "duration": "P1D", "certificateSecretKeySelector": storage("a", "b")}, "extensions": [{"name": "x"}]},
            "replication": {"mode": "sync", "syncInstances": 1, "groups": [{"role": "ha", "instances": 1}]},
            "metadata": {"labels": {"clusterPods": {"a": "b"}}, "annotations": {"services": {"c": "d"}}},
            "postgresServices": {"primary": {"type": "NodePort", "customPorts": [{"name": "a", "port": 1, "targetPort": "x"}], "externalIPs": ["1.1.1.1"]}},
            "pods": {"persistentVolume": {"size": "5Gi"}, "terminationGracePeriodSeconds": 5,
                "scheduling": {"tolerations": [{"key": "a", "tolerationSeconds": 3}], "nodeSelector": {"a": "b"}, "nodeAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": [{"weight": 1, "preference": {"matchExpressions": [{"key": "a", "operator": "In", "values": ["b"]}]}}]}},
                "customContainers": [{"name": "a", "image": "b", "ports": [{"containerPort": 1}], "livenessProbe": {"httpGet": {"port": "x"}}, "env": [{"name": "A", "valueFrom": {"secretKeyRef": {"name": "a", "key": "b"}}}]}],
                "customVolumes": [{"name": "v", "configMap": {"name": "c", "items": [{"key": "k", "path": "p", "mode": 1}]}}, {"name": "w", "downwardAPI": {"items": [{"path": "a", "resourceFieldRef": {"resource": "limits.cpu", "divisor": "1"}}]}}],
                "customVolumeMounts": {"patroni": [{"name": "v", "mountPath": "/v"}]}, "resources": {"containers": {"a": {"limits": {"cpu": "1"}}}}},
            "configurations": {"postgres": {"postgresql.conf": {"a": "b"}}, "patroni": {"dynamicConfig": {"a": 1}}, "backups": [{"sgObjectStorage": "s", "retention": 3}], "pooling": {"pgBouncer": {"pgbouncer.ini": {"databases": {"d": {"pool_size": 1}}}}}},
            "managedSql": {"scripts": [{"sgScript": "a"}]}, "nonProductionOptions": {"enabledFeatureGates": ["x"]}, "distributedLogs": {"retention": "7 days"}}}),
        json!({"apiVersion": "stackgres.io/v1alpha1", "kind": "SGFleet", "metadata": {"name": "a"}, "spec": {
            "source": {"git": {"url": "https://x/y", "interval": "1m", "ref": {"commit": "0123456789012345678901234567890123456789"}, "credentials": {"secretName": "a", "type": "basic"}}},
            "namespaces": ["a"], "drift": "report", "hold": {"reason": "x", "until": "2026-01-01T00:00:00Z"},
            "waves": [{"name": "a", "maxConcurrent": "10%", "soak": "1m", "selector": {"matchLabels": {"a": "b"}}}], "prune": {"maxPercent": 3}, "tombstones": [{"namespace": "a", "name": "b", "volumes": "retain"}]}}),
        json!({"apiVersion": "stackgres.io/v1", "kind": "SGInstanceProfile", "metadata": {"name": "a"}, "spec": {"cpu": "1", "memory": "1Gi", "containers": {"x": {"cpu": "1", "hugePages": {"hugepages-2Mi": "1Gi"}}}, "requests": {"cpu": "500m"}}}),
        json!({"apiVersion": "stackgres.io/v1", "kind": "SGPostgresConfig", "metadata": {"name": "a"}, "spec": {"postgresVersion": "17", "postgresql.conf": {"work_mem": "1MB"}}}),
        json!({"apiVersion": "stackgres.io/v1", "kind": "SGPoolingConfig", "metadata": {"name": "a"}, "spec": {"pgBouncer": {"pgbouncer.ini": {"pgbouncer": {"pool_mode": "session"}, "users": {"u": {"pool_mode": "session"}}}}}}),
        json!({"apiVersion": "stackgres.io/v1", "kind": "SGDbOps", "metadata": {"name": "a"}, "spec": {
            "sgCluster": "a", "op": "restart", "runAt": "2026-01-01T00:00:00Z", "timeout": "PT2H", "maxRetries": 1, "restart": {"method": "InPlace", "onlyPendingRestart": true}}}),
        json!({"apiVersion": "stackgres.io/v1", "kind": "SGScript", "metadata": {"name": "a"}, "spec": {"managedVersions": true, "scripts": [{"name": "a", "script": "b"}, {"scriptFrom": {"configMapKeyRef": {"name": "a", "key": "b"}}}]}}),
        json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a", "labels": {"a": "b"}}, "data": {"a": "b", "c.d": ""}, "binaryData": {"e": "aGk="}, "immutable": false}),
        json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "verdict", "labels": {"a": "b"}, "annotations": {"a": "b"}}}),
        json!({"apiVersion": "stackgres.io/v1beta1", "kind": "SGObjectStorage", "metadata": {"name": "a"}, "spec": {"type": "s3Compatible", "s3Compatible": {"bucket": "b", "enablePathStyleAddressing": true, "awsCredentials": {"secretKeySelectors": {"accessKeyId": storage("a", "b"), "secretAccessKey": storage("a", "b")}}}}}),
    ]
}

/// A manifest that passes here and fails there stops a fleet after the merge; one that fails here and passes there is refused for nothing.
#[test]
fn the_offline_verdict_is_the_servers() {
    with_client("the_offline_verdict_is_the_servers", async |client| {
        install(&client).await;
        let rounds: usize = std::env::var("STACKGRES_TEST_ROUNDS").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(500);
        let seed = 0x5eed_0003;
        let mut random = Random(seed);
        let mut differences = Vec::new();
        for sample in samples() {
            for round in 0..=rounds {
                let mut object = sample.clone();
                if object["kind"] != "Namespace" {
                    object["metadata"]["namespace"] = json!("stackgres-test");
                }
                let what = if round == 0 { "unchanged".to_owned() } else { mutate(&mut object, &mut random) };
                let ours = structural(&Manifest::live(stackgres::model::Object::new(object.clone())));
                let theirs = verdict(&client, &object).await;
                if ours.has_errors() == theirs.is_ok() {
                    differences.push(format!(
                        "{} {what}: ours {:?}, theirs {theirs:?}",
                        sample["kind"],
                        ours.iter().map(|finding| &finding.message).collect::<Vec<_>>()
                    ));
                }
            }
        }
        assert!(differences.is_empty(), "seed {seed:#x}: {} differences\n{}", differences.len(), differences.join("\n"));
    });
}
