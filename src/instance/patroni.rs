//! Patroni's REST API. Sources: Patroni documentation, "Patroni REST API"; Patroni 4.0.7, `api.py`.

use super::endpoint::Endpoint;
use super::error::{InstanceError, certificate_problem, chain};
use super::limits::Limits;
use super::tls::configuration;
use crate::model::{InstanceReport, InstanceRole, PendingParameter, SecretText};
use jiff::Timestamp;
use reqwest::Method;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::Duration;

/// Largest answer that is read.
const LARGEST: usize = 1 << 20;

/// A client of Patroni's REST API.
#[derive(Clone)]
pub struct Patroni {
    limits: Limits,
    credentials: Option<(String, SecretText)>,
}

impl Patroni {
    /// A client without credentials, which is enough for reading.
    pub fn new(limits: Limits) -> Self {
        Self { limits, credentials: None }
    }

    /// Sends these with each request. Patroni asks for them only where something is changed, and without TLS everybody on the way
    /// reads them.
    #[must_use]
    pub fn with_credentials(self, user: impl Into<String>, password: SecretText) -> Self {
        Self { credentials: Some((user.into(), password)), ..self }
    }

    /// What one instance says of itself.
    pub async fn report(&self, endpoint: &Endpoint) -> Result<InstanceReport, InstanceError> {
        self.limits.call(endpoint, async { parse_report(endpoint, &self.send(endpoint, Method::GET, "patroni", None).await?.1) }).await
    }

    /// Has the instance read its files again: its own, and then PostgreSQL its own. It does so at its next look, after `loop_wait` at
    /// the latest. Source: Patroni documentation, "Reload endpoint".
    pub async fn reload(&self, endpoint: &Endpoint) -> Result<(), InstanceError> {
        let (status, _) = self.limits.call(endpoint, self.send(endpoint, Method::POST, "reload", None)).await?;
        if status == 202 { Ok(()) } else { Err(not_understood(endpoint, &format!("a reload is answered with HTTP status {status}"))) }
    }

    /// Has the leader hand over to the candidate. Answered when another leads, which Patroni looks for once a second; whoever wants to
    /// know sooner asks the candidate. Source: Patroni documentation, "Switchover and failover endpoints".
    pub async fn switch_over(&self, endpoint: &Endpoint, leader: &str, candidate: &str) -> Result<(), InstanceError> {
        let wish = json!({"leader": leader, "candidate": candidate});
        self.act(endpoint, "switchover", &wish).await
    }

    /// Restarts PostgreSQL of an instance; answered when it is up again. `pending`: only where a parameter waits for it, so that it is
    /// safe to repeat. Source: Patroni documentation, "Restart endpoint".
    pub async fn restart(&self, endpoint: &Endpoint, pending: bool) -> Result<(), InstanceError> {
        let wish = if pending { json!({"restart_pending": true}) } else { json!({}) };
        self.act(endpoint, "restart", &wish).await
    }

    async fn act(&self, endpoint: &Endpoint, path: &'static str, wish: &Value) -> Result<(), InstanceError> {
        let (status, body) = self.limits.call(endpoint, self.send(endpoint, Method::POST, path, Some(wish))).await?;
        if (200..300).contains(&status) {
            return Ok(());
        }
        let said: String = String::from_utf8_lossy(&body).chars().take(200).collect();
        Err(InstanceError::Failed { address: endpoint.to_string(), code: status.to_string(), message: said, position: None })
    }

    /// What many instances say, all asked at the same time; each answer at its place. Takes one deadline at most.
    pub async fn reports(&self, endpoints: &[Endpoint]) -> Vec<Result<InstanceReport, InstanceError>> {
        futures::future::join_all(endpoints.iter().map(|endpoint| self.report(endpoint))).await
    }

