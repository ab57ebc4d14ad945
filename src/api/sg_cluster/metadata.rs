//! Labels and annotations of the objects of an SGCluster.

use crate::api::schema::{Schema, object};
use crate::api::shared::metadata_by_scope;

/// Schema of `spec.metadata`.
pub(in crate::api) fn schema() -> Schema {
    object("Labels and annotations of the objects made for this cluster.")
        .field("annotations", metadata_by_scope("Annotations by the kind of object they go to."))
        .field("labels", metadata_by_scope("Labels by the kind of object they go to."))
}
