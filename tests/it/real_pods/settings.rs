//! What an SGCluster can say about running, looked for where it works: in pods, Services, the server and the pooler.

use super::{Database, NAME, Nodes, on_real_nodes, said, until};
use serde_json::Value;

const SPEC: &str = "  sgInstanceProfile: sized
  metadata:
    labels: {allResources: {team: a}, clusterPods: {tier: data}}
    annotations: {primaryService: {note: mine}}
  postgresServices:
    primary: {type: NodePort, nodePorts: {pgport: 30432}, customPorts: [{name: metrics, port: 9000, targetPort: pgexporter}]}
    replicas: {type: None}
  pods:
    persistentVolume: {size: 1Gi}
    terminationGracePeriodSeconds: 77
    readinessProbe: {periodSeconds: 4}
    scheduling:
      nodeSelector: {settings: here}
      tolerations: [{key: settings, operator: Exists, effect: NoSchedule}]
      priorityClassName: settings
    customVolumes: [{name: shared, emptyDir: {}}]
    customInitContainers:
      - {name: seed, image: 'stackgres/util:17.12', command: [/bin/sh, -c, 'echo seeded > /shared/seed'], volumeMounts: [{name: shared, mountPath: /shared}], securityContext: {allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}}}
    customContainers:
      - {name: side, image: 'stackgres/util:17.12', command: [/bin/sh, -c, 'cat /shared/seed; exec sleep 86400'], volumeMounts: [{name: shared, mountPath: /shared}], securityContext: {allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}}}
    customVolumeMounts: {postgres-util: [{name: shared, mountPath: /shared, readOnly: true}]}
    customEnv: {postgres-util: [{name: GREETING, value: hello}]}
";

fn configurations(work_mem: &str, pool: u32, more: &str) -> String {
    format!(
        "{SPEC}  configurations:
    postgres: {{postgresql.conf: {{work_mem: {work_mem}}}}}
    pooling: {{pgBouncer: {{pgbouncer.ini: {{pgbouncer: {{default_pool_size: '{pool}'}}, databases: {{short: {{dbname: postgres, pool_size: 3}}}}}}}}}}
    patroni: {{dynamicConfig: {{loop_wait: 9, postgresql: {{pg_hba: ['host all refused all reject'{more}]}}}}}}
"
    )
}

