//! What a document is to this program.

use crate::api::{GROUP, KINDS, find_kind};
use crate::diagnostics::Diagnostic;
use serde_json::Value;

/// What becomes of a document.
pub(super) enum Verdict {
    /// Ours to manage.
    Managed,
    /// A list whose items are judged one by one.
    List,
    /// Named and not touched; says why.
    LeftAlone(&'static str),
    /// A mistake.
    Problem(Diagnostic),
    /// Nothing in it.
    Empty,
}

/// Judges a document by its kind.
pub(super) fn judge(value: &Value) -> Verdict {
    let text = |pointer: &str| value.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    let (version, kind) = (text("/apiVersion"), text("/kind"));
    let group = version.split_once('/').map_or("", |(group, _)| group);
    match (version, kind) {
        _ if value.is_null() => Verdict::Empty,
        ("", _) | (_, "") => Verdict::LeftAlone("YAML that is no Kubernetes object"),
        ("v1", "List") => Verdict::List,
        (_, "SGFleet") if group == GROUP => Verdict::LeftAlone("an SGFleet is set up beside its repository, not in it"),
        _ if group == GROUP => ours(version, kind),
        _ if value.get("sops").is_some() => Verdict::LeftAlone("encrypted with SOPS: something else must decrypt and apply it"),
        ("v1", "Namespace" | "ConfigMap") => Verdict::Managed,
        ("v1", "Secret") => secret(value),
        (_, "SealedSecret") => Verdict::LeftAlone("a sealed Secret: its own controller unseals it"),
        (_, "Kustomization" | "Component") if group.starts_with("kustomize") => {
            Verdict::LeftAlone("a kustomization file: render it before committing")
        }
        _ => Verdict::LeftAlone("a kind this program does not manage"),
    }
}

fn ours(version: &str, kind: &str) -> Verdict {
    match find_kind(kind) {
        Some(found) if found.api_version() == version => Verdict::Managed,
        Some(found) => Verdict::Problem(
            Diagnostic::error("wrong-api-version", format!("{kind} is not served as {version}"))
                .path("/apiVersion")
                .help(format!("write `apiVersion: {}`", found.api_version())),
        ),
        None => {
            let names: Vec<&str> = KINDS.iter().map(|kind| kind.kind).collect();
            let nearest = crate::diagnostics::nearest(kind, names.iter().copied());
            let help = nearest.map_or_else(|| format!("the kinds are {}", names.join(", ")), |name| format!("did you mean {name}?"));
            Verdict::Problem(Diagnostic::error("unknown-kind", format!("there is no kind {kind} in {GROUP}")).path("/kind").help(help))
        }
    }
}

fn secret(value: &Value) -> Verdict {
    let filled = |field: &str| value.get(field).and_then(Value::as_object).is_some_and(|map| !map.is_empty());
    if filled("data") || filled("stringData") {
        return Verdict::Problem(
            Diagnostic::error("clear-text-secret", "a Secret stands in clear text")
                .help("keep it out of Git: make it in the cluster (vault, sealed or SOPS-encrypted Secret) and refer to it by name; treat the value as leaked"),
        );
    }
    Verdict::LeftAlone("a Secret without content")
}
