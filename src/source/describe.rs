//! Making text of strangers fit for a message.

use crate::diagnostics::{is_unseen, mask_text};
use std::fmt::Display;

/// Longest piece of foreign text that is shown.
const LONGEST: usize = 200;

/// Cuts foreign text to one line of bounded length without characters that are not seen as themselves, which would
/// otherwise reach terminals and logs. A server may repeat what it was sent, so what may be a secret is hidden.
pub(super) fn tame(text: &str) -> String {
    let text = mask_text(text.trim());
    let mut tamed: String = text.chars().take(LONGEST).map(|letter| if is_unseen(letter) { '\u{fffd}' } else { letter }).collect();
    if text.chars().nth(LONGEST).is_some() {
        tamed.push('…');
    }
    tamed
}

/// `prefix` and the value, or nothing.
pub(super) fn join_some(prefix: &str, value: Option<&impl Display>) -> String {
    value.map(|value| format!("{prefix}{value}")).unwrap_or_default()
}

/// A number of bytes as people say it.
pub(super) fn bytes(count: u64) -> String {
    match count {
        0..1024 => format!("{count} bytes"),
        1024..0x10_0000 => format!("{} KiB", count >> 10),
        _ => format!("{} MiB", count >> 20),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A commit subject with an escape sequence would otherwise rewrite the terminal of whoever reads the log.
    #[test]
    fn foreign_text_is_one_harmless_line() {
        assert_eq!(tame("  fix \u{1b}[31mred\nnext \u{202e}evil "), "fix \u{fffd}[31mred\u{fffd}next \u{fffd}evil");
        assert_eq!(tame(&"x".repeat(300)).chars().count(), 201);
        assert_eq!(tame("go away with Bearer abcdef"), "go away with Bearer (hidden)");
        assert_eq!((bytes(3), bytes(2048), bytes(5 << 20)), ("3 bytes".into(), "2 KiB".into(), "5 MiB".into()));
    }
}
