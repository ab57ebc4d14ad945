//! Findings in colour.

use crate::diagnostics::Severity;
use crate::diagnostics::output::{Look, Piece};

/// Parameters of Select Graphic Rendition (ECMA-48, 8.3.117). Colour is never alone: the words say the same.
const fn code(look: Look) -> &'static str {
    match look {
        Look::Plain => "",
        Look::Severity(Severity::Error) => "1;31",
        Look::Severity(Severity::Warning) => "1;33",
        Look::Severity(Severity::Info) => "1;36",
        Look::Place => "2",
        Look::Help => "32",
    }
}

/// The text with its colours.
pub(in crate::cli) fn painted(pieces: &[Piece]) -> String {
    let mut out = String::new();
    for Piece { look, text } in pieces {
        match code(*look) {
            "" => out.push_str(text),
            code => out.push_str(&format!("\u{1b}[{code}m{text}\u{1b}[0m")),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostics::output::{pieces, text};
    use crate::diagnostics::{Diagnostic, Diagnostics, Location};

    /// A log that keeps the colours and one that drops them must read the same, and no manifest may bring colours of its own.
    #[test]
    fn without_its_colours_it_is_the_plain_text() {
        let location = Location { file: "a\u{1b}[2J.yaml".to_owned(), line: 1, column: 3 };
        let found = Diagnostics(vec![Diagnostic::error("bad-name", "x\u{1b}[31my").at(location.clone()).help("write\n  \u{1b}[0m")]);
        let source = |_: &str| Some("a: \u{1b}[31mred");
        let colours = painted(&pieces(&found, source));
        assert!(colours.starts_with("\u{1b}[1;31merror[bad-name]\u{1b}[0m: "), "{colours:?}");
        let mut plain = colours;
        for code in ["0", "1;31", "2", "32"] {
            plain = plain.replace(&format!("\u{1b}[{code}m"), "");
        }
        assert_eq!(plain, text(&found, source));
        assert!(!plain.contains('\u{1b}'), "{plain:?}");
    }
}
