//! What a change of the replication does to acknowledged commits and to writers.

use super::{Disturbance, Finding, Risk};
use crate::resolve::{Duty, Effective, ReplicateFrom};

/// What commits wait for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Promise {
    synchronous: bool,
    strict: bool,
    /// Standbys each commit waits for.
    count: u32,
    /// Standbys that may be away before a commit waits.
    spare: u32,
}

fn promise(mode: &str, sync_instances: u32, instances: u32) -> Promise {
    let all = mode.ends_with("sync-all");
    let synchronous = mode.contains("sync") && mode != "async" && (!all || instances > 1);
    let standbys = instances.saturating_sub(1);
    let count = match (synchronous, all) {
        (false, _) => 0,
        (true, true) => standbys,
        (true, false) => sync_instances.min(standbys),
    };
    Promise { synchronous, strict: synchronous && mode.starts_with("strict"), count, spare: standbys.saturating_sub(count) }
}

/// Findings of mode, number of synchronous standbys and number of instances together: each alone says too little.
pub(super) fn findings(old: &Effective, new: &Effective) -> Vec<Finding> {
    let (before, after) = (&old.replication, &new.replication);
    let subject = if before.mode.value != after.mode.value {
        "replication.mode"
    } else if before.sync_instances.value != after.sync_instances.value {
        "replication.syncInstances"
    } else {
        "instances"
    };
    let was = promise(&before.mode.value, before.sync_instances.value, old.instances.value);
    let is = promise(&after.mode.value, after.sync_instances.value, new.instances.value);
    let mut findings = Vec::new();
    if old.instances.value > 0 && new.instances.value > 0 {
        findings.extend(judge(subject, was, is));
    }
    for (name, differs) in [
        ("replication.mode", before.mode.value != after.mode.value),
        ("replication.syncInstances", before.sync_instances.value != after.sync_instances.value),
    ] {
        if differs && !findings.iter().any(|finding| finding.subject == name) {
            let none = name == "replication.syncInstances" && !was.synchronous && !is.synchronous;
            let reason = if none { "no effect: no commit waits for a standby" } else { "Patroni applies it without a restart" };
            findings.push(Finding::new(if none { Disturbance::Nothing } else { Disturbance::Reload }, name, reason));
        }
    }
    findings.extend(duties(old, new));
    findings.extend(source(old, new));
    findings
}

/// A standby cluster that gets another source, or none.
fn source(old: &Effective, new: &Effective) -> Option<Finding> {
    let name = |source: &ReplicateFrom| source.cluster.clone().unwrap_or_else(|| format!("{}:{}", source.host, source.port));
    let finding = |reason: String| Finding::new(Disturbance::Reload, "replicateFrom", reason);
    match (&old.replicate_from, &new.replicate_from) {
        (Some(was), None) => Some(
            finding(format!(
                "PROMOTION: the standby cluster leaves its source {0} and takes writes of its own; what {0} has committed and not sent is not here, and there is no way back",
                name(was)
            ))
            .risk(Risk::Durability),
        ),
        (None, Some(is)) => Some(
            finding(format!("the cluster would follow {}, and what it holds would be lost: make a new cluster instead", name(is)))
                .risk(Risk::Data)
                .risk(Risk::Refused),
        ),
        (Some(was), Some(is)) if (&was.host, was.port) != (&is.host, is.port) => Some(
            finding(format!(
                "it follows {} instead of {}: only the same database can be followed, one that descends from this one's past",
                name(is),
                name(was)
            ))
            .risk(Risk::Availability),
        ),
        (Some(was), Some(is)) if was != is => {
            Some(Finding::new(Disturbance::Reload, "replicateFrom", "the source's credentials are taken from the Secrets that are named now"))
        }
        _ => None,
    }
}

