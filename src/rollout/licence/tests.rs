//! Every row of the order of precedence.

use super::*;
use crate::load::{LoadOptions, SourceFile, load};
use crate::resolve::{Settings, effective, resolve};
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;

/// A Saturday.
const NOW: &str = "2026-11-28T03:30:00Z";
const OPEN: &str = "type: Schedule, schedule: [{cron: '0 3 * * 6', duration: PT2H}]";
const CLOSED: &str =
    "type: Schedule, schedule: [{cron: '0 3 * * 0', duration: PT2H}, {cron: '0 6 * * 6', duration: PT1H, timeZone: Europe/Berlin}]";

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// An SGCluster with annotations, a blank between name (without `stackgres.io/`) and value.
fn annotated(annotations: &[&str]) -> Object {
    let mut map = Map::new();
    for annotation in annotations {
        let (name, value) = annotation.split_once(' ').unwrap();
        map.insert(format!("stackgres.io/{name}"), Value::from(value));
    }
    Object::new(json!({"kind": "SGCluster", "metadata": {"name": "a", "namespace": "n", "annotations": map}}))
}

fn with_strategy(strategy: &str) -> Effective {
    let text = format!(
        "apiVersion: stackgres.io/v1\nkind: SGCluster\nmetadata: {{name: a, namespace: n}}\nspec: {{instances: 2, postgres: {{version: '17'}}, pods: {{persistentVolume: {{size: 5Gi}}, updateStrategy: {{{strategy}}}}}}}\n"
    );
    let loaded = load(&[SourceFile { path: "a.yaml".to_owned(), content: text.into_bytes().into() }], &LoadOptions::default());
    let resolution = resolve(&loaded.manifests, &[], &BTreeSet::new(), false);
    effective(&resolution.clusters[0], &Settings::default()).unwrap()
}

fn ask_at(strategy: &str, fleet: bool, annotations: &[&str], now: &str) -> Licence {
    licence(&annotated(annotations), &with_strategy(strategy), fleet, None, at(now))
}

/// The same while an operation is under way.
fn ask_beside(operation: &Operation, strategy: &str, fleet: bool, annotations: &[&str]) -> Licence {
    licence(&annotated(annotations), &with_strategy(strategy), fleet, Some(operation), at(NOW))
}

fn restart(method: Option<&str>) -> Operation {
    let spec = json!({"op": "restart", "restart": {"method": method}});
    Operation::read(&Object::new(json!({"metadata": {"name": "restart-1", "uid": "u"}, "spec": spec}))).unwrap()
}

/// `granted`, `later` or `withheld`, and why.
fn told(licence: &Licence) -> String {
    match licence {
        Licence::Granted { by, .. } => format!("granted: {by}"),
        Licence::Later { why, .. } => format!("later: {why}"),
        Licence::Withheld { why, ends, .. } => format!("withheld: {why}; ends: {ends}"),
    }
}

