//! Reads the text of a parameter's value as PostgreSQL does.
//!
//! Source: PostgreSQL documentation, "Setting Parameters", section "Parameter Names and Values"; the details (octal, rounding
//! to the next smaller unit, half to even) were measured on servers 13 to 18.

use super::lists;
use super::numerals::{BLANKS, Leading, leading_integer, leading_real};
use super::parameters::{Parameter, Vartype, find};
use std::fmt;

/// Why PostgreSQL would refuse a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ValueProblem {
    /// No parameter of that name in that major version.
    Unknown,
    /// Not a boolean word.
    NotBoolean,
    /// Not one of the words; the words follow.
    NotAWord(Vec<String>),
    /// Not a number, or a unit on a parameter that has none.
    NotANumber,
    /// A unit it does not know; the units it knows follow.
    BadUnit(Vec<&'static str>),
    /// Outside the range; smallest and largest value in base units, and the unit.
    OutOfRange(String, String, String),
    /// Against a rule of this parameter alone, which follows.
    Other(&'static str),
}

impl fmt::Display for ValueProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown => f.write_str("no such parameter in this major version"),
            Self::Other(rule) => f.write_str(rule),
            Self::NotBoolean => f.write_str("needs `on` or `off`"),
            Self::NotAWord(words) => write!(f, "needs one of {}", words.join(", ")),
            Self::NotANumber => f.write_str("is not a number this parameter takes"),
            Self::BadUnit(units) => write!(f, "needs one of the units {} (case matters)", units.join(", ")),
            Self::OutOfRange(low, high, unit) if unit.is_empty() => write!(f, "must be between {low} and {high}"),
            Self::OutOfRange(low, high, unit) => write!(f, "must be between {low} and {high} (in {unit})"),
        }
    }
}

type Units = &'static [(&'static str, f64)];
const MEMORY: Units = &[("TB", 1_099_511_627_776.0), ("GB", 1_073_741_824.0), ("MB", 1_048_576.0), ("kB", 1024.0), ("B", 1.0)];
const TIME: Units = &[("d", 86_400e6), ("h", 3_600e6), ("min", 60e6), ("s", 1e6), ("ms", 1e3), ("us", 1.0)];

fn units(base: &str) -> Option<(Units, f64)> {
    Some(match base {
        "B" => (MEMORY, 1.0),
        "kB" => (MEMORY, 1024.0),
        "8kB" => (MEMORY, 8192.0),
        "MB" => (MEMORY, 1_048_576.0),
        "ms" => (TIME, 1e3),
        "s" => (TIME, 1e6),
        "min" => (TIME, 60e6),
        _ => return None,
    })
}

/// Words an enum takes but does not list, with the word they stand for.
const HIDDEN: &[(&str, &str, &str)] = &[
    ("wal_level", "archive", "replica"),
    ("wal_level", "hot_standby", "replica"),
    ("client_min_messages", "info", "info"),
    ("trace_recovery_messages", "info", "info"),
    ("icu_validation_level", "info", "info"),
];

const BAD_NAME: ValueProblem = ValueProblem::Other(
    "the configuration file cannot hold the name: write PREFIX.NAME, of letters, digits and _, neither beginning with a digit",
);

/// Whether a name with a dot can stand in the configuration file; one that cannot is a mistake in the whole file.
fn fits_the_file(name: &str) -> bool {
    let word = |part: &str| {
        let letter = |letter: char| letter.is_ascii_alphabetic() || letter == '_' || !letter.is_ascii();
        part.starts_with(letter) && part.chars().all(|character| letter(character) || character.is_ascii_digit())
    };
    name.split_once('.').is_some_and(|(prefix, name)| word(prefix) && word(name))
}

