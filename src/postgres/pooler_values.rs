//! Reads the text of a PgBouncer setting as PgBouncer does.
//!
//! Source: PgBouncer documentation, "Configuration"; the details (C notation, what wraps) were measured on the image's PgBouncer.

use super::numerals::{BLANKS, Leading, leading_integer, leading_real};
use super::pooler::{PoolerSetting, pooler_setting};
use std::fmt;

/// What is wrong with a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PoolerProblem {
    /// No setting of that name in the image's PgBouncer.
    Unknown,
    /// Not a whole number.
    NotANumber,
    /// Not a number of seconds.
    NotSeconds,
    /// Not one of the words; the words follow.
    NotAWord(Vec<String>),
    /// PgBouncer takes it, and means something else: a flag beyond 0 and 1, a count below 0, a number that does not fit 32 bits and wraps.
    Senseless(&'static str),
}

impl PoolerProblem {
    /// Whether PgBouncer itself says no: it does not start, or stops reading its file there.
    pub const fn is_refused(&self) -> bool {
        !matches!(self, Self::Senseless(_))
    }
}

impl fmt::Display for PoolerProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown => f.write_str("there is no such setting"),
            Self::NotANumber => f.write_str("it takes a whole number without a unit"),
            Self::NotSeconds => f.write_str("it takes a number of seconds, without a unit and not below 0"),
            Self::NotAWord(words) => write!(f, "it takes one of {}", words.join(", ")),
            Self::Senseless(wanted) => write!(f, "it takes {wanted}"),
        }
    }
}

/// The value in one spelling: equal results mean the same to PgBouncer.
pub fn pooler_value(name: &str, text: &str) -> Result<String, PoolerProblem> {
    let setting = pooler_setting(name).ok_or(PoolerProblem::Unknown)?;
    match setting.kind.as_str() {
        "int" | "uint" | "bool01" => whole(setting, text),
        "seconds" => seconds(text),
        "enum" => {
            // A mark says that the word is not in every build.
            let words = || setting.words.iter().map(|word| word.split('*').next().unwrap_or_default());
            let found = words().find(|word| word.eq_ignore_ascii_case(text)).map(str::to_owned);
            found.ok_or_else(|| PoolerProblem::NotAWord(words().map(str::to_owned).collect()))
        }
        _ => Ok(text.to_owned()),
    }
}

fn whole(setting: &PoolerSetting, text: &str) -> Result<String, PoolerProblem> {
    let wraps = PoolerProblem::Senseless("a number up to 2147483647: a larger one becomes another");
    let value = match leading_integer(text) {
        Leading::Number(value, end) if end == text.len() => value,
        Leading::TooLarge(end) if end == text.len() => return Err(wraps),
        _ => return Err(PoolerProblem::NotANumber),
    };
    match setting.kind.as_str() {
        "bool01" if !["0", "1"].contains(&value.to_string().trim_start_matches('-')) => Err(PoolerProblem::Senseless("0 or 1")),
        _ if value > f64::from(i32::MAX) => Err(wraps),
        _ if value < 0.0 => Err(PoolerProblem::Senseless("a number that is not below 0")),
        _ => Ok((value + 0.0).to_string()),
    }
}

/// Most seconds: PgBouncer keeps microseconds in 64 bits, and what does not fit becomes 0, which is no limit at all.
const MOST_SECONDS: f64 = 9_223_372_036_854.0;

fn seconds(text: &str) -> Result<String, PoolerProblem> {
    let senseless = PoolerProblem::Senseless("seconds up to 9223372036854: more become another length, or none");
    if ["inf", "infinity", "nan"].contains(&text.to_ascii_lowercase().as_str()) {
        return Err(senseless);
    }
    match leading_real(text) {
        Leading::Number(value, end) if text[end..].trim_start_matches(BLANKS).is_empty() && value > MOST_SECONDS => Err(senseless),
        Leading::Number(value, end) if text[end..].trim_start_matches(BLANKS).is_empty() && value >= 0.0 => Ok((value + 0.0).to_string()),
        _ => Err(PoolerProblem::NotSeconds),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One value that PgBouncer refuses stops its start, and at a reload everything behind it falls back to defaults.
    #[test]
    fn values_as_pgbouncer_reads_them() {
        for (name, text, value) in [
            ("default_pool_size", "20", Some("20")),
            ("default_pool_size", "0x14", Some("20")),
            ("default_pool_size", "024", Some("20")),
            ("default_pool_size", "08", None),
            ("default_pool_size", "1e2", None),
            ("default_pool_size", "1.5", None),
            ("default_pool_size", "-1", None),
            ("default_pool_size", "2147483647", Some("2147483647")),
            ("default_pool_size", "2147483648", None),
            ("query_timeout", "9223372036854", Some("9223372036854")),
            ("query_timeout", "9223372036855", None),
            ("query_timeout", "inf", None),
            ("query_timeout", "1.5", Some("1.5")),
            ("query_timeout", "1e2", Some("100")),
            ("query_timeout", "5s", None),
            ("query_timeout", "-1", None),
            ("log_stats", "1", Some("1")),
            ("log_stats", "2", None),
            ("log_stats", "on", None),
            ("pool_mode", "Session", Some("session")),
            ("pool_mode", "none", None),
            ("server_check_query", "select 1", Some("select 1")),
            ("nonsense", "1", None),
        ] {
            assert_eq!(pooler_value(name, text).ok().as_deref(), value, "{name} = {text:?}");
        }
        assert!(pooler_value("default_pool_size", "x").unwrap_err().is_refused());
        assert!(!pooler_value("default_pool_size", "-1").unwrap_err().is_refused());
    }
}
