//! Where a fleet comes from.

use crate::api::schema::{Schema, array, object, text};

/// Schema of `spec.source`.
pub(super) fn schema() -> Schema {
    object("Where the fleet comes from: exactly one of `git` and `directory`.").field("git", git()).field("directory", directory())
}

fn git() -> Schema {
    object("A Git repository.")
        .required(
            "url",
            text(
                "Address of the repository: `https://HOST/PATH`, `ssh://USER@HOST/PATH` or `USER@HOST:PATH`. Passwords do not belong here.",
            )
                .min_length(1)
                .max_length(2048),
        )
        .field(
            "ref",
            object("What to follow: one of the fields; absent follows the default branch.")
                .field("branch", text("Branch."))
                .field("tag", text("Tag."))
                .field("commit", text("Full commit id: the fleet stays there until this changes.").pattern("^[0-9a-f]{40}$")),
        )
        .field("path", text("Folder inside the repository. Everything outside is not looked at.").default("the whole repository"))
        .field("interval", text("Time between two looks, such as `1m`.").pattern("^([0-9]+(ms|s|m|h))+$").default("1m"))
        .field("timeout", text("Longest time one fetch may take, such as `60s`.").pattern("^([0-9]+(ms|s|m|h))+$").default("60s"))
        .field(
            "credentials",
            object("How to log in. The Secret is in the fleet's own namespace.")
                .required("secretName", text(
                        "Secret with `username` and `password`, with `token` for a bearer token, or for SSH with `identity`, a private key without a passphrase, and `known_hosts`, the keys by which the server is known (`ssh-keyscan HOST`, compared with the published fingerprint).",
                    ))
                .field("type", text("`basic`, `bearer` or `ssh`.").allowed(&["basic", "bearer", "ssh"]).default("basic")),
        )
        .field(
            "certificateAuthority",
            object("Certificate authority of the server, beside the system's.")
                .field("secretName", text("Secret with the key `ca.crt`."))
                .field("configMapName", text("ConfigMap with the key `ca.crt`.")),
        )
        .field("proxy", text("HTTP proxy, such as `http://proxy:3128`."))
        .field("signaturePolicy", signature_policy())
}

fn signature_policy() -> Schema {
    object("Which commits are trusted. The commit that is read is verified, or the annotated tag that names it: either vouches for every file and for the whole history.")
        .required(
            "mode",
            text("`required` takes no commit that no key below signed: the last trusted one stays in force, and the fleet says who signed. `reported` takes it and says so.").allowed(&["required", "reported"]),
        )
        .required(
            "keys",
            array(
                "Secrets of the fleet's namespace with public keys. Each value of a Secret holds OpenPGP certificates (`gpg --armor --export`), lines of an `allowed_signers` file (`ssh-keygen -Y`), or public SSH keys.",
                object("A Secret.").required("secretName", text("Name of the Secret.")),
            )
            .min_items(1),
        )
}

fn directory() -> Schema {
    object("A directory of the controller's own file system, for trying things out.").required("path", text("Absolute path."))
}
