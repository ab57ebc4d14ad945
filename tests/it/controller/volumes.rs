//! Data move to another storage class, on simulated nodes: what is given up, when, and what is kept.

use super::*;
use kube::api::DeleteParams;
use std::collections::BTreeSet;

const NAMESPACE: &str = "stackgres-classes";

/// Objects of a kind that belongs to no namespace.
fn cluster_wide(fleet: &Fleet, group: &str, kind: &str, plural: &str) -> Api<DynamicObject> {
    let kind = kube::core::GroupVersionKind::gvk(group, "v1", kind);
    Api::all_with(fleet.client.clone(), &kube::core::ApiResource::from_gvk_with_plural(&kind, plural))
}

fn volumes(fleet: &Fleet) -> Api<DynamicObject> {
    cluster_wide(fleet, "", "PersistentVolume", "persistentvolumes")
}

/// A cluster of so many instances on volumes of a class, whose changes are carried out at once.
fn write(fleet: &Fleet, instances: u32, class: &str) {
    fleet.write(
        "a.yaml",
        &format!(
            "apiVersion: stackgres.io/v1\nkind: SGCluster\nmetadata: {{name: a}}\nspec:\n  instances: {instances}\n  postgres: {{version: '17'}}\n  pods: {{persistentVolume: {{size: 5Gi, storageClass: {class}}}, updateStrategy: {{type: Always}}}}\n"
        ),
    );
}

async fn rest(fleet: &Fleet, instances: u32, what: &str) {
    let mut last = Value::Null;
    for _ in 0..1_200 {
        let cluster = fleet.clusters().get_opt("a").await.unwrap();
        last = cluster.map(|cluster| cluster.data["status"].clone()).unwrap_or_default();
        let set = fleet.api("apps/v1", "StatefulSet").get_opt("a").await.unwrap();
        let number = set.map(|set| set.data["spec"]["replicas"].clone()).unwrap_or_default();
        let runs = !last["running"]["revision"].is_null() && last["running"]["revision"] == last["release"]["revision"];
        if runs && last["waiting"]["for"].is_null() && last["readyInstances"] == instances && number == instances {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("{what}: {last}");
}

/// A fleet whose cluster runs on volumes of the class `slow`.
async fn on_slow_volumes(client: &kube::Client, kubeconfig: std::path::PathBuf, instances: u32) -> Fleet {
    let server = Server { admin: client.clone(), controller: client.clone(), folder: None, kubeconfig, shared: false };
    let mut fleet = Fleet::new(&server, NAMESPACE, "revert").await;
    fleet.simulated = true;
    for class in ["slow", "fast"] {
        let object = json!({"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": {"name": class}, "provisioner": "stackgres.io/simulated"});
        let classes = cluster_wide(&fleet, "storage.k8s.io", "StorageClass", "storageclasses");
        classes.patch(class, &PatchParams::apply("test"), &Patch::Apply(&object)).await.unwrap();
    }
    write(&fleet, instances, "slow");
    fleet.start();
    rest(&fleet, instances, "it runs").await;
    fleet
}

fn on_quick_nodes(test: impl AsyncFnOnce(kube::Client, std::path::PathBuf)) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let (sandbox, client) = sandbox(Duration::from_millis(300)).await;
        let folder = tempfile::tempdir().unwrap();
        let kubeconfig = folder.path().join("kubeconfig");
        std::fs::write(&kubeconfig, sandbox.kubeconfig()).unwrap();
        test(client, kubeconfig).await;
    });
}

/// What stands there at one moment of the change.
struct Moment {
    /// Claims that are ending.
    ending: BTreeSet<String>,
    /// Number of instances that are ready and whose volume stays.
    serve: usize,
}

impl Fleet {
    /// Looks, and refuses what must never be seen.
    async fn look(&self) -> Moment {
        let everything = ListParams::default();
        // The volumes last: one that is kept stays so.
        let claims = self.api("v1", "PersistentVolumeClaim").list(&everything).await.unwrap().items;
        let pods = self.api("v1", "Pod").list(&everything).await.unwrap().items;
        let kept = volumes(self).list(&everything).await.unwrap().items;
        let mut ending = BTreeSet::new();
        for claim in claims.iter().filter(|claim| claim.metadata.deletion_timestamp.is_some()) {
            let name = claim.metadata.name.clone().unwrap();
            let volume = kept.iter().find(|volume| volume.metadata.name.as_deref() == claim.data["spec"]["volumeName"].as_str());
            let volume = volume.unwrap_or_else(|| panic!("{name} ends and its volume is gone"));
            assert_eq!(volume.data["spec"]["persistentVolumeReclaimPolicy"], "Retain", "{name} ends before its volume is kept");
            let of_it = |pod: &&DynamicObject| name.ends_with(&format!("-{}", pod.metadata.name.as_deref().unwrap()));
            let role = pods.iter().find(of_it).and_then(|pod| pod.metadata.labels.as_ref()?.get("role").cloned());
            assert_ne!(role.as_deref(), Some("primary"), "{name} is the leader's");
            ending.insert(name);
        }
        assert!(ending.len() <= 1, "two at a time: {ending:?}");
        let ready = |pod: &&DynamicObject| {
            let conditions = pod.data["status"]["conditions"].as_array();
            conditions.is_some_and(|all| all.iter().any(|one| one["type"] == "Ready" && one["status"] == "True"))
        };
        let stays = |pod: &&DynamicObject| !ending.iter().any(|claim| claim.ends_with(pod.metadata.name.as_deref().unwrap()));
        let serve = pods.iter().filter(ready).filter(stays).count();
        Moment { ending, serve }
    }

