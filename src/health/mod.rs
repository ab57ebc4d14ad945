//! How the pods of a cluster are.
//!
//! In: live objects. Out: one reading of them. Invariant: what cannot be seen is unknown, never healthy.
//! Why: one reading of the facts for rollout, status and views.

mod certificate;
mod instance;
mod last_words;
mod trouble;

pub use certificate::{CertificateFacts, pair_problem, read_certificate, read_der, split_certificates};
pub use instance::{Instance, Role};
pub use last_words::last_words;

use crate::model::Object;

/// Bytes of WAL below which a replica counts as caught up: one segment. Positions are those of two heartbeats, up to `loop_wait`
/// apart, so a healthy replica shows what the primary writes in that time.
pub const CAUGHT_UP: u64 = 16 << 20;

/// The instances of a cluster as the API server shows them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Instances {
    /// Those whose pods exist, by name.
    pub existing: Vec<Instance>,
    /// PostgreSQL's own identity of the database, as Patroni noted it when it was made.
    pub system_identifier: Option<String>,
    /// Whether Patroni was told to stand still.
    pub paused: bool,
}

impl Instances {
    /// How many are ready.
    pub fn ready(&self) -> usize {
        self.existing.iter().filter(|instance| instance.ready).count()
    }

    /// The one that Patroni marked as primary.
    pub fn primary(&self) -> Option<&Instance> {
        self.existing.iter().find(|instance| instance.is_primary())
    }

    /// The one that the others follow: the primary, or the first instance of a standby cluster.
    pub fn leader(&self) -> Option<&Instance> {
        self.existing.iter().find(|instance| instance.leads())
    }

    /// Bytes of WAL that an instance has not replayed yet; `None` where a position is not known, and for the leader itself.
    pub fn lag(&self, instance: &Instance) -> Option<u64> {
        let leader = self.leader().filter(|leader| leader.name != instance.name)?;
        Some(leader.position?.saturating_sub(instance.position?))
    }

    /// The same in MiB. Below [`CAUGHT_UP`] it is none, and above it the next power of two: a status that changes with every
    /// record would be a write at every look.
    pub fn lag_mebibytes(&self, instance: &Instance) -> Option<u64> {
        let lag = self.lag(instance)?;
        Some(if lag < CAUGHT_UP { 0 } else { lag.checked_next_power_of_two().unwrap_or(u64::MAX) >> 20 })
    }
}

/// Patroni's dynamic configuration among objects of a cluster; null where it is not there or cannot be read.
pub fn dynamic_configuration<'a>(objects: impl IntoIterator<Item = &'a Object>) -> serde_json::Value {
    let text = objects.into_iter().find_map(|object| object.annotation("config").filter(|_| object.kind() == "Endpoints"));
    text.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default()
}

