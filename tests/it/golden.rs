//! Golden folders: a repository in, rendered objects or a plan out. `UPDATE_GOLDEN=1` rewrites; read what it wrote.

use stackgres::engine::offline::{LoadOptions, Options, Report, SourceFile, check, effective_values, plan_between, plan_text, version};
use std::path::{Path, PathBuf};

fn options() -> Options {
    let mut options =
        Options { load: LoadOptions { default_namespace: Some("default".to_owned()), ..LoadOptions::default() }, ..Options::default() };
    // Versions that this project has no image of, and others may have: what is rendered for them must not change unseen.
    for (major, minor) in [(13, "13.23"), (14, "14.24"), (16, "16.15")] {
        std::sync::Arc::make_mut(&mut options.settings.catalogue).versions.insert(major, vec![minor.to_owned()]);
    }
    options
}

fn report(folder: &Path) -> Report {
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let files: Vec<SourceFile> = files
        .iter()
        .map(|path| SourceFile {
            path: path.file_name().unwrap().to_string_lossy().into_owned(),
            content: std::fs::read(path).unwrap().into(),
        })
        .collect();
    check(&files, &options())
}

fn cases(kind: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(kind);
    let mut cases: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    cases.sort();
    assert!(!cases.is_empty());
    cases
}

fn compare(path: &Path, found: &str) {
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(path, found).unwrap();
    }
    let wanted = std::fs::read_to_string(path).unwrap_or_default();
    let diff = similar::TextDiff::from_lines(&wanted, found).unified_diff().context_radius(3).to_string();
    assert!(diff.is_empty(), "{} differs; if that is right, run with UPDATE_GOLDEN=1 and read the file\n{diff}", path.display());
}

/// A change here is a change of what runs in every cluster.
#[test]
fn rendered_objects() {
    for case in cases("render") {
        let report = report(&case.join("input"));
        assert!(!report.diagnostics.has_errors(), "{}: {:?}", case.display(), report.diagnostics);
        let objects = |report: &Report| -> String {
            report
                .clusters
                .values()
                .flat_map(|cluster| version(cluster).objects)
                .map(|object| format!("---\n{}", serde_yaml::to_string(object.value()).unwrap()))
                .collect()
        };
        compare(&case.join("rendered.yaml"), &objects(&report));
        let effective =
            report.clusters.values().map(|cluster| format!("---\n{}", serde_yaml::to_string(&effective_values(cluster)).unwrap()));
        compare(&case.join("effective.yaml"), &effective.collect::<String>());
    }
}

/// What people read before they merge.
#[test]
fn plans() {
    for case in cases("plan") {
        let (base, head) = (report(&case.join("base")), report(&case.join("head")));
        compare(&case.join("plan.txt"), &plan_text(&plan_between(&base, "base", &head, "head"), false));
    }
}

/// The impact is told in words by rules of its own, the steps by the decision that carries the change out: a reviewer who is told of
/// one switchover and one restart must not get two.
#[test]
fn rehearsed_steps_are_those_of_the_impact() {
    let mut compared = 0;
    for case in cases("plan") {
        let plan = plan_between(&report(&case.join("base")), "base", &report(&case.join("head")), "head");
        for cluster in plan.clusters {
            let steps = cluster.rehearsal.map(|rehearsal| rehearsal.steps).unwrap_or_default();
            let count = |test: &dyn Fn(&str) -> bool| steps.iter().filter(|step| test(step)).count();
            let switchovers = count(&|step| step.contains(" hands over to "));
            assert_eq!(switchovers, cluster.impact.switchovers as usize, "{}: {steps:?}", cluster.name);
            // The first instance led: it is stopped by its hand-over, or again where its pod is made anew.
            let stopped = |ordinal: u32| {
                let name = format!("{}-{ordinal}", cluster.name);
                let again =
                    count(&|step| step.starts_with(&format!("the pod of {name} ")) || step.starts_with(&format!("the pod of {name},")));
                let restarts = count(&|step| {
                    let restarted = step.strip_prefix("PostgreSQL restarts on ");
                    restarted.is_some_and(|rest| rest == name || rest.strip_suffix(", which leads") == Some(&name))
                });
                let handed_over = count(&|step| step.starts_with(&format!("{name} hands over to ")));
                restarts + again.max(handed_over)
            };
            assert_eq!(stopped(0), cluster.impact.rounds as usize, "{}: {steps:?}", cluster.name);
            compared += usize::from(!steps.is_empty());
        }
    }
    assert!(compared > 15, "{compared}");
}

