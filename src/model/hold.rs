//! Holds: somebody stops every disturbance of a cluster, with a reason.
//!
//! It stands in one annotation as text that a person can write: the reason, then `; until=MOMENT` and `; by=NAME` where they are
//! known. What cannot be read of it never makes it weaker: a hold whose end is unreadable has none.

use super::{Object, owned_fields, seconds};
use jiff::Timestamp;
use serde_json::Value;

/// The annotation.
pub const HOLD: &str = "stackgres.io/hold";

/// A hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Hold {
    /// Why.
    pub reason: String,
    /// When it ends by itself; absent: when it is taken away.
    pub until: Option<Timestamp>,
    /// Who set it.
    pub by: Option<String>,
    /// What is wrong with its text.
    pub problem: Option<String>,
}

impl Hold {
    /// The hold of a cluster. Who set it is taken from the text, or else from what the API server keeps.
    pub fn of(cluster: &Object) -> Option<Self> {
        let mut hold = Self::read(cluster.annotation(HOLD)?);
        hold.by = hold.by.or_else(|| writer(cluster));
        Some(hold)
    }

    /// Reads the annotation's text.
    pub fn read(text: &str) -> Self {
        let mut hold = Self::default();
        let mut rest = text.trim();
        while let Some((before, part)) = rest.rsplit_once(';') {
            let part = part.trim();
            let unset = match part.split_once('=') {
                Some(("until", moment)) => {
                    let unset = hold.until.is_none();
                    match moment.parse() {
                        Ok(until) => hold.until = Some(until),
                        Err(_) => hold.problem = Some(format!("`{part}` names no moment such as 2026-11-28T06:00:00Z")),
                    }
                    unset
                }
                Some(("by", name)) => hold.by.replace(name.to_owned()).is_none(),
                _ => break,
            };
            if !unset {
                hold.problem = Some(format!("`{part}` is not the only one of its kind"));
            }
            rest = before.trim_end();
        }
        rest.clone_into(&mut hold.reason);
        if hold.reason.is_empty() {
            hold.problem.get_or_insert_with(|| "it gives no reason".to_owned());
        }
        if hold.problem.is_some() {
            hold.until = None;
        }
        hold
    }

    /// The annotation's text, which reads as this hold; `None` for a reason that would read as something else.
    pub fn to_text(&self) -> Option<String> {
        let until = self.until.map(|until| format!("; until={}", seconds(until))).unwrap_or_default();
        let by = self.by.as_ref().map(|by| format!("; by={by}")).unwrap_or_default();
        let text = format!("{}{until}{by}", self.reason);
        (Self::read(&text) == *self).then_some(text)
    }

    /// Whether its end has passed.
    pub fn has_expired(&self, now: Timestamp) -> bool {
        self.until.is_some_and(|until| until <= now)
    }
}

/// Reason, who and until when, for people.
impl std::fmt::Display for Hold {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(if self.reason.is_empty() { "no reason given" } else { &self.reason })?;
        if let Some(by) = &self.by {
            write!(f, ", by {by}")?;
        }
        if let Some(until) = self.until {
            write!(f, ", until {}", seconds(until))?;
        }
        match &self.problem {
            Some(problem) => write!(f, " (the annotation {HOLD} cannot be read whole: {problem}; so it has no end)"),
            None => Ok(()),
        }
    }
}

/// The field manager that owns the annotation, and when it last wrote: all that the API server keeps of who it was.
fn writer(cluster: &Object) -> Option<String> {
    let managers = cluster.get("/metadata/managedFields").and_then(Value::as_array)?;
    let field = format!("f:{HOLD}");
    let owner = managers
        .iter()
        .find(|entry| owned_fields(entry).is_some_and(|fields| fields["f:metadata"]["f:annotations"].get(&field).is_some()))?;
    let name = owner["manager"].as_str()?;
    Some(owner["time"].as_str().map_or_else(|| name.to_owned(), |time| format!("{name} at {time}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    /// A hold that is read as none, or as one that has ended, lets an instance be restarted that somebody works on.
    #[test]
    fn what_cannot_be_read_makes_no_hold_weaker() {
        let read = |text: &str| {
            let hold = Hold::read(text);
            (hold.reason, hold.until, hold.by, hold.problem.is_some())
        };
        let until = Some(at("2026-11-28T06:00:00Z"));
        let text = |text: &str| text.to_owned();
        assert_eq!(read("index build"), (text("index build"), None, None, false));
        assert_eq!(read(" a; until=2026-11-28T06:00:00Z; by=anna "), (text("a"), until, Some(text("anna")), false));
        assert_eq!(read("a;by=anna;until=2026-11-28T07:00:00+01:00"), (text("a"), until, Some(text("anna")), false));
        assert_eq!(read("one; two; by=anna"), (text("one; two"), None, Some(text("anna")), false));
        assert_eq!(read("a; until=tomorrow"), (text("a"), None, None, true));
        assert_eq!(read("a; until=2026-11-28"), (text("a"), None, None, true), "a day is no moment");
        assert_eq!(read("a; until=2026-11-28T06:00:00Z; until=2020-01-01T00:00:00Z"), (text("a"), None, None, true));
        assert_eq!(read(""), (text(""), None, None, true));
        assert_eq!(read("; until=2020-01-01T00:00:00Z"), (text(""), None, None, true));
        let ended = Hold::read("a; until=2026-11-28T06:00:00Z");
        assert!(!ended.has_expired(at("2026-11-28T05:59:59Z")) && ended.has_expired(at("2026-11-28T06:00:00Z")));
    }

    #[test]
    fn what_is_written_is_what_is_read() {
        let until = Some(at("2026-11-28T06:00:00Z"));
        for hold in [
            Hold { reason: "a; b = c".into(), ..Hold::default() },
            Hold { reason: "a".into(), until, by: Some("anna@example.com".into()), problem: None },
        ] {
            assert_eq!(Hold::read(&hold.to_text().unwrap()), hold);
        }
        for reason in ["", " a", "a; by=b", "a; until=x"] {
            assert_eq!(Hold { reason: reason.into(), ..Hold::default() }.to_text(), None, "{reason}");
        }
    }

    #[test]
    fn who_set_it_is_known_without_being_said() {
        let cluster = |text: &str| {
            Object::new(json!({"metadata": {"annotations": {HOLD: text}, "managedFields": [
                {"manager": "stackgres-fleet", "time": "2026-11-01T00:00:00Z", "fieldsV1": {"f:spec": {}}},
                {"manager": "kubectl-annotate", "time": "2026-11-25T17:00:00Z", "fieldsV1": {"f:metadata": {"f:annotations": {"f:stackgres.io/hold": {}}}}},
            ]}}))
        };
        assert_eq!(Hold::of(&cluster("a")).unwrap().to_string(), "a, by kubectl-annotate at 2026-11-25T17:00:00Z");
        assert_eq!(Hold::of(&cluster("a; by=anna")).unwrap().to_string(), "a, by anna");
        assert_eq!(Hold::of(&Object::new(json!({}))), None);
    }
}
