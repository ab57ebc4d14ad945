//! What `stackgres explain CODE` tells about a code.

use super::Severity;

/// One stable code.
#[derive(Debug, Clone, Copy)]
pub struct Code {
    /// The code, kebab-case words.
    pub code: &'static str,
    /// Severity it usually has.
    pub severity: Severity,
    /// What is wrong, one line.
    pub summary: &'static str,
    /// Why it matters and what to do, a paragraph.
    pub explanation: &'static str,
}

impl Code {
    /// A code that blocks.
    pub const fn error(code: &'static str, summary: &'static str, explanation: &'static str) -> Self {
        Self { code, severity: Severity::Error, summary, explanation }
    }

    /// A code that warns.
    pub const fn warning(code: &'static str, summary: &'static str, explanation: &'static str) -> Self {
        Self { code, severity: Severity::Warning, summary, explanation }
    }

    /// A code that tells something worth knowing.
    pub const fn info(code: &'static str, summary: &'static str, explanation: &'static str) -> Self {
        Self { code, severity: Severity::Info, summary, explanation }
    }
}