/// The value in base units and canonical spelling: equal results mean the same to the server.
pub fn normalise(major: u32, name: &str, text: &str) -> Result<String, ValueProblem> {
    let Some(parameter) = find(name).filter(|parameter| parameter.context(major).is_some()) else {
        return Err(if name.contains('.') && !fits_the_file(name) { BAD_NAME } else { ValueProblem::Unknown });
    };
    match parameter.vartype(major) {
        Vartype::Bool => boolean(text).map(str::to_owned).ok_or(ValueProblem::NotBoolean),
        Vartype::Enum => word(major, parameter, text),
        Vartype::String => lists::text(major, &parameter.name, text),
        Vartype::Integer | Vartype::Real => number(major, parameter, text),
    }
}

/// Whether two texts mean the same for a parameter; for one that is not known, whether they are equal.
pub fn same_value(major: u32, name: &str, one: &str, two: &str) -> bool {
    one == two || matches!((normalise(major, name, one), normalise(major, name, two)), (Ok(one), Ok(two)) if one == two)
}

/// The number a text stands for, in the parameter's base unit; `None` where it is none.
pub fn number_of(major: u32, name: &str, text: &str) -> Option<f64> {
    let numeric = matches!(find(name)?.vartype(major), Vartype::Integer | Vartype::Real);
    numeric.then(|| normalise(major, name, text).ok()?.parse().ok()).flatten()
}

/// The value in one canonical spelling that PostgreSQL takes: base units with their unit where it has a plain name.
/// Equal meaning gives equal text; a value or parameter that is not known stays as it is.
pub fn canonical(major: u32, name: &str, text: &str) -> String {
    let Some(parameter) = find(name) else { return text.to_owned() };
    match (normalise(major, name, text), parameter.unit.as_deref()) {
        (Ok(value), Some(unit @ ("B" | "kB" | "MB" | "ms" | "s" | "min"))) if !value.starts_with('-') && value != "0" => {
            // With a unit a fraction is rounded to the next smaller one, and without it is not.
            let spelled = format!("{value}{unit}");
            if normalise(major, name, &spelled).as_ref() == Ok(&value) { spelled } else { value }
        }
        (Ok(value), _) => value,
        (Err(_), _) => text.to_owned(),
    }
}

fn boolean(text: &str) -> Option<&'static str> {
    let lower = text.to_ascii_lowercase();
    let prefix = |word: &str| !lower.is_empty() && word.starts_with(&lower);
    if prefix("true") || prefix("yes") || lower == "on" || lower == "1" {
        Some("on")
    } else if prefix("false") || prefix("no") || lower == "off" || lower == "of" || lower == "0" {
        Some("off")
    } else {
        None
    }
}

fn word(major: u32, parameter: &Parameter, text: &str) -> Result<String, ValueProblem> {
    let mut lower = text.to_ascii_lowercase();
    let words = parameter.words(major);
    let has = |word: &str| words.contains(&word);
    // The extension's own enum has these words and no others.
    if has("on") && has("off") && parameter.name != "pgcrypto.builtin_crypto_enabled" {
        lower = match lower.as_str() {
            "true" | "yes" | "1" => "on".to_owned(),
            "false" | "no" | "0" => "off".to_owned(),
            _ => lower,
        };
    }
    if let Some((.., meaning)) = HIDDEN.iter().find(|(name, hidden, _)| *name == parameter.name && *hidden == lower) {
        return Ok((*meaning).to_owned());
    }
    // Every list of levels of messages has it.
    if has("debug2") && lower == "debug" {
        return Ok("debug2".to_owned());
    }
    if lower.is_empty() && parameter.has_empty_word(major) {
        return Ok(lower);
    }
    if parameter.name == "wal_compression" && lower == "on" && major >= 15 {
        return Ok("pglz".to_owned());
    }
    match words.iter().find(|known| known.to_ascii_lowercase() == lower) {
        Some(known) => Ok((*known).to_owned()),
        None => Err(ValueProblem::NotAWord(words.into_iter().map(str::to_owned).collect())),
    }
}

