//! A value against its schema.

use super::Findings;
use super::forms::fitting;
use crate::api::condition::Condition;
use crate::api::schema::{Rule, Schema, Shape, Text};
use crate::diagnostics::{Diagnostic, nearest, repeated};
use crate::model::pointer::join;
use regex::Regex;
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::sync::{LazyLock, Mutex};

/// Walks a value and its schema together. The API server drops a null where a mapping has it and the field does not take one,
/// so there it is the same as absent; as an item of a list it is refused.
pub(super) fn check(pointer: &str, schema: &Schema, value: &Value, findings: &mut Findings) {
    if value.is_null() {
        if !schema.nullable && !matches!(schema.shape, Shape::Any) {
            findings.push((pointer.to_owned(), Diagnostic::error("null-value", "the field is null").help("leave it out")));
        }
        return;
    }
    match (&schema.shape, value) {
        (Shape::Object { fields, preserve_unknown }, Value::Object(map)) => {
            let before = findings.len();
            for field in fields {
                match map.get(&field.name).filter(|value| field.schema.nullable || !value.is_null()) {
                    Some(value) => check(&join(pointer, &field.name), &field.schema, value, findings),
                    None if field.required => findings.push((
                        join(pointer, &field.name),
                        Diagnostic::error("missing-field", format!("the required field `{}` is absent", field.name))
                            .help(how_to_fill(&field.name, &field.schema)),
                    )),
                    None => {}
                }
            }
            if !preserve_unknown {
                unknown(pointer, schema, map, findings);
            }
            // What has the wrong form already is told there.
            let sound = findings.len() == before;
            let holds = |condition: &Condition| condition.decided(value, None).unwrap_or(!sound);
            let broken = schema.rules.iter().filter(|rule| !rule.condition.is_transition() && !holds(&rule.condition));
            findings.extend(broken.map(|rule| of_rule(pointer, rule, value)));
        }
        (Shape::Map { values }, Value::Object(map)) => {
            for (key, value) in map.iter().filter(|(_, value)| values.nullable || !value.is_null()) {
                check(&join(pointer, key), values, value, findings);
            }
        }
        (Shape::Array { items, map_keys, min_items, max_items }, Value::Array(list)) => {
            length(pointer, list.len(), *min_items, *max_items, "items", findings);
            for (index, item) in list.iter().enumerate() {
                check(&format!("{pointer}/{index}"), items, item, findings);
            }
            unique(pointer, map_keys, list, findings);
        }
        (Shape::Text(rules), Value::String(text)) => check_text(pointer, rules, text, findings),
        (Shape::Integer { minimum, maximum, .. }, Value::Number(number)) => match whole(number) {
            None => findings.push((pointer.to_owned(), wrong_type(pointer, "a whole number", value))),
            Some(number) => {
                // The API server does not hold custom resources to `int32`, only to what a JSON integer is in Go.
                let low = i128::from(minimum.unwrap_or(i64::MIN));
                let high = i128::from(maximum.unwrap_or(i64::MAX));
                if number < low || number > high {
                    findings.push((pointer.to_owned(), range(number, low, high)));
                }
            }
        },
        (Shape::Number { minimum, maximum }, Value::Number(number)) => {
            let number = number.as_f64().unwrap_or_default();
            if minimum.is_some_and(|minimum| number < minimum) || maximum.is_some_and(|maximum| number > maximum) {
                let help = match (minimum, maximum) {
                    (Some(low), Some(high)) => format!("write a number from {low} to {high}"),
                    (Some(low), None) => format!("write {low} or more"),
                    (None, high) => format!("write {} or less", high.unwrap_or_default()),
                };
                findings.push((pointer.to_owned(), Diagnostic::error("out-of-range", format!("{number} is out of range")).help(help)));
            }
        }
        (Shape::Boolean, Value::Bool(_)) | (Shape::Any, _) => {}
        (Shape::IntOrString { pattern }, Value::String(text)) => {
            let rules = Text { pattern: pattern.clone(), ..Text::default() };
            check_text(pointer, &rules, text, findings);
        }
        // Here the API server takes no number that is more than a signed one of 64 bits, and no other bound.
        (Shape::IntOrString { .. }, Value::Number(number)) if whole(number).is_some_and(|number| i64::try_from(number).is_ok()) => {}
        (shape, value) => findings.push((pointer.to_owned(), wrong_type(pointer, expected(shape), value))),
    }
}

