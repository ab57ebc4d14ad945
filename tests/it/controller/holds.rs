//! What a person says about disturbances: holds, annotations, a pause.

use super::*;

async fn annotate(fleet: &Fleet, annotations: Value) {
    let patch = json!({"metadata": {"annotations": annotations}});
    fleet.clusters().patch("a", &PatchParams::default(), &Patch::Merge(&patch)).await.unwrap();
    fleet.passes(2).await;
}

fn message(object: &Value, kind: &str) -> String {
    let conditions = object["status"]["conditions"].as_array().unwrap();
    let found = conditions.iter().find(|condition| condition["type"] == kind).unwrap();
    found["message"].as_str().unwrap().to_owned()
}

/// Somebody works on a database: everybody must see it, and the fleet must not take the hold away, because it is no part of the commit.
pub(super) async fn a_hold_is_set_seen_and_taken_away(server: Server) {
    let mut fleet = Fleet::new(&server, "stackgres-holds", "revert").await;
    fleet.cluster("a", "");
    fleet.start();
    fleet.passes(3).await;
    let cluster = fleet.get("a").await;
    assert_eq!(condition(&cluster, "Held"), ("False".to_owned(), "NotHeld".to_owned()));
    assert_eq!(condition(&cluster, "DisturbanceAllowed"), ("True".to_owned(), "Granted".to_owned()), "a fleet releases it");
    let released = cluster["status"]["release"].clone();

    let (code, said) = fleet.asked(&["hold", "stackgres-holds/a", "--reason", "index build", "--for", "2h", "--by", "anna"]);
    assert!(code == Some(0) && said.starts_with("stackgres-holds/a is held: index build, by anna, until 20"), "{code:?} {said}");
    fleet.passes(2).await;
    let cluster = fleet.get("a").await;
    assert_eq!(condition(&cluster, "Held"), ("True".to_owned(), "Held".to_owned()));
    assert_eq!(condition(&cluster, "DisturbanceAllowed"), ("False".to_owned(), "Withheld".to_owned()));
    assert!(message(&cluster, "DisturbanceAllowed").contains("held: index build, by anna"), "{cluster:#}");
    assert_eq!(cluster["status"]["release"], released, "a hold is no other input");
    fleet.passes(2).await;
    let before = fleet.versions().await;
    fleet.passes(2).await;
    assert_eq!(fleet.versions().await, before, "a hold that stands is no write");

    let (code, said) = fleet.asked(&["hold", "stackgres-holds/a", "--reason", "second thoughts"]);
    assert!(code == Some(0) && said.contains("before: index build, by anna"), "{said}");
    let text = fleet.get("a").await["metadata"]["annotations"]["stackgres.io/hold"].as_str().unwrap().to_owned();
    assert!(text.starts_with("second thoughts; by=") && text.len() > 22, "the API server knows who it was: {text}");
    let (code, said) = fleet.asked(&["hold", "--release", "stackgres-holds/a"]);
    assert!(code == Some(0) && said.contains("is not held any more; it was: second thoughts"), "{said}");
    fleet.passes(2).await;
    assert_eq!(condition(&fleet.get("a").await, "Held").0, "False");
    let (code, said) = fleet.asked(&["hold", "--release", "stackgres-holds/a"]);
    assert!(code == Some(0) && said.contains("was not held"), "{said}");

    for (arguments, part) in [
        (&["hold", "stackgres-holds/nobody", "--reason", "x"][..], "there is no SGCluster stackgres-holds/nobody"),
        (&["hold", "stackgres-holds/a", "--reason", "x", "--until", "2020-01-01T00:00:00Z"], "its end has passed"),
        (&["hold", "stackgres-holds/a", "--reason", "x", "--until", "tomorrow"], "no moment"),
        (&["hold", "stackgres-holds/a", "--reason", "x", "--for", "a while"], "no duration"),
        (&["hold", "stackgres-holds/a", "--reason", " "], "must not be empty"),
        (&["hold", "stackgres-holds/a", "--reason", "x; by=somebody else"], "must not"),
    ] {
        let (code, said) = fleet.asked(arguments);
        assert!(code == Some(3) && said.contains(part), "{arguments:?}: {code:?} {said}");
    }
    assert_eq!(fleet.get("a").await["metadata"]["annotations"].get("stackgres.io/hold"), None, "a mistake sets nothing");

    annotate(&fleet, json!({"stackgres.io/hold": "over; until=2020-01-01T00:00:00Z", "stackgres.io/rollout": "nevr"})).await;
    let cluster = fleet.get("a").await;
    assert_eq!(condition(&cluster, "Held").1, "Expired");
    assert!(message(&cluster, "DisturbanceAllowed").contains("`nevr`, which is none of"), "{cluster:#}");
    fleet.stop().await;
}

/// Whoever pauses the reconciliation changes objects by hand, and must not be worked against.
pub(super) async fn a_paused_reconciliation_does_nothing(server: Server) {
    let mut fleet = Fleet::new(&server, "stackgres-pauses", "revert").await;
    fleet.cluster("a", "");
    fleet.start();
    fleet.passes(3).await;
    annotate(&fleet, json!({"stackgres.io/reconciliation-pause": "true"})).await;
    let services = fleet.api("v1", "Service");
    services.delete("a-replicas", &kube::api::DeleteParams::default()).await.unwrap();
    fleet.passes(3).await;
    assert!(services.get_opt("a-replicas").await.unwrap().is_none(), "it stays as the person left it");
    let cluster = fleet.get("a").await;
    assert!(message(&cluster, "Stalled").contains("stackgres.io/reconciliation-pause"), "{cluster:#}");
    annotate(&fleet, json!({"stackgres.io/reconciliation-pause": null})).await;
    fleet.passes(2).await;
    assert!(services.get_opt("a-replicas").await.unwrap().is_some(), "and is looked after again");
    fleet.stop().await;
}
