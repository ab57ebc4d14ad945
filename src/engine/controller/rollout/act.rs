//! The steps that take longer than a pass, and those that need more than one request.

use super::super::cluster_pass::STATUS_MANAGER;
use super::super::reach::Reach;
use super::super::works::SharedNote;
use crate::instance::{InstanceError, Limits, PATRONI_PORT, Patroni, Purpose, Session};
use crate::kubernetes::{Class, Cluster, KubernetesError};
use crate::model::{NamespacedName, Object, ObjectKey};
use crate::render::revision::Revision;
use crate::rollout::MANAGER;
use crate::rollout::change::Action;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// One step of one cluster.
pub(super) struct Task {
    pub(super) api: Cluster,
    pub(super) cluster: NamespacedName,
    pub(super) revision: Revision,
    pub(super) limits: Limits,
    pub(super) action: Action,
    pub(super) note: SharedNote,
}

impl Task {
    /// Does it. What became of it is found again from the facts; a failure is told, and tried again until the step's time is over.
    pub(super) async fn carry_out(self) {
        self.note.change(|note| note.doing(self.action.to_string()));
        let done = match Reach::read(&self.api, &self.cluster, &self.revision).await {
            Err(error) => Err(error.to_string()),
            Ok(Err(missing)) => Err(missing),
            Ok(Ok(reach)) => Box::pin(self.perform(&reach)).await,
        };
        match done {
            Ok(()) => self.note.change(|note| *note = super::super::works::Note::default()),
            Err(why) => {
                tracing::warn!(why, action = %self.action, "a step was not carried out");
                self.note.change(|note| note.trouble(why));
            }
        }
    }

    fn pod(&self, ordinal: u32) -> String {
        format!("{}-{ordinal}", self.cluster.name)
    }

    async fn perform(&self, reach: &Reach) -> Result<(), String> {
        match &self.action {
            Action::Checkpoint { instance } => self.checkpoint(reach, *instance).await,
            Action::Restart { instance, .. } => {
                let pod = self.pod(*instance);
                let endpoint = reach.endpoint(&pod).ok_or_else(|| format!("{pod} has no address"))?;
                self.checkpoint_sql(reach, *instance).await.map_err(|error| error.to_string())?;
                let user = reach.working("restapi-username").unwrap_or_default();
                let mut last = "no password of Patroni's interface is known".to_owned();
                for password in reach.both("restapi-password") {
                    let patroni = Patroni::new(self.limits.clone()).with_credentials(user.clone(), password);
                    match patroni.restart(&endpoint.at(PATRONI_PORT)).await {
                        Ok(()) => return Ok(()),
                        Err(error) => last = error.to_string(),
                    }
                }
                Err(last)
            }
            Action::SwitchOver { leader, candidate } => {
                self.checkpoint_sql(reach, *leader).await.map_err(|error| error.to_string())?;
                let name = format!("{}-failover", self.revision.effective.scope());
                let key = ObjectKey::new("v1", "Endpoints", Some(&self.cluster.namespace), &name);
                let wish = json!({"metadata": {"annotations": {"leader": self.pod(*leader), "member": self.pod(*candidate)}}});
                self.api.merge(&key, &wish, MANAGER, None).await.map(drop).map_err(|error| error.to_string())
            }
            _ => Ok(()),
        }
    }

    async fn checkpoint_sql(&self, reach: &Reach, instance: u32) -> Result<Option<u64>, InstanceError> {
        let pod = self.pod(instance);
        let Some(endpoint) = reach.endpoint(&pod) else { return Ok(None) };
        let refused = |reason: String| InstanceError::Refused { address: endpoint.to_string(), reason };
        let login = reach.superuser("postgres").map_err(refused)?;
        let session = Session::connect(&self.limits, &endpoint, &login, Purpose::Script).await?;
        let done = async {
            // Where the WAL is before the checkpoint: what is behind this position was written with the values of now.
            let position = "SELECT (CASE WHEN pg_catalog.pg_is_in_recovery() THEN NULL ELSE pg_catalog.pg_current_wal_insert_lsn() - '0/0'::pg_lsn END)::bigint::text AS position";
            let position = session.rows(position, &[]).await?.first().and_then(|row| row.get("position")?.parse().ok());
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
        if let Some(position) = position {
            let key = ObjectKey::new("stackgres.io/v1", "SGCluster", Some(&self.cluster.namespace), &self.cluster.name);
            let patch = json!({"status": {"rollout": {"loweredAt": position}}});
            self.api.patch_status(&key, &patch, STATUS_MANAGER).await.map_err(|error| error.to_string())?;
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
        Action::SwitchOver { leader, candidate } => {
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
