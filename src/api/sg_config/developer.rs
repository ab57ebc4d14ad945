//! Switches of an SGConfig for those who work on the operator itself.

use super::parts::with_volumes;
use crate::api::schema::{Schema, boolean, integer, object, text};

/// Schema of `spec.developer`.
pub(super) fn schema() -> Schema {
    object("Switches for those who work on the operator itself; none is meant for production. Fields that are not listed are kept.")
        .preserve_unknown()
        .field("version", text("Version that the operator says it is. Absent: its own."))
        .field("logLevel", text("How much the operator logs: `ERROR`, `WARN`, `INFO`, `DEBUG` or `TRACE`. Absent: the level of its image."))
        .field("showDebug", boolean("Whether scripts in the pods write every command that they run into the log.").default("false"))
        .field("showStackTraces", boolean("Whether errors in the log show where in the program they arose.").default("false"))
        .field(
            "useJvmImages",
            boolean("Whether images are used that run on a Java virtual machine, in place of compiled ones; they take more memory.")
                .default("false"),
        )
        .field("enableJvmDebug", boolean("Whether a debugger may connect, where `useJvmImages` is true.").default("false"))
        .field(
            "enableJvmDebugSuspend",
            boolean("Whether programs wait at their start until a debugger connects, where `enableJvmDebug` is true.").default("false"),
        )
        .field(
            "externalOperatorIp",
            text("Address of an operator that runs outside of Kubernetes, to which webhooks are sent. Absent: the operator's pod."),
        )
        .field("externalOperatorPort", integer("Port of that operator."))
        .field(
            "externalRestApiIp",
            text("Address of a REST API that runs outside of Kubernetes, to which the console's requests are sent. Absent: the pod of the REST API."),
        )
        .field("externalRestApiPort", integer("Port of that REST API."))
        .field(
            "allowPullExtensionsFromImageRepository",
            boolean("Whether packages of extensions may be taken out of container images too, where the cache of extensions is enabled.")
                .default("false"),
        )
        .field(
            "disableArbitraryUser",
            boolean("Whether containers keep the user of their image on OpenShift, which otherwise chooses a user for each namespace.")
                .default("false"),
        )
        .field("patches", patches())
}

fn patches() -> Schema {
    object("Volumes with which files of an image are replaced, by the part that they are for.")
        .field("operator", with_volumes(object("For the operator.")))
        .field("restapi", with_volumes(object("For the REST API.")))
        .field("adminui", with_volumes(object("For the web pages of the console.")))
        .field("clusterController", with_volumes(object("For the controller in the pods of the clusters.")))
        .field("stream", with_volumes(object("For the pods of SGStreams.")))
}