/// The finding of a rule that does not hold of a value, and where.
pub(in crate::validate) fn of_rule(pointer: &str, rule: &Rule, value: &Value) -> (String, Diagnostic) {
    let place = Condition::steps(rule.field).fold(pointer.to_owned(), |pointer, step| join(&pointer, step));
    let near = rule.condition.words().and_then(|(path, words)| {
        let written = Condition::steps(path).try_fold(value, |value, step| value.get(step))?.as_str()?;
        nearest(written, words.iter().copied())
    });
    let help = match near {
        Some(near) => format!("did you mean `{near}`? {}", rule.help),
        None if rule.condition.decided(value, None).is_none() => "write numbers without a point: `2`, not `2.0`".to_owned(),
        None => rule.help.to_string(),
    };
    (place, Diagnostic::error(rule.code, rule.message.as_ref()).help(help))
}

/// What to write where a required field is absent: the fields it needs itself, or what it is.
fn how_to_fill(name: &str, schema: &Schema) -> String {
    let Shape::Object { fields, .. } = &schema.shape else { return schema.description.clone() };
    let needed: Vec<String> = fields.iter().filter(|field| field.required).map(|field| format!("`{}`", field.name)).collect();
    match needed.as_slice() {
        [] => format!("add `{name}:`. {}", schema.description),
        [one] => format!("add `{name}:` with {one} below it"),
        [first @ .., last] => format!("add `{name}:` with {} and {last} below it", first.join(", ")),
    }
}

fn expected(shape: &Shape) -> &'static str {
    match shape {
        Shape::Object { .. } | Shape::Map { .. } => "a mapping",
        Shape::Array { .. } => "a list",
        Shape::Text(_) => "text",
        Shape::Integer { .. } => "a whole number",
        Shape::Number { .. } => "a number",
        Shape::Boolean => "true or false",
        Shape::IntOrString { .. } => "a whole number or text",
        Shape::Any => "anything",
    }
}

fn wrong_type(pointer: &str, expected: &str, value: &Value) -> Diagnostic {
    let shown = repeated(pointer, &value.to_string());
    let (found, help) = match value {
        Value::Bool(_) => ("a boolean", (expected == "text").then(|| format!("quote it: \"{shown}\""))),
        Value::Number(_) => ("a number", (expected == "text").then(|| format!("quote it: \"{shown}\""))),
        Value::String(text) => (
            "text",
            match (expected, text.trim()) {
                ("true or false", "true" | "false") => Some(format!("take the quotes away: {}", text.trim())),
                ("true or false", _) => Some("write true or false".to_owned()),
                ("a whole number", digits) if digits.parse::<i64>().is_ok() => Some(format!("take the quotes away: {digits}")),
                ("a number", number) if number.parse::<f64>().is_ok() => Some(format!("take the quotes away: {number}")),
                ("a whole number" | "a number", _) => Some("write digits, without quotes and without a unit".to_owned()),
                _ => None,
            },
        ),
        Value::Array(_) => ("a list", None),
        Value::Object(_) => ("a mapping", None),
        Value::Null => ("null", None),
    };
    let help = help.or_else(|| {
        let advice = match expected {
            "a mapping" => "write its fields below it, each as `name: value`",
            "a list" => "write its items below it, a dash before each",
            "text" => "write one text, quoted where it has more than letters and digits",
            "a whole number" => "write one number in digits, without a unit",
            "a number" => "write one number in digits",
            "true or false" => "write true or false",
            "a whole number or text" => "write a number or one text",
            _ => return None,
        };
        Some(advice.to_owned())
    });
    let problem = Diagnostic::error("wrong-type", format!("the field takes {expected}, not {found}"));
    match help {
        Some(help) => problem.help(help),
        None => problem,
    }
}

fn range(number: i128, low: i128, high: i128) -> Diagnostic {
    let help = if high >= i128::from(i32::MAX) { format!("write {low} or more") } else { format!("write a number from {low} to {high}") };
    Diagnostic::error("out-of-range", format!("{number} is out of range")).help(help)
}

/// A JSON number as a whole one; `3.0` counts, as it does for the API server.
fn whole(number: &serde_json::Number) -> Option<i128> {
    number.as_i64().map(i128::from).or_else(|| number.as_u64().map(i128::from)).or_else(|| {
        let value = number.as_f64()?;
        #[expect(clippy::cast_possible_truncation, reason = "the value is whole and within 64 bits")]
        (value.fract() == 0.0 && value.abs() < 9.2e18).then_some(value as i128)
    })
}

