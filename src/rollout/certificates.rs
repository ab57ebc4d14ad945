//! The next step of a cluster's certificate.
//!
//! A generated one is signed by an authority that outlives it. Before the authority itself grows too old, the next one is made and
//! clients get both; it signs from the day on which the old one no longer outlives a certificate. So whoever took `ca.crt` within
//! the life of a certificate never meets one that it does not trust. A given one is copied to where the pods look, after it was
//! looked at; what cannot be served stays outside.

use crate::health::{CertificateFacts, pair_problem, read_certificate, split_certificates};
use crate::model::Object;
use crate::render::CertificatePlan;
use jiff::Timestamp;
use std::collections::BTreeSet;

/// Certificate chain.
pub const CHAIN: &str = "tls.crt";
/// Private key.
pub const KEY: &str = "tls.key";
/// What clients trust.
pub const AUTHORITY: &str = "ca.crt";
/// Private key of the authority.
pub const AUTHORITY_KEY: &str = "ca.key";
/// The authority that signs next.
pub const NEXT_AUTHORITY: &str = "next-ca.crt";
/// Its private key.
pub const NEXT_AUTHORITY_KEY: &str = "next-ca.key";
/// Annotation of the Secret with the certificate: `generated` or `given`.
pub const ORIGIN: &str = "stackgres.io/certificate-origin";

/// A certificate of the user's own, as the Secrets hold it now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GivenCertificate {
    /// Chain in PEM form, the server's own first.
    pub chain: String,
    /// Private key in PEM form.
    pub key: String,
    /// What clients shall trust, where the Secret says so.
    pub authority: Option<String>,
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CertificateStep {
    /// Nothing.
    Keep,
    /// Make the Secret of the authority.
    MakeAuthority {
        /// Days until it ends.
        days: u32,
    },
    /// Put the next authority beside the one that signs.
    MakeNextAuthority {
        /// Days until it ends.
        days: u32,
    },
    /// The next authority signs from now on.
    PromoteAuthority,
    /// Sign a new certificate, and let clients trust these authorities.
    Sign {
        /// Why.
        reason: &'static str,
        /// Certificates to trust, in PEM form.
        trusted: String,
    },
    /// Let clients trust these authorities; the certificate stays.
    Trust {
        /// Certificates to trust, in PEM form.
        trusted: String,
    },
    /// Take the given one.
    Take {
        /// Certificates to trust, in PEM form.
        trusted: String,
    },
    /// Nothing can be done.
    Wait {
        /// Why, and what helps.
        what: String,
    },
}

/// The next step. `secret` is the one that pods mount, `authority` the one that nobody mounts.
pub fn next_certificate(
    plan: &CertificatePlan,
    secret: Option<&Object>,
    authority: Option<&Object>,
    given: Option<&Result<GivenCertificate, String>>,
    now: Timestamp,
) -> CertificateStep {
    let entry = |key: &str| secret.and_then(|secret| secret.secret_text(key));
    let current = entry(CHAIN).and_then(|chain| read_certificate(&chain).ok()).filter(|_| entry(KEY).is_some());
    match given {
        Some(Ok(given)) => take(secret, given, now),
        Some(Err(problem)) => CertificateStep::Wait { what: problem.clone() },
        None => generated(plan, secret, current.as_ref(), authority, now),
    }
}

fn take(secret: Option<&Object>, given: &GivenCertificate, now: Timestamp) -> CertificateStep {
    let wait = |what: String| CertificateStep::Wait { what };
    let facts = match read_certificate(&given.chain) {
        Ok(facts) => facts,
        Err(problem) => return wait(format!("the given certificate: {problem}")),
    };
    if let Some(problem) = pair_problem(&given.chain, &given.key) {
        return wait(problem);
    }
    let trusted = given.authority.clone().unwrap_or_else(|| given.chain.clone());
    let entry = |key: &str| secret.and_then(|secret| secret.secret_text(key));
    let same = |key: &str, value: &str| entry(key).as_deref() == Some(value);
    if same(CHAIN, &given.chain) && same(KEY, &given.key) && same(AUTHORITY, &trusted) {
        return CertificateStep::Keep;
    }
    // One that has ended is better than none at the first start, and worse than any that is in place.
    if facts.ends <= now && secret.is_some() {
        return wait(format!("the given certificate ended on {}", crate::model::day(facts.ends)));
    }
    CertificateStep::Take { trusted }
}

