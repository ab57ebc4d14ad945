//! `stackgres promote`

use super::{cluster_name, live_problem};
use crate::cli::args::PromoteArguments;
use crate::cli::exit::{CommandError, Exit, print};
use crate::engine::live::promote;

pub(in crate::cli) fn run(arguments: &PromoteArguments) -> Result<Exit, CommandError> {
    for name in &arguments.clusters {
        let said = promote(arguments.kubeconfig.as_deref(), &cluster_name(name)).map_err(|error| live_problem(&error))?;
        print(&format!("{said}\n"))?;
    }
    Ok(Exit::Fine)
}
