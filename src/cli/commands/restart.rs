//! `stackgres restart`

use super::{cluster_name, live_problem};
use crate::cli::args::RestartArguments;
use crate::cli::exit::{CommandError, Exit, print};
use crate::engine::live::{RestartWish, Restarted, restart};
use std::time::Duration;

pub(in crate::cli) fn run(arguments: &RestartArguments) -> Result<Exit, CommandError> {
    let cluster = cluster_name(&arguments.cluster);
    let namespace = &cluster.namespace;
    let wish = RestartWish {
        method: arguments.method.map(|method| method.word().to_owned()),
        only_pending: arguments.only_pending,
        name: arguments.name.clone(),
    };
    // Who closes the output still wants the restart.
    let tell = |what: &str| drop(print(&format!("{what}\n")));
    let ended = restart(arguments.kubeconfig.as_deref(), &cluster, &wish, Duration::from_secs(arguments.timeout), tell);
    let (operation, ended) = ended.map_err(|error| live_problem(&error))?;
    match ended {
        Restarted::Done(message) => {
            print(&format!("{message}\n"))?;
            Ok(Exit::Fine)
        }
        Restarted::Failed(message) => {
            Err(CommandError::failure(message).hint(format!("see `kubectl describe sgdbops {operation} -n {namespace}`")))
        }
        Restarted::Waiting(message) => {
            let message = if message.is_empty() { "the controller has not answered".to_owned() } else { message };
            Err(CommandError::timeout(message)
                .hint(format!("it goes on; `kubectl delete sgdbops {operation} -n {namespace}` takes it back")))
        }
    }
}
