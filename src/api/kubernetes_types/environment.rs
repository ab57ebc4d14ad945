//! Environment variables of containers, as the core API defines them.

use crate::api::schema::{Schema, array, boolean, object, text};

/// Schema of `fieldRef`; the description says what it is for in its place.
pub(in crate::api) fn field_ref(description: &str) -> Schema {
    object(description)
        .field("apiVersion", text("API version the path belongs to; `v1` when absent."))
        .required("fieldPath", text("Path of the field."))
}

/// Schema of `resourceFieldRef`; the description says what it is for in its place.
pub(in crate::api) fn resource_field_ref(description: &str) -> Schema {
    object(description)
        .field("containerName", text("Container that is meant."))
        .field("divisor", text("Unit the amount is given in."))
        .required("resource", text("What is shown, such as `limits.memory`."))
}

/// Schema of `env`; the description says what it is for in its place.
pub(in crate::api) fn env(description: &str) -> Schema {
    array(
        description,
        object("One entry.")
            .required("name", text("Name of the variable."))
            .field("value", text("Its value; `$(OTHER)` takes the value of another variable."))
            .field("valueFrom", value_from("Where the value comes from.")),
    )
}

/// Schema of `valueFrom`; the description says what it is for in its place.
pub(in crate::api) fn value_from(description: &str) -> Schema {
    object(description)
        .field("configMapKeyRef", config_map_key_ref("A key of a ConfigMap."))
        .field("fieldRef", field_ref("Field of the pod, such as `status.podIP`."))
        .field("fileKeyRef", file_key_ref("A key of a file in a volume."))
        .field("resourceFieldRef", resource_field_ref("Request or limit of a container."))
        .field("secretKeyRef", secret_key_ref("A key of a Secret."))
}

/// Schema of `configMapKeyRef`; the description says what it is for in its place.
pub(in crate::api) fn config_map_key_ref(description: &str) -> Schema {
    object(description)
        .required("key", text("Key in the ConfigMap."))
        .field("name", text("Name of the ConfigMap."))
        .field("optional", boolean("Whether the pod may start when the object or key is missing."))
}

/// Schema of `fileKeyRef`; the description says what it is for in its place.
pub(in crate::api) fn file_key_ref(description: &str) -> Schema {
    object(description)
        .required("key", text("Key in the file."))
        .field("optional", boolean("Whether the pod may start when the object or key is missing."))
        .required("path", text("Path of the file in the volume."))
        .required("volumeName", text("Volume that holds the file."))
}

/// Schema of `secretKeyRef`; the description says what it is for in its place.
pub(in crate::api) fn secret_key_ref(description: &str) -> Schema {
    object(description)
        .required("key", text("Key in the Secret."))
        .field("name", text("Name of the Secret."))
        .field("optional", boolean("Whether the pod may start when the object or key is missing."))
}

/// Schema of `envFrom`; the description says what it is for in its place.
pub(in crate::api) fn env_from(description: &str) -> Schema {
    array(
        description,
        object("One entry.")
            .field("configMapRef", config_map_ref("A ConfigMap."))
            .field("prefix", text("Text put before each key."))
            .field("secretRef", secret_ref("A Secret.")),
    )
}

/// Schema of `configMapRef`; the description says what it is for in its place.
pub(in crate::api) fn config_map_ref(description: &str) -> Schema {
    object(description)
        .field("name", text("Name of the ConfigMap."))
        .field("optional", boolean("Whether the pod may start when the object or key is missing."))
}

/// Schema of `secretRef`; the description says what it is for in its place.
pub(in crate::api) fn secret_ref(description: &str) -> Schema {
    object(description)
        .field("name", text("Name of the Secret."))
        .field("optional", boolean("Whether the pod may start when the object or key is missing."))
}
