//! What every page uses: states, moments, tables, links.

use crate::engine::view::{ClusterView, FleetView};
use crate::model::percent_encoded;
use jiff::Timestamp;
use maud::{Markup, html};

/// How something is, from what needs a person first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Health {
    Problem,
    Held,
    Waiting,
    Changing,
    Unknown,
    Ready,
}

/// Reasons of something that is not ready and on its way.
const ON_ITS_WAY: &[&str] = &["InstancesNotReady", "ClustersNotReady", "ReadingSource", "ChangeWaits", "NotReleased"];

impl Health {
    pub(super) const ALL: [Self; 6] = [Self::Problem, Self::Held, Self::Waiting, Self::Changing, Self::Unknown, Self::Ready];

    /// Its name in a query and in the style sheet.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Problem => "problem",
            Self::Held => "held",
            Self::Waiting => "waiting",
            Self::Changing => "changing",
            Self::Unknown => "unknown",
            Self::Ready => "ready",
        }
    }

    pub(super) fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|health| health.name() == name)
    }

    fn of(ready: &str, reason: &str) -> Self {
        match (ready, reason) {
            ("True", _) => Self::Ready,
            (_, "Held") => Self::Held,
            ("False", reason) if ON_ITS_WAY.contains(&reason) => Self::Changing,
            ("False", _) => Self::Problem,
            _ => Self::Unknown,
        }
    }

    pub(super) fn of_fleet(fleet: &FleetView) -> Self {
        Self::of(&fleet.ready, &fleet.reason)
    }

    pub(super) fn of_cluster(cluster: &ClusterView) -> Self {
        if !cluster.stopped.is_empty() || cluster.orphaned {
            return Self::Problem;
        }
        match Self::of(&cluster.ready, &cluster.reason) {
            Self::Problem => Self::Problem,
            _ if !cluster.held.is_empty() => Self::Held,
            // One that works on waits for its own step; one that is well waits for somebody.
            Self::Ready if !cluster.waiting.is_empty() => Self::Waiting,
            other => other,
        }
    }

    /// Outlines of the sign, on a square of twelve: colour is never alone.
    fn outline(self) -> &'static str {
        match self {
            Self::Problem => "M6 1 11.5 11h-11zM6 4.5v3M6 9v.5",
            Self::Held => "M3.5 2v8M8.5 2v8",
            Self::Waiting => "M6 1a5 5 0 1 0 0 10A5 5 0 1 0 6 1zM6 3.2V6l2 1.4",
            Self::Changing => "M10.5 6A4.5 4.5 0 1 1 8.8 2.5M9 .5v2.3H6.7",
            Self::Unknown => "M6 1a5 5 0 1 0 0 10A5 5 0 1 0 6 1z",
            Self::Ready => "M1.5 6.5 4.5 9.5 10.5 2.5",
        }
    }
}

/// A sign and a word.
pub(super) fn badge(health: Health, word: &str) -> Markup {
    html! {
        span.badge.(health.name()) {
            svg aria-hidden="true" viewBox="0 0 12 12" { path d=(health.outline()) {} }
            (word)
        }
    }
}

pub(super) fn fleet_badge(fleet: &FleetView) -> Markup {
    badge(Health::of_fleet(fleet), &reason_or(&fleet.reason, "not known yet"))
}

pub(super) fn cluster_badge(cluster: &ClusterView) -> Markup {
    let health = Health::of_cluster(cluster);
    let word = match health {
        Health::Ready => "Ready".to_owned(),
        Health::Waiting => "Waits".to_owned(),
        Health::Held => "Held".to_owned(),
        _ if !cluster.stopped.is_empty() => "Change stopped".to_owned(),
        _ if cluster.orphaned => "Left the source".to_owned(),
        _ => reason_or(&cluster.reason, "not known yet"),
    };
    badge(health, &word)
}

fn reason_or(reason: &str, otherwise: &str) -> String {
    if reason.is_empty() { otherwise.to_owned() } else { words(reason) }
}

/// `InstancesNotReady` as `Instances not ready`; abbreviations stay.
pub(super) fn words(reason: &str) -> String {
    let letters: Vec<char> = reason.chars().collect();
    let mut out = String::new();
    for (index, letter) in letters.iter().enumerate() {
        let lower = |at: usize| letters.get(at).is_some_and(|letter| letter.is_lowercase());
        let begins = index > 0 && letter.is_uppercase() && (lower(index - 1) || lower(index + 1));
        if begins {
            out.push(' ');
        }
        if begins && lower(index + 1) { out.extend(letter.to_lowercase()) } else { out.push(*letter) }
    }
    out
}

