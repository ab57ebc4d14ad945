//! A rollout that stopped is tried again, or what ran before is put back: each is a wish in an annotation.

use super::{LiveError, asked, find, now};
use crate::model::{NamespacedName, seconds};
use crate::rollout::{RETRY, ROLLBACK};
use serde_json::{Value, json};
use std::path::Path;

/// Field manager of the annotations.
const MANAGER: &str = "stackgres-rollout";

/// What is wished.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RolloutWish {
    /// Try again what stopped.
    Retry,
    /// Put back what ran before.
    Rollback,
}

/// Writes the wish. Gives back what it is about, for people; nothing is written where there is nothing to do.
pub fn wish(kubeconfig: Option<&Path>, cluster: &NamespacedName, wish: RolloutWish) -> Result<String, LiveError> {
    asked(kubeconfig, async |api| {
        let live = find(&api, cluster).await?;
        let (released, running) = (live.text("/status/release/revision"), live.text("/status/running/revision"));
        let cause = live.text("/status/rollout/failure/cause");
        let rolled_back = released.is_some() && live.annotation(ROLLBACK) == released;
        let annotations = match (wish, released, running) {
            (RolloutWish::Retry, ..) if cause.is_none() && !rolled_back => return Ok(format!("no rollout of {cluster} has stopped")),
            (RolloutWish::Retry, ..) => json!({RETRY: seconds(now()), ROLLBACK: Value::Null}),
            (RolloutWish::Rollback, Some(released), Some(running)) if released != running => json!({ROLLBACK: released}),
            (RolloutWish::Rollback, ..) => return Ok(format!("{cluster} runs what is released: there is nothing to roll back")),
        };
        api.merge(&live.key(), &json!({"metadata": {"uid": live.uid(), "annotations": annotations}}), MANAGER, None).await?;
        let (released, running) = (released.unwrap_or_default(), running.unwrap_or_default());
        Ok(match wish {
            RolloutWish::Retry => {
                let why = cause.map_or_else(|| "it was rolled back".to_owned(), |cause| format!("it had stopped: {cause}"));
                format!("{cluster}: {released} is tried again; {why}")
            }
            RolloutWish::Rollback => format!("{cluster}: {released} is not carried out any more, and {running} is put back"),
        })
    })
}
