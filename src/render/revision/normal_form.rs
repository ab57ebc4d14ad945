//! What an input means, whatever way it is written. Version 1; a change of this file needs a new version in the digest.

use crate::model::{Object, Quantity};
use crate::postgres::{PoolerSetting, canonical};
use serde_json::{Map, Value, json};

/// The part of an object that a person writes.
pub(super) fn as_written(object: &Object) -> Object {
    let mut value = object.value().clone();
    if let Some(root) = value.as_object_mut() {
        root.remove("status");
        if let Some(metadata) = root.get_mut("metadata").and_then(Value::as_object_mut) {
            metadata.retain(|field, _| matches!(field.as_str(), "name" | "namespace" | "labels" | "annotations"));
            if let Some(annotations) = metadata.get_mut("annotations").and_then(Value::as_object_mut) {
                annotations.remove("kubectl.kubernetes.io/last-applied-configuration");
            }
        }
    }
    Object::new(value)
}

/// Kind, identity and content with equal spelling for equal meaning. Labels and annotations of the input are left out: nothing
/// is rendered from them.
pub(super) fn normal_form(object: &Object, major: u32) -> Value {
    let mut content = Map::new();
    let form = Form { kind: object.kind(), major };
    if let Some(value) = object.value().get("spec").and_then(|value| form.normalise(&mut vec!["spec"], value)) {
        content.insert("spec".to_owned(), value);
    }
    // The content of a ConfigMap means what is written, letter by letter.
    for field in ["data", "binaryData"] {
        if let Some(value) = object.value().get(field).filter(|value| value.as_object().is_some_and(|map| !map.is_empty())) {
            content.insert(field.to_owned(), value.clone());
        }
    }
    json!({"kind": object.kind(), "namespace": object.namespace(), "name": object.name(), "content": content})
}

/// Fields that hold a quantity, by kind; `*` is any name or position.
/// Elsewhere `1024Ki` is an ordinary word: a label or a node's name may be called so.
const QUANTITIES: &[(&str, &[&str])] = &[
    (
        "SGCluster",
        &[
            "spec/autoscaling/minAllowed/*/*",
            "spec/autoscaling/maxAllowed/*/*",
            "spec/pods/persistentVolume/size",
            "spec/pods/resources/containers/*/limits/*",
            "spec/pods/resources/containers/*/requests/*",
            "spec/pods/resources/initContainers/*/limits/*",
            "spec/pods/resources/initContainers/*/requests/*",
            "spec/pods/customContainers/*/resources/limits/*",
            "spec/pods/customContainers/*/resources/requests/*",
            "spec/pods/customContainers/*/env/*/valueFrom/resourceFieldRef/divisor",
            "spec/pods/customInitContainers/*/resources/limits/*",
            "spec/pods/customInitContainers/*/resources/requests/*",
            "spec/pods/customInitContainers/*/env/*/valueFrom/resourceFieldRef/divisor",
            "spec/pods/customEnv/*/*/valueFrom/resourceFieldRef/divisor",
            "spec/pods/customInitEnv/*/*/valueFrom/resourceFieldRef/divisor",
            "spec/pods/customVolumes/*/downwardAPI/items/*/resourceFieldRef/divisor",
            "spec/pods/customVolumes/*/emptyDir/sizeLimit",
            "spec/pods/customVolumes/*/ephemeral/volumeClaimTemplate/spec/resources/limits/*",
            "spec/pods/customVolumes/*/ephemeral/volumeClaimTemplate/spec/resources/requests/*",
            "spec/pods/customVolumes/*/projected/sources/*/downwardAPI/items/*/resourceFieldRef/divisor",
        ],
    ),
    (
        "SGInstanceProfile",
        &[
            "spec/cpu",
            "spec/memory",
            "spec/hugePages/*",
            "spec/containers/*/cpu",
            "spec/containers/*/memory",
            "spec/containers/*/hugePages/*",
            "spec/initContainers/*/cpu",
            "spec/initContainers/*/memory",
            "spec/initContainers/*/hugePages/*",
            "spec/requests/cpu",
            "spec/requests/memory",
            "spec/requests/containers/*/cpu",
            "spec/requests/containers/*/memory",
            "spec/requests/initContainers/*/cpu",
            "spec/requests/initContainers/*/memory",
        ],
    ),
];

/// Where PostgreSQL parameters stand, by kind. Their names have no case. Source: PostgreSQL documentation, "Setting Parameters".
const PARAMETERS: &[(&str, &[&str])] =
    &[("SGCluster", &["spec", "configurations", "postgres", "postgresql.conf"]), ("SGPostgresConfig", &["spec", "postgresql.conf"])];

