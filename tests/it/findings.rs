//! What `stackgres check` tells, in the forms that programs read, and what it tells of manifests of older versions of the API.

use serde_json::Value;
use std::path::Path;
use std::process::{Command, Output};

const SCHEMA: &str = "docs/findings.schema.json";

fn check(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_stackgres")).args(["check", "."]).args(arguments).current_dir(folder).env_clear().output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// Two findings about two places, one about a secret, one of a document that is left alone.
const WRONG: &str = "apiVersion: stackgres.io/v1\nkind: SGCluster\nmetadata: {name: a}\nspec:\n  instances: 2\n  postgres: {version: '17'}\n  sgInstanceProfile: smal\n  pods: {persistentVolume: {size: 5G}}\n  pods: {}\n---\napiVersion: stackgres.io/v1\nkind: SGInstanceProfile\nmetadata: {name: small}\nspec: {cpu: '1', memory: 2Gi}\n---\napiVersion: stackgres.io/v1\nkind: SGInstanceProfile\nmetadata: {name: twice}\nspec: {cpu: '1', memory: 2Gi}\n---\napiVersion: stackgres.io/v1\nkind: SGInstanceProfile\nmetadata: {name: twice}\nspec: {cpu: '1', memory: 2Gi}\n---\napiVersion: apps/v1\nkind: Deployment\nmetadata: {name: x}\n";

/// Follows a schema and a value together; only what the schema of the findings uses is known.
fn fits(at: &str, root: &Value, schema: &Value, value: &Value, problems: &mut Vec<String>) {
    if let Some(reference) = schema["$ref"].as_str() {
        let target = root.pointer(reference.trim_start_matches('#')).unwrap_or_else(|| panic!("{reference} leads nowhere"));
        return fits(at, root, target, value, problems);
    }
    for known in ["anyOf", "oneOf"] {
        if let Some(ways) = schema[known].as_array() {
            let way = |way: &Value| {
                let mut inside = Vec::new();
                fits(at, root, way, value, &mut inside);
                inside.is_empty()
            };
            if !ways.iter().any(way) {
                problems.push(format!("{at}: {value} fits none of {known}"));
            }
        }
    }
    if let Some(allowed) = schema["enum"].as_array()
        && !allowed.contains(value)
    {
        problems.push(format!("{at}: {value} is not one of {allowed:?}"));
    }
    if schema.get("const").is_some_and(|only| only != value) {
        problems.push(format!("{at}: {value} is not {}", schema["const"]));
    }
    let is = |name: &str| match name {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "integer" => value.is_i64() || value.is_u64(),
        "null" => value.is_null(),
        other => panic!("{other} is no type of this schema"),
    };
    let types = match &schema["type"] {
        Value::String(one) => vec![one.as_str()],
        Value::Array(all) => all.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    if !types.is_empty() && !types.into_iter().any(is) {
        problems.push(format!("{at}: {value} has not the type {}", schema["type"]));
    }
    if let Value::Object(fields) = value {
        for required in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
            if !fields.contains_key(required) {
                problems.push(format!("{at}: {required} is missing"));
            }
        }
        for (name, value) in fields {
            match schema["properties"].get(name) {
                Some(schema) => fits(&format!("{at}/{name}"), root, schema, value, problems),
                None => problems.push(format!("{at}: {name} is not in the schema")),
            }
        }
    }
    for (index, item) in value.as_array().into_iter().flatten().enumerate() {
        fits(&format!("{at}/{index}"), root, &schema["items"], item, problems);
    }
}

/// Programs are written against the schema that is published; one that differs from what comes out breaks them.
#[test]
fn the_published_schema_is_that_of_the_output() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("a.yaml"), WRONG).unwrap();
    let generated = text(&check(folder.path(), &["--output", "schema"]).stdout);
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(SCHEMA);
    if std::env::var("UPDATE_GOLDEN").is_ok() {
        std::fs::write(&path, &generated).unwrap();
    }
    let published = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(published == generated, "{SCHEMA} is old: run with UPDATE_GOLDEN=1");

    let output = check(folder.path(), &["--output", "json"]);
    assert_eq!(output.status.code(), Some(3));
    let found: Value = serde_json::from_slice(&output.stdout).unwrap();
    let schema: Value = serde_json::from_str(&published).unwrap();
    let mut problems = Vec::new();
    fits("", &schema, &schema, &found, &mut problems);
    assert!(problems.is_empty(), "{}", problems.join("\n"));
    let all = found["diagnostics"].as_array().unwrap();
    let errors = all.iter().filter(|problem| problem["severity"] == "error").count();
    assert_eq!(found["summary"]["errors"], errors, "{found:#}");
    assert_eq!((&found["version"], &found["summary"]["clusters"]), (&1.into(), &0.into()));
    let related = |code: &str| {
        let of = all.iter().find(|problem| problem["code"] == code).unwrap_or_else(|| panic!("{code}: {found:#}"));
        of["related"][0]["line"].as_u64()
    };
    assert_eq!((related("duplicate-key"), related("duplicate-object")), (Some(8), Some(21)));
    assert_eq!(related("missing-reference"), Some(13), "the object that is meant");
    // A walk that finds nothing wrong anywhere proves nothing.
    let mut wrong = found.clone();
    wrong["diagnostics"][0]["severity"] = "fatal".into();
    wrong["more"] = 1.into();
    let mut problems = Vec::new();
    fits("", &schema, &schema, &wrong, &mut problems);
    assert_eq!(problems.len(), 2, "{problems:?}");
}

