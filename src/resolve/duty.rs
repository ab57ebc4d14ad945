//! What an instance may do, by its ordinal.
//!
//! The first group has what the others leave of `instances` and the lowest ordinals; the others follow in their order. An ordinal
//! beyond belongs to the first group. Source: the published behaviour of the API this implements.

use super::effective::{Effective, Replication};
use serde_json::Value;

/// What one instance may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Duty {
    /// Position of its group, from 0.
    pub group: usize,
    /// Whether it never becomes the primary: Patroni's tag `nofailover`.
    pub nofailover: bool,
    /// Whether it serves no reads: Patroni's tag `noloadbalance`, and the pod label of that name.
    pub noloadbalance: bool,
}

impl Replication {
    /// Role and number of instances of each further group.
    pub fn further_groups(&self) -> impl DoubleEndedIterator<Item = (&str, u64)> {
        let groups = self.groups.as_array().into_iter().flatten();
        groups.map(|group| {
            let instances = group.get("instances").and_then(Value::as_f64).and_then(super::fill::to_u32).unwrap_or_default();
            (group.get("role").and_then(Value::as_str).unwrap_or("ha-read"), u64::from(instances))
        })
    }
}

impl Effective {
    /// What the instance of this ordinal may do.
    pub fn duty(&self, ordinal: u64) -> Duty {
        let mut end = u64::from(self.instances.value);
        let mut found = (0, self.replication.role.value.as_str());
        if ordinal < end {
            for (position, (role, instances)) in self.replication.further_groups().enumerate().collect::<Vec<_>>().into_iter().rev() {
                let begin = end.saturating_sub(instances);
                if (begin..end).contains(&ordinal) {
                    found = (position + 1, role);
                }
                end = begin;
            }
        }
        // A person's own tags hold for every instance; see `spec.configurations.patroni.initialConfig.tags`.
        let tag = |name: &str| self.patroni.pointer("/initialConfig/tags").and_then(|tags| tags.get(name)) == Some(&Value::Bool(true));
        Duty {
            group: found.0,
            nofailover: matches!(found.1, "readonly" | "none") || tag("nofailover"),
            noloadbalance: matches!(found.1, "ha" | "none") || tag("noloadbalance"),
        }
    }

    /// The duties of all instances, by ordinal.
    pub fn duties(&self) -> impl Iterator<Item = (u64, Duty)> {
        (0..u64::from(self.instances.value)).map(|ordinal| (ordinal, self.duty(ordinal)))
    }

    /// Whether the Service for reads must tell instances apart: some serve none.
    pub fn some_serve_no_reads(&self) -> bool {
        self.duty(u64::MAX).noloadbalance || self.duties().any(|(_, duty)| duty.noloadbalance)
    }

    /// How many instances may become the primary.
    pub fn candidates(&self) -> usize {
        self.duties().filter(|(_, duty)| !duty.nofailover).count()
    }

    /// The ordinal in the name of a pod.
    pub fn ordinal(&self, pod: &str) -> Option<u64> {
        pod.strip_prefix(self.cluster.name.as_str())?.strip_prefix('-')?.parse().ok()
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Inputs, Settings, effective};
    use crate::load::Manifest;
    use crate::model::Object;
    use serde_json::json;

    /// An ordinal that is counted wrong makes a primary of an instance that is kept back for reports, or the other way round.
    #[test]
    fn ordinals_belong_to_groups() {
        let groups = json!([{"role": "readonly", "instances": 2}, {"role": "none", "instances": 1}, {"role": "ha", "instances": 1}]);
        let cluster = |instances: u32, replication: serde_json::Value| {
            let object = json!({"apiVersion": "stackgres.io/v1", "kind": "SGCluster", "metadata": {"name": "a-1", "namespace": "n"},
                "spec": {"instances": instances, "postgres": {"version": "17"}, "replication": replication}});
            let cluster = Manifest::live(Object::new(object));
            let inputs = Inputs {
                cluster,
                instance_profile: None,
                postgres_config: None,
                pooling_config: None,
                scripts: Vec::new(),
                source: None,
                others: [].into(),
            };
            effective(&inputs, &Settings::default()).unwrap()
        };
        let found = cluster(6, json!({"groups": groups}));
        let duties: Vec<_> = found.duties().map(|(_, duty)| (duty.group, duty.nofailover, duty.noloadbalance)).collect();
        let first = (0, false, false);
        assert_eq!(duties, [first, first, (1, true, false), (1, true, false), (2, true, true), (3, false, true)]);
        assert_eq!(found.duty(6).group, 0, "one more for a while belongs to the first group");
        assert_eq!((found.candidates(), found.some_serve_no_reads()), (3, true));
        assert_eq!((found.ordinal("a-1-12"), found.ordinal("a-1-x"), found.ordinal("a-12")), (Some(12), None, None));
        let plain = cluster(3, json!({}));
        assert!(!plain.some_serve_no_reads() && plain.candidates() == 3);
        assert!(cluster(2, json!({"role": "ha"})).some_serve_no_reads());
        assert_eq!(
            cluster(2, json!({"groups": [{"role": "none", "instances": 9}]})).duty(0).group,
            1,
            "validation refuses it; nothing overflows"
        );
    }
}
