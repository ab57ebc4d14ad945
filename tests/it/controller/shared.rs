//! The suite that both API servers pass.

pub(super) use super::holds::{a_hold_is_set_seen_and_taken_away, a_paused_reconciliation_does_nothing};
pub(super) use super::pods::{
    a_pod_that_no_longer_hands_over_can_be_evicted, duties_reach_pods_before_the_service_asks_for_them,
    pods_that_kubernetes_refuses_stop_a_release,
};
pub(super) use super::promotion::{a_held_fleet_promotes_nothing, an_upgrade_of_the_controller_changes_nothing_until_it_is_promoted};
pub(super) use super::secrets::given_credentials_are_waited_for_and_certificates_made_again;
pub(super) use super::signatures::an_untrusted_commit_is_not_released;
pub(super) use super::ssh::a_push_over_ssh_becomes_a_cluster;
pub(super) use super::webhooks::a_push_is_seen_at_once;
use super::*;

/// From a file to its custom resource, revision and children; then nothing is written any more.
pub(super) async fn a_file_becomes_a_cluster_and_a_second_pass_writes_nothing(server: Server) {
    let mut fleet = Fleet::new(&server, "stackgres-flow", "revert").await;
    fleet.cluster("one", "  configurations: {sgPostgresConfig: shared}\n");
    fleet.write("shared.yaml", "apiVersion: stackgres.io/v1\nkind: SGPostgresConfig\nmetadata: {name: shared}\nspec: {postgresVersion: '17', postgresql.conf: {work_mem: 8MB}}\n");
    fleet.start();
    fleet.passes(3).await;
    let cluster = fleet.get("one").await;
    let released = cluster["status"]["release"]["revision"].as_str().unwrap().to_owned();
    assert_eq!(cluster["status"]["running"]["revision"], released.as_str());
    assert_eq!(condition(&cluster, "Stalled").0, "False");
    assert_eq!(condition(&cluster, "Ready").1, "InstancesNotReady", "without a node no instance can be ready, and nothing pretends it is");
    assert!(cluster["status"]["postgresVersion"].as_str().unwrap().starts_with("17."));
    let secret = fleet.api("v1", "Secret").get(&released).await.unwrap();
    assert_eq!(secret.data["type"], "stackgres.io/revision");
    assert!(secret.metadata.owner_references.is_none(), "a revision outlives its cluster");
    let set = fleet.api("apps/v1", "StatefulSet").get("one").await.unwrap();
    assert_eq!(set.metadata.owner_references.unwrap()[0].uid, cluster["metadata"]["uid"].as_str().unwrap());
    let fleet_status = fleet.fleet().await;
    assert_eq!(fleet_status["status"]["clusters"]["total"], 1);
    assert_eq!(fleet_status["status"]["problemCount"], 0);

    fleet.passes(2).await;
    let before = fleet.versions().await;
    assert!(before.len() > 12, "{before:?}");
    fleet.passes(3).await;
    assert_eq!(fleet.versions().await, before, "a pass that finds no difference must write nothing");

    // A controller that begins with nothing on its disk sees the same.
    fleet.stop().await;
    fleet.start();
    fleet.passes(2).await;
    assert_eq!(fleet.versions().await, before, "a restart must write nothing");
    fleet.stop().await;
}

pub(super) async fn a_bad_commit_blocks_its_cluster_and_a_vanished_file_deletes_nothing(server: Server) {
    let mut fleet = Fleet::new(&server, "stackgres-blocked", "revert").await;
    fleet.cluster("good", "");
    fleet.cluster("bad", "");
    fleet.cluster("gone", "");
    fleet.start();
    fleet.passes(3).await;
    let released = fleet.get("bad").await["status"]["release"].clone();

    fleet.cluster("bad", "  configurations: {postgres: {postgresql.conf: {work_mem: 1gb}}}\n");
    fleet.cluster("good", "  configurations: {postgres: {postgresql.conf: {work_mem: 9MB}}}\n");
    std::fs::remove_file(fleet.folder.path().join("gone.yaml")).unwrap();
    fleet.passes(3).await;
    assert_eq!(fleet.get("bad").await["status"]["release"], released, "a blocked cluster keeps its release");
    let good = fleet.get("good").await;
    assert_eq!(good["spec"]["configurations"]["postgres"]["postgresql.conf"]["work_mem"], "9MB");
    assert_eq!(good["status"]["running"]["revision"], good["status"]["release"]["revision"], "a reload is carried out at once");
    let gone = fleet.get("gone").await;
    assert_eq!(condition(&gone, "Orphaned").0, "True");
    drop(fleet.api("apps/v1", "StatefulSet").get("gone").await.unwrap());
    let status = fleet.fleet().await["status"].clone();
    assert_eq!(status["clusters"]["orphaned"], 1);
    assert_eq!(status["problems"][0]["code"], "bad-parameter-value");
    assert!(status["problems"][0]["at"].as_str().unwrap().starts_with("bad.yaml:8:"));

    // A source that cannot be read completely says nothing about who left it.
    fleet.write("broken.yaml", "a: [\n");
    std::fs::remove_file(fleet.folder.path().join("good.yaml")).unwrap();
    fleet.passes(3).await;
    assert_eq!(condition(&fleet.get("good").await, "Orphaned").0, "Unknown");
    fleet.stop().await;
}

/// The manifest of a cluster with a change that needs new pods, which its update strategy does not allow.
fn new_pods(fleet: &Fleet, name: &str, value: &str) -> String {
    let text = std::fs::read_to_string(fleet.folder.path().join(format!("{name}.yaml"))).unwrap();
    let (pods, _) = text.split_once("size: 5Gi}").unwrap();
    format!("{pods}size: 5Gi}}, updateStrategy: {{type: Never}}, customEnv: {{patroni: [{{name: A, value: {value}}}]}}}}\n")
}

