//! The facts that a controller reads.

use super::controller::time;
use super::instance::{Instance, Phase, Server};
use super::release::{HOT, LIBRARY, NAMES, NO_IMAGE, TOO_MUCH, WORK_MEM};
use super::world::{SLACK, World};
use crate::change::{Amount, Facts, InstanceFacts, OldVolume, Target, leave_surplus};
use std::collections::BTreeSet;

impl World {
    pub(crate) fn target(&self) -> Target {
        let release = &self.status.target;
        let hot_standby = (0..HOT).map(|at| (NAMES[at].to_owned(), release.values[at])).collect();
        let mut late = BTreeSet::new();
        let images = self.instances.iter().filter_map(|one| one.pod.as_ref()).map(|pod| pod.made_from.image);
        let library = release.values[LIBRARY];
        if library == 2 && release.template.image >= 2 && images.chain([self.template.image]).any(|image| image < 2) {
            late.insert(NAMES[LIBRARY].to_owned());
        }
        Target {
            instances: release.instances,
            hot_standby,
            late,
            restarts: (0..WORK_MEM).filter(|at| self.may_differ(*at)).map(|at| NAMES[at].to_owned()).collect(),
            synchronous: self.setup.synchronous,
            method: self.setup.method,
            goes_back: *release == self.status.last_good,
            reloads_only: self.ledger.releases < 2
                && *release != self.status.last_good
                && release.template == self.status.last_good.template
                && release.values[..WORK_MEM] == self.status.last_good.values[..WORK_MEM],
        }
    }

    /// Whether an instance may run with another value than the released one: revisions before it had one, as far as is remembered.
    fn may_differ(&self, at: usize) -> bool {
        let released = self.status.target.values[at];
        std::iter::once(&self.status.last_good).chain(&self.status.superseded).any(|other| other.values[at] != released)
    }

    pub(crate) fn facts(&self, under_way: bool) -> Facts {
        Facts {
            cluster: String::new(),
            target: self.target(),
            instances: self.instance_facts(),
            asked_for: self.replicas,
            permission: self.permission.clone(),
            memory: self.status.memory.clone(),
            under_way,
            not_made: None,
            follows: self.setup.source.is_some(),
        }
    }

    /// Whether it shows that Patroni there has lost the API server: at its next look where it leads nevertheless, after a while elsewhere.
    pub(crate) fn is_isolated(&self, index: usize) -> bool {
        let one = &self.instances[index];
        let shows = if self.leader() == Some(index) { 10 } else { 30 };
        one.troubles.isolated > self.now && one.runs() && one.isolated_since + shows <= self.now
    }

    pub(crate) fn instance_facts(&self) -> Vec<InstanceFacts> {
        let existing = (0..self.instances.len()).filter(|index| self.instances[*index].pod.is_some());
        let mut facts = existing.map(|index| self.one(index)).collect::<Vec<_>>();
        leave_surplus(&mut facts, self.status.target.instances);
        facts
    }

    /// Whether the change is about the storage class.
    pub(crate) fn moves_volumes(&self) -> bool {
        let released = self.status.target.template.class;
        std::iter::once(&self.status.last_good).chain(&self.status.superseded).any(|other| other.template.class != released)
    }

