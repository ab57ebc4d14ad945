//! Running a program that verifies.

use crate::source::SourceError;
use crate::source::patience::Patience;
use std::ffi::OsString;
use std::io::ErrorKind;
use std::process::Stdio;
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;
use tokio::runtime::Runtime;

/// How programs are run.
pub(super) struct Programs<'a> {
    pub(super) patience: &'a Patience,
    pub(super) runtime: &'a Runtime,
}

/// What one said.
pub(super) struct Said {
    pub(super) success: bool,
    pub(super) output: String,
    pub(super) errors: String,
}

impl Programs<'_> {
    /// Runs a program to its end.
    pub(super) fn run(&self, program: &str, arguments: Vec<OsString>, input: &[u8]) -> Result<Said, SourceError> {
        let mut command = Command::new(program);
        // One language and one time zone, whatever the machine's.
        command.args(arguments).env_clear().env("PATH", "/usr/local/bin:/usr/bin:/bin").env("LC_ALL", "C").env("TZ", "UTC");
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        let fail = |error: std::io::Error| SourceError::Unreadable { path: program.to_owned(), reason: error.to_string() };
        let step = async {
            let mut child = command.spawn().map_err(|error| match error.kind() {
                ErrorKind::NotFound => SourceError::refused(
                    format!("there is no program {program} here"),
                    "install it (Debian: sqv, openssh-client); the controller's image has it",
                ),
                _ => fail(error),
            })?;
            let feed = child.stdin.take();
            let fed = async {
                if let Some(mut feed) = feed {
                    // One that has seen enough does not read to the end.
                    let _not_interested = feed.write_all(input).await;
                }
            };
            let ((), output) = tokio::join!(fed, child.wait_with_output());
            let output = output.map_err(fail)?;
            let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
            Ok(Said { success: output.status.success(), output: text(&output.stdout), errors: text(&output.stderr) })
        };
        self.runtime.block_on(self.patience.wait("verifying a signature", step))
    }
}