fn unknown(pointer: &str, schema: &Schema, map: &Map<String, Value>, findings: &mut Findings) {
    let Shape::Object { fields, .. } = &schema.shape else { return };
    for key in map.keys().filter(|key| schema.get_field(key).is_none()) {
        let problem = Diagnostic::error("unknown-field", format!("there is no field `{key}` here"));
        let help = match nearest(key, fields.iter().map(|field| field.name.as_str())) {
            Some(name) => format!("did you mean `{name}`?"),
            None => format!("the fields are {}", fields.iter().map(|field| field.name.as_str()).collect::<Vec<_>>().join(", ")),
        };
        findings.push((join(pointer, key), problem.help(help)));
    }
}

fn length(pointer: &str, count: usize, low: Option<u64>, high: Option<u64>, what: &str, findings: &mut Findings) {
    let count = count as u64;
    if low.is_some_and(|low| count < low) || high.is_some_and(|high| count > high) {
        let bounds = match (low, high) {
            (Some(low), Some(high)) => format!("between {low} and {high} {what}"),
            (Some(low), None) => format!("at least {low} {what}"),
            (None, Some(high)) => format!("at most {high} {what}"),
            (None, None) => String::new(),
        };
        findings.push((
            pointer.to_owned(),
            Diagnostic::error("wrong-length", format!("it has {count} {what}")).help(format!("it takes {bounds}")),
        ));
    }
}

fn unique(pointer: &str, keys: &[String], list: &[Value], findings: &mut Findings) {
    if keys.is_empty() {
        return;
    }
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    for (index, item) in list.iter().enumerate() {
        let key: Vec<String> = keys.iter().map(|key| item.get(key).map(Value::to_string).unwrap_or_default()).collect();
        if let Some(first) = seen.insert(key.join(","), index) {
            findings.push((
                format!("{pointer}/{index}"),
                Diagnostic::error("duplicate-item", format!("item {first} has the same {}", keys.join(" and ")))
                    .help(format!("items are told apart by it: write another {}", keys.join(" or "))),
            ));
        }
    }
}

fn check_text(pointer: &str, rules: &Text, text: &str, findings: &mut Findings) {
    let mut push = |problem: Diagnostic| findings.push((pointer.to_owned(), problem));
    let shown = || repeated(pointer, text);
    if !rules.allowed.is_empty() && !rules.allowed.iter().any(|allowed| allowed == text) {
        let help = match nearest(text, rules.allowed.iter().map(String::as_str)) {
            Some(name) => format!("did you mean `{name}`? Allowed are {}", rules.allowed.join(", ")),
            None => format!("allowed are {}", rules.allowed.join(", ")),
        };
        push(Diagnostic::error("not-allowed-value", format!("`{}` is not allowed here", shown())).help(help));
    }
    if let Some(pattern) = &rules.pattern
        && !matches_pattern(pattern, text)
    {
        push(Diagnostic::error("pattern-mismatch", format!("`{}` has not the required form", shown())).help(fitting(pattern)));
    }
    if rules.format == Some("date-time") && text.parse::<jiff::Timestamp>().is_err() {
        push(Diagnostic::error("pattern-mismatch", format!("`{}` is no moment", shown())).help("write it as 2026-11-24T02:00:00Z"));
    }
    if rules.format == Some("date") && text.parse::<jiff::civil::Date>().is_err() {
        push(Diagnostic::error("pattern-mismatch", format!("`{}` is no date", shown())).help("write it as 2026-11-24"));
    }
    length(pointer, text.chars().count(), rules.min_length, rules.max_length, "characters", findings);
}

/// Whether a text matches; expressions are compiled once. One that cannot be compiled accepts (a test compiles all).
pub(super) fn matches_pattern(pattern: &str, text: &str) -> bool {
    static COMPILED: LazyLock<Mutex<BTreeMap<String, Option<Regex>>>> = LazyLock::new(Mutex::default);
    let mut compiled = COMPILED.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let expression = compiled.entry(pattern.to_owned()).or_insert_with(|| Regex::new(pattern).ok());
    expression.as_ref().is_none_or(|expression| expression.is_match(text))
}
