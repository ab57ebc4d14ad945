//! Users' own credentials of an SGCluster.

use crate::api::kubernetes_types::selector::secret_key_selector;
use crate::api::schema::{Schema, object};
use crate::api::shared::user_credentials;

/// Schema of `spec.configurations.credentials`.
pub(in crate::api) fn schema() -> Schema {
    object("Your own credentials in place of generated ones. They are taken over when the content of a Secret changes, without a restart: the new passwords reach every pod first, then the roles are changed, then each login is tried; if one fails, the old ones come back. Letters, digits and signs of ASCII.")
        .field(
            "patroni",
            object("Credentials of Patroni.")
                .field("restApiPassword", secret_key_selector("Secret key with the password of Patroni's REST API.")),
        )
        .field(
            "users",
            object("Credentials of the built-in database users.")
                .field("superuser", user_credentials("The superuser. Its name is `postgres`: the rules of access name it."))
                .field("replication", user_credentials("The user replicas stream with. Its name is `replicator`."))
                .field("authenticator", user_credentials("The user the pooler looks passwords up with. Its name is `authenticator`.")),
        )
}
