//! Changes of objects, field by field. Secrets come masked from the comparison.

use super::parts::plural;
use crate::engine::view::{FieldChange, HIDDEN, ObjectAction, ObjectChange, as_lines};
use maud::{Markup, html};
use serde_json::Value;
use similar::{ChangeTag, TextDiff};

/// Unchanged lines around a changed one.
const CONTEXT: usize = 2;

/// Longest text that is shown in one piece, in characters.
const LONGEST: usize = 4_000;

/// Objects, each folded; `open` shows what is inside at once.
pub(super) fn objects(changes: &[ObjectChange], open: bool) -> Markup {
    html! {
        @for change in changes {
            @let name = if change.namespace.is_empty() { change.name.clone() } else { format!("{}/{}", change.namespace, change.name) };
            details.object open[open && !change.fields.is_empty()] data-key=(format!("{} {name}", change.kind)) {
                summary {
                    (action(change.action)) " " strong { (change.kind) } " " (name)
                    @if !change.fields.is_empty() { span.quiet { " " (plural(change.fields.len(), "field")) } }
                    @if let Some(note) = &change.note { span.quiet { " " (note) } }
                }
                @if change.fields.is_empty() {
                    p.quiet { (match change.action { ObjectAction::Created => "It is new.", ObjectAction::Changed => "It changes.", ObjectAction::Removed => "It goes." }) }
                } @else {
                    (fields(&change.fields))
                }
            }
        }
    }
}

fn action(action: ObjectAction) -> Markup {
    let (mark, word) = match action {
        ObjectAction::Created => ("+", "created"),
        ObjectAction::Changed => ("~", "changed"),
        ObjectAction::Removed => ("−", "removed"),
    };
    html! { span.mark.(word) aria-hidden="true" { (mark) } span.unseen { (word) } }
}

/// Fields with the value before and after.
pub(super) fn fields(changes: &[FieldChange]) -> Markup {
    html! { dl.fields { @for change in changes { dt { code { (change.path) } } dd { (values(change.before.as_ref(), change.after.as_ref())) } } } }
}

/// From one value to another; a long text line by line.
pub(super) fn values(before: Option<&Value>, after: Option<&Value>) -> Markup {
    if let Some((before, after)) = before.zip(after).and_then(|(before, after)| as_lines(before, after)) {
        return lines(&before, &after);
    }
    html! {
        @match (before, after) {
            (Some(before), Some(after)) => { del { (text(before)) } span.to { " → " } ins { (text(after)) } }
            (None, Some(after)) => { span.to { "new: " } ins { (text(after)) } }
            (Some(before), None) => { span.to { "gone: " } del { (text(before)) } }
            (None, None) => {}
        }
    }
}

fn text(value: &Value) -> String {
    let whole = match value {
        Value::String(text) if text == HIDDEN || !text.is_empty() => text.clone(),
        Value::Object(_) | Value::Array(_) => format!("{value:#}"),
        other => other.to_string(),
    };
    if whole.chars().count() > LONGEST { whole.chars().take(LONGEST).chain(['…']).collect() } else { whole }
}

fn lines(before: &str, after: &str) -> Markup {
    let diff = TextDiff::from_lines(before, after);
    html! {
        pre.lines tabindex="0" {
            @for (index, group) in diff.grouped_ops(CONTEXT).iter().enumerate() {
                @if index > 0 { span.gap { "⋯\n" } }
                @for change in group.iter().flat_map(|operation| diff.iter_changes(operation)) {
                    @match change.tag() {
                        ChangeTag::Delete => { del { "− " (change.value().trim_end_matches('\n')) "\n" } }
                        ChangeTag::Insert => { ins { "+ " (change.value().trim_end_matches('\n')) "\n" } }
                        ChangeTag::Equal => { "  " (change.value().trim_end_matches('\n')) "\n" }
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// Only what differs is shown of a long configuration, and nothing of it is markup.
    #[test]
    fn a_text_is_compared_line_by_line() {
        let before = (0..40).map(|line| format!("line {line}")).collect::<Vec<_>>().join("\n") + "\n";
        let after = before.replace("line 20\n", "<script>alert(1)</script>\n");
        let shown = values(Some(&json!(before)), Some(&json!(after))).into_string();
        assert!(shown.contains("<del>− line 20\n</del><ins>+ &lt;script&gt;alert(1)&lt;/script&gt;\n</ins>"), "{shown}");
        assert!(shown.contains("  line 18\n") && !shown.contains("line 17"), "{shown}");
    }
}
