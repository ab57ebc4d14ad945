//! The operator of an SGConfig, and the jobs that install and upgrade it.

use super::parts::{image, pull_policy, service, service_account, with_pods};
use crate::api::schema::{Schema, boolean, integer, object};

/// Schema of `spec.operator`.
pub(super) fn schema() -> Schema {
    with_pods(object("The operator's Deployment, of one pod."))
        .field("image", image("stackgres/operator"))
        .field("serviceAccount", service_account("The ServiceAccount that the operator runs as."))
        .field("service", service())
        .field("port", integer("Port of the operator's Service, which the API server calls for webhooks.").default("443"))
        .field("internalHttpPort", integer("Port on which the operator's container offers HTTP, for probes.").default("8080"))
        .field("internalHttpsPort", integer("Port on which the operator's container offers HTTPS, for webhooks.").default("8443"))
        .field(
            "hostNetwork",
            boolean(
                "Whether the operator's pod uses the network of its node, for Kubernetes clusters whose API server cannot reach the pods' network. Its ports must then be free on the node.",
            )
            .default("false"),
        )
}

/// Schema of `spec.jobs`.
pub(super) fn jobs() -> Schema {
    with_pods(object("The jobs that run when the operator is installed, upgraded or removed."))
        .field("image", object("Image of the jobs' containers.").field("pullPolicy", pull_policy("When nodes pull the image")))
        .field("serviceAccount", service_account("The ServiceAccount that the jobs run as."))
}
