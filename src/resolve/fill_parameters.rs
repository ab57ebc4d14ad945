//! PostgreSQL parameters and client authentication of a cluster.

use super::effective::{EffectiveValue, Extension, Origin};
use super::fill_resources::patroni_is_sized;
use super::inputs::Inputs;
use crate::load::Manifest;
use crate::model::Quantity;
use crate::model::pointer::join;
use crate::postgres::{BLOCKED, Because, CONNECTIONS, Size, built_in_default, defaults, forced, need_of, normalise};
use serde_json::Value;
use std::collections::BTreeMap;

/// Defaults, then the SGPostgresConfig, then the cluster's own, then what the program sets; later wins.
pub(super) fn parameters(inputs: &Inputs, size: Size, ssl: bool, extensions: &[Extension]) -> BTreeMap<String, EffectiveValue<String>> {
    let mut parameters: BTreeMap<String, EffectiveValue<String>> = defaults(size)
        .into_iter()
        .map(|(name, (value, because))| {
            let origin = match because {
                Because::Always => Origin::Default,
                Because::Of(what) => Origin::Tuned(what),
            };
            (name.to_owned(), EffectiveValue { value, origin })
        })
        .collect();
    parameters.extend(by_a_person(inputs));
    needs(size.major, extensions, &mut parameters);
    huge_pages(inputs, size.major, &mut parameters);
    for (name, value) in forced(size.major, ssl) {
        parameters.insert(name.to_owned(), EffectiveValue { value, origin: Origin::Forced });
    }
    parameters
}

/// Sessions that the server takes; other defaults follow them.
pub(super) fn connections(inputs: &Inputs, major: u32) -> i64 {
    let written = by_a_person(inputs).remove("max_connections").and_then(|value| whole(major, "max_connections", &value.value));
    written.unwrap_or(CONNECTIONS)
}

/// A parameter that is a whole number; `None` where it is none.
pub(super) fn whole(major: u32, name: &str, value: &str) -> Option<i64> {
    normalise(major, name, value).ok()?.parse().ok()
}

/// The SGPostgresConfig's parameters, and the cluster's own before them.
fn by_a_person(inputs: &Inputs) -> BTreeMap<String, EffectiveValue<String>> {
    let mut parameters = BTreeMap::new();
    if let Some(config) = &inputs.postgres_config {
        written(config, "/spec/postgresql.conf", &mut parameters);
    }
    written(&inputs.cluster, "/spec/configurations/postgres/postgresql.conf", &mut parameters);
    parameters
}

fn written(manifest: &Manifest, pointer: &str, parameters: &mut BTreeMap<String, EffectiveValue<String>>) {
    for (name, value) in manifest.object.get(pointer).and_then(Value::as_object).into_iter().flatten() {
        let lower = name.to_ascii_lowercase();
        if let Some(value) = value.as_str()
            && !BLOCKED.contains(&lower.as_str())
        {
            parameters
                .insert(lower, EffectiveValue { value: value.to_owned(), origin: Origin::Manifest(manifest.locate(&join(pointer, name))) });
        }
    }
}

/// What the extensions need: libraries are added to our own lists. A list that the user wrote is the user's; `validate` tells where
/// it lacks a library.
fn needs(major: u32, extensions: &[Extension], parameters: &mut BTreeMap<String, EffectiveValue<String>>) {
    for extension in extensions {
        let Some(need) = need_of(&extension.name) else { continue };
        let tuned = |value: String| EffectiveValue { value, origin: Origin::Tuned(format!("extension {}", extension.name)) };
        let current = parameters.get(need.parameter);
        if !current.is_some_and(|current| matches!(current.origin, Origin::Manifest(_))) {
            let value =
                current.map(|current| current.value.clone()).or_else(|| built_in_default(major, need.parameter)).unwrap_or_default();
            if !need.met_by(&value) {
                parameters.insert(need.parameter.to_owned(), tuned(need.added_to(&value)));
            }
        }
        for (name, value) in need.also {
            parameters.entry((*name).to_owned()).or_insert_with(|| tuned((*value).to_owned()));
        }
    }
}

