//! Sets of fields, in the form of `metadata.managedFields`.
//!
//! Source: Kubernetes API reference, `FieldsV1`: `f:NAME` a field, `k:{…}` a list item by its keys, `v:…` an item of a set,
//! `.` the node itself.

use super::lists::{List, Place, key_of};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// A set of paths as a tree.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Fields {
    /// Whether the path that leads here is in the set.
    member: bool,
    children: BTreeMap<String, Fields>,
}

impl Fields {
    fn leaf() -> Self {
        Self { member: true, children: BTreeMap::new() }
    }

    pub(super) fn is_empty(&self) -> bool {
        !self.member && self.children.is_empty()
    }

    /// Every field that a value sets.
    pub(super) fn of(value: &Value, place: &Place<'_>) -> Self {
        match value {
            Value::Object(map) if !map.is_empty() && !place.is_atomic_map() => {
                let child = |(name, value): (&String, &Value)| (format!("f:{name}"), Self::of(value, &place.field(name)));
                Self { member: false, children: map.iter().map(child).collect() }
            }
            Value::Array(items) if !items.is_empty() => match place.list() {
                List::Atomic => Self::leaf(),
                List::Set => Self { member: false, children: items.iter().map(|item| (format!("v:{item}"), Self::leaf())).collect() },
                List::Map(keys) => {
                    let child = |item: &Value| {
                        let inner = Self::of(item, &place.item());
                        (format!("k:{}", key_of(item, &keys)), Self { member: true, children: inner.children })
                    };
                    Self { member: false, children: items.iter().map(child).collect() }
                }
            },
            _ => Self::leaf(),
        }
    }

    /// Reads `fieldsV1`.
    pub(super) fn parse(value: &Value) -> Self {
        let Some(map) = value.as_object().filter(|map| !map.is_empty()) else { return Self::leaf() };
        let children = map.iter().filter(|(name, _)| *name != ".").map(|(name, child)| (name.clone(), Self::parse(child))).collect();
        Self { member: map.contains_key("."), children }
    }

    /// Writes `fieldsV1`.
    pub(super) fn to_value(&self) -> Value {
        let mut map = Map::new();
        if self.member && !self.children.is_empty() {
            map.insert(".".to_owned(), Value::Object(Map::new()));
        }
        for (name, child) in &self.children {
            map.insert(name.clone(), child.to_value());
        }
        Value::Object(map)
    }

    pub(super) fn union(&mut self, other: &Self) {
        self.member |= other.member;
        for (name, child) in &other.children {
            self.children.entry(name.clone()).or_default().union(child);
        }
    }

    pub(super) fn subtract(&mut self, other: &Self) {
        self.member &= !other.member;
        for (name, child) in &other.children {
            if let Some(mine) = self.children.get_mut(name) {
                mine.subtract(child);
                if mine.is_empty() {
                    self.children.remove(name);
                }
            }
        }
    }

    pub(super) fn intersection(&self, other: &Self) -> Self {
        let children = self.children.iter().filter_map(|(name, child)| {
            let both = child.intersection(other.children.get(name)?);
            (!both.is_empty()).then(|| (name.clone(), both))
        });
        Self { member: self.member && other.member, children: children.collect() }
    }

    /// Takes the members out of a value. A list item stays while `kept` holds something of it; what is empty afterwards goes.
    pub(super) fn remove_from(&self, value: &mut Value, kept: &Self) {
        for (name, child) in &self.children {
            let nothing = Self::default();
            let kept = kept.children.get(name).unwrap_or(&nothing);
            if let (Some(field), Value::Object(map)) = (name.strip_prefix("f:"), &mut *value) {
                let gone = match map.get_mut(field) {
                    Some(_) if child.children.is_empty() => kept.is_empty(),
                    Some(inner) => {
                        child.remove_from(inner, kept);
                        kept.is_empty() && is_hollow(inner)
                    }
                    None => false,
                };
                if gone {
                    map.remove(field);
                }
            } else if let (Some(key), Value::Array(items)) = (name.strip_prefix("k:"), &mut *value) {
                let key: Value = serde_json::from_str(key).unwrap_or_default();
                let names: Vec<String> = key.as_object().map(|key| key.keys().cloned().collect()).unwrap_or_default();
                let Some(index) = items.iter().position(|item| key_of(item, &names) == key) else { continue };
                if child.member && kept.is_empty() {
                    items.remove(index);
                } else {
                    child.remove_from(&mut items[index], kept);
                }
            } else if let (Some(item), Value::Array(items)) = (name.strip_prefix("v:"), &mut *value)
                && kept.is_empty()
            {
                let item: Value = serde_json::from_str(item).unwrap_or_default();
                items.retain(|candidate| *candidate != item);
            }
        }
    }

