//! The certificate of a cluster: made, renewed, or taken from the user.

use super::super::cluster_pass::ClusterPass;
use super::super::events::tell;
use super::{Given, MANAGER};
use crate::apply::{CertificateError, MadeCertificate, data, make_authority, secret_of, sign};
use crate::health::read_certificate;
use crate::kubernetes::{Class, Cluster, KubernetesError};
use crate::model::{Object, ObjectKey, day};
use crate::render::{CertificatePlan, certificate, secret_labels};
use crate::resolve::Effective;
use crate::rollout::{AUTHORITY, AUTHORITY_KEY, CHAIN, CertificateStep, KEY, NEXT_AUTHORITY, NEXT_AUTHORITY_KEY, ORIGIN, next_certificate};
use crate::status::Condition;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Entry with the certificate of before: an instance may serve it until it has read the new one.
pub(in crate::engine::controller) const PREVIOUS: &str = "previous.crt";

/// Steps in one pass: an authority, a certificate, and what follows.
const STEPS: usize = 4;

/// Does what is due. Gives the fingerprint of the certificate that instances must serve; `None` without TLS, or while there is none.
pub(super) async fn keep(
    pass: &ClusterPass<'_>,
    effective: &Effective,
    children: &BTreeMap<ObjectKey, Object>,
    given: &Given,
    conditions: &mut Vec<Condition>,
) -> Result<Option<String>, KubernetesError> {
    let ClusterPass { api, cluster, now, .. } = *pass;
    let Some(plan) = certificate(effective) else { return Ok(None) };
    let child = |name: &str| children.get(&ObjectKey::new("v1", "Secret", Some(&effective.cluster.namespace), name)).cloned();
    let (mut secret, mut authority) = (child(&plan.secret), child(&plan.authority));
    let given = given.certificate(effective);
    let keeper = Keeper { api, effective, plan: &plan };
    let mut waits = None;
    for _ in 0..STEPS {
        match next_certificate(&plan, secret.as_ref(), authority.as_ref(), given.as_ref(), now) {
            CertificateStep::Keep => break,
            CertificateStep::Wait { what } => {
                waits = Some(what);
                break;
            }
            CertificateStep::MakeAuthority { days } => {
                let made = made(make_authority(effective.cluster.name.as_str(), days))?;
                let entries = [(AUTHORITY, made.certificate), (AUTHORITY_KEY, made.key)];
                authority = Some(keeper.write(None, &plan.authority, &entries, None).await?);
                if secret.is_some() {
                    let note = "the authority of the certificate was lost and a new one was made: clients that trust ca.crt take it anew, before the certificate ends";
                    tell(api, cluster, true, "AuthorityMade", note, now).await;
                }
            }
            CertificateStep::MakeNextAuthority { days } => {
                let made = made(make_authority(effective.cluster.name.as_str(), days))?;
                let entries = [(NEXT_AUTHORITY, made.certificate), (NEXT_AUTHORITY_KEY, made.key)];
                authority = Some(keeper.write(authority.as_ref(), &plan.authority, &entries, None).await?);
                tell(api, cluster, false, "AuthorityMade", "the authority grows old: ca.crt holds the next one as well from now on", now)
                    .await;
            }
            CertificateStep::PromoteAuthority => {
                let Some(old) = &authority else { break };
                let entry = |key: &str| old.get("/data").and_then(|data| data.get(key)).cloned().unwrap_or_default();
                let data = json!({AUTHORITY: entry(NEXT_AUTHORITY), AUTHORITY_KEY: entry(NEXT_AUTHORITY_KEY), NEXT_AUTHORITY: null, NEXT_AUTHORITY_KEY: null});
                let patch = json!({"metadata": {"resourceVersion": old.resource_version()}, "data": data});
                authority = Some(api.merge(&old.key(), &patch, MANAGER, None).await?);
            }
            CertificateStep::Sign { reason, trusted } => {
                let Some(signer) = authority.as_ref().and_then(|secret| {
                    Some(MadeCertificate { certificate: secret.secret_text(AUTHORITY)?, key: secret.secret_text(AUTHORITY_KEY)? })
                }) else {
                    break;
                };
                let signed = match sign(&signer, &plan.secret, &plan.names, plan.days) {
                    Ok(signed) => signed,
                    Err(error) => {
                        waits = Some(format!(
                            "the Secret {} holds no usable authority ({error}): restore it, or delete it and a new one is made",
                            plan.authority
                        ));
                        break;
                    }
                };
                let entries = [(CHAIN, signed.certificate), (KEY, signed.key), (AUTHORITY, trusted)];
                let renewed = secret.is_some();
                secret = Some(keeper.write(secret.as_ref(), &plan.secret, &entries, Some("generated")).await?);
                if renewed {
                    tell(api, cluster, false, "CertificateRenewed", &format!("a new certificate was made: {reason}"), now).await;
                }
            }
            CertificateStep::Trust { trusted } => {
                secret = Some(keeper.write(secret.as_ref(), &plan.secret, &[(AUTHORITY, trusted)], None).await?);
            }
            CertificateStep::Take { trusted } => {
                let Some(Ok(given)) = &given else { break };
                let entries = [(CHAIN, given.chain.clone()), (KEY, given.key.clone()), (AUTHORITY, trusted)];
                secret = Some(keeper.write(secret.as_ref(), &plan.secret, &entries, Some("given")).await?);
                tell(api, cluster, false, "CertificateTaken", "the given certificate was taken over", now).await;
            }
        }
    }
    let facts = secret.and_then(|secret| secret.secret_text(CHAIN)).and_then(|chain| read_certificate(&chain).ok());
    let message = facts.as_ref().map(|facts| format!("serial {} until {}", facts.serial, day(facts.ends)));
    let soon = facts.as_ref().filter(|facts| facts.days_left(now) < i64::from(plan.renew_before_days));
    conditions.push(match (waits, soon) {
        (Some(what), _) => Condition::new("CertificateValid", Some(false), "Refused", what),
        (None, Some(facts)) if facts.ends <= now => {
            Condition::new("CertificateValid", Some(false), "Ended", format!("it ended on {}", day(facts.ends)))
        }
        (None, Some(facts)) => Condition::new(
            "CertificateValid",
            Some(true),
            "EndsSoon",
            format!("it ends on {}: put a new one into its Secret", day(facts.ends)),
        ),
        (None, None) => Condition::new("CertificateValid", Some(facts.is_some()), "Valid", message.unwrap_or_default()),
    });
    Ok(facts.map(|facts| facts.fingerprint))
}

