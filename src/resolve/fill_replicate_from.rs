//! Where a standby cluster finds its source, and whose users it has.

use super::effective::ReplicateFrom;
use super::inputs::Inputs;
use serde_json::Value;
use std::collections::BTreeMap;

/// Built-in users and the entries that each has in a cluster's Secret.
const USERS: [&str; 3] = ["superuser", "replication", "authenticator"];

/// Port of a cluster's primary Service that leads past the pooler.
const DIRECT: u16 = 5433;

/// Each entry of the cluster's Secret that comes from elsewhere: Secret and key there.
fn entries(from: impl Fn(&str, &str) -> Option<(String, String)>) -> BTreeMap<String, (String, String)> {
    let both = USERS.into_iter().flat_map(|user| ["username", "password"].map(|what| (user, what)));
    both.filter_map(|(user, what)| Some((format!("{user}-{what}"), from(user, what)?))).collect()
}

/// The source, if the cluster has one.
pub(super) fn replicate_from(inputs: &Inputs, cluster_domain: &str) -> Option<ReplicateFrom> {
    let cluster = &inputs.cluster.object;
    if let Some(name) = cluster.text("/spec/replicateFrom/instance/sgCluster") {
        let scope = inputs.source.as_ref().and_then(|source| source.object.text("/spec/configurations/patroni/initialConfig/scope"));
        let namespace = cluster.namespace().unwrap_or_default();
        return Some(ReplicateFrom {
            // The Service whose address is that of the leader, so that a switchover of the source is followed.
            host: format!("{}.{namespace}.svc.{cluster_domain}", scope.unwrap_or(name)),
            port: DIRECT,
            cluster: Some(name.to_owned()),
            credentials: entries(|user, what| Some((name.to_owned(), format!("{user}-{what}")))),
        });
    }
    let external = cluster.get("/spec/replicateFrom/instance/external")?;
    Some(ReplicateFrom {
        host: external.get("host")?.as_str()?.to_owned(),
        port: external.get("port").and_then(Value::as_f64).and_then(super::fill::to_u32).and_then(|port| u16::try_from(port).ok())?,
        cluster: None,
        credentials: entries(|user, what| {
            let selector = cluster.get(&format!("/spec/replicateFrom/users/{user}/{what}"))?;
            Some((selector.get("name")?.as_str()?.to_owned(), selector.get("key")?.as_str()?.to_owned()))
        }),
    })
}
