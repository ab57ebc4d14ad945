//! Every problem of a source is told in one go: whoever corrects one finding must not meet the next one only then.

use stackgres::engine::offline::{LoadOptions, Options, Report, SourceFile, check};

fn report(text: &str) -> Report {
    let load = LoadOptions { default_namespace: Some("default".to_owned()), ..LoadOptions::default() };
    check(&[SourceFile { path: "a.yaml".to_owned(), content: text.as_bytes().into() }], &Options { load, ..Options::default() })
}

fn found(text: &str) -> Vec<String> {
    report(text).diagnostics.iter().map(|problem| format!("{} {}", problem.code, problem.path)).collect()
}

const CLUSTER: &str = "apiVersion: stackgres.io/v1\nkind: SGCluster\nmetadata: {name: a}\nspec:\n  instances: 2\n  postgres: {version: '17'}\n  pods: {persistentVolume: {size: 5Gi}}\n";

#[test]
fn structure_references_and_rules() {
    let text = CLUSTER.replace("instances", "instnaces") + "  sgInstanceProfile: nope\n  profile: prod\n  autoscaling: {mode: all}\n";
    assert_eq!(
        found(&text),
        [
            "missing-field spec.instances",
            "unknown-field spec.instnaces",
            "missing-reference spec.sgInstanceProfile",
            "unknown-choice spec.profile",
            "incomplete-autoscaling spec.autoscaling",
            "incomplete-autoscaling spec.autoscaling",
            "not-supported-yet spec.autoscaling",
        ]
    );
    let blocked = &report(&text).blocked;
    assert_eq!(blocked.values().map(Vec::len).collect::<Vec<_>>(), [6], "a status tells what a check tells");
}

/// A key that stands twice blocks the document; the rest of it is looked at all the same.
#[test]
fn what_could_not_be_read_and_the_rest() {
    let text = CLUSTER.to_owned() + "  bogus: 1\n  profile: a\n  profile: b\n";
    assert_eq!(found(&text), ["unknown-field spec.bogus", "duplicate-key spec.profile"], "and no second finding about the profile");
    let alias = CLUSTER.replace("instances: 2", "instances: &n 2").replace("version: '17'", "version: *n") + "  bogus: 1\n";
    assert_eq!(
        found(&alias),
        ["alias-refused ", "alias-refused spec.postgres.version", "unknown-field spec.bogus"],
        "and no second finding about the version"
    );
}

#[test]
fn a_missing_reference_hides_no_rule() {
    assert_eq!(
        found(&(CLUSTER.to_owned() + "  sgInstanceProfile: nope\n  profile: prod\n")),
        ["missing-reference spec.sgInstanceProfile", "unknown-choice spec.profile"]
    );
}

/// Defaults stand in for what is wrong, so nothing may be said that follows from them.
#[test]
fn one_mistake_is_one_finding() {
    assert_eq!(found(&CLUSTER.replace("instances: 2", "instances: two")), ["wrong-type spec.instances"]);
    assert_eq!(found(&CLUSTER.replace("size: 5Gi", "size: 5G")), ["pattern-mismatch spec.pods.persistentVolume.size"]);
    let script = "apiVersion: stackgres.io/v1\nkind: SGScript\nmetadata: {name: a}\nspec: {scripts: [{script: [a]}]}\n";
    assert_eq!(found(script), ["wrong-type spec.scripts[0].script"]);
}

#[test]
fn kinds_of_kubernetes_itself() {
    let map = |rest: &str| found(&format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: a}}\n{rest}"));
    assert_eq!(map("data: {a: b}\nbinaryData: {c: aGk=}\nimmutable: true\n"), [""; 0]);
    assert_eq!(map("data: {a: 1}\n"), ["wrong-type data.a"]);
    assert_eq!(map("data: nope\n"), ["wrong-type data"]);
    assert_eq!(map("dta: {}\n"), ["unknown-field dta"]);
    assert_eq!(map("data: {a b: c}\n"), ["pattern-mismatch data[\"a b\"]"]);
    assert_eq!(map("binaryData: {a: '?'}\n"), ["pattern-mismatch binaryData.a"]);
    assert_eq!(map("data: {a: b}\nbinaryData: {a: aGk=}\n"), ["duplicate-key binaryData.a"]);
    assert_eq!(found("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: U_x}\n"), ["bad-name metadata.name"]);
    assert_eq!(found("apiVersion: v1\nkind: Namespace\nmetadata: {name: a.b}\n"), ["bad-name metadata.name"]);
    assert_eq!(found("apiVersion: v1\nkind: Namespace\nmetadata: {name: a, labels: {a: 'b c'}}\n"), ["bad-label metadata.labels.a"]);
}

/// What is not managed is named once, a ConfigMap that nothing uses among it.
#[test]
fn what_is_left_alone_is_named() {
    let map = "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: u}\ndata: {a: b}\n---\napiVersion: apps/v1\nkind: Deployment\n";
    let left = report(&(CLUSTER.to_owned() + map)).left_alone;
    let reasons: Vec<String> = left.iter().map(|left| format!("{} {}", left.location, left.reason)).collect();
    assert_eq!(reasons, ["a.yaml:9:1 a ConfigMap that nothing here refers to", "a.yaml:14:1 a kind this program does not manage"]);
}

#[test]
fn what_is_not_carried_out_is_said() {
    let with = |text: &str| found(&(CLUSTER.to_owned() + text));
    let bounds = "{mode: horizontal, minInstances: 2, maxInstances: 3}";
    assert_eq!(with(&format!("  autoscaling: {bounds}\n")), ["not-supported-yet spec.autoscaling"], "its presence switches it on");
    assert_eq!(with("  autoscaling: {mode: none}\n"), [""; 0]);
}

/// Help that helps with the value at hand.
#[test]
fn help_fits_the_value() {
    let help = |text: &str| report(text).diagnostics.0[0].help.clone().unwrap();
    assert_eq!(help(&CLUSTER.replace("instances: 2", "instances: '2'")), "take the quotes away: 2");
    assert_eq!(help(&CLUSTER.replace("instances: 2", "instances: 500Mi")), "write digits, without quotes and without a unit");
    let bare = "apiVersion: stackgres.io/v1\nkind: SGCluster\nmetadata: {name: a}\n";
    assert!(help(bare).starts_with("add `spec:` with `"), "{}", help(bare));
    // A parameter is found at its place, not by its bare name.
    let parameter = CLUSTER.to_owned() + "  configurations: {postgres: {postgresql.conf: {fsync: 'off'}}}\n";
    assert_eq!(found(&parameter), ["crash-unsafe spec.configurations.postgres[\"postgresql.conf\"].fsync"]);
}
