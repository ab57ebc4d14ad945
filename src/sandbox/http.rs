//! From a request to an answer.

use super::answer::{Failure, respond};
use super::own::Validation;
use super::resources::{Resource, find, stored};
use super::selector::Selector;
use super::server::Server;
use super::store::Key;
use super::write::{PatchKind, Write};
use super::{discovery, openapi, pages, scale, table, watch, workloads};
use crate::model::is_this_machine_called;
use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::http::{Method, Response, header};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Largest body, as the API server has it (3 MiB).
const LARGEST: usize = 3 << 20;

/// What a path names.
struct Target {
    resource: &'static Resource,
    namespace: Option<String>,
    name: Option<String>,
    subresource: String,
}

/// What the query says.
pub(super) struct Query(BTreeMap<String, String>);

impl Query {
    fn parse(text: &str) -> Self {
        Self(url::form_urlencoded::parse(text.as_bytes()).into_owned().collect())
    }

    pub(super) fn get(&self, name: &str) -> &str {
        self.0.get(name).map_or("", String::as_str)
    }

    fn is(&self, name: &str) -> bool {
        matches!(self.get(name), "true" | "1")
    }
}

/// In which form the answer is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    Whole,
    Metadata,
    Table,
}

/// Answers one request.
pub(super) async fn answer(server: Arc<Server>, request: Request) -> Response<Body> {
    match dispatch(&server, request).await {
        Ok(response) => response,
        Err(failure) => failure.response(),
    }
}

