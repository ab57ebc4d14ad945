//! A plan between two states of a fleet, as people and programs read it: both states come from the input, at a line of `=====`.

use stackgres::diagnostics::visible;
use stackgres::engine::offline::{LoadOptions, Options, Report, SourceFile, check as checked, plan_between, plan_text};

/// Bytes of text for each cluster that changes, and for the head: a forge takes 64 KiB in a comment.
const FOR_EACH: usize = 16 << 10;

fn report(text: &str) -> Report {
    let load = LoadOptions { default_namespace: Some("n".to_owned()), ..LoadOptions::default() };
    let options = Options { load, partial: true, ..Options::default() };
    checked(&[SourceFile { path: "a.yaml".to_owned(), content: text.as_bytes().into() }], &options)
}

pub(super) fn check(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let (base, head) = text.split_once("=====\n").unwrap_or((&text, &text));
    let (base, head) = (report(base), report(head));
    let plan = plan_between(&base, "base", &head, "head");
    assert!(plan_between(&base, "a", &base, "a").clusters.iter().all(|cluster| cluster.values.is_empty() && cluster.causes.is_empty()));
    assert_eq!(plan, plan_between(&base, "base", &head, "head"), "the same sides give the same plan");
    let shown = plan_text(&plan, false);
    let shown = visible(&shown);
    assert!(super::is_harmless(&shown));
    // However long a name or a value is, the text of a plan stays readable.
    let findings: usize =
        plan.clusters.iter().map(|cluster| cluster.diagnostics.len() + cluster.causes.len() + cluster.values.len() + 1).sum();
    assert!(shown.len() <= FOR_EACH * (findings + 1) + text.len(), "{} bytes for {findings} findings", shown.len());
    for line in shown.lines() {
        assert!(!line.starts_with("::") && !line.starts_with("##["), "a workflow would take it for a command: {line}");
    }
    let json = serde_json::to_string(&plan).unwrap();
    assert!(super::is_harmless(&visible(&json)));
    let read: serde_json::Value = serde_json::from_str(&visible(&json)).unwrap();
    assert_eq!(read["clusters"].as_array().map(Vec::len), Some(plan.clusters.len()));
}