/// The order is the API's: a manifest that moves here must not begin to restart databases, nor cease to.
#[test]
fn what_counts_before_what() {
    for (strategy, fleet, annotations, expected) in [
        // Pause and hold stand before everything.
        ("type: Always", true, &["reconciliation-pause true", "rollout always"][..], "withheld: the reconciliation is paused"),
        ("type: Always", true, &["reconciliation-pause false"], "granted: update strategy Always"),
        ("type: Always", true, &["hold index build", "rollout always", "rollout-dbops r"], "withheld: held: index build"),
        // 1. Never.
        ("type: Always", true, &["rollout never"], "withheld: the annotation stackgres.io/rollout is never"),
        ("type: Always", true, &["rollout never", "rollout-dbops restart-1"], "withheld: the annotation stackgres.io/rollout is never"),
        ("type: Never", true, &[], "withheld: update strategy Never"),
        ("type: Never", true, &["rollout always"], "withheld: update strategy Never"),
        ("type: Never", true, &["rollout schedule", "rollout-schedule 0 3 * * 6@PT2H"], "withheld: update strategy Never"),
        // 2. Always.
        ("type: OnlyDbOps", false, &["rollout always"], "granted: the annotation stackgres.io/rollout is always"),
        ("type: Always", false, &[], "granted: update strategy Always"),
        // 4. Windows: those of the annotation in place of the strategy's.
        (OPEN, false, &[], "granted: window 0 3 * * 6 PT2H (closes 2026-11-28T05:00:00Z)"),
        (CLOSED, false, &[], "later: outside of its windows; 0 6 * * 6 PT1H Europe/Berlin opens 2026-11-28T05:00:00Z"),
        (
            OPEN,
            false,
            &["rollout schedule", "rollout-schedule 0 9 * * *@PT1H"],
            "later: outside of its windows; 0 9 * * * PT1H opens 2026-11-28T09:00:00Z",
        ),
        ("type: Always", false, &["rollout schedule", "rollout-schedule 0 9 * * *@PT1H"], "later: outside"),
        (
            "",
            false,
            &["rollout schedule", "rollout-schedule 0 9 * * * @ PT1H | */30 3 * * sat@PT10M"],
            "granted: window */30 3 * * sat PT10M (closes 2026-11-28T03:40:00Z)",
        ),
        ("type: OnlyDbOps", false, &["rollout-schedule 0 3 * * *@PT2H"], "withheld: update strategy OnlyDbOps"),
        // 5. Nothing of all this.
        ("type: OnlyDbOps", true, &[], "withheld: update strategy OnlyDbOps; ends: an SGDbOps is made, or the strategy is changed"),
        // Where no strategy is written: who releases decides.
        ("", false, &[], "withheld: update strategy OnlyDbOps, the default without a fleet"),
        ("method: ReducedImpact", true, &[], "granted: update strategy Always, the default of a cluster that a fleet releases"),
        ("", true, &["rollout never"], "withheld: the annotation"),
    ] {
        let found = told(&ask_at(strategy, fleet, annotations, NOW));
        assert!(found.starts_with(expected), "{strategy} {annotations:?}: {found}");
    }
}

/// A person made the operation, so it may where nothing else may; not where a person said that nothing may.
#[test]
fn an_operation_under_way_licenses() {
    let plain = restart(None);
    for (strategy, annotations, expected) in [
        // The deviation: an operation may, as the API's documentation says.
        ("type: Never", &[][..], "granted: the operation restart-1"),
        ("type: OnlyDbOps", &[], "granted: the operation restart-1"),
        ("", &[], "granted: the operation restart-1"),
        (CLOSED, &[], "granted: the operation restart-1"),
        ("", &["rollout schedule", "rollout-schedule 0 9 * * *@PT1H"], "granted: the operation restart-1"),
        ("type: Always", &[], "granted: update strategy Always"),
        ("type: Always", &["rollout never"], "withheld: the annotation stackgres.io/rollout is never"),
        ("type: OnlyDbOps", &["hold index build"], "withheld: held: index build"),
        ("type: OnlyDbOps", &["reconciliation-pause true"], "withheld: the reconciliation is paused"),
    ] {
        let found = told(&ask_beside(&plain, strategy, false, annotations));
        assert!(found.starts_with(expected), "{strategy} {annotations:?}: {found}");
    }
}

/// An annotation that stays behind when its operation has ended or was deleted would license every later change.
#[test]
fn an_annotation_alone_licenses_nothing() {
    let annotations = &["rollout-dbops gone", "rollout-dbops-method reduced-impact"][..];
    for strategy in ["type: Never", "type: OnlyDbOps", ""] {
        let found = ask_at(strategy, false, annotations, NOW);
        let told = told(&found);
        assert!(told.contains("names gone, which is not under way; ends: an SGDbOps is made"), "{strategy}: {told}");
        assert_eq!(found.method(), Method::InPlace, "its method is not asked for either");
    }
    assert!(told(&ask_at(CLOSED, false, annotations, NOW)).starts_with("later: outside of its windows"));
    let beside = told(&ask_beside(&restart(None), "", false, annotations));
    assert_eq!(beside, "granted: the operation restart-1", "another one is under way");
}

