//! Text of strangers on a terminal: manifests, file names, commit subjects, words of servers.
//!
//! A control character moves the cursor or the title; a directional one reverses what is read (Unicode Standard Annex 9, as in attacks
//! on reviewers of source code); one without width makes two names look the same. None of them reaches a terminal or a log as it is.

use std::borrow::Cow;
use std::fmt::Write as _;

/// Whether a character is not seen as itself: controls (C0, DEL, C1), directions, no width, other line ends, tags.
pub fn is_unseen(character: char) -> bool {
    character.is_control()
        || matches!(character,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}'
            | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// A piece of a message, on one line: a line break is shown as `\n`, what is not seen as U+FFFD. No piece begins a line that a workflow
/// takes for a command.
pub fn printable(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '\n' => out.push_str("\\n"),
            character if is_unseen(character) => out.push('\u{fffd}'),
            character => out.push(character),
        }
    }
    out
}

/// Whole output: what is not seen is written as JSON writes it, `\u202e`, and so JSON stays the same JSON. Line breaks and tabulators stay.
pub fn visible(text: &str) -> Cow<'_, str> {
    let unseen = |character: char| is_unseen(character) && !matches!(character, '\n' | '\t');
    if !text.contains(unseen) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for character in text.chars() {
        if unseen(character) {
            for unit in character.encode_utf16(&mut [0; 2]) {
                let _ = write!(out, "\\u{unit:04x}");
            }
        } else {
            out.push(character);
        }
    }
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    const UNSEEN: &str = "\u{1b}\r\u{8}\u{7f}\u{9b}\u{85}\u{202a}\u{202e}\u{2066}\u{2069}\u{200b}\u{200d}\u{2060}\u{feff}\u{e0041}\u{ad}";

    /// A manifest could paint over the plan that its reviewer reads.
    #[test]
    fn what_is_not_seen_is_shown() {
        for character in UNSEEN.chars() {
            let text = format!("a{character}b");
            assert_eq!(printable(&text), "a\u{fffd}b");
            assert!(!visible(&text).chars().any(is_unseen), "{:?}", visible(&text));
        }
        assert_eq!(printable("a\nb"), "a\\nb");
        assert_eq!(visible("a\n\tb \u{9b}\u{e0041}"), "a\n\tb \\u009b\\udb40\\udc41");
        assert!(matches!(visible("Zoë 名前 🐘 → ✗\n"), Cow::Borrowed(_)), "other scripts stay readable");
    }

    /// A program that reads the JSON form gets the text as it was.
    #[test]
    fn json_stays_what_it_is() {
        let value = serde_json::Value::from(UNSEEN);
        let shown = visible(&value.to_string()).into_owned();
        assert!(!shown.chars().any(is_unseen));
        assert_eq!(serde_json::from_str::<serde_json::Value>(&shown).unwrap(), value);
    }
}