    async fn send(&self, endpoint: &Endpoint, method: Method, path: &str, body: Option<&Value>) -> Result<(u16, Vec<u8>), InstanceError> {
        let client = client(endpoint)?;
        let url = match &endpoint.authority {
            Some(_) => format!("https://{}:{}/{path}", endpoint.server_name, endpoint.port),
            None => format!("http://{}/{path}", endpoint.socket()),
        };
        let mut request = client.request(method, url);
        if let Some((user, password)) = &self.credentials {
            request = request.basic_auth(user, Some(password.expose()));
        }
        if let Some(body) = body {
            request = request.header("content-type", "application/json").body(body.to_string());
        }
        let failed = |error: reqwest::Error| failure(endpoint, error);
        let mut response = request.send().await.map_err(failed)?;
        let status = response.status();
        if matches!(status.as_u16(), 401 | 403) {
            return Err(InstanceError::Refused { address: endpoint.to_string(), reason: format!("HTTP status {}", status.as_u16()) });
        }
        // Other statuses tell the role or the state, which the answer tells better.
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(failed)? {
            if body.len() + chunk.len() > LARGEST {
                return Err(not_understood(endpoint, "the answer is too long"));
            }
            body.extend_from_slice(&chunk);
        }
        Ok((status.as_u16(), body))
    }
}

