//! The kind `SGFleet`: a Git repository and the clusters it describes.
//!
//! In: nothing. Out: [`SG_FLEET`]. Invariant: status stays small at any fleet size.
//! Why: the unit of trust, of staging and of deletion brakes is the repository, not the cluster.

mod rollout;
mod source;
mod status;

use crate::api::kind::{Column, Kind, NAME_PATTERN};
use crate::api::schema::{Schema, array, boolean, object, text};
use std::sync::LazyLock;

/// The kind `SGFleet`.
pub(super) static SG_FLEET: Kind = Kind {
    kind: "SGFleet",
    version: "v1alpha1",
    plural: "sgfleets",
    singular: "sgfleet",
    short_names: &["sgflt"],
    categories: &["stackgres"],
    name_max_length: Some(52),
    name_pattern: Some(NAME_PATTERN),
    scale: None,
    columns: &[
        Column {
            name: "Ready",
            r#type: "string",
            json_path: ".status.conditions[?(@.type==\"Ready\")].status",
            description: "Whether the last commit is applied and every cluster healthy.",
            priority: 0,
        },
        Column {
            name: "State",
            r#type: "string",
            json_path: ".status.conditions[?(@.type==\"Ready\")].reason",
            description: "Why.",
            priority: 0,
        },
        Column {
            name: "Applied",
            r#type: "string",
            json_path: ".status.applied.revision",
            description: "Commit that is applied.",
            priority: 0,
        },
        Column {
            name: "Clusters",
            r#type: "integer",
            json_path: ".status.clusters.total",
            description: "Clusters of the fleet.",
            priority: 0,
        },
        Column { name: "Seen", r#type: "string", json_path: ".status.seen.revision", description: "Commit last seen.", priority: 1 },
        Column { name: "Plan", r#type: "string", json_path: ".status.plan.id", description: "Plan of the last commit.", priority: 1 },
    ],
    description: "A fleet of clusters described by a Git repository or a directory: where it comes from, which namespaces it may touch, and how changes are released.",
    not_yet: None,
    schema: LazyLock::new(|| object("A fleet of clusters.").required("spec", spec()).field("status", status::schema())),
};

/// Schema of `spec`.
fn spec() -> Schema {
    object("Where the fleet comes from and how it is carried out.")
        .required("source", source::schema())
        .field(
            "namespaces",
            array(
                "Namespaces the fleet may touch. A document for another namespace is an error. Absent: the fleet's own namespace only.",
                text("A namespace.").max_length(63),
            ),
        )
        .field(
            "serviceAccountName",
            text("ServiceAccount of the fleet's own namespace as which the content of the source is applied. It needs rights on the custom resources in `namespaces`, and no others.")
                .default("stackgres-fleet"),
        )
        .field("waves", rollout::waves().not_yet_error())
        .field("windows", rollout::windows().not_yet_error())
        .field("freeze", rollout::freeze().not_yet_error())
        .field("maxFailures", rollout::max_failures().not_yet_warning())
        .field(
            "drift",
            text("What happens to a live edit of something the source describes: `revert` puts it back, `report` leaves it and says so, `propose` offers it as a commit (not supported yet).")
                .allowed(&["revert", "propose", "report"])
                .default("revert"),
        )
        .field(
            "writeBack",
            text("How the program may write to the repository: `commit`, `pullRequest` or `off`.")
                .allowed(&["commit", "pullRequest", "off"])
                .default("off")
                .not_yet_error(),
        )
        .field("prune", rollout::prune().not_yet_error())
        .field("tombstones", rollout::tombstones().not_yet_error())
        .field("hold", rollout::hold())
        .field("suspend", boolean("Stops reading the source; clusters keep running what was released.").default("false"))
}
