//! What makes a kind: names, version, columns, schema.

use super::schema::Schema;
use std::sync::LazyLock;

/// A printer column of `kubectl get`.
#[derive(Debug, Clone, Copy)]
pub struct Column {
    /// Heading.
    pub name: &'static str,
    /// `string`, `integer`, `date` or `boolean`.
    pub r#type: &'static str,
    /// JSONPath from the root of the object, with a leading dot.
    pub json_path: &'static str,
    /// What the column says.
    pub description: &'static str,
    /// 0 is always shown, 1 with `-o wide`.
    pub priority: u8,
}

/// The scale subresource.
#[derive(Debug, Clone, Copy)]
pub struct Scale {
    /// JSONPath of the wanted number.
    pub spec: &'static str,
    /// JSONPath of the observed number.
    pub status: &'static str,
    /// JSONPath of the label selector text.
    pub selector: Option<&'static str>,
}

/// One custom resource.
#[derive(Debug)]
pub struct Kind {
    /// Kind, for example `SGCluster`.
    pub kind: &'static str,
    /// API version, for example `v1`; one version is served and stored.
    pub version: &'static str,
    /// Plural resource name, for example `sgclusters`.
    pub plural: &'static str,
    /// Singular resource name.
    pub singular: &'static str,
    /// Short names for `kubectl get`.
    pub short_names: &'static [&'static str],
    /// Categories for `kubectl get`.
    pub categories: &'static [&'static str],
    /// Largest length of `metadata.name`, where the kind restricts it.
    pub name_max_length: Option<u32>,
    /// Regular expression of `metadata.name`, where the kind restricts it.
    pub name_pattern: Option<&'static str>,
    /// Scale subresource, where the kind has one. Every kind has the status subresource.
    pub scale: Option<Scale>,
    /// Printer columns; `Age` is added to every kind.
    pub columns: &'static [Column],
    /// What the kind is for, as `kubectl explain KIND` prints it.
    pub description: &'static str,
    /// Schema of the fields below the root except `apiVersion`, `kind` and `metadata`: an object with `spec` (or other
    /// top-level fields such as `status`). Built once.
    pub schema: LazyLock<Schema>,
}

impl Kind {
    /// `stackgres.io/VERSION`.
    pub fn api_version(&self) -> String {
        format!("{}/{}", super::GROUP, self.version)
    }
}

/// The kind with this `kind` name.
pub fn find_kind(kind: &str) -> Option<&'static Kind> {
    super::KINDS.iter().copied().find(|candidate| candidate.kind == kind)
}
