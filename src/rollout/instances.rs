//! The next step towards another number of instances.
//!
//! The StatefulSet controller takes the highest ordinals away, whether the primary is among them or not; so the number is lowered
//! only when the primary is one of those that stay, and otherwise it hands over first. To stop, all but the first instance go,
//! and then the first, which leads: on the way back it starts alone, so that no replica that lacks its last commits can win the
//! election (DESIGN §8, rules 6 and 15; dba-rules 15).

use super::cluster::Wait;
use crate::health::{Instance, Instances};

/// What to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Scale {
    /// This many instances may be asked for now.
    To(u64),
    /// The primary hands over before any instance goes.
    HandOver {
        /// Pod that leads.
        leader: String,
        /// Pod that shall lead.
        candidate: String,
    },
    /// Something must happen first; the number stays.
    Wait(Wait),
}

/// The next step from `live` instances to `wanted`, for the cluster `name`.
///
/// `barred` tells ordinals that never become the primary.
pub(super) fn scale(name: &str, live: u64, wanted: u64, seen: &Instances, barred: impl Fn(u64) -> bool) -> Scale {
    let wait = |what: String, ends: &str| Scale::Wait(Wait { what, ends: ends.to_owned() });
    let leads = seen.existing.iter().find(|instance| instance.leads());
    if wanted > live {
        return match live {
            // On volumes that hold data the first instance, which led when the cluster stopped, starts alone.
            0 => Scale::To(1),
            1 if !leads.is_some_and(|leader| leader.ready) => wait(
                format!("{live} → {wanted} instances: the first one must lead before others follow"),
                "the first instance is ready and leads",
            ),
            _ => Scale::To(wanted),
        };
    }
    if wanted == live {
        return Scale::To(live);
    }
    // The last one goes only when it is alone.
    let stay = wanted.max(1);
    let ordinal = |instance: &Instance| instance.name.strip_prefix(name)?.strip_prefix('-')?.parse::<u64>().ok();
    if live > stay {
        let Some(leader) = leads else {
            return wait(format!("{live} → {wanted} instances: none leads, so it is not known which may go"), "an instance leads");
        };
        let on_the_way_out = ordinal(leader).is_none_or(|ordinal| ordinal >= stay || wanted == 0 && ordinal != 0);
        if !on_the_way_out {
            return Scale::To(stay);
        }
        return match successor(leader, seen, |instance| ordinal(instance).filter(|ordinal| *ordinal < stay && !barred(*ordinal))) {
            Ok(candidate) => Scale::HandOver { leader: leader.name.clone(), candidate },
            Err(ends) => wait(
                format!("{live} → {wanted} instances: {} leads and would go, and none of those that stay can take over", leader.name),
                ends,
            ),
        };
    }
    // From one to none.
    if seen.existing.len() > 1 {
        return wait(format!("{live} → {wanted} instances: the others must have ended"), "their pods are gone");
    }
    Scale::To(0)
}

