//! One fleet.

use super::parts::{fleet_badge, fleet_path, moment, nothing, query, short, table};
use super::{clusters, clusters::Filter, events};
use crate::engine::view::{ClusterView, CommitView, FleetView, View};
use jiff::Timestamp;
use maud::{Markup, html};

/// Events here.
const EVENTS: usize = 6;

pub(super) fn find<'a>(view: &'a View, namespace: &str, name: &str) -> Option<&'a FleetView> {
    view.fleets.iter().find(|fleet| fleet.namespace == namespace && fleet.name == name)
}

/// Head of every page of a fleet, with the ways to the others.
pub(super) fn head(fleet: &FleetView, current: &str) -> Markup {
    let path = fleet_path(&fleet.namespace, &fleet.name);
    let tabs = [("", "Fleet"), ("/plan", "Plan"), ("/events", "Events")];
    html! {
        p.kind { "Fleet" }
        h1 { span.space { (fleet.namespace) "/" } (fleet.name) " " (fleet_badge(fleet)) }
        nav.tabs aria-label="Of this fleet" {
            ul { @for (tab, title) in tabs { li { a href=(format!("{path}{tab}")) aria-current=[(tab == current).then_some("page")] { (title) } } } }
        }
    }
}

pub(super) fn content(view: &View, fleet: &FleetView, filter: &Filter, now: Timestamp) -> Markup {
    let whole = format!("{}/{}", fleet.namespace, fleet.name);
    let members: Vec<&ClusterView> = view.clusters.iter().filter(|cluster| cluster.fleet == whole).collect();
    let path = fleet_path(&fleet.namespace, &fleet.name);
    let (warnings, errors): (Vec<_>, Vec<_>) = fleet.problems.iter().partition(|problem| problem.severity == "warning");
    html! {
        (head(fleet, ""))
        @if let Some(hold) = &fleet.hold {
            div.callout.held {
                p { strong { "Held: " } (hold.reason) }
                p { "Nothing is released "
                    @if hold.until.is_empty() { "until somebody takes " code { "spec.hold" } " away." } @else { "until " (moment(&hold.until, now)) "." }
                    @if !hold.by.is_empty() { " Set by " (hold.by) "." }
                }
            }
        }
        @if !fleet.message.is_empty() { p.lead { (fleet.message) } }
        div.columns {
            section {
                h2 { "Clusters" }
                (progress(fleet))
                dl.counts { @for name in ["progressing", "blocked", "drifted", "orphaned"] {
                    @if count(fleet, name) > 0 { div { dt { (name) } dd { (count(fleet, name)) } } }
                } }
                @if !fleet.waves.is_empty() { p { "Waves, in order: " (fleet.waves.join(" → ")) } }
                @if !fleet.consequences.is_empty() {
                    p { "Last plan: " a href=(format!("{path}/plan")) { (fleet.consequences) } }
                }
                @if fleet.left_alone > 0 {
                    p.quiet { (fleet.left_alone) (if fleet.left_alone == 1 { " file or document of the source is left alone." } else { " files or documents of the source are left alone." }) }
                }
            }
            section {
                h2 { "Source" }
                p { code { (fleet.source) } }
                (commits(fleet, now))
            }
        }
        @if !errors.is_empty() {
            section {
                h2 { "Problems in the source" }
                p { "Each blocks its own cluster, which keeps what it runs. The other clusters go on."
                    @if usize::try_from(fleet.problem_count).is_ok_and(|count| count > errors.len()) {
                        " Here are the first " (errors.len()) " of " (fleet.problem_count) "; " code { "stackgres check" } " has all of them."
                    }
                }
                (problems("Problems in the source", &errors))
            }
        }
        @if !warnings.is_empty() {
            section { details { summary { "Warnings of the source (" (warnings.len()) ")" } (problems("Warnings of the source", &warnings)) } }
        }
        section {
            h2 { "Its clusters" }
            @if members.is_empty() {
                (nothing("No cluster yet. They appear when the first commit of the source has been applied."))
            } @else {
                (clusters::section(view, members, filter, &path, false))
            }
        }
        section {
            h2 { "Lately" }
            (events::list(view.events.iter().filter(|event| event.about == whole && event.kind == "SGFleet").take(EVENTS), now))
            p { a href=(format!("/events{}", query(&[("about", &whole)]))) { "Every event of this fleet" } }
        }
    }
}

fn count(fleet: &FleetView, name: &str) -> i64 {
    fleet.clusters.get(name).copied().unwrap_or_default()
}

/// How many of its clusters are ready.
pub(super) fn progress(fleet: &FleetView) -> Markup {
    let (ready, total) = (count(fleet, "ready"), count(fleet, "total"));
    html! {
        span.progress {
            progress max=(total.max(1)) value=(ready) aria-label=(format!("ready clusters of {}", fleet.name)) {}
            span.number { (ready) " of " (total) " ready" }
        }
    }
}

/// The commits from what was seen to what was good; equal ones are one line.
fn commits(fleet: &FleetView, now: Timestamp) -> Markup {
    let ways = [("seen", &fleet.seen), ("planned", &fleet.planned), ("applied", &fleet.applied), ("last good", &fleet.last_good)];
    let mut lines: Vec<(Vec<&str>, &CommitView)> = Vec::new();
    for (way, commit) in ways {
        let Some(commit) = commit else { continue };
        match lines.iter_mut().find(|(_, other)| other.revision == commit.revision) {
            Some((ways, _)) => ways.push(way),
            None => lines.push((vec![way], commit)),
        }
    }
    if lines.is_empty() {
        return nothing("It has not been read yet.");
    }
    html! {
        dl.commits {
            @for (ways, commit) in lines {
                dt { (ways.join(", ")) }
                dd {
                    code { (short(&commit.revision)) } " " (commit.subject)
                    div.quiet { (commit.author) @if !commit.reference.is_empty() { " on " (commit.reference) } " · " (moment(&commit.at, now)) }
                }
            }
        }
    }
}

fn problems(caption: &str, problems: &[&crate::engine::view::ProblemView]) -> Markup {
    let rows = html! {
        @for problem in problems {
            tr { td { code { (problem.at) } } td.wide { (problem.message) } td { code { (problem.code) } } }
        }
    };
    html! {
        (table(caption, &["Where", "What is wrong", "Code"], rows))
        p.quiet { code { "stackgres explain CODE" } " tells more of a code." }
    }
}
