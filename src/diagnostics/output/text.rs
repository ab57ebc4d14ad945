//! Text for a terminal.

use super::help_lines;
use crate::diagnostics::{Diagnostic, Diagnostics, Severity, mask_line, printable};

/// What a piece of text is, for whoever gives it a colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Look {
    /// As everything.
    Plain,
    /// A severity and its code.
    Severity(Severity),
    /// Where it is.
    Place,
    /// What to do.
    Help,
}

/// A piece of text of one look; nothing in it moves a terminal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    /// What it is.
    pub look: Look,
    /// The text, with its line breaks.
    pub text: String,
}

/// Whether the document around a line may be a Secret, whose content is never shown.
fn may_be_secret(text: &str, line: usize) -> bool {
    let lines: Vec<&str> = text.lines().collect();
    let at = line.saturating_sub(1).min(lines.len());
    let begin = lines[..at].iter().rposition(|line| line.starts_with("---")).unwrap_or(0);
    let end = lines[at..].iter().skip(1).position(|line| line.starts_with("---")).map_or(lines.len(), |end| at + 1 + end);
    let marks = |line: &str| {
        let words = line.trim().trim_start_matches(['{', '-', ' ', '"', '\'']);
        let kind = words.starts_with("kind") && words.contains("Secret");
        kind || line.contains("kind: Secret") || line.contains("\"kind\":\"Secret") || line.contains("stringData")
    };
    lines[begin.min(end)..end].iter().any(|line| marks(line))
}

/// Text with the line each finding is about. `source` gives the text of a file, if there is one.
pub fn text<'a>(diagnostics: &Diagnostics, source: impl Fn(&str) -> Option<&'a str>) -> String {
    pieces(diagnostics, source).into_iter().map(|piece| piece.text).collect()
}

/// The same in pieces.
pub fn pieces<'a>(diagnostics: &Diagnostics, source: impl Fn(&str) -> Option<&'a str>) -> Vec<Piece> {
    let mut out = Vec::new();
    let mut add = |look: Look, text: String| out.push(Piece { look, text });
    for diagnostic in diagnostics {
        let Diagnostic { code, severity, message, location, path, help, related } = diagnostic;
        add(Look::Severity(*severity), format!("{severity}[{}]", printable(code)));
        add(Look::Plain, format!(": {}\n", printable(message)));
        let path = if path.is_empty() { String::new() } else { format!("  ({})", printable(path)) };
        add(Look::Place, format!("  --> {}{path}", printable(&location.to_string())));
        add(Look::Plain, "\n".to_owned());
        let source = source(&location.file).filter(|text| !may_be_secret(text, location.line));
        if let Some(line) = source.and_then(|text| mask_line(text, location.line)) {
            let number = location.line.to_string();
            let pad = " ".repeat(number.len());
            add(Look::Plain, format!(" {pad} |\n {number} | {}\n", printable(&line)));
            add(Look::Plain, format!(" {pad} | {}", " ".repeat(location.column.saturating_sub(1))));
            add(Look::Severity(*severity), "^".to_owned());
            add(Look::Plain, "\n".to_owned());
        }
        for other in related {
            add(Look::Place, format!("  --> {}", printable(&other.location.to_string())));
            add(Look::Plain, format!("  {}\n", printable(&other.message)));
        }
        for (index, line) in help.iter().flat_map(|help| help_lines(help)).enumerate() {
            // A bar keeps a line of a manifest from being one of the output.
            add(Look::Help, if index == 0 { "  help: ".to_owned() } else { "      | ".to_owned() });
            add(Look::Plain, format!("{line}\n"));
        }
        add(Look::Plain, "\n".to_owned());
    }
    out
}

/// `2 errors, 1 warning`.
pub fn summary(diagnostics: &Diagnostics) -> String {
    let count = |severity: Severity, word: &str| {
        let count = diagnostics.count(severity);
        (count > 0).then(|| format!("{count} {word}{}", if count == 1 { "" } else { "s" }))
    };
    let parts: Vec<String> = [count(Severity::Error, "error"), count(Severity::Warning, "warning")].into_iter().flatten().collect();
    if parts.is_empty() { "no problem".to_owned() } else { parts.join(", ") }
}

#[cfg(test)]
mod tests {
    use super::super::tests::one;
    use super::*;

    /// A syntax error in a Secret would print its password.
    #[test]
    fn lines_of_secrets_are_not_shown() {
        let source = "kind: ConfigMap\ndata: {a: shown}\n---\nkind: Secret\nstringData:\n  password: \"hunter2\" x\n---\nkind: ConfigMap\n";
        assert!(text(&one("x", "a", 2), |_| Some(source)).contains("shown"));
        assert!(!text(&one("x", "a", 6), |_| Some(source)).contains("hunter2"));
    }

    /// Text to copy is useless on one line.
    #[test]
    fn a_help_may_have_lines() {
        let mut found = one("x", "a", 1);
        found.0[0] = found.0[0].clone().help("write\nspec:\n  postgres: {}");
        assert_eq!(
            text(&found, |_| None),
            "error[unknown-field]: x\n  --> a:1:1\n  help: write\n      | spec:\n      |   postgres: {}\n\n"
        );
    }
}