/// A misspelt `never` that reads as nothing restarts a database that somebody wanted left alone.
#[test]
fn what_cannot_be_read_licenses_nothing() {
    for (annotations, expected) in [
        (&["rollout Never"][..], "the annotation stackgres.io/rollout is `Never`, which is none of always, never, schedule"),
        (&["rollout "], "is ``"),
        (&["reconciliation-pause yes"], "is `yes`, which is none of true, false"),
        (&["rollout-method ReducedImpact"], "is `ReducedImpact`, which is none of in-place, reduced-impact"),
        (&["rollout-dbops x", "rollout-dbops-method fast"], "the annotation stackgres.io/rollout-dbops-method is `fast`"),
        (&["rollout-dbops  "], "the annotation stackgres.io/rollout-dbops names no operation"),
        (&["rollout schedule"], "the annotation stackgres.io/rollout-schedule is missing"),
        (&["rollout schedule", "rollout-schedule 0 3 * * 6"], "has `0 3 * * 6`, which is no CRON@DURATION"),
        (&["rollout schedule", "rollout-schedule 0 3 * * 6@PT2H|0 3 * * 9@PT2H"], "cannot be read: `0 3 * * 9`, character 9"),
        (&["rollout schedule", "rollout-schedule 0 3 * * 6@2h"], "is no duration"),
    ] {
        let found = ask_at("type: Always", true, annotations, NOW);
        assert!(
            matches!(&found, Licence::Withheld { why, ends, .. } if why.contains(expected) && ends.starts_with("correct the annotation")),
            "{found:?}"
        );
    }
    assert!(is_reconciliation_paused(&annotated(&["reconciliation-pause yes"])), "what cannot be read is on the safe side");
    assert!(!is_reconciliation_paused(&annotated(&["reconciliation-pause false"])) && !is_reconciliation_paused(&annotated(&[])));
}

#[test]
fn the_method_comes_from_the_operation_before_the_person_before_the_strategy() {
    let method = |strategy: &str, annotations: &[&str]| ask_at(strategy, true, annotations, NOW).method();
    assert_eq!(method("", &[]), Method::InPlace);
    assert_eq!(method("method: ReducedImpact", &[]), Method::ReducedImpact);
    assert_eq!(method("method: ReducedImpact", &["rollout-method in-place"]), Method::InPlace);
    let operations = |of: Option<&str>, annotations: &[&str]| ask_beside(&restart(of), "method: InPlace", true, annotations).method();
    assert_eq!(operations(Some("ReducedImpact"), &["rollout-method in-place"]), Method::ReducedImpact);
    assert_eq!(operations(Some("InPlace"), &["rollout-dbops restart-1", "rollout-dbops-method reduced-impact"]), Method::InPlace);
    assert_eq!(operations(None, &["rollout-dbops restart-1", "rollout-dbops-method reduced-impact"]), Method::ReducedImpact);
    assert_eq!(operations(None, &["rollout-method reduced-impact"]), Method::ReducedImpact);
    assert_eq!(method("type: OnlyDbOps, method: ReducedImpact", &[]), Method::ReducedImpact, "it is told beforehand");
}

/// A disturbance after the end of a window is one outside of it.
#[test]
fn a_window_ends() {
    for (now, open) in
        [("2026-11-28T02:59:59Z", false), ("2026-11-28T03:00:00Z", true), ("2026-11-28T04:59:59Z", true), ("2026-11-28T05:00:00Z", false)]
    {
        let found = ask_at(OPEN, false, &[], now);
        assert_eq!(found.is_granted(), open, "{now}: {found:?}");
        match found {
            Licence::Granted { until, .. } => assert_eq!(until, Some(at("2026-11-28T05:00:00Z"))),
            Licence::Later { opens, .. } if now < NOW => assert_eq!(opens, at("2026-11-28T03:00:00Z")),
            Licence::Later { opens, .. } => assert_eq!(opens, at("2026-12-05T03:00:00Z")),
            Licence::Withheld { .. } => panic!("{found:?}"),
        }
    }
}

/// Whoever holds a cluster works on it; a hold that was forgotten must not stop it for ever where its end was said.
#[test]
fn a_hold_ends_with_its_time_or_with_a_person() {
    let ask = |hold: &str| told(&ask_at("type: Always", true, &[hold], NOW));
    assert_eq!(
        ask("hold index build; until=2026-11-28T03:30:01Z; by=anna"),
        "withheld: held: index build, by anna, until 2026-11-28T03:30:01Z; ends: 2026-11-28T03:30:01Z, or take the annotation stackgres.io/hold away (stackgres hold --release)"
    );
    assert!(ask("hold index build; until=2026-11-28T03:30:00Z").starts_with("granted"), "it has ended");
    assert!(ask("hold index build; until=yesterday").starts_with("withheld: held: index build (the annotation stackgres.io/hold cannot"));
    assert!(ask("hold ").starts_with("withheld: held: no reason given"));
}
