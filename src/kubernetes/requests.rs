//! Single requests.

use super::cache::Cache;
use super::error::{Class, KubernetesError, words};
use super::kinds::{Resource, resource};
use crate::model::{Object, ObjectKey, canonical_json};
use http::{Method, Request};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// A ServiceAccount in whose name a request is made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
}

/// How to apply.
#[derive(Debug, Clone, Default)]
pub struct Apply {
    /// Field manager.
    pub manager: String,
    /// Take fields over from other managers.
    pub force: bool,
    /// Ask for the result without keeping it.
    pub dry_run: bool,
    /// In whose name; absent is the program's own.
    pub account: Option<Account>,
}

/// The API server, with a deadline on every request.
#[derive(Clone)]
pub struct Cluster {
    client: kube::Client,
    timeout: Duration,
    /// The only namespaces to look into; empty is all.
    only: Vec<String>,
    /// Asked before every write.
    fence: Option<Fence>,
    /// Writes that were accepted, without events.
    writes: Arc<AtomicU64>,
    /// What the watches say.
    cache: Option<Arc<Cache>>,
    /// Names of events that were told lately, with the end of the time they are told once in.
    told: Arc<Mutex<BTreeMap<String, i64>>>,
}

/// Whether this process may write now.
type Fence = Arc<dyn Fn() -> bool + Send + Sync>;

/// Longest time for a write. Shorter than the lease: a replica that is no longer the leader has nothing under way when the next
/// one begins.
const WRITE: Duration = Duration::from_secs(10);

impl std::fmt::Debug for Cluster {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Cluster")
    }
}

type Reply = Result<Value, KubernetesError>;

impl Cluster {
    /// Wraps a client; each request ends after `timeout`.
    pub fn new(client: kube::Client, timeout: Duration) -> Self {
        Self { client, timeout, only: Vec::new(), fence: None, writes: Arc::default(), cache: None, told: Arc::default() }
    }

    /// Writes only while `fence` says so, asked before each write.
    #[must_use]
    pub fn fenced(self, fence: impl Fn() -> bool + Send + Sync + 'static) -> Self {
        Self { fence: Some(Arc::new(fence)), ..self }
    }

    /// Looks into a cache where that is asked for, and keeps what it writes there.
    #[must_use]
    pub fn remembering(self, cache: Arc<Cache>) -> Self {
        Self { cache: Some(cache), ..self }
    }

    /// How many writes were accepted so far, events not counted.
    pub fn writes(&self) -> u64 {
        self.writes.load(Ordering::Relaxed)
    }