async fn dispatch(server: &Arc<Server>, request: Request) -> Result<Response<Body>, Failure> {
    let (parts, body) = request.into_parts();
    // A browser says for which site it asks; `kubectl` and controllers do not.
    let host = parts.headers.get(header::HOST).and_then(|host| host.to_str().ok());
    if parts.headers.contains_key(header::ORIGIN) || !host.is_some_and(is_this_machine_called) {
        return Err(Failure::stranger());
    }
    let path = parts.uri.path().trim_end_matches('/').to_owned();
    if let Some(fixed) = discovery::answer(&path).or_else(|| openapi::answer(&path)) {
        return Ok(respond(200, &fixed));
    }
    if matches!(path.as_str(), "/healthz" | "/livez" | "/readyz") {
        return Ok(Response::new(Body::from("ok")));
    }
    let header = |name: &str| parts.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
    let query = Query::parse(parts.uri.query().unwrap_or_default());
    let bytes = to_bytes(body, LARGEST).await.map_err(|error| Failure::bad_request(error.to_string()))?;
    if path.ends_with("selfsubjectaccessreviews") {
        let mut review: Value = serde_json::from_slice(&bytes).unwrap_or_default();
        review["status"] = json!({"allowed": true});
        return Ok(respond(201, &review));
    }
    if path.ends_with("selfsubjectreviews") {
        let mut review: Value = serde_json::from_slice(&bytes).unwrap_or_default();
        review["status"] = json!({"userInfo": {"username": "somebody", "groups": ["system:masters", "system:authenticated"]}});
        return Ok(respond(201, &review));
    }
    let target = target_of(&path)?;
    let accept = header("accept");
    let form = if accept.contains("as=Table") {
        Form::Table
    } else if accept.contains("as=PartialObjectMetadata") {
        Form::Metadata
    } else {
        Form::Whole
    };
    let agent = header("user-agent");
    let user = agent.split(['/', ' ']).next().filter(|name| !name.is_empty()).unwrap_or("unknown").to_owned();
    let manager = if query.get("fieldManager").is_empty() { user } else { query.get("fieldManager").to_owned() };
    let write = Write {
        resource: stored(target.resource),
        namespace: target.namespace.as_deref().unwrap_or_default(),
        name: target.name.as_deref().unwrap_or_default(),
        subresource: &target.subresource,
        manager: &manager,
        force: query.is("force"),
        dry_run: query.get("dryRun") == "All",
        validation: if query.get("fieldValidation") == "Strict" { Validation::Strict } else { Validation::Lenient },
    };
    let parse = || -> Result<Value, Failure> {
        let kind = header("content-type");
        if kind.contains("protobuf") {
            return Err(Failure::unsupported_media(&kind));
        }
        serde_json::from_slice(&bytes)
            .or_else(|_| serde_yaml::from_slice(&bytes).map_err(|error| Failure::bad_request(format!("the body cannot be read: {error}"))))
    };
    check(&parts.method, &header("content-type"), &query)?;
    let served = match target.subresource.as_str() {
        "" => true,
        "status" => target.resource.status,
        other => target.resource.subresources().contains(&other),
    };
    if !served {
        return Err(Failure::not_found(target.resource, write.name));
    }
    if target.subresource == "scale" {
        return scale::answer(server, &write, &parts.method, parse);
    }
    match (&parts.method, &target.name) {
        (&Method::GET, Some(name)) => {
            let key = Key::new(write.resource, write.namespace, name);
            let found = server.store.read().get(&key).ok_or_else(|| Failure::not_found(target.resource, name))?;
            Ok(respond(200, &formed(target.resource, found.as_ref().clone(), form)))
        }
        (&Method::GET, None) if query.is("watch") => watch::answer(server, target.resource, target.namespace, form, &query),
        (&Method::GET, None) => pages::list(server, target.resource, target.namespace.as_deref(), form, &query),
        (&Method::POST, None) => {
            let body = parse()?;
            let made = server.store.write(|state| write.create(state, body))?;
            Ok(respond(201, &formed(target.resource, made, form)))
        }
        (&Method::PUT, Some(_)) => {
            let body = parse()?;
            let made = server.store.write(|state| write.replace(state, body))?;
            Ok(respond(200, &formed(target.resource, made, form)))
        }
        (&Method::PATCH, Some(_)) => {
            let kind = match header("content-type").split(';').next().unwrap_or_default() {
                "application/apply-patch+yaml" | "application/apply-patch+json" => PatchKind::Apply,
                "application/merge-patch+json" => PatchKind::Merge,
                "application/strategic-merge-patch+json" => PatchKind::Strategic,
                "application/json-patch+json" => PatchKind::Json,
                other => return Err(Failure::unsupported_media(other)),
            };
            let body = parse()?;
            let key = Key::new(write.resource, write.namespace, write.name);
            let (made, fresh) = server.store.write(|state| {
                let fresh = state.get(&key).is_none();
                write.patch(state, kind, body).map(|made| (made, fresh))
            })?;
            Ok(respond(if fresh { 201 } else { 200 }, &formed(target.resource, made, form)))
        }
        (&Method::DELETE, Some(name)) => {
            let options = if bytes.is_empty() { json!({}) } else { parse()? };
            let gone = server.store.write(|state| workloads::delete(state, &write, name, &options))?;
            Ok(respond(200, &gone))
        }
        (&Method::DELETE, None) => {
            let selector = Selector::parse(target.resource, query.get("labelSelector"), query.get("fieldSelector"))?;
            let items = server.store.write(|state| {
                let found: Vec<(String, Arc<Value>)> = state
                    .list(write.resource, target.namespace.as_deref())
                    .filter(|(_, object)| selector.matches(object))
                    .map(|(key, object)| (key.name.clone(), object.clone()))
                    .collect();
                found.iter().try_for_each(|(name, _)| workloads::delete(state, &write, name, &json!({})).map(drop))?;
                Ok::<_, Failure>(found.into_iter().map(|(_, object)| object.as_ref().clone()).collect::<Vec<Value>>())
            })?;
            let kind = format!("{}List", target.resource.kind);
            Ok(respond(200, &json!({"apiVersion": target.resource.api_version(), "kind": kind, "metadata": {}, "items": items})))
        }
        (method, _) => Err(Failure::not_allowed(method.as_str())),
    }
}