/// What one cluster with these further fields is made of.
fn objects(name: &str, pods: &str, more: &str) -> Vec<stackgres::model::Object> {
    let text = format!(
        "apiVersion: stackgres.io/v1\nkind: SGCluster\nmetadata: {{name: {name}, namespace: default}}\nspec:\n  instances: 2\n  postgres: {{version: '17'}}\n  pods: {{persistentVolume: {{size: 5Gi}}{pods}}}\n{more}"
    );
    let report = check(&[SourceFile { path: "a.yaml".to_owned(), content: text.as_bytes().into() }], &options());
    assert!(!report.diagnostics.has_errors(), "{:?}", report.diagnostics);
    version(report.clusters.values().next().unwrap()).objects
}

fn named<'a>(objects: &'a [stackgres::model::Object], kind: &str, name: &str) -> &'a serde_json::Value {
    objects.iter().find(|object| object.kind() == kind && object.name() == name).unwrap().value()
}

fn configuration(objects: &[stackgres::model::Object], name: &str) -> serde_json::Value {
    serde_json::from_str(named(objects, "ConfigMap", name)["data"]["10-cluster.yml"].as_str().unwrap()).unwrap()
}

/// Endpoints without a Service are removed when the controller manager starts, and the leader lock is in them.
#[test]
fn every_object_of_patroni_has_a_service_whatever_is_switched_off() {
    for more in [
        "",
        "  postgresServices: {primary: {enabled: false}, replicas: {enabled: false}}\n",
        "  postgresServices: {primary: {enabled: false, type: None}}\n",
        "  configurations: {patroni: {initialConfig: {scope: other}}}\n",
    ] {
        let objects = objects("a", "", more);
        for endpoints in objects.iter().filter(|object| object.kind() == "Endpoints") {
            named(&objects, "Service", endpoints.name());
        }
    }
    let objects = objects("a", "", "  postgresServices: {primary: {enabled: false}}\n");
    let service = named(&objects, "Service", "a");
    assert_eq!(service["spec"]["ports"][0]["name"], "disabled", "no address of Patroni's has a port of that name");
    assert!(!objects.iter().any(|object| object.name() == "a-primary"));
}

/// Patroni keeps its state in annotations of these very names.
#[test]
fn nothing_of_the_user_stands_on_patronis_objects() {
    let more = "  metadata: {annotations: {allResources: {leader: x, history: y}, clusterPods: {status: z, mine: m}}, labels: {allResources: {team: t, role: primary}}}\n";
    let objects = objects("a", "", more);
    for endpoints in objects.iter().filter(|object| object.kind() == "Endpoints") {
        assert_eq!(endpoints.annotation("leader"), None);
        assert_eq!(endpoints.annotation("history"), None);
        assert_eq!(endpoints.label("role"), None);
    }
    let template = &named(&objects, "StatefulSet", "a")["spec"]["template"]["metadata"];
    assert_eq!((&template["annotations"]["status"], &template["labels"]["role"]), (&serde_json::Value::Null, &serde_json::Value::Null));
    assert_eq!((template["annotations"]["mine"].as_str(), template["labels"]["team"].as_str()), (Some("m"), Some("t")));
}

/// The primary Service has no selector: what Patroni does not publish leads nowhere.
#[test]
fn custom_ports_of_the_primary_are_published_with_the_leader() {
    let pods = ", customContainers: [{name: web, image: i, ports: [{name: http, containerPort: 8080}], volumeDevices: [{name: raw, devicePath: /d}], readinessProbe: {httpGet: {port: http}}, livenessProbe: {tcpSocket: {port: 8080}}}], customVolumes: [{name: raw, emptyDir: {}}]";
    let ports = "{customPorts: [{name: web, port: 80, targetPort: http}, {port: 53, protocol: UDP}, {name: rest, port: 81, targetPort: patroniport}]}";
    let objects = objects("a", pods, &format!("  postgresServices: {{primary: {ports}, replicas: {ports}}}\n"));
    assert_eq!(
        configuration(&objects, "a")["kubernetes"]["ports"],
        serde_json::json!([
            {"name": "pgport", "port": 6432},
            {"name": "pgreplication", "port": 5432},
            {"name": "custom-web", "port": 8080, "protocol": "TCP"},
            {"name": "custom-1", "port": 53, "protocol": "UDP"},
            {"name": "custom-rest", "port": 8009, "protocol": "TCP"},
        ])
    );
    for service in ["a", "a-replicas"] {
        assert_eq!(named(&objects, "Service", service)["spec"]["ports"][2]["targetPort"], "custom-http", "the pod's port has that name");
    }
    let containers = named(&objects, "StatefulSet", "a")["spec"]["template"]["spec"]["containers"].as_array().unwrap();
    let web = containers.iter().find(|container| container["name"] == "custom-web").unwrap();
    assert_eq!(web["ports"][0]["name"], "custom-http");
    assert_eq!(
        (&web["readinessProbe"]["httpGet"]["port"], &web["livenessProbe"]["tcpSocket"]["port"]),
        (&"custom-http".into(), &8080.into())
    );
    assert_eq!(web["volumeDevices"][0]["name"], "custom-raw");
}

