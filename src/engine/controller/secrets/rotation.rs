//! The work that needs the instances: they read what the Secrets hold, roles get new passwords, logins are tried.

use super::super::events::tell;
use super::super::reach::{Reach, not_ready};
use super::super::run::now;
use super::super::works::SharedNote;
use super::instances::{Wanted, load};
use super::{MANAGER, write};
use crate::apply::{data, secret_of};
use crate::health::read_certificate;
use crate::instance::{
    Class as Trouble, Console, Endpoint, InstanceError, Limits, Login, POOLER_PORT, POSTGRES_PORT, Purpose, Session, quoted,
};
use crate::kubernetes::{Cluster, KubernetesError};
use crate::model::{Object, ObjectKey, SecretText};
use crate::render::revision::Revision;
use crate::render::{certificate_secret, credentials_in_use, secret_labels};
use crate::rollout::{CHAIN, CredentialsStep, REFUSED, RolePassword, credentials_of, next_credentials};
use postgres_protocol::password::scram_sha_256;
use serde_json::json;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::time::Instant;

/// Time for a change of roles, which waits for a synchronous standby.
const CHANGE: Duration = Duration::from_secs(30);
/// Time for new passwords to reach every replica.
const PROOF: Duration = Duration::from_mins(1);
/// Pause between two tries.
const PAUSE: Duration = Duration::from_secs(1);

/// The work on one cluster.
pub(super) struct Task {
    pub(super) api: Cluster,
    pub(super) cluster: Object,
    pub(super) revision: Revision,
    pub(super) limits: Limits,
    pub(super) note: SharedNote,
    pub(super) rotations: Arc<Semaphore>,
    /// Versions of the Secrets that given credentials come from.
    pub(super) versions: String,
}

type Done = Result<(), String>;

impl Task {
    pub(super) async fn carry_on(self) {
        match Box::pin(self.work()).await {
            Ok(Ok(())) => self.note.change(|note| *note = super::Note::default()),
            Ok(Err(why)) => {
                tracing::warn!(why, "secrets are left to a later pass");
                self.note.change(|note| note.trouble(why));
            }
            Err(error) => {
                tracing::warn!(%error, "secrets are left to a later pass");
                self.note.change(|note| note.trouble(error.to_string()));
            }
        }
    }

    async fn work(&self) -> Result<Done, KubernetesError> {
        let reach = match self.reach().await? {
            Ok(reach) => reach,
            Err(why) => return Ok(Err(why)),
        };
        match next_credentials(&reach.credentials, reach.in_use.as_ref(), &BTreeMap::new(), false) {
            CredentialsStep::Rotate { roles } => {
                let Ok(_one) = self.rotations.acquire().await else { return Ok(Err("the process ends".to_owned())) };
                // The wait may have been long.
                match self.reach().await? {
                    Ok(reach) => Box::pin(self.rotate(&reach, &roles)).await,
                    Err(why) => Ok(Err(why)),
                }
            }
            CredentialsStep::Adopt => match self.load(&reach).await? {
                Ok(()) => self.adopt(&reach).await,
                Err(why) => Ok(Err(why)),
            },
            _ => self.load(&reach).await,
        }
    }

    async fn reach(&self) -> Result<Result<Reach, String>, KubernetesError> {
        Reach::read(&self.api, &self.cluster.namespaced_name(), &self.revision).await
    }

    fn pooling(&self) -> bool {
        self.revision.effective.pooling.is_some()
    }

    async fn load(&self, reach: &Reach) -> Result<Done, KubernetesError> {
        let effective = &self.revision.effective;
        let key = ObjectKey::new("v1", "Secret", self.cluster.namespace(), &certificate_secret(self.cluster.name()));
        let certificate = if effective.postgres.ssl.enabled.value {
            self.api.get(&key).await?.and_then(|secret| secret.secret_text(CHAIN))
        } else {
            None
        };
        let fingerprint = certificate.and_then(|chain| read_certificate(&chain).ok()).map(|facts| facts.fingerprint);
        let wanted = Wanted::of(effective, fingerprint, &reach.credentials);
        self.note.change(|note| note.doing("instances read what their files hold".to_owned()));
        load(&self.api, &self.limits, reach, &wanted).await
    }

