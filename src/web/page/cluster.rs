//! One cluster.

use super::parts::{cluster_badge, cluster_path, fleet_path, moment, nothing, query, short, table, words};
use super::{events, settings};
use crate::engine::view::{ClusterView, Details, InstanceView, ServiceView, View, VolumeView};
use jiff::Timestamp;
use maud::{Markup, html};

/// Events here.
const EVENTS: usize = 6;

pub(super) fn find<'a>(view: &'a View, namespace: &str, name: &str) -> Option<&'a ClusterView> {
    view.clusters.iter().find(|cluster| cluster.namespace == namespace && cluster.name == name)
}

/// Head of every page of a cluster, with the ways to the others.
pub(super) fn head(cluster: &ClusterView, current: &str) -> Markup {
    let path = cluster_path(&cluster.namespace, &cluster.name);
    let tabs = [("", "Cluster"), ("/plan", "Plan"), ("/diff", "Diff"), ("/history", "History"), ("/events", "Events")];
    html! {
        p.kind { "Cluster" @if let Some((namespace, name)) = cluster.fleet.split_once('/') { " of fleet " a href=(fleet_path(namespace, name)) { (cluster.fleet) } } }
        h1 { span.space { (cluster.namespace) "/" } (cluster.name) " " (cluster_badge(cluster)) }
        nav.tabs aria-label="Of this cluster" {
            ul { @for (tab, title) in tabs { li { a href=(format!("{path}{tab}")) aria-current=[(tab == current).then_some("page")] { (title) } } } }
        }
    }
}

