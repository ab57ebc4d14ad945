//! Random passwords.

use crate::model::Object;
use crate::render::{GeneratedSecret, Material, derived_entries};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rand::RngExt as _;
use rand::distr::Alphanumeric;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// A random text of letters and digits.
pub fn random_text(length: usize) -> String {
    rand::rng().sample_iter(Alphanumeric).take(length).map(char::from).collect()
}

/// The Secret with everything random made now. `given` replaces what would be made.
pub fn make(secret: &GeneratedSecret, given: &BTreeMap<String, String>) -> Object {
    let entries = secret.entries.iter().map(|(key, material)| {
        let made = || match material {
            Material::Text(text) => text.clone(),
            Material::Password(length) => random_text(*length),
        };
        (key.clone(), given.get(key).cloned().unwrap_or_else(made))
    });
    let mut entries: BTreeMap<String, String> = entries.collect();
    entries.extend(derived_entries(&entries));
    secret_of(&secret.namespace, &secret.name, &secret.labels, &entries)
}

/// A Secret with these entries.
pub fn secret_of(namespace: &str, name: &str, labels: &BTreeMap<String, String>, entries: &BTreeMap<String, String>) -> Object {
    Object::new(json!({
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": name, "namespace": namespace, "labels": labels},
        "data": data(entries),
    }))
}

/// Entries as they stand in `data` of a Secret.
pub fn data(entries: &BTreeMap<String, String>) -> Value {
    entries.iter().map(|(key, value)| (key.clone(), json!(STANDARD.encode(value)))).collect::<serde_json::Map<_, _>>().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_differ_and_given_ones_are_taken() {
        let entries = [
            ("superuser-password".to_owned(), Material::Password(32)),
            ("authenticator-password".to_owned(), Material::Password(32)),
            ("authenticator-username".to_owned(), Material::Text("authenticator".to_owned())),
        ];
        let secret = GeneratedSecret { namespace: "n".to_owned(), name: "s".to_owned(), labels: BTreeMap::new(), entries: entries.into() };
        let given = [("superuser-password".to_owned(), "mine".to_owned())].into();
        let (one, two) = (make(&secret, &given), make(&secret, &given));
        let read = |object: &Object, key: &str| object.secret_text(key).unwrap();
        assert_eq!(read(&one, "authenticator-password").len(), 32);
        assert_ne!(read(&one, "authenticator-password"), read(&two, "authenticator-password"));
        assert_eq!(read(&one, "superuser-password"), "mine");
        assert!(read(&one, "pgbouncer-users").contains(&read(&one, "authenticator-password")));
    }
}
