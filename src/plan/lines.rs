//! Values that are compared line by line.

use serde_json::Value;
use std::borrow::Cow;

/// Two texts of several lines, or two configurations written as JSON on one line, which become several lines here: a value that Patroni keeps in
/// an annotation has thousands of characters of which a few differ. `None` for everything else.
pub fn as_lines<'a>(before: &'a Value, after: &'a Value) -> Option<(Cow<'a, str>, Cow<'a, str>)> {
    let (before, after) = (before.as_str()?, after.as_str()?);
    if before.contains('\n') || after.contains('\n') {
        return Some((before.into(), after.into()));
    }
    Some((configuration(before)?.into(), configuration(after)?.into()))
}

/// A mapping or list in JSON, a line for each entry.
fn configuration(text: &str) -> Option<String> {
    let value: Value = text.starts_with(['{', '[']).then(|| serde_json::from_str(text).ok())??;
    Some(format!("{value:#}\n"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// Without lines of its own, the one parameter that changes is lost in a configuration of three screens.
    #[test]
    fn a_configuration_on_one_line_gets_lines() {
        let (before, after) = (json!(r#"{"a":1,"b":["x"]}"#), json!(r#"{"a":2,"b":["x"]}"#));
        let (before, after) = as_lines(&before, &after).unwrap();
        assert_eq!(before, "{\n  \"a\": 1,\n  \"b\": [\n    \"x\"\n  ]\n}\n");
        assert!(after.starts_with("{\n  \"a\": 2,\n"));
    }

    #[test]
    fn other_values_stay_as_they_are() {
        for (before, after) in [(json!("a"), json!("b")), (json!("{a"), json!("{b")), (json!({}), json!({})), (json!("{}"), json!("x"))] {
            assert!(as_lines(&before, &after).is_none(), "{before} {after}");
        }
        assert_eq!(as_lines(&json!("a\nb"), &json!("c")), Some(("a\nb".into(), "c".into())));
    }
}