/// A field that is accepted and does nothing is worse than one that is refused.
#[test]
fn every_setting_is_where_it_works() {
    on_real_nodes("every_setting_is_where_it_works", |nodes: &Nodes| {
        nodes.ok(&["label", "node", "node2", "settings=here", "--overwrite"]);
        nodes.ok(&["taint", "node", "node2", "settings=only:NoSchedule", "--overwrite"]);
        nodes.apply("apiVersion: scheduling.k8s.io/v1\nkind: PriorityClass\nmetadata: {name: settings}\nvalue: 1000\n");
        let tidy = Tidy(nodes);
        nodes.apply(
            "apiVersion: v1\nkind: Namespace\nmetadata: {name: settings, labels: {pod-security.kubernetes.io/enforce: restricted}}\n",
        );
        let database = Database::requested(nodes, "settings", 1, &configurations("9MB", 7, ""));
        nodes.apply("apiVersion: stackgres.io/v1\nkind: SGInstanceProfile\nmetadata: {name: sized, namespace: settings}\nspec: {cpu: 600m, memory: 700Mi, requests: {containers: {pgbouncer: {cpu: 70m, memory: 70Mi}}}}\n");
        database.ready(1);
        let pod: Value = serde_json::from_str(&database.kubectl(&["get", "pod", "db-0", "-o", "json"])).unwrap();

        // The pod.
        assert_eq!(pod["spec"]["nodeName"], "node2");
        assert_eq!((pod["spec"]["priority"].as_u64(), pod["spec"]["terminationGracePeriodSeconds"].as_u64()), (Some(1000), Some(77)));
        assert_eq!((pod["metadata"]["labels"]["tier"].as_str(), pod["metadata"]["labels"]["team"].as_str()), (Some("data"), Some("a")));
        let container =
            |name: &str| pod["spec"]["containers"].as_array().unwrap().iter().find(|container| container["name"] == name).unwrap();
        assert_eq!(container("patroni")["readinessProbe"]["periodSeconds"], 4);
        assert_eq!(container("pgbouncer")["resources"]["requests"]["cpu"], "70m");
        assert_eq!(container("patroni")["resources"]["limits"]["memory"].as_str(), Some("700Mi"), "{}", container("patroni")["resources"]);
        let util = |script: &str| database.kubectl(&["exec", "db-0", "-c", "postgres-util", "--", "sh", "-c", script]);
        assert_eq!(util("cat /shared/seed; echo $GREETING"), "seeded\nhello\n");
        assert_eq!(database.kubectl(&["logs", "db-0", "-c", "custom-side"]), "seeded\n");

        // Files that backups will need come into the running pod.
        database.kubectl(&["create", "configmap", &format!("{NAME}-backup"), "--from-literal=a=b"]);
        database.kubectl(&["create", "secret", "generic", &format!("{NAME}-backup"), "--from-literal=c=d"]);

        // Services.
        let service: Value = serde_json::from_str(&database.kubectl(&["get", "service", NAME, "-o", "json"])).unwrap();
        assert_eq!(
            (service["spec"]["type"].as_str(), service["metadata"]["annotations"]["note"].as_str()),
            (Some("NodePort"), Some("mine"))
        );
        let headless = database.kubectl(&["get", "service", &format!("{NAME}-replicas"), "-o", "jsonpath={.spec.clusterIP}"]);
        assert_eq!(headless, "None");
        let node = nodes.ok(&["get", "node", "node1", "-o", "jsonpath={.status.addresses[?(@.type==\"InternalIP\")].address}"]);
        let password = format!("PGPASSWORD={}", database.password("superuser-password"));
        let through = |host: &str, port: &str, database: &str, user: &str| {
            let connection = format!("host={host} port={port} user={user} dbname={database} connect_timeout=5");
            nodes.kubectl(&["-n", "client", "exec", "client", "--", "env", &password, "psql", &connection, "-AtXqc", "select 1"])
        };
        assert_eq!(said(&through(&node, "30432", "postgres", "postgres")).trim(), "1", "the node's port leads to the pooler");
        let metrics = super::whole::http(&format!("http://{}:9000/metrics", service["spec"]["clusterIP"].as_str().unwrap()));
        assert!(metrics.contains("pg_up 1"), "the custom port leads to the exporter");

        // The server, its access rules and Patroni.
        assert_eq!(database.inside("db-0", "show work_mem"), "9MB");
        let rule = "select auth_method from pg_hba_file_rules where 'refused' = any(user_name)";
        assert_eq!(database.inside("db-0", rule), "reject");
        let config = database.kubectl(&["get", "endpoints", &format!("{NAME}-config"), "-o", "jsonpath={.metadata.annotations.config}"]);
        assert!(config.contains("\"loop_wait\":9"), "{config}");

        // The pooler.
        let host = format!("{NAME}.settings");
        assert_eq!(said(&through(&host, "5432", "short", "postgres")).trim(), "1", "a database of the pooler's own");
        let admin = format!("PGPASSWORD={}", database.password("pgbouncer-admin-password"));
        let pooler = |show: &str| {
            let connection = format!("host={host} user=pgbouncer_admin dbname=pgbouncer");
            let output = nodes.kubectl(&["-n", "client", "exec", "client", "--", "env", &admin, "psql", &connection, "-AtXqc", show]);
            said(&output)
        };
        assert!(pooler("SHOW CONFIG").contains("default_pool_size|7|"), "{}", pooler("SHOW CONFIG"));

        // Changes that reload: each is where it works, and nothing restarted.
        let started = || {
            let containers =
                database.kubectl(&["get", "pod", "db-0", "-o", "jsonpath={.metadata.uid} {.status.containerStatuses[*].restartCount}"]);
            format!("{containers} {}", database.inside("db-0", "select pg_postmaster_start_time()"))
        };
        let before = started();
        database.spec(1, &configurations("11MB", 8, ", 'host all alsorefused all reject'"));
        until("the server has the new value", 60, || database.inside("db-0", "show work_mem") == "11MB");
        until("the new rule is there", 60, || database.inside("db-0", &rule.replace("refused", "alsorefused")) == "reject");
        until("the pooler has the new value", 180, || pooler("SHOW CONFIG").contains("default_pool_size|8|"));
        until("the status says so", 60, || database.condition("FilesInUse").1 == "InUse");
        until("the files of backups are in the pod", 180, || {
            database.patroni("db-0", "cat /etc/stackgres/backup/a /etc/stackgres/backup-credentials/c 2>/dev/null || true") == "bd"
        });
        database.ready(1);
        assert_eq!(started(), before, "something restarted");

        // A pause is the person's who made it.
        database.patroni("db-0", "patronictl -c /run/stackgres/patroni pause --wait");
        until("the status says so", 60, || database.condition("PatroniPaused").0 == "True");
        std::thread::sleep(std::time::Duration::from_secs(35));
        assert!(database.patroni("db-0", "patronictl -c /run/stackgres/patroni list").contains("Maintenance mode: on"));
        database.patroni("db-0", "patronictl -c /run/stackgres/patroni resume --wait");
        until("the status says so", 60, || database.condition("PatroniPaused").0 == "False");
        drop(tidy);
    });
}

/// Without pooler, exporter and TLS: clients reach the server itself.
#[test]
fn a_bare_cluster_works() {
    on_real_nodes("a_bare_cluster_works", |nodes| {
        let bare = "  postgres: {version: '17', ssl: {enabled: false}}\n  pods: {persistentVolume: {size: 1Gi}, disableConnectionPooling: true, disableMetricsExporter: true}\n";
        let database = Database::new(nodes, "bare", 2, bare);
        let containers = database.kubectl(&["get", "pod", "db-0", "-o", "jsonpath={.spec.containers[*].name}"]);
        assert_eq!(containers, "patroni postgres-util");
        let asked = "select ssl from pg_stat_ssl where pid = pg_backend_pid()";
        assert_eq!(database.sql(asked), "f");
        assert_eq!(database.sql("select client_addr is not null from pg_stat_activity where pid = pg_backend_pid()"), "t");
        until("the status says so", 60, || database.condition("FilesInUse").1 == "InUse");
    });
}

struct Tidy<'a>(&'a Nodes);

impl Drop for Tidy<'_> {
    fn drop(&mut self) {
        self.0.kubectl(&["label", "node", "node2", "settings-"]);
        self.0.kubectl(&["taint", "node", "node2", "settings-"]);
        self.0.kubectl(&["delete", "priorityclass", "settings", "--ignore-not-found"]);
    }
}
