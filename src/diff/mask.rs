//! Secret values never reach an output.
//!
//! A plan is posted to a pull request, where one readable password is a leak for ever. So this hides what may be a secret:
//! everything below `data` of a Secret, values whose own name or whose parent's name says so, environment variables and arguments
//! of such a name, and inside of any text what follows such a name. A value hidden in vain costs a look into the file.

use crate::diagnostics::{HIDDEN, is_plain_key, is_secret_name, mask_text, visible};
use serde_json::{Map, Value};

/// Masks a whole object of `kind`.
pub(super) fn mask_object(kind: &str, value: &Value) -> Value {
    match value {
        Value::Object(map) if kind == "Secret" => Value::Object(
            map.iter().map(|(key, child)| (key.clone(), hide(child, matches!(key.as_str(), "data" | "stringData"), key))).collect(),
        ),
        other => hide(other, false, ""),
    }
}

/// Masks one effective value by its dotted name.
pub(super) fn mask_effective(name: &str, value: &Value) -> Value {
    hide(value, false, name.split('.').find(|part| is_secret_name(part)).unwrap_or_default())
}

/// Masks the values of effective settings, nodes of `value` and `origin` at any depth, for people: where they come from stays, and
/// nothing in them moves a terminal.
pub(super) fn mask_settings(settings: &Value) -> Value {
    masked_settings(settings, "")
}

fn masked_settings(node: &Value, at: &str) -> Value {
    match node {
        Value::Object(map) if is_setting(map) => {
            let part = |name: &String, part: &Value| if name == "value" { seen(mask_effective(at, part)) } else { part.clone() };
            Value::Object(map.iter().map(|(name, value)| (name.clone(), part(name, value))).collect())
        }
        Value::Object(map) if holds_settings(node) => {
            map.iter().map(|(name, child)| (visible(name).into_owned(), masked_settings(child, &format!("{at}.{name}")))).collect()
        }
        // What comes from one place as a whole, containers for example.
        other => seen(mask_effective(at, other)),
    }
}

fn is_setting(map: &Map<String, Value>) -> bool {
    map.contains_key("value") && map.contains_key("origin")
}

fn holds_settings(node: &Value) -> bool {
    node.as_object().is_some_and(|map| is_setting(map) || map.values().any(holds_settings))
}

fn seen(value: Value) -> Value {
    match value {
        Value::String(text) => Value::from(visible(&text)),
        Value::Array(items) => items.into_iter().map(seen).collect(),
        Value::Object(map) => map.into_iter().map(|(name, child)| (visible(&name).into_owned(), seen(child))).collect(),
        other => other,
    }
}

/// `all` hides every scalar; `name` is the name of the value, or of the nearest parent that names a secret.
fn hide(value: &Value, all: bool, name: &str) -> Value {
    match value {
        Value::Object(map) => Value::Object(map.iter().map(|(key, child)| (key.clone(), member(map, key, child, all, name))).collect()),
        Value::Array(items) => {
            let mut after_flag = false;
            let hidden = items.iter().map(|item| {
                let secret = all || (after_flag && item.is_string());
                after_flag = item.as_str().is_some_and(|text| text.starts_with('-') && !text.contains(['=', ' ']) && is_secret_name(text));
                hide(item, secret, name)
            });
            Value::Array(hidden.collect())
        }
        Value::Null => Value::Null,
        Value::Bool(_) if !all => value.clone(),
        _ if all => Value::from(HIDDEN),
        Value::String(text) if text.is_empty() => value.clone(),
        Value::String(_) | Value::Number(_) if is_secret_name(name) => Value::from(HIDDEN),
        Value::String(text) => Value::from(mask_text(text)),
        other => other.clone(),
    }
}

