//! Planted secrets: in every place where one can live, and then looked for in everything that the program says.

use super::planted::{Home, Planted};
use super::program::{Running, get};
use super::verbs::run_each;
use super::world::{NAMESPACE, World};
use crate::source::git;
use base64::Engine as _;
use serde_json::{Value, json};
use stackgres::diagnostics::is_unseen;
use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

/// A fleet of good and bad files. `generation` makes another set of secrets, so that a comparison has something to show.
fn manifests(planted: &mut Planted, generation: u32) -> BTreeMap<&'static str, String> {
    let mut plant = |what: &str| planted.plant(Home::Manifest, &format!("{what}, generation {generation}"));
    let good = format!(
        "# once: password={comment}
apiVersion: stackgres.io/v1
kind: SGCluster
metadata:
  name: a
  annotations: {{note: 'postgres://app:{annotation}@db/x'}}
spec:
  instances: 1
  postgres: {{version: '17'}}
  sgInstanceProfile: small
  pods:
    persistentVolume: {{size: 5Gi}}
    customEnv: {{patroni: [{{name: DB_PASSWORD, value: {environment}}}]}}
    customContainers:
      - name: x
        image: i
        args: ['--password', '{argument}', '--token={flag}']
        command: [sh, -c, 'export PGPASSWORD={export}; curl https://{address}@host/']
        env: [{{name: AWS_SECRET_ACCESS_KEY, value: '{key}'}}]
  configurations:
    postgres:
      postgresql.conf:
        my.api_token: {parameter}
        work_mem: {work_mem}MB
    pooling: {{pgBouncer: {{pgbouncer.ini: {{pgbouncer: {{max_client_conn: '{clients}'}}}}}}}}
    credentials: {{users: {{superuser: {{password: {{name: given, key: p}}}}}}}}
  managedSql: {{scripts: [{{sgScript: s}}]}}
---
apiVersion: stackgres.io/v1
kind: SGScript
metadata: {{name: s}}
spec:
  scripts:
    - name: roles
      script: |
        CREATE ROLE app LOGIN PASSWORD '{sql}';
        SELECT dblink_connect('host=db password={connection}');
    - name: more
      scriptFrom: {{secretKeyRef: {{name: sql, key: q}}}}
    - name: mapped
      scriptFrom: {{configMapKeyRef: {{name: sql, key: q}}}}
---
apiVersion: v1
kind: ConfigMap
metadata: {{name: sql}}
data: {{q: \"ALTER ROLE app PASSWORD '{map}'\"}}
---
apiVersion: stackgres.io/v1
kind: SGInstanceProfile
metadata: {{name: small}}
spec: {{cpu: '1', memory: 2Gi}}
",
        work_mem = 7 + generation,
        clients = 100 + generation,
        comment = plant("a comment"),
        annotation = plant("an address in an annotation"),
        environment = plant("a variable"),
        argument = plant("an argument"),
        flag = plant("a flag"),
        export = plant("a command"),
        address = plant("an address in a command"),
        key = plant("a variable of a container"),
        parameter = plant("a parameter"),
        sql = plant("a password in SQL"),
        connection = plant("a connection string in SQL"),
        map = plant("a password in a ConfigMap"),
    );
    let bad = format!(
        "apiVersion: stackgres.io/v1
kind: SGCluster
metadata: {{name: bad}}
spec:
  instances: 1
  postgres: {{version: '17'}}
  adminPassword: {unknown}
  pods: {{persistentVolume: {{size: 5Gi}}}}
  configurations:
    postgres:
      postgresql.conf:
        primary_conninfo: 'host=db password={conninfo}'
        ssl_passphrase_command: 'echo {passphrase}'
        work_mem: 'password={value}'
        shared_buffers: |
          token: {block}
    credentials: {{users: {{superuser: {{password: '{inline}'}}}}}}
    binding: {{provider: [x], password: '{binding}'}}
---
apiVersion: stackgres.io/v1
kind: SGObjectStorage
metadata: {{name: o}}
spec:
  type: s3Compatible
  s3Compatible:
    bucket: b
    awsCredentials:
      secretKeySelectors: {{accessKeyId: {access}, secretAccessKey: {access_secret}}}
---
apiVersion: stackgres.io/v1
kind: SGPoolingConfig
metadata: {{name: p}}
spec: {{pgBouncer: {{pgbouncer.ini: {{databases: {{x: {{host: h, password: '{pooler}', bogus: 1}}}}, pgbouncer: {{auth_query: 'password={query}'}}}}}}}}
---
apiVersion: stackgres.io/v1alpha1
kind: SGFleet
metadata: {{name: nested}}
spec: {{source: {{git: {{url: 'https://user:{url}@host/x.git', interval: 'password={interval}'}}}}}}
---
apiVersion: v1
kind: Secret
metadata: {{name: plain}}
stringData: {{p: '{plain}'}}
data: {{q: {encoded}}}
",
        unknown = plant("a value of an unknown field"),
        conninfo = plant("primary_conninfo"),
        passphrase = plant("a passphrase"),
        value = plant("a bad value"),
        block = plant("a bad block"),
        inline = plant("a password where a reference belongs"),
        binding = plant("a password of a binding"),
        access = plant("an access key"),
        access_secret = plant("a secret access key"),
        pooler = plant("a password of the pooler"),
        query = plant("a query of the pooler"),
        url = plant("an address of a fleet"),
        interval = plant("an interval"),
        plain = plant("a Secret in a repository"),
        encoded = base64::engine::general_purpose::STANDARD.encode(plant("an encoded Secret in a repository")),
    );
    let broken = format!("kind: Secret\nstringData:\n  password: \"{}\" x\n", plant("a Secret that is no YAML"));
    let torn = format!("kind: SGScript\nspec:\n  scripts:\n    - script: \"ALTER ROLE a PASSWORD '{}'\" x\n", plant("SQL that is no YAML"));
    BTreeMap::from([("good.yaml", good), ("bad.yaml", bad), ("broken.yaml", broken), ("torn.yaml", torn)])
}

/// What moves a terminal, reverses what is read or hides, in every place of a manifest that takes text: as escapes of YAML.
fn hostile() -> BTreeMap<&'static str, String> {
    let odd = r"\e[2J\e]0;owned\a\r\b\x9b\x85\u202e\u2066\u200b\u2028\ufeff<script>alert(1)</script><img src=x onerror=alert(1)>";
    let document = format!(
        "apiVersion: stackgres.io/v1
kind: SGCluster
metadata:
  name: \"h{odd}\"
  labels: {{\"l{odd}\": \"v{odd}\"}}
  annotations: {{\"a{odd}\": \"v{odd}\"}}
spec:
  \"unknown{odd}\": 1
  instances: \"two{odd}\"
  postgres: {{version: \"17{odd}\"}}
  sgInstanceProfile: \"nowhere{odd}\"
---
apiVersion: stackgres.io/v1
kind: SGCluster
metadata: {{name: odd, annotations: {{note: \"{odd}\"}}}}
spec:
  instances: 1
  postgres: {{version: '17'}}
  pods:
    persistentVolume: {{size: 5Gi}}
    customEnv: {{patroni: [{{name: BANNER, value: \"{odd}\"}}]}}
  configurations: {{postgres: {{postgresql.conf: {{cluster_name: \"{odd}\", \"bad{odd}\": \"{odd}\", my.banner: \"{odd}\"}}}}}}
  managedSql: {{scripts: [{{sgScript: odd}}]}}
---
apiVersion: stackgres.io/v1
kind: SGScript
metadata: {{name: odd}}
spec: {{scripts: [{{name: \"{odd}\", database: \"{odd}\", script: \"SELECT '{odd}'\"}}]}}
---
apiVersion: v1
kind: \"Other{odd}\"
metadata: {{name: \"{odd}\"}}
"
    );
    let good = "apiVersion: stackgres.io/v1\nkind: SGCluster\nmetadata: {name: banner, annotations: {note: \"X\"}}\nspec:\n  instances: 1\n  postgres: {version: '17'}\n  pods: {persistentVolume: {size: 5Gi}, customEnv: {patroni: [{name: BANNER, value: \"X\"}]}}\n  configurations: {postgres: {postgresql.conf: {my.banner: \"X\"}}}\n";
    BTreeMap::from([
        ("hostile.yaml", document),
        ("banner.yaml", good.replace('X', odd)),
        // Each of our annotations with nothing that it takes: a cluster that breaks others would be a way to stop all of them.
        ("poisoned.yaml", {
            let ours = [
                "hold",
                "rollout",
                "rollout-method",
                "rollout-schedule",
                "rollout-retry",
                "switchover",
                "restart",
                "promote",
                "reconciliation-pause",
                "accept-release",
            ];
            let poison: String = ours.iter().map(|name| format!(", stackgres.io/{name}: \"{odd}\"")).collect();
            good.replace("banner", "poisoned").replace("note: \"X\"", &format!("note: x{poison}")).replace('X', "x")
        }),
        ("na\u{1b}[2J\u{202e}\u{200b}\rme.yaml", "a: [\n# \u{1b}[2J raw \u{202e}\n".to_owned()),
        ("raw.yaml", "kind: SGCluster # \u{202e}\u{9b}31m\n\u{202e}x: \u{1b}[2J\n".to_owned()),
    ])
}

/// Collects what must not be there, so that one run tells every leak.
struct Search {
    planted: Planted,
    leaks: Vec<String>,
    looked: usize,
}

impl Search {
    fn look(&mut self, place: &str, text: &str, inputs: bool) {
        self.looked += 1;
        let mut found = self.planted.seen(text, inputs);
        if text.contains(|character: char| is_unseen(character) && !matches!(character, '\n' | '\t')) {
            found.push("a character that moves a terminal");
        }
        for what in found {
            let leak = format!("{}: {what}", place.escape_debug());
            if !self.leaks.contains(&leak) {
                self.leaks.push(leak);
            }
        }
    }

    fn end(self, at_least: usize) {
        assert!(self.looked >= at_least, "only {} outputs were looked at", self.looked);
        assert!(self.leaks.is_empty(), "{} leaks:\n{}", self.leaks.len(), self.leaks.join("\n"));
    }
}

fn write(folder: &Path, files: &BTreeMap<&'static str, String>) {
    std::fs::create_dir_all(folder).unwrap();
    for (name, text) in files {
        std::fs::write(folder.join(name), text).unwrap();
    }
}

/// Fleets whose sources fail in every way that knows a credential, and the Secrets of all.
fn fleets(planted: &mut Planted, folder: &Path, reflecting: &crate::source::server::Server) -> Vec<Value> {
    let secret = |name: &str, data: Value| json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name, "namespace": NAMESPACE}, "stringData": data});
    let fleet = |name: &str, source: Value| {
        json!({"apiVersion": "stackgres.io/v1alpha1", "kind": "SGFleet", "metadata": {"name": name, "namespace": NAMESPACE},
            "spec": {"source": source, "drift": "revert"}})
    };
    let mut secrets = Vec::new();
    let mut hidden = |what: &str| planted.plant(Home::Secret, what);
    secrets.push(secret("basic", json!({"username": hidden("a user name"), "password": hidden("a password of a repository")})));
    secrets.push(secret("bearer", json!({"token": hidden("a token of a repository")})));
    let key = format!("-----BEGIN OPENSSH PRIVATE KEY-----\n{}\n-----END OPENSSH PRIVATE KEY-----\n", hidden("an SSH key"));
    secrets.push(secret("ssh", json!({"identity": key, "known_hosts": format!("127.0.0.1 ssh-ed25519 {}\n", hidden("a host key"))})));
    secrets.push(secret("broken", json!({"identity": hidden("no SSH key"), "known_hosts": "x"})));
    secrets.push(secret("given", json!({"p": hidden("a given password")})));
    secrets.push(secret("sql", json!({"q": format!("ALTER ROLE app PASSWORD '{}'", hidden("SQL of a Secret"))})));
    secrets.push(secret("line", json!({"p": format!("{}\nline", hidden("a password of two lines"))})));
    let mut seen = |what: &str| planted.plant(Home::Manifest, what);
    let (user, query, login, proxy) =
        (seen("an address with a password"), seen("an address with a token"), seen("an SSH address"), seen("a proxy"));
    let url = reflecting.url("fleet.git");
    let authority = json!({"configMapName": "authority"});
    secrets.extend([
        json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "authority", "namespace": NAMESPACE}, "data": {"ca.crt": reflecting.authority}}),
        json!({"apiVersion": "stackgres.io/v1", "kind": "SGCluster", "metadata": {"name": "lines", "namespace": NAMESPACE}, "spec": {
            "instances": 1, "postgres": {"version": "17"}, "pods": {"persistentVolume": {"size": "5Gi"}},
            "configurations": {"credentials": {"users": {"superuser": {"password": {"name": "line", "key": "p"}}}}}}}),
        fleet("directory", json!({"directory": {"path": folder}})),
        fleet("repository", json!({"git": {"url": folder.with_file_name("repository")}})),
        fleet("branch", json!({"git": {"url": folder.with_file_name("repository"), "ref": {"branch": "no\u{1b}[2J\u{202e}ne"}}})),
        fleet("user", json!({"git": {"url": format!("https://me:{user}@localhost:1/x.git")}})),
        fleet("query", json!({"git": {"url": format!("https://localhost:1/x.git?token={query}")}})),
        fleet("login", json!({"git": {"url": format!("ssh://git:{login}@127.0.0.1:1/x.git")}})),
        fleet("proxy", json!({"git": {"url": "https://localhost:1/x.git", "proxy": format!("http://me:{proxy}@127.0.0.1:1")}})),
        fleet("basic", json!({"git": {"url": url, "credentials": {"secretName": "basic"}, "certificateAuthority": authority}})),
        fleet("bearer", json!({"git": {"url": url, "credentials": {"secretName": "bearer", "type": "bearer"}, "certificateAuthority": authority}})),
        fleet("ssh", json!({"git": {"url": "ssh://git@127.0.0.1:1/x.git", "credentials": {"secretName": "ssh", "type": "ssh"}}})),
        fleet("broken", json!({"git": {"url": "ssh://git@127.0.0.1:1/x.git", "credentials": {"secretName": "broken", "type": "ssh"}}})),
    ]);
    secrets
}

/// Law 11. Every verb in every form, the controller with all its logs, metrics, statuses and events, and the page. A plan is posted where
/// everybody reads it and logs are kept for years: one readable password there is a leak for ever.
#[test]
fn nothing_planted_reaches_any_output() {
    let world = World::start();
    let folder = world.folder.path();
    let mut planted = Planted::default();
    let (one, two) = (manifests(&mut planted, 1), manifests(&mut planted, 2));
    for (name, files) in [("one", &one), ("two", &two), ("live", &one), ("repository", &one)] {
        write(&folder.join(name), files);
        write(&folder.join(name), &hostile());
    }
    std::fs::create_dir(folder.join("empty")).unwrap();
    let repository = folder.join("repository");
    git(&repository, &["init", "--quiet"]);
    git(&repository, &["add", "--all"]);
    git(&repository, &["commit", "--quiet", "--message", "one"]);
    let base = git(&repository, &["rev-parse", "HEAD"]);
    write(&repository, &two);
    let odd = "\u{1b}[2J\u{9b}31m\u{202e}\u{200b}two";
    git(&repository, &["commit", "--quiet", "--all", "--message", odd, "--author", &format!("{odd} <a@example.org>")]);
    git(&repository, &["branch", "feature\u{202e}\u{200b}x"]);

    let reflecting = world.runtime.block_on(crate::source::server::Server::start(folder));
    reflecting.set(crate::source::server::Mood::Reflect);
    for object in fleets(&mut planted, &folder.join("live"), &reflecting) {
        world.apply(object);
    }
    let mut search = Search { planted, leaks: Vec::new(), looked: 0 };

    // The controller, first with JSON lines, then with text, and with a change in between.
    let live = folder.join("live");
    let run = |more: &[&str]| {
        let mut arguments =
            vec!["run", "--no-lease", "--listen", "127.0.0.1:0", "--log", "debug,stackgres=trace", "--interval-seconds", "1"];
        arguments.extend(["--directory", folder.to_str().unwrap(), "--cache-directory", "cache"]);
        arguments.extend(more);
        Running::start(folder, Some(&world.kubeconfig), &arguments)
    };
    let controller = run(&[]);
    let revision = world.until("a", |cluster| cluster["status"]["running"]["revision"].as_str().map(str::to_owned));
    world.until("lines", |cluster| cluster["status"]["waiting"]["for"].as_str().map(str::to_owned));
    for fleet in ["repository", "branch", "user", "query", "login", "proxy", "basic", "bearer", "ssh", "broken"] {
        world.until_fleet(fleet, |fleet| {
            let conditions = fleet["status"]["conditions"].as_array()?;
            conditions.iter().find(|condition| condition["type"] == "Stalled" || condition["type"] == "Ready").map(|_| ())
        });
    }
    // What the controller itself made is as secret as what it was given.
    world.watch_made_secrets(&mut search.planted);
    write(&live, &two);
    world.until("a", |cluster| {
        (cluster["spec"]["configurations"]["postgres"]["postgresql.conf"]["work_mem"] == "9MB"
            && cluster["status"]["release"]["revision"].as_str().is_some_and(|now| now != revision))
        .then_some(())
    });
    std::thread::sleep(Duration::from_secs(2));
    let address = controller.told("\"address\":\"", '"');
    for path in ["/", "/healthz", "/readyz", "/metrics"] {
        search.look(&format!("controller {path}"), &get(&address, path), false);
    }
    search.look("log of the controller", &controller.said(), false);
    drop(controller);
    let controller = run(&["--log-text"]);
    let page = Running::start(folder, Some(&world.kubeconfig), &["page", "--listen", "127.0.0.1:0", "--log", "debug,stackgres=trace"]);
    let port = page.told("http://localhost:", '\n');
    std::thread::sleep(Duration::from_secs(4));
    let of_a_cluster = ["", "/plan", "/diff", "/events", "/history"].map(|what| format!("/clusters/shop/a{what}"));
    let revision_page = format!("/clusters/shop/a/history/{revision}");
    let others = ["/", "/clusters", "/events", "/clusters/shop/lines", "/clusters/shop/banner", "/api/view", "/stream", "/metrics"];
    for path in others.into_iter().chain(of_a_cluster.iter().map(String::as_str)).chain([revision_page.as_str()]) {
        let shown = get(&format!("127.0.0.1:{port}"), path);
        assert!(shown.starts_with("HTTP/1.1 200"), "{path}: {shown}");
        assert!(
            path.starts_with("/api") || !shown.contains("<img") && !shown.contains("<script>"),
            "{path} runs what a manifest holds: {shown}"
        );
        search.look(&format!("page {path}"), &shown, false);
    }

    run_each(&world, &revision, &base, &mut |place, text, inputs| search.look(place, text, inputs));
    world.look_at_objects(&mut |place, text, inputs| search.look(place, text, inputs));
    search.look("text log of the controller", &controller.said(), false);
    search.look("log of the page", &page.said(), false);
    drop((controller, page));
    search.end(80);
}

/// The demo makes its secrets itself; whoever watches over a shoulder, or records it, sees none.
#[test]
fn the_demo_shows_no_password_that_it_made() {
    let folder = tempfile::tempdir().unwrap();
    let demo = Running::start(folder.path(), None, &["demo", "--listen", "127.0.0.1:0", "--log", "debug,stackgres=trace"]);
    let kubeconfig = demo.told("KUBECONFIG=", '\n');
    let port = demo.told("http://localhost:", '\n');
    demo.told("done: four clusters are ready", '\n');
    let world = World::at(Path::new(kubeconfig.split(' ').next().unwrap()));
    let mut search = Search { planted: Planted::default(), leaks: Vec::new(), looked: 0 };
    world.watch_made_secrets(&mut search.planted);
    for path in
        ["/", "/clusters/shop/orders", "/clusters/shop/orders/diff", "/clusters/shop/orders/history", "/api/view", "/stream", "/metrics"]
    {
        search.look(&format!("page {path}"), &get(&format!("127.0.0.1:{}", port.trim()), path), false);
    }
    world.look_at_objects(&mut |place, text, inputs| search.look(place, text, inputs));
    search.look("what the demo says", &demo.said(), false);
    search.end(20);
}
