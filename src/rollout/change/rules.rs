//! The rules, as data: name, reason, and whether they are kept.
//!
//! A program that runs a cluster keeps all of them. The simulation breaks one at a time and has to find out: a rule whose absence
//! nobody notices is a rule that nobody tests.

/// One rule of DESIGN §8.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Rule {
    /// Rule 1.
    TemplateWaitsForPermission,
    /// Rule 1.
    StopGoesBackToLastGood,
    /// Rule 2.
    OneAtATime,
    /// Rule 2.
    DownInstanceIsRepairedFirst,
    /// Rule 2.
    MomentIsNotDown,
    /// Rule 2.
    CutOffIsLeftAlone,
    /// Rule 4.
    ImageBeforeItsConfiguration,
    /// Rule 5.
    OneDisturbanceEach,
    /// Rule 6.
    ReplicasFirst,
    /// Rule 6.
    CaughtUpBeforeTheNext,
    /// Rule 6.
    StaysUpBeforeTheNext,
    /// Rule 6.
    SynchronousStandbyIsReplacedFirst,
    /// Rule 7.
    RaisedOnReplicasFirst,
    /// Rule 7.
    LoweredOnPrimaryFirst,
    /// Rule 7.
    RestartpointPastTheLowering,
    /// Rule 7.
    NoteIsOfThisLeader,
    /// Rule 7.
    SourceWritesTheParameters,
    /// Rule 7.
    SourceHoldsTheBound,
    /// Rule 6.
    VolumeIsSpared,
    /// Rule 8.
    RestartBringsTheConfiguration,
    /// Rule 8.
    AlterSystemIsNotAwaited,
    /// Rule 9.
    CandidateFits,
    /// Rule 9.
    SlotsAreKept,
    /// Rule 10.
    PoolersAreReleased,
    /// Rule 11.
    FailureIsRemembered,
    /// Rule 12.
    PermissionIsAskedEachTime,
    /// Rule 12.
    IsolatedIsWaitedFor,
    /// Rule 13.
    EveryWaitEnds,
    /// Rule 14.
    StepIsFenced,
}

