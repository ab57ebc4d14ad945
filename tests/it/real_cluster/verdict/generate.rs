//! Manifests made from a schema: each is one that the schema accepts.

use super::super::Random;
use serde_json::{Map, Value, json};
use stackgres::api::Kind;
use stackgres::api::condition::Condition;
use stackgres::api::schema::{Rule, Schema, Shape, Text};

/// Texts of which at least one fits every pattern in the schemas.
const TEXTS: &[&str] = &[
    "a",
    "5Gi",
    "500m",
    "1",
    "7 days",
    "10m",
    "2h",
    "PT2H",
    "2026-01-01T00:00:00Z",
    "2026-01-01",
    "50%",
    "main",
    "https://git.example/a/b.git",
    "bucket/below",
    "clusters/a",
    "0123456789012345678901234567890123456789",
    "sha256:0123456789012345678901234567890123456789012345678901234567890123",
];

/// A whole manifest of a kind, in a given group.
pub(super) fn manifest(kind: &Kind, group: &str, random: &mut Random) -> Value {
    let mut object = value(&kind.schema, random, 0);
    object["apiVersion"] = json!(format!("{group}/{}", kind.version));
    object["kind"] = json!(kind.kind);
    object["metadata"] = json!({"name": "a", "namespace": "stackgres-test", "labels": {"a": "b"}, "annotations": {"c": "d"}});
    object
}

/// A value that a schema accepts. Deep places are rarer, so that manifests stay of a size that people write.
pub(super) fn value(schema: &Schema, random: &mut Random, depth: usize) -> Value {
    if schema.nullable && random.below(4) == 0 {
        return Value::Null;
    }
    match &schema.shape {
        Shape::Object { fields, preserve_unknown } => {
            let mut map = Map::new();
            for field in fields {
                // Of many fields a few are written, of few fields most.
                let one_in = 2 + depth.saturating_sub(1) / 2 + fields.len() / 12;
                if field.required || random.below(one_in) == 0 {
                    map.insert(field.name.clone(), value(&field.schema, random, depth + 1));
                }
            }
            if *preserve_unknown && random.below(2) == 0 {
                map.insert("free".to_owned(), anything(random, 0));
            }
            mended(schema, Value::Object(map), random, depth)
        }
        Shape::Map { values } => {
            let keys = ["a", "b.c", "d/e", "F g", ""];
            let count = random.below(3);
            Value::Object(
                (0..count).map(|at| (keys[(at + random.below(2)) % keys.len()].to_owned(), value(values, random, depth + 1))).collect(),
            )
        }
        Shape::Array { items, map_keys, min_items, max_items } => {
            let count = random.below(3).max(number(min_items.unwrap_or(0))).min(number(max_items.unwrap_or(99)));
            let mut list: Vec<Value> = (0..count).map(|_| value(items, random, depth + 1)).collect();
            for (at, item) in list.iter_mut().enumerate() {
                for key in map_keys {
                    item[key] = json!(at);
                }
            }
            Value::Array(list)
        }
        Shape::Text(text) => json!(fitting(text, random)),
        Shape::Integer { minimum, maximum, .. } => {
            let (low, high) = (minimum.unwrap_or(-3), maximum.unwrap_or(1_000_000));
            match random.below(6) {
                0 => json!(low),
                1 => json!(high),
                2 => json!(f64::from(i32::try_from(low.max(0)).unwrap()) + 1.0),
                _ => json!(low + i64::try_from(random.below(usize::try_from((high - low).clamp(1, 99)).unwrap())).unwrap()),
            }
        }
        Shape::Number { minimum, maximum } => {
            let (low, high) = (minimum.unwrap_or(-3.5), maximum.unwrap_or(1e6));
            [json!(low), json!(high), json!(f64::midpoint(low, high)), json!(1)][random.below(4)].clone()
        }
        Shape::Boolean => json!(random.below(2) == 0),
        Shape::IntOrString { pattern } => {
            if random.below(2) == 0 {
                json!(random.below(100))
            } else {
                json!(fitting(&Text { pattern: pattern.clone(), ..Text::default() }, random))
            }
        }
        Shape::Any => anything(random, 0),
    }
}

