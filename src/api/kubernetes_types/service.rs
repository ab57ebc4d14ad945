//! Parts of Services, as the core API defines them.

use crate::api::schema::{Schema, array, int_or_string, integer, object, text};

/// Schema of `customPorts`; the description says what it is for in its place.
pub(in crate::api) fn custom_ports(description: &str) -> Schema {
    array(
        description,
        object("One entry.")
            .field("appProtocol", text("Application protocol of the port, a hint for meshes and load balancers."))
            .field("name", text("Name of the port, unique in the Service."))
            .field("nodePort", integer("Port on every node, for the types that have one.").format("int32"))
            .required("port", integer("Port the Service listens on.").format("int32"))
            .field("protocol", text("`TCP`, `UDP` or `SCTP`; `TCP` when absent."))
            .field("targetPort", int_or_string("Port number or port name on the pod.").format("int-or-string")),
    )
}

/// Schema of `sessionAffinityConfig`; the description says what it is for in its place.
pub(in crate::api) fn session_affinity_config(description: &str) -> Schema {
    object(description).field(
        "clientIP",
        object("Settings of the affinity by client address.")
            .field("timeoutSeconds", integer("Seconds an affinity lasts.").format("int32")),
    )
}

/// Schema of `nodePorts`; the description says what it is for in its place.
pub(in crate::api) fn node_ports(description: &str) -> Schema {
    object(description)
        .field("pgport", integer("Node port of the pooled PostgreSQL port."))
        .field("replicationport", integer("Node port of the direct PostgreSQL port."))
        .field("babelfish", integer("Node port of the SQL Server protocol."))
}
