//! `stackgres rollout`

use crate::cli::args::{RolloutArguments, RolloutVerb};
use crate::cli::exit::{CommandError, Exit, print};
use crate::engine::live::{LiveError, RolloutWish, wish};
use crate::model::NamespacedName;

pub(in crate::cli) fn run(arguments: &RolloutArguments) -> Result<Exit, CommandError> {
    let (asked, target) = match &arguments.verb {
        RolloutVerb::Retry(target) => (RolloutWish::Retry, target),
        RolloutVerb::Rollback(target) => (RolloutWish::Rollback, target),
    };
    let (namespace, name) = target.cluster.split_once('/').unwrap_or(("default", &target.cluster));
    let cluster = NamespacedName::new(namespace, name);
    let said = wish(target.kubeconfig.as_deref(), &cluster, asked).map_err(|error| match error {
        LiveError::NoCluster(_) => CommandError::invalid(error.to_string()).hint("name it as NAMESPACE/NAME"),
        other => CommandError::failure(other.to_string()).hint("give --kubeconfig, or set KUBECONFIG"),
    })?;
    print(&format!("{said}\n"))?;
    Ok(Exit::Fine)
}