/// A mapping whose rules hold: what a broken one speaks of is taken out, or made anew, until they do.
fn mended(schema: &Schema, mut value: Value, random: &mut Random, depth: usize) -> Value {
    for _ in 0..2_000 {
        let broken: Vec<&Rule> =
            schema.rules.iter().filter(|rule| !rule.condition.is_transition() && !rule.condition.holds(&value, None)).collect();
        if broken.is_empty() {
            return value;
        }
        let spoken = broken[random.below(broken.len())].condition.paths();
        let (path, words) = spoken[random.below(spoken.len())].clone();
        let steps: Vec<&str> = Condition::steps(path).collect();
        change(schema, &mut value, &steps, &words, random, depth);
    }
    panic!("no value of `{}` was found whose rules hold: {:?}", schema.description, schema.rules)
}

/// Takes out what stands at a path below a mapping, or makes it anew, with all that leads there.
pub(super) fn change(schema: &Schema, value: &mut Value, steps: &[&str], words: &[&str], random: &mut Random, depth: usize) {
    let (Some(step), Some(map)) = (steps.first(), value.as_object_mut()) else { return };
    let field = schema.get_field(step).unwrap();
    match steps {
        [_] if !field.required && random.below(2) == 0 => {
            map.remove(*step);
        }
        [_] if !words.is_empty() && random.below(4) > 0 => {
            map.insert((*step).to_owned(), json!(words[random.below(words.len())]));
        }
        [_] => {
            map.insert((*step).to_owned(), self::value(&field.schema, random, depth + 1));
        }
        [_, rest @ ..] => {
            if !map.contains_key(*step) || !field.required && random.below(4) == 0 {
                if map.remove(*step).is_some() {
                    return;
                }
                map.insert((*step).to_owned(), self::value(&field.schema, random, depth + 1));
            }
            let inner = map.get_mut(*step).unwrap();
            change(&field.schema, inner, rest, words, random, depth + 1);
            // The inner rules hold as before.
            let again = mended(&field.schema, inner.take(), random, depth + 1);
            *inner = again;
        }
        [] => {}
    }
}

/// Any JSON.
pub(super) fn anything(random: &mut Random, depth: usize) -> Value {
    match random.below(if depth > 2 { 5 } else { 7 }) {
        0 => json!(true),
        1 => json!("text"),
        2 => json!(-7),
        3 => json!(2.5),
        4 => Value::Null,
        5 => json!([anything(random, depth + 1)]),
        _ => json!({"x": anything(random, depth + 1)}),
    }
}

fn number(value: u64) -> usize {
    usize::try_from(value).unwrap()
}

fn fitting(text: &Text, random: &mut Random) -> String {
    if !text.allowed.is_empty() {
        return text.allowed[random.below(text.allowed.len())].clone();
    }
    match text.format {
        Some("date-time") => return ["2026-01-01T00:00:00Z", "2026-01-01T00:00:00.5+02:00"][random.below(2)].to_owned(),
        Some("date") => return "2026-01-01".to_owned(),
        Some("byte") => return "aGk=".to_owned(),
        _ => {}
    }
    let pattern = text.pattern.as_ref().map(|pattern| regex::Regex::new(pattern).unwrap());
    let low = text.min_length.unwrap_or(0);
    let high = text.max_length.unwrap_or(u64::MAX);
    let fits = |text: &&&str| {
        pattern.as_ref().is_none_or(|pattern| pattern.is_match(text)) && (low..=high).contains(&(text.chars().count() as u64))
    };
    let mut found: Vec<&str> = TEXTS.iter().filter(fits).copied().collect();
    if pattern.is_none() && low == 0 && high > 9 {
        found.extend(["", "ü € 漢", "true", "a\nb"]);
    }
    assert!(!found.is_empty(), "no text here fits {text:?}: add one to TEXTS");
    found[random.below(found.len())].to_owned()
}
