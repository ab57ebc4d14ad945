//! The kind `SGObjectStorage`.

use crate::api::condition::Condition;
use crate::api::kind::{Column, Kind};
use crate::api::kubernetes_types::selector::{optional_secret_key_selector, secret_key_selector};
use crate::api::schema::{Rule, Schema, boolean, object, text};
use crate::api::sections::{Section, sections};
use std::sync::LazyLock;

/// The kind `SGObjectStorage`.
pub(super) static SG_OBJECT_STORAGE: Kind = Kind {
    kind: "SGObjectStorage",
    version: "v1beta1",
    plural: "sgobjectstorages",
    singular: "sgobjectstorage",
    short_names: &["sgobjs"],
    categories: &["stackgres"],
    name_max_length: None,
    name_pattern: None,
    scale: None,
    columns: &[Column { name: "Type", r#type: "string", json_path: ".spec.type", description: "Kind of storage.", priority: 0 }],
    description: "An object storage for backups and WAL.",
    not_yet: None,
    schema: LazyLock::new(|| object("An object storage for backups and WAL.").required("spec", spec())),
};

/// Schema of `spec`.
fn spec() -> Schema {
    storage("What is wanted.")
}

/// Schema of an object storage; the description says what it is for in its place.
pub(in crate::api) fn storage(description: &str) -> Schema {
    let chosen = sections(
        object(description),
        "type",
        "unknown-choice",
        "storage-section",
        &[
            Section::Needed("s3", "s3"),
            Section::Needed("s3Compatible", "s3Compatible"),
            Section::Needed("gcs", "gcs"),
            Section::Needed("azureBlob", "azureBlob"),
        ],
    );
    chosen
        .rule(Rule {
            code: "storage-without-type",
            condition: Condition::Present("type"),
            message: "the storage has no `type`".into(),
            help: "write `type:` with s3, s3Compatible, gcs or azureBlob".into(),
            field: "type",
        })
        .field(
            "encryption",
            encryption()
                .field("method", text("`sodium` or `openpgp`."))
                .field(
                    "sodium",
                    object("Encryption with a shared key.")
                        .required("key", optional_secret_key_selector("Secret key with the shared key."))
                        .field("keyTransform", text("Form of the key: `base64`, `hex` or `none`.").default("none")),
                )
                .field(
                    "openpgp",
                    object("Encryption with an OpenPGP key.")
                        .required("key", optional_secret_key_selector("Secret key with the OpenPGP key."))
                        .field("keyPassphrase", optional_secret_key_selector("Secret key with the passphrase of the OpenPGP key.")),
                ),
        )
        .field(
            "type",
            text("Kind of storage; the section of that name must be filled.").allowed(&["s3", "s3Compatible", "gcs", "azureBlob"]),
        )
        .field(
            "s3",
            object("Amazon S3.")
                .required(
                    "bucket",
                    text("Name of the bucket, with an optional scheme and prefix.").pattern(r"^((s3|https?)://)?[^/]+(/[^/]*)*$"),
                )
                .field("region", text("Region of the bucket."))
                .field("storageClass", text("Storage class of the objects, for example `STANDARD_IA`."))
                .required(
                    "awsCredentials",
                    keys_or("useIAMRole")
                        .field(
                            "useIAMRole",
                            boolean("Whether the role of the pods' ServiceAccount is used in place of keys.").default("false"),
                        )
                        .field(
                            "secretKeySelectors",
                            object("Secrets that hold the credentials.")
                                .required("accessKeyId", secret_key_selector("Secret key with the access key's identity."))
                                .required("secretAccessKey", secret_key_selector("Secret key with the access key's secret.")),
                        ),
                ),
        )
        .field(
            "s3Compatible",
            object("A storage that speaks the S3 protocol.")
                .required(
                    "bucket",
                    text("Name of the bucket, with an optional scheme and prefix.").pattern(r"^((s3|https?)://)?[^/]+(/[^/]*)*$"),
                )
                .field("enablePathStyleAddressing", boolean("Whether the bucket stands in the path and not in the host name."))
                .field("endpoint", text("Address of the storage, with scheme."))
                .field("region", text("Region of the bucket."))
                .field("storageClass", text("Storage class of the objects."))
                .required(
                    "awsCredentials",
                    object("How to log in.").required(
                        "secretKeySelectors",
                        object("Secrets that hold the credentials.")
                            .required("accessKeyId", secret_key_selector("Secret key with the access key's identity."))
                            .required("secretAccessKey", secret_key_selector("Secret key with the access key's secret."))
                            .field("caCertificate", secret_key_selector("Secret key with the certificate authority of the endpoint.")),
                    ),
                ),
        )
        .field(
            "gcs",
            object("Google Cloud Storage.")
                .required("bucket", text("Name of the bucket, with an optional scheme and prefix.").pattern(r"^(gs://)?[^/]+(/[^/]*)*$"))
                .required(
                    "gcpCredentials",
                    keys_or("fetchCredentialsFromMetadataService")
                        .field("fetchCredentialsFromMetadataService", boolean("Whether the node's own identity is used."))
                        .field(
                            "secretKeySelectors",
                            object("Secrets that hold the credentials.")
                                .required("serviceAccountJSON", secret_key_selector("Secret key with the service account's key file.")),
                        ),
                ),
        )
        .field(
            "azureBlob",
            object("Azure Blob Storage.")
                .required("bucket", text("Name of the bucket, with an optional scheme and prefix.").pattern(r"^(azure://)?[^/]+(/[^/]*)*$"))
                .required(
                    "azureCredentials",
                    object("How to log in.")
                        .demand(
                            "storage-credentials",
                            Condition::Present("secretKeySelectors"),
                            "no Secret keys are given",
                            "add `secretKeySelectors`",
                        )
                        .field(
                            "secretKeySelectors",
                            object("Secrets that hold the credentials.")
                                .required("storageAccount", secret_key_selector("Secret key with the name of the storage account."))
                                .required("accessKey", secret_key_selector("Secret key with the account's access key.")),
                        ),
                ),
        )
}

/// Encryption, without its fields.
fn encryption() -> Schema {
    sections(
        object("Encryption of what is stored."),
        "method",
        "storage-encryption",
        "storage-encryption",
        &[Section::Needed("sodium", "sodium"), Section::Needed("openpgp", "openpgp")],
    )
    .demand(
        "storage-encryption",
        Condition::Present("sodium").or(Condition::Present("openpgp")).implies(Condition::Present("method")),
        "the encryption has no `method`",
        "write method: sodium or openpgp",
    )
}

/// How to log in: with keys from Secrets, or as what the pods are, which the field says.
fn keys_or(role: &'static str) -> Schema {
    object("How to log in.").demand(
        "storage-credentials",
        Condition::Present("secretKeySelectors").or(Condition::True(role)),
        "neither Secret keys nor a role are given",
        format!("add `secretKeySelectors`, or `{role}: true`"),
    )
}