pub(super) async fn a_smaller_volume_is_refused_and_a_restart_waits(server: Server) {
    let mut fleet = Fleet::new(&server, "stackgres-refused", "revert").await;
    fleet.cluster("shrink", "");
    fleet.cluster("restart", "");
    // A configuration that nothing refers to yet: its major version is what later clusters count on.
    let config = |major: u32| {
        format!(
            "apiVersion: stackgres.io/v1\nkind: SGPostgresConfig\nmetadata: {{name: idle, namespace: stackgres-refused}}\nspec:\n  postgresVersion: '{major}'\n  postgresql.conf: {{work_mem: 8MB}}\n"
        )
    };
    fleet.write("idle.yaml", &config(17));
    fleet.start();
    fleet.passes(4).await;
    let template = fleet.api("apps/v1", "StatefulSet").get("restart").await.unwrap().data["spec"]["template"].clone();
    let text = std::fs::read_to_string(fleet.folder.path().join("shrink.yaml")).unwrap();
    fleet.write("shrink.yaml", &text.replace("5Gi", "4Gi"));
    fleet.write("restart.yaml", &new_pods(&fleet, "restart", "b"));
    fleet.write("idle.yaml", &config(16));
    fleet.passes(3).await;
    assert_eq!(fleet.get("shrink").await["spec"]["pods"]["persistentVolume"]["size"], "5Gi");
    let problems = fleet.fleet().await["status"]["problems"].clone();
    let told = |code: &str| problems.as_array().unwrap().iter().find(|problem| problem["code"] == code).cloned().unwrap_or_default();
    assert!(told("storage-shrinks").is_object(), "{problems}");
    let idle = told("immutable-field");
    assert!(
        idle["at"].as_str().is_some_and(|at| at.starts_with("idle.yaml:5:")),
        "at the line of the commit, not as an answer of the server: {problems}"
    );
    let live = fleet.api("stackgres.io/v1", "SGPostgresConfig").get("idle").await.unwrap();
    assert_eq!(live.data["spec"]["postgresVersion"], "17");
    let restart = fleet.get("restart").await;
    assert_ne!(restart["status"]["running"]["revision"], restart["status"]["release"]["revision"]);
    assert!(restart["status"]["waiting"]["for"].as_str().unwrap().contains("pod re-creation"), "{}", restart["status"]["waiting"]);
    let now = fleet.api("apps/v1", "StatefulSet").get("restart").await.unwrap().data["spec"]["template"].clone();
    assert_eq!(now, template, "until a rollout carries it out an instance that restarts must come back as it was");
    fleet.stop().await;
}

pub(super) async fn live_edits_are_put_back_or_reported_as_the_fleet_says(server: Server) {
    for (namespace, policy) in [("stackgres-revert", "revert"), ("stackgres-report", "report")] {
        let mut fleet = Fleet::new(&server, namespace, policy).await;
        fleet.cluster("a", "");
        fleet.start();
        fleet.passes(4).await;
        let edit = PatchParams { field_manager: Some("kubectl-edit".to_owned()), ..PatchParams::default() };
        let merge = json!({"spec": {"instances": 2, "profile": "testing"}});
        fleet.clusters().patch("a", &edit, &Patch::Merge(&merge)).await.unwrap();
        let config = fleet.api("v1", "ConfigMap");
        config.patch("a-templates", &edit, &Patch::Merge(&json!({"data": {"pre-stop": "#!/bin/sh\n"}}))).await.unwrap();
        fleet.passes(3).await;
        let (live, script) = (fleet.get("a").await, config.get("a-templates").await.unwrap().data["data"]["pre-stop"].clone());
        if policy == "revert" {
            assert_eq!(live["spec"]["instances"], 1, "the value is put back");
            assert!(live["spec"]["profile"].is_null(), "a field that another manager added is taken away");
            assert!(script.as_str().unwrap().contains("CHECKPOINT"));
        } else {
            assert_eq!(live["spec"]["instances"], 2);
            assert_eq!(script, "#!/bin/sh\n");
            assert_eq!(condition(&live, "Drifted").0, "True");
            assert_eq!(fleet.fleet().await["status"]["clusters"]["drifted"], 1);
            let set = fleet.api("apps/v1", "StatefulSet").get("a").await.unwrap();
            assert_eq!(set.data["spec"]["replicas"], 1, "a live edit of a fleet's cluster is not released");
        }
        fleet.stop().await;
    }
}

/// Law: nothing is released, and nothing running changes, because a status was lost.
pub(super) async fn a_wiped_status_changes_no_child(server: Server) {
    let mut fleet = Fleet::new(&server, "stackgres-wiped", "revert").await;
    fleet.cluster("a", "");
    fleet.start();
    fleet.passes(4).await;
    let children =
        |versions: BTreeMap<String, String>| versions.into_iter().filter(|(key, _)| !key.starts_with("SG")).collect::<BTreeMap<_, _>>();
    let before = children(fleet.versions().await);
    // Nobody else may touch a release; the controller's own account stands for a restored backup without status.
    let api: Api<DynamicObject> =
        Api::namespaced_with(fleet.controller.clone(), &fleet.namespace, &resource("stackgres.io/v1", "SGCluster"));
    api.patch_status("a", &PatchParams::default(), &Patch::Merge(&json!({"status": null}))).await.unwrap();
    assert!(fleet.get("a").await["status"]["release"].is_null());
    fleet.passes(4).await;
    assert_eq!(children(fleet.versions().await), before);
    assert_eq!(fleet.get("a").await["status"]["claim"]["fleet"], "stackgres-wiped/fleet");
    fleet.stop().await;
}

