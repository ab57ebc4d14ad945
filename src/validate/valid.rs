//! Clusters that passed.

use super::rules::{Check, Context, rules};
use super::structural::{not_supported_yet, structural};
use crate::diagnostics::Diagnostics;
use crate::load::Manifest;
use crate::resolve::{Effective, Inputs, Settings, effective};

/// A cluster that can be rendered. Only [`check_cluster`] makes one.
#[derive(Debug, Clone)]
pub struct ValidCluster {
    inputs: Inputs,
    effective: Effective,
}

impl ValidCluster {
    /// The cluster and everything it refers to.
    pub const fn inputs(&self) -> &Inputs {
        &self.inputs
    }

    /// The values it runs with.
    pub const fn effective(&self) -> &Effective {
        &self.effective
    }
}

/// Everything that can be said of one manifest alone: structure, fields not carried out yet, rules of its kind.
///
/// Rules run only on a sound structure, so that one mistake is one finding.
pub fn check_manifest(manifest: &Manifest) -> Diagnostics {
    let mut diagnostics = structural(manifest);
    if !diagnostics.has_errors() {
        diagnostics.extend(not_supported_yet(manifest));
        for rule in rules() {
            if let Check::Manifest(kind, check) = rule.check
                && kind == manifest.object.kind()
            {
                diagnostics.extend(check(manifest));
            }
        }
    }
    diagnostics
}

/// Checks a cluster whose own manifest and references passed [`check_manifest`].
pub fn check_cluster(inputs: Inputs, settings: &Settings) -> (Option<ValidCluster>, Diagnostics) {
    let effective = effective(&inputs, settings);
    let context = Context { inputs: &inputs, effective: effective.as_ref(), settings };
    let mut diagnostics = Diagnostics::new();
    for rule in rules() {
        if let Check::Cluster(check) = rule.check {
            diagnostics.extend(check(&context));
        }
    }
    let valid = if diagnostics.has_errors() { None } else { effective.map(|effective| ValidCluster { inputs, effective }) };
    (valid, diagnostics)
}
