//! `stackgres switchover`

use super::{cluster_name, live_problem};
use crate::cli::args::SwitchoverArguments;
use crate::cli::exit::{CommandError, Exit, print};
use crate::engine::live::{Switched, switchover};
use std::time::Duration;

pub(in crate::cli) fn run(arguments: &SwitchoverArguments) -> Result<Exit, CommandError> {
    let cluster = cluster_name(&arguments.cluster);
    let (namespace, name) = (&cluster.namespace, &cluster.name);
    // Who closes the output still wants the switchover.
    let tell = |what: &str| drop(print(&format!("{what}\n")));
    let patience = Duration::from_secs(arguments.timeout);
    let ended =
        switchover(arguments.kubeconfig.as_deref(), &cluster, arguments.candidate.as_deref(), &arguments.accept_slot_loss, patience, tell);
    match ended.map_err(|error| live_problem(&error))? {
        Switched::Done(message) => {
            print(&format!("{message}\n"))?;
            Ok(Exit::Fine)
        }
        Switched::Refused(message) => Err(CommandError::refused(message)),
        Switched::Unfinished(message) => {
            Err(CommandError::failure(message).hint(format!("see `kubectl describe sgcluster {name} -n {namespace}`")))
        }
        Switched::Waiting(message) => {
            let message = if message.is_empty() { "the controller has not answered".to_owned() } else { message };
            Err(CommandError::timeout(message).hint(format!(
                "it stays asked for; `kubectl annotate sgcluster {name} -n {namespace} stackgres.io/switchover-` takes it back"
            )))
        }
    }
}
