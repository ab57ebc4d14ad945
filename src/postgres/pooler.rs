//! PgBouncer's settings, read from `SHOW CONFIG` of running processes (`pooler_settings.tsv`).

use super::pooler_values::pooler_value;
use super::spans::Spans;
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::LazyLock;

/// The PgBouncer version of the images, without its dot.
const VERSION: u32 = 124;

/// One setting of section `[pgbouncer]`.
#[derive(Debug)]
pub struct PoolerSetting {
    /// Name.
    pub name: String,
    /// `string`, `int`, `seconds`, `bool01`, `enum`, … as PgBouncer reads it.
    pub kind: String,
    /// Words of an enum.
    pub words: Vec<String>,
    reload: Spans,
}

impl PoolerSetting {
    /// Options of a line of section `[databases]` that users may set. Address and credentials are not among them: the pooler
    /// leads to its own instance. Source: PgBouncer 1.24 documentation, section `[databases]`; an unknown option ends the load.
    pub const DATABASE_OPTIONS: &'static [&'static str] = &[
        "application_name",
        "client_encoding",
        "connect_query",
        "datestyle",
        "dbname",
        "max_db_client_connections",
        "max_db_connections",
        "min_pool_size",
        "pool_mode",
        "pool_size",
        "reserve_pool",
        "reserve_pool_size",
        "server_lifetime",
        "timezone",
    ];

    /// Options of a line of section `[users]`. Source: PgBouncer 1.24 documentation, section `[users]`.
    pub const USER_OPTIONS: &'static [&'static str] = &[
        "client_idle_timeout",
        "idle_transaction_timeout",
        "max_user_client_connections",
        "max_user_connections",
        "pool_mode",
        "pool_size",
        "query_timeout",
        "reserve_pool_size",
    ];

    /// A value as PgBouncer's file has it, in one spelling for one meaning: `true` and `1`, `100` and `"100"`.
    /// Source: measured, PgBouncer takes only `0` and `1` for a flag, and no fraction in a whole number.
    pub fn text_of(name: &str, value: &Value) -> String {
        let kind = pooler_setting(name).map(|setting| setting.kind.as_str());
        let text = match value {
            Value::String(text) => text.trim_matches(' ').to_owned(),
            Value::Bool(flag) => u8::from(*flag).to_string(),
            other => other.to_string(),
        };
        match (kind, text.to_ascii_lowercase().as_str()) {
            (Some("bool01"), "true") => "1".to_owned(),
            (Some("bool01"), "false") => "0".to_owned(),
            _ if value.is_number() => text.strip_suffix(".0").map_or_else(|| text.clone(), str::to_owned),
            _ => text,
        }
    }

    /// Whether a text can stand in the file: one line of visible characters. A line break would begin a setting of its own.
    pub fn fits_one_line(text: &str) -> bool {
        !text.chars().any(char::is_control)
    }

    /// Whether the image's PgBouncer knows it; one that it does not know stops its start.
    pub fn is_known(&self) -> bool {
        self.reload.get(VERSION).is_some()
    }

    /// Whether a reload applies a change.
    pub fn is_reloadable(&self) -> bool {
        self.reload.get(VERSION) == Some("yes")
    }
}

static SETTINGS: LazyLock<BTreeMap<&'static str, PoolerSetting>> = LazyLock::new(|| {
    include_str!("pooler_settings.tsv")
        .lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| {
            let columns: Vec<&str> = line.split('\t').collect();
            let [name, kind, _, words, reload, ..] = columns.as_slice() else { return None };
            let setting = PoolerSetting {
                name: (*name).to_owned(),
                kind: (*kind).to_owned(),
                words: words.split(',').filter(|word| !word.is_empty()).map(str::to_owned).collect(),
                reload: Spans::parse(reload),
            };
            Some((*name, setting))
        })
        .collect()
});

/// The setting of that name.
pub fn pooler_setting(name: &str) -> Option<&'static PoolerSetting> {
    SETTINGS.get(name).filter(|setting| setting.is_known())
}

/// Names of every setting the image's PgBouncer knows.
pub fn pooler_setting_names() -> Vec<&'static str> {
    SETTINGS.values().filter(|setting| setting.is_known()).map(|setting| setting.name.as_str()).collect()
}

/// Whether PgBouncer must restart to take a change; an unknown setting counts as such.
pub fn pooler_needs_restart(name: &str) -> bool {
    !pooler_setting(name).is_some_and(PoolerSetting::is_reloadable)
}

/// The whole number of a setting; C notation, as PgBouncer reads it.
pub fn pooler_number(text: &str) -> Option<i64> {
    let (sign, digits) = text.trim().strip_prefix('-').map_or((1, text.trim()), |digits| (-1, digits));
    let (radix, digits) = match digits.strip_prefix("0x").or_else(|| digits.strip_prefix("0X")) {
        Some(hexadecimal) => (16, hexadecimal),
        None if digits.len() > 1 && digits.starts_with('0') => (8, digits),
        None => (10, digits),
    };
    i64::from_str_radix(digits, radix).ok().map(|number| number * sign)
}

/// Whether two texts mean the same to PgBouncer: numbers by value, words of an enum in any case.
pub fn same_pooler_value(name: &str, one: &str, two: &str) -> bool {
    let read = |text: &str| pooler_value(name, text.trim_matches(' '));
    one == two || matches!((read(one), read(two)), (Ok(one), Ok(two)) if one == two)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn one_spelling_for_one_meaning() {
        for value in [json!(100), json!("100"), json!(100.0)] {
            assert_eq!(PoolerSetting::text_of("max_client_conn", &value), "100");
            assert_eq!(PoolerSetting::text_of("max_user_client_connections", &value), "100");
        }
        for value in [json!(true), json!("true"), json!(1), json!("1")] {
            assert_eq!(PoolerSetting::text_of("application_name_add_host", &value), "1");
        }
        assert_eq!(PoolerSetting::text_of("server_check_query", &json!("true")), "true", "a text is left as it is");
        assert!(PoolerSetting::fits_one_line("a b") && !PoolerSetting::fits_one_line("a\nb") && !PoolerSetting::fits_one_line("a\rb"));
    }

    #[test]
    fn reload_facts() {
        assert!(same_pooler_value("default_pool_size", "80", "0x50") && !same_pooler_value("default_pool_size", "80", "080"));
        assert!(same_pooler_value("pool_mode", "session", "Session") && !same_pooler_value("auth_query", "a", "A"));
        assert!(!pooler_needs_restart("default_pool_size"));
        assert!(pooler_needs_restart("listen_port"));
        assert!(pooler_setting("transaction_timeout").is_none(), "1.25 brought it; 1.24 refuses to start with it");
        assert!(pooler_setting("suspend_timeout").is_some());
    }
}
