//! `stackgres switchover`

use crate::cli::args::SwitchoverArguments;
use crate::cli::exit::{CommandError, Exit, print};
use crate::engine::live::{LiveError, Switched, switchover};
use crate::model::NamespacedName;
use std::time::Duration;

pub(in crate::cli) fn run(arguments: &SwitchoverArguments) -> Result<Exit, CommandError> {
    let (namespace, name) = arguments.cluster.split_once('/').unwrap_or(("default", &arguments.cluster));
    let cluster = NamespacedName::new(namespace, name);
    // Who closes the output still wants the switchover.
    let tell = |what: &str| drop(print(&format!("{what}\n")));
    let patience = Duration::from_secs(arguments.timeout);
    let ended =
        switchover(arguments.kubeconfig.as_deref(), &cluster, arguments.candidate.as_deref(), &arguments.accept_slot_loss, patience, tell);
    match ended.map_err(|error| match error {
        LiveError::NoCluster(_) => CommandError::invalid(error.to_string()).hint("name it as NAMESPACE/NAME"),
        other => CommandError::failure(other.to_string()).hint("give --kubeconfig, or set KUBECONFIG"),
    })? {
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
