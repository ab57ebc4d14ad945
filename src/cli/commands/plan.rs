//! `stackgres plan --promote`

use super::{cluster_name, live_problem};
use crate::cli::args::{PlanArguments, PlanOutput};
use crate::cli::exit::{CommandError, Exit, print};
use crate::engine::live::promotion_plan;
use crate::engine::offline::{ClusterAction, plan_text};
use crate::model::NamespacedName;

pub(in crate::cli) fn run(arguments: &PlanArguments) -> Result<Exit, CommandError> {
    let clusters: Vec<NamespacedName> = arguments.clusters.iter().map(|name| cluster_name(name)).collect();
    let plan = promotion_plan(arguments.kubeconfig.as_deref(), &clusters).map_err(|error| live_problem(&error))?;
    match arguments.output {
        PlanOutput::Text => print(&plan_text(&plan, arguments.objects))?,
        PlanOutput::Json => {
            let json = serde_json::to_value(&plan).map_err(|error| CommandError::failure(error.to_string()))?;
            print(&format!("{json:#}\n"))?;
        }
    }
    if plan.clusters.iter().any(|cluster| cluster.action == ClusterAction::Blocked) {
        return Ok(Exit::Refused);
    }
    Ok(if arguments.exit_code && !plan.is_empty() { Exit::Differences } else { Exit::Fine })
}
