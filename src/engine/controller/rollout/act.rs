//! The steps that take longer than a pass, and those that need more than one request.

use super::super::cluster_pass::STATUS_MANAGER;
use super::super::events::tell_each;
use super::super::reach::Reach;
use super::super::run::now;
use super::super::switchover::{Report, Trouble, restart, resume_everything, spared, switch_over_and_settle};
use super::super::works::{Note, SharedNote};
use super::probe::STARTED;
use crate::instance::{InstanceError, Limits, Purpose, Session};
use crate::kubernetes::{Class, Cluster, KubernetesError};
use crate::model::{NamespacedName, Object, ObjectKey};
use crate::render::revision::Revision;
use crate::rollout::change::Action;
use crate::rollout::{MANAGER, slots_accepted};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// One step of one cluster.
pub(super) struct Task {
    pub(super) api: Cluster,
    pub(super) cluster: Object,
    pub(super) revision: Revision,
    pub(super) limits: Limits,
    pub(super) action: Action,
    pub(super) note: SharedNote,
}

impl Task {
    /// Does it. What became of it is found again from the facts; a failure is told, and tried again until the step's time is over.
    pub(super) async fn carry_out(self) {
        self.note.change(|note| note.doing(self.action.to_string()));
        let done = match Reach::read(&self.api, &self.name(), &self.revision).await {
            Err(error) => Err(Trouble::Unfinished(error.to_string())),
            Ok(Err(missing)) => Err(Trouble::Held(missing)),
            Ok(Ok(reach)) => Box::pin(self.perform(&reach)).await,
        };
        match done {
            Ok(report) => {
                if report != Report::default() {
                    let what = self.action.text(|ordinal| self.pod(ordinal));
                    tell_each(&self.api, &self.cluster, "RolloutStepDone", &format!("{what}: {}", report.text()), now()).await;
                }
                self.note.change(|note| *note = Note::default());
            }
            Err(Trouble::Held(why)) => {
                // It was not begun, so nothing is waited for but what holds it.
                let patch = json!({"status": {"rollout": {"step": null}}});
                if let Err(error) = self.api.patch_status(&self.cluster.key(), &patch, STATUS_MANAGER).await {
                    tracing::warn!(%error, "a step that was not begun is still written down");
                }
                self.note.change(|note| note.trouble(why));
            }
            Err(Trouble::Unfinished(why)) => {
                tracing::warn!(why, action = %self.action, "a step did not come to its end");
                self.note.change(|note| note.trouble(why));
            }
        }
    }

    fn name(&self) -> NamespacedName {
        self.cluster.namespaced_name()
    }

    fn pod(&self, ordinal: u32) -> String {
        format!("{}-{ordinal}", self.cluster.name())
    }

    async fn perform(&self, reach: &Reach) -> Result<Report, Trouble> {
        let mut progress = |what: String| {
            tracing::info!(what, "rollout");
            self.note.change(|note| note.doing(what));
        };
        match &self.action {
            Action::Checkpoint { instance } => {
                self.checkpoint(reach, *instance).await.map(|()| Report::default()).map_err(Trouble::Unfinished)
            }
            Action::Restart { instance, .. } => {
                Box::pin(restart(&self.limits, reach, &self.revision, &self.pod(*instance), true, &mut progress)).await
            }
            Action::SwitchOver { leader, candidate, .. } => {
                let (leader, candidate) = (self.pod(*leader), self.pod(*candidate));
                let accepted = slots_accepted(&self.cluster);
                let work = switch_over_and_settle(&self.limits, reach, &self.revision, &leader, &candidate, &accepted, &mut progress);
                Box::pin(spared(&self.api, &self.name().namespace, &leader, work)).await
            }
            Action::ReleasePoolers => Box::pin(resume_everything(&self.limits, reach, &self.revision, &mut progress)).await,
            Action::Add { .. } | Action::Resize { .. } | Action::Recreate { .. } => Ok(Report::default()),
        }
    }

