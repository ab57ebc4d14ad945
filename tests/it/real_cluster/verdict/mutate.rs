//! Mistakes put into a manifest, those that people make and those at the edge of what a schema says.

use super::super::Random;
use super::generate::{anything, change};
use serde_json::{Map, Value, json};
use stackgres::api::condition::Condition;
use stackgres::api::schema::{Schema, Shape};
use stackgres::model::pointer::{join, segments};

/// Puts one mistake, or something that looks like one, into a manifest; tells what.
pub(super) fn mutate(schema: &Schema, object: &mut Value, random: &mut Random) -> String {
    if random.below(25) == 0 {
        return metadata(object, random);
    }
    let mut places = Vec::new();
    for part in ["spec", "status"] {
        if let Some((value, schema)) = object.get(part).zip(schema.child(part)) {
            walk(value, schema, join("", part), &mut places);
        }
    }
    if places.is_empty() {
        return metadata(object, random);
    }
    if random.below(4) == 0
        && let Some(told) = rule(object, &places, random)
    {
        return told;
    }
    let (pointer, schema) = places[random.below(places.len())].clone();
    match random.below(8) {
        0 | 1 => edge(object, &pointer, schema, random),
        2 => remove(object, &pointer),
        3 => add(object, &pointer, schema, random),
        4 => reshape(object, &pointer, random),
        _ => replace(object, &pointer, odd(random)),
    }
}

/// Every place of a value with the schema it has there; nothing below free values.
fn walk<'a>(value: &Value, schema: &'a Schema, pointer: String, out: &mut Vec<(String, &'a Schema)>) {
    out.push((pointer.clone(), schema));
    match value {
        Value::Object(map) => {
            for (key, child) in map {
                if let Some(schema) = schema.child(key) {
                    walk(child, schema, join(&pointer, key), out);
                }
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                if let Some(schema) = schema.child("") {
                    walk(item, schema, format!("{pointer}/{index}"), out);
                }
            }
        }
        _ => {}
    }
}

/// Changes something that a rule speaks of.
fn rule(object: &mut Value, places: &[(String, &Schema)], random: &mut Random) -> Option<String> {
    let ruled: Vec<&(String, &Schema)> = places.iter().filter(|(_, schema)| !schema.rules.is_empty()).collect();
    let (pointer, schema) = ruled.get(random.below(ruled.len().max(1)))?;
    let rule = &schema.rules[random.below(schema.rules.len())];
    let spoken = rule.condition.paths();
    let (path, words) = &spoken[random.below(spoken.len())];
    let steps: Vec<&str> = Condition::steps(path).collect();
    change(schema, object.pointer_mut(pointer)?, &steps, words, random, 2);
    Some(format!("{pointer}: {path} of the rule {}", rule.code))
}

fn replace(object: &mut Value, pointer: &str, value: Value) -> String {
    let told = format!("{pointer} = {value}");
    *object.pointer_mut(pointer).unwrap() = value;
    told
}

fn odd(random: &mut Random) -> Value {
    let values = [
        json!(null),
        json!("text"),
        json!(""),
        json!("7"),
        json!("true"),
        json!(7),
        json!(-1),
        json!(0),
        json!(3.0),
        json!(2.5),
        json!(1e19),
        json!(-0.0),
        json!(i64::MAX),
        json!(i64::MIN),
        json!(u64::MAX),
        json!(4_294_967_296_i64),
        json!(true),
        json!(false),
        json!([]),
        json!([null]),
        json!({}),
        json!({"": ""}),
        json!(["x"]),
        json!([["x"]]),
        json!([{}]),
        json!({"unknown": 1}),
        json!({"a": null}),
        json!("10Gi"),
        json!("2026-01-01T00:00:00Z"),
    ];
    values[random.below(values.len())].clone()
}

