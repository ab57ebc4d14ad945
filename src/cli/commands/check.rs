//! `stackgres check`

use super::{Look, look, source_text};
use crate::cli::args::{CheckArguments, CheckOutput, Colour};
use crate::cli::exit::{CommandError, Exit, print, print_painted, tell};
use crate::cli::terminal::{Output, painted};
use crate::diagnostics::output::{Document, Untouched, github, pieces, sarif, text};
use crate::diagnostics::printable;
use crate::engine::codes;
use crate::engine::offline::left_alone;

pub(in crate::cli) fn run(arguments: &CheckArguments) -> Result<Exit, CommandError> {
    if matches!(arguments.output, CheckOutput::Schema) {
        print(&format!("{:#}\n", schema()))?;
        return Ok(Exit::Fine);
    }
    let Look { files, report, mut failures } = look(&arguments.source)?;
    let left = &report.left_alone;
    match arguments.output {
        CheckOutput::Text => {
            let source = |path: &str| source_text(&files, path);
            let colour = match arguments.color {
                Colour::Auto => Output::of_stdout().colour,
                Colour::Always => true,
                Colour::Never => false,
            };
            if colour {
                print_painted(&painted(&pieces(&report.diagnostics, source)))?;
            } else {
                print(&text(&report.diagnostics, source))?;
            }
        }
        CheckOutput::Json => {
            let places = left.iter().map(|left| Untouched { location: left.location.clone(), reason: left.reason.clone() });
            let clusters = report.clusters.keys().map(ToString::to_string).collect();
            let found = Document::new(report.diagnostics.clone(), report.silenced.clone(), places.collect(), clusters);
            let found = serde_json::to_value(&found).map_err(|error| CommandError::failure(error.to_string()))?;
            print(&format!("{found:#}\n"))?;
        }
        CheckOutput::Sarif => {
            let mut found = report.diagnostics.clone();
            found.extend(left_alone(left));
            let codes = codes::all();
            print(&format!("{:#}\n", sarif(&found, &report.silenced, |code| codes.get(code).copied())))?;
        }
        CheckOutput::Github => print(&github(&report.diagnostics))?,
        CheckOutput::Schema => {}
    }
    if matches!(arguments.output, CheckOutput::Text | CheckOutput::Github) {
        // A notice for each would crowd the findings out: a workflow shows ten of a kind.
        for left in left {
            tell(&printable(&format!("left alone: {}: {}", left.location, left.reason)));
        }
        let clusters = report.clusters.len();
        tell(&format!("{}; {clusters} {} can run", report.summary(), if clusters == 1 { "cluster" } else { "clusters" }));
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

/// The JSON Schema of the JSON form.
pub(super) fn schema() -> serde_json::Value {
    schemars::schema_for!(Document).to_value()
}
