//! The JSON form of a check.

use crate::diagnostics::{Diagnostic, Diagnostics, Location, Severity};
use schemars::JsonSchema;
use serde::Serialize;

/// Version of the form. It grows when a field changes its meaning or goes away, not when one is added.
pub const FORMAT: u32 = 1;

/// Everything that `stackgres check --output json` tells.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Document {
    /// Version of this form; it grows when a field changes its meaning or goes away.
    pub version: u32,
    /// How much there is of everything.
    pub summary: Summary,
    /// The findings in the order of places; what only follows from another finding comes last.
    pub diagnostics: Diagnostics,
    /// Findings that an annotation silences.
    pub silenced: Vec<Silenced>,
    /// What is named and not touched.
    pub left_alone: Vec<Untouched>,
    /// Clusters that can run, as NAMESPACE/NAME.
    pub clusters: Vec<String>,
}

/// Counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Summary {
    /// Findings that block.
    pub errors: usize,
    /// Findings that warn.
    pub warnings: usize,
    /// Findings worth knowing.
    pub infos: usize,
    /// Findings that an annotation silences.
    pub silenced: usize,
    /// Clusters that can run.
    pub clusters: usize,
}

/// A finding that is not shown as one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Silenced {
    /// The finding.
    #[serde(flatten)]
    pub finding: Diagnostic,
    /// Why it is not shown, in the words of who decided it.
    pub reason: String,
}

/// A document that is not managed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Untouched {
    /// Where it begins.
    #[serde(flatten)]
    pub location: Location,
    /// What it is.
    pub reason: String,
}

impl Document {
    /// The findings with their counts.
    pub fn new(diagnostics: Diagnostics, silenced: Vec<Silenced>, left_alone: Vec<Untouched>, clusters: Vec<String>) -> Self {
        let summary = Summary {
            errors: diagnostics.count(Severity::Error),
            warnings: diagnostics.count(Severity::Warning),
            infos: diagnostics.count(Severity::Info),
            silenced: silenced.len(),
            clusters: clusters.len(),
        };
        Self { version: FORMAT, summary, diagnostics, silenced, left_alone, clusters }
    }
}
