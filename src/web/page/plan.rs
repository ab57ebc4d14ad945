//! A plan: what it does to the databases first, then why, then the objects.

use super::parts::{Health, badge, cluster_path, nothing, plural, short, table};
use super::{cluster, diff, fleet};
use crate::engine::view::{
    ClusterAction, ClusterPlan, ClusterView, Diagnostic, EffectiveChange, FleetView, Group, Plan, View, consequence, groups,
};
use maud::{Markup, html};

/// Groups of equal changes that are shown in full, the most dangerous first.
const GROUPS: usize = 40;

/// Clusters of a group or a consequence that are named.
const NAMED: usize = 12;

/// The last plan of a fleet.
pub(super) fn of_fleet(view: &View, one: &FleetView) -> Markup {
    html! {
        (fleet::head(one, "/plan"))
        @match &one.changes {
            Some(plan) => { (headline(plan)) (counts(view, plan)) (all(view, plan)) }
            None if !one.consequences.is_empty() => {
                p.lead { "Last plan: " (one.consequences) }
                (nothing("The controller that made it keeps its parts to itself. What it changed in a cluster stands in the history of that cluster; \
                          its text is in the event Planned."))
            }
            None => { (nothing("No plan yet. The next commit to the source makes one, before anything happens.")) }
        }
    }
}

fn headline(plan: &Plan) -> Markup {
    html! {
        p.lead {
            "Plan " code { (plan.id) } ", from "
            @if plan.base.is_empty() { "nothing" } @else { code { (short(&plan.base)) } }
            " to " code { (short(&plan.head)) } ": " (plan.changing()) " of " (plural(plan.total, "cluster"))
            (if plan.changing() == 1 { " changes" } else { " change" })
        }
    }
}

fn counts(view: &View, plan: &Plan) -> Markup {
    let which = |words: &str| -> Vec<&ClusterPlan> { plan.clusters.iter().filter(|cluster| consequence(cluster) == words).collect() };
    let rows = html! {
        @for count in &plan.counts {
            @let clusters = which(&count.consequence);
            tr {
                th scope="row" { (count.consequence) }
                td.number { (count.clusters) }
                td.wide { (names(view, &clusters)) }
            }
        }
    };
    html! {
        section {
            h2 { "Consequences" }
            @if plan.counts.is_empty() { (nothing("No cluster changes.")) } @else { (table("Consequences", &["Consequence", "Clusters", "Which"], rows)) }
        }
    }
}

fn names(view: &View, clusters: &[&ClusterPlan]) -> Markup {
    html! {
        @for (index, cluster) in clusters.iter().take(NAMED).enumerate() {
            @if index > 0 { ", " }
            (linked(view, cluster, html! { (cluster.namespace) "/" (cluster.name) }))
        }
        @if clusters.len() > NAMED { " and " (clusters.len() - NAMED) " more" }
    }
}

/// A name that leads to its cluster. What is blocked before it was ever made has no page.
fn linked(view: &View, cluster: &ClusterPlan, name: Markup) -> Markup {
    if cluster::find(view, &cluster.namespace, &cluster.name).is_none() {
        return name;
    }
    html! { a href=(cluster_path(&cluster.namespace, &cluster.name)) { (name) } }
}

fn all(view: &View, plan: &Plan) -> Markup {
    let groups = groups(plan);
    let left: usize = groups.iter().skip(GROUPS).map(|group| group.all.len()).sum();
    html! {
        @for group in groups.iter().take(GROUPS) { (one_group(view, group)) }
        @if left > 0 { p { "And " (plural(left, "cluster")) " more, each less dangerous than these." } }
        @if !plan.others.is_empty() {
            section { h2 { "Other objects" } (diff::objects(&plan.others, false)) }
        }
    }
}

fn one_group(view: &View, group: &Group<'_>) -> Markup {
    let first = group.first;
    html! {
        section.change {
            h2 { (linked(view, first, html! { span.space { (first.namespace) "/" } (first.name) })) " " (action(first)) }
            @if group.all.len() > 1 {
                p { "The same change in " (plural(group.all.len() - 1, "other cluster"))
                    @if group.labels_differ { ", with other values of labels or annotations" } ": " (names(view, &group.all[1..])) }
            }
            (body(first))
        }
    }
}

fn action(cluster: &ClusterPlan) -> Markup {
    let health = match cluster.action {
        ClusterAction::Refused | ClusterAction::Blocked => Health::Problem,
        ClusterAction::Unknown => Health::Unknown,
        ClusterAction::Orphan => Health::Held,
        ClusterAction::Create => Health::Ready,
        ClusterAction::Change => {
            if cluster.impact.risks.is_empty() {
                Health::Changing
            } else {
                Health::Problem
            }
        }
    };
    badge(health, &consequence(cluster))
}

