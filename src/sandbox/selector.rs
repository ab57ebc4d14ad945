//! Label and field selectors.

use super::answer::Failure;
use super::resources::Resource;
use serde_json::Value;

/// A parsed pair of selectors.
#[derive(Debug, Clone, Default)]
pub(super) struct Selector {
    labels: Vec<Term>,
    fields: Vec<(String, bool, String)>,
}

#[derive(Debug, Clone)]
enum Term {
    Is(String, Vec<String>),
    IsNot(String, Vec<String>),
    Has(String),
    Lacks(String),
}

impl Selector {
    pub(super) fn parse(resource: &Resource, labels: &str, fields: &str) -> Result<Self, Failure> {
        let mut selector = Self::default();
        for term in split(labels) {
            selector.labels.push(label_term(&term).ok_or_else(|| Failure::bad_request(format!("unable to parse requirement: {term}")))?);
        }
        for term in fields.split(',').filter(|term| !term.is_empty()) {
            let (path, negated, value) = match (term.split_once("!="), term.split_once("==").or_else(|| term.split_once('='))) {
                (Some((path, value)), _) => (path, true, value),
                (None, Some((path, value))) => (path, false, value),
                (None, None) => return Err(Failure::bad_request(format!("invalid selector: {term}"))),
            };
            if !known(resource, path) {
                let all = ["metadata.name", "metadata.namespace"].map(|name| format!("\"{name}\"")).join(", ");
                return Err(Failure::bad_request(format!("\"{path}\" is not a known field selector: only {all}")));
            }
            selector.fields.push((path.to_owned(), negated, value.to_owned()));
        }
        Ok(selector)
    }

    pub(super) fn matches(&self, object: &Value) -> bool {
        let label = |key: &str| object.pointer("/metadata/labels").and_then(|labels| labels.get(key)).and_then(Value::as_str);
        let labels = self.labels.iter().all(|term| match term {
            Term::Is(key, values) => label(key).is_some_and(|value| values.iter().any(|wanted| wanted == value)),
            Term::IsNot(key, values) => label(key).is_none_or(|value| values.iter().all(|wanted| wanted != value)),
            Term::Has(key) => label(key).is_some(),
            Term::Lacks(key) => label(key).is_none(),
        });
        labels
            && self.fields.iter().all(|(path, negated, wanted)| {
                let found = object.pointer(&format!("/{}", path.replace('.', "/")));
                let text = match found {
                    Some(Value::String(text)) => text.clone(),
                    Some(other) => other.to_string(),
                    None => String::new(),
                };
                (text == *wanted) != *negated
            })
    }
}

/// Whether objects can be selected by a field. Source: Kubernetes documentation, "Field Selectors".
fn known(resource: &Resource, path: &str) -> bool {
    let more: &[&str] = match (resource.group, resource.kind) {
        (_, "Pod") => &[
            "spec.nodeName",
            "spec.restartPolicy",
            "spec.schedulerName",
            "spec.serviceAccountName",
            "spec.hostNetwork",
            "status.phase",
            "status.podIP",
            "status.podIPs",
            "status.nominatedNodeName",
        ],
        ("", "Event") => &[
            "involvedObject.kind",
            "involvedObject.namespace",
            "involvedObject.name",
            "involvedObject.uid",
            "involvedObject.apiVersion",
            "involvedObject.resourceVersion",
            "involvedObject.fieldPath",
            "reason",
            "reportingComponent",
            "source",
            "type",
        ],
        (_, "Event") => &[
            "regarding.kind",
            "regarding.namespace",
            "regarding.name",
            "regarding.uid",
            "regarding.apiVersion",
            "regarding.resourceVersion",
            "regarding.fieldPath",
            "reason",
            "reportingController",
            "type",
        ],
        (_, "Secret") => &["type"],
        (_, "Namespace") => &["status.phase"],
        (_, "Node") => &["spec.unschedulable"],
        (_, "Job") => &["status.successful"],
        (_, "Service") => &["spec.clusterIP", "spec.type"],
        _ => &[],
    };
    matches!(path, "metadata.name" | "metadata.namespace") || more.contains(&path)
}

/// Splits at commas outside parentheses.
fn split(text: &str) -> Vec<String> {
    let (mut terms, mut depth) = (vec![String::new()], 0_usize);
    for character in text.chars() {
        match character {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if character == ',' && depth == 0 {
            terms.push(String::new());
        } else if let Some(last) = terms.last_mut() {
            last.push(character);
        }
    }
    terms.into_iter().map(|term| term.trim().to_owned()).filter(|term| !term.is_empty()).collect()
}

fn label_term(term: &str) -> Option<Term> {
    let set = |text: &str| {
        let inner = text.trim().strip_prefix('(')?.strip_suffix(')')?;
        Some(inner.split(',').map(|value| value.trim().to_owned()).collect::<Vec<_>>())
    };
    if let Some((key, values)) = term.split_once(" notin ") {
        return Some(Term::IsNot(key.trim().to_owned(), set(values)?));
    }
    if let Some((key, values)) = term.split_once(" in ") {
        return Some(Term::Is(key.trim().to_owned(), set(values)?));
    }
    if let Some((key, value)) = term.split_once("!=") {
        return Some(Term::IsNot(key.trim().to_owned(), vec![value.trim().to_owned()]));
    }
    if let Some((key, value)) = term.split_once("==").or_else(|| term.split_once('=')) {
        return Some(Term::Is(key.trim().to_owned(), vec![value.trim().to_owned()]));
    }
    match term.strip_prefix('!') {
        Some(key) => Some(Term::Lacks(key.trim().to_owned())),
        None if term.contains(' ') => None,
        None => Some(Term::Has(term.to_owned())),
    }
}