/// One SGPostgresConfig serves many clusters; an edit of the live object must not reach any of them.
pub(super) async fn a_shared_configuration_edited_live_reaches_no_cluster_and_two_fleets_do_not_share_one(server: Server) {
    let mut fleet = Fleet::new(&server, "stackgres-shared", "report").await;
    let shared = "apiVersion: stackgres.io/v1\nkind: SGPostgresConfig\nmetadata: {name: shared}\nspec: {postgresVersion: '17', postgresql.conf: {work_mem: 8MB}}\n";
    fleet.write("shared.yaml", shared);
    for name in ["a", "b"] {
        fleet.cluster(name, "  configurations: {sgPostgresConfig: shared}\n");
    }
    fleet.start();
    fleet.passes(4).await;
    let releases =
        async |fleet: &Fleet| (fleet.get("a").await["status"]["release"].clone(), fleet.get("b").await["status"]["release"].clone());
    let before = releases(&fleet).await;
    let edit = PatchParams { field_manager: Some("kubectl-edit".to_owned()), ..PatchParams::default() };
    fleet
        .api("stackgres.io/v1", "SGPostgresConfig")
        .patch("shared", &edit, &Patch::Merge(&json!({"spec": {"postgresql.conf": {"work_mem": "99MB"}}})))
        .await
        .unwrap();
    fleet.passes(3).await;
    assert_eq!(releases(&fleet).await, before);

    let other = tempfile::tempdir().unwrap();
    std::fs::copy(fleet.folder.path().join("a.yaml"), other.path().join("a.yaml")).unwrap();
    std::fs::write(other.path().join("shared.yaml"), shared).unwrap();
    fleet
        .apply(json!({"apiVersion": "stackgres.io/v1alpha1", "kind": "SGFleet", "metadata": {"name": "second", "namespace": "stackgres-shared"},
            "spec": {"source": {"directory": {"path": other.path()}}, "drift": "report"}}))
        .await;
    fleet.passes(3).await;
    let second = fleet.api("stackgres.io/v1alpha1", "SGFleet").get("second").await.unwrap();
    assert_eq!(second.data["status"]["problems"][0]["code"], "claimed-by-another-fleet");
    assert_eq!(fleet.get("a").await["status"]["claim"]["fleet"], "stackgres-shared/fleet");
    fleet.stop().await;
}

/// A cluster made with kubectl alone, without any fleet or Git, works.
pub(super) async fn a_cluster_without_a_fleet_releases_itself_and_foreign_objects_are_left_alone(server: Server) {
    let mut fleet = Fleet::new(&server, "stackgres-alone", "revert").await;
    let cluster = |name: &str| {
        json!({"apiVersion": "stackgres.io/v1", "kind": "SGCluster", "metadata": {"name": name, "namespace": "stackgres-alone"},
        "spec": {"instances": 1, "postgres": {"version": "17"}, "pods": {"persistentVolume": {"size": "5Gi"}}}})
    };
    fleet.apply(json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "foreign-rest", "namespace": "stackgres-alone"}, "spec": {"ports": [{"port": 1}]}})).await;
    fleet.apply(cluster("alone")).await;
    fleet.apply(cluster("foreign")).await;
    fleet.start();
    fleet.passes(4).await;
    let alone = fleet.get("alone").await;
    assert_eq!(alone["status"]["release"]["by"], "its own inputs");
    assert_eq!(alone["status"]["running"]["revision"], alone["status"]["release"]["revision"]);
    drop(fleet.api("apps/v1", "StatefulSet").get("alone").await.unwrap());
    let foreign = fleet.get("foreign").await;
    assert_eq!(condition(&foreign, "Stalled"), ("True".to_owned(), "Refused".to_owned()));
    assert!(fleet.api("apps/v1", "StatefulSet").get_opt("foreign").await.unwrap().is_none());
    assert_eq!(fleet.api("v1", "Service").get("foreign-rest").await.unwrap().data["spec"]["ports"][0]["port"], 1);

    // A pooler that is switched off takes its configuration with it; credentials stay.
    let edit = json!({"spec": {"pods": {"disableConnectionPooling": true}}});
    fleet.clusters().patch("alone", &PatchParams::default(), &Patch::Merge(&edit)).await.unwrap();
    fleet.passes(3).await;
    let waiting = fleet.get("alone").await["status"]["waiting"]["for"].as_str().unwrap_or_default().to_owned();
    assert!(waiting.contains("pod re-creation"), "{waiting}");
    assert!(fleet.api("v1", "ConfigMap").get_opt("alone-connection-pooling-config").await.unwrap().is_some());
    assert!(fleet.folder.path().exists());
    fleet.stop().await;
}

/// The main job: a push to a real Git server, with credentials and a private authority from Secrets. An outage of that server,
/// and a password that no longer fits, leave everything as it is and say so.
pub(super) async fn a_push_over_https_becomes_a_cluster_and_an_outage_changes_nothing(server: Server) {
    use crate::source::Remote;
    use crate::source::server::{Mood, basic};
    use base64::Engine as _;
    let mut fleet = Fleet::new(&server, "stackgres-git", "revert").await;
    let remote = Remote::new().await;
    remote.server.set(Mood::Wants(basic("deploy", "hunter2")));
    std::fs::remove_file(remote.work().join("clusters/orders.yaml")).unwrap();
    let commit = remote.push("clusters/a.yaml", &with_work_mem("8MB"), "add a");
    let encoded = |text: &str| base64::engine::general_purpose::STANDARD.encode(text);
    let secret = |password: &str| {
        json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "git", "namespace": "stackgres-git"}, "type": "Opaque",
        "data": {"username": encoded("deploy"), "password": encoded(password)}})
    };
    fleet.apply(secret("hunter2\n")).await;
    fleet
        .apply(json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "authority", "namespace": "stackgres-git"},
            "data": {"ca.crt": remote.server.authority}}))
        .await;
    let source = json!({"git": {"url": remote.server.url("fleet.git"), "path": "clusters", "interval": "500ms", "timeout": "5s",
        "credentials": {"secretName": "git"}, "certificateAuthority": {"configMapName": "authority"}}});
    fleet.source(source).await;
    fleet.start();
    fleet.work_mem_becomes("8MB").await;
    fleet.passes(3).await;
    let status = fleet.fleet().await["status"].clone();
    assert_eq!(status["applied"]["revision"], commit.as_str());
    assert_eq!(status["applied"]["subject"], "add a");
    assert_eq!(status["applied"]["reference"], "refs/heads/main");
    assert_eq!(fleet.get("a").await["status"]["release"]["commit"], commit.as_str());

    // An outage: the last good revision stays in force, a live edit is still put back, and the fleet says what is wrong.
    remote.server.set(Mood::Status(503));
    fleet.passes(4).await;
    let edit = json!({"spec": {"instances": 3}});
    let by = PatchParams { field_manager: Some("kubectl-edit".to_owned()), ..PatchParams::default() };
    fleet.clusters().patch("a", &by, &Patch::Merge(&edit)).await.unwrap();
    fleet.passes(4).await;
    assert_eq!(fleet.get("a").await["spec"]["instances"], 1);
    let broken = fleet.fleet().await;
    assert_eq!(condition(&broken, "Ready"), ("False".to_owned(), "SourceUnreadable".to_owned()), "{}", broken["status"]);
    assert_eq!(condition(&broken, "Stalled").0, "True");
    assert_ne!(condition(&fleet.get("a").await, "Orphaned").0, "True", "what cannot be read is not gone");

    // A rotated password: the Secret is looked at again, so nothing has to be restarted.
    remote.server.set(Mood::Wants(basic("deploy", "hunter3")));
    remote.push("clusters/a.yaml", &with_work_mem("9MB"), "more memory");
    fleet.passes(4).await;
    let message = fleet.fleet().await["status"]["conditions"].to_string();
    assert!(message.contains("not accepted") && !message.contains("hunter"), "{message}");
    fleet.apply(secret("hunter3")).await;
    fleet.work_mem_becomes("9MB").await;
    fleet.passes(4).await;
    assert_eq!(condition(&fleet.fleet().await, "Stalled").0, "False");

    // The same folder under another commit is no news, and a rewritten history is told.
    remote.push("README.md", "hello", "elsewhere");
    crate::source::git(&remote.work(), &["commit", "--quiet", "--allow-empty", "--amend", "--message", "rewritten"]);
    crate::source::git(&remote.work(), &["push", "--quiet", "--force", "origin", "HEAD:main"]);
    fleet.passes(4).await;
    assert_eq!(fleet.get("a").await["status"]["running"]["revision"], fleet.get("a").await["status"]["release"]["revision"]);
    fleet.stop().await;
}

