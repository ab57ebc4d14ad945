//! The program as people and pipelines run it.

use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn stackgres(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_stackgres")).args(arguments).current_dir(folder).env_clear().output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn examples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples-repo")
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::write(&target, std::fs::read(entry.path()).unwrap()).unwrap();
        }
    }
}

fn replace(folder: &Path, file: &str, from: &str, to: &str) {
    let path = folder.join(file);
    let old = std::fs::read_to_string(&path).unwrap();
    assert!(old.contains(from), "{file} does not hold {from:?}");
    std::fs::write(path, old.replace(from, to)).unwrap();
}

/// The tutorial must be right: it is what people copy.
#[test]
fn the_examples_are_clean() {
    let output = stackgres(&examples(), &["check", "."]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stdout));
    assert!(output.stdout.is_empty(), "{}", text(&output.stdout));
    assert!(text(&output.stderr).contains("4 clusters can run"), "{}", text(&output.stderr));
}

#[test]
fn errors_have_a_place_a_help_and_exit_code_3() {
    let folder = tempfile::tempdir().unwrap();
    copy(&examples(), folder.path());
    replace(folder.path(), "shop/orders.yaml", "instances: 3", "instnaces: 3");
    let output = stackgres(folder.path(), &["check", ".", "--output", "json"]);
    assert_eq!(output.status.code(), Some(3));
    let found: Value = serde_json::from_slice(&output.stdout).unwrap();
    let first = &found["diagnostics"][0];
    assert_eq!(first["code"], "missing-field");
    let unknown = &found["diagnostics"][1];
    assert_eq!(
        (unknown["code"].as_str(), unknown["file"].as_str(), unknown["line"].as_u64()),
        (Some("unknown-field"), Some("shop/orders.yaml"), Some(10))
    );
    assert_eq!(unknown["help"], "did you mean `instances`?");
    assert_eq!(unknown["path"], "spec.instnaces");
    let shown = text(&stackgres(folder.path(), &["check", "."]).stdout);
    assert!(shown.contains(" 10 |   instnaces: 3\n    |   ^"), "{shown}");
    let github = text(&stackgres(folder.path(), &["check", ".", "--output", "github"]).stdout);
    assert!(github.contains("::error file=shop/orders.yaml,line=10,col=3,title=unknown-field::"), "{github}");
    let sarif: Value = serde_json::from_slice(&stackgres(folder.path(), &["check", ".", "--output", "sarif"]).stdout).unwrap();
    assert_eq!(sarif["runs"][0]["results"][1]["ruleId"], "unknown-field");
}

/// In a part of a repository, what is elsewhere is not missing.
#[test]
fn a_partial_set_warns_about_missing_references() {
    let file = "shop/orders.yaml";
    assert_eq!(stackgres(&examples(), &["check", file]).status.code(), Some(3));
    let partial = stackgres(&examples(), &["check", file, "--partial"]);
    assert_eq!(partial.status.code(), Some(0), "{}", text(&partial.stdout));
    assert!(text(&partial.stdout).contains("warning[missing-reference]"));
}

