//! This program's newer rendering of what was released: shown, and asked for by the name of the revision that was offered.

use super::{LiveError, asked, find, read_revision};
use crate::diagnostics::Diagnostic;
use crate::engine::offline::{Plan, frozen};
use crate::engine::rehearsals::{rehearse_changes, roles};
use crate::kubernetes::Cluster;
use crate::load::Manifest;
use crate::model::{NamespacedName, Object};
use crate::plan::{Before, PlanInput, build};
use crate::rollout::PROMOTE;
use serde_json::json;
use std::collections::BTreeMap;
use std::path::Path;

/// Field manager of the annotation.
const MANAGER: &str = "stackgres-promote";

/// The plan from what was released to what the controller's program renders of it; without names that of every cluster. Both
/// revisions are kept, so it is exactly what a promotion releases, whatever version asks.
pub fn promotion_plan(kubeconfig: Option<&Path>, clusters: &[NamespacedName]) -> Result<Plan, LiveError> {
    asked(kubeconfig, async |api| {
        let mut found = Vec::new();
        for name in clusters {
            found.push(find(&api, name).await?);
        }
        if clusters.is_empty() {
            found = api.list("SGCluster", None, "").await?;
        }
        let mut input = PlanInput { base: "released".to_owned(), head: "newer rendering".to_owned(), ..PlanInput::default() };
        let mut known = BTreeMap::new();
        for cluster in &found {
            known.extend(roles(cluster).map(|roles| (cluster.namespaced_name(), roles)));
            if let Some(released) = cluster.text("/status/release/revision") {
                one(&api, cluster, released, &mut input).await?;
            }
        }
        rehearse_changes(&mut input, &known);
        Ok(build(input))
    })
}

async fn one(api: &Cluster, cluster: &Object, released: &str, input: &mut PlanInput) -> Result<(), LiveError> {
    let name = cluster.namespaced_name();
    let offered = cluster.text("/status/promotion/revision").unwrap_or(released);
    let why = match (read_revision(api, &name, released).await?, read_revision(api, &name, offered).await?, not_possible(cluster)) {
        (_, _, Some(why)) | (Err(why), ..) | (_, Err(why), _) => why,
        (Ok(released), Ok(offered), None) => {
            input.before.insert(name.clone(), Before::Known(Box::new(frozen(&released))));
            input.after.insert(name, frozen(&offered));
            return Ok(());
        }
    };
    let problem = Diagnostic::error("promotion-not-possible", why).at(Manifest::live(cluster.clone()).locate(""));
    input.blocked.insert(name, vec![problem]);
    Ok(())
}

/// Why the controller's program cannot render what was released.
fn not_possible(cluster: &Object) -> Option<String> {
    let condition = cluster.condition("PromotionAvailable").filter(|condition| condition["reason"] == "NotPossible")?;
    condition["message"].as_str().map(str::to_owned)
}

/// Asks the controller to take what it offers. Gives back what that is, for people; nothing is written where nothing is offered.
pub fn promote(kubeconfig: Option<&Path>, cluster: &NamespacedName) -> Result<String, LiveError> {
    asked(kubeconfig, async |api| {
        let live = find(&api, cluster).await?;
        let Some(offered) = live.text("/status/promotion/revision") else {
            let message = live.condition("PromotionAvailable").and_then(|condition| condition["message"].as_str());
            let why = message.filter(|message| !message.is_empty()).unwrap_or("it is as the controller's program renders it");
            return Ok(format!("{cluster}: there is nothing to promote: {why}"));
        };
        // The identity is a precondition: another cluster of that name is another one.
        let patch = json!({"metadata": {"uid": live.uid(), "annotations": {PROMOTE: offered}}});
        api.merge(&live.key(), &patch, MANAGER, None).await?;
        let summary = live.text("/status/promotion/summary").unwrap_or_default();
        Ok(format!("{cluster}: {offered} is promoted: {summary}"))
    })
}
