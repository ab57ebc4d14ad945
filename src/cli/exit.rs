//! How a command ends.

use crate::diagnostics::{is_unseen, visible};
use serde_json::Value;
use std::fmt;
use std::process::ExitCode;

/// Exit codes; scripts rely on them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// Fine, or no difference.
    Fine,
    /// There are differences, and the caller asked to be told so.
    Differences,
    /// The world failed: a file, a server, the network.
    Failure,
    /// The input is not valid.
    Invalid,
    /// A policy refuses.
    Refused,
    /// A deadline passed.
    Timeout,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(match exit {
            Exit::Fine => 0,
            Exit::Differences => 1,
            Exit::Failure => 2,
            Exit::Invalid => 3,
            Exit::Refused => 4,
            Exit::Timeout => 5,
        })
    }
}

/// Why a command could not do its work.
#[derive(Debug)]
pub struct CommandError {
    /// How to exit.
    pub exit: Exit,
    /// What went wrong: lower case, no period.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
}

impl CommandError {
    /// The world failed.
    pub fn failure(message: impl Into<String>) -> Self {
        Self { exit: Exit::Failure, message: message.into(), hint: None }
    }

    /// The input is not valid.
    pub fn invalid(message: impl Into<String>) -> Self {
        Self { exit: Exit::Invalid, message: message.into(), hint: None }
    }

    /// A policy refuses.
    pub fn refused(message: impl Into<String>) -> Self {
        Self { exit: Exit::Refused, message: message.into(), hint: None }
    }

    /// A deadline passed.
    pub fn timeout(message: impl Into<String>) -> Self {
        Self { exit: Exit::Timeout, message: message.into(), hint: None }
    }

    /// Adds what to do about it.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

impl fmt::Display for CommandError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "error: {}", self.message)?;
        match &self.hint {
            Some(hint) => write!(f, "\nhint: {hint}"),
            None => Ok(()),
        }
    }
}

/// Writes data to standard output; nothing in it moves a terminal. A reader that went away is no failure.
pub(super) fn print(text: &str) -> Result<(), CommandError> {
    print_painted(&visible(text))
}

/// Writes text with colours in it, every piece of which was made printable before it was painted.
pub(super) fn print_painted(text: &str) -> Result<(), CommandError> {
    use std::io::Write as _;
    match std::io::stdout().lock().write_all(text.as_bytes()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(CommandError::failure(format!("cannot write the output: {error}")))
        }
        _ => Ok(()),
    }
}

/// Writes one YAML document to standard output. YAML writes some characters raw that are not seen, so a document that holds one is written
/// as JSON, which is YAML as well and can escape them.
pub(super) fn print_yaml(value: &Value) -> Result<(), CommandError> {
    let failed = |error: &dyn fmt::Display| CommandError::failure(format!("cannot write YAML: {error}"));
    let text = serde_yaml::to_string(value).map_err(|error| failed(&error))?;
    let plain = !text.contains(|character: char| is_unseen(character) && character != '\n');
    let text = if plain { text } else { format!("{value:#}\n") };
    print(&format!("---\n{text}"))
}

/// Writes a message to standard error; where that fails there is nobody left to tell.
pub(super) fn tell(text: &str) {
    use std::io::Write as _;
    drop(writeln!(std::io::stderr().lock(), "{}", visible(text)));
}
