//! In which order instances are disturbed, how often, and what that comes to in words.
//!
//! DESIGN §8: replicas first, then one switchover (rule 6); hot-standby parameters by direction, and lowering them after a new
//! image (rule 7); one disturbance an instance, or the plan says why there are two (rule 5).

use super::effective::Moved;
use super::{Disturbance, Finding, Impact, InstanceImpact, Risk};
use std::collections::BTreeSet;

/// The effective value whose change moves data.
const CLASS: &str = "storage.storageClass";

/// One round over all instances.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Round {
    /// Replicas one by one, a switchover, the old primary.
    ReplicasFirst,
    /// The primary in place, then the replicas one by one.
    PrimaryFirst,
    /// The only instance, in place.
    Alone,
}

struct Change<'a> {
    before: u32,
    after: u32,
    name: &'a str,
    /// What stops instances.
    how: Disturbance,
    rounds: Vec<Round>,
    grows_first: bool,
    /// Whether the data of every instance move to a new volume.
    moves: bool,
}

pub(super) fn summarise(before: u32, after: u32, name: &str, moved: &Moved, findings: Vec<Finding>) -> Impact {
    let disturbances: BTreeSet<Disturbance> =
        findings.iter().map(|finding| finding.disturbance).filter(|disturbance| *disturbance != Disturbance::Nothing).collect();
    let mut risks: BTreeSet<Risk> = findings.iter().flat_map(|finding| finding.risks.iter().copied()).collect();
    let how = findings
        .iter()
        .map(|finding| finding.disturbance)
        .filter(|disturbance| matches!(disturbance, Disturbance::Restart | Disturbance::PodRecreation))
        .max()
        .unwrap_or(Disturbance::Nothing);
    let moves = findings.iter().any(|finding| finding.subject == CLASS && finding.disturbance == Disturbance::PodRecreation);
    let rounds = rounds(before, after, how, moved, moves);
    let grows_first = before == 1 && (after > 1 || moves) && rounds == [Round::ReplicasFirst];
    let change = Change { before, after, name, how, rounds, grows_first, moves };
    if risks.contains(&Risk::Refused) {
        return Impact { findings, disturbance: Disturbance::Nothing, ..Impact::nothing("") }.refused();
    }
    if change.rounds.iter().any(|round| *round != Round::ReplicasFirst) {
        risks.insert(Risk::Availability);
    }
    Impact {
        disturbance: disturbances.last().copied().unwrap_or(Disturbance::Nothing),
        rounds: u32::try_from(change.rounds.len()).unwrap_or(u32::MAX),
        switchovers: change.switchovers(),
        risks,
        summary: change.summary(&disturbances, &findings),
        instances: change.instances(),
        notes: change.notes(moved),
        disturbances,
        findings,
    }
}

fn rounds(before: u32, after: u32, how: Disturbance, moved: &Moved, moves: bool) -> Vec<Round> {
    let lowers = !moved.lowered.is_empty();
    if how == Disturbance::Nothing {
        Vec::new()
    } else if !moves && (before.max(after) == 1 || (before == 1 && lowers)) {
        // With one instance there is no standby to have less than its primary.
        vec![Round::Alone]
    } else if lowers && (how == Disturbance::PodRecreation || !moved.raised.is_empty()) {
        vec![Round::ReplicasFirst, Round::PrimaryFirst]
    } else if lowers {
        vec![Round::PrimaryFirst]
    } else {
        vec![Round::ReplicasFirst]
    }
}

