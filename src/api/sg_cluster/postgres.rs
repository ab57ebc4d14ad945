//! PostgreSQL of an SGCluster.

use crate::api::condition::Condition;
use crate::api::kubernetes_types::selector::secret_key_selector;
use crate::api::schema::{Rule, Schema, array, boolean, object, text};

/// Schema of `spec.postgres`.
pub(in crate::api) fn schema() -> Schema {
    object("The database itself: version, extensions, transport security.")
        .rule(Rule {
            code: "immutable-field",
            condition: Condition::UnchangedFrom("flavor", "vanilla"),
            message: "the flavor cannot change".into(),
            help: "put the old one back; another flavor is a cluster of its own".into(),
            field: "flavor",
        })
        .required("version", text("PostgreSQL version: a minor version such as `17.6`, a major version such as `17` (its newest known minor), or `latest`. The resolved minor is frozen in each revision, so a new release changes no running cluster by itself. A minor change needs new pods; a major one needs the operation for it."))
        .field("flavor", text("`vanilla` is community PostgreSQL. Cannot change after creation.").default("vanilla"))
        .field("extensions", array("Extensions whose files must be present on every instance: they are in the image, and a cluster that asks for another is refused. What an extension needs of the server (`shared_preload_libraries`) is set with it, which takes a restart. Creating it in a database stays a matter of SQL, for example of an SGScript.", object("One entry.")
            .required("name", text("Name of the extension as `CREATE EXTENSION` takes it."))
            .field("publisher", text("Who packaged the extension. Only the default's builds are there.").default("com.ongres"))
            .field("version", text("Version of the extension's files, or `stable`. Absent: the version the image has."))
            .field("repository", text("Address the extension's package came from. Files come with the image, so it has no effect."))))
        .field("ssl", object("Encryption of client connections.")
            .demand(
                "incomplete-certificate",
                Condition::Together("certificateSecretKeySelector", "privateKeySecretKeySelector"),
                "certificate and private key belong together",
                "give both selectors, or neither",
            )
            .field("enabled", boolean("Whether clients may connect with TLS. Switching it needs new pods.").default("true"))
            .field("duration", text("Lifetime of a generated certificate as an ISO 8601 duration, for example `P90D`. Renewal is a reload."))
            .field("certificateSecretKeySelector", secret_key_selector("Secret key with your own certificate chain in PEM form; give the private key too. Absent: a certificate is generated."))
            .field("privateKeySecretKeySelector", secret_key_selector("Secret key with the private key that belongs to the certificate, in PEM form.")).default("{\"enabled\": true}"))
}
