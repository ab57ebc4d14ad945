//! Every listener and every route, who may reach it and why; and what each answers to requests that nobody should send.

use super::program::exchange;
use stackgres::engine::controller::{LookAgain, State, now};
use stackgres::engine::view::Reader;
use stackgres::hooks::{Hooks, SecretsFile, serve};
use stackgres::kubernetes::Cluster;
use stackgres::sandbox::{Sandbox, SandboxOptions};
use stackgres::web::{router, router_with_page};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// Who may ask.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Reach {
    /// Everybody who reaches the pod.
    Open,
    /// Whoever signs with the secret of the webhook.
    Signed,
    /// Programs and browsers of this machine that call it by its name; the controller in a Kubernetes cluster does not serve it.
    ThisMachine,
}

/// Every route there is. One that is missing here fails the test below, and so somebody decides who may reach it.
const ROUTES: &[(&str, &str, Reach, &str)] = &[
    ("src/web/mod.rs", "/", Reach::Open, "the controller's index: names three paths, and no data"),
    ("src/web/mod.rs", "/healthz", Reach::Open, "the kubelet asks without credentials; one word"),
    ("src/web/mod.rs", "/readyz", Reach::Open, "the kubelet asks without credentials; one word"),
    (
        "src/web/mod.rs",
        "/metrics",
        Reach::Open,
        "Prometheus asks without credentials; counts by state and names of fleets, nothing of a manifest",
    ),
    ("src/web/page/mod.rs", "/", Reach::ThisMachine, "the page, read with the rights of who started it"),
    ("src/web/page/mod.rs", "/clusters", Reach::ThisMachine, "every cluster"),
    ("src/web/page/mod.rs", "/events", Reach::ThisMachine, "every event"),
    ("src/web/page/mod.rs", "/fleets/{namespace}/{name}", Reach::ThisMachine, "one fleet"),
    ("src/web/page/mod.rs", "/fleets/{namespace}/{name}/plan", Reach::ThisMachine, "its last plan"),
    ("src/web/page/mod.rs", "/fleets/{namespace}/{name}/events", Reach::ThisMachine, "its events"),
    ("src/web/page/mod.rs", "/clusters/{namespace}/{name}", Reach::ThisMachine, "one cluster"),
    ("src/web/page/mod.rs", "/clusters/{namespace}/{name}/plan", Reach::ThisMachine, "its plan"),
    ("src/web/page/mod.rs", "/clusters/{namespace}/{name}/diff", Reach::ThisMachine, "what differs, masked"),
    ("src/web/page/mod.rs", "/clusters/{namespace}/{name}/events", Reach::ThisMachine, "its events"),
    ("src/web/page/mod.rs", "/clusters/{namespace}/{name}/history", Reach::ThisMachine, "its revisions"),
    ("src/web/page/mod.rs", "/clusters/{namespace}/{name}/history/{revision}", Reach::ThisMachine, "one revision, masked"),
    ("src/web/page/mod.rs", "/stream", Reach::ThisMachine, "tells that something changed"),
    ("src/web/page/mod.rs", "/api/view", Reach::ThisMachine, "what the page shows, for programs"),
    ("src/web/page/mod.rs", "/style.css", Reach::ThisMachine, "a fixed file"),
    ("src/web/page/mod.rs", "/page.js", Reach::ThisMachine, "a fixed file"),
    ("src/web/page/mod.rs", "/icon.svg", Reach::ThisMachine, "a fixed file"),
    ("src/web/page/mod.rs", "*", Reach::ThisMachine, "there is no such page"),
    ("src/hooks/mod.rs", "/webhook", Reach::Signed, "a push of a forge; says only look again"),
    ("src/sandbox/server.rs", "*", Reach::ThisMachine, "the in-memory Kubernetes API of the demo and of tests"),
];

/// Files that may accept connections.
const LISTENERS: &[&str] =
    &["src/hooks/listener.rs", "src/sandbox/server.rs", "src/wiring/controller.rs", "src/wiring/demo/mod.rs", "src/wiring/page.rs"];

fn sources(folder: &Path, found: &mut Vec<(String, String)>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let name = path.strip_prefix(env!("CARGO_MANIFEST_DIR")).unwrap().to_string_lossy().into_owned();
            let text = std::fs::read_to_string(&path).unwrap();
            found.push((name, text.split("\n#[cfg(test)]").next().unwrap().to_owned()));
        }
    }
}