impl Change<'_> {
    /// Planned ones. Where only an extra instance can take over, it hands back before it leaves.
    fn switchovers(&self) -> u32 {
        let back = self.moves && self.after == 1;
        if self.rounds.contains(&Round::ReplicasFirst) { 1 + u32::from(back) } else { 0 }
    }

    /// Whether one more joins for the time of the move; where instances leave anyway, one of them is that one.
    const fn has_extra(&self) -> bool {
        self.moves && self.before <= self.after
    }

    fn summary(&self, disturbances: &BTreeSet<Disturbance>, findings: &[Finding]) -> String {
        let how = self.how;
        let risky = findings.iter().any(|finding| !finding.risks.is_empty());
        if self.before == 0 {
            return match self.after {
                0 => "nothing runs, and nothing starts".to_owned(),
                1 => "the cluster starts: 1 instance on the volume it had".to_owned(),
                after => format!("the cluster starts: {after} instances on the volumes they had"),
            };
        }
        if self.after == 0 {
            return "the cluster stops: no reads and no writes until instances is raised again; its volumes and Secrets stay".to_owned();
        }
        let mut parts = vec![match self.rounds.as_slice() {
            [Round::Alone] if self.after > 1 => {
                format!("{how} of the only instance before the others come; reads and writes stop meanwhile")
            }
            [Round::Alone] => format!("{how}; with one instance, reads and writes stop meanwhile"),
            [Round::ReplicasFirst] if self.moves && self.after == 1 => {
                format!("{how} on a new volume, behind an extra instance that takes over meanwhile: two switchovers")
            }
            [Round::ReplicasFirst] if self.grows_first => {
                format!("the new instances come first, one switchover, then {how} of the old one")
            }
            [Round::ReplicasFirst] if self.moves && !self.has_extra() => {
                format!("{how} of every instance on a new volume, one that leaves first, then the replicas, one switchover")
            }
            [Round::ReplicasFirst] if self.moves => {
                format!("an extra instance first, then {how} of every instance on a new volume, replicas first, one switchover")
            }
            [Round::ReplicasFirst] => format!("{how} of every instance, replicas first, one switchover"),
            [Round::PrimaryFirst] => {
                format!("{how} of every instance, the primary first and in place: writes stop meanwhile; no switchover")
            }
            [] if self.after < self.before => {
                let leaving = self.before - self.after;
                format!(
                    "{leaving} {}; the sessions on {} end",
                    plural(leaving, "instance leaves", "instances leave"),
                    plural(leaving, "it", "them")
                )
            }
            // The step itself disturbs nobody; what it leads to may.
            [] if disturbances.contains(&Disturbance::Resize) => {
                "processor and memory change in the running pods; nothing restarts where the nodes can do it".to_owned()
            }
            [] if disturbances.contains(&Disturbance::Reload) && risky => "reload: nothing restarts, but see what is at risk".to_owned(),
            [] if disturbances.contains(&Disturbance::Reload) => "reload, no connection is lost".to_owned(),
            [] if risky => "nothing restarts, but see what is at risk".to_owned(),
            [] => "nothing that runs notices".to_owned(),
            _ => format!("{how} of every instance, replicas first, one switchover; then a restart of every instance, the primary first"),
        }];
        if !self.rounds.is_empty() && self.after < self.before {
            let leaving = self.before - self.after;
            parts.push(format!("{leaving} {} last", plural(leaving, "instance leaves", "instances leave")));
        }
        let touches = |subject: &str| findings.iter().any(|finding| finding.subject == subject);
        if touches("storage.size") {
            parts.push("the volumes grow".to_owned());
        }
        if self.moves {
            parts.push(format!("the data are copied {} times, and the old volumes are kept", self.after + 1));
        } else if touches(CLASS) {
            parts.push("only new volumes take the other storage class".to_owned());
        }
        parts.join("; ")
    }

    fn instances(&self) -> Vec<InstanceImpact> {
        let entry =
            |instance: &str, disturbance: Disturbance, note: String| InstanceImpact { instance: instance.to_owned(), disturbance, note };
        let mut entries = Vec::new();
        if self.after == 0 && self.before > 0 {
            if self.before > 1 {
                entries.push(entry("each replica", Disturbance::PodRemoval, "stops; its sessions end".to_owned()));
            }
            entries.push(entry("primary", Disturbance::PodRemoval, "stops last, after a checkpoint".to_owned()));
            return entries;
        }
        if self.before == 0 {
            return entries;
        }
        let joins: Vec<InstanceImpact> = (self.before..self.after)
            .map(|ordinal| {
                let note = if self.moves {
                    "joins on a volume of the new class, before any other gives its own up"
                } else if self.grows_first {
                    "joins as a replica, with the new settings"
                } else {
                    "joins as a replica"
                };
                entry(&format!("{}-{ordinal}", self.name), Disturbance::Nothing, note.to_owned())
            })
            .collect();
        let first = self.grows_first || self.moves;
        if first {
            entries.extend(joins.iter().cloned());
        }
        if self.has_extra() {
            let note = "one more: joins on a volume of the new class, before any other gives its own up, and leaves at the end";
            entries.push(entry(&format!("{}-{}", self.name, self.after), Disturbance::Nothing, note.to_owned()));
        }
        let how = self.how;
        for (index, round) in self.rounds.iter().enumerate() {
            let again = if index == 0 { "" } else { "second round: " };
            let how = if index == 0 { how } else { Disturbance::Restart };
            match round {
                Round::Alone => {
                    entries.push(entry("primary", how, "stops after a checkpoint and comes back".to_owned()));
                }
                Round::ReplicasFirst => {
                    if !self.grows_first {
                        let note = if self.moves {
                            "one at a time, on a new volume; the next only when it has copied the data, streams and has replayed everything"
                        } else {
                            "one at a time; the next only when it streams and has replayed what the primary wrote"
                        };
                        entries.push(entry("each replica", how, note.to_owned()));
                    }
                    let to = if self.grows_first { "a new instance" } else { "a caught-up replica" };
                    entries.push(entry("primary", Disturbance::Switchover, format!("hands over to {to}, then {how}")));
                }
                Round::PrimaryFirst => {
                    let note = "first and in place: stops after a checkpoint and comes back with the lower value";
                    entries.push(entry("primary", how, format!("{again}{note}")));
                    let note = "one at a time; only when it has replayed the lower value and its own restartpoint lies past it";
                    entries.push(entry("each replica", how, format!("{again}{note}")));
                }
            }
        }
        if !first {
            entries.extend(joins);
        }
        for ordinal in self.after..self.before {
            let note = "leaves, and its sessions end; were it the primary, a switchover would come first; its volume stays";
            entries.push(entry(&format!("{}-{ordinal}", self.name), Disturbance::PodRemoval, note.to_owned()));
        }
        entries
    }

    fn notes(&self, moved: &Moved) -> Vec<String> {
        let mut notes = Vec::new();
        if self.rounds.len() > 1 {
            let after = match (self.how == Disturbance::PodRecreation, moved.raised.is_empty()) {
                (true, _) => "the new pods run".to_owned(),
                (false, _) => format!("{} {} raised everywhere", moved.raised.join(", "), plural_of(&moved.raised, "is", "are")),
            };
            notes.push(format!(
                "every instance is disturbed twice: {} may go down only after {after}, primary first, because a standby must never have less than its primary",
                moved.lowered.join(", ")
            ));
        }
        if self.rounds == [Round::PrimaryFirst] {
            notes.push(format!(
                "no switchover spares the writers: a replica that took over would still have the higher {}, and the old primary could not follow it",
                moved.lowered.join(", ")
            ));
        }
        if self.grows_first && self.after > 1 {
            notes.push(format!(
                "growing first avoids an outage: a new instance takes over before {}-0 stops; the data are copied before that",
                self.name
            ));
        }
        if self.has_extra() {
            notes.push("the nodes and the new storage class need room for one instance more meanwhile".to_owned());
        }
        if self.moves {
            notes.push(format!(
                "the old volumes are told to stay (reclaim policy Retain): kubectl get persistentvolumes -l stackgres.io/replaced=true,stackgres.io/cluster-name={}; set their policy to Delete to be rid of them and of their data",
                self.name
            ));
        }
        if self.rounds == [Round::Alone] && self.after > 1 {
            notes.push(format!(
                "growing first would not avoid the outage: a new replica may not start with a lower {} than its primary has",
                moved.lowered.join(", ")
            ));
        }
        notes
    }
}

