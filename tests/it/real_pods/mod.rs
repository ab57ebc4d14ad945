//! Real pods on a real Kubernetes of three nodes: what a rendered object is worth.
//!
//! Skipped, loudly, where no such cluster is given; `tests/run` starts one. The controller runs in it as `deploy/` installs it,
//! with its own account and image.

mod catalogue;
mod changes;
mod clients;
mod failures;
mod faults;
mod interrupted;
mod monitoring;
mod operations;
mod plain;
mod processes;
mod replication;
mod rollout;
mod sample;
mod secrets;
mod settings;
mod slots;
mod storage_class;
mod switchover;
mod whole;
mod writer;

pub(crate) use processes::Processes;
pub(crate) use sample::when_drawn;

use serde_json::Value;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// The cluster under test.
pub(crate) struct Nodes {
    /// Its folder: kubeconfig, `kubectl`, logs, process ids.
    folder: PathBuf,
}

/// Runs a test on the cluster of `STACKGRES_TEST_NODES_KUBECONFIG`, one at a time: two cores carry no more.
pub(crate) fn on_real_nodes(name: &str, test: impl FnOnce(&Nodes)) {
    let Some(path) = std::env::var_os("STACKGRES_TEST_NODES_KUBECONFIG") else {
        assert!(std::env::var_os("CI").is_none(), "{name}: CI requires real nodes (STACKGRES_TEST_NODES_KUBECONFIG)");
        eprintln!("SKIPPED {name}: no real nodes; tests/run starts them");
        return;
    };
    static ONE_AT_A_TIME: Mutex<bool> = Mutex::new(false);
    let mut installed = ONE_AT_A_TIME.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let nodes = Nodes { folder: PathBuf::from(path).parent().unwrap().to_owned() };
    if !*installed {
        nodes.install();
        *installed = true;
    }
    let began = Instant::now();
    test(&nodes);
    eprintln!("{name}: {:.0} s", began.elapsed().as_secs_f64());
}

fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

impl Nodes {
    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(self.folder.join("kubectl"));
        command.arg("--kubeconfig").arg(self.folder.join("admin.kubeconfig")).args(arguments);
        command
    }

    /// Our own program, as a person at this cluster runs it.
    pub(crate) fn stackgres(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_stackgres"));
        command.args(arguments).env("KUBECONFIG", self.folder.join("admin.kubeconfig")).output().unwrap()
    }

    pub(crate) fn kubectl(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// The output of a `kubectl` that must succeed.
    pub(crate) fn ok(&self, arguments: &[&str]) -> String {
        let output = self.kubectl(arguments);
        assert!(output.status.success(), "kubectl {arguments:?}: {}", said(&output));
        String::from_utf8(output.stdout).unwrap()
    }

    pub(crate) fn apply(&self, manifest: &str) {
        let mut child = self.command(&["apply", "--server-side", "--force-conflicts", "-f", "-"]);
        let mut child = child.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        std::io::Write::write_all(&mut child.stdin.take().unwrap(), manifest.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{manifest}: {}", said(&output));
    }

    /// One of the commands of `tests/cluster`, for faults.
    pub(crate) fn harness(&self, arguments: &[&str]) {
        let command = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cluster/").to_owned() + arguments[0];
        let output = Command::new(command).args(&arguments[1..]).env("STACKGRES_CLUSTER_DIR", &self.folder).output().unwrap();
        assert!(output.status.success(), "{arguments:?}: {}", said(&output));
    }

    /// Installs `deploy/`, and a pod that is everybody's client.
    fn install(&self) {
        let root = concat!(env!("CARGO_MANIFEST_DIR"), "/deploy");
        let mut output = self.kubectl(&["apply", "--server-side", "--force-conflicts", "-k", root]);
        for _ in 0..20 {
            if output.status.success() {
                break;
            }
            std::thread::sleep(Duration::from_millis(500));
            output = self.kubectl(&["apply", "--server-side", "--force-conflicts", "-k", root]);
        }
        assert!(output.status.success(), "{}", said(&output));
        // Another build may stand behind the same tag.
        self.ok(&["-n", "stackgres", "rollout", "restart", "deployment/stackgres"]);
        self.ok(&["-n", "stackgres", "rollout", "status", "deployment/stackgres", "--timeout=120s"]);
        self.apply(
            "apiVersion: v1\nkind: Namespace\nmetadata: {name: client, labels: {pod-security.kubernetes.io/enforce: restricted}}\n---\napiVersion: v1\nkind: Pod\nmetadata: {name: client, namespace: client}\nspec:\n  automountServiceAccountToken: false\n  terminationGracePeriodSeconds: 1\n  securityContext: {runAsNonRoot: true, runAsUser: 999, seccompProfile: {type: RuntimeDefault}}\n  containers:\n  - name: client\n    image: stackgres/util:17.12\n    command: [/bin/sh, -c, 'sleep 86400']\n    securityContext: {allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}}\n",
        );
        self.ok(&["-n", "client", "wait", "pod/client", "--for=condition=Ready", "--timeout=60s"]);
    }
}

/// Waits until something is so; the limit is there so that a test ends, and is no measure.
pub(crate) fn until(what: &str, seconds: u64, mut done: impl FnMut() -> bool) {
    let end = Instant::now() + Duration::from_secs(seconds);
    while Instant::now() < end {
        if done() {
            return;
        }
        std::thread::sleep(Duration::from_millis(300));
    }
    panic!("still not: {what}");
}

/// A database cluster in a namespace of its own.
pub(crate) struct Database<'a> {
    pub(crate) nodes: &'a Nodes,
    pub(crate) namespace: String,
}

