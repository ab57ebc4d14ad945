//! Operations from Git that have ended, as the status of their cluster keeps them.
//!
//! Whoever deletes the object of one that has ended tidies up. A source that still describes it makes it again, with another
//! identity and without a status, and it must not be done a second time (DESIGN §10).

use super::OperationOutcome;
use crate::model::{Digest, seconds};
use jiff::Timestamp;
use serde_json::{Value, json};

/// At most this many are kept, the last ones. One is 150 bytes.
const MOST_FINISHED: usize = 100;

/// The operations that have ended, the oldest first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Finished(Vec<One>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct One {
    name: String,
    digest: String,
    outcome: OperationOutcome,
    at: String,
}

impl Finished {
    /// Reads `status.finishedOperations`.
    pub fn read(status: Option<&Value>) -> Self {
        let one = |value: &Value| {
            let text = |field: &str| value[field].as_str().map(str::to_owned);
            let outcome =
                if value["outcome"] == OperationOutcome::Completed.word() { OperationOutcome::Completed } else { OperationOutcome::Failed };
            Some(One { name: text("name")?, digest: text("digest")?, outcome, at: text("at").unwrap_or_default() })
        };
        Self(status.and_then(Value::as_array).into_iter().flatten().filter_map(one).collect())
    }

    /// As it is written; null where there is none.
    pub fn write(&self) -> Value {
        let one = |one: &One| json!({"name": one.name, "digest": one.digest, "outcome": one.outcome.word(), "at": one.at});
        if self.0.is_empty() { Value::Null } else { self.0.iter().map(one).collect() }
    }

    /// How and when one of this content ended.
    pub fn ended(&self, content: &Digest) -> Option<(OperationOutcome, &str)> {
        self.0.iter().find(|one| one.digest == content.as_str()).map(|one| (one.outcome, one.at.as_str()))
    }

    /// Adds one, unless it is there.
    pub fn add(&mut self, name: &str, content: &Digest, outcome: OperationOutcome, now: Timestamp) {
        if self.ended(content).is_some() {
            return;
        }
        self.0.push(One { name: name.to_owned(), digest: content.as_str().to_owned(), outcome, at: seconds(now) });
        let surplus = self.0.len().saturating_sub(MOST_FINISHED);
        self.0.drain(..surplus);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_ended_stays_known_and_the_list_bounded() {
        let content = |number: usize| Digest::of(&json!(number));
        let mut finished = Finished::default();
        assert_eq!(finished.write(), Value::Null);
        for number in 0..MOST_FINISHED + 5 {
            finished.add("o", &content(number), OperationOutcome::Completed, Timestamp::UNIX_EPOCH);
        }
        finished.add("o", &content(7), OperationOutcome::Failed, Timestamp::MAX);
        let read = Finished::read(Some(&finished.write()));
        assert_eq!(read, finished);
        assert_eq!(read.0.len(), MOST_FINISHED);
        assert_eq!(read.ended(&content(7)), Some((OperationOutcome::Completed, "1970-01-01T00:00:00Z")), "the first end counts");
        assert_eq!(read.ended(&content(4)), None);
    }
}
