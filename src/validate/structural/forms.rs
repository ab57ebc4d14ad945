//! Forms of text in words: a regular expression says what is refused, an example says what to write.

/// Pattern of a schema, what it asks for, and an example that fits.
const FORMS: &[(&str, &str, &str)] = &[
    (r"^[0-9]+(\.[0-9]+)?(Mi|Gi|Ti)$", "a size with its unit, Mi, Gi or Ti", "10Gi"),
    (r"^[0-9]+(\.[0-9]+)?(Mi|Gi)$", "a size with its unit, Mi or Gi", "512Mi"),
    (r"^[1-9][0-9]*[m]?$", "cores, or thousandths of one with an m", "500m"),
    (r"^((s3|https?)://)?[^/]+(/[^/]*)*$", "the name of the bucket, and a folder in it if you like", "backups/team-a"),
    (r"^(gs://)?[^/]+(/[^/]*)*$", "the name of the bucket, and a folder in it if you like", "backups/team-a"),
    (r"^(azure://)?[^/]+(/[^/]*)*$", "the name of the container, and a folder in it if you like", "backups/team-a"),
    (
        r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?(Z|[+-][0-9]{2}:[0-9]{2})$",
        "a moment with its time zone",
        "2026-11-24T02:00:00Z",
    ),
    (r"^[0-9]+ (minutes?|hours?|days?|months?)", "a number and a unit", "7 days"),
    ("^[0-9a-f]{40}$", "the whole commit, 40 digits", "4b825dc642cb6eb9a060e54bf8d69288fbee4904"),
    ("^[0-9]{4}-[0-9]{2}-[0-9]{2}$", "a day", "2026-11-24"),
    ("^([0-9]+|[0-9]+%)$", "a number or a percentage", "25%"),
    ("^([0-9]+(s|m|h))+$", "a duration in hours, minutes and seconds", "1h30m"),
    ("^([0-9]+(ms|s|m|h))+$", "a duration in hours, minutes, seconds and milliseconds", "1m30s"),
];

/// What to write so that it fits a pattern.
pub(super) fn fitting(pattern: &str) -> String {
    match FORMS.iter().find(|(known, ..)| *known == pattern) {
        Some((_, what, example)) => format!("write {what}, for example {example}; it must match {pattern}"),
        None => format!("it must match {pattern}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::KINDS;
    use crate::api::schema::{Schema, Shape};
    use std::collections::BTreeSet;

    fn patterns(schema: &Schema, found: &mut BTreeSet<String>) {
        match &schema.shape {
            Shape::Object { fields, .. } => fields.iter().for_each(|field| patterns(&field.schema, found)),
            Shape::Map { values } => patterns(values, found),
            Shape::Array { items, .. } => patterns(items, found),
            Shape::Text(text) => found.extend(text.pattern.clone()),
            Shape::IntOrString { pattern } => found.extend(pattern.clone()),
            _ => {}
        }
    }

    /// Few people read a regular expression at three in the morning; an example that is refused is worse.
    #[test]
    fn every_pattern_has_an_example_that_fits() {
        let mut found = BTreeSet::new();
        for kind in KINDS {
            patterns(&kind.schema, &mut found);
        }
        for pattern in found {
            let known = FORMS.iter().find(|(known, ..)| *known == pattern);
            let (_, _, example) = known.unwrap_or_else(|| panic!("{pattern} has no words"));
            assert!(super::super::value::matches_pattern(&pattern, example), "{example} does not fit {pattern}");
        }
    }
}