fn made(result: Result<MadeCertificate, CertificateError>) -> Result<MadeCertificate, KubernetesError> {
    result.map_err(|error| KubernetesError::new("make", "a certificate authority", Class::Other, error.to_string()))
}

struct Keeper<'a> {
    api: &'a Cluster,
    effective: &'a Effective,
    plan: &'a CertificatePlan,
}

impl Keeper<'_> {
    /// Writes entries of a Secret, makes it where there is none. What was served until now stays known.
    async fn write(
        &self,
        live: Option<&Object>,
        name: &str,
        entries: &[(&str, String)],
        origin: Option<&str>,
    ) -> Result<Object, KubernetesError> {
        let mut all: BTreeMap<String, String> = entries.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect();
        let served = live.filter(|_| name == self.plan.secret && all.contains_key(CHAIN)).and_then(|live| live.secret_text(CHAIN));
        all.extend(served.map(|served| (PREVIOUS.to_owned(), served)));
        let annotations: Value = origin.map_or(json!({}), |origin| json!({ORIGIN: origin}));
        if let Some(live) = live {
            let metadata = json!({"resourceVersion": live.resource_version(), "annotations": annotations});
            return self.api.merge(&live.key(), &json!({"metadata": metadata, "data": data(&all)}), MANAGER, None).await;
        }
        let mut secret = secret_of(&self.effective.cluster.namespace, name, &secret_labels(self.effective), &all);
        secret.value_mut()["metadata"]["annotations"] = annotations;
        self.api.create(&secret).await
    }
}
