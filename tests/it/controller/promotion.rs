//! A newer program over clusters that an older one made.

use super::*;
use stackgres::model::Object;
use stackgres::render::revision::{Revision, from_secret, to_secret};

const CLUSTER: &str = "  configurations: {postgres: {postgresql.conf: {work_mem: WORK}}}\n";

fn manifest(namespace: &str, name: &str, work_mem: &str) -> Value {
    json!({"apiVersion": "stackgres.io/v1", "kind": "SGCluster", "metadata": {"name": name, "namespace": namespace},
        "spec": {"instances": 1, "postgres": {"version": "17"},
            "pods": {"persistentVolume": {"size": "5Gi"}, "updateStrategy": {"type": "Never"}},
            "configurations": {"postgres": {"postgresql.conf": {"work_mem": work_mem}}}}})
}

impl Fleet {
    fn old_and_new(&self, work_mem: &str) {
        let text = CLUSTER.replace("WORK", work_mem);
        self.cluster("of-fleet", &text);
        let file = std::fs::read_to_string(self.folder.path().join("of-fleet.yaml")).unwrap();
        self.write("of-fleet.yaml", &file.replace("size: 5Gi}", "size: 5Gi}, updateStrategy: {type: Never}"));
    }

    /// Makes a cluster what an older program would have made of it: another template, another formula, an older minor version.
    async fn grow_old(&self, name: &str) -> Revision {
        let live = self.get(name).await;
        let running = live["status"]["running"]["revision"].as_str().unwrap();
        let secret = serde_json::to_value(self.api("v1", "Secret").get(running).await.unwrap()).unwrap();
        let mut old = from_secret(&Object::new(secret)).unwrap();
        "17.11".clone_into(&mut old.effective.postgres.version.value);
        old.effective.images.insert("postgres".to_owned(), "stackgres/postgres:17.11".to_owned());
        "200MB".clone_into(&mut old.effective.postgres.parameters.get_mut("shared_buffers").unwrap().value);
        old.objects = stackgres::render::from_effective(&old.effective).objects;
        for object in old.objects.iter_mut().filter(|object| object.kind() == "StatefulSet") {
            object.value_mut()["spec"]["template"]["spec"]["terminationGracePeriodSeconds"] = json!(7);
            object.value_mut()["spec"]["template"]["metadata"]["annotations"]["stackgres.io/made-from"] = json!("0123456789ab");
        }
        // With the controller's own account: nobody else may write revisions, releases and children.
        let api = Cluster::new(self.controller.clone(), Duration::from_secs(20));
        api.create(&to_secret(&old)).await.unwrap();
        let how = stackgres::kubernetes::Apply { manager: "stackgres-cluster".to_owned(), force: true, dry_run: false, account: None };
        let cluster = Object::new(live);
        for object in old.objects.iter().filter(|object| object.kind() != "PodMonitor") {
            api.apply(&stackgres::rollout::owned(object, &cluster), &how).await.unwrap();
        }
        // Its pods were made from that template.
        let mark = json!({"metadata": {"annotations": {"stackgres.io/made-from": "0123456789ab"}}});
        self.api("v1", "Pod").patch(&format!("{name}-0"), &PatchParams::default(), &Patch::Merge(&mark)).await.unwrap();
        let status = json!({"status": {"release": {"revision": old.name()}, "running": {"revision": old.name()}}});
        api.patch_status(&cluster.key(), &status, "stackgres-release").await.unwrap();
        // The StatefulSet controller says so in the status, which would be taken for a write of the newer program.
        let sets = self.api("apps/v1", "StatefulSet");
        super::deployed::until("the StatefulSet controller saw the template", async || {
            let set = sets.get(name).await.unwrap();
            set.data["status"]["observedGeneration"].as_i64() == set.metadata.generation
        })
        .await;
        old
    }

    async fn children(&self) -> BTreeMap<String, String> {
        self.versions().await.into_iter().filter(|(name, _)| !name.starts_with("SG") && !name.starts_with("Secret")).collect()
    }

    async fn template(&self, name: &str) -> Value {
        self.api("apps/v1", "StatefulSet").get(name).await.unwrap().data["spec"]["template"].clone()
    }
}

