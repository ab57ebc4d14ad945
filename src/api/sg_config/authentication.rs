//! Login to the web console of an SGConfig.

use crate::api::kubernetes_types::selector::optional_secret_key_selector;
use crate::api::schema::{Schema, boolean, object, text};

/// Schema of `spec.authentication`.
pub(super) fn schema() -> Schema {
    object("How people log in to the web console and the REST API.")
        .field(
            "type",
            text("`jwt`: user and password from Secrets in Kubernetes; `oidc`: an OpenID Connect provider, see `oidc`.").default("jwt"),
        )
        .field(
            "createAdminSecret",
            boolean("Whether a Secret with a first administrator is made, for the type `jwt`.").default("true"),
        )
        .field("user", text("User name of that administrator.").default("admin"))
        .field(
            "password",
            text("Password of that administrator. Anybody who can read the object can read it: leave it out. Absent: one is generated and found in the Secret."),
        )
        .field(
            "secretRef",
            object("Secret of your own with the administrator's user name and password, in place of `user` and `password`.")
                .field("name", text("Name of the Secret.")),
        )
        .field("oidc", oidc())
}

fn oidc() -> Schema {
    object("The OpenID Connect provider, for the type `oidc`.")
        .field(
            "tlsVerification",
            text("How the provider's certificate is checked: `required` checks it and the host name, `certificate-validation` does not look at the host name, `none` checks nothing and is open to interception."),
        )
        .field("authServerUrl", text("Base address of the provider, for example `https://login.example.com/realms/platform`."))
        .field(
            "clientId",
            text("Client that the console is registered as at the provider. Absent: `clientIdSecretRef` tells it."),
        )
        .field(
            "credentialsSecret",
            text("Secret of that client. Anybody who can read the object can read it: use `credentialsSecretSecretRef`."),
        )
        .field("clientIdSecretRef", optional_secret_key_selector("Secret key with the client, in place of `clientId`."))
        .field(
            "credentialsSecretSecretRef",
            optional_secret_key_selector("Secret key with the client's secret, in place of `credentialsSecret`."),
        )
}