fn number(major: u32, parameter: &Parameter, text: &str) -> Result<String, ValueProblem> {
    let whole = parameter.vartype(major) == Vartype::Integer;
    let mut found = if whole { leading_integer(text) } else { leading_real(text) };
    let end = match found {
        Leading::Nothing => 0,
        Leading::TooLarge(end) | Leading::Number(_, end) => end,
    };
    if whole && (matches!(found, Leading::TooLarge(_)) || text[end..].starts_with(['.', 'e', 'E'])) {
        found = leading_real(text);
    }
    let Leading::Number(mut value, end) = found else { return Err(ValueProblem::NotANumber) };
    let rest = text[end..].trim_start_matches(BLANKS);
    if !rest.is_empty() {
        let (table, base) = parameter.unit.as_deref().and_then(units).ok_or(ValueProblem::NotANumber)?;
        value = with_unit(table, base, value, rest)
            .ok_or_else(|| ValueProblem::BadUnit(table.iter().rev().map(|(unit, _)| *unit).collect()))?;
    }
    if whole {
        value = half_to_even(value);
    }
    let low = parameter.minimum(major).unwrap_or(f64::NEG_INFINITY);
    let high = parameter.maximum(major).unwrap_or(f64::INFINITY);
    if value.is_nan() || value < low || value > high || (whole && !(-2_147_483_648.0..=2_147_483_647.0).contains(&value)) {
        return Err(ValueProblem::OutOfRange(low.to_string(), high.to_string(), parameter.unit.clone().unwrap_or_default()));
    }
    // Zero has two signs there and one here.
    let value = checked(&parameter.name, value)?.max(lifted(major, &parameter.name, value)) + 0.0;
    Ok(value.to_string())
}

/// Rules of single parameters beside their range. Source: PostgreSQL documentation, the section of each.
fn checked(name: &str, value: f64) -> Result<f64, ValueProblem> {
    const SIXTEENS: &[&str] = &[
        "commit_timestamp_buffers",
        "multixact_member_buffers",
        "multixact_offset_buffers",
        "notify_buffers",
        "serializable_buffers",
        "subtransaction_buffers",
        "transaction_buffers",
    ];
    let rule = match name {
        name if SIXTEENS.contains(&name) && value % 16.0 != 0.0 => "must be a multiple of 16 (in 8kB)",
        "vacuum_buffer_usage_limit" if value > 0.0 && value < 128.0 => "must be 0, or 128 and more (in kB)",
        "io_max_concurrency" if value == 0.0 => "must be -1, or 1 and more",
        _ => return Ok(value),
    };
    Err(ValueProblem::Other(rule))
}

/// What a smaller value counts as, without a word of the server; -1 stays, it means something else. Measured on servers 15, 17 and 18.
fn lifted(major: u32, name: &str, value: f64) -> f64 {
    match name {
        _ if value < 0.0 => value,
        "autovacuum_work_mem" if major >= 17 => 64.0,
        "autovacuum_work_mem" => 1024.0,
        "wal_buffers" => 4.0,
        _ => value,
    }
}

fn with_unit(table: Units, base: f64, value: f64, rest: &str) -> Option<f64> {
    let unit = rest.trim_end_matches(BLANKS);
    let position = table.iter().position(|(name, _)| *name == unit)?;
    let value = value * (table[position].1 / base);
    Some(match table.get(position + 1) {
        Some((_, smaller)) => half_to_even(value / (smaller / base)) * (smaller / base),
        None => value,
    })
}

