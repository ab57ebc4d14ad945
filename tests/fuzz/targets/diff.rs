//! Two manifests with secrets in them: what differs, and what of it is shown.

use serde_json::json;
use stackgres::diagnostics::{mask_line, mask_text, visible};
use stackgres::engine::offline::{LoadOptions, Options, Report, SourceFile, check as checked, plan_between, plan_text};

/// Not found anywhere else, and not made by mutation.
const MARKER: &str = "PLANTEDq7Z";

/// The first byte chooses the form of the secret, what follows stands before and after it, in a parameter, a variable, a script and an
/// annotation.
pub(super) fn check(data: &[u8]) {
    let Some((form, rest)) = data.split_first() else { return };
    let text = String::from_utf8_lossy(rest);
    if text.contains(MARKER) {
        return;
    }
    let (before, after) = text.split_once('\n').unwrap_or((&text, ""));
    let secret = match form % 12 {
        0 => format!("PASSWORD '{MARKER}'"),
        1 => format!("password={MARKER}"),
        2 => format!("\"password\": \"{MARKER}\""),
        3 => format!("DB_TOKEN={MARKER}"),
        4 => format!("--client-secret {MARKER}"),
        5 => format!("postgres://u:{MARKER}@h/x"),
        6 => format!("https://{MARKER}@h/x.git"),
        7 => format!("Authorization: Bearer {MARKER}"),
        8 => format!("\npassword: |\n  {MARKER}\n"),
        9 => format!("PASSWORD $a${MARKER}$a$"),
        10 => format!("secret_access_key '{MARKER}'"),
        _ => format!("PASSWORD E'{MARKER}'"),
    };
    let whole = format!("{before} {secret} {after}");
    assert!(!mask_text(&whole).contains(MARKER), "{}", mask_text(&whole));
    for line in 1..=whole.lines().count() {
        let shown = mask_line(&whole, line).unwrap_or_default();
        assert!(!shown.contains(MARKER), "line {line}: {shown}");
    }

    let (old, new) = (report(before, &format!("{before} {secret}")), report(after, &whole));
    for side in [&old, &new] {
        let same = plan_between(side, "a", side, "b");
        assert!(same.clusters.iter().all(|cluster| cluster.values.is_empty() && cluster.causes.is_empty()), "nothing differs from itself");
    }
    for (base, head) in [(&old, &new), (&new, &old)] {
        let plan = plan_between(base, "a", head, "b");
        let json = serde_json::to_string(&plan).unwrap();
        for shown in [plan_text(&plan, true), plan_text(&plan, false), json] {
            assert!(!shown.contains(MARKER), "{shown}");
            assert!(super::is_harmless(&visible(&shown)));
        }
    }
}

/// A cluster that holds the text wherever text can stand; an odd text may block it, which is shown as well.
fn report(name: &str, text: &str) -> Report {
    let cluster = json!({
        "apiVersion": "stackgres.io/v1", "kind": "SGCluster",
        "metadata": {"name": "a", "namespace": "n", "annotations": {"note": text}},
        "spec": {
            "instances": 1, "postgres": {"version": "17"},
            "pods": {
                "persistentVolume": {"size": "5Gi"},
                "customEnv": {"patroni": [{"name": "NOTE", "value": text}, {"name": "DB_PASSWORD", "value": name}]},
                "customContainers": [{"name": "x", "image": "i", "args": [text, name], "command": ["sh", "-c", text]}],
            },
            "configurations": {"postgres": {"postgresql.conf": {"my.note": text, "work_mem": name}}},
            "managedSql": {"scripts": [{"sgScript": "s"}]},
        }
    });
    let script = json!({"apiVersion": "stackgres.io/v1", "kind": "SGScript", "metadata": {"name": "s", "namespace": "n"},
        "spec": {"scripts": [{"script": text}]}});
    let content = format!("{cluster:#}\n---\n{script:#}\n");
    let options = Options { load: LoadOptions::default(), ..Options::default() };
    checked(&[SourceFile { path: "a.yaml".to_owned(), content: content.into_bytes().into() }], &options)
}
