//! Asks the databases whether they fit another image, before the first instance gets it (DESIGN §8, rule 16).

use super::super::cluster_pass::ClusterPass;
use super::super::reach::Reach;
use crate::instance::database_needs;
use crate::model::{Object, ObjectKey};
use crate::render::revision::Revision;
use crate::rollout::change::Permission;
use crate::rollout::{ACCEPT_COLLATIONS, Misfit, RolloutMemory, misfit};
use std::collections::BTreeMap;
use std::time::Duration;

/// Longest time for the answers of all databases together.
const PATIENCE: Duration = Duration::from_secs(20);

/// Why the change may not begin, where it brings an image that the databases do not fit. What was begun goes on: instances of two
/// images beside each other are no better.
pub(super) async fn refusal(
    pass: &ClusterPass<'_>,
    released: &Revision,
    running: &Revision,
    superseded: &[Revision],
    memory: &RolloutMemory,
    children: &BTreeMap<ObjectKey, Object>,
) -> Option<Permission> {
    let image = |revision: &Revision| revision.effective.images.get("postgres").cloned();
    let begun = memory.tried || superseded.iter().any(|other| image(other) == image(released));
    if begun || image(released) == image(running) || pass.rollouts.simulated {
        return None;
    }
    let accepted = pass.cluster.annotation(ACCEPT_COLLATIONS) == Some(&released.name());
    let accept = format!("annotate the SGCluster with {ACCEPT_COLLATIONS}={}", released.name());
    let target = image(released).unwrap_or_default();
    let withheld = |why: String, ends: String| Some(Permission::NotNow { why: format!("the image {target}: {why}"), ends });
    let needs = match ask(pass, released, children).await {
        Ok(needs) => needs,
        Err(_) if accepted => return None,
        Err(why) => {
            let why = format!("the databases cannot be asked which collations and extensions they use: {why}");
            return withheld(why, format!("the primary answers; or, knowing that no index over text changes its order, {accept}"));
        }
    };
    let catalogue = pass.settings.catalogue.server(&released.effective.postgres.version.value);
    let extensions = catalogue.map(|image| image.extensions.clone()).unwrap_or_default();
    match misfit(&needs, &released.effective.postgres.collations, &extensions)? {
        Misfit::Extensions(lacking) => withheld(
            format!("it lacks extensions that databases use: {lacking}"),
            "an image that has them is released, or they are dropped".to_owned(),
        ),
        Misfit::Collations(_) if accepted => None,
        Misfit::Collations(changes) => withheld(
            format!("data at risk, indexes over text would be in the wrong order: {changes}"),
            format!(
                "an image with the same collations is released; or, accepting that these indexes are wrong until they are rebuilt, {accept}"
            ),
        ),
    }
}

async fn ask(
    pass: &ClusterPass<'_>,
    released: &Revision,
    children: &BTreeMap<ObjectKey, Object>,
) -> Result<Vec<crate::model::DatabaseNeeds>, String> {
    let reach = Reach::of(children.values(), released)?;
    // In a standby cluster the first instance has the same databases.
    let leader = reach.seen.leader().ok_or("no instance leads")?;
    let endpoint = reach.endpoint(&leader.name).ok_or_else(|| format!("{} has no address yet", leader.name))?;
    let login = reach.superuser("postgres")?;
    let asked = database_needs(&pass.rollouts.works.limits, &endpoint, &login);
    match tokio::time::timeout(PATIENCE, Box::pin(asked)).await {
        Ok(answer) => answer.map_err(|error| error.to_string()),
        Err(_) => Err(format!("no answer within {} seconds", PATIENCE.as_secs())),
    }
}
