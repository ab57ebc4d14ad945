//! `stackgres diff`

use super::options;
use crate::cli::args::{DiffArguments, DiffOutput};
use crate::cli::exit::{CommandError, Exit, print, tell};
use crate::cli::files::find;
use crate::diagnostics::output::text as findings;
use crate::engine::files::{Files, Repository, SourceError};
use crate::engine::live::{LivePlan, live_plan};
use crate::engine::offline::{
    ClusterAction, Ignored, LoadOptions, Options, Plan, Report, check, objects_text, plan_between, plan_text as text,
};
use std::path::Path;

pub(in crate::cli) fn run(arguments: &DiffArguments) -> Result<Exit, CommandError> {
    if matches!(arguments.output, DiffOutput::Schema) {
        let schema = if arguments.live { schemars::schema_for!(LivePlan) } else { schemars::schema_for!(Plan) };
        print(&format!("{:#}\n", schema.to_value()))?;
        return Ok(Exit::Fine);
    }
    if !arguments.live && arguments.base.is_none() && arguments.base_directory.is_none() {
        return Err(
            CommandError::invalid("nothing to compare with").hint("give --base REVISION, --base-directory and --head-directory, or --live")
        );
    }
    let options = options(&arguments.namespace, false, &arguments.images)?;
    if arguments.live {
        return live(arguments, &options);
    }
    let (base_files, head_files) = match (&arguments.base_directory, &arguments.head_directory) {
        (Some(base), Some(head)) => (directory(base)?, directory(head)?),
        (None, None) => repository(arguments)?,
        _ => return Err(CommandError::invalid("--base-directory and --head-directory come together")),
    };
    let (base, mut head): (Report, Report) = (check(&base_files.files, &options), check(&head_files.files, &options));
    let plan = plan_between(&base, &base_files.revision, &head, &head_files.revision);
    head.diagnostics.extend(head_files.refused);
    match arguments.output {
        DiffOutput::Json => json(&serde_json::to_value(&plan))?,
        _ => print(&text(&plan, arguments.objects))?,
    }
    ending(arguments, &head, &plan, plan.is_empty())
}

/// Against a running cluster: what is released, and what the API server says of the files.
fn live(arguments: &DiffArguments, options: &Options) -> Result<Exit, CommandError> {
    let files = match &arguments.head_directory {
        Some(head) => directory(head)?,
        None => newer(arguments, &open(arguments)?)?,
    };
    let mut head = check(&files.files, options);
    head.diagnostics.extend(files.refused);
    let found = live_plan(arguments.kubeconfig.as_deref(), &head, &files.revision, &options.settings)
        .map_err(|error| CommandError::failure(error.to_string()).hint("give --kubeconfig, or set KUBECONFIG"))?;
    if matches!(arguments.output, DiffOutput::Json) {
        json(&serde_json::to_value(&found))?;
    } else {
        print(&text(&found.plan, arguments.objects))?;
        print(&objects_text(&found.objects))?;
    }
    let unchanged = found.plan.is_empty() && found.objects.is_empty();
    head.diagnostics.extend(found.refused);
    ending(arguments, &head, &found.plan, unchanged)
}

fn json(value: &Result<serde_json::Value, serde_json::Error>) -> Result<(), CommandError> {
    let value = value.as_ref().map_err(|error| CommandError::failure(error.to_string()))?;
    print(&format!("{value:#}\n"))
}

fn ending(arguments: &DiffArguments, head: &Report, plan: &Plan, unchanged: bool) -> Result<Exit, CommandError> {
    if head.diagnostics.has_errors() {
        tell(&findings(&head.diagnostics, |_| None));
        tell(&format!("{}: see `stackgres check`", head.summary()));
        return Ok(Exit::Invalid);
    }
    if plan.clusters.iter().any(|cluster| cluster.action == ClusterAction::Refused) {
        return Ok(Exit::Refused);
    }
    Ok(if arguments.exit_code && !unchanged { Exit::Differences } else { Exit::Fine })
}

/// The files of a directory, named relative to it.
fn directory(path: &Path) -> Result<Files, CommandError> {
    if !path.is_dir() {
        return Err(CommandError::failure(format!("{} is no directory", path.display())));
    }
    let mut found = find(&[path.to_owned()]);
    if let Some(failure) = found.failures.pop() {
        return Err(failure);
    }
    let root = format!("{}/", path.to_string_lossy().trim_start_matches("./").trim_end_matches('/'));
    let relative = |name: &mut String| {
        if let Some(rest) = name.strip_prefix(&root) {
            *name = rest.to_owned();
        }
    };
    found.files.iter_mut().for_each(|file| relative(&mut file.path));
    found.refused.0.iter_mut().for_each(|refused| relative(&mut refused.location.file));
    let ignored = Ignored::of(&found.files, &LoadOptions::default());
    let refused = found.refused.into_iter().filter(|refused| !ignored.names(&refused.location.file)).collect();
    Ok(Files { revision: path.display().to_string(), files: found.files, refused })
}

fn failed(error: SourceError) -> CommandError {
    let command = CommandError::failure(error.to_string());
    match error.hint() {
        Some(hint) => command.hint(hint),
        None => command,
    }
}

fn open(arguments: &DiffArguments) -> Result<Repository, CommandError> {
    Repository::open(&arguments.repository).map_err(failed)
}

fn newer(arguments: &DiffArguments, repository: &Repository) -> Result<Files, CommandError> {
    match &arguments.head {
        Some(head) => repository.revision(head, &arguments.path),
        None => repository.working_directory(&arguments.path),
    }
    .map_err(failed)
}

/// A folder of two revisions, or of one and the working directory.
fn repository(arguments: &DiffArguments) -> Result<(Files, Files), CommandError> {
    let repository = open(arguments)?;
    let base = repository.revision(arguments.base.as_deref().unwrap_or("HEAD"), &arguments.path).map_err(failed)?;
    Ok((base, newer(arguments, &repository)?))
}
