//! What happened.

use super::parts::{cluster_path, fleet_path, moment, nothing, query, words};
use crate::engine::view::{EventView, View};
use jiff::Timestamp;
use maud::{Markup, html};
use serde::Deserialize;

/// Lines of a note that are shown at once.
const LINES: usize = 3;

/// What a query string asks for.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct EventFilter {
    /// Namespace and name of what it is about.
    pub(super) about: String,
    /// `Warning` or nothing.
    pub(super) r#type: String,
}

impl EventFilter {
    fn takes(&self, event: &EventView) -> bool {
        (self.about.is_empty() || event.about == self.about) && (self.r#type.is_empty() || event.r#type == self.r#type)
    }
}

/// Every event that is kept.
pub(super) fn content(view: &View, filter: &EventFilter, now: Timestamp) -> Markup {
    let found: Vec<&EventView> = view.events.iter().filter(|event| filter.takes(event)).collect();
    let link = |title: &str, wanted: &str| {
        let path = format!("/events{}", query(&[("about", &filter.about), ("type", wanted)]));
        html! { li { a href=(path) aria-current=[(filter.r#type == wanted).then_some("page")] { (title) } } }
    };
    html! {
        h1 { "Events" @if !filter.about.is_empty() { " of " (filter.about) } }
        nav.tabs aria-label="Which events" { ul { (link("All", "")) (link("Warnings", "Warning")) } }
        @if !filter.about.is_empty() { p { a href="/events" { "Events of everything" } } }
        (list(found.iter().copied(), now))
        p.quiet { "Kubernetes keeps events for an hour; the newest " (view.events.len()) " are here." }
    }
}

/// The events of one object, below its own head.
pub(super) fn of(kind: &str, namespace: &str, name: &str, view: &View, head: Markup, now: Timestamp) -> Markup {
    let whole = format!("{namespace}/{name}");
    html! {
        (head)
        // A cluster's StatefulSet has the same name.
        (list(view.events.iter().filter(|event| event.about == whole && (event.kind == kind || kind == "SGCluster")), now))
    }
}

/// A list, newest first.
pub(super) fn list<'a>(events: impl Iterator<Item = &'a EventView>, now: Timestamp) -> Markup {
    let events: Vec<&EventView> = events.collect();
    if events.is_empty() {
        return nothing("Nothing happened within the last hour.");
    }
    html! {
        ol.events {
            @for event in events {
                li.warning[event.r#type == "Warning"] data-key=(format!("{} {} {}", event.at, event.about, event.reason)) {
                    (moment(&event.at, now))
                    div {
                        p.what {
                            @if event.r#type == "Warning" { span.word { "Warning" } " " }
                            strong { (words(&event.reason)) } " " (about(event))
                        }
                        (note(&event.note))
                    }
                }
            }
        }
    }
}

fn about(event: &EventView) -> Markup {
    let path = event.about.split_once('/').and_then(|(namespace, name)| match event.kind.as_str() {
        "SGCluster" => Some(cluster_path(namespace, name)),
        "SGFleet" => Some(fleet_path(namespace, name)),
        _ => None,
    });
    html! {
        span.about {
            (event.kind) " "
            @if let Some(path) = path { a href=(path) { (event.about) } } @else { (event.about) }
        }
    }
}

/// A long note is folded behind its first line.
fn note(note: &str) -> Markup {
    let note = note.trim_end();
    let first = note.lines().next().unwrap_or_default();
    html! {
        @if note.lines().count() > LINES {
            details { summary { (first) } pre tabindex="0" { (note) } }
        } @else if !note.is_empty() {
            p.note { (note) }
        }
    }
}
