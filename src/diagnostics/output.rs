//! Diagnostics for people and for programs.

use super::{Diagnostic, Diagnostics, Severity, mask_line, printable};
use crate::model::percent_encoded;
use serde_json::{Value, json};
use std::fmt::Write as _;

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

/// A path as the reference of a URI (RFC 3986, section 3.3).
fn uri(path: &str) -> String {
    percent_encoded(path, b"-._~/!$&'()*+,;=@")
}

/// Text with the line each finding is about. `source` gives the text of a file, if there is one.
pub fn text<'a>(diagnostics: &Diagnostics, source: impl Fn(&str) -> Option<&'a str>) -> String {
    let mut out = String::new();
    for diagnostic in diagnostics {
        let Diagnostic { code, severity, message, location, path, help } = diagnostic;
        let _ = writeln!(out, "{severity}[{code}]: {}", printable(message));
        let path = if path.is_empty() { String::new() } else { format!("  ({})", printable(path)) };
        let _ = writeln!(out, "  --> {}{path}", printable(&location.to_string()));
        let source = source(&location.file).filter(|text| !may_be_secret(text, location.line));
        if let Some(line) = source.and_then(|text| mask_line(text, location.line)) {
            let number = location.line.to_string();
            let pad = " ".repeat(number.len());
            let _ = writeln!(out, " {pad} |\n {number} | {}", printable(&line));
            let _ = writeln!(out, " {pad} | {}^", " ".repeat(location.column.saturating_sub(1)));
        }
        if let Some(help) = help {
            let _ = writeln!(out, "  help: {}", printable(help));
        }
        out.push('\n');
    }
    out
}

/// `{"diagnostics": […]}`.
pub fn json(diagnostics: &Diagnostics) -> Value {
    json!({"diagnostics": diagnostics})
}

/// Workflow commands of GitHub Actions. Source: GitHub documentation, "Workflow commands for GitHub Actions".
pub fn github(diagnostics: &Diagnostics) -> String {
    let escape = |text: &str| text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A");
    let property = |text: &str| escape(text).replace(':', "%3A").replace(',', "%2C");
    let mut out = String::new();
    for diagnostic in diagnostics {
        let level = match diagnostic.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Info => "notice",
        };
        let help = diagnostic.help.as_ref().map(|help| format!("\nhelp: {}", printable(help))).unwrap_or_default();
        let _ = writeln!(
            out,
            "::{level} file={},line={},col={},title={}::{}",
            property(&diagnostic.location.file),
            diagnostic.location.line.max(1),
            diagnostic.location.column.max(1),
            property(&diagnostic.code),
            escape(&format!("{}{help}", printable(&diagnostic.message)))
        );
    }
    out
}

/// SARIF 2.1.0 (OASIS), one run.
pub fn sarif(diagnostics: &Diagnostics) -> Value {
    let mut codes: Vec<&str> = diagnostics.iter().map(|diagnostic| diagnostic.code.as_str()).collect();
    codes.sort_unstable();
    codes.dedup();
    let results: Vec<Value> = diagnostics
        .iter()
        .map(|diagnostic| {
            let help = diagnostic.help.as_ref().map(|help| format!(" ({help})")).unwrap_or_default();
            json!({
                "ruleId": diagnostic.code,
                "level": match diagnostic.severity { Severity::Error => "error", Severity::Warning => "warning", Severity::Info => "note" },
                "message": {"text": format!("{}{help}", diagnostic.message)},
                "locations": [{"physicalLocation": {
                    "artifactLocation": {"uri": uri(&diagnostic.location.file)},
                    "region": {"startLine": diagnostic.location.line.max(1), "startColumn": diagnostic.location.column.max(1)},
                }}],
            })
        })
        .collect();
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{"tool": {"driver": {"name": "stackgres", "rules": codes.iter().map(|code| json!({"id": code})).collect::<Vec<_>>()}}, "results": results}],
    })
}

/// `2 errors, 1 warning`.
pub fn summary(diagnostics: &Diagnostics) -> String {
    let count = |severity: Severity, word: &str| {
        let count = diagnostics.iter().filter(|diagnostic| diagnostic.severity == severity).count();
        (count > 0).then(|| format!("{count} {word}{}", if count == 1 { "" } else { "s" }))
    };
    let parts: Vec<String> = [count(Severity::Error, "error"), count(Severity::Warning, "warning")].into_iter().flatten().collect();
    if parts.is_empty() { "no problem".to_owned() } else { parts.join(", ") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostics::Location;

    fn one(message: &str, file: &str, line: usize) -> Diagnostics {
        let location = Location { file: file.to_owned(), line, column: 1 };
        Diagnostics(vec![Diagnostic::error("unknown-field", message.to_owned()).at(location)])
    }

    /// A key of a manifest must not begin a line of its own: a workflow would run it as a command.
    #[test]
    fn no_manifest_begins_a_line() {
        let found = one("there is no field `bad\n::error::y\u{202e}`", "a.yaml", 1);
        for out in [text(&found, |_| None), github(&found)] {
            assert!(out.lines().all(|line| !line.starts_with("::error::y")), "{out}");
            assert!(!out.contains('\u{202e}'), "{out}");
        }
    }

    /// A syntax error in a Secret would print its password.
    #[test]
    fn lines_of_secrets_are_not_shown() {
        let source = "kind: ConfigMap\ndata: {a: shown}\n---\nkind: Secret\nstringData:\n  password: \"hunter2\" x\n---\nkind: ConfigMap\n";
        assert!(text(&one("x", "a", 2), |_| Some(source)).contains("shown"));
        assert!(!text(&one("x", "a", 6), |_| Some(source)).contains("hunter2"));
    }

    #[test]
    fn paths_are_uris_in_sarif() {
        assert_eq!(sarif(&one("x", "we ird%20:.yaml", 1)).to_string().matches("we%20ird%2520%3A.yaml").count(), 1);
    }
}
