//! Changes: the rules about what was before refuse the same here and there, with the same code.

use super::super::{Random, http_request, install_definitions, namespace, with_client};
use super::{AT_A_TIME, GROUP, definition, generate, mutate, ours};
use futures::StreamExt as _;
use serde_json::{Value, json};
use stackgres::api::condition::Condition;
use stackgres::api::schema::{Schema, Shape};
use stackgres::api::{KINDS, Kind};
use stackgres::model::pointer::join;
use stackgres::validate::refused_by_schema;
use std::collections::{BTreeMap, BTreeSet};

/// Objects of each kind, and changes of each.
const OBJECTS: usize = 30;
const CHANGES: usize = 12;

/// Whether a schema has a rule about what was before.
fn has_transitions(schema: &Schema) -> bool {
    let below = match &schema.shape {
        Shape::Object { fields, .. } => fields.iter().any(|field| has_transitions(&field.schema)),
        Shape::Map { values } => has_transitions(values),
        Shape::Array { items, .. } => has_transitions(items),
        _ => false,
    };
    below || schema.rules.iter().any(|rule| rule.condition.is_transition())
}

/// The places that rules are about, with the schema that each has there.
fn ruled<'a>(pointer: &str, schema: &'a Schema, value: &Value, out: &mut Vec<(String, &'a Schema)>) {
    let Value::Object(map) = value else { return };
    for rule in &schema.rules {
        let place = Condition::steps(rule.field).fold(pointer.to_owned(), |pointer, step| join(&pointer, step));
        if let Some(schema) = Condition::steps(rule.field).try_fold(schema, |schema, step| schema.child(step)) {
            out.push((place, schema));
        }
    }
    for (key, value) in map {
        if let Some(schema) = schema.child(key) {
            ruled(&join(pointer, key), schema, value, out);
        }
    }
}

/// Another value where a rule looks, or none.
fn touch(schema: &Schema, object: &mut Value, random: &mut Random) -> String {
    let mut places = Vec::new();
    ruled("", schema, object, &mut places);
    if places.is_empty() {
        return "nothing".to_owned();
    }
    let (pointer, schema) = places[random.below(places.len())].clone();
    let (parent, key) = pointer.rsplit_once('/').unwrap();
    let Some(map) = object.pointer_mut(parent).and_then(Value::as_object_mut) else { return "nothing".to_owned() };
    if random.below(4) == 0 {
        map.remove(key);
        return format!("{pointer} removed");
    }
    let value = generate::value(schema, random, 1);
    map.insert(key.to_owned(), value.clone());
    format!("{pointer} = {value}")
}

fn changed(kind: &Kind, object: &Value, random: &mut Random) -> (Value, String) {
    let mut new = object.clone();
    let told = match random.below(8) {
        0 => "nothing".to_owned(),
        1 | 2 => mutate::mutate(&kind.schema, &mut new, random),
        3 => {
            let other = generate::manifest(kind, GROUP, random);
            let part = ["spec", "status"][random.below(2)];
            new[part] = other[part].clone();
            format!("another {part}")
        }
        _ => touch(&kind.schema, &mut new, random),
    };
    // Who changes an object names what it changes.
    new["metadata"]["name"] = object["metadata"]["name"].clone();
    (new, told)
}

/// A rule that holds here and not there lets a plan be approved that the API server then refuses; the other way round a live edit gets
/// through that nothing carries out.
#[test]
fn changes_are_refused_as_by_the_server() {
    with_client("changes_are_refused_as_by_the_server", async |client| {
        install_definitions(&client, &KINDS.iter().map(|kind| definition(kind)).collect::<Vec<_>>()).await;
        namespace(&client, "stackgres-verdict").await;
        let seed = std::env::var("STACKGRES_TEST_SEED").ok().and_then(|text| text.parse().ok()).unwrap_or(1_u64) * 0x9e37_79b9 + 0xc4a6;
        let mut random = Random(seed);
        let mut tried = Vec::new();
        for kind in KINDS {
            let url = format!("/apis/{GROUP}/{}/namespaces/stackgres-verdict/{}", kind.version, kind.plural);
            drop(client.request::<Value>(http::Request::delete(&url).body(Vec::new()).unwrap()).await);
            for number in 0..OBJECTS {
                let mut object = generate::manifest(kind, GROUP, &mut random);
                if !ours(&object).is_empty() {
                    continue;
                }
                object["metadata"]["name"] = json!(format!("c-{number}"));
                object["metadata"]["namespace"] = json!("stackgres-verdict");
                let made: Value = client.request(http_request(&url, serde_json::to_vec(&object).unwrap())).await.unwrap();
                for _ in 0..CHANGES {
                    let (new, told) = changed(kind, &made, &mut random);
                    tried.push((*kind, url.clone(), made.clone(), new, told));
                }
            }
        }
        let count = tried.len();
        let asked = tried.into_iter().map(|(kind, url, old, new, told)| {
            let client = client.clone();
            async move {
                let url = format!("{url}/{}?dryRun=All&fieldValidation=Strict", old["metadata"]["name"].as_str().unwrap());
                let body = serde_json::to_vec(&new).unwrap();
                let request = http::Request::put(url).header("content-type", "application/json").body(body).unwrap();
                let theirs = match client.request::<Value>(request).await {
                    Ok(_) => None,
                    Err(kube::Error::Api(refusal)) if [400, 422].contains(&refusal.code) => Some(refusal.message.clone()),
                    Err(error) => panic!("{} {told}: {error}", kind.kind),
                };
                (kind, old, new, told, theirs)
            }
        });
        let mut problems = Vec::new();
        let mut refusals: BTreeMap<&str, usize> = BTreeMap::new();
        let mut answers = futures::stream::iter(asked).buffer_unordered(AT_A_TIME);
        while let Some((kind, old, new, told, theirs)) = answers.next().await {
            let known = kind.schema.rule_codes();
            let structural = ours(&new);
            let mine: BTreeSet<&str> =
                refused_by_schema(&old, &new, kind).iter().filter_map(|(_, finding)| known.get(finding.code.as_str()).copied()).collect();
            let said: BTreeSet<&str> =
                known.iter().copied().filter(|code| theirs.as_ref().is_some_and(|text| text.contains(&format!("{code}: ")))).collect();
            let refused = !structural.is_empty() || !mine.is_empty();
            // Where the structure is wrong already, the server does not evaluate every rule.
            if refused != theirs.is_some() || structural.is_empty() && mine != said {
                problems
                    .push(format!("{} ({told})\n  was {old}\n  is  {new}\n  ours {structural:?} {mine:?}, theirs {theirs:?}", kind.kind));
            } else if structural.is_empty() && refused {
                *refusals.entry(kind.kind).or_default() += 1;
            }
        }
        problems.sort_by_key(String::len);
        let first = problems.iter().take(5).cloned().collect::<Vec<_>>().join("\n");
        assert!(problems.is_empty(), "seed {seed:#x}: {} of {count} differ\n{first}", problems.len());
        println!("CHANGES {count} changes, none differs, seed {seed:#x}; refused by a rule {refusals:?}");
        for kind in KINDS {
            assert!(!has_transitions(&kind.schema) || refusals.contains_key(kind.kind), "no rule of {} was tried: {refusals:?}", kind.kind);
        }
    });
}
