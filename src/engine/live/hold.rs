//! Holds, set and taken away in one annotation.

use super::{LiveError, asked, find, now};
use crate::model::{HOLD, Hold, NamespacedName, Object};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use std::path::Path;

/// Field manager of the annotation.
const MANAGER: &str = "stackgres-hold";

/// When a hold ends by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// When it is taken away.
    Open,
    /// At this moment.
    At(Timestamp),
    /// So long from now on.
    After(SignedDuration),
}

/// What became of a hold.
#[derive(Debug)]
pub struct HoldChange {
    /// The one that was there.
    pub before: Option<Hold>,
    /// The one that is there.
    pub after: Option<Hold>,
}

/// Sets the hold of a cluster; the one that is there is replaced. Without a name it is the one the API server knows the caller by.
pub fn hold(
    kubeconfig: Option<&Path>,
    cluster: &NamespacedName,
    reason: &str,
    end: End,
    by: Option<&str>,
) -> Result<HoldChange, LiveError> {
    asked(kubeconfig, async |api| {
        let now = now();
        let until = match end {
            End::Open => None,
            End::At(until) => Some(until),
            End::After(length) => Some(now.checked_add(length).map_err(|_| LiveError::NoHold("it would never end".to_owned()))?),
        };
        if until.is_some_and(|until| until <= now) {
            return Err(LiveError::NoHold("its end has passed".to_owned()));
        }
        let live = find(&api, cluster).await?;
        let by = match by {
            Some(by) => Some(by.to_owned()),
            // A name that cannot be had is told by the field manager.
            None => api.own_name().await.unwrap_or_default(),
        };
        // Whole seconds, as they are written.
        let until = until.and_then(|until| Timestamp::from_second(until.as_second()).ok());
        let wanted = Hold { reason: reason.trim().to_owned(), until, by, problem: None };
        let text = wanted
            .to_text()
            .ok_or_else(|| LiveError::NoHold("reason and name must not be empty, and not look like `; until=…` or `; by=…`".to_owned()))?;
        write(&api, &live, Value::from(text)).await?;
        Ok(HoldChange { before: Hold::of(&live), after: Some(wanted) })
    })
}

/// Takes the hold of a cluster away.
pub fn release(kubeconfig: Option<&Path>, cluster: &NamespacedName) -> Result<HoldChange, LiveError> {
    asked(kubeconfig, async |api| {
        let live = find(&api, cluster).await?;
        let before = Hold::of(&live);
        if before.is_some() {
            write(&api, &live, Value::Null).await?;
        }
        Ok(HoldChange { before, after: None })
    })
}

/// The identity is a precondition: another cluster of that name is another one.
async fn write(api: &crate::kubernetes::Cluster, live: &Object, value: Value) -> Result<(), LiveError> {
    let patch = json!({"metadata": {"uid": live.uid(), "annotations": {HOLD: value}}});
    api.merge(&live.key(), &patch, MANAGER, None).await?;
    Ok(())
}
