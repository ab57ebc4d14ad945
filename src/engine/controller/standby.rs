//! What a standby cluster needs of its source.

use crate::kubernetes::{Cluster, KubernetesError};
use crate::model::{Object, ObjectKey};
use crate::render::revision::Revision;
use std::collections::BTreeMap;

/// Names of the built-in users. Images, client authentication and the pooler know them by these.
const USERS: [(&str, &str); 3] =
    [("superuser-username", "postgres"), ("replication-username", "replicator"), ("authenticator-username", "authenticator")];

/// What is missing or wrong about the source's credentials. They are copied once, so nothing is asked when they are there.
pub(super) async fn source_problem(
    api: &Cluster,
    released: &Revision,
    children: &BTreeMap<ObjectKey, Object>,
) -> Result<Option<String>, KubernetesError> {
    let (effective, namespace) = (&released.effective, released.cluster.namespace.as_str());
    let Some(source) = &effective.replicate_from else { return Ok(None) };
    if children.contains_key(&ObjectKey::new("v1", "Secret", Some(namespace), &released.cluster.name)) {
        return Ok(None);
    }
    for (entry, (name, key)) in &source.credentials {
        let Some(secret) = api.get(&ObjectKey::new("v1", "Secret", Some(namespace), name)).await? else {
            return Ok(Some(format!("there is no Secret {name}")));
        };
        let Some(value) = secret.secret_text(key).filter(|value| !value.is_empty()) else {
            return Ok(Some(format!("the Secret {name} has no text under the key {key}")));
        };
        if let Some((_, user)) = USERS.iter().find(|(username, user)| username == entry && *user != value) {
            return Ok(Some(format!("the Secret {name} names another user under the key {key}: only {user} can be this user here")));
        }
        if value.contains(['\n', '\r']) {
            return Ok(Some(format!("the value under the key {key} of the Secret {name} has more than one line")));
        }
    }
    Ok(None)
}
