//! The revisions of a cluster.

use super::parts::{Health, badge, cluster_path, moment, nothing, short, table};
use super::{cluster, plan};
use crate::engine::live::{Entry, History};
use crate::engine::view::ClusterView;
use jiff::Timestamp;
use maud::{Markup, html};

pub(super) fn content(one: &ClusterView, history: &Result<History, String>, now: Timestamp) -> Markup {
    let path = cluster_path(&one.namespace, &one.name);
    html! {
        (cluster::head(one, "/history"))
        @match history {
            Err(why) => { p.nothing { "The revisions could not be read: " (why) ". They are Secrets of the type " code { "stackgres.io/revision" } "." } }
            Ok(history) if history.revisions.is_empty() => { (nothing("No revision yet. The first one is made when the cluster's manifest passes its checks.")) }
            Ok(history) => {
                p.lead { "What this cluster was, and is, newest first. " code { "stackgres history " (history.cluster) " REVISION" } " prints one, ready to be committed again." }
                (table("Revisions", &["Revision", "Made", "Commit", "What it changed", "Now"], html! { @for entry in &history.revisions { (row(entry, &path, now)) } }))
            }
        }
    }
}

fn row(entry: &Entry, path: &str, now: Timestamp) -> Markup {
    html! {
        tr data-key=(entry.name) {
            th scope="row" { a href=(format!("{path}/history/{}", entry.name)) { code { (entry.name) } } }
            td { (moment(&entry.created, now)) }
            td.wide { (commit(entry)) }
            td.wide { (what(entry)) }
            td { (state(entry)) }
        }
    }
}

fn commit(entry: &Entry) -> Markup {
    html! {
        @if entry.commit.is_empty() { "live inputs" } @else { code { (short(&entry.commit)) } " " (entry.subject) }
        @if !entry.author.is_empty() { div.quiet { (entry.author) } }
    }
}

fn what(entry: &Entry) -> String {
    match (&entry.damaged, &entry.plan) {
        (Some(damaged), _) => format!("damaged: {damaged}"),
        (None, Some(plan)) if plan.counts.is_empty() => "nothing".to_owned(),
        (None, Some(plan)) => plan.counts.iter().map(|count| count.consequence.clone()).collect::<Vec<_>>().join(", "),
        (None, None) => "the oldest that is kept".to_owned(),
    }
}

fn state(entry: &Entry) -> Markup {
    match (entry.released, entry.running) {
        (true, true) => badge(Health::Ready, "runs"),
        (true, false) => badge(Health::Changing, "released, comes"),
        (false, true) => badge(Health::Changing, "runs, leaves"),
        (false, false) => html! {},
    }
}

/// One revision; `None` where it is not kept.
pub(super) fn revision(one: &ClusterView, history: &History, name: &str, now: Timestamp) -> Option<Markup> {
    let entry = history.revisions.iter().find(|entry| entry.name == name)?;
    Some(html! {
        (cluster::head(one, "/history"))
        section {
            h2 { "Revision " code { (entry.name) } " " (state(entry)) }
            dl.facts {
                dt { "Made" } dd { (moment(&entry.created, now)) }
                dt { "From" } dd { (commit(entry)) }
                dt { "Inputs" } dd { code { (entry.digest) } }
            }
        }
        @match entry.plan.as_ref().and_then(|plan| plan.clusters.first()) {
            Some(changed) => { (plan::of_revision(changed)) }
            None => { (nothing(&format!("Against the revision before it: {}.", what(entry)))) }
        }
    })
}
