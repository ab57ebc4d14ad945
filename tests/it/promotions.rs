//! What a newer program does to clusters that an older one rendered: nothing, unless somebody says so or the instances stop anyway.

use serde_json::{Value, json};
use stackgres::diff::Disturbance;
use stackgres::engine::offline::{Options, SourceFile, Successor, check, frozen, judged, renewal, successor};
use stackgres::model::{NamespacedName, Object};
use stackgres::render::from_effective;
use stackgres::render::revision::Revision;
use stackgres::resolve::{EffectiveValue, Origin, Settings};
use stackgres::validate::ValidCluster;

const BASE: &str = "apiVersion: stackgres.io/v1\nkind: SGCluster\nmetadata: {name: a, namespace: n}\nspec:\n  instances: 3\n  postgres: {version: '17'}\n  pods: {persistentVolume: {size: 2Gi}}\n";

fn valid(text: &str) -> ValidCluster {
    valid_with(text, &Settings::default())
}

fn valid_with(text: &str, settings: &Settings) -> ValidCluster {
    let options = Options { settings: settings.clone(), ..Options::default() };
    let mut report = check(&[SourceFile { path: "a.yaml".to_owned(), content: text.as_bytes().into() }], &options);
    assert!(!report.diagnostics.has_errors(), "{:?}", report.diagnostics);
    report.clusters.remove(&NamespacedName::new("n", "a")).unwrap()
}

fn with(more: &str) -> String {
    format!("{BASE}{more}")
}

fn parameter(revision: &mut Revision, name: &str, value: &str) {
    let value = EffectiveValue { value: value.to_owned(), origin: Origin::Tuned("memory 2Gi".to_owned()) };
    revision.effective.postgres.parameters.insert(name.to_owned(), value);
}

fn set(objects: &[Object]) -> &Object {
    objects.iter().find(|object| object.kind() == "StatefulSet").unwrap()
}

fn template(revision: &Revision) -> Value {
    set(&revision.objects).get("/spec/template").unwrap().clone()
}

fn configuration(revision: &Revision) -> Value {
    let object = revision.objects.iter().find(|object| object.kind() == "Endpoints" && object.annotation("config").is_some()).unwrap();
    serde_json::from_str(object.annotation("config").unwrap()).unwrap()
}

/// What an older program made of these inputs: another formula, an older minor version and image, another template and pooler file.
fn older(text: &str) -> Revision {
    let mut revision = Revision::freeze(&valid(text), "c0ffee");
    parameter(&mut revision, "shared_buffers", "256MB");
    "17.11".clone_into(&mut revision.effective.postgres.version.value);
    for component in ["postgres", "util"] {
        revision.effective.images.insert(component.to_owned(), format!("stackgres/{component}:17.11"));
    }
    revision.objects = from_effective(&revision.effective).objects;
    for object in &mut revision.objects {
        if object.kind() == "StatefulSet" {
            object.value_mut()["spec"]["template"]["metadata"]["annotations"]["stackgres.io/made-from"] = json!("0123456789ab");
            object.value_mut()["spec"]["template"]["spec"]["containers"][0]["env"]
                .as_array_mut()
                .unwrap()
                .push(json!({"name": "OLD", "value": "1"}));
        }
        if object.name().ends_with("-connection-pooling-config") {
            let file =
                object.value()["data"]["pgbouncer.ini"].as_str().unwrap().replace("[pgbouncer]\n", "[pgbouncer]\nolder_setting = 1\n");
            object.value_mut()["data"]["pgbouncer.ini"] = json!(file);
        }
    }
    revision
}

fn other(released: &Revision, text: &str) -> (Revision, String) {
    match successor(released, &valid(text), "f00d", &Settings::default()) {
        Successor::Other { revision, note } => (*revision, note.unwrap_or_default()),
        unexpected => panic!("{unexpected:?}"),
    }
}

