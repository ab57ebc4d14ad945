//! The table of clusters and its filter.

use super::parts::{Health, cluster_badge, cluster_path, nothing, plural, query, short, table};
use crate::engine::view::{ClusterView, View};
use maud::{Markup, html};
use serde::Deserialize;

/// Rows of one page: as many as one reads without waiting for them.
const ROWS: usize = 200;

/// What a query string asks for. Every part may be left out.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Filter {
    /// A part of namespace and name.
    pub(super) name: String,
    /// A state.
    pub(super) state: String,
    /// A fleet, or `none`.
    pub(super) fleet: String,
    /// Page of the table, from 1.
    pub(super) page: String,
}

impl Filter {
    fn takes(&self, cluster: &ClusterView) -> bool {
        let name = format!("{}/{}", cluster.namespace, cluster.name);
        let of_fleet = match self.fleet.as_str() {
            "" => true,
            "none" => cluster.fleet.is_empty(),
            fleet => cluster.fleet == fleet,
        };
        let in_state = Health::parse(&self.state).is_none_or(|wanted| Health::of_cluster(cluster) == wanted);
        of_fleet && in_state && name.contains(self.name.trim())
    }

    fn path(&self, path: &str, page: usize) -> String {
        let page = if page == 1 { String::new() } else { page.to_string() };
        format!("{path}{}", query(&[("name", &self.name), ("state", &self.state), ("fleet", &self.fleet), ("page", &page)]))
    }
}

/// Every cluster.
pub(super) fn content(view: &View, filter: &Filter) -> Markup {
    html! {
        h1 { "Clusters" }
        @if view.clusters.is_empty() {
            (nothing("No cluster yet. Apply an SGCluster, or an SGFleet that follows a repository with some."))
        } @else {
            (section(view, view.clusters.iter().collect(), filter, "/clusters", true))
        }
    }
}

/// Clusters, filtered, what needs a person first.
pub(super) fn section(view: &View, clusters: Vec<&ClusterView>, filter: &Filter, path: &str, with_fleet: bool) -> Markup {
    let total = clusters.len();
    let mut found: Vec<&ClusterView> = clusters.into_iter().filter(|cluster| filter.takes(cluster)).collect();
    // The view is in the order of the names, which stays within one state.
    found.sort_by_key(|cluster| Health::of_cluster(cluster));
    let pages = found.len().div_ceil(ROWS).max(1);
    let page = filter.page.parse::<usize>().unwrap_or(1).clamp(1, pages);
    let filtered = !filter.name.is_empty() || !filter.state.is_empty() || (with_fleet && !filter.fleet.is_empty());
    let heads = ["Cluster", "State", "PostgreSQL", "Instances", "Waits for", "Commit"];
    let rows = html! { @for cluster in found.iter().skip((page - 1) * ROWS).take(ROWS) { (row(cluster)) } };
    html! {
        form.filter method="get" action=(path) role="search" aria-label="Filter the clusters" {
            label { span { "Name contains" } input type="search" name="name" value=(filter.name) autocomplete="off" spellcheck="false"; }
            label {
                span { "State" }
                select name="state" {
                    option value="" { "any" }
                    @for health in Health::ALL {
                        option value=(health.name()) selected[health.name() == filter.state] { (health.name()) }
                    }
                }
            }
            @if with_fleet {
                label {
                    span { "Fleet" }
                    select name="fleet" {
                        option value="" { "any" }
                        @for fleet in &view.fleets {
                            @let name = format!("{}/{}", fleet.namespace, fleet.name);
                            option value=(name) selected[name == filter.fleet] { (name) }
                        }
                        option value="none" selected[filter.fleet == "none"] { "without a fleet" }
                    }
                }
            }
            button type="submit" { "Filter" }
            @if filtered { a href=(path) { "Show all" } }
        }
        p.count {
            @if filtered { (found.len()) " of " (plural(total, "cluster")) } @else { (plural(total, "cluster")) ", what needs a person first" }
            @if pages > 1 { ", page " (page) " of " (pages) }
        }
        @if found.is_empty() {
            (nothing("No cluster is like that. Show all, or ask for less."))
        } @else {
            (table("Clusters", &heads, rows))
        }
        @if pages > 1 {
            nav.pages aria-label="Pages of the table" {
                @if page > 1 { a rel="prev" href=(filter.path(path, page - 1)) { "Previous " (ROWS) } }
                @if page < pages { a rel="next" href=(filter.path(path, page + 1)) { "Next " (ROWS) } }
            }
        }
    }
}

