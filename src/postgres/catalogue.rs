//! Which images exist for which version, and what is in them.
//!
//! Built in is the catalogue of this project's own images, `catalogue.json`, which `deploy/images/catalogue` writes from the labels
//! of the built images; a test of the images compares them. Another file of that form may take its place.

use crate::model::CollationVersions;
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};

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
    /// What is known of each image.
    pub images: Vec<CatalogueImage>,
}

/// One image of the catalogue.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CatalogueImage {
    /// `postgres`, `util`, `pgbouncer` or `exporter`.
    pub component: String,
    /// Version of the program; for `postgres` and `util` that of PostgreSQL with its minor, for example `17.12`.
    pub version: String,
    /// The whole reference, where it is not prefix, component and version.
    pub image: Option<String>,
    /// Digest, for example `sha256:…`: pods then get exactly this image, whatever the tag leads to.
    pub digest: Option<String>,
    /// Processor architectures it runs on, as Kubernetes names them in `kubernetes.io/arch`; none is every one.
    #[serde(default)]
    pub architectures: BTreeSet<String>,
    /// Version of glibc, which is that of its collations.
    pub collation_libc: Option<String>,
    /// Version of ICU's collations.
    pub collation_icu: Option<String>,
    /// Extensions whose files it has: name and version.
    #[serde(default)]
    pub extensions: BTreeMap<String, String>,
    /// Output plugins of logical decoding: name and version.
    #[serde(default)]
    pub output_plugins: BTreeMap<String, String>,
}

/// Components that each pod needs whatever its PostgreSQL version.
const SHARED: [&str; 2] = ["exporter", "pgbouncer"];

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

/// The catalogue of this project's own images.
const BUILT_IN: &str = include_str!("catalogue.json");

impl Default for Catalogue {
    fn default() -> Self {
        Self {
            prefix: "stackgres/".to_owned(),
            versions: BTreeMap::new(),
            pull_secrets: Vec::new(),
            pull_policy: "IfNotPresent".to_owned(),
            images: Vec::new(),
        }
        .with_images(BUILT_IN)
        .unwrap_or_else(|_| unreachable!("a test reads the catalogue that is built in"))
    }
}