/// A log of CI full of escapes cannot be read, and colour that nobody can switch on is not there.
#[test]
fn colour_is_where_it_is_wanted() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("a.yaml"), WRONG).unwrap();
    let plain = text(&check(folder.path(), &[]).stdout);
    assert!(!plain.contains('\u{1b}') && plain == text(&check(folder.path(), &["--color", "never"]).stdout));
    let colours = text(&check(folder.path(), &["--color", "always"]).stdout);
    assert!(colours.contains("\u{1b}[1;31merror[duplicate-key]\u{1b}[0m"), "{colours:?}");
    let json = text(&check(folder.path(), &["--color", "always", "--output", "json"]).stdout);
    assert!(!json.contains('\u{1b}'));
}

/// Whoever moves a repository here is told the whole edit at once, not one line a run.
#[test]
fn manifests_of_older_versions_are_told_every_edit() {
    let folder = tempfile::tempdir().unwrap();
    let old = "apiVersion: stackgres.io/v1beta1\nkind: SGCluster\nmetadata: {name: a, namespace: n}\nspec:\n  instances: 1\n  postgresVersion: '17'\n  pods: {persistentVolume: {size: 5Gi}, metadata: {labels: {team: x}}}\n  configurations: {sgPoolingConfig: p, sgBackupConfig: b}\n---\napiVersion: stackgres.io/v1beta1\nkind: SGPoolingConfig\nmetadata: {name: p, namespace: n}\nspec: {pgBouncer: {pgbouncer.ini: {pool_mode: transaction}}}\n---\napiVersion: stackgres.io/v1\nkind: SGBackupConfig\nmetadata: {name: b, namespace: n}\nspec:\n  baseBackups: {cronSchedule: 0 5 * * *, retention: 3}\n  storage: {type: gcs, gcs: {bucket: x, path: /old, gcpCredentials: {fetchCredentialsFromMetadataService: true}}}\n---\napiVersion: stackgres.io/v1alpha1\nkind: StackGresProfile\nmetadata: {name: s, namespace: n}\nspec: {cpu: '1', memory: 2Gi}\n";
    std::fs::write(folder.path().join("a.yaml"), old).unwrap();
    let output = check(folder.path(), &["--output", "json"]);
    assert_eq!(output.status.code(), Some(3), "{}", text(&output.stdout));
    let found: Value = serde_json::from_slice(&output.stdout).unwrap();
    let all = found["diagnostics"].as_array().unwrap();
    let told: Vec<String> = all
        .iter()
        .map(|problem| format!("{} {} {}", problem["line"], problem["code"].as_str().unwrap(), problem["path"].as_str().unwrap()))
        .collect();
    assert_eq!(
        told,
        [
            "1 wrong-api-version apiVersion",
            "6 unknown-field spec.postgresVersion",
            "7 unknown-field spec.pods.metadata",
            "8 unknown-field spec.configurations.sgBackupConfig",
            "10 wrong-api-version apiVersion",
            "13 unknown-field spec.pgBouncer[\"pgbouncer.ini\"].pool_mode",
            "16 kind-no-longer-served kind",
            "23 unknown-kind kind",
            "8 broken-reference spec.configurations.sgPoolingConfig",
        ],
        "{found:#}"
    );
    let shown = text(&check(folder.path(), &[]).stdout);
    for part in [
        "  help: take it out and write\n      | spec:\n      |   postgres:\n      |     version: '17'\n",
        "      | kind: SGObjectStorage\n",
        "      |       fetchCredentialsFromMetadataService: true\n",
        "      |     - cronSchedule: 0 5 * * *\n",
        "write `apiVersion: stackgres.io/v1` and `kind: SGInstanceProfile`",
    ] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
}
