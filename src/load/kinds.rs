//! Names of kinds: ours, those of the API this implements that are not carried out yet, and those of its early versions.

use crate::api::{GROUP, KINDS, find_kind};
use crate::diagnostics::{Diagnostic, Severity, nearest};

/// Kinds of the API that this version does not carry out: name, API version, how bad it is to leave one alone, what to do.
///
/// Law 12: what touches data, availability or backups is an error, because a backup that is never made is worse than none.
const NOT_YET: &[(&str, &str, Severity, &str)] = &[
    ("SGBackup", "v1", Severity::Error, "make the backup by other means and take the document out; nothing here would make it"),
    ("SGConfig", "v1", Severity::Warning, "settings of the operator are arguments of `stackgres run` here; the document has no effect"),
    ("SGDistributedLogs", "v1", Severity::Warning, "no logs are collected by it; the document has no effect"),
    ("SGShardedBackup", "v1", Severity::Error, "make the backup by other means and take the document out; nothing here would make it"),
    ("SGShardedCluster", "v1alpha1", Severity::Error, "nothing would run; write one SGCluster for each shard, or take the document out"),
    ("SGShardedDbOps", "v1", Severity::Error, "the operation would not run; take the document out"),
    ("SGStream", "v1alpha1", Severity::Error, "nothing would be streamed; take the document out"),
];

/// Kinds of early versions of the API, and what took their place.
const SUCCESSORS: &[(&str, &str)] = &[
    ("SGBackupConfig", "an SGObjectStorage for the storage, and spec.configurations.backups of the SGCluster for schedule and retention"),
    ("SGPgConfig", "SGPostgresConfig"),
    ("SGPoolConfig", "SGPoolingConfig"),
    ("SGProfile", "SGInstanceProfile"),
    ("StackGresBackup", "SGBackup"),
    (
        "StackGresBackupConfig",
        "an SGObjectStorage for the storage, and spec.configurations.backups of the SGCluster for schedule and retention",
    ),
    ("StackGresCluster", "SGCluster"),
    ("StackGresConnectionPoolingConfig", "SGPoolingConfig"),
    ("StackGresPostgresConfig", "SGPostgresConfig"),
    ("StackGresProfile", "SGInstanceProfile"),
];

/// The API version of a kind that is of this API by its exact name.
pub(super) fn ours_by_name(kind: &str) -> Option<String> {
    find_kind(kind).map(crate::api::Kind::api_version).or_else(|| {
        let (_, version, ..) = NOT_YET.iter().find(|(name, ..)| *name == kind)?;
        Some(format!("{GROUP}/{version}"))
    })
}

fn names() -> impl Iterator<Item = &'static str> {
    KINDS.iter().map(|kind| kind.kind).chain(NOT_YET.iter().map(|(name, ..)| *name))
}

/// Whether a kind is ours but for a slip. Only names that begin like ours: other operators have kinds such as `Cluster`.
pub(super) fn kind_is_near(kind: &str) -> bool {
    kind.to_ascii_lowercase().starts_with("sg") && nearest(kind, names()).is_some() || SUCCESSORS.iter().any(|(name, _)| *name == kind)
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

/// What is said of a kind of the API that exists and is not carried out, or existed once.
pub(super) fn not_carried_out(kind: &str) -> Option<Diagnostic> {
    if let Some((_, _, severity, help)) = NOT_YET.iter().find(|(name, ..)| *name == kind) {
        let severity = *severity;
        return Some(
            Diagnostic::new(severity, "kind-not-supported-yet", format!("{kind} is not supported yet by this version")).help(*help),
        );
    }
    let (_, successor) = SUCCESSORS.iter().find(|(name, _)| *name == kind)?;
    Some(Diagnostic::error("unknown-kind", format!("{kind} is of an early version of the API")).help(format!("write {successor}")))
}

/// What is said of a kind that never was.
pub(super) fn unknown(kind: &str) -> Diagnostic {
    if let Some(problem) = not_carried_out(kind) {
        return problem;
    }
    let help = nearest(kind, names()).map_or_else(
        || format!("the kinds are {}", KINDS.iter().map(|kind| kind.kind).collect::<Vec<_>>().join(", ")),
        |name| format!("did you mean {name}?"),
    );
    Diagnostic::error("unknown-kind", format!("there is no kind {kind} in {GROUP}")).path("/kind").help(help)
}
