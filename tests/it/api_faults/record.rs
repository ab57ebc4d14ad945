//! What was broken, what was sent, and what must never be among it.

use super::layer::Fault;
use http::Method;
use serde_json::Value;
use std::collections::BTreeMap;

/// A request that was broken.
#[derive(Debug, Clone)]
pub(super) struct Injected {
    /// The number of the request in its run.
    pub(super) number: u64,
    pub(super) what: String,
    pub(super) fault: Fault,
}

impl std::fmt::Display for Injected {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:>6} {:?} {}", self.number, self.fault, self.what)
    }
}

/// A write that reached the API server, whether its answer came back or not.
#[derive(Debug, Clone)]
pub(super) struct Sent {
    pub(super) number: u64,
    pub(super) method: Method,
    pub(super) path: String,
    pub(super) status: u16,
    pub(super) body: Vec<u8>,
}

/// Everything of a run.
#[derive(Debug, Clone, Default)]
pub(super) struct Record {
    pub(super) injected: Vec<Injected>,
    pub(super) sent: Vec<Sent>,
}

/// What may be deleted: an instance, whose data stays in its volume, and what is made again from what is kept.
const MAY_GO: &[&str] = &["pods", "poddisruptionbudgets", "podtemplates", "configmaps", "jobs"];

impl Record {
    /// Times of each fault.
    pub(super) fn counts(&self) -> BTreeMap<Fault, usize> {
        let mut counts = BTreeMap::new();
        self.injected.iter().for_each(|one| *counts.entry(one.fault).or_default() += 1);
        counts
    }

    /// What must not happen in any run.
    pub(super) fn violations(&self) -> Vec<String> {
        let mut violations = Vec::new();
        let mut made: BTreeMap<String, u64> = BTreeMap::new();
        for sent in self.sent.iter().filter(|sent| sent.status < 300) {
            let body: Value = serde_json::from_slice(&sent.body).unwrap_or_default();
            let mut parts = sent.path.split('/').skip_while(|part| *part != "namespaces").skip(2);
            let (plural, name) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
            if sent.method == Method::DELETE && !MAY_GO.contains(&plural) {
                let orphans = body["propagationPolicy"] == "Orphan";
                // A StatefulSet is made again around its pods; old revisions are pruned.
                if !(plural == "statefulsets" && orphans || plural == "secrets" && is_revision(&self.sent, name)) {
                    violations.push(format!("request {}: deleted {}", sent.number, sent.path));
                }
            }
            if plural != "secrets" {
                continue;
            }
            if sent.method == Method::POST {
                let name = body["metadata"]["name"].as_str().unwrap_or_default();
                if let Some(first) = made.insert(format!("{} {name}", sent.path), sent.number) {
                    violations.push(format!("requests {first} and {}: the Secret {name} was made twice", sent.number));
                }
            } else if (sent.method == Method::PATCH || sent.method == Method::PUT) && is_generated(&self.sent, name) && holds_data(&body) {
                violations.push(format!("request {}: the generated Secret {name} was written again", sent.number));
            }
        }
        violations
    }
}

/// Whether the program made a Secret with a plain create.
fn is_generated(sent: &[Sent], name: &str) -> bool {
    sent.iter().any(|one| {
        let body: Value = serde_json::from_slice(&one.body).unwrap_or_default();
        one.method == Method::POST && one.path.ends_with("/secrets") && body["metadata"]["name"] == name
    })
}

fn is_revision(sent: &[Sent], name: &str) -> bool {
    sent.iter().any(|one| {
        let body: Value = serde_json::from_slice(&one.body).unwrap_or_default();
        body["type"] == "stackgres.io/revision" && body["metadata"]["name"] == name
    })
}

fn holds_data(body: &Value) -> bool {
    body.get("data").is_some_and(|data| !data.is_null()) || body.get("stringData").is_some_and(|data| !data.is_null())
}
