//! What can go wrong, by class.

use crate::model::ObjectKey;
use kube::core::Status;

/// Class of a failure: what the caller decides by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// It does not exist.
    NotFound,
    /// It changed meanwhile, or another manager owns a field.
    Conflict,
    /// It exists already.
    AlreadyExists,
    /// The caller has no right to do this, or an admission policy refuses.
    Forbidden,
    /// The API server does not accept the object.
    Invalid,
    /// The API server did not answer in time.
    Timeout,
    /// The API server cannot be reached, or asks to come again later.
    Unavailable,
    /// This replica does not lead, so it does not write.
    NotLeading,
    /// Anything else.
    Other,
}

/// A failed request.
#[derive(Debug, thiserror::Error)]
#[error("{verb} {key}: {message}")]
pub struct KubernetesError {
    /// What was tried.
    pub verb: &'static str,
    /// On which object, or kind and namespace.
    pub key: String,
    /// The API server's own words, without content.
    pub message: String,
    /// Its class.
    pub class: Class,
}

impl KubernetesError {
    /// Makes an error of one request.
    pub fn new(verb: &'static str, key: impl Into<String>, class: Class, message: impl Into<String>) -> Self {
        Self { verb, key: key.into(), message: message.into(), class }
    }

    pub(super) fn from_kube(verb: &'static str, key: impl Into<String>, error: &kube::Error) -> Self {
        let (class, message) = match error {
            kube::Error::Api(status) => (class_of(status), status.message.clone()),
            kube::Error::HyperError(_) | kube::Error::Service(_) => (Class::Unavailable, "the API server cannot be reached".to_owned()),
            other => (Class::Other, other.to_string()),
        };
        let key = key.into();
        // The server repeats values that it does not accept.
        let message = if class == Class::Invalid && key.starts_with("Secret") {
            "the API server does not accept the object".to_owned()
        } else {
            message
        };
        Self::new(verb, key, class, message)
    }

    /// Whether the API server as a whole is the trouble, so that the next request would fail as well.
    pub fn is_general(&self) -> bool {
        matches!(self.class, Class::Timeout | Class::Unavailable | Class::NotLeading)
    }

    /// Whether the object does not exist.
    pub fn is_not_found(&self) -> bool {
        self.class == Class::NotFound
    }
}

/// How the answer to an apply begins that does not fit the schema. Source: observed on Kubernetes 1.34.
const UNTYPED: &str = "failed to create typed patch object";

fn class_of(status: &Status) -> Class {
    match (status.code, status.reason.as_str()) {
        (_, "AlreadyExists") => Class::AlreadyExists,
        (404, _) => Class::NotFound,
        (409, _) => Class::Conflict,
        // An identity in a patch that is another object's by now.
        (422, _) if status.details.iter().flat_map(|details| &details.causes).any(|cause| cause.field == "metadata.uid") => Class::Conflict,
        (401 | 403, _) => Class::Forbidden,
        (400 | 422, _) => Class::Invalid,
        (408 | 504, _) => Class::Timeout,
        // An apply of a field or a value that the installed schema does not know is answered with 500, without a reason.
        (500, "") if status.message.starts_with(UNTYPED) => Class::Invalid,
        (429 | 500 | 502 | 503, _) => Class::Unavailable,
        _ => Class::Other,
    }
}

/// The key of an object in words.
pub(super) fn words(key: &ObjectKey) -> String {
    key.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// As Kubernetes 1.34 answered them. Taken for trouble of the API server, the first would be tried for ever and told nobody; taken
    /// for a mistake in the object, the second would stall a cluster because one of its pods was made again meanwhile.
    #[test]
    fn answers_that_mean_something_else_than_their_code() {
        let class = |status: serde_json::Value| class_of(&serde_json::from_value(status).unwrap());
        let untyped = json!({"status": "Failure", "code": 500,
            "message": "failed to create typed patch object (/a; /v1, Kind=ConfigMap): .daaata: field not declared in schema"});
        assert_eq!(class(untyped), Class::Invalid);
        assert_eq!(
            class(json!({"status": "Failure", "code": 500, "reason": "InternalError", "message": "etcdserver: leader changed"})),
            Class::Unavailable
        );
        let cause = json!({"reason": "FieldValueInvalid", "field": "metadata.uid", "message": "Invalid value: \"x\": field is immutable"});
        let other = json!({"status": "Failure", "code": 422, "reason": "Invalid", "message": "", "details": {"causes": [cause]}});
        assert_eq!(class(other), Class::Conflict);
        assert_eq!(class(json!({"status": "Failure", "code": 422, "reason": "Invalid", "message": ""})), Class::Invalid);
    }
}
