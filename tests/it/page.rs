//! The page over a view that is made up: every route, hostile content, a thousand clusters.

use axum::http::HeaderMap;
use stackgres::engine::controller::State;
use stackgres::engine::view::{
    ClusterView, CommitView, ConditionView, EventView, FleetView, InstanceView, ProblemView, Reader, SettingView, View,
};
use stackgres::kubernetes::Cluster;
use stackgres::sandbox::{Sandbox, SandboxOptions};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A page that is served, and what is behind it.
struct Page {
    address: String,
    state: Arc<State>,
    client: reqwest::Client,
    _folder: tempfile::TempDir,
    _sandbox: Sandbox,
}

impl Page {
    async fn of(view: View) -> Self {
        drop(rustls::crypto::ring::default_provider().install_default());
        let sandbox = Sandbox::start(SandboxOptions::default()).await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        let kubeconfig = folder.path().join("kubeconfig");
        std::fs::write(&kubeconfig, sandbox.kubeconfig()).unwrap();
        let api = Cluster::connect(Some(&kubeconfig), Duration::from_secs(10)).await.unwrap();
        let state = Arc::new(State::default());
        state.view.send_replace(Arc::new(view));
        let router = stackgres::web::router_with_page(state.clone(), Reader::new(api));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://127.0.0.1:{}", listener.local_addr().unwrap().port());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { address, state, client: reqwest::Client::new(), _folder: folder, _sandbox: sandbox }
    }

    async fn get(&self, path: &str) -> (u16, HeaderMap, String) {
        let answer = self.client.get(format!("{}{path}", self.address)).send().await.unwrap();
        (answer.status().as_u16(), answer.headers().clone(), answer.text().await.unwrap())
    }
}

/// Every page there is; a new one is added here, and so gets every check below.
const PATHS: &[&str] = &[
    "/",
    "/clusters",
    "/clusters?name=a&state=problem&fleet=ops%2Ff&page=7",
    "/events",
    "/events?about=n%2Fa&type=Warning",
    "/fleets/ops/f",
    "/fleets/ops/f/plan",
    "/fleets/ops/f/events",
    "/clusters/n/a",
    "/clusters/n/a/plan",
    "/clusters/n/a/diff",
    "/clusters/n/a/events",
    "/clusters/n/a/history",
];