/// A route that nobody thought about would be open to everybody who reaches the pod.
#[test]
fn every_route_and_listener_is_listed() {
    let mut files = Vec::new();
    sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut files);
    let (mut routes, mut listeners) = (BTreeSet::new(), BTreeSet::new());
    for (name, text) in &files {
        for rest in text.split(".route(").skip(1) {
            let path = rest.trim_start().strip_prefix('"').and_then(|rest| rest.split_once('"'));
            routes.insert((name.as_str(), path.unwrap_or_else(|| panic!("{name}: a route without a literal path")).0));
        }
        for _ in text.split(".fallback(").skip(1) {
            routes.insert((name.as_str(), "*"));
        }
        for other in [".nest(", ".nest_service(", ".route_service(", ".fallback_service("] {
            assert!(!text.contains(other), "{name}: {other} hides routes from this test");
        }
        if ["Listener::bind", "axum::serve", "serve_connection", "UdpSocket::bind"].iter().any(|word| text.contains(word)) {
            listeners.insert(name.as_str());
        }
    }
    assert_eq!(routes, ROUTES.iter().map(|(file, path, ..)| (*file, *path)).collect());
    assert_eq!(listeners, LISTENERS.iter().copied().collect());
}

/// A face on a free port.
async fn face(with_page: bool) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let state = Arc::new(State::default());
    let router = if with_page { router_with_page(state, Reader::new(nobody())) } else { router(state) };
    tokio::spawn(async move { axum::serve(listener, router).await });
    address
}

/// An API server that nobody is.
fn nobody() -> Cluster {
    drop(rustls::crypto::ring::default_provider().install_default());
    let config = kube::Config::new("http://127.0.0.1:1".parse().unwrap());
    Cluster::new(kube::Client::try_from(config).unwrap(), Duration::from_secs(1))
}

async fn webhook(folder: &Path) -> String {
    let file = folder.join("secret");
    std::fs::write(&file, "correct-horse-battery-staple\n").unwrap();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let hooks = Arc::new(Hooks::new(SecretsFile::new(file), LookAgain::new(nobody()), now));
    tokio::spawn(serve(listener, hooks, CancellationToken::new()));
    address
}

