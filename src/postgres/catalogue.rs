//! Which images exist for which version.

use std::collections::BTreeMap;

/// Images of every component. Configuration; the default names this project's own images.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Catalogue {
    /// Put before every image name, for example `registry.example/stackgres/`.
    pub prefix: String,
    /// Minor versions that have an image, by major version, the oldest first.
    pub versions: BTreeMap<u32, Vec<String>>,
    /// Names of the image pull Secrets.
    pub pull_secrets: Vec<String>,
    /// `IfNotPresent`, `Always` or `Never`.
    pub pull_policy: String,
}

/// Minor versions known to be broken, with the reason. Source: PostgreSQL release notes of 14.4 and of 13.22, 14.19, 15.14, 16.10, 17.6.
pub const KNOWN_BAD: &[(&str, &str)] = &[
    ("14.0", "concurrent index builds may corrupt indexes; use 14.4 or newer"),
    ("14.1", "concurrent index builds may corrupt indexes; use 14.4 or newer"),
    ("14.2", "concurrent index builds may corrupt indexes; use 14.4 or newer"),
    ("14.3", "concurrent index builds may corrupt indexes; use 14.4 or newer"),
    ("13.21", "logical replication slots may be invalidated; use a newer minor version"),
    ("14.18", "logical replication slots may be invalidated; use a newer minor version"),
    ("15.13", "logical replication slots may be invalidated; use a newer minor version"),
    ("16.9", "logical replication slots may be invalidated; use a newer minor version"),
    ("17.5", "logical replication slots may be invalidated; use a newer minor version"),
];

impl Default for Catalogue {
    fn default() -> Self {
        let versions = [(15, "15.20"), (17, "17.12"), (18, "18.6")];
        Self {
            prefix: "stackgres/".to_owned(),
            versions: versions.into_iter().map(|(major, minor)| (major, vec![minor.to_owned()])).collect(),
            pull_secrets: Vec::new(),
            pull_policy: "IfNotPresent".to_owned(),
        }
    }
}

impl Catalogue {
    /// The full version a written one stands for: itself, the newest minor of a major, or the newest of all for `latest`.
    pub fn resolve(&self, written: &str) -> Option<&str> {
        let newest = |major: u32| self.versions.get(&major).and_then(|minors| minors.last()).map(String::as_str);
        if written == "latest" {
            return self.versions.keys().next_back().and_then(|major| newest(*major));
        }
        if let Ok(major) = written.parse::<u32>() {
            return newest(major);
        }
        self.versions.values().flatten().map(String::as_str).find(|version| *version == written)
    }

    /// Every version that has an image, the newest first, for messages.
    pub fn known(&self) -> String {
        self.versions.values().rev().flat_map(|minors| minors.iter().rev()).cloned().collect::<Vec<_>>().join(", ")
    }

    /// Images of the components by name, for a full PostgreSQL version.
    pub fn images(&self, version: &str) -> BTreeMap<String, String> {
        [("postgres", version), ("util", version), ("pgbouncer", "1.24.1"), ("exporter", "0.17.1")]
            .into_iter()
            .map(|(component, tag)| (component.to_owned(), format!("{}{component}:{tag}", self.prefix)))
            .collect()
    }
}

/// Major version of a written version such as `17` or `17.6`.
pub fn major(version: &str) -> Option<u32> {
    version.split('.').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn aliases_resolve_to_the_newest() {
        let catalogue = Catalogue::default();
        assert_eq!(catalogue.resolve("17"), Some("17.12"));
        assert_eq!(catalogue.resolve("17.12"), Some("17.12"));
        assert_eq!(catalogue.resolve("latest"), Some("18.6"));
        assert_eq!(catalogue.resolve("17.1"), None);
        assert_eq!(catalogue.resolve("9"), None);
    }
}
