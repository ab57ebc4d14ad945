//! `pgbouncer.ini`.

use crate::resolve::PoolingSettings;
use std::fmt::Write as _;

/// The file: databases, users, settings; every part sorted.
pub(super) fn file(pooling: &PoolingSettings) -> String {
    let mut out = String::from("[databases]\n");
    for (database, options) in &pooling.databases {
        let mut line = format!("{database} = host=/var/run/postgresql port=5432");
        for (option, value) in options {
            let _ = write!(line, " {option}={}", quoted(value));
        }
        let _ = writeln!(out, "{line}");
    }
    out.push_str("* = host=/var/run/postgresql port=5432\n");
    if !pooling.users.is_empty() {
        out.push_str("\n[users]\n");
        for (user, options) in &pooling.users {
            let options: Vec<String> = options.iter().map(|(option, value)| format!("{option}={}", quoted(value))).collect();
            let _ = writeln!(out, "{user} = {}", options.join(" "));
        }
    }
    out.push_str("\n[pgbouncer]\n");
    for (name, value) in &pooling.parameters {
        let _ = writeln!(out, "{name} = {}", value.value);
    }
    out
}

/// Values of connection strings with blanks or quotes stand in single quotes. Source: PgBouncer documentation, section `[databases]`.
fn quoted(value: &str) -> String {
    if value.chars().all(|character| character.is_ascii_alphanumeric() || "-_.,:/".contains(character)) && !value.is_empty() {
        value.to_owned()
    } else {
        format!("'{}'", value.replace('\'', "''"))
    }
}
