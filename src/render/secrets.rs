//! Secrets of a cluster. What is random is described here and made by `apply`; what follows from other entries is put together here.

use super::metadata::{generic, scope};
use crate::model::percent_encoded;
use crate::resolve::Effective;
use serde_json::json;
use std::collections::BTreeMap;

/// How one entry of a generated Secret comes about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Material {
    /// Fixed text, a user name for example.
    Text(String),
    /// A random password of this many characters from letters and digits.
    Password(usize),
}

/// A Secret to make once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GeneratedSecret {
    /// Namespace.
    pub namespace: String,
    /// Name.
    pub name: String,
    /// Labels.
    pub labels: BTreeMap<String, String>,
    /// Entries.
    pub entries: BTreeMap<String, Material>,
}

/// Characters of a generated password: 32 of 62 give 190 bits.
const PASSWORD: usize = 32;

/// Entry that changes with the others, and says nothing about them. Patroni shows it as a tag once it has read them.
pub const VERSION: &str = "credentials-version";

/// Characters of a version.
pub const VERSION_LENGTH: usize = 10;

/// Entries of the cluster's Secret that make up its credentials: each with the name that it holds, where it is a user's name, and else
/// with something random.
pub const CREDENTIALS: [(&str, Option<&str>); 11] = [
    ("superuser-username", Some("postgres")),
    ("superuser-password", None),
    ("replication-username", Some("replicator")),
    ("replication-password", None),
    ("authenticator-username", Some("authenticator")),
    ("authenticator-password", None),
    ("restapi-username", Some("superuser")),
    ("restapi-password", None),
    ("pgbouncer-admin-password", None),
    ("pgbouncer-stats-password", None),
    (VERSION, None),
];

/// Name of the Secret with the certificate, which pods mount.
pub fn certificate_secret(cluster: &str) -> String {
    format!("{cluster}-ssl")
}

/// Name of the Secret with the authority of the certificate, which nobody mounts.
pub(super) fn authority_secret(cluster: &str) -> String {
    format!("{cluster}-ssl-authority")
}

/// Name of the Secret that applications take.
pub fn binding_secret(effective: &Effective) -> String {
    format!("{}-binding", effective.cluster.name)
}

/// Name of the Secret that holds the credentials that were proved to work; no pod mounts it.
pub fn credentials_in_use(effective: &Effective) -> String {
    format!("{}-credentials-in-use", effective.cluster.name)
}

/// Names of the Secrets that a cluster begins with. What is noted later, once a login succeeded, is not among them.
pub fn secret_names(effective: &Effective) -> Vec<String> {
    let name = &effective.cluster.name;
    let mut names = vec![name.clone(), binding_secret(effective)];
    if effective.postgres.ssl.enabled.value {
        names.extend([certificate_secret(name), authority_secret(name)]);
    }
    names
}

/// Labels of the Secrets of a cluster.
pub fn secret_labels(effective: &Effective) -> BTreeMap<String, String> {
    generic(effective)
}

/// The Secrets that are made once: a new one would fit neither the data nor the clients. The certificate is another matter, it is
/// made as often as needed ([`super::certificate`]).
pub(super) fn generated(effective: &Effective) -> Vec<GeneratedSecret> {
    let material = |(entry, name): &(&str, Option<&str>)| {
        let material = match name {
            Some(name) => Material::Text((*name).to_owned()),
            None => Material::Password(if *entry == VERSION { VERSION_LENGTH } else { PASSWORD }),
        };
        ((*entry).to_owned(), material)
    };
    vec![GeneratedSecret {
        namespace: effective.cluster.namespace.clone(),
        name: effective.cluster.name.clone(),
        labels: generic(effective),
        entries: CREDENTIALS.iter().map(material).collect(),
    }]
}

