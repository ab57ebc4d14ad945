//! `stackgres history`

use super::{cluster_name, live_problem};
use crate::cli::args::{HistoryArguments, HistoryOutput};
use crate::cli::exit::{CommandError, Exit, print};
use crate::cli::terminal::{Column, size, table};
use crate::diagnostics::output::printable;
use crate::engine::live::{Entry, history};

pub(in crate::cli) fn run(arguments: &HistoryArguments) -> Result<Exit, CommandError> {
    let found = history(arguments.kubeconfig.as_deref(), &cluster_name(&arguments.cluster)).map_err(|error| live_problem(&error))?;
    if let Some(wanted) = &arguments.revision {
        let entry = found.revisions.iter().find(|entry| entry.name == *wanted || entry.name.ends_with(&format!("-{wanted}")));
        let Some(entry) = entry else {
            let kept: Vec<&str> = found.revisions.iter().map(|entry| entry.name.as_str()).collect();
            return Err(CommandError::invalid(format!("there is no revision {wanted}")).hint(format!("kept are {}", kept.join(", "))));
        };
        return one(entry, arguments.output);
    }
    if matches!(arguments.output, HistoryOutput::Json) {
        let json = serde_json::to_value(&found).map_err(|error| CommandError::failure(error.to_string()))?;
        print(&format!("{json:#}\n"))?;
        return Ok(Exit::Fine);
    }
    let rows: Vec<Vec<String>> = found.revisions.iter().map(row).collect();
    let columns = [Column::Whole, Column::Whole, Column::Whole, Column::Text, Column::Text, Column::Whole];
    print(&table(&columns, &rows, size().map(|size| size.width)))?;
    if found.revisions.is_empty() {
        print("no revision yet\n")?;
    }
    Ok(Exit::Fine)
}

/// When, which, from what commit, what it changed, the commit's own words, and what it is now.
fn row(entry: &Entry) -> Vec<String> {
    let commit = entry.commit.get(..12).unwrap_or(&entry.commit);
    let from = if commit.is_empty() { "live inputs" } else { commit };
    let state = match (entry.released, entry.running) {
        (true, true) => "released, running",
        (true, false) => "released",
        (false, true) => "running",
        (false, false) => "",
    };
    let what = match (&entry.damaged, &entry.plan) {
        (Some(damaged), _) => format!("damaged: {damaged}"),
        (None, Some(plan)) => plan.counts.iter().map(|count| count.consequence.clone()).collect::<Vec<_>>().join(", "),
        (None, None) => "the oldest that is kept".to_owned(),
    };
    vec![entry.created.clone(), entry.name.clone(), from.to_owned(), what, printable(&entry.subject), state.to_owned()]
}

/// The inputs of one revision, ready to be applied or committed again, below what it changed.
fn one(entry: &Entry, output: HistoryOutput) -> Result<Exit, CommandError> {
    if matches!(output, HistoryOutput::Json) {
        let json = serde_json::to_value(entry).map_err(|error| CommandError::failure(error.to_string()))?;
        print(&format!("{json:#}\n"))?;
        return Ok(Exit::Fine);
    }
    if let Some(damaged) = &entry.damaged {
        return Err(CommandError::failure(format!("the revision {} is damaged: {damaged}", entry.name)));
    }
    for line in entry.changes().unwrap_or_default().lines() {
        print(format!("# {line}").trim_end())?;
        print("\n")?;
    }
    for manifest in &entry.manifests {
        let text = serde_yaml::to_string(manifest).map_err(|error| CommandError::failure(error.to_string()))?;
        print(&format!("---\n{text}"))?;
    }
    Ok(Exit::Fine)
}