impl Catalogue {
    /// The same with the images of a catalogue file (JSON), instead of those it had. The error says what is wrong with the file.
    pub fn with_images(mut self, text: &str) -> Result<Self, String> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct File {
            images: Vec<CatalogueImage>,
        }
        let file: File = serde_json::from_str(text).map_err(|error| error.to_string())?;
        let has = |component: &str, version: Option<&str>| {
            file.images.iter().any(|image| image.component == component && version.is_none_or(|version| image.version == version))
        };
        for component in SHARED {
            if !has(component, None) {
                return Err(format!("there is no image of {component}"));
            }
        }
        let mut seen = BTreeSet::new();
        let mut versions: BTreeMap<u32, Vec<String>> = BTreeMap::new();
        for image in &file.images {
            let CatalogueImage { component, version, .. } = image;
            if !["postgres", "util"].contains(&component.as_str()) && !SHARED.contains(&component.as_str()) {
                return Err(format!("no component is called {component}; there are exporter, pgbouncer, postgres and util"));
            }
            if !seen.insert((component, version)) {
                return Err(format!("{component} {version} stands twice"));
            }
            if image.digest.as_ref().is_some_and(|digest| !is_digest(digest)) {
                return Err(format!("the digest of {component} {version} is not sha256: and 64 hexadecimal digits"));
            }
            if component != "postgres" {
                continue;
            }
            let numbers: Vec<Option<u32>> = version.split('.').map(|part| part.parse().ok()).collect();
            let [Some(major), Some(_)] = numbers.as_slice() else {
                return Err(format!("postgres {version}: write the minor version, for example 17.12"));
            };
            if !has("util", Some(version)) {
                return Err(format!("there is no image of util {version}, and one of postgres {version}"));
            }
            versions.entry(*major).or_default().push(version.clone());
        }
        if versions.is_empty() {
            return Err("there is no image of postgres".to_owned());
        }
        for minors in versions.values_mut() {
            minors.sort_by_key(|version| numbers(version));
        }
        self.versions = versions;
        self.images = file.images;
        Ok(self)
    }

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

    /// The same with one version of the server alone, whatever an alias stands for otherwise; empty where it has no image any more.
    #[must_use]
    pub fn only(mut self, version: &str) -> Self {
        self.versions.values_mut().for_each(|minors| minors.retain(|minor| minor == version));
        self.versions.retain(|_, minors| !minors.is_empty());
        self
    }

    /// Every version that has an image, the newest first, for messages.
    pub fn known(&self) -> String {
        self.versions.values().rev().flat_map(|minors| minors.iter().rev()).cloned().collect::<Vec<_>>().join(", ")
    }

    /// What is known of the database image of a full version.
    pub fn server(&self, version: &str) -> Option<&CatalogueImage> {
        self.images.iter().find(|image| image.component == "postgres" && image.version == version)
    }

    /// Images of the components by name, for a full PostgreSQL version.
    pub fn images(&self, version: &str) -> BTreeMap<String, String> {
        let own = ["postgres", "util"].map(|component| (component, Some(version)));
        own.into_iter()
            .chain(SHARED.map(|component| (component, None)))
            .map(|(component, version)| {
                let of = |image: &&CatalogueImage| image.component == component && version.is_none_or(|version| image.version == version);
                let found = self.images.iter().filter(of).max_by_key(|image| numbers(&image.version));
                let plain = |tag: &str| format!("{}{component}:{tag}", self.prefix);
                let reference = found.map_or_else(|| plain(version.unwrap_or("latest")), |image| self.reference(image));
                (component.to_owned(), reference)
            })
            .collect()
    }

    /// How a pod names an image. Tag and digest together are a valid name; the digest decides.
    fn reference(&self, image: &CatalogueImage) -> String {
        let plain = image.image.clone().unwrap_or_else(|| format!("{}{}:{}", self.prefix, image.component, image.version));
        match &image.digest {
            Some(digest) => format!("{plain}@{digest}"),
            None => plain,
        }
    }

    /// Architectures that every image of a full version runs on; `None` where each of them runs on any.
    pub fn architectures(&self, version: &str) -> Option<BTreeSet<String>> {
        let used = |image: &&CatalogueImage| SHARED.contains(&image.component.as_str()) || image.version == version;
        let limited = self.images.iter().filter(used).map(|image| &image.architectures).filter(|architectures| !architectures.is_empty());
        limited.cloned().reduce(|one, two| &one & &two)
    }
}

impl CatalogueImage {
    /// What it sorts text by.
    pub fn collations(&self) -> CollationVersions {
        CollationVersions { libc: self.collation_libc.clone(), icu: self.collation_icu.clone() }
    }

    /// The version of an extension or output plugin whose files the image has.
    pub fn version_of(&self, name: &str) -> Option<&str> {
        self.extensions.get(name).or_else(|| self.output_plugins.get(name)).map(String::as_str)
    }

    /// Names of everything that may be listed as an extension, sorted. `plpgsql` is in every database already.
    pub fn available(&self) -> BTreeSet<&str> {
        self.extensions.keys().chain(self.output_plugins.keys()).map(String::as_str).filter(|name| *name != "plpgsql").collect()
    }
}

fn is_digest(text: &str) -> bool {
    text.strip_prefix("sha256:").is_some_and(|digits| digits.len() == 64 && digits.bytes().all(|digit| digit.is_ascii_hexdigit()))
}

