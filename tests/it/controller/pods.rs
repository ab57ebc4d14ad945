//! What is asked and done about pods before a release and a Service count on them.

use super::*;

impl Fleet {
    /// A pod of the cluster `a`, where no StatefulSet controller has made it: a real one has.
    async fn made(&self, name: &str) {
        if self.api("v1", "Pod").get_opt(name).await.unwrap().is_none() {
            self.apply(json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": self.namespace,
                "labels": {"app": "StackGresCluster", "stackgres.io/cluster-name": "a"}}, "spec": {"serviceAccountName": "a-patroni", "automountServiceAccountToken": false, "containers": [{"name": "c", "image": "i"}]}}))
                .await;
        }
    }
}

/// Without this a StatefulSet stands there without pods and says nothing, or the next pod that is made is the last.
pub(super) async fn pods_that_kubernetes_refuses_stop_a_release(server: Server) {
    let mut fleet = Fleet::new(&server, "stackgres-refused-pods", "revert").await;
    let write = |fleet: &Fleet, name: &str, skew: i32| {
        fleet.cluster(name, "");
        let text = std::fs::read_to_string(fleet.folder.path().join(format!("{name}.yaml"))).unwrap();
        let spread = format!(
            "size: 5Gi}}, scheduling: {{topologySpreadConstraints: [{{maxSkew: {skew}, topologyKey: zone, whenUnsatisfiable: ScheduleAnyway, labelSelector: {{matchLabels: {{a: b}}}}}}]}}"
        );
        fleet.write(&format!("{name}.yaml"), &text.replace("size: 5Gi}", &spread));
    };
    write(&fleet, "never", 0);
    write(&fleet, "later", 1);
    fleet.start();
    fleet.passes(4).await;
    let never = fleet.get("never").await;
    assert_eq!(condition(&never, "Stalled"), ("True".to_owned(), "Refused".to_owned()));
    let conditions = never["status"]["conditions"].as_array().unwrap();
    let message = conditions.iter().find(|one| one["type"] == "Stalled").unwrap()["message"].as_str().unwrap();
    assert!(message.contains("topologySpreadConstraints[0].maxSkew: Invalid value: 0: must be greater than zero"), "{message}");
    assert!(!message.contains(", template.spec"), "and nothing else of it: the data volume is known: {message}");
    assert!(fleet.api("apps/v1", "StatefulSet").get_opt("never").await.unwrap().is_none());
    assert_eq!(condition(&fleet.get("later").await, "Stalled").0, "False");

    // One that is there stays as it is, and one that is corrected is made.
    let template = fleet.api("apps/v1", "StatefulSet").get("later").await.unwrap().data["spec"]["template"].clone();
    write(&fleet, "later", 0);
    write(&fleet, "never", 1);
    fleet.passes(4).await;
    let later = fleet.get("later").await;
    assert_eq!(condition(&later, "Stalled").0, "True");
    assert_ne!(later["status"]["running"]["revision"], later["status"]["release"]["revision"]);
    assert_eq!(fleet.api("apps/v1", "StatefulSet").get("later").await.unwrap().data["spec"]["template"], template);
    drop(fleet.api("apps/v1", "StatefulSet").get("never").await.unwrap());
    assert_eq!(condition(&fleet.get("never").await, "Stalled").0, "False");
    fleet.stop().await;
}

/// A Service that asks for a label which no pod has leads nowhere: every reader would be cut off.
pub(super) async fn duties_reach_pods_before_the_service_asks_for_them(server: Server) {
    let mut fleet = Fleet::new(&server, "stackgres-duties", "revert").await;
    fleet.cluster("a", "");
    fleet.start();
    fleet.passes(3).await;
    fleet.made("a-0").await;
    fleet.cluster("a", "  replication: {role: ha}\n");
    fleet.passes(4).await;
    let label =
        async |fleet: &Fleet| fleet.api("v1", "Pod").get("a-0").await.unwrap().metadata.labels.unwrap().get("noloadbalance").cloned();
    let selector =
        async |fleet: &Fleet| fleet.api("v1", "Service").get("a-replicas").await.unwrap().data["spec"]["selector"]["noloadbalance"].clone();
    assert_eq!((selector(&fleet).await, label(&fleet).await.as_deref()), (json!("false"), Some("true")), "it only stands by");
    fleet.cluster("a", "");
    fleet.passes(4).await;
    assert_eq!(
        (selector(&fleet).await, label(&fleet).await.as_deref()),
        (Value::Null, Some("false")),
        "an earlier role leaves nothing behind"
    );
    fleet.stop().await;
}

/// A controller that died in a hand-over would leave a pod that no drain gets rid of.
pub(super) async fn a_pod_that_no_longer_hands_over_can_be_evicted(server: Server) {
    let mut fleet = Fleet::new(&server, "stackgres-hands-over", "revert").await;
    fleet.cluster("a", "");
    fleet.start();
    fleet.passes(3).await;
    fleet.made("a-0").await;
    let label = json!({"metadata": {"labels": {"stackgres.io/hands-over": "true"}}});
    fleet.api("v1", "Pod").patch("a-0", &PatchParams::default(), &Patch::Merge(&label)).await.unwrap();
    fleet.passes(3).await;
    let labels = fleet.api("v1", "Pod").get("a-0").await.unwrap().metadata.labels.unwrap();
    assert_eq!(labels.get("stackgres.io/hands-over"), None);
    fleet.stop().await;
}