/// A value just inside or just outside of what the schema takes.
fn edge(object: &mut Value, pointer: &str, schema: &Schema, random: &mut Random) -> String {
    let value = match &schema.shape {
        Shape::Integer { minimum, maximum, .. } => {
            let bound = if random.below(2) == 0 { minimum.unwrap_or(i64::MIN + 1) } else { maximum.unwrap_or(i64::MAX - 1) };
            json!(bound.saturating_add(i64::try_from(random.below(3)).unwrap() - 1))
        }
        Shape::Number { minimum, maximum } => {
            let bound = if random.below(2) == 0 { minimum.unwrap_or(0.0) } else { maximum.unwrap_or(1.0) };
            json!(bound + [-0.001, 0.0, 0.001][random.below(3)])
        }
        Shape::Text(text) => {
            let old = object.pointer(pointer).and_then(Value::as_str).unwrap_or("a").to_owned();
            let length = usize::try_from(text.max_length.unwrap_or(70)).unwrap();
            let changed = [
                format!("{old}\n"),
                format!(" {old}"),
                format!("{old}x"),
                old.to_uppercase(),
                old.chars().skip(1).collect(),
                "ä".repeat(length),
                "ä".repeat(length + 1),
                "2026-02-30T00:00:00Z".to_owned(),
                "2026-01-01 00:00:00Z".to_owned(),
                "2026-01-01T24:00:00Z".to_owned(),
                "2026-01-01T00:00:60Z".to_owned(),
                "2026-01-01T00:00:00".to_owned(),
                "2026-01-01t00:00:00z".to_owned(),
            ];
            json!(changed[random.below(changed.len())])
        }
        Shape::IntOrString { .. } => [json!(-1), json!("-1"), json!("101%"), json!(2.5), json!(""), json!(true)][random.below(6)].clone(),
        Shape::Array { items, .. } => {
            let mut list = object.pointer(pointer).and_then(Value::as_array).cloned().unwrap_or_default();
            match list.first().cloned() {
                Some(first) if random.below(2) == 0 => list.push(first),
                _ => list.push(super::generate::value(items, random, 3)),
            }
            Value::Array(list)
        }
        Shape::Boolean => [json!("true"), json!(0), json!("yes")][random.below(3)].clone(),
        Shape::Object { .. } | Shape::Map { .. } | Shape::Any => anything(random, 0),
    };
    replace(object, pointer, value)
}

/// Takes a value out of its mapping or list.
pub(super) fn remove(object: &mut Value, pointer: &str) -> String {
    let (parent, _) = pointer.rsplit_once('/').unwrap();
    let key = segments(pointer).last().unwrap();
    match object.pointer_mut(parent).unwrap() {
        Value::Object(map) => drop(map.remove(&key)),
        Value::Array(list) => drop(list.remove(key.parse().unwrap())),
        _ => {}
    }
    format!("{pointer} removed")
}

/// A further key: unknown, misspelt, or one that the schema has.
fn add(object: &mut Value, pointer: &str, schema: &Schema, random: &mut Random) -> String {
    let Some(map) = object.pointer_mut(pointer).and_then(Value::as_object_mut) else {
        return replace(object, pointer, odd(random));
    };
    let known: Vec<&str> = match &schema.shape {
        Shape::Object { fields, .. } => fields.iter().map(|field| field.name.as_str()).collect(),
        _ => Vec::new(),
    };
    let key = match random.below(4) {
        0 => "extraField".to_owned(),
        1 => known.get(random.below(known.len())).map_or_else(String::new, |name| name.to_uppercase()),
        2 => known.get(random.below(known.len())).map_or("x", |name| name).to_owned(),
        _ => ["metadata", "apiVersion", "kind", "a.b", "ü"][random.below(5)].to_owned(),
    };
    let value = odd(random);
    let told = format!("{pointer} + {key:?}: {value}");
    map.insert(key, value);
    told
}

/// The value in a list, out of its list, or under a key.
fn reshape(object: &mut Value, pointer: &str, random: &mut Random) -> String {
    let old = object.pointer(pointer).cloned().unwrap();
    let new = match (&old, random.below(3)) {
        (Value::Array(items), 0) => items.first().cloned().unwrap_or(Value::Null),
        (Value::Object(map), 0) => Value::Array(map.values().cloned().collect()),
        (Value::Number(_) | Value::Bool(_), 0) => json!(old.to_string()),
        (_, 1) => json!({"value": old}),
        _ => json!([old]),
    };
    replace(object, pointer, new)
}

fn metadata(object: &mut Value, random: &mut Random) -> String {
    let values = [
        ("name", json!("A")),
        ("name", json!("a.b")),
        ("name", json!("9a")),
        ("name", json!("a-")),
        ("name", json!("a".repeat(37 + random.below(30)))),
        ("labels", json!({"a": 1})),
        ("labels", json!({"a b": "c"})),
        ("labels", json!({"a": "b c"})),
        ("labels", json!({"a/b/c": ""})),
        ("labels", json!(null)),
        ("labels", json!([])),
        ("annotations", json!({"a": true})),
        ("annotations", json!({"A/b": "c"})),
        ("annotations", json!({"a": null})),
        ("annotations", json!("x")),
        ("anotations", json!({})),
        ("finalizers", json!(["stackgres.io/x"])),
    ];
    let (field, value) = values[random.below(values.len())].clone();
    let told = format!("/metadata/{field} = {value}");
    object["metadata"].as_object_mut().unwrap_or(&mut Map::new()).insert(field.to_owned(), value);
    told
}
