//! Operations on real pods, with an application at work.

use super::clients::Clients;
use super::{Database, until, when_drawn};
use serde_json::Value;
use std::collections::BTreeMap;

impl Database<'_> {
    fn operation(&self, name: &str) -> Value {
        serde_json::from_str(&self.kubectl(&["get", "sgdbops", name, "-o", "json"])).unwrap()
    }

    fn operation_is(&self, name: &str, kind: &str) -> bool {
        let operation = self.operation(name);
        let conditions = operation["status"]["conditions"].as_array().cloned().unwrap_or_default();
        conditions.iter().any(|condition| condition["type"] == kind && condition["status"] == "True")
    }

    /// Identity of each pod of the database, by its name, with the restarts of its containers.
    fn identities(&self) -> BTreeMap<String, (String, i64)> {
        let pods: Value = serde_json::from_str(&self.kubectl(&["get", "pods", "-l", "stackgres.io/cluster=true", "-o", "json"])).unwrap();
        let restarts = |pod: &Value| {
            let containers = pod["status"]["containerStatuses"].as_array().cloned().unwrap_or_default();
            containers.iter().filter_map(|container| container["restartCount"].as_i64()).sum()
        };
        let one = |pod: &Value| {
            let text = |field: &str| pod["metadata"][field].as_str().unwrap().to_owned();
            (text("name"), (text("uid"), restarts(pod)))
        };
        pods["items"].as_array().unwrap().iter().map(one).collect()
    }
}

/// A restart that a person asks for is one disturbance an instance, the primary last, and no client notices more than a pause.
#[test]
fn a_restart_loses_no_transaction_and_is_done_once() {
    when_drawn("a_restart_loses_no_transaction_and_is_done_once", |nodes| {
        let pooling = "  configurations: {pooling: {pgBouncer: {pgbouncer.ini: {pgbouncer: {pool_mode: transaction}}}}}\n";
        let database = Database::new(nodes, "operations", 3, pooling);
        let clients = Clients::begin(&database, 5);
        let (before, leader, replicas) = (database.identities(), database.primary(), database.replicas());
        let namespace = &database.namespace;
        nodes.apply(&format!(
            "apiVersion: stackgres.io/v1\nkind: SGDbOps\nmetadata: {{name: restart-1, namespace: {namespace}}}\nspec: {{sgCluster: db, op: restart, timeout: PT20M}}\n"
        ));
        until("the restart is done", 600, || {
            assert!(!database.operation_is("restart-1", "Failed"), "{:#}", database.operation("restart-1"));
            database.operation_is("restart-1", "Completed")
        });
        let outcome = clients.end(&database);
        eprintln!("{outcome:?}");
        assert!(outcome.failed.is_empty() && outcome.lost == 0 && outcome.transactions > 50, "{outcome:?}");

        let pod = |pod: &String| format!("the pod of {pod} is made anew");
        let steps = [pod(&replicas[0]), pod(&replicas[1]), format!("{leader} hands over to {}", replicas[0]), pod(&leader)];
        assert_eq!(database.steps(), steps);
        let after = database.identities();
        assert!(before.iter().all(|(name, (uid, _))| after[name].0 != *uid), "{before:?} {after:?}");
        let status = database.operation("restart-1")["status"].clone();
        assert_eq!(status["restart"]["restartedInstances"].as_array().map(Vec::len), Some(3), "{status:#}");
        assert_eq!(status["restart"]["primaryInstance"], leader.as_str());
        assert!(status["restart"]["switchoverFinalized"].is_string(), "{status:#}");

        // What has ended is left alone, also by a controller that begins anew, and licenses nothing.
        nodes.ok(&["-n", "stackgres", "rollout", "restart", "deployment/stackgres"]);
        nodes.ok(&["-n", "stackgres", "rollout", "status", "deployment/stackgres", "--timeout=120s"]);
        until("nothing is licensed any more", 60, || database.condition("DisturbanceAllowed").0 == "False");
        std::thread::sleep(std::time::Duration::from_secs(20));
        assert_eq!((database.identities(), database.steps().len()), (after, 4));
        database.ready(3);
    });
}
