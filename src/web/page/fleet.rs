//! The overview.

use super::{event_list, short, state};
use crate::engine::view::{ClusterView, FleetView, View};
use maud::{Markup, html};

pub(super) fn content(view: &View) -> Markup {
    html! {
        @if view.fleets.is_empty() && view.clusters.is_empty() {
            p.quiet { "No fleet and no cluster yet." }
        }
        @for fleet in &view.fleets { (one_fleet(fleet)) }
        (clusters(&view.clusters))
        (event_list(view.events.iter()))
    }
}

fn one_fleet(fleet: &FleetView) -> Markup {
    let count = |name: &str| fleet.clusters.get(name).copied().unwrap_or_default();
    html! {
        section {
            h1 { "Fleet " (fleet.namespace) "/" (fleet.name) " " (state(&fleet.ready, &fleet.reason)) }
            p { (fleet.message) }
            dl {
                dt { "source" } dd { code { (fleet.source) } }
                @if let Some(commit) = &fleet.seen {
                    dt { "commit" } dd { code { (short(&commit.revision)) } " " (commit.subject) span.quiet { " " (commit.author) } }
                }
                dt { "clusters" }
                dd {
                    (count("ready")) " of " (count("total")) " ready"
                    @for name in ["blocked", "drifted", "orphaned"] {
                        @if count(name) > 0 { " · " (count(name)) " " (name) }
                    }
                }
            }
            @if !fleet.problems.is_empty() {
                h2 { "Problems in the source" }
                ul.problems {
                    @for problem in &fleet.problems { li { code { (problem.at) } " " b { (problem.code) } " " (problem.message) } }
                }
            }
            @if !fleet.plan.is_empty() {
                h2 { "Plan of the last commit" }
                pre.plan { (fleet.plan) }
            }
        }
    }
}

fn clusters(clusters: &[ClusterView]) -> Markup {
    html! {
        section {
            h2 { "Clusters" }
            div.scroll {
                table {
                    thead { tr { th { "Cluster" } th { "PostgreSQL" } th { "Instances" } th { "State" } th { "Waits for" } th { "Runs" } } }
                    tbody {
                        @for cluster in clusters {
                            tr {
                                td { a href=(format!("/clusters/{}/{}", cluster.namespace, cluster.name)) { (cluster.namespace) "/" (cluster.name) } }
                                td { (cluster.version) }
                                td {
                                    @for instance in &cluster.instances {
                                        span.instance.ready[instance.ready].primary[instance.primary]
                                            title=(format!("{} {}{}", instance.name, if instance.primary { "primary, " } else { "" }, if instance.ready { "ready" } else { "not ready" }))
                                            { (if instance.primary { "P" } else { "r" }) }
                                    }
                                    " " (cluster.ready_instances) "/" (cluster.wanted)
                                }
                                td { (state(&cluster.ready, &cluster.reason)) }
                                td.quiet { (cluster.waiting) }
                                td { code { (cluster.running.rsplit('-').next().unwrap_or_default()) } }
                            }
                        }
                    }
                }
            }
        }
    }
}
