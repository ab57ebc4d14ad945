//! Lists, whole and page by page. Every page shows the moment of the first one.

use super::answer::{Failure, respond};
use super::http::{Form, Query, formed, viewed};
use super::resources::{Resource, stored};
use super::selector::Selector;
use super::server::Server;
use super::store::Key;
use super::table;
use axum::body::Body;
use axum::http::Response;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

/// Where the next page begins.
struct Token {
    revision: u64,
    /// Namespace and name of the last object that was given.
    after: (String, String),
}

impl Token {
    fn write(&self) -> String {
        URL_SAFE_NO_PAD.encode(json!([self.revision, self.after.0, self.after.1]).to_string())
    }

    fn read(text: &str) -> Result<Self, Failure> {
        let bytes = URL_SAFE_NO_PAD.decode(text).unwrap_or_default();
        match serde_json::from_slice(&bytes) {
            Ok((revision, namespace, name)) => Ok(Self { revision, after: (namespace, name) }),
            Err(_) => Err(Failure::bad_request("invalid continue token: continue key is not valid")),
        }
    }
}

/// Answers a list.
pub(super) fn list(
    server: &Server,
    resource: &'static Resource,
    namespace: Option<&str>,
    form: Form,
    query: &Query,
) -> Result<Response<Body>, Failure> {
    let selector = Selector::parse(resource, query.get("labelSelector"), query.get("fieldSelector"))?;
    let limit: usize = match query.get("limit") {
        "" => 0,
        limit => limit.parse().map_err(|_| Failure::bad_request(format!("strconv.ParseInt: parsing \"{limit}\": invalid syntax")))?,
    };
    let token = Some(query.get("continue")).filter(|token| !token.is_empty()).map(Token::read).transpose()?;
    let (objects, revision) = {
        let state = server.store.read();
        let revision = token.as_ref().map_or(state.revision, |token| token.revision);
        (state.list_at(stored(resource), namespace, revision).ok_or_else(Failure::expired)?, revision)
    };
    let mut found: Vec<(&Key, Value)> = Vec::new();
    for (key, object) in &objects {
        let given = |token: &Token| (key.namespace.as_str(), key.name.as_str()) <= (token.after.0.as_str(), token.after.1.as_str());
        if token.as_ref().is_some_and(given) {
            continue;
        }
        let object = viewed(resource, object.as_ref().clone());
        if selector.matches(&object) {
            found.push((key, object));
        }
    }
    let mut metadata = json!({"resourceVersion": revision.to_string()});
    if limit > 0 && found.len() > limit {
        let left = found.len() - limit;
        found.truncate(limit);
        if let Some((last, _)) = found.last() {
            metadata["continue"] = json!(Token { revision, after: (last.namespace.clone(), last.name.clone()) }.write());
        }
        // With a selector the server does not know how many are left.
        if query.get("labelSelector").is_empty() && query.get("fieldSelector").is_empty() {
            metadata["remainingItemCount"] = json!(left);
        }
    }
    let objects: Vec<Value> = found.into_iter().map(|(_, object)| object).collect();
    if form == Form::Table {
        return Ok(respond(200, &table::of(resource, objects, &metadata)));
    }
    let (version, kind) = match form {
        Form::Metadata => ("meta.k8s.io/v1".to_owned(), "PartialObjectMetadataList".to_owned()),
        _ => (resource.api_version(), format!("{}List", resource.kind)),
    };
    let items: Vec<Value> = objects.into_iter().map(|object| item(resource, object, form)).collect();
    // An empty list of metadata is null there.
    let items = if form == Form::Metadata && items.is_empty() { Value::Null } else { json!(items) };
    Ok(respond(200, &json!({"apiVersion": version, "kind": kind, "metadata": metadata, "items": items})))
}

/// Items of built-in kinds do not say what they are; those of our own do.
fn item(resource: &'static Resource, object: Value, form: Form) -> Value {
    let mut object = formed(resource, object, form);
    if let Some(map) = object.as_object_mut().filter(|_| resource.own.is_none() && form == Form::Whole) {
        map.remove("kind");
        map.remove("apiVersion");
    }
    object
}
