//! The first page: what needs a person, what waits, every fleet.

use super::clusters::why;
use super::parts::{Health, badge, cluster_badge, cluster_path, fleet_badge, fleet_path, moment, nothing, plural, query, short, table};
use super::{events, fleet};
use crate::engine::view::{ClusterView, View};
use jiff::Timestamp;
use maud::{Markup, html};

/// Rows of a list here; the rest is behind a link.
const ROWS: usize = 20;

/// Events here.
const EVENTS: usize = 8;

pub(super) fn content(view: &View, now: Timestamp) -> Markup {
    if view.fleets.is_empty() && view.clusters.is_empty() {
        return html! {
            h1 { "Overview" }
            (nothing("There is no fleet and no cluster yet. Apply an SGFleet that follows a Git repository, or an SGCluster of its own; \
                      the README begins with both."))
        };
    }
    html! {
        h1 { "Overview" }
        (tiles(view))
        (attention(view, now))
        (waits(view, now))
        (fleets(view))
        section {
            h2 { "Lately" }
            (events::list(view.events.iter().take(EVENTS), now))
            @if view.events.len() > EVENTS { p { a href="/events" { "Every event" } } }
        }
    }
}

/// Clusters by state, each a link to them.
fn tiles(view: &View) -> Markup {
    let count = |wanted: Health| view.clusters.iter().filter(|cluster| Health::of_cluster(cluster) == wanted).count();
    html! {
        ul.tiles aria-label="Clusters by state" {
            li { a href="/clusters" { strong { (view.clusters.len()) } " " (if view.clusters.len() == 1 { "cluster" } else { "clusters" }) } }
            @for health in Health::ALL {
                @let count = count(health);
                @if count > 0 || health == Health::Ready {
                    li.(health.name()) {
                        a href=(format!("/clusters{}", query(&[("state", health.name())]))) { strong { (count) } " " (badge(health, health.name())) }
                    }
                }
            }
        }
    }
}

fn name(cluster: &ClusterView) -> Markup {
    html! { a href=(cluster_path(&cluster.namespace, &cluster.name)) { span.space { (cluster.namespace) "/" } (cluster.name) } }
}

/// Problems of fleets, then of clusters.
fn attention(view: &View, now: Timestamp) -> Markup {
    let fleets: Vec<_> = view.fleets.iter().filter(|fleet| Health::of_fleet(fleet) <= Health::Held).collect();
    let clusters: Vec<_> = view.clusters.iter().filter(|cluster| Health::of_cluster(cluster) == Health::Problem).collect();
    let since = |cluster: &ClusterView| {
        cluster.conditions.iter().find(|condition| condition.r#type == "Ready").map_or(String::new(), |condition| condition.since.clone())
    };
    let rows = html! {
        @for fleet in &fleets {
            tr data-key=(format!("fleet {}/{}", fleet.namespace, fleet.name)) {
                th scope="row" { "Fleet " a href=(fleet_path(&fleet.namespace, &fleet.name)) { span.space { (fleet.namespace) "/" } (fleet.name) } }
                td { (fleet_badge(fleet)) }
                td.wide {
                    (fleet.message)
                    @for problem in fleet.problems.iter().filter(|problem| problem.severity != "warning").take(3) {
                        br; code { (problem.at) } " " (problem.message)
                    }
                }
                td { @if let Some(seen) = &fleet.seen { (moment(&seen.at, now)) } }
            }
        }
        @for cluster in clusters.iter().take(ROWS) {
            tr data-key=(format!("{}/{}", cluster.namespace, cluster.name)) {
                th scope="row" { (name(cluster)) }
                td { (cluster_badge(cluster)) }
                td.wide { (why(cluster)) }
                td { (moment(&since(cluster), now)) }
            }
        }
    };
    html! {
        section {
            h2 { "Needs attention" }
            @if fleets.is_empty() && clusters.is_empty() {
                p.nothing.calm { "Nothing. Every fleet and every cluster is well or on its way." }
            } @else {
                (table("Needs attention", &["What", "State", "Why", "Since"], rows))
                @if clusters.len() > ROWS { p { a href="/clusters?state=problem" { "All " (clusters.len()) " clusters with a problem" } } }
            }
        }
    }
}

/// Every wait with what, since, until and who can end it.
fn waits(view: &View, now: Timestamp) -> Markup {
    let waiting: Vec<&ClusterView> =
        view.clusters.iter().filter(|cluster| !cluster.waiting.is_empty() || !cluster.held.is_empty()).collect();
    if waiting.is_empty() {
        return html! {};
    }
    let rows = html! {
        @for cluster in waiting.iter().take(ROWS) {
            tr data-key=(format!("{}/{}", cluster.namespace, cluster.name)) {
                th scope="row" { (name(cluster)) }
                td.wide {
                    (if cluster.waiting.is_empty() { &cluster.held } else { &cluster.waiting })
                    @if !cluster.ahead.is_empty() { span.then { "then " (plural(cluster.ahead.len(), "more step")) } }
                }
                td { (moment(&cluster.waiting_since, now)) }
                td { (moment(&cluster.waiting_until, now)) }
                td { (cluster.waiting_by) }
            }
        }
    };
    html! {
        section {
            h2 { "Waits" }
            (table("What waits, for what, and who can end it", &["Cluster", "Waits for", "Since", "Until", "Who can end it"], rows))
            @if waiting.len() > ROWS { p { a href="/clusters" { "All " (waiting.len()) " that wait are among the clusters" } } }
        }
    }
}

fn fleets(view: &View) -> Markup {
    let alone = view.clusters.iter().filter(|cluster| cluster.fleet.is_empty()).count();
    let rows = html! {
        @for fleet in &view.fleets {
            tr data-key=(format!("{}/{}", fleet.namespace, fleet.name)) {
                th scope="row" { a href=(fleet_path(&fleet.namespace, &fleet.name)) { span.space { (fleet.namespace) "/" } (fleet.name) } }
                td { (fleet_badge(fleet)) }
                td.few { (fleet::progress(fleet)) }
                td.wide {
                    @if let Some(commit) = &fleet.applied { code { (short(&commit.revision)) } " " (commit.subject) } @else { "nothing applied yet" }
                }
            }
        }
    };
    html! {
        section {
            h2 { "Fleets" }
            @if view.fleets.is_empty() {
                (nothing("No fleet: every cluster here releases itself. An SGFleet follows a Git repository."))
            } @else {
                (table("Fleets", &["Fleet", "State", "Clusters", "Applied commit"], rows))
            }
            @if alone > 0 && !view.fleets.is_empty() { p { a href="/clusters?fleet=none" { (plural(alone, "cluster")) " without a fleet" } } }
        }
    }
}
