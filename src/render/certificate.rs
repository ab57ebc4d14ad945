//! The certificate of a cluster.
//!
//! Pods mount one Secret, `<cluster>-ssl`, whoever the certificate comes from: a generated one is signed by an authority of the
//! cluster's own, a given one is copied there after it was looked at. So neither a renewal nor a change from one to the other makes
//! new pods, and a certificate that cannot be served never reaches one.

use super::metadata::scope;
use super::secrets::{authority_secret, certificate_secret};
use crate::resolve::{Effective, SecretKey};

/// What kind of certificate a cluster has, and when a new one is due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertificatePlan {
    /// Secret with `tls.crt`, `tls.key` and `ca.crt`, which the pods mount.
    pub secret: String,
    /// Secret with `ca.crt` and `ca.key`, which nobody mounts. The authority outlives the certificates it signs, so that clients
    /// that trust `ca.crt` notice no renewal.
    pub authority: String,
    /// Host names of a generated certificate.
    pub names: Vec<String>,
    /// Days until a generated one ends.
    pub days: u32,
    /// A new one is due when fewer days are left: a third of its life and at most 30 days, a day at least.
    pub renew_before_days: u32,
    /// A certificate of the user's own: chain and private key.
    pub given: Option<(SecretKey, SecretKey)>,
}

/// The certificate of a cluster; `None` without TLS.
pub fn certificate(effective: &Effective) -> Option<CertificatePlan> {
    let ssl = &effective.postgres.ssl;
    if !ssl.enabled.value {
        return None;
    }
    let name = &effective.cluster.name;
    let mut hosts: Vec<String> = vec![scope(effective), format!("{name}-primary"), format!("{name}-replicas")];
    if scope(effective) != *name {
        hosts.push(name.clone());
    }
    let names = hosts
        .into_iter()
        .flat_map(|host| {
            let host = format!("{host}.{}", effective.cluster.namespace);
            [host.clone(), format!("{host}.svc"), format!("{host}.svc.{}", effective.cluster_domain)]
        })
        .collect();
    let days = days(&ssl.duration.value);
    let reference = |(name, key): (String, String)| SecretKey { name, key };
    Some(CertificatePlan {
        secret: certificate_secret(name),
        authority: authority_secret(name),
        names,
        days,
        renew_before_days: (days / 3).clamp(1, 30),
        given: ssl.certificate.clone().map(reference).zip(ssl.private_key.clone().map(reference)),
    })
}

/// Whole days of an ISO 8601 duration that was checked before; a day at least.
fn days(duration: &str) -> u32 {
    let span: Option<jiff::Span> = duration.parse().ok();
    let days = span.map_or(90, |span| {
        i64::from(span.get_years()) * 365
            + i64::from(span.get_months()) * 30
            + i64::from(span.get_weeks()) * 7
            + i64::from(span.get_days())
            + i64::from(span.get_hours()) / 24
    });
    u32::try_from(days.clamp(1, 36_500)).unwrap_or(90)
}