/// Which instances may lead and which serve reads: what a new role, a group or another number of instances makes of them.
fn duties(old: &Effective, new: &Effective) -> Vec<Finding> {
    let (before, after) = (&old.replication, &new.replication);
    let subject = if before.groups != after.groups {
        "replication.groups"
    } else if before.role.value != after.role.value {
        "replication.role"
    } else {
        // The groups have the highest ordinals, which another number of instances moves.
        "replication.groups"
    };
    let stay = u64::from(old.instances.value.min(new.instances.value));
    let those = |differs: &dyn Fn(&Duty, &Duty) -> bool| -> Vec<String> {
        let both = (0..stay).map(|ordinal| (ordinal, old.duty(ordinal), new.duty(ordinal)));
        both.filter(|(_, was, is)| differs(was, is)).map(|(ordinal, ..)| format!("{}-{ordinal}", new.cluster.name)).collect()
    };
    let mut reasons = Vec::new();
    let mut tell = |names: Vec<String>, what: &str| {
        if !names.is_empty() {
            reasons.push(format!("{what}: {}", names.join(", ")));
        }
    };
    tell(those(&|was, is| !was.nofailover && is.nofailover), "never the primary from now on, and one that is hands over first");
    tell(those(&|was, is| was.nofailover && !is.nofailover), "may become the primary from now on");
    tell(those(&|was, is| !was.noloadbalance && is.noloadbalance), "no reads from now on, though open sessions stay");
    tell(those(&|was, is| was.noloadbalance && !is.noloadbalance), "reads from now on");
    let lost = new.instances.value > 1 && new.candidates() == 1 && old.candidates() > 1;
    if lost {
        reasons.push("no failover is left: one instance may become the primary, and no other".to_owned());
    }
    let words = before.groups != after.groups || before.role.value != after.role.value;
    if reasons.is_empty() {
        return if words {
            vec![Finding::new(Disturbance::Nothing, subject, "no instance that stays has another duty")]
        } else {
            Vec::new()
        };
    }
    let finding = Finding::new(Disturbance::Reload, subject, reasons.join("; "));
    vec![if lost { finding.risk(Risk::Availability) } else { finding }]
}

fn judge(subject: &str, was: Promise, is: Promise) -> Option<Finding> {
    if was == is {
        return None;
    }
    let mut reasons = Vec::new();
    let mut risks = Vec::new();
    if was.synchronous && !is.synchronous {
        reasons.push("commits no longer wait for a standby: a failover may lose the last ones".to_owned());
        risks.push(Risk::Durability);
    } else if was.strict && !is.strict {
        reasons.push("without a standby commits go on alone: a failover may then lose them".to_owned());
        risks.push(Risk::Durability);
    } else if is.count < was.count {
        reasons.push(format!("commits wait for {} instead of {} standbys", is.count, was.count));
        risks.push(Risk::Durability);
    }
    if is.strict && is.spare == 0 && (was.spare > 0 || !was.strict || was.count != is.count) {
        reasons.push(
            "every standby must confirm: one that fails stops writes until Patroni finds another or takes it off its list".to_owned(),
        );
        risks.push(Risk::Availability);
    } else if is.strict && !was.strict {
        reasons.push("writes stop whenever no synchronous standby is there".to_owned());
        risks.push(Risk::Availability);
    }
    if !was.synchronous && is.synchronous && risks.is_empty() {
        reasons.push("commits wait for a standby, so each takes at least one round trip longer".to_owned());
    }
    if reasons.is_empty() {
        return None;
    }
    let mut finding = Finding::new(Disturbance::Reload, subject, reasons.join("; "));
    finding.risks.extend(risks);
    Some(finding)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn promises_to_clients() {
        for ((mode, count, instances), (new_mode, new_count, new_instances), risks, reason) in [
            (("strict-sync", 1, 3), ("sync", 1, 3), vec![Risk::Durability], "go on alone"),
            (("sync", 1, 3), ("async", 1, 3), vec![Risk::Durability], "no longer wait"),
            (("strict-sync", 1, 3), ("strict-sync", 2, 3), vec![Risk::Availability], "every standby"),
            (("strict-sync", 1, 4), ("strict-sync", 2, 4), vec![], ""),
            (("strict-sync", 2, 4), ("strict-sync", 1, 4), vec![Risk::Durability], "1 instead of 2"),
            (("async", 1, 3), ("strict-sync", 1, 3), vec![Risk::Availability], "writes stop"),
            (("async", 1, 3), ("sync", 1, 3), vec![], "round trip"),
            (("strict-sync", 1, 3), ("strict-sync", 1, 2), vec![Risk::Availability], "every standby"),
            (("strict-sync-all", 1, 2), ("strict-sync-all", 1, 1), vec![Risk::Durability], "no longer wait"),
            (("async", 1, 3), ("async", 1, 2), vec![], ""),
        ] {
            let found = judge("x", promise(mode, count, instances), promise(new_mode, new_count, new_instances));
            let seen: Vec<Risk> = found.iter().flat_map(|finding| finding.risks.iter().copied()).collect();
            assert_eq!(seen, risks, "{mode} {count}/{instances} to {new_mode} {new_count}/{new_instances}: {found:?}");
            assert!(found.map_or_else(String::new, |finding| finding.reason).contains(reason));
        }
    }
}