/// What only a new process reads shows in the pod template; what is reloaded does not.
#[test]
fn the_template_changes_with_what_is_read_at_start_only() {
    let template = |more: &str| named(&objects("a", "", more), "StatefulSet", "a")["spec"]["template"].clone();
    let patroni = |text: &str| template(&format!("  configurations: {{patroni: {{{text}}}}}\n"));
    let pooler =
        |text: &str| template(&format!("  configurations: {{pooling: {{pgBouncer: {{pgbouncer.ini: {{pgbouncer: {{{text}}}}}}}}}}}\n"));
    let plain = template("");
    assert_ne!(patroni("initialConfig: {postgresql: {pg_ctl_timeout: 90}}"), plain);
    assert_ne!(patroni("initialConfig: {postgresql: {callbacks: {on_start: /x}}}"), plain);
    assert_ne!(pooler("pkt_buf: 8192"), plain);
    assert_eq!(patroni("dynamicConfig: {loop_wait: 5, postgresql: {pg_hba: [host all all all reject]}}"), plain);
    assert_eq!(patroni("initialConfig: {bootstrap: {initdb: [data-checksums]}}"), plain, "read once in the life of a cluster");
    assert_eq!(pooler("default_pool_size: 5"), plain);
    assert_eq!(template("  configurations: {postgres: {postgresql.conf: {work_mem: 5MB, max_connections: '200'}}}\n"), plain);
}

#[test]
fn callbacks_of_the_user_run_beside_ours() {
    let user = "  configurations: {patroni: {initialConfig: {postgresql: {pre_promote: /p, before_stop: /b x, pg_ctl_timeout: 90, callbacks: {on_role_change: '/mine --now', on_start: /s}}}}}\n";
    let postgresql = |pods: &str| configuration(&objects("a", pods, user), "a")["postgresql"].clone();
    let pooled = postgresql("");
    assert_eq!(
        pooled["callbacks"],
        serde_json::json!({"on_role_change": "/etc/stackgres/scripts/role-changed /mine --now", "on_start": "/s"})
    );
    assert_eq!((&pooled["pre_promote"], &pooled["before_stop"], &pooled["pg_ctl_timeout"]), (&"/p".into(), &"/b x".into(), &90.into()));
    assert_eq!(postgresql(", disableConnectionPooling: true")["callbacks"]["on_role_change"], "/mine --now");
}

/// A user's line can lock out neither replication, nor the pooler, nor a rewind.
#[test]
fn what_patroni_needs_comes_before_the_users_lines() {
    let more = "  configurations: {patroni: {dynamicConfig: {postgresql: {pg_hba: [host all all all reject, local all all reject], pg_ident: [a b c]}}}}\n";
    let objects = objects("a", "", more);
    let postgresql = &configuration(&objects, "a")["bootstrap"]["dcs"]["postgresql"];
    let lines: Vec<&str> = postgresql["pg_hba"].as_array().unwrap().iter().filter_map(serde_json::Value::as_str).collect();
    let user = lines.iter().position(|line| line.contains("reject")).unwrap();
    for line in [
        "local replication replicator peer map=stackgres",
        "local all authenticator peer map=stackgres",
        "host replication replicator all scram-sha-256",
        "host all postgres all scram-sha-256",
    ] {
        assert!(lines[..user].contains(&line), "{line}: {lines:?}");
    }
    assert!(!lines.iter().any(|line| line.starts_with("hostssl")), "a hostssl line matches nothing on an instance without certificate");
    assert_eq!(postgresql["pg_ident"], serde_json::json!(["stackgres postgres authenticator", "stackgres postgres replicator", "a b c"]));
}