/// An upgrade of the controller must not be an upgrade of 10,000 databases.
#[test]
fn the_same_inputs_are_no_release_and_are_offered() {
    let released = older(BASE);
    assert!(matches!(successor(&released, &valid(BASE), "", &Settings::default()), Successor::Same));
    let offer = renewal(&released, &Settings::default()).unwrap().unwrap();
    assert_eq!(offer.revision.digest, released.digest);
    assert_eq!(offer.revision.commit, "c0ffee", "the inputs are still those of that commit");
    assert_eq!(offer.impact.disturbance, Disturbance::PodRecreation, "{:?}", offer.impact);
    assert!(offer.differs.contains("postgres.version 17.11 → 17.12"), "{}", offer.differs);
    assert!(renewal(&offer.revision, &Settings::default()).unwrap().is_none(), "what was promoted is not offered again");
}

/// Raising work_mem in an incident must not restart the database because the controller was upgraded last week.
#[test]
fn a_change_that_only_reloads_keeps_to_the_rendering_that_runs() {
    let released = older(BASE);
    for (change, reloads) in [
        ("  configurations: {postgres: {postgresql.conf: {work_mem: 9MB}}}\n", true),
        ("  configurations: {pooling: {pgBouncer: {pgbouncer.ini: {pgbouncer: {default_pool_size: 99}}}}}\n", true),
        ("  metadata: {labels: {clusterPods: {team: blue}}}\n", false),
        ("  postgresServices: {primary: {type: NodePort}}\n", false),
    ] {
        let (next, note) = other(&released, &with(change));
        let effect = judged(&frozen(&released), &frozen(&next));
        assert_eq!(effect.rounds, 0, "{change}: {effect:?}");
        assert_eq!(effect.disturbance == Disturbance::Reload, reloads, "{change}: {effect:?}");
        assert!(note.starts_with("keeps to the rendering that runs") && note.contains("`stackgres promote n/a`"), "{note}");
        assert_eq!(next.effective.postgres.version.value, "17.11", "a floating version stays at its minor");
        assert_eq!(
            configuration(&next)["postgresql"]["parameters"]["shared_buffers"],
            configuration(&released)["postgresql"]["parameters"]["shared_buffers"]
        );
        let (mut was, mut is) = (template(&released), template(&next));
        for template in [&mut was, &mut is] {
            template["metadata"]["labels"] = Value::Null;
        }
        assert_eq!(was, is, "{change}: pods that are made now are those that run");
        assert!(matches!(successor(&next, &valid(&with(change)), "", &Settings::default()), Successor::Same));
        // What was left is still offered, and taking it comes out as if it had been rendered at once.
        let offer = renewal(&next, &Settings::default()).unwrap().unwrap();
        assert_eq!(offer.revision.objects, Revision::freeze(&valid(&with(change)), "").objects);
    }
    let (next, _) = other(&released, &with("  configurations: {postgres: {postgresql.conf: {work_mem: 9MB}}}\n"));
    assert_eq!(configuration(&next)["postgresql"]["parameters"]["work_mem"], "9216kB");
    let (next, _) =
        other(&released, &with("  configurations: {pooling: {pgBouncer: {pgbouncer.ini: {pgbouncer: {default_pool_size: 99}}}}}\n"));
    let file =
        next.objects.iter().find(|object| object.name().ends_with("-connection-pooling-config")).unwrap().value()["data"]["pgbouncer.ini"]
            .clone();
    let file = file.as_str().unwrap();
    assert!(file.contains("older_setting = 1\n") && file.contains("default_pool_size = 99\n"), "{file}");
}

/// Who restarts anyway restarts once.
#[test]
fn a_change_that_stops_the_instances_takes_the_rendering_along() {
    let released = older(BASE);
    for change in [
        "  configurations: {postgres: {postgresql.conf: {max_connections: '300'}}}\n",
        "  metadata: {annotations: {allResources: {a: b}}}\n  configurations: {postgres: {postgresql.conf: {max_files_per_process: '2000', max_wal_size: 3GB}}}\n",
    ] {
        let (next, note) = other(&released, &with(change));
        assert_eq!(next.objects, Revision::freeze(&valid(&with(change)), "").objects, "{change}");
        assert!(note.starts_with("takes this program's newer rendering along: ") && note.contains("17.11 → 17.12"), "{note}");
    }
    let (same_program, note) = other(&Revision::freeze(&valid(BASE), ""), &with("  metadata: {labels: {clusterPods: {a: b}}}\n"));
    assert_eq!(same_program.objects, Revision::freeze(&valid(&with("  metadata: {labels: {clusterPods: {a: b}}}\n")), "").objects);
    assert_eq!(note, "", "where nothing is newer nothing is said");
}