/// Reads the pods of a cluster, and what Patroni noted in its own objects. Source: Patroni 4.0.7, `dcs/kubernetes.py`: the
/// annotation `initialize` of the configuration object, `sync_standby` of the synchronous state.
pub fn instances<'a>(objects: impl IntoIterator<Item = &'a Object>) -> Instances {
    let mut instances = Instances::default();
    let mut synchronous = String::new();
    let mut lock: Option<String> = None;
    for object in objects {
        match object.kind() {
            "Pod" => instances.existing.push(Instance::read(object)),
            "Endpoints" => {
                let digits = |text: &&str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
                if let Some(identifier) = object.annotation("initialize").filter(digits) {
                    instances.system_identifier = Some(identifier.to_owned());
                }
                if let Some(configuration) = object.annotation("config") {
                    let configuration: serde_json::Value = serde_json::from_str(configuration).unwrap_or_default();
                    instances.paused = configuration["pause"] == true;
                }
                synchronous.push_str(object.annotation("sync_standby").unwrap_or_default());
                // Only the leader lock has a lifetime; the synchronous state and a wish to hand over name a leader as well.
                if object.annotation("ttl").is_some() {
                    lock = object.annotation("leader").map(str::to_owned);
                }
            }
            _ => {}
        }
    }
    for instance in &mut instances.existing {
        instance.synchronous = synchronous.split(',').any(|name| name.trim() == instance.name);
        // A primary that is cut off keeps its label; who holds the lock decides.
        if lock.as_ref().is_some_and(|lock| *lock != instance.name) && instance.leads() {
            instance.role = None;
        }
    }
    instances.existing.sort_by(|one, two| one.name.cmp(&two.name));
    instances
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_pod_without_a_condition_is_not_ready() {
        let pod = |name: &str, role: &str, ready: &str| {
            Object::new(
                json!({"kind": "Pod", "metadata": {"name": name, "labels": {"role": role}}, "status": {"conditions": [{"type": "Ready", "status": ready}]}}),
            )
        };
        let bare = Object::new(json!({"kind": "Pod", "metadata": {"name": "a-2"}}));
        let found = instances(&[pod("a-1", "replica", "False"), pod("a-0", "primary", "True"), bare]);
        assert_eq!(found.existing.iter().map(|instance| instance.name.as_str()).collect::<Vec<_>>(), ["a-0", "a-1", "a-2"]);
        assert_eq!(found.ready(), 1);
        assert_eq!(found.primary().map(|primary| primary.name.as_str()), Some("a-0"));
    }

    /// A node is cut off: the old primary's pod still says that it leads.
    #[test]
    fn the_lock_decides_who_leads() {
        let pod = |name: &str| Object::new(json!({"kind": "Pod", "metadata": {"name": name, "labels": {"role": "primary"}}}));
        let lock = Object::new(json!({"kind": "Endpoints", "metadata": {"name": "a", "annotations": {"leader": "a-1", "ttl": "30"}}}));
        let sync = Object::new(json!({"kind": "Endpoints", "metadata": {"name": "a-sync", "annotations": {"leader": "a-0"}}}));
        let found = instances(&[pod("a-0"), pod("a-1"), lock, sync]);
        assert_eq!(found.primary().map(|primary| primary.name.as_str()), Some("a-1"));
        assert_eq!(found.existing[0].role, None);
    }

    /// As Patroni 4.0.7 wrote them on a real cluster.
    #[test]
    fn patronis_notes_are_read() {
        let pod = |name: &str, role: &str, note: &str| {
            Object::new(
                json!({"kind": "Pod", "metadata": {"name": name, "labels": {"role": role}, "annotations": {"status": note}}, "spec": {"nodeName": "n"}}),
            )
        };
        let endpoints = |annotations: serde_json::Value| {
            Object::new(json!({"kind": "Endpoints", "metadata": {"name": "a-x", "annotations": annotations}}))
        };
        let mut found = instances(&[
            pod("a-0", "primary", r#"{"state":"running","role":"primary","version":"4.0.7","xlog_location":200000000,"timeline":1}"#),
            pod(
                "a-1",
                "replica",
                r#"{"state":"running","role":"replica","version":"4.0.7","xlog_location":83886176,"replication_state":"streaming","timeline":1,"pending_restart":true}"#,
            ),
            pod("a-2", "replica", "broken"),
            endpoints(json!({"initialize": "7712043812501438505", "config": "{\"pause\": true}"})),
            endpoints(json!({"leader": "a-0", "sync_standby": "a-1"})),
        ]);
        assert_eq!(found.system_identifier.as_deref(), Some("7712043812501438505"));
        assert!(found.paused);
        let lags: Vec<_> = found.existing.iter().map(|instance| found.lag(instance)).collect();
        assert_eq!(lags, [None, Some(116_113_824), None], "what is not known is no lag of zero");
        assert_eq!(
            found.existing[1].status(found.lag_mebibytes(&found.existing[1]), Some(1)),
            json!({"name": "a-1", "nodeName": "n", "primary": false, "ready": false, "role": "replica", "state": "streaming", "timeline": 1, "lagMebibytes": 128, "pendingRestart": true, "synchronous": true, "replicationGroup": 1})
        );
        found.existing[1].position = Some(190_000_000);
        assert_eq!(found.lag_mebibytes(&found.existing[1]), Some(0));
        assert_eq!(found.existing[2].status(None, None)["role"], "replica");
    }
}
