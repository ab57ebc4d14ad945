//! Values whose schema is "any text" or "any number" and which mean something in one form only, in every kind.
//!
//! In: a document. Out: what has not the form that [`super::value_tables`] says. Invariant: a field is in one table row, and a form is one
//! code. Why: upstream refuses these when an object is made or, later, when it would be used; here a commit tells.

use super::choices::UNKNOWN_CHOICE;
use super::value_tables::rows;
use super::{Check, Rule, at};
use crate::diagnostics::{Code, Diagnostic, nearest, repeated};
use crate::load::Manifest;
use crate::model::labels::is_dns_label;
use crate::model::pointer::{join, places};
use crate::model::{Cron, Quantity, iso_duration};
use jiff::{SignedDuration, Span, Timestamp};
use regex::Regex;
use serde_json::Value;

/// The form of a field.
#[derive(Debug, Clone, Copy)]
pub(super) enum Form {
    /// An ISO 8601 duration of 0 or more.
    Duration,
    /// An ISO 8601 duration of more than 0.
    Length,
    /// A duration as Go writes it, such as `2160h`.
    GoDuration,
    /// A moment with its offset.
    Moment,
    /// A five-field cron expression.
    Cron,
    /// A regular expression.
    Expression,
    /// A number between two.
    Between(f64, f64),
    /// A number from this one on.
    AtLeast(f64),
    /// One of some words.
    OneOf(&'static [&'static str]),
    /// An address of HTTP.
    Address,
    /// A size of a volume.
    Size,
    /// How long logs are kept.
    Retention,
    /// `NAME` or `NAMESPACE.NAME`.
    Elsewhere,
    /// Text that is not empty.
    Filled,
    /// Something is there, although the schema does not ask for it.
    Needed,
    /// Nothing is there: the API takes the field and refuses every value.
    Withdrawn,
    /// The name of a replication slot.
    Slot,
}

/// Also said of the certificate of a cluster.
pub(super) const BAD_DURATION: Code = Code::error(
    "bad-duration",
    "this is no ISO 8601 duration",
    "Write for example P90D (90 days) or PT2H (2 hours). Two fields of an SGConfig take a duration as Go writes it, such as 2160h.",
);

pub(super) const RULES: &[Rule] = &[
    Rule { code: BAD_DURATION, check: Check::Every(|manifest| found(manifest, "bad-duration")) },
    Rule {
        code: Code::error(
            "bad-moment",
            "this is no moment",
            "A moment has a date, a time and an offset, such as `2026-11-28T03:00:00Z`. Without the offset it would be another one on another machine.",
        ),
        check: Check::Every(|manifest| found(manifest, "bad-moment")),
    },
    Rule {
        code: Code::error(
            "bad-schedule",
            "the schedule cannot be read, or never comes",
            "Five fields: minute, hour, day of the month, month, day of the week. A backup whose schedule nobody can read is never made.",
        ),
        check: Check::Every(|manifest| found(manifest, "bad-schedule")),
    },
    Rule {
        code: Code::error(
            "bad-regular-expression",
            "the regular expression cannot be read",
            "It chooses tables, roles or queries; one that cannot be read chooses nothing, and what runs it stops when it starts.",
        ),
        check: Check::Every(|manifest| found(manifest, "bad-regular-expression")),
    },
    Rule {
        code: Code::error(
            "number-out-of-range",
            "the number has no meaning here",
            "The schema of the API takes any number; the help names those that can be carried out.",
        ),
        check: Check::Every(|manifest| found(manifest, "number-out-of-range")),
    },
    Rule { code: UNKNOWN_CHOICE, check: Check::Every(|manifest| found(manifest, "unknown-choice")) },
    Rule {
        code: Code::error("bad-address", "this is no address of HTTP", "It begins with `http://` or `https://` and names a host."),
        check: Check::Every(|manifest| found(manifest, "bad-address")),
    },
    Rule {
        code: Code::error("bad-volume-size", "this is no size of a volume", "A number with `Mi`, `Gi` or `Ti` behind it, more than 0."),
        check: Check::Every(|manifest| found(manifest, "bad-volume-size")),
    },
    Rule {
        code: Code::error(
            "bad-log-retention",
            "how long the logs are kept cannot be read",
            "A whole number and minutes, hours, days or months, such as `7 days`. The pattern of the API does not look at what comes behind.",
        ),
        check: Check::Every(|manifest| found(manifest, "bad-log-retention")),
    },
    Rule {
        code: Code::error(
            "bad-object-reference",
            "this cannot be the name of an object",
            "`NAME` is looked up in the own namespace, `NAMESPACE.NAME` in another one; both are lower case letters, digits and dashes.",
        ),
        check: Check::Every(|manifest| found(manifest, "bad-object-reference")),
    },
    Rule {
        code: Code::error(
            "empty-text",
            "the text is empty",
            "Nothing is found under an empty name, and nothing runs with an empty version.",
        ),
        check: Check::Every(|manifest| found(manifest, "empty-text")),
    },
    Rule {
        code: Code::error(
            "needed-field",
            "a field is absent without which the rest means nothing",
            "The schema of the API leaves it open, and upstream refuses the object when it is made.",
        ),
        check: Check::Every(|manifest| found(manifest, "needed-field")),
    },
    Rule {
        code: Code::error(
            "withdrawn-field",
            "the API takes the field and refuses every value",
            "It is left over from an older version; the help names what is there in its place.",
        ),
        check: Check::Every(|manifest| found(manifest, "withdrawn-field")),
    },
    Rule {
        code: Code::error(
            "bad-slot-name",
            "this cannot be the name of a replication slot",
            "PostgreSQL takes lower-case letters, digits and underscores, at most 63 of them (documentation, \"Replication Slots\").",
        ),
        check: Check::Every(|manifest| found(manifest, "bad-slot-name")),
    },
];