/// `huge_pages = try` where the instance's huge pages hold all shared memory, `off` elsewhere.
///
/// With fewer, the server would map its memory and end with a bus error when it touches the page that is too much: the limit
/// is enforced when a page is used. Source: PostgreSQL documentation, "Linux Huge Pages"; Kubernetes documentation, "Manage HugePages".
fn huge_pages(inputs: &Inputs, major: u32, parameters: &mut BTreeMap<String, EffectiveValue<String>>) {
    if parameters.get("huge_pages").is_some_and(|value| value.origin != Origin::Default) {
        return;
    }
    // Without a limit of its own a container gets no huge pages at all.
    if !patroni_is_sized(inputs, inputs.cluster.object.text("/spec/profile").unwrap_or_default()) {
        return;
    }
    let Some((size, amount)) = huge_page_memory(inputs) else { return };
    let Some(needed) = shared_memory(major, parameters) else { return };
    if amount < needed || size == "1Gi" && major < 14 {
        return;
    }
    let tuned = |value: &str| EffectiveValue { value: value.to_owned(), origin: Origin::Tuned(format!("huge pages {size}")) };
    parameters.insert("huge_pages".to_owned(), tuned("try"));
    if size == "1Gi" {
        parameters.entry("huge_page_size".to_owned()).or_insert_with(|| tuned("1GB"));
    }
}

/// Size and amount of the huge pages PostgreSQL may use: those of 2 MiB, or else those of 1 GiB.
fn huge_page_memory(inputs: &Inputs) -> Option<(&'static str, i64)> {
    let profile = &inputs.instance_profile.as_ref()?.object;
    ["2Mi", "1Gi"]
        .into_iter()
        .find_map(|size| Some((size, Quantity::parse(profile.text(&format!("/spec/hugePages/hugepages-{size}"))?)?.ceiling())))
}

/// Bytes of shared memory, for huge pages: the buffers, an eighth for what grows with them, and 64 MiB for everything else.
fn shared_memory(major: u32, parameters: &BTreeMap<String, EffectiveValue<String>>) -> Option<i64> {
    let pages = whole(major, "shared_buffers", &parameters.get("shared_buffers")?.value)?;
    Some((pages.saturating_mul(8_192) / 8).saturating_mul(9).saturating_add(64 << 20))
}

/// Lines of `pg_ident.conf` for the lines below: which database users the operating system's user `postgres` may be.
pub const IDENTITIES: [&str; 2] = ["stackgres postgres authenticator", "stackgres postgres replicator"];

/// `pg_hba.conf`: what the program needs, then the user's lines, then the default. First match wins in PostgreSQL, so a
/// user's `reject` can lock out neither replication nor the pooler nor a rewind.
///
/// - `local replication`: Patroni asks its own instance for the timeline that way (`use_unix_socket_repl`); without the line it
///   cannot tell whether a former primary must be rewound. `local all` does not match replication.
/// - `peer`, for Patroni and the pooler, whose processes are the server's own user: their passwords may change at any moment without a
///   moment in which one side knows the old and the other the new one. The map is in [`IDENTITIES`].
/// - `postgres` over TCP: `pg_rewind`, the check that the other side is the primary, and the copying of logical slots, all in the
///   database `postgres` (source: Patroni 4.0.7, `rewind.py` and `slots.py`); and managed SQL, in every database.
/// - `host` and not `hostssl`: while TLS is being switched on, some instances have no certificate yet, and a `hostssl` line matches
///   nothing there. The client side prefers TLS and takes it wherever it is offered.
pub(super) fn host_based_authentication(inputs: &Inputs) -> Vec<String> {
    let mut lines: Vec<String> = [
        "local all postgres peer",
        "local all authenticator peer map=stackgres",
        "local replication replicator peer map=stackgres",
        "local all all scram-sha-256",
        "host replication replicator all scram-sha-256",
        "host postgres replicator all scram-sha-256",
        "host all postgres all scram-sha-256",
    ]
    .map(str::to_owned)
    .to_vec();
    let user = inputs.cluster.object.get("/spec/configurations/patroni/dynamicConfig/postgresql/pg_hba").and_then(Value::as_array);
    lines.extend(user.into_iter().flatten().filter_map(|line| line.as_str().map(str::to_owned)));
    lines.push("host all all all scram-sha-256".to_owned());
    lines
}
