//! One cluster.

use super::{event_list, short, state};
use crate::engine::view::View;
use maud::{Markup, html};

pub(super) fn content(view: &View, namespace: &str, name: &str) -> Option<Markup> {
    let cluster = view.clusters.iter().find(|cluster| cluster.namespace == namespace && cluster.name == name)?;
    let whole = format!("{namespace}/{name}");
    Some(html! {
        section {
            h1 { "Cluster " (whole) " " (state(&cluster.ready, &cluster.reason)) }
            dl {
                dt { "PostgreSQL" } dd { (cluster.version) }
                dt { "fleet" } dd { (if cluster.fleet.is_empty() { "none: it releases itself" } else { &cluster.fleet }) }
                dt { "released" } dd { code { (cluster.released) } @if !cluster.commit.is_empty() { " from commit " code { (short(&cluster.commit)) } } }
                dt { "runs" } dd { code { (cluster.running) } }
                @if !cluster.system_identifier.is_empty() { dt { "database" } dd { code { (cluster.system_identifier) } } }
                @if !cluster.held.is_empty() { dt { "held" } dd { strong { (cluster.held) } } }
                @if !cluster.waiting.is_empty() {
                    dt { "waits for" } dd { (cluster.waiting) span.quiet { " – since " (cluster.waiting_since) ", until " (cluster.waiting_until) ", ended by: " (cluster.waiting_by) } }
                }
                @if !cluster.ahead.is_empty() {
                    dt { "then" } dd { ol { @for step in &cluster.ahead { li { (step) } } } }
                }
                @if !cluster.licence.is_empty() {
                    dt { "may be disturbed" } dd { (if cluster.may_be_disturbed { "yes: " } else { "not now: " }) (cluster.licence) }
                }
            }
            h2 { "Instances" }
            ul.instances {
                @for instance in &cluster.instances {
                    li {
                        span.instance.ready[instance.ready].primary[instance.primary] { (if instance.primary { "P" } else { "r" }) }
                        " " code { (instance.name) } " " (if instance.role.is_empty() { "role not known" } else { &instance.role })
                        span.quiet {
                            (if instance.ready { " ready" } else { " not ready" })
                            @if !instance.state.is_empty() { ", " (instance.state) }
                            @if let Some(timeline) = instance.timeline { ", timeline " (timeline) }
                            @match instance.lag_mebibytes { Some(0) => { ", caught up" } Some(lag) => { ", up to " (lag) " MiB behind" } None => {} }
                            @if instance.synchronous { ", commits wait for it" }
                            @if instance.pending_restart { ", a parameter waits for a restart" }
                            @if !instance.node.is_empty() { ", on " (instance.node) }
                        }
                    }
                }
            }
            @if cluster.instances.is_empty() { p.quiet { "No pod exists yet." } }
            h2 { "Conditions" }
            div.scroll {
                table {
                    thead { tr { th { "Topic" } th { "Status" } th { "Reason" } th { "Message" } } }
                    tbody { @for condition in &cluster.conditions { tr { td { (condition.r#type) } td { (condition.status) } td { (condition.reason) } td { (condition.message) } } } }
                }
            }
        }
        (event_list(view.events.iter().filter(|event| event.about == whole)))
        section {
            h2 { "Effective settings" }
            div.scroll {
                table {
                    thead { tr { th { "Setting" } th { "Value" } th { "Comes from" } } }
                    tbody { @for setting in &cluster.settings { tr { td { code { (setting.name) } } td { code { (setting.value) } } td.quiet { (setting.origin) } } } }
                }
            }
        }
    })
}