impl Form {
    const fn code(self) -> &'static str {
        match self {
            Self::Duration | Self::Length | Self::GoDuration => "bad-duration",
            Self::Moment => "bad-moment",
            Self::Cron => "bad-schedule",
            Self::Expression => "bad-regular-expression",
            Self::Between(..) | Self::AtLeast(_) => "number-out-of-range",
            Self::OneOf(_) => "unknown-choice",
            Self::Address => "bad-address",
            Self::Size => "bad-volume-size",
            Self::Retention => "bad-log-retention",
            Self::Elsewhere => "bad-object-reference",
            Self::Filled => "empty-text",
            Self::Needed => "needed-field",
            Self::Withdrawn => "withdrawn-field",
            Self::Slot => "bad-slot-name",
        }
    }
}

fn found(manifest: &Manifest, code: &str) -> Vec<Diagnostic> {
    let mut problems = Vec::new();
    for (path, form) in rows(manifest.object.kind()).iter().filter(|(_, form)| form.code() == code) {
        if let Form::Needed = form {
            let (parent, field) = path.rsplit_once('/').unwrap_or_default();
            for (pointer, parent) in places(manifest.object.value(), parent) {
                if parent.is_object() && parent.get(field).is_none_or(Value::is_null) {
                    let problem = Diagnostic::error(code, format!("the field `{field}` is absent")).help(format!("add `{field}`"));
                    problems.push(at(manifest, &join(&pointer, field), problem));
                }
            }
            continue;
        }
        for (pointer, value) in places(manifest.object.value(), path) {
            if let Some((message, help)) = wrong(*form, &pointer, value) {
                problems.push(at(manifest, &pointer, Diagnostic::error(code, message).help(help)));
            }
        }
    }
    problems
}