/// Entries of the cluster's Secret that programs read in their own form, made from its other entries.
///
/// - `pgbouncer-users`: the pooler's `auth_file`.
/// - `patroni.yml`: Patroni's credentials (JSON is YAML). It stands among Patroni's files by a link, so that a reload reads it again.
pub fn derived_entries(entries: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    let get = |key: &str| entries.get(key).cloned().unwrap_or_default();
    let user = |user: &str| json!({"username": get(&format!("{user}-username")), "password": get(&format!("{user}-password"))});
    let line = |user: String, password: &str| format!("{} {}\n", pooler_quoted(&user), pooler_quoted(&get(password)));
    let users = [
        line(get("authenticator-username"), "authenticator-password"),
        line("pgbouncer_admin".to_owned(), "pgbouncer-admin-password"),
        line("pgbouncer_stats".to_owned(), "pgbouncer-stats-password"),
    ];
    let patroni = json!({
        "restapi": {"authentication": user("restapi")},
        "postgresql": {"authentication": {"superuser": user("superuser"), "replication": user("replication"), "rewind": user("superuser")}},
        "tags": {VERSION: get(VERSION)},
    });
    [("pgbouncer-users".to_owned(), users.concat()), ("patroni.yml".to_owned(), format!("{patroni:#}\n"))].into()
}

/// Source: PgBouncer documentation, "Authentication file format": a double quote is doubled.
fn pooler_quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('"', "\"\""))
}

/// Entries of the Secret for applications. `password` is that of the user named in the settings; without one it is the superuser's.
/// Source of the names: Service Binding specification 1.1, "Well-known Secret Entries".
pub fn binding_entries(effective: &Effective, entries: &BTreeMap<String, String>, password: Option<String>) -> BTreeMap<String, String> {
    let binding = &effective.binding;
    let get = |key: &str| entries.get(key).cloned().unwrap_or_default();
    let host = format!("{}.{}", scope(effective), effective.cluster.namespace);
    let database = binding.database.clone().unwrap_or_else(|| "postgres".to_owned());
    let (username, password) = match (&binding.username, password) {
        (Some(username), Some(password)) => (username.clone(), password),
        _ => (get("superuser-username"), get("superuser-password")),
    };
    // What a part of an address may hold as it is. Source: PostgreSQL documentation, "Connection URIs"; RFC 3986, 2.3.
    let encoded = |text: &str| percent_encoded(text, b"-._~");
    let uri = format!("postgresql://{}:{}@{host}:5432/{}", encoded(&username), encoded(&password), encoded(&database));
    [
        ("type", "postgresql".to_owned()),
        ("provider", binding.provider.clone().unwrap_or_else(|| "stackgres".to_owned())),
        ("host", host),
        ("port", "5432".to_owned()),
        ("database", database),
        ("username", username),
        ("password", password),
        ("uri", uri),
    ]
    .into_iter()
    .map(|(key, value)| (key.to_owned(), value))
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entries(password: &str) -> BTreeMap<String, String> {
        let pairs = [
            ("authenticator-username", "authenticator"),
            ("authenticator-password", password),
            ("superuser-password", password),
            (VERSION, "v1"),
        ];
        pairs.into_iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect()
    }

    /// A quote in a given password must not end the value: the pooler would read another user's line, Patroni another setting.
    #[test]
    fn signs_in_passwords_stay_inside() {
        let derived = derived_entries(&entries("a\"b\\ 'c"));
        assert!(derived["pgbouncer-users"].starts_with("\"authenticator\" \"a\"\"b\\ 'c\"\n"));
        let patroni: serde_json::Value = serde_json::from_str(&derived["patroni.yml"]).unwrap();
        assert_eq!(patroni["postgresql"]["authentication"]["superuser"]["password"], "a\"b\\ 'c");
        assert_eq!(patroni["postgresql"]["authentication"]["rewind"]["password"], "a\"b\\ 'c");
        assert_eq!(patroni["tags"][VERSION], "v1");
    }

    #[test]
    fn an_address_holds_no_sign_that_ends_a_part_of_it() {
        assert_eq!(percent_encoded("p@ss/w:rd?é~", b"-._~"), "p%40ss%2Fw%3Ard%3F%C3%A9~");
    }
}
