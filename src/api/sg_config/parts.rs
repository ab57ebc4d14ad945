//! Parts that several sections of an SGConfig share.

use crate::api::schema::{Schema, array, object, text};

/// Schema of a mapping in the form of the core API, taken as it is.
pub(super) fn free(description: &str) -> Schema {
    object(description).preserve_unknown()
}

/// Schema of a list of mappings in the form of the core API, each taken as it is.
pub(super) fn free_list(description: &str, item: &str) -> Schema {
    array(description, free(item))
}

/// Schema of `imagePullPolicy`; the description, without a full stop, says what it is for in its place.
pub(super) fn pull_policy(description: &str) -> Schema {
    text(&format!("{description}: `Always`, `IfNotPresent` or `Never`.")).default("IfNotPresent")
}

/// Schema of `image` of a component, whose image has this name unless another one is given.
pub(super) fn image(name: &str) -> Schema {
    object("Image of its container.")
        .field("name", text("Name of the image, without registry and tag.").default(name))
        .field("tag", text("Tag of the image. Absent: the version of the operator."))
        .field("pullPolicy", pull_policy("When nodes pull the image"))
}

/// Schema of `serviceAccount`; the description says what it is for in its place.
pub(super) fn service_account(description: &str) -> Schema {
    object(description)
        .field("annotations", free("Annotations of the ServiceAccount, for example the one that a cloud provider ties rights to."))
        .field(
            "repoCredentials",
            array(
                "Names of Secrets with registry credentials that its pods pull images with. Absent: none of its own.",
                text("One Secret."),
            ),
        )
}

/// Schema of `service` of a component.
pub(super) fn service() -> Schema {
    object("The Service through which it is reached.")
        .field("annotations", free("Annotations of the Service, for example for a load balancer."))
}

/// Schema of `resources`.
pub(super) fn resources() -> Schema {
    free("CPU and memory of its container: `requests` and `limits`, each by resource, as in a pod.")
}

/// Adds what says how the pods of a component look and where they run.
pub(super) fn with_pods(component: Schema) -> Schema {
    component
        .field("annotations", free("Annotations of its pods, for example for a service mesh."))
        .field("resources", resources())
        .field("nodeSelector", free("Labels that a node must have to run its pods. Absent or empty: any node."))
        .field(
            "tolerations",
            free_list(
                "Taints of nodes that its pods put up with. Absent: none.",
                "A taint, as in a pod: `key`, `operator`, `value`, `effect` and `tolerationSeconds`.",
            ),
        )
        .field(
            "affinity",
            free("Rules on which nodes and beside which pods it runs, as in a pod: `nodeAffinity`, `podAffinity` and `podAntiAffinity`."),
        )
}

/// Adds volumes to the pods of a component.
pub(super) fn with_volumes(component: Schema) -> Schema {
    component
        .field(
            "volumes",
            free_list("Further volumes of its pods.", "A volume, as in a pod: `name`, and its source such as `configMap` or `secret`."),
        )
        .field(
            "volumeMounts",
            free_list(
                "Where its container sees those volumes.",
                "A mount, as in a pod: `name` of the volume, `mountPath`, and if wanted `subPath` and `readOnly`.",
            ),
        )
}