    /// Notes that the credentials work, after the proof.
    async fn adopt(&self, reach: &Reach) -> Result<Done, KubernetesError> {
        let entries = credentials_of(&reach.credentials);
        match self.proved(reach, &entries).await {
            Ok(()) => self.note_in_use(reach, &entries).await.map(Ok),
            Err(error) => Ok(Err(format!("the credentials in the Secret {} are not proved: {error}", reach.credentials.name()))),
        }
    }

    async fn note_in_use(&self, reach: &Reach, entries: &BTreeMap<String, String>) -> Result<(), KubernetesError> {
        let effective = &self.revision.effective;
        let made = secret_of(&effective.cluster.namespace, &credentials_in_use(effective), &secret_labels(effective), entries);
        match &reach.in_use {
            None => self.api.create(&made).await.map(drop),
            Some(live) => {
                let metadata = json!({"resourceVersion": live.resource_version(), "annotations": {REFUSED: null}});
                self.api.merge(&live.key(), &json!({"metadata": metadata, "data": data(entries)}), MANAGER, None).await.map(drop)
            }
        }
    }

    async fn rotate(&self, reach: &Reach, roles: &[RolePassword]) -> Result<Done, KubernetesError> {
        let (new, old) = (credentials_of(&reach.credentials), reach.in_use.as_ref().map(credentials_of).unwrap_or_default());
        // The roles of a standby cluster are those of its source, where they are changed.
        let roles = if self.revision.effective.replicate_from.is_some() { &[] } else { roles };
        if let Some(why) = not_ready(&reach.seen).filter(|_| !roles.is_empty()) {
            return Ok(Err(format!("new credentials wait: {why}")));
        }
        if let Err(why) = self.load(reach).await? {
            return self.back(reach, &old, roles, format!("the new files did not reach every instance: {why}"), false).await;
        }
        self.note.change(|note| note.doing("roles get their new passwords, and logins are tried".to_owned()));
        if let Err(error) = self.change_roles(reach, roles, &new).await {
            return self.back(reach, &old, roles, format!("the roles could not be changed: {error}"), false).await;
        }
        if let Err(error) = self.proved(reach, &new).await {
            let refused = error.class() == Trouble::Refused;
            return self.back(reach, &old, roles, format!("a login with the new credentials failed: {error}"), refused).await;
        }
        self.note_in_use(reach, &new).await?;
        let names: Vec<&str> = roles.iter().map(|role| role.role.as_str()).collect();
        tracing::info!(roles = names.join(", "), "credentials are rotated");
        tell(
            &self.api,
            &self.cluster,
            false,
            "CredentialsRotated",
            &format!("new credentials are in use (roles: {})", names.join(", ")),
            now(),
        )
        .await;
        Ok(Ok(()))
    }

    /// Puts the old credentials back: into the roles and into the Secret, from where the instances read them again.
    async fn back(
        &self,
        reach: &Reach,
        old: &BTreeMap<String, String>,
        roles: &[RolePassword],
        why: String,
        refused: bool,
    ) -> Result<Done, KubernetesError> {
        if let Err(error) = self.change_roles(reach, roles, old).await {
            return Ok(Err(format!("{why}; and the old passwords could not be put back: {error}")));
        }
        let key = reach.credentials.key();
        if let Some(live) = self.api.get(&key).await? {
            write(&self.api, &live, old).await?;
        }
        if let Some(in_use) = reach.in_use.as_ref().filter(|_| refused) {
            let patch = json!({"metadata": {"annotations": {REFUSED: self.versions}}});
            self.api.merge(&in_use.key(), &patch, MANAGER, None).await?;
        }
        let told = format!("the old credentials are in use again: {why}");
        tell(&self.api, &self.cluster, true, "CredentialsNotRotated", &told, now()).await;
        Ok(Err(told))
    }