/// The instance that takes over from `leader`: of those with a rank the first that has everything, and that Patroni would take. An
/// error says what would make one fit.
pub(super) fn successor(leader: &Instance, seen: &Instances, rank: impl Fn(&Instance) -> Option<u64>) -> Result<String, &'static str> {
    let synchronous = seen.existing.iter().any(|instance| instance.synchronous);
    let fit = seen
        .existing
        .iter()
        .filter(|instance| instance.name != leader.name && !instance.nofailover)
        .filter(|instance| instance.ready && instance.does() == Some("streaming") && instance.timeline == leader.timeline)
        .filter(|instance| seen.lag_mebibytes(instance) == Some(0) && (!synchronous || instance.synchronous));
    match fit.filter_map(|instance| Some((rank(instance)?, instance))).min_by_key(|(rank, _)| *rank) {
        Some((_, candidate)) => Ok(candidate.name.clone()),
        None if synchronous => Err("one of them is synchronous, streams and has caught up"),
        None => Err("one of them streams and has caught up"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::health::Role;

    fn seen(primary: usize, count: usize) -> Instances {
        let one = |index: usize| Instance {
            name: format!("a-{index}"),
            ready: true,
            role: Some(if index == primary { Role::Primary } else { Role::Replica }),
            state: Some("running".to_owned()),
            replication: (index != primary).then(|| "streaming".to_owned()),
            timeline: Some(3),
            position: Some(100),
            ..Instance::default()
        };
        Instances { existing: (0..count).map(one).collect(), ..Instances::default() }
    }

    fn scale(name: &str, live: u64, wanted: u64, seen: &Instances) -> Scale {
        super::scale(name, live, wanted, seen, |_| false)
    }

    fn waits(scale: &Scale) -> bool {
        matches!(scale, Scale::Wait(_))
    }

    #[test]
    fn more_instances() {
        assert_eq!(scale("a", 2, 5, &seen(0, 2)), Scale::To(5));
        assert_eq!(scale("a", 1, 3, &seen(0, 1)), Scale::To(3));
        // From a stop: the first one alone, the rest when it leads.
        assert_eq!(scale("a", 0, 3, &Instances::default()), Scale::To(1));
        assert!(waits(&scale("a", 1, 3, &seen(7, 1))), "the first instance does not lead yet");
    }

    /// The primary among those that go would be a failover nobody planned.
    #[test]
    fn the_primary_never_goes() {
        assert_eq!(scale("a", 3, 2, &seen(0, 3)), Scale::To(2));
        assert_eq!(scale("a", 3, 2, &seen(1, 3)), Scale::To(2));
        let hand_over = |leader: &str, candidate: &str| Scale::HandOver { leader: leader.to_owned(), candidate: candidate.to_owned() };
        assert_eq!(scale("a", 3, 2, &seen(2, 3)), hand_over("a-2", "a-0"));
        assert_eq!(scale("a", 3, 1, &seen(1, 3)), hand_over("a-1", "a-0"));
        assert!(waits(&scale("a", 3, 2, &seen(7, 3))), "none leads");
    }

    #[test]
    fn who_takes_over_has_everything() {
        let with = |change: fn(&mut Instance)| {
            let mut seen = seen(2, 3);
            change(&mut seen.existing[0]);
            scale("a", 3, 2, &seen)
        };
        let second = Scale::HandOver { leader: "a-2".to_owned(), candidate: "a-1".to_owned() };
        assert_eq!(with(|first| first.ready = false), second);
        assert_eq!(with(|first| first.timeline = Some(2)), second);
        assert_eq!(with(|first| first.position = None), second);
        assert_eq!(with(|first| first.replication = None), second);
        let mut synchronous = seen(2, 3);
        synchronous.existing[1].synchronous = true;
        assert_eq!(scale("a", 3, 2, &synchronous), second, "only a synchronous one has every commit");
        assert!(waits(&scale("a", 3, 1, &synchronous)), "the only one that stays is not synchronous");
    }

    /// Patroni would refuse the one, and take the role away from the other again.
    #[test]
    fn who_takes_over_may_lead() {
        let mut seen = seen(2, 3);
        let second = Scale::HandOver { leader: "a-2".to_owned(), candidate: "a-1".to_owned() };
        assert_eq!(super::scale("a", 3, 2, &seen, |ordinal| ordinal == 0), second, "its role bars it");
        seen.existing[0].nofailover = true;
        assert_eq!(scale("a", 3, 2, &seen), second, "Patroni still knows it as one that never leads");
    }

    /// The last one to stop has every commit, and is the first to start.
    #[test]
    fn a_stop_ends_with_the_first_instance() {
        assert_eq!(scale("a", 3, 0, &seen(0, 3)), Scale::To(1));
        assert_eq!(scale("a", 3, 0, &seen(1, 3)), Scale::HandOver { leader: "a-1".to_owned(), candidate: "a-0".to_owned() });
        assert!(waits(&scale("a", 1, 0, &seen(0, 2))), "the second is still ending");
        assert_eq!(scale("a", 1, 0, &seen(0, 1)), Scale::To(0));
        assert_eq!(scale("a", 1, 0, &Instances::default()), Scale::To(0), "a single one that does not run can be stopped");
    }
}