/// Where sections of `pgbouncer.ini` stand, by kind.
const POOLER: &[(&str, &[&str])] = &[
    ("SGCluster", &["spec", "configurations", "pooling", "pgBouncer", "pgbouncer.ini"]),
    ("SGPoolingConfig", &["spec", "pgBouncer", "pgbouncer.ini"]),
];

/// Parts of an SGCluster that other programs define, where an empty mapping or list may mean something of its own:
/// `namespaceSelector: {}` is every namespace, `topologySpreadConstraints: []` switches ours off, `emptyDir: {}` is a volume.
const FOREIGN: &[&[&str]] = &[
    &["spec", "pods", "scheduling"],
    &["spec", "pods", "customVolumes"],
    &["spec", "pods", "customContainers"],
    &["spec", "pods", "customInitContainers"],
    &["spec", "configurations", "patroni"],
    &["spec", "configurations", "pooling", "pgBouncer", "pgbouncer.ini", "databases"],
];

/// The place of a value: keys and positions from the root.
type Place<'a> = Vec<&'a str>;

struct Form<'a> {
    kind: &'a str,
    major: u32,
}

impl Form<'_> {
    /// `None` for what means nothing: null, and outside of foreign parts an empty mapping or list.
    fn normalise<'v>(&self, place: &mut Place<'v>, value: &'v Value) -> Option<Value> {
        match value {
            // Patroni takes a null for the wish to have no such key.
            Value::Null => self.below(place, &[&["spec", "configurations", "patroni"]]).then_some(Value::Null),
            Value::Object(map) => {
                let parameters = self.is(place, PARAMETERS);
                let mut normal = Map::new();
                for (key, child) in map {
                    place.push(key);
                    let child = self.normalise(place, child);
                    place.pop();
                    if let Some(child) = child {
                        normal.insert(if parameters { key.to_ascii_lowercase() } else { key.clone() }, child);
                    }
                }
                (!normal.is_empty() || self.below(place, FOREIGN)).then_some(Value::Object(normal))
            }
            Value::Array(items) => {
                let mut normal = Vec::new();
                for item in items {
                    place.push("*");
                    normal.push(self.normalise(place, item).unwrap_or(Value::Null));
                    place.pop();
                }
                (!normal.is_empty() || self.below(place, FOREIGN)).then_some(Value::Array(normal))
            }
            other => Some(self.scalar(place, other)),
        }
    }

    fn scalar(&self, place: &Place<'_>, value: &Value) -> Value {
        let name = place.last().copied().unwrap_or_default();
        if self.inside(place, PARAMETERS, 1)
            && let Some(text) = value.as_str()
        {
            return json!(canonical(self.major, &name.to_ascii_lowercase(), text));
        }
        if self.inside(place, POOLER, 2) || self.inside(place, POOLER, 3) {
            return json!(PoolerSetting::text_of(name, value));
        }
        match value {
            Value::String(text) if self.is_quantity(place) => {
                Quantity::parse(text).map_or_else(|| value.clone(), |quantity| json!(quantity.to_string()))
            }
            Value::Number(number) => match number.as_f64().filter(|number| number.fract() == 0.0 && number.abs() < 9e15) {
                #[expect(clippy::cast_possible_truncation, reason = "whole and small, checked just above")]
                Some(whole) => json!(whole as i64),
                None => value.clone(),
            },
            other => other.clone(),
        }
    }

    fn is(&self, place: &Place<'_>, places: &[(&str, &[&str])]) -> bool {
        places.iter().any(|(kind, known)| *kind == self.kind && place.as_slice() == *known)
    }

    /// Whether a place is so many steps below one of the known ones.
    fn inside(&self, place: &Place<'_>, places: &[(&str, &[&str])], steps: usize) -> bool {
        places.iter().any(|(kind, known)| *kind == self.kind && place.len() == known.len() + steps && place.starts_with(known))
    }

    /// Whether a place is below one of these, and not that place itself.
    fn below(&self, place: &Place<'_>, places: &[&[&str]]) -> bool {
        self.kind == "SGCluster" && places.iter().any(|known| place.len() > known.len() && place.starts_with(known))
    }

    fn is_quantity(&self, place: &Place<'_>) -> bool {
        let matches = |pattern: &str| {
            let mut parts = pattern.split('/');
            place.iter().all(|step| parts.next().is_some_and(|part| part == "*" || part == *step)) && parts.next().is_none()
        };
        QUANTITIES.iter().filter(|(kind, _)| *kind == self.kind).any(|(_, patterns)| patterns.iter().any(|pattern| matches(pattern)))
    }
}