    /// Paths for a message, such as `.spec.instances`.
    pub(super) fn paths(&self) -> Vec<String> {
        let mut paths = Vec::new();
        self.gather(String::new(), &mut paths);
        paths
    }

    fn gather(&self, at: String, paths: &mut Vec<String>) {
        if self.member {
            paths.push(at.clone());
        }
        for (name, child) in &self.children {
            let step = match name.split_once(':') {
                Some(("f", field)) => format!("{at}.{field}"),
                Some(("k", key)) => format!("{at}[{}]", key.trim_matches(['{', '}']).replace("\":", "\"=").replace('"', "")),
                Some((_, item)) => format!("{at}[={item}]"),
                None => at.clone(),
            };
            child.gather(step, paths);
        }
    }
}

fn is_hollow(value: &Value) -> bool {
    value.as_object().is_some_and(Map::is_empty) || value.as_array().is_some_and(Vec::is_empty)
}

/// What differs between two values: fields whose value is new or another, and fields that are gone.
pub(super) fn compare(before: &Value, after: &Value, place: &Place<'_>) -> (Fields, Fields) {
    let (mut changed, mut gone) = (Fields::default(), Fields::default());
    differ(before, after, place, &mut changed, &mut gone);
    (changed, gone)
}

fn differ(before: &Value, after: &Value, place: &Place<'_>, changed: &mut Fields, gone: &mut Fields) {
    match (before, after) {
        (Value::Object(old), Value::Object(new)) if !place.is_atomic_map() && !old.is_empty() && !new.is_empty() => {
            for (name, value) in new {
                let (step, inner) = (format!("f:{name}"), place.field(name));
                pair(old.get(name), Some(value), step, &inner, false, changed, gone);
            }
            for (name, value) in old.iter().filter(|(name, _)| !new.contains_key(*name)) {
                pair(Some(value), None, format!("f:{name}"), &place.field(name), false, changed, gone);
            }
        }
        (Value::Array(old), Value::Array(new)) => match place.list() {
            List::Map(keys) => {
                let find = |items: &[Value], key: &Value| items.iter().find(|item| key_of(item, &keys) == *key).cloned();
                for item in new {
                    let key = key_of(item, &keys);
                    pair(find(old, &key).as_ref(), Some(item), format!("k:{key}"), &place.item(), true, changed, gone);
                }
                for item in old {
                    let key = key_of(item, &keys);
                    if find(new, &key).is_none() {
                        pair(Some(item), None, format!("k:{key}"), &place.item(), true, changed, gone);
                    }
                }
            }
            List::Set => {
                for item in new.iter().filter(|item| !old.contains(item)) {
                    changed.children.insert(format!("v:{item}"), Fields::leaf());
                }
                for item in old.iter().filter(|item| !new.contains(item)) {
                    gone.children.insert(format!("v:{item}"), Fields::leaf());
                }
            }
            List::Atomic if before != after => changed.member = true,
            List::Atomic => {}
        },
        _ if before != after => changed.union(&Fields::of(after, place)),
        _ => {}
    }
}

fn pair(
    before: Option<&Value>,
    after: Option<&Value>,
    step: String,
    place: &Place<'_>,
    item: bool,
    changed: &mut Fields,
    gone: &mut Fields,
) {
    let (mut new, mut old) = (Fields::default(), Fields::default());
    match (before, after) {
        (Some(before), Some(after)) => differ(before, after, place, &mut new, &mut old),
        (None, Some(after)) => {
            new = Fields::of(after, place);
            new.member |= item;
        }
        (Some(before), None) => {
            old = Fields::of(before, place);
            old.member |= item;
        }
        (None, None) => {}
    }
    for (set, part) in [(changed, new), (gone, old)] {
        if !part.is_empty() {
            set.children.insert(step.clone(), part);
        }
    }
}
