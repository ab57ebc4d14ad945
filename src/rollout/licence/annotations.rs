//! What people and operations say in annotations of an SGCluster. A value that means nothing is a problem, never a guess.

use super::Method;
use crate::model::{Object, Window};

/// Nothing at all is done while it is `true`.
pub const RECONCILIATION_PAUSE: &str = "stackgres.io/reconciliation-pause";
/// `always`, `schedule` or `never`, in place of the type of the update strategy.
pub(super) const ROLLOUT: &str = "stackgres.io/rollout";
/// Windows for `schedule`: `CRON@DURATION`, with `|` between two.
pub(super) const ROLLOUT_SCHEDULE: &str = "stackgres.io/rollout-schedule";
/// `in-place` or `reduced-impact`.
const ROLLOUT_METHOD: &str = "stackgres.io/rollout-method";
/// Name of an SGDbOps, where another program says which one is under way.
pub(super) const ROLLOUT_DBOPS: &str = "stackgres.io/rollout-dbops";
/// The method which that SGDbOps asks for.
const ROLLOUT_DBOPS_METHOD: &str = "stackgres.io/rollout-dbops-method";

/// An annotation that cannot be read.
pub(super) struct Problem {
    /// Its name.
    pub(super) name: &'static str,
    /// What is wrong.
    pub(super) what: String,
}

/// What `stackgres.io/rollout` says.
pub(super) enum Rollout {
    Always,
    Never,
    Schedule(Vec<Window>),
}

/// What the annotations say.
pub(super) struct Annotations {
    pub(super) paused: bool,
    pub(super) rollout: Option<Rollout>,
    /// The operation that is named here. Naming one allows nothing: what counts is the operation itself.
    pub(super) operation: Option<String>,
    /// The method that a person asks for.
    pub(super) method: Option<Method>,
    /// The method that is asked for with the operation named here.
    pub(super) operations_method: Option<Method>,
}

impl Annotations {
    pub(super) fn of(cluster: &Object) -> Result<Self, Problem> {
        let read = Reader(cluster);
        let paused = read.one_of(RECONCILIATION_PAUSE, &[("true", true), ("false", false)])?.unwrap_or(false);
        let methods = [("in-place", Method::InPlace), ("reduced-impact", Method::ReducedImpact)];
        let own = read.one_of(ROLLOUT_METHOD, &methods)?;
        let operations = read.one_of(ROLLOUT_DBOPS_METHOD, &methods)?;
        let operation = match cluster.annotation(ROLLOUT_DBOPS).map(str::trim) {
            Some("") => return Err(Problem { name: ROLLOUT_DBOPS, what: format!("the annotation {ROLLOUT_DBOPS} names no operation") }),
            other => other.map(str::to_owned),
        };
        let rollout = match read.one_of(ROLLOUT, &[("always", "always"), ("never", "never"), ("schedule", "schedule")])? {
            Some("always") => Some(Rollout::Always),
            Some("never") => Some(Rollout::Never),
            Some(_) => Some(Rollout::Schedule(schedule(cluster.annotation(ROLLOUT_SCHEDULE))?)),
            None => None,
        };
        Ok(Self { paused, rollout, operation, method: own, operations_method: operations })
    }
}

/// Whether a person wants nothing at all to be done. A value that is neither `true` nor `false` counts as `true`.
pub fn is_reconciliation_paused(cluster: &Object) -> bool {
    cluster.annotation(RECONCILIATION_PAUSE).is_some_and(|value| value.trim() != "false")
}

struct Reader<'a>(&'a Object);

impl Reader<'_> {
    fn one_of<T: Copy>(&self, name: &'static str, values: &[(&str, T)]) -> Result<Option<T>, Problem> {
        let Some(text) = self.0.annotation(name) else { return Ok(None) };
        if let Some((_, value)) = values.iter().find(|(word, _)| *word == text.trim()) {
            return Ok(Some(*value));
        }
        let words: Vec<&str> = values.iter().map(|(word, _)| *word).collect();
        Err(Problem { name, what: format!("the annotation {name} is `{text}`, which is none of {}", words.join(", ")) })
    }
}

/// The windows of the annotation. One that cannot be read makes all of them unreadable: who wrote it counts on it.
fn schedule(text: Option<&str>) -> Result<Vec<Window>, Problem> {
    let problem = |what: String| Problem { name: ROLLOUT_SCHEDULE, what: format!("the annotation {ROLLOUT_SCHEDULE} {what}") };
    let text = text.ok_or_else(|| problem(format!("is missing, and {ROLLOUT} is schedule")))?;
    let one = |item: &str| {
        let (cron, duration) = item.split_once('@').ok_or_else(|| format!("has `{}`, which is no CRON@DURATION", item.trim()))?;
        Window::read(cron.trim(), duration.trim(), None).map_err(|wrong| format!("cannot be read: {wrong}"))
    };
    text.split('|').map(one).collect::<Result<_, _>>().map_err(problem)
}