    async fn checkpoint_sql(&self, reach: &Reach, instance: u32) -> Result<Option<(u64, Option<u64>)>, InstanceError> {
        let pod = self.pod(instance);
        let Some(endpoint) = reach.endpoint(&pod) else { return Ok(None) };
        let refused = |reason: String| InstanceError::Refused { address: endpoint.to_string(), reason };
        let login = reach.superuser("postgres").map_err(refused)?;
        let session = Session::connect(&self.limits, &endpoint, &login, Purpose::Script).await?;
        let done = async {
            // Where the WAL is before the checkpoint: what is behind this position was written with the values of now.
            let position = format!(
                "SELECT (CASE WHEN pg_catalog.pg_is_in_recovery() THEN NULL ELSE pg_catalog.pg_current_wal_insert_lsn() - '0/0'::pg_lsn END)::bigint::text AS position, {STARTED} AS started"
            );
            let rows = session.rows(&position, &[]).await?;
            let number = |name: &str| rows.first().and_then(|row| row.get(name)?.parse::<u64>().ok());
            let position = number("position").map(|position| (position, number("started")));
            session.run("CHECKPOINT").await?;
            Ok(position)
        }
        .await;
        session.close().await;
        done
    }

    /// A checkpoint; on the leader the position before it is written down, which is what standbys must have behind them.
    async fn checkpoint(&self, reach: &Reach, instance: u32) -> Result<(), String> {
        let position = self.checkpoint_sql(reach, instance).await.map_err(|error| error.to_string())?;
        if let Some((position, started)) = position {
            let patch = json!({"status": {"rollout": {"loweredAt": position, "loweredBy": started}}});
            self.api.patch_status(&self.cluster.key(), &patch, STATUS_MANAGER).await.map_err(|error| error.to_string())?;
        }
        Ok(())
    }
}

/// Changes processor and memory of a running pod. True where that is refused: then a new pod is needed.
/// Source: Kubernetes KEP-1287, "In-place Update of Pod Resources": the subresource `resize`, Kubernetes 1.33 and newer.
pub(super) async fn resize(api: &Cluster, released: &Revision, cluster: &NamespacedName, instance: u32) -> Result<bool, KubernetesError> {
    let set = released.objects.iter().find(|object| object.kind() == "StatefulSet");
    let containers = set.and_then(|set| set.get("/spec/template/spec/containers")).and_then(Value::as_array).into_iter().flatten();
    let containers: Vec<Value> =
        containers.map(|container| json!({"name": container["name"], "resources": container["resources"]})).collect();
    let key = ObjectKey::new("v1", "Pod", Some(&cluster.namespace), &format!("{}-{instance}", cluster.name));
    match api.resize(&key, &json!({"spec": {"containers": containers}})).await {
        Ok(_) => Ok(false),
        Err(error) if error.is_not_found() || matches!(error.class, Class::Invalid | Class::Forbidden) => Ok(true),
        Err(error) => Err(error),
    }
}

/// What simulated instances are told: their Patroni looks at an annotation.
pub(super) async fn simulated(
    api: &Cluster,
    released: &Revision,
    cluster: &NamespacedName,
    action: &Action,
    children: &BTreeMap<ObjectKey, Object>,
) -> Result<(), KubernetesError> {
    let pod = |ordinal: u32| ObjectKey::new("v1", "Pod", Some(&cluster.namespace), &format!("{}-{ordinal}", cluster.name));
    match action {
        Action::Restart { instance, .. } => {
            let version = children.get(&pod(*instance)).and_then(Object::resource_version).unwrap_or_default().to_owned();
            let patch = json!({"metadata": {"annotations": {"stackgres.io/simulated-restart": version}}});
            api.merge(&pod(*instance), &patch, MANAGER, None).await.map(drop)
        }
        Action::SwitchOver { leader, candidate, .. } => {
            // Source: Patroni 4.0.7, `dcs/kubernetes.py`: the wish stands in the annotations `leader` and `member`.
            let name = format!("{}-failover", released.effective.scope());
            let key = ObjectKey::new("v1", "Endpoints", Some(&cluster.namespace), &name);
            let wish = json!({"metadata": {"annotations": {"leader": pod(*leader).name, "member": pod(*candidate).name}}});
            api.merge(&key, &wish, MANAGER, None).await.map(drop)
        }
        Action::Checkpoint { .. } => {
            let key = ObjectKey::new("stackgres.io/v1", "SGCluster", Some(&cluster.namespace), &cluster.name);
            api.patch_status(&key, &json!({"status": {"rollout": {"loweredAt": 0}}}), STATUS_MANAGER).await.map(drop)
        }
        _ => Ok(()),
    }
}
