//! Failures as statuses and events may show them: more people read those than scripts.

use super::wanted::{Entry, Source};
use crate::diagnostics::mask_text;

/// A failure as it may be shown: the server's primary message without what may be a value.
///
/// Syntax errors and errors of class 22 quote the text or a value; the place in the text is told instead. Of an entry from a Secret
/// nothing is quoted at all.
pub fn failure_message(entry: &Entry, code: &str, message: &str, line: Option<usize>) -> String {
    let secret = matches!(entry.source, Source::Secret(..));
    let text = match code {
        // Raised by the script itself: its own words.
        "P0001" if secret => "(hidden)".to_owned(),
        _ if secret || code == "42601" || code.starts_with("22") => hide_quoted(message),
        _ => mask_text(message),
    };
    let text: String = text.chars().map(|character| if character.is_control() { ' ' } else { character }).take(300).collect();
    line.map_or(text.clone(), |line| format!("{text} (line {line})"))
}

/// Everything between the first and the last quotation mark, because a value may hold one itself.
fn hide_quoted(message: &str) -> String {
    let mark = |character: char| matches!(character, '"' | '\'' | '«' | '»' | '„' | '“' | '”');
    match (message.find(mark), message.rfind(mark)) {
        (Some(first), Some(last)) if first < last => {
            let after = message[last..].chars().next().map_or(0, char::len_utf8);
            format!("{}(hidden){}", &message[..first], &message[last + after..])
        }
        (Some(first), _) => format!("{}(hidden)", &message[..first]),
        _ => message.to_owned(),
    }
}
