//! Plain requests and what is noted of their answers.

use futures::{AsyncBufReadExt as _, StreamExt as _};
use http::{Method, Request};
use kube::client::Body;
use serde_json::{Value, json};
use stackgres::sandbox::Sandbox;
use std::sync::Mutex;
use std::time::Duration;

/// Longest wait for something that another component does.
const LONG: Duration = Duration::from_mins(3);

/// An API under test, with a namespace of the case.
pub(super) struct Api<'a> {
    pub(super) client: kube::Client,
    pub(super) namespace: String,
    pub(super) sandbox: Option<&'a Sandbox>,
    /// What differed: all of it is told at the end, so that one run shows every difference.
    findings: Mutex<Vec<String>>,
}

/// An answer.
#[derive(Debug, Clone)]
pub(super) struct Answer {
    pub(super) code: u16,
    pub(super) body: Value,
}

impl Answer {
    pub(super) fn version(&self) -> String {
        self.body["metadata"]["resourceVersion"].as_str().unwrap_or_default().to_owned()
    }

    pub(super) fn uid(&self) -> String {
        self.body["metadata"]["uid"].as_str().unwrap_or_default().to_owned()
    }
}

impl<'a> Api<'a> {
    pub(super) async fn new(client: kube::Client, case: &str, sandbox: Option<&'a Sandbox>) -> Self {
        let namespace: String = format!("c-{}-{}", std::process::id(), case.replace('_', "-")).chars().take(63).collect();
        let api = Self { client, namespace: namespace.trim_end_matches('-').to_owned(), sandbox, findings: Mutex::default() };
        let object =
            json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": api.namespace, "labels": {"stackgres-test": "true"}}});
        let made = api.apply("test", "/api/v1/namespaces/", &object).await;
        assert!(made.code < 300, "{}", made.body);
        api
    }

    /// The path of `configmaps/a` or `apps/v1/statefulsets/a` in the namespace of the case; what begins with a slash is whole.
    pub(super) fn at(&self, what: &str) -> String {
        if what.starts_with('/') {
            return what.to_owned();
        }
        let parts: Vec<&str> = what.splitn(3, '/').collect();
        match parts.as_slice() {
            [group, version, rest] if version.starts_with('v') && version.len() > 1 && version.as_bytes()[1].is_ascii_digit() => {
                format!("/apis/{group}/{version}/namespaces/{}/{rest}", self.namespace)
            }
            _ => format!("/api/v1/namespaces/{}/{what}", self.namespace),
        }
    }

    pub(super) async fn ask(&self, method: Method, what: &str, kind: &str, accept: &str, body: Vec<u8>) -> Answer {
        let request = Request::builder().method(method).uri(self.at(what)).header("content-type", kind).header("accept", accept);
        let request = request.header("user-agent", "conformance/1").body(Body::from(body)).unwrap();
        let response = self.client.send(request).await.unwrap();
        let code = response.status().as_u16();
        let bytes = response.into_body().collect_bytes().await.unwrap();
        let body = serde_json::from_slice(&bytes).unwrap_or_else(|_| json!(String::from_utf8_lossy(&bytes)));
        Answer { code, body }
    }

    pub(super) async fn get(&self, what: &str) -> Answer {
        self.ask(Method::GET, what, JSON, JSON, Vec::new()).await
    }

    pub(super) async fn get_as(&self, what: &str, accept: &str) -> Answer {
        self.ask(Method::GET, what, JSON, accept, Vec::new()).await
    }

    pub(super) async fn post(&self, what: &str, body: &Value) -> Answer {
        self.ask(Method::POST, what, JSON, JSON, body.to_string().into_bytes()).await
    }

    pub(super) async fn put(&self, what: &str, body: &Value) -> Answer {
        self.ask(Method::PUT, what, JSON, JSON, body.to_string().into_bytes()).await
    }

    pub(super) async fn patch(&self, kind: &str, what: &str, body: &Value) -> Answer {
        let kind = format!("application/{kind}");
        self.ask(Method::PATCH, what, &kind, JSON, body.to_string().into_bytes()).await
    }

    pub(super) async fn merge(&self, what: &str, body: &Value) -> Answer {
        self.patch("merge-patch+json", what, body).await
    }

    pub(super) async fn delete(&self, what: &str, options: &Value) -> Answer {
        let body = if options.is_null() { Vec::new() } else { options.to_string().into_bytes() };
        self.ask(Method::DELETE, what, JSON, JSON, body).await
    }

    /// Applies to a collection (`configmaps`), under the object's own name.
    pub(super) async fn apply(&self, manager: &str, what: &str, object: &Value) -> Answer {
        self.apply_with(manager, what, object, "").await
    }

    /// The same with more in the query.
    pub(super) async fn apply_with(&self, manager: &str, what: &str, object: &Value, more: &str) -> Answer {
        let name = object["metadata"]["name"].as_str().unwrap();
        let what = format!("{}/{name}?fieldManager={manager}{more}", what.trim_end_matches('/'));
        self.patch("apply-patch+yaml", &what, object).await
    }

    /// Makes an object that a case needs.
    pub(super) async fn make(&self, what: &str, body: &Value) -> Answer {
        let made = self.post(what, body).await;
        assert_eq!(made.code, 201, "{}", made.body);
        made
    }