fn row(cluster: &ClusterView) -> Markup {
    let name = format!("{}/{}", cluster.namespace, cluster.name);
    html! {
        tr data-key=(name) {
            th scope="row" { a href=(cluster_path(&cluster.namespace, &cluster.name)) { span.space { (cluster.namespace) "/" } (cluster.name) } }
            td { (cluster_badge(cluster)) }
            td.number { (if cluster.version.is_empty() { "–" } else { &cluster.version }) }
            td.few { (pods(cluster)) span.number { (cluster.ready_instances) " of " (cluster.wanted) } }
            td.wide { (why(cluster)) }
            td { @if cluster.commit.is_empty() { "–" } @else { code { (short(&cluster.commit)) } } }
        }
    }
}

/// What a row says of a cluster that is not simply ready.
pub(super) fn why(cluster: &ClusterView) -> &str {
    let texts = [&cluster.stopped, &cluster.held, &cluster.waiting];
    let otherwise = if cluster.ready == "True" { "" } else { cluster.message.as_str() };
    texts.into_iter().find(|text| !text.is_empty()).map_or(otherwise, String::as_str)
}

/// One small box an instance; the words beside them say the same.
fn pods(cluster: &ClusterView) -> Markup {
    html! {
        span.pods aria-hidden="true" {
            @for instance in &cluster.instances {
                span.pod.up[instance.ready].primary[instance.primary]
                    title=(format!("{}: {}{}", instance.name, if instance.primary { "primary, " } else { "" }, if instance.ready { "ready" } else { "not ready" })) {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn view(count: usize) -> View {
        let cluster = |index: usize| ClusterView {
            namespace: "n".to_owned(),
            name: format!("c{index:04}"),
            fleet: "ops/f".to_owned(),
            ready: if index == 950 { "False" } else { "True" }.to_owned(),
            reason: if index == 950 { "Broken" } else { "Healthy" }.to_owned(),
            ..ClusterView::default()
        };
        View { clusters: (0..count).map(cluster).collect(), ..View::default() }
    }

    /// Of a thousand clusters the one that fails must not be on the fifth page.
    #[test]
    fn what_needs_a_person_comes_first() {
        let page = content(&view(1_000), &Filter::default()).into_string();
        let place = |name: &str| page.find(&format!("data-key=\"n/{name}\""));
        assert!(place("c0950") < place("c0000") && place("c0950").is_some());
        assert_eq!(page.matches("<tr data-key").count(), ROWS);
        assert!(page.contains("page 1 of 5") && page.contains("href=\"/clusters?page=2\""), "{}", &page[page.len() - 300..]);
    }

    #[test]
    fn a_filter_is_kept_from_page_to_page() {
        let filter = Filter { name: "c0".to_owned(), state: "ready".to_owned(), page: "2".to_owned(), ..Filter::default() };
        let page = content(&view(1_000), &filter).into_string();
        assert!(page.contains("999 of 1000 clusters, page 2 of 5"), "{}", &page[..1200]);
        assert!(page.contains("href=\"/clusters?name=c0&amp;state=ready&amp;page=3\""));
        let one = content(&view(1_000), &Filter { state: "problem".to_owned(), ..Filter::default() }).into_string();
        assert_eq!(one.matches("<tr data-key").count(), 1);
    }
}
