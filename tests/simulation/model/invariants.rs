//! What must always hold, as data.

/// One invariant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Invariant {
    SurvivableNow,
    OneWriter,
    CommitsKept,
    OneDisturbed,
    CapacityKept,
    CaughtUp,
    PoolersAtHome,
    StandbyKept,
    OneSwitchover,
    CandidateFits,
    StopIsLastGood,
    StopStays,
    PrimaryLast,
    AsAnnounced,
    Permitted,
    Ends,
    DoneIsReleased,
    BadNeverDone,
    NotInVain,
    SlotsKept,
    StoreReached,
    MomentGranted,
    StaysUp,
    VolumesKept,
}

impl Invariant {
    pub(crate) const ALL: &'static [Self] = &[
        Self::SurvivableNow,
        Self::OneWriter,
        Self::CommitsKept,
        Self::OneDisturbed,
        Self::CapacityKept,
        Self::CaughtUp,
        Self::PoolersAtHome,
        Self::StandbyKept,
        Self::OneSwitchover,
        Self::CandidateFits,
        Self::StopIsLastGood,
        Self::StopStays,
        Self::PrimaryLast,
        Self::AsAnnounced,
        Self::Permitted,
        Self::Ends,
        Self::DoneIsReleased,
        Self::BadNeverDone,
        Self::NotInVain,
        Self::SlotsKept,
        Self::StoreReached,
        Self::MomentGranted,
        Self::StaysUp,
        Self::VolumesKept,
    ];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::SurvivableNow => "survivable-now",
            Self::OneWriter => "one-writer",
            Self::CommitsKept => "commits-kept",
            Self::OneDisturbed => "one-disturbed",
            Self::CapacityKept => "capacity-kept",
            Self::CaughtUp => "caught-up",
            Self::PoolersAtHome => "poolers-at-home",
            Self::StandbyKept => "standby-kept",
            Self::OneSwitchover => "one-switchover",
            Self::CandidateFits => "candidate-fits",
            Self::StopIsLastGood => "stop-is-last-good",
            Self::StopStays => "stop-stays",
            Self::PrimaryLast => "primary-last",
            Self::AsAnnounced => "as-announced",
            Self::Permitted => "permitted",
            Self::Ends => "ends",
            Self::DoneIsReleased => "done-is-released",
            Self::BadNeverDone => "bad-never-done",
            Self::NotInVain => "not-in-vain",
            Self::SlotsKept => "slots-kept",
            Self::StoreReached => "store-reached",
            Self::MomentGranted => "moment-granted",
            Self::StaysUp => "stays-up",
            Self::VolumesKept => "volumes-kept",
        }
    }

    /// What it protects.
    pub(crate) const fn protects(self) -> &'static str {
        match self {
            Self::SurvivableNow => "every instance, if it restarted now in its pod or in a new one, would come up",
            Self::OneWriter => "two servers never take writes at once",
            Self::CommitsKept => "what was acknowledged is kept by a planned switchover, and by every failover in synchronous mode",
            Self::OneDisturbed => "a second instance is never stopped before the first is back",
            Self::CapacityKept => "a running instance is never stopped while another one is down",
            Self::CaughtUp => "a running instance is never stopped while another one has not replayed everything",
            Self::PoolersAtHome => "no pooler holds clients back or leads elsewhere while nothing is being done",
            Self::StandbyKept => "the synchronous standby is never stopped while another instance could be it",
            Self::OneSwitchover => "at most one planned switchover a rollout, but for failovers and cordoned nodes in between",
            Self::CandidateFits => "who takes over has everything, may lead and stays",
            Self::StopIsLastGood => "after a stop, template and dynamic configuration are the last good ones",
            Self::StopStays => "after a stop nothing is disturbed until somebody changes something",
            Self::PrimaryLast => "the primary is not stopped while another instance could lead, unless its parameters go down",
            Self::AsAnnounced => "without faults exactly the rehearsed steps are done",
            Self::Permitted => "nothing is disturbed, and nothing untried in force, while that is not allowed",
            Self::Ends => "once faults cease, the rollout ends: done, or stopped with a reason",
            Self::DoneIsReleased => "done means that every instance runs the released revision",
            Self::NotInVain => "no instance is stopped for what a restart or a new pod does not bring",
            Self::SlotsKept => "no hand-over of a rollout loses the position of a logical consumer",
            Self::StoreReached => "no running instance is stopped while a Patroni does not reach the API server",
            Self::VolumesKept => "no volume is given up while two others, or for an instance that is down one, do not hold what is on it",
            Self::StaysUp => "no running instance is stopped while another one has only just started",
            Self::MomentGranted => "no pod is made anew because its server was away for a moment",
            Self::BadNeverDone => "a revision that cannot run stops, with at most one instance down",
        }
    }
}

/// One that did not hold.
#[derive(Debug, Clone)]
pub(crate) struct Violation {
    pub(crate) invariant: Invariant,
    pub(crate) at: u64,
    pub(crate) what: String,
}
