//! The steps.

use super::super::reach::Reach;
use super::pod::{Pod, checkpoint, lead_home, lead_to, leads_to, mark, marked, takes_writes};
use super::{Report, Trouble, clients};
use crate::instance::{Console, InstanceError, Limits, Session};
use crate::model::{Activity, InstanceRole};
use crate::render::revision::Revision;
use crate::resolve::PoolingSettings;
use crate::rollout::{HandOver, holds_candidate, holds_stop};
use std::collections::BTreeSet;
use std::net::IpAddr;
use std::time::Duration;
use tokio::time::{Instant, sleep, timeout};

/// How long the pooler may take to come to rest, and writers with it (DESIGN §8, rule 10).
const BUDGET: Duration = Duration::from_secs(5);
/// Longest time of any other call to the console.
const CALL: Duration = Duration::from_secs(3);
/// Pause between two looks at whether the candidate takes writes.
const LOOK: Duration = Duration::from_millis(10);
/// How long writers are held back at most from the order to hand over. Below the 30 s after which the pod itself resumes its pooler.
const PATIENCE: Duration = Duration::from_secs(20);
/// Time for the old primary to be back, so that its pooler can lead to it again.
const RETURN: Duration = Duration::from_mins(2);
/// With sessions in the pooler: time for a moment without an open transaction.
const QUIET: Duration = Duration::from_secs(5);

fn held(what: impl std::fmt::Display) -> Trouble {
    Trouble::Held(what.to_string())
}

/// The pooler of an instance that is about to stop.
struct Held<'a> {
    pod: &'a Pod<'a>,
    session: &'a Session,
    /// For the `PAUSE`, whose answer may not come.
    pausing: Console,
    /// For everything else.
    console: Console,
    since: Instant,
}

impl<'a> Held<'a> {
    /// Brings it to rest within the budget. Where it does not come to rest everything is as before, and the session that held it is named.
    async fn pause(pod: &'a Pod<'a>, session: &'a Session) -> Result<Self, Trouble> {
        let (pausing, console) = (pod.console(BUDGET).await.map_err(held)?, pod.console(CALL).await.map_err(held)?);
        let this = Self { pod, session, pausing, console, since: Instant::now() };
        mark(session).await.map_err(|error| held(pod.says(&error)))?;
        let since = Instant::now();
        if let Err(error) = this.pausing.pause().await {
            let busy = session.activity().await.ok().and_then(|activity| activity.oldest);
            this.release().await;
            let who = busy.map_or_else(String::new, |open| {
                format!(": process {}, user {}, database {}, application `{}`", open.pid, open.user, open.database, open.application)
            });
            return Err(Trouble::Held(match error {
                InstanceError::TimedOut { .. } => {
                    format!("the pooler of {} did not come to rest within {} s{who}", pod.name, BUDGET.as_secs())
                }
                other => pod.says(&other),
            }));
        }
        Ok(Self { since, ..this })
    }

    /// Back to the beginning: leading to its own instance, and resumed.
    async fn release(&self) {
        let mut led = lead_home(self.session, &self.console).await;
        for _ in 0..5 {
            let Err(why) = led else { break };
            tracing::warn!(pod = self.pod.name, why, "the pooler is not led back yet");
            sleep(Duration::from_millis(200)).await;
            // The session may have been lost with what went wrong.
            led = match self.pod.session().await {
                Ok(again) => lead_home(&again, &self.console).await,
                Err(why) => Err(why),
            };
        }
        self.resume().await;
    }

    async fn resume(&self) {
        if self.console.resume().await.is_ok() {
            return;
        }
        // On a new console: this one may have been lost.
        for _ in 0..5 {
            let resumed = match self.pod.console(CALL).await {
                Ok(console) => console.resume().await.map_err(|error| error.to_string()),
                Err(why) => Err(why),
            };
            match resumed {
                Ok(()) => return,
                Err(why) => tracing::warn!(pod = self.pod.name, why, "the pooler is not resumed yet"),
            }
            sleep(Duration::from_millis(500)).await;
        }
    }
}

