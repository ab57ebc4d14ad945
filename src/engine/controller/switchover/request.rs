//! A switchover or a restart that a person asks for, by an annotation of the SGCluster.
//!
//! It is answered once, until the annotation is taken away or says something else; what was done stands in `status.switchover`. Before anything
//! is disturbed the leader and the candidate stand there, under the object's version: whoever leads after this process finds them, ends
//! what was begun, and begins nothing a second time.

use super::super::cluster_pass::{ClusterPass, STATUS_MANAGER};
use super::super::events::tell;
use super::super::reach::Reach;
use super::super::run::now;
use super::super::works::{Note, SharedNote, Works};
use super::{Report, Trouble, restart, resume_everything, settle, spared, switch_over_and_settle};
use crate::health::Instances;
use crate::instance::Limits;
use crate::kubernetes::{Cluster, KubernetesError};
use crate::model::{NamespacedName, Object};
use crate::render::revision::Revision;
use crate::rollout::{PAUSED, RESTART, SWITCHOVER, SwitchoverWish, held, slots_accepted, switchover_wish};
use crate::status::{Condition, seconds};
use serde_json::{Value, json};
use tokio::sync::mpsc;

/// Switchovers under way.
pub(in crate::engine::controller) struct SwitchoverWorks {
    pub(in crate::engine::controller) works: Works,
    /// Whether there is somebody to ask.
    simulated: bool,
}

impl SwitchoverWorks {
    /// None yet. Simulated instances are never asked.
    pub(in crate::engine::controller) fn new(hints: mpsc::Sender<()>, simulated: bool) -> Self {
        Self { works: Works::new("switchover", hints), simulated }
    }
}

/// One look: says how a switchover that was asked for is, and begins what is due. `running`: the revision in place, where anything may be
/// done at all.
pub(in crate::engine::controller) fn carry_out_request(
    pass: &ClusterPass<'_>,
    running: Option<&Revision>,
    seen: &Instances,
    patch: &mut Value,
    conditions: &mut Vec<Condition>,
) {
    let ClusterPass { api, cluster, switchovers, now, .. } = *pass;
    let name = cluster.namespaced_name();
    let wish = switchover_wish(cluster);
    if wish == SwitchoverWish::None {
        switchovers.works.forget(&name);
        let asked = [SWITCHOVER, RESTART].iter().any(|annotation| cluster.annotation(annotation).is_some());
        if !asked && cluster.text("/status/switchover/asked").is_some() {
            patch["switchover"] = json!({"asked": null});
        }
        conditions.extend(ended(cluster));
        return;
    }
    let mut say = |reason: &str, message: String| conditions.push(Condition::new("Switchover", Some(false), reason, message));
    if switchovers.simulated {
        return say("Simulated", "the instances are simulated, so nobody is asked".to_owned());
    }
    let (left, busy) = switchovers.works.look(&name);
    match &left {
        Note { doing: Some(doing), .. } => say("Running", doing.clone()),
        Note { trouble: Some(trouble), .. } => say("Waiting", trouble.clone()),
        Note { .. } if busy => say("Running", "it is about to begin".to_owned()),
        Note { .. } => {}
    }
    if busy || !left.may_try(now) {
        return;
    }
    let Some(running) = running else { return say("Waiting", "nothing may be done with this cluster now".to_owned()) };
    if seen.paused && wish.asked().is_some() {
        return say("Waiting", PAUSED.to_owned());
    }
    // What was begun is ended all the same: a pooler must not stay as it is in between.
    if let Some(hold) = held(cluster, now).filter(|_| wish.asked().is_some()) {
        return say("Waiting", format!("held: {hold}"));
    }
    let note = SharedNote::after(left);
    let task = Task {
        api: api.clone(),
        cluster: cluster.clone(),
        revision: running.clone(),
        limits: switchovers.works.limits.clone(),
        note: note.clone(),
        wish,
    };
    switchovers.works.start(&name, note, task.carry_on());
}

/// How the last one ended, if there was one.
fn ended(cluster: &Object) -> Option<Condition> {
    let text = |field: &str| cluster.text(&format!("/status/switchover/{field}"));
    let done = text("state")? == "done";
    Some(Condition::new("Switchover", Some(done), if done { "Done" } else { "Failed" }, text("message").unwrap_or_default()))
}

/// The work on one cluster.
struct Task {
    api: Cluster,
    cluster: Object,
    revision: Revision,
    limits: Limits,
    note: SharedNote,
    wish: SwitchoverWish,
}

/// How it ended.
enum Ended {
    /// There is nothing to do any more.
    Over,
    Done {
        leader: String,
        candidate: String,
        report: Report,
    },
    Refused(String),
    /// It may be tried again.
    Later(String),
    /// It was begun, and what became of it is for people to see.
    Unfinished(String),
}

