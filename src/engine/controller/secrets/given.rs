//! What users' own Secrets hold now. Secrets are in no revision, so their content is read live.

use crate::kubernetes::{Cluster, KubernetesError};
use crate::model::{Digest, Object, ObjectKey};
use crate::render::certificate;
use crate::resolve::{Effective, SecretKey};
use crate::rollout::GivenCertificate;
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};

/// Users' own Secrets that a cluster names.
pub(in crate::engine::controller) struct Given {
    secrets: BTreeMap<String, Option<Object>>,
}

impl Given {
    /// Reads each of them once; nothing is asked for where none is named.
    pub(in crate::engine::controller) async fn read(api: &Cluster, effective: &Effective) -> Result<Self, KubernetesError> {
        let plan = certificate(effective).and_then(|plan| plan.given);
        let keys = effective.credentials.values().chain(&effective.binding.password).cloned();
        let keys = keys.chain(plan.into_iter().flat_map(|(chain, key)| [chain, key]));
        let names: BTreeSet<String> = keys.map(|key| key.name).collect();
        let mut secrets = BTreeMap::new();
        for name in names {
            let found = api.get(&ObjectKey::new("v1", "Secret", Some(&effective.cluster.namespace), &name)).await?;
            secrets.insert(name, found);
        }
        Ok(Self { secrets })
    }

    /// One value, or why there is none.
    pub(in crate::engine::controller) fn value(&self, of: &SecretKey) -> Result<String, String> {
        let SecretKey { name, key } = of;
        let Some(secret) = self.secrets.get(name).and_then(Option::as_ref) else { return Err(format!("there is no Secret {name}")) };
        if secret.get("/data").and_then(|data| data.get(key)).is_none() {
            return Err(format!("the Secret {name} has no key {key}"));
        }
        secret.secret_text(key).ok_or_else(|| format!("the key {key} of the Secret {name} is no UTF-8 text"))
    }

    /// Given credentials by their entry in the cluster's Secret.
    pub(in crate::engine::controller) fn credentials(&self, effective: &Effective) -> BTreeMap<String, Result<String, String>> {
        effective.credentials.iter().map(|(entry, key)| (entry.clone(), self.value(key))).collect()
    }

    /// The given certificate, if the cluster has one.
    pub(super) fn certificate(&self, effective: &Effective) -> Option<Result<GivenCertificate, String>> {
        let (chain, key) = certificate(effective)?.given?;
        let authority = self.value(&SecretKey { name: chain.name.clone(), key: "ca.crt".to_owned() }).ok();
        Some(self.value(&chain).and_then(|chain| Ok(GivenCertificate { chain, key: self.value(&key)?, authority })))
    }

    /// Which versions of which Secrets the credentials come from: what failed is known by it, without a word of the content.
    pub(super) fn versions(&self, effective: &Effective) -> String {
        let names: BTreeSet<&str> = effective.credentials.values().map(|key| key.name.as_str()).collect();
        let versions = names.into_iter().map(|name| {
            let secret = self.secrets.get(name).and_then(Option::as_ref);
            json!([name, secret.and_then(Object::uid), secret.and_then(Object::resource_version)])
        });
        Digest::of(&json!(versions.collect::<Vec<_>>())).short().to_owned()
    }
}
