//! Secrets that are made once. What is random is described here and made by `apply`.

use super::metadata::{generic, scope};
use crate::resolve::Effective;
use std::collections::BTreeMap;

/// How one entry of a generated Secret comes about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Material {
    /// Fixed text, a user name for example.
    Text(String),
    /// What another Secret holds, at the moment this one is made.
    Copied {
        /// Name of that Secret, in the same namespace.
        secret: String,
        /// Its key.
        key: String,
    },
    /// A random password of this many characters from letters and digits.
    Password(usize),
    /// Other entries put together: `{KEY}` is replaced by the entry of that key.
    Composed(String),
    /// The certificate chain of a new key pair for these host names, valid for so many days, signed by an own authority.
    Certificate {
        /// Host names and addresses it is for.
        names: Vec<String>,
        /// Days until it ends.
        days: u32,
    },
    /// The private key that belongs to the certificate.
    PrivateKey,
    /// The certificate of the own authority.
    Authority,
}

/// A Secret to make once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GeneratedSecret {
    /// Namespace.
    pub namespace: String,
    /// Name.
    pub name: String,
    /// Labels.
    pub labels: BTreeMap<String, String>,
    /// Entries.
    pub entries: BTreeMap<String, Material>,
}

/// Characters of a generated password: 32 of 62 give 190 bits.
const PASSWORD: usize = 32;

/// Every generated Secret of a cluster.
pub(super) fn generated(effective: &Effective) -> Vec<GeneratedSecret> {
    let name = &effective.cluster.name;
    let secret = |name: String, entries: Vec<(&str, Material)>| GeneratedSecret {
        namespace: effective.cluster.namespace.clone(),
        name,
        labels: generic(effective),
        entries: entries.into_iter().map(|(key, material)| (key.to_owned(), material)).collect(),
    };
    let text = |text: &str| Material::Text(text.to_owned());
    let mut secrets = vec![
        secret(
            name.clone(),
            vec![
                ("superuser-username", text("postgres")),
                ("superuser-password", Material::Password(PASSWORD)),
                ("replication-username", text("replicator")),
                ("replication-password", Material::Password(PASSWORD)),
                ("authenticator-username", text("authenticator")),
                ("authenticator-password", Material::Password(PASSWORD)),
                ("restapi-username", text("superuser")),
                ("restapi-password", Material::Password(PASSWORD)),
                ("pgbouncer-admin-password", Material::Password(PASSWORD)),
                ("pgbouncer-stats-password", Material::Password(PASSWORD)),
                (
                    "pgbouncer-users",
                    Material::Composed(
                        "\"authenticator\" \"{authenticator-password}\"\n\"pgbouncer_admin\" \"{pgbouncer-admin-password}\"\n\"pgbouncer_stats\" \"{pgbouncer-stats-password}\"\n"
                            .to_owned(),
                    ),
                ),
            ],
        ),
        secret(
            format!("{name}-binding"),
            vec![
                ("type", text("postgresql")),
                ("provider", text("stackgres")),
                ("host", Material::Text(format!("{}.{}", scope(effective), effective.cluster.namespace))),
                ("port", text("5432")),
                ("username", text("postgres")),
            ],
        ),
    ];
    // A standby cluster has the data of its source, and in them the users and their passwords.
    for (entry, (secret, key)) in effective.replicate_from.iter().flat_map(|source| &source.credentials) {
        let copied = Material::Copied { secret: secret.clone(), key: key.clone() };
        secrets[0].entries.insert(entry.clone(), copied);
    }
    if let Some(certificate) = certificate(effective) {
        secrets.push(secret(
            certificate.secret,
            vec![
                ("tls.crt", Material::Certificate { names: certificate.names, days: certificate.days }),
                ("tls.key", Material::PrivateKey),
                ("ca.crt", Material::Authority),
            ],
        ));
    }
    secrets
}

/// The certificate that is made for a cluster, and when a new one is due.
///
/// The authority outlives it: kept in a Secret of its own that no pod mounts, it signs each renewal, so that clients that trust
/// `ca.crt` notice nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IssuedCertificate {
    /// Secret with `tls.crt`, `tls.key` and `ca.crt`, which the pods mount.
    pub secret: String,
    /// Secret with `ca.crt` and `ca.key`, which nobody mounts.
    pub authority: String,
    /// Host names it is for.
    pub names: Vec<String>,
    /// Days until it ends.
    pub days: u32,
    /// A new one is due when fewer days are left: a twelfth of its life, a day at least.
    pub renew_before_days: u32,
}

/// The certificate to make and renew; `None` without TLS and with a certificate of the user's.
pub fn certificate(effective: &Effective) -> Option<IssuedCertificate> {
    if !effective.postgres.ssl.enabled.value || effective.postgres.ssl.certificate.is_some() {
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
    let days = days(&effective.postgres.ssl.duration.value);
    let authority = format!("{name}-ssl-authority");
    Some(IssuedCertificate { secret: format!("{name}-ssl"), authority, names, days, renew_before_days: (days / 12).max(1) })
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
