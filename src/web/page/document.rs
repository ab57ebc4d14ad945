//! The frame around every page.

use super::visible::visible;
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Response};
use jiff::Timestamp;
use maud::{DOCTYPE, Markup, PreEscaped, html};

/// Which entry of the menu a page belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Section {
    Overview,
    Clusters,
    Events,
    None,
}

/// One page.
pub(super) struct Document {
    pub(super) title: String,
    pub(super) section: Section,
    pub(super) status: StatusCode,
    /// Whether it is kept up to date where scripts run.
    pub(super) live: bool,
    pub(super) content: Markup,
}

impl Document {
    pub(super) fn new(title: impl Into<String>, section: Section, content: Markup) -> Self {
        Self { title: title.into(), section, status: StatusCode::OK, live: true, content }
    }

    /// A page that says why there is no other.
    pub(super) fn error(status: StatusCode, title: &str, help: &str) -> Self {
        let content = html! {
            h1 { (title) }
            p { (help) }
            p { a href="/" { "To the overview" } }
        };
        Self { title: title.to_owned(), section: Section::None, status, live: false, content }
    }

    pub(super) fn answer(self, now: Timestamp) -> Response {
        let status = self.status;
        (status, Html(visible(self.page(now)))).into_response()
    }

    fn page(&self, now: Timestamp) -> String {
        let entry = |section: Section, path: &str, name: &str| {
            let current = (section == self.section).then_some("page");
            html! { li { a href=(path) aria-current=[current] { (name) } } }
        };
        let page = html! {
            (DOCTYPE)
            html lang="en" {
                head {
                    meta charset="utf-8";
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    meta name="color-scheme" content="light dark";
                    title { (self.title) " · stackgres" }
                    link rel="icon" href="/icon.svg" type="image/svg+xml";
                    link rel="stylesheet" href="/style.css";
                    @if self.live { script src="/page.js" defer {} }
                }
                body {
                    a.skip href="#content" { "Skip to the content" }
                    header {
                        a.brand href="/" { (PreEscaped(MARK)) span { "stackgres" } }
                        nav aria-label="Pages" {
                            ul {
                                (entry(Section::Overview, "/", "Overview"))
                                (entry(Section::Clusters, "/clusters", "Clusters"))
                                (entry(Section::Events, "/events", "Events"))
                            }
                        }
                        p.asof {
                            @if self.live {
                                span.live hidden { "Live" }
                                noscript { a href="" { "Reload" } " " }
                            }
                            "as of " time.now datetime=(now.strftime("%Y-%m-%dT%H:%M:%SZ")) { (now.strftime("%H:%M:%S UTC")) }
                        }
                    }
                    main id="content" tabindex="-1" { (self.content) }
                    footer { p { "Read-only. What you see is in the Kubernetes API too: " code { "kubectl get sgfleets,sgclusters -A" } } }
                }
            }
        };
        page.into_string()
    }
}

/// Three disks, two of which follow the first.
const MARK: &str = concat!(
    r#"<svg aria-hidden="true" viewBox="0 0 20 20"><ellipse cx="10" cy="4.5" rx="7" ry="2.8"/>"#,
    r#"<path d="M3 4.5v5.5c0 1.5 3.1 2.8 7 2.8s7-1.3 7-2.8V4.5M3 10v5.5c0 1.5 3.1 2.8 7 2.8s7-1.3 7-2.8V10"/></svg>"#
);

/// The same as a picture of its own, for the tab.
pub(super) const ICON: &str = concat!(
    r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 20 20" fill="none" stroke="#2f6fb5" stroke-width="1.8">"##,
    r#"<ellipse cx="10" cy="4.5" rx="7" ry="2.8"/>"#,
    r#"<path d="M3 4.5v5.5c0 1.5 3.1 2.8 7 2.8s7-1.3 7-2.8V4.5M3 10v5.5c0 1.5 3.1 2.8 7 2.8s7-1.3 7-2.8V10"/></svg>"#
);
