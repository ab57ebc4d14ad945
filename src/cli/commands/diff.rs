//! `stackgres diff`

use super::options;
use crate::cli::args::{DiffArguments, DiffOutput};
use crate::cli::exit::{CommandError, Exit, print, tell};
use crate::cli::files::read;
use crate::diagnostics::output::{summary, text as findings};
use crate::engine::files::{Files, Repository, SourceError};
use crate::engine::offline::{ClusterAction, Plan, Report, check, plan_between, plan_text as text};
use std::path::Path;

pub(in crate::cli) fn run(arguments: &DiffArguments) -> Result<Exit, CommandError> {
    if matches!(arguments.output, DiffOutput::Schema) {
        print(&format!("{:#}\n", schemars::schema_for!(Plan).to_value()))?;
        return Ok(Exit::Fine);
    }
    let (base_files, head_files) = match (&arguments.base_directory, &arguments.head_directory) {
        (Some(base), Some(head)) => (directory(base)?, directory(head)?),
        _ => repository(arguments)?,
    };
    let options = options(&arguments.namespace, false);
    let (base, mut head): (Report, Report) = (check(&base_files.files, &options), check(&head_files.files, &options));
    let plan = plan_between(&base, &base_files.revision, &head, &head_files.revision);
    head.diagnostics.extend(head_files.refused);
    match arguments.output {
        DiffOutput::Json => {
            print(&format!("{:#}\n", serde_json::to_value(&plan).map_err(|error| CommandError::failure(error.to_string()))?))?;
        }
        _ => print(&text(&plan, arguments.objects))?,
    }
    if head.diagnostics.has_errors() {
        tell(&findings(&head.diagnostics, |_| None));
        tell(&format!("{}: see `stackgres check`", summary(&head.diagnostics)));
        return Ok(Exit::Invalid);
    }
    if plan.clusters.iter().any(|cluster| cluster.action == ClusterAction::Refused) {
        return Ok(Exit::Refused);
    }
    Ok(if arguments.exit_code && !plan.is_empty() { Exit::Differences } else { Exit::Fine })
}

/// The files of a directory, named relative to it.
fn directory(path: &Path) -> Result<Files, CommandError> {
    if !path.is_dir() {
        return Err(CommandError::failure(format!("{} is no directory", path.display())));
    }
    let root = format!("{}/", path.to_string_lossy().trim_start_matches("./").trim_end_matches('/'));
    let mut files = read(&[path.to_owned()])?;
    for file in &mut files {
        if let Some(rest) = file.path.strip_prefix(&root) {
            file.path = rest.to_owned();
        }
    }
    Ok(Files { revision: path.display().to_string(), files, ..Files::default() })
}

/// A folder of two revisions, or of one and the working directory.
fn repository(arguments: &DiffArguments) -> Result<(Files, Files), CommandError> {
    let failed = |error: SourceError| {
        let command = CommandError::failure(error.to_string());
        match error.hint() {
            Some(hint) => command.hint(hint),
            None => command,
        }
    };
    let repository = Repository::open(&arguments.repository).map_err(failed)?;
    let base = repository.revision(arguments.base.as_deref().unwrap_or("HEAD"), &arguments.path).map_err(failed)?;
    let head = match &arguments.head {
        Some(head) => repository.revision(head, &arguments.path),
        None => repository.working_directory(&arguments.path),
    };
    Ok((base, head.map_err(failed)?))
}