/// A stop that somebody set must hold: custom resources mirror Git, and no release is made.
pub(super) async fn nothing_is_released_while_a_fleet_is_held_or_suspended(server: Server) {
    let mut fleet = Fleet::new(&server, "stackgres-held", "revert").await;
    fleet.cluster("a", "");
    fleet.start();
    fleet.passes(3).await;
    let released = fleet.get("a").await["status"]["release"].clone();
    let directory = json!({"directory": {"path": fleet.folder.path()}});
    let set = async |more: Value| {
        let mut object = json!({"apiVersion": "stackgres.io/v1alpha1", "kind": "SGFleet", "metadata": {"name": "fleet", "namespace": "stackgres-held"},
            "spec": {"source": directory}});
        object["spec"].as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        fleet.apply(object).await;
    };
    set(json!({"hold": {"reason": "incident 7"}})).await;
    fleet.cluster("a", "  configurations: {postgres: {postgresql.conf: {work_mem: 9MB}}}\n");
    fleet.passes(3).await;
    let held = fleet.get("a").await;
    assert_eq!(held["spec"]["configurations"]["postgres"]["postgresql.conf"]["work_mem"], "9MB", "the custom resource mirrors the commit");
    assert_eq!(held["status"]["release"], released);
    let message = fleet.fleet().await["status"]["conditions"].to_string();
    assert!(message.contains("held: incident 7"), "{message}");

    set(json!({"hold": {"reason": "incident 7", "until": "2020-01-01T00:00:00Z"}})).await;
    fleet.passes(3).await;
    let after = fleet.get("a").await["status"]["release"].clone();
    assert_ne!(after, released, "a hold that is over holds nothing");

    set(json!({"suspend": true})).await;
    fleet.cluster("a", "  configurations: {postgres: {postgresql.conf: {work_mem: 10MB}}}\n");
    fleet.passes(3).await;
    let suspended = fleet.get("a").await;
    assert_eq!(suspended["spec"]["configurations"]["postgres"]["postgresql.conf"]["work_mem"], "9MB", "a suspended fleet reads nothing");
    assert_eq!(suspended["status"]["release"], after);
    assert_eq!(condition(&fleet.fleet().await, "Ready").1, "Suspended");
    fleet.stop().await;
}

