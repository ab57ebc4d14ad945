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

/// Form of most names: lower case, beginning with a letter, because names of objects made for them are built from them.
pub(super) const NAME_PATTERN: &str = r"^[a-z]([-a-z0-9]*[a-z0-9])?$";

/// A kind that is known and not carried out yet (DESIGN law 12).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotYet {
    /// Whether it is refused. What touches data, availability or backups is: a backup that is never made is worse than none.
    pub refused: bool,
    /// What to do.
    pub help: &'static str,
}

impl NotYet {
    /// Refused: ignoring it would touch data, availability or backups.
    pub(super) const fn error(help: &'static str) -> Self {
        Self { refused: true, help }
    }

    /// Taken and without effect.
    pub(super) const fn warning(help: &'static str) -> Self {
        Self { refused: false, help }
    }
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
    /// Set while nothing carries the kind out.
    pub not_yet: Option<NotYet>,
    /// Schema of the fields below the root except `apiVersion`, `kind` and `metadata`: an object with `spec` (or other
    /// top-level fields such as `status`). Built once.
    pub schema: LazyLock<Schema>,
}

impl Kind {
    /// `stackgres.io/VERSION`.
    pub fn api_version(&self) -> String {
        format!("{}/{}", super::GROUP, self.version)
    }

    /// What is said of the kind while nothing carries it out (`kind-not-supported-yet`).
    pub fn not_supported_yet(&self) -> String {
        format!("{} is not supported yet by this version", self.kind)
    }
}

/// The kinds that something carries out.
pub fn carried_out() -> impl Iterator<Item = &'static Kind> {
    super::KINDS.iter().copied().filter(|kind| kind.not_yet.is_none())
}

/// The kind with this `kind` name.
pub fn find_kind(kind: &str) -> Option<&'static Kind> {
    super::KINDS.iter().copied().find(|candidate| candidate.kind == kind)
}
