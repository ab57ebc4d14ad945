//! The offline verdict is the server's, for every kind and field: manifests are made from the schemas, mistakes are put into them, and
//! both are asked.
//!
//! The definitions are installed a second time, in a group of their own: without the rule that refuses a kind that is not carried out
//! yet, and with the status as a field like any other, so that it is looked at as well.

mod changes;
mod generate;
mod mutate;

use super::{Random, http_request, install_definitions, namespace, with_client};
use futures::StreamExt as _;
use serde_json::{Value, json};
use stackgres::api::{KINDS, Kind, crd};
use stackgres::diagnostics::Diagnostic;
use stackgres::load::Manifest;
use stackgres::model::Object;
use stackgres::validate::structural;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

const GROUP: &str = "verdict.stackgres.io";

/// Manifests of a run; `STACKGRES_TEST_MANIFESTS` is another number.
const MANIFESTS: usize = 20_400;

/// Requests at a time.
const AT_A_TIME: usize = 12;

/// The definition of a kind in the group of this test.
fn definition(kind: &Kind) -> Value {
    let mut definition = crd(kind);
    definition["metadata"]["name"] = json!(format!("{}.{GROUP}", kind.plural));
    definition["metadata"]["annotations"] = json!({"api-approved.kubernetes.io": "unapproved, experimental-only"});
    definition["spec"]["group"] = json!(GROUP);
    let version = &mut definition["spec"]["versions"][0];
    version.as_object_mut().unwrap().remove("subresources");
    if kind.not_yet.is_some() {
        version["schema"]["openAPIV3Schema"].as_object_mut().unwrap().remove("x-kubernetes-validations");
    }
    definition
}

/// Asks the server what it would say to a creation, strictly. `Err` is its refusal; anything else ends the test.
async fn theirs(client: &kube::Client, kind: &Kind, object: &Value) -> Result<(), String> {
    let url = format!(
        "/apis/{GROUP}/{}/namespaces/stackgres-test/{}?dryRun=All&fieldValidation=Strict&fieldManager=test",
        kind.version, kind.plural
    );
    match client.request::<Value>(http_request(&url, serde_json::to_vec(object).unwrap())).await {
        Ok(_) => Ok(()),
        Err(kube::Error::Api(refusal)) if (400..500).contains(&refusal.code) && refusal.code != 404 && refusal.code != 429 => {
            Err(refusal.message.clone())
        }
        Err(error) => panic!("{}: {error}", kind.kind),
    }
}

/// Our own verdict: the findings, none if it passes.
fn ours(object: &Value) -> Vec<String> {
    found(object).iter().map(|finding| format!("{} {}", finding.code, finding.path)).collect()
}

fn found(object: &Value) -> Vec<Diagnostic> {
    structural(&Manifest::live(Object::new(object.clone()))).into_iter().filter(Diagnostic::is_error).collect()
}

/// Where rules are all that is wrong, the server says the same of each: code and words. It gives no answer of a rule where the form is
/// wrong already.
fn says_the_same(kind: &Kind, object: &Value, theirs: &str) -> bool {
    let known = kind.schema.rule_codes();
    let found = found(object);
    if !found.iter().all(|finding| known.contains(finding.code.as_str())) {
        return true;
    }
    let mine: BTreeSet<&str> = found.iter().map(|finding| finding.code.as_str()).collect();
    known.iter().all(|code| mine.contains(code) == theirs.contains(&format!(" {code}: ")))
        && found.iter().all(|finding| theirs.contains(&format!(" {}: {}; ", finding.code, finding.message)))
}

async fn differ(client: &kube::Client, kind: &Kind, object: &Value) -> bool {
    let theirs = theirs(client, kind, object).await;
    ours(object).is_empty() != theirs.is_ok() || theirs.is_err_and(|theirs| !says_the_same(kind, object, &theirs))
}

