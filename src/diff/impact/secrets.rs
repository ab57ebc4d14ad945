//! Certificates and credentials: what instances and clients notice when another Secret, or none, is named. What is in the Secrets is
//! no part of a manifest, so a change of their content is in no plan.

use super::{Disturbance, Finding, Risk};
use crate::resolve::Effective;

/// Findings of the Secrets that are named.
pub(super) fn findings(old: &Effective, new: &Effective) -> Vec<Finding> {
    let mut findings = Vec::new();
    let reload = |subject: &str, reason: &str| Finding::new(Disturbance::Reload, subject, reason);
    let (was, is) = (&old.postgres.ssl, &new.postgres.ssl);
    if was.enabled.value && is.enabled.value && (&was.certificate, &was.private_key) != (&is.certificate, &is.private_key) {
        let reason = match &is.certificate {
            Some(_) => "the given certificate is served after a look at it; clients that verify it trust its authority first",
            None => "a generated certificate is served; clients that verify it take ca.crt of the cluster first",
        };
        findings.push(reload("postgres.ssl", reason).risk(Risk::Availability));
    }
    if old.credentials != new.credentials {
        let reason = if new.credentials.is_empty() {
            "the passwords stay as they are, and are the cluster's own from now on"
        } else {
            "passwords are taken from the named Secrets; where they differ new sessions need the new ones, and open sessions stay"
        };
        let finding = reload("credentials", reason);
        findings.push(if new.credentials.is_empty() { finding } else { finding.risk(Risk::Availability) });
    }
    if old.binding != new.binding {
        findings.push(Finding::new(
            Disturbance::Nothing,
            "binding",
            "applications that read the Secret -binding connect by what it says now",
        ));
    }
    findings
}