/// A restart that becomes two is not the same restart.
#[test]
fn what_would_add_a_round_is_left() {
    let mut released = older(BASE);
    parameter(&mut released, "max_worker_processes", "64");
    released.objects = from_effective(&released.effective).objects;
    let (next, note) = other(&released, &with("  configurations: {postgres: {postgresql.conf: {max_files_per_process: '2000'}}}\n"));
    let effect = judged(&frozen(&released), &frozen(&next));
    assert_eq!((effect.rounds, effect.disturbances.contains(&Disturbance::PodRecreation)), (1, false), "{effect:?}");
    assert!(note.starts_with("keeps to the rendering"), "{note}");
    assert_eq!(configuration(&next)["postgresql"]["parameters"]["max_worker_processes"], "64");
    // A new pod template of the user's own: other pods, though not those of the newer rendering, and so marked as neither.
    let (next, _) = other(&released, &BASE.replace("size: 2Gi}", "size: 2Gi}, customEnv: {patroni: [{name: A, value: b}]}"));
    let mark = |revision: &Revision| template(revision)["metadata"]["annotations"]["stackgres.io/made-from"].clone();
    assert_ne!(mark(&next), mark(&released));
    assert_ne!(mark(&next), mark(&renewal(&next, &Settings::default()).unwrap().unwrap().revision));
    assert!(template(&next)["spec"].to_string().contains("stackgres/postgres:17.11"));
}

/// Half of a change is none, and a wrong guess is worse.
#[test]
fn what_cannot_be_told_apart_is_not_released() {
    let mut released = older(BASE);
    for object in &mut released.objects {
        if object.name().ends_with("-connection-pooling-config") {
            object.value_mut()["data"]["pgbouncer.ini"] = json!("; another form altogether\n");
        }
    }
    let change = with("  configurations: {pooling: {pgBouncer: {pgbouncer.ini: {pgbouncer: {default_pool_size: 99}}}}}\n");
    match successor(&released, &valid(&change), "", &Settings::default()) {
        Successor::Inseparable(why) => assert!(why.contains("a-connection-pooling-config/data/pgbouncer.ini"), "{why}"),
        unexpected => panic!("{unexpected:?}"),
    }
}

/// A catalogue with a new major version must neither upgrade `latest` nor make its cluster unchangeable.
#[test]
fn latest_stays_at_its_major_and_its_minor() {
    let text = BASE.replace("'17'", "latest");
    let mut settings = Settings::default();
    settings.majors.insert(NamespacedName::new("n", "a"), 17);
    let mut released = Revision::freeze(&valid_with(&text, &settings), "");
    assert_eq!(released.effective.postgres.version.value, "17.12");
    "17.11".clone_into(&mut released.effective.postgres.version.value);
    let change = format!("{text}  configurations: {{postgres: {{postgresql.conf: {{work_mem: 9MB}}}}}}\n");
    match successor(&released, &valid_with(&change, &settings), "", &Settings::default()) {
        Successor::Other { revision, .. } => assert_eq!(revision.effective.postgres.major, 17),
        unexpected => panic!("{unexpected:?}"),
    }
    assert_eq!(valid(&text).effective().postgres.major, 18, "a new cluster begins with the newest");
}

/// A controller that is rolled back, with its older catalogue, must not take minor versions back.
#[test]
fn an_older_catalogue_takes_nothing_back() {
    let mut released = Revision::freeze(&valid(BASE), "");
    "17.99".clone_into(&mut released.effective.postgres.version.value);
    released.effective.images.insert("postgres".to_owned(), "stackgres/postgres:17.99".to_owned());
    released.objects = from_effective(&released.effective).objects;
    assert!(renewal(&released, &Settings::default()).unwrap_err().contains("would go back from 17.99 to 17.12"));
    let (next, _) = other(&released, &with("  configurations: {postgres: {postgresql.conf: {max_connections: '300'}}}\n"));
    assert_eq!(next.effective.images["postgres"], "stackgres/postgres:17.99");
    assert_eq!(configuration(&next)["postgresql"]["parameters"]["max_connections"], "300");
}
