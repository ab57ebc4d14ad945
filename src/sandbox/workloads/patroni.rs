//! Patroni as it looks from outside: roles on pods, the leader's address in the Endpoints.
//!
//! Source: Patroni documentation, "Using Endpoints"; labels and annotations as its Kubernetes DCS writes them.

use super::{all, is_ready, text, write};
use crate::postgres::{Context, context};
use crate::sandbox::resources::{Resource, of_kind};
use crate::sandbox::store::{Key, State};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;

const MANAGER: &str = "Patroni";

/// The simulated servers take parameters as this version does.
const SIMULATED_MAJOR: u32 = 17;

pub(super) fn step(state: &mut State) {
    let (Some(pods), Some(endpoints)) = (of_kind("Pod"), of_kind("Endpoints")) else { return };
    let mut clusters: BTreeMap<(String, String), Vec<Arc<Value>>> = BTreeMap::new();
    for pod in all(state, pods) {
        let scope = text(&pod, "/metadata/labels/stackgres.io~1cluster-scope").to_owned();
        if !scope.is_empty() && text(&pod, "/metadata/labels/stackgres.io~1cluster") == "true" {
            clusters.entry((text(&pod, "/metadata/namespace").to_owned(), scope)).or_default().push(pod);
        }
    }
    for ((namespace, scope), mut members) in clusters {
        // Whoever is first makes the database; here always the one of the lowest number, so that runs are alike.
        let first = members.iter().filter(|pod| tags(state, &namespace, pod)["nofailover"] != true).min_by_key(|pod| ordinal(pod)).cloned();
        let initialized = is_initialized(state, endpoints, &namespace, &scope);
        if initialized != Some(true) && first.is_some_and(|pod| !is_ready(&pod)) {
            continue;
        }
        members.retain(|pod| is_ready(pod));
        members.sort_by(|one, other| text(one, "/metadata/name").cmp(text(other, "/metadata/name")));
        let role = |pod: &Value| text(pod, "/metadata/labels/role").to_owned();
        let follows = follows(state, endpoints, &namespace, &scope);
        let configured = configuration(state, endpoints, &namespace, &scope).pointer("/postgresql/parameters").cloned().unwrap_or_default();
        let Some(mut leader) = members
            .iter()
            .find(|pod| ["primary", "standby_leader"].contains(&role(pod).as_str()))
            .or_else(|| members.iter().find(|pod| tags(state, &namespace, pod)["nofailover"] != true))
            .cloned()
        else {
            continue;
        };
        if let Some(candidate) = wish(state, endpoints, &namespace, &scope, &leader, &members) {
            leader = candidate;
        }
        let leader_name = text(&leader, "/metadata/name").to_owned();
        for pod in &members {
            let name = text(pod, "/metadata/name");
            let wanted = match name == leader_name {
                true if follows => "standby_leader",
                true => "primary",
                false => "replica",
            };
            let tags = tags(state, &namespace, pod);
            let noted: Value = serde_json::from_str(text(pod, "/metadata/annotations/status")).unwrap_or_default();
            // A server takes some parameters when it starts only: at the making of its pod, when it is told to start again, or when it
            // led and Patroni starts it as a replica (Patroni 4.0.7, `ha.py`, `demote`; in a standby cluster as well).
            let asked = text(pod, "/metadata/annotations/stackgres.io~1simulated-restart");
            let told = noted["simulated_restart"].as_str().unwrap_or_default() != asked;
            let demoted = ["primary", "standby_leader"].contains(&role(pod).as_str()) && wanted == "replica";
            let started = noted["simulated_parameters"].is_null() || told || demoted;
            let parameters = if started { configured.clone() } else { running(&noted["simulated_parameters"], &configured) };
            let pending = parameters != configured;
            let same = noted["simulated_parameters"] == parameters && (noted["pending_restart"] == true) == pending;
            if role(pod) != wanted || noted["tags"] != tags || started || !same {
                let mut state_of =
                    json!({"role": wanted, "state": "running", "timeline": 1, "version": "4.0.7", "xlog_location": 83_886_080});
                state_of["simulated_parameters"] = parameters;
                state_of["simulated_restart"] = json!(asked);
                if pending {
                    state_of["pending_restart"] = json!(true);
                }
                if !tags.is_null() {
                    state_of["tags"] = tags;
                }
                if wanted != "primary" {
                    state_of["replication_state"] = json!("streaming");
                }
                let patch = json!({"metadata": {"labels": {"role": wanted}, "annotations": {"status": state_of.to_string()}}});
                write(state, pods, &namespace, name, MANAGER, "", patch);
            }
        }
        if initialized == Some(false) {
            // Patroni notes the identity of the database when it is made; here any number does.
            let patch = json!({"metadata": {"annotations": {"initialize": "7000000000000000000"}}});
            write(state, endpoints, &namespace, &format!("{scope}-config"), MANAGER, "", patch);
        }
        let key = Key::new(endpoints, &namespace, &scope);
        let Some(live) = state.get(&key) else { continue };
        let address = text(&leader, "/status/podIP");
        if text(&live, "/metadata/annotations/leader") == leader_name && text(&live, "/subsets/0/addresses/0/ip") == address {
            continue;
        }
        let patch = json!({
            "metadata": {"annotations": {"leader": leader_name, "ttl": "30", "transitions": "0"}},
            "subsets": [{
                "addresses": [{"ip": address, "hostname": leader_name, "nodeName": "node-1",
                    "targetRef": {"kind": "Pod", "name": leader_name, "namespace": namespace, "uid": leader["metadata"]["uid"]}}],
                "ports": [{"name": "pgport", "port": 6432, "protocol": "TCP"}, {"name": "pgreplication", "port": 5432, "protocol": "TCP"}],
            }],
        });
        write(state, endpoints, &namespace, &scope, MANAGER, "", patch);
    }
}