    /// Notes a difference between what an answer is and what it should be.
    pub(super) fn is(&self, what: &str, got: impl serde::Serialize, want: impl serde::Serialize) {
        let (got, want) = (serde_json::to_value(got).unwrap(), serde_json::to_value(want).unwrap());
        if got != want {
            self.note(format!("{what}: {got}, and should be {want}"));
        }
    }

    /// Notes what is missing: `want` is a part of the answer's body. `null` means that there is nothing.
    pub(super) fn has(&self, what: &str, answer: &Answer, code: u16, want: Value) {
        if answer.code != code {
            self.note(format!("{what}: the code is {}, and should be {code}: {}", answer.code, short(&answer.body)));
        }
        let mut missing = Vec::new();
        lacks("", &answer.body, &want, &mut missing);
        for one in missing {
            self.note(format!("{what}: {one}"));
        }
    }

    pub(super) fn note(&self, finding: String) {
        self.findings.lock().unwrap().push(finding);
    }

    /// Fails if anything differed.
    pub(super) fn verdict(self) {
        let findings = self.findings.into_inner().unwrap();
        assert!(findings.is_empty(), "{} differences\n{}", findings.len(), findings.join("\n"));
    }

    /// Waits until an object is gone.
    pub(super) async fn gone(&self, what: &str) {
        let begun = tokio::time::Instant::now();
        while self.get(what).await.code != 404 {
            if begun.elapsed() > LONG {
                return self.note(format!("{what} is still there"));
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Opens a watch.
    pub(super) async fn watch(&self, what: &str, query: &str) -> Watch {
        self.watch_as(what, query, JSON).await
    }

    pub(super) async fn watch_as(&self, what: &str, query: &str, accept: &str) -> Watch {
        let path = format!("{}?watch=true&{query}", self.at(what));
        let request = Request::get(path).header("accept", accept).body(Vec::new()).unwrap();
        let lines = self.client.request_stream(request).await.unwrap().lines();
        Watch { lines: Box::pin(lines.map(|line| serde_json::from_str(&line.unwrap()).unwrap())) }
    }

    /// Makes the server forget every version so far.
    pub(super) async fn forget(&self, version: &str) {
        if let Some(sandbox) = self.sandbox {
            sandbox.forget_changes();
            return;
        }
        // The store of the control plane under test speaks HTTP on the loopback address.
        let folder = std::path::PathBuf::from(std::env::var_os("STACKGRES_TEST_KUBECONFIG").unwrap());
        let ports = std::fs::read_to_string(folder.parent().unwrap().join("ports")).unwrap();
        let port = ports.split_whitespace().find_map(|one| one.strip_prefix("ETCD_PORT=")).unwrap();
        let answer = reqwest::Client::new()
            .post(format!("http://127.0.0.1:{port}/v3/kv/compaction"))
            .body(json!({"revision": version}).to_string())
            .send()
            .await
            .unwrap();
        assert!(answer.status().is_success(), "{:?}", answer.text().await);
    }
}

/// An open watch.
pub(super) struct Watch {
    lines: std::pin::Pin<Box<dyn futures::Stream<Item = Value> + Send>>,
}

impl Watch {
    /// The next line, bookmarks included.
    pub(super) async fn line(&mut self) -> Option<Value> {
        tokio::time::timeout(LONG, self.lines.next()).await.expect("the watch says nothing")
    }

    /// The next change, as its kind and the object's name and version.
    pub(super) async fn next(&mut self) -> (String, Value) {
        loop {
            let line = self.line().await.expect("the watch ended");
            if line["type"] != "BOOKMARK" {
                return (line["type"].as_str().unwrap().to_owned(), line["object"].clone());
            }
        }
    }
}

/// A ConfigMap.
pub(super) fn config_map(name: &str, data: Value) -> Value {
    json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data})
}

/// An event about a ConfigMap.
pub(super) fn event(api: &Api<'_>, name: &str) -> Value {
    json!({"apiVersion": "events.k8s.io/v1", "kind": "Event", "metadata": {"name": name, "namespace": api.namespace},
        "eventTime": "2026-01-01T00:00:00.000000Z", "type": "Normal", "reason": "A", "action": "A", "note": "n", "reportingController": "a.b/c",
        "reportingInstance": "i", "regarding": {"kind": "ConfigMap", "apiVersion": "v1", "name": "a", "namespace": api.namespace}})
}

/// The smallest SGPostgresConfig.
pub(super) fn postgres_config(name: &str, parameters: Value) -> Value {
    json!({"apiVersion": "stackgres.io/v1", "kind": "SGPostgresConfig", "metadata": {"name": name},
        "spec": {"postgresVersion": "17", "postgresql.conf": parameters}})
}

pub(super) const JSON: &str = "application/json";
pub(super) const CONFIGS: &str = "stackgres.io/v1/sgpgconfigs";

fn short(value: &Value) -> String {
    value.to_string().chars().take(300).collect()
}

fn lacks(at: &str, got: &Value, want: &Value, missing: &mut Vec<String>) {
    match (got, want) {
        (Value::Object(got), Value::Object(want)) => {
            for (name, want) in want {
                lacks(&format!("{at}.{name}"), got.get(name).unwrap_or(&Value::Null), want, missing);
            }
        }
        (Value::Array(got), Value::Array(want)) if got.len() == want.len() => {
            got.iter().zip(want).enumerate().for_each(|(index, (got, want))| lacks(&format!("{at}[{index}]"), got, want, missing));
        }
        _ if got == want => {}
        _ => missing.push(format!("{at} is {}, and should be {want}", short(got))),
    }
}