    /// Gives roles the passwords of these entries. The statements hold verifiers, so that no log and no statistics hold a password.
    async fn change_roles(&self, reach: &Reach, roles: &[RolePassword], entries: &BTreeMap<String, String>) -> Result<(), InstanceError> {
        if roles.is_empty() {
            return Ok(());
        }
        let mut sql = "BEGIN; SET LOCAL log_statement = 'none'; SET LOCAL log_min_duration_statement = -1;".to_owned();
        for RolePassword { role, entry } in roles {
            let password = entries.get(*entry).map(String::as_str).unwrap_or_default();
            sql.push_str(&format!("ALTER ROLE {} PASSWORD '{}';", quoted(role), scram_sha_256(password.as_bytes())));
        }
        sql.push_str("COMMIT");
        let (endpoint, session) = self.superuser(reach).await?;
        let changed = tokio::time::timeout(CHANGE, session.run(&sql)).await;
        session.close().await;
        changed.unwrap_or(Err(InstanceError::TimedOut { address: endpoint.to_string(), deadline: CHANGE }))
    }

    /// A session of the superuser on the primary, with whichever password works.
    async fn superuser(&self, reach: &Reach) -> Result<(Endpoint, Session), InstanceError> {
        let gone = || InstanceError::Unreachable { address: "the primary".to_owned(), reason: "it has no address".to_owned() };
        let endpoint = reach.seen.primary().and_then(|primary| reach.endpoint(&primary.name)).ok_or_else(gone)?;
        let user = reach.working("superuser-username").unwrap_or_default();
        let mut last = gone();
        for password in reach.both("superuser-password") {
            let login = Login { user: user.clone(), password, database: "postgres".to_owned() };
            match Session::connect(&self.limits, &endpoint, &login, Purpose::Facts).await {
                Ok(session) => return Ok((endpoint, session)),
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    /// Tries every login: the superuser on every instance that is ready, directly and through the pooler; the user of replicas on the
    /// primary; the pooler's own users. A replica learns of new passwords by replaying them, so it may take a while.
    async fn proved(&self, reach: &Reach, entries: &BTreeMap<String, String>) -> Result<(), InstanceError> {
        let login = |user: &str, password: &str, database: &str| Login {
            user: entries.get(user).cloned().unwrap_or_else(|| user.to_owned()),
            password: SecretText::new(entries.get(password).cloned().unwrap_or_default()),
            database: database.to_owned(),
        };
        let end = Instant::now() + PROOF;
        let mut instances: Vec<_> = reach.seen.existing.iter().filter(|instance| instance.ready).collect();
        instances.sort_by_key(|instance| !instance.is_primary());
        for instance in instances {
            let Some(endpoint) = reach.endpoint(&instance.name) else { continue };
            let mut logins = vec![(endpoint.clone(), login("superuser-username", "superuser-password", "postgres"), Purpose::Facts)];
            if instance.is_primary() {
                logins.push((endpoint.clone(), login("replication-username", "replication-password", "postgres"), Purpose::Facts));
            }
            if self.pooling() {
                let pooler = endpoint.at(POOLER_PORT);
                logins.push((pooler.clone(), login("superuser-username", "superuser-password", "postgres"), Purpose::Console));
                logins.push((pooler.clone(), login("authenticator-username", "authenticator-password", "postgres"), Purpose::Console));
                logins.push((pooler, login("pgbouncer_admin", "pgbouncer-admin-password", "pgbouncer"), Purpose::Console));
            }
            for (endpoint, login, purpose) in logins {
                while let Err(error) = self.try_login(&endpoint, &login, purpose).await {
                    // Where the roles were changed there is nothing to wait for, and the old passwords do not work meanwhile.
                    let at_once = instance.is_primary() && endpoint.port == POSTGRES_PORT && error.class() == Trouble::Refused;
                    if at_once || Instant::now() > end {
                        return Err(error);
                    }
                    tokio::time::sleep(PAUSE).await;
                }
            }
        }
        Ok(())
    }

    async fn try_login(&self, endpoint: &Endpoint, login: &Login, purpose: Purpose) -> Result<(), InstanceError> {
        if login.database == "pgbouncer" {
            let console = Console::connect(&self.limits, endpoint, &login.user, login.password.clone()).await?;
            console.close().await;
            return Ok(());
        }
        let session = Session::connect(&self.limits, endpoint, login, purpose).await?;
        session.close().await;
        Ok(())
    }
}
