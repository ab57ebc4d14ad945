//! The REST API and the web pages of an SGConfig.

use super::parts::{image, resources, service, service_account, with_pods};
use crate::api::schema::{Schema, array, boolean, integer, object, text};

/// Schema of `spec.restapi`.
pub(super) fn rest_api() -> Schema {
    with_pods(object("The REST API, which the web console is built on."))
        .field("name", text("Name of its Deployment and Service.").default("stackgres-restapi"))
        .field("image", image("stackgres/restapi"))
        .field("serviceAccount", service_account("The ServiceAccount that the REST API runs as."))
        .field("service", service())
}

/// Schema of `spec.adminui`.
pub(super) fn admin_ui() -> Schema {
    object("The web pages of the console, a container in the pod of the REST API.")
        .field("image", image("stackgres/admin-ui"))
        .field("resources", resources())
        .field(
            "service",
            object("The Service through which browsers reach the console.")
                .field(
                    "exposeHTTP",
                    boolean("Whether the console is offered over HTTP too, without encryption; passwords then cross the network in clear.")
                        .default("false"),
                )
                .field("type", text("How the Service is exposed: `ClusterIP`, `NodePort` or `LoadBalancer`.").default("ClusterIP"))
                .field(
                    "loadBalancerIP",
                    text("Wished address of the load balancer, where the provider supports it. Absent: the provider chooses one."),
                )
                .field(
                    "loadBalancerSourceRanges",
                    array("Client networks that the load balancer lets in, in CIDR form. Absent or empty: all.", text("One network.")),
                )
                .field("nodePort", integer("Port on every node for HTTPS, for the types that have one. Absent: Kubernetes chooses one."))
                .field(
                    "nodePortHTTP",
                    integer(
                        "Port on every node for HTTP, where `exposeHTTP` is true and the type has one. Absent: Kubernetes chooses one.",
                    ),
                ),
        )
}
