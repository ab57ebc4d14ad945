//! `stackgres check`

use super::{look, source_text};
use crate::cli::args::{CheckArguments, CheckOutput};
use crate::cli::exit::{CommandError, Exit, print, tell};
use crate::diagnostics::output::{github, json, printable, sarif, summary, text};

pub(in crate::cli) fn run(arguments: &CheckArguments) -> Result<Exit, CommandError> {
    let (files, report) = look(&arguments.source)?;
    match arguments.output {
        CheckOutput::Text => {
            print(&text(&report.diagnostics, |path| source_text(&files, path)))?;
            for left in &report.left_alone {
                tell(&printable(&format!("left alone: {}: {}", left.location, left.reason)));
            }
            let clusters = report.clusters.len();
            tell(&format!("{}; {clusters} {} can run", summary(&report.diagnostics), if clusters == 1 { "cluster" } else { "clusters" }));
        }
        CheckOutput::Json => print(&format!("{:#}\n", json(&report.diagnostics)))?,
        CheckOutput::Sarif => print(&format!("{:#}\n", sarif(&report.diagnostics)))?,
        CheckOutput::Github => print(&github(&report.diagnostics))?,
    }
    Ok(if report.diagnostics.has_errors() { Exit::Invalid } else { Exit::Fine })
}