fn plural(count: u32, one: &'static str, more: &'static str) -> &'static str {
    if count == 1 { one } else { more }
}

fn plural_of(list: &[String], one: &'static str, more: &'static str) -> &'static str {
    if list.len() == 1 { one } else { more }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(before: u32, after: u32, findings: &[(Disturbance, &str)], raised: &[&str], lowered: &[&str]) -> Impact {
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        let moved = Moved { raised: names(raised), lowered: names(lowered) };
        summarise(
            before,
            after,
            "a",
            &moved,
            findings.iter().map(|(disturbance, subject)| Finding::new(*disturbance, *subject, "")).collect(),
        )
    }

    fn first(impact: &Impact) -> &str {
        impact.instances.first().map_or("", |entry| entry.instance.as_str())
    }

    /// Rules 5 to 7: a standby that has less than its primary had stops and does not come back.
    #[test]
    fn hot_standby_parameters_go_by_direction() {
        let restart = [(Disturbance::Restart, "p")];
        let raised = judged(3, 3, &restart, &["max_connections"], &[]);
        assert_eq!((raised.rounds, raised.switchovers, first(&raised)), (1, 1, "each replica"));
        let lowered = judged(3, 3, &restart, &[], &["max_connections"]);
        assert_eq!((lowered.rounds, lowered.switchovers, first(&lowered)), (1, 0, "primary"));
        assert!(lowered.summary.contains("primary first") && lowered.risks.contains(&Risk::Availability), "{lowered:?}");
        let mixed = judged(3, 3, &restart, &["max_wal_senders"], &["max_connections"]);
        assert_eq!((mixed.rounds, mixed.switchovers, first(&mixed)), (2, 1, "each replica"));
        assert!(mixed.notes[0].contains("max_connections may go down only after max_wal_senders is raised"), "{mixed:?}");
        let image = judged(3, 3, &[(Disturbance::Restart, "p"), (Disturbance::PodRecreation, "image")], &[], &["max_connections"]);
        assert_eq!((image.rounds, image.switchovers), (2, 1));
        assert!(image.notes[0].contains("after the new pods run") && image.summary.contains("then a restart"), "{image:?}");
        let alone = judged(1, 1, &restart, &[], &["max_connections"]);
        assert_eq!((alone.rounds, alone.switchovers), (1, 0));
        assert!(!alone.summary.contains("replica") && !format!("{:?}", alone.notes).contains("replica"), "{alone:?}");
    }

    #[test]
    fn storage_hides_nothing_and_is_not_hidden() {
        let both = judged(3, 3, &[(Disturbance::PodRecreation, "image"), (Disturbance::Storage, "storage.size")], &[], &[]);
        assert_eq!(both.disturbance, Disturbance::PodRecreation);
        assert!(both.disturbances.contains(&Disturbance::Storage) && both.summary.ends_with("; the volumes grow"), "{both:?}");
        let class = judged(3, 3, &[(Disturbance::Storage, "storage.storageClass")], &[], &[]);
        assert_eq!(class.summary, "nothing that runs notices; only new volumes take the other storage class");
        let moves = |before, after| judged(before, after, &[(Disturbance::PodRecreation, CLASS)], &[], &[]);
        let three = moves(3, 3);
        assert!(three.summary.starts_with("an extra instance first") && three.summary.contains("copied 4 times"), "{three:?}");
        assert_eq!((first(&three), three.switchovers), ("a-3", 1));
        let alone = moves(1, 1);
        assert_eq!((first(&alone), alone.switchovers, alone.rounds), ("a-1", 2, 1), "it hands back before it leaves");
        assert!(!alone.risks.contains(&Risk::Availability) && alone.summary.contains("behind an extra instance"), "{alone:?}");
        let fewer = moves(3, 2);
        assert!(fewer.instances.iter().all(|entry| entry.instance != "a-3"), "the one that leaves is the extra one: {fewer:?}");
    }

    #[test]
    fn numbers_of_instances() {
        let stop = judged(1, 0, &[(Disturbance::PodRemoval, "instances")], &[], &[]);
        assert!(stop.summary.starts_with("the cluster stops") && stop.disturbance == Disturbance::PodRemoval, "{stop:?}");
        let fewer = judged(3, 2, &[(Disturbance::PodRemoval, "instances")], &[], &[]);
        assert_eq!(fewer.summary, "1 instance leaves; the sessions on it end");
        assert_eq!(fewer.instances[0].instance, "a-2");
        let grow = judged(1, 3, &[(Disturbance::PodRecreation, "image"), (Disturbance::Nothing, "instances")], &[], &[]);
        assert_eq!((grow.switchovers, first(&grow)), (1, "a-1"));
        assert!(!grow.risks.contains(&Risk::Availability) && grow.notes[0].contains("growing first"), "{grow:?}");
        let lower = judged(1, 3, &[(Disturbance::Restart, "p")], &[], &["max_connections"]);
        assert!(lower.risks.contains(&Risk::Availability) && lower.notes[0].contains("would not avoid"), "{lower:?}");
        assert!(judged(0, 2, &[], &[], &[]).summary.starts_with("the cluster starts"));
    }
}