/// Before a push: what would it do? After it: what was it? Both judged against what is released, not against what was edited live.
pub(super) async fn history_tells_what_was_and_a_live_plan_what_would_be(server: Server) {
    let mut fleet = Fleet::new(&server, "stackgres-asked", "report").await;
    fleet.cluster("a", "");
    fleet.start();
    fleet.passes(3).await;
    let first = fleet.get("a").await["status"]["release"]["revision"].as_str().unwrap().to_owned();
    let folder = fleet.folder.path().to_str().unwrap().to_owned();
    let live = |more: &[&str]| {
        let arguments = [&["diff", "--live", "--namespace", "stackgres-asked", "--head-directory", &folder][..], more].concat();
        fleet.asked(&arguments)
    };
    let (code, said) = live(&["--exit-code"]);
    assert_eq!(code, Some(0), "what runs already is no difference: {said}");

    let resource_versions = fleet.versions().await;
    let reload = "  configurations: {postgres: {postgresql.conf: {work_mem: 9MB}}}\n";
    let text = |instances: usize, more: &str| {
        format!(
            "apiVersion: stackgres.io/v1\nkind: SGCluster\nmetadata: {{name: a}}\nspec:\n  instances: {instances}\n  postgres: {{version: '17'}}\n  pods: {{persistentVolume: {{size: 5Gi}}}}\n{more}"
        )
    };
    let other = tempfile::tempdir().unwrap();
    std::fs::write(other.path().join("a.yaml"), text(1, reload)).unwrap();
    let planned = |more: &[&str]| {
        let path = other.path().to_str().unwrap();
        fleet.asked(&[&["diff", "--live", "--namespace", "stackgres-asked", "--head-directory", path][..], more].concat())
    };
    let (code, said) = planned(&["--exit-code"]);
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("stackgres-asked/a: reload"), "{said}");
    assert!(said.contains("custom resources, as the API server would store them"), "{said}");
    let (code, said) = planned(&["--output", "json"]);
    assert_eq!(code, Some(0), "{said}");
    let json: Value = serde_json::from_str(&said).unwrap();
    assert_eq!((&json["clusters"][0]["name"], &json["customResources"][0]["kind"]), (&json!("a"), &json!("SGCluster")), "{json:#}");
    std::fs::write(other.path().join("a.yaml"), text(1, reload).replace("5Gi", "4Gi")).unwrap();
    let (code, said) = planned(&[]);
    assert_eq!(code, Some(4), "a volume does not shrink, and the plan says so before the push: {said}");
    std::fs::write(
        other.path().join("b.yaml"),
        "apiVersion: v1\nkind: Namespace\nmetadata: {name: stackgres-asked-new}\n---\n".to_owned()
            + &text(1, "").replace("name: a", "name: b, namespace: stackgres-asked-new"),
    )
    .unwrap();
    std::fs::write(other.path().join("a.yaml"), text(1, "")).unwrap();
    let (code, said) = planned(&[]);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("+ stackgres-asked-new/b"), "a cluster whose namespace comes with the same push: {said}");
    assert_eq!(fleet.versions().await, resource_versions, "a question writes nothing");

    fleet.cluster("a", reload);
    fleet.passes(4).await;
    let second = fleet.get("a").await["status"]["release"]["revision"].as_str().unwrap().to_owned();
    assert_ne!(first, second);
    let (code, said) = fleet.asked(&["history", "stackgres-asked/a"]);
    let lines: Vec<&str> = said.lines().collect();
    assert_eq!((code, lines.len()), (Some(0), 2), "{said}");
    assert!(lines[0].contains(&second) && lines[0].contains("reload") && lines[0].ends_with("released, running"), "{said}");
    assert!(lines[1].contains(&first) && !lines[1].contains("running"), "{said}");
    let (code, said) = fleet.asked(&["history", "stackgres-asked/a", first.rsplit('-').next().unwrap()]);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("kind: SGCluster") && !said.contains("9MB"), "the inputs as they were: {said}");
    let (code, said) = fleet.asked(&["history", "stackgres-asked/a", &second]);
    assert!(code == Some(0) && said.contains("# ") && said.contains("work_mem") && said.contains("9MB"), "{said}");
    let (_, said) = fleet.asked(&["history", "stackgres-asked/a", "--output", "json"]);
    let json: Value = serde_json::from_str(&said).unwrap();
    assert_eq!((&json["revisions"][0]["name"], &json["revisions"][0]["running"]), (&json!(second), &json!(true)));
    let (code, said) = fleet.asked(&["history", "stackgres-asked/nobody"]);
    assert!(code == Some(3) && said.contains("there is no SGCluster stackgres-asked/nobody"), "{code:?} {said}");
    let (code, said) = fleet.asked(&["history", "stackgres-asked/a", "nothing"]);
    assert!(code == Some(3) && said.contains(&second), "names what is kept: {code:?} {said}");
    fleet.stop().await;
}

/// A Service that is switched off goes; what holds data, and what somebody else put there, stays.
pub(super) async fn an_object_that_is_no_longer_rendered_is_removed_and_nothing_else(server: Server) {
    let mut fleet = Fleet::new(&server, "stackgres-removed", "revert").await;
    let service = |enabled: bool| format!("  postgresServices: {{replicas: {{enabled: {enabled}}}}}\n");
    fleet.cluster("a", &service(true));
    fleet.start();
    fleet.passes(4).await;
    let services = fleet.api("v1", "Service");
    drop(services.get("a-replicas").await.unwrap());
    let labels = json!({"app": "StackGresCluster", "stackgres.io/cluster-name": "a"});
    fleet
        .apply(json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a-notes", "namespace": "stackgres-removed", "labels": labels},
            "data": {"by": "somebody else"}}))
        .await;
    let before = fleet.versions().await;
    fleet.cluster("a", &service(false));
    fleet.passes(4).await;
    assert!(services.get_opt("a-replicas").await.unwrap().is_none(), "{}", fleet.get("a").await["status"]);
    let after = fleet.versions().await;
    let gone: Vec<&String> = before.keys().filter(|key| !after.contains_key(*key)).collect();
    assert_eq!(gone, ["Service a-replicas"]);
    fleet.stop().await;
}

/// A hold stops every release, the first one of a new cluster included; and nothing else may release it meanwhile.
pub(super) async fn a_new_cluster_of_a_held_fleet_is_not_released(server: Server) {
    let mut fleet = Fleet::new(&server, "stackgres-heldnew", "revert").await;
    let spec = json!({"source": {"directory": {"path": fleet.folder.path()}}, "hold": {"reason": "freeze"}});
    let object = |spec: &Value| json!({"apiVersion": "stackgres.io/v1alpha1", "kind": "SGFleet", "metadata": {"name": "fleet", "namespace": "stackgres-heldnew"}, "spec": spec});
    fleet.apply(object(&spec)).await;
    fleet.cluster("a", "");
    fleet.start();
    fleet.passes(4).await;
    let held = fleet.get("a").await;
    assert_eq!(held["status"]["claim"]["fleet"], "stackgres-heldnew/fleet");
    assert!(held["status"]["release"].is_null(), "{}", held["status"]);
    assert!(fleet.api("apps/v1", "StatefulSet").get_opt("a").await.unwrap().is_none());

    // Even with the claim lost: it came from a fleet, so it does not release itself.
    let api: Api<DynamicObject> =
        Api::namespaced_with(fleet.controller.clone(), &fleet.namespace, &resource("stackgres.io/v1", "SGCluster"));
    let suspended = json!({"source": {"directory": {"path": fleet.folder.path()}}, "suspend": true});
    fleet.apply(object(&suspended)).await;
    fleet.passes(2).await;
    api.patch_status("a", &PatchParams::default(), &Patch::Merge(&json!({"status": null}))).await.unwrap();
    fleet.passes(3).await;
    let lost = fleet.get("a").await;
    assert!(lost["status"]["release"].is_null(), "{}", lost["status"]);
    assert_eq!(condition(&lost, "Ready").1, "NotReleased");
    fleet.stop().await;
}