fn client(endpoint: &Endpoint) -> Result<reqwest::Client, InstanceError> {
    // Building a client panics when no provider is installed; a second installation is an error of no interest.
    drop(rustls::crypto::ring::default_provider().install_default());
    let not_trusted = |reason: String| InstanceError::NotTrusted { address: endpoint.to_string(), reason };
    let builder = reqwest::Client::builder()
        .user_agent(concat!("stackgres/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(Duration::from_secs(3))
        .pool_max_idle_per_host(0)
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .resolve(&endpoint.server_name, endpoint.socket());
    let builder = match &endpoint.authority {
        Some(authority) => builder.tls_backend_preconfigured(configuration(endpoint, authority)?),
        None => builder.tls_certs_only([]),
    };
    builder.build().map_err(|error| not_trusted(chain(&error)))
}

fn failure(endpoint: &Endpoint, error: reqwest::Error) -> InstanceError {
    let (address, error) = (endpoint.to_string(), error.without_url());
    match certificate_problem(&error) {
        Some(reason) => InstanceError::NotTrusted { address, reason },
        None if error.is_decode() || error.is_body() => not_understood(endpoint, &chain(&error)),
        None => InstanceError::Unreachable { address, reason: chain(&error) },
    }
}

fn not_understood(endpoint: &Endpoint, reason: &str) -> InstanceError {
    InstanceError::NotUnderstood { address: endpoint.to_string(), what: "Patroni", reason: reason.to_owned() }
}

/// Reads the answer to `GET /patroni`. Only an answer that is no mapping is a failure.
///
/// Patroni writes some words only where they are true (`pending_restart`, `pause`, …): in an answer that names Patroni's version
/// their absence means false, in any other it means unknown.
pub fn parse_report(endpoint: &Endpoint, body: &[u8]) -> Result<InstanceReport, InstanceError> {
    let value: Value = serde_json::from_slice(body).map_err(|_| not_understood(endpoint, "the answer is no JSON"))?;
    if !value.is_object() {
        return Err(not_understood(endpoint, "the answer is no mapping"));
    }
    let get = |pointer: &str| value.pointer(pointer).filter(|value| !value.is_null());
    let text = |pointer: &str| get(pointer).and_then(Value::as_str).map(str::to_owned);
    let number = |pointer: &str| get(pointer).and_then(Value::as_u64);
    let patroni_version = text("/patroni/version");
    let flag = |names: &[&str]| {
        let said = names.iter().find_map(|name| value.get(*name).and_then(Value::as_bool));
        said.or(patroni_version.is_some().then_some(false))
    };
    let role = text("/role").map(|role| InstanceRole::read(&role));
    let standbys = get("/replication").and_then(Value::as_array).map(|list| {
        let word = |standby: &Value, key: &str| standby.get(key).and_then(Value::as_str).map(str::to_owned);
        list.iter().filter_map(|standby| Some((word(standby, "application_name")?, word(standby, "state").unwrap_or_default()))).collect()
    });
    Ok(InstanceReport {
        name: text("/patroni/name"),
        state: text("/state"),
        timeline: number("/timeline"),
        written: number("/xlog/location"),
        received: number("/xlog/received_location"),
        replayed: number("/xlog/replayed_location"),
        replayed_at: text("/xlog/replayed_timestamp"),
        replay_paused: get("/xlog/paused").and_then(Value::as_bool),
        replication_state: text("/replication_state"),
        // A primary without standbys does not mention them.
        standbys: standbys.or((role == Some(InstanceRole::Primary) && number("/xlog/location").is_some()).then(BTreeMap::new)),
        system_identifier: text("/database_system_identifier"),
        server_version: number("/server_version"),
        pending_restart: flag(&["pending_restart"]),
        pending_parameters: pending_parameters(get("/pending_restart_reason")),
        synchronous: flag(&["sync_standby", "quorum_standby"]),
        paused: flag(&["pause"]),
        failsafe_active: flag(&["failsafe_mode_is_active"]),
        unlocked: flag(&["cluster_unlocked"]),
        store_seen: get("/dcs_last_seen").and_then(Value::as_i64).and_then(|second| Timestamp::from_second(second).ok()),
        tags: get("/tags")
            .and_then(Value::as_object)
            .map(|tags| tags.iter().map(|(key, value)| (key.clone(), plain(value))).collect())
            .unwrap_or_default(),
        patroni_version,
        role,
    })
}

fn pending_parameters(reasons: Option<&Value>) -> BTreeMap<String, PendingParameter> {
    let reasons = reasons.and_then(Value::as_object).into_iter().flatten();
    let value = |reason: &Value, key: &str| reason.get(key).filter(|value| !value.is_null()).map(plain);
    reasons
        .map(|(name, reason)| (name.clone(), PendingParameter { old: value(reason, "old_value"), new: value(reason, "new_value") }))
        .collect()
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn endpoint() -> Endpoint {
        Endpoint { address: [10, 0, 0, 1].into(), port: 8009, server_name: "a.n".to_owned(), authority: None, patroni: None }
    }

    fn parse(text: &str) -> InstanceReport {
        parse_report(&endpoint(), text.as_bytes()).unwrap()
    }

    /// As a real Patroni 4.0.7 answers.
    #[test]
    fn a_primary_and_a_replica() {
        let primary = parse(
            r#"{"state": "running", "role": "primary", "server_version": 170012, "xlog": {"location": 67108960}, "timeline": 1, "replication": [{"usename": "replicator", "application_name": "one-2", "client_addr": "10.200.66.3", "state": "streaming", "sync_state": "async", "sync_priority": 0}], "dcs_last_seen": 1795600729, "pending_restart": true, "pending_restart_reason": {"max_connections": {"old_value": "100", "new_value": 200}}, "database_system_identifier": "7712046090780626987", "patroni": {"version": "4.0.7", "scope": "one", "name": "one-1"}}"#,
        );
        assert_eq!(primary.role, Some(InstanceRole::Primary));
        assert_eq!((primary.written, primary.received, primary.timeline), (Some(67_108_960), None, Some(1)));
        assert_eq!(primary.standbys, Some([("one-2".to_owned(), "streaming".to_owned())].into()));
        assert_eq!(primary.pending_restart, Some(true));
        let new = &primary.pending_parameters["max_connections"];
        assert_eq!((new.old.as_deref(), new.new.as_deref()), (Some("100"), Some("200")));
        assert_eq!(primary.paused, Some(false), "Patroni says it only where it is so");
        assert_eq!(primary.store_seen, Timestamp::from_second(1_795_600_729).ok());

        let replica = parse(
            r#"{"state": "running", "role": "replica", "server_version": 170012, "xlog": {"received_location": 5, "replayed_location": 4, "replayed_timestamp": null, "paused": false}, "timeline": 1, "replication_state": "streaming", "sync_standby": true, "pause": true, "database_system_identifier": "1", "tags": {"nofailover": true}, "patroni": {"version": "4.0.7", "scope": "one", "name": "one-0"}}"#,
        );
        assert_eq!((replica.received, replica.replayed, replica.replay_paused), (Some(5), Some(4), Some(false)));
        assert_eq!((replica.synchronous, replica.paused, replica.standbys), (Some(true), Some(true), None));
        assert_eq!(replica.tags["nofailover"], "true");
    }

    /// What is not said is unknown: a role that were taken for a replica's could be restarted as one.
    #[test]
    fn what_is_missing_is_unknown() {
        assert_eq!(parse("{}"), InstanceReport::default());
        assert_eq!(parse(r#"{"state": 3, "xlog": [], "timeline": -1, "tags": 1}"#), InstanceReport::default());
        assert_eq!(parse(r#"{"role": "arbiter"}"#).role, Some(InstanceRole::Other("arbiter".to_owned())));
    }

    #[test]
    fn something_else_that_answers_is_not_understood() {
        for body in ["<html>", "[]", ""] {
            assert!(matches!(parse_report(&endpoint(), body.as_bytes()), Err(InstanceError::NotUnderstood { .. })), "{body}");
        }
    }
}
