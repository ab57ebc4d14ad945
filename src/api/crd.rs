//! From a kind to its CustomResourceDefinition.

use super::kind::{Kind, NotYet};
use super::schema::{Schema, Shape};
use serde_json::{Map, Value, json};

/// Name of the kind's CustomResourceDefinition.
pub fn crd_name(kind: &Kind) -> String {
    format!("{}.{}", kind.plural, super::GROUP)
}

/// The CustomResourceDefinition of a kind, `apiextensions.k8s.io/v1`. It holds no `default`.
pub fn crd(kind: &Kind) -> Value {
    let mut names = json!({
        "kind": kind.kind, "listKind": format!("{}List", kind.kind), "plural": kind.plural, "singular": kind.singular,
        "categories": kind.categories,
    });
    if !kind.short_names.is_empty() {
        names["shortNames"] = json!(kind.short_names);
    }
    let mut subresources = json!({"status": {}});
    if let Some(scale) = &kind.scale {
        subresources["scale"] = json!({"specReplicasPath": scale.spec, "statusReplicasPath": scale.status});
        if let Some(selector) = scale.selector {
            subresources["scale"]["labelSelectorPath"] = json!(selector);
        }
    }
    let mut columns: Vec<Value> = kind
        .columns
        .iter()
        .map(|column| {
            let mut value =
                json!({"name": column.name, "type": column.r#type, "jsonPath": column.json_path, "description": column.description});
            if column.priority > 0 {
                value["priority"] = json!(column.priority);
            }
            value
        })
        .collect();
    columns
        .push(json!({"name": "Age", "type": "date", "jsonPath": ".metadata.creationTimestamp", "description": "Time since it was made."}));
    let mut version = json!({
        "name": kind.version, "served": true, "storage": true,
        "schema": {"openAPIV3Schema": root(kind)},
        "subresources": subresources,
        "additionalPrinterColumns": columns,
    });
    // The only warning that an API server gives by itself, without a webhook.
    if let Some(NotYet { refused: false, help }) = kind.not_yet {
        version["deprecated"] = json!(true);
        version["deprecationWarning"] = json!(rule_message("kind-not-supported-yet", &kind.not_supported_yet(), help));
    }
    json!({
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": crd_name(kind), "labels": {"app.kubernetes.io/part-of": "stackgres"}},
        "spec": {
            "group": super::GROUP,
            "names": names,
            "scope": "Namespaced",
            "versions": [version],
        },
    })
}

/// What the API server says where a rule does not hold: the code, what is wrong, what to do.
pub fn rule_message(code: &str, message: &str, help: &str) -> String {
    format!("{code}: {message}; {help}")
}

fn root(kind: &Kind) -> Value {
    let mut root = node(&kind.schema);
    root["description"] = json!(kind.description);
    root["properties"]["apiVersion"] = json!({"type": "string", "description": format!("Version of the API: `{}`.", kind.api_version())});
    root["properties"]["kind"] = json!({"type": "string", "description": format!("Kind of the object: `{}`.", kind.kind)});
    let mut metadata = json!({"type": "object"});
    if kind.name_max_length.is_some() || kind.name_pattern.is_some() {
        let mut name = json!({"type": "string"});
        if let Some(length) = kind.name_max_length {
            name["maxLength"] = json!(length);
        }
        if let Some(pattern) = kind.name_pattern {
            name["pattern"] = json!(pattern);
        }
        metadata["properties"] = json!({"name": name});
    }
    root["properties"]["metadata"] = metadata;
    if let Some(NotYet { refused: true, help }) = kind.not_yet {
        let message = rule_message("kind-not-supported-yet", &kind.not_supported_yet(), help);
        // None can be made; one that another program made before may still be edited, and so lose its finalizers and go.
        root["x-kubernetes-validations"] = json!([{"rule": "oldSelf.hasValue()", "optionalOldSelf": true, "message": message}]);
    }
    root
}

/// One schema node in the form of the API server.
fn node(schema: &Schema) -> Value {
    let mut out = Map::new();
    out.insert("description".to_owned(), json!(description(schema)));
    if schema.nullable {
        out.insert("nullable".to_owned(), json!(true));
    }
    if !schema.rules.is_empty() {
        let rules: Vec<Value> = schema
            .rules
            .iter()
            .map(|rule| {
                let mut out = json!({"rule": rule.condition.cel(), "message": rule_message(rule.code, &rule.message, &rule.help)});
                if !rule.field.is_empty() {
                    out["fieldPath"] = json!(format!(".{}", rule.field));
                }
                out
            })
            .collect();
        out.insert("x-kubernetes-validations".to_owned(), json!(rules));
    }
    let mut set = |name: &str, value: Value| {
        out.insert(name.to_owned(), value);
    };
    match &schema.shape {
        Shape::Object { fields, preserve_unknown } => {
            set("type", json!("object"));
            if !fields.is_empty() {
                set("properties", Value::Object(fields.iter().map(|field| (field.name.clone(), node(&field.schema))).collect()));
            }
            let required: Vec<&str> = fields.iter().filter(|field| field.required).map(|field| field.name.as_str()).collect();
            if !required.is_empty() {
                set("required", json!(required));
            }
            if *preserve_unknown {
                set("x-kubernetes-preserve-unknown-fields", json!(true));
            }
        }
        Shape::Map { values } => {
            set("type", json!("object"));
            set("additionalProperties", node(values));
        }
        Shape::Array { items, map_keys, min_items, max_items } => {
            set("type", json!("array"));
            set("items", node(items));
            if !map_keys.is_empty() {
                set("x-kubernetes-list-type", json!("map"));
                set("x-kubernetes-list-map-keys", json!(map_keys));
            }
            for (name, value) in [("minItems", min_items), ("maxItems", max_items)] {
                if let Some(value) = value {
                    set(name, json!(value));
                }
            }
        }
        Shape::Text(text) => {
            set("type", json!("string"));
            if let Some(format) = text.format {
                set("format", json!(format));
            }
            if let Some(pattern) = &text.pattern {
                set("pattern", json!(pattern));
            }
            if !text.allowed.is_empty() {
                set("enum", json!(text.allowed));
            }
            for (name, value) in [("minLength", text.min_length), ("maxLength", text.max_length)] {
                if let Some(value) = value {
                    set(name, json!(value));
                }
            }
        }
        Shape::Integer { format, minimum, maximum } => {
            set("type", json!("integer"));
            if let Some(format) = format {
                set("format", json!(format));
            }
            for (name, value) in [("minimum", minimum), ("maximum", maximum)] {
                if let Some(value) = value {
                    set(name, json!(value));
                }
            }
        }
        Shape::Number { minimum, maximum } => {
            set("type", json!("number"));
            for (name, value) in [("minimum", minimum), ("maximum", maximum)] {
                if let Some(value) = value {
                    set(name, json!(value));
                }
            }
        }
        Shape::Boolean => set("type", json!("boolean")),
        Shape::IntOrString { pattern } => {
            set("x-kubernetes-int-or-string", json!(true));
            set("anyOf", json!([{"type": "integer"}, {"type": "string"}]));
            if let Some(pattern) = pattern {
                set("pattern", json!(pattern));
            }
        }
        Shape::Any => set("x-kubernetes-preserve-unknown-fields", json!(true)),
    }
    Value::Object(out)
}

/// The description with the effective default, which stands here because the schema itself holds none.
fn description(schema: &Schema) -> String {
    match &schema.default {
        Some(default) => format!("{} Default: {default}.", schema.description),
        None => schema.description.clone(),
    }
}
