//! Failures as an API server tells them: `metav1.Status`.

use super::resources::Resource;
use axum::body::Body;
use axum::http::Response;
use serde_json::{Value, json};

/// A refused request.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Failure {
    code: u16,
    reason: &'static str,
    message: String,
    details: Value,
}

impl Failure {
    fn new(code: u16, reason: &'static str, message: impl Into<String>) -> Self {
        Self { code, reason, message: message.into(), details: json!({}) }
    }

    pub(super) fn message(&self) -> &str {
        &self.message
    }

    fn about(mut self, resource: &Resource, name: &str) -> Self {
        self.details = json!({"name": name, "group": resource.group, "kind": resource.plural});
        self
    }

    pub(super) fn bad_request(message: impl Into<String>) -> Self {
        Self::new(400, "BadRequest", message)
    }

    pub(super) fn stranger() -> Self {
        Self::new(403, "Forbidden", "this API serves programs of this machine, and no web sites")
    }

    pub(super) fn no_such_path() -> Self {
        Self::new(404, "NotFound", "the server could not find the requested resource")
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

    pub(super) fn invalid(resource: &Resource, name: &str, problems: &[(String, String)]) -> Self {
        let all: Vec<String> = problems.iter().map(|(field, message)| format!("{field}: {message}")).collect();
        let kind = if resource.group.is_empty() { resource.kind.to_owned() } else { format!("{}.{}", resource.kind, resource.group) };
        let text = if all.len() == 1 { all[0].clone() } else { format!("[{}]", all.join(", ")) };
        let mut failure = Self::new(422, "Invalid", format!("{kind} \"{name}\" is invalid: {text}")).about(resource, name);
        let causes = problems.iter().map(|(field, message)| json!({"reason": "FieldValueInvalid", "field": field, "message": message}));
        failure.details["causes"] = causes.collect();
        failure
    }

    pub(super) fn apply_conflict(conflicts: &[(String, String)]) -> Self {
        let lines: Vec<String> = conflicts.iter().map(|(manager, path)| format!("conflict with \"{manager}\": {path}")).collect();
        let plural = if lines.len() == 1 { "conflict" } else { "conflicts" };
        let mut failure = Self::new(409, "Conflict", format!("Apply failed with {} {plural}: {}", lines.len(), lines.join("\n")));
        let causes = conflicts.iter().map(
            |(manager, path)| json!({"reason": "FieldManagerConflict", "field": path, "message": format!("conflict with \"{manager}\"")}),
        );
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
        json!({
            "apiVersion": "v1", "kind": "Status", "metadata": {}, "status": "Failure",
            "message": self.message, "reason": self.reason, "details": self.details, "code": self.code,
        })
    }

    pub(super) fn response(&self) -> Response<Body> {
        respond(self.code, &self.to_value())
    }
}

/// A JSON answer.
pub(super) fn respond(code: u16, value: &Value) -> Response<Body> {
    let mut response = Response::new(Body::from(value.to_string()));
    *response.status_mut() = axum::http::StatusCode::from_u16(code).unwrap_or(axum::http::StatusCode::INTERNAL_SERVER_ERROR);
    response.headers_mut().insert("content-type", axum::http::HeaderValue::from_static("application/json"));
    response
}