/// A view in which every text is `hostile`, and the words that decide how it is shown are not.
fn made_of(hostile: &str) -> View {
    let text = || hostile.to_owned();
    let commit = || Some(CommitView { revision: text(), subject: text(), author: text(), reference: text(), at: text() });
    View {
        fleets: vec![FleetView {
            namespace: "ops".to_owned(),
            name: "f".to_owned(),
            source: text(),
            seen: commit(),
            applied: commit(),
            ready: "False".to_owned(),
            reason: text(),
            message: text(),
            clusters: BTreeMap::from([("total".to_owned(), 1)]),
            problems: vec![
                ProblemView { code: text(), severity: "error".to_owned(), message: text(), at: text() },
                ProblemView { code: text(), severity: "warning".to_owned(), message: text(), at: text() },
            ],
            waves: vec![text()],
            consequences: text(),
            plan: text(),
            ..FleetView::default()
        }],
        clusters: vec![ClusterView {
            namespace: "n".to_owned(),
            name: "a".to_owned(),
            fleet: "ops/f".to_owned(),
            version: text(),
            ready: "False".to_owned(),
            reason: text(),
            message: text(),
            waiting: text(),
            waiting_since: text(),
            waiting_until: text(),
            waiting_by: text(),
            ahead: vec![text()],
            stopped: text(),
            held: text(),
            licence: text(),
            released: text(),
            running: text(),
            commit: text(),
            released_at: text(),
            released_by: text(),
            running_since: text(),
            promotion: text(),
            system_identifier: text(),
            instances: vec![InstanceView { name: text(), node: text(), role: text(), state: text(), ..InstanceView::default() }],
            conditions: vec![ConditionView { r#type: text(), status: text(), reason: text(), message: text(), since: text() }],
            settings: vec![SettingView { name: text(), value: text(), origin: text() }],
            ..ClusterView::default()
        }],
        events: vec![EventView {
            at: text(),
            r#type: "Warning".to_owned(),
            reason: text(),
            kind: "SGCluster".to_owned(),
            about: "n/a".to_owned(),
            note: format!("{hostile}\n{hostile}\n{hostile}\n{hostile}\n{hostile}"),
        }],
    }
}

/// A page is the one place where a manifest meets a browser with somebody's session to other services in it.
#[tokio::test]
async fn nothing_from_a_manifest_is_markup() {
    let hostile = "\"'><script>alert(1)</script><img src=x onerror=alert(1)><a href=\"javascript:alert(1)\">\u{202e}\u{1b}[2J\r";
    let page = Page::of(made_of(hostile)).await;
    for path in PATHS {
        let (status, _, body) = page.get(path).await;
        assert_eq!(status, 200, "{path}");
        for forbidden in ["<script>", "<img", "\"javascript:", "\u{202e}", "\u{1b}", "\r"] {
            assert!(!body.contains(forbidden), "{path} holds {forbidden:?}");
        }
        // Attributes are always in double quotes, and one that a text could end would be seen here.
        assert!(!body.contains(" onerror=alert(1)>"), "{path}");
        for attribute in [" style=", " onclick=", " onload="] {
            assert!(!body.contains(attribute), "{path} has{attribute}: the policy refuses it");
        }
    }
    let (_, _, body) = page.get("/clusters/n/a").await;
    assert!(body.contains("&lt;script&gt;") && body.contains("‹U+202E›‹U+001B›[2J‹U+000D›"), "what hides is shown");
}

/// Each answer, also an error, a style sheet and a health check, carries the policy; and nobody is answered by another name.
#[tokio::test]
async fn every_answer_is_fenced() {
    let page = Page::of(made_of("x")).await;
    let others = ["/style.css", "/page.js", "/icon.svg", "/api/view", "/healthz", "/metrics", "/nothing/here", "/clusters/n/nobody"];
    for path in PATHS.iter().chain(&others) {
        let (status, headers, _) = page.get(path).await;
        assert!(status == 200 || status == 404, "{path}: {status}");
        let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
        let policy = header("content-security-policy");
        assert!(policy.starts_with("default-src 'none'") && policy.contains("frame-ancestors 'none'"), "{path}: {policy}");
        assert!(!policy.contains("unsafe"), "{path}: {policy}");
        let others = ["x-content-type-options", "referrer-policy", "cache-control", "cross-origin-resource-policy"].map(header);
        assert_eq!(others, ["nosniff", "no-referrer", "no-store", "same-origin"], "{path}");
        let foreign = page.client.get(format!("{}{path}", page.address)).header("host", "evil.example").send().await.unwrap();
        assert_eq!(foreign.status(), 403, "{path} answers a foreign name");
        let posted = page.client.post(format!("{}{path}", page.address)).send().await.unwrap();
        assert!(posted.status().is_client_error(), "{path} takes a POST: {}", posted.status());
    }
}

/// The parts that make a page usable with a keyboard and a screen reader, on every page.
#[tokio::test]
async fn every_page_has_its_landmarks() {
    let page = Page::of(made_of("x")).await;
    let mut titles = std::collections::BTreeSet::new();
    for path in PATHS.iter().filter(|path| !path.contains('?')) {
        let (_, _, body) = page.get(path).await;
        assert_eq!(body.matches("<h1").count(), 1, "{path} has one heading");
        for part in ["<html lang=\"en\">", "class=\"skip\" href=\"#content\"", "<main id=\"content\"", "<nav aria-label="] {
            assert!(body.contains(part), "{path} lacks {part}");
        }
        assert_eq!(body.matches("<table").count(), body.matches("<caption").count(), "{path}: every table has a caption");
        assert_eq!(body.matches("<th>").count(), 0, "{path}: a heading of a table says what it is the heading of");
        let title = body.split_once("<title>").unwrap().1.split_once("</title>").unwrap().0.to_owned();
        assert!(titles.insert(title.clone()), "{path}: two pages are called {title}");
    }
}

/// What changes reaches an open page as one word; the content is read at the page's own address.
#[tokio::test]
async fn an_open_page_is_told() {
    let page = Page::of(View::default()).await;
    let (_, _, empty) = page.get("/").await;
    assert!(empty.contains("no fleet and no cluster yet"), "an empty page says what to do");
    let mut stream = page.client.get(format!("{}/stream", page.address)).send().await.unwrap();
    let mut told = String::new();
    while !told.contains("connected") {
        told.push_str(&String::from_utf8_lossy(&stream.chunk().await.unwrap().unwrap()));
    }
    page.state.view.send_replace(Arc::new(made_of("news")));
    while !told.contains("data: changed") {
        told.push_str(&String::from_utf8_lossy(&stream.chunk().await.unwrap().unwrap()));
    }
    assert!(page.get("/").await.2.contains("news"));
}

/// A thousand clusters: the page stays a page. What it weighs and takes is printed (`--nocapture`), not asserted.
#[tokio::test]
async fn a_thousand_clusters_are_pages_of_two_hundred() {
    let one = made_of("x").clusters.remove(0);
    let mut view = made_of("x");
    view.clusters = (0..1_000)
        .map(|index| {
            let mut cluster = ClusterView { name: format!("c{index:04}"), stopped: String::new(), held: String::new(), ..one.clone() };
            cluster.instances = (0..3)
                .map(|number| InstanceView { name: format!("c{index:04}-{number}"), ready: true, ..InstanceView::default() })
                .collect();
            if index != 999 {
                (cluster.ready, cluster.waiting) = ("True".to_owned(), String::new());
            }
            cluster
        })
        .collect();
    let page = Page::of(view).await;
    for path in ["/", "/clusters", "/clusters?page=5", "/clusters?name=c0999", "/fleets/ops/f", "/clusters/n/c0500"] {
        let began = Instant::now();
        let (status, _, body) = page.get(path).await;
        println!("{path}: {} kB in {:.1} ms", body.len() / 1_000, began.elapsed().as_secs_f64() * 1e3);
        assert_eq!(status, 200);
        assert!(body.matches("<tr").count() <= 300, "{path} is not cut into pages");
    }
    let (_, _, body) = page.get("/clusters").await;
    assert!(body.find("c0999") < body.find("c0000"), "the one that is not well comes first");
}
