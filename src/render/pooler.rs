//! `pgbouncer.ini`.

use crate::model::Digest;
use crate::resolve::PoolingSettings;
use serde_json::json;
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// Where every line leads: to the instance of the same pod.
const BACKEND: &str = "host=/var/run/postgresql port=5432";

/// File that the pooler reads after its own databases, on a volume of the pod: it is empty at rest. While a hand-over is under way it
/// leads the clients that stayed to the next primary.
pub const FORWARD: &str = "/var/run/postgresql/pgbouncer-forward.ini";

/// Name of the database that leads to the own instance whatever the others do. Passwords are looked up in it.
pub const OWN: &str = "stackgres-own";

/// Setting that the mark stands in: parameters of clients that the pooler takes no notice of. No client sends one of that name.
pub const MARKED: &str = "ignore_startup_parameters";

/// Mark of a pooler's file. The console shows settings and no files, so this is how a pooler shows which file it has read.
pub fn pooler_mark(pooling: &PoolingSettings) -> String {
    format!("stackgres-{}", Digest::of(&json!(unmarked(pooling, &pooling_parameters(pooling)))).short())
}

/// The file: databases, users, settings; every part sorted. Each value stands in one line, which `resolve` makes sure of.
pub(super) fn file(pooling: &PoolingSettings) -> String {
    let mut parameters = pooling_parameters(pooling);
    let marked = parameters.entry(MARKED).or_default();
    if !marked.is_empty() {
        marked.push(',');
    }
    marked.push_str(&pooler_mark(pooling));
    unmarked(pooling, &parameters)
}

fn pooling_parameters(pooling: &PoolingSettings) -> BTreeMap<&str, String> {
    pooling.parameters.iter().map(|(name, value)| (name.as_str(), value.value.clone())).collect()
}

fn unmarked(pooling: &PoolingSettings, parameters: &BTreeMap<&str, String>) -> String {
    let mut out = String::from("[databases]\n");
    for line in databases(pooling, BACKEND) {
        let _ = writeln!(out, "{line}");
    }
    // Later lines of a name win.
    let _ = writeln!(out, "%include {FORWARD}");
    let users: Vec<_> = pooling.users.iter().filter(|(_, options)| !options.is_empty()).collect();
    if !users.is_empty() {
        out.push_str("\n[users]\n");
        for (user, options) in users {
            let _ = writeln!(out, "{} ={}", name(user), pairs(options));
        }
    }
    out.push_str("\n[pgbouncer]\n");
    for (name, value) in parameters {
        let _ = writeln!(out, "{name} = {value}");
    }
    out
}

/// Every database, leading to one place.
fn databases(pooling: &PoolingSettings, place: &str) -> Vec<String> {
    let named = pooling.databases.iter().filter(|(database, _)| *database != "*");
    let mut lines: Vec<String> = named.map(|(database, options)| format!("{} = {place}{}", name(database), pairs(options))).collect();
    // Every other database. The user's own line for it adds options; the last line of a name wins, so there is one only.
    lines.push(format!("* = {place}{}", pooling.databases.get("*").map(pairs).unwrap_or_default()));
    lines
}

/// Lines of [`FORWARD`] that lead every database to the pooler of another pod.
///
/// To its pooler and not to its server: so the rules of access are the same as before, since both see a client of their own pod, and
/// the server has no more connections than its own pooler opens. What a name stands for is therefore left to that pooler. Passwords are
/// looked up in the own instance, where the pooler needs none for it.
pub fn forwarding(pooling: &PoolingSettings, address: &str) -> Vec<String> {
    let mut same = pooling.clone();
    for options in same.databases.values_mut() {
        options.remove("dbname");
    }
    let place = format!("host={address} port=6432 auth_dbname={OWN}");
    let mut lines = databases(&same, &place);
    lines.push(format!("{OWN} = {BACKEND} dbname=postgres"));
    lines
}

fn pairs(options: &BTreeMap<String, String>) -> String {
    options.iter().fold(String::new(), |mut out, (option, value)| {
        let _ = write!(out, " {option}={}", quoted(value));
        out
    })
}

/// A name of a database or user. Source: PgBouncer documentation, section `[databases]`: letters, digits and `_ . -` need no
/// quotes, everything else stands in double quotes as an SQL identifier does.
fn name(name: &str) -> String {
    if name.chars().all(|character| character.is_ascii_alphanumeric() || "_.-".contains(character)) {
        name.to_owned()
    } else {
        format!("\"{}\"", name.replace('"', "\"\""))
    }
}

/// Values of connection strings with blanks or quotes stand in single quotes. Source: PgBouncer documentation, section `[databases]`.
fn quoted(value: &str) -> String {
    if value.chars().all(|character| character.is_ascii_alphanumeric() || "-_.,:/".contains(character)) && !value.is_empty() {
        value.to_owned()
    } else {
        format!("'{}'", value.replace('\'', "''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn names_are_quoted_and_the_rest_has_one_line() {
        let pooling = PoolingSettings {
            parameters: BTreeMap::new(),
            databases: [
                ("my db".to_owned(), options(&[("connect_query", "select 'x'")])),
                ("*".to_owned(), options(&[("pool_size", "7")])),
            ]
            .into(),
            users: [("o\"k".to_owned(), options(&[("pool_mode", "session")])), ("nothing".to_owned(), BTreeMap::new())].into(),
        };
        assert_eq!(
            file(&pooling),
            "[databases]\n\"my db\" = host=/var/run/postgresql port=5432 connect_query='select ''x'''\n* = host=/var/run/postgresql port=5432 pool_size=7\n%include /var/run/postgresql/pgbouncer-forward.ini\n\n[users]\n\"o\"\"k\" = pool_mode=session\n\n[pgbouncer]\n".to_owned()
                + &format!("ignore_startup_parameters = {}\n", pooler_mark(&pooling))
        );
        let mut other = pooling.clone();
        other.databases.clear();
        assert_ne!(pooler_mark(&other), pooler_mark(&pooling), "a pooler must show that it has read another file");
    }

    /// A client that is led on must find the same database with the same options, by the other pooler's own meaning of the name, and
    /// its password must be looked up where the pooler needs none itself.
    #[test]
    fn every_database_is_led_to_the_other_pooler() {
        let pooling = PoolingSettings {
            parameters: BTreeMap::new(),
            databases: [
                ("app".to_owned(), options(&[("dbname", "real"), ("pool_mode", "session")])),
                ("*".to_owned(), options(&[("pool_size", "7")])),
            ]
            .into(),
            users: BTreeMap::new(),
        };
        let lines = forwarding(&pooling, "10.0.0.7");
        let place = "host=10.0.0.7 port=6432 auth_dbname=stackgres-own";
        let own = "stackgres-own = host=/var/run/postgresql port=5432 dbname=postgres".to_owned();
        assert_eq!(lines, [format!("app = {place} pool_mode=session"), format!("* = {place} pool_size=7"), own]);
        assert!(
            file(&pooling).contains("* = host=/var/run/postgresql port=5432 pool_size=7\n%include "),
            "what is included comes last and wins"
        );
    }
}