fn generated(
    plan: &CertificatePlan,
    secret: Option<&Object>,
    current: Option<&CertificateFacts>,
    authority: Option<&Object>,
    now: Timestamp,
) -> CertificateStep {
    // Long enough to sign many certificates, and to have the next one beside it for the life of one.
    let days = 3_650.max(plan.days.saturating_mul(4));
    let Some(authority) = authority else { return CertificateStep::MakeAuthority { days } };
    let read = |key: &str| authority.secret_text(key).and_then(|pem| Some((read_certificate(&pem).ok()?, pem)));
    let Some((signs, signs_pem)) = read(AUTHORITY).filter(|_| authority.secret_text(AUTHORITY_KEY).is_some()) else {
        return CertificateStep::Wait {
            what: format!(
                "the Secret {} holds no usable authority: restore it, or delete it and a new one is made, which clients must be given",
                authority.name()
            ),
        };
    };
    let next = read(NEXT_AUTHORITY).filter(|_| authority.secret_text(NEXT_AUTHORITY_KEY).is_some());
    let left = signs.days_left(now);
    if left < i64::from(plan.days) && next.is_some() {
        return CertificateStep::PromoteAuthority;
    }
    if left < i64::from(plan.days) * 2 && next.is_none() {
        return CertificateStep::MakeNextAuthority { days };
    }
    let mut trusted: Vec<String> = vec![signs_pem];
    trusted.extend(next.map(|(_, pem)| pem));
    let written = secret.filter(|secret| secret.annotation(ORIGIN) != Some("given")).and_then(|secret| secret.secret_text(AUTHORITY));
    let valid = |pem: &String| read_certificate(pem).is_ok_and(|facts| facts.ends > now);
    for old in written.iter().flat_map(|pem| split_certificates(pem)).filter(valid) {
        if !trusted.iter().any(|pem| pem.trim() == old.trim()) {
            trusted.push(old);
        }
    }
    let trusted = trusted.iter().fold(String::new(), |all, pem| all + pem.trim() + "\n");
    let wanted: BTreeSet<String> = plan.names.iter().cloned().collect();
    let reason = match current {
        None => Some("there is none"),
        Some(_) if secret.and_then(|secret| secret.annotation(ORIGIN)) == Some("given") => Some("there is no given one any more"),
        Some(facts) if facts.days_left(now) < i64::from(plan.renew_before_days) => Some("it ends soon"),
        Some(facts) if facts.names != wanted => Some("it is for other names"),
        Some(_) => None,
    };
    match reason {
        Some(reason) => CertificateStep::Sign { reason, trusted },
        None if written.as_deref() != Some(&trusted) => CertificateStep::Trust { trusted },
        None => CertificateStep::Keep,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::apply::{MadeCertificate, data, make_authority, sign};
    use crate::resolve::SecretKey;
    use serde_json::json;

    fn plan(given: bool) -> CertificatePlan {
        let key = |key: &str| SecretKey { name: "g".to_owned(), key: key.to_owned() };
        CertificatePlan {
            secret: "a-ssl".to_owned(),
            authority: "a-ssl-authority".to_owned(),
            names: vec!["a.b".to_owned()],
            days: 90,
            renew_before_days: 30,
            given: given.then(|| (key("tls.crt"), key("tls.key"))),
        }
    }

    fn secret(name: &str, origin: &str, entries: &[(&str, &str)]) -> Object {
        let entries = entries.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        Object::new(json!({"kind": "Secret", "metadata": {"name": name, "annotations": {ORIGIN: origin}}, "data": data(&entries)}))
    }

    fn authority(made: &MadeCertificate) -> Object {
        secret("a-ssl-authority", "", &[(AUTHORITY, &made.certificate), (AUTHORITY_KEY, &made.key)])
    }

    fn served(made: &MadeCertificate, trusted: &str, origin: &str) -> Object {
        secret("a-ssl", origin, &[(CHAIN, &made.certificate), (KEY, &made.key), (AUTHORITY, trusted)])
    }

    fn in_days(days: i64) -> Timestamp {
        #[expect(clippy::disallowed_methods, reason = "certificates are made for the time of now")]
        let now = Timestamp::now();
        now + jiff::SignedDuration::from_hours(24 * days)
    }

    fn next(secret: Option<&Object>, authority: Option<&Object>, days: i64) -> CertificateStep {
        next_certificate(&plan(false), secret, authority, None, in_days(days))
    }

    #[test]
    fn a_certificate_is_made_and_renewed_in_time() {
        assert_eq!(next(None, None, 0), CertificateStep::MakeAuthority { days: 3_650 });
        let made = make_authority("a", 3_650).unwrap();
        let signer = authority(&made);
        assert!(matches!(next(None, Some(&signer), 0), CertificateStep::Sign { .. }));
        let leaf = served(&sign(&made, "a", &plan(false).names, 90).unwrap(), &made.certificate, "generated");
        assert_eq!(next(Some(&leaf), Some(&signer), 0), CertificateStep::Keep);
        assert_eq!(next(Some(&leaf), Some(&signer), 59), CertificateStep::Keep);
        // What clients trust stays the same.
        let renewal = CertificateStep::Sign { reason: "it ends soon", trusted: made.certificate.clone() };
        assert_eq!(next(Some(&leaf), Some(&signer), 61), renewal);
        let other = served(&sign(&made, "a", &["x.y".to_owned()], 90).unwrap(), &made.certificate, "generated");
        assert!(matches!(next(Some(&other), Some(&signer), 0), CertificateStep::Sign { reason: "it is for other names", .. }));
    }

    /// Clients hold the new authority before anything is signed by it, and the old one as long as something signed by it is served.
    #[test]
    fn an_authority_is_replaced_without_a_client_noticing() {
        let (old, new) = (make_authority("a", 3_650).unwrap(), make_authority("a", 7_300).unwrap());
        let leaf = sign(&old, "a", &plan(false).names, 365 * 20).unwrap();
        let alone = served(&leaf, &old.certificate, "generated");
        assert_eq!(next(Some(&alone), Some(&authority(&old)), 3_650 - 185), CertificateStep::Keep);
        assert_eq!(next(Some(&alone), Some(&authority(&old)), 3_650 - 175), CertificateStep::MakeNextAuthority { days: 3_650 });
        let entries = [
            (AUTHORITY, old.certificate.as_str()),
            (AUTHORITY_KEY, &old.key),
            (NEXT_AUTHORITY, &new.certificate),
            (NEXT_AUTHORITY_KEY, &new.key),
        ];
        let both = secret("a-ssl-authority", "", &entries);
        let trusted = format!("{}{}", old.certificate, new.certificate);
        assert_eq!(next(Some(&alone), Some(&both), 3_650 - 175), CertificateStep::Trust { trusted: trusted.clone() });
        let announced = served(&leaf, &trusted, "generated");
        assert_eq!(next(Some(&announced), Some(&both), 3_650 - 175), CertificateStep::Keep);
        assert_eq!(next(Some(&announced), Some(&both), 3_650 - 85), CertificateStep::PromoteAuthority);
        let promoted = authority(&new);
        let CertificateStep::Trust { trusted } = next(Some(&announced), Some(&promoted), 3_650 - 85) else { panic!("not trusted") };
        assert!(trusted.contains(old.certificate.trim()) && trusted.starts_with(&new.certificate));
        let CertificateStep::Trust { trusted } = next(Some(&announced), Some(&promoted), 3_651) else { panic!("not dropped") };
        assert_eq!(trusted, new.certificate, "one that has ended is dropped");
    }

    #[test]
    fn a_given_certificate_is_looked_at_before_it_is_taken() {
        let made = make_authority("x", 3_650).unwrap();
        let (one, two) = (sign(&made, "x", &["x".to_owned()], 90).unwrap(), sign(&made, "x", &["x".to_owned()], 90).unwrap());
        let given = |chain: &str, key: &str| {
            Some(Ok(GivenCertificate { chain: chain.to_owned(), key: key.to_owned(), authority: Some(made.certificate.clone()) }))
        };
        let look = |secret: Option<&Object>, given: Option<Result<GivenCertificate, String>>, days| {
            next_certificate(&plan(true), secret, None, given.as_ref(), in_days(days))
        };
        let take = CertificateStep::Take { trusted: made.certificate.clone() };
        assert_eq!(look(None, given(&one.certificate, &one.key), 0), take);
        let in_place = served(&one, &made.certificate, "given");
        assert_eq!(look(Some(&in_place), given(&one.certificate, &one.key), 0), CertificateStep::Keep);
        assert_eq!(look(Some(&in_place), given(&two.certificate, &two.key), 0), take);
        for (chain, key, days) in [(&two.certificate, &one.key, 0), (&"nothing".to_owned(), &one.key, 0), (&two.certificate, &two.key, 91)]
        {
            assert!(matches!(look(Some(&in_place), given(chain, key), days), CertificateStep::Wait { .. }), "{days}");
        }
        assert!(matches!(look(Some(&in_place), Some(Err("there is no Secret g".to_owned())), 0), CertificateStep::Wait { .. }));
        // Without one of its own the cluster goes back to a generated one.
        let signer = make_authority("a", 3_650).unwrap();
        assert!(
            matches!(next(Some(&in_place), Some(&authority(&signer)), 0), CertificateStep::Sign { trusted, .. } if trusted == signer.certificate)
        );
    }
}