impl Task {
    async fn carry_on(self) {
        let ended = match Box::pin(self.work()).await {
            Ok(ended) => ended,
            Err(error) => Ended::Later(error.to_string()),
        };
        if let Err(error) = Box::pin(self.record(ended)).await {
            tracing::warn!(%error, "the end of a switchover is not recorded yet");
            self.note.change(|note| note.trouble(error.to_string()));
        }
    }

    async fn work(&self) -> Result<Ended, KubernetesError> {
        // The pass may have read it before another task wrote its end.
        if switchover_wish(&self.fresh().await?) != self.wish {
            return Ok(Ended::Over);
        }
        let name: NamespacedName = self.cluster.namespaced_name();
        let reach = match Reach::read(&self.api, &name, &self.revision).await? {
            Ok(reach) => reach,
            Err(why) => return Ok(Ended::Later(why)),
        };
        let mut progress = |what: String| {
            tracing::info!(what, "switchover");
            self.note.change(|note| note.doing(what));
        };
        let leads = reach.seen.leader().map(|leader| leader.name.clone());
        let (leader, candidate) = match &self.wish {
            SwitchoverWish::None => return Ok(Ended::Over),
            SwitchoverWish::Restart(pod) => return self.restart(&reach, pod, &mut progress).await,
            SwitchoverWish::Begun { leader, candidate } => {
                progress("what was left behind is ended".to_owned());
                let ended = resume_everything(&self.limits, &reach, &self.revision, &mut progress).await;
                let (leader, candidate) = (leader.clone(), candidate.clone());
                return Ok(match ended {
                    Ok(report) if leader != candidate && leads.as_ref() == Some(&candidate) => Ended::Done { leader, candidate, report },
                    Ok(_) => Ended::Unfinished(format!("it was interrupted, and {} leads", leads.as_deref().unwrap_or("nobody"))),
                    Err(trouble) => Ended::Later(trouble.to_string()),
                });
            }
            SwitchoverWish::Asked(asked) => {
                let Some(leader) = leads else { return Ok(Ended::Later("no instance leads".to_owned())) };
                match choose(asked, &leader, &reach.seen) {
                    Ok(candidate) => (leader, candidate),
                    Err(ended) => return Ok(ended),
                }
            }
        };
        self.begin(&leader, &candidate).await?;
        // As it stands now: it may have been accepted since it was asked for.
        let accepted = slots_accepted(&self.fresh().await?);
        let work = switch_over_and_settle(&self.limits, &reach, &self.revision, &leader, &candidate, &accepted, &mut progress);
        Ok(match spared(&self.api, &name.namespace, &leader, work).await {
            Ok(report) => Ended::Done { leader, candidate, report },
            Err(Trouble::Held(why)) => Ended::Later(why),
            Err(Trouble::Unfinished(why)) => Ended::Unfinished(why),
        })
    }

    async fn restart(&self, reach: &Reach, pod: &str, progress: &mut (impl FnMut(String) + Send)) -> Result<Ended, KubernetesError> {
        if !reach.seen.existing.iter().any(|instance| instance.name == pod) {
            return Ok(Ended::Refused(format!("there is no instance {pod}")));
        }
        self.begin(pod, pod).await?;
        Ok(match restart(&self.limits, reach, &self.revision, pod, false, progress).await {
            Ok(report) => Ended::Done { leader: pod.to_owned(), candidate: pod.to_owned(), report },
            Err(Trouble::Held(why)) => Ended::Later(why),
            Err(Trouble::Unfinished(why)) => {
                drop(settle(&self.limits, reach, pod, progress).await);
                Ended::Unfinished(why)
            }
        })
    }

    /// Writes who hands over to whom, under the version that was read: of two controllers one goes on.
    async fn begin(&self, leader: &str, candidate: &str) -> Result<(), KubernetesError> {
        let patch = json!({
            "metadata": {"resourceVersion": self.fresh().await?.resource_version()},
            "status": {"switchover": {
                "leader": leader, "candidate": candidate, "state": "under-way", "startedAt": seconds(now()), "asked": self.wish.asked(),
                "endedAt": null, "pausedMilliseconds": null, "closedIdle": null, "cut": null, "message": null,
            }},
        });
        self.api.patch_status(&self.cluster.key(), &patch, STATUS_MANAGER).await.map(drop)
    }

    async fn fresh(&self) -> Result<Object, KubernetesError> {
        Ok(self.api.get(&self.cluster.key()).await?.unwrap_or_else(|| self.cluster.clone()))
    }