/// The smallest part of a manifest on which the two still differ.
async fn shrunk(client: &kube::Client, kind: &Kind, object: &Value) -> Value {
    let mut smallest = object.clone();
    let mut left = 300;
    'again: loop {
        let mut pointers = Vec::new();
        super::places(&smallest, String::new(), &mut pointers);
        pointers
            .retain(|pointer| pointer.len() > 1 && !["/apiVersion", "/kind", "/metadata", "/metadata/name"].contains(&pointer.as_str()));
        pointers.sort_by_key(String::len);
        for pointer in pointers {
            let mut smaller = smallest.clone();
            mutate::remove(&mut smaller, &pointer);
            left -= 1;
            if left == 0 {
                return smallest;
            }
            if differ(client, kind, &smaller).await {
                smallest = smaller;
                continue 'again;
            }
        }
        return smallest;
    }
}

/// A manifest that passes here and fails there stops a fleet after the merge; one that fails here and passes there is refused for nothing.
#[test]
fn the_offline_verdict_is_the_servers_for_every_kind() {
    with_client("the_offline_verdict_is_the_servers_for_every_kind", async |client| {
        let definitions: Vec<Value> = KINDS.iter().map(|kind| definition(kind)).collect();
        install_definitions(&client, &definitions).await;
        namespace(&client, "stackgres-test").await;
        let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse().ok());
        let count: usize = number("STACKGRES_TEST_MANIFESTS").unwrap_or(MANIFESTS);
        let seed = number("STACKGRES_TEST_SEED").unwrap_or(1) as u64 * 0x9e37_79b9 + 0x5eed;
        let mut random = Random(seed);
        let made: Vec<(&Kind, Value, String)> = (0..count)
            .map(|at| {
                let kind = KINDS[at % KINDS.len()];
                let mut object = generate::manifest(kind, GROUP, &mut random);
                let mistakes: Vec<String> =
                    (0..[0, 1, 1, 1, 1, 2][random.below(6)]).map(|_| mutate::mutate(&kind.schema, &mut object, &mut random)).collect();
                (kind, object, mistakes.join(", "))
            })
            .collect();
        let asked = made.into_iter().map(|(kind, object, told)| {
            let client = client.clone();
            async move {
                let theirs = theirs(&client, kind, &object).await;
                (kind, object, told, theirs)
            }
        });
        let (mut accepted, mut refused) = (BTreeMap::<&str, usize>::new(), BTreeMap::<&str, usize>::new());
        let mut differing = Vec::new();
        let mut answers = futures::stream::iter(asked).buffer_unordered(AT_A_TIME);
        while let Some((kind, object, told, theirs)) = answers.next().await {
            *if theirs.is_ok() { &mut accepted } else { &mut refused }.entry(kind.kind).or_default() += 1;
            let same = theirs.as_ref().err().is_none_or(|theirs| says_the_same(kind, &object, theirs));
            if ours(&object).is_empty() != theirs.is_ok() || !same {
                differing.push((kind, object, told, theirs));
            }
        }
        let mut report = String::new();
        for (kind, object, told, theirs) in differing.iter().take(12) {
            let smallest = shrunk(&client, kind, object).await;
            let found = ours(&smallest);
            let _ = writeln!(report, "{} ({told})\n  {smallest}\n  ours {found:?}, theirs {theirs:?}", kind.kind);
        }
        assert!(differing.is_empty(), "seed {seed:#x}: {} of {count} differ\n{report}", differing.len());
        println!("VERDICTS {count} manifests, none differs, seed {seed:#x}; accepted {accepted:?}; refused {refused:?}");
        for kind in KINDS {
            let few = count / KINDS.len() / 10;
            assert!(
                accepted.get(kind.kind).is_some_and(|count| *count > few) && refused.get(kind.kind).is_some_and(|count| *count > few),
                "{} is not tried on both sides: accepted {accepted:?}, refused {refused:?}",
                kind.kind
            );
        }
    });
}
