//! Users' own credentials of an SGCluster.

use crate::api::kubernetes_types::selector::secret_key_selector;
use crate::api::schema::{Schema, object};
use crate::api::shared::user_credentials;

/// Schema of `spec.configurations.credentials`.
pub(in crate::api) fn schema() -> Schema {
    object("Your own credentials in place of generated ones.")
        .field(
            "patroni",
            object("Credentials of Patroni.")
                .field("restApiPassword", secret_key_selector("Secret key with the password of Patroni's REST API.")),
        )
        .field(
            "users",
            object("Credentials of the built-in database users.")
                .field("superuser", user_credentials("The superuser."))
                .field("replication", user_credentials("The user replicas stream with."))
                .field("authenticator", user_credentials("The user the pooler looks passwords up with.")),
        )
        .not_yet_error()
}