/// Whether a pooler has clients in session mode, which no `PAUSE` waits for in a bounded time.
async fn holds_sessions(console: &Console) -> Result<bool, InstanceError> {
    let pools = console.pools().await?;
    let clients = |pool: &crate::instance::Pool| pool.clients_active.unwrap_or_default() + pool.clients_waiting.unwrap_or_default() > 0;
    Ok(pools.iter().any(|pool| pool.database != "pgbouncer" && pool.mode.as_deref() == Some("session") && clients(pool)))
}

/// Hands the primary role over and ends it at the old primary's pooler, whatever became of it.
pub(in crate::engine::controller) async fn switch_over_and_settle(
    limits: &Limits,
    reach: &Reach,
    revision: &Revision,
    leader: &str,
    candidate: &str,
    slots_accepted: &BTreeSet<String>,
    progress: &mut (impl FnMut(String) + Send),
) -> Result<Report, Trouble> {
    match Box::pin(switch_over(limits, reach, revision, leader, candidate, slots_accepted, progress)).await {
        Ok(mut report) => match Box::pin(settle(limits, reach, leader, progress)).await {
            Ok(settled) => {
                report.add(settled);
                Ok(report)
            }
            // Its own instance is not back; the pod itself looks after its pooler.
            Err(trouble) => Err(Trouble::Unfinished(format!("{candidate} leads; {trouble}"))),
        },
        Err(Trouble::Unfinished(why)) => {
            drop(Box::pin(settle(limits, reach, leader, progress)).await);
            Err(Trouble::Unfinished(why))
        }
        held => held,
    }
}

/// Hands the primary role over. Clients that stay at the old primary's pooler are led to the new one until [`settle`].
async fn switch_over(
    limits: &Limits,
    reach: &Reach,
    revision: &Revision,
    leader: &str,
    candidate: &str,
    slots_accepted: &BTreeSet<String>,
    progress: &mut (impl FnMut(String) + Send),
) -> Result<Report, Trouble> {
    let (old, new) = (Pod::of(limits, reach, leader).map_err(held)?, Pod::of(limits, reach, candidate).map_err(held)?);
    let (leads, follows) = (old.session().await.map_err(held)?, new.session().await.map_err(held)?);
    progress(format!("{leader} and {candidate} are looked at"));
    let leading = leads.activity().await.map_err(|error| held(old.says(&error)))?;
    let following = follows.activity().await.map_err(|error| held(new.says(&error)))?;
    let may_lead = new.report().await.map_err(held)?.tags.get("nofailover").is_none_or(|tag| tag == "false");
    if leading.in_recovery && revision.effective.replicate_from.is_some() {
        if !may_lead {
            return Err(Trouble::Held(format!("{candidate} never leads (nofailover)")));
        }
        progress(format!("{leader} hands over to {candidate}"));
        return order_of_standby(&old, &new).await;
    }
    let synchronous = revision.effective.replication.mode.value != "async";
    let hand_over = HandOver { leader, leading: &leading, candidate, following: &following, may_lead, synchronous, slots_accepted };
    holds_candidate(&hand_over).map_err(Trouble::Held)?;
    holds_stop(leader, &leading).map_err(Trouble::Held)?;
    progress(format!("{leader} writes a checkpoint"));
    checkpoint(&leads).await.map_err(|error| held(old.says(&error)))?;
    let Some(pooling) = &revision.effective.pooling else {
        progress(format!("{leader} hands over to {candidate}"));
        order(&old, &leads, &new, &follows).await?;
        return Ok(Report::default());
    };
    // A pooler that leads elsewhere would send back what it is sent.
    let theirs = new.console(CALL).await.map_err(held)?;
    if let Some(host) = leads_to(&theirs).await.map_err(|error| held(new.says(&error)))?.into_iter().find(|host| !host.starts_with('/')) {
        return Err(Trouble::Held(format!("the pooler of {candidate} still leads to {host}, from an earlier hand-over")));
    }
    let ours = old.console(CALL).await.map_err(held)?;
    if holds_sessions(&ours).await.map_err(|error| held(old.says(&error)))? {
        return drain(&old, &leads, &new, &follows, &ours, progress).await;
    }
    progress(format!("the pooler of {leader} comes to rest"));
    let pooler = Held::pause(&old, &leads).await?;
    progress(format!("{leader} hands over to {candidate}"));
    let led = lead_to(&leads, &pooler.console, pooling, new.address()).await;
    let ordered = match led {
        Ok(()) => order(&old, &leads, &new, &follows).await,
        Err(why) => Err(Trouble::Held(why)),
    };
    match ordered {
        Ok(()) => {
            pooler.resume().await;
            let paused = pooler.since.elapsed();
            progress(format!("{candidate} takes writes; they were held back for {} ms", paused.as_millis()));
            Ok(Report { paused: Some(paused), ..Report::default() })
        }
        Err(trouble @ Trouble::Held(_)) => {
            pooler.release().await;
            Err(trouble)
        }
        Err(trouble @ Trouble::Unfinished(_)) => {
            // Whoever takes writes now, clients go there; where nobody does they get an answer, not silence.
            if !follow_the_primary(limits, reach, &pooler, pooling).await {
                pooler.release().await;
            }
            Err(trouble)
        }
    }
}

