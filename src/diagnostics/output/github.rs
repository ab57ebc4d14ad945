//! Annotations of a workflow.

use super::help_lines;
use crate::diagnostics::{Diagnostics, Severity, printable};
use std::fmt::Write as _;

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
        let mut text = printable(&diagnostic.message);
        for other in &diagnostic.related {
            let _ = write!(text, "\n{}: {}", printable(&other.location.to_string()), printable(&other.message));
        }
        for (index, line) in diagnostic.help.iter().flat_map(|help| help_lines(help)).enumerate() {
            let _ = write!(text, "\n{}{line}", if index == 0 { "help: " } else { "" });
        }
        let _ = writeln!(
            out,
            "::{level} file={},line={},col={},title={}::{}",
            property(&diagnostic.location.file),
            diagnostic.location.line.max(1),
            diagnostic.location.column.max(1),
            property(&diagnostic.code),
            escape(&text)
        );
    }
    out
}
