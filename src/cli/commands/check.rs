//! `stackgres check`

use super::{Look, look, source_text};
use crate::cli::args::{CheckArguments, CheckOutput};
use crate::cli::exit::{CommandError, Exit, print, tell};
use crate::diagnostics::output::{github, json, sarif, summary, text};
use crate::diagnostics::printable;
use crate::engine::offline::left_alone;
use serde_json::json as object;

pub(in crate::cli) fn run(arguments: &CheckArguments) -> Result<Exit, CommandError> {
    let Look { files, report, mut failures } = look(&arguments.source)?;
    let left = &report.left_alone;
    match arguments.output {
        CheckOutput::Text => print(&text(&report.diagnostics, |path| source_text(&files, path)))?,
        CheckOutput::Json => {
            let mut found = json(&report.diagnostics);
            let places = left.iter().map(|left| object!({"file": left.location.file, "line": left.location.line, "column": left.location.column, "reason": left.reason}));
            found["leftAlone"] = places.collect();
            found["clusters"] = report.clusters.keys().map(ToString::to_string).collect();
            print(&format!("{found:#}\n"))?;
        }
        CheckOutput::Sarif => {
            let mut found = report.diagnostics.clone();
            found.extend(left_alone(left));
            print(&format!("{:#}\n", sarif(&found)))?;
        }
        CheckOutput::Github => print(&github(&report.diagnostics))?,
    }
    if matches!(arguments.output, CheckOutput::Text | CheckOutput::Github) {
        // A notice for each would crowd the findings out: a workflow shows ten of a kind.
        for left in left {
            tell(&printable(&format!("left alone: {}: {}", left.location, left.reason)));
        }
        let clusters = report.clusters.len();
        tell(&format!("{}; {clusters} {} can run", summary(&report.diagnostics), if clusters == 1 { "cluster" } else { "clusters" }));
    }
    if !failures.is_empty() {
        let last = failures.pop();
        for failure in &failures {
            tell(&failure.to_string());
        }
        return last.map_or(Ok(Exit::Failure), Err);
    }
    Ok(if report.diagnostics.has_errors() { Exit::Invalid } else { Exit::Fine })
}