/// Gives Patroni the order and waits until the candidate takes writes, however long the answer takes.
async fn order(old: &Pod<'_>, leads: &Session, new: &Pod<'_>, follows: &Session) -> Result<(), Trouble> {
    let ordered = old.hand_over(new.name);
    tokio::pin!(ordered);
    let end = Instant::now() + PATIENCE;
    let mut refused: Option<String> = None;
    loop {
        match takes_writes(follows).await {
            Ok(true) => return Ok(()),
            Ok(false) => {}
            // Its session ends with its server; another answers the same question.
            Err(error) => match new.session().await {
                Ok(again) if takes_writes(&again).await.unwrap_or(false) => return Ok(()),
                _ => tracing::debug!(%error, "the candidate does not answer"),
            },
        }
        if let Some(why) = &refused {
            // A refusal may also be the end of its patience, so the old primary says whether it is one.
            if takes_writes(leads).await.unwrap_or(false) {
                return Err(Trouble::Held(format!("Patroni does not hand over: {why}")));
            }
        }
        if Instant::now() > end {
            return match takes_writes(leads).await {
                Ok(true) if refused.is_some() => Err(Trouble::Held("Patroni does not hand over".to_owned())),
                _ => Err(Trouble::Unfinished(format!("{} took no writes within {} s", new.name, PATIENCE.as_secs()))),
            };
        }
        if refused.is_some() {
            sleep(LOOK).await;
        } else if let Ok(answer) = timeout(LOOK, &mut ordered).await {
            refused = match answer {
                Ok(()) => Some("it says that it is done".to_owned()),
                Err(error) => Some(error.to_string()),
            };
        }
    }
}

/// Has the first instance of a standby cluster hand its place over. Nobody writes there, so nobody has to wait; who reads from the old one
/// is cut off, as on every replica that starts anew.
async fn order_of_standby(old: &Pod<'_>, new: &Pod<'_>) -> Result<Report, Trouble> {
    let refused = old.hand_over(new.name).await.err();
    let end = Instant::now() + PATIENCE;
    while Instant::now() < end {
        let role = |report: crate::model::InstanceReport| report.role;
        match (new.report().await.ok().and_then(role), &refused) {
            (Some(InstanceRole::StandbyLeader), _) => return Ok(Report::default()),
            (_, Some(why)) if old.report().await.ok().and_then(role) == Some(InstanceRole::StandbyLeader) => {
                return Err(Trouble::Held(format!("Patroni does not hand over: {why}")));
            }
            _ => sleep(LOOK * 10).await,
        }
    }
    Err(Trouble::Unfinished(format!("{} did not take over within {} s", new.name, PATIENCE.as_secs())))
}

/// Leads a paused pooler to whichever instance takes writes; false where none does.
async fn follow_the_primary(limits: &Limits, reach: &Reach, pooler: &Held<'_>, pooling: &PoolingSettings) -> bool {
    let Some(address) = primary_beside(limits, reach, pooler.pod.name).await else { return false };
    let Ok(own) = pooler.pod.session().await else { return false };
    let led = lead_to(&own, &pooler.console, pooling, address).await.is_ok();
    if led {
        pooler.resume().await;
    }
    led
}