/// The API server refuses a request above its limit, and every container gets the size that is written for it.
#[test]
fn sizes_of_containers() {
    let pods = ", resources: {enableClusterLimitsRequirements: true, containers: {postgres-util: {limits: {memory: 32Mi}}}, initContainers: {patroni: {limits: {cpu: 1m}}, custom-seed: {limits: {memory: 7Mi}}}}, customContainers: [{name: web, image: i}], customInitContainers: [{name: seed, image: i}]";
    let profile = "  sgInstanceProfile: p\n---\napiVersion: stackgres.io/v1\nkind: SGInstanceProfile\nmetadata: {name: p, namespace: default}\nspec: {cpu: 200m, memory: 4Gi, hugePages: {hugepages-2Mi: 2Gi}, containers: {pgbouncer: {cpu: 100m}, custom-web: {cpu: 50m, memory: 9Mi}}, requests: {containers: {custom-web: {cpu: 10m}}}}\n";
    let objects = objects("a", pods, profile);
    let pod = &named(&objects, "StatefulSet", "a")["spec"]["template"]["spec"];
    let resources = |list: &str, name: &str| {
        let container = pod[list].as_array().unwrap().iter().find(|container| container["name"] == name).unwrap();
        container["resources"].clone()
    };
    assert_eq!(resources("containers", "patroni")["limits"]["cpu"], "200m", "not the init container's");
    assert_eq!(resources("containers", "pgbouncer")["requests"]["cpu"], "100m");
    assert_eq!(resources("containers", "postgres-util")["requests"]["memory"], "32Mi");
    assert_eq!(
        resources("containers", "custom-web"),
        serde_json::json!({"limits": {"cpu": "50m", "memory": "9Mi"}, "requests": {"cpu": "10m"}})
    );
    assert_eq!(resources("initContainers", "custom-seed"), serde_json::json!({"limits": {"memory": "7Mi"}}));
    let volumes = pod["volumes"].as_array().unwrap();
    assert!(volumes.contains(&serde_json::json!({"name": "hugepages-2mi", "emptyDir": {"medium": "HugePages-2Mi"}})));
    assert_eq!(configuration(&objects, "a")["bootstrap"]["dcs"]["postgresql"]["parameters"]["huge_pages"], "try");
}

/// A value never becomes a setting of its own; the user's `*` line is not lost.
#[test]
fn the_pooler_file_has_the_users_lines() {
    let more = "  configurations: {pooling: {pgBouncer: {pgbouncer.ini: {databases: {'*': {pool_size: 7}, my db: {pool_size: 3}}, pgbouncer: {application_name_add_host: 'true'}}}}}\n";
    let objects = objects("a", "", more);
    let file = named(&objects, "ConfigMap", "a-connection-pooling-config")["data"]["pgbouncer.ini"].as_str().unwrap();
    assert_eq!(file.matches("\n* =").count(), 1);
    assert!(file.contains("\n* = host=/var/run/postgresql port=5432 pool_size=7\n"));
    assert!(file.contains("\n\"my db\" = host=/var/run/postgresql port=5432 pool_size=3\n"));
    assert!(file.contains("\napplication_name_add_host = 1\n"), "PgBouncer refuses `true`");
}

#[test]
fn the_certificate_is_for_the_primary_service_and_its_authority_stays() {
    let text = "apiVersion: stackgres.io/v1\nkind: SGCluster\nmetadata: {name: a, namespace: default}\nspec:\n  instances: 2\n  postgres: {version: '17', ssl: {duration: P10D}}\n  pods: {persistentVolume: {size: 5Gi}}\n  configurations: {patroni: {initialConfig: {scope: other}}}\n";
    let report = check(&[SourceFile { path: "a.yaml".to_owned(), content: text.as_bytes().into() }], &options());
    let certificate = stackgres::render::certificate(&report.clusters.values().next().unwrap().effective()).unwrap();
    for name in ["other.default", "other.default.svc", "other.default.svc.cluster.local", "a-replicas.default.svc", "a-primary.default.svc"]
    {
        assert!(certificate.names.iter().any(|host| host == name), "{name}: {:?}", certificate.names);
    }
    assert_eq!((certificate.days, certificate.renew_before_days), (10, 3));
    assert_eq!((certificate.secret.as_str(), certificate.authority.as_str()), ("a-ssl", "a-ssl-authority"));
}

/// Instances that only stand by serve no reads.
#[test]
fn the_role_ha_takes_no_reads() {
    let selector = |more: &str| named(&objects("a", "", more), "Service", "a-replicas")["spec"]["selector"].clone();
    assert_eq!(selector("  replication: {role: ha}\n")["noloadbalance"], "false");
    assert_eq!(selector("")["noloadbalance"], serde_json::Value::Null);
}

/// A mount of a volume that the rules do not know is refused, so every volume of ours must be among those they know.
#[test]
fn every_volume_of_a_pod_may_be_mounted() {
    let objects = objects("a", ", customVolumes: [{name: v, emptyDir: {}}]", "");
    let template = &named(&objects, "StatefulSet", "a")["spec"]["template"]["spec"];
    let known = stackgres::resolve::Effective::pod_volumes("a");
    let names: Vec<&str> = template["volumes"].as_array().unwrap().iter().filter_map(|volume| volume["name"].as_str()).collect();
    assert!(names.len() > 10, "{names:?}");
    for name in names.into_iter().filter(|name| *name != "custom-v") {
        assert!(known.iter().any(|known| known == name), "{name}");
    }
}
