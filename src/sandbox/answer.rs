//! Failures as an API server tells them: `metav1.Status`.

use super::resources::Resource;
use axum::body::Body;
use axum::http::Response;
use serde_json::{Value, json};

/// A refused request.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Failure {
    code: u16,
    /// Empty where the server gives none.
    reason: &'static str,
    message: String,
    /// Null where the server gives none.
    details: Value,
}

impl Failure {
    fn new(code: u16, reason: &'static str, message: impl Into<String>) -> Self {
        Self { code, reason, message: message.into(), details: Value::Null }
    }

    pub(super) fn message(&self) -> &str {
        &self.message
    }

    fn about(self, resource: &Resource, name: &str) -> Self {
        self.about_kind(resource, resource.plural, name)
    }

    fn about_kind(mut self, resource: &Resource, kind: &str, name: &str) -> Self {
        self.details = about(resource, kind, name);
        self
    }

    pub(super) fn bad_request(message: impl Into<String>) -> Self {
        Self::new(400, "BadRequest", message)
    }

    pub(super) fn stranger() -> Self {
        Self::new(403, "Forbidden", "this API serves programs of this machine, and no web sites")
    }

    pub(super) fn no_such_path() -> Self {
        let mut failure = Self::new(404, "NotFound", "the server could not find the requested resource");
        failure.details = json!({});
        failure
    }

    pub(super) fn not_found(resource: &Resource, name: &str) -> Self {
        Self::new(404, "NotFound", format!("{} \"{name}\" not found", resource.qualified())).about(resource, name)
    }

    pub(super) fn exists(resource: &Resource, name: &str) -> Self {
        Self::new(409, "AlreadyExists", format!("{} \"{name}\" already exists", resource.qualified())).about(resource, name)
    }

    pub(super) fn conflict(resource: &Resource, name: &str, why: &str) -> Self {
        let message = format!("Operation cannot be fulfilled on {} \"{name}\": {why}", resource.qualified());
        Self::new(409, "Conflict", message).about(resource, name)
    }

    /// A delete whose precondition does not hold. Here the server names the kind, not the resource.
    pub(super) fn precondition(resource: &Resource, name: &str, why: &str) -> Self {
        let message = format!("Operation cannot be fulfilled on {} \"{name}\": {why}", resource.qualified_kind());
        Self::new(409, "Conflict", message).about_kind(resource, resource.kind, name)
    }

    pub(super) fn invalid(resource: &Resource, name: &str, problems: &[(String, String)]) -> Self {
        Self::invalid_as(&resource.qualified_kind(), resource, resource.kind, name, problems)
    }

    /// The same where the server names the resource, not the kind.
    pub(super) fn invalid_resource(resource: &Resource, name: &str, problems: &[(String, String)]) -> Self {
        Self::invalid_as(&resource.qualified(), resource, resource.plural, name, problems)
    }

    fn invalid_as(what: &str, resource: &Resource, kind: &str, name: &str, problems: &[(String, String)]) -> Self {
        let mut failure = Self::new(422, "Invalid", format!("{what} \"{name}\" is invalid: {}", listed(problems)));
        failure.details = about(resource, kind, name);
        failure.details["causes"] = causes(problems);
        failure
    }

    /// Options of a request that do not go together.
    pub(super) fn invalid_options(kind: &str, field: &str, message: &str) -> Self {
        let problems = [(field.to_owned(), message.to_owned())];
        let mut failure = Self::new(422, "Invalid", format!("{kind}.meta.k8s.io \"\" is invalid: {}", listed(&problems)));
        failure.details = json!({"group": "meta.k8s.io", "kind": kind, "causes": causes(&problems)});
        failure
    }

    /// A JSON patch that cannot be carried out.
    pub(super) fn refused_patch() -> Self {
        let mut failure = Self::new(422, "Invalid", "the server rejected our request due to an error in our request");
        failure.details = json!({});
        failure
    }

    /// What the server says without a reason, as a failure of its own.
    pub(super) fn internal(message: impl Into<String>) -> Self {
        Self::new(500, "", message)
    }

