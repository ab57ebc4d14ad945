//! What a plain scalar means, and where readers of YAML disagree.

use serde_json::{Number, Value};

/// Outcome of reading a plain scalar.
pub(super) enum Scalar {
    /// One value for every reader.
    Value(Value),
    /// Readers disagree: what kubectl's reader (YAML 1.1) takes it for, in words.
    Ambiguous(&'static str),
    /// No JSON value.
    NotJson,
}

/// Reads a plain (unquoted) scalar by the core schema of YAML 1.2, and names what YAML 1.1 reads differently.
///
/// Source: YAML 1.2.2, section 10.3.2 "Tag Resolution"; YAML 1.1 language-independent types `bool`, `int`, `float`.
pub(super) fn plain(text: &str) -> Scalar {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Scalar::Value(Value::Null),
        "true" | "True" | "TRUE" => return Scalar::Value(Value::Bool(true)),
        "false" | "False" | "FALSE" => return Scalar::Value(Value::Bool(false)),
        "yes" | "Yes" | "YES" | "on" | "On" | "ON" => return Scalar::Ambiguous("the boolean true"),
        "no" | "No" | "NO" | "off" | "Off" | "OFF" => return Scalar::Ambiguous("the boolean false"),
        ".inf" | ".Inf" | ".INF" | "+.inf" | "-.inf" | "-.Inf" | "-.INF" | ".nan" | ".NaN" | ".NAN" => return Scalar::NotJson,
        _ => {}
    }
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if digits(unsigned) {
        return if unsigned.len() > 1 && unsigned.starts_with('0') {
            Scalar::Ambiguous("an octal number")
        } else {
            integer(text).map_or(Scalar::NotJson, Scalar::Value)
        };
    }
    if unsigned.starts_with("0x") || unsigned.starts_with("0o") || unsigned.starts_with("0b") {
        let rest = &unsigned[2..];
        return if !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'_') {
            Scalar::Ambiguous("a number in another base")
        } else {
            Scalar::Value(Value::from(text))
        };
    }
    if unsigned.starts_with(|first: char| first.is_ascii_digit()) {
        if unsigned.contains('_') && unsigned.bytes().all(|byte| byte.is_ascii_digit() || b"_.".contains(&byte)) {
            return Scalar::Ambiguous("a number");
        }
        if sexagesimal(unsigned) {
            return Scalar::Ambiguous("a number in base 60");
        }
    }
    if is_float(unsigned) {
        return text.parse::<f64>().ok().and_then(Number::from_f64).map_or(Scalar::NotJson, |number| Scalar::Value(Value::Number(number)));
    }
    Scalar::Value(Value::from(text))
}

fn integer(text: &str) -> Option<Value> {
    let text = text.strip_prefix('+').unwrap_or(text);
    text.parse::<i64>().map(Value::from).or_else(|_| text.parse::<u64>().map(Value::from)).ok().or_else(|| {
        let number = text.parse::<f64>().ok()?;
        Number::from_f64(number).map(Value::Number)
    })
}

/// `12:30`, `1:02:03`: base 60 to YAML 1.1. Every part after the first has one or two digits below 60.
fn sexagesimal(text: &str) -> bool {
    let mut parts = text.split(':');
    let first = parts.next().unwrap_or_default();
    let rest: Vec<&str> = parts.collect();
    !rest.is_empty()
        && !first.is_empty()
        && first.bytes().all(|byte| byte.is_ascii_digit())
        && rest.iter().all(|part| (1..=2).contains(&part.len()) && part.parse::<u8>().is_ok_and(|value| value < 60))
}

fn is_float(text: &str) -> bool {
    let (mantissa, exponent) = text.split_once(['e', 'E']).map_or((text, None), |(mantissa, exponent)| (mantissa, Some(exponent)));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    digits(whole)
        && digits(fraction)
        && !(whole.is_empty() && fraction.is_empty())
        && (mantissa.contains('.') || exponent.is_some())
        && exponent.is_none_or(|exponent| {
            let exponent = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
            !exponent.is_empty() && digits(exponent)
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// A value read one way here and another way by kubectl would be in Git one thing and in the cluster another.
    #[test]
    fn scalars_that_readers_agree_on() {
        for (text, value) in [
            ("", Value::Null),
            ("~", Value::Null),
            ("true", json!(true)),
            ("3", json!(3)),
            ("-3", json!(-3)),
            ("0", json!(0)),
            ("1.5", json!(1.5)),
            ("1e3", json!(1000.0)),
            ("16.4", json!(16.4)),
            ("10Gi", json!("10Gi")),
            ("a", json!("a")),
            ("2026-11-24", json!("2026-11-24")),
            ("0x", json!("0x")),
            ("17.6-1", json!("17.6-1")),
            ("12:99", json!("12:99")),
            ("1.2.3", json!("1.2.3")),
            (".", json!(".")),
        ] {
            assert!(matches!(plain(text), Scalar::Value(found) if found == value), "{text}");
        }
    }

    #[test]
    fn scalars_that_readers_disagree_on() {
        for text in ["yes", "off", "On", "0755", "1_000", "12:30", "0x1F", "0o17"] {
            assert!(matches!(plain(text), Scalar::Ambiguous(_)), "{text}");
        }
        assert!(matches!(plain(".inf"), Scalar::NotJson));
    }
}