fn member(map: &Map<String, Value>, key: &str, child: &Value, all: bool, parent: &str) -> Value {
    // `{name: DB_PASSWORD, value: x}`, the form of an environment variable.
    let named = ["name", "key"].iter().filter_map(|field| map.get(*field)?.as_str()).any(is_secret_name);
    let holds = matches!(key, "value" | "default" | "content" | "data");
    if all || (named && holds) {
        return hide(child, true, key);
    }
    // References to Secrets (`passwordSecretRef: {name, key}`) are names and stay readable.
    let inherited = is_secret_name(parent) && !is_secret_name(key) && !is_plain_key(key);
    hide(child, false, if inherited { parent } else { key })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    #[test]
    fn values_of_secret_names_are_hidden_and_references_are_not() {
        assert_eq!(mask_object("Secret", &json!({"data": {"a": "b"}})), json!({"data": {"a": HIDDEN}}));
        assert_eq!(mask_object("Secret", &json!({"stringData": {"a": {"b": 1}}})), json!({"stringData": {"a": {"b": HIDDEN}}}));
        for name in [
            "my.api_token",
            "my.secret",
            "my.client_secret",
            "my.pwd",
            "my.aws_secret_access_key",
            "my.passwd",
            "x.DbPass",
            "primary_conninfo",
            "x.privateKey",
        ] {
            let masked = mask_object("SGPostgresConfig", &json!({"spec": {"postgresql.conf": {name: "s3cr3t"}}}));
            assert!(!masked.to_string().contains("s3cr3t"), "{name}: {masked}");
            assert_eq!(mask_effective(&format!("postgres.parameters.{name}"), &json!("s3cr3t")), json!(HIDDEN), "{name}");
        }
        let readable = json!({
            "password_encryption": "md5", "passwordSecretRef": {"name": "n", "key": "password"}, "secretName": "s",
            "volumes": [{"name": "v", "secret": {"secretName": "s", "items": [{"key": "k", "path": "p"}]}}],
            "env": [{"name": "DB_PASSWORD", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}}, {"name": "LEVEL", "value": "debug"}],
            "ports": [{"name": "pgport", "port": 5432}], "args": ["--level", "debug"],
        });
        assert_eq!(mask_object("SGCluster", &readable), readable);
    }

    /// The status is read by more people than the manifests of a cluster.
    #[test]
    fn settings_are_masked_at_any_depth() {
        let settings = json!({
            "postgres": {"parameters": {"my.token": {"value": "s3cr3t", "origin": {"manifest": {"file": "a.yaml", "line": 3}}}}},
            "instances": {"value": 3, "origin": "default"},
            "pods": {"containers": [{"env": [{"name": "DB_PASSWORD", "value": "s3cr3t"}], "args": ["--token=s3cr3t"]}], "note": {"a": "x\u{202e}"}},
        });
        let masked = mask_settings(&settings);
        assert!(!masked.to_string().contains("s3cr3t"), "{masked}");
        assert_eq!(masked["postgres"]["parameters"]["my.token"]["origin"]["manifest"]["line"], 3);
        assert_eq!((&masked["instances"]["value"], &masked["pods"]["note"]["a"]), (&json!(3), &json!("x\\u202e")));
    }

    #[test]
    fn containers_do_not_leak() {
        let pod = json!({"containers": [{
            "env": [{"name": "DB_PASSWORD", "value": "s3cr3t"}, {"name": "AWS_SECRET_ACCESS_KEY", "value": "s3cr3t"}],
            "args": ["--password", "s3cr3t", "--token=s3cr3t", "--db-pass", "s3cr3t", "-c", "export PGPASSWORD=s3cr3t; run"],
            "command": ["sh", "-c", "AWS_SECRET_ACCESS_KEY=s3cr3t aws s3 ls"],
        }], "authentication": {"password": {"plain": "s3cr3t"}, "tokens": ["s3cr3t"]}});
        let masked = mask_object("SGCluster", &pod).to_string();
        assert!(!masked.contains("s3cr3t"), "{masked}");
        assert!(masked.contains("DB_PASSWORD") && masked.contains("aws s3 ls"), "{masked}");
    }

    /// Hiding a setting that holds no secret makes plans unreadable.
    #[test]
    fn parameters_of_postgresql_are_readable() {
        let hidden: Vec<&str> = crate::postgres::names(17)
            .into_iter()
            .filter(|name| mask_object("SGPostgresConfig", &json!({*name: "some value"})) != json!({*name: "some value"}))
            .collect();
        assert_eq!(hidden, ["primary_conninfo", "ssl_passphrase_command", "ssl_passphrase_command_supports_reload"]);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(256))]
        /// Wherever a value with a secret name stands, it is gone.
        #[test]
        fn no_place_leaks(
            prefix in "[a-z]{0,4}[_.-]?", word in prop::sample::select(vec!["password", "passwd", "pwd", "secret", "token", "api_key",
                "access_key", "client_secret", "credential", "passphrase", "private_key"]),
            upper in any::<bool>(), place in 0_usize..5,
        ) {
            let mut name = format!("{prefix}{word}");
            if upper {
                name = name.to_ascii_uppercase();
            }
            let value = "Q7x/s3cr3t+==";
            let object = match place {
                0 => json!({name: value}),
                1 => json!({"env": [{"name": name, "value": value}]}),
                2 => json!({"args": [format!("--{name}"), value]}),
                3 => json!({"args": [format!("--{name}={value}")]}),
                _ => json!({"spec": {name: {"plain": [value]}}}),
            };
            let masked = mask_object("SGCluster", &object).to_string();
            prop_assert!(!masked.contains("s3cr3t"), "{masked}");
        }
    }
}