fn with_servers(test: impl FnOnce(&BTreeMap<&'static str, String>)) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let sandbox = runtime.block_on(Sandbox::start(SandboxOptions::default())).unwrap();
    let servers = runtime.block_on(async {
        BTreeMap::from([("controller", face(false).await), ("page", face(true).await), ("webhook", webhook(folder.path()).await)])
    });
    let mut servers = servers;
    servers.insert("sandbox", sandbox.url().trim_start_matches("http://").to_owned());
    test(&servers);
    drop(sandbox);
}

fn ask(address: &str, method: &str, path: &str, headers: &str) -> (u16, String) {
    let answer = exchange(address, format!("{method} {path} HTTP/1.1\r\n{headers}Connection: close\r\n\r\n").as_bytes());
    let status = answer.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
    (status, answer)
}

const HOME: &str = "Host: localhost\r\n";

fn routes_of(reach: Reach, file: &str) -> impl Iterator<Item = String> {
    let of = ROUTES.iter().filter(move |(at, path, who, _)| *who == reach && at.starts_with(file) && *path != "*");
    of.map(|(_, path, ..)| path.replace("{namespace}", "shop").replace("{name}", "a").replace("{revision}", "r"))
}

/// The controller in a cluster tells counts and no facts: whatever shows data is the page's, and that is not served there.
#[test]
fn the_controller_serves_nothing_that_shows_data() {
    with_servers(|servers| {
        let address = &servers["controller"];
        for path in routes_of(Reach::ThisMachine, "src/web").filter(|path| path != "/") {
            assert_eq!(ask(address, "GET", &path, HOME).0, 404, "{path}");
        }
        for path in routes_of(Reach::Open, "src/web") {
            let (status, answer) = ask(address, "GET", &path, "Host: stackgres.svc\r\n");
            assert!(matches!(status, 200 | 503), "{path}: {answer}");
        }
    });
}

/// A web site can let its own name lead to this machine (DNS rebinding); its scripts would then read the page, metrics included, or write
/// into the demo's API.
#[test]
fn nobody_reaches_this_machines_page_by_another_name() {
    with_servers(|servers| {
        let strange = [
            "evil.example",
            "evil.example:8080",
            "localhost.evil.example",
            "127.0.0.1.nip.io",
            "localhost@evil.example",
            "localhost:80:evil",
            "[::1].evil",
            "",
            "169.254.169.254",
            "0.0.0.0",
            "localhost.",
            "localhost/",
        ];
        let everywhere = ROUTES.iter().filter(|(file, path, ..)| file.starts_with("src/web") && *path != "*").map(|(_, path, ..)| *path);
        for path in everywhere.chain(["/nothing", "/clusters/shop/a/../b"]) {
            for host in strange {
                let (status, answer) = ask(&servers["page"], "GET", path, &format!("Host: {host}\r\n"));
                assert!(matches!(status, 400 | 403), "{path} as {host:?}: {answer}");
            }
            for twice in ["Host: localhost\r\nHost: evil.example\r\n", "Host: evil.example\r\nHost: localhost\r\n", ""] {
                let (status, answer) = ask(&servers["page"], "GET", path, twice);
                assert!(matches!(status, 400 | 403), "{path} with {twice:?}: {answer}");
            }
        }
        for host in ["localhost", "localhost:8080", "127.0.0.1:1", "[::1]:80"] {
            assert_eq!(ask(&servers["page"], "GET", "/", &format!("Host: {host}\r\n")).0, 200, "{host}");
        }
        for host in strange {
            let (status, answer) = ask(&servers["sandbox"], "GET", "/api/v1/secrets", &format!("Host: {host}\r\n"));
            assert!(matches!(status, 400 | 403), "the sandbox as {host:?}: {answer}");
        }
        let from_a_site = ask(
            &servers["sandbox"],
            "POST",
            "/api/v1/namespaces",
            "Host: localhost\r\nOrigin: https://evil.example\r\nContent-Length: 2\r\n",
        );
        assert_eq!(from_a_site.0, 403, "{}", from_a_site.1);
        assert_eq!(ask(&servers["sandbox"], "GET", "/api/v1/secrets", HOME).0, 200);
    });
}

/// Nothing is changed through a face, and what is odd is refused, not guessed at.
#[test]
fn odd_requests_are_refused() {
    with_servers(|servers| {
        for name in ["controller", "page"] {
            let reach = if name == "page" { Reach::ThisMachine } else { Reach::Open };
            for path in routes_of(reach, "src/web") {
                for method in ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "CONNECT", "TRACE", "TRACK", "DEBUG"] {
                    let (status, answer) = ask(&servers[name], method, &path, &format!("{HOME}X-Echo: planted\r\nContent-Length: 0\r\n"));
                    assert!(matches!(status, 400 | 405), "{name}: {method} {path}: {answer}");
                    assert!(!answer.contains("planted"), "{method} repeats headers");
                }
                if !path.starts_with("/stream") {
                    let (status, answer) = ask(&servers[name], "HEAD", &path, HOME);
                    assert!(matches!(status, 200 | 404 | 502 | 503), "{name}: HEAD {path}: {answer}");
                    assert_eq!(answer.split_once("\r\n\r\n").unwrap().1, "", "HEAD has no body");
                }
            }
        }
        for (name, address) in servers.iter().filter(|(name, _)| **name != "sandbox") {
            for path in [
                "/../etc/passwd",
                "//healthz",
                "/healthz/",
                "/%2e%2e/%2e%2e/etc/passwd",
                "/healthz%00",
                "/clusters/%2e%2e/x",
                "/.git/config",
                "/api",
                "/webhook/x",
                "/static/../x",
            ] {
                let (status, answer) = ask(address, "GET", path, HOME);
                assert!(matches!(status, 400 | 404), "{name}: {path}: {answer}");
                assert!(!answer.contains("root:"), "{name}: {path}");
            }
            let long = "a".repeat(1 << 20);
            for (path, headers) in [("/healthz".to_owned(), format!("{HOME}X-Long: {long}\r\n")), (format!("/{long}"), HOME.to_owned())] {
                let (status, answer) = ask(address, "GET", &path, &headers);
                assert!(matches!(status, 0 | 400 | 404 | 414 | 431), "{name}: {}", answer.chars().take(200).collect::<String>());
            }
            for raw in [
                &b"GET /\x00 HTTP/1.1\r\nHost: localhost\r\n\r\n"[..],
                b"\x16\x03\x01\x02\x00\x01\x00",
                b"GET / HTTP/9.9\r\n\r\n",
                b"GET http://evil.example/ HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n",
            ] {
                let answer = exchange(address, raw);
                let served = answer.contains(" 200 ") && name != &"controller";
                assert!(!served, "{name}: {raw:?}: {answer}");
            }
            // Somebody was there before and broke things: the next one is served as usual.
            let (path, expected) = if *name == "webhook" { ("/webhook", 405) } else { ("/healthz", 200) };
            assert_eq!(ask(address, "GET", path, HOME).0, expected, "{name}");
        }
    });
}

