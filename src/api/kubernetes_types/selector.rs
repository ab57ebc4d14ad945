//! Selectors of objects and of keys in Secrets, as the core API defines them.

use crate::api::schema::{Schema, array, object, text, text_map};

/// Schema of `certificateSecretKeySelector`; the description says what it is for in its place.
pub(in crate::api) fn secret_key_selector(description: &str) -> Schema {
    object(description).required("name", text("Name of the object.")).required("key", text("Key in the object."))
}

/// Schema of `matchExpressions`; the description says what it is for in its place.
pub(in crate::api) fn match_expressions(description: &str) -> Schema {
    array(
        description,
        object("One entry.")
            .required("key", text("Label key."))
            .required("operator", text("`In`, `NotIn`, `Exists`, `DoesNotExist`; for nodes also `Gt` and `Lt`."))
            .field("values", array("Values to compare with; empty for `Exists` and `DoesNotExist`.", text("One entry."))),
    )
}

/// Schema of `matchFields`; the description says what it is for in its place.
pub(in crate::api) fn match_fields(description: &str) -> Schema {
    array(
        description,
        object("One entry.")
            .required("key", text("Field name."))
            .required("operator", text("`In` or `NotIn`."))
            .field("values", array("Values to compare with.", text("One entry."))),
    )
}

/// Schema of `labelSelector`; the description says what it is for in its place.
pub(in crate::api) fn label_selector(description: &str) -> Schema {
    object(description)
        .field("matchExpressions", match_expressions("Conditions that must all hold."))
        .field("matchLabels", text_map("Labels that must all be present with these values."))
}

/// Schema of `password`; the description says what it is for in its place.
pub(in crate::api) fn optional_secret_key_selector(description: &str) -> Schema {
    object(description).field("name", text("Name of the object.")).field("key", text("Key in the object."))
}
