//! The collector of metrics of an SGConfig.

use super::parts::{free, free_list, service, service_account, with_pods, with_volumes};
use crate::api::schema::{Schema, array, boolean, integer, object, text};

/// Schema of `spec.collector`.
pub(super) fn schema() -> Schema {
    with_volumes(with_pods(object("The OpenTelemetry collector, which scrapes the metrics of all clusters and offers them to Prometheus.")))
        .field("name", text("Name of its Deployment and Service.").default("stackgres-collector"))
        .field("receivers", receivers())
        .field("serviceAccount", service_account("The ServiceAccount that the collector runs as."))
        .field("service", service().field("spec", free("Spec of the Service, as the core API defines it; it adds to what the operator sets.")))
        .field(
            "ports",
            free_list("Ports of its container.", "A port, as in a pod: `name`, `protocol` and `containerPort`."),
        )
        .field(
            "config",
            free("Configuration of the collector in its own form: `receivers`, `processors`, `exporters` and `service`. What scrapes the clusters is added by the operator."),
        )
        .field("prometheusOperator", prometheus_operator())
        .default("port 9464 for Prometheus, over TLS; limits of 1 CPU and 4Gi, requests of 250m and 1Gi; an OTLP receiver on port 4317; at most 80 % of the memory for metrics; a metric is dropped 5 minutes after its last value; Prometheus resources are discovered")
}

fn receivers() -> Schema {
    object("Scraping by Deployments of their own, which hand the metrics on to the collector: for more clusters than one pod can scrape.")
        .field("enabled", boolean("Whether there are such Deployments; otherwise the collector scrapes by itself.").default("false"))
        .field(
            "exporters",
            integer("Number of collector pods that receive what the receivers scraped, and offer it to Prometheus.").default("1"),
        )
        .field(
            "deployments",
            array(
                "The Deployments that scrape, so that clusters can be shared out among them.",
                with_pods(
                    object("A Deployment that scrapes some clusters.").field(
                        "sgClusters",
                        array(
                            "Clusters that it scrapes.",
                            object("A cluster.")
                                .field("namespace", text("Namespace of the SGCluster."))
                                .field("name", text("Name of the SGCluster."))
                                .field(
                                    "indexes",
                                    array(
                                        "Pods of the cluster that it scrapes, by the number at the end of their names. Absent: all pods.",
                                        integer("Number of one pod, from 0."),
                                    ),
                                ),
                        ),
                    ),
                ),
            ),
        )
}

fn prometheus_operator() -> Schema {
    object("How Prometheus is told to scrape the collector, where the Prometheus operator is installed.")
        .field(
            "allowDiscovery",
            boolean("Whether every Prometheus resource that the operator can see is set up, where `monitors` names none.").default("true"),
        )
        .field(
            "monitors",
            array(
                "PodMonitors to make, one for each Prometheus, in place of discovery. Absent: `allowDiscovery` decides.",
                object("A PodMonitor.")
                    .field("name", text("Name of the Prometheus resource that scrapes."))
                    .field("namespace", text("Namespace of the Prometheus resource."))
                    .field(
                        "metadata",
                        object("Metadata of the PodMonitor, where it shall differ from what the operator sets.")
                            .field("name", text("Name of the PodMonitor. Absent: the operator chooses one."))
                            .field("namespace", text("Namespace of the PodMonitor. Absent: the operator chooses one."))
                            .field("labels", free("Labels of the PodMonitor, such as the ones that the Prometheus selects by."))
                            .field("annotations", free("Annotations of the PodMonitor."))
                            .field(
                                "ownerReferences",
                                free_list(
                                    "Objects whose deletion removes the PodMonitor too.",
                                    "An owner: `apiVersion`, `kind`, `name` and `uid`.",
                                ),
                            ),
                    )
                    .field(
                        "spec",
                        free("Spec of the PodMonitor, as the Prometheus operator defines it; it adds to what the operator sets."),
                    ),
            ),
        )
}
