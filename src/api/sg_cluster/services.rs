//! Services of an SGCluster.

use crate::api::kubernetes_types::service::{custom_ports, node_ports, session_affinity_config};
use crate::api::schema::{Schema, array, boolean, integer, object, text};

/// Schema of `spec.postgresServices`.
pub(in crate::api) fn schema() -> Schema {
    object("The Services through which clients reach the cluster.")
        .field(
            "primary",
            object("Service that follows the primary: reads and writes.")
                .field(
                    "enabled",
                    boolean("Whether the Service exists. Without it clients have no stable address of the primary.").default("true"),
                )
                .field(
                    "type",
                    text("How the Service is exposed. `None` makes it headless.")
                        .allowed(&["ClusterIP", "LoadBalancer", "NodePort", "None"])
                        .default("ClusterIP"),
                )
                .field("customPorts", custom_ports("Further ports of the Service, for example for a custom side container."))
                .field("allocateLoadBalancerNodePorts", boolean("Whether node ports are reserved for a load balancer."))
                .field(
                    "externalIPs",
                    array("Addresses outside the Kubernetes cluster whose traffic the nodes accept for this Service.", text("One entry.")),
                )
                .field(
                    "externalTrafficPolicy",
                    text("`Local` keeps the client's address and sends traffic only to pods of the receiving node; `Cluster` spreads it."),
                )
                .field(
                    "healthCheckNodePort",
                    integer("Node port of the health check when `externalTrafficPolicy` is `Local`.").format("int32"),
                )
                .field(
                    "internalTrafficPolicy",
                    text("`Local` sends traffic from inside only to pods of the same node; `Cluster` spreads it."),
                )
                .field(
                    "ipFamilies",
                    array("Address families of the Service, `IPv4` and `IPv6`, in order of preference.", text("One entry.")),
                )
                .field("ipFamilyPolicy", text("`SingleStack`, `PreferDualStack` or `RequireDualStack`."))
                .field("loadBalancerClass", text("Which load balancer implementation serves it."))
                .field("loadBalancerIP", text("Wished address of the load balancer, where the provider supports it."))
                .field("loadBalancerSourceRanges", array("Client networks the load balancer lets in, in CIDR form.", text("One entry.")))
                .field("publishNotReadyAddresses", boolean("Whether pods that are not ready are published too."))
                .field("sessionAffinity", text("`ClientIP` sends one client to one pod; `None` spreads its connections."))
                .field("sessionAffinityConfig", session_affinity_config("Settings of the session affinity."))
                .field("nodePorts", node_ports("Fixed node ports for the types that have them.")),
        )
        .field(
            "replicas",
            object("Service over the replicas: reads only.")
                .field("enabled", boolean("Whether the Service exists.").default("true"))
                .field(
                    "type",
                    text("How the Service is exposed. `None` makes it headless.")
                        .allowed(&["ClusterIP", "LoadBalancer", "NodePort", "None"])
                        .default("ClusterIP"),
                )
                .field("customPorts", custom_ports("Further ports of the Service, for example for a custom side container."))
                .field("allocateLoadBalancerNodePorts", boolean("Whether node ports are reserved for a load balancer."))
                .field(
                    "externalIPs",
                    array("Addresses outside the Kubernetes cluster whose traffic the nodes accept for this Service.", text("One entry.")),
                )
                .field(
                    "externalTrafficPolicy",
                    text("`Local` keeps the client's address and sends traffic only to pods of the receiving node; `Cluster` spreads it."),
                )
                .field(
                    "healthCheckNodePort",
                    integer("Node port of the health check when `externalTrafficPolicy` is `Local`.").format("int32"),
                )
                .field(
                    "internalTrafficPolicy",
                    text("`Local` sends traffic from inside only to pods of the same node; `Cluster` spreads it."),
                )
                .field(
                    "ipFamilies",
                    array("Address families of the Service, `IPv4` and `IPv6`, in order of preference.", text("One entry.")),
                )
                .field("ipFamilyPolicy", text("`SingleStack`, `PreferDualStack` or `RequireDualStack`."))
                .field("loadBalancerClass", text("Which load balancer implementation serves it."))
                .field("loadBalancerIP", text("Wished address of the load balancer, where the provider supports it."))
                .field("loadBalancerSourceRanges", array("Client networks the load balancer lets in, in CIDR form.", text("One entry.")))
                .field("publishNotReadyAddresses", boolean("Whether pods that are not ready are published too."))
                .field("sessionAffinity", text("`ClientIP` sends one client to one pod; `None` spreads its connections."))
                .field("sessionAffinityConfig", session_affinity_config("Settings of the session affinity."))
                .field("nodePorts", node_ports("Fixed node ports for the types that have them.")),
        )
}
