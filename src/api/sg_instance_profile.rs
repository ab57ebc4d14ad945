//! The kind `SGInstanceProfile`.

use crate::api::kind::{Column, Kind};
use crate::api::schema::{Schema, map, object, text};
use crate::api::shared::huge_pages;
use std::sync::LazyLock;

/// The kind `SGInstanceProfile`.
pub(super) static SG_INSTANCE_PROFILE: Kind = Kind {
    kind: "SGInstanceProfile",
    version: "v1",
    plural: "sginstanceprofiles",
    singular: "sginstanceprofile",
    short_names: &["sginp"],
    categories: &["stackgres"],
    name_max_length: None,
    name_pattern: None,
    scale: None,
    columns: &[
        Column { name: "CPU", r#type: "string", json_path: ".spec.cpu", description: "CPU of an instance.", priority: 0 },
        Column { name: "Memory", r#type: "string", json_path: ".spec.memory", description: "Memory of an instance.", priority: 0 },
    ],
    description: "CPU and memory of the instances of a cluster. Many clusters may share one.",
    not_yet: None,
    schema: LazyLock::new(|| object("CPU and memory of the instances of a cluster. Many clusters may share one.").required("spec", spec())),
};

/// Schema of `spec`.
fn spec() -> Schema {
    object("What is wanted.")
        .field("cpu", text("CPU of an instance in cores (`2`) or thousandths (`500m`). The side containers' shares are taken out of it. A change needs new pods.").pattern(r"^[1-9][0-9]*[m]?$"))
        .field("memory", text("Memory of an instance, for example `8Gi`. Defaults such as `shared_buffers` follow it. A change needs new pods.").pattern(r"^[0-9]+(\.[0-9]+)?(Mi|Gi)$"))
        .field("hugePages", huge_pages("Huge pages reserved for the container."))
        .field("containers", map("Size of single side containers, by name, in place of the computed one.", object("Size of one container.")
            .field("cpu", text("CPU in cores (`2`) or thousandths of a core (`500m`).").pattern(r"^[1-9][0-9]*[m]?$"))
            .field("memory", text("Memory in binary units, for example `512Mi` or `8Gi`.").pattern(r"^[0-9]+(\.[0-9]+)?(Mi|Gi)$"))
            .field("hugePages", huge_pages("Huge pages reserved for the container."))))
        .field("initContainers", map("Size of single init containers, by name.", object("Size of one container.")
            .field("cpu", text("CPU in cores (`2`) or thousandths of a core (`500m`).").pattern(r"^[1-9][0-9]*[m]?$"))
            .field("memory", text("Memory in binary units, for example `512Mi` or `8Gi`.").pattern(r"^[0-9]+(\.[0-9]+)?(Mi|Gi)$"))
            .field("hugePages", huge_pages("Huge pages reserved for the container."))))
        .field("requests", object("What is reserved, where it shall be less than what may be used.")
            .field("cpu", text("CPU reserved for an instance.").pattern(r"^[1-9][0-9]*[m]?$"))
            .field("memory", text("Memory reserved for an instance.").pattern(r"^[0-9]+(\.[0-9]+)?(Mi|Gi)$"))
            .field("containers", map("Reserved for single side containers, by name.", object("Size of one container.")
                .field("cpu", text("CPU in cores (`2`) or thousandths of a core (`500m`).").pattern(r"^[1-9][0-9]*[m]?$"))
                .field("memory", text("Memory in binary units, for example `512Mi` or `8Gi`.").pattern(r"^[0-9]+(\.[0-9]+)?(Mi|Gi)$"))))
            .field("initContainers", map("Reserved for single init containers, by name.", object("Size of one container.")
                .field("cpu", text("CPU in cores (`2`) or thousandths of a core (`500m`).").pattern(r"^[1-9][0-9]*[m]?$"))
                .field("memory", text("Memory in binary units, for example `512Mi` or `8Gi`.").pattern(r"^[0-9]+(\.[0-9]+)?(Mi|Gi)$")))))
}
