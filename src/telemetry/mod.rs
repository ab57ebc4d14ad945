//! Logs.
//!
//! In: a filter and a form. Out: structured lines on standard error. Invariant: standard output stays for data; no line holds a control
//! character, whatever a message repeats, and none but the first of an event looks like an event.
//! Why: logs of a controller are read by machines first.

use crate::diagnostics::visible;
use std::io::Write;
use tracing_subscriber::EnvFilter;

/// Installs the log output: JSON lines, or text for a terminal. A second installation is ignored.
pub fn install(filter: &str, json: bool) {
    let filter = EnvFilter::try_new(filter).unwrap_or_else(|_| EnvFilter::new("info"));
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_ansi(false).with_writer(|| Lines(std::io::stderr()));
    let installed =
        if json { builder.json().flatten_event(true).with_current_span(true).try_init() } else { builder.with_target(false).try_init() };
    drop(installed);
}

/// Makes events harmless. The subscriber hands over one whole event at a time.
struct Lines<W>(W);

impl<W: Write> Write for Lines<W> {
    fn write(&mut self, event: &[u8]) -> std::io::Result<usize> {
        let text = String::from_utf8_lossy(event);
        let shown = visible(text.strip_suffix('\n').unwrap_or(&text)).replace('\n', "\n    ");
        self.0.write_all(format!("{shown}\n").as_bytes())?;
        Ok(event.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.0.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a commit subject holds would otherwise forge a line, or paint over one.
    #[test]
    fn an_event_is_one_event() {
        let mut written = Vec::new();
        Lines(&mut written).write_all("INFO planned\n2026 ERROR forged \u{1b}[2J\u{202e}\u{9b}\n".as_bytes()).unwrap();
        Lines(&mut written).write_all(b"{\"message\":\"a\"}\n").unwrap();
        let expected = "INFO planned\n    2026 ERROR forged \\u001b[2J\\u202e\\u009b\n{\"message\":\"a\"}\n";
        assert_eq!(String::from_utf8(written).unwrap(), expected);
    }
}
