//! Parts of volumes and mounts, as the core API defines them.

use crate::api::kubernetes_types::environment::{field_ref, resource_field_ref};
use crate::api::schema::{Schema, array, boolean, integer, object, text};

/// Schema of `items`; the description says what it is for in its place.
pub(in crate::api) fn key_to_path_items(description: &str) -> Schema {
    array(
        description,
        object("One entry.")
            .required("key", text("Key in the object."))
            .field("mode", integer("Permission bits of the file, for example 0440 written as a number.").format("int32"))
            .required("path", text("Path of the file inside the volume.")),
    )
}

/// Schema of `items`; the description says what it is for in its place.
pub(in crate::api) fn downward_api_items(description: &str) -> Schema {
    array(
        description,
        object("One entry.")
            .field("fieldRef", field_ref("Field of the pod the file shows."))
            .field("mode", integer("Permission bits of the file, for example 0440 written as a number.").format("int32"))
            .required("path", text("Path of the file inside the volume."))
            .field("resourceFieldRef", resource_field_ref("Request or limit of a container the file shows.")),
    )
}

/// Schema of `volumeDevices`; the description says what it is for in its place.
pub(in crate::api) fn volume_devices(description: &str) -> Schema {
    array(
        description,
        object("One entry.")
            .required("devicePath", text("Path of the device in the container."))
            .required("name", text("Name of the volume.")),
    )
}

/// Schema of `volumeMounts`; the description says what it is for in its place.
pub(in crate::api) fn volume_mounts(description: &str) -> Schema {
    array(
        description,
        object("One entry.")
            .required("mountPath", text("Path in the container."))
            .field("mountPropagation", text("Whether mounts travel between node and container."))
            .required("name", text("Name of the volume."))
            .field("readOnly", boolean("Whether it is mounted read-only."))
            .field("recursiveReadOnly", text("Whether mounts below it are read-only too."))
            .field("subPath", text("Part of the volume to mount."))
            .field("subPathExpr", text("Part of the volume to mount, with `$(VARIABLE)` filled in.")),
    )
}
