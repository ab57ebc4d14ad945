//! What people and programs see of holds and of whether an instance may be disturbed.

use super::Condition;
use crate::model::{Hold, seconds};
use crate::rollout::Licence;
use jiff::Timestamp;

/// `Held`, and `DisturbanceAllowed` with what allows it or what is waited for.
pub fn conditions(licence: &Licence, hold: Option<&Hold>, now: Timestamp) -> Vec<Condition> {
    let held = match hold {
        None => Condition::new("Held", Some(false), "NotHeld", ""),
        Some(hold) if hold.has_expired(now) => {
            Condition::new("Held", Some(false), "Expired", format!("a hold has ended and is ignored: {hold}"))
        }
        Some(hold) => {
            let reason = if hold.problem.is_some() { "Unreadable" } else { "Held" };
            Condition::new("Held", Some(true), reason, hold.to_string())
        }
    };
    let (allowed, reason, message) = match licence {
        Licence::Granted { by, until, .. } => {
            // A window says its end itself.
            let end = until.filter(|until| !by.contains(&seconds(*until))).map(|until| format!(", until {}", seconds(until)));
            (true, "Granted", format!("{by}{}", end.unwrap_or_default()))
        }
        Licence::Later { why, .. } => (false, "Later", why.clone()),
        Licence::Withheld { why, ends, .. } => (false, "Withheld", format!("{why}; ended by: {ends}")),
    };
    vec![held, Condition::new("DisturbanceAllowed", Some(allowed), reason, message)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rollout::Method;

    /// A hold that nobody sees stays for ever, and one that has ended and still looks like one is waited for.
    #[test]
    fn a_hold_is_seen_while_it_holds() {
        let granted = Licence::Granted { by: "update strategy Always".into(), until: None, method: Method::InPlace };
        let now: Timestamp = "2026-11-28T03:30:00Z".parse().unwrap();
        let seen = |text: Option<&str>| {
            let hold = text.map(Hold::read);
            let held = conditions(&granted, hold.as_ref(), now).remove(0);
            (held.status, held.reason, held.message)
        };
        assert_eq!(seen(None), (Some(false), "NotHeld".into(), String::new()));
        assert_eq!(seen(Some("a; by=anna")), (Some(true), "Held".into(), "a, by anna".into()));
        assert_eq!(seen(Some("a; until=soon")).1, "Unreadable");
        let expired = seen(Some("a; until=2026-11-28T03:30:00Z"));
        assert_eq!(expired, (Some(false), "Expired".into(), "a hold has ended and is ignored: a, until 2026-11-28T03:30:00Z".into()));
    }

    #[test]
    fn what_is_waited_for_is_said() {
        let now = Timestamp::UNIX_EPOCH;
        let said = |licence: Licence| {
            let allowed = conditions(&licence, None, now).remove(1);
            (allowed.status, allowed.reason, allowed.message)
        };
        let method = Method::InPlace;
        let later = Licence::Later { why: "outside of its windows; w opens 2026-11-28T03:00:00Z".into(), opens: now, method };
        assert_eq!(said(later), (Some(false), "Later".into(), "outside of its windows; w opens 2026-11-28T03:00:00Z".into()));
        let withheld = Licence::Withheld { why: "update strategy Never".into(), ends: "an SGDbOps is made".into(), method };
        assert_eq!(said(withheld).2, "update strategy Never; ended by: an SGDbOps is made");
        let window = Licence::Granted { by: "window w (closes 1970-01-01T00:00:00Z)".into(), until: Some(now), method };
        assert_eq!(said(window).2, "window w (closes 1970-01-01T00:00:00Z)");
    }
}