#[test]
fn a_missing_file_is_a_failure_that_names_it() {
    let output = stackgres(&examples(), &["check", "nowhere"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("nowhere"));
}

/// What was passed over is seen in every form of output, and what could not be read hides nothing of the rest.
#[test]
fn nothing_is_passed_over_unseen() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    let cluster = "apiVersion: stackgres.io/v1\nkind: SGCluster\nmetadata: {name: a}\nspec: {bogus: 1, instances: 2, postgres: {version: '17'}, pods: {persistentVolume: {size: 10Gi}}}\n";
    write("a.yaml", cluster);
    write("d.yaml", "apiVersion: apps/v1\nkind: Deployment\n");
    write("m.txt", cluster);
    std::fs::create_dir_all(folder.path().join("sub/.git-hooks")).unwrap();
    write("sub/b.yaml", "a: [\n");
    write(".stackgresignore", "sub/b.yaml\n");
    std::os::unix::fs::symlink("a.yaml", folder.path().join("link.yaml")).unwrap();
    let run = |arguments: &[&str]| stackgres(folder.path(), arguments);

    let missing = run(&["check", "nowhere", "a.yaml"]);
    assert_eq!(missing.status.code(), Some(2));
    assert!(
        text(&missing.stderr).contains("cannot read nowhere") && text(&missing.stdout).contains("unknown-field"),
        "the rest is checked"
    );

    let json: Value = serde_json::from_slice(&run(&["check", ".", "-o", "json"]).stdout).unwrap();
    assert_eq!(json["leftAlone"][0]["file"], "d.yaml");
    assert_eq!(json["leftAlone"][1]["reason"], "hidden: its name begins with a dot", "{json:#}");
    assert!(
        json["diagnostics"].as_array().unwrap().iter().any(|found| found["code"] == "link-not-followed" && found["file"] == "link.yaml")
    );
    let sarif: Value = serde_json::from_slice(&run(&["check", ".", "-o", "sarif"]).stdout).unwrap();
    let notes = sarif["runs"][0]["results"].as_array().unwrap().iter().filter(|result| result["ruleId"] == "left-alone").count();
    assert_eq!(notes, 2, "{sarif:#}");
    assert!(text(&run(&["check", ".", "-o", "github"]).stderr).contains("left alone: d.yaml"));

    // A file that was named is read whatever its ending, and standard input is a file.
    assert_eq!(run(&["check", "m.txt"]).status.code(), Some(3));
    let mut child = Command::new(env!("CARGO_BIN_EXE_stackgres"))
        .args(["check", "-"])
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    std::io::Write::write_all(&mut child.stdin.take().unwrap(), cluster.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(text(&output.stdout).contains("--> -:4:8"), "{}", text(&output.stdout));

    // What the whole leaves out, a part leaves out too.
    assert_eq!(run(&["check", "sub"]).status.code(), Some(0));
    let named = run(&["check", "sub/b.yaml"]);
    assert_eq!(named.status.code(), Some(0));
    assert!(text(&named.stderr).contains("left alone: sub/b.yaml: .stackgresignore names it"), "{}", text(&named.stderr));
}

#[test]
fn the_consequence_of_a_change_is_told_before_its_fields() {
    let (base, head) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    copy(&examples(), base.path());
    copy(&examples(), head.path());
    let diff = |more: &[&str]| {
        let mut arguments =
            vec!["diff", "--base-directory", base.path().to_str().unwrap(), "--head-directory", head.path().to_str().unwrap()];
        arguments.extend(more);
        let output = stackgres(base.path(), &arguments);
        (output.status.code(), text(&output.stdout))
    };
    assert_eq!(diff(&["--exit-code"]).0, Some(0));
    assert!(diff(&[]).1.contains("no difference"));

    replace(head.path(), "shop/parameters.yaml", "work_mem: 16MB", "work_mem: 64MB");
    let (code, shown) = diff(&["--exit-code"]);
    assert_eq!(code, Some(1), "{shown}");
    assert!(shown.contains("shop/orders: reload, no connection is lost"), "{shown}");
    assert!(shown.contains("16MB → 64MB (shop/parameters.yaml:11:5)"), "{shown}");

    replace(head.path(), "shop/parameters.yaml", "max_connections: '200'", "max_connections: '400'");
    let shown = diff(&[]).1;
    assert!(shown.contains("restart of every instance, replicas first, one switchover"), "{shown}");
    assert!(shown.contains("raised, so the replicas go first"), "{shown}");

    replace(head.path(), "shop/orders.yaml", "50Gi", "20Gi");
    let (code, shown) = diff(&[]);
    assert_eq!(code, Some(4), "{shown}");
    assert!(shown.contains("storage-shrinks") && shown.contains("shop/orders.yaml:"), "{shown}");
    let json: Value = serde_json::from_str(&diff(&["--output", "json"]).1).unwrap();
    assert_eq!(json["clusters"][0]["action"], "refused");
}

/// A pull request is compared without a cluster, a credential or a checkout of the older side.
#[test]
fn two_commits_of_a_repository_are_compared() {
    let folder = tempfile::tempdir().unwrap();
    copy(&examples(), folder.path());
    let repository = git2::Repository::init(folder.path()).unwrap();
    let commit = |message: &str| {
        let mut index = repository.index().unwrap();
        index.add_all(["*"], git2::IndexAddOption::DEFAULT, None).unwrap();
        let tree = repository.find_tree(index.write_tree().unwrap()).unwrap();
        let who = git2::Signature::new("Test", "test@example.com", &git2::Time::new(0, 0)).unwrap();
        let parent = repository.head().ok().and_then(|head| head.peel_to_commit().ok());
        repository.commit(Some("HEAD"), &who, &who, message, &tree, &parent.iter().collect::<Vec<_>>()).unwrap()
    };
    let base = commit("base").to_string();
    replace(folder.path(), "platform/scratch.yaml", "instances: 1", "instances: 2");
    let head = commit("head").to_string();
    let output = stackgres(folder.path(), &["diff", "--base", &base, "--head", &head]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let shown = text(&output.stdout);
    assert!(shown.contains("1 of 4 clusters change") && shown.contains("scratch-1: nothing (joins as a replica)"), "{shown}");
    let missing = stackgres(folder.path(), &["diff", "--base", "nowhere"]);
    assert_eq!(missing.status.code(), Some(2));
    assert!(text(&missing.stderr).contains("hint:"));
}

#[test]
fn explain_tells_about_codes_and_fields() {
    let shown = |what: &str| text(&stackgres(&examples(), &["explain", what]).stdout);
    assert!(shown("storage-shrinks").contains("Volumes cannot shrink"));
    assert!(shown("sgcluster.spec.pods.persistentVolume.size").contains("required"));
    assert!(shown("sgpgconfig.spec.postgresql.conf").contains("Parameters by name"));
    // Paths are taken as findings and plans print them.
    assert!(shown("sgpostgresconfig.spec[\"postgresql.conf\"].work_mem").contains("SGPostgresConfig.spec.postgresql.conf.work_mem"));
    assert!(shown("sgcluster.spec.postgresServices.primary.customPorts[metrics].port").contains("customPorts.port"));
    assert!(shown("sgcluster.metadata.labels").contains("kubectl explain pod.metadata.labels"));
    let below = stackgres(&examples(), &["explain", "sgcluster.spec.instances.count"]);
    assert!(text(&below.stderr).contains("has no fields"), "{}", text(&below.stderr));
    // A kind that nothing carries out says so.
    assert!(shown("sgbackup.spec.sgCluster").contains("writing one is an error (kind-not-supported-yet)"));
    assert!(shown("sgconfig").contains("writing one is a warning (kind-not-supported-yet)"));
    let wrong = stackgres(&examples(), &["explain", "storage-shrink"]);
    assert_eq!(wrong.status.code(), Some(3));
    assert!(text(&wrong.stderr).contains("did you mean storage-shrinks?"));
}

/// A silenced warning that could not be found again would be forgotten.
#[test]
fn silenced_warnings_are_counted_and_kept() {
    let folder = tempfile::tempdir().unwrap();
    let cluster = "apiVersion: stackgres.io/v1\nkind: SGCluster\nmetadata:\n  name: a\n  annotations:\n    silence.stackgres.io/single-instance: a demo\nspec: {instances: 1, postgres: {version: '17'}, pods: {persistentVolume: {size: 5Gi}}}\n";
    std::fs::write(folder.path().join("a.yaml"), cluster).unwrap();
    let output = stackgres(folder.path(), &["check", "a.yaml"]);
    assert_eq!((output.status.code(), text(&output.stdout)), (Some(0), String::new()));
    assert!(text(&output.stderr).contains("no problem, 1 silenced; 1 cluster can run"), "{}", text(&output.stderr));
    let json = |format: &str| -> Value {
        serde_json::from_slice(&stackgres(folder.path(), &["check", "a.yaml", "--output", format]).stdout).unwrap()
    };
    let found = json("json");
    assert_eq!(found["diagnostics"], serde_json::json!([]));
    let silenced = &found["silenced"][0];
    assert_eq!((&silenced["code"], &silenced["reason"], &silenced["line"]), (&"single-instance".into(), &"a demo".into(), &7.into()));
    let result = &json("sarif")["runs"][0]["results"][0];
    assert_eq!((&result["ruleId"], &result["suppressions"][0]["justification"]), (&"single-instance".into(), &"a demo".into()));
    let explained = text(&stackgres(folder.path(), &["explain", "single-instance"]).stdout);
    assert!(explained.contains("silence.stackgres.io/single-instance: REASON"), "{explained}");
    assert!(!text(&stackgres(folder.path(), &["explain", "unknown-choice"]).stdout).contains("silence"), "an error cannot be silenced");
}

/// Whoever changes a setting asks first what it takes and whom it disturbs; a wrong answer is an outage that nobody planned.
#[test]
fn explain_tells_about_settings() {
    let shown = |what: &str| text(&stackgres(&examples(), &["explain", what]).stdout);
    let connections = shown("postgresql.conf/max_connections");
    for line in ["1 to 262143", "restarts PostgreSQL", "Default here     100", "below 25", "replicas restart first"] {
        assert!(connections.contains(line), "{line}: {connections}");
    }
    let workers = shown("postgresql.conf/autovacuum_max_workers");
    assert!(workers.contains("restarts PostgreSQL, one instance after another (13 to 17); reloads (18)"), "{workers}");
    let memory = shown("postgresql.conf/Work_Mem");
    assert!(
        memory.contains("in units of kB") && memory.contains("4096kB") && memory.contains("a two-hundredth part of the memory"),
        "{memory}"
    );
    assert!(shown("postgresql.conf/archive_mode").contains("parameter-not-settable"));
    assert!(shown("pgbouncer.ini/default_pool_size").contains("Default here     max_connections less"));
    let pooler = shown("pgbouncer.ini/pool_mode");
    assert!(pooler.contains("session | transaction | statement") && pooler.contains("reloads"), "{pooler}");
    for (wrong, hint) in
        [("postgresql.conf/wal_leve", "wal_level"), ("pgbouncer.ini/pool_mod", "pool_mode"), ("my.cnf/x", "postgresql.conf/NAME")]
    {
        let refused = stackgres(&examples(), &["explain", wrong]);
        assert_eq!(refused.status.code(), Some(3), "{wrong}");
        assert!(text(&refused.stderr).contains(hint), "{}", text(&refused.stderr));
    }
}

/// A program that reads the values must find one document a cluster, the same each time, with the place of what is written.
#[test]
fn render_tells_where_each_value_comes_from() {
    let run = |arguments: &[&str]| stackgres(&examples(), arguments);
    let all = run(&["render", ".", "--effective"]);
    assert!(all.status.success(), "{}", text(&all.stderr));
    let documents = text(&all.stdout).matches("---\n").count();
    assert_eq!(documents, text(&all.stderr).lines().filter(|line| line.starts_with("# ")).count());
    assert_eq!(all.stdout, run(&["render", ".", "--effective"]).stdout);
    let shown = text(&all.stdout);
    assert!(
        shown.contains("origin: 'tuned: memory ") && shown.contains("origin: set by the program") && shown.contains(".yaml:"),
        "{shown}"
    );
    assert!(!shown.contains("kind: StatefulSet"), "objects beside the values");
    let none = run(&["render", ".", "--effective", "--cluster", "shop/none"]);
    assert_eq!(none.status.code(), Some(3));
}

/// A backup that nothing makes must be told where it stands, and a mistake in it as well; one kind that has no effect blocks nothing.
#[test]
fn kinds_that_nothing_carries_out_are_checked_and_told() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, content: &str| std::fs::write(folder.path().join(name), content).unwrap();
    write(
        "backup.yaml",
        "apiVersion: stackgres.io/v1\nkind: SGBackup\nmetadata: {name: b, namespace: shop}\nspec: {sgCluster: a, maxRetrys: 3}\n",
    );
    write(
        "logs.yaml",
        "apiVersion: stackgres.io/v1\nkind: SGDistributedLogs\nmetadata: {name: l, namespace: shop}\nspec: {persistentVolume: {size: 1Gi}}\n",
    );
    let output = stackgres(folder.path(), &["check", "."]);
    let shown = format!("{}{}", text(&output.stdout), text(&output.stderr));
    assert_eq!(output.status.code(), Some(3), "{shown}");
    for part in [
        "error[kind-not-supported-yet]",
        "backup.yaml:2:1",
        "did you mean `maxRetries`?",
        "warning[kind-not-supported-yet]",
        "logs.yaml:2:1",
    ] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
    std::fs::remove_file(folder.path().join("backup.yaml")).unwrap();
    assert_eq!(stackgres(folder.path(), &["check", "."]).status.code(), Some(0), "a warning blocks nothing");
}

/// What a program reads must fit the schema it was told, with and without a cluster to compare with.
#[test]
fn the_schema_of_a_plan_needs_nothing_to_compare() {
    for (arguments, field) in
        [(&["diff", "--output", "schema"][..], "clusters"), (&["diff", "--live", "--output", "schema"], "customResources")]
    {
        let output = stackgres(&examples(), arguments);
        let schema: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        assert!(schema.to_string().contains(&format!("\"{field}\"")), "{schema:#}");
    }
    let nothing = stackgres(&examples(), &["diff"]);
    assert_eq!(nothing.status.code(), Some(3));
    assert!(text(&nothing.stderr).contains("--base REVISION"), "{}", text(&nothing.stderr));
}

/// A pipe in a folder would be waited for without end; a file named twice is no second cluster.
#[test]
fn folders_with_pipes_and_files_named_twice() {
    let folder = tempfile::tempdir().unwrap();
    assert!(Command::new("mkfifo").arg(folder.path().join("pipe.yaml")).status().unwrap().success());
    let cluster = "apiVersion: stackgres.io/v1\nkind: SGCluster\nmetadata: {name: a}\nspec: {instances: 2, postgres: {version: '17'}, pods: {persistentVolume: {size: 10Gi}}}\n";
    std::fs::write(folder.path().join("a.yaml"), cluster).unwrap();
    let output = stackgres(folder.path(), &["check", ".", "a.yaml", "./a.yaml"]);
    assert_eq!(output.status.code(), Some(3), "a pipe named like a manifest may hide one");
    assert!(text(&output.stdout).contains("error[file-not-readable]") && text(&output.stdout).contains("--> pipe.yaml"));
    assert!(text(&output.stderr).contains("1 error; 1 cluster can run"), "{}", text(&output.stderr));

    // The size may stand in the part of the set that is missing.
    std::fs::write(
        folder.path().join("a.yaml"),
        cluster.replace("spec: {", "spec: {sgInstanceProfile: xl, configurations: {postgres: {postgresql.conf: {shared_buffers: 8GB}}}, "),
    )
    .unwrap();
    let output = stackgres(folder.path(), &["check", "--partial", "a.yaml"]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stdout));
}

/// A user who meets a code must be able to look it up.
#[test]
fn every_code_in_the_source_can_be_explained() {
    fn walk(folder: &Path, codes: &mut Vec<(String, PathBuf)>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, codes);
                continue;
            }
            let source = std::fs::read_to_string(&path).unwrap();
            for call in ["Diagnostic::error(", "Diagnostic::warning(", "Diagnostic::info(", "Diagnostic::new(severity, "] {
                for rest in source.split(call).skip(1) {
                    if let Some(code) = rest.trim_start().strip_prefix('"').and_then(|rest| rest.split('"').next()) {
                        codes.push((code.to_owned(), path.clone()));
                    }
                }
            }
        }
    }
    let mut codes = Vec::new();
    walk(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut codes);
    let known = stackgres::engine::codes::all();
    assert!(codes.len() > 60, "the search found only {}", codes.len());
    for (code, path) in codes {
        assert!(known.contains_key(code.as_str()), "{code} of {} is in no table", path.display());
    }
}