/// The status is lost while the fleet is suspended and somebody has edited the cluster: what runs goes on, whatever was edited.
pub(super) async fn a_lost_status_releases_no_live_edit(server: Server) {
    let mut fleet = Fleet::new(&server, "stackgres-lost", "report").await;
    fleet.cluster("a", "");
    fleet.start();
    fleet.passes(4).await;
    fleet
        .apply(
            json!({"apiVersion": "stackgres.io/v1alpha1", "kind": "SGFleet", "metadata": {"name": "fleet", "namespace": "stackgres-lost"},
            "spec": {"source": {"directory": {"path": fleet.folder.path()}}, "suspend": true}}),
        )
        .await;
    fleet.passes(2).await;
    let edit = PatchParams { field_manager: Some("kubectl-edit".to_owned()), ..PatchParams::default() };
    let merge = json!({"spec": {"metadata": {"labels": {"clusterPods": {"a": "b"}}}}});
    fleet.clusters().patch("a", &edit, &Patch::Merge(&merge)).await.unwrap();
    let set = async |fleet: &Fleet| fleet.api("apps/v1", "StatefulSet").get("a").await.unwrap().metadata.resource_version;
    let before = set(&fleet).await;
    let api: Api<DynamicObject> =
        Api::namespaced_with(fleet.controller.clone(), &fleet.namespace, &resource("stackgres.io/v1", "SGCluster"));
    api.patch_status("a", &PatchParams::default(), &Patch::Merge(&json!({"status": null}))).await.unwrap();
    fleet.passes(4).await;
    assert_eq!(set(&fleet).await, before);
    let lost = fleet.get("a").await;
    assert!(lost["status"]["release"].is_null(), "{}", lost["status"]);
    fleet.stop().await;
}

/// Data exists and nothing says what runs: a release that would change something waits until somebody accepts it by name.
pub(super) async fn an_unknown_revision_is_found_again_or_waits(server: Server) {
    let mut fleet = Fleet::new(&server, "stackgres-unknown", "revert").await;
    fleet.cluster("a", "");
    fleet.start();
    fleet.passes(4).await;
    let first = fleet.get("a").await["status"]["running"]["revision"].as_str().unwrap().to_owned();
    let set = async |fleet: &Fleet| fleet.api("apps/v1", "StatefulSet").get("a").await.unwrap().metadata.resource_version;
    let before = set(&fleet).await;
    fleet.stop().await;

    // Status lost, and a commit that re-creates pods came meanwhile: the revision that runs is found by what is in place.
    let api: Api<DynamicObject> =
        Api::namespaced_with(fleet.controller.clone(), &fleet.namespace, &resource("stackgres.io/v1", "SGCluster"));
    api.patch_status("a", &PatchParams::default(), &Patch::Merge(&json!({"status": null}))).await.unwrap();
    fleet.write("a.yaml", &new_pods(&fleet, "a", "b"));
    fleet.start();
    fleet.passes(4).await;
    let found = fleet.get("a").await;
    assert_eq!(found["status"]["running"]["revision"], first.as_str(), "{}", found["status"]);
    assert!(found["status"]["waiting"]["for"].as_str().unwrap().contains("pod re-creation"), "{}", found["status"]["waiting"]);
    assert_eq!(set(&fleet).await, before);
    fleet.stop().await;

    // The revision is lost as well: unknown is not absent.
    api.patch_status("a", &PatchParams::default(), &Patch::Merge(&json!({"status": {"running": null}}))).await.unwrap();
    let secrets: Api<DynamicObject> = Api::namespaced_with(fleet.controller.clone(), &fleet.namespace, &resource("v1", "Secret"));
    secrets.delete(&first, &kube::api::DeleteParams::default()).await.unwrap();
    fleet.start();
    fleet.passes(4).await;
    let unknown = fleet.get("a").await;
    let waiting = unknown["status"]["waiting"].clone();
    assert!(waiting["for"].as_str().unwrap().contains("not known which revision runs"), "{waiting}");
    assert_eq!(set(&fleet).await, before);
    let released = unknown["status"]["release"]["revision"].as_str().unwrap().to_owned();
    assert!(waiting["by"].as_str().unwrap().contains(&format!("accept-release={released}")), "{waiting}");
    let accept = json!({"metadata": {"annotations": {"stackgres.io/accept-release": released}}});
    fleet.clusters().patch("a", &PatchParams::default(), &Patch::Merge(&accept)).await.unwrap();
    fleet.passes(4).await;
    assert_eq!(fleet.get("a").await["status"]["running"]["revision"], released.as_str());
    assert_ne!(set(&fleet).await, before);
    fleet.stop().await;
}

