//! What people and programs see of an operation (SGDbOps).

use super::Condition;

/// How an operation is. Reasons and topics are the API's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OperationState {
    /// It has not begun, for this reason.
    Waits(String),
    /// It is under way: what is being done or waited for.
    Running(String),
    /// It was done.
    Completed(String),
    /// It was not, or not wholly.
    Failed {
        /// Whether only its time was over.
        timed_out: bool,
        /// Why.
        why: String,
    },
}

/// `Running`, `Completed`, `Failed` and `RolloutCompleted`.
pub fn operation_conditions(state: &OperationState) -> Vec<Condition> {
    let (mut running, mut completed, mut failed) = (
        (false, "OperationNotRunning", String::new()),
        (false, "OperationNotCompleted", String::new()),
        (false, "OperationNotFailed", String::new()),
    );
    match state {
        OperationState::Waits(why) => running.2.clone_from(why),
        OperationState::Running(what) => running = (true, "OperationRunning", what.clone()),
        // The end is told with `Running` as well: that is the column which `kubectl get` shows.
        OperationState::Completed(how) => {
            running.2.clone_from(how);
            completed = (true, "OperationCompleted", how.clone());
        }
        OperationState::Failed { timed_out, why } => {
            running.2.clone_from(why);
            failed = (true, if *timed_out { "OperationTimedOut" } else { "OperationFailed" }, why.clone());
        }
    }
    let rollout = if completed.0 { "RolloutCompleted" } else { "RolloutNotCompleted" };
    vec![
        Condition::new("RolloutCompleted", Some(completed.0), rollout, ""),
        Condition::new("Running", Some(running.0), running.1, running.2),
        Condition::new("Completed", Some(completed.0), completed.1, completed.2),
        Condition::new("Failed", Some(failed.0), failed.1, failed.2),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Programs wait for these words (`kubectl wait --for=condition=Completed`).
    #[test]
    fn one_topic_holds_at_a_time() {
        let said = |state: OperationState| {
            let true_ones: Vec<String> = operation_conditions(&state)
                .into_iter()
                .filter(|condition| condition.status == Some(true))
                .map(|condition| format!("{} {}", condition.r#type, condition.reason))
                .collect();
            true_ones.join(", ")
        };
        assert_eq!(said(OperationState::Waits("held".into())), "");
        assert_eq!(said(OperationState::Running("a-1".into())), "Running OperationRunning");
        let done = said(OperationState::Completed("3 instances".into()));
        assert_eq!(done, "RolloutCompleted RolloutCompleted, Completed OperationCompleted");
        assert_eq!(said(OperationState::Failed { timed_out: false, why: "x".into() }), "Failed OperationFailed");
        assert_eq!(said(OperationState::Failed { timed_out: true, why: "x".into() }), "Failed OperationTimedOut");
        let shown = operation_conditions(&OperationState::Failed { timed_out: false, why: "no image".into() });
        assert!(shown.iter().any(|condition| condition.r#type == "Running" && condition.message == "no image"));
    }
}
