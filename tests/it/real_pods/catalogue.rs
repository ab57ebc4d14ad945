//! Another catalogue of images under running clusters: nobody is touched, and a promotion is a change like every other.

use super::clients::Clients;
use super::rollout::is_carried_out;
use super::{Database, NAME, Nodes, said, until, when_drawn};
use serde_json::{Value, json};
use std::collections::BTreeMap;

const COPY: &str = "copy";
const IMAGE: &str = "stackgres/postgres:17.12";

/// The controller with another catalogue; with the built-in one again afterwards.
struct OtherCatalogue<'a>(&'a Nodes);

impl OtherCatalogue<'_> {
    /// PostgreSQL 17 gets another image, and what else the entry says.
    fn set(&self, image: &str, more: &Value) {
        let mut catalogue: Value =
            serde_json::from_str(include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/src/postgres/catalogue.json"))).unwrap();
        let images = catalogue["images"].as_array_mut().unwrap();
        let entry = images.iter_mut().find(|entry| entry["component"] == "postgres" && entry["version"] == "17.12").unwrap();
        entry["image"] = json!(image);
        for (field, value) in more.as_object().into_iter().flatten() {
            entry[field] = value.clone();
        }
        let map = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "stackgres-catalogue", "namespace": "stackgres"},
            "data": {"catalogue.json": catalogue.to_string()}});
        self.0.apply(&map.to_string());
        self.settings(&json!("/etc/stackgres/catalogue/catalogue.json"));
    }

    fn settings(&self, path: &Value) {
        let patch = json!({"data": {"STACKGRES_CATALOGUE": path}}).to_string();
        self.0.ok(&["-n", "stackgres", "patch", "configmap", "stackgres-settings", "--type", "merge", "-p", &patch]);
        self.0.ok(&["-n", "stackgres", "rollout", "restart", "deployment/stackgres"]);
        self.0.ok(&["-n", "stackgres", "rollout", "status", "deployment/stackgres", "--timeout=120s"]);
    }
}

impl Drop for OtherCatalogue<'_> {
    fn drop(&mut self) {
        self.settings(&Value::Null);
        self.0.kubectl(&["-n", "stackgres", "delete", "configmap", "stackgres-catalogue"]);
    }
}

/// The same image under another name, on every node: what differs is the catalogue alone.
fn named_again(nodes: &Nodes, name: &str) {
    for number in ["1", "2", "3"] {
        let socket = nodes.folder.join(format!("node{number}/containerd.sock")).display().to_string();
        let of = |image: &str| format!("docker.io/{image}");
        let tag = ["ctr", "-a", &socket, "-n", "k8s.io", "images", "tag", "--force", &of(IMAGE), &of(name)];
        nodes.harness(&[&["node", "run", number][..], &tag].concat());
    }
}

struct Two<'a> {
    database: Database<'a>,
}

impl Two<'_> {
    fn status(&self, cluster: &str, pointer: &str) -> Value {
        self.database.status_of(cluster, pointer)
    }

    fn is_carried_out(&self, cluster: &str) -> bool {
        is_carried_out(&self.status(cluster, ""), 2)
    }

    /// Identity and image of each pod of a cluster.
    fn pods(&self, cluster: &str) -> BTreeMap<String, (String, String)> {
        let label = format!("stackgres.io/cluster-name={cluster}");
        let pods: Value = serde_json::from_str(&self.database.kubectl(&["get", "pods", "-l", &label, "-o", "json"])).unwrap();
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let image = |pod: &Value| {
            let containers = pod["spec"]["containers"].as_array().unwrap();
            text(&containers.iter().find(|container| container["name"] == "patroni").unwrap()["image"])
        };
        let pods = pods["items"].as_array().unwrap().iter();
        pods.map(|pod| (text(&pod["metadata"]["name"]), (text(&pod["metadata"]["uid"]), image(pod)))).collect()
    }

    /// Who leads, and who follows.
    fn roles(&self, cluster: &str) -> (String, String) {
        let leads = |role: &Value| role == "primary" || role == "standby leader";
        let pods = self.status(cluster, "/podStatuses");
        let leader = pods.as_array().unwrap().iter().find(|pod| leads(&pod["role"])).expect("somebody leads")["name"].as_str().unwrap();
        let other = if leader.ends_with("-0") { format!("{cluster}-1") } else { format!("{cluster}-0") };
        (leader.to_owned(), other)
    }

    fn offered(&self, cluster: &str) -> Option<String> {
        self.status(cluster, "/promotion/revision").as_str().map(str::to_owned)
    }

    /// Takes the newest images by an operation, as who waits for no promotion does.
    fn upgrade(&self, cluster: &str) {
        let released = self.status(cluster, "/release/revision");
        let spec = format!("{{sgCluster: {cluster}, op: securityUpgrade}}");
        let namespace = &self.database.namespace;
        self.database.nodes.apply(&format!(
            "apiVersion: stackgres.io/v1\nkind: SGDbOps\nmetadata: {{name: upgrade, namespace: {namespace}}}\nspec: {spec}\n"
        ));
        until("the newest images are released", 60, || self.status(cluster, "/release/revision") != released);
        let completed = "jsonpath={.status.conditions[?(@.type=='Completed')].status}";
        until("the operation is done", 240, || self.database.kubectl(&["get", "sgdbops", "upgrade", "-o", completed]) == "True");
    }

    fn promote(&self, cluster: &str) {
        let offered = self.offered(cluster).expect("something is offered");
        let output = self.database.nodes.stackgres(&["promote", &format!("{}/{cluster}", self.database.namespace)]);
        assert!(output.status.success(), "{}", said(&output));
        until(&format!("{offered} is released"), 60, || self.status(cluster, "/release/revision") == offered.as_str());
    }
}

