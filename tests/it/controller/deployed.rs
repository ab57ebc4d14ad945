//! What only an installation on a real API server can show: protection, rights.

use super::*;
use crate::real_cluster::account_kubeconfig;
use std::process::Command;

pub(super) fn said(output: &std::process::Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// Waits until something is so.
pub(super) async fn until(what: &str, mut done: impl AsyncFnMut() -> bool) {
    for _ in 0..300 {
        if done().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    panic!("still not: {what}");
}

/// Deleting is never a side effect: a cluster, its namespace and the definitions go only when somebody says so twice.
#[test]
fn what_holds_databases_is_not_deleted_by_accident() {
    on_the_real_server("what_holds_databases_is_not_deleted_by_accident", async |server| {
        let mut fleet = Fleet::new(&server, "stackgres-protected", "revert").await;
        fleet.cluster("a", "");
        fleet.start();
        fleet.passes(3).await;
        // Policies are in force a moment after they are made.
        until("the policies are in force", async || {
            !server.kubectl(&["delete", "sgcluster", "a", "-n", "stackgres-protected", "--dry-run=server"]).status.success()
        })
        .await;
        let refused = said(&server.kubectl(&["delete", "sgcluster", "a", "-n", "stackgres-protected"]));
        assert!(refused.contains("deletion-protection to \"false\" first"), "{refused}");
        until("the namespace is marked", async || {
            said(&server.kubectl(&["get", "namespace", "stackgres-protected", "--show-labels"])).contains("stackgres.io/in-use=true")
        })
        .await;
        for what in [["namespace", "stackgres-protected"], ["crd", "sgclusters.stackgres.io"], ["crd", "sgpgconfigs.stackgres.io"]] {
            let refused = server.kubectl(&["delete", what[0], what[1], "--wait=false"]);
            assert!(!refused.status.success() && said(&refused).contains("clusters are in use here"), "{what:?}: {}", said(&refused));
        }
        let unmark = server.kubectl(&["label", "namespace", "stackgres-protected", "stackgres.io/in-use-"]);
        assert!(said(&unmark).contains("kept by the controller"), "{}", said(&unmark));
        drop(fleet.get("a").await);

        // The way to delete: out of the source, annotated, deleted. Then the namespace is free.
        std::fs::remove_file(fleet.folder.path().join("a.yaml")).unwrap();
        fleet.passes(2).await;
        server.kubectl(&["annotate", "sgcluster", "a", "-n", "stackgres-protected", "stackgres.io/deletion-protection=false"]);
        let deleted = server.kubectl(&["delete", "sgcluster", "a", "-n", "stackgres-protected", "--timeout=30s"]);
        assert!(deleted.status.success(), "{}", said(&deleted));
        until("the mark is gone", async || {
            !said(&server.kubectl(&["get", "namespace", "stackgres-protected", "--show-labels"])).contains("in-use")
        })
        .await;
        fleet.stop().await;
        let gone = server.kubectl(&["delete", "namespace", "stackgres-protected", "--timeout=60s"]);
        assert!(gone.status.success(), "{}", said(&gone));
    });
}

/// The right to edit a cluster is not the right to release it: that is the fleet's, with its plan, waves and windows.
#[test]
fn who_may_edit_clusters_may_not_release_them() {
    on_the_real_server("who_may_edit_clusters_may_not_release_them", async |server| {
        let mut fleet = Fleet::new(&server, "stackgres-editor", "report").await;
        fleet.cluster("a", "");
        fleet.start();
        fleet.passes(3).await;
        fleet.stop().await;
        fleet
            .apply(json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "editor", "namespace": "stackgres-editor"}}))
            .await;
        fleet
            .apply(json!({
                "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": {"name": "editor", "namespace": "stackgres-editor"},
                "rules": [{"apiGroups": ["stackgres.io"], "resources": ["*"], "verbs": ["*"]}, {"apiGroups": [""], "resources": ["secrets"], "verbs": ["*"]}],
            }))
            .await;
        fleet
            .apply(json!({
                "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding", "metadata": {"name": "editor", "namespace": "stackgres-editor"},
                "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "editor"},
                "subjects": [{"kind": "ServiceAccount", "name": "editor", "namespace": "stackgres-editor"}],
            }))
            .await;
        let editor = account_kubeconfig(&server, "stackgres-editor", "editor", "editor");
        let kubectl = |arguments: &[&str]| {
            let folder = server.folder.as_ref().unwrap();
            let command = Command::new(folder.join("kubectl"))
                .arg("--kubeconfig")
                .arg(&editor)
                .args(["-n", "stackgres-editor"])
                .args(arguments)
                .output();
            command.unwrap()
        };
        let edited = kubectl(&["patch", "sgcluster", "a", "--type=merge", "-p", r#"{"spec":{"instances":2}}"#]);
        assert!(edited.status.success(), "{}", said(&edited));
        let revision = fleet.get("a").await["status"]["release"]["revision"].as_str().unwrap().to_owned();
        for (patch, why) in [
            (r#"{"status":{"release":{"revision":"mine"}}}"#, "only the controller releases"),
            (r#"{"status":{"release":null}}"#, "only the controller releases"),
            (r#"{"status":{"claim":{"fleet":"other/fleet"}}}"#, "only the controller decides"),
        ] {
            let refused = kubectl(&["patch", "sgcluster", "a", "--subresource=status", "--type=merge", "-p", patch]);
            assert!(said(&refused).contains(why), "{patch}: {}", said(&refused));
        }
        let refused = kubectl(&["delete", "secret", &revision]);
        assert!(said(&refused).contains("written by the controller only"), "{}", said(&refused));
        let other = kubectl(&["patch", "sgcluster", "a", "--subresource=status", "--type=merge", "-p", r#"{"status":{"instances":7}}"#]);
        assert!(other.status.success(), "what is no release stays in the hands of RBAC: {}", said(&other));
    });
}

/// The right to write to a repository is not the right to every namespace: what the fleet's account may not write is neither
/// claimed nor released, also where the manifest equals what is live.
#[test]
fn a_fleet_without_rights_in_a_namespace_takes_no_cluster_there() {
    on_the_real_server("a_fleet_without_rights_in_a_namespace_takes_no_cluster_there", async |server| {
        let mut victim = Fleet::new(&server, "stackgres-victim", "revert").await;
        let api = victim.api("stackgres.io/v1alpha1", "SGFleet");
        api.delete("fleet", &kube::api::DeleteParams::default()).await.unwrap();
        let cluster = |instances: usize| {
            json!({"apiVersion": "stackgres.io/v1", "kind": "SGCluster", "metadata": {"name": "db", "namespace": "stackgres-victim"},
                "spec": {"instances": instances, "postgres": {"version": "17"}, "pods": {"persistentVolume": {"size": "5Gi"}}}})
        };
        victim.apply(cluster(1)).await;
        let attacker = Fleet::new(&server, "stackgres-attacker", "revert").await;
        attacker
            .apply(json!({"apiVersion": "stackgres.io/v1alpha1", "kind": "SGFleet", "metadata": {"name": "fleet", "namespace": "stackgres-attacker"},
                "spec": {"source": {"directory": {"path": attacker.folder.path()}}, "namespaces": ["stackgres-attacker", "stackgres-victim"]}}))
            .await;
        victim.start();
        for instances in [1, 2] {
            attacker.write("db.yaml", &serde_json::to_string(&cluster(instances)).unwrap());
            victim.passes(4).await;
            let db = victim.get("db").await;
            assert!(db["status"]["claim"].is_null(), "{instances}: {}", db["status"]);
            assert_eq!(db["status"]["release"]["by"], "its own inputs");
            assert_eq!(db["spec"]["instances"], 1);
            let status = attacker.fleet().await["status"].clone();
            assert_eq!(status["problems"][0]["code"], "apply-failed", "{status}");
            assert!(status["applied"].is_null(), "what could not be applied is not applied: {status}");
        }
        victim.stop().await;
    });
}

/// What the API server refuses is told where people look, and holds up nobody else.
#[test]
fn a_refused_request_is_told_in_the_clusters_conditions() {
    on_the_real_server("a_refused_request_is_told_in_the_clusters_conditions", async |server| {
        let mut fleet = Fleet::new(&server, "stackgres-quota", "revert").await;
        fleet
            .apply(json!({"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "none", "namespace": "stackgres-quota"},
                "spec": {"hard": {"count/configmaps": "0"}}}))
            .await;
        fleet.cluster("a", "");
        tokio::time::sleep(Duration::from_secs(1)).await;
        fleet.start();
        until("the refusal is told", async || {
            let live = fleet.clusters().get_opt("a").await.unwrap();
            live.is_some_and(|live| {
                let conditions = live.data["status"]["conditions"].to_string();
                conditions.contains("RequestFailed") && conditions.contains("exceeded quota")
            })
        })
        .await;
        fleet.stop().await;
    });
}

/// Least privilege, checked from the outside: what the account does not need it cannot do.
#[test]
fn the_controllers_account_has_no_right_it_does_not_use() {
    on_the_real_server("the_controllers_account_has_no_right_it_does_not_use", async |server| {
        let can = |verb: &str, what: &str| {
            let account = "system:serviceaccount:stackgres:stackgres";
            let (what, subresource) = what.split_once('/').unwrap_or((what, ""));
            let arguments = ["auth", "can-i", verb, what, "--as", account, "-A", "--subresource", subresource];
            said(&server.kubectl(&arguments)).trim().ends_with("yes")
        };
        for (verb, what) in [
            ("create", "pods"),
            ("create", "pods/exec"),
            ("delete", "persistentvolumes"),
            ("list", "persistentvolumes"),
            ("delete", "namespaces"),
            ("delete", "customresourcedefinitions"),
            ("patch", "sgclusters.stackgres.io"),
            ("create", "sgclusters.stackgres.io"),
            ("delete", "sgclusters.stackgres.io"),
            // What people ask for is theirs: it says only what became of it.
            ("patch", "sgdbops.stackgres.io"),
            ("create", "sgdbops.stackgres.io"),
            ("delete", "sgdbops.stackgres.io"),
            ("create", "clusterrolebindings"),
            ("escalate", "roles"),
            ("impersonate", "users"),
            ("impersonate", "groups"),
            ("list", "nodes"),
            ("patch", "nodes"),
            ("create", "deployments"),
        ] {
            assert!(!can(verb, what), "the controller may {verb} {what}");
        }
        for (verb, what) in [
            ("patch", "statefulsets"),
            ("patch", "sgclusters.stackgres.io/status"),
            ("patch", "sgdbops.stackgres.io/status"),
            ("create", "secrets"),
            // What a rolling change needs.
            ("delete", "pods"),
            ("patch", "pods/resize"),
            ("get", "pods/log"),
            ("get", "nodes"),
            ("patch", "persistentvolumeclaims"),
            // Another storage class.
            ("delete", "persistentvolumeclaims"),
            ("get", "persistentvolumes"),
            ("patch", "persistentvolumes"),
        ] {
            assert!(can(verb, what), "the controller may not {verb} {what}");
        }
    });
}

/// In namespaces of its own the program needs no right anywhere else.
#[test]
fn an_installation_for_one_namespace_reaches_no_further() {
    on_the_real_server("an_installation_for_one_namespace_reaches_no_further", async |server| {
        let mut fleet = Fleet::new(&server, "stackgres-narrow", "revert").await;
        fleet
            .apply(json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "narrow", "namespace": "stackgres-narrow"}}))
            .await;
        fleet
            .apply(json!({
                "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding", "metadata": {"name": "narrow", "namespace": "stackgres-narrow"},
                "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "stackgres"},
                "subjects": [{"kind": "ServiceAccount", "name": "narrow", "namespace": "stackgres-narrow"}],
            }))
            .await;
        // The policies name the account of the installation: this one would not be allowed to release.
        let policies = ["only-the-controller-releases", "only-the-controller-writes-revisions"];
        for policy in policies {
            server.kubectl(&["delete", "validatingadmissionpolicybinding", &format!("stackgres-{policy}")]);
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
        let path = account_kubeconfig(&server, "stackgres-narrow", "narrow", "narrow");
        let kubeconfig = kube::config::Kubeconfig::read_from(path).unwrap();
        let config = kube::Config::from_custom_kubeconfig(kubeconfig, &kube::config::KubeConfigOptions::default()).await.unwrap();
        fleet.controller = kube::Client::try_from(config).unwrap();
        fleet.only = vec!["stackgres-narrow".to_owned()];
        fleet.cluster("a", "");
        fleet.start();
        fleet.passes(4).await;
        let cluster = fleet.get("a").await;
        fleet.stop().await;
        let root = concat!(env!("CARGO_MANIFEST_DIR"), "/deploy");
        server.kubectl(&["apply", "--server-side", "--force-conflicts", "-k", root]);
        assert_eq!(cluster["status"]["running"]["revision"], cluster["status"]["release"]["revision"], "{cluster}");
        assert_eq!(fleet.fleet().await["status"]["problemCount"], 0);
        let overlay = server.kubectl(&["kustomize", &format!("{root}/overlays/namespaced")]);
        let text = said(&overlay);
        assert!(overlay.status.success() && text.contains("STACKGRES_NAMESPACES: databases"), "{text}");
        assert!(!text.contains("kind: ClusterRoleBinding"), "no right for the whole cluster may be left");
    });
}

/// What Git says is what `kubectl` sees: a person who compares the two must find nothing.
#[test]
fn kubectl_diff_of_the_repository_is_empty() {
    on_the_real_server("kubectl_diff_of_the_repository_is_empty", async |server| {
        let mut fleet = Fleet::new(&server, "stackgres-diff", "revert").await;
        let example = |path: &str| {
            let text = stackgres::wiring::EXAMPLE.iter().find(|(name, _)| *name == path).unwrap().1;
            text.replace("namespace: shop", "namespace: stackgres-diff").replace("namespace: billing", "namespace: stackgres-diff")
        };
        for path in [
            "shop/orders.yaml",
            "shop/parameters.yaml",
            "shop/pooling.yaml",
            "shop/profile.yaml",
            "billing/ledger.yaml",
            "billing/invoices.yaml",
        ] {
            fleet.write(path.rsplit('/').next().unwrap(), &example(path));
        }
        fleet.start();
        fleet.passes(4).await;
        assert_eq!(fleet.fleet().await["status"]["problemCount"], 0, "{}", fleet.fleet().await["status"]);
        let folder = fleet.folder.path().to_str().unwrap();
        for how in [&["diff", "-f", folder][..], &["diff", "--server-side", "--field-manager", "stackgres-fleet", "-f", folder]] {
            let output = server.kubectl(how);
            assert_eq!(output.status.code(), Some(0), "{how:?}: {}", said(&output));
        }
        fleet.stop().await;
    });
}

/// Two operators of one API group would undo each other's work.
#[test]
fn beside_another_operator_nothing_is_done() {
    on_the_real_server("beside_another_operator_nothing_is_done", async |server| {
        let fleet = Fleet::new(&server, "stackgres-other", "revert").await;
        let pod = json!({"metadata": {"labels": {"app": "stackgres-operator"}}, "spec": {"containers": [{"name": "a", "image": "a"}]}});
        fleet
            .apply(json!({
                "apiVersion": "apps/v1", "kind": "Deployment",
                "metadata": {"name": "stackgres-operator", "namespace": "stackgres-other", "labels": {"app": "stackgres-operator"}},
                "spec": {"replicas": 0, "selector": {"matchLabels": {"app": "stackgres-operator"}}, "template": pod},
            }))
            .await;
        let output = Command::new(env!("CARGO_BIN_EXE_stackgres"))
            .args(["run", "--listen", "127.0.0.1:0", "--no-lease"])
            .env("KUBECONFIG", server.folder.as_ref().unwrap().join("controller.kubeconfig"))
            .output()
            .unwrap();
        server.kubectl(&["delete", "deployment", "stackgres-operator", "-n", "stackgres-other"]);
        assert_eq!(output.status.code(), Some(4), "{}", said(&output));
        assert!(said(&output).contains("remove the other one first"), "{}", said(&output));
    });
}
