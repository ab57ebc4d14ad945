//! The source of a standby cluster.

use crate::api::condition::Condition;
use crate::api::schema::{Rule, Schema, integer, object, text};
use crate::api::shared::{download_performance, required_user_credentials};

/// Schema of `spec.replicateFrom`.
pub(in crate::api) fn schema() -> Schema {
    let section = object(
        "Makes this a standby cluster that follows another one: read-only, with the data and the users of its source. Taking the section out promotes it: from then on it takes writes of its own, and does not go back.",
    );
    source(section, "instance.sgCluster")
        .field(
            "instance",
            one_of(object("Streams from a running server."), &["sgCluster", "external"]).field("sgCluster", text("Name of an SGCluster in the same namespace. Its primary is followed through its Service, wherever it moves; its users come with its Secret.")).field(
                "external",
                object("A server outside.")
                    .required("host", text("Its host name or address; one that follows its primary when that moves."))
                    .required("port", integer("Port of PostgreSQL itself, not of a pooler.")),
            ),
        )
        .field(
            "storage",
            object("Follows the WAL in an object storage.")
                .field("performance", download_performance("Limits while downloading."))
                .required("sgObjectStorage", text("Name of the SGObjectStorage."))
                .required("path", text("Path inside the storage."))
                .not_yet_error(),
        )
        .field("users", users())
}

/// Schema of `users`.
pub(in crate::api) fn users() -> Schema {
    object("Credentials of the users of an external source. They are copied when the cluster is made; the users must be named `postgres`, `replicator` and `authenticator`.")
        .required("superuser", required_user_credentials("The superuser."))
        .required("replication", required_user_credentials("The user replicas stream with."))
        .required("authenticator", required_user_credentials("The user the pooler looks passwords up with."))
}

/// Adds the rules of a source, of which a cluster here is at `cluster`.
pub(in crate::api) fn source(of: Schema, cluster: &'static str) -> Schema {
    const CODE: &str = "bad-replication-source";
    let outside = Condition::Present("instance.external").or(Condition::Present("storage"));
    of.demand(
        CODE,
        Condition::Present("instance").or(Condition::Present("storage")),
        "no source is named",
        "write `instance` with a cluster or with `external`; to promote the cluster, take replicateFrom out",
    )
    .rule(Rule {
        code: CODE,
        condition: Condition::All(vec![
            Condition::Present("users"),
            Condition::Present(cluster),
            Condition::Present("instance.external").negated(),
        ])
        .negated(),
        message: "the users of a cluster come with its Secret".into(),
        help: "take users out".into(),
        field: "users",
    })
    .rule(Rule {
        code: CODE,
        condition: Condition::Present("storage").and(Condition::Present(cluster)).negated(),
        message: "a cluster is followed by streaming".into(),
        help: "take storage out".into(),
        field: "storage",
    })
    .rule(Rule {
        code: CODE,
        condition: outside.and(Condition::Present(cluster).negated()).implies(Condition::Present("users")),
        message: "the users of the source are not known".into(),
        help: "write users with superuser, replication and authenticator".into(),
        field: "users",
    })
}

/// Adds the rule that exactly one running source is named.
pub(in crate::api) fn one_of(of: Schema, sources: &'static [&'static str]) -> Schema {
    let help = format!("write {} or {}, and not both", sources[0], sources[1]);
    of.demand("bad-replication-source", Condition::ExactlyOne(sources), "not exactly one source is named", help)
}