/// What is wrong with a value, and what to do. A value of another type is told by the schema.
fn wrong(form: Form, pointer: &str, value: &Value) -> Option<(String, String)> {
    let refuse = |message: String, help: &str| Some((message, help.to_owned()));
    match form {
        Form::Between(low, high) => {
            let number = value.as_f64().filter(|number| !(low..=high).contains(number))?;
            return refuse(format!("{number} has no meaning here"), &format!("write {low} to {high}"));
        }
        Form::AtLeast(low) => {
            let number = value.as_f64().filter(|number| *number < low)?;
            return refuse(format!("{number} has no meaning here"), &format!("write {low} or more"));
        }
        Form::Withdrawn => return refuse("the field was withdrawn".to_owned(), withdrawn(pointer)),
        _ => {}
    }
    let text = value.as_str()?;
    let shown = repeated(pointer, text);
    match form {
        Form::Duration | Form::Length => {
            let length = match iso_duration(text) {
                Ok(length) => length,
                Err(message) => return refuse(message, "PT30S is half a minute, P7D a week"),
            };
            let least = if matches!(form, Form::Length) { SignedDuration::from_nanos(1) } else { SignedDuration::ZERO };
            (length < least).then(|| (format!("`{shown}` is too short"), "PT30S is half a minute, P7D a week".to_owned()))
        }
        Form::GoDuration => {
            // What Go writes is a part of what the friendly form of the library reads; words and blanks are not.
            let plain = text.bytes().all(|byte| byte.is_ascii_digit() || b".hms".contains(&byte));
            let read = plain && text.parse::<Span>().is_ok_and(Span::is_positive);
            (!read).then(|| (format!("`{shown}` is no duration of Go"), "write hours, such as 2160h for 90 days".to_owned()))
        }
        Form::Moment => {
            let read = text.parse::<Timestamp>().is_ok();
            (!read).then(|| (format!("`{shown}` is no moment"), "write it with its offset, for example 2026-11-28T03:00:00Z".to_owned()))
        }
        Form::Cron => match Cron::parse(text) {
            Err(wrong) => {
                refuse(format!("`{shown}`, character {}: {}", wrong.character, wrong.message), "`0 3 * * 6` is Saturday at three")
            }
            Ok(cron) if !cron.ever_happens() => {
                refuse(format!("`{shown}` never comes: none of its months has such a day"), "choose another day or month")
            }
            Ok(_) => None,
        },
        Form::Expression => {
            let problem = expression_problem(text)?;
            refuse(
                format!("`{shown}` is no regular expression: {problem}"),
                "`shop\\.order.*` is every table of the schema shop that begins so",
            )
        }
        Form::OneOf(allowed) => {
            let list = allowed.join(", ");
            let help = match nearest(text, allowed.iter().copied()) {
                Some(near) => format!("did you mean {near}? It is one of {list}"),
                None => format!("it is one of {list}"),
            };
            (!allowed.contains(&text)).then(|| (format!("`{shown}` has no meaning here"), help))
        }
        Form::Address => {
            let host = text.strip_prefix("http://").or_else(|| text.strip_prefix("https://")).unwrap_or_default();
            let host = host.split(['/', '?', '#']).next().unwrap_or_default();
            let read = !host.is_empty() && !text.chars().any(|character| character.is_whitespace() || character.is_control());
            (!read).then(|| (format!("`{shown}` is no address of HTTP"), "write http:// or https://, then the host".to_owned()))
        }
        Form::Size => {
            let unit = ["Mi", "Gi", "Ti"].iter().any(|unit| text.ends_with(unit));
            let read = unit && Quantity::parse(text).is_some_and(|size| size > Quantity::whole(0));
            (!read).then(|| (format!("`{shown}` is no size of a volume"), "write for example 10Gi".to_owned()))
        }
        Form::Retention => {
            let read = text.split_once(' ').is_some_and(|(count, unit)| {
                let units = ["minute", "minutes", "hour", "hours", "day", "days", "month", "months"];
                count.parse::<u32>().is_ok_and(|count| count > 0) && units.contains(&unit)
            });
            (!read).then(|| (format!("`{shown}` is no length of time"), "write for example 7 days".to_owned()))
        }
        Form::Elsewhere => {
            let read = text.split('.').count() <= 2 && text.split('.').all(is_dns_label);
            (!read).then(|| (format!("`{shown}` cannot be the name of an object"), "write NAME or NAMESPACE.NAME".to_owned()))
        }
        Form::Filled => text.trim().is_empty().then(|| ("the text is empty".to_owned(), "write it, or take the field out".to_owned())),
        Form::Slot => {
            let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
            let read = (1..=63).contains(&text.len()) && text.bytes().all(fits);
            (!read).then(|| {
                (
                    format!("`{shown}` cannot be the name of a replication slot"),
                    "write lower-case letters, digits and underscores".to_owned(),
                )
            })
        }
        Form::Between(..) | Form::AtLeast(_) | Form::Needed | Form::Withdrawn => None,
    }
}

