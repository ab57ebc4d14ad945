//! `stackgres rollout`

use super::{cluster_name, live_problem};
use crate::cli::args::{RolloutArguments, RolloutVerb};
use crate::cli::exit::{CommandError, Exit, print};
use crate::engine::live::{RolloutWish, wish};

pub(in crate::cli) fn run(arguments: &RolloutArguments) -> Result<Exit, CommandError> {
    let (asked, target) = match &arguments.verb {
        RolloutVerb::Retry(target) => (RolloutWish::Retry, target),
        RolloutVerb::Rollback(target) => (RolloutWish::Rollback, target),
    };
    let cluster = cluster_name(&target.cluster);
    let said = wish(target.kubeconfig.as_deref(), &cluster, asked).map_err(|error| live_problem(&error))?;
    print(&format!("{said}\n"))?;
    Ok(Exit::Fine)
}
