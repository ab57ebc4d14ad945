//! Probes and lifecycle actions of containers, as the core API defines them.

use crate::api::schema::{Schema, array, int_or_string, integer, object, text};

/// Schema of `readinessProbe`; the description says what it is for in its place.
pub(in crate::api) fn probe_timing(description: &str) -> Schema {
    object(description)
        .field("failureThreshold", integer("Failures in a row that count as failed.").format("int32"))
        .field("initialDelaySeconds", integer("Seconds after the start before the first try.").format("int32"))
        .field("periodSeconds", integer("Seconds between two tries.").format("int32"))
        .field("successThreshold", integer("Successes in a row that count as recovered.").format("int32"))
        .field("terminationGracePeriodSeconds", integer("Seconds between stop signal and kill after a failed probe.").format("int64"))
        .field("timeoutSeconds", integer("Seconds after which a try counts as failed.").format("int32"))
}

/// Schema of `lifecycle`; the description says what it is for in its place.
pub(in crate::api) fn lifecycle(description: &str) -> Schema {
    object(description)
        .field("postStart", lifecycle_handler("Action right after the start."))
        .field("preStop", lifecycle_handler("Action before the stop signal."))
        .field("stopSignal", text("Signal that asks the container to stop."))
}

/// Schema of `postStart`; the description says what it is for in its place.
pub(in crate::api) fn lifecycle_handler(description: &str) -> Schema {
    object(description)
        .field(
            "exec",
            object("Runs a command in the container.")
                .field("command", array("Command to run in the container; exit code 0 is success.", text("One entry."))),
        )
        .field("httpGet", http_get("Makes an HTTP request; a status from 200 to 399 is success."))
        .field("sleep", object("Waits.").required("seconds", integer("Seconds to wait.").format("int64")))
        .field("tcpSocket", tcp_socket("Opens a TCP connection."))
}

/// Schema of `httpGet`; the description says what it is for in its place.
pub(in crate::api) fn http_get(description: &str) -> Schema {
    object(description)
        .field("host", text("Host to ask; the pod's address when absent."))
        .field("httpHeaders", http_headers("Headers of the request."))
        .field("path", text("Path to ask for."))
        .required("port", int_or_string("Port number or name.").format("int-or-string"))
        .field("scheme", text("`HTTP` or `HTTPS`."))
}

/// Schema of `httpHeaders`; the description says what it is for in its place.
pub(in crate::api) fn http_headers(description: &str) -> Schema {
    array(description, object("One entry.").required("name", text("Name of the header.")).required("value", text("Value of the header.")))
}

/// Schema of `tcpSocket`; the description says what it is for in its place.
pub(in crate::api) fn tcp_socket(description: &str) -> Schema {
    object(description)
        .field("host", text("Host to connect to; the pod's address when absent."))
        .required("port", int_or_string("Port number or name.").format("int-or-string"))
}

/// Schema of `livenessProbe`; the description says what it is for in its place.
pub(in crate::api) fn probe(description: &str) -> Schema {
    object(description)
        .field(
            "exec",
            object("Runs a command in the container.")
                .field("command", array("Command to run in the container; exit code 0 is success.", text("One entry."))),
        )
        .field("failureThreshold", integer("Failures in a row that count as failed.").format("int32"))
        .field("grpc", grpc("Asks a gRPC health service."))
        .field("httpGet", http_get("Makes an HTTP request; a status from 200 to 399 is success."))
        .field("initialDelaySeconds", integer("Seconds after the start before the first try.").format("int32"))
        .field("periodSeconds", integer("Seconds between two tries.").format("int32"))
        .field("successThreshold", integer("Successes in a row that count as recovered.").format("int32"))
        .field("tcpSocket", tcp_socket("Opens a TCP connection."))
        .field("terminationGracePeriodSeconds", integer("Seconds between stop signal and kill after a failed probe.").format("int64"))
        .field("timeoutSeconds", integer("Seconds after which a try counts as failed.").format("int32"))
}

/// Schema of `grpc`; the description says what it is for in its place.
pub(in crate::api) fn grpc(description: &str) -> Schema {
    object(description)
        .required("port", integer("Port number.").format("int32"))
        .field("service", text("Name of the service to ask about."))
}
