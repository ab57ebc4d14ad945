//! Diagnostics for people and for programs.

use super::{Diagnostic, Diagnostics, Severity};
use serde_json::{Value, json};
use std::fmt::Write as _;

/// Control characters never reach a terminal: a manifest could move the cursor or hide a line.
pub fn printable(text: &str) -> String {
    text.chars().map(|character| if character.is_control() && character != '\n' { '\u{fffd}' } else { character }).collect()
}

/// Text with the line each finding is about. `source` gives the text of a file, if there is one.
pub fn text<'a>(diagnostics: &Diagnostics, source: impl Fn(&str) -> Option<&'a str>) -> String {
    let mut out = String::new();
    for diagnostic in diagnostics {
        let Diagnostic { code, severity, message, location, path, help } = diagnostic;
        let _ = writeln!(out, "{severity}[{code}]: {}", printable(message));
        let path = if path.is_empty() { String::new() } else { format!("  ({})", printable(path)) };
        let _ = writeln!(out, "  --> {}{path}", printable(&location.to_string()));
        if let Some(line) = source(&location.file).and_then(|text| text.lines().nth(location.line.checked_sub(1)?)) {
            let number = location.line.to_string();
            let pad = " ".repeat(number.len());
            let _ = writeln!(out, " {pad} |\n {number} | {}", printable(line));
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
        let help = diagnostic.help.as_ref().map(|help| format!("\nhelp: {help}")).unwrap_or_default();
        let _ = writeln!(
            out,
            "::{level} file={},line={},col={},title={}::{}",
            property(&diagnostic.location.file),
            diagnostic.location.line.max(1),
            diagnostic.location.column.max(1),
            property(&diagnostic.code),
            escape(&printable(&format!("{}{help}", diagnostic.message)))
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
                    "artifactLocation": {"uri": diagnostic.location.file},
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
