//! The table of classes, and tests of some that belong nowhere else.

use super::program::printed;
use stackgres::api::carried_out;
use stackgres::api::schema::{Schema, Shape, Support};
use std::collections::BTreeSet;
use std::path::Path;

fn sources(folder: &Path, text: &mut String) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, text);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            text.push_str(&std::fs::read_to_string(&path).unwrap());
        }
    }
}

/// A class whose test was renamed away is a class without a test.
#[test]
fn every_named_test_exists() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let table = std::fs::read_to_string(root.join("docs/security.md")).unwrap();
    let mut text = String::new();
    sources(&root.join("src"), &mut text);
    sources(&root.join("tests/it"), &mut text);
    let rows: Vec<&str> = table.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| Class")).collect();
    assert!(rows.len() >= 16, "{} classes", rows.len());
    for row in rows {
        let cells: Vec<&str> = row.trim_matches('|').split(" | ").collect();
        assert_eq!(cells.len(), 3, "{row}");
        let names: Vec<&str> = cells[2].split('`').skip(1).step_by(2).collect();
        assert!(!names.is_empty(), "no test: {row}");
        for name in names {
            assert!(text.contains(&format!("fn {name}(")), "there is no test {name}");
        }
    }
}

fn addresses(schema: &Schema, at: &str, found: &mut BTreeSet<String>) {
    if schema.support == Support::NotYetError || schema.support == Support::Output {
        return;
    }
    match &schema.shape {
        Shape::Object { fields, .. } => {
            for field in fields {
                let path = format!("{at}.{}", field.name);
                let name = field.name.to_lowercase();
                let says = ["url", "uri", "endpoint", "endpoints", "proxy", "webhook", "address", "directory"]
                    .iter()
                    .any(|word| name.ends_with(word));
                // What the kubelet mounts is asked by the node, as for every pod.
                if says && !at.contains("customVolumes") && matches!(field.schema.shape, Shape::Text(_) | Shape::Object { .. }) {
                    found.insert(path.clone());
                }
                addresses(&field.schema, &path, found);
            }
        }
        Shape::Map { values } => addresses(values, &format!("{at}.*"), found),
        Shape::Array { items, .. } => addresses(items, &format!("{at}[]"), found),
        _ => {}
    }
}

/// A field whose address the controller asks is a way into the network of the cluster for whoever may write it.
#[test]
fn addresses_are_named_by_these_fields_only() {
    let mut found = BTreeSet::new();
    for kind in carried_out() {
        addresses(&kind.schema, kind.kind, &mut found);
    }
    let expected = [
        // Where a fleet comes from: `directory` below the folders that the controller was given, `url` over https or ssh.
        "SGFleet.spec.source.directory",
        "SGFleet.spec.source.git.proxy",
        "SGFleet.spec.source.git.url",
        // Of backups; the controller only passes it on.
        "SGObjectStorage.spec.s3Compatible.endpoint",
    ];
    assert_eq!(found.iter().map(String::as_str).collect::<Vec<_>>(), expected);
}

/// A receiver without a secret would let everybody on the internet have repositories asked.
#[test]
fn a_webhook_without_a_secret_does_not_start() {
    let folder = tempfile::tempdir().unwrap();
    let kubeconfig = folder.path().join("kubeconfig");
    std::fs::write(&kubeconfig, "{apiVersion: v1, kind: Config, current-context: c, clusters: [{name: c, cluster: {server: 'http://127.0.0.1:1'}}], contexts: [{name: c, context: {cluster: c, user: u}}], users: [{name: u, user: {}}]}").unwrap();
    let run = |more: &[&str]| {
        let arguments = [&["run", "--no-lease", "--listen", "127.0.0.1:0", "--webhook-listen", "127.0.0.1:0"][..], more].concat();
        printed(folder.path(), Some(&kubeconfig), &arguments)
    };
    let (code, text) = run(&[]);
    assert_eq!(code, Some(2), "{text}");
    assert!(text.contains("--webhook-secret-file"), "{text}");
    for content in ["", "\n\n", "PLANTED-short\n", "long-enough-and-secret\nPLANTED\n"] {
        std::fs::write(folder.path().join("secret"), content).unwrap();
        let (code, text) = run(&["--webhook-secret-file", "secret"]);
        assert_eq!(code, Some(2), "{content:?}: {text}");
        assert!(!text.contains("PLANTED") && !text.contains("long-enough") && !text.contains("takes webhooks"), "{content:?}: {text}");
    }
    assert_eq!(run(&["--webhook-secret-file", "nowhere"]).0, Some(2));
}

/// A parser that names the value it did not expect would print a token where everybody sees it.
#[test]
fn a_kubeconfig_is_not_repeated() {
    let folder = tempfile::tempdir().unwrap();
    let kubeconfig = folder.path().join("kubeconfig");
    let whole = "apiVersion: v1\nkind: Config\ncurrent-context: c\nclusters: [{name: c, cluster: {server: 'http://127.0.0.1:1'}}]\ncontexts: [{name: c, context: {cluster: c, user: u}}]\n";
    for users in [
        "users: [{name: u, user: PLANTED}]",
        "users: PLANTED",
        "users: [{name: u, user: {token: [PLANTED]}}]",
        "users: [{name: u, user: {client-key-data: PLANTED}}]",
        "users: [{name: u, user: {client-certificate-data: UExBTlRFRA==, client-key-data: UExBTlRFRA==}}]",
        "users: [{name: u, user: {token: PLANTED}}]\nclusters: PLANTED",
        "users: [{name: u, user: {token: 'PLANTED\\n'}}]",
        "users: [{name: u, user: {username: me, password: PLANTED}}]",
        "token: PLANTED: x",
    ] {
        std::fs::write(&kubeconfig, format!("{whole}{users}\n")).unwrap();
        let (code, text) = printed(folder.path(), Some(&kubeconfig), &["history", "shop/a"]);
        assert_eq!(code, Some(2), "{users}: {text}");
        assert!(!text.contains("PLANTED") && !text.contains("UExBTlRFRA"), "{users}: {text}");
    }
    std::fs::write(&kubeconfig, whole.replace("http://127", "http://me:PLANTED@127")).unwrap();
    let (_, text) = printed(folder.path(), Some(&kubeconfig), &["history", "shop/a"]);
    assert!(!text.contains("PLANTED"), "{text}");
}
