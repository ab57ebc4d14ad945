//! Status of an SGConfig.

use crate::api::schema::{Schema, array, object, text};
use crate::api::shared::conditions;

/// Schema of `status`.
pub(super) fn schema() -> Schema {
    object("What is, as the operator last saw it. Fields that are not listed are kept.")
        .preserve_unknown()
        .field("conditions", conditions("State of the installation by topic."))
        .field("version", text("Version of the operator that last applied this object."))
        .field(
            "grafana",
            object("What was set up in Grafana.")
                .field("urls", array("Addresses of the dashboards that the console shows.", text("One address.")))
                .field("token", text("Token of Grafana with which the console reads them."))
                .field("configHash", text("Digest of the settings that this was made with; another one means that it is made anew.")),
        )
        .field(
            "existingCrUpdatedToVersion",
            text("Version of the operator for which the stored objects of all kinds were last written anew, as it does once after an upgrade."),
        )
        .output()
}