    fn one(&self, index: usize) -> InstanceFacts {
        let one = &self.instances[index];
        let release = &self.status.target;
        let mut facts = InstanceFacts { ordinal: index as u32, leads: self.holder() == Some(index), ..InstanceFacts::default() };
        let Some(pod) = &one.pod else { return facts };
        facts.uid = format!("{}", pod.uid);
        facts.terminating = pod.gone_at.is_some();
        facts.ready = one.ready;
        facts.turned = Some(time(one.turned, 0));
        let same = pod.made_from.image == release.template.image && pod.made_from.label == release.template.label;
        facts.amounts = match pod.amounts.cmp(&release.template.amounts) {
            std::cmp::Ordering::Equal => Amount::Same,
            std::cmp::Ordering::Less => Amount::More,
            std::cmp::Ordering::Greater => Amount::Less,
        };
        // What the kubelet refuses, and a pod that no node takes, cannot be changed in place.
        let stuck = pod.infeasible == Some(release.template.amounts) || pod.phase == Phase::Pending && pod.amounts >= TOO_MUCH;
        facts.pod = Some(same && !(stuck && facts.amounts != Amount::Same));
        facts.nofailover = one.nofailover;
        let old = one.claim.filter(|claim| self.moves_volumes() && (claim.ends || claim.class != release.template.class));
        facts.old_volume = old.map(|claim| OldVolume { claim: claim.uid.to_string(), blank: !one.data.present });
        facts.cordoned = pod.node.is_some_and(|node| self.nodes[node].cordoned);
        facts.pooler_away = one.pooler.paused.is_some() || one.pooler.foreign.is_some();
        facts.synchronous = self.standby == Some(index);
        (facts.trouble, facts.hopeless) = trouble(one, self.now);
        if one.cut_off && self.leader().is_some_and(|leader| leader != index) {
            facts.cut_off = true;
            (facts.trouble, facts.hopeless) = (Some("its leader has no longer the WAL that it needs".to_owned()), true);
        }
        // What only Patroni and PostgreSQL there can say.
        if one.troubles.unreachable > self.now {
            return facts;
        }
        facts.barred = one.patroni.nosync && one.runs();
        facts.isolated = self.is_isolated(index);
        if one.is_serving() {
            facts.streaming = self.streams(index);
            facts.caught_up = self.lag(index) <= SLACK && (facts.leads || facts.streaming);
            facts.replay_paused = one.troubles.replay_paused > self.now || one.insufficient;
            facts.hot_standby = (0..HOT).map(|at| (NAMES[at].to_owned(), one.values[at])).collect();
            facts.behind = Some((0..WORK_MEM).filter(|at| one.values[*at] != release.values[*at]).map(|at| NAMES[at].to_owned()).collect());
            facts.overridden = (0..WORK_MEM)
                .filter(|at| one.is_overridden(*at) && one.values[*at] != release.values[*at])
                .map(|at| NAMES[at].to_owned())
                .collect();
            facts.slots = one.slot.then(|| "cdc".to_owned()).into_iter().collect();
            facts.asked = one.patroni.version == self.version && !one.has_values(&one.patroni.seen);
            facts.position = Some(one.data.replayed);
            facts.redo = Some(one.data.redo);
            facts.started = Some(one.started);
            facts.age = Some(jiff::SignedDuration::from_secs(one.age(self.now) as i64));
        }
        facts
    }
}

/// What keeps it from running, and whether that passes by itself.
fn trouble(one: &Instance, now: u64) -> (Option<String>, bool) {
    let Some(pod) = &one.pod else { return (None, false) };
    match pod.phase {
        Phase::Pending if pod.made_from.amounts >= TOO_MUCH => (Some("no node has so much".to_owned()), false),
        Phase::Pending if one.troubles.detached > now => (Some("the volume does not attach".to_owned()), false),
        Phase::Pending => (Some("no node takes it".to_owned()), false),
        Phase::Pulling(until) if pod.made_from.image == NO_IMAGE && now >= until => (Some("ImagePullBackOff".to_owned()), true),
        Phase::Pulling(_) => (None, false),
        Phase::Running => match one.failed {
            Some((why, times)) if !one.is_serving() && !matches!(one.server, Server::Starting { .. }) => (Some(why.to_owned()), times >= 2),
            _ => (None, false),
        },
    }
}

/// The highest value of a parameter that runs anywhere; for a library, the last good one.
pub(crate) fn held_value(facts: &[InstanceFacts], at: usize, last_good: i64) -> i64 {
    let running = facts.iter().filter_map(|one| one.hot_standby.get(NAMES[at])).copied().max();
    if at < HOT { running.unwrap_or(last_good) } else { last_good }
}