    async fn classes(&self) -> Vec<(String, String)> {
        let claims = self.api("v1", "PersistentVolumeClaim").list(&ListParams::default()).await.unwrap().items;
        let class =
            |claim: DynamicObject| (claim.metadata.name.unwrap(), claim.data["spec"]["storageClassName"].as_str().unwrap().to_owned());
        claims.into_iter().map(class).collect()
    }

    async fn steps(&self) -> Vec<String> {
        let events = self.api("events.k8s.io/v1", "Event").list(&ListParams::default()).await.unwrap().items;
        let mut steps: Vec<(String, String)> = events
            .into_iter()
            .filter(|event| event.data["reason"] == "RolloutStep")
            .map(|event| (event.data["eventTime"].as_str().unwrap().to_owned(), event.data["note"].as_str().unwrap().to_owned()))
            .collect();
        steps.sort();
        steps.into_iter().map(|(_, step)| step).collect()
    }
}

/// What a class change would otherwise cost: the only copy, the leader's volume, two instances at once, or data that nobody kept.
/// The controller is ended and started again whenever a claim is ending or was made anew.
#[test]
fn another_storage_class_moves_every_instance_and_keeps_the_old_volumes() {
    on_quick_nodes(async |client, kubeconfig| {
        let mut fleet = on_slow_volumes(&client, kubeconfig, 3).await;
        write(&fleet, 3, "fast");
        let mut seen = BTreeSet::new();
        let fast = |number: u32| (format!("a-data-a-{number}"), "fast".to_owned());
        let all = [fast(0), fast(1), fast(2), fast(3)];
        for _ in 0..3_000 {
            let moment = fleet.look().await;
            assert!(moment.serve >= 3, "fewer serve than are wanted");
            let classes = fleet.classes().await;
            let (moved, whole) = (classes.iter().filter(|(_, class)| class == "fast").count(), classes == all);
            if whole || !seen.insert((moment.ending, moved)) {
                tokio::time::sleep(Duration::from_millis(5)).await;
            } else if moved > 0 {
                fleet.stop().await;
                fleet.start();
            }
            if whole {
                break;
            }
        }
        rest(&fleet, 3, "it moves").await;
        assert_eq!(fleet.classes().await, all, "the extra one's claim stays as others' do");
        let labels = ListParams::default().labels("stackgres.io/replaced=true,stackgres.io/cluster-name=a");
        let kept = volumes(&fleet).list(&labels).await.unwrap().items;
        let of: BTreeSet<String> =
            kept.iter().map(|volume| volume.metadata.annotations.as_ref().unwrap()["stackgres.io/instance"].clone()).collect();
        assert_eq!(of, ["a-0", "a-1", "a-2"].map(str::to_owned).into());
        for volume in &kept {
            let spec = &volume.data["spec"];
            assert_eq!((&spec["persistentVolumeReclaimPolicy"], &spec["storageClassName"]), (&json!("Retain"), &json!("slow")));
        }
        let anew = |number: u32| format!("the pod of a-{number} is made anew on a new volume");
        assert_eq!(fleet.steps().await, ["a-3 joins".to_owned(), anew(1), anew(2), "a-0 hands over to a-1".to_owned(), anew(0)]);
        fleet.stop().await;
    });
}

/// A volume that cannot be kept is not given up, and the cluster says what is missing.
#[test]
fn a_volume_that_cannot_be_kept_is_not_given_up() {
    on_quick_nodes(async |client, kubeconfig| {
        let mut fleet = on_slow_volumes(&client, kubeconfig, 2).await;
        let claim = fleet.api("v1", "PersistentVolumeClaim").get("a-data-a-1").await.unwrap();
        volumes(&fleet).delete(claim.data["spec"]["volumeName"].as_str().unwrap(), &DeleteParams::default()).await.unwrap();
        write(&fleet, 2, "fast");
        let mut waits = String::new();
        for _ in 0..600 {
            waits = fleet.get("a").await["status"]["waiting"]["for"].as_str().unwrap_or_default().to_owned();
            if waits.contains("does not exist") {
                break;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        assert!(waits.contains("the pod of a-1 is made anew on a new volume: its volume pvc-"), "{waits}");
        fleet.passes(3).await;
        let now = fleet.api("v1", "PersistentVolumeClaim").get("a-data-a-1").await.unwrap();
        assert_eq!((now.metadata.uid, now.metadata.deletion_timestamp), (claim.metadata.uid, None));
        assert!(fleet.get("a").await["status"]["rollout"]["step"].is_null(), "what is not begun has no limit to pass");
        // The old class again: nothing of it has to move, and the extra instance leaves.
        write(&fleet, 2, "slow");
        rest(&fleet, 2, "it is taken back").await;
        let of = |number: u32, class: &str| (format!("a-data-a-{number}"), class.to_owned());
        assert_eq!(fleet.classes().await, [of(0, "slow"), of(1, "slow"), of(2, "fast")]);
        assert_eq!(fleet.steps().await, ["a-2 joins"]);
        fleet.stop().await;
    });
}