/// The StatefulSet controller deletes the highest ordinal, be it the primary or not; and a deleted Service takes the Endpoints of its
/// name along, with the leader lock in them.
pub(super) async fn neither_instances_nor_the_leader_lock_are_taken_away(server: Server) {
    let mut fleet = Fleet::new(&server, "stackgres-fewer", "revert").await;
    let write = |fleet: &Fleet, instances: usize, primary: bool| {
        fleet.cluster("a", &format!("  postgresServices: {{primary: {{enabled: {primary}}}}}\n"));
        let text = std::fs::read_to_string(fleet.folder.path().join("a.yaml")).unwrap();
        fleet.write("a.yaml", &text.replace("instances: 1", &format!("instances: {instances}")));
    };
    write(&fleet, 3, true);
    fleet.start();
    fleet.passes(4).await;
    let set = fleet.api("apps/v1", "StatefulSet");
    let count = async || set.get("a").await.unwrap().data["spec"]["replicas"].clone();
    let waiting = async |fleet: &Fleet| fleet.get("a").await["status"]["waiting"]["for"].as_str().unwrap_or_default().to_owned();
    let by = PatchParams { field_manager: Some("kubectl-scale".to_owned()), ..PatchParams::default() };
    // Without nodes no pod leads, so nobody knows which may go.
    write(&fleet, 2, true);
    fleet.passes(4).await;
    assert_eq!(count().await, 3);
    assert!(waiting(&fleet).await.contains("no instance leads"), "{}", waiting(&fleet).await);
    write(&fleet, 3, true);
    fleet.passes(4).await;
    // Scaled by hand: putting the number back would take instances away just the same.
    set.patch("a", &by, &Patch::Merge(&json!({"spec": {"replicas": 4}}))).await.unwrap();
    fleet.passes(4).await;
    assert_eq!(count().await, 4);
    assert!(waiting(&fleet).await.contains("4 → 3 instances"), "{}", waiting(&fleet).await);
    set.patch("a", &by, &Patch::Merge(&json!({"spec": {"replicas": 3}}))).await.unwrap();

    // Patroni and the kubelet, played: the third one leads.
    let pretend = async |primary: usize| {
        let pods = fleet.api("v1", "Pod");
        for index in 0..3 {
            let name = format!("a-{index}");
            let role = if index == primary { "primary" } else { "replica" };
            let mut note = json!({"role": role, "state": "running", "timeline": 1, "xlog_location": 83_886_080});
            if index != primary {
                note["replication_state"] = json!("streaming");
            }
            let said = json!({"metadata": {"labels": {"role": role}, "annotations": {"status": note.to_string()}}});
            pods.patch(&name, &PatchParams::default(), &Patch::Merge(&said)).await.unwrap();
            let ready = json!({"status": {"conditions": [{"type": "Ready", "status": "True"}]}});
            pods.patch_status(&name, &PatchParams::default(), &Patch::Merge(&ready)).await.unwrap();
        }
    };
    pretend(2).await;
    // Somebody works on the database: nothing hands over and nobody leaves.
    let hold = |text: Value| json!({"metadata": {"annotations": {"stackgres.io/hold": text}}});
    fleet.clusters().patch("a", &by, &Patch::Merge(&hold(json!("index build")))).await.unwrap();
    write(&fleet, 2, true);
    fleet.passes(4).await;
    assert_eq!(count().await, 3, "it is held");
    assert!(waiting(&fleet).await.contains("held: index build, by kubectl-scale"), "{}", waiting(&fleet).await);
    fleet.clusters().patch("a", &by, &Patch::Merge(&hold(Value::Null))).await.unwrap();
    fleet.passes(4).await;
    if server.folder.is_some() {
        assert_eq!(count().await, 3, "the primary would have gone");
        // It is tried, and nobody is there to ask: that takes longer than some passes.
        for _ in 0..10 {
            if waiting(&fleet).await.contains("a-2 leads and hands over to a-0 first") {
                break;
            }
            fleet.passes(2).await;
        }
        assert!(waiting(&fleet).await.contains("a-2 leads and hands over to a-0 first"), "{}", waiting(&fleet).await);
        assert_eq!(count().await, 3, "the primary would have gone");
        pretend(0).await;
    } else {
        // Here Patroni is played by the server itself, as soon as pods are ready.
        let role = async || fleet.api("v1", "Pod").get("a-0").await.unwrap().metadata.labels.unwrap_or_default().remove("role");
        for _ in 0..10 {
            let before = count().await;
            if role().await.as_deref() == Some("primary") {
                break;
            }
            assert_eq!(before, 3, "it hands over first");
            fleet.passes(2).await;
        }
        assert_eq!(role().await.as_deref(), Some("primary"), "it handed over");
    }
    for _ in 0..10 {
        fleet.passes(4).await;
        if count().await == 2 {
            break;
        }
    }
    assert_eq!(count().await, 2, "the primary is among those that stay");
    write(&fleet, 3, true);
    fleet.passes(4).await;
    assert_eq!(count().await, 3);

    let uid = fleet.api("v1", "Service").get("a").await.unwrap().metadata.uid;
    write(&fleet, 3, false);
    fleet.passes(4).await;
    assert_eq!(fleet.api("v1", "Service").get("a").await.unwrap().metadata.uid, uid, "the leader lock hangs on it");
    drop(fleet.api("v1", "Endpoints").get("a").await.unwrap());
    fleet.stop().await;
}

/// A cluster moves from one fleet to another in two commits, and to no fleet with an annotation; shared configurations are not
/// fought over.
pub(super) async fn a_cluster_moves_between_fleets_and_out_of_them(server: Server) {
    let mut fleet = Fleet::new(&server, "stackgres-moves", "revert").await;
    let config = |work_mem: &str| {
        format!(
            "apiVersion: stackgres.io/v1\nkind: SGPostgresConfig\nmetadata: {{name: shared}}\nspec: {{postgresVersion: '17', postgresql.conf: {{work_mem: {work_mem}}}}}\n"
        )
    };
    fleet.cluster("a", "  configurations: {sgPostgresConfig: shared}\n");
    fleet.write("shared.yaml", &config("8MB"));
    fleet.start();
    fleet.passes(4).await;
    let other = tempfile::tempdir().unwrap();
    std::fs::copy(fleet.folder.path().join("a.yaml"), other.path().join("a.yaml")).unwrap();
    std::fs::write(other.path().join("shared.yaml"), config("9MB")).unwrap();
    let second = json!({"apiVersion": "stackgres.io/v1alpha1", "kind": "SGFleet", "metadata": {"name": "second", "namespace": "stackgres-moves"},
        "spec": {"source": {"directory": {"path": other.path()}}}});
    fleet.apply(second).await;
    fleet.passes(4).await;
    let fleets = fleet.api("stackgres.io/v1alpha1", "SGFleet");
    let problems = fleets.get("second").await.unwrap().data["status"]["problems"].to_string();
    assert!(problems.contains("the SGPostgresConfig belongs to the fleet stackgres-moves/fleet"), "{problems}");
    assert!(problems.contains("the cluster belongs to the fleet stackgres-moves/fleet"), "{problems}");
    let configs = fleet.api("stackgres.io/v1", "SGPostgresConfig");
    assert_eq!(configs.get("shared").await.unwrap().data["spec"]["postgresql.conf"]["work_mem"], "8MB");

    std::fs::remove_file(fleet.folder.path().join("a.yaml")).unwrap();
    std::fs::write(other.path().join("shared.yaml"), config("8MB")).unwrap();
    fleet.passes(5).await;
    let moved = fleet.get("a").await;
    assert_eq!(moved["status"]["claim"]["fleet"], "stackgres-moves/second", "{}", moved["status"]);
    assert_eq!(condition(&moved, "Orphaned").0, "False");

    fleets.delete("second", &kube::api::DeleteParams::default()).await.unwrap();
    fleet.passes(4).await;
    let gone = fleet.get("a").await;
    assert_eq!(condition(&gone, "Orphaned"), ("True".to_owned(), "FleetGone".to_owned()));
    drop(fleet.api("apps/v1", "StatefulSet").get("a").await.unwrap());
    let free = json!({"metadata": {"annotations": {"stackgres.io/fleet": "none"}}, "spec": {"configurations": {"postgres": {"postgresql.conf": {"work_mem": "12MB"}}}}});
    fleet.clusters().patch("a", &PatchParams::default(), &Patch::Merge(&free)).await.unwrap();
    fleet.passes(4).await;
    let alone = fleet.get("a").await;
    assert!(alone["status"]["claim"].is_null(), "{}", alone["status"]);
    assert_eq!(alone["status"]["release"]["by"], "its own inputs");
    fleet.stop().await;
}