/// The numbers of a version, for comparing.
fn numbers(version: &str) -> Vec<u32> {
    version.split('.').map(|part| part.parse().unwrap_or(0)).collect()
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

    /// A catalogue that names what no lock makes sends pods to images that do not exist.
    #[test]
    fn versions_built_in_are_those_of_the_locks() {
        let locked = |lock: &str, package: &str| {
            let line = lock.lines().find(|line| line.trim_start().starts_with(&format!("[\"{package}\""))).unwrap();
            let version = line.split('"').nth(3).unwrap().rsplit(':').next().unwrap();
            version.split(['-', '+', '~']).next().unwrap().to_owned()
        };
        let catalogue = Catalogue::default();
        let of = |component: &str| -> Vec<&str> {
            catalogue.images.iter().filter(|image| image.component == component).map(|image| image.version.as_str()).collect()
        };
        let servers = [
            locked(include_str!("../../deploy/images/postgres/15.lock"), "postgresql-15"),
            locked(include_str!("../../deploy/images/postgres/17.lock"), "postgresql-17"),
            locked(include_str!("../../deploy/images/postgres/18.lock"), "postgresql-18"),
        ];
        let clients = [
            locked(include_str!("../../deploy/images/util/15.lock"), "postgresql-client-15"),
            locked(include_str!("../../deploy/images/util/17.lock"), "postgresql-client-17"),
            locked(include_str!("../../deploy/images/util/18.lock"), "postgresql-client-18"),
        ];
        assert_eq!(
            (of("postgres"), of("util")),
            (servers.iter().map(String::as_str).collect(), clients.iter().map(String::as_str).collect())
        );
        assert_eq!(of("pgbouncer"), [locked(include_str!("../../deploy/images/pgbouncer/lock"), "pgbouncer")]);
        assert_eq!(of("exporter"), [locked(include_str!("../../deploy/images/exporter/lock"), "prometheus-postgres-exporter")]);
        for server in catalogue.images.iter().filter(|image| image.component == "postgres") {
            assert!(server.extensions.len() > 40 && server.version_of("pg_cron").is_some() && server.version_of("wal2json").is_some());
        }
    }

    /// With a digest a pod gets what was tested, whoever moves the tag.
    #[test]
    fn another_catalogue() {
        let digest = format!("sha256:{}", "a".repeat(64));
        let file = |digest: &str| {
            format!(
                r#"{{"images": [{{"component": "exporter", "version": "1"}}, {{"component": "pgbouncer", "version": "1.9"}}, {{"component": "pgbouncer", "version": "1.10"}},
                {{"component": "postgres", "version": "17.9", "architectures": ["amd64", "arm64"]}}, {{"component": "util", "version": "17.9", "architectures": ["arm64"]}},
                {{"component": "postgres", "version": "17.10", "digest": "{digest}", "image": "registry.example/pg:17.10"}}, {{"component": "util", "version": "17.10"}}]}}"#
            )
        };
        let catalogue = Catalogue::default().with_images(&file(&digest)).unwrap();
        assert_eq!((catalogue.resolve("17"), catalogue.known().as_str()), (Some("17.10"), "17.10, 17.9"));
        let images = catalogue.images("17.10");
        assert_eq!(images["postgres"], format!("registry.example/pg:17.10@{digest}"));
        assert_eq!((images["pgbouncer"].as_str(), images["util"].as_str()), ("stackgres/pgbouncer:1.10", "stackgres/util:17.10"));
        assert_eq!((catalogue.architectures("17.9"), catalogue.architectures("17.10")), (Some(["arm64".to_owned()].into()), None));
        let wrong = |text: &str| Catalogue::default().with_images(text).unwrap_err();
        assert!(wrong(&file("sha256:1")).contains("digest of postgres 17.10"));
        assert_eq!(wrong(r#"{"images": []}"#), "there is no image of exporter");
        assert!(
            wrong(&file(&digest).replace("\"util\", \"version\": \"17.9\"", "\"util\", \"version\": \"17.8\""))
                .contains("no image of util 17.9")
        );
        assert!(wrong(&file(&digest).replace("architectures", "architecture")).contains("unknown field"));
    }
}