pub(super) fn content(view: &View, cluster: &ClusterView, details: Option<&Details>, now: Timestamp) -> Markup {
    let whole = format!("{}/{}", cluster.namespace, cluster.name);
    html! {
        (head(cluster, ""))
        // Always there, so that nothing below it moves when one comes or goes: what a person opened stays open.
        div { (callouts(cluster, &whole, now)) }
        div.columns {
            (facts(cluster, now))
            (release(cluster, now))
        }
        section {
            h2 { "Instances" }
            @if cluster.instances.is_empty() {
                (nothing("No pod exists yet. The first one starts when a revision has been released."))
            } @else {
                (table("Instances", &["Instance", "Role", "State", "Behind", "Timeline", "Node"], html! { @for one in &cluster.instances { (instance(one)) } }))
            }
        }
        @if let Some(details) = details { (services(details, &cluster.namespace)) (volumes(details)) }
        section {
            h2 { "Conditions" }
            @if cluster.conditions.is_empty() {
                (nothing("None yet: the controller has not looked at this cluster."))
            } @else {
                @let rows = html! { @for condition in &cluster.conditions {
                    tr { th scope="row" { (condition.r#type) } td { (condition.status) } td { (words(&condition.reason)) } td.wide { (condition.message) } td { (moment(&condition.since, now)) } }
                } };
                (table("Conditions", &["Topic", "Status", "Reason", "Message", "Since"], rows))
            }
        }
        (settings::content(&cluster.settings))
        section {
            h2 { "Lately" }
            (events::list(view.events.iter().filter(|event| event.about == whole).take(EVENTS), now))
            p { a href=(format!("/events{}", query(&[("about", &whole)]))) { "Every event of this cluster" } }
        }
    }
}

/// What a person should read first, with what ends it.
fn callouts(cluster: &ClusterView, whole: &str, now: Timestamp) -> Markup {
    html! {
        @if !cluster.stopped.is_empty() {
            div.callout.problem {
                p { strong { "A change stopped: " } (cluster.stopped) }
                p { "The same inputs are not tried again by themselves. A new commit goes on, or " code { "stackgres rollout retry " (whole) } " or "
                    code { "stackgres rollout rollback " (whole) } "." }
            }
        }
        @if cluster.orphaned {
            div.callout.problem { p { strong { "It is no longer in its source." } " It is kept running, untouched. Put its manifest back to manage it again." } }
        }
        @if !cluster.held.is_empty() {
            div.callout.held {
                p { strong { "Held: " } (cluster.held) }
                p { "Nothing of it is disturbed. " code { "stackgres hold " (whole) " --release" } " ends that." }
            }
        }
        @if !cluster.waiting.is_empty() {
            div.callout.waiting {
                p { strong { "Waits: " } (cluster.waiting) }
                dl.inline {
                    div { dt { "since" } dd { (moment(&cluster.waiting_since, now)) } }
                    @if !cluster.waiting_until.is_empty() { div { dt { "until" } dd { (moment(&cluster.waiting_until, now)) } } }
                    @if !cluster.waiting_by.is_empty() { div { dt { "who can end it" } dd { (cluster.waiting_by) } } }
                }
                @if !cluster.ahead.is_empty() { p { "Then:" } ol.steps { @for step in &cluster.ahead { li { (step) } } } }
            }
        }
        @if cluster.ready != "True" && cluster.waiting.is_empty() && cluster.stopped.is_empty() && !cluster.message.is_empty() {
            p.lead { (cluster.message) }
        }
    }
}

fn facts(cluster: &ClusterView, now: Timestamp) -> Markup {
    html! {
        section {
            h2 { "What runs" }
            dl.facts {
                dt { "PostgreSQL" } dd { (if cluster.version.is_empty() { "not known yet" } else { &cluster.version }) }
                dt { "Instances" } dd { (cluster.ready_instances) " of " (cluster.wanted) " ready" }
                dt { "Revision" } dd {
                    @if cluster.running.is_empty() { "none yet" } @else { code { (cluster.running) } " " (moment(&cluster.running_since, now)) }
                }
                @if !cluster.system_identifier.is_empty() { dt { "Database" } dd { code { (cluster.system_identifier) } } }
            }
        }
    }
}

fn release(cluster: &ClusterView, now: Timestamp) -> Markup {
    let path = cluster_path(&cluster.namespace, &cluster.name);
    html! {
        section {
            h2 { "What shall run" }
            dl.facts {
                dt { "Revision" }
                dd {
                    @if cluster.released.is_empty() { "none is released yet" }
                    @else if cluster.released == cluster.running { "the one that runs" }
                    @else { a href=(format!("{path}/diff")) { code { (cluster.released) } } }
                }
                @if !cluster.commit.is_empty() { dt { "Commit" } dd { code { (short(&cluster.commit)) } } }
                @if !cluster.released_by.is_empty() {
                    dt { "Released" } dd { "by " (cluster.released_by) ", " (moment(&cluster.released_at, now)) }
                }
                @if !cluster.licence.is_empty() {
                    dt { "Disturbance" } dd { (if cluster.may_be_disturbed { "allowed: " } else { "not now: " }) (cluster.licence) }
                }
                @if !cluster.promotion.is_empty() {
                    dt { "On offer" } dd { (cluster.promotion) " " code { "stackgres plan --promote" } }
                }
            }
        }
    }
}

fn instance(instance: &InstanceView) -> Markup {
    let role = if instance.role.is_empty() { "not known" } else { instance.role.as_str() };
    html! {
        tr data-key=(instance.name) {
            th scope="row" { span.pod.up[instance.ready].primary[instance.primary] aria-hidden="true" {} (instance.name) }
            td { (role) @if instance.synchronous { span.then { "commits wait for it" } } }
            td {
                (if instance.ready { "ready" } else { "not ready" })
                @if !instance.state.is_empty() { ", " (instance.state) }
                @if instance.pending_restart { span.then { "a parameter waits for a restart" } }
            }
            td.number { @match instance.lag_mebibytes { Some(0) => { "caught up" } Some(lag) => { "up to " (lag) " MiB" } None => { "–" } } }
            td.number { @if let Some(timeline) = instance.timeline { (timeline) } @else { "–" } }
            td { (if instance.node.is_empty() { "–" } else { &instance.node }) }
        }
    }
}

fn services(details: &Details, namespace: &str) -> Markup {
    let row = |service: &ServiceView| {
        html! {
            tr {
                th scope="row" { code { (service.name) "." (namespace) } }
                td { (service.r#type) }
                td { (if service.ports.is_empty() { "–".to_owned() } else { service.ports.join(", ") }) }
                td { (if service.outside.is_empty() { "–" } else { &service.outside }) }
            }
        }
    };
    html! {
        section {
            h2 { "Services" }
            @match &details.services {
                Err(why) => { p.nothing { "They could not be read: " (why) } }
                Ok(found) if found.is_empty() => { (nothing("None yet.")) }
                Ok(found) => { (table("Services", &["Name", "Type", "Ports", "Leads to"], html! { @for one in found { (row(one)) } })) }
            }
        }
    }
}

fn volumes(details: &Details) -> Markup {
    let row = |volume: &VolumeView| {
        html! {
            tr {
                th scope="row" { (volume.name) }
                td { (if volume.phase.is_empty() { "not known" } else { &volume.phase }) }
                td.number { (volume.wanted) @if !volume.capacity.is_empty() && volume.capacity != volume.wanted { ", has " (volume.capacity) } }
                td { (if volume.class.is_empty() { "the default" } else { &volume.class }) }
            }
        }
    };
    html! {
        section {
            h2 { "Volumes" }
            @match &details.volumes {
                Err(why) => { p.nothing { "They could not be read: " (why) } }
                Ok(found) if found.is_empty() => { (nothing("None yet: each instance gets one when it is made.")) }
                Ok(found) => { (table("Volumes", &["Claim", "State", "Size", "Storage class"], html! { @for one in found { (row(one)) } })) }
            }
        }
    }
}
