//! Logs.
//!
//! In: a filter and a form. Out: structured lines on standard error. Invariant: standard output stays for data.
//! Why: logs of a controller are read by machines first.

use tracing_subscriber::EnvFilter;

/// Installs the log output: JSON lines, or text for a terminal. A second installation is ignored.
pub fn install(filter: &str, json: bool) {
    let filter = EnvFilter::try_new(filter).unwrap_or_else(|_| EnvFilter::new("info"));
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let installed =
        if json { builder.json().flatten_event(true).with_current_span(true).try_init() } else { builder.with_target(false).try_init() };
    drop(installed);
}
