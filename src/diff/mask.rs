//! Secret values never reach an output.

use regex::Regex;
use serde_json::Value;
use std::sync::LazyLock;

/// What stands in place of a secret value.
pub const HIDDEN: &str = "(hidden)";

static SECRET_NAME: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?i)(passw|passphrase|secret_?key$|secretAccessKey|token|credential|private_?key|api_?key|primary_conninfo)")
        .expect("a literal expression, compiled by every test of this module")
});
static SECRET_TEXT: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r#"(?i)(password\s*=?\s*)('(?:[^']|'')*'|"[^"]*"|\$\w*\$[^$]*\$\w*\$|[^\s'";,]+)|(://[^/\s:@]*:)([^@\s/]+)@"#)
        .expect("a literal expression, compiled by every test of this module")
});

/// Replaces passwords inside a text: `PASSWORD 'x'` of SQL, `password=x` of a connection string, `://user:x@` of an address.
pub fn mask_text(text: &str) -> String {
    SECRET_TEXT
        .replace_all(text, |found: &regex::Captures<'_>| match (found.get(1), found.get(3)) {
            (Some(name), _) => format!("{}{HIDDEN}", name.as_str()),
            (None, Some(address)) => format!("{}{HIDDEN}@", address.as_str()),
            (None, None) => HIDDEN.to_owned(),
        })
        .into_owned()
}

/// Masks a value that stands at `pointer` of an object of `kind`.
///
/// Everything below `data` of a Secret is hidden, and so is a scalar whose own name says that it is secret. References to
/// Secrets (`passwordSecretRef: {name, key}`) are names and stay readable.
pub(super) fn mask_value(kind: &str, pointer: &str, value: &Value) -> Value {
    let in_secret = kind == "Secret" && (pointer.starts_with("/data") || pointer.starts_with("/stringData"));
    hide(value, in_secret, pointer.rsplit('/').next().unwrap_or_default())
}

fn hide(value: &Value, all: bool, name: &str) -> Value {
    match value {
        Value::Object(map) => Value::Object(
            map.iter().map(|(key, child)| (key.clone(), hide(child, all || matches!(key.as_str(), "stringData"), key))).collect(),
        ),
        Value::Array(items) => Value::Array(items.iter().map(|child| hide(child, all, name)).collect()),
        Value::String(_) | Value::Number(_) if all => Value::from(HIDDEN),
        Value::String(text) if SECRET_NAME.is_match(name) && !is_reference_name(name) && !text.is_empty() => Value::from(HIDDEN),
        Value::String(text) => Value::from(mask_text(text)),
        other => other.clone(),
    }
}

/// Names that contain a secret word but hold a setting or an object name.
fn is_reference_name(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    lower.contains("encryption")
        || lower.ends_with("name")
        || lower.ends_with("ref")
        || lower.ends_with("file")
        || lower.contains("automount")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// A plan is posted to a pull request: one readable password there is a leak for ever.
    #[test]
    fn passwords_do_not_survive() {
        for (text, masked) in [
            ("ALTER ROLE app PASSWORD 'it''s'; SELECT 1", "ALTER ROLE app PASSWORD (hidden); SELECT 1"),
            ("create role a login encrypted password $$x y$$;", "create role a login encrypted password (hidden);"),
            ("host=a password=secret dbname=b", "host=a password=(hidden) dbname=b"),
            ("postgres://app:hunter2@db/x", "postgres://app:(hidden)@db/x"),
            ("SELECT now()", "SELECT now()"),
        ] {
            assert_eq!(mask_text(text), masked);
        }
        assert_eq!(mask_value("Secret", "/data", &json!({"a": "b"})), json!({"a": HIDDEN}));
        assert_eq!(mask_value("Secret", "/data/a", &json!("b")), json!(HIDDEN));
        assert_eq!(mask_value("SGPostgresConfig", "/spec/postgresql.conf/my.api_token", &json!("b")), json!(HIDDEN));
        assert_eq!(mask_value("SGPostgresConfig", "/spec/postgresql.conf/password_encryption", &json!("md5")), json!("md5"));
        assert_eq!(
            mask_value("SGCluster", "/spec/x/passwordSecretRef", &json!({"name": "n", "key": "k"})),
            json!({"name": "n", "key": "k"})
        );
    }
}