/// A commit a minute while a restart waits must not fill the API server with revisions.
pub(super) async fn revisions_stay_bounded_while_a_change_waits(server: Server) {
    let mut fleet = Fleet::new(&server, "stackgres-bounded", "revert").await;
    fleet.cluster("a", "");
    fleet.start();
    fleet.passes(4).await;
    let running = fleet.get("a").await["status"]["running"]["revision"].clone();
    for number in 0..6 {
        fleet.write("a.yaml", &new_pods(&fleet, "a", &format!("b{number}")));
        fleet.passes(3).await;
    }
    fleet.passes(3).await;
    let revisions = fleet.api("v1", "Secret").list(&ListParams::default().labels("stackgres.io/revision=true")).await.unwrap().items;
    assert!(revisions.len() <= 4, "{} revisions", revisions.len());
    let status = fleet.get("a").await["status"].clone();
    assert_eq!(status["running"]["revision"], running);
    for kept in [&status["running"]["revision"], &status["release"]["revision"]] {
        assert!(revisions.iter().any(|secret| secret.metadata.name.as_deref() == kept.as_str()), "{kept} is in use");
    }
    // What `stackgres render --effective` prints is what the status says, word for word; what is unset is absent in one of them.
    use stackgres::engine::offline::{LoadOptions, Options, SourceFile, check, effective_values};
    fn without_nulls(value: &Value) -> Value {
        match value {
            Value::Object(map) => {
                map.iter().filter(|(_, child)| !child.is_null()).map(|(name, child)| (name.clone(), without_nulls(child))).collect()
            }
            other => other.clone(),
        }
    }
    let content = std::fs::read(fleet.folder.path().join("a.yaml")).unwrap().into();
    let load = LoadOptions { default_namespace: Some(fleet.namespace.clone()), ..LoadOptions::default() };
    let report = check(&[SourceFile { path: "a.yaml".to_owned(), content }], &Options { load, ..Options::default() });
    let status = fleet.get("a").await["status"]["effective"].clone();
    let rendered = effective_values(report.clusters.values().next().unwrap());
    let released = rendered["postgres"]["parameters"]["shared_buffers"].clone();
    assert_eq!(released, json!({"value": "512MB", "origin": "tuned: memory 2048MiB"}));
    assert_eq!(without_nulls(&status), without_nulls(&rendered));
    // A value that is gone from the inputs is gone from what is shown as in force.
    fleet.cluster("a", "  configurations: {postgres: {postgresql.conf: {log_min_duration_statement: '7'}}}\n");
    fleet.passes(4).await;
    let shown = async |fleet: &Fleet| fleet.get("a").await["status"]["effective"].to_string().contains("\"7\"");
    assert!(shown(&fleet).await);
    fleet.cluster("a", "");
    fleet.passes(4).await;
    assert!(!shown(&fleet).await);
    fleet.stop().await;
}

/// Without an instance nothing can run; what is waited for is named, once, and a changed script is a change like any other.
pub(super) async fn scripts_wait_for_a_primary_and_are_part_of_a_release(server: Server) {
    let mut fleet = Fleet::new(&server, "stackgres-script-wait", "revert").await;
    let script = |sql: &str| {
        format!("apiVersion: stackgres.io/v1\nkind: SGScript\nmetadata: {{name: app}}\nspec: {{scripts: [{{id: 0, script: {sql}}}]}}\n")
    };
    fleet.write("script.yaml", &script("SELECT 1"));
    fleet.cluster("one", "  managedSql: {scripts: [{sgScript: app}]}\n");
    fleet.start();
    fleet.passes(3).await;
    let cluster = fleet.get("one").await;
    let waits = ("False".to_owned(), "PrimaryNotReady".to_owned());
    assert_eq!((condition(&cluster, "ManagedSql"), condition(&cluster, "InitialScriptsApplied")), (waits.clone(), waits));
    assert_eq!(cluster["status"]["managedSql"], Value::Null, "nothing began");
    fleet.passes(2).await;
    let before = fleet.versions().await;
    fleet.passes(3).await;
    assert_eq!(fleet.versions().await, before, "waiting must write nothing");

    fleet.write("script.yaml", &script("SELECT 2"));
    fleet.passes(3).await;
    let changed = fleet.get("one").await;
    assert_ne!(changed["status"]["running"]["revision"], cluster["status"]["running"]["revision"]);
    assert_eq!(changed["status"]["running"]["revision"], changed["status"]["release"]["revision"]);

    fleet.cluster("one", "");
    fleet.passes(4).await;
    assert_eq!(condition(&fleet.get("one").await, "ManagedSql"), ("True".to_owned(), "NoScripts".to_owned()));
    fleet.stop().await;
}
