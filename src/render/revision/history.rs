//! How many revisions are kept.

use crate::model::Object;
use std::collections::BTreeSet;

/// Names of the revisions of one cluster that may go: all but those in use and the newest `keep` others.
pub fn to_prune(secrets: &[Object], in_use: &[&str], keep: usize) -> Vec<String> {
    let in_use: BTreeSet<&str> = in_use.iter().copied().collect();
    let mut others: Vec<(&str, &str)> = secrets
        .iter()
        .filter(|secret| !in_use.contains(secret.name()))
        .map(|secret| (secret.text("/metadata/creationTimestamp").unwrap_or_default(), secret.name()))
        .collect();
    others.sort_unstable();
    others.iter().rev().skip(keep).map(|(_, name)| (*name).to_owned()).collect()
}