fn withdrawn(pointer: &str) -> &'static str {
    if pointer.ends_with("/uid") { "name the backup with `name`" } else { "write an SGScript and name it in spec.managedSql" }
}

/// What no engine would read. Those that run them know more than the library here (looking around, references back, groups that hold on):
/// where an expression uses such, nothing is said.
fn expression_problem(text: &str) -> Option<String> {
    let error = Regex::new(text).err()?;
    let beyond = ["(?=", "(?!", "(?<=", "(?<!", "(?>", "\\k", "\\Q", "++", "*+", "?+", "}+", "&&["].iter().any(|part| text.contains(part))
        || text.as_bytes().windows(2).any(|pair| pair[0] == b'\\' && (pair[1].is_ascii_digit() || b"yYmMZGhRX".contains(&pair[1])));
    let reason = error.to_string().lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned();
    (!beyond).then_some(reason)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// A value that is taken and means nothing is found when it is needed: at the first backup, in the night.
    #[test]
    fn both_sides_of_each_edge() {
        let text = |form: Form, good: &[&str], bad: &[&str]| {
            for text in good {
                assert_eq!(wrong(form, "/a", &json!(text)), None, "{form:?} {text}");
            }
            for text in bad {
                assert!(wrong(form, "/a", &json!(text)).is_some(), "{form:?} {text}");
            }
        };
        text(Form::Duration, &["PT0S", "PT5S", "P7D"], &["5s", "-PT1S", "P1M", ""]);
        text(Form::Length, &["PT1S"], &["PT0S", "-PT1S"]);
        text(Form::GoDuration, &["2160h", "1h30m", "90s"], &["P90D", "90 days", "90d", "", "h", "0h"]);
        text(Form::Moment, &["2026-11-28T03:00:00Z", "2026-11-28T03:00:00+01:00"], &["2026-11-28", "2026-11-28T03:00:00", "tonight"]);
        text(Form::Cron, &["0 3 * * *", "*/5 * * * 1-5"], &["0 3 * *", "60 * * * *", "0 0 31 2 *", "@daily"]);
        text(Form::Expression, &["a.*", "", "(?!a)b", r"(a)\1", "a++"], &["(a", "[a", "*a"]);
        text(Form::OneOf(&["a", "b"]), &["a"], &["c", "A", ""]);
        text(Form::Address, &["http://a", "https://a.b:8/c?d"], &["a", "ftp://a", "http://", "http:///a", "http://a b"]);
        text(Form::Size, &["1Gi", "1.5Ti"], &["1G", "1", "0Gi", "x"]);
        text(Form::Retention, &["7 days", "1 month"], &["7 dayss", "7 days or so", "0 days", "7days"]);
        text(Form::Elsewhere, &["a", "n.a"], &["a.b.c", ".a", "A", ""]);
        text(Form::Filled, &["a"], &["", " "]);
        text(Form::Slot, &["a_1", &"a".repeat(63)], &["A", "a-b", "", &"a".repeat(64)]);
        for (form, number, fits) in [
            (Form::Between(0.0, 99.0), 0, true),
            (Form::Between(0.0, 99.0), 99, true),
            (Form::Between(0.0, 99.0), 100, false),
            (Form::AtLeast(-1.0), -1, true),
            (Form::AtLeast(-1.0), -2, false),
        ] {
            assert_eq!(wrong(form, "/a", &json!(number)).is_none(), fits, "{form:?} {number}");
        }
        assert!(wrong(Form::Withdrawn, "/a", &json!([])).is_some());
    }
}
