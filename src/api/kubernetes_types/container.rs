//! Parts of containers, as the core API defines them.

use crate::api::schema::{Schema, array, integer, object, text, text_map};

/// Schema of `claims`; the description says what it is for in its place.
pub(in crate::api) fn resource_claims(description: &str) -> Schema {
    array(
        description,
        object("One entry.")
            .required("name", text("Name of the pod's resource claim."))
            .field("request", text("Request of the claim that is meant.")),
    )
}

/// Schema of `ports`; the description says what it is for in its place.
pub(in crate::api) fn container_ports(description: &str) -> Schema {
    array(
        description,
        object("One entry.")
            .required("containerPort", integer("Port number in the pod.").format("int32"))
            .field("hostIP", text("Address of the node to bind to."))
            .field("hostPort", integer("Port of the node to bind to.").format("int32"))
            .field("name", text("Name of the port, which Services may refer to."))
            .field("protocol", text("`TCP`, `UDP` or `SCTP`.")),
    )
}

/// Schema of `resizePolicy`; the description says what it is for in its place.
pub(in crate::api) fn resize_policy(description: &str) -> Schema {
    array(
        description,
        object("One entry.")
            .required("resourceName", text("`cpu` or `memory`."))
            .required("restartPolicy", text("`NotRequired` or `RestartContainer`.")),
    )
}

/// Schema of `resources`; the description says what it is for in its place.
pub(in crate::api) fn container_resources(description: &str) -> Schema {
    object(description)
        .field("claims", resource_claims("Dynamic resources the container uses."))
        .field("limits", text_map("Most the container may use, by resource."))
        .field("requests", text_map("What is reserved for the container, by resource."))
}

/// Schema of `restartPolicyRules`; the description says what it is for in its place.
pub(in crate::api) fn restart_policy_rules(description: &str) -> Schema {
    array(
        description,
        object("One entry.")
            .required("action", text("What to do, for example `Restart`."))
            .field("exitCodes", exit_codes("Exit codes the rule is for.")),
    )
}

/// Schema of `exitCodes`; the description says what it is for in its place.
pub(in crate::api) fn exit_codes(description: &str) -> Schema {
    object(description).required("operator", text("`In` or `NotIn`.")).field("values", array("The codes.", integer("One entry.")))
}
