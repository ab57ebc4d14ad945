//! Security settings of containers, as the core API defines them.

use crate::api::schema::{Schema, array, boolean, integer, object, text};

/// Schema of `securityContext`; the description says what it is for in its place.
pub(in crate::api) fn security_context(description: &str) -> Schema {
    object(description)
        .field("allowPrivilegeEscalation", boolean("Whether a process may gain more rights than its parent."))
        .field("appArmorProfile", security_profile("AppArmor profile."))
        .field("capabilities", capabilities("Linux capabilities to add and drop."))
        .field("privileged", boolean("Whether it runs with all rights of the node."))
        .field("procMount", text("How `/proc` is mounted."))
        .field("readOnlyRootFilesystem", boolean("Whether the root file system is read-only."))
        .field("runAsGroup", integer("Group id of the processes.").format("int64"))
        .field("runAsNonRoot", boolean("Whether a start as root is refused."))
        .field("runAsUser", integer("User id of the processes.").format("int64"))
        .field("seLinuxOptions", se_linux_options("SELinux label."))
        .field("seccompProfile", security_profile("Seccomp profile."))
        .field("windowsOptions", windows_options("Settings for Windows nodes."))
}

/// Schema of `appArmorProfile`; the description says what it is for in its place.
pub(in crate::api) fn security_profile(description: &str) -> Schema {
    object(description)
        .field("localhostProfile", text("Name of a profile on the node, for the type `Localhost`."))
        .required("type", text("`RuntimeDefault`, `Localhost` or `Unconfined`."))
}

/// Schema of `capabilities`; the description says what it is for in its place.
pub(in crate::api) fn capabilities(description: &str) -> Schema {
    object(description)
        .field("add", array("Capabilities to add.", text("One entry.")))
        .field("drop", array("Capabilities to drop.", text("One entry.")))
}

/// Schema of `seLinuxOptions`; the description says what it is for in its place.
pub(in crate::api) fn se_linux_options(description: &str) -> Schema {
    object(description)
        .field("level", text("Level part of the label."))
        .field("role", text("Role part of the label."))
        .field("type", text("Type part of the label."))
        .field("user", text("User part of the label."))
}

/// Schema of `windowsOptions`; the description says what it is for in its place.
pub(in crate::api) fn windows_options(description: &str) -> Schema {
    object(description)
        .field("gmsaCredentialSpec", text("Text of a group managed service account specification."))
        .field("gmsaCredentialSpecName", text("Name of a group managed service account specification."))
        .field("hostProcess", boolean("Whether it runs as a process of the host."))
        .field("runAsUserName", text("User name of the processes on Windows."))
}
