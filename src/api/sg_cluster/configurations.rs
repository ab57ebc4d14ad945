//! Configuration of an SGCluster.

use crate::api::condition::Condition;
use crate::api::kubernetes_types::selector::optional_secret_key_selector;
use crate::api::schema::{Schema, boolean, object, text, text_map};
use crate::api::shared::pg_bouncer;

/// Schema of `spec.configurations`.
pub(in crate::api) fn schema() -> Schema {
    object("Configuration of PostgreSQL, the pooler, Patroni, backups and more.")
        .field("sgPostgresConfig", text("Name of the SGPostgresConfig in the same namespace whose parameters apply. Its `postgresVersion` must be the cluster's major version."))
        .field("sgPoolingConfig", text("Name of the SGPoolingConfig in the same namespace whose PgBouncer settings apply."))
        .field("postgres", object("PostgreSQL parameters of this cluster alone.")
            .field("postgresql.conf", text_map("Parameters by name; they win over the SGPostgresConfig's. Whether a change reloads or restarts is shown by the plan.")))
        .field("pooling", object("PgBouncer settings of this cluster alone.")
            .field("pgBouncer", pg_bouncer("PgBouncer.")))
        .field("postgresExporter", object("The metrics exporter.")
            .field("queries", object("Further metrics: queries in the exporter's own form, by name: `query`, `metrics` (a list of column: {usage, description}), `master` (of the cluster's first database alone), `cache_seconds`. Their columns become metrics beside the built-in ones. The exporter reads a change when it starts again, with the next new pod; the first query and the last one of all are a change of the pod.").preserve_unknown()))
        .field("observability", object("Metrics collection.")
            .field("disableMetrics", boolean("Whether no metrics are offered.").default("false"))
            .field("receiver", text("Name of the collector that receives the metrics. This program runs no collector: the PodMonitor is for a Prometheus that is there.").not_yet_warning())
            .field("prometheusAutobind", boolean("Whether scrape configuration is made for every Prometheus found. There is one PodMonitor a cluster, whatever this says; labels that a Prometheus selects by are given in `spec.metadata.labels.allResources`.").default("false").not_yet_warning()))
        .field("backups", super::backups::schema())
        .field("patroni", object("Patroni.")
            .field("dynamicConfig", object("Dynamic configuration of Patroni in its own form, merged below what this program sets. A change is a reload.").preserve_unknown())
            .field("initialConfig", object("Static configuration of Patroni in its own form, used when the cluster is made. Fixed afterwards except a few PostgreSQL settings.").preserve_unknown()))
        .field("credentials", super::credentials::schema())
        .field("binding", object("The Secret `<cluster>-binding` in the form of the Service Binding specification: host, port, database, user, password and a `uri` of all of these. Without a user of your own it is the superuser.")
            .demand(
                "incomplete-binding",
                Condition::Together("username", "password"),
                "`username` and `password` of the binding belong together",
                "give both, or neither",
            )
            .field("provider", text("Value of its `provider` entry.").default("stackgres"))
            .field("database", text("Database it leads to.").default("postgres"))
            .field("username", text("User it logs in as. Make the role with an SGScript. Give `password` too."))
            .field("password", optional_secret_key_selector("Secret key with that user's password.")))
}