/// Upgrading the controller touches no pod, whoever releases the cluster; what is newer is shown, and taken when a person says so.
pub(super) async fn an_upgrade_of_the_controller_changes_nothing_until_it_is_promoted(server: Server) {
    let namespace = "stackgres-promotion";
    let mut fleet = Fleet::new(&server, namespace, "revert").await;
    fleet.old_and_new("8MB");
    fleet.apply(manifest(namespace, "alone", "8MB")).await;
    fleet.start();
    // Until it is at rest: what it still writes would be taken for a write of the newer program.
    fleet.passes(8).await;
    fleet.stop().await;
    let mut old = BTreeMap::new();
    for name in ["of-fleet", "alone"] {
        old.insert(name, fleet.grow_old(name).await);
    }
    let before = fleet.children().await;

    // The newer program.
    fleet.start();
    fleet.passes(4).await;
    assert_eq!(fleet.children().await, before, "an upgrade of the controller writes no child of any cluster");
    for name in ["of-fleet", "alone"] {
        let live = fleet.get(name).await;
        assert_eq!(live["status"]["release"]["revision"], old[name].name(), "{name}");
        assert_eq!(live["status"]["running"]["revision"], old[name].name(), "{name}");
        assert_eq!(live["status"]["postgresVersion"], "17.11", "a floating version stays at its minor");
        assert_eq!(condition(&live, "PromotionAvailable"), ("True".to_owned(), "NewerRendering".to_owned()), "{live:#}");
        assert!(live["status"]["promotion"]["summary"].as_str().unwrap().contains("17.11 → 17.12"), "{}", live["status"]["promotion"]);
        assert_ne!(condition(&live, "Reconciling").1, "ChangeWaits", "what nobody asked for is not waited for");
    }
    assert_eq!(fleet.fleet().await["status"]["problemCount"], 0);
    let (code, said) = fleet.asked(&["plan", "--promote", &format!("{namespace}/of-fleet")]);
    assert!(code == Some(0) && said.contains("postgres.version    17.11 → 17.12") && said.contains("pod re-creation"), "{code:?} {said}");
    let (code, said) = fleet.asked(&["plan", "--promote", "--exit-code", "--output", "json"]);
    assert!(code == Some(1) && said.contains("\"alone\"") && said.contains("shared_buffers"), "{code:?} {said}");

    // A change that only reloads is carried out whole, and brings nothing of the newer rendering.
    let templates = [fleet.template("of-fleet").await, fleet.template("alone").await];
    fleet.old_and_new("9MB");
    fleet.apply(manifest(namespace, "alone", "9MB")).await;
    fleet.passes(4).await;
    for (name, template) in ["of-fleet", "alone"].into_iter().zip(&templates) {
        let live = fleet.get(name).await;
        assert_eq!(live["status"]["running"]["revision"], live["status"]["release"]["revision"], "{name}: nothing is left to do: {live:#}");
        assert!(live["status"]["release"]["rendering"].as_str().unwrap().starts_with("keeps to the rendering that runs"), "{live:#}");
        assert_eq!(fleet.template(name).await, *template, "{name}");
        let config =
            fleet.api("v1", "Endpoints").get(&format!("{name}-config")).await.unwrap().metadata.annotations.unwrap()["config"].clone();
        assert!(config.contains("9216kB") && config.contains(r#""shared_buffers":"25600""#), "{config}");
        assert_eq!(condition(&live, "PromotionAvailable").0, "True");
    }

    // A promotion is a release: the strategy decides when instances are disturbed.
    let (code, said) = fleet.asked(&["promote", &format!("{namespace}/of-fleet"), &format!("{namespace}/alone")]);
    assert!(code == Some(0) && said.contains("is promoted: pod re-creation"), "{code:?} {said}");
    fleet.passes(4).await;
    for (name, template) in ["of-fleet", "alone"].into_iter().zip(&templates) {
        let live = fleet.get(name).await;
        assert_eq!(live["status"]["release"]["by"], "a promotion", "{live:#}");
        assert!(live["status"]["release"]["rendering"].as_str().unwrap().contains("17.11 → 17.12"));
        assert!(live["status"]["promotion"].is_null() && condition(&live, "PromotionAvailable").0 == "False", "{live:#}");
        assert!(live["status"]["waiting"]["for"].as_str().unwrap().contains("pod re-creation"), "{}", live["status"]["waiting"]);
        assert_eq!(fleet.template(name).await, *template, "{name}: nothing is allowed yet");
    }
    let (code, said) = fleet.asked(&["promote", &format!("{namespace}/alone")]);
    assert!(code == Some(0) && said.contains("there is nothing to promote"), "{code:?} {said}");
    fleet.passes(2).await;
    let rest = fleet.versions().await;
    fleet.passes(2).await;
    assert_eq!(fleet.versions().await, rest, "a promotion that waits is no write");
    fleet.stop().await;
}

/// A stop that somebody set for the whole fleet holds for promotions too.
pub(super) async fn a_held_fleet_promotes_nothing(server: Server) {
    let namespace = "stackgres-promotion-held";
    let mut fleet = Fleet::new(&server, namespace, "revert").await;
    fleet.old_and_new("8MB");
    fleet.start();
    fleet.passes(4).await;
    fleet.stop().await;
    let old = fleet.grow_old("of-fleet").await;
    fleet
        .apply(json!({"apiVersion": "stackgres.io/v1alpha1", "kind": "SGFleet", "metadata": {"name": "fleet", "namespace": namespace},
            "spec": {"source": {"directory": {"path": fleet.folder.path()}}, "hold": {"reason": "incident 7"}}}))
        .await;
    fleet.start();
    fleet.passes(3).await;
    let name = format!("{namespace}/of-fleet");
    assert_eq!(fleet.asked(&["promote", &name]).0, Some(0));
    fleet.passes(3).await;
    let live = fleet.get("of-fleet").await;
    assert_eq!(live["status"]["release"]["revision"], old.name());
    assert_eq!(condition(&live, "PromotionAvailable").1, "FleetHeld", "{live:#}");
    // A name that was offered once is not consent to what is offered now.
    let patch = json!({"metadata": {"annotations": {"stackgres.io/promote": "of-fleet-revision-000000000000"}}});
    fleet.clusters().patch("of-fleet", &PatchParams::default(), &Patch::Merge(&patch)).await.unwrap();
    fleet.source(json!({"directory": {"path": fleet.folder.path()}})).await;
    fleet.passes(4).await;
    let live = fleet.get("of-fleet").await;
    assert_eq!(live["status"]["release"]["revision"], old.name());
    assert!(live["status"]["conditions"].to_string().contains("names of-fleet-revision-000000000000, which is another one"), "{live:#}");
    fleet.stop().await;
}
