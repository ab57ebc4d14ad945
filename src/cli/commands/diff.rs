//! `stackgres diff`

use super::options;
use crate::cli::args::{DiffArguments, DiffOutput};
use crate::cli::exit::{CommandError, Exit, print, tell};
use crate::cli::files::read;
use crate::diagnostics::output::{summary, text as findings};
use crate::engine::offline::{ClusterAction, Plan, Report, SourceFile, check, plan_between, plan_text as text};
use crate::engine::repository::{Repository, RepositoryError};
use std::path::Path;

pub(in crate::cli) fn run(arguments: &DiffArguments) -> Result<Exit, CommandError> {
    if matches!(arguments.output, DiffOutput::Schema) {
        print(&format!("{:#}\n", schemars::schema_for!(Plan).to_value()))?;
        return Ok(Exit::Fine);
    }
    let ((base_name, base), (head_name, head)) = match (&arguments.base_directory, &arguments.head_directory) {
        (Some(base), Some(head)) => ((base.display().to_string(), directory(base)?), (head.display().to_string(), directory(head)?)),
        _ => repository(arguments)?,
    };
    let options = options(&arguments.namespace, false);
    let (base, head): (Report, Report) = (check(&base, &options), check(&head, &options));
    let plan = plan_between(&base, &base_name, &head, &head_name);
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
fn directory(path: &Path) -> Result<Vec<SourceFile>, CommandError> {
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
    Ok(files)
}

type Side = (String, Vec<SourceFile>);

fn repository(arguments: &DiffArguments) -> Result<(Side, Side), CommandError> {
    let failed = |error: RepositoryError| {
        let command = CommandError::failure(error.to_string());
        match error.hint() {
            Some(hint) => command.hint(hint),
            None => command,
        }
    };
    let repository = Repository::open(&arguments.repository).map_err(failed)?;
    let side = |name: &str| repository.files(name, &arguments.path).map_err(failed);
    let base = side(arguments.base.as_deref().unwrap_or("HEAD"))?;
    if let Some(head) = &arguments.head {
        return Ok((base, side(head)?));
    }
    let root = repository
        .working_directory()
        .ok_or_else(|| CommandError::failure("a bare repository has no working directory").hint("name a commit with --head"))?;
    let prefix = arguments.path.trim_matches('/');
    let named = directory(&root.join(prefix))?
        .into_iter()
        .map(|file| SourceFile { path: if prefix.is_empty() { file.path } else { format!("{prefix}/{}", file.path) }, ..file })
        .collect();
    Ok((base, ("working directory".to_owned(), named)))
}
