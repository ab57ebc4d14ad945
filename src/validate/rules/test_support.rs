//! Helpers of the rules' tests.

use super::super::{check_cluster, check_manifest};
use crate::diagnostics::Diagnostics;
use crate::load::{LoadOptions, SourceFile, load};
use crate::resolve::{Inputs, Settings, resolve};
use std::collections::BTreeSet;

/// Findings of a source as `code path`, and its clusters.
pub(super) fn examine(text: &str) -> (Vec<String>, Vec<Inputs>) {
    let options = LoadOptions { default_namespace: Some("n".to_owned()), ..LoadOptions::default() };
    let loaded = load(&[SourceFile { path: "a.yaml".to_owned(), content: text.as_bytes().into() }], &options);
    let mut findings = Diagnostics::new();
    findings.extend(loaded.diagnostics);
    for manifest in &loaded.manifests {
        findings.extend(check_manifest(manifest));
    }
    let resolution = resolve(&loaded.manifests, &[], &BTreeSet::new(), false);
    findings.extend(resolution.diagnostics);
    let clusters = resolution.clusters;
    for inputs in &clusters {
        findings.extend(check_cluster(inputs.clone(), &Settings::default()).1);
    }
    (findings.0.iter().map(|finding| format!("{} {}", finding.code, pointer(&finding.path))).collect(), clusters)
}

/// The pointer a path was made of: shorter to write in a test.
fn pointer(path: &str) -> String {
    let mut out = String::from("/");
    let mut quoted = false;
    for character in path.replace("\\n", "\n").chars() {
        match character {
            '"' => quoted = !quoted,
            '.' | '[' if !quoted => out.push('/'),
            ']' if !quoted => {}
            other => out.push(other),
        }
    }
    out
}

/// A cluster with more fields in its spec, two blanks deep; the findings but those every small cluster has.
pub(super) fn findings(more: &str) -> Vec<String> {
    let pods = if more.contains("\n  pods:") || more.starts_with("  pods:") { "" } else { "  pods: {persistentVolume: {size: 5Gi}}\n" };
    let text = format!(
        "apiVersion: stackgres.io/v1\nkind: SGCluster\nmetadata: {{name: demo, namespace: n}}\nspec:\n  instances: 2\n  postgres: {{version: '17'}}\n{pods}{more}\n"
    );
    examine(&text).0
}

/// The findings of a small cluster with more fields in its pods.
pub(super) fn pods(text: &str) -> Vec<String> {
    findings(&format!("  pods: {{persistentVolume: {{size: 5Gi}}, {text}}}"))
}