/// Session pooling: no client can be held back, so a moment without open transactions is waited for, and the sessions are cut.
async fn drain(
    old: &Pod<'_>,
    leads: &Session,
    new: &Pod<'_>,
    follows: &Session,
    console: &Console,
    progress: &mut (impl FnMut(String) + Send),
) -> Result<Report, Trouble> {
    progress(format!("sessions are pooled on {}: a moment without an open transaction is waited for", old.name));
    let end = Instant::now() + QUIET;
    while Instant::now() < end {
        let busy: Activity = leads.activity().await.map_err(|error| held(old.says(&error)))?;
        if busy.oldest.is_none() {
            break;
        }
        sleep(LOOK).await;
    }
    let clients = console.clients().await.map_err(|error| held(old.says(&error)))?;
    progress(format!("{} hands over to {}; {} sessions are cut", old.name, new.name, clients.len()));
    order(old, leads, new, follows).await?;
    Ok(Report { cut: clients.iter().map(clients::named).collect(), ..Report::default() })
}

/// Restarts PostgreSQL of an instance in place: the primary behind its pooler, after the same preparation; a replica plainly. `pending`:
/// only where a parameter waits for it.
pub(in crate::engine::controller) async fn restart(
    limits: &Limits,
    reach: &Reach,
    revision: &Revision,
    instance: &str,
    pending: bool,
    progress: &mut (impl FnMut(String) + Send),
) -> Result<Report, Trouble> {
    let pod = Pod::of(limits, reach, instance).map_err(held)?;
    let session = pod.session().await.map_err(held)?;
    let activity = session.activity().await.map_err(|error| held(pod.says(&error)))?;
    if activity.in_recovery {
        progress(format!("{instance} restarts"));
        pod.restart(pending).await.map_err(|error| Trouble::Unfinished(pod.says(&error)))?;
        return Ok(Report::default());
    }
    holds_stop(instance, &activity).map_err(Trouble::Held)?;
    progress(format!("{instance} writes a checkpoint"));
    checkpoint(&session).await.map_err(|error| held(pod.says(&error)))?;
    let unfinished = |error: InstanceError| Trouble::Unfinished(pod.says(&error));
    if revision.effective.pooling.is_none() {
        progress(format!("{instance} restarts"));
        return pod.restart(pending).await.map(|()| Report::default()).map_err(unfinished);
    }
    let console = pod.console(CALL).await.map_err(held)?;
    if holds_sessions(&console).await.map_err(|error| held(pod.says(&error)))? {
        let clients = console.clients().await.map_err(|error| held(pod.says(&error)))?;
        progress(format!("{instance} restarts; {} sessions are cut", clients.len()));
        pod.restart(pending).await.map_err(unfinished)?;
        return Ok(Report { cut: clients.iter().map(clients::named).collect(), ..Report::default() });
    }
    progress(format!("the pooler of {instance} comes to rest"));
    let pooler = Held::pause(&pod, &session).await?;
    progress(format!("{instance} restarts"));
    let restarted = timeout(PATIENCE, pod.restart(pending)).await;
    pooler.resume().await;
    let paused = pooler.since.elapsed();
    // The mark goes with a session of the server that came up.
    let home = match pod.session().await {
        Ok(session) => lead_home(&session, &pooler.console).await,
        Err(why) => Err(why),
    };
    match (restarted, home) {
        (Ok(Ok(())), Ok(())) => Ok(Report { paused: Some(paused), ..Report::default() }),
        (Ok(Ok(())), Err(why)) => Err(Trouble::Unfinished(why)),
        (Ok(Err(error)), _) => Err(unfinished(error)),
        (Err(_), _) => Err(Trouble::Unfinished(format!("{instance} was not up again within {} s", PATIENCE.as_secs()))),
    }
}