/// The number of a pod.
fn ordinal(pod: &Value) -> u32 {
    text(pod, "/metadata/name").rsplit('-').next().and_then(|number| number.parse().ok()).unwrap_or(u32::MAX)
}

/// Whether a database was made; `None` where nothing could be noted of it yet.
fn is_initialized(state: &State, endpoints: &'static Resource, namespace: &str, scope: &str) -> Option<bool> {
    let live = state.get(&Key::new(endpoints, namespace, &format!("{scope}-config")))?;
    Some(!text(&live, "/metadata/annotations/initialize").is_empty())
}

/// What is the same on every instance.
fn configuration(state: &State, endpoints: &'static Resource, namespace: &str, scope: &str) -> Value {
    let live = state.get(&Key::new(endpoints, namespace, &format!("{scope}-config")));
    let configuration = live.map(|live| text(&live, "/metadata/annotations/config").to_owned()).unwrap_or_default();
    serde_json::from_str(&configuration).unwrap_or_default()
}

/// The parameters after a reload: those that need a restart keep their values.
fn running(before: &Value, configured: &Value) -> Value {
    let mut now = configured.clone();
    for (name, value) in before.as_object().into_iter().flatten() {
        if let Some(Context::Postmaster) = context(SIMULATED_MAJOR, name) {
            now[name] = value.clone();
        }
    }
    now
}

/// Whether the configuration says that the cluster follows another one.
fn follows(state: &State, endpoints: &'static Resource, namespace: &str, scope: &str) -> bool {
    configuration(state, endpoints, namespace, scope)["standby_cluster"].is_object()
}

/// The tags of an instance, from the file of its own. Here it is read at once; a real one is renewed some time later.
fn tags(state: &State, namespace: &str, pod: &Value) -> Value {
    let file = of_kind("ConfigMap").and_then(|kind| {
        let map = state.get(&Key::new(kind, namespace, text(pod, "/metadata/labels/stackgres.io~1cluster-name")))?;
        map["data"].get(format!("{}.yml", text(pod, "/metadata/name")))?.as_str().map(str::to_owned)
    });
    let file: Value = file.and_then(|file| serde_json::from_str(&file).ok()).unwrap_or_default();
    file["tags"].clone()
}

/// The instance that shall take over, if somebody wished so: taken if the leader is the one named and the candidate is ready, and
/// forgotten in any case.
fn wish(
    state: &mut State,
    endpoints: &'static Resource,
    namespace: &str,
    scope: &str,
    leader: &Arc<Value>,
    members: &[Arc<Value>],
) -> Option<Arc<Value>> {
    let name = format!("{scope}-failover");
    let live = state.get(&Key::new(endpoints, namespace, &name))?;
    let wished = |field: &str| text(&live, &format!("/metadata/annotations/{field}")).to_owned();
    let (from, to) = (wished("leader"), wished("member"));
    if to.is_empty() {
        return None;
    }
    write(state, endpoints, namespace, &name, MANAGER, "", json!({"metadata": {"annotations": {"leader": null, "member": null}}}));
    members.iter().find(|pod| text(pod, "/metadata/name") == to && text(leader, "/metadata/name") == from).cloned()
}
