//! `stackgres check`

use super::{Look, look, source_text};
use crate::cli::args::{CheckArguments, CheckOutput};
use crate::cli::exit::{CommandError, Exit, print, tell};
use crate::diagnostics::Diagnostics;
use crate::diagnostics::output::{github, json, sarif, text};
use crate::diagnostics::printable;
use crate::engine::offline::{Silenced, left_alone};
use serde_json::{Value, json as object};

pub(in crate::cli) fn run(arguments: &CheckArguments) -> Result<Exit, CommandError> {
    let Look { files, report, mut failures } = look(&arguments.source)?;
    let left = &report.left_alone;
    match arguments.output {
        CheckOutput::Text => print(&text(&report.diagnostics, |path| source_text(&files, path)))?,
        CheckOutput::Json => {
            let mut found = json(&report.diagnostics);
            let places = left.iter().map(|left| object!({"file": left.location.file, "line": left.location.line, "column": left.location.column, "reason": left.reason}));
            found["leftAlone"] = places.collect();
            found["silenced"] = object!(report.silenced);
            found["clusters"] = report.clusters.keys().map(ToString::to_string).collect();
            print(&format!("{found:#}\n"))?;
        }
        CheckOutput::Sarif => {
            let mut found = report.diagnostics.clone();
            found.extend(left_alone(left));
            print(&format!("{:#}\n", with_suppressions(sarif(&found), &report.silenced)))?;
        }
        CheckOutput::Github => print(&github(&report.diagnostics))?,
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

/// Adds silenced findings as suppressed results. Source: SARIF 2.1.0, section 3.35, "suppression object".
fn with_suppressions(mut log: Value, silenced: &[Silenced]) -> Value {
    let findings: Diagnostics = silenced.iter().map(|silenced| silenced.finding.clone()).collect();
    let mut suppressed = sarif(&findings);
    let results = suppressed.pointer_mut("/runs/0/results").and_then(Value::as_array_mut).map(std::mem::take).unwrap_or_default();
    let with_reason = results.into_iter().zip(silenced).map(|(mut result, Silenced { reason, .. })| {
        result["suppressions"] = object!([{"kind": "inSource", "justification": reason}]);
        result
    });
    if let Some(all) = log.pointer_mut("/runs/0/results").and_then(Value::as_array_mut) {
        all.extend(with_reason);
    }
    let codes = |field: &Value| field.as_array().cloned().unwrap_or_default();
    let mut rules = codes(&log["runs"][0]["tool"]["driver"]["rules"]);
    for rule in codes(&suppressed["runs"][0]["tool"]["driver"]["rules"]) {
        if !rules.contains(&rule) {
            rules.push(rule);
        }
    }
    log["runs"][0]["tool"]["driver"]["rules"] = Value::Array(rules);
    log
}