/// What happens, in which steps, why, and the fields a person changed.
fn body(cluster: &ClusterPlan) -> Markup {
    let impact = &cluster.impact;
    let risks: Vec<String> = impact.risks.iter().map(ToString::to_string).collect();
    html! {
        p.summary { (impact.summary) }
        @if !risks.is_empty() { p.risk { strong { "At risk: " } (risks.join(", ")) } }
        @for problem in &cluster.diagnostics { (diagnostic(problem)) }
        @if let Some(rehearsal) = &cluster.rehearsal {
            h3 { "Steps, when " (rehearsal.leader) " leads" }
            ol.steps { @for step in &rehearsal.steps { li { (step) } } }
        } @else if !impact.instances.is_empty() {
            h3 { "What happens" }
            dl.facts { @for one in &impact.instances { dt { (one.instance) } dd { (one.disturbance) " (" (one.note) ")" } } }
        }
        @for note in &impact.notes { p.quiet { (note) } }
        @if !cluster.causes.is_empty() {
            h3 { "What was changed" }
            dl.fields {
                @for cause in &cluster.causes {
                    dt { (cause.kind) " " (cause.name) @if !cause.change.path.is_empty() { " " code { (cause.change.path) } } span.quiet { " " (cause.location) } }
                    dd {
                        @if cause.change.path.is_empty() {
                            (if cause.change.after.is_some() { "it is new" } else { "it goes" })
                        } @else {
                            (diff::values(cause.change.before.as_ref(), cause.change.after.as_ref()))
                        }
                    }
                }
            }
        }
        @if !cluster.values.is_empty() {
            h3 { "What that means" }
            dl.fields { @for value in &cluster.values { (effective(cluster, value)) } }
        }
        @if !cluster.objects.is_empty() {
            details { summary { (plural(cluster.objects.len(), "Kubernetes object")) } (diff::objects(&cluster.objects, false)) }
        }
    }
}

fn effective(cluster: &ClusterPlan, value: &EffectiveChange) -> Markup {
    let reason = cluster.impact.findings.iter().find(|finding| finding.subject == value.name).map(|finding| finding.reason.as_str());
    html! {
        dt { code { (value.name) } @if let Some(origin) = &value.origin { span.quiet { " " (origin) } } }
        dd { (diff::values(value.before.as_ref(), value.after.as_ref())) @if let Some(reason) = reason { span.then { (reason) } } }
    }
}

fn diagnostic(problem: &Diagnostic) -> Markup {
    html! {
        div.callout.problem {
            p { strong { (problem.severity) " " } (problem.message) }
            p.quiet { code { (problem.location) } " " code { (problem.code) } @if let Some(help) = &problem.help { " – " (help) } }
        }
    }
}

/// The change of one cluster: of the last plan of its fleet, or else of its newest revision.
pub(super) struct OneChange<'a> {
    /// Where it comes from, in words.
    pub(super) from: String,
    pub(super) plan: &'a ClusterPlan,
}

/// The part of its fleet's last plan that is about a cluster.
pub(super) fn in_fleet<'a>(view: &'a View, cluster: &ClusterView) -> Option<OneChange<'a>> {
    let (namespace, name) = cluster.fleet.split_once('/')?;
    let plan = fleet::find(view, namespace, name)?.changes.as_ref()?;
    let found = plan.clusters.iter().find(|one| one.namespace == cluster.namespace && one.name == cluster.name)?;
    let base = if plan.base.is_empty() { "nothing" } else { short(&plan.base) };
    Some(OneChange { from: format!("Last plan of its fleet, {} to {}", base, short(&plan.head)), plan: found })
}

/// The plan of one cluster.
pub(super) fn of_cluster(one: &ClusterView, change: Option<&OneChange<'_>>) -> Markup {
    html! {
        (cluster::head(one, "/plan"))
        @match change {
            Some(change) => { p.lead { (change.from) " " (action(change.plan)) } section.change { (body(change.plan)) } }
            None => { (nothing("Nothing is planned: what was released last changed nothing that is still known. A commit makes a plan, before anything happens.")) }
        }
    }
}

/// The objects that change of one cluster.
pub(super) fn diff_of_cluster(one: &ClusterView, change: Option<&OneChange<'_>>) -> Markup {
    html! {
        (cluster::head(one, "/diff"))
        @match change {
            Some(change) if !change.plan.objects.is_empty() => {
                p.lead { (change.from) ": " (plural(change.plan.objects.len(), "Kubernetes object")) ". Secrets are hidden, and equal fields left out." }
                (diff::objects(&change.plan.objects, true))
            }
            Some(change) => { p.lead { (change.from) } (nothing("No Kubernetes object changes.")) }
            None => { (nothing("No difference is known. The history of the cluster has what earlier revisions changed.")) }
        }
    }
}

/// What one revision changed.
pub(super) fn of_revision(plan: &ClusterPlan) -> Markup {
    html! {
        p.lead { (action(plan)) }
        section.change { (body(plan)) }
    }
}
