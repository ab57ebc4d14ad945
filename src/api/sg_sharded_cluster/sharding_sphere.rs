//! ShardingSphere, the proxy that shards where nothing inside PostgreSQL does.

use crate::api::condition::Condition;
use crate::api::kubernetes_types::selector::secret_key_selector;
use crate::api::schema::{Rule, Schema, array, object, text};
use crate::api::shared::service_account_of_sharding_sphere;

/// Schema of `spec.coordinator.configurations.shardingSphere`.
pub(super) fn schema() -> Schema {
    object("The proxy, for the type `shardingsphere`, which needs this section.")
        .field("version", text("Version of the proxy; absent is the newest known."))
        .required(
            "mode",
            object("Whether several proxies share what they know.")
                .choice("sharding-sphere", "type", &["Standalone", "Cluster"])
                .choice("sharding-sphere", "repository.type", &["Memory", "ZooKeeper", "Etcd"])
                .rule(store(
                    Condition::OneOf("type", vec!["Standalone"]).and(Condition::OneOf("repository.type", vec!["ZooKeeper", "Etcd"])),
                    "the mode `Standalone` has no store",
                    "write Memory, or the mode Cluster",
                ))
                .rule(store(
                    Condition::OneOf("type", vec!["Cluster"]).and(Condition::OneOf("repository.type", vec!["Memory"])),
                    "the mode `Cluster` needs a store that proxies share",
                    "write ZooKeeper or Etcd, or the mode Standalone",
                ))
                .required("type", text("`Standalone`: one proxy, which keeps it in memory. `Cluster`: several, which keep it in a store."))
                .field("properties", object("Further settings of the mode, by their own names.").preserve_unknown())
                .required(
                    "repository",
                    object("The store.")
                        .required("type", text("`Memory` for the mode `Standalone`; `ZooKeeper` or `Etcd` for the mode `Cluster`."))
                        .field("properties", object("Further settings of the store, by their own names.").preserve_unknown())
                        .field("zooKeeper", servers("Servers of ZooKeeper, for that type."))
                        .field("etcd", servers("Servers of etcd, for that type.")),
                ),
        )
        .field("properties", object("Further settings of the proxy, by their own names.").preserve_unknown())
        .field(
            "authority",
            object("Who may log in to the proxy, and to what.")
                .field(
                    "users",
                    array(
                        "Users of the proxy.",
                        object("One user.")
                            .required("user", secret_key_selector("Secret key with the user name."))
                            .required("password", secret_key_selector("Secret key with the password.")),
                    ),
                )
                .field(
                    "privilege",
                    object("What users may reach.")
                        .field("type", text("`ALL_PERMITTED` for everything, or `DATABASE_PERMITTED` for the databases below."))
                        .field("userDatabaseMappings", text("Users and databases, such as `app@%=orders`, separated by commas.")),
                ),
        )
        .field("serviceAccount", service_account_of_sharding_sphere())
}

/// The rule that mode and store are not this.
fn store(wrong: Condition, message: &'static str, help: &'static str) -> Rule {
    Rule { code: "sharding-sphere", condition: wrong.negated(), message: message.into(), help: help.into(), field: "repository.type" }
}

fn servers(description: &str) -> Schema {
    object(description).required("serverList", array("Their addresses.", text("Host and port of one server.")))
}
