//! Parameters that are read when PostgreSQL starts: which differ between revisions, and what an instance runs with.

use crate::health::dynamic_configuration;
use crate::model::{HOT_STANDBY, Object};
use crate::postgres::{Context, context, find, is_library_of_images, number_of, same_value, server_value};
use crate::render::revision::Revision;
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};

/// Parameters that a server computes where their value says "automatic": what runs cannot be compared with what is written.
const COMPUTED: &[(&str, &str)] =
    &[("wal_buffers", "-1"), ("commit_timestamp_buffers", "0"), ("subtransaction_buffers", "0"), ("transaction_buffers", "0")];

/// The parameters of Patroni's dynamic configuration.
pub(super) fn parameters(objects: &[Object]) -> Map<String, Value> {
    dynamic_configuration(objects).pointer("/postgresql/parameters").and_then(Value::as_object).cloned().unwrap_or_default()
}

/// The value a server gets.
fn value(major: u32, name: &str, parameters: &Map<String, Value>) -> Option<String> {
    let written = parameters.get(name).map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned));
    server_value(major, name, written.as_deref())
}

/// Whether a changed value is in force only after a restart; what is not known counts as that.
pub(super) fn needs_restart(major: u32, name: &str) -> bool {
    matches!(context(major, name), Some(Context::Postmaster) | None)
}

/// Parameters that need a restart and differ between the released revision and any of the others, with their released values
/// (`None`: not to be compared with what runs).
pub(super) fn restart_parameters(released: &Revision, others: &[&Revision]) -> BTreeMap<String, Option<String>> {
    let major = released.effective.postgres.major;
    let new = parameters(&released.objects);
    let mut differing = BTreeMap::new();
    for other in others {
        let old = parameters(&other.objects);
        for name in old.keys().chain(new.keys()).filter(|name| needs_restart(major, name)) {
            let (before, after) = (value(major, name, &old), value(major, name, &new));
            let same = match (&before, &after) {
                (Some(before), Some(after)) => same_value(major, name, before, after),
                (before, after) => before == after && old.get(name) == new.get(name),
            };
            if !same {
                let computed = COMPUTED.iter().any(|(known, text)| known == name && after.as_deref() == Some(text));
                differing.insert(name.clone(), after.filter(|_| !computed));
            }
        }
    }
    differing
}

/// The values that a revision has for the hot-standby parameters.
pub(super) fn hot_standby(revision: &Revision) -> BTreeMap<String, i64> {
    let major = revision.effective.postgres.major;
    let parameters = parameters(&revision.objects);
    let number = |name: &&str| {
        let number = number_of(major, name, &value(major, name, &parameters)?)?;
        #[expect(clippy::cast_possible_truncation, reason = "whole numbers below 2^31")]
        Some(((*name).to_owned(), number as i64))
    };
    HOT_STANDBY.iter().filter_map(number).collect()
}

/// Whether a running value is the released one.
pub(super) fn is_released(major: u32, name: &str, running: &str, released: &str) -> bool {
    same_value(major, name, running, released)
}

/// Parameters that the image which runs may not know, or whose library it may not have, while the released one does (DESIGN §8,
/// rule 4). Minor releases do add parameters (`postgres-facts` 0), so a name that is not in the table of the major version counts.
pub(super) fn late(running: &Revision, released: &Revision) -> BTreeSet<String> {
    if switches_ssl_on(running, released) {
        // A pod without the certificate's files would not start with it.
        let ssl = |parameters: Map<String, Value>| {
            parameters.into_iter().map(|(name, _)| name).filter(|name| name == "ssl" || name.starts_with("ssl_"))
        };
        return ssl(parameters(&running.objects))
            .chain(ssl(parameters(&released.objects)))
            .chain(late_of_image(running, released))
            .collect();
    }
    late_of_image(running, released)
}

/// Whether pods get a certificate that those before have not.
pub(super) fn switches_ssl_on(running: &Revision, released: &Revision) -> bool {
    !running.effective.postgres.ssl.enabled.value && released.effective.postgres.ssl.enabled.value
}

fn late_of_image(running: &Revision, released: &Revision) -> BTreeSet<String> {
    if running.effective.images.get("postgres") == released.effective.images.get("postgres") {
        return BTreeSet::new();
    }
    let major = released.effective.postgres.major;
    let (old, new) = (parameters(&running.objects), parameters(&released.objects));
    let libraries = |parameters: &Map<String, Value>, name: &str| -> BTreeSet<String> {
        let text = parameters.get(name).and_then(Value::as_str).unwrap_or_default();
        text.split(',').map(|library| library.trim().to_owned()).filter(|library| !library.is_empty()).collect()
    };
    let is_late = |name: &&String| {
        if name.ends_with("_preload_libraries") {
            let had = libraries(&old, name);
            return libraries(&new, name).iter().any(|library| !had.contains(library) && !is_library_of_images(library));
        }
        !old.contains_key(*name) && !name.contains('.') && find(name).is_none_or(|known| !known.majors().contains(&major))
    };
    new.keys().filter(is_late).cloned().collect()
}