    /// Whether objects of a namespace are looked at.
    pub fn sees(&self, namespace: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|only| only == namespace)
    }

    /// Looks into these namespaces only; an empty list means all.
    #[must_use]
    pub fn within(self, namespaces: Vec<String>) -> Self {
        Self { only: namespaces, ..self }
    }

    /// The namespaces to look into, each as one; a single `None` is all of them.
    pub fn namespaces(&self) -> Vec<Option<String>> {
        if self.only.is_empty() { vec![None] } else { self.only.iter().cloned().map(Some).collect() }
    }

    /// The client, for watches and the lease.
    pub fn client(&self) -> kube::Client {
        self.client.clone()
    }

    #[expect(clippy::too_many_arguments, reason = "the parts of one request; every caller is in this file")]
    async fn send(
        &self,
        verb: &'static str,
        key: &str,
        method: Method,
        path: &str,
        content_type: &str,
        body: Option<&Value>,
        account: Option<&Account>,
    ) -> Reply {
        self.send_as(verb, key, method, path, content_type, JSON, body, account).await
    }

    #[expect(clippy::too_many_arguments, reason = "the parts of one request; every caller is in this file")]
    async fn send_as(
        &self,
        verb: &'static str,
        key: &str,
        method: Method,
        path: &str,
        content_type: &str,
        accept: &str,
        body: Option<&Value>,
        account: Option<&Account>,
    ) -> Reply {
        let writes = method != Method::GET && !path.contains("dryRun=All");
        if writes && self.fence.as_ref().is_some_and(|fence| !fence()) {
            return Err(KubernetesError::new(verb, key, Class::NotLeading, "this replica does not lead"));
        }
        let timeout = if writes { self.timeout.min(WRITE) } else { self.timeout };
        let mut request = Request::builder().method(method).uri(path).header("content-type", content_type).header("accept", accept);
        if let Some(account) = account {
            let user = format!("system:serviceaccount:{}:{}", account.namespace, account.name);
            request = request.header("impersonate-user", user);
        }
        let body = body.map(canonical_json).unwrap_or_default().into_bytes();
        let request = request.body(body).map_err(|error| KubernetesError::new(verb, key, Class::Other, error.to_string()))?;
        match tokio::time::timeout(timeout, self.client.request::<Value>(request)).await {
            Ok(Ok(value)) => {
                if writes && !key.starts_with("Event ") {
                    self.writes.fetch_add(1, Ordering::Relaxed);
                }
                Ok(value)
            }
            Ok(Err(error)) => Err(KubernetesError::from_kube(verb, key, &error)),
            Err(_) => Err(KubernetesError::new(verb, key, Class::Timeout, format!("no answer within {} s", timeout.as_secs()))),
        }
    }

    /// One object, or `None` where it does not exist.
    pub async fn get(&self, key: &ObjectKey) -> Result<Option<Object>, KubernetesError> {
        let path = path_of(key)?;
        match self.send("get", &words(key), Method::GET, &path, JSON, None, None).await {
            Ok(value) => Ok(Some(Object::new(value))),
            Err(error) if error.is_not_found() => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Every object of a kind with these labels as the watches saw it last, or else as it is. A kind that is not installed gives `NotFound`.
    pub async fn seen(&self, kind: &str, labels: &str) -> Result<Vec<Object>, KubernetesError> {
        if let Some(cache) = &self.cache {
            if let Some(objects) = cache.list(kind, labels) {
                return Ok(objects);
            }
            if resource(kind).is_some_and(|found| cache.is_absent(&found)) {
                return Err(KubernetesError::new("list", kind, Class::NotFound, "the kind is not installed"));
            }
        }
        self.list(kind, None, labels).await
    }

    /// One object as the watches saw it last, or else as it is.
    pub async fn seen_one(&self, key: &ObjectKey) -> Result<Option<Object>, KubernetesError> {
        match self.cache.as_ref().and_then(|cache| cache.get(key)) {
            Some(object) => Ok(object),
            None => self.get(key).await,
        }
    }

    /// Keeps the answer to a write.
    fn written(&self, answer: Value) -> Object {
        let object = Object::new(answer);
        if let Some(cache) = &self.cache {
            cache.written(&object);
        }
        object
    }

    /// Every object of a kind, in one namespace or in all, by labels (`a=b,c=d`). A kind that is not installed gives `NotFound`.
    pub async fn list(&self, kind: &str, namespace: Option<&str>, labels: &str) -> Result<Vec<Object>, KubernetesError> {
        let found = known(kind)?;
        if namespace.is_none() && found.namespaced && !self.only.is_empty() {
            let mut objects = Vec::new();
            for namespace in &self.only {
                objects.extend(self.list_once(&found, Some(namespace), labels).await?);
            }
            return Ok(objects);
        }
        self.list_once(&found, namespace, labels).await
    }

    /// Names of the objects of a cluster-wide kind with this label, as the watches saw it last, or else as it is. Their content is not
    /// read.
    pub async fn names(&self, kind: &str, label: (&str, &str)) -> Result<BTreeSet<String>, KubernetesError> {
        if let Some(objects) = self.cache.as_ref().and_then(|cache| cache.list(kind, "")) {
            let marked = objects.iter().filter(|object| object.label(label.0) == Some(label.1));
            return Ok(marked.map(|object| object.name().to_owned()).collect());
        }
        self.names_at(&collection(&known(kind)?, None), kind, &format!("{}={}", label.0, label.1)).await
    }

    /// Names of the objects of a kind in a namespace that a selector selects. Their content is not read.
    pub async fn names_in(&self, kind: &str, namespace: &str, selector: &str) -> Result<BTreeSet<String>, KubernetesError> {
        self.names_at(&collection(&known(kind)?, Some(namespace)), kind, selector).await
    }

    async fn names_at(&self, collection: &str, kind: &str, selector: &str) -> Result<BTreeSet<String>, KubernetesError> {
        let path = format!("{collection}?labelSelector={}", encode(selector));
        let page = self.send_as("list", kind, Method::GET, &path, JSON, METADATA, None, None).await?;
        let items = page.get("items").and_then(Value::as_array);
        Ok(items.into_iter().flatten().filter_map(|item| item.pointer("/metadata/name")?.as_str().map(str::to_owned)).collect())
    }

    async fn list_once(&self, found: &Resource, namespace: Option<&str>, labels: &str) -> Result<Vec<Object>, KubernetesError> {
        let kind = found.kind;
        let mut objects = Vec::new();
        let mut token = String::new();
        loop {
            let query = format!("limit=500&labelSelector={}&continue={}", encode(labels), encode(&token));
            let path = format!("{}?{query}", collection(found, namespace));
            let what = namespace.map_or_else(|| kind.to_owned(), |namespace| format!("{kind} in {namespace}"));
            let mut page = self.send("list", &what, Method::GET, &path, JSON, None, None).await?;
            for item in page.get_mut("items").and_then(Value::as_array_mut).into_iter().flatten() {
                let mut item = item.take();
                // Items of a list do not say what they are.
                if let Some(map) = item.as_object_mut() {
                    map.insert("apiVersion".to_owned(), json!(found.api_version));
                    map.insert("kind".to_owned(), json!(found.kind));
                }
                objects.push(Object::new(item));
            }
            match page.pointer("/metadata/continue").and_then(Value::as_str).filter(|token| !token.is_empty()) {
                Some(next) => next.clone_into(&mut token),
                None => return Ok(objects),
            }
        }
    }

    /// Server-side apply of a complete object, strictly: an unknown field is an error.
    pub async fn apply(&self, object: &Object, how: &Apply) -> Result<Object, KubernetesError> {
        let key = object.key();
        let dry_run = if how.dry_run { "&dryRun=All" } else { "" };
        let path = format!("{}?fieldManager={}&force={}&fieldValidation=Strict{dry_run}", path_of(&key)?, encode(&how.manager), how.force);
        self.send("apply", &words(&key), Method::PATCH, &path, "application/apply-patch+yaml", Some(object.value()), how.account.as_ref())
            .await
            .map(|answer| if how.dry_run { Object::new(answer) } else { self.written(answer) })
    }

    /// Creates an event of this name, once until the time is over, in seconds since 1970: what lasts is told at every look.
    pub async fn tell(&self, event: &Object, now: i64, until: i64) -> Result<(), KubernetesError> {
        {
            let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
            told.retain(|_, until| *until > now);
            if told.insert(event.namespaced_name().to_string(), until).is_some() {
                return Ok(());
            }
        }
        match self.create(event).await {
            Err(error) if error.class == Class::AlreadyExists => Ok(()),
            Err(error) => {
                self.told.lock().unwrap_or_else(PoisonError::into_inner).remove(&event.namespaced_name().to_string());
                Err(error)
            }
            Ok(_) => Ok(()),
        }
    }

    /// Creates an object; one that exists is an error.
    pub async fn create(&self, object: &Object) -> Result<Object, KubernetesError> {
        let key = object.key();
        let path = format!("{}?fieldManager=stackgres", collection(&known(&key.kind)?, key.namespace.as_deref()));
        self.send("create", &words(&key), Method::POST, &path, JSON, Some(object.value()), None).await.map(|answer| self.written(answer))
    }

    /// Asks whether an object could be created, strictly; stores nothing.
    pub async fn create_in_dry_run(&self, object: &Object) -> Result<Object, KubernetesError> {
        let key = object.key();
        let path = collection(&known(&key.kind)?, key.namespace.as_deref());
        let path = format!("{path}?fieldManager=stackgres&fieldValidation=Strict&dryRun=All");
        self.send("create in a dry run", &words(&key), Method::POST, &path, JSON, Some(object.value()), None).await.map(Object::new)
    }

    /// Merges a patch into the status subresource. A `metadata.resourceVersion` in the patch makes it a precondition.
    pub async fn patch_status(&self, key: &ObjectKey, patch: &Value, manager: &str) -> Result<Object, KubernetesError> {
        let path = format!("{}/status?fieldManager={}", path_of(key)?, encode(manager));
        self.send("patch the status of", &words(key), Method::PATCH, &path, MERGE, Some(patch), None)
            .await
            .map(|answer| self.written(answer))
    }

    /// Merges a patch into an object.
    pub async fn merge(&self, key: &ObjectKey, patch: &Value, manager: &str, account: Option<&Account>) -> Result<Object, KubernetesError> {
        let path = format!("{}?fieldManager={}&fieldValidation=Strict", path_of(key)?, encode(manager));
        self.send("patch", &words(key), Method::PATCH, &path, MERGE, Some(patch), account).await.map(|answer| self.written(answer))
    }

    /// Changes processor and memory of a running pod, by its subresource `resize`. A strategic merge: containers are told apart by name.
    pub async fn resize(&self, key: &ObjectKey, patch: &Value) -> Result<Object, KubernetesError> {
        let path = format!("{}/resize?fieldManager=stackgres", path_of(key)?);
        let kind = "application/strategic-merge-patch+json";
        self.send("resize", &words(key), Method::PATCH, &path, kind, Some(patch), None).await.map(|answer| self.written(answer))
    }

    /// The last lines a container of a pod printed; `previous` is the one before its last restart.
    pub async fn log(&self, key: &ObjectKey, container: &str, lines: u32, previous: bool) -> Result<String, KubernetesError> {
        let path =
            format!("{}/log?container={}&tailLines={lines}&limitBytes=1000000&previous={previous}", path_of(key)?, encode(container));
        let request = Request::builder().method(Method::GET).uri(path).body(Vec::new());
        let other = |message: String| KubernetesError::new("read the log of", words(key), Class::Other, message);
        let request = request.map_err(|error| other(error.to_string()))?;
        match tokio::time::timeout(self.timeout, self.client.request_text(request)).await {
            Ok(answer) => answer.map_err(|error| KubernetesError::from_kube("read the log of", words(key), &error)),
            Err(_) => Err(KubernetesError::new("read the log of", words(key), Class::Timeout, "no answer in time")),
        }
    }

    /// The name by which the API server knows this caller.
    pub async fn own_name(&self) -> Result<Option<String>, KubernetesError> {
        const PATH: &str = "/apis/authentication.k8s.io/v1/selfsubjectreviews";
        let review = json!({"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"});
        let answer = self.send("create", "SelfSubjectReview", Method::POST, PATH, JSON, Some(&review), None).await?;
        Ok(answer.pointer("/status/userInfo/username").and_then(Value::as_str).map(str::to_owned))
    }

    /// Deletes an object of this identity; one that is gone already is fine.
    pub async fn delete(&self, key: &ObjectKey, uid: Option<&str>) -> Result<(), KubernetesError> {
        self.delete_as(key, uid, "Background").await
    }

    /// Deletes an object of this identity and leaves what it owns. Source: Kubernetes documentation, "Garbage Collection", section
    /// "Orphaned dependents".
    pub async fn delete_orphaning(&self, key: &ObjectKey, uid: &str) -> Result<(), KubernetesError> {
        self.delete_as(key, Some(uid), "Orphan").await
    }

    async fn delete_as(&self, key: &ObjectKey, uid: Option<&str>, propagation: &str) -> Result<(), KubernetesError> {
        let mut options = json!({"apiVersion": "v1", "kind": "DeleteOptions", "propagationPolicy": propagation});
        if let Some(uid) = uid {
            options["preconditions"] = json!({"uid": uid});
        }
        match self.send("delete", &words(key), Method::DELETE, &path_of(key)?, JSON, Some(&options), None).await {
            Ok(answer) => {
                if let Some(cache) = &self.cache {
                    // Without finalizers it is gone; with some the answer is the object as it is now.
                    if answer.get("kind").and_then(Value::as_str) == Some(key.kind.as_str()) {
                        cache.written(&Object::new(answer));
                    } else {
                        cache.deleted(key);
                    }
                }
                Ok(())
            }
            Err(error) if error.is_not_found() => {
                if let Some(cache) = &self.cache {
                    cache.deleted(key);
                }
                Ok(())
            }
            Err(error) => Err(error),
        }
    }
}

const JSON: &str = "application/json";
const METADATA: &str = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1";
const MERGE: &str = "application/merge-patch+json";

fn known(kind: &str) -> Result<Resource, KubernetesError> {
    resource(kind).ok_or_else(|| KubernetesError::new("find", kind, Class::Other, "a kind this program does not know"))
}

fn collection(found: &Resource, namespace: Option<&str>) -> String {
    let root = if found.api_version.contains('/') { "apis" } else { "api" };
    match namespace.filter(|_| found.namespaced) {
        Some(namespace) => format!("/{root}/{}/namespaces/{}/{}", found.api_version, encode(namespace), found.plural),
        None => format!("/{root}/{}/{}", found.api_version, found.plural),
    }
}

fn path_of(key: &ObjectKey) -> Result<String, KubernetesError> {
    Ok(format!("{}/{}", collection(&known(&key.kind)?, key.namespace.as_deref()), encode(&key.name)))
}

/// Percent-encodes what is not plain in a path segment or query value.
fn encode(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>().replace('+', "%20")
}
