//! `stackgres render`

use super::{Look, look, source_text};
use crate::cli::args::RenderArguments;
use crate::cli::exit::{CommandError, Exit, print_yaml, tell};
use crate::diagnostics::output::text;
use crate::engine::offline::{effective_values, version};

pub(in crate::cli) fn run(arguments: &RenderArguments) -> Result<Exit, CommandError> {
    let Look { files, report, mut failures } = look(&arguments.source)?;
    if let Some(failure) = failures.pop() {
        return Err(failure);
    }
    let wanted = |name: &str| arguments.cluster.as_ref().is_none_or(|cluster| cluster == name);
    let mut found = false;
    for (name, cluster) in report.clusters.iter().filter(|(name, _)| wanted(&name.to_string())) {
        found = true;
        tell(&format!("# {name}"));
        if arguments.effective {
            print_yaml(&effective_values(cluster))?;
            continue;
        }
        for object in version(cluster).objects {
            print_yaml(object.value())?;
        }
    }
    if report.diagnostics.has_errors() {
        tell(&text(&report.diagnostics, |path| source_text(&files, path)));
        tell(&report.summary());
        return Ok(Exit::Invalid);
    }
    match &arguments.cluster {
        Some(cluster) if !found => {
            let names: Vec<String> = report.clusters.keys().map(ToString::to_string).collect();
            Err(CommandError::invalid(format!("there is no cluster {cluster}")).hint(format!("there are {}", names.join(", "))))
        }
        _ => Ok(Exit::Fine),
    }
}
