//! What Patroni may do, and nothing else.

use super::metadata::{generic, metadata};
use crate::model::Object;
use crate::resolve::Effective;
use serde_json::{Value, json};

/// ServiceAccount, Role and RoleBinding of the pods.
///
/// Source: Patroni documentation, "Using Patroni with Kubernetes", rights with `use_endpoints`. The right to create Services
/// is left out: they are there before the pods.
pub(super) fn rbac(effective: &Effective) -> Vec<Object> {
    let name = format!("{}-patroni", effective.cluster.name);
    let pull_secrets: Vec<Value> = effective.image_pull_secrets.iter().map(|name| json!({"name": name})).collect();
    let mut account = json!({
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": metadata(effective, &name, generic(effective), &["serviceAccount"]),
        "automountServiceAccountToken": false,
    });
    if !pull_secrets.is_empty() {
        account["imagePullSecrets"] = json!(pull_secrets);
    }
    let role = json!({
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "Role",
        "metadata": metadata(effective, &name, generic(effective), &[]),
        "rules": [
            {"apiGroups": [""], "resources": ["endpoints"], "verbs": ["create", "deletecollection", "get", "list", "patch", "update", "watch"]},
            {"apiGroups": [""], "resources": ["pods"], "verbs": ["get", "list", "patch", "update", "watch"]},
        ],
    });
    let binding = json!({
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "RoleBinding",
        "metadata": metadata(effective, &name, generic(effective), &[]),
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": name},
        "subjects": [{"kind": "ServiceAccount", "name": name, "namespace": effective.cluster.namespace}],
    });
    [account, role, binding].into_iter().map(Object::new).collect()
}
