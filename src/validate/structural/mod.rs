//! The verdict of the API server, without an API server: types, required fields, bounds, patterns, unknown fields.
//!
//! Source: Kubernetes documentation, "Extend the Kubernetes API with CustomResourceDefinitions", sections "Validation" and
//! "Field pruning"; strict field validation (KEP-2885); "Object Names and IDs" and "Labels and Selectors" for metadata.

mod built_in;
mod codes;
mod forms;
mod metadata;
mod moved;
mod schema_codes;
mod support;
mod value;

pub use codes::CODES;
pub use moved::deprecated;
pub use schema_codes::SCHEMA_CODES;
pub use support::not_supported_yet;
pub(super) use value::of_rule;

use self::metadata::Naming;
use crate::api::{Kind, find_kind};
use crate::diagnostics::{Diagnostic, Diagnostics};
use crate::load::Manifest;
use crate::model::Object;

/// Every structural problem of a manifest of one of our kinds, a Namespace or a ConfigMap; none for other kinds.
pub fn structural(manifest: &Manifest) -> Diagnostics {
    let mut findings = Vec::new();
    match find_kind(manifest.object.kind()) {
        Some(kind) => {
            let naming = Naming::of(kind.kind, kind.name_pattern, kind.name_max_length);
            metadata::check(&naming, manifest.object.value(), &mut findings);
            root(kind, manifest, &mut findings);
        }
        None => built_in::check(manifest, &mut findings),
    }
    findings.into_iter().map(|(pointer, problem)| problem.at(manifest.locate(&pointer)).path(&pointer)).collect()
}

/// The same for a live object.
pub fn structural_of(object: &Object) -> Diagnostics {
    structural(&Manifest::live(object.clone()))
}

/// A problem and the JSON pointer it is about.
type Findings = Vec<(String, Diagnostic)>;

fn root(kind: &Kind, manifest: &Manifest, findings: &mut Findings) {
    let mut value = manifest.object.value().clone();
    if let Some(map) = value.as_object_mut() {
        for field in ["apiVersion", "kind", "metadata"] {
            map.remove(field);
        }
    }
    value::check("", &kind.schema, &value, findings);
    moved::with_edits(kind.kind, &value, findings);
}