/// How long ago, or how long yet, in one unit.
pub(super) fn ago(moment: Timestamp, now: Timestamp) -> String {
    let seconds = now.as_second() - moment.as_second();
    let length = match seconds.unsigned_abs() {
        0..=2 => return "just now".to_owned(),
        length @ 3..=119 => format!("{length} s"),
        length @ 120..=7_199 => format!("{} min", length / 60),
        length @ 7_200..=172_799 => format!("{} h", length / 3_600),
        length => format!("{} d", length / 86_400),
    };
    if seconds < 0 { format!("in {length}") } else { format!("{length} ago") }
}

/// A moment: how long ago, and exactly. What is no moment is shown as it is.
pub(super) fn moment(text: &str, now: Timestamp) -> Markup {
    let Ok(moment) = text.parse::<Timestamp>() else { return html! { (text) } };
    html! {
        time datetime=(text) {
            span.ago { (ago(moment, now)) }
            " "
            span.at { (moment.strftime("%Y-%m-%d %H:%M:%S UTC")) }
        }
    }
}

/// One part of a path.
fn part(text: &str) -> String {
    percent_encoded(text, b"-._")
}

pub(super) fn cluster_path(namespace: &str, name: &str) -> String {
    format!("/clusters/{}/{}", part(namespace), part(name))
}

pub(super) fn fleet_path(namespace: &str, name: &str) -> String {
    format!("/fleets/{}/{}", part(namespace), part(name))
}

/// A query that filters.
pub(super) fn query(pairs: &[(&str, &str)]) -> String {
    let pairs: Vec<String> =
        pairs.iter().filter(|(_, value)| !value.is_empty()).map(|(name, value)| format!("{name}={}", part(value))).collect();
    if pairs.is_empty() { String::new() } else { format!("?{}", pairs.join("&")) }
}

/// Twelve digits of a commit id; other names as they are.
pub(super) fn short(revision: &str) -> &str {
    revision.get(..12).unwrap_or(revision)
}

pub(super) fn plural(count: usize, one: &str) -> String {
    if count == 1 { format!("1 {one}") } else { format!("{count} {one}s") }
}

/// What is said where there is nothing to show.
pub(super) fn nothing(text: &str) -> Markup {
    html! { p.nothing { (text) } }
}

/// A table that scrolls by itself where it is too wide; the keyboard reaches it.
pub(super) fn table(caption: &str, heads: &[&str], rows: Markup) -> Markup {
    html! {
        div.scroll tabindex="0" role="region" aria-label=(caption) {
            table {
                caption.unseen { (caption) }
                thead { tr { @for head in heads { th scope="col" { (head) } } } }
                tbody { (rows) }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_read_as_words() {
        for (reason, wanted) in [("InstancesNotReady", "Instances not ready"), ("Healthy", "Healthy"), ("TLSNotServed", "TLS not served")] {
            assert_eq!(words(reason), wanted);
        }
    }

    #[test]
    fn times_are_told_from_now() {
        let now = Timestamp::from_second(1_000_000).unwrap();
        let told = |seconds: i64| ago(Timestamp::from_second(1_000_000 + seconds).unwrap(), now);
        assert_eq!((told(0), told(-90), told(-600)), ("just now".into(), "90 s ago".into(), "10 min ago".into()));
        assert_eq!((told(7_200), told(-400_000)), ("in 2 h".into(), "4 d ago".into()));
    }

    /// A cluster whose change stopped keeps serving: `Ready` alone would hide it among the healthy ones.
    #[test]
    fn a_stopped_change_is_a_problem_although_the_database_serves() {
        let cluster = ClusterView { ready: "True".to_owned(), stopped: "orders-2 did not come back".to_owned(), ..ClusterView::default() };
        assert_eq!(Health::of_cluster(&cluster), Health::Problem);
        let cluster = ClusterView { ready: "True".to_owned(), waiting: "a window".to_owned(), ..ClusterView::default() };
        assert_eq!(Health::of_cluster(&cluster), Health::Waiting);
    }
}
