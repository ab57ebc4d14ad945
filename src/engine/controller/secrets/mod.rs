//! Keeps the Secrets of a cluster (certificate, credentials, binding), and sees to it that instances read them, and the pooler its file.
//!
//! In: the revision that is carried out, and users' own Secrets. Out: Secrets that fit, and instances that serve what they hold.
//! Invariant: nothing is replaced by something that was not looked at; what instances serve is proved by a handshake or a login, and
//! noted at the pod, so that an idle cluster is asked nothing. Why: these change without a release, and never by a restart.

mod certificate;
mod given;
mod instances;
mod rotation;

pub(super) use certificate::PREVIOUS;
pub(super) use given::Given;
pub(super) use instances::{console, patroni_clients, reload_patroni};

use super::cluster_pass::ClusterPass;
use super::works::{Note, SharedNote, Works};
use crate::apply::{data, random_text, secret_of};
use crate::health::Instances;
use crate::kubernetes::{Cluster, KubernetesError};
use crate::model::{NamespacedName, Object, ObjectKey};
use crate::render::revision::Revision;
use crate::render::{VERSION, VERSION_LENGTH, binding_entries, binding_secret, credentials_in_use, derived_entries, secret_labels};
use crate::rollout::{CredentialsStep, REFUSED, credentials_of, next_credentials};
use crate::status::Condition;
use instances::{Wanted, not_loaded};
use rotation::Task;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio::sync::{Semaphore, mpsc};

/// Field manager of what is written here.
const MANAGER: &str = "stackgres-secrets";

/// Work on secrets under way.
pub(super) struct SecretWorks {
    pub(super) works: Works,
    /// One rotation at a time over all clusters: a bad Secret that many clusters share stops at the first.
    rotations: Arc<Semaphore>,
    /// Whether there is somebody to ask.
    simulated: bool,
}

impl SecretWorks {
    /// None yet. Simulated instances are never asked.
    pub(super) fn new(hints: mpsc::Sender<()>, simulated: bool) -> Self {
        Self { works: Works::new("secrets", hints), rotations: Arc::new(Semaphore::new(1)), simulated }
    }
}

/// One look at the Secrets of a cluster: writes what can be written at once, and begins what needs the instances.
pub(super) async fn keep_secrets(
    pass: &ClusterPass<'_>,
    revision: &Revision,
    children: &BTreeMap<ObjectKey, Object>,
    seen: &Instances,
    given: &Given,
    conditions: &mut Vec<Condition>,
) -> Result<(), KubernetesError> {
    let ClusterPass { api, cluster, secrets: works, now, .. } = *pass;
    let effective = &revision.effective;
    let name = cluster.namespaced_name();
    let child = |name: &str| children.get(&ObjectKey::new("v1", "Secret", Some(&effective.cluster.namespace), name));
    let served = certificate::keep(pass, effective, children, given, conditions).await?;
    let Some(own) = child(&name.name) else { return Ok(()) };
    let (left, busy) = works.works.look(&name);
    let in_use = child(&credentials_in_use(effective));
    keep_binding(api, effective, child(&binding_secret(effective)), in_use.unwrap_or(own), given).await?;
    let versions = given.versions(effective);
    let refused = in_use.is_some_and(|secret| secret.annotation(REFUSED) == Some(&versions));
    let mut step = next_credentials(own, in_use, &given.credentials(effective), refused);
    if let CredentialsStep::Write { changes } = &step {
        // A replica that starts reads the new file at once, so nothing is begun that cannot be brought to its end now.
        let leads = seen.leader().is_some_and(|leader| leader.ready);
        if !busy && left.may_try(now) && (changes.is_empty() || leads) {
            let mut entries = credentials_of(own);
            entries.extend(changes.clone());
            entries.insert(VERSION.to_owned(), random_text(VERSION_LENGTH));
            let written = write(api, own, &entries).await?;
            step = next_credentials(&written, in_use, &BTreeMap::new(), false);
        } else {
            step = CredentialsStep::Rotate { roles: Vec::new() };
        }
    }
    let wanted = Wanted::of(effective, served, own);
    let pods = || children.values().filter(|object| object.kind() == "Pod");
    let waiting = not_loaded(pods(), &wanted);
    if works.simulated {
        conditions.push(Condition::new("FilesInUse", None, "Simulated", "the instances are simulated, so nobody is asked"));
        return Ok(());
    }
    let idle = matches!(step, CredentialsStep::Settled | CredentialsStep::Wait { .. }) && waiting.is_empty();
    conditions.push(condition(&step, &left, &waiting));
    if idle {
        works.works.forget(&name);
    } else if !busy && left.may_try(now) && pods().any(|pod| pod.text("/status/podIP").is_some()) {
        start(pass, revision, left, versions);
    }
    Ok(())
}

