//! Rules on where pods are placed, as the core API defines them.

use crate::api::condition::Condition;
use crate::api::kubernetes_types::selector::{label_selector, match_expressions, match_fields};
use crate::api::schema::{Rule, Schema, array, integer, object, text};

/// Schema of `tolerations`; the description says what it is for in its place.
pub(in crate::api) fn tolerations(description: &str) -> Schema {
    array(
        description,
        toleration()
            .field("effect", text("Effect of the taint: `NoSchedule`, `PreferNoSchedule` or `NoExecute`; empty matches all."))
            .field("key", text("Key of the taint; empty with `Exists` matches all."))
            .field("operator", text("`Exists` or `Equal`."))
            .field(
                "tolerationSeconds",
                integer("Seconds a pod stays after a `NoExecute` taint appears; absent means for ever.").format("int64"),
            )
            .field("value", text("Value of the taint for `Equal`.")),
    )
    .max_items(100)
}

/// A toleration without its fields. Source of the rules: Kubernetes API reference, "Toleration"; an empty text is the same as none.
fn toleration() -> Schema {
    const CODE: &str = "bad-toleration";
    let rule = |condition: Condition, message: &'static str, help: &'static str, field: &'static str| Rule {
        code: CODE,
        condition,
        message: message.into(),
        help: help.into(),
        field,
    };
    let exists = || Condition::OneOf("operator", vec!["Exists"]);
    let none = |field| Condition::Present(field).negated().or(Condition::OneOf(field, vec![""]));
    object("One entry.")
        .choice(CODE, "operator", &["", "Equal", "Exists"])
        .choice(CODE, "effect", &["", "NoSchedule", "PreferNoSchedule", "NoExecute"])
        .rule(rule(
            none("key").and(none("operator").or(Condition::OneOf("operator", vec!["Equal"]))).negated(),
            "a toleration without a key needs the operator Exists",
            "add the key, or operator: Exists",
            "",
        ))
        .rule(rule(
            exists().implies(none("value")),
            "with the operator Exists there is no value to compare",
            "take it out, or write operator: Equal",
            "value",
        ))
        .rule(rule(
            Condition::Present("tolerationSeconds")
                .and(none("effect").or(Condition::OneOf("effect", vec!["NoSchedule", "PreferNoSchedule"])))
                .negated(),
            "seconds are counted for the effect NoExecute only",
            "write effect: NoExecute, or take it out",
            "tolerationSeconds",
        ))
}

/// Schema of `nodeAffinity`; the description says what it is for in its place.
pub(in crate::api) fn node_affinity(description: &str) -> Schema {
    object(description)
        .field(
            "preferredDuringSchedulingIgnoredDuringExecution",
            preferred_node_affinity("Preferences: nodes that meet them get points, others may still be used."),
        )
        .field(
            "requiredDuringSchedulingIgnoredDuringExecution",
            required_node_affinity("Conditions a node must meet when a pod is placed."),
        )
}

/// Schema of `preferredDuringSchedulingIgnoredDuringExecution`; the description says what it is for in its place.
pub(in crate::api) fn preferred_node_affinity(description: &str) -> Schema {
    array(
        description,
        object("One entry.")
            .required("preference", preference("The node condition that earns the points."))
            .required("weight", integer("Points, from 1 to 100.").format("int32")),
    )
}

/// Schema of `preference`; the description says what it is for in its place.
pub(in crate::api) fn preference(description: &str) -> Schema {
    object(description)
        .field("matchExpressions", match_expressions("Conditions that must all hold."))
        .field("matchFields", match_fields("Conditions on fields of the node, such as `metadata.name`."))
}

/// Schema of `requiredDuringSchedulingIgnoredDuringExecution`; the description says what it is for in its place.
pub(in crate::api) fn required_node_affinity(description: &str) -> Schema {
    object(description).required("nodeSelectorTerms", node_selector_terms("Alternatives: one of them must hold."))
}

