//! A look at the source of a fleet before its interval is over.
//!
//! Who asks writes an annotation: whichever replica of the controller leads sees it, and `kubectl annotate` is as good as a webhook.

use crate::kubernetes::{Cluster, KubernetesError};
use crate::model::Object;
use crate::rollout::MANAGER;
use jiff::Timestamp;
use serde_json::json;
use std::collections::BTreeSet;

/// Annotation of an SGFleet that asks for a look at its source: another text asks again.
pub const LOOK_AGAIN: &str = "stackgres.io/look-again";

/// Asks on behalf of others.
pub struct LookAgain {
    api: Cluster,
}

impl LookAgain {
    /// Asks through this API server.
    pub const fn new(api: Cluster) -> Self {
        Self { api }
    }

    /// Asks every fleet that follows the repository with one of these addresses; says how many there are. Repositories are compared by
    /// their path alone: the controller may reach a forge under another name, or another protocol, than the forge itself says.
    pub async fn ask(&self, addresses: &[String], now: Timestamp) -> Result<usize, KubernetesError> {
        let asked: BTreeSet<String> = addresses.iter().filter_map(|address| path(address)).collect();
        if asked.is_empty() {
            return Ok(0);
        }
        let fleets = self.api.list("SGFleet", None, "").await?;
        let follows = |fleet: &&Object| fleet.text("/spec/source/git/url").and_then(path).is_some_and(|path| asked.contains(&path));
        let fleets: Vec<&Object> = fleets.iter().filter(follows).collect();
        let patch = json!({"metadata": {"annotations": {LOOK_AGAIN: now.to_string()}}});
        for fleet in &fleets {
            self.api.merge(&fleet.key(), &patch, MANAGER, None).await?;
        }
        Ok(fleets.len())
    }
}

/// The path of a repository, `owner/name`, from any form of its address.
fn path(address: &str) -> Option<String> {
    let rest = match address.split_once("://") {
        Some((_, rest)) => rest.split_once('/')?.1,
        // `user@host:path`, as SSH takes it; a folder has a slash before any colon.
        None => match address.split_once(':') {
            Some((host, path)) if !host.contains('/') => path,
            _ => address,
        },
    };
    let path = rest.trim_matches('/').to_lowercase();
    let path = path.strip_suffix(".git").unwrap_or(&path).to_owned();
    (!path.is_empty()).then_some(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A push would be seen late by a fleet whose address is written otherwise than the forge writes it.
    #[test]
    fn one_repository_has_many_addresses() {
        for address in [
            "https://example.org/shop/fleet.git",
            "https://example.org/shop/fleet",
            "https://forge.internal:8443/Shop/Fleet/",
            "ssh://git@example.org:2222/shop/fleet.git",
            "git@example.org:shop/fleet.git",
            "/shop/fleet.git",
        ] {
            assert_eq!(path(address).as_deref(), Some("shop/fleet"), "{address}");
        }
        assert_eq!(path("https://example.org/shop/fleet2").as_deref(), Some("shop/fleet2"));
        for nothing in ["", "https://example.org", "https://example.org/", "https://", "/"] {
            assert_eq!(path(nothing), None, "{nothing}");
        }
    }
}