/// Options that do not go with a request.
fn check(method: &Method, kind: &str, query: &Query) -> Result<(), Failure> {
    let options = match *method {
        Method::POST => "CreateOptions",
        Method::PUT => "UpdateOptions",
        Method::PATCH => "PatchOptions",
        Method::DELETE => "DeleteOptions",
        _ => return Ok(()),
    };
    let (dry, applies) = (query.get("dryRun"), kind.starts_with("application/apply-patch"));
    if !matches!(dry, "" | "All") {
        let message = format!("Unsupported value: [\"{dry}\"]: supported values: \"All\"");
        return Err(Failure::invalid_options(options, "dryRun", &message));
    }
    if *method == Method::PATCH && applies && query.get("fieldManager").is_empty() {
        return Err(Failure::invalid_options(options, "fieldManager", "Required value: is required for apply patch"));
    }
    if *method == Method::PATCH && !applies && !query.get("force").is_empty() {
        return Err(Failure::invalid_options(options, "force", "Forbidden: may not be specified for non-apply patch"));
    }
    Ok(())
}

/// `/api/v1/namespaces/NS/pods/NAME/status` and its relatives.
fn target_of(path: &str) -> Result<Target, Failure> {
    let parts: Vec<String> = path
        .trim_start_matches('/')
        .split('/')
        .map(|part| {
            url::form_urlencoded::parse(format!("x={}", part.replace('+', "%2B")).as_bytes())
                .next()
                .map_or_else(String::new, |(_, value)| value.into_owned())
        })
        .collect();
    let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
    let (group, version, rest) = match parts.as_slice() {
        ["api", version, rest @ ..] => ("", *version, rest),
        ["apis", group, version, rest @ ..] => (*group, *version, rest),
        _ => return Err(Failure::no_such_path()),
    };
    let resource = |plural: &str| find(group, version, plural).ok_or_else(Failure::no_such_path);
    let text = |part: &str| Some(part.to_owned());
    let (resource, namespace, name, subresource) = match rest {
        ["namespaces", name, sub @ ("status" | "finalize")] => (resource("namespaces")?, None, text(name), (*sub).to_owned()),
        ["namespaces", namespace, plural, rest @ ..] => {
            let (name, sub) = match rest {
                [] => (None, ""),
                [name] => (text(name), ""),
                [name, sub] => (text(name), *sub),
                _ => return Err(Failure::no_such_path()),
            };
            (resource(plural)?, text(namespace), name, sub.to_owned())
        }
        [plural] => (resource(plural)?, None, None, String::new()),
        [plural, name] => (resource(plural)?, None, text(name), String::new()),
        [plural, name, sub] => (resource(plural)?, None, text(name), (*sub).to_owned()),
        _ => return Err(Failure::no_such_path()),
    };
    if resource.namespaced && name.is_some() && namespace.is_none() {
        return Err(Failure::no_such_path());
    }
    Ok(Target { resource, namespace, name, subresource })
}

/// An object in the wanted form.
pub(super) fn formed(resource: &'static Resource, object: Value, form: Form) -> Value {
    let object = viewed(resource, object);
    match form {
        Form::Whole => object,
        Form::Metadata => json!({"apiVersion": "meta.k8s.io/v1", "kind": "PartialObjectMetadata", "metadata": object["metadata"]}),
        Form::Table => {
            let metadata = json!({"resourceVersion": object["metadata"]["resourceVersion"]});
            table::of(resource, vec![object], &metadata)
        }
    }
}

/// Core events are a view of the newer ones.
pub(super) fn viewed(resource: &Resource, object: Value) -> Value {
    if resource.kind != "Event" || !resource.group.is_empty() || object.get("involvedObject").is_some() {
        return object;
    }
    json!({
        "apiVersion": "v1", "kind": "Event", "metadata": object["metadata"], "involvedObject": object["regarding"], "reason": object["reason"],
        "message": object["note"], "type": object["type"], "source": {"component": object["reportingController"]}, "count": 1,
        "firstTimestamp": object["metadata"]["creationTimestamp"], "lastTimestamp": object["metadata"]["creationTimestamp"],
        "eventTime": object["eventTime"], "reportingComponent": object["reportingController"], "reportingInstance": object["reportingInstance"],
        "action": object["action"],
    })
}
