//! Certificates and keys of an SGConfig.

use crate::api::schema::{Schema, boolean, integer, object, text};

/// Schema of `spec.cert`.
pub(super) fn schema() -> Schema {
    object("Certificates of the operator, the web console and the collector, and the key that signs the console's logins.")
        .field(
            "autoapprove",
            boolean(
                "Whether the installation approves the operator's certificate signing request by itself; otherwise an administrator must.",
            )
            .default("true"),
        )
        .field("createForOperator", create("operator's webhooks", "secretName"))
        .field("createForWebApi", create("web console", "webSecretName"))
        .field("createForCollector", create("collector", "collectorSecretName"))
        .field(
            "secretName",
            text("Secret with the certificate of the operator's webhooks.").default("the name of this object with `-certs` after it"),
        )
        .field("regenerateCert", regenerate("the operator's certificate"))
        .field("certDuration", duration("operator's certificate").default("730"))
        .field(
            "webSecretName",
            text("Secret with the certificate of the web console, and the key that signs logins.")
                .default("the name of this object with `-web-certs` after it"),
        )
        .field("regenerateWebCert", regenerate("the web console's certificate"))
        .field("regenerateWebRsa", regenerate("the RSA key that signs logins to the web console; people then have to log in again"))
        .field("webCertDuration", duration("web console's certificate"))
        .field("webRsaDuration", duration("RSA key that signs logins to the web console"))
        .field("collectorSecretName", text("Secret with the certificate of the collector. Absent: the operator chooses a name."))
        .field("regenerateCollectorCert", regenerate("the collector's certificate"))
        .field("collectorCertDuration", duration("collector's certificate"))
        .field("certManager", cert_manager())
}

fn create(of: &str, secret: &str) -> Schema {
    boolean(&format!("Whether a certificate of the {of} is made; otherwise `{secret}` must name a Secret that holds one.")).default("true")
}

fn regenerate(what: &str) -> Schema {
    boolean(&format!("Whether the operator replaces, before it expires, {what}. What you brought yourself is better left alone: `false`."))
        .default("true")
}

fn duration(of: &str) -> Schema {
    integer(&format!("How long the {of} is valid, where the operator makes it, in days."))
}

fn cert_manager() -> Schema {
    object("Certificates by cert-manager in place of ones that the operator signs itself.")
        .field(
            "autoConfigure",
            boolean("Whether an Issuer and the Certificates are made for cert-manager, which must be installed.").default("false"),
        )
        .field("duration", text("How long a certificate is valid, as a Go duration such as `2160h`, which is 90 days.").default("2160h"))
        .field(
            "renewBefore",
            text("How long before its end a certificate is renewed, as a Go duration such as `360h`, which is 15 days.").default("360h"),
        )
        .field("encoding", text("Encoding of the private keys: `PKCS1` or `PKCS8`.").default("PKCS1"))
        .field("size", integer("Length of the RSA keys, in bits.").default("2048"))
}
