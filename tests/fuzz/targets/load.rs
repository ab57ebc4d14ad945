//! Bytes of a repository to documents.

use stackgres::diagnostics::{output, visible};
use stackgres::load::{LoadOptions, Loaded, SourceFile, load};

pub(super) fn loaded(content: &[u8]) -> Loaded {
    let options = LoadOptions { default_namespace: Some("n".to_owned()), ..LoadOptions::default() };
    load(&[SourceFile { path: "a.yaml".to_owned(), content: content.into() }], &options)
}

pub(super) fn check(data: &[u8]) {
    let first = loaded(data);
    let text = String::from_utf8_lossy(data);
    let lines = text.lines().count();
    for found in &first.diagnostics {
        assert_eq!(found.location.file, "a.yaml");
        assert!(found.location.line <= lines + 1, "{found:?} of {lines} lines");
        assert!(!found.message.is_empty() && !found.code.is_empty());
    }
    // A document is taken, blocked, left alone or complained about. One that vanished would count as deleted.
    let told = first.manifests.len() + first.flawed.len() + first.left_alone.len() + first.diagnostics.iter().count();
    assert!(told > 0 || !text.contains("kind: SGCluster\n"), "a cluster vanished");
    assert!(first.blocked.is_empty() || first.diagnostics.has_errors());

    let shown = visible(&output::text(&first.diagnostics, |_| Some(&text))).into_owned();
    assert!(super::is_harmless(&shown));
    for form in [
        output::github(&first.diagnostics),
        output::sarif(&first.diagnostics, &[], |_| None).to_string(),
        serde_json::to_string(&first.diagnostics).unwrap_or_default(),
    ] {
        assert!(super::is_harmless(&visible(&form)));
    }

    // What was read is lossless: written as JSON, which is YAML, it is read as the same.
    for manifest in &first.manifests {
        let written = format!("{:#}", manifest.object.value());
        let again = loaded(written.as_bytes());
        assert!(!again.diagnostics.has_errors(), "{:?}\n{written}", again.diagnostics);
        assert_eq!(again.manifests.len(), 1, "{written}");
        assert_eq!(again.manifests[0].object.value(), manifest.object.value());
    }
    let second = loaded(data);
    assert_eq!(second.diagnostics, first.diagnostics, "the same bytes give the same findings");
}