/// Every answer of the page, errors included, tells the browser to run and embed nothing; a missing header on an error page is enough to
/// frame it.
#[test]
fn every_answer_carries_the_security_headers() {
    with_servers(|servers| {
        let paths =
            routes_of(Reach::ThisMachine, "src/web").chain(["/nothing", "/clusters/shop/none", "/healthz", "/metrics"].map(str::to_owned));
        let mut answers: Vec<(String, String)> = paths.map(|path| (path.clone(), ask(&servers["page"], "GET", &path, HOME).1)).collect();
        answers.push(("a stranger".to_owned(), ask(&servers["page"], "GET", "/", "Host: evil.example\r\n").1));
        answers.push(("a wrong method".to_owned(), ask(&servers["page"], "POST", "/", HOME).1));
        answers.push(("the controller".to_owned(), ask(&servers["controller"], "GET", "/metrics", HOME).1));
        for (path, answer) in answers {
            let head = answer.split("\r\n\r\n").next().unwrap().to_lowercase();
            let policy =
                head.lines().find_map(|line| line.strip_prefix("content-security-policy: ")).unwrap_or_else(|| panic!("{path}: {head}"));
            assert!(policy.starts_with("default-src 'none';") && policy.contains("frame-ancestors 'none'"), "{path}: {policy}");
            assert!(!policy.contains("unsafe") && !policy.contains('*') && !policy.contains("data:"), "{path}: {policy}");
            for header in
                ["x-content-type-options: nosniff", "x-frame-options: deny", "referrer-policy: no-referrer", "cache-control: no-store"]
            {
                assert!(head.lines().any(|line| line == header), "{path} lacks {header}: {head}");
            }
            assert!(!head.contains("access-control-allow") && !head.contains("server:") && !head.contains("set-cookie"), "{path}: {head}");
            let body = answer.split_once("\r\n\r\n").unwrap().1;
            for inline in [" onclick", " onload", " style=", "<style", "javascript:", "<script>"] {
                assert!(!body.contains(inline) || ["/style.css", "/page.js"].contains(&path.as_str()), "{path}: {inline}");
            }
        }
    });
}

/// Whoever does not know the secret learns nothing and changes nothing, whatever the path or method.
#[test]
fn the_webhook_answers_nobody_without_the_secret() {
    with_servers(|servers| {
        let address = &servers["webhook"];
        for path in ["/", "/healthz", "/metrics", "/api/view", "/webhook/", "/webhook/../metrics"] {
            assert_eq!(ask(address, "GET", path, HOME).0, 404, "{path}");
        }
        for method in ["GET", "PUT", "DELETE", "TRACE", "HEAD", "OPTIONS"] {
            assert_eq!(ask(address, method, "/webhook", HOME).0, 405, "{method}");
        }
        for headers in [
            "",
            "X-GitHub-Event: push\r\n",
            "X-GitHub-Event: ping\r\nX-Hub-Signature-256: sha256=00\r\n",
            "X-Gitlab-Token: x\r\n",
            "Authorization: Bearer x\r\n",
        ] {
            let body = "{}";
            let request = format!(
                "POST /webhook HTTP/1.1\r\nHost: a\r\n{headers}Content-Type: application/json\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}",
                body.len()
            );
            let answer = exchange(address, request.as_bytes());
            assert!(answer.starts_with("HTTP/1.1 401 "), "{headers}: {answer}");
            assert!(!answer.contains("correct-horse"), "{answer}");
        }
    });
}
