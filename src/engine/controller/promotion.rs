//! Promotion: this program's newer rendering of what was released, taken when a person says so.
//!
//! A new version of this program, or another catalogue, changes no running pod (DESIGN §6, "Pin"). The cluster says what is there to be
//! taken and what that does; an annotation that names the very revision takes it, by the same rules as every release.

use super::claims;
use super::cluster_pass::{ClusterPass, store};
use super::events::tell;
use super::fleet_pass::{hold, is_suspended};
use super::release::release_record;
use crate::engine::offline::{Renewal, renewal};
use crate::kubernetes::KubernetesError;
use crate::model::{NamespacedName, ObjectKey};
use crate::render::revision::Revision;
use crate::resolve::Settings;
use crate::rollout::{PROMOTE, ROLLBACK};
use crate::status::Condition;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// What this program makes of a released revision: its name with it, or why it cannot be taken.
type Found = Arc<Result<Option<(String, Renewal)>, String>>;

/// What this program makes of the released revisions. Losing it costs one rendering a cluster.
#[derive(Default)]
pub(super) struct Renewals(Mutex<BTreeMap<NamespacedName, (String, Found)>>);

impl Renewals {
    /// Forgets clusters that are gone.
    pub(super) fn keep(&self, known: impl Fn(&NamespacedName) -> bool) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).retain(|name, _| known(name));
    }

    fn of(&self, name: &str, released: &Revision, settings: &Settings) -> Found {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, found)) = kept.get(&released.cluster).filter(|(known, _)| known == name) {
            return found.clone();
        }
        let found = renewal(released, settings).map(|renewal| renewal.map(|renewal| (renewal.revision.name(), renewal)));
        let found = Arc::new(found);
        kept.insert(released.cluster.clone(), (name.to_owned(), found.clone()));
        found
    }
}

/// Tells what there is to be promoted, and gives back the revision that a person promoted now.
pub(super) async fn promote(
    pass: &ClusterPass<'_>,
    released_name: &str,
    released: &Revision,
    patch: &mut Value,
    conditions: &mut Vec<Condition>,
) -> Result<Option<Revision>, KubernetesError> {
    let ClusterPass { api, cluster, now, .. } = *pass;
    let mut say = |available: bool, reason: &str, message: String| {
        if available || !message.is_empty() || cluster.condition(CONDITION).is_some() {
            conditions.push(Condition::new(CONDITION, Some(available), reason, message));
        }
    };
    let found = pass.renewals.of(released_name, released, pass.settings);
    let (name, renewal) = match found.as_ref() {
        Ok(Some((name, renewal))) => (name, renewal),
        Ok(None) => {
            patch["promotion"] = Value::Null;
            say(false, "SameRendering", String::new());
            return Ok(None);
        }
        Err(why) => {
            patch["promotion"] = Value::Null;
            say(false, "NotPossible", format!("this program cannot render what was released: {why}"));
            return Ok(None);
        }
    };
    if cluster.annotation(ROLLBACK) == Some(released_name) {
        patch["promotion"] = Value::Null;
        say(false, "RolledBack", "what was released was rolled back: a promotion would bring it again".to_owned());
        return Ok(None);
    }
    // Beside what runs, so that everybody sees the very thing that a promotion takes.
    let key = ObjectKey::new("v1", "Secret", Some(&released.cluster.namespace), name);
    if pass.facts.children.get(&released.cluster).is_none_or(|children| !children.contains_key(&key)) {
        store(api, &renewal.revision).await?;
    }
    let summary = format!("{}: {}", renewal.impact.summary, renewal.differs);
    patch["promotion"] = json!({"revision": name, "summary": summary});
    let offer = format!("this program's newer rendering is not taken by itself: {summary}");
    let how = format!("`stackgres plan --promote {0}` shows it, `stackgres promote {0}` takes it", released.cluster);
    match cluster.annotation(PROMOTE) {
        Some(wish) if wish == name => {}
        Some(wish) if wish != released_name => {
            say(true, "NewerRendering", format!("{offer}; {how}; the annotation {PROMOTE} names {wish}, which is another one than {name}"));
            return Ok(None);
        }
        _ => {
            say(true, "NewerRendering", format!("{offer}; {how}"));
            return Ok(None);
        }
    }
    if let Some(held) = held(pass) {
        say(true, "FleetHeld", format!("{offer}; it was promoted, and nothing is released: {held}"));
        return Ok(None);
    }
    patch["release"] = release_record(&renewal.revision, "a promotion", Some(&format!("promoted: {}", renewal.differs)), now);
    patch["promotion"] = Value::Null;
    say(false, "Promoted", String::new());
    tell(api, cluster, false, "Promoted", &format!("takes this program's newer rendering: {summary}"), now).await;
    Ok(Some(renewal.revision.clone()))
}

/// The condition that says whether there is something to be promoted.
const CONDITION: &str = "PromotionAvailable";

/// Why the fleet of the cluster lets nothing be released.
fn held(pass: &ClusterPass<'_>) -> Option<String> {
    let fleet = claims::fleet_of(pass.facts, pass.cluster)?;
    hold(fleet, pass.now).or_else(|| is_suspended(fleet).then(|| format!("the fleet {} is suspended", fleet.namespaced_name())))
}