/// Schema of `nodeSelectorTerms`; the description says what it is for in its place.
pub(in crate::api) fn node_selector_terms(description: &str) -> Schema {
    array(
        description,
        object("One entry.")
            .field("matchExpressions", match_expressions("Conditions that must all hold."))
            .field("matchFields", match_fields("Conditions on fields of the node, such as `metadata.name`.")),
    )
}

/// Schema of `podAffinity`; the description says what it is for in its place.
pub(in crate::api) fn pod_affinity(description: &str) -> Schema {
    object(description)
        .field(
            "preferredDuringSchedulingIgnoredDuringExecution",
            preferred_pod_affinity("Preferences: nodes that meet them get points, others may still be used."),
        )
        .field("requiredDuringSchedulingIgnoredDuringExecution", required_pod_affinity("Conditions a node must meet when a pod is placed."))
}

/// Schema of `preferredDuringSchedulingIgnoredDuringExecution`; the description says what it is for in its place.
pub(in crate::api) fn preferred_pod_affinity(description: &str) -> Schema {
    array(
        description,
        object("One entry.")
            .required("podAffinityTerm", pod_affinity_term("Which pods are meant and what counts as together."))
            .required("weight", integer("Points, from 1 to 100.").format("int32")),
    )
}

/// Schema of `podAffinityTerm`; the description says what it is for in its place.
pub(in crate::api) fn pod_affinity_term(description: &str) -> Schema {
    object(description)
        .field("labelSelector", label_selector("Pods that are meant, by their labels."))
        .field("matchLabelKeys", array("Label keys whose values are taken from the new pod and must match.", text("One entry.")))
        .field("mismatchLabelKeys", array("Label keys whose values are taken from the new pod and must differ.", text("One entry.")))
        .field("namespaceSelector", label_selector("Namespaces that are meant, by their labels."))
        .field("namespaces", array("Namespaces that are meant; absent is the pod's own.", text("One entry.")))
        .required("topologyKey", text("Node label whose value tells one place from another, for example `kubernetes.io/hostname` or `topology.kubernetes.io/zone`."))
}

/// Schema of `requiredDuringSchedulingIgnoredDuringExecution`; the description says what it is for in its place.
pub(in crate::api) fn required_pod_affinity(description: &str) -> Schema {
    array(description, object("One entry.")
        .field("labelSelector", label_selector("Pods that are meant, by their labels."))
        .field("matchLabelKeys", array("Label keys whose values are taken from the new pod and must match.", text("One entry.")))
        .field("mismatchLabelKeys", array("Label keys whose values are taken from the new pod and must differ.", text("One entry.")))
        .field("namespaceSelector", label_selector("Namespaces that are meant, by their labels."))
        .field("namespaces", array("Namespaces that are meant; absent is the pod's own.", text("One entry.")))
        .required("topologyKey", text("Node label whose value tells one place from another, for example `kubernetes.io/hostname` or `topology.kubernetes.io/zone`.")))
}

/// Schema of `topologySpreadConstraints`; the description says what it is for in its place.
pub(in crate::api) fn topology_spread_constraints(description: &str) -> Schema {
    array(
        description,
        object("One rule.")
            .field("labelSelector", label_selector("Pods that are meant, by their labels."))
            .field(
                "matchLabelKeys",
                array("Label keys whose values are taken from the new pod and must match.", text("A label key.")),
            )
            .required("maxSkew", integer("Largest allowed difference in pods between two places.").format("int32"))
            .field("minDomains", integer("Fewest places that must exist.").format("int32"))
            .field("nodeAffinityPolicy", text("Whether nodes ruled out by affinity count as places: `Honor` or `Ignore`."))
            .field("nodeTaintsPolicy", text("Whether tainted nodes count as places: `Honor` or `Ignore`."))
            .required(
                "topologyKey",
                text("Node label whose value tells one place from another, for example `kubernetes.io/hostname` or `topology.kubernetes.io/zone`."),
            )
            .required("whenUnsatisfiable", text("`DoNotSchedule` holds the pod back; `ScheduleAnyway` places it all the same.")),
    )
}
