//! An object as its text, with the parts of it that are asked for most.
//!
//! In: a value. Out: the same value, whenever it is asked for. Why: as a tree an object takes ten times its text, and of the tens of thousands that
//! are kept few are looked into at a time.

use serde_json::Value;

/// A packed value.
pub(super) struct Packed {
    text: Box<str>,
    pub(super) api_version: Box<str>,
    pub(super) kind: Box<str>,
    pub(super) name: Box<str>,
    pub(super) namespace: Option<Box<str>>,
    pub(super) uid: Option<Box<str>>,
    pub(super) resource_version: Option<Box<str>>,
    /// Sorted by name.
    labels: Box<[(Box<str>, Box<str>)]>,
}

impl Packed {
    pub(super) fn of(value: &Value) -> Self {
        let metadata = value.get("metadata");
        let own = |value: Option<&Value>| value.and_then(Value::as_str).map(Box::from);
        let of_metadata = |field: &str| own(metadata.and_then(|metadata| metadata.get(field)));
        let labels = metadata.and_then(|metadata| metadata.get("labels")).and_then(Value::as_object);
        let labels = labels.into_iter().flatten().filter_map(|(name, label)| Some((Box::from(name.as_str()), label.as_str()?.into())));
        Self {
            text: value.to_string().into(),
            api_version: own(value.get("apiVersion")).unwrap_or_default(),
            kind: own(value.get("kind")).unwrap_or_default(),
            name: of_metadata("name").unwrap_or_default(),
            namespace: of_metadata("namespace"),
            uid: of_metadata("uid"),
            resource_version: of_metadata("resourceVersion"),
            labels: labels.collect(),
        }
    }

    /// The whole value.
    pub(super) fn open(&self) -> Value {
        serde_json::from_str(&self.text).expect("the text was written from a value, a moment before nothing of it could change")
    }

    pub(super) fn label(&self, name: &str) -> Option<&str> {
        let place = self.labels.binary_search_by(|(one, _)| (**one).cmp(name)).ok()?;
        Some(&self.labels[place].1)
    }
}

#[cfg(test)]
mod tests {
    use crate::model::Object;
    use serde_json::{Value, json};

    fn pod() -> Value {
        json!({"apiVersion": "v1", "kind": "Pod", "spec": {"a": [1, "x", null, 2.5]},
            "metadata": {"name": "a-0", "namespace": "n", "uid": "u", "resourceVersion": "7", "labels": {"b": "2", "a": "1", "c": ""}}})
    }

    /// Whoever reads a packed object must read what the tree says.
    #[test]
    fn a_packed_object_says_what_its_tree_says() {
        let pods = [pod(), json!({"kind": "Namespace"}), json!({"metadata": {"name": 1, "labels": {"a": 1}}}), json!({})];
        for value in pods {
            let (tree, packed) = (Object::new(value.clone()), Object::new(value.clone()).packed());
            assert_eq!(packed.key(), tree.key());
            assert_eq!(packed.namespaced_name(), tree.namespaced_name());
            assert_eq!((packed.uid(), packed.resource_version()), (tree.uid(), tree.resource_version()));
            for label in ["a", "b", "c", "d"] {
                assert_eq!(packed.label(label), tree.label(label));
            }
            assert_eq!((packed.labels(), packed.get("/spec/a/1")), (tree.labels(), tree.get("/spec/a/1")));
            assert_eq!(packed.value(), &value);
            assert!(packed == tree);
            assert_eq!(packed.clone().into_value(), value);
            assert_eq!(packed.into_value(), value);
        }
    }

    /// A change of one owner's object must not be seen by another.
    #[test]
    fn a_changed_object_is_one_of_its_own() {
        let packed = Object::new(pod()).packed();
        let (same, mut changed) = (packed.closed(), packed.clone());
        assert!(packed.is_same(&same) && packed.is_same(&changed));
        changed.value_mut()["metadata"]["name"] = json!("b-0");
        assert_eq!((changed.name(), packed.name(), same.name()), ("b-0", "a-0", "a-0"));
        assert!(!packed.is_same(&changed) && packed != changed);
    }

    /// The page and the next status are made from it.
    #[test]
    fn what_is_effective_is_read_of_a_compact_object() {
        let effective = json!({"instances": {"value": 2}});
        let cluster = Object::new(json!({"kind": "SGCluster", "status": {"effective": effective, "release": {}}}));
        let compact = cluster.clone().compact();
        assert_eq!(compact.get("/status/effective/instances"), None);
        assert_eq!(compact.clone().compact(), compact);
        assert_eq!(compact.effective().as_deref(), Some(&effective));
        assert_eq!(cluster.effective().as_deref(), Some(&effective));
        assert!(Object::new(json!({})).compact().effective().is_none());
    }
}