fn half_to_even(value: f64) -> f64 {
    value.round_ties_even()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The measured table; a difference announces a change where the server sees none, or accepts what stops its start.
    #[test]
    fn reads_values_as_the_server_does() {
        for (name, text, value) in [
            ("work_mem", "1GB", Some("1048576")),
            ("work_mem", " 1 GB ", Some("1048576")),
            ("work_mem", "1.5GB", Some("1572864")),
            ("work_mem", ".5GB", Some("524288")),
            ("work_mem", "30.1GB", Some("31561728")),
            ("work_mem", "0x400", Some("1024")),
            ("work_mem", "02000", Some("1024")),
            ("work_mem", "010MB", Some("8192")),
            ("work_mem", "08", None),
            ("work_mem", "1e3", Some("1000")),
            ("work_mem", "1e3kB", Some("1000")),
            ("work_mem", "64.5", Some("64")),
            ("work_mem", "65.5", Some("66")),
            ("work_mem", "63.5", Some("64")),
            ("work_mem", "63", None),
            ("work_mem", "1gb", None),
            ("work_mem", "1_000", None),
            ("work_mem", "", None),
            ("work_mem", "2048GB", None),
            ("statement_timeout", "1.5h", Some("5400000")),
            ("statement_timeout", "2500us", Some("2")),
            ("statement_timeout", "0.001d", Some("0")),
            ("statement_timeout", "1.01h", Some("3660000")),
            ("statement_timeout", "-0", Some("0")),
            ("statement_timeout", "10Min", None),
            ("statement_timeout", "25d", None),
            ("shared_buffers", "8191kB", Some("1024")),
            ("random_page_cost", "1.5", Some("1.5")),
            ("fsync", "TRUE", Some("on")),
            ("fsync", "of", Some("off")),
            ("fsync", "o", None),
            ("fsync", "true ", None),
            ("wal_level", "hot_standby", Some("replica")),
            ("wal_level", "x", None),
            ("wal_compression", "on", Some("pglz")),
            ("max_connections", "1kB", None),
            ("nonsense", "1", None),
            ("statement_timeout", "-.5", None),
            ("statement_timeout", ".5", Some("0")),
            ("statement_timeout", "0x1.8p1", Some("3")),
            ("statement_timeout", "0b1", None),
            ("max_wal_senders", "9223372036854775808", None),
            ("random_page_cost", "1e-400", None),
            ("random_page_cost", "0x10", Some("16")),
            ("random_page_cost", "1.7976931348623157e308", Some(&f64::MAX.to_string())),
            ("auto_explain.log_level", "Debug", Some("debug2")),
            ("ssl_max_protocol_version", "", Some("")),
            ("ssl_min_protocol_version", "", None),
            ("vacuum_buffer_usage_limit", "127", None),
            ("vacuum_buffer_usage_limit", "128", Some("128")),
            ("transaction_buffers", "40", None),
            ("transaction_buffers", "48", Some("48")),
            ("autovacuum_work_mem", "1MB", Some("1024")),
            ("autovacuum_work_mem", "1", Some("64")),
            ("autovacuum_work_mem", "-1", Some("-1")),
            ("wal_buffers", "0", Some("4")),
        ] {
            assert_eq!(normalise(17, name, text).ok().as_deref(), value, "{name} = {text:?}");
        }
        for (name, fits) in
            [("my.setting", true), ("_é1.a2", true), ("a.b.c", false), ("my-app.x", false), ("1a.b", false), ("a.", false), ("a. b", false)]
        {
            assert_eq!(normalise(17, name, "x") == Err(ValueProblem::Unknown), fits, "{name}");
        }
        assert_eq!(number_of(17, "max_connections", "0x190"), Some(400.0));
        assert_eq!(number_of(17, "max_connections", "0144"), Some(100.0));
        assert_eq!(number_of(17, "max_slot_wal_keep_size", "-1"), Some(-1.0));
        assert_eq!(number_of(17, "fsync", "1"), None);
        assert_eq!(canonical(17, "work_mem", "1GB"), "1048576kB");
        assert_eq!(canonical(17, "shared_buffers", "8MB"), "1024");
        assert_eq!(canonical(17, "autovacuum_vacuum_cost_delay", "2.50us"), "0.0025", "0.0025ms is 2us there");
        assert_eq!(canonical(17, "my.setting", "x"), "x");
        for (name, text) in [
            ("work_mem", "1.5GB"),
            ("shared_buffers", "1GB"),
            ("statement_timeout", "1h"),
            ("max_slot_wal_keep_size", "-1"),
            ("fsync", "no"),
        ] {
            assert!(same_value(17, name, text, &canonical(17, name, text)), "{name}");
        }
        assert!(same_value(17, "work_mem", "1024MB", "1GB"));
        assert!(!same_value(17, "work_mem", "1GB", "2GB"));
        assert!(same_value(17, "my.setting", "a", "a"));
    }
}