impl Rule {
    /// Every rule.
    pub const ALL: &'static [Self] = &[
        Self::TemplateWaitsForPermission,
        Self::StopGoesBackToLastGood,
        Self::OneAtATime,
        Self::DownInstanceIsRepairedFirst,
        Self::MomentIsNotDown,
        Self::CutOffIsLeftAlone,
        Self::ImageBeforeItsConfiguration,
        Self::OneDisturbanceEach,
        Self::ReplicasFirst,
        Self::CaughtUpBeforeTheNext,
        Self::StaysUpBeforeTheNext,
        Self::SynchronousStandbyIsReplacedFirst,
        Self::RaisedOnReplicasFirst,
        Self::LoweredOnPrimaryFirst,
        Self::RestartpointPastTheLowering,
        Self::NoteIsOfThisLeader,
        Self::SourceWritesTheParameters,
        Self::SourceHoldsTheBound,
        Self::VolumeIsSpared,
        Self::RestartBringsTheConfiguration,
        Self::AlterSystemIsNotAwaited,
        Self::CandidateFits,
        Self::SlotsAreKept,
        Self::PoolersAreReleased,
        Self::FailureIsRemembered,
        Self::PermissionIsAskedEachTime,
        Self::IsolatedIsWaitedFor,
        Self::EveryWaitEnds,
        Self::StepIsFenced,
    ];

    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::TemplateWaitsForPermission => "template-waits-for-permission",
            Self::StopGoesBackToLastGood => "stop-goes-back-to-last-good",
            Self::OneAtATime => "one-at-a-time",
            Self::DownInstanceIsRepairedFirst => "down-instance-is-repaired-first",
            Self::MomentIsNotDown => "a-moment-is-not-down",
            Self::CutOffIsLeftAlone => "cut-off-is-left-alone",
            Self::ImageBeforeItsConfiguration => "image-before-its-configuration",
            Self::OneDisturbanceEach => "one-disturbance-each",
            Self::ReplicasFirst => "replicas-first",
            Self::CaughtUpBeforeTheNext => "caught-up-before-the-next",
            Self::StaysUpBeforeTheNext => "stays-up-before-the-next",
            Self::SynchronousStandbyIsReplacedFirst => "synchronous-standby-is-replaced-first",
            Self::RaisedOnReplicasFirst => "raised-on-replicas-first",
            Self::LoweredOnPrimaryFirst => "lowered-on-primary-first",
            Self::RestartpointPastTheLowering => "restartpoint-past-the-lowering",
            Self::NoteIsOfThisLeader => "note-is-of-this-leader",
            Self::SourceWritesTheParameters => "source-writes-the-parameters",
            Self::SourceHoldsTheBound => "source-holds-the-bound",
            Self::VolumeIsSpared => "volume-is-spared",
            Self::RestartBringsTheConfiguration => "restart-brings-the-configuration",
            Self::AlterSystemIsNotAwaited => "alter-system-is-not-awaited",
            Self::CandidateFits => "candidate-fits",
            Self::SlotsAreKept => "slots-are-kept",
            Self::PoolersAreReleased => "poolers-are-released",
            Self::FailureIsRemembered => "failure-is-remembered",
            Self::PermissionIsAskedEachTime => "permission-is-asked-each-time",
            Self::IsolatedIsWaitedFor => "isolated-is-waited-for",
            Self::EveryWaitEnds => "every-wait-ends",
            Self::StepIsFenced => "step-is-fenced",
        }
    }

    /// What happens in production without it.
    pub const fn reason(self) -> &'static str {
        match self {
            Self::TemplateWaitsForPermission => "a pod that dies outside a window would come back on a template that nobody has tried",
            Self::StopGoesBackToLastGood => "any crash after a stop would start the next instance on what just failed",
            Self::OneAtATime => "a second instance that stops takes the capacity, and with one more failure the database, away",
            Self::DownInstanceIsRepairedFirst => "a rollout that waits for the instance which it would repair waits for ever",
            Self::MomentIsNotDown => {
                "a leader that was away for a moment, as without an API server, would be stopped again before it hands over"
            }
            Self::CutOffIsLeftAlone => "a new pod does not bring WAL back: it takes a server away that still answers reads",
            Self::ImageBeforeItsConfiguration => "a server ends when it starts with a parameter or library that its image does not have",
            Self::OneDisturbanceEach => "every restart costs caches, sessions and a moment without redundancy",
            Self::ReplicasFirst => "a change that fails would fail on the primary first",
            Self::CaughtUpBeforeTheNext => "the next one that stops may be the only other copy of the last commits",
            Self::StaysUpBeforeTheNext => "a server that ends soon after each start would count as back, and the next one would follow it",
            Self::SynchronousStandbyIsReplacedFirst => "commits stand still until Patroni notices that their standby is gone",
            Self::RaisedOnReplicasFirst => "a standby with less than its primary stops replaying and does not come back",
            Self::LoweredOnPrimaryFirst => "a standby that is lowered first does not start",
            Self::RestartpointPastTheLowering => {
                "after a crash a standby replays the record with the higher value again and does not start"
            }
            Self::NoteIsOfThisLeader => {
                "what a leader noted is no proof about one that leads since, or that started again with higher values meanwhile"
            }
            Self::SourceWritesTheParameters => {
                "the leader of a standby cluster writes no WAL, so a note of its lower values would be waited for without an end"
            }
            Self::SourceHoldsTheBound => {
                "no server of a standby cluster starts with less than its source has, so it would be restarted for that again and again"
            }
            Self::VolumeIsSpared => {
                "with a volume that is given up too early the last copy of a commit goes, or the only one that could take over"
            }
            Self::RestartBringsTheConfiguration => {
                "a restart before Patroni has read the configuration brings nothing and has to be repeated"
            }
            Self::AlterSystemIsNotAwaited => {
                "a value of ALTER SYSTEM outlives every restart, so the server would be restarted again and again for it"
            }
            Self::CandidateFits => "a candidate that lacks commits, or that cannot lead, loses them or leaves nobody to write to",
            Self::SlotsAreKept => "a consumer of logical changes loses its position when a server without its slot leads",
            Self::PoolersAreReleased => "clients that are held back by a controller which died wait for ever",
            Self::FailureIsRemembered => "a bad change would take healthy instances away one by one",
            Self::PermissionIsAskedEachTime => "a rollout that began in a window would go on through the working day",
            Self::IsolatedIsWaitedFor => {
                "a Patroni without the API server neither takes the lock nor keeps it, so nobody leads after a switchover or restart"
            }
            Self::EveryWaitEnds => "nobody looks at what waits silently for ever",
            Self::StepIsFenced => "a controller that slept through its lease would disturb a second instance",
        }
    }
}

/// Which rules are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Rules {
    broken: Option<Rule>,
}

impl Rules {
    /// All of them.
    pub const ALL: Self = Self { broken: None };

    /// All but one: for the simulation, which has to notice.
    pub const fn without(rule: Rule) -> Self {
        Self { broken: Some(rule) }
    }

    /// Whether a rule is kept.
    pub fn keep(self, rule: Rule) -> bool {
        self.broken != Some(rule)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    /// A rule that is not in the list is never broken on purpose, and so never tested.
    #[test]
    fn every_rule_has_a_name_of_its_own_and_a_reason() {
        let names: BTreeSet<&str> = Rule::ALL.iter().map(|rule| rule.name()).collect();
        assert_eq!(names.len(), Rule::ALL.len());
        assert!(Rule::ALL.iter().all(|rule| !rule.reason().is_empty() && !Rules::without(*rule).keep(*rule) && Rules::ALL.keep(*rule)));
        // The last one closes the list: a new rule that is forgotten there changes this number.
        assert_eq!(Rule::StepIsFenced as usize + 1, Rule::ALL.len());
    }
}
