//! Users' own parts of the pods of an SGCluster.

use crate::api::kubernetes_types::selector::label_selector;
use crate::api::kubernetes_types::volume::{downward_api_items, key_to_path_items};
use crate::api::schema::{Schema, array, boolean, integer, object, text, text_map};

/// Schema of `spec.pods.customVolumes`.
pub(in crate::api) fn schema() -> Schema {
    array(
        "Further volumes of the pods. Their names get the prefix `custom-`.",
        object("One entry.")
            .required("name", text("Name of the volume, without the prefix."))
            .field(
                "configMap",
                object("Files from a ConfigMap.")
                    .field("defaultMode", integer("Permission bits of files that name none.").format("int32"))
                    .field("items", key_to_path_items("Which keys become files; absent means all."))
                    .field("name", text("Name of the ConfigMap."))
                    .field("optional", boolean("Whether the pod may start without it.")),
            )
            .field(
                "downwardAPI",
                object("Facts about the pod as files.")
                    .field("defaultMode", integer("Permission bits of files that name none.").format("int32"))
                    .field("items", downward_api_items("Which keys become files; absent means all.")),
            )
            .field(
                "emptyDir",
                object("Scratch space that lives as long as the pod.")
                    .field("medium", text("`Memory` for a memory file system; absent for the node's disk."))
                    .field("sizeLimit", text("Most space it may take.")),
            )
            .field(
                "gitRepo",
                object("A Git checkout; withdrawn by Kubernetes.")
                    .field("directory", text("Directory inside the volume."))
                    .required("repository", text("Address of the repository."))
                    .field("revision", text("Commit to check out.")),
            )
            .field(
                "glusterfs",
                object("A Gluster volume; withdrawn by Kubernetes.")
                    .required("endpoints", text("Endpoints object of the servers."))
                    .required("path", text("Volume name."))
                    .field("readOnly", boolean("Whether it is mounted read-only.")),
            )
            .field(
                "hostPath",
                object("A path of the node. Not allowed under restricted pod security.")
                    .required("path", text("Path on the node."))
                    .field("type", text("What must be there, such as `Directory`.")),
            )
            .field(
                "nfs",
                object("An NFS share.")
                    .required("path", text("Exported path."))
                    .field("readOnly", boolean("Whether it is mounted read-only."))
                    .required("server", text("Host name or address of the server.")),
            )
            .field(
                "projected",
                object("Several sources in one directory.")
                    .field("defaultMode", integer("Permission bits of files that name none.").format("int32"))
                    .field(
                        "sources",
                        array(
                            "The sources.",
                            object("One entry.")
                                .field(
                                    "clusterTrustBundle",
                                    object("Certificates of a trust bundle.")
                                        .field("labelSelector", label_selector("Pods that are meant, by their labels."))
                                        .field("name", text("Name of the bundle."))
                                        .field("optional", boolean("Whether the pod may start when the object or key is missing."))
                                        .required("path", text("Path of the file inside the volume."))
                                        .field("signerName", text("Signer whose bundles are taken.")),
                                )
                                .field(
                                    "configMap",
                                    object("Files from a ConfigMap.")
                                        .field("items", key_to_path_items("Which keys become files; absent means all."))
                                        .field("name", text("Name of the ConfigMap."))
                                        .field("optional", boolean("Whether the pod may start without it.")),
                                )
                                .field(
                                    "downwardAPI",
                                    object("Facts about the pod as files.")
                                        .field("items", downward_api_items("Which keys become files; absent means all.")),
                                )
                                .field(
                                    "podCertificate",
                                    object("A certificate issued for the pod.")
                                        .field("certificateChainPath", text("File for the certificate chain."))
                                        .field("credentialBundlePath", text("File for key and certificate chain together."))
                                        .field("keyPath", text("File for the private key."))
                                        .required("keyType", text("Kind of key, for example `ECDSAP256`."))
                                        .field("maxExpirationSeconds", integer("Longest lifetime to ask for, in seconds.").format("int32"))
                                        .required("signerName", text("Signer that issues it."))
                                        .field("userAnnotations", text_map("Facts handed to the signer.")),
                                )
                                .field(
                                    "secret",
                                    object("Files from a Secret.")
                                        .field("items", key_to_path_items("Which keys become files; absent means all."))
                                        .field("name", text("Name of the Secret."))
                                        .field("optional", boolean("Whether the pod may start without it.")),
                                )
                                .field(
                                    "serviceAccountToken",
                                    object("A token of the pod's ServiceAccount.")
                                        .field("audience", text("For whom the token is."))
                                        .field("expirationSeconds", integer("Lifetime of the token in seconds.").format("int64"))
                                        .required("path", text("Path of the file inside the volume.")),
                                ),
                        ),
                    ),
            )
            .field(
                "secret",
                object("Files from a Secret.")
                    .field("defaultMode", integer("Permission bits of files that name none.").format("int32"))
                    .field("items", key_to_path_items("Which keys become files; absent means all."))
                    .field("optional", boolean("Whether the pod may start without it."))
                    .field("secretName", text("Name of the Secret.")),
            )
            .field(
                "persistentVolumeClaim",
                object("A claim that exists already.")
                    .required("claimName", text("Name of the claim."))
                    .field("readOnly", boolean("Whether it is mounted read-only.")),
            ),
    )
}
