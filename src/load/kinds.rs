//! Names of kinds: ours, and those of early versions of the API.

use crate::api::{GROUP, KINDS, Kind, find_kind};
use crate::diagnostics::{Diagnostic, nearest};

/// Names that kinds had in early versions of the API, and their names now.
const SUCCESSORS: &[(&str, &str)] = &[
    ("SGPgConfig", "SGPostgresConfig"),
    ("SGPoolConfig", "SGPoolingConfig"),
    ("SGProfile", "SGInstanceProfile"),
    ("StackGresBackup", "SGBackup"),
    ("StackGresCluster", "SGCluster"),
    ("StackGresConnectionPoolingConfig", "SGPoolingConfig"),
    ("StackGresPostgresConfig", "SGPostgresConfig"),
    ("StackGresProfile", "SGInstanceProfile"),
];

/// Whether it is the kind whose content stands in two places now.
pub(super) fn is_backup_config(kind: &str) -> bool {
    matches!(kind, "SGBackupConfig" | "StackGresBackupConfig")
}

/// The kind that had another name once.
pub(super) fn successor(kind: &str) -> Option<&'static Kind> {
    SUCCESSORS.iter().find(|(name, _)| *name == kind).and_then(|(_, now)| find_kind(now))
}

/// The API version of a kind that is of this API by its exact name.
pub(super) fn ours_by_name(kind: &str) -> Option<String> {
    find_kind(kind).map(Kind::api_version)
}

fn names() -> impl Iterator<Item = &'static str> {
    KINDS.iter().map(|kind| kind.kind)
}

/// Whether a kind is ours but for a slip. Only names that begin like ours: other operators have kinds such as `Cluster`.
pub(super) fn kind_is_near(kind: &str) -> bool {
    kind.to_ascii_lowercase().starts_with("sg") && nearest(kind, names()).is_some() || successor(kind).is_some()
}

/// Whether the group of an API version is ours but for a slip.
pub(super) fn group_is_near(version: &str) -> bool {
    let group = version.split('/').next().unwrap_or_default();
    group == GROUP || nearest(group, [GROUP, "stackgres"].into_iter()).is_some()
}

/// Whether a kind may be meant to be an SGCluster.
pub(super) fn may_be_cluster(kind: &str) -> bool {
    kind.is_empty()
        || kind == "SGCluster"
        || kind == "StackGresCluster"
        || find_kind(kind).is_none() && nearest(kind, ["SGCluster"].into_iter()).is_some()
}

/// What is said of a kind that is not there.
pub(super) fn unknown(kind: &str) -> Diagnostic {
    let help = nearest(kind, names())
        .map_or_else(|| format!("the kinds are {}", names().collect::<Vec<_>>().join(", ")), |name| format!("did you mean {name}?"));
    Diagnostic::error("unknown-kind", format!("there is no kind {kind} in {GROUP}")).path("/kind").help(help)
}