/// The name of every cluster here.
const NAME: &str = "db";

impl<'a> Database<'a> {
    /// Makes one and waits until it is ready. `more` are further fields of the spec, two blanks deep.
    pub(crate) fn new(nodes: &'a Nodes, namespace: &str, instances: usize, more: &str) -> Self {
        let database = Self::requested(nodes, namespace, instances, more);
        database.ready(instances);
        database
    }

    /// Makes one and waits for nothing.
    pub(crate) fn requested(nodes: &'a Nodes, namespace: &str, instances: usize, more: &str) -> Self {
        let profile = format!(
            "apiVersion: stackgres.io/v1\nkind: SGInstanceProfile\nmetadata: {{name: small, namespace: {namespace}}}\nspec: {{cpu: 300m, memory: 512Mi}}\n"
        );
        Self::requested_with(nodes, namespace, instances, more, &profile)
    }

    /// Makes one with objects that it refers to, and waits for nothing.
    pub(crate) fn requested_with(nodes: &'a Nodes, namespace: &str, instances: usize, more: &str, objects: &str) -> Self {
        until("what an earlier try left is gone", 120, || {
            let phase = nodes.kubectl(&["get", "namespace", namespace, "-o", "jsonpath={.status.phase}", "--ignore-not-found"]);
            !said(&phase).contains("Terminating")
        });
        nodes.apply(&format!(
            "apiVersion: v1\nkind: Namespace\nmetadata: {{name: {namespace}, labels: {{pod-security.kubernetes.io/enforce: restricted}}}}\n---\n{objects}"
        ));
        let database = Self { nodes, namespace: namespace.to_owned() };
        database.spec(instances, more);
        database
    }

    pub(crate) fn spec(&self, instances: usize, more: &str) {
        self.nodes.apply(&self.manifest(instances, more));
    }

    /// The SGCluster with these further fields.
    pub(crate) fn manifest(&self, instances: usize, more: &str) -> String {
        let has = |field: &str| more.lines().any(|line| line.starts_with(field));
        let pods = if has("  pods:") { "" } else { "  pods: {persistentVolume: {size: 1Gi}}\n" };
        let postgres = if has("  postgres:") { "" } else { "  postgres: {version: '17'}\n" };
        let namespace = &self.namespace;
        format!(
            "apiVersion: stackgres.io/v1\nkind: SGCluster\nmetadata: {{name: {NAME}, namespace: {namespace}}}\nspec:\n  instances: {instances}\n{postgres}{pods}{more}"
        )
    }

    pub(crate) fn kubectl(&self, arguments: &[&str]) -> String {
        self.nodes.ok(&[&["-n", &self.namespace], arguments].concat())
    }

    pub(crate) fn status(&self, pointer: &str) -> Value {
        self.status_of(NAME, pointer)
    }

    /// The same of another cluster in the namespace.
    pub(crate) fn status_of(&self, cluster: &str, pointer: &str) -> Value {
        let cluster: Value = serde_json::from_str(&self.kubectl(&["get", "sgcluster", cluster, "-o", "json"])).unwrap();
        cluster.pointer(&format!("/status{pointer}")).cloned().unwrap_or_default()
    }