    /// Fields that others hold: manager as the server names it, and path.
    pub(super) fn apply_conflict(conflicts: &[(String, String)]) -> Self {
        let message = match conflicts {
            [(manager, path)] => format!("Apply failed with 1 conflict: conflict with {manager}: {path}"),
            several => {
                let mut managers: Vec<&String> = several.iter().map(|(manager, _)| manager).collect();
                managers.sort();
                managers.dedup();
                let of = |manager: &String| {
                    let paths: Vec<String> =
                        several.iter().filter(|(one, _)| one == manager).map(|(_, path)| format!("- {path}")).collect();
                    format!("conflicts with {manager}:\n{}", paths.join("\n"))
                };
                let all: Vec<String> = managers.into_iter().map(of).collect();
                format!("Apply failed with {} conflicts: {}", several.len(), all.join("\n"))
            }
        };
        let mut failure = Self::new(409, "Conflict", message);
        let causes = conflicts
            .iter()
            .map(|(manager, path)| json!({"reason": "FieldManagerConflict", "field": path, "message": format!("conflict with {manager}")}));
        failure.details = json!({"causes": causes.collect::<Vec<_>>()});
        failure
    }

    pub(super) fn not_allowed(method: &str) -> Self {
        Self::new(405, "MethodNotAllowed", format!("the server does not allow {method} on the requested resource"))
    }

    pub(super) fn unsupported_media(kind: &str) -> Self {
        Self::new(415, "UnsupportedMediaType", format!("the body of the request was in an unknown format: {kind}"))
    }

    pub(super) fn expired() -> Self {
        Self::new(410, "Expired", "too old resource version")
    }

    pub(super) fn to_value(&self) -> Value {
        let mut status = json!({
            "apiVersion": "v1", "kind": "Status", "metadata": {}, "status": "Failure", "message": self.message, "code": self.code,
        });
        if !self.reason.is_empty() {
            status["reason"] = json!(self.reason);
        }
        if !self.details.is_null() {
            status["details"] = self.details.clone();
        }
        status
    }

    pub(super) fn response(&self) -> Response<Body> {
        respond(self.code, &self.to_value())
    }
}

/// What a failure or a deletion is about.
pub(super) fn about(resource: &Resource, kind: &str, name: &str) -> Value {
    let mut details = json!({"kind": kind});
    for (field, value) in [("name", name), ("group", resource.group)] {
        if !value.is_empty() {
            details[field] = json!(value);
        }
    }
    details
}

fn listed(problems: &[(String, String)]) -> String {
    let all: Vec<String> = problems.iter().map(|(field, message)| format!("{field}: {message}")).collect();
    if all.len() == 1 { all[0].clone() } else { format!("[{}]", all.join(", ")) }
}

/// Problems as the server lists them; the beginning of a message says what kind it is of.
fn causes(problems: &[(String, String)]) -> Value {
    const KINDS: &[(&str, &str)] = &[
        ("Required value", "FieldValueRequired"),
        ("Forbidden", "FieldValueForbidden"),
        ("Not found", "FieldValueNotFound"),
        ("Unsupported value", "FieldValueNotSupported"),
        ("Duplicate value", "FieldValueDuplicate"),
    ];
    let reason = |message: &str| match KINDS.iter().find(|(begin, _)| message.starts_with(begin)) {
        Some((_, reason)) => *reason,
        None if message.contains(" in body must be of type ") => "FieldValueTypeInvalid",
        None => "FieldValueInvalid",
    };
    problems.iter().map(|(field, message)| json!({"reason": reason(message), "field": field, "message": message})).collect()
}

/// A JSON answer.
pub(super) fn respond(code: u16, value: &Value) -> Response<Body> {
    let mut response = Response::new(Body::from(value.to_string()));
    *response.status_mut() = axum::http::StatusCode::from_u16(code).unwrap_or(axum::http::StatusCode::INTERNAL_SERVER_ERROR);
    response.headers_mut().insert("content-type", axum::http::HeaderValue::from_static("application/json"));
    response
}
