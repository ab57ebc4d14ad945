//! The kind `SGConfig`: how the operator itself is installed and what it may do, one file per section.
//!
//! In: nothing. Out: [`SG_CONFIG`]. Invariant: field for field compatible, and no stage reads it.
//! Why: a manifest that configures another operator of this API is to be accepted and explained here, not refused.

mod authentication;
mod certificates;
mod collector;
mod developer;
mod extensions;
mod grafana;
mod operator;
mod parts;
mod status;
mod web_console;

use crate::api::kind::{Column, Kind, NotYet};
use crate::api::schema::{Schema, array, boolean, object, text, text_map};
use crate::api::shared::service_account_of_sharding_sphere;
use std::sync::LazyLock;

/// The kind `SGConfig`.
pub(super) static SG_CONFIG: Kind = Kind {
    kind: "SGConfig",
    version: "v1",
    plural: "sgconfigs",
    singular: "sgconfig",
    short_names: &[],
    categories: &["stackgres"],
    name_max_length: None,
    name_pattern: None,
    scale: None,
    columns: &[
        Column {
            name: "Version",
            r#type: "string",
            json_path: ".status.version",
            description: "Version of the operator that last applied it.",
            priority: 0,
        },
        Column {
            name: "Registry",
            r#type: "string",
            json_path: ".spec.containerRegistry",
            description: "Registry that images come from.",
            priority: 1,
        },
        Column {
            name: "Login",
            r#type: "string",
            json_path: ".spec.authentication.type",
            description: "How people log in to the web console.",
            priority: 1,
        },
    ],
    description: "Settings of the operator, in the shape of the values of its Helm chart. It has no effect in this version: settings of this operator are arguments of `stackgres run`.",
    not_yet: Some(NotYet::warning("settings of the operator are arguments of `stackgres run` here; the document has no effect")),
    schema: LazyLock::new(|| object("Settings of the operator.").field("spec", spec()).field("status", status::schema())),
};

/// Schema of `spec`.
fn spec() -> Schema {
    object("How the operator and its parts are installed, and what they may do.")
        .field("containerRegistry", text("Registry that the images of all parts and of the clusters' containers are pulled from.").default("quay.io"))
        .field("imagePullPolicy", parts::pull_policy("When nodes pull images, where nothing else says it"))
        .field(
            "imagePullSecrets",
            array(
                "Secrets with credentials of the registry. Every ServiceAccount that the operator makes gets them. Absent: images are pulled without credentials.",
                object("A Secret of the type `kubernetes.io/dockerconfigjson`.").field("name", text("Name of the Secret.")),
            ),
        )
        .field(
            "allowedNamespaces",
            array("Namespaces that the operator watches; objects in others are left alone. Absent or empty: all namespaces.", text("One namespace.")),
        )
        .field(
            "allowedNamespaceLabelSelector",
            text_map("Labels that a namespace must carry, all of them, to be watched: a choice by label in place of the list of names in `allowedNamespaces`. Absent or empty: labels do not matter."),
        )
        .field(
            "disableClusterRole",
            boolean("Whether the operator goes without cluster-wide rights and has roles in its allowed namespaces only. It then cannot look at storage classes, for example to see whether a volume may grow. Absent: it has a cluster role."),
        )
        .field(
            "allowImpersonationForRestApi",
            boolean("Whether the REST API keeps the cluster-wide right to act in the name of the person who is logged in, although `disableClusterRole` is true."),
        )
        .field(
            "disableCrdsAndWebhooksUpdate",
            boolean("Whether the operator leaves definitions of kinds and registrations of webhooks as they are when it starts, for installations where only an administrator may change them. Absent: it brings them up to its version."),
        )
        .field("sgConfigNamespace", text("Namespace in which the operator looks for this object. Absent: the operator's own namespace."))
        .field("serviceAccount", service_account())
        .field("operator", operator::schema())
        .field("restapi", web_console::rest_api())
        .field("adminui", web_console::admin_ui())
        .field("collector", collector::schema())
        .field("jobs", operator::jobs())
        .field("deploy", deploy())
        .field("cert", certificates::schema())
        .field(
            "rbac",
            object("Rights of people in the web console.")
                .field("create", boolean("Whether ready-made cluster roles for users of the console are created.").default("true")),
        )
        .field("authentication", authentication::schema())
        .field(
            "prometheus",
            object("Connection to a Prometheus that is there.").field(
                "allowAutobind",
                boolean("Whether PodMonitors and ServiceMonitors are made for clusters that ask for it with `prometheusAutobind`.").default("true"),
            ),
        )
        .field("grafana", grafana::schema())
        .field("extensions", extensions::schema())
        .field("shardingSphere", sharding_sphere())
        .field("developer", developer::schema())
}

fn service_account() -> Schema {
    parts::service_account("The ServiceAccount that the installation runs as.")
        .field("create", boolean("Whether it is created; otherwise one must be there.").default("true"))
}

fn deploy() -> Schema {
    object("Which parts are installed.")
        .field("operator", boolean("Whether the operator is installed.").default("true"))
        .field("restapi", boolean("Whether the REST API is installed, and with it the web console.").default("true"))
        .field("collector", boolean("Whether the collector of metrics is installed.").default("true"))
}

fn sharding_sphere() -> Schema {
    object("Use of a ShardingSphere operator that is there, for sharded clusters of that type.")
        .field("serviceAccount", service_account_of_sharding_sphere())
}