    /// Status, reason and message of a condition.
    pub(crate) fn condition(&self, name: &str) -> (String, String, String) {
        let conditions = self.status("/conditions");
        let found =
            conditions.as_array().and_then(|all| all.iter().find(|condition| condition["type"] == name)).cloned().unwrap_or_default();
        let text = |field: &str| found[field].as_str().unwrap_or_default().to_owned();
        (text("status"), text("reason"), text("message"))
    }

    /// Waits until the controller says that all is well with so many instances.
    pub(crate) fn ready(&self, instances: usize) {
        let mut last = Default::default();
        let end = Instant::now() + Duration::from_mins(4);
        while Instant::now() < end {
            last = self.condition("Ready");
            if last.0 == "True" && self.status("/readyInstances") == instances {
                return;
            }
            std::thread::sleep(Duration::from_millis(300));
        }
        panic!("{} is not ready: {last:?}\n{}", self.namespace, self.kubectl(&["get", "pods,events"]));
    }

    /// The pod that takes writes, as the cluster's status says.
    pub(crate) fn primary(&self) -> String {
        self.status("/primary").as_str().unwrap_or_default().to_owned()
    }

    pub(crate) fn replicas(&self) -> Vec<String> {
        let primary = self.primary();
        let pods = self.status("/podStatuses");
        let names = pods.as_array().into_iter().flatten().filter_map(|pod| pod["name"].as_str().map(str::to_owned));
        names.filter(|name| *name != primary).collect()
    }

    pub(crate) fn password(&self, key: &str) -> String {
        self.kubectl(&["get", "secret", NAME, "-o", &format!("go-template={{{{index .data \"{key}\" | base64decode}}}}")])
    }

    /// Runs SQL as a client of the Service `service` would, through the pooler.
    pub(crate) fn try_sql(&self, service: &str, sql: &str) -> Output {
        self.client(service, 5, &["psql", "-AtXqc", sql]).output().unwrap()
    }

    /// A command in the client's pod, with the Service `service` and the superuser as PostgreSQL's defaults.
    fn client(&self, service: &str, connect_seconds: u32, command: &[&str]) -> Command {
        let environment = [
            format!("PGHOST={service}.{}", self.namespace),
            format!("PGPASSWORD={}", self.password("superuser-password")),
            "PGUSER=postgres".to_owned(),
            format!("PGCONNECT_TIMEOUT={connect_seconds}"),
        ];
        let environment = environment.each_ref().map(String::as_str);
        self.nodes.command(&[&["-n", "client", "exec", "client", "--", "env"], &environment[..], command].concat())
    }

    pub(crate) fn sql(&self, sql: &str) -> String {
        let output = self.try_sql(NAME, sql);
        assert!(output.status.success(), "{sql}: {}", said(&output));
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    /// Runs SQL as the superuser inside a pod, past the pooler.
    pub(crate) fn inside(&self, pod: &str, sql: &str) -> String {
        self.kubectl(&["exec", pod, "-c", "postgres-util", "--", "psql", "-h", "/var/run/postgresql", "-U", "postgres", "-AtXqc", sql])
            .trim()
            .to_owned()
    }

    /// Runs a command in the container of the database.
    pub(crate) fn patroni(&self, pod: &str, script: &str) -> String {
        self.kubectl(&["exec", pod, "-c", "patroni", "--", "/bin/sh", "-c", script])
    }
}

impl Drop for Database<'_> {
    fn drop(&mut self) {
        if std::env::var_os("STACKGRES_TEST_KEEP").is_some() {
            return;
        }
        let namespace = self.namespace.as_str();
        self.nodes.kubectl(&["-n", namespace, "annotate", "sgcluster", "--all", "stackgres.io/deletion-protection=false", "--overwrite"]);
        self.nodes.kubectl(&["-n", namespace, "delete", "sgcluster", "--all", "--timeout=30s"]);
        let mut gone = false;
        for _ in 0..20 {
            gone = self.nodes.kubectl(&["delete", "namespace", namespace, "--wait=false"]).status.success();
            if gone {
                break;
            }
            // The mark that protects the namespace goes a moment after its last cluster.
            std::thread::sleep(Duration::from_millis(500));
        }
        if !gone {
            eprintln!("the namespace {namespace} is left");
        }
    }
}
