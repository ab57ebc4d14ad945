//! Effective values for people: each with its origin in words, secrets masked.

use super::mask::mask_settings;
use crate::resolve::{Effective, Origin};
use serde_json::{Map, Value, json};

/// Parts whose values have no origin of their own, and where they come from as a whole.
const PARTS: &[(&str, &str)] = &[
    ("architectures", "catalogue of images"),
    ("clusterDomain", "setting of the program"),
    ("imagePullPolicy", "catalogue of images"),
    ("imagePullSecrets", "catalogue of images"),
    ("images", "catalogue of images"),
    ("resources", "SGInstanceProfile and spec.pods.resources"),
];

/// The values a cluster runs with, as its status, the page and `stackgres render --effective` show them: a value is a mapping of `value` and
/// `origin`. What a manifest gives as a whole (`pods`, `labels`, …) stays as it is written.
pub fn effective_in_words(effective: &Effective) -> Value {
    let mut shown = in_words(mask_settings(&serde_json::to_value(effective).unwrap_or_default()));
    for (part, origin) in PARTS {
        let Some(part) = shown.get_mut(part) else { continue };
        match part {
            Value::Object(entries) => entries.values_mut().for_each(|entry| *entry = json!({"value": entry.take(), "origin": origin})),
            other => *other = json!({"value": other.take(), "origin": origin}),
        }
    }
    shown
}

/// An origin as it is kept, in words; of a status of before it may be in words already.
pub fn origin_in_words(origin: &Value) -> String {
    match serde_json::from_value::<Origin>(origin.clone()) {
        Ok(read) => read.to_string(),
        Err(_) => origin.as_str().map_or_else(|| origin.to_string(), str::to_owned),
    }
}

fn in_words(node: Value) -> Value {
    match node {
        Value::Object(mut map) if map.len() == 2 && map.contains_key("value") && map.contains_key("origin") => {
            let origin = Value::from(origin_in_words(&map["origin"]));
            map.insert("origin".to_owned(), origin);
            Value::Object(map)
        }
        Value::Object(map) => Value::Object(map.into_iter().map(|(name, child)| (name, in_words(child))).collect::<Map<_, _>>()),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One way in that says it in other words is one that people compare in vain.
    #[test]
    fn origins_in_words() {
        let location = json!({"file": "a.yaml", "line": 3, "column": 7});
        let words = |origin: Value| origin_in_words(&origin);
        assert_eq!(words(json!("default")), "default");
        assert_eq!(words(json!("forced")), "set by the program");
        assert_eq!(words(json!({"tuned": "memory 2048MiB"})), "tuned: memory 2048MiB");
        assert_eq!(words(json!({"profile": "testing"})), "profile testing");
        assert_eq!(words(json!({"manifest": location})), "a.yaml:3:7");
        assert_eq!(words(json!("tuned: memory 2048MiB")), "tuned: memory 2048MiB");
    }
}