    async fn record(&self, ended: Ended) -> Result<(), KubernetesError> {
        let (state, message, warning) = match &ended {
            Ended::Later(why) => {
                // Nothing was disturbed, or it was taken back; what was begun before this process stays to be ended.
                if self.wish.asked().is_some() {
                    self.api.patch_status(&self.cluster.key(), &json!({"status": {"switchover": null}}), STATUS_MANAGER).await?;
                }
                self.note.change(|note| note.trouble(why.clone()));
                return Ok(());
            }
            Ended::Over => {
                self.note.change(|note| *note = Note::default());
                return Ok(());
            }
            Ended::Done { leader, candidate, report } if leader == candidate => {
                ("done", format!("{leader} restarted: {}", report.text()), false)
            }
            Ended::Done { leader, candidate, report } => ("done", format!("{leader} handed over to {candidate}: {}", report.text()), false),
            Ended::Refused(why) => ("refused", why.clone(), true),
            Ended::Unfinished(why) => ("unfinished", why.clone(), true),
        };
        let mut written = json!({"state": state, "endedAt": seconds(now()), "message": message});
        // One that was begun has it already.
        if let Some(asked) = self.wish.asked() {
            written["asked"] = json!(asked);
        }
        if let Ended::Done { report, .. } = &ended {
            written["pausedMilliseconds"] = json!(report.paused.map(|time| u64::try_from(time.as_millis()).unwrap_or(u64::MAX)));
            written["closedIdle"] = json!(report.closed_idle);
            written["cut"] = json!(report.cut);
        }
        let reason = if warning { "SwitchoverFailed" } else { "SwitchedOver" };
        tell(&self.api, &self.cluster, warning, reason, &message, now()).await;
        self.api.patch_status(&self.cluster.key(), &json!({"status": {"switchover": written}}), STATUS_MANAGER).await?;
        self.note.change(|note| *note = Note::default());
        Ok(())
    }
}

/// Who shall lead: the one that is named, or the one that has replayed most of those that may.
fn choose(asked: &str, leader: &str, seen: &Instances) -> Result<String, Ended> {
    let named = asked != "any";
    if asked == leader {
        return Err(Ended::Refused(format!("{leader} leads already")));
    }
    if named && !seen.existing.iter().any(|instance| instance.name == asked) {
        let names: Vec<&str> = seen.existing.iter().map(|instance| instance.name.as_str()).filter(|name| *name != leader).collect();
        return Err(Ended::Refused(format!("there is no instance {asked}; those that could lead are {}", names.join(", "))));
    }
    if named {
        return Ok(asked.to_owned());
    }
    let may = seen.existing.iter().filter(|instance| instance.name != leader && !instance.nofailover && instance.ready);
    let best = may.max_by_key(|instance| (instance.synchronous, instance.replication.as_deref() == Some("streaming"), instance.position));
    best.map(|instance| instance.name.clone()).ok_or_else(|| Ended::Later("no instance may take over now".to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::health::Instance;

    fn seen() -> Instances {
        let one = |index: u64| Instance {
            name: format!("a-{index}"),
            ready: true,
            replication: Some("streaming".to_owned()),
            position: Some(100 + index),
            ..Instance::default()
        };
        Instances { existing: (0..4).map(one).collect(), ..Instances::default() }
    }

    /// The wrong one would be refused by Patroni at best, and lose commits at worst.
    #[test]
    fn who_has_most_takes_over() {
        let any = |change: fn(&mut Vec<Instance>)| {
            let mut seen = seen();
            change(&mut seen.existing);
            choose("any", "a-0", &seen).unwrap_or_else(|_| "nobody".to_owned())
        };
        assert_eq!(any(|_| {}), "a-3");
        assert_eq!(any(|all| all[3].nofailover = true), "a-2");
        assert_eq!(any(|all| all[3].ready = false), "a-2");
        assert_eq!(any(|all| all[3].replication = Some("in archive recovery".to_owned())), "a-2");
        assert_eq!(any(|all| all[1].synchronous = true), "a-1", "only a synchronous one has every commit");
        assert_eq!(any(|all| all.truncate(1)), "nobody");
    }

    #[test]
    fn a_name_must_be_that_of_another_instance() {
        let refused = |asked: &str| match choose(asked, "a-0", &seen()) {
            Err(Ended::Refused(why)) => why,
            _ => String::new(),
        };
        assert!(refused("a-0").contains("leads already"));
        assert!(refused("b-1").contains("those that could lead are a-1, a-2, a-3"), "{}", refused("b-1"));
        assert!(choose("a-1", "a-0", &seen()).is_ok_and(|candidate| candidate == "a-1"));
    }
}
