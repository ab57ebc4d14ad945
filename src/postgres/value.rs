//! Reads the text of a parameter's value as PostgreSQL does.
//!
//! Source: PostgreSQL documentation, "Setting Parameters", section "Parameter Names and Values"; the details (octal, rounding
//! to the next smaller unit, half to even) were measured on servers 13 to 18.

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
}

impl fmt::Display for ValueProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown => f.write_str("no such parameter in this major version"),
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
    ("client_min_messages", "debug", "debug2"),
    ("client_min_messages", "info", "info"),
    ("trace_recovery_messages", "debug", "debug2"),
    ("trace_recovery_messages", "info", "info"),
    ("icu_validation_level", "debug", "debug2"),
    ("icu_validation_level", "info", "info"),
    ("log_min_messages", "debug", "debug2"),
    ("log_min_error_statement", "debug", "debug2"),
];

const BLANKS: &[char] = &[' ', '\t', '\n', '\u{b}', '\u{c}', '\r'];

/// The value in base units and canonical spelling: equal results mean the same to the server.
pub fn normalise(major: u32, name: &str, text: &str) -> Result<String, ValueProblem> {
    let parameter = find(name).filter(|parameter| parameter.context(major).is_some()).ok_or(ValueProblem::Unknown)?;
    match parameter.vartype(major) {
        Vartype::Bool => boolean(text).map(str::to_owned).ok_or(ValueProblem::NotBoolean),
        Vartype::Enum => word(major, parameter, text),
        Vartype::String => Ok(text.to_owned()),
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
    if has("on") && has("off") {
        lower = match lower.as_str() {
            "true" | "yes" | "1" => "on".to_owned(),
            "false" | "no" | "0" => "off".to_owned(),
            _ => lower,
        };
    }
    if let Some((.., meaning)) = HIDDEN.iter().find(|(name, hidden, _)| *name == parameter.name && *hidden == lower) {
        return Ok((*meaning).to_owned());
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
    let (mut value, mut end) = if whole { leading_integer(text) } else { (None, 0) };
    let after = text[end..].chars().next();
    if !whole || value.is_none() || matches!(after, Some('.' | 'e' | 'E')) {
        (value, end) = leading_real(text);
    }
    let mut value = value.ok_or(ValueProblem::NotANumber)?;
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
    Ok((value + 0.0).to_string())
}

/// A C integer: decimal, `0x` hexadecimal, leading `0` octal. `None` where there is none or it does not fit.
fn leading_integer(text: &str) -> (Option<f64>, usize) {
    let start = text.len() - text.trim_start_matches(BLANKS).len();
    let sign = text[start..].starts_with(['+', '-']);
    let digits = start + usize::from(sign);
    let rest = &text[digits..];
    let take = |text: &str, radix: u32| text.chars().take_while(|digit| digit.is_digit(radix)).count();
    let hexadecimal = rest.strip_prefix("0x").or_else(|| rest.strip_prefix("0X")).map(|hex| take(hex, 16)).filter(|count| *count > 0);
    let (radix, skip, count) = match hexadecimal {
        Some(count) => (16, 2, count),
        None if rest.starts_with('0') => (8, 0, take(rest, 8)),
        None => (10, 0, take(rest, 10)),
    };
    if count == 0 {
        return (None, 0);
    }
    let end = digits + skip + count;
    let value = i64::from_str_radix(&rest[skip..skip + count], radix).ok();
    #[expect(clippy::cast_precision_loss, reason = "values beyond 2^53 are outside every parameter's range")]
    let value = value.map(|value| if text[start..].starts_with('-') { -(value as f64) } else { value as f64 });
    (value, end)
}

/// A decimal real number; `None` where there is none or it overflows.
fn leading_real(text: &str) -> (Option<f64>, usize) {
    let start = text.len() - text.trim_start_matches(BLANKS).len();
    let bytes = text.as_bytes();
    let mut end = start;
    let digits = |from: usize| bytes[from..].iter().take_while(|byte| byte.is_ascii_digit()).count();
    if matches!(bytes.get(end), Some(b'+' | b'-')) {
        end += 1;
    }
    let whole = digits(end);
    end += whole;
    let mut fraction = 0;
    if bytes.get(end) == Some(&b'.') {
        fraction = digits(end + 1);
        if whole + fraction > 0 {
            end += 1 + fraction;
        }
    }
    if whole + fraction == 0 {
        return (None, 0);
    }
    if matches!(bytes.get(end), Some(b'e' | b'E')) {
        let sign = usize::from(matches!(bytes.get(end + 1), Some(b'+' | b'-')));
        let exponent = if end + 1 + sign <= bytes.len() { digits(end + 1 + sign) } else { 0 };
        if exponent > 0 {
            end += 1 + sign + exponent;
        }
    }
    (text[start..end].parse::<f64>().ok().filter(|value| value.is_finite()), end)
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
        ] {
            assert_eq!(normalise(17, name, text).ok().as_deref(), value, "{name} = {text:?}");
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
