//! What a person asks for by annotations.

use crate::model::Object;

/// Annotation of an SGCluster that asks for a run: `SCRIPT/ID`, several with commas. Each is answered once; taking it away and
/// writing it again asks again.
pub const RUN_SCRIPT: &str = "stackgres.io/run-script";

/// Annotation of an SGCluster that takes an entry as done without running it: `SCRIPT/ID`, several with commas.
pub const SCRIPT_DONE: &str = "stackgres.io/script-done";

/// What a person asks for by annotations.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Requests {
    run: Vec<(String, i64)>,
    done: Vec<(String, i64)>,
}

impl Requests {
    /// Reads the annotations of an SGCluster. What is no `SCRIPT/ID` asks for nothing.
    pub fn of(cluster: &Object) -> Self {
        let read = |annotation: &str| {
            let text = cluster.annotation(annotation).unwrap_or_default();
            let parts = text.split(',').filter_map(|part| part.trim().split_once('/'));
            parts.filter_map(|(name, id)| Some((name.to_owned(), id.parse().ok()?))).collect()
        };
        Self { run: read(RUN_SCRIPT), done: read(SCRIPT_DONE) }
    }

    pub(super) fn asks(&self, script: &str, id: i64) -> bool {
        self.run.iter().any(|(name, number)| name == script && *number == id)
    }

    pub(super) fn takes_as_done(&self, script: &str, id: i64) -> bool {
        self.done.iter().any(|(name, number)| name == script && *number == id)
    }
}