/// An upgrade of the controller, or a newer image in its catalogue, that restarts databases in the night is what people leave an
/// operator for; and an image whose library sorts text in another way makes indexes wrong without a word.
#[test]
fn a_newer_image_waits_for_its_promotion() {
    when_drawn("a_newer_image_waits_for_its_promotion", |nodes| {
        // It goes last: without a controller no namespace is given free.
        let catalogue = OtherCatalogue(nodes);
        let pods = "  pods: {persistentVolume: {size: 1Gi}, updateStrategy: {type: Always}}\n";
        let pooling = "  configurations: {pooling: {pgBouncer: {pgbouncer.ini: {pgbouncer: {pool_mode: transaction}}}}}\n";
        let database = Database::new(nodes, "promoted", 2, &format!("  profile: testing\n{pods}{pooling}"));
        database.sql("create table sorted (word text collate \"en-x-icu\" primary key)");
        nodes.apply(&format!(
            "apiVersion: stackgres.io/v1\nkind: SGCluster\nmetadata: {{name: {COPY}, namespace: promoted}}\nspec:\n  instances: 2\n  profile: testing\n  postgres: {{version: '17'}}\n{pods}  replicateFrom: {{instance: {{sgCluster: {NAME}}}}}\n"
        ));
        let two = Two { database };
        until("the copy is ready", 240, || two.status(COPY, "/readyInstances") == 2 && two.is_carried_out(COPY));
        let (newer, other) = (format!("{IMAGE}-newer"), format!("{IMAGE}-other"));
        for name in [&newer, &other] {
            named_again(nodes, name);
        }

        // Offered, shown, and nobody is touched.
        let before = [NAME, COPY].map(|cluster| (two.pods(cluster), two.status(cluster, "/release/revision")));
        catalogue.set(&newer, &json!({}));
        until("it is offered", 60, || two.offered(NAME).is_some() && two.offered(COPY).is_some());
        let plan = said(&nodes.stackgres(&["plan", "--promote", "promoted/db"]));
        assert!(plan.contains(&newer) && plan.contains("pod of db-"), "{plan}");
        std::thread::sleep(std::time::Duration::from_secs(20));
        assert_eq!(before, [NAME, COPY].map(|cluster| (two.pods(cluster), two.status(cluster, "/release/revision"))));

        // Taken, by an operation in the standby cluster and by a promotion in its source: each pod once, whoever leads last.
        for cluster in [COPY, NAME] {
            let (leader, replica) = two.roles(cluster);
            let begun = two.database.steps_of(cluster).len();
            let clients = Clients::begin(&two.database, 29);
            if cluster == COPY {
                two.upgrade(cluster);
            } else {
                two.promote(cluster);
            }
            until(&format!("{cluster} is carried out"), 240, || two.is_carried_out(cluster));
            let steps = two.database.steps_of(cluster).split_off(begun);
            std::thread::sleep(std::time::Duration::from_secs(6));
            let outcome = clients.end(&two.database);
            let made = |pod: &str| format!("the pod of {pod} is made anew");
            assert_eq!(steps, [made(&replica), format!("{leader} hands over to {replica}"), made(&leader)]);
            assert!(outcome.failed.is_empty() && outcome.lost == 0, "{cluster}: {outcome:?}");
            assert!(two.pods(cluster).values().all(|(_, image)| *image == newer), "{:?}", two.pods(cluster));
            eprintln!("NEW IMAGE of {cluster}: longest pause {:.1} s, {} closed while idle", outcome.longest, outcome.closed_idle);
        }

        // One whose library sorts otherwise is not taken by a promotion alone.
        catalogue.set(&other, &json!({"collationIcu": "999.9"}));
        until("the other one is offered", 60, || two.offered(NAME).is_some());
        let old = two.pods(NAME);
        two.promote(NAME);
        until("it waits", 60, || {
            let waits = two.status(NAME, "/waiting").to_string();
            waits.contains("indexes over text would be in the wrong order") && waits.contains("sorted_pkey")
        });
        assert_eq!(two.pods(NAME), old);
        let accept = format!("stackgres.io/accept-collation-change={}", two.status(NAME, "/release/revision").as_str().unwrap());
        two.database.kubectl(&["annotate", "sgcluster", NAME, &accept]);
        until("it is carried out", 240, || two.is_carried_out(NAME));
        assert!(two.pods(NAME).values().all(|(_, image)| *image == other), "{:?}", two.pods(NAME));
    });
}