/// Ends a hand-over at the pooler of an instance: clients that stayed are let go, and it leads to its own instance again.
pub(in crate::engine::controller) async fn settle(
    limits: &Limits,
    reach: &Reach,
    instance: &str,
    progress: &mut (impl FnMut(String) + Send),
) -> Result<Report, Trouble> {
    let unfinished = Trouble::Unfinished;
    let pod = Pod::of(limits, reach, instance).map_err(unfinished)?;
    let console = pod.console(CALL).await.map_err(unfinished)?;
    let end = Instant::now() + RETURN;
    let session = loop {
        match pod.session().await {
            Ok(session) => break session,
            Err(why) if Instant::now() > end => return Err(Trouble::Unfinished(why)),
            Err(_) => sleep(Duration::from_millis(500)).await,
        }
    };
    let failed = |error: InstanceError| Trouble::Unfinished(pod.says(&error));
    let Some(before) = marked(&session).await.map_err(failed)? else { return Ok(Report::default()) };
    let mut report = Report::default();
    if takes_writes(&session).await.map_err(failed)? {
        lead_home(&session, &console).await.map_err(Trouble::Unfinished)?;
        console.resume().await.map_err(failed)?;
        return Ok(report);
    }
    progress(format!("clients that stayed at the pooler of {instance} are let go"));
    let (let_go, left) = clients::let_go(&console, &before).await.map_err(failed)?;
    report.add(let_go);
    if !left.is_empty() {
        // Between two transactions, where they come to an end in time.
        let pausing = pod.console(clients::LAST).await.map_err(Trouble::Unfinished)?;
        let _at_rest = pausing.pause().await;
        report.cut = clients::cut(&console, &left).await.map_err(failed)?;
    }
    let home = lead_home(&session, &console).await;
    console.resume().await.map_err(failed)?;
    home.map_err(Trouble::Unfinished)?;
    Ok(report)
}

/// Ends whatever steps a process that is gone left behind: no pooler is paused, none leads elsewhere. Gives back what it cost.
pub(in crate::engine::controller) async fn resume_everything(
    limits: &Limits,
    reach: &Reach,
    revision: &Revision,
    progress: &mut (impl FnMut(String) + Send),
) -> Result<Report, Trouble> {
    let mut report = Report::default();
    let mut last = Ok(());
    let names: Vec<&str> = reach.pods.iter().map(crate::model::Object::name).collect();
    // First everybody is let through; what takes longer comes then.
    for name in &names {
        if let Err(trouble) = resume(limits, reach, revision, name).await {
            last = Err(trouble);
        }
    }
    for name in names {
        match settle(limits, reach, name, progress).await {
            Ok(settled) => report.add(settled),
            Err(trouble) => last = Err(trouble),
        }
    }
    last.map(|()| report)
}

/// Resumes one pooler, leading to the instance that takes writes: its own, or the one that took over from it.
async fn resume(limits: &Limits, reach: &Reach, revision: &Revision, name: &str) -> Result<(), Trouble> {
    let Some(pooling) = &revision.effective.pooling else { return Ok(()) };
    let pod = Pod::of(limits, reach, name).map_err(Trouble::Unfinished)?;
    let failed = |error: InstanceError| Trouble::Unfinished(pod.says(&error));
    let console = pod.console(CALL).await.map_err(Trouble::Unfinished)?;
    if !console.is_paused().await.map_err(failed)? {
        return Ok(());
    }
    let end = Instant::now() + PATIENCE;
    while Instant::now() < end {
        let Ok(session) = pod.session().await else {
            sleep(LOOK * 10).await;
            continue;
        };
        // A pause without a mark is a person's.
        if marked(&session).await.map_err(failed)?.is_none() {
            return Ok(());
        }
        if takes_writes(&session).await.map_err(failed)? {
            lead_home(&session, &console).await.map_err(Trouble::Unfinished)?;
            return console.resume().await.map_err(failed);
        }
        if let Some(address) = primary_beside(limits, reach, name).await {
            lead_to(&session, &console, pooling, address).await.map_err(Trouble::Unfinished)?;
            return console.resume().await.map_err(failed);
        }
        sleep(LOOK * 10).await;
    }
    // An answer, not silence.
    console.resume().await.map_err(failed)
}

/// Address of another instance that takes writes.
async fn primary_beside(limits: &Limits, reach: &Reach, name: &str) -> Option<IpAddr> {
    for other in reach.pods.iter().map(crate::model::Object::name).filter(|other| *other != name) {
        let Ok(pod) = Pod::of(limits, reach, other) else { continue };
        let Ok(session) = pod.session().await else { continue };
        if takes_writes(&session).await.unwrap_or(false) {
            return Some(pod.address());
        }
    }
    None
}