fn start(pass: &ClusterPass<'_>, revision: &Revision, left: Note, versions: String) {
    let ClusterPass { api, cluster, secrets: works, .. } = *pass;
    let note = SharedNote::after(left);
    let task = Task {
        api: api.clone(),
        cluster: cluster.clone(),
        revision: revision.clone(),
        limits: works.works.limits.clone(),
        note: note.clone(),
        rotations: works.rotations.clone(),
        versions,
    };
    let name: NamespacedName = cluster.namespaced_name();
    works.works.start(&name, note, task.carry_on());
}

fn condition(step: &CredentialsStep, left: &Note, waiting: &[&str]) -> Condition {
    let say = |status: Option<bool>, reason: &str, message: String| Condition::new("FilesInUse", status, reason, message);
    match (step, left) {
        (CredentialsStep::Wait { reason, what }, _) => say(Some(false), reason, what.clone()),
        (_, Note { trouble: Some(trouble), .. }) => say(Some(false), "Waiting", trouble.clone()),
        (_, Note { doing: Some(doing), .. }) => say(Some(false), "Changing", doing.clone()),
        (CredentialsStep::Settled, _) if waiting.is_empty() => say(Some(true), "InUse", String::new()),
        (CredentialsStep::Settled, _) => say(Some(false), "Loading", format!("not yet read by {}", waiting.join(", "))),
        (CredentialsStep::Adopt, _) => say(Some(false), "NotProved", "no login was tried yet".to_owned()),
        (CredentialsStep::Rotate { .. } | CredentialsStep::Write { .. }, _) => {
            say(Some(false), "Changing", "new credentials are on their way".to_owned())
        }
    }
}

/// Writes credentials and what follows from them into the cluster's Secret; other entries stay.
async fn write(api: &Cluster, secret: &Object, entries: &BTreeMap<String, String>) -> Result<Object, KubernetesError> {
    let mut all = entries.clone();
    all.extend(derived_entries(entries));
    let patch = json!({"metadata": {"resourceVersion": secret.resource_version()}, "data": data(&all)});
    api.merge(&secret.key(), &patch, MANAGER, None).await
}

/// Keeps the Secret for applications, from credentials that work. Where the password of a user of its own is not known, it stays.
async fn keep_binding(
    api: &Cluster,
    effective: &crate::resolve::Effective,
    live: Option<&Object>,
    credentials: &Object,
    given: &Given,
) -> Result<(), KubernetesError> {
    let password = match &effective.binding.password {
        None => None,
        Some(key) => match given.value(key) {
            Ok(password) => Some(password),
            Err(_) => return Ok(()),
        },
    };
    let entries = binding_entries(effective, &credentials_of(credentials), password);
    let Some(live) = live else {
        let name = binding_secret(effective);
        let mut secret = secret_of(&effective.cluster.namespace, &name, &secret_labels(effective), &entries);
        // Source: Service Binding specification 1.1, "Provisioned Service": the type of the Secret says what is behind it.
        secret.value_mut()["type"] = json!("servicebinding.io/postgresql");
        return api.create(&secret).await.map(drop);
    };
    if entries.iter().all(|(key, value)| live.secret_text(key).as_ref() == Some(value)) {
        return Ok(());
    }
    let patch: Value = json!({"metadata": {"resourceVersion": live.resource_version()}, "data": data(&entries)});
    api.merge(&live.key(), &patch, MANAGER, None).await.map(drop)
}
